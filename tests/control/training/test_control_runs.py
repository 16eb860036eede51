"""Several seeds with a journal: the same in any number of processes, killed and resumed; what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from helpers import ROOT, exit_2, refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import JournalError

pytestmark = pytest.mark.torch

SMALL: dict[str, Any] = {
    "actor": hr.ActorSettings(hidden=(8,), population=4), "steps": 330, "random_steps": 60, "update_after": 80,
    "update_every": 10, "batch_size": 16, "critic_hidden": (8,), "test_every": 110, "test_episodes": 1,
}  # fmt: skip
WORDS = [
    "control", "Pendulum-v1", "--hidden", "8", "--steps", "330", "--seeds", "2", "--set", "actor.population=4",
    "--set", "random_steps=60", "--set", "update_after=80", "--set", "update_every=10", "--set", "batch_size=16",
    "--set", "critic_hidden=[8]", "--set", "test_every=110", "--set", "test_episodes=1", "--pseudo", "rectangle",
]  # fmt: skip


class Odd(gymnasium.Env[Any, Any]):
    """Episodes of 100 steps; NaN after 150 steps in all, which training takes before the second test."""

    observation_space = Box(-1, 1, (2,))
    action_space = Box(-1.0, 1.0, (1,))

    total = 0

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        self.count = 0
        return np.zeros(2), {}

    def step(self, action):
        self.count, self.total = self.count + 1, self.total + 1
        return np.full(2, np.nan if self.total == 150 else 0.1), 1.0, False, self.count == 100, {}


class Choice(Odd):
    action_space = Discrete(3)


gymnasium.register("HeteroOdd-v0", Odd)
gymnasium.register("HeteroChoice-v0", Choice)


def same(one: hr.ControlResult, other: hr.ControlResult) -> None:
    assert one.seeds == other.seeds and one.steps.tolist() == other.steps.tolist() == [110, 220, 330]
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.spikes, other.spikes)
    for seed, policy in one.policies.items():
        assert policy([0.3, -0.2, 1.0]) == other.policies[seed]([0.3, -0.2, 1.0])


@pytest.fixture(scope="module")
def plain() -> hr.ControlResult:
    """Two seeds in this process, without a journal."""
    return hr.train_control("Pendulum-v1", seeds=2, **SMALL)


def test_processes_and_a_journal_change_nothing(plain, tmp_path):
    told, done = [], []
    path = tmp_path / "runs" / "p.jsonl"
    found = hr.train_control(
        "Pendulum-v1", seeds=2, journal=path, workers=2, on_test=lambda seed, test: told.append((seed, test.step)),
        progress=lambda k, total: done.append((k, total)), **SMALL,
    )  # fmt: skip
    same(found, plain)
    assert sorted(told) == [(s, k) for s in (0, 1) for k in (110, 220, 330)] and done[-1] == (660, 660)
    same(hr.ControlResult.from_journal(path), found)
    assert hr.ControlResult.from_journal(path).done
    left = {p.suffix for p in (tmp_path / "runs" / "p-seeds").iterdir()}
    assert left == {".json", ".npz"} and not list((tmp_path / "runs" / "p-seeds").glob("seed-*"))
    # One seed more, and nothing of the others again.
    told.clear()
    more = hr.train_control(
        "Pendulum-v1", seeds=[1, 5], journal=path, resume=True, on_test=lambda s, t: told.append(s), **SMALL
    )
    assert more.seeds == (0, 1, 5) and told == [5, 5, 5]


def test_killed_and_resumed_equals_never_stopped(plain, tmp_path):
    path = tmp_path / "p.jsonl"
    words = [sys.executable, "-m", "hetero_rsnn.cli", *WORDS, "--journal", str(path), "--workers", "2"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    end = time.monotonic() + 300
    while time.monotonic() < end and not (path.exists() and path.read_bytes().count(b'"test"') >= 2):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = path.read_bytes()
    assert 2 <= before.count(b'"test"') < 6
    ended = subprocess.run([*words, "--resume"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert path.read_bytes().startswith(before)
    assert "steps, " in ended.stderr and " left" in ended.stderr and "return" in ended.stderr
    same(hr.ControlResult.from_journal(path), plain)


def test_a_seed_that_meets_nan_names_its_step_and_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "odd.jsonl"
    call = {"seeds": 1, "journal": path, **SMALL}
    refused(lambda: hr.train_control("HeteroOdd-v0", **call), "seed 0", "step 150", "nan", "holds step 110")
    found = hr.ControlResult.from_journal(path)
    assert [test.step for test in found.histories[0]] == [110] and "step 150" in found.errors[0]
    assert (tmp_path / "odd-seeds" / "seed-0.json").is_file()


def test_what_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "p.jsonl"

    def call(name="Pendulum-v1", **change):
        return lambda: hr.train_control(name, **{"journal": path, **SMALL, **change})

    refused(call("Pendulm-v1"), "unknown environment 'Pendulm-v1' (did you mean 'Pendulum-v1'?)")
    refused(call("HeteroChoice-v0"), "must be numbers within limits (a box), got Discrete(3)")
    refused(call(pseudo="triangle"), "is for an actor that is not given")
    refused(call(gama=0.9), "no setting 'gama' (did you mean 'gamma'?)")
    refused(call(seeds=0), "seeds must be a whole number from 1 to 100000, got 0")
    refused(call(seeds=[1, 1]), "seeds must differ")
    refused(call(workers=0), "workers must be a whole number >= 1, got 0")
    refused(call(journal=None, resume=True), "resume needs the journal")
    refused(call(resume=True), "there is no journal", error=JournalError)
    assert not path.exists()
    (tmp_path / "p-seeds").mkdir()
    (tmp_path / "p-seeds" / "seed-0.json").write_text("{}")
    refused(call(), "holds files of an earlier run without its journal", error=JournalError)


def test_a_journal_of_another_training(tmp_path):
    path = tmp_path / "p.jsonl"
    hr.train_control("Pendulum-v1", journal=path, seeds=1, **{**SMALL, "steps": 110})
    call = {"journal": path, "resume": True, "seeds": 1, **SMALL}
    refused(lambda: hr.train_control("Pendulum-v1", **call), "steps = 110, not 330", error=JournalError)
    actor = hr.ActorSettings(hidden=(8,), population=5)
    other = {**call, "steps": 110, "actor": actor}
    refused(lambda: hr.train_control("Pendulum-v1", **other), "actor.population = 4, not 5", error=JournalError)
    refused(lambda: hr.train_control("HeteroOdd-v0", **{**call, "steps": 110}), "of the environment Pendulum-v1")
    again = {**call, "steps": 110, "resume": False}
    refused(lambda: hr.train_control("Pendulum-v1", **again), "exists already", error=JournalError)


def test_an_episode(plain):
    one = hr.record_episode(plain.policies[0], pictures=False, seed=4)
    other = gymnasium.make("Pendulum-v1")
    policy, (seen, _) = plain.policies[0], other.reset(seed=4)
    rewards, spikes = [], []
    for k in range(200):
        action = policy(seen)
        np.testing.assert_array_equal(one.actions[k], action)
        spikes.append(policy.spikes)
        seen, reward, *_ = other.step(action.astype(np.float32))
        rewards.append(reward)
    assert one.total == pytest.approx(sum(rewards)) and one.spikes.tolist() == spikes
    refused(lambda: hr.record_episode(plain.policies[0], "HeteroOdd-v0", pictures=False), "tells 2 numbers")
    odd = hr.ActorSettings("relu", hidden=(2,))
    blind = hr.ControlPolicy(hr.build_actor(odd, 2, 1, (-1, 1)).arrays(), environment="HeteroOdd-v0")
    with pytest.warns(UserWarning, match="render_mode"):  # gymnasium's own
        refused(lambda: hr.record_episode(blind), "HeteroOdd-v0 draws no pictures", "leave pictures out")
    short = hr.record_episode(plain.policies[0], pictures=False, most=7)
    assert len(short) == 7 and short.frames.shape[0] == 0


def test_the_command_refuses_in_one_line(run, tmp_path):
    exit_2(run("control", "Pendulm-v1", "--seeds", "1"), "did you mean 'Pendulum-v1'")
    exit_2(run("control", "Pendulum-v1", "--resume"), "--resume needs the journal to go on with")
    exit_2(run("control", "Pendulum-v1", "--resume", "-j", "no.jsonl"), "leave out --resume to start one")
    exit_2(run("control", "Pendulum-v1", "--pseudo", "trapez"), "trapez")
    exit_2(run("control", "Pendulum-v1", "--actor", "relu", "--pseudo", "triangle"), "leave one away")
    exit_2(run("control", "Pendulum-v1", "--actor", "relu", "--set", "actor.pseudo=triangle"), "leave one away")
    exit_2(run("control", "Pendulum-v1", "--set", "actor.kind=relu"), "write --actor")
    for name, one, other in (("pseudo", "rectangle", "triangle"), ("hidden", "8", "[9]")):
        words = (f"--{name}", one, "--set", f"actor.{name}={other}")
        exit_2(run("control", "Pendulum-v1", *words), f"--set actor.{name} and --{name} say the same")
    exit_2(run("control", "Pendulum-v1", "--hidden", "a,b"), "--hidden must be numbers of neurons")
    exit_2(run("control", "Pendulum-v1", "--set", "steps=5"), "write --steps")
    exit_2(run("control", "Pendulum-v1", "--set", "actor.populaton=5"), "did you mean 'population'")
    assert not list(tmp_path.rglob("*.jsonl"))
