"""Physical units at the edge of the package.

Files and keyword arguments state quantities with their unit (``"20 ms"``, or a Brian2 quantity such as ``20*ms``).
Inside, everything is a plain float: **times in milliseconds**, every other dimension in SI.
Written here and not taken from Brian2, because importing that takes more than a second.
"""

from __future__ import annotations

import math
import re
from typing import Any

from hetero_rsnn.errors import UnitError

#: Base unit symbol -> (name that Brian2 gives it in equations, factor to SI).
_BASE: dict[str, tuple[str, float]] = {
    "s": ("second", 1.0),
    "second": ("second", 1.0),
    "Hz": ("hertz", 1.0),
    "hertz": ("hertz", 1.0),
    "V": ("volt", 1.0),
    "volt": ("volt", 1.0),
    "A": ("amp", 1.0),
    "amp": ("amp", 1.0),
    "S": ("siemens", 1.0),
    "siemens": ("siemens", 1.0),
    "F": ("farad", 1.0),
    "farad": ("farad", 1.0),
    "ohm": ("ohm", 1.0),
    "m": ("metre", 1.0),
    "metre": ("metre", 1.0),
}
_PREFIX: dict[str, float] = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
#: Longer times, for the sampling intervals of real series.
_LONG: dict[str, float] = {"min": 60.0, "h": 3600.0, "day": 86400.0}
_NUMBER = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf|nan)\s*([^\s\d]\S*)?\s*$")

#: What a number without unit is called; Brian2 writes the same in its equations.
DIMENSIONLESS = "1"
#: Name of the time unit; values of this dimension are kept in milliseconds.
TIME = "second"


def _unit(symbol: str) -> tuple[str, float]:
    if symbol == "1":
        return DIMENSIONLESS, 1.0
    if symbol in _LONG:
        return TIME, _LONG[symbol] * 1e3
    for prefix, factor in [("", 1.0), *_PREFIX.items()]:
        if symbol.startswith(prefix) and symbol[len(prefix) :] in _BASE:
            name, si = _BASE[symbol[len(prefix) :]]
            if name == TIME:  # exact for the common units: 20 ms is 20.0, not 0.02 * 1000
                factor = {"m": 1.0, "": 1e3, "u": 1e-3, "µ": 1e-3}.get(prefix, factor * 1e3)
            return name, si * factor
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
    if isinstance(value, bool):
        raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'")
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if match is None:
            raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'")
        number = float(match[1])
        try:
            name, factor = _unit(match[2] or "1")
        except UnitError as error:
            raise UnitError(f"{what} = {value!r}: {error}") from None
        return (number / 1e3 if factor == 1e-3 else number * factor), name
    dim = getattr(value, "dim", None)  # a Brian2 quantity, recognised without importing Brian2
    if dim is not None and hasattr(value, "get_best_unit"):
        base = repr(dim)
        for name in {n for n, _ in _BASE.values()}:
            if base == _DIM_REPR.get(name):
                return (float(value) * 1e3 if name == TIME else float(value)), name
        if dim.is_dimensionless:
            return float(value), DIMENSIONLESS
        raise UnitError(f"{what} has the unit {base}, which network files do not use: give it as text, e.g. '20 ms'")
    try:
        return float(value), DIMENSIONLESS
    except (TypeError, ValueError):
        raise UnitError(f"{what} must be a number with its unit, got {value!r}: write e.g. '20 ms'") from None


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
        shown = value if isinstance(value, str) else f"{value!r} (no unit of time)"
        raise UnitError(f"{what} must be a time with its unit, got {shown}: write e.g. {what}='10 ms'")
    if not math.isfinite(number) or (number <= 0 if positive else number < 0):
        raise UnitError(f"{what} must be {'>' if positive else '>='} 0 ms, got {number:g} ms")
    return number


def to_si(value: float, unit: str) -> float:
    """Turn an internal number into SI, for Brian2: milliseconds become seconds, the rest stays."""
    return value / 1e3 if unit == TIME else value


def show(value: float, unit: str) -> str:
    """Print an internal number so that `parse` reads the same number back: ``"20 ms"``."""
    text = repr(float(value))
    text = text[:-2] if text.endswith(".0") else text
    if unit == DIMENSIONLESS:
        return text
    if unit == TIME:
        return f"{text} ms"
    symbol = next(s for s, (name, _) in _BASE.items() if name == unit)
    return f"{text} {symbol}"


def steps(duration: float, dt: float, what: str) -> int:
    """Number of grid steps in `duration` (both in ms), which must be a whole number of them.

    Raises
    ------
    UnitError
        If `duration` is not a multiple of `dt`.
    """
    count = round(duration / dt)
    if count < 1 or abs(count * dt - duration) > 1e-6 * dt:
        raise UnitError(f"{what} must be a multiple of dt = {dt:g} ms, got {duration:g} ms")
    return count
