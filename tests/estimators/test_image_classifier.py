"""The classifier of images: one of scikit-learn's kind, trained or converted, that can be asked at every step."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from helpers import refused
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

import hetero_rsnn as hr
from hetero_rsnn.estimators.image_classifier import SpikingImageClassifier

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DIGITS, LABELS = load_digits(return_X_y=True)
X, Y = DIGITS[:500].reshape(-1, 8, 8) / 16, np.array(list("abcdefghij"))[LABELS[:500]]
TEST, TRUTH = DIGITS[500:700].reshape(-1, 8, 8) / 16, np.array(list("abcdefghij"))[LABELS[500:700]]


def make(model="mlp", **changes):
    options = {"hidden": (48,), "steps": 3, "training_epochs": 6, "learning_rate": 5e-3}
    return SpikingImageClassifier(model, **{**options, **changes})


KINDS = {
    "mlp": {},
    "tebn": {"normalisation": "tebn", "loss": "tet", "consistency": 0.002},
    "conv": {"model": "conv", "channels": (6, 8), "blocks": 0, "hidden": (32,), "batch_size": 16, "loss": "tet"},
    "converted mlp": {"method": "conversion", "learning_rate": None, "steps": 4},
    "converted conv": {
        "model": "conv",
        "channels": (6, 8),
        "hidden": (),
        "method": "conversion",
        "learning_rate": None,
    },
}


@pytest.fixture(scope="module", params=list(KINDS))
def fitted(request):
    return make(**KINDS[request.param]).fit(X, Y)


def test_it_learns_and_answers(fitted):
    assert fitted.score(TEST, TRUTH) > 0.6 and fitted.score(X, Y) > 0.7
    assert fitted.classes_.tolist() == list("abcdefghij")
    scores = fitted.decision_function(TEST)
    np.testing.assert_array_equal(fitted.predict(TEST), fitted.classes_[scores.argmax(axis=1)])
    p = fitted.predict_proba(TEST)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), scores.argmax(axis=1))
    assert len(fitted.training_) == 6 and fitted.image_shape_ == ((64,) if fitted.model == "mlp" else (1, 8, 8))
    assert hasattr(fitted, "ordinary_") == (fitted.method == "conversion")


def test_it_can_be_asked_at_every_step(fitted):
    scores = fitted.scores_over_time(TEST)
    assert len(scores) == 200 and scores[0].shape == (fitted.steps, 10)
    np.testing.assert_allclose([s[-1] for s in scores], fitted.decision_function(TEST), rtol=1e-6, atol=1e-6)
    number = np.searchsorted(fitted.classes_, TRUTH)
    account = fitted.account(TEST)
    spikes = list(account.spikes.sum(axis=0).T)
    curve = hr.evaluate_cutoff(scores[:100], number[:100], scores[100:], number[100:], spikes=spikes[100:], loss=0.02)
    assert curve.full.time == fitted.steps and 1 <= curve.bound.time < fitted.steps
    assert account.spikes.shape[1:] == (fitted.steps, 200) and 0 < account.rate < 1
    assert account.synaptic_operations.shape[1:] == account.multiply_accumulates.shape[1:] == (fitted.steps, 200)


def test_what_comes_out_of_a_pickle_answers_alike(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.decision_function(TEST), fitted.decision_function(TEST))
    unfitted = clone(fitted)
    assert not hasattr(unfitted, "network_") and unfitted.get_params().keys() == fitted.get_params().keys()


def test_seeds_decide_and_threads_do_not_learn_anything_else():
    a, b, other = make(), make(), make(seed=1)
    for one in (a, b, other):
        one.fit(X, Y)
    np.testing.assert_array_equal(a.decision_function(TEST), b.decision_function(TEST))
    assert not np.array_equal(a.decision_function(TEST), other.decision_function(TEST))


def test_it_stands_in_scikit_learns_tools():
    assert cross_val_score(make(batch_size=10), X[:200], Y[:200], cv=2).min() > 0.4


def test_networks_of_ones_own_bytes_and_two_classes():
    from hetero_rsnn.gradient.feedforward.networks import SpikingMLP

    two = np.isin(Y, ["a", "b"])
    pixels = (X[two] * 255).astype(np.uint8)
    own = SpikingMLP(64, 2, hidden=(16,), steps=2)
    clf = make(own, steps=2, training_epochs=8).fit(pixels.reshape(-1, 64), Y[two])
    assert clf.score(pixels.reshape(-1, 64), Y[two]) > 0.95
    assert clf.decision_function(pixels.reshape(-1, 64)).shape == (two.sum(),)
    assert not np.array_equal(
        own.to_arrays()["layers.0.synapses.weight"], clf.network_.to_arrays()["layers.0.synapses.weight"]
    )


def test_events_are_taken_as_they_come():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    events = (
        rng.random((120, 4, 2, 6, 6)) < 0.1 + 0.3 * (y[:, None, None, None, None] == np.arange(2)[:, None, None])
    ).astype(np.uint8)
    for model in ("mlp", "conv"):
        clf = make(model, steps=4, hidden=(16,), channels=(4,), blocks=0, batch_size=10).fit(events[:90], y[:90])
        assert clf.score(events[90:], y[90:]) > 0.9
        refused(lambda one=clf: one.predict(events[:, :3]), "must have the shape")
    refused(lambda: make("conv", steps=3).fit(events, y), "the 3 steps of the network, got 4")
    refused(lambda: make("conv", steps=4, method="conversion").fit(events, y), "takes images, got events")


def test_a_training_that_was_killed_goes_on(tmp_path):
    whole = make().fit(X, Y)
    part = make(checkpoint=tmp_path / "run")
    told = []

    def stop(epoch):
        told.append(epoch)
        if len(told) == 2:
            raise KeyboardInterrupt

    part.on_epoch = stop
    with pytest.raises(KeyboardInterrupt):
        part.fit(X, Y)
    refused(lambda: make(checkpoint=tmp_path / "run", batch_size=10).fit(X, Y), "another training")
    part.on_epoch = None
    np.testing.assert_array_equal(part.fit(X, Y).decision_function(TEST), whole.decision_function(TEST))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps must be"),
        ({"steps": 1, "consistency": 0.1}, "consistency needs 2 steps or more, got 1"),
        ({"consistency": -0.1}, "consistency must be"),
        ({"model": "transformer"}, "model"),
        ({"method": "magic"}, "method"),
        ({"loss": "tet", "method": "conversion"}, "loss='tet' is for direct training"),
        ({"validation": 1.0}, "validation must be a share below 1"),
        ({"normalisation": "layer"}, "normalisation"),
        ({"leak": 1.5}, "leak must be"),
        ({"optimiser": "lbfgs"}, "optimiser"),
    ],
)
def test_what_cannot_be(changes, said):
    refused(lambda: make(**changes).fit(X, Y), said)


def test_samples_that_cannot_be():
    refused(lambda: make().fit(X, Y[:-1]), "y")
    refused(lambda: make().fit(X, ["a"] * len(X)), "two classes or more")
    refused(lambda: make("conv").fit(X.reshape(-1, 64), Y), "needs images (height, width), got samples of 64 numbers")
    clf = make(training_epochs=1).fit(X, Y)
    refused(lambda: clf.predict(X[:, :7]), "must have the shape (64,)")
    refused(lambda: clf.score(TEST, TRUTH[:-1]), "y")
