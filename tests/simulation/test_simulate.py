"""The one entry function: what it refuses, what it says of a run, what it must not touch; live Brian2 objects."""

from __future__ import annotations

import dataclasses
import gc
from functools import cache
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS

from hetero_rsnn import (
    Draw,
    HeteroError,
    NetworkError,
    Recording,
    StimulusError,
    array_stimulus,
    load_network,
    poisson_stimulus,
    silence,
    stream,
    to_brian2,
    uniform_stimulus,
)
from hetero_rsnn.common.versions import versions
from hetero_rsnn.network.draw import draw
from hetero_rsnn.simulation.simulate import simulate

U = uniform_stimulus(30, "5 ms", 3)


@cache
def network(name: str = "henhes", n: int = 30, **overrides: Any) -> Draw:
    return draw(load_network(name, n=n, I_bias=1.2, **{"input.connectivity": 0.8, **overrides}), 3)


@cache
def plain(backend: str) -> Recording:
    return simulate(network(), U, backend=backend)


def same(a: Recording, b: Recording) -> None:
    """To the last bit."""
    for x, y in (
        (a.spike_times, b.spike_times),
        (a.spike_neurons, b.spike_neurons),
        (a.weights, b.weights),
        (a.state.last_spike, b.state.last_spike),
        *((v, b.state.variables[k]) for k, v in a.state.variables.items()),
        *((v, b.state.traces[k]) for k, v in a.state.traces.items()),
    ):
        np.testing.assert_array_equal(x, y)


def message(**arguments: Any) -> str:
    """The one line with which a call is refused."""
    drawn, stimulus = arguments.pop("draw", network()), arguments.pop("stimulus", U)
    kind = arguments.pop("error", HeteroError)
    with pytest.raises(kind) as caught:
        simulate(drawn, stimulus, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    return text


# Refused arguments -----------------------------------------------------------------------------------------------


def test_unknown_backend() -> None:
    assert message(backend="fats") == "unknown backend 'fats' (did you mean 'fast'?): use one of fast, numpy, brian2"
    assert message(backend="cuda") == "unknown backend 'cuda': use one of fast, numpy, brian2"
    assert "None" in message(backend=None)


def test_unknown_target() -> None:
    assert (
        "unknown codegen_target 'cpython' (did you mean 'cython'?): use one of numpy, cython, cpp_standalone"
        in message(backend="brian2", codegen_target="cpython")
    )
    assert "'gpu': use one of numpy, cython, cpp_standalone" in message(backend="brian2", codegen_target="gpu")


@pytest.mark.parametrize("backend", BACKENDS)
def test_unknown_variable(backend: str) -> None:
    assert message(backend=backend, record=("I_sin",)) == "cannot record 'I_sin' (did you mean 'I_syn'?)"
    assert "'w'" in message(backend=backend, record=("v", "w"))


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        ([0, 30], "must be in 0..29, got 0..30"),
        ([-1], "got -1..-1"),
        ([], "must not be empty, got shape (0,): give at least one number"),
        ([0.5], "must be whole numbers, got 0.5: round them on purpose"),
        ([[1, 2]], "must have the shape (neurons,), got (1, 2): reshape it"),
        # As numbers a mask would mean neurons 1 and 0.
        ([True, False], "must be whole numbers, got True and False: give numbers, such as np.flatnonzero(...)"),
        ("E", "must be whole numbers, got 'E': give indices such as [0, 1]"),
        (["0"], "must be whole numbers, got an array of <U1: give indices such as [0, 1]"),
        ([np.nan], "must be finite, got nan at neuron 0"),
    ],
)
def test_neurons_to_record(chosen: Any, word: str) -> None:
    text = message(record=("v",), record_neurons=chosen)
    assert "record_neurons" in text and word in text


@pytest.mark.parametrize("stimulus", [np.zeros(10), [0.1, 0.2], None, "uniform", 5])
def test_what_is_no_stimulus(stimulus: Any) -> None:
    text = message(stimulus=stimulus, error=StimulusError)
    assert "array_stimulus(values, hold=...)" in text and f"got {type(stimulus).__name__}" in text


