"""The study of which diversity pays: its networks, and its numbers by hand."""

from __future__ import annotations

import importlib
import json
import math
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from scipy import stats

import hetero_rsnn as hr

PAGE = ROOT / "docs" / "which_heterogeneity.md"
SUMMARY = ROOT / "docs" / "results" / "which_heterogeneity.json"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("which_heterogeneity")


def row(c: Any, s: Any = 0.1) -> dict[str, Any]:
    c = np.asarray(c, dtype=float)
    s = np.broadcast_to(s, c.shape)
    return {"seed": list(range(c.size)), "C": c.tolist(), "S": s.tolist(), "E": [None] * c.size}


@pytest.mark.parametrize("point", ["intrinsic", "recurrent"])
def test_nothing_differs_but_what_is_asked_for(study: Any, point: str) -> None:
    def varying(net: hr.Network) -> set[str]:
        """What differs among neurons or synapses; input weights and initial potentials always do."""
        tables = [p.parameters for p in net.populations]
        assert net.plasticity is not None
        tables += [net.plasticity.parameters]
        tables += [(("weight", q.weight), ("delay", q.delay)) for q in net.projections]
        return {name for table in tables for name, p in table if p.distribution.cv > 0}

    assert varying(study.network(point, {}, {})) == set()
    stdp = {"tau_plus", "tau_minus", "eta_plus", "eta_minus"}
    for kind in study.KINDS:
        net = study.network(point, {kind: 0.5}, {"n": 60})
        assert varying(net) == (stdp if kind == "STDP" else {kind})
    assert net.protocol == study.network(point, {}, {}).protocol


def test_the_recurrent_point_has_the_values_of_the_shipped_one(study: Any) -> None:
    ours, shipped = study.network("recurrent", {}, {}).to_dict(), hr.load_network("recurrent_honhos").to_dict()
    for name in ("EE", "EI", "IE", "II"):
        assert ours["projections"][name]["weight"]["mean"] == shipped["projections"][name]["weight"]["mean"]
    for key in ("w_max", "eta_plus", "eta_minus", "tau_plus"):
        assert ours["plasticity"][key] == shipped["plasticity"][key]
    for key in ("input", "protocol"):
        assert ours[key] == shipped[key]
    assert ours["populations"]["E"]["tau_m"] == shipped["populations"]["E"]["tau_m"]
    assert ours["populations"]["E"]["tau_syn"]["mean"] == shipped["populations"]["E"]["tau_syn"]


def test_changes_are_paired_and_hold_for_all_tests_at_once(study: Any) -> None:
    rng = np.random.default_rng(0)
    before, gain = 5 + rng.normal(0, 1, 20), 1.5 + rng.normal(0, 0.1, 20)
    found = study.change(row(before + gain), row(before), "C", 24)
    relative = gain / before.mean()
    low, high = stats.t.interval(1 - 0.05 / 24, 19, relative.mean(), stats.sem(relative))
    assert [found[k] for k in ("mean", "low", "high")] == pytest.approx([relative.mean(), low, high])
    assert found["verdict"] == "larger"
    assert study.change(row(before - gain), row(before), "C", 24)["verdict"] == "smaller"
    assert study.change(row(before + rng.normal(0, 1, 20)), row(before), "C", 24)["verdict"] == "unclear"
    # E has a value here where the measurement gives none: C / S.
    half = study.change(row(before, 0.2), row(before, 0.1), "E", 1)
    assert half["mean"] == pytest.approx(-0.5)


def test_gains_that_multiply_do_not_interact(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    base = 4 + np.random.default_rng(1).normal(0, 0.3, 8)
    gains = {"a": 2.0, "b": 1.5, "c": 0.5}
    extra = {("a", "c"): 1.3}
    monkeypatch.setattr(study, "network", lambda point, spreads, base: tuple(spreads))

    class Fake:
        setting = {"pairs": [0, 8], "kinds": list(gains), "base": {}}  # noqa: RUF012

        @staticmethod
        def measured(kinds: tuple[str, ...], seeds: Any, label: str) -> dict[str, Any]:
            factor = math.prod(gains[k] for k in kinds) * extra.get(kinds, 1.0)
            return row(base * factor * (1 + 1e-3 * np.arange(8) * len(kinds)), 0.1 * 1.1 ** len(kinds))

    found = study.pairs(Fake(), "intrinsic")
    assert list(found) == ["a x b", "a x c", "b x c"]
    assert found["a x c"]["C"]["mean"] == pytest.approx(math.log(1.3), abs=1e-3)
    assert found["a x c"]["C"]["verdict"] == "larger"
    assert found["a x b"]["C"]["mean"] == pytest.approx(0, abs=1e-4)
    assert found["a x b"]["S"]["mean"] == pytest.approx(0, abs=1e-12)
    assert found["a x c"]["E"]["mean"] == pytest.approx(found["a x c"]["C"]["mean"])
    assert found["b x c"]["gain"]["mean"] == pytest.approx(math.log(0.75), abs=0.02)


def test_cells_say_what_is_clear(study: Any) -> None:
    assert study.percent({"mean": 0.5, "low": 0.25, "high": 0.75, "verdict": "larger"}) == "**+50 [+25, +75]**"
    assert study.percent({"mean": -0.1, "low": -0.3, "high": 0.1, "verdict": "unclear"}) == "−10 [−30, +10]"
    assert study.percent({"mean": None, "low": None, "high": None, "verdict": "unclear"}) == "no value"


def test_numbers_on_the_page_are_those_of_the_file(study: Any) -> None:
    data = json.loads(SUMMARY.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    assert not data["quick"] and data["setting"] == json.loads(json.dumps(study.setting(False)))
    lines = [line for point in study.POINTS for line in study.table(data["result"], point)]
    lines += study.processing_table(data["result"])
    assert [line for line in lines if line not in page] == []
