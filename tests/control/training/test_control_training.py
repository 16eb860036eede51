"""A training of an actor: one seed, one result; killed at any moment and taken up again, the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from helpers import ROOT, refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.control import checkpoints
from hetero_rsnn.control.training import ControlTraining

pytestmark = pytest.mark.torch

SMALL: dict[str, Any] = {
    "steps": 330, "random_steps": 60, "update_after": 80, "update_every": 10, "batch_size": 16,
    "critic_hidden": (8,), "test_every": 110, "test_episodes": 2, "proxy_hidden": (8,),
}  # fmt: skip
RELU = hr.ActorSettings(kind="relu", hidden=(8,))
SPIKING = hr.ActorSettings(hidden=(8,), population=4)
DRAWING = hr.ActorSettings(hidden=(8,), population=4, encoder="bernoulli")


def settings(actor: hr.ActorSettings = RELU, **change: Any) -> hr.ControlSettings:
    return hr.ControlSettings(actor, **{**SMALL, **change})


def everything(training: ControlTraining) -> dict[str, Any]:
    """All that a training knows, except how long it took."""
    known: dict[str, Any] = {k: v.tobytes() for k, v in training.learner.arrays().items()}
    known |= {k: v.tobytes() for k, v in training.normaliser.arrays().items()}
    known["replay"] = training.replay.rows(training.replay.oldest, training.replay.total).tobytes()
    known["tests"] = [(test.step, test.returns, test.spikes) for test in training.history]
    known["random"] = json.dumps([dict(g.bit_generator.state) for g in training.practice.random.values()])
    known["encoders"] = json.dumps(training.learner.random_states)
    assert training.practice.episode is not None
    known["episode"] = (
        training.practice.episode.number,
        training.practice.episode.observation.tobytes(),
        training.step,
    )
    return known


def trained(actor: hr.ActorSettings = RELU, seed: int = 3, name: str = "Pendulum-v1", **change: Any) -> ControlTraining:
    training = ControlTraining(name, settings(actor, **change), seed)
    training.run()
    return training


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.fixture
def outside():
    """Numpy's and torch's own random numbers, which are put back."""
    before = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    yield
    np.random.set_state(before[0])  # noqa: NPY002
    torch.set_rng_state(before[1])


def test_one_seed_gives_one_result_and_nothing_else_moves(outside):
    found = []
    for seed in (5, 6):
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        before = np.random.get_state()[1].copy(), torch.get_rng_state().clone(), torch.get_num_threads()  # noqa: NPY002
        found.append(first := trained(SPIKING))
        assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), before[1]) and torch.get_num_threads() == before[2]
    same(*map(everything, found))
    other = everything(trained(SPIKING, seed=4))
    assert other["tests"] != everything(first)["tests"]
    assert [test.step for test in first.history] == [110, 220, 330]
    assert all(len(test.returns) == 2 and test.spikes > 0 for test in first.history)
    assert first.learner.updates == 260 and first.over


def test_tests_do_not_move_the_training():
    often, seldom = (everything(trained(DRAWING, test_every=n, test_episodes=m)) for n, m in ((30, 1), (330, 3)))
    assert often.pop("tests") != seldom.pop("tests")
    same(often, seldom)


@pytest.mark.parametrize(
    ("actor", "change"),
    [(SPIKING, {}), (DRAWING, {}), (RELU, {"target": "proxy", "buffer_size": 90}), (RELU, {"normalise": False})],
    ids=["spiking", "drawing", "proxy", "as they are"],
)
def test_in_pieces_as_in_one_go(tmp_path, monkeypatch, actor, change):
    monkeypatch.setattr(checkpoints, "CHUNK", 32)
    whole, path = everything(trained(actor, **change)), tmp_path / "run"
    for end in (0, 1, 59, 83, 90, 199, 200, 201, 275, 330):
        training = ControlTraining("Pendulum-v1", settings(actor, **change), 3)
        if end:
            training.restore(path)
        told: list[int] = []
        training.run(lambda test, told=told: told.append(test.step), path, until=end)
        assert training.step == end
    assert told == [330]
    same(everything(training), whole)
    training = ControlTraining("Pendulum-v1", settings(actor, **change), 3)
    training.restore(path)
    assert training.over
    same(everything(training), whole)
    assert training.history[-1].seconds >= training.history[0].seconds > 0


SCRIPT = """
import json, os, sys
import hetero_rsnn as hr
from hetero_rsnn.control.checkpoints import checkpoint_exists
from hetero_rsnn.control.training import ControlTraining
name, path, settings = sys.argv[1], sys.argv[2], hr.ControlSettings.from_dict(json.loads(sys.argv[3]))
training = ControlTraining(name, settings, 3)
if checkpoint_exists(path):
    training.restore(path)
