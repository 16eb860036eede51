"""The outcome of a search, read from its journal, finished or not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable
from hetero_rsnn.common.types import Array
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.network.definition import Network
from hetero_rsnn.searching import wording
from hetero_rsnn.searching.events import Inspector
from hetero_rsnn.searching.objectives import (
    AVERAGED,
    Evaluation,
    Objective,
    convergence,
    hypervolume,
    merit,
    pareto_front,
)
from hetero_rsnn.searching.settings import Settings
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.trial import Trial

if TYPE_CHECKING:
    from hetero_rsnn.searching.importance import Importance


@dataclass(frozen=True)
class SearchResult:
    """What a search found so far.

    Attributes
    ----------
    space : Space
    settings : Settings
        With the budget that the search was last given.
    trials : tuple of Trial
        In the order asked for.
    reference : Evaluation or None
        The homogeneous network, on the seeds of the trials.
    remeasured : dict of int to Evaluation
        The best trials on fresh seeds. Their numbers are the ones to report: the best of many noisy values is
        flattered by its noise.
    reference_remeasured : Evaluation or None
        The homogeneous network on the fresh seeds.
    done : bool
        Whether the search has ended.
    versions : dict of str to str
    asking : float
        Seconds that choosing the candidates took.
    """

    space: Space
    settings: Settings
    trials: tuple[Trial, ...]
    reference: Evaluation | None
    remeasured: dict[int, Evaluation]
    reference_remeasured: Evaluation | None
    done: bool
    versions: dict[str, str] = field(repr=False)
    asking: float = field(default=0.0, compare=False)

    @classmethod
    def from_journal(cls, path: str | Path) -> SearchResult:
        """Read a journal, even while a search is writing it.

        Raises
        ------
        JournalError
            If it cannot be read, or a line of it, which the message names, holds no event of a search of this package.

        Examples
        --------
        >>> import hetero_rsnn as hr
        >>> hr.SearchResult.from_journal("none.jsonl")
        Traceback (most recent call last):
        ...
        hetero_rsnn.common.errors.JournalError: there is no journal none.jsonl: give the path of one
        """
        return cls.from_events(read_journal(path, each=Inspector()))

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]]) -> SearchResult:
        """Build the result from the events of a journal, the header first."""
        header, *rest = events
        settings = dict(header["settings"])
        trials: dict[int, Trial] = {}
        found: dict[str, Evaluation] = {}
        again: dict[int, Evaluation] = {}
        done, asking = False, 0.0
        for event in rest:
            kind = event["event"]
            if kind == "asked":
                asking += float(event.get("seconds") or 0.0)
                trials[event["trial"]] = Trial(event["trial"], event["batch"], dict(event["point"]))
            elif kind in ("finished", "failed"):
                trials[event["trial"]] = trials[event["trial"]].after(event)
            elif kind in ("reference", "reference_remeasured", "remeasured"):
                if "error" in event:
                    continue
                if kind == "remeasured":
                    again[event["trial"]] = Evaluation.from_event(event)
                else:
                    found[kind] = Evaluation.from_event(event)
            elif kind == "extended":
                settings["budget"], done = event["budget"], False
            elif kind == "done":
                done = True
        return cls(
            space=Space.from_dict(header["definition"]),
            settings=Settings.from_dict(settings),
            trials=tuple(trials[number] for number in sorted(trials)),
            reference=found.get("reference"),
            remeasured=again,
            reference_remeasured=found.get("reference_remeasured"),
            done=done,
            versions=dict(header["versions"]),
            asking=asking,
        )

    @cached_property
    def objective(self) -> Objective:
        """What counts as better; c_min is that of the reference unless it was given (0 while it is not known)."""
        return make_objective(self.space, self.settings, self.reference)

    @cached_property
    def best(self) -> Trial | None:
        """The best trial by its re-measured value, or by its own before anything was measured again.

        If no trial is feasible, the one that misses the limits by least; None while no trial is finished.
        """
        by_number = {t.number: t for t in self.trials}
        if self.remeasured:
            return by_number[
                max(self.remeasured, key=lambda n: (*merit(self.remeasured[n], self.settings.objective), -n))
            ]
        return next(iter(ranked(self.trials, self.settings.objective)), None)

    @property
    def at_edge(self) -> dict[str, str]:
        """Parameters of the best trial at an end of their range, ``{"E.tau_m.mean": "upper"}``: more may lie beyond.

        A spread (cv) of 0 counts as homogeneous, and not as an end.
        """
        values = [] if self.best is None else zip(self.space.dimensions, self.best.values, strict=True)
        ends = {d.name: wording.edge(d, x) for d, x in values}
        return {name: end.split()[2] for name, end in ends.items() if end.startswith("at ")}

    @property
    def best_evaluation(self) -> Evaluation | None:
        """The numbers of the best trial to report: re-measured where they were."""
        if self.best is None:
            return None
        return self.remeasured.get(self.best.number, self.best.evaluation)

    @property
    def best_network(self) -> Network:
        """The network of the best trial, for `compare`, `simulate` and `save_network`.

        Raises
        ------
        SearchError
            If no trial is finished.
        """
        if self.best is None:
            raise SearchError(f"the search has no finished trial yet, {self._count()}: wait, or see why they failed")
        return self.network(self.best)

    def network(self, trial: Trial | int) -> Network:
        """The network of a trial; settings, which are no part of it, stand in its description.

        Raises
        ------
        SearchError
            If there is no such trial.
        """
        if not isinstance(trial, Trial):
            known = {t.number: t for t in self.trials}
            if trial not in known:
                raise SearchError(f"the search has no trial {trial}: give one of 0 to {len(self.trials) - 1}")
            trial = known[trial]
        made = f"trial {trial.number} of search {self.space.name!r}, from {self.space.base.name}"
        settings = self.space.settings(trial.values)
        if settings:
            made += f", measured with {wording.settings(self.space, settings)}"
        # A space may be called as files are, and a network may not.
        name = re.sub(r"[^A-Za-z0-9 _.+-]", "_", self.space.name)
        name = name if re.match("[A-Za-z0-9]", name) else f"search{name}"
        return self.space.network(trial.values).replace(name=f"{name}-{trial.number}", description=made)

    @cached_property
    def front(self) -> tuple[Trial, ...]:
        """Feasible trials that no other beats in both C and S, by rising S."""
        good = [t for t in self.trials if t.feasible]
        return tuple(good[i] for i in pareto_front([t.C for t in good], [t.S for t in good]))

    @property
    def reference_point(self) -> tuple[float, float]:
        """C and S from which the hypervolume counts."""
        return self.objective.reference_point

    @property
    def hypervolume(self) -> float:
        """Area of the (S, C) plane between the front and `reference_point`, in samples times spikes per sample."""
        return hypervolume([t.C for t in self.front], [t.S for t in self.front], self.reference_point)

    @property
    def convergence(self) -> Array:
        """Best so far after each trial, shape (trials,): E (or C) of a feasible one (NaN before), or hypervolume."""
        return convergence(self.objective, (t.evaluation for t in self.trials))

    def importance(self, quantity: str | None = None) -> dict[str, Importance]:
        """How much each searched number matters, see `hetero_rsnn.importance`.

        Raises
        ------
        SearchError
            If there are too few measured trials.
        """
        from hetero_rsnn.searching.importance import importance

        return importance(self, quantity)

    def table(self) -> list[dict[str, Any]]:
        """One row a trial: number, batch, status, every dimension by name, C, S, E and more, re-measured values."""
        rows = []
        for t in self.trials:
            row: dict[str, Any] = {"trial": t.number, "batch": t.batch, "status": t.status, **t.point}
            for name in AVERAGED:
                row[name] = getattr(t.evaluation, name, math.nan)
                row[f"{name}_stderr"] = getattr(t.evaluation, f"{name}_stderr", math.nan)
            row["feasible"] = t.feasible
            row["violation"] = getattr(t.evaluation, "violation", math.nan)
            row["seconds"] = getattr(t.evaluation, "seconds", math.nan)
            for name in ("C", "S", "E"):
                row[f"{name}_remeasured"] = getattr(self.remeasured.get(t.number), name, math.nan)
            row["error"] = t.error or ""
            rows.append(row)
        return rows

    def to_pandas(self) -> Any:
        """`table` as a pandas DataFrame.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        return need("pandas", "pandas", "to_pandas").DataFrame(self.table())

    def plot(self, others: Sequence[SearchResult] = ()) -> Any:
        """Draw trials, progress, winning distributions and what was learned; further searches are compared.

        Returns
        -------
        Figure
            See `hetero_rsnn.plots.search_figure`.
        """
        return figure_of("SearchResult")(self, others)

    def _measuring(self) -> float:
        return sum(t.evaluation.seconds for t in self.trials if t.evaluation is not None)

    def _count(self) -> str:
        finished = sum(t.status == "finished" for t in self.trials)
        failed = sum(t.status == "failed" for t in self.trials)
        feasible = sum(t.feasible for t in self.trials)
        return f"{finished} of {self.settings.budget} trials finished, {failed} failed, {feasible} feasible"

    def __repr__(self) -> str:
        return f"SearchResult({self.space.name!r}, {self._count()}{'' if self.done else ', not done'})"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>{ranking(self).html()}"

    def __str__(self) -> str:
        s, o = self.settings, self.objective
        if s.objective == "capacity":
            aim = f"largest C with {o.rate[0]:g} to {o.rate[1]:g} Hz"
        elif s.objective == "efficiency":
            aim = f"largest E with C >= {o.c_min:.3g} and {o.rate[0]:g} to {o.rate[1]:g} Hz"
        else:
            aim = f"C against S, {o.rate[0]:g} to {o.rate[1]:g} Hz"
        lines = [
            f"search of {self.space.name!r} ({s.method}): {aim}",
            *filter(None, [wording.meaning(s.measure)]),
            self._count() + ("" if self.done else ", not done"),
            f"time: {self._measuring():.3g} s measuring (all workers), {self.asking:.2g} s choosing candidates",
        ]
        if self.reference is not None:
            # It sets the limit of C, and is not held against it on other seeds.
            alone = replace(self.reference_remeasured or self.reference, feasible=True)
            given = self.space.settings(self.space.default)
            how = f", with {wording.settings(self.space, given)}" if given else ""
            lines.append(f"homogeneous reference{how}: {alone}")
        if self.best is not None and self.best_evaluation is not None:
            if not any(t.feasible for t in self.trials):
                lines.append("no trial keeps the limits; the one that comes closest:")
            again = self.best.number in self.remeasured
            count = f"best of {len(self.remeasured)} re-measured" if len(self.remeasured) > 1 else "re-measured"
            where = f"{count} on {len(s.fresh_seeds)} fresh seeds" if again else "not re-measured, so flattered"
            lines.append(f"best, trial {self.best.number}, {where}: {self.best_evaluation}")
            for d in self.space.dimensions:
                lines.append(f"  {d.name} = {units.show(float(f'{self.best.point[d.name]:.4g}'), d.unit)}")
            lines += filter(None, map(wording.beyond, self.space.dimensions, self.best.values))
        if s.objective == "pareto":
            c, spikes = self.reference_point
            lines.append(
                f"front of {len(self.front)} trials, hypervolume {self.hypervolume:.4g} from C = {c:g}, S = {spikes:g}"
            )
        return "\n".join(map(printable, lines))


