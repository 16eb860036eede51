"""A training of an actor by TD3: it is tested, stopped at any moment, kept, and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.versions import versions
from hetero_rsnn.control.acting_out import act_out
from hetero_rsnn.control.checkpoints import (
    VERSION,
    check_free,
    read_replay,
    read_training,
    write_training,
)
from hetero_rsnn.control.environments import make_environment
from hetero_rsnn.control.episode import repeated, seeds_of_test
from hetero_rsnn.control.policies import ControlPolicy
from hetero_rsnn.control.practice import Practice
from hetero_rsnn.control.settings import ControlSettings, ControlTest
from hetero_rsnn.gradient.checkpoints import json_file


class ControlTraining:
    """An actor that learns to act in an environment.

    Parameters
    ----------
    environment : str
        Name of an environment of gymnasium whose actions are a box, such as ``"Pendulum-v1"``.
    settings : ControlSettings
    seed : int
        Of all random numbers. One seed gives one result, on one machine, whatever is done meanwhile.

    Attributes
    ----------
    history : list of ControlTest
    practice : Practice
        The actor in its environment: all that a step moves.

    Raises
    ------
    HeteroError
        If there is no such environment, it cannot be learned from, or something that is needed is not installed.

    Examples
    --------
    >>> from hetero_rsnn.control.actor_settings import ActorSettings
    >>> small = ControlSettings(ActorSettings(kind="relu", hidden=(8,)), steps=300, random_steps=100, update_after=200,
    ...     critic_hidden=(8,), test_every=200, test_episodes=1)
    >>> training = ControlTraining("Pendulum-v1", small, seed=3)
    >>> training.run()
    >>> [test.step for test in training.history]
    [200, 300]
    """

    def __init__(self, environment: str, settings: ControlSettings, seed: int = 0) -> None:
        if not isinstance(settings, ControlSettings):
            raise HeteroError(
                f"settings must be ControlSettings, got {type(settings).__name__}", fix="write ControlSettings()"
            )
        need("torch", "rl", "training an actor")
        self.settings, self.seed = settings, checks.whole("seed", seed, least=0)
        self.practice, self._other = Practice(environment, settings, self.seed), make_environment(environment)
        practice = self.practice
        self.environment, self.learner = practice.environment, practice.learner
        self.normaliser, self.replay = practice.normaliser, practice.replay
        self.history: list[ControlTest] = []
        self._seconds = 0.0
        self._whole = True  # whether nothing was left half done
        self._repeats: bool | None = None  # whether the environment does the same again; None: not known yet
        self._kept: Path | None = None  # where, and of which step, the last checkpoint is
        self._kept_step = 0
        self._chunks: list[dict[str, Any]] = []

    @property
    def step(self) -> int:
        """Steps of the environment that were taken."""
        return self.practice.step

    @property
    def environment_id(self) -> str:
        """Name of the environment, with its version."""
        return self.environment.id

    @property
    def over(self) -> bool:
        """Whether all steps were taken."""
        return self.step >= self.settings.steps

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for whoever goes on from a checkpoint."""
        return {
            "version": VERSION, "environment": self.environment_id, "settings": self.settings.to_dict(),
            "seed": self.seed,
        }  # fmt: skip

    def run(
        self,
        report: Callable[[ControlTest], object] | None = None,
        checkpoint: str | Path | None = None,
        *,
        every: float = 60.0,
        until: int | None = None,
    ) -> None:
        """Train until all steps are taken.

        Parameters
        ----------
        report : callable, optional
            Called with every `ControlTest`. Whoever goes on from a checkpoint tells those that came after it again.
        checkpoint : path, optional
            Where the training is kept (a JSON file with others beside it): every so often, and at the end.
        every : float
            Seconds between two checkpoints; with 0 there is one after each step.
        until : int, optional
            Stop after so many steps; a further `run` goes on.

        Raises
        ------
        HeteroError
            If an observation, a reward, a return or a loss is not finite: the message names the step, and the last
            checkpoint is left as it is. If `checkpoint` is one of another training, or of a later step.
        """
        from hetero_rsnn.gradient.feedforward.running import torch_threads

        end = self.settings.steps if until is None else checks.whole("until", until, least=0)
        every = checks.real("every", every, least=0.0)
        self._refuse_half()
        path = None if checkpoint is None else json_file(checkpoint)
        if path is not None:
            check_free(path, self.identity, self.step)
        began = kept = time.monotonic()
        before = self._seconds
        with torch_threads(1):
            while self.step < min(end, self.settings.steps):
                self._whole, number = False, self.step + 1
                try:
                    self.practice.take_step()
                    tested = self.step % self.settings.test_every == 0 or self.over
                    self._seconds = before + time.monotonic() - began
                    if tested:
                        self._test()
                except HeteroError as error:
                    raise self._stopped(error, number, path) from None
                self._whole = True
                if tested and report is not None:
                    report(self.history[-1])
                if path is not None and time.monotonic() - kept >= every and self._can_be_kept():
                    self._write(path)
                    kept = time.monotonic()
            if path is not None and (self.over or self._can_be_kept()):
                self._write(path)

    def _refuse_half(self) -> None:
        if not self._whole:
            raise HeteroError(
                f"this training was stopped in the middle of step {self.step} or of the next",
                fix="restore its checkpoint, or begin anew",
            )

    def _stopped(self, error: HeteroError, number: int, path: Path | None) -> HeteroError:
        """Why, where, and what is left."""
        left = f"; {path} holds step {self._kept_step}" if path is not None and path == self._kept else ""
        return error.at(before=f"{self.environment_id}, step {number}: ", after=left)

    def _test(self) -> None:
        """Let the actor act without noise, in episodes of its own: nothing of the training moves."""
        seeds = seeds_of_test(self.seed, self.step, self.settings.test_episodes)
        returns, spikes = act_out(self.policy(), self._other, seeds)
        self.history.append(ControlTest(self.step, returns, spikes, self._seconds))

    def policy(self) -> ControlPolicy:
        """The actor as it is now, to act without torch, with the statistics of the observations until now."""
        known = self.normaliser
        return ControlPolicy(
            self.learner.actor.arrays(), mean=known.mean.copy(), sd=known.sd, clip=known.clip,
            environment=self.environment_id, seed=self.seed,
        )  # fmt: skip

    def _can_be_kept(self) -> bool:
        """Whether the episode can be taken up again where it stands: by doing the same again, or because it begins."""
        episode = self.practice.episode
        if episode is None or not episode.actions:
            return True
        if self._repeats is None:
            same = episode.repeats(self._other)
            # What an environment carries from one episode to the next shows in the second.
            if not same or episode.number:
                self._repeats = same
            return same
        return self._repeats

    def save(self, path: str | Path) -> Path:
        """Keep the training as it is now.

        Of an environment that does not do the same again, with the same seed and the same actions, only the beginning
        of an episode can be kept.

        Parameters
        ----------
        path : path
            A JSON file. Files with arrays lie beside it.

        Raises
        ------
        HeteroError
            If the training was stopped within a step, or stands in the middle of such an episode.
        OutputError
            If the place cannot be written.
        """
        self._refuse_half()
        if not (self.over or self._can_be_kept()):
            raise HeteroError(
                f"{self.environment_id} does not do the same again, and step {self.step} is amid an episode",
                fix="save when an episode begins",
            )
        return self._write(json_file(path))

    def _write(self, path: Path) -> Path:
        state = {
            **self.practice.state(), "seconds": self._seconds, "repeats": self._repeats,
            "history": [asdict(test) for test in self.history],
            "versions": versions() | {name: version(name) for name in ("torch", "gymnasium")},
        }  # fmt: skip
        written = self._chunks if path == self._kept else []
        self._chunks = write_training(path, self.identity, self.practice.arrays(), state, self.replay, written)
        self._kept, self._kept_step = path, self.step
        return path

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of the same training: what follows is what would have followed, to the last bit.

        Parameters
        ----------
        path : path

        Raises
        ------
        FileFormatError
            If it is missing or damaged, or belongs to another environment, actor, seed, other settings or another
            version of this package's trainings; or if the environment does not do again what it did.
        """
        path = json_file(path)
        arrays, said = read_training(path, self.identity)
        self._whole = False
        try:
            self._restore(path, arrays, said)
        except HeteroError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
            raise FileFormatError(f"{path} is damaged ({error!r:.200})", fix="restore a copy, or begin anew") from None
        self._whole = True

    def _restore(self, path: Path, arrays: dict[str, Any], said: dict[str, Any]) -> None:
        state, practice = said["state"], self.practice
        practice.take(arrays, state)
        self.history = [ControlTest(**{**test, "returns": tuple(test["returns"])}) for test in state["history"]]
        self._chunks = read_replay(path, said, arrays["recent"], self.replay)
        self._kept, self._kept_step = path, self.step
        self._seconds, self._repeats = float(state["seconds"]), state["repeats"]
        if state["episode"] is None:
            return
        practice.episode = repeated(self.environment, self.seed, int(state["episode"]), arrays["actions"])
        same = np.array_equal(practice.episode.observation, arrays["observation"])
        if not (same or self.over or self._repeats is False):
            raise FileFormatError(
                f"{self.environment_id} does not do again what it did in {path}",
                fix=f"use the versions of then ({state['versions']!s:.200}), or begin anew",
            )
