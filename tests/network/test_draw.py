"""Draws: the same arrays for the same seed, one branch of the generator tree for each thing, and arrays that fit."""

from __future__ import annotations

import hashlib
import itertools
import math
import tomllib
from typing import Any

import numpy as np
import pytest
from helpers import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hetero_rsnn import HeteroError, Network, NetworkError, load_network
from hetero_rsnn.common.randomness import PURPOSES, generator
from hetero_rsnn.network.distributions import Constant, Gamma, LogNormal, TruncatedNormal, Uniform
from hetero_rsnn.network.draw import PRECISIONS, Draw, Synapses, _scale_rates, draw

#: Every kind of topology, family and branch at once, and none of the numbers of the shipped networks.
SMALL = """
model = "lif_stdp"
n = 30
weight_scaling = "none"
[neuron]
equations = '''
dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1 (unless refractory)
dI_syn/dt = -I_syn / tau_syn : 1
'''
threshold = "v > v_th"
reset = "v = v_reset"
refractory = "t_ref"
[neuron.initial]
v = { distribution = "uniform", low = -0.5, high = 1.0 }
[parameters]
v_rest = 0.0
v_reset = 0.0
v_th = { distribution = "truncated_normal", mean = 1.0, cv = 0.1 }
t_ref = "2 ms"
tau_syn = { distribution = "lognormal", mean = "5 ms", cv = 0.4 }
I_bias = { distribution = "mixture", components = [
    { distribution = "uniform", low = 0.9, high = 1.0 }, { distribution = "constant", value = 1.1 },
] }
[populations.E]
fraction = 0.7
tau_m = { distribution = "gamma", mean = "20 ms", cv = 0.5 }
[populations.I]
kind = "inhibitory"
fraction = 0.3
tau_m = { distribution = "uniform", low = "5 ms", high = "15 ms" }
[projections.EE]
pre = "E"
post = "E"
plastic = true
topology = { kind = "random", p = 0.3 }
weight = { distribution = "uniform", low = 0.0, high = 0.3 }
[projections.EI]
pre = "E"
post = "I"
topology = { kind = "fixed_indegree", indegree = 4 }
weight = { distribution = "gamma", mean = 0.2, cv = 0.5 }
[projections.IE]
pre = "I"
post = "E"
topology = { kind = "distance", p_max = 0.9, length = 1.5 }
weight = { distribution = "uniform", low = 0.1, high = 0.3 }
[projections.II]
pre = "I"
post = "I"
topology = { kind = "small_world", neighbours = 3, rewire = 0.5 }
weight = 0.25
[plasticity]
equations = '''
dapre/dt = -apre / tau_plus : 1 (event-driven)
dapost/dt = -apost / tau_minus : 1 (event-driven)
'''
on_pre = '''
I_syn_post += w
apre += 1
w = clip(w - eta_minus * (w - w_min)**mu * apost, w_min, w_max)
'''
on_post = '''
apost += 1
w = clip(w + eta_plus * (w_max - w)**mu * apre, w_min, w_max)
'''
w_min = 0.05
w_max = 0.25
mu = 0.5
tau_plus = { distribution = "gamma", mean = "20 ms", cv = 0.5 }
tau_minus = { distribution = "uniform", low = "10 ms", high = "30 ms" }
eta_plus = { distribution = "lognormal", mean = 0.01, cv = 0.5 }
eta_minus = { distribution = "uniform", low = 0.001, high = 0.01 }
[input]
channels = 2
connectivity = 0.6
weight = { distribution = "uniform", low = -1.0, high = 1.0 }
event_weight = { distribution = "uniform", low = 0.1, high = 0.5 }
"""


@pytest.fixture(scope="module")
def small() -> Network:
    return Network.from_dict(tomllib.loads(SMALL), "small")


