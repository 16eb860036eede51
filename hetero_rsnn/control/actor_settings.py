"""What an actor is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.control.decays import parse_decay, plain_decay
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.network.parameter import Parameter

KINDS = ("lif", "dynamic", "relu")
ENCODERS = ("deterministic", "bernoulli")
SIGNS = ("grow", "restore")
_VOLTAGE_DECAY = 0.75
#: Where u grows by half in every step, single precision ends before a hundred of them, gradients first.
_MOST_STEPS, _MOST_GROWING = 100, 50


@dataclass(frozen=True)
class ActorSettings:
    """What an actor is made of: a population encoder, layers of spiking neurons, a decoder (Pop-SAN, MDC-SAN).

    Sizes and constants are those of the public code of Tang et al. What is our own: decays that differ from neuron to
    neuron, fixed or learned, the breakpoints of the trapezoid, and `dynamics_sign`.

    Attributes
    ----------
    kind : {"lif", "dynamic", "relu"}
        Leaky integrate-and-fire neurons with a current, neurons with a second variable and second-order dynamics, or an
        ordinary network without spikes, which takes `hidden` alone.
    hidden : tuple of int
        Neurons of the hidden layers.
    population : int
        Neurons that encode one observation, and that decide on one action.
    encoder : {"deterministic", "bernoulli"}
        Integrate-and-fire neurons, or a coin in every step.
    steps : int
        Steps of an inference, at most 100, or 50 for dynamic neurons whose u grows.
    current_decay, voltage_decay : float, Distribution or mapping
        What is left of a current, of a potential after one step, above 0 and below 1. A distribution (as network files
        write it) gives every neuron its own. Dynamic neurons have no `voltage_decay`.
    learn_decays : bool
        Train them, in the coordinate log(decay / (1 - decay)).
    pseudo : str or PseudoDerivative
        Of the spikes of hidden and output neurons. With their usual parameters rectangle (0.5), triangle (1) and
        trapezoid (0.25, 0.75) have equal area and height; `pseudo_parameters` makes them equal in support.
    pseudo_parameters : tuple of (str, float), or mapping
        As of `PseudoDerivative`; what is not given is as usual.
    learn_pseudo : bool
        Train both breakpoints of the trapezoid, one pair a layer. Their gradient is that of a spike which rises as the
        integral of the trapezoid.
    dynamics_sign : {"grow", "restore"}
        Whether 0.529 u is added to du (the default) or taken from it, for dynamic neurons. The public code adds it, so
        that u grows by half in every step; whether the authors' equations do is not known.

    Raises
    ------
    HeteroError
        If a value breaks its rule.

    References
    ----------
    G. Tang, N. Kumar, R. Yoo, K. P. Michmizos, "Deep reinforcement learning with population-coded spiking neural
    network for continuous control", CoRL 2020; D. Zhang et al., "Multi-scale dynamic coding improved spiking actor
    network for reinforcement learning", AAAI 2022.

    Examples
    --------
    >>> settings = ActorSettings(pseudo="triangle", pseudo_parameters={"width": 0.75})
    >>> settings.bump, settings.hidden
    (PseudoDerivative('triangle', width=0.75), (256, 256))
    >>> varied = ActorSettings(current_decay={"distribution": "uniform", "low": 0.3, "high": 0.7})
    >>> varied == ActorSettings.from_dict(varied.to_dict())
    True
    """

    kind: str = "lif"
    hidden: tuple[int, ...] = (256, 256)
    population: int = 10
    encoder: str = "deterministic"
    steps: int = 5
    current_decay: float | Parameter = 0.5
    voltage_decay: float | Parameter = _VOLTAGE_DECAY
    learn_decays: bool = False
    pseudo: str = "rectangle"
    pseudo_parameters: tuple[tuple[str, float], ...] = ()
    learn_pseudo: bool = False
    dynamics_sign: str = "grow"

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        checks.one_of("kind of actor", self.kind, KINDS)
        checks.one_of("encoder", self.encoder, ENCODERS)
        checks.one_of("dynamics_sign", self.dynamics_sign, SIGNS)
        put("hidden", tuple(checks.whole_array("hidden", self.hidden, 1, least=1, most=10**6).tolist()))
        put("population", checks.whole("population", self.population, least=1, most=10**4))
        most = _MOST_GROWING if self.kind == "dynamic" and self.dynamics_sign == "grow" else _MOST_STEPS
        put("steps", checks.whole("steps", self.steps, least=1, most=most))
        for name in ("learn_decays", "learn_pseudo"):
            put(name, checks.truth(name, getattr(self, name)))
        for name in ("current_decay", "voltage_decay"):
            put(name, parse_decay(name, getattr(self, name)))
        if self.kind == "dynamic" and self.voltage_decay != _VOLTAGE_DECAY:
            raise HeteroError(
                f"dynamic neurons have no voltage_decay, got {plain_decay(self.voltage_decay)}",
                fix="leave it away, or vary current_decay",
            )
        bump = _bump(self.pseudo, self.pseudo_parameters)
        put("pseudo", bump.shape)
        put("pseudo_parameters", tuple(bump.parameters.items()))
        if self.learn_pseudo:
            values = bump.parameters
            if bump.shape != "trapezoid" or not 0 < values["inner"] < values["outer"]:
                raise HeteroError(
                    f"learn_pseudo needs a trapezoid with 0 < inner < outer at the beginning, got {bump!r}",
                    fix='write pseudo="trapezoid"',
                )

    @property
    def bump(self) -> PseudoDerivative:
        """The pseudo-derivative, at the beginning where it is learned."""
        return PseudoDerivative(self.pseudo, **dict(self.pseudo_parameters))

    @property
    def is_spiking(self) -> bool:
        """Whether there are spikes."""
        return self.kind != "relu"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON and TOML hold it."""
        out: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        out["hidden"] = list(self.hidden)
        out["pseudo_parameters"] = dict(self.pseudo_parameters)
        for name in ("current_decay", "voltage_decay"):
            out[name] = plain_decay(out[name])
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActorSettings:
        """What `to_dict` gave; what is left out is as usual.

        Raises
        ------
        HeteroError
            If it is no mapping, holds an unknown name, or a value that breaks its rule.
        """
        return cls(**known_settings(cls, data, "an actor"))


def known_settings(kind: Any, data: Any, whose: str) -> dict[str, Any]:
    """A mapping from names of a data class's fields.

    Raises
    ------
    HeteroError
        If it is no mapping, or holds another name.
    """
    if not isinstance(data, Mapping):
        raise HeteroError(f"settings of {whose} must be a mapping, got {type(data).__name__}", fix="give a dict")
    known = [f.name for f in fields(kind)]
    for name in data:
        if name not in known:
            raise HeteroError(f"{whose} has no setting {name!r}{suggest(str(name), known)}")
    return dict(data)


def _bump(pseudo: Any, parameters: Any) -> PseudoDerivative:
    """The pseudo-derivative that is meant."""
    try:
        given = {str(name): value for name, value in dict(parameters).items()}
    except (TypeError, ValueError):
        raise HeteroError(
            f"pseudo_parameters must be names with numbers, got {parameters!r:.80}", fix='write {"width": 0.75}'
        ) from None
    if isinstance(pseudo, PseudoDerivative):
        pseudo, given = pseudo.shape, {**pseudo.parameters, **given}
    return PseudoDerivative(pseudo, **given)
