"""Triplet STDP of the shipped network: the change of a weight over the frequency of pairs, as Pfister and Gerstner."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from helpers import BACKENDS
from relays import trains, wired

import hetero_rsnn as hr

#: As the paper states them: ms, and changes relative to the initial weight.
TAU_PLUS, TAU_MINUS, TAU_Y, A2_MINUS, A3_PLUS = 16.8, 33.7, 114.0, 7.1e-3, 6.5e-3
FREQUENCIES = (1.0, 10.0, 20.0, 40.0, 50.0)


def geometric(gap: float, period: float, tau: float, count: np.ndarray) -> np.ndarray:
    """Sum of exp(-(gap + k * period) / tau) over k = 0 ... count - 1."""
    q = np.exp(-period / tau)
    return np.exp(-gap / tau) * (1 - q**count) / (1 - q)


def expected(rho: float, delay: float, pairs: int, *, spread: float = 1.0) -> float:
    """Change of a weight, relative to the initial one, by pairs at `rho` Hz, post `delay` ms after pre."""
    period, m = 1e3 / rho, np.arange(pairs)
    plus, minus, y = spread * TAU_PLUS, spread * TAU_MINUS, spread * TAU_Y
    slow = geometric(period, period, y, m)
    if delay > 0:  # a post-spike meets the pre-spike of its pair and those before; a pre-spike only earlier pairs
        fast, depressing = geometric(delay, period, plus, m + 1), geometric(period - delay, period, minus, m)
    else:
        fast, depressing = geometric(period + delay, period, plus, m), geometric(-delay, period, minus, m + 1)
    return float(np.sum(A3_PLUS * fast * slow - A2_MINUS * depressing))


@cache
def changes(backend: str, pairs: int, frequencies: tuple[float, ...]) -> dict[tuple[float, float, float], float]:
    """All frequencies and both delays side by side, the second half with other time constants."""
    cases = [(rho, delay, spread) for rho in frequencies for delay in (10.0, -10.0) for spread in (1.0, 0.7)]
    w = 0.5 * hr.load_network("triplet").plasticity["w_max"].mean
    edges, spikes = [], []
    for k, (rho, delay, spread) in enumerate(cases):
        taus = {"tau_plus": TAU_PLUS, "tau_minus": TAU_MINUS, "tau_y": TAU_Y}
        edges.append((2 * k, 2 * k + 1, w, {name: spread * tau for name, tau in taus.items()}))
        start = 11.0 + np.arange(pairs) * 1e3 / rho
        spikes += [start, start + delay]
    drawn = wired("triplet", 2 * len(cases), edges)
    recording = hr.simulate(drawn, trains(spikes), backend=backend)
    assert recording.spike_times.size == 2 * pairs * len(cases)
    return dict(zip(cases, (recording.weights / w - 1).tolist(), strict=True))


@pytest.mark.parametrize("spread", [1.0, 0.7])
@pytest.mark.parametrize("delay", [10.0, -10.0])
def test_sixty_pairs_at_each_frequency(delay: float, spread: float) -> None:
    found = changes("fast", 60, FREQUENCIES)
    for rho in FREQUENCIES:
        assert found[rho, delay, spread] == pytest.approx(expected(rho, delay, 60, spread=spread), rel=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend(backend: str) -> None:
    for (rho, delay, spread), change in changes(backend, 8, (25.0, 40.0)).items():
        assert change == pytest.approx(expected(rho, delay, 8, spread=spread), rel=1e-9)


def test_what_the_experiments_show() -> None:
    """Sjoestroem et al. (2001): no potentiation at low frequency; pre after post depresses there, and no more at 40 Hz."""
    found = changes("fast", 60, FREQUENCIES)
    before = [found[rho, 10.0, 1.0] for rho in FREQUENCIES]
    after = [found[rho, -10.0, 1.0] for rho in FREQUENCIES]
    assert before == sorted(before) and abs(before[0]) < 0.01 and before[-1] > 0.5
    assert -0.4 < after[0] < -0.2 and after[2] < 0 < after[3] < after[4]
