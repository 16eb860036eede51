"""Data sets x networks x seeds.

``classification``  classify
``forecasting``     forecast
``recipes``         how networks are used on each data set
``result``          what came of it
"""
