"""Packed networks as files: a JSON file that says what the layers are, and an npz file with their arrays.

Arrays are named LAYER.NAME, such as ``2.words``; those on the path of a shortcut LAYER.path.PLACE.NAME. They are little
endian and lie in C order. Words have 64 bits: bit b of word w of a row belongs to input 64 w + b, 1 for a weight of +1
and 0 for -1; bits behind the last input are 0. So byte k of a row holds inputs 8 k to 8 k + 7, the first in its lowest
bit. ``docs/packed_format.md`` tells all of it.

No pickle is written or read. Both files are written to temporary names and renamed, the JSON file last, and hold each
other's checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common import memory
from hetero_rsnn.common.array_files import Arrays, array_file_name, packed, read_array_file, write_array_file
from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError
from hetero_rsnn.common.files import json_text, write_text
from hetero_rsnn.gradient.packed.words import WORD

_FORMAT, _VERSION = "hetero_rsnn packed network", 1
_LAYOUT = {"word": WORD, "bit_order": "little", "byte_order": "little"}
_INSIDE = (*_LAYOUT, "network", "arrays", "sha256")


def save(spec: dict[str, Any], arrays: Arrays, path: Path, overwrite: bool) -> Path:
    """Write what describes a network, and its arrays."""
    if path.suffix != ".json":
        raise HeteroError(f"a packed network is saved as NAME.json, got {path.name!r}", fix="end it in .json")
    if os.path.islink(path):
        path = Path(os.path.realpath(path))
    data = packed({name: array.astype(array.dtype.newbyteorder("<")) for name, array in arrays.items()})
    checksum = hashlib.sha256(data).hexdigest()
    about: dict[str, Any] = {**_LAYOUT, "network": spec, "arrays": array_file_name(path, checksum), "sha256": checksum}
    text = json_text({"format": _FORMAT, "version": _VERSION, **about, "checksum": _checksum(about)})
    if os.path.lexists(path) and not overwrite and not _holds(path, text.encode()):
        raise OutputError(f"{path} exists already", fix="choose another name, or give overwrite=True")
    write_array_file(path, about["arrays"], data)
    return write_text(path, text)


def read(path: Path) -> tuple[Any, Arrays]:
    """What describes a network, and its arrays.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, of another version or layout, or none of a packed network.
    """
    about = _read(path)
    arrays = read_array_file(path, about["arrays"], about["sha256"], FileFormatError)
    for name, array in arrays.items():
        if array.dtype not in (np.uint64, np.float32):
            raise FileFormatError(
                f"{path}: the array {name!r:.40} must be of uint64 or float32, got {array.dtype}", fix="restore a copy"
            )
    return about["network"], {name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()}


def _checksum(about: dict[str, Any]) -> str:
    """Of what the JSON file says, however it is laid out."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file says, checked as a whole."""
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
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise FileFormatError(f"{path} is no packed network", fix="name the JSON file of a saved one")
    if about.get("version") != _VERSION or isinstance(about["version"], bool):
        raise FileFormatError(
            f"{path} must be of version {_VERSION}, got {about.get('version')!r:.40}",
            fix="read it with a newer package",
        )
    for name, rule in _LAYOUT.items():
        if about.get(name) != rule:
            raise FileFormatError(
                f"{path}: {name} must be {rule!r}, got {about.get(name)!r:.40}", fix="pack the network again"
            )
    if about.keys() != {"format", "version", *_INSIDE, "checksum"}:
        raise FileFormatError(f"{path} must hold {', '.join(_INSIDE)} and checksum", fix="restore a copy")
    said, about = about["checksum"], {name: about[name] for name in _INSIDE}
    if _checksum(about) != said:
        raise FileFormatError(f"{path} is not what was written", fix="restore a copy")
    return about


def _holds(path: Path, data: bytes) -> bool:
    """Whether a file has this content."""
    try:
        return os.path.isfile(path) and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