def test_what_is_no_draw() -> None:
    assert "got Network: call hetero_rsnn.draw(network, seed) first" in message(draw=network().network)
    assert "got str" in message(draw="henhes")


@pytest.mark.parametrize("backend", BACKENDS)
def test_state_of_another_network(backend: str) -> None:
    other = simulate(network(n=40), U)
    text = message(state=other, backend=backend)
    synapses = len(network(n=40).plastic), len(network().plastic)
    for words in (f"40 neurons and {synapses[0]} plastic", f"30 and {synapses[1]}", "go on with the draw"):
        assert words in text
    static = simulate(network("static"), U)
    assert "0 plastic synapses" in message(state=static.state, backend=backend)


@pytest.mark.parametrize("state", ["run.npz", 3, {"v": 0.0}])
def test_what_is_no_state(state: Any) -> None:
    assert f"state must be a Recording or its state, got {type(state).__name__}" in message(state=state)


def test_a_network_without_a_model_runs_everywhere() -> None:
    drawn = draw(network().network.replace(model=""), 3)
    for backend in BACKENDS:
        recording = simulate(drawn, U, backend=backend)
        np.testing.assert_array_equal(recording.spike_times, plain("fast").spike_times)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_brian2_refuses_is_one_line_that_names_the_network(backend: str) -> None:
    net = network().network
    equations = dict(net.equations)["equations"].replace("- v +", "- v*v*v + v*v +")
    drawn = draw(net.replace(**{"neuron.equations": equations}), 0)
    text = message(draw=drawn, backend=backend, error=NetworkError)
    assert text.startswith("Brian2 refuses network 'henhes': ") and "linear" in text
    assert len(text) < 400


def test_objects_that_brian2_refused_go_without_a_word() -> None:
    """Brian2 would warn of each, after the error, that it was never in a network."""
    from brian2.utils.logger import catch_logs

    equations = dict(network().network.equations)["equations"].replace("- v +", "- v*v*v + v*v +")
    drawn = draw(network().network.replace(model="", **{"neuron.equations": equations}), 3)
    with catch_logs() as logs:
        text = message(draw=drawn, backend="brian2", error=NetworkError)
        gc.collect()
    assert "linear" in text
    assert not [words for _, name, words in logs if name.endswith("unused_brian_object")]


# What a run says of itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_provenance(backend: str) -> None:
    p = plain(backend).provenance
    net = network().network
    assert p["network"] == "henhes" and p["fingerprint"] == net.fingerprint and p["seed"] == 3
    assert p["backend"] == ("brian2 (numpy)" if backend == "brian2" else backend)
    assert p["precision"] == "double" and p["plasticity"] is True
    assert p["stimulus"] == {"source": "uniform", "seed": 3, "low": -1.0, "high": 1.0}
    assert p["versions"] == versions()
    assert {"python", "hetero-rsnn", "numpy", "scipy", "numba", "brian2"} <= versions().keys()
    assert versions()["numpy"] == np.__version__


def test_provenance_says_whether_weights_could_change() -> None:
    assert simulate(network(), U, plasticity=False).provenance["plasticity"] is False
    assert simulate(network("static"), U).provenance["plasticity"] is False


@pytest.mark.parametrize("backend", BACKENDS)
def test_timings_and_shapes(backend: str) -> None:
    r = plain(backend)
    assert r.timings.keys() == {"compile", "run"} and min(r.timings.values()) >= 0 and r.timings["run"] > 0
    assert (r.n, r.samples, r.hold, r.dt, r.t_start, r.duration) == (30, 30, 5.0, 1.0, 0.0, 150.0)
    assert r.state.step == 150
    assert r.spike_neurons.dtype == np.int32 and r.spike_times.dtype == np.float64
    assert r.spike_times.size == r.spike_neurons.size > 50
    order = np.lexsort((r.spike_neurons, r.spike_times))
    np.testing.assert_array_equal(order, np.arange(order.size))
    assert r.spike_times.max() < r.duration and r.spike_times.min() >= 0
    assert r.weights.shape == (len(network().plastic),)
    assert r.traces == {} and r.trace_neurons.size == 0
    last = np.full(30, -1.0)
    last[r.spike_neurons] = r.spike_times  # ascending, so the last one stays
    np.testing.assert_array_equal(np.where(r.state.last_spike < 0, -1, r.state.last_spike), last)


