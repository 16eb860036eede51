"""A page that needs nothing else: rows inside as JSON, drawn and sorted by a script; what all pages share.

The script reads one mapping, which `Page` puts into the text:

``number``, ``group``, ``file``, ``example``
    Key of the column that counts, what groups are called, the name of the CSV file, what the search field suggests.
``groups``
    One a search or network: ``name``, ``look`` (its colour, if not that of its place), and the lines of its ``toml`` if
    its rows can be copied.
``columns``
    One a number: ``key``, ``label``, ``short``, ``unit``, ``axis`` (names), ``low``, ``high``, ``log``, ``zero`` (its
    axis), ``span`` (the least that an axis shows), ``most``, ``digits`` (of its text; three by default), ``parameter``.
``rows``
    One a point: ``id``, ``g`` (its group), ``name``, ``state``, ``why``, ``v`` (numbers by column), ``i`` (intervals),
    ``toml`` (lines in which it differs from its group's).
``plots``, ``parallel``, ``importances``, ``contours``
    What is drawn. Each holds ``told``, a sentence with the result, for who does not see it.
``series``
    A stretch of a series: ``x`` and ``y`` (names), ``at`` (rows), ``told``, and ``lines`` with ``name``, ``values``,
    and ``g`` and ``row`` (the seed) of those that a network foretold.
``live``
    Version of a page that is served: see `hetero_rsnn.report.serving`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape as _escape
from pathlib import Path
from typing import Any

from hetero_rsnn.common.files import plain
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import FEW, Estimate, cell

_ASSETS = Path(__file__).resolve().parent / "assets"
#: One after another they are the script of a page.
SCRIPTS = ("page.js", "table.js", "scatter.js", "series.js", "panels.js")
#: Characters that could end the element that data stand in, or that nobody sees.
_UNSAFE = {c: f"\\u{ord(c):04x}" for c in "<>&\x7f"}


@dataclass(frozen=True)
class Page:
    """A page as its parts, so that one can be a file and be served.

    Attributes
    ----------
    title : str
    parts : sequence of str
        HTML, in the order of the page; empty ones are left out.
    data : mapping
        What the script reads; see the module.
    """

    title: str
    parts: Sequence[str]
    data: Mapping[str, Any]

    def text(self, live: str = "") -> str:
        """The whole page; `live` is the version of one that is served and asks for a newer one, empty in a file."""
        css = (_ASSETS / "page.css").read_text(encoding="utf-8")
        js = "".join((_ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
        asks = " connect-src 'self';" if live else ""
        body = [part for part in self.parts if part]
        title = escape(self.title)
        data = json_inside({**self.data, "live": live})
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            # Nothing is fetched, whatever a journal from elsewhere holds.
            f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;{asks} '
            "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
            f"<title>{title}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
            + _jumps(body)
            + "\n".join(body)
            + f'\n</main>\n<script type="application/json" id="data">{data}</script>\n'
            f"<script>\n{js}</script>\n</body>\n</html>\n"
        )


def _jumps(parts: Iterable[str]) -> str:
    """Links to the sections that the page has."""
    found = [heading for part in parts for heading in re.findall(r'<h2 id="(\w+)">([^<:]+)', part)]
    links = (f'<a href="#{key}">{text.strip()}</a>' for key, text in found)
    return f'<nav aria-label="this page">{"".join(links)}</nav>\n'


def json_inside(data: Any) -> str:
    """Data as JSON of ASCII inside a script element, which nothing in them can end; NaN and infinities are null.

    Examples
    --------
    >>> json_inside({"why": "</script>", "E": float("nan")})
    '{"why":"\\\\u003c/script\\\\u003e","E":null}'
    """
    text = json.dumps(plain(_short(data)), allow_nan=False, separators=(",", ":"))
    return "".join(_UNSAFE.get(c, c) for c in text)


def _short(value: Any) -> Any:
    """Six digits of a number are more than a picture shows."""
    if isinstance(value, Mapping):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_short(v) for v in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.6g}")
    return value


def escape(text: object) -> str:
    """Text of others on a page: neither a tag nor what turns the direction of writing does anything."""
    return _escape(printable(text))


def css_class(names: str) -> str:
    """The attribute of an element."""
    return f' class="{names}"'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text."""
    return f"<p{css_class(kind) if kind else ''}>{escape(text)}</p>"


