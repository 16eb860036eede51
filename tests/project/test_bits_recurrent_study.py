"""The study of the bits of recurrent weights: its networks, its readouts, its numbers and sentences."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from numpy.testing import assert_array_equal

import hetero_rsnn as hr


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("bits_recurrent")


def test_ways_begin_alike_and_end_with_their_levels(study: Any) -> None:
    """Rounding changes recurrent weights alone; 1 bit is that of damage; trained networks have few levels, too."""
    s = study.setting(True)
    how, parts = study.loaded(s["data"], None)
    X, y = parts[0], parts[2]
    stdp, full = (study.learned("henhes", way, "full", 1, s, how, X, y) for way in list(study.WAYS)[:2])
    assert_array_equal(stdp.w_in, hr.draw(stdp.network, 1).w_in)
    assert not np.array_equal(stdp.plastic.w, hr.draw(stdp.network, 1).plastic.w)
    bit = study.coarse(stdp, "1bit", True)
    assert_array_equal(bit.plastic.w, hr.quantise(stdp, None, 1)[0].plastic.w)
    assert_array_equal(bit.w_in, stdp.w_in)
    none = study.coarse(stdp, "none", True)
    assert not none.plastic.w.any() and not none.static.w.any() and len(none.plastic) == len(stdp.plastic)
    free = study.learned("henhes", "free signs, through rounded weights", "1bit", 1, s, how, X, y)
    kept = study.learned("henhes", "gradients through rounded weights", "1bit", 1, s, how, X, y)
    for projection in np.unique(free.static.projection):
        mine = free.static.projection == projection
        assert len(np.unique(np.abs(free.static.w[mine]))) == 1 and (free.static.w[mine] != 0).all()
        assert set(np.sign(kept.static.w[mine])) <= {0.0, np.sign(full.static.w[mine].sum())}


def test_a_readout_that_is_kept(study: Any) -> None:
    """On the network it was fitted to it answers as before; on another one, as that network's states say."""
    s = study.setting(True)
    how, (X, Z, y, z) = study.loaded(s["data"], None)
    draw = study.learned("honhos", "STDP, then rounded", "full", 0, s, how, X, y)
    full = study.answering(draw, 0, s, how, X, y)
    assert_array_equal(study.on(full, draw).decision_function(Z), full.decision_function(Z))
    bare = study.coarse(draw, "none", True)
    other = study.on(full, bare)
    begin = dataclasses.replace(full.frozen_.state, w=np.zeros(len(bare.plastic)))
    states = []
    for x in Z[:10]:
        u = full.encoder_.encode(x, hold=full.hold_, dt=full.network_.dt, seed=0)
        run = hr.simulate(bare, u, state=begin, plasticity=False)
        states.append(hr.states(run, u, f"{full.taus_[0]} ms").mean(axis=0))
    expected = full.readout_.decision_function(np.array(states))
    np.testing.assert_allclose(other.decision_function(Z[:10]), expected, rtol=1e-9, atol=1e-9)
    assert np.abs(expected - full.decision_function(Z[:10])).max() > 1e-3
    row = study.looked_at(draw, 0, s, how, (X, Z, y, z), full)
    assert row["accuracy"] == row["kept"] == full.score(Z, z) and row["nu"] > 0 and row["measured"]["C"] > 0


