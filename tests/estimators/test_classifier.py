"""The classifier: a task it must solve and one it cannot, labels of all kinds, readouts, counts of its report."""

from __future__ import annotations

import json
import sys
import types
from typing import Any

import numpy as np
import pytest
from helpers import refused
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

import hetero_rsnn as hr
from hetero_rsnn.estimators import linear as linear_module
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.linear import LinearClassifier
from hetero_rsnn.estimators.readout import RidgeClassification, RidgeReadout, class_folds, counted, window_counts
from hetero_rsnn.inputs.labels import check_labels, labelled
from hetero_rsnn.measures.reports import wilson

Array = NDArray[np.float64]

N = 40


def data(count: int = 45, seed: int = 0) -> tuple[list[Array], NDArray[np.int64]]:
    """Three classes that only the second channel tells apart: it rises, falls, or stays; its mean is the same."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 3
    X = []
    for k in range(count):
        rows = 14 + k % 5
        slope = np.linspace(-1, 1, rows) * (y[k] - 1)
        X.append(np.stack([5 + rng.normal(size=rows), 3e3 * (slope + 0.4 * rng.normal(size=rows))], axis=1))
    return X, y


def make(**options: Any) -> HRSNNClassifier:
    return HRSNNClassifier("henhes", **{"overrides": {"n": N}, "windows": 3, **options})


@pytest.fixture(scope="module")
def fitted() -> HRSNNClassifier:
    return make().fit(*data())


@pytest.fixture(scope="module")
def logistic() -> HRSNNClassifier:
    return make(readout="logistic").fit(*data())


# Tasks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readout", ["fitted", "logistic"])
def test_a_task_that_it_must_solve(request: pytest.FixtureRequest, readout: str) -> None:
    clf = request.getfixturevalue(readout)
    X, y = data(60, 1)
    assert clf.score(X, y) > 0.85
    assert clf.train_report_.accuracy > 0.9
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])


def test_shuffled_labels_are_left_to_chance() -> None:
    """The network has seen the test samples' kind, but their labels say nothing."""
    X, y = data(90)
    shuffled = np.random.default_rng(1).permutation(y)
    clf = make().fit(X[:60], shuffled[:60])
    report = clf.report(*data(150, 2))
    assert report.low < 1 / 3 + 0.1 and report.accuracy < 0.55
    assert make().fit(X[:60], y[:60]).score(*data(150, 2)) > report.high


def test_learning_takes_no_labels(fitted: HRSNNClassifier) -> None:
    X, y = data()
    other = make().fit(X, np.roll(y, 1))
    np.testing.assert_array_equal(other.frozen_.state.w, fitted.frozen_.state.w)
    np.testing.assert_array_equal(other.features(X), fitted.features(X))
    same = hr.HRSNNFeatures("henhes", overrides={"n": N}, windows=3).fit(X)
    np.testing.assert_array_equal(same.transform(X), fitted.features(X))


# Labels ----------------------------------------------------------------------------------------------------------


def test_labels_of_all_kinds(fitted: HRSNNClassifier) -> None:
    X, y = data()
    fresh = data(12, 3)[0]
    expected = fitted.predict(fresh)
    names = np.array(["falls", "rests", "soars"])
    clf = make().fit(X, names[y])
    np.testing.assert_array_equal(clf.classes_, names)
    np.testing.assert_array_equal(clf.predict(fresh), names[expected])
    np.testing.assert_array_equal(make().fit(X, list(names[y])).predict(fresh), names[expected])
    table = make().fit(X, names[y].astype(object))
    np.testing.assert_array_equal(table.predict(fresh), names[expected])
    assert table.score(X, names[y].astype(object)) == table.report(X, names[y].astype(object)).accuracy
    np.testing.assert_array_equal(make().fit(X, y * 2.0).predict(fresh), expected * 2.0)
    two = make().fit(X, y == 1)
    assert two.classes_.tolist() == [False, True] and two.decision_function(fresh).shape == (12,)
    np.testing.assert_array_equal(two.decision_function(fresh) > 0, two.predict(fresh))


