"""What control.py does with torch: one training, which goes on from its checkpoint, and how long it will take.

Kept apart so that tables can be made where torch is not installed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from study_kit import Row

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import checkpoint_exists

#: Steps of an environment that say how long one takes.
TIMED = 100


@dataclass(frozen=True)
class Job:
    """A training.

    Attributes
    ----------
    name : str
        Of its cell.
    environment : str
    settings : dict
        As of `hetero_rsnn.ControlSettings.to_dict`.
    seed : int
    checkpoint : str
        Where it is kept while it is not finished.
    """

    name: str
    environment: str
    settings: Row
    seed: int
    checkpoint: str

    def training(self, **other: Any) -> hr.ControlTraining:
        """Not begun; `other` are settings that take the place of its own."""
        settings = hr.ControlSettings.from_dict({**self.settings, **other})
        return hr.ControlTraining(self.environment, settings, self.seed)


def train(job: Job) -> Row:
    """All tests of a training, and what of its neurons it has learned."""
    training = job.training()
    if checkpoint_exists(job.checkpoint):
        training.restore(job.checkpoint)
        print(f"  {job.name} goes on after step {training.step}", flush=True)
    training.run(lambda test: print(f"  {job.name}, {test}", flush=True), job.checkpoint)
    history = training.history
    return {
        "steps": [test.step for test in history], "returns": [list(test.returns) for test in history],
        "spikes": [test.spikes for test in history], "seconds": history[-1].seconds, **learned(training),
    }  # fmt: skip


def learned(training: hr.ControlTraining) -> Row:
    """Breakpoints and decays at the end, layer by layer, where they were learned."""
    settings, actor = training.settings.actor, training.learner.actor
    out: Row = {}
    if settings.learn_pseudo:
        out["breakpoints"] = [layer.breakpoints().tolist() for layer in actor.layers]
    if settings.learn_decays:
        for name in ("current_decay", "voltage_decay"):
            values = [layer.decay(name).detach().numpy() for layer in actor.layers]
            out[name] = {"mean": [float(v.mean()) for v in values], "sd": [float(v.std()) for v in values]}
    return out


def seconds_of(job: Job) -> float:
    """How long a training will take one core, by some of its updates and of the steps of its tests."""
    whole = job.training()
    s, every = whole.settings, whole.settings.update_every
    begun = every * max(1, round(s.batch_size / every))
    few = job.training(random_steps=0, update_after=begun, test_every=s.steps, steps=s.steps + begun + 2 * every)
    few.run(until=begun)  # compiled, and ready to learn
    begin = time.process_time()
    few.run(until=begun + 2 * every)
    per_step = (time.process_time() - begin) / (2 * every)
    policy, env = few.policy(), whole.environment
    seen, begin = env.reset(0), time.process_time()
    for k in range(TIMED):
        seen, _, ended, cut = env.step(policy(seen))
        if ended or cut:
            seen = env.reset(k)
    per_action = (time.process_time() - begin) / TIMED
    spec = env.env.spec
    length = (spec.max_episode_steps if spec is not None else None) or 1000
    tests = int(np.ceil(s.steps / s.test_every)) * s.test_episodes
    return max(0, s.steps - s.update_after) * per_step + tests * length * per_action
