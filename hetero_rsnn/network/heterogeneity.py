"""How much heterogeneity drawn parameters hold: the measure H."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array


@dataclass(frozen=True)
class Heterogeneity:
    """Amount of heterogeneity of a set of parameters.

    Attributes
    ----------
    determinant : float
        Determinant of the covariance matrix of the log parameters; 0 if one of them is homogeneous.
    entropy : float
        ``H = 1/2 log det Cov`` in nats; minus infinity for a homogeneous set.
    names : tuple of str
        The parameters, in the order of `covariance`.
    covariance : ndarray, shape (parameters, parameters)
        Covariance of the log parameters.
    """

    determinant: float
    entropy: float
    names: tuple[str, ...]
    covariance: Array


def heterogeneity(parameters: Mapping[str, ArrayLike] | Sequence[ArrayLike], *, log: bool = True) -> Heterogeneity:
    """Measure the heterogeneity of sampled parameters.

    Parameters
    ----------
    parameters : mapping of str to array, each of shape (n,)
        The value of each parameter for every neuron (or every synapse).
    log : bool
        Take logarithms first (positive parameters only), so that units do not matter.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    HeteroError
        If lengths differ, a value is not finite, or one is not positive while `log` is set.

    References
    ----------
    B. Chakraborty and S. Mukhopadhyay, ICLR 2023, arXiv:2302.11618: the differential entropy of the parameters is at
    most that of a normal distribution of the same covariance, 1/2 log det Cov plus a constant.
    """
    if not isinstance(parameters, Mapping):
        parameters = {f"p{i}": p for i, p in enumerate(parameters)}
    names = tuple(parameters)
    columns = [checks.real_array(str(name), p, empty=True).ravel() for name, p in parameters.items()]
    if not columns or len({c.size for c in columns}) != 1 or columns[0].size < 2:
        raise HeteroError(
            "heterogeneity needs parameters of one length >= 2, "
            f"got {dict(zip(names, map(np.size, columns), strict=True))}"
        )
    if not all(np.isfinite(c).all() for c in columns):
        raise HeteroError("heterogeneity needs finite values, got NaN or infinity: leave those neurons or synapses out")
    if log and any((c <= 0).any() for c in columns):
        raise HeteroError("heterogeneity takes logarithms, but a parameter is not > 0: use log=False")
    data = np.log(columns) if log else np.array(columns)
    for row in data:
        if np.ptp(row) == 0:
            row[:] = 0.0  # the mean of equal numbers is rounded; their variance is 0 all the same
    covariance = np.atleast_2d(np.cov(data))
    determinant = float(max(np.linalg.det(covariance), 0.0))
    return Heterogeneity(determinant, 0.5 * math.log(determinant) if determinant > 0 else -math.inf, names, covariance)
