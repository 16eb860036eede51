"""What is asked of files before they are read: the encoding of TOML, its size and depth, and the sizes of arrays."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common import units
from hetero_rsnn.common.errors import FileFormatError, NetworkError, SpaceError
from hetero_rsnn.common.files import check_arrays, read_toml
from hetero_rsnn.inputs.files import read_series
from hetero_rsnn.searching.space import load_space

NETWORK = 'extends = "henhes"\nn = 50\ndescription = "größer"\n'
SPACE = 'base = "henhes"\n[parameters.tau_m]\nmean = ["10 ms", "30 ms"]\ncv = [0.0, 0.5]\n'


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set what memory is free."""
    return lambda size: monkeypatch.setattr("hetero_rsnn.common.memory.available", lambda: int(size))


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(shape: str, dtype: str = "<f8", data: bytes = b"", version: int = 1) -> bytes:
    """A npy file whose header says what it likes."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


# TOML -------------------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        for end in ("\n", "\r\n"):
            (tmp_path / "a.toml").write_bytes(NETWORK.replace("\n", end).encode(encoding))
            net = hr.load_network(tmp_path / "a.toml")
            assert net.n == 50 and net.description == "größer"
            (tmp_path / "space.toml").write_bytes(SPACE.replace("\n", end).encode(encoding))
            assert load_space(tmp_path / "space.toml").base.name == "henhes"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (NETWORK.encode("utf-16"), "it begins as UTF-16 does"),
        (NETWORK.encode("latin-1"), "byte 43 is none of it"),
        (b"\xff", "byte 0 is none of it"),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "a.toml").write_bytes(data)
    refused(lambda: hr.load_network(tmp_path / "a.toml"), "must be UTF-8", word, "save it as UTF-8", error=NetworkError)
    refused(lambda: load_space(tmp_path / "a.toml"), "must be UTF-8", word, error=SpaceError)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x" * 2**18 + " = 1", "at most 262 kB"),
        ("a." * 30_000 + "b = 1", "line 1: a name must have at most 40 parts"),
        ("n = 1\n[" + "a ." * 30_000 + "b]\n", "line 2: a name must have at most 40 parts"),
        ("a." * 60 + "b = 1", "at most 40 tables within each other"),
        ("a = " + "[" * 60 + "]" * 60, "at most 40 tables within each other"),
        ("a = " + "[" * 60_000, ""),
        ("a = " + "9" * 5000, ""),
        ("a = " + "9" * 4000 + "x", "is not valid TOML"),
    ],
)
def test_files_that_would_take_minutes(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    begin = time.process_time()
    error = refused(lambda: read_toml(tmp_path / "a.toml", "network", NetworkError), word, error=NetworkError)
    assert time.process_time() - begin < 60 and len(str(error)) < 600 + len(str(tmp_path))


# Arrays -----------------------------------------------------------------------------------------------------------


def test_what_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path, free: Callable, monkeypatch) -> None:
    data = npz(small=np.arange(5.0), large=np.zeros(10**7))
    assert len(data) < 10**5
    (tmp_path / "a.npz").write_bytes(data)
    free(100e6)
    assert read_series(tmp_path / "a.npz", column="small").values[:, 0].tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda *_: pytest.fail("unpacked"))
    words = ("a.npz: unpacking it would take 240 MB", "may take 75 MB of the 100 MB that are free", "take a part of it")
    refused(lambda: read_series(tmp_path / "a.npz", column="large"), *words, error=FileFormatError)
    free(1e9)
    check_arrays(data, "a.npz", FileFormatError)


def test_large_files_are_not_read(tmp_path: Path, free: Callable, monkeypatch) -> None:
    free(50e6)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    for name, size in (("a.csv", 3e6), ("a.npy", 40e6), ("a.wav", 40e6), ("a.npz", 40e6)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(int(size))
        refused(
            lambda name=name: read_series(tmp_path / name), f"{name}: reading it would take 4", error=FileFormatError
        )


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(10, 10)", "(2, 10000000000000000000)", "(-5,)", "(-5, -5)"])
@pytest.mark.parametrize("version", [1, 2])
def test_headers_that_promise_more_than_follows(tmp_path: Path, shape: str, version: int) -> None:
    data = npy(shape, data=bytes(80), version=version)
    (tmp_path / "a.npy").write_bytes(data)
    refused(lambda: read_series(tmp_path / "a.npy"), "a.npy", error=FileFormatError)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", data)
    refused(lambda: read_series(tmp_path / "a.npz"), "a.npz", error=FileFormatError)


def test_headers_that_are_true(tmp_path: Path) -> None:
    for version in (1, 2):
        (tmp_path / "a.npy").write_bytes(npy("(2, 5)", data=np.arange(10.0).tobytes(), version=version))
        assert read_series(tmp_path / "a.npy").values.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


# Units ------------------------------------------------------------------------------------------------------------


def test_both_letters_for_micro() -> None:
    for mu in ("u", "\u00b5", "\u03bc"):
        assert units.parse(f"1500 {mu}s") == (1.5, "second")
        assert units.parse(f"2.5{mu}V") == (2.5e-6, "volt")
        assert hr.array_stimulus(np.ones(3), f"500 {mu}s").hold == 0.5
        assert hr.load_network("henhes", n=20, dt=f"100 {mu}s", **{"protocol.hold": "5 ms"}).dt == 0.1


def test_long_texts_are_refused_at_once() -> None:
    begin = time.process_time()
    for text in ("1" * 10**5 + " ms x", "1." + "1" * 10**5 + "..", " " * 10**5 + "x y", "1 " + "m" * 10**5 + " s"):
        with pytest.raises(hr.UnitError):
            units.parse(text)
    assert time.process_time() - begin < 60


def test_dots_in_comments_and_text_are_no_names(tmp_path):
    path = tmp_path / "ruled.toml"
    path.write_text(f'# {"." * 250}\ndescription = "{"." * 250}"\n[{".".join("ab")}]\nc = 1\n')
    assert read_toml(path, "network", NetworkError)["a"] == {"b": {"c": 1}}
    path.write_text(f"{'.'.join(['a'] * 300)} = 1\n")
    with pytest.raises(NetworkError, match="line 1: a name must have at most 40 parts"):
        read_toml(path, "network", NetworkError)
