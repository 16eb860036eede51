"""The page of a search: complete, escaped, self-contained; sorting is tried out in a browser where there is one."""

from __future__ import annotations

import base64
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from searches import NASTY, make_search

from hetero_rsnn.common.errors import OutputError
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.report.search_page import html, write_html
from hetero_rsnn.searching import view
from hetero_rsnn.searching.result import in_order
from hetero_rsnn.searching.space import Space, load_space

VOID = {"meta", "img", "br", "link", "input", "wbr"}


class Page(HTMLParser):
    """Elements with their attributes, the text, and what does not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def result(folder):
    return make_search(folder, "main", space="quick", trials=24, running=1, rate=(1, 16.5), seeds=4, c_min=2.0)


@pytest.fixture(scope="module")
def control(folder):
    return make_search(folder, "control", space="homogeneous", trials=6, seeds=4)


@pytest.fixture(scope="module")
def page(result, control):
    return html(result, [control])


def rows(text: str) -> list[int]:
    """Numbers of the trials in the order of the table."""
    return [int(n) for n in re.findall(r'<th scope="row" data-v="(\d+)">', text)]


def test_everything_is_closed_and_nothing_is_fetched(page):
    parsed = Page(page)
    assert not parsed.open
    assert not parsed.all("link") and all("src" not in a for a in parsed.all("script"))
    for image in parsed.all("img"):
        assert image["alt"] and str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert "default-src 'none'" in str(parsed.all("meta")[-1]["content"])
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page) and "@import" not in page


def test_figures_are_inside_as_vectors(page):
    images = Page(page).all("img")
    assert len(images) == 5
    for image in images:
        svg = base64.b64decode(str(image["src"]).partition(",")[2])
        assert svg.lstrip().startswith(b"<?xml") and b"</svg>" in svg
        assert b"<image" not in svg  # nothing rasterised


def test_headline_has_the_numbers_to_report_and_what_they_mean(page, result):
    text = Page(page).text
    best = result.remeasured[result.best.number]
    for quantity in ("E", "C", "S", "rate_hz"):
        mean, _, bounds = cell(best.estimate(quantity)).partition(" ")
        assert mean in text and bounds in text
    assert f"trial {result.best.number}" in text
    assert "8 fresh seeds (1000-1007) that the search never saw" in text and "95 % interval of that mean" in text
    assert "±" not in text  # that is a standard error elsewhere
    assert result.space.fingerprint in text and result.space.base.fingerprint in text and "scikit-optimize" in text
    assert view.REFERENCE in text and "homogeneous" in text


def test_table_has_every_trial_with_values_to_sort_by(page, result, control):
    assert rows(page) == [t.number for r in (result, control) for t in in_order(r)]
    heads = [a for a in Page(page).all("th") if "data-key" in a]
    keys = [a["data-key"] for a in heads]
    assert keys[:6] == ["trial", "search", "E", "C", "S", "rate_hz"] and keys[-1] == "status"
    assert {d.name for d in result.space.dimensions} <= set(keys)
    assert all(a["aria-sort"] == "none" and a["scope"] == "col" for a in heads)
    for t in result.trials:
        row = re.search(rf'<tr[^>]* data-row="0.{t.number}">.*?</tr>', page).group()
        values = re.findall(r'data-v="([^"]*)"', row)
        assert len(values) == len(keys)
        assert values[2] == ("" if t.evaluation is None else repr(t.E))
        if t.status == "failed":
            assert unescape(values[-1]) == f"failed: {NASTY}" and 'class="failed"' in row
        if t.evaluation is not None and not t.feasible:
            assert "below" in values[-1] or "above" in values[-1]


@pytest.mark.slow
def test_what_a_journal_holds_cannot_become_markup(folder, page):
    assert NASTY not in page and "<b>lost" not in page and page.count("<script>") == 1
    data = {**load_space("quick").to_dict(), "name": "<img src=x onerror=alert(1)>", "description": "\"'><i>"}
    data["parameters"] = {"tau_m": data["parameters"]["tau_m"]}
    data["scalars"] = {'"><u>gain</u>': next(iter(data["scalars"].values()))}
    text = html(make_search(folder, "nasty", space=Space.from_dict(data), trials=8, measured=_gain))
    parsed = Page(text)
    assert not parsed.open and not {"i", "u", "b"} & {name for name, _ in parsed.elements}
    assert all("onerror" not in a for _, a in parsed.elements)
    assert '"><u>gain</u>' in [a.get("data-key") for a in parsed.all("th")]


def _gain(point: dict[str, float], seed: int) -> dict[str, float]:
    return {"C": 2.0 + point["tau_m.cv"] + 0.01 * seed, "S": 0.1}


@pytest.mark.slow
def test_the_same_search_gives_the_same_page(result, page, control):
    assert html(result, [control]) == page


def test_without_figures_or_trials(folder, result):
    assert "<img" not in html(result, figures=False)
    empty = make_search(folder, "empty", space="quick", trials=0, running=2, ended=False)
    text = Page(html(empty)).text
    assert "No trial has finished yet" in text and "2 running" in text
    none = html(make_search(folder, "none", space="quick", trials=0, ended=False))
    assert not Page(none).open and rows(none) == []


def test_infeasible_best_is_not_praised(folder):
    result = make_search(folder, "hard", space="quick", trials=6, c_min=50.0, ended=False)
    text = Page(html(result, figures=False)).text
    assert "comes closest" in text and "Best network: trial" not in text


def test_written_atomically_or_not_at_all(result, folder):
    path = write_html(result, folder / "new" / "a.html", figures=False)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in path.parent.iterdir()] == ["a.html"]
    (folder / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_html(result, folder / "file" / "a.html", figures=False)


@pytest.fixture(scope="module")
def browse(folder, result, chromium):
    """Show the page at an address, perhaps run a script of a test; returns the document that comes of it."""
    path = Path(folder / "browse.html")
    path.write_text(html(result, figures=False), encoding="utf-8")

    def show(anchor: str = "", script: str = "") -> str:
        chromium.open(path.as_uri() + anchor)
        chromium.js(script or "0")
        return str(chromium.js("document.documentElement.outerHTML"))

    return show


def expected(result, key, down: bool) -> list[int]:
    """Numbers of the trials in order; those without a value last, equal ones by number."""
    have = [t for t in result.trials if t.evaluation is not None]
    order = sorted(have, key=lambda t: (-key(t) if down else key(t), t.number))
    return [t.number for t in [*order, *(t for t in result.trials if t.evaluation is None)]]


@pytest.mark.slow
@pytest.mark.parametrize("down", [False, True])
def test_address_sorts(browse, result, down):
    shown = browse("#sort=" + "-" * down + "C")
    assert rows(shown) == expected(result, lambda t: t.C, down)
    marked = [a["data-key"] for a in Page(shown).all("th") if a.get("aria-sort", "none") != "none"]
    assert marked == ["C"]


@pytest.mark.slow
def test_clicks_sort_and_turn_around(browse, result):
    click = "document.querySelector('[data-key=\"%s\"] button').click();"
    assert rows(browse(script=click % "E")) == expected(result, lambda t: t.E, True)  # the best first
    assert rows(browse(script=click % "E" * 2)) == expected(result, lambda t: t.E, False)
    by_rate = browse(script=click % "E" + click % "rate_hz" + "document.title = location.hash;")
    assert rows(by_rate) == expected(result, lambda t: t.rate_hz, False)
    assert "<title>#sort=rate_hz</title>" in by_rate
    gain = browse(script=click % "input gain" + "document.title = location.hash;")
    assert rows(gain)[0] == min(result.trials, key=lambda t: t.point["input gain"]).number
    assert "<title>#sort=input%20gain</title>" in gain


@pytest.mark.slow
def test_headings_take_the_keyboard(browse):
    script = (
        "const b = document.querySelectorAll('.trials th button'); b[1].focus();"
        "document.title = [b.length, document.activeElement === b[1], b[1].tabIndex].join();"
    )
    assert re.search(r"<title>\d+,true,0</title>", browse(script=script))


@pytest.mark.slow
@pytest.mark.parametrize("anchor", ["#sort=", "#sort=nothing", "#sort=%E0%A4", "#else"])
def test_odd_addresses_change_nothing(browse, result, anchor):
    shown = browse(anchor)
    assert rows(shown) == [t.number for t in in_order(result)]
    assert "<title>Search of the space &#x27;quick&#x27;</title>" in shown or "'quick'</title>" in shown
