"""The times that a table of one's own states for its rows: their step, and the gaps that a forecast must not cross."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.text_tables import Cells, holds_numbers, is_clock, names_a_time, numbers_of

#: Steps beyond this many usual ones are gaps; months, which differ by a tenth, have none.
GAP = 1.5
_UNITS = ((86_400_000.0, "days"), (3_600_000.0, "h"), (60_000.0, "min"), (1000.0, "s"), (1.0, "ms"))


def dates_of(cells: list[str]) -> Array | None:
    """Milliseconds since 1970 of a column of ISO dates and times, shape (rows,); None if it is none."""
    out = np.empty(len(cells))
    try:
        for k, cell in enumerate(cells):
            when = datetime.fromisoformat(cell)
            since = when - datetime(1970, 1, 1, tzinfo=when.tzinfo)
            out[k] = since.total_seconds() * 1000.0
    except (ValueError, OverflowError, TypeError):
        return None
    return out


def time_column(cells: Cells, path: Path) -> tuple[int, Array, bool] | None:
    """The column that tells the time of each row: its index, the times, and whether they are in milliseconds.

    A column of ISO dates; or one of numbers that is called a time, or the first one if it rises in even steps.
    """
    columns = [cells.column(i) for i in range(len(cells.names))]
    for i, column in enumerate(columns):
        if not column[0].isdecimal() and (dates := dates_of(column)) is not None:
            return i, dates, True
    plain = [i for i, column in enumerate(columns) if holds_numbers(column)]
    if len(plain) < 2:
        return None
    named = [i for i in plain if cells.named and names_a_time(cells.names[i])]
    for i in named[:1] if len(named) == 1 else plain[:1] if not named else []:
        t = numbers_of(cells.rows, [i], cells.names, path)[:, 0]
        if is_clock(t) or (named and len(t) > 2 and np.mean(np.diff(t) > 0) > 0.5):
            return i, t, False
    return None


def check_even(t: Array, lines: list[int], name: str, in_ms: bool, path: Path) -> float:
    """The usual step of times that rise in even ones.

    Raises
    ------
    StimulusError
        Naming the line before which rows are missing, or repeat, or go back.
    """
    if len(t) < 2:
        return float("nan")
    steps = np.diff(t)
    usual = float(np.median(steps))
    bad = np.flatnonzero((steps <= 0) | (steps > GAP * usual))
    if bad.size:
        k = int(bad[0])
        step = steps[k]
        what = "does not come after" if step <= 0 else f"comes {_span(step, in_ms)} after"
        usually = f", where {_span(usual, in_ms)} is usual" if usual > 0 else ""
        raise StimulusError(
            f"{path}, line {lines[k + 1]}, column {name!r}: the row {what} the one before{usually} ({bad.size} such in "
            "all)",
            fix="fill the gap, or allow uneven times",
        )
    return usual


def _span(step: float, in_ms: bool) -> str:
    if not in_ms:
        return f"{step:g}"
    size, unit = next(((s, u) for s, u in _UNITS if step >= s), _UNITS[-1])
    return f"{step / size:.3g} {unit}"
