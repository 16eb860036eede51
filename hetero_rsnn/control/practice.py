"""An actor in its environment, step by step: it acts with noise, remembers what comes of it, and learns from that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.acting import Acting
from hetero_rsnn.control.environments import make_environment
from hetero_rsnn.control.episode import Episode
from hetero_rsnn.control.normaliser import Normaliser
from hetero_rsnn.control.replay import Replay
from hetero_rsnn.control.settings import ControlSettings

#: What is remembered is remembered in single precision.
_LARGEST = float(np.finfo(np.float32).max)


class Practice:
    """All that a step of a training moves.

    Parameters
    ----------
    environment : str
    settings : ControlSettings
    seed : int
        Of all random numbers.

    Attributes
    ----------
    environment : Environment
    learner : Learner
    normaliser : Normaliser
    replay : Replay
    step : int
        Steps of the environment that were taken.
    episode : Episode or None
        The one that goes on; None before the first.

    Raises
    ------
    HeteroError
        If there is no such environment, or it cannot be learned from.
    """

    def __init__(self, environment: str, settings: ControlSettings, seed: int) -> None:
        from hetero_rsnn.control.td3 import Learner

        self.settings, self.seed, self.environment = settings, seed, make_environment(environment)
        env = self.environment
        self._centre, self._reach = (env.low + env.high) / 2, (env.high - env.low) / 2
        self.learner = Learner(settings, env.observations, env.low, env.high, seed)
        self.normaliser = Normaliser(env.observations, on=settings.normalise)
        self.replay = Replay(min(settings.buffer_size, settings.steps), env.observations, env.actions)
        self.step = 0
        self.episode: Episode | None = None
        self.random = {name: generator(seed, "training", "control", name) for name in ("actions", "batches", "encoder")}
        self._acting = Acting(self.learner.actor.arrays(), self.random["encoder"])

    def take_step(self) -> None:
        """One step of the environment, and the updates that are due.

        Raises
        ------
        HeteroError
            If an observation, the reward or a loss is not finite.
        """
        s = self.settings
        if self.episode is None:
            self._begin(0)
        assert self.episode is not None
        before = self.episode.observation
        action = self._explore(before)
        after, reward, terminated, truncated = self.episode.step(self._centre + self._reach * action)
        self._see(after)
        if not abs(reward) < _LARGEST:
            raise HeteroError(f"reward must be finite, got {reward:g}", fix="mend the environment, or lower its scale")
        self.replay.add(before, action, reward, after, terminated)
        step = self.step + 1
        if step >= s.update_after and step % s.update_every == 0:
            for _ in range(s.update_every):
                self.learner.update(self.replay, self.normaliser, self.random["batches"])
            self._acting.refresh(self.learner.actor.arrays())
        if terminated or truncated:
            self._begin(self.episode.number + 1)
        self.step = step

    def _begin(self, number: int) -> None:
        """An episode."""
        self.episode = Episode(self.environment, self.seed, number)
        self._see(self.episode.observation)

    def _see(self, observation: Array) -> None:
        """Look at an observation for the first time."""
        bad = ~(np.abs(observation) < _LARGEST)
        if bad.any():
            k = int(bad.argmax())
            raise HeteroError(
                f"observation must be finite, got {observation[k]:g} (number {k})",
                fix="mend the environment, or lower its scale",
            )
        self.normaliser.add(observation)

    def _explore(self, observation: Array) -> Array:
        """An action with noise, in units of the half range, as it is remembered."""
        random, size = self.random["actions"], self.environment.actions
        if self.step < self.settings.random_steps:
            action = random.uniform(-1.0, 1.0, size)
        else:
            known = self.normaliser
            self._acting.normalise(known.mean, known.sd, known.clip)
            wanted = (self._acting(observation) - self._centre) / self._reach
            action = np.clip(wanted + self.settings.noise * random.standard_normal(size), -1.0, 1.0)
        return action.astype(np.float32).astype(np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers that the next step depends on, beside those of `state` and the transitions."""
        out = {f"learner/{k}": v for k, v in self.learner.arrays().items()}
        out |= {f"normaliser/{k}": v for k, v in self.normaliser.arrays().items()}
        if self.episode is not None:
            out |= {"observation": self.episode.observation, "actions": np.array(self.episode.actions, float)}
        return out

    def state(self) -> dict[str, Any]:
        """The same as far as it is plain data."""
        return {
            "step": self.step, "updates": self.learner.updates, "encoders": self.learner.random_states,
            "random": {name: dict(random.bit_generator.state) for name, random in self.random.items()},
            "episode": None if self.episode is None else self.episode.number,
        }  # fmt: skip

    def take(self, arrays: dict[str, Any], state: dict[str, Any]) -> None:
        """Go on from what `arrays` and `state` gave; transitions and the episode are the caller's."""
        self.learner.take(_of("learner", arrays))
        self.normaliser.take(_of("normaliser", arrays))
        self.learner.updates, self.learner.random_states = int(state["updates"]), state["encoders"]
        self._acting.refresh(self.learner.actor.arrays())
        for name, random in self.random.items():
            random.bit_generator.state = state["random"][name]
        self.step, self.episode = int(state["step"]), None


def _of(part: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a part, by its own names for them."""
    return {name.removeprefix(f"{part}/"): value for name, value in arrays.items() if name.startswith(f"{part}/")}
