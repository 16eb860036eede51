"""The study of actors that learn by reward: its settings, numbers, tests and tables by hand, and tiny trainings."""

from __future__ import annotations

import importlib
import json
import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import remove_checkpoint


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    module = importlib.import_module("control")
    monkeypatch.setattr(module, "RESAMPLES", 100)
    monkeypatch.setattr(module, "OF_A_POINT", 20)
    return module


@pytest.fixture
def runs(study: Any) -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("gymnasium")
    return importlib.import_module("control_runs")


def row(final: float, tests: int = 10, first: float = -1000.0, spikes: float = 50.0) -> dict[str, Any]:
    """A run that climbs evenly from `first`; each test has two episodes, 10 below and above its mean."""
    means = np.linspace(first, final, tests)
    return {
        "steps": [500 * (k + 1) for k in range(tests)], "returns": [[m - 10, m + 10] for m in means],
        "spikes": [spikes + k for k in range(tests)], "seconds": 120.0,
    }  # fmt: skip


def rows_of(study: Any, part: str, quick: bool = False, seeds: int = 5) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
    """Runs of all actors of a part: of each the same spread, and each ends 1 higher than the actor before."""
    s = json.loads(json.dumps(study.setting(part, quick)))
    rows = {}
    for k, arm in enumerate(s["arms"]):
        rows[arm] = [row(-200.0 + k + 7.3 * seed, spikes=50.0 + k) for seed in range(seeds)]
        for one in rows[arm]:
            if "learned breakpoints" in arm:
                one["breakpoints"] = [[0.2, 0.7], [0.3, 0.9]]
            if "learned decays" in arm:
                one["current_decay"] = one["voltage_decay"] = {"mean": [0.5, 0.6], "sd": [0.1, 0.2]}
    return s, rows


def bumps(study: Any, s: Any) -> dict[str, Any]:
    arms = {arm: study.settings_of(s, arm)["actor"] for arm in s["arms"]}
    return {arm: hr.ActorSettings.from_dict(actor).bump for arm, actor in arms.items()}


def test_shapes_have_equal_area_and_either_equal_height_or_equal_support(study: Any) -> None:
    found = bumps(study, study.setting("pendulum", False))
    x = np.linspace(-2, 2, 400_001)
    curves = {arm: found[arm](x) for arm in (*study.SHAPES, *study.WIDE)}
    for arm, y in curves.items():
        assert np.trapezoid(y, x) == pytest.approx(1.0, abs=1e-4), arm
    assert {arm: y.max() for arm, y in curves.items() if arm in study.SHAPES} == dict.fromkeys(study.SHAPES, 1.0)
    wide = {arm: np.abs(x[curves[arm] > 1e-4]).max() for arm in ("trapezoid", *study.WIDE)}
    assert list(wide.values()) == pytest.approx([0.75] * 3, abs=1e-3)
    assert curves["triangle, equal support"].max() == pytest.approx(4 / 3)
    assert curves["rectangle, equal support"].max() == pytest.approx(2 / 3)


def test_settings_are_those_of_the_question(study: Any) -> None:
    s = study.setting("halfcheetah", False)
    how = hr.ControlSettings.from_dict(study.settings_of(s, "trapezoid"))
    usual = hr.ControlSettings()
    assert how.actor.hidden == how.critic_hidden == (256, 256) and how.steps == 100_000
    for name in ("gamma", "polyak", "actor_lr", "critic_lr", "batch_size", "random_steps", "update_after", "delay"):
        assert getattr(how, name) == getattr(usual, name)
    assert list(s["arms"]) == ["rectangle", "triangle", "trapezoid"] and s["environment"] == "HalfCheetah-v5"
    p = study.setting("pendulum", False)
    assert (p["seeds"], p["training"]["steps"], len(p["arms"])) == (10, 15_000, 8)
    assert hr.ActorSettings.from_dict(study.settings_of(p, "learned breakpoints")["actor"]).learn_pseudo
    assert not hr.ActorSettings.from_dict(study.settings_of(p, "ReLU")["actor"]).is_spiking
    assert (study.setting("third", False)["seeds"], study.setting("checks", False)["seeds"]) == (5, 5)
    for part in study.PARTS:
        s = study.setting(part, False)
        t = s["training"]
        tests = t["steps"] / t["test_every"]
        assert tests == int(tests) >= 20 and set().union(*s["panels"].values()) == set(s["arms"])
        assert len(s["arms"]) <= len(study.COLOURS)


