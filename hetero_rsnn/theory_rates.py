"""Firing rates without simulation: leaky integrate-and-fire neurons under constant drive and under noise.

Conventions: times in ms, rates in Hz, potentials and currents in units of rest to threshold. A noisy current with the
autocovariance c(t) is described by its *intensity* A, the integral of c over all t (ms): white noise of that intensity
gives ``tau_m dv = (drive - v) dt + sqrt(A) dW``, whose free potential has the variance ``A / (2 tau_m)``. Brunel's sigma,
by which he divides potentials, is ``sqrt(A / tau_m)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from hetero_rsnn.draw import Draw
from hetero_rsnn.errors import HeteroError, suggest

Array = NDArray[np.float64]

FORMULAS = ("lif", "siegert", "matched", "coloured", "quasi-static")
#: sqrt(2) |zeta(1/2)|: how far noise with a memory moves the threshold (Brunel and Sergi).
ALPHA = math.sqrt(2.0) * 1.4603545088095868
#: Beyond this many standard deviations below threshold a neuron counts as silent: its rate is below 1e-100 Hz.
_FAR = 15.0


def dead_time(t_ref: ArrayLike, dt: float) -> Array:
    """Time after a spike in which a potential stands still, as it is on a grid; `t_ref` itself for ``dt = 0``.

    The spike's own step ends with the reset, so that of the steps of `t_ref` (rounded down) one less is lost.
    """
    t = np.asarray(t_ref, dtype=float)
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

    Notes
    -----
    *Range.* Exact for constant drive. With a drive that fluctuates it holds where the fluctuation within an
    inter-spike interval is small against ``drive - v_th``.

    References
    ----------
    W. Gerstner, W. M. Kistler, R. Naud, L. Paninski, "Neuronal Dynamics", Cambridge 2014, section 1.3. The correction
    for the grid is our own.
    """
    mu, tau, th, reset, ref = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (drive, tau_m, v_th, v_reset, t_ref))
    )
    _positive("tau_m", tau)
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
        in units of sigma, alpha = sqrt(2) |zeta(1/2)|. 0 for white noise.
    dt : float
        On a grid of this step (ms) a spike waits half a step on average, and one step of `t_ref` is not lost.

    Returns
    -------
    ndarray
        In Hz.

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
    mu, a, tau, th, reset, ref, slow = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (drive, intensity, tau_m, v_th, v_reset, t_ref, tau_noise))
    )
    _positive("tau_m", tau)
    if not (a >= 0).all() or not (slow >= 0).all():
        raise HeteroError("intensity and tau_noise must be >= 0 ms: for no noise give 0")
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

    Notes
    -----
    *Range.* Correlation time of the noise long against the inter-spike interval: the opposite end of white noise.

    References
    ----------
    R. Moreno-Bote, N. Parga, Phys. Rev. Lett. 92, 028102, 2004 (the limit of slow synapses).
    """
    mu, var, tau, th, reset, ref = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (drive, variance, tau_m, v_th, v_reset, t_ref))
    )
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
    mu, a, tau, th, reset = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (drive, intensity, tau_m, v_th, v_reset))
    )
    nu = siegert_rate(mu, a, tau, v_th=th, v_reset=reset, t_ref=t_ref) / 1e3
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


def weight_matrix(draw: Draw, weights: ArrayLike | None = None) -> sparse.csr_array:
    """Recurrent weights as a matrix.

    Parameters
    ----------
    draw : Draw
    weights : array, shape (plastic synapses,), optional
        Instead of the drawn ones, e.g. ``recording.weights``.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Row: target, column: source.
    """
    w = draw.plastic.w if weights is None else np.asarray(weights, dtype=float)
    if w.shape != draw.plastic.w.shape:
        raise HeteroError(
            f"weights must be of the {len(draw.plastic)} plastic synapses, got shape {w.shape}: "
            "give recording.weights of the same draw"
        )
    values = np.concatenate([w, draw.static.w])
    rows = np.concatenate([draw.plastic.target, draw.static.target])
    columns = np.concatenate([draw.plastic.source, draw.static.source])
    return sparse.csr_array((values, (rows, columns)), shape=(draw.n, draw.n))


def renewal_power(rate_hz: ArrayLike, cv: ArrayLike, tau: ArrayLike) -> Array:
    """How a filter feels that spikes are regular: ``L / (1 - L) - rate tau``, 0 for a Poisson process.

    L is the Laplace transform of the inter-spike intervals at 1 / tau, taken as gamma distributed with the given cv. A
    train filtered with exp(-t / tau) has the variance ``rate tau / 2 (1 + 2 renewal_power)``.

    References
    ----------
    D. R. Cox, "Renewal theory", 1962, chapter 4 (the renewal density); the rest is our own.
    """
    t = np.asarray(tau, dtype=float)
    nu = np.maximum(np.asarray(rate_hz, dtype=float), 1e-9) / 1e3
    shape = 1.0 / np.maximum(np.asarray(cv, dtype=float), 1e-3) ** 2
    return np.asarray(1.0 / np.expm1(shape * np.log1p(1.0 / (nu * t * shape))) - nu * t)


@dataclass(frozen=True, eq=False)
class MeanField:
    """A working point: what `self_consistent_rates` found.

    Attributes
    ----------
    rates_hz, drive, intensity : ndarray, shape (n,)
        Rate, mean drive and noise intensity (ms) of every neuron.
    white : ndarray, shape (n,)
        Intensity of the white noise that the formula puts in its place (ms).
    variance, tau_noise : ndarray, shape (n,)
        Variance of the current, and correlation time of the noise (ms).
    gain : ndarray, shape (n,)
        Change of the rate with the drive at constant noise, in Hz per unit of current.
    cv : ndarray, shape (n,)
        Of the inter-spike intervals under the noise `white`.
    change : float
        Largest change of a rate in the last iteration, Hz.
    """

    rates_hz: Array
    drive: Array
    intensity: Array
    white: Array
    variance: Array
    tau_noise: Array
    gain: Array
    cv: Array
    change: float


def self_consistent_rates(
    draw: Draw, weights: ArrayLike | None = None, *, formula: str = "siegert", renewal: bool = False,
    power: float = 1.0 / 3.0, mean: float = 0.0, hold: float | None = None, tolerance: float = 1e-6, limit: int = 2000,
) -> MeanField:  # fmt: skip
    """Rates of all neurons of a drawn network, each from the rates of the others.

    Solves ``rate_i = F(drive_i, noise_i)`` by damped iteration, with ``drive = v_rest + I_bias + w_in mean + q W rate``
    and the intensity ``w_in^2 power hold + q^2 (W * W) rate``; q is the charge of a spike of weight 1, which on the
    grid of the draw is ``dt / (1 - exp(-dt / tau_syn))`` rather than tau_syn.

    Parameters
    ----------
    draw : Draw
        Of a network with the equations of the model 'lif_stdp'.
    weights : array, shape (plastic synapses,), optional
        Learnt weights instead of the drawn ones.
    formula : {"siegert", "matched", "coloured", "quasi-static", "lif"}
        White noise; white noise that gives the free potential the variance that the coloured noise gives it; white
        noise with Brunel and Sergi's correction; drive averaged as if it were constant; no noise.
    renewal : bool
        Spikes of the network are no Poisson processes: scale what a synapse adds to the noise by how much less (or more)
        the target's potential varies under a renewal process of the source's rate and CV.
    power, mean : float
        Variance and mean of the input, per channel; the default is that of `uniform_stimulus`.
    hold : float, optional
        Duration of an input sample in ms; the protocol's by default.
    tolerance, limit : float, int
        Largest change (Hz) to stop at, and number of iterations to give up after.

    Returns
    -------
    MeanField

    Raises
    ------
    HeteroError
        If the formula is unknown or the iteration has not settled.

    Notes
    -----
    *Range.* Each neuron takes its inputs as independent of each other and of itself: many weak, asynchronous inputs.
    What neurons share through a common input is left out. An iteration that does not settle means that there is no
    stable asynchronous state, or several. ``"matched"`` is a rule of thumb of ours, exact in the variance only.

    References
    ----------
    D. J. Amit, N. Brunel, Cerebral Cortex 7, 1997. N. Brunel, J. Comput. Neurosci. 8, 2000.
    """
    if formula not in FORMULAS:
        raise HeteroError(f"unknown formula {formula!r}{suggest(str(formula), FORMULAS)}")
    p, dt = draw.neurons, draw.network.dt
    hold = draw.network.protocol.hold if hold is None else hold
    how = {k: p[k] for k in ("v_th", "v_reset")} | {"t_ref": dead_time(p["t_ref"], dt) + dt / 2}
    tau = p["tau_m"]
    w = weight_matrix(draw, weights)
    squares = w.multiply(w).tocsr()
    q = dt / -np.expm1(-dt / p["tau_syn"])
    fixed = p["v_rest"] + p["I_bias"] + draw.w_in.sum(axis=1) * mean
    signal = (draw.w_in**2).sum(axis=1) * power

    def noise(nu: Array, felt: sparse.csr_array) -> tuple[Array, Array, Array, Array, Array]:
        recurrent = q**2 * (felt @ nu)
        intensity = signal * hold + recurrent
        # A noise of correlation time t and variance s^2 has the intensity 2 s^2 t: hold / 2 for held samples.
        slow = (signal * hold * hold / 2 + recurrent * p["tau_syn"]) / np.maximum(intensity, 1e-300)
        white = intensity * tau / (tau + slow) if formula == "matched" else intensity
        return fixed + q * (w @ nu), intensity, white, signal + recurrent / (2 * q), slow

    def rate(drive: Array, intensity: Array, white: Array, variance: Array, slow: Array) -> Array:
        del intensity
        if formula == "lif":
            return lif_rate(drive, tau, **how)
        if formula == "quasi-static":
            return quasi_static_rate(drive, variance, tau, **how)
        return siegert_rate(drive, white, tau, **how, tau_noise=slow if formula == "coloured" else 0.0)

    nu, felt = np.zeros(draw.n), squares
    for outer in range(50):
        start = nu
        for _ in range(limit):
            new = rate(*noise(nu, felt)) / 1e3
            change = float(np.abs(new - nu).max()) * 1e3
            nu = nu + 0.5 * (new - nu)
            if change < tolerance:
                break
        else:
            raise HeteroError(
                f"the rates still change by {change:.2g} Hz after {limit} iterations: there may be no stable "
                "asynchronous state; weaken the recurrence"
            )
        drive, intensity, white, variance, slow = noise(nu, felt)
        cv = isi_cv(drive, white, tau, **how)
        if not renewal or (outer and np.abs(nu - start).max() * 1e3 < max(tolerance, 1e-3)):
            break
        felt = _felt(squares, nu * 1e3, cv, tau, p["tau_syn"])
    step = 1e-4
    up, down = (rate(drive + s, intensity, white, variance, slow) for s in (step, -step))
    return MeanField(nu * 1e3, drive, intensity, white, variance, slow, (up - down) / (2 * step), cv, change)


def _felt(squares: sparse.csr_array, rate_hz: Array, cv: Array, tau_m: Array, tau_syn: Array) -> sparse.csr_array:
    """Squared weights times the variance of a potential under renewal spikes over that under Poisson spikes.

    The potential's response to a spike is a difference of exponentials, and so is the autocorrelation of that response.
    """
    entries = squares.tocoo()
    i, j = entries.coords
    slow, fast = tau_m[i], tau_syn[i]
    slow = np.where(np.abs(slow - fast) < 1e-3 * fast, 1.001 * fast, slow)
    x, y = (renewal_power(rate_hz[j], cv[j], t) for t in (slow, fast))
    factor = np.maximum(1 + 2 * (slow * x - fast * y) / (slow - fast), 0.0)
    return sparse.csr_array((entries.data * factor, (i, j)), shape=squares.shape)


def _positive(name: str, value: Array) -> None:
    if not (value > 0).all():
        raise HeteroError(f"{name} must be > 0 ms, got {value.min():g}")
