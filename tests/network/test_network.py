"""Networks as values and as files: what is shipped, there and back, overrides, identity, and every wrong input."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import LIF_NETWORKS, NETWORKS
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn import Network, NetworkError, UnitError, load_network, save_network
from hetero_rsnn.common.errors import EquationMismatchError, HeteroError
from hetero_rsnn.network.draw import draw
from hetero_rsnn.network.equations import defined, identifiers
from hetero_rsnn.network.mirror import check_equations
from hetero_rsnn.network.saving import to_toml_text
from hetero_rsnn.network.shipped import label, networks_folder

Write = Callable[[str, str | bytes], Path]

#: A network with equations and units of its own, in volts.
OWN = """
n = 10
[neuron]
equations = '''
dv/dt = (v_rest - v + R * (g + I_in)) / tau_m : volt   # leak
dg/dt = -g / tau_g : amp
'''
threshold = "v > v_th"
reset = "v = v_reset"
[neuron.initial]
v = { distribution = "uniform", low = "-70 mV", high = "-55 mV" }
[parameters]
R = "100 Mohm"
v_rest = "-70 mV"
v_th = { distribution = "truncated_normal", mean = "-50 mV", cv = 0.05 }
v_reset = "-70 mV"
tau_g = "5 ms"
[populations.A]
fraction = 0.5
tau_m = "20 ms"
[populations.B]
fraction = 0.5
kind = "inhibitory"
tau_m = { distribution = "mixture", components = [
    { distribution = "constant", value = "10 ms" },
    { distribution = "gamma", mean = "0.03 s", cv = 0.5 },
] }
[synapse]
on_pre = "g_post += w"
[projections.AB]
pre = "A"
post = "B"
topology = { kind = "fixed_indegree", indegree = 3 }
weight = { distribution = "lognormal", mean = "20 pA", cv = 1 }
[projections.BA]
pre = "B"
post = "A"
topology = { kind = "small_world", neighbours = 2 }
weight = "20 pA"
[input]
weight = "100 pA"
event_weight = "0.1 nA"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of the given name and content."""

    def writer(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


@pytest.fixture
def own(write: Write) -> Network:
    return load_network(write("own.toml", OWN))


def refused(call: Callable[[], Any], *parts: str, error: type[HeteroError] = NetworkError) -> None:
    """Refused by this class, with one line that holds every part."""
    with pytest.raises(error) as info:
        call()
    assert type(info.value) is error
    message = str(info.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"


def leaves(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted name -> value of everything that is no table."""
    out: dict[str, Any] = {}
    for key, value in data.items():
        out |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return out


def difference(a: str, b: str) -> dict[str, tuple[Any, Any]]:
    """Dotted names where two shipped networks differ, name and description left out."""
    one, two = leaves(load_network(a).to_dict()), leaves(load_network(b).to_dict())
    return {
        k: (one.get(k), two.get(k))
        for k in sorted({*one, *two} - {"name", "description"})
        if k not in one or k not in two or one[k] != two[k]
    }


def same(a: Network, b: Network) -> bool:
    return a == b and a.fingerprint == b.fingerprint and hash(a) == hash(b)


# ---------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("name", LIF_NETWORKS)
def test_shipped_network(name: str) -> None:
    """Loads, says what it is, and prints everything that a reader asks for."""
    net = load_network(name)
    assert net.name == name and net.description == hr.list_networks()[name] and "\n" not in net.description
    assert sum(p.size for p in net.populations) == net.n
    assert [(p.name, p.kind) for p in net.populations] == [("E", "excitatory"), ("I", "inhibitory")]
    assert net.population("E").size == round(0.8 * net.n)
    assert {(p.pre, p.post) for p in net.projections} == {(a, b) for a in "EI" for b in "EI"}
    assert [p.name for p in net.projections if p.plastic] == ([] if net.plasticity is None else ["EE"])
    text, equations = str(net), dict(net.equations)
    if net.model and not net.delayed:
        check_equations(net)
    for line in "\n".join(equations[k] for k in ("equations", "threshold", "reset", "on_pre")).splitlines():
        assert line in text
    assert net.description in text and net.fingerprint in text
    assert not equations["refractory"] or f"refractory: {equations['refractory']}" in text
    for p in net.populations:
        assert f"population {p.name}: {p.size} {p.kind} neurons" in text
        for key, value in p.parameters:
            assert re.search(rf"\b{key} +{re.escape(str(value))}$", text, flags=re.MULTILINE)
    for projection in net.projections:
        assert f"{projection.pre} -> {projection.post}  {projection.topology}, weight {projection.weight}" in text
    if net.plasticity is None:
        assert "plastic" not in text.partition("\n")[2]
    else:
        rule = net.plasticity
        assert all(line in text for code in (rule.equations, rule.on_pre, rule.on_post) for line in code.splitlines())
        for key, value in rule.parameters:
            assert re.search(rf"\b{key} +{re.escape(str(value))}$", text, flags=re.MULTILINE)
    assert repr(net) == f"Network({name!r}, n={net.n}, model={net.model!r}, fingerprint={net.fingerprint!r})"


def test_list_of_networks() -> None:
    expected = {"lif_stdp", "honhos", "henhos", "honhes", "henhes", "henhes_symmetric", "chrsnn", "static"}
    expected |= {f"recurrent_{name}" for name in ("honhos", "henhos", "honhes", "henhes")} | {"recurrent"}
    assert expected <= set(NETWORKS) and NETWORKS[0] == "lif_stdp"
    assert set(NETWORKS) == {p.stem for p in networks_folder().glob("*.toml")}
    assert all(hr.list_networks().values())


@pytest.mark.parametrize(("point", "base"), [("intrinsic", "lif_stdp"), ("recurrent", "recurrent")])
@pytest.mark.parametrize("place", range(4))
def test_canonical_networks_extend_one_base(point: str, base: str, place: int) -> None:
    """Spread alone: no file but the base states a mean."""
    name = hr.canonical_networks(point)[place]
    data = tomllib.loads((networks_folder() / f"{name}.toml").read_text())
    assert "extends" in data and all(k.endswith((".cv", "extends", "description")) for k in leaves(data))
    assert set(difference(base, name)) <= {
        *(f"populations.{p}.tau_m.cv" for p in "EI"),
        *(f"plasticity.{k}.cv" for k in ("tau_plus", "tau_minus", "eta_plus", "eta_minus")),
    }


