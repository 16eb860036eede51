"""Shipped networks with other synapses: damaged and continued alike on every backend; what is for LIF alone refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import LIF_NETWORKS, NETWORKS, refused
from relays import trains, wired

import hetero_rsnn as hr

MODELS = ("coba", "triplet", "stp")
DAMAGES: dict[str, Callable[..., Any]] = {
    "weight_noise": lambda d, s: hr.weight_noise(d, s, 0.3, 7),
    "lose_neurons": lambda d, s: hr.lose_neurons(d, s, 0.3, 7),
    "lose_synapses": lambda d, s: hr.lose_synapses(d, s, 0.3, 7),
    "quantise": lambda d, s: hr.quantise(d, s, 2),
}


def small(name: str, n: int = 60) -> tuple[hr.Draw, hr.Stimulus]:
    return hr.draw(hr.load_network(name, n=n), 5), hr.uniform_stimulus(60, "10 ms", 4)


def alike(a: hr.Recording, b: hr.Recording) -> None:
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    np.testing.assert_allclose(a.weights, b.weights, rtol=1e-9)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", MODELS)
def test_damaged_networks_are_the_same_everywhere(name: str, damage: str) -> None:
    drawn, u = small(name)
    before = hr.simulate(drawn, u)
    hurt, state = DAMAGES[damage](drawn, before)
    found = {b: hr.simulate(hurt, u, backend=b, state=state) for b in ("fast", "numpy")}
    assert found["fast"].spike_times.size > 100
    alike(found["numpy"], found["fast"])
    whole = hr.simulate(drawn, u, state=before)
    assert not np.array_equal(found["fast"].spike_times, whole.spike_times)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_runs_go_on(name: str, learning: bool) -> None:
    drawn, u = small(name)
    whole = hr.simulate(drawn, u, plasticity=learning)
    for backend in ("fast", "numpy"):
        first = hr.simulate(drawn, u[:23], backend=backend, plasticity=learning)
        second = hr.simulate(drawn, u[23:], backend=backend, state=first, plasticity=learning)
        times = np.concatenate([first.spike_times, second.spike_times + first.duration])
        np.testing.assert_array_equal(times, whole.spike_times)
        np.testing.assert_array_equal(second.weights, whole.weights)


@pytest.mark.parametrize("name", MODELS)
def test_measured_they_remember(name: str) -> None:
    """C is above that of shuffled input, which is 0 on average, and rates are those of cortex."""
    short = {"protocol.samples": 1500, "protocol.d_max": 20, "protocol.train": "1 s"}
    found = hr.measure(hr.load_network(name, n=100, **short), seeds=[0, 1])
    for row in found.rows:
        assert row.C > 0.8 and 1 < row.rate_hz < 50 and row.silent_share < 0.25


@pytest.mark.parametrize("name", MODELS)
def test_what_is_of_the_lif_network_alone_refuses(name: str) -> None:
    assert name in NETWORKS and name not in LIF_NETWORKS
    drawn, u = small(name)
    of_lif = ("model 'lif_stdp' only", f"network {name!r}")
    refused(lambda: hr.self_consistent_rates(drawn), *of_lif)
    refused(lambda: hr.to_nir(drawn), *of_lif)
    refused(lambda: hr.run_batch(drawn, [u]), f"network {name!r}", "lif_stdp")
    by_gradient = hr.HRSNNGradientClassifier(drawn.network)
    refused(lambda: by_gradient.fit([u.values[:9], u.values[9:18]] * 3, [0, 1] * 3), f"network {name!r}", "lif_stdp")


@pytest.mark.parametrize("name", ["triplet", "stp"])
def test_inherited_parameters_that_a_new_rule_does_not_use_are_gone(name: str) -> None:
    known = dict(hr.load_network(name).plasticity.parameters)
    assert {"w_min", "w_max"} < set(known) and not {"mu", "eta_plus", "eta_minus"} & set(known)


def test_parameters_that_a_rule_does_not_use_are_still_refused(tmp_path: Any) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "henhes"\nmodel = ""\n[plasticity]\nequations = "c : 1"\non_pre = "c += 1"\non_post = ""\nmu = 2.0\n'
    )
    refused(lambda: hr.load_network(path), "mu")


def test_a_rule_that_changes_weights_in_any_way_learns() -> None:
    """Short-term plasticity that also lets weights decay."""
    net = hr.load_network("stp", n=40)
    for statement in ("w = 0.99 * w", "w *= 0.99", "w -= 0.01*w"):
        changed = net.replace(**{"plasticity.on_post": statement})
        assert changed.plasticity.learns and not changed.follows_rule(False) and changed.follows_rule(True)
    assert net.follows_rule(False)
    assert not hr.load_network("coba").follows_rule(True)


def test_networks_wired_by_hand_are_wired() -> None:
    """What the other tests rest on: a relay fires when told, and at no other time."""
    drawn = wired("triplet", 5, [(0, 1, 0.1, {})])
    found = hr.simulate(drawn, trains([[3.0, 9.0], [], [], [], [4.0]], duration=20))
    np.testing.assert_allclose(found.spike_times, [3.0, 4.0, 9.0])
    np.testing.assert_array_equal(found.spike_neurons, [0, 4, 0])
