"""The command that advises."""

import json

import pytest
from helpers import ROOT
from typer.testing import CliRunner

from hetero_rsnn.cli.program import app

QUICK = ["advise", "japanese_vowels", "--quick", "--n", "30", "--seconds", "0.001"]


def run(words):
    return CliRunner().invoke(app, words)


def test_results_and_figure_are_written(tmp_path):
    found = run([*QUICK, "--budget-kb", "1000", "--out", str(tmp_path / "a")])
    assert found.exit_code == 0, found.output
    assert "winner: linear" in found.output and "not measured: MLP; STDP" in found.output
    content = json.loads((tmp_path / "a" / "results.json").read_text())
    assert content["winner"]["n"] == 100 and (tmp_path / "a" / "figure.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no budget"),
        (["--budget-kb", "0"], "budget_kb must be"),
        (["--budget-kb", "1e-6"], "closest came linear"),
        (["--budget-kb", "1", "--save", "model.txt"], ".json"),
    ],
)
def test_what_is_refused(words, said, tmp_path):
    found = run([*QUICK, *words, "--out", str(tmp_path / "a")])
    assert found.exit_code != 0
    assert said in f"{found.output} {found.exception}"


def test_a_trained_network_keeps_its_size(tmp_path):
    """A quick look takes small networks, but not of one whose arrays are given."""
    trained = ROOT / "docs" / "results" / "networks" / "japanese_vowels.toml"
    words = ["advise", "japanese_vowels", "--quick", "--seconds", "0.001", "--budget-kb", "1000"]
    found = run([*words, "--network", str(trained), "--out", str(tmp_path / "a")])
    assert found.exit_code == 0, f"{found.output} {found.exception}"
