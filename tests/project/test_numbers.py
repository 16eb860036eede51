"""The numbers of README and pages are those of the files in docs/results."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from helpers import ROOT


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("numbers_of_pages")


def test_pages_say_what_the_files_hold(numbers: Any) -> None:
    assert numbers.faults() == []
    assert {"README.md", "docs/findings.md"} <= {p.relative_to(ROOT).as_posix() for p in numbers.pages()}


def test_a_changed_number_is_found_and_put_right(numbers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Another C in the file: the tables and the sentences of pages differ, and the script writes the tables anew."""
    data = numbers.read("compare")
    data["networks"]["henhes"]["C"]["mean"] = 12.345
    data["differences"]["henhos less honhos"]["C"]["mean"] = 6.789
    read = numbers.read
    monkeypatch.setattr(numbers, "read", lambda name: data if name == "compare" else read(name))
    found = numbers.faults()
    assert any(f.startswith("README.md: a table differs") for f in found)
    assert any("docs/findings.md: does not say" in f and "+6.79" in f for f in found)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "12.3" not in text and "| HeNHeS | 12.35 [" in numbers.filled(text)


def test_what_is_kept_of_a_comparison_is_what_the_pages_show(numbers: Any) -> None:
    estimate = {"mean": 1.0, "low": 0.5, "high": 1.5, "n": 3, "stderr": 0.2, "missing": 0}
    wanted = ("C", "S", "rate_hz", "E", "silent_share", "correlation", "weight")
    row = {"network": "a", "versions": {"python": "3"}, "protocol": {"hold": 10.0}}
    row |= {"summary": dict.fromkeys(wanted, estimate)}
    pair = {"network": "b", "to": "a", **dict.fromkeys(wanted, estimate)}
    kept = numbers.kept_comparison({"command": "x", "seeds": [1, 2, 3], "networks": [row], "differences": [pair]})
    assert kept["seeds"] == 3 and kept["networks"]["a"]["C"] == {"mean": 1.0, "low": 0.5, "high": 1.5, "n": 3}
    assert set(kept["differences"]["b less a"]) == {"C", "S", "rate_hz", "E"}
