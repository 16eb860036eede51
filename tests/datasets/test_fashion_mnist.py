"""Tests of Fashion-MNIST, on small IDX files that the tests write."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers import exit_2, refused
from numpy.testing import assert_array_equal
from test_datasets import check
from test_idx import idx

import hetero_rsnn as hr
from hetero_rsnn.common.errors import FetchError, FileFormatError
from hetero_rsnn.datasets import fashion_mnist
from hetero_rsnn.datasets.catalogue import find_dataset, load_dataset
from hetero_rsnn.datasets.fetch import fetch_dataset
from hetero_rsnn.tasks.recipes import recipe

DEBIAN = fashion_mnist.DEBIAN
LABELS = {"train": np.arange(30) % 10, "t10k": np.arange(12) * 7 % 10}


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch) -> None:
    """Neither the package nor a folder of the user's own."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    monkeypatch.delenv("HETERO_RSNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def images(part: str) -> np.ndarray:
    """Noise, with a bright row for the class and the pixel values 0 and 255."""
    rng = np.random.default_rng(len(part))
    out = rng.integers(0, 60, (len(LABELS[part]), 28, 28), dtype=np.uint8)
    out[np.arange(len(out)), 2 + 2 * LABELS[part]] = 255
    out[:, 0, :2] = [0, 255]
    return out


def write(folder: Path, *, ending: str = "", **other: np.ndarray) -> Path:
    """The four files, some with other content."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        for kind, axes, array in (("images", 3, images(part)), ("labels", 1, LABELS[part].astype(np.uint8))):
            data = idx(other.get(f"{part}_{kind}", array))
            path = folder / f"{part}-{kind}-idx{axes}-ubyte{ending}"
            path.write_bytes(gzip.compress(data) if ending else data)
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("inside", [".", "fashion-mnist", "FashionMNIST/raw"])
def test_every_place_gives_the_same(tmp_path, monkeypatch, ending, inside):
    write(tmp_path / "mine" / inside, ending=ending)
    found = load_dataset("fashion_mnist", data_dir=tmp_path / "mine")
    check(found, "fashion_mnist")
    assert found.train.tolist() == list(range(30)) and found.test.tolist() == list(range(30, 42))
    assert_array_equal(found.y, np.concatenate([LABELS["train"], LABELS["t10k"]]))
    assert_array_equal(np.array(list(found.X)), np.concatenate([images("train"), images("t10k")]) / 255)
    assert found.classes[0] == "T-shirt/top" and found.classes[9] == "Ankle boot" and found.kind == "series"
    assert found.lengths.tolist() == [28] * 42 and len(found.channels) == 28 and found.licence == "MIT"
    monkeypatch.setenv("HETERO_RSNN_DATA", str(tmp_path / "mine"))
    assert repr(load_dataset("fashion_mnist")) == repr(found)
    assert [str(p) for p in find_dataset("fashion_mnist")] == found.details["paths"]
    one_of_them = load_dataset("fashion_mnist", data_dir=found.details["paths"][0])
    assert one_of_them.details["paths"] == found.details["paths"] or inside != "."


def test_the_users_folder_comes_before_that_of_the_package(tmp_path, monkeypatch):
    assert Path("/usr/share/datasets/fashion-mnist") == DEBIAN
    write(tmp_path / "debian", ending=".gz")
    mine = tmp_path / "mine"

    def places(where: Path | None) -> set[str]:
        return {str(Path(p).parent) for p in load_dataset("fashion_mnist", data_dir=where).details["paths"]}

    assert places(None) == {str(tmp_path / "debian")}
    monkeypatch.setenv("HETERO_RSNN_DATA", str(mine))  # a place for all data sets, which need not hold this one
    assert places(None) == {str(tmp_path / "debian")}
    # Who names a folder gets what lies there, or is told that there is none.
    for where in (mine, tmp_path / "file"):
        refused(lambda where=where: places(where), str(where), "found none of it", error=FileFormatError)
        assert find_dataset("fashion_mnist", where) == []
    write(mine)
    assert places(mine) == places(None) == {str(mine)}


def test_permuted_pixels_are_those_of_the_documented_permutation(tmp_path):
    write(tmp_path)
    plain, moved = (load_dataset(n, data_dir=tmp_path) for n in ("fashion_mnist", "fashion_mnist_permuted"))
    check(moved, "fashion_mnist_permuted")
    assert_array_equal(moved.y, plain.y)
    order = np.random.default_rng(0).permutation(784)
    # numpy's generators may change between versions: then the data set would be another one.
    assert order[:5].tolist() == [318, 2, 606, 446, 758] and sorted(order) == list(range(784))
    for a, b in zip(plain.X, moved.X, strict=True):
        assert_array_equal(b.ravel(), a.ravel()[order])


def test_samples_are_bytes_until_they_are_asked_for(tmp_path):
    found = load_dataset("fashion_mnist", data_dir=write(tmp_path))
    X_train, X_test, _, _ = found.split()
    assert X_train.pixels.dtype == np.uint8 and X_train.pixels.nbytes == 30 * 784
    assert X_train[3].dtype == np.float64 and X_train[3].max() == 1.0
    assert len(X_train[:5]) == 5 and len(X_test) == 12 and "30 of 28 x 28" in repr(X_train)
    assert_array_equal(X_train[10:20][-1], X_train[19])
    with pytest.raises(IndexError):
        X_train[30]


def test_estimators_take_them(tmp_path):
    """Each class has a bright row of its own, whose time the network tells."""
    found = load_dataset("fashion_mnist", data_dir=write(tmp_path))
    X_train, X_test, y_train, y_test = found.split()
    how = recipe(found)
    given = {"encoder": how.encoder, "hold": how.hold, **how.options, "windows": 14}
    clf = hr.HRSNNClassifier("henhes", overrides={**how.overrides, "n": 60}, epochs=0, **given)
    assert clf.fit(X_train, y_train).score(X_test, y_test) > 0.8
    same = hr.HRSNNClassifier("henhes", overrides={**how.overrides, "n": 60}, epochs=0, **given)
    assert_array_equal(same.fit(list(X_train), y_train).features(list(X_test)), clf.features(X_test))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"train_images": images("train")[:29]}, ["train-labels", "each of the 29 images", "got 30"]),
        ({"t10k_images": np.zeros((12, 32, 32), np.uint8)}, ["t10k-images", "28 x 28 pixels, got 32 x 32"]),
        ({"t10k_labels": np.full(12, 10, np.uint8)}, ["t10k-labels", "labels must be in 0..9, got 10"]),
        (
            {"train_labels": np.arange(30, dtype=np.uint8) % 9},
            ["train-labels", "as many images", "got 0 to 4", "MNIST"],
        ),
        ({"train_images": LABELS["train"].astype(np.uint8)}, ["train-images", "on 3 axes", "on 1"]),
    ],
)
def test_files_that_are_off(tmp_path, other, words):
    write(tmp_path, **other)
    refused(lambda: load_dataset("fashion_mnist", data_dir=tmp_path), *words, error=FileFormatError)


@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("t10k", 10_000)])
def test_another_data_set_of_the_same_size(tmp_path, part, count):
    """KMNIST has as many images of each class, under the same names."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    write(tmp_path, **{f"{part}_labels": labels, f"{part}_images": np.zeros((count, 28, 28), np.uint8)})
    words = (f"{part}-labels", "SHA-256 of Fashion-MNIST", "KMNIST")
    refused(lambda: load_dataset("fashion_mnist", data_dir=tmp_path), *words, error=FileFormatError)


