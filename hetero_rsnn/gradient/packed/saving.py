"""Packed networks as files: a JSON file that says what the layers are, and an npz file with their arrays.

Arrays are named LAYER.NAME, such as ``2.words``; those on the path of a shortcut LAYER.path.PLACE.NAME. They are little
endian and lie in C order. Words have 64 bits: bit b of word w of a row belongs to input 64 w + b, 1 for a weight of +1
and 0 for -1; bits behind the last input are 0. So byte k of a row holds inputs 8 k to 8 k + 7, the first in its lowest
bit. ``docs/packed_format.md`` tells all of it.

No pickle is written or read. Both files are written to temporary names and renamed, the JSON file last, and hold each
other's checksums.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.array_files import Arrays, read_array_file, read_sealed, unsealed, write_sealed
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import file_named
from hetero_rsnn.gradient.packed.words import WORD

_FORMAT, _VERSION = "hetero_rsnn packed network", 1
_LAYOUT = {"word": WORD, "bit_order": "little", "byte_order": "little"}
_INSIDE = (*_LAYOUT, "network", "arrays", "sha256")


def save(spec: dict[str, Any], arrays: Arrays, path: str | Path, overwrite: bool) -> Path:
    """Write what describes a network, and its arrays."""
    path = file_named("a packed network", path, ".json")
    little = {name: array.astype(array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    return write_sealed(path, {**_LAYOUT, "network": spec}, little, form=_FORMAT, version=_VERSION, overwrite=overwrite)


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


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file says, checked as a whole."""
    other = FileFormatError(f"{path} is no packed network", fix="name the JSON file of a saved one")
    about = read_sealed(path, form=_FORMAT, version=_VERSION, refusal=other)
    for name, rule in _LAYOUT.items():
        if about.get(name) != rule:
            raise FileFormatError(
                f"{path}: {name} must be {rule!r}, got {about.get(name)!r:.40}", fix="pack the network again"
            )
    if about.keys() != {"format", "version", *_INSIDE, "checksum"}:
        raise FileFormatError(f"{path} must hold {', '.join(_INSIDE)} and checksum", fix="restore a copy")
    return unsealed(path, about)
