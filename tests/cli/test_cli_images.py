"""The command classify with a model: what it writes, says and refuses."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from helpers import exit_2

import hetero_rsnn as hr
from hetero_rsnn.tasks.image_classification import classify_images

WORDS = ["classify", "sklearn_digits", "--model", "mlp", "--quick", "--set", "hidden=[20]"]
needs_torch = pytest.mark.torch


@needs_torch
def test_it_writes_tables_figure_and_results(run, tmp_path):
    pytest.importorskip("torch")
    words = [*WORDS, "--steps", "3", "--early", "--loss", "tet", "--rcs", "0.002", "--epochs", "2", "--images", "400"]
    code, out, err = run(*words, "--out", "digits")
    assert code == 0, err
    assert "sklearn_digits, mlp, trained, 3 steps: 320 training and 200 test images" in " ".join(out.split())
    assert "deciding early" in out and out.endswith("wrote results.json and figure.png to digits\n")
    told = [line for line in err.splitlines() if "seed 0, epoch " in line]
    assert len(told) == 2 and told[0].startswith("classify sklearn_digits: 0 of 1, seed 0, epoch 1: loss")
    data = json.loads((tmp_path / "digits" / "results.json").read_text())
    assert data["seeds"] == [0] and data["command"].startswith("hetero-rsnn classify sklearn_digits --model mlp")
    training = {"training_epochs": 2, "batch_size": 16, "hidden": [20], "loss": "tet", "consistency": 0.002}
    assert data["network"] == {"model": "mlp", "method": "direct", "steps": 3, "training": training}
    assert (tmp_path / "digits" / "figure.png").stat().st_size > 10_000
    exit_2(run(*words, "--out", "digits"), "exists already")
    given = {"model": "mlp", "steps": 3, "seeds": [0], "early": True, "images": 400, "test_images": 200}
    result = classify_images(hr.load_dataset("sklearn_digits"), **given, training={**training, "hidden": (20,)})
    np.testing.assert_allclose(data["rows"][0]["by_step"], result.rows[0].by_step)


@needs_torch
def test_json_seeds_and_conversion(run):
    pytest.importorskip("torch")
    words = ["--method", "conversion", "--seeds", "3,5", "--workers", "1", "--images", "100", "--json"]
    code, out, err = run(*WORDS, *words)
    assert code == 0, err
    data = json.loads(out)
    assert data["network"]["method"] == "conversion" and data["network"]["steps"] == 4
    assert [row["seed"] for row in data["rows"]] == data["seeds"] == [3, 5] and data["rows"][0]["early"] is None
    assert len(data["rows"][0]["by_step"]) == 4 and data["dataset"]["train"] == 100


@needs_torch
def test_bits_and_shortcuts(run):
    pytest.importorskip("torch")
    words = ["--set", "hidden=[20, 20]", "--epochs", "1", "--images", "100", "--json"]
    found = {}
    for said in ((), ("--bits", "32"), ("--bits", "1"), ("--bits", "1", "--shortcuts"), ("--shortcuts",)):
        code, out, err = run(*WORDS, *words, *said)
        assert code == 0, err
        data = json.loads(out)
        training = data["network"]["training"]
        wanted = {} if "--bits" not in said else {"weights": "1bit" if "1" in said else "full"}
        wanted |= {"shortcuts": True} if "--shortcuts" in said else {}
        assert {k: v for k, v in training.items() if k in ("weights", "shortcuts")} == wanted
        found[said] = json.dumps([data["rows"][0][k] for k in ("by_step", "operations")])
    assert found[()] == found["--bits", "32"] and len(set(found.values())) == 4
    code, out, err = run(*WORDS, *words[:-1], "--bits", "1", "--shortcuts")
    text = " ".join(out.split())
    assert code == 0 and "sklearn_digits, mlp, trained, 1-bit weights, shortcuts, 4 steps: 100 training" in text
    assert "the input and shortcuts with weights, which are analog, cost 1,280 multiply-accumulates" in text  # 64 x 20


@needs_torch
def test_bits_are_written(run, tmp_path):
    """As files that answer without torch, with their size; under the rules for results that are there already."""
    pytest.importorskip("torch")
    words = [*WORDS, "--set", "hidden=[20, 21]", "--epochs", "2", "--images", "100", "--bits", "1", "--out", "bits"]
    code, out, err = run(*words)
    assert code == 0, err
    assert out.endswith("wrote results.json, packed.json and figure.png to bits\n")
    data = json.loads((tmp_path / "bits" / "results.json").read_text())
    (said,) = data["packed"]
    arrays = tmp_path / "bits" / said["arrays"]
    size = arrays.stat().st_size + (tmp_path / "bits" / "packed.json").stat().st_size
    assert said == {"seed": 0, "file": "packed.json", "arrays": arrays.name, "bytes": size, "bits": 420}
    assert f"as bits: packed.json and its arrays, {size:,} bytes with 420 weights of 1 bit" in " ".join(out.split())
    packed = hr.load_packed_network(tmp_path / "bits" / "packed.json")
    digits = hr.load_dataset("sklearn_digits")
    x = np.stack([np.reshape(digits.X[k], -1) for k in digits.test[:200]]).astype(np.float32)
    right = (packed.run(x).mean(0).argmax(1) == digits.y[digits.test[:200]]).mean()
    assert right == pytest.approx(data["rows"][0]["by_step"][-1], abs=0.011)
    (tmp_path / "bits" / "results.json").unlink()
    (tmp_path / "bits" / "figure.png").unlink()
    exit_2(run(*words), "packed.json exists already", "--overwrite")
    code, out, err = run(*words[:-2], "--seeds", "0,4", "--out", "bits", "--overwrite", "--json", "--workers", "1")
    assert code == 0, err
    found = json.loads(out)["packed"]
    assert [(one["seed"], one["file"]) for one in found] == [(0, "packed_seed_0.json"), (4, "packed_seed_4.json")]
    signs = [hr.load_packed_network(tmp_path / "bits" / one["file"]).layers[2].signs() for one in found]
    assert not np.array_equal(*signs) and np.array_equal(signs[0], packed.layers[2].signs())
    code, out, err = run(*words[:-2], "--set", "normalisation='tebn'", "--out", "tebn")
    assert code == 0 and "not written as bits: packed networks hold neither TEBN nor rate coding" in out
    assert out.endswith("wrote results.json and figure.png to tebn\n")
    assert {file.name for file in (tmp_path / "tebn").iterdir()} == {"results.json", "figure.png"}
    assert json.loads((tmp_path / "tebn" / "results.json").read_text())["packed"] == []


@needs_torch
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["classify", "japanese_vowels", "--model", "conv"], ["japanese_vowels has no images"]),
        (["classify", "lorenz63", "--model", "conv"], ["hetero-rsnn forecast lorenz63"]),
        (["classify", "sklearn_digit", "--model", "conv"], ["sklearn_digits"]),
        (["classify", "fashion_mnist", "--model", "conv", "--data-dir", "nowhere"], ["apt", "--data-dir"]),
        ([*WORDS, "--images", "1400"], ["images", "1347", "1400"]),
        ([*WORDS, "--early", "--images", "150"], ["39 images", "train on more images"]),
        ([*WORDS, "--loss", "tet", "--method", "conversion"], ["loss='tet'", "direct training"]),
        ([*WORDS, "--rcs", "0.002", "--steps", "1"], ["consistency needs 2 steps or more"]),
        ([*WORDS, "--seeds", "0"], ["--seeds"]),
        ([*WORDS, "--bits", "1", "--set", "weights=full"], ["--set weights and --bits say the same"]),
        ([*WORDS, "--epochs", "2", "--set", "training_epochs=3"], ["--set training_epochs and --epochs say the same"]),
        ([*WORDS, "--bits", "1"], ["weights='1bit' is about layers between the first and the last"]),
        ([*WORDS, "--shortcuts", "--method", "conversion"], ["shortcuts=True is for direct training"]),
    ],
)
def test_mistakes_end_in_one_line(run, tmp_path, words, expected):
    pytest.importorskip("torch")
    exit_2(run(*words), *expected)
    assert not (tmp_path / "results" / "classify").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--steps", "4"], ["--steps is for --model", "add --model conv or mlp"]),
        (["--method", "direct"], ["--method is for --model"]),
        (["--loss", "tet"], ["--loss is for --model"]),
        (["--rcs", "0.002"], ["--rcs is for --model"]),
        (["--epochs", "4"], ["--epochs is for --model"]),
        (["--images", "4"], ["--images is for --model"]),
        (["--bits", "1"], ["--bits is for --model"]),
        (["--shortcuts"], ["--shortcuts is for --model"]),
        (["--model", "mlp", "--bits", "2"], ["--bits must be 1 or 32, got 2"]),
        (["--model", "mlp", "--set", "teacher=3"], ["unknown parameter of training 'teacher'"]),
        (["henhes", "--model", "mlp"], ["names of networks are for recurrent networks, got --model too"]),
        (["--n", "40", "--model", "mlp"], ["--n is for recurrent networks"]),
        (["--leave-out", "--model", "mlp"], ["--leave-out is for"]),
        (["--no-minirocket", "--model", "mlp"], ["--minirocket is for"]),
        (["--train", "gradient", "--model", "mlp"], ["--train is for"]),
        (["--backend", "numpy", "--model", "mlp"], ["--backend is for"]),
        (["--precision", "single", "--model", "mlp"], ["--precision is for"]),
        (["--model", "cnn"], ["unknown model 'cnn'", "conv, mlp"]),
        (["--model", "mlp", "--steps", "0"], ["steps", "got 0"]),
        (["--model", "mlp", "--epochs", "0"], ["--epochs", "got 0"]),
        (["--model", "mlp", "--images", "0"], ["--images", "got 0"]),
        (["--model", "mlp", "--workers", "0"], ["--workers", "got 0"]),
        (["--model", "mlp", "--loss", "tat"], ["--loss", "'tat'", "tet"]),
        (["--model", "mlp", "--rcs", "-1"], ["--rcs", "-1"]),
        (["--model", "mlp", "--method", "both"], ["unknown method 'both'"]),
        (["--model", "mlp", "--set", "hiden=[4]"], ["unknown parameter of training 'hiden'", "'hidden'"]),
    ],
)
def test_words_that_do_not_go_together_end_in_one_line(run, tmp_path, monkeypatch, words, expected):
    """Before torch is looked for."""
    monkeypatch.setitem(sys.modules, "torch", None)
    exit_2(run("classify", "sklearn_digits", *words), *expected)
    assert not list(tmp_path.iterdir())


def test_without_torch_the_extra_is_named_before_data_are_read(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("hetero_rsnn.gradient.feedforward")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    exit_2(run("classify", "no_such_data", "--model", "conv", "--early"), "torch", "hetero-rsnn[gradient]")
