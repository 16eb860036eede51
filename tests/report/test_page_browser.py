"""The script of a page, tried out in a browser: hover, marks, brush, filters, CSV, TOML, keyboard, colours, paper."""

from __future__ import annotations

import base64
import csv
import io
import re
import tomllib

import pytest
from searches import make_search

import hetero_rsnn as hr
from hetero_rsnn.network.saving import to_toml_text
from hetero_rsnn.report.search_page import search_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def result(folder):
    return make_search(folder, "main", space="quick", trials=24, running=1, rate=(1, 16.5), seeds=4, c_min=2.0)


@pytest.fixture(scope="module")
def address(folder, result):
    path = folder / "page.html"
    path.write_text(search_page(result, figures=False).text(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(chromium, address):
    """The page as it is first shown, at 1280 pixels."""
    chromium.size(1280, 900)
    chromium.dark(False)
    chromium.open(address)
    return chromium


def shown(page) -> set[str]:
    """Rows of the table that are not hidden."""
    return set(page.js("[...document.querySelectorAll('.trials tbody tr:not([hidden])')].map((r) => r.dataset.row)"))


def bright(page, kind: str) -> set[str]:
    """Points or lines of a kind that no filter has dimmed."""
    return set(page.js(f"[...document.querySelectorAll('{kind}[data-row]:not(.out)')].map((d) => d.dataset.row)"))


def test_a_point_tells_its_trial_with_intervals_parameters_and_why_it_fails(page, result):
    # Not the best one, over which its fresh mean may lie.
    others = [t for t in result.trials if t.evaluation is not None and t.number != result.best.number]
    for t in (min(others, key=lambda t: t.E), next(t for t in others if not t.feasible)):
        page.hover(f"#plot-0 .dot[data-row='0.{t.number}']")
        text = page.until("!document.querySelector('#tip').hidden && document.querySelector('#tip').innerText")
        near = re.match(r"trial (\d+)\n", text)
        assert near  # of points that lie on each other it may be the other one
        t = result.trials[int(near[1])]
        e = t.evaluation.estimate("E")
        assert re.search(r"E = C/S: [\d.]+ \[[\d.]+, [\d.]+\]", text) and float(f"{e.mean:.3g}") == float(
            re.search(r"E = C/S: ([\d.]+)", text)[1]
        )
        assert "C (samples)" in text and "S (spikes/sample)" in text
        for d in result.space.dimensions:
            assert f"{d.name}" in text
        assert t.feasible or f"infeasible: {t.evaluation.reason}" in text
        assert page.js("document.querySelectorAll('#plot-0 .focus .ring').length") == 1
        assert page.js("document.querySelectorAll('#plot-0 .focus .bar').length") == 2


def test_a_failed_trial_is_drawn_and_says_why(page, result):
    failed = next(t for t in result.trials if t.status == "failed")
    page.hover(f"#plot-2 .dot[data-row='0.{failed.number}']")
    text = page.until("!document.querySelector('#tip').hidden && document.querySelector('#tip').innerText")
    assert text.startswith(f"trial {failed.number}\n") and "failed: RuntimeError: <b>lost</b>" in text
    assert page.js("document.title") != "owned"


def test_points_and_rows_mark_each_other(page, result):
    page.click(f"#plot-2 .dot[data-row='0.{result.best.number}']")
    marked = page.until("document.querySelector('tr.marked')?.dataset.row")
    assert marked == f"0.{result.best.number}" and f"mark={marked}" in page.js("location.hash")
    assert page.js("document.querySelectorAll('.dot.marked').length") == 4  # one in each plot
    assert page.js("document.querySelectorAll('.run.marked').length") == 1
    page.click("tr[data-row='0.3'] .mark")
    assert page.until("document.querySelector('.dot.marked')?.dataset.row") == "0.3"
    assert page.js("document.querySelector('tr.marked .mark').getAttribute('aria-pressed')") == "true"
    page.click("nav a[href='#figures']")
    assert page.js("document.querySelector('tr.marked').dataset.row") == "0.3"  # a jump keeps what is marked
    page.click("tr[data-row='0.3'] .mark")
    assert page.js("document.querySelector('tr.marked')") is None and "mark" not in page.js("location.hash")


def test_a_brush_keeps_a_range_everywhere_and_a_click_lets_go(page, result):
    box = "#parallel .brush[data-key='E']"
    x, y = page.place(box)
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x, y - 300, button="left")
    page.mouse("mouseReleased", x, y - 300, button="left", clickCount=1)
    low, high = page.js("Page.state.keep.E")
    kept = {f"0.{t.number}" for t in result.trials if t.evaluation is not None and low <= t.E <= high * (1 + 1e-6)}
    assert 0 < len(kept) < 22
    assert shown(page) == kept == bright(page, "#plot-0 .dot") == bright(page, ".run")
    assert f"{len(kept)} of 25 shown" in page.js("document.querySelector('#count').textContent")
    before = page.js("location.href")
    page.open(before)  # a link brings it back
    assert shown(page) == kept
    page.click(box)
    assert len(shown(page)) == 25 and "keep" not in page.js("location.hash")


def test_the_search_field_takes_words_and_ranges(page, result):
    def find(text: str) -> set[str]:
        page.js(f"(() => {{ const f = document.querySelector('#find'); f.value = {text!r};"
                " f.dispatchEvent(new Event('input')); })()")  # fmt: skip
        return shown(page)

    measured = [t for t in result.trials if t.evaluation is not None]
    assert find("failed") == {f"0.{t.number}" for t in result.trials if t.status == "failed"}
    assert find("c >= 3  infeasible") == {f"0.{t.number}" for t in measured if t.C >= 3 and not t.feasible}
    assert find("inputgain<1") == {f"0.{t.number}" for t in result.trials if t.point["input gain"] < 1}
    assert find("tau_m.cv>0.5") == {f"0.{t.number}" for t in result.trials if t.point["tau_m.cv"] > 0.5}
    assert find("feasible") == {f"0.{t.number}" for t in measured if t.feasible}
    assert find("nothing of it") == set()
    page.click("#clear")
    assert len(shown(page)) == 25 and page.js("document.querySelector('#find').value") == ""


def test_csv_has_what_is_shown_in_the_order_of_the_table(page, result):
    page.js("Page.set({sort: '-E', find: 'C>2'})")
    page.js(
        "(() => { window.saved = []; URL.createObjectURL = (blob) => { saved.push(blob.text()); return '#'; }; })()"
    )
    page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(page.js("Promise.all(saved).then((texts) => texts[0])"))))
    chosen = [t for t in result.trials if t.evaluation is not None and t.C > 2]
    chosen.sort(key=lambda t: -t.E)
    assert [int(r["trial"]) for r in rows] == [t.number for t in chosen]
    e = chosen[0].evaluation.estimate("E")
    assert [float(rows[0][k]) for k in ("E", "E_low", "E_high")] == pytest.approx([e.mean, e.low, e.high], rel=1e-5)
    assert float(rows[0]["input gain"]) == pytest.approx(chosen[0].point["input gain"], rel=1e-5)
    assert {r["status"] for r in rows} == {"feasible", "infeasible"} and rows[0]["search"] == "quick"


