"""What several commands read: overrides, seeds, and the folder for results."""

from __future__ import annotations

import codecs
import io
import shlex
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from hetero_rsnn.cli.outputs import Tables, writable_folder
from hetero_rsnn.common.errors import ExecutorError, FileFormatError, HeteroError, JournalError, OutputError
from hetero_rsnn.common.files import first_free
from hetero_rsnn.common.text import printable
from hetero_rsnn.jobs.progress import print_warning

#: Heading of options in the help of commands that have many.
RUNNING = "Where and how it runs"

# Where jobs run, of all commands that have many.
Workers = Annotated[int | None, typer.Option(help="Jobs at a time [default: one a core].", rich_help_panel=RUNNING)]
Dask = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Run the jobs on this Dask cluster instead.", rich_help_panel=RUNNING),
]


def places(workers: int | None, dask: str | None) -> dict[str, Any]:
    """Where jobs run, as functions take it: here, one a core, or on a cluster, as many as it has threads."""
    from hetero_rsnn.jobs.parallel import cores

    return {"workers": cores() if workers is None and dask is None else workers, "dask": dask}


#: What stands for a character in an encoding that does not have it.
_PLAIN = {
    "±": "+/-", "Δ": "d", "µ": "u", "μ": "u", "ν": "nu", "ε": "eps", "τ": "tau", "−": "-", "–": "-", "—": "-",
    "×": "x", "·": ".", "≥": ">=", "≤": "<=", "★": "*", "•": "*", "→": "->", "°": "deg",
}  # fmt: skip


def _in_ascii(character: str) -> str:
    """An accent is left away; what has no likeness is written as an escape."""
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _PLAIN.get(character) or bare or character.encode("ascii", "backslashreplace").decode()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


@contextmanager
def any_encoding() -> Iterator[None]:
    """Write to streams of any encoding: what it does not have is replaced, where the user has not chosen otherwise."""
    codecs.register_error("hetero_rsnn.plain", _replaced)
    before: list[tuple[io.TextIOWrapper, str]] = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape", "backslashreplace"):
            before.append((stream, stream.errors))
            stream.reconfigure(errors="hetero_rsnn.plain")
    try:
        yield
    finally:
        for stream, errors in before:
            with suppress(ValueError, OSError):  # closed meanwhile, or full
                stream.reconfigure(errors=errors)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Print a warning as a line of its own, without the place in the code that Python adds."""
    before, warnings.showwarning = warnings.showwarning, print_warning
    try:
        yield
    finally:
        warnings.showwarning = before


def examples(*lines: str) -> str:
    """What stands below the help of a command: lines to try, kept as they are."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])


class NamedGroup(typer.core.TyperGroup):
    """Commands about things with names: ``networks henhes`` is ``networks show henhes``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word, or `show` where that is none."""
        known = args[0] in self.commands or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else ["show", *args])


def network_names(incomplete: str) -> list[str]:
    """Shipped networks that begin so, for the completion of a shell, which adds files."""
    from hetero_rsnn.network.shipped import list_networks

    return [name for name in list_networks() if name.startswith(incomplete)]


def space_names(incomplete: str) -> list[str]:
    """The same of spaces."""
    from hetero_rsnn.searching.space import list_spaces

    return [name for name in list_spaces() if name.startswith(incomplete)]


def data_names(incomplete: str) -> list[str]:
    """The same of data sets."""
    from hetero_rsnn.datasets.catalogue import list_datasets

    return [name for name in list_datasets() if name.startswith(incomplete)]


def say(text: object, end: str = "\n", *, err: bool = False) -> None:
    """Print at once, in the encoding of standard output: typer's echo takes UTF-8 where that is ASCII."""
    print(text, end=end, file=sys.stderr if err else sys.stdout, flush=True)


def by_line(text: object) -> str:
    """Text of several lines, each of them printable."""
    return "\n".join(printable(line) for line in str(text).expandtabs(4).split("\n"))


def parse_overrides(pairs: list[str], *, lists: bool = False) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs; a value is TOML if it can be, else text ("20 ms").

    Several values where a network takes one are refused, unless `lists`, which settings of a training may be.
    """
    import tomllib

    out: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.strip() or not text.strip():
            raise HeteroError(f"an override must be NAME=VALUE, got {pair!r}: write e.g. --set E.tau_m.cv=0.5")
        if not lists:
            _refuse_several(name.strip(), text.strip())
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        out[name.strip()] = value
    return out


def _refuse_several(name: str, text: str) -> None:
    """A range or list is a sweep; only a mixture has lists of its own."""
    from hetero_rsnn.experiments.sweep_values import is_several

    if name.rpartition(".")[2] not in ("weights", "components") and is_several(text):
        values = text.strip("[] ").replace(" ", "")
        line = printable(shlex.join(["hetero-rsnn", "sweep", "NETWORK", f"{name}={values}"]))
        raise HeteroError(f"--set {name} takes one value, got {text!r:.80}", fix=f"measure several with {line}")


_MOST_SEEDS = 100_000


def parse_seeds(text: str) -> list[int]:
    """Read ``20`` (seeds 0 to 19), ``100-119`` or ``1,5,8``."""
    try:
        if "," in text:
            seeds = [int(part) for part in text.split(",") if part.strip()]
        elif "-" in text.strip().lstrip("-"):
            first, last = (int(part) for part in text.split("-"))
            seeds = list(range(first, min(last, first + _MOST_SEEDS) + 1))
        else:
            seeds = list(range(min(int(text), _MOST_SEEDS + 1)))
    except ValueError:
        seeds = []
    if len(seeds) > _MOST_SEEDS:
        raise HeteroError(f"--seeds may name up to {_MOST_SEEDS} seeds, got {text!r}")
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise HeteroError(f"--seeds must be a count (20), a range (100-119) or a list (1,5,8), got {text!r}")
    return seeds


def seeds_text(seeds: Sequence[int]) -> str:
    """The text that `parse_seeds` reads as these seeds."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 1 and list(seeds) == list(range(first, last + 1)):
        return f"{first}-{last}"
    return ",".join(map(str, seeds)) + "," * (len(seeds) == 1)


