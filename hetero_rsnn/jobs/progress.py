"""How far work is: the callback that functions take, and a bar for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Called after every finished job with (finished, total).
Progress = Callable[[int, int], object]


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[Progress | None]:
    """A bar with the time left on standard error; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    # Imported here: whatever runs jobs imports this module.
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Transfer:
    """The bar of a download, as pooch drives it."""

    def __init__(self, bar: Any, name: str) -> None:
        self._bar, self._task = bar, bar.add_task(name, total=None)
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
    if not wanted or not sys.stderr.isatty():
        yield False
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Transfer(bar, name)
