"""Data sets x networks x seeds.

``classification``        classify
``forecasting``           forecast
``recipes``               how networks are used on each data set
``keeping``               the fitted estimator of a task, to be kept
``scoring``               a network's score on a task, cross-validated, for searches
``result``                what came of it
``advice``                advise: which way to classify fits a budget
``advice_ways``           what it tries, and what an answer of each takes
``advice_choice``         budgets and the front
``advice_verdict``        a network against the best ordinary model: yes, no or undecided
``advice_result``         what an advice found
``image_classification``  classify_images: feed-forward networks
``image_result``          what came of that
"""
