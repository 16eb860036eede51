"""Journals of sweeps and comparisons: nothing is measured twice, nothing is lost, nothing of another study is taken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import ROOT, refused

import hetero_rsnn as hr
from hetero_rsnn.experiments import measurement
from hetero_rsnn.experiments.measurement_journal import Inspector, event_of, row_of
from hetero_rsnn.jobs.journal import Journal, read_journal

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}
CV = "E.tau_m.cv"


def small(name: str = "henhes", **more: object) -> hr.Network:
    return hr.load_network(name, **{**SMALL, **more})


@pytest.fixture
def measured(monkeypatch):
    """The seeds that are measured, in order."""
    seeds, original = [], measurement.measure_seed
    monkeypatch.setattr(
        measurement, "measure_seed", lambda net, seed, engine: seeds.append(seed) or original(net, seed, engine)
    )
    return seeds


def sweep(path, seeds=2, **more) -> hr.Sweep:
    return hr.sweep(small(), CV, [0, 0.6, 1.2], seeds=seeds, journal=path, **more)


def test_rows_survive_the_journal_to_the_last_bit():
    """NaN and infinity too, which JSON does not hold: E of a silent network, H of homogeneous parameters."""
    for net in (small(), small("static"), small("honhos", **{"input.weight": 0.0})):
        row, _ = measurement.measure_seed(net, 3)
        with_text = row_of(json.loads(json.dumps(_plain(event_of(net, row, {})))))
        assert repr(with_text) == repr(row)  # equal numbers, and NaN where there was NaN


def _plain(value):
    from hetero_rsnn.common.files import plain

    return plain(value)


def test_a_journal_has_a_line_for_every_measurement(tmp_path, measured):
    found = sweep(tmp_path / "j.jsonl")
    header, *events = read_journal(tmp_path / "j.jsonl", each=Inspector())
    assert (header["measurements"], header["parameter"], header["values"]) == ("sweep", CV, ["0", "0.6", "1.2"])
    assert len(events) == 6 == len(measured)
    assert {(e["name"], e["value"], e["seed"]) for e in events} == {
        ("henhes", v, s) for v in (0, 0.6, 1.2) for s in (0, 1)
    }
    again = hr.Sweep.from_journal(tmp_path / "j.jsonl")
    assert again.to_pandas().equals(found.to_pandas()) and repr(again) == repr(found)
    assert len(measured) == 6


def test_more_seeds_cost_only_the_new_ones(tmp_path, measured):
    sweep(tmp_path / "j.jsonl")
    measured.clear()
    found = sweep(tmp_path / "j.jsonl", seeds=4, resume=True)
    assert sorted(measured) == [2, 2, 2, 3, 3, 3]
    assert found.to_pandas().equals(hr.sweep(small(), CV, [0, 0.6, 1.2], seeds=4).to_pandas())
    measured.clear()
    assert sweep(tmp_path / "j.jsonl", seeds=[3, 1], resume=True).seeds == [3, 1]
    assert not measured


def test_a_stopped_sweep_ends_like_one_that_ran_through_wherever_it_was_cut(tmp_path):
    """After every line, and in the middle of lines."""
    whole = sweep(tmp_path / "whole.jsonl").to_pandas()
    lines = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
    for k in range(1, len(lines) + 1):
        for tail in (b"", lines[k][: len(lines[k]) // 2] if k < len(lines) else b"{"):
            path = tmp_path / f"cut-{k}-{len(tail)}.jsonl"
            path.write_bytes(b"".join(lines[:k]) + tail)
            assert sweep(path, resume=True).to_pandas().equals(whole)
            assert len(read_journal(path)) == len(lines)


def test_an_error_in_the_middle_keeps_what_was_measured(tmp_path, monkeypatch):
    original = measurement.measure_seed

    def fail(net, seed, engine):
        if seed == 1:
            raise hr.HeteroError("no more")
        return original(net, seed, engine)

    with monkeypatch.context() as patch:
        patch.setattr(measurement, "measure_seed", fail)
        refused(lambda: sweep(tmp_path / "j.jsonl"), "no more")
    assert len(read_journal(tmp_path / "j.jsonl")) == 1 + 3
    assert hr.Sweep.from_journal(tmp_path / "j.jsonl").seeds == [0]
    assert sweep(tmp_path / "j.jsonl", resume=True).seeds == [0, 1]


def test_a_journal_of_nothing_does_not_stay(tmp_path):
    short = small(**{"protocol.samples": 30})
    with pytest.raises(hr.TooShortError):
        hr.sweep(short, CV, [0, 1], seeds=1, journal=tmp_path / "j.jsonl")
    assert not (tmp_path / "j.jsonl").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_sweep_has_lost_nothing_that_was_finished(tmp_path):
    script = (
        "import sys, hetero_rsnn as hr\n"
        f"net = hr.load_network('henhes', **{SMALL!r})\n"
        f"hr.sweep(net, {CV!r}, [0, 0.6, 1.2], seeds=2000, journal=sys.argv[1])\n"
    )
    path = tmp_path / "j.jsonl"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], env=env)
    try:
        limit = time.monotonic() + 120
        while not path.exists() or path.read_bytes().count(b"\n") < 8:
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    lines = path.read_bytes().count(b"\n")
    kept = hr.Sweep.from_journal(path)
    assert len(kept.seeds) >= 2
    found = sweep(path, seeds=kept.seeds, resume=True)
    assert path.read_bytes().count(b"\n") == lines  # a torn last line at most was left out
    assert found.to_pandas().equals(hr.sweep(small(), CV, [0, 0.6, 1.2], seeds=kept.seeds).to_pandas())


def test_the_journal_of_another_study_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "j.jsonl"
    sweep(path, seeds=1)
    before = path.read_bytes()
    net = small()
    refused(lambda: sweep(path), "exists already")
    refused(lambda: sweep(tmp_path / "none.jsonl", resume=True), "there is no journal")
    go = {"seeds": 1, "journal": path, "resume": True}
    refused(lambda: hr.sweep(net, CV, [0, 1], **go), "its values are 0, 0.6, 1.2, not 0, 1")
    refused(lambda: hr.sweep(net, "I.tau_syn", ["5 ms", "9 ms"], **go), f"its parameter is {CV}, not I.tau_syn")
    refused(lambda: hr.sweep(small(n=61), CV, [0, 0.6, 1.2], **go), "its n is 60, not 61")
    refused(lambda: hr.sweep(net, CV, [0, 0.6, 1.2], also=small("honhos"), **go), "its networks are henhes", "honhos")
    refused(
        lambda: hr.sweep(net, CV, [0, 0.6, 1.2], grid=("n", [50, 60]), **go), "second parameter is none", "n = 50, 60"
    )
    refused(lambda: hr.sweep(net, CV, [0, 0.6, 1.2], backend="numpy", **go), "backend fast", "backend numpy")
    refused(lambda: hr.compare([net], [0], journal=path, resume=True), "the journal of a sweep, not of a comparison")
    refused(lambda: hr.Comparison.from_journal(path), "the journal of a sweep, not of a comparison")
    refused(lambda: hr.SearchResult.from_journal(path), "line 1")
    assert path.read_bytes() == before
    with Journal.create(tmp_path / "other.jsonl", {"control": "Pendulum-v1"}):
        pass
    refused(lambda: sweep(tmp_path / "other.jsonl", resume=True), "a journal of another kind")


def test_another_version_is_refused(tmp_path, monkeypatch):
    from hetero_rsnn.experiments import measurement_journal

    sweep(tmp_path / "j.jsonl", seeds=1)
    monkeypatch.setattr(measurement_journal, "versions", lambda: {"hetero-rsnn": "9.9"})
    refused(lambda: sweep(tmp_path / "j.jsonl", seeds=1, resume=True), "written by version", "9.9")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event": "asked"}, ["no event 'asked'"]),
        ({"network": "0" * 16}, ["the header has no network"]),
        ({"seed": -1}, ["seed must be"]),
        ({"seed": 0}, ["measured before"]),
        ({"C": None}, ["C must be"]),
        ({"S": "much"}, ["S must be"]),
        ({"E": True}, ["E must be"]),
        ({"curve": 3}, ["curve must be a list"]),
        ({"H": {}}, ["not of the same parameters"]),
        ({"reason": None}, ["reason must be text"]),
    ],
)
def test_lines_that_hold_no_measurement_are_refused_with_their_number(tmp_path, change, words):
    sweep(tmp_path / "j.jsonl", seeds=1)
    events = read_journal(tmp_path / "j.jsonl")
    header = {k: v for k, v in events[0].items() if k not in ("event", "format")}
    with Journal.create(tmp_path / "k.jsonl", header) as journal:
        journal.append(events[1])
        journal.append({**events[1], "seed": 7, **change})
    refused(lambda: hr.Sweep.from_journal(tmp_path / "k.jsonl"), "line 3", *words)


ODD = [None, True, -1, 1.5, "", "x", [], {}, [1], {"a": 1}, 10**400, "0:1:3", ["0", "1"]]


@pytest.mark.parametrize("which", [0, 1])
def test_whatever_a_line_holds_it_is_read_or_refused(tmp_path, which):
    """Every value of the header (but those of definitions, which are files of their own) and of an event."""
    hr.sweep(small(), CV, [0, 1], seeds=1, grid=("n", [60, 61]), journal=tmp_path / "j.jsonl")
    header, *events = read_journal(tmp_path / "j.jsonl")
    header = {k: v for k, v in header.items() if k not in ("event", "format")}
    lines, read = [header, *events], 0
    for key in lines[which]:
        for odd in ODD if key != "event" else []:
            changed = [{**line, key: odd} if k == which else line for k, line in enumerate(lines)]
            path = tmp_path / f"{read}.jsonl"
            path.unlink(missing_ok=True)
            with Journal.create(path, changed[0]) as journal:
                for event in changed[1:]:
                    journal.append(event)
            try:
                str(hr.Sweep.from_journal(path))
                read += 1
            except hr.HeteroError as error:
                assert "\n" not in str(error)
    assert read > 0  # a name, or versions


def test_a_changed_definition_is_found(tmp_path):
    sweep(tmp_path / "j.jsonl", seeds=1)
    header, *events = read_journal(tmp_path / "j.jsonl")
    header["networks"][0]["definition"]["dt"] = "0.5 ms"
    with Journal.create(
        tmp_path / "k.jsonl", {k: v for k, v in header.items() if k not in ("event", "format")}
    ) as journal:
        journal.append(events[0])
    refused(lambda: hr.Sweep.from_journal(tmp_path / "k.jsonl"), "was changed", "fingerprint")


def test_a_journal_without_a_whole_seed_cannot_be_shown_yet(tmp_path):
    sweep(tmp_path / "j.jsonl", seeds=1)
    data = (tmp_path / "j.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "k.jsonl").write_bytes(b"".join(data[:3]))
    refused(lambda: hr.Sweep.from_journal(tmp_path / "k.jsonl"), "no seed yet", "2 measurements")


def test_comparisons_keep_what_they_measured_too(tmp_path, measured):
    nets = {"one": small(), "two": small(**{CV: 1.0})}
    path = tmp_path / "j.jsonl"
    told = []
    hr.compare(nets, range(2), journal=path)
    measured.clear()
    found = hr.compare(nets, range(4), journal=path, resume=True, progress=lambda *a: told.append(a), baseline="two")
    assert sorted(measured) == [2, 2, 3, 3]
    assert told[0] == (4, 8) and told[-1] == (8, 8)
    whole = hr.compare(nets, range(4), baseline="two")
    for name in nets:
        for quantity in ("C", "S", "E", "curve", "weight"):
            np.testing.assert_array_equal(found[name][quantity], whole[name][quantity])
    assert str(hr.Comparison.from_journal(path, baseline="two")) == str(found) == str(whole)
    refused(lambda: hr.compare([small()], [0], journal=path, resume=True), "its networks are one", "two")


def test_recordings_that_are_missing_are_made_again(tmp_path, measured):
    path, folder = tmp_path / "j.jsonl", tmp_path / "recordings"
    hr.compare([small()], range(2), journal=path, recordings=folder)
    (folder / "henhes-1.npz").unlink()
    lines = path.read_bytes()
    measured.clear()
    hr.compare([small()], range(2), journal=path, recordings=folder, resume=True)
    assert measured == [1] and path.read_bytes() == lines and (folder / "henhes-1.npz").exists()
