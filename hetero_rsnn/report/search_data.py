"""A search as the rows and pictures that the script of its page reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.network.saving import to_toml_text
from hetero_rsnn.report.page import bounds, mark, plot
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.importance import Importance
from hetero_rsnn.searching.objectives import border, convergence
from hetero_rsnn.searching.partial_dependence import Models
from hetero_rsnn.searching.result import SearchResult, in_order
from hetero_rsnn.searching.trial import Trial
from hetero_rsnn.searching.wording import NONE

#: Names of the measured quantities on axes.
_AXES = {
    "E": "E = C/S (samples per spike)",
    "C": "memory capacity C (samples)",
    "S": "spike count S (spikes per sample)",
    "seconds": "computing time (s)",
}
#: Parameters of which all pairs are drawn as contours: the most important ones, or the first.
_PAIRED = 4


def search_data(
    result: SearchResult,
    others: Sequence[SearchResult],
    models: Models | None = None,
    importances: Mapping[str, Importance] | None = None,
) -> dict[str, Any]:
    """What the page of a search draws; without models no contours, without importances no bars."""
    results = (result, *others)
    names = view.labels(results)
    found = view.best(result)
    best = f"{wording.number(found.evaluation.E)} at trial {found.trial.number}" if found else ""
    keys = ["E", "C", "S", *dict.fromkeys(d.name for r in results for d in r.space.dimensions)]
    count = len(view.measured(result))
    data = {
        "number": "trial",
        "group": "search",
        "file": "trials.csv",
        "example": f"E>{wording.number(0.9 * found.evaluation.E) if found else 10} feasible",
        "groups": [{"name": name, "toml": _whole(r)} for name, r in zip(names, results, strict=True)],
        "columns": _columns(results),
        "rows": [row for g, r in enumerate(results) for row in _rows(g, r)],
        "plots": _plots(results, names),
        "parallel": {
            "keys": keys,
            "colour": "C" if result.settings.objective == "capacity" else "E",
            "told": f"Parallel coordinates of {count} measured trials over {len(keys)} axes"
            + (f"; the best has E = {best}" if best else ""),
        },
    }
    if importances:
        data["importances"] = _importances(importances)
    if models is not None and len(result.space.dimensions) > 1:
        data["contours"] = {"pairs": _pairs(result, models, importances or {})}
    return data


def row_id(group: int, trial: Trial) -> str:
    """How the script calls a trial."""
    return f"{group}.{trial.number}"


def _columns(results: Sequence[SearchResult]) -> list[dict[str, Any]]:
    measured = {"trial": "trial", **wording.quantities(results[0].settings.measure), "seconds": "time (s)"}
    columns = [
        {"key": q, "label": text, "short": q.partition("_")[0], "axis": _AXES.get(q, text), "zero": True}
        for q, text in measured.items()
    ]
    found: dict[str, dict[str, Any]] = {}
    for d in (d for r in results for d in r.space.dimensions):
        new = {
            "key": d.name, "label": wording.heading(d), "short": printable(d.name), "unit": wording.unit(d),
            "low": d.low, "high": d.high, "log": d.log, "parameter": True,
        }  # fmt: skip
        old = found.setdefault(d.name, new)
        old |= {"low": min(old["low"], d.low), "high": max(old["high"], d.high)}
    return [*columns, *found.values()]


def _toml(result: SearchResult, trial: Trial) -> list[str]:
    """The file of a trial's network; none of one that has given arrays, or that a journal from elsewhere made up."""
    try:
        return to_toml_text(result.network(trial)).splitlines()
    except HeteroError:
        return []


def _whole(result: SearchResult) -> list[str]:
    """The file of the first trial's network: others differ from it in a few lines."""
    return _toml(result, result.trials[0]) if result.trials else []