def test_the_readout_does_not_see_unlabelled_samples() -> None:
    X, y = data()
    some = y.copy()
    some[np.random.default_rng(0).permutation(45)[:20]] = -1
    clf = make(unlabelled=-1).fit(X, some)
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    # The network has learnt from all, the readout from those with labels.
    np.testing.assert_array_equal(clf.frozen_.state.w, make().fit(X, y).frozen_.state.w)
    known = some != -1
    by_hand = RidgeClassification().fit(clf.features(X)[known], some[known])
    np.testing.assert_allclose(clf.decision_function(X), by_hand.decision_function(clf.features(X)), rtol=1e-9)
    assert clf.train_report_.n == 25
    report, part = clf.train_report_, clf.report([X[k] for k in np.flatnonzero(known)], some[known])
    assert (report.n, report.accuracy, report.nu) == (25, part.accuracy, pytest.approx(part.nu))
    assert report.rate_hz == pytest.approx(part.rate_hz)
    assert labelled(np.array(["-1", "a"])).all()  # a name is a label


def test_labels_of_minus_one_are_said_and_never_hidden() -> None:
    """Classes -1, 0 and 1: two are learnt, with a warning, and no score is computed without the third."""
    X, y = data()
    with pytest.warns(UserWarning, match="15 of 45 labels are -1 and count as unlabelled: say unlabelled=-1") as said:
        clf = make().fit(X, y - 1)
    assert said[0].filename == __file__ and clf.classes_.tolist() == [0, 1]
    for call in (clf.score, clf.report, LinearClassifier(clf).fit(X, y).score):
        refused(lambda call=call: call(X, y - 1), "label for every sample", "-1 (unlabelled) for 15 of 45", "sample 0",
                "unlabelled=None if -1 is a class")  # fmt: skip
    three = make(unlabelled=None).fit(X, y - 1)
    plain = make().fit(X, y)
    assert three.classes_.tolist() == [-1, 0, 1]
    assert three.score(X, y - 1) == plain.score(X, y) > 0.9
    assert LinearClassifier(three).fit(X, y - 1).score(X, y - 1) == LinearClassifier(plain).fit(X, y).score(X, y)
    assert three.report(X, y - 1).confusion.tolist() == plain.report(X, y).confusion.tolist()


@pytest.mark.parametrize("kind", ["ints", "floats", "names", "objects"])
def test_the_mark_of_unlabelled_samples(recwarn: pytest.WarningsRecorder, kind: str) -> None:
    """Another number or a name; two classes are then -1 and 1."""
    X, y = data()
    known = y != 2
    some = np.where(known, 2 * y - 1, 99)
    if kind == "floats":
        some = some.astype(float)
    if kind in ("names", "objects"):
        some = np.array(["no", "maybe", "yes"])[np.where(known, y, 1) + np.where(known & (y == 1), 1, 0)]
        some[~known] = "?"
        some = some.astype(object) if kind == "objects" else some
    clf = make(unlabelled="?" if kind in ("names", "objects") else 99).fit(X, some)
    assert clf.classes_.tolist() == (["no", "yes"] if kind in ("names", "objects") else [-1, 1])
    assert clf.train_report_.n == 30 and not recwarn.list
    part = [X[k] for k in np.flatnonzero(known)]
    assert clf.score(part, some[known]) > 0.9
    refused(lambda: clf.score(X, some), "label for every sample", "for 15 of 45", "sample 2")


def test_refused_marks() -> None:
    X, y = data(6)
    for bad in (True, 1.5, [1], np.nan):
        refused(lambda bad=bad: make(unlabelled=bad).fit(X, y), "unlabelled must be", repr(bad), "such as -1")
    refused(lambda: make(unlabelled=0).fit(X, y % 2), "two classes", "0 means unlabelled")


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(45), ["at least two classes", "only 0", "give more"]),
        (np.full(45, -1), ["two classes", "no label at all", "-1 means unlabelled"]),
        (np.where(np.arange(45) < 9, 2, -1), ["two classes", "only 2"]),
        (["a"] * 45, ["two classes", "only 'a'"]),
        (np.where(np.arange(45) < 9, np.nan, 1.0), ["finite", "NaN", "-1"]),
        (np.arange(45) + 0.25, ["y must be classes", "0.25", "HRSNNForecaster"]),
        (np.arange(44), ["one label a sample (45)", "(44,)"]),
        (np.zeros((45, 2)), ["one label a sample (45)", "(45, 2)"]),
        ([[1]] + [[1, 2]] * 44, ["y must be one array", "unequal shapes"]),
        ([None] * 45, ["one label a sample", "object", "numbers or names"]),
    ],
)
def test_refused_labels(y: Any, words: list[str]) -> None:
    refused(lambda: make().fit(data()[0], y), *words)
    refused(lambda: check_labels(y, 45), *words)


