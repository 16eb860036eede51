"""The page on what training buys: its tables and sentences are those of the studies' files."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from helpers import ROOT

PAGE = ROOT / "docs" / "training_study.md"


@pytest.mark.parametrize("name", ["gradient", "learned_times", "memory_tasks", "image_rows"])
def test_numbers_on_the_page_are_those_of_the_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    study: Any = importlib.import_module(name)
    data = json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    assert not data["quick"] and data["setting"] == json.loads(json.dumps(study.setting(False)))
    page = PAGE.read_text(encoding="utf-8")
    summary = data["result"]["summary"]
    for line in study.table(summary):
        assert line in page
    assert f"results/{name}.json" in page and f"analysis/{name}.py" in page
    assert (ROOT / "docs" / f"{name}.png").is_file() and f"({name}.png)" in page


def test_a_table_of_training_has_a_line_for_each_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers by hand: two networks, one price."""
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    study: Any = importlib.import_module("gradient")
    rows = [
        {
            "linear": 0.9, "stdp": {"accuracy": 0.92 + by, "nu": 4.0, "seconds": 3.0},
            "untrained": {"accuracy": 0.9 + by, "nu": 4.4},
            "trained 0.25": {"accuracy": 0.93 + by, "nu": 1.0, "seconds": 7.0},
        }
        for by in (-0.01, 0.01)
    ]  # fmt: skip
    lines = study.table({"japanese_vowels": study.summary(rows)})
    assert lines[2:] == [
        "| **Japanese vowels**, 2 networks | | | | | |",
        "| linear, same input | 0.9000 | | | | |",
        "| STDP and readout | 0.9200 |  | 4.00 | 1 | 3 |",
        "| as drawn | 0.9000 | -2.0 [-2.0, -2.0] | 4.40 | 1.10 [1.10, 1.10] |  |",
        "| trained, price above 0.25 of the untrained rate | 0.9300 | +1.0 [+1.0, +1.0] | 1.00 | 0.25 [0.25, 0.25] "
        "| 7 |",
    ]
    assert study.merged([rows[0], rows[1]])["stdp"]["accuracy"] == pytest.approx(0.92)