def table(title: str, note: str, heads: str, rows: Iterable[str], key: str = "") -> str:
    """A section with a table, whose caption is the note (or the title, unseen)."""
    named = f' id="{key}"' if key else ""
    caption = f"<caption{'' if note else css_class('unseen')}><span>{escape(note or title)}</span></caption>"
    body = "\n".join(rows)
    return (
        f'<h2{named}>{escape(title)}</h2>\n<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def rows_table(note: str, heads: Iterable[str], rows: Iterable[str], title: str = "Trials") -> str:
    """The section with the table of all rows, which the script sorts and filters."""
    body = "\n".join(rows)
    return (
        f'<h2 id="trials">{escape(title)}</h2>\n'
        '<div class="scroll trials" tabindex="0" role="region" aria-labelledby="trials">'
        f"<table><caption><span>{escape(note)}</span></caption><thead><tr>{''.join(heads)}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def head(key: str, text: str, *, down: bool = False, words: bool = False) -> str:
    """A heading that sorts; `down` begins with the largest, `words` are sorted as text."""
    attributes = f' data-key="{escape(key)}"' + (' data-first="down"' if down else "")
    if words:
        attributes += ' data-kind="text" class="text"'
    # Where a column is narrow, as on paper, a name is broken between its parts.
    broken = re.sub(r"([._])(?=\w)", r"\1<wbr>", escape(text))
    return f'<th scope="col" aria-sort="none"{attributes}><button type="button">{broken}</button></th>'


def number_cell(value: float, text: str) -> str:
    """A number with its full value for sorting; nothing where there is none."""
    if not math.isfinite(value):
        return '<td data-v="">–</td>'
    return f'<td data-v="{float(value)!r}">{escape(text)}</td>'


def text_cell(text: str) -> str:
    """Words, which sort as such."""
    return f'<td class="text" data-v="{escape(text)}">{escape(text)}</td>'


def bounds(e: Estimate) -> list[float] | None:
    """The interval of a mean; None where it has none, or rests on too few seeds to be shown."""
    return None if not math.isfinite(e.low) or e.n < FEW else [e.low, e.high]


def mark(
    name: str, x: Estimate, y: Estimate, names: tuple[str, str], group: int | None, row: str = ""
) -> dict[str, Any]:
    """A mean in a plot, with its intervals; `group` is None of what belongs to none, such as a reference."""
    said = [f"{n} = {cell(e)}" for n, e in zip(names, (x, y), strict=True) if n and e.n]
    text = "\n".join([name, *said])
    return {
        "name": name, "g": group, "x": x.mean, "y": y.mean, "xi": bounds(x), "yi": bounds(y), "text": text, "row": row,
    }  # fmt: skip


def plot(x: str, y: str, told: str, caption: str, **more: Any) -> dict[str, Any]:
    """A scatter plot of a column over another; `more` are lines, marks, guides, stems, floor and aside."""
    return {"x": x, "y": y, "told": told, "caption": caption, "lines": [], "marks": [], "guides": [], **more}


def text_table(text: TextTable) -> str:
    """A table as the terminal has it; its title is the caption."""
    heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in text.headings)
    rows = [
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(c)}</td>" for c in rest)}</tr>'
        for first, *rest in text.rows
    ]
    caption = f"<caption><span>{escape(text.title)}</span></caption>"
    return (
        f'<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}\n</tbody></table></div>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """The section with settings and provenance."""
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs)
    return f'<h2 id="facts">Settings and provenance</h2>\n<dl class="facts">{rows}</dl>'


def figure(key: str, caption: str, title: str = "", *, wide: bool = False, data_plot: bool = False) -> str:
    """The place of a picture that the script draws."""
    kinds = css_class("wide drawn" if wide else "drawn")
    mark = " data-plot" if data_plot else ""
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    return (
        f'<figure id="{key}"{kinds}{mark}>{heading}<div class="plot"></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def key_of(groups: Sequence[str], reference: str = "") -> str:
    """The legend: what colours and shapes stand for."""
    named = [*enumerate(groups), *([("", reference)] if reference else [])]
    drawn = (f'<svg{css_class("key")} data-g="{g}" aria-hidden="true"></svg>{escape(name)}' for g, name in named)
    return f"<ul{css_class('legend')}>{''.join(f'<li>{item}</li>' for item in drawn)}</ul>"
