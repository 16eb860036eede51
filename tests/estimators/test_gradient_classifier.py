"""The classifier that is trained by gradients: what it adds to the other, and that it is one of its kind."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from helpers import refused
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
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"readout": "along"}, "readout"),
        ({"checkpoint": 3}, "checkpoint must be a path, got 3"),
    ],
)
def test_parameters_that_cannot_be(changes, said):
    with pytest.raises(hr.HeteroError, match=said):
        make(**changes).fit(X, Y)


def test_a_training_that_diverges_hands_out_what_was_good(tmp_path):
    """In one line that says where, with a network that can be kept; what had been fitted before is gone."""
    wild = make(learning_rate=1e308, schedule="constant", clip=None)
    error = refused(lambda: wild.fit(X, Y), "no number in epoch", "batch", "last_good", error=hr.DivergedError)
    kept = hr.load_network(hr.save_network(error.last_good, tmp_path / "kept.toml"))
    np.testing.assert_array_equal(hr.draw(kept, 3).plastic.w, error.last_good.plastic.w)
    assert np.isfinite(error.last_good.plastic.w).all() and not hasattr(wild, "frozen_")
    again = pickle.loads(pickle.dumps(error))  # from a process of a pool
    assert str(again) == str(error)
    np.testing.assert_array_equal(again.last_good.w_in, error.last_good.w_in)


# The readout that was trained along, losses, and samples as they come ----------------------------------------------


def three(count: int = 60, seed: int = 0) -> tuple[list[Any], np.ndarray]:
    """Three classes: which of three channels is driven."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 3
    X = [rng.normal(0, 0.4, (int(rng.integers(8, 14)), 3)) + 1.5 * np.eye(3)[label] for label in y]
    return X, y


@pytest.fixture(scope="module")
def along() -> hr.HRSNNGradientClassifier:
    return make(readout="trained", training_epochs=6).fit(X, Y)


def test_the_readout_that_was_trained_along_answers_by_hand(along):
    """Spikes of frozen runs, in five parts of equal length, times what was trained; the softmax of that."""
    tested, truth = toy(20, seed=1)
    seen = []
    for u in along.inputs(tested):
        run = hr.simulate(along.frozen_.draw, hr.array_stimulus(u, "5 ms"), state=along.frozen_.state, plasticity=False)
        place = ((run.spike_times + 0.5) // 5.0).astype(int)
        count = np.zeros((len(u), 40))
        np.add.at(count, (place, run.spike_neurons), 1.0)
        # As many copies of each row as there are parts, then as many rows side by side as there are rows of input.
        seen.append(count.repeat(5, axis=0).reshape(5, len(u), 40).mean(axis=1).ravel())
    scores = np.array(seen) @ along.readout_.coef_ + along.readout_.intercept_
    np.testing.assert_allclose(along.decision_function(tested), scores[:, 1] - scores[:, 0], rtol=1e-9, atol=1e-9)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(along.predict_proba(tested), p, rtol=1e-9)
    np.testing.assert_allclose(along.predict_log_proba(tested), np.log(p), rtol=1e-9)
    assert along.predict(tested).tolist() == np.array(["left", "right"])[scores.argmax(axis=1)].tolist()
    assert along.score(tested, truth) > 0.9 and along.windows_ == 5
    assert along.report(tested, truth).nu > 0


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_more_than_two_classes(loss):
    A, a = three()
    f = make(readout="trained", loss=loss, training_epochs=6).fit(A, a)
    p, scores = f.predict_proba(A), f.decision_function(A)
    assert p.shape == scores.shape == (60, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), scores.argmax(axis=1))
    assert f.score(*three(30, seed=1)) > 0.9
    if loss == "squared_error":  # begins with the share of each class: three times a variance of 2/9, over three
        assert f.training_[0].loss < 0.3 and f.training_[-1].validation < f.training_[0].validation


