"""Searching spaces of distributions. (Not `search`: that is the public function.)

``space``               a search space: networks that differ in distributions
``space_parsing``       every rule of a space file
``search``              the two entry functions
``options``             what a user may choose, listed once
``settings``            what the journal holds of it
``start``               beginning and resuming
``run``                 the loop: ask, measure, tell, journal
``events``              what the lines of a journal must hold
``resuming``            the events that a journal holds are met again
``trial``               what became of a candidate
``objectives``          efficiency, capacity, Pareto front, limits
``optimiser``           ask and tell
``surrogate``           Gaussian process of one quantity
``wasserstein``         kernel on distributions (2-Wasserstein)
``quantiles``           distributions as points whose distance is W2
``result``              SearchResult
``view``                what of a search is shown
``wording``             how it is worded
``watching``            what has been seen of a search that runs, in a line
``partial_dependence``  what a search learned about one number
``importance``          how much each number matters
"""
