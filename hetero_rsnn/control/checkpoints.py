"""Checkpoints of a training of an actor.

As `hetero_rsnn.gradient.checkpoints`, and transitions lie in files of their own: `CHUNK` of them in each, which is
written once, when it is full. So a checkpoint writes the networks and the last transitions, however many there are.
A file is removed when a checkpoint that is complete does not need it any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hetero_rsnn.common.array_files import array_file_name, packed, read_array_file, seal, write_array_file
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.replay import Replay
from hetero_rsnn.gradient.checkpoints import checkpoint_exists, is_own_file, read_checkpoint, write_checkpoint

#: Transitions in a file: of HalfCheetah 690 kB.
CHUNK = 4096
#: Of what a training is, and how it is kept: another number is another training.
VERSION = 1
_OTHER = "name another file, or begin anew"


def write_training(
    path: Path, identity: Mapping[str, Any], arrays: Mapping[str, Array], state: Mapping[str, Any], replay: Replay,
    written: list[dict[str, Any]],
) -> list[dict[str, Any]]:  # fmt: skip
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
        Of the JSON file.
    identity : mapping
        What the training is: plain data that must be the same for whoever goes on.
    arrays, state : mapping
        How far it is: arrays, and plain data.
    replay : Replay
    written : list of dict
        The files of transitions that the checkpoint before at the same place names.

    Returns
    -------
    list of dict
        Those that this one names.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    kept = [chunk for chunk in written if chunk["end"] > replay.oldest]
    begin = kept[-1]["end"] if kept else replay.oldest
    for end in range((begin // CHUNK + 1) * CHUNK, replay.total + 1, CHUNK):
        data = packed({"rows": replay.rows(begin, end)})
        checksum = hashlib.sha256(data).hexdigest()
        name = array_file_name(path, checksum, once=True)
        write_array_file(path, name, data)
        kept.append({"file": name, "sha256": checksum, "first": begin, "end": end})
        begin = end
    said = plain({"identity": identity, "state": state, "chunks": kept, "first": begin, "total": replay.total})
    recent: Any = {"recent": replay.rows(begin, replay.total)}
    write_checkpoint(path, {**arrays, **recent}, {"kind": "control", "control": said, "seal": seal(said)})
    for chunk in written:
        if chunk not in kept and is_own_file(path, chunk["file"]):
            with suppress(OSError):
                path.with_name(chunk["file"]).unlink()
    return kept


def read_training(path: Path, identity: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of a checkpoint of this training, and what it says.

    Raises
    ------
    FileFormatError
        If it is missing, damaged, or of another training; the message says what differs.
    """
    arrays, about = read_checkpoint(path)
    said = about.get("control")
    if about.get("kind") != "control" or not isinstance(said, dict):
        raise FileFormatError(f"{path} is a checkpoint of something else than control", fix=_OTHER)
    if about.get("seal") != seal(said):
        raise FileFormatError(f"{path} is not what was written", fix="restore a copy")
    _compare(path, plain(dict(identity)), said["identity"], "")
    return arrays, said


def _compare(path: Path, own: Any, its: Any, where: str) -> None:
    """Refuse a checkpoint of another training, and name the first thing that differs."""
    if isinstance(own, dict) and isinstance(its, dict):
        for name in (*own, *its):
            _compare(path, own.get(name), its.get(name), f"{where}.{name}" if where else name)
    elif own != its:
        raise FileFormatError(
            f"{path} is a checkpoint of another training: {where} must be {own!r:.80}, got {its!r:.80}", fix=_OTHER
        )


def read_replay(path: Path, said: Mapping[str, Any], recent: Any, replay: Replay) -> list[dict[str, Any]]:
    """Fill the transitions of a checkpoint in; return the files that it names."""
    chunks = list(said["chunks"])
    replay.total = int(said["total"])
    for chunk in chunks:
        rows = read_array_file(path, chunk["file"], chunk["sha256"], FileFormatError)["rows"]
        skip = max(replay.oldest - chunk["first"], 0)
        replay.put(chunk["first"] + skip, rows[skip:])
    replay.put(int(said["first"]), recent)
    return chunks


def check_free(path: Path, identity: Mapping[str, Any], step: int) -> None:
    """Refuse to write over a checkpoint of another training, or of one that is further.

    Raises
    ------
    FileFormatError
    """
    if not checkpoint_exists(path):
        return
    _, said = read_training(path, identity)
    there = int(said["state"]["step"])
    if there > step:
        raise FileFormatError(
            f"{path} is a checkpoint of step {there}, and this training is at step {step}",
            fix="restore it first, or choose another name",
        )
