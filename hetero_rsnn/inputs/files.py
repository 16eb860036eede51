"""Measured series from files: csv and other text, npy, npz and wav become an array of samples x channels."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import FileFormatError, HeteroError, StimulusError, suggest
from hetero_rsnn.common.files import check_arrays, path_of, why_unreadable
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.text_tables import Column, choose, read_table

#: Endings of text files.
TEXT = (".csv", ".txt", ".tsv")
#: Bytes that a byte of a text file takes while it is read: cells are objects.
_OF_TEXT = 15
#: Sizes that programs write into the header of a wav file where they cannot go back to fill them in: ffmpeg 2^32 - 1,
#: sox 2^31 - 4096, arecord 2^31, others 0; and the size of the whole is a bit more.
_UNKNOWN_SIZES = (range(0, 1), range(0x7FFFF000, 0x80000100), range(0xFFFFFF00, 0x100000000))


@dataclass(frozen=True, eq=False)
class Series:
    """A measured series, its channels' names and its sampling interval in ms (None if the file does not state it).

    Attributes
    ----------
    values : ndarray of float, shape (samples, channels)
        Finite numbers; `names` has one name a channel, its 0-based index where the file gives none.
    source : str
        Name of the file, without its folder.
    left_out : tuple of (str, str)
        Columns of the file that were not asked for and are no channels: name, and why.
    sha256 : str
        Of the file's bytes.
    """

    values: Array
    names: tuple[str, ...]
    interval_ms: float | None
    source: str
    left_out: tuple[tuple[str, str], ...] = ()
    sha256: str = ""


def read_series(path: str | os.PathLike[str], *, column: Column = None, header: bool | None = None) -> Series:
    """Read a series from a file; its ending says the format.

    Parameters
    ----------
    path : path
        ``.csv``, ``.txt``, ``.tsv``: UTF-8 text; tab, semicolon, comma or blanks between fields, decimal points, at
        most one header, lines that begin with ``#`` left out. ``.npy``: (samples,) or (samples, channels). ``.npz``:
        one such array, or the one that `column` names. ``.wav``: PCM is scaled to [-1, 1], float samples are kept.
    column : str, int or list of them, optional
        Channels to keep: names (as a list, or with commas between), or 0-based indices that count every column of the
        file. Without it all columns that hold numbers are read, and columns of text (dates, times) are left out. So
        is the first column of a text file where it is a clock: three rows or more that rise in even steps (each within
        a twentieth of a step of its place), beside other columns of numbers; and a first column without a name that
        numbers the rows. `left_out` says which.
    header : bool, optional
        Whether the first row of a text file names the columns. Without it a row without numbers does, and a row of the
        numbers 0, 1, 2, ... or of years in even steps where the numbers below look otherwise.

    Returns
    -------
    Series

    Raises
    ------
    FileFormatError
        If the file is missing, empty, corrupt, of unknown kind, without numbers, has rows of unequal length or decimal
        commas, or would not fit into memory.
    StimulusError
        If `column` is unknown or no number, or the values are not finite, real and of one or two dimensions.

    Warns
    -----
    UserWarning
        Of what may be meant otherwise: a first row that may be names or a sample, columns that look like numbers in
        another notation (``1 234``, ``5%``, ``1.5D+00``) and are left out, columns that tell the time (a calendar, a
        clock with gaps) and become channels.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "weather.csv")
    ...     _ = path.write_text("day,wind\\nMon,1.5\\nTue,2.5\\n")
    ...     series = read_series(path)
    >>> series.names, series.values.tolist(), series.left_out
    (('wind',), [[1.5], [2.5]], (('day', 'text'),))
    """
    path = path_of("path", path)
    ending, endings = path.suffix.lower(), (*TEXT, ".npy", ".npz", ".wav")
    if ending not in endings:
        raise FileFormatError(f"{path}: must end in {', '.join(endings)}, got {ending!r}{suggest(ending, endings)}")
    if header is not None and not isinstance(header, bool):
        raise StimulusError(f"header must be True, False or None, got {header!r}", fix="leave it out to have it found")
    data = read_bytes(path)
    series, doubts = _read(data, path, ending, column, header)
    for doubt in doubts:
        warnings.warn(f"{path.name}: {doubt}", UserWarning, stacklevel=2)
    return replace(series, sha256=hashlib.sha256(data).hexdigest())


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of data, if they and what is made of them fit into memory, and there are any.

    Raises
    ------
    FileFormatError
        If not, or the file cannot be read.
    """
    try:
        size = path.stat().st_size * (_OF_TEXT if path.suffix.lower() in TEXT else 1)
        memory.fits(f"{path}: reading it", size, "read a part of it", error=FileFormatError)
        data = path.read_bytes()
    except FileFormatError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise FileFormatError(why_unreadable(path, error), fix="check the path") from error
    if not data.strip():
        raise FileFormatError(f"{path}: must hold at least one sample, got an empty file: write it again")
    return data


