"""The classifier of images: one of scikit-learn's kind, trained or converted, that can be asked at every step."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from helpers import refused
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
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
    "bits": {"hidden": (64, 64, 64), "weights": "1bit", "shortcuts": True, "full_epochs": 2, "batch_size": 16},
    "bits conv": {
        "model": "conv",
        "channels": (8,),
        "hidden": (48,),
        "weights": "1bit",
        "batch_size": 16,
        "loss": "tet",
    },
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


def test_as_bits_it_answers_alike(fitted):
    """Where weights have 1 bit, or nothing lies between the first and the last layer; others are refused."""
    full = fitted.weights == "full"
    if fitted.method == "conversion":
        refused(fitted.pack, "pack takes a SpikingMLP or SpikingConvNet, got ConvertedNetwork")
    elif fitted.normalisation == "tebn":
        refused(fitted.pack, "pack takes no network with TEBN")
    elif full and fitted.model == "conv":
        refused(fitted.pack, "layer 2 (Conv) has full weights")
    else:
        packed = fitted.pack()
        outputs = packed.run(TEST.astype(np.float32).reshape(len(TEST), *fitted.image_shape_)).mean(0)
        same = (fitted.classes_[outputs.argmax(1)] == fitted.predict(TEST)).mean()
        assert same > 0.98 and (packed.bits == 0) == full  # a potential may lie within rounding of the threshold
        scores = np.array(fitted.scores_over_time(TEST))[:, -1]
        assert np.median(np.abs(outputs - scores)) < 1e-6 * np.abs(scores).max()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        make().pack()


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


def linear():
    """A teacher: the linear model of the pixels, by least squares."""
    module = torch.nn.Linear(64, 10).double()
    x = torch.tensor(np.concatenate([X.reshape(500, 64), np.ones((500, 1))], axis=1))
    truth = torch.eye(10, dtype=torch.float64)[torch.tensor(LABELS[:500])]
    with torch.no_grad():
        found = torch.linalg.lstsq(x, 8 * truth, driver="gelsd").solution
        module.weight.copy_(found[:-1].T)
        module.bias.copy_(found[-1])
    return module.float()


@pytest.mark.parametrize("distillation", ["mixed", "pure"])
@pytest.mark.parametrize("stop", [1, 3])
def test_either_stage_of_a_taught_training_goes_on(stop, distillation, tmp_path):
    options = {"hidden": (24, 24, 24), "weights": "1bit", "shortcuts": True, "full_epochs": 2, "training_epochs": 4}
    options |= {"weight_decay": 0.01, "distillation": distillation, "teacher": linear()}
    whole = make(**options).fit(X, Y)
    part = make(**options, checkpoint=tmp_path / "run")

    def cut(epoch):
        if told.append(epoch) or len(told) == stop:
            raise KeyboardInterrupt

    told = []
    part.on_epoch = cut
    with pytest.raises(KeyboardInterrupt):
        part.fit(X, Y)
    for other in ({"teacher": None, "distillation": "mixed"}, {"full_epochs": 1}, {"shortcuts": False}):
        refused(
            lambda other=other: make(**{**options, **other}, checkpoint=tmp_path / "run").fit(X, Y), "another training"
        )
    again = clone(part).fit(X, Y)  # a copy of the teacher teaches the same
    assert again.teacher is not part.teacher and again.get_params().keys() == part.get_params().keys()
    np.testing.assert_array_equal(again.decision_function(TEST), whole.decision_function(TEST))
    assert again.best_epoch_ == whole.best_epoch_ >= 2 and len(again.training_) == 4
    signs = [layer.signs() for layer in again.network_.modules() if hasattr(layer, "signs")]
    assert [s.shape for s in signs] == [(24, 24), (24, 24)]


def test_what_a_teacher_and_bits_change():
    few = {"training_epochs": 2, "hidden": (24, 24, 24)}
    plain = make(**few).fit(X, Y).decision_function(TEST)
    for changes in (
        {"weights": "1bit"},
        {"shortcuts": True},
        {"teacher": linear()},
        {"teacher": linear(), "distillation": "pure"},
    ):
        assert not np.array_equal(make(**few, **changes).fit(X, Y).decision_function(TEST), plain)
    # An ordinary network may be taught, too; by default there is a layer for the bits.
    assert make(method="conversion", teacher=linear(), training_epochs=1).fit(X, Y).ordinary_ is not None
    assert make(hidden=None, weights="1bit", training_epochs=1).fit(FEW, FEW_Y).network_.hidden == (512, 512)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps must be"),
        ({"weights": "2bit"}, "unknown weights '2bit'"),
        ({"shortcuts": "yes"}, "shortcuts must be True or False, got 'yes'"),
        ({"weights": "1bit", "method": "conversion"}, "weights='1bit' is for direct training"),
        ({"shortcuts": True, "method": "conversion"}, "shortcuts=True is for direct training"),
        ({"model": torch.nn.Linear(64, 10), "weights": "1bit"}, "weights='1bit' is for 'conv' and 'mlp'"),
        ({"model": torch.nn.Linear(64, 10), "shortcuts": True}, "shortcuts=True is for 'conv' and 'mlp'"),
        ({"weights": "1bit"}, "weights='1bit' is about layers between the first and the last"),
        ({"full_epochs": 2}, "full_epochs is for 1-bit weights"),
        ({"weights": "1bit", "hidden": (5, 5), "full_epochs": 6}, "full_epochs must be below the 6 epochs"),
        ({"weights": "1bit", "hidden": (5, 5), "weight_decay": 0.1}, "weight_decay=0.1 is for full weights"),
        ({"teacher": "strong"}, "teacher must be a torch.nn.Module, got 'strong': give a network, such as network_"),
        ({"teacher": torch.nn.Linear(64, 7)}, "the teacher knows 7 classes, the network 10"),
        ({"teacher": torch.nn.Linear(63, 10)}, "the teacher does not fit: Linear cannot take images"),
        ({"distillation": "pure"}, "distillation='pure' needs a teacher"),
        ({"distillation": "hard"}, "unknown distillation 'hard'"),
        ({"distillation": "pure", "loss": "tet", "teacher": torch.nn.Linear(64, 10)}, "use distillation='mixed'"),
        ({"levels": None, "method": "conversion"}, "(ReLU) cannot be converted"),
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


FEW, FEW_Y = X[:40], Y[:40]


def test_a_fit_that_fails_leaves_an_estimator_that_is_not_fitted():
    clf = make(training_epochs=1, method="conversion").fit(FEW, FEW_Y)
    for fault in (
        lambda: clf.set_params(steps=0).fit(FEW, FEW_Y),
        lambda: clf.set_params(steps=2).fit(FEW, FEW_Y[:-1]),
    ):
        refused(fault)
        assert not [name for name in vars(clf) if name.endswith("_")]
        calls = (clf.predict, clf.predict_proba, clf.decision_function, clf.scores_over_time, clf.account)
        for call in (*calls, lambda x: clf.score(x, FEW_Y)):
            with pytest.raises(NotFittedError):
                call(FEW)
        clf.set_params(steps=2).fit(FEW, FEW_Y)
    assert hasattr(clf, "ordinary_") and not hasattr(clf.set_params(method="direct").fit(FEW, FEW_Y), "ordinary_")


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "meta", None, 0, ["cpu"]])
def test_devices_that_are_not_there(device):
    refused(lambda: make(device=device).fit(FEW, FEW_Y), "device", "use 'cpu'")


def test_every_name_of_the_cpu_is_the_same():
    found = [make(device=d, training_epochs=1).fit(FEW, FEW_Y) for d in ("cpu", "cpu:0", torch.device("cpu"))]
    for one in found[1:]:
        np.testing.assert_array_equal(one.decision_function(TEST), found[0].decision_function(TEST))
    found[0].set_params(device="cuda:99").predict(TEST)  # a fitted network stays where it is


def test_networks_that_do_not_fit_are_refused_before_they_are_trained():
    from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryMLP

    flat, two = FEW.reshape(40, 64), np.arange(40) % 2
    own = SpikingMLP(64, 2, hidden=(4,))
    linear = torch.nn.Sequential(torch.nn.Linear(64, 2))
    for model, changes, said in (
        (None, {}, "model must be one of conv, mlp, or a torch.nn.Module, got None"),
        (SpikingMLP, {}, "give a network, not its class"),
        (SpikingMLP(64, 3, hidden=(4,)), {}, "has 3 outputs, and y has 2 classes"),
        (SpikingMLP(64, 1, hidden=(4,)), {}, "has 1 outputs, and there are 2 classes"),
        (OrdinaryMLP(64, 2), {}, "method='direct' needs a network that answers in steps, got OrdinaryMLP"),
        (own, {"method": "conversion"}, "the network must be an OrdinaryMLP"),
        (linear, {"method": "conversion"}, "without QCFS cannot be converted"),
        (
            torch.nn.Sequential(torch.nn.Linear(60, 2)),
            {"method": "conversion"},
            "cannot take images of the shape (64,)",
        ),
        (torch.nn.Sequential(torch.nn.Flatten(0), torch.nn.LazyLinear(4)), {}, "must answer (samples, classes)"),
        (own.eval().folded(), {}, "has no parameters that can be trained"),
        (linear, {"consistency": 0.1, "method": "conversion"}, "consistency needs a network with traced()"),
    ):
        told = []
        clf = make(model, **changes)
        clf.on_epoch = told.append
        refused(lambda clf=clf: clf.fit(flat, two), said)
        assert not told


def test_a_sequential_of_ones_own_is_converted_and_cloned():
    from hetero_rsnn.gradient.feedforward.quantised import QCFS

    rng = torch.Generator().manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 30), QCFS(4, theta=1.0), torch.nn.Linear(30, 10))
    with torch.no_grad():
        for p in model.parameters():
            if p.dim():
                p.copy_(torch.randn(p.shape, generator=rng) / 8)
    clf = make(model, method="conversion", steps=8, optimiser="adam")
    flat = X.reshape(-1, 64)
    again = clone(clf.fit(flat, Y))
    assert clf.score(TEST.reshape(-1, 64), TRUTH) > 0.5 and type(clf.network_).__name__ == "ConvertedNetwork"
    # The clone has the network as it was given, and not as it was trained.
    assert torch.equal(again.model[0].weight, model[0].weight) and again.model is not model
    np.testing.assert_array_equal(again.fit(flat, Y).decision_function(flat), clf.decision_function(flat))


def test_spikes_belong_to_the_answers_with_rate_coding():
    clf = make(coding="rate", training_epochs=1, leak=[0.2, 0.9]).fit(X, Y)
    network, spikes = clf.network_, []
    neurons = [layer for layer in network.modules() if type(layer).__name__ == "Neurons"]
    hooks = [layer.register_forward_hook(lambda _, given, out: spikes.append(out.sum(dim=(0, 2)))) for layer in neurons]
    clf.scores_over_time(TEST)
    for hook in hooks:
        hook.remove()
    np.testing.assert_array_equal(clf.account(TEST).spikes.sum(axis=(0, 1)), torch.cat(spikes).numpy())


def test_gradients_are_there_whatever_holds_outside():
    wanted = make(training_epochs=1).fit(FEW, FEW_Y).decision_function(TEST)
    for outside in (torch.no_grad(), torch.inference_mode()):
        with outside:
            clf = make(training_epochs=1).fit(FEW, FEW_Y)
            np.testing.assert_array_equal(clf.decision_function(TEST), wanted)
            assert not torch.is_grad_enabled()


def test_nothing_global_changes():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    legacy = np.random.get_state()[1].copy()  # noqa: NPY002
    make(training_epochs=1, dropout=0.2, n_jobs=-1).fit(FEW, FEW_Y).predict(TEST)
    clf = make(n_jobs=10**9)
    clf.on_epoch = lambda epoch: {}[epoch]
    with pytest.raises(KeyError):
        clf.fit(FEW, FEW_Y)
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads
    assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
    refused(lambda: make(n_jobs="2").fit(FEW, FEW_Y), "n_jobs")


def test_parameters_of_other_types():
    for changes, said in (
        ({"hidden": 5}, "hidden must be a list"),
        ({"hidden": 5, "method": "conversion"}, "hidden must be a list"),
        ({"trainable": 5}, "trainable must be a list of names, got 5"),
        ({"shift": 2}, "shift and flip move"),
        ({"flip": True}, "shift and flip move"),
        ({"flip": "no"}, "flip must be True or False, got 'no'"),
        ({"detach_reset": "no"}, "detach_reset must be True or False"),
        ({"seed": -1}, "seed must be"),
        ({"consistency": np.array([0.1, 0.2])}, "consistency must be"),
        ({"optimiser": np.array([0.1, 0.2])}, "unknown optimiser"),
        ({"loss": np.array([0.1, 0.2])}, "unknown loss"),
        ({"coding": "rate"}, "rate coding needs pixels from 0 to 1"),
    ):
        refused(lambda changes=changes: make(**changes).fit(FEW * 3, FEW_Y), said)


def test_labels_lists_and_tables():
    pandas = pytest.importorskip("pandas")
    table, names = pandas.DataFrame(FEW.reshape(40, 64)), pandas.Series(FEW_Y)
    clf = make(training_epochs=1).fit(FEW, FEW_Y)
    for features, labels in ((table, names), (table.to_numpy().tolist(), FEW_Y.tolist()), (list(FEW), FEW_Y)):
        other = make(training_epochs=1).fit(features, labels)
        np.testing.assert_array_equal(other.decision_function(features), clf.decision_function(FEW))
        assert other.score(features, labels) == clf.score(FEW, FEW_Y)
    refused(lambda: make().fit(FEW, np.where(np.arange(40) % 2, 1.0, np.nan)), "y must be finite, got NaN")
    refused(lambda: make().fit(FEW, FEW_Y[:, None]), "y must be one label a sample")
    one_each = make(training_epochs=1).fit(X[:10], np.arange(10))  # nothing can be held out
    assert np.isnan(one_each.training_[0].validation) and len(one_each.classes_) == 10
    assert one_each.set_params(validation=0.99).fit(FEW, np.arange(40) % 2).score(FEW, np.arange(40) % 2) >= 0
    weight = (clf.predict(FEW) == FEW_Y) + 0.0
    if 0 < weight.sum() < 40:
        assert clf.score(FEW, FEW_Y, weight) == 1.0
    refused(lambda: clf.score(FEW, FEW_Y, -weight), "sample_weight must be finite and >= 0")


def test_what_resumes_a_training_tells_of_all_of_it(tmp_path):
    whole = make(checkpoint=tmp_path / "run").fit(X, Y)
    again = make(checkpoint=tmp_path / "run").fit(X, Y)
    assert again.training_ == whole.training_ and again.best_epoch_ == whole.best_epoch_ and len(again.training_) == 6
    np.testing.assert_array_equal(again.decision_function(TEST), whole.decision_function(TEST))
    # Numbers that are no arrays belong to the training, too.
    for changes in ({"leak": 0.51}, {"threshold": 1.01}, {"pseudo_derivative": "gaussian"}, {"detach_reset": True}):
        refused(lambda changes=changes: make(checkpoint=tmp_path / "run", **changes).fit(X, Y), "another training")
