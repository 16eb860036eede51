"""Where soft-bound STDP takes a weight, and how fast, if the two neurons fire independently.

Weights are stated as a share x of the way from w_min to w_max. Each pair of spikes potentiates by
``eta_plus (1 - x)^mu`` or depresses by ``eta_minus x^mu`` times its trace, so that on average
``dx/dt = p (1 - x)^mu - d x^mu`` with ``p = rate_pre rate_post eta_plus tau_plus`` and d likewise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array


@dataclass(frozen=True, eq=False)
class WeightDrift:
    """Mean drift of synapses; what `weight_drift` returns. Arrays have the broadcast shape of the parameters.

    Attributes
    ----------
    potentiation, depression : ndarray
        p and d, in 1/ms.
    mu : float
        Exponent of the soft bounds.
    settled : ndarray
        Fixed point x* of the drift; NaN where nothing moves.
    time : ndarray
        Relaxation time of small deviations from it, in ms; for mu = 1 of all deviations. Infinite where nothing moves.
    """

    potentiation: Array
    depression: Array
    mu: float
    settled: Array
    time: Array

    def at(self, t: ArrayLike, start: ArrayLike) -> Array:
        """Mean weight after the time `t` (ms) from `start`: ``x* + (start - x*) exp(-t / time)``; mu = 1 only."""
        if self.mu != 1:
            raise HeteroError(f"the course of a weight has a closed form for mu = 1 only, got mu = {self.mu:g}")
        x, t = checks.finite_array("start", start), checks.finite_array("t", t)
        rest = np.where(np.isnan(self.settled), x, self.settled)
        with np.errstate(invalid="ignore"):
            left = np.exp(-t / self.time)
        return np.asarray(rest + (x - rest) * left)


def weight_drift(
    eta_plus: ArrayLike, eta_minus: ArrayLike, tau_plus: ArrayLike, tau_minus: ArrayLike, rate_pre: ArrayLike,
    rate_post: ArrayLike, *, mu: float = 1.0, dt: float = 0.0,
) -> WeightDrift:  # fmt: skip
    """Mean drift of a plastic synapse between independent Poisson neurons.

    For mu > 0 the fixed point is ``x* = 1 / (1 + (d / p)^(1 / mu))``: for mu = 1 ``p / (p + d)``, which does not depend
    on the rates, with the relaxation time ``1 / (p + d)``, which does. For mu = 0 weights go to a bound.

    Parameters
    ----------
    eta_plus, eta_minus : array
        Learning rates, of shares of w_max - w_min. Those of a draw are, for mu = 1 and w_min = 0.
    tau_plus, tau_minus : array
        In ms.
    rate_pre, rate_post : array
        In Hz.
    mu : float
        In [0, 1], one for all.
    dt : float
        Grid step in ms. On the grid a pair in one step potentiates and does not depress, so that tau_plus acts as
        ``dt / (1 - exp(-dt / tau_plus))`` and tau_minus as ``dt / (exp(dt / tau_minus) - 1)``: half a step more, or
        less.

    Returns
    -------
    WeightDrift

    Raises
    ------
    HeteroError
        If a parameter is negative or not finite, or mu is not one number in [0, 1].

    Notes
    -----
    *Range.* Spikes that are Poisson and independent of each other: weak synapses, irregular neurons; small learning
    rates (eta times the number of spikes within a time constant, against 1). What a source's spike does to its target's
    next one adds to p, and correlations that neurons share add to both.

    References
    ----------
    R. Kempter, W. Gerstner, J. L. van Hemmen, Phys. Rev. E 59, 1999. R. Gütig, R. Aharonov, S. Rotter, H. Sompolinsky,
    J. Neurosci. 23, 2003. A. Morrison, M. Diesmann, W. Gerstner, Biol. Cybern. 98, 2008.
    """
    names = ("eta_plus", "eta_minus", "tau_plus", "tau_minus", "rate_pre", "rate_post")
    given = (eta_plus, eta_minus, tau_plus, tau_minus, rate_pre, rate_post)
    values = [checks.finite_array(name, x) for name, x in zip(names, given, strict=True)]
    for name, value in zip(names, values, strict=True):
        if (value < 0).any():
            raise HeteroError(f"{name} must be >= 0, got {value.min():g}: change it")
    mu, dt = checks.real("mu", mu, least=0.0), checks.real("dt", dt, least=0.0)
    if mu > 1:
        raise HeteroError(f"mu must be in [0, 1], got {mu:g}: change it")
    plus, minus, t_plus, t_minus, pre, post = np.broadcast_arrays(*values)
    if dt > 0:
        with np.errstate(over="ignore", divide="ignore"):  # a trace that does not last a step depresses nothing
            t_plus, t_minus = dt / -np.expm1(-dt / t_plus), dt / np.expm1(dt / t_minus)
    pairs = pre * post * 1e-6
    p, d = pairs * plus * t_plus, pairs * minus * t_minus
    with np.errstate(divide="ignore", invalid="ignore"):
        if mu == 0:
            settled = np.where(p > d, 1.0, np.where(p < d, 0.0, np.nan))
            time = np.full(settled.shape, np.inf)  # no relaxation: a constant drift up to the bound
        else:
            settled = special.expit((np.log(p) - np.log(d)) / mu)
            slope = mu * (p * (1 - settled) ** (mu - 1) + d * settled ** (mu - 1))
            time = np.where(np.isfinite(slope), 1 / np.where(slope > 0, slope, np.nan), 0.0)
            time = np.where(np.isnan(settled), np.inf, time)
    return WeightDrift(p, d, float(mu), settled, time)


def mean_logistic(mean: ArrayLike, sd: ArrayLike, *, nodes: int = 64) -> Array:
    """E[1 / (1 + exp(-z))] for normal z: mean settled weight where ``z = log p - log d`` is spread (mu = 1).

    Gauss-Hermite quadrature; the error is below 1e-4 for sd up to 4. A spread pulls the mean towards 1/2.

    Parameters
    ----------
    mean, sd : array
    nodes : int

    Returns
    -------
    ndarray

    References
    ----------
    M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 1964, 25.4.46.
    """
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    mean, sd = checks.finite_array("mean", mean), checks.finite_array("sd", sd)
    z = mean[..., None] + sd[..., None] * x
    return np.asarray((special.expit(z) * w).sum(axis=-1) / w.sum())
