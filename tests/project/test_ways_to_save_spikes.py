"""The study of what saves spikes: its ways, its counts against the package's own, and its numbers by hand."""

from __future__ import annotations

import importlib
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from numpy.testing import assert_allclose, assert_array_equal

import hetero_rsnn as hr

#: Student's t of three seeds: the half-width of an interval is T3 sd / sqrt(3).
T3 = 4.302652729749464
COSTS = ("spikes", "operations", "energy", "bits", "time")


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("ways_to_save_spikes")


@pytest.fixture
def networks(study: Any) -> Any:
    return importlib.import_module("ways_networks")


@pytest.fixture
def sums(study: Any) -> Any:
    return importlib.import_module("ways_numbers")


@pytest.fixture
def small(study: Any, networks: Any) -> Any:
    """Settings of the quick run, and its split."""
    s = json.loads(json.dumps(study.setting("vowels", True)))
    return s, networks.loaded(s, None)[""]


def row(accuracy: float, cost: float, samples: int = 20, **changes: float) -> dict[str, Any]:
    """A way that is right about the first samples and takes the same of everything at each."""
    right = round(accuracy * samples)
    values = {**dict.fromkeys(COSTS, cost), **changes}
    return {
        "accuracy": right / samples, "right": "1" * right + "0" * (samples - right), **values,
        "each": {q: [v] * samples for q, v in values.items() if q != "bits"},
        **dict.fromkeys(("synaptic", "updates", "energy, 45nm-sram", "energy, 45nm", "energy, loihi"), 1.0),
    }  # fmt: skip


def test_every_way_is_one_change_and_combinations_are_two(study: Any) -> None:
    for part in study.PARTS:
        for quick in (False, True):
            s = study.setting(part, quick)
            for name, way in s["ways"].items():
                changed = [k for k, v in study.BASE.items() if way[k] != v]
                expected = 2 if way["family"] == "combined" or "recurrent" in name or "tuned" in name else 1
                assert len(changed) == (0 if name == "base" else 1 if name == "tuned alone" else expected), name
    full = study.setting("vowels", False)
    assert full["ways"].keys() >= {of for _, of in study.EARLY.values()} | {"base"}
    drawn = [*full["ways"], *study.EARLY]
    for neither, one, other, both in study.INTERACTIONS.values():
        assert {neither, one, other, both} <= set(drawn) and len({neither, one, other, both}) == 4
    assert set(study.setting("speakers", False)["ways"]) == {"base", "STDP"}
    assert study.setting("speakers", False)["kinds"] == ["ridge"]
    assert [study.setting(p, False)["seeds"] for p in study.PARTS] == [5, 5, 5, 3]
    assert study.setting("images", False)["train"] == 20000
    assert all(study.setting(p, False)["tuning"]["training_epochs"] <= 2 for p in study.PARTS)
    shares = {tuple(w["pruned"]) for w in full["ways"].values() if w["pruned"]}
    assert shares == {(kind, p) for kind in ("weakest", "any") for p in (0.5, 0.75, 0.9)} | {("weakest", 0.0)}
    panel = importlib.import_module("ways_figure").PANEL
    assert set(panel) <= {*drawn, *full["kinds"]}


def test_what_trains_calibrates_and_tests_is_apart(study: Any, networks: Any, small: Any) -> None:
    _, split = small
    data = hr.load_dataset("japanese_vowels")
    place = {x.tobytes(): k for k, x in enumerate(data.X)}
    parts = [[place[x.tobytes()] for x in X] for X in (split.X, split.held, split.test)]
    assert [len(p) for p in parts] == [48, 32, 40]
    assert len({k for part in parts for k in part}) == 120
    assert set(parts[0] + parts[1]) <= set(data.train.tolist()) and set(parts[2]) <= set(data.test.tolist())
    assert_array_equal(split.y, np.unique(data.y, return_inverse=True)[1][parts[0]])
    few = split.few(2)
    known = few.y[few.y != -1]
    assert_array_equal(np.bincount(known), [min(2, n) for n in np.bincount(split.y)])
    X, y = few.labelled()
    assert len(X) == len(y) == len(known) and len(few.X) == 48
    speakers = networks.loaded({**study.setting("speakers", True)}, None)
    assert list(speakers) == ["0 left out", "1 left out"]
    tested = [place[x.tobytes()] % 2 for x in speakers["1 left out"].test]
    learned = [place[x.tobytes()] % 2 for x in speakers["1 left out"].X]
    assert set(tested) == {1} and set(learned) == {0}


