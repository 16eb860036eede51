"""Kernel of a Gaussian process over distributions: Matérn 5/2 of the 2-Wasserstein distance.

On quantile features W2 is a Euclidean distance, so a kernel that is positive definite there is so on distributions.
The mean and the cv of a distribution share one length scale, since they move one thing; what a change of the cv is
worth follows from the distance and is not fitted.

References
----------
Bachoc, Gamboa, Loubes and Venet, IEEE Transactions on Information Theory 64, 2018, arXiv:1701.09055 (Gaussian processes
indexed by distributions). Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equation 4.17.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist, pdist, squareform

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.searching.quantiles import QuantileFeatures
from hetero_rsnn.searching.space import Space

try:
    from sklearn.gaussian_process.kernels import Hyperparameter, NormalizedKernelMixin
    from skopt.learning.gaussian_process.kernels import Kernel
except ImportError as error:
    raise ImportError(
        f"the search needs scikit-optimize, which cannot be imported ({error}): pip install --upgrade scikit-optimize"
    ) from error

__all__ = ["BOUNDS", "QuantileFeatures", "WassersteinMatern", "wasserstein_matern"]
#: Bounds of the length scales, in units of what an entry spans.
BOUNDS = (0.05, 20.0)
#: More points than this are no training set: their distances are not kept apart by group.
LARGE = 1000


class WassersteinMatern(NormalizedKernelMixin, Kernel):  # type: ignore[misc]
    """Matérn 5/2 kernel on the quantile features of a space, for scikit-optimize's Gaussian process.

    With ``d^2`` the sum over the entries of ``(W2 / length scale)^2``, and ``s = sqrt(5) d``:
    ``k = (1 + s + s^2 / 3) exp(-s)``.

    Parameters
    ----------
    features : QuantileFeatures
        From the unit cube to distributions.
    length_scale : float or array, shape (groups,)
        In units of `QuantileFeatures.spans`. A float is shared by all groups.
    length_scale_bounds : pair of floats, array of shape (groups, 2), or "fixed"
    """

    def __init__(
        self,
        features: QuantileFeatures,
        length_scale: float | Array = 1.0,
        length_scale_bounds: tuple[float, float] | Array | str = BOUNDS,
    ) -> None:
        # As scikit-learn's clone wants it: kept as given, and looked at when used.
        self.features = features
        self.length_scale = length_scale
        self.length_scale_bounds = length_scale_bounds

    @property
    def anisotropic(self) -> bool:
        """Whether every group has a length scale of its own."""
        return np.size(self.length_scale) > 1

    @property
    def hyperparameter_length_scale(self) -> Any:
        """What a fit may change, as scikit-learn describes it."""
        count = (np.size(self.length_scale),) if self.anisotropic else ()
        return Hyperparameter("length_scale", "numeric", self.length_scale_bounds, *count)

    def _scales(self) -> Array:
        scales = np.ravel(np.asarray(self.length_scale, dtype=float))
        groups = self.features.groups
        if scales.size not in (1, len(groups)):
            raise HeteroError(f"length_scale must hold 1 or {len(groups)} numbers, got {scales.size}")
        if not (scales > 0).all():
            raise HeteroError(f"length_scale must be > 0, got {self.length_scale}")
        return np.broadcast_to(scales, len(groups))

    def _widths(self) -> Array:
        """Length scale of every feature."""
        return np.repeat(self._scales(), self.features.sizes)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """Kernel matrix and, if asked, its derivative with respect to the logarithms of the length scales.

        Parameters
        ----------
        X : array, shape (n, dimensions)
            Points of the unit cube.
        Y : array, shape (m, dimensions), optional
            Left out: `X`.
        eval_gradient : bool
            Only without `Y`.

        Returns
        -------
        k : ndarray, shape (n, m)
        gradient : ndarray, shape (n, n, length scales)
            With `eval_gradient` only.

        Raises
        ------
        HeteroError
            If points are outside the unit cube or of another dimension.
        """
        if Y is not None:
            if eval_gradient:
                raise HeteroError("the gradient of the kernel needs Y = None: leave Y out")
            widths = self._widths()
            # Differences, not |a|^2 + |b|^2 - 2ab: equal points get k = 1 exactly, and features are few.
            left, right = self.features(X), self.features.kept(Y)
            return _matern(np.sqrt(5.0) * cdist(left / widths, right / widths))
        if not eval_gradient and len(np.atleast_2d(X)) > LARGE:
            return _matern(np.sqrt(5.0) * squareform(pdist(self.features(X) / self._widths())))
        inverse = self._scales() ** -2.0
        squares = self.features.squares(X)
        s = np.sqrt(5.0 * np.tensordot(inverse, squares, axes=1))
        if not eval_gradient:
            return _matern(s)
        if self.hyperparameter_length_scale.fixed:
            return _matern(s), np.empty((*s.shape, 0))
        parts = np.moveaxis(squares, 0, 2) * inverse
        if not self.anisotropic:
            parts = parts.sum(axis=2, keepdims=True)
        return _matern(s), 5 / 3 * ((1 + s) * np.exp(-s))[:, :, None] * parts

    def gradient_x(self, x: ArrayLike, X_train: ArrayLike) -> Array:
        """Derivative of ``k(x, X_train)`` with respect to the point `x`; returns shape (n, dimensions).

        Parameters
        ----------
        x : array, shape (dimensions,) or (1, dimensions)
            scikit-optimize's product of kernels hands the latter.
        X_train : array, shape (n, dimensions)
        """
        widths = self._widths()
        here, slopes = self.features.jacobian(np.ravel(np.asarray(x, dtype=float)))
        difference = (here - self.features.kept(X_train)) / widths
        s = math.sqrt(5.0) * np.linalg.norm(difference, axis=1)
        return np.asarray(-5 / 3 * ((1 + s) * np.exp(-s))[:, None] * (difference @ (slopes / widths[:, None])))

    def is_stationary(self) -> bool:
        """False: it depends on the difference of features, not on that of points."""
        return False

    def __repr__(self) -> str:
        pairs = zip(self.features.groups, self._scales(), strict=True)
        named = ", ".join(f"{name}={x:.3g}" for name, x in pairs)
        return f"WassersteinMatern({named})"


def _matern(s: Array) -> Array:
    return np.asarray((1 + s + s * s / 3) * np.exp(-s))


def wasserstein_matern(
    space: Space, *, length_scale: float = 1.0, bounds: tuple[float, float] = BOUNDS
) -> WassersteinMatern:
    """The kernel of a space with a length scale for every searched entry.

    Parameters
    ----------
    space : Space
    length_scale : float
        Where a fit begins, in units of what an entry spans.
    bounds : pair of floats
        Of every length scale.
    """
    features = QuantileFeatures.from_space(space)
    return WassersteinMatern(features, np.full(len(features.entries), float(length_scale)), bounds)
