"""Scores over time: their shapes, that they know nothing of what is to come, and the spikes that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import refused
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

import hetero_rsnn as hr
from hetero_rsnn.estimators.anytime import AnytimeReadout
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import RidgeClassification, class_folds

Array = NDArray[np.float64]

N = 40


def data(count: int = 40, seed: int = 0) -> tuple[list[Array], NDArray[np.str_]]:
    """Two classes that part slowly: the second channel rises or falls. 12 to 18 rows, and one of 26."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    X = []
    for k in range(count):
        rows = 26 if k == 6 else 12 + k % 7
        X.append(
            np.stack([rng.normal(size=rows), 50 + (2 * y[k] - 1) * np.arange(rows) + 2 * rng.normal(size=rows)], axis=1)
        )
    return X, np.array(["down", "up"])[y]


@pytest.fixture(scope="module")
def classifier() -> HRSNNClassifier:
    return HRSNNClassifier("henhes", overrides={"n": N}, windows=2).fit(*data())


@pytest.fixture(scope="module", params=[1, 3])
def fitted(request: pytest.FixtureRequest, classifier: HRSNNClassifier) -> AnytimeReadout:
    return AnytimeReadout(classifier, every=request.param).fit(*data())


def test_one_row_of_scores_a_step(fitted: AnytimeReadout) -> None:
    X, y = data(9, 1)
    scores = fitted.scores(X)
    assert [s.shape for s in scores] == [(-(-len(x) // fitted.every), 2) for x in X]
    assert all(np.isfinite(s).all() for s in scores)
    assert fitted.classes_.tolist() == ["down", "up"]
    # A single sample is longer than 18 rows; the readouts end there.
    assert len(fitted.readouts_) == {1: 18, 3: 6}[fitted.every] < len(scores[6])
    with_time = np.array([np.mean([y[k] == fitted.classes_[s[t].argmax()] for k, s in enumerate(scores)])
                          for t in (0, -1)])  # fmt: skip
    assert with_time[1] > 0.85 and with_time[1] >= with_time[0]


def test_the_last_row_is_that_of_the_whole_sample(fitted: AnytimeReadout, classifier: HRSNNClassifier) -> None:
    X, y = data()
    whole = RidgeClassification().fit(classifier.features(X), y)
    test = data(9, 1)[0]
    expected = whole.readout_.predict(classifier.features(test))
    np.testing.assert_allclose([s[-1] for s in fitted.scores(test)], expected, rtol=1e-4, atol=1e-4)


def test_rows_by_hand(fitted: AnytimeReadout, classifier: HRSNNClassifier) -> None:
    """A readout a step on windows of what has happened until then, all of the strength of whole samples."""
    X, y = data()
    number, every = (y == "up").astype(np.int64), fitted.every

    def states(samples: list[Array]) -> list[Array]:
        frozen = classifier.frozen_
        runs = [
            hr.simulate(frozen.draw, hr.array_stimulus(u, "10 ms"), state=frozen.state, plasticity=False)
            for u in classifier.inputs(samples)
        ]
        return [hr.states(run, tau_read="30 ms") for run in runs]

    train, test = states(X), states(data(9, 1)[0])
    folds = class_folds(number, None)
    assert folds is not None
    strength = RidgeClassification().fit([pool(x, 2) for x in train], y).readout_.strength_
    found = fitted.scores(data(9, 1)[0])
    last = len(fitted.readouts_)
    for t in range(1, max(map(len, found))):
        readout = RidgeClassification([strength]).fit([pool(x[: min(t, last) * every], 2) for x in train], y)
        for k, x in enumerate(test):
            if t < len(found[k]):
                expected = readout.readout_.predict([pool(x[: t * every], 2)])[0]
                np.testing.assert_allclose(found[k][t - 1], expected, rtol=1e-3, atol=1e-4)


def test_what_is_to_come_does_not_matter(fitted: AnytimeReadout) -> None:
    X = data(7, 2)[0]
    before = fitted.scores(X)
    for cut in (3, 6, 9):
        changed = fitted.scores([np.concatenate([x[:cut], 50 - 30 * np.cos(x[cut:])]) for x in X])
        for a, b in zip(before, changed, strict=True):
            np.testing.assert_allclose(b[: cut // fitted.every], a[: cut // fitted.every], rtol=1e-6, atol=1e-9)
            assert not np.allclose(b[cut // fitted.every :], a[cut // fitted.every :])
        # Nor does that it comes at all, but for the last decision, which knows that the sample has ended.
        longer = fitted.scores([np.concatenate([x, x]) for x in X])
        for a, b in zip(before, longer, strict=True):
            np.testing.assert_allclose(b[: len(a) - 1], a[:-1], rtol=1e-6, atol=1e-9)


def test_samples_do_not_depend_on_each_other(fitted: AnytimeReadout) -> None:
    X = data(7, 2)[0]
    together = fitted.scores(X)
    for k in (0, 6):
        np.testing.assert_allclose(fitted.scores([X[k]])[0], together[k], rtol=1e-6, atol=1e-9)
    for a, b in zip(fitted.scores(X[::-1])[::-1], together, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_spikes_of_each_step(fitted: AnytimeReadout, classifier: HRSNNClassifier) -> None:
    X = data(9, 1)[0]
    scores = fitted.scores(X)
    spikes = fitted.spikes()
    assert [s.shape for s in spikes] == [(len(s),) for s in scores]
    frozen = classifier.frozen_
    for s, u in zip(spikes, classifier.inputs(X), strict=True):
        run = hr.simulate(frozen.draw, hr.array_stimulus(u, "10 ms"), state=frozen.state, plasticity=False)
        edges = np.arange(len(s) + 1) * fitted.every * 10.0 - 1e-6
        np.testing.assert_array_equal(s, np.histogram(run.spike_times, edges)[0])
        assert s.sum() == run.spike_times.size > 0
    np.testing.assert_allclose([s.sum() / N for s in spikes], classifier.spikes_)


def test_steps_beyond_the_samples(classifier: HRSNNClassifier) -> None:
    """One decision, at the end."""
    readout = AnytimeReadout(classifier, every=1000).fit(*data())
    X = data(5, 1)[0]
    assert [s.shape for s in readout.scores(X)] == [(1, 2)] * 5
    assert [s.shape for s in readout.spikes()] == [(1,)] * 5


@pytest.mark.parametrize("grouped", [False, True])
def test_cross_scores_are_of_readouts_that_did_not_see_the_sample(
    fitted: AnytimeReadout, classifier: HRSNNClassifier, grouped: bool
) -> None:
    X, y = data()
    groups = np.arange(40) // 2 % 4 if grouped else None
    _, number = np.unique(y, return_inverse=True)
    fold = class_folds(number, groups, 4)
    assert fold is not None and set(fold) == {0, 1, 2, 3}
    before = fitted.scores(X)
    found = fitted.cross_scores(X, y, groups, folds=4)
    for f in range(4):
        rest, held = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        alone = AnytimeReadout(classifier, every=fitted.every)
        alone.fit([X[k] for k in rest], y[rest], None if groups is None else groups[rest])
        for k, expected in zip(held, alone.scores([X[k] for k in held]), strict=True):
            np.testing.assert_allclose(found[k], expected, rtol=1e-6, atol=1e-9)
            assert not np.allclose(found[k], before[k])
    for a, b in zip(before, fitted.scores(X), strict=True):
        np.testing.assert_array_equal(a, b)


def test_refusals_of_cross_scores(classifier: HRSNNClassifier) -> None:
    X, y = data()
    readout = AnytimeReadout(classifier, every=4)
    refused(lambda: readout.cross_scores(X, y, folds=1), "folds", "from 2", "1")
    refused(lambda: readout.cross_scores(X, y[:-1]), "one label a sample (40)", "(39,)")
    refused(lambda: readout.cross_scores(X, np.where(np.arange(40) == 7, -1, np.arange(40) % 2)), "-1 for sample 7")
    refused(lambda: readout.cross_scores(X[:3], y[:3]), "two samples of every class", "'up'")
    third = np.where(np.arange(40) < 4, "third", y)
    refused(lambda: readout.cross_scores(X, third, np.arange(40) // 4), "'third'", "one group alone")


def test_unlabelled_samples_and_groups(classifier: HRSNNClassifier) -> None:
    X, names = data()
    y = np.where(names == "up", 4, 2)
    groups = np.arange(40) // 8
    some, keep = np.where(np.arange(40) % 5 == 0, -1, y), np.flatnonzero(np.arange(40) % 5)
    one = AnytimeReadout(classifier, every=4).fit(X, some, groups)
    other = AnytimeReadout(classifier, every=4).fit([X[k] for k in keep], y[keep], groups[keep])
    for a, b in zip(one.scores(X), other.scores(X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert one.classes_.tolist() == [2, 4]
    alone = RidgeClassification().fit(classifier.features([X[k] for k in keep]), y[keep], groups[keep])
    assert one.readouts_[0].readout_.strength_ == alone.readout_.strength_
    # A class with one sample: no folds to choose a strength on.
    few = AnytimeReadout(classifier, every=4).fit(X[:3], y[:3])
    assert [s.shape for s in few.scores(X[:2])] == [(3, 2), (4, 2)]


def test_recordings() -> None:
    """Loudness against the peak knows what is to come; against the loudest so far it does not."""
    rng = np.random.default_rng(0)
    t = np.arange(480)
    X = [np.sin(t * (0.5 + 0.9 * (k % 2))) * (0.1 + 0.3 * t / 480) + 0.01 * rng.normal(size=480) for k in range(12)]
    y = np.arange(12) % 2

    def make(level: Any) -> HRSNNClassifier:
        encoder = hr.AudioEncoder(bands=6, frame="5 ms", level=level)
        return HRSNNClassifier("henhes", overrides={"n": N}, encoder=encoder, windows=1, hold="5 ms").fit(X, y)

    refused(lambda: AnytimeReadout(make("peak")), "causal encoder", "level='peak'", "level='running'")
    for level in ("running", None):
        readout = AnytimeReadout(make(level), every=2).fit(X, y)
        before = readout.scores(X[:2])
        assert before[0].shape == (6, 2)
        changed = [np.concatenate([x[:240], 0.9 * np.cos(x[240:])]) for x in X[:2]]
        for a, b in zip(before, readout.scores(changed), strict=True):
            np.testing.assert_allclose(b[:3], a[:3], rtol=1e-6, atol=1e-9)
            assert not np.allclose(b[3:], a[3:])


def test_refusals(classifier: HRSNNClassifier) -> None:
    X, y = data()
    for bad in (0, 1.0, True, None):
        refused(lambda bad=bad: AnytimeReadout(classifier, every=bad), "every", "from 1", repr(bad))
    refused(lambda: AnytimeReadout(HRSNNClassifier()), "HRSNNClassifier is not fitted", error=NotFittedError)
    refused(lambda: AnytimeReadout(classifier).scores(X), "AnytimeReadout is not fitted", error=NotFittedError)
    refused(lambda: AnytimeReadout(classifier).spikes(), "AnytimeReadout", error=NotFittedError)
    refused(lambda: AnytimeReadout(classifier).fit(X, y[:-1]), "one label a sample (40)", "(39,)")
    refused(lambda: AnytimeReadout(classifier).fit(X, np.zeros(40)), "two classes", "only 0")
    refused(lambda: AnytimeReadout(classifier).fit(X, y, np.zeros(39)), "groups", "one a sample (40)", "39")
    refused(lambda: AnytimeReadout(classifier).fit(*data()).scores([np.zeros((5, 3))]), "3 channels", "fitted on 2")
