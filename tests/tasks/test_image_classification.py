"""Feed-forward networks on images: the numbers of a result against the classifier by hand, and what it refuses."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers import refused
from rich.console import Console

import hetero_rsnn as hr
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import json_text
from hetero_rsnn.datasets.fashion_mnist import ImageSamples
from hetero_rsnn.datasets.saccades import EventSamples
from hetero_rsnn.estimators.image_classifier import SpikingImageClassifier
from hetero_rsnn.estimators.readout import fit_readout
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.plots.image_plots import figure_images, plot_image_steps
from hetero_rsnn.report import image_tables
from hetero_rsnn.tasks.image_classification import _held_out, check_image_task, classify_images

DIGITS = hr.load_dataset("sklearn_digits")
TINY = {"hidden": (20,), "training_epochs": 2, "batch_size": 16, "leak": (0.3, 0.7)}
needs_torch = pytest.mark.torch


@pytest.fixture(scope="module")
def plain():
    pytest.importorskip("torch")
    return classify_images(DIGITS, model="mlp", steps=3, seeds=[2, 0], images=200, test_images=90, training=TINY)


@pytest.fixture(scope="module")
def early():
    pytest.importorskip("torch")
    more = {"images": 400, "test_images": 120, "calibration": 0.25, "early": True, "training": TINY}
    return classify_images(DIGITS, model="mlp", seeds=[1, 4], **more)


def parts(images, test):
    train, tested = DIGITS.train[:images], DIGITS.test[:test]
    X = np.stack([DIGITS.X[k] for k in np.concatenate([train, tested])])
    return X[:images], X[images:], DIGITS.y[train], DIGITS.y[tested]


def stripes(steps=3):
    """Events of images whose left or right half is white."""
    rng = np.random.default_rng(5)
    y = np.arange(60) % 2
    pixels = rng.integers(0, 40, (60, 6, 6)).astype(np.uint8)
    for image, side in zip(pixels, y, strict=True):
        image[:, 3 * side : 3 * side + 3] += 180
    samples = EventSamples(ImageSamples(pixels), steps=steps)
    return replace(
        DIGITS, name="stripes", X=samples, y=y, classes=("left", "right"), train=np.arange(40), test=np.arange(40, 60),
        details={"shape": [steps, 2, 6, 6]},
    )  # fmt: skip


@needs_torch
def test_rows_agree_with_the_classifier(plain):
    a, b, y_a, y_b = parts(200, 90)
    assert [row.seed for row in plain.rows] == [2, 0]
    for row in plain.rows:
        model = SpikingImageClassifier("mlp", steps=3, seed=row.seed, **TINY).fit(a, y_a)
        account = model.account(b)
        decided = model.predict(b)
        assert row.report.accuracy == np.mean(decided == y_b) and row.report.n == 90
        assert row.report.confusion.sum() == 90 and np.trace(row.report.confusion) == np.sum(decided == y_b)
        assert row.report.low < row.report.accuracy < row.report.high
        spikes = [int(account.spikes[:, :, k].sum()) for k in range(90)]
        assert row.report.nu == pytest.approx(sum(spikes) / 90 / 20)
        # One hidden layer: each of its spikes is added at each of ten outputs, the analog input once at each neuron.
        assert row.operations == pytest.approx(10 * sum(spikes) / 90)
        assert row.multiply_accumulates == 64 * 20
        for step, found in enumerate(row.by_step):
            assert found == np.mean(
                [s[step].argmax() == y for s, y in zip(model.scores_over_time(b), y_b, strict=True)]
            )
        assert row.by_step[-1] == row.report.accuracy and row.epochs == 2 and row.seconds > 0 and row.early is None


@needs_torch
def test_the_linear_model_sees_the_same_pixels(plain):
    a, b, y_a, y_b = parts(200, 90)
    linear = fit_readout("ridge", a.reshape(200, -1).astype(np.float32), y_a).predict(b.reshape(90, -1))
    assert {row.linear for row in plain.rows} == {np.mean(linear == y_b)}
    assert plain.estimate("linear").mean == pytest.approx(np.mean(linear == y_b))
    assert plain.estimate("accuracy") == estimate(row.report.accuracy for row in plain.rows)
    assert np.isnan(plain.early("gap", "time").mean)


@needs_torch
def test_early_decisions_are_calibrated_on_images_that_nobody_saw(early):
    a, b, y_a, y_b = parts(400, 120)
    for row in early.rows:
        train, warm, rules = _held_out(y_a, np.arange(400), 0.25, row.seed)
        assert (len(train), len(warm), len(rules)) == (early.n_train, early.n_temperature, early.n_calibration)
        model = SpikingImageClassifier("mlp", seed=row.seed, **TINY).fit(a[train], y_a[train])
        assert row.report.accuracy == model.score(b, y_b)
        assert row.linear == np.mean(
            fit_readout("ridge", a[train].reshape(-1, 64).astype(np.float32), y_a[train]).predict(b.reshape(-1, 64))
            == y_b
        )
        heat = hr.fit_temperature(model.scores_over_time(a[warm]), y_a[warm])
        known, seen, account = model.scores_over_time(a[rules]), model.scores_over_time(b), model.account(b)
        spikes = account.spikes.sum(axis=0).T
        assert row.early == hr.compare_cutoffs(known, y_a[rules], seen, y_b, spikes=list(spikes), temperature=heat)
        step = int(row.early["fixed"].setting.split()[1])
        operations = account.synaptic_operations.sum(axis=0)
        assert row.operations_saved["fixed"] == pytest.approx(1 - operations[:step].sum() / operations.sum())
        assert row.operations_saved["full"] == 0 and row.early["fixed"].accuracy == row.by_step[step - 1]
    times = [row.early["bound"].time for row in early.rows]
    assert early.early("bound", "time") == estimate(times)
    assert np.isnan(early.early("gap", "coverage").mean) and early.early("conformal", "coverage").mean > 0.7
    saved = early.early("bound", "operations_saved").mean
    assert saved == pytest.approx(np.mean([row.operations_saved["bound"] for row in early.rows]))


def test_what_is_held_out_is_a_share_of_each_class():
    y = np.repeat(np.arange(4), [40, 20, 8, 1])
    train, warm, rules = _held_out(y, np.arange(69), 0.25, 3)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, warm, rules])), np.arange(69))
    assert np.bincount(y[warm], minlength=4).tolist() == [2, 1, 0, 0]
    assert np.bincount(y[rules], minlength=4).tolist() == [8, 4, 2, 0]
    other = _held_out(y, np.arange(69), 0.25, 4)
    assert not np.array_equal(train, other[0]) and len(train) == len(other[0])
    many = np.arange(60_000) % 10
    assert [len(part) for part in _held_out(many, np.arange(60_000), None, 0)] == [55_000, 1250, 3750]


@needs_torch
def test_results_are_plain_data(plain, early):
    data = json.loads(json_text(early.to_dict()))
    assert data["dataset"]["train"] + data["dataset"]["temperature"] + data["dataset"]["calibration"] == 400
    assert data["network"]["training"]["hidden"] == [20] and data["network"]["steps"] == 4
    rows = data["rows"][1]["early"]["rows"]
    assert [row["rule"] for row in rows] == ["full", "fixed", "gap", "probability", "conformal", "bound"]
    assert rows[1]["operations_saved"] == early.rows[1].operations_saved["fixed"]
    assert (
        "rate_hz" not in data["rows"][0]["test"] and json.loads(json_text(plain.to_dict()))["rows"][0]["early"] is None
    )


@needs_torch
@pytest.mark.parametrize("which", ["plain", "early"])
def test_tables_fit_into_80_columns(which, request, monkeypatch, capsys):
    result = request.getfixturevalue(which)
    monkeypatch.setattr(image_tables, "console", lambda: Console(width=80))
    image_tables.print_images(result)
    image_tables.print_images(replace(result, rows=result.rows[:1]))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80 and "…" not in out
    assert out.count("operations\n") + out.count("operations ") >= 2 and out.count("\n mean ") == 1
    words = ["no early stop", "fixed time", "Top-K gap", "softmax", "conformal sets", "optimal (OCT)", "promised: 90%"]
    assert all((word in out) == (which == "early") for word in words)
    first = result.rows[0].report
    assert f"{first.accuracy:.4f} [{first.low:.4f}, {first.high:.4f}]" in out and "mlp - linear: " in out
    assert "1,280 multiply-accumulates an image" in out


@needs_torch
def test_the_figure_shows_steps_and_rules(plain, early):
    lines = {line.get_label(): line for line in plot_image_steps(plain).lines}
    np.testing.assert_allclose(lines["fixed time"].get_ydata(), plain.by_step.mean(axis=0))
    assert "Top-K gap" not in lines
    lines = {line.get_label(): line for line in plot_image_steps(early).lines}
    for label, rule in (("Top-K gap", "gap"), ("optimal (OCT)", "bound"), ("conformal sets", "conformal")):
        assert lines[label].get_xdata() == pytest.approx(early.early(rule, "time").mean)
        assert lines[label].get_ydata() == pytest.approx(early.early(rule, "accuracy").mean)
    assert len(figure_images(early).axes) == 2


@needs_torch
def test_events_go_in_as_frames():
    pytest.importorskip("torch")
    data, told = stripes(), []
    small = {"channels": (4, 6), "training_epochs": 2, "batch_size": 8}
    result = classify_images(data, seeds=[3], training=small, on_epoch=lambda seed, epoch: told.append((seed, epoch)))
    assert result.steps == 3 and [seed for seed, _ in told] == [3, 3] and np.isfinite(told[1][1].loss)
    frames = data.X.frames()
    model = SpikingImageClassifier("conv", steps=3, seed=3, **small).fit(frames[:40], data.y[:40])
    row = result.rows[0]
    assert row.report.accuracy == model.score(frames[40:], data.y[40:]) and row.multiply_accumulates == 0
    counts = frames.sum(axis=1).reshape(60, -1).astype(np.float32)
    assert row.linear == np.mean(fit_readout("ridge", counts[:40], data.y[:40]).predict(counts[40:]) == data.y[40:])
    refused(lambda: classify_images(data, steps=4, seeds=[0], training=small), "events of 3 steps", "steps=4")
    refused(lambda: classify_images(data, method="conversion", seeds=[0]), "direct training", "'conversion'")
    one = stripes(1)
    refused(lambda: classify_images(one, seeds=[0], early=True, training=small), "2 steps or more", "got 1")


@needs_torch
def test_converted_networks_and_checkpoints(tmp_path):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    how = {"model": "mlp", "method": "conversion", "seeds": [0, 6], "images": 150, "test_images": 60}
    training = {"hidden": (16,), "training_epochs": 2}
    result = classify_images(DIGITS, **how, training=training, checkpoints=tmp_path / "kept")
    assert sorted(p.name for p in (tmp_path / "kept").glob("*.json")) == ["seed_0.json", "seed_6.json"]
    again, told = [], []
    for checkpoints in (tmp_path / "kept", None):
        again.append(
            classify_images(
                DIGITS, **how, training=training, checkpoints=checkpoints, on_epoch=lambda *now: told.append(now)
            )
        )
    assert len(told) == 4  # nothing was left to do where all was kept
    for other in again:
        assert [row.by_step for row in other.rows] == [row.by_step for row in result.rows]
    with pytest.raises(FileFormatError, match="another training"):
        classify_images(DIGITS, **how, training={**training, "batch_size": 8}, checkpoints=tmp_path / "kept")
    assert torch.get_num_threads() == before


@needs_torch
@pytest.mark.slow
def test_processes_change_nothing(plain):
    done = []
    again = classify_images(
        DIGITS, model="mlp", steps=3, seeds=[2, 0], images=200, test_images=90, training=TINY, workers=2,
        progress=lambda *now: done.append(now),
    )  # fmt: skip
    assert done == [(1, 2), (2, 2)]
    assert [(row.by_step, row.operations) for row in again.rows] == [(r.by_step, r.operations) for r in plain.rows]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "con"}, ["unknown model 'con'", "conv"]),
        ({"steps": 0}, ["steps must be a whole number >= 1, got 0"]),
        ({"method": "directly"}, ["unknown method", "conversion"]),
        ({"training": {"channel": (4,)}}, ["unknown parameter of training 'channel'", "'channels'"]),
        ({"training": {"seed": 4}}, ["unknown parameter of training 'seed'"]),
    ],
)
def test_settings_are_refused_before_torch_is_looked_for(given, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(lambda: classify_images(DIGITS, **given), *words)


def test_without_torch_one_line_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("hetero_rsnn.gradient.feedforward")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(lambda: check_image_task("conv", 4, "direct", None), "torch", "hetero-rsnn[gradient]")


@needs_torch
@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("sklearn_digits", {"images": 2000}, ["images must be a whole number from 1 to 1347, got 2000"]),
        ("sklearn_digits", {"test_images": 0}, ["test_images must be", "got 0"]),
        ("sklearn_digits", {"images": 5}, ["class 5 is tested but has no training image"]),
        ("sklearn_digits", {"seeds": [1, 1]}, ["seeds must differ"]),
        ("sklearn_digits", {"workers": 0}, ["workers"]),
        ("sklearn_digits", {"early": True, "steps": 1}, ["2 steps or more, got 1"]),
        ("sklearn_digits", {"early": True, "images": 100}, ["39 images", "of 100 training images", "more images"]),
        ("sklearn_digits", {"early": True, "calibration": 0.01}, ["39 images", "raise calibration"]),
        ("sklearn_digits", {"early": True, "calibration": 1}, ["calibration must be a share below 1, got 1"]),
        ("sklearn_digits", {"early": True, "calibration": 0}, ["calibration", "> 0"]),
        ("japanese_vowels", {}, ["japanese_vowels has no images", "sklearn_digits"]),
        ("wind_greensboro", {}, ["wind_greensboro has no images"]),
    ],
)
def test_mistakes_end_in_one_line(name, given, words):
    pytest.importorskip("torch")
    refused(lambda: classify_images(hr.load_dataset(name), **{"model": "mlp", **given}), *words)


@needs_torch
def test_a_class_without_images_to_calibrate_with_is_refused():
    pytest.importorskip("torch")
    few = np.concatenate([np.flatnonzero(DIGITS.y[DIGITS.train] == c)[: 2 if c == 7 else 90] for c in range(10)])
    data = replace(DIGITS, train=DIGITS.train[few])
    refused(lambda: classify_images(data, model="mlp", early=True), "class 7 has no image to calibrate")
