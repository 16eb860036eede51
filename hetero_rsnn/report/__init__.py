"""What is read: tables in the terminal, pages of searches and studies, the live figure in a notebook.

``terminal``           standard output as a place for tables
``comparison_tables``  tables of a comparison
``sweep_tables``       tables of a sweep
``table_files``        tables as CSV and LaTeX
``task_tables``        tables of tasks
``image_tables``       tables of feed-forward networks on images
``control_tables``     tables of actors that learned to act
``search_tables``      tables of a search
``page``               HTML pages that need nothing else (assets/ holds their style and scripts)
``search_page``        a search as a page
``search_data``        a search as the rows and pictures that the script of its page reads
``seeds_page``         what pages share whose points are seeds
``study_page``         a comparison or a sweep as a page
``task_page``          a classification (``classification_page``) or a forecast (``forecast_page``) as a page
``task_data``          pieces of the two
``image_page``         feed-forward networks on images as a page
``confusion``          confusion matrices as tables of a page
``serving``            a page that is served while it grows
``live``               a figure of a search that grows while it runs
"""
