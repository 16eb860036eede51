"""What runs of learning by reward have earned: averages that a lucky run cannot lift, profiles, speed, unsteadiness."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.types import Array

#: Interquartile range of a standard normal distribution.
_NORMAL_RANGE = 1.3489795003921634
#: Fewest tests of a run whose spread can be told.
_LEAST_TESTS = 5


def score_table(name: str, scores: ArrayLike) -> Array:
    """Scores as a table of shape (runs, tasks): a single row of numbers is one task.

    Raises
    ------
    HeteroError
        If they are not finite numbers with one or two axes.
    """
    table = checks.finite_array(name, scores, (1, 2), axes=("run", "task"), fix="leave such a run away, and say so")
    return table[:, None] if table.ndim == 1 else table


def interquartile_mean(scores: ArrayLike) -> float:
    """Mean of the middle half of all scores: a quarter is left away at either end, rounded down.

    Between the mean, which one run can move as far as it likes, and the median, which looks at one or two runs only.

    Parameters
    ----------
    scores : array_like, shape (runs,) or (runs, tasks)
        Of each run, such as its final return. Scores of several tasks need a common scale.

    Returns
    -------
    float

    Raises
    ------
    HeteroError
        If the scores are empty or not finite.

    References
    ----------
    R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville, M. G. Bellemare, "Deep reinforcement learning at the edge of
    the statistical precipice", NeurIPS 2021, section 4.3.

    Examples
    --------
    >>> interquartile_mean([-900.0, -160.0, -150.0, -140.0, -130.0])
    -150.0
    """
    return float(interquartile_means(score_table("scores", scores)[None])[0])


def interquartile_means(tables: Array) -> Array:
    """The interquartile mean of each of several tables, shape (tables, runs, tasks)."""
    ordered = np.sort(tables.reshape(len(tables), -1), axis=1)
    cut = ordered.shape[1] // 4
    return np.asarray(ordered[:, cut : ordered.shape[1] - cut].mean(axis=1), dtype=np.float64)


def probability_of_improvement(scores: ArrayLike, other: ArrayLike) -> float:
    """How probable it is that a run of the first kind scores more than one of the second; a tie counts half.

    With several tasks, the mean over tasks. It is the statistic of Mann and Whitney's test, divided by its greatest
    value.

    Parameters
    ----------
    scores, other : array_like, shape (runs,) or (runs, tasks)
        The numbers of runs may differ.

    Returns
    -------
    float
        From 0 to 1; 1/2 where neither is ahead.

    Raises
    ------
    HeteroError
        If the scores are empty or not finite, or differ in the number of tasks.

    References
    ----------
    Agarwal et al., NeurIPS 2021, section 4.3.

    Examples
    --------
    >>> probability_of_improvement([3.0, 4.0], [1.0, 3.0])
    0.875
    """
    x, y = same_tasks(scores, other)
    ahead = (x[:, None] > y).mean() + 0.5 * (x[:, None] == y).mean()
    return float(ahead)


def same_tasks(scores: ArrayLike, other: ArrayLike) -> tuple[Array, Array]:
    """Two tables of scores on the same tasks, each of shape (runs, tasks).

    Raises
    ------
    HeteroError
        As `score_table`, and if the numbers of tasks differ.
    """
    x, y = score_table("scores", scores), score_table("other", other)
    if x.shape[1] != y.shape[1]:
        raise HeteroError(
            f"scores and other must be of the same tasks, got {x.shape[1]} and {y.shape[1]}",
            fix="give one column for each task",
        )
    return x, y


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Array:
    """Share of the runs, on all tasks, that score more than each threshold.

    Parameters
    ----------
    scores : array_like, shape (runs,) or (runs, tasks)
    thresholds : array_like, shape (m,)

    Returns
    -------
    ndarray, shape (m,)

    Raises
    ------
    HeteroError
        If the numbers are not finite.

    References
    ----------
    Agarwal et al., NeurIPS 2021, section 4.2.

    Examples
    --------
    >>> performance_profile([-300.0, -150.0, -150.0, -120.0], [-400.0, -200.0, -150.0, 0.0]).tolist()
    [1.0, 0.75, 0.25, 0.0]
    """
    table = score_table("scores", scores)
    bounds = checks.finite_array("thresholds", thresholds, 1, axes=("threshold",))
    return np.asarray((table.ravel()[:, None] > bounds).mean(axis=0), dtype=np.float64)


def steps_to_return(steps: ArrayLike, returns: ArrayLike, target: float, *, window: int = 1) -> Array:
    """Steps after which each run first reaches a return; infinite where it never does.

    Parameters
    ----------
    steps : array_like of int, shape (tests,)
        Of learning, at each test; ascending.
    returns : array_like, shape (tests,) or (runs, tests)
        Mean return of each test.
    target : float
        What is to be reached.
    window : int
        Tests whose mean must reach it, so that one lucky test does not count: the last of them gives the steps.

    Returns
    -------
    ndarray, shape (runs,)

    Raises
    ------
    HeteroError
        If shapes do not fit, steps do not ascend, or there are fewer tests than the window has.

    Examples
    --------
    >>> steps_to_return([1000, 2000, 3000, 4000], [[-900, -200, -700, -150], [-900, -800, -700, -600]], -300).tolist()
    [2000.0, inf]
    >>> steps_to_return([1000, 2000, 3000, 4000], [-900, -200, -350, -150], -300, window=2).tolist()
    [3000.0]
    """
    at = checks.whole_array("steps", steps, 1, axes=("test",), least=0)
    if not (np.diff(at) > 0).all():
        raise HeteroError(f"steps must ascend, got {at[:8].tolist()}", fix="sort the tests by their steps, each once")
    curves = _curves(returns)
    if curves.shape[1] != len(at):
        raise HeteroError(
            f"returns must have a column for each of the {len(at)} steps, got {curves.shape[1]}", fix="give both alike"
        )
    goal = checks.real("target", target)
    wide = checks.whole("window", window, least=1, most=len(at))
    means = np.lib.stride_tricks.sliding_window_view(curves, wide, axis=1).mean(axis=2)
    reached = means >= goal
    first = at[wide - 1 :][reached.argmax(axis=1)].astype(np.float64)
    return np.where(reached.any(axis=1), first, np.inf)


def within_run_spread(returns: ArrayLike) -> Array:
    """How far the tests of one run lie apart, beside its trend: an unsteady run has much of it.

    Differences of successive tests hardly know of the trend. Their interquartile range, divided by that of the
    difference of two standard normal numbers, is the standard deviation of tests that scatter normally about a slow
    curve.

    Parameters
    ----------
    returns : array_like, shape (tests,) or (runs, tests)
        Of tests at equal distances.

    Returns
    -------
    ndarray, shape (runs,)
        In the unit of the returns.

    Raises
    ------
    HeteroError
        If the returns are not finite.
    TooShortError
        If there are fewer than 5 tests.

    Notes
    -----
    Chan et al. look at differences and their interquartile range, too; the division is our own, so that the number
    means what a standard deviation means.

    References
    ----------
    S. C. Y. Chan, S. Fishman, J. Canny, A. Korattikara, S. Guadarrama, "Measuring the reliability of reinforcement
    learning algorithms", ICLR 2020, section 3 (dispersion across time).

    Examples
    --------
    >>> within_run_spread([[-900, -700, -500, -300, -100], [-900, -500, -800, -200, -600]]).round().tolist()
    [0.0, 406.0]
    """
    curves = _curves(returns)
    tests = curves.shape[1]
    if tests < _LEAST_TESTS:
        raise TooShortError(
            f"the spread within a run needs at least {_LEAST_TESTS} tests, got {tests}",
            fix="test more often",
            measure="within_run_spread",
            required=_LEAST_TESTS,
        )
    low, high = np.quantile(np.diff(curves, axis=1), [0.25, 0.75], axis=1)
    return np.asarray((high - low) / (np.sqrt(2.0) * _NORMAL_RANGE), dtype=np.float64)


def _curves(returns: ArrayLike) -> Array:
    """Returns as a table of shape (runs, tests)."""
    return np.atleast_2d(checks.finite_array("returns", returns, (1, 2), axes=("run", "test")))