def arrays(value: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Every array of a draw by dotted name."""
    if isinstance(value, np.ndarray):
        return {prefix: value}
    items = value.items() if isinstance(value, dict) else vars(value).items()
    if not isinstance(value, dict | Draw | Synapses):
        return {}
    return {
        k: v
        for key, item in items
        if isinstance(item, np.ndarray | dict | Synapses)
        for k, v in arrays(item, f"{prefix}.{key}".strip(".")).items()
    }


def differ(a: Draw, b: Draw) -> set[str]:
    """Names of the arrays that are not the same bit for bit."""
    one, two = arrays(a), arrays(b)
    assert one.keys() == two.keys()
    return {k for k in one if one[k].dtype != two[k].dtype or one[k].tobytes() != two[k].tobytes()}


def by_pair(synapses: Synapses, values: np.ndarray) -> dict[tuple[int, int], float]:
    return dict(zip(zip(synapses.source.tolist(), synapses.target.tolist(), strict=True), values.tolist(), strict=True))


# ---------------------------------------------------------------- seeds


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_arrays(name: str) -> None:
    net = load_network(name, n=150)
    assert differ(draw(net, 7), draw(net, np.int64(7))) == set()
    assert differ(draw(net, 7), draw(load_network(name, n=150), 7)) == set()


def test_different_seeds_differ_everywhere(small: Network) -> None:
    same_for_all = {"population", "neurons.v_rest", "neurons.v_reset", "neurons.t_ref"}
    for a, b in itertools.combinations((0, 1, 2**31, 2**70), 2):
        one, two = arrays(draw(small, a)), arrays(draw(small, b))
        equal = {k for k in one if one[k].shape == two[k].shape and (one[k] == two[k]).all()}
        assert equal == same_for_all


@pytest.mark.parametrize("seed", [-1, 1.0, 1.5, "1", None, True, math.nan, [1], np.float64(1)])
def test_wrong_seed(small: Network, seed: Any) -> None:
    with pytest.raises(HeteroError) as info:
        draw(small, seed)
    assert str(info.value) == f"seed must be a whole number >= 0, got {seed!r}: use 0 or more"


@given(seed=st.integers(0, 2**64))
def test_branches_of_the_tree_are_independent(seed: int) -> None:
    """Every purpose and every name has a stream of its own; asking for one leaves the others alone."""
    keys: list[tuple[str | int, ...]] = [(p,) for p in PURPOSES]
    keys += [("neurons", "E", "tau_m"), ("neurons", "I", "tau_m"), ("neurons", "tau_m", "E"), ("input", "mask", 0)]
    first = {key: generator(seed, str(key[0]), *key[1:]).random() for key in keys}
    assert len(set(first.values())) == len(keys)
    assert first == {key: generator(seed, str(key[0]), *key[1:]).random() for key in reversed(keys)}


def test_purposes_are_only_appended() -> None:
    """The position is part of every seed."""
    assert PURPOSES[:8] == ("topology", "weights", "neurons", "synapses", "state", "input", "noise", "stimulus")


def test_numpys_global_generator_is_not_used(small: Network) -> None:
    before = np.random.get_state()  # noqa: NPY002 - the one that must not be touched
    one = draw(small, 0)
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    np.random.random(3)  # noqa: NPY002
    two = draw(small, 0)
    np.random.set_state(before)  # noqa: NPY002
    assert differ(one, two) == set()


# ---------------------------------------------------------------- what networks share


@pytest.mark.parametrize("other", ["henhos", "honhes", "henhes", "henhes_symmetric", "chrsnn"])
def test_canonical_networks_share_everything_but_the_spread(other: str) -> None:
    a, b = draw(load_network("honhos", n=150), 3), draw(load_network(other, n=150), 3)
    learning = {f"plastic.parameters.{k}" for k in ("tau_plus", "tau_minus", "eta_plus", "eta_minus")}
    expected = set() if other == "honhes" else {"neurons.tau_m"}
    expected |= set() if other == "henhos" else learning
    assert differ(a, b) == expected


def test_static_control_shares_the_graph() -> None:
    """Without plasticity the E->E synapses move to the fixed ones, with the weights they started from."""
    a, b = draw(load_network("henhos", n=150), 3), draw(load_network("static", n=150), 3)
    assert len(b.plastic) == 0 and b.shared == {} and len(b.static) == len(a.static) + len(a.plastic)
    everything = by_pair(b.static, b.static.w)
    clipped = 0
    for synapses in (a.plastic, a.static):
        for pair, w in by_pair(synapses, synapses.w).items():
            if w == a.shared["w_max"] and everything[pair] > w:
                clipped += 1
            else:
                assert everything[pair] == w
    assert clipped < 0.5 * len(a.plastic)
    assert_array_equal(a.neurons["tau_m"], b.neurons["tau_m"])


@pytest.mark.parametrize("cvs", [(0.1, 0.4), (0.3, 0.9), (0.0, 0.5)])
def test_a_spread_moves_values_monotonely(cvs: tuple[float, float]) -> None:
    """Same uniform numbers: whoever is slow stays slow."""
    net = load_network("henhes", n=150)
    draws = [draw(net.replace(**{"tau_m.cv": cv, "tau_plus.cv": cv, "eta_minus.cv": cv}), 1) for cv in cvs]
    changed = {"neurons.tau_m", "plastic.parameters.tau_plus", "plastic.parameters.eta_minus"}
    assert differ(*draws) == changed
    for name in changed:
        groups = [draws[0].members(p) for p in "EI"] if name == "neurons.tau_m" else [slice(None)]
        for group in groups:
            one, two = (arrays(d)[name][group] for d in draws)
            assert_array_equal(one[np.argsort(two, kind="stable")], np.sort(one))


def test_a_new_projection_leaves_the_others_alone(small: Network) -> None:
    data = small.to_dict()
    removed = {**data, "projections": {k: v for k, v in data["projections"].items() if k != "EI"}}
    a, b = draw(small, 0), draw(Network.from_dict(removed, "x"), 0)
    assert differ(a, b) == {"static.indptr", "static.target", "static.w", "static.projection"}
    old = by_pair(a.static, a.static.w)
    assert all(old[pair] == w for pair, w in by_pair(b.static, b.static.w).items())


def test_populations_projections_and_parameters_draw_apart(small: Network) -> None:
    """No two of them get the same numbers where their distributions are the same."""
    spread = {"distribution": "uniform", "low": "10 ms", "high": "20 ms"}
    weight = {"distribution": "uniform", "low": 0.1, "high": 0.2}
    times = ("tau_m", "tau_syn", "tau_plus", "tau_minus")
    d = draw(small.replace(**dict.fromkeys(times, spread), **{f"{p}.weight": weight for p in ("EI", "IE", "II")}), 0)
    groups = [d.neurons[k][d.members(p)] for k in ("tau_m", "tau_syn") for p in "EI"]
    groups += [d.plastic.parameters[k] for k in ("tau_plus", "tau_minus")]
    groups += [np.abs(d.static.w[d.static.projection == i]) * 100 for i in (1, 2, 3)]
    ranks = [(np.sort(g)[:5] / 10 - 1).round(9) for g in groups]  # back to the uniform numbers
    assert len(set(np.concatenate(ranks).tolist())) == 5 * len(groups)


def test_another_name_is_another_branch(small: Network) -> None:
    """A projection of another name is another graph; a population's parameters follow its name."""
    data = small.to_dict()
    data["projections"] = {("second" if k == "EE" else k): v for k, v in data["projections"].items()}
    changed = differ(draw(small, 0), draw(Network.from_dict(data, "x"), 0))
    assert "plastic.target" in changed and "static.target" not in changed


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_more_channels_leave_the_first_ones_alone(small: Network, channels: int) -> None:
    one, many = draw(small.replace(**{"input.channels": 1}), 4), draw(small.replace(**{"input.channels": channels}), 4)
    for name in ("w_in", "w_event"):
        a, b = getattr(one, name), getattr(many, name)
        assert a.shape == (30, 1) and b.shape == (30, channels)
        assert a[:, 0].tobytes() == b[:, 0].tobytes()
        assert len({b[:, c].tobytes() for c in range(channels)}) == channels
    assert differ(one, many) - {"w_in", "w_event"} == set()


# ---------------------------------------------------------------- arrays that fit


def check(d: Draw) -> None:
    """What every draw promises."""
    net, n = d.network, d.n
    for name, values in arrays(d).items():
        assert not values.flags.writeable, name
        assert np.isfinite(values).all(), name
    for values in (*d.neurons.values(), *d.initial.values(), d.population):
        assert values.shape == (n,)
    assert d.neurons.keys() == {k for p in net.populations for k, _ in p.parameters}
    assert d.positions.shape == (n, 3) and len({tuple(p) for p in d.positions}) == n
    assert d.w_in.shape == d.w_event.shape == (n, net.input.channels)
    for i, p in enumerate(net.populations):
        assert (np.flatnonzero(d.population == i) == np.arange(n)[d.members(p.name)]).all()
        assert (d.population == i).sum() == p.size
    inhibitory = np.array([p.kind == "inhibitory" for p in net.populations])[d.population]
    for synapses, plastic in ((d.plastic, True), (d.static, False)):
        size = len(synapses)
        assert synapses.indptr.shape == (n + 1,) and synapses.indptr.dtype == np.int64
        assert synapses.indptr[0] == 0 and synapses.indptr[-1] == size and (np.diff(synapses.indptr) >= 0).all()
        assert synapses.target.dtype == np.int32 and synapses.projection.dtype == np.uint8
        for values in (synapses.target, synapses.w, synapses.projection, *synapses.parameters.values()):
            assert values.shape == (size,)
        assert ((synapses.target >= 0) & (synapses.target < n)).all()
        for i in range(n):
            row = synapses.target[synapses.indptr[i] : synapses.indptr[i + 1]]
            assert (np.diff(row) > 0).all() and i not in row
            assert (synapses.source[synapses.indptr[i] : synapses.indptr[i + 1]] == i).all()
        # Dale's law: the sign is that of the source's population.
        source = synapses.source
        assert (synapses.w[inhibitory[source]] <= 0).all() and (synapses.w[~inhibitory[source]] >= 0).all()
        for index in np.unique(synapses.projection):
            projection = net.projections[index]
            ours = synapses.projection == index
            assert projection.plastic == plastic
            for ends, name in ((source, projection.pre), (synapses.target, projection.post)):
                assert np.isin(ends[ours], np.arange(n)[d.members(name)]).all()
    if net.plasticity is None or not len(d.plastic):
        assert not len(d.plastic)
    else:
        assert (d.plastic.w >= d.shared["w_min"]).all() and (d.plastic.w <= d.shared["w_max"]).all()
        assert d.plastic.parameters.keys() == {k for k, _ in net.plasticity.parameters} - d.shared.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_network(name: str) -> None:
    net = load_network(name)
    for seed in (0, 1):
        d = draw(net, seed)
        check(d)
        assert len(d.static) > 0 and (len(d.plastic) > 0) == (net.plasticity is not None)
        assert (d.static.w < 0).any() and (d.static.w > 0).any()
        for p in net.populations:
            for key, value in p.parameters:
                values = d.neurons[key][d.members(p.name)]
                assert values.mean() == pytest.approx(value.mean, rel=5 * value.cv / math.sqrt(p.size) + 1e-12)
                assert np.ptp(values) == 0 if value.cv == 0 else np.ptp(values) > 0


def test_small_network(small: Network) -> None:
    for seed in range(20):
        check(draw(small, seed))


@settings(max_examples=30)
@given(
    n=st.integers(4, 60),
    seed=st.integers(0, 10**6),
    kinds=st.lists(
        st.sampled_from(
            [
                {"kind": "random", "p": 0.2},
                {"kind": "random", "p": 1},
                {"kind": "random", "p": 0},
                {"kind": "fixed_indegree", "indegree": 1},
                {"kind": "distance", "p_max": 0.7, "length": 2},
                {"kind": "small_world", "neighbours": 1, "rewire": 0.3},
            ]
        ),
        min_size=4,
        max_size=4,
    ),
    scaling=st.sampled_from(["indegree", "none"]),
)
def test_any_topology(n: int, seed: int, kinds: list[dict[str, Any]], scaling: str) -> None:
    data = tomllib.loads(SMALL)
    data["n"], data["weight_scaling"] = n, scaling
    for projection, kind in zip(data["projections"].values(), kinds, strict=True):
        projection["topology"] = kind
    net = Network.from_dict(data, "x")
    try:
        check(draw(net, seed))
    except NetworkError as error:
        assert "asks for 1 synapses a neuron" in str(error) and n < 7  # one inhibitory neuron has no other to hear


def test_arrays_are_read_only(small: Network) -> None:
    d = draw(small, 0)
    for values in (d.neurons["tau_m"], d.plastic.w, d.static.target, d.w_in, d.plastic.parameters["eta_plus"]):
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0
    assert d.static.source.dtype == np.int32


def test_members_and_repr(small: Network) -> None:
    d = draw(small, 5)
    assert (d.members("E"), d.members("I")) == (slice(0, 21), slice(21, 30))
    with pytest.raises(NetworkError, match="unknown population 'X'"):
        d.members("X")
    assert repr(d) == f"Draw('small', seed=5, 30 neurons, {len(d.plastic)} plastic and {len(d.static)} static synapses)"


def test_input_connectivity() -> None:
    """A share of the neurons hears a channel, the same one for currents and for events."""
    data = tomllib.loads(SMALL)
    data["projections"] = {}
    net = Network.from_dict(data, "x").replace(n=3000, **{"input.connectivity": 0.3})
    d = draw(net, 0)
    assert_array_equal(d.w_in != 0, d.w_event != 0)
    assert (d.w_in != 0).mean(axis=0) == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 3000))
    assert (d.w_in[:, 0] != 0).tolist() != (d.w_in[:, 1] != 0).tolist()
    for share in (0.0, 1.0):
        d = draw(net.replace(**{"input.connectivity": share}), 0)
        assert ((d.w_in != 0) == bool(share)).all()


