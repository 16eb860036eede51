"""Networks that are trained to decide early: answers in every decision window, losses, and the RCS regulariser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import refused
from sklearn.base import clone

import hetero_rsnn as hr


def toy(count: int = 48, seed: int = 0) -> tuple[list[Any], np.ndarray]:
    """Two classes, told by which of two channels is driven from the second row on."""
    rng = np.random.default_rng(seed)
    y = np.array(["left", "right"])[np.arange(count) % 2]
    X = []
    for label in y:
        x = rng.normal(0, 0.4, (int(rng.integers(8, 14)), 2))
        x[1:, int(label == "right")] += 2.0
        X.append(x)
    return X, y


def make(**changes: Any) -> hr.HRSNNGradientClassifier:
    options: dict[str, Any] = {
        "overrides": {"n": 40}, "hold": "5 ms", "training_epochs": 5, "batch_size": 16, "precision": "double",
        "decide_every": "10 ms", "readout": "trained",
    }  # fmt: skip
    return hr.HRSNNGradientClassifier("henhes", **{**options, **changes})


X, Y = toy()
TEST, TRUTH = toy(40, seed=1)


@pytest.fixture(scope="module", params=["cross_entropy", "squared_error", "tet"])
def fitted(request) -> hr.HRSNNGradientClassifier:
    return make(loss=request.param).fit(X, Y)


def test_it_decides_in_every_window_and_at_the_end_as_usual(fitted):
    scores = fitted.scores_over_time(TEST)
    assert [len(s) for s in scores] == [-(-len(x) // 2) for x in TEST]
    at_end = np.array([s[-1] for s in scores])
    np.testing.assert_allclose(at_end[:, 1] - at_end[:, 0], fitted.decision_function(TEST), rtol=1e-9, atol=1e-12)
    assert fitted.score(TEST, TRUTH) > 0.9
    assert [len(s) for s in fitted.spikes_over_time_] == [len(s) for s in scores]
    total = np.array([s.sum() for s in fitted.spikes_over_time_])
    np.testing.assert_allclose(total / 40, fitted.spikes_, rtol=1e-12)


def test_scores_are_for_the_cutoff(fitted):
    number = np.searchsorted(fitted.classes_, TRUTH)
    scores = fitted.scores_over_time(TEST)
    curve = hr.evaluate_cutoff(scores, number, scores, number, spikes=fitted.spikes_over_time_)
    assert curve.full.accuracy == fitted.score(TEST, TRUTH)
    assert curve.bound.time < curve.full.time and 0 < curve.bound.spikes_saved < 1


@pytest.mark.parametrize("every", ["10 ms", "1 ms"])  # two rows, and a fifth of one
def test_answers_are_those_of_every_backend(every):
    scores = {}
    for backend in ("fast", "numpy", "brian2"):
        one = make(training_epochs=1, decide_every=every, backend=backend).fit(X[:12], Y[:12])
        scores[backend] = one.scores_over_time(TEST[:3])
        for a, b in zip(scores[backend], scores["fast"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("pooling", ["leaky", "rate"])
def test_poolings_and_parts_of_a_row(pooling):
    one = make(pooling=pooling, decide_every="1 ms").fit(X, Y)
    scores = one.scores_over_time(TEST)
    assert [len(s) for s in scores] == [5 * len(x) for x in TEST]
    at_end = np.array([s[-1] for s in scores])
    np.testing.assert_allclose(at_end[:, 1] - at_end[:, 0], one.decision_function(TEST), rtol=1e-9, atol=1e-12)
    assert one.score(TEST, TRUTH) > 0.9


def test_the_regulariser_and_the_loss_change_what_is_learned():
    usual = make(batch_size=48).fit(X, Y)  # blocks of sixteen are what threads share
    for changes in ({"consistency": 0.05}, {"loss": "tet"}):
        other = make(batch_size=48, **changes).fit(X, Y)
        assert not np.array_equal(other.frozen_.draw.w_in, usual.frozen_.draw.w_in)
        again = clone(other).set_params(n_jobs=2).fit(X, Y)
        np.testing.assert_array_equal(again.frozen_.draw.w_in, other.frozen_.draw.w_in)


def test_a_ridge_readout_at_the_end_and_readouts_for_every_time():
    one = make(readout="ridge", consistency=0.01).fit(X, Y)
    anytime = hr.AnytimeReadout(one, every=2).fit(X, Y)
    assert anytime.scores(TEST)[0].shape == (-(-len(TEST[0]) // 2), 2)
    refused(lambda: one.scores_over_time(TEST), "readout='ridge'", "AnytimeReadout")


def test_samples_as_they_come_and_killed_trainings(tmp_path, monkeypatch):
    online = make(consistency=0.01)
    for _ in range(3):
        online.partial_fit(X, Y, classes=["left", "right"])
    assert online.score(TEST, TRUTH) > 0.8 and len(online.scores_over_time(TEST)) == len(TEST)
    whole = make(consistency=0.01).fit(X, Y)
    part = make(consistency=0.01, checkpoint=tmp_path / "run", training_epochs=5)
    count = 0

    def stop(_epoch):
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt

    part.on_epoch = stop
    with pytest.raises(KeyboardInterrupt):
        part.fit(X, Y)
    part.on_epoch = None
    part.fit(X, Y)
    for a, b in zip(part.scores_over_time(TEST), whole.scores_over_time(TEST), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(hr.FileFormatError, match="another training"):
        make(consistency=0.02, checkpoint=tmp_path / "run").fit(X, Y)


def test_answers_do_not_depend_on_how_many_are_looked_at_together(fitted, monkeypatch):
    scores, spikes = fitted.scores_over_time(TEST), fitted.spikes_over_time_
    decided, fired = fitted.decision_function(TEST), fitted.spikes_
    monkeypatch.setattr("hetero_rsnn.estimators.gradient_classifier.at_a_time", lambda windows, n: 16)
    for a, b in zip(fitted.scores_over_time(TEST), scores, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for a, b in zip(fitted.spikes_over_time_, spikes, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(fitted.decision_function(TEST), decided, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(fitted.spikes_, fired)


def test_short_samples_may_come_alone():
    """Their only window is their end, with nothing to be drawn to it; samples before and after them have more."""
    online = make(consistency=0.01)
    online.partial_fit(X, Y, classes=["left", "right"])
    online.partial_fit([x[:2] for x in X[:4]], Y[:4])
    assert len(online.training_) == 2 and np.isfinite(online.training_[1].loss)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"consistency": -0.1}, "consistency must be a finite number >= 0, got -0.1"),
        ({"consistency": 0.1, "decide_every": None}, "consistency=0.1 is about decisions over time"),
        ({"loss": "tet", "decide_every": None}, "loss='tet' is about decisions over time"),
        ({"decide_every": "7 ms"}, "decide_every must be a multiple or a part of the hold of 5 ms, got 7 ms"),
        ({"decide_every": "0 ms"}, "decide_every"),
        ({"decide_every": "2.5 ms"}, "decide_every must be a multiple of dt = 1 ms, got 2.5 ms"),
        ({"decide_every": "1 s", "consistency": 0.1}, "two decision windows or more, got one of 1 s"),
        ({"loss": "tit"}, "loss"),
    ],
)
def test_what_cannot_be(changes, said):
    refused(lambda: make(**changes).fit(X, Y), said)
