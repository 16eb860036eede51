"""What an actor is made of: as data and back, decays neuron by neuron, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.control.decays import draw_decays, parse_decay
from hetero_rsnn.network.distributions import Uniform

VARIED = {"distribution": "uniform", "low": 0.2, "high": 0.6}
NARROW = {"distribution": "truncated_normal", "mean": 0.5, "cv": 0.2}
MIXED = {"distribution": "mixture", "weights": [1, 3], "components": [VARIED, NARROW]}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "relu", "hidden": [64]},
        {"kind": "dynamic", "dynamics_sign": "restore", "current_decay": NARROW},
        {"current_decay": VARIED, "voltage_decay": MIXED, "learn_decays": True},
        {"pseudo": "triangle", "pseudo_parameters": {"width": 0.75}, "encoder": "bernoulli", "steps": 7},
        {"pseudo": "trapezoid", "learn_pseudo": True, "population": 4},
    ],
)
def test_as_data_and_back(values):
    settings = hr.ActorSettings(**values)
    again = hr.ActorSettings.from_dict(json.loads(json.dumps(settings.to_dict())))
    assert again == settings and hash(again) == hash(settings)
    for name, value in values.items():
        if name not in ("hidden", "current_decay", "voltage_decay", "pseudo_parameters"):
            assert getattr(settings, name) == value
    assert values == {} or settings != hr.ActorSettings()


def test_what_is_meant_may_be_written_in_several_ways():
    bump = hr.PseudoDerivative("triangle", width=0.75)
    written = hr.ActorSettings(pseudo="triangle", pseudo_parameters=(("width", 0.75),))
    assert written == hr.ActorSettings(pseudo=bump) and written.bump == bump
    assert hr.ActorSettings(current_decay=Uniform(0.2, 0.6)) == hr.ActorSettings(current_decay=VARIED)
    assert hr.ActorSettings(current_decay={"distribution": "constant", "value": 0.5}) == hr.ActorSettings()
    assert hr.ActorSettings(hidden=np.array([256, 256]), current_decay=np.float32(0.5)) == hr.ActorSettings()


def test_the_fair_comparisons_can_be_written():
    """Equal area and height with the usual parameters; equal area and support with others."""
    area = [hr.ActorSettings(pseudo=shape).bump for shape in ("rectangle", "trapezoid", "triangle")]
    assert [float(bump(0.0)) for bump in area] == [1.0, 1.0, 1.0]
    assert [bump.support for bump in area] == [0.5, 0.75, 1.0]
    wide = {"width": 0.75}
    support = [
        hr.ActorSettings(pseudo="rectangle", pseudo_parameters=wide).bump,
        hr.ActorSettings(pseudo="trapezoid", pseudo_parameters={"inner": 0.25, "outer": 0.75}).bump,
        hr.ActorSettings(pseudo="triangle", pseudo_parameters=wide).bump,
    ]
    assert {bump.support for bump in support} == {0.75}
    x = np.linspace(-1.5, 1.5, 300_001)
    for bump in (*area, *support):
        assert np.trapezoid(bump(x), x) == pytest.approx(1, abs=1e-4)


def test_decays_of_neurons():
    """Every neuron its own, others in another layer, for another quantity, by another seed."""
    value = parse_decay("current_decay", VARIED)
    drawn = draw_decays("current_decay", value, 4000, 3, 0)
    assert drawn.min() >= 0.2 and drawn.max() <= 0.6 and drawn.mean() == pytest.approx(0.4, abs=0.01)
    assert drawn.std() == pytest.approx(0.4 / np.sqrt(12), rel=0.03)
    assert np.array_equal(drawn, draw_decays("current_decay", value, 4000, 3, 0))
    for name, seed, layer in (("voltage_decay", 3, 0), ("current_decay", 4, 0), ("current_decay", 3, 1)):
        other = draw_decays(name, value, 4000, seed, layer)
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.06
    assert np.array_equal(draw_decays("current_decay", 0.5, 3, 3, 0), [0.5] * 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "lff"}, "did you mean 'lif'"),
        ({"encoder": "poisson"}, "unknown encoder 'poisson'"),
        ({"dynamics_sign": "-"}, "unknown dynamics_sign"),
        ({"hidden": ()}, "hidden"),
        ({"hidden": (0,)}, "hidden must be .* got 0"),
        ({"hidden": 256}, "hidden must have 1 dimension"),
        ({"population": 0}, "population must be"),
        ({"steps": 101}, "steps must be .* got 101"),
        ({"kind": "dynamic", "steps": 51}, "steps must be a whole number from 1 to 50, got 51"),
        ({"kind": "dynamic", "dynamics_sign": "restore", "steps": 101}, "from 1 to 100, got 101"),
        ({"steps": True}, "steps"),
        ({"learn_decays": 1}, "learn_decays must be True or False, got 1"),
        ({"learn_pseudo": "yes"}, "learn_pseudo must be True or False, got 'yes'"),
        ({"current_decay": 1.0}, "current_decay must be above 0 and below 1, got 1"),
        ({"voltage_decay": 0}, "voltage_decay must be above 0 and below 1, got 0"),
        ({"voltage_decay": float("nan")}, "voltage_decay"),
        ({"current_decay": True}, "current_decay must be a number or a distribution, got True"),
        ({"current_decay": "20 ms"}, "has no unit, got '20 ms'"),
        ({"current_decay": {"distribution": "uniform", "low": 0.5, "high": 1.2}}, "below 1, got 1.2"),
        ({"current_decay": {"distribution": "gamma", "mean": 0.5, "cv": 0.3}}, "such as uniform"),
        ({"current_decay": {"distribution": "unifrom", "low": 0.5, "high": 0.6}}, "did you mean 'uniform'"),
        ({"current_decay": {"low": 0.5, "high": 0.6}}, "lacks the key 'distribution'"),
        ({"kind": "dynamic", "voltage_decay": 0.5}, "dynamic neurons have no voltage_decay, got 0.5"),
        ({"pseudo": "trapezium"}, "unknown shape .*did you mean 'trapezoid'"),
        ({"pseudo_parameters": {"with": 0.5}}, "a rectangle has no 'with'"),
        ({"pseudo_parameters": 3}, "names with numbers, got 3"),
        ({"pseudo": "trapezoid", "pseudo_parameters": {"inner": 0.9}}, "inner must be at most outer"),
        ({"learn_pseudo": True}, "learn_pseudo needs a trapezoid"),
        ({"pseudo": "trapezoid", "pseudo_parameters": {"inner": 0.0}, "learn_pseudo": True}, "0 < inner < outer"),
    ],
)
def test_what_is_refused(values, words):
    with pytest.raises(hr.HeteroError, match=words) as caught:
        hr.ActorSettings(**values)
    assert "\n" not in str(caught.value)


def test_data_of_something_else_are_refused():
    with pytest.raises(hr.HeteroError, match=r"no setting 'hiden' .*did you mean 'hidden'"):
        hr.ActorSettings.from_dict({"hiden": [3]})
    with pytest.raises(hr.HeteroError, match="must be a mapping, got list"):
        hr.ActorSettings.from_dict([])
