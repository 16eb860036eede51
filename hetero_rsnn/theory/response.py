"""How the rate of a noisy leaky integrate-and-fire neuron follows a small modulation of its drive."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.theory.neuron import neuron_values

Complex = NDArray[np.complex128]

#: Nodes between reset and threshold, denser towards threshold, and below reset.
_ABOVE, _BELOW = 500, 60
#: Offset of the logarithmic grid towards threshold, as a share of threshold minus reset.
_OFFSET = 0.05


def lif_response(
    frequencies: ArrayLike, drive: ArrayLike, intensity: ArrayLike, tau_m: ArrayLike, *, v_th: ArrayLike = 1.0,
    v_reset: ArrayLike = 0.0, t_ref: ArrayLike = 2.0,
) -> tuple[Complex, Array, Array]:  # fmt: skip
    """Linear response and spike-train spectrum of leaky integrate-and-fire neurons under white noise.

    The Fokker-Planck equation is integrated from threshold down to where no density is left, once with the outgoing
    flux, once with the flux put back at reset, once with the modulation as source; what makes the flux vanish at the
    lower end is the answer.

    Parameters
    ----------
    frequencies : array, shape (f,)
        In Hz, >= 0.
    drive, intensity, tau_m, v_th, v_reset, t_ref : array, shape (n,) or scalar
        As in `siegert_rate`; the intensity must be > 0 where v_th is finite. On a grid give
        ``dead_time(t_ref, dt) + dt / 2``.

    Returns
    -------
    response : ndarray of complex, shape (n, f)
        Change of the rate in Hz for a modulation of the drive of amplitude 1; at 0 Hz the slope of `siegert_rate`.
    spectrum : ndarray, shape (n, f)
        Power spectrum of the spike train over its rate: 1 for a Poisson process, CV^2 at 0 Hz.
    rate : ndarray, shape (n,)
        In Hz. Where v_th is infinite, response and rate are 0 and the spectrum 1.

    Raises
    ------
    HeteroError
        As in `siegert_rate`, and if a frequency is negative or a neuron has no noise.

    Notes
    -----
    *Range.* White noise, small modulations, continuous time. A regular neuron resonates at its rate; noise with a
    memory lets it respond faster than white noise of the same intensity does (Brunel et al. 2001).

    References
    ----------
    M. J. E. Richardson, Phys. Rev. E 76, 021919, 2007, and Biol. Cybern. 99, 2008 (threshold integration). N. Brunel,
    F. S. Chance, N. Fourcaud, L. F. Abbott, Phys. Rev. Lett. 86, 2001 (the response, in closed form). B. Lindner,
    L. Schimansky-Geier, Phys. Rev. Lett. 86, 2001.
    """
    f = np.atleast_1d(checks.finite_array("frequencies", frequencies))
    if (f < 0).any():
        raise HeteroError(
            f"frequencies must be >= 0 Hz, got {f.min():g}: the response at -f is the conjugate of that at f"
        )
    values = neuron_values(drive=drive, intensity=intensity, tau_m=tau_m, v_th=v_th, v_reset=v_reset, t_ref=t_ref)
    mu, a, tau, th, reset, ref = (np.atleast_1d(x) for x in values)
    alive = np.isfinite(th)
    if not (a[alive] > 0).all():
        raise HeteroError(f"lif_response needs intensity > 0, got {a[alive].min():g}: without noise see lif_rate")
    if not alive.all():
        response, spectrum = np.zeros((th.size, f.size), complex), np.ones((th.size, f.size))
        rate = np.zeros(th.size)
        if alive.any():
            mu, a, tau, th, reset, ref = (x[alive] for x in (mu, a, tau, th, reset, ref))
            response[alive], spectrum[alive], rate[alive] = lif_response(
                f, mu, a, tau, v_th=th, v_reset=reset, t_ref=ref
            )
        return response, spectrum, rate
    # The limit of 0 Hz is 0/0: go near it, far below any rate.
    omega = 2 * np.pi * np.maximum(f, 1e-3) / 1e3
    variance = a / (2 * tau)
    nodes = _nodes(mu, np.sqrt(variance), th, reset)

    shape = (mu.size, omega.size)
    out: list[Any] = [np.ones(shape, complex), np.zeros(shape, complex), np.zeros(shape, complex)]  # fluxes
    density: list[Any] = [np.zeros(shape, complex) for _ in out]
    still, flux0, total = np.zeros(mu.size), np.ones(mu.size), np.zeros(mu.size)
    for k in range(len(nodes) - 1):
        if k == _ABOVE:  # reset: what went out at threshold comes back, so that below there is no net flux
            out[1] = out[1] - 1.0
            flux0 = np.zeros(mu.size)
        h = nodes[k] - nodes[k + 1]
        middle = (nodes[k] + nodes[k + 1]) / 2
        slope = h * (middle - mu) / variance
        keep = np.exp(slope)
        fresh = h * np.where(np.abs(slope) > 1e-9, np.expm1(slope) / np.where(slope == 0, 1.0, slope), 1.0) / variance
        before = still
        still = still * keep + fresh * tau * flux0
        total += h * (before + still) / 2
        source = (before + still) / 2  # the density that the modulation moves
        for i in range(3):
            if i == 1 and k < _ABOVE:
                continue
            was = density[i]
            push = tau[:, None] * out[i] - (source[:, None] if i == 2 else 0.0)
            density[i] = was * keep[:, None] + fresh[:, None] * push
            out[i] = out[i] + 1j * omega * (h / 2)[:, None] * (was + density[i])
    rate = 1.0 / (total + ref)
    delay = np.exp(-1j * omega * ref[:, None])
    first = -out[1] / out[0] * delay  # Fourier transform of the inter-spike intervals
    response = -out[2] * rate[:, None] / (out[0] + delay * out[1])
    spectrum = (1 - np.abs(first) ** 2) / np.abs(1 - first) ** 2
    return response * 1e3, spectrum, rate * 1e3


def _nodes(mu: Array, sd: Array, th: Array, reset: Array) -> Array:
    """Potentials from threshold to reset and on to where there is nothing, shape (nodes, n)."""
    near, far = np.log(_OFFSET), np.log(1 + _OFFSET)
    x = 1 + _OFFSET - np.exp(np.linspace(near, far, _ABOVE + 1))  # 1 at threshold, 0 at reset
    above = reset + (th - reset) * x[:, None]
    lowest = np.minimum(reset, mu) - 6 * sd
    below = reset + (lowest - reset) * np.linspace(0, 1, _BELOW + 1)[1:, None]
    return np.asarray(np.concatenate([above, below]))