NEURONS = {f"populations.{p}.tau_m.cv" for p in "EI"}
SYNAPSES = {f"plasticity.{k}.cv" for k in ("tau_plus", "tau_minus", "eta_plus", "eta_minus")}


@pytest.mark.parametrize("start", ["", "recurrent_"])
@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ("honhos", "henhos", NEURONS),
        ("honhes", "henhes", NEURONS),
        ("honhos", "honhes", SYNAPSES),
        ("henhos", "henhes", SYNAPSES),
        ("honhos", "henhes", NEURONS | SYNAPSES),
    ],
)
def test_canonical_networks_differ_in_what_their_names_say(a: str, b: str, names: set[str], start: str) -> None:
    """Homogeneous to heterogeneous: the cv leaves 0, nothing else moves, and so the means are the same."""
    found = difference(start + a, start + b)
    assert set(found) == names
    for one, two in found.values():
        assert one == 0.0 and two > 0.0


def test_canonical_spreads_are_the_same_wherever_they_occur() -> None:
    assert {k: v[1] for k, v in difference("honhos", "henhos").items()} == {
        k: v[1] for k, v in difference("honhes", "henhes").items()
    }
    assert difference("honhos", "honhes") == difference("henhos", "henhes")
    for a, b in (("honhos", "henhos"), ("honhos", "honhes"), ("henhos", "henhes")):
        assert difference(a, b) == difference(f"recurrent_{a}", f"recurrent_{b}")


def test_points_of_the_canonical_networks() -> None:
    assert hr.canonical_networks() == ("honhos", "henhos", "honhes", "henhes")
    assert hr.canonical_networks("recurrent")[3] == "recurrent_henhes"
    assert [label(n) for n in ("henhos", "recurrent_henhos", "chrsnn", "recurrent_x")] == [
        "HeNHoS", "HeNHoS (recurrent)", "chrsnn", "recurrent_x",
    ]  # fmt: skip
    with pytest.raises(HeteroError, match=r"unknown point 'recurent' \(did you mean 'recurrent'\?\)"):
        hr.canonical_networks("recurent")


def test_symmetric_control() -> None:
    """The same means and spreads from a symmetric family: only the skew differs."""
    a, b = load_network("henhes"), load_network("henhes_symmetric")
    for p in "EI":
        skewed, symmetric = a.population(p)["tau_m"], b.population(p)["tau_m"]
        assert symmetric.distribution.family == "truncated_normal" != skewed.distribution.family  # type: ignore[attr-defined]
        assert symmetric.mean == skewed.mean and symmetric.cv == skewed.cv > 0
    assert a.plasticity is not None and b.plasticity is not None
    assert [(k, p.mean) for k, p in a.plasticity.parameters] == [(k, p.mean) for k, p in b.plasticity.parameters]
    changed = {k.rpartition(".")[0] for k in difference("henhes", "henhes_symmetric")}
    assert changed <= {k.rpartition(".")[0] for k in NEURONS | SYNAPSES}


def test_clustered_network() -> None:
    """Clusters instead of one family, with the same mean."""
    a, b = load_network("henhes"), load_network("chrsnn")
    for p in "EI":
        one, clusters = a.population(p)["tau_m"], b.population(p)["tau_m"]
        assert clusters.distribution.family == "mixture"  # type: ignore[attr-defined]
        assert clusters.mean == pytest.approx(one.mean, rel=1e-3) and clusters.cv > 0
    assert {k.rsplit(".", 1)[0] for k in difference("henhes", "chrsnn")} == {f"populations.{p}.tau_m" for p in "EI"}


def test_static_control() -> None:
    """The heterogeneous neurons without plasticity, which leaves nothing of it."""
    static = load_network("static")
    assert static.plasticity is None and "plasticity" not in static.to_dict()
    found = set(difference("henhos", "static"))
    assert {k for k in found if not k.startswith("plasticity.")} == {"projections.EE.plastic"}


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("name", NETWORKS)
def test_toml_there_and_back(name: str, tmp_path: Path) -> None:
    net = load_network(name)
    again = hr.Network.from_dict(tomllib.loads(to_toml_text(net)), "other")
    assert same(net, again) and again.name == name and again.to_dict() == net.to_dict()
    path = save_network(net, tmp_path / "folder" / "copy.toml")
    assert same(load_network(path), net) and same(load_network(str(path)), net)
    assert str(load_network(path)) == str(net)


def test_own_equations_there_and_back(own: Network, tmp_path: Path) -> None:
    assert same(load_network(save_network(own, tmp_path / "copy.toml")), own)
    assert own.model == "" and "model of its own" in str(own)
    assert own.population("A")["v_th"].unit == "volt" and own.population("A")["v_th"].mean == -0.05
    assert own.population("B")["tau_m"].mean == pytest.approx(20.0)
    assert own.projections[0].weight.mean == 2e-11 and own.plasticity is None
    assert dict(own.equations)["equations"].splitlines()[0].endswith(": volt")  # no comment
    refused(
        lambda: check_equations(own), "names no model with a kernel: use backend='brian2'", error=EquationMismatchError
    )
    drawn = draw(own, 0)
    assert drawn.neurons["v_th"].std() > 0 and drawn.initial["v"].min() >= -0.07


def test_text_with_quotes_and_umlauts(own: Network, tmp_path: Path) -> None:
    net = own.replace(name="My net_2.b", description='τ = 5; # no """comment""" \\ \'\'\'')
    again = load_network(save_network(net, tmp_path / "x.toml"))
    assert (again.name, again.description) == (net.name, net.description) and same(net, again)
    assert net.description.startswith("τ = 5; # no")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.b", "a.b"), ("my (net) ä", "my _net_ _"), (".-x", "x"),
        # Nothing is left of these, and a part of their checksum stands for them.
        ("ö", "network-6dbd11fd"), ("..", "network-5ec1f7e7"),
    ],
)  # fmt: skip
def test_any_file_name_will_do(write: Write, file: str, name: str) -> None:
    """The name that a file does not state comes from what it is called."""
    assert load_network(write(f"{file}.toml", 'extends = "henhes"')).name == name


def test_loading_a_network_passes_it_on() -> None:
    net = load_network("henhes")
    assert load_network(net) is net and same(load_network(net, n=100), net.replace(n=100))
    assert same(load_network(Path(networks_folder() / "henhes.toml")), net)


