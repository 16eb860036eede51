"""Distributions as points of a Euclidean space: quantiles, whose distance is the 2-Wasserstein distance.

In one dimension ``W2(p, q)^2`` is the integral over (0, 1) of the squared difference of the quantile functions.
Quantiles, weighted by a rule of integration, are therefore coordinates in which W2 is the Euclidean distance.

Three choices are ours. The integral is taken over the normal score ``t``, with ``u = Phi(t)``, where the trapezoidal
rule converges fast although the logarithm of a quantile grows without bound at both ends. The quantiles of a family are
tabulated over the cv and interpolated by cubic splines, so that what is built on them has an exact and continuous
derivative. And distances of an entry are divided by what its mean or its cv spans, whichever is more, so that length
scales of different entries compare.

References
----------
Villani, Topics in Optimal Transportation, 2003, section 2.2 (quantile functions and W2 in one dimension).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.spatial.distance import pdist, squareform
from scipy.special import ndtr

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.distributions import Distribution
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.space_parsing import SPREAD, Dimension, Entry

#: Normal scores at which quantiles are compared. Beyond them lie 3e-12 of the probability.
SCORES: Array = np.linspace(-7.0, 7.0, 57)
#: Their weights; with a spacing of 1/4 the rule is exact for the logarithms of lognormals, to the last bits.
WEIGHTS: Array = np.exp(-(SCORES**2) / 2) / np.exp(-(SCORES**2) / 2).sum()
#: Points of the table over the cv.
GRID = 129
#: Directions of the table that are smaller than this share of the largest are left out.
NEGLIGIBLE = 1e-8
#: Sets of points whose features or distances are kept: those that a model is fitted to meet every candidate.
_KEEP = 8


def w2(p: Distribution, q: Distribution, *, log: bool = False) -> float:
    """The 2-Wasserstein distance of two distributions, or (`log`) of the logarithms of their variables.

    In the unit of the parameter (milliseconds for times), or none for logarithms. For distributions without jumps;
    between mixtures of constants it is a rough number.

    Raises
    ------
    HeteroError
        If logarithms are asked of values that are not positive.
    """
    difference = np.diff([_quantiles(d, log) for d in (p, q)], axis=0)[0]
    return math.sqrt(float(WEIGHTS @ difference**2))


def _quantiles(d: Distribution, log: bool) -> Array:
    x = d.quantile(ndtr(SCORES))
    if not log:
        return x
    if not x.min() > 0:
        raise HeteroError(f"logarithms need positive values, but {d} reaches {x.min():g}: compare without log")
    return np.asarray(np.log(x))


class _Group:
    """Features of one entry as a function of its one or two coordinates.

    The quantiles at mean 1 are a smooth curve over the cv. Its first coordinate is the mean of the (log) quantiles, the
    others span the rest; the map from quantiles to coordinates is a rotation, so that distances stay. A mean shifts
    logarithms, and so the first coordinate alone; it scales plain quantiles.
    """

    def __init__(self, entry: Entry, first: int) -> None:
        self.entry = entry
        self.columns = slice(first, first + len(entry.dimensions))
        self.scalar = entry.family not in SPREAD  # a scalar is its own coordinate
        self.curve: CubicSpline | None = None
        self.fixed = np.zeros((1, 1))
        self.span = 1.0
        if self.scalar:
            return
        mean, spans = entry.mean, [0.0]
        if isinstance(entry.cv, Dimension):
            self.curve = self._tabulate(entry.cv)
            largest = 1.0 if entry.log else mean.high if isinstance(mean, Dimension) else mean
            ends = self.curve([entry.cv.low, entry.cv.high])
            spans.append(largest * float(np.linalg.norm(ends[1] - ends[0])))
        elif not entry.log:  # quantiles of one shape are multiples of each other
            q = _quantiles(entry.distribution(1.0, entry.cv), log=False)
            self.fixed[:] = math.sqrt(float(WEIGHTS @ q**2))
        if isinstance(mean, Dimension):
            spans.append(math.log(mean.high / mean.low) if entry.log else mean.high - mean.low)
        self.span = max(spans)

    def _tabulate(self, cv: Dimension) -> CubicSpline:
        entry, grid = self.entry, np.linspace(cv.low, cv.high, GRID)
        table = np.array([_quantiles(entry.distribution(1.0, x), entry.log) for x in grid])
        mean = table @ WEIGHTS
        rest = (table - mean[:, None]) * np.sqrt(WEIGHTS)
        _, size, directions = np.linalg.svd(rest, full_matrices=False)
        kept = directions[size > NEGLIGIBLE * size[0]]
        return CubicSpline(grid, np.column_stack([mean, rest @ kept.T]))

    def _mean(self, z: Array) -> tuple[Array | float, float]:
        """The mean, or its logarithm, shape (n, 1); and its derivative with respect to the coordinate."""
        mean = self.entry.mean
        if not isinstance(mean, Dimension):
            return (math.log(mean) if self.entry.log else mean), 0.0
        if self.entry.log:
            return math.log(mean.low) + z[:, :1] * math.log(mean.high / mean.low), math.log(mean.high / mean.low)
        return mean.low + z[:, :1] * (mean.high - mean.low), mean.high - mean.low

    def _shape(self, z: Array, order: int = 0) -> Array:
        """Coordinates at mean 1, or their derivatives with respect to the coordinate of the cv."""
        cv = self.entry.cv
        if self.curve is None or not isinstance(cv, Dimension):
            return self.fixed if order == 0 else np.zeros((1, 1))
        width = cv.high - cv.low
        return np.asarray(self.curve(cv.low + z[:, -1] * width, order) * width**order)

    def features(self, z: Array) -> Array:
        """From coordinates, shape (n, 1 or 2), to features, shape (n, k)."""
        if self.scalar:
            return z
        mean, shape = self._mean(z)[0], self._shape(z)
        if not self.entry.log:
            return np.asarray(mean * shape / self.span)
        shifted = np.repeat(shape, len(z), axis=0) if len(shape) < len(z) else shape.copy()
        shifted[:, :1] += mean
        return shifted / self.span

    def slopes(self, z: Array) -> Array:
        """Derivatives of the features at one point, shape (k, 1 or 2)."""
        if self.scalar:
            return np.ones((1, 1))
        (mean, by_mean), shape, by_cv = self._mean(z), self._shape(z)[0], self._shape(z, 1)[0]
        columns = []
        if isinstance(self.entry.mean, Dimension):
            columns.append(by_mean * (np.eye(1, len(shape))[0] if self.entry.log else shape))
        if isinstance(self.entry.cv, Dimension):
            columns.append(by_cv if self.entry.log else float(np.squeeze(mean)) * by_cv)
        return np.column_stack(columns) / self.span


@dataclass(frozen=True)
class QuantileFeatures:
    """Euclidean coordinates of the distributions of a space; never changed, equal if the entries are.

    Distances between features are 2-Wasserstein distances, divided by `spans`: of the logarithms where the entry is
    logarithmic. A scalar is its coordinate in [0, 1].

    Attributes
    ----------
    entries : tuple of Entry
        The searched entries, one group of features each.
    """

    entries: tuple[Entry, ...]
    _kept: dict[tuple[str, int, bytes], Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_space(cls, space: Space) -> QuantileFeatures:
        """The features of a space's searched entries."""
        return cls(tuple(e for e in space.entries if e.dimensions))

    @cached_property
    def _groups(self) -> tuple[_Group, ...]:
        first = np.cumsum([0, *(len(e.dimensions) for e in self.entries)])
        return tuple(_Group(e, int(i)) for e, i in zip(self.entries, first[:-1], strict=True))

    @property
    def dimensions(self) -> int:
        """Coordinates of a point."""
        return sum(len(e.dimensions) for e in self.entries)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the entries, in the order of the length scales."""
        return tuple(e.name for e in self.entries)

    @property
    def spans(self) -> tuple[float, ...]:
        """What the distances of each group are divided by, so that the searched range is about 1 long."""
        return tuple(g.span for g in self._groups)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Features of each group."""
        middle = np.full((1, self.dimensions), 0.5)
        return tuple(g.features(middle[:, g.columns]).shape[1] for g in self._groups)

    def check(self, z: ArrayLike) -> Array:
        """The points as an array of shape (n, dimensions).

        Raises
        ------
        HeteroError
            If they are not in the unit cube, or of another dimension.
        """
        points = np.atleast_2d(np.asarray(z, dtype=float))
        if points.ndim != 2 or points.shape[1] != self.dimensions:
            raise HeteroError(f"points must have {self.dimensions} coordinates, got an array of shape {points.shape}")
        if not ((points >= -1e-6) & (points <= 1 + 1e-6)).all():  # splines mean nothing far outside
            raise HeteroError(f"points must lie in [0, 1], got {points.min():g} .. {points.max():g}: use Space.unit")
        return points

    def __call__(self, z: ArrayLike) -> Array:
        """Features of points of the unit cube: from shape (n, dimensions) to (n, sum of `sizes`), group by group."""
        points = self.check(z)
        return np.hstack([g.features(points[:, g.columns]) for g in self._groups])

    def split(self, features: Array) -> list[Array]:
        """Features apart by group."""
        return np.split(features, np.cumsum(self.sizes)[:-1], axis=1)

    def jacobian(self, z: ArrayLike) -> tuple[Array, Array]:
        """Features of one point, shape (features,), and their derivatives, shape (features, dimensions)."""
        point = self.check(z)
        slopes = np.zeros((sum(self.sizes), self.dimensions))
        rows = np.cumsum([0, *self.sizes])
        for g, first, last in zip(self._groups, rows, rows[1:], strict=False):
            slopes[first:last, g.columns] = g.slopes(point[:1, g.columns])
        return self(point[:1])[0], slopes

    def _keep(self, what: str, points: Array, make: Callable[[Array], Array]) -> Array:
        """Compute once what is asked for again and again; the least recently used goes first."""
        key = (what, points.shape[0], points.tobytes())
        found = self._kept.pop(key, None)
        if found is None:
            found = make(points)
            found.flags.writeable = False
        self._kept[key] = found
        for old in list(self._kept)[:-_KEEP]:
            self._kept.pop(old, None)
        return found

    def kept(self, z: ArrayLike) -> Array:
        """As calling it, for points that every candidate meets: kept, and so read-only."""
        return self._keep("features", self.check(z), self)

    def squares(self, z: ArrayLike) -> Array:
        """Squared distances of the points by group, shape (groups, n, n); kept, and so read-only.

        They do not depend on the length scales, which a fit changes hundreds of times.
        """

        def compute(points: Array) -> Array:
            return np.array([squareform(pdist(f, "sqeuclidean")) for f in self.split(self(points))])

        return self._keep("squares", self.check(z), compute)

    def __deepcopy__(self, memo: Any) -> QuantileFeatures:
        return self  # scikit-learn copies a kernel's parameters; tables and kept points are worth sharing

    def __reduce__(self) -> Any:
        return QuantileFeatures, (self.entries,)
