"""``hetero-rsnn control``: spiking actors that learn to act in an environment of gymnasium, with a journal."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.cli.options import journaled, parse_overrides, parse_seeds, say
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.control.result import ControlResult
    from hetero_rsnn.control.settings import ControlTest

#: Settings of a quick look; numbers are rough then.
_QUICK: dict[str, Any] = {
    "random_steps": 500, "update_after": 500, "critic_hidden": (64, 64), "test_episodes": 3, "actor_lr": 1e-3,
}  # fmt: skip
_QUICK_STEPS, _QUICK_HIDDEN = 2000, (64, 64)


def control(
    environment: Annotated[str, typer.Argument(help="Name of an environment of gymnasium, e.g. Pendulum-v1.")],
    pseudo: Annotated[
        str | None, typer.Option(help="Pseudo-derivative: trapezoid (the default), rectangle, triangle, ...")
    ] = None,
    actor: Annotated[str, typer.Option(help="lif, dynamic, or relu: without spikes.")] = "lif",
    hidden: Annotated[str | None, typer.Option(help="Neurons of the hidden layers [default: 256,256].")] = None,
    target: Annotated[str, typer.Option(help="Target actor: copy, or proxy: an ordinary network.")] = "copy",
    steps: Annotated[int | None, typer.Option(help="Steps of learning of each seed [default: 100000].")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A count (5), a range (10-14) or a list (1,5) [default: 5].")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", "-j", help="File that keeps every test [default: results/control/NAME.jsonl]."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an existing journal.")] = False,
    workers: Annotated[int | None, typer.Option(help="Seeds at a time [default: one a core].")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small networks, 2,000 steps, one seed: a look only.")] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, e.g. gamma=0.98 or actor.steps=4."),
    ] = None,
) -> None:
    """Train a spiking actor by TD3, seed by seed; every test goes to a journal, for --resume and hetero-rsnn show."""
    from hetero_rsnn.common.files import first_free
    from hetero_rsnn.control.actor_settings import ActorSettings
    from hetero_rsnn.control.runs import train_control
    from hetero_rsnn.jobs.parallel import cores
    from hetero_rsnn.report.control_tables import print_control

    if resume and journal is None:
        raise HeteroError("--resume needs the journal to go on with: add --journal PATH")
    numbers = parse_seeds(seeds if seeds is not None else ("1" if quick else "5"))
    most = steps if steps is not None else (_QUICK_STEPS if quick else 100_000)
    own, settings = _told(overrides or [])
    _refuse_twice(own, actor, pseudo=pseudo, hidden=hidden)
    if hidden is not None:
        own["hidden"] = _layers(hidden)
    elif quick:
        own.setdefault("hidden", _QUICK_HIDDEN)
    own = {"kind": actor, **({} if actor == "relu" else {"pseudo": pseudo or "trapezoid"}), **own}
    settings = {**(_QUICK if quick else {}), "target": target, **settings}
    path = journal or first_free(Path("results") / "control" / f"{_file_name(environment)}.jsonl")
    leg = int(settings.get("test_every", 1000)) if str(settings.get("test_every", 1)).isdigit() else 0
    words = list(sys.argv[1:])
    again = ["hetero-rsnn", *words, *([] if journal is not None else ["--journal", str(path)])]
    again += [] if resume else ["--resume"]
    told_of = printable(environment), len(numbers) * most, leg
    with journaled(path, "test", again), _progress(*told_of) as (progress, told):
        result = train_control(
            environment, actor=ActorSettings.from_dict(own), steps=most, seeds=numbers, journal=path, resume=resume,
            workers=cores() if workers is None else workers, progress=progress, on_test=told, **settings,
        )  # fmt: skip
    _print(print_control, result, path)


def _print(table: Callable[[Any], None], result: ControlResult, path: Path) -> None:
    table([result])
    say(f"\nfigures and an episode: {printable(shlex.join(['hetero-rsnn', 'show', str(path)]))}")


def _told(overrides: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What --set says of the actor, and of its training."""
    actor: dict[str, Any] = {}
    training: dict[str, Any] = {}
    for name, value in parse_overrides(overrides, lists=True).items():
        if name.startswith("actor."):
            actor[name.removeprefix("actor.")] = value
        elif name in ("actor", "steps", "target"):
            raise HeteroError(f"--set {name}=... is an option of its own", fix=f"write --{name}")
        else:
            training[name] = value
    return actor, training


