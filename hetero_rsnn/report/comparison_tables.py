"""The tables that the terminal shows of a comparison."""

from __future__ import annotations

from rich import box
from rich.table import Table

from hetero_rsnn.experiments.comparison import Comparison, comparison_tables
from hetero_rsnn.report.terminal import WIDE, console, fold, shown


def print_comparison(comparison: Comparison) -> None:
    """Both tables on the terminal."""
    out = console()
    narrow = out.width < WIDE
    for text in comparison_tables(comparison):
        table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=shown(text.title))
        first, *rest = text.headings
        table.add_column(shown(first), no_wrap=True)
        for heading in rest:
            table.add_column(shown(heading), justify="right", overflow="fold")
        for name, *cells in text.rows:
            table.add_row(shown(name), *(fold(shown(cell), narrow) for cell in cells))
        out.print(table)
