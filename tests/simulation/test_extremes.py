"""Times at the edge of what a network may have: the same on all backends, and refused by name beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import NetworkError, UnitError

U = hr.uniform_stimulus(40, "10 ms", 3)


def runs(**overrides: Any) -> list[hr.Recording]:
    """One recording a backend."""
    drawn = hr.draw(hr.load_network("henhes", n=50, I_bias=1.4, **overrides), 1)
    return [hr.simulate(drawn, U, backend=backend) for backend in BACKENDS]


def same(found: list[hr.Recording]) -> None:
    for other in found[1:]:
        np.testing.assert_array_equal(other.spike_times, found[0].spike_times)
        np.testing.assert_array_equal(other.spike_neurons, found[0].spike_neurons)


@pytest.mark.parametrize("t_ref", ["1e9 ms", "2e5 s"])
def test_with_a_refractory_time_beyond_the_run_each_neuron_fires_once(t_ref: str) -> None:
    found = runs(t_ref=t_ref)
    same(found)
    assert np.bincount(found[0].spike_neurons, minlength=50).tolist() == [1] * 50


def test_the_longest_refractory_time_outlasts_a_pause() -> None:
    """Continued, too: the neurons that fired stay silent."""
    drawn = hr.draw(hr.load_network("henhes", n=50, I_bias=1.4, t_ref="1e9 ms"), 1)
    for backend in BACKENDS:
        first = hr.simulate(drawn, U[:20], backend=backend)
        assert hr.simulate(drawn, U[20:], backend=backend, state=first).spike_times.size == 50 - first.spike_times.size


@pytest.mark.parametrize(
    ("t_ref", "rule"),
    [("1e9 s", "at most 1e+09 steps of dt = 1 ms, got 1000000000000 ms"), ("1000001 s", "got 1000001000 ms")],
)
def test_longer_ones_are_refused_by_name(t_ref: str, rule: str) -> None:
    refused(lambda: runs(t_ref=t_ref), "t_ref", rule, "population E", "1000000000 ms do", error=NetworkError)


@pytest.mark.parametrize(
    "overrides",
    [
        {"tau_m": "1e-30 ms"},  # the membrane is its drive
        {"tau_m": "1e30 ms"},  # the membrane does not move
        {"tau_syn": "1e-30 ms"},
        {"tau_syn": "1e30 ms"},
        {"tau_plus": "1e-30 ms", "tau_minus": "1e-30 ms"},
        {"tau_plus": "1e30 ms", "tau_minus": "1e30 ms"},
        {"t_ref": "0 ms"},
    ],
    ids=str,
)
def test_time_constants_at_their_edges(overrides: dict[str, str]) -> None:
    found = runs(**overrides)
    same(found)
    # An infinitely slow membrane never fires; all others do.
    assert (found[0].spike_times.size > 0) == (overrides.get("tau_m") != "1e30 ms")
    for other in found[1:]:
        np.testing.assert_allclose(other.weights, found[0].weights, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("key", ["tau_m", "tau_syn", "tau_plus", "tau_minus"])
@pytest.mark.parametrize("value", ["1e-31 ms", "1e31 ms"])
def test_time_constants_beyond_are_refused_by_name(key: str, value: str) -> None:
    refused(lambda: hr.load_network("henhes", **{key: value}), f"{key} must be from 1e-30 to 1e+30 ms, got ")


@pytest.mark.parametrize("dt", [1e-9, 1e9])
def test_steps_at_their_edges(dt: float) -> None:
    """All times in units of the step: the spikes, in steps, are the same."""
    times = {"t_ref": 2, "tau_m": 20, "tau_syn": 5, "tau_plus": 20, "tau_minus": 20, "protocol.hold": 10}
    scaled = {key: f"{steps * dt!r} ms" for key, steps in times.items()}
    drawn = hr.draw(hr.load_network("henhes", n=50, I_bias=1.4, dt=f"{dt!r} ms", **scaled), 1)
    plain = hr.draw(hr.load_network("henhes", n=50, I_bias=1.4, **{k: f"{v} ms" for k, v in times.items()}), 1)
    expected = hr.simulate(plain, U)
    assert expected.spike_times.size > 500
    for backend in BACKENDS:
        found = hr.simulate(drawn, hr.array_stimulus(U.values, 10 * dt), backend=backend)
        np.testing.assert_array_equal(np.rint(found.spike_times / dt), expected.spike_times)
        np.testing.assert_array_equal(found.spike_neurons, expected.spike_neurons)


def test_steps_beyond_are_refused_by_name() -> None:
    for dt in ("1e-10 ms", "1e10 ms"):
        refused(lambda dt=dt: hr.load_network("henhes", dt=dt), "dt must be from 1e-09 to 1e+09 ms", error=NetworkError)
    refused(lambda: hr.load_network("henhes", dt="0 ms"), "dt must be > 0 ms", error=UnitError)