def _rows(group: int, result: SearchResult) -> list[dict[str, Any]]:
    whole = _whole(result)
    rows = []
    for t in in_order(result):
        e = {q: wording.measure(t.evaluation, q) for q in wording.QUANTITIES}
        seconds = math.nan if t.evaluation is None else t.evaluation.seconds
        why = t.error if t.evaluation is None else t.evaluation.reason
        lines = _toml(result, t)
        changed = {i: b for i, (a, b) in enumerate(zip(whole, lines, strict=False)) if a != b}
        rows.append(
            {
                "id": row_id(group, t),
                "g": group,
                "name": f"trial {t.number}",
                "state": wording.state(t),
                "why": printable(why) if why else "",
                "v": {"trial": t.number, **{q: x.mean for q, x in e.items()}, **t.point, "seconds": seconds},
                "i": {q: b for q, x in e.items() if (b := bounds(x)) is not None},
                **({"toml": changed} if lines and len(lines) == len(whole) else {}),
            }
        )
    return rows


def _plots(results: Sequence[SearchResult], names: Sequence[str]) -> list[dict[str, Any]]:
    """E over C, S over C with the border of what was reached, the value over the trials, and the time they took."""
    result = results[0]
    c_min = result.objective.c_min
    guides = [{"axis": "x", "at": c_min, "text": f"least C = {wording.number(c_min)}"}] if c_min > 0 else []
    fronts = []
    for g, r in enumerate(results):
        if r.front:
            xs, ys = border([t.C for t in r.front], [t.S for t in r.front])
            fronts.append({"g": g, "points": list(zip(xs, ys, strict=True))})
    aim = "C" if result.settings.objective == "capacity" else "E"
    spread = result.settings.initial
    asked = {"axis": "x", "at": spread - 0.5, "text": "first spread, then asked"}
    begun = [asked] if len(result.trials) > spread else []
    said = (
        "All trials; hollow ones miss a limit.",
        "What they pay, and the border of what was reached: to the right and down is better.",
        "The line is the best so far; crosses at the bottom are trials that failed. The best is drawn with what fresh "
        "seeds made of it.",
        "Computing time of every trial, in the order asked for; crosses at the bottom are trials that failed.",
    )
    marks = {x_y: _marks(results, names, *x_y) for x_y in (("C", "E"), ("C", "S"), ("trial", aim))}
    return [
        plot("C", "E", _told_best(result), said[0], title="E over C", marks=marks["C", "E"], guides=guides),
        plot(
            "C", "S", _told_front(result), said[1], title="S over C", marks=marks["C", "S"], lines=fronts, guides=guides
        ),
        plot(
            "trial", aim, _told_rise(result, aim), said[2], title=f"{aim} over the trials", floor=True,
            marks=marks["trial", aim], lines=_steps(results, aim), guides=begun,
        ),
        plot("trial", "seconds", _told_time(result), said[3], title="Timeline", stems=True, floor=True, aside=True),
    ]  # fmt: skip


def _marks(results: Sequence[SearchResult], names: Sequence[str], x: str, y: str) -> list[dict[str, Any]]:
    """The best network of each search where its numbers to report put it, and the reference."""
    out = []
    for g, (r, name) in enumerate(zip(results, names, strict=True)):
        found = view.best(r)
        if found is None:
            continue
        said = f"{name}: best, trial {found.trial.number}, {found.source}"
        number = float(found.trial.number)
        over = replace(NONE, mean=number) if x == "trial" else wording.measure(found.evaluation, x)
        out.append(mark(said, over, wording.measure(found.evaluation, y), (x, y), g, row_id(g, found.trial)))
    reference = view.reference(results[0])
    if reference is not None and x != "trial":
        estimates = (wording.measure(reference, x), wording.measure(reference, y))
        out.append(mark(view.REFERENCE, *estimates, (x, y), None))
    return [m for m in out if math.isfinite(m["x"]) and math.isfinite(m["y"])]


