"""Memory of a linearised network without simulation: from responses and noise to the memory curve that a readout finds.

Two linearisations at the working point of `self_consistent_rates` end in the same two arrays, the response of every
state to a past input sample, and the covariance of the noise: `linearised` takes each neuron for a low-pass filter with
its membrane time constant; `spectral_states` takes the full response of the noisy neuron. `linear_memory` does the
rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.theory.neuron import dead_time
from hetero_rsnn.theory.rates import MeanField, check_field, check_network, renewal_power, weight_matrix
from hetero_rsnn.theory.response import lif_response


def linear_memory(
    responses: ArrayLike, noise: ArrayLike | None = None, *, power: float = 1.0 / 3.0, samples: int | None = None
) -> Array:
    """Memory curve of a linear state.

    ``C_d = power h_d^T Sigma^-1 h_d`` with the covariance ``Sigma = power sum_d h_d h_d^T + noise``.

    Parameters
    ----------
    responses : array, shape (delays, n)
        Row d is the state d samples after a unit input; row 0 is the sample itself. Give enough rows for it to die out.
    noise : array, shape (n, n), optional
        Covariance of what the input does not explain; none by default.
    power : float
        Variance of the input.
    samples : int, optional
        Training rows of the readout. With them, what a ridge regression of the best strength reaches on unseen
        samples, as an expectation for many features and samples; else the limit of infinitely many.

    Returns
    -------
    ndarray, shape (delays - 1,)
        C_d for d = 1, 2, ..., in [0, 1].

    Raises
    ------
    HeteroError
        If the shapes do not fit, a value is not finite, or samples < 1.

    Notes
    -----
    *Range.* Linear states with additive noise; an independent, identically distributed input. For finite `samples` the
    features act as if normal, and the best ridge strength of each delay is taken for the one that is found.

    References
    ----------
    H. Jaeger, GMD report 152, 2001. O. L. White, D. D. Lee, H. Sompolinsky, Phys. Rev. Lett. 92, 148102, 2004.
    J. Dambre et al., Scientific Reports 2:514, 2012. E. Dobriban, S. Wager, Annals of Statistics 46, 2018, and
    T. Hastie et al., Annals of Statistics 50, 2022 (ridge regression with finitely many samples).
    """
    h, power = checks.finite_array("responses", responses), checks.real("power", power, least=0.0)
    samples = None if samples is None else checks.whole("samples", samples, least=1)
    if h.ndim != 2 or len(h) < 2:
        raise HeteroError(f"responses must have the shape (delays, n) with at least 2 delays, got {h.shape}")
    sigma = power * h.T @ h
    if noise is not None:
        extra = checks.finite_array("noise", noise)
        if extra.shape != sigma.shape:
            raise HeteroError(f"noise must have the shape {sigma.shape}, got {extra.shape}: one row and column a state")
        sigma = sigma + extra
    scale = np.sqrt(np.diag(sigma))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(sigma / np.outer(scale, scale))
    keep = values > 1e-12 * max(values[-1], 0.0)
    values = values[keep]
    # What each eigenvector of the correlation matrix explains of a target of variance 1.
    along = (vectors[:, keep].T @ (h[1:] / scale).T * math.sqrt(power)) ** 2 / values[:, None]
    best = np.minimum(along.sum(axis=0), 1.0)
    if samples is None:
        return np.asarray(best)
    out = np.zeros(best.size)
    for kappa in np.append(0.0, np.logspace(-8, 4, 61) * values[-1]):
        shrunk = values / (values + kappa)
        free = (shrunk**2).sum() / samples
        if shrunk.sum() >= samples or free >= 1:
            continue
        cov, fitted = shrunk @ along, shrunk**2 @ along
        # Variance of the prediction: what it fits, and what the error on few samples makes of it.
        spread = fitted + (1 - 2 * cov + fitted) * free / (1 - free)
        out = np.maximum(out, cov**2 / np.where(spread > 0, spread, np.inf))
    return np.asarray(np.minimum(out, 1.0))


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """``dx/dt = a x + b u + noise`` with a noise of intensity `q`; `read` picks the readout's states.

    Attributes
    ----------
    a : ndarray, shape (m, m)
        In 1/ms.
    b : ndarray, shape (m,)
    q : ndarray, shape (m, m)
    read : slice
    """

    a: Array
    b: Array
    q: Array
    read: slice


def linearised(
    draw: Draw, field: MeanField, weights: ArrayLike | None = None, *, tau_read: Any = None,
    fano: ArrayLike | None = None,
) -> LinearSystem:  # fmt: skip
    """Linear network with membrane low-pass neurons around a working point.

    States: rate deviations r with ``tau_m dr/dt = -r + gain (w_in u + s)``, synaptic currents s with
    ``ds/dt = -s / tau_syn + W (r + noise)``, readout x with ``dx/dt = -x / tau_read + r + noise``.

    Parameters
    ----------
    draw : Draw
        With one input channel.
    field : MeanField
    weights : array, optional
        Learnt weights.
    tau_read : float (ms), str or brian2.Quantity, optional
        In ms where it has no unit; the protocol's by default.
    fano : array, optional
        Power of the spiking noise over Poisson's; by default that of renewal
        processes with the working point's CV, as the readout's filter feels it.

    Returns
    -------
    LinearSystem

    Raises
    ------
    HeteroError
        If the network has other equations or several input channels, or the field is of another draw.

    Notes
    -----
    *Range.* Modulations slow against the inter-spike interval. A regular neuron is no low-pass filter at higher
    frequencies: see `lif_response`.

    References
    ----------
    N. Brunel, V. Hakim, Neural Computation 11, 1999. W. Gerstner et al., "Neuronal Dynamics", 2014, chapter 15.
    """
    w_in = _one_channel(draw, field)
    p, n = draw.neurons, draw.n
    tau_read = draw.network.protocol.tau_read if tau_read is None else checks.duration("tau_read", tau_read)
    nu = field.rates_hz / 1e3
    if fano is None:
        fano = np.maximum(1 + 2 * renewal_power(field.rates_hz, field.cv, tau_read), 0.0)
    w = weight_matrix(draw, weights).toarray()
    g = field.gain / 1e3 / p["tau_m"]
    eye = np.eye(n)
    a = np.zeros((3 * n, 3 * n))
    a[:n, :n] = -np.diag(1 / p["tau_m"])
    a[:n, n : 2 * n] = np.diag(g)
    a[n : 2 * n, :n] = w
    a[n : 2 * n, n : 2 * n] = -np.diag(1 / p["tau_syn"])
    a[2 * n :, :n] = eye
    a[2 * n :, 2 * n :] = -eye / tau_read
    b = np.zeros(3 * n)
    b[:n] = g * w_in
    enters = np.concatenate([np.zeros((n, n)), w, eye]) * np.sqrt(nu * checks.finite_array("fano", fano))
    return LinearSystem(a, b, enters @ enters.T, slice(2 * n, 3 * n))


def sampled(system: LinearSystem, hold: Any) -> tuple[Array, Array, Array]:
    """The system between samples that are held `hold` (ms): ``x(k) = ad x(k-1) + bd u(k) + noise of covariance qd``.

    The exponential, its integral, and the integral of ``exp(a t) q exp(a t)^T`` over a short time, doubled until it is
    `hold`.

    References
    ----------
    C. F. Van Loan, IEEE Trans. Automatic Control 23, 1978 (what is computed; doubling is ours).
    """
    hold = checks.duration("hold", hold)
    doublings = max(0, math.ceil(math.log2(max(float(np.abs(system.a).sum(axis=1).max()) * hold, 1e-300) / 0.02)))
    h = hold / 2**doublings
    a, q = system.a * h, system.q
    e = np.eye(len(a)) + a @ (np.eye(len(a)) + a / 2 @ (np.eye(len(a)) + a / 3 @ (np.eye(len(a)) + a / 4)))
    b = h * (system.b + a @ (system.b + a @ (system.b + a @ system.b / 4) / 3) / 2)
    once = a @ q
    once += once.T
    twice = a @ once
    twice += twice.T
    thrice = a @ twice
    c = h * (q + once / 2 + twice / 6 + (thrice + thrice.T) / 24)
    for _ in range(doublings):
        b = b + e @ b
        c = c + e @ c @ e.T
        e = e @ e
    return e, b, c


def stationary(ad: Array, qd: Array, *, limit: int = 60) -> Array:
    """Covariance P with ``P = ad P ad^T + qd`` (discrete Lyapunov equation), by doubling.

    Raises
    ------
    HeteroError
        If the system is not stable.

    References
    ----------
    R. A. Smith, SIAM J. Appl. Math. 16, 1968.
    """
    limit = checks.whole("limit", limit, least=1)
    p, e = np.array(qd), np.array(ad)
    for _ in range(limit):
        with np.errstate(over="ignore", invalid="ignore"):  # of an unstable system, which is what is asked below
            more = e @ p @ e.T
            p += more
        if not np.isfinite(p).all():
            break
        if np.abs(more).max() <= 1e-13 * np.abs(p).max():
            return np.asarray((p + p.T) / 2)
        with np.errstate(over="ignore", invalid="ignore"):
            e = e @ e
    raise HeteroError("the linearised network is unstable: there is no stationary state; weaken the recurrence")


def impulse(ad: Array, bd: Array, delays: int, read: slice = slice(None)) -> Array:
    """States d = 0, 1, ... samples after a unit input, shape (delays, states read)."""
    out, x = [], np.array(bd)
    for _ in range(delays):
        out.append(x[read])
        x = ad @ x
    return np.array(out)


def spectral_states(
    draw: Draw, field: MeanField, weights: ArrayLike | None = None, *, tau_read: Any = None, hold: Any = None,
    period: Any = None, top: float = 200.0, closed: float = 60.0, coupled: bool = True,
) -> tuple[Array, Array]:  # fmt: skip
    """Responses and noise of the readout's states, with the full response and spectrum of noisy neurons.

    Parameters
    ----------
    draw, field, weights, tau_read
        As in `linearised`.
    hold : float (ms), str or brian2.Quantity, optional
        Duration of an input sample, in ms where it has no unit; the protocol's by default.
    period : float (ms), str or brian2.Quantity, optional
        Length of the window (a multiple of hold); responses must have died out within it. By default 1280 ms, rounded
        up to a multiple of hold.
    top : float
        Highest frequency in Hz.
    closed : float
        Above this frequency (Hz), where synapses pass little, the recurrent loop is left open.
    coupled : bool
        False leaves out the recurrence (but not what it adds to drive and noise).

    Returns
    -------
    responses : ndarray, shape (period / hold, n)
        State d samples after a unit input.
    noise : ndarray, shape (n, n)
        Covariance of what the input does not explain.

    Raises
    ------
    HeteroError
        If the network has other equations or several input channels, the field is of another draw, or the window is no
        multiple of hold.

    Notes
    -----
    *Range.* That of `lif_response`; the trains of different neurons are independent but for what synapses carry. The
    variance of a neuron's own spikes is that of a renewal process with gamma distributed intervals. The input counts
    twice: spectrum and regularity are those under a white noise that stands for the input too, and `linear_memory` adds
    what the input explains once more. The noise is too large by that: for two seeds, subtracting it lowers the noise by
    7 to 11 % and moves C of HeNHoS from 4.98 to 5.4 or 5.5 (the input taken for held or for white), of HoNHoS from 2.09
    to 2.2. Neurons with an infinite threshold have neither response nor noise.

    References
    ----------
    B. Lindner, B. Doiron, A. Longtin, Phys. Rev. E 72, 061919, 2005 (linear response of networks with intrinsic noise).
    J. Trousdale, Y. Hu, E. Shea-Brown, K. Josic, PLoS Comput. Biol. 8, e1002408, 2012.
    """
    w_in = _one_channel(draw, field)
    p, n, dt = draw.neurons, draw.n, draw.network.dt
    tau_read = draw.network.protocol.tau_read if tau_read is None else checks.duration("tau_read", tau_read)
    hold = draw.network.protocol.hold if hold is None else checks.duration("hold", hold)
    period = math.ceil(1280.0 / hold - 1e-9) * hold if period is None else checks.duration("period", period)
    top, closed = checks.real("top", top, least=0.0), checks.real("closed", closed, least=0.0)
    count = round(period / hold)
    if abs(count * hold - period) > 1e-9 * period:
        raise HeteroError(
            f"period must be a multiple of hold = {hold:g} ms, got {period:g} ms: use {max(count, 1) * hold:g} ms"
        )
    f = np.arange(math.ceil(top / 1e3 * period)) * 1e3 / period
    omega = 2 * np.pi * f / 1e3
    ref = dead_time(p["t_ref"], dt) + dt / 2
    response, spectrum, _ = lif_response(
        f, field.drive, field.white, p["tau_m"], v_th=p["v_th"], v_reset=p["v_reset"], t_ref=ref
    )
    response, spectrum = response / 1e3, spectrum * field.rates_hz[:, None] / 1e3
    w = weight_matrix(draw, weights).toarray()
    pulse = np.where(omega > 0, -np.expm1(-1j * omega * hold) / np.where(omega > 0, 1j * omega, 1.0), hold)
    read = tau_read / (1 + 1j * omega * tau_read)
    shape = np.exp(1j * np.outer((np.arange(count) + 1) * hold, omega))  # read at the end of each sample
    share = np.where(omega > 0, 2.0, 1.0) / period
    rates = np.empty((n, f.size), complex)
    noise = np.zeros((n, n))
    eye = np.eye(n)
    own = spectrum @ (share * np.abs(read) ** 2)
    for m in range(f.size):
        direct = response[:, m] * w_in
        carried = share[m] * abs(read[m]) ** 2
        if not coupled or f[m] > closed:
            rates[:, m] = direct
            noise[np.diag_indices(n)] += carried * spectrum[:, m]
            continue
        synapse = p["tau_syn"] / (1 + 1j * omega[m] * p["tau_syn"])
        loop = np.linalg.inv(eye - (response[:, m] * synapse)[:, None] * w)
        rates[:, m] = loop @ direct
        mixed = loop * np.sqrt(carried * spectrum[:, m])
        # The real part of a product of complex matrices, as one real product.
        both = np.concatenate([mixed.real, mixed.imag], axis=1)
        noise += both @ both.T
    responses = np.real(shape @ (rates * (pulse * read * share)).T)
    # A regular neuron's own spikes make peaks that fall between frequencies: their sum is known in closed form.
    nu = field.rates_hz / 1e3
    renewal = nu * tau_read / 2 * np.maximum(1 + 2 * renewal_power(field.rates_hz, field.cv, tau_read), 0.0)
    noise[np.diag_indices(n)] += renewal - own
    return responses, noise


def effective_matrix(draw: Draw, field: MeanField, weights: ArrayLike | None = None) -> Array:
    """Static loop gains ``gain_i tau_syn W_ij``: eigenvalues below 1 are stable for slow changes."""
    check_network(draw)
    check_field(draw, field)
    return np.asarray((field.gain / 1e3 * draw.neurons["tau_syn"])[:, None] * weight_matrix(draw, weights).toarray())


def random_matrix_prediction(draw: Draw, field: MeanField, weights: ArrayLike | None = None) -> tuple[float, Array]:
    """Radius of the bulk of `effective_matrix`, and its outliers, from means and variances of the weights alone.

    Returns
    -------
    radius : float
        Square root of the largest eigenvalue of the matrix of variances.
    outliers : ndarray of complex, shape (populations,)
        Eigenvalues of the matrix of means; those within the radius drown in the bulk.

    References
    ----------
    V. L. Girko, Theory Probab. Appl. 29, 1984. K. Rajan, L. F. Abbott, Phys. Rev. Lett. 97, 188104, 2006. J. Aljadeff,
    M. Stern, T. Sharpee, Phys. Rev. Lett. 114, 088101, 2015 (variances that differ from block to block).
    """
    check_network(draw)
    check_field(draw, field)
    w = weight_matrix(draw, weights).toarray()
    row = field.gain / 1e3 * draw.neurons["tau_syn"]
    populations = [draw.members(p.name) for p in draw.network.populations]
    means, variances = (np.empty((len(populations), len(populations))) for _ in range(2))
    for i, post in enumerate(populations):
        for j, pre in enumerate(populations):
            block = w[post, pre]
            means[i, j] = block.mean() * row[post].sum()
            variances[i, j] = block.var() * (row[post] ** 2).sum()
    radius = math.sqrt(max(float(np.abs(np.linalg.eigvals(variances)).max()), 0.0))
    return radius, np.linalg.eigvals(means).astype(complex)


def _one_channel(draw: Draw, field: MeanField) -> Array:
    """Input weights of a network and a working point that the theory is of."""
    check_network(draw)
    check_field(draw, field)
    if draw.w_in.shape[1] != 1:
        raise HeteroError(
            f"the linear theory is for one input channel, the network has {draw.w_in.shape[1]}: set input.channels = 1"
        )
    return draw.w_in[:, 0]
