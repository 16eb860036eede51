"""
Spikes of a heterogeneous network
=================================

Draw a network, drive it with random numbers, and look at its spikes.

The input changes every 10 ms. Excitatory neurons (E) and inhibitory neurons (I) fire about ten times a second. Fast
neurons stand out as dense rows.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

net = hr.load_network("henhes", n=200)
draw = hr.draw(net, seed=1)
stimulus = hr.uniform_stimulus(200, hold="10 ms", seed=2)
recording = hr.simulate(draw, stimulus)
print(recording)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 4), sharex=True, layout="constrained", height_ratios=(1, 3))
plots.plot_input(stimulus, top, duration=1000)
plots.plot_raster(recording, bottom, draw=draw, duration=1000)
top.set(xlabel="", ylabel="input")
plt.show()
