"""NIR graphs: written and read with the real package, and executed from the file by one who knows NIR alone."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.gradient.parameters import parameters
from hetero_rsnn.simulation.neurons import initial_state

nir = pytest.importorskip("nir")

#: A spread in every parameter of a neuron that a graph holds, and strong recurrence.
SPREAD: dict[str, Any] = {
    "tau_syn": {"distribution": "gamma", "mean": "8 ms", "cv": 0.4},
    "v_rest": {"distribution": "uniform", "low": -0.1, "high": 0.1},
    "v_th": {"distribution": "uniform", "low": 0.9, "high": 1.1},
    "v_reset": {"distribution": "uniform", "low": -0.2, "high": 0.0},
    "I_bias": {"distribution": "uniform", "low": 1.0, "high": 1.3},
    "input.connectivity": 0.8,
    "input.channels": 3,
    "input.event_weight": {"distribution": "uniform", "low": 0.0, "high": 1.5},
}
T_REF = {"t_ref": {"distribution": "uniform", "low": "1 ms", "high": "4 ms"}}
#: Nothing of such a network needs the metadata.
BARE = {"t_ref": "0 ms", "neuron.initial.v": 0.0}

CURRENT = hr.uniform_stimulus(120, "5 ms", 5, channels=3)
EVENTS = hr.poisson_stimulus(np.full((120, 3), 60.0), "5 ms", 6)


def network(name: str = "henhes", **more: Any) -> hr.Draw:
    return hr.draw(hr.load_network(name, n=60, **SPREAD, **more), 11)


def export(draw: hr.Draw, path: Path, state: Any = None, kind: str = "current", **more: Any) -> Any:
    """The graph as another program reads it."""
    with pytest.warns(hr.NIRWarning):
        graph = hr.to_nir(draw, state, kind=kind, **more)
    nir.write(path / "graph.nir", graph)
    return nir.read(path / "graph.nir")


def execute(graph: Any, inputs: np.ndarray, dt: float, *, v: Any = 0.0, current: Any = 0.0, ready: Any = 0.0,
            t_ref: Any = 0.0) -> np.ndarray:  # fmt: skip
    """Run a graph of Linear, Affine, LI and LIF nodes by their equations, in exact steps; `inputs`: (steps, channels).

    Signals are currents, or spike trains: a Dirac delta makes an LI jump by r / tau. Returns a raster (steps, neurons).
    """
    (neurons,) = (k for k, node in graph.nodes.items() if isinstance(node, nir.LIF))
    (synapses,) = (k for k, node in graph.nodes.items() if isinstance(node, nir.LI))
    lif, li = graph.nodes[neurons], graph.nodes[synapses]
    v, i = np.zeros(lif.tau.size) + v, np.zeros(li.tau.size) + current
    ready = np.zeros(lif.tau.size) + ready

    def arriving(at: str, signals: dict[str, Any]) -> Any:
        """Sum of what the edges bring to a node; Linear and Affine nodes are looked through."""
        total = 0.0
        for source, target in graph.edges:
            node = graph.nodes[source]
            if target == at and isinstance(node, nir.Linear | nir.Affine):
                total = total + node.weight @ arriving(source, signals) + getattr(node, "bias", 0.0)
            elif target == at:
                total = total + signals[source]
        return total

    raster = np.zeros((len(inputs), v.size), dtype=bool)
    silent = np.zeros(v.size)
    for step, u in enumerate(inputs):
        x = lif.v_leak + lif.r * arriving(neurons, {"input": u, synapses: i, neurons: silent})
        free = ready <= step + 1e-9
        v = np.where(free, x + (v - x) * np.exp(-dt / lif.tau), v)
        fired = (v > lif.v_threshold) & free
        i = li.v_leak + (i - li.v_leak) * np.exp(-dt / li.tau)
        i = i + li.r / li.tau * arriving(synapses, {"input": u, synapses: i, neurons: fired * 1.0})
        v = np.where(fired, lif.v_reset, v)
        ready = np.where(fired, step + np.floor((t_ref + 1e-3 * dt) / dt), ready)
        raster[step] = fired
    return raster


def raster(recording: hr.Recording) -> np.ndarray:
    steps = np.round(recording.spike_times / recording.dt).astype(int)
    out = np.zeros((round(recording.duration / recording.dt), recording.n), dtype=bool)
    out[steps, recording.spike_neurons] = True
    return out


def drive(stimulus: hr.Stimulus) -> np.ndarray:
    """What the input node gets in every step of 1 ms."""
    steps = round(stimulus.hold)
    if stimulus.kind == "current":
        return np.repeat(stimulus.values, steps, axis=0)
    out = np.zeros((len(stimulus) * steps, stimulus.channels))
    out[np.round(stimulus.event_times).astype(int), stimulus.event_channels] = 1.0
    return out


@pytest.mark.parametrize("stimulus", [CURRENT, EVENTS], ids=["current", "events"])
def test_the_graph_alone_gives_the_spikes_where_nothing_is_lost(stimulus: hr.Stimulus, tmp_path: Path) -> None:
    draw = network("static", **BARE)
    graph = export(draw, tmp_path, kind=stimulus.kind)
    expected = raster(hr.simulate(draw, stimulus))
    assert expected.sum() > 600 and (expected.sum(axis=0) > 0).mean() > 0.8
    np.testing.assert_array_equal(execute(graph, drive(stimulus), 1e-3), expected)
    # The network listens to itself and to its input, or this test would see neither.
    assert not np.array_equal(execute(graph, 0 * drive(stimulus), 1e-3), expected)
    graph.nodes["recurrent"].weight[:] = 0.0
    assert not np.array_equal(execute(graph, drive(stimulus), 1e-3), expected)


@pytest.mark.parametrize("stimulus", [CURRENT, EVENTS], ids=["current", "events"])
def test_a_trained_graph_with_its_metadata_gives_the_spikes(stimulus: hr.Stimulus, tmp_path: Path) -> None:
    draw = network(**T_REF)
    trained = hr.simulate(draw, stimulus)
    assert np.abs(trained.weights - draw.plastic.w).max() > 1e-3
    graph = export(draw, tmp_path, trained, stimulus.kind)
    kept = graph.metadata
    t_ref = kept["t_ref"]
    since = np.round(kept["initial"]["last_spike"] / kept["dt"])
    ready = since + np.floor((t_ref + 1e-3 * kept["dt"]) / kept["dt"])
    found = execute(
        graph, drive(stimulus), kept["dt"], v=kept["initial"]["v"], current=kept["initial"]["I_syn"], ready=ready,
        t_ref=t_ref,
    )  # fmt: skip
    expected = raster(hr.simulate(draw, stimulus, state=trained, plasticity=False))
    assert expected.sum() > 600 and np.ptp(np.floor(t_ref / kept["dt"])) >= 2
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("stimulus", [CURRENT, EVENTS], ids=["current", "events"])
def test_a_folded_leak_has_the_same_dynamics(stimulus: hr.Stimulus, tmp_path: Path) -> None:
    """With the bias in front of the neurons, for readers that know no v_leak."""
    draw = network("static", **BARE)
    leak = draw.neurons["v_rest"] + draw.neurons["I_bias"]
    graph = export(draw, tmp_path, kind=stimulus.kind, fold_leak=True)
    assert not graph.nodes["neurons"].v_leak.any() and not graph.nodes["synapses"].v_leak.any()
    (affine,) = (node for node in graph.nodes.values() if isinstance(node, nir.Affine))
    np.testing.assert_array_equal(affine.bias, leak)
    assert np.ptp(leak) > 0.2 and graph.metadata["leak_folded"]
    expected = raster(hr.simulate(draw, stimulus))
    assert expected.sum() > 600
    np.testing.assert_array_equal(execute(graph, drive(stimulus), 1e-3), expected)
    plain = export(draw, tmp_path, kind=stimulus.kind)
    assert not plain.metadata["leak_folded"] and not any(isinstance(x, nir.Affine) for x in plain.nodes.values())
    np.testing.assert_array_equal(execute(plain, drive(stimulus), 1e-3), expected)
    # The bias is what keeps them firing.
    affine.bias[:] = 0.0
    assert execute(graph, drive(stimulus), 1e-3).sum() < 0.5 * expected.sum()


@pytest.mark.parametrize("stimulus", [CURRENT, EVENTS], ids=["current", "events"])
def test_an_executor_of_one_pass_a_step(stimulus: hr.Stimulus, tmp_path: Path) -> None:
    """As nirtorch runs a graph: each node once a step, in order, recurrence from the step before."""
    draw = network("static", **BARE)
    nodes = export(draw, tmp_path, kind=stimulus.kind).nodes
    lif, li, dt = nodes["neurons"], nodes["synapses"], 1e-3
    inputs = drive(stimulus)
    if stimulus.kind == "events":  # what the page says
        inputs = np.concatenate([np.zeros((1, 3)), inputs[:-1]])
    v, i, spikes = np.zeros(60), np.zeros(60), np.zeros(60)
    found = np.zeros((len(inputs), 60), dtype=bool)
    for step, u in enumerate(inputs):
        given, heard = nodes["input_weights"].weight @ u, nodes["recurrent"].weight @ spikes
        i = i * np.exp(-dt / li.tau) + (heard + given if stimulus.kind == "events" else heard)
        x = lif.v_leak + i + (0.0 if stimulus.kind == "events" else given)
        v = x + (v - x) * np.exp(-dt / lif.tau)
        found[step] = v > lif.v_threshold
        spikes = found[step] * 1.0
        v = np.where(found[step], lif.v_reset, v)
    np.testing.assert_array_equal(found, raster(hr.simulate(draw, stimulus)))


def test_the_file_holds_every_parameter(tmp_path: Path) -> None:
    draw = network(**T_REF)
    trained = hr.simulate(draw, CURRENT)
    with pytest.warns(hr.NIRWarning):
        graph = hr.to_nir(draw, trained)
    path = tmp_path / "graph.nir"
    nir.write(path, graph)
    read = nir.read(path)
    assert sorted(read.edges) == sorted(graph.edges)
    assert set(read.nodes) == set(graph.nodes) and len(graph.nodes) == 6
    p, nodes = draw.neurons, read.nodes
    for found, expected in (
        (nodes["neurons"].tau, p["tau_m"] / 1e3),
        (nodes["neurons"].v_leak, p["v_rest"] + p["I_bias"]),
        (nodes["neurons"].v_threshold, p["v_th"]),
        (nodes["neurons"].v_reset, p["v_reset"]),
        (nodes["neurons"].r, np.ones(60)),
        (nodes["synapses"].tau, p["tau_syn"] / 1e3),
        (nodes["synapses"].r, p["tau_syn"] / 1e3),
        (nodes["input_weights"].weight, draw.w_in),
        (read.metadata["v_rest"], p["v_rest"]),
        (read.metadata["I_bias"], p["I_bias"]),
        (read.metadata["t_ref"], p["t_ref"] / 1e3),
        (read.metadata["initial"]["v"], trained.state.variables["v"]),
        (read.metadata["plasticity"]["tau_plus"], draw.plastic.parameters["tau_plus"] / 1e3),
        (read.metadata["plasticity"]["eta_minus"], draw.plastic.parameters["eta_minus"]),
    ):
        assert np.ptp(expected) > 0 or (expected == 1).all()
        np.testing.assert_array_equal(found, expected)
    w = nodes["recurrent"].weight
    np.testing.assert_array_equal(w[draw.plastic.target, draw.plastic.source], trained.weights)
    np.testing.assert_array_equal(w[draw.static.target, draw.static.source], draw.static.w)
    assert np.count_nonzero(w) == np.count_nonzero(trained.weights) + np.count_nonzero(draw.static.w)
    assert (w[:, draw.members("I")] <= 0).all() and (w[:, draw.members("E")] >= 0).all()


def test_the_metadata_survive_the_file(tmp_path: Path) -> None:
    draw = network()
    with pytest.warns(hr.NIRWarning):
        graph = hr.to_nir(draw)
    nir.write(tmp_path / "graph.nir", graph)

    def same(a: Any, b: Any) -> None:
        if isinstance(a, dict):
            assert set(a) == set(b)
            for key in a:
                same(a[key], b[key])
        else:
            np.testing.assert_array_equal(a, b)

    read = nir.read(tmp_path / "graph.nir").metadata
    same(graph.metadata, read)
    assert read["network"] == "henhes" and read["seed"] == 11 and read["time_unit"] == "s"
    assert json.loads(read["definition"]) == draw.network.to_dict()
    np.testing.assert_array_equal(read["populations"]["I"], [48, 60])
    assert read["plasticity"]["on_post"] == draw.network.plasticity.on_post
    assert read["plasticity"]["w_max"] == draw.shared["w_max"]


def test_what_is_lost_is_said() -> None:
    def said(draw: hr.Draw, state: Any = None) -> str:
        with pytest.warns(hr.NIRWarning) as caught:
            hr.to_nir(draw, state)
        (one,) = caught
        assert one.filename == __file__ and "\n" not in str(one.message)
        return str(one.message)

    draw = network(t_ref="2 ms")
    text = said(draw)
    assert "t_ref up to 2 ms" in text and f"STDP ({len(draw.plastic)} synapses" in text and "initial v" in text
    assert "dt = 1 ms" in text and "'henhes'" in text
    bare = said(network("static", **BARE))
    assert "dt = 1 ms" in bare and not any(word in bare for word in ("t_ref", "STDP", "initial"))
    draw = network("static", **BARE)
    assert "initial v" in said(draw, hr.simulate(draw, CURRENT))


def test_the_draw_is_not_handed_out() -> None:
    """A simulator that trains the graph must not train the draw."""
    draw = network()
    with pytest.warns(hr.NIRWarning):
        graph = hr.to_nir(draw)
    arrays = [graph.nodes[k].weight for k in ("input_weights", "recurrent")]
    arrays += [getattr(graph.nodes["neurons"], k) for k in ("tau", "r", "v_leak", "v_threshold", "v_reset")]
    arrays += [graph.nodes["synapses"].tau, graph.nodes["synapses"].r]
    before = {k: v.copy() for k, v in draw.neurons.items()}
    for a in arrays:
        a += 1.0
    np.testing.assert_array_equal(graph.nodes["synapses"].r, before["tau_syn"] / 1e3 + 1.0)  # nor tau at once with r
    for k, v in before.items():
        np.testing.assert_array_equal(draw.neurons[k], v)


def test_refusals() -> None:
    other = hr.load_network("static", n=20, **{"neuron.threshold": "v > 2 * v_th"})
    text = str(refused(lambda: hr.to_nir(hr.draw(other, 0)), "threshold", "lif_stdp", error=EquationMismatchError))
    assert "backend" not in text
    refused(lambda: hr.to_nir(other), "takes a draw, got Network")
    refused(lambda: hr.to_nir(network(), 3), "got int")
    refused(lambda: hr.to_nir(network(), kind="event"), "did you mean 'events'")
    refused(lambda: hr.to_nir(network(), fold_leak="yes"), "fold_leak must be True or False, got 'yes'")
    small = hr.draw(hr.load_network("henhes", n=20), 11)
    refused(lambda: hr.to_nir(network(), hr.simulate(small, hr.silence("10 ms"))), "20 neurons")
    refused(lambda: hr.to_nir(network(), initial_state(small)), "20 neurons")
    seed = hr.draw(network().network, 12)
    refused(lambda: hr.to_nir(network(), hr.simulate(seed, CURRENT)), "seed 12")


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(lambda: hr.to_nir(network()), "to_nir needs nir", 'pip install "hetero-rsnn[nir]"')


@pytest.mark.parametrize("stimulus", [CURRENT, EVENTS], ids=["current", "events"])
def test_a_graph_of_what_gradients_have_trained_gives_the_spikes(stimulus: hr.Stimulus, tmp_path: Path) -> None:
    """Times, thresholds and weights of one's own for every neuron, weights that changed sign, through two files."""
    start, rng = network("static", **BARE), np.random.default_rng(0)
    chosen = parameters(start, ["w", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th"])
    values = {k: v + 0.1 * rng.standard_normal(v.shape) for k, v in chosen.values.items()}
    trained = chosen.draw(chosen.inside(values))
    assert (np.sign(trained.static.w) != np.sign(start.static.w)).mean() > 0.1
    draw = hr.draw(hr.load_network(hr.save_network(trained, tmp_path / "trained.toml")), 11)
    graph = export(draw, tmp_path, kind=stimulus.kind)
    nodes = graph.nodes
    for found, expected, before in (
        (nodes["neurons"].tau, trained.neurons["tau_m"] / 1e3, start.neurons["tau_m"] / 1e3),
        (nodes["synapses"].tau, trained.neurons["tau_syn"] / 1e3, start.neurons["tau_syn"] / 1e3),
        (nodes["neurons"].v_threshold, trained.neurons["v_th"], start.neurons["v_th"]),
        (nodes["recurrent"].weight[draw.static.target, draw.static.source], trained.static.w, start.static.w),
        (nodes["input_weights"].weight, trained.w_in if stimulus is CURRENT else trained.w_event, start.w_in),
    ):
        np.testing.assert_array_equal(found, expected)
        assert not np.array_equal(expected, before)
    expected = raster(hr.simulate(trained, stimulus))
    assert expected.sum() > 600
    np.testing.assert_array_equal(execute(graph, drive(stimulus), 1e-3), expected)
    assert json.loads(graph.metadata["definition"])["arrays"]["seed"] == 11
