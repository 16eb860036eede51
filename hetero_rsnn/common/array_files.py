"""Arrays beside a file of text: an npz file that the text names, with its checksum, so that the two belong together.

The arrays are written first and the text last, each to a temporary name and then renamed: whoever is killed in between
leaves the pair before. Nothing is removed here: other files of text may name the same arrays. No pickle is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError
from hetero_rsnn.common.files import check_arrays, json_text, write_atomic, write_text

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
            arrays = {k: npz[k] for k in npz.files}
    except Exception as error:  # whatever numpy and zipfile raise for a file that is none
        raise refusal(f"{path} cannot be read as npz ({error!s:.200})", fix="restore a copy") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy hands on what is no array as bytes
            raise refusal(f"{path} must hold arrays only, got {name!r:.40}", fix="restore a copy")
    return arrays


def holds(path: Path, data: bytes) -> bool:
    """Whether a file has this content."""
    try:
        return os.path.isfile(path) and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def seal(about: Mapping[str, Any]) -> str:
    """Checksum of what a JSON file says, however it is laid out."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def write_sealed(
    path: Path, about: Mapping[str, Any], arrays: Mapping[str, Any], *, form: str, version: int, overwrite: bool
) -> Path:
    """Write a JSON file with a checksum of its own, and its arrays beside it.

    Parameters
    ----------
    path : Path
        A link is written through to the file that it leads to.
    about : mapping
        What the file says, beside the name and the checksum of the arrays.
    arrays : mapping of str to ndarray
    form, version
        What kind of file it is.
    overwrite : bool
        Replace a file of that name which has other content.

    Raises
    ------
    OutputError
        If the place cannot be written, or holds another file.
    """
    if os.path.islink(path):
        path = Path(os.path.realpath(path))
    data = packed(arrays)
    checksum = hashlib.sha256(data).hexdigest()
    said = {**about, "arrays": array_file_name(path, checksum), "sha256": checksum}
    text = json_text({"format": form, "version": version, **said, "checksum": seal(said)})
    if os.path.lexists(path) and not overwrite and not holds(path, text.encode()):
        raise OutputError(f"{path} exists already", fix="choose another name, or give overwrite=True")
    write_array_file(path, said["arrays"], data)
    return write_text(path, text)


def read_sealed(path: Path, *, form: str, version: int, refusal: FileFormatError) -> dict[str, Any]:
    """What a JSON file of `write_sealed` says, as it stands there; `unsealed` compares its checksum.

    Raises
    ------
    FileFormatError
        If it is missing, damaged or of another version; `refusal` if it is of another kind.
    """
    try:
        memory.fits(f"{path}: reading it", 10 * path.stat().st_size, "restore a copy", error=FileFormatError)
        if not os.path.isfile(path):  # a pipe would be waited for
            raise FileFormatError(f"{path} must be a file, got something else", fix="name the JSON file")
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileFormatError:
        raise
    except FileNotFoundError:
        raise FileFormatError(f"{path} does not exist", fix="name the JSON file of a saved network") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} cannot be read as JSON ({error!s:.200})", fix="restore a copy") from None
    if not isinstance(about, dict) or about.get("format") != form:
        raise refusal
    if about.get("version") != version or isinstance(about["version"], bool):
        raise FileFormatError(
            f"{path} must be of version {version}, got {about.get('version')!r:.40}",
            fix="read it with a newer package",
        )
    return about


def unsealed(path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says without its kind and its checksum.

    Raises
    ------
    FileFormatError
        If the checksum is another one, or cannot be taken.
    """
    inside = {name: value for name, value in about.items() if name not in ("format", "version", "checksum")}
    try:
        found = seal(inside)
    except RecursionError:  # writing takes a little more of it than reading
        raise FileFormatError(f"{path} is nested too deeply", fix="restore a copy") from None
    if found != about["checksum"]:
        raise FileFormatError(f"{path} is not what was written", fix="restore a copy")
    return inside
