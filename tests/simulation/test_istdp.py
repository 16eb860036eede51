"""The shipped network `istdp`: inhibitory plasticity drives excitatory neurons to their target rates."""

from __future__ import annotations

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.types import Array


def _rates(recording: hr.Recording, begin: float, end: float) -> Array:
    """Of every neuron, in Hz, between two times in ms."""
    first, last = np.searchsorted(recording.spike_times, [begin, end])
    return np.bincount(recording.spike_neurons[first:last], minlength=recording.n) / (end - begin) * 1e3


def test_excitatory_neurons_approach_their_targets() -> None:
    """From no inhibition at all, as Vogels et al. (2011) have it: their figure 4, with a target for each neuron."""
    drawn = hr.draw(hr.load_network("istdp"), 1)
    assert not drawn.plastic.w.any()
    stimulus = hr.uniform_stimulus(3000, "10 ms", 1)
    recording = hr.simulate(drawn, stimulus)
    excitatory = drawn.members("E")
    target = drawn.neurons["rho_0"][excitatory]
    early, late = (_rates(recording, *ends)[excitatory] for ends in ((0.0, 200.0), (20e3, 30e3)))
    assert early.mean() > 5 * target.mean()
    assert late.mean() == pytest.approx(target.mean(), rel=0.2)
    assert np.abs(late - target).mean() < 0.25 * target.mean()
    assert np.corrcoef(late, target)[0, 1] > 0.7
    # Learning does it: weights that stay leave the rates where they were, and the learned ones keep the balance.
    unlearned = hr.simulate(drawn, stimulus[:50], plasticity=False)
    assert _rates(unlearned, 0.0, 500.0)[excitatory].mean() > 10 * target.mean()
    kept = hr.simulate(drawn, stimulus[:500], plasticity=False, state=recording)
    assert _rates(kept, 0.0, 5e3)[excitatory].mean() == pytest.approx(target.mean(), rel=0.3)


def test_weights_follow_the_rule() -> None:
    """Worked out anew from the spikes, synapse by synapse: in a step pre-synaptic events come first."""
    drawn = hr.draw(hr.load_network("istdp", n=60), 3)
    recording = hr.simulate(drawn, hr.uniform_stimulus(100, "10 ms", 2), backend="numpy")
    synapses, dt, tau = drawn.plastic, drawn.network.dt, 20.0
    w_max, eta = drawn.shared["istdp.w_max"], synapses.parameters["eta"]
    floor = 2 * drawn.neurons["rho_0"][synapses.target] * tau / 1e3
    w, apre, apost = (np.zeros(len(synapses)) for _ in range(3))
    steps = np.round(recording.spike_times / dt).astype(int)
    before = 0
    for step in np.unique(steps):
        fired = np.isin(np.arange(drawn.n), recording.spike_neurons[steps == step])
        decay = np.exp(-(step - before) * dt / tau)
        apre, apost, before = apre * decay, apost * decay, step
        pre, post = fired[synapses.source], fired[synapses.target]
        apre[pre] += 1
        w = np.where(pre, np.clip(w + eta * w_max * (apost - floor), 0, w_max), w)
        apost[post] += 1
        w = np.where(post, np.clip(w + eta * w_max * apre, 0, w_max), w)
    assert w.max() > 0 and recording.spike_times.size > 500
    np.testing.assert_allclose(recording.weights, -w, rtol=1e-9, atol=1e-20)


def test_the_backends_agree() -> None:
    drawn = hr.draw(hr.load_network("istdp", n=60), 3)
    stimulus = hr.uniform_stimulus(30, "10 ms", 2)
    one, *others = (hr.simulate(drawn, stimulus, backend=b) for b in ("brian2", "fast", "numpy"))
    assert one.spike_times.size > 100
    for other in others:
        np.testing.assert_array_equal(other.spike_times, one.spike_times)
        np.testing.assert_array_equal(other.spike_neurons, one.spike_neurons)
        np.testing.assert_allclose(other.weights, one.weights, rtol=1e-9, atol=1e-20)
