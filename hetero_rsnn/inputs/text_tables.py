"""Text files as tables: what separates fields, whether the first row names them, which columns are numbers.

People write tables in more ways than can be told apart. What two readings fit is refused, or read in the likelier one
with a `doubt` that says so; nothing is guessed in silence.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from hetero_rsnn.common.errors import FileFormatError, StimulusError, suggest
from hetero_rsnn.common.types import Array

#: What names channels.
Column = str | int | Sequence[str | int] | None

_PLAIN = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_COMMAS = re.compile(r"[-+]?\d+(?:,\d+)+(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_CLOCK_WORD = re.compile(r"[\d.:/TZ+-]*\d[:/.T-]\d[\d.:/TZ+-]*")
#: What a person takes for a number and Python does not, and why it is none here.
_NOTATIONS = (
    (_COMMAS, "a comma in the number"),
    (re.compile(r"[-+]?\d[\d_]*_\d+(?:\.\d*)?"), "a line in the number"),
    (re.compile(r"[-+]?\d{1,3}(?:[ \u00a0\u2009\u202f'’]\d{3})+(?:[.,]\d*)?"), "blanks or marks between thousands"),
    (re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+(?:,\d+|(?:\.\d{3})+)"), "points between thousands"),
    (re.compile(rf"{_PLAIN}\s*[%‰]|[-+]?\d+,\d+\s*[%‰]"), "a percent sign"),
    (re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[dD][-+]?\d+"), "an exponent written with D: write E"),
    (re.compile(rf"[\u2212\u2013\u2012]\s*{_PLAIN}"), "a minus sign of print: write a hyphen"),
    (re.compile(rf"[$€£¥]\s*{_PLAIN}|{_PLAIN}\s*[$€£¥]"), "a sign of currency"),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), "a number in base 16"),
    (re.compile(rf"[<>≤≥~±]\s*{_PLAIN}"), "a bound, and no number"),
)
_PERCENT = next(rule for rule, why in _NOTATIONS if why == "a percent sign")
_UNIT = re.compile(rf"({_PLAIN})\s*([^\s\d.,;:+-][^\s\d,;:]*)")
#: Names of columns that tell when a row was measured.
_CALENDAR = frozenset(
    {"year", "yr", "yyyy", "month", "mon", "day", "doy", "dayofyear", "date", "time", "datetime", "timestamp", "hour"}
    | {"hr", "minute", "second", "week", "weekday", "quarter", "epoch"}
)
#: Further words of such names.
_BESIDE = frozenset({"of", "utc", "gmt", "unix", "local", "s", "sec", "ms", "h", "hh", "mm", "ss", "no", "number"})
#: No number and no time of day is longer; what is longer is not tried, since some rules take long to fail.
_LONGEST = 64


@dataclass(frozen=True, eq=False)
class Table:
    """The numbers of a text file, and what was decided about it.

    Attributes
    ----------
    values : ndarray, shape (rows, channels)
    names : tuple of str
    left_out : tuple of (str, str)
        Columns that were not asked for and are no channels: name, and why.
    doubts : tuple of str
        What may be meant otherwise, a sentence each: for warnings.
    """

    values: Array
    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]


Rows = list[tuple[int, list[str]]]


def _fits(rule: re.Pattern[str], text: str) -> re.Match[str] | None:
    return rule.fullmatch(text) if len(text) <= _LONGEST else None


def choose(names: list[str], column: Column, path: Path) -> list[int]:
    """Indices of the columns that `column` names; a name goes before an index."""
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


@dataclass(frozen=True, eq=False)
class Cells:
    """A text file before any cell is taken for a number.

    Attributes
    ----------
    names : list of str
        Of the columns; their 0-based index where the file gives none.
    rows : list of (int, list of str)
        Line of the file, and the cells of the row.
    named : bool
        Whether the first row names the columns.
    first : list of str
        The cells of the first row, whatever it is.
    doubts : list of str
        See `Table`.
    """

    names: list[str]
    rows: Rows
    named: bool
    first: list[str]
    doubts: list[str]

    def column(self, index: int) -> list[str]:
        """The cells of a column, row by row."""
        return [cells[index] for _, cells in self.rows]

    @property
    def lines(self) -> list[int]:
        """Line of the file in which each row ends."""
        return [line for line, _ in self.rows]


def read_cells(data: bytes, path: Path, header: bool | None = None) -> Cells:
    """Read the bytes of the text file `path` as cells, with the names of their columns."""
    rows = _rows(data, path)
    doubts: list[str] = []
    first, below = (rows[0][1], rows[1:]) if rows else ([], [])
    named = header
    if named is None:
        named, doubt = _is_header(first, [cells for _, cells in below])
        if doubt:
            kinds = ("the names of the columns", "a sample")
            read, other = kinds if named else kinds[::-1]
            doubts.append(
                f"line {rows[0][0]} ({_some(first)}) is read as {read}, and may be {other} ({doubt}): "
                f"give header={named} if it is read well, else header={not named}"
            )
    names = _names(first) if named else [str(i) for i in range(len(first))]
    return Cells(names, below if named else rows, named, first, doubts)


def read_table(data: bytes, path: Path, column: Column, header: bool | None) -> Table:
    """Read the bytes of the text file `path`; see `hetero_rsnn.inputs.files.read_series`."""
    found = read_cells(data, path, header)
    names, rows, named, first, doubts = found.names, found.rows, found.named, found.first, found.doubts
    columns = [list(cells) for cells in zip(*(cells for _, cells in rows), strict=True)]
    plain = [holds_numbers(cells) for cells in columns]
    why = ["" if good else notation_of(cells) for good, cells in zip(plain, columns, strict=True)]
    if not any(plain):
        odd = "; ".join(f"{name!r} has {text}" for name, text in zip(names, why, strict=False) if text)
        raise FileFormatError(
            f"{path}: must have a column of numbers, got none in {len(rows)} rows{f' ({odd})' if odd else ''}: "
            "check the file"
        )
    chosen = [i for i, good in enumerate(plain) if good] if column is None else choose(names, column, path)
    values = numbers_of(rows, chosen, names, path)
    if column is not None:
        return Table(values, tuple(names[i] for i in chosen), (), tuple(doubts))

    if not named and len(first) == len(chosen) == 2 and header is None:
        _refuse_split_decimals(rows, path, doubts)
    left_out = [(name, text or "text") for name, text, good in zip(names, why, plain, strict=True) if not good]
    doubts += [f"column {name!r} is left out: {text}" for name, text in zip(names, why, strict=True) if text]
    kept = chosen
    if named and kept[0] == 0 and len(kept) > 1 and not first[0] and is_index(values[:, 0]):
        left_out.insert(0, (names[0], "an index"))
        kept = kept[1:]
    at = len(chosen) - len(kept)
    timed = named and not names_a_time(names[kept[0]]) and any(names_a_time(names[i]) for i in kept)
    if kept[0] == at and len(kept) > 1 and not timed and is_clock(values[:, at]):
        left_out.insert(at, (names[kept[0]], "evenly spaced"))
        kept = kept[1:]
    values = np.ascontiguousarray(values[:, len(chosen) - len(kept) :])
    doubts += _times(values, [names[i] for i in kept], [line for line, _ in rows], named, kept[0])
    return Table(values, tuple(names[i] for i in kept), tuple(left_out), tuple(doubts))


# From text to cells -----------------------------------------------------------------------------------------------


def _rows(data: bytes, path: Path) -> Rows:
    """The cells of each row, with the line of the file in which it ends."""
    rows: Rows = []
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline=None)
        lines = [(i, s) for i, s in enumerate(text, 1) if s.strip() and not s.lstrip().startswith("#")]
        _refuse_decimal_commas(lines, path)
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
    return rows


def _refuse_decimal_commas(lines: list[tuple[int, str]], path: Path) -> None:
    """Refuse ``1,5 2,5``, which split at the commas would be 1 and 5."""
    for i, line in lines[:100]:
        words = line.split()
        if len(words) < 2 or "\t" in line.strip() or ";" in line or "," not in line:
            continue
        commas = [word[0] != "," and bool(_fits(_COMMAS, word)) for word in words]
        rest = (w for w, c in zip(words, commas, strict=True) if not c)
        if any(commas) and all(_number(w) is not None or _fits(_CLOCK_WORD, w) for w in rest):
            raise FileFormatError(
                f"{path}, line {i}: numbers must have decimal points, got {_short(line.strip())!r}: "
                "replace the decimal commas, or put semicolons or tabs between fields and points into numbers"
            )


def _refuse_split_decimals(rows: Rows, path: Path, doubts: list[str]) -> None:
    """Two columns of whole numbers may be one column with decimal commas: ``0,05`` is not 0 and 5."""
    cells = [row for _, row in rows]
    if not all(re.fullmatch(r"[-+]?\d+", a) and b.isdecimal() for a, b in cells):
        return
    for (line, (a, b)), odd in zip(rows, (a == "-0" or (len(b) > 1 and b[0] == "0") for a, b in cells), strict=True):
        if odd:
            raise FileFormatError(
                f"{path}, line {line}: numbers must have decimal points, got '{a},{b}': "
                "replace the comma, or give header=False if these are two columns"
            )
    doubts.append(
        f"two columns of whole numbers are read, from '{cells[0][0]},{cells[0][1]}' on: if the commas are decimal "
        "commas, write points; if not, give header=False"
    )


# Names ------------------------------------------------------------------------------------------------------------


def _names(first: list[str]) -> list[str]:
    """Cells of the header; a column without a name gets its index, or one that no other column has."""
    return [cell or (str(i) if str(i) not in first else f"column {i}") for i, cell in enumerate(first)]


def _is_header(first: list[str], below: list[list[str]]) -> tuple[bool, str]:
    """Whether the first row names the columns, and the doubt that is left, if any."""
    numbers = [_number(cell) is not None for cell in first]
    if not any(numbers):
        like = [any(_fits(rule, cell) for rule, _ in _NOTATIONS) for cell in first]
        percents = all(_fits(_PERCENT, cell) for cell, odd in zip(first, like, strict=True) if odd)
        same = any(_fits(_PERCENT, cell) for row in below[:1] for cell in row)
        return any(first) and (not any(like) or (percents and not same)), ""
    if not below:
        return False, ""
    lead = not numbers[0] and len(first) > 1
    labels, under = (first[1:], [row[1:] for row in below]) if lead else (first, below)
    if not all(re.fullmatch(r"[0-9]{1,9}", cell) for cell in labels):
        return False, ""
    k, count = len(labels), [int(cell) for cell in labels]
    counts, years = count == list(range(k)), _are_years(labels)
    unlike = all(re.search(r"[.eE]", cell) for row in under for cell in row if _number(cell) is not None)
    if lead and (counts or years):
        if not first[0] or all(_number(row[0]) is not None for row in below):
            return True, ""  # a name, or nothing, above numbers
        if re.search(r"\d", first[0]) or k == 1:
            return False, ""  # a date, or a word, and its values
    elif lead:
        return False, ""
    if years:
        if (
            any(_are_years(row) for row in under)
            or sum(_in_years(c) for row in under for c in row) > k * len(under) / 2
        ):
            return False, "years name columns, too"
        return True, "" if unlike or k >= 3 else "two numbers that may be years"
    if counts:
        column = [_number(row[0]) for row in [first, *below]]
        if k > 1 and not lead and all(c is not None for c in column) and is_clock(np.array(column, dtype=float)):
            return False, "columns counted from 0, or a clock" if k > 2 else ""
        if k >= 3:
            return True, "" if unlike else "columns counted from 0, or whole numbers like those below"
        return unlike, "tables without names count their columns from 0"
    if unlike and len(set(count)) == k > 1:
        return False, "whole numbers, unlike all numbers below"
    return False, ""


def _in_years(cell: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{4}", cell)) and 1500 <= int(cell) <= 2200


def _are_years(cells: Sequence[str]) -> bool:
    """Years in even steps, as they stand above the columns of a table."""
    if len(cells) < 2 or not all(_in_years(cell) for cell in cells):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(cells)}
    return len(steps) == 1 and min(steps) > 0


# Numbers ----------------------------------------------------------------------------------------------------------


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def notation_of(cells: Sequence[str]) -> str:
    """Why the cells of a column are no numbers although a person would take them for some; empty for text."""
    given = [cell for cell in cells if cell]
    if not given:
        return ""
    for rule, why in _NOTATIONS:
        if all(_fits(rule, cell) or _number(cell) is not None for cell in given):
            odd = next((cell for cell in given if _number(cell) is None), "")
            return f"{_short(odd)!r} is no plain number ({why})" if odd else ""
    units = [_fits(_UNIT, cell) for cell in given]
    if all(units) and len({match[2] for match in units if match}) == 1 and len(given) > 1:
        return f"{_short(given[0])!r} is no plain number (a unit)"
    return ""


def holds_numbers(cells: Sequence[str]) -> bool:
    """Whether a column is one of numbers: one cell at least is, so that a gap or a word in it is a mistake."""
    return any(_number(cell) is not None or _fits(_COMMAS, cell) for cell in cells)


def numbers_of(rows: Rows, chosen: list[int], names: list[str], path: Path) -> Array:
    """The chosen columns as numbers, shape (rows, columns).

    Raises
    ------
    StimulusError
        Naming line and column of the first cell that is no finite number.
    """
    values = np.empty((len(rows), len(chosen)))
    for k, (line, cells) in enumerate(rows):
        for j, i in enumerate(chosen):
            number = _number(cells[i])
            if number is None or not math.isfinite(number):
                why = next((f" ({why})" for rule, why in _NOTATIONS if _fits(rule, cells[i])), "")
                what = f"line {line}, column {names[i]!r}: must be a finite number, got {_short(cells[i])!r}{why}"
                fix = "fill the gap, write decimal points, or choose other columns"
                if k == 0 and number is None and not why:
                    fix = "fill the gap, choose other columns, or give header=True if the line names them"
                raise StimulusError(f"{path}, {what}: {fix}")
            values[k, j] = number
    return values


# Times ------------------------------------------------------------------------------------------------------------


def is_clock(t: Array) -> bool:
    """Whether times rise in even steps, but for the rounding of their last digit."""
    if len(t) < 3 or not t[-1] > t[0]:
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # a range beyond all floats is no clock
        step = (t[-1] - t[0]) / (len(t) - 1)
        return bool(np.all(np.abs((t - t[0]) / step - np.arange(len(t))) <= 0.05))


def is_index(x: Array) -> bool:
    """Whole numbers, each of which occurs once: the labels of rows."""
    return bool(np.all(x == np.round(x)) and np.unique(x).size == x.size)


def _times(values: Array, names: list[str], lines: list[int], named: bool, first: int) -> list[str]:
    """What to say of columns that tell the time of a row and are channels all the same."""
    if values.shape[1] < 2:
        return []
    if named:
        found = [name for name in names if names_a_time(name)]
    else:
        found = [names[j] for j in range(_calendar_by_values(values))] if first == 0 else []
    rest = [name for name in names if name not in found]
    if found:
        kind = f"column{'s' if len(found) > 1 else ''} {_some(found)} tell{'s' if len(found) == 1 else ''} the time"
        others = f"with column={rest!r}" if 0 < len(rest) <= 12 else "with column=[...]"
        return [f"{kind} of a row and become{'s' if len(found) == 1 else ''} channels: choose the others {others}"]
    if len(values) >= 4 and (what := _broken_clock(values[:, 0], lines)):
        others = f"with column={names[1:]!r}" if len(names) <= 13 else "with column=[...]"
        return [f"column {names[0]!r} {what}, and becomes a channel: mend it, or choose the others {others}"]
    return []


def names_a_time(name: str) -> bool:
    """Whether a column is called like one that tells when a row was measured."""
    words = set(re.findall(r"[a-z]+", re.sub(r"[\[(].*", "", name.lower())))
    return bool(words & _CALENDAR) and words <= _CALENDAR | _BESIDE


def _calendar_by_values(values: Array) -> int:
    """How many columns at the left are year, month, day, hour, minute and second, from the year on."""
    ranges = ((1800, 2200), (1, 12), (1, 31), (0, 24), (0, 59), (0, 60))
    whole = np.all(values == np.round(values), axis=0)
    count = 0
    for x, good, (low, high) in zip(values.T, whole, ranges, strict=False):
        if not (good and low <= x.min() and x.max() <= high) or (count == 0 and np.any(np.diff(x) < 0)):
            break
        count += 1
    days = count == 1 and len(whole) > 1 and whole[1] and values[:, 1].min() >= 1 and values[:, 1].max() <= 366
    return 0 if len(values) < 3 else 2 if days else count if count > 1 else 0


def _broken_clock(t: Array, lines: list[int]) -> str:
    """What a column is that ticks like a clock for the most part; empty if it does not."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(t)
        usual = float(np.median(steps))
        if usual == 0 or not np.isfinite(steps).all():
            return ""
        odd = np.flatnonzero(np.abs(steps / usual - 1.0) > 0.1)
    one_way = bool(np.all(steps > 0) or np.all(steps < 0))
    if odd.size == 0:
        return "is a clock that runs backwards" if usual < 0 else "is a clock that ticks unevenly"
    if odd.size <= (0.4 if one_way else 0.1) * steps.size:
        many = "one uneven step" if odd.size == 1 else f"{odd.size} uneven steps"
        return f"is a clock with {many} (the first before line {lines[odd[0] + 1]})"
    return "rises in every row, as a clock does" if one_way and usual > 0 and len(t) >= 10 else ""


def _some(words: Sequence[str]) -> str:
    return ", ".join(repr(_short(w)) for w in words[:6]) + (", ..." if len(words) > 6 else "")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
