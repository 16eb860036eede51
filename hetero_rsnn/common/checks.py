"""One check for each kind of argument, the name first, as in the message: it holds the value, the rule and the fix."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, UnitError, suggest
from hetero_rsnn.common.types import Array

#: An upper bound beyond this is none that one would think of.
_FAR = 1_000_000


def _short(value: Any) -> str:
    """A value as it is written, were it not for numbers of thousands of digits."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def whole(
    name: str,
    value: Any,
    *,
    least: int,
    most: int | None = None,
    error: type[HeteroError] = HeteroError,
    fix: str = "",
) -> int:
    """A whole number in [least, most]; numpy's are welcome, True and 3.0 are not.

    Raises
    ------
    error
        ``"d_max must be a whole number >= 1, got 0: use 1 or more"``.
    """
    try:
        number = operator.index(value) if not isinstance(value, bool | np.bool_) else None
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        if most is not None and most <= _FAR:
            rule, usual = f"from {least} to {most}", "change it"
        elif most is not None and number is not None and number > most:
            rule, usual = f"<= {most}", "use less"
        else:
            rule, usual = f">= {least}", f"use {least} or more"
        raise error(f"{name} must be a whole number {rule}, got {_short(value)}", fix=fix or usual)
    return number


def real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    error: type[HeteroError] = HeteroError,
    fix: str = "change it",
) -> float:
    """A finite number, greater than `above`, not less than `least`; text and True are none.

    Raises
    ------
    error
        ``"gain must be a finite number > 0, got -1: change it"``.
    """
    try:
        number = math.nan if isinstance(value, bool | np.bool_ | str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    bound = "" if above is None else f" > {above:g}"
    bound += "" if least is None else f" >= {least:g}"
    kept = (above is None or number > above) and (least is None or number >= least)
    if not (math.isfinite(number) and kept):
        raise error(f"{name} must be a finite number{bound}, got {_short(value)}", fix=fix)
    return number


def one_of(name: str, value: Any, known: Sequence[str], *, error: type[HeteroError] = HeteroError) -> str:
    """One of the words of `known`.

    Raises
    ------
    error
        ``"unknown backend 'fats' (did you mean 'fast'?): use one of fast, numpy, brian2"``.
    """
    if not isinstance(value, str) or value not in known:
        hint = suggest(str(value), known) if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        raise error(f"unknown {name} {_short(value)}{hint}", fix=f"use one of {', '.join(known)}")
    return value


def duration(name: str, value: Any, *, positive: bool = True) -> float:
    """A duration in ms: a plain number (ms already), text with a unit (``"10 ms"``), or a Brian2 quantity.

    Raises
    ------
    UnitError
        If its unit is not one of time, or it is not finite, or not > 0 ms (``positive=False``: not >= 0 ms).
    """
    plain = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not plain or hasattr(value, "dim"):  # a Brian2 quantity is a float, too
        return units.milliseconds(value, name, positive=positive)
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond all floats
        number = math.inf
    if not math.isfinite(number) or (number <= 0 if positive else number < 0):
        rule = f"{name} must be {'>' if positive else '>='} 0 ms, got {number:g} ms"
        raise UnitError(rule, fix=f"write e.g. {name}='10 ms'")
    return number


def finite_array(
    name: str,
    value: ArrayLike,
    ndim: int | None = None,
    *,
    infinite: bool = False,
    fix: str = "drop or mend such values",
    error: type[HeteroError] = HeteroError,
) -> Array:
    """Finite real numbers as an array of float64; with `infinite`, +inf too.

    Raises
    ------
    error
        If the number of dimensions is not `ndim`, the numbers are not real, or one of them is not finite.
    """
    raw = np.asarray(value)
    if ndim is not None and raw.ndim != ndim:
        raise error(f"{name} must have {ndim} dimension(s), got shape {raw.shape}", fix="reshape it")
    if raw.dtype.kind not in "biuf":
        got = f"an array of {raw.dtype}" if raw.ndim else repr(value)
        raise error(f"{name} must be real numbers, got {got}", fix="give plain numbers, times in ms")
    array = raw.astype(np.float64, copy=False)
    with np.errstate(all="ignore"):
        proven = math.isfinite(array.sum())  # cheaper than a look at every number
    if proven:
        return array
    good = np.isfinite(array) | (np.isposinf(array) if infinite else False)
    if not good.all():
        bad = np.argwhere(~good)
        where = tuple(bad[0].tolist())
        place = f" at index {where} and {len(bad)} such values in all" if where else ""
        raise error(f"{name} must be finite, got {array[where]}{place}", fix=fix)
    return array


def different_seeds(name: str, seeds: Any, *, error: type[HeteroError] = HeteroError) -> list[int]:
    """One or more different seeds.

    Raises
    ------
    error
        If it is a number instead of a list, empty, holds one twice, or one that is no whole number >= 0.
    """
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        count = seeds if isinstance(seeds, int) and not isinstance(seeds, bool) else 8
        raise error(f"{name} must be a list or range of seeds, got {_short(seeds)}", fix=f"write {name}=range({count})")
    out = [whole(name.removesuffix("s"), seed, least=0, error=error) for seed in seeds]
    if not out:
        raise error(f"{name} must hold at least one seed, got none", fix=f"write {name}=range(8)")
    if len(set(out)) < len(out):
        why = "a repeated one would narrow the interval without new data"
        raise error(f"{name} must differ, got {out}", fix=why)
    return out
