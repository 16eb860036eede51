"""What everything stands on. Imports nothing of this package.

``array_files`` arrays beside a file of text that names them
``capacities``  the two questions that a memory capacity answers, by name
``checks``      one check for each kind of argument
``compiled``    what compiled code shares, and a word before it is compiled; the only module here that imports numba
``errors``      every error that a user can meet
``extras``      optional packages, imported where they are used
``figures``     which function draws a result, found when it is called
``files``       writing so that nothing is lost; reading TOML
``lazy``        names that are looked up when first used
``memory``      what a piece of work would take, asked before it begins
``randomness``  the one tree of random generators
``sameness``    whether two results are one
``svg``         thumbnails for notebooks
``tables``      a table of text, for print and for notebooks
``text``        foreign text as it may be printed
``types``       types of arrays
``units``       text with a unit, Brian2 quantities, grid steps
``versions``    versions of this package and of what results depend on
"""
