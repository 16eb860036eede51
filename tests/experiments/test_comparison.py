"""Comparisons: pairing, baseline, independence of the number of workers; and the shipped operating point."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from helpers import NETWORKS
from scipy import stats

import hetero_rsnn as hr
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.experiments.measurement import measure_seed
from hetero_rsnn.measures.estimates import cell, estimate
from hetero_rsnn.network.shipped import CANONICAL

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}


@pytest.fixture(scope="module")
def small() -> hr.Comparison:
    return hr.compare([hr.load_network(n, **SMALL) for n in CANONICAL], seeds=[3, 5, 9])


def test_differences_are_paired_by_seed(small):
    d = small["henhes"]["S"] - small["honhos"]["S"]
    low, high = stats.t.interval(0.95, 2, loc=d.mean(), scale=d.std(ddof=1) / np.sqrt(3))
    e = small.difference("henhes", "S")
    assert (e.mean, e.low, e.high, e.n) == pytest.approx((d.mean(), low, high, 3))
    assert small.difference("henhes", "S", "henhes").mean == 0


def test_baseline_is_honhos_or_the_first():
    nets = [hr.load_network(n, **SMALL) for n in ("static", "honhos")]
    assert hr.compare(nets, [0]).baseline == "honhos"
    assert hr.compare(nets[:1], [0]).baseline == "static"


def test_workers_do_not_change_results(small):
    again = hr.compare([hr.load_network(n, **SMALL) for n in CANONICAL], seeds=[3, 5, 9], workers=2)

    def content(c: hr.Comparison) -> str:
        data = plain(c.to_dict())
        for net in data["networks"]:
            for row in net["seeds"]:
                del row["seconds"]
        return json.dumps(data)

    assert content(again) == content(small)


def test_networks_must_be_measured_alike():
    one = hr.load_network("honhos", **SMALL)
    other = hr.load_network("henhos", **SMALL, **{"protocol.tau_read": "10 ms"})
    with pytest.raises(hr.HeteroError, match=r"protocol.tau_read differs: honhos 30, henhos 10"):
        hr.compare([one, other], [0])


def test_a_single_name_will_do():
    assert len(hr.compare(hr.load_network("honhos", **SMALL), [0]).measurements) == 1


def test_several_channels_add_their_capacities():
    net = hr.load_network("henhos", **SMALL, **{"input.channels": 2})
    result, recording = measure_seed(net, 0)
    d, u = hr.draw(net, 0), hr.uniform_stimulus(520, "10 ms", 0, channels=2)
    x = hr.states(hr.simulate(d, u, plasticity=False, state=hr.train(d)))[20:]
    parts = [hr.memory_capacity(x, u.values[20:, c], d_max=10).total for c in (0, 1)]
    assert sum(parts) == pytest.approx(result.C)
    assert recording.samples == 500


def test_static_starts_from_the_weights_of_henhos():
    a, b = (hr.draw(hr.load_network(n, n=200), 3) for n in ("henhos", "static"))
    ee = b.static.w[b.static.projection == 0]
    np.testing.assert_array_equal(a.plastic.w, ee)


def test_repeated_seeds_are_refused():
    with pytest.raises(hr.HeteroError, match="seeds must differ"):
        hr.measure(hr.load_network("honhos", **SMALL), seeds=[1, 1])


def test_heterogeneity_is_summarised():
    s = hr.measure(hr.load_network("honhes", **SMALL), seeds=[0, 1]).summary()
    assert s["H neurons E"].mean == -np.inf and s["determinant neurons E"].mean == 0
    assert np.isfinite(s["H synapses"].low) and s["determinant synapses"].mean > 0


def test_unknown_names(small):
    with pytest.raises(hr.HeteroError, match="did you mean 'henhes'"):
        small["henhess"]
    with pytest.raises(hr.HeteroError, match="at least one network"):
        hr.compare([], [0])
    with pytest.raises(hr.HeteroError, match="at least one seed"):
        hr.compare(["honhos"], [])


@pytest.mark.slow
def test_every_shipped_network_can_be_measured():
    for recurrent in (False, True):  # the points are measured in different ways
        nets = [hr.load_network(n, **SMALL) for n in NETWORKS if n.startswith("recurrent") == recurrent]
        for m in hr.compare(nets, [0, 1], workers=2).measurements:
            assert np.isfinite(m["C"]).all() and (m["S"] > 0.01).all()


@pytest.mark.slow
def test_operating_point_of_the_shipped_networks():
    """What the defaults were chosen for, on seeds that were used neither for choosing nor by default."""
    c = hr.compare(seeds=range(2000, 2010), workers=2)
    for m in c.measurements:
        s = m.summary()
        assert s["rate_hz"].low > 3 and s["rate_hz"].high < 30
        assert s["silent_share"].mean < 0.1
    assert c["henhos"].summary()["C"].low > 4 and c["henhes"].summary()["C"].low > 4
    assert c.difference("henhos", "C").low > 0
    assert c["henhos"].summary()["C"].low > c["honhos"].summary()["C"].high
    assert c.difference("henhes", "S", "henhos").high < 0


@pytest.mark.slow
def test_the_recurrent_point_remembers_by_its_synapses():
    """What was asked of the point, on seeds that no choice has seen: without synapses half of C goes, even if a higher
    bias keeps all neurons firing; without STDP a tenth; and heterogeneous neurons remember more."""
    seeds, population = range(2000, 2006), {"protocol.estimator": "population"}
    nets = [hr.load_network(name, **population) for name in hr.canonical_networks("recurrent")]
    c = hr.compare(nets, seeds, workers=2)
    for m in c.measurements:
        s = m.summary()
        assert 3 < s["rate_hz"].mean < 30 and s["silent_share"].mean < 0.1
    assert c.baseline == "recurrent_honhos" and c.difference("recurrent_henhos", "C").low > 0
    assert c.difference("recurrent_henhes", "C", "recurrent_honhes").low > 0
    whole = c["recurrent_henhes"]["C"]
    static = {"EE.plastic": False}
    bare = static | {f"{p}.weight": {"distribution": "constant", "value": 0.0} for p in ("EE", "EI", "IE", "II")}

    def left(**changes: Any) -> Any:
        net = hr.load_network("recurrent_henhes", **population, **changes)
        return estimate(hr.measure(net, seeds, workers=2)["C"] / whole.mean())

    assert left(**static).high < 0.9
    for bias in (1.0, 1.03, 1.06):
        assert left(**bare, I_bias=bias).high < 0.5


def test_a_comparison_shows_its_tables(small):
    """In a line, as text and as HTML: the same cells, and no repr of every seed."""
    assert repr(small) == "Comparison(honhos, henhos, honhes, henhes; baseline 'honhos', 3 seeds)"
    text, html = str(small), small._repr_html_()
    assert len(text.splitlines()) == 3 + 4 + 1 + 3 + 4
    for words in (text, html.replace("&nbsp;", " ")):
        assert cell(small["henhes"].summary()["S"]) in words
        assert cell(small.difference("henhes", "S", "henhos"), signed=True) in words
    assert html.count("<tr>") == 2 + 4 + 4
    assert repr(small["henhes"]) == str(small["henhes"])


def test_tables_escape_what_they_hold():
    html = TextTable("a < b", ("x", "y"), [("<i>", "&")]).html()
    assert "a &lt; b" in html and "&lt;i&gt;" in html and "<i>" not in html and "&amp;" in html


def test_a_second_name_in_place_of_seeds_is_no_seed():
    with pytest.raises(hr.HeteroError, match=r"seeds is 'henhes', which is text: give networks as one list"):
        hr.compare("honhos", "henhes")


def test_one_seed_is_no_seeds():
    one = hr.compare(hr.load_network("honhos", **SMALL), seeds=1)
    assert str(one).startswith("1 seed, 60 neurons, ")