print("from", training.step, flush=True)
training.run(None, path, every=0.02)
print("over", flush=True)
"""


def killed_again_and_again(tmp_path: Path, name: str, chosen: hr.ControlSettings, lives: int) -> ControlTraining:
    """A training in processes that are killed with no warning: after a checkpoint, at a moment that is not chosen."""
    path, random, begun = tmp_path / "run.json", np.random.default_rng(), []
    words = [sys.executable, "-c", SCRIPT, name, str(path), json.dumps(chosen.to_dict())]
    for life in range(lives + 1):
        before = path.read_bytes() if path.exists() else b""
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("from "), line
        begun.append(int(line.split()[1]))
        if life < lives:
            while process.poll() is None and not (path.exists() and path.read_bytes() != before):
                time.sleep(0.01)
            time.sleep(float(random.uniform(0.0, 0.3)))
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        if "over" in rest:
            break
    assert begun[0] == 0 and len(begun) > 1 and (np.diff(begun) > 0).all()
    training = ControlTraining(name, chosen, 3)
    training.restore(path)
    assert training.over
    return training


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_at_any_moment(tmp_path):
    chosen = settings(DRAWING, steps=1500, test_every=100)
    there = killed_again_and_again(tmp_path, "Pendulum-v1", chosen, 3)
    same(everything(there), everything(trained(DRAWING, steps=1500, test_every=100)))
    names = [path.name for path in tmp_path.iterdir()]
    assert "run.json" in names


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HalfCheetah-v5", "Hopper-v5"])
def test_killed_at_any_moment_in_mujoco(tmp_path, name):
    pytest.importorskip("mujoco")
    change = {"steps": 1300, "test_every": 400, "test_episodes": 1}
    there = killed_again_and_again(tmp_path, name, settings(SPIKING, **change), 2)
    same(everything(there), everything(trained(SPIKING, name=name, **change)))


class Odd(gymnasium.Env):
    """Ends or is cut off after eight steps; goes wrong in a step that is chosen; may remember other episodes."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float64)
    action_space = Box(np.array([1.0], np.float32), np.array([4.0], np.float32))

    def __init__(self, wrong: str = "", at: int = 90, ends: bool = False, remembers: bool = False) -> None:
        self.wrong, self.at, self.ends, self.remembers, self.taken, self.low, self.high = (
            wrong,
            at,
            ends,
            remembers,
            0,
            9,
            0,
        )
        self.before = 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.here, self.left = self.np_random.normal(size=2), 8
        if self.remembers:
            self.before += 1.0
            self.here += self.before
        return self.here.copy(), {}

    def step(self, action: Any) -> Any:
        self.taken += 1
        self.left -= 1
        self.low, self.high = min(self.low, action[0]), max(self.high, action[0])
        self.here = 0.9 * self.here + action[0] * np.array([0.1, -0.2])
        value: Any = {"observation": np.nan, "reward": np.inf, "huge": 1e39, "dear": -1e39, "": 0.0}[self.wrong]
        bad = bool(self.wrong) and self.taken == self.at
        told = self.here + (value if bad and self.wrong in ("observation", "huge") else 0.0)
        reward = value if bad and self.wrong in ("reward", "dear") else -float(self.here[0] ** 2)
        over = self.left == 0
        return told, reward, over and self.ends, over and not self.ends, {}


@pytest.fixture
def odd():
    names = []

    def give(**options: Any) -> str:
        names.append(f"hetero_rsnn_test/Odd{len(names)}-v0")
        gymnasium.register(names[-1], entry_point=lambda **_: Odd(**options))
        return names[-1]

    yield give
    for name in names:
        del gymnasium.registry[name]


@pytest.mark.parametrize("ends", [True, False])
def test_only_an_end_ends_the_return(odd, ends):
    training = trained(name=odd(ends=ends), steps=90)
    rows = training.replay.rows(0, 90)
    assert rows[:, -1].tolist() == [float(ends and k % 8 == 7) for k in range(90)]
    same_episode = np.arange(89) % 8 != 7
    assert (rows[:-1, 2:4] == rows[1:, :2]).all(1).tolist() == same_episode.tolist()
    # Limits are not symmetric, and both ends of them are met.
    env = training.environment.env.unwrapped
    assert 1.0 <= env.low < 1.1 and 3.9 < env.high <= 4.0
    given = np.array(training.practice.episode.actions)[:, 0]
    np.testing.assert_allclose(given, 2.5 + 1.5 * rows[88:90, 4], rtol=1e-6)
    seen = np.vstack([rows[::8, :2], rows[:, 2:4]])
    np.testing.assert_allclose(training.normaliser.mean, seen.mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("observation", ["nan", "number 0"]),
        ("reward", ["reward", "inf"]),
        ("huge", ["1e+39"]),
        ("dear", ["reward", "-1e+39"]),
    ],
)
def test_what_is_not_finite_stops_the_training(odd, tmp_path, wrong, words):
    name = odd(wrong=wrong, at=94)
    training = ControlTraining(name, settings(), 3)
    training.run(None, tmp_path / "run", until=83)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused(
        lambda: training.run(None, tmp_path / "run"), name, "step 94", *words, "run.json holds step 83",
        error=HeteroError,
    )  # fmt: skip
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
    refused(training.run, "stopped", "restore")
    refused(lambda: training.save(tmp_path / "other"), "stopped")
    training.restore(tmp_path / "run")
    assert training.step == 83
    training.environment.env.unwrapped.taken = 1000
    training.run(until=99)
    assert training.step == 99


