"""Search spaces: what is shipped, points there and back, what a point makes of the base, and every wrong file."""

from __future__ import annotations

import copy
import json
import math
import pickle
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, NetworkError, SpaceError
from hetero_rsnn.network import loading as netfile
from hetero_rsnn.network.distributions import Constant, Gamma, Mixture, TruncatedNormal, Uniform
from hetero_rsnn.searching.space import Dimension, SearchDefaults, Space, list_spaces, load_space, spaces_folder
from hetero_rsnn.searching.space_parsing import scaled

Write = Callable[..., Path]

#: Every kind of entry.
MIXED = """
base = "henhes"
description = "every kind of entry"
[parameters."E.tau_m"]
mean = ["10 ms", "60 ms"]
cv = [0, 1.2]
[parameters."I.tau_m"]
distribution = "truncated_normal"
mean = "0.02 s"
cv = [0.0, 0.5]
[parameters.eta_plus]
distribution = "lognormal"
mean = [0.01, 0.03]
scale = "linear"
[parameters.I_bias]
mean = [1.0, 1.1]
scale = "linear"
[parameters.tau_minus]
mean = "15 ms"
cv = 0.2
[scalars."input gain"]
targets = ["input.weight", "input.event_weight"]
as = "factor"
range = [0.5, 2]
[scalars."recurrent gain"]
targets = ["EE.weight", "EI.weight", "w_max"]
as = "factor"
range = [0.25, 4.0]
[scalars.inhibition]
targets = ["IE.weight", "II.weight"]
as = "factor"
range = [0.0, 2.0]
scale = "linear"
[scalars.connectivity]
targets = ["EE.topology.p"]
range = [0.05, 0.2]
[scalars.delay]
targets = ["tau_syn"]
range = ["5 ms", "0.02 s"]
scale = "log"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a space file, by default one that searches a single mean."""

    def put(text: str = "", name: str = "own.toml", base: str = "henhes") -> Path:
        path = tmp_path / name
        path.write_text(text if "base =" in text else f"base = {base!r}\n{text}", encoding="utf-8")
        return path

    return put


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "mixed.toml"
    path.write_text(MIXED)
    return load_space(path)


def middle(space: Space, z: float = 0.5) -> tuple[float, ...]:
    return space.from_unit(np.full(len(space.dimensions), z))


# What is shipped


def test_shipped_spaces() -> None:
    assert set(list_spaces()) == {"paper", "homogeneous", "quick"}
    assert all(text and "\n" not in text for text in list_spaces().values())


def test_spaces_are_no_networks() -> None:
    assert not set(list_spaces()) & set(hr.list_networks())
    assert spaces_folder().parent == netfile.networks_folder()


@pytest.mark.parametrize("name", list_spaces())
def test_shipped_space(name: str) -> None:
    space = load_space(name)
    assert space.name == name and space.description == list_spaces()[name]
    assert space.network(space.default) == space.base  # the operating point lies in every range
    assert space.point(space.base) == pytest.approx(space.default, rel=1e-12)
    for z in (0.0, 0.3, 1.0):
        assert space.network(middle(space, z)).name == space.base.name


def test_paper_has_the_twelve_numbers() -> None:
    space = load_space("paper")
    parameters = ["E.tau_m", "I.tau_m", "tau_plus", "tau_minus", "eta_plus", "eta_minus"]
    assert [d.name for d in space.dimensions] == [f"{p}.{x}" for p in parameters for x in ("mean", "cv")]
    for d in space.dimensions:
        assert d.log == d.name.endswith("mean")
        assert d.unit == ("second" if "tau" in d.name and d.log else "1")
    assert space.default == pytest.approx([30, 0.55, 30, 0.55, 20, 0.55, 20, 0.55, 0.02, 0.55, 0.006, 0.55])
    assert space.dimensions[0] == Dimension("E.tau_m.mean", 10.0, 60.0, True, "second")


def test_control_is_the_paper_without_spread() -> None:
    paper, control = load_space("paper"), load_space("homogeneous")
    assert control.dimensions == tuple(d for d in paper.dimensions if d.name.endswith(".mean"))
    assert control.search == paper.search  # tuned against tuned
    assert all(d.cv == 0.0 for d in control.distributions(middle(control)).values())
    assert control.base == hr.load_network("honhos")


def test_quick_is_small() -> None:
    space = load_space("quick")
    assert space.base.n == 100 and space.search.budget <= 10
    assert space.base == hr.load_network(
        "henhes", n=100, **{"protocol.train": "4 s", "protocol.samples": 2000, "protocol.d_max": 30}
    )


