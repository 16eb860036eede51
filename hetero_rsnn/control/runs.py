"""Training an actor with several seeds, with a journal from which a run that was stopped goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.common.versions import versions
from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.environments import make_environment
from hetero_rsnn.control.journal_events import KIND, Inspector, event_of
from hetero_rsnn.control.result import ControlResult
from hetero_rsnn.control.seed_runs import LegNews, SeedLeg, run_leg
from hetero_rsnn.control.settings import ControlSettings, ControlTest
from hetero_rsnn.gradient.checkpoints import remove_checkpoint
from hetero_rsnn.jobs.journal import Event, Journal
from hetero_rsnn.jobs.legs import run_legs
from hetero_rsnn.jobs.progress import Progress

_PSEUDO = "trapezoid"


def train_control(
    environment: str,
    *,
    actor: ActorSettings | None = None,
    pseudo: str | None = None,
    steps: int = 100_000,
    seeds: int | Iterable[int] = 5,
    journal: str | Path | None = None,
    resume: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    on_test: Callable[[int, ControlTest], object] | None = None,
    **settings: Any,
) -> ControlResult:
    """Train a spiking actor by TD3 in an environment of gymnasium, once for each seed.

    Parameters
    ----------
    environment : str
        Such as ``"Pendulum-v1"``: any whose actions are numbers within limits. ``"package:Name-v0"`` imports the
        package that registers it, in all processes.
    actor : ActorSettings, optional
        Default: a population-coded actor of LIF neurons, with `pseudo`.
    pseudo : str, optional
        Pseudo-derivative of that actor [default: trapezoid].
    steps : int
        Steps of the environment that each seed learns from.
    seeds : int or iterable of int
        How many, from 0 on, or which.
    journal : path, optional
        A file that keeps every test; checkpoints and policies lie in a folder beside it, which ends in ``-seeds``.
    resume : bool
        Go on with the journal of an earlier call with the same settings; more seeds may be given. Each test is then
        what it would have been, had nothing stopped the run, on the same machine.
    workers : int, optional
        Seeds at a time: 1 (the default) stays in this process, more start that many new ones.
    progress : callable, optional
        Called with the steps that are done and those there are, of all seeds.
    on_test : callable, optional
        Called with the seed and the `ControlTest` after every test.
    **settings
        Further ones of `ControlSettings`, such as ``random_steps=1000``.

    Returns
    -------
    ControlResult

    Raises
    ------
    HeteroError
        If the environment cannot be learned from, a setting is not valid, torch or gymnasium is missing (the extra
        ``rl``), or every seed was given up: because of an observation that is not finite, for example. If only some
        were, their errors are in the result.
    JournalError
        If the journal exists (without `resume`), is missing (with it), or is of another training.

    Examples
    --------
    >>> small = ActorSettings(hidden=(16,), population=4)
    >>> result = train_control("Pendulum-v1", actor=small, steps=400, seeds=2, random_steps=200, update_after=300,
    ...     critic_hidden=(16,), test_every=200, test_episodes=1)
    >>> result.returns.shape, result.steps.tolist()
    ((2, 2), [200, 400])
    >>> result.policies[0]([1.0, 0.0, 0.0]).shape
    (1,)
    """
    if actor is not None and pseudo is not None:
        raise HeteroError(f"pseudo={pseudo!r:.80} is for an actor that is not given", fix="write it into the actor")
    actor = ActorSettings(pseudo=_PSEUDO if pseudo is None else pseudo) if actor is None else actor
    chosen = ControlSettings.from_dict({"actor": actor, "steps": steps, **settings})
    numbers = checks.different_seeds("seeds", seeds)
    places = 1 if workers is None else checks.whole("workers", workers, least=1)
    made = make_environment(environment)
    name = made.id  # with its version
    made.close()
    if resume and journal is None:
        raise HeteroError("resume needs the journal to go on with", fix="give its path as journal")
    with ExitStack() as stack:
        run = _opened(stack, name, chosen, numbers, journal, resume)
        return run.go_on(numbers, places, progress, on_test)


def seeds_folder(journal: str | Path) -> Path:
    """Where checkpoints and policies of a journal lie."""
    path = Path(journal)
    return path.with_name(f"{path.stem}-seeds")


def _opened(
    stack: ExitStack, environment: str, settings: ControlSettings, seeds: list[int], journal: Any, resume: bool
) -> _Run:
    """A run with its journal, begun or resumed; without one it has a folder that goes away again."""
    header = {KIND: environment, "settings": settings.to_dict(), "seeds": seeds, "versions": versions()}
    if journal is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hetero-rsnn-")))
        return _Run(environment, settings, folder, [{"event": "search", **header}], None)
    path, folder = Path(journal), seeds_folder(journal)
    if resume:
        log = stack.enter_context(
            Journal.resume(path, lambda found: _same(path, found, environment, settings), each=Inspector())
        )
    else:
        if not path.exists() and folder.is_dir() and any(folder.iterdir()):
            raise JournalError(
                f"{folder} holds files of an earlier run without its journal {path.name}",
                fix="remove that folder, or choose another path",
            )
        log = stack.enter_context(Journal.create(path, header))
    output_folder(folder)
    return _Run(environment, settings, folder, log.events, log)


def _same(path: Path, header: Mapping[str, Any], environment: str, settings: ControlSettings) -> None:
    """Refuse the journal of another training, and name what differs."""
    if header[KIND] != environment:
        raise JournalError(
            f"{path} is of the environment {header[KIND]}, not of {environment}", fix="choose another path"
        )
    wanted, there = settings.to_dict(), ControlSettings.from_dict(header["settings"]).to_dict()
    flat = [(k, wanted[k], there[k]) for k in wanted if k != "actor"]
    flat += [(f"actor.{k}", v, there["actor"][k]) for k, v in wanted["actor"].items()]
    for key, own, its in flat:
        if own != its:
            raise JournalError(
                f"{path} is of a training with {key} = {its!r:.80}, not {own!r:.80}",
                fix="give the same settings, or choose another path",
            )


class _Run:
    """A run under way: what its journal says, and what is left to do."""

    def __init__(
        self, environment: str, settings: ControlSettings, folder: Path, events: list[Event], log: Journal | None
    ) -> None:
        self.environment, self.settings, self.folder, self.log = environment, settings, folder, log
        self.events = events

    def tell(self, event: dict[str, Any]) -> None:
        """Write an event; the list of a journal grows by itself."""
        if self.log is None:
            self.events.append(event)
        else:
            self.log.append(event)

    def go_on(
        self,
        seeds: list[int],
        workers: int,
        progress: Progress | None,
        on_test: Callable[[int, ControlTest], object] | None,
    ) -> ControlResult:
        """Train what is not finished yet; the result of all.

        Raises
        ------
        HeteroError
            If every seed was given up.
        """
        before = ControlResult.from_events(self.events)
        if new := [seed for seed in seeds if seed not in before.histories]:
            self.tell({"event": "seeds", "seeds": new})
        reached = {seed: h[-1].step if (h := before.histories.get(seed)) else 0 for seed in seeds}
        finished = {event["seed"] for event in self.events if event["event"] == "finished"}
        legs = [
            SeedLeg(self.environment, self.settings.to_dict(), seed, str(self.folder), reached[seed])
            for seed in seeds if seed not in finished
        ]  # fmt: skip
        total = len(seeds) * self.settings.steps

        def further(index: int, news: LegNews) -> SeedLeg | None:
            return legs[index].after(news.step)

        for outcome in run_legs(run_leg, legs, further, workers=workers):
            leg = legs[outcome.index]
            if outcome.value is None:
                error = str(outcome.error).removeprefix("HeteroError: ")
                self.tell({"event": "failed", "seed": leg.seed, "error": error})
                continue
            for test in outcome.value.tests:
                self.tell(event_of(leg.seed, test))
                reached[leg.seed] = test.step
                if on_test is not None:
                    on_test(leg.seed, test)
            if outcome.value.step >= self.settings.steps:
                policy = leg.policy.relative_to(self.folder.parent).as_posix()
                self.tell({"event": "finished", "seed": leg.seed, "policy": policy})
                remove_checkpoint(leg.checkpoint)
            if progress is not None:
                progress(sum(reached.values()), total)
        found = ControlResult.from_events(self.events, self.folder)  # policies are named from where that folder lies
        if found.errors and found.errors.keys() == found.histories.keys():
            seed, error = next(iter(found.errors.items()))
            whole = "the training was" if len(found.errors) == 1 else f"all {len(found.errors)} trainings were"
            raise HeteroError(f"{whole} given up, seed {seed} because of: {error}")
        return found
