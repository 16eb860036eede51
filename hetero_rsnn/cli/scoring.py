"""``hetero-rsnn search --task``: networks are scored on data, and the winner is measured on what no trial has seen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from hetero_rsnn.cli import own
from hetero_rsnn.cli.options import say
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.measures.estimates import Estimate
    from hetero_rsnn.searching.options import SearchOptions
    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.searching.space import Space
    from hetero_rsnn.tasks.scoring import TaskScore

#: Objectives of tasks: the task, and what a search calls the objective.
OBJECTIVES = {
    "accuracy": ("classification", "capacity"),
    "accuracy_per_spike": ("classification", "efficiency"),
    "skill": ("forecasting", "capacity"),
}


@dataclass(frozen=True)
class Scored:
    """A search of a task: its score, the objective as a search knows it, and the words that a resume needs."""

    score: TaskScore
    kind: str
    words: list[str]

    def search(self, space: Space, options: SearchOptions) -> SearchResult:
        """Search with the score in place of the memory capacity."""
        from hetero_rsnn.searching.search import search_function

        known = {f.name: getattr(options, f.name) for f in fields(options)}
        given = {k: v for k, v in known.items() if k not in ("backend", "precision") and v is not None}
        return search_function(self.score, space, **given)

    def say_held_out(self, result: SearchResult, **where: Any) -> None:
        """Measure the best network and the homogeneous one on the held-out part, where `places` says, and say so."""
        from dataclasses import replace

        from hetero_rsnn.jobs.progress import progress_bar
        from hetero_rsnn.measures.estimates import cell
        from hetero_rsnn.network.homogeneous import homogeneous
        from hetero_rsnn.report.task_tables import share_bounds

        if result.best is None:
            return
        best = replace(result.best_network, name=f"trial {result.best.number}")
        reference = replace(homogeneous(result.space.base), name="homogeneous")
        seeds = result.settings.fresh_seeds
        with progress_bar("measuring the best on the held-out part", 2 * len(seeds)) as progress:
            found = self.score.held_out([best, reference], seeds, **where, progress=progress)
        quantity = self.score.quantity
        say(f"\nheld-out part of {printable(found.dataset.name)}, which no trial has seen ({_part(found)}), "
            f"{len(seeds)} fresh seed{'s' * (len(seeds) > 1)}; mean [95 % interval over seeds]:")  # fmt: skip

        def line(name: str, what: Estimate, spikes: Estimate, signed: bool = False) -> None:
            say(f"  {name:<20}{quantity} {cell(what, digits=4, signed=signed)}, nu {cell(spikes, signed=signed)}")

        for name, of in (("best, " + best.name, best.name), ("homogeneous", reference.name)):
            what = found.estimate(of, quantity)
            line(name, share_bounds(what) if quantity == "accuracy" else what, found.estimate(of, "nu"))
        both = best.name, reference.name
        line("difference, paired", found.difference(*both, quantity), found.difference(*both, "nu"), True)
        simple = [row.linear if quantity == "accuracy" else row.report.linear_skill for row in found.of(best.name)]
        say(f"  {'linear model':<20}{quantity} {sum(simple) / len(simple):.4f} on the same input")


def _part(found: Any) -> str:
    count = len(found.dataset.test)
    what = "sample" if found.dataset.y is not None else "series"
    return f"{count} {what}{'s' * (count > 1 and what == 'sample')}"


def make(
    task: str | None, objective: str | None, folds: int | None, horizon: int | None, reading: own.Reading,
    backend: str | None, precision: str | None,
) -> Scored | None:  # fmt: skip
    """What is to be scored; None where no task is asked for.

    Raises
    ------
    HeteroError
        If options contradict each other, or the data cannot be read.
    """
    from hetero_rsnn.common import checks
    from hetero_rsnn.datasets.catalogue import task_of
    from hetero_rsnn.tasks.scoring import TaskScore

    more = {"--folds": folds, "--horizon": horizon}
    if task is None:
        said = [option for option, value in more.items() if value is not None]
        said += [word for word in reading.words() if word.startswith("--")]
        if said or objective in OBJECTIVES:
            what = ", ".join(said) or f"--objective {objective}"
            raise HeteroError(f"{what}: for a search with --task", fix="add --task DATA")
        return None
    if objective is not None:
        checks.one_of("objective of a task", objective, tuple(OBJECTIVES))
    wanted = None if objective is None else OBJECTIVES[objective][0]
    is_series = horizon is not None or wanted == "forecasting" or reading.uneven is not None
    kind = task_of(task) or ("forecasting" if is_series else "classification")
    if wanted is not None and wanted != kind:
        fitting = ", ".join(name for name, (of, _) in OBJECTIVES.items() if of == kind)
        raise HeteroError(f"--objective {objective} is for {wanted}, {task} for {kind}", fix=f"use {fitting}")
    data = own.load_any(task, None, reading, kind)
    score = TaskScore(data, 3 if folds is None else folds, horizon, backend=backend or "fast",
                      precision=precision or "double")  # fmt: skip
    words = ["--task", task, *reading.words()]
    for option, value in {**more, "--objective": objective, "--backend": backend, "--precision": precision}.items():
        words += [] if value is None else [option, str(value)]
    default = "skill" if kind == "forecasting" else "accuracy"
    return Scored(score, OBJECTIVES[objective or default][1], words)
