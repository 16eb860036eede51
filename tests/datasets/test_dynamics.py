"""Generated series: equations, convergence, seeds, and Lyapunov exponents against what is published."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.dynamics import LYAPUNOV, STEP, lorenz63, mackey_glass, narma10, rossler
from hetero_rsnn.datasets.lyapunov import largest_lyapunov, lyapunov_exponents

CHAOTIC = {"lorenz63": lorenz63, "rossler": rossler, "mackey_glass": mackey_glass}


def _slopes(x, dt):
    """Central differences of order 6."""
    return (x[6:] - 9 * x[5:-1] + 45 * x[4:-2] - 45 * x[2:-4] + 9 * x[1:-5] - x[:-6]) / (60 * dt)


def test_lorenz_solves_its_equations():
    dt = 0.002
    s = lorenz63(400, dt=dt, sigma=9.0, rho=30.0, beta=2.5, transient=1.0)
    x, y, z = s[3:-3].T
    right = np.stack([9.0 * (y - x), x * (30.0 - z) - y, x * y - 2.5 * z], axis=1)
    np.testing.assert_allclose(_slopes(s, dt), right, atol=1e-5 * np.abs(right).max())


def test_rossler_solves_its_equations():
    dt = 0.01
    s = rossler(3000, dt=dt, a=0.15, b=0.25, c=6.0, transient=1.0)
    x, y, z = s[3:-3].T
    right = np.stack([-y - z, x + 0.15 * y, 0.25 + z * (x - 6.0)], axis=1)
    np.testing.assert_allclose(_slopes(s, dt), right, atol=1e-5 * np.abs(right).max())


def test_mackey_glass_solves_its_equation():
    dt, tau, n = 0.05, 15.0, 9.0
    x = mackey_glass(2000, dt=dt, tau=tau, n=n, beta=0.25, gamma=0.12, transient=100.0)[:, 0]
    lag = round(tau / dt)
    delayed = x[:-lag][3:-3]
    right = 0.25 * delayed / (1 + delayed**n) - 0.12 * x[lag + 3 : -3]
    np.testing.assert_allclose(_slopes(x[lag:], dt), right, atol=1e-6 * np.abs(right).max())


def test_mackey_glass_before_the_first_delay_is_an_exponential():
    # The history is a constant c: x = x_inf + (c - x_inf) exp(-gamma t) with x_inf = feed(c) / gamma.
    x = mackey_glass(18, transient=0.0)[:, 0]
    rest = 0.2 * x[0] / (1 + x[0] ** 10) / 0.1
    np.testing.assert_allclose(x, rest + (x[0] - rest) * np.exp(-0.1 * np.arange(18)), rtol=1e-10)


def test_mackey_glass_converges_with_order_four():
    exact = mackey_glass(100, transient=200.0, fine=0.0125)
    errors = [np.abs(mackey_glass(100, transient=200.0, fine=h) - exact).max() for h in (0.4, 0.2, 0.1)]
    assert errors[2] < 1e-8
    assert all(12 < a / b < 30 for a, b in pairwise(errors)), errors


def test_mackey_glass_takes_any_sampling_and_delay():
    fine = mackey_glass(80, dt=0.25, tau=17.3, transient=30.0)
    coarse = mackey_glass(20, dt=1.0, tau=17.3, transient=30.0)
    np.testing.assert_allclose(fine[::4], coarse, rtol=1e-14)


@pytest.mark.parametrize("name", CHAOTIC)
def test_series_depend_on_the_seed_and_the_start_alone(name):
    # Twenty Lyapunov times or so before the first sample still show a step that is not the same.
    make = partial(CHAOTIC[name], transient={"lorenz63": 20.0, "rossler": 150.0, "mackey_glass": 2000.0}[name])
    a = make(50, seed=3)
    assert a.shape == (50, 1 if name == "mackey_glass" else 3)
    assert np.array_equal(a, make(50, seed=3))
    assert not np.allclose(a, make(50, seed=4), rtol=0.01)
    np.testing.assert_allclose(make(30, seed=3), a[:30], rtol=1e-9)
    np.testing.assert_allclose(make(20, seed=3, dt=STEP[name] / 2)[::2], a[:10], rtol=1e-6)  # the default step


@pytest.mark.parametrize(
    ("name", "low", "high"), [("lorenz63", -30, 55), ("rossler", -15, 30), ("mackey_glass", 0.2, 1.4)]
)
def test_attractors_have_the_known_size(name, low, high):
    settled = {"lorenz63": 10.0, "rossler": 50.0, "mackey_glass": 2000.0}[name]
    for seed in range(4):
        x = CHAOTIC[name](500, seed=seed, transient=settled)
        assert x.min() > low
        assert x.max() < high
        assert x.std(axis=0).min() > 0.05 * (x.max() - x.min())


def test_narma_follows_its_recursion():
    u, y = narma10(500, seed=2)
    assert u.shape == y.shape == (500,)
    assert 0 <= u.min() < 0.01
    assert 0.49 < u.max() <= 0.5
    for k in range(9, 499):
        expected = 0.3 * y[k] + 0.05 * y[k] * y[k - 9 : k + 1].sum() + 1.5 * u[k - 9] * u[k] + 0.1
        assert y[k + 1] == pytest.approx(expected, rel=1e-12)


def test_narma_redraws_an_input_that_diverges(monkeypatch):
    calls = []
    real = __import__("hetero_rsnn.datasets.dynamics", fromlist=["generator"]).generator

    class Loud:
        def uniform(self, low, high, size):
            return np.full(size, high)  # a constant 0.5 has no fixed point: y explodes

    def fake(seed, *names):
        calls.append(names)
        return Loud() if names[-1] == 0 else real(seed, *names)

    monkeypatch.setattr("hetero_rsnn.datasets.dynamics.generator", fake)
    u, y = narma10(300, seed=5)
    assert calls == [("stimulus", "narma10", 0), ("stimulus", "narma10", 1)]
    assert u.max() > u.min()
    assert y.max() < 1e3
    monkeypatch.setattr("hetero_rsnn.datasets.dynamics.generator", lambda *_: Loud())
    with pytest.raises(HeteroError, match="1000 inputs that diverge within 300 samples: ask for fewer"):
        narma10(300)


def test_narma_is_bounded_for_many_seeds():
    assert max(narma10(2000, seed=s)[1].max() for s in range(20)) < 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lorenz63(0), "samples must be a whole number >= 1, got 0"),
        (lambda: rossler(1.5), "samples must be"),
        (lambda: lorenz63(5, dt=-1.0), "dt must be a finite number > 0, got -1.0"),
        (lambda: mackey_glass(5, tau=float("nan")), "tau must be"),
        (lambda: mackey_glass(5, transient=-1.0), "transient must be"),
        (lambda: rossler(5, a=3.0), "rossler must stay bounded"),
        (lambda: narma10(0), "samples must be"),
        (lambda: narma10(5, seed=-1), "seed must be"),
        (lambda: lyapunov_exponents("lorentz63"), "did you mean 'lorenz63'"),
        (lambda: lyapunov_exponents("lorenz63", runs=0), "runs must be"),
        (lambda: lyapunov_exponents("lorenz63", fine=0.0), "fine must be"),
    ],
)
def test_errors_say_value_and_rule(call, message):
    with pytest.raises(HeteroError, match=message.replace("(", r"\(")):
        call()


@pytest.mark.slow
def test_lorenz_exponents_sum_to_the_divergence():
    # The divergence of the flow is the same everywhere: -(sigma + 1 + beta).
    e = lyapunov_exponents("lorenz63", runs=3, duration=5.0)
    np.testing.assert_allclose(e.sum(axis=1), -(10 + 1 + 8 / 3), rtol=1e-5)


@pytest.mark.slow
def test_rossler_exponents_sum_to_the_mean_divergence():
    # Here the divergence is a + x - c: its mean along the series is another way to the sum.
    e = lyapunov_exponents("rossler", runs=16, duration=80.0, fine=0.05)
    x = np.concatenate([rossler(1500, seed=s, transient=50.0)[:, 0] for s in range(2)])
    assert e.sum(axis=1).mean() == pytest.approx(0.2 + x.mean() - 5.7, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("name", LYAPUNOV)
def test_largest_exponents_are_the_published_ones(name):
    e = lyapunov_exponents(name)
    error = e[:, 0].std(ddof=1) / np.sqrt(len(e))
    assert e[:, 0].mean() == pytest.approx(LYAPUNOV[name], abs=3.5 * error)
    assert error < 0.04 * LYAPUNOV[name]
    if name != "mackey_glass":
        assert abs(e[:, 1].mean()) < 0.01  # along the flow
    else:
        assert abs(0.0056 - e.mean()) < 2 * e.std(ddof=1)  # another published value, from one run


@pytest.mark.slow
def test_largest_lyapunov_is_positive_in_short_runs():
    assert largest_lyapunov("mackey_glass", runs=16, duration=1000.0) == pytest.approx(0.0051, abs=0.002)
    assert largest_lyapunov("lorenz63", runs=16, duration=10.0) == pytest.approx(0.906, abs=0.15)
