"""
Shapes of heterogeneity
=======================

Change the family of a distribution and keep its mean and its spread.

All three families have a mean of 30 ms and a cv of 0.5. The gamma and lognormal families are skewed, with a tail of
slow neurons; the truncated normal one has more very fast neurons.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

net = hr.load_network("henhos", n=1000)
families = ("gamma", "lognormal", "truncated_normal")
fig, axes = plt.subplots(1, 3, figsize=(8, 2.8), sharex=True, sharey=True, layout="constrained")
for ax, family in zip(axes, families, strict=True):
    spread = {"distribution": family, "mean": "30 ms", "cv": 0.5}
    draw = hr.draw(net.replace(**{"E.tau_m": spread}), seed=1)
    tau = draw.neurons["tau_m"][draw.members("E")]
    print(f"{family:16} mean {tau.mean():.1f} ms, cv {tau.std() / tau.mean():.2f}, fastest {tau.min():.1f} ms")
    plots.plot_parameter(draw, "tau_m", ax, population="E")
    ax.set_title(family, fontsize="medium")
plt.show()
