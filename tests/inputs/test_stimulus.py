"""Stimuli: shapes, cutting, events on the grid, what the random ones promise, and every refusal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import helpers
import numpy as np
import pytest
from numpy.typing import NDArray

import hetero_rsnn as hr
from hetero_rsnn import (
    Draw,
    HeteroError,
    Recording,
    Stimulus,
    StimulusError,
    UnitError,
    array_stimulus,
    event_stimulus,
    load_network,
    poisson_stimulus,
    silence,
    stream,
    uniform_stimulus,
)
from hetero_rsnn.network.draw import draw
from hetero_rsnn.simulation.drive import prepare
from hetero_rsnn.simulation.simulate import simulate

Array = NDArray[np.float64]


def network(channels: int = 2, dt: str = "1 ms", **overrides: Any) -> Draw:
    net = load_network("henhes", n=30, dt=dt, I_bias=1.2, **{"input.channels": channels, **overrides})
    return draw(net, 1)


#: One line that holds all the words.
refused = partial(helpers.refused, error=StimulusError)


def equal(a: Recording, b: Recording) -> None:
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    np.testing.assert_array_equal(a.weights, b.weights)
    assert (a.samples, a.hold, a.state.step) == (b.samples, b.hold, b.state.step)


# Currents --------------------------------------------------------------------------------------------------------


def test_one_channel_or_several() -> None:
    a = array_stimulus([1.0, 2.0, 3.0], hold="5 ms")
    assert (a.values.shape, len(a), a.samples, a.channels, a.hold, a.duration) == ((3, 1), 3, 3, 1, 5.0, 15.0)
    b = array_stimulus(np.arange(6, dtype=np.int32).reshape(3, 2), hold="0.01 s")
    assert (b.values.shape, b.values.dtype, b.hold) == ((3, 2), np.float64, 10.0)
    assert repr(b) == "Stimulus(current, 3 samples of 10 ms, 2 channels)"
    assert b.event_times.size == b.event_channels.size == 0


def test_brian2_quantities_are_welcome() -> None:
    from brian2 import Hz, ms, second

    assert array_stimulus([1.0], 5 * ms).hold == 5.0
    assert silence(1 * second, 10 * ms).samples == 100
    times = event_stimulus(np.array([0.001, 0.02]) * second, [0, 0], n_channels=1, hold=5 * ms)
    np.testing.assert_allclose(times.event_times, [1.0, 20.0], rtol=1e-15)
    refused(lambda: event_stimulus([1, 2] * Hz, [0, 0], n_channels=1, hold="5 ms"), "must be times")


def test_uniform_samples() -> None:
    u = uniform_stimulus(20_000, "5 ms", 3, low=-0.5, high=2.0, channels=2)
    assert u.values.shape == (20_000, 2)
    assert -0.5 <= u.values.min() < -0.49 and 1.99 < u.values.max() < 2.0
    np.testing.assert_allclose(u.values.mean(axis=0), 0.75, atol=5 * 2.5 / np.sqrt(12 * 20_000))
    assert abs(np.corrcoef(u.values.T)[0, 1]) < 5 / np.sqrt(20_000)
    assert u.description == {"source": "uniform", "seed": 3, "low": -0.5, "high": 2.0}


def test_seeds() -> None:
    a, b, c = (uniform_stimulus(50, seed=s).values for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).all()
    # A longer stimulus begins like a shorter one.
    np.testing.assert_array_equal(uniform_stimulus(80, seed=1).values[:50], a)
    refused(lambda: uniform_stimulus(5, seed=-1), "seed", "-1", error=HeteroError)


def test_silence() -> None:
    quiet = silence("0.3 s", "10 ms", channels=3)
    assert quiet.values.shape == (30, 3) and not quiet.values.any()
    assert silence("25 ms", "2.5 ms").samples == 10
    assert silence("0.3 ms", "0.1 ms").samples == 3
    refused(lambda: silence("15 ms", "10 ms"), "duration must be a multiple of hold = 10 ms, got 15 ms")
    refused(lambda: silence("4 ms", "10 ms"), "got 4 ms")


def test_silence_is_an_input_of_zero() -> None:
    drawn = network()
    equal(simulate(drawn, silence("100 ms", channels=2)), simulate(drawn, array_stimulus(np.zeros((10, 2)), "10 ms")))


# Cutting ---------------------------------------------------------------------------------------------------------


def events(seed: int = 0, samples: int = 40) -> Stimulus:
    rng = np.random.default_rng(seed)
    times = rng.uniform(0, samples * 5.0, 300)
    return event_stimulus(times, rng.integers(0, 2, 300), n_channels=2, hold="5 ms", samples=samples)


def test_slices_of_a_current() -> None:
    u = uniform_stimulus(10, channels=2)
    np.testing.assert_array_equal(u[3:7].values, u.values[3:7])
    np.testing.assert_array_equal(u[-2:].values, u.values[-2:])
    assert len(u[:]) == 10 and len(u[8:100]) == 2 and len(u[7:3]) == 0
    assert u[2:].hold == u.hold and u[2:].description == u.description
    refused(lambda: u[3], "u[100:200]", "got 3")  # type: ignore[index]
    refused(lambda: u[::2], "a step of 2")
    refused(lambda: u[::-1], "a step of -1")


def test_slices_of_events_count_from_their_start() -> None:
    e = events()
    part = e[7:20]
    inside = (e.event_times >= 35) & (e.event_times < 100)
    assert 0 < inside.sum() < 300
    np.testing.assert_allclose(part.event_times, e.event_times[inside] - 35, atol=1e-12)
    np.testing.assert_array_equal(part.event_channels, e.event_channels[inside])
    np.testing.assert_array_equal(part.values, e.values[7:20])
    assert part.values.sum() == inside.sum()
    assert repr(part) == f"Stimulus(events, 13 samples of 5 ms, 2 channels, {inside.sum()} events)"


@pytest.mark.parametrize("size", [1, 7, 40, 100])
@pytest.mark.parametrize("make", [events, lambda: uniform_stimulus(40, "5 ms", channels=2)])
def test_pieces_are_the_whole(make: Callable[[], Stimulus], size: int) -> None:
    u = make()
    parts = list(u.pieces(size))
    assert [len(p) for p in parts] == [min(size, 40 - i) for i in range(0, 40, size)]
    np.testing.assert_array_equal(np.concatenate([p.values for p in parts]), u.values)
    times = np.concatenate([p.event_times + k * size * 5.0 for k, p in enumerate(parts)])
    np.testing.assert_allclose(times, u.event_times, atol=1e-9)
    np.testing.assert_array_equal(np.concatenate([p.event_channels for p in parts]), u.event_channels)


@pytest.mark.parametrize("dt", ["1 ms", "0.1 ms"])
def test_events_on_an_edge_are_neither_lost_nor_doubled(dt: str) -> None:
    """Times that rounding put a hair before the edge of a sample: the whole and its pieces agree on their step."""
    drawn = network(dt=dt)
    on_edges = np.arange(1, 40) * 5.0
    hair = np.tile([0.0, -1e-12, 1e-12, -3e-9, -2e-7, -9e-7, 9e-7], 6)[: on_edges.size]
    e = event_stimulus(on_edges + hair, np.zeros(39, dtype=int), n_channels=2, hold="5 ms", samples=40)
    _, hold_steps, steps, *_ = prepare(drawn, e)
    np.testing.assert_array_equal(steps, np.arange(1, 40) * hold_steps)
    np.testing.assert_array_equal(e.values[:, 0], [0, *[1] * 39])
    for size in (1, 3):
        pieces = [prepare(drawn, p) for p in e.pieces(size)]
        again = np.concatenate([p[2] + k * size * hold_steps for k, p in enumerate(pieces)])
        np.testing.assert_array_equal(again, steps)
    # At the very end: such an event opens a sample of its own, and is not dropped.
    last = event_stimulus([10 - 5e-7], [0], n_channels=2, hold="10 ms")
    assert len(last) == 2 and last.values[1, 0] == 1
    assert prepare(drawn, last)[2] == 10 / drawn.network.dt


# Events ----------------------------------------------------------------------------------------------------------


def test_events_come_in_any_order_and_are_counted() -> None:
    e = event_stimulus([12.0, 3.0, 3.0, 29.9], [1, 2, 0, 1], n_channels=3, hold="10 ms")
    np.testing.assert_array_equal(e.event_times, [3.0, 3.0, 12.0, 29.9])
    np.testing.assert_array_equal(e.event_channels, [0, 2, 1, 1])
    np.testing.assert_array_equal(e.values, [[1, 0, 1], [0, 1, 0], [0, 1, 0]])
    assert e.kind == "events"
    assert len(event_stimulus([12.0], [0], n_channels=1, hold="10 ms", samples=9)) == 9


def test_no_events_at_all() -> None:
    none = event_stimulus([], np.empty(0, dtype=int), n_channels=2, hold="10 ms", samples=5)
    assert len(none) == 5 and not none.values.any()
    drawn = network()
    equal(simulate(drawn, none), simulate(drawn, silence("50 ms", channels=2)))
    assert len(event_stimulus([], [], n_channels=2, hold="10 ms")) == 1  # an empty list has no type of its own


def test_units_of_event_times() -> None:
    ms = event_stimulus([1.5, 20.0], [0, 0], n_channels=1, hold="5 ms")
    for factor, unit in ((1e-3, "s"), (1e3, "us")):
        other = event_stimulus(np.array([1.5, 20.0]) * factor, [0, 0], n_channels=1, hold="5 ms", unit=unit)
        np.testing.assert_allclose(other.event_times, ms.event_times, rtol=1e-15)
    refused(lambda: event_stimulus([1.0], [0], n_channels=1, hold="5 ms", unit="min"), "'ms', 's' or 'us'", "'min'")


def test_half_precision_seconds() -> None:
    """As in the Heidelberg digits: turned into doubles before anything is computed with them."""
    times = np.array([0.0102, 0.1, 0.7317, 0.9995], dtype=np.float16)
    e = event_stimulus(times, np.zeros(4, dtype=np.uint16), n_channels=1, hold="10 ms", unit="s")
    assert e.event_times.dtype == np.float64 and e.event_channels.dtype == np.int64
    np.testing.assert_allclose(e.event_times, [10.2, 100.0, 731.9, 999.5], rtol=3e-4)
    assert e.event_times[1] == 100.0  # stored as 99.976, but within its rounding
    assert len(e) == int(float(times[-1]) * 100) + 1
    single = event_stimulus(np.float32([0.01]), [0], n_channels=2, hold="10 ms", unit="s")  # 9.9999998 ms
    assert prepare(network(), single)[2] == 10


def test_events_of_one_step_are_one() -> None:
    """One channel spikes at most once in a step; two channels are two spikes."""
    drawn = network(v_th=100.0)
    many = event_stimulus([5.0, 5.2, 5.9, 6.0, 5.5], [0, 0, 0, 0, 1], n_channels=2, hold="10 ms")
    once = event_stimulus([5.0, 6.0, 5.0], [0, 0, 1], n_channels=2, hold="10 ms")
    assert many.values.sum() == 5  # what was asked for stays on record
    for name in (2, 3):
        np.testing.assert_array_equal(prepare(drawn, many)[name], prepare(drawn, once)[name])
    recording = simulate(drawn, many, record=("I_syn",))
    assert recording.spike_times.size == 0
    i_syn = recording.traces["I_syn"]
    np.testing.assert_array_equal(i_syn[:6], 0.0)
    np.testing.assert_allclose(i_syn[6], drawn.w_event.sum(axis=1), atol=1e-15)
    decayed = i_syn[6] * np.exp(-1 / drawn.neurons["tau_syn"])
    np.testing.assert_allclose(i_syn[7], decayed + drawn.w_event[:, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: event_stimulus([1.0, -0.1], [0, 0], n_channels=1, hold="5 ms"),
            ["event times must be >= 0", "-0.1 ms"],
        ),
        (lambda: event_stimulus([np.nan], [0], n_channels=1, hold="5 ms"), ["must be finite", "nan at event 0"]),
        (lambda: event_stimulus([np.inf], [0], n_channels=1, hold="5 ms"), ["must be finite", "inf at event 0"]),
        (lambda: event_stimulus(["soon"], [0], n_channels=1, hold="5 ms"), ["event times must be real numbers", "<U4"]),
        (lambda: event_stimulus([1.0], [2], n_channels=2, hold="5 ms"), ["0..1", "2..2"]),
        (lambda: event_stimulus([1.0], [-1], n_channels=2, hold="5 ms"), ["0..1", "-1..-1"]),
        (lambda: event_stimulus([1.0], [0.5], n_channels=2, hold="5 ms"), ["whole numbers"]),
        (lambda: event_stimulus([1.0], [True], n_channels=2, hold="5 ms"), ["whole numbers"]),
        (lambda: event_stimulus([1.0, 2.0], [0], n_channels=2, hold="5 ms"), ["(2,)", "(1,)"]),
        (lambda: event_stimulus([[1.0, 2.0]], [[0, 0]], n_channels=2, hold="5 ms"), ["(events,)", "(1, 2)"]),
        (lambda: event_stimulus([50.0], [0], n_channels=1, hold="5 ms", samples=10), ["50 ms", "10 samples"]),
        (lambda: event_stimulus([1.0], [0], n_channels=0, hold="5 ms"), ["n_channels", ">= 1", "0"]),
        (lambda: event_stimulus([1.0], [0], n_channels=1, hold="5 ms", samples=0), ["samples", ">= 1"]),
    ],
)
def test_refused_events(call: Callable[[], object], words: list[str]) -> None:
    refused(call, *words)


# Poisson ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", ["1 ms", "0.5 ms"])
def test_poisson_rates_and_intervals(dt: str) -> None:
    """Bernoulli in each step with p = 1 - exp(-rate dt): counts and intervals as they should be."""
    rates = np.array([0.0, 5.0, 50.0, 400.0])
    step = float(dt.split()[0])
    samples, hold = 4000, 10.0
    p = poisson_stimulus(np.tile(rates, (samples, 1)), f"{hold} ms", 8, dt=dt)
    np.testing.assert_array_equal(p.values, np.tile(rates, (samples, 1)))
    probability = -np.expm1(-rates * step / 1e3)
    trials = samples * hold / step
    counts = np.bincount(p.event_channels, minlength=4)
    assert counts[0] == 0
    assert (np.abs(counts - trials * probability) <= 5 * np.sqrt(trials * probability * (1 - probability))).all()
    assert (np.diff(p.event_times) >= 0).all() and p.event_times.max() < samples * hold
    np.testing.assert_allclose(p.event_times / step, np.round(p.event_times / step), atol=1e-6)
    for channel in (2, 3):
        gaps = np.diff(p.event_times[p.event_channels == channel]) / step
        assert gaps.min() >= 1  # at most one spike in a step
        q = probability[channel]  # geometric: mean 1/q, variance (1 - q)/q^2
        assert gaps.mean() == pytest.approx(1 / q, rel=5 / np.sqrt(gaps.size))
        assert gaps.std() == pytest.approx(np.sqrt(1 - q) / q, rel=0.1)
        per_sample = np.bincount((p.event_times[p.event_channels == channel] // hold).astype(int), minlength=samples)
        assert abs(np.corrcoef(per_sample[1:], per_sample[:-1])[0, 1]) < 5 / np.sqrt(samples)


def test_poisson_follows_a_changing_rate() -> None:
    rates = np.concatenate([np.full(500, 20.0), np.full(500, 200.0)])
    p = poisson_stimulus(rates, "10 ms", 1)
    low, high = (p.event_times < 5000).sum(), (p.event_times >= 5000).sum()
    assert 60 < low < 140 and 800 < high < 1000  # 1 - exp(-0.2) = 0.18 a step
    assert p.channels == 1


def test_poisson_does_not_depend_on_what_comes_later() -> None:
    """Spikes are drawn sample by sample, so that a stimulus can be made longer."""
    rates = np.random.default_rng(0).uniform(0, 300, (60, 3))
    whole, part = poisson_stimulus(rates, "10 ms", 4), poisson_stimulus(rates[:25], "10 ms", 4)
    np.testing.assert_array_equal(whole[:25].event_times, part.event_times)
    np.testing.assert_array_equal(whole[:25].event_channels, part.event_channels)
    other = poisson_stimulus(rates, "10 ms", 5)
    assert other.event_times.size != whole.event_times.size or (other.event_times != whole.event_times).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: poisson_stimulus([-1.0], "10 ms"), ["rates must be >= 0 Hz", "-1"]),
        (lambda: poisson_stimulus([np.nan], "10 ms"), ["rates must be finite", "nan"]),
        (lambda: poisson_stimulus([], "10 ms"), ["rates must not be empty"]),
        (lambda: array_stimulus([], "10 ms"), ["values must not be empty"]),
        (lambda: array_stimulus([1.0, np.nan], "10 ms"), ["nan at sample 1 and 1 such", "fill the gap"]),
        (lambda: array_stimulus([[1.0, 2.0], [3.0, -np.inf]], "10 ms"), ["-inf at sample 1, channel 1"]),
        (lambda: array_stimulus(["a"], "10 ms"), ["values must be real numbers"]),
        (lambda: array_stimulus([[1.0], [1.0, 2.0]], "10 ms"), ["values must be one array", "unequal shapes"]),
        (lambda: array_stimulus(np.zeros((2, 2, 2)), "10 ms"), ["(samples, channels)", "(2, 2, 2)"]),
        (lambda: array_stimulus(np.zeros((3, 0)), "10 ms"), ["(3, 0)"]),
        (lambda: array_stimulus(1.0, "10 ms"), ["(samples, channels)", "()"]),
        (lambda: uniform_stimulus(0), ["samples", ">= 1", "0"]),
        (lambda: uniform_stimulus(2.5), ["samples", "2.5"]),  # type: ignore[arg-type]
        (lambda: uniform_stimulus(True), ["samples", "True"]),
        (lambda: uniform_stimulus(5, channels=0), ["channels", "0"]),
        (lambda: uniform_stimulus(5, low=1.0, high=1.0), ["low must be below high", "1 and 1"]),
        (lambda: uniform_stimulus(5, low=np.nan), ["low must be below high", "nan"]),
        (lambda: silence("50 ms", channels=0), ["channels", "0"]),
    ],
)
def test_refused_values(call: Callable[[], object], words: list[str]) -> None:
    refused(call, *words)


@pytest.mark.parametrize("hold", ["10", "10 mV", "0 ms", 0, -5.0, math.inf, True, "-5 ms", "ten ms", "nan ms"])
def test_a_hold_is_a_time(hold: Any) -> None:
    for make in (
        lambda: array_stimulus([1.0], hold),
        lambda: uniform_stimulus(3, hold),
        lambda: poisson_stimulus([1.0], hold),
        lambda: event_stimulus([1.0], [0], n_channels=1, hold=hold),
        lambda: silence("50 ms", hold),
        lambda: stream([[1.0]], hold),
    ):
        refused(make, "hold", error=UnitError)


def test_poisson_grid_must_fit_the_hold() -> None:
    refused(
        lambda: poisson_stimulus([1.0], "10 ms", dt="3 ms"), "hold must be a multiple of dt = 3 ms", error=UnitError
    )


# On the grid of a network ----------------------------------------------------------------------------------------


def test_prepare() -> None:
    drawn = network(dt="0.5 ms")
    u = uniform_stimulus(4, "5 ms", channels=2)
    drive, hold_steps, steps, channels, events = prepare(drawn, u)
    assert hold_steps == 10 and steps.size == channels.size == events == 0
    expected = [[sum(w * x for w, x in zip(row, sample, strict=True)) for row in drawn.w_in] for sample in u.values]
    np.testing.assert_allclose(drive, expected, atol=1e-15)
    e = event_stimulus([0.4, 0.5, 7.3], [1, 0, 1], n_channels=2, hold="5 ms")
    drive, _, steps, channels, events = prepare(drawn, e)
    assert drive.shape == (2, 30) and not drive.any() and events == 3
    np.testing.assert_array_equal(steps, [0, 1, 14])
    np.testing.assert_array_equal(channels, [1, 0, 1])


def test_stimuli_that_do_not_fit_the_network() -> None:
    drawn = network()
    refused(lambda: simulate(drawn, uniform_stimulus(5, channels=3)), "3 channels", "takes 2", '"input.channels": 3')
    refused(lambda: simulate(drawn, uniform_stimulus(5, "2.5 ms", channels=2)), "multiple of dt = 1 ms", "2.5 ms")
    refused(lambda: simulate(drawn, stream([np.zeros((5, 3))], "5 ms")), "3 channels", "takes 2")
    refused(lambda: simulate(drawn, uniform_stimulus(5, channels=2)[5:]), "empty", "at least one sample")
    refused(lambda: simulate(drawn, stream([], "5 ms")), "empty", "at least one sample")


def test_a_stimulus_is_not_changed_by_a_run() -> None:
    drawn, e = network(), events()
    kept = replace(e, values=e.values.copy(), event_times=e.event_times.copy(), event_channels=e.event_channels.copy())
    a = simulate(drawn, e)
    np.testing.assert_array_equal(e.event_times, kept.event_times)
    np.testing.assert_array_equal(e.event_channels, kept.event_channels)
    equal(a, simulate(drawn, e))


# Streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["fast", "numpy"])
@pytest.mark.parametrize("sizes", [[60], [1, 2, 57], [7] * 8 + [4], [30, 0, 30]])
def test_a_stream_of_blocks_is_the_whole(backend: str, sizes: list[int]) -> None:
    drawn, u = network(), uniform_stimulus(60, "5 ms", 2, channels=2)
    edges = np.cumsum([0, *sizes])
    blocks = (u.values[a:b] for a, b in pairwise(edges))
    options: dict[str, Any] = {"backend": backend, "record": ("v",), "record_neurons": [3, 1]}
    streamed, whole = simulate(drawn, stream(blocks, "5 ms"), **options), simulate(drawn, u, **options)
    assert whole.spike_times.size > 20
    equal(streamed, whole)
    np.testing.assert_array_equal(streamed.traces["v"], whole.traces["v"])
    assert streamed.provenance["stimulus"] == {"source": "stream"}


def test_a_stream_with_brian2() -> None:
    drawn, u = network(), uniform_stimulus(30, "5 ms", 2, channels=2)
    streamed = simulate(drawn, stream([u.values[:11], u.values[11:]], "5 ms"), backend="brian2")
    whole = simulate(drawn, u)
    np.testing.assert_array_equal(streamed.spike_times, whole.spike_times)
    np.testing.assert_allclose(streamed.weights, whole.weights, rtol=1e-9)


def test_a_stream_is_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """One block at a time, and what is too large for memory in pieces, which do not depend on the blocks."""
    simulate_module = import_module("hetero_rsnn.simulation.simulate")
    seen: list[int] = []
    real = simulate_module.drives

    def drives(*given: Any) -> Iterator[Any]:
        for drive in real(*given):
            seen.append(len(drive.values))
            yield drive

    monkeypatch.setattr(simulate_module, "drives", drives)
    monkeypatch.setattr(simulate_module, "_PIECE", 30 * 10)
    produced: list[int] = []

    def blocks() -> Iterator[Array]:
        for k in range(3):
            produced.append(len(seen))
            yield np.full((25, 2), 0.1 * k)

    simulate(network(), stream(blocks(), "5 ms"))
    assert seen == [10] * 7 + [5]
    assert produced == [0, 2, 5]


def test_blocks_of_a_stream() -> None:
    one = stream([[0.1, 0.2], np.array([[0.3]])], "5 ms")
    assert [p.values.shape for p in one.pieces(10)] == [(2, 1), (1, 1)]
    refused(lambda: list(stream([[0.1, np.nan]], "5 ms").pieces(10)), "block must be finite", "sample 1")


def test_one_array_is_no_stream_of_blocks():
    with pytest.raises(StimulusError, match="array_stimulus"):
        stream(np.zeros((10, 2)), "10 ms")


def test_a_stream_of_events_equals_the_whole() -> None:
    net = load_network("henhes", n=40, **{"input.channels": 2})
    whole = poisson_stimulus(np.full((60, 2), 200.0), "10 ms", seed=3)
    d = draw(net, 0)
    one = simulate(d, whole)
    parts = simulate(d, stream((whole[k : k + 7] for k in range(0, 60, 7)), "10 ms"))
    np.testing.assert_array_equal(parts.spike_times, one.spike_times)
    np.testing.assert_array_equal(parts.weights, one.weights)
    with pytest.raises(StimulusError, match="the stream 5 ms"):
        simulate(d, stream([whole], "5 ms"))


# Rounding, and times that cannot be meant --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [">f4", "f4", "f8"])
@pytest.mark.parametrize(("unit", "factor"), [("s", 1e-3), ("ms", 1.0), ("us", 1e3)])
@pytest.mark.parametrize("dt", ["0.1 ms", "0.25 ms", "1 ms"])
def test_rounded_times_arrive_in_their_step(dtype: str, unit: str, factor: float, dt: str) -> None:
    """One event a step for 2,000 steps: all arrive, each in its own."""
    step = float(dt.split()[0])
    times = (np.arange(2000) * step * factor).astype(dtype)
    u = event_stimulus(times, np.zeros(2000, int), n_channels=1, hold="1 ms", unit=unit, samples=2000)
    drive = prepare(network(1, dt), u)
    assert drive.event_steps.tolist() == list(range(2000))
    np.testing.assert_allclose(u.event_times, np.arange(2000) * step, rtol=0, atol=1e-9)


def test_times_between_round_ones_stay() -> None:
    times = np.array([8.123456, 0.3333333, 17.77777], "f4")
    u = event_stimulus(times, [0, 0, 0], n_channels=1, hold="1 ms")
    np.testing.assert_allclose(u.event_times, np.sort(times.astype(float)), rtol=2.5e-7, atol=0)


def test_times_of_half_precision_reach_their_sample() -> None:
    u = event_stimulus(np.array([0.008, 0.009, 0.027], "f2"), [0, 0, 0], n_channels=1, hold="1 ms", unit="s")
    assert np.flatnonzero(u.values).tolist() == [8, 9, 27]


@pytest.mark.parametrize(
    ("times", "unit", "size"),
    [
        ([1.7e9, 1.7e9 + 1], "s", "170000000101 samples of 10 ms and 1 channels (1.36 TB)"),
        ([1.7e12, 1.7e12 + 5], "ms", "170000000001 samples of 10 ms and 1 channels (1.36 TB)"),
        ([1e300], "ms", "1e+299 samples"),
        ([1e308], "us", "1e+300 samples"),
        ([3e14], "us", "30000000001 samples of 10 ms and 1 channels (240 GB)"),
    ],
)
def test_times_since_1970(times: list[float], unit: str, size: str) -> None:
    late = partial(event_stimulus, times, [0] * len(times), n_channels=1, hold="10 ms", unit=unit)
    refused(late, "the first event is at", size, "times - times.min()")
    t = np.array(times)
    assert len(event_stimulus(t - t.min(), [0] * len(times), n_channels=1, hold="10 ms", unit=unit)) <= 101


def test_a_span_that_fills_the_memory() -> None:
    far = partial(event_stimulus, [0.0, 1e12], [0, 0], n_channels=1, hold="10 ms")
    refused(far, "a stimulus of 100000000001 samples", "would take 800 GB", "that are free", "check the unit")


@pytest.mark.parametrize("kind", ["currents", ""])
def test_a_stimulus_made_by_hand_is_checked(kind: str) -> None:
    refused(lambda: Stimulus(kind, np.zeros((2, 1)), 10.0), "unknown kind of stimulus")
    refused(lambda: Stimulus("current", np.full((2, 1), np.nan), 10.0), "values must be finite", "index (0, 0)")
    with pytest.raises(UnitError, match="hold must be > 0 ms"):
        Stimulus("current", np.zeros((2, 1)), 0.0)


def test_times_in_a_list_of_quantities_keep_their_unit():
    b2 = pytest.importorskip("brian2")
    whole = hr.event_stimulus([1, 2] * b2.ms, [0, 0], n_channels=1, hold="1 ms")
    apart = hr.event_stimulus([1 * b2.ms, 2 * b2.ms], [0, 0], n_channels=1, hold="1 ms")
    np.testing.assert_allclose(apart.event_times, [1.0, 2.0], rtol=1e-12)
    np.testing.assert_array_equal(apart.values, whole.values)
    for odd in ([1 * b2.mV, 2 * b2.mV], [1 * b2.ms, 2.0]):
        with pytest.raises(hr.HeteroError, match="plain numbers, got a quantity"):
            hr.event_stimulus(odd, [0, 0], n_channels=1, hold="1 ms")


def test_an_event_at_the_very_end_belongs_to_no_sample():
    inside = hr.Stimulus("events", np.zeros((2, 1)), 10.0, [19.999], [0])
    assert inside.event_times.tolist() == [19.999]
    for late in (20.0, 20.0 - 1e-9):
        with pytest.raises(hr.StimulusError, match="end before 20 ms"):
            hr.Stimulus("events", np.zeros((2, 1)), 10.0, [late], [0])


@pytest.mark.parametrize(("kind", "last"), [("f4", 3000.0), ("f2", 1.0)])
def test_rounded_times_lie_in_their_millisecond_as_long_as_it_is_plain_which(kind, last):
    """Spacing of the numbers up to a quarter of a millisecond: no two of them are taken for one."""
    ms = np.unique(np.random.default_rng(0).integers(0, int(last * 1000), 20_000))
    stored = (ms / 1000).astype(kind)
    stimulus = hr.event_stimulus(stored, np.zeros(ms.size, int), n_channels=1, hold="1 ms", unit="s")
    np.testing.assert_array_equal(stimulus.event_times, ms)


def test_a_sample_lasts_ten_milliseconds_unless_told_otherwise():
    assert hr.array_stimulus([1, 2, 3]).hold == hr.uniform_stimulus(3).hold == 10.0