def test_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole groups are left out, those of unlabelled samples aside."""
    X, y = data()
    groups = np.array(["b", "c", "a"])[np.arange(45) // 15]
    seen: list[Any] = []
    fit = RidgeReadout.fit
    monkeypatch.setattr(
        RidgeReadout, "fit", lambda self, x, t, folds=None, w=None: seen.append(folds) or fit(self, x, t, folds, w)
    )
    y[3] = -1
    expected = np.delete(np.array([1, 2, 0])[np.arange(45) // 15], 3)
    make(unlabelled=-1).fit(X, y, groups)
    make(unlabelled=-1, windows=[1, 4]).fit(X, y, groups)
    assert len(seen) == 1 + 3  # one for each number of windows, and that of the choice
    for folds in seen:
        np.testing.assert_array_equal(folds, expected)
    plain = make().fit(X, np.abs(y), groups)
    for given in (list(groups), groups.astype(object), np.array([1, 2, 0])[np.arange(45) // 15]):
        np.testing.assert_array_equal(make().fit(X, np.abs(y), given).predict(X), plain.predict(X))
    for bad in (groups[:-1], groups[:, None], np.ma.masked_array(np.arange(45), mask=np.arange(45) == 2),
                np.where(np.arange(45) == 2, np.nan, 0.0), [None] * 45, "abc", groups.astype(bytes)):  # fmt: skip
        for call in (make().fit, LinearClassifier(plain).fit, hr.AnytimeReadout(plain).fit):
            refused(lambda call=call, bad=bad: call(X, np.abs(y), bad), "groups must")
    refused(lambda: make().fit(X, y, groups[:-1]), "one a sample (45)", "(44,)")


def test_class_folds() -> None:
    number = np.repeat([0, 1, 2], [11, 7, 23])
    folds = class_folds(number, None)
    assert folds is not None and set(folds) == set(range(5))
    table = np.array([[np.sum((number == c) & (folds == f)) for f in range(5)] for c in range(3)])
    assert (np.ptp(table, axis=1) <= 1).all() and table.min() >= 1
    few = class_folds(np.array([0, 0, 1, 1, 1, 1]), None)
    assert few is not None and set(few) == {0, 1}
    assert class_folds(np.array([0, 1, 1, 1]), None) is None
    many = class_folds(number, np.arange(41) // 4)
    assert many is not None
    np.testing.assert_array_equal(many, np.arange(41) // 4 % 5)
    np.testing.assert_array_equal(class_folds(number, np.zeros(41)), folds)  # one group is none


def test_one_sample_a_class() -> None:
    X, y = data()
    clf = make().fit(X[:3], y[:3])
    assert set(clf.predict(X[:3])) <= {0, 1, 2}
    assert make(readout="logistic").fit(X[:3], y[:3]).predict_proba(X).shape == (45, 3)


# Readouts --------------------------------------------------------------------------------------------------------


def test_the_ridge_readout_by_hand(fitted: HRSNNClassifier) -> None:
    X, y = data()
    features = fitted.features(X)
    codes = 2.0 * (y[:, None] == np.arange(3)) - 1
    by_hand = RidgeReadout().fit(features, codes, np.arange(45) // 3 % 5)
    scores = fitted.decision_function(X)
    np.testing.assert_allclose(scores, by_hand.predict(features), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), scores.argmax(axis=1))


def test_probabilities_where_there_are_any(fitted: HRSNNClassifier, logistic: HRSNNClassifier) -> None:
    X, _ = data()
    assert not hasattr(fitted, "predict_proba") and not hasattr(make(), "predict_proba")
    refused(lambda: fitted.predict_proba(X), "no attribute 'predict_proba'", error=AttributeError)
    assert hasattr(make(readout="logistic"), "predict_proba")
    clf = logistic
    p = clf.predict_proba(X)
    assert p.shape == (45, 3) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argmax(axis=1), clf.predict(X))


def test_readouts_of_ones_own() -> None:
    X, y = data()
    own = KNeighborsClassifier(3)
    clf = make(readout=own).fit(X, y)
    assert not hasattr(own, "classes_")  # a copy was fitted
    np.testing.assert_array_equal(clf.predict(X), clone(own).fit(clf.features(X), y).predict(clf.features(X)))
    assert clf.predict_proba(X).shape == (45, 3)
    assert not hasattr(clf, "decision_function") and hasattr(make(readout=LinearSVC()), "decision_function")
    assert clf.set_params(readout__n_neighbors=5).fit(X, y).readout_.n_neighbors == 5
    for bad in ("rigde", 3, KNeighborsClassifier, None):
        refused(lambda bad=bad: make(readout=bad).fit(X, y), "readout must be 'ridge', 'logistic' or a scikit-learn")
    refused(lambda: make(readout="rigde").fit(X, y), "did you mean 'ridge'")


def test_the_logistic_readout_is_chosen_inside_the_training_data(logistic: HRSNNClassifier) -> None:
    X, y = data()
    clf = logistic
    assert set(clf.readout_.best_params_) == {"logisticregression__C"}
    assert [name for name, _ in clf.readout_.best_estimator_.steps] == ["standardscaler", "pca", "logisticregression"]
    few = make(readout="logistic", windows=1, overrides={"n": 30}).fit(X, y)
    assert [name for name, _ in few.readout_.best_estimator_.steps] == ["standardscaler", "logisticregression"]


def test_without_a_fit() -> None:
    X, y = data(3)
    clf = make(readout="logistic")
    for name in ("predict", "predict_proba", "decision_function", "features", "inputs"):
        refused(lambda name=name: getattr(clf, name)(X), "HRSNNClassifier is not fitted", error=NotFittedError)
    refused(lambda: clf.report(X, y), "not fitted", error=NotFittedError)
    refused(lambda: LinearClassifier(clf).fit(X, y), "not fitted", error=NotFittedError)


def test_in_scikit_learn() -> None:
    X, y = data()
    clf = make(encoder=hr.CurrentEncoder(gain=1.5))
    assert clone(clf).get_params()["encoder"].gain == 1.5
    for name in clf.get_params(deep=False):
        marker = object()
        assert HRSNNClassifier(**{name: marker}).get_params(deep=False)[name] is marker
    scores = cross_val_score(clf, X, y, cv=GroupKFold(3), groups=np.arange(45) // 15)
    assert scores.shape == (3,) and scores.mean() > 0.7
    names = np.array(["x", "y", "z"])[y]
    assert cross_val_score(make(readout="logistic", windows=2), X, names, cv=2, scoring="neg_log_loss").mean() > -1


# Reports ---------------------------------------------------------------------------------------------------------


def test_the_report_counts(fitted: HRSNNClassifier) -> None:
    X, y = data(20, 7)
    y[4] = 2  # one wrong answer at least
    recordings = [
        hr.simulate(fitted.frozen_.draw, hr.array_stimulus(u, "10 ms"), state=fitted.frozen_.state, plasticity=False)
        for u in fitted.inputs(X)
    ]
    spikes = np.array([r.spike_times.size for r in recordings])
    decided = fitted.predict(X)
    report = fitted.report(X, y)
    right = int((decided == y).sum())
    assert 0 < right < 20 and report.n == 20
    assert report.accuracy == right / 20
    assert report.spikes == pytest.approx(spikes.mean()) and report.spikes > 1
    assert report.nu == pytest.approx(spikes.mean() / N)
    assert report.rate_hz == pytest.approx(spikes.sum() / N / sum(len(x) * 0.01 for x in X))
    assert report.efficiency == pytest.approx(report.accuracy / report.nu)
    assert report.chance == np.bincount(y).max() / 20
    np.testing.assert_array_equal(report.confusion, confusion_matrix(y, decided))
    assert report.classes == (0, 1, 2)
    # Wilson's interval: the shares at which the one found lies 1.96 standard errors away.
    for edge in (report.low, report.high):
        assert abs(edge - right / 20) == pytest.approx(1.959964 * np.sqrt(edge * (1 - edge) / 20), rel=1e-5)
    for text in (f"accuracy {report.accuracy:.4g}", "20 samples", f"nu = {report.nu:.3g}", "efficiency"):
        assert text in str(report)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["confusion"] == report.confusion.tolist() and plain["accuracy"] == report.accuracy


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 10)[0] == 0 and wilson(10, 10)[1] == 1
    assert 0 < wilson(0, 10)[1] == pytest.approx(1 - wilson(10, 10)[0]) == pytest.approx(0.2775, abs=1e-3)


def test_a_silent_network_is_not_efficient() -> None:
    X, y = data()
    clf = make(overrides={"n": N, "I_bias": 0.0}, encoder=hr.CurrentEncoder(gain=1e-6)).fit(X, y)
    assert clf.spikes_.sum() == 0 and np.isnan(clf.train_report_.efficiency)
    assert "efficiency undefined" in str(clf.train_report_)


def test_classes_that_training_did_not_have(fitted: HRSNNClassifier) -> None:
    X, y = data(12, 5)
    y[0] = 7
    report = fitted.report(X, y)
    assert report.classes == (0, 1, 2, 7) and report.confusion.shape == (4, 4)
    assert report.confusion[3].sum() == 1 and report.confusion.sum() == 12


def test_refused_reports(fitted: HRSNNClassifier) -> None:
    X, y = data(6)
    refused(lambda: fitted.report(X, y[:-1]), "one label a sample (6)", "(5,)")
    for call in (fitted.report, fitted.score):
        refused(lambda call=call: call(X, np.full(6, -1)), "label for every sample", "-1 (unlabelled) for 6 of 6")
        refused(lambda call=call: call(X, [[1]] * 6), "one label a sample (6)", "(6, 1)")


# The linear model ------------------------------------------------------------------------------------------------


def test_the_linear_classifier_sees_the_same_input(fitted: HRSNNClassifier) -> None:
    X, y = data()
    rows = np.concatenate(X)
    scaled = [(x - rows.mean(axis=0)) / rows.std(axis=0) for x in X]
    linear = LinearClassifier(fitted, windows=None).fit(X, y)
    assert linear.windows_ == 3
    features = linear.features(X)
    np.testing.assert_allclose(features, [pool(x, 3) for x in scaled], rtol=1e-9, atol=1e-9)
    assert linear.score(*data(60, 1)) > 0.6  # a straight readout masks the class in the middle
    by_hand = RidgeClassification().fit(features, y)
    np.testing.assert_array_equal(linear.readout_.predict(features), by_hand.predict(features))
    assert linear.score(X, y) == np.mean(by_hand.predict(features) == y)


def test_the_linear_classifier_leaves_out_unlabelled_samples() -> None:
    X, y = data()
    some, groups = np.where(np.arange(45) % 4 == 0, -1, y), np.arange(45) // 15
    known = np.flatnonzero(some != -1)
    part = [X[k] for k in known]
    clf = make(unlabelled=-1).fit(X, some)
    linear = LinearClassifier(clf).fit(X, some, groups)
    np.testing.assert_array_equal(linear.readout_.classes_, [0, 1, 2])
    alone = LinearClassifier(clf).fit(part, y[known], groups[known])
    assert linear.windows_ == alone.windows_
    np.testing.assert_allclose(linear.readout_.readout_.coef_, alone.readout_.readout_.coef_)
    assert linear.score(part, y[known]) == alone.score(part, y[known])
    refused(lambda: linear.score(X, some), "label for every sample", "-1 (unlabelled) for 12 of 45")
    refused(lambda: linear.fit(X, y[:-1]), "one label a sample (45)")


# Windows ---------------------------------------------------------------------------------------------------------


def pulses(count: int = 60, rows: int = 30, seed: int = 0) -> tuple[list[Array], NDArray[np.int64]]:
    """Two classes that differ in when, within two rows, a pulse comes: its mean over five windows is the same."""
    rng = np.random.default_rng(seed)
    X, y = [], np.arange(count) % 2
    for k in range(count):
        x = rng.normal(size=(rows, 1)) * 0.2
        x[13 + y[k]] += 3.0
        X.append(x)
    return X, y


def test_windows_are_chosen_for_network_and_baseline_alike() -> None:
    X, y = pulses()
    test, aims = pulses(60, seed=1)
    clf = make(windows="auto").fit(X, y)
    assert set(clf.windows_errors_) == {1, 5, 12, 24, 30}  # the last is one a row
    assert clf.windows_ == min(clf.windows_errors_, key=lambda w: clf.windows_errors_[w])
    by_hand = {}
    for w in clf.windows_errors_:
        features = np.array(clf.frozen_pass(clf.check_samples(X), lambda x, _, w=w: pool(x, w)))
        by_hand[w] = float(RidgeClassification().fit(features, y).readout_.cv_error_.min())
    assert clf.windows_errors_ == pytest.approx(by_hand)
    assert clf.features(test).shape == (60, clf.windows_ * N)
    linear = LinearClassifier(clf).fit(X, y)
    assert linear.windows_ in (24, 30) and linear.score(test, aims) == 1.0
    for w, error in linear.windows_errors_.items():
        same = RidgeClassification().fit(np.array([pool(u, w) for u in clf.inputs(X)]), y)
        assert error == pytest.approx(float(same.readout_.cv_error_.min()))
    assert LinearClassifier(clf, windows=5).fit(X, y).score(test, aims) < 0.75  # what the baseline once was
    assert linear.features(test).shape == (60, linear.windows_)


def test_a_fixed_number_of_windows_is_no_choice(fitted: HRSNNClassifier) -> None:
    X, y = data()
    assert fitted.windows_ == 3 and fitted.windows_errors_ == {}
    assert make(windows="all").fit(X, y).windows_ == 18
    some = make(windows=(2, 3, 3)).fit(X, y)
    assert set(some.windows_errors_) == {2, 3}
    assert make(windows=[1, 4, 24]).fit(X[:3], y[:3]).windows_ == 4  # nothing to choose by: nearest to five
    for bad in (0, 1.5, "many", [], [1, 0], None):
        refused(lambda bad=bad: make(windows=bad).fit(X, y), "windows")
        if bad is not None:
            refused(lambda bad=bad: LinearClassifier(fitted, windows=bad), "windows")


def test_numbers_of_windows_that_would_not_fit_are_left_out() -> None:
    assert counted((1, 5, 12, 24, "all"), 100, 2700, 1000) == [1, 5, 12, 24]
    assert counted((1, 5, 12, 24, "all"), 7, 200, 400) == [1, 5, 7, 12, 24]
    assert counted((1, 5, 12, 24, "all"), 100, 10**6, 10**4) == [1]  # one is left


# MiniRocket ------------------------------------------------------------------------------------------------------


class FakeRocket:
    """Stands for MiniRocket: maxima and means of channels, which need no package."""

    def __init__(self, random_state: int) -> None:
        self.random_state = random_state

    def fit(self, X: Any) -> None:
        self.shape = X.shape

    def transform(self, X: Any) -> Array:
        assert X.shape[1:] == self.shape[1:] and X.dtype == np.float32
        return np.concatenate([X.argmax(axis=2), X.mean(axis=2)], axis=1)


@pytest.fixture(params=["aeon", "sktime"])
def rocket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that has MiniRocket, and not the other."""
    name, module, cls = next(r for r in linear_module.ROCKETS if r[0] == request.param)
    parts = module.split(".")
    for k in range(1, len(parts) + 1):
        fake = types.ModuleType(".".join(parts[:k]))
        fake.__path__ = []  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
    setattr(sys.modules[module], cls, FakeRocket)
    monkeypatch.setattr(linear_module, "find_spec", lambda package: object() if package == name else None)
    return name


