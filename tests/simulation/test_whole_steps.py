"""Time is counted in whole steps: however an input is cut, spikes, times and states are the same to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS

import hetero_rsnn as hr
from hetero_rsnn.common import checks
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.frozen import learn
from hetero_rsnn.experiments.measurement import training_stimulus
from hetero_rsnn.simulation.recording import samples_of

#: 0.7 is no binary fraction: ten thousand of them are not 7,000 ms.
HOLD, DT = "0.7 ms", "0.1 ms"


def drawn(channels: int = 3, n: int = 40) -> hr.Draw:
    net = hr.load_network("henhes", n=n, dt=DT, **{"input.channels": channels, "input.weight.high": 0.4})
    return hr.draw(net, seed=1)


def samples(count: int, channels: int = 3) -> Array:
    return np.random.default_rng(5).uniform(-1, 1, (count, channels))


def same(a: hr.Recording, b: hr.Recording, *, exact: bool = True) -> None:
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    np.testing.assert_array_equal(hr.states(a), hr.states(b))
    # Where Brian2 is built anew in between, its event-driven traces decay in two steps, which rounds.
    np.testing.assert_allclose(a.weights, b.weights, rtol=0 if exact else 1e-12)
    assert (a.samples, a.hold, a.t_start) == (b.samples, b.hold, b.t_start)
    for key, values in a.state.variables.items():
        np.testing.assert_allclose(values, b.state.variables[key], rtol=0 if exact else 1e-9)


@pytest.mark.parametrize(
    ("backend", "count"),
    [
        ("fast", 1000),
        ("numpy", 1000),
        pytest.param("brian2", 200, marks=pytest.mark.slow),
        *(pytest.param(b, 10_000, marks=pytest.mark.slow) for b in BACKENDS),
    ],
)
def test_a_stream_of_single_samples_is_the_input_in_one_piece(backend: str, count: int) -> None:
    d, u = drawn(), samples(count)
    whole = hr.simulate(d, hr.array_stimulus(u, HOLD), backend=backend)
    streamed = hr.simulate(d, hr.stream((row[None] for row in u), HOLD), backend=backend)
    assert whole.spike_times.size > count / 10
    same(streamed, whole)
    np.testing.assert_array_equal(whole.spike_times, np.rint(whole.spike_times / 0.1) * 0.1)  # steps * dt, once


@pytest.mark.parametrize("backend", ["fast", "numpy"])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_pieces_and_blocks_of_any_size(backend: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current of a sample does not depend on those beside it, as that of a product of matrices would."""
    d, u = drawn(), samples(400)
    whole = hr.simulate(d, hr.array_stimulus(u, HOLD), backend=backend)
    monkeypatch.setattr("hetero_rsnn.simulation.simulate._PIECE", d.n * size)
    same(hr.simulate(d, hr.array_stimulus(u, HOLD), backend=backend), whole)
    same(hr.simulate(d, hr.array_stimulus(np.asfortranarray(u), HOLD), backend=backend), whole)
    same(hr.simulate(d, hr.stream(np.array_split(u, 17), HOLD), backend=backend), whole)


@pytest.mark.parametrize("backend", ["fast", "numpy", pytest.param("brian2", marks=pytest.mark.slow)])
def test_a_simulation_in_many_parts_is_the_one_in_one_go(backend: str) -> None:
    d, u = drawn(), samples(60 if backend == "brian2" else 600)
    whole = hr.simulate(d, hr.array_stimulus(u, HOLD), backend=backend)
    state: Any = None
    steps, neurons = [], []
    for row in u if backend != "brian2" else np.array_split(u, 6):
        part = hr.simulate(d, hr.array_stimulus(np.atleast_2d(row), HOLD), backend=backend, state=state)
        steps.append(np.rint((part.t_start + part.spike_times) / 0.1))
        neurons.append(part.spike_neurons)
        state = part
    np.testing.assert_array_equal(np.concatenate(steps) * 0.1, whole.spike_times)
    np.testing.assert_array_equal(np.concatenate(neurons), whole.spike_neurons)
    assert part.state.step == whole.state.step == len(u) * 7


