"""What the compiled source calls. Each does for one number what Brian2's numpy target does for many."""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, error_model="numpy", inline="always")
def clip(x, low, high):
    """`x` between two bounds, the upper one if they cross."""
    y = low if x < low else x
    return high if y > high else y


@njit(nogil=True, error_model="numpy")
def power(x, y):
    """x**y with numpy's short ways for the exponents that have one."""
    if y == 1.0:
        return x * 1.0
    if y == 2.0:
        return x * 1.0 * x
    if y == 0.5:
        return np.sqrt(x * 1.0)
    if y == -1.0:
        return 1.0 / x
    return (x * 1.0) ** (y * 1.0)


@njit(nogil=True, error_model="numpy")
def exprel(x):
    """(exp(x) - 1) / x, which is 1 at 0."""
    if abs(x) < 1e-16:
        return 1.0
    if x > 717:
        return np.inf
    return np.expm1(x) / x


@njit(nogil=True, error_model="numpy", inline="always")
def timestep(t, dt):
    """The step that a time falls into; one that is a thousandth of a step short still counts."""
    return np.int64((t + 1e-3 * dt) / dt)


@njit(nogil=True, error_model="numpy", inline="always")
def whole(x):
    """The whole number towards 0."""
    return np.int32(x)


@njit(nogil=True, error_model="numpy", inline="always")
def floor(x):
    """The whole number below."""
    return np.int32(np.floor(x))


@njit(nogil=True, error_model="numpy", inline="always")
def ceil(x):
    """The whole number above."""
    return np.int32(np.ceil(x))


@njit(nogil=True, error_model="numpy", inline="always")
def sample(t, dt, hold_steps, samples):
    """The sample of the input that holds at a time of the present piece, as a TimedArray of Brian2 has it."""
    fine = max(2.0 ** np.ceil(np.log2(8.0 * hold_steps)), 1.0)
    index = np.int64(np.round(t / (hold_steps * dt / fine)) / fine)
    return min(max(index, 0), samples - 1)
