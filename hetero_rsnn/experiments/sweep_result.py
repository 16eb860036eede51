"""What a sweep found: curves of C, S and E over a parameter, over seeds that all values share."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hetero_rsnn.common.capacities import QUESTIONS
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array
from hetero_rsnn.experiments.measurement_journal import (
    complete_seeds,
    measurements_of,
    network_of,
    read_measurements,
)
from hetero_rsnn.experiments.measurement_result import COUNTED, QUANTITIES, Measurement, SeedResult
from hetero_rsnn.experiments.sweep_plan import Axis, PlannedCurve, SweepPlan, plan_sweep
from hetero_rsnn.experiments.sweep_values import swept_values
from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.network.definition import Network, mixed_pairs
from hetero_rsnn.network.shipped import label
from hetero_rsnn.simulation.engine import Engine


@dataclass(frozen=True)
class SweepCurve:
    """A network along the values of the swept parameter.

    Attributes
    ----------
    name : str
        Of the network, and the value of the second parameter if there is one.
    network : Network
        As it was given.
    other : float or None
        Its value of the second parameter.
    values : tuple of float
        Of the swept parameter; empty of a reference, which does not have it.
    measurements : tuple of Measurement
        One a value; of a reference the only one.
    """

    name: str
    network: Network
    other: float | None
    values: tuple[float, ...]
    measurements: tuple[Measurement, ...]

    @property
    def reference(self) -> bool:
        """Whether it is one network for all values."""
        return not self.values

    def __getitem__(self, quantity: str) -> Array:
        """One quantity of every value and seed, e.g. ``curve["E"]``, shape (values, seeds)."""
        import numpy as np

        return np.array([m[quantity] for m in self.measurements])

    def estimates(self, quantity: str) -> list[Estimate]:
        """Mean and 95 % interval over the seeds, for every value."""
        return [estimate(row) for row in self[quantity]]

    def differences(self, quantity: str) -> list[Estimate]:
        """Paired difference to the first value, seed by seed, for every further one."""
        first, *others = self[quantity]
        return [estimate(row - first) for row in others]


@dataclass(frozen=True)
class Sweep:
    """Measurements of networks along a parameter, all on the same seeds; made by `sweep`.

    Attributes
    ----------
    parameter : str
    values : tuple of float
        From the least to the greatest, in `unit`.
    unit : str
        Empty for plain numbers.
    grid : str or None
        The second parameter, if there is one; its unit is `grid_unit`.
    curves : tuple of SweepCurve
        One a network and value of the second parameter.
    """

    parameter: str
    values: tuple[float, ...]
    unit: str
    grid: str | None
    grid_unit: str
    curves: tuple[SweepCurve, ...]

    @classmethod
    def from_plan(cls, plan: SweepPlan, measurements: list[Measurement]) -> Sweep:
        """Put measurements of ``plan.networks`` together."""
        rest = iter(measurements)
        curves = tuple(
            _curve(plan.axis, planned, tuple(next(rest) for _ in planned.networks)) for planned in plan.curves
        )
        axis, grid = plan.axis, plan.grid
        other, unit = (None, "") if grid is None else (grid.name, grid.values.unit)
        return cls(axis.name, axis.values.numbers, axis.values.unit, other, unit, curves)

    @classmethod
    def from_journal(cls, path: str | Path) -> Sweep:
        """Read the journal of a sweep, even while it runs: the seeds on which all values were measured.

        Raises
        ------
        JournalError
            If it cannot be read, is of something else, has no such seed yet, or is of a trained network.

        Examples
        --------
        >>> import hetero_rsnn as hr
        >>> hr.Sweep.from_journal("none.jsonl")
        Traceback (most recent call last):
        ...
        hetero_rsnn.common.errors.JournalError: there is no journal none.jsonl: give the path of one
        """
        header, rows = read_measurements(path, "sweep")
        grid = header.get("grid")
        axes = [header, *([grid] if grid is not None else [])]
        plan = plan_sweep(
            [network_of(path, entry) for entry in header["networks"]],
            *(Axis(axis["parameter"], swept_values(axis["parameter"], axis["values"])) for axis in axes),
        )
        seeds = complete_seeds(path, plan.networks, rows)
        return cls.from_plan(plan, measurements_of(plan.networks, seeds, rows, Engine(**header["engine"])))

    @property
    def seeds(self) -> list[int]:
        """Seeds that all values share."""
        return [row.seed for row in self.curves[0].measurements[0].rows]

    def __repr__(self) -> str:
        names = "; ".join(curve.name for curve in self.curves)
        span = f"{self.text(self.values[0])} ... {self.text(self.values[-1])} ({len(self.values)} values)"
        return f"Sweep({names}; {self.parameter} = {span}, {_count(self.seeds)})"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.tables))

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self.tables)

    def __getitem__(self, name: str) -> SweepCurve:
        for curve in self.curves:
            if curve.name == name:
                return curve
        raise HeteroError(f"no curve {name!r:.80} in this sweep{suggest(str(name), [c.name for c in self.curves])}")

    def text(self, value: float) -> str:
        """A value of the swept parameter with its unit."""
        return f"{value:.6g} {self.unit}".rstrip()

    def plot(self) -> Any:
        """Draw C, S and E over the parameter, and E over C, as a matplotlib Figure; see `plots.figure_sweep`."""
        return figure_of("Sweep")(self)

    def table(self) -> list[dict[str, Any]]:
        """One row for each curve, value and seed.

        Returns
        -------
        list of dict
            ``network``, the swept parameter by its name (NaN of a reference), the second one if there is one, ``seed``
            and what `SeedResult` holds in single numbers.
        """
        rows = []
        for curve in self.curves:
            for value, m in zip(curve.values or (math.nan,), curve.measurements, strict=True):
                other = {} if self.grid is None else {self.grid: math.nan if curve.other is None else curve.other}
                start = {"network": curve.network.name, self.parameter: value, **other}
                rows += [{**start, **_single(row)} for row in m.rows]
        return rows

    def to_pandas(self) -> Any:
        """`table` as a pandas DataFrame.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        return need("pandas", "pandas", "to_pandas").DataFrame(self.table())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        grid = None if self.grid is None else {"parameter": self.grid, "unit": self.grid_unit}
        return {
            "format": "hetero_rsnn sweep",
            "version": 1,
            "parameter": self.parameter,
            "values": list(self.values),
            "unit": self.unit,
            "grid": grid,
            "seeds": self.seeds,
            "curves": [_to_dict(curve) for curve in self.curves],
        }

    @cached_property
    def tables(self) -> list[TextTable]:
        """A table for each curve: means with 95 % intervals, and the paired difference of E to the first value."""
        head = f"{self.parameter} ({self.unit})" if self.unit else self.parameter
        columns = ("C (samples)", "S (spikes/sample)", "E = C/S", "ΔE to the first")
        tables = []
        for place, curve in enumerate(c for c in self.curves if not c.reference):
            rows = [_row(f"{value:.6g}", m) for value, m in zip(curve.values, curve.measurements, strict=True)]
            rows = [(*row, _difference(d)) for row, d in zip(rows, [None, *curve.differences("E")], strict=True)]
            title = f"{_called(curve)}; {self._title(curve)}" if not place else _called(curve)
            title += self._without(curve)
            tables.append(TextTable(title, (head, *columns), rows))
        references = [curve for curve in self.curves if curve.reference]
        if references:
            rows = [_row(_called(curve), curve.measurements[0]) for curve in references]
            tables.append(TextTable(f"without {self.parameter}", ("network", *columns[:-1]), rows))
        return tables

    def _without(self, curve: SweepCurve) -> str:
        """Why E has no mean, at the first value where it has none."""
        pairs = zip(curve.values, curve.measurements, strict=True)
        return next((f"; no E at {self.text(x)}: {m.reason}" for x, m in pairs if m.reason), "")

    def _title(self, curve: SweepCurve) -> str:
        """How it was measured; what the swept parameters decide is left away."""
        base = curve.network
        changed = {self.parameter, self.grid}
        parts = [_count(self.seeds)]
        parts += [f"{base.n} neurons"] * ("n" not in changed)
        parts += [f"{base.protocol.samples} samples"] * (not changed & {"protocol.samples", "samples"})
        networks = [c.network for c in self.curves]
        notes = [
            ", ".join(parts),
            QUESTIONS[base.protocol.estimator],
            "mean [95 % interval]",
            *(net.note for net in networks),
            mixed_pairs(networks),
        ]
        return "; ".join(dict.fromkeys(filter(None, notes)))


