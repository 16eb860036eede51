"""From the content of a space file to its entries: every rule, and the message when it is broken."""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, NetworkError, SpaceError, suggest
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.distributions import FAMILIES, Constant, Distribution, Mixture, Uniform, make
from hetero_rsnn.network.overrides import by_name, full_names
from hetero_rsnn.network.parameter import Parameter, parse_parameter

#: Families that a mean and a cv describe.
SPREAD = ("gamma", "lognormal", "truncated_normal")
#: The smallest spread that a family takes; less is the homogeneous limit.
SMALLEST_CV = 1e-6
#: Parts of a network that say how it is measured, or how large it is: candidates must not differ in them.
_KEPT = ("protocol", "n", "dt", "input.channels")
#: What a function of a search is called with besides, and columns of its table: no names of settings.
_TAKEN = (
    *("network", "seed", "trial", "batch", "status", "feasible", "violation", "seconds", "error"),
    *(f"{q}{end}" for q in ("C", "S", "E", "rate_hz", "silent_share") for end in ("", "_stderr", "_remeasured")),
)


@dataclass(frozen=True)
class Dimension:
    """One number that a search varies. `low` and `high` are in milliseconds for times and SI otherwise."""

    name: str
    low: float
    high: float
    log: bool
    unit: str = units.DIMENSIONLESS

    def to_unit(self, value: float) -> float:
        """Coordinate of `value` in [0, 1], logarithmic where `log` says so."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def from_unit(self, z: float) -> float:
        """Value at the coordinate `z`; rounding never leaves the range."""
        value = self.low * (self.high / self.low) ** z if self.log else self.low + (self.high - self.low) * z
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Entry:
    """One searched parameter: a distribution whose mean and cv vary, or a scalar.

    Attributes
    ----------
    name : str
        As the file calls it.
    kind : str
        ``"distribution"``; for scalars ``"value"`` (set in place of the base's), ``"factor"`` (scales the base's) or
        ``"setting"`` (no part of the network: the function of `search_function` is called with it).
    targets : tuple of str
        Full dotted names in the network; all get the same. A setting has none.
    log : bool
        Whether the parameter is compared by its logarithm.
    family : str
        Of the distribution; ``"constant"`` for scalars.
    mean, cv : Dimension or float
        Searched, or fixed at a number. A scalar's number is its `mean`.
    options : tuple of (str, float)
        Further parameters of the family (the floor of a truncated normal distribution).
    """

    name: str
    kind: str
    targets: tuple[str, ...]
    log: bool
    unit: str
    family: str
    mean: Dimension | float
    cv: Dimension | float
    options: tuple[tuple[str, float], ...] = ()

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What of mean and cv is searched, in this order; empty for an entry that is fixed at other than the base's."""
        return tuple(x for x in (self.mean, self.cv) if isinstance(x, Dimension))

    def moments(self, values: Iterator[float]) -> tuple[float, float]:
        """Mean and cv, where the next of `values` are those of the dimensions."""
        mean = next(values) if isinstance(self.mean, Dimension) else self.mean
        return mean, next(values) if isinstance(self.cv, Dimension) else self.cv

    def distribution(self, mean: float, cv: float) -> Distribution:
        """The distribution of that mean and cv; a scalar is a constant."""
        if self.family not in SPREAD or mean == 0:
            return Constant(mean)
        return make(self.family, mean=mean, cv=cv if cv >= SMALLEST_CV else 0.0, **dict(self.options))


def scaled(d: Distribution, factor: float) -> Distribution:
    """The distribution of `factor` times the value; means and bounds scale, the cv stays."""
    if factor == 0:
        return Constant(0.0)
    if isinstance(d, Constant):
        return Constant(d.value * factor)
    if isinstance(d, Uniform):
        return Uniform(d.low * factor, d.high * factor)
    if isinstance(d, Mixture):
        return replace(d, components=tuple(scaled(c, factor) for c in d.components))
    return replace(d, mean=d.mean * factor)  # type: ignore[type-var]


