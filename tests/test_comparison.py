"""Comparisons: pairing, baseline, independence of the number of workers; and the shipped operating point."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import NETWORKS
from scipy import stats

import hetero_rsnn as hr
from hetero_rsnn.comparison import CANONICAL
from hetero_rsnn.files import plain

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


def test_unknown_names(small):
    with pytest.raises(hr.HeteroError, match="did you mean 'henhes'"):
        small["henhess"]
    with pytest.raises(hr.HeteroError, match="at least one network and one seed"):
        hr.compare([], [0])
    with pytest.raises(hr.HeteroError, match="at least one network and one seed"):
        hr.compare(["honhos"], [])


@pytest.mark.slow
def test_every_shipped_network_can_be_measured():
    nets = [hr.load_network(n, **SMALL) for n in NETWORKS]
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