@pytest.mark.parametrize("readout", ["ridge", "trained"])
def test_losses_differ(readout):
    """In the network that comes out, and both are learned."""
    a, b = (make(readout=readout, loss=loss).fit(X, Y) for loss in ("cross_entropy", "squared_error"))
    assert not np.array_equal(a.frozen_.draw.plastic.w, b.frozen_.draw.plastic.w)
    assert a.score(X, Y) > 0.9 and b.score(X, Y) > 0.9


def test_every_epoch_is_told(tmp_path):
    told: list[Any] = []
    f = make(training_epochs=3)
    f.on_epoch = told.append
    f.fit(X, Y)
    assert told == f.training_ and len(told) == 3
    assert clone(f).on_epoch is None and "on_epoch" not in f.get_params()


def test_epochs_are_shown_on_standard_error(capsys, monkeypatch):
    """As many as there were, whether or not they were all that were asked for."""
    f = make(training_epochs=20, patience=1, learning_rate=0.3, schedule="constant", verbose=True).fit(X, Y)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training")]
    done = len(f.training_)
    assert done < 20 and f.best_epoch_ == done - 2
    assert lines[:-1] == [f"training: {k + 1} of 20, {e}" for k, e in enumerate(f.training_)]
    assert lines[-1] == f"training: {done} epochs done"
    for word in ("loss", "held out", "score", "spikes a neuron"):
        assert word in lines[0]
    make(training_epochs=1).fit(X, Y)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr", None)  # as in a window without a console
    make(training_epochs=1, verbose=True).fit(X, Y)


def batches(seed: int = 0) -> list[tuple[list[Any], np.ndarray]]:
    return [three(24, seed=seed + k) for k in range(12)]


def online(**changes: Any) -> hr.HRSNNGradientClassifier:
    f = make(readout="trained", **changes)
    for A, a in batches():
        f.partial_fit(A, a, classes=[0, 1, 2])
    return f


def test_samples_as_they_come():
    """Every call is an epoch of its own samples; the loss on samples that no call has seen falls."""
    f = online()
    losses = [e.loss for e in f.training_]
    assert len(losses) == 12 and np.mean(losses[-3:]) < 0.7 * losses[0]
    assert f.score(*three(30, seed=99)) > 0.9
    assert all(np.isnan(e.validation) for e in f.training_)
    assert f._online.samples == [] and f.classes_.tolist() == [0, 1, 2]
    again = online(n_jobs=2)
    np.testing.assert_array_equal(again.decision_function(X3), f.decision_function(X3))
    once = make(readout="trained").partial_fit(*batches()[0], classes=[0, 1, 2])
    assert len(pickle.dumps(f)) < 1.2 * len(pickle.dumps(once))
    other = make(readout="trained")
    for A, a in reversed(batches()):
        other.partial_fit(A, a, classes=[0, 1, 2])
    assert not np.array_equal(other.decision_function(X3), f.decision_function(X3))  # the order of calls counts


X3 = three(6, seed=5)[0]


def test_a_class_may_come_later():
    A, a = three()
    f = make(readout="trained").partial_fit(
        [x for x, label in zip(A, a, strict=True) if label < 2], a[a < 2], [0, 1, 2]
    )
    assert f.predict_proba(A).shape == (60, 3)
    for _ in range(8):
        f.partial_fit(A, a)
    assert f.score(*three(30, seed=1)) > 0.8


def test_weights_of_samples_as_they_come():
    """Weight 0 throughout a batch teaches nothing and breaks nothing; 2 is not 1."""
    A, a = three(48)
    weight = np.where(np.arange(48) < 40, 1.0, 0.0)
    f = make(readout="trained", batch_size=4).partial_fit(A, a, [0, 1, 2], sample_weight=weight)
    assert np.isfinite(f.training_[0].loss) and np.isfinite(f.decision_function(A)).all()
    g = make(readout="trained", batch_size=4).partial_fit(A, a, [0, 1, 2])
    assert not np.array_equal(f.decision_function(A), g.decision_function(A))


