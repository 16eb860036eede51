"""Environments of gymnasium whose actions are numbers within limits."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.types import Array

#: More numbers than an actor is meant for: pictures.
_MOST = 10_000


class Environment:
    """An environment as a training sees it: observations and actions are vectors, an episode has a seed.

    Attributes
    ----------
    id : str
        Its full name, with a version, and with the package that registers it if that was named: another process, or a
        later one, finds it by this name.
    observations, actions : int
        How many numbers it tells and takes.
    low, high : ndarray, shape (actions,)
        Limits of the actions.
    env : gymnasium.Env
    """

    def __init__(self, env: Any, name: str) -> None:
        self.env = env
        package, colon, _ = name.rpartition(":")  # gymnasium drops it
        self.id: str = f"{package}{colon}{env.spec.id}" if env.spec is not None else name
        self.observations = _size(env.observation_space, self.id)
        self.low, self.high = _limits(env.action_space, self.id)
        self.actions = len(self.low)
        self._space: Any = env.action_space

    def reset(self, seed: int) -> Array:
        """The first observation, shape (observations,), of the episode with this seed."""
        return self._seen(self.env.reset(seed=seed)[0])

    def step(self, action: Array) -> tuple[Array, float, bool, bool]:
        """Act: the next observation, the reward, whether the episode ended, whether it was only cut off by a limit."""
        within = np.clip(np.asarray(action, self._space.dtype), self._space.low.ravel(), self._space.high.ravel())
        observation, reward, terminated, truncated, _ = self.env.step(within.reshape(self._space.shape))
        return self._seen(observation), float(reward), bool(terminated), bool(truncated)

    def _seen(self, observation: Any) -> Array:
        """A copy: some environments write the next observation to the same place."""
        seen = np.array(observation, np.float64).reshape(-1)
        if len(seen) != self.observations:
            raise HeteroError(
                f"{self.id} must tell {self.observations} numbers, as its observation_space says, got {len(seen)}",
                fix="mend the environment",
            )
        return seen

    def close(self) -> None:
        """Free what it holds."""
        self.env.close()


def make_environment(name: str, **options: Any) -> Environment:
    """An environment of gymnasium, by name.

    Parameters
    ----------
    name : str
        Such as ``"Pendulum-v1"``, or ``"package:Name-v0"`` of a package that registers its own.
    **options
        Of ``gymnasium.make``, such as ``render_mode="rgb_array"``.

    Raises
    ------
    HeteroError
        If gymnasium or what the environment needs is missing, there is no such environment, or its actions are not
        numbers within finite limits.

    Examples
    --------
    >>> pendulum = make_environment("Pendulum-v1")
    >>> pendulum.observations, pendulum.low, pendulum.high
    (3, array([-2.]), array([2.]))
    >>> make_environment("Pendulm-v1")
    Traceback (most recent call last):
    hetero_rsnn.common.errors.HeteroError: unknown environment 'Pendulm-v1' (did you mean 'Pendulum-v1'?)...
    """
    gymnasium = need("gymnasium", "rl", "an environment")
    if not isinstance(name, str):
        raise HeteroError(f"environment must be a name, got {name!r:.80}", fix='write e.g. "Pendulum-v1"')
    try:
        env = gymnasium.make(name, **{"disable_env_checker": True, **options})
    except gymnasium.error.UnregisteredEnv:
        near = suggest(name, gymnasium.registry)
        near = near if "did you mean" in near else ""
        raise HeteroError(
            f"unknown environment {name!r:.80}{near}", fix="gymnasium.pprint_registry() lists those that there are"
        ) from None
    except gymnasium.error.DependencyNotInstalled as error:
        raise _missing(name, str(error)) from None
    except ImportError as error:
        raise HeteroError(f"environment {name!r:.80} cannot be loaded ({error!s:.200})", fix="install it") from None
    except (gymnasium.error.Error, TypeError, ValueError) as error:
        raise HeteroError(f"environment {name!r:.80} cannot be made ({error!s:.200})", fix="name another one") from None
    try:
        return Environment(env, name)
    except HeteroError:
        env.close()
        raise


def _missing(name: str, why: str) -> HeteroError:
    """Something that an environment needs is not installed."""
    if "mujoco" in why.lower():
        return HeteroError(f"environment {name!r} needs MuJoCo", fix='pip install "hetero-rsnn[rl]"')
    found = re.search(r"gymnasium\[[\w-]+\]", why)
    fix = f'pip install "{found[0]}"' if found else "install it"
    return HeteroError(f"environment {name!r} needs what is not installed ({why:.200})", fix=fix)


def _size(space: Any, name: str) -> int:
    """How many numbers are told."""
    need_box = f"observations of {name} must be a box of numbers"
    if not _is_box(space):
        raise HeteroError(f"{need_box}, got {_kind(space)}", fix="name another environment, or wrap it")
    size: int = math.prod(space.shape)
    if not 1 <= size <= _MOST:
        raise HeteroError(
            f"{need_box}, from 1 to {_MOST:,} of them, got {size:,}", fix="wrap it so that it tells features"
        )
    return size


def _limits(space: Any, name: str) -> tuple[Array, Array]:
    """Lowest and highest actions."""
    if not (_is_box(space) and np.issubdtype(space.dtype, np.floating)):
        raise HeteroError(
            f"actions of {name} must be numbers within limits (a box), got {_kind(space)}",
            fix="name an environment with continuous actions",
        )
    low, high = (np.array(edge, np.float64).reshape(-1) for edge in (space.low, space.high))
    checks.whole("number of actions", len(low), least=1)
    bad = ~(np.isfinite(low) & np.isfinite(high) & (low < high))
    if bad.any():
        k = int(bad.argmax())
        raise HeteroError(
            f"actions of {name} must have finite limits, got {low[k]:g} and {high[k]:g} of action {k}",
            fix="wrap it in gymnasium.wrappers.RescaleAction or ClipAction",
        )
    return low, high


def _is_box(space: Any) -> bool:
    return isinstance(space, need("gymnasium", "rl", "an environment").spaces.Box)


def _kind(space: Any) -> str:
    """What a space is, in a few words."""
    if _is_box(space):
        return f"a box of {space.dtype}"
    return f"{space!r:.80}"
