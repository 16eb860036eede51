"""A policy that acts for whole episodes, without noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.control.environments import Environment
from hetero_rsnn.control.policies import ControlPolicy


def act_out(policy: ControlPolicy, environment: Environment, seeds: Sequence[int]) -> tuple[tuple[float, ...], float]:
    """Returns of the episodes with these seeds, and mean spikes of an action.

    Raises
    ------
    HeteroError
        If a return is not finite.
    """
    returns, spikes, actions = [], 0, 0
    policy.reset()
    for seed in seeds:
        observation, rewards, over = environment.reset(seed), 0.0, False
        while not over:
            action = policy(observation)
            spikes, actions = spikes + policy.spikes, actions + 1
            observation, reward, terminated, truncated = environment.step(action)
            rewards, over = rewards + reward, terminated or truncated
        if not math.isfinite(rewards):
            raise HeteroError(f"return of a test episode must be finite, got {rewards}", fix="mend the environment")
        returns.append(rewards)
    return tuple(returns), spikes / actions
