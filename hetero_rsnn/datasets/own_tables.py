"""Labelled samples from a text table: a row a sample, or rows of time that an id groups into series."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.own_samples import OwnSamples, check_split, held, usual_label
from hetero_rsnn.inputs.files import read_bytes
from hetero_rsnn.inputs.text_tables import (
    Cells,
    Column,
    choose,
    holds_numbers,
    is_clock,
    is_index,
    names_a_time,
    notation_of,
    numbers_of,
    read_cells,
)


def read_labelled_table(
    path: Path,
    *,
    label: str | None = None,
    sample: str | None = None,
    groups: str | None = None,
    split: str | None = None,
    column: Column = None,
    labelled: bool = True,
) -> OwnSamples:
    """Read a text table.

    Parameters
    ----------
    path : Path
    label, groups, split : str, optional
        Columns, by name or 0-based index. Without `label` that which is called so as usual.
    sample : str, optional
        Column of ids: rows of one id are one series, in the order of the file. Without it a row is a sample.
    column : str, int or list of them, optional
        The channels; by default all other columns of numbers.
    labelled : bool
        Whether there must be labels.

    Raises
    ------
    FileFormatError, StimulusError
        Naming line and column of what cannot be.
    """
    data = read_bytes(path)
    cells = read_cells(data, path)
    if not cells.rows:
        raise FileFormatError(f"{path}: must hold at least one sample, got the names of columns alone", fix="add rows")

    def index(word: str) -> int:
        return choose(cells.names, [word], path)[0]

    if label is None and labelled:
        label = usual_label(path, cells.names, "column")
    special = {what: index(w) for what, w in _given(label=label, sample=sample, groups=groups, split=split).items()}
    if len(set(special.values())) < len(special):
        raise FileFormatError(f"{path}: label, sample, groups and split must be different columns", fix="choose others")
    ids = cells.column(special["sample"]) if "sample" in special else None
    chosen = _channels(cells, set(special.values()), ids, path, column)
    values = numbers_of(cells.rows, chosen, cells.names, path)
    parts, names = _parts(cells, ids, path)
    of_samples = {what: _once(cells, at, what, parts, names, path) for what, at in special.items() if what != "sample"}
    chopped = [values[rows] for rows in parts] if ids is not None else held(values)
    return OwnSamples(
        X=chopped,
        names=names,
        channels=tuple(cells.names[i] for i in chosen),
        labels=of_samples.get("label"),
        groups=of_samples.get("groups"),
        split=None if "split" not in of_samples else check_split(path, of_samples["split"], names),
        still=ids is None,
        sha256=hashlib.sha256(data).hexdigest(),
        details={"sample": None if ids is None else cells.names[special["sample"]]},
    )


def _given(**words: str | None) -> dict[str, str]:
    return {what: word for what, word in words.items() if word is not None}


def _channels(cells: Cells, taken: set[int], ids: list[str] | None, path: Path, column: Column) -> list[int]:
    """Columns of numbers; of the others it is said that they are left out."""
    if column is not None:
        return choose(cells.names, column, path)
    rest = [i for i in range(len(cells.names)) if i not in taken]
    plain = {i: holds_numbers(cells.column(i)) for i in rest}
    chosen = [i for i in rest if plain[i]]
    left = [(cells.names[i], notation_of(cells.column(i)) or "text") for i in rest if not plain[i]]
    if len(chosen) > 1:
        why = _clock(cells, chosen, ids, path)
        if why:
            left.insert(0, (cells.names[chosen[0]], why))
            chosen = chosen[1:]
    if not chosen:
        raise FileFormatError(
            f"{path}: must have a column of numbers beside labels and ids, got none in {len(cells.rows)} rows",
            fix="check the file",
        )
    for doubt in cells.doubts:
        warnings.warn(f"{path.name}: {doubt}", UserWarning, stacklevel=5)
    if left:
        words = ", ".join(f"{name!r} ({why})" for name, why in left)
        warnings.warn(f"{path.name}: left out as no channel: {words}", UserWarning, stacklevel=5)
    return chosen


def _clock(cells: Cells, chosen: list[int], ids: list[str] | None, path: Path) -> str:
    """Why the first column of numbers is no channel: it numbers the rows, or is a clock in every series."""
    first = chosen[0]
    try:
        x = numbers_of(cells.rows, [first], cells.names, path)[:, 0]
    except ValueError:  # said when all are read
        return ""
    if cells.named and first == 0 and not cells.first[0] and is_index(x):
        return "an index"
    if ids is None:
        return ""
    keys = np.array(ids)
    series = [x[keys == key] for key in dict.fromkeys(ids)]
    long = [t for t in series if len(t) > 2]
    if not long or not all(is_clock(t) for t in long):
        return ""
    timed = cells.named and not names_a_time(cells.names[first]) and any(names_a_time(cells.names[i]) for i in chosen)
    return "" if timed else "a clock"


def _parts(cells: Cells, ids: list[str] | None, path: Path) -> tuple[list[list[int]], list[str]]:
    """Rows of each sample, and what it is called."""
    if ids is None:
        return [[k] for k in range(len(cells.rows))], [f"line {line}" for line in cells.lines]
    parts: dict[str, list[int]] = {}
    for k, key in enumerate(ids):
        if not key:
            raise FileFormatError(f"{path}, line {cells.lines[k]}: must say of which sample it is", fix="fill the gap")
        parts.setdefault(key, []).append(k)
    return list(parts.values()), list(parts)


def _once(
    cells: Cells, at: int, what: str, parts: Sequence[list[int]], names: Sequence[str], path: Path
) -> NDArray[np.str_]:
    """What a column says of each sample: the same in all of its rows."""
    column = cells.column(at)
    out = []
    for rows, name in zip(parts, names, strict=True):
        word = column[rows[0]]
        if not word:
            where = f"line {cells.lines[rows[0]]}, column {cells.names[at]!r}"
            raise FileFormatError(f"{path}, {where}: must not be empty", fix="fill the gap or leave the row out")
        odd = next((k for k in rows if column[k] != word), None)
        if odd is not None:
            raise FileFormatError(
                f"{path}, line {cells.lines[odd]}, column {cells.names[at]!r}: sample {name} must have one {what}, got "
                f"{column[odd]!r} after {word!r} in line {cells.lines[rows[0]]}",
                fix="mend the column, or choose another one for samples",
            )
        out.append(word)
    return np.array(out)


def series_of(values: Array, keys: Sequence[str]) -> dict[str, Array]:
    """Rows of each key, in the order of the file."""
    found = np.array(list(keys))
    return {key: values[found == key] for key in dict.fromkeys(keys)}
