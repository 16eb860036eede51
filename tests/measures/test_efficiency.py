"""States, spike count, spike efficiency and state correlation: closed forms and slow loops."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hetero_rsnn import (
    HeteroError,
    MemoryCapacity,
    Recording,
    State,
    UnitError,
    load_network,
    spike_count,
    spike_efficiency,
    state_correlation,
    states,
    uniform_stimulus,
)
from hetero_rsnn.measures.efficiency import SILENT
from hetero_rsnn.network.draw import draw
from hetero_rsnn.simulation.simulate import simulate

Array = NDArray[np.float64]


def spikes(times: list[float], neurons: list[int], *, n: int = 3, samples: int = 10, hold: float = 10.0) -> Recording:
    state = State(0, {}, np.zeros(n, dtype=np.int64), np.empty(0), {})
    return Recording(np.array(times), np.array(neurons, np.int32), n, samples, hold, 1.0, 0.0, np.empty(0), state)


def poisson(n: int = 7, samples: int = 60, hold: float = 5.0, seed: int = 0, dt: float = 1.0) -> Recording:
    raster = np.random.default_rng(seed).random((round(samples * hold / dt), n)) < 0.1
    steps, neurons = np.nonzero(raster)
    return spikes((steps * dt).tolist(), neurons.tolist(), n=n, samples=samples, hold=hold)


def brute_force(r: Recording, tau: float) -> Array:
    x = np.zeros((r.samples, r.n))
    for k in range(r.samples):
        end = (k + 1) * r.hold
        for s, i in zip(r.spike_times, r.spike_neurons, strict=True):
            if s < end - 1e-9:
                x[k, i] += math.exp(-(end - s) / tau)
    return x


def capacity(blocks: list[float]) -> MemoryCapacity:
    """One delay; the totals of the blocks are given."""
    totals = np.array(blocks)
    mean, stderr = totals.mean(), totals.std(ddof=1) / math.sqrt(totals.size)
    return MemoryCapacity(
        total=float(mean),
        stderr=float(stderr),
        curve=np.array([mean]),
        curve_stderr=np.array([stderr]),
        fold_totals=totals,
        chance=0.001,
        ridge=np.ones(1),
        n_samples=1000,
        n_features=10,
        n_blocks=totals.size,
        d_max=1,
    )


# States ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hold", "dt"), [(5.0, 1.0), (1.0, 1.0), (2.5, 0.5), (0.3, 0.1)])
@pytest.mark.parametrize("tau", [0.5, 20.0, 1e4])
def test_states_against_a_double_loop(hold: float, dt: float, tau: float) -> None:
    r = poisson(hold=hold, dt=dt, seed=int(10 * hold))
    assert r.spike_times.size > 20
    x = states(r, tau_read=f"{tau} ms")
    assert x.shape == (60, 7) and x.flags.c_contiguous
    np.testing.assert_allclose(x, brute_force(r, tau), rtol=1e-9, atol=1e-12)


def test_states_of_one_spike() -> None:
    """A spike at s is read at the ends of the samples that follow: exp(-(t_k - s) / tau)."""
    x = states(spikes([23.0], [1]), tau_read="20 ms")
    expected = np.where(np.arange(10) >= 2, np.exp(-((np.arange(10) + 1) * 10 - 23.0) / 20), 0.0)
    np.testing.assert_allclose(x[:, 1], expected, rtol=1e-13)
    assert not x[:, [0, 2]].any()


def test_a_spike_on_the_edge_belongs_to_the_sample_that_begins() -> None:
    x = states(spikes([30.0], [0]), tau_read="10 ms")
    assert x[2, 0] == 0.0 and x[3, 0] == pytest.approx(math.exp(-1), rel=1e-13)


def test_states_of_regular_spikes_settle() -> None:
    """One spike every sample, 1 ms before its end: a geometric series."""
    r = spikes([10.0 * k + 9 for k in range(100)], [0] * 100, samples=100)
    settled = math.exp(-1 / 30) / (1 - math.exp(-10 / 30))
    assert states(r)[-1, 0] == pytest.approx(settled, rel=1e-9)


def test_states_of_a_simulation() -> None:
    net = load_network("henhes", n=20, I_bias=1.2)
    u = uniform_stimulus(30, "5 ms", 2)
    r = simulate(draw(net, 1), u)
    assert r.spike_times.size > 30
    np.testing.assert_allclose(states(r, u, "15 ms"), brute_force(r, 15.0), rtol=1e-9, atol=1e-12)
    # Without the washout the filter starts empty: nothing of the dropped samples is left in it.
    np.testing.assert_allclose(states(r.after(7)), brute_force(r.after(7), 30.0), rtol=1e-9, atol=1e-12)


def test_silent_states() -> None:
    x = states(spikes([], []))
    assert x.shape == (10, 3) and not x.any()


def test_states_refuse_another_stimulus() -> None:
    r = spikes([1.0], [0])
    states(r, uniform_stimulus(10, "10 ms"))
    for other in (uniform_stimulus(9, "10 ms"), uniform_stimulus(10, "5 ms")):
        with pytest.raises(HeteroError, match="10 samples of 10 ms, the stimulus"):
            states(r, other)
        with pytest.raises(HeteroError, match="give the stimulus that was simulated"):
            spike_count(r, other)
    for tau in ("20", "20 mV", "0 ms", "-1 ms", 0.0):
        with pytest.raises(UnitError, match="tau_read"):
            states(r, tau_read=tau)


# Spike count and efficiency --------------------------------------------------------------------------------------


def test_spike_count() -> None:
    r = spikes([1.0, 2.0, 3.0, 55.0, 55.0, 99.0], [0, 0, 1, 0, 2, 0])
    assert spike_count(r) == 6 / (3 * 10)
    assert spike_count(r.after(5)) == 3 / (3 * 5)
    assert spike_count(spikes([], [])) == 0.0
    # S is the rate times the duration of a sample.
    p = poisson()
    assert spike_count(p) == pytest.approx(p.rate_hz * p.hold / 1e3, rel=1e-12)


def test_efficiency_is_capacity_over_spikes() -> None:
    r, c = poisson(), capacity([3.9, 4.0, 4.1, 4.05, 3.95])
    e = spike_efficiency(c, r)
    s = spike_count(r)
    assert (e.C, e.C_stderr, e.S) == (c.total, c.stderr, s)
    assert (e.E, e.E_stderr) == pytest.approx((4.0 / s, c.stderr / s))
    assert (e.rate_hz, e.silent_share, e.reason) == (r.rate_hz, r.silent_share, "")
    assert str(e) == (
        f"C = 4 ± {c.stderr:.2g} s.e., S = {s:.3g} ({r.rate_hz:.3g} Hz), E = {4.0 / s:.3g} ± {c.stderr / s:.2g} s.e."
    )


def test_a_silent_network_is_not_efficient() -> None:
    c = capacity([3.9, 4.0, 4.1])
    for r in (spikes([], []), spikes([1.0, 2.0], [0, 1], samples=100)):
        assert spike_count(r) < SILENT
        e = spike_efficiency(c, r)
        assert math.isnan(e.E) and math.isnan(e.E_stderr)
        assert "below 0.01 spikes a sample" in e.reason
        assert f"undefined ({e.reason})" in str(e)
        assert str(e).startswith(f"C = 4 ± {c.stderr:.2g} s.e., S = {spike_count(r):.3g} ")  # shown all the same
    enough = spikes([1.0, 2.0, 3.0], [0, 1, 2], samples=100)
    assert spike_count(enough) == SILENT
    assert not spike_efficiency(c, enough).reason


@pytest.mark.parametrize("blocks", [[0.01, -0.02, 0.03, 0.0], [0.5, -0.4, 0.9, -0.3], [-1.0, -1.1, -0.9]])
def test_no_efficiency_without_memory(blocks: list[float]) -> None:
    c = capacity(blocks)
    assert c.interval[0] <= 0
    e = spike_efficiency(c, poisson())
    assert math.isnan(e.E) and math.isnan(e.E_stderr)
    assert "not above its 95 % error" in e.reason and "undefined" in str(e)


def test_efficiency_refuses_another_stimulus() -> None:
    with pytest.raises(HeteroError, match="give the stimulus that was simulated"):
        spike_efficiency(capacity([1.0, 1.1]), poisson(), uniform_stimulus(3))


# State correlation -----------------------------------------------------------------------------------------------


def pairwise(x: Array) -> float:
    """The definition, pair after pair."""
    above = below = 0.0
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            if i != j:
                a, b = x[:, i] - x[:, i].mean(), x[:, j] - x[:, j].mean()
                above += (a @ b / (len(x) - 1)) ** 2
                below += (a @ a) * (b @ b) / (len(x) - 1) ** 2
    return above / below


@pytest.mark.parametrize("seed", range(3))
def test_correlation_against_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, size=(80, 9)) @ rng.standard_normal((9, 9)) * np.logspace(-3, 2, 9)
    assert state_correlation(x) == pytest.approx(pairwise(x), rel=1e-9)


def test_identical_columns_correlate_fully() -> None:
    u = np.random.default_rng(0).standard_normal(200)
    assert state_correlation(np.stack([u, u, u], axis=1)) == pytest.approx(1.0, rel=1e-12)
    # Covariances are squared, and shifts and (common) scales do not count.
    assert state_correlation(np.stack([u, 3 - u], axis=1)) == pytest.approx(1.0, rel=1e-12)
    assert state_correlation(np.stack([u, 5 * u + 1, -2 * u], axis=1)) == pytest.approx(1.0, rel=1e-12)


def test_orthogonal_columns_do_not_correlate() -> None:
    k = np.arange(64)
    x = np.stack([np.cos(2 * np.pi * k * f / 64) for f in (1, 2, 5)], axis=1)
    assert state_correlation(x) == pytest.approx(0.0, abs=1e-25)


def test_two_groups() -> None:
    """Two groups of m columns, equal inside and orthogonal across, of equal variance: (m - 1) / (2m - 1)."""
    k = np.arange(64)
    a, b = np.cos(2 * np.pi * k / 64), np.sin(2 * np.pi * k / 64)
    for m in (1, 2, 5):
        x = np.stack([a] * m + [b] * m, axis=1)
        assert state_correlation(x) == pytest.approx((m - 1) / (2 * m - 1), abs=1e-12)


@pytest.mark.parametrize("samples", [50, 400])
def test_chance_adds_one_in_n(samples: int) -> None:
    rng = np.random.default_rng(samples)
    values = [state_correlation(rng.standard_normal((samples, 40))) for _ in range(20)]
    assert np.mean(values) == pytest.approx(1 / (samples - 1), rel=0.05)


def test_columns_that_never_vary_do_not_count() -> None:
    x = np.random.default_rng(1).standard_normal((50, 4))
    padded = np.column_stack([np.zeros(50), x, np.full(50, 3.7)])
    assert state_correlation(padded) == state_correlation(x)
    assert math.isnan(state_correlation(padded[:, :2]))
    assert math.isnan(state_correlation(np.zeros((10, 5))))
    assert math.isnan(state_correlation(np.zeros((10, 0))))


def test_correlation_errors() -> None:
    for wrong in (np.zeros(5), np.zeros((1, 5)), np.zeros((2, 2, 2))):
        with pytest.raises(HeteroError, match=r"shape \(samples, n\) with at least 2 samples"):
            state_correlation(wrong)
    for bad in (math.nan, math.inf):
        x = np.random.default_rng(2).standard_normal((20, 3))
        x[4, 1] = bad
        with pytest.raises(HeteroError, match="states must be finite"):
            state_correlation(x)


def test_results_cannot_be_changed() -> None:
    e = spike_efficiency(capacity([3.9, 4.0, 4.1]), poisson())
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.E = 1e9  # type: ignore[misc]
