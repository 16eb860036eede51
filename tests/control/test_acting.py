"""Acting without torch, against a plain loop of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from toy_actors import actor

from hetero_rsnn.common.randomness import generator
from hetero_rsnn.control.acting import Acting, packed
from hetero_rsnn.control.actor_arrays import ActorArrays
from hetero_rsnn.control.actor_settings import ActorSettings


def by_hand(given: ActorArrays, x: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The action, and spikes of the encoder and every layer."""
    settings, a = given.settings, given.arrays
    layers = len(settings.hidden) + 1
    drive = np.exp(-((x[:, None] - a["encoder.mean"]) ** 2) / (2 * a["encoder.sd"] ** 2)).ravel()
    sums, counts = np.zeros_like(drive), [0] * (layers + 1)
    c, v, u, s = ([np.zeros_like(a[f"{k}.bias"]) for k in range(layers)] for _ in range(4))
    rate = np.zeros_like(a[f"{layers - 1}.bias"])
    sign = 1 if settings.dynamics_sign == "grow" else -1
    for t in range(settings.steps):
        sums = sums + drive
        signal = (drawn[t] < drive) if settings.encoder == "bernoulli" else sums > 0.999
        sums = sums - 0.999 * signal
        counts[0] += int(signal.sum())
        for k in range(layers):
            c[k] = a[f"{k}.current_decay"] * c[k] + a[f"{k}.weight"].T @ signal + a[f"{k}.bias"]
            if settings.kind == "lif":
                v[k] = a[f"{k}.voltage_decay"] * v[k] * (1 - s[k]) + c[k]
            else:
                v[k], u[k] = np.where(s[k] > 0, 0.021, v[k]), u[k] + 0.132 * s[k]
                dv, du = v[k] ** 2 - v[k] - u[k] + c[k], -0.172 * v[k] + sign * 0.529 * u[k]
                v[k], u[k] = v[k] + dv, u[k] + du
            s[k] = signal = (v[k] > 0.5).astype(float)
            counts[k + 1] += int(signal.sum())
        rate += signal / settings.steps
    total = (rate.reshape(a["decoder.weight"].shape) * a["decoder.weight"]).sum(1) + a["decoder.bias"]
    return a["centre"] + a["reach"] * np.tanh(total), counts


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("encoder", ["deterministic", "bernoulli"])
@pytest.mark.parametrize("hidden", [(1,), (13, 6), (5, 17, 9)])
@pytest.mark.parametrize(("kind", "sign"), [("lif", "grow"), ("dynamic", "grow"), ("dynamic", "restore")])
def test_one_action(kind, sign, hidden, encoder, single):
    settings = ActorSettings(kind, hidden, population=3, encoder=encoder, dynamics_sign=sign, steps=6)
    given = actor(settings, single=single)
    given.check()
    assert packed(given)[0].dtype == (np.float32 if single else np.float64)
    acting, random = Acting(given, generator(3, "input", "actor")), generator(3, "input", "actor")
    seen = np.zeros(len(hidden) + 2)
    for x in np.random.default_rng(2).normal(size=(25, 4)):
        drawn = random.random((6, 12))
        action, counts = by_hand(given, x, drawn)
        np.testing.assert_allclose(acting(x), action, rtol=1e-12)
        assert acting.layer_spikes.tolist() == counts and acting.spikes == sum(counts)
        seen += counts
    assert (seen > 0).all()


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("hidden", [(1,), (13, 6), (5, 17, 9)])
def test_one_action_without_spikes(hidden, single):
    given = actor(ActorSettings("relu", hidden), single=single)
    given.check()
    acting, arrays = Acting(given), given.arrays
    last = len(hidden)
    for x in np.random.default_rng(2).normal(size=(10, 4)):
        h = x
        for k in range(last):
            h = np.maximum(h @ arrays[f"{k}.weight"] + arrays[f"{k}.bias"], 0)
        total = h @ arrays[f"{last}.weight"] + arrays[f"{last}.bias"]
        np.testing.assert_allclose(acting(x), arrays["centre"] + arrays["reach"] * np.tanh(total), rtol=1e-12)
    assert acting.spikes == 0


def test_nothing_is_carried_from_one_action_to_the_next():
    acting = Acting(actor(ActorSettings(hidden=(13, 6), population=3)))
    a, b = np.random.default_rng(0).normal(size=(2, 4))
    first = acting(a)
    acting(b)
    assert np.array_equal(acting(a), first) and not np.array_equal(acting(b), first)


def test_refreshed_it_acts_as_the_new_actor():
    settings = ActorSettings(hidden=(13, 6), population=3)
    old, new = actor(settings), actor(settings, seed=2)
    acting, x = Acting(old), np.ones(4)
    before = acting(x)
    acting.refresh(new)
    assert np.array_equal(acting(x), Acting(new)(x)) and not np.array_equal(acting(x), before)


def test_observations_are_normalised_and_bounded():
    given, rng = actor(ActorSettings(hidden=(13, 6), population=3)), np.random.default_rng(0)
    mean, sd, x = rng.normal(size=4), rng.uniform(0.1, 3, 4), 4 * rng.normal(size=4)
    score = (x - mean) / sd
    assert (np.abs(score) > 1.5).any() and (np.abs(score) < 1.5).any()
    acting = Acting(given, mean=mean, sd=sd, clip=1.5)
    np.testing.assert_allclose(acting(x), Acting(given)(np.clip(score, -1.5, 1.5)), rtol=1e-12)
