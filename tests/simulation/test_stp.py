"""Short-term plasticity of the shipped network: paired pulses and the steady state of trains, in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import BACKENDS
from relays import trains, wired

import hetero_rsnn as hr

#: U, tau_rec and tau_facil of a synapse that depresses, one that facilitates, and one that does both.
SYNAPSES = ((0.5, 800.0, 1e-3), (0.05, 100.0, 1000.0), (0.25, 300.0, 200.0))
W, TAU_SYN = 0.01, 10.0


def responses(backend: str, times: list[float], **options: bool) -> tuple[hr.Draw, hr.Recording, np.ndarray]:
    """What each spike of neuron 0 adds to the currents of three others, shape (synapses, spikes)."""
    edges = [(0, 1 + k, W, dict(zip(("U", "tau_rec", "tau_facil"), s, strict=True))) for k, s in enumerate(SYNAPSES)]
    drawn = wired("stp", 5, edges, tau_syn=[0.02, *[TAU_SYN] * 4])
    stimulus = trains([times, *[[]] * 4], duration=times[-1] + 20)
    found = hr.simulate(drawn, stimulus, backend=backend, record=["I_syn"], record_neurons=[1, 2, 3], **options)
    np.testing.assert_allclose(found.spike_times, times)
    current, at = found.traces["I_syn"], np.round(times).astype(int)
    return drawn, found, current[at + 1].T - current[at].T * math.exp(-1 / TAU_SYN)


def resources(U: float, tau_rec: float, tau_facil: float, gaps: np.ndarray) -> np.ndarray:
    """Released resources u * x of a train of spikes, spike by spike."""
    u, x, out = U, 1.0, [U]
    for gap in gaps:
        x = 1 - (1 - x * (1 - u)) * math.exp(-gap / tau_rec)
        u = U + u * (1 - U) * math.exp(-gap / tau_facil)
        out.append(u * x)
    return np.array(out)


@pytest.mark.parametrize("backend", BACKENDS)
def test_any_train(backend: str) -> None:
    times = [11.0, 31.0, 36.0, 80.0, 81.0, 200.0]
    for mine, synapse in zip(responses(backend, times)[2], SYNAPSES, strict=True):
        np.testing.assert_allclose(mine, W * resources(*synapse, np.diff(times)), rtol=1e-9)


@pytest.mark.parametrize("gap", [5.0, 20.0, 100.0])
def test_paired_pulses(gap: float) -> None:
    ratios = np.divide(*responses("fast", [11.0, 11.0 + gap])[2].T[::-1])
    for ratio, (U, tau_rec, tau_facil) in zip(ratios, SYNAPSES, strict=True):
        recovered, facilitated = 1 - U * math.exp(-gap / tau_rec), 1 + (1 - U) * math.exp(-gap / tau_facil)
        assert ratio == pytest.approx(recovered * facilitated, rel=1e-9)
    assert ratios[0] < 1 < ratios[1]


@pytest.mark.parametrize("rate", [5.0, 20.0, 50.0])
def test_the_steady_state_of_a_train(rate: float) -> None:
    """Equations of the paper for stationary responses; above some frequency they fall as 1 / rate."""
    gap = 1e3 / rate
    last = responses("fast", (11.0 + gap * np.arange(400)).tolist())[2][:, -1] / W
    for found, (U, tau_rec, tau_facil) in zip(last, SYNAPSES, strict=True):
        decay, kept = math.exp(-gap / tau_rec), math.exp(-gap / tau_facil)
        u = U / (1 - (1 - U) * kept)
        assert found == pytest.approx(u * (1 - decay) / (1 - (1 - u) * decay), rel=1e-6)
    if rate == 50:
        assert last[0] * rate * 0.8 == pytest.approx(1.0, abs=0.05)  # tau_rec is 0.8 s


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_goes_on_where_nothing_learns(backend: str) -> None:
    times = [11.0, 31.0, 36.0]
    drawn, frozen, released = responses(backend, times, plasticity=False)
    np.testing.assert_array_equal(released, responses(backend, times)[2])
    np.testing.assert_array_equal(frozen.weights, drawn.plastic.w)
    rest = hr.simulate(
        drawn, trains([[5.0], *[[]] * 4], duration=20), backend=backend, state=frozen, plasticity=False,
        record=["I_syn"], record_neurons=[1, 2, 3],
    )  # fmt: skip
    current = rest.traces["I_syn"]
    later = current[6] - current[5] * math.exp(-1 / TAU_SYN)
    for mine, synapse in zip(later, SYNAPSES, strict=True):
        gaps = np.diff([*times, frozen.duration + 5])
        assert mine == pytest.approx(W * resources(*synapse, gaps)[-1], rel=1e-9)


def test_rules_that_learn_are_told_from_those_that_do_not() -> None:
    assert not hr.load_network("stp").plasticity.learns
    for name in ("henhes", "triplet"):
        assert hr.load_network(name).plasticity.learns
