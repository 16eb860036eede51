"""
A search, and what it has learned
=================================

Let Bayesian optimisation look for the distributions that buy most memory per spike.

Left, the best value rises over the trials, and the marker at the right end is the winner on fresh seeds. Right, what
the model of the search believes of one number: the curve climbs up to the end of the range, so the best may lie beyond.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

result = hr.search("quick", budget=16, initial=8, seeds=2, workers=1)
print(result)
print("at the end of a range:", result.at_edge)

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
plots.plot_convergence(result, ax=left)
plots.plot_partial_dependence(result, "tau_m.mean", right)
plt.show()
