"""The parts of a network as immutable values: populations, projections, plasticity, input and protocol."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.equations import STATEMENT, lines
from hetero_rsnn.network.parameter import Parameter
from hetero_rsnn.network.topology import Topology

Parameters = tuple[tuple[str, Parameter], ...]


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
    """Synapses from one population to another. Weights are magnitudes; the sign is that of the `pre` population.

    `rule` names the rule of plastic ones; empty for the one that stands in ``[plasticity]`` itself.
    `delay` is None where the file says nothing of one.
    """

    name: str
    pre: str
    post: str
    topology: Topology
    weight: Parameter
    plastic: bool
    rule: str = ""
    delay: Parameter | None = None

    @property
    def delayed(self) -> bool:
        """Whether spikes take time on their way: a constant delay of 0 is none."""
        d = self.delay
        return d is not None and not (d.mean == 0 and not d.cv > 0)


@dataclass(frozen=True)
class Plasticity:
    """Equations, event code and parameters of the plastic synapses, as Brian2 strings.

    `method` integrates what is clock-driven; empty for exponential Euler. In the code ``w`` is the magnitude of a
    weight, of inhibitory synapses too. `name` is that of its table, empty for ``[plasticity]`` itself.
    """

    equations: str
    on_pre: str
    on_post: str
    parameters: Parameters
    method: str = ""
    name: str = ""

    @property
    def where(self) -> str:
        """Its table, as messages name it."""
        return f"plasticity.{self.name}" if self.name else "plasticity"

    def key(self, parameter: str) -> str:
        """What `Draw.shared` calls one of its parameters."""
        return f"{self.name}.{parameter}" if self.name else parameter

    @cached_property
    def learns(self) -> bool:
        """Whether it changes weights; a rule that does not, such as short-term plasticity, is part of the dynamics."""
        code = lines(f"{self.on_pre}\n{self.on_post}")
        return any((found := STATEMENT.fullmatch(line)) is not None and found["target"] == "w" for line in code)

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
    """How the network is measured; times in ms. For `estimator` see `memory_capacity`."""

    hold: float
    tau_read: float
    train: float
    samples: int
    washout: int
    d_max: int
    estimator: str

    def said(self, name: str) -> str:
        """One of its values as messages show it."""
        value = getattr(self, name)
        return value if isinstance(value, str) else f"{value:g}"


#: What must be equal where measurements are compared.
ALIKE = ("hold", "tau_read", "samples", "washout", "d_max", "estimator")