def test_drawn_decays_have_the_means_of_equal_ones(study: Any) -> None:
    s = study.setting("checks", False)
    equal, drawn = (
        hr.ActorSettings.from_dict(study.settings_of(s, arm)["actor"]) for arm in ("trapezoid", "drawn decays")
    )
    assert isinstance(equal.current_decay, float) and isinstance(equal.voltage_decay, float)
    assert not isinstance(drawn.current_decay, float) and not isinstance(drawn.voltage_decay, float)
    assert (drawn.current_decay.mean, drawn.voltage_decay.mean) == pytest.approx(
        (equal.current_decay, equal.voltage_decay)
    )
    assert equal.bump == drawn.bump and study.settings_of(s, study.proxy("triangle"))["target"] == "proxy"


def test_the_claim_is_tested_where_it_was_planned_and_nowhere_else(study: Any) -> None:
    planned = {"halfcheetah": 2, "pendulum": 4, "third": 2, "checks": 0}
    for part, count in planned.items():
        s = study.setting(part, False)
        found = study.pairs(s)
        tested = [name for name, pair in found.items() if pair["tested"]]
        assert len(tested) == count and all(name.startswith("trapezoid less ") for name in tested)
        assert all(p["first"] != p["second"] and {p["first"], p["second"]} <= s["arms"].keys() for p in found.values())
    assert study.pairs(study.setting("checks", False))["rectangle, proxy target less rectangle"]["tested"] is False


def test_numbers_of_a_run_by_hand(study: Any) -> None:
    s = {"target": -300.0}
    means = [-1000, -800, -250, -310, -310, -270, -320, -200, -220, -150]
    run = {
        "steps": [100 * k for k in range(1, 11)], "returns": [[m - 30, m + 30] for m in means],
        "spikes": [9.0] * 7 + [10.0, 20.0, 30.0], "seconds": 90.0,
    }  # fmt: skip
    found = study.measures(s, run)
    assert found["final"] == pytest.approx(-570 / 3) and found["area"] == pytest.approx(-383.0)
    # -250, -310, -310 have the mean -290: the last of them is the fifth test.
    assert found["reached"] == 500.0 and (found["spikes"], found["minutes"]) == (20.0, 1.5)
    low, high = np.quantile([-50, 120, -20, 70], [0.25, 0.75])
    assert found["within"] == pytest.approx((high - low) / (math.sqrt(2) * 1.3489795))
    assert study.measures({"target": 0.0}, run)["reached"] is None
    assert study.median_steps([500.0, None, 300.0]) == 500.0 and study.median_steps([None, None, 300.0]) is None


def test_a_summary_is_of_seeds_that_all_actors_have(study: Any) -> None:
    rows = {"a": {0: row(1), 1: row(2), 2: row(3)}, "b": {0: row(4), 2: row(5)}}
    seeds, found = study.balanced(rows)
    assert seeds == [0, 2] and found == {"a": [rows["a"][0], rows["a"][2]], "b": [rows["b"][0], rows["b"][2]]}


def test_means_leave_the_outer_quarters_away(study: Any) -> None:
    s = json.loads(json.dumps(study.setting("third", False)))
    rows = {arm: [row(x) for x in (-200.0, -100.0, -90.0, -80.0, 9e9)] for arm in s["arms"]}
    m = study.summary(s, rows)["arms"]["rectangle"]
    finals = [study.measures(s, r)["final"] for r in rows["rectangle"]]
    assert m["final"][0] == pytest.approx(np.mean(sorted(finals)[1:4])) and m["between"][0] == pytest.approx(
        np.std(finals, ddof=1)
    )
    assert m["reached"] == 1 and m["steps"] is None and m["minutes"] == pytest.approx(2.0)