def test_counts_up_to_a_row_are_those_of_the_package(networks: Any, small: Any) -> None:
    """`count_operations` of a recording of the first rows alone: what comes later cannot matter."""
    _, split = small
    clf = hr.HRSNNClassifier("henhes", seed=3, windows=2, **split.how).fit(split.X, split.y)
    found = networks.Counted(clf, split.test)
    targets = (
        "spikes",
        "synaptic",
        "plastic",
        "input_synaptic",
        "input_products",
        "membrane_updates",
        "weight_updates",
    )
    for k in (0, 5):
        for rows in (3, len(split.test[k])):
            u = clf.encoder_.encode(split.test[k][:rows], hold=clf.hold_, dt=clf.network_.dt, seed=0)
            expected = hr.count_operations(clf.frozen_.draw, clf.frozen_.run(u), u)
            mine = found.until(k, rows)
            assert [getattr(mine, q) for q in targets] == [getattr(expected, q) for q in targets]
            assert mine.seconds == pytest.approx(expected.seconds) and mine.spikes > 20
    # A synapse that is gone is not counted.
    draw, state = hr.prune(clf.frozen_.draw, clf.frozen_.state, 0.75, inputs=True)
    clf.frozen_ = replace(clf.frozen_, draw=draw, state=state)
    fewer = networks.Counted(clf, split.test)
    u = clf.encoder_.encode(split.test[0], hold=clf.hold_, dt=clf.network_.dt, seed=0)
    expected = hr.count_operations(draw, clf.frozen_.run(u), u)
    assert fewer.until(0, len(u)).synaptic == expected.synaptic
    assert fewer.until(0, len(u)).input_products == expected.input_products < found.until(0, len(u)).input_products / 3


def test_energy_is_that_of_counts_and_of_the_readout(networks: Any) -> None:
    one = hr.Operations(10, 400, 300, 0, 100, 4000, 0, math.nan, 0.01, 1)
    found = networks.outcome([True, False], [one, one], [50.0, 70.0], [10.0, 20.0], 1234.0, 5)
    # Additions 0.9, products and updates 4.6 pJ; a bit of a weight 10 / 64 pJ: of 5 in the network, of 32 in readouts.
    network = 0.9 * 400 + 4.6 * (100 + 4000) + 10 / 64 * 5 * 500
    readout = [p * (4.6 + 10 / 64 * 32) for p in (50, 70)]
    assert found["each"]["energy"] == pytest.approx([(network + r) / 1e3 for r in readout], rel=1e-4)
    assert found["energy"] == pytest.approx(np.mean([(network + r) / 1e3 for r in readout]))
    assert found["energy, 45nm"] == pytest.approx((0.9 * 400 + 4.6 * 4160) / 1e3)
    assert found["energy, loihi"] == pytest.approx((23.6 * 560 + 81 * 4000 + 1.7 * 10) / 1e3)
    assert found["each"]["operations"] == [550, 570] and found["operations"] == 560
    assert (found["right"], found["accuracy"], found["bits"], found["time"]) == ("10", 0.5, 1234.0, 15.0)
    assert networks.readout_products(n=40, rows=7, decisions=3, weights=90) == 40 * 7 + 3 * 90


def test_stored_bits_by_hand(networks: Any) -> None:
    d = hr.draw(hr.load_network("honhos", n=20, **{"input.channels": 3, "I_bias": 1.0}), seed=1)
    clf = SimpleNamespace(frozen_=SimpleNamespace(draw=d, state=SimpleNamespace(w=d.plastic.w)))
    count = len(d.plastic) + len(d.static)
    assert 0 < count < 80  # so that targets of 5 bits are shorter than a mask of 400
    neurons = 32 * len(d.neurons)
    inputs = int(np.count_nonzero(d.w_in))
    where = 0 if inputs == 60 else min(60, 2 * inputs)
    assert networks.stored_bits(clf, "full") == 32 * (count + inputs) + 5 * count + where + neurons
    assert networks.stored_bits(clf, "4bit") == 5 * (count + inputs) + 5 * count + where + neurons + 5 * 32
    assert networks.numbers_of(clf) == count + inputs
    spread = replace(d, neurons={**d.neurons, "tau_m": np.arange(20.0)})
    other = SimpleNamespace(frozen_=SimpleNamespace(draw=spread, state=SimpleNamespace(w=d.plastic.w)))
    assert networks.stored_bits(other, "full") - networks.stored_bits(clf, "full") == 19 * 32
    assert networks.numbers_of(other) == count + inputs + 20
    assert [networks.where(c, 20, 20) for c in (0, 10, 80, 81, 399, 400)] == [0, 50, 400, 400, 400, 0]