def test_extends(write: Write) -> None:
    """A path is relative to the file that names it; tables merge; another family brings its own keys."""
    write("deep/base.toml", 'extends = "henhes"\nname = "base"\ndescription = "b"\nn = 50\n[protocol]\nhold = "7 ms"\n')
    top = write(
        "top.toml",
        """
        extends = "deep/base.toml"
        [populations.E]
        kind = "inhibitory"
        [populations.I]
        tau_m = { distribution = "uniform", low = "1 ms", high = "3 ms" }
        [projections.EE]
        plastic = false
        topology = { kind = "small_world", neighbours = 4 }
        [projections.EI]
        weight = { distribution = "lognormal" }
        """,
    )
    net, base = load_network(top), load_network("henhes")
    assert net.name == "top" and net.description == "" and net.n == 50 and net.protocol.hold == 7.0
    # Another kind of a population is no other family: the rest stays.
    assert net.population("E").kind == "inhibitory" and net.population("E")["tau_m"] == base.population("E")["tau_m"]
    assert net.population("I")["tau_m"].mean == 2.0 and net.population("E").fraction == base.population("E").fraction
    assert str(net.projections[0].topology) == "small_world(neighbours = 4, rewire = 0.1)"
    old, new = base.projections[1].weight, net.projections[1].weight
    assert new.distribution.family == "lognormal" and (new.mean, new.cv) == (old.mean, old.cv)  # type: ignore[attr-defined]
    absolute = write("elsewhere/abs.toml", f"extends = {str(top)!r}\n")
    assert same(load_network(absolute), net)


# ---------------------------------------------------------------- n and overrides


@pytest.mark.parametrize("n", [5, 7, 33, 100, 401, 1000])
@pytest.mark.parametrize("name", ["honhos", "static"])
def test_n_keeps_the_shares(name: str, n: int) -> None:
    net = load_network(name, n=n)
    assert net.n == n and sum(p.size for p in net.populations) == n
    for p in net.populations:
        assert abs(p.size - p.fraction * n) < 1 and p.size > 0


@given(
    n=st.integers(1, 500),
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_sizes_add_up(n: int, weights: list[int]) -> None:
    data = load_network("static").to_dict()
    data["n"], data["projections"] = n, {}
    table = data["populations"]["E"]
    data["populations"] = {f"P{i}": {**table, "fraction": w / sum(weights)} for i, w in enumerate(weights)}
    try:
        net = hr.Network.from_dict(data, "x")
    except NetworkError as error:
        assert "is empty" in str(error) and n * min(weights) / sum(weights) < 1
    else:
        assert sum(p.size for p in net.populations) == n
        assert all(abs(p.size - p.fraction * n) < 1 for p in net.populations)


OVERRIDES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"n": 203}, {"n": 203}),
    ({"E.tau_m.cv": 0.21}, {"populations.E.tau_m.cv": 0.21}),
    ({"E__tau_m__cv": 0.21}, {"populations.E.tau_m.cv": 0.21}),
    ({"populations.E.tau_m.cv": 0.21}, {"populations.E.tau_m.cv": 0.21}),
    ({"tau_m.mean": "31 ms"}, {"populations.E.tau_m.mean": "31 ms", "populations.I.tau_m.mean": "31 ms"}),
    ({"parameters.v_th": 1.5}, {"populations.E.v_th": 1.5, "populations.I.v_th": 1.5}),
    ({"v_th": 1.5}, {"populations.E.v_th": 1.5, "populations.I.v_th": 1.5}),
    ({"EE.topology.p": 0.21}, {"projections.EE.topology.p": 0.21}),
    ({"eta_plus.cv": 1.1}, {"plasticity.eta_plus.cv": 1.1}),
    ({"plasticity.tau_plus.mean": "15.3 ms"}, {"plasticity.tau_plus.mean": "15.3 ms"}),
    ({"input.channels": 12}, {"input.channels": 12}),
    ({"channels": 12}, {"input.channels": 12}),
    ({"protocol.hold": "17 ms"}, {"protocol.hold": "17 ms"}),
    ({"protocol__hold": "0.017 s"}, {"protocol.hold": "17 ms"}),
    ({"dt": "0.5 ms"}, {"dt": "0.5 ms"}),
    ({"E.tau_m.distribution": "lognormal"}, {"populations.E.tau_m.distribution": "lognormal"}),
    ({"E.tau_m": "9 ms"}, {"populations.E.tau_m": "9 ms"}),
    ({"tau_syn": {"distribution": "gamma", "mean": "3 ms", "cv": 0.25}}, {"populations.E.tau_syn.cv": 0.25}),
    (
        {"EE.topology": {"kind": "small_world", "neighbours": 4}},
        {"projections.EE.topology.neighbours": 4.0, "projections.EE.topology.rewire": 0.1},
    ),
    ({"E.tau_m": {"distribution": "truncated_normal", "cv": 0.2, "floor": 0.1}}, {"populations.E.tau_m.floor": 0.1}),
    ({"EE.plastic": False}, {"projections.EE.plastic": False}),
    ({"neuron.initial.v": 0.5}, {"neuron.initial.v": 0.5}),
    ({"weight_scaling": "none", "n": 50}, {"weight_scaling": "none", "n": 50}),
    ({"E.tau_m.cv": np.float64(0.21), "n": np.int64(50)}, {"populations.E.tau_m.cv": 0.21, "n": 50}),
    ({"E.tau_m.cv": np.array(0.21)}, {"populations.E.tau_m.cv": 0.21}),
]


