"""A search as one page that needs nothing else: figures that tell what each point is, and a table that sorts."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.common.files import path_of, write_text
from hetero_rsnn.measures.estimates import cell, mean_and_bounds
from hetero_rsnn.report.page import (
    Page,
    css_class,
    escape,
    facts,
    figure,
    head,
    key_of,
    number_cell,
    paragraph,
    rows_table,
    table,
    text_cell,
)
from hetero_rsnn.report.search_data import row_id, search_data, told_values
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.importance import Importance
from hetero_rsnn.searching.partial_dependence import Models, fit_models
from hetero_rsnn.searching.result import SearchResult, in_order
from hetero_rsnn.searching.trial import Trial


def write_html(
    result: SearchResult, path: str | Path, others: Sequence[SearchResult] = (), *, figures: bool = True
) -> Path:
    """Write the page of a search: the best network, figures, all trials in a table that sorts, settings.

    The file needs neither network nor other files. In its figures a point tells its trial, and a click marks the row of
    the table, and back. Its address keeps what is shown: ``#sort=E`` upwards, ``#sort=-E`` downwards, then the marked
    trial and the filters.

    Parameters
    ----------
    result : SearchResult
    path : str or Path
        Written atomically; an existing file is replaced.
    others : sequence of SearchResult
        Compared in figures, table and headline, e.g. the homogeneous control.
    figures : bool
        Whether to fit models and to draw what needs matplotlib; without, the page is written at once.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    return write_text(path_of("path", path), html(result, others, figures=figures))


def html(result: SearchResult, others: Sequence[SearchResult] = (), *, figures: bool = True) -> str:
    """The page as text; see `write_html`."""
    return search_page(result, others, figures=figures).text()


def search_page(
    result: SearchResult,
    others: Sequence[SearchResult] = (),
    *,
    figures: bool = True,
    importances: Mapping[str, Importance] | None = None,
) -> Page:
    """The page as its parts; see `write_html`.

    Parameters
    ----------
    result, others, figures
        See `write_html`.
    importances : mapping of str to Importance, optional
        By the names of the dimensions; by default, with `figures`, those of the search if its trials are enough.
    """
    found = bool(view.measured(result))
    models, drawn = _drawn(result, others) if figures and found else (None, ("", ""))
    if importances is None and figures:
        importances = _importances(result)
    data = search_data(result, others, models, importances)
    parts = [
        _headline(result),
        _comparison(result, others),
        _pictures(data, drawn) if found else "",
        _best(result),
        _trials(result, others),
        facts(view.facts(result)),
    ]
    return Page(f"Search of the space {result.space.name!r}", parts, data)


def _importances(result: SearchResult) -> Mapping[str, Importance]:
    """How much each number matters; nothing where the trials are too few to say."""
    try:
        return result.importance()
    except SearchError:
        return {}


