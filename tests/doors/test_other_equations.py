"""Shipped networks with other equations: what is of the LIF equations alone refuses them by name, the rest works."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import LIF_NETWORKS, NETWORKS, exit_2, refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.theory.rates import check_network

OTHERS = sorted({*NETWORKS} - {*LIF_NETWORKS})
SMALL: dict[str, Any] = {"n": 40, "protocol.samples": 400, "protocol.train": "0.5 s", "protocol.d_max": 5}
U = hr.uniform_stimulus(20, "10 ms", 1)
X = [np.random.default_rng(k).uniform(-1, 1, (20, 1)) for k in range(8)]
Y = [0, 1] * 4

REFUSED: dict[str, Callable[[hr.Draw], object]] = {
    "run_batch": lambda d: hr.run_batch(d, [U]),
    "to_nir": hr.to_nir,
    "self_consistent_rates": lambda d: hr.self_consistent_rates(d, U),
    "theory": check_network,
    "HRSNNGradientClassifier": lambda d: hr.HRSNNGradientClassifier(d.network, training_epochs=1).fit(X, Y),
}
if find_spec("torch"):
    REFUSED["to_torch"] = hr.to_torch


@pytest.mark.parametrize("door", REFUSED)
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_of_the_lif_equations_refuses_others_by_name(name: str, door: str) -> None:
    drawn = hr.draw(hr.load_network(name, **SMALL), 1)
    found = refused(lambda: REFUSED[door](drawn), repr(name), "'lif_stdp' only", error=EquationMismatchError)
    assert "backend" not in str(found)  # there is none to choose


@pytest.mark.parametrize("name", OTHERS)
def test_measures_estimators_and_what_goes_on_take_them(name: str) -> None:
    net = hr.load_network(name, **SMALL)
    drawn = hr.draw(net, 1)
    comparison = hr.compare([net, hr.load_network("henhes", **SMALL)], [1])
    assert np.isfinite(comparison[name]["C"]).all() and (comparison[name]["S"] > 0.01).all()
    assert hr.HRSNNClassifier(net).fit(X, Y).predict(X).shape == (8,)
    whole = hr.simulate(drawn, hr.uniform_stimulus(40, "10 ms", 1))
    first = hr.simulate(drawn, hr.array_stimulus(hr.uniform_stimulus(40, "10 ms", 1).values[:20], "10 ms"))
    rest = hr.array_stimulus(hr.uniform_stimulus(40, "10 ms", 1).values[20:], "10 ms")
    second = hr.simulate(drawn, rest, state=first)
    joined = np.concatenate([first.spike_neurons, second.spike_neurons])
    np.testing.assert_array_equal(joined, whole.spike_neurons)
    assert hr.simulate_many([drawn], [U])[0].spike_times.size == hr.simulate(drawn, U).spike_times.size


def test_a_space_of_what_neurons_do_not_have_is_refused(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "adex"\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]\n')
    exit_2(run("spaces", "show", str(tmp_path / "mine.toml")), "tau_m")
