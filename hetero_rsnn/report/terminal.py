"""Standard output as a place for tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable


def console() -> Console:
    """Standard output; wide enough for the tables where it is not a terminal."""
    on = sys.stdout is not None and sys.stdout.isatty()  # there is none where it was closed
    return Console(width=None if on else 140, soft_wrap=not on)


def shown(text: object) -> str:
    """Text of others for `console`: neither markup nor a control sequence in it does anything."""
    return escape(printable(text))


def print_tables(tables: Iterable[TextTable]) -> None:
    """Tables of text on the terminal, the first column whole; on a narrow one cells break before their intervals."""
    out = console()
    for text in tables:
        if narrow := _width(text) > out.width:
            headings = [h.replace(" (", "\n(").replace("spikes/", "spikes/\n") for h in text.headings]
            text = TextTable(text.title, headings, [[c.replace(" [", "\n[") for c in row] for row in text.rows])
        padding = (0, 0) if narrow else (0, 1)
        table = Table(
            box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=shown(text.title), padding=padding
        )
        first, *rest = text.headings
        table.add_column(_lines(first), no_wrap=True)
        for heading in rest:
            table.add_column(_lines(heading), justify="right")
        for row in text.rows:
            table.add_row(*map(_lines, row))
        out.print(table)


def _lines(cell: str) -> str:
    return "\n".join(map(shown, cell.split("\n")))


def _width(text: TextTable) -> int:
    """Columns that a table takes, with a space before and after each cell and between them."""
    columns = zip(text.headings, *text.rows, strict=True)
    return sum(max(map(len, column)) + 3 for column in columns)
