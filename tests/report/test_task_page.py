"""Pages of classifications and forecasts: every seed is a row and a point, and all pictures tell their result."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import CHOSEN, toy

import hetero_rsnn as hr
from hetero_rsnn.measures.estimates import cell, estimate
from hetero_rsnn.measures.reports import classification_report
from hetero_rsnn.report.confusion import told
from hetero_rsnn.report.image_page import image_page
from hetero_rsnn.report.task_page import task_page
from hetero_rsnn.tasks.image_result import ImageRow, ImageTaskResult

NETWORKS = ["honhos", "henhes"]


@pytest.fixture(scope="module")
def classified():
    data = replace(toy(), classes=("slow", "</script><b>", "fast"))
    more = {"few_labels": (1, 5), "early": True, "every": 8, "minirocket": False, "chosen": CHOSEN}
    return hr.classify(data, NETWORKS, [4, 5, 6], overrides={"n": 30}, workers=1, **more)


@pytest.fixture(scope="module")
def foretold():
    rng = np.random.default_rng(1)
    x = np.sin(np.arange(500) / 6)[:, None] + 0.1 * rng.normal(size=(500, 1))
    data = hr.Dataset(
        name="wave", task="forecasting", X=(x[:350], x[350:]), y=None, classes=(), train=np.array([0]),
        test=np.array([1]), groups=None, interval_ms=None, channels=("height",), kind="series", source="made here",
        licence="none", notes="", details={"inputs": ("height",), "targets": ("height",)},
    )  # fmt: skip
    chosen = hr.Recipe(hr.CurrentEncoder(lags=4), "10 ms", {"washout": 20}, horizon=3)
    return hr.forecast(data, NETWORKS, [0, 1, 2], chosen=chosen, overrides={"n": 30}, workers=1)


def data_of(text: str) -> Any:
    """What the script of a page reads."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_a_classification_has_every_seed_with_its_interval_and_the_means(classified):
    text = task_page(classified, "hetero-rsnn classify </script>").text()
    data = data_of(text)
    assert [(r["g"], r["v"]["seed"]) for r in data["rows"]] == [(g, s) for g in (0, 1) for s in (4, 5, 6)]
    own = classified.of("henhes")[1]
    row = next(r for r in data["rows"] if r["id"] == "1.5")
    assert row["name"] == "HeNHeS, seed 5" and row["v"]["accuracy"] == pytest.approx(own.report.accuracy, rel=1e-5)
    assert row["i"]["accuracy"] == pytest.approx([own.report.low, own.report.high], rel=1e-5)
    assert (row["v"]["linear"], row["v"]["nu"]) == pytest.approx((own.linear, own.report.nu), rel=1e-5)
    over = data["plots"][0]
    e = classified.estimate("henhes", "accuracy")
    mark = next(m for m in over["marks"] if m["g"] == 1)
    assert (mark["x"], mark["y"]) == pytest.approx((classified.estimate("henhes", "nu").mean, e.mean), rel=1e-5)
    assert mark["yi"] == pytest.approx([max(e.low, 0), min(e.high, 1)], rel=1e-5)
    linear = estimate(r.linear for r in classified.rows).mean
    assert [g["at"] for g in over["guides"]] == pytest.approx([linear], rel=1e-5)
    best = max(NETWORKS, key=lambda name: classified.estimate(name, "accuracy").mean)
    assert f"the largest accuracy, {classified.estimate(best, 'accuracy').mean:.4f}" in over["told"]
    assert text.count("<tr data-row=") == 6 and text.count("</script>") == 2
    assert "hetero-rsnn classify &lt;/script&gt;" in text and "its linear baseline" in text
    assert all("<caption" in part for part in re.findall(r"<table.*?</table>", text, re.S))


def test_few_labels_and_early_decisions_are_paths_of_means(classified):
    data = data_of(task_page(classified).text())
    few, early = data["plots"][2:4]
    assert (few["x"], few["log"]) == ("labels of a class", True) and {line["g"] for line in few["lines"]} == {
        0,
        1,
        None,
    }
    mean = estimate(r.few[5][0] for r in classified.of("honhos")).mean
    assert next(line for line in few["lines"] if line["g"] == 0)["points"][1] == pytest.approx([5, mean], rel=1e-5)
    linear = estimate(r.few[1][1] for r in classified.of("honhos")).mean
    assert next(line for line in few["lines"] if line["g"] is None)["points"][0] == pytest.approx([1, linear], rel=1e-5)
    waits = next(line for line in early["lines"] if line["g"] == 1)["points"][-1]
    full = estimate(r.early.full.accuracy for r in classified.of("henhes")).mean
    assert waits == pytest.approx([1.0, full], rel=1e-5) and f"{full:.4f}" in early["told"]


