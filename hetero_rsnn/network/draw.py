"""All randomness of a network, drawn once into plain arrays that every backend takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, NetworkError, suggest
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.delays import draw_delays
from hetero_rsnn.network.distributions import Distribution
from hetero_rsnn.network.heterogeneity import Heterogeneity, heterogeneity
from hetero_rsnn.network.loading import load_network
from hetero_rsnn.network.models import SHARED
from hetero_rsnn.network.notebook import draw_html
from hetero_rsnn.network.parts import Plasticity
from hetero_rsnn.network.sizes import check_draw
from hetero_rsnn.network.topology import connect, grid

#: Number formats of synapses, by the name of their precision.
PRECISIONS: dict[str, Any] = {"double": np.float64, "single": np.float32}
#: Synapses drawn in one go.
_PIECE = 1_000_000


@dataclass(frozen=True, eq=False)
class Synapses:
    """Synapses in compressed rows, one row a pre-synaptic neuron, targets ascending inside a row.

    Where there are delays, delays ascend inside a row, and targets among those of one delay.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n + 1,)
        Row of neuron i: ``indptr[i]`` up to ``indptr[i + 1]``.
    target : ndarray of int32, shape (synapses,)
    w : ndarray, shape (synapses,)
        Signed weights, scaled; of 64 bits, or of 32 if drawn in single precision, as are the parameters.
    parameters : dict of str to ndarray, shape (synapses,)
        Parameters of the plastic synapses (times in ms); NaN where the rule of a synapse has none of that name.
    projection : ndarray of uint8, shape (synapses,)
        Index of the projection in ``network.projections``.
    delay : ndarray of uint16, shape (synapses,), optional
        Steps that a spike takes to arrive; None if no projection among them has delays.
    """

    indptr: Ints
    target: NDArray[np.int32]
    w: Array
    parameters: dict[str, Array]
    projection: NDArray[np.uint8]
    delay: NDArray[np.uint16] | None = None

    def __post_init__(self) -> None:
        # Compiled code takes indices as they are: of another type they would mean other neurons, or none.
        kinds = {"indptr": np.int64, "target": np.int32, "projection": np.uint8, "delay": np.uint16}
        for name, kind in kinds.items():
            found = getattr(self, name)
            if name == "delay" and found is None:
                continue
            if not isinstance(found, np.ndarray) or found.dtype != kind or found.ndim != 1:
                got = getattr(found, "dtype", type(found).__name__)
                raise HeteroError(
                    f"{name} of synapses must be a flat array of {np.dtype(kind)}, got {got}",
                    fix=f"use np.asarray(..., np.{np.dtype(kind)})",
                )

    @property
    def source(self) -> NDArray[np.int32]:
        """Pre-synaptic neuron of every synapse, shape (synapses,)."""
        return np.repeat(np.arange(self.indptr.size - 1, dtype=np.int32), np.diff(self.indptr))

    def __len__(self) -> int:
        return int(self.target.size)


@dataclass(frozen=True, eq=False)
class Draw:
    """A network with every random number drawn.

    Attributes
    ----------
    network : Network
    seed : int
    neurons : dict of str to ndarray, shape (n,)
        Parameters of all neurons (times in ms, the rest in SI), population after population.
    initial : dict of str to ndarray, shape (n,)
        Initial values of state variables; those not named start at 0.
    population : ndarray of int64, shape (n,)
        Index of each neuron's population in ``network.populations``.
    positions : ndarray, shape (n, 3)
        Place of each neuron on the grid (used by distance-dependent projections).
    plastic, static : Synapses
    shared : dict of str to float
        w_min, w_max (scaled like the weights) and mu; of a rule that has a name ``"NAME.w_min"`` and so on.
    w_in, w_event : ndarray, shape (n, channels)
        Input weights for analog currents, and for input spikes.
    damage : tuple of str
        What `hetero_rsnn.simulation.damage` did to it, in words; recordings hold it in their provenance.
    """

    network: Network
    seed: int
    neurons: dict[str, Array]
    initial: dict[str, Array]
    population: Ints
    positions: Array
    plastic: Synapses
    static: Synapses
    shared: dict[str, float]
    w_in: Array
    w_event: Array
    damage: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.network.n

    def __repr__(self) -> str:
        damage = "".join(f"; {what}" for what in self.damage)
        return (
            f"Draw({self.network.name!r}, seed={self.seed}, {self.n} neurons, "
            f"{len(self.plastic)} plastic and {len(self.static)} static synapses{damage})"
        )

    def _repr_html_(self) -> str:
        return draw_html(self)

    def plot(self, name: str = "tau_m", ax: Any = None, *, population: str | None = None) -> Any:
        """Draw a neuron parameter as drawn, below the density that its distribution declares.

        See `hetero_rsnn.plots.plot_parameter`.
        """
        return figure_of("Draw")(self, name, ax, population=population)

    def members(self, population: str) -> slice:
        """Slice of the neurons of a population."""
        names = [p.name for p in self.network.populations]
        index = names.index(self.network.population(population).name)
        start = sum(p.size for p in self.network.populations[:index])
        return slice(start, start + self.network.populations[index].size)

    def parameters_of(self, rule: Plasticity) -> dict[str, Array]:
        """Parameters of the plastic synapses that have this rule, in their order."""
        own = [k for k, _ in rule.parameters if k in self.plastic.parameters]
        if len(self.network.rules) == 1:
            return {k: self.plastic.parameters[k] for k in own}
        inside = np.isin(self.plastic.projection, self.network.projections_of(rule))
        return {k: self.plastic.parameters[k][inside] for k in own}

    def heterogeneity(self) -> dict[str, Heterogeneity]:
        """Heterogeneity H of the neurons, population by population, and of the plastic synapses.

        Returns
        -------
        dict
            Keys ``"neurons E"``, ``"neurons I"``, ... and, for plastic networks, ``"synapses"``, or ``"synapses NAME"``
            of a rule that has a name. Each is over the parameters that have a spread; where none has one, the
            determinant is 0. Parameters that are not positive, and so have no logarithm, are left out.
        """
        groups: dict[str, dict[str, Array]] = {}
        for p in self.network.populations:
            groups[f"neurons {p.name}"] = {k: self.neurons[k][self.members(p.name)] for k, _ in p.parameters}
        for rule in self.network.rules:
            groups[f"synapses {rule.name}".strip()] = self.parameters_of(rule)
        out: dict[str, Heterogeneity] = {}
        for name, parameters in groups.items():
            usable = {k: v for k, v in parameters.items() if v.size > 1 and (v > 0).all()}
            spread = {k: v for k, v in usable.items() if np.ptp(v) > 0}
            if usable:
                out[name] = heterogeneity(spread or usable)
        return out


def draw(network: Network | str, seed: int = 0, *, precision: str = "double") -> Draw:
    """Draw every random number of a network.

    Parameters
    ----------
    network : Network or str
        A name or path is loaded as it is.
    seed : int
        0 by default. The same seed gives the same arrays, whatever the backend. Networks that differ in the spread of
        a parameter share everything else, and the uniform numbers behind that parameter too. Of a `trained_network`
        all seeds give the same arrays but the initial state.
    precision : {"double", "single"}
        Single rounds what belongs to synapses to 32 bits, half the memory, for
        ``simulate(..., precision="single")``, which then needs no copy. Any backend takes such a draw.

    Returns
    -------
    Draw

    Raises
    ------
    HeteroError
        If `seed` is not a non-negative whole number, or the topology asks for more synapses than there are sources.
    NetworkError
        If the network would not fit in memory.
    """
    if precision not in PRECISIONS:
        raise HeteroError(f"unknown precision {precision!r}{suggest(str(precision), PRECISIONS)}")
    net = load_network(network)
    check_draw(net, single=precision == "single")
    if net.arrays is not None:
        return _given(net, seed, PRECISIONS[precision])
    members: dict[str, Ints] = {}
    start = 0
    for p in net.populations:
        members[p.name] = np.arange(start, start + p.size)
        start += p.size
    neurons = {key: np.empty(net.n) for key, _ in net.populations[0].parameters}
    for p in net.populations:
        for key, parameter in p.parameters:
            sampled = parameter.distribution.sample(p.size, generator(seed, "neurons", p.name, key))
            neurons[key][members[p.name]] = sampled
    initial = _initial(net, seed)
    positions = generator(seed, "topology", "positions").permutation(grid(net.n))
    plastic, static, shared = _synapses(net, seed, members, positions, PRECISIONS[precision])

    channels = range(net.input.channels)
    mask = np.stack(
        [generator(seed, "input", "mask", c).random(net.n) < net.input.connectivity for c in channels], axis=1
    )
    w_in, w_event = (
        np.stack([p.distribution.sample(net.n, generator(seed, "input", name, c)) for c in channels], axis=1) * mask
        for name, p in (("weight", net.input.weight), ("event_weight", net.input.event_weight))
    )
    drawn = Draw(
        network=net,
        seed=int(seed),
        neurons=neurons,
        initial=initial,
        population=_populations(net),
        positions=positions,
        plastic=plastic,
        static=static,
        shared=shared,
        w_in=w_in,
        w_event=w_event,
    )
    read_only(drawn)
    return drawn


def _initial(net: Network, seed: int) -> dict[str, Array]:
    return {k: p.distribution.sample(net.n, generator(seed, "state", k)) for k, p in net.initial}


def _populations(net: Network) -> Ints:
    """Index of each neuron's population."""
    return np.repeat(np.arange(len(net.populations)), [p.size for p in net.populations])


