"""Operations in measurements, sweeps and comparisons: kept by journals, shown when asked for."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common.files import plain
from hetero_rsnn.experiments.energy_tables import comparison_energy, energy_table, sweep_energy
from hetero_rsnn.experiments.measurement import measure_seed
from hetero_rsnn.experiments.measurement_journal import Inspector, event_of
from hetero_rsnn.jobs.journal import Journal
from hetero_rsnn.measures.estimates import estimate

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "500 ms", "protocol.d_max": 10, "protocol.washout": 20}


def small(name="henhes", **more):
    return hr.load_network(name, **{**SMALL, **more})


@pytest.fixture(scope="module")
def measured():
    return hr.measure(small(), [1, 2, 3])


def test_a_row_holds_the_operations_of_its_recording(measured):
    row, recording = measure_seed(small(), 1)
    drawn = hr.draw(small(), 1)
    own = hr.count_operations(drawn, recording)
    assert row == measured.rows[0] or row.operations == measured.rows[0].operations
    assert row.operations.synaptic == own.synaptic and row.operations.inferences == 500
    assert row.operations.input_products == 500 * (drawn.w_in != 0).sum()
    assert row.synaptic_operations == own.synaptic / 500
    assert row.synaptic_operations_hz == pytest.approx(own.synaptic / 5.0)
    assert row.operations.spikes / 60 / 500 == pytest.approx(row.S)


def test_ratios_have_intervals_like_those_of_e(measured):
    summary = measured.summary()
    operations = [r.operations.synaptic / 500 for r in measured.rows]
    own = estimate(measured["C"] / np.array(operations) * 1000)
    assert summary["C_per_1000_operations"] == own
    energies = [1e9 * hr.energy(r.operations.per_inference, "loihi").total for r in measured.rows]
    found = measured.energy("loihi")
    assert found["nJ"].mean == pytest.approx(np.mean(energies))
    assert found["C_per_nJ"].mean == pytest.approx(np.mean(measured["C"] / energies))
    assert sum(found[k].mean for k in hr.energy(measured.rows[0].operations).parts) == pytest.approx(1)
    data = measured.to_dict()
    assert set(data["energy"]) == set(hr.HARDWARE)
    assert data["energy"]["45nm"]["C_per_nJ"]["mean"] == measured.energy()["C_per_nJ"].mean
    assert data["seeds"][0]["operations"]["synaptic"] == measured.rows[0].operations.synaptic


def test_a_silent_network_has_no_ratio():
    silent = hr.measure(small(**{"input.weight": 0.0, "I_bias": 0.0}), 1)
    assert silent.rows[0].reason and math.isnan(silent["C_per_1000_operations"][0])
    assert math.isnan(silent.rows[0].C_per_nJ()) and silent.rows[0].nanojoules() > 0


def without(path):
    """The journal as an older version wrote it."""
    header, *lines = path.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    old = path.with_name("old.jsonl")
    first = json.loads(header)
    with Journal.create(old, {k: v for k, v in first.items() if k not in ("format", "version", "crc", "event")}) as new:
        for event in events:
            new.append({k: v for k, v in event.items() if k not in ("operations", "crc")})
    return old


def test_journals_keep_operations_and_old_ones_are_read(tmp_path):
    nets = {"a": small(), "b": small("honhos")}
    found = hr.compare(nets, 2, journal=tmp_path / "new.jsonl")
    again = hr.Comparison.from_journal(tmp_path / "new.jsonl")
    assert [r.operations for m in again.measurements for r in m.rows] == [
        r.operations for m in found.measurements for r in m.rows
    ]
    old = hr.Comparison.from_journal(without(tmp_path / "new.jsonl"))
    assert old["a"].rows[0].operations is None and not old["a"].counted
    assert old["a"].summary()["E"] == found["a"].summary()["E"] and "energy" not in old["a"].to_dict()
    assert math.isnan(old["a"].energy()["nJ"].mean) and np.isnan(old["a"]["synaptic_operations"]).all()
    assert "not counted" in str(comparison_energy(old)) and str(old) == str(found)


def test_a_journal_with_odd_operations_is_refused():
    inspect = Inspector()
    inspect._points = {"x"}
    row, _ = measure_seed(small("static"), 1)
    event = plain({**event_of(small("static"), row, {}), "network": "x"})
    good = event["operations"]
    refused(lambda: inspect({**event, "operations": {**good, "spikes": -1}}), "spikes must be", "-1")
    inspect._seen.clear()
    refused(lambda: inspect({**event, "operations": {"spikes": 1}}), "operations must have spikes, synaptic")
    inspect._seen.clear()
    inspect(event)


def test_the_table_says_whether_the_order_changes(measured):
    more = replace(
        measured, rows=tuple(replace(r, operations=_twice(r.operations), C=1.5 * r.C) for r in measured.rows)
    )
    more = replace(more, rows=tuple(replace(r, E=1.5 * r.E) for r in more.rows))
    table = energy_table([("few", measured), ("many", more)], "45nm")
    assert "order by E: many > few; by C per synaptic operation: few > many; by C per nJ" in table.title
    assert "doi:10.1109/ISSCC.2014.6757323" in table.title
    assert [row[0] for row in table.rows] == ["few", "many"] and len(table.headings) == len(table.rows[0])
    same = energy_table([("few", measured)], "45nm")
    assert "order by E: few; by C per synaptic operation: the same; by C per nJ: the same" in same.title
    refused(lambda: energy_table([("few", measured)], "abacus"), "unknown hardware 'abacus'")


def _twice(operations):
    return replace(operations, synaptic=2 * operations.synaptic)


def test_a_sweep_has_a_row_for_each_value():
    found = hr.sweep(small(), "E.tau_m.cv", [0, 1.0], seeds=2)
    (table,) = sweep_energy(found, "a100")
    assert [row[0] for row in table.rows] == ["0", "1"] and table.headings[0] == "E.tau_m.cv"
    rows = found.table()
    assert rows[0]["synaptic_operations"] == found["henhes"].measurements[0].rows[0].synaptic_operations
