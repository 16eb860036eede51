"""Which networks a sweep measures: one curve a network and second value, one point a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hetero_rsnn.common.errors import HeteroError, NetworkError
from hetero_rsnn.experiments.sweep_values import SweptValues
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.overrides import full_names


@dataclass(frozen=True)
class Axis:
    """A parameter with its values."""

    name: str
    values: SweptValues


@dataclass(frozen=True)
class PlannedCurve:
    """A network along the values of the swept parameter; `other` is its value of the second one, as a number."""

    base: Network
    other: float | None
    other_text: str
    networks: tuple[Network, ...]
    reference: bool

    @property
    def name(self) -> str:
        """How tables and figures call it."""
        return f"{self.base.name}, {self.other_text}" if self.other_text else self.base.name


@dataclass(frozen=True)
class SweepPlan:
    """What is measured, before anything is."""

    bases: tuple[Network, ...]
    axis: Axis
    grid: Axis | None
    curves: tuple[PlannedCurve, ...]

    @property
    def networks(self) -> list[Network]:
        """Those of all points, curve after curve."""
        return [network for curve in self.curves for network in curve.networks]


def plan_sweep(bases: Sequence[Network], axis: Axis, grid: Axis | None = None) -> SweepPlan:
    """Make all networks of a sweep.

    The first network must have the parameters. Another one that has not the swept parameter (such as the coefficient of
    variation of a homogeneous one) is a reference: a single point, the same for all values.

    Raises
    ------
    HeteroError
        If two networks have one name, or both parameters are the same.
    NetworkError, UnitError
        If the first network has no such parameter, or a value is outside its rule.
    """
    names = [network.name for network in bases]
    for name in names:
        if names.count(name) > 1:
            raise HeteroError(f"two networks are called {name!r}", fix="give one of them another name in its file")
    first = bases[0]
    if grid is not None and set(full_names(first.tree(), grid.name)) & set(full_names(first.tree(), axis.name)):
        raise HeteroError(f"{axis.name} and {grid.name} are the same parameter", fix="vary another one")
    curves = []
    for base in bases:
        others: list[tuple[float | None, str, Network]] = [(None, "", base)]
        if grid is not None and (base is first or _has(base, grid.name)):
            others = [
                (x, f"{grid.name} = {text}", base.replace(**{grid.name: value}))
                for x, text, value in zip(grid.values.numbers, grid.values.texts, grid.values.overrides, strict=True)
            ]
        for x, text, changed in others:
            swept = base is first or _has(changed, axis.name)
            values = axis.values.overrides if swept else ()
            networks = tuple(changed.replace(**{axis.name: value}) for value in values) or (changed,)
            curves.append(PlannedCurve(base, x, text, networks, not swept))
    return SweepPlan(tuple(bases), axis, grid, tuple(curves))


def _has(network: Network, name: str) -> bool:
    try:
        full_names(network.tree(), name)
    except NetworkError:
        return False
    return True
