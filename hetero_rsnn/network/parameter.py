"""A parameter as network files state it: a distribution together with its unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, NetworkError, UnitError, suggest
from hetero_rsnn.network.distributions import FAMILIES, FAMILIES_BY_NAME, Constant, Distribution, Mixture, Uniform, make

#: Keys of a distribution table that carry the parameter's unit; the others (cv, floor, weights) are plain numbers.
_WITH_UNIT = {"value", "mean", "low", "high"}


@dataclass(frozen=True)
class Parameter:
    """A distribution and its unit. Numbers inside are in milliseconds for times and SI otherwise."""

    distribution: Distribution
    unit: str = units.DIMENSIONLESS

    @property
    def mean(self) -> float:
        """Mean of the distribution, in `unit` (milliseconds for times)."""
        return self.distribution.mean

    @property
    def cv(self) -> float:
        """Coefficient of variation; 0 for a homogeneous parameter."""
        return self.distribution.cv

    def __str__(self) -> str:
        return _show(self.distribution, self.unit)


def _show(d: Distribution, unit: str) -> str:
    if isinstance(d, Constant):
        return units.show(d.value, unit)
    if isinstance(d, Mixture):
        return " + ".join(f"{s:.3g} {_show(c, unit)}" for s, c in zip(d.shares, d.components, strict=True))
    if isinstance(d, Uniform):
        return f"uniform({units.show(d.low, unit)} .. {units.show(d.high, unit)})"
    return f"{d.family}(mean {units.show(d.mean, unit)}, cv {d.cv:g})"  # type: ignore[attr-defined]


def parse_parameter(value: Any, where: str) -> Parameter:
    """Read ``"20 ms"``, ``0.5`` or ``{distribution = "gamma", mean = "20 ms", cv = 0.5}``.

    Raises
    ------
    NetworkError
        For unknown families and keys, wrong numbers, or mixed units; the message begins with `where`.
    """
    if isinstance(value, Parameter):
        return value
    try:
        distribution, unit = _parse(value, where)
    except NetworkError:
        raise
    except HeteroError as error:
        raise (error if where in str(error) else error.at(before=f"{where}: ")) from None
    return Parameter(distribution, unit)


def _parse(value: Any, where: str) -> tuple[Distribution, str]:
    if not isinstance(value, Mapping):
        number, unit = units.parse(value, where)
        if not math.isfinite(number):
            raise NetworkError(f"{where} must be a finite number, got {value}")
        return Constant(number), unit
    table = dict(value)
    family = table.pop("distribution", None)
    if family is None:
        raise NetworkError(f"{where} lacks the key 'distribution' (one of {', '.join(FAMILIES)})")
    if family not in FAMILIES:
        raise NetworkError(f"{where}: unknown distribution {family!r}{suggest(str(family), FAMILIES)}")
    if family == "mixture":
        return _parse_mixture(table, where)
    cls = FAMILIES_BY_NAME[family]
    known = [f.name for f in fields(cls)]
    for key in table:
        if key not in known:
            raise NetworkError(f"{where}: unknown key {key!r} of a {family} distribution{suggest(key, known)}")
    missing = [k for k in known if k not in table and k != "floor"]
    if missing:
        raise NetworkError(
            f"{where}: a {family} distribution needs {', '.join(known)}; {', '.join(missing)} is missing"
        )
    found: set[str] = set()
    numbers: dict[str, float] = {}
    for key, raw in table.items():
        if key not in _WITH_UNIT and isinstance(raw, str) and not units.readable(raw):
            raise UnitError(f"{where}.{key} must be a number such as 0.5, got {raw!r}", fix="write one without a unit")
        numbers[key], unit = units.parse(raw, f"{where}.{key}")
        if key in _WITH_UNIT:
            found.add(unit)
        elif unit != units.DIMENSIONLESS:
            raise UnitError(f"{where}.{key} must be a plain number, got {raw!r}: drop the unit")
    if len(found) > 1:
        raise UnitError(f"{where} mixes the units {' and '.join(sorted(found))}: use one")
    return make(family, **numbers), found.pop()


def _parse_mixture(table: dict[str, Any], where: str) -> tuple[Distribution, str]:
    for key in table:
        if key not in {"weights", "components"}:
            raise NetworkError(f"{where}: unknown key {key!r} of a mixture{suggest(key, ['weights', 'components'])}")
    components = table.get("components")
    if not isinstance(components, list) or not components:
        raise NetworkError(f"{where}: a mixture needs components = [{{distribution = ...}}, ...]")
    weights = table.get("weights", [1.0] * len(components))
    if not isinstance(weights, list):
        raise NetworkError(f"{where}.weights must be a list of numbers, got {weights!r}")
    parsed = [_parse(c, f"{where}.components[{i}]") for i, c in enumerate(components)]
    found = {unit for _, unit in parsed}
    if len(found) > 1:
        raise UnitError(f"{where} mixes the units {' and '.join(sorted(found))}: use one")
    numbers = tuple(units.parse(w, f"{where}.weights")[0] for w in weights)
    return Mixture(numbers, tuple(d for d, _ in parsed)), found.pop()


def to_toml(parameter: Parameter) -> Any:
    """Turn a parameter back into what `parse_parameter` reads: text, or a table."""
    return _to_toml(parameter.distribution, parameter.unit)


def _to_toml(d: Distribution, unit: str) -> Any:
    def quantity(number: float) -> Any:
        return float(number) if unit == units.DIMENSIONLESS else units.show(number, unit)

    if isinstance(d, Constant):
        return quantity(d.value)
    if isinstance(d, Mixture):
        return {
            "distribution": d.family,
            "weights": [float(w) for w in d.weights],
            "components": [
                {"distribution": "constant", "value": quantity(c.value)}
                if isinstance(c, Constant)
                else _to_toml(c, unit)
                for c in d.components
            ],
        }
    table: dict[str, Any] = {"distribution": d.family}  # type: ignore[attr-defined]
    for field in fields(d):  # type: ignore[arg-type]
        number = getattr(d, field.name)
        table[field.name] = quantity(number) if field.name in _WITH_UNIT else float(number)
    return table