# ---------------------------------------------------------------- scaling of weights


def incoming(d: Draw, projection: str) -> float:
    """Mean over the targets of the summed weight that a projection brings them."""
    index = [p.name for p in d.network.projections].index(projection)
    total = sum(float(s.w[s.projection == index].sum()) for s in (d.plastic, d.static))
    return abs(total) / d.network.population(d.network.projections[index].post).size


@pytest.mark.parametrize(
    "topology",
    [
        {"kind": "random", "p": 0.05},
        {"kind": "random", "p": 0.4},
        {"kind": "fixed_indegree", "indegree": 30},
        {"kind": "small_world", "neighbours": 12},
        {"kind": "distance", "p_max": 0.5, "length": 3.0},
    ],
)
@pytest.mark.parametrize("n", [200, 800])
def test_indegree_scaling_keeps_the_summed_weight(n: int, topology: dict[str, Any]) -> None:
    """A weight is stated summed over the expected in-degree, so n and p can change."""
    stated = {"distribution": "gamma", "mean": 0.37, "cv": 0.5}
    changes = {f"{p}.{k}": v for p in ("EE", "EI", "IE", "II") for k, v in (("topology", topology), ("weight", stated))}
    d = draw(load_network("henhos", n=n, w_max=5.0, **changes), 0)
    for projection in ("EE", "EI", "IE", "II"):
        assert incoming(d, projection) == pytest.approx(0.37, rel=0.12)
    assert d.shared["w_max"] / 5.0 == pytest.approx(d.plastic.w.mean() / 0.37, rel=0.05)


