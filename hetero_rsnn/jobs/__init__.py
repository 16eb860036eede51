"""Running things: on threads, processes, executors, clusters; the journal that a long run can be resumed from.

``running``    a list of jobs, wherever they run
``parallel``   what processes that run jobs have in common
``progress``   how far work is
``workers``    processes that can be killed
``remote``     what all runners share
``legs``       long jobs, leg by leg
``executors``  where jobs run: make_runner
``clusters``   executors of others, Dask
``dask_log``   what Dask logs of lost connections, kept quiet
``locks``      locking a file against other processes
``journal``    an append-only file of JSON lines, each with a checksum
"""