def _read(data: bytes, path: Path, ending: str, column: Column, header: bool | None) -> tuple[Series, tuple[str, ...]]:
    if ending in TEXT:
        table = read_table(data, path, column, header)
        return Series(table.values, table.names, None, path.name, table.left_out), table.doubts
    array, key, interval = read_wav(data, path) if ending == ".wav" else _read_numpy(data, path, column)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise StimulusError(f"{path}: must hold real numbers, got dtype {array.dtype}: save it as float64")
    if array.ndim not in (1, 2) or array.size == 0:
        raise StimulusError(f"{path}: must be (samples,) or (samples, channels), got shape {array.shape}: reshape it")
    values = np.ascontiguousarray(array.reshape(len(array), -1), dtype=np.float64)
    names = [str(i) for i in range(values.shape[1])]
    if column is not None and key is None:
        chosen = choose(names, column, path)
        values, names = values[:, chosen], [names[i] for i in chosen]
    for row, i in np.argwhere(~np.isfinite(values))[:1]:
        raise StimulusError(f"{path}, row {row}, column {names[i]}: must be finite, got {values[row, i]}: fill the gap")
    return Series(values, (key,) if key and len(names) == 1 else tuple(names), interval, path.name), ()


def _read_numpy(data: bytes, path: Path, column: Column) -> tuple[Any, str | None, None]:
    key, rule = None, f"must be a sound {path.suffix} file of plain numbers, without objects"
    try:
        if not data.startswith(b"PK"):
            check_arrays(data, str(path), FileFormatError, factor=2.0)
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if path.suffix.lower() == ".npz" and isinstance(loaded, np.lib.npyio.NpzFile):
            keys = loaded.files
            if not keys or (column is None and len(keys) > 1):
                raise StimulusError(f"{path}: must hold one array, got {keys}: name one with column=...")
            one = column[0] if isinstance(column, list | tuple) and len(column) == 1 else column
            key = keys[0] if one is None else str(one)
            if key not in keys:
                raise StimulusError(f"{path}: unknown array {key!r}{suggest(key, keys)}: name one with column=...")
            # numbers of 8 bytes are made of those of 1 to 8
            check_arrays(data, str(path), FileFormatError, names=[key], factor=3.0)
            loaded = loaded[key]
            memory.fits(f"{path}: reading it", 8.0 * loaded.size, "take a part of it", error=FileFormatError)
        if not isinstance(loaded, np.ndarray):
            raise TypeError(f"{type(loaded).__name__} and no array")
    except HeteroError:
        raise
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds on damaged bytes
        raise FileFormatError(f"{path}: {rule}, got: {error!r:.200}: save it again with numpy") from error
    return loaded, key, None


