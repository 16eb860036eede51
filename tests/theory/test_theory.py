"""The theory against closed forms, numerical integrals, and small simulations of our own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from helpers import refused
from scipy import integrate, signal, special

import hetero_rsnn as hr
from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.theory.linear import (
    LinearSystem,
    effective_matrix,
    impulse,
    linear_memory,
    linearised,
    random_matrix_prediction,
    sampled,
    spectral_states,
    stationary,
)
from hetero_rsnn.theory.neuron import dead_time, isi_cv, lif_rate, quasi_static_rate, siegert_rate
from hetero_rsnn.theory.rates import renewal_power, self_consistent_rates, weight_matrix
from hetero_rsnn.theory.response import lif_response
from hetero_rsnn.theory.weights import mean_logistic, weight_drift

#: Neurons from well below to well above threshold, fast and slow, with thresholds and resets of their own.
DRIVE = np.array([0.8, 0.97, 1.06, 1.3, 1.5])
TAU = np.array([12.0, 40.0, 30.0, 7.0, 90.0])
NOISE = np.array([0.9, 0.4, 0.05, 0.3, 0.02])
V_TH = np.array([1.0, 1.0, 1.0, 1.1, 0.9])
V_RESET = np.array([0.0, 0.2, 0.0, -0.3, 0.1])
T_REF = np.array([2.0, 0.0, 3.0, 2.0, 5.0])
HOW = {"v_th": V_TH, "v_reset": V_RESET, "t_ref": T_REF}


def uncoupled(n: int, **changes) -> hr.Draw:
    """A network without recurrence (its weights do nothing), spread over tau_m and drive."""
    weights = {f"{k}.weight.mean": 1e-9 for k in ("EE", "EI", "IE", "II")}
    return hr.draw(hr.load_network("henhos", n=n, **{**weights, "w_max": 1e-8, **changes}), 5)


@pytest.mark.parametrize("t_ref", ["0 ms", "1 ms", "2 ms", "3.5 ms"])
def test_constant_drive_gives_the_simulated_intervals_exactly(t_ref):
    d = uncoupled(40, t_ref=t_ref)
    drive = np.linspace(0.9, 1.8, 40)
    d = dataclasses.replace(d, w_in=(drive - 1.06)[:, None])
    r = hr.simulate(d, hr.array_stimulus(np.ones(300), "10 ms"), plasticity=False)
    p = d.neurons
    expected = lif_rate(drive, p["tau_m"], v_th=p["v_th"], v_reset=p["v_reset"], t_ref=p["t_ref"], dt=1.0)
    seen = 0
    for i in range(40):
        times = r.spike_times[r.spike_neurons == i]
        assert (expected[i] == 0) == (times.size == 0)
        if times.size > 1:
            np.testing.assert_allclose(np.diff(times), 1e3 / expected[i], rtol=1e-9)
            seen += 1
    assert seen > 25


def test_the_grid_is_gone_as_dt_goes_to_zero():
    exact = lif_rate(DRIVE, TAU, **HOW)
    np.testing.assert_allclose(lif_rate(DRIVE, TAU, **HOW, dt=1e-4), exact, rtol=1e-3)
    np.testing.assert_allclose(1e3 / exact[2], 3 + 30 * np.log(1.06 / 0.06))
    np.testing.assert_array_equal(dead_time([0.0, 1.0, 2.0, 2.7], 1.0), [0, 0, 1, 1])


def test_siegert_is_the_integral():
    sigma = np.sqrt(NOISE / TAU)
    for i, rate in enumerate(siegert_rate(DRIVE, NOISE, TAU, **HOW)):
        low, high = (V_RESET[i] - DRIVE[i]) / sigma[i], (V_TH[i] - DRIVE[i]) / sigma[i]
        area, _ = integrate.quad(lambda x: special.erfcx(-x), low, high, limit=400)
        assert rate == pytest.approx(1e3 / (T_REF[i] + TAU[i] * np.sqrt(np.pi) * area), rel=1e-9)


def test_siegert_becomes_the_deterministic_rate_without_noise():
    above = DRIVE > V_TH
    for intensity, tolerance in ((1e-5, 1e-3), (1e-9, 1e-7), (0.0, 1e-12)):
        rate, sharp = siegert_rate(DRIVE, intensity, TAU, **HOW), lif_rate(DRIVE, TAU, **HOW)
        np.testing.assert_allclose(rate[above], sharp[above], rtol=tolerance)
        assert (rate[~above] < 1e-6).all()


def test_siegert_is_what_uncoupled_neurons_do_under_white_noise():
    dt = 0.05
    d = uncoupled(30, dt=f"{dt} ms", t_ref="2 ms")
    steps, scale = 400_000, np.linspace(0.5, 2.0, 30)
    z = np.random.default_rng(3).standard_normal(steps)
    intensity = (0.5 * scale) ** 2  # of the current scale_i z / sqrt(dt), held for dt
    d = dataclasses.replace(d, w_in=0.5 * scale[:, None])
    r = hr.simulate(d, hr.array_stimulus(z / np.sqrt(dt), f"{dt} ms"), plasticity=False)
    tau = d.neurons["tau_m"]
    # On a grid the noise crosses the threshold between steps unseen: as if it lay 0.5826 sd of a step higher.
    v_th = 1.0 + 0.5826 * np.sqrt(intensity * dt) / tau
    expected = siegert_rate(1.06, intensity, tau, v_th=v_th, t_ref=2.0 - dt)
    error = r.rates_hz / expected - 1
    assert abs(error.mean()) < 0.02
    assert np.abs(error).max() < 0.12  # 20 s of 10 to 60 Hz
    cv = [np.diff(t).std() / np.diff(t).mean() for i in range(30) for t in [r.spike_times[r.spike_neurons == i]]]
    assert np.mean(cv) == pytest.approx(isi_cv(1.06, intensity, tau, v_th=v_th).mean(), rel=0.06)


def test_colour_moves_threshold_and_reset_alike():
    sigma, shift = np.sqrt(NOISE / TAU), np.sqrt(2) * 1.4603545088 / 2 * np.sqrt(3.0 / TAU)
    moved = siegert_rate(DRIVE - sigma * shift, NOISE, TAU, **HOW)
    np.testing.assert_allclose(siegert_rate(DRIVE, NOISE, TAU, **HOW, tau_noise=3.0), moved, rtol=1e-9)


def test_quasi_static_is_the_mean_over_constant_drives():
    rng = np.random.default_rng(0)
    drives = 1.02 + 0.1 * rng.standard_normal(400_000)
    assert quasi_static_rate(1.02, 0.01, 25.0) == pytest.approx(lif_rate(drives, 25.0).mean(), rel=0.01)
    np.testing.assert_allclose(quasi_static_rate(DRIVE, 0.0, TAU, **HOW), lif_rate(DRIVE, TAU, **HOW))


def test_variance_of_filtered_renewal_spikes():
    rng = np.random.default_rng(1)
    for cv, tau in ((0.1, 30.0), (0.5, 10.0), (1.0, 30.0)):
        spikes = np.cumsum(rng.gamma(cv**-2, 40.0 * cv**2, 30_000))
        counts = np.bincount((spikes * 5).astype(int)).astype(float)  # steps of 0.2 ms
        state = signal.lfilter([1.0], [1.0, -np.exp(-0.2 / tau)], counts)[5000:]
        poisson = 0.025 * tau / 2
        assert state.var() / poisson == pytest.approx(1 + 2 * renewal_power(25.0, cv, tau), abs=0.05)
    assert renewal_power(25.0, 1.0, 30.0) == pytest.approx(0, abs=1e-12)


def test_weight_matrix_has_targets_as_rows():
    d = hr.draw(hr.load_network("henhes", n=40), 2)
    w = weight_matrix(d).toarray()
    for synapses in (d.plastic, d.static):
        np.testing.assert_array_equal(w[synapses.target, synapses.source], synapses.w)
    assert (w[:, d.members("I")] <= 0).all() and (w[:, d.members("E")] >= 0).all() and w.any()
    refused(lambda: weight_matrix(d, np.ones(3)), "plastic", "recording.weights")


@pytest.mark.parametrize("formula", ["lif", "siegert", "matched", "coloured", "quasi-static"])
def test_self_consistent_rates_solve_their_equation_without_coupling(formula):
    d = uncoupled(30)
    f = self_consistent_rates(d, formula=formula)
    ref, tau = np.full(30, 1.5), d.neurons["tau_m"]
    np.testing.assert_allclose(f.intensity, d.w_in[:, 0] ** 2 / 3 * 10, rtol=1e-6)
    np.testing.assert_allclose(f.tau_noise, 5.0, rtol=1e-4)
    expected = {
        "lif": lambda: lif_rate(1.06, tau, t_ref=ref),
        "siegert": lambda: siegert_rate(1.06, f.intensity, tau, t_ref=ref),
        "matched": lambda: siegert_rate(1.06, f.white, tau, t_ref=ref),
        "coloured": lambda: siegert_rate(1.06, f.intensity, tau, t_ref=ref, tau_noise=5.0),
        "quasi-static": lambda: quasi_static_rate(1.06, f.variance, tau, t_ref=ref),
    }[formula]()
    np.testing.assert_allclose(f.rates_hz, expected, rtol=1e-4)


def test_the_working_point_of_a_network_is_near_the_simulated_one():
    d = hr.draw(hr.load_network("static", n=200), 8)
    r = hr.simulate(d, hr.uniform_stimulus(1500, "10 ms", seed=4))
    for renewal in (False, True):
        f = self_consistent_rates(d, formula="matched", renewal=renewal)
        assert f.rates_hz.mean() == pytest.approx(r.rate_hz, rel=0.1)
        assert np.corrcoef(f.rates_hz, r.rates_hz)[0, 1] > 0.95
    refused(lambda: self_consistent_rates(d, formula="sigert"), "sigert", "siegert")


def test_matched_variance_is_that_of_the_potential_under_held_noise():
    """Against the spectrum of the held input, through the membrane."""
    d = uncoupled(20)
    f = self_consistent_rates(d, formula="matched")
    omega = np.linspace(1e-5, 20.0, 400_001)
    held = np.sinc(omega * 10 / (2 * np.pi)) ** 2  # power of a held input over that at 0
    for tau, white, intensity in zip(d.neurons["tau_m"], f.white, f.intensity, strict=True):
        variance = np.trapezoid(held / (1 + (omega * tau) ** 2), omega) / np.pi * intensity
        assert white / (2 * tau) == pytest.approx(variance, rel=1e-3)


def test_response_at_low_frequency_is_the_slope_of_the_rate():
    response, spectrum, rate = lif_response([0.0, 2000.0], DRIVE, NOISE, TAU, **HOW)
    np.testing.assert_allclose(rate, siegert_rate(DRIVE, NOISE, TAU, **HOW), rtol=5e-3)
    e = 1e-5
    slope = (siegert_rate(DRIVE + e, NOISE, TAU, **HOW) - siegert_rate(DRIVE - e, NOISE, TAU, **HOW)) / (2 * e)
    np.testing.assert_allclose(response[:, 0].real, slope, rtol=5e-3)
    np.testing.assert_allclose(spectrum[:, 0], isi_cv(DRIVE, NOISE, TAU, **HOW) ** 2, atol=0.01)
    np.testing.assert_allclose(spectrum[:, 1], 1.0, atol=0.03)
    refused(lambda: lif_response([1.0], 1.06, 0.0, 30.0), "intensity > 0")


@pytest.mark.slow
def test_response_predicts_how_a_simulated_population_follows_a_sine():
    dt, n, f = 0.1, 2000, 8.0
    rng = np.random.default_rng(2)
    v, ready, count = rng.uniform(0, 1, n), np.zeros(n), []
    tau, a, depth = 20.0, 0.3, 0.03
    for k in range(40_000):
        t = k * dt
        current = 1.05 + depth * np.cos(2e-3 * np.pi * f * t)
        moved = v + dt / tau * (current - v) + np.sqrt(a * dt) / tau * rng.standard_normal(n)
        v = np.where(t >= ready, moved, 0.0)
        fired = v > 1.0
        v[fired], ready[fired] = 0.0, t + 2.0
        count.append(fired.sum())
    t = np.arange(len(count)) * dt
    keep = t >= 250.0  # 30 periods
    turn = np.exp(-2e-3j * np.pi * f * t[keep])
    found = 2 * np.mean(np.array(count)[keep] * turn) / (n * dt) * 1e3 / depth
    th = 1 + 0.5826 * np.sqrt(a * dt) / tau
    response, _, _ = lif_response([f], 1.05, a, tau, v_th=th, t_ref=2.0)
    assert abs(found / response[0, 0] - 1) < 0.06


def test_a_delay_line_remembers_its_length():
    k = 7
    line = np.eye(k + 1)[:, 1:]  # unit after delays 1 .. k
    curve = linear_memory(np.vstack([line, np.zeros((5, k))]))
    np.testing.assert_allclose(curve, [1] * k + [0] * 5, atol=1e-12)


def test_an_orthogonal_network_remembers_as_much_as_it_has_states():
    rng = np.random.default_rng(0)
    n = 12
    o, _ = np.linalg.qr(rng.standard_normal((n, n)))
    responses = impulse(0.97 * o, rng.standard_normal(n), 900)
    total = linear_memory(responses, power=0.7).sum()
    present = 0.7 * responses[0] @ np.linalg.solve(0.7 * responses.T @ responses, responses[0])
    assert total + present == pytest.approx(n, abs=1e-6)
    # White et al. 2004: noise takes from it, and the more the larger it is.
    noisy = [linear_memory(responses, e * np.eye(n)).sum() for e in (0.0, 0.01, 1.0, 100.0)]
    assert noisy == sorted(noisy, reverse=True) and noisy[-1] < 0.5


def test_linear_memory_is_what_memory_capacity_measures():
    rng = np.random.default_rng(4)
    n, rows = 60, 1400
    a, b = 0.9 * rng.standard_normal((n, n)) / np.sqrt(n), rng.standard_normal(n)
    spread = rng.uniform(0.2, 0.8, n)
    noise = stationary(a, np.diag(spread**2))
    responses = impulse(a, b, 150)
    expected = linear_memory(responses, noise, samples=round(0.8 * (rows - 15) - 24))[:15].sum()
    found = []
    for _ in range(6):
        u, x = rng.uniform(-1, 1, rows + 200), np.zeros((rows + 200, n))
        for k in range(1, len(u)):
            x[k] = a @ x[k - 1] + b * u[k] + spread * rng.standard_normal(n)
        found.append(hr.memory_capacity(x[200:], u[200:], d_max=15).total)
    assert np.mean(found) == pytest.approx(expected, rel=0.04)
    assert expected < 0.97 * linear_memory(responses, noise)[:15].sum()  # the samples do cost something
    many = linear_memory(responses, noise, samples=10**9)
    np.testing.assert_allclose(many, linear_memory(responses, noise), atol=1e-6)


def test_sampling_a_continuous_system_is_exact():
    from scipy.linalg import expm, solve_continuous_lyapunov, solve_discrete_lyapunov

    rng = np.random.default_rng(5)
    a = rng.standard_normal((6, 6)) * 0.05 - np.diag(rng.uniform(0.1, 0.5, 6))
    b, half = rng.standard_normal(6), rng.standard_normal((6, 4))
    q = half @ half.T
    ad, bd, qd = sampled(LinearSystem(a, b, q, slice(None)), 10.0)
    np.testing.assert_allclose(ad, expm(a * 10), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bd, np.linalg.solve(a, (expm(a * 10) - np.eye(6)) @ b), rtol=1e-6)
    p = stationary(ad, qd)
    np.testing.assert_allclose(p, solve_continuous_lyapunov(a, -q), rtol=1e-6)
    np.testing.assert_allclose(p, solve_discrete_lyapunov(ad, qd), rtol=1e-8)
    refused(lambda: stationary(1.01 * np.eye(2), np.eye(2)), "unstable")


def test_the_readout_alone_has_a_closed_form():
    """One sample through membrane and readout, without recurrence."""
    d = uncoupled(12)
    field = self_consistent_rates(d, formula="lif")
    ad, bd, _ = sampled(linearised(d, field), 10.0)
    found = impulse(ad, bd, 20, slice(24, 36))
    tm, tr = d.neurons["tau_m"], 30.0
    t = np.arange(1, 21)[:, None] * 10.0

    def step(s):  # response to a step: the integral of both exponentials, convolved
        return tr / (tr - tm) * (tr * (1 - np.exp(-s / tr)) - tm * (1 - np.exp(-s / tm)))

    expected = field.gain / 1e3 * d.w_in[:, 0] * (step(t) - step(t - 10.0))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-9)


def test_spectral_states_without_coupling_are_those_of_single_neurons():
    d = uncoupled(20)
    field = self_consistent_rates(d, formula="siegert")
    responses, noise = spectral_states(d, field, coupled=False)
    closed, with_loop = spectral_states(d, field)
    np.testing.assert_allclose(closed, responses, atol=1e-7)
    np.testing.assert_allclose(with_loop, noise, atol=1e-7)
    # A constant input is the sum of all samples: static gain times the area of the filter.
    total = responses.sum(axis=0)
    np.testing.assert_allclose(total, field.gain / 1e3 * d.w_in[:, 0] * 30.0, rtol=0.03, atol=1e-4)
    np.testing.assert_allclose(noise, np.diag(np.diag(noise)))
    renewal = field.rates_hz / 1e3 * 15 * (1 + 2 * renewal_power(field.rates_hz, field.cv, 30.0))
    np.testing.assert_allclose(np.diag(noise), renewal, rtol=1e-9)


def test_bulk_of_random_loop_gains():
    d = hr.draw(hr.load_network("static", n=400), 6)
    field = self_consistent_rates(d, formula="siegert")
    values = np.linalg.eigvals(effective_matrix(d, field))
    radius, _ = random_matrix_prediction(d, field)
    order = np.sort(np.abs(values))
    assert order[int(0.97 * 400)] == pytest.approx(radius, rel=0.25)


@pytest.mark.parametrize("strong", ["II", "IE"])
def test_outlier_of_random_loop_gains(strong):
    """A real one from strong inhibition of inhibition, a pair from a strong loop over both populations."""
    d = hr.draw(hr.load_network("static", n=400, **{f"{strong}.weight.mean": 0.9}), 6)
    field = self_consistent_rates(d, formula="siegert")
    values = np.linalg.eigvals(effective_matrix(d, field))
    radius, outliers = random_matrix_prediction(d, field)
    far = outliers[np.argmax(np.abs(outliers))]
    assert abs(far) > 1.8 * radius
    assert (abs(far.imag) > 0.5 * abs(far)) == (strong == "IE")
    assert np.abs(values - far).min() < 0.1 * abs(far)


def test_weights_settle_where_potentiation_and_depression_balance():
    plus, minus = np.array([0.02, 0.01, 0.03]), np.array([0.006, 0.02, 0.03])
    for mu in (1.0, 0.5, 0.1):
        drift = weight_drift(plus, minus, 20.0, 35.0, 12.0, 17.0, mu=mu)
        x, p, d = drift.settled, drift.potentiation, drift.depression
        np.testing.assert_allclose(p * (1 - x) ** mu, d * x**mu, rtol=1e-9)
        e = 1e-6 * x * (1 - x)
        slope = (p * (1 - x - e) ** mu - d * (x + e) ** mu - p * (1 - x + e) ** mu + d * (x - e) ** mu) / (2 * e)
        np.testing.assert_allclose(drift.time, -1 / slope, rtol=1e-4)
    drift = weight_drift(plus, minus, 20.0, 35.0, 12.0, 17.0)
    np.testing.assert_allclose(drift.settled, plus * 20 / (plus * 20 + minus * 35))
    np.testing.assert_allclose(drift.at(0.0, 0.4), 0.4)
    np.testing.assert_allclose(drift.at(1e9, 0.4), drift.settled)
    additive = weight_drift(plus, minus, 20.0, 20.0, 12.0, 17.0, mu=0.0)
    np.testing.assert_array_equal(additive.settled, [1, 0, np.nan])
    still = weight_drift(plus, minus, 20.0, 20.0, 0.0, 17.0)
    np.testing.assert_array_equal(still.at(1e4, [0.1, 0.2, 0.3]), [0.1, 0.2, 0.3])
    refused(lambda: additive.at(1.0, 0.5), "mu = 1")
    refused(lambda: weight_drift(-plus, minus, 20.0, 20.0, 1.0, 1.0), "eta_plus", ">= 0")
    refused(lambda: weight_drift(plus, minus, 20.0, 20.0, 1.0, 1.0, mu=2.0), "mu", "[0, 1]")


@pytest.mark.parametrize("mu", [1.0, 0.5])
def test_drift_is_what_simulated_poisson_neurons_do(mu):
    n, spread = 80, {f"{k}.cv": 0.55 for k in ("tau_plus", "tau_minus", "eta_plus", "eta_minus")}
    weights = {"EE.weight.mean": 2e-7, "EI.weight.mean": 1e-9, "IE.weight.mean": 1e-9, "II.weight.mean": 1e-9}
    # The learning rates are shares of w_max for mu = 1; else they carry its dimension.
    eta = {"eta_plus.mean": 0.02 * 4e-7 ** (1 - mu), "eta_minus.mean": 0.012 * 4e-7 ** (1 - mu)}
    net = hr.load_network(
        "honhes", n=n, mu=mu, w_max=4e-7, I_bias=0.0, t_ref="0 ms", tau_syn="0.02 ms",
        **{"tau_m.mean": "0.05 ms", "input.channels": n, **spread, **weights, **eta},
    )  # fmt: skip
    d = dataclasses.replace(hr.draw(net, 1), w_event=1e4 * np.eye(n))
    rates = np.linspace(20.0, 60.0, n)
    r = hr.simulate(d, hr.poisson_stimulus(np.tile(rates, (2000, 1)), "10 ms", seed=2))
    np.testing.assert_allclose(r.rates_hz.mean(), rates.mean(), rtol=0.04)
    p, w_max = d.plastic.parameters, d.shared["w_max"]
    rate = -np.expm1(-rates / 1e3) * 1e3
    scale = w_max ** (mu - 1)
    drift = weight_drift(
        p["eta_plus"] * scale, p["eta_minus"] * scale, p["tau_plus"], p["tau_minus"],
        rate[d.plastic.source], rate[d.plastic.target], mu=mu, dt=1.0,
    )  # fmt: skip
    found = r.weights / w_max
    expected = drift.at(20_000.0, d.plastic.w / w_max) if mu == 1 else drift.settled
    quick = drift.time < 3000.0
    assert quick.sum() > 200
    assert found[quick].mean() == pytest.approx(expected[quick].mean(), abs=0.01)
    assert np.corrcoef(found[quick], expected[quick])[0, 1] > 0.97
    if mu == 1:
        continuous = weight_drift(p["eta_plus"], p["eta_minus"], p["tau_plus"], p["tau_minus"], 40.0, 40.0)
        assert abs(found[quick].mean() - continuous.settled[quick].mean()) > abs((found - expected)[quick].mean())


def test_mean_logistic_against_sampling():
    rng = np.random.default_rng(7)
    z = rng.standard_normal(1_000_000)
    mean, sd = np.array([1.2, 1.2, -0.7, 0.0]), np.array([0.0, 1.0, 2.5, 4.0])
    sampled_mean = [special.expit(m + s * z).mean() for m, s in zip(mean, sd, strict=True)]
    np.testing.assert_allclose(mean_logistic(mean, sd), sampled_mean, atol=1.5e-3)
    assert mean_logistic(1.2, 0.0) == pytest.approx(special.expit(1.2))


# --- what is refused ---


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lif_rate(1.2, 10.0, v_reset=1.1), ("v_th", "v_reset = 1.1")),
        (lambda: lif_rate(1.2, [10.0, 20.0], v_th=[1.0, 0.9], v_reset=[0.0, 0.95]), ("v_th = 0.9", "v_reset = 0.95")),
        (lambda: lif_rate(np.nan, 10.0), ("drive", "nan", "finite")),
        (lambda: lif_rate(1.2, 10.0, t_ref=-50.0), ("t_ref", ">= 0", "-50")),
        (lambda: lif_rate(1.2, [10.0, -3.0]), ("tau_m", "> 0", "-3")),
        (lambda: lif_rate(1.2, "10 ms"), ("tau_m", "10 ms")),
        (lambda: lif_rate(1.2, 10.0, dt=-1.0), ("dt", "-1")),
        (lambda: lif_rate([1.2, 1.3], [10.0, 20.0, 30.0]), ("(2,)", "(3,)")),
        (lambda: dead_time(-1.0, 1.0), ("t_ref", "-1")),
        (lambda: siegert_rate(1.2, 1.0, 10.0, v_reset=1.5), ("v_th", "v_reset = 1.5")),
        (lambda: siegert_rate(1.2, -1.0, 10.0), ("intensity", "-1")),
        (lambda: siegert_rate(1.2, 1.0, 10.0, tau_noise=-2.0), ("tau_noise", "-2")),
        (lambda: siegert_rate(1.2, np.inf, 10.0), ("intensity", "inf")),
        (lambda: quasi_static_rate(1.2, -0.1, 10.0), ("variance", "-0.1")),
        (lambda: isi_cv(1.2, 1.0, 10.0, v_reset=1.5), ("v_th", "v_reset = 1.5")),
        (lambda: lif_response([5.0, -1.0], 1.0, 0.1, 20.0), ("frequencies", ">= 0", "-1")),
        (lambda: lif_response([5.0], 1.0, 0.1, 20.0, v_reset=2.0), ("v_th", "v_reset = 2")),
        (lambda: linear_memory(np.full((3, 2), np.nan)), ("responses", "nan")),
        (lambda: linear_memory(np.ones((3, 2)), np.full((2, 2), np.inf)), ("noise", "inf")),
        (lambda: linear_memory(np.ones((3, 2)), samples=0), ("samples", ">= 1", "0")),
        (lambda: linear_memory(np.ones((3, 2)), samples=-5), ("samples", ">= 1", "-5")),
        (lambda: linear_memory(np.ones((3, 2)), power=-1.0), ("power", "-1")),
        (lambda: weight_drift(0.1, 0.1, 20.0, 20.0, 10.0, 10.0, mu=[0.5, 1]), ("mu", "finite number", "[0.5, 1]")),
        (lambda: weight_drift(0.1, 0.1, 20.0, np.nan, 10.0, 10.0), ("tau_minus", "nan")),
        (lambda: self_consistent_rates(None), ("takes a draw", "NoneType")),
        (lambda: self_consistent_rates(uncoupled(8), limit=0), ("limit", ">= 1", "0")),
        (lambda: self_consistent_rates(uncoupled(8), hold="10 mV"), ("hold", "10 mV")),
        (lambda: self_consistent_rates(uncoupled(8), hold=-10.0), ("hold", "-10")),
        (lambda: linearised(uncoupled(8), None), ("field", "NoneType", "self_consistent_rates")),
        (lambda: spectral_states(uncoupled(8), self_consistent_rates(uncoupled(9))), ("field", "8", "9")),
        (lambda: stationary(np.eye(2), np.eye(2), limit=0), ("limit", "0")),
    ],
)  # fmt: skip
def test_impossible_values_are_refused(call, words):
    refused(call, *words)


def test_several_channels_are_refused():
    d = uncoupled(8, **{"input.channels": 3})
    for theory in (linearised, spectral_states):
        refused(lambda theory=theory: theory(d, self_consistent_rates(d)), "one input channel", "3")
        refused(lambda theory=theory: theory(d, None), "field", "NoneType")


def test_other_equations_are_refused():
    """Parameters and shapes are those of the model: nothing but the equations tells them apart."""
    d = hr.draw(hr.load_network("static", n=20, **{"neuron.threshold": "v > 2 * v_th"}), 0)
    field = self_consistent_rates(hr.draw(hr.load_network("static", n=20), 0))
    for call in (
        lambda: self_consistent_rates(d),
        lambda: linearised(d, field),
        lambda: spectral_states(d, field),
        lambda: effective_matrix(d, field),
        lambda: random_matrix_prediction(d, field),
    ):
        text = str(refused(call, "lif_stdp", "threshold", error=EquationMismatchError))
        assert "backend" not in text


def test_times_may_have_units():
    d = uncoupled(12)
    plain, field = self_consistent_rates(d, hold=20.0), self_consistent_rates(d, hold="0.02 s")
    np.testing.assert_array_equal(plain.intensity, field.intensity)
    assert (plain.intensity > 1.9 * self_consistent_rates(d).intensity).all()
    for a, b in (
        (linearised(d, field, tau_read=45.0).a, linearised(d, field, tau_read="45 ms").a),
        (sampled(linearised(d, field), 20.0)[0], sampled(linearised(d, field), "20 ms")[0]),
        (
            spectral_states(d, field, tau_read=45.0, hold=20.0, period=800.0)[0],
            spectral_states(d, field, tau_read="45 ms", hold="20 ms", period="0.8 s")[0],
        ),
    ):
        np.testing.assert_array_equal(a, b)


def test_the_window_fits_any_hold():
    d = uncoupled(6, **{"protocol.hold": "12 ms"})
    field = self_consistent_rates(d)
    responses, _ = spectral_states(d, field)
    assert responses.shape == (107, 6)  # 1284 ms
    np.testing.assert_allclose(responses, spectral_states(d, field, period=1284.0)[0])
    assert spectral_states(d, field, hold=10.0)[0].shape == (128, 6)
    refused(lambda: spectral_states(d, field, period=1280.0), "period", "12 ms", "1280 ms")


def test_lost_neurons_have_neither_rate_nor_response():
    """As if they were not there: the others of a damaged draw are those of a network without them."""
    intact = hr.draw(hr.load_network("henhos", n=40), 3)
    d, _ = hr.lose_neurons(intact, None, 0.3, 1)
    alive = np.isfinite(d.neurons["v_th"])
    assert 20 < alive.sum() < 35
    for formula in ("lif", "siegert", "matched", "coloured", "quasi-static"):
        rates = self_consistent_rates(d, formula=formula).rates_hz
        assert (rates[~alive] == 0).all() and rates[alive].mean() > 5
    field = self_consistent_rates(d, formula="matched", renewal=True)
    responses, noise = spectral_states(d, field)
    assert np.isfinite(responses).all() and (responses[:, ~alive] == 0).all()
    assert (np.abs(noise[~alive]) < 1e-9).all() and (np.diag(noise)[alive] > 0).all()
    some = np.ix_(alive, alive)
    np.testing.assert_allclose(
        linear_memory(responses, noise), linear_memory(responses[:, alive], noise[some]), atol=1e-9
    )
    p = {k: v[alive] for k, v in d.neurons.items()}
    ref = dead_time(p["t_ref"], 1.0) + 0.5
    how = {"v_th": p["v_th"], "v_reset": p["v_reset"], "t_ref": ref}
    left = lif_response([3.0, 30.0], field.drive[alive], field.white[alive], p["tau_m"], **how)
    every = lif_response(
        [3.0, 30.0], field.drive, field.white, d.neurons["tau_m"], v_th=d.neurons["v_th"],
        v_reset=d.neurons["v_reset"], t_ref=dead_time(d.neurons["t_ref"], 1.0) + 0.5,
    )  # fmt: skip
    for a, b in zip(left, every, strict=True):
        np.testing.assert_array_equal(a, b[alive])
    assert (every[0][~alive] == 0).all() and (every[1][~alive] == 1).all() and (every[2][~alive] == 0).all()
    system = linearised(d, field)
    assert np.isfinite(stationary(*sampled(system, 10.0)[::2])).all()


def test_no_neuron_has_no_spectrum():
    """A network whose neurons are all silent: nothing in, nothing out."""
    assert renewal_power(np.array([]), np.array([]), np.array([])).shape == (0,)
