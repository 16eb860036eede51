"""The training of one seed in legs, from test to test, in whichever process is free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hetero_rsnn.control.policies import save_policy
from hetero_rsnn.control.settings import ControlSettings, ControlTest
from hetero_rsnn.control.training import ControlTraining
from hetero_rsnn.gradient.checkpoints import checkpoint_exists


@dataclass(frozen=True)
class SeedLeg:
    """A part of the training of a seed.

    Attributes
    ----------
    environment : str
    settings : dict
        As of `ControlSettings.to_dict`, which every process reads.
    seed : int
    folder : str
        Where the checkpoint and the policy lie.
    begun : int
        Steps until the last test that is known.
    """

    environment: str
    settings: dict[str, Any]
    seed: int
    folder: str
    begun: int = 0

    @property
    def checkpoint(self) -> Path:
        return Path(self.folder) / f"seed-{self.seed}.json"

    @property
    def policy(self) -> Path:
        return Path(self.folder) / f"policy-{self.seed}.json"

    def after(self, step: int) -> SeedLeg | None:
        """The next leg, or None at the end."""
        return replace(self, begun=step) if step < self.settings["steps"] else None


@dataclass(frozen=True)
class LegNews:
    """What a leg gave: tests that are new, and the step that the training is at."""

    tests: tuple[ControlTest, ...]
    step: int


#: The training that this process ran last, and for which leg: the next leg is most often of the same.
_last: tuple[SeedLeg, ControlTraining] | None = None


def run_leg(leg: SeedLeg) -> LegNews:
    """Train until the next test, keep a checkpoint and, at the end, the policy."""
    global _last
    kept, _last = _last, None  # whatever fails in between leaves nothing that is half done
    if kept is not None and replace(kept[0], begun=leg.begun) == leg and kept[1].step >= leg.begun:
        training = kept[1]
    else:
        training = ControlTraining(leg.environment, ControlSettings.from_dict(leg.settings), leg.seed)
        if checkpoint_exists(leg.checkpoint):
            training.restore(leg.checkpoint)
    settings = training.settings
    until = min((leg.begun // settings.test_every + 1) * settings.test_every, settings.steps)
    training.run(checkpoint=leg.checkpoint, until=until)
    news = LegNews(tuple(test for test in training.history if test.step > leg.begun), training.step)
    if training.over:
        save_policy(training.policy(), leg.policy, overwrite=True)
    else:
        _last = leg, training
    return news
