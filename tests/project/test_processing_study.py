"""The study of processing capacity, and what pages say of it and of its speed."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from helpers import ROOT

RESULTS = ROOT / "docs" / "results"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("processing_capacity")


def test_the_page_has_the_numbers_of_the_study(study: Any) -> None:
    data = json.loads((RESULTS / "processing_capacity.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    out = data["result"]
    assert list(out) == [*study.NETWORKS] and not data["quick"] and data["setting"] == study.setting(False)
    for line in study.table(out):
        assert line in page
    assert f"{out['henhes']['targets']:.0f} targets" in page
    for name, homogeneous in (("henhos", "honhos"), ("henhes", "honhes")):
        row, other = out[name], out[homogeneous]
        assert row["total"][1] > other["total"][2] and 2 < row["total"][0] / other["total"][0] < 2.5
        ratios = [row[part][0] / other[part][0] for part in ("linear", "products", "cubic products")]
        assert ratios == sorted(ratios)
        assert 0.45 < 1 - row["linear"][0] / row["total"][0] < 0.55
    for row in out.values():
        assert sum(row[part][0] for part in study.PARTS if part != "total") == pytest.approx(row["total"][0])
        assert sum(row["linear, by delay"]) == pytest.approx(row["linear"][0])


def test_the_page_has_the_times_of_the_benchmark() -> None:
    data = json.loads((RESULTS / "processing_benchmark.json").read_text(encoding="utf-8"))
    page = " ".join((ROOT / "docs" / "performance.md").read_text(encoding="utf-8").split())
    seconds, size = {k: v["median"] for k, v in data["seconds"].items()}, data["size"]
    assert f"{size['states']} states, {size['targets']:,} targets and {size['samples']:,} samples" in page
    processor = [seconds[f"{how}, processor"] for how in ("population", "heldout")]
    wall = [seconds[f"{how}, wall"] for how in ("population", "heldout")]
    assert f"takes {processor[0]:.2f} s of the processor, the held out one {processor[1]:.2f} s" in page
    assert f"took {wall[0]:.1f} s and {wall[1]:.1f} s on the clock" in page
    assert max(processor) < 5


def test_one_small_network(study: Any) -> None:
    found = study.measured(("henhes", 1, study.setting(True)))
    assert found["bound"] <= 40 and found["targets"] == 11 + 15 + 10
    assert sum(found[part][0] for part in study.PARTS if part != "total") == pytest.approx(found["total"][0])
    assert (
        study.figure({"henhes": {**found, "total": [1, 0, 2]}}).axes[0].get_title("left").startswith("HeNHeS: 1.0 of")
    )