@pytest.mark.slow
def test_quick_can_be_measured() -> None:
    space = load_space("quick")
    for z in (0.2, 0.8):
        assert math.isfinite(hr.measure(space.network(middle(space, z)), seeds=[0])["C"][0])


# Points


@given(st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12))
def test_unit_cube_there_and_back(z: list[float]) -> None:
    space = load_space("paper")
    point = space.from_unit(z)
    assert all(type(x) is float and d.low <= x <= d.high for d, x in zip(space.dimensions, point, strict=True))
    assert_allclose(space.unit(point), z, atol=1e-12)
    assert_allclose(space.from_unit(space.unit(point)), point, rtol=1e-12, atol=1e-12)


def test_scale_of_a_dimension() -> None:
    log, linear = Dimension("a", 1.0, 100.0, True), Dimension("b", -1.0, 3.0, False)
    assert log.from_unit(0.5) == pytest.approx(10.0) and linear.from_unit(0.5) == 1.0
    for d in (log, linear):
        assert d.from_unit(0.0) == d.low and d.from_unit(1.0) == d.high
        assert d.to_unit(d.low) == 0.0 and d.to_unit(d.high) == 1.0


def test_rounding_does_not_leave_a_range() -> None:
    space = load_space("paper")
    z = np.ones(12) * (1 + 1e-12)
    assert space.check(space.from_unit(z)) == tuple(d.high for d in space.dimensions)
    nearly = [d.high * (1 + 1e-13) for d in space.dimensions]
    assert space.check(nearly) == tuple(d.high for d in space.dimensions)


def test_network_of_a_point() -> None:
    space = load_space("paper")
    net = space.network([20.0, 0.3, 40.0, 0.0, 10.0, 0.1, 30.0, 1.2, 0.01, 0.7, 0.002, 1.0])
    assert net.population("E")["tau_m"].distribution == Gamma(20.0, 0.3)
    assert net.population("I")["tau_m"].distribution == Gamma(40.0, 0.0)
    assert net.plasticity is not None
    assert net.plasticity["tau_minus"].distribution == Gamma(30.0, 1.2)
    assert net.plasticity["eta_minus"].distribution == Gamma(0.002, 1.0)
    same = {"tau_m.mean": "30 ms", "tau_m.cv": 0.55, "tau_plus.mean": "20 ms", "tau_minus.mean": "20 ms"}
    stdp = {f"{k}.cv": 0.55 for k in ("tau_plus", "tau_minus", "eta_plus", "eta_minus")}
    assert net.replace(**same, **stdp, **{"eta_plus.mean": 0.02, "eta_minus.mean": 0.006}) == space.base


def test_network_of_every_kind_of_entry(mixed: Space) -> None:
    assert [d.name for d in mixed.dimensions] == [
        "E.tau_m.mean",
        "E.tau_m.cv",
        "I.tau_m.cv",
        "eta_plus.mean",
        "I_bias.mean",
        "input gain",
        "recurrent gain",
        "inhibition",
        "connectivity",
        "delay",
    ]
    net = mixed.network([20.0, 0.3, 0.4, 0.02, 1.03, 2.0, 0.5, 1.5, 0.15, 8.0])
    inhibitory, excitatory = net.population("I"), net.population("E")
    assert inhibitory["tau_m"].distribution == TruncatedNormal(20.0, 0.4)
    assert excitatory["I_bias"].distribution == inhibitory["I_bias"].distribution == Constant(1.03)
    assert excitatory["tau_syn"].distribution == Constant(8.0)
    assert net.plasticity is not None
    assert str(net.plasticity["eta_plus"]) == "lognormal(mean 0.02, cv 0.55)"  # the base's spread, another family
    assert net.plasticity["tau_minus"].distribution == Gamma(15.0, 0.2)
    assert net.plasticity["w_max"].distribution == Constant(0.2)
    assert net.input.weight.distribution == Uniform(-0.3, 0.3)  # a factor scales both ends
    assert net.input.event_weight.distribution == Uniform(0.0, 0.6)
    weights = {p.name: p.weight.distribution for p in net.projections}
    assert weights["EE"] == TruncatedNormal(0.1, 0.5) and weights["EI"] == Gamma(0.1, 0.5)  # the cv stays
    assert weights["IE"].mean == pytest.approx(0.45) and weights["IE"].cv == 0.5
    assert net.projections[0].topology.to_toml()["p"] == 0.15