def test_minirocket_where_it_is_installed(fitted: HRSNNClassifier, rocket: str) -> None:
    X, y = data()
    model = LinearClassifier(fitted, features="minirocket", seed=7).fit(X, y)
    assert model._rocket.random_state == 7 and model._rocket.shape == (45, 2, 18)  # (samples, channels, time)
    fresh, aims = data(20, 4)
    stretched = np.stack([pool(u, 18).reshape(18, 2).T for u in fitted.inputs(fresh)])
    expected = np.concatenate([stretched.argmax(axis=2), stretched.mean(axis=2)], axis=1)
    np.testing.assert_allclose(model.features(fresh), expected, rtol=1e-6, atol=1e-6)
    by_hand = RidgeClassification().fit(model.features(X), y)
    np.testing.assert_array_equal(model.predict(fresh), by_hand.predict(expected))
    assert model.score(fresh, aims) == np.mean(by_hand.predict(expected) == aims)


def test_minirocket_where_it_is_not(fitted: HRSNNClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_module, "find_spec", lambda package: None)
    refused(lambda: LinearClassifier(fitted, features="minirocket"), "MiniRocket needs aeon or sktime", "[rocket]")
    refused(lambda: LinearClassifier(fitted, features="rocket"), "features", "minirocket")


# Weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readout", ["ridge", "logistic", KNeighborsClassifier(3), RidgeClassifier()])
def test_samples_of_weight_none_are_as_if_left_out(readout: Any) -> None:
    """Of the readout: the network, which learns without labels, is shown all."""
    X, y = data()
    weight = np.where(np.arange(45) < 30, 1.0, 0.0)
    if isinstance(readout, KNeighborsClassifier):
        refused(lambda: make(readout=readout).fit(X, y, sample_weight=weight), "KNeighborsClassifier", "sample_weight")
        return
    clf = make(readout=readout).fit(X, y, sample_weight=weight)
    alone = make(readout=readout, unlabelled=9).fit(X, np.where(weight > 0, y, 9))
    np.testing.assert_allclose(clf.decision_function(X), alone.decision_function(X), rtol=1e-6, atol=1e-9)
    baseline = LinearClassifier(clf).fit(X, y, sample_weight=weight)
    same = LinearClassifier(clf).fit(X[:30], y[:30])
    assert baseline.windows_ == same.windows_
    np.testing.assert_array_equal(baseline.predict(X), same.predict(X))


