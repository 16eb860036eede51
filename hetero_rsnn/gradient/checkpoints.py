"""Checkpoints of a training: arrays in an npz file, the rest in JSON, and always two that belong together.

The JSON file names the npz file and its checksum, and is replaced last: whoever is killed in between leaves the
checkpoint before. The npz file that it named before is removed then, and no other one. Each has a name that is given
once only, so that two trainings that write to one place leave a whole checkpoint of either. To keep a checkpoint of a
training that goes on, copy both files to another folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hetero_rsnn.common import memory
from hetero_rsnn.common.array_files import array_file_name, packed, read_array_file, write_array_file
from hetero_rsnn.common.errors import FileFormatError, OutputError
from hetero_rsnn.common.files import path_of, write_json
from hetero_rsnn.common.types import Array

_FORMAT, _VERSION = "hetero_rsnn checkpoint", 1


def write_checkpoint(path: str | Path, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> Path:
    """Write a checkpoint; return its JSON file.

    Parameters
    ----------
    path : path
        Of the JSON file; the npz file lies beside it.
    arrays : mapping of str to ndarray
    about : mapping
        Plain data.

    Raises
    ------
    OutputError
        If the place cannot be written, or holds a file that is no checkpoint.
    """
    base = json_file(path)
    before = _named(base)
    data = packed(arrays)
    checksum = hashlib.sha256(data).hexdigest()
    file = array_file_name(base, checksum, once=True)
    write_array_file(base, file, data)
    write_json(base, {"format": _FORMAT, "version": _VERSION, "arrays": file, "sha256": checksum, **about})
    if before is not None:
        with suppress(OSError):
            before.unlink()
    return base


def _named(base: Path) -> Path | None:
    """The npz file of the checkpoint that is to be replaced, if it is that checkpoint's own."""
    if not os.path.lexists(base):
        return None
    try:
        about = _about(base)
    except FileFormatError:
        raise OutputError(f"{base} exists already, and is no checkpoint", fix="choose another name") from None
    name = about.get("arrays")
    # A copy of a checkpoint under another name still names the arrays of the first, and may not take them away.
    return base.with_name(name) if isinstance(name, str) and is_own_file(base, name) else None


def is_own_file(path: Path, name: str) -> bool:
    """Whether a file of arrays has a name that a checkpoint at this place would give it."""
    return re.fullmatch(rf"{re.escape(path.stem)}-[0-9a-f]{{12,24}}\.npz", name) is not None


def remove_checkpoint(path: str | Path) -> None:
    """Remove a checkpoint that nobody needs any more, and all arrays at its place; what is not there is no fault."""
    base = json_file(path)
    with suppress(OSError):
        for file in [*base.parent.iterdir(), base]:
            if file == base or is_own_file(base, file.name):
                file.unlink(missing_ok=True)


def checkpoint_exists(path: str | Path) -> bool:
    """Whether there is one."""
    return os.path.exists(json_file(path))  # and not Path.exists, which raises for a name that is too long


def json_file(path: str | Path) -> Path:
    """Its JSON file: ``lr0.01`` is a name, and no name with an ending."""
    text = str(path_of("checkpoint", path))
    return Path(text if text.endswith(".json") else f"{text}.json")


def read_checkpoint(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and plain data of a checkpoint.

    Raises
    ------
    FileFormatError
        If it is missing, damaged, or none.
    """
    base = json_file(path)
    about = _about(base)
    while True:
        try:
            return read_array_file(base, about.get("arrays"), about.get("sha256"), FileFormatError), about
        except FileFormatError:
            # A training that goes on may have replaced both meanwhile.
            again = _about(base)
            if again.get("arrays") == about.get("arrays"):
                raise
            about = again


def _about(base: Path) -> dict[str, Any]:
    """What the JSON file says."""
    try:
        memory.fits(f"{base}: reading it", 10 * base.stat().st_size, "restore a copy", error=FileFormatError)
        about = json.loads(base.read_text(encoding="utf-8"))
    except FileFormatError:
        raise
    except FileNotFoundError:
        raise FileFormatError(f"{base} does not exist", fix="train first, or name another checkpoint") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{base} cannot be read as JSON ({error!s:.200})", fix="restore a copy") from None
    if not isinstance(about, dict) or about.get("format") != _FORMAT or about.get("version") != _VERSION:
        raise FileFormatError(f"{base} is no checkpoint of a training, or of another version", fix="name another file")
    return about


def read_own(path: str | Path, fingerprint: str, what: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """`read_checkpoint` of the training with this fingerprint.

    Raises
    ------
    FileFormatError
        As `read_checkpoint`, or if it belongs to another training; `what` are the things that must be the same.
    """
    arrays, about = read_checkpoint(path)
    if about.get("fingerprint") != fingerprint:
        raise FileFormatError(
            f"{path} is a checkpoint of another training: {what} must be the same",
            fix="name another file, or begin anew",
        )
    return arrays, about


def parted(arrays: Mapping[str, Array], *kinds: str) -> dict[str, dict[str, Any]]:
    """Arrays by the word before the first underscore of their names, which is one of `kinds`."""
    parts: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    for name, array in arrays.items():
        kind, _, rest = name.partition("_")
        parts[kind][rest] = array
    return parts
