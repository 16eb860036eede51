"""Conformal sets: by hand, their coverage over many splits, and that it is the division of alpha that gives it."""

import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import betabinom
from test_cutoff import lead

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures.conformal import ConformalRule, fit_conformal

LOG = math.log


def drawn(rng, n, classes=4, steps=12):
    """Cumulative evidence; some samples are easy, some never settle, so that errors gather in few of them."""
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    rng.shuffle(labels)
    scores = rng.normal(0, 2.0, (n, steps, classes))
    scores += np.eye(classes)[labels][:, None] * rng.gamma(0.7, 1.5, n)[:, None, None]
    return scores.cumsum(axis=1), labels


def test_a_rule_by_hand():
    # Of two classes: nonconformities of class 1 at checkpoint 1 and at the end.
    rule = ConformalRule(0.2, np.array([1, 3]), np.array([0.3, 0.4]), 1, 1.0, 20, 2)
    scores = [
        lead(LOG(9), -9, -9),  # p = 0.9 at step 1: the set is {1}
        lead(LOG(1.5), -9, LOG(3)),  # p = 0.6 and 0.4: neither; at the end p = 3/4: {1}
        lead(0, 9, LOG(1.2)),  # p = 1/2: neither; at the end 0.545 and 0.455: neither, and returned all the same
        lead(0),  # ended: its last row is looked at again with the other threshold
        lead(0, 0, 9, -9),  # longer than the last checkpoint: its end counts
    ]
    found = rule.decide(scores)
    assert found.times.tolist() == [1, 3, 3, 1, 4]
    assert found.labels.tolist() == [1, 1, 1, 0, 0]
    assert rule.sets(scores).tolist() == [[False, True], [False, True], [False] * 2, [False] * 2, [True, False]]
    assert rule.coverage(scores, [1, 1, 1, 0, 0]) == 3 / 5


def test_larger_sets_stop_where_they_may():
    scores = [np.array([[0.0, 0.0, -9.0], [5.0, 0.0, -9.0]])]
    kept = (0.2, np.array([1, 2]), np.array([0.6, 0.6]))
    assert ConformalRule(*kept, 1, 1.0, 20, 3).decide(scores).times.tolist() == [2]
    two = ConformalRule(*kept, 2, 1.0, 20, 3)
    assert two.decide(scores).times.tolist() == [1]
    assert two.sets(scores).tolist() == [[True, True, False]]


def test_thresholds_by_hand():
    # One checkpoint, n = 9, alpha = 0.2: the 8th smallest of 9.
    leads = [LOG(k) for k in range(1, 10)]
    labels = [1] * 8 + [0]
    rule = fit_conformal([lead(x) for x in leads], labels, 0.2)
    own = sorted([1 - k / (k + 1) for k in range(1, 9)] + [9 / 10])
    assert rule.checkpoints.tolist() == [1] and np.allclose(rule.thresholds, own[7])
    assert np.allclose(fit_conformal([lead(x) for x in leads], labels, 0.1).thresholds, own[8])
    # With a temperature of 1/2 the odds are squared.
    sharp = fit_conformal([lead(x) for x in leads], labels, 0.2, temperature=0.5)
    squared = sorted([1 - k**2 / (k**2 + 1) for k in range(1, 9)] + [81 / 82])
    assert np.allclose(sharp.thresholds, squared[7])


def test_checkpoints():
    rng = np.random.default_rng(0)

    def of(steps, **options):
        scores, labels = drawn(rng, 60, steps=steps)
        return fit_conformal(scores, labels, 0.3, **options).checkpoints.tolist()

    assert [of(steps) for steps in (1, 3, 4, 5, 12)] == [[1], [1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 6, 9, 12]]
    assert of(12, checkpoints=[2, 12]) == [2, 12]
    assert of(12, checkpoints=[2, 5.0]) == [2, 5, 12]  # the end is one


@pytest.mark.parametrize(
    ("required", "alpha", "m"), [(19, 0.2, 4), (9, 0.1, 1), (29, 0.1, 3), (199, 0.02, 4), (19, 0.3, 6), (6, 0.3, 2)]
)
def test_how_many_samples_it_needs(required, alpha, m):
    scores, labels = drawn(np.random.default_rng(1), 400, classes=2)
    steps = list(range(13 - m, 13))

    def take(count):
        index = np.concatenate([np.flatnonzero(labels == c)[:1] for c in (0, 1)])
        return np.append(index, np.setdiff1d(np.arange(len(labels)), index))[:count]

    enough = fit_conformal(scores[take(required)], labels[take(required)], alpha, checkpoints=steps)
    assert np.isfinite(enough.thresholds).all() and enough.n_calibration == required
    with pytest.raises(TooShortError, match=rf"at {m} checkpoint.* at least {required} calibration samples") as caught:
        fit_conformal(scores[take(required - 1)], labels[take(required - 1)], alpha, checkpoints=steps)
    assert caught.value.required == required


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("m", [1, 2, 4])
@pytest.mark.parametrize("unequal", [False, True])
def test_coverage_over_many_splits(alpha, m, unequal):
    """Misses at the stop are at most those of all checkpoints together, and each of these is beta-binomial."""
    rng = np.random.default_rng([m, round(100 * alpha), unequal])
    n, new, splits = 149, 150, 60
    steps = {1: [12], 2: [3, 12], 4: [2, 4, 6, 12]}[m]
    found = np.empty(splits)
    for k in range(splits):
        scores, labels = drawn(rng, n + new)
        if unequal:  # but one of full length, so that the checkpoints stay what they are
            scores = [s[: rng.integers(2, 13)] for s in scores]
            scores[0] = np.resize(scores[0], (12, 4))
        rule = fit_conformal(scores[:n], labels[:n], alpha, checkpoints=steps, temperature=4.0)
        assert len(rule.thresholds) == m
        found[k] = rule.coverage(scores[n:], labels[n:])
    beyond = math.floor((n + 1) * alpha / m + 1e-9)
    misses = betabinom(new, beyond, n + 1 - beyond)
    margin = 4 * m * misses.std() / new / math.sqrt(splits)
    assert m * misses.mean() / new <= alpha + 1e-12
    assert found.mean() >= 1 - m * misses.mean() / new - margin
    if m == 1 and not unequal:  # where all nonconformities differ, it is no more than promised, too
        assert found.mean() <= 1 - misses.mean() / new + margin