def exact_p(x: list[float], y: list[float]) -> float:
    """Of all ways to choose as many of all numbers as `x` has: twice the share with sums of ranks as far out."""
    ranks = {v: k for k, v in enumerate(sorted(x + y), start=1)}
    sums = [sum(choice) for choice in combinations(ranks.values(), len(x))]
    mine = sum(ranks[v] for v in x)
    return min(1.0, 2 * min(np.mean([t >= mine for t in sums]), np.mean([t <= mine for t in sums])))


def test_p_values_are_exact_and_corrected_over_all_tests_of_a_part(study: Any) -> None:
    s = json.loads(json.dumps(study.setting("halfcheetah", False)))
    ends = {
        "rectangle": [0.0, 1.0, 2.0, 3.0, 4.0], "triangle": [1.5, 2.5, 10.5, 12.5, 13.5],
        "trapezoid": [10.0, 11.0, 12.0, 13.0, 14.0],
    }  # fmt: skip
    rows = {arm: [row(x) for x in ends[arm]] for arm in s["arms"]}
    out = study.summary(s, rows)
    one, two = (out["differences"][f"trapezoid less {other}"] for other in ("rectangle", "triangle"))
    p, q = exact_p(ends["trapezoid"], ends["rectangle"]), exact_p(ends["trapezoid"], ends["triangle"])
    assert p == pytest.approx(2 / 252) and 0.05 < q < 1
    for what in study.TESTED:  # equal starts: the area under a curve ranks as its end
        assert (one[what]["p"], two[what]["p"]) == pytest.approx((p, q))
        assert one[what]["holm"] == pytest.approx(4 * p) and two[what]["holm"] == pytest.approx(min(1, 2 * q))
        assert (study.word(one[what]), study.word(two[what])) == ("ahead", "not shown")
    assert one["final"]["improvement"] == [1.0, 1.0, 1.0]
    # Ends are 10 apart; the last three tests of a line from a common start are 9, 8 and 7 ninths of that apart.
    assert one["final"]["difference"][0] == pytest.approx(10 * 8 / 9)
    reach = {"reached": 4, "steps": 12_500.0}
    assert study.reached_text(s, reach, 5) == "4 of 5 runs reach 3000, in the median after 12,500 steps"
    assert study.least_p(5, 4) == pytest.approx(4 * p) and study.least_p(2, 4) == 1.0
    turned = study.summary(s, {**rows, "trapezoid": rows["rectangle"], "rectangle": rows["trapezoid"]})
    assert study.word(turned["differences"]["trapezoid less rectangle"]["final"]) == "behind"
    first, *_, last = study.findings(s, out)
    assert "over all tests; 0 of 5 runs reach 3000; 58 [58, 58] spikes an action." in first
    assert "ahead in 2 of 4 comparisons, behind in 0; with 5 runs no p value can be below 0.032" in last


def test_over_all_parts_the_correction_is_over_all_tests(study: Any) -> None:
    outs = {}
    for part in ("halfcheetah", "third"):
        s = json.loads(json.dumps(study.setting(part, False)))
        ends = {"rectangle": 0.0, "triangle": 100.0, "trapezoid": 200.0}
        outs[part] = study.summary(s, {arm: [row(ends[arm] + k) for k in range(5)] for arm in s["arms"]})
    lines = study.together(outs)
    assert len(lines) == 2 + 8 and len({line.count("|") for line in lines}) == 1 and "over 8" in lines[0]
    assert all(f"| {2 / 252:.4f} | {8 * 2 / 252:.4f} | not shown |" in line for line in lines[2:])
    assert "over all" not in json.dumps(outs)
    s = json.loads(json.dumps(study.setting("third", False)))
    assert all(line.endswith("| ahead |") for line in study.comparisons(s, outs["third"])[2:])


