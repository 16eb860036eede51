"""Data of one's own on the command line: the options that say how to read a file, and what it becomes."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli.options import data_names, load_data
from hetero_rsnn.common.errors import HeteroError

Data = Annotated[
    str,
    typer.Argument(
        help="Name of a data set, see hetero-rsnn data; or a file or folder of your own.",
        autocompletion=data_names,
    ),
]
Folder = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder with downloads [default: $HETERO_RSNN_DATA, or ~/.cache].")
]
Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Own data: column of labels [default: label, class or target; y in npz]."),
]
Sample = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Own data: rows with one id in it are a series."),
]
Groups = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Own data: hold out whole groups, e.g. speakers."),
]
Split = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Own data: column or array of train or test."),
]
Columns = Annotated[
    str | None,
    typer.Option("--column", metavar="NAMES", help="Own data: channels, with commas [default: all numbers]."),
]
Share = Annotated[float | None, typer.Option("--test-share", help="Own data: share that is tested [default: 0.25].")]
SplitSeed = Annotated[int | None, typer.Option("--split-seed", help="Own data: seed of the split [default: 0].")]
Uneven = Annotated[bool, typer.Option("--uneven", help="Own data: rows are even, whatever the times say.")]


@dataclass(frozen=True)
class Reading:
    """What was said of how to read data of one's own."""

    label: str | None = None
    sample: str | None = None
    groups: str | None = None
    split: str | None = None
    column: str | None = None
    test_share: float | None = None
    split_seed: int | None = None
    uneven: bool | None = None

    def given(self) -> dict[str, Any]:
        """By name, what was said."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    def words(self) -> list[str]:
        """The same as words of a command line."""
        out: list[str] = []
        for name, value in self.given().items():
            out += [_option(name)] if value is True else [_option(name), f"{value}"]
        return out


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_task(name: str, wanted: str) -> None:
    """Refuse a data set that comes along and is for another task, before data are read or generated."""
    from hetero_rsnn.datasets.catalogue import task_of

    found = task_of(name)
    if found not in (None, wanted):
        other = {"classification": "classify", "forecasting": "forecast"}[found]
        raise HeteroError(f"{name} is a data set for {found}: use hetero-rsnn {other} {name}")


def is_own(name: str) -> bool:
    """Whether a word names data of one's own: no data set that comes along is called so, and it looks like a path."""
    from hetero_rsnn.datasets.catalogue import task_of
    from hetero_rsnn.datasets.own_data import ENDINGS

    if task_of(name) is not None:
        return False
    return os.path.exists(name) or os.sep in name or Path(name).suffix.lower() in (*ENDINGS, ".npy", ".wav")


def load_any(name: str, data_dir: Path | None, reading: Reading, task: str) -> Any:
    """A data set by name, or one of one's own for a task, ``"classification"`` or ``"forecasting"``."""
    given = reading.given()
    if not is_own(name):
        if given:
            options = ", ".join(map(_option, given))
            raise HeteroError(f"{options}: for data of your own, and {name} has its own", fix="leave that away")
        return load_data(name, data_dir)
    if data_dir is not None:
        raise HeteroError(f"--data-dir is for downloads, and {name} is a path: leave it away")
    from hetero_rsnn.datasets.own_data import labelled_dataset
    from hetero_rsnn.datasets.own_series import series_dataset

    make = labelled_dataset if task == "classification" else series_dataset
    try:
        return make(name, **given)
    except HeteroError as error:
        raise _with_options(error) from None


#: What the command line calls what the fix of a reader speaks of.
_ADVICE = {
    "name the one with the labels": "name it with --label",
    "fill the gap, or allow uneven times": "fill the gap, or add --uneven",
}


def _with_options(error: HeteroError) -> HeteroError:
    fix = next((ours for theirs, ours in _ADVICE.items() if str(error).endswith(theirs)), None)
    return error if fix is None else type(error)(error.reason, fix=fix)
