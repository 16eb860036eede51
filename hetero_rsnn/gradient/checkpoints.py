"""Checkpoints of a training: arrays in an npz file, the rest in JSON, and always two that belong together.

The JSON file names the npz file and its checksum, and is replaced last: whoever is killed in between leaves the
checkpoint before.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import check_arrays, write_atomic, write_json
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
    buffer = io.BytesIO()
    named: Any = dict(arrays)
    np.savez(buffer, **named)
    data = buffer.getvalue()
    checksum = hashlib.sha256(data).hexdigest()
    file = base.with_name(f"{base.stem}-{checksum[:12]}.npz")
    write_atomic(file, lambda out: out.write(data))
    content = {"format": _FORMAT, "version": _VERSION, "arrays": file.name, "sha256": checksum, **about}
    write_json(base, content)
    for old in base.parent.glob("*.npz"):
        if old != file and re.fullmatch(rf"{re.escape(base.stem)}-[0-9a-f]{{12}}\.npz", old.name):
            with suppress(OSError):
                old.unlink()
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
    name = str(about.get("arrays"))
    if Path(name).name != name:
        raise FileFormatError(f"{base} names {name!r} as its arrays: must be a file beside it", fix="restore a copy")
    try:
        data = base.with_name(name).read_bytes()
    except OSError as error:
        raise FileFormatError(f"{base.with_name(name)} cannot be read ({error})", fix="restore a copy") from None
    if hashlib.sha256(data).hexdigest() != about.get("sha256"):
        raise FileFormatError(f"{base.with_name(name)} is not what was written", fix="restore a copy")
    check_arrays(data, str(base.with_name(name)), FileFormatError)
    with np.load(io.BytesIO(data), allow_pickle=False) as npz:
        return {k: npz[k] for k in npz.files}, about