def test_confusions_are_added_over_the_seeds_and_say_the_largest_mistake(classified):
    text = task_page(classified).text()
    tables = re.findall(r'<table class="confusion">.*?</table>', text, re.S)
    for name, table in zip(NETWORKS, tables, strict=True):
        matrix = sum(r.report.confusion for r in classified.of(name))
        found = [int(x) for x in re.findall(r"<td[^>]*>(\d+)</td>", table)]
        assert found == matrix.ravel().tolist()
        said = re.search(r"(\d+) of (\d+) are right over 3 seeds", table)
        assert (int(said[1]), int(said[2])) == (np.trace(matrix), matrix.sum())
        assert "<b>" not in table and "&lt;b&gt;" in table
    assert told("A", np.array([[3, 0], [0, 4]]), ["x", "y"]) == "A: 7 of 7 are right (100.0 %)"
    assert told("A", np.array([[3, 1], [5, 4]]), ["x", "y"], 2).endswith("y taken for x, 5 of 9")


def test_a_forecast_has_its_errors_beside_the_simple_models_and_a_stretch_of_the_truth(foretold):
    text = task_page(foretold, "hetero-rsnn forecast wave.csv").text()
    data = data_of(text)
    row = next(r for r in data["rows"] if r["id"] == "1.2")
    report = foretold.of("henhes")[2].report
    assert [row["v"][k] for k in ("nrmse", "skill", "persistence", "linear", "nu")] == pytest.approx(
        [report.nrmse, report.skill, report.persistence, report.linear, report.nu], rel=1e-5
    )
    over = data["plots"][0]
    assert [g["text"] for g in over["guides"]] == ["persistence", "linear model"]
    assert [g["at"] for g in over["guides"]] == pytest.approx([report.persistence, report.linear], rel=1e-5)
    best = min(NETWORKS, key=lambda name: foretold.estimate(name, "nrmse").mean)
    assert f"the least error (NRMSE), {cell(foretold.estimate(best, 'nrmse'))}, 3 samples ahead" in over["told"]
    series, trace = data["series"], foretold.of("henhes")[0].trace
    assert [line["row"] for line in series["lines"]] == ["", "0.0", "1.0"]
    np.testing.assert_allclose(series["at"], trace["row"])
    np.testing.assert_allclose(series["lines"][0]["values"], trace["target"], rtol=1e-4)
    np.testing.assert_allclose(series["lines"][2]["values"], trace["forecast"], rtol=1e-4)
    off = float(np.sqrt(np.mean((trace["forecast"] - trace["target"]) ** 2)))
    assert f"HeNHeS {float(f'{off:.3g}'):g}" in series["told"] and '<table class="confusion' not in text


def test_images_have_seeds_steps_and_a_confusion():
    truth = np.arange(40) % 4
    data = replace(toy(), classes=("a", "b", "c", "d"))
    rows = []
    for seed in (0, 1, 2):
        decided = np.where(np.arange(40) < 5 + seed, 0, truth)
        report = classification_report(truth, decided, range(4), np.full(40, 2.0), 10, 1.0)
        rows.append(ImageRow(seed, report, 0.6, (0.4, 0.5 + seed / 10), 1e4, 3e3, 5, 1.5))
    result = ImageTaskResult(data, "vgg", "direct", 2, {}, tuple(rows), 100, 0, 0, 40)
    page = image_page(result, "hetero-rsnn classify --model vgg")
    found = data_of(page.text())
    assert [r["v"]["accuracy"] for r in found["rows"]] == pytest.approx([r.report.accuracy for r in rows], rel=1e-5)
    assert found["plots"][2]["lines"][0]["points"] == [[1.0, pytest.approx(0.4)], [2.0, pytest.approx(0.6)]]
    assert "0.6 after step 2" in found["plots"][2]["told"] and "of 120 are right over 3 seeds" in page.text()


@pytest.fixture
def shown(chromium, tmp_path):
    """Show a result in a browser; errors of the script are kept."""

    def show(result: Any, width: int = 1280) -> Any:
        path = tmp_path / "page.html"
        text = task_page(result).text()
        catch = "<script>addEventListener('error', (e) => { window.wrong = e.message; })</script>"
        path.write_text(text.replace("<main>", catch + "<main>"), encoding="utf-8")
        chromium.size(width, 900)
        chromium.dark(False)
        chromium.open(path.as_uri())
        assert chromium.js("window.wrong") is None
        return chromium

    return show


def tip(page: Any) -> str:
    """What stands beside the pointer."""
    return page.until("!document.querySelector('#tip').hidden && document.querySelector('#tip').innerText")


def focus(page: Any, selector: str) -> None:
    """Go to an element with the keyboard, when scrolling, which hides what stands beside the pointer, has ended."""
    page.hover(selector)
    page.js(f"document.querySelector({selector!r}).focus({{preventScroll: true}})")


