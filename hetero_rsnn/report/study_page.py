"""A comparison or a sweep as one page: every point a seed, means with their intervals, a table of all seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable
from hetero_rsnn.experiments.comparison import Comparison, comparison_tables
from hetero_rsnn.experiments.measurement_result import Measurement
from hetero_rsnn.experiments.sweep_result import Sweep, SweepCurve
from hetero_rsnn.measures.estimates import Estimate, cell
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.page import Page, mark, plot
from hetero_rsnn.report.seeds_page import Column, SeedRow, Seeds, provenance
from hetero_rsnn.searching.wording import number

#: What is told of every seed, with headings.
_COLUMNS = {
    "C": "C (samples)", "S": "S (spikes/sample)", "E": "E = C/S", "rate_hz": "rate (Hz)",
    "silent_share": "silent share", "correlation": "correlation of states", "weight": "weight / w_max",
}  # fmt: skip
#: Where intervals of single seeds come from.
_SEED = "Points are seeds; the interval of a seed, shown with it, is that of the measurement itself. "
_MEANS = "Large marks are means with their 95 % intervals over the seeds. A cross at the bottom has no E."


@dataclass(frozen=True)
class _Point:
    """A measured network at its place: of which group, and at which value of what is swept."""

    group: int
    name: str
    measurement: Measurement
    at: dict[str, float]

    def estimate(self, key: str) -> Estimate:
        """The mean of a quantity, or the value of a parameter, which has no interval."""
        if key in self.at:
            return Estimate(self.at[key], math.nan, math.nan, math.nan, 1)
        return self.measurement.summary()[key]


def comparison_page(comparison: Comparison, command: str = "") -> Page:
    """The page of a comparison.

    Parameters
    ----------
    comparison : Comparison
    command : str
        How it was made, if that is known.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> from hetero_rsnn.report.study_page import comparison_page
    >>> net = hr.load_network("henhes", n=50, **{"protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"})
    >>> page = comparison_page(hr.compare({"narrow": net, "wide": net.replace(**{"E.tau_m.cv": 1.0})}, seeds=range(2)))
    >>> page.title, len(page.data["rows"])
    ('Comparison of narrow, wide', 4)
    """
    names = [label(m.network.name) for m in comparison.measurements]
    points = [_Point(g, name, m, {}) for g, (name, m) in enumerate(zip(names, comparison.measurements, strict=True))]
    best, spare = _best(points), _best(points, "S", least=True)
    caption, same = _SEED + _MEANS, "The same seed is the same input for all networks."
    plots = [
        plot("C", "E", f"E over C of {len(points)} networks: {best}", caption, title="E over C"),
        plot("C", "S", f"S over C of {len(points)} networks: {spare}", caption, title="S over C"),
        plot("seed", "E", f"E of every seed: {best}", same, title="E over the seeds"),
    ]
    for p in plots:
        p["floor"] = p["y"] == "E"
    for p in plots[:2]:
        p["marks"] = _marks(points, p["x"], p["y"])
    return _page(
        f"Comparison of {', '.join(names)}", names, points, plots, {}, comparison_tables(comparison), best, command
    )


def sweep_page(sweep: Sweep, command: str = "") -> Page:
    """The page of a sweep.

    Parameters
    ----------
    sweep : Sweep
    command : str
        How it was made, if that is known.
    """
    names = [_called(curve) for curve in sweep.curves]
    points = [
        _Point(g, names[g], m, _place(sweep, curve, k))
        for g, curve in enumerate(sweep.curves)
        for k, m in enumerate(curve.measurements)
    ]
    unit = f" ({sweep.unit})" if sweep.unit else ""
    parameters = {sweep.parameter: f"{sweep.parameter}{unit}"}
    if sweep.grid is not None:
        parameters[sweep.grid] = f"{sweep.grid} ({sweep.grid_unit})" if sweep.grid_unit else sweep.grid
    swept = [p for p in points if sweep.parameter in p.at]
    plots = []
    for y in ("C", "S", "E"):
        told = f"{y} over {printable(sweep.parameter)}: {_best(swept, y, least=y == 'S', at=sweep.parameter)}"
        plots.append(plot(sweep.parameter, y, told, _SEED + _MEANS, title=f"{y} over {printable(sweep.parameter)}"))
        plots[-1]["guides"] = [
            {"axis": "y", "at": p.estimate(y).mean, "text": p.name} for p in points if p not in swept and _known(p, y)
        ]
    told = f"E over C along {printable(sweep.parameter)}: {_best(swept, at=sweep.parameter)}"
    plots.append(plot("C", "E", told, "The path of the means along the values. " + _SEED + _MEANS, title="E over C"))
    for p in plots:
        p |= {"floor": p["y"] == "E", "aside": p["x"] == sweep.parameter}
        p["marks"] = _marks(swept if p["x"] == sweep.parameter else points, p["x"], p["y"])
        p["lines"] = [
            {"g": g, "points": [[m["x"], m["y"]] for m in p["marks"] if m["g"] == g]} for g in range(len(names))
        ]
    title = f"Sweep of {sweep.parameter}: {', '.join(names)}"
    lead = _best(swept, at=sweep.parameter)
    return _page(title, names, points, plots, parameters, sweep.tables, lead, command)


def _called(curve: SweepCurve) -> str:
    return label(curve.name)


def _place(sweep: Sweep, curve: SweepCurve, k: int) -> dict[str, float]:
    at = {} if curve.reference else {sweep.parameter: curve.values[k]}
    return {**at, **({sweep.grid: curve.other} if sweep.grid is not None and curve.other is not None else {})}


def _known(p: _Point, key: str) -> bool:
    return math.isfinite(p.estimate(key).mean)


def _best(points: Sequence[_Point], key: str = "E", *, least: bool = False, at: str = "") -> str:
    """``"HeNHeS has the largest E, 22.1 [20.3, 23.9] at C = 3.1"``."""
    there = [p for p in points if _known(p, key)]
    if not there:
        return f"none has {key} in every seed"
    found = (min if least else max)(there, key=lambda p: p.estimate(key).mean)
    place = f"{printable(at)} = {number(found.at[at])}" if at else f"C = {number(found.estimate('C').mean)}"
    return f"{found.name} has the {'least' if least else 'largest'} {key}, {cell(found.estimate(key))} at {place}"


def _marks(points: Iterable[_Point], x: str, y: str) -> list[dict[str, Any]]:
    out = []
    for p in points:
        if _known(p, x) and _known(p, y):
            place = "".join(f", {name} = {number(value)}" for name, value in p.at.items())
            seeds = len(p.measurement)
            said = f"{p.name}{place}: mean of {seeds} seed{'s' if seeds > 1 else ''}"
            names = ("" if x in p.at else x, y)
            out.append(mark(printable(said), p.estimate(x), p.estimate(y), names, p.group))
    return out


def _page(
    title: str, names: Sequence[str], points: Sequence[_Point], plots: list[dict[str, Any]], parameters: dict[str, str],
    tables: Sequence[TextTable], lead: str, command: str,
) -> Page:  # fmt: skip
    rows = []
    for k, p in enumerate(points):
        place = "".join(f", {name} = {number(value)}" for name, value in p.at.items())
        for r in p.measurement.rows:
            values = {**{q: getattr(r, q) for q in _COLUMNS}, **p.at}
            inside = {q: _interval(getattr(r, q), getattr(r, f"{q}_stderr")) for q in ("C", "E")}
            why = printable(r.reason) if r.reason else ""
            rows.append(
                SeedRow(f"{k}.{r.seed}", p.group, r.seed, f"{p.name}{place}, seed {r.seed}", values, inside, why)
            )
    columns = [Column(key, text, parameter=True) for key, text in parameters.items()]
    columns += [
        Column(key, text, "rate" if key == "rate_hz" else "", down=key in ("C", "E")) for key, text in _COLUMNS.items()
    ]
    engine = points[0].measurement
    known = provenance(
        command, (p.measurement.network for p in points),
        ("backend", f"{engine.backend}, {engine.precision} precision"),
    )  # fmt: skip
    return Seeds(
        title, lead, names, columns, rows, plots, tables, "E", f"{names[0].lower()} E>10", known, "why it has no E"
    ).page()


def _interval(value: float, error: float) -> list[float] | None:
    half = 1.96 * error
    return [value - half, value + half] if math.isfinite(value) and math.isfinite(half) else None
