"""Neurons of shipped networks with other models fire as published, or as closed forms say, with values of their own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import LIF_NETWORKS
from scipy.integrate import quad
from scipy.optimize import brentq

import hetero_rsnn as hr

OTHERS = ("voltage_threshold", "alif", "adex", "izhikevich")


def alone(name: str, n: int = 20, seed: int = 3, **changes: Any) -> hr.Draw:
    """Neurons without synapses and without input, which start at a potential of 0."""
    drawn, _ = hr.lose_synapses(hr.draw(hr.load_network(name, n=n, **changes), seed), None, 1.0, 1, inputs=True)
    return dataclasses.replace(drawn, initial={k: np.zeros(n) for k in drawn.initial})


def given(drawn: hr.Draw, start: dict[str, Any] | None = None, **values: Any) -> hr.Draw:
    """Other values of parameters, and of variables at the start."""
    full = {k: np.broadcast_to(np.asarray(v, dtype=float), (drawn.n,)).copy() for k, v in values.items()}
    begin = {k: np.broadcast_to(np.asarray(v, dtype=float), (drawn.n,)).copy() for k, v in (start or {}).items()}
    assert full.keys() <= drawn.neurons.keys()
    return dataclasses.replace(drawn, neurons={**drawn.neurons, **full}, initial={**drawn.initial, **begin})


def trains(drawn: hr.Draw, seconds: float) -> list[np.ndarray]:
    """Spike times of each neuron (ms)."""
    u = hr.array_stimulus(np.zeros((round(100 * seconds), 1)), "10 ms")
    rec = hr.simulate(drawn, u, plasticity=False)
    return [rec.spike_times[rec.spike_neurons == i] for i in range(drawn.n)]


def members(drawn: hr.Draw, name: str) -> np.ndarray:
    return np.flatnonzero(drawn.population == [p.name for p in drawn.network.populations].index(name))


def test_voltage_threshold_fires_at_the_rate_of_its_closed_form() -> None:
    """T = t_ref + tau_m log((I - v_reset) / (I - v_th)), of 20 thresholds and refractory times."""
    dt = 0.05
    drawn = given(alone("voltage_threshold", dt=f"{dt} ms"), I_bias=np.linspace(1.5, 2.5, 20))
    p = drawn.neurons
    assert min(np.ptp(p["v_th"]), np.ptp(p["t_ref"]), np.ptp(p["tau_syn"])) > 0.1
    expected = p["t_ref"] + p["tau_m"] * np.log((p["I_bias"] - p["v_reset"]) / (p["I_bias"] - p["v_th"]))
    found = np.array([np.diff(train).mean() for train in trains(drawn, 1.0)])
    np.testing.assert_allclose(found, expected, atol=3 * dt)
    silent = given(drawn, I_bias=0.99 * p["v_th"])
    assert not any(train.size for train in trains(silent, 1.0))


def test_alif_adapts_to_the_interval_of_its_closed_form() -> None:
    """Just before a spike theta = 1 / (exp(T / tau_adapt) - 1), since a period T takes off what the spike has added."""
    dt = 0.05
    drawn = given(alone("alif", dt=f"{dt} ms"), I_bias=np.linspace(1.2, 2.4, 20))
    p = drawn.neurons
    assert np.ptp(p["tau_adapt"]) > 100
    found = trains(drawn, 4.0)

    def short(i: int, period: float) -> float:
        """By how much the potential misses the threshold after a period."""
        v = p["I_bias"][i] * -np.expm1(-(period - p["t_ref"][i]) / p["tau_m"][i])
        return float(v - p["v_th"][i] - p["beta"][i] / np.expm1(period / p["tau_adapt"][i]))

    ratios = np.array([np.diff(train)[-1] / np.diff(train)[0] for train in found])
    assert ratios[members(drawn, "E")].mean() > 1.3 and ratios.min() > 0.99
    np.testing.assert_allclose(ratios[members(drawn, "I")], 1.0, atol=0.01)
    for i, train in enumerate(found):
        first = p["tau_m"][i] * np.log(p["I_bias"][i] / (p["I_bias"][i] - p["v_th"][i]))
        steady = brentq(lambda period, i=i: short(i, period), p["t_ref"][i] + 1e-3, 5000.0)
        assert train[0] == pytest.approx(first, abs=2 * dt)
        assert np.diff(train)[-1] == pytest.approx(steady, abs=4 * dt)


def rheobase(p: dict[str, Any]) -> np.ndarray:
    """Of Naud et al. 2008, section 3: where rest is lost in a saddle-node, or loses its stability before (Hopf)."""
    by_leak, by_time = p["a"] / p["g_L"], p["C_m"] / p["g_L"] * 1e3 / p["tau_w"]
    at_rest = p["V_T"] - p["E_L"] - p["Delta_T"]
    saddle = (p["g_L"] + p["a"]) * (at_rest + p["Delta_T"] * np.log1p(by_leak))
    hopf = (p["g_L"] + p["a"]) * (at_rest + p["Delta_T"] * np.log1p(by_time))
    hopf += p["Delta_T"] * p["g_L"] * (by_leak - by_time)
    return np.asarray(np.where(by_leak < by_time, saddle, hopf))


def at_rest(p: dict[str, Any], current: np.ndarray) -> np.ndarray:
    """Potential of the resting state, below the potential at which the slope of the total current vanishes."""
    top = p["V_T"] + p["Delta_T"] * np.log1p(p["a"] / p["g_L"])

    def total(v: float, i: int) -> float:
        spike = p["g_L"][i] * p["Delta_T"][i] * np.exp((v - p["V_T"][i]) / p["Delta_T"][i])
        return float(spike - (p["g_L"][i] + p["a"][i]) * (v - p["E_L"][i]) + current[i])

    return np.array([brentq(total, p["E_L"][i] - 0.01, top[i], args=(i,)) for i in range(top.size)])


def test_adex_fires_above_its_rheobase_and_not_below() -> None:
    drawn = alone("adex", n=30)
    p = drawn.neurons
    edge = rheobase(p)
    assert np.ptp(edge[members(drawn, "E")]) > 20e-12
    np.testing.assert_allclose(edge[members(drawn, "I")], 546e-12)
    rest = at_rest(p, 0.99 * edge)
    start = {"v": rest, "u": p["a"] * (rest - p["E_L"])}
    assert not any(train.size for train in trains(given(drawn, start, I_bias=0.99 * edge), 1.0))
    assert all(train.size for train in trains(given(drawn, start, I_bias=1.01 * edge), 1.0))


def test_adex_is_tonic_without_adaptation_and_slows_down_with_it() -> None:
    """Without a and b it is the exponential integrate-and-fire neuron, whose interval is an integral."""
    dt = 0.02
    drawn = alone("adex", dt=f"{dt} ms")
    p, current = drawn.neurons, np.linspace(0.7e-9, 1.2e-9, 20)
    start = {"v": p["E_L"]}
    for i, train in enumerate(trains(given(drawn, start, I_bias=current, a=0.0, b=0.0), 0.5)):

        def slowness(v: float, i: int = i) -> float:
            spike = p["g_L"][i] * p["Delta_T"][i] * np.exp((v - p["V_T"][i]) / p["Delta_T"][i])
            return float(1e3 * p["C_m"][i] / (spike - p["g_L"][i] * (v - p["E_L"][i]) + current[i]))

        interval = quad(slowness, p["V_reset"][i], p["V_T"][i])[0] + quad(slowness, p["V_T"][i], -0.03)[0]
        assert np.ptp(np.diff(train)) < 1.5 * dt
        assert np.diff(train).mean() == pytest.approx(interval, rel=0.01, abs=4 * dt)
    found = trains(given(drawn, start, I_bias=1.4 * rheobase(p)), 2.0)
    slowing = np.array([np.diff(train)[-1] / np.diff(train)[0] for train in found])
    assert slowing[members(drawn, "E")].mean() > 1.5 and slowing.min() > 0.99
    np.testing.assert_allclose(slowing[members(drawn, "I")], 1.0, atol=0.01)


def kinds(drawn: hr.Draw) -> dict[str, np.ndarray]:
    """a and b of the paper from the numbers of the file."""
    p = drawn.neurons
    return {"a": p["a_0"] + p["a_1"] * p["r"], "b": p["b_0"] + p["b_1"] * p["r"]}


def test_izhikevich_neurons_lose_their_rest_where_the_equations_say() -> None:
    """At rest 0.04 v^2 + (5 - b) v + 140 + I = 0; where 0.08 v + 5 = a it is lost (Hopf), since a < b."""
    drawn = alone("izhikevich", n=40)
    a, b = kinds(drawn).values()
    assert np.ptp(a[members(drawn, "I")]) > 0.04 and (a < b).all()
    v = (a - 5) / 0.08
    edge = -(0.04 * v**2 + (5 - b) * v + 140)
    for shift, fires in ((-0.1, False), (0.3, True)):
        rest = ((b - 5) - np.sqrt((5 - b) ** 2 - 0.16 * (140 + edge - 0.1))) / 0.08
        found = trains(given(drawn, {"v": rest, "u": b * rest}, I_bias=edge + shift), 2.0)
        assert {bool(train.size) for train in found} == {fires}


def test_izhikevich_neurons_fire_as_their_kinds_do() -> None:
    """Regular spiking slows down, chattering comes in bursts, fast spiking is fast and soon even (2003, figure 2)."""
    drawn = alone("izhikevich", n=20)
    rest = {"v": -65.0, "u": -65.0 * kinds(drawn)["b"]}
    excitatory, inhibitory = members(drawn, "E")[0], members(drawn, "I")[0]
    slow, bursts = ({}, {})
    for r, into in ((0.0, slow), (1.0, bursts)):
        found = trains(given(drawn, rest, r=r, I_bias=10.0), 1.0)
        into |= {"E": np.diff(found[excitatory]), "I": np.diff(found[inhibitory])}
    regular, low_threshold, chattering, fast = slow["E"], slow["I"], bursts["E"], bursts["I"]
    assert regular[-1] / regular[0] > 1.5
    assert low_threshold[-1] / low_threshold[0] > 2
    assert np.ptp(fast[3:]) <= 1 and fast.mean() < 0.25 * regular.mean()
    assert chattering.min() < 5 and np.sum(chattering > 4 * chattering.min()) > 5  # pauses between bursts
    assert regular.max() < 4 * regular[-1]


@pytest.mark.parametrize("name", OTHERS)
def test_few_steps_agree_with_brian2(name: str) -> None:
    drawn = hr.draw(hr.load_network(name, n=40), 2)
    u = hr.uniform_stimulus(15, "10 ms", 5)
    one, other = (hr.simulate(drawn, u, backend=backend) for backend in ("fast", "brian2"))
    assert one.spike_times.size > 20
    np.testing.assert_array_equal(one.spike_times, other.spike_times)
    np.testing.assert_array_equal(one.spike_neurons, other.spike_neurons)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12)


@pytest.mark.parametrize("name", OTHERS)
def test_they_are_reservoirs_that_remember(name: str) -> None:
    """Rates that a cortex has, and a memory that chance does not explain."""
    short = {"protocol.samples": 1000, "protocol.train": "1 s", "protocol.d_max": 15}
    found = hr.measure(hr.load_network(name, n=100, **short), seeds=[5])
    assert found["C"][0] > 0.3 and 1 < found["rate_hz"][0] < 50


def test_all_of_them_but_the_spread_of_thresholds_have_a_generated_kernel() -> None:
    assert [name for name in OTHERS if name in LIF_NETWORKS] == ["voltage_threshold"]
