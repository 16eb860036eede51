"""``hetero-rsnn data``: which data sets there are, what is in one, and downloads."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli.options import NamedGroup, data_names, examples, load_data, say
from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError
from hetero_rsnn.common.text import printable

data_app = typer.Typer(
    cls=NamedGroup,
    help="List the data sets, show one, or download one.",
    epilog=examples("hetero-rsnn data", "hetero-rsnn data japanese_vowels", "hetero-rsnn data fetch spoken_digits"),
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(help="Name of a data set.", autocompletion=data_names)]
_Folder = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder with downloaded data [default: $HETERO_RSNN_DATA or ~/.cache/hetero_rsnn]."
    ),
]


@data_app.callback(invoke_without_command=True)
def data(context: typer.Context, data_dir: _Folder = None) -> None:
    """List the data sets: name, task, and where they are."""
    if context.invoked_subcommand is not None:
        if data_dir is not None:
            raise HeteroError(f"--data-dir must follow the command: data {context.invoked_subcommand} --data-dir ...")
        return
    from hetero_rsnn.datasets.catalogue import list_datasets

    known = list_datasets()
    width = max(map(len, known))
    for name, text in known.items():
        say(f"{name:<{width}}  {printable(text)}{_where(name, data_dir)}")
    say("\ndetails: hetero-rsnn data show japanese_vowels")


def _where(name: str, data_dir: Path | None) -> str:
    """For data that do not come along: their place, or that they are not there."""
    from hetero_rsnn.datasets import catalogue as datasets
    from hetero_rsnn.datasets.sources import SOURCES

    try:
        found = datasets.find_dataset(name, data_dir)
    except FileFormatError as error:
        return f"\n  {printable(error)}"
    if found is None:
        return ""
    folder = "" if data_dir is None else f" --data-dir {printable(shlex.quote(str(data_dir)))}"
    if not found and SOURCES[name].package:
        return f"\n  not here: {SOURCES[name].command}"
    if not found:
        return f"\n  not here: hetero-rsnn data fetch {name}{folder}"
    return f"\n  in {', '.join(map(printable, found))}"


def _interval(ms: float) -> str:
    return f"{ms / 3.6e6:g} h" if ms >= 3.6e6 else f"{ms:g} ms"


@data_app.command(
    short_help="Download a data set.",
    epilog=examples("hetero-rsnn data fetch spoken_digits", "hetero-rsnn data fetch spoken_digits --data-dir data"),
)
def fetch(
    name: _Name,
    data_dir: _Folder = None,
    mirror: Annotated[
        str | None, typer.Option(help="Address that replaces https://HOST [default: $HETERO_RSNN_MIRROR].")
    ] = None,
) -> None:
    """Download a data set; its checksum must be the published one."""
    from hetero_rsnn.datasets.catalogue import list_datasets
    from hetero_rsnn.datasets.fetch import fetch_dataset
    from hetero_rsnn.datasets.sources import SOURCES

    if name in list_datasets() and name not in SOURCES:
        say(f"{name} needs no download: it comes along, or is generated")
        return
    try:
        paths = fetch_dataset(name, data_dir, base_url=mirror, progress=True)
    except OutputError as error:
        raise OutputError(error.reason, fix="choose another --data-dir") from None
    for path in paths:
        say(printable(path))
    say(f"{SOURCES[name].authors}; licence {SOURCES[name].licence}")


@data_app.command(short_help="Print what is in a data set.", epilog=examples("hetero-rsnn data show japanese_vowels"))
def show(name: _Name, data_dir: _Folder = None) -> None:
    """Print what is in a data set: counts, channels, lengths, classes, source, licence."""
    found = load_data(name, data_dir)
    for heading, text in _lines(found):
        say(f"{heading:<10}{printable(text)}")


def _lines(found: Any) -> list[tuple[str, str]]:
    import numpy as np

    lengths, names = found.lengths, found.channels
    lines = [
        ("name", f"{found.name}: {found.task} of {found.kind}"),
        ("samples", f"{len(found)}: {found.train.size} train, {found.test.size} test"),
        ("lengths", f"{lengths.min()} to {lengths.max()} rows, median {np.median(lengths):g}"),
        ("interval", "none (no unit of time)" if found.interval_ms is None else _interval(found.interval_ms)),
        ("channels", f"{len(names)}: {', '.join(names) if len(names) <= 12 else f'{names[0]} to {names[-1]}'}"),
    ]
    if found.y is not None:
        counts = np.array(
            [np.bincount(found.y[part], minlength=len(found.classes)) for part in (found.train, found.test)]
        )
        lines.append(("classes", f"{len(found.classes)} (train + test): " + ", ".join(
            f"{name} {a} + {b}" for name, a, b in zip(found.classes, *counts, strict=True))))  # fmt: skip
    if found.groups is not None:
        groups, counts = np.unique(found.groups, return_counts=True)
        lines.append(("groups", ", ".join(f"{g} {n}" for g, n in zip(groups, counts, strict=True))))
    return [*lines, ("source", found.source), ("licence", found.licence), ("notes", found.notes)]
