"""What a search learned about one number: its models, refitted on all trials, averaged over the other numbers.

As in the search itself, the logarithms of C and of S are modelled, and that of E is their difference. The average of a
Gaussian process over points is normal too, and its variance is the mean of their covariances. The band is that one: how
well the averaged curve is known, not how far candidates scatter around it. On the scale of C, S or E the curve is a
geometric mean.

References
----------
Friedman, Annals of Statistics 29, 2001, section 8.2 (partial dependence).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.searching.optimiser import log_means
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.surrogate import Surrogate, distance_kernel

if TYPE_CHECKING:
    from hetero_rsnn.searching.result import SearchResult

#: Fewer trials than this show nothing of a curve.
FEWEST = 5
#: Points over which the other numbers are averaged: a power of 2, as Sobol's sequence wants it.
AVERAGED = 64
#: Points along the curve.
GRID = 33
#: Points along each side of a surface.
SIDE = 17
#: How often log C and log S count in the logarithm of a quantity.
_PARTS = {"C": (1, 0), "S": (0, 1), "E": (1, -1)}


@dataclass(frozen=True)
class PartialDependence:
    """A quantity over one dimension, averaged over the others.

    Attributes
    ----------
    name, quantity : str
    x, mean, low, high : ndarray, shape (points,)
        `x` in the unit of the dimension (milliseconds for times); `low` and `high` bound the 95 % band.
    """

    name: str
    quantity: str
    x: Array
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Surface:
    """A quantity over two dimensions, averaged over the others.

    Attributes
    ----------
    names : pair of str
    quantity : str
    x, y : ndarray, shape (points,)
        In the units of the dimensions (milliseconds for times).
    mean : ndarray, shape (points of y, points of x)
    """

    names: tuple[str, str]
    quantity: str
    x: Array
    y: Array
    mean: Array


class Models:
    """The models of log C and log S, over distributions, fitted to the trials of a search.

    Parameters
    ----------
    space : Space
    points : sequence of points
    values : sequence of arrays, each of shape (2, seeds)
        C and S of every seed.

    Raises
    ------
    HeteroError
        If there are fewer than `FEWEST` points.
    """

    def __init__(self, space: Space, points: Sequence[Sequence[float]], values: Sequence[Array]) -> None:
        if len(points) < FEWEST:
            raise HeteroError(f"a model needs {FEWEST} measured trials, got {len(points)}: let the search go on")
        self.space = space
        z = np.array([space.unit(p) for p in points])
        self.models = [Surrogate(distance_kernel("wasserstein", space), thorough=True) for _ in range(2)]
        with threadpool_limits(1):  # threads cost more than such small matrices do
            for model, y, noise in zip(self.models, *log_means(list(values)), strict=True):
                model.update(z, y, noise)

    def average(self, z: Array, quantity: str = "E") -> tuple[float, float]:
        """Logarithm of a quantity, averaged over points, shape (n, dimensions); and the standard deviation of that."""
        mean, variance = 0.0, 0.0
        for model, sign in zip(self.models, _PARTS[quantity], strict=True):
            if sign:
                m, v = model.average(z)
                mean, variance = mean + sign * m, variance + v
        return mean, math.sqrt(variance)

    def unexplained(self, quantity: str = "E") -> float:
        """Variance of a quantity's logarithm that neither the searched numbers nor the known noise explain."""
        return sum(sign**2 * model.unexplained for model, sign in zip(self.models, _PARTS[quantity], strict=True))

    def draws(self, z: Array, normal: Array, quantity: str = "E") -> Array:
        """Logarithms of a quantity as the trials allow them, shape (n, draws).

        Parameters
        ----------
        z : ndarray, shape (n, dimensions)
        normal : ndarray, shape (2, n, draws)
            Independent normal numbers for the models of C and of S.
        quantity : {"E", "C", "S"}
        """
        if quantity not in _PARTS:
            raise HeteroError(f"the search has no quantity {quantity!r}{suggest(quantity, list(_PARTS))}")
        total = np.zeros(normal.shape[1:])
        with threadpool_limits(1):
            for model, sign, x in zip(self.models, _PARTS[quantity], normal, strict=True):
                if sign:
                    total += sign * model.draws(z, x)
        return total

    def partial(self, name: str, quantity: str = "E") -> PartialDependence:
        """A quantity over one dimension, averaged over the others by quasi-random points.

        Parameters
        ----------
        name : str
            Of the dimension, e.g. ``"E.tau_m.cv"``.
        quantity : {"E", "C", "S"}

        Raises
        ------
        HeteroError
            If the space has no such dimension, or the quantity is unknown.
        """
        (column,) = self._columns([name], quantity)
        others = self._others()
        if others.shape[1] == 1:
            others = others[:1]
        z = np.linspace(0.0, 1.0, GRID)
        curve = np.empty((3, GRID))
        with threadpool_limits(1):
            for i, here in enumerate(z):
                points = others.copy()
                points[:, column] = here
                mean, sd = self.average(points, quantity)
                curve[:, i] = np.exp([mean, mean - 1.96 * sd, mean + 1.96 * sd])
        x = np.array([self.space.dimensions[column].from_unit(float(here)) for here in z])
        return PartialDependence(name, quantity, x, *curve)

    def surface(self, x: str, y: str, quantity: str = "E") -> Surface:
        """A quantity over two dimensions, averaged over the others by quasi-random points, without its band.

        Parameters
        ----------
        x, y : str
            Of the dimensions, e.g. ``"E.tau_m.mean"``.
        quantity : {"E", "C", "S"}

        Raises
        ------
        HeteroError
            If the space has no such dimension, both are one, or the quantity is unknown.
        """
        if x == y:
            raise HeteroError(f"a surface needs two dimensions, got {x!r} twice", fix="name another one")
        columns = self._columns([x, y], quantity)
        others = self._others()
        if others.shape[1] == 2:
            others = others[:1]
        z = np.linspace(0.0, 1.0, SIDE)
        mean = np.zeros((SIDE, SIDE))
        with threadpool_limits(1):
            for i, along in enumerate(z):  # a line at a time: all points at once would take hundreds of MB
                points = np.tile(others, (SIDE, 1))
                points[:, columns[0]] = np.repeat(z, len(others))
                points[:, columns[1]] = along
                for model, sign in zip(self.models, _PARTS[quantity], strict=True):
                    if sign:
                        mean[i] += sign * model.predict(points)[0].reshape(SIDE, -1).mean(axis=1)
        across, up = (np.array([self.space.dimensions[c].from_unit(float(here)) for here in z]) for c in columns)
        return Surface((x, y), quantity, across, up, np.exp(mean))

    def _columns(self, wanted: Sequence[str], quantity: str) -> list[int]:
        names = [d.name for d in self.space.dimensions]
        asked = [*((name, names, "dimension") for name in wanted), (quantity, list(_PARTS), "quantity")]
        for word, known, what in asked:
            if word not in known:
                raise HeteroError(f"the search has no {what} {word!r}{suggest(word, known)}")
        return [names.index(name) for name in wanted]

    def _others(self) -> Array:
        """Points that are averaged over."""
        return np.asarray(qmc.Sobol(len(self.space.dimensions), scramble=False).random(AVERAGED))


def fit_models(result: SearchResult) -> Models | None:
    """The models of C and S, refitted on all measured trials; None while there are too few."""
    found = [(t.values, t.evaluation) for t in result.trials if t.evaluation is not None]
    if len(found) < FEWEST:
        return None
    values = [np.array([e.per_seed["C"], e.per_seed["S"]]) for _, e in found]
    return Models(result.space, [point for point, _ in found], values)