def _headline(result: SearchResult) -> str:
    out = [paragraph(view.question(result)), paragraph(view.progress(result))]
    best = view.best(result)
    if best is None:
        return "\n".join([*out, paragraph(view.nothing(result))])
    cards = []
    words = wording.axes(result.settings.measure)
    spoken = {q: (words[q][0].replace(" / ", "/"), words[q][1]) for q in ("E", "C", "S")} | {"rate_hz": ("rate", "Hz")}
    for name, (text, unit) in spoken.items():
        e = wording.measure(best.evaluation, name)
        mean, bounds = mean_and_bounds(e)
        cards.append(
            f"<div{css_class('main') if name == 'E' else ''}><dt>{escape(text)}</dt><dd>{escape(mean)}"
            f"<small>{escape(bounds)}</small><small>{escape(unit)}</small></dd></div>"
        )
    return "\n".join(
        [
            *out,
            f'<h2 id="best">Best network: trial {best.trial.number}</h2>\n<dl class="cards">{"".join(cards)}</dl>',
            paragraph(view.meaning(result, best), "soft"),
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
    return table(
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
    numbers = table("Parameters of the best network", note, f'{heads}<th scope="col" class="text">note</th>', rows)
    return "\n".join([numbers, *(paragraph(line, "edge") for line in view.beyond(result))])


def _pictures(data: Mapping[str, Any], drawn: tuple[str, str]) -> str:
    """Places of what the script draws, figures that stand in for them where there is no script, and further ones."""
    flat, deep = drawn
    places = [figure(f"plot-{i}", p["caption"], p["title"], data_plot=True) for i, p in enumerate(data["plots"])]
    if "importances" in data:
        text = "First-order Sobol indices of the model of ln E, with 95 % intervals: what a parameter explains alone."
        places.append(figure("importances", text, "Importance of the parameters"))
    if "contours" in data:
        text = "E of the model over two parameters, averaged over the others; dots are the trials."
        places.append(figure("contours", text, "Two parameters"))
    text = (
        "Every line is a trial. Drag along an axis to keep a range, in all figures and in the table; click the axis to "
        "let go. The search field of the table takes ranges too, such as E>50."
    )
    places.append(figure("parallel", text, "All parameters", wide=True))
    starred = any(m["g"] is None for p in data["plots"] for m in p["marks"])
    legend = key_of([g["name"] for g in data["groups"]], view.REFERENCE if starred else "")
    still = f'<noscript><div class="figures">{flat}</div></noscript>' if flat else ""
    return f'<h2 id="figures">Figures</h2>\n{legend}\n{still}<div class="figures">{"".join(places)}</div>' + (
        f'\n<div class="figures">{deep}</div>' if deep else ""
    )


def _drawn(result: SearchResult, others: Sequence[SearchResult]) -> tuple[Models | None, tuple[str, str]]:
    """The models, figures for where there is no script, and those that the script does not draw."""
    from matplotlib.figure import Figure

    from hetero_rsnn.plots.search_panels import plot_partial_dependences, plot_searched_distributions
    from hetero_rsnn.plots.search_plots import plot_convergence, plot_front

    def panel(draw: Callable[[Any], object]) -> Figure:
        figure = Figure(figsize=(5.4, 4.3), layout="constrained")
        ax = figure.subplots()
        draw(ax)
        ax.spines[["top", "right"]].set_visible(False)
        return figure

    models = fit_models(result)
    values = told_values(result) or "none yet"
    flat = [
        (panel(lambda ax: plot_front(result, others, ax)), f"E over C of all trials; best network: E = {values}"),
        (
            panel(lambda ax: plot_front(result, others, ax, y="S")),
            f"S over C of all trials; best network: E = {values}",
        ),
        (panel(lambda ax: plot_convergence(result, others, ax)), f"Best value so far over the trials; E = {values}"),
    ]
    curves = plot_partial_dependences(result, models=models)
    spread = plot_searched_distributions(result)[0].figure
    deep = [
        _image(spread, _told_distributions(result), "On logarithmic axes the density is that of the logarithm."),
        _image(
            curves[0].figure,
            _told_curves(curves),
            "What the search learned: mean (geometric) and 95 % band of its models of C and S, refitted on all trials.",
        ),
    ]
    return models, ("".join(_image(f, told, told) for f, told in flat), "".join(deep))


def _image(drawn: Any, told: str, caption: str) -> str:
    """A figure of matplotlib, inside as SVG; the same figure gives the same text."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "hetero_rsnn", "svg.fonttype": "path"}):
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    uri = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
    wide = css_class("wide") if len(drawn.axes) > 1 else ""
    width = f'style="--width: {96 * drawn.bbox.width / drawn.dpi:.0f}px"'
    shown = f'<img alt="{escape(told)}" {width} src="{uri}">'
    return f"<figure{wide}><div>{shown}</div><figcaption>{escape(caption)}</figcaption></figure>"


def _told_distributions(result: SearchResult) -> str:
    """What the winner has, beside the base: in words."""
    best = view.best(result)
    if best is None:
        return "Distributions of the base; no network keeps the limits yet"
    pairs = zip(result.space.dimensions, best.trial.values, result.space.default, strict=True)
    texts = [f"{wording.heading(d)} {wording.number(x)} (base {wording.number(base)})" for d, x, base in pairs]
    return f"Winning distributions, trial {best.trial.number}: {', '.join(texts)}"


def _told_curves(panels: Sequence[Any]) -> str:
    """Along which number the mean changes most, as the panels draw it."""
    found = []
    for ax in panels:
        for line in (line for line in ax.lines if line.get_label() == "mean"):
            y = line.get_ydata()
            found.append((float(max(y)) / float(min(y)), ax.get_xlabel(), float(min(y)), float(max(y))))
    if not found:
        return "Too few trials for a model of E over the searched numbers"
    _, name, low, high = max(found)
    return f"E of the model changes most along {name}: from {wording.number(low)} to {wording.number(high)}"


def _trials(result: SearchResult, others: Sequence[SearchResult]) -> str:
    results = (result, *others)
    names = view.labels(results)
    dimensions = list({d.name: d for r in results for d in r.space.dimensions}.values())
    several = len(results) > 1
    heads = [
        head("trial", "trial"),
        *([head("search", "search", words=True)] if several else []),
        *(head(q, text, down=q in ("E", "C")) for q, text in wording.quantities(results[0].settings.measure).items()),
        head("silent", "silent (%)"),
        *(head(d.name, wording.heading(d)) for d in dimensions),
        head("seconds", "time (s)"),
        head("status", "status", words=True),
    ]
    rows = []
    for g, (r, name) in enumerate(zip(results, names, strict=True)):
        best = view.best(r)
        marked = best.trial.number if best else -1
        for t in in_order(r):
            rows.append(_row(t, g, t.number == marked, name if several else "", [d.name for d in dimensions]))
    note = (
        "As the search saw them: mean over its seeds [95 % interval]. Headings sort, a click on a row marks its points."
    )
    return rows_table(note, heads, rows)


def _row(t: Trial, group: int, best: bool, search: str, dimensions: Sequence[str]) -> str:
    e = {q: wording.measure(t.evaluation, q) for q in (*wording.QUANTITIES, "silent_share")}
    cells = [f'<th scope="row" data-v="{t.number}">{t.number}{" ★" if best else ""}</th>']
    cells += [text_cell(search)] if search else []
    cells += [number_cell(e[q].mean, cell(e[q])) for q in wording.QUANTITIES]
    rest = [100 * e["silent_share"].mean, *(t.point.get(name, math.nan) for name in dimensions)]
    rest.append(math.nan if t.evaluation is None else t.evaluation.seconds)
    cells += [*(number_cell(x, wording.number(x)) for x in rest), text_cell(wording.status(t))]
    kinds = css_class("best " * best + wording.state(t))
    return f'<tr{kinds} data-row="{row_id(group, t)}">{"".join(cells)}</tr>'
