"""What a network would take in memory, estimated before anything of it is made."""

from __future__ import annotations

import math

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import NetworkError
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.models import SHARED
from hetero_rsnn.network.parts import Projection

#: Bytes of a number in double precision.
DOUBLE = 8
#: Of a synapse while it is drawn, beside what is kept of it: measured on networks of 4,000 and 200,000 neurons.
_WHILE_DRAWN = 24
#: Of a neuron, beside its parameters: place, population, ends of two rows.
_NEURON = 48


def synapses(net: Network) -> dict[str, float]:
    """Expected number of synapses of each projection; the true one where arrays are given."""
    if net.arrays is not None:
        plastic, static = (net.arrays.synapses(kind, len(net.projections)) for kind in (True, False))
        return {p.name: float(count) for p, count in zip(net.projections, plastic + static, strict=True)}
    sizes = {p.name: p.size for p in net.populations}
    return {p.name: _expected(p, sizes[p.pre], sizes[p.post], net.n) for p in net.projections}


def _expected(projection: Projection, pre: int, post: int, n: int) -> float:
    topology = projection.topology
    if topology.kind == "random":
        return topology["p"] * pre * post
    if topology.kind == "distance":
        # Sum over all pairs of a grid, axis by axis; neurons of a population sit anywhere on it.
        side = math.ceil(n ** (1 / 3) - 1e-9)
        along = [_along(m, topology["length"]) for m in (side, side, math.ceil(n / side**2))]
        return min(topology["p_max"] * math.prod(along) * (pre / n) * (post / n), float(pre) * post)
    return topology["indegree" if topology.kind == "fixed_indegree" else "neighbours"] * post


def _along(m: int, length: float) -> float:
    """Sum of exp(-((i - j) / length)^2) over all pairs of m points in a row."""
    far = range(1, min(m, math.ceil(min(28.0 * length, m)) + 1))  # beyond it, terms are 0
    return m + 2.0 * math.fsum((m - k) * math.exp(-((k / length) ** 2)) for k in far)


def draw_size(net: Network, *, single: bool = False) -> float:
    """Bytes that the draw of a network takes while it is made."""
    real = DOUBLE / 2 if single else DOUBLE
    own = {k for rule in net.rules for k, _ in rule.parameters if k not in SHARED}
    counts = synapses(net)
    if net.arrays is not None:  # they are there already, and shared but for those that are rounded
        rounded = net.arrays.real_size() / 2 if single else 0.0
        return net.n * DOUBLE * (1 + len(net.initial)) + rounded
    per_synapse = {p.name: 5 + 2 * p.delayed + real * (1 + (len(own) if p.plastic else 0)) for p in net.projections}
    of_synapses = sum(count * (per_synapse[name] + _WHILE_DRAWN) for name, count in counts.items())
    numbers = len(net.populations[0].parameters) + len(net.initial) + 2 * net.input.channels
    return net.n * (_NEURON + DOUBLE * numbers + net.input.channels) + of_synapses


def check_draw(net: Network, *, single: bool = False) -> None:
    """Refuse a network whose draw would not fit in memory.

    Raises
    ------
    NetworkError
        Naming what it would take, what there is, and what to lower.
    """
    count = sum(synapses(net).values())
    channels = f", {net.input.channels} input channels" if net.input.channels > 1 else ""
    memory.fits(
        f"a draw of {net.name!r} with {net.n} neurons{channels} and about {count:.3g} synapses",
        draw_size(net, single=single),
        "lower n, its connectivity or its input channels",
        error=NetworkError,
    )
