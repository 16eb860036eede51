"""Tables of actors that learned to act, within 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from hetero_rsnn.common.errors import TooShortError
from hetero_rsnn.control.result import ControlResult
from hetero_rsnn.measures.returns import within_run_spread
from hetero_rsnn.report.terminal import console, shown


def print_control(results: Sequence[ControlResult]) -> None:
    """A table of each result, seed by seed, and what holds over seeds."""
    out = console()
    for result in results:
        table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=shown(_title(result)))
        headings = ("seed", "step", "last return", "best return", "spread\nwithin", "spikes of\nan action", "minutes")
        for k, heading in enumerate(headings):
            table.add_column(heading, justify="right" if k else "left", no_wrap=True)
        for seed, history in result.histories.items():
            if not history:
                table.add_row(str(seed), *[""] * 6)
                continue
            last, means = history[-1], [test.mean for test in history]
            table.add_row(
                str(seed), f"{last.step:,}", f"{last.mean:.5g}", f"{max(means):.5g}", _spread(means),
                f"{last.spikes:.5g}" if last.spikes else "", f"{last.seconds / 60:.1f}",
            )  # fmt: skip
        out.print(table)
        if result.tests:
            found = f"return after {result.steps[-1]:,} steps: {result.final_interval()}"
            out.print(shown(found), highlight=False)
            if (kept := len(result.returns)) > 1:
                out.print(f"(interquartile mean over {kept} seeds, and its 95 % interval)", highlight=False)
        for seed, error in result.errors.items():
            out.print(shown(f"seed {seed} was given up: {error}"), highlight=False)


def _title(result: ControlResult) -> str:
    settings = result.settings
    hidden = " x ".join(map(str, settings.actor.hidden))
    state = "" if result.done else ", not finished"
    return f"{result.environment}, {result.label}, {hidden} hidden neurons, {settings.steps:,} steps{state}"


def _spread(means: Sequence[float]) -> str:
    """Of the tests of one run about their trend."""
    try:
        value = float(within_run_spread(means)[0])
    except TooShortError:
        value = math.nan
    return "" if math.isnan(value) else f"{value:.3g}"
