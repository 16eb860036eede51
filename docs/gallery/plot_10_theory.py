"""
Theory against simulation
=========================

Rates of all neurons without a simulation: each follows from the rates of the others.

Most predicted rates lie close to the diagonal, from slow neurons that fire a few times a second to fast ones. A few
neurons near their threshold are predicted to fire more than they do.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr

draw = hr.draw(hr.load_network("henhos", n=200), seed=1)
predicted = hr.self_consistent_rates(draw, formula="matched").rates_hz
stimulus = hr.uniform_stimulus(1500, hold="10 ms", seed=2)
simulated = hr.simulate(draw, stimulus, plasticity=False).rates_hz
print(f"mean rate: predicted {predicted.mean():.1f} Hz, simulated {simulated.mean():.1f} Hz")

fig, ax = plt.subplots(figsize=(4.4, 4), layout="constrained")
ax.loglog(simulated, predicted, ".", color="#0072B2")
ends = [1, 200]
ax.plot(ends, ends, "0.6", lw=1, zorder=0)
ax.set(xlabel="simulated rate (Hz)", ylabel="predicted rate (Hz)", xlim=ends, ylim=ends)
plt.show()
