"""A trained actor that acts: with the statistics of its training, as files, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_arrays import ActorArrays


class ControlPolicy:
    """A trained actor: ``policy(observation)`` is an action."""

    def __init__(
        self,
        actor: ActorArrays,
        *,
        mean: Any = None,
        sd: Any = None,
        clip: float = 3.0,
        environment: str = "",
        seed: int = 0,
    ) -> None:
        raise NotImplementedError

    def __call__(self, observation: Any) -> Array:
        """An action, shape (actions,), for an observation of shape (observations,)."""
        raise NotImplementedError

    @property
    def spikes(self) -> int:
        """Spikes of the last action."""
        raise NotImplementedError

    def reset(self) -> None:
        """Begin anew: the random numbers of an encoder that draws are those of the seed again."""
        raise NotImplementedError


def save_policy(policy: ControlPolicy, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a policy to a JSON file, with its arrays beside it."""
    raise NotImplementedError


def load_policy(path: str | Path) -> ControlPolicy:
    """Read a policy that `save_policy` has written."""
    raise NotImplementedError