@pytest.mark.parametrize("backend", ["fast", "numpy", pytest.param("brian2", marks=pytest.mark.slow)])
def test_events_meet_the_same_step_however_the_stimulus_is_cut(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = hr.load_network("henhes", n=40, dt=DT, **{"input.channels": 2, "event_weight.high": 1.0})
    d = hr.draw(net, seed=1)
    at = np.sort(np.random.default_rng(2).integers(0, 7 * 300, 400))
    u = hr.event_stimulus(at * 0.1, at % 2, n_channels=2, hold=HOLD, samples=300)
    whole = hr.simulate(d, u, backend=backend)
    assert whole.spike_times.size > 20
    blocks = [u[k : k + 1] for k in range(300)]
    same(hr.simulate(d, hr.stream(blocks, HOLD), backend=backend), whole)
    monkeypatch.setattr("hetero_rsnn.simulation.simulate._PIECE", d.n * 37)
    same(hr.simulate(d, u, backend=backend), whole, exact=backend != "brian2")


def test_an_event_a_rounding_error_before_the_start_stops_nothing() -> None:
    net = hr.load_network("henhes", n=20, **{"input.channels": 1, "event_weight.low": 0.3})
    d = hr.draw(net, seed=1)
    values = np.ones((3, 1))
    first, early = (
        hr.Stimulus("events", values, 10.0, np.array([at, 12.0]), np.array([0, 0])) for at in (0.0, -1.9e-6)
    )
    silent = hr.simulate(d, hr.silence("30 ms"))
    for backend in ("fast", "numpy"):
        same(hr.simulate(d, early, backend=backend), hr.simulate(d, first, backend=backend))
        assert hr.simulate(d, first, backend=backend).spike_times.size > silent.spike_times.size


def test_what_is_left_after_a_washout_is_on_whole_steps() -> None:
    recording = hr.simulate(drawn(), hr.array_stimulus(samples(3000), HOLD))
    left = recording.after(1001)
    np.testing.assert_array_equal(left.spike_times, np.rint(left.spike_times / 0.1) * 0.1)
    steps = np.rint(recording.spike_times / 0.1)
    np.testing.assert_array_equal(np.rint(left.spike_times / 0.1), steps[steps >= 7007] - 7007)


def test_the_start_of_what_is_left_is_a_time_of_a_step() -> None:
    d, u = drawn(), hr.array_stimulus(samples(300), HOLD)
    first = hr.simulate(d, u)
    left = hr.simulate(d, u, state=first).after(37)
    assert first.state.step == 2100
    assert left.t_start == (2100 + 37 * 7) * 0.1
    assert left.after(3).t_start == (2100 + 40 * 7) * 0.1


@pytest.mark.parametrize("backend", ["fast", "numpy", pytest.param("brian2", marks=pytest.mark.slow)])
def test_poisson_events_in_a_stream_of_single_samples(backend: str) -> None:
    net = hr.load_network("henhes", n=40, dt=DT, **{"input.channels": 2, "event_weight.high": 1.0})
    d = hr.draw(net, seed=1)
    u = hr.poisson_stimulus(np.full((300, 2), 900.0), HOLD, 5, dt=DT)
    steps = np.rint(u.event_times / 0.1)
    np.testing.assert_array_equal(u.event_times, steps * 0.1)
    # By hand: what falls into each sample, in whole steps.
    counts = [np.bincount((steps[u.event_channels == c] // 7).astype(int), minlength=300) for c in range(2)]
    whole = hr.simulate(d, u, backend=backend)
    assert whole.spike_times.size > 20 and whole.provenance["merged_events"] == 0
    blocks = [u[k : k + 1] for k in range(300)]
    np.testing.assert_array_equal([np.bincount(b.event_channels, minlength=2) for b in blocks], np.transpose(counts))
    same(hr.simulate(d, hr.stream(blocks, HOLD), backend=backend), whole)
    given = hr.event_stimulus(u.event_times, u.event_channels, n_channels=2, hold=HOLD, samples=300)
    np.testing.assert_array_equal(given.values, np.transpose(counts))
    same(hr.simulate(d, given, backend=backend), whole)


@pytest.mark.parametrize(("hold", "dt"), [(0.7, 0.1), (0.3, 0.1), (3.3, 1.1), (7e-3, 1e-3), (10.0, 1.0)])
@pytest.mark.parametrize("far", [0, 10**6, 10**9, 10**12])
def test_a_spike_lies_in_its_sample_however_late_it_is(hold: float, dt: float, far: int) -> None:
    per_sample = round(hold / dt)
    steps = far * per_sample + np.arange(50 * per_sample)
    np.testing.assert_array_equal(samples_of(steps * dt, hold, dt), steps // per_sample)


def test_spikes_between_steps_lie_in_their_sample_too() -> None:
    times = np.array([0.0, 0.65, 0.699, 0.7, 0.75, 1.399, 1.4])
    np.testing.assert_array_equal(samples_of(times, 0.7, 0.1), [0, 0, 0, 1, 1, 1, 2])


@pytest.mark.parametrize(
    ("limit", "shown"), [("7 ms", 10), ("6.9 ms", 9), ("0.7 ms", 1), ("2.1 ms", 3), ("70 ms", 100)]
)
def test_learning_for_a_time_shows_whole_samples(limit: str, shown: int) -> None:
    """Of one-sample inputs, each 0.7 ms: ten of them are 7 ms."""
    d = drawn()
    done: list[int] = []

    def encode(k: int) -> hr.Stimulus:
        done.append(k)
        return hr.array_stimulus(np.full((1, 3), 0.5), HOLD)

    learn(d, 200, encode, rest=0.0, limit=checks.duration("limit", limit))
    assert len(done) == shown + 1  # the first one tells what samples are like


@pytest.mark.parametrize(("train", "count"), [("70 s", 100_000), ("2.1 ms", 3), ("2.2 ms", 4), ("0.1 ms", 1)])
def test_training_lasts_whole_samples(train: str, count: int) -> None:
    net = hr.load_network("henhes", n=20, dt=DT, **{"protocol.hold": HOLD, "protocol.train": train})
    assert len(training_stimulus(net, 1)) == count
