"""``hetero-rsnn search``: searching a space from the command line, with a journal from which it can be resumed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.cli import own, scoring
from hetero_rsnn.cli.options import RUNNING, Dask, Workers, by_line, journaled, places, say, space_names
from hetero_rsnn.cli.outputs import OUTPUT
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.searching.trial import Trial, Watch


def search(
    space: Annotated[
        str, typer.Argument(help="Name or path of a search space, see hetero-rsnn spaces.", autocompletion=space_names)
    ],
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal",
            "-j",
            help="File that keeps every step [default: results/search/SPACE.jsonl].",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an existing journal.", rich_help_panel=OUTPUT)
    ] = False,
    budget: Annotated[int | None, typer.Option(help="Candidates in all [default: the space's].")] = None,
    initial: Annotated[
        int | None, typer.Option(help="Of these, spread over the space before the model is asked.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Candidates asked for at a time [default: the space's].")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds of every candidate: 4, 100-103 or 1,5,8.")] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="efficiency (the default), capacity or pareto; with --task accuracy, accuracy_per_spike or skill."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Score networks on this data set, or data of your own, by cross-validation."),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the training part, for --task [default: 3].")] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", "-H", help="Rows ahead, for --task with a series.")
    ] = None,
    label: own.Label = None,
    sample: own.Sample = None,
    groups: own.Groups = None,
    split: own.Split = None,
    column: own.Columns = None,
    test_share: own.Share = None,
    split_seed: own.SplitSeed = None,
    uneven: own.Uneven = False,
    method: Annotated[str | None, typer.Option(help="wasserstein (the default), matern or random.")] = None,
    c_min: Annotated[float | None, typer.Option(help="Least C [default: that of the homogeneous network].")] = None,
    rate: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LO HI", help="Allowed mean rates in Hz [default: 1 50].")
    ] = None,
    remeasure: Annotated[int | None, typer.Option(help="Winners to measure again on fresh seeds [default: 3].")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search itself [default: 0].")] = None,
    workers: Workers = None,
    dask: Dask = None,
    trial_timeout: Annotated[
        float | None,
        typer.Option(help="Seconds that a seed of a trial may run before the trial fails.", rich_help_panel=RUNNING),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="fast (the default), numpy or brian2.", rich_help_panel=RUNNING)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="double (the default) or single.", rich_help_panel=RUNNING)
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value of the base network.")
    ] = None,
) -> None:
    """Search distributions of time constants and learning rates for the most memory per spike, or the best score."""
    from hetero_rsnn.cli.options import parse_overrides, parse_seeds
    from hetero_rsnn.common.files import first_free
    from hetero_rsnn.searching.options import SearchOptions
    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.searching.search import search_with
    from hetero_rsnn.searching.space import load_space
    from hetero_rsnn.searching.watching import watching

    reading = own.Reading(label, sample, groups, split, column, test_share, split_seed, uneven or None)
    scored = scoring.make(task, objective, folds, horizon, reading, backend, precision)
    changes = parse_overrides(overrides or [])
    loaded = load_space(space, **({} if scored is None else scored.score.overrides) | changes)
    if resume and journal is None:
        raise HeteroError("--resume needs the journal to go on with: add --journal PATH")
    path = journal or first_free(Path("results") / "search" / f"{loaded.name}.jsonl")
    again = ["hetero-rsnn", "search", space, *(word for o in overrides or [] for word in ("--set", o))]
    again += [] if scored is None else scored.words
    again += ["--journal", str(path), "--resume"]
    for option, value in (
        ("--budget", budget),
        ("--workers", workers),
        ("--dask", dask),
        ("--trial-timeout", trial_timeout),
    ):
        again += [option, f"{value}"] if value is not None else []
    options = SearchOptions(
        objective=objective if scored is None else None if resume and objective is None else scored.kind,
        method=method,
        budget=budget,
        initial=initial,
        batch=batch,
        seeds=None if seeds is None else parse_seeds(seeds),
        c_min=c_min,
        rate=rate,
        seed=seed,
        remeasure=remeasure,
        backend=backend,
        precision=precision,
        **places(workers, dask),
        trial_timeout=trial_timeout,
        journal=path,
        resume=resume,
    )
    if budget is not None and initial is None and 0 < budget < loaded.search.initial and not resume:
        spread = f"all {budget} candidates are" if budget > 1 else "the candidate is"
        say(f"note: {spread} spread over the space; the model is asked from candidate {loaded.search.initial + 1} on",
            err=True)  # fmt: skip
    with journaled(path, "trial", again):
        old = SearchResult.from_journal(path) if resume and path.is_file() else None
        known = options.objective or (old.settings.objective if old is not None else "")
        with watching(known) as watch:
            progress = watch if old is None else _resumed(watch, _kept(path, old, budget))
            options = replace(options, progress=progress)
            result = search_with(loaded, options) if scored is None else scored.search(loaded, options)
    _print(result, path)
    if scored is not None:
        scored.say_held_out(result, **places(workers, dask))


def _kept(path: Path, old: SearchResult, budget: int | None) -> str:
    """What a journal holds already."""
    s = old.settings
    trials = sum(t.status in ("finished", "failed") for t in old.trials)
    text = f"resumed {path}: {trials} of {max(budget or 0, s.budget)} trials"
    again = len(old.remeasured) + (old.reference_remeasured is not None)
    return f"{text}, {again} of {s.remeasure + 1} re-measurements kept" if s.remeasure else f"{text} kept"


def _resumed(watch: Watch, text: str) -> Watch:
    """Say what was resumed, once the journal is found to be that of the search."""
    said = False

    def tell(what: str, done: int, total: int, trial: Trial | None) -> None:
        nonlocal said
        if not said:
            say(printable(text), err=True)
        said = True
        watch(what, done, total, trial)

    return tell


def _print(result: SearchResult, path: Path) -> None:
    if result.best is None:
        errors: list[Any] = [t.error for t in result.trials if t.error]
        raise HeteroError(
            f"all {len(errors)} trials failed, the first with: {errors[0]}; correct the space, then start a new journal"
        )
    say(by_line(result))
    if not any(t.feasible for t in result.trials) and result.best.evaluation is not None:
        raise HeteroError(
            f"no trial keeps the limits; trial {result.best.number} comes closest: {result.best.evaluation.reason}; "
            f"lower --c-min, widen --rate or the space (all trials: hetero-rsnn show {shlex.quote(str(path))})"
        )
    again = ["hetero-rsnn", "show", str(path)]
    say(f"\nfigures and all trials: {printable(shlex.join(again))}")
    say(f"the best network: {printable(shlex.join([*again, '--export', 'best.toml']))}")