def rows(study: Any, gain: float) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Three seeds; coarse weights cost two points and a tenth of C and E, and training with them is worth `gain`."""
    out: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for way, (_, after, _, kinds) in study.WAYS.items():
        out[way] = {}
        for kind in kinds:
            few = kind != "full"
            out[way][kind] = [
                {
                    "accuracy": 0.9 + by - 0.02 * few + gain * (few and not after), "nu": 5.0, "there": 1.0,
                    "kept": 0.8 + by if after else None,
                    "measured": {"C": (4 + by) * (0.9 if few else 1), "S": 0.1, "E": (40 + by) * (0.9 if few else 1)},
                }
                for by in (-0.01, 0.0, 0.01)
            ]  # fmt: skip
    return out


def test_summary_pairs_and_findings_judge(study: Any) -> None:
    both = {"henhes": study.summary(rows(study, 0.05)), "honhos": study.summary(rows(study, -0.05))}
    both = json.loads(json.dumps(both))
    out = both["henhes"]
    assert out["change"]["STDP, then rounded"]["1bit"]["accuracy"] == pytest.approx([-0.02] * 3)
    assert out["change"]["STDP, then rounded"]["1bit"]["C"] == pytest.approx([0.9] * 3)
    worth = out["differences"]["gradients through rounded weights"]
    assert list(worth) == ["1bit", "ternary", "2bit", "4bit", "8bit"]
    assert worth["1bit"]["accuracy"] == pytest.approx([0.05] * 3) and worth["1bit"]["E"] == pytest.approx([1.0] * 3)
    every = study.findings(both)
    assert all(line.startswith(("HeNHeS: ", "HoNHoS: ")) for line in every)
    lines = [line.removeprefix("HeNHeS: ") for line in every]
    assert lines[0] == (
        "STDP, then rounded, full weights: accuracy 0.9000 [0.8752, 0.9248] at 5.00 spikes, C 4.00 [3.98, 4.02], "
        "E 40.0 [40.0, 40.0]."
    )
    assert lines[1].startswith("STDP, then rounded, no recurrence: -2.00 [-2.00, -2.00] points of accuracy (smaller), ")
    assert "share left of C 0.900 [0.900, 0.900]" in lines[2] and "STDP, then rounded, 1 bit: " in lines[2]
    assert (
        "free signs, through rounded weights against free signs, then rounded, three levels: +5.00 [+5.00, +5.00] "
        "points (larger), C 1.000 [1.000, 1.000], E 1.000 [1.000, 1.000] of the other."
    ) in lines
    assert "-5.00 [-5.00, -5.00] points (smaller)" in every[-1]
    table = study.table(both)
    assert len(table) == 2 + 2 * sum(len(kinds) for *_, kinds in study.WAYS.values())
    assert table[3].startswith("| HeNHeS | STDP, then rounded | 1 | 1 | 0.8800 [0.8552, 0.9048] | 0.8000 [")
    bits = {tuple(cell.strip() for cell in line.split("|")[2:5]) for line in table[2:]}
    assert ("free signs, then rounded", "ternary", "1.58") in bits and ("STDP, then rounded", "0", "0") in bits
    assert ("gradients through rounded weights", "ternary", "1") in bits
    assert [len(ax.containers) for ax in study.figure(both).axes] == [5] * 8


def test_a_network_without_memory_has_no_ratio(study: Any) -> None:
    """E without a value comes back from the journal as None: no number is made of it, and no judgement."""
    mine = rows(study, 0.0)
    mine["STDP, then rounded"]["1bit"][1]["measured"]["E"] = None
    out = study.summary(mine)
    both = {"henhes": out}
    assert math.isnan(out["change"]["STDP, then rounded"]["1bit"]["E"][0])
    assert "of E nan" in study.findings(both)[2] and len(study.table(both)) > 20


def test_numbers_on_the_page_are_those_of_the_file(study: Any) -> None:
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    data = json.loads((ROOT / "docs" / "results" / "bits_recurrent.json").read_text(encoding="utf-8"))
    assert not data["quick"] and data["setting"] == json.loads(json.dumps(study.setting(False)))
    out = data["result"]["summary"]
    head, rule, *rows = study.table(out)
    shown = [row for row in rows if row.split("|")[3].strip() in ("0", "1", "ternary", "32")]
    assert [line for line in (head, rule, *shown) if line not in page] == [] and len(shown) == 36
    assert "results/bits_recurrent.json" in page and (ROOT / "docs" / "bits_recurrent.png").is_file()
    # What the text says of all ways from 1 to 8 bits, and of none.
    for mine in out.values():
        for kinds in mine["change"].values():
            for kind, m in kinds.items():
                if kind != "none":
                    assert m["accuracy"][1] <= 0 <= m["accuracy"][2] and 0.97 <= m["C"][0] <= 1.02
        for kinds in mine["differences"].values():
            assert all(m["accuracy"][1] <= 0 <= m["accuracy"][2] for m in kinds.values())