@pytest.mark.slow
def test_a_browser_tells_seeds_means_and_mistakes(classified, shown):
    page = shown(classified)
    assert page.js("document.querySelectorAll('#plot-1 .dot').length") == 6
    assert page.js("document.querySelectorAll('#plot-0 .best').length") == 2
    page.hover("#plot-1 .dot[data-row='0.5']")
    text = tip(page)
    assert re.match(r"H[eo]NH[eo]S, seed 5\n", text) and re.search(r"accuracy: [\d.]+ \[[\d.]+, [\d.]+\]", text)
    page.js("Page.mark('1.6')")
    assert page.js("[...document.querySelectorAll('.dot.marked')].map((d) => d.dataset.row)") == ["1.6", "1.6"]
    page.hover(".confusion td.wrong")
    assert re.search(r"HoNHoS\ntrue .*, decided .*:\n\d+ of \d+ \([\d.]+%\)", tip(page))
    assert page.js("document.querySelectorAll('main b').length") == 0
    # The means of a picture without points are reached by the keyboard.
    focus(page, "#plot-2 svg")
    page.key("ArrowRight", 39)
    assert tip(page).startswith("HoNHoS, 1 label of a class\n") and "accuracy = " in tip(page)
    page.js("window.saved = []; URL.createObjectURL = (blob) => { saved.push(blob.text()); return '#'; };")
    page.js("Page.set({find: 'henhes'})")
    page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(page.js("Promise.all(saved).then((texts) => texts[0])"))))
    assert [(r["network"], r["seed"]) for r in rows] == [("HeNHeS", s) for s in "456"]
    assert float(rows[0]["accuracy_high"]) == pytest.approx(classified.of("henhes")[0].report.high, rel=1e-5)


@pytest.mark.slow
def test_a_browser_reads_truth_and_forecasts_at_a_row(foretold, shown):
    page = shown(foretold)
    trace = foretold.of("henhes")[0].trace
    focus(page, "#series svg")
    page.key("Escape", 27)
    for _ in range(2):
        page.key("ArrowRight", 39)
    text = tip(page)
    assert text.startswith(f"row of the first test series: {trace['row'][1]:.0f}\n")
    value = float(re.search(r"HeNHeS: (-?[\d.]+)", text)[1])
    assert value == pytest.approx(trace["forecast"][1], rel=1e-3, abs=1e-4)
    page.key("Escape", 27)
    assert page.js("document.querySelector('#tip').hidden") is True
    # A click on the last point of a line marks its seed.
    x, y = page.js(
        "(() => { const s = document.querySelector('#series svg'); s.scrollIntoView({block: 'center'});"
        " const l = [...s.querySelectorAll('.line')].at(-1), p = l.getPointAtLength(l.getTotalLength());"
        " const b = s.getBoundingClientRect(), k = b.width / s.viewBox.baseVal.width;"
        " return [b.left + p.x * k, b.top + p.y * k]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.mouse(kind, x, y, button="left", clickCount=1)
    assert page.until("document.querySelector('tr.marked')?.dataset.row") in ("0.0", "1.0")
    assert page.js("document.querySelectorAll('#series .line.marked').length") == 1
    page.js("Page.set({find: 'honhos'})")
    assert page.js("document.querySelectorAll('#series .line.out').length") == 1
    labels = page.js("[...document.querySelectorAll('.plot svg')].map((s) => s.getAttribute('aria-label'))")
    assert len(labels) == 5 and all(re.search(r"\d", text) for text in labels)
    ticks = (
        "[...document.querySelectorAll('#plot-1 .axes text[text-anchor=middle]:not(.name)')].map((t) => t.textContent)"
    )
    assert page.js(ticks) == ["0", "1", "2"]  # there is no half a seed


@pytest.mark.slow
@pytest.mark.parametrize("which", ["classified", "foretold"])
def test_a_phone_and_paper_show_all_of_it(which, shown, request):
    page = shown(request.getfixturevalue(which), 390)
    assert page.js("document.documentElement.scrollWidth") == 390
    scale = "t.ownerSVGElement.getBoundingClientRect().width / t.ownerSVGElement.viewBox.baseVal.width"
    size = f"parseFloat(getComputedStyle(t).fontSize) * {scale}"
    assert min(page.js(f"[...document.querySelectorAll('.plot text')].map((t) => {size})")) >= 10
    page.send("Emulation.setEmulatedMedia", media="print")
    page.size(1010, 700)  # A4 landscape within its margins
    right = page.js("Math.max(...[...document.querySelectorAll('th, td, svg')].map("
                    "(c) => c.getBoundingClientRect().right))")  # fmt: skip
    page.send("Emulation.setEmulatedMedia", media="")
    assert right <= 1010
