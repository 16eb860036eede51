"""The study of memory tasks: what its readout sees, its numbers and sentences, its quick run, and the page on it."""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from numpy.testing import assert_array_equal

import hetero_rsnn as hr

RESULT = ROOT / "docs" / "results" / "memory_tasks.json"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("memory_tasks")


def test_the_readout_sees_the_go_period_alone(study: Any) -> None:
    """Counted apart from the recordings, and equal for samples that differ in what is read only by their beginning."""
    X, _, y, _ = hr.load_dataset("delayed_parity", delay="50 ms", samples=8, test_samples=4).split()
    fitted = hr.HRSNNClassifier("henhes", overrides={"n": 30}, epochs=0, hold="10 ms", windows=1, encoder="current")
    counts, nu = study.at_the_end(fitted.fit(X, y), X, 50.0)
    assert counts.shape == (8, 30) and counts.sum() > 0
    spikes = 0
    for row, x in zip(counts, X, strict=True):
        run = fitted.frozen_.run(fitted.encoder_.encode(x, hold=10.0, dt=fitted.network_.dt, seed=0))
        late = run.spike_times >= 10.0 * (len(x) - 5) - 1e-6
        assert_array_equal(row, [np.sum(late & (run.spike_neurons == k)) for k in range(30)])
        spikes += run.spike_times.size
    assert nu == pytest.approx(spikes / 8 / 30)
    whole, _ = study.at_the_end(fitted, X, 1e9)
    assert whole.sum() == spikes


def rows(study: Any, trained: float) -> list[dict[str, Any]]:
    """Three seeds around given accuracies."""
    out = []
    for by in (-0.01, 0.0, 0.01):
        found = {m: {"accuracy": 0.6 + by, "nu": 2.0 + by, "alone": 0.0} for m in study.METHODS}
        found["times"]["accuracy"] = trained + by
        found |= {"linear": {"accuracy": 0.5, "recall": 1.0}, "linear_end": {"accuracy": 0.5, "recall": 0.51}}
        out.append(found)
    return out


def test_summary_pairs_and_findings_count(study: Any) -> None:
    out = study.summary({50: rows(study, 0.9), 500: rows(study, 0.6)})
    assert out["50"]["times"]["gain"] == pytest.approx([0.3, 0.3, 0.3])  # the same network by network
    mean, _, high = out["50"]["times"]["accuracy"]
    assert mean == pytest.approx(0.9) and high - mean == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-3)
    assert "gain" in out["500"]["linear"] and "nu" not in out["500"]["linear"]
    lines = study.findings(out, 3)
    assert lines[0].startswith("Parity after 50 ms (3 seeds): as drawn 0.600 at 2.0 spikes, ")
    assert lines[-1] == "trained: time constants too: clearly better than as drawn at 50 ms."
    assert lines[-2] == "trained: weights: clearly better than as drawn at none of the delays."
    assert "parity in 0.500 to 0.500, on recall in 1.000 to 1.000" in lines[2]
    assert study.table(out)[-2] == (
        "| trained: time constants too | 0.900 [0.875, 0.925], 2.0 | 0.600 [0.575, 0.625], 2.0 |"
    )
    left, right = study.figure(out).axes
    assert len(left.containers) == len(right.containers) == len(study.METHODS)


def test_linear_models_are_at_chance_and_all_methods_are_there(study: Any) -> None:
    setting = {**study.setting(True), "samples": 200, "test_samples": 400, "epochs": 1}
    found = study.one(50, 0, setting, 1)
    assert set(found) == {*study.METHODS, "linear", "linear_end"}
    for name in ("linear", "linear_end"):
        assert abs(found[name]["accuracy"] - 0.5) < 0.1
    assert found["linear"]["recall"] > 0.99 and abs(found["linear_end"]["recall"] - 0.5) < 0.1
    assert found["drawn"]["accuracy"] > 0.6 and found["drawn"]["recall"] > 0.6  # 30 neurons hold it for 50 ms
    assert all(found[m]["nu"] > 0 for m in study.METHODS)
    assert found["drawn"]["alone"] == found["trained"]["alone"] == 0.0 < found["tonic"]["alone"]
    assert all(len(found[m]["validation"]) == 1 for m in study.TRAINABLE)


def test_numbers_on_the_page_are_those_of_the_file(study: Any) -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8"))["result"]
    page = (ROOT / "docs" / "training_study.md").read_text(encoding="utf-8")
    assert study.summary(result["rows"]) == result["summary"]
    for line in study.findings(result["summary"], result["seeds"])[-4:]:
        assert line in page
    assert f"{result['seeds']} networks" in page
