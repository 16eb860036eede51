"""TD3: what one update does to actor and critics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.actors import build_actor
from hetero_rsnn.control.critics import TwinCritics
from hetero_rsnn.control.normaliser import Normaliser
from hetero_rsnn.control.replay import Batch, Replay
from hetero_rsnn.control.settings import ControlSettings


class Learner:
    """Actor, critics, their targets and optimisers.

    Inside, actions are in units of their half range, from -1 to 1.

    Parameters
    ----------
    settings : ControlSettings
    observations : int
    low, high : ndarray, shape (actions,)
        Limits of the actions.
    seed : int
        Of the first weights.

    Attributes
    ----------
    actor : torch.nn.Module
    critics : TwinCritics
    updates : int
        Updates that were made.

    References
    ----------
    See `ControlSettings`.
    """

    def __init__(self, settings: ControlSettings, observations: int, low: Array, high: Array, seed: int) -> None:
        self.settings, self.updates = settings, 0
        proxy = ActorSettings(kind="relu", hidden=settings.proxy_hidden)
        of_target = proxy if settings.target == "proxy" else settings.actor
        actors: Any = [build_actor(s, observations, len(low), (low, high), seed) for s in (settings.actor, of_target)]
        self.actor, self.target_actor = (actor.float() for actor in actors)
        inputs = observations + len(low)
        self.critics, self.target_critics = (TwinCritics(inputs, settings.critic_hidden, seed) for _ in range(2))
        for network in (self.target_critics, *([] if settings.target == "proxy" else [self.target_actor])):
            network.requires_grad_(False)
        self._adams = {
            "actor": _adam(self.actor, settings.actor_lr),
            "critics": _adam(self.critics, settings.critic_lr),
        }
        if settings.target == "proxy":
            self._adams["proxy"] = _adam(self.target_actor, settings.proxy_lr)

    def update(self, replay: Replay, normaliser: Normaliser, random: np.random.Generator) -> None:
        """Learn from one batch.

        Raises
        ------
        HeteroError
            If a loss is not finite.
        """
        s = self.settings
        if s.target == "proxy":
            batch = self._follow(replay, normaliser, random)
        else:
            batch = _tensors(replay.draw(random, s.batch_size, normaliser))
        noise = random.standard_normal(batch.actions.shape, dtype=np.float32)
        self._learn_values(batch, torch.from_numpy(noise))
        self.updates += 1
        if self.updates % s.delay == 0:
            self._learn_to_act(batch.before)
            approach(self.target_critics, self.critics, 1 - s.polyak)
            if s.target == "copy":
                approach(self.target_actor, self.actor, 1 - s.polyak)

    def _learn_values(self, batch: Batch, noise: Tensor) -> None:
        """The critics learn what follows: the reward, and then what the less hopeful target makes of the rest."""
        s = self.settings
        with torch.no_grad():
            noise = noise.mul_(s.target_noise).clamp_(-s.noise_clip, s.noise_clip)
            actions = unit_actions(self.target_actor, batch.after).add_(noise).clamp_(-1.0, 1.0)
            later = self.target_critics(torch.cat([batch.after, actions], 1)).amin(0)
            goal = batch.rewards + s.gamma * (1.0 - batch.ended) * later
        values = self.critics(torch.cat([batch.before, batch.actions], 1))
        loss = (values - goal).square().mean(1).sum()
        self._descend("critics", loss)

    def _learn_to_act(self, before: Tensor) -> None:
        """The actor learns what the first critic thinks well of."""
        actions = unit_actions(self.actor, before)
        self._descend("actor", -self.critics.first(torch.cat([before, actions], 1)).mean())

    def _follow(self, replay: Replay, normaliser: Normaliser, random: np.random.Generator) -> Batch:
        """The proxy learns to act as the actor does, on batches of its own; the last of them is learned from."""
        s = self.settings
        batches = [_tensors(replay.draw(random, s.batch_size, normaliser)) for _ in range(s.proxy_iterations)]
        with torch.no_grad():
            goals = unit_actions(self.actor, torch.cat([batch.before for batch in batches])).split(s.batch_size)
        for batch, goal in zip(batches, goals, strict=True):
            self._descend("proxy", (unit_actions(self.target_actor, batch.before) - goal).square().mean())
        return batches[-1]

    def _descend(self, who: str, loss: Tensor) -> None:
        """One step of an optimiser down a loss."""
        if not math.isfinite(loss.item()):
            raise HeteroError(f"loss of the {who} must be finite, got {loss.item()}", fix="lower the learning rates")
        adam = self._adams[who]
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        adam.step()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all numbers that the next update depends on, beside the random states of the encoders."""
        out = {}
        for name, network in self._networks().items():
            out |= {f"{name}/{k}": _copied(v) for k, v in network.state_dict().items()}
        for name, adam in self._adams.items():
            for k, state in adam.state_dict()["state"].items():
                out |= {f"adam/{name}/{k}/{what}": _copied(v) for what, v in state.items()}
        return out

    def take(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from what `arrays` gave."""
        for name, network in self._networks().items():
            own = {k: torch.from_numpy(np.array(arrays[f"{name}/{k}"])) for k in network.state_dict()}
            network.load_state_dict(own)
        for name, adam in self._adams.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, array in arrays.items():
                if key.startswith(f"adam/{name}/"):
                    k, what = key.split("/")[2:]
                    state.setdefault(int(k), {})[what] = torch.from_numpy(np.array(array))
            adam.load_state_dict({**adam.state_dict(), "state": state})

    @property
    def random_states(self) -> list[dict[str, Any] | None]:
        """Of the encoders that draw, of the actor and of its target."""
        return [self.actor.random_state, self.target_actor.random_state]

    @random_states.setter
    def random_states(self, states: list[dict[str, Any] | None]) -> None:
        self.actor.random_state, self.target_actor.random_state = states

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "actor": self.actor,
            "critics": self.critics,
            "target_actor": self.target_actor,
            "target_critics": self.target_critics,
        }


def unit_actions(actor: Any, x: Tensor) -> Tensor:
    """Actions in units of their half range."""
    return torch.tanh(actor.drive(x))


def approach(target: nn.Module, source: nn.Module, share: float) -> None:
    """Move the parameters of a target a share of the way to those of its source."""
    with torch.no_grad():
        for old, new in zip(target.parameters(), source.parameters(), strict=True):
            old.lerp_(new, share)


def _adam(network: nn.Module, rate: float) -> torch.optim.Adam:
    return torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate, fused=True)


def _tensors(batch: Batch) -> Batch:
    return Batch(*(torch.from_numpy(np.ascontiguousarray(part)) for part in batch))


def _copied(value: Tensor) -> NDArray[Any]:
    return value.detach().cpu().numpy().copy()
