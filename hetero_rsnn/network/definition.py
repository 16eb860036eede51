"""The network as an immutable value: equations, populations, projections, plasticity, input and protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hetero_rsnn.common import units
from hetero_rsnn.common.capacities import FIRST_ESTIMATOR, QUESTIONS
from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.arrays import GivenArrays, check_definition
from hetero_rsnn.network.distributions import Constant
from hetero_rsnn.network.equations import lines
from hetero_rsnn.network.notebook import network_html
from hetero_rsnn.network.overrides import apply_overrides
from hetero_rsnn.network.parameter import Parameter, to_toml
from hetero_rsnn.network.parsing import parse
from hetero_rsnn.network.parts import Input, Parameters, Plasticity, Population, Projection, Protocol
from hetero_rsnn.network.topology import Topology


@dataclass(frozen=True)
class Network:
    """A heterogeneous recurrent spiking network, ready to be drawn. Built by `load_network`; never changed in place.

    Two networks are equal if their content is; `name` and `description` do not count. One that was saved after training
    has `arrays`, which `draw` takes for any seed; then only what they do not settle can be changed: `dt`, the initial
    state and the protocol.
    """

    name: str = field(compare=False)
    description: str = field(compare=False)
    model: str
    n: int
    dt: float
    equations: tuple[tuple[str, str], ...]
    initial: Parameters
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    plasticity: Plasticity | None
    weight_scaling: str
    input: Input
    protocol: Protocol
    arrays: GivenArrays | None = None
    named_rules: tuple[Plasticity, ...] = ()

    def __repr__(self) -> str:
        return f"Network({self.name!r}, n={self.n}, model={self.model!r}, fingerprint={self.fingerprint!r})"

    def __str__(self) -> str:
        return _describe(self)

    def _repr_html_(self) -> str:
        return network_html(self)

    @cached_property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the content (name and description left out)."""
        content = {k: v for k, v in self.definition().items() if k not in {"name", "description"}}
        if self.arrays is not None:
            content["arrays"] = self.arrays.fingerprint
        if self.protocol.estimator == FIRST_ESTIMATOR:  # as it was before there was another one
            del content["protocol"]["estimator"]
        # Not sorted: to_dict has an order of its own, but that of the populations numbers the neurons.
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def refuse_arrays(self, why: str) -> None:
        """Raise a `NetworkError` if the arrays are given: for what changes or compares distributions."""
        if self.arrays is not None:
            raise NetworkError(
                f"network {self.name!r} {why}: its arrays are given ({self.arrays.describe()})",
                fix="use the network that they were drawn from",
            )

    def follows_rule(self, learning: bool) -> bool:
        """Whether plastic synapses do what their rules say: while they learn, and always if those change no weights.

        Raises
        ------
        NetworkError
            If the weights are to stay, and some rules change them and others are part of the dynamics.
        """
        if not learning:
            self.check_freezes()
        return bool(self.rules) and (learning or not self.learns)

    def check_freezes(self) -> None:
        """Raise a `NetworkError` if weights cannot stay, since only some of the rules change them."""
        fixed = [rule.where for rule in self.rules if not rule.learns]
        if self.learns and fixed:
            raise NetworkError(
                f"network {self.name!r} cannot run with weights that stay: {', '.join(fixed)} would go on, and "
                f"{', '.join(rule.where for rule in self.rules if rule.learns)} would not",
                fix="run it with plasticity=True, or give it rules of one kind only",
            )

    @cached_property
    def learns(self) -> bool:
        """Whether one of its rules changes weights."""
        return any(rule.learns for rule in self.rules)

    @property
    def note(self) -> str:
        """What seeds mean where its arrays are given, in a sentence; empty where a seed draws them."""
        if self.arrays is None:
            return ""
        return (
            f"{self.name} has given arrays, the same for every seed: seeds decide initial state and input only, and "
            "intervals are over inputs of one network, not over networks"
        )

    @property
    def delayed(self) -> tuple[str, ...]:
        """Names of the projections whose spikes take time on their way."""
        return tuple(p.name for p in self.projections if p.delayed)

    @property
    def rules(self) -> tuple[Plasticity, ...]:
        """Every rule of plasticity: the one that has no name, and those that have one."""
        return (*(() if self.plasticity is None else (self.plasticity,)), *self.named_rules)

    def projections_of(self, rule: Plasticity) -> list[int]:
        """Indices of the plastic projections that have this rule."""
        return [i for i, p in enumerate(self.projections) if p.plastic and p.rule == rule.name]

    def population(self, name: str) -> Population:
        """The population of that name."""
        for population in self.populations:
            if population.name == name:
                return population
        raise NetworkError(f"unknown population {name!r}{suggest(name, [p.name for p in self.populations])}")

    def replace(self, **overrides: Any) -> Network:
        """A changed copy: ``net.replace(n=200, **{"E.tau_m.cv": 0.5, "tau_plus.mean": "15 ms"})``.

        Names are looked up as in `load_network`. What is not named is taken over as it is.
        """
        return Network.from_dict(apply_overrides(self.tree(), overrides), self.name)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], name: str = "network") -> Network:
        """Build and validate a network from the content of a file (``extends`` already resolved), or a `tree`.

        Parameters
        ----------
        data : mapping
            As `to_dict` returns it.
        name : str, optional
            Used where `data` has no name.

        Raises
        ------
        NetworkError, UnitError
            Naming the place, the value, the rule and the fix.
        """
        net = cls(**parse(data, name))
        if net.arrays is not None:
            check_definition(net, cls(**parse(json.loads(net.arrays.definition), net.name)))
        return net

    def tree(self) -> dict[str, Any]:
        """The content as nested dictionaries of values: quantities are `Parameter`, graphs `Topology`."""
        p = self.protocol
        data: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "model": self.model,
            "n": self.n,
            "dt": _time(self.dt),
            "weight_scaling": self.weight_scaling,
            "neuron": {**{k: v for k, v in self.equations if k != "on_pre"}, "initial": dict(self.initial)},
            "synapse": {"on_pre": dict(self.equations)["on_pre"]},
            "populations": {
                q.name: {"fraction": q.fraction, "kind": q.kind, **dict(q.parameters)} for q in self.populations
            },
            "projections": {
                q.name: {
                    "pre": q.pre,
                    "post": q.post,
                    "plastic": q.rule or q.plastic,
                    "topology": q.topology,
                    "weight": q.weight,
                    **({} if q.delay is None else {"delay": q.delay}),
                }
                for q in self.projections
            },
            "input": {
                "channels": self.input.channels,
                "connectivity": self.input.connectivity,
                "weight": self.input.weight,
                "event_weight": self.input.event_weight,
            },
            "protocol": {
                "hold": _time(p.hold),
                "tau_read": _time(p.tau_read),
                "train": _time(p.train),
                "samples": p.samples,
                "washout": p.washout,
                "d_max": p.d_max,
                "estimator": p.estimator,
            },
        }
        for rule in self.rules:
            table = {
                "equations": rule.equations,
                "on_pre": rule.on_pre,
                "on_post": rule.on_post,
                **({"method": rule.method} if rule.method else {}),
                **dict(rule.parameters),
            }
            data["plasticity"] = {**data.get("plasticity", {}), **({rule.name: table} if rule.name else table)}
        if self.arrays is not None:
            data["arrays"] = self.arrays
        return data

    def to_dict(self) -> dict[str, Any]:
        """The content as nested plain dictionaries, as a network file holds it.

        Of given arrays it says checksum, seed and what made them; `save_network` writes them and names their file.
        """
        named = {} if self.arrays is None else {"arrays": self.arrays.table()}
        return {**self.definition(), **named}

    def definition(self) -> dict[str, Any]:
        """The same without a word on given arrays."""
        return {key: _plain(value) for key, value in self.tree().items() if key != "arrays"}


