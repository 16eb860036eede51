"""Arrays beside a file of text: an npz file that the text names, with its checksum, so that the two belong together.

The arrays are written first and the text last, each to a temporary name and then renamed: whoever is killed in between
leaves the pair before. Nothing is removed here: other files of text may name the same arrays. No pickle is read.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.files import check_arrays, write_atomic

#: Arrays of any kind, by name.
Arrays = dict[str, NDArray[Any]]


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The bytes of an npz file."""
    buffer = io.BytesIO()
    named: Any = dict(arrays)
    np.savez(buffer, **named)
    return buffer.getvalue()


def array_file_name(beside: Path, checksum: str, *, once: bool = False) -> str:
    """Name of the npz file beside a file of text: other arrays have another name.

    Parameters
    ----------
    beside : Path
        The file of text.
    checksum : str
        SHA-256 of the npz file.
    once : bool
        A name that no other call gives, even for the same arrays: whoever removes the file takes it from nobody.

    Raises
    ------
    OutputError
        If `read_array_file` would refuse the name.
    """
    name = f"{beside.stem}-{checksum[:12]}{secrets.token_hex(6) if once else ''}.npz"
    if not _is_name(name):
        raise OutputError(
            f"the name of a file with arrays beside it must be UTF-8 without : and \\, got {beside.name!r}",
            fix="choose another name",
        )
    return name


def write_array_file(beside: Path, name: str, data: bytes) -> None:
    """Write packed arrays beside a file of text that is yet to be written."""
    write_atomic(beside.with_name(name), lambda out: out.write(data))


def _is_name(name: Any) -> bool:
    """Whether a file of text may name its arrays so: plainly, beside it, on every system."""
    if not isinstance(name, str) or not re.fullmatch(r"[^/\\:\0]+\.npz", name):
        return False
    return not re.search("[\ud800-\udfff]", name)  # which no file of text can hold


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
    if not _is_name(name):
        raise refusal(f"{beside} names {name!r} as its arrays: must be a file beside it", fix="restore a copy")
    path = beside.with_name(name)
    try:
        size = path.stat().st_size
        if not os.path.isfile(path):  # a pipe would be waited for
            raise refusal(f"{path} must be a file, got something else", fix="restore a copy")
        memory.fits(f"{path}: reading it", size, "restore a copy", error=refusal)
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