def test_a_sample_of_weight_two_counts_as_two(fitted: HRSNNClassifier) -> None:
    X, y = data()
    weight = 1.0 + (np.arange(45) % 3 == 0)
    twice = np.repeat(np.arange(45), weight.astype(int))
    features = fitted.features(X)
    for rows, w in ((features, 3), (features[:, :5], 3)):  # more features than rows, and fewer
        codes = 2.0 * (y[:, None] == np.arange(w)) - 1
        a = RidgeReadout(0.01).fit(rows, codes, sample_weight=weight)
        b = RidgeReadout(0.01 * max(60, rows.shape[1]) / max(60, rows.shape[1])).fit(rows[twice], codes[twice])
        np.testing.assert_allclose(a.predict(rows), b.predict(rows), rtol=1e-6, atol=1e-9)
        folds = np.arange(45) % 5
        a = RidgeReadout().fit(rows, codes, folds, weight)
        b = RidgeReadout().fit(rows[twice], codes[twice], folds[twice])
        np.testing.assert_allclose(a.cv_error_, b.cv_error_, rtol=1e-6)
        assert a.strength_ == b.strength_
    fresh, aims = data(20, 7)
    aims[4] = 2
    right = fitted.predict(fresh) == aims
    w = np.arange(20.0)
    assert fitted.score(fresh, aims, sample_weight=w) == pytest.approx((w * right).sum() / w.sum())
    linear = LinearClassifier(fitted).fit(X, y)
    right = linear.predict(fresh) == aims
    assert linear.score(fresh, aims, sample_weight=w) == pytest.approx((w * right).sum() / w.sum())


