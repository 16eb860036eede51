"""A table of text: for the terminal, for `print`, and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from hetero_rsnn.common.text import printable


class Markup(str):
    """A cell that is HTML already, such as a thumbnail of this package's own making."""

    __slots__ = ()


@dataclass(frozen=True)
class TextTable:
    """A title, headings, and rows of text; the first column holds names, the others numbers.

    Attributes
    ----------
    title : str
    headings : sequence of str
    rows : sequence of sequence of str
        As many cells as there are headings.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [tuple(map(printable, line)) for line in (self.headings, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [
            "  ".join(f"{c:{'>' if i else '<'}{w}}" for i, (c, w) in enumerate(zip(line, widths, strict=True))).rstrip()
            for line in lines
        ]
        return "\n".join([printable(self.title), text[0], "-" * max(map(len, text)), *text[1:]])

    def html(self) -> str:
        """The table as HTML, in the class that notebooks and their pages have a style for."""
        style = 'style="padding: 0.2em 0.7em"'
        head = "".join(f"<th {style}>{escape(printable(h))}</th>" for h in self.headings)
        cell = f"<td {style}>"
        body = "".join(
            f"<tr><th {style}>{escape(printable(first))}</th>{''.join(f'{cell}{_whole(c)}</td>' for c in rest)}</tr>"
            for first, *rest in self.rows
        )
        return (
            f'<p>{escape(printable(self.title))}</p><table class="dataframe"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def _whole(text: str) -> str:
    """A cell that breaks before its interval at most."""
    if isinstance(text, Markup):
        return text
    return escape(printable(text)).replace(" ", "&nbsp;").replace("&nbsp;[", " [")
