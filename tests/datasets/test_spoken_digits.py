"""Tests of hetero_rsnn.datasets.spoken_digits, on recordings that the tests write."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.io import wavfile

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.datasets.catalogue import load_dataset

KEYS = [(d, s, t) for d in (0, 1, 9) for s in ("ada", "bob") for t in (0, 4, 5, 10)]


def wave(key: tuple[int, str, int]) -> np.ndarray:
    """A recording of its own length and samples for each key."""
    digit, speaker, take = key
    values = np.arange(20 + 10 * digit + take) * (1 if speaker == "ada" else -1) * 100
    values[0] = -(2**15)
    return values.astype(np.int16)


def wav(values: np.ndarray, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, values)
    return file.getvalue()


def files(prefix: str = "recordings/") -> dict[str, bytes]:
    """Member names and contents, in no order, with others that are not recordings."""
    others = {"README.md": b"text", prefix + ".DS_Store": b"x", prefix + "._0_ada_0.wav": b"x", "other/song.wav": b"x"}
    return {f"{prefix}{d}_{s}_{t}.wav": wav(wave((d, s, t))) for d, s, t in reversed(KEYS)} | others


def write_folder(path: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:]}") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refused(where: Path, *parts: str) -> None:
    with pytest.raises(FileFormatError) as info:
        load_dataset("free_spoken_digits", data_dir=where)
    message = str(info.value)
    assert "\n" not in message and "Traceback" not in message
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"


@pytest.mark.parametrize("how", ["folder", "within", "xz", "gz", "zip", "file"])
def test_every_place_gives_the_same(tmp_path, how, monkeypatch):
    where = tmp_path
    if how == "folder":
        where = write_folder(tmp_path / "a", files()) / "recordings"
    elif how == "within":
        write_folder(tmp_path / "free-spoken-digit-dataset-1.0.9", files())
    elif how == "xz":
        write_tar(tmp_path / "free-spoken-digits.tar.xz", files())
    elif how == "gz":
        write_tar(tmp_path / "free-spoken-digit-dataset-1.0.9.tar.gz", files("free-spoken-digit-dataset/recordings/"))
    elif how == "zip":
        write_zip(tmp_path / "free_spoken_digit.zip", files("a/b/recordings/"))
    else:
        where = write_tar(tmp_path / "anything.tar.xz", files())
    before = sorted(tmp_path.rglob("*"))
    found = load_dataset("free_spoken_digits", data_dir=where)
    assert sorted(tmp_path.rglob("*")) == before  # nothing unpacked
    assert len(found) == len(KEYS) == found.y.size == found.groups.size
    for i, key in enumerate(KEYS):  # KEYS are sorted
        assert found.y[i] == key[0] and found.groups[i] == key[1]
        assert found.X[i].dtype == np.float64
        assert_array_equal(found.X[i][:, 0], wave(key) / 2**15)
    takes = np.array([take for _, _, take in KEYS])
    assert_array_equal(found.test, np.flatnonzero(takes < 5))
    assert_array_equal(found.train, np.flatnonzero(takes >= 5))
    assert found.interval_ms == 0.125 and found.classes == tuple("0123456789") and found.kind == "audio"
    monkeypatch.setenv("HETERO_RSNN_DATA", str(where))
    assert repr(load_dataset("free_spoken_digits")) == repr(found)


def test_the_number_of_a_take_counts_not_its_text(tmp_path):
    members = {f"recordings/0_ada_{t}.wav": wav(wave((0, "ada", t))) for t in (10, 2, 1)}
    found = load_dataset("free_spoken_digits", data_dir=write_folder(tmp_path, members))
    assert found.lengths.tolist() == [21, 22, 30]
    assert found.test.tolist() == [0, 1]


def test_nothing_there(tmp_path, monkeypatch):
    fetch = "hetero_rsnn.fetch_dataset('free_spoken_digits'"
    home = "https://github.com/Jakobovski/free-spoken-digit-dataset"
    refused(tmp_path, str(tmp_path), f"{fetch}, {str(tmp_path)!r})", home)
    refused(tmp_path / "none.tar.xz", f"{fetch}, {str(tmp_path)!r})", home)
    monkeypatch.delenv("HETERO_RSNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileFormatError) as info:
        load_dataset("free_spoken_digits")
    assert str(tmp_path / "cache" / "hetero_rsnn") in str(info.value) and f"call {fetch})" in str(info.value)


def test_several_there(tmp_path):
    write_zip(tmp_path / "free_spoken_digits.zip", files())
    write_zip(tmp_path / "free-spoken-digits-2.zip", files())
    refused(tmp_path, "one set", "free_spoken_digits.zip", "free-spoken-digits-2.zip", "data_dir=")


@pytest.mark.parametrize(
    ("name", "data", "parts"),
    [
        ("0_ada_1.wav", wav(np.zeros(9, np.int16), 16000), ["0_ada_1.wav", "8000 Hz", "got 16000 Hz"]),
        ("0_ada_1.wav", wav(np.zeros((9, 2), np.int16)), ["0_ada_1.wav", "one channel", "(9, 2)"]),
        ("0_ada_1.wav", wav(np.zeros(0, np.int16)), ["0_ada_1.wav"]),
        ("0_ada_1.wav", wav(np.zeros(99, np.int16))[:-20], ["0_ada_1.wav", "whole PCM or float wav"]),
        ("0_ada_1.wav", b"no wav at all", ["0_ada_1.wav", "whole PCM or float wav"]),
        ("0_ada_1.wav", wav(np.array([0.0, np.nan], np.float32)), ["0_ada_1.wav", "[-1, 1]", "nan"]),
        ("0_ada_1.wav", wav(np.array([0.0, 1.5], np.float32)), ["0_ada_1.wav", "[-1, 1]", "1.5"]),
        ("zero_ada_1.wav", wav(np.zeros(9, np.int16)), ["DIGIT_SPEAKER_TAKE.wav", "zero_ada_1.wav"]),
        ("0_ada.wav", wav(np.zeros(9, np.int16)), ["DIGIT_SPEAKER_TAKE.wav", "0_ada.wav"]),
        ("0_ada_0.WAV", wav(np.zeros(9, np.int16)), ["once", "0_ada_0"]),
    ],
)
def test_bad_recordings(tmp_path, name, data, parts):
    refused(write_zip(tmp_path / "a.zip", files() | {f"recordings/{name}": data}), "a.zip", *parts)
    refused(write_folder(tmp_path / "b", files() | {f"recordings/{name}": data}), "recordings", *parts)


@pytest.mark.parametrize("name", ["a.tar.xz", "a.tar.gz", "a.zip"])
def test_damaged_archives(tmp_path, name):
    path = (write_zip if name.endswith("zip") else write_tar)(tmp_path / name, files())
    whole = path.read_bytes()
    for share in (0.0, 0.01, 0.3, 0.6, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path, str(path))
    refusals = 0
    for at in range(0, len(whole), len(whole) // 50):  # either the same waveforms or one clear line
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            found = load_dataset("free_spoken_digits", data_dir=path)
        except FileFormatError as error:
            refusals += 1
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            if name.endswith("zip") and len(found) < len(KEYS):
                continue  # a directory with damaged lengths hides entries, which nothing in a zip file tells
            for x, key in zip(found.X, KEYS, strict=True):
                assert_array_equal(x[:, 0], wave(key) / 2**15)
    assert refusals > 10


def test_an_archive_without_recordings(tmp_path):
    refused(write_zip(tmp_path / "a.zip", {"README.md": b"x"}), "a.zip", "no wav file")
    (tmp_path / "a.rar").write_bytes(b"x")
    refused(tmp_path / "a.rar", "a.rar", ".tar.gz", ".zip")


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    (tmp_path / "secret.wav").write_bytes(wav(np.ones(5, np.int16)))
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("recordings/0_eve_0.wav")
        info.type, info.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.wav")
        archive.addfile(info)
    refused(tmp_path / "a.tar.gz", "no wav file")


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("HETERO_RSNN_DATA"), reason="HETERO_RSNN_DATA does not say where the data are")
def test_the_real_archive():
    found = load_dataset("free_spoken_digits")
    speakers = len(set(found.groups.tolist()))
    assert found.train.size == 450 * speakers and found.test.size == 50 * speakers
    assert_array_equal(np.bincount(found.y[found.test]), np.full(10, 5 * speakers))
    assert all(np.ptp(x) > 0.01 for x in found.X)  # nobody is silent