def test_a_factor_may_switch_weights_off(mixed: Space) -> None:
    point = list(mixed.default)
    point[7] = 0.0
    net = mixed.network(point)
    assert {p.name: p.weight.distribution for p in net.projections}["IE"] == Constant(0.0)
    assert mixed.point(net) == pytest.approx(point)


def test_scaled_mixture() -> None:
    d = Mixture((1.0, 2.0), (Gamma(10.0, 0.5), Uniform(1.0, 2.0)))
    assert scaled(d, 3.0) == Mixture((1.0, 2.0), (Gamma(30.0, 0.5), Uniform(3.0, 6.0)))


@pytest.mark.parametrize("seed", range(5))
def test_point_is_the_inverse_of_network(mixed: Space, seed: int) -> None:
    for space in (mixed, load_space("paper"), load_space("quick")):
        point = space.from_unit(np.random.default_rng(seed).random(len(space.dimensions)))
        assert space.point(space.network(point)) == pytest.approx(point, rel=1e-12)


def test_point_of_other_networks() -> None:
    space = load_space("paper")
    homogeneous = space.point(hr.load_network("honhos"))
    assert homogeneous[1::2] == (0.0,) * 6 and homogeneous[::2] == space.default[::2]
    constant = space.base.replace(**{"E.tau_m": "30 ms"})  # a constant is the homogeneous limit of any family
    assert space.point(constant)[:2] == (30.0, 0.0)
    for net, words in [
        (hr.load_network("henhes", n=200), "its n is 200, that of the base 400"),
        (hr.load_network("chrsnn"), "E.tau_m would be"),
        (hr.load_network("henhes_symmetric"), "tau_m would be"),
        (hr.load_network("static"), "is not in the space 'paper'"),
        (hr.load_network("henhes", **{"E.tau_m.mean": "61 ms"}), "E.tau_m.mean must be in [10 ms, 60 ms], got 61 ms"),
    ]:
        with pytest.raises(SpaceError) as info:
            space.point(net)
        assert words in str(info.value)


def test_default_is_clipped_into_the_ranges(write: Write) -> None:
    path = write('[parameters."E.tau_m"]\nmean = ["40 ms", "60 ms"]\ncv = [0.6, 0.7]')
    assert load_space(path).default == (40.0, 0.6)


def test_a_tiny_spread_is_none() -> None:
    space = load_space("paper")
    point = list(space.default)
    point[1] = 1e-9  # below what a gamma distribution takes
    assert space.distributions(point)["E.tau_m"] == Gamma(30.0, 0.0)
    assert space.network(point).population("E")["tau_m"].cv == 0.0


def test_distributions(mixed: Space) -> None:
    found = mixed.distributions(mixed.default)
    assert list(found) == [e.name for e in mixed.entries]
    assert found["E.tau_m"] == Gamma(30.0, 0.55) and found["tau_minus"] == Gamma(15.0, 0.2)
    assert found["input gain"] == Constant(1.0)


def test_a_tied_parameter(write: Write) -> None:
    space = load_space(write('[parameters.tau_m]\nmean = ["10 ms", "60 ms"]\ncv = [0, 1]'))
    net = space.network([15.0, 0.2])
    assert net.population("E")["tau_m"].distribution == net.population("I")["tau_m"].distribution == Gamma(15.0, 0.2)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ([1.0] * 11, "a point of 'paper' must hold 12 numbers, got shape (11,)"),
        ("x" * 12, "must hold 12 numbers"),
        ([None] * 12, "must hold 12 numbers"),
        ([9.9] + [0.5] * 11, "E.tau_m.mean must be in [10 ms, 60 ms], got 9.9 ms"),
        ([math.nan] + [0.5] * 11, "E.tau_m.mean must be in [10 ms, 60 ms], got nan"),
        ([20.0, 1.3] + [0.5] * 10, "E.tau_m.cv must be in [0, 1.2], got 1.3"),
    ],
)
def test_points_refused(point: Any, words: str) -> None:
    with pytest.raises(SpaceError) as info:
        load_space("paper").network(point)
    assert words in str(info.value) and "\n" not in str(info.value)


@pytest.mark.parametrize("z", [[0.5] * 3, [1.1] * 12, [math.nan] * 12])
def test_coordinates_refused(z: list[float]) -> None:
    with pytest.raises(SpaceError, match=r"coordinates"):
        load_space("paper").from_unit(z)


