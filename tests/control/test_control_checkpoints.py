"""Checkpoints of a training of an actor: files of transitions that are written once, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import refused

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.control import checkpoints
from hetero_rsnn.control.checkpoints import check_free, read_replay, read_training, write_training
from hetero_rsnn.control.normaliser import Normaliser
from hetero_rsnn.control.replay import Replay
from hetero_rsnn.gradient.checkpoints import write_checkpoint

WHO = {"version": 1, "environment": "Pendulum-v1", "settings": {"steps": 100, "actor": {"hidden": (4,)}}, "seed": 3}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(checkpoints, "CHUNK", 10)


def add(replay: Replay, count: int) -> None:
    for _ in range(count):
        k = float(replay.total)
        replay.add(np.array([k, -k]), np.array([k / 100]), k * 2, np.array([k + 1, k]), False)


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def drawn(replay: Replay) -> list[bytes]:
    return [part.tobytes() for part in replay.draw(np.random.default_rng(1), 200, Normaliser(2))]


@pytest.mark.parametrize("capacity", [1000, 37, 7])
def test_full_files_are_written_once_and_removed_when_forgotten(tmp_path, capacity):
    path, replay, written = tmp_path / "run.json", Replay(capacity, 2, 1), []
    for count in (0, 4, 6, 1, 25, 40, 3, 3, 60):
        add(replay, count)
        before = files(tmp_path)
        written = write_training(path, WHO, {"x": np.ones(2)}, {"step": replay.total}, replay, written)
        after = files(tmp_path)
        kept = {chunk["file"] for chunk in written}
        assert len(after) == len(kept) + 1 and kept < set(after)  # and the arrays of the checkpoint itself
        assert all(after[name] == before[name] for name in kept & set(before))
        other = Replay(capacity, 2, 1)
        arrays, said = read_training(path, WHO)
        assert read_replay(path, said, arrays["recent"], other) == written
        assert arrays["x"].tolist() == [1, 1] and said["state"] == {"step": replay.total}
        assert other.total == replay.total
        if len(replay):
            assert drawn(other) == drawn(replay)
        if capacity == 1000:
            assert [(chunk["first"], chunk["end"]) for chunk in written] == [
                (k, k + 10) for k in range(0, replay.total // 10 * 10, 10)
            ]
    if capacity == 1000:
        assert len(arrays["recent"]) == replay.total % 10


def test_a_write_that_is_cut_off_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path, replay = tmp_path / "run.json", Replay(100, 2, 1)
    add(replay, 25)
    written = write_training(path, WHO, {}, {"step": 25}, replay, [])
    expected = drawn(replay)
    add(replay, 20)

    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("hetero_rsnn.gradient.checkpoints.write_json", cut)
    with pytest.raises(KeyboardInterrupt):
        write_training(path, WHO, {}, {"step": 45}, replay, written)
    other = Replay(100, 2, 1)
    arrays, said = read_training(path, WHO)
    read_replay(path, said, arrays["recent"], other)
    assert said["state"]["step"] == 25 and drawn(other) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, ["version must be 2, got 1"]),
        ({"environment": "Hopper-v5"}, ["environment must be 'Hopper-v5', got 'Pendulum-v1'"]),
        ({"seed": 4}, ["seed must be 4, got 3"]),
        ({"settings": {"steps": 100, "actor": {"hidden": (5,)}}}, ["settings.actor.hidden must be [5], got [4]"]),
        ({"settings": {"steps": 100, "actor": {"hidden": (4,), "kind": "relu"}}}, ["settings.actor.kind", "'relu'"]),
        ({"settings": {"actor": {"hidden": (4,)}}}, ["settings.steps", "None", "100"]),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, change, words):
    path, replay = tmp_path / "run.json", Replay(100, 2, 1)
    write_training(path, WHO, {}, {"step": 0}, replay, [])
    other = {**WHO, **change}
    refused(lambda: read_training(path, other), str(path), *words, error=FileFormatError)
    refused(lambda: check_free(path, other, 10), *words, error=FileFormatError)


def test_damage_is_found(tmp_path):
    path, replay = tmp_path / "run.json", Replay(100, 2, 1)
    add(replay, 12)
    (chunk,) = write_training(path, WHO, {}, {"step": 12}, replay, [])
    file = tmp_path / chunk["file"]
    good = file.read_bytes()
    arrays, said = read_training(path, WHO)
    file.write_bytes(good[:-40] + b"0" + good[-39:])
    refused(lambda: read_replay(path, said, arrays["recent"], replay), chunk["file"], error=FileFormatError)
    file.unlink()
    refused(lambda: read_replay(path, said, arrays["recent"], replay), chunk["file"], error=FileFormatError)
    about = json.loads(path.read_text())
    about["control"]["state"]["step"] = 13
    path.write_text(json.dumps(about))
    refused(lambda: read_training(path, WHO), "not what was written", error=FileFormatError)
    refused(lambda: read_training(tmp_path / "none.json", WHO), "does not exist", error=FileFormatError)
    other = write_checkpoint(tmp_path / "other", {}, {"epoch": 3})
    refused(lambda: read_training(other, WHO), "something else", error=FileFormatError)


def test_no_later_checkpoint_is_written_over(tmp_path):
    path, replay = tmp_path / "run.json", Replay(100, 2, 1)
    check_free(path, WHO, 0)
    write_training(path, WHO, {}, {"step": 50}, replay, [])
    check_free(path, WHO, 50)
    refused(lambda: check_free(path, WHO, 49), "step 50", "step 49", "restore", error=FileFormatError)