def _refuse_twice(own: dict[str, Any], actor: str, **said: str | None) -> None:
    """Refuse what is said of the actor by --set and by an option, or of spikes that it does not have."""
    if "kind" in own:
        raise HeteroError("--set actor.kind=... is an option of its own", fix="write --actor")
    for name, value in said.items():
        if value is not None and name in own:
            raise HeteroError(f"--set actor.{name} and --{name} say the same", fix="leave one of them away")
    pseudo = own.get("pseudo", said["pseudo"])
    if actor == "relu" and pseudo is not None:
        raise HeteroError(f"--pseudo {pseudo} is for actors with spikes, got --actor relu too", fix="leave one away")


def _layers(text: str) -> tuple[int, ...]:
    try:
        layers = tuple(int(part) for part in text.split(","))
    except ValueError:
        layers = ()
    if not layers:
        raise HeteroError(f"--hidden must be numbers of neurons (256,256), got {text!r}")
    return layers


def _file_name(environment: str) -> str:
    """The name of an environment as one of a file."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in environment)[:80] or "control"


@contextmanager
def _progress(
    text: str, total: int, leg: int
) -> Iterator[tuple[Callable[[int, int], object], Callable[[int, ControlTest], object]]]:
    """A bar with the time left on a terminal; elsewhere a line for each test, with the return and the time left.

    `leg` are the steps between two tests: so many are done when the first is told of.
    """
    from hetero_rsnn.jobs.progress import progress_bar
    from hetero_rsnn.searching.watching import duration

    began = time.monotonic()
    start: int | None = None  # what a journal held already
    pending: list[str] = []

    def told(seed: int, test: ControlTest) -> None:
        pending.append(f"seed {seed}, {test}")

    if sys.stderr is not None and sys.stderr.isatty():
        with progress_bar(text, total) as bar:

            def show(done: int, total: int) -> None:
                bar(done, total, note=pending[-1] if pending else "")

            yield show, told
        return

    def lines(done: int, total: int) -> None:
        nonlocal start
        if start is None:
            start = max(0, done - leg)
        passed = time.monotonic() - began
        left = passed * (total - done) / max(1, done - start)
        for line in pending:
            say(printable(f"{text}, {line}; {done:,} of {total:,} steps, {duration(left)} left"), err=True)
        pending.clear()

    yield lines, told


def show_control(journals: list[Path], out: Path | None, figures: bool, overwrite: bool) -> None:
    """What `hetero-rsnn show` does with journals of trainings: tables, a figure, a film of the best seed."""
    from hetero_rsnn.cli.options import results_folder
    from hetero_rsnn.control.films import record_episode
    from hetero_rsnn.control.result import ControlResult
    from hetero_rsnn.plots.control_plots import figure_control, save_film
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.report.control_tables import print_control

    results = [ControlResult.from_journal(path) for path in journals]
    places = {result.environment for result in results}
    if len(places) > 1:
        raise HeteroError(
            f"journals must be of one environment, got {', '.join(sorted(places))}", fix="show them one by one"
        )
    drawn = figures and all(result.tests for result in results)
    folder = results_folder(out, "show", ("control.png", "episode.gif"), overwrite) if drawn else None
    print_control(results)
    if folder is None:
        return
    first = results[0]
    recording, note = None, ""
    if first.best is not None:
        for pictures in (True, False):
            try:
                recording = record_episode(first.policies[first.best], pictures=pictures)
                break
            except HeteroError as error:
                note = note or str(error)
    written = [save_figure(figure_control(results, recording), folder / "control.png", dpi=130)]
    if recording is not None and len(recording.frames):
        written.append(save_film(recording, folder / "episode.gif"))
    elif note:
        say(f"note: no film: {printable(note)}", err=True)
    say(f"wrote {', '.join(printable(path) for path in written)}")
