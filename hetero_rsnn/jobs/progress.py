"""How far work is: the callback that functions take, and a bar for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