# As values and as data


@pytest.mark.parametrize("name", [*list_spaces(), "mixed"])
def test_json_there_and_back(name: str, mixed: Space) -> None:
    space = mixed if name == "mixed" else load_space(name)
    again = Space.from_dict(json.loads(json.dumps(space.to_dict(), allow_nan=False)))
    assert again == space and hash(again) == hash(space) and again.fingerprint == space.fingerprint
    assert (again.name, again.description, again.search) == (space.name, space.description, space.search)
    assert again.default == space.default and str(again) == str(space)
    assert again.to_dict() == space.to_dict()
    assert pickle.loads(pickle.dumps(space)) == space


def test_fingerprint_is_of_what_is_searched(write: Write) -> None:
    text = '[parameters."E.tau_m"]\nmean = ["10 ms", "60 ms"]'
    one = load_space(write(text, "one.toml"))
    same = load_space(write('[search]\nbudget = 7\ninitial = 7\n[parameters."E.tau_m"]\nmean = ["0.01 s", "0.06 s"]'))
    assert one.name != same.name and one == same and one.fingerprint == same.fingerprint
    assert same.search == SearchDefaults(budget=7, initial=7)
    others = [
        load_space(write(text.replace("60", "61"))),
        load_space(write(text + '\nscale = "linear"')),
        load_space(write(text + "\ncv = 0.55")).base.replace(n=200),
        load_space(one, n=200),
        load_space(write(text, base="honhos")),
    ]
    assert len({x.fingerprint for x in [one, *others]}) == 6


def test_changes_of_the_base(write: Write) -> None:
    for space in (load_space("paper", n=120, E__tau_m__mean="25 ms"), load_space(load_space("paper"), n=120)):
        assert space.base.n == 120
    assert load_space("paper", E__tau_m__mean="25 ms").default[0] == 25.0
    # What the file fixes stays, what it leaves to the base follows.
    path = write('[parameters."E.tau_m"]\nmean = ["10 ms", "60 ms"]\n[parameters.tau_plus]\nmean = "9 ms"\ncv = 0.1')
    changed = load_space(load_space(path), **{"E.tau_m.cv": 0.9, "tau_plus.cv": 0.9})
    found = changed.distributions(changed.default)
    assert found["E.tau_m"].cv == 0.9 and found["tau_plus"].cv == 0.1
    assert load_space(changed) is changed


def test_overrides_of_a_file_come_before_those_of_the_call(write: Write) -> None:
    text = '[overrides]\nn = 100\nprotocol.samples = 500\n"tau_m.mean" = "20 ms"\n[parameters.tau_m]\ncv = [0, 1]'
    assert load_space(write(text)).base.n == 100 and load_space(write(text)).base.protocol.samples == 500
    assert load_space(write(text), n=50).base.n == 50
    assert load_space(write(text)).distributions([0.5])["tau_m"] == Gamma(20.0, 0.5)


def test_base_beside_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "henhes"\nn = 50\n')
    space = load_space(write('base = "mine.toml"\n[parameters.tau_m]\ncv = [0, 1]'))
    assert space.base.n == 50 and space.base.name == "mine"
    assert load_space(str(tmp_path / "own.toml")) == space


def test_text(mixed: Space) -> None:
    text = str(mixed)
    for words in ["E.tau_m.mean", "10 ms", "60 ms", "log", "linear", "scales input.weight", "sets", mixed.name]:
        assert words in text
    assert "tau_minus: gamma, mean 15 ms, cv 0.2" in text
    assert mixed.fingerprint in text and mixed.fingerprint in repr(mixed)


# Wrong files

