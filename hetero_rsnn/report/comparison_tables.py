"""The tables that the terminal and files show of a comparison."""

from __future__ import annotations

from typing import Any

from hetero_rsnn.experiments.comparison import Comparison, comparison_tables
from hetero_rsnn.report.table_files import estimates_of
from hetero_rsnn.report.terminal import print_tables

_QUANTITIES = ("C", "S", "rate_hz", "E", "silent_share")


def print_comparison(comparison: Comparison) -> None:
    """Both tables on the terminal."""
    print_tables(comparison_tables(comparison))


def comparison_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A row for each network, in plain numbers: means with bounds, and paired differences to the baseline."""
    rows = []
    for m in comparison.measurements:
        summary = m.summary()
        row = {"network": m.network.name, "seeds": len(m), **estimates_of({q: summary[q] for q in _QUANTITIES})}
        if m.network.name != comparison.baseline:
            found = {f"d{q}": comparison.difference(m.network.name, q) for q in _QUANTITIES[:-1]}
            row |= {"to": comparison.baseline, **estimates_of(found)}
        rows.append(row)
    return rows