def test_without_scaling_weights_are_what_is_stated(small: Network) -> None:
    d = draw(small, 0)
    assert d.shared == {"w_min": 0.05, "w_max": 0.25, "mu": 0.5}
    assert_allclose(d.static.w[d.static.projection == 3], -0.25)
    drawn = d.plastic.w
    assert drawn.min() == 0.05 and drawn.max() == 0.25  # clipped: stated between 0 and 0.3
    assert 0 < (drawn == 0.05).mean() < 0.4


@pytest.mark.parametrize("mu", [1000.0, 1e99])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_rates_that_leave_the_range_of_floats_are_refused(small: Network, mu: float, precision: str) -> None:
    """Scaled by a power that no float holds, learning would blow up, or end without a word."""
    far = small.replace(**{"plasticity.mu": mu, "weight_scaling": "indegree"})
    with pytest.raises(NetworkError, match=r"mu = .* makes eta_plus overflow: .* give a mu nearer to 1"):
        draw(far, 0, precision=precision)
    rates = np.full(3, 0.01, dtype=PRECISIONS[precision])
    with pytest.raises(NetworkError, match=r"mu = .* makes eta_plus vanish: weights are scaled by 3, "):
        _scale_rates("eta_plus", rates, 3.0, mu)
    near = draw(small.replace(**{"plasticity.mu": 20.0, "weight_scaling": "indegree"}), 0)
    assert (near.plastic.parameters["eta_plus"] > 0).all() and np.isfinite(near.plastic.parameters["eta_plus"]).all()
    draw(small.replace(**{"plasticity.mu": mu}), 0, precision=precision)  # nothing is scaled


