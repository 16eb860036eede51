"""Data sets x networks x seeds.

``classification``        classify
``forecasting``           forecast
``recipes``               how networks are used on each data set
``keeping``               the fitted estimator of a task, to be kept
``scoring``               a network's score on a task, cross-validated, for searches
``result``                what came of it
``image_classification``  classify_images: feed-forward networks
``image_result``          what came of that
"""