def _given(net: Network, seed: int, real: Any) -> Draw:
    """A network that brings its arrays: only the initial state is drawn."""
    assert net.arrays is not None
    seed = checks.whole("seed", seed, least=0)
    values = net.arrays.values

    def below(head: str) -> dict[str, Any]:
        return {k.removeprefix(head): v for k, v in values.items() if k.startswith(head)}

    def synapses(kind: str) -> Synapses:
        numbers = {k: v.astype(real, copy=False) for k, v in below(f"{kind}.parameters.").items()}
        ends, target, index = (values[f"{kind}.{k}"] for k in ("indptr", "target", "projection"))
        w, delay = values[f"{kind}.w"].astype(real, copy=False), values.get(f"{kind}.delay")
        return Synapses(ends, target, w, numbers, index, delay)

    drawn = Draw(
        network=net,
        seed=seed,
        neurons=below("neurons."),
        initial=_initial(net, seed),
        population=_populations(net),
        positions=values["positions"],
        plastic=synapses("plastic"),
        static=synapses("static"),
        shared={k: float(v) for k, v in below("shared.").items()},
        w_in=values["w_in"],
        w_event=values["w_event"],
        damage=net.arrays.damage,
    )
    read_only(drawn)
    return drawn


def _synapses(
    net: Network, seed: int, members: dict[str, Ints], positions: Array, real: Any
) -> tuple[Synapses, Synapses, dict[str, float]]:
    blocks: dict[bool, list[tuple[Ints, Ints, Array, dict[str, Array], int]]] = {True: [], False: []}
    delays: dict[bool, list[NDArray[np.uint16]]] = {True: [], False: []}
    kinds = {p.name: p.kind for p in net.populations}
    rules = {rule.name: rule for rule in net.rules}
    numbers = {name: {k: rule[k].mean for k in SHARED if k in dict(rule.parameters)} for name, rule in rules.items()}
    scales_of: dict[str, dict[str, float]] = {name: {} for name in rules}
    for index, projection in enumerate(net.projections):
        name = projection.name
        sources, targets, indegree = connect(
            projection.topology,
            members[projection.pre],
            members[projection.post],
            positions,
            generator(seed, "topology", name),
        )
        scale = 1.0 / indegree if net.weight_scaling == "indegree" and indegree > 0 else 1.0
        w = _sample(projection.weight.distribution, sources.size, generator(seed, "weights", name), real)
        parameters: dict[str, Array] = {}
        if projection.plastic:
            rule, constants, scales = rules[projection.rule], numbers[projection.rule], scales_of[projection.rule]
            # Neurons do not hear themselves, so E->E has a little fewer synapses than E->I: one scale serves both.
            common = next(iter(scales.values()), scale)
            scales[name] = scale
            scale = common if abs(scale - common) <= 0.02 * common else scale
            np.clip(w, constants["w_min"], constants["w_max"], out=w)
            for key, p in rule.parameters:
                if key not in SHARED:
                    rng = generator(seed, "synapses", name, key)
                    parameters[key] = _sample(p.distribution, sources.size, rng, real)
            for key in ("eta_plus", "eta_minus"):
                if key in parameters and "mu" in constants:
                    _scale_rates(key, parameters[key], scale, constants["mu"])
        w *= -scale if kinds[projection.pre] == "inhibitory" else scale
        blocks[projection.plastic].append((sources, targets, w, parameters, index))
        if any(p.delayed for p in net.projections if p.plastic == projection.plastic):
            delays[projection.plastic].append(draw_delays(projection, sources.size, seed, net.dt))
    shared: dict[str, float] = {}
    for name, scales in scales_of.items():
        if scales and max(scales.values()) > 1.02 * min(scales.values()):
            raise NetworkError(
                f"plastic projections {', '.join(scales)} have different expected in-degrees, so that w_max means "
                "different things: give them one topology, or set weight_scaling = 'none'"
            )
        scale = next(iter(scales.values()), 1.0)
        shared |= {rules[name].key(k): v * (scale if k != "mu" else 1.0) for k, v in numbers[name].items()}
    return _rows(blocks[True], net.n, delays[True]), _rows(blocks[False], net.n, delays[False]), shared