def deceiving(rng, n, m, share):
    """At each checkpoint another share of the samples is sure and wrong; all else looks like nothing."""
    labels = np.arange(n) % 2
    which = rng.permutation(n)
    scores = np.zeros((n, m, 2))
    for j in range(m):
        lying = which // round(n * share) == j
        scores[lying, j, 1 - labels[lying]] = 8.0
    return scores, labels


def test_without_the_division_coverage_is_lost():
    """With alpha at each of m checkpoints, the errors of all of them add up to m alpha; with alpha / m none is left."""
    alpha, m = 0.1, 4
    rng = np.random.default_rng(3)
    calibration, new = deceiving(rng, 1000, m, 0.095), deceiving(rng, 1000, m, 0.095)
    undivided = fit_conformal(*calibration, m * alpha)
    assert undivided.checkpoints.tolist() == [1, 2, 3, 4]
    assert np.allclose(undivided.thresholds, 0.5)  # each set alone keeps its promise of 1 - alpha
    for j in range(m):
        alone = fit_conformal(calibration[0][:, [j]], calibration[1], alpha)
        assert alone.coverage(new[0][:, [j]], new[1]) == 1 - 0.095
    assert undivided.coverage(*new) == pytest.approx(1 - m * 0.095)
    assert undivided.coverage(*new) < 1 - alpha - 0.2
    assert fit_conformal(*calibration, alpha).coverage(*new) == 1.0


def test_the_decision_is_the_most_probable_and_in_every_set_that_holds_any():
    rng = np.random.default_rng(5)
    scores, labels = drawn(rng, 300)
    rule = fit_conformal(scores, labels, 0.2, most=2, temperature=3.0)
    assert rule.most == 2 and rule.classes == 4
    new, _ = drawn(rng, 200)
    found, held = rule.decide(new), rule.sets(new)
    size = held.sum(axis=1)
    assert set(np.unique(found.times)) <= set(rule.checkpoints.tolist()) and len(np.unique(found.times)) > 2
    assert (found.labels == new[np.arange(200), found.times - 1].argmax(axis=1)).all()
    assert held[np.flatnonzero(size), found.labels[size > 0]].all()
    early = found.times < 12
    assert ((size[early] >= 1) & (size[early] <= 2)).all()
    # The set literally, and that no checkpoint before would have stopped.
    for s, t, h in zip(new, found.times, held, strict=True):
        sets = [softmax(s[c - 1] / 3.0) >= 1 - q for c, q in zip(rule.checkpoints, rule.thresholds, strict=True)]
        stop = next((j for j, inside in enumerate(sets) if 1 <= inside.sum() <= 2), len(sets) - 1)
        assert rule.checkpoints[stop] == t and (sets[stop] == h).all()


GOOD = [lead(1, 2), lead(-1, -2)] * 25
Y = [1, 0] * 25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_conformal(GOOD, Y, 0.0), "alpha must be a finite number > 0, got 0"),
        (lambda: fit_conformal(GOOD, Y, 1.0), "alpha must be between 0 and 1, got 1.0"),
        (lambda: fit_conformal(GOOD, Y, math.nan), "alpha must be"),
        (lambda: fit_conformal(GOOD, Y, "0.1"), "alpha must be"),
        (lambda: fit_conformal(GOOD, Y, 0.1, most=0), "most must be a whole number >= 1, got 0"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[2, 1]), r"checkpoints must ascend, got \[2, 1\]"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[1, 1]), "checkpoints must ascend"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[0, 1]), "checkpoints must be from 1 to 2, got 0"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[1, 3]), "checkpoints must be from 1 to 2, got 3"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[1.5]), "checkpoints must be whole numbers, got 1.5"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=[]), "checkpoints must not be empty"),
        (lambda: fit_conformal(GOOD, Y, 0.1, checkpoints=2), "checkpoints must have the shape"),
        (lambda: fit_conformal(GOOD, Y, 0.1, temperature=-1), "temperature must be a finite number > 0, got -1"),
        (lambda: fit_conformal(GOOD, [1] * 50, 0.1), "each of the 2 classes of the scores, got none of class 0"),
        (lambda: fit_conformal(GOOD, [1, 2] * 25, 0.1), "labels must be from 0 to 1, got 2"),
        (lambda: fit_conformal(GOOD[:4], Y[:4], 0.1), "at 2 checkpoints and alpha = 0.1 need at least 19.*got 4"),
        (lambda: fit_conformal(GOOD, Y, 0.1).decide([np.zeros((2, 3))]), "2 classes of the calibration, got 3"),
        (lambda: fit_conformal(GOOD, Y, 0.1).coverage(GOOD, [1]), "labels must be one whole number a sample"),
        (lambda: fit_conformal(GOOD, Y, 0.1).sets([]), "at least one sample, got none"),
    ],
)
def test_errors_say_value_and_rule(call, message):
    with pytest.raises(HeteroError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
