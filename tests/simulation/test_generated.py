"""Kernels made from equations: the same spikes and the same numbers as Brian2, in double precision, over a second."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from helpers import refused
from own_networks import OWN, base_network, own_network

import hetero_rsnn as hr
from hetero_rsnn.simulation.backends import has_kernel, only_generated
from hetero_rsnn.simulation.generated.compiled import load_kernel
from hetero_rsnn.simulation.generated.run import kernel_source
from hetero_rsnn.simulation.generated.store import program_of

GENERATED = ("fast", "numpy")


@cache
def _drawn(name: str) -> hr.Draw:
    return hr.draw(own_network(name), 1)


def _stimulus(kind: str) -> hr.Stimulus:
    """A second of it."""
    if kind == "current":
        return hr.uniform_stimulus(100, "10 ms", 3)
    return hr.poisson_stimulus(np.full((100, 1), 120.0), "10 ms", 4)


@cache
def _run(name: str, kind: str, backend: str) -> hr.Recording:
    drawn = _drawn(name)
    names = tuple(program_of(drawn.network).states)
    return hr.simulate(drawn, _stimulus(kind), backend=backend, record=names, record_neurons=np.arange(10))


def agree(a: hr.Recording, b: hr.Recording) -> None:
    """Equal spikes, and everything else to 1e-9."""
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    np.testing.assert_array_equal(a.state.last_spike, b.state.last_spike)
    np.testing.assert_allclose(a.weights, b.weights, rtol=1e-9, atol=1e-15)
    for mine, other in ((a.state.variables, b.state.variables), (a.state.traces, b.state.traces), (a.traces, b.traces)):
        assert mine.keys() == other.keys()
        for key, values in mine.items():
            np.testing.assert_allclose(values, other[key], rtol=1e-9, atol=1e-15, err_msg=key)
    assert (a.state.under_way is None) == (b.state.under_way is None)
    if a.state.under_way is not None and b.state.under_way is not None:
        np.testing.assert_array_equal(a.state.under_way, b.state.under_way)
    assert (a.state.trace_step is None) == (b.state.trace_step is None)
    if a.state.trace_step is not None and b.state.trace_step is not None:
        np.testing.assert_array_equal(a.state.trace_step, b.state.trace_step)


@pytest.mark.parametrize("kind", ["current", "events"])
@pytest.mark.parametrize("name", OWN)
def test_equations_of_ones_own_agree_with_brian2(name: str, kind: str) -> None:
    reference = _run(name, kind, "brian2")
    assert reference.spike_times.size > 300
    assert (reference.weights != _drawn(name).plastic.w).any()
    for backend in GENERATED:
        agree(_run(name, kind, backend), reference)


@pytest.mark.parametrize("name", ["henhes", "static", "chrsnn"])
def test_the_shipped_equations_generated(name: str) -> None:
    """What has a kernel of its own gives the same without it."""
    drawn = hr.draw(hr.load_network(name, n=100, I_bias=1.2), 1)
    stimulus = hr.uniform_stimulus(100, "10 ms", 3)
    assert has_kernel(drawn.network)
    runs = [hr.simulate(drawn, stimulus)]
    with only_generated():
        assert not has_kernel(drawn.network)
        runs += [hr.simulate(drawn, stimulus, backend=b) for b in GENERATED]
    for run in runs[1:]:
        agree(run, runs[0])


@pytest.mark.parametrize("backend", GENERATED)
@pytest.mark.parametrize(
    "name",
    [
        *("adaptive", "triplet", "clock_driven", "with_time"),
        *("two_rules", "three_named_rules", "delayed_stdp", "delayed_two_rules"),
    ],
)
def test_runs_go_on(name: str, backend: str) -> None:
    drawn, u = _drawn(name), _stimulus("current")
    whole = _run(name, "current", backend)
    first = hr.simulate(drawn, u[:37], backend=backend)
    second = hr.simulate(drawn, u[37:], backend=backend, state=first)
    times = np.concatenate([first.spike_times, second.spike_times + first.duration])
    np.testing.assert_array_equal(times.round(6), whole.spike_times.round(6))
    np.testing.assert_array_equal(second.weights, whole.weights)
    for key, values in whole.state.traces.items():
        np.testing.assert_array_equal(second.state.traces[key], values)


@pytest.mark.parametrize("name", ["adaptive", "triplet", "three_named_rules", "delayed_stdp", "delayed_two_rules"])
def test_one_backend_goes_on_where_another_stopped(name: str) -> None:
    drawn, u = _drawn(name), _stimulus("current")
    whole = _run(name, "current", "brian2")
    half = hr.simulate(drawn, u[:50], backend="fast")
    for backend in ("numpy", "brian2"):
        rest = hr.simulate(drawn, u[50:], backend=backend, state=half)
        times = np.concatenate([half.spike_times, rest.spike_times + half.duration])
        np.testing.assert_array_equal(times.round(6), whole.spike_times.round(6))
        np.testing.assert_allclose(rest.weights, whole.weights, rtol=1e-9)


@pytest.mark.parametrize("name", ["triplet", "three_named_rules", "delayed_two_rules"])
def test_frozen_weights(name: str) -> None:
    drawn, u = _drawn(name), _stimulus("current")
    reference = hr.simulate(drawn, u, backend="brian2", plasticity=False)
    for backend in GENERATED:
        agree(hr.simulate(drawn, u, backend=backend, plasticity=False), reference)


def test_a_stimulus_in_pieces_and_small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    monkeypatch.setattr(import_module("hetero_rsnn.simulation.simulate"), "_PIECE", 40 * 7)
    monkeypatch.setattr(import_module("hetero_rsnn.simulation.generated.run"), "_SPIKES", 40 * 3)
    for kind in ("current", "events"):
        for name in ("adaptive", "delayed_stdp"):
            found = hr.simulate(_drawn(name), _stimulus(kind))
            np.testing.assert_array_equal(found.spike_times, _run(name, kind, "fast").spike_times)


def test_single_precision_keeps_rates() -> None:
    drawn, u = _drawn("adaptive"), _stimulus("current")
    single = hr.simulate(drawn, u, precision="single")
    assert abs(single.rate_hz - _run("adaptive", "current", "fast").rate_hz) < 0.1 * single.rate_hz


def test_parameters_sizes_and_seeds_compile_nothing() -> None:
    net = own_network("adaptive")
    other = net.replace(n=70, **{"E.tau_m.mean": "12 ms", "jump": 0.3, "eta_plus.cv": 0.1, "dt": "0.5 ms"})
    a, b = kernel_source(net), kernel_source(other)
    assert a.text == b.text
    module = load_kernel(a.text)
    hr.simulate(hr.draw(net, 1), hr.uniform_stimulus(5, "10 ms"))
    compiled = len(module.run.signatures)
    hr.simulate(hr.draw(other, 2), hr.uniform_stimulus(5, "10 ms"))
    assert len(module.run.signatures) == compiled


def test_a_warm_start_imports_no_brian2() -> None:
    own_network("adaptive")
    _run("adaptive", "current", "fast")
    program = (
        "import sys; sys.path[:0] = ['tests']; import hetero_rsnn as hr; from own_networks import own_network;"
        "hr.simulate(hr.draw(own_network('adaptive'), 1), hr.uniform_stimulus(3, '10 ms'));"
        "assert 'brian2' not in sys.modules and 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_a_file_of_another_text_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HETERO_RSNN_CACHE", str(tmp_path))
    text = "value = 1\n"
    load_kernel(text)
    (path,) = tmp_path.glob("*.py")
    path.write_text("raise SystemExit('not ours')\n")
    monkeypatch.delitem(sys.modules, path.stem)
    assert load_kernel(text).value == 1
    assert path.read_text() == text
    monkeypatch.delitem(sys.modules, path.stem)


def test_the_source_is_python_that_reads_like_the_equations() -> None:
    for compiled in (True, False):
        text = kernel_source(own_network("adaptive"), compiled=compiled).text
        ast.parse(text)
        for words in (
            "theta += jump" if compiled else "theta = theta + (jump)",
            "# threshold",
            "# reset",
            "# state update of the neurons",
        ):
            assert words in text, words
    assert max(map(len, kernel_source(own_network("extra_variable")).text.splitlines())) < 140


def test_a_measure_runs() -> None:
    protocol = {"protocol.samples": 400, "protocol.washout": 20, "protocol.d_max": 5, "protocol.train": "200 ms"}
    net = own_network("adaptive").replace(**protocol)
    fast, slow = (hr.measure(net, seeds=[0], backend=b) for b in GENERATED)
    assert fast["C"][0] == slow["C"][0] and fast["rate_hz"][0] == slow["rate_hz"][0] > 1


def test_a_state_that_overflows_ends_the_run() -> None:
    data = OWN["functions"]()
    data["neuron"] |= {
        "method": "euler",
        "equations": "dv/dt = (I_syn + I_bias + I_in + v**3) / tau_m : 1\ndI_syn/dt = -I_syn / tau_syn : 1",
        "threshold": "v < -1e140", "reset": "v = 0", "refractory": "", "initial": {"v": 0.0},
    }  # fmt: skip
    for population in data["populations"].values():
        for key in ("v_rest", "v_reset", "v_th", "t_ref", "tau_theta", "jump"):
            population.pop(key, None)
    drawn = hr.draw(hr.Network.from_dict(data, "explosive"), 0)
    u = hr.uniform_stimulus(50, "10 ms", 1)
    for backend in GENERATED:
        error = refused(
            lambda backend=backend: hr.simulate(drawn, u, backend=backend, record=["v"]),
            "v of neuron ", "has left the range of numbers at ", "recording",
            error=hr.StateOverflowError,
        )  # fmt: skip
        kept = error.recording
        assert kept is not None and 0 < kept.samples < 50
        assert np.isfinite(kept.traces["v"]).all() and len(kept.traces["v"]) == kept.samples * 10


@pytest.mark.parametrize(("code", "name"), [("w = w*1e100", "w"), ("count = count*1e100 + 1", "count")])
def test_a_synaptic_variable_that_overflows(code: str, name: str) -> None:
    """A weight that no spike carries on, and a counter: neurons stay as they are, and the synapse is named."""
    data = base_network(40, I_bias=1.3)
    data["plasticity"] = {"equations": "count : 1", "on_pre": code, "on_post": "", "w_min": 0.0, "w_max": 1.0}
    drawn = hr.draw(hr.Network.from_dict(data, "explosive"), 0)
    for backend in ("brian2", *GENERATED):
        error = refused(
            lambda backend=backend: hr.simulate(drawn, hr.uniform_stimulus(50, "10 ms", 1), backend=backend),
            f"{name} of the synapse from neuron ", " to neuron ", "by 500 ms", "clip(w, w_min, w_max)",
            error=hr.StateOverflowError,
        )  # fmt: skip
        assert error.recording.spike_times.size > 100


def test_unknown_variables_cannot_be_recorded() -> None:
    refused(lambda: hr.simulate(_drawn("adaptive"), _stimulus("current"), record=["thetta"]), "did you mean 'theta'?")


def test_a_network_in_which_nothing_is_plastic() -> None:
    data = OWN["adaptive"]()
    for projection in data["projections"].values():
        projection["plastic"] = False
    drawn = hr.draw(hr.Network.from_dict(data, "static"), 0)
    runs = [hr.simulate(drawn, _stimulus("events"), backend=b) for b in ("brian2", *GENERATED)]
    for run in runs[1:]:
        agree(run, dataclasses.replace(runs[0], traces={}))


def test_channels_of_the_input_have_no_variables() -> None:
    data = OWN["adaptive"]()
    data["synapse"]["on_pre"] = "I_syn_post += w*theta_pre"
    drawn = hr.draw(hr.Network.from_dict(data, "own"), 0)
    assert hr.simulate(drawn, _stimulus("current")[:5], backend="numpy").n == 40
    for backend in ("numpy", "brian2"):
        error = hr.NetworkError if backend == "numpy" else hr.HeteroError
        refused(lambda b=backend: hr.simulate(drawn, _stimulus("events")[:5], backend=b), "pre", error=error)
