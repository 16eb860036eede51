"""Watching a search from a terminal or a notebook: what has been seen of it in a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hetero_rsnn.common.text import printable
from hetero_rsnn.searching.trial import Trial, Watch

#: What a search says that it is doing.
DOING = {
    "reference": "measuring the homogeneous reference",
    "replayed": "reading the journal",
    "trial": "searching",
    "again": "measuring the best again on fresh seeds",
}


class Reporter:
    """What has been seen of a search, in a line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.best = -math.inf
        self.failed = 0
        self._first: tuple[int, float] | None = None

    def line(self, done: int, total: int, trial: Trial | None, replayed: bool = False) -> str:
        """Best so far, failures, time left."""
        # Replayed trials come at once: the time left is reckoned from those that follow.
        now = time.monotonic()
        if self._first is None or replayed:
            self._first = (done, now)
        if trial is not None:
            self.failed += trial.status == "failed"
            if trial.feasible:
                self.best = max(self.best, trial.C if self.name == "C" else trial.E)
        parts = [f"best {self.name} = {self.best:.3g}" if math.isfinite(self.best) else "no feasible trial yet"]
        parts += [f"{self.failed} failed"] * bool(self.failed)
        count, elapsed = done - self._first[0], now - self._first[1]
        left = elapsed / max(1, count) * (total - done)
        if count > 0 and left >= 1.0:
            parts.append(f"{duration(left)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 5400 else f"{whole / 3600:.1f} h"


@contextmanager
def watching(objective: str = "") -> Iterator[Watch]:
    """A live line on a terminal, plain lines elsewhere; both on standard error."""
    reporter = Reporter("C" if objective == "capacity" else "E")
    if sys.stderr is None or not sys.stderr.isatty():

        def tell(what: str, done: int, total: int, trial: Trial | None) -> None:
            text = _plain(reporter, what, done, total, trial)
            if what != "replayed":  # it was told when it was new
                _say(text)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[more]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, more="")

        def show(what: str, done: int, total: int, trial: Trial | None) -> None:
            more = reporter.line(done, total, trial, what == "replayed") if what in ("trial", "replayed") else ""
            bar.update(task, description=DOING[what], completed=done, total=total, more=more, refresh=True)

        yield show


def _plain(reporter: Reporter, what: str, done: int, total: int, trial: Trial | None) -> str:
    if what not in ("trial", "replayed") or trial is None:
        return f"{DOING[what]}: {done} of {total}"
    more = reporter.line(done, total, trial, what == "replayed")
    if trial.evaluation is None:
        return f"trial {trial.number} failed ({trial.error}); {done} of {total}, {more}"
    limits = "" if trial.feasible else f" ({trial.evaluation.reason})"
    numbers = f"C = {trial.C:.3g}, S = {trial.S:.3g}, {trial.rate_hz:.3g} Hz, E = {trial.E:.3g}"
    return f"trial {trial.number}: {numbers}{limits}; {done} of {total}, {more}"


def _say(text: str) -> None:
    if sys.stderr is not None:  # closed
        print(printable(text), file=sys.stderr, flush=True)
