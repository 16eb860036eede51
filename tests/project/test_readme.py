"""Every command and every snippet of the README runs."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys

import pytest
from helpers import ROOT

TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [line for language, code in BLOCKS if language == "bash" for line in code.splitlines()]


@pytest.fixture
def shell(tmp_path):
    """Run a line of shell in an empty folder where `hetero-rsnn` is the one under test."""
    script = tmp_path / "bin" / "hetero-rsnn"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hetero_rsnn.cli "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    path = os.pathsep.join([str(script.parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}

    def run(line: str) -> str:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_there_is_something_to_test():
    assert len(PYTHON) >= 1 and len(SHELL) >= 8
    assert "pip install . && hetero-rsnn compare" in SHELL
    assert 'pip install -e ".[dev]" && pytest' in SHELL


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_snippets(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


@pytest.mark.slow
def test_commands_one_after_the_other(shell):
    for line in SHELL:
        if not line.startswith("pip"):  # the two lines with pip are what .ci/run does
            shell(line)


@pytest.mark.slow
def test_commands_of_the_tutorial(shell, tmp_path):
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / "tutorial.md").read_text(), re.MULTILINE | re.DOTALL)
    (network,) = (code for language, code in blocks if language == "toml")
    (tmp_path / "spread.toml").write_text(network)
    lines = [line for language, code in blocks if language == "bash" for line in code.splitlines()]
    commands = [line for line in lines if line.startswith("hetero-rsnn")]
    assert len(commands) >= 6
    for line in commands:
        shell(line)


@pytest.mark.slow
def test_the_main_command(shell, tmp_path):
    out = shell("hetero-rsnn compare")
    assert "HeNHeS" in out and (tmp_path / "results" / "compare" / "figure.png").exists()


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target
