"""Arrays beside a file of text: an npz file that the text names, with its checksum, so that the two belong together.

The arrays are written first and the text last, each to a temporary name and then renamed: whoever is killed in between
leaves the pair before. No pickle is read.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.files import check_arrays, write_atomic

#: Arrays of any kind, by name.
Arrays = dict[str, NDArray[Any]]


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The bytes of an npz file."""
    buffer = io.BytesIO()
    named: Any = dict(arrays)
    np.savez(buffer, **named)
    return buffer.getvalue()


def array_file_name(stem: str, checksum: str) -> str:
    """Name of the npz file beside the text file of that stem: other arrays have another name."""
    return f"{stem}-{checksum[:12]}.npz"


def write_array_file(beside: Path, data: bytes) -> tuple[str, str]:
    """Write packed arrays beside a file of text that is yet to be written; return name and SHA-256."""
    checksum = hashlib.sha256(data).hexdigest()
    name = array_file_name(beside.stem, checksum)
    write_atomic(beside.with_name(name), lambda out: out.write(data))
    return name, checksum


def drop_older(beside: Path, name: str) -> None:
    """Remove array files of the same stem but that one, once the text names it."""
    for old in beside.parent.glob("*.npz"):
        if old.name != name and re.fullmatch(rf"{re.escape(beside.stem)}-[0-9a-f]{{12}}\.npz", old.name):
            with suppress(OSError):
                old.unlink()


def read_array_file(beside: Path, name: Any, checksum: Any, refusal: type[HeteroError]) -> Arrays:
    """The arrays of an npz file that a file of text names.

    Parameters
    ----------
    beside : Path
        The file of text.
    name, checksum
        As it states them.
    refusal : type

    Raises
    ------
    refusal
        If the name leads elsewhere, the file is missing, is not what was written, or would not fit in memory.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[^/\\:\0]+\.npz", name):
        raise refusal(f"{beside} names {name!r} as its arrays: must be a file beside it", fix="restore a copy")
    path = beside.with_name(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refusal(
            f"{path}, which {beside.name} needs, cannot be read ({error.strerror or error})", fix="restore a copy"
        ) from None
    if hashlib.sha256(data).hexdigest() != checksum:
        raise refusal(f"{path} is not what was written", fix="restore a copy")
    check_arrays(data, str(path), refusal)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            return {k: npz[k] for k in npz.files}
    except Exception as error:  # whatever numpy and zipfile raise for a file that is none
        raise refusal(f"{path} cannot be read as npz ({error!s:.200})", fix="restore a copy") from None
