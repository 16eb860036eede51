"""Means over seeds with their 95 % intervals, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes
    ----------
    mean, stderr, low, high : float
        `low` and `high` bound the 95 % interval (Student's t).
    n : int
        Seeds that had a value.
    """

    mean: float
    stderr: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def estimate(values: Iterable[float]) -> Estimate:
    """Mean with its 95 % interval, over the values that are not NaN."""
    x = np.asarray([v for v in values if not math.isnan(v)], dtype=float)
    if x.size == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan, 0)
    if np.isinf(x).any():  # H of homogeneous parameters
        return Estimate(float(x.min()), math.nan, math.nan, math.nan, int(x.size))
    mean = float(x.mean())
    if x.size == 1:
        return Estimate(mean, math.nan, math.nan, math.nan, 1)
    stderr = float(x.std(ddof=1) / math.sqrt(x.size))
    half = float(stats.t.ppf(0.975, x.size - 1)) * stderr
    return Estimate(mean, stderr, mean - half, mean + half, int(x.size))


def cell(e: Estimate, signed: bool = False, digits: int | None = None) -> str:
    """A mean with its interval, to three digits (a difference: to the first of its error) or as many as asked."""
    if e.n == 0 or math.isnan(e.mean):
        return "undefined"
    sign = "+" if signed else ""
    fixed = digits
    digits = max(0, 3 - math.floor(math.log10(max(abs(e.mean), 1e-12))) - 1) if e.mean else 2
    if signed and not math.isnan(e.stderr) and e.stderr > 0:
        digits = max(0, -math.floor(math.log10(e.stderr)))
    digits = min(digits, 5) if fixed is None else fixed
    text = f"{e.mean:{sign}.{digits}f}"
    return text if math.isnan(e.low) else f"{text} [{e.low:{sign}.{digits}f}, {e.high:{sign}.{digits}f}]"