def test_a_row_is_copied_as_the_file_of_its_network(page, result, tmp_path):
    page.js("(() => { window.copied = []; navigator.clipboard.writeText = async (text) => { copied.push(text); }; })()")
    for number in (0, 7):
        page.click(f"tr[data-row='0.{number}'] .copy")
    texts = page.until("copied.length === 2 && copied")
    for number, text in zip((0, 7), texts, strict=True):
        assert tomllib.loads(text) == tomllib.loads(to_toml_text(result.network(number)))
    (tmp_path / "seven.toml").write_text(texts[1])
    assert hr.load_network(tmp_path / "seven.toml") == result.network(7)
    assert page.js("document.querySelector('tr.marked')") is None  # to copy is not to mark


def test_the_keyboard_reaches_every_point(page, result):
    page.js("document.querySelector('#plot-2 svg').focus()")
    for _ in range(3):
        page.key("ArrowRight", 39)
    assert page.js("document.querySelector('#tip').innerText").startswith("trial 2\n")
    page.key("Enter", 13)
    assert page.js("document.querySelector('tr.marked').dataset.row") == "0.2"
    page.key("Escape", 27)
    assert page.js("document.querySelector('#tip').hidden") is True


def test_pictures_tell_their_result(page, result):
    labels = page.js("[...document.querySelectorAll('.plot svg')].map((s) => s.getAttribute('aria-label'))")
    best = result.remeasured[result.best.number]
    assert f"E = {best.estimate('E').mean:.1f}" in labels[0] and f"(trial {result.best.number})" in labels[0]
    assert re.match(r"E rises from [\d.]+ at trial \d+ to [\d.]+ at trial \d+$", labels[2])
    assert page.js("[...document.querySelectorAll('table')].every((t) => t.caption.textContent.trim())")


