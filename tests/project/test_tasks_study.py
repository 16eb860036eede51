"""The study of tasks: signs of its differences, what it says of them, and that a stopped study goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import ROOT

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.measures.estimates import Estimate
from hetero_rsnn.network.shipped import CANONICAL
from hetero_rsnn.tasks.recipes import recipe

ANALYSIS = ROOT / "analysis"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ANALYSIS))
    import tasks

    return tasks


def cells(task: str, score: float, nu: float) -> list[dict[str, Any]]:
    """Three seeds that scatter by a tenth of a percent or two."""
    rows = []
    for seed, by in enumerate((0.002, -0.001, -0.001)):
        value = score * (1 + by)
        test = {"nu": nu * (1 + by), "efficiency": 1 / nu, "rate_hz": 10 * nu, "linear": 0.5, "nrmse": value,
                "accuracy": value, "skill": None, "linear_skill": None, "persistence": None}  # fmt: skip
        few = {"1": {"network": score / 2, "linear": 0.3}, "5": {"network": score - 0.1, "linear": 0.4}}
        rows.append({"seed": seed, "task": task, "test": test, "linear": 0.5, "few_labels": few, "early": None,
                     "neurons": 40})  # fmt: skip
    return rows


def test_effects_are_those_of_neurons_and_synapses(study: Any) -> None:
    scores = dict(zip(CANONICAL, (0.8, 0.9, 0.82, 0.96), strict=True))  # ho, he neurons, he synapses, he both
    spikes = dict(zip(CANONICAL, (2.0, 3.0, 2.2, 2.8), strict=True))
    nets = {n: study.columns(cells("classification", scores[n], spikes[n])) for n in CANONICAL}
    assert CANONICAL == ("honhos", "henhos", "honhes", "henhes")
    found = study.effects(nets, True)
    assert found["both"]["score"].mean == pytest.approx(0.16)
    assert found["neurons"]["score"].mean == pytest.approx((0.1 + 0.14) / 2)
    assert found["synapses"]["score"].mean == pytest.approx((0.02 + 0.06) / 2)
    # Spikes and errors as shares of the homogeneous side's.
    assert found["both"]["nu"].mean == pytest.approx(0.8 / 2.0)
    assert found["neurons"]["nu"].mean == pytest.approx(0.8 / 2.1)
    errors = study.effects({n: study.columns(cells("forecasting", s, spikes[n])) for n, s in scores.items()}, False)
    assert errors["both"]["score"].mean == pytest.approx(0.16 / 0.8)


@pytest.mark.parametrize(
    ("low", "high", "accuracy", "error"),
    [
        (0.03, 0.05, "better", "worse"),
        (-0.05, -0.03, "worse", "better"),
        (0.002, 0.006, "better, but negligibly", "worse, but negligibly"),
        (-0.004, 0.006, "the same", "the same"),
        (-0.004, 0.015, "no clear difference", "the same"),  # a point of accuracy, but 2 % of an error
        (-0.04, 0.06, "no clear difference", "no clear difference"),
        (math.nan, math.nan, "no clear difference", "no clear difference"),
    ],
)
def test_words(study: Any, low: float, high: float, accuracy: str, error: str) -> None:
    e = Estimate((low + high) / 2, 0.001, low, high, 3)
    assert (study.judge(e, True), study.judge(e, False)) == (accuracy, error)
    assert study.judge(Estimate(0.02, 0.0, 0.02, 0.02, 3), True) == "no clear difference"


def test_findings_count_what_is_clear(study: Any) -> None:
    good = {n: cells("classification", 0.9 if n.startswith("hen") else 0.8, 2.0) for n in CANONICAL}
    dear = {n: cells("forecasting", 0.7, 3.0 if n.startswith("hen") else 2.0) for n in CANONICAL}
    result, findings = study.analyse({"japanese_vowels": good, "narma10": dear})
    assert "better on 1 (Japanese vowels), worse on none; it fires clearly more on 1 (NARMA10)" in findings[0]
    assert "lower on 1 (NARMA10)" in findings[0] and "beats the linear model on 1 (Japanese vowels)" in findings[0]
    assert result["narma10"]["verdict"] == "the same" and result["narma10"]["most_efficient"] in ("honhos", "honhes")
    assert any("1 label a class: HoNHoS 40.0 %, +10.0" in line for line in findings)
    assert len(study.draw({"japanese_vowels": good, "narma10": dear}, result).axes) == 3


def test_control_of_spikes(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It drives HoNHoS harder, and compares HeNHeS with that."""
    data = hr.load_dataset("narma10", samples=200, segments=1, test_samples=100)
    gains = []

    def forecast(data: Any, networks: Any, seeds: Any, *, chosen: Any, **how: Any) -> Any:
        gains.append((networks, chosen.encoder.gain))
        raise KeyboardInterrupt

    monkeypatch.setattr(hr, "forecast", forecast)
    given = recipe(data)
    for harder in (1.0, 2.5):
        with pytest.raises(KeyboardInterrupt):
            study.one(data, given, "honhos", 0, study.PLANS["narma10"], SimpleNamespace(workers=1), harder)
    assert gains == [(["honhos"], 3.0), (["honhos"], 7.5)] and given.encoder.gain == 3.0
    rows = {n: cells("forecasting", 0.6 if n == "henhes" else 0.8, 2.0) for n in CANONICAL}
    rows["driven"] = cells("forecasting", 0.76, 2.0)
    result, findings = study.analyse({"narma10": rows})
    assert result["narma10"]["against_driven"]["score"]["mean"] == pytest.approx(-0.16 / 0.76)
    assert any("spends the spikes (+0 [+0, +0] %): better, NRMSE -21.1 " in line for line in findings)
    assert any("driving alone changed NRMSE by -5.0 " in line for line in findings)
    assert set(result["narma10"]["columns"]) == set(CANONICAL)


@pytest.mark.slow
def test_goes_on_and_skips_aloud(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--quick", "--workers", "1", "--out", str(tmp_path), "--data-dir", str(tmp_path)]
    done, real = [], study.one

    def stopped(*args: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(args)
        return real(*args)

    monkeypatch.setattr(study, "one", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.main([*words, "--only", "narma10", "shd"])
    assert "shd: not found, skipped" in capsys.readouterr().out
    with pytest.raises(HeteroError, match="none of shd is there: give --data-dir"):
        study.main([*words, "--only", "shd"])
    monkeypatch.setattr(study, "one", real)
    study.main([*words, "--only", "narma10"])
    assert "3 cells are done already" in capsys.readouterr().out
    first = json.loads((tmp_path / "tasks_study.json").read_text())
    monkeypatch.setattr(study, "one", stopped)  # nothing is left to compute
    study.main([*words, "--only", "narma10"])
    assert json.loads((tmp_path / "tasks_study.json").read_text())["result"] == first["result"]
    assert first["result"]["narma10"]["columns"]["henhes"]["seed"] == [0, 1]
