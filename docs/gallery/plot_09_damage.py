"""
Lose neurons
============

Train a network, take neurons away, and measure what is left of its memory.

Memory falls slowly: when half of the neurons are lost, the others still hold most of it.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr

draw = hr.draw(hr.load_network("henhes", n=150), seed=1)
trained = hr.train(draw)
stimulus = hr.uniform_stimulus(1500, hold="10 ms", seed=2)
shares, memory = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], []
for share in shares:
    damaged, state = hr.lose_neurons(draw, trained, share, seed=3)
    states = hr.states(hr.simulate(damaged, stimulus, plasticity=False, state=state), stimulus)
    memory.append(hr.memory_capacity(states, stimulus.values[:, 0], d_max=40, washout=50))
    print(f"{share:.0%} lost: {memory[-1]}")

fig, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
ax.errorbar(shares, [c.total for c in memory], [2 * c.stderr for c in memory], fmt="o-", color="#D55E00", capsize=3)
ax.set(xlabel="share of neurons lost", ylabel="C (samples)", ylim=(0, None))
plt.show()
