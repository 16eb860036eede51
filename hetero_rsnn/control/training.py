"""A training of an actor by TD3 that can be stopped at any moment and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hetero_rsnn.control.policies import ControlPolicy
from hetero_rsnn.control.settings import ControlSettings, ControlTest


class ControlTraining:
    """An actor that learns to act in an environment.

    Parameters
    ----------
    environment : str
        Name of an environment of gymnasium whose actions are a box, such as ``"Pendulum-v1"``.
    settings : ControlSettings
    seed : int
        Of all random numbers. One seed gives one result.

    Attributes
    ----------
    history : list of ControlTest
    step : int
        Steps of the environment that were taken.
    """

    def __init__(self, environment: str, settings: ControlSettings, seed: int = 0) -> None:
        self.environment_id, self.settings, self.seed = environment, settings, seed
        self.history: list[ControlTest] = []
        self.step = 0

    @property
    def over(self) -> bool:
        """Whether all steps were taken."""
        return self.step >= self.settings.steps

    def run(
        self,
        report: Callable[[ControlTest], object] | None = None,
        checkpoint: str | Path | None = None,
        *,
        every: float = 60.0,
        until: int | None = None,
    ) -> None:
        """Train until all steps are taken (or `until` of them), telling every test, keeping a checkpoint.

        `every` are the seconds between checkpoints.
        """
        raise NotImplementedError

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of the same training: what follows is what would have followed."""
        raise NotImplementedError

    def policy(self) -> ControlPolicy:
        """The actor as it is now, to act without torch."""
        raise NotImplementedError
