"""A search as one page that needs nothing else: figures inside as SVG, a table of trials that sorts."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable, Sequence
from html import escape as _escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hetero_rsnn.common.files import path_of, write_text
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import cell, mean_and_bounds
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.result import SearchResult, in_order
from hetero_rsnn.searching.trial import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ASSETS = Path(__file__).resolve().parent / "assets"


def write_html(
    result: SearchResult, path: str | Path, others: Sequence[SearchResult] = (), *, figures: bool = True
) -> Path:
    """Write the page of a search: the best network, figures, all trials in a table that sorts, settings.

    The file needs neither network nor other files. Its address takes the order of the table: ``#sort=E`` upwards,
    ``#sort=-E`` downwards.

    Parameters
    ----------
    result : SearchResult
    path : str or Path
        Written atomically; an existing file is replaced.
    others : sequence of SearchResult
        Compared in figures and headline, e.g. the homogeneous control.
    figures : bool
        Whether to draw; without, the page is written at once.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    return write_text(path_of("path", path), html(result, others, figures=figures))


def html(result: SearchResult, others: Sequence[SearchResult] = (), *, figures: bool = True) -> str:
    """The page as text; see `write_html`."""
    title = f"Search of the space {result.space.name!r}"
    parts = [
        _headline(result),
        _comparison(result, others),
        _best(result),
        _figures(result, others) if figures and view.measured(result) else "",
        _trials(result),
        _facts(result),
    ]
    css, js = ((_ASSETS / f"search.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Nothing is fetched, whatever a journal from elsewhere holds.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(part for part in parts if part)
        + f"\n</main>\n<script>\n{js}</script>\n</body>\n</html>\n"
    )


def escape(text: object) -> str:
    """Text of others on a page: neither a tag nor what turns the direction of writing does anything."""
    return _escape(printable(text))


def _class(names: str) -> str:
    return f' class="{names}"'


def _p(text: str, kind: str = "") -> str:
    return f"<p{_class(kind) if kind else ''}>{escape(text)}</p>"


def _headline(result: SearchResult) -> str:
    out = [_p(view.question(result)), _p(view.progress(result))]
    best = view.best(result)
    if best is None:
        return "\n".join([*out, _p(view.nothing(result))])
    cards = []
    words = wording.axes(result.settings.measure)
    spoken = {q: (words[q][0].replace(" / ", "/"), words[q][1]) for q in ("E", "C", "S")} | {"rate_hz": ("rate", "Hz")}
    for name, (text, unit) in spoken.items():
        e = wording.measure(best.evaluation, name)
        mean, bounds = mean_and_bounds(e)
        cards.append(
            f"<div{_class('main') if name == 'E' else ''}><dt>{escape(text)}</dt><dd>{escape(mean)}"
            f"<small>{escape(bounds)}</small><small>{escape(unit)}</small></dd></div>"
        )
    return "\n".join(
        [
            *out,
            f'<h2>Best network: trial {best.trial.number}</h2>\n<dl class="cards">{"".join(cards)}</dl>',
            _p(view.meaning(result, best), "soft"),
        ]
    )


def _comparison(result: SearchResult, others: Sequence[SearchResult]) -> str:
    rows = []
    for row in view.comparison(result, others):
        cells = "".join(f"<td>{escape(text)}</td>" for text in (*row.cells, row.lead))
        name, source = escape(row.name), escape(row.source)
        rows.append(f'<tr><th scope="row">{name}</th>{cells}<td class="text">{source}</td></tr>')
    words = wording.quantities(result.settings.measure)
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in (*words.values(), view.MINUS))
    return _table(
        "Compared",
        "Best network of each search: mean [95 % interval]. Best minus this: E of the first row minus E of this row, "
        "paired over equal seeds; * where its interval excludes 0.",
        f'<th scope="col">search</th>{heads}<th scope="col" class="text">measured on</th>',
        rows,
    )


def _best(result: SearchResult) -> str:
    """The winning numbers beside those of the base and what the search could have chosen."""
    best = view.best(result)
    if best is None:
        return ""
    rows = []
    for d, x, base in zip(result.space.dimensions, best.trial.values, result.space.default, strict=True):
        cells = (wording.number(x), wording.number(base), f"{wording.number(d.low)} – {wording.number(d.high)}")
        rows.append(
            f'<tr><th scope="row">{escape(wording.heading(d))}</th>{"".join(f"<td>{c}</td>" for c in cells)}'
            f'<td class="text">{escape(wording.edge(d, x))}</td></tr>'
        )
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("parameter", "best", "base", "searched"))
    note = (
        ""
        if not result.space.has_settings
        else (
            "Settings are no part of the network, but what it was measured with; under base stands the middle of "
            "their range, with which the homogeneous reference was measured."
        )
    )
    table = _table("Parameters of the best network", note, f'{heads}<th scope="col" class="text">note</th>', rows)
    return "\n".join([table, *(_p(line, "edge") for line in view.beyond(result))])