# What a run must not touch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_recording_changes_nothing(backend: str) -> None:
    watched = simulate(network(), U, backend=backend, record=("v", "I_syn"))
    same(watched, plain(backend))
    assert watched.traces["v"].shape == watched.traces["I_syn"].shape == (150, 30)
    np.testing.assert_array_equal(watched.trace_neurons, np.arange(30))
    one = simulate(network(), U, backend=backend, record="I_syn", record_neurons=7)
    same(one, plain(backend))
    assert one.traces.keys() == {"I_syn"}
    np.testing.assert_array_equal(one.traces["I_syn"], watched.traces["I_syn"][:, 7:8])


@pytest.mark.parametrize("backend", BACKENDS)
def test_neither_draw_nor_state_is_changed(backend: str) -> None:
    """So that the same draw, and the same state, can be used again."""
    drawn = network()
    first = plain(backend)
    kept = {k: np.array(v) for k, v in first.state.variables.items()}
    w, traces = np.array(first.weights), {k: np.array(v) for k, v in first.state.traces.items()}
    last = np.array(first.state.last_spike)
    a = simulate(drawn, U, backend=backend, state=first)
    for key, values in kept.items():
        np.testing.assert_array_equal(first.state.variables[key], values)
    for key, values in traces.items():
        np.testing.assert_array_equal(first.state.traces[key], values)
    np.testing.assert_array_equal(first.weights, w)
    np.testing.assert_array_equal(first.state.last_spike, last)
    same(simulate(drawn, U, backend=backend, state=first.state), a)
    same(simulate(drawn, U, backend=backend), first)
    assert (a.spike_times[:20] != first.spike_times[:20]).any()  # it did go on, and not begin anew


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_draw_with_arrays_of_one_s_own(backend: str) -> None:
    """Arrays that can be written are another type to the compiled kernel: it compiles once more, and agrees."""
    drawn = network()
    loose = dataclasses.replace(drawn.plastic, w=np.array(drawn.plastic.w))
    static = dataclasses.replace(drawn.static, w=np.array(drawn.static.w))
    own = dataclasses.replace(drawn, plastic=loose, static=static)
    same(simulate(own, U, backend=backend), plain(backend))
    np.testing.assert_array_equal(own.plastic.w, drawn.plastic.w)


def test_two_draws_differ_and_one_draw_repeats() -> None:
    net = network().network
    same(simulate(draw(net, 3), U), plain("fast"))
    other = simulate(draw(net, 4), U)
    assert (
        other.spike_times.size != plain("fast").spike_times.size
        or (other.spike_times != plain("fast").spike_times).any()
    )


# Live objects ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("kind", ["current", "poisson"])
def test_live_objects_give_the_same_spikes(kind: str) -> None:
    import brian2 as b2

    u = U if kind == "current" else poisson_stimulus(np.full(30, 300.0), "5 ms", 2)
    drawn = network()
    objects = to_brian2(drawn, u)
    assert isinstance(objects.network, b2.Network)
    assert isinstance(objects.neurons, b2.NeuronGroup) and len(objects.neurons) == 30
    assert (objects.events is None) == (kind == "current")
    assert len(objects.plastic) == len(drawn.plastic) and len(objects.static) == len(drawn.static)
    monitor = b2.StateMonitor(objects.neurons, "v", record=[4])
    objects.network.add(monitor)
    for part in (100, 50):  # it goes on where it stopped
        objects.network.run(part * b2.ms, namespace={})
    expected = simulate(drawn, u, backend="brian2", record=("v",), record_neurons=[4])
    assert expected.spike_times.size > 50
    np.testing.assert_array_equal(np.round(np.asarray(objects.spikes.t_) * 1e3), expected.spike_times)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
    np.testing.assert_array_equal(np.asarray(objects.plastic.w), expected.weights)
    np.testing.assert_array_equal(monitor.v_[0], expected.traces["v"][:, 0])


