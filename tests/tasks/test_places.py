"""Comparisons, sweeps and tasks come out the same to the last bit wherever their jobs run."""

from __future__ import annotations

import concurrent.futures as cf
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused
from toys import CHOSEN, toy

import hetero_rsnn as hr
from hetero_rsnn.common.errors import ExecutorError, OutputError
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.sameness import differs, pairs
from hetero_rsnn.experiments import measurement
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.tasks.classification import classify
from hetero_rsnn.tasks.forecasting import forecast

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}


def small(name: str = "henhes", **more: Any) -> hr.Network:
    return hr.load_network(name, **{**SMALL, **more})


def waves() -> hr.Dataset:
    """Two series to foretell."""
    rng = np.random.default_rng(1)
    X = tuple(np.sin(0.2 * np.arange(200) + k)[:, None] + 0.1 * rng.normal(size=(200, 1)) for k in range(2))
    return hr.Dataset(
        name="waves", task="forecasting", X=X, y=None, classes=(), train=np.array([0]), test=np.array([1]),
        groups=None, interval_ms=None, channels=("wave",), kind="series", source="made here", licence="none", notes="",
        details={"inputs": ["wave"], "targets": ["wave"]},
    )  # fmt: skip


STUDIES: dict[str, Callable[..., Any]] = {
    "compare": lambda **where: hr.compare([small("honhos"), small()], 2, **where),
    "sweep": lambda **where: hr.sweep(small(), "E.tau_m.cv", [0, 1], seeds=2, **where),
    "classify": lambda **where: classify(
        toy(), ["honhos", "henhes"], [4, 5], few_labels=(1, 5), chosen=CHOSEN, overrides={"n": 40}, **where
    ),
    "forecast": lambda **where: forecast(waves(), ["honhos", "henhes"], [4, 5], overrides={"n": 40}, **where),
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return {name: plain(study().to_dict()) for name, study in STUDIES.items()}


def same(expected: dict[str, Any], name: str, **where: Any) -> None:
    both = list(pairs(expected[name], plain(STUDIES[name](**where).to_dict())))
    assert len(both) > 30 and [pair for pair in both if differs(pair)] == []


@pytest.mark.parametrize("name", STUDIES)
def test_threads_and_executors_change_nothing(expected, name):
    same(expected, name, workers=2)
    with cf.ThreadPoolExecutor(2) as pool:
        same(expected, name, executor=pool)


@pytest.mark.slow
def test_other_processes_change_nothing(expected):
    with cf.ProcessPoolExecutor(2) as pool:
        for name in STUDIES:
            same(expected, name, executor=pool)


@pytest.mark.slow
def test_processes_of_our_own_change_nothing():
    nets = [small("honhos", n=30), small(n=30)]
    one, two = (plain(hr.compare(nets, 2, backend="numpy", workers=k).to_dict()) for k in (1, 2))
    assert not [pair for pair in pairs(one, two) if differs(pair)]


@pytest.mark.slow
def test_a_dask_cluster_changes_nothing(expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    quiet = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        for name in STUDIES:
            same(expected, name, dask=cluster.scheduler_address)
        where = {"dask": cluster.scheduler_address, "journal": tmp_path / "j.jsonl"}
        found = hr.compare([small()], 3, recordings=tmp_path / "kept", **where)
    assert len(read_journal(tmp_path / "j.jsonl")) == 1 + 3 and len(list((tmp_path / "kept").iterdir())) == 6
    assert hr.load_recording(tmp_path / "kept" / "henhes-1.json").rate_hz == found["henhes"]["rate_hz"][1]


def die_once(network: hr.Network, seed: int, engine: Any) -> Any:
    """Kill the process of the first job; measure the others."""
    marker = Path(os.environ["HETERO_RSNN_MARKER"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return measurement.measure_seed(network, seed, engine)[0]


def _die_once(job: tuple[hr.Network, int], engine: Any, recordings: Any) -> Any:
    return die_once(*job, engine)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_lost_worker_costs_nothing_but_time(tmp_path, monkeypatch):
    monkeypatch.setenv("HETERO_RSNN_MARKER", str(tmp_path / "marker"))
    monkeypatch.setattr(measurement, "_job", _die_once)
    nets = [small("honhos", n=30), small(n=30)]
    found = hr.compare(nets, 2, backend="numpy", workers=2, journal=tmp_path / "j.jsonl")
    monkeypatch.undo()
    assert (tmp_path / "marker").exists() and len(read_journal(tmp_path / "j.jsonl")) == 1 + 4
    one, two = plain(found.to_dict()), plain(hr.compare(nets, 2, backend="numpy").to_dict())
    assert not [pair for pair in pairs(one, two) if differs(pair)]


def test_a_cluster_that_is_lost_leaves_a_journal_to_go_on_with(tmp_path, monkeypatch):
    from hetero_rsnn.jobs.running import run_jobs

    def lose(function: Any, jobs: Any, *, each: Any, dask: Any, first: bool = True, **options: Any) -> None:
        if first:
            each(0, run_jobs(function, jobs[:1])[0])
        raise ExecutorError("the connection was lost", fix="start it again", lost=True)

    monkeypatch.setattr(measurement, "run_jobs", lose)
    refused(lambda: hr.compare([small()], 2, dask="x"), "was lost: start it again", error=ExecutorError)
    path = tmp_path / "j.jsonl"
    lost = refused(lambda: hr.compare([small()], 2, dask="x", journal=path), error=ExecutorError)
    assert str(lost) == "the connection was lost: start it again, then resume"
    assert len(read_journal(path)) == 1 + 1
    monkeypatch.setattr(measurement, "run_jobs", lambda *jobs, **options: lose(*jobs, **options, first=False))
    begun = refused(lambda: hr.compare([small()], 2, dask="x", journal=tmp_path / "k.jsonl"), error=ExecutorError)
    assert str(begun) == "the connection was lost: start it again"
    assert not (tmp_path / "k.jsonl").exists()  # nothing was measured, so there is nothing to go on with
    monkeypatch.undo()
    assert hr.compare([small()], 2, journal=path, resume=True).seeds == [0, 1]


def test_recordings_on_another_disk_are_missed(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "_recorded", lambda *place: False)
    refused(
        lambda: hr.compare([small()], 1, recordings=tmp_path / "kept"),
        "the recording of 'henhes' with seed 0 lies on the disk of the machine that made it",
        "choose a folder that all machines share",
        error=OutputError,
    )


def test_both_at_a_time_are_refused():
    with cf.ThreadPoolExecutor(1) as pool:
        for study in STUDIES.values():
            refused(lambda study=study: study(executor=pool, dask="tcp://127.0.0.1:1"), "not on both")
