"""
Efficiency over capacity of four networks
=========================================

Compare networks with homogeneous (Ho) or heterogeneous (He) neurons (N) and synapses (S) on the same seeds.

The two networks with heterogeneous neurons lie at the upper right: they remember twice as much, and more for each
spike. With so few neurons and seeds the intervals of E still overlap.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

small = {"n": 150, "protocol.samples": 1500, "protocol.d_max": 40, "protocol.train": "4 s"}
networks = [hr.load_network(name, **small) for name in ("honhos", "henhos", "honhes", "henhes")]
found = hr.compare(networks, seeds=6, workers=2)
print(found)

fig, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
plots.plot_efficiency(found.measurements, ax)
plt.show()
