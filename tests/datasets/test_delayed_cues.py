"""Delayed parity and recall: labels read from the input independently, and what can and cannot be known from it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.catalogue import load_dataset
from hetero_rsnn.datasets.delayed_cues import delayed_cues
from hetero_rsnn.estimators.readout import fit_readout

NAMES = ("delayed_parity", "delayed_recall")


def pulses(x: np.ndarray) -> list[tuple[int, int, int]]:
    """Start, end and sign of every stretch of rows whose cue channel is large."""
    sign = np.where(np.abs(x[:, 0]) > 0.5, np.sign(x[:, 0]), 0).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sign, [0]])))
    return [(a, b, sign[a]) for a, b in pairwise(edges) if sign[a]]


@pytest.mark.parametrize("delay", [10, 70, 500])
def test_labels_are_what_the_pulses_say(delay: int) -> None:
    made = {name: load_dataset(name, delay=f"{delay} ms", samples=40, test_samples=20, seed=3) for name in NAMES}
    parity, recall = (made[name] for name in NAMES)
    starts = set()
    for k, x in enumerate(parity.X):
        assert_array_equal(x, recall.X[k])
        (start, end, first), (again, stop, second) = found = pulses(x)
        assert len(found) == 2 and end - start == stop - again == 2 and again - end == delay // 10
        assert_array_equal(np.flatnonzero(x[:, 1] > 0.5), np.arange(len(x) - 5, len(x)))  # go, after the second cue
        assert stop == len(x) - 5
        assert parity.classes[parity.y[k]] == ("equal" if first * second > 0 else "different")
        assert recall.classes[recall.y[k]] == ("positive" if first > 0 else "negative")
        starts.add(start)
    assert min(starts) == 2 and max(starts) == 12 and len(starts) > 8


def test_pairs_are_balanced_in_both_parts() -> None:
    found = load_dataset("delayed_parity", samples=40, test_samples=22, seed=1)
    cues = np.array(found.details["cues"])
    for part in (found.train, found.test):
        count = np.bincount(2 * cues[part, 0] + cues[part, 1])
        assert count.size == 4 and np.ptp(count) <= 1
    assert_array_equal(found.y, cues[:, 0] != cues[:, 1])
    assert found.interval_ms == 10.0 and found.details["delay_ms"] == 200.0 and found.details["go_ms"] == 50.0


def test_what_a_linear_model_knows() -> None:
    """Recall of all rows, nothing of the end alone; parity of neither, but of all rows and their products."""
    made = {name: load_dataset(name, delay="60 ms", samples=1000, test_samples=1000) for name in NAMES}
    for name, seen, least, most in [
        ("delayed_recall", 15, 0.999, 1.0), ("delayed_recall", 5, 0.44, 0.56),
        ("delayed_parity", 15, 0.44, 0.56), ("delayed_parity", 5, 0.44, 0.56),
    ]:  # fmt: skip
        X_train, X_test, y_train, y_test = made[name].split()
        train, test = (np.array([x[-seen:].ravel() for x in X]) for X in (X_train, X_test))
        score = np.mean(fit_readout("ridge", train, y_train).predict(test) == y_test)
        assert least <= score <= most, (name, seen, score)
    X_train, X_test, y_train, y_test = made["delayed_parity"].split()
    # The second cue is in rows -7 and -6, the first six rows of delay before.
    products = [np.array([[x[-7:-5, 0].sum() * x[-15:-13, 0].sum()] for x in X]) for X in (X_train, X_test)]
    assert np.mean(fit_readout("ridge", products[0], y_train).predict(products[1]) == y_test) == 1.0


def test_the_same_again_and_other_seeds_and_parts() -> None:
    how: dict[str, Any] = {"delay": 50, "samples": 12, "test_samples": 12}
    first, again = (load_dataset("delayed_parity", seed=5, **how) for _ in range(2))
    for x, y in zip(first.X, again.X, strict=True):
        assert_array_equal(x, y)
    assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.X[0][-20:], load_dataset("delayed_parity", seed=6, **how).X[0][-20:])
    assert not np.array_equal(first.X[0][-11:], first.X[12][-11:])
    text = load_dataset("delayed_parity", seed=5, **{**how, "delay": "50 ms"})
    assert_array_equal(text.X[3], first.X[3])


def test_rest_and_noise() -> None:
    made = delayed_cues(400, delay="50 ms", rest="20 ms", noise=0.0)
    X = np.array(made.X)  # all of one length
    assert X.shape == (400, 16, 2)
    assert not X[:, [0, 1, 4, 5, 6, 7, 8], :].any() and not X[:, :11, 1].any()
    sizes = np.abs(X[:, [2, 3, 9, 10], 0])
    assert sizes.min() >= 0.8 and sizes.max() <= 1.2 and sizes.std() == pytest.approx(0.4 / 12**0.5, rel=0.1)
    assert_array_equal(X[:, 2, 0], X[:, 3, 0])
    noisy = np.array(delayed_cues(400, delay="50 ms", rest="20 ms", noise=0.3).X)
    assert noisy[:, :11, 1].std() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delay": "55 ms"}, "delay must be a whole number of rows of 10 ms, at most 100 s, got 55 ms"),
        ({"delay": 0}, "delay must be"),
        ({"delay": "200 s"}, "delay must be a whole number of rows of 10 ms, at most 100 s, got 200000 ms"),
        ({"rest": "10 ms"}, "rest must be >= 20 ms, got 10 ms"),
        ({"rest": "25 ms"}, "rest must be a whole number of rows"),
        ({"noise": -1}, "noise must be"),
        ({"samples": 3}, "delayed_parity: samples must be a whole number from 4 to 1000000, got 3"),
        ({"test_samples": 0}, "delayed_parity: test_samples must be a whole number from 4 to 1000000, got 0"),
        ({"seed": -1}, "delayed_parity: seed must be a whole number >= 0, got -1"),
        ({"segments": 2}, "unknown option 'segments'"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HeteroError, match=re.escape(message)) as caught:
        load_dataset("delayed_parity", **options)
    assert "\n" not in str(caught.value)
