"""Topologies: what holds for every graph, the statistics of each family, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from hetero_rsnn.common.errors import NetworkError
from hetero_rsnn.network.topology import KINDS, Topology, connect, grid, parse_topology

Ints = NDArray[np.int64]

EXAMPLES = [
    {"kind": "random", "p": 0.1},
    {"kind": "random", "p": 1.0},
    {"kind": "fixed_indegree", "indegree": 7},
    {"kind": "distance", "p_max": 0.8, "length": 2.0},
    {"kind": "small_world", "neighbours": 6, "rewire": 0.2},
    {"kind": "small_world", "neighbours": 5, "rewire": 1.0},
]

topologies = st.one_of(
    st.builds(lambda p: {"kind": "random", "p": p}, st.floats(0, 1)),
    st.builds(lambda k: {"kind": "fixed_indegree", "indegree": k}, st.integers(0, 12)),
    st.builds(lambda p, d: {"kind": "distance", "p_max": p, "length": d}, st.floats(0, 1), st.floats(1e-9, 100)),
    st.builds(lambda k, r: {"kind": "small_world", "neighbours": k, "rewire": r}, st.integers(0, 12), st.floats(0, 1)),
)


def wire(table: dict[str, Any], n: int = 60, m: int | None = None, seed: int = 0) -> tuple[Ints, Ints, float]:
    """Synapses among the first n neurons, or from those to the next m."""
    pre = np.arange(n)
    post = pre if m is None else np.arange(n, n + m)
    topology = parse_topology(table, "topology")
    return connect(topology, pre, post, grid(n + (m or 0)), np.random.default_rng(seed))


def check(sources: Ints, targets: Ints, pre: Ints, post: Ints) -> None:
    """No self connections, no duplicates, sorted by source and then by target, and only the asked neurons."""
    assert sources.shape == targets.shape
    assert np.isin(sources, pre).all() and np.isin(targets, post).all()
    assert (sources != targets).all()
    key = sources.astype(np.int64) * 10**6 + targets
    assert (np.diff(key) > 0).all()


@given(table=topologies, n=st.integers(1, 40), m=st.one_of(st.none(), st.integers(1, 40)), seed=st.integers(0, 99))
def test_every_graph(table: dict[str, Any], n: int, m: int | None, seed: int) -> None:
    asked = table.get("indegree", table.get("neighbours", 0))
    available = n - (m is None)
    if asked > available:
        with pytest.raises(NetworkError, match=rf"asks for {asked} synapses a neuron, but .*\b{available} sources"):
            wire(table, n, m, seed)
        return
    sources, targets, expected = wire(table, n, m, seed)
    post = np.arange(n) if m is None else np.arange(n, n + m)
    check(sources, targets, np.arange(n), post)
    assert 0 <= expected <= available
    indegree = np.bincount(targets, minlength=post[-1] + 1)[post]
    if "p" not in table and "p_max" not in table:
        assert (indegree == asked).all() and expected == asked
    for again, other in zip((sources, targets), wire(table, n, m, seed)[:2], strict=True):
        assert_array_equal(again, other)


@pytest.mark.parametrize("m", [None, 50])
@pytest.mark.parametrize("table", EXAMPLES, ids=str)
def test_seeds_differ(table: dict[str, Any], m: int | None) -> None:
    if table.get("p") == 1.0:
        return
    a, b = (np.stack(wire(table, 60, m, seed)[:2]) for seed in (0, 1))
    assert a.shape != b.shape or (a != b).any()


@pytest.mark.parametrize("m", [None, 300])
@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.97])
def test_random_indegrees_are_binomial(p: float, m: int | None) -> None:
    sources, targets, expected = wire({"kind": "random", "p": p}, 400, m)
    available = 400 - (m is None)
    posts = m or 400
    assert expected == pytest.approx(p * available)
    error = math.sqrt(p * (1 - p) * available)
    for ends, count, size in ((targets - (400 if m else 0), posts, available), (sources, 400, posts - (m is None))):
        degree = np.bincount(ends, minlength=count)
        assert degree.mean() == pytest.approx(p * size, abs=5 * error / math.sqrt(count))
        assert degree.var() == pytest.approx(p * (1 - p) * size, rel=6 * math.sqrt(2 / count))


def test_random_pairs_are_independent_of_their_place() -> None:
    """The walk in geometric jumps gives every pair the same probability."""
    n, seeds, p = 12, 1500, 0.3
    counts = np.zeros((n, n))
    for seed in range(seeds):
        sources, targets, _ = wire({"kind": "random", "p": p}, n, None, seed)
        counts[sources, targets] += 1
    assert (np.diag(counts) == 0).all()
    off = counts[~np.eye(n, dtype=bool)] / seeds
    assert np.abs(off - p).max() < 5 * math.sqrt(p * (1 - p) / seeds)
    assert off.std() == pytest.approx(math.sqrt(p * (1 - p) / seeds), rel=0.3)


@pytest.mark.parametrize("m", [None, 20])
@pytest.mark.parametrize("kind", ["random", "distance"])
def test_probability_of_zero_and_one(kind: str, m: int | None) -> None:
    table = {"kind": kind, "p": 0.0} if kind == "random" else {"kind": kind, "p_max": 0.0, "length": 1.0}
    sources, targets, expected = wire(table, 30, m)
    assert sources.size == targets.size == 0 and expected == 0.0
    assert sources.dtype.kind == targets.dtype.kind == "i"
    table = {"kind": kind, "p": 1.0} if kind == "random" else {"kind": kind, "p_max": 1.0, "length": 1e9}
    sources, targets, expected = wire(table, 30, m)
    check(sources, targets, np.arange(30), np.arange(50))
    assert expected == pytest.approx(29 if m is None else 30)
    assert sources.size == (30 * 29 if m is None else 30 * 20)


def test_tiny_probability_ends() -> None:
    """Jumps as long as integers go must not wrap around."""
    for p in (1e-300, 1e-17, 1e-12):
        assert wire({"kind": "random", "p": p}, 50)[0].size == 0


def test_fixed_indegree_takes_all_sources_alike() -> None:
    counts = np.zeros((10, 10))
    for seed in range(1000):
        sources, targets, _ = wire({"kind": "fixed_indegree", "indegree": 4}, 10, None, seed)
        counts[sources, targets] += 1
    off = counts[~np.eye(10, dtype=bool)] / 1000
    assert np.abs(off - 4 / 9).max() < 5 * math.sqrt(4 / 9 * 5 / 9 / 1000)
    sources, targets, _ = wire({"kind": "fixed_indegree", "indegree": 9}, 10)
    assert sources.size == 90


@pytest.mark.parametrize("m", [None, 350])
def test_distance_law(m: int | None) -> None:
    """The share of connected pairs at every distance is p_max * exp(-(d / length)^2)."""
    n, p_max, length = 400, 0.7, 2.5
    sources, targets, expected = wire({"kind": "distance", "p_max": p_max, "length": length}, n, m)
    positions = grid(n + (m or 0))
    pre, post = np.arange(n), np.arange(n) if m is None else np.arange(n, n + m)
    squared = ((positions[pre][:, None] - positions[post]) ** 2).sum(-1).astype(int)
    connected = np.zeros(squared.shape, dtype=bool)
    connected[sources, targets - post[0]] = True
    possible = np.ones(squared.shape, dtype=bool)
    if m is None:
        np.fill_diagonal(possible, False)
    distances = [d for d in np.unique(squared) if (possible & (squared == d)).sum() >= 50]
    assert len(distances) > 15
    worst = 0.0
    for d in distances:
        pairs = possible & (squared == d)
        p = p_max * math.exp(-d / length**2)
        worst = max(worst, abs(connected[pairs].sum() - pairs.sum() * p) / math.sqrt(pairs.sum() * p * (1 - p) + 1))
    assert worst < 4.5
    law = np.where(possible, p_max * np.exp(-squared / length**2), 0.0)
    assert expected == pytest.approx(law.sum() / post.size)
    assert sources.size == pytest.approx(law.sum(), abs=5 * math.sqrt((law * (1 - law)).sum()))


def test_distance_uses_the_positions_it_gets() -> None:
    topology = parse_topology({"kind": "distance", "p_max": 1.0, "length": 0.1}, "x")
    positions = np.array([[0.0, 0, 0], [9.0, 0, 0], [0.001, 0, 0]])
    sources, targets, _ = connect(topology, np.arange(3), np.arange(3), positions, np.random.default_rng(0))
    assert_array_equal(sources, [0, 2])
    assert_array_equal(targets, [2, 0])


@pytest.mark.parametrize("n", [11, 40, 100, 137])
@pytest.mark.parametrize("k", [2, 4, 10])
def test_ring(n: int, k: int) -> None:
    """Without rewiring, each neuron hears its k nearest neighbours on the ring: k / 2 on either side."""
    sources, targets, _ = wire({"kind": "small_world", "neighbours": k, "rewire": 0.0}, n)
    for target in range(n):
        expected = {(target + d) % n for d in range(-k // 2, k // 2 + 1)} - {target}
        assert set(sources[targets == target]) == expected


def test_odd_ring_is_as_near_as_it_can_be() -> None:
    sources, targets, _ = wire({"kind": "small_world", "neighbours": 3, "rewire": 0.0}, 100)
    offset = np.minimum((sources - targets) % 100, (targets - sources) % 100)
    assert_array_equal(np.sort(offset.reshape(-1)), np.sort(np.tile([1, 1, 2], 100)))


def test_ring_between_populations() -> None:
    """80 sources and 20 targets on one ring: target t sits at place 4 t."""
    sources, targets, _ = wire({"kind": "small_world", "neighbours": 5, "rewire": 0.0}, 80, 20)
    for target in range(20):
        assert set(sources[targets == 80 + target]) == {(4 * target + d) % 80 for d in range(-2, 3)}


@pytest.mark.parametrize("rewire", [0.0, 0.1, 0.5, 1.0])
def test_rewiring(rewire: float) -> None:
    """A share `rewire` of the neighbours is replaced; the in-degree stays; nothing wraps onto the neuron itself."""
    n, k = 500, 10
    sources, targets, expected = wire({"kind": "small_world", "neighbours": k, "rewire": rewire}, n)
    assert expected == k and (np.bincount(targets, minlength=n) == k).all()
    offset = np.minimum((sources - targets) % n, (targets - sources) % n)
    moved = (offset > k // 2).mean()
    assert moved == pytest.approx(rewire, abs=5 * math.sqrt(rewire * (1 - rewire) / (n * k)) + 1e-12)
    if rewire == 1.0:  # far neurons are all alike
        counts = np.bincount(offset, minlength=n // 2 + 1)[k // 2 + 1 : n // 2]
        assert counts.std() == pytest.approx(math.sqrt(counts.mean()), rel=0.25)
        assert abs(np.corrcoef(np.arange(counts.size), counts)[0, 1]) < 0.3


def test_a_full_ring_has_nothing_to_rewire_to() -> None:
    sources, _, _ = wire({"kind": "small_world", "neighbours": 9, "rewire": 1.0}, 10)
    assert sources.size == 90


@given(st.integers(1, 2000))
def test_grid(n: int) -> None:
    points = grid(n)
    assert points.shape == (n, 3) and len({tuple(p) for p in points}) == n
    assert (points >= 0).all() and points.max() < n ** (1 / 3) + 1  # near-cubic


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("random", "must be a table such as {kind = \"random\", p = 0.1}, got 'random'"),
        (None, "must be a table such as"),
        ({"p": 0.1}, "must be a table such as"),
        ({"kind": "randum", "p": 0.1}, "unknown kind 'randum' (did you mean 'random'?)"),
        ({"kind": ["random"], "p": 0.1}, "unknown kind ['random']"),
        ({"kind": {}, "p": 0.1}, "unknown kind {}"),
        ({"kind": None}, "unknown kind None (known: distance, fixed_indegree, random, small_world)"),
        ({"kind": "random"}, "a random topology needs the key 'p'"),
        ({"kind": "distance", "p_max": 0.1}, "a distance topology needs the key 'length'"),
        (
            {"kind": "distance", "p_max": 0.1, "lenght": 2.0},
            "unknown key 'lenght' of a distance topology (did you",
        ),
        ({"kind": "random", "p": 1.01}, "E.topology.p must be in [0, 1], got 1.01"),
        ({"kind": "random", "p": -0.1}, "E.topology.p must be in [0, 1], got -0.1"),
        ({"kind": "random", "p": math.nan}, "E.topology.p must be a finite number, got nan"),
        ({"kind": "random", "p": "0.1"}, "E.topology.p must be a finite number, got '0.1'"),
        ({"kind": "random", "p": True}, "E.topology.p must be a finite number, got True"),
        ({"kind": "random", "p": 10**400}, "E.topology.p must be a finite number, got 1000"),
        ({"kind": "distance", "p_max": 2, "length": 2.0}, "E.topology.p_max must be in [0, 1], got 2"),
        ({"kind": "distance", "p_max": 1, "length": 0.0}, "E.topology.length must be >= 1e-09, got 0"),
        ({"kind": "fixed_indegree", "indegree": 2.5}, "E.topology.indegree must be a whole number, got 2.5"),
        ({"kind": "fixed_indegree", "indegree": -1}, "E.topology.indegree must be >= 0, got -1"),
        ({"kind": "small_world", "neighbours": 4, "rewire": 1.5}, "E.topology.rewire must be in [0, 1], got 1.5"),
    ],
)
def test_refused(value: Any, words: str) -> None:
    with pytest.raises(NetworkError) as info:
        parse_topology(value, "E.topology")
    assert words in str(info.value) and "E.topology" in str(info.value) and "\n" not in str(info.value)


@pytest.mark.parametrize("kind", ["fixed_indegree", "small_world"])
def test_more_synapses_than_sources(kind: str) -> None:
    key = "indegree" if kind == "fixed_indegree" else "neighbours"
    with pytest.raises(NetworkError, match=r"asks for 30 synapses a neuron, but .*\b29 sources: lower it or raise n"):
        wire({"kind": kind, key: 30}, 30)
    assert wire({"kind": kind, key: 30}, 30, 5)[0].size == 150  # between populations nothing is left out


@pytest.mark.parametrize("table", EXAMPLES, ids=str)
def test_there_and_back(table: dict[str, Any]) -> None:
    topology = parse_topology(table, "x")
    assert isinstance(topology, Topology) and parse_topology(topology.to_toml(), "x") == topology
    assert topology[next(iter(KINDS[topology.kind]))] == next(v for k, v in table.items() if k != "kind")
    assert str(topology).startswith(f"{topology.kind}(") and hash(topology) == hash(parse_topology(table, "x"))


def test_defaults() -> None:
    assert parse_topology({"kind": "small_world", "neighbours": 4}, "x")["rewire"] == 0.1
