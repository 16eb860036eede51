"""One Gaussian process for one measured quantity, cheap to extend while a batch is put together.

Hyperparameters are fitted by scikit-optimize's regressor; predictions are made here, from a Cholesky factor, because a
batch needs many small changes of the data under the same hyperparameters.

Two choices are ours. Hyperparameters maximise the likelihood times a broad prior around where the fit begins (the
logarithms of the length scales have a standard deviation of 1), since a dozen of them are otherwise overfitted to a few
dozen trials. The noise of a trial is known from its seeds and enters the diagonal of the kernel matrix trial by trial;
a white kernel on top takes what the seeds do not explain, which with one seed is all of it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from skopt.learning import GaussianProcessRegressor
from skopt.learning.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from hetero_rsnn.common.types import Array
from hetero_rsnn.searching.space import Space
from hetero_rsnn.searching.wasserstein import BOUNDS, wasserstein_matern

KERNELS = ("wasserstein", "matern")
#: A fit is repeated when the trials have grown by this factor: between, a trial more changes little.
GROWTH = 1.2
#: Added to the diagonal, in units of the variance of the data.
_JITTER = 1e-6
#: Standard deviations of the prior of the logarithms of the signal's variance, the length scales, and the noise.
_PRIOR = (1.0, 1.0, 2.0)
#: Where a thorough fit begins too: length scales in units of the usual ones, and the noise.
_SHORT, _LITTLE = 0.3, 1e-3


def distance_kernel(name: str, space: Space) -> Any:
    """The kernel of a method: on distributions, or scikit-optimize's Matérn 5/2 on the coordinates."""
    if name == "wasserstein":
        return wasserstein_matern(space)
    return Matern(np.ones(len(space.dimensions)), [BOUNDS] * len(space.dimensions), nu=2.5)


class Surrogate:
    """What the trials say about a quantity at any point of the unit cube.

    Parameters
    ----------
    kernel : skopt kernel
        Correlation of two points.
    thorough : bool
        Begin a fit also from short length scales and little noise: a curve with humps looks like noise from where the
        prior is highest. A search does not, since its candidates rest on its fits.
    """

    def __init__(self, kernel: Any, thorough: bool = False) -> None:
        self._thorough = thorough
        self._kernel = ConstantKernel(1.0, (0.05, 20.0)) * kernel + WhiteKernel(0.05, (1e-4, 1.0))
        self._fitted = 0  # number of trials at the last fit
        self._signal: Any = None
        self._white = 0.0
        self._shift, self._scale = 0.0, 1.0
        self._z = self._y = self._noise = np.empty(0)

    def update(self, z: Array, y: Array, noise: Array) -> None:
        """Take in all trials.

        Parameters
        ----------
        z : ndarray, shape (trials, dimensions)
        y : ndarray, shape (trials,)
        noise : ndarray, shape (trials,)
            Variance of each value, as far as it is known.
        """
        self._shift, self._scale = float(y.mean()), float(y.std()) or 1.0
        self._z, self._y = z, (y - self._shift) / self._scale
        self._noise = noise / self._scale**2 + _JITTER
        if len(y) >= GROWTH * self._fitted:
            self._fit()
            self._fitted = len(y)
        self._noise = self._noise + self._white
        self._factor()

    def _fit(self) -> None:
        regressor = GaussianProcessRegressor(
            self._kernel, alpha=self._noise, optimizer=self._most_probable, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length scale at its bound is an entry that does not matter
            regressor.fit(self._z, self._y)
        self._signal, self._white = regressor.kernel_.k1, float(regressor.kernel_.k2.noise_level)
        self._last = regressor.kernel_.theta

    def _most_probable(
        self, loss: Callable[[Array], tuple[float, Array]], start: Array, bounds: Array
    ) -> tuple[Array, float]:
        """Minimise the loss plus the prior's, from the prior's centre and from the last fit."""
        width = np.repeat(_PRIOR, (1, len(start) - 2, 1))

        def total(theta: Array) -> tuple[float, Array]:
            value, slope = loss(theta)
            away = (theta - start) / width
            return value + float(away @ away) / 2, slope + away / width

        starts = [start] if not self._fitted else [self._last, start]
        if self._thorough:
            starts.append(np.concatenate([start[:1], start[1:-1] + math.log(_SHORT), [math.log(_LITTLE)]]))
        limits = [(float(low), float(high)) for low, high in bounds]
        found = [minimize(total, x, method="L-BFGS-B", jac=True, bounds=limits) for x in starts]
        best = min(found, key=lambda result: float(result.fun))
        return best.x, float(best.fun)

    def _factor(self) -> None:
        self._low = cholesky(self._signal(self._z) + np.diag(self._noise), lower=True)
        self._weights = solve_triangular(
            self._low, solve_triangular(self._low, self._y, lower=True), lower=True, trans="T"
        )

    def believe(self, z: Array) -> None:
        """Take a point for a trial that gave what was expected: the mean stays, the doubt around it goes."""
        value = self.predict(z[None])[0]
        self._z = np.vstack([self._z, z])
        self._y = np.append(self._y, (value - self._shift) / self._scale)
        self._noise = np.append(self._noise, np.median(self._noise))
        self._factor()

    def predict(self, z: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the quantity (without the noise) at points, each of shape (points,)."""
        cross = self._signal(z, self._z)
        inner = solve_triangular(self._low, cross.T, lower=True)
        variance = np.maximum(self._signal.diag(z) - (inner**2).sum(axis=0), 1e-10)
        return self._shift + self._scale * (cross @ self._weights), self._scale * np.sqrt(variance)

    def average(self, z: Array) -> tuple[float, float]:
        """Mean and variance of the quantity's average over points; `predict` has no covariances."""
        inner = solve_triangular(self._low, self._signal(z, self._z).T, lower=True).mean(axis=1)
        variance = float(self._signal(z).mean() - inner @ inner)
        return float(self.predict(z)[0].mean()), max(variance, 0.0) * self._scale**2

    @property
    def unexplained(self) -> float:
        """Variance of the quantity that neither the points nor the known noise explain."""
        return self._white * self._scale**2

    def draws(self, z: Array, normal: Array) -> Array:
        """Functions that the trials allow, at points of shape (n, dimensions), from normal numbers of shape (n, draws).

        Needs a Cholesky factor of the covariance of all the points, so some hundred of them.
        """
        inner = solve_triangular(self._low, self._signal(z, self._z).T, lower=True)
        covariance = self._signal(z) - inner.T @ inner + _JITTER * np.eye(len(z))
        return self.predict(z)[0][:, None] + self._scale * (cholesky(covariance, lower=True) @ normal)
