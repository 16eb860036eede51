"""Recurrent weights of few levels: their definition, the networks made of them, gradients, and trainings resumed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import read_checkpoint
from hetero_rsnn.gradient.fitting import Training
from hetero_rsnn.gradient.heads import SampleHead
from hetero_rsnn.gradient.optimisers import Adam
from hetero_rsnn.gradient.parameters import parameters
from hetero_rsnn.gradient.quantisation import WEIGHTS, levels, quantised, quantised_draw
from hetero_rsnn.gradient.readouts import Pooling
from hetero_rsnn.gradient.settings import Settings

COARSE = [w for w in WEIGHTS if w != "full"]
#: Strong recurrence and a spread in everything, so that rounding changes spikes.
SPREAD: dict[str, Any] = {
    "tau_m": {"distribution": "gamma", "mean": "12 ms", "cv": 0.5},
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.4},
    "I_bias": {"distribution": "uniform", "low": 0.8, "high": 1.3},
    "input.channels": 2,
    "t_ref": "1 ms",
}


@pytest.fixture(scope="module")
def drawn() -> hr.Draw:
    """With weights of both signs in every projection, and some of exactly 0."""
    d = hr.draw(hr.load_network("henhes", n=40, **SPREAD), seed=3)
    rng = np.random.default_rng(0)

    def mixed(w: Any) -> Any:
        return 4 * w * rng.choice([-1.0, 0.0, 1.0, 1.0], w.size)

    return replace(d, plastic=replace(d.plastic, w=mixed(d.plastic.w)), static=replace(d.static, w=mixed(d.static.w)))


def by_hand(w: list[float], weights: str, signs: bool) -> list[float]:
    """The table of `quantised`, one weight after the other."""
    mean = math.fsum(map(abs, w)) / len(w)
    if weights == "ternary":
        kept = [abs(x) for x in w if abs(x) >= 0.7 * mean]
        scale = math.fsum(kept) / len(kept)
        return [0.0 if abs(x) < 0.7 * mean or x == 0 else math.copysign(scale, x) for x in w]
    if weights == "1bit" and not signs:
        return [mean if x >= 0 else -mean for x in w]
    if weights == "1bit":
        some = [abs(x) for x in w if x != 0]
        if not some:
            return w
        there = [x != 0 and abs(x) >= math.fsum(some) / len(some) / 2 for x in w]
        return [math.copysign(math.fsum(some) / sum(there), x) if t else 0.0 for x, t in zip(w, there, strict=True)]
    top, count = max(map(abs, w)), 2 ** int(weights.removesuffix("bit")) - 1
    return [math.copysign(round(abs(x) / top * count) * top / count, x) if top else x for x in w]


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("weights", COARSE)
@given(w=st.lists(st.integers(-1000, 1000), min_size=1, max_size=40))
def test_each_kind_is_what_its_table_says(weights, signs, w):
    """An irrational number beside whole ones keeps weights from the middle between two levels, and from thresholds."""
    some = [x + math.copysign(1 / math.pi, x) if x else 0.0 for x in w]
    found = quantised(some, weights, signs=signs)
    atol = 1e-6 if weights == "32bit" else 1e-12  # a step of the grid: numbers are hardly finer
    np.testing.assert_allclose(found, by_hand(some, weights, signs), rtol=1e-12, atol=atol)
    most = levels(weights, signs=signs)
    across = np.abs(some) if signs else some  # with signs kept, those of a projection are alike
    assert len(np.unique(quantised(across, weights, signs=signs) + 0.0)) <= most


def test_levels_are_reached_and_full_weights_are_as_they_were():
    w = np.linspace(-1, 1, 4001)
    for weights in ("1bit", "ternary", "2bit", "4bit", "8bit"):
        assert len(np.unique(quantised(w, weights) + 0.0)) == levels(weights), weights
        assert len(np.unique(quantised(np.abs(w), weights, signs=True))) == levels(weights, signs=True), weights
    np.testing.assert_array_equal(quantised(w, "full"), w)
    assert levels("full") is None and quantised([], "1bit").size == 0
    np.testing.assert_array_equal(quantised([0.0, -0.0, 3.0], "1bit"), [1.0, 1.0, 1.0])  # the sign of 0 is +1
    np.testing.assert_allclose(quantised(w, "32bit"), w, atol=1e-9)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 32])
def test_with_signs_kept_they_are_those_of_damage(bits):
    """So rounding while learning and rounding afterwards lead to the same levels."""
    d = hr.draw(hr.load_network("henhes", n=40), seed=1)
    ours, theirs = quantised_draw(d, f"{bits}bit", signs=True), hr.quantise(d, None, bits)[0]
    for name in ("plastic", "static"):
        np.testing.assert_array_equal(getattr(ours, name).w, getattr(theirs, name).w)
    assert ours.damage == (f"{bits}bit weights",) and not ours.static.w.flags.writeable
    np.testing.assert_array_equal(ours.w_in, d.w_in)
    assert quantised_draw(d, "full") is d


def rounded_by_hand(d: hr.Draw, values: Any, weights: str, signs: bool) -> hr.Draw:
    """Each projection, found by the populations that its synapses join."""
    new = {}
    for name in ("plastic", "static"):
        synapses = getattr(d, name)
        w = np.array(values[name])
        ends = [(int(d.population[i]), int(d.population[j])) for i, j in zip(*_ends(synapses), strict=True)]
        for pair in set(ends):
            mine = [k for k, e in enumerate(ends) if e == pair]
            w[mine] = by_hand(w[mine].tolist(), weights, signs)
        new[name] = replace(synapses, w=w)
    return replace(d, **new)


def _ends(synapses: Any) -> tuple[Any, Any]:
    return synapses.source, synapses.target


def samples(count: int = 5) -> list[hr.Stimulus]:
    rng = np.random.default_rng(1)
    return [hr.array_stimulus(2 * rng.normal(size=(int(rng.integers(6, 12)), 2)), "4 ms") for _ in range(count)]


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("weights", ["1bit", "ternary", "2bit", "4bit"])
def test_the_network_that_runs_is_the_rounded_one(drawn, weights, signs):
    chosen = parameters(drawn, ["w", "w_in"], weights=weights, signs=signs)
    rng = np.random.default_rng(2)
    values = {k: v * rng.uniform(0.2, 1.8, v.shape) for k, v in chosen.values.items()}
    found = hr.run_batch(chosen.draw(values), samples())
    mine = hr.run_batch(rounded_by_hand(replace(drawn, w_in=values["w_in"]), values, weights, signs), samples())
    np.testing.assert_array_equal(found.activity, mine.activity)
    latent = parameters(drawn, ["w", "w_in"]).draw(values)
    assert found.activity.sum() > 100 and (found.activity != hr.run_batch(latent, samples()).activity).any()


def limits(d: hr.Draw, name: str, weights: str) -> Any:
    """Bounds of latent weights, projection by projection."""
    synapses = getattr(d, name)
    size, limit = np.abs(synapses.w), np.full(len(synapses), np.inf)
    if weights in ("1bit", "ternary"):
        for index in np.unique(synapses.projection):
            mine = synapses.projection == index
            limit[mine] = max(2 * size[mine].mean(), size[mine].max())
    return limit


@pytest.mark.parametrize("weights", COARSE)
def test_gradients_go_straight_through_the_rounding(drawn, weights):
    """By finite differences around the rounded weights, smooth spikes; 0 where a latent weight is out of its bounds."""
    bump, rng = hr.PseudoDerivative("arctangent"), np.random.default_rng(4)
    chosen = parameters(drawn, ["w"], weights=weights)
    values = {k: v * rng.uniform(0.2, 1.8, v.shape) for k, v in chosen.values.items()}
    network = rounded_by_hand(drawn, values, weights, False)
    now = hr.run_batch(network, samples(), smooth=bump)
    into = rng.normal(size=now.activity.shape)
    for k, count in enumerate(now.windows):
        into[k, count:] = 0.0
    run = hr.run_batch(chosen.draw(values), samples(), smooth=bump)
    pulled = chosen.pull(run.backward(into, wrt="w", pseudo_derivative=bump), values)
    for name in ("plastic", "static"):
        limit = limits(drawn, name, weights)
        free = np.abs(values[name]) <= limit
        assert free.mean() > 0.5 and (weights not in ("1bit", "ternary") or not free.all())
        np.testing.assert_array_equal(pulled[name][~free], 0.0)
        direction = rng.normal(size=free.size) * free
        there, back = (
            (hr.run_batch(_moved(network, name, s * 1e-5 * direction), samples(), smooth=bump).activity * into).sum()
            for s in (1, -1)
        )
        assert (there - back) / 2e-5 == pytest.approx((pulled[name] * direction).sum(), rel=2e-4, abs=1e-6)
        kept = chosen.inside({name: 100 * values[name]})[name]
        np.testing.assert_array_equal(kept, np.clip(100 * values[name], -limit, limit))


def _moved(d: hr.Draw, name: str, change: Any) -> hr.Draw:
    synapses = getattr(d, name)
    return replace(d, **{name: replace(synapses, w=synapses.w + change)})


def training(drawn: hr.Draw, **changes: Any) -> Training:
    rng = np.random.default_rng(0)
    labels = np.arange(32) % 2
    shown = []
    for label in labels:
        values = rng.normal(0, 0.3, (int(rng.integers(6, 10)), 2))
        values[:, label] += 1.5
        shown.append(hr.array_stimulus(values, "4 ms"))
    of_weights = {k: changes.pop(k) for k in ("weights", "signs") if k in changes}
    settings = Settings(**{"epochs": 5, "batch_size": 8, "precision": "double", **changes})
    head = SampleHead(Pooling("windows", 2), labels)
    return Training(parameters(drawn, **of_weights), head, shown, np.arange(8), settings)


def test_a_step_by_hand(drawn):
    """The usual gradient of the rounded network moves the latent weights, by Adam."""
    found = training(drawn, weights="1bit", clip=None)
    index, before = found.shown[:8], dict(found.values)
    before["readout"] = np.random.default_rng(1).normal(0, 0.1, before["readout"].shape)
    found.values = dict(before)
    found.step(index)
    network = rounded_by_hand(drawn, before, "1bit", False)
    run = hr.run_batch(network, [found.samples[k] for k in index])
    features = (found.head.features(run.activity, run.windows, index) - found.centre) / found.scale
    _, into = found.head.loss(features @ before["readout"] + before["offset"], index)
    gradient = run.backward(found.head.back(into @ before["readout"].T / found.scale, run.activity, run.windows, index))
    for name in ("plastic", "static"):
        rate = 0.03 * np.abs(before[name][before[name] != 0]).mean()
        moved = Adam({name: rate}, 15).step({name: before[name]}, {name: getattr(gradient, name)})[name]
        limit = limits(drawn, name, "1bit")
        np.testing.assert_allclose(found.values[name], np.clip(moved, -limit, limit), rtol=1e-12, atol=1e-15)
        assert (found.values[name] != before[name]).mean() > 0.5
    assert found.centre == pytest.approx(
        np.mean(found.head.features(*_all(network, found), found.shown), axis=0)
    )  # what features are like is looked up in the rounded network, too


def _all(network: hr.Draw, found: Training) -> tuple[Any, Any]:
    run = hr.run_batch(network, [found.samples[k] for k in found.shown])
    return run.activity, run.windows


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("weights", ["1bit", "ternary", "2bit"])
def test_it_learns_and_its_weights_have_few_levels(drawn, weights, signs):
    found = training(drawn, weights=weights, signs=signs)
    found.run()
    assert found.history[-1].loss < 0.5 * found.history[0].loss
    network, start = found.draw(found.best), quantised_draw(drawn, weights, signs=signs)
    for name in ("plastic", "static"):
        synapses, old = getattr(network, name), getattr(start, name)
        assert len(np.unique(found.values[name])) > 30  # latent ones
        assert ((synapses.w == 0) != (old.w == 0)).any() or (np.sign(synapses.w) != np.sign(old.w)).any()
        for index in np.unique(synapses.projection):
            w = synapses.w[synapses.projection == index]
            assert len(np.unique(np.abs(w) if signs else w + 0.0)) <= levels(weights, signs=signs)
        if signs:
            assert (synapses.w * getattr(drawn, name).w >= 0).all()


def test_one_that_was_killed_goes_on_bit_by_bit(drawn, tmp_path):
    whole = training(drawn, weights="1bit")
    whole.run()
    first = training(drawn, weights="1bit")
    for _ in range(3):
        first.epoch()
    first.save(tmp_path / "run")
    arrays, _ = read_checkpoint(tmp_path / "run")
    np.testing.assert_array_equal(arrays["value_plastic"], first.values["plastic"])
    second = training(drawn, weights="1bit")
    second.restore(tmp_path / "run")
    second.run()
    for name in whole.values:
        np.testing.assert_array_equal(second.values[name], whole.values[name])
        np.testing.assert_array_equal(second.best[name], whole.best[name])
    for other in ("full", "ternary"):
        with pytest.raises(hr.FileFormatError, match="checkpoint of another training"):
            training(drawn, weights=other).restore(tmp_path / "run")


def test_what_cannot_be(drawn):
    refused(lambda: parameters(drawn, weights="binary"), "unknown kind of weights 'binary'", "1bit")
    refused(lambda: parameters(drawn, weights=1), "unknown kind of weights 1", "use one of full, 1bit")
    refused(lambda: parameters(drawn, ["w_in"], weights="1bit"), "weights='1bit'", "trainable=['w_in']", "add 'w'")
    refused(lambda: quantised([1.0, np.nan], "1bit"), "w")
    refused(lambda: quantised([1.0], "3bit"), "unknown kind of weights '3bit'")
    refused(lambda: levels("two"), "unknown kind of weights 'two'")
    bare, _ = hr.lose_synapses(drawn, None, 1.0, seed=0)
    refused(lambda: parameters(bare, ["w", "w_in"], weights="1bit"), "no recurrent synapses", "weights='full'")
    assert parameters(drawn, ["w_in"]).quantisation is None