def _table(title: str, note: str, heads: str, rows: Iterable[str]) -> str:
    above = f"<h2>{escape(title)}</h2>\n{_p(note, 'soft') if note else ''}"
    body = "\n".join(rows)
    return f'{above}<div class="scroll"><table><thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _figures(result: SearchResult, others: Sequence[SearchResult]) -> str:
    from matplotlib.figure import Figure

    from hetero_rsnn.plots.search_panels import plot_partial_dependences, plot_searched_distributions
    from hetero_rsnn.plots.search_plots import plot_convergence, plot_front

    def panel(draw: Callable[[Any], object]) -> Figure:
        figure = Figure(figsize=(5.4, 4.3), layout="constrained")
        ax = figure.subplots()
        draw(ax)
        ax.spines[["top", "right"]].set_visible(False)
        return figure

    shown = [
        (
            panel(lambda ax: plot_front(result, others, ax)),
            "Spike efficiency over memory capacity of all trials",
            "All trials; hollow ones miss a limit. Lines join those that no other beats in both C and S.",
        ),
        (
            panel(lambda ax: plot_front(result, others, ax, y="S")),
            "Spike count over memory capacity of all trials",
            "The same trials with what they pay, and the border of what was reached: to the right and down is better.",
        ),
        (
            panel(lambda ax: plot_convergence(result, others, ax)),
            "Best value so far over the trials",
            "Best value so far; at the right the best network, measured again on fresh seeds.",
        ),
        (
            plot_searched_distributions(result)[0].figure,
            "Densities of the winning distributions and those of the base",
            "On logarithmic axes the density is that of the logarithm.",
        ),
        (
            plot_partial_dependences(result)[0].figure,
            "Partial dependence of E on every searched number",
            "What the search learned: mean (geometric) and 95 % band of its models of C and S, refitted on all trials.",
        ),
    ]
    blocks = []
    for figure, alt, text in shown:
        wide = _class("wide") if len(figure.axes) > 1 else ""
        width = f'style="--width: {96 * figure.bbox.width / figure.dpi:.0f}px"'
        image = f'<img alt="{escape(alt)}" {width} src="{_uri(figure)}">'
        blocks.append(f"<figure{wide}><div>{image}</div><figcaption>{escape(text)}</figcaption></figure>")
    return f'<h2>Figures</h2>\n<div class="figures">{"".join(blocks)}</div>'


def _uri(figure: Any) -> str:
    """A figure as SVG inside an address; the same figure gives the same text."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "hetero_rsnn", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _trials(result: SearchResult) -> str:
    dimensions = result.space.dimensions
    heads = [
        _head("trial", "trial"),
        *(_head(q, text, down=q in ("E", "C")) for q, text in wording.quantities(result.settings.measure).items()),
        _head("silent", "silent (%)"),
        *(_head(d.name, wording.heading(d)) for d in dimensions),
        _head("seconds", "time (s)"),
        _head("status", "status", words=True),
    ]
    best = view.best(result)
    marked = best.trial.number if best else -1
    body = "\n".join(_row(t, t.number == marked) for t in in_order(result))
    return (
        '<h2 id="trials">Trials</h2>\n'
        + _p("As the search saw them: mean over its seeds [95 % interval]. Click a heading to sort.", "soft")
        + '<div class="scroll trials" tabindex="0" role="region" aria-labelledby="trials"><table>'
        + f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _head(key: str, text: str, *, down: bool = False, words: bool = False) -> str:
    attributes = f' data-key="{escape(key)}"' + (' data-first="down"' if down else "")
    if words:
        attributes += ' data-kind="text" class="text"'
    return f'<th scope="col" aria-sort="none"{attributes}><button type="button">{escape(text)}</button></th>'


def _td(value: float, text: str | None = None) -> str:
    """A number with its full value for sorting; nothing where there is none."""
    if not math.isfinite(value):
        return '<td data-v="">–</td>'
    return f'<td data-v="{float(value)!r}">{escape(wording.number(value) if text is None else text)}</td>'


def _row(t: Trial, best: bool) -> str:
    e = {q: wording.measure(t.evaluation, q) for q in (*wording.QUANTITIES, "silent_share")}
    status = wording.status(t)
    cells = [f'<th scope="row" data-v="{t.number}">{t.number}{" ★" if best else ""}</th>']
    cells += [_td(e[q].mean, cell(e[q])) for q in wording.QUANTITIES]
    cells += [_td(100 * e["silent_share"].mean), *(_td(x) for x in t.values)]
    cells.append(_td(math.nan if t.evaluation is None else t.evaluation.seconds))
    cells.append(f'<td class="text" data-v="{escape(status)}">{escape(status)}</td>')
    return f"<tr{_class('best ' * best + wording.state(t))}>{''.join(cells)}</tr>"


def _facts(result: SearchResult) -> str:
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in view.facts(result))
    return f'<h2>Settings and provenance</h2>\n<dl class="facts">{rows}</dl>'
