"""Pieces of the pages of tasks: seeds as rows, means over spikes, level lines, who is best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.page import mark
from hetero_rsnn.report.seeds_page import SeedRow
from hetero_rsnn.report.task_tables import share_bounds
from hetero_rsnn.tasks.result import TaskResult

#: An axis of accuracies shows no less than this; one of errors no less than this share of them.
SPAN = 0.05
#: What is said below a figure with seeds and means.
MEANS = "Points are seeds, large marks are means with their 95 % intervals over the seeds. "


def seed_rows(
    result: TaskResult, values: Callable[[Any], dict[str, float]], inside: Callable[[Any], dict[str, list[float]]]
) -> list[SeedRow]:
    """A row for each network and seed, network after network."""
    return [
        SeedRow(f"{g}.{row.seed}", g, row.seed, f"{label(name)}, seed {row.seed}", values(row), inside(row))
        for g, name in enumerate(result.names)
        for row in result.of(name)
    ]


def at(x: float) -> Estimate:
    """A place, which has no interval."""
    return Estimate(x, math.nan, math.nan, math.nan, 1)


def level(text: str, values: Iterable[float]) -> list[dict[str, Any]]:
    """A level line at a mean; nothing where it is unknown."""
    at = estimate(values).mean
    return [{"axis": "y", "at": at, "text": text}] if math.isfinite(at) else []


def mean_marks(result: TaskResult, quantity: str, bounded: bool) -> list[dict[str, Any]]:
    """Means of the networks over their spikes."""
    found = []
    for g, name in enumerate(result.names):
        x, y = result.estimate(name, "nu"), result.estimate(name, quantity)
        if math.isfinite(x.mean) and math.isfinite(y.mean):
            seeds = len(result.of(name))
            said = f"{label(name)}: mean of {seeds} seed{'s' * (seeds > 1)}"
            y = share_bounds(y) if bounded else y
            found.append(mark(printable(said), x, y, ("nu", quantity), g))
    return found


def best_of(result: TaskResult, quantity: str, *, least: bool = False, digits: int | None = None) -> str:
    """``"HeNHeS has the largest accuracy, 0.9613 [0.9501, 0.9725]"``."""
    found = {name: result.estimate(name, quantity) for name in result.names}
    known = [name for name, e in found.items() if math.isfinite(e.mean)]
    if not known:
        return f"none has {quantity} in every seed"
    best = (min if least else max)(known, key=lambda name: found[name].mean)
    e = share_bounds(found[best]) if quantity == "accuracy" else found[best]
    spoken = {"nrmse": "error (NRMSE)", "accuracy": "accuracy"}.get(quantity, quantity)
    value = cell(e, digits=digits)
    if len(known) == 1:
        return f"{label(best)} has the {spoken} {value}"
    return f"{label(best)} has the {'least' if least else 'largest'} {spoken}, {value}"