@pytest.mark.parametrize("name", ["fashion_mnist", "fashion_mnist_permuted", "fashion_mnist_events"])
def test_nothing_there_names_the_package(tmp_path, run, name):
    write(tmp_path / "mine")
    (tmp_path / "mine" / "t10k-labels-idx1-ubyte").unlink()
    words = (str(tmp_path / "mine"), "t10k-labels-idx1-ubyte", "apt install dataset-fashion-mnist", "data_dir=")
    refused(lambda: load_dataset(name, data_dir=tmp_path / "mine"), *words, error=FileFormatError)
    assert find_dataset(name, tmp_path / "mine") == []
    refused(lambda: fetch_dataset(name), "apt install dataset-fashion-mnist", error=FetchError)
    for words in (["data", "show", name], ["classify", name], ["data", "fetch", name]):
        exit_2(run(*words), "apt install dataset-fashion-mnist")
    code, out, _ = run("data")
    assert code == 0 and out.count("not here: apt install dataset-fashion-mnist") == 3


def test_commands(tmp_path, run):
    write(tmp_path)
    code, out, _ = run("data", "show", "fashion_mnist", "--data-dir", str(tmp_path))
    assert code == 0 and "42: 30 train, 12 test" in out and "Trouser 3 + 1" in out and "MIT" in out
    code, out, _ = run("data", "--data-dir", str(tmp_path))
    assert code == 0 and f"in {tmp_path / 'train-images-idx3-ubyte'}" in out


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_the_files_of_the_package(monkeypatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", DEBIAN)
    found = load_dataset("fashion_mnist")
    assert found.train.size == 60_000 and found.test.size == 10_000
    assert np.bincount(found.y[found.test]).tolist() == [1000] * 10
    # Mean and standard deviation of the training pixels that others scale by.
    pixels = found.X.pixels[:60_000]
    assert round(pixels.mean() / 255, 4) == 0.2860 and round(pixels.std() / 255, 4) == 0.3530
    assert found.y[:5].tolist() == [9, 0, 0, 3, 0]
