"""Standard output as a place for tables."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable


def console() -> Console:
    """Standard output; wide enough for the tables where it is not a terminal."""
    on = sys.stdout is not None and sys.stdout.isatty()  # there is none where it was closed
    return Console(width=None if on else 140, soft_wrap=not on)


#: Columns below which tables leave out what can be spared.
WIDE = 110


def fold(cell: str, narrow: bool) -> str:
    """A mean above its interval where the screen is narrow, so that no number is cut; the interval holds no space."""
    return re.sub(r" \\?(\[[^\[\]]*\])(?: (?=\*))?", _below, cell) if narrow else cell


def _below(found: re.Match[str]) -> str:
    return "\n" + found[0].replace(" ", "")


def shown(text: object) -> str:
    """Text of others for `console`: neither markup nor a control sequence in it does anything."""
    return escape(printable(text))


def print_tables(tables: Iterable[TextTable]) -> None:
    """Tables of text on the terminal, the first column whole; on a narrow one cells break before their intervals."""
    out = console()
    for text in tables:
        headings, *rows = [[printable(cell) for cell in line] for line in (text.headings, *text.rows)]
        narrow = _width([headings, *rows]) > out.width
        if narrow:
            headings = [h.replace(" (", "\n(").replace("spikes/", "spikes/\n") for h in headings]
            rows = [[fold(cell, narrow) for cell in row] for row in rows]
        table = Table(
            box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=shown(text.title),
            padding=(0, 0) if narrow else (0, 1),
        )  # fmt: skip
        first, *rest = headings
        table.add_column(escape(first), no_wrap=True)
        for heading in rest:
            table.add_column(escape(heading), justify="right")
        for row in rows:
            table.add_row(*map(escape, row))
        out.print(table)


def _width(lines: list[list[str]]) -> int:
    """Columns that a table takes, with a space before and after each cell and between them."""
    return sum(max(map(len, column)) + 3 for column in zip(*lines, strict=True))


def text_of(table: Table) -> TextTable:
    """A table for the terminal as one of text, for a file: what is broken by hand is in one line again."""

    def plain(cell: object) -> str:
        return " ".join(Text.from_markup(str(cell)).plain.split())

    headings = [plain(column.header) for column in table.columns]
    rows = zip(*([plain(cell) for cell in column.cells] for column in table.columns), strict=True)
    title = "; ".join(map(plain, str(table.title or "").splitlines()))  # a line below the first says more
    return TextTable(title, headings, list(rows))
