"""
Sweep one number
================

How do memory and efficiency change with the spread (cv) of the membrane time constants?

Memory and efficiency rise with the spread at first. Beyond a best spread spikes grow faster than memory, and the path
in the right panel turns back.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

small = {"n": 150, "protocol.samples": 1500, "protocol.d_max": 40, "protocol.train": "4 s"}
net = hr.load_network("henhos", **small)
found = hr.sweep(net, "E.tau_m.cv", [0, 0.2, 0.4, 0.6, 0.8, 1.0], seeds=6, workers=2)
print(found)

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
plots.plot_sweep(found, left, quantity="C")
plots.plot_sweep_path(found, right)
plt.show()