def test_no_error_and_nothing_wider_than_a_phone(page, address):
    page.size(390, 800)
    page.js("addEventListener('error', (e) => { window.wrong = e.message; })")
    page.open(address + "#mark=0.3&find=E>1")
    assert page.js("document.documentElement.scrollWidth") == 390
    assert page.js("window.wrong") is None and len(bright(page, "#plot-0 .dot")) > 5
    scale = "t.ownerSVGElement.getBoundingClientRect().width / t.ownerSVGElement.viewBox.baseVal.width"
    size = f"parseFloat(getComputedStyle(t).fontSize) * {scale}"
    sizes = page.js(f"[...document.querySelectorAll('.plot text')].map((t) => {size})")
    assert min(sizes) >= 10


#: Contrast of two colours by WCAG 2.2, of what the browser makes of a colour on a canvas.
CONTRAST = """(() => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement('i'));
  const light = (name) => {
    probe.style.color = `var(${name})`;
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  return Object.fromEntries(NAMES.map((n) => [n, ratio(n, '--back')]));
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_graphics_stand_out_from_the_page_and_the_switch_turns_it(page, address, dark):
    page.dark(dark)
    page.open(address)
    names = [*(f"--g{i}" for i in range(6)), "--ring", "--low", "--high", "--soft", "--text", "--mark"]
    for _ in range(2):
        found = page.js(CONTRAST.replace("NAMES", repr(names)))
        assert {n: r for n, r in found.items() if r < 3} == {} and found["--text"] > 7 and found["--soft"] > 4.5
        back = page.js("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(22, 24, 27)") == dark
        page.click("#theme")
        dark = not dark
    assert page.js("[...document.querySelectorAll('.dot')].every((d) => getComputedStyle(d).opacity === '1')")
    page.js("localStorage.clear()")


def test_paper_has_all_columns(chromium, folder):
    page, path = chromium, folder / "twelve.html"
    searches = [make_search(folder, name, space=name, trials=6) for name in ("paper", "homogeneous")]
    path.write_text(search_page(searches[0], searches[1:], figures=False).text(), encoding="utf-8")
    page.open(path.as_uri())
    page.send("Emulation.setEmulatedMedia", media="print")
    page.size(1010, 700)  # A4 landscape within its margins
    right = page.js("Math.max(...[...document.querySelectorAll('.trials th, .trials td')].map("
                    "(c) => c.getBoundingClientRect().right))")  # fmt: skip
    page.send("Emulation.setEmulatedMedia", media="")
    assert right <= 1010
    # Pictures are drawn anew in the size that they have on paper, so that their text is as large as on the screen.
    page.size(1280, 900)
    widths = "[...document.querySelectorAll('figure:not(.wide) .plot svg')].map((s) => s.viewBox.baseVal.width)"
    page.js(f"addEventListener('beforeprint', () => {{ window.printed = {widths}; }})")
    before = page.js(widths)
    pdf = base64.b64decode(page.send("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF") and re.search(rb"/MediaBox \[0 0 84[12]", pdf)
    assert set(page.js("printed")) == {320} and min(before) > 400
    assert page.until(f"String({widths}) === '{','.join(map(str, before))}'")
    # A heading with a box in it is empty on the second page.
    page.send("Emulation.setEmulatedMedia", media="print")
    shown = page.js("[...document.querySelectorAll('thead th button')].map((b) => getComputedStyle(b).display)")
    page.send("Emulation.setEmulatedMedia", media="")
    assert set(shown) == {"contents"}
