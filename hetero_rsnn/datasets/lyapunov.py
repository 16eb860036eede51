"""Lyapunov exponents of the generated systems: how fast a forecast must fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.dynamics import (
    LYAPUNOV,
    TRANSIENT,
    MackeyGlass,
    initial_state,
    lorenz63_flow,
    require_positive,
    rossler_flow,
)

#: Default model time that counts: about 90, 40 and 25 Lyapunov times.
DURATION = {"lorenz63": 100.0, "rossler": 600.0, "mackey_glass": 5000.0}
#: Default step of the integration.
FINE = {"lorenz63": 0.01, "rossler": 0.03, "mackey_glass": 0.1}
#: Steps between two orthonormalisations.
_EVERY = 10


def lyapunov_exponents(
    name: str, *, seed: int = 0, runs: int = 32, duration: float | None = None, fine: float | None = None
) -> Array:
    """Lyapunov exponents at the default parameters, from the growth of tangent vectors along trajectories.

    Parameters
    ----------
    name : {"lorenz63", "rossler", "mackey_glass"}
    seed : int
        Picks the initial states.
    runs : int
        Independent trajectories.
    duration : float, optional
        Model time of each that counts, after the system's transient; default `DURATION`.
    fine : float, optional
        Step of the integration; default `FINE`.

    Returns
    -------
    ndarray, shape (runs, exponents)
        Per unit of model time (natural logarithm), largest first: all 3, or for Mackey-Glass the largest alone. The
        spread over the runs says how well the mean is known.

    Raises
    ------
    HeteroError
        If the name is not known or a number breaks its rule.

    References
    ----------
    G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, "Lyapunov characteristic exponents for smooth dynamical
    systems: a method for computing all of them", Meccanica 15, 1980. For delay equations: J. D. Farmer, "Chaotic
    attractors of an infinite-dimensional dynamical system", Physica D 4, 1982.
    """
    if name not in LYAPUNOV:
        raise HeteroError(f"no Lyapunov exponents for a system {name!r}{suggest(str(name), LYAPUNOV)}")
    duration = DURATION[name] if duration is None else duration
    fine = FINE[name] if fine is None else fine
    require_positive(duration=duration, fine=fine)
    count = checks.whole("runs", runs, least=1, most=10**9)
    # Of Mackey-Glass a state is a function over a delay of 17, of others a point and three vectors.
    size = 200.0 * (17.0 / fine + 1) if name == "mackey_glass" else 1000.0
    memory.fits(f"{count} runs with steps of {fine:g}", count * size, "lower runs, or give a larger fine")
    start = np.stack([initial_state(name, seed, run) for run in range(count)])
    if name == "mackey_glass":
        return _delayed(MackeyGlass(17.0, 0.2, 0.1, 10.0, fine), start, TRANSIENT[name], duration)
    flow, tangent = (
        (lorenz63_flow(10.0, 28.0, 8.0 / 3.0), _lorenz63_tangent(10.0, 28.0, 8.0 / 3.0))
        if name == "lorenz63"
        else (rossler_flow(0.2, 0.2, 5.7), _rossler_tangent(0.2, 5.7))
    )
    return _ordinary(flow, tangent, start, math.ceil(TRANSIENT[name] / fine), math.ceil(duration / fine), fine)


def largest_lyapunov(name: str, *, seed: int = 0, runs: int = 32, duration: float | None = None) -> float:
    """Largest Lyapunov exponent, mean over the runs of `lyapunov_exponents`, per unit of model time."""
    return float(lyapunov_exponents(name, seed=seed, runs=runs, duration=duration)[:, 0].mean())


def _ordinary(
    flow: Callable[[Array], Array],
    tangent: Callable[[Array, Array], Array],
    start: Array,
    settle: int,
    steps: int,
    fine: float,
) -> Array:
    """All exponents of a flow in three dimensions, shape (runs, 3), by steps of Runge-Kutta of order 4."""

    def rate(state: Array) -> Array:
        return np.concatenate([flow(state[:, :1]), tangent(state[:, :1], state[:, 1:])], axis=1)

    # Rows of a state: the point, then three tangent vectors.
    state = np.concatenate([start[:, None], np.broadcast_to(np.eye(3), (len(start), 3, 3))], axis=1)
    grown = np.zeros((len(start), 3))
    for k in range(1, settle + steps + 1):
        one = rate(state)
        two = rate(state + fine / 2 * one)
        three = rate(state + fine / 2 * two)
        state = state + fine / 6 * (one + 2 * two + 2 * three + rate(state + fine * three))
        if k % _EVERY == 0 or k in (settle, settle + steps):
            q, r = np.linalg.qr(state[:, 1:].swapaxes(1, 2))
            state[:, 1:] = q.swapaxes(1, 2)
            if k > settle:
                grown += np.log(np.abs(np.diagonal(r, axis1=1, axis2=2)))
    return grown / (steps * fine)


def _delayed(system: MackeyGlass, start: Array, transient: float, duration: float) -> Array:
    """Largest exponent of the delay equation, shape (runs, 1); a tangent vector is a function over one delay."""
    x, f = system.history(start)
    v, g = np.ones_like(x), np.zeros_like(x)
    settle, blocks = (math.ceil(time / (system.h * system.steps)) for time in (transient, duration))
    grown = np.zeros((len(x), 1))
    for k in range(settle + blocks):
        middle, between = system.midpoints(x, f), system.midpoints(v, g)
        # Linear with the same decay as x: v' = feed'(x(t - tau)) v(t - tau) - gamma v.
        v, g = system.advance(v, g, system.gain(x) * v, system.gain(middle) * between)
        x, f = system.advance(x, f, system.feed(x), system.feed(middle))
        size = np.sqrt((v**2).mean(axis=1, keepdims=True))
        v, g = v / size, g / size
        if k >= settle:
            grown += np.log(size)
    return grown / (blocks * system.h * system.steps)


def _lorenz63_tangent(sigma: float, rho: float, beta: float) -> Callable[[Array, Array], Array]:
    def tangent(point: Array, vectors: Array) -> Array:
        x, y, z = (point[..., i] for i in range(3))
        a, b, c = (vectors[..., i] for i in range(3))
        return np.stack([sigma * (b - a), a * (rho - z) - x * c - b, a * y + x * b - beta * c], axis=-1)

    return tangent


def _rossler_tangent(a: float, c: float) -> Callable[[Array, Array], Array]:
    def tangent(point: Array, vectors: Array) -> Array:
        x, z = point[..., 0], point[..., 2]
        dx, dy, dz = (vectors[..., i] for i in range(3))
        return np.stack([-dy - dz, dx + a * dy, dx * z + dz * (x - c)], axis=-1)

    return tangent
