"""The classifier: a task it must solve and one it cannot, labels of all kinds, readouts, counts of its report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from helpers import refused
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

import hetero_rsnn as hr
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.linear import LinearClassifier
from hetero_rsnn.estimators.readout import RidgeClassification, RidgeReadout, class_folds
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
    clf = make().fit(X, some)
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    # The network has learnt from all, the readout from those with labels.
    np.testing.assert_array_equal(clf.frozen_.state.w, make().fit(X, y).frozen_.state.w)
    known = some != -1
    by_hand = RidgeClassification().fit(clf.features(X)[known], some[known])
    np.testing.assert_allclose(clf.decision_function(X), by_hand.decision_function(clf.features(X)), rtol=1e-9)
    assert clf.train_report_.n == 25
    report, part = clf.report(X, some), clf.report([X[k] for k in np.flatnonzero(known)], some[known])
    assert (report.n, report.accuracy, report.nu) == (25, part.accuracy, pytest.approx(part.nu))
    assert report.rate_hz == pytest.approx(part.rate_hz)
    assert labelled(np.array(["-1", "a"])).all()  # a name is a label


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
        ([[1]] + [[1, 2]] * 44, ["one label a sample (45)", "inhomogeneous", "flat list"]),
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
        RidgeReadout, "fit", lambda self, x, t, folds=None: seen.append(folds) or fit(self, x, t, folds)
    )
    y[3] = -1
    make().fit(X, y, groups)
    np.testing.assert_array_equal(seen[0], np.delete(np.array([1, 2, 0])[np.arange(45) // 15], 3))
    refused(lambda: make().fit(X, y, groups[:-1]), "groups", "one a sample (45)", "44")


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
    refused(lambda: fitted.report(X, np.full(6, -1)), "labels to report on", "-1")


# The linear model ------------------------------------------------------------------------------------------------


def test_the_linear_classifier_sees_the_same_input(fitted: HRSNNClassifier) -> None:
    X, y = data()
    rows = np.concatenate(X)
    scaled = [(x - rows.mean(axis=0)) / rows.std(axis=0) for x in X]
    linear = LinearClassifier(fitted).fit(X, y)
    features = linear.features(X)
    np.testing.assert_allclose(features, [pool(x, 3) for x in scaled], rtol=1e-9, atol=1e-9)
    assert linear.score(*data(60, 1)) > 0.6  # a straight readout masks the class in the middle
    by_hand = RidgeClassification().fit(features, y)
    np.testing.assert_array_equal(linear.readout_.predict(features), by_hand.predict(features))
    assert linear.score(X, y) == np.mean(by_hand.predict(features) == y)


def test_the_linear_classifier_leaves_out_unlabelled_samples(fitted: HRSNNClassifier) -> None:
    X, y = data()
    some, groups = np.where(np.arange(45) % 4 == 0, -1, y), np.arange(45) // 15
    known = np.flatnonzero(some != -1)
    linear = LinearClassifier(fitted).fit(X, some, groups)
    np.testing.assert_array_equal(linear.readout_.classes_, [0, 1, 2])
    alone = LinearClassifier(fitted).fit([X[k] for k in known], y[known], groups[known])
    np.testing.assert_allclose(linear.readout_.readout_.coef_, alone.readout_.readout_.coef_)
    assert linear.score(X, some) == alone.score([X[k] for k in known], y[known])
    refused(lambda: linear.fit(X, y[:-1]), "one label a sample (45)")


def test_score_leaves_out_unlabelled_samples(fitted: HRSNNClassifier) -> None:
    X, y = data(12, 1)
    some = np.where(np.arange(12) % 3 == 0, -1, y)
    assert fitted.score(X, some) == fitted.report(X, some).accuracy