def _scale_rates(key: str, rates: Array, scale: float, mu: float) -> None:
    """A learning rate is stated on the scale of the stated weights: eta * (w / scale)**mu * scale."""
    try:
        factor = scale ** (1.0 - mu)
    except OverflowError:
        factor = math.inf
    before = np.count_nonzero(rates)
    with np.errstate(all="ignore"):
        rates *= factor
    # A rate that vanished would be a network that learns nothing, without a word.
    if not np.isfinite(rates).all() or np.count_nonzero(rates) < before:
        end = "overflow" if factor > 1 else "vanish"
        raise NetworkError(
            f"mu = {mu:g} makes {key} {end}: weights are scaled by {scale:.3g}, so rates by {scale:.3g}^(1 - mu)",
            fix="give a mu nearer to 1, or set weight_scaling = 'none'",
        )


def _sample(distribution: Distribution, n: int, rng: np.random.Generator, real: Any) -> Any:
    """Draw in pieces: the same numbers as in one go, without large intermediate arrays."""
    out = np.empty(n, dtype=real)
    for start in range(0, n, _PIECE):
        part = out[start : start + _PIECE]
        part[:] = distribution.sample(part.size, rng)
    return out


def _rows(
    blocks: list[tuple[Ints, Ints, Array, dict[str, Array], int]], n: int, delays: list[NDArray[np.uint16]]
) -> Synapses:
    """Join projections and sort them into rows."""
    if not blocks:
        empty = np.empty(0)
        return Synapses(np.zeros(n + 1, np.int64), empty.astype(np.int32), empty, {}, empty.astype(np.uint8))
    sources, targets, w = (_concatenate([b[i] for b in blocks]) for i in range(3))
    projection = np.concatenate([np.full(b[0].size, b[4], dtype=np.uint8) for b in blocks])
    keys = dict.fromkeys(k for b in blocks for k in b[3])
    parameters = {
        k: _concatenate([b[3][k] if k in b[3] else np.full(b[2].size, np.nan, b[2].dtype) for b in blocks])
        for k in keys
    }
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(sources, minlength=n), out=indptr[1:])
    delay = _concatenate(delays) if delays else None
    if len(blocks) > 1 or delay is not None:  # a single projection comes sorted
        order = np.lexsort((targets, sources) if delay is None else (targets, delay, sources))
        targets, w, projection = targets[order], w[order], projection[order]
        parameters = {k: v[order] for k, v in parameters.items()}
        delay = None if delay is None else delay[order]
    return Synapses(indptr, targets.astype(np.int32, copy=False), w, parameters, projection, delay)


def _concatenate(parts: list[Any]) -> Any:
    """As numpy's, without a copy of a single part."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def read_only(value: Any) -> None:
    """Make every array read-only: a backend that writes into a draw would spoil the next one."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, dict):
        for item in value.values():
            read_only(item)
    elif isinstance(value, Draw | Synapses):
        for item in vars(value).values():
            read_only(item)
