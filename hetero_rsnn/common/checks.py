"""One check for each kind of argument, the name first, as in the message: it holds the value, the rule and the fix."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, UnitError, suggest
from hetero_rsnn.common.types import Array, Ints

#: An upper bound beyond this is none that one would think of.
_FAR = 1_000_000
#: More of them nobody waits for, and a slip of the keyboard would fill the memory.
_MOST_SEEDS = 100_000


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


def truth(name: str, value: Any, *, error: type[HeteroError] = HeteroError) -> bool:
    """True or False, of Python or of numpy, and nothing that merely counts as one of them.

    Raises
    ------
    error
        ``"shortcuts must be True or False, got 'no'"``.
    """
    if not isinstance(value, bool | np.bool_):
        raise error(f"{name} must be True or False, got {_short(value)}", fix="write one of them")
    return bool(value)


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


def plain_array(name: str, value: Any, *, error: type[HeteroError] = HeteroError) -> NDArray[Any]:
    """An array of any kind, of which nothing was dropped on the way: no mask, no unit, no row that is shorter.

    Raises
    ------
    error
        ``"u must hold no masked values, got 3 of 100 masked: fill the gaps, or drop the samples"``; also for
        quantities with a unit, and for nested lists of unequal lengths.
    """
    if type(value) is np.ndarray and value.dtype.kind != "O":  # hides nothing: samples come by the ten thousand
        return value
    odd = list(_odd_leaves(value, 8))
    _refuse_masked(name, value, odd, error)
    for part in odd:
        if unit := unit_of(part):
            raise error(f"{name} must be plain numbers, got a quantity in {unit}", fix="divide by its unit")
    try:
        # Filters of warnings stay as they are: they belong to all threads, and a change makes each warning anew.
        raw = np.asarray(value)
        if raw.dtype.kind == "O":
            raw = _of_numbers(raw)
    except OverflowError:
        raise error(f"{name} must be numbers below 1e308, got a larger one", fix="scale them") from None
    except (TypeError, ValueError, RecursionError):
        raise error(
            f"{name} must be one array, got rows of unequal shapes", fix="give rows of one length, or pad them"
        ) from None
    return raw


def unit_of(value: Any) -> str:
    """Unit of a quantity of Brian2, quantities (and neo) or pint; nothing for plain numbers, and where it is 1."""
    dimension = getattr(value, "dim", None)  # of Brian2
    if dimension is not None:
        return "" if getattr(dimension, "is_dimensionless", True) else str(dimension)
    dimensions = getattr(value, "dimensionality", None)  # of the others
    return str(getattr(value, "units", dimensions)) if dimensions else ""


def _refuse_masked(name: str, value: Any, odd: list[Any], error: type[HeteroError]) -> None:
    """Also for lists of masked arrays, of which numpy drops the masks."""
    masked = sum(np.asarray(part.mask).tobytes().count(1) for part in odd if isinstance(part, np.ma.MaskedArray))
    if masked:
        raise error(
            f"{name} must hold no masked values, got {masked} of {_size(value)} masked",
            fix="fill the gaps, or drop the samples",
        )


_PLAIN = frozenset({int, float, bool, np.float64, np.int64, np.bool_})


def _odd_leaves(value: Any, depth: int) -> Iterator[Any]:
    """What nested lists hold, or the value itself; rows of plain numbers, which hide nothing, are left out."""
    if not (depth and isinstance(value, list | tuple)):
        yield value
    elif not set(map(type, value)) <= _PLAIN:
        for part in value:
            yield from _odd_leaves(part, depth - 1)


def _size(value: Any) -> int:
    return sum(map(_size, value)) if isinstance(value, list | tuple) else int(np.size(value))


def _of_numbers(raw: NDArray[Any]) -> NDArray[Any]:
    """Objects as an array of numbers, if all are: such as the columns of a table with nullable numbers."""
    if raw.size and all(isinstance(x, numbers.Real) for x in raw.flat):
        return raw.astype(np.float64)
    return raw


def real_array(
    name: str,
    value: Any,
    ndim: int | tuple[int, ...] | None = None,
    *,
    axes: Sequence[str] = (),
    empty: bool = False,
    error: type[HeteroError] = HeteroError,
) -> Array:
    """Real numbers, which need not be finite, as an array of float64: the value of the array, whatever its type.

    Lists, tuples, numbers of any width and byte order, any layout in memory, tables and masked arrays without masked
    values are welcome. Complex numbers, times, text, bytes and objects are refused: numpy would turn some of them into
    numbers that nobody meant. `axes` are the names of the axes, ``("sample", "channel")``, for messages.

    Raises
    ------
    error
        If `value` is none of these, is empty (unless `empty`), or has another number of dimensions than `ndim` allows.
    """
    raw = plain_array(name, value, error=error)
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if raw.dtype.kind not in "biuf" and (raw.size or raw.dtype.kind not in "O"):
        got = f"an array of {raw.dtype}" if raw.ndim else _short(value)
        fix = "give plain numbers, times in ms"
        if raw.dtype.kind == "O" and any(x is None or type(x).__name__ == "NAType" for x in raw.flat):
            got, fix = f"{got} with missing values", "fill the gaps, or drop the samples"
        raise error(f"{name} must be real numbers, got {got}", fix=fix)
    if allowed is not None and raw.ndim not in allowed:
        if len(axes) >= max(allowed):
            plural = [f"{axis}s" for axis in axes]
            rule = " or ".join(f"({', '.join(plural[:n])}{',' * (n == 1)})" for n in sorted(allowed, reverse=True))
            raise error(f"{name} must have the shape {rule}, got {raw.shape}", fix="reshape it")
        rule = " or ".join(str(n) for n in allowed)
        raise error(f"{name} must have {rule} dimension(s), got shape {raw.shape}", fix="reshape it")
    if not (raw.size or empty):
        raise error(f"{name} must not be empty, got shape {raw.shape}", fix="give at least one number")
    return np.asarray(raw, dtype=np.float64, order="C")  # so that sums do not depend on the layout, to the last bit


def finite_array(
    name: str,
    value: Any,
    ndim: int | tuple[int, ...] | None = None,
    *,
    axes: Sequence[str] = (),
    infinite: bool = False,
    empty: bool = False,
    fix: str = "drop or mend such values",
    error: type[HeteroError] = HeteroError,
) -> Array:
    """Finite real numbers as an array of float64, as `real_array`; with `infinite`, +inf too.

    Raises
    ------
    error
        As `real_array`, and if a number is not finite.
    """
    array = real_array(name, value, ndim, axes=axes, empty=empty, error=error)
    if not array.size:
        return array
    with np.errstate(all="ignore"):
        proven = math.isfinite(array.sum())  # cheaper than a look at every number
    if proven:
        return array
    good = np.isfinite(array) | (np.isposinf(array) if infinite else False)
    if not good.all():
        bad = np.argwhere(~good)
        where = tuple(bad[0].tolist())
        named = (
            ", ".join(f"{axis} {k}" for axis, k in zip(axes, where, strict=False)) if len(axes) >= len(where) else ""
        )
        place = f" at {named or f'index {where}'} and {len(bad)} such values in all" if where else ""
        raise error(f"{name} must be finite, got {array[where]}{place}", fix=fix)
    return array


def whole_array(
    name: str,
    value: Any,
    ndim: int | tuple[int, ...] | None = None,
    *,
    axes: Sequence[str] = (),
    least: int | None = None,
    most: int | None = None,
    empty: bool = False,
    error: type[HeteroError] = HeteroError,
) -> Ints:
    """Whole numbers as an array of int64; 3.0 is welcome, since tables and files hold whole numbers as such.

    Raises
    ------
    error
        As `finite_array`, and if a number is not whole or lies outside [least, most].
    """
    raw = plain_array(name, value, error=error)
    if raw.dtype.kind == "b":
        raise error(
            f"{name} must be whole numbers, got True and False", fix="give numbers, such as np.flatnonzero(...)"
        )
    array = finite_array(name, raw, ndim, axes=axes, empty=empty, error=error)
    if not array.size:
        return array.astype(np.int64)
    odd = array[(array != np.round(array)) | (np.abs(array) >= 2.0**53)]
    if odd.size:
        raise error(f"{name} must be whole numbers, got {odd.flat[0]:.17g}", fix="round them on purpose")
    low, high = (math.nan if edge is None else edge for edge in (least, most))
    outside = array[(array < low) | (array > high)]
    if outside.size:
        rule = f">= {least}" if most is None else f"<= {most}" if least is None else f"from {least} to {most}"
        raise error(f"{name} must be {rule}, got {outside.flat[0]:g}", fix="correct or drop them")
    return array.astype(np.int64)


def different_seeds(name: str, seeds: Any, *, error: type[HeteroError] = HeteroError) -> list[int]:
    """One or more different seeds: a list, or how many, which are those from 0 on.

    Raises
    ------
    error
        If it is neither, empty, holds one twice, or one that is no whole number >= 0.
    """
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool):
        return list(range(whole(name, seeds, least=1, most=_MOST_SEEDS, error=error)))
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise error(f"{name} must be a count or a list of seeds, got {_short(seeds)}", fix=f"write {name}=8")
    out = [whole(name.removesuffix("s"), seed, least=0, error=error) for seed in seeds]
    if not out:
        raise error(f"{name} must hold at least one seed, got none", fix=f"write {name}=8")
    if len(set(out)) < len(out):
        why = "a repeated one would narrow the interval without new data"
        raise error(f"{name} must differ, got {out}", fix=why)
    return out
