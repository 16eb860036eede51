"""Searches over what differs in networks with other neurons and synapses, read from a file of the space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hetero_rsnn as hr

SMALL = 'n = 40\n"protocol.samples" = 400\n"protocol.d_max" = 5\n"protocol.train" = "0.5 s"\n'
#: Base, parameter, what is said of it in the space.
SEARCHED = {
    "alif": ("E.tau_adapt", 'mean = ["50 ms", "500 ms"]\ncv = [0.1, 1.0]'),
    "delays": ("EE.delay", 'distribution = "gamma"\nmean = ["2 ms", "20 ms"]\ncv = [0.1, 0.8]'),
    "stp": ("U", "mean = [0.2, 0.8]\ncv = [0.1, 0.4]"),
    "triplet": ("A3_plus", "mean = [1e-3, 2e-2]\ncv = [0.0, 1.0]"),
    "voltage_threshold": ("tau_syn", 'mean = ["5 ms", "20 ms"]'),
}


@pytest.mark.parametrize("name", SEARCHED)
def test_a_search_finds_its_way(name: str, tmp_path: Path) -> None:
    key, ranges = SEARCHED[name]
    path = tmp_path / "mine.toml"
    path.write_text(f'base = "{name}"\n[overrides]\n{SMALL}[parameters."{key}"]\n{ranges}\n')
    space = hr.load_space(path)
    varied = [line.split()[0] for line in ranges.splitlines() if "[" in line]
    assert [d.name for d in space.dimensions] == [f"{key}.{what}" for what in varied]
    result = hr.search(
        space, budget=3, initial=2, batch=1, seeds=1, remeasure=0, c_min=0.0, workers=1, journal=tmp_path / "j.jsonl"
    )
    assert len(result.trials) == 3 and all(np.isfinite([t.C, t.S]).all() for t in result.trials)
    assert len({tuple(t.values) for t in result.trials}) == 3
    assert result.best_network.n == 40
    again = hr.SearchResult.from_journal(tmp_path / "j.jsonl")
    assert [t.values for t in again.trials] == [t.values for t in result.trials]
