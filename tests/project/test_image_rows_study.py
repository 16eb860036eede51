"""The study of images row by row: permuted pixels, what is left of a training, its numbers and sentences."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from numpy.testing import assert_array_equal

import hetero_rsnn as hr
from hetero_rsnn.datasets.fashion_mnist import ImageSamples
from hetero_rsnn.gradient.checkpoints import remove_checkpoint


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("image_rows")


def test_pixels_are_permuted_as_in_the_data_set(study: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    order = np.random.default_rng(0).permutation(784)  # what the documentation of the data set says
    wanted = pixels.reshape(3, 784)[:, order].reshape(3, 28, 28) / 255.0
    images = ImageSamples(pixels)
    for moved in (study.permute(images), study.permute([images[k] for k in range(3)])):
        assert_array_equal(np.array([moved[k] for k in range(3)]), wanted)


def test_order_is_nothing_to_the_linear_model(study: Any) -> None:
    X_train, X_test, y_train, y_test = study.loaded(study.setting(True), None)
    plain = study.linear(300, (X_train, X_test, y_train, y_test))
    moved = study.linear(300, (study.permute(X_train), study.permute(X_test), y_train, y_test))
    assert plain["accuracy"] == moved["accuracy"] > 0.7


def test_a_training_that_was_stopped_goes_on_and_leaves_nothing(study: Any, tmp_path: Path) -> None:
    """Also that a method gets its own images: the count, and pixels moved for one alone."""
    s = study.setting(True)
    parts = study.loaded(s, None)
    whole = study.one("trained", 0, s, parts, 1, tmp_path / "trained-0.json")
    assert whole["images"] == 200 and whole["epochs"] == 2
    assert (tmp_path / "trained-0.json").exists()  # until the journal has the result
    remove_checkpoint(tmp_path / "trained-0.json")
    assert not list(tmp_path.iterdir())

    def stop(epoch: Any) -> None:
        raise KeyboardInterrupt

    checkpoint = tmp_path / "trained-0.json"
    clf = hr.HRSNNGradientClassifier(
        s["network"], checkpoint=checkpoint, **s["training"], **s["how"], overrides=s["overrides"], seed=0,
        encoder=hr.CurrentEncoder(gain=s["gain"], clip=None), precision=s["precision"],
        pseudo_derivative=hr.PseudoDerivative("trapezoid", **s["trapezoid"]),
    )  # fmt: skip
    clf.on_epoch = stop
    with pytest.raises(KeyboardInterrupt):
        clf.fit(parts[0][:200], parts[2][:200])
    assert checkpoint.exists()
    (tmp_path / "trained-01.json").write_text("another's")
    again = study.one("trained", 0, s, parts, 1, checkpoint)
    assert again["validation_score"] == whole["validation_score"] and again["accuracy"] == whole["accuracy"]
    remove_checkpoint(checkpoint)
    assert [p.name for p in tmp_path.iterdir()] == ["trained-01.json"]
    moved = study.one("permuted", 0, s, parts, 1, tmp_path / "permuted-0.json")
    assert moved["images"] == 200 and moved["validation_score"] != whole["validation_score"]
    assert study.one("trained_all", 0, s, parts, 1, tmp_path / "trained_all-0.json")["images"] == 400


def test_summary_pairs_and_findings_count(study: Any) -> None:
    worth = {"stdp": 0.75, "trained": 0.80, "permuted": 0.78, "trained_all": 0.88}
    rows = [
        {
            method: {
                "images": 60000 if method == "trained_all" else 20000, "accuracy": mean + by, "nu": 3.0 + by,
                "train_accuracy": 0.9, "seconds": 10.0, "peak_mib": 1000.0 + 100 * by,
            }
            for method, mean in worth.items()
        }
        for by in (-0.01, 0.0, 0.01)
    ]  # fmt: skip
    out = study.summary(rows, {"some": {"accuracy": 0.81}, "all": {"accuracy": 0.82}})
    assert out["differences"]["trained_all less trained"]["accuracy"] == pytest.approx([0.08] * 3)
    assert out["methods"]["stdp"]["peak_mib"] == 1001.0
    lines = study.findings(out)
    assert lines[0] == "A linear model of all pixels: 0.8100 with 20,000 images, 0.8200 with 60,000."
    assert lines[4] == (
        "trained, 60,000 images (3 seeds): 0.8800 [0.8552, 0.9048] at 3.00 spikes a neuron; 0.9000 on what it was "
        "trained on."
    )
    assert lines[5] == (
        "trained, 20,000 images against STDP and readout, 20,000 images: +5.00 [+5.00, +5.00] points at +0.00 spikes "
        "a neuron."
    )
    assert study.table(out)[-1] == "| trained | 60,000 | 0.8800 [0.8552, 0.9048] | 3.00 [2.98, 3.02] |"
    assert len(study.figure(out).axes[0].containers) == len(study.METHODS)
