"""Sweeps: every point is what `measure` gives, seeds are shared, and the curves say what was swept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import refused
from scipy import stats

import hetero_rsnn as hr
from hetero_rsnn.common.files import plain
from hetero_rsnn.experiments.sweep_values import is_several, swept_values

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}
CV = "E.tau_m.cv"


def small(name: str = "henhes") -> hr.Network:
    return hr.load_network(name, **SMALL)


@pytest.fixture(scope="module")
def found() -> hr.Sweep:
    return hr.sweep(small(), CV, "0:1.2:3", seeds=[3, 5, 9], also=small("static"))


def test_every_point_is_what_measure_gives(found):
    for value, m in zip((0, 0.6, 1.2), found["henhes"].measurements, strict=True):
        alone = hr.measure(small().replace(**{CV: value}), seeds=[3, 5, 9])
        assert m.network == alone.network
        for quantity in ("C", "S", "E", "rate_hz", "correlation", "weight", "curve"):
            np.testing.assert_array_equal(m[quantity], alone[quantity])


def test_all_values_meet_the_same_seeds_and_differences_are_paired(found):
    curve = found["henhes"]
    assert found.seeds == [3, 5, 9]
    assert all([row.seed for row in m.rows] == [3, 5, 9] for m in curve.measurements)
    assert curve["S"].shape == (3, 3)
    d = curve["S"][2] - curve["S"][0]
    low, high = stats.t.interval(0.95, 2, loc=d.mean(), scale=d.std(ddof=1) / np.sqrt(3))
    e = curve.differences("S")[1]
    assert (e.mean, e.low, e.high) == pytest.approx((d.mean(), low, high))


def test_rows_for_every_value_and_seed(found):
    table = found.to_pandas()
    assert list(table.columns[:3]) == ["network", CV, "seed"]
    assert len(table) == 2 * 3 * 3
    one = table[(table.network == "henhes") & (table[CV] == 0.6) & (table.seed == 5)]
    assert one.E.item() == found["henhes"]["E"][1, 1]


def test_a_network_without_the_parameter_is_a_reference_measured_once():
    eta = "eta_plus.cv"
    found = hr.sweep(small(), eta, [0.5, 1.0], seeds=2, also=[small("static")])
    curve = found["static"]
    assert curve.reference and len(curve.measurements) == 1 and curve["C"].shape == (1, 2)
    np.testing.assert_array_equal(curve["C"][0], hr.measure(small("static"), [0, 1])["C"])
    assert np.isnan(found.to_pandas()[eta]).sum() == 2
    assert f"without {eta}" in str(found)


def test_a_second_parameter_gives_a_curve_for_each_of_its_values():
    found = hr.sweep(small(), CV, [0, 1], seeds=1, grid=("E.tau_m.mean", "20ms:40ms:2"))
    assert [c.name for c in found.curves] == ["henhes, E.tau_m.mean = 20 ms", "henhes, E.tau_m.mean = 40 ms"]
    assert (found.grid, found.grid_unit, [c.other for c in found.curves]) == ("E.tau_m.mean", "ms", [20, 40])
    net = found.curves[1].measurements[1].network
    assert net == small().replace(**{"E.tau_m.mean": "40 ms", CV: 1})
    assert list(found.to_pandas()["E.tau_m.mean"]) == [20, 20, 40, 40]


def test_whole_numbers_and_times_can_be_swept():
    found = hr.sweep(small(), "n", "50:70:3", seeds=1)
    assert [m.network.n for m in found.curves[0].measurements] == [50, 60, 70]
    found = hr.sweep(small(), "protocol.tau_read", ["20 ms", "0.04 s"], seeds=1, also=small("honhos"))
    assert [m.network.protocol.tau_read for m in found["honhos"].measurements] == [20, 40]
    assert (found.values, found.unit) == ((20, 40), "ms")


def test_workers_do_not_change_results(found):
    again = hr.sweep(small(), CV, "0:1.2:3", seeds=[3, 5, 9], also=small("static"), workers=2)
    assert again.to_pandas().equals(found.to_pandas())


def test_networks_of_one_content_are_measured_once(monkeypatch):
    from hetero_rsnn.experiments import measurement

    jobs, original = [], measurement.measure_seed
    monkeypatch.setattr(measurement, "measure_seed", lambda *a: jobs.append(a) or original(*a))
    same = hr.compare({"a": small(), "b": small()}, [0, 1])
    assert len(jobs) == 2 and same["a"].rows == same["b"].rows


def test_how_a_sweep_shows_itself(found):
    assert repr(found) == f"Sweep(henhes; static; {CV} = 0 ... 1.2 (3 values), 3 seeds)"
    text, html = str(found), found._repr_html_()
    assert "HeNHeS; 3 seeds, 60 neurons, 500 samples" in text
    assert html.count("<table") == 2 and "0.6" in html
    data = json.loads(json.dumps(plain(found.to_dict()), allow_nan=False))
    assert (data["parameter"], data["values"], data["seeds"]) == (CV, [0, 0.6, 1.2], [3, 5, 9])
    assert len(data["curves"][0]["points"]) == 3
    refused(lambda: found["henhess"], "did you mean 'henhes'")


def test_an_undefined_e_is_said():
    silent = small().replace(**{"input.weight": 0.0})
    found = hr.sweep(silent, CV, [0, 1], seeds=1)
    assert "undefined" in str(found) and "no E at 0: 1 of 1 seeds have none" in str(found)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ("0:1.2:7", ("0", "0.2", "0.4", "0.6", "0.8", "1", "1.2")),
        ("0.5,0,1", ("0", "0.5", "1")),
        ("10ms:60ms:6", ("10 ms", "20 ms", "30 ms", "40 ms", "50 ms", "60 ms")),
        ("5 ms, 0.01 s", ("5 ms", "10 ms")),
        ("1:0:3", ("0", "0.5", "1")),
        (np.array([0.5, 0.25], dtype="f4"), ("0.25", "0.5")),
        ([1, "2"], ("1", "2")),
        ("-1e-3:1e-3:3", ("-0.001", "0", "0.001")),
    ],
)
def test_values(values, texts):
    assert swept_values("x", values).texts == texts
    assert swept_values("x", texts).texts == texts  # as a journal holds them


def test_quantities_of_brian2_are_values():
    from brian2 import ms

    assert swept_values("x", [10 * ms, 25 * ms]).texts == ("10 ms", "25 ms")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("0.5", ["at least 2 values", "only 0.5"]),
        ([], ["at least 2 values", "none"]),
        ("0,0", ["must differ", "0 twice"]),
        ("10ms,0.01s", ["must differ"]),
        ("0:1", ["A:B:N", "'0:1'"]),
        ("0:1:1", ["from 2 to 1000", "got 1"]),
        ("0:1:5000", ["from 2 to 1000"]),
        ("1:1:3", ["end elsewhere"]),
        ("10ms:60:3", ["one unit", "10 ms, 60"]),
        ("10ms,5mV", ["one unit"]),
        ("a,b", ["number with its unit", "'a'"]),
        ([0, float("nan")], ["finite"]),
        ([True, 2], ["True"]),
        (3, ["list or a range", "3"]),
        (range(1001), ["up to 1000", "1001"]),
    ],
)
def test_bad_values(values, words):
    refused(lambda: swept_values("x", values), *words)


def test_bad_sweeps():
    net = small()
    refused(lambda: hr.sweep(net, "E.tau_n.cv", [0, 1]), "did you mean")
    refused(lambda: hr.sweep(net, CV, [-1, 1]), "cv must be", "-1")
    refused(lambda: hr.sweep(net, CV, [0, 1], also=net), "two networks are called 'henhes'")
    refused(lambda: hr.sweep(net, CV, [0, 1], grid=("populations.E.tau_m.cv", [0, 1])), "the same parameter")
    refused(lambda: hr.sweep(net, CV, [0, 1], also="honhos"), "measured alike", "protocol.samples")
    refused(lambda: hr.sweep(net, CV, [0, 1], seeds=0), "seeds must be")
    refused(lambda: hr.sweep(net, CV, [0, 1], resume=True), "resume needs the journal")


def test_several_values_in_a_text():
    assert is_several("10ms:60ms:6") and is_several(" [0.5, 1] ") and is_several("20 ms, 30 ms")
    assert not any(map(is_several, ("0.5", "07:32", "gamma", "{a = 1, b = 2}", "a,b", "")))


def test_a_trained_network_can_be_swept_in_what_its_arrays_leave_open(tmp_path):
    net = hr.trained_network(hr.draw(small(), 0))
    path = tmp_path / "j.jsonl"
    found = hr.sweep(net, "protocol.tau_read", ["20 ms", "40 ms"], seeds=1, journal=path)
    assert net.note in str(found)
    again = hr.sweep(net, "protocol.tau_read", ["20 ms", "40 ms"], seeds=1, journal=path, resume=True)
    assert again.to_pandas().equals(found.to_pandas())
    refused(lambda: hr.Sweep.from_journal(path), "trained network", "resume")
    refused(lambda: hr.sweep(net, CV, [0, 1]), "arrays")
    assert [m.network.name for m in hr.compare({"one": net, "two": small()}, [0]).measurements] == ["one", "two"]