def test_lines_of_tables(study: Any) -> None:
    s, rows = rows_of(study, "checks")
    out = json.loads(json.dumps(study.summary(s, rows)))
    lines, pairs = study.table(s, out), study.comparisons(s, out)
    assert len(lines) == 2 + 10 and len({line.count("|") for line in lines}) == 1
    assert lines[0].startswith("| Pendulum-v1, 5 runs | final return |") and "steps to -200" in lines[0]
    assert len(pairs) == 2 + 2 * 12 and len({line.count("|") for line in pairs}) == 1
    assert all(line.endswith("|  |  |  |") for line in pairs[2:])
    said = study.findings(s, out)
    assert not any("claim" in line for line in said) and sum("current_decay" in line for line in said) == 2
    one = study.summary(s, {arm: mine[:1] for arm, mine in rows.items()})  # one run has no interval
    assert "nan" in study.table(s, one)[2] and "[" not in study.table(s, one)[2]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("part", ["halfcheetah", "pendulum", "third", "checks"])
def test_every_part_has_a_figure(study: Any, part: str, quick: bool) -> None:
    s, rows = rows_of(study, part, quick, seeds=3)
    out = json.loads(json.dumps(study.summary(s, rows)))
    figure = study.figure(s, rows, out)
    axes = figure.axes
    assert figure.get_suptitle() == f"{s['environment']}, 3 runs of each actor"
    assert len(axes) == len(s["panels"]) + 1
    for ax, arms in zip(axes, s["panels"].values(), strict=False):
        assert [line.get_label() for line in ax.lines[: len(arms)]] == arms
    middle = [float(line.get_ydata()[0]) for line in axes[-1].lines if line.get_marker() == "D"]
    assert middle == pytest.approx([m["final"][0] for m in out["arms"].values()])
    first = axes[0].lines[0].get_ydata()
    assert first[-1] == pytest.approx(np.mean([r["returns"][-1] for r in rows[s["panels"]["equal area"][0]]]))


def fake(study: Any, tmp_path: Path, seeds: int, part: str = "third") -> tuple[Any, dict[str, Any]]:
    kit = importlib.import_module("study_kit")
    argv = ["--quick", "--out", str(tmp_path / "o"), "--workers", "1"]
    made = kit.Study(f"control_{part}", study.__doc__, lambda quick: study.setting(part, quick), argv=argv)
    return made, study.jobs_of(made, made.setting, seeds)


@pytest.mark.torch
def test_trainings_are_made_seed_by_seed(study: Any, runs: Any, tmp_path: Path) -> None:
    made, jobs = fake(study, tmp_path, 2)
    made.journal.close()
    assert list(jobs) == [f"{arm}, seed {seed}" for seed in range(2) for arm in ("rectangle", "triangle", "trapezoid")]
    assert len({job.checkpoint for job in jobs.values()}) == 6
    assert [job.seed for job in jobs.values()] == [0, 0, 0, 1, 1, 1]
    bumps = [hr.ControlSettings.from_dict(job.settings).actor.bump.shape for job in jobs.values()]
    assert bumps == ["rectangle", "triangle", "trapezoid"] * 2