def _curve(axis: Axis, planned: PlannedCurve, measurements: tuple[Measurement, ...]) -> SweepCurve:
    values = () if planned.reference else axis.values.numbers
    return SweepCurve(planned.name, planned.base, planned.other, values, measurements)


def _count(seeds: list[int]) -> str:
    return "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"


def _called(curve: SweepCurve) -> str:
    """The name of a curve as tables and figures write it."""
    return f"{label(curve.network.name)}{curve.name.removeprefix(curve.network.name)}"


def _row(name: str, m: Measurement) -> tuple[str, ...]:
    s = m.summary()
    return (name, *(cell(s[q]) for q in ("C", "S", "E")))


def _difference(e: Estimate | None) -> str:
    if e is None:
        return ""
    star = " *" if not math.isnan(e.low) and e.low * e.high > 0 else ""
    return cell(e, signed=True) + star


def _single(row: SeedResult) -> dict[str, Any]:
    """What a row holds in single numbers, and why E has no value."""
    names = ("seed", *QUANTITIES, "C_stderr", "E_stderr", "train_rate_hz", "reason", *COUNTED)
    return {name: getattr(row, name) for name in names}


def _to_dict(curve: SweepCurve) -> dict[str, Any]:
    differences: list[Any] = [None] * len(curve.measurements)
    if not curve.reference:
        columns = {q: curve.differences(q) for q in ("C", "S", "rate_hz", "E")}
        further = range(len(curve.values) - 1)
        differences[1:] = [{q: asdict(column[k]) for q, column in columns.items()} for k in further]
    return {
        "name": curve.name,
        "network": curve.network.name,
        "other": curve.other,
        "reference": curve.reference,
        "points": [
            {"value": value, "difference": difference, **m.to_dict()}
            for value, difference, m in zip(curve.values or (None,), differences, curve.measurements, strict=True)
        ],
    }
