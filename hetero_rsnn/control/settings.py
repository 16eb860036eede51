"""How an actor is trained, and what is told of every test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.control.actor_settings import ActorSettings, known_settings

TARGETS = ("copy", "proxy")
_MOST = 10**9


@dataclass(frozen=True)
class ControlSettings:
    """How an actor is trained by TD3, with the usual numbers of the public Pop-SAN code.

    Noise is in units of the half range of an action, so that environments with other limits need no other numbers.

    Attributes
    ----------
    actor : ActorSettings
    steps : int
        Steps of the environment in all.
    gamma : float
        Discount of a step, from 0 to 1.
    polyak : float
        What of a target network is left after an update, from 0 to 1.
    actor_lr, critic_lr : float
        Learning rates of Adam.
    batch_size : int
        Transitions of an update.
    random_steps : int
        At the beginning actions are drawn evenly within their limits, for so many steps.
    update_after, update_every : int
        After so many steps learning begins: after every `update_every` steps as many updates are made.
    noise : float
        Standard deviation of what is added to actions while learning.
    target_noise, noise_clip : float
        Standard deviation of what is added to the target's actions, and where it is clipped.
    delay : int
        Updates of the critics for each of the actor.
    critic_hidden : tuple of int
        Units of the critics' hidden layers.
    buffer_size : int
        Transitions that are kept, the latest ones.
    target : {"copy", "proxy"}
        The target's actor: a copy of the actor that follows it slowly, or an ordinary network that learns to act as the
        actor does.
    proxy_hidden, proxy_iterations, proxy_lr : tuple of int, int, float
        Of the latter: its hidden layers, its steps of learning before each update, and their rate.
    test_every, test_episodes : int
        After every `test_every` steps, and at the end, the actor acts without noise for so many episodes.
    normalise : bool
        Observations less their mean, over their standard deviation, clipped at 3: both are of all observations of the
        training until then.

    Raises
    ------
    HeteroError
        If a value breaks its rule.

    References
    ----------
    S. Fujimoto, H. van Hoof, D. Meger, "Addressing function approximation error in actor-critic methods", ICML 2018;
    G. Tang, N. Kumar, R. Yoo, K. P. Michmizos, "Deep reinforcement learning with population-coded spiking neural
    network for continuous control", CoRL 2020; of the proxy: arXiv:2505.24161.

    Examples
    --------
    >>> settings = ControlSettings(ActorSettings(hidden=(64, 64)), steps=8_000, random_steps=1_000)
    >>> settings.batch_size, settings == ControlSettings.from_dict(settings.to_dict())
    (100, True)
    """

    actor: ActorSettings = field(default_factory=ActorSettings)
    steps: int = 100_000
    gamma: float = 0.99
    polyak: float = 0.995
    actor_lr: float = 1e-4
    critic_lr: float = 1e-3
    batch_size: int = 100
    random_steps: int = 10_000
    update_after: int = 1_000
    update_every: int = 50
    noise: float = 0.1
    target_noise: float = 0.2
    noise_clip: float = 0.5
    delay: int = 2
    critic_hidden: tuple[int, ...] = (256, 256)
    buffer_size: int = 1_000_000
    target: str = "copy"
    proxy_hidden: tuple[int, ...] = (512, 512)
    proxy_iterations: int = 3
    proxy_lr: float = 1e-3
    test_every: int = 1_000
    test_episodes: int = 10
    normalise: bool = True

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        if not isinstance(self.actor, ActorSettings):
            raise HeteroError(f"actor must be ActorSettings, got {self.actor!r:.80}", fix="write ActorSettings()")
        checks.one_of("target", self.target, TARGETS)
        least = {"random_steps": 0, "update_after": 0}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type == "int":
                put(f.name, checks.whole(f.name, value, least=least.get(f.name, 1), most=_MOST))
            elif f.type == "float":
                put(f.name, checks.real(f.name, value, least=0.0))
            elif f.type == "tuple[int, ...]":
                put(f.name, tuple(checks.whole_array(f.name, value, 1, least=1, most=10**6).tolist()))
        for name in ("gamma", "polyak"):
            if getattr(self, name) > 1:
                raise HeteroError(f"{name} must be from 0 to 1, got {getattr(self, name):g}", fix="change it")
        for name in ("actor_lr", "critic_lr", "proxy_lr"):
            checks.real(name, getattr(self, name), above=0.0)
        put("normalise", checks.truth("normalise", self.normalise))
        if self.buffer_size < self.batch_size:
            raise HeteroError(
                f"buffer_size must be at least batch_size ({self.batch_size}), got {self.buffer_size}", fix="raise it"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON and TOML hold it."""
        out: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        out["actor"] = self.actor.to_dict()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in out.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ControlSettings:
        """What `to_dict` gave; what is left out is as usual.

        Raises
        ------
        HeteroError
            If it is no mapping, holds an unknown name, or a value that breaks its rule.
        """
        given = known_settings(cls, data, "a training")
        if isinstance(given.get("actor"), Mapping):
            given["actor"] = ActorSettings.from_dict(given["actor"])
        return cls(**given)


@dataclass(frozen=True)
class ControlTest:
    """What an actor reached without noise.

    Attributes
    ----------
    step : int
        Steps of the environment that it had learned from.
    returns : tuple of float
        Sum of the rewards of every test episode.
    spikes : float
        Mean spikes of an action; 0 for an actor without spikes.
    seconds : float
        Time that the training had taken until then, stops not counted.

    Examples
    --------
    >>> ControlTest(step=1000, returns=(-150.0, -130.0), spikes=812.5, seconds=9.7).mean
    -140.0
    """

    step: int
    returns: tuple[float, ...]
    spikes: float
    seconds: float

    @property
    def mean(self) -> float:
        """The mean return."""
        return math.fsum(self.returns) / len(self.returns)

    def __str__(self) -> str:
        spikes = f", {self.spikes:.4g} spikes an action" if self.spikes else ""
        return f"step {self.step}: return {self.mean:.4g}{spikes}"
