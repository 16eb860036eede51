"""The study of time constants: what its four cells share, what it measures and keeps, its numbers and sentences."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from numpy.testing import assert_array_equal

import hetero_rsnn as hr


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("learned_times")


def arrays(draw: hr.Draw) -> dict[str, Any]:
    """All that is drawn."""
    out = {f"neurons.{k}": v for k, v in draw.neurons.items()} | {"w_in": draw.w_in, "w_event": draw.w_event}
    for kind in ("plastic", "static"):
        synapses = getattr(draw, kind)
        out |= {f"{kind}.{k}": getattr(synapses, k) for k in ("w", "indptr", "target")}
        out |= {f"{kind}.{k}": v for k, v in synapses.parameters.items()}
    return out


def test_the_two_starts_differ_in_membrane_times_alone(study: Any) -> None:
    s, given = study.setting(False), {"n": 200}
    both = {start: study.drawn(start, 12, 3, s, given, {}) for start in study.STARTS}
    mine, other = (arrays(both[start]) for start in ("homogeneous", "heterogeneous"))
    assert [k for k in mine if not np.array_equal(mine[k], other[k])] == ["neurons.tau_m"]
    assert_array_equal(mine["neurons.tau_m"], np.full(200, 30.0))
    assert other["neurons.tau_m"].std() / other["neurons.tau_m"].mean() == pytest.approx(0.55, abs=0.06)


def test_cells_begin_with_the_network_that_is_measured_before(study: Any, tmp_path: Path) -> None:
    """Fixed times stay, learned ones move within their bounds, and what is kept is what was measured."""
    s = study.setting(True)
    given = s["sets"]["vowels"]
    how, parts = study.loaded(given, None)
    assert len(parts[0]) == len(parts[2]) == 60 and len(parts[1]) == 60
    assert len(np.unique(parts[2])) == len(np.unique(parts[3])) == 9  # thinned out, not cut off
    keep = tmp_path / "networks" / "vowels.toml"
    for start in study.STARTS:
        draw = study.drawn(start, 12, 0, s, given, how["overrides"])
        overrides = {**how["overrides"], **study.STARTS[start], "n": given["n"]}
        usual = hr.HRSNNClassifier(
            s["network"], epochs=0, seed=0, precision=s["precision"], **{**how, "overrides": overrides}
        ).fit(parts[0], parts[2])
        for name, value in arrays(usual.frozen_.draw).items():
            assert_array_equal(value, arrays(draw)[name], err_msg=name)
        found = {way: study.one(f"{start}, {way}", 0, s, given, how, parts, 1, keep) for way in study.TRAINABLE}
        assert_array_equal(found["fixed"]["tau_m"]["all"], np.round(draw.neurons["tau_m"], 2))
        moved = found["learned"]["tau_m"]["all"] / draw.neurons["tau_m"]
        assert 1e-4 < np.abs(np.log(moved)).max() < 1.0
        assert found["fixed"]["accuracy"] > 0.5 and found["fixed"]["nu"] > 0
    kept = hr.load_network(keep).replace(**s["protocol"])
    assert found["learned"]["measured"]["C"] == hr.measure(kept, [0]).rows[0].C
    assert "heterogeneous, learned, seed 0" in keep.read_text(encoding="utf-8")


def test_stdp_leaves_times_alone_and_is_measured_with_what_it_learned(study: Any) -> None:
    s = study.setting(True)
    given = s["sets"]["vowels"]
    how, parts = study.loaded(given, None)
    found = study.by_stdp("heterogeneous", 0, s, given, how, parts, 1)
    before = study.before("heterogeneous", 12, 0, s, given, how["overrides"])
    assert found["tau_m"] == {q: before["tau_m"][q] for q in ("mean", "cv")}
    assert found["accuracy"] > 0.5 and found["linear"] > 0.5 and found["nu"] > 0
    assert found["measured"]["C"] != before["measured"]["C"]


def rows(study: Any, gain: float) -> list[dict[str, Any]]:
    """Three seeds around given numbers; learned times are worth `gain`, and E rises by a fifth in those cells."""
    out = []
    for by in (-0.01, 0.0, 0.01):
        row: dict[str, Any] = {"before": {}, "stdp": {}}
        for start in study.STARTS:
            tau = {"mean": 30.0, "cv": 0.5 * (start == "heterogeneous"), "all": [20.0, 30.0, 40.0]}
            row["before"][start] = {"tau_m": tau, "measured": {"C": 4.0 + by, "S": 0.1, "E": 40.0 + by}}
            row["stdp"][start] = {**row["before"][start], "accuracy": 0.8 + by, "nu": 6.0, "linear": 0.85}
            for way in study.TRAINABLE:
                learned = way == "learned"
                up = 1.2 if learned else 1.0
                row[f"{start}, {way}"] = {
                    "accuracy": 0.9 + by + gain * learned, "nu": 5.0 + by, "seconds": 1.0,
                    "tau_m": {**tau, "cv": tau["cv"] + 0.1 * learned},
                    "measured": {"C": (4.0 + by) * up, "S": 0.1, "E": (40.0 + by) * (up + 0.001 * by)},
                }  # fmt: skip
        out.append(row)
    return out


def test_summary_pairs_and_findings_judge(study: Any) -> None:
    found = {"vowels": rows(study, 0.05), "digits": rows(study, -0.05)}
    out = {name: study.summary(mine) for name, mine in found.items()}
    differences = out["vowels"]["differences"]
    assert differences["learned less fixed, homogeneous start"]["accuracy"] == pytest.approx([0.05] * 3)
    assert differences["heterogeneous less homogeneous start, fixed"]["accuracy"] == pytest.approx([0.0] * 3)
    assert out["vowels"]["after over before"]["homogeneous, learned"]["C"] == pytest.approx([1.2] * 3)
    mean, _, high = out["vowels"]["cells"]["homogeneous, fixed"]["accuracy"]
    assert mean == pytest.approx(0.9) and high - mean == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-3)
    lines = study.findings(out)
    assert lines[0].startswith("Japanese vowels (3 seeds): homogeneous, fixed 90.00 % at 5.00 spikes, ")
    assert (
        "homogeneous, learned against homogeneous, fixed: clearly more accurate on Japanese vowels, clearly less on "
        "spoken digits, of 2."
    ) in lines
    assert lines[-1] == (
        "Memory per spike, heterogeneous, learned: clearly raised by training on Japanese vowels, spoken digits, "
        "clearly lowered on none, of 2."
    )
    assert "homogeneous, learned 0.00 to 0.10 (mean 30.0 to 30.0 ms)" in lines[6]
    assert lines[1] == (
        "Japanese vowels, STDP and readout: homogeneous 80.00 % at 6.00 spikes, heterogeneous 80.00 % at 6.00 spikes; "
        "the linear model of the input 85.00 %."
    )
    assert study.table(out)[2] == (
        "| Japanese vowels | homogeneous, as drawn |  |  | 0.00 [0.00, 0.00] | 4.00 [3.98, 4.02] | "
        "0.100 [0.100, 0.100] | 40.0 [40.0, 40.0] |"
    )
    assert len(study.table(out)) == 2 + 2 * 9
    assert len(study.figure(found, out).axes) == 6


def test_a_network_without_memory_has_no_ratio(study: Any) -> None:
    """E without a value comes back from the journal as None: no number is made of it, and no judgement."""
    mine = rows(study, 0.0)
    mine[1]["homogeneous, fixed"]["measured"]["E"] = None
    out = study.summary(mine)
    assert math.isnan(out["after over before"]["homogeneous, fixed"]["E"][0])
    assert (
        "Memory per spike, homogeneous, fixed: clearly raised by training on none"
        in study.findings({"vowels": out})[-4]
    )


def test_samples_are_thinned_out_evenly(study: Any) -> None:
    assert_array_equal(study.spread(np.arange(10, 20), 4), [10, 13, 16, 19])
    assert_array_equal(study.spread(np.arange(3), 7), [0, 0, 1, 2][1:])
