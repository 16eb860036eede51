"""Checkpoints: two files that belong together, whoever else writes there, and no file of others is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.gradient import checkpoints
from hetero_rsnn.gradient.checkpoints import checkpoint_exists, read_checkpoint, write_checkpoint


def write(path: Path, number: int) -> Path:
    return write_checkpoint(path, {"a": np.full(3, number, float)}, {"epoch": number})


def holds(path: Path, number: int) -> None:
    arrays, about = read_checkpoint(path)
    assert arrays["a"].tolist() == [number] * 3 and about["epoch"] == number


def test_only_its_own_old_arrays_are_removed(tmp_path):
    others = [tmp_path / "run-202401011200.npz", tmp_path / f"run-{24 * 'a'}.npz", tmp_path / "run.npz"]
    for other in others:
        other.write_bytes(b"a recording")
    for number in range(3):
        write(tmp_path / "run", number)
        holds(tmp_path / "run", number)
    assert all(other.read_bytes() == b"a recording" for other in others)
    assert len(list(tmp_path.iterdir())) == len(others) + 2


def test_a_training_that_goes_on_under_another_name_leaves_the_first(tmp_path):
    """And so does one under a name that begins alike."""
    for name in ("branch", "run-b"):
        write(tmp_path / "run", 1)
        shutil.copy(tmp_path / "run.json", tmp_path / f"{name}.json")
        holds(tmp_path / name, 1)
        write(tmp_path / name, 2)
        holds(tmp_path / "run", 1)
        holds(tmp_path / name, 2)
    write(tmp_path / "run-b", 3)
    shutil.copy(tmp_path / "run-b.json", tmp_path / "run.json")
    write(tmp_path / "run", 4)
    holds(tmp_path / "run-b", 3)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_two_trainings_that_write_at_once_leave_a_whole_one(tmp_path, monkeypatch, number):
    """Another writes the arrays of the first again, the same, or others, before the first has named its own."""
    path = write(tmp_path / "run", 1)
    usual = checkpoints.write_json

    def late(place: Path, data: Any) -> Path:
        monkeypatch.setattr(checkpoints, "write_json", usual)
        write(path, 2)
        write(path, number)
        return usual(place, data)

    monkeypatch.setattr(checkpoints, "write_json", late)
    write(path, 2)
    holds(path, 2)
    write(path, number)
    holds(path, number)


def test_one_that_is_replaced_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path / "run", 1)
    usual = checkpoints.read_array_file

    def late(*given: Any) -> Any:
        monkeypatch.setattr(checkpoints, "read_array_file", usual)
        write(path, 2)
        return usual(*given)

    monkeypatch.setattr(checkpoints, "read_array_file", late)
    holds(path, 2)


def test_a_file_that_is_no_checkpoint_is_not_replaced(tmp_path):
    for text in ("{}", "notes", json.dumps({"arrays": "important.npz"})):
        (tmp_path / "run.json").write_text(text)
        refused(lambda: write(tmp_path / "run", 1), "run.json exists already", error=hr.OutputError)
        assert (tmp_path / "run.json").read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_arrays_that_lie_elsewhere_are_not_removed(tmp_path):
    path = write(tmp_path / "run", 1)
    (tmp_path / "below").mkdir()
    about = json.loads(path.read_text())
    for name in ("important.npz", "below/run-0123456789ab.npz", 3, None):
        if isinstance(name, str):
            (tmp_path / name).write_bytes(b"kept")
        path.write_text(json.dumps({**about, "arrays": name}))
        write(path, 2)
        holds(path, 2)
        assert not isinstance(name, str) or (tmp_path / name).read_bytes() == b"kept"


def test_odd_places(tmp_path, monkeypatch):
    long = tmp_path / (300 * "a")
    assert not checkpoint_exists(long)
    refused(lambda: read_checkpoint(long), "cannot be read", error=hr.FileFormatError)
    refused(lambda: write(long, 1), "cannot write", error=hr.OutputError)
    refused(lambda: write(tmp_path / "a:b", 1), "must be UTF-8 without : and", error=hr.OutputError)
    refused(lambda: write(tmp_path / "a\udcff", 1), "must be UTF-8 without : and", error=hr.OutputError)
    assert not list(tmp_path.iterdir())
    with (tmp_path / "huge.json").open("wb") as out:
        out.truncate(2**42)
    refused(lambda: read_checkpoint(tmp_path / "huge"), "44 TB of memory", error=hr.FileFormatError)
    monkeypatch.setenv("HOME", str(tmp_path))
    write(Path("~/run"), 1)
    assert checkpoint_exists("~/run")
    holds(tmp_path / "run", 1)
