"""Generated benchmark series: three chaotic systems and NARMA10, all from a seed alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp
from scipy.signal import lfilter

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array

#: Largest Lyapunov exponent at the default parameters, per unit of model time (natural logarithm). Lorenz and Roessler:
#: Sprott, "Chaos and Time-Series Analysis", Oxford 2003. Mackey-Glass: ours, 0.00513(4), by tangent vectors and by
#: pairs of trajectories alike, 64 runs of 3e4; https://sites.google.com/view/lyapunov-spectrum has 0.0056, one standard
#: deviation of a run of 5000 away.
LYAPUNOV = {"lorenz63": 0.9056, "rossler": 0.0714, "mackey_glass": 0.0051}
#: Default sampling step, in units of model time.
STEP = {"lorenz63": 0.02, "rossler": 0.1, "mackey_glass": 1.0}
#: Default model time dropped at the start.
TRANSIENT = {"lorenz63": 50.0, "rossler": 200.0, "mackey_glass": 2000.0}

#: No attractor is this large: a solution beyond is lost, and following it can take for ever.
_ESCAPED = 1e4
#: Bytes that a sample of a series takes while it is made: the numbers, times, and copies of them; of NARMA10 lists.
_SAMPLE = {"lorenz63": 100, "rossler": 100, "mackey_glass": 40, "narma10": 120}
_NARMA_WASHOUT, _NARMA_TAIL, _NARMA_TRIES = 200, 100, 1000


def lorenz63(
    samples: int,
    *,
    seed: int = 0,
    dt: float = STEP["lorenz63"],
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8.0 / 3.0,
    transient: float = TRANSIENT["lorenz63"],
) -> Array:
    """The Lorenz system, sampled on its attractor.

    x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z, by an explicit Runge-Kutta method of order 8 with
    relative tolerance 1e-9. No two ways to solve it agree for long: errors grow by e every 1.1 units of time.

    Parameters
    ----------
    samples : int
        At least 1.
    seed : int
        Picks the initial state.
    dt : float
        Sampling step (model time).
    sigma, rho, beta : float
    transient : float
        Model time dropped at the start.

    Returns
    -------
    ndarray, shape (samples, 3)

    Raises
    ------
    HeteroError
        If a number breaks its rule, or the solution diverges.

    References
    ----------
    E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20, 1963.
    """
    require_positive(dt=dt, sigma=sigma, rho=rho, beta=beta)
    return _solve("lorenz63", lorenz63_flow(sigma, rho, beta), initial_state("lorenz63", seed), samples, dt, transient)


def rossler(
    samples: int,
    *,
    seed: int = 0,
    dt: float = STEP["rossler"],
    a: float = 0.2,
    b: float = 0.2,
    c: float = 5.7,
    transient: float = TRANSIENT["rossler"],
) -> Array:
    """The Roessler system, sampled on its attractor: x' = -y - z, y' = x + a y, z' = b + z (x - c).

    Parameters
    ----------
    samples, seed, dt, transient
        See `lorenz63`. One turn takes about 5.9 units of model time.
    a, b, c : float

    Returns
    -------
    ndarray, shape (samples, 3)

    Raises
    ------
    HeteroError
        If a number breaks its rule, or the solution diverges, as it does for many a, b and c.

    References
    ----------
    O. E. Rössler, "An equation for continuous chaos", Physics Letters A 57, 1976. The parameters are those of
    Sprott 2003.
    """
    require_positive(dt=dt, a=a, b=b, c=c)
    return _solve("rossler", rossler_flow(a, b, c), initial_state("rossler", seed), samples, dt, transient)


def mackey_glass(
    samples: int,
    *,
    seed: int = 0,
    tau: float = 17.0,
    dt: float = STEP["mackey_glass"],
    beta: float = 0.2,
    gamma: float = 0.1,
    n: float = 10.0,
    transient: float = TRANSIENT["mackey_glass"],
    fine: float = 0.1,
) -> Array:
    """The Mackey-Glass delay equation x'(t) = beta x(t - tau) / (1 + x(t - tau)^n) - gamma x(t).

    Parameters
    ----------
    samples, seed, dt, transient
        See `lorenz63`; `seed` picks the constant history before time 0.
    tau : float
        Delay (model time); chaos from about 16.8 with the other defaults.
    beta, gamma, n : float
    fine : float
        Largest step of the integration; the step used divides `tau`.

    Returns
    -------
    ndarray, shape (samples, 1)

    Raises
    ------
    HeteroError
        If a number breaks its rule.

    Notes
    -----
    Method of steps. Within one delay the delayed term is a known function, and the equation is linear in x: the
    integrating factor exp(gamma t) is exact, the integral of the delayed term is Simpson's, and values between steps
    are cubic Hermite interpolants. The global error is of order 4 in `fine`.

    References
    ----------
    M. C. Mackey, L. Glass, "Oscillation and chaos in physiological control systems", Science 197, 1977.
    """
    require_positive(dt=dt, tau=tau, beta=beta, gamma=gamma, n=n, fine=fine)
    count = check_size("mackey_glass", samples)
    memory.fits("steps of a delay", 100.0 * tau / fine, "lower tau, or give a larger fine")
    t: Array = _transient(transient) + dt * np.arange(count, dtype=float)
    delay = MackeyGlass(tau, beta, gamma, n, fine)
    x, f = delay.history(initial_state("mackey_glass", seed))
    out = np.empty(count)
    for block in range(int(t[-1] / tau) + 1):
        x, f = delay.advance(x, f, delay.feed(x), delay.feed(delay.midpoints(x, f)))
        first, last = np.searchsorted(t, [block * tau, (block + 1) * tau])
        within: Array = t[first:last] - block * tau
        out[first:last] = delay.interpolate(x[0], f[0], within)
    return out[:, None]


def narma10(samples: int, *, seed: int = 0) -> tuple[Array, Array]:
    """The tenth-order nonlinear autoregressive moving average, a task of memory and nonlinearity.

    y[k+1] = 0.3 y[k] + 0.05 y[k] (y[k] + ... + y[k-9]) + 1.5 u[k-9] u[k] + 0.1, u uniform in [0, 0.5].
    What has heard u[0..k] is to give y[k+1].

    Parameters
    ----------
    samples : int
        At least 1.
    seed : int
        Picks the input.

    Returns
    -------
    u, y : ndarray, shape (samples,)
        From 200 steps after the start at y = 0.

    Raises
    ------
    HeteroError
        If `samples` breaks its rule, or every one of 1000 inputs diverged, as very long ones do.

    Notes
    -----
    The recursion diverges for some inputs. An input is dropped, and the next of the same seed is drawn from its own
    branch of the generator tree, if y passes 1e3 before the end or within 100 steps after it (an end in the middle of
    an escape would spoil the series). So a seed always gives the same series, though it is not always its first.

    References
    ----------
    A. F. Atiya, A. G. Parlos, "New results on recurrent network training", IEEE Transactions on Neural Networks 11,
    2000.
    """
    total = _NARMA_WASHOUT + check_size("narma10", samples) + _NARMA_TAIL
    for attempt in range(_NARMA_TRIES):
        u = generator(seed, "stimulus", "narma10", attempt).uniform(0.0, 0.5, total)
        y = _narma(u)
        if y is not None:
            kept = slice(_NARMA_WASHOUT, total - _NARMA_TAIL)
            return u[kept], y[kept]
    raise HeteroError(
        f"narma10 must stay bounded, got {_NARMA_TRIES} inputs that diverge within {samples} samples: ask for fewer"
    )


def _narma(u: Array) -> Array | None:
    """Outputs for inputs `u`, None if they diverge."""
    y = [0.0] * len(u)
    drive = np.zeros(len(u))
    drive[9:] = 1.5 * u[:-9] * u[9:]
    for k, push in enumerate(drive[:-1].tolist()):
        now = y[k]
        recent = math.fsum(y[max(k - 9, 0) : k + 1])
        y[k + 1] = 0.3 * now + 0.05 * now * recent + push + 0.1
        if y[k + 1] > 1e3:
            return None
    return np.array(y)


def lorenz63_flow(sigma: float, rho: float, beta: float) -> Callable[[Array], Array]:
    """Right-hand side of the Lorenz system, for states of shape (..., 3)."""

    def flow(state: Array) -> Array:
        x, y, z = state[..., 0], state[..., 1], state[..., 2]
        return np.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z], axis=-1)

    return flow


def rossler_flow(a: float, b: float, c: float) -> Callable[[Array], Array]:
    """Right-hand side of the Roessler system, for states of shape (..., 3)."""

    def flow(state: Array) -> Array:
        x, y, z = state[..., 0], state[..., 1], state[..., 2]
        return np.stack([-y - z, x + a * y, b + z * (x - c)], axis=-1)

    return flow


def initial_state(name: str, seed: int, *more: int) -> Array:
    """An initial state in the basin of the attractor, shape (3,), or (1,) for the history of Mackey-Glass."""
    low, high = {
        "lorenz63": ([-10.0, -10.0, 15.0], [10.0, 10.0, 35.0]),
        "rossler": ([-5.0, -5.0, 0.0], [5.0, 5.0, 0.5]),
        "mackey_glass": ([0.3], [0.9]),
    }[name]
    return generator(seed, "stimulus", name, *more).uniform(low, high)


def _solve(name: str, flow: Callable[[Array], Array], start: Array, samples: int, dt: float, transient: float) -> Array:
    t = _transient(transient) + dt * np.arange(check_size(name, samples))
    end = float(t[-1]) + 2.0  # no step that a sample lies in is cut short, so a longer series begins like a shorter one

    def escape(_: float, state: Array) -> float:
        return _ESCAPED - float(np.abs(state).max())

    escape.terminal = True  # type: ignore[attr-defined]  # scipy's own way to say it
    found = solve_ivp(lambda _, s: flow(s), (0.0, end), start, "DOP853", t, events=escape, rtol=1e-9, atol=1e-9)
    if len(found.t) < len(t):
        raise HeteroError(
            f"{name} must stay bounded, but it passes {_ESCAPED:g} before time {t[-1]:g}: "
            "use parameters nearer the default"
        )
    y: Array = found.y.T
    return y


class MackeyGlass:
    """The delay equation in blocks of one delay; x (values) and f (slopes) have shape (runs, steps + 1)."""

    def __init__(self, tau: float, beta: float, gamma: float, n: float, fine: float) -> None:
        self.beta, self.gamma, self.n = beta, gamma, n
        self.steps = math.ceil(tau / fine)
        self.h = tau / self.steps

    def history(self, start: Array) -> tuple[Array, Array]:
        """Constant histories, from starts of shape (runs,)."""
        x = np.repeat(start.reshape(-1, 1), self.steps + 1, axis=1)
        return x, np.zeros_like(x)

    def feed(self, x: Array) -> Array:
        """What a delayed value adds to the derivative."""
        return self.beta * x / (1.0 + x**self.n)

    def gain(self, x: Array) -> Array:
        """Derivative of `feed`."""
        power = x**self.n
        return self.beta * (1.0 + (1.0 - self.n) * power) / (1.0 + power) ** 2

    def midpoints(self, x: Array, f: Array) -> Array:
        """Cubic Hermite values half-way between the steps."""
        return (x[:, :-1] + x[:, 1:]) / 2 + self.h / 8 * (f[:, :-1] - f[:, 1:])

    def advance(self, x: Array, f: Array, feed: Array, between: Array) -> tuple[Array, Array]:
        """The next block of x' = feed(t) - gamma x, the feed given at the steps and half-way `between` them."""
        decay = math.exp(-self.gamma * self.h)
        push = self.h / 6 * (decay * feed[:, :-1] + 4 * math.sqrt(decay) * between + feed[:, 1:])
        first = x[:, -1:]
        rest, _ = lfilter([1.0], [1.0, -decay], push, axis=1, zi=decay * first)
        new: Array = np.concatenate([first, rest], axis=1)
        return new, feed - self.gamma * new

    def interpolate(self, x: Array, f: Array, t: Array) -> Array:
        """Cubic Hermite values at times `t` from the start of the block; x and f of one run."""
        k = np.clip((t / self.h).astype(int), 0, self.steps - 1)
        s = t / self.h - k
        left, right = self.h * f[k], self.h * f[k + 1]
        rise = x[k + 1] - x[k]
        out: Array = x[k] + s * (left + s * (3 * rise - 2 * left - right + s * (left + right - 2 * rise)))
        return out


def check_size(name: str, samples: int, fix: str = "lower samples") -> int:
    """The number of samples, refused if it is none or if there is no memory for as many."""
    count = checks.whole("samples", samples, least=1, most=2**53)
    memory.fits(f"a series {name} of {count} samples", _SAMPLE[name] * count, fix)
    return count


def require_positive(**numbers: float) -> None:
    """Raise `HeteroError` for a number that is not finite and > 0."""
    for name, value in numbers.items():
        checks.real(name, value, above=0.0, fix="leave it out for the default")


def _transient(value: float) -> float:
    return checks.real("transient", value, least=0.0, fix="leave it out for the default")