def test_networks_that_grow_beyond_all_numbers(odd):
    training = ControlTraining("Pendulum-v1", settings(critic_lr=1e30), 3)
    refused(training.run, "Pendulum-v1, step 80", "loss of the", "learning rates")


def test_an_environment_that_does_not_do_the_same_again(odd, tmp_path):
    name = odd(remembers=True)
    training = ControlTraining(name, settings(), 3)
    training.run(None, tmp_path / "run", every=0.0, until=93)
    refused(lambda: training.save(tmp_path / "other"), "step 93", "same again")
    again = ControlTraining(name, settings(), 3)
    again.restore(tmp_path / "run")
    assert again.step == 88  # where an episode begins
    again.run(None, tmp_path / "run")
    assert again.over
    over = ControlTraining(name, settings(), 3)
    over.restore(tmp_path / "run")
    assert over.over and over.history == again.history


def test_another_physics_is_found_out(odd, tmp_path, monkeypatch):
    name = odd()
    training = ControlTraining(name, settings(), 3)
    training.run(None, tmp_path / "run", until=85)
    usual = Odd.step

    def moved(self: Odd, action: Any) -> Any:
        told, *rest = usual(self, action)
        return told * (1 + 1e-15), *rest

    monkeypatch.setattr(Odd, "step", moved)
    other = ControlTraining(name, settings(), 3)
    refused(lambda: other.restore(tmp_path / "run"), "does not do again", "gymnasium", error=FileFormatError)


def test_checkpoints_of_other_trainings(tmp_path):
    path = tmp_path / "run"
    training = ControlTraining("Pendulum-v1", settings(), 3)
    training.run(None, path, until=20)
    others = {
        "environment must be 'MountainCarContinuous-v0', got 'Pendulum-v1'": (
            "MountainCarContinuous-v0",
            settings(),
            3,
        ),
        "settings.actor.kind must be 'lif', got 'relu'": ("Pendulum-v1", settings(SPIKING), 3),
        "settings.gamma must be 0.5, got 0.99": ("Pendulum-v1", settings(gamma=0.5), 3),
        "seed must be 4, got 3": ("Pendulum-v1", settings(), 4),
    }
    for words, (name, chosen, seed) in others.items():
        other = ControlTraining(name, chosen, seed)
        refused(lambda other=other: other.restore(path), words, error=FileFormatError)
        refused(lambda other=other: other.run(None, path), words, error=FileFormatError)
        assert other.step == 0
    anew = ControlTraining("Pendulum-v1", settings(), 3)
    refused(lambda: anew.run(None, path), "step 20", "restore", error=FileFormatError)


def test_a_damaged_checkpoint(tmp_path):
    training = ControlTraining("Pendulum-v1", settings(), 3)
    training.run(None, tmp_path / "run", until=20)
    arrays, about = checkpoints.read_checkpoint(tmp_path / "run")
    del arrays["learner/critics/weights.0"]
    said = {name: about[name] for name in ("kind", "control", "seal")}
    checkpoints.write_checkpoint(tmp_path / "run", arrays, said)
    refused(lambda: training.restore(tmp_path / "run"), "damaged", "weights.0", error=FileFormatError)
    refused(training.run, "stopped")


def test_the_policy_is_what_is_tested():
    training = trained(SPIKING)
    policy = training.policy()
    environment, returns = gymnasium.make("Pendulum-v1"), []
    from hetero_rsnn.control.episode import seeds_of_test

    for seed in seeds_of_test(3, 330, 2):
        (observation, _), total, over = environment.reset(seed=seed), 0.0, False
        while not over:
            observation, reward, ended, cut, _ = environment.step(policy(observation).astype(np.float32))
            total, over = total + reward, ended or cut
        returns.append(total)
    np.testing.assert_allclose(returns, training.history[-1].returns, rtol=1e-12)
    x = torch.tensor(training.normaliser(environment.reset(seed=1)[0].astype(float))[None], dtype=torch.float32)
    assert abs(training.learner.actor(x).item() - float(policy(environment.reset(seed=1)[0])[0])) < 1e-4


def test_arguments_that_are_refused():
    refused(lambda: ControlTraining("Pendulum-v1", {"steps": 3}), "ControlSettings")  # type: ignore[arg-type]
    refused(lambda: ControlTraining("Pendulum-v1", settings(), -1), "seed")
    training = ControlTraining("Pendulum-v1", settings())
    refused(lambda: training.run(every=-1.0), "every")
    refused(lambda: training.run(until=2.5), "until")  # type: ignore[arg-type]
