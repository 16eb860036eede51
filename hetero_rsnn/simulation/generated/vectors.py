"""What the numpy source calls, and what works out constants: as Brian2's numpy target has it."""

from __future__ import annotations

from typing import Any

import numpy as np


def clip(x: Any, low: Any, high: Any) -> Any:
    """`x` between two bounds."""
    return np.clip(x, low, high)


def exprel(x: Any) -> Any:
    """(exp(x) - 1) / x, which is 1 at 0."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        out = np.where(np.abs(x) < 1e-16, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x))
    return np.where(x > 717, np.inf, out)


def timestep(t: Any, dt: Any) -> Any:
    """The step that a time falls into; one that is a thousandth of a step short still counts."""
    return np.asarray((t + 1e-3 * dt) / dt).astype(np.int64)


def whole(x: Any) -> Any:
    """The whole number towards 0."""
    return np.asarray(x).astype(np.int32)


def floor(x: Any) -> Any:
    """The whole number below."""
    return np.floor(x).astype(np.int32)


def ceil(x: Any) -> Any:
    """The whole number above."""
    return np.ceil(x).astype(np.int32)


def sample(t: float, dt: float, hold_steps: int, samples: int) -> int:
    """The sample of the input that holds at a time of the present piece, as a TimedArray of Brian2 has it."""
    fine = max(2.0 ** np.ceil(np.log2(8.0 * hold_steps)), 1.0)
    index = int(np.round(t / (hold_steps * dt / fine)) / fine)
    return min(max(index, 0), samples - 1)


def rows(indptr: Any, chosen: Any) -> Any:
    """Places in the chosen rows, row after row."""
    return runs(indptr[chosen], indptr[chosen + 1])


def runs(begin: Any, end: Any) -> Any:
    """Whole numbers from each of `begin` up to its `end`, run after run."""
    sizes = end - begin
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if ends.size else 0) + np.repeat(begin - (ends - sizes), sizes)