@pytest.mark.parametrize(("overrides", "expected"), OVERRIDES, ids=lambda v: str(v)[:60])
def test_overrides(overrides: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each form of name reaches its values and no other; load_network and replace agree; the original stays."""
    net = load_network("henhes")
    before = net.to_dict()
    changed = net.replace(**overrides)
    assert same(changed, load_network("henhes", **overrides)) and net.to_dict() == before
    old, new = leaves(before), leaves(changed.to_dict())
    for key, value in expected.items():
        assert new[key] == value
    touched = {key.rpartition(".")[0] for key in expected} | set(expected)
    if "EE.plastic" not in overrides and "tau_syn" not in overrides:
        for key in {*old, *new}:
            if old.get(key) != new.get(key):
                assert key in touched or key.rpartition(".")[0] in touched, key
    assert changed.fingerprint != net.fingerprint


def test_override_by_a_brian2_quantity() -> None:
    import brian2 as b2

    net = load_network("henhes")
    assert same(
        net.replace(**{"tau_m.mean": 31 * b2.ms, "tau_syn": 3 * b2.ms}),
        net.replace(**{"tau_m.mean": "31 ms", "tau_syn": "3 ms"}),
    )


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"E.tau_mm.cv": 0.5}, ["unknown name 'E.tau_mm' in an override (did you mean 'E.tau_m'?)"]),
        ({"tau": "5 ms"}, ["unknown name 'tau'"]),
        ({"cv": 0.5}, ["unknown name 'cv'"]),
        ({"": 1}, ["unknown name ''", "... and "]),
        ({"eta_pluss.cv": 0.5}, ["unknown name 'eta_pluss' in an override (did you mean 'eta_plus'?)"]),
        ({"nn": 100}, ["unknown name 'nn'"]),
        ({"N": 100}, ["unknown name 'N' in an override (did you mean 'n'?)"]),
        ({"tau_syn.cv": 0.5}, ["populations.E.tau_syn is the constant '", "' and has no 'cv': set tau_syn to a table"]),
        ({"E.tau_m.floor": 0.5}, ["unknown key 'floor' of a gamma distribution"]),
        ({"E.tau_m.distribution": "uniform"}, ["unknown key"]),
        ({"E.tau_m": {"distribution": ["gamma"]}}, ["unknown distribution ['gamma']"]),
        ({"E": 5}, ["populations.E must be a table, got 5"]),
        ({"n": 2}, ["population I is empty (0.2 of n = 2): raise n or its fraction, or remove it"]),
        ({"E.kind": "inhibitory"}, ["projections.EE is inhibitory and so cannot be plastic: set plastic = false"]),
    ],
)
def test_wrong_overrides(overrides: dict[str, Any], parts: list[str]) -> None:
    refused(lambda: load_network("henhes", **overrides), *parts)
    refused(lambda: load_network("henhes").replace(**overrides), *parts)


def test_wrong_values_in_overrides() -> None:
    net = load_network("henhes")
    refused(lambda: net.replace(tau_m=np.array([1.0, 2.0])), "E.tau_m must be a number", error=UnitError)
    refused(lambda: net.replace(**{"tau_m.mean": 30}), "tau_m must be a time such as '20 ms'", error=UnitError)


# ---------------------------------------------------------------- identity


def test_fingerprint_follows_content_only(write: Write) -> None:
    net = load_network("henhes")
    assert len(net.fingerprint) == 16 and int(net.fingerprint, 16) >= 0
    renamed = net.replace(name="other", description="something else")
    assert (renamed.name, renamed.description) == ("other", "something else") and same(renamed, net)
    assert same(load_network(write("mine.toml", 'extends = "henhes"\n')), net)
    seen = {load_network(name).fingerprint for name in NETWORKS if not name.endswith("honhos")}
    assert len(seen) == len(NETWORKS) - 2  # which are their base files
    for name, value in leaves(net.to_dict()).items():
        if name.split(".")[0] in ("name", "description", "model") or name.split(".")[-1] == "kind":
            continue
        other: Any = {bool: not value, int: 307, float: 0.03125}.get(type(value))
        if isinstance(value, str) and value.endswith(" ms"):
            other = "0.5 ms" if name == "dt" else "1234 ms"
        if name in ("projections.IE.plastic", "projections.II.plastic"):  # refused
            continue
        if isinstance(value, float):
            other += value / (2 if value > 0 else 1)  # 0.03125 more than half of it, and not out of its range
        if name.endswith((".low", ".high")):
            other = value + (1 if name.endswith("high") else -1)
        if other is None or name.endswith("fraction"):
            continue
        changed = net.replace(**{name: other})
        assert changed.fingerprint != net.fingerprint and changed != net, name


def test_fingerprint_sees_the_order_of_the_populations() -> None:
    """It numbers the neurons, and so changes what is drawn."""
    data = load_network("static").to_dict()
    turned = {**data, "populations": dict(reversed(data["populations"].items()))}
    a, b = hr.Network.from_dict(data, "x"), hr.Network.from_dict(turned, "x")
    assert a != b and a.fingerprint != b.fingerprint


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"tau_m.mean": "20 ms"}, {"tau_m.mean": "0.02 s"}),
        ({"tau_m.mean": "4.1 ms"}, {"tau_m.mean": "0.0041 s"}),
        ({"tau_syn": "5 ms"}, {"tau_syn": "5000 us"}),
        ({"v_th": 2}, {"v_th": 2.0}),
        ({"v_th": "2"}, {"v_th": 2.0}),
        ({"protocol.train": "1 min"}, {"protocol.train": "60 s"}),
        ({"protocol.samples": 500}, {"protocol.samples": 500.0}),
        ({"EE.topology.p": 1}, {"EE.topology.p": 1.0}),
        ({"neuron.threshold": "v > v_th  # spike"}, {"neuron.threshold": "v   > v_th"}),
    ],
)
def test_fingerprint_ignores_spelling(a: dict[str, Any], b: dict[str, Any]) -> None:
    net = load_network("henhes")
    assert same(net.replace(**a), net.replace(**b))


@pytest.mark.parametrize("name", NETWORKS)
def test_immutable_and_hashable(name: str) -> None:
    net = load_network(name)
    parts = [net, net.populations[0], net.projections[0], net.input, net.protocol, net.projections[0].topology]
    parts += [net.projections[0].weight, net.projections[0].weight.distribution]
    parts += [net.plasticity] if net.plasticity is not None else []
    for part in parts:
        field = dataclasses.fields(part)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, field, getattr(part, field))
        hash(part)
    assert len({net, load_network(name)}) == 1
    net.to_dict()["populations"].clear()  # a copy
    assert net.to_dict()["populations"]


# ---------------------------------------------------------------- wrong files


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("henhess", ["unknown network 'henhess' (did you mean 'henhes'?)", "must end in .toml"]),
        ("zzz", ["unknown network 'zzz' (known: "]),
        ("", ["name is empty"]),
        ("nowhere/x.toml", ["no network file 'nowhere/x.toml'"]),
        (Path("henhes"), ["no network file 'henhes'"]),
        ("x" * 300, ["unknown network 'xxx"]),
        ("x" * 300 + ".toml", ["no network file"]),
        ("~nobody-of-that-name/x.toml", ["no network file"]),
        ("a\0b.toml", ["no network file"]),
        (3, ["unknown network '3'"]),
    ],
)
def test_no_such_network(name: Any, parts: list[str]) -> None:
    refused(lambda: load_network(name), *parts)


def test_wrong_files(write: Write, tmp_path: Path) -> None:
    cases: list[tuple[str | bytes, list[str]]] = [
        ("n = ", ["is not valid TOML", "Invalid value"]),
        ("n = 5\nn = 6", ["is not valid TOML"]),
        (b"description = '\xff\xfe'", ["cannot be read as a network file", "must be UTF-8"]),
        ("n = " + "9" * 5000, ["cannot be read as a network file"]),
        ("n = " + "[" * 5000, ["cannot be read as a network file"]),
        ("", ['lacks the table [populations]: start it with extends = "lif_stdp"', "[bad.toml]"]),
        ("[populations.E]\nfraction = 1", ["lacks the table [neuron]"]),
        ("extends = 'bad.toml'", ["extends itself through bad.toml -> bad.toml"]),
        ("extends = 'nowhere'", ["unknown network 'nowhere'"]),
        ("extends = 'nowhere.toml'", ["no network file", "nowhere.toml"]),
        ("extends = 5", ["extends must be the name or path of a network, got 5"]),
        ("extends = ''", ["name is empty"]),
        ("extends = 'honhos'\n[neuorn]\n", ["unknown key 'neuorn' in the network file (did you mean 'neuron'?)"]),
        ("extends = 'honhos'\npopulations = 3", ["populations must be a table, got 3"]),
        ("extends = 'honhos'\n[[populations]]", ["populations must be a table, got [{}]"]),
    ]
    for text, parts in cases:
        path = write("bad.toml", text)
        refused(lambda path=path: load_network(path), *parts)
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    refused(lambda: load_network(folder), "no network file", "give an existing .toml file")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    refused(lambda: load_network(tmp_path / "loop.toml"), "no network file")


def test_extends_cycle(write: Write) -> None:
    write("a.toml", "extends = 'b.toml'")
    write("b.toml", "extends = 'sub/../c.toml'")
    write("sub/x", "")
    path = write("c.toml", "extends = 'a.toml'")
    with pytest.raises(NetworkError) as info:
        load_network(path)
    assert str(info.value) == f"{path} extends itself through c.toml -> a.toml -> b.toml -> c.toml"


def test_own_class_of_error_survives_the_file_name(write: Write) -> None:
    path = write("bad.toml", 'extends = "honhos"\n[parameters]\nt_ref = 3\n')
    refused(lambda: load_network(path), "t_ref must be a time such as '20 ms', got 3", "[bad.toml]", error=UnitError)


# ---------------------------------------------------------------- wrong values

DELETE = object()

WRONG: list[tuple[str, Any, type[HeteroError], str]] = [
    # unknown and missing keys
    ("populations.E.tau_mm", "5 ms", NetworkError, "unknown key 'tau_mm' in [populations.E] (did you mean 'tau_m'?)"),
    ("projections.EE.weigth", 1, NetworkError, "unknown key 'weigth' in [projections.EE] (did you mean 'weight'?)"),
    ("plasticity.tau_pluss", 1, NetworkError, "unknown key 'tau_pluss' in [plasticity] (did you mean 'tau_plus'?)"),
    ("neuron.treshold", "v > 1", NetworkError, "unknown key 'treshold' in [neuron] (did you mean 'threshold'?)"),
    ("synapse.on_post", "w += 1", NetworkError, "unknown key 'on_post' in [synapse] (did you mean 'on_pre'?)"),
    ("input.chanels", 1, NetworkError, "unknown key 'chanels' in [input] (did you mean 'channels'?)"),
    ("protocol.holds", "1 ms", NetworkError, "unknown key 'holds' in [protocol] (did you mean 'hold'?)"),
    ("projections.EE.topology.q", 0.1, NetworkError, "unknown key 'q' of a random topology"),
    ("populations.E.tau_m.cvv", 0.1, NetworkError, "unknown key 'cvv' of a gamma distribution (did you mean 'cv'?)"),
    (
        "populations.new\nline",
        {},
        NetworkError,
        "'new\\nline' in [populations] is no usable name: write letters, digits, _",
    ),
    ("model", "lif_stpd", NetworkError, "unknown model 'lif_stpd' (did you mean 'lif_stdp'?): leave the key out"),
    ("populations", DELETE, NetworkError, "lacks the table [populations]"),
    ("populations", {}, NetworkError, "the network has no population: add [populations.E]"),
    ("neuron", DELETE, NetworkError, "lacks the table [neuron]"),
    ("neuron.equations", DELETE, NetworkError, "neuron.equations is missing or empty: give it as a Brian2 string"),
    ("neuron.threshold", "  # nothing", NetworkError, "neuron.threshold is missing or empty"),
    ("neuron.reset", DELETE, NetworkError, "neuron.reset is missing or empty"),
    ("populations.E.tau_m", DELETE, NetworkError, "the equations use 'tau_m', but population E does not set it"),
    ("populations.E.fraction", DELETE, NetworkError, "populations.E.fraction must be a number in [0, 1], got None"),
    ("populations.E.tau_m.cv", DELETE, NetworkError, "a gamma distribution needs mean, cv; cv is missing"),
    ("populations.E.tau_m.distribution", DELETE, NetworkError, "E.tau_m lacks the key 'distribution'"),
    ("projections.EE.topology", DELETE, NetworkError, "projections.EE lacks the key 'topology'"),
    ("projections.EE.weight", DELETE, NetworkError, "projections.EE lacks the key 'weight'"),
    ("projections.EE.pre", DELETE, NetworkError, "projections.EE.pre: unknown population None"),
    ("projections.EE.post", "e", NetworkError, "projections.EE.post: unknown population 'e'"),
    ("projections.EE.post", ["E"], NetworkError, "projections.EE.post: unknown population ['E']"),
    ("plasticity", DELETE, NetworkError, "projection EE is plastic, but the file has no [plasticity]: add it or set"),
    ("plasticity.w_max", DELETE, NetworkError, "the plasticity uses 'w_max', but [plasticity] does not set it"),
    # wrong units
    ("populations.E.tau_m", "20 mV", UnitError, "tau_m must be a time such as '20 ms', got 0.02 V (population E)"),
    ("populations.E.tau_m", 20, UnitError, "tau_m must be a time such as '20 ms', got 20 (population E)"),
    ("populations.E.tau_m.mean", "20 m", UnitError, "tau_m must be a time"),
    (
        "populations.E.tau_m.cv",
        "20 ms",
        UnitError,
        "E.tau_m.cv must be a plain number, got '20 ms': drop",
    ),
    ("populations.E.tau_m.cv", "abc", UnitError, "E.tau_m.cv must be a number such as 0.5, got 'abc'"),
    ("populations.E.v_th", "-50 mV", UnitError, "v_th must be a plain number without unit, got -0.05 V (population E)"),
    ("plasticity.eta_plus", "1 Hz", UnitError, "eta_plus must be a plain number without unit, got 1 Hz (plasticity)"),
    (
        "projections.EE.weight",
        "3 nS",
        UnitError,
        "I_syn_post must have no unit, got the unit siemens in 'w'",
    ),
    ("input.weight", "3 nA", UnitError, "adds 'v_rest - v + I_syn + I_bias' (no unit) with 'I_in' (amp)"),
    ("input.event_weight", "3 ms", UnitError, "input.event_weight must be a plain number without unit, got 3 ms"),
    ("neuron.initial.v", "3 mV", UnitError, "neuron.initial.v must have the unit of v, which is no unit, got volt"),
    ("dt", 1, UnitError, "dt must be a time with its unit, got 1 (no unit of time): write e.g. dt='10 ms'"),
    ("protocol.hold", "5 V", UnitError, "protocol.hold must be a time with its unit, got 5 V"),
    ("populations.E.tau_m", "20 parsec", UnitError, "unknown unit 'parsec'"),
    (
        "populations.E.tau_m",
        {"distribution": "uniform", "low": "1 ms", "high": "1 mV"},
        UnitError,
        "E.tau_m mixes the units second and volt: use one",
    ),
    (
        "populations.E.tau_m",
        {"distribution": "mixture", "components": ["1 ms", 3]},
        UnitError,
        "E.tau_m mixes the units 1 and second: use one",
    ),
    # numbers outside their range
    ("populations.E.tau_m", "-3 ms", NetworkError, "tau_m must be > 0 ms, got -3 ms (population E)"),
    ("populations.E.tau_m", "0 ms", NetworkError, "tau_m must be > 0 ms, got 0 ms (population E)"),
    ("populations.E.tau_m", "nan ms", NetworkError, "E.tau_m must be a finite number, got nan ms"),
    ("populations.E.tau_m", "inf ms", NetworkError, "E.tau_m must be a finite number, got inf ms"),
    ("populations.E.v_th", math.nan, NetworkError, "E.v_th must be a finite number, got nan"),
    ("populations.E.v_th", 10**400, UnitError, "E.v_th must be a number with its unit, got 1000"),
    ("populations.E.v_th", 1e200, HeteroError, "E.v_th: value must be a finite number (at most 1e+100"),
    ("populations.E.tau_m.mean", "-20 ms", HeteroError, "mean of a gamma distribution must be > 0, got -20"),
    ("populations.E.tau_m.cv", -0.5, HeteroError, "cv must be 0 (the homogeneous limit) or in [1e-06, 1000], got -0.5"),
    ("populations.E.tau_m.cv", math.inf, HeteroError, "E.tau_m: cv must be a finite number"),
    (
        "populations.E.tau_m",
        {"distribution": "uniform", "low": "-1 ms", "high": "9 ms"},
        NetworkError,
        "tau_m must be > 0 ms, got uniform(-1 ms .. 9 ms) (population E)",
    ),
    ("populations.E.t_ref", "-1 ms", NetworkError, "t_ref must be >= 0, got -1 ms (population E)"),
    ("populations.E.fraction", 0.7, NetworkError, "the fractions of the populations must sum to 1, got 0.9"),
    ("populations.E.fraction", 1.2, NetworkError, "populations.E.fraction must be a number in [0, 1], got 1.2"),
    ("populations.E.fraction", math.nan, NetworkError, "populations.E.fraction must be a number in [0, 1], got nan"),
    ("populations.E.fraction", True, NetworkError, "populations.E.fraction must be a number in [0, 1], got True"),
    ("populations.E.kind", "inhibitor", NetworkError, "kind must be 'excitatory' or 'inhibitory', got 'inhibitor'"),
    ("populations.E", 3, NetworkError, "populations.E must be a table, got 3"),
    ("projections.EE.topology.p", 1.1, NetworkError, "projections.EE.topology.p must be in [0, 1], got 1.1"),
    ("projections.EE.topology", "random", NetworkError, "projections.EE.topology must be a table such as"),
    ("projections.EE.topology.kind", ["random"], NetworkError, "projections.EE.topology: unknown kind ['random']"),
    ("projections.EE.weight", -0.1, NetworkError, "projections.EE.weight must be >= 0, got -0.1: the sign comes from"),
    ("projections.EE.plastic", "yes", NetworkError, "projections.EE.plastic: unknown rule 'yes': add [plasticity.yes]"),
    (
        "projections.EE.plastic",
        1,
        NetworkError,
        "projections.EE.plastic must be true, false or the name of a rule, got 1",
    ),
    (
        "projections.IE.plastic",
        True,
        NetworkError,
        "projections.IE is inhibitory and so cannot be plastic: set plastic",
    ),
    ("plasticity.eta_minus", -0.1, NetworkError, "eta_minus must be >= 0, got -0.1 (plasticity)"),
    ("plasticity.mu", -1, NetworkError, "mu must be >= 0, got -1 (plasticity)"),
    ("plasticity.w_max", 0.0, NetworkError, "plasticity.w_max must be > w_min = 0, got 0"),
    (
        "plasticity.w_max",
        {"distribution": "gamma", "mean": 1, "cv": 1},
        NetworkError,
        "plasticity.w_max must be one number for all synapses, got gamma(mean 1, cv 1)",
    ),
    ("n", 0, NetworkError, "n must be a whole number >= 1, got 0"),
    ("n", -5, NetworkError, "n must be a whole number >= 1, got -5"),
    ("n", 2.5, NetworkError, "n must be a whole number >= 1, got 2.5"),
    ("n", "400", NetworkError, "n must be a whole number >= 1, got '400'"),
    ("n", True, NetworkError, "n must be a whole number >= 1, got True"),
    ("n", math.nan, NetworkError, "n must be a whole number >= 1, got nan"),
    ("n", 2**31, NetworkError, "n must be a whole number <= 2147483647, got 2147483648"),
    ("n", 10**400, NetworkError, "n must be a whole number <= 2147483647, got 1000"),
    ("dt", "-1 ms", UnitError, "dt must be > 0 ms, got -1 ms"),
    ("dt", "0 ms", UnitError, "dt must be > 0 ms, got 0 ms"),
    ("dt", "1e-320 s", NetworkError, "dt must be from 1e-09 to 1e+09 ms, got 1e-317 ms: use another unit"),
    ("dt", "1e7 s", NetworkError, "dt must be from 1e-09 to 1e+09 ms, got 1e+10 ms"),
    ("protocol.hold", "0.3 ms", UnitError, "protocol.hold must be a multiple of dt = 1 ms, got 0.3 ms"),
    ("protocol.tau_read", "0 ms", UnitError, "protocol.tau_read must be > 0 ms, got 0 ms"),
    ("protocol.train", "-1 s", UnitError, "protocol.train must be >= 0 ms, got -1000 ms"),
    ("protocol.samples", 0, NetworkError, "protocol.samples must be a whole number >= 1, got 0"),
    ("protocol.washout", -1, NetworkError, "protocol.washout must be a whole number >= 0, got -1"),
    ("protocol.d_max", 1.5, NetworkError, "protocol.d_max must be a whole number >= 1, got 1.5"),
    ("input.channels", 0, NetworkError, "input.channels must be a whole number >= 1, got 0"),
    ("input.connectivity", 1.5, NetworkError, "input.connectivity must be a probability in [0, 1], got 1.5"),
    ("input.connectivity", math.nan, NetworkError, "input.connectivity must be a probability in [0, 1], got nan"),
    ("weight_scaling", "indegre", NetworkError, "weight_scaling must be 'indegree' or 'none', got 'indegre'"),
    ("populations.E.tau_m.distribution", "gama", NetworkError, "unknown distribution 'gama' (did you mean 'gamma'?)"),
    ("populations.E.tau_m.distribution", None, NetworkError, "E.tau_m lacks the key 'distribution'"),
    ("populations.E.tau_m", {"distribution": "mixture"}, NetworkError, "a mixture needs components = ["),
    (
        "populations.E.tau_m",
        {"distribution": "mixture", "components": ["1 ms"], "weights": 3},
        NetworkError,
        "E.tau_m.weights must be a list of numbers, got 3",
    ),
    (
        "populations.E.tau_m",
        {"distribution": "mixture", "components": ["1 ms"], "weights": [1, 2]},
        HeteroError,
        "E.tau_m: a mixture needs one weight a component, got 2 weights and 1 components",
    ),
    (
        "populations.E.tau_m",
        {"distribution": "mixture", "componets": ["1 ms"]},
        NetworkError,
        "unknown key 'componets' of a mixture (did you mean 'components'?)",
    ),
    # equations
    ("neuron.equations", 5, NetworkError, "neuron.equations must be text, got 5"),
    (
        "neuron.threshold",
        "v > v_th + rand()",
        NetworkError,
        "the equations use 'rand', but all random numbers are",
    ),
    ("neuron.reset", "v = randn()", NetworkError, "the equations use 'randn'"),
    ("synapse.on_pre", "I_syn_post += w * poisson(3)", NetworkError, "the equations use 'poisson'"),
    (
        "plasticity.on_pre",
        "w = rand()",
        NetworkError,
        "the equations use 'rand', but all random",
    ),
    ("neuron.initial.u", 0.5, NetworkError, "neuron.initial.u: the equations define no 'u'"),
    ("neuron.initial.dv", 0.5, NetworkError, "neuron.initial.dv: the equations define no 'dv' (did you mean 'v'?)"),
    ("neuron.initial", 0.5, NetworkError, "neuron.initial must be a table, got 0.5"),
    ("name", None, NetworkError, "name must be text, got None"),
    ("name", "a/b", NetworkError, "name must begin with a letter or digit and hold letters, digits, spaces and"),
    ("name", "", NetworkError, "name must begin with a letter or digit"),
    ("name", "../x", NetworkError, "got '../x'"),
    ("description", 5, NetworkError, "description must be text, got 5"),
    ("model", None, NetworkError, "unknown model None"),
]


def put(data: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted name replaced, added or deleted."""
    data = copy.deepcopy(data)
    *path, leaf = name.split(".")
    table = data
    for key in path:
        table = table[key]
    if value is DELETE:
        del table[leaf]
    else:
        table[leaf] = value
    return data


def short(value: Any) -> str:
    """The same for every process, which pytest-xdist needs."""
    return "deleted" if value is DELETE else getattr(value, "__name__", str(value))[:40]


@pytest.mark.parametrize(("name", "value", "error", "words"), WRONG, ids=short)
def test_wrong_value(name: str, value: Any, error: type[HeteroError], words: str) -> None:
    """The message names the value, the rule and mostly the fix, in one line."""
    data = put(load_network("henhes", dt="1 ms", **{"protocol.hold": "5 ms"}).to_dict(), name, value)
    refused(lambda: hr.Network.from_dict(data, "x"), words, error=error)


def test_random_noise_is_refused() -> None:
    data = load_network("henhes").to_dict()
    equations = data["neuron"]["equations"].replace("I_in)", "I_in + xi)")
    refused(lambda: hr.Network.from_dict(put(data, "neuron.equations", equations), "x"), "the equations use 'xi'")


def test_plasticity_counts_only_where_it_is_used() -> None:
    data = load_network("static").to_dict()
    for junk in (5, None, {"nonsense": []}):
        assert same(hr.Network.from_dict({**data, "plasticity": junk}, "x"), load_network("static"))


def test_unknown_population_of_a_network() -> None:
    refused(lambda: load_network("henhes").population("e"), "unknown population 'e'")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dv/dt = (v_rest - v) / tau_m : 1 (unless refractory)", {"dv", "dt", "v", "v_rest", "tau_m"} - {"dt"}),
        ("v = exp(-t / (20*ms)) * mV : volt", {"v"}),
        ("# nothing\nv += w*1e-3", {"v", "w"}),
        ("m = S * A : 1", {"m", "S", "A"}),
        ("x = clip(a, b, 2.5e5) + int(c > 0)", {"x", "a", "b", "c"}),
    ],
)
def test_identifiers(text: str, expected: set[str]) -> None:
    assert identifiers(text) == expected


