"""IDX files, the format of MNIST and its kin: a magic number, the sizes of the axes, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.files import path_of, why_unreadable

#: The third byte of the magic number: what the numbers are.
_KINDS = {
    0x08: "unsigned bytes", 0x09: "signed bytes", 0x0B: "16-bit integers", 0x0C: "32-bit integers",
    0x0D: "32-bit floats", 0x0E: "64-bit floats",
}  # fmt: skip
_BYTES = 0x08
_GZIP = b"\x1f\x8b"
#: Bytes that a byte of a packed file can unpack to at most: 258 from 2 bits.
_DENSEST = 1032
_FIX = "get it again"


def read_idx(path: str | os.PathLike[str], axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or packed by gzip, whatever its name ends in.

    Parameters
    ----------
    path : path
    axes : int
        How many the array must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, cut off or too long, holds other numbers or axes, or would not fit into memory.

    References
    ----------
    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits" (the format).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 0x08, 1]) + bytes([0, 0, 0, 3]) + bytes([7, 0, 9]))
    ...     read_idx(path, 1).tolist()
    [7, 0, 9]
    """
    path = path_of("path", path)
    try:
        with path.open("rb") as file:
            held = os.fstat(file.fileno()).st_size
            packed = file.read(2) == _GZIP
            file.seek(0)
            if not packed:
                return _array(path, file, axes, held)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _array(path, unpacked, axes, held * _DENSEST)
    except FileFormatError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(f"{path}: must be a whole gzip file, got: {error!r:.200}", fix=_FIX) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise FileFormatError(why_unreadable(path, error), fix="check the path") from error


def _array(path: Path, file: Any, axes: int, most: int) -> NDArray[np.uint8]:
    """What an open file holds; it has `most` bytes at most."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _KINDS:
        rule = "must begin with the magic number of an IDX file (00 00, kind, axes)"
        raise FileFormatError(f"{path}: {rule}, got {magic.hex(' ') or 'nothing'}", fix=_FIX)
    if magic[2] != _BYTES or magic[3] != axes:
        rule = f"must hold {_KINDS[_BYTES]} on {axes} ax{'i' if axes == 1 else 'e'}s"
        got = f"{_KINDS[magic[2]]} on {magic[3]}"
        raise FileFormatError(f"{path}: {rule}, got {got}", fix="check that it is the file its name says")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        rule = f"must state the size of {axes} ax{'i' if axes == 1 else 'e'}s in {4 * axes} bytes"
        raise FileFormatError(f"{path}: {rule}, got {len(sizes)} bytes", fix=_FIX)
    shape = struct.unpack(f">{axes}I", sizes)
    count = math.prod(shape)
    if not count:
        raise FileFormatError(f"{path}: must hold at least one number, got the shape {shape}", fix=_FIX)
    # A header can promise anything; nothing is taken for more than the file can hold.
    if count > most:
        raise FileFormatError(f"{path}: must hold {count} bytes of shape {shape}, got a shorter file", fix=_FIX)
    memory.fits(f"{path}: reading it", count, "free some memory", error=FileFormatError)
    out = np.empty(count, np.uint8)
    filled = _fill(file, out)
    if filled < count:
        raise FileFormatError(f"{path}: must hold {count} bytes of shape {shape}, got {filled}", fix=_FIX)
    if file.read(1):  # which also looks at the checksum of a packed file
        raise FileFormatError(f"{path}: must end after {count} bytes of shape {shape}, got more", fix=_FIX)
    return out.reshape(shape)


def _fill(file: Any, out: NDArray[np.uint8]) -> int:
    """Read into an array; how many bytes there were."""
    view, got = memoryview(out.data), 0
    while got < len(view) and (count := file.readinto(view[got:])):
        got += count
    return got