def read_entries(base: Network, parameters: Any, scalars: Any) -> tuple[Entry, ...]:
    """Read the tables ``[parameters]`` and ``[scalars]``.

    Raises
    ------
    SpaceError
        Naming the entry, the value, the rule and the fix.
    """
    data = base.to_dict()
    entries = []
    for kind, tables, read in (("parameters", parameters, _parameter), ("scalars", scalars, _scalar)):
        if not isinstance(tables, Mapping):
            raise SpaceError(f"{kind} must be a table, got {tables!r}: write [{kind}.NAME]")
        for name, table in tables.items():
            where = f'[{kind}."{name}"]' if "." in name or " " in name else f"[{kind}.{name}]"
            if not isinstance(table, Mapping):
                raise SpaceError(f"{where} must be a table, got {table!r}")
            try:
                entries.append(read(name, table, data, where))
            except SpaceError:
                raise
            except HeteroError as error:
                said = str(error)
                raise SpaceError(said if said.startswith(where) else f"{where}: {said}") from None
    _apart(entries)
    return tuple(entries)


def _apart(entries: list[Entry]) -> None:
    """Refuse entries of one name, or that set the same thing."""
    names: set[str] = set()
    taken: dict[str, str] = {}
    for entry in entries:
        if entry.name in names:
            raise SpaceError(f"{entry.name!r} is both a parameter and a scalar: rename the scalar")
        names.add(entry.name)
        for target in entry.targets:
            for other, name in taken.items():
                if f"{target}.".startswith(f"{other}.") or f"{other}.".startswith(f"{target}."):
                    raise SpaceError(f"{entry.name!r} and {name!r} both set {target}: keep one of them")
            taken[target] = entry.name
    if not any(e.dimensions for e in entries):
        raise SpaceError("the space has no dimension: give a range, e.g. mean = ['10 ms', '60 ms']")


def _find(name: Any, data: dict[str, Any], where: str) -> list[str]:
    """Full names of a parameter or number of the base."""
    known = by_name(data)
    try:
        found = [t for t in full_names(data, name) if t in known] if isinstance(name, str) else []
    except NetworkError:
        found = []
    if not found:
        short = [p.split(".", 1)[-1] for p, v in known.items() if p.count(".") and _is_parameter(p, v)]
        shared = [p.split(".", 1)[1] for p in short if p.count(".") == 1]  # tau_m, for every population
        raise SpaceError(f"{where}: the base has no {name!r}{suggest(str(name), sorted({*short, *shared}))}"[:400])
    for full in found:
        if any(f"{full}.".startswith(f"{kept}.") for kept in _KEPT):
            raise SpaceError(f"{where}: {full} must be the same for all candidates: set it in [overrides]")
        if isinstance(known[full], bool | int):
            raise SpaceError(f"{where}: {full} = {known[full]} is no continuous number: set it in [overrides]")
    return found