def test_ways_do_to_networks_what_they_say(study: Any, networks: Any, small: Any, tmp_path: Path) -> None:
    s, split = small
    start = tmp_path / "start.toml"
    base = networks.learned(study.BASE, 1, s, split, start).frozen_
    assert hr.load_network(start).arrays is not None
    changed = start.stat().st_mtime_ns
    pruned = networks.learned(s["ways"]["pruned 75 %"], 1, s, split, start).frozen_
    assert start.stat().st_mtime_ns == changed  # it begins with the base, which is not trained again
    for name, left in (("static", 0.25), ("plastic", 0.25)):
        mine, then = getattr(pruned.draw, name), getattr(base.draw, name)
        assert len(mine) == pytest.approx(left * len(then), abs=2)
        assert not np.array_equal(np.sort(mine.w), np.sort(then.w)[-len(mine) :])  # tuned
    assert np.count_nonzero(pruned.draw.w_in) == round(0.25 * np.count_nonzero(base.draw.w_in))
    one = networks.learned(s["ways"]["1 bit"], 1, s, split, None).frozen_
    for index in np.unique(one.draw.static.projection):
        assert np.unique(np.abs(one.draw.static.w[one.draw.static.projection == index])).size == 1
    assert np.unique(np.abs(one.draw.w_in[one.draw.w_in != 0])).size == 1
    fixed = networks.learned(s["ways"]["fixed times"], 1, s, split, None).frozen_
    drawn = hr.draw(hr.load_network("henhes", n=40, **{"input.channels": 12}), 1, precision="single")
    assert_array_equal(fixed.draw.neurons["tau_m"], drawn.neurons["tau_m"])
    assert not np.array_equal(base.draw.neurons["tau_m"], drawn.neurons["tau_m"])


def test_a_cutoff_takes_less_time_and_more_readouts(study: Any, networks: Any, small: Any) -> None:
    s, split = small
    clf = networks.learned(study.BASE, 0, s, split, None)
    found = networks.asked(clf, "full", {**s, "epsilon": 0.2}, split)
    full, early = found["full"], found["early"]
    assert full["time"] == pytest.approx(20.0 * np.mean([len(x) for x in split.test]))
    assert 20.0 * s["every"] <= early["time"] < full["time"] and early["spikes"] < full["spikes"]
    ratio = np.divide(early["each"]["time"], full["each"]["time"])
    assert (ratio <= 1).all() and (np.array(early["each"]["spikes"]) <= full["each"]["spikes"]).all()
    windows, classes = 2, 9
    assert full["bits"] - full["network_bits"] == 32 * classes * (40 * windows + 1)
    assert early["bits"] - early["network_bits"] > 5 * (full["bits"] - full["network_bits"])
    assert full["accuracy"] == pytest.approx(
        hr.AnytimeReadout(clf, every=2, windows=2).fit(split.X, split.y).final_.predict(
            np.array([two_halves(x) for x in clf.frozen_pass(clf.check_samples(split.test), lambda x, _: x)])
        ).__eq__(split.test_y).mean()
    )  # fmt: skip


def two_halves(states: np.ndarray) -> np.ndarray:
    """Mean states of the halves of a sample."""
    middle = round(len(states) / 2)
    return np.concatenate([states[:middle].mean(axis=0), states[middle:].mean(axis=0)])


def test_differences_and_ratios_are_paired(sums: Any) -> None:
    base = [row(0.8, 100.0), row(0.9, 200.0), row(0.7, 50.0)]
    half = [row(0.75, 50.0), row(0.8, 100.0), row(0.7, 25.0)]
    found = sums.compared(half, base)
    less = np.array([-0.05, -0.1, 0.0])
    assert found["accuracy"] == pytest.approx(
        [-0.05, -0.05 - T3 * less.std(ddof=1) / 3**0.5, -0.05 + T3 * less.std(ddof=1) / 3**0.5]
    )
    assert found["verdict"] == "unclear" and found["energy"] == pytest.approx([0.5, 0.5, 0.5])
    uneven = sums.compared([row(0.8, 50.0), row(0.9, 50.0), row(0.7, 50.0)], base)["time"]
    logs = np.log([0.5, 0.25, 1.0])
    width = T3 * logs.std(ddof=1) / 3**0.5
    assert uneven == pytest.approx(np.exp([logs.mean(), logs.mean() - width, logs.mean() + width]))
    silent = sums.compared([row(0.8, 50.0, spikes=0.0)] * 3, base)
    assert math.isnan(silent["spikes"][0]) and sums.said(silent["spikes"]) == ""
    assert sums.said(sums.over(half[:1], "energy"), 1) == "50.0"  # one seed has no interval


