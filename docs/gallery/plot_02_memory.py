"""
What one network remembers
==========================

Train a network without labels, freeze it, and ask a linear readout for past inputs.

The readout finds most of the last input, and ever less of older ones. Summed over all delays, the curve is the memory
capacity C.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr
from hetero_rsnn import plots

draw = hr.draw(hr.load_network("henhes", n=200), seed=1)
stimulus = hr.uniform_stimulus(2000, hold="10 ms", seed=2)
recording = hr.simulate(draw, stimulus, plasticity=False, state=hr.train(draw))
states = hr.states(recording, stimulus)
capacity = hr.memory_capacity(states, stimulus.values[:, 0], d_max=40, washout=50)
print(hr.spike_efficiency(capacity, recording, stimulus))  # C, S and E = C / S

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
plots.plot_capacity(capacity, ax)
plt.show()
