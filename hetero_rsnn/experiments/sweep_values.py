"""The values of a parameter that a sweep measures: given one by one, or as a range."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError

#: No sweep has more values: each is a measurement for every seed.
_MOST = 1000
_QUANTITY = re.compile(r"^\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*(?P<unit>[^\s\d.:,]\S*)?\s*$")
_HOW = "give A:B:N (N values from A to B) or a list (0,0.5,1)"


@dataclass(frozen=True)
class SweptValues:
    """Different values of one parameter, from the least to the greatest.

    Attributes
    ----------
    numbers : tuple of float
        In `unit`.
    unit : str
        As it was written (``"ms"``); empty for plain numbers.
    """

    numbers: tuple[float, ...]
    unit: str = ""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def texts(self) -> tuple[str, ...]:
        """The values with their unit, as `overrides` has them."""
        return tuple(f"{_plain(x)} {self.unit}".rstrip() for x in self.numbers)

    @property
    def overrides(self) -> tuple[Any, ...]:
        """The values as `Network.replace` takes them: whole numbers are whole, since some parameters ask for that."""
        return self.texts if self.unit else tuple(int(x) if x.is_integer() else x for x in self.numbers)


def _plain(number: float) -> str:
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def is_several(text: str) -> bool:
    """Whether a text states several numbers: a range ``A:B:N``, a list ``0,0.5,1``, or one in brackets.

    Examples
    --------
    >>> [is_several(text) for text in ("0:1.2:7", "0,0.5", "[1, 2]", "20 ms", "{mean = 1, cv = 2}")]
    [True, True, True, False, False]
    """
    text = text.strip()
    inside = text[1:-1].strip().rstrip(",") if text.startswith("[") and text.endswith("]") else text
    if inside.count(":") == 2:
        return all(_QUANTITY.match(part) for part in inside.split(":"))
    parts = inside.split(",")
    bracketed = inside is not text
    return (bracketed or len(parts) > 1) and all(_QUANTITY.match(part.strip(" \"'")) for part in parts)


def swept_values(name: str, values: str | Iterable[Any]) -> SweptValues:
    """Read the values of a sweep.

    Parameters
    ----------
    name : str
        The parameter, for messages.
    values : str or iterable
        ``"0:1.2:7"`` (7 values from 0 to 1.2), ``"0,0.5,1"``, ``"10ms:60ms:6"``, or numbers and texts with units.

    Returns
    -------
    SweptValues
        Sorted.

    Raises
    ------
    HeteroError
        If one is no finite number with its unit, units differ, two are equal, or there are fewer than 2.

    Examples
    --------
    >>> swept_values("E.tau_m.cv", "0:1.2:4").texts
    ('0', '0.4', '0.8', '1.2')
    >>> swept_values("E.tau_m.mean", "10ms:60ms:3")
    SweptValues(numbers=(10.0, 35.0, 60.0), unit='ms')
    >>> swept_values("E.tau_m.cv", [0.5, 0.5])
    Traceback (most recent call last):
    ...
    hetero_rsnn.common.errors.HeteroError: values of E.tau_m.cv must differ, got 0.5 twice: leave one of them away
    """
    if isinstance(values, str):
        found = _range(name, values) if ":" in values else [part for part in values.split(",") if part.strip()]
    elif isinstance(values, Iterable) and not isinstance(values, bytes | dict):
        found = list(values)
    else:
        raise HeteroError(f"values of {name} must be a list or a range, got {values!r:.80}", fix=_HOW)
    if len(found) < 2:
        got = f"only {found[0]}" if found else "none"
        raise HeteroError(f"a sweep needs at least 2 values of {name}, got {got}"[:300], fix=_HOW)
    if len(found) > _MOST:
        raise HeteroError(f"a sweep may have up to {_MOST} values of {name}, got {len(found)}", fix="take fewer")
    read = _in_one_unit(name, [_read(name, value) for value in found])
    numbers, unit = sorted(x for x, _ in read), read[0][1]
    for a, b in pairwise(numbers):
        if a == b:
            text = f"{_plain(a)} {unit}".rstrip()
            raise HeteroError(f"values of {name} must differ, got {text} twice", fix="leave one of them away")
    return SweptValues(tuple(numbers), unit)


def _read(name: str, value: Any) -> tuple[float, str]:
    """A number and its unit as it is written."""
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    number, dimension = units.parse(value.strip() if isinstance(value, str) else value, f"a value of {name}")
    if not math.isfinite(number):
        raise HeteroError(f"a value of {name} must be a finite number, got {value!r:.80}", fix="correct it")
    if match is not None:
        return float(match["number"]), match["unit"] or ""
    if dimension == units.DIMENSIONLESS:
        return number, ""
    shown, _, unit = units.show(number, dimension).partition(" ")  # a quantity of Brian2's
    return float(shown), unit


def _in_one_unit(name: str, found: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The same numbers in one unit: as they are, or in milliseconds and SI where units differ."""
    if len({unit for _, unit in found}) == 1:
        return found
    parsed = [units.parse(f"{x!r} {unit}", f"a value of {name}") for x, unit in found]
    if len({dimension for _, dimension in parsed}) > 1:
        written = ", ".join(f"{_plain(x)} {unit}".rstrip() for x, unit in found[:8])
        raise HeteroError(f"values of {name} must have one unit, got {written}", fix="write it at each of them")
    shown = [units.show(number, dimension).partition(" ") for number, dimension in parsed]
    return [(float(x), unit) for x, _, unit in shown]


def _range(name: str, text: str) -> list[str]:
    """The values of ``A:B:N``: N of them from A to B, ends included."""
    parts = text.split(":")
    if len(parts) != 3 or not all(map(_QUANTITY.match, parts[:2])) or not parts[2].strip().isdecimal():
        raise HeteroError(f"a range of {name} must be A:B:N, got {text!r:.80}", fix="write e.g. 0:1.2:7 or 10ms:60ms:6")
    count = checks.whole(f"N of the range {text:.80}", int(parts[2].strip()[:6]), least=2, most=_MOST)
    (low, unit), (high, _) = _in_one_unit(name, [_read(name, part) for part in parts[:2]])
    if low == high:
        raise HeteroError(f"a range of {name} must end elsewhere than it begins, got {text:.80}", fix="change an end")
    inner = [low + (high - low) * k / (count - 1) for k in range(1, count - 1)]
    # To 12 digits, so that the middle of 0 and 1.2 is 0.6 and not 0.6000000000000001.
    return [f"{x!r} {unit}".rstrip() for x in (low, *(float(f"{x:.12g}") for x in inner), high)]