@pytest.mark.usefixtures("interpreted")
def test_live_objects_without_plasticity() -> None:
    import brian2 as b2

    objects = to_brian2(network(), U, plasticity=False)
    objects.network.run(150 * b2.ms, namespace={})
    np.testing.assert_array_equal(np.asarray(objects.plastic.w), network().plastic.w)
    expected = simulate(network(), U, plasticity=False)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
    objects = to_brian2(network("static"), U)
    assert objects.plastic is None and objects.static is not None


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("driven", [True, False])
def test_a_script_with_groups_of_its_own(driven: bool) -> None:
    """A readout population that listens to the network, and a monitor, as somebody would add them."""
    import brian2 as b2

    drawn = network(**{"E.t_ref": "4 ms"})
    objects = to_brian2(drawn, U) if driven else to_brian2(drawn)
    clock = objects.neurons.clock
    readout = b2.NeuronGroup(
        3, "dy/dt = -y / tau_out : 1", method="exact", clock=clock, namespace={"tau_out": 20 * b2.ms}
    )
    listen = b2.Synapses(objects.neurons, readout, on_pre="y_post += 1", clock=clock)
    listen.connect(j="i % 3")
    seen, heard = (
        b2.StateMonitor(group, name, record=True, clock=clock)
        for group, name in ((objects.neurons, "v"), (readout, "y"))
    )
    objects.network.add(readout, listen, seen, heard)
    objects.network.run(150 * b2.ms)

    expected = simulate(drawn, U if driven else silence("150 ms"), backend="fast", record=["v"])
    assert expected.spike_times.size > 50
    np.testing.assert_array_equal(np.round(np.asarray(objects.spikes.t_) * 1e3), expected.spike_times)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
    np.testing.assert_allclose(seen.v_.T, expected.traces["v"], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.asarray(objects.plastic.w), expected.weights, rtol=1e-12)
    # The monitor reads y at the beginning of a step: a spike of the step before has arrived, and not decayed yet.
    age = np.arange(150)[:, None] - expected.spike_times[None, :]
    trace = np.where(age > 0, np.exp(-(age - 1) / 20), 0.0)
    filtered = np.stack([trace[:, expected.spike_neurons % 3 == j].sum(axis=1) for j in range(3)])
    np.testing.assert_allclose(heard.y_, filtered, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("interpreted")
def test_without_a_stimulus_there_is_none_for_ever() -> None:
    import brian2 as b2

    drawn = network(**{"input.weight": 5.0})
    objects = to_brian2(drawn, plasticity=False)
    for _ in range(2):
        objects.network.run(200 * b2.ms, namespace={})
    expected = simulate(drawn, silence("400 ms"), plasticity=False)
    np.testing.assert_array_equal(np.round(np.asarray(objects.spikes.t_) * 1e3), expected.spike_times)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
    assert (expected.spike_times > 300).sum() > 20
    # With one, its last sample stays past its end.
    last = U.values[-1]
    objects = to_brian2(drawn, U, plasticity=False)
    objects.network.run(200 * b2.ms, namespace={})
    longer = array_stimulus(np.concatenate([U.values, np.tile(last, (10, 1))]), "5 ms")
    expected = simulate(drawn, longer, plasticity=False)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)


def test_live_objects_need_a_whole_stimulus() -> None:
    with pytest.raises(StimulusError, match="got Stream"):
        to_brian2(network(), stream([U.values], "5 ms"))


def test_a_missing_compiler_is_one_line() -> None:
    from hetero_rsnn.simulation.brian import _compiler

    with pytest.raises(HeteroError, match=r"needs a working C\+\+ compiler .*'numpy'"), _compiler("cython"):
        raise RuntimeError("Project compilation failed (error code: 2)")
    with pytest.raises(RuntimeError, match="something else"), _compiler("cython"):
        raise RuntimeError("something else")


def test_a_recording_of_another_draw_is_not_continued() -> None:
    net = load_network("henhes", n=30)
    u = uniform_stimulus(10, "10 ms", 0)
    rec = simulate(draw(net, 1), u)
    with pytest.raises(HeteroError, match=r"seed 1 .* the draw has seed 2"):
        simulate(draw(net, 2), u, state=rec)
    with pytest.raises(HeteroError, match=r"dt = 0.5 ms"):
        simulate(draw(net.replace(dt="0.5 ms"), 1), u, state=rec)
