"""Tests of hetero_rsnn.datasets.heidelberg, on small HDF5 files of the published layout."""

from __future__ import annotations

import gzip
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hetero_rsnn.common.errors import FileFormatError, HeteroError, UnitError
from hetero_rsnn.datasets.catalogue import load_dataset
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.tasks.classification import classify

h5py = pytest.importorskip("h5py")

CLASSES = [b"zero", b"one", "zwölf".encode()]


def utterances(n: int, seed: int) -> dict[str, Any]:
    """Random utterances, the last without any spike, the first with the times that are hard on float16."""
    rng = np.random.default_rng(seed)
    counts = [*rng.integers(1, 40, n - 1), 0]
    times = [np.sort(rng.uniform(0, 1.37, k)).astype(np.float16) for k in counts]
    channels = [rng.integers(0, 700, k).astype(np.uint16) for k in counts]
    times[0], channels[0] = np.array([0, 0.0995, 0.1, 1.2998], np.float16), np.array([699, 0, 350, 1], np.uint16)
    return {
        "spikes/times": (times, np.float16),
        "spikes/units": (channels, np.uint16),
        "labels": rng.integers(0, len(CLASSES), n).astype(np.uint16),
        "extra/speaker": rng.integers(0, 12, n).astype(np.uint16),
        "extra/keys": np.array(CLASSES),
    }


