"""``hetero-rsnn rerun``: a result repeated from its file, and whether it came out the same."""

from __future__ import annotations

import io
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli.options import RUNNING, Dask, say
from hetero_rsnn.cli.outputs import writable_folder
from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError
from hetero_rsnn.common.text import printable

#: Formats of results, each with the commands that write it and the file that holds it.
_RESULTS = {
    "hetero_rsnn comparison": (("compare",), "results.json"),
    "hetero_rsnn sweep": (("sweep",), "results.json"),
    "hetero_rsnn task": (("classify", "forecast"), "results.json"),
    "hetero_rsnn image task": (("classify",), "results.json"),
    "hetero_rsnn recording": (("simulate",), "recording.json"),
}
#: Parameters of commands about where files go and how they are shown, none of which is part of a result.
_ASIDE = {
    "journal": None, "figure": None, "csv": None, "latex": None, "html": None, "save": None, "resume": False,
    "overwrite": False, "recordings": False, "dask": None, "as_json": False,
}  # fmt: skip
#: So many differences are shown.
_SHOWN = 5


def rerun(
    context: typer.Context,
    result: Annotated[
        Path, typer.Argument(help="results.json of compare, sweep, classify or forecast; recording.json of simulate.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep the new results in this folder [default: nowhere].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at a time [default: as the first time].", rich_help_panel=RUNNING)
    ] = None,
    dask: Dask = None,
) -> None:
    """Repeat a result from its file, and say whether it is the same: exit code 0 if so, 1 if not.

    The command that the file holds is run once more, in this folder, with the same files and settings. All numbers are
    compared, to the last bit. Which versions differ is said, and whether networks or data are others now. Nothing is
    overwritten: the new results go to a folder that is removed, or to --out.
    """
    then = _read(result)
    words = _words(result, then)
    with _place(out) as folder:
        commands: Any = context.find_root().command
        _repeat(commands.commands[words[0]], words, folder, workers, dask)
        now = _read(folder / _RESULTS[then["format"]][1])
        _add_arrays(result, then)
        _add_arrays(folder / "recording.json", now)
    if not _told(then, now):
        raise typer.Exit(1)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read ({error.strerror})", fix="give a results.json") from None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is not valid JSON ({error})", fix="give a results.json") from None
    found = data.get("format") if isinstance(data, dict) else None
    if not isinstance(found, str) or found not in _RESULTS:
        what = f"of format {found!r:.60}" if found else "no result of this program"
        raise FileFormatError(
            f"{path} is {what}, and not of compare, sweep, classify, forecast or simulate", fix="give a result of these"
        )
    return dict(data)


def _words(path: Path, data: dict[str, Any]) -> list[str]:
    """The command that wrote a result."""
    known = _RESULTS[data["format"]][0]
    command = (data.get("provenance") or {}).get("command") if "provenance" in data else data.get("command")
    if not isinstance(command, str):
        raise HeteroError(
            f"{path} holds no command: Python wrote it, or a version that did not keep it",
            fix=f"repeat it by hand, with hetero-rsnn {' or '.join(known)}",
        )
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if len(words) < 2 or words[1] not in known:
        raise HeteroError(f"{path} holds the command {command!r:.80}, which is none of {' or '.join(known)}")
    return words[1:]


@contextmanager
def _place(out: Path | None) -> Iterator[Path]:
    """The folder of the new results: one that goes away again, or a new one."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="hetero-rsnn-") as folder:
            yield Path(folder)
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists already", fix="choose another --out")
    yield writable_folder(out)


def _repeat(chosen: Any, words: list[str], folder: Path, workers: int | None, dask: str | None) -> None:
    """Run the command with its own words, but for those about files; what it prints is not shown."""
    before, sys.argv = sys.argv, ["hetero-rsnn", *words]  # what the new results say they are made by
    try:
        with chosen.make_context(f"hetero-rsnn {words[0]}", words[1:]) as context:
            context.params |= {key: value for key, value in _ASIDE.items() if key in context.params}
            context.params["out"] = folder
            for key, value in (("workers", workers), ("dask", dask)):
                if value is not None and key not in context.params:
                    raise HeteroError(f"{words[0]} runs one job, and takes no --{key}", fix="leave it away")
                context.params |= {} if value is None else {key: value}
            say(f"repeating: {printable(shlex.join(sys.argv))}", err=True)
            with redirect_stdout(io.StringIO()):
                chosen.invoke(context)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was compared") from None
    finally:
        sys.argv = before


def _add_arrays(path: Path, data: dict[str, Any]) -> None:
    """Put the arrays of a recording beside its numbers, in place of the checksum of the file that holds them."""
    if data["format"] != "hetero_rsnn recording":
        return
    from hetero_rsnn.simulation.recording import load_recording

    recording = load_recording(path)
    names = ("spike_times", "spike_neurons", "weights")
    data.pop("sha256", None)
    data["recorded"] = {
        **{name: getattr(recording, name).tolist() for name in names},
        **{f"state.{name}": values.tolist() for name, values in recording.state.variables.items()},
        **{name: values.tolist() for name, values in recording.traces.items()},
    }


def _told(then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Say how two results compare; whether they are the same."""
    from hetero_rsnn.common.sameness import differs, pairs, versions_in

    before, today = versions_in(then), versions_in(now)
    changed = [f"{name} {version} then, {today.get(name, 'none')} now"
               for name, version in before.items() if today.get(name) != version]  # fmt: skip
    say(f"versions differ: {printable(', '.join(changed))}" if changed else "versions: the same")
    if then["format"].endswith("task") and "sha256" not in then["dataset"]:
        say("note: this older file holds no checksum of its data, so that other data would go unnoticed")
    both = list(pairs(then, now))
    apart = [pair for pair in both if differs(pair)]
    inputs = [pair for pair in apart if pair.of_input]
    for pair in inputs[:_SHOWN]:
        say(printable(f"made from something else: {pair.where} was {pair.then!r:.60}, is {pair.now!r:.60}"))
    if not apart:
        say(f"equal: all {len(both):,} values, to the last bit")
        return True
    found = sorted((pair for pair in apart if not pair.of_input), key=lambda pair: pair.relative, reverse=True)
    if found:
        worst = found[0]
        size = "" if worst.relative == float("inf") else f" by {worst.relative:.2g} of its value"
        say(
            printable(
                f"different: {len(found):,} of {len(both):,} values, the most{size} {worst.where}: "
                f"{worst.then!r:.40} then, {worst.now!r:.40} now"
            )
        )
    else:
        say("different: not in what came out, but in what it was made from")
    return False
