"""What the program writes is what it wrote before, and what it wrote before can be read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_files import SEARCH, main, program
from helpers import ROOT

import hetero_rsnn as hr

HERE = ROOT / "tests" / "frozen"
READ, WRITTEN = HERE / "read", HERE / "written"
#: What differs from run to run, or with what is installed, and the checksums over it.
PASSING = {"seconds", "versions", "timings_s", "command", "sha256", "crc"}


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Places in which two JSON values differ; floats to 1e-9 relative, times and versions not at all."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [k for k in {**old, **new} if k not in PASSING]
        if lost := [k for k in keys if (k in old) != (k in new)]:
            return [f"{where}: {lost} stand on one side only"]
        return [text for k in keys for text in differences(old[k], new[k], f"{where}.{k}")]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{where}: {len(old)} entries, not {len(new)}"]
        pairs = enumerate(zip(old, new, strict=True))
        return [text for i, (a, b) in pairs for text in differences(a, b, f"{where}[{i}]")]
    if isinstance(old, float) and isinstance(new, float):
        same = math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(old) and math.isnan(new))
        return [] if same else [f"{where}: {old!r}, not {new!r}"]
    return [] if old == new and type(old) is type(new) else [f"{where}: {old!r}, not {new!r}"]


def lines(path: Path) -> list[Any]:
    """A file of JSON, or of lines of JSON."""
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """What the program writes today."""
    folder = tmp_path_factory.mktemp("today")
    main(folder)
    return folder


def test_comparing_sees_a_difference():
    old = {"a": [1.0, {"b": "x"}], "seconds": 1.0}
    assert differences(old, {"a": [1.0 + 1e-12, {"b": "x"}], "seconds": 2.0}) == []
    assert differences(old, {"a": [1.0 + 1e-8, {"b": "x"}]}) == [".a[0]: 1.0, not 1.00000001"]
    assert differences(old, {"a": [1.0, {"b": "y"}]}) and differences(old, {"a": [1.0]}) and differences(old, {})
    assert differences({"a": 1}, {"a": 1.0}) and differences({"a": True}, {"a": 1})


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.relative_to(WRITTEN).as_posix() for p in WRITTEN.rglob("*.json*")))
def test_json_is_as_it_was(name, today):
    assert differences(lines(WRITTEN / name), lines(today / name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.relative_to(WRITTEN).as_posix() for p in WRITTEN.rglob("*.t*t")))
def test_help_is_as_it_was(name, today):
    assert (today / name).read_text() == (WRITTEN / name).read_text()


@pytest.mark.slow
def test_recording_is_as_it_was(today):
    old, new = (dict(np.load(folder / "recording.npz")) for folder in (WRITTEN, today))
    assert old.keys() == new.keys()
    for key, values in old.items():
        assert values.dtype == new[key].dtype and values.shape == new[key].shape, key
        if key.startswith("spike"):
            np.testing.assert_array_equal(values, new[key], key)
        np.testing.assert_allclose(values, new[key], rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.slow
def test_exported_network_is_as_it_was(today):
    assert hr.load_network(today / "best.toml") == hr.load_network(WRITTEN / "best.toml")


def test_old_recording_is_read():
    old = hr.load_recording(READ / "recording")
    assert (old.n, old.samples, old.spike_times.size) == (40, 1, old.spike_neurons.size)
    assert old.traces["v"].shape == (1000, 2) and old.trace_neurons.tolist() == [0, 5]
    again = hr.simulate(hr.draw(hr.load_network("henhes", n=40), seed=3), hr.silence("50 ms"), state=old)
    assert again.t_start == 1000.0


def test_old_journal_is_read():
    old = hr.SearchResult.from_journal(READ / "search.jsonl")
    assert old.done and len(old.trials) == 10 and len(old.remeasured) == 2
    assert old.best is not None and old.best_network == hr.load_network(READ / "best.toml")


@pytest.mark.slow
def test_old_journal_is_resumed(tmp_path):
    """One that was cut ends like the one that ran through."""
    whole = (READ / "search.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "search.jsonl").write_text("".join(whole[:15]))
    program([*SEARCH, "--journal", "search.jsonl", "--resume"], tmp_path)
    assert differences(lines(READ / "search.jsonl"), lines(tmp_path / "search.jsonl")) == []


def test_old_export_is_read():
    net = hr.load_network(READ / "best.toml")
    assert net.n == 60 and net.protocol.samples == 500