#: What the command line can do about a journal that stands in the way, or is not there.
_RESUME = {
    "exists": "add --resume to go on with it, or choose another path",
    "missing": "leave out --resume to start one",
}


@contextmanager
def journaled(path: Path, piece: str, again: Sequence[str], count: Callable[[], str] | None = None) -> Iterator[None]:
    """A run that keeps every `piece` in a journal: who is stopped is told by which command it goes on.

    `count` says how many are kept, where that is known.
    """
    try:
        yield
    except ExecutorError as error:
        begun = error.lost and path.is_file()
        raise (error.at(after=f": {shlex.join(again)}") if begun else error) from None
    except JournalError as error:
        raise JournalError(error.reason, fix=_RESUME[error.problem]) if error.problem in _RESUME else error from None
    except KeyboardInterrupt:
        if not path.is_file():
            raise KeyboardInterrupt("nothing had begun") from None
        fix = f"go on with: {shlex.join(again)}"
        kept = f"every finished {piece} is in the journal" if count is None else count()
        raise KeyboardInterrupt(printable(f"{kept}; {fix}")) from None


def command_line() -> str:
    """The command as it was given, for results that say how to repeat them."""
    return shlex.join(["hetero-rsnn", *sys.argv[1:]])


def results_folder(out: Path | None, command: str, files: tuple[str, ...], overwrite: bool) -> Path:
    """Folder for results. Without --out a new one each time; a named one must not hold results already."""
    if out is None:
        return writable_folder(first_free(Path("results") / command, files))
    folder = writable_folder(out)
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(f"{folder / there[0]} exists already: choose another --out, or add --overwrite")
    return folder


@contextmanager
def task_folder(
    out: Path | None, command: str, overwrite: bool, apart: Tables, files: Sequence[str] = ()
) -> Iterator[Path]:
    """The folder for results of a task, and more files; made for results that there are none of, it goes again."""
    apart.refuse(overwrite)
    fresh = out is None or not out.exists()
    names = ("results.json", *(["figure.png"] if apart.figure is None else []), *files)
    folder = results_folder(out, command, names, overwrite)
    try:
        yield folder
    except HeteroError:
        if fresh and not any(folder.iterdir()):
            folder.rmdir()
        raise


def write_task(
    folder: Path, seeds: list[int], result: Any, figure: Any, as_json: bool, tables: Callable[[Any], None],
    apart: Tables, rows: Callable[[Any], list[dict[str, Any]]], texts: Callable[[Any], list[Any]],
    page: Callable[[Any, str], Any], more: dict[str, Any] | None = None, files: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the results of a task and their figure; then print them, last, since a pipe that nobody reads ends that.

    `rows`, `texts` and `page` make what `apart` writes; `more` is said in the results too; `files` lie there already.
    """
    from hetero_rsnn.common.files import json_text, write_json
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.report.terminal import text_of

    content = {"command": command_line(), "seeds": seeds, **result.to_dict(), **(more or {})}
    write_json(folder / "results.json", content)
    save_figure(figure, apart.figure or folder / "figure.png")
    apart.write(rows(result), [text_of(table) for table in texts(result)], lambda: page(result, command_line()))
    if as_json:
        say(json_text(content), end="")
    else:
        tables(result)
        inside = [["results.json", *files], ["figure.png"] * (apart.figure is None)]
        say(f"wrote {' and '.join(', '.join(names) for names in inside if names)} to {printable(folder)}{apart.told()}")


def load_data(name: str, data_dir: Path | None, **options: Any) -> Any:
    """A data set; one that is not there is asked for with the command that fetches or installs it."""
    from hetero_rsnn.datasets.catalogue import find_dataset, load_dataset
    from hetero_rsnn.datasets.sources import SOURCES

    try:
        return load_dataset(name, data_dir=data_dir, **options)
    except FileFormatError as error:
        if name not in SOURCES or find_dataset(name, data_dir):
            raise
        source = SOURCES[name]
        if source.package:
            fix = f"run '{source.command}', or get it from {source.homepage} and give --data-dir"
            raise FileFormatError(error.reason, fix=fix) from None
        folder = data_dir.parent if data_dir is not None and data_dir.suffix else data_dir
        command = ["hetero-rsnn", "data", "fetch", name, *(["--data-dir", str(folder)] if folder is not None else [])]
        fix = f"run '{shlex.join(command)}', or get it from {source.homepage} and give --data-dir"
        raise FileFormatError(error.reason, fix=fix) from None
