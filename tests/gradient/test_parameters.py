"""Coordinates of training: what they mean, their gradients, bounds and signs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.parameters import TRAINABLE, parameters

SPREAD = {
    "tau_m": {"distribution": "gamma", "mean": "12 ms", "cv": 0.5},
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.4},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "t_ref": "1 ms",
}


@pytest.fixture(scope="module")
def drawn() -> hr.Draw:
    return hr.draw(hr.load_network("henhes", n=24, **SPREAD), seed=3)


SHARED = [
    {},
    dict.fromkeys(("tau_m", "tau_syn", "v_th", "I_bias"), "population"),
    {"tau_m": "network", "v_th": "network"},
]


@pytest.mark.parametrize("shared", SHARED)
def test_gradients_in_these_coordinates_are_those_of_finite_differences(drawn, shared):
    bump, rng = hr.PseudoDerivative("arctangent"), np.random.default_rng(0)
    samples = [
        hr.poisson_stimulus(rng.uniform(0, 90, (5, 1)), "4 ms", seed=1),
        hr.poisson_stimulus(np.ones((3, 1)), "4 ms"),
    ]
    both = [hr.array_stimulus(rng.normal(size=(4, 1)), "4 ms")]
    chosen = parameters(drawn, TRAINABLE, shared=shared)

    def run(values: Any, batch: Any) -> hr.BatchRun:
        return hr.run_batch(chosen.draw(values), batch, smooth=bump, keep="currents", tau_read="9 ms")

    for batch in (samples, both):
        values = {k: v + 0.05 * rng.normal(size=v.shape) * ((v != 0) | (v.ndim == 1)) for k, v in chosen.values.items()}
        now = run(values, batch)
        into = rng.normal(size=now.activity.shape)
        for k, count in enumerate(now.windows):
            into[k, count:] = 0.0
        found = chosen.pull(now.backward(into, wrt=TRAINABLE, pseudo_derivative=bump), values)
        assert found.keys() == values.keys()
        for name, value in values.items():
            direction = rng.normal(size=value.shape) * ((chosen.values[name] != 0) | (value.ndim == 1))
            there, back = (
                float((run(values | {name: value + s * 1e-5 * direction}, batch).activity * into).sum())
                for s in (1, -1)
            )
            assert (there - back) / 2e-5 == pytest.approx((found[name] * direction).sum(), rel=2e-4, abs=1e-6), name


def test_the_start_is_the_drawn_network(drawn):
    chosen = parameters(drawn, TRAINABLE)
    same = chosen.draw(chosen.values)
    for name, values in drawn.neurons.items():
        np.testing.assert_array_equal(same.neurons[name], values)
    np.testing.assert_array_equal(same.plastic.w, drawn.plastic.w)
    np.testing.assert_array_equal(same.w_event, drawn.w_event)
    assert chosen.values["tau_m"].shape == (24,)


def test_bounds_and_signs(drawn):
    chosen = parameters(
        drawn, ["w", "tau_m", "v_th"], bounds={"tau_m": ("1 ms", "80 ms")}, shared={"v_th": "network"}, signs=True
    )
    far = {k: v + 100.0 * (-1) ** np.arange(v.size) for k, v in chosen.values.items()}
    inside = chosen.inside(far)
    moved = chosen.draw(inside)
    assert moved.neurons["tau_m"].min() == pytest.approx(1.0) and moved.neurons["tau_m"].max() == pytest.approx(80.0)
    assert (np.sign(moved.static.w) * np.sign(drawn.static.w) >= 0).all()
    assert (moved.static.w == 0).any() and (np.abs(moved.static.w) > 50).any()
    low = chosen.draw(chosen.inside({**chosen.values, "v_th": np.array([-9.0])}))
    assert (low.neurons["v_th"] - low.neurons["v_reset"]).min() == pytest.approx(1e-3)
    spread = low.neurons["v_th"] - low.neurons["v_th"].min()
    np.testing.assert_allclose(spread, drawn.neurons["v_th"] - drawn.neurons["v_th"].min())
    for name, value in chosen.inside(chosen.values).items():
        np.testing.assert_array_equal(value, chosen.values[name])


def test_no_threshold_moves_because_another_neuron_resets_higher():
    high = {"v_reset": {"distribution": "uniform", "low": -0.5, "high": 0.9}}
    chosen = parameters(hr.draw(hr.load_network("henhes", n=24, **SPREAD, **high), seed=3), ["v_th"])
    np.testing.assert_array_equal(chosen.inside(chosen.values)["v_th"], 0.0)


def test_input_synapses_keep_their_sign_and_do_not_vanish(drawn):
    chosen = parameters(drawn, ["w_event"], signs=True)
    there = drawn.w_event != 0
    moved = chosen.draw(chosen.inside({"w_event": -100.0 * drawn.w_event}))
    assert ((moved.w_event != 0) == there).all() and np.abs(moved.w_event).max() < 1e-9
    assert (np.sign(moved.w_event) == np.sign(drawn.w_event)).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"trainable": []}, "at least one quantity"),
        ({"trainable": ["tau"]}, "unknown trainable quantity 'tau'"),
        ({"trainable": ["w"], "shared": {"w": "network"}}, "shared names 'w'"),
        ({"trainable": ["tau_m"], "shared": {"tau_syn": "network"}}, "shared names 'tau_syn'"),
        ({"trainable": ["tau_m"], "shared": {"tau_m": "all"}}, "unknown sharing of tau_m 'all'"),
        ({"trainable": ["v_th"], "bounds": {"v_th": (0, 1)}}, "bounds names 'v_th'"),
        ({"trainable": ["tau_m"], "bounds": {"tau_m": "5 ms"}}, "must be two times"),
        ({"trainable": ["tau_m"], "bounds": {"tau_m": ("11 ms", "12 ms")}}, "must hold the drawn values"),
    ],
)
def test_what_cannot_be_trained(drawn, arguments, said):
    with pytest.raises(hr.HeteroError, match=said) as caught:
        parameters(drawn, **arguments)
    assert "\n" not in str(caught.value)


def test_bounds_that_nobody_gave_hold_what_was_drawn():
    """A gamma distribution has values below one step now and then."""
    drawn = hr.draw(hr.load_network("henhes", n=40), seed=1)
    times = drawn.neurons["tau_m"].copy()
    times[3], times[4] = 0.3, 2e5
    chosen = parameters(replace(drawn, neurons={**drawn.neurons, "tau_m": times}), ["tau_m"])
    assert chosen.bounds["tau_m"] == (0.3, 2e5)
    np.testing.assert_array_equal(chosen.inside(chosen.values)["tau_m"], 0.0)
