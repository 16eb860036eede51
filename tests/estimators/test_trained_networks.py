"""A network that gradients have trained, saved to a file, and what the rest of the package makes of the file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, exit_2, refused
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import hetero_rsnn as hr
from hetero_rsnn.experiments.comparison import QUICK, quick_settings
from hetero_rsnn.tasks.recipes import recipe, task_networks

SHORT = {"protocol.samples": 500, "protocol.washout": 20, "protocol.d_max": 5}
FIT: dict[str, Any] = {"hold": "5 ms", "precision": "double", "windows": 2}


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


@pytest.fixture(scope="module")
def fitted() -> hr.HRSNNGradientClassifier:
    spread = {"n": 40, "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1}, "t_ref": "1 ms"}
    return hr.HRSNNGradientClassifier(
        "henhes", overrides=spread, training_epochs=3, batch_size=8, learning_rate=0.1,
        trainable=["w", "w_in", "I_bias", "tau_m", "tau_syn", "v_th"], **FIT,
    ).fit(X, Y)  # fmt: skip


@pytest.fixture(scope="module")
def path(fitted, tmp_path_factory) -> Path:
    return hr.save_network(fitted.frozen_.draw, tmp_path_factory.mktemp("kept") / "mine.toml", trained="by gradients")


@pytest.fixture(scope="module")
def net(path) -> hr.Network:
    return hr.load_network(path)


def test_it_was_trained(fitted, net):
    """Or what follows would hold of any network: all that can be learned was, weights of both signs among it."""
    first, now = hr.draw(fitted.network_, 0), hr.draw(net, 0)
    for name in ("tau_m", "tau_syn", "v_th", "I_bias"):
        assert (now.neurons[name] != first.neurons[name]).any(), name
        np.testing.assert_array_equal(now.neurons[name], fitted.frozen_.draw.neurons[name])
    assert (np.sign(now.plastic.w) != np.sign(first.plastic.w)).any()
    assert (np.sign(now.static.w) != np.sign(first.static.w)).any()


def test_every_backend_gives_its_spikes(fitted, net):
    stimulus = hr.uniform_stimulus(40, "5 ms", seed=1, channels=2)
    stimulus = hr.array_stimulus(3 * stimulus.values, "5 ms")
    for drawn in (fitted.frozen_.draw, hr.draw(net, fitted.frozen_.draw.seed)):
        runs = [hr.simulate(drawn, stimulus, backend=b, plasticity=False) for b in BACKENDS]
        runs += hr.run_batch(drawn, [stimulus]).recordings()
        for found in runs:
            np.testing.assert_array_equal(found.spike_times, runs[0].spike_times)
            np.testing.assert_array_equal(found.spike_neurons, runs[0].spike_neurons)
        assert runs[0].spike_times.size > 100
    assert runs[0].provenance["arrays"] == net.arrays.fingerprint
    # Another seed is another initial state of the same network.
    other = hr.simulate(hr.draw(net, 5), stimulus, plasticity=False)
    assert not np.array_equal(other.spike_times, runs[0].spike_times)


@pytest.mark.usefixtures("interpreted")
def test_live_objects_of_brian2_run_it(net):
    import brian2 as b2

    drawn = hr.draw(net, 2)
    stimulus = hr.array_stimulus(3 * hr.uniform_stimulus(30, "5 ms", seed=1, channels=2).values, "5 ms")
    objects = hr.to_brian2(drawn, stimulus, plasticity=False)
    objects.network.run(150 * b2.ms, namespace={})
    expected = hr.simulate(drawn, stimulus, plasticity=False)
    assert expected.spike_times.size > 50
    np.testing.assert_array_equal(np.round(np.asarray(objects.spikes.t_) * 1e3), expected.spike_times)
    np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
    np.testing.assert_array_equal(np.asarray(objects.plastic.w), drawn.plastic.w)
    np.testing.assert_allclose(np.asarray(objects.neurons.tau_m_) * 1e3, drawn.neurons["tau_m"], rtol=1e-12)


def test_a_measurement_says_that_seeds_are_those_of_the_input(net):
    short = net.replace(**SHORT)
    found = hr.measure(short, range(3))
    assert "3 seeds" in str(found) and "seeds decide initial state and input only" in str(found)
    data = found.to_dict()
    assert data["note"] == short.note and data["definition"]["arrays"]["trained"] == "by gradients"
    # Nothing learns on, so what is measured is what was trained, for every seed.
    assert np.isnan(found["train_rate_hz"]).all() and len(set(found["weight"])) == 1
    assert len({tuple(r.determinant.values()) for r in found.rows}) == 1 and len(set(found["C"])) == 3
    more = hr.measure(short.replace(**{"protocol.train": "1 s"}), [0])
    assert more["train_rate_hz"] > 0 and more["weight"] != found["weight"][0]
    # A pool of processes gets the arrays, too.
    again = hr.measure(short, range(2), workers=2, backend="numpy")
    np.testing.assert_array_equal(again["S"], found["S"][:2])


def test_a_comparison_says_it_too(net):
    plain = hr.load_network("henhes", n=40, **{"input.channels": 2, **SHORT, "protocol.train": "0 s"})
    both = hr.compare([plain, net.replace(**SHORT)], range(2))
    assert "mine has given arrays" in str(both) and "henhes has given" not in str(both)
    assert "seeds pair the input and not the networks where mine is compared with drawn ones" in str(both)
    assert both.to_dict()["note"] in str(both) and "honhes" not in both.to_dict()["note"]
    alike = hr.compare([plain], range(2))
    assert "seeds pair" not in str(alike) and "note" not in alike.to_dict()
    assert "note" not in both["henhes"].to_dict() and "seeds decide initial state" not in str(both["henhes"])


def test_it_answers_as_it_did(fitted, path):
    tested, truth = toy(24, seed=1)
    again = hr.HRSNNClassifier(str(path), epochs=0, **FIT).fit(X, Y)
    assert again.score(tested, truth) > 0.9
    assert again.network_ == hr.load_network(path)
    # It answers from a rest of its own; from the rest that was trained with, every spike is the same.
    stimulus = hr.array_stimulus(tested[0], "5 ms")
    expected = fitted.frozen_.run(stimulus)
    found = hr.simulate(again.frozen_.draw, stimulus, state=fitted.frozen_.state, plasticity=False)
    assert expected.spike_times.size > 20
    np.testing.assert_array_equal(found.spike_times, expected.spike_times)
    np.testing.assert_array_equal(found.spike_neurons, expected.spike_neurons)


def estimators() -> dict[str, Any]:
    """One of each that freezes a network, fitted."""
    how = {"overrides": {"n": 30}, "hold": "5 ms"}
    series = np.sin(0.4 * np.arange(400))[:, None]
    taught = {"training_epochs": 1, "batch_size": 8, **how}
    found = {
        "features": hr.HRSNNFeatures("henhes", **how).fit(X),
        "classifier": hr.HRSNNClassifier("henhes", precision="double", **how).fit(X, Y),
        "in single precision": hr.HRSNNClassifier("henhes", precision="single", **how).fit(X, Y),
        "forecaster": hr.HRSNNForecaster("henhes", **how).fit([series]),
        "by gradients": hr.HRSNNGradientClassifier("henhes", **taught).fit(X, Y),
        "forecaster by gradients": hr.HRSNNGradientForecaster("henhes", segment=40, **taught).fit([series]),
    }
    return found


def test_a_fitted_estimator_is_saved_with_what_it_has_learned(tmp_path):
    for kind, model in estimators().items():
        frozen = model.frozen_
        path = hr.save_network(model, tmp_path / f"{kind}.toml", trained=kind)
        again = hr.draw(hr.load_network(path), frozen.draw.seed)
        learned = np.asarray(frozen.state.w, np.float64)
        assert not np.array_equal(learned, hr.draw(model.network_, frozen.draw.seed).plastic.w), kind
        np.testing.assert_array_equal(again.plastic.w, learned, err_msg=kind)
        np.testing.assert_array_equal(again.neurons["tau_m"], frozen.draw.neurons["tau_m"])
        assert hr.trained_network(frozen) == hr.trained_network(model) == hr.load_network(path), kind


def test_what_has_no_network_yet_is_refused(fitted, tmp_path):
    for model in (hr.HRSNNClassifier("henhes"), hr.HRSNNGradientForecaster("henhes")):
        words = (type(model).__name__, "has no trained network yet", "fit it first")
        refused(lambda m=model: hr.save_network(m, tmp_path / "x.toml"), *words)
        refused(lambda m=model: hr.trained_network(m), *words)
    for odd in (hr.HRSNNClassifier, hr.Draw, None, {"draw": 3}):
        refused(lambda odd=odd: hr.save_network(odd, tmp_path / "x.toml"), "takes a network, a draw or a fitted estim")
    for given in (fitted, fitted.frozen_):
        refused(lambda g=given: hr.save_network(g, tmp_path / "x.toml", state=fitted.frozen_.state), "has its own")
    assert not list(tmp_path.iterdir())


def test_searches_of_scikit_learn_copy_it(net):
    model = hr.HRSNNClassifier(net, epochs=0, **FIT)
    assert clone(model).network == net
    search = GridSearchCV(model, {"windows": [1, 2]}, cv=2).fit(X, Y)
    assert search.best_score_ > 0.8


def test_data_of_other_channels_and_other_sizes_are_refused(net):
    narrow = [x[:, :1] for x in X]
    words = ("input.channels of 'mine' must stay 2, got 1", "give data of 2 channels")
    refused(lambda: hr.HRSNNClassifier(net).fit(narrow, Y), *words)
    refused(lambda: hr.HRSNNClassifier(net, overrides={"n": 50}).fit(X, Y), "n of 'mine' must stay 40, got 50")


def test_stdp_that_would_clip_what_was_learned_is_warned_of(net):
    with pytest.warns(UserWarning, match=r"given weights of 'mine' lie outside w_min..w_max, .*epochs=0"):
        hr.HRSNNFeatures(net, **FIT).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hr.HRSNNFeatures(net, epochs=0, **FIT).fit(X)
        # Weights that STDP has made are inside, also in single precision.
        d = hr.draw(hr.load_network("henhes", n=40, **{"input.channels": 2}), 1)
        learned = hr.trained_network(d, state=hr.train(d))
        hr.HRSNNFeatures(learned, **{**FIT, "precision": "single"}).fit(X)


def test_training_goes_on_from_it(fitted, net):
    """What is not trained stays, and the loss begins where it had come to."""
    more = hr.HRSNNGradientClassifier(net, training_epochs=1, batch_size=8, **FIT).fit(X, Y)
    before = fitted.frozen_.draw
    np.testing.assert_array_equal(more.frozen_.draw.neurons["tau_m"], before.neurons["tau_m"])
    assert 0 < np.abs(more.frozen_.draw.w_in - before.w_in).max() < 1
    assert more.training_[0].loss < fitted.training_[0].loss


def test_tasks_leave_it_as_it_is():
    data = hr.load_dataset("japanese_vowels")
    d = hr.draw(hr.load_network("henhes", n=30, **{"input.channels": 12}), 1)
    net = hr.trained_network(d, name="kept")
    # A recipe that makes networks larger does not make this one larger.
    larger = hr.Recipe(recipe(data).encoder, "20 ms", {}, {"n": 1000, "input.connectivity": 0.1})
    assert task_networks([net], larger, {})[0] == net
    refused(lambda: task_networks([net], larger, {"n": 50}), "n of 'kept' must stay 30")
    result = hr.classify(data, [net], [0], few_labels=(), minirocket=False)
    assert result.to_dict()["networks"]["kept"]["note"].startswith("kept has given arrays")
    own = hr.HRSNNFeatures(net, epochs=0, encoder=recipe(data).encoder, hold="20 ms", windows=1)
    own.fit([data.X[k] for k in data.train]).transform([data.X[k] for k in data.test])
    assert result.rows[0].report.nu == pytest.approx(own.spikes_.mean(), rel=1e-12)


def test_commands(run, path, tmp_path):
    np.save(tmp_path / "u.npy", 3 * hr.uniform_stimulus(40, "5 ms", seed=1, channels=2).values)
    code, out, _ = run("simulate", str(path), "--input", "u.npy", "--out", "a")
    assert code == 0 and "its arrays are given: seed 0 decides the initial state only" in out and "keep" in out
    assert not json.loads((tmp_path / "a" / "recording.json").read_text())["provenance"]["plasticity"]
    code, out, _ = run("simulate", str(path), "--input", "u.npy", "--out", "b", "--plasticity")
    assert code == 0 and "learn on from the given weights" in out
    assert json.loads((tmp_path / "b" / "recording.json").read_text())["provenance"]["plasticity"]
    exit_2(run("simulate", str(path), "--input", "wind_greensboro"), "input.channels of 'mine' must stay 2, got 1")
    short = ["--seeds", "2", "--workers", "1", "--set", "protocol.samples=500", "--set", "protocol.d_max=5"]
    code, out, _ = run("compare", str(path), "--quick", *short, "--out", "c")
    assert code == 0 and "mine has given arrays" in out.replace("\n", " ") and "40 neurons" in out
    assert "given arrays" in json.loads((tmp_path / "c" / "results.json").read_text())["networks"][0]["note"]
    # Others take the size of the arrays, and learn.
    code, out, _ = run("compare", str(path), "henhes", "--quick", *short, "--set", "input.channels=2", "--out", "d")
    assert code == 0 and "2 seeds, 40 neurons" in out.replace("\n", " ")
    networks = json.loads((tmp_path / "d" / "results.json").read_text())["networks"]
    assert [n["definition"]["n"] for n in networks] == [40, 40]
    assert [n["definition"]["protocol"]["train"] for n in networks] == ["0 ms", "5000 ms"]
    exit_2(run("compare", str(path), "--n", "50", *short), "n of 'mine' must stay 40, got 50")
    code, out, _ = run("networks", "show", str(path))
    assert code == 0 and "its arrays are given" in out and "by gradients" in out


def test_settings_of_a_quick_look():
    """One of usual size cannot be measured with the samples that do for a small one."""
    plain = hr.load_network("henhes")
    fixed = hr.trained_network(hr.draw(hr.load_network("henhes", n=400), 1))
    assert quick_settings([plain, plain]) == [QUICK, QUICK]
    mine, other = quick_settings([fixed, plain])
    assert other["n"] == 400 and other["protocol.train"] == "5 s" and not {"n", "protocol.train"} & mine.keys()
    assert mine["protocol.samples"] == other["protocol.samples"] == 3000
    assert fixed.replace(**mine).protocol.d_max == plain.replace(**other).protocol.d_max == 40
