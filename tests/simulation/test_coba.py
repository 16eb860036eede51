"""Conductance-based synapses of the shipped network: potentials, reversal and effective time constants."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import BACKENDS
from relays import wired
from scipy.integrate import solve_ivp

import hetero_rsnn as hr

#: Potential (mV) at which a constant current holds a neuron, and the jump of its conductance: below 0 inhibition.
CASES = ((-60.0, 0.3), (-60.0, -1.0), (-70.0, 2.0), (-80.0, -1.0), (-90.0, -1.0), (-55.0, -4.0))
TAU_M, TAU_E, TAU_I, E_L, E_E, E_I = 14.0, 5.0, 10.0, -60.0, 0.0, -80.0
EVENT = 10.0


def drawn(cases: tuple[tuple[float, float], ...], dt: str, **neurons: float) -> hr.Draw:
    """A neuron a case; it never fires."""
    held = np.array([v for v, _ in cases])
    return wired(
        "coba", len(cases), w_event=np.diag([w for _, w in cases]), dt=dt, tau_m=TAU_M, v_th=0.1,
        I_bias=(held - E_L) * 1e-3, v=held * 1e-3, **neurons,
    )  # fmt: skip


def potentials(
    cases: tuple[tuple[float, float], ...], dt: float, backend: str = "fast", **neurons: float
) -> np.ndarray:
    """Potentials in mV from the event on, shape (steps, cases)."""
    made = drawn(cases, f"{dt} ms", **neurons)
    count = len(cases)
    stimulus = hr.event_stimulus([EVENT] * count, range(count), n_channels=count, hold="10 ms", samples=8)
    found = hr.simulate(made, stimulus, backend=backend, record=["v"])
    assert not found.spike_times.size
    return 1e3 * found.traces["v"][round(EVENT / dt) + 1 :]


def truth(held: float, w: float, times: np.ndarray) -> np.ndarray:
    """The same by an integrator of high order."""
    e, i = max(w, 0.0), max(-w, 0.0)

    def slope(t: float, v: np.ndarray) -> np.ndarray:
        g_e, g_i = e * np.exp(-t / TAU_E), i * np.exp(-t / TAU_I)
        return (held - v + g_e * (E_E - v) + g_i * (E_I - v)) / TAU_M

    return solve_ivp(slope, (0, times[-1]), [held], t_eval=times, rtol=1e-10, atol=1e-10).y[0]


@pytest.mark.parametrize(("dt", "error"), [(0.5, 0.06), (0.05, 0.006)])
def test_single_potentials(dt: float, error: float) -> None:
    """The error of a step is of first order: a tenth of the step has a tenth of it."""
    found = potentials(CASES, dt)
    for mine, (held, w) in zip(found.T, CASES, strict=True):
        wanted = truth(held, w, np.arange(mine.size) * dt)
        assert np.abs(mine - wanted).max() <= error * max(np.abs(wanted - held).max(), 1e-6)


def test_small_ones_have_a_closed_form() -> None:
    """Where the driving force stays as it is, the potential is a difference of two exponentials."""
    w, dt = 1e-5, 0.05
    found = potentials(((-60.0, w), (-60.0, -w), (-90.0, -w)), dt) - (-60, -60, -90)
    times = np.arange(len(found)) * dt
    for mine, tau, force in zip(found.T, (TAU_E, TAU_I, TAU_I), (60.0, -20.0, 10.0), strict=True):
        wanted = w * force * tau / (TAU_M - tau) * (np.exp(-times / TAU_M) - np.exp(-times / tau))
        assert np.abs(mine - wanted).max() <= 0.006 * np.abs(wanted).max()


def test_inhibition_reverses_at_its_potential() -> None:
    held = np.array([-70.0, -80.0, -90.0])
    above, at, below = (potentials(tuple((v, -1.0) for v in held), 0.5) - held).T
    assert above.min() < -0.5 and above.max() <= 1e-9
    assert np.abs(at).max() < 1e-9
    assert below.max() > 0.5 and below.min() >= -1e-9


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_time_constant_shortens_with_the_conductance(backend: str) -> None:
    """With a conductance that stays, a membrane relaxes with tau_m / (1 + g), exactly."""
    jumps = (0.5, 3.0, -1.0, -4.0)
    found = potentials(tuple((-60.0, w) for w in jumps), 0.5, backend, tau_e=1e12, tau_i=1e12)
    times = np.arange(len(found)) * 0.5
    for mine, w in zip(found.T, jumps, strict=True):
        end = (E_L + abs(w) * (E_E if w > 0 else E_I)) / (1 + abs(w))
        np.testing.assert_allclose(mine, end + (E_L - end) * np.exp(-times * (1 + abs(w)) / TAU_M), rtol=1e-9)
