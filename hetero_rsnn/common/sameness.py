"""Whether two results are one: plain data compared number by number, without what differs from run to run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Keys of what differs from run to run, or is said of it in words.
PASSING = frozenset(
    {"command", "versions", "seconds", "timings_s", "notes", "note", "source", "licence", "description", "reason"}
)
#: Keys of what a result is made from: where one of these differs, so must the numbers.
INPUTS = frozenset({"fingerprint", "sha256", "arrays", "definition"})


@dataclass(frozen=True)
class Difference:
    """A place in which two results differ.

    Attributes
    ----------
    where : str
        Such as ``"networks[1].seeds[0].C"``.
    then, now : object
    """

    where: str
    then: Any
    now: Any

    @property
    def relative(self) -> float:
        """By how much two numbers differ, relative to the larger; infinite if one is none."""
        if not all(_is_number(x) and math.isfinite(x) for x in (self.then, self.now)):
            return math.inf
        return float(abs(self.then - self.now) / max(abs(self.then), abs(self.now)))

    @property
    def of_input(self) -> bool:
        """Whether it is one of what the result is made from."""
        return not INPUTS.isdisjoint(part.partition("[")[0] for part in self.where.split("."))


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)


def pairs(then: Any, now: Any, where: str = "") -> Iterator[Difference]:
    """Every single value of the first beside that of the second, equal or not; a value that is missing now is None.

    What only the second holds is passed by: newer versions write more.

    Examples
    --------
    >>> both = list(pairs({"C": [1.5, 2.0], "seconds": 3}, {"C": [1.5, 2.5], "seconds": 4, "more": 1}))
    >>> [(pair.where, pair.then, pair.now) for pair in both]
    [('C[0]', 1.5, 1.5), ('C[1]', 2.0, 2.5)]
    """
    if isinstance(then, Mapping):
        other = now if isinstance(now, Mapping) else {}
        for key, value in then.items():
            if key not in PASSING:
                yield from pairs(value, other.get(key), f"{where}.{key}" if where else key)
    elif isinstance(then, list):
        rows = now if isinstance(now, list) else []
        if len(then) != len(rows):
            yield Difference(f"{where}, entries", len(then), len(rows))
        for k, value in enumerate(then[: len(rows)]):
            yield from pairs(value, rows[k], f"{where}[{k}]")
    else:
        yield Difference(where, then, now)


def differs(pair: Difference) -> bool:
    """Whether the two are not the same to the last bit; two that are not a number are."""
    then, now = pair.then, pair.now
    if _is_number(then) and _is_number(now):
        return not (then == now or (math.isnan(then) and math.isnan(now)))
    return type(then) is not type(now) or bool(then != now)


def versions_in(data: Any) -> dict[str, str]:
    """The versions that a result names, wherever it does first."""
    if isinstance(data, Mapping):
        own = data.get("versions")
        if isinstance(own, Mapping):
            return {str(name): str(version) for name, version in own.items()}
        data = list(data.values())
    if isinstance(data, list):
        return next((found for value in data if (found := versions_in(value))), {})
    return {}
