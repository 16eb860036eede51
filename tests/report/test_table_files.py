"""Tables as files: CSV that others read back, LaTeX without a character that LaTeX reads otherwise."""

from __future__ import annotations

import csv
import io
import math

import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.report import terminal
from hetero_rsnn.report.comparison_tables import comparison_rows
from hetero_rsnn.report.sweep_tables import sweep_rows
from hetero_rsnn.report.table_files import csv_text, latex_text

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}


@pytest.fixture(scope="module")
def net() -> hr.Network:
    return hr.load_network("henhes", **SMALL)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_of_a_comparison_comes_back_from_csv(net):
    found = hr.compare([net], [0, 1])
    rows = read(csv_text(comparison_rows(found)))
    assert [row["network"] for row in rows] == ["henhes"]
    assert float(rows[0]["C"]) == found["henhes"].summary()["C"].mean


def test_differences_are_paired_with_the_baseline(net):
    found = hr.compare({"one": net, "two": net.replace(**{"E.tau_m.cv": 1.0})}, [0, 1, 2])
    first, second = read(csv_text(comparison_rows(found)))
    assert first["to"] == "" and first["dS"] == "" and second["to"] == "one"
    d = found.difference("two", "S")
    assert (float(second["dS"]), float(second["dS_low"]), float(second["dS_high"])) == (d.mean, d.low, d.high)


def test_the_table_of_a_sweep_comes_back_from_csv(net):
    found = hr.sweep(net, "E.tau_m.cv", [0, 1], seeds=2, grid=("E.tau_m.mean", ["20 ms", "40 ms"]))
    rows = read(csv_text(sweep_rows(found)))
    assert [(float(r["E.tau_m.mean"]), float(r["E.tau_m.cv"])) for r in rows] == [(20, 0), (20, 1), (40, 0), (40, 1)]
    for row, curve in zip(rows[1::2], found.curves, strict=True):
        assert float(row["S"]) == curve["S"][1].mean()
        assert float(row["dS"]) == pytest.approx((curve["S"][1] - curve["S"][0]).mean())


def test_what_has_no_value_is_an_empty_cell():
    assert csv_text([{"a": math.nan, "b": None, "c": 0.1}]) == "a,b,c\n,,0.1\n"


def test_latex_escapes_what_it_would_read():
    text = latex_text([TextTable("50 % of\nit", ("a_b", "c & d"), [("{x}", "1 % $ # ~ ^ \\ <")])])
    lines = text.splitlines()
    assert lines[1] == "% 50 % of\\nit"
    assert lines[4] == r"a\_b & c \& d \\"
    assert lines[6] == r"\{x\} & 1 \% \$ \# \textasciitilde{} \textasciicircum{} \textbackslash{} $<$ \\"
    assert text.count("\\begin{tabular}{lr}") == text.count("\\end{tabular}") == 1


def test_tables_of_a_narrow_terminal_break_before_intervals(monkeypatch, capsys):
    from rich.console import Console

    table = TextTable(
        "t", ("name", "C (samples)", "S (spikes/sample)"), [("x" * 30, "5.64 [5.50, 5.79]", "1.2 [1.1, 1.3]")]
    )
    monkeypatch.setattr(terminal, "console", lambda: Console(width=60))
    terminal.print_tables([table])
    out = capsys.readouterr().out
    assert "[5.50,5.79]" in out and "5.64 [" not in out and max(map(len, out.splitlines())) <= 60
    monkeypatch.setattr(terminal, "console", lambda: Console(width=100))
    terminal.print_tables([table])
    assert "5.64 [5.50, 5.79]" in capsys.readouterr().out
