"""Firing rate and regularity of one leaky integrate-and-fire neuron, under constant drive and under noise.

Conventions: times in ms, rates in Hz, potentials and currents in units of rest to threshold. A noisy current with the
autocovariance c(t) is described by its *intensity* A, the integral of c over all t (ms): white noise of that intensity
gives ``tau_m dv = (drive - v) dt + sqrt(A) dW``, whose free potential has the variance ``A / (2 tau_m)``. Brunel's
sigma, by which he divides potentials, is ``sqrt(A / tau_m)``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array

#: sqrt(2) |zeta(1/2)|: how far noise with a memory moves the threshold (Brunel and Sergi).
ALPHA = math.sqrt(2.0) * 1.4603545088095868
#: Beyond this many standard deviations below threshold a neuron counts as silent: its rate is below 1e-100 Hz.
_FAR = 15.0


def dead_time(t_ref: ArrayLike, dt: float) -> Array:
    """Time after a spike in which a potential stands still, as it is on a grid; `t_ref` itself for ``dt = 0``.

    The spike's own step ends with the reset, so that of the steps of `t_ref` (rounded down) one less is lost.
    """
    t, dt = checks.finite_array("t_ref", t_ref), checks.real("dt", dt, least=0.0)
    _at_least_zero("t_ref", t)
    if dt == 0:
        return t
    return np.asarray(np.maximum(np.floor((t + 1e-3 * dt) / dt) - 1.0, 0.0) * dt)


def lif_rate(
    drive: ArrayLike, tau_m: ArrayLike, *, v_th: ArrayLike = 1.0, v_reset: ArrayLike = 0.0, t_ref: ArrayLike = 2.0,
    dt: float = 0.0,
) -> Array:  # fmt: skip
    """Rate of a leaky integrate-and-fire neuron under a constant drive, exactly.

    ``1 / (t_ref + tau_m log((drive - v_reset) / (drive - v_th)))`` above threshold, 0 below. All arguments broadcast.

    Parameters
    ----------
    drive : array
        Sum of v_rest and all currents.
    tau_m, t_ref : array
        In ms.
    v_th, v_reset : array
    dt : float
        On a grid of this step (ms) a spike waits for the next step above threshold, and of `t_ref` (rounded down to the
        grid) one step less is lost. 0 for continuous time.

    Returns
    -------
    ndarray
        In Hz.

    Raises
    ------
    HeteroError
        If a value is not finite, a time negative, tau_m 0, or v_th not above v_reset. An infinite v_th is that of a
        neuron that never fires.

    Notes
    -----
    *Range.* Exact for constant drive. With a drive that fluctuates it holds where the fluctuation within an
    inter-spike interval is small against ``drive - v_th``.

    References
    ----------
    W. Gerstner, W. M. Kistler, R. Naud, L. Paninski, "Neuronal Dynamics", Cambridge 2014, section 1.3. The correction
    for the grid is our own.
    """
    mu, tau, th, reset, ref = neuron_values(drive=drive, tau_m=tau_m, v_th=v_th, v_reset=v_reset, t_ref=t_ref)
    dt = checks.real("dt", dt, least=0.0)
    above = mu > th
    ratio = np.where(above, (mu - reset) / np.where(above, mu - th, 1.0), math.e)
    rise = tau * np.log(ratio)
    if dt > 0:
        rise = (np.floor(rise / dt) + 1.0) * dt
    return np.where(above, 1e3 / (dead_time(ref, dt) + rise), 0.0)


def siegert_rate(
    drive: ArrayLike, intensity: ArrayLike, tau_m: ArrayLike, *, v_th: ArrayLike = 1.0, v_reset: ArrayLike = 0.0,
    t_ref: ArrayLike = 2.0, tau_noise: ArrayLike = 0.0, dt: float = 0.0,
) -> Array:  # fmt: skip
    """Rate of a leaky integrate-and-fire neuron under a constant drive with noise (diffusion approximation).

    ``1 / (t_ref + tau_m sqrt(pi) int_{y_r}^{y_th} exp(x^2) (1 + erf(x)) dx)`` with ``y = (v - drive) / sigma`` and
    ``sigma = sqrt(intensity / tau_m)``. All arguments broadcast.

    Parameters
    ----------
    drive : array
        Mean of v_rest plus all currents.
    intensity : array
        Integral of the current's autocovariance, in ms. 0 gives `lif_rate`. For a sample-and-hold input ``var * hold``,
        for Poisson spikes through an exponential synapse ``(w * tau_syn)^2 * rate`` (rate in 1/ms).
    tau_m, t_ref : array
        In ms.
    v_th, v_reset : array
    tau_noise : array
        Correlation time of the noise (ms): threshold and reset are moved up by ``alpha / 2 sqrt(tau_noise / tau_m)``
        in units of sigma, alpha = sqrt(2) abs(zeta(1/2)). 0 for white noise.
    dt : float
        On a grid of this step (ms) a spike waits half a step on average, and one step of `t_ref` is not lost.

    Returns
    -------
    ndarray
        In Hz.

    Raises
    ------
    HeteroError
        As in `lif_rate`, and if `intensity` or `tau_noise` is negative.

    Notes
    -----
    *Range.* Exact for white noise in continuous time. Many small synaptic events against threshold minus reset. The
    correction for coloured noise is the first order in ``sqrt(tau_noise / tau_m)``: trust it below about 0.3. It is
    about noise that carries a neuron over threshold; a neuron driven well above threshold hardly feels it.

    References
    ----------
    A. J. F. Siegert, Phys. Rev. 81, 1951. L. M. Ricciardi, "Diffusion processes and related topics in biology", 1977.
    N. Brunel, V. Hakim, Neural Computation 11, 1999. N. Brunel, S. Sergi, J. Theor. Biol. 195, 1998 (coloured noise).
    """
    mu, a, tau, th, reset, ref, slow = neuron_values(
        drive=drive, intensity=intensity, tau_m=tau_m, v_th=v_th, v_reset=v_reset, t_ref=t_ref, tau_noise=tau_noise
    )
    noisy = a > 1e-12 * tau
    sigma = np.sqrt(np.where(noisy, a, tau) / tau)
    shift = 0.5 * ALPHA * np.sqrt(slow / tau)
    y_th, y_reset = (th - mu) / sigma + shift, (reset - mu) / sigma + shift
    silent = y_th > _FAR
    integral = _siegert_integral(np.where(silent, 0.0, y_reset), np.where(silent, 1.0, y_th))
    wait = dead_time(ref, dt) + 0.5 * dt
    with_noise = np.where(silent, 0.0, 1e3 / (wait + tau * math.sqrt(math.pi) * integral))
    if noisy.all():
        return with_noise
    return np.where(noisy, with_noise, lif_rate(mu, tau, v_th=th, v_reset=reset, t_ref=ref, dt=dt))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def _erfcx_between(low: Array, high: Array) -> Array:
    """Integral of exp(x^2) erfc(x) from low to high, both >= 0. It falls like 1/x: log(1 + x) is the fit variable."""
    a, b = np.log1p(low)[..., None], np.log1p(high)[..., None]
    s = (a + b) / 2 + (b - a) / 2 * _NODES
    return np.asarray((special.erfcx(np.expm1(s)) * np.exp(s) * _WEIGHTS).sum(axis=-1) * (b - a)[..., 0] / 2)


def _siegert_integral(low: Array, high: Array) -> Array:
    """Integral of exp(x^2) (1 + erf(x)) from low to high > low.

    Below 0 the integrand is exp(x^2) erfc(-x). Above 0 it is 2 exp(x^2) minus that of the mirrored point, and the
    integral of exp(x^2) is exp(x^2) times Dawson's function.
    """
    below = _erfcx_between(np.maximum(-high, 0.0), np.maximum(-low, 0.0))
    top, bottom = np.maximum(high, 0.0), np.maximum(low, 0.0)
    above = 2 * (np.exp(top**2) * special.dawsn(top) - np.exp(bottom**2) * special.dawsn(bottom))
    return np.asarray(below + above - _erfcx_between(bottom, top))


def quasi_static_rate(
    drive: ArrayLike, variance: ArrayLike, tau_m: ArrayLike, *, v_th: ArrayLike = 1.0, v_reset: ArrayLike = 0.0,
    t_ref: ArrayLike = 2.0, dt: float = 0.0,
) -> Array:  # fmt: skip
    """Rate under a drive that varies slowly: `lif_rate` averaged over a normal distribution of the drive.

    Parameters
    ----------
    drive, variance : array
        Mean and variance of the current, not of the potential.
    tau_m, t_ref : array
        In ms.
    v_th, v_reset : array
    dt : float
        Half a step of waiting is added; see `siegert_rate`.

    Returns
    -------
    ndarray
        In Hz.

    Raises
    ------
    HeteroError
        As in `lif_rate`, and if `variance` is negative.

    Notes
    -----
    *Range.* Correlation time of the noise long against the inter-spike interval: the opposite end of white noise.

    References
    ----------
    R. Moreno-Bote, N. Parga, Phys. Rev. Lett. 92, 028102, 2004 (the limit of slow synapses).
    """
    mu, var, tau, th, reset, ref = neuron_values(
        drive=drive, variance=variance, tau_m=tau_m, v_th=v_th, v_reset=v_reset, t_ref=t_ref
    )
    dt = checks.real("dt", dt, least=0.0)
    # Probability cells rather than Gauss-Hermite: the rate has an infinite slope at threshold.
    z = special.ndtri((np.arange(200) + 0.5) / 200)
    levels = mu[..., None] + np.sqrt(var)[..., None] * z
    wait = dead_time(ref, dt) + 0.5 * dt
    return np.asarray(
        lif_rate(levels, tau[..., None], v_th=th[..., None], v_reset=reset[..., None], t_ref=wait[..., None]).mean(-1)
    )


def isi_cv(
    drive: ArrayLike, intensity: ArrayLike, tau_m: ArrayLike, *, v_th: ArrayLike = 1.0, v_reset: ArrayLike = 0.0,
    t_ref: ArrayLike = 2.0,
) -> Array:  # fmt: skip
    """Coefficient of variation of the inter-spike intervals under white noise.

    ``CV^2 = 2 pi (rate tau_m)^2 int_{y_r}^{y_th} exp(x^2) int_{-inf}^x exp(z^2) (1 + erf(z))^2 dz dx``; arguments as
    in `siegert_rate`, 1 where the neuron is silent (rare spikes are a Poisson process).

    References
    ----------
    N. Brunel, J. Comput. Neurosci. 8, 2000, appendix A.1. H. C. Tuckwell, "Introduction to theoretical neurobiology",
    vol. 2, 1988.
    """
    mu, a, tau, th, reset, ref = neuron_values(
        drive=drive, intensity=intensity, tau_m=tau_m, v_th=v_th, v_reset=v_reset, t_ref=t_ref
    )
    nu = siegert_rate(mu, a, tau, v_th=th, v_reset=reset, t_ref=ref) / 1e3
    sigma = np.sqrt(np.maximum(a, 1e-12 * tau) / tau)
    y_th, y_reset = (th - mu) / sigma, (reset - mu) / sigma
    rare = y_th > 4.0
    y_th, y_reset = np.where(rare, 1.0, y_th), np.where(rare, 0.0, y_reset)
    a_, b_ = np.arcsinh(y_reset)[..., None], np.arcsinh(y_th)[..., None]
    s = (a_ + b_) / 2 + (b_ - a_) / 2 * _NODES
    x = np.sinh(s)[..., None]
    # Inner integral with exp(x^2) taken in, over the distance t = x - z, as far as it matters.
    reach = np.where(x > 0, x + 6.0, np.minimum(6.0, 20.0 / np.maximum(-x, 1e-9)))
    t = reach * (1 + _NODES) / 2
    inner = special.erfcx(t - x) ** 2 * np.exp(2 * x * t - t * t)
    summed = (inner * _WEIGHTS).sum(-1) * reach[..., 0] / 2
    double = (summed * np.cosh(s) * _WEIGHTS).sum(-1) * (b_ - a_)[..., 0] / 2
    return np.where(rare, 1.0, np.sqrt(2 * math.pi * double) * nu * tau)


def neuron_values(**values: ArrayLike) -> tuple[Array, ...]:
    """Parameters of neurons, checked and broadcast, in the order given."""
    arrays = {k: checks.finite_array(k, v, infinite=k == "v_th") for k, v in values.items()}
    for name in ("t_ref", "intensity", "variance", "tau_noise"):
        if name in arrays:
            _at_least_zero(name, arrays[name])
    tau, th, reset = arrays["tau_m"], arrays["v_th"], arrays["v_reset"]
    if not (tau > 0).all():
        raise HeteroError(f"tau_m must be > 0 ms, got {tau.min():g}: change it")
    try:
        out = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{k} {v.shape}" for k, v in arrays.items() if v.ndim)
        raise HeteroError(
            f"parameters must have shapes that broadcast, got {shapes}: give one value a neuron"
        ) from None
    wrong = np.atleast_1d(~(th > reset))
    if wrong.any():
        high, low = (float(np.broadcast_to(x, wrong.shape)[wrong][0]) for x in (th, reset))
        raise HeteroError(f"v_th must be above v_reset, got v_th = {high:g}, v_reset = {low:g}: lower the reset")
    return tuple(out)


def _at_least_zero(name: str, value: Array) -> None:
    if (value < 0).any():
        raise HeteroError(f"{name} must be >= 0, got {value.min():g}: for none give 0")
