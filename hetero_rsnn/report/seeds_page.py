"""A page whose points are seeds: what the pages of comparisons, sweeps and tasks share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable
from hetero_rsnn.common.versions import versions
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.page import (
    Page,
    facts,
    figure,
    head,
    key_of,
    number_cell,
    paragraph,
    rows_table,
    text_cell,
    text_table,
)
from hetero_rsnn.searching.wording import number

#: Colours that the canonical networks have in every figure, where 3 : 1 on the page leaves them.
_LOOKS = {label(name): look for name, look in {"henhes": 0, "honhos": 1, "henhos": 2, "honhes": 5}.items()}


@dataclass(frozen=True)
class Column:
    """What is told of every seed.

    Attributes
    ----------
    key, text : str
        The name in the CSV file, and the heading.
    short : str
        The heading where there is little room; the key if empty.
    down : bool
        Whether the largest comes first when the heading is clicked.
    digits : int
        After the point, for shares; 0 for three significant ones.
    parameter : bool
        Whether it was set and not measured.
    span : float
        The least that an axis shows, so that luck in the last digits does not fill a picture.
    most : float or None
        What no value can exceed.
    """

    key: str
    text: str
    short: str = ""
    down: bool = False
    digits: int = 0
    parameter: bool = False
    span: float = 0.0
    most: float | None = None

    def cell(self, value: float) -> str:
        """A value in the table."""
        return number_cell(value, f"{value:.{self.digits}f}" if self.digits else number(value))

    def data(self) -> dict[str, Any]:
        """What the script reads."""
        found = {
            "key": self.key, "label": printable(self.text), "short": printable(self.short or self.key),
            "parameter": self.parameter, "digits": self.digits, "span": self.span, "most": self.most,
        }  # fmt: skip
        return {k: v for k, v in found.items() if v or k == "parameter"}


@dataclass(frozen=True)
class SeedRow:
    """A seed of a network: numbers by column, intervals of those that have one, and why a number is missing."""

    key: str
    group: int
    seed: int
    name: str
    values: Mapping[str, float]
    intervals: Mapping[str, list[float] | None]
    why: str = ""


@dataclass(frozen=True)
class Seeds:
    """All that a page of seeds is made of.

    Attributes
    ----------
    title, lead : str
        The heading, and the result in a sentence.
    names : sequence of str
        Of the networks, as the legend has them.
    columns : sequence of Column
    rows : sequence of SeedRow
    plots : sequence of dict
        See `hetero_rsnn.report.page.plot`.
    tables : sequence of TextTable
        Means, as the terminal has them.
    colour, example : str
        Column that orders the lines of the parallel coordinates; what the search field suggests.
    known : sequence of tuple of str
        Settings and provenance.
    reason : str
        Heading of why a number is missing; no such column if empty.
    sentences : sequence of str
        Below the tables.
    places, sections : sequence of str
        HTML of further figures, and of what stands between the figures and the table of seeds.
    data : mapping
        More of what the script reads.
    """

    title: str
    lead: str
    names: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[SeedRow]
    plots: Sequence[dict[str, Any]]
    tables: Sequence[TextTable]
    colour: str
    example: str
    known: Sequence[tuple[str, str]]
    reason: str = ""
    sentences: Sequence[str] = ()
    places: Sequence[str] = ()
    sections: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def page(self) -> Page:
        """The page."""
        parameters = [c for c in self.columns if c.parameter]
        measured = [c for c in self.columns if not c.parameter]
        heads = [head("seed", "seed"), head("network", "network", words=True)]
        heads += [head(c.key, c.text, down=c.down) for c in (*parameters, *measured)]
        heads += [head("reason", self.reason, words=True)] if self.reason else []
        lines = []
        for r in self.rows:
            cells = [f'<th scope="row" data-v="{r.seed}">{r.seed}</th>', text_cell(printable(self.names[r.group]))]
            cells += [c.cell(r.values.get(c.key, math.nan)) for c in (*parameters, *measured)]
            cells += [text_cell(r.why)] if self.reason else []
            lines.append(f'<tr data-row="{r.key}">{"".join(cells)}</tr>')
        data = {
            "number": "seed", "group": "network", "file": "seeds.csv", "example": self.example,
            "groups": [{"name": printable(name), "look": _LOOKS.get(name, g)} for g, name in enumerate(self.names)],
            "columns": [Column("seed", "seed").data(), *(c.data() for c in (*measured, *parameters))],
            "rows": [
                {"id": r.key, "g": r.group, "name": printable(r.name), "state": "no E" if r.why else "", "why": r.why,
                 "v": {"seed": r.seed, **r.values}, "i": r.intervals}
                for r in self.rows
            ],
            "plots": list(self.plots),
            "parallel": {
                "keys": self._varied([c.key for c in (*parameters, *measured)]), "colour": self.colour,
                "told": f"Parallel coordinates of {len(self.rows)} measurements: {self.lead}",
            },
            **self.data,
        }  # fmt: skip
        places = [figure(f"plot-{i}", p["caption"], p["title"], data_plot=True) for i, p in enumerate(self.plots)]
        places += self.places
        text = (
            "Every line is a seed. Drag along an axis to keep a range, in all figures and in the table; click to let "
            "go."
        )
        places.append(figure("parallel", text, "All quantities", wide=True))
        said = [paragraph(sentence) for sentence in self.sentences]
        parts = [
            paragraph(f"{self.lead}."),
            '<h2 id="best">Means</h2>\n' + "\n".join([*(text_table(t) for t in self.tables), *said]),
            f'<h2 id="figures">Figures</h2>\n{key_of(self.names)}\n<div class="figures">{"".join(places)}</div>',
            *self.sections,
            rows_table(
                "Every seed of every network. Headings sort, a click on a row marks its points.", heads, lines, "Seeds"
            ),
            facts(self.known),
        ]
        return Page(self.title, parts, data)

    def _varied(self, keys: Sequence[str]) -> list[str]:
        """Those that are not the same everywhere; all if none is."""
        return [key for key in keys if len({r.values.get(key) for r in self.rows}) > 1] or list(keys)


def provenance(command: str, networks: Iterable[Network], *more: tuple[str, str]) -> list[tuple[str, str]]:
    """How a result was made, of which networks, and by which versions; `more` stands after the command."""
    return [
        *([("command", command)] if command else []),
        *more,
        ("networks", ", ".join(f"{n.name} {n.fingerprint}" for n in networks)),
        ("versions", ", ".join(f"{k} {v}" for k, v in versions().items())),
    ]