def test_heavy_samples_pull_the_readout() -> None:
    """Where labels contradict each other, the weights decide; of the logistic readout, too."""
    X, y = data()
    both, labels = [*X, *X], np.r_[y, (y + 1) % 3]
    for readout in ("ridge", "logistic"):
        for heavy, expected in ((0, y), (1, (y + 1) % 3)):
            weight = np.r_[np.full(45, 1.0 if heavy else 20.0), np.full(45, 20.0 if heavy else 1.0)]
            clf = make(readout=readout).fit(both, labels, sample_weight=weight)
            assert clf.score(X, expected) > 0.8, readout


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.ones(44), ["one number a sample (45)", "(44,)"]),
        (-np.ones(45), [">= 0", "-1 at sample 0"]),
        (np.zeros(45), ["above 0", "0 throughout"]),
        (np.full(45, np.inf), ["finite", "inf"]),
        (["a"] * 45, ["one number a sample", "<U1"]),
        (
            np.ma.masked_array(np.ones(45), mask=np.arange(45) == 3),
            ["must hold no masked values", "1 of 45"],
        ),
        (np.ones(45) + 1j, ["one number a sample", "complex"]),
    ],
)
def test_refused_weights(fitted: HRSNNClassifier, weight: Any, words: list[str]) -> None:
    X, y = data()
    linear = LinearClassifier(fitted).fit(X, y)
    for call in (make().fit, fitted.score, linear.fit, linear.score):
        refused(lambda call=call: call(X, y, sample_weight=weight), *words)