def ranked(trials: Iterable[Trial], objective: str = "efficiency") -> list[Trial]:
    """Finished trials, the best first; of equal ones the earliest."""
    finished = [(t, t.evaluation) for t in trials if t.evaluation is not None]
    return [t for t, e in sorted(finished, key=lambda pair: merit(pair[1], objective), reverse=True)]


def make_objective(space: Space, settings: Settings, reference: Evaluation | None) -> Objective:
    """The objective of a search, once the reference is known."""
    c_min = settings.c_min
    if c_min is None:
        c_min = max(reference.C, 0.0) if reference is not None else 0.0
    return Objective(settings.objective, c_min, settings.rate, space.base.protocol.hold)


def in_order(result: SearchResult) -> list[Trial]:
    """All trials: measured ones best first, then those that run, then those that failed."""
    rest = [t for t in result.trials if t.evaluation is None]
    return [*ranked(result.trials, result.settings.objective), *sorted(rest, key=lambda t: t.status == "failed")]


def ranking(result: SearchResult, top: int = 5) -> TextTable:
    """The best trials as the search saw them, and their parameters."""
    shown = [t for t in in_order(result) if t.evaluation is not None][:top]
    rows = []
    for t in shown:
        cells = [cell(wording.measure(t.evaluation, q)) for q in ("E", "C", "S")]
        kept = "kept" if t.evaluation is None or t.feasible else printable(t.evaluation.reason)
        rows.append((str(t.number), *cells, *map(wording.number, t.values), kept))
    title = (
        f"top {len(shown)} trials as the search saw them, over {wording.seeds(result.settings.seeds)}; "
        "mean [95 % interval]"
    )
    names = map(wording.heading, result.space.dimensions)
    return TextTable(title, ("trial", "E", "C", "S", *names, "limits"), rows)