def test_what_partial_fit_refuses():
    A, a = three(12)
    refused(lambda: make().partial_fit(A, a, [0, 1, 2]), "got readout='ridge'", "readout='trained'")
    refused(lambda: make(readout="trained").partial_fit(A, a), "needs all classes", "classes=np.unique(y)")
    refused(lambda: make(readout="trained").partial_fit(A, a, [0, 1]), "label 2 is none of the classes")
    f = make(readout="trained").partial_fit(A, a, [0, 1, 2])
    before = f.decision_function(A)
    refused(lambda: f.partial_fit(A, a + 1), "label 3 is none of the classes")
    refused(lambda: f.partial_fit(A, a, [0, 1, 2, 3]), "classes differ")
    refused(lambda: f.partial_fit(A, a[:5]), "5")
    refused(lambda: f.partial_fit([x[:, :2] for x in A], a), "channels")
    np.testing.assert_array_equal(f.decision_function(A), before)
    f.partial_fit(A, a, [2, 1, 0])  # the same, in another order


def test_it_goes_on_after_a_fit_and_out_of_a_file(along):
    one, two = (pickle.loads(pickle.dumps(along)) for _ in range(2))
    np.testing.assert_array_equal(one.decision_function(X), along.decision_function(X))
    for f in (one, two):
        f.partial_fit(*toy(20, seed=7))
    np.testing.assert_array_equal(one.decision_function(X), two.decision_function(X))
    assert len(one.training_) == len(along.training_) + 1
    assert not np.array_equal(one.frozen_.draw.plastic.w, along.frozen_.draw.plastic.w)
    fresh = clone(one)
    assert not hasattr(fresh, "frozen_") and not hasattr(fresh, "_online")
    np.testing.assert_array_equal(fresh.fit(X, Y).decision_function(X), along.decision_function(X))


def test_a_grid_search_over_pseudo_derivatives():
    """A bump so narrow that it hardly teaches loses against a usual one, on folds of the training part; twice alike."""
    from sklearn.model_selection import GridSearchCV

    bumps = [hr.PseudoDerivative("rectangle", width=width) for width in (0.002, 0.5)]
    searches = [
        GridSearchCV(
            make(readout="trained", training_epochs=3, trainable=["w_in"], validation=0.0),
            {"pseudo_derivative": bumps}, cv=2, scoring="neg_log_loss", error_score="raise",
        ).fit(X, Y)
        for _ in range(2)
    ]  # fmt: skip
    assert searches[0].best_params_ == {"pseudo_derivative": bumps[1]}
    scores = [s.cv_results_["mean_test_score"] for s in searches]
    np.testing.assert_array_equal(*scores)
    assert scores[0][1] > scores[0][0]


def held_out(network: hr.Network, seed: int, *, share: float, outer: float) -> dict[str, float]:
    """Accuracy as C, spikes of a neuron as S."""
    bump = hr.PseudoDerivative("trapezoid", inner=share * outer, outer=outer)
    clf = hr.HRSNNGradientClassifier(
        network, hold="5 ms", training_epochs=2, batch_size=4, pseudo_derivative=bump, seed=seed, windows=2
    ).fit(X[:24], Y[:24])  # fmt: skip
    report = clf.report(X[24:], Y[24:])
    return {"C": report.accuracy, "S": report.nu}


def test_parameters_of_a_pseudo_derivative_are_searched():
    """Both breakpoints of a trapezoid, as settings beside the network; each candidate is what its settings give."""
    shape = {"share": {"as": "setting", "range": [0, 1]}, "outer": {"as": "setting", "range": [0.4, 2.0]}}
    base = hr.load_network("henhes", n=20, **{"input.channels": 2})
    space = hr.Space.from_dict({"name": "trapezoids", "base": base.to_dict(), "scalars": shape})
    found = hr.search_function(
        held_out, space, c_min=0.3, rate=(0, 1e4), budget=4, initial=3, seeds=1, remeasure=0
    )  # fmt: skip
    assert len({trial.values for trial in found.trials}) == 4
    for trial in found.trials:
        assert 0 <= trial.point["share"] <= 1 and 0.4 <= trial.point["outer"] <= 2.0
        again = held_out(base, 0, **space.settings(trial.values))
        assert again == {"C": trial.C, "S": trial.S}
    assert len({trial.S for trial in found.trials}) > 1  # the shape is not without effect
