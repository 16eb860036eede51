"""Measured series from files: csv and other text, npy, npz and wav become an array of samples x channels."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common.errors import FileFormatError, StimulusError, suggest
from hetero_rsnn.common.types import Array

_TEXT = (".csv", ".txt", ".tsv")
#: What names channels.
Column = str | int | Sequence[str | int] | None
#: What a person takes for a number and Python does not ("1,5", "1_000"): reported, not left out as a column of text.
_LIKE = re.compile(r"[-+]?\d[\d,_]*(\.\d+)?(,\d+)?")


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


def read_series(path: str | os.PathLike[str], *, column: Column = None) -> Series:
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
        a twentieth of a step of its place), beside other columns of numbers. `left_out` says which.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, corrupt, of unknown kind, without numbers, or has rows of unequal length.
    StimulusError
        If `column` is unknown or no number, or the values are not finite, real and of one or two dimensions.
    """
    path = Path(path)
    ending, endings = path.suffix.lower(), (*_TEXT, ".npy", ".npz", ".wav")
    if ending not in endings:
        raise FileFormatError(f"{path}: must end in {', '.join(endings)}, got {ending!r}{suggest(ending, endings)}")
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise FileFormatError(f"{path}: must be a readable file, got: {error}: check the path") from error
    if not data.strip():
        raise FileFormatError(f"{path}: must hold at least one sample, got an empty file: write it again")
    return replace(_read(data, path, ending, column), sha256=hashlib.sha256(data).hexdigest())


def _read(data: bytes, path: Path, ending: str, column: Column) -> Series:
    if ending in _TEXT:
        return _read_text(data, path, column)
    array, key, interval = read_wav(data, path) if ending == ".wav" else _read_numpy(data, path, column)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise StimulusError(f"{path}: must hold real numbers, got dtype {array.dtype}: save it as float64")
    if array.ndim not in (1, 2) or array.size == 0:
        raise StimulusError(f"{path}: must be (samples,) or (samples, channels), got shape {array.shape}: reshape it")
    values = np.ascontiguousarray(array.reshape(len(array), -1), dtype=np.float64)
    names = [str(i) for i in range(values.shape[1])]
    if column is not None and key is None:
        chosen = _choose(names, column, path)
        values, names = values[:, chosen], [names[i] for i in chosen]
    for row, i in np.argwhere(~np.isfinite(values))[:1]:
        raise StimulusError(f"{path}, row {row}, column {names[i]}: must be finite, got {values[row, i]}: fill the gap")
    return Series(values, (key,) if key and len(names) == 1 else tuple(names), interval, path.name)


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _is_clock(t: Array) -> bool:
    """Whether times rise in even steps, but for the rounding of their last digit."""
    if len(t) < 3 or not t[-1] > t[0]:
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # a range beyond all floats is no clock
        step = (t[-1] - t[0]) / (len(t) - 1)
        return bool(np.all(np.abs((t - t[0]) / step - np.arange(len(t))) <= 0.05))


def _choose(names: list[str], column: Column, path: Path) -> list[int]:  # a name goes before an index
    chosen = []
    if isinstance(column, list | tuple):
        words = [str(word) for word in column]
    else:
        words = [str(column)] if str(column) in names else [word.strip() for word in str(column).split(",")]
    if not words:
        raise StimulusError(f"{path}: column must name a channel, got {column!r}: leave it out for all")
    for word in words:
        if names.count(word) > 1:
            raise StimulusError(f"{path}: column {word!r} must occur once, got {names.count(word)}: give its index")
        if word not in names and not (word.isdecimal() and len(word) < 10 and int(word) < len(names)):
            raise StimulusError(
                f"{path}: unknown column {word!r}{suggest(word, names)}: give a name or a 0-based index"
            )
        chosen.append(names.index(word) if word in names else int(word))
    return chosen