def test_one_class_alone_weighs_something() -> None:
    X, y = data()
    refused(lambda: make().fit(X, y, sample_weight=(y == 1) * 1.0), "two classes", "weigh")


# Axes ------------------------------------------------------------------------------------------------------------


def test_samples_whose_channels_come_first() -> None:
    """As an array (samples, channels, time), or a list of such; what is learnt is that of (time, channels)."""
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    X = rng.normal(size=(24, 40, 3)) + y[:, None, None]
    expected = make().fit(X, y)
    for given in (X.transpose(0, 2, 1), [x.T for x in X], [x.T.tolist() for x in X]):
        clf = make(layout="channels, time").fit(given, y)
        np.testing.assert_array_equal(clf.features(given), expected.features(X))
        assert clf.network_.input.channels == 3 and clf.score(given, y) == expected.score(X, y)
        linear = LinearClassifier(clf).fit(given, y)
        assert linear.score(given, y) == LinearClassifier(expected).fit(X, y).score(X, y)
        anytime = hr.AnytimeReadout(clf, every=10).fit(given, y)
        np.testing.assert_array_equal(
            anytime.scores(given)[0], hr.AnytimeReadout(expected, every=10).fit(X, y).scores(X)[0]
        )
    features = hr.HRSNNFeatures("henhes", overrides={"n": N}, windows=3, layout="channels, time")
    np.testing.assert_array_equal(features.fit_transform(X.transpose(0, 2, 1)), expected.features(X))