def _steps(results: Sequence[SearchResult], aim: str) -> list[dict[str, Any]]:
    lines = []
    for g, r in enumerate(results):
        kind = "capacity" if aim == "C" else "efficiency"
        best = convergence(replace(r.objective, kind=kind), (t.evaluation for t in r.trials))
        points: list[tuple[int, float]] = []
        for t, value in zip(r.trials, best, strict=True):
            if math.isfinite(value):
                points += [(t.number, points[-1][1])] if points else []
                points.append((t.number, float(value)))
        lines.append({"g": g, "points": points})
    return [line for line in lines if line["points"]]


def told_values(result: SearchResult) -> str:
    """``"64.4 [59.7, 69.0] at C = 3.1 (trial 31)"``; empty without a best network."""
    found = view.best(result)
    if found is None:
        return ""
    e = wording.measure(found.evaluation, "E")
    return f"{cell(e)} at C = {wording.number(found.evaluation.C)} (trial {found.trial.number})"


def _told_best(result: SearchResult) -> str:
    best = told_values(result)
    said = f"the best network has E = {best}" if best else "none keeps the limits yet"
    return f"E over C of {len(view.measured(result))} trials: {said}"


def _told_front(result: SearchResult) -> str:
    if not result.front:
        return f"S over C of {len(view.measured(result))} trials: none keeps the limits yet"
    least, most = result.front[0], result.front[-1]
    n = wording.number
    ends = f"C = {n(least.C)} at S = {n(least.S)} to C = {n(most.C)} at S = {n(most.S)}"
    return f"S over C of {len(view.measured(result))} trials: the border of what was reached goes from {ends}"


def _told_rise(result: SearchResult, aim: str) -> str:
    """``"E rises from 12 to 64.4 at trial 31"``."""
    good = [t for t in result.trials if t.feasible]
    if not good:
        return f"{aim} over the trials: none keeps the limits yet"
    top = max(good, key=lambda t: float(getattr(t, aim)))
    first, last = (wording.number(getattr(t, aim)) for t in (good[0], top))
    if top is good[0]:
        return f"{aim} is {first} at trial {top.number}, and no later trial is better"
    return f"{aim} rises from {first} at trial {good[0].number} to {last} at trial {top.number}"


def _told_time(result: SearchResult) -> str:
    seconds = [t.evaluation.seconds for t in view.measured(result) if t.evaluation is not None]
    failed = sum(t.status == "failed" for t in result.trials)
    span = f"{wording.number(min(seconds))} to {wording.number(max(seconds))} s a trial" if seconds else "none measured"
    return f"Timeline of {len(result.trials)} trials: {span}, {failed} failed"


def _importances(found: Mapping[str, Importance]) -> dict[str, Any]:
    bars: list[dict[str, Any]] = [
        {"name": printable(name), "index": s.index, "low": s.low, "high": s.high}
        for name, s in sorted(found.items(), key=lambda pair: -pair[1].index)
    ]
    top = bars[0]
    share = f"{100 * top['index']:.0f} % of the variance"
    return {"bars": bars, "told": f"Importance of {len(bars)} parameters: {top['name']} explains most, {share}"}


def _pairs(result: SearchResult, models: Models, importances: Mapping[str, Importance]) -> list[dict[str, Any]]:
    """The model's E over each pair of the most important parameters."""
    names = [d.name for d in result.space.dimensions]
    if importances:
        names.sort(key=lambda name: -importances[name].index if name in importances else 0.0)
    names = names[:_PAIRED]
    pairs = []
    for i, x in enumerate(names):
        for y in names[i + 1 :]:
            surface = models.surface(x, y)
            at = int(surface.mean.argmax())
            column, line = at % surface.mean.shape[1], at // surface.mean.shape[1]
            n = wording.number
            told = (
                f"E of the model over {printable(x)} and {printable(y)}: from {n(surface.mean.min())} to "
                f"{n(surface.mean.max())}, which it has at {n(surface.x[column])} and {n(surface.y[line])}"
            )
            values = [float(f"{v:.4g}") for v in surface.mean.ravel()]
            pairs.append({"x": x, "y": y, "n": len(surface.x), "values": values, "told": told})
    return pairs
