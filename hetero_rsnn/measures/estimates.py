"""Means over seeds with their 95 % intervals, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hetero_rsnn.common.tables import TextTable

#: Of fewer seeds a mean is written without its interval. That of two is 12.7 standard errors wide on each side, and
#: leads below 0 where nothing can be.
FEW = 3


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds; undefined if any seed has no value, so that luck in the others is not rewarded.

    Attributes
    ----------
    mean, stderr, low, high : float
        `low` and `high` bound the 95 % interval (Student's t). NaN if a seed has no value.
    n : int
        Seeds that had a value.
    missing : int
        Seeds that had none (E of a silent network).
    """

    mean: float
    stderr: float
    low: float
    high: float
    n: int
    missing: int = 0

    @property
    def without(self) -> str:
        """Why there is no mean: ``"2 of 8 seeds have none"``; empty if every seed has a value, or there is no seed."""
        return f"{self.missing} of {self.n + self.missing} seeds have none" if self.missing else ""

    def __repr__(self) -> str:
        if self.missing or self.n < FEW:
            return f"Estimate({self})"
        return f"Estimate({self}, n = {self.n})"

    def _repr_html_(self) -> str:
        rows = [(cell(self), f"{self.stderr:.2g}" if math.isfinite(self.stderr) else "–", str(self.n))]
        return TextTable("mean over seeds [95 % interval]", ("mean", "standard error", "seeds"), rows).html()

    def __str__(self) -> str:
        if self.missing:
            return f"undefined ({self.without})"
        if self.n < FEW:
            return f"{self.mean:.3g} (n = {self.n})"
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def estimate(values: Iterable[float]) -> Estimate:
    """Mean with its 95 % interval; NaN, with the number of missing ones, if any value is NaN."""
    x = np.asarray(list(values), dtype=float)
    missing = int(np.isnan(x).sum())
    n = int(x.size) - missing
    if missing or n == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan, n, missing)
    if np.isinf(x).any():  # H of homogeneous parameters
        return Estimate(float(x.min()), math.nan, math.nan, math.nan, n)
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, math.nan, math.nan, math.nan, 1)
    stderr = float(x.std(ddof=1) / math.sqrt(n))
    half = float(stats.t.ppf(0.975, n - 1)) * stderr
    return Estimate(mean, stderr, mean - half, mean + half, n)


def mean_and_bounds(e: Estimate, signed: bool = False, digits: int | None = None) -> tuple[str, str]:
    """A mean and its interval, to three digits (a difference: to the first of its error) or as many as asked.

    Returns
    -------
    mean, bounds : str
        ``"5.64"`` and ``"[5.50, 5.79]"``; ``"undefined"`` and why; no bounds for a single seed. A mean over two seeds,
        unless it is a difference, has ``"(n = 2)"`` in place of bounds.
    """
    if math.isnan(e.mean):
        return "undefined", f"({e.missing} of {e.n + e.missing})" if e.missing and e.n else ""
    sign = "+" if signed else ""
    fixed = digits
    digits = max(0, 3 - math.floor(math.log10(max(abs(e.mean), 1e-12))) - 1) if e.mean else 2
    if signed and not math.isnan(e.stderr) and e.stderr > 0:
        digits = max(0, -math.floor(math.log10(e.stderr)))
    digits = min(digits, 5) if fixed is None else fixed
    if not signed and 1 < e.n < FEW:
        return f"{e.mean:.{digits}f}", f"(n = {e.n})"
    bounds = "" if math.isnan(e.low) else f"[{e.low:{sign}.{digits}f}, {e.high:{sign}.{digits}f}]"
    return f"{e.mean:{sign}.{digits}f}", bounds


def cell(e: Estimate, signed: bool = False, digits: int | None = None) -> str:
    """A mean with its interval, as a cell of a table: ``"5.64 [5.50, 5.79]"``."""
    return " ".join(filter(None, mean_and_bounds(e, signed, digits)))
