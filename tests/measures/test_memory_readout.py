"""A readout that is kept gives what it gave, and no more, on states that changed."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr

D_MAX = 12


@pytest.fixture(scope="module")
def u() -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, 1500)


@pytest.fixture(scope="module")
def states(u: np.ndarray) -> np.ndarray:
    """A leaky reservoir with noise, features of very different sizes and offsets, one of them constant."""
    rng = np.random.default_rng(4)
    x, weights = np.zeros((len(u), 20)), rng.normal(size=20)
    leak = rng.uniform(0.2, 0.95, 20)
    for k in range(1, len(u)):
        x[k] = leak * x[k - 1] + weights * u[k]
    x += 0.01 * rng.normal(size=x.shape)
    x[:, 7] = 3.0
    return x * 10.0 ** rng.uniform(-3, 3, 20) + rng.normal(size=20)


def test_undamaged_states_give_the_capacity_itself(u: np.ndarray, states: np.ndarray) -> None:
    plain = hr.memory_capacity(states, u, d_max=D_MAX, washout=40)
    readout = hr.memory_readout(states, u, d_max=D_MAX, washout=40)
    again = readout.capacity(states, u)
    assert 2 < plain.total < 11
    for name in ("total", "stderr", "n_samples", "n_features", "n_blocks", "d_max", "chance"):
        assert getattr(readout.trained, name) == getattr(plain, name)
        assert np.isclose(getattr(again, name), getattr(plain, name), rtol=1e-7)
    for name in ("curve", "fold_totals", "curve_stderr"):
        assert np.array_equal(getattr(readout.trained, name), getattr(plain, name))
        assert np.allclose(getattr(again, name), getattr(plain, name), rtol=1e-6, atol=1e-9)


def test_it_is_linear_and_does_not_adapt(u: np.ndarray, states: np.ndarray) -> None:
    readout = hr.memory_readout(states, u, d_max=D_MAX)
    other = states @ np.diag(np.r_[np.ones(10), -np.ones(10)])
    # A new readout does not mind changed signs, an old one does.
    assert np.isclose(hr.memory_capacity(other, u, d_max=D_MAX).total, readout.trained.total, rtol=1e-3)
    assert readout.capacity(other, u).total < 0.8 * readout.trained.total
    # Gain and offset of all states are not punished by a correlation.
    assert np.isclose(readout.capacity(2 * states + 5, u).total, readout.trained.total, rtol=1e-6)


def test_known_answer_of_a_delay_line(u: np.ndarray) -> None:
    line = np.stack([np.roll(u, d) for d in range(1, 7)], axis=1)
    readout = hr.memory_readout(line, u, d_max=10)
    alive = np.array([1, 0, 1, 1, 0, 1])
    c = readout.capacity(line * alive, u)
    assert np.isclose(c.total, 4, atol=0.05)
    assert np.allclose(c.curve[:6], alive, atol=0.02)
    # A block is read by what has not seen it: another input leaves nothing, and chance is subtracted.
    foreign = readout.capacity(line, np.random.default_rng(9).uniform(-1, 1, len(u)))
    assert abs(foreign.total) < 4 * foreign.stderr + 0.05
    assert readout.capacity(np.zeros_like(line), u).total == 0


def test_blocks_are_not_seen_in_training(u: np.ndarray) -> None:
    noise = np.random.default_rng(5).normal(size=(len(u), 60))
    readout = hr.memory_readout(noise, u, d_max=D_MAX)
    assert abs(readout.capacity(noise, u).total) < 0.15  # on rows that were seen it would be about 12 * 60 / 1000


def test_errors(u: np.ndarray, states: np.ndarray) -> None:
    readout = hr.memory_readout(states, u, d_max=D_MAX)
    refused(lambda: readout.capacity(states[:-1], u[:-1]), "(1500, 20)", "(1499, 20)")
    refused(lambda: readout.capacity(states[:, :5], u), "(1500, 20)", "(1500, 5)")
    refused(lambda: readout.capacity(states, u[:-1]), "1499 inputs")
    refused(lambda: readout.capacity(states * np.nan, u), "finite")
    refused(lambda: readout.capacity(states, np.zeros_like(u)), "u must vary")
    refused(lambda: hr.memory_readout(np.ones((1500, 3)), u, d_max=D_MAX), "states must vary")
    refused(lambda: hr.memory_readout(states[:100], u[:100], d_max=D_MAX), "at least", error=hr.TooShortError)
