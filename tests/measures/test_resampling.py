"""Intervals, an exact test and corrected comparisons: against scipy, all permutations, and known coverage."""

import itertools
import math

import numpy as np
import pytest
from helpers import refused
from scipy import stats

from hetero_rsnn.measures.resampling import bootstrap_interval, holm_correction, improvement_test
from hetero_rsnn.measures.returns import interquartile_mean, probability_of_improvement


def test_the_interval_of_a_mean_is_scipys():
    x = np.random.default_rng(0).gamma(2.0, 30.0, 12)
    ours = bootstrap_interval(x, statistic=np.mean, samples=20_000)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    width = theirs.high - theirs.low
    assert ours.value == x.mean() and ours.runs == 12 and ours.level == 0.95
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_of_a_difference_is_scipys():
    rng = np.random.default_rng(1)
    x, y = rng.normal(5, 2, 9), rng.normal(3, 1, 14)
    ours = bootstrap_interval(x, y, samples=10_000, level=0.9)

    def difference(a, b):
        return interquartile_mean(a) - interquartile_mean(b)

    theirs = stats.bootstrap(
        (x, y), difference, n_resamples=10_000, method="percentile", confidence_level=0.9, vectorized=False, rng=2
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.value == pytest.approx(difference(x, y)) and ours.runs == 9
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)


def test_runs_are_drawn_on_each_task_for_itself():
    """Tasks a million apart: were they mixed, or rows drawn whole, the variance of the mean would be another one."""
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 1, (40, 1)) + np.array([0.0, 1e6])  # the same runs' luck on both tasks
    found = bootstrap_interval(scores, statistic=np.mean, samples=8000)
    half = 1.96 * math.sqrt(scores.var(axis=0).sum() / 40) / 2
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)


def test_one_seed_one_interval_and_a_single_run_has_none():
    x = np.arange(12.0) ** 2
    assert bootstrap_interval(x) == bootstrap_interval(x)
    assert bootstrap_interval(x, seed=1) != bootstrap_interval(x)
    alone = bootstrap_interval([3.0])
    assert alone.value == 3.0 and math.isnan(alone.low) and math.isnan(alone.high) and str(alone) == "3"


@pytest.mark.parametrize(("runs", "bounds"), [(5, (0.865, 0.915)), (10, (0.90, 0.945))])
def test_how_often_an_interval_holds_the_truth(runs, bounds):
    """What the docstring warns of: percentiles of few runs promise too much."""
    rng = np.random.default_rng(runs)
    tries = 1500
    inside = 0
    for k in range(tries):
        found = bootstrap_interval(rng.normal(0, 1, runs), samples=200, seed=k)
        inside += found.low <= 0 <= found.high
    assert bounds[0] < inside / tries < bounds[1]


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
@pytest.mark.parametrize(("n", "m"), [(3, 4), (10, 10), (5, 9), (1, 3)])
def test_without_ties_it_is_the_exact_test_of_scipy(n, m, alternative):
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.8):
        x, y = rng.normal(shift, 1, n), rng.normal(0, 1, m)
        wanted = stats.mannwhitneyu(x, y, alternative=alternative, method="exact").pvalue
        assert improvement_test(x, y, alternative=alternative) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("tasks", [1, 2])
def test_with_ties_and_tasks_it_is_the_share_of_all_permutations(tasks):
    rng = np.random.default_rng(tasks)
    n, m = 3, 4
    x, y = rng.integers(1, 6, (n, tasks)), rng.integers(0, 5, (m, tasks))
    both = np.concatenate([x, y])
    splits = list(itertools.combinations(range(n + m), n))
    found, total = 0, 0
    for chosen in itertools.product(splits, repeat=tasks):
        a = np.stack([both[list(c), t] for t, c in enumerate(chosen)], axis=1)
        b = np.stack([np.delete(both[:, t], c) for t, c in enumerate(chosen)], axis=1)
        found += probability_of_improvement(a, b) >= probability_of_improvement(x, y) - 1e-12
        total += 1
    assert improvement_test(x, y) == pytest.approx(found / total, rel=1e-10)


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(7)
    p = np.array([improvement_test(*rng.normal(0, 1, (2, 10))) for _ in range(600)])
    assert 0.025 < (p <= 0.05).mean() < 0.075


def test_holm_by_an_independent_loop():
    """Step down: compare the smallest with a/m, the next with a/(m - 1), and stop at the first that fails."""
    rng = np.random.default_rng(8)
    for m in (1, 2, 5, 9):
        p = rng.uniform(0, 0.2, m) ** 2
        raised = holm_correction(p)
        for a in (0.01, 0.05, 0.2):
            claimed = set()
            for k, i in enumerate(np.argsort(p)):
                if p[i] > a / (m - k):
                    break
                claimed.add(int(i))
            assert set(np.flatnonzero(raised <= a).tolist()) == claimed
        assert (raised >= p).all() and (raised <= 1).all()
    np.testing.assert_allclose(holm_correction([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_arguments_that_are_wrong():
    refused(lambda: bootstrap_interval([1.0, 2.0], level=1.0), "level must be between 0 and 1, got 1")
    refused(lambda: bootstrap_interval([1.0, 2.0], samples=0), "samples must be a whole number >= 1")
    refused(lambda: bootstrap_interval([math.nan]), "scores must be finite")
    refused(lambda: bootstrap_interval([1.0], np.zeros((2, 2))), "of the same tasks, got 1 and 2")
    refused(lambda: improvement_test([1.0], [2.0], alternative="more"), "unknown alternative 'more'", "greater")
    refused(lambda: holm_correction([0.1, 1.5]), "p_values must be from 0 to 1, got 1.5")
