"""How far work is, with a word on how it goes: plain lines, and a bar in a terminal."""

from __future__ import annotations

import io

import pytest

from hetero_rsnn.jobs.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_notes_stand_in_plain_lines(capsys):
    with progress_bar("training", 3) as tell:
        tell(1, 3, note="loss 2")
        tell(2, 3)
        tell(3, 3, note="loss 1\x1b[2J\nnext")  # whatever is in a name
    assert capsys.readouterr().err.splitlines() == [
        "training: 1 of 3, loss 2", "training: 2 of 3", "training: 3 of 3, loss 1\\x1b[2J\\nnext",
    ]  # fmt: skip


def test_of_many_jobs_every_twentieth_part_has_a_line(capsys):
    with progress_bar("jobs", 200) as tell:
        for k in range(200):
            tell(k + 1, 200, note=f"job {k + 1}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20 and lines[0] == "jobs: 10 of 200, job 10" and lines[-1] == "jobs: 200 of 200, job 200"


def test_notes_stand_beside_the_bar(monkeypatch: pytest.MonkeyPatch):
    """The last one stays until there is another; nothing is left of it at the end."""
    out = Terminal()
    monkeypatch.setattr("sys.stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("training", 3) as tell:
        tell(1, 3, note="[b]loss 2[/b]")
        tell(2, 3)
    text = out.getvalue()
    assert "[b]loss 2[/b]" in text.rpartition("2/3")[2] and "left" in text
    assert text.rstrip().endswith("\x1b[2K")  # the line is wiped


def test_without_standard_error_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr", None)
    with progress_bar("training", 3) as tell:
        tell(1, 3, note="loss 2")
