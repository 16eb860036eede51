"""Delayed spikes against closed forms: when they arrive, what they leave, how long a loop holds one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, refused

import hetero_rsnn as hr
from hetero_rsnn.simulation.backends import has_kernel, only_generated
from hetero_rsnn.simulation.generated.queue import groups_of


def _silence(steps: int) -> hr.Stimulus:
    return hr.array_stimulus(np.zeros(steps), "1 ms")


def _one_spike(source: int, seed: int = 3) -> hr.Draw:
    """The shipped network in which one neuron fires, in step 0, and nobody else ever."""
    drawn = hr.draw(hr.load_network("delays", n=60, I_bias=0.0), seed)
    v_th, v = np.full(60, np.inf), np.zeros(60)
    v_th[source], v[source] = 1.0, 1.5
    return replace(drawn, neurons={**drawn.neurons, "v_th": v_th}, initial={**drawn.initial, "v": v})


def _arrived(drawn: hr.Draw, source: int, steps: int) -> np.ndarray:
    """I_syn at the beginning of every step: each weight, decaying since the step in which its delay was over."""
    tau, out = drawn.neurons["tau_syn"], np.zeros((steps, drawn.n))
    for synapses in (drawn.plastic, drawn.static):
        for k in np.flatnonzero(synapses.source == source):
            target, delay = synapses.target[k], int(synapses.delay[k])
            since = np.arange(steps) - delay - 1
            out[:, target] += synapses.w[k] * np.exp(-since * drawn.network.dt / tau[target]) * (since >= 0)
    return out


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spike_arrives_its_delay_later_at_every_synapse(backend: str) -> None:
    for source, kind in ((0, "excitatory"), (59, "inhibitory")):
        drawn = _one_spike(source)
        found = hr.simulate(drawn, _silence(30), backend=backend, record=["I_syn"], plasticity=False)
        assert found.spike_neurons.tolist() == [source] and found.spike_times.tolist() == [0.0]
        expected = _arrived(drawn, source, 30)
        delays = {int(d) for s in (drawn.plastic, drawn.static) for d in s.delay[s.source == source]}
        assert len(delays) > 3 if kind == "excitatory" else delays == {1}
        np.testing.assert_allclose(found.traces["I_syn"], expected, rtol=1e-12, atol=1e-15)
        assert (found.traces["I_syn"][:2] == 0).all() and (expected[-1] != 0).any()


def _loop(there: str, back: str) -> hr.Draw:
    """Two neurons that excite each other across delays, the first one above threshold at the beginning."""
    population = {"fraction": 0.5, "kind": "excitatory", "tau": "10 ms"}
    ends = {"topology": {"kind": "random", "p": 1.0}, "weight": 2.0}
    data = {
        "n": 2,
        "weight_scaling": "none",
        "neuron": {"equations": "dv/dt = -v / tau : 1", "threshold": "v > 1", "reset": "v = 0", "initial": {"v": 0.0}},
        "synapse": {"on_pre": "v_post += w"},
        "populations": {"A": population, "B": population},
        "projections": {
            "AB": {"pre": "A", "post": "B", "delay": there, **ends},
            "BA": {"pre": "B", "post": "A", "delay": back, **ends},
        },
    }
    drawn = hr.draw(hr.Network.from_dict(data, "loop"), 0)
    return replace(drawn, initial={"v": np.array([1.5, 0.0])})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_of_delays_holds_a_spike_for_ever(backend: str) -> None:
    """A spike moves v in the step after it arrives: round it takes both delays and two steps."""
    drawn = _loop("7 ms", "1000 ms")
    a = hr.simulate(drawn, _silence(2500), backend=backend)
    period = 7 + 1000 + 2
    np.testing.assert_array_equal(a.spike_times[a.spike_neurons == 0], np.arange(0, 2500, period))
    np.testing.assert_array_equal(a.spike_times[a.spike_neurons == 1], np.arange(8, 2500, period))
    assert a.state.under_way is not None and a.state.under_way.tolist() == [[2018, 2026], [0, 1]]


@pytest.mark.parametrize("backend", ["numpy", "brian2"])
def test_a_spike_under_way_survives_a_stretch_and_a_file(backend: str, tmp_path: Path) -> None:
    drawn = _loop("7 ms", "30 ms")
    whole = hr.simulate(drawn, _silence(100), backend=backend)
    first = hr.simulate(drawn, _silence(20), backend=backend)
    kept = hr.load_recording(first.save(tmp_path / "first"))
    assert kept.state.under_way is not None and kept.state.under_way.tolist() == [[0, 8], [0, 1]]
    rest = hr.simulate(drawn, _silence(80), backend=backend, state=kept)
    np.testing.assert_array_equal(np.concatenate([first.spike_times, rest.spike_times + 20]), whole.spike_times)
    assert whole.spike_times.size > first.spike_times.size > 1


def test_a_state_with_impossible_spikes_under_way_is_refused() -> None:
    drawn = _loop("7 ms", "30 ms")
    state = hr.simulate(drawn, _silence(20), backend="numpy").state
    for under_way, words in (
        (np.array([[0], [2]]), "neurons under_way must be from 0 to 1, got 2 to 2"),
        (np.array([[20], [0]]), "steps under_way must ascend to below step = 20"),
        (np.array([[0.0], [0.0]]), "under_way must be whole numbers of shape (2, spikes), got float64 of (2, 1)"),
    ):
        odd = replace(state, under_way=under_way)
        refused(lambda odd=odd: hr.simulate(drawn, _silence(5), backend="numpy", state=odd), words)


def test_many_inputs_at_once_each_go_on_from_their_own_spikes() -> None:
    drawn = hr.draw(hr.load_network("delays", n=40, I_bias=1.2), 1)
    inputs = [hr.uniform_stimulus(10, "10 ms", seed=k) for k in range(3)]
    firsts = hr.simulate_many(drawn, inputs, backend="numpy")
    rests = hr.simulate_many(drawn, inputs, states=firsts, backend="numpy")
    for u, first, rest in zip(inputs, firsts, rests, strict=True):
        alone = hr.simulate(drawn, u, backend="numpy", state=first)
        np.testing.assert_array_equal(rest.spike_times, alone.spike_times)
    assert len({first.state.under_way.tobytes() for first in firsts}) == 3


def test_the_kernel_written_by_hand_leaves_delays_to_a_generated_one() -> None:
    net = hr.load_network("delays", n=40)
    assert net.model == "lif_stdp" and not has_kernel(net)
    assert has_kernel(net.replace(delay="0 ms"))
    plain = hr.load_network("henhes", n=40, I_bias=1.2)
    u = hr.uniform_stimulus(20, "10 ms", seed=1)
    zero = hr.simulate(hr.draw(plain.replace(delay="0 ms"), 1), u, backend="numpy")
    with only_generated():
        none = hr.simulate(hr.draw(plain, 1), u, backend="numpy")
    np.testing.assert_array_equal(zero.spike_times, none.spike_times)
    assert zero.state.under_way is None


def test_what_knows_no_delays_refuses_by_name() -> None:
    drawn = hr.draw(hr.load_network("delays", n=40), 1)
    words = ("projection EE of network 'delays' has synaptic delays",)
    refused(lambda: hr.self_consistent_rates(drawn), *words, error=hr.EquationMismatchError)
    refused(lambda: hr.to_nir(drawn), *words, error=hr.EquationMismatchError)
    from hetero_rsnn.gradient.batch import run_batch
    from hetero_rsnn.simulation.backends import _begin

    refused(lambda: run_batch(drawn, [_silence(3)]), *words, error=hr.EquationMismatchError)
    refused(lambda: _begin(drawn, None), *words, error=hr.EquationMismatchError)


def test_groups_are_the_synapses_of_a_neuron_with_one_delay() -> None:
    synapses: Any = hr.draw(hr.load_network("delays", n=50), 2).plastic
    groups = groups_of(synapses)
    for neuron in (0, 7, 49):
        row = slice(synapses.indptr[neuron], synapses.indptr[neuron + 1])
        entries = groups.table[groups.indptr[neuron] : groups.indptr[neuron + 1]]
        delays, first = np.unique(synapses.delay[row], return_index=True)
        np.testing.assert_array_equal(entries[:-1] & 65535, delays)
        np.testing.assert_array_equal(entries[:-1] >> 16, first + row.start)
        assert entries[-1] >> 16 == row.stop
