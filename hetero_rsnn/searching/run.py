"""The loop of a search: ask, measure, tell, and write every step into the journal first.

The search writes every step into a journal before it goes on: what was asked, what came of it, in the order of the
trials. What the journal holds is a function of the settings alone, except for the times under "seconds"; so one worker
and many write the same, and a search that was killed at any moment and resumed ends like one that ran through. To
resume, asks and tells are replayed, and the asked points must be those of the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hetero_rsnn.common.errors import HeteroError, SearchError
from hetero_rsnn.jobs.journal import Event
from hetero_rsnn.jobs.remote import Outcome, Runner
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.homogeneous import homogeneous
from hetero_rsnn.searching.objectives import Evaluation, Objective, evaluate, pareto_front, seed_values
from hetero_rsnn.searching.optimiser import make_optimiser
from hetero_rsnn.searching.result import SearchResult, make_objective, ranked
from hetero_rsnn.searching.resuming import Script
from hetero_rsnn.searching.settings import Settings
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.trial import Trial, Watch

#: Measures a network with a seed, and settings by name where the space has some: at least C and S.
Function = Callable[..., Mapping[str, float]]
#: What is measured: a network, or the message of why there is none, and the settings that belong to it.
Candidate = tuple[Network | str, dict[str, float]]


@dataclass(frozen=True)
class Job:
    """One seed of one network, checked where it ran: what a job returns is kept as it is."""

    function: Function
    hold: float

    def __call__(self, job: tuple[Network | str, int, dict[str, float]]) -> dict[str, float]:
        network, seed, settings = job
        if isinstance(network, str):  # the message of why there is none
            raise HeteroError(network)
        return seed_values(self.function(network, seed, **settings), self.hold)


class Search:
    """A search under way."""

    def __init__(
        self, space: Space, settings: Settings, wanted: int, job: Job, script: Script, runner: Runner, watch: Watch
    ) -> None:
        self.space, self.settings, self.script, self.runner, self.watch = space, settings, script, runner, watch
        self.budget, self.wanted = settings.budget, wanted
        self.job = job
        self.trials: list[Trial] = []
        self.tried: set[int | None] = set()  # measured again, whether it worked or not

    def run(self) -> None:
        """Go through the whole search, or the rest of it."""
        self.objective = self._reference()
        s = self.settings
        self.optimiser = make_optimiser(self.space, s.method, self.objective, seed=s.seed, initial=s.initial)
        while True:
            self._extend()
            if len(self.trials) < self.budget:
                self._batch()
                continue
            self._remeasure()
            if self.script.take("done") is None:
                self._done()
            if self.script.new and self.wanted <= self.budget:
                return

    def _extend(self) -> None:
        """Raise the budget, where the journal says so or, at its end, the user."""
        while self.script.peek("extended"):
            self.budget = int((self.script.take("extended") or {})["budget"])
        if self.script.new and self.wanted > self.budget:
            self.budget = int(self.script.write("extended", budget=self.wanted)["budget"])

    def _measured(
        self, candidates: Sequence[Candidate], seeds: Sequence[int]
    ) -> Iterator[tuple[list[Any], float] | tuple[str, str, float]]:
        """Rows and running time of every candidate in turn, or error, kind and running time."""
        jobs = [(network, seed, settings) for network, settings in candidates for seed in seeds]
        outcomes: Generator[Outcome[dict[str, float]]] = self.runner.run(self.job, jobs)
        for number in range(len(candidates)):
            own = [next(outcomes) for _ in seeds]
            if number + 1 == len(candidates):
                outcomes.close()  # the runner is free again before the last result is used
            seconds = sum(o.seconds for o in own)
            bad = next((i for i, o in enumerate(own) if not o.ok), None)
            if bad is None:
                yield [o.value for o in own], seconds
            else:
                yield f"seed {seeds[bad]}: {own[bad].error}", own[bad].kind, seconds

    def _reference(self) -> Objective:
        """Measure the homogeneous network, which says what C is worth having, and complete the objective."""
        event = self.script.take("reference")
        if event is None:
            self.watch("reference", 0, 1, None)
            network, settings = self._homogeneous()
            found = next(iter(self._measured([(network, settings)], self.settings.seeds)))
            if len(found) == 3:
                raise SearchError(
                    f"the homogeneous network of {self.space.name!r} cannot be measured: {found[0]}; "
                    "correct the base of the space"
                )
            rows, seconds = found
            alone = evaluate(make_objective(self.space, self.settings, None), self.settings.seeds, rows)
            objective = make_objective(self.space, self.settings, alone)
            judged = evaluate(objective, self.settings.seeds, rows, seconds)
            event = self.script.write("reference", fingerprint=network.fingerprint, **judged.to_event())
        return make_objective(self.space, self.settings, Evaluation.from_event(event))

    def _homogeneous(self) -> tuple[Network, dict[str, float]]:
        """The reference; it has no settings of its own, so that it gets the default."""
        return homogeneous(self.space.base), self.space.settings(self.space.default)

    def _batch(self) -> None:
        """Ask, measure, tell."""
        first = len(self.trials)
        number = self.trials[-1].batch + 1 if self.trials else 0
        start = time.perf_counter()
        z = self.optimiser.ask(min(self.settings.batch if first else self.settings.initial, self.budget - first))
        each = (time.perf_counter() - start) / len(z)
        self.trials += [self._asked(Trial(first + i, number, self._point(x)), each) for i, x in enumerate(z)]
        batch = self.trials[first:]
        old: list[Event] = []
        while len(old) < len(batch) and (event := self.script.take("finished", "failed", trial=first + len(old))):
            old.append(event)
        fresh = self._ended(batch[len(old) :])
        for trial, x in zip(batch, z, strict=True):
            event = old[trial.number - first] if trial.number - first < len(old) else next(fresh)
            self.trials[trial.number] = ended = trial.after(event)
            e = ended.evaluation
            if e is None:
                self.optimiser.tell(x, None, None)
            else:
                self.optimiser.tell(x, e.per_seed["C"], e.per_seed["S"], e.feasible)
            replayed = trial.number - first < len(old)
            self.watch("replayed" if replayed else "trial", trial.number + 1, max(self.budget, self.wanted), ended)

    def _point(self, z: Any) -> dict[str, float]:
        return dict(zip((d.name for d in self.space.dimensions), self.space.from_unit(z), strict=True))

    def _asked(self, trial: Trial, seconds: float) -> Trial:
        event = self.script.take("asked", trial=trial.number, batch=trial.batch)
        if event is None:
            self.script.write("asked", trial=trial.number, batch=trial.batch, point=trial.point, seconds=seconds)
        elif not _near(event["point"], trial.point):
            raise self.script.differs(f"trial {trial.number} at {trial.point}, not {event['point']}")
        return trial

    def _ended(self, trials: Sequence[Trial]) -> Iterator[Event]:
        """Measure trials; write and return what came of each."""
        found = self._measured([self._candidate(t) for t in trials], self.settings.seeds)
        for trial, result in zip(trials, found, strict=True):
            if len(result) == 3:
                error, kind, seconds = result
                yield self.script.write("failed", trial=trial.number, error=error, kind=kind, seconds=seconds)
            else:
                e = evaluate(self.objective, self.settings.seeds, *result)
                yield self.script.write("finished", trial=trial.number, **e.to_event())

    def _candidate(self, trial: Trial) -> Candidate:
        settings = self.space.settings(trial.values)
        try:
            return self.space.network(trial.values), settings
        except HeteroError as error:
            return str(error), settings

    def _remeasure(self) -> None:
        """Measure the reference and the best trials on seeds that had no part in choosing them."""
        s = self.settings
        chosen = self._best()[: s.remeasure]
        names: list[int | None] = [None] if chosen else []  # None is the reference
        names = [name for name in [*names, *(t.number for t in chosen)] if name not in self.tried]
        self.tried.update(names)
        old = 0
        while old < len(names):
            kind, which = _again(names[old])
            if self.script.take(kind, **which) is None:
                break
            old += 1
        names = names[old:]
        if not names:
            return
        self.watch("again", 0, len(names), None)
        alone = self._homogeneous()
        candidates = [alone if name is None else self._candidate(self.trials[name]) for name in names]
        for i, (name, result) in enumerate(zip(names, self._measured(candidates, s.fresh_seeds), strict=True)):
            if len(result) == 3:
                fields: dict[str, Any] = {"error": result[0], "kind": result[1], "seconds": result[2]}
            else:
                fields = evaluate(self.objective, s.fresh_seeds, *result).to_event()
            kind, which = _again(name)
            self.script.write(kind, **which, **fields)
            self.watch("again", i + 1, len(names), None)

    def _best(self) -> list[Trial]:
        """Finished trials, the best first; of a front, those on it."""
        good = [t for t in self.trials if t.feasible]
        if self.objective.kind == "pareto" and good:
            # Of the trials so far, not of the journal: that may hold later ones when it is replayed.
            return ranked(good[i] for i in pareto_front([t.C for t in good], [t.S for t in good]))
        return ranked(self.trials, self.objective.kind)

    def result(self) -> SearchResult:
        """What is known so far."""
        return SearchResult.from_events(self.script.log.events)

    def _done(self) -> None:
        result = self.result()
        best = result.best
        self.script.write(
            "done",
            trials=len(self.trials),
            best=None if best is None else best.number,
            hypervolume=result.hypervolume,
            reference_point=list(result.reference_point),
        )


def _again(name: int | None) -> tuple[str, dict[str, Any]]:
    """Kind and fields of the event of a trial that was measured again, or of the reference."""
    return ("reference_remeasured", {}) if name is None else ("remeasured", {"trial": name})


def _near(old: Mapping[str, float], new: Mapping[str, float]) -> bool:
    """Whether two points are one, but for the last bits of a power."""
    return list(old) == list(new) and all(abs(old[k] - x) <= 1e-9 * max(abs(x), 1e-9) for k, x in new.items())
