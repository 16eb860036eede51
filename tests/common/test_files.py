"""Files are whole or not there."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.files import file_named, output_folder, path_of, plain, write_atomic, write_json, write_text


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(file):
        file.write(b"half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        write_atomic(path, fail)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_full_disk_is_one_line_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*No space left on device; choose another place"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_folders_are_made_and_permissions_are_ordinary(tmp_path):
    path = write_text(tmp_path / "x" / "y" / "a.txt", "text")
    mask = os.umask(0)
    os.umask(mask)
    assert path.read_text() == "text" and path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("precious")
    for place in (tmp_path / "file" / "a.txt", tmp_path / "file" / "b" / "a.txt"):
        with pytest.raises(OutputError, match="cannot write"):
            write_text(place, "text")
    with pytest.raises(OutputError, match="choose another"):
        output_folder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_output_folder_leaves_no_probe(tmp_path):
    assert list(output_folder(tmp_path / "new").iterdir()) == []


def test_json_is_strict(tmp_path):
    data = {"a": np.float64(1.5), "b": [np.nan, np.inf, np.int32(3)], "c": np.arange(3), 4: (True, None)}
    path = write_json(tmp_path / "a.json", data)
    found = json.loads(path.read_text(), parse_constant=lambda c: pytest.fail(c))
    assert found == {"a": 1.5, "b": [None, None, 3], "c": [0, 1, 2], "4": [True, None]}
    assert plain(data) == found


def test_a_folder_in_place_of_the_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "a.txt", "text")
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'a.txt'}: ") and "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"] and list((tmp_path / "a.txt").iterdir()) == []


def test_an_interrupt_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")

    def interrupted(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, interrupted)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")

    def look(file):
        file.write(b"new")
        assert path.read_text() == "old"

    assert write_atomic(path, look) == path
    assert path.read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path):
    path = write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1} and len(list(tmp_path.iterdir())) == 1


def test_text_is_utf8(tmp_path):
    assert write_text(tmp_path / "a.txt", "τ = 20 ms").read_bytes() == "τ = 20 ms".encode()


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(),
        st.text(max_size=5),
        st.floats().map(np.float64),
        st.floats(width=32).map(np.float32),
        st.integers(0, 255).map(np.uint8),
        st.booleans().map(np.bool_),
        st.lists(st.floats(), max_size=4).map(np.array),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=3).map(tuple), st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=12,
)


def same(found, value):
    """What was read, against what was meant."""
    if isinstance(value, dict):
        return found.keys() == value.keys() and all(same(found[k], v) for k, v in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return len(found) == len(value) and all(same(f, v) for f, v in zip(found, value, strict=True))
    if isinstance(value, float | np.floating):
        return found == float(value) if math.isfinite(value) else found is None
    return found == value


@given(value=values)
def test_json_there_and_back(value):
    text = json.dumps(plain(value), allow_nan=False)
    assert same(json.loads(text, parse_constant=lambda c: pytest.fail(c)), value)


@pytest.mark.parametrize("path", [None, 3, b"a.json", ["a.json"]])
def test_what_is_no_path_is_refused_at_every_door(path):
    doors = [
        lambda: file_named("a film", path, ".gif"), lambda: write_atomic(path, lambda file: file.write(b"")),
        lambda: output_folder(path), lambda: hr.load_recording(path), lambda: hr.read_series(path),
        lambda: hr.load_policy(path), lambda: hr.load_packed_network(path), lambda: hr.SearchResult.from_journal(path),
    ]  # fmt: skip
    for door in doors:
        with pytest.raises(HeteroError, match="must be a path, got"):
            door()


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("path", "~/a.json") == path_of("path", Path("~/a.json")) == tmp_path / "a.json"
