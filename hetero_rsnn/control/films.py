"""An episode that is watched: what the policy saw and did, what it earned and spent, and pictures, if there are any."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.control.environments import Environment, make_environment
from hetero_rsnn.control.policies import ControlPolicy


@dataclass(frozen=True, eq=False)
class EpisodeRecording:
    """An episode, step by step.

    Attributes
    ----------
    environment : str
    seed : int
    observations : ndarray, shape (steps, observations)
        Before each action.
    actions : ndarray, shape (steps, actions)
    rewards : ndarray, shape (steps,)
    spikes : ndarray of int, shape (steps,)
        Of all neurons, for each action.
    frames : ndarray of uint8, shape (pictures, height, width, 3)
        Pictures of the states before every `every`-th action; none if they were not asked for.
    every : int
    """

    environment: str
    seed: int
    observations: Array
    actions: Array
    rewards: Array
    spikes: Ints
    frames: NDArray[np.uint8]
    every: int

    @property
    def total(self) -> float:
        """The return: the sum of the rewards."""
        return float(self.rewards.sum())

    def __len__(self) -> int:
        return len(self.rewards)


def record_episode(
    policy: ControlPolicy,
    environment: str | None = None,
    *,
    seed: int = 0,
    pictures: bool = True,
    every: int = 4,
    most: int = 10_000,
) -> EpisodeRecording:
    """Let a policy act for an episode, without noise, and keep what happens.

    Parameters
    ----------
    policy : ControlPolicy
    environment : str, optional
        Default: the one that the policy was trained in.
    seed : int
        Of the episode, as gymnasium takes it.
    pictures : bool
        Render the states. Pendulum and other classic environments need pygame, those of MuJoCo a way to draw without
        a screen: where there is none and ``MUJOCO_GL`` is not set, EGL is tried.
    every : int
        Render before every so manieth action.
    most : int
        Steps after which to stop, for an environment without an end.

    Returns
    -------
    EpisodeRecording

    Raises
    ------
    HeteroError
        If there is no environment, it does not fit the policy, or its states cannot be rendered here.

    Examples
    --------
    >>> from hetero_rsnn.control.actor_arrays import ActorArrays
    >>> from hetero_rsnn.control.actor_settings import ActorSettings
    >>> arrays = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(2), "1.weight": np.ones((2, 1))}
    >>> arrays |= {"1.bias": np.zeros(1), "centre": np.zeros(1), "reach": np.full(1, 2.0)}
    >>> policy = ControlPolicy(ActorArrays(ActorSettings("relu", hidden=(2,)), arrays), environment="Pendulum-v1")
    >>> episode = record_episode(policy, pictures=False)
    >>> len(episode), episode.actions.shape, episode.frames.shape[0]
    (200, (200, 1), 0)
    """
    if not isinstance(policy, ControlPolicy):
        raise HeteroError(f"policy must be a ControlPolicy, got {type(policy).__name__}", fix="train or load one")
    name = policy.environment if environment is None else environment
    if not name:
        raise HeteroError("this policy does not know where it was trained", fix="give the environment")
    seed = checks.whole("seed", seed, least=0, most=2**31 - 1)
    every, most = checks.whole("every", every, least=1), checks.whole("most", most, least=1)
    with _headless(pictures):
        env = make_environment(name, **({"render_mode": "rgb_array"} if pictures else {}))
        try:
            if pictures:
                _refuse_blind(env)
            return _record(policy, env, seed, every if pictures else 0, most)
        finally:
            env.close()


def _record(policy: ControlPolicy, env: Environment, seed: int, every: int, most: int) -> EpisodeRecording:
    if (env.observations, env.actions) != (policy.observations, policy.actions):
        raise HeteroError(
            f"{env.id} tells {env.observations} numbers and takes {env.actions}, "
            f"the policy has {policy.observations} and {policy.actions}",
            fix="choose the environment that it was trained in",
        )
    policy.reset()
    observation, over = env.reset(seed), False
    seen: list[Array] = []
    done: list[Array] = []
    rewards: list[float] = []
    spikes: list[int] = []
    frames: list[NDArray[np.uint8]] = []
    while not over and len(seen) < most:
        if every and len(seen) % every == 0:
            frames.append(_picture(env))
        action = policy(observation)
        seen.append(observation)
        done.append(action)
        spikes.append(policy.spikes)
        observation, reward, terminated, truncated = env.step(action)
        rewards.append(reward)
        over = terminated or truncated
    pictures = np.stack(frames) if frames else np.zeros((0, 1, 1, 3), np.uint8)
    return EpisodeRecording(
        env.id, seed, np.array(seen), np.array(done), np.array(rewards), np.array(spikes, np.int64), pictures,
        max(every, 1),
    )  # fmt: skip


def _refuse_blind(env: Environment) -> None:
    """Refuse an environment that draws no pictures, wherever it runs."""
    modes = env.env.metadata.get("render_modes") or []
    if "rgb_array" not in modes:
        raise HeteroError(
            f"{env.id} draws no pictures (rgb_array is none of its render_modes {list(modes)!s:.80})",
            fix="leave pictures out",
        )


def _picture(env: Environment) -> NDArray[np.uint8]:
    try:
        frame = env.env.render()
    except Exception as error:  # drivers and libraries fail in ways of their own
        why = " ".join(f"{type(error).__name__}: {error}".split())
        fix = "install pygame" if "pygame" in why else "set MUJOCO_GL to egl or osmesa, if this machine has one"
        raise HeteroError(
            f"{env.id} cannot be rendered here ({why:.160})", fix=f"{fix}, or leave pictures out"
        ) from None
    picture = np.asarray(frame)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise HeteroError(
            f"{env.id} must render pictures (height, width, 3), got {picture.shape}", fix="leave pictures out"
        )
    return picture.astype(np.uint8)


@contextmanager
def _headless(wanted: bool) -> Iterator[None]:
    """Let MuJoCo draw by EGL where there is no screen, unless the user has chosen."""
    set_here = wanted and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"} & set(os.environ)
    if set_here:
        os.environ["MUJOCO_GL"] = "egl"
    try:
        yield
    finally:
        if set_here:
            os.environ.pop("MUJOCO_GL", None)


def some_frames(recording: EpisodeRecording, count: int) -> tuple[list[int], list[Any]]:
    """Steps and pictures, evenly over the episode, at most so many."""
    at = np.unique(np.linspace(0, len(recording.frames) - 1, min(count, len(recording.frames))).round().astype(int))
    return [int(k) * recording.every for k in at], [recording.frames[k] for k in at]