@pytest.mark.torch
def test_a_failed_training_leaves_its_seed_away_and_others_go_on(
    study: Any, runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(job: Any) -> dict[str, Any]:
        if job.name in failing:
            raise hr.HeteroError("Pendulum-v1, step 7: loss must be finite, got nan")
        done.append(job.name)
        return row(float(job.seed))

    failing, done = {"triangle, seed 0"}, []
    monkeypatch.setattr(runs, "train", train)
    monkeypatch.setattr(runs, "seconds_of", lambda job: 60.0)
    made, _ = fake(study, tmp_path, 2)
    found = study.run(made, made.setting, 2)
    made.journal.close()
    assert len(done) == 5 and study.balanced(found)[0] == [1]
    failing.clear()
    done.clear()
    made, _ = fake(study, tmp_path, 3)  # one more seed, and what failed is tried again
    found = study.run(made, made.setting, 3)
    made.journal.close()
    assert done == ["triangle, seed 0", *(f"{shape}, seed 2" for shape in study.SHAPES)]
    assert study.balanced(found)[0] == [0, 1, 2]


def tiny(runs: Any, tmp_path: Path, name: str = "one", **actor: Any) -> Any:
    settings = hr.ControlSettings.from_dict({
        "actor": {"hidden": [8], "population": 4, **actor}, "steps": 120, "random_steps": 30, "update_after": 40,
        "update_every": 10, "batch_size": 8, "critic_hidden": [8], "test_every": 40, "test_episodes": 1,
    })  # fmt: skip
    return runs.Job(name, "Pendulum-v1", settings.to_dict(), 1, str(tmp_path / f"{name}.json"))


@pytest.mark.torch
def test_a_training_that_was_killed_ends_as_one_that_was_not(
    runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = runs.train(tiny(runs, tmp_path, "through", pseudo="trapezoid", learn_pseudo=True, learn_decays=True))
    assert through["steps"] == [40, 80, 120] and [len(returns) for returns in through["returns"]] == [1] * 3
    assert np.shape(through["breakpoints"]) == (2, 2) and len(through["current_decay"]["sd"]) == 2
    assert through["breakpoints"] != [[0.25, 0.75]] * 2

    class Killed(Exception):
        pass

    def kill(*_: Any, **__: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Killed

    calls: list[int] = []
    job = tiny(runs, tmp_path, "killed", pseudo="trapezoid", learn_pseudo=True, learn_decays=True)
    job.training().run(until=60, checkpoint=job.checkpoint)
    monkeypatch.setattr(runs, "print", kill, raising=False)
    with pytest.raises(Killed):
        runs.train(job)
    monkeypatch.undo()
    again = runs.train(job)
    for found in (through, again):
        found.pop("seconds")
    assert again == through
    remove_checkpoint(job.checkpoint)
    assert {p.name.split("-")[0].split(".")[0] for p in tmp_path.iterdir()} == {"through"}


@pytest.mark.torch
def test_what_was_learned_of_the_neurons(study: Any, runs: Any, tmp_path: Path) -> None:
    training = tiny(runs, tmp_path, learn_decays=True, **study.DRAWN).training()
    found, arrays = runs.learned(training), training.learner.actor.arrays().arrays
    assert set(found) == {"current_decay", "voltage_decay"}
    for name, of in found.items():
        layers = [arrays[f"{k}.{name}"] for k in range(2)]
        assert of["mean"] == pytest.approx([values.mean() for values in layers])
        assert of["sd"] == pytest.approx([values.std() for values in layers], rel=1e-5) and min(of["sd"]) > 0.05
    assert runs.learned(tiny(runs, tmp_path, pseudo="trapezoid").training()) == {}


@pytest.mark.torch
def test_the_time_of_a_training_is_that_of_all_its_steps(
    runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    usual = runs.Job.training
    monkeypatch.setattr(runs.Job, "training", lambda job: made.append(usual(job)) or made[0])
    found = runs.train(tiny(runs, tmp_path))
    first, *_, last = made[0].history
    assert found["seconds"] == last.seconds > first.seconds


@pytest.mark.torch
def test_an_estimate_is_of_all_steps_and_tests(
    study: Any, runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If 20 steps with updates take 2 s, and so do 100 steps of a test: 90 steps, and 4 tests of 200 steps."""
    ticks = iter(range(0, 100, 2))
    clock = SimpleNamespace(process_time=lambda: float(next(ticks)))
    monkeypatch.setattr(runs, "time", clock)
    job = tiny(runs, tmp_path)
    job = replace(job, settings={**job.settings, "steps": 130})  # the last test is after 130 steps, not after 160
    assert runs.seconds_of(job) == pytest.approx(90 * 0.1 + 4 * 200 * 0.02)
    asked: list[str] = []
    monkeypatch.setattr(runs, "seconds_of", lambda job: asked.append(job.name) or 120.0)
    made, jobs = fake(study, tmp_path, 2, "checks")
    made.journal.close()
    pairs = [(arm, jobs[f"{arm}, seed {seed}"]) for seed in range(2) for arm in made.setting["arms"]]
    assert study.forecast(made.setting, pairs) == pytest.approx(2 * 10 * 2.0)
    # The shapes take the same time; a proxy, learned decays and an encoder that draws do not.
    assert asked == [f"{arm}, seed 0" for arm in ("rectangle", "rectangle, proxy target", "learned decays",
                                                  "encoder that draws")]  # fmt: skip
