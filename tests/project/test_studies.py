"""What the studies of `analysis/` share, and the closed form that one of them rests on."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import sys

import numpy as np
import pytest
from helpers import ROOT
from matplotlib.figure import Figure

import hetero_rsnn as hr
from hetero_rsnn.measures.estimates import Estimate

FOLDER = ROOT / "analysis"
HELPERS = {
    "study_kit", "claims_figure", "tasks_figure", "one_bit_networks", "control_runs", "ways_figure", "ways_networks",
    "ways_numbers", "ways_references",
}  # fmt: skip
STUDIES = sorted({p.stem for p in FOLDER.glob("*.py")} - HELPERS)
TINY = {"n": 40, "protocol.samples": 600, "protocol.d_max": 10, "protocol.train": "0.5 s", "protocol.washout": 20}


@pytest.fixture
def load(monkeypatch):
    """Import a script of the folder, as Python does when it is run from there."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def get(name):
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return get


@pytest.fixture
def study(load, tmp_path):
    kit = load("study_kit")

    def make(*extra, setting=lambda quick: {"quick seeds": 2 if quick else 20}):
        return kit.Study("toy", "What is asked?\n\nMore.", setting, argv=["--out", str(tmp_path / "o"), *extra])

    return make


def test_a_finished_cell_is_not_computed_again(study):
    calls = []

    def compute():
        calls.append(1)
        return {"a": np.array([1.0, math.nan]), "b": np.float64(2.5)}

    first = study()
    through = first.cell("one", compute)
    first.journal.close()
    second = study()
    assert second.cell("one", compute) == through == {"a": [1.0, None], "b": 2.5}
    assert len(calls) == 1
    second.cell("two", compute)
    assert len(calls) == 2


def test_a_cell_that_fails_is_not_kept(study):
    first = study()
    with pytest.raises(ZeroDivisionError):
        first.cell("one", lambda: 1 / 0)
    first.journal.close()
    assert study().cell("one", lambda: 3) == 3


def test_a_journal_of_another_setting_is_refused(study):
    study().journal.close()
    with pytest.raises(hr.HeteroError, match="its quick is False, not True; choose another --out"):
        study("--quick")
    with pytest.raises(hr.HeteroError, match="setting"):
        study(setting=lambda quick: {"quick seeds": 21})


def test_measured_cells_equal_measure_and_come_back_from_the_journal(study, load):
    column = load("study_kit").column
    network = hr.load_network("henhes", **TINY)
    first = study("--workers", "1")
    row = first.measured(network, range(3, 6))
    first.journal.close()
    again = study().measured(network, range(3, 6))
    m = hr.measure(network, range(3, 6))
    for name in ("C", "S", "rate_hz", "weight", "E"):
        np.testing.assert_array_equal(column(row, name), m[name])
        np.testing.assert_array_equal(column(again, name), m[name])
    assert set(row["H"]) == {"neurons E", "neurons I", "synapses"}
    np.testing.assert_allclose(row["curve"], m["curve"].mean(axis=0))


def test_results_carry_question_versions_and_findings(study, tmp_path, capsys):
    s = study()
    s.cell("one", lambda: 1)
    s.finish({"value": 7}, Figure(), findings=["Seven."])
    data = json.loads((tmp_path / "o" / "toy.json").read_text())
    assert data["question"] == "What is asked?" and data["findings"] == ["Seven."]
    assert data["result"] == {"value": 7} and data["setting"] == {"quick seeds": 20} and not data["quick"]
    assert data["versions"]["numpy"] == np.__version__
    assert (tmp_path / "o" / "toy.png").stat().st_size > 100
    assert "Seven." in capsys.readouterr().out


def test_paired_differences(load):
    kit = load("study_kit")
    a = {"seed": [1, 2, 3], "C": [2.0, 4.0, 6.5]}
    b = {"seed": [1, 2, 3], "C": [1.0, 3.0, 5.0]}
    e = kit.paired(a, b, "C")
    assert e.mean == pytest.approx((1 + 1 + 1.5) / 3) and e.n == 3
    assert kit.paired(a, b, "C", relative=True).mean == pytest.approx(e.mean / 3)
    assert kit.paired(a, {**b, "C": [1.0, None, 5.0]}, "C").n == 2
    with pytest.raises(hr.HeteroError, match="same seeds"):
        kit.paired(a, {**b, "seed": [1, 2, 4]}, "C")


