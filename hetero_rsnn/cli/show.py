"""``hetero-rsnn show``: what a search, a sweep or a comparison has found so far, or actors have learned."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetero_rsnn.cli.control import show_control
from hetero_rsnn.cli.options import say
from hetero_rsnn.cli.outputs import free_file
from hetero_rsnn.cli.serving import address, serve_page
from hetero_rsnn.cli.studies import show_study, study_page_of
from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.files import first_free
from hetero_rsnn.common.text import printable
from hetero_rsnn.report.search_tables import print_search

if TYPE_CHECKING:
    from hetero_rsnn.report.page import Page
    from hetero_rsnn.searching.result import SearchResult

#: What is written to the folder of the results.
FIGURE, PAGE = "search.png", "search.html"


def show(
    journals: Annotated[
        list[Path],
        typer.Argument(metavar="JOURNAL...", help="Journal of search, control, sweep or compare."),
    ],
    top: Annotated[int, typer.Option(help="Trials in the table.")] = 10,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=f"Folder for {FIGURE} and {PAGE} [default: results/show].")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the page with figures and all trials to this file instead.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the best network to this .toml file, for load_network.")
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve", metavar="[HOST:]PORT", help="Serve the page to a browser as the journal grows, until Ctrl-C."
        ),
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw; without, only what is named is written, in no time.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> None:
    """Show what a search has found, even while it runs: best trials with 95 % intervals, figures, the best network.

    Of hetero-rsnn control: returns of every seed, curves with 95 % intervals, an episode of the best one. Of sweep and
    compare: tables, figure and page. Journals of searches, and of control, are compared where there are several.
    """
    kind = _kind(journals)
    if serve is not None and out is not None:
        raise HeteroError(
            "--out is written once, --serve goes on", fix="leave one away; --html FILE is written anew with each page"
        )
    where = None if serve is None else address(serve)
    if kind != "search":
        if export is not None:
            raise HeteroError("--export is for journals of searches", fix="leave it away")
        if kind == "trainings" and (html is not None or serve is not None):
            raise HeteroError("--html and --serve are for journals of search, sweep and compare", fix="leave them away")
        if kind == "trainings":
            show_control(journals, out, figures, overwrite)
        elif len(journals) > 1:
            raise HeteroError(f"{journals[0]} is of a {kind}, which is shown alone", fix="show them one by one")
        elif where is not None:
            _check_paths(None, html, None, overwrite)
            study_page_of(journals[0], kind)  # what is wrong with it is told before a browser asks
            serve_page(journals, lambda: study_page_of(journals[0], kind), where, html)
        else:
            show_study(journals[0], kind, out, html, figures, overwrite)
        return
    from hetero_rsnn.report.search_page import search_page, write_html
    from hetero_rsnn.searching import view
    from hetero_rsnn.searching.result import SearchResult

    checks.whole("--top", top, least=1)
    result, *others = [SearchResult.from_journal(path) for path in journals]
    view.check_comparable([result, *others])
    if out is None and html is None and where is None and figures and view.measured(result):
        out = first_free(Path("results") / "show", (FIGURE, PAGE))
    figure = out / FIGURE if out is not None and figures else None
    page = html if html is not None or out is None else out / PAGE
    _check_paths(figure, page, export, overwrite)
    if export is not None and result.best is None:
        raise HeteroError(f"{journals[0]} has no finished trial, so no network to --export: let the search go on")
    if where is None:
        print_search(result, others, top)
    written = []
    if export is not None:
        written.append(_export(result, export))
    if figure is not None:
        written.append(_draw(result, others, figure))
    if page is not None and where is None:
        written.append(write_html(result, page, others, figures=figures))
    if written:
        say(f"wrote {', '.join(printable(path) for path in written)}")
    if where is not None:

        def render() -> Page:
            first, *rest = [SearchResult.from_journal(path) for path in journals]
            return search_page(first, rest, figures=figures)

        serve_page(journals, render, where, html)


def _kind(journals: list[Path]) -> str:
    """What journals are of: a search, trainings, a sweep, a comparison. Two kinds together cannot be shown."""
    from hetero_rsnn.control.journal_events import KIND
    from hetero_rsnn.experiments.measurement_journal import KIND as MEASUREMENTS
    from hetero_rsnn.jobs.journal import read_journal

    kinds = []
    for path in journals:
        header = read_journal(path)[0]
        study = header.get(MEASUREMENTS)
        kinds.append("trainings" if KIND in header else study if study in ("sweep", "comparison") else "search")
    for path, kind in zip(journals, kinds, strict=True):
        if kind != kinds[0]:
            said = [k if k == "trainings" else f"a {k}" for k in (kinds[0], kind)]
            raise HeteroError(f"{journals[0]} is of {said[0]}, {path} of {said[1]}", fix="show them one by one")
    return kinds[0]


def _check_paths(figure: Path | None, page: Path | None, export: Path | None, overwrite: bool) -> None:
    """Find what cannot be written before the work."""
    if export is not None and export.suffix != ".toml":
        raise HeteroError(f"--export must name a .toml file, got {str(export)!r}: load_network reads no other")
    for path, option in ((figure, "--out"), (page, "--html or --out"), (export, "--export")):
        if path is not None:
            free_file(path, option, overwrite)


def _draw(result: SearchResult, others: list[SearchResult], path: Path) -> Path:
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.search_plots import search_figure

    return save_figure(search_figure(result, others), path, dpi=130)


def _export(result: SearchResult, path: Path) -> Path:
    from hetero_rsnn.cli.options import seeds_text
    from hetero_rsnn.common.files import write_text
    from hetero_rsnn.network.saving import to_toml_text

    assert result.best is not None  # `show` has looked
    if not result.best.feasible:
        where = f"{printable(path)} is trial {result.best.number}, the closest"
        say(f"note: no trial keeps all limits; {where}", err=True)
    note = (
        f"# Trial {result.best.number} of a search of the space {result.space.name!r}, fingerprint "
        f"{result.space.fingerprint}.\n# {result.best_evaluation}"
        + (f", the best of {len(result.remeasured)} on fresh seeds\n" if result.remeasured else ", not re-measured\n")
    )
    net = result.best_network
    p, numbers = net.protocol, result.settings.fresh_seeds if result.remeasured else result.settings.seeds
    fresh = "fresh seeds" if result.remeasured else "seeds of the search"
    note += f"# n = {net.n}, samples = {p.samples}, d_max = {p.d_max}, {fresh} {seeds_text(numbers)}; the same again:\n"
    again = ["hetero-rsnn", "compare", str(path), "--seeds", seeds_text(numbers)]
    for option, usual in (("backend", "fast"), ("precision", "double")):
        used = result.settings.measure.get(option, usual)
        again += [f"--{option}", used] if used != usual else []
    # What comes from the journal must not end the comment that it stands in.
    head = "\n".join(map(printable, [*note.splitlines(), f"# {shlex.join(again)}"]))
    return write_text(path, f"{head}\n{to_toml_text(net)}")