def test_defined() -> None:
    text = "dv/dt = -v / tau : 1\nx = v**2 : 1\nshared_a : volt (shared)\nI = (a +\n b) : 1"
    assert defined(text) == {"v", "dv", "x", "shared_a", "I"}


# ---------------------------------------------------------------- fuzz

numbers = st.one_of(
    st.integers(-3, 30),
    st.floats(),
    st.sampled_from([0, 1, -1, 0.0, 1e-320, 1e-12, 1e100, 1e308, -1e308, 2**31, 2**63, 10**18, 10**400, 0.5, 1e-9]),
)
words = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", "-3 ms", "0 ms", "nan ms", "inf ms", "1e300 s", "1e-300 s", "20 mV", "5 Hz", "3 parsec"]
        + ["0.5", "1e5", " ", "gamma", "mixture", "uniform", "constant", "distance", "E", "I"]
        + ["excitatory", "inhibitory", "none", "lif_stdp", "rand()", "v > v_th or x", "(", "a : 1"]
        + ["dv/dt = -v / tau_m : 1", "x = (((", "w += 1", "###", "ä = ö", "clip(w, 0, 1)"]
        + ["v = v_reset; v = 0", "a\nb\n\nc", "v.__class__", "'quoted'", "I_syn_post += w : 1", "d/dt = 1"]
    ),
)
small = st.one_of(st.none(), st.booleans(), numbers, words, st.just(date(2020, 1, 1)), st.binary(max_size=3))
tables = st.one_of(
    st.fixed_dictionaries({"distribution": st.just("constant"), "value": small}),
    st.fixed_dictionaries(
        {"distribution": st.sampled_from(["gamma", "lognormal", "truncated_normal"]), "mean": small, "cv": small}
    ),
    st.fixed_dictionaries({"distribution": st.just("uniform"), "low": small, "high": small}),
    st.fixed_dictionaries({"kind": st.just("random"), "p": small}),
    st.fixed_dictionaries({"kind": st.just("distance"), "p_max": small, "length": small}),
    st.fixed_dictionaries({"kind": st.just("small_world"), "neighbours": small, "rewire": small}),
    st.fixed_dictionaries({"kind": st.just("fixed_indegree"), "indegree": small}),
)
mixed = st.fixed_dictionaries(
    {"distribution": st.just("mixture"), "components": st.lists(st.one_of(small, tables), max_size=3)},
    optional={"weights": st.one_of(small, st.lists(small, max_size=3))},
)
junk = st.one_of(
    small,
    st.lists(small, max_size=3),
    tables,
    mixed,
    st.dictionaries(st.one_of(words, st.sampled_from(["cv", "mean", "v", "E", "kind"])), small, max_size=3),
    st.builds(lambda: {"a": {"b": {"c": [[{}]]}}}),
)