@pytest.mark.parametrize("family", [Gamma, LogNormal, TruncatedNormal])
@pytest.mark.parametrize("huge", [10**400, -(10**400), 1e101, math.inf, math.nan])
def test_distributions_beyond_floats_are_refused(family: Any, huge: float) -> None:
    with pytest.raises(HeteroError, match=r"mean must be a finite number \(at most 1e\+100 in size\), got "):
        family(mean=huge, cv=0.5)
    for make in (lambda x: Constant(x), lambda x: Uniform(low=0.0, high=x)):
        with pytest.raises(HeteroError, match="must be a finite number"):
            make(huge)


@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0])
def test_learning_rates_are_scaled_with_the_weights(small: Network, mu: float) -> None:
    """The relative step dw / w_max of a synapse is the same, however weights are scaled."""
    stated = draw(small.replace(**{"plasticity.mu": mu}), 0)
    scaled = draw(small.replace(**{"plasticity.mu": mu, "weight_scaling": "indegree"}), 0)
    scale = scaled.shared["w_max"] / stated.shared["w_max"]
    assert scale == pytest.approx(1 / (0.3 * 20))
    assert_allclose(scaled.plastic.w, stated.plastic.w * scale)
    for key, room in (("eta_plus", "w_max"), ("eta_minus", "w_min")):
        a, b = (
            d.plastic.parameters[key] * np.abs(d.shared[room] - d.plastic.w) ** mu / d.shared["w_max"]
            for d in (stated, scaled)
        )
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    for key in ("tau_plus", "tau_minus"):
        assert_array_equal(stated.plastic.parameters[key], scaled.plastic.parameters[key])


