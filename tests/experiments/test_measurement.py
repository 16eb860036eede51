"""Measuring over seeds: the protocol step by step, the same numbers from every backend and number of workers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blas import blas_threads
from helpers import BACKENDS
from scipy import stats
from threadpoolctl import threadpool_info

from hetero_rsnn import (
    HeteroError,
    Measurement,
    Network,
    TooShortError,
    compare,
    load_network,
    measure,
    memory_capacity,
    save_network,
    spike_efficiency,
    state_correlation,
    states,
    train,
    uniform_stimulus,
)
from hetero_rsnn.common.files import plain, write_json
from hetero_rsnn.experiments.measurement import measure_many, measure_seed, training_stimulus
from hetero_rsnn.experiments.measurement_result import QUANTITIES, SeedResult
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.network.draw import draw
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.simulation.simulate import simulate

QUICK = {
    "protocol.samples": 1000,
    "protocol.washout": 30,
    "protocol.train": "500 ms",
    "protocol.d_max": 10,
    "protocol.hold": "5 ms",
}
SEEDS = (5, 0, 3)


@cache
def network(name: str = "henhes", **overrides: Any) -> Network:
    return load_network(name, n=60, **{**QUICK, **overrides})


@cache
def measured() -> Measurement:
    return measure(network(), SEEDS)


def same(a: SeedResult, b: SeedResult, rtol: float = 0.0) -> None:
    """All but the wall times; `rtol` is for the mean weight alone."""
    for name in set(SeedResult.__dataclass_fields__) - {"seconds", "weight"}:
        x, y = getattr(a, name), getattr(b, name)
        assert x == y or (isinstance(x, float) and math.isnan(x) and math.isnan(y)), name
    np.testing.assert_allclose(a.weight, b.weight, rtol=rtol, atol=0)


# The protocol ----------------------------------------------------------------------------------------------------


def test_a_seed_step_by_step() -> None:
    """Learn on one input, freeze, measure on another; states are filtered before the washout is dropped."""
    net = network()
    p = net.protocol
    result, recording = measure_seed(net, 3)
    drawn = draw(net, 3)
    trained = simulate(drawn, training_stimulus(net, 3))
    u = uniform_stimulus(p.washout + p.samples, "5 ms", 3)
    whole = simulate(drawn, u, plasticity=False, state=trained)
    np.testing.assert_array_equal(whole.weights, trained.weights)
    assert (trained.weights != drawn.plastic.w).any()

    kept = whole.spike_times >= p.washout * p.hold
    np.testing.assert_array_equal(recording.spike_times, whole.spike_times[kept] - p.washout * p.hold)
    assert recording.samples == p.samples and recording.t_start == (p.train + p.washout * p.hold)
    x = states(whole, tau_read=f"{p.tau_read} ms")[p.washout :]
    capacity = memory_capacity(x, u.values[p.washout :, 0], d_max=p.d_max)
    expected = spike_efficiency(capacity, recording)
    for name in ("C", "C_stderr", "S", "E", "E_stderr", "rate_hz", "silent_share"):
        np.testing.assert_allclose(getattr(result, name), getattr(expected, name), rtol=1e-9)
    np.testing.assert_allclose(result.curve, capacity.curve, rtol=1e-9, atol=1e-12)
    assert sum(result.curve) == pytest.approx(result.C)
    assert kept.sum() == round(result.S * 60 * p.samples)
    assert result.correlation == pytest.approx(state_correlation(x))
    assert result.weight == pytest.approx(trained.weights.mean() / drawn.shared["w_max"])
    assert result.train_rate_hz == trained.rate_hz
    assert result.seconds.keys() == {"draw", "train", "measure", "states", "readout"}
    assert all(seconds >= 0 for seconds in result.seconds.values())


def test_training_input_is_not_the_measuring_input() -> None:
    net = network(**{"input.channels": 2, "protocol.train": "103 ms"})
    t = training_stimulus(net, 7)
    assert t.values.shape == (21, 2) and t.hold == 5.0  # rounded up to whole samples
    assert np.abs(t.values).max() <= 1
    np.testing.assert_array_equal(t.values, training_stimulus(net, 7).values)
    assert not np.isin(t.values, uniform_stimulus(500, "5 ms", 7, channels=2).values).any()
    assert not np.isin(t.values, training_stimulus(net, 8).values).any()


def test_train() -> None:
    drawn = draw(network(), 3)
    recording = train(drawn)
    assert recording is not None and recording.duration == 500.0
    np.testing.assert_array_equal(recording.weights, simulate(drawn, training_stimulus(network(), 3)).weights)
    assert train(draw(network("static"), 3)) is None
    assert train(draw(network(**{"protocol.train": "0 ms"}), 3)) is None


def test_a_static_network_is_not_trained() -> None:
    result, recording = measure_seed(network("static"), 1)
    assert math.isnan(result.weight) and math.isnan(result.train_rate_hz)
    assert "synapses" not in result.H
    assert recording.t_start == 150.0  # the washout alone
    assert result.S > 0 and len(result.curve) == 10
    m = Measurement(network("static"), (result,), "fast")
    assert m.summary()["weight"].n == 0 and math.isnan(m.summary()["weight"].mean)


def test_without_training_the_weights_are_the_drawn_ones() -> None:
    net = network(**{"protocol.train": "0 ms"})
    result, _ = measure_seed(net, 1)
    drawn = draw(net, 1)
    assert result.weight == drawn.plastic.w.mean() / drawn.shared["w_max"]
    assert math.isnan(result.train_rate_hz)


def test_heterogeneity_is_that_of_the_draw() -> None:
    row = measured().rows[0]
    groups = draw(network(), SEEDS[0]).heterogeneity()
    for key, group in groups.items():
        assert (row.H[key], row.determinant[key]) == (group.entropy, group.determinant)
    assert row.H.keys() == {"neurons E", "neurons I", "synapses"}
    homogeneous, _ = measure_seed(network("honhos"), SEEDS[0])
    assert homogeneous.determinant["neurons E"] == 0.0
    assert homogeneous.H["neurons E"] == -math.inf


# Backends, workers, seeds ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_backends_agree() -> None:
    net = network(**{"protocol.samples": 800})
    results = {b: measure_seed(net, 2, Engine(b))[0] for b in BACKENDS}
    for backend in BACKENDS:
        same(results[backend], results["fast"], rtol=1e-9)
    assert measure(net, [2], backend="numpy").backend == "numpy"


@pytest.mark.usefixtures("threads")
def test_workers_do_not_show() -> None:
    calls: list[tuple[int, int]] = []
    threads = [(d["filepath"], d["num_threads"]) for d in threadpool_info()]
    two = measure(network(), SEEDS, workers=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    for a, b in zip(two.rows, measured().rows, strict=True):
        same(a, b)
    assert [(d["filepath"], d["num_threads"]) for d in threadpool_info()] == threads


def test_seeds_come_back_in_order() -> None:
    m = measured()
    np.testing.assert_array_equal(m["seed"], SEEDS)
    assert len(m) == 3 and m.backend == "fast" and m.network == network()
    for row in m.rows[:2]:
        same(row, measure_seed(network(), row.seed)[0])
    assert len(set(m["C"])) == len(set(m["S"])) == 3


def test_seeds_may_be_anything_to_go_through() -> None:
    calls: list[tuple[int, int]] = []
    m = measure(network(), (s for s in (0,)), progress=lambda *c: calls.append(c))
    assert calls == [(1, 1)]
    same(m.rows[0], measured().rows[1])
    assert measure(network(), np.array([0]))["seed"] == [0]


def test_networks_are_measured_on_the_same_seeds() -> None:
    """Common random numbers; seed after seed, so that an early stop leaves comparable networks."""
    nets = [network(), network("static"), network("honhes")]
    order: list[tuple[int, int]] = []
    found = measure_many(nets, (0, 3), progress=lambda *c: order.append(c))
    assert order == [(k, 6) for k in range(1, 7)]
    assert [m.network.name for m in found] == ["henhes", "static", "honhes"]
    for m in found:
        np.testing.assert_array_equal(m["seed"], [0, 3])
    for row, alone in zip(found[0].rows, measured().rows[1:], strict=True):
        same(row, alone)
    same(found[1].rows[1], measure_seed(nets[1], 3)[0])


def test_a_network_by_path(tmp_path: Path) -> None:
    path = save_network(network(), tmp_path / "mine.toml")
    m = measure(str(path), [SEEDS[0]])
    assert m.network == network()
    same(m.rows[0], measured().rows[0])


# Summaries -------------------------------------------------------------------------------------------------------


def test_columns() -> None:
    m = measured()
    for name in QUANTITIES:
        np.testing.assert_array_equal(m[name], [getattr(r, name) for r in m.rows])
    assert m["curve"].shape == (3, 10)
    np.testing.assert_allclose(m["curve"].sum(axis=1), m["C"])
    for name in ("c", "H", "determinant", "seconds", "__class__"):
        with pytest.raises(HeteroError, match=f"no column '{name}'.*seed, curve, C, S, E"):
            m[name]


def test_summary_is_a_t_interval() -> None:
    m = measured()
    summary = m.summary()
    assert tuple(summary)[: len(QUANTITIES)] == QUANTITIES
    assert {"H neurons E", "H neurons I", "H synapses", "determinant synapses"} <= set(summary)
    for name in ("C", "S", "rate_hz", "correlation", "weight"):
        values, e = m[name], summary[name]
        low, high = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
        assert (e.mean, e.stderr, e.low, e.high) == pytest.approx((values.mean(), stats.sem(values), low, high))
        assert e.n == 3
    for part in ("henhes (3 seeds)", f"C = {summary['C']}", f"rate_hz = {summary['rate_hz']}", f"E = {summary['E']}"):
        assert part in str(m)


def test_estimate() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 12)
    e = estimate(values)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert (e.mean, e.stderr, e.low, e.high) == pytest.approx((values.mean(), stats.sem(values), low, high))
    assert str(e) == f"{e.mean:.3g} [{low:.3g}, {high:.3g}]"
    assert (e.n, e.missing, e.without) == (12, 0, "")
    # A seed without a value leaves no mean: the others would be flattered. It is counted, and said.
    some = estimate([math.nan, *values, math.nan])
    assert (some.n, some.missing) == (12, 2)
    assert all(math.isnan(getattr(some, name)) for name in ("mean", "stderr", "low", "high"))
    assert str(some) == "undefined (2 of 14 seeds have none)" and cell(some) == "undefined (2 of 14)"
    one = estimate([2.0])
    assert one.mean == 2.0 and one.n == 1 and math.isnan(one.stderr) and math.isnan(one.low)
    none = estimate([math.nan])
    assert (none.n, none.missing) == (0, 1) and math.isnan(none.mean) and cell(none) == "undefined"
    assert estimate([]).n == estimate([]).missing == 0 and cell(estimate([])) == "undefined"
    assert estimate([4.0, 4.0, 4.0]) == Estimate(4.0, 0.0, 4.0, 4.0, 3)
    assert estimate(iter([1.0, 2.0])).n == 2


def test_coverage_of_the_interval() -> None:
    """19 of 20 intervals hold the truth."""
    rng = np.random.default_rng(4)
    hits = [e.low <= 1.0 <= e.high for e in (estimate(rng.normal(1.0, 3.0, 5)) for _ in range(2000))]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_plain_data_for_json(tmp_path: Path) -> None:
    m = measured()
    data = m.to_dict()
    assert data["network"] == "henhes" and data["fingerprint"] == network().fingerprint
    assert data["protocol"]["samples"] == 1000 and data["backend"] == "fast"
    assert [row["seed"] for row in data["seeds"]] == list(SEEDS)
    assert data["summary"]["C"]["mean"] == m.summary()["C"].mean
    path = write_json(tmp_path / "m.json", data)
    assert json.loads(path.read_text()) == plain(data)


# What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_too_few_samples(workers: int) -> None:
    """The error comes through from another process whole."""
    with pytest.raises(TooShortError, match="needs at least") as caught:
        measure(network(**{"protocol.samples": 200}), (0, 1), workers=workers)
    assert caught.value.estimate is not None and caught.value.estimate.d_max == 10
    assert 200 < caught.value.required < 1000
    assert "\n" not in str(caught.value)


def test_refused_arguments() -> None:
    with pytest.raises(HeteroError, match="seeds must hold at least one seed"):
        measure(network(), [])
    with pytest.raises(HeteroError, match="at least one network"):
        measure_many([], [0])
    for seed in (-1, 1.5, True):
        with pytest.raises(HeteroError, match=f"seed must be a whole number >= 0, got {seed}"):
            measure(network(), [seed])
    for workers in (0, -1, 1.5, True, "2"):
        with pytest.raises(HeteroError, match=r"workers must be a whole number >= 1, got"):
            measure(network(), [0], workers=workers)  # type: ignore[arg-type]
    with pytest.raises(HeteroError, match="unknown backend 'quick'"):
        measure(network(), [0], backend="quick")
    with pytest.raises(HeteroError, match=r"unknown network .henhez. \(did you mean .henhes."):
        measure("henhez")


# Jobs ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_jobs_in_processes_keep_their_order_and_one_thread_each() -> None:
    assert run_jobs(blas_threads, range(5), workers=2) == [(k, {1}) for k in range(5)]
    assert run_jobs(blas_threads, range(2)) == [(k, {1}) for k in range(2)]
    assert run_jobs(blas_threads, [], workers=2) == []
    assert cores() >= 1


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_job_is_raised_as_it_is(workers: int) -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="math domain error"):
        run_jobs(math.sqrt, [-1.0, 4.0, 9.0], workers=workers, progress=lambda k, _: done.append(k))
    assert len(done) <= 2


def test_a_progress_that_raises_stops_the_work() -> None:
    """As an interrupt does: nothing is left running."""

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def jobs() -> Iterator[float]:
        yield from (4.0, 9.0)

    for workers in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run_jobs(math.sqrt, list(jobs()), workers=workers, progress=stop)


def test_a_number_counts_the_seeds_and_true_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    how = {"protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}
    small = load_network("honhos", n=60, **how)
    assert measure(small, seeds=2, progress=True)["seed"].tolist() == [0, 1]
    assert capsys.readouterr().err == "measuring: 1 of 2\nmeasuring: 2 of 2\n"
    compare([small], seeds=1, progress=False)
    assert not capsys.readouterr().err
