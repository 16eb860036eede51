"""Damage is what it says, no more and no less, and the same for every backend."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, NETWORKS, backends_with_networks, refused

import hetero_rsnn as hr
from hetero_rsnn.network.draw import Synapses

#: Heterogeneous in everything that a damage touches, and lively enough that damage shows within a few samples.
LIVELY: dict[str, Any] = {
    "n": 50,
    "I_bias": {"distribution": "uniform", "low": 1.1, "high": 1.6},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "input.connectivity": 0.8,
    "input.channels": 2,
}
#: The same of networks whose neurons have other parameters.
LIVELY_OTHERS: dict[str, dict[str, Any]] = {
    "adex": {"I_bias": {"distribution": "uniform", "low": "0.7 nA", "high": "1.4 nA"}},
    "izhikevich": {"I_bias": {"distribution": "uniform", "low": 5.0, "high": 12.0}},
    "coba": {"I_bias": {"distribution": "uniform", "low": "14 mV", "high": "20 mV"}},
    "istdp": {
        "I_bias": {"distribution": "uniform", "low": "150 pA", "high": "250 pA"},
        **{f"{p}.weight": {"distribution": "gamma", "mean": "60 nS", "cv": 0.5} for p in ("EE", "EI", "IE", "II")},
    },
}
#: Networks that can lose neurons: their threshold is a condition on v_th.
CAN_LOSE = tuple(name for name in NETWORKS if "v_th" in dict(hr.load_network(name).equations)["threshold"])
U = hr.uniform_stimulus(30, "10 ms", 3, channels=2)

#: Each does the damage of one amount: (draw, state, amount) -> (draw, state).
DAMAGES = {
    "weight_noise": lambda d, s, x: hr.weight_noise(d, s, x, 7, inputs=True),
    "lose_neurons": lambda d, s, x: hr.lose_neurons(d, s, x, 7),
    "lose_synapses": lambda d, s, x: hr.lose_synapses(d, s, x, 7, inputs=True),
    "prune": lambda d, s, x: hr.prune(d, s, x, inputs=True),
    "quantise": lambda d, s, x: hr.quantise(d, s, 2 if x else 52, inputs=True),
}


#: Where a damage is not done to every network: it needs a threshold, or does to synapses what another one does.
SOME = {"lose_neurons": CAN_LOSE, "prune": ("henhes", "delays", "izhikevich")}
#: Every damage with every network that it is done to.
DAMAGED = [(damage, name) for damage in DAMAGES for name in SOME.get(damage, NETWORKS)]


@cache
def drawn(name: str = "henhes", precision: str = "double") -> hr.Draw:
    rules = hr.load_network(name).rules
    learning = {"eta_plus.mean": 0.05} if any("eta_plus" in dict(rule.parameters) for rule in rules) else {}
    own = {k: v for k, v in LIVELY.items() if name not in LIVELY_OTHERS or k not in ("I_bias", "v_th")}
    changes = {**own, **LIVELY_OTHERS.get(name, {}), **learning}
    return hr.draw(hr.load_network(name, **changes), 5, precision=precision)


@cache
def trained(name: str = "henhes") -> hr.Recording:
    return hr.simulate(drawn(name), hr.uniform_stimulus(60, "10 ms", 4, channels=2))


def parts(d: hr.Draw) -> dict[str, Any]:
    """Every array of a draw by name."""
    out = {f"neurons {k}": v for k, v in d.neurons.items()} | {"w_in": d.w_in, "w_event": d.w_event}
    for kind, s in (("plastic", d.plastic), ("static", d.static)):
        arrays = {"indptr": s.indptr, "target": s.target, "w": s.w, "projection": s.projection}
        out |= {f"{kind} {k}": v for k, v in (arrays | s.parameters).items()}
    return out


def same(one: hr.Draw, other: hr.Draw) -> bool:
    a, b = parts(one), parts(other)
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


def equal_spikes(one: hr.Recording, other: hr.Recording) -> bool:
    return np.array_equal(one.spike_times, other.spike_times) and np.array_equal(one.spike_neurons, other.spike_neurons)


def ends(s: Synapses) -> list[tuple[int, int]]:
    return list(zip(s.source.tolist(), s.target.tolist(), strict=True))


def pairs(s: Synapses, projection: int) -> set[tuple[int, int]]:
    return {pair for pair, i in zip(ends(s), s.projection, strict=True) if i == projection}


def groups(d: hr.Draw, state: hr.State | None) -> dict[str, np.ndarray]:
    """Weights that the network has now, by projection."""
    out = {}
    for s, w in ((d.plastic, d.plastic.w if state is None else state.w), (d.static, d.static.w)):
        out |= {d.network.projections[i].name: w[s.projection == i] for i in np.unique(s.projection)}
    return out


@pytest.mark.parametrize(("damage", "name"), [pair for pair in DAMAGED if pair[0] != "quantise"])
def test_no_damage_changes_nothing(name: str, damage: str) -> None:
    d, begin = drawn(name), trained(name)
    new, state = DAMAGES[damage](d, begin, 0.0)
    assert same(new, d)
    assert new.damage == ()
    assert state is not None
    assert np.array_equal(state.w, begin.state.w)
    assert state.traces.keys() == begin.state.traces.keys()
    assert equal_spikes(
        hr.simulate(new, U, state=state, plasticity=False), hr.simulate(d, U, state=begin, plasticity=False)
    )


def test_no_noise_changes_nothing() -> None:
    assert np.array_equal(hr.noisy(U, 0.0, 1).values, U.values)


@pytest.mark.parametrize(("damage", "name"), DAMAGED)
def test_the_old_draw_and_state_stay_and_the_new_draw_is_read_only(name: str, damage: str) -> None:
    d, begin = drawn(name), trained(name)
    before = {k: v.copy() for k, v in parts(d).items()} | {"state w": begin.state.w.copy()}
    new, state = DAMAGES[damage](d, begin, 0.4)
    after = parts(d) | {"state w": begin.state.w}
    assert all(np.array_equal(before[k], after[k]) for k in before)
    assert not same(new, d)
    assert all(not v.flags.writeable for v in parts(new).values())
    assert state is not None
    assert state.w.size == len(new.plastic)
    assert state.w.flags.writeable  # a frozen run of the compiled kernel takes it as it is
    assert new.network is d.network
    assert len(new.damage) == 1
    assert new.damage[0] in repr(new)


@cache
def damaged(name: str, damage: str) -> tuple[hr.Draw, hr.State | None]:
    return DAMAGES[damage](drawn(name), trained(name), 0.3)


@cache
def fast(name: str, learn: bool, damage: str = "") -> hr.Recording:
    new, state = damaged(name, damage) if damage else (drawn(name), trained(name))
    return hr.simulate(new, U, state=state, plasticity=learn)


@pytest.mark.parametrize(("backend", "name"), backends_with_networks(BACKENDS[1:]))
@pytest.mark.parametrize("damage", DAMAGES)
def test_backends_agree_on_damaged_networks(backend: str, name: str, damage: str) -> None:
    if (damage, name) not in DAMAGED:
        return  # see test_networks_of_other_thresholds_keep_their_neurons
    new, state = damaged(name, damage)
    for learn in (False, True) if name == "henhes" else (False,):
        expected, intact = fast(name, learn, damage), fast(name, learn)
        found = hr.simulate(new, U, state=state, plasticity=learn, backend=backend)
        assert expected.spike_times.size > 100
        assert equal_spikes(found, expected)
        assert np.allclose(found.weights, expected.weights, rtol=1e-9, atol=1e-15)
        assert not equal_spikes(expected, intact)
        assert expected.provenance["damage"] == list(new.damage)
        assert "damage" not in intact.provenance


@pytest.mark.parametrize("name", sorted({*NETWORKS} - {*CAN_LOSE}))
def test_networks_of_other_thresholds_keep_their_neurons(name: str) -> None:
    refused(
        lambda: hr.lose_neurons(drawn(name), None, 0.3, 1),
        name,
        "v_th",
        dict(drawn(name).network.equations)["threshold"],
    )


@pytest.mark.parametrize(("backend", "name"), backends_with_networks(networks=CAN_LOSE))
@pytest.mark.parametrize("with_state", [False, True])
def test_lost_neurons_never_fire(name: str, backend: str, with_state: bool) -> None:
    d = drawn(name)
    new, state = hr.lose_neurons(d, trained(name) if with_state else None, 0.3, 11)
    assert (state is not None) is with_state
    lost = np.isinf(new.neurons["v_th"])
    assert lost.sum() == 15
    # Then driven far above threshold, and by input spikes as well.
    currents = hr.array_stimulus(np.concatenate([U.values, np.full((20, 2), 9.0)]), "10 ms")
    events = hr.poisson_stimulus(np.full((20, 2), 400.0), "10 ms", 2)
    driven, listening = (hr.simulate(new, u, state=state, backend=backend) for u in (currents, events))
    strong = driven.spike_times >= len(U) * 10.0
    for spikes in (driven.spike_neurons[~strong], driven.spike_neurons[strong], listening.spike_neurons):
        fired = np.unique(spikes)
        assert fired.size > 10
        assert not lost[fired].any()
    for s in (new.plastic, new.static):
        assert not lost[s.source].any()
        assert not lost[s.target].any()
    assert not new.w_in[lost].any()
    assert not new.w_event[lost].any()
    # What is left is what was there.
    assert np.array_equal(new.w_in[~lost], d.w_in[~lost])
    assert np.array_equal(new.neurons["v_th"][~lost], d.neurons["v_th"][~lost])
    for i in range(len(d.network.projections)):
        for now, then in ((new.plastic, d.plastic), (new.static, d.static)):
            assert pairs(now, i) == {(a, b) for a, b in pairs(then, i) if not lost[a] and not lost[b]}


def test_all_neurons_and_all_synapses_can_be_lost() -> None:
    for backend in BACKENDS:
        new, state = hr.lose_neurons(drawn(), trained(), 1.0, 1)
        assert hr.simulate(new, U, state=state, backend=backend).spike_times.size == 0
        new, state = hr.lose_synapses(drawn(), trained(), 1.0, 1)
        assert len(new.plastic) == len(new.static) == 0
        assert hr.simulate(new, U, state=state, backend=backend).spike_times.size > 100


def test_lost_synapses_are_as_if_their_weights_were_zero() -> None:
    d, begin = drawn(), trained().state
    for share in (0.5, 1.0):
        new, state = hr.lose_synapses(d, begin, share, 6)
        left = []
        for now, then in ((new.plastic, d.plastic), (new.static, d.static)):
            still = [pairs(now, i) for i in range(4)]
            left.append(
                np.array([p in still[i] for p, i in zip(ends(then), then.projection, strict=True)], dtype=float)
            )
        blank = dataclasses.replace(d, static=dataclasses.replace(d.static, w=d.static.w * left[1]))
        silent = dataclasses.replace(begin, w=begin.w * left[0])
        one = hr.simulate(new, U, state=state, plasticity=False)
        other = hr.simulate(blank, U, state=silent, plasticity=False)
        assert equal_spikes(one, other)
        assert one.spike_times.size > 100


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.333, 0.5, 0.9, 1.0])
def test_shares_are_exact(share: float) -> None:
    d, begin = drawn(), trained()
    new, state = hr.lose_neurons(d, begin, share, 2)
    assert np.isinf(new.neurons["v_th"]).sum() == math.floor(share * d.n + 0.5)
    new, state = hr.lose_synapses(d, begin, share, 2, inputs=True)
    before, after = groups(d, begin.state), groups(new, state)
    for name, w in before.items():
        assert w.size - after.get(name, np.empty(0)).size == math.floor(share * w.size + 0.5), name
    had = (d.w_in != 0).sum()
    assert had < d.w_in.size
    assert had - (new.w_in != 0).sum() == math.floor(share * had + 0.5)
    assert np.array_equal(new.w_in != 0, new.w_event != 0)
    only_inside, _ = hr.lose_synapses(d, begin, share, 2)
    assert np.array_equal(only_inside.w_in, d.w_in)


@pytest.mark.parametrize("name", CAN_LOSE)
def test_less_damage_is_part_of_more(name: str) -> None:
    d, begin = drawn(name), trained(name)
    lost: set[int] = set()
    left = {i: pairs(d.plastic, i) | pairs(d.static, i) for i in range(4)}
    for share in (0.1, 0.2, 0.5, 0.8):
        new, _ = hr.lose_neurons(d, begin, share, 3)
        now = set(np.flatnonzero(np.isinf(new.neurons["v_th"])).tolist())
        assert lost < now
        lost = now
        new, _ = hr.lose_synapses(d, begin, share, 3)
        still = {i: pairs(new.plastic, i) | pairs(new.static, i) for i in range(4)}
        assert all(still[i] <= left[i] for i in range(4))  # of few synapses a small share may be none
        assert still[0] < left[0]
        left = still
    factors = []
    for cv in (0.3, 0.9):
        new, _ = hr.weight_noise(d, None, cv, 3)
        sigma2 = math.log1p(cv**2)
        factors.append((np.log(new.static.w / d.static.w) + sigma2 / 2) / math.sqrt(sigma2))
    assert np.allclose(*factors)
    noise = [(hr.noisy(U, sd, 3).values - U.values) / sd for sd in (0.2, 2.0)]
    assert np.allclose(*noise)


@pytest.mark.parametrize("damage", ["weight_noise", "lose_neurons", "lose_synapses"])
def test_the_seed_decides(damage: str) -> None:
    call = getattr(hr, damage)
    one, again, other = (call(drawn(), trained(), 0.4, seed) for seed in (1, 1, 2))
    assert same(one[0], again[0])
    assert np.array_equal(one[1].w, again[1].w)
    assert not same(one[0], other[0])
    assert one[1].w.shape != other[1].w.shape or not np.array_equal(one[1].w, other[1].w)


def test_networks_of_one_topology_lose_the_same_synapses() -> None:
    # In `static` the synapses between excitatory neurons stand with the others, and there are no plastic ones.
    assert len(drawn("static").plastic) == 0
    reference = hr.lose_synapses(drawn("honhos"), None, 0.4, 9)[0]
    for name in ("henhos", "henhes", "static"):
        new = hr.lose_synapses(drawn(name), None, 0.4, 9)[0]
        for i in range(4):
            assert pairs(new.plastic, i) | pairs(new.static, i) == pairs(reference.plastic, i) | pairs(
                reference.static, i
            )
    factors = [
        groups(hr.weight_noise(drawn(name), None, 0.4, 9)[0], None)["EE"] / groups(drawn(name), None)["EE"]
        for name in ("henhos", "static")
    ]
    assert np.allclose(*factors)


def test_the_weakest_are_pruned_and_each_projection_by_itself() -> None:
    d, begin = drawn(), trained().state
    left = {i: pairs(d.plastic, i) | pairs(d.static, i) for i in range(4)}
    for share in (0.1, 0.5, 0.9):
        new, state = hr.prune(d, begin, share, inputs=True)
        before, after = groups(d, begin), groups(new, state)
        for name, w in before.items():
            gone = math.floor(share * w.size + 0.5)
            assert np.array_equal(np.sort(np.abs(after[name])), np.sort(np.abs(w))[gone:]), name
        for name in ("w_in", "w_event"):
            w, now = getattr(d, name), getattr(new, name)
            there = np.sort(np.abs(w[w != 0]))
            assert np.array_equal(np.sort(np.abs(now[now != 0])), there[math.floor(share * there.size + 0.5) :])
            assert np.array_equal(now[now != 0], w[now != 0])
        still = {i: pairs(new.plastic, i) | pairs(new.static, i) for i in range(4)}
        assert all(still[i] < left[i] for i in range(4))
        left = still
    # What STDP made of the weights decides, and not what they were drawn as.
    untrained, _ = hr.prune(d, None, 0.5)
    assert pairs(untrained.plastic, 0) != pairs(hr.prune(d, begin, 0.5)[0].plastic, 0)
    refused(lambda: hr.prune(d, begin, 1.1), "share", "1.1", "0..1")


def test_of_equal_weights_the_first_are_pruned() -> None:
    d = hr.draw("honhos", seed=1)
    w = np.full(len(d.static), 0.5)
    d = dataclasses.replace(d, static=dataclasses.replace(d.static, w=w))
    new, _ = hr.prune(d, None, 0.25)
    for i in np.unique(d.static.projection):
        were = [pair for pair, k in zip(ends(d.static), d.static.projection, strict=True) if k == i]
        assert pairs(new.static, i) == set(were[math.floor(0.25 * len(were) + 0.5) :])


def test_weights_follow_their_synapses() -> None:
    d, begin = drawn(), trained().state
    for new, state in (hr.lose_synapses(d, begin, 0.4, 3), hr.lose_neurons(d, begin, 0.4, 3), hr.prune(d, begin, 0.4)):
        assert state is not None
        where = {pair: k for k, pair in enumerate(ends(d.plastic))}
        k = [where[pair] for pair in ends(new.plastic)]
        assert 0 < len(k) < len(d.plastic)
        assert np.array_equal(state.w, begin.w[k])
        assert np.array_equal(new.plastic.w, d.plastic.w[k])
        for key, values in d.plastic.parameters.items():
            assert np.array_equal(new.plastic.parameters[key], values[k])
        for key, values in begin.traces.items():
            assert values.any()
            assert np.array_equal(state.traces[key], values[k])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cv", [0.2, 1.0])
def test_weight_noise_keeps_signs_and_has_the_spread_asked_for(name: str, cv: float) -> None:
    d = hr.draw(hr.load_network(name, n=300, **{"input.connectivity": 0.5}), 3)
    new, state = hr.weight_noise(d, None, cv, 4, inputs=True)
    assert state is None
    for key, w in groups(d, None).items():
        now = groups(new, None)[key]
        used = w != 0
        assert np.array_equal(np.sign(now), np.sign(w))
        if (name, key) == ("istdp", "IE"):  # without inhibition at first
            assert not used.any()
            continue
        assert used.sum() > 300
        factors = now[used] / w[used]
        assert np.isclose(factors.mean(), 1.0, atol=6 * cv / math.sqrt(used.sum()))
        assert np.isclose(np.log(factors).std(), math.sqrt(math.log1p(cv**2)), rtol=0.15)
    assert np.array_equal(np.sign(new.w_in), np.sign(d.w_in))
    assert 0 < (d.w_in == 0).sum() < d.n
    apart = new.w_in[d.w_in != 0] / d.w_in[d.w_in != 0]
    assert np.unique(apart).size == apart.size
    recurrent, _ = hr.weight_noise(d, None, cv, 4)
    assert np.array_equal(recurrent.w_in, d.w_in)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_levels_are_even_and_each_weight_goes_to_the_nearest(name: str, bits: int) -> None:
    d, begin = drawn(name), trained(name).state
    new, state = hr.quantise(d, begin, bits, inputs=True)
    old, now = groups(d, begin) | {"input": d.w_in}, groups(new, state) | {"input": new.w_in}
    assert old.keys() == now.keys()
    for key, w in old.items():
        step = np.abs(w).max() / (2**bits - 1)
        levels = np.unique(np.abs(now[key]))
        assert levels.size <= 2**bits
        assert np.allclose(levels / step, np.rint(levels / step))
        assert np.isclose(levels.max(), np.abs(w).max())
        assert (np.abs(now[key] - w) <= step / 2 * (1 + 1e-9)).all()
        assert ((now[key] == 0) | (np.sign(now[key]) == np.sign(w))).all()
    assert np.unique(np.abs(now["EE"])).size > 2
    recurrent, _ = hr.quantise(d, begin, bits)
    assert np.array_equal(recurrent.w_in, d.w_in)
    if state is not None and begin.w.size:  # what the network was before training is history
        assert np.array_equal(new.plastic.w, d.plastic.w)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_bit_is_there_or_not_and_keeps_the_sum(name: str) -> None:
    d, begin = drawn(name), trained(name).state
    new, state = hr.quantise(d, begin, 1, inputs=True)
    for key, w in (groups(d, begin) | {"w_in": d.w_in, "w_event": d.w_event}).items():
        now = (groups(new, state) | {"w_in": new.w_in, "w_event": new.w_event})[key]
        assert np.unique(np.abs(now[now != 0])).size == 1
        assert np.isclose(np.abs(now).sum(), np.abs(w).sum())
        there = np.abs(w) >= np.abs(w[w != 0]).mean() / 2
        assert 0 < there.sum() < w.size
        assert np.array_equal(now != 0, there)
        assert np.array_equal(np.sign(now[there]), np.sign(w[there]))


def test_many_bits_are_no_damage_to_speak_of_and_no_weights_are_none() -> None:
    _, state = hr.quantise(drawn(), trained(), 52)
    assert state is not None
    assert np.allclose(state.w, trained().state.w, rtol=1e-12, atol=1e-16)
    blank = dataclasses.replace(drawn(), w_event=np.zeros_like(drawn().w_event))
    assert not hr.quantise(blank, None, 1, inputs=True)[0].w_event.any()


def test_single_precision_stays_single() -> None:
    d = drawn(precision="single")
    begin = hr.simulate(d, U, precision="single")
    for call in DAMAGES.values():
        new, state = call(d, begin, 0.3)
        assert new.static.w.dtype == np.float32
        assert new.plastic.w.dtype == np.float32
        assert state.w.dtype == np.float32
        assert hr.simulate(new, U, state=state, precision="single", plasticity=False).spike_times.size > 100


def test_damages_add_up_and_learning_can_go_on() -> None:
    d, state = hr.lose_neurons(drawn(), trained(), 0.2, 1)
    d, state = hr.lose_synapses(d, state, 0.3, 1)
    d, state = hr.weight_noise(d, state, 0.3, 1)
    d, state = hr.quantise(d, state, 4)
    assert len(d.damage) == 4
    assert state is not None
    after = hr.simulate(d, U, state=state)
    assert not np.array_equal(after.weights, state.w)
    assert after.weights.max() <= d.shared["w_max"]


def test_noise_is_relative_to_each_channel_and_leaves_the_rest() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, (4000, 3)) * [1.0, 20.0, 0.0] + [0.0, 5.0, 2.0]
    u = hr.array_stimulus(values, "10 ms")
    noise = hr.noisy(u, 0.5, 8).values - values
    assert np.allclose(noise[:, :2].std(axis=0), 0.5 * values[:, :2].std(axis=0), rtol=0.05)
    assert np.allclose(noise.mean(axis=0), 0.0, atol=0.3)
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.06
    assert not noise[:, 2].any()
    new = hr.noisy(u, 0.5, 8)
    assert (new.hold, new.kind, len(new)) == (u.hold, u.kind, len(u))
    assert new.description["noise"] == [{"sd": 0.5, "seed": 8}]
    assert np.array_equal(u.values, values)
    assert not np.array_equal(hr.noisy(u, 0.5, 9).values, new.values)


def test_every_noise_is_noted() -> None:
    once = hr.noisy(U, 0.5, 1)
    twice = hr.noisy(once, np.float64(0.25), np.int64(2))
    assert twice.description["noise"] == [{"sd": 0.5, "seed": 1}, {"sd": 0.25, "seed": 2}]
    assert once.description["noise"] == [{"sd": 0.5, "seed": 1}] and "noise" not in U.description
    noted = hr.simulate(drawn(), twice).provenance["stimulus"]
    assert noted == {**U.description, "noise": twice.description["noise"]}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("damage", ["weight_noise", "quantise"])  # the sizes stay, so they tell nothing
def test_a_recording_goes_on_with_its_own_damage_only(damage: str, backend: str) -> None:
    d, begin = drawn(), trained()
    new, state = DAMAGES[damage](d, begin, 0.4)
    after = hr.simulate(new, U, state=state)
    (what,) = new.damage
    refused(lambda: hr.simulate(d, U, state=after, backend=backend), what, "go on with the draw that was recorded")
    refused(lambda: hr.simulate(new, U, state=begin, backend=backend), what, "the state that the damage returned")
    more, more_state = hr.weight_noise(new, after, 0.1, 1)
    refused(lambda: hr.simulate(more, U, state=after, backend=backend), more.damage[1])
    # Its own draw takes it, and a bare state goes where its sizes fit.
    again = hr.simulate(new, U, state=after, backend=backend)
    assert again.provenance["damage"] == [what]
    assert equal_spikes(again, hr.simulate(new, U, state=after.state))
    assert not equal_spikes(again, hr.simulate(d, U, state=after.state))
    assert hr.simulate(more, U, state=more_state).provenance["damage"] == [*new.damage, more.damage[1]]


def test_damage_stays_noted_in_files(tmp_path: Path) -> None:
    new, state = hr.weight_noise(drawn(), trained(), 0.4, 1)
    read = hr.load_recording(hr.simulate(new, U, state=state).save(tmp_path / "noisy"))
    refused(lambda: hr.simulate(drawn(), U, state=read), new.damage[0])
    assert hr.simulate(new, U, state=read).spike_times.size > 100


@pytest.mark.parametrize("bad", [-0.1, 1.01, math.nan, "half", None, True, 10])
def test_shares_outside_0_to_1_are_refused(bad: Any) -> None:
    refused(lambda: hr.lose_neurons(drawn(), None, bad, 1), "share", "0..1", repr(bad))
    refused(lambda: hr.lose_synapses(drawn(), None, bad, 1), "share", "0..1", repr(bad))


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "much", None, True])
def test_amounts_below_0_are_refused(bad: Any) -> None:
    refused(lambda: hr.weight_noise(drawn(), None, bad, 1), "cv", ">= 0", repr(bad))
    refused(lambda: hr.noisy(U, bad, 1), "sd", ">= 0", repr(bad))


@pytest.mark.parametrize("bad", [0, -1, 53, 2.5, "8", None, True])
def test_bits_that_are_none_are_refused(bad: Any) -> None:
    refused(lambda: hr.quantise(drawn(), None, bad), "bits", "from 1 to 52", repr(bad))


def test_what_is_no_draw_state_or_current_is_refused() -> None:
    other = hr.draw(hr.load_network("henhes", n=30), 5)
    own = hr.load_network("henhes", n=20)
    equations = tuple((k, "v > 1" if k == "threshold" else t) for k, t in own.equations)
    fixed = dataclasses.replace(drawn(), network=dataclasses.replace(own, equations=equations))
    refused(lambda: hr.lose_neurons(fixed, None, 0.1, 1), "v > 1", "v_th")
    for call in DAMAGES.values():
        refused(lambda call=call: call("henhes", None, 0.1), "str", "draw")
        refused(lambda call=call: call(drawn(), "trained", 0.1), "str", "Recording")
        refused(lambda call=call: call(other, trained(), 0.1), "50 neurons", "30")
        refused(lambda call=call: call(other, trained(), 0.0), "50 neurons", "30")
    events = hr.poisson_stimulus(np.full((5, 2), 20.0), "10 ms")
    refused(lambda: hr.noisy(events, 0.1, 1), "'events'", error=hr.StimulusError)
    refused(lambda: hr.noisy(hr.stream([[0.1]], "10 ms"), 0.1, 1), "Stream", error=hr.StimulusError)
    for call in (hr.lose_neurons, hr.lose_synapses, hr.weight_noise):
        refused(lambda call=call: call(drawn(), None, 0.3, -1), "seed", "-1")
