"""The tables that the terminal and files show of a sweep."""

from __future__ import annotations

import math
from typing import Any

from hetero_rsnn.experiments.sweep_result import Sweep
from hetero_rsnn.report.table_files import estimates_of
from hetero_rsnn.report.terminal import print_tables

_QUANTITIES = ("C", "S", "rate_hz", "E", "silent_share")


def print_sweep(sweep: Sweep) -> None:
    """A table for each curve on the terminal."""
    print_tables(sweep.tables)


def sweep_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """A row for each curve and value, in plain numbers: means with bounds, and differences to the first value."""
    rows = []
    for curve in sweep.curves:
        differences = {f"d{q}": curve.differences(q) for q in _QUANTITIES[:-1]}
        for k, (value, m) in enumerate(zip(curve.values or (math.nan,), curve.measurements, strict=True)):
            summary = m.summary()
            row: dict[str, Any] = {"network": curve.network.name}
            row |= {} if sweep.grid is None else {sweep.grid: curve.other}
            row |= {sweep.parameter: value, "seeds": len(m), **estimates_of({q: summary[q] for q in _QUANTITIES})}
            row |= estimates_of({name: found[k - 1] for name, found in differences.items()} if k else {})
            rows.append(row)
    return rows
