"""Estimators that train recurrent weights of few levels: what answers, is saved, measured and resumed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from helpers import refused
from sklearn.base import clone

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import read_checkpoint
from hetero_rsnn.gradient.fitting import Training
from hetero_rsnn.gradient.quantisation import levels, quantised_draw


def toy(count: int = 48, seed: int = 0) -> tuple[list[Any], np.ndarray]:
    """Two classes: which of two channels is driven first."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    X = [rng.normal(0, 0.4, (12, 2)) for _ in y]
    for x, first in zip(X, y, strict=True):
        x[:6, first] += 2.0
        x[6:, 1 - first] += 2.0
    return X, y


X, Y = toy()
FIT: dict[str, Any] = {"hold": "5 ms", "precision": "double", "windows": 2}


def make(**changes: Any) -> hr.HRSNNGradientClassifier:
    options: dict[str, Any] = {
        "overrides": {"n": 40}, "training_epochs": 6, "batch_size": 8, "learning_rate": 0.1, "weights": "1bit", **FIT,
    }  # fmt: skip
    return hr.HRSNNGradientClassifier("henhes", **{**options, **changes})


@pytest.fixture(scope="module")
def fitted() -> hr.HRSNNGradientClassifier:
    return make().fit(X, Y)


def few(draw: hr.Draw, most: int, *, size: bool = False) -> None:
    """No projection has more different weights (or magnitudes), and one has more than half as many."""
    counts = []
    for synapses in (draw.plastic, draw.static):
        for index in np.unique(synapses.projection):
            w = np.asarray(synapses.w)[synapses.projection == index] + 0.0
            counts.append(len(np.unique(np.abs(w) if size else w)))
    assert most // 2 < max(counts) <= most


@pytest.mark.parametrize(
    ("weights", "signs"), [("1bit", False), ("ternary", False), ("2bit", False), ("1bit", True), ("2bit", True)]
)
def test_it_learns_and_answers_with_few_levels(fitted, weights, signs):
    tested, truth = toy(40, seed=1)
    model = fitted if (weights, signs) == ("1bit", False) else make(weights=weights, signs=signs).fit(X, Y)
    assert model.score(tested, truth) > 0.9
    few(model.frozen_.draw, levels(weights, signs=signs), size=signs)
    np.testing.assert_array_equal(model.frozen_.state.w, model.frozen_.draw.plastic.w)
    start = quantised_draw(hr.draw(model.network_, 0), weights, signs=signs)
    moved = np.concatenate([getattr(model.frozen_.draw, k).w != getattr(start, k).w for k in ("plastic", "static")])
    assert moved.any()  # scales have moved; and, of more than one, levels:
    flips = np.sign(model.frozen_.draw.static.w) != np.sign(start.static.w)
    assert flips.any() and not (signs and (model.frozen_.draw.static.w * start.static.w < 0).any())


def test_files_hold_the_rounded_weights(fitted, tmp_path):
    path = hr.save_network(fitted, tmp_path / "mine.toml", trained="by gradients, weights of 1 bit")
    net = hr.load_network(path)
    again = hr.draw(net, 0)
    few(again, 2)
    for name in ("plastic", "static"):
        np.testing.assert_array_equal(getattr(again, name).w, getattr(fitted.frozen_.draw, name).w)
    stimulus = hr.array_stimulus(X[0], "5 ms")
    found = hr.simulate(again, stimulus, state=fitted.frozen_.state, plasticity=False)
    np.testing.assert_array_equal(found.spike_times, fitted.frozen_.run(stimulus).spike_times)
    assert found.spike_times.size > 20
    short = net.replace(**{"protocol.samples": 500, "protocol.washout": 20, "protocol.d_max": 5})
    p, u = short.protocol, hr.uniform_stimulus(520, f"{short.protocol.hold} ms", 0, channels=2)
    run = hr.simulate(fitted.frozen_.draw, u, plasticity=False)
    seen = hr.states(run, u, f"{p.tau_read} ms")[20:]
    both = [hr.memory_capacity(seen, u.values[20:, k], d_max=5).total for k in range(2)]
    assert hr.measure(short, [0])["C"][0] == pytest.approx(sum(both))
    model = hr.HRSNNClassifier(net, epochs=0, **FIT).fit(X, Y)
    assert model.score(*toy(40, seed=1)) > 0.9