#: Small ones, so that what is still valid can be drawn.
BASES = {name: load_network(name, n=25, **{"weight_scaling": "none"}).to_dict() for name in NETWORKS}


def places(data: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every (table, key) of a nested dictionary."""
    found = [(data, key) for key in data]
    for value in data.values():
        found += places(value) if isinstance(value, dict) else []
    return found


@st.composite
def mutated(draw_from: st.DrawFn) -> dict[str, Any]:
    """A shipped network with one to three places deleted, replaced by junk, swapped with others or added."""
    data = copy.deepcopy(BASES[draw_from(st.sampled_from(NETWORKS))])
    for _ in range(draw_from(st.sampled_from([1, 1, 1, 2, 3]))):
        everywhere = places(data)
        table, key = everywhere[draw_from(st.integers(0, len(everywhere) - 1))]
        action = draw_from(st.sampled_from(["replace", "replace", "replace", "delete", "add", "swap"]))
        if action == "delete":
            del table[key]
        elif action == "replace":
            table[key] = draw_from(junk)
        elif action == "add":
            table[draw_from(st.one_of(words, st.sampled_from(["floor", "fraction", "P", "v"])))] = draw_from(junk)
        else:
            other, name = everywhere[draw_from(st.integers(0, len(everywhere) - 1))]
            table[key] = copy.deepcopy(other[name])
    return data


@settings(
    max_examples=6 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(data=mutated())
@example(put(BASES["henhes"], "populations.E.tau_m", {"distribution": "gamma", "mean": "1e-300 s", "cv": 1000}))
@example(put(BASES["henhes"], "projections.EE.topology.p", 1e-320))
@example(put(BASES["henhes"], "n", 10**400))
@example(put(BASES["henhes"], "neuron.threshold", "v > (v_th"))
def test_fuzz(data: dict[str, Any]) -> None:
    """Any content of a file is a valid network or refused by one line; a valid one prints, compares, is drawn."""
    try:
        net = hr.Network.from_dict(data, "fuzz")
    except HeteroError as error:
        message = str(error)
        assert message and "\n" not in message
        return
    assert isinstance(net, Network)
    again = hr.Network.from_dict(net.to_dict(), "fuzz")
    assert same(net, again)
    assert net.fingerprint in str(net)
    if data.get("name") and "\x00" not in to_toml_text(net):
        assert same(hr.Network.from_dict(tomllib.loads(to_toml_text(net)), "fuzz"), net)
    try:
        check_equations(net)
    except EquationMismatchError as error:
        assert "use backend='brian2'" in str(error)
    if net.n <= 200 and net.input.channels <= 50:
        try:
            drawn = draw(net, 0)
        except HeteroError as error:
            assert "\n" not in str(error)
        else:
            for values in (*drawn.neurons.values(), drawn.plastic.w, drawn.static.w, drawn.w_in, drawn.w_event):
                assert np.isfinite(values).all()


@settings(max_examples=2 * settings().max_examples)
@given(
    name=st.one_of(st.sampled_from([*leaves(BASES["henhes"]), "tau_m", "EE", "E.tau_m", "cv", "a.b"]), words),
    value=junk,
)
def test_fuzz_of_overrides(name: str, value: Any) -> None:
    try:
        net = load_network("henhes").replace(**{name: value})
    except HeteroError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(net, Network)


def test_a_parameter_in_place_of_a_duration_is_one_time() -> None:
    net = load_network("henhes")
    refused(
        lambda: net.replace(**{"protocol.hold": net.populations[0]["v_th"]}),
        "protocol.hold must be one time",
        error=UnitError,
    )
    refused(lambda: net.replace(**{"protocol.train": net.populations[0]["tau_m"]}), "must be one time", error=UnitError)
    assert net.replace(**{"protocol.hold": net.populations[0]["tau_syn"]}).protocol.hold == 10.0
    refused(lambda: hr.Network.from_dict(5), "a network is built from a table, got int")  # type: ignore[arg-type]
    assert hr.Network.from_dict(net.to_dict()) == net
