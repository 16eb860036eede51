"""What tables hold of others stands there as it is, and does nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.report import comparison_tables, task_tables
from hetero_rsnn.report.terminal import console, shown

EVIL = "[red]x[/red]\x1b[2J\u202e\n"
SEEN = "[red]x[/red]\\x1b[2J\\u202e\\n"


def test_text_of_others_is_neither_markup_nor_control(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(shown(EVIL))
    assert capsys.readouterr().out == SEEN + "\n"
    assert shown(3) == "3"


def test_tables_of_comparisons(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table = TextTable(f"t {EVIL}", (f"h {EVIL}", f"g {EVIL}"), [(f"a {EVIL}", f"b {EVIL}")])
    monkeypatch.setattr(comparison_tables, "comparison_tables", lambda comparison: [table])
    comparison_tables.print_comparison(SimpleNamespace())  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert all(f"{letter} {SEEN}" in out for letter in "thgab") and "\x1b" not in out


def test_tables_of_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    table = task_tables._table(f"t {EVIL}", f"h {EVIL}")
    table.add_row("a", "b")
    console().print(table)
    out = capsys.readouterr().out
    assert f"t {SEEN}" in out and f"h {SEEN}" in out and "\x1b" not in out
