"""Beginning a search or going on with one: where it runs, what measures, and whether the journal is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, JournalError, SearchError
from hetero_rsnn.common.versions import search_versions
from hetero_rsnn.experiments.measurement import measure_seed
from hetero_rsnn.jobs.journal import Event, Journal, resumable
from hetero_rsnn.network.definition import Network
from hetero_rsnn.searching.events import Inspector
from hetero_rsnn.searching.objectives import KEPT
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.resuming import Log, MemoryLog, Script
from hetero_rsnn.searching.run import Function, Job, Search
from hetero_rsnn.searching.settings import Settings, make_settings
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.trial import Trial
from hetero_rsnn.searching.watching import watching
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.simulation.fast import compile_ahead, refuse_uncompiled


def measure_candidate(network: Network, seed: int, *, engine: Engine) -> dict[str, float]:
    """What a search keeps of a seed of `measure_seed`."""
    result, _ = measure_seed(network, seed, engine)
    return {name: getattr(result, name) for name in KEPT}


def _unseen(_what: str, _done: int, _total: int, _trial: Trial | None) -> None:
    pass


@dataclass(frozen=True)
class Measure:
    """What measures candidates, and how a journal calls it."""

    function: Function
    label: dict[str, str]


def measured_network(options: SearchOptions) -> Callable[[Mapping[str, str]], Measure]:
    """The measurement of `measure`; what is not given comes from the label of an older search.

    Raises
    ------
    SearchError
        If a name is unknown, or there is no such precision.
    """

    def make(old: Mapping[str, str]) -> Measure:
        how = {
            "backend": old.get("backend", "fast") if options.backend is None else options.backend,
            "precision": old.get("precision", "double") if options.precision is None else options.precision,
        }
        try:
            engine = Engine(**how)
            if engine.backend == "fast":
                refuse_uncompiled()  # or each trial would fail by it
        except HeteroError as error:
            raise SearchError(str(error)) from None
        return Measure(partial(measure_candidate, engine=engine), {"function": "measure", **how})

    make({})  # a word that nobody knows is refused before a journal is opened
    return make


def search_space(
    space: Space | str | Path,
    options: SearchOptions,
    measure: Measure | Callable[[Mapping[str, str]], Measure],
) -> SearchResult:
    """Begin a search or go on with one; see `search`."""
    asked, journal = load_space(space), options.journal
    with ExitStack() as stack:
        log: Log
        lines: Sequence[int] = ()
        if options.resume:
            if journal is None:
                raise SearchError("resume needs the journal to go on with", fix="give its path as journal")
            kept: list[tuple[Space, Settings, Measure]] = []
            log = found = stack.enter_context(
                Journal.resume(
                    journal,
                    lambda header: kept.append(_agreed(journal, header, asked, options, measure)),
                    each=Inspector(),
                )
            )
            lines = found.lines
            asked, settings, used = kept[0]
            wanted = _wanted(journal, settings, log.events, options.budget)
            runner = stack.enter_context(options.runner())
        else:
            used = measure if isinstance(measure, Measure) else measure({})
            settings = make_settings(asked, options, used.label)
            wanted = settings.budget
            runner = stack.enter_context(options.runner())  # before a journal is begun that an error would leave behind
            header = {
                "definition": asked.to_dict(),
                "fingerprint": asked.fingerprint,
                "settings": settings.to_dict(),
                "versions": search_versions(),
            }
            log = MemoryLog(header) if journal is None else stack.enter_context(Journal.create(journal, header))
        script = Script(log, "the search" if journal is None else str(journal), lines)
        job = Job(used.function, asked.base.protocol.hold)
        watch = stack.enter_context(watching(settings.objective)) if options.progress is True else options.progress
        run = Search(asked, settings, wanted, job, script, runner, watch or _unseen)
        if used.label.get("backend") == "fast" and options.in_processes:
            compile_ahead(used.label["precision"])
        with resumable(lambda: journal is not None):
            run.run()
        return run.result()


def _differing(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """What two measurements differ in: its name, and both values."""
    for key in dict.fromkeys([*then, *now]):
        if then.get(key) != now.get(key):
            yield key, then.get(key), now.get(key)


def _wanted(path: str | Path, settings: Settings, events: Sequence[Event], budget: Any) -> int:
    """The budget of a resumed search: that of the journal, or a larger one."""
    now: int = max([settings.budget, *(e["budget"] for e in events if e["event"] == "extended")])
    if budget is None:
        return now
    return checks.whole("budget", budget, least=now, error=SearchError, fix=f"raise it, {path} has {now}")


def _agreed(
    path: str | Path,
    header: Event,
    space: Space,
    given: SearchOptions,
    measure: Measure | Callable[[Mapping[str, str]], Measure],
) -> tuple[Space, Settings, Measure]:
    """Space and settings of a journal, if the space and all that was given are those of the search to resume."""
    old = Settings.from_dict(header["settings"])
    held = Space.from_dict(header["definition"])
    if "estimator" not in header["definition"]["base"].get("protocol", {}):  # written before there was a choice
        space = load_space(space, **{"protocol.estimator": held.base.protocol.estimator})
    name, fingerprint = held.name, header.get("fingerprint", held.fingerprint)
    if fingerprint != held.fingerprint:
        raise JournalError(
            f"{path} was changed: its definition has fingerprint {held.fingerprint}, and it names {fingerprint}",
            fix="restore a copy",
        )
    if fingerprint != space.fingerprint:
        raise JournalError(
            f"{path} is of another space, {name!r} with fingerprint {fingerprint}, not {space.name!r} with "
            f"{space.fingerprint}: resume with the same space and changes, or choose another path"
        )
    wrote, now_here = header.get("versions", {}).get("hetero-rsnn"), search_versions()["hetero-rsnn"]
    if wrote != now_here:
        raise JournalError(
            f"{path} was written by version {wrote} of hetero-rsnn, this is {now_here}, and one search is not to mix "
            "them: install that version, or start a new journal"
        )
    then = old.to_dict()
    used = measure if isinstance(measure, Measure) else measure(old.measure)
    # What is left out is as in the journal, so that rules between settings are checked on what will be used.
    filled = {key: then[key] for key, value in given.settling().items() if value is None}
    now = make_settings(space, replace(given, **{**filled, "budget": old.budget}), used.label).to_dict()
    for key, value in now.items():
        if value != then[key]:
            if key == "measure":
                key, was, value = next(_differing(then[key], value))
                then = {key: was}
            raise JournalError(
                f"{path} is of another search: its {key} is {then[key]!r}, not {value!r}; "
                "resume with the same settings, or choose another path"
            )
    return space, old, used
