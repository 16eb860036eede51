"""Several rules of plasticity in one network: files, draws, saving, and what refuses them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused
from own_networks import istdp_rule, own_network, three_named_rules, two_rules

import hetero_rsnn as hr
from hetero_rsnn.common.errors import EquationMismatchError, HeteroError, NetworkError
from hetero_rsnn.network.homogeneous import homogeneous
from hetero_rsnn.network.overrides import merge
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.network.saving import to_toml_text
from hetero_rsnn.simulation.backends import has_kernel

OWN = ("two_rules", "three_named_rules")


def _made(data: dict[str, Any]) -> hr.Network:
    return hr.Network.from_dict(data, "own")


@pytest.mark.parametrize("name", OWN)
def test_there_and_back(name: str, tmp_path: Path) -> None:
    net = own_network(name)
    again = _made(tomllib.loads(to_toml_text(net)))
    assert again == net and again.fingerprint == net.fingerprint and again.rules == net.rules
    assert [r.name for r in again.rules] == [r.name for r in net.rules]
    drawn = hr.draw(net, 3)
    kept = hr.load_network(hr.save_network(drawn, tmp_path / "mine.toml"))
    found = hr.draw(kept, 9)
    assert found.shared == drawn.shared
    for key, values in drawn.plastic.parameters.items():
        np.testing.assert_array_equal(found.plastic.parameters[key], values)
    np.testing.assert_array_equal(found.plastic.w, drawn.plastic.w)


def test_a_file_names_rules_and_takes_over_the_one_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        """extends = "henhes"
model = ""
[projections.IE]
plastic = "istdp"
[plasticity.istdp]
equations = "dy/dt = -y / tau : 1 (event-driven)"
on_pre = "I_syn_post -= w; w = clip(w + eta*(y - 0.1), w_min, w_max)"
on_post = "y += 1"
w_min = 0
w_max = 1.0
tau = "20 ms"
eta = { distribution = "gamma", mean = 0.01, cv = 0.4 }
"""
    )
    net = hr.load_network(tmp_path / "mine.toml")
    assert net.plasticity == hr.load_network("henhes").plasticity and [r.name for r in net.named_rules] == ["istdp"]
    assert [(p.name, p.plastic, p.rule) for p in net.projections if p.plastic] == [
        ("EE", True, ""),
        ("IE", True, "istdp"),
    ]
    text = str(net)
    assert "plastic by istdp" in text and "plasticity istdp" in text and "gamma(mean 0.01, cv 0.4)" in text
    assert "plasticity istdp" in net._repr_html_() and "plastic synapses (istdp)" in hr.draw(net)._repr_html_()
    for name in ("istdp.eta.cv", "plasticity.istdp.eta.cv", "eta.cv"):
        assert dict(net.replace(**{name: 0.1}).named_rules[0].parameters)["eta"].cv == 0.1
    assert net.replace(w_max=0.3).named_rules == net.named_rules
    assert homogeneous(net).named_rules[0]["eta"].cv == 0


def test_parameters_of_each_rule() -> None:
    net = own_network("two_rules").replace(n=200)
    d = hr.draw(net, 2)
    pairs, inhibition = by_rule(d)
    assert (pairs.rule.name, pairs.owner, inhibition.rule.name, inhibition.owner) == (
        "",
        "plastic",
        "istdp",
        "plastic_2",
    )
    assert len(pairs.synapses) + len(inhibition.synapses) == len(d.plastic) > 0
    assert (pairs.synapses.w > 0).all() and (inhibition.synapses.w <= 0).all() and (inhibition.sign == -1).all()
    ours = d.plastic.projection == [p.name for p in net.projections].index("IE")
    for key, values in d.plastic.parameters.items():
        mine = {k for k, _ in inhibition.rule.parameters}
        others = {k for k, _ in pairs.rule.parameters}
        assert np.isfinite(values[ours]).all() == (key in mine) and np.isnan(values[ours]).any() != (key in mine)
        assert np.isfinite(values[~ours]).all() == (key in others)
    # Both have a tau_plus, each its own; what one rule draws is what it draws alone.
    tau = d.plastic.parameters["tau_plus"]
    assert tau[ours].mean() == pytest.approx(15, rel=0.1) and tau[~ours].mean() == pytest.approx(20, rel=0.1)
    alone = hr.draw(_without_istdp().replace(n=200), 2)
    np.testing.assert_array_equal(alone.plastic.parameters["tau_plus"], tau[~ours])
    np.testing.assert_array_equal(alone.plastic.w, d.plastic.w[~ours])
    assert d.shared["istdp.w_max"] == pytest.approx(2.0 / (0.1 * 40))  # over the expected in-degree
    assert set(d.heterogeneity()) == {"neurons E", "neurons I", "synapses", "synapses istdp"}


def _without_istdp() -> hr.Network:
    data = two_rules()
    data["projections"]["IE"]["plastic"] = False
    del data["plasticity"]["istdp"]
    return _made(data)


def _changed(**changes: Any) -> dict[str, Any]:
    return merge(two_rules(), changes)


RULE = istdp_rule()
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown": (
        {"projections": {"IE": {"plastic": "isdtp"}}},
        ("projections.IE.plastic: unknown rule 'isdtp' (did you mean 'istdp'?)", "add [plasticity.isdtp]"),
    ),
    "unused": (
        {"plasticity": {"other": RULE}},
        ("[plasticity.other] is the rule of no projection", "write plastic = 'other'"),
    ),
    "unused when frozen": ({"projections": {"IE": {"plastic": False}}}, ("[plasticity.istdp] is the rule of no",)),
    "inhibitory": ({"projections": {"II": {"plastic": True}}}, ("projections.II is inhibitory", "name a rule")),
    "nothing": ({"projections": {"IE": {"plastic": ""}}}, ("must be true, false or the name of a rule, got ''",)),
    "twice": (
        {"plasticity": {"istdp": {"equations": RULE["equations"] + "\n  dx/dt = -x / tau_plus : 1 (event-driven)"}}},
        ("plasticity.istdp.equations, line 3, column 4: 'x' is defined already", "give the variable another name"),
    ),
    "parameter": (
        {"plasticity": {"istdp": {"equations": RULE["equations"] + "\neta : 1"}}},
        ("plasticity.istdp.equations, line 3, column 1: 'eta' is a parameter of the rule",),
    ),
    "weight": (
        {"plasticity": {"istdp": {"equations": RULE["equations"] + "\nw : 1"}}},
        ("plasticity.istdp.equations, line 3, column 1: 'w' is the weight",),
    ),
    "neurons": (
        {"plasticity": {"istdp": {"equations": RULE["equations"] + "\n v_post : 1"}}},
        ("plasticity.istdp.equations, line 3, column 2: 'v_post' is a name of the neurons",),
    ),
    "unit": (
        {"plasticity": {"istdp": {"on_post": "apost += 1\nw += eta*tau_plus"}}},
        ("plasticity.istdp.on_post, line 2, column 6", "second"),
    ),
    "missing": ({"plasticity": {"istdp": {"on_post": "apost += jump"}}}, ("'jump', but [plasticity.istdp] does not",)),
    "unknown key": ({"plasticity": {"istdp": {"etta": 0.1}}}, ("unknown key 'etta' in [plasticity.istdp]",)),
    "bounds": ({"plasticity": {"istdp": {"w_min": 3.0}}}, ("plasticity.istdp.w_max must be > w_min = 3, got 2",)),
    "spread": (
        {"plasticity": {"istdp": {"w_max": {"distribution": "uniform", "low": 1.0, "high": 2.0}}}},
        ("plasticity.istdp.w_max must be one number",),
    ),
    "sign": (
        {"plasticity": {"istdp": {"on_pre": RULE["on_pre"].replace("-= w", "+= w")}}},
        ("plasticity.istdp.on_pre: 'I_syn_post += w' stands in synapse.on_pre too", "projection IE", "subtract w"),
    ),
    "random": ({"plasticity": {"istdp": {"on_post": "apost += rand()"}}}, ("rand",)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules(name: str) -> None:
    changes, words = WRONG[name]
    refused(lambda: _made(_changed(**changes)), *words, error=HeteroError)


def test_named_rules_alone() -> None:
    data = three_named_rules()
    data["projections"]["EE"]["plastic"] = True
    refused(
        lambda: _made(data), "projections.EE.plastic is true, but [plasticity] has no equations", error=NetworkError
    )
    data = three_named_rules()
    data["plasticity"]["w_maxx"] = 1.0
    refused(lambda: _made(data), "unknown key 'w_maxx' in [plasticity]", error=NetworkError)
    data = three_named_rules()
    del data["plasticity"]
    refused(lambda: _made(data), "but the file has no [plasticity]", error=NetworkError)


def test_without_plastic_projections_no_rule_counts() -> None:
    data = two_rules()
    for projection in data["projections"].values():
        projection["plastic"] = False
    net = _made(data)
    assert net.rules == () and "plasticity" not in net.to_dict() and len(hr.draw(net).plastic) == 0


def test_what_is_for_one_rule_refuses_by_name() -> None:
    own = hr.draw(own_network("two_rules"), 1)
    data = two_rules()
    data["model"] = "lif_stdp"
    kernel = hr.draw(_made(data), 1)
    stimulus = hr.uniform_stimulus(5, "10 ms", 1)
    calls: list[Any] = [hr.to_nir, hr.self_consistent_rates, lambda d: hr.run_batch(d, [stimulus])]
    for call in calls:
        for d in (own, kernel):
            error = refused(lambda c=call, d=d: c(d), "names rules of plasticity (istdp)", error=EquationMismatchError)
            assert re.search("lif_stdp", str(error))
    assert not has_kernel(kernel.network)  # so that one is made of its equations


def test_damage_keeps_rules_apart() -> None:
    d = hr.draw(own_network("two_rules"), 1)
    u = hr.uniform_stimulus(30, "10 ms", 3)
    trained = hr.simulate(d, u, backend="numpy")
    fewer, state = hr.lose_synapses(d, trained, 0.4, 1)
    assert state is not None
    before, after = by_rule(d), by_rule(fewer)
    for one, other in zip(before, after, strict=True):
        assert 0.5 < len(other.synapses) / len(one.synapses) < 0.7
        assert np.isfinite(np.stack(list(other.synapses.parameters.values()))).all()
    hr.simulate(fewer, u, backend="numpy", state=state)
    _, rounded = hr.quantise(d, trained, 1)
    assert rounded is not None and (np.sign(rounded.w) == np.sign(trained.weights))[rounded.w != 0].all()


def test_rules_with_names_learn_or_not() -> None:
    named = own_network("three_named_rules")
    assert named.plasticity is None and named.learns
    assert named.follows_rule(True) and not named.follows_rule(False)
    assert not hr.load_network("static").learns and not hr.load_network("static").follows_rule(True)
    stp = hr.load_network("stp")
    assert not stp.learns and stp.follows_rule(True) and stp.follows_rule(False)


def test_rules_that_learn_and_rules_that_do_not_cannot_be_kept_apart() -> None:
    data = two_rules()
    data["plasticity"]["istdp"] |= {"on_pre": "I_syn_post -= w\nx += rho*eta*tau_plus", "on_post": "apost += 1"}
    net = _made(data)
    d, u = hr.draw(net, 1), hr.uniform_stimulus(5, "10 ms", 1)
    assert hr.simulate(d, u, backend="numpy").spike_times.size > 0
    for backend in ("fast", "numpy", "brian2"):
        words = (repr(net.name), "plasticity.istdp", "plasticity=True")
        refused(lambda b=backend: hr.simulate(d, u, plasticity=False, backend=b), *words, error=NetworkError)
    # Before anything learns, for an hour or longer.
    long = net.replace(**{"protocol.train": "100000 s"})
    refused(lambda: hr.measure(long, 1, workers=1), *words, error=NetworkError)
    samples = [np.zeros((5, 1))] * 4
    refused(lambda: hr.HRSNNClassifier(net).fit(samples, [0, 1, 0, 1]), *words, error=NetworkError)


def test_visits_are_those_of_rules_that_learn() -> None:
    """An event on either side of a synapse; a rule without code for one of them does nothing there."""
    data = two_rules()
    data["plasticity"]["istdp"]["on_post"] = ""
    d, u = hr.draw(_made(data), 1), hr.uniform_stimulus(20, "10 ms", 1)
    recording = hr.simulate(d, u, backend="numpy")
    fired = np.bincount(recording.spike_neurons, minlength=d.n)
    pairs, inhibition = (part.synapses for part in by_rule(d))
    leaving = np.bincount(pairs.source, minlength=d.n) + np.bincount(inhibition.source, minlength=d.n)
    arriving = np.bincount(pairs.target, minlength=d.n)
    assert hr.count_operations(d, recording, u).weight_updates == fired @ (leaving + arriving) > 0


def _loaded(folder: Path, text: str) -> hr.Network:
    (folder / "mine.toml").write_text(text)
    return hr.load_network(folder / "mine.toml")


def test_what_is_taken_over_keeps_rules_with_names(tmp_path: Path) -> None:
    """A rule of one's own beside that of the base, and new equations for that of the base, which needs less."""
    stdp = """extends = "istdp"
[projections.EE]
plastic = true
[plasticity]
equations = "da/dt = -a / tau_a : 1 (event-driven)"
on_pre = "g_e_post += w; w = clip(w - eta_a*a*nS, w_min, w_max)"
on_post = "a += 1"
w_min = "0 nS"
w_max = "100 nS"
tau_a = "20 ms"
eta_a = 0.01
"""
    net = _loaded(tmp_path, stdp)
    assert [rule.name for rule in net.rules] == ["", "istdp"] and dict(net.rules[1].parameters).keys() >= {"eta", "tau"}
    less = """extends = "istdp"
[plasticity.istdp]
equations = "dapost/dt = -apost / tau : 1 (event-driven)"
on_pre = "g_i_post += w"
on_post = "apost += 1; w = clip(w + 0.01*apost*nS, w_min, w_max)"
"""
    assert {k for k, _ in _loaded(tmp_path, less).rules[0].parameters} == {"tau", "w_min", "w_max"}


def test_a_base_whose_plasticity_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "henhes"\nplasticity = 3\n')
    text = 'extends = "base.toml"\n[plasticity]\nequations = "dx/dt = -x / tau : 1 (event-driven)"\n'
    refused(lambda: _loaded(tmp_path, text), "plasticity", error=NetworkError)


def test_weights_of_a_rule_that_does_not_learn_stay_as_they_are() -> None:
    d = hr.draw(hr.load_network("stp", n=40), 1)
    noisy, _ = hr.weight_noise(d, None, 0.8, 2)
    w_max = noisy.shared["w_max"]
    assert (noisy.plastic.w > w_max).any()
    for backend in ("numpy", "fast", "brian2"):
        run = hr.simulate(noisy, hr.uniform_stimulus(5, "10 ms", 1), plasticity=False, backend=backend)
        np.testing.assert_array_equal(run.weights, noisy.plastic.w)