def test_savings_that_multiply_do_not_interact(sums: Any) -> None:
    sizes = (100.0, 170.0, 40.0)

    def four(both: float, accuracy: float) -> list[list[dict[str, Any]]]:
        factors = ((1.0, 0.9), (0.5, 0.85), (0.4, 0.8), (both, accuracy))
        return [[row(a, size * f) for size in sizes] for f, a in factors]

    found = sums.interaction(four(0.2, 0.75))
    assert found["energy"]["factor"] == pytest.approx([1.0] * 3)
    assert found["energy"]["both"] == pytest.approx([0.2] * 3) and found["accuracy"] == pytest.approx([0.0] * 3)
    more = sums.interaction(four(0.3, 0.85))
    assert more["energy"]["factor"] == pytest.approx([1.5] * 3) and more["energy"]["verdict"] == "larger"
    assert more["accuracy"] == pytest.approx([0.1] * 3)


def test_a_front_is_what_nothing_beats(sums: Any) -> None:
    rng = np.random.default_rng(3)
    accuracy, cost = rng.integers(0, 6, 40) / 6, rng.integers(1, 6, 40).astype(float)
    slow = [
        not any(
            (b >= a and d <= c) and (b > a or d < c) for b, d in zip(accuracy, cost, strict=True)
        )
        for a, c in zip(accuracy, cost, strict=True)
    ]  # fmt: skip
    assert_array_equal(sums.undominated(accuracy, cost), slow)


def test_the_share_of_a_front_says_how_sure_it_is(sums: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "SAMPLES", 200)
    rows = {
        "cheap": [row(0.5, 1.0)] * 3, "good": [row(0.95, 10.0)] * 3, "beaten": [row(0.45, 10.0)] * 3,
        # As good as the good one but for one sample, at half of its cost: of these not sure.
        "near": [row(0.9, 5.0)] * 3, "dear": [row(0.95, 20.0)] * 3,
    }  # fmt: skip
    found = sums.front(rows, "energy")
    assert found["front"] == ["cheap", "near", "good"]
    assert found["share"]["cheap"] == found["share"]["near"] == 1.0
    assert found["share"]["beaten"] == found["share"]["dear"] == 0.0
    # The sample that only the good one gets right is in 1 - (1 - 1/20)^20 of the bootstrap samples.
    assert found["share"]["good"] == pytest.approx(1 - 0.95**20, abs=0.1)
    bits = sums.front({k: v for k, v in rows.items() if k != "cheap"}, "bits")
    assert bits["front"] == ["near", "good"]


def rows_of(study: Any) -> dict[str, list[dict[str, Any]]]:
    """Made-up rows of every way of a part; each a little worse and cheaper than the one before."""
    s = study.setting("vowels", False)
    names = [*s["ways"], *study.EARLY, *s["kinds"], *s["few"]]
    rows = {n: [row(0.9 - 0.0045 * k, 4e4 * 0.9**k * (1 + j), 2000) for j in range(3)] for k, n in enumerate(names)}
    for name in ("ridge", "MLP", "GRU"):
        rows[name] = [row(0.95, 3e4, 2000, spikes=0.0)] * 3
    return rows


def test_tables_findings_guide_and_figures_of_all_ways(study: Any, sums: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "SAMPLES", 20)
    rows = rows_of(study)
    out = sums.summary(rows, study.INTERACTIONS)
    assert (
        out["fronts"].keys() == set(COSTS) - {"spikes"} and "ridge" not in out["fronts with spikes"]["energy"]["share"]
    )
    assert not any(n.startswith("few") for n in out["fronts"]["energy"]["share"])
    lines = sums.table(out)
    assert len(lines) == 2 + len(rows) and len({line.count("|") for line in lines}) == 1
    lines = sums.interactions_table(out)
    assert len(lines) == 2 + len(study.INTERACTIONS) and len({line.count("|") for line in lines}) == 1
    guide = sums.guide(out)
    assert guide[0] == "accuracy: ridge (95.0 %); with spikes base (90.0 %)"
    assert guide[1].startswith("few labels: few labels (") and guide[2].startswith("spikes: STDP, recurrent (88.2 %")
    # 8,192 bits: the ways from the 24th on, at twice 40 kbit times 0.9^23 on average; the first is the most accurate.
    fits = next(n for k, n in enumerate(rows) if 8e4 * 0.9**k <= 8192)
    assert guide[-3].startswith(f"1 kB of weights: {fits} (") and guide[-1].startswith(
        "16 kB of weights: ridge (95.0 %"
    )
    assert len(guide) == 10
    assert len(sums.findings(out)) == len(rows) + 4 + 5 + len(study.INTERACTIONS)
    families = {n: study.family(n, study.setting("vowels", False)) for n in rows}
    figures = importlib.import_module("ways_figure")
    assert set(families.values()) == {*figures.LOOKS, "few labels"}
    assert len(figures.figure(out, families).axes) == 6
    bars = figures.bars(out, families).axes[0]
    named = [t.get_text() for t in bars.get_yticklabels()]
    assert sorted(named) == sorted(figures.PANEL.values())
    widths = [p.get_width() for p in bars.patches]
    assert widths == sorted(widths, reverse=True)
    assert widths[named.index(figures.PANEL["base"])] == 1.0
    # Pale is what loses more than a point: the way after the base loses 0.45, and so do others further on.
    pale = {n: out["against base"][n]["accuracy"][0] < -0.01 for n in figures.PANEL if n != "base"}
    alphas = {n: bars.patches[named.index(figures.PANEL[n])].get_alpha() for n in pale}
    assert alphas == {n: 0.25 if lost else 1.0 for n, lost in pale.items()} and set(alphas.values()) == {0.25, 1.0}


