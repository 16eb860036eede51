"""The network as an immutable value: equations, populations, projections, plasticity, input and protocol."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.parameter import Parameter, to_toml
from hetero_rsnn.network.topology import Topology

Parameters = tuple[tuple[str, Parameter], ...]

#: What the kernel 'lif_stdp' mirrors. The shipped base file says the same; one that says otherwise runs with brian2.
LIF_STDP: dict[str, str] = {
    "equations": (
        "dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1 (unless refractory)\ndI_syn/dt = -I_syn / tau_syn : 1"
    ),
    "threshold": "v > v_th",
    "reset": "v = v_reset",
    "refractory": "t_ref",
    "on_pre": "I_syn_post += w",
}
LIF_STDP_PLASTICITY: dict[str, str] = {
    "equations": "dapre/dt = -apre / tau_plus : 1 (event-driven)\ndapost/dt = -apost / tau_minus : 1 (event-driven)",
    "on_pre": ("I_syn_post += w\napre += 1\nw = clip(w - eta_minus * (w - w_min)**mu * apost, w_min, w_max)"),
    "on_post": "apost += 1\nw = clip(w + eta_plus * (w_max - w)**mu * apre, w_min, w_max)",
}
#: Kernels of the numpy and fast backends.
MODELS = ("lif_stdp",)

#: One number for all synapses, since the kernels (and Brian2's code) treat them as constants.
SHARED = ("w_min", "w_max", "mu")


def _look_up(parameters: Parameters, key: str) -> Parameter:
    known = dict(parameters)
    if key not in known:
        raise NetworkError(f"unknown parameter {key!r}{suggest(key, known)}")
    return known[key]


@dataclass(frozen=True)
class Population:
    """A group of neurons that share their distributions. `parameters` holds (name, Parameter) pairs, sorted by name."""

    name: str
    size: int
    fraction: float
    kind: str
    parameters: Parameters

    def __getitem__(self, key: str) -> Parameter:
        return _look_up(self.parameters, key)


@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another. Weights are magnitudes; the sign is that of the `pre` population."""

    name: str
    pre: str
    post: str
    topology: Topology
    weight: Parameter
    plastic: bool


@dataclass(frozen=True)
class Plasticity:
    """Equations, event code and parameters of the plastic synapses, as Brian2 strings."""

    equations: str
    on_pre: str
    on_post: str
    parameters: Parameters

    def __getitem__(self, key: str) -> Parameter:
        return _look_up(self.parameters, key)


@dataclass(frozen=True)
class Input:
    """The input projection: weights for analog currents, and for spikes of an input population."""

    channels: int
    connectivity: float
    weight: Parameter
    event_weight: Parameter


@dataclass(frozen=True)
class Protocol:
    """How the network is measured; times in ms."""

    hold: float
    tau_read: float
    train: float
    samples: int
    washout: int
    d_max: int


@dataclass(frozen=True)
class Network:
    """A heterogeneous recurrent spiking network, ready to be drawn. Built by `load_network`; never changed in place.

    Two networks are equal if their content is; `name` and `description` do not count.
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

    def __repr__(self) -> str:
        return f"Network({self.name!r}, n={self.n}, model={self.model!r}, fingerprint={self.fingerprint!r})"

    def __str__(self) -> str:
        from hetero_rsnn.network.describe import describe

        return describe(self)

    @cached_property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the content (name and description left out)."""
        content = {k: v for k, v in self.to_dict().items() if k not in {"name", "description"}}
        # Not sorted: to_dict has an order of its own, but that of the populations numbers the neurons.
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def population(self, name: str) -> Population:
        """The population of that name."""
        for population in self.populations:
            if population.name == name:
                return population
        raise NetworkError(f"unknown population {name!r}{suggest(name, [p.name for p in self.populations])}")

    def replace(self, **overrides: Any) -> Network:
        """A changed copy: ``net.replace(n=200, **{"E.tau_m.cv": 0.5, "tau_plus.mean": "15 ms"})``.

        Names are looked up as in `load_network`.
        """
        from hetero_rsnn.network.loading import apply_overrides
        from hetero_rsnn.network.parsing import from_dict

        data = apply_overrides(self.to_dict(), overrides)
        return from_dict(data, self.name)

    def to_dict(self) -> dict[str, Any]:
        """The content as nested plain dictionaries, as a network file holds it."""
        neuron: dict[str, Any] = {k: v for k, v in self.equations if k != "on_pre"}
        neuron["initial"] = {k: to_toml(p) for k, p in self.initial}
        data: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "model": self.model,
            "n": self.n,
            "dt": units.show(self.dt, units.TIME),
            "weight_scaling": self.weight_scaling,
            "neuron": neuron,
            "synapse": {"on_pre": dict(self.equations)["on_pre"]},
            "populations": {
                p.name: {"fraction": p.fraction, "kind": p.kind, **{k: to_toml(v) for k, v in p.parameters}}
                for p in self.populations
            },
            "projections": {
                p.name: {
                    "pre": p.pre,
                    "post": p.post,
                    "plastic": p.plastic,
                    "topology": p.topology.to_toml(),
                    "weight": to_toml(p.weight),
                }
                for p in self.projections
            },
            "input": {
                "channels": self.input.channels,
                "connectivity": self.input.connectivity,
                "weight": to_toml(self.input.weight),
                "event_weight": to_toml(self.input.event_weight),
            },
            "protocol": {
                "hold": units.show(self.protocol.hold, units.TIME),
                "tau_read": units.show(self.protocol.tau_read, units.TIME),
                "train": units.show(self.protocol.train, units.TIME),
                "samples": self.protocol.samples,
                "washout": self.protocol.washout,
                "d_max": self.protocol.d_max,
            },
        }
        if self.plasticity is not None:
            data["plasticity"] = {
                "equations": self.plasticity.equations,
                "on_pre": self.plasticity.on_pre,
                "on_post": self.plasticity.on_post,
                **{k: to_toml(v) for k, v in self.plasticity.parameters},
            }
        return data