def test_plastic_projections_of_different_indegrees(small: Network) -> None:
    net = small.replace(**{"EI.plastic": True})
    check(draw(net, 0))
    with pytest.raises(NetworkError) as info:
        draw(net.replace(weight_scaling="indegree"), 0)
    assert "plastic projections EE, EI have different expected in-degrees" in str(info.value)
    assert "weight_scaling = 'none'" in str(info.value) and "\n" not in str(info.value)


def test_too_many_synapses(small: Network) -> None:
    with pytest.raises(NetworkError, match=r"asks for 22 synapses a neuron, but .*21 sources: lower it or raise n"):
        draw(small.replace(**{"EI.topology.indegree": 22}), 0)


# ---------------------------------------------------------------- heterogeneity


def test_heterogeneity_of_a_draw() -> None:
    net = load_network("henhes", n=3000, **{"EE.topology.p": 0.02})
    net = net.replace(**{"E.tau_m": {"distribution": "lognormal", "mean": "20 ms", "cv": 0.5}})
    names = ("tau_plus", "tau_minus", "eta_plus", "eta_minus")
    net = net.replace(**{f"{k}.distribution": "lognormal" for k in names}, **{f"{k}.cv": 0.8 for k in names})
    found = draw(net, 0).heterogeneity()
    assert found.keys() == {"neurons E", "neurons I", "synapses"}
    assert found["neurons E"].determinant == pytest.approx(math.log(1.25), rel=0.15)
    assert found["synapses"].determinant == pytest.approx(math.log(1.64) ** 4, rel=0.1)
    assert set(found["synapses"].names) == set(names)


def test_heterogeneity_of_a_homogeneous_network() -> None:
    for found in draw(load_network("honhos", n=100), 0).heterogeneity().values():
        assert found.determinant == 0.0 and found.entropy == -math.inf
    assert draw(load_network("static", n=100), 0).heterogeneity().keys() == {"neurons E", "neurons I"}


# ---------------------------------------------------------------- frozen values


def digest(*values: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(v).tobytes() for v in values)).hexdigest()[:16]


def test_frozen_values(small: Network) -> None:
    """A change of these is a change of every result ever drawn: it needs a reason and a line in the changelog.

    Graphs and uniform numbers are exact; what special functions touch may differ in the last digits by platform.
    """
    d = draw(small, 2024)
    graph = [v for s in (d.plastic, d.static) for v in (s.indptr, s.target, s.projection)]
    assert (len(d.plastic), len(d.static)) == (118, 94)
    assert digest(*graph, d.positions, d.population) == "cbe44c69b4a894ad"
    assert (
        digest(d.initial["v"], d.plastic.w, d.plastic.parameters["tau_minus"], d.w_in, d.w_event) == "899f1f9e83f5f716"
    )
    frozen = {
        "tau_m": [24.390496501405487, 8.538315391255093, 14.704829955718262],
        "tau_syn": [9.507080638985718, 3.019068150328318, 3.924323025352503],
        "v_th": [1.1092096771929298, 1.05304614423337, 1.0069276469300004],
        "I_bias": [0.9468944128724924, 1.1, 1.1],
    }
    for key, values in frozen.items():
        assert_allclose(d.neurons[key][:3], values, rtol=1e-11)
    assert_allclose(d.plastic.parameters["tau_plus"][:3], [24.268821474132594, 6.501098089492055, 9.951135635132921])
    assert_allclose(d.plastic.parameters["eta_plus"][:3], [0.014153629584829, 0.011297229317288, 0.005461837241526])
    assert_allclose(d.static.w[:3], [0.18123702130731034, 0.09040304211782081, 0.1483231809018404])


def test_without_a_seed_it_is_the_first():
    net = load_network("henhes", n=40)
    first, same = draw(net), draw(net, 0)
    assert all(np.array_equal(first.neurons[name], same.neurons[name]) for name in same.neurons)
