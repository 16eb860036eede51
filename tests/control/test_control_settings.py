"""Settings of a training of an actor: plain data both ways, and what they refuse."""

from __future__ import annotations

import json

import pytest
from helpers import refused

from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.settings import ControlSettings, ControlTest

ODD = ControlSettings(
    ActorSettings("dynamic", hidden=(7, 5), current_decay={"distribution": "uniform", "low": 0.2, "high": 0.8}),
    steps=777, gamma=0.9, polyak=0.98, actor_lr=2e-4, critic_lr=3e-3, batch_size=17, random_steps=0, update_after=18,
    update_every=3, noise=0.0, target_noise=0.3, noise_clip=0.6, delay=3, critic_hidden=(9,), buffer_size=90,
    target="proxy", proxy_hidden=(4, 3), proxy_iterations=2, proxy_lr=5e-3, test_every=111, test_episodes=2,
    normalise=False,
)  # fmt: skip


def test_plain_data_both_ways():
    usual = ControlSettings()
    data = ODD.to_dict()
    assert all(data[name] != value for name, value in usual.to_dict().items())  # so that nothing is left out unseen
    assert ControlSettings.from_dict(json.loads(json.dumps(data))) == ODD
    assert ControlSettings.from_dict({}) == usual


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"gamma": 1.01},
        {"polyak": -0.1},
        {"actor_lr": 0.0},
        {"critic_lr": float("nan")},
        {"batch_size": 2.5},
        {"random_steps": -1},
        {"noise": -0.1},
        {"delay": 0},
        {"critic_hidden": ()},
        {"critic_hidden": (4, 0)},
        {"target": "copied"},
        {"normalise": 1},
        {"actor": "lif"},
        {"test_episodes": 0},
        {"buffer_size": 50},
        {"proxy_lr": -1.0},
    ],
)
def test_refusals_name_the_setting(wrong):
    (name,) = wrong
    refused(lambda: ControlSettings(**wrong), name)


def test_unknown_names_are_refused():
    refused(lambda: ControlSettings.from_dict({"gama": 0.9}), "'gama'", "'gamma'")
    refused(lambda: ControlSettings.from_dict([1]), "mapping")


def test_what_a_test_says():
    test = ControlTest(2000, (-100.0, -151.0), 83.25, 4.5)
    assert test.mean == -125.5
    assert str(test) == "step 2000: return -125.5, 83.25 spikes an action"
    assert "spikes" not in str(ControlTest(1, (0.0,), 0.0, 1.0))
