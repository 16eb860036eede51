"""Pages of comparisons and sweeps: every seed is a row and a point, means with intervals are marks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import hetero_rsnn as hr
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.report.study_page import comparison_page, sweep_page

SMALL = {"n": 50, "protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"}


@pytest.fixture(scope="module")
def comparison():
    nets = [hr.load_network(name, **SMALL) for name in ("honhos", "henhes")]
    return hr.compare(nets, seeds=range(4))


@pytest.fixture(scope="module")
def sweep():
    net, other = (hr.load_network(name, **SMALL) for name in ("henhes", "static"))
    return hr.sweep(net, "eta_plus.cv", [0.2, 1.0], seeds=range(3), also=[other])


def data_of(text: str) -> Any:
    """What the script of a page reads."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_a_comparison_has_every_seed_and_the_means(comparison):
    page = comparison_page(comparison, "hetero-rsnn compare </script>")
    text = page.text()
    data = data_of(text)
    assert [(r["g"], r["v"]["seed"]) for r in data["rows"]] == [(g, s) for g in (0, 1) for s in range(4)]
    first = comparison["henhes"].rows[2]
    row = next(r for r in data["rows"] if r["g"] == 1 and r["v"]["seed"] == 2)
    assert row["name"] == "HeNHeS, seed 2" and row["v"]["C"] == pytest.approx(first.C, rel=1e-5)
    assert row["i"]["C"] == pytest.approx([first.C - 1.96 * first.C_stderr, first.C + 1.96 * first.C_stderr], rel=1e-5)
    e = comparison["henhes"].summary()["E"]
    mark = next(m for m in data["plots"][0]["marks"] if m["g"] == 1)
    assert mark["y"] == pytest.approx(e.mean, rel=1e-5) and mark["yi"] == pytest.approx([e.low, e.high], rel=1e-5)
    assert f"E = {cell(e)}" in mark["text"] and "mean of 4 seeds" in mark["text"]
    assert f"the largest E, {cell(e)}" in data["plots"][0]["told"]
    assert text.count("<tr data-row=") == 8 and text.count("</script>") == 2
    assert "hetero-rsnn compare &lt;/script&gt;" in text and "paired differences to HoNHoS" in text
    assert all("<caption" in part for part in re.findall(r"<table>.*?</table>", text, re.S))


def test_a_sweep_has_its_values_as_columns_and_paths(sweep):
    data = data_of(sweep_page(sweep).text())
    assert [r["v"].get("eta_plus.cv") for r in data["rows"]] == [0.2] * 3 + [1.0] * 3 + [None] * 3
    over = data["plots"][0]
    assert (over["x"], over["y"]) == ("eta_plus.cv", "C") and len(over["marks"]) == 2
    assert over["lines"][0]["points"] == [[m["x"], m["y"]] for m in over["marks"]]
    static = sweep.curves[1].measurements[0].summary()["C"].mean
    assert [g["at"] for g in over["guides"]] == pytest.approx([static], rel=1e-5)  # it has no value: a level line
    path = data["plots"][3]
    assert (path["x"], path["y"]) == ("C", "E") and len(path["marks"]) == 3
    assert "eta_plus.cv = " in path["told"]


@pytest.mark.slow
def test_a_browser_draws_seeds_and_means(comparison, chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(comparison_page(comparison).text(), encoding="utf-8")
    chromium.open(path.as_uri())
    assert chromium.js("document.querySelectorAll('#plot-0 .dot').length") == 8
    assert chromium.js("document.querySelectorAll('#plot-1 .best').length") == 2
    chromium.hover("#plot-2 .dot[data-row='1.2']")
    text = chromium.until("!document.querySelector('#tip').hidden && document.querySelector('#tip').innerText")
    assert re.match(r"He?N?.*, seed 2", text) and "correlation of states" in text
    chromium.js("Page.set({find: 'henhes'})")
    assert chromium.js("document.querySelectorAll('.trials tbody tr:not([hidden])').length") == 4
