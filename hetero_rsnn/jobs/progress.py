"""How far work is: the callback that functions take, and a bar for the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from hetero_rsnn.common.text import printable

#: Called after every finished job with (finished, total).
Progress = Callable[[int, int], object]


class NotedProgress(Protocol):
    """The same with a word on how it goes."""

    def __call__(self, done: int, total: int, note: str = "") -> object:
        """So many are done, of so many."""


#: Up to so many jobs have a line each; of more, every twentieth part has one.
_LINES = 100


def _say_nothing(done: int, total: int, note: str = "") -> None:
    """Standard error is closed."""


def _print_lines(text: str) -> NotedProgress:
    def tell(done: int, total: int, note: str = "") -> None:
        if total <= _LINES or done == total or done * 20 // total > (done - 1) * 20 // total:
            more = f", {note}" if note else ""
            print(f"{printable(text)}: {done} of {total}{printable(more)}", file=sys.stderr, flush=True)

    return tell


def print_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning in one line; whoever gave a command knows nothing of places in the code.

    It stands for `warnings.showwarning`. Worker processes of a command use it too.
    """
    out = sys.stderr if file is None else file
    if out is not None:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(message))  # some libraries colour theirs
        out.write(f"warning: {printable(plain)}\n")  # in one piece, since other processes write there too
        out.flush()


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[NotedProgress]:
    """A bar with the time left, and the last note, on standard error; plain lines where that is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _print_lines(text) if sys.stderr is not None else _say_nothing
        return
    # Imported here: whatever runs jobs imports this module.
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(12),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        # What is left of the line: a long note is cut, not the columns before it.
        progress.TextColumn(
            "{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        ),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task(printable(text), total=total, note="")

        def tell(done: int, total: int, note: str = "") -> None:
            bar.update(task, completed=done, total=total)
            if note:
                bar.update(task, note=printable(note))

        yield tell


@contextmanager
def stage_bar() -> Iterator[Callable[[str, int, int, str], object] | None]:
    """A bar of work in stages, called with (stage, done, total, note); None where standard error is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(20),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[note]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, note="")

        def show(stage: str, done: int, total: int, note: str) -> None:
            bar.update(task, description=stage, completed=done, total=total, note=note, refresh=True)

        yield show


@contextmanager
def told(progress: Progress | bool | None, text: str, total: int) -> Iterator[Progress | None]:
    """What a function calls that takes ``progress``: a bar for True, nothing for False and None."""
    if progress is True:
        with progress_bar(text, total) as bar:
            yield bar
    else:
        yield progress or None


class _Transfer:
    """The bar of a download, as pooch drives it."""

    def __init__(self, bar: Any, name: str) -> None:
        self._bar, self._task = bar, bar.add_task(printable(name), total=None)
        self.total = 0

    def update(self, size: int) -> None:
        self._bar.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        self._bar.update(self._task, completed=0)

    def close(self) -> None:
        self._bar.stop_task(self._task)


@contextmanager
def transfer_bar(name: str, wanted: bool) -> Iterator[Any]:
    """A bar of bytes for a download on standard error; False where nobody wants it, or that is not a terminal."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield False
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Transfer(bar, name)