def _read_text(data: bytes, path: Path, column: Column) -> Series:
    rows: list[tuple[int, list[str]]] = []  # with the line of the file in which each ends
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline=None)
        lines = [(i, s) for i, s in enumerate(text, 1) if s.strip() and not s.lstrip().startswith("#")]
        below_header = re.sub(r'"[^"]*"', "", "".join(s for _, s in lines[:2][-1:])).strip(" \n")
        delimiter = next((d for d in "\t;," if d in below_header), " " if re.search(r"\s", below_header) else ",")
        feed = [" ".join(s.split()) if delimiter == " " else s for _, s in lines]
        reader = csv.reader(feed, delimiter=delimiter, skipinitialspace=delimiter != "\t")
        for row in reader:
            rows.append((lines[reader.line_num - 1][0], [" ".join(cell.split()) for cell in row]))
            if len(row) != len(rows[0][1]):
                rule = f"must have {len(rows[0][1])} fields as line {rows[0][0]} has, got {len(row)}"
                raise FileFormatError(f"{path}, line {rows[-1][0]}: {rule}: fill the row or leave it out")
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"{path}: must be UTF-8 text in columns, got: {error}: export it again") from error
    first = rows[0][1] if rows else []
    header = any(first) and all(_number(cell) is None for cell in first)
    names = [cell if header and cell else str(i) for i, cell in enumerate(first)]
    rows = rows[1:] if header else rows
    columns = zip(*(cells for _, cells in rows), strict=True)
    chosen = [i for i, cells in enumerate(columns) if any(_number(c) is not None or _LIKE.fullmatch(c) for c in cells)]
    if not chosen:
        raise FileFormatError(f"{path}: must have a column of numbers, got none in {len(rows)} rows: check the file")
    chosen = chosen if column is None else _choose(names, column, path)
    values = np.empty((len(rows), len(chosen)))
    for k, (line, cells) in enumerate(rows):
        for j, i in enumerate(chosen):
            number = _number(cells[i])
            if number is None or not math.isfinite(number):
                what = f"line {line}, column {names[i]!r}: must be a finite number, got {cells[i]!r}"
                raise StimulusError(f"{path}, {what}: fill the gap, write decimal points, or choose other columns")
            values[k, j] = number
    left_out: tuple[tuple[str, str], ...] = ()
    if column is None:
        left_out = tuple((name, "text") for i, name in enumerate(names) if i not in chosen)
        if len(chosen) > 1 and chosen[0] == 0 and _is_clock(values[:, 0]):
            left_out = ((names[0], "evenly spaced"), *left_out)
            values, chosen = np.ascontiguousarray(values[:, 1:]), chosen[1:]
    return Series(values, tuple(names[i] for i in chosen), None, path.name, left_out)


def _read_numpy(data: bytes, path: Path, column: Column) -> tuple[Any, str | None, None]:
    key, rule = None, f"must be a sound {path.suffix} file of plain numbers, without objects"
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if path.suffix.lower() == ".npz" and isinstance(loaded, np.lib.npyio.NpzFile):
            keys = loaded.files
            if not keys or (column is None and len(keys) > 1):
                raise StimulusError(f"{path}: must hold one array, got {keys}: name one with column=...")
            one = column[0] if isinstance(column, list | tuple) and len(column) == 1 else column
            key = keys[0] if one is None else str(one)
            if key not in keys:
                raise StimulusError(f"{path}: unknown array {key!r}{suggest(key, keys)}: name one with column=...")
            loaded = loaded[key]
        if not isinstance(loaded, np.ndarray):
            raise TypeError(f"{type(loaded).__name__} and no array")
    except StimulusError:
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
        with warnings.catch_warnings(action="ignore", category=wavfile.WavFileWarning):  # chunks that others add
            warnings.filterwarnings("error", "Reached EOF prematurely", wavfile.WavFileWarning)
            rate, array = wavfile.read(io.BytesIO(data))
        interval = 1000.0 / rate
    except Exception as error:  # scipy raises whatever the damaged bytes lead to
        raise FileFormatError(
            f"{path}: must be a whole PCM or float wav file, got: {error!r:.200}: export it"
        ) from error
    if array.dtype.kind == "i":  # scipy moves 24 bits to the top of 32
        array = array / 2.0 ** (8 * array.dtype.itemsize - 1)
    return (array - 128.0) / 128.0 if array.dtype.kind == "u" else array, None, interval


def scale_series(values: ArrayLike, how: str) -> Array:
    """Scale each channel: ``"minmax"`` to [-1, 1], ``"zscore"`` to mean 0 and deviation 1 (divisor n), or ``"none"``.

    A constant channel becomes 0 under the first two. The result is a new array of the shape of `values`.

    Raises
    ------
    StimulusError
        If `how` is unknown, or `values` is not finite, empty, or not (samples,) or (samples, channels).
    """
    if how not in (known := ("minmax", "zscore", "none")):
        raise StimulusError(f"unknown scaling {how!r}{suggest(str(how), known)}: use one of {', '.join(known)}")
    x = np.array(values, dtype=np.float64)
    if x.ndim not in (1, 2) or x.size == 0 or not np.isfinite(x).all():
        raise StimulusError(f"values must be finite, of shape (samples,) or (samples, channels), got shape {x.shape}")
    if how == "none":
        return x
    x /= np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)  # so that neither ranges nor squares overflow
    low, high = x.min(axis=0), x.max(axis=0)
    top, bottom = (2 * (x - low) - (high - low), high - low) if how == "minmax" else (x - x.mean(axis=0), x.std(axis=0))
    return np.asarray(top / np.where(high > low, bottom, np.inf))  # a constant channel becomes 0
