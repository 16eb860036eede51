"""``hetero-rsnn search`` as a user meets it: output, interrupts, kills and resumes, and refusals in one line."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import hetero_rsnn as hr
from hetero_rsnn.cli.options import parse_seeds
from hetero_rsnn.experiments.measurement import measure
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.watching import Reporter, duration

#: A search of some seconds.
TINY = ["--set", "n=60", "--set", "protocol.samples=600", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
QUICK = ["search", "quick", *TINY, "--budget", "7", "--initial", "4", "--batch", "2", "--c-min", "0.3"]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hetero_rsnn.cli", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def timeless(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: timeless(v) for k, v in x.items() if k != "seconds"}
    return [timeless(v) for v in x] if isinstance(x, list) else x


def events(path: Path) -> list[Any]:
    return [timeless(e) for e in read_journal(path)]


def wait_for(path: Path, lines: int) -> None:
    end = time.monotonic() + 60
    while not path.is_file() or path.read_bytes().count(b"\n") < lines:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_search_reports_the_remeasured_best(run, tmp_path):
    code, out, err = run(*QUICK, "--workers", "1", "--journal", "j.jsonl")
    assert code == 0
    r = SearchResult.from_journal(tmp_path / "j.jsonl")
    assert r.done and len(r.trials) == 7
    assert str(r) in out and "re-measured on 8 fresh seeds" in out and "E = " in out and "[" in out
    assert "hetero-rsnn show j.jsonl --export best.toml" in out
    assert "trial 6: C = " in err and "7 of 7" in err and "left" in err
    assert "\x1b" not in out + err
    # The line in the header of the exported network gives its number again.
    assert run("show", "j.jsonl", "--no-figures", "--export", "best.toml")[0] == 0
    last = next(s for s in reversed((tmp_path / "best.toml").read_text().splitlines()) if s.startswith("# hetero-rsnn"))
    _, _, _, network, option, numbers = shlex.split(last)
    assert option == "--seeds"
    found = measure(network, parse_seeds(numbers)).summary()
    assert (found["C"].mean, found["S"].mean) == pytest.approx((r.best_evaluation.C, r.best_evaluation.S))


def test_without_a_journal_named_one_is_chosen(run, tmp_path):
    for name in ("quick.jsonl", "quick-2.jsonl"):
        code, out, _ = run(*QUICK, "--workers", "1", "--remeasure", "0", "--method", "random")
        assert code == 0 and f"results/search/{name}" in out
        assert (tmp_path / "results" / "search" / name).is_file()


@pytest.mark.slow
def test_a_search_that_ended_goes_on_with_more(run, tmp_path):
    again = ["search", "quick", *TINY, "--journal", "j", "--resume", "--workers", "1"]
    assert run(*QUICK, "--workers", "1", "--journal", "j", "--objective", "pareto")[0] == 0
    before = SearchResult.from_journal(tmp_path / "j")
    code, out, err = run(*again)
    assert code == 0 and str(before) in out
    kept = len(before.remeasured) + 1  # and the reference
    assert err.count("resumed") == 1 and f"resumed j: 7 of 7 trials, {kept} of 4 re-measurements kept\n" in err
    code, out, err = run(*again, "--budget", "8")
    assert f"resumed j: 7 of 8 trials, {kept} of 4 re-measurements kept\n" in err
    assert code == 0 and "8 of 8 trials" in out and "hypervolume" in out
    assert SearchResult.from_journal(tmp_path / "j").trials[:7] == before.trials


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The events of a search that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder, *QUICK, "--journal", "whole", "--workers", "1")
    assert process.wait(120) == 0, process.communicate()[1]
    return events(folder / "whole")


@pytest.mark.slow
def test_killed_at_random_times_and_resumed(whole, tmp_path):
    total = len(whole)
    rng, path, kills = random.Random(5), tmp_path / "killed", 0
    words = [*QUICK, "--journal", "killed", "--workers", "1"]
    have = 0
    while True:
        process = start(tmp_path, *words)
        wait_for(path, max(have, 1))
        # From the moment it writes on, somewhere in the time that the next few steps take.
        while process.poll() is None and path.read_bytes().count(b"\n") < min(have + rng.randrange(3), total - 1):
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.05))
        if kills < 6:
            process.send_signal(signal.SIGKILL)
        code = process.wait(120)
        err = process.communicate()[1]
        if code == 0:
            break
        assert code == -signal.SIGKILL, err
        kills += 1
        have = path.read_bytes().count(b"\n")
        words = ["search", "quick", *TINY, "--journal", "killed", "--resume", "--workers", "1"]
    assert kills >= 3
    assert events(path) == whole


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_ctrl_c_says_how_to_go_on(whole, tmp_path):
    process = start(tmp_path, *QUICK, "--journal", "my j", "--workers", "2")
    wait_for(tmp_path / "my j", 8)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    begin = "interrupted; every finished trial is in the journal; go on with: hetero-rsnn search quick --set n=60"
    assert last.startswith(begin)
    words = shlex.split(last.split("go on with: ")[1])
    assert words[0] == "hetero-rsnn" and "--resume" in words and words[words.index("--journal") + 1] == "my j"
    again = start(tmp_path, *words[1:])
    assert again.wait(120) == 0, again.communicate()[1]
    assert events(tmp_path / "my j") == whole


@pytest.mark.slow
def test_a_terminal_gets_a_live_line(tmp_path):
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "hetero_rsnn.cli", *QUICK, "--journal", "j", "--workers", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=child, text=True)
    os.close(child)
    shown = b""
    try:
        while data := os.read(parent, 4096):
            shown += data
    except OSError:  # the other end is closed
        pass
    out, _ = process.communicate(timeout=60)
    os.close(parent)
    assert process.returncode == 0 and "re-measured" in out
    text = shown.decode()
    assert "searching" in text and "7/7" in text and "best E = " in text and "trial 3: C" not in text


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["search", "quik"], ["unknown space 'quik'", "did you mean 'quick'"]),
        (["search", "none.toml"], ["no space file 'none.toml'"]),
        ([*QUICK, "--rate", "5", "2"], ["rate must be 0 <= lowest < highest in Hz, got 5 and 2", "exchange them"]),
        ([*QUICK, "--budget", "3"], ["budget must be >= initial = 4", "got 3", "raise budget"]),
        ([*QUICK, "--budget", "0"], ["budget must be a whole number >= 1, got 0"]),
        ([*QUICK, "--seeds", "x"], ["--seeds must be a count", "'x'"]),
        ([*QUICK, "--c-min", "-1"], ["c_min must be a finite number >= 0, got -1"]),
        ([*QUICK, "--objective", "speed"], ["unknown objective 'speed'", "efficiency"]),
        ([*QUICK, "--method", "wasserstien"], ["did you mean 'wasserstein'"]),
        ([*QUICK, "--workers", "0"], ["workers must be a whole number >= 1, got 0"]),
        ([*QUICK, "--trial-timeout", "0"], ["timeout must be a finite number > 0"]),
        ([*QUICK, "--backend", "gpu"], ["unknown backend 'gpu'"]),
        ([*QUICK, "--backend", "numpy", "--precision", "single"], ["precision='single' is for backend='fast' only"]),
        ([*QUICK, "--set", "tau_x=3"], ["unknown name 'tau_x'"]),
        ([*QUICK, "--set", "tau_m"], ["an override must be NAME=VALUE"]),
        ([*QUICK, "--set", "protocol.samples=30"], ["homogeneous network of 'quick' cannot be measured", "TooShort"]),
        ([*QUICK, "--resume"], ["--resume needs the journal to go on with: add --journal PATH"]),
        ([*QUICK, "--resume", "--journal", "none"], ["there is no journal none"]),
        ([*QUICK, "--journal", "."], ["choose another path"]),
        ([*QUICK, "--remeasure", "-1"], ["remeasure must be a whole number >= 0"]),
    ],
)
def test_refusals(run, tmp_path, words, parts):
    code, out, err = run(*words, *([] if "--workers" in words else ["--workers", "1"]))
    assert code == 2 and not out and "Traceback" not in err
    lines = [line for line in err.strip().splitlines() if not line.startswith("measuring")]
    assert len(lines) == 1, err
    for part in parts:
        assert part in err


def test_settings_are_for_functions_and_shown_all_the_same(run, tmp_path):
    """A search of networks refuses them before it begins; what a search of a function wrote is shown and exported."""
    path = tmp_path / "own.toml"
    path.write_text("base = 'henhes'\n[scalars.outer]\nas = 'setting'\nrange = [0.5, 2.0]\n")
    code, out, err = run("search", str(path), "--journal", "j", "--workers", "1")
    assert code == 2 and not out and len(err.strip().splitlines()) == 1
    assert "the space 'own' has settings, outer" in err and "use search_function" in err
    assert not (tmp_path / "j").exists()

    def measured(network, seed, *, outer):
        return {"C": 2 - (outer - 1) ** 2 + 0.01 * seed, "S": 0.1}

    found = hr.search_function(measured, str(path), journal=tmp_path / "j", budget=5, initial=4, seeds=2)
    code, out, err = run("show", str(tmp_path / "j"), "--export", str(tmp_path / "best.toml"))
    assert code == 0 and "outer" in out
    best = hr.load_network(tmp_path / "best.toml")
    assert best == found.best_network and f"outer = {found.best.point['outer']:.4g}" in best.description


@pytest.mark.slow
def test_a_dask_address_where_nothing_answers(run, tmp_path):
    pytest.importorskip("distributed")
    code, _, err = run(*QUICK, "--dask", "tcp://127.0.0.1:9", "--journal", "j")
    assert code == 2 and "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in err.strip().splitlines()[-1]
    assert not (tmp_path / "j").exists()


def test_journals_that_are_in_the_way_or_of_another_search(run, tmp_path):
    assert run(*QUICK, "--workers", "1", "--journal", "j", "--remeasure", "0")[0] == 0
    kept = (tmp_path / "j").read_bytes()
    for words, part in [
        (QUICK, "j exists already: add --resume to go on with it"),
        ([*QUICK, "--resume", "--seeds", "3"], "its seeds is [0, 1, 2, 3], not [0, 1, 2]"),
        ([*QUICK, "--resume", "--set", "n=61"], "j is of another space"),
        ([*QUICK[:2], "--resume"], "j is of another space"),
        ([*QUICK, "--resume", "--precision", "single"], "its precision is 'double', not 'single'"),
        ([*QUICK, "--resume", "--budget", "6"], "budget must be a whole number >= 7"),
    ]:
        code, _, err = run(*words, "--journal", "j", "--workers", "1")
        assert code == 2 and part in err and len(err.strip().splitlines()) == 1, err
    (tmp_path / "j").write_bytes(b"not a journal\n")
    code, _, err = run(*QUICK, "--resume", "--journal", "j")
    assert code == 2 and "is not the journal of a search" in err
    (tmp_path / "j").write_bytes(kept.replace(b'"finished"', b"#", 1))
    code, _, err = run(*QUICK, "--resume", "--journal", "j")
    assert code == 2 and "is broken in line" in err


def test_a_search_in_use_is_left_alone(run, tmp_path):
    from hetero_rsnn.jobs.journal import Journal

    assert run(*QUICK, "--workers", "1", "--journal", "j", "--remeasure", "0")[0] == 0
    with Journal.resume(tmp_path / "j"):
        code, _, err = run(*QUICK, "--journal", "j", "--resume", "--workers", "1")
    assert code == 2 and "is writing j: wait for it" in err


def test_all_trials_failing_is_an_error(run, tmp_path, monkeypatch):
    from hetero_rsnn.searching import start as search_start

    def fails(network: Any, seed: int, **_: str) -> dict[str, float]:
        if network.name != "homogeneous":
            raise RuntimeError("no luck")
        return {"C": 1.0, "S": 0.1}

    monkeypatch.setattr(search_start, "measure_candidate", fails)
    code, _, err = run(*QUICK, "--workers", "1", "--journal", "j")
    assert code == 2 and "all 7 trials failed, the first with: seed 0: RuntimeError: no luck" in err
    assert [json.loads(line)["event"] for line in (tmp_path / "j").read_text().splitlines()][-1] == "done"


def test_time_left(monkeypatch):
    assert [duration(s) for s in (3.4, 59.4, 150, 7200)] == ["3 s", "59 s", "2 min", "2.0 h"]
    reporter = Reporter("E")
    now = [1000.0]
    monkeypatch.setattr("hetero_rsnn.searching.watching.time.monotonic", lambda: now[0])
    for done in range(1, 91):  # a journal is read in no time
        assert reporter.line(done, 100, None, replayed=True) == "no feasible trial yet"
    now[0] += 60
    assert reporter.line(91, 100, None).endswith(" 9 min left")


@pytest.mark.slow
def test_limits_that_nobody_keeps_end_in_one_line(run, tmp_path):
    few = ["--budget", "3", "--initial", "2", "--workers", "1"]
    code, out, err = run(*QUICK, "--c-min", "50", *few, "--journal", "j")
    assert code == 2 and "closest" in out and "best network" not in out
    assert "is below 50; lower --c-min" in err.splitlines()[-1] and "Traceback" not in err


def test_an_address_that_is_none(run):
    code, _, err = run(*QUICK, "--dask", "nonsense", "--journal", "j")
    assert code == 2 and err.splitlines() == [
        "error: the address of a Dask scheduler must be like tcp://host:8786, got 'nonsense'"
    ]
