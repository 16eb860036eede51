"""Watching a search from a terminal or a notebook: what has been seen of it in a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hetero_rsnn.common.text import printable
from hetero_rsnn.jobs.progress import stage_bar
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
        if count > 0 and done < total:
            parts.append(f"{duration(elapsed / count * (total - done))} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "under 1 s"
    return f"{whole // 60} min" if whole < 5400 else f"{whole / 3600:.1f} h"


@contextmanager
def watching(objective: str = "") -> Iterator[Watch]:
    """A live line on a terminal, plain lines elsewhere; both on standard error."""
    reporter = Reporter("C" if objective == "capacity" else "E")

    def tell(what: str, done: int, total: int, trial: Trial | None) -> None:
        text = _plain(reporter, what, done, total, trial)
        if what != "replayed":  # it was told when it was new
            _say(text)

    with stage_bar() as bar:
        if bar is None:
            yield tell
            return

        def show(what: str, done: int, total: int, trial: Trial | None) -> None:
            more = reporter.line(done, total, trial, what == "replayed") if what in ("trial", "replayed") else ""
            bar(DOING[what], done, total, more)

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
