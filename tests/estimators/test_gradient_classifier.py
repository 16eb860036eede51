"""The classifier that is trained by gradients: what it adds to the other, and that it is one of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import hetero_rsnn as hr


def toy(count: int = 48, seed: int = 0) -> tuple[list[Any], np.ndarray]:
    """Two classes: which of two channels is driven first."""
    rng = np.random.default_rng(seed)
    y = np.array(["left", "right"])[np.arange(count) % 2]
    X = []
    for label in y:
        x = rng.normal(0, 0.4, (int(rng.integers(8, 14)), 2))
        first = int(label == "right")
        x[: len(x) // 2, first] += 2.0
        x[len(x) // 2 :, 1 - first] += 2.0
        X.append(x)
    return X, y


def make(**changes: Any) -> hr.HRSNNGradientClassifier:
    options: dict[str, Any] = {
        "overrides": {"n": 40}, "hold": "5 ms", "training_epochs": 4, "batch_size": 16, "precision": "double",
    }  # fmt: skip
    return hr.HRSNNGradientClassifier("henhes", **{**options, **changes})


X, Y = toy()


@pytest.fixture(scope="module")
def fitted() -> hr.HRSNNGradientClassifier:
    return make().fit(X, Y)


def test_it_learns_and_answers(fitted):
    tested, truth = toy(40, seed=1)
    assert fitted.score(tested, truth) > 0.9
    assert fitted.classes_.tolist() == ["left", "right"] and set(fitted.predict(tested)) <= {"left", "right"}
    assert len(fitted.training_) == 4 and fitted.training_[-1].loss < fitted.training_[0].loss
    report = fitted.report(tested, truth)
    assert report.nu > 0 and report.accuracy == fitted.score(tested, truth)


def test_the_network_that_answers_is_the_trained_one(fitted):
    """With the weights that training has left, also where a simulation takes them from its state."""
    drawn = hr.draw(fitted.network_, 0)
    trained = fitted.frozen_.draw
    assert not np.array_equal(trained.plastic.w, drawn.plastic.w) and not np.array_equal(trained.w_in, drawn.w_in)
    np.testing.assert_array_equal(fitted.frozen_.state.w, trained.plastic.w)
    np.testing.assert_array_equal(trained.neurons["tau_m"], drawn.neurons["tau_m"])
    with_times = make(trainable=["w", "tau_m"], shared={"tau_m": "population"}).fit(X, Y).frozen_.draw
    factors = with_times.neurons["tau_m"] / drawn.neurons["tau_m"]
    assert np.unique(factors.round(9)).size == 2 and not np.allclose(factors, 1.0)


def test_answers_do_not_depend_on_threads_and_seeds_decide(fitted):
    again = make(n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(again.decision_function(X), fitted.decision_function(X))
    other = make(seed=1).fit(X, Y)
    assert not np.array_equal(other.decision_function(X), fitted.decision_function(X))


def test_fewer_spikes_for_a_price(fitted):
    dear = make(target_rate=5.0, training_epochs=8, spike_weight=0.3).fit(X, Y)
    assert dear.report(X, Y).nu < 0.7 * fitted.report(X, Y).nu


def test_a_start_from_what_stdp_has_learned():
    learned = make(epochs=1, training_epochs=1, learning_rate=1e-9).fit(X, Y)
    usual = hr.HRSNNClassifier("henhes", overrides={"n": 40}, hold="5 ms").fit(X, Y)
    np.testing.assert_allclose(learned.frozen_.draw.plastic.w, usual.frozen_.state.w, rtol=1e-6)
    np.testing.assert_allclose(learned.decision_function(X), usual.decision_function(X), rtol=1e-3, atol=1e-4)


def test_a_training_that_was_killed_goes_on_and_ends_alike(tmp_path, fitted, monkeypatch):
    from hetero_rsnn.gradient.fitting import Training

    usual = Training.save

    def killed(self: Training, path: Any) -> Any:
        out = usual(self, path)
        if len(self.history) == 2:
            raise KeyboardInterrupt
        return out

    monkeypatch.setattr(Training, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        make(checkpoint=tmp_path / "c").fit(X, Y)
    monkeypatch.setattr(Training, "save", usual)
    resumed = make(checkpoint=tmp_path / "c").fit(X, Y)
    np.testing.assert_array_equal(resumed.decision_function(X), fitted.decision_function(X))
    assert [e.loss for e in resumed.training_] == [e.loss for e in fitted.training_]
    with pytest.raises(hr.FileFormatError, match="checkpoint of another training"):
        make(checkpoint=tmp_path / "c", learning_rate=0.01).fit(X, Y)


def test_it_takes_the_place_of_the_other(fitted):
    """Early decisions, the linear model beside it, unlabelled samples, weights, clones, logistic readouts, events."""
    anytime = hr.AnytimeReadout(fitted).fit(X, Y)
    assert anytime.scores(X[:2])[0].shape[1] == 2
    assert hr.LinearClassifier(fitted).fit(X, Y).score(X, Y) >= 0.5
    assert clone(fitted).get_params()["training_epochs"] == 4
    numbers = np.where(np.arange(48) < 6, -1, (np.array(Y) == "right").astype(int))
    some = make(unlabelled=-1, readout="logistic").fit(X, numbers)
    assert some.classes_.tolist() == [0, 1] and some.predict_proba(X[:3]).shape == (3, 2)
    weighed = make().fit(X, Y, sample_weight=np.arange(48) % 3)
    assert not np.array_equal(weighed.decision_function(X), fitted.decision_function(X))
    classes = (np.array(Y) == "right").astype(int)
    gone = make().fit(X, classes, sample_weight=(np.arange(48) >= 8).astype(float))
    unknown = make(unlabelled=-1).fit(X, np.where(np.arange(48) >= 8, classes, -1))
    np.testing.assert_array_equal(gone.frozen_.draw.plastic.w, unknown.frozen_.draw.plastic.w)
    poisson = make(encoder="poisson", trainable=["w", "w_event"]).fit(X, Y)
    assert not np.array_equal(poisson.frozen_.draw.w_event, hr.draw(poisson.network_, 0).w_event)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"validation": 1.0}, "validation must be a share below 1"),
        ({"trainable": ["weights"]}, "unknown trainable quantity 'weights'"),
        ({"pooling": "mean"}, "unknown readout 'mean'"),
        ({"pseudo_derivative": "box"}, "pseudo-derivative 'box'"),
        ({"target_rate": -5.0}, "target_rate must be"),
        ({"training_epochs": 0}, "epochs must be"),
        ({"learning_rate": "fast"}, "learning_rate must be"),
        ({"bounds": {"tau_m": (1, 2)}}, "bounds names 'tau_m'"),
    ],
)
def test_parameters_that_cannot_be(changes, said):
    with pytest.raises(hr.HeteroError, match=said):
        make(**changes).fit(X, Y)