def test_samples_that_look_as_if_channels_came_first_are_said(recwarn: pytest.WarningsRecorder) -> None:
    y = np.arange(20) % 2
    X = np.random.default_rng(0).normal(size=(20, 3, 100)) + y[:, None, None]
    with pytest.warns(UserWarning, match=r"samples of 3 rows \(time\) and 100 channels.* say layout='channels, time'"):
        clf = make().fit(X, y)
    assert clf.network_.input.channels == 100  # taken as they are all the same
    recwarn.clear()
    make(layout="time, channels").fit(X, y)
    make(layout="channels, time").fit(X, y)
    make().fit(X.transpose(0, 2, 1), y)
    make().fit(X[:, :, :6], y)
    assert not recwarn.list
    refused(lambda: make(layout="time first").fit(X, y), "layout", "'time, channels'", "time first")
    unequal = [x.T[: 90 + k].T for k, x in enumerate(X)]  # (3, 90), (3, 91), ...
    refused(lambda: make().fit(unequal, y), "sample 1", "91 channels", "layout='channels, time'")
    assert make(layout="channels, time").fit(unequal, y).network_.input.channels == 3


def test_windows_that_were_named_are_all_tried(monkeypatch):
    """Of the usual ones those that would fill the memory are left out, of one's own none."""
    monkeypatch.setattr("hetero_rsnn.estimators.readout.MOST_FEATURES", 1000)
    assert counted(window_counts("auto"), 30, 10, 20) == [1]
    assert counted(window_counts([24, 100]), 30, 10, 20) == [24, 100]
    assert window_counts(np.array([1, 5])) == (1, 5)
    with pytest.raises(hr.HeteroError, match="or give several, 'all' or 'auto'"):
        window_counts(2.5)


def test_the_linear_classifier_says_what_it_lacks(fitted):
    with pytest.raises(NotFittedError, match="call fit first"):
        LinearClassifier(fitted).predict([np.zeros((5, 2))])
