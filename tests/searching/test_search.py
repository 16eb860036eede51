"""Searches of formulas over distributions: what they find, that they end alike however they were run, and refusals."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landscapes import broken, deadly, forgetful, frail, greedy, odd, peak, slow, tau, trade
from searches import line_of

import hetero_rsnn as hr
from hetero_rsnn.common.errors import ExecutorError, HeteroError, JournalError, SearchError
from hetero_rsnn.experiments.measurement import measure
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.distributions import Gamma, Mixture
from hetero_rsnn.network.homogeneous import homogeneous
from hetero_rsnn.searching import view
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space import Space, load_space

SMALL = """
base = "henhes"
[parameters.tau_m]
mean = ["10 ms", "60 ms"]
cv = [0.0, 1.2]
[parameters.eta_minus]
mean = [0.001, 0.05]
[search]
budget = 9
initial = 4
batch = 2
seeds = 2
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "small.toml"
    path.write_text(SMALL)
    return load_space(path)


Finished = Callable[..., tuple[SearchResult, bytes]]


@pytest.fixture(scope="module")
def finished(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run a search, or give the one that ran before; with the bytes of its journal."""

    @cache
    def search(function: Callable[[Network, int], Any], **options: Any) -> tuple[SearchResult, bytes]:
        path = tmp_path_factory.mktemp("finished") / "j"
        return run(function, space, path, **options), path.read_bytes()

    return search


def timeless(x: Any) -> Any:
    """Events without what differs from run to run."""
    if isinstance(x, dict):
        return {k: timeless(v) for k, v in x.items() if k != "seconds"}
    return [timeless(v) for v in x] if isinstance(x, list) else x


def events(path: Path) -> list[Any]:
    return [timeless(e) for e in read_journal(path)]


def run(
    function: Callable[[Network, int], Any], space: Space, path: Path | None = None, **options: Any
) -> SearchResult:
    return hr.search_function(function, space, journal=path, **options)


# What is found


@pytest.mark.parametrize("method", ["wasserstein", "matern"])
def test_the_optimum_is_found(space: Space, finished: Finished, method: str) -> None:
    r = run(peak, space, budget=20, method=method, c_min=1.0)
    assert r.done and r.best is not None and r.best_evaluation is not None and r.best.number in r.remeasured
    assert pytest.approx(20.0, rel=0.04) == r.best_evaluation.E
    mean, cv = tau(r.best_network)
    assert mean == pytest.approx(30, rel=0.15) and cv == pytest.approx(0.8, abs=0.15)
    chance, _ = finished(peak, budget=20, method="random", c_min=1.0)
    assert chance.convergence[-1] < r.convergence[-1]


def test_the_limit_of_c_is_kept_and_used(space: Space) -> None:
    """With C >= 1 the best is cv = 0.4, E = 26; unlimited it would be near silence."""
    r = run(greedy, space, budget=20, c_min=1.0)
    assert r.best is not None and r.best.feasible
    assert pytest.approx(1.0, abs=0.08) == r.best.C and r.best.C >= 1.0
    assert any(t.E > r.best.E and not t.feasible for t in r.trials), "the trap was never seen"


def test_silence_is_no_winner_without_a_limit(space: Space) -> None:
    r = run(greedy, space, budget=12, c_min=0.0, rate=(0.0, 50.0))
    assert r.best is not None and r.best.S >= 0.01 and math.isfinite(r.best.E)


def test_c_min_is_that_of_the_homogeneous_network(space: Space) -> None:
    r = run(peak, space, budget=6)
    assert r.reference is not None and r.objective.c_min == r.reference.C
    assert pytest.approx(2 * math.exp(-2 * 0.8**2), rel=0.05) == r.reference.C
    assert r.reference.seeds == (0, 1) and all(t.evaluation.seeds == (0, 1) for t in r.trials)  # type: ignore[union-attr]


def test_the_homogeneous_network_of_henhes_is_honhos() -> None:
    net = hr.load_network("henhes", n=100)
    assert homogeneous(net) == hr.load_network("honhos", n=100)
    assert homogeneous(hr.load_network("henhes_symmetric")).population("E")["tau_m"].cv == 0
    clusters = homogeneous(hr.load_network("chrsnn"))
    kinds = {type(p.distribution) for x in clusters.populations for _, p in x.parameters}
    assert Mixture not in kinds and all(p.cv == 0 for x in clusters.populations for _, p in x.parameters)
    before = hr.load_network("chrsnn").population("E")["tau_m"].mean
    assert clusters.population("E")["tau_m"].mean == pytest.approx(before)


def test_a_front(space: Space) -> None:
    r = run(trade, space, budget=24, objective="pareto")
    ideal = np.trapezoid(5 * np.sqrt(s := np.linspace(0.06, 0.3, 1001)), s) + 0.2 * 5 * math.sqrt(0.3)
    assert 0.93 * ideal < r.hypervolume < ideal
    assert r.reference_point == (0.0, 0.5) and r.objective.c_min == 0.0
    s = np.array([t.S for t in r.front])
    assert (np.diff(s) > 0).all() and s[0] < 0.08 and s[-1] > 0.28 and len(s) >= 6
    assert r.best in r.front and "hypervolume" in str(r)


def test_capacity_is_an_objective_of_its_own(space: Space) -> None:
    """Where memory is bought with spikes, the most memory and the most memory per spike are far apart."""
    most, best = (run(trade, space, budget=10, objective=o) for o in ("capacity", "efficiency"))
    assert most.best is not None and best.best is not None
    assert most.objective.c_min == 0.0 and "largest C" in str(most)
    assert most.best.S > 0.28 and max(t.C for t in most.trials) == most.best.C
    assert best.best.E > most.best.E
    assert (np.diff(most.convergence[np.isfinite(most.convergence)]) >= 0).all()
    assert most.convergence[-1] == pytest.approx(max(t.C for t in most.trials))


def test_no_feasible_trial_is_said_aloud(space: Space) -> None:
    r = run(peak, space, c_min=50.0)
    assert r.best is not None and not r.best.feasible and not r.front and r.hypervolume == 0.0
    closest = min(r.trials, key=lambda t: t.evaluation.violation)  # type: ignore[union-attr]
    assert r.best.number in r.remeasured and closest.number in r.remeasured
    assert "no trial keeps the limits" in str(r) and "is below 50" in str(r)
    assert np.isnan(r.convergence).all()


def test_the_reported_number_is_the_remeasured_one(space: Space) -> None:
    r = run(peak, space, remeasure=2, fresh_seeds=[7, 8, 9])
    assert len(r.remeasured) == 2 and r.best_evaluation is r.remeasured[r.best.number]  # type: ignore[union-attr]
    assert r.best_evaluation.seeds == (7, 8, 9)
    assert r.reference_remeasured is not None and r.reference_remeasured.seeds == (7, 8, 9)
    assert max(e.E for e in r.remeasured.values()) == r.best_evaluation.E
    for number, found in r.remeasured.items():  # the seeds are used, and not only named
        network = space.network(list(r.trials[number].point.values()))
        for name in ("C", "S"):
            assert found.per_seed[name] == tuple(peak(network, seed)[name] for seed in (7, 8, 9))
    none = run(peak, space, remeasure=0)
    assert not none.remeasured and "not re-measured" in str(none) and none.best_evaluation is not None


# Runs that end alike


@pytest.mark.slow
def test_one_worker_and_two_write_the_same(space: Space, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        for name, options in {"one": {"workers": 1}, "two": {"workers": 2}, "threads": {"executor": threads}}.items():
            run(peak, space, tmp_path / name, **options)
    one = events(tmp_path / "one")
    assert one == events(tmp_path / "two") == events(tmp_path / "threads")
    assert [e["trial"] for e in one if e["event"] == "finished"] == list(range(9))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the cluster is tested on Unix")
def test_a_dask_cluster_writes_the_same(space: Space, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    run(frail, space, tmp_path / "one")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as cluster:
        run(frail, space, tmp_path / "dask", dask=cluster.scheduler_address)
    assert events(tmp_path / "dask") == events(tmp_path / "one")


def test_without_a_journal_the_result_is_the_same(space: Space, finished: Finished, tmp_path: Path) -> None:
    (kept, journal), lost = finished(peak), run(peak, space)
    (tmp_path / "j").write_bytes(journal)
    assert kept.trials == lost.trials and kept.remeasured == lost.remeasured
    assert SearchResult.from_journal(tmp_path / "j").trials == kept.trials


@pytest.mark.slow
@pytest.mark.parametrize(("function", "objective"), [(frail, "efficiency"), (trade, "capacity"), (trade, "pareto")])
def test_cut_off_after_every_event_and_resumed(
    space: Space, tmp_path: Path, function: Callable[[Network, int], Any], objective: str
) -> None:
    whole = tmp_path / "whole"
    r = run(function, space, whole, objective=objective, remeasure=2)
    lines = whole.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["event"] for line in lines]
    assert len(kinds) == 1 + 1 + 9 + 9 + 3 + 1 and ("failed" in kinds) == (function is frail)
    for count in range(1, len(lines) + 1):
        torn = lines[count][: len(lines[count]) // 2] if count < len(lines) and count % 2 else b""
        path = tmp_path / f"cut-{count}"
        path.write_bytes(b"".join(lines[:count]) + torn)
        back = run(function, space, path, resume=True)
        assert events(path) == events(whole), count
        assert back.trials == r.trials and back.remeasured == r.remeasured


def test_every_prefix_of_a_journal_can_be_read(finished: Finished, tmp_path: Path) -> None:
    lines = finished(frail)[1].splitlines(keepends=True)
    path = tmp_path / "part"
    for count in range(1, len(lines) + 1):
        path.write_bytes(b"".join(lines[:count]))
        r = SearchResult.from_journal(path)
        assert str(r) and len(r.table()) == len(r.trials) == len(r.convergence)
        assert r.done == (count == len(lines)) and len(r.front) <= len(r.trials) and r.hypervolume >= 0
        if r.best is None:
            with pytest.raises(SearchError, match="no finished trial yet"):
                _ = r.best_network
        else:
            assert r.best_network.name == f"small-{r.best.number}"


@pytest.mark.parametrize(
    ("function", "objective", "step"),
    [
        (peak, "efficiency", 6),
        pytest.param(trade, "pareto", 6, marks=pytest.mark.slow),
        *(
            pytest.param(function, objective, 1, marks=pytest.mark.slow)
            for function, objective in [(peak, "efficiency"), (trade, "pareto"), (trade, "capacity")]
        ),
    ],
)
def test_a_finished_search_goes_on_with_a_larger_budget(
    space: Space,
    finished: Finished,
    tmp_path: Path,
    function: Callable[[Network, int], Any],
    objective: str,
    step: int,
) -> None:
    """Without a break, and cut off after one event in `step` of those that it adds."""
    path = tmp_path / "j"
    first, before = finished(function, budget=6, objective=objective)
    path.write_bytes(before)
    assert run(function, space, path, resume=True).trials == first.trials
    assert path.read_bytes() == before
    more = run(function, space, path, resume=True, budget=10)
    assert path.read_bytes().startswith(before) and more.settings.budget == 10 and more.done
    assert len(more.trials) == 10 and more.trials[:6] == first.trials
    assert set(more.remeasured) >= set(first.remeasured)
    straight, _ = finished(function, budget=10, objective=objective)  # 4 + 2 + ..., so the batches are the same
    assert more.trials == straight.trials
    assert run(function, space, path, resume=True).trials == more.trials
    with pytest.raises(SearchError, match=r"budget must be a whole number >= 10, got 8: raise it, .* has 10"):
        run(function, space, path, resume=True, budget=8)
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(len(before.splitlines()), len(lines), step):
        (tmp_path / "cut").write_bytes(b"".join(lines[:count]))
        back = run(function, space, tmp_path / "cut", resume=True, budget=10)
        assert back.trials == more.trials and back.remeasured == more.remeasured


@pytest.mark.slow
def test_a_larger_budget_in_the_middle(space: Space, tmp_path: Path) -> None:
    run(peak, space, tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines), 3):
        path = tmp_path / f"cut-{count}"
        path.write_bytes(b"".join(lines[:count]))
        r = run(peak, space, path, resume=True, budget=11)
        assert len(r.trials) == 11 and r.done
        assert run(peak, space, path, resume=True).trials == r.trials


# What goes wrong


def test_failed_trials_are_kept_and_the_search_goes_on(space: Space) -> None:
    r = run(frail, space, budget=14, workers=1)
    failed = [t for t in r.trials if t.status == "failed"]
    assert failed and len(r.trials) == 14 and r.best is not None and 18 <= tau(r.best_network)[0] <= 45
    texts = {t.error for t in failed}
    assert any("seed 0: RuntimeError: too short to go on (landscapes.py, line" in str(t) for t in texts)
    assert all(t.kind == "raised" and t.evaluation is None and math.isnan(t.C) for t in failed)
    assert any("C must be a finite number, got nan" in str(t) for t in texts)
    assert f"{len(failed)} failed" in str(r)


@pytest.mark.parametrize("objective", ["efficiency", "capacity", "pareto"])
def test_no_outcome_of_a_candidate_ends_a_search(space: Space, tmp_path: Path, objective: str) -> None:
    """Whatever a candidate gives is a trial, finite or failed; the journal is read, and resumed after every step."""
    path = tmp_path / "j"
    r = run(odd, space, path, objective=objective, budget=48, initial=16, batch=8, method="random", remeasure=1)
    assert r.done and len(r.trials) == 48 and r.best is not None and r.best.feasible
    assert pytest.approx(5.0) == r.best.E
    finished, failed = ([t for t in r.trials if t.status == kind] for kind in ("finished", "failed"))
    assert len(finished) + len(failed) == 48
    below = [t for t in finished if t.C < 0]
    assert below and all(not t.feasible for t in below)
    for t in finished:
        assert t.evaluation is not None and 0 <= t.evaluation.violation < 1e3
        assert t.C in (0.5, -0.003, 1.0, -1e-300) and t.S in (0.1, 0.0)
    errors = "\n".join(str(t.error) for t in failed)
    for words in (
        "must return a mapping",
        "C must be a finite number, got nan",
        "S counts spikes",
        "got inf",
        "'much'",
        "1e+100",
    ):
        assert words in errors, words
    back = SearchResult.from_journal(path)
    assert repr(back.trials) == repr(r.trials) and str(back) == str(r) and np.isfinite(back.hypervolume)
    whole = path.read_bytes().splitlines(keepends=True)
    for count in range(2, len(whole), 23):
        (tmp_path / "cut").write_bytes(b"".join(whole[:count]))
        run(odd, space, tmp_path / "cut", resume=True)
        assert events(tmp_path / "cut") == events(path)


@pytest.mark.parametrize("method", ["wasserstein", "matern"])
@pytest.mark.parametrize("objective", ["efficiency", "capacity", "pareto"])
def test_a_space_without_memory(space: Space, tmp_path: Path, objective: str, method: str) -> None:
    """C is a little below 0 as often as above; the models take it, and a journal that holds it goes on."""
    path = tmp_path / "j"
    r = run(forgetful, space, path, objective=objective, method=method, budget=10, remeasure=1)
    assert r.done and all(t.status == "finished" for t in r.trials) and any(t.C < 0 for t in r.trials)
    assert all(math.isfinite(t.evaluation.violation) for t in r.trials)  # type: ignore[union-attr]
    assert all(not t.feasible for t in r.trials if t.C < 0)
    lines = path.read_bytes().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if json.loads(line).get("C", 1) < 0 and b'"finished"' in line)
    (tmp_path / "cut").write_bytes(b"".join(lines[: first + 1]))
    run(forgetful, space, tmp_path / "cut", resume=True)
    assert events(tmp_path / "cut") == events(path)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "kind"), [(slow, "timeout"), (deadly, "raised")])
def test_trials_that_hang_or_exit(space: Space, function: Callable[[Network, int], Any], kind: str) -> None:
    r = run(function, space, budget=6, workers=2, trial_timeout=10.0 if kind == "timeout" else 60.0)
    bad = [t for t in r.trials if t.status == "failed"]
    assert bad and all(t.kind == kind for t in bad)
    assert all((t.point["tau_m.mean"] > 40) == (t.status == "failed") for t in r.trials)


def test_nothing_works(space: Space) -> None:
    r = run(broken, space)
    assert r.best is None and r.best_evaluation is None and len(r.trials) == 9 and r.done
    assert "9 failed" in str(r)


def test_a_base_that_cannot_be_measured(space: Space, tmp_path: Path) -> None:
    def never(network: Network, seed: int) -> dict[str, float]:
        raise ValueError("nothing works")

    with pytest.raises(SearchError, match="the homogeneous network of 'small' cannot be measured: seed 0: ValueError"):
        run(never, space, tmp_path / "j", workers=1)
    with pytest.raises(ExecutorError, match="define it at the top level of a module"):
        run(never, space, tmp_path / "k", workers=2)


def test_journals_of_other_searches(space: Space, tmp_path: Path) -> None:
    path = tmp_path / "j"
    run(peak, space, path, budget=5, c_min=1.0)
    kept = path.read_bytes()
    with pytest.raises(JournalError, match="exists already: resume it"):
        run(peak, space, path)
    other = load_space(space, n=200)
    with pytest.raises(JournalError, match=r"is of another space, 'small' with fingerprint"):
        run(peak, other, path, resume=True)
    for name, value, shown in [
        ("seeds", 3, r"its seeds is \[0, 1\], not \[0, 1, 2\]"),
        ("method", "matern", "its method is 'wasserstein', not 'matern'"),
        ("objective", "pareto", "its objective is 'efficiency', not 'pareto'"),
        ("batch", 1, "its batch is 2, not 1"),
        ("c_min", 0.5, "its c_min is 1.0, not 0.5"),
        ("rate", (1, 40), r"its rate is \[1.0, 50.0\], not \[1.0, 40.0\]"),
        ("seed", 1, "its seed is 0, not 1"),
        ("remeasure", 1, "its remeasure is 3, not 1"),
        ("fresh_seeds", 2, r"its fresh_seeds is \[1000, .*, not \[1000, 1001\]"),
        ("initial", 3, "its initial is 4, not 3"),
    ]:
        with pytest.raises(JournalError, match=f"is of another search: {shown}; resume with the same"):
            run(peak, space, path, resume=True, **{name: value})
    with pytest.raises(JournalError, match=r"its function is 'landscapes\.peak', not 'landscapes\.trade'"):
        run(trade, space, path, resume=True)
    with pytest.raises(JournalError, match="is of another search: its "):
        hr.search(space, journal=path, resume=True)
    assert path.read_bytes() == kept
    same = dict(seeds=[0, 1], method="wasserstein", rate=[1, 50], c_min=1, budget=5, initial=4, seed=0)
    assert run(peak, space, path, resume=True, **same).done
    assert path.read_bytes() == kept


def test_no_journal_or_a_foreign_one(space: Space, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        run(peak, space, tmp_path / "none", resume=True)
    with pytest.raises(SearchError, match="resume needs the journal"):
        run(peak, space, resume=True)
    (tmp_path / "alien").write_text('{"event": "search", "format": 1}\n')
    words = r"alien is not a journal that this version can read: line 1, 'search': 'settings' is missing: give the path"
    with pytest.raises(JournalError, match=words):
        run(peak, space, tmp_path / "alien", resume=True)
    with pytest.raises(JournalError, match=words):
        SearchResult.from_journal(tmp_path / "alien")


def test_other_candidates_than_those_of_the_journal(space: Space, finished: Finished, tmp_path: Path) -> None:
    text = finished(peak)[1].decode().splitlines(keepends=True)
    last = max(i for i, line in enumerate(text) if '"asked"' in line)
    event = json.loads(text[last])
    event["point"]["tau_m.mean"] -= 1e-3
    (tmp_path / "edited").write_text("".join([*text[:last], line_of(event), *text[last + 1 :]]))
    words = rf"asks for other candidates \(line {last + 1}: trial 8 .*\); was it changed by hand\?"
    with pytest.raises(SearchError, match=words):
        run(peak, space, tmp_path / "edited", resume=True)
    header = json.loads(text[0])
    header["versions"]["scikit-learn"] = "0.1"
    (tmp_path / "old").write_text("".join([line_of(header), *text[1:last], line_of(event)]))
    with pytest.raises(SearchError, match=r"it was written by scikit-learn 0.1 \(now .*install those versions"):
        run(peak, space, tmp_path / "old", resume=True)
    swapped = [*text[:2], text[3], text[2], *text[4:]]
    (tmp_path / "swapped").write_text("".join(swapped))
    for read in (lambda path: run(peak, space, path, resume=True), SearchResult.from_journal):
        with pytest.raises(JournalError, match="line 3, 'asked': trial is 1, where 0 is the next to be asked for"):
            read(tmp_path / "swapped")
    header = json.loads(text[0])
    header["definition"]["base"]["n"] = 101
    (tmp_path / "other").write_text("".join([line_of(header), *text[1:]]))
    with pytest.raises(JournalError, match=r"was changed: its definition has fingerprint \w+, and it names"):
        run(peak, space, tmp_path / "other", resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 3, "initial": 4}, "budget must be >= initial = 4, .*got 3: raise budget or lower initial"),
        ({"budget": 0}, "budget must be a whole number >= 1, got 0"),
        ({"batch": 1.5}, "batch must be a whole number >= 1, got 1.5"),
        ({"initial": True}, "initial must be a whole number >= 1, got True"),
        ({"seeds": 0}, "seeds must be a whole number >= 1, got 0"),
        ({"seeds": [1, 1]}, r"seeds must be a count or a list of different seeds, got \[1, 1\]"),
        ({"seeds": 10**13}, "seeds must be a whole number <= 2000000, got 10000000000000: use less"),
        ({"fresh_seeds": range(10**13)}, "fresh_seeds must be at most 2000000 seeds, got more: give fewer"),
        ({"budget": 10**13, "initial": 10**12}, "initial must be a whole number <= 2000000, got 1000000000000"),
        ({"seeds": [-1]}, "seeds must be a whole number >= 0, got -1"),
        ({"fresh_seeds": [1, 2]}, "fresh_seeds must be others than seeds, but both have 1"),
        ({"objective": "efficient"}, r"unknown objective 'efficient' \(did you mean 'efficiency'\?\)"),
        ({"method": "grid"}, r"unknown method 'grid': use one of wasserstein, matern, random"),
        ({"rate": (5, 2)}, "rate must be 0 <= lowest < highest in Hz, got 5 and 2: exchange them"),
        ({"rate": (-1, 2)}, "give two numbers >= 0"),
        ({"rate": (1, 2, 3)}, "rate must be the lowest and the highest rate"),
        ({"rate": (1, math.inf)}, "rate must be a finite number, got inf"),
        ({"rate": "1 2"}, "rate must be the lowest"),
        ({"c_min": -1}, "c_min must be a finite number >= 0, got -1"),
        ({"c_min": math.nan}, "c_min must be a finite number >= 0, got nan"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"remeasure": -1}, "remeasure must be a whole number >= 0"),
        ({"workers": 0}, "workers must be a whole number >= 1"),
        ({"trial_timeout": -1}, "timeout must be a finite number > 0"),
        ({"bugdet": 3}, r"unknown option 'bugdet' \(did you mean 'budget'\?\)"),
    ],
)
def test_wrong_options(space: Space, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HeteroError, match=message) as caught:
        run(peak, space, tmp_path / "j", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "j").exists()


def test_wrong_backend_and_precision(space: Space) -> None:
    with pytest.raises(SearchError, match=r"unknown backend 'fats' \(did you mean 'fast'\?\)"):
        hr.search(space, backend="fats")
    with pytest.raises(SearchError, match="unknown precision 'half'"):
        hr.search(space, precision="half")
    with pytest.raises(SearchError, match="precision='single' is for backend='fast' only, not 'numpy'"):
        hr.search(space, backend="numpy", precision="single")


# The result, and a real search


def test_progress_tells_what_happens(space: Space) -> None:
    seen: list[tuple[str, int, int, Any]] = []
    r = run(peak, space, progress=lambda *now: seen.append(now))
    assert seen[0][:3] == ("reference", 0, 1)
    assert [s[1:3] for s in seen if s[0] == "trial"] == [(i + 1, 9) for i in range(9)]
    assert [s[3] for s in seen if s[0] == "trial"] == list(r.trials)
    assert [s[1:3] for s in seen if s[0] == "again"] == [(i, 4) for i in range(5)]


def test_true_says_on_standard_error_how_far_the_search_is(space: Space, capsys: pytest.CaptureFixture[str]) -> None:
    run(peak, space, progress=True)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "measuring the homogeneous reference: 0 of 1" and told[-1].endswith("fresh seeds: 4 of 4")
    assert sum(line.startswith("trial ") for line in told) == 9
    run(peak, space, progress=False)
    assert not capsys.readouterr().err


def test_a_budget_below_the_first_candidates_is_all_spread(space: Space) -> None:
    assert space.search.initial > 3
    r = run(peak, space, budget=3)
    assert (r.settings.initial, len(r.trials)) == (3, 3)


def rising(network: Network, seed: int) -> dict[str, float]:
    """The slower the better, without end."""
    (tau,) = {p.mean for where in network.populations for name, p in where.parameters if name == "tau_m"}
    return {"C": 1.0 + tau / 10 + 0.01 * seed, "S": 0.1}


def test_what_lies_at_the_end_of_its_range_is_said(space: Space) -> None:
    r = run(rising, space, budget=12, c_min=0.0)
    d = next(d for d in space.dimensions if d.name == "tau_m.mean")
    assert r.best is not None and r.best.point[d.name] > d.low + 0.97 * (d.high - d.low)
    assert r.at_edge["tau_m.mean"] == "upper"
    said = f"is at the upper end of its range ({d.low:g} to {d.high:g} ms): the best may lie beyond. Widen it in the"
    assert said in str(r) and said in r._repr_html_()
    assert any(said in line for line in view.beyond(r))
    inside = run(peak, space, budget=20, c_min=1.0)
    assert "tau_m.mean" not in inside.at_edge and "tau_m.mean = " in str(inside) and said not in str(inside)


def test_table_and_frames(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    r, _ = finished(frail)
    rows = r.table()
    assert len(rows) == 9 and len({tuple(row) for row in rows}) == 1
    assert {"trial", "tau_m.mean", "eta_minus.mean", "C", "E_stderr", "feasible", "E_remeasured"} <= set(rows[0])
    for row, t in zip(rows, r.trials, strict=True):
        assert row["tau_m.cv"] == t.point["tau_m.cv"] and (row["E"] == t.E or math.isnan(t.E))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(HeteroError, match="to_pandas needs pandas"):
        r.to_pandas()
    with pytest.raises(SearchError, match="the search has no trial 99: give one of 0 to 8"):
        r.network(99)


def test_to_pandas(finished: Finished) -> None:
    pytest.importorskip("pandas")
    frame = finished(peak)[0].to_pandas()
    assert frame.shape[0] == 9 and frame["E"].max() > 0


@pytest.mark.slow
def test_a_search_of_networks(tmp_path: Path) -> None:
    quick = load_space("quick", n=60, **{"protocol.samples": 600, "protocol.train": "1 s", "protocol.d_max": 10})
    path = tmp_path / "j"
    r = hr.search(quick, budget=6, initial=4, batch=2, remeasure=1, journal=path, workers=1, c_min=0.3)
    assert r.done and r.best is not None and not any(t.status == "failed" for t in r.trials)
    m = measure(r.best_network, seeds=range(4))
    assert r.best.evaluation is not None
    assert r.best.evaluation.per_seed["C"] == tuple(m["C"])
    assert m.summary()["C"].mean == r.best.C
    assert r.best.rate_hz == pytest.approx(m.summary()["rate_hz"].mean)
    again = r.remeasured[r.best.number]
    assert again.seeds != r.best.evaluation.seeds
    assert again.per_seed["C"] == tuple(measure(r.best_network, seeds=again.seeds)["C"])
    saved = hr.save_network(r.best_network, tmp_path / "best.toml")
    assert hr.load_network(saved) == r.best_network
    assert isinstance(r.best_network.population("E")["tau_m"].distribution, Gamma)
    single = hr.search(quick, budget=4, initial=4, remeasure=0, precision="single", c_min=0.3)
    assert single.trials[0].point == r.trials[0].point and single.settings.measure["precision"] == "single"
    shutil.copy(path, tmp_path / "k")
    with pytest.raises(JournalError, match="its precision is 'double', not 'single'"):
        hr.search(quick, journal=tmp_path / "k", resume=True, precision="single")
    assert hr.search(quick, journal=tmp_path / "k", resume=True).trials == r.trials


def test_a_journal_of_another_version_is_refused(space: Space, finished: Finished, tmp_path: Path) -> None:
    path = tmp_path / "j"
    lines = finished(peak)[1].decode().splitlines(keepends=True)
    header = json.loads(lines[0])
    header["versions"]["hetero-rsnn"] = "0.0.1"
    path.write_text(line_of(header) + "".join(lines[1:]))
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"written by version 0\.0\.1 of hetero-rsnn"):
        run(peak, space, path, resume=True)
    assert path.read_bytes() == before


def test_the_reference_is_not_held_against_its_own_limit(finished: Finished) -> None:
    r, _ = finished(peak)
    assert r.reference is not None
    worse = replace(r.reference, feasible=False, reason="C = 1 is below 2")
    assert "below 2" not in str(replace(r, reference=worse, reference_remeasured=worse))
