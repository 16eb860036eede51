"""What a simulation, a stimulus or a measure would take is estimated before anything is made."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, refused

import hetero_rsnn as hr
from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.experiments.measurement import measure_seed
from hetero_rsnn.simulation.engine import Engine


def small() -> hr.Draw:
    return hr.draw(hr.load_network("henhes", n=50), 1)


def held(samples: int, hold: float) -> hr.Stimulus:
    return hr.Stimulus("current", np.zeros((samples, 1)), hold)


def little(call: Callable[[], object], *words: str, error: type[HeteroError] = HeteroError) -> None:
    """It is refused, and nothing large is made."""
    with pytest.raises(HeteroError):  # what is imported when it is first used, is
        call()
    tracemalloc.start()
    try:
        refused(call, "would take", "that are free", *words, error=error)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sample_of_too_many_steps(backend: str) -> None:
    drawn = small()
    for given in (held(2, 1e11), hr.stream([np.zeros((2, 1))], "100000000 s")):
        little(
            lambda given=given: hr.simulate(drawn, given, backend=backend),
            "a sample of 1e+11 ms, which is 1e+11 steps of 1 ms",
            "lower hold",
            error=StimulusError,
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_traces_of_too_many_steps(backend: str) -> None:
    drawn = small()
    little(
        lambda: hr.simulate(drawn, held(1_000_000, 1e3), record=["v", "I_syn"], backend=backend),
        "recording v, I_syn of 50 neurons over 1e+09 steps",
        "record_neurons",
    )


def test_traces_of_a_stream_are_refused_before_the_piece_that_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = small()
    monkeypatch.setattr(memory, "_SMALL", 0)
    monkeypatch.setattr(memory, "available", lambda: 10**6)
    monkeypatch.setattr("hetero_rsnn.simulation.simulate._PIECE", 50)
    fed = hr.stream((np.zeros((1, 1)) for _ in range(3)), 100.0)
    # One sample: 16 bytes for each of 100 steps and 50 neurons.
    assert hr.simulate(drawn, fed, record=["v"]).traces["v"].shape == (300, 50)
    monkeypatch.setattr(memory, "available", lambda: 10**5)
    fed = hr.stream((np.zeros((1, 1)) for _ in range(3)), 100.0)
    refused(lambda: hr.simulate(drawn, fed, record=["v"]), "recording v of 50 neurons over 100 steps", "80 kB")


STIMULI: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "uniform": (lambda: hr.uniform_stimulus(10**10, "10 ms"), ("10000000000 samples", "80 GB")),
    "channels": (lambda: hr.uniform_stimulus(10**5, channels=10**7), ("10000000 channels", "8 TB")),
    "silence": (lambda: hr.silence("1e12 s"), ("800 TB", "stream")),
    "poisson": (lambda: hr.poisson_stimulus([5.0], "1e9 s"), ("1000000000000 steps", "lower hold")),
    "events": (lambda: hr.event_stimulus([0, 1e13], [0, 0], n_channels=3, hold="10 ms"), ("24 TB", "check the unit")),
    "events in channels": (
        lambda: hr.event_stimulus([0, 1e3], [0, 0], n_channels=10**9, hold="10 ms"),
        ("1000000000 channels", "808 GB"),
    ),
    "lags": (
        lambda: hr.CurrentEncoder(lags=10**5).fit([SERIES]).encode(SERIES, hold="10 ms"),
        ("100000 lags", "lower lags"),
    ),
}
SERIES = np.random.default_rng(0).uniform(size=(30_000, 9))


@pytest.mark.parametrize("name", STIMULI)
def test_stimuli_that_would_not_fit(name: str) -> None:
    call, words = STIMULI[name]
    little(call, *words, error=StimulusError)


PROTOCOLS: dict[str, tuple[dict[str, Any], str]] = {
    "hold": ({"protocol.hold": "100000000 s"}, "lower hold"),
    "samples": ({"protocol.samples": 10**9}, "lower n, protocol.samples"),
    "train": ({"protocol.train": "1e10 s"}, "protocol.train"),
    "n": ({"n": 2_000_000_000}, "lower n"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_measurements_that_would_not_fit(name: str, backend: str) -> None:
    overrides, fix = PROTOCOLS[name]
    net = hr.load_network("henhes", **{"n": 50, **overrides})
    little(lambda: hr.measure(net, [0, 1], backend=backend), fix)
    little(lambda: hr.compare([net], [0, 1], backend=backend, workers=2), "lower")
    little(lambda: measure_seed(net, 0, Engine(backend)), fix)  # as searches do


def test_several_at_a_time_need_several_times_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    net = hr.load_network("henhes", n=400, **{"protocol.samples": 40_000})
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    error = refused(lambda: hr.measure(net, range(8), workers=8), "8 at a time", "protocol.samples or workers")
    assert "3.11 GB" in str(error)  # eight times three copies of the states, 128 MB each, and a little


def test_measures_of_too_many_neurons() -> None:
    recording = dataclasses.replace(hr.simulate(small(), hr.silence("30 ms")), samples=10**9)
    little(lambda: hr.states(recording), "states of 50 neurons in 1000000000 samples", "400 GB")
    x = np.random.default_rng(0).uniform(size=(2, 300_000))
    little(lambda: hr.state_correlation(x), "covariances of 300000 neurons", "1.44 TB")
    little(lambda: hr.memory_capacity(x[:, :], x[:, 0], d_max=1), "300000 features", "read fewer features")


def test_live_objects_hold_the_current_of_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    drawn, u = small(), hr.Stimulus("current", np.zeros((2_000_000, 1)), 10.0)
    little(lambda: hr.to_brian2(drawn, u), "50 neurons in 2000000 samples", "1.6 GB", "simulate", error=StimulusError)


def test_dense_weights() -> None:
    sparse = {f"{pair}.topology.p": 1e-6 for pair in ("EE", "EI", "IE", "II")}
    pytest.importorskip("nir")
    large = hr.draw(hr.load_network("henhes", n=200_000, **sparse), 0)
    little(lambda: hr.to_nir(large), "dense weights of a NIR graph of 200000 neurons", "320 GB")
