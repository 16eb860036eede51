"""Firing rates of a whole drawn network without simulation, each neuron's from those of the others.

Conventions as in `hetero_rsnn.theory.neuron`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import require_equations
from hetero_rsnn.theory.neuron import (
    dead_time,
    isi_cv,
    lif_rate,
    quasi_static_rate,
    siegert_rate,
)

FORMULAS = ("lif", "siegert", "matched", "coloured", "quasi-static")


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
    _check_draw(draw)
    w = draw.plastic.w if weights is None else checks.finite_array("weights", weights)
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
    t = checks.finite_array("tau", tau, empty=True)
    nu = np.maximum(checks.finite_array("rate_hz", rate_hz, empty=True), 1e-9) / 1e3
    shape = 1.0 / np.maximum(checks.finite_array("cv", cv, empty=True), 1e-3) ** 2
    return np.asarray(1.0 / np.expm1(shape * np.log1p(1.0 / (nu * t * shape))) - nu * t)


def _check_draw(draw: Draw) -> None:
    if not isinstance(draw, Draw):
        raise HeteroError(
            f"the theory takes a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed) first"
        )


def check_network(draw: Draw) -> None:
    """Refuse what is no draw, and networks with other equations than those that the theory is of.

    Raises
    ------
    HeteroError
    EquationMismatchError
    """
    _check_draw(draw)
    require_equations(draw.network, "the theory is of the equations", "simulate networks with others")


def check_field(draw: Draw, field: MeanField) -> None:
    """Refuse what is no working point of the draw."""
    found = field.rates_hz.size if isinstance(field, MeanField) else type(field).__name__
    if found != draw.n:
        size = f"one of {found} neurons" if isinstance(field, MeanField) else found
        raise HeteroError(
            f"field must be a working point of the draw's {draw.n} neurons, got {size}: "
            "call self_consistent_rates with the same draw"
        )


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
    power: float = 1.0 / 3.0, mean: float = 0.0, hold: Any = None, tolerance: float = 1e-6, limit: int = 2000,
) -> MeanField:  # fmt: skip
    """Rates of all neurons of a drawn network, each from the rates of the others.

    Solves ``rate_i = F(drive_i, noise_i)`` by damped iteration, with
    ``drive = v_rest + I_bias + w_in mean + q W rate`` and the intensity
    ``w_in^2 power hold + q^2 (W * W) rate``; q is the charge of a spike of weight 1, which on the grid of the draw is
    ``dt / (1 - exp(-dt / tau_syn))`` rather than tau_syn.

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
        Spikes of the network are no Poisson processes: scale what a synapse adds to the noise by how much less (or
        more) the target's potential varies under a renewal process of the source's rate and CV.
    power, mean : float
        Variance and mean of the input, per channel; the default is that of `uniform_stimulus`.
    hold : float (ms), str or brian2.Quantity, optional
        Duration of an input sample, in ms where it has no unit; the protocol's by default.
    tolerance, limit : float, int
        Largest change (Hz) to stop at, and number of iterations to give up after.

    Returns
    -------
    MeanField

    Raises
    ------
    HeteroError
        If the formula is unknown, a value impossible, or the iteration has not settled.
    EquationMismatchError
        If the network has other equations.

    Notes
    -----
    *Range.* Each neuron takes its inputs as independent of each other and of itself: many weak, asynchronous inputs.
    What neurons share through a common input is left out. An iteration that does not settle means that there is no
    stable asynchronous state, or several. ``"matched"`` is a rule of thumb of ours: the
    variance is right, what the noise does between two spikes need not be.

    References
    ----------
    D. J. Amit, N. Brunel, Cerebral Cortex 7, 1997. N. Brunel, J. Comput. Neurosci. 8, 2000.
    """
    if formula not in FORMULAS:
        raise HeteroError(f"unknown formula {formula!r}{suggest(str(formula), FORMULAS)}")
    check_network(draw)
    p, dt = draw.neurons, draw.network.dt
    hold = draw.network.protocol.hold if hold is None else checks.duration("hold", hold)
    power, mean = checks.real("power", power, least=0.0), checks.real("mean", mean)
    limit, tolerance = checks.whole("limit", limit, least=1), checks.real("tolerance", tolerance, least=0.0)
    how: dict[str, Any] = {k: p[k] for k in ("v_th", "v_reset")} | {"t_ref": dead_time(p["t_ref"], dt) + dt / 2}
    tau = p["tau_m"]
    w = weight_matrix(draw, weights)
    squares = w.multiply(w).tocsr()
    q = dt / -np.expm1(-dt / p["tau_syn"])
    fixed = p["v_rest"] + p["I_bias"] + draw.w_in.sum(axis=1) * mean
    signal = (draw.w_in**2).sum(axis=1) * power
    # Variance of a potential under held samples over that under white noise of the same intensity.
    kept = 2 * tau / hold * (1 + tau / hold * np.expm1(-hold / tau))

    def noise(nu: Array, felt: sparse.csr_array) -> tuple[Array, Array, Array, Array, Array]:
        recurrent = q**2 * (felt @ nu)
        intensity = signal * hold + recurrent
        # A noise of correlation time t and variance s^2 has the intensity 2 s^2 t: hold / 2 for held samples.
        slow = (signal * hold * hold / 2 + recurrent * p["tau_syn"]) / np.maximum(intensity, 1e-300)
        white = signal * hold * kept + recurrent * tau / (tau + p["tau_syn"]) if formula == "matched" else intensity
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
        cv = isi_cv(drive, white, tau, **how)  # on its own, since it costs more than a rate
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