def read_wav(data: bytes, path: Path) -> tuple[Any, None, float]:
    """Read the bytes of the wav file `path`: samples (PCM in [-1, 1]), no name, and the interval in ms.

    Raises
    ------
    FileFormatError
        If the bytes are no whole PCM or float wav file.
    """
    from scipy.io import wavfile  # here, because the import takes long

    try:
        data = _sized(data)
        with warnings.catch_warnings(action="ignore", category=wavfile.WavFileWarning):  # chunks that others add
            warnings.filterwarnings("error", "Reached EOF prematurely", wavfile.WavFileWarning)
            rate, array = wavfile.read(io.BytesIO(data))
        interval = 1000.0 / rate
    except Exception as error:  # scipy raises whatever the damaged bytes lead to
        raise FileFormatError(
            f"{path}: must be a whole PCM or float wav file, got: {error!r:.200}: export it"
        ) from error
    memory.fits(f"{path}: reading it", 16.0 * array.size, "cut it into parts", error=FileFormatError)
    if array.dtype.kind == "i":  # scipy moves 24 bits to the top of 32
        array = array / 2.0 ** (8 * array.dtype.itemsize - 1)
    return (array - 128.0) / 128.0 if array.dtype.kind == "u" else array, None, interval


def _sized(data: bytes) -> bytes:
    """A wav file with the sizes that its header lacks, if a program wrote it to a pipe and could not fill them in.

    Raises
    ------
    ValueError
        If samples are missing that the header states, or there are two parts with samples: scipy would give what there
        is of the first, or the second alone.
    """
    order = {b"RIFF": "<", b"RIFX": ">"}.get(data[:4], "")
    if not order or data[8:12] != b"WAVE":
        return data  # of 64 bits, or none: scipy knows
    (whole,) = struct.unpack(f"{order}I", data[4:8])
    unknown = any(whole in sizes for sizes in _UNKNOWN_SIZES)
    at, block, found, out = 12, 1, False, data
    while at + 8 <= len(data):
        name, (size,) = data[at : at + 4], struct.unpack(f"{order}I", data[at + 4 : at + 8])
        there = len(data) - at - 8
        if name == b"fmt " and there >= 14:
            block = max(1, struct.unpack(f"{order}H", data[at + 20 : at + 22])[0])
        if name == b"data":
            if found:
                raise ValueError("two parts with samples")
            found = True
            open_end = any(size in sizes for sizes in _UNKNOWN_SIZES) and (size > 0 or unknown)
            if size > there and not open_end:
                raise ValueError(f"EOF after {there} of {size} bytes of samples")
            if open_end and (size > there or size == 0):
                size = there - there % block
                out = data[: at + 4] + struct.pack(f"{order}I", size) + data[at + 8 : at + 8 + size]
                break
        at += 8 + size + size % 2
    if (unknown or out is not data) and whole + 8 != len(out):
        out = out[:4] + struct.pack(f"{order}I", len(out) - 8) + out[8:]
    return out


def scale_series(values: ArrayLike, how: str) -> Array:
    """Scale each channel: ``"minmax"`` to [-1, 1], ``"zscore"`` to mean 0 and deviation 1 (divisor n), or ``"none"``.

    A constant channel becomes 0 under the first two. The result is a new array of the shape of `values`.

    Raises
    ------
    StimulusError
        If `how` is unknown, or `values` is not finite, real, empty, masked, or not (samples,) or (samples, channels).

    Examples
    --------
    >>> scale_series([1, 2, 5], "minmax").tolist()
    [-1.0, -0.5, 1.0]
    """
    if how not in (known := ("minmax", "zscore", "none")):
        raise StimulusError(f"unknown scaling {how!r}{suggest(str(how), known)}: use one of {', '.join(known)}")
    x = checks.finite_array("values", values, (1, 2), fix="fill the gap", error=StimulusError).copy()
    if how == "none":
        return x
    x /= np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)  # so that neither ranges nor squares overflow
    low, high = x.min(axis=0), x.max(axis=0)
    top, bottom = (2 * (x - low) - (high - low), high - low) if how == "minmax" else (x - x.mean(axis=0), x.std(axis=0))
    return np.asarray(top / np.where(high > low, bottom, np.inf))  # a constant channel becomes 0
