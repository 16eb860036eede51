"""Checkpoints of a training: arrays in an npz file, the rest in JSON, and always two that belong together.

The JSON file names the npz file and its checksum, and is replaced last: whoever is killed in between leaves the
checkpoint before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hetero_rsnn.common.array_files import drop_older, packed, read_array_file, write_array_file
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import write_json
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
    """
    base = _json(path)
    file, checksum = write_array_file(base, packed(arrays))
    write_json(base, {"format": _FORMAT, "version": _VERSION, "arrays": file, "sha256": checksum, **about})
    drop_older(base, file)
    return base


def checkpoint_exists(path: str | Path) -> bool:
    """Whether there is one."""
    return _json(path).exists()


def _json(path: str | Path) -> Path:
    """Its JSON file: ``lr0.01`` is a name, and no name with an ending."""
    return Path(path) if str(path).endswith(".json") else Path(f"{path}.json")


def read_checkpoint(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and plain data of a checkpoint.

    Raises
    ------
    FileFormatError
        If it is missing, damaged, or none.
    """
    base = _json(path)
    try:
        about = json.loads(base.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(f"{base} does not exist", fix="train first, or name another checkpoint") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{base} cannot be read as JSON ({error!s:.200})", fix="restore a copy") from None
    if not isinstance(about, dict) or about.get("format") != _FORMAT or about.get("version") != _VERSION:
        raise FileFormatError(f"{base} is no checkpoint of a training, or of another version", fix="name another file")
    return read_array_file(base, about.get("arrays"), about.get("sha256"), FileFormatError), about
