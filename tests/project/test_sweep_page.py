"""The page on sweeps: its numbers are those of the file that its command wrote, and that command is stated."""

from __future__ import annotations

import csv
import re

from helpers import ROOT

PAGE = (ROOT / "docs" / "howto" / "sweep.md").read_text(encoding="utf-8")
with (ROOT / "docs" / "results" / "sweep.csv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))


def test_the_file_is_of_the_command_on_the_page():
    line = re.search(
        r"^hetero-rsnn sweep (\S+) E\.tau_m\.cv=0:1:6 --also (\S+) --quick --seeds (\d+)", PAGE, re.MULTILINE
    )
    assert line is not None
    assert [row["network"] for row in ROWS] == [line[1]] * 6 + [line[2]] * 6
    assert {row["seeds"] for row in ROWS} == {line[3]}
    assert [float(row["E.tau_m.cv"]) for row in ROWS] == [0, 0.2, 0.4, 0.6, 0.8, 1] * 2


def test_the_table_has_the_numbers_of_the_file():
    found = re.findall(r"^\| ([\d.]+) \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert len(found) == 3
    own = {float(row["E.tau_m.cv"]): row for row in ROWS if row["network"] == "henhes"}
    for value, *cells in found:
        for quantity, cell in zip("CSE", cells, strict=True):
            for name, text in zip(("", "_low", "_high"), re.findall(r"[\d.]+", cell), strict=True):
                digits = len(text.partition(".")[2])
                assert f"{float(own[float(value)][quantity + name]):.{digits}f}" == text


def test_what_the_picture_is_said_to_show():
    for name in ("henhes", "honhos"):
        own = [row for row in ROWS if row["network"] == name]
        for quantity, most in (("C", {"0.4", "0.6"}), ("E", {"0.4"})):
            assert max(own, key=lambda row: float(row[quantity]))["E.tau_m.cv"] in most
        assert sorted(own, key=lambda row: float(row["S"])) == own
