"""Archives that unpack to more than one would think, and event files that are off but whole."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused
from scipy.io import wavfile

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.datasets import heidelberg, spoken_digits
from hetero_rsnn.datasets.catalogue import load_dataset


def recording() -> bytes:
    file = io.BytesIO()
    wavfile.write(file, 8000, np.arange(50, dtype=np.int16))
    return file.getvalue()


def tar(path: Path, **members: int) -> Path:
    """A packed archive of one recording and of members of so many zero bytes."""
    with tarfile.open(path, "w:gz") as archive:
        for name, size in {"recordings/1_ada_1.wav": -1, **members}.items():
            data = recording() if size < 0 else bytes(size)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def packed(path: Path, **members: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in {"recordings/1_ada_1.wav": -1, **members}.items():
            archive.writestr(name, recording() if size < 0 else bytes(size))
    return path


@pytest.mark.parametrize(("write", "name"), [(tar, "a.tar.gz"), (packed, "a.zip")])
def test_archives_are_weighed_before_they_are_unpacked(tmp_path: Path, write: Any, name: str, monkeypatch) -> None:
    path = write(tmp_path / name, **{"recordings/2_ada_1.wav": 5_000_000})
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("hetero_rsnn.common.memory.available", lambda: 60_000_000)
    words = (name, "reading it would take 50 MB", "may take 45 MB of the 60 MB", "leave some out")
    refused(lambda: spoken_digits.read_spoken_digits(path), *words, error=FileFormatError)
    monkeypatch.setattr(spoken_digits, "_LARGEST", 4_000_000)
    words = (name, "must unpack to at most 4 MB", "keep the recordings alone")
    refused(lambda: spoken_digits.read_spoken_digits(path), *words, error=FileFormatError)


def test_others_in_an_archive_count_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(spoken_digits, "_LARGEST", 4_000_000)
    for path in (tar(tmp_path / "a.tar.gz", zeros=5_000_000), packed(tmp_path / "a.zip", zeros=5_000_000)):
        refused(lambda path=path: spoken_digits.read_spoken_digits(path), "at most 4 MB", error=FileFormatError)
    tail = tmp_path / "b.tar.gz"  # zeros after the end of the archive
    tail.write_bytes(gzip.compress(gzip.decompress(tar(tmp_path / "c.tar.gz").read_bytes()) + bytes(5_000_000)))
    refused(lambda: spoken_digits.read_spoken_digits(tail), "at most 4 MB", error=FileFormatError)
    assert len(spoken_digits.read_spoken_digits(tar(tmp_path / "d.tar.gz", zeros=1000)).waveforms) == 1


# Events -----------------------------------------------------------------------------------------------------------


def shd(folder: Path, *, times: Any = None, units: Any = None, labels: Any = None) -> Path:
    """Both files, with other times, units or labels in the training part."""
    h5py = pytest.importorskip("h5py")
    for part in ("train", "test"):
        t, u, y = np.array([0.1, 0.9], "f4"), np.array([3, 650], "u2"), np.array([0, 1, 1, 0])
        if part == "train":
            t, u, y = (
                given if new is None else np.asarray(new) for given, new in ((t, times), (u, units), (y, labels))
            )
        with h5py.File(folder / f"shd_{part}.h5", "w") as file:
            for key, row in (("times", t), ("units", u)):
                made = file.create_dataset(f"spikes/{key}", (4,), dtype=h5py.vlen_dtype(row.dtype))
                for i in range(4):
                    made[i] = row
            file["labels"], file["extra/speaker"], file["extra/keys"] = y, np.arange(4), np.array([b"null", b"eins"])
    return folder


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"times": np.array([100.0, 900], "f4")}, ["got 100", "they are milliseconds, it seems: divide them by 1000"]),
        ({"times": np.array([1e5, 9e5], "f8")}, ["they are microseconds, it seems: divide them by 1e+06"]),
        ({"times": np.array([1e8, 9e8], "f8")}, ["they are nanoseconds, it seems: divide them by 1e+09"]),
        ({"times": np.array([1.6e9, 1.6e9], "f8")}, ["count the times from the beginning of each"]),
        ({"times": np.array([-0.1, 0.9], "f4")}, ["got -0.1", "count the times from the beginning"]),
        ({"times": np.array([100, 900], "i4")}, ["floats, got int32", "divide them, times are in seconds"]),
        ({"units": [1, 700]}, ["got 700", "they are counted from 1, it seems: subtract 1"]),
        ({"units": [1, 1023]}, ["got 1023", "the largest is 1023", "layout of the Heidelberg"]),
        ({"units": [-1, 5]}, ["got -1", "leave those out"]),
        ({"units": np.array([1.0, 5.0], "f4")}, ["got float32", "as integers"]),
        ({"labels": [1, 2, 2, 1]}, ["labels", "got 2", "they are counted from 1, it seems: subtract 1"]),
        ({"labels": [0.0, 1, 1, 0]}, ["labels must be whole numbers, got float64"]),
    ],
)
def test_what_is_off_is_named(tmp_path: Path, given: dict[str, Any], words: list[str]) -> None:
    shd(tmp_path, **given)
    error = refused(lambda: load_dataset("shd", data_dir=tmp_path), "shd_train.h5", *words, error=FileFormatError)
    assert "fetch it again" not in str(error)


def test_the_plain_files_are_read(tmp_path: Path) -> None:
    found = load_dataset("shd", data_dir=shd(tmp_path))
    assert found.X[0].event_channels.tolist() == [3, 650] and found.y.tolist() == [0, 1, 1, 0] * 2


def test_headers_that_promise_too_many_utterances(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    shd(tmp_path)
    with h5py.File(tmp_path / "shd_train.h5", "w") as file:
        for key in ("times", "units"):
            kind = h5py.vlen_dtype(np.float32 if key == "times" else np.uint16)
            file.create_dataset(f"spikes/{key}", (10**12,), dtype=kind, chunks=(1024,))
        for key in ("labels", "extra/speaker"):
            file.create_dataset(key, (10**12,), dtype="i8", chunks=(1024,))
        file["extra/keys"] = np.array([b"null", b"eins"])
    assert (tmp_path / "shd_train.h5").stat().st_size < 100_000
    refused(lambda: load_dataset("shd", data_dir=tmp_path), "would take 48 TB", "limit=", error=FileFormatError)


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_packed_files_are_weighed(tmp_path: Path, kind: str, monkeypatch) -> None:
    shd(tmp_path)
    path = tmp_path / "shd_train.h5"
    if kind == "gz":
        (tmp_path / "shd_train.h5.gz").write_bytes(gzip.compress(path.read_bytes() + bytes(5_000_000)))
    else:
        with zipfile.ZipFile(tmp_path / "shd_train.h5.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("shd_train.h5", path.read_bytes() + bytes(5_000_000))
    path.unlink()
    monkeypatch.setattr(heidelberg, "_LARGEST", 4_000_000)
    words = (f"shd_train.h5.{kind}", "must unpack to at most 4 MB", "unpack it where there is room")
    refused(lambda: load_dataset("shd", data_dir=tmp_path), *words, error=FileFormatError)
