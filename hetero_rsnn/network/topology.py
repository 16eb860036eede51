"""Who connects to whom: four families of random graphs, drawn in the order of the pre-synaptic neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.common.types import Array, Ints

#: Family -> its keys with defaults (None: must be given).
KINDS: dict[str, dict[str, float | None]] = {
    "random": {"p": None},
    "fixed_indegree": {"indegree": None},
    "distance": {"p_max": None, "length": None},
    "small_world": {"neighbours": None, "rewire": 0.1},
}


@dataclass(frozen=True)
class Topology:
    """A family of graphs between two populations.

    * ``random``: each pair with probability `p` (no neuron onto itself, here and below).
    * ``fixed_indegree``: each neuron hears exactly `indegree` different neurons.
    * ``distance``: neurons sit at random on a near-cubic 3-D grid of spacing 1;
      ``p = p_max * exp(-(d / length)**2)`` (Maass, Natschläger and Markram 2002).
    * ``small_world``: both populations lie on one ring; each neuron hears its `neighbours` nearest, each of which is
      replaced by a random one with probability `rewire` (Watts and Strogatz 1998; directed, between populations).
    """

    kind: str
    parameters: tuple[tuple[str, float], ...]

    def __getitem__(self, key: str) -> float:
        return dict(self.parameters)[key]

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{k} = {v:g}' for k, v in self.parameters)})"

    def to_toml(self) -> dict[str, Any]:
        """Table that `parse_topology` reads."""
        return {"kind": self.kind, **dict(self.parameters)}


def parse_topology(value: Any, where: str) -> Topology:
    """Read ``{kind = "random", p = 0.1}``.

    Raises
    ------
    NetworkError
        For an unknown kind or key, or a number outside its range.
    """
    if isinstance(value, Topology):
        return value
    if not isinstance(value, Mapping) or "kind" not in value:
        raise NetworkError(f'{where} must be a table such as {{kind = "random", p = 0.1}}, got {value!r}')
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise NetworkError(f"{where}: unknown kind {kind!r}{suggest(str(kind), KINDS)}")
    known = KINDS[kind]
    numbers: dict[str, float] = {}
    for key, raw in value.items():
        if key == "kind":
            continue
        if key not in known:
            raise NetworkError(f"{where}: unknown key {key!r} of a {kind} topology{suggest(key, known)}")
        number = units.finite(raw)
        if number is None:
            raise NetworkError(f"{where}.{key} must be a finite number, got {raw!r}")
        numbers[key] = number
    for key, default in known.items():
        if key not in numbers:
            if default is None:
                raise NetworkError(f"{where}: a {kind} topology needs the key {key!r}")
            numbers[key] = default
    rules = {
        "p": (0.0, 1.0),
        "p_max": (0.0, 1.0),
        "rewire": (0.0, 1.0),
        "indegree": (0.0, math.inf),
        "neighbours": (0.0, math.inf),
        "length": (1e-9, math.inf),
    }
    for key, number in numbers.items():
        low, high = rules[key]
        if not low <= number <= high:
            rule = f"in [{low:g}, {high:g}]" if math.isfinite(high) else f">= {low:g}"
            raise NetworkError(f"{where}.{key} must be {rule}, got {number:g}")
        if key in {"indegree", "neighbours"} and number != int(number):
            raise NetworkError(f"{where}.{key} must be a whole number, got {number:g}")
    return Topology(kind, tuple((k, numbers[k]) for k in known))


#: Synapses drawn in one go.
_PIECE = 1_000_000


def grid(n: int) -> Array:
    """First `n` points of a near-cubic grid of spacing 1, shape (n, 3)."""
    side = math.ceil(n ** (1 / 3) - 1e-9)
    depth = math.ceil(n / side**2)
    points = np.stack(np.meshgrid(np.arange(side), np.arange(side), np.arange(depth), indexing="ij"), -1).reshape(-1, 3)
    return points[:n].astype(float)


def connect(
    topology: Topology, pre: Ints, post: Ints, positions: Array, rng: np.random.Generator
) -> tuple[Ints, Ints, float]:
    """Draw the synapses of one projection.

    Parameters
    ----------
    topology : Topology
    pre, post : ndarray of int
        Network indices of the two populations (ascending); equal for a recurrent projection.
    positions : ndarray, shape (n, 3)
        Grid position of every neuron of the network.
    rng : numpy.random.Generator

    Returns
    -------
    sources, targets : ndarray of int
        Network indices, sorted by source and then by target.
    expected_indegree : float
        Mean number of these synapses that a target neuron is expected to have.
    """
    recurrent = pre.size == post.size and bool((pre == post).all())
    if topology.kind == "random":
        return _random(topology["p"], pre, post, recurrent, rng)
    if topology.kind == "distance":
        return _distance(topology, pre, post, recurrent, positions, rng)
    count = int(topology["indegree" if topology.kind == "fixed_indegree" else "neighbours"])
    available = pre.size - recurrent
    if count > available:
        raise NetworkError(
            f"{topology} asks for {count} synapses a neuron, but there are {available} sources: lower it or raise n"
        )
    if topology.kind == "fixed_indegree":
        rows = [_choose(pre.size, count, t if recurrent else -1, rng) for t in range(post.size)]
    else:
        rows = [_ring(pre.size, post.size, t, count, topology["rewire"], recurrent, rng) for t in range(post.size)]
    sources = np.concatenate([pre[r] for r in rows]) if rows else np.empty(0, dtype=np.int64)
    targets = np.repeat(post, count)
    order = np.lexsort((targets, sources))
    return sources[order], targets[order], float(count)


def _random(p: float, pre: Ints, post: Ints, recurrent: bool, rng: np.random.Generator) -> tuple[Ints, Ints, float]:
    """Walk over all pairs in geometric jumps: cost and memory grow with the synapses, not with the pairs."""
    pairs = pre.size * post.size
    expected = p * (pre.size - recurrent)
    if p == 0 or pairs == 0:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, 0.0
    sources: list[Any] = []  # of 32 bits: half the memory
    targets: list[Any] = []
    last = -1
    while last < pairs - 1:  # in pieces, so that the large arrays are made only once, and small
        size = min(int(p * (pairs - last) * 1.02) + 100, _PIECE)
        if p == 1:
            index = np.arange(last + 1, min(last + 1 + size, pairs))
        else:
            jumps = np.minimum(rng.geometric(p, size=size), pairs + 1)  # or their sum overflows
            index = last + np.cumsum(jumps)
        last = int(index[-1])
        row, column = np.divmod(index[index < pairs], post.size)
        if recurrent:
            keep = row != column
            row, column = row[keep], column[keep]
        sources.append(pre[row].astype(np.int32))
        targets.append(post[column].astype(np.int32))
    return np.concatenate(sources), np.concatenate(targets), expected


def _distance(
    topology: Topology, pre: Ints, post: Ints, recurrent: bool, positions: Array, rng: np.random.Generator
) -> tuple[Ints, Ints, float]:
    sources, targets = [], []
    total = 0.0
    for i, source in enumerate(pre):  # row by row: the full matrix of a large network would not fit
        squared = ((positions[post] - positions[source]) ** 2).sum(axis=1)
        p = topology["p_max"] * np.exp(-squared / topology["length"] ** 2)
        if recurrent:
            p[i] = 0.0
        total += float(p.sum())
        hit = post[rng.random(post.size) < p]
        sources.append(np.full(hit.size, source))
        targets.append(hit)
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *sources]), np.concatenate([empty, *targets]), total / max(post.size, 1)


def _choose(n: int, count: int, without: int, rng: np.random.Generator) -> Ints:
    chosen = rng.choice(n - (without >= 0), size=count, replace=False)
    return chosen + (chosen >= without) if without >= 0 else chosen


def _ring(
    n_pre: int, n_post: int, target: int, count: int, rewire: float, recurrent: bool, rng: np.random.Generator
) -> Ints:
    place = target * n_pre / n_post
    offset = np.abs(np.arange(n_pre) - place)
    offset = np.minimum(offset, n_pre - offset)
    if recurrent:
        offset[target] = np.inf
    near = np.argsort(offset, kind="stable")[:count]
    moved = rng.random(count) < rewire
    taken = np.zeros(n_pre, dtype=bool)
    taken[near] = True
    if recurrent:
        taken[target] = True
    free = np.flatnonzero(~taken)
    new = rng.permutation(free)[: int(moved.sum())]  # a full ring leaves nothing to rewire to
    near[np.flatnonzero(moved)[: new.size]] = new
    return near
