"""What the terminal shows: tables on standard output, progress on standard error."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from hetero_rsnn.experiments.comparison import Comparison
from hetero_rsnn.jobs.parallel import Progress as Callback
from hetero_rsnn.plots.network_plots import label
from hetero_rsnn.experiments.measurement import Estimate
from hetero_rsnn.common.tables import TextTable


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[Callback | None]:
    """A bar with the time left on standard error; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def console() -> Console:
    """Standard output; wide enough for the tables where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 140, soft_wrap=not sys.stdout.isatty())


def cell(e: Estimate, signed: bool = False, digits: int | None = None) -> str:
    """A mean with its interval, to three digits (a difference: to the first of its error) or as many as asked."""
    if e.n == 0 or math.isnan(e.mean):
        return "undefined"
    sign = "+" if signed else ""
    fixed = digits
    digits = max(0, 3 - math.floor(math.log10(max(abs(e.mean), 1e-12))) - 1) if e.mean else 2
    if signed and not math.isnan(e.stderr) and e.stderr > 0:
        digits = max(0, -math.floor(math.log10(e.stderr)))
    digits = min(digits, 5) if fixed is None else fixed
    text = f"{e.mean:{sign}.{digits}f}"
    return text if math.isnan(e.low) else f"{text} [{e.low:{sign}.{digits}f}, {e.high:{sign}.{digits}f}]"


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Every network, and its paired differences to the baseline."""
    seeds = len(comparison.seeds)
    p = comparison.measurements[0].network.protocol
    sizes = sorted({m.network.n for m in comparison.measurements})
    title = (
        f"{seeds} seeds, {' or '.join(map(str, sizes))} neurons, {p.samples} samples of {p.hold:g} ms, delays up to "
        f"{p.d_max}, read with tau {p.tau_read:g} ms; mean [95 % interval]"
    )
    rows = []
    for m in comparison.measurements:
        s = m.summary()
        undefined = seeds - s["E"].n
        e = cell(s["E"]) + (f" ({undefined} of {seeds} undefined)" if 0 < undefined < seeds else "")
        numbers = (cell(s[q]) for q in ("C", "S", "rate_hz"))
        rows.append((label(m.network.name), *numbers, e, f"{s['silent_share'].mean:.1%}"))
    headings = ("network", "C (samples)", "S (spikes/sample)", "rate (Hz)", "E = C/S", "silent")
    tables = [TextTable(title, headings, rows)]
    if not comparison.pairs:
        return tables
    title = f"paired differences to {label(comparison.baseline)}; * where the 95 % interval leaves out 0"
    rows = []
    for name, to in comparison.pairs:
        cells = []
        for quantity in ("C", "S", "rate_hz", "E"):
            d = comparison.difference(name, quantity, to)
            star = " *" if not math.isnan(d.low) and d.low * d.high > 0 else "  "
            cells.append(cell(d, signed=True) + star)
        rows.append((label(name) if to == comparison.baseline else f"{label(name)} - {label(to)}", *cells))
    return [*tables, TextTable(title, ("network", "ΔC", "ΔS", "Δrate (Hz)", "ΔE"), rows)]


def print_comparison(comparison: Comparison) -> None:
    """Both tables on the terminal."""
    out = console()
    for text in comparison_tables(comparison):
        table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=escape(text.title))
        first, *rest = text.headings
        table.add_column(first, no_wrap=True)
        for heading in rest:
            table.add_column(heading, justify="right")
        for row in text.rows:
            table.add_row(*map(escape, row))
        out.print(table)


def raster_pair(comparison: Comparison) -> list[str]:
    """The homogeneous network and the heterogeneous one to draw rasters of: the baseline, and henhes or the last."""
    names = [m.network.name for m in comparison.measurements]
    other = "henhes" if "henhes" in names else names[-1]
    return list(dict.fromkeys([comparison.baseline, other]))
