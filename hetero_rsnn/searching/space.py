"""A search space as data: which numbers of a network may vary, how far, and what network a point of it stands for."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError, SpaceError, suggest
from hetero_rsnn.common.files import plain, read_toml
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.distributions import Distribution
from hetero_rsnn.network.loading import load_network, locate
from hetero_rsnn.network.overrides import by_name
from hetero_rsnn.network.parameter import Parameter, parse_parameter
from hetero_rsnn.network.shipped import networks_folder
from hetero_rsnn.searching.space_parsing import Dimension, Entry, overrides, parameters_at, read_entries

#: A point may miss its range by this share of it: what rounding leaves.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SearchDefaults:
    """What a search of the space takes unless told otherwise.

    Attributes
    ----------
    budget : int
        Candidates in all.
    initial : int
        Of these, the ones that are spread over the space before the model is asked.
    batch : int
        Candidates asked for at a time.
    seeds : int
        Seeds that each candidate is measured with, the same ones for all.
    """

    budget: int = 60
    initial: int = 16
    batch: int = 2
    seeds: int = 4


@dataclass(frozen=True)
class Space:
    """Networks that differ from `base` in the distributions and scalars of `entries`. Built by `load_space`.

    A point is a sequence of numbers in the order of `dimensions`, in milliseconds for times and SI otherwise. Some may
    be settings: numbers that are no part of the network, and that `search_function` hands on beside it.
    Two spaces are equal if their base and entries are; `name`, `description` and `search` do not count.
    """

    name: str = field(compare=False)
    description: str = field(compare=False)
    base: Network
    entries: tuple[Entry, ...]
    search: SearchDefaults = field(compare=False)
    #: The tables of the file, as JSON text: a changed base is read with them again.
    source: str = field(compare=False, repr=False)

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The searched numbers, entry by entry, the mean of a distribution before its cv."""
        return tuple(d for entry in self.entries for d in entry.dimensions)

    @cached_property
    def default(self) -> tuple[float, ...]:
        """The point nearest to the base; where an entry stands for several parameters, the first one counts.

        Of settings, which the base does not have, it is the middle of their range (on their own scale).
        """
        raw = (x for entry in self.entries for x in self._read(entry, self._data))
        return tuple(min(max(x, d.low), d.high) for x, d in zip(raw, self.dimensions, strict=True))

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of base and entries."""
        content = [self.base.fingerprint, [asdict(e) for e in self.entries]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def _at_base(self) -> dict[str, list[Parameter]]:
        """What the base has at the targets of each entry."""
        return {entry.name: parameters_at(entry.targets, self._data) for entry in self.entries}

    @cached_property
    def _data(self) -> dict[str, Any]:
        return self.base.to_dict()

    def check(self, point: Sequence[float]) -> tuple[float, ...]:
        """The point as plain floats, inside the ranges to the last bit.

        Raises
        ------
        SpaceError
            If its length is wrong or a number is outside its range.
        """
        values = checks.plain_array("point", point, error=SpaceError)
        if values.shape != (len(self.dimensions),) or values.dtype.kind not in "fiu":
            got = f"shape {values.shape}" if values.dtype.kind in "fiu" else f"{point!r}"
            raise SpaceError(f"a point of {self.name!r} must hold {len(self.dimensions)} numbers, got {got}")
        out = []
        for d, x in zip(self.dimensions, values.tolist(), strict=True):
            slack = _ROUNDING * (d.high - d.low)
            if not d.low - slack <= x <= d.high + slack:
                raise SpaceError(f"{d.name} must be in [{_show(d.low, d)}, {_show(d.high, d)}], got {_show(x, d)}")
            out.append(float(min(max(x, d.low), d.high)))
        return tuple(out)

    def network(self, point: Sequence[float]) -> Network:
        """The network that a point stands for; it keeps the base's name, and settings are no part of it.

        Raises
        ------
        SpaceError
            If the length is wrong or a number is outside its range.
        """
        values = iter(self.check(point))
        changed: dict[str, Any] = {}
        for entry in self.entries:
            changed |= overrides(entry, *entry.moments(values), self._at_base[entry.name])
        return self.base.replace(**changed)

    def settings(self, point: Sequence[float]) -> dict[str, float]:
        """What of a point is no part of the network, by name, in milliseconds for times and SI otherwise.

        Raises
        ------
        SpaceError
            If the length is wrong or a number is outside its range.

        Examples
        --------
        >>> scalars = {"learning_rate": {"as": "setting", "range": [0.001, 0.1]}}
        >>> space = Space.from_dict({"base": load_network("henhes").to_dict(), "scalars": scalars})
        >>> space.settings([0.02])
        {'learning_rate': 0.02}
        """
        values = iter(self.check(point))
        means = [entry.moments(values)[0] for entry in self.entries]
        return {entry.name: x for entry, x in zip(self.entries, means, strict=True) if entry.kind == "setting"}

    @cached_property
    def has_settings(self) -> bool:
        """Whether there is anything beside the network that a function must be called with."""
        return any(entry.kind == "setting" for entry in self.entries)

    def distributions(self, point: Sequence[float]) -> dict[str, Distribution]:
        """The distribution of each entry at a point, by the entry's name; a scalar is a constant."""
        values = iter(self.check(point))
        return {entry.name: entry.distribution(*entry.moments(values)) for entry in self.entries}

    def unit(self, point: Sequence[float]) -> Array:
        """The point in the unit cube, shape (dimensions,); logarithmic where the dimension is."""
        return np.array([d.to_unit(x) for d, x in zip(self.dimensions, self.check(point), strict=True)])

    def from_unit(self, z: ArrayLike) -> tuple[float, ...]:
        """The point at the coordinates `z` in [0, 1], shape (dimensions,).

        Raises
        ------
        SpaceError
            If the length is wrong or a coordinate is outside [0, 1].
        """
        values = checks.finite_array("coordinates", z, error=SpaceError)
        if values.shape != (len(self.dimensions),):
            raise SpaceError(f"{self.name!r} has {len(self.dimensions)} dimensions, got coordinates {values.shape}")
        if not ((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all():
            raise SpaceError(
                f"coordinates of {self.name!r} must be in [0, 1], got {values.min():g} .. {values.max():g}"
            )
        return tuple(d.from_unit(x) for d, x in zip(self.dimensions, values.tolist(), strict=True))

    def point(self, network: Network) -> tuple[float, ...]:
        """The point that stands for a network: the inverse of `network`, with settings at the middle of their range.

        Raises
        ------
        SpaceError
            If the network is not in the space: outside a range, of another family, or unlike the base elsewhere.
        """
        data = network.to_dict()
        mine, theirs = by_name(self._data), by_name(data)
        targets = [t for entry in self.entries for t in entry.targets]
        ours = [f"{t}." for t in targets]
        for key in sorted({*mine, *theirs} - {"name", "description"}):
            if isinstance(mine.get(key, theirs.get(key)), Mapping) or any(f"{key}.".startswith(t) for t in ours):
                continue
            if mine.get(key) != theirs.get(key):
                raise SpaceError(
                    f"{network.name!r} is not in the space {self.name!r}: its {key} is {theirs.get(key)!r}, "
                    f"that of the base {mine.get(key)!r}"
                )
        point = self.check([x for entry in self.entries for x in self._read(entry, data)])
        built = by_name(self.network(point).to_dict())
        for target in targets:
            if target not in theirs or not _alike(built[target], theirs[target]):
                raise SpaceError(
                    f"{network.name!r} is not in the space {self.name!r}, where {target} "
                    f"would be {built[target]!r}, not {theirs.get(target)!r}"
                )
        return point

    def _read(self, entry: Entry, data: dict[str, Any]) -> list[float]:
        """The numbers of an entry's dimensions in a network's content."""
        if entry.kind == "setting":
            return [d.from_unit(0.5) for d in entry.dimensions]
        known = by_name(data)
        if entry.targets[0] not in known:
            raise SpaceError(f"the network has no {entry.targets[0]}, which the space {self.name!r} searches")
        d = parse_parameter(known[entry.targets[0]], entry.targets[0]).distribution
        mean, cv = d.mean, d.cv
        if entry.kind == "factor":
            base = parse_parameter(by_name(self._data)[entry.targets[0]], entry.targets[0]).distribution
            # The spread stands in for the mean of a distribution around 0.
            now, before = (float(x.quantile(0.75)) if base.mean == 0 else x.mean for x in (d, base))
            mean = now / before if before else 1.0
        pairs = ((entry.mean, mean), (entry.cv, cv))
        return [float(x) for dimension, x in pairs if isinstance(dimension, Dimension)]

    def to_dict(self) -> dict[str, Any]:
        """Everything that `from_dict` needs to build the space again, as plain data for JSON; the base is inside."""
        return {
            "name": self.name,
            "description": self.description,
            "base": self.base.to_dict(),
            **json.loads(self.source),
            "search": asdict(self.search),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Space:
        """Build a space from `to_dict`.

        Raises
        ------
        SpaceError, NetworkError, UnitError
            If something is missing or not valid.
        """
        _known(data, ("name", "description", "base", "parameters", "scalars", "search"), "the space")
        if not isinstance(data.get("base"), Mapping):
            raise SpaceError("the space holds no base network: give what Space.to_dict returned")
        base = Network.from_dict(data["base"], "base")
        name, description = (str(data.get(key, "")) for key in ("name", "description"))
        source = {key: data.get(key, {}) for key in ("parameters", "scalars")}
        search = _search(data.get("search", {}))
        space = cls(name, description, base, read_entries(base, *source.values()), search, json.dumps(plain(source)))
        for z in (0.0, 1.0):  # what the network itself refuses shows here, not in the middle of a search
            try:
                space.network([d.from_unit(z) for d in space.dimensions])
            except HeteroError as error:
                raise SpaceError(
                    f"the {'high' if z else 'low'}est corner of the space is no network: {error}"
                ) from None
        return space

    def __repr__(self) -> str:
        size = len(self.dimensions)
        return f"Space({self.name!r}, base={self.base.name!r}, dimensions={size}, fingerprint={self.fingerprint!r})"

    def __str__(self) -> str:
        count = f"{len(self.dimensions)} dimension{'s' if len(self.dimensions) > 1 else ''}"
        rows = [("dimension", "low", "high", "scale", "base")]
        for d, x in zip(self.dimensions, self.default, strict=True):
            rows.append((d.name, _show(d.low, d), _show(d.high, d), "log" if d.log else "linear", _show(x, d)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        s = self.search
        return "\n".join(
            [
                f"{self.name}: {self.description}" if self.description else self.name,
                f"{count} around the network {self.base.name} ({self.base.n} neurons), fingerprint {self.fingerprint}",
                "",
                *table,
                "",
                *map(_note, self.entries),
                f"search: {s.budget} candidates, the first {s.initial} spread over the space, {s.batch} at a time, "
                f"{s.seeds} seeds each",
            ]
        )


def _note(entry: Entry) -> str:
    """A line on what the numbers of the table do not say."""
    if entry.kind == "setting":
        fixed = (
            "base: the middle of its range" if isinstance(entry.mean, Dimension) else units.show(entry.mean, entry.unit)
        )
        return f"{entry.name}: a setting of the function ({fixed})"
    if entry.kind != "distribution":
        return f"{entry.name}: {'scales' if entry.kind == 'factor' else 'sets'} {', '.join(entry.targets)}"
    words = [entry.family]
    if not isinstance(entry.mean, Dimension):
        words.append(f"mean {units.show(entry.mean, entry.unit)}")
    if not isinstance(entry.cv, Dimension) and entry.family != "constant":
        words.append(f"cv {entry.cv:g}")
    return f"{entry.name}: {', '.join(words)}"


def _show(x: float, d: Dimension) -> str:
    return units.show(float(f"{x:.6g}"), d.unit) if math.isfinite(x) else f"{x:g}"


def _alike(a: Any, b: Any) -> bool:
    """Whether two parameters as files state them are one distribution, but for rounding."""
    q = np.linspace(0.05, 0.95, 7)
    left, right = (parse_parameter(x, "parameter").distribution.quantile(q) for x in (a, b))
    return bool(np.allclose(left, right, rtol=1e-7, atol=0.0))


def _known(data: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in known:
            raise SpaceError(f"unknown key {key!r} in {where}{suggest(str(key), known)}")


def _search(table: Any) -> SearchDefaults:
    if not isinstance(table, Mapping):
        raise SpaceError(f"search must be a table, got {table!r}: write [search]")
    _known(table, tuple(f.name for f in fields(SearchDefaults)), "[search]")
    for key, value in table.items():
        checks.whole(f"search.{key}", value, least=1, error=SpaceError)
    search = SearchDefaults(**table)
    if search.initial > search.budget:
        raise SpaceError(f"search.initial must be <= budget = {search.budget}, got {search.initial}")
    return search


def spaces_folder() -> Path:
    """Folder of the shipped space files, inside that of the shipped networks."""
    return networks_folder() / "spaces"


def list_spaces() -> dict[str, str]:
    """Names of the shipped spaces with their one-line descriptions."""
    return {p.stem: str(_read_file(p).get("description", "")) for p in sorted(spaces_folder().glob("*.toml"))}


def _read_file(path: Path) -> dict[str, Any]:
    return read_toml(path, "space", SpaceError)


def _find_file(name: str | Path) -> Path:
    text = str(name)
    if text.endswith(".toml") or "/" in text or "\\" in text or isinstance(name, Path):
        path = Path(os.path.expanduser(text))
        if not os.path.isfile(path):
            raise SpaceError(f"no space file {str(path)!r}: give an existing .toml file or one of the shipped names")
        return path
    path = spaces_folder() / f"{text}.toml"
    if not os.path.isfile(path):
        raise SpaceError(f"unknown space {text!r}{suggest(text, list_spaces())}; a file of your own must end in .toml")
    return path


def load_space(name_or_path: str | Path | Space, **changes: Any) -> Space:
    """Load a search space by shipped name or from a TOML file.

    Parameters
    ----------
    name_or_path : str, pathlib.Path or Space
        ``"paper"``, ``"my/space.toml"``; a `Space` is passed on (with the changes applied to its base).
    **changes
        Overrides of the base network, after those of the file; names as in `load_network`:
        ``load_space("paper", n=200, **{"protocol.samples": 3000})``. What the space does not name follows them.

    Returns
    -------
    Space

    Raises
    ------
    SpaceError
        For unknown names and keys (with a suggestion), and ranges that are reversed or no distribution of the family.
    NetworkError, UnitError
        If the base network or a change is not valid.
    """
    if isinstance(name_or_path, Space):
        if not changes:
            return name_or_path
        base = name_or_path.base.replace(**changes)
        return Space.from_dict({**name_or_path.to_dict(), "base": base.to_dict()})
    path = _find_file(name_or_path)
    try:
        data = _read_file(path)
        _known(data, ("base", "description", "overrides", "parameters", "scalars", "search"), "the space file")
        if not isinstance(data.get("base"), str):
            raise SpaceError("the space file lacks the key 'base': name a network, e.g. base = 'henhes'")
        own = data.pop("overrides", {})
        if not isinstance(own, Mapping):
            raise SpaceError(f"overrides must be a table, got {own!r}: write [overrides]")
        base = load_network(load_network(locate(data["base"], path.parent), **own), **changes)
        base.refuse_arrays("cannot be the base of a search")
        return Space.from_dict({**data, "name": path.stem, "base": base.to_dict()})
    except HeteroError as error:
        raise (error if path.name in str(error) else error.at(after=f" [{path.name}]")) from None
