"""What is read: tables in the terminal, the page of a search, the live figure in a notebook.

``terminal``           standard output as a place for tables
``comparison_tables``  tables of a comparison
``sweep_tables``       tables of a sweep
``table_files``        tables as CSV and LaTeX
``task_tables``        tables of tasks
``image_tables``       tables of feed-forward networks on images
``control_tables``     tables of actors that learned to act
``search_tables``      tables of a search
``search_page``        a search as one HTML page (assets/ holds its style and script)
``live``               a figure of a search that grows while it runs
"""
