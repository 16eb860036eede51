"""Tests of hetero_rsnn.datasets.idx: right arrays, or one line."""

from __future__ import annotations

import gzip
import math
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from helpers import refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.datasets.idx import read_idx

FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx(array: np.ndarray, kind: int = 0x08) -> bytes:
    """The format as it is described: magic number, sizes of the axes from the high byte on, numbers."""
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["a-idx3-ubyte", "a-idx3-ubyte.gz"])
def test_plain_and_packed_whatever_the_name(tmp_path, pack, name):
    (tmp_path / name).write_bytes(pack(idx(PIXELS)))
    found = read_idx(tmp_path / name, 3)
    assert found.dtype == np.uint8
    assert_array_equal(found, PIXELS)
    found[:] = 0  # its own memory


def test_bytes_by_hand(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03\x00\x01\x02\xff\xfe\xfd")
    assert read_idx(tmp_path / "a", 2).tolist() == [[0, 1, 2], [255, 254, 253]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["magic number", "got nothing"]),
        (b"\0\0\x08", ["magic number", "00 00 08"]),
        (b"PNG\r", ["magic number", "50 4e 47 0d"]),
        (b"\0\0\x07\x03" + bytes(12), ["magic number", "00 00 07 03"]),
        (idx(PIXELS, 0x0D), ["unsigned bytes on 3 axes", "32-bit floats on 3"]),
        (idx(PIXELS[0]), ["unsigned bytes on 3 axes", "unsigned bytes on 2"]),
        (idx(PIXELS)[:9], ["size of 3 axes in 12 bytes", "got 5 bytes"]),
        (idx(PIXELS[:0]), ["at least one number", "(0, 3, 4)"]),
        (idx(PIXELS)[:-1], ["24 bytes of shape (2, 3, 4)", "got "]),
        (idx(PIXELS) + b"\0", ["end after 24 bytes", "got more"]),
        (b"\0\0\x08\x03" + b"\xff" * 12 + bytes(9), ["shape (4294967295, 4294967295, 4294967295)", "shorter file"]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_refused(tmp_path, data, words, pack):
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(pack(data) if data else data)
    refused(lambda: read_idx(path, 3), str(path), *words, error=FileFormatError)


def test_damaged_packing(tmp_path):
    path, whole = tmp_path / "a.gz", gzip.compress(idx(PIXELS))
    for data in (whole[:-9], whole[:-3], whole[:4], whole[:-8] + b"\1\2\3\4" + whole[-4:], b"\x1f\x8b" + bytes(30)):
        path.write_bytes(data)
        refused(lambda: read_idx(path, 3), str(path), "whole gzip file", error=FileFormatError)


def test_no_file(tmp_path):
    refused(lambda: read_idx(tmp_path / "none", 3), "no such file", "check the path", error=FileFormatError)
    for path in (tmp_path, f"{tmp_path}/a\0b"):
        refused(lambda path=path: read_idx(path, 3), "readable file", "check the path", error=FileFormatError)


def test_sizes_are_checked_before_memory_is_taken(tmp_path, monkeypatch):
    path = tmp_path / "a"
    head = b"\0\0\x08\x01" + struct.pack(">I", 4 * 10**8)
    for data in (head + bytes(9), gzip.compress(head + bytes(1000))):
        path.write_bytes(data)
        tracemalloc.start()
        refused(lambda: read_idx(path, 1), "400000000 bytes", error=FileFormatError)
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()
    path.write_bytes(gzip.compress(head + bytes(4 * 10**8 // 1000)) + bytes(10**6))  # long enough to hold that much
    monkeypatch.setattr("hetero_rsnn.common.memory.available", lambda: 10**8)
    refused(lambda: read_idx(path, 1), "would take 400 MB", error=FileFormatError)


@FUZZ
@given(
    head=st.sampled_from([b"\0\0\x08", b"\0\0\x08", b"\0\0\x0d", b"\0\1\x08"]),
    shape=st.lists(st.one_of(st.integers(0, 6), st.integers(0, 2**32 - 1)), max_size=4),
    data=st.binary(max_size=300),
    axes=st.integers(1, 3),
    packed=st.booleans(),
    cut=st.integers(0, 400),
)
def test_any_header(tmp_path: Path, head, shape, data, axes, packed, cut):
    whole = head + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data
    (tmp_path / "a").write_bytes((gzip.compress(whole) if packed else whole)[:cut])
    try:
        found = read_idx(tmp_path / "a", axes)
    except FileFormatError as error:
        assert str(error) and "\n" not in str(error)
        right = head == b"\0\0\x08" and len(shape) == axes and math.prod(shape) == len(data) > 0
        assert not right or cut < len(gzip.compress(whole) if packed else whole)
    else:
        assert list(found.shape) == shape and found.tobytes() == data


@FUZZ
@given(at=st.integers(0, 60), byte=st.integers(0, 255), packed=st.booleans())
def test_a_wrong_byte(tmp_path: Path, at, byte, packed):
    data = bytearray(gzip.compress(idx(PIXELS)) if packed else idx(PIXELS))
    data[at % len(data)] = byte
    (tmp_path / "a").write_bytes(data)
    try:
        found = read_idx(tmp_path / "a", 3)
    except FileFormatError as error:
        assert "\n" not in str(error)
    else:
        assert found.size == PIXELS.size and (found != PIXELS).sum() <= 1
        assert not packed or (found == PIXELS).all()


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data):
    for start in (b"", b"\x1f\x8b\x08\x00", b"\0\0\x08\x01"):
        (tmp_path / "a").write_bytes(start + data)
        try:
            assert read_idx(tmp_path / "a", 1).ndim == 1
        except FileFormatError as error:
            assert "\n" not in str(error)
