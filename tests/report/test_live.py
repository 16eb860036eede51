"""A search that is watched in a notebook."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from helpers import refused
from searches import made_up

import hetero_rsnn as hr
from hetero_rsnn.network.definition import Network
from hetero_rsnn.searching.result import ranking


def measured(network: Network, seed: int) -> dict[str, float]:
    p = network.population("E")["tau_m"]
    assert network.plasticity is not None
    point = {"tau_m.mean": p.mean, "tau_m.cv": p.cv, "eta_minus.mean": network.plasticity["eta_minus"].mean}
    if point["tau_m.cv"] > 0.9:
        raise RuntimeError("lost")
    return made_up(point, seed)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What IPython is asked to show, and what replaces it."""
    calls: list[tuple[str, Any]] = []

    class Handle:
        def display(self, thing: Any) -> None:
            calls.append(("display", thing._repr_png_()))

        def update(self, thing: Any) -> None:
            calls.append(("update", repr(thing)))

    monkeypatch.setattr("IPython.display.DisplayHandle", Handle)
    return calls


def test_one_figure_grows_with_the_search(shown):
    live = hr.LiveSearch(every=0)
    result = hr.search_function(measured, "quick", budget=12, initial=8, c_min=1.6, progress=live)
    assert [t.number for t in live.trials] == list(range(12))
    assert [kind for kind, _ in shown] == ["display"] + ["update"] * (len(shown) - 1)
    picture, size = shown[0][1]  # drawn before there was anything to draw
    assert picture.startswith(b"\x89PNG") and size == {"width": 700}
    texts = [text for _, text in shown[1:]]
    assert sum(t.startswith("searching: ") for t in texts) == 12
    best = f"best E = {np.nanmax(result.convergence):.3g}"
    assert best in next(t for t in texts if t.startswith("searching: 12 of 12"))
    assert texts[-1] == repr(live) and live.status.startswith(f"finished: 12 trials, {best}")


def test_the_figure_shows_every_trial_and_the_best_so_far(shown):
    live = hr.LiveSearch()
    result = hr.search_function(measured, "quick", budget=12, initial=8, c_min=2.2, progress=live)
    left, right = live.figure().axes
    kinds = {line.get_label(): line for line in left.lines}
    feasible = [t for t in result.trials if t.feasible]
    broken = [t for t in result.trials if t.evaluation is not None and not t.feasible]
    assert feasible and broken and len(feasible) + len(broken) < 12  # all three kinds occur
    np.testing.assert_array_equal(kinds["feasible"].get_ydata(), [t.E for t in feasible])
    np.testing.assert_array_equal(kinds["breaks a limit"].get_ydata(), [t.E for t in broken])
    np.testing.assert_array_equal(kinds["best so far"].get_ydata(), result.convergence)
    np.testing.assert_array_equal(right.lines[1].get_xdata(), [t.C for t in feasible])


def test_it_is_drawn_no_more_often_than_asked_and_at_the_end(shown):
    hr.search_function(measured, "quick", budget=12, initial=8, method="random", progress=hr.LiveSearch(every=1000))
    assert [text for _, text in shown[1:]] == [
        next(t for _, t in shown[1:] if t.startswith("searching: 12 of 12")),
        next(t for _, t in shown[1:] if t.startswith("finished: 12 trials")),
    ]


@pytest.mark.slow
def test_a_second_search_begins_anew(shown):
    live = hr.LiveSearch()
    for budget in (8, 9):
        hr.search_function(measured, "quick", budget=budget, initial=8, method="random", progress=live)
    assert len(live.trials) == 9
    assert [kind for kind, _ in shown].count("display") == 2


def test_refusals(monkeypatch):
    refused(lambda: hr.LiveSearch("S"), "quantity", "'S'")
    refused(lambda: hr.LiveSearch(every=-1), "every", "-1")
    refused(lambda: hr.LiveSearch(every=True), "every", "True")
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.delitem(sys.modules, "IPython.display", raising=False)
    refused(lambda: hr.LiveSearch()("reference", 0, 1, None), "LiveSearch needs", 'pip install "hetero-rsnn[notebook]"')


def test_a_result_shows_its_best_trials():
    """In a line, and as the summary with a table, not as the repr of every trial."""
    result = hr.search_function(measured, "quick", budget=12, initial=8, c_min=1.6)
    assert repr(result).startswith("SearchResult('quick', ") and len(repr(result)) < 100
    failed = sum(t.status == "failed" for t in result.trials)
    table = ranking(result)
    assert failed and len(table.rows) == 5
    assert table.rows[0][0] == str(max((t for t in result.trials if t.feasible), key=lambda t: t.E).number)
    assert len({len(row) for row in [table.headings, *table.rows]}) == 1
    html = result._repr_html_()
    assert "best of 3 re-measured" in html and html.count("<tr>") == 1 + len(table.rows)