def test_nir_graphs_hold_them_too(fitted, tmp_path):
    pytest.importorskip("nir")
    draw = fitted.frozen_.draw
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hr.NIRWarning)
        graph = hr.to_nir(draw)
    whole = np.zeros((40, 40))
    for synapses in (draw.plastic, draw.static):
        whole[synapses.target, synapses.source] += synapses.w
    matrices = [np.asarray(node.weight) for node in graph.nodes.values() if hasattr(node, "weight")]
    assert any(m.shape == whole.shape and np.allclose(m, whole) for m in matrices)


def test_one_that_was_killed_ends_alike_and_its_checkpoint_has_latent_weights(fitted, tmp_path, monkeypatch):
    usual = Training.save

    def killed(self: Training, path: Any) -> Any:
        out = usual(self, path)
        if len(self.history) == 3:
            raise KeyboardInterrupt
        return out

    monkeypatch.setattr(Training, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        make(checkpoint=tmp_path / "c").fit(X, Y)
    monkeypatch.setattr(Training, "save", usual)
    arrays, _ = read_checkpoint(tmp_path / "c")
    assert len(np.unique(arrays["value_static"])) > 50
    resumed = make(checkpoint=tmp_path / "c").fit(X, Y)
    np.testing.assert_array_equal(resumed.decision_function(X), fitted.decision_function(X))
    np.testing.assert_array_equal(resumed.frozen_.draw.static.w, fitted.frozen_.draw.static.w)
    with pytest.raises(hr.FileFormatError, match="checkpoint of another training"):
        make(checkpoint=tmp_path / "c", weights="ternary").fit(X, Y)


def test_full_weights_are_the_default_and_others_differ(fitted):
    usual = hr.HRSNNGradientClassifier("henhes", overrides={"n": 40}, training_epochs=1, **FIT)
    said = clone(usual).set_params(weights="full")
    np.testing.assert_array_equal(said.fit(X, Y).decision_function(X), usual.fit(X, Y).decision_function(X))
    assert len(np.unique(usual.frozen_.draw.static.w)) > 50
    assert clone(fitted).get_params()["weights"] == "1bit"


def test_samples_as_they_come_move_the_latent_weights():
    """By steps that are too small to change a level in one call, and add up over many."""
    model = make(readout="trained", learning_rate=0.01, signs=True)
    signs = []
    for k in range(40):
        model.partial_fit(*toy(8, seed=k), classes=[0, 1])
        few(model.frozen_.draw, 2)
        signs.append(model.frozen_.draw.static.w != 0)
    assert (signs[0] == signs[1]).mean() > 0.95 and (signs[0] != signs[-1]).any()


def test_the_forecaster_shares_it():
    series = [np.sin(0.3 * np.arange(300))[:, None]]
    given = {
        "overrides": {"n": 40}, "segment": 40, "washout": 10, "lags": 5, "training_epochs": 2, "learning_rate": 0.05,
        "validation": 0.0,
    }  # fmt: skip
    model = hr.HRSNNGradientForecaster("henhes", weights="ternary", **given).fit(series)
    few(model.frozen_.draw, 3)
    drawn = quantised_draw(hr.draw(model.network_, 0), "ternary")
    assert (model.frozen_.draw.static.w != drawn.static.w).any() and model.best_epoch_ >= 0
    assert model.score(series) > 0.5


@pytest.mark.parametrize("kind", [hr.HRSNNGradientClassifier, hr.HRSNNGradientForecaster])
def test_what_cannot_be(kind):
    series = [np.sin(0.3 * np.arange(300))[:, None]]
    data = (X, Y) if kind is hr.HRSNNGradientClassifier else (series,)
    for word in ("binary", 1, None):
        refused(lambda w=word: kind("henhes", weights=w).fit(*data), f"unknown kind of weights {word!r}", "1bit")
    refused(
        lambda: kind("henhes", weights="1bit", trainable=["w_in"]).fit(*data),
        "weights='1bit' is about trained recurrent weights, got trainable=['w_in']", "add 'w' to trainable",
    )  # fmt: skip


def test_tasks_pass_it_on():
    data = hr.load_dataset("japanese_vowels")
    result = hr.classify(
        data, ["henhes"], [0], overrides={"n": 40}, few_labels=(), minirocket=False, train="gradient",
        training={"weights": "1bit", "training_epochs": 1},
    )  # fmt: skip
    assert result.rows[0].report.accuracy > 0.8
