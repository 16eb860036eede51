"""What of a search is shown: the best trial, the comparison, the facts; shared by figures, page and terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hetero_rsnn.common.capacities import QUESTIONS
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import (
    cell,  # also for the modules that show a search
)
from hetero_rsnn.network.parts import ALIKE
from hetero_rsnn.searching.objectives import Evaluation
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space_parsing import Entry
from hetero_rsnn.searching.trial import Trial
from hetero_rsnn.searching.wording import (
    METHODS,
    NONE,
    QUANTITIES,
    lead,
    measure,
    number,
    seeds,
    settings,
    state,
    status,
)
from hetero_rsnn.searching.wording import beyond as at_end
from hetero_rsnn.searching.wording import meaning as meaning_of


def searched(result: SearchResult) -> list[Entry]:
    """The parameters that the search varies."""
    return [e for e in result.space.entries if e.dimensions]


def labels(results: Sequence[SearchResult]) -> list[str]:
    """A short name for each search: that of its space, and of its method and seed where needed to tell them apart."""
    spaces = [printable(r.space.name) or "search" for r in results]
    methods = [printable(r.settings.method) for r in results]
    plain = [s if m == "wasserstein" else f"{s}, {m}" for s, m in zip(spaces, methods, strict=True)]
    with_method = [f"{s}, {m}" for s, m in zip(spaces, methods, strict=True)]
    with_seed = [f"{text}, seed {r.settings.seed}" for text, r in zip(with_method, results, strict=True)]
    for names in (plain, with_method, with_seed):
        if len(set(names)) == len(names):
            return names
    return [f"{text} ({i})" for i, text in enumerate(with_seed, start=1)]


def measured(result: SearchResult) -> list[Trial]:
    """Trials that have C and S, in the order asked for."""
    return [t for t in result.trials if t.evaluation is not None]


@dataclass(frozen=True)
class Best:
    """The best trial with the numbers to report."""

    trial: Trial
    evaluation: Evaluation
    fresh: bool

    @property
    def source(self) -> str:
        """What it was measured on."""
        return _source(self.evaluation, self.fresh)


def _source(evaluation: Evaluation, fresh: bool) -> str:
    """``"8 fresh seeds (1000-1007)"``."""
    text = seeds(evaluation.seeds)
    return text.replace(" seed", " fresh seed") if fresh else text


def best(result: SearchResult) -> Best | None:
    """The best feasible trial; None while there is none (the result's own best may then be the least infeasible)."""
    trial, evaluation = result.best, result.best_evaluation
    if trial is None or evaluation is None or not trial.feasible:
        return None
    return Best(trial, evaluation, trial.number in result.remeasured)


def meaning(result: SearchResult, found: Best) -> str:
    """What the error bars of the best network say."""
    if found.fresh:
        others = len(result.remeasured) - 1
        text = f"Mean over {found.source} that the search never saw"
        text += f"; the best of {others + 1} candidates that were measured again" if others else ""
    else:
        text = (
            f"Mean over the {found.source} of the search, not measured again yet: the best of many noisy values is "
            "flattered by its noise"
        )
    if not found.evaluation.feasible:
        text += f". On these seeds it misses a limit: {printable(found.evaluation.reason)}"
    if len(found.evaluation.seeds) < 2:
        return f"{text}. One seed has no interval."
    return (
        f"{text}. Brackets: 95 % interval of that mean over seeds (Student's t). Every seed draws another network of "
        "the same distributions, another training and another input; the interval says how well their mean is known, "
        "not how far single networks scatter."
    )


def question(result: SearchResult) -> str:
    """What was searched for, in a sentence."""
    o, space = result.objective, result.space
    aims = {"efficiency": "largest E = C/S", "capacity": "largest C"}
    aim = aims.get(o.kind, "best trade-offs of C (large) and S (small)")
    limits = f"a rate of {o.rate[0]:g} to {o.rate[1]:g} Hz"
    if o.c_min > 0:
        limits = f"C >= {o.c_min:.3g} and {limits}"
    count = len(space.dimensions)
    what = meaning_of(result.settings.measure)
    method = METHODS.get(result.settings.method, result.settings.method)
    return printable(
        f"{method} for the {aim} with {limits}, in {count} dimension{'s' if count > 1 else ''} "
        f"around the network {space.base.name} ({space.base.n} neurons).{f' {what}.' if what else ''}"
    )


def progress(result: SearchResult) -> str:
    """How far the search is, in a sentence."""
    states = [state(t) for t in result.trials]
    done = states.count("feasible") + states.count("infeasible")
    text = f"{done} of {result.settings.budget} trials measured, {states.count('feasible')} of them feasible"
    text += f"; {states.count('failed')} failed"
    if result.done:
        return f"{text}. The search has ended."
    running = f", {states.count('running')} running or interrupted" if "running" in states else ""
    return f"{text}{running}. The search has not ended."


def nothing(result: SearchResult) -> str:
    """Why there is no best network; empty if there is one."""
    if best(result) is not None:
        return ""
    if result.best is None:
        return "No trial has finished yet."
    return f"No trial keeps all limits yet; trial {result.best.number} comes closest ({status(result.best)})."


def beyond(result: SearchResult) -> list[str]:
    """Which numbers of the best trial lie at an end of their range, a line each; none where all lie inside."""
    if result.best is None:
        return []
    return [text for d, x in zip(result.space.dimensions, result.best.values, strict=True) if (text := at_end(d, x))]


def reference(result: SearchResult) -> Evaluation | None:
    """The homogeneous reference, on the seeds of the best network's numbers."""
    found = best(result)
    if result.reference_remeasured is not None and (found is None or found.fresh):
        return result.reference_remeasured
    return result.reference


#: Heading of the paired difference in E, which stands in the row of what is subtracted.
MINUS = "best minus this"
#: How the reference is called.
REFERENCE = "homogeneous reference"


@dataclass(frozen=True)
class Row:
    """A line of the comparison: the quantities in the order of `QUANTITIES`, the lead of the first search, as text."""

    name: str
    cells: tuple[str, ...]
    lead: str
    source: str


def comparison(result: SearchResult, others: Sequence[SearchResult]) -> list[Row]:
    """The best network of each search and the reference, and by how much the first leads them in E."""
    results = (result, *others)
    found = [(name, best(r)) for name, r in zip(labels(results), results, strict=True)]
    parts = [(name, b.evaluation, b.source) if b else (name, None, "nothing feasible yet") for name, b in found]
    homogeneous = reference(result)
    if homogeneous is not None:
        fresh = homogeneous is result.reference_remeasured
        parts.append((REFERENCE, homogeneous, _source(homogeneous, fresh)))
    rows = []
    for i, (name, evaluation, text) in enumerate(parts):
        ahead = lead(parts[0][1], evaluation, "E") if i else NONE
        words = "" if math.isnan(ahead.mean) else cell(ahead, signed=True)
        star = " *" if ahead.low * ahead.high > 0 else ""
        cells = tuple(cell(measure(evaluation, q)) if evaluation else "–" for q in QUANTITIES)
        rows.append(Row(name, cells, words + star, text))
    return rows


def facts(result: SearchResult) -> list[tuple[str, str]]:
    """Settings and provenance, as pairs of text."""
    s, space, p = result.settings, result.space, result.space.base.protocol
    source = "given" if s.c_min is not None else "that of the homogeneous reference"
    given = space.settings(space.default)
    out = [
        ("space", f"{space.name}: {space.description}" if space.description else space.name),
        ("fingerprint of the space", space.fingerprint),
        ("base network", f"{space.base.name}, {space.base.n} neurons, fingerprint {space.base.fingerprint}"),
        (
            "measured",
            f"{p.samples} samples of {p.hold:g} ms after {p.train / 1e3:g} s of training, delays up to {p.d_max}, "
            f"read with tau {p.tau_read:g} ms; {QUESTIONS[p.estimator]}",
        ),
        ("objective", s.objective),
        ("least C", f"{result.objective.c_min:.4g} ({source})"),
        ("rate", f"{s.rate[0]:g} to {s.rate[1]:g} Hz"),
        ("method", f"{s.method}, seed {s.seed}"),
        ("budget", f"{s.budget} trials, the first {s.initial} spread over the space, then {s.batch} at a time"),
        ("seeds of the trials", seeds(s.seeds)),
        ("fresh seeds", f"{seeds(s.fresh_seeds)}, for the best {s.remeasure}"),
        *([("settings of the homogeneous reference", settings(space, given))] if given else []),
        *((f"measured by: {k}", str(v)) for k, v in s.measure.items()),
    ]
    seconds = [t.evaluation.seconds for t in result.trials if t.evaluation is not None]
    if seconds:
        text = f"{number(float(np.median(seconds)))} s (median), {number(sum(seconds))} s in all"
        out.append(("computing time of a trial", text))
    out.append(("versions", ", ".join(f"{k} {v}" for k, v in result.versions.items())))
    return [(printable(name), printable(text)) for name, text in out]


def check_comparable(results: Sequence[SearchResult]) -> None:
    """Refuse to draw searches together whose numbers were not measured alike.

    Raises
    ------
    HeteroError
        Naming what differs.
    """
    names = labels(results)
    for key in ALIKE:
        found = [r.space.base.protocol.said(key) for r in results]
        if len(set(found)) > 1:
            raise HeteroError(
                f"compared searches must measure alike, but protocol.{key} differs: "
                f"{', '.join(f'{n} {v}' for n, v in zip(names, found, strict=True))}; show them one by one"
            )
