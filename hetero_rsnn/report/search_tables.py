"""The tables that the terminal shows of a search."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.searching.result import in_order

if TYPE_CHECKING:
    from rich.table import Table

    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.searching.trial import Trial


#: Trials whose numbers are shown side by side.
_SIDE_BY_SIDE = 5


def print_search(result: SearchResult, others: list[SearchResult], top: int) -> None:
    """The state of the search, its best trials, their parameters, and the searches compared."""
    from hetero_rsnn.report.terminal import WIDE, console, shown
    from hetero_rsnn.searching import view

    screen = console()
    narrow = screen.width < WIDE
    for line in (view.question(result), view.progress(result), view.nothing(result)):
        if line:
            screen.print(shown(line), highlight=False)
    best = [t for t in in_order(result) if t.evaluation is not None][:top]
    if best:
        screen.print(_ranking(result, best, narrow))
        screen.print(_composition(result, best[: _SIDE_BY_SIDE - 2 * narrow]))
        screen.print(_importance(result), highlight=False)
    found = view.best(result)
    if found is not None or others:
        screen.print(_comparison(result, others, narrow))
    if found is not None:
        screen.print(shown(view.meaning(result, found)), highlight=False)
    for line in view.beyond(result):
        screen.print(shown(line), highlight=False, style="bold")
    failed = [t for t in result.trials if t.status == "failed"]
    if failed:
        last = failed[-1]
        screen.print(
            f"{len(failed)} failed, the last one trial {last.number}: {shown(str(last.error))}", highlight=False
        )


def _table(title: str, first: str, headings: Iterable[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _kept(narrow: bool) -> list[str]:
    """The quantities that have a column: S says the same as the rate."""
    from hetero_rsnn.searching import wording

    return [q for q in wording.QUANTITIES if not (narrow and q == "rate_hz")]


def _ranking(result: SearchResult, best: list[Trial], narrow: bool) -> Table:
    from hetero_rsnn.report.terminal import fold, shown
    from hetero_rsnn.searching import wording

    title = (
        f"top {len(best)} trials as the search saw them, over {wording.seeds(result.settings.seeds)}; "
        "mean [95 % interval]"
    )
    kept = _kept(narrow)
    words = wording.quantities(result.settings.measure)
    table = _table(title, "trial", [*(words[q] for q in kept), *([] if narrow else ["silent"])])
    table.add_column("limits", overflow="fold")
    for t in best:
        cells = [fold(cell(wording.measure(t.evaluation, q)), narrow) for q in kept]
        silent = wording.measure(t.evaluation, "silent_share").mean
        cells += [] if narrow else ["–" if math.isnan(silent) else f"{silent:.1%}"]
        limits = "kept" if t.evaluation is None or t.feasible else t.evaluation.reason
        table.add_row(str(t.number), *cells, shown(limits))
    return table


def _composition(result: SearchResult, best: list[Trial]) -> Table:
    """A row a dimension, since there are more of them than a line holds."""
    from hetero_rsnn.report.terminal import shown
    from hetero_rsnn.searching import wording

    table = _table("their parameters", "parameter", [*(f"trial {t.number}" for t in best), "base", "searched"])
    for i, d in enumerate(result.space.dimensions):
        cells = [wording.number(t.values[i]) for t in best]
        span = f"{wording.number(d.low)} to {wording.number(d.high)}"
        table.add_row(shown(wording.heading(d)), *cells, wording.number(result.space.default[i]), span)
    return table


def _importance(result: SearchResult) -> Table | str:
    """What moves the numbers, the strongest first; a line where the trials are too few to say."""
    from hetero_rsnn.common.errors import SearchError
    from hetero_rsnn.report.terminal import shown
    from hetero_rsnn.searching import wording

    try:
        found = result.importance()
    except SearchError as error:
        return shown(str(error))
    quantity = "C" if result.settings.objective == "capacity" else "E"
    title = (
        f"how much each parameter matters: share of the variance of log {quantity} that follows from it alone, over "
        "the searched ranges"
    )
    table = _table(title, "parameter", ["share [95 % interval]"])
    for d in sorted(result.space.dimensions, key=lambda d: -found[d.name].index):
        table.add_row(shown(wording.heading(d)), str(found[d.name]))
    return table


def _comparison(result: SearchResult, others: list[SearchResult], narrow: bool) -> Table:
    from hetero_rsnn.report.terminal import fold, shown
    from hetero_rsnn.searching import view, wording

    title = (
        "winners; best minus this: E of the first row minus E of this row on the same seeds, * where its 95 % interval "
        "excludes 0"
    )
    words = wording.quantities(result.settings.measure)
    headings = list(words if narrow else words.values())  # the units stand above
    kept = [i for i, q in enumerate(wording.QUANTITIES) if q != "rate_hz"]  # S says the same, and lines are short
    table = _table(title, "search", [*(headings[i] for i in kept), view.MINUS])
    if not narrow:
        table.add_column("measured on", no_wrap=True)
    for row in view.comparison(result, others):
        cells = [fold(shown(text), narrow) for text in (*(row.cells[i] for i in kept), row.lead)]
        name = row.name.replace(" ", "\n") if narrow and row.name == view.REFERENCE else shown(row.name)
        table.add_row(name, *cells, *([] if narrow else [shown(row.source)]))
    return table
