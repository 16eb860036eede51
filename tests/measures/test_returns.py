"""What runs have earned: closed forms, scipy, and loops written for the test."""

import math

import numpy as np
import pytest
from helpers import refused
from scipy import stats

import hetero_rsnn as hr
from hetero_rsnn.common.errors import TooShortError
from hetero_rsnn.measures.returns import (
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
    steps_to_return,
    within_run_spread,
)


@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (4,), (5,), (10,), (7, 3), (10, 5)])
def test_interquartile_mean_is_scipys_trimmed_mean(shape):
    scores = np.random.default_rng(sum(shape)).normal(100, 30, shape)
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), rel=1e-14)


def test_a_lucky_run_does_not_move_it():
    scores = [5.0, 1.0, 4.0, 2.0]
    assert interquartile_mean(scores) == 3.0
    assert interquartile_mean([5e9, *scores[1:]]) == 3.0


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 5), (10, 4)])
def test_probability_of_improvement_is_mann_whitneys_statistic(n, m):
    rng = np.random.default_rng(n)
    x, y = rng.integers(0, 5, n), rng.integers(1, 6, m)  # ties
    wanted = stats.mannwhitneyu(x, y).statistic / (n * m)
    assert probability_of_improvement(x, y) == pytest.approx(wanted, rel=1e-14)
    assert probability_of_improvement(x, y) + probability_of_improvement(y, x) == pytest.approx(1.0)


def test_probability_of_improvement_over_tasks():
    """Normal scores: Phi(d / sqrt(2)) on each task, and the mean of them."""
    rng = np.random.default_rng(0)
    ahead = np.array([0.0, 0.5, 2.0])
    found = probability_of_improvement(rng.normal(0, 1, (2000, 3)) + ahead, rng.normal(0, 1, (1500, 3)))
    assert found == pytest.approx(stats.norm.cdf(ahead / math.sqrt(2)).mean(), abs=0.01)


def test_profile_is_the_empirical_survival_function():
    scores = np.random.default_rng(3).integers(-5, 5, (6, 4)).astype(float)
    thresholds = np.arange(-7, 7) / 2
    wanted = stats.ecdf(scores.ravel()).sf.evaluate(thresholds)
    np.testing.assert_allclose(performance_profile(scores, thresholds), wanted, rtol=0, atol=1e-15)


def test_steps_to_a_return():
    rng = np.random.default_rng(4)
    steps = np.cumsum(rng.integers(1, 2000, 30))
    curves = rng.normal(np.linspace(-900, -150, 30), 120, (8, 30))
    for window in (1, 3):
        found = steps_to_return(steps, curves, -200, window=window)
        for curve, value in zip(curves, found, strict=True):
            at = [steps[k] for k in range(window - 1, 30) if np.mean(curve[k - window + 1 : k + 1]) >= -200]
            assert value == (at[0] if at else math.inf)
    assert np.isfinite(found).any() and np.isinf(found).any()  # the loop above saw both
    assert steps_to_return([10, 20], [1.0, 2.0], 2.0).tolist() == [20.0]  # reached is reached exactly


def test_spread_within_a_run_is_the_scatter_beside_the_trend():
    rng = np.random.default_rng(5)
    tests = 20_000
    trend = np.linspace(-1000, 0, tests)
    sd = np.array([3.0, 40.0])
    found = within_run_spread(trend + sd[:, None] * rng.normal(size=(2, tests)))
    np.testing.assert_allclose(found, sd, rtol=0.02)
    np.testing.assert_allclose(within_run_spread(np.stack([trend, 7 - trend])), 0.0, atol=1e-9)
    assert within_run_spread([1.0, 5.0, 2.0, 8.0, 3.0]).shape == (1,)


def test_numbers_that_are_none():
    refused(lambda: interquartile_mean([]), "scores must not be empty")
    refused(lambda: interquartile_mean([1.0, math.nan]), "scores must be finite, got nan at run 1")
    refused(lambda: interquartile_mean(np.zeros((2, 2, 2))), "scores must have the shape (runs, tasks) or (runs,)")
    refused(lambda: probability_of_improvement(np.zeros((2, 2)), np.zeros(2)), "of the same tasks, got 2 and 1")
    refused(lambda: performance_profile([1.0], [math.inf]), "thresholds must be finite")
    refused(lambda: steps_to_return([1, 1], [1.0, 2.0], 0.0), "steps must ascend, got [1, 1]")
    refused(lambda: steps_to_return([1, 2], [1.0], 0.0), "a column for each of the 2 steps, got 1")
    refused(lambda: steps_to_return([1, 2], [1.0, 2.0], math.nan), "target must be a finite number")
    refused(lambda: steps_to_return([1, 2], [1.0, 2.0], 0.0, window=3), "window must be a whole number from 1 to 2")
    error = refused(lambda: within_run_spread([1.0] * 4), "needs at least 5 tests, got 4", error=TooShortError)
    assert error.required == 5


def test_they_are_public():
    for one in (interquartile_mean, probability_of_improvement, performance_profile, steps_to_return):
        assert getattr(hr, one.__name__) is one


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_many_runs_are_tested_as_normal_numbers(alternative):
    """With ties; and close to what all ways give, just below the number from which on they are not counted."""
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 30, 120), rng.integers(1, 32, 100)
    wanted = stats.mannwhitneyu(x, y, alternative=alternative, method="asymptotic").pvalue
    assert hr.improvement_test(x, y, alternative=alternative) == pytest.approx(wanted, rel=1e-12)
    few = hr.improvement_test(x[:100], y[:100], alternative=alternative)
    assert few == pytest.approx(
        stats.mannwhitneyu(x[:100], y[:100], alternative=alternative, method="asymptotic").pvalue, abs=2e-3
    )


def test_many_equal_runs_show_nothing():
    assert hr.improvement_test(np.ones((150, 2)), np.ones((150, 2))) == 1.0