TAU = '[parameters."E.tau_m"]\n'
GAIN = "[scalars.gain]\n"
SPREAD = '[parameters."EI.weight"]\ncv = [0, 0.5]'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no dimension"),
        (TAU + 'mean = "20 ms"', "has no dimension"),
        (TAU + 'mean = ["60 ms", "10 ms"]', "with low < high, got ['60 ms', '10 ms']: exchange them"),
        (TAU + 'mean = ["20 ms", "20 ms"]', "write one number to fix it"),
        (TAU + 'mean = ["20 ms", "20.000001 ms"]', "over a millionth"),
        (TAU + 'mean = ["20 ms"]', "must be [low, high], or one number"),
        (TAU + 'mean = ["0 ms", "20 ms"]', "must be > 0 on a logarithmic scale, got ['0 ms', '20 ms']: raise it"),
        (TAU + 'mean = ["-1 ms", "20 ms"]\nscale = "linear"', "mean must be >= 0 for a gamma"),
        (TAU + 'mean = ["0 ms", "20 ms"]\nscale = "linear"', "lowest corner of the space is no network"),
        ("[parameters.eta_plus]\nmean = 0\nscale = 'linear'\ncv = [0, 1]", "mean must be > 0 where it is fixed, got 0"),
        (TAU + "mean = [10, 60]", "must be in the unit of the base, second, got 10"),
        (TAU + 'mean = ["10 mV", "60 ms"]', "must be in the unit of the base, second, got '10 mV'"),
        (TAU + 'mean = ["10 ms", "inf ms"]', "must be finite"),
        (TAU + "mean = [true, false]", "must be a number with its unit, got True"),
        (TAU + "cv = [-0.1, 0.5]", "cv must be >= 0, got [-0.1, 0.5]"),
        (TAU + "cv = [0.5, 0.1]", "with low < high"),
        (TAU + "cv = [0, 1e-8]", "cv must reach 1e-06"),
        (TAU + 'cv = ["0 ms", "1 ms"]', "must be a plain number, got '0 ms'"),
        (TAU + "cv = [0, 2000]", "cv must be 0 (the homogeneous limit) or in [1e-06, 1000], got 2000"),
        (TAU + 'distribution = "truncated_normal"\ncv = [0, 0.6]', "must be < 0.5716 (its uniform limit), got 0.6"),
        (TAU + 'distribution = "truncated_normal"\nfloor = 2\ncv = [0, 0.1]', "floor of a truncated normal"),
        (TAU + 'distribution = "truncated_normal"\nfloor = "x"\ncv = [0, 0.1]', "floor must be a number in [0, 1)"),
        (TAU + "floor = 0.1\ncv = [0, 0.1]", "floor belongs to a truncated_normal distribution, not to a gamma"),
        (TAU + 'distribution = "gama"\ncv = [0, 1]', "unknown distribution 'gama' (did you mean 'gamma'?)"),
        (TAU + 'distribution = "uniform"\ncv = [0, 1]', "a uniform distribution is not given by mean and cv"),
        (TAU + 'distribution = "constant"\ncv = [0, 1]', "a constant has no spread"),
        (TAU + 'scale = "ln"\ncv = [0, 1]', "scale must be 'log' or 'linear', got 'ln'"),
        (TAU + "means = [0, 1]", "unknown key 'means'"),
        ('[parameters.E.tau_m]\nmean = ["10 ms", "60 ms"]', 'quote a name that has a dot: "E.tau_m"'),
        ("[parameters]\ntau_m = 3", "[parameters.tau_m] must be a table, got 3"),
        ("parameters = 3", "parameters must be a table, got 3"),
        ('[parameters."E.tau_n"]\ncv = [0, 1]', "the base has no 'E.tau_n' (did you mean 'E.tau_m'?)"),
        ("[parameters.tau_plsu]\ncv = [0, 1]", "the base has no 'tau_plsu' (did you mean 'tau_plus'?)"),
        ('[parameters."E.tau_m.cv"]\nmean = [0.1, 1]', "is part of a distribution"),
        ("[parameters.E]\nmean = [0.1, 1]", "populations.E"),
        ("[parameters.I_bias]\ncv = [0, 1]", "the base gives populations.E.I_bias as 1.06: add distribution = 'gamma'"),
        ('[parameters."input.weight"]\nmean = [0.1, 1]', "scale it in [scalars] with as = 'factor'"),
        ('[parameters."protocol.hold"]\nmean = ["5 ms", "9 ms"]', "must be the same for all candidates"),
        ("[parameters.threshold]\nmean = [1, 2]", "neuron.threshold"),
        ('[overrides]\n"E.tau_m.cv" = 0.1\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]', "which differ in the base"),
        (TAU + 'cv = [0, 1]\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]', "both set populations.E.tau_m"),
        (GAIN + "range = [1, 2]", "lacks the key 'targets'"),
        (GAIN + 'targets = ["w_max"]', "lacks the key 'range'"),
        (GAIN + 'targets = "w_max"\nrange = [1, 2]', "targets must be a list of names, got 'w_max'"),
        (GAIN + 'targets = ["w_max", "w_max"]\nrange = [1, 2]', "names plasticity.w_max twice"),
        (GAIN + 'targets = ["w_mx"]\nrange = [1, 2]', "the base has no 'w_mx' (did you mean 'w_max'?)"),
        (GAIN + "targets = [3]\nrange = [1, 2]", "the base has no 3"),
        (GAIN + 'targets = ["n"]\nrange = [1, 2]', "n must be the same for all candidates: set it in [overrides]"),
        (GAIN + 'targets = ["protocol.d_max"]\nrange = [1, 2]', "must be the same for all candidates"),
        (GAIN + 'targets = ["EE.plastic"]\nrange = [0, 1]', "is no continuous number"),
        (
            GAIN + 'targets = ["w_max"]\nas = "scale"\nrange = [1, 2]',
            "as must be 'value', 'factor' or 'setting', got 'scale'",
        ),
        (GAIN + 'targets = ["EE.weight"]\nrange = [1, 2]', "is a distribution: search its mean and cv in [parameters]"),
        (GAIN + 'targets = ["tau_syn", "w_max"]\nrange = [1, 2]', "different units"),
        (GAIN + 'targets = ["tau_syn"]\nrange = [1, 2]', "in the unit of the base, second, got 1"),
        (GAIN + 'targets = ["w_max"]\nas = "factor"\nrange = [0, 2]', "must be > 0 on a logarithmic scale"),
        (GAIN + 'targets = ["w_max"]\nas = "factor"\nscale="linear"\nrange = [-1, 2]', "of a factor must be >= 0"),
        (GAIN + 'targets = ["w_max"]\nas = "factor"\nscale="linear"\nrange = [0, 2]', "lowest corner of the space"),
        (GAIN + 'targets = ["EE.topology.p"]\nrange = [0.1, 1.5]', "highest corner of the space is no network"),
        (GAIN + 'targets = ["EI.weight"]\nas="factor"\nrange = [1, 2]\n' + SPREAD, "both set"),
        (GAIN + 'targets = ["EI.weight.mean"]\nrange = [0.1, 0.2]\n' + SPREAD, "both set"),
        (
            '[scalars.tau_plus]\ntargets = ["mu"]\nrange = [1, 2]\n[parameters.tau_plus]\ncv = [0, 1]',
            "rename the scalar",
        ),
        ("[search]\nbudget = 0\n" + TAU + "cv = [0, 1]", "search.budget must be a whole number >= 1, got 0"),
        ("[search]\nbudget = 1.5\n" + TAU + "cv = [0, 1]", "search.budget must be a whole number >= 1, got 1.5"),
        ("[search]\nbudget = 5\ninitial = 6\n" + TAU + "cv = [0, 1]", "initial must be <= budget = 5, got 6"),
        ("[search]\nbuget = 5\n" + TAU + "cv = [0, 1]", "unknown key 'buget' in [search] (did you mean 'budget'?)"),
        ("search = 3", "search must be a table"),
        ("overrides = 3", "overrides must be a table"),
        ("[parameter]\nx = 1", "unknown key 'parameter' in the space file (did you mean 'parameters'?)"),
        ("base = 3", "lacks the key 'base'"),
        ("base = [", "is not valid TOML"),
    ],
)
def test_files_refused(write: Write, text: str, words: str) -> None:
    with pytest.raises(SpaceError) as info:
        load_space(write(text))
    assert words in str(info.value) and "\n" not in str(info.value) and "own.toml" in str(info.value)


def test_names_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="unknown space 'papr' \\(did you mean 'paper'\\?\\)"):
        load_space("papr")
    with pytest.raises(SpaceError, match=r"no space file"):
        load_space(tmp_path / "none.toml")
    with pytest.raises(NetworkError, match=r"unknown network 'henhs'.*own.toml"):
        load_space(write(base="henhs"))
    (tmp_path / "latin.toml").write_bytes(b"base = '\xe9'")
    with pytest.raises(SpaceError, match=r"cannot be read as a space file"):
        load_space(tmp_path / "latin.toml")


def test_data_refused() -> None:
    data = load_space("quick").to_dict()
    for change in [{"base": None}, {"base": {}}, {"more": 1}, {"parameters": {}, "scalars": {}}, {"search": []}]:
        with pytest.raises(HeteroError):
            Space.from_dict({**copy.deepcopy(data), **change})


def test_shipped_files_are_short() -> None:
    for path in spaces_folder().glob("*.toml"):
        assert tomllib.loads(path.read_text())["description"] and len(path.read_text().splitlines()) < 60
