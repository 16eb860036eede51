"""How numbers, trials and dimensions of a search are worded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hetero_rsnn.common import units
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import (
    Estimate,
    estimate,
)
from hetero_rsnn.searching.objectives import Evaluation
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.space_parsing import Dimension, Entry
from hetero_rsnn.searching.trial import Trial

#: Measured quantities with their headings, in the order of tables.
QUANTITIES = {"E": "E = C/S", "C": "C (samples)", "S": "S (spikes/sample)", "rate_hz": "rate (Hz)"}
#: What C and S are where a task is measured, by the quantity that the journal names.
TASKS = {"accuracy": "accuracy", "skill": "skill against persistence"}
#: A number this near to an end of its range (as a share of it) could have gone on beyond.
EDGE = 0.02
#: The methods as they are called in sentences.
METHODS = {
    "wasserstein": "Bayesian search over distributions (2-Wasserstein kernel)",
    "matern": "Bayesian search over coordinates (Matérn kernel)",
    "random": "random search",
}
NONE = Estimate(math.nan, math.nan, math.nan, math.nan, 0)


def task_of(measured: Mapping[str, str]) -> str:
    """What C is, if a search measures a task: ``"accuracy"``; else empty."""
    quantity = measured.get("quantity", "")
    return quantity if quantity in TASKS else ""


def quantities(measured: Mapping[str, str]) -> dict[str, str]:
    """`QUANTITIES` of a search, whose measurement is so labelled in its journal."""
    task = task_of(measured)
    return {**QUANTITIES, "C": f"C ({task})", "S": "S (spikes/row)"} if task else QUANTITIES


def axes(measured: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """C, E and S in words, each with its unit."""
    task = task_of(measured)
    if task:
        return {
            "C": (f"{task} C", "cross-validated"),
            "E": ("efficiency E = C / S", f"{task} per spike of a neuron and row"),
            "S": ("spike count S", "spikes of a neuron per row"),
        }
    return {
        "C": ("memory capacity C", "samples"),
        "E": ("spike efficiency E = C / S", "samples per spike of a neuron"),
        "S": ("spike count S", "spikes of a neuron per sample"),
    }


def meaning(measured: Mapping[str, str]) -> str:
    """A line on what C and S are where a task is measured; else empty."""
    task = task_of(measured)
    if not task:
        return ""
    ahead = f" {measured['horizon']} rows ahead" if "horizon" in measured else ""
    return (
        f"C is the {TASKS[task]}{ahead} on {measured.get('data', 'the data')}, cross-validated in "
        f"{measured.get('folds', 'several')} folds of its training part; S counts spikes of a neuron and row"
    )


def measure(evaluation: Evaluation | None, name: str) -> Estimate:
    """Mean of a quantity with its 95 % interval; undefined without an evaluation, or if a seed has no value."""
    return NONE if evaluation is None else evaluation.estimate(name)


def lead(ours: Evaluation | None, theirs: Evaluation | None, name: str) -> Estimate:
    """Paired difference over the seeds; undefined unless both were measured on the same ones."""
    if ours is None or theirs is None or ours.seeds != theirs.seeds:
        return NONE
    return estimate(np.subtract(ours.per_seed[name], theirs.per_seed[name]))


def number(x: float) -> str:
    """Three significant digits."""
    if not math.isfinite(x):
        return "–"
    return f"{x:.0f}" if abs(x) >= 1000 else f"{float(f'{x:.3g}'):g}"


def unit(x: Dimension | Entry) -> str:
    """Unit as it is shown; empty where there is none."""
    return {units.DIMENSIONLESS: "", units.TIME: "ms"}.get(x.unit, x.unit)


def heading(x: Dimension | Entry) -> str:
    """Name with its unit."""
    return printable(f"{x.name} ({unit(x)})" if unit(x) else x.name)


def settings(space: Space, values: Mapping[str, float]) -> str:
    """``"outer = 0.8, pause = 5 ms"``."""
    kinds = {entry.name: entry.unit for entry in space.entries}
    return ", ".join(f"{name} = {units.show(float(f'{x:.4g}'), kinds[name])}" for name, x in values.items())


def edge(d: Dimension, x: float) -> str:
    """Say where a number lies at an end of its range: a larger range could give more."""
    z = d.to_unit(x)
    if d.name.endswith(".cv") and d.low == 0 and z < EDGE:
        return "homogeneous"
    return "at the lower end" if z < EDGE else "at the upper end" if z > 1 - EDGE else ""


def beyond(d: Dimension, x: float) -> str:
    """What to do about a number at an end of its range, in two sentences; empty where it lies inside."""
    where = edge(d, x)
    if not where.startswith("at "):
        return ""
    low, high = (units.show(float(f"{end:.4g}"), d.unit) for end in (d.low, d.high))
    span = f"{low.split()[0]} to {high}"
    return printable(
        f"{d.name} = {units.show(float(f'{x:.4g}'), d.unit)} is {where} of its range ({span}): the best may lie "
        "beyond. Widen it in the space file."
    )


def state(t: Trial) -> str:
    """``"feasible"``, ``"infeasible"``, ``"running"`` or ``"failed"``."""
    return t.status if t.evaluation is None else "feasible" if t.feasible else "infeasible"


def status(t: Trial) -> str:
    """The state, and what is wrong."""
    why = t.error if t.evaluation is None else t.evaluation.reason
    return f"{state(t)}: {printable(why)}" if why else state(t)


def seeds(numbers: Sequence[int]) -> str:
    """``"8 seeds (1000-1007)"``."""
    text = ", ".join(map(str, numbers))
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        text = f"{numbers[0]}-{numbers[-1]}"
    return f"{len(numbers)} seed{'s' if len(numbers) > 1 else ''} ({text})"