@pytest.mark.parametrize(
    ("low", "high", "bound", "word"),
    [
        (0.1, 0.3, None, "larger"),
        (-0.3, -0.1, None, "smaller"),
        (-0.1, 0.3, None, "unclear"),
        (-0.09, 0.05, 0.1, "equivalent"),
        (-0.09, 0.15, 0.1, "unclear"),
        (0.02, 0.05, 0.1, "equivalent"),
        (0.11, 0.2, 0.1, "different"),
        (-0.3, -0.2, 0.1, "different"),
        (math.nan, math.nan, 0.1, "unclear"),
    ],
)
def test_verdicts(load, low, high, bound, word):
    assert load("study_kit").verdict(Estimate((low + high) / 2, 0.1, low, high, 5), bound=bound) == word


@pytest.mark.parametrize("ratio", [0.2, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("cv", [0.3, 0.55, 1.0])
def test_predicted_mean_weight_against_sampled_parameters(load, ratio, cv):
    """The normal approximation of log p - log d, against gamma distributed parameters themselves."""
    rng = np.random.default_rng(5)
    k = 1 / cv**2
    plus_tau, plus_eta, minus_tau, minus_eta = rng.gamma(k, 1 / k, size=(4, 200_000))
    p, d = plus_tau * plus_eta, ratio * minus_tau * minus_eta
    assert load("claims_figure").predicted_weight(ratio, cv) == pytest.approx(np.mean(p / (p + d)), abs=0.006)


def test_predicted_mean_weight_without_spread_is_the_fixed_point(load):
    predicted = load("claims_figure").predicted_weight(np.array([0.3, 1.0, 2.0]), 0.0)
    np.testing.assert_allclose(predicted, [1 / 1.3, 0.5, 1 / 3], rtol=1e-12)


def test_members_are_chosen_on_seen_and_valued_on_fresh_seeds(load):
    kit = load("efficiency_vs_capacity")
    members = [
        {"way": way, "repeat": k, "seen": {"C": seen, "S": spikes}, "fresh": {"C": [fresh, fresh + 0.2]}}
        for k in range(3)
        for way, seen, spikes, fresh in (
            ("heterogeneous", 3.0, 0.05, 2.0),  # looked best, and is not
            ("heterogeneous", 2.5, 0.05, 2.4),
            ("heterogeneous", 9.0, 0.20, 9.0),
            ("homogeneous", 1.5, 0.05, 1.0),
        )
    ]
    row = kit.compared(members, 3, "C", 0.1)
    assert row["searches"] == 3
    assert row["heterogeneous"]["mean"] == pytest.approx(2.1) and row["homogeneous"]["mean"] == pytest.approx(1.1)
    assert row["gain"]["mean"] == pytest.approx(2.1 / 1.1 - 1)
    assert row["gain"]["low"] < row["gain"]["mean"] < row["gain"]["high"]
    assert kit.compared(members, 3, "C")["heterogeneous"]["mean"] == pytest.approx(9.1)
    assert kit.compared(members, 3, "C", 0.01) == {"searches": 0, "at most": 0.01}


def test_a_start_that_was_killed_is_no_journal(load, study, tmp_path):
    begun = load("study_kit").begun
    path = tmp_path / "o" / "toy.jsonl"
    path.parent.mkdir()
    path.write_text('{"event": "sea')  # torn before anything was acknowledged
    assert study().cell("one", lambda: 1) == 1
    assert begun(path)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_begins_with_its_question_and_says_what_was_found(name):
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
    assert "?" in text.split("\n\n")[0], "the docstring begins with the question"
    assert "Finding" in text and f"analysis/{name}.py" in text and "--quick" in text


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_uses_no_private_names(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hetero_rsnn"):
            assert not [a.name for a in node.names if a.name.startswith("_")]
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            assert not (node.attr.startswith("_") and not node.attr.startswith("__")), node.attr


def test_the_folder_lists_every_study():
    text = (FOLDER / "README.md").read_text()
    assert [name for name in STUDIES if f"`{name}.py`" not in text] == []