def test_speakers_of_a_seed_are_one_value(sums: Any) -> None:
    one, other = row(0.5, 10.0), row(1.0, 30.0)
    found = sums.joined([one, other])
    assert (found["accuracy"], found["energy"], found["bits"]) == (0.75, 20.0, 20.0)
    assert found["right"] == one["right"] + other["right"]
    assert found["each"]["time"] == [10.0] * 20 + [30.0] * 20
    assert sums.joined([one]) == one


@pytest.mark.torch
def test_references_count_what_they_compute(study: Any, small: Any) -> None:
    pytest.importorskip("torch")
    references = importlib.import_module("ways_references")
    s, split = small
    lengths = np.array([len(x) for x in split.test])
    features, classes, averaging = 5 * 12, 9, lengths * 12
    ridge = references.reference("ridge", 0, s, split, 0)
    assert_allclose(ridge["each"]["operations"], averaging + (features + 1) * classes)
    assert ridge["bits"] == 32 * (features + 1) * classes and ridge["spikes"] == 0 and ridge["accuracy"] > 0.8
    mlp = references.reference("MLP", 0, s, split, 0)
    assert_allclose(mlp["each"]["operations"], averaging + features * 64 + 64 * classes)
    assert mlp["bits"] == 32 * (features * 64 + 64 + 64 * classes + classes)
    gru = references.reference("GRU", 0, s, split, 0)
    assert_allclose(gru["each"]["operations"], lengths * 3 * 32 * (12 + 32) + 32 * classes, rtol=1e-4)
    assert gru["bits"] == 32 * (3 * 32 * (12 + 32 + 2) + 32 * classes + classes)
    assert references.reference("GRU", 0, s, split, 0) == gru
    spiking = references.reference("feed-forward", 0, s, split, 3000)
    assert spiking["bits"] / 32 == pytest.approx(3000, rel=0.03) and spiking["spikes"] > 0
    assert spiking["synaptic"] == pytest.approx(classes * spiking["spikes"])


@pytest.mark.torch
@pytest.mark.slow
def test_the_quick_run_goes_through_and_goes_on(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    line = ["ways_to_save_spikes.py", "speakers", "--quick", "--out", str(tmp_path / "o")]
    monkeypatch.setattr(sys, "argv", line)
    study.main()
    said = capsys.readouterr().out
    assert "minutes of one core" in said and "seed 1, 1 left out, ridge" in said
    found = tmp_path / "o" / "ways_to_save_spikes_speakers.json"
    first = found.read_bytes()
    assert json.loads(first)["result"]["summary"]["samples"] == 80
    for name in ("network", "reference", "forecast"):
        monkeypatch.setattr(study, name, lambda *_: pytest.fail("computed again"))
    study.main()
    assert found.read_bytes() == first and "minutes" not in capsys.readouterr().out
    assert (tmp_path / "o" / "ways_to_save_spikes_speakers_bars.png").exists()
    # A seed that is whole is told of alone, and nothing is computed.
    journal = tmp_path / "o" / "ways_to_save_spikes_speakers.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]))
    monkeypatch.setattr(sys, "argv", [*line, "--so-far"])
    study.main()
    assert json.loads(found.read_bytes())["result"]["summary"]["seeds"] == 1
    journal.write_text("".join(lines[:3]))
    with pytest.raises(hr.HeteroError, match="no seed is done yet"):
        study.main()
