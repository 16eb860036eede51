"""Environments as a training sees them, and those that are refused."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from helpers import refused

from hetero_rsnn.common import extras
from hetero_rsnn.control.environments import make_environment
from hetero_rsnn.control.episode import Episode, first_seed, repeated, seeds_of_test

pytestmark = pytest.mark.torch


class Told(gymnasium.Env):
    """Tells a table of numbers; counts; may be odd in one thing."""

    def __init__(self, observations: Any = None, actions: Any = None, drift: bool = False) -> None:
        self.observation_space = Box(-9, 9, (2, 2)) if observations is None else observations
        self.action_space = Box(np.array([[-1.0], [2.0]]), np.array([[0.5], [10.0]])) if actions is None else actions
        self.drift, self.given, self.episodes = drift, [], 0
        self.table = np.zeros((2, 2), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.episodes += 1
        self.table[:] = self.np_random.normal(size=(2, 2))
        self.table[0, 0] += self.drift * self.episodes
        return self.table, {}

    def step(self, action: Any) -> Any:
        self.given.append(action)
        self.table += 1
        return self.table, np.float32(0.5), False, np.bool_(True), {}


@pytest.fixture
def register():
    """Register an environment for a test."""
    names = []

    def give(**options: Any) -> str:
        name = f"hetero_rsnn_test/Told{len(names)}-v0"
        gymnasium.register(name, entry_point=lambda **_: Told(**options))
        names.append(name)
        return name

    yield give
    for name in names:
        del gymnasium.registry[name]


def test_vectors_in_and_out(register):
    environment = make_environment(register())
    assert (environment.observations, environment.actions) == (4, 2)
    assert environment.low.tolist() == [-1, 2] and environment.high.tolist() == [0.5, 10]
    first = environment.reset(3)
    kept = first.copy()
    after, reward, terminated, truncated = environment.step(np.array([0.25, 11.0]))
    assert first.tobytes() == kept.tobytes()  # though the environment writes to the same place
    np.testing.assert_allclose(after, first + 1, atol=1e-6)
    assert (reward, terminated, truncated) == (0.5, False, True)
    (given,) = environment.env.unwrapped.given
    assert given.shape == (2, 1) and given.dtype == np.float32 and given.tolist() == [[0.25], [10.0]]
    assert environment.reset(3).tobytes() == kept.tobytes()
    assert environment.reset(4).tobytes() != kept.tobytes()
    environment.close()


def test_a_package_that_registers_its_own_stays_in_the_name(tmp_path, monkeypatch):
    """A process that has not seen the package yet must find the environment by its name alone."""
    (tmp_path / "hetero_rsnn_own.py").write_text(
        "import gymnasium\n"
        "from gymnasium.envs.classic_control.pendulum import PendulumEnv\n"
        "gymnasium.register('HeteroOwn-v2', PendulumEnv, max_episode_steps=5)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    name = make_environment("hetero_rsnn_own:HeteroOwn").id
    assert name == "hetero_rsnn_own:HeteroOwn-v2"
    del gymnasium.registry["HeteroOwn-v2"], sys.modules["hetero_rsnn_own"]
    assert make_environment(name).id == name
    del gymnasium.registry["HeteroOwn-v2"], sys.modules["hetero_rsnn_own"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"actions": Discrete(4)}, ["actions", "Discrete(4)"]),
        ({"actions": Box(0, 5, (2,), np.int64)}, ["actions", "int64"]),
        ({"actions": Box(np.array([-1.0, -np.inf]), np.array([1.0, 1.0]))}, ["finite limits", "-inf", "action 1"]),
        ({"actions": Box(np.array([0.0]), np.array([0.0]))}, ["finite limits", "0 and 0"]),
        ({"observations": Discrete(7)}, ["observations", "Discrete(7)"]),
        ({"observations": Dict({"a": Discrete(2)})}, ["observations", "Dict"]),
        ({"observations": Box(0, 255, (96, 96, 3), np.uint8)}, ["observations", "27,648"]),
    ],
)
def test_spaces_that_are_refused(register, options, words):
    name = register(**options)
    refused(lambda: make_environment(name), name, *words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Pendulm-v1", ["unknown environment", "did you mean 'Pendulum-v1'"]),
        ("Pendulum-v9", ["unknown environment", "'Pendulum-v1'"]),
        ("xyzzy-v1", ["unknown environment", "pprint_registry"]),
        ("nothing/Pendulum-v1", ["unknown environment"]),
        ("no_such_package:Pendulum-v1", ["cannot be loaded", "no_such_package"]),
        ("", ["cannot be made"]),
        (3, ["must be a name", "3"]),
        ("CartPole-v1", ["actions of CartPole-v1", "Discrete(2)"]),
    ],
)
def test_names_that_are_refused(name, words):
    refused(lambda: make_environment(name), *words)


def test_what_is_missing_is_named(register, monkeypatch):
    name = register()

    def lacks(what: str):
        def make(*_: Any, **__: Any) -> None:
            raise gymnasium.error.DependencyNotInstalled(what)

        return make

    monkeypatch.setattr(gymnasium, "make", lacks('MuJoCo is not installed, run `pip install "gymnasium[mujoco]"`'))
    refused(lambda: make_environment(name), "MuJoCo", '"hetero-rsnn[rl]"')
    monkeypatch.setattr(gymnasium, "make", lacks('Box2D is not installed, run `pip install "gymnasium[box2d]"`'))
    refused(lambda: make_environment(name), "Box2D", 'pip install "gymnasium[box2d]"')

    def none(module: str) -> Any:
        raise ImportError(f"No module named {module!r}")

    monkeypatch.setattr(extras, "import_module", none)
    refused(lambda: make_environment(name), "gymnasium", '"hetero-rsnn[rl]"')


def test_an_episode_is_gone_through_again():
    environment, other = make_environment("Pendulum-v1"), make_environment("Pendulum-v1")
    episode = Episode(environment, 5, 2)
    for k in range(20):
        episode.step(np.array([np.sin(k)]))
    other.reset(77)
    assert episode.repeats(other)
    again = repeated(other, 5, 2, episode.actions)
    assert again.observation.tobytes() == episode.observation.tobytes()
    a, b = episode.step(np.array([0.3])), again.step(np.array([0.3]))
    assert a[0].tobytes() == b[0].tobytes() and a[1:] == b[1:]
    assert Episode(environment, 5, 3).observation.tobytes() != Episode(environment, 5, 2).observation.tobytes()


def test_an_environment_that_does_something_else_is_found_out(register):
    name = register(drift=True)
    environment, other = make_environment(name), make_environment(name)
    environment.reset(0)
    assert not Episode(environment, 5, 0).repeats(other)


def test_seeds_differ_and_stay():
    found = {first_seed(seed, "episode", k) for seed in range(3) for k in range(20)}
    assert len(found) == 60 and all(0 <= x < 2**31 for x in found)
    assert seeds_of_test(1, 1000, 5) == seeds_of_test(1, 1000, 7)[:5]
    assert not set(seeds_of_test(1, 1000, 5)) & set(seeds_of_test(1, 2000, 5))