def _is_parameter(name: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return "distribution" in value
    head = name.split(".")[0]
    return name.count(".") < 3 and head in ("populations", "plasticity", "input") and not isinstance(value, str | list)


def parameters_at(targets: Iterable[str], data: dict[str, Any]) -> list[Parameter]:
    """The parameters at full names in a network's content."""
    known = by_name(data)
    return [parse_parameter(known[t], t) for t in targets]


def _keys(table: Mapping[str, Any], known: tuple[str, ...], where: str, name: str) -> None:
    for key in table:
        if key not in known:
            hint = f'; quote a name that has a dot: "{name}.{key}"' if isinstance(table[key], Mapping) else ""
            raise SpaceError(f"{where}: unknown key {key!r}{suggest(key, known)}{hint}")


def _log(table: Mapping[str, Any], default: bool, where: str) -> bool:
    scale = table.get("scale", "log" if default else "linear")
    if scale not in ("log", "linear"):
        raise SpaceError(f"{where}.scale must be 'log' or 'linear', got {scale!r}")
    return bool(scale == "log")


def _range(raw: Any, where: str, name: str, log: bool, unit: str) -> Dimension | float:
    """``[low, high]`` as a dimension, a single number as itself; `unit` is the base's."""
    ends = list(raw) if isinstance(raw, list | tuple) else [raw]
    if len(ends) != 2 and isinstance(raw, list | tuple):
        raise SpaceError(f"{where} must be [low, high], or one number to fix it, got {raw!r}")
    numbers = []
    for end in ends:
        number, found = units.parse(end, where)
        if not math.isfinite(number):
            raise SpaceError(f"{where} must be finite, got {raw!r}")
        if found != unit:
            wanted = "a plain number" if unit == units.DIMENSIONLESS else f"in the unit of the base, {unit}"
            raise SpaceError(f"{where} must be {wanted}, got {end!r}")
        numbers.append(number)
    if log and numbers[0] <= 0:
        raise SpaceError(f"{where} must be > 0 on a logarithmic scale, got {raw!r}: raise it or set scale = 'linear'")
    if len(numbers) == 1:
        return numbers[0]
    if not numbers[0] < numbers[1]:
        fix = "write one number to fix it" if numbers[0] == numbers[1] else "exchange them"
        raise SpaceError(f"{where} must be [low, high] with low < high, got {raw!r}: {fix}")
    if numbers[1] - numbers[0] <= 1e-6 * max(map(abs, numbers)):
        raise SpaceError(f"{where} must span over a millionth of its size, got {raw!r}: write one number to fix it")
    return Dimension(name, numbers[0], numbers[1], log, unit)


def _ends(x: Dimension | float) -> tuple[float, ...]:
    return (x.low, x.high) if isinstance(x, Dimension) else (x,)


def _parameter(name: str, table: Mapping[str, Any], data: dict[str, Any], where: str) -> Entry:
    _keys(table, ("distribution", "mean", "cv", "scale", "floor"), where, name)
    targets = _find(name, data, where)
    for target in targets:
        parent = target.rpartition(".")[0]
        if "distribution" in (by_name(data).get(parent) or {}):
            raise SpaceError(f"{where}: {target} is part of a distribution: name the parameter, and give mean and cv")
    base = parameters_at(targets, data)
    own: Any = base[0].distribution
    family = table.get("distribution", own.family)
    if family not in FAMILIES:
        raise SpaceError(f"{where}: unknown distribution {family!r}{suggest(str(family), FAMILIES)}")
    if family not in (*SPREAD, "constant"):
        raise SpaceError(
            f"{where}: a {family} distribution is not given by mean and cv: name one of {', '.join(SPREAD)} "
            "as its distribution, or scale it in [scalars] with as = 'factor'"
        )
    if ("mean" not in table or "cv" not in table or "distribution" not in table) and len(set(base)) > 1:
        raise SpaceError(
            f"{where} stands for {' and '.join(targets)}, which differ in the base: "
            "give distribution, mean and cv, or name one of them"
        )
    if len({p.unit for p in base}) > 1:
        raise SpaceError(f"{where} stands for {' and '.join(targets)}, which have different units: name one of them")
    unit = base[0].unit
    log = _log(table, True, where)
    mean = own.mean
    if "mean" in table:
        mean = _range(table["mean"], f"{where}.mean", f"{name}.mean", log, unit)
    elif log and mean <= 0:
        raise SpaceError(f"{where}.mean must be > 0 on a logarithmic scale, got {base[0]}: set scale = 'linear'")
    spread = table.get("cv", own.cv if family in SPREAD else 0.0)
    cv = _range(spread, f"{where}.cv", f"{name}.cv", False, units.DIMENSIONLESS)
    if min(_ends(cv)) < 0:
        raise SpaceError(f"{where}.cv must be >= 0, got {spread!r}")
    if isinstance(cv, Dimension) and cv.high < SMALLEST_CV:
        raise SpaceError(f"{where}.cv must reach {SMALLEST_CV:g}, got {spread!r}: write cv = 0 to fix it")
    if family == "constant" and cv != 0.0:
        raise SpaceError(
            f"{where}.cv: a constant has no spread, and the base gives {targets[0]} as {base[0]}: "
            "add distribution = 'gamma' or another family"
        )
    options: dict[str, float] = {}
    if family == "truncated_normal":
        floor = table.get("floor", getattr(own, "floor", 0.01))
        number = units.finite(floor)
        if number is None:
            raise SpaceError(f"{where}.floor must be a number in [0, 1), got {floor!r}")
        options["floor"] = number
    elif "floor" in table:
        raise SpaceError(f"{where}.floor belongs to a truncated_normal distribution, not to a {family}: remove it")
    if family in SPREAD and min(_ends(mean)) < 0:
        raise SpaceError(f"{where}.mean must be >= 0 for a {family} distribution, got {table.get('mean', own.mean)!r}")
    if family in SPREAD and mean == 0:
        raise SpaceError(f"{where}.mean must be > 0 where it is fixed, got 0: a spread around 0 changes nothing")
    entry = Entry(name, "distribution", tuple(targets), log, unit, family, mean, cv, tuple(options.items()))
    for m in _ends(mean):
        for c in _ends(cv):
            entry.distribution(m, c)  # the family's own limits, such as the uniform limit of a truncated normal
    return entry


def _scalar(name: str, table: Mapping[str, Any], data: dict[str, Any], where: str) -> Entry:
    _keys(table, ("targets", "as", "range", "scale"), where, name)
    kind = table.get("as", "value")
    if kind not in ("value", "factor", "setting"):
        raise SpaceError(f"{where}.as must be 'value', 'factor' or 'setting', got {kind!r}")
    for key in ("range",) if kind == "setting" else ("targets", "range"):
        if key not in table:
            raise SpaceError(f"{where} lacks the key {key!r}")
    if kind == "setting":
        return _setting(name, table, where)
    wanted = table["targets"]
    if not isinstance(wanted, list | tuple) or not wanted:
        raise SpaceError(f"{where}.targets must be a list of names, got {wanted!r}: write e.g. ['input.weight']")
    targets = [full for target in wanted for full in _find(target, data, where)]
    if len(set(targets)) < len(targets):
        raise SpaceError(f"{where}.targets names {max(targets, key=targets.count)} twice: keep one")
    base = parameters_at(targets, data)
    known = by_name(data)
    unit = units.DIMENSIONLESS
    if kind == "value":
        for target in targets:
            if isinstance(known[target], Mapping):
                raise SpaceError(
                    f"{where}: {target} is a distribution: search its mean and cv in [parameters], "
                    "or scale it with as = 'factor'"
                )
        if len({p.unit for p in base}) > 1:
            raise SpaceError(f"{where}.targets have different units: give each a scalar of its own")
        unit = base[0].unit
    log = _log(table, kind == "factor", where)
    value = _range(table["range"], f"{where}.range", name, log, unit)
    if kind == "factor" and min(_ends(value)) < 0:
        raise SpaceError(f"{where}.range of a factor must be >= 0, got {table['range']!r}")
    return Entry(name, kind, tuple(targets), log, unit, "constant", value, 0.0)


def _setting(name: str, table: Mapping[str, Any], where: str) -> Entry:
    """A number that is handed to the function of a search, under its name."""
    if "targets" in table:
        raise SpaceError(f"{where}: a setting is no part of the network: remove targets, or set as = 'value'")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise SpaceError(f"{where}: a function takes no argument {name!r}: name the setting with letters, digits and _")
    if name in _TAKEN:
        raise SpaceError(f"{where}: a search has a {name!r} of its own: give the setting another name")
    raw = table["range"]
    found = {units.parse(end, f"{where}.range")[1] for end in (raw if isinstance(raw, list | tuple) else [raw])}
    if len(found) > 1:
        raise SpaceError(f"{where}.range must have one unit, got {raw!r}")
    log, unit = _log(table, False, where), next(iter(found), units.DIMENSIONLESS)
    return Entry(name, "setting", (), log, unit, "constant", _range(raw, f"{where}.range", name, log, unit), 0.0)


def overrides(entry: Entry, mean: float, cv: float, base: Sequence[Parameter]) -> dict[str, Parameter | float]:
    """What `Network.replace` takes to put an entry into a network that has the parameters `base` at its targets."""
    if entry.kind == "factor":
        found = [Parameter(scaled(p.distribution, mean), p.unit) for p in base]
    else:
        found = [Parameter(entry.distribution(mean, cv), entry.unit)] * len(entry.targets)
    return {target: _number_if_plain(p) for target, p in zip(entry.targets, found, strict=True)}


def _number_if_plain(p: Parameter) -> Parameter | float:
    """A constant without unit as its number, since not all that can be searched is a parameter (p of a graph)."""
    return p.mean if isinstance(p.distribution, Constant) and p.unit == units.DIMENSIONLESS else p
