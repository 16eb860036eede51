"""The study of early decisions: its measures by hand, and its page, whose tables are those of its files."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

PAGE = ROOT / "docs" / "early_decisions_study.md"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("early_decisions")


def test_time_at_an_accuracy_lies_on_the_line_between_points(study: Any) -> None:
    curve = [[4.0, 0.9], [1.0, 0.6], [2.0, 0.8]]
    assert study.time_at(curve, 0.7) == pytest.approx(1.5)
    assert study.time_at(curve, 0.85) == pytest.approx(3.0)
    assert study.time_at(curve, 0.5) == 1.0 and study.time_at(curve, 0.95) == 4.0


def arm(accuracy: float, bound: float, gap: float, curve: Any) -> Any:
    return {"accuracy": accuracy, "rules": {"bound": {"time": bound}, "gap": {"time": gap}}, "curve": curve}


def test_two_arms_are_compared_in_pairs_and_speakers_are_one_value(study: Any) -> None:
    """By hand: straight curves from (0, 0) on, one of them twice as steep."""
    steep, flat = [[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [2.0, 1.0]]
    first = {"a": arm(0.905, 1.0, 2.0, steep), "b": arm(0.805, 1.5, 4.0, flat)}
    other = {"a": arm(0.805, 2.0, 3.0, steep), "b": arm(0.905, 2.0, 3.0, flat)}
    found = study.compared([[first, other], [first, first]], "a", "b")
    assert found["pairs"] == 2
    assert found["accuracy"][0] == pytest.approx((0.0 + 0.1) / 2)
    assert found["bound"][0] == pytest.approx((-0.25 - 0.5) / 2)
    assert found["gap"][0] == pytest.approx((-1.0 - 2.0) / 2)
    assert found["equal"][0] == pytest.approx(0.5)  # both at 0.8, which takes half as long
    assert found["pooled"][0] == pytest.approx(0.5)  # of the means of two equal pairs of curves
    own = (0.9 / 1.6 + 0.8 / 1.8) / 2, 0.9 / 1.6
    assert found["own"][0] == pytest.approx(np.mean(own))


def test_the_weight_is_the_earliest_that_loses_no_more_than_a_point(study: Any) -> None:
    rows = [
        {"weight": 0.0, "accuracy": 0.90, "bound": 1.0}, {"weight": 0.1, "accuracy": 0.895, "bound": 1.4},
        {"weight": 0.2, "accuracy": 0.891, "bound": 1.3}, {"weight": 0.3, "accuracy": 0.88, "bound": 0.9},
    ]  # fmt: skip
    assert study.chosen(rows) == 0.2
    assert study.chosen([rows[0], rows[3]]) == 0.3


def test_pictures_of_sounds_keep_the_mean_of_each_band(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sounds = [rng.uniform(size=(n, 8)) for n in (5, 16, 23)]
    encoder = SimpleNamespace(features=lambda x: x)
    monkeypatch.setattr(study, "recipe", lambda data: SimpleNamespace(encoder=encoder))
    images = study.pictures(SimpleNamespace(X=sounds), 4)
    assert images.shape == (3, 4, 4) and images.min() == 0 and images.max() == 1
    means = np.array([x.reshape(len(x), 4, 2).mean(axis=(0, 2)) for x in sounds])
    scale = np.polyfit(means.ravel(), images.mean(axis=1).ravel(), 1)
    assert np.allclose(np.polyval(scale, means), images.mean(axis=1), atol=1e-6)
    block = sounds[1].reshape(4, 4, 4, 2).mean(axis=(1, 3))  # 16 times are four for each pixel
    assert np.allclose(np.polyval(scale, block), images[1], atol=1e-6)


def estimates(value: float) -> list[float]:
    return [value, value - 0.01, value + 0.01]


def test_tables_have_a_line_for_each_rule_weight_and_distortion(study: Any) -> None:
    rule = {"accuracy": estimates(0.9), "time": estimates(2.0), "factor": estimates(2.0), "behind": estimates(0.5),
            "spikes_saved": estimates(0.25)}  # fmt: skip
    kind = {"kind": "gaussian", "strength": 0.1, "full": estimates(0.8), "accuracy": estimates(0.7),
            "time": estimates(3.0), "early_right": estimates(0.9)}  # fmt: skip
    row = {q: estimates(1.0) for q in ("accuracy", "bound", "gap", "own", "equal", "pooled")}
    arms = {"plain, 4 steps": {"rules": {"full": rule, "gap": rule}, "distorted": [kind]}, "rcs, 4 steps": {}}
    out = {"arms": arms, "rcs": {"4 steps": {**row, "pairs": 3}}}
    assert study.table(out)[2:] == [
        "| plain, 4 steps | full length | 0.9000 [0.8900, 0.9100] | 2.00 [1.99, 2.01] | 2.00 |  |  | +0.50 |",
        "|  | Top-K gap | 0.9000 [0.8900, 0.9100] | 2.00 [1.99, 2.01] | 2.00 | 25 % |  | +0.50 |",
    ]
    assert study.under_distortion(out)[2:] == ["| plain, 4 steps | gaussian, 0.1 | 0.800 | 0.700 | 3.00 | 0.900 |  |"]
    same = "1.00 [0.99, 1.01]"
    assert study.regularised({"part": out})[2:] == [
        f"| part | rcs against plain, 4 steps | 3 | 100.00 [99.00, 101.00] | {same} | {same} | {same} | {same} |"
    ]
    assert len(study.beside_published({"part": out})) == 2 + len(study.PUBLISHED) + 1


def summaries(study: Any) -> dict[str, Any]:
    """What the files of all parts hold; the settings are those of the script."""
    found = {}
    for part in study.PARTS:
        path = ROOT / "docs" / "results" / f"early_decisions_{part}.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        setting = study.speech_setting(False) if part == "speech" else study.images_setting(part, False)
        assert not data["quick"] and data["setting"] == json.loads(json.dumps(setting))
        found[part] = data["result"]["summary"]
    return found


def test_numbers_on_the_page_are_those_of_the_files(study: Any) -> None:
    page, outs = PAGE.read_text(encoding="utf-8"), summaries(study)
    lines = [*study.over_steps(outs["converted"]), *study.regularised(outs), *study.beside_published(outs)]
    for part, out in outs.items():
        lines += study.table(out)
        lines += study.under_distortion(out) if part in ("converted", "trained") else []
        assert f"results/early_decisions_{part}.json" in page and f"(early_decisions_{part}.png)" in page
        assert (ROOT / "docs" / f"early_decisions_{part}.png").is_file()
    for line in lines:
        assert line in page
    assert "(early_decisions_converted_examples.png)" in page
    arms = outs["converted"]["arms"]
    for steps in (4, 8):
        assert f"{arms[f'plain, {steps} steps']['rules']['gap']['factor'][0]:.2f} times fewer of {steps}" in page
    trained, regularised = (outs["speech"]["rcs"][name] for name in ("plain against drawn", "rcs against plain"))
    prose = page.split("## Converted networks")[0]
    for values in (trained["equal"], regularised["equal"]):
        assert study.points(values) in prose
    assert study.points([100 * v for v in trained["accuracy"]], 1) in prose
    lost = outs["sounds"]["arms"]["plain, 4 steps"]["lost"]["gap"]
    assert study.points([100 * v for v in lost], 1) in prose
