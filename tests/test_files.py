"""Files are whole or not there."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from hetero_rsnn.files import OutputError, output_folder, plain, write_atomic, write_json, write_text


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
    with pytest.raises(OutputError, match="--out"):
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