def mixed_pairs(networks: Sequence[Network]) -> str:
    """What a seed pairs where some networks have given arrays and others are drawn, in a sentence; else empty."""
    given = [net.name for net in networks if net.arrays is not None]
    if not given or len(given) == len(networks):
        return ""
    return (
        f"seeds pair the input and not the networks where {', '.join(given)} {'is' if len(given) == 1 else 'are'} "
        "compared with drawn ones: one fixed network is set against a new one for each seed"
    )


def _time(milliseconds: float) -> Parameter:
    return Parameter(Constant(milliseconds), units.TIME)


def _plain(value: Any) -> Any:
    """Quantities and graphs as a file states them."""
    if isinstance(value, Parameter):
        return to_toml(value)
    if isinstance(value, Topology):
        return value.to_toml()
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _block(text: str, indent: str = "    ") -> list[str]:
    return [indent + line for line in lines(text)]


def _describe(net: Network) -> str:
    """Equations, populations, projections, plasticity, input and protocol, one line a thing."""
    code = dict(net.equations)
    out = [f"{net.name}: {net.description}" if net.description else net.name]
    out.append(f"{net.n} neurons, dt = {net.dt:g} ms, model {net.model or 'of its own'}, fingerprint {net.fingerprint}")
    if net.arrays is not None:
        out += ["its arrays are given, the same for every seed; distributions are what they were drawn from:"]
        out += [f"    {net.arrays.describe()}"]
    out += ["", "neuron", *_block(code["equations"])]
    out.append(f"    threshold: {code['threshold']}    reset: {'; '.join(lines(code['reset']))}")
    if code["refractory"]:
        out[-1] += f"    refractory: {code['refractory']}"
    width = max((len(k) for p in net.populations for k, _ in p.parameters), default=0)
    shared = [
        k for k, v in net.populations[0].parameters if all(dict(p.parameters).get(k) == v for p in net.populations)
    ]
    for population in net.populations:
        out += ["", f"population {population.name}: {population.size} {population.kind} neurons"]
        out += [
            f"    {k:<{width}}  {v}" for k, v in population.parameters if k not in shared or len(net.populations) == 1
        ]
    if shared and len(net.populations) > 1:
        out += ["", "all neurons"]
        out += [f"    {k:<{width}}  {net.populations[0][k]}" for k in shared]
    if net.initial:
        out += ["", "initial state", *(f"    {k:<{width}}  {p}" for k, p in net.initial)]
    if net.projections:
        summed = " (summed over the expected in-degree)" if net.weight_scaling == "indegree" else ""
        out += ["", f"projections, with their weights{summed}"]
        names = max(len(p.name) for p in net.projections)
        for p in net.projections:
            plastic = f", plastic{f' by {p.rule}' if p.rule else ''}" if p.plastic else ""
            delay = "" if p.delay is None else f", delay {p.delay}"
            out.append(f"    {p.name:<{names}}  {p.pre} -> {p.post}  {p.topology}, weight {p.weight}{delay}{plastic}")
        if net.delayed:
            out.append(f"    delays are rounded to whole steps of {net.dt:g} ms")
        out.append(f"    on_pre: {'; '.join(lines(code['on_pre']))}")
    for rule in net.rules:
        out += ["", rule.where.replace(".", " "), *_block(rule.equations)]
        out += ["    on_pre:", *_block(rule.on_pre, " " * 8)]
        out += ["    on_post:", *_block(rule.on_post, " " * 8)]
        width = max(len(k) for k, _ in rule.parameters)
        out += [f"    {k:<{width}}  {v}" for k, v in rule.parameters]
    channels = f"{net.input.channels} channel{'s' if net.input.channels > 1 else ''}"
    out += [
        "",
        f"input: {channels}, connectivity {net.input.connectivity:g}, current weight {net.input.weight}, "
        f"event weight {net.input.event_weight}",
        f"protocol: hold {net.protocol.hold:g} ms, tau_read {net.protocol.tau_read:g} ms, "
        f"training {net.protocol.train / 1e3:g} s, "
        f"{net.protocol.samples} samples after {net.protocol.washout} of washout, "
        f"delays up to {net.protocol.d_max}, {QUESTIONS[net.protocol.estimator]}",
    ]
    return "\n".join(out)
