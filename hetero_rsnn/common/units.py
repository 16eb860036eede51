"""Physical units at the edge of the package.

Files and keyword arguments state quantities with their unit (``"20 ms"``, or a Brian2 quantity such as ``20*ms``).
Inside, everything is a plain float: **times in milliseconds**, every other dimension in SI.
Written here and not taken from Brian2, because importing that takes more than a second.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, TypeVar

from hetero_rsnn.common.errors import UnitError
from hetero_rsnn.common.types import Array

Number = TypeVar("Number", float, Array)

#: Base unit symbol -> name that Brian2 gives it in equations.
_BASE: dict[str, str] = {
    "s": "second",
    "second": "second",
    "Hz": "hertz",
    "hertz": "hertz",
    "V": "volt",
    "volt": "volt",
    "A": "amp",
    "amp": "amp",
    "S": "siemens",
    "siemens": "siemens",
    "F": "farad",
    "farad": "farad",
    "ohm": "ohm",
    "m": "metre",
    "metre": "metre",
}
#: Prefix -> power of ten. Micro is written as a sign of its own (U+00B5) or as the Greek letter (U+03BC).
_PREFIX: dict[str, int] = {"p": -12, "n": -9, "u": -6, "\u00b5": -6, "\u03bc": -6, "m": -3, "k": 3, "M": 6, "G": 9}
#: Longer times, for the sampling intervals of real series.
_LONG: dict[str, float] = {"min": 60.0, "h": 3600.0, "day": 86400.0}
_NUMBER = re.compile(
    r"^\s*(?:(?P<digits>[-+]?(?:\d+(?:\.\d*)?|\.\d+))(?:[eE](?P<power>[-+]?\d{1,5}))?|(?P<name>[-+]?inf|nan))"
    r"\s*(?P<unit>[^\s\d]\S*)?\s*$"
)

#: What a number without unit is called; Brian2 writes the same in its equations.
DIMENSIONLESS = "1"
#: Name of the time unit; values of this dimension are kept in milliseconds.
TIME = "second"


@lru_cache(64)
def _unit(symbol: str) -> tuple[str, int, float]:
    """Name, power of ten and further factor of a unit."""
    if symbol == "1":
        return DIMENSIONLESS, 0, 1.0
    if symbol in _LONG:
        return TIME, 3, _LONG[symbol]
    for prefix, power in [("", 0), *_PREFIX.items()]:
        if symbol.startswith(prefix) and symbol[len(prefix) :] in _BASE:
            name = _BASE[symbol[len(prefix) :]]
            return name, power + 3 if name == TIME else power, 1.0
    raise UnitError(f"unknown unit {symbol!r}: write a number and an SI unit, as in '20 ms', '5 Hz' or '-65 mV'")


def parse(value: Any, what: str = "value") -> tuple[float, str]:
    """Read a quantity.

    Parameters
    ----------
    value : str, float or brian2.Quantity
        ``"20 ms"``, ``0.5`` (no unit), ``20*ms``.
    what : str
        Name used in error messages.

    Returns
    -------
    number : float
        Milliseconds for times, SI otherwise.
    unit : str
        Brian2's name of the SI unit: ``"second"``, ``"volt"``, ... or ``"1"``.

    Raises
    ------
    UnitError
        If it is no number, or its unit is unknown.
    """
    if isinstance(value, bool | bytes | bytearray):
        raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'")
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if match is None:
            raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'")
        try:
            name, power, factor = _unit(match["unit"] or "1")
        except UnitError as error:
            raise UnitError(f"{what} = {value!r}: {error}") from None
        if match["name"]:
            return float(match["name"]), name
        # The power of ten goes into the text, so that "4.1 ms" and "0.0041 s" are the same number to the last bit.
        return float(f"{match['digits']}e{int(match['power'] or 0) + power}") * factor, name
    dim = getattr(value, "dim", None)  # a Brian2 quantity, recognised without importing Brian2
    if dim is not None and hasattr(value, "get_best_unit") and not getattr(value, "shape", ()):
        base = repr(dim)
        for name in sorted(set(_BASE.values())):
            if base == _DIM_REPR.get(name):
                return (float(value) * 1e3 if name == TIME else float(value)), name
        if dim.is_dimensionless:
            return float(value), DIMENSIONLESS
        raise UnitError(f"{what} has the unit {base}, which network files do not use: give it as text, e.g. '20 ms'")
    try:
        return float(value), DIMENSIONLESS
    except (TypeError, ValueError, OverflowError):
        raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'") from None


def readable(text: str) -> bool:
    """Whether text is a number with a unit or without; of units that nobody knows `parse` complains."""
    return _NUMBER.match(text) is not None


#: How Brian2 prints the dimension of each unit (base units only).
_DIM_REPR = {
    "second": "second",
    "hertz": "second ** -1",
    "volt": "metre ** 2 * kilogram * second ** -3 * amp ** -1",
    "amp": "amp",
    "siemens": "metre ** -2 * kilogram ** -1 * second ** 3 * amp ** 2",
    "farad": "metre ** -2 * kilogram ** -1 * second ** 4 * amp ** 2",
    "ohm": "metre ** 2 * kilogram * second ** -3 * amp ** -2",
    "metre": "metre",
}


def milliseconds(value: Any, what: str, *, positive: bool = True) -> float:
    """Read a duration and return it in milliseconds.

    Raises
    ------
    UnitError
        If the unit is not one of time, or the duration is not finite, or not above 0 (``positive=False``: below 0).
    """
    number, unit = parse(value, what)
    if unit != TIME:
        shown = value.strip() if isinstance(value, str) else f"{value!r} (no unit of time)"
        raise UnitError(f"{what} must be a time with its unit, got {shown}", fix=f"write e.g. {what}='10 ms'")
    if not math.isfinite(number) or (number <= 0 if positive else number < 0):
        raise UnitError(f"{what} must be {'>' if positive else '>='} 0 ms, got {number:g} ms")
    return number


def finite(value: Any) -> float | None:
    """A plain finite number as a float; None for anything else (text, true, NaN, an integer beyond all floats)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def to_si(value: Number, unit: str) -> Number:
    """Turn internal numbers into SI, for Brian2: milliseconds become seconds, the rest stays."""
    return value / 1e3 if unit == TIME else value


def show(value: float, unit: str) -> str:
    """Print an internal number so that `parse` reads the same number back: ``"20 ms"``."""
    text = repr(float(value))
    text = text[:-2] if text.endswith(".0") else text
    if unit == DIMENSIONLESS:
        return text
    if unit == TIME:
        return f"{text} ms"
    symbol = next(s for s, name in _BASE.items() if name == unit)
    return f"{text} {symbol}"


def steps(duration: float, dt: float, what: str) -> int:
    """Number of grid steps in `duration` (both in ms), which must be a whole number of them.

    Raises
    ------
    UnitError
        If `duration` is not a multiple of `dt`.
    """
    count = round(duration / dt) if math.isfinite(duration / dt) else 0
    if count < 1 or abs(count * dt - duration) > 1e-6 * dt:
        raise UnitError(f"{what} must be a multiple of dt = {dt:g} ms, got {duration:g} ms")
    return count
