"""Searches for tests of what is made of them: journals as a search writes them, of measurements made up in no time."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.versions import search_versions
from hetero_rsnn.jobs.journal import Journal
from hetero_rsnn.searching.objectives import Evaluation, evaluate, seed_values
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.searching.result import SearchResult, make_objective, ranked
from hetero_rsnn.searching.settings import make_settings
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.trial import Trial

#: What the trials that fail fail with; it must survive escaping.
NASTY = "RuntimeError: <b>lost</b> & \"found\" </script><script>document.title='owned'</script>"


def made_up(point: dict[str, float], seed: int) -> dict[str, float]:
    """C and S of a network that never was: spread of tau_m buys memory, depression saves spikes."""
    rng = np.random.default_rng([seed, *(int(1e6 * abs(x)) for x in point.values())])
    tau = point.get("E.tau_m.mean", point.get("tau_m.mean", 30.0))
    cv = point.get("E.tau_m.cv", point.get("tau_m.cv", 0.0))
    balance = point["eta_minus.mean"] / point.get("eta_plus.mean", 0.02)
    own = np.random.default_rng(seed).normal(0.0, 0.04)  # what a seed does to all networks
    c = 1.4 + 3.6 * cv * math.exp(-(math.log(tau / 35) ** 2)) / (1 + 0.3 * cv) + 0.4 * math.log1p(balance)
    s = 0.05 + 0.08 * (tau / 30) ** 0.2 + 0.05 / (1 + balance) + 0.02 * cv
    c *= math.exp(own + rng.normal(0.0, 0.05))
    return {"C": c, "S": s * math.exp(rng.normal(0.0, 0.02)), "silent_share": 0.05 * cv}


def write_search(
    path: Path,
    space: str | Space = "paper",
    *,
    trials: int = 40,
    fails: Callable[[int], bool] = lambda number: number % 13 == 5,
    ended: bool = True,
    running: int = 0,
    measured: Callable[[dict[str, float], int], dict[str, float]] = made_up,
    **given: Any,
) -> Path:
    """Write the journal of a search that asks a random walk around its best; returns its path."""
    space = load_space(space)
    settings = make_settings(
        space,
        SearchOptions(**{"budget": max(trials + running, 16), "initial": 12, **given}),
        {"backend": "made up"},
    )
    header = {"definition": space.to_dict(), "settings": settings.to_dict(), "versions": search_versions()}
    rng = np.random.default_rng(settings.seed)
    names = [d.name for d in space.dimensions]
    found: list[Trial] = []
    with Journal.create(path, header) as journal:
        homogeneous = {n: 0.0 if n.endswith(".cv") else x for n, x in zip(names, space.default, strict=True)}

        def judge(point: dict[str, float], seeds: Sequence[int]) -> Evaluation:
            rows = [seed_values(measured(point, seed), space.base.protocol.hold) for seed in seeds]
            return evaluate(objective, seeds, rows, seconds=1.5 * len(rows))

        objective = make_objective(space, settings, None)
        reference = judge(homogeneous, settings.seeds)
        objective = make_objective(space, settings, reference)
        journal.append({"event": "reference", **reference.to_event()})
        for number in range(trials + running):
            z = rng.random(len(names))
            best = next(iter(ranked(found)), None)
            if number == 0:
                z = space.unit(space.default)
            elif number >= settings.initial and best is not None and settings.method != "random":
                z = np.clip(space.unit(best.values) + rng.normal(0.0, 0.15, len(names)), 0.0, 1.0)
            point = dict(zip(names, space.from_unit(z), strict=True))
            journal.append({"event": "asked", "trial": number, "batch": number // 2, "point": point})
            if number >= trials:
                continue
            if fails(number):
                journal.append({"event": "failed", "trial": number, "error": NASTY, "kind": "raised"})
                continue
            evaluation = judge(point, settings.seeds)
            found.append(Trial(number, number // 2, point, "finished", evaluation))
            journal.append({"event": "finished", "trial": number, **evaluation.to_event()})
        if ended:
            for trial in ranked(found)[: settings.remeasure]:
                again = judge(trial.point, settings.fresh_seeds)
                journal.append({"event": "remeasured", "trial": trial.number, **again.to_event()})
            again = judge(homogeneous, settings.fresh_seeds)
            journal.append({"event": "reference_remeasured", **again.to_event()})
            journal.append({"event": "done"})
    return path


def line_of(event: dict[str, Any], *, sealed: bool = True) -> str:
    """An event as a line of a journal, with a right checksum or, as before there were any, without."""
    text = json.dumps({k: v for k, v in event.items() if k != "crc"})
    return f'{text[:-1]}, "crc": "{zlib.crc32(text.encode()):08x}"}}\n' if sealed else f"{text}\n"


def make_search(folder: Path, name: str = "search", **options: Any) -> SearchResult:
    """`write_search`, read back."""
    return SearchResult.from_journal(write_search(folder / f"{name}.jsonl", **options))