def write(path: Path, content: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for key, value in content.items():
            if isinstance(value, tuple):
                made = file.create_dataset(key, (len(value[0]),), dtype=h5py.vlen_dtype(value[1]))
                for i, row in enumerate(value[0]):
                    made[i] = row
            else:
                file[key] = value
    return path


TRAIN, TEST = utterances(9, 1), utterances(5, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "shd_train.h5", TRAIN)
    write(tmp_path / "shd_test.h5", TEST)
    return tmp_path


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(FileFormatError) as info:
        load_dataset("shd", data_dir=folder)
    message = str(info.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"


def check(found: Any) -> None:
    times = TRAIN["spikes/times"][0] + TEST["spikes/times"][0]
    channels = TRAIN["spikes/units"][0] + TEST["spikes/units"][0]
    assert len(found) == 14 and found.train.tolist() == list(range(9)) and found.test.tolist() == list(range(9, 14))
    for x, t, c, length in zip(found.X, times, channels, found.lengths, strict=True):
        assert isinstance(x, Stimulus) and x.kind == "events" and x.values.shape == (length, 700)
        order = np.lexsort((c, t))
        assert_array_equal(x.event_times, t.astype(np.float64)[order] * 1e3)
        assert_array_equal(x.event_channels, c[order])
        assert x.values.sum() == t.size and x.hold == 10.0
    assert_array_equal(found.y, np.concatenate([TRAIN["labels"], TEST["labels"]]))
    assert found.groups.tolist() == [str(s) for s in (*TRAIN["extra/speaker"], *TEST["extra/speaker"])]
    assert found.classes == ("zero", "one", "zwölf")


def pack_gz(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def pack_zip(path: Path) -> None:
    with zipfile.ZipFile(path.with_name(path.name + ".zip"), "w") as archive:
        archive.write(path, f"deep/{path.name}")
    path.unlink()


@pytest.mark.parametrize("pack", [None, pack_gz, pack_zip])
def test_plain_and_packed(folder: Path, pack: Callable[[Path], None] | None) -> None:
    for name in ("shd_train.h5", "shd_test.h5"):
        if pack is not None:
            pack(folder / name)
    before = sorted(folder.iterdir())
    check(load_dataset("shd", data_dir=folder))
    check(load_dataset("shd", data_dir=before[0]))  # one of the two files
    assert sorted(folder.iterdir()) == before


def test_float16_seconds_become_milliseconds_of_full_precision(folder: Path) -> None:
    x = load_dataset("shd", data_dir=folder).X[0]
    # 0.1 is 0.0999755859375 in float16, before the edge at 100 ms; times 1000 in float16 it would be 100, behind it
    assert x.event_times.tolist() == [0.0, 99.48730468750, 99.97558593750, 1299.8046875]
    assert float(np.float16(0.1) * np.float16(1000)) == 100.0
    assert x.values[9, 350] == 1 and x.values[10, 350] == 0
    assert len(x) == 130


def test_strings_as_keys(folder: Path) -> None:
    for name, content in (("shd_train.h5", TRAIN), ("shd_test.h5", TEST)):
        write(folder / name, content | {"extra/keys": [k.decode() for k in CLASSES]})
    check(load_dataset("shd", data_dir=folder))


def test_options(folder: Path) -> None:
    found = load_dataset("shd", data_dir=folder, limit=3, hold="5 ms")
    assert found.train.size == found.test.size == 3 and found.interval_ms == 5.0
    assert found.X[0].hold == 5.0 and len(found.X[0]) == 260
    assert_array_equal(found.y, [*TRAIN["labels"][:3], *TEST["labels"][:3]])
    assert len(load_dataset("shd", data_dir=folder, limit=10**6)) == 14
    for limit in (0, -1, 2.5, True, "3"):
        with pytest.raises(HeteroError, match="limit must be a whole number >= 1"):
            load_dataset("shd", data_dir=folder, limit=limit)
    with pytest.raises(UnitError, match="hold"):
        load_dataset("shd", data_dir=folder, hold="10")


def test_split_and_parts_are_made_when_used(folder: Path) -> None:
    found = load_dataset("shd", data_dir=folder)
    X_train, X_test, y_train, y_test = found.split()
    assert len(X_train) == 9 and len(X_test) == 5 and y_train.size == 9 and y_test.size == 5
    for i, x in enumerate(X_test):
        assert_array_equal(x.event_times, found.X[9 + i].event_times)
    assert len(found.X[2:4]) == 2
    assert_array_equal(found.X[2:4][1].event_times, found.X[3].event_times)
    assert_array_equal(found.X[-2].event_times, found.X[12].event_times)
    with pytest.raises(IndexError):
        found.X[14]
    assert "9 train + 5 test, 3 classes" in repr(found) and "x 700" in repr(found)


def with_times(*rows: Any, dtype: Any = np.float16) -> dict[str, Any]:
    """The training file with the first utterances replaced."""
    times = [np.asarray(r, dtype) for r in rows] + [t.astype(dtype) for t in TRAIN["spikes/times"][0][len(rows) :]]
    channels = [np.arange(len(r), dtype=np.uint16) for r in rows] + TRAIN["spikes/units"][0][len(rows) :]
    return TRAIN | {"spikes/times": (times, dtype), "spikes/units": (channels, np.uint16)}


def with_channels(row: Any, dtype: Any) -> dict[str, Any]:
    times = [np.zeros(len(row), np.float16), *TRAIN["spikes/times"][0][1:]]
    channels = [np.asarray(row, dtype), *(c.astype(dtype) for c in TRAIN["spikes/units"][0][1:])]
    return TRAIN | {"spikes/times": (times, np.float16), "spikes/units": (channels, dtype)}


LABELS = TRAIN["labels"]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        *[({k: v for k, v in TRAIN.items() if k != key}, ["must hold the data set", key]) for key in TRAIN],
        (TRAIN | {"labels": np.where(np.arange(9) == 4, 3, LABELS)}, ["utterance 4", "labels", "0..2", "got 3"]),
        (TRAIN | {"labels": np.where(np.arange(9) == 4, -1, LABELS.astype(int))}, ["utterance 4", "got -1"]),
        (TRAIN | {"labels": LABELS.astype(float)}, ["labels must be whole numbers", "float64"]),
        (TRAIN | {"labels": LABELS[:8]}, ["shape (8,)", "got (9,)"]),
        (TRAIN | {"extra/speaker": np.zeros(8, int)}, ["extra/speaker", "shape (9,)", "got (8,)"]),
        (TRAIN | {"extra/keys": np.array([b"a", b"b", b"c"])}, ["extra/keys", "others"]),
        (with_times([0.1], [0.1, np.nan]), ["utterance 1", "spikes/times", "got nan"]),
        (with_times([0.1], [np.inf]), ["utterance 1", "spikes/times", "got inf"]),
        (with_times([0.1], [-0.01]), ["utterance 1", "0..60 s", "got -0.01"]),
        (with_times([100.0], [1300.0], dtype=np.float32), ["utterance 0", "0..60 s", "got 100"]),
        (with_times([1], [1], dtype=np.int32), ["spikes/times", "floats", "int32"]),
        (with_channels([5, 700], np.uint16), ["utterance 0", "spikes/units", "0..699", "got 700"]),
        (with_channels([-1, 7], np.int32), ["utterance 0", "spikes/units", "got -1"]),
        (with_channels([40000], np.uint16), ["got 40000"]),
        (with_channels([1.0], np.float32), ["spikes/units", "whole numbers", "float32"]),
        (with_times([0.1]) | {"spikes/units": TRAIN["spikes/units"]}, ["utterance 0", "as many units as times"]),
        (TRAIN | {"spikes/times": np.zeros(9)}, ["spikes/times", "variable length"]),
        (TRAIN | {"labels": np.zeros(0, int)}, ["spikes/times", "(0,)"]),
        (TRAIN | {"labels": 3}, ["shd_train.h5"]),
        (TRAIN | {"extra/keys": 3}, ["shd_train.h5"]),
        ({}, ["must hold the data set 'spikes/times'"]),
    ],
)
def test_bad_content(folder: Path, content: dict[str, Any], parts: list[str]) -> None:
    write(folder / "shd_train.h5", content)
    refused(folder, "shd_t", *parts)


@pytest.mark.parametrize("pack", [None, pack_gz, pack_zip])
def test_truncated_and_foreign(folder: Path, pack: Callable[[Path], None] | None) -> None:
    if pack is not None:
        pack(folder / "shd_test.h5")
    path = next(folder.glob("shd_test*"))
    whole = path.read_bytes()
    for data in (b"", b"no HDF5 at all", whole[:200], whole[: len(whole) // 2], whole[:-50]):
        path.write_bytes(data)
        refused(folder, str(path), "must be a whole HDF5 file")


@pytest.mark.slow
def test_flipped_bytes_give_data_or_one_line(folder: Path) -> None:
    path = folder / "shd_train.h5"
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for at in rng.integers(0, len(whole), 150):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            load_dataset("shd", data_dir=folder).lengths  # noqa: B018
        except FileFormatError as error:
            assert "shd_t" in str(error) and "\n" not in str(error)


def test_a_zip_with_two_files(folder: Path) -> None:
    pack_zip(folder / "shd_train.h5")
    with zipfile.ZipFile(folder / "shd_train.h5.zip", "a") as archive:
        archive.writestr("other.h5", b"x")
    refused(folder, "shd_train.h5.zip", "one .h5 file", "other.h5")


def test_nothing_there(folder: Path) -> None:
    (folder / "shd_test.h5").unlink()
    refused(
        folder, str(folder), "shd_test.h5", f"hetero_rsnn.fetch_dataset('shd', {str(folder)!r})", "https://zenkelab.org"
    )


def test_without_h5py(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(HeteroError, match=r'pip install "hetero-rsnn\[data\]"'):
        load_dataset("shd", data_dir=folder)


def test_utterances_are_learnt_and_told_apart(tmp_path: Path) -> None:
    """Each class in channels of its own: from the files to the decision, one stimulus at a time."""
    rng = np.random.default_rng(7)
    for part, n in (("train", 36), ("test", 12)):
        labels = np.arange(n) % 3
        times = [np.sort(rng.uniform(0, 0.2, 60)).astype(np.float16) for _ in labels]
        channels = [(rng.integers(0, 200, 60) + 230 * label).astype(np.uint16) for label in labels]
        content = {
            "spikes/times": (times, np.float16),
            "spikes/units": (channels, np.uint16),
            "labels": labels.astype(np.uint16),
            "extra/speaker": (np.arange(n) // 3 % 2).astype(np.uint16),
            "extra/keys": np.array(CLASSES),
        }
        write(tmp_path / f"shd_{part}.h5", content)
    data = load_dataset("shd", data_dir=tmp_path)
    result = classify(data, ["henhes"], [1], few_labels=(2,), leave_out=True, overrides={"n": 200})
    assert result.rows[0].report.accuracy > 0.9 and result.rows[0].linear > 0.9
    assert set(result.rows[0].groups) == {"0", "1"}
