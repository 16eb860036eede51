"""``hetero-rsnn sweep``, and what compare shares with it: files, named columns, the journal, Ctrl-C, mistakes."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys

import psutil
import pytest
from helpers import ROOT, exit_2

import hetero_rsnn as hr
from hetero_rsnn.common.errors import ExecutorError
from hetero_rsnn.experiments import measurement
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.jobs.running import run_jobs

TINY = ["--quick", "--n", "60", "--seeds", "2", "--workers", "1"]
TINY += ["--set", "protocol.samples=500", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
#: What `show` says that it has written: with --html the page alone.
WROTE = ("results/show/sweep.png", "x.html")
SWEEP = ["sweep", "henhes", "E.tau_m.cv=0:1:3", *TINY]


def test_a_sweep_writes_everything(run, tmp_path):
    code, out, _ = run(
        *SWEEP, "--also", "honhos", "--figure", "s.svg", "--csv", "s.csv", "--latex", "s.tex", "--html", "s.html"
    )
    assert code == 0
    assert "E.tau_m.cv" in out and "HeNHeS; 2 seeds, 60 neurons" in out and "HoNHoS" in out
    assert "wrote results.json to results/sweep\nwrote s.svg, s.csv, s.tex, s.html" in out
    data = json.loads((tmp_path / "results" / "sweep" / "results.json").read_text())
    assert data["command"].startswith("hetero-rsnn sweep henhes E.tau_m.cv=0:1:3") and data["values"] == [0, 0.5, 1]
    assert (tmp_path / "s.svg").read_bytes().startswith(b"<?xml")
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["network"], float(r["E.tau_m.cv"])) for r in rows] == [
        (n, v) for n in ("henhes", "honhos") for v in (0, 0.5, 1)
    ]
    assert "E.tau_m.cv=0:1:3" in (tmp_path / "s.html").read_text()
    assert "\\begin{tabular}" in (tmp_path / "s.tex").read_text()
    small = {"n": 60, "protocol.samples": 500, "protocol.washout": 50, "protocol.train": "1 s", "protocol.d_max": 10}
    net = hr.load_network("henhes", **small, **{"E.tau_m.cv": 0.5})
    assert float(rows[1]["C"]) == pytest.approx(hr.measure(net, [0, 1])["C"].mean(), rel=1e-12)


def test_energy_is_shown_where_it_is_asked_for(run, tmp_path):
    code, out, _ = run("compare", "honhos", "henhes", *TINY, "--energy", "loihi", "--latex", "t.tex", "--out", "c")
    assert code == 0 and "order by E:" in out and "doi:10.1109/MM.2018.112130359" in out
    assert "synaptic" in (tmp_path / "t.tex").read_text()
    data = json.loads((tmp_path / "c" / "results.json").read_text())
    assert data["networks"][0]["energy"]["loihi"]["C_per_nJ"]["n"] == 2
    exit_2(run(*SWEEP, "--energy", "abacus", "--out", "none"), "unknown hardware 'abacus'", "45nm")
    assert not (tmp_path / "none").exists()


def test_a_sweep_is_shown_again(run, tmp_path):
    assert run(*SWEEP, "--out", "res")[0] == 0
    code, out, _ = run("show", "res/journal.jsonl")
    assert code == 0 and "HeNHeS; 2 seeds" in out and "wrote results/show/sweep.png" in out
    assert (tmp_path / "results" / "show" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    exit_2(run("show", "res/journal.jsonl", "--export", "x.toml"), "--export", "searches")
    assert run("show", "res/journal.jsonl", "--html", "x.html")[:2] == (0, out.replace(*WROTE))
    page = (tmp_path / "x.html").read_text()
    assert "<h1>Sweep of E.tau_m.cv: HeNHeS</h1>" in page and page.count("<tr data-row=") == 3 * 2
    exit_2(run("show", "res/journal.jsonl", "res/journal.jsonl"), "one by one")


def test_a_comparison_is_shown_again(run, tmp_path):
    assert run("compare", "honhos", "henhes", *TINY, "--out", "res", "--baseline", "henhes")[0] == 0
    code, out, _ = run("show", "res/journal.jsonl")
    assert code == 0 and "paired differences to HoNHoS" in out
    assert (tmp_path / "results" / "show" / "comparison.png").exists()
    assert run(*SWEEP, "--out", "other")[0] == 0
    exit_2(run("show", "res/journal.jsonl", "other/journal.jsonl"), "of a comparison", "of a sweep")


def test_json_is_the_results_file_and_a_grid_gives_curves(run, tmp_path):
    code, out, _ = run(*SWEEP, "--grid", "E.tau_m.mean=20ms,40ms", "--json", "--out", "res")
    assert code == 0
    data = json.loads(out)
    assert data == json.loads((tmp_path / "res" / "results.json").read_text())
    assert [c["other"] for c in data["curves"]] == [20, 40]


def test_columns_have_names_of_their_own(run, tmp_path):
    (tmp_path / "one.toml").write_text('extends = "henhes"\n')
    words = ["compare", "a=one.toml", "b=one.toml", "one.toml", *TINY, "--set", "b:E.tau_m.cv=1", "--out", "res"]
    code, out, err = run(*words, "--baseline", "a")
    assert code == 0, err
    data = json.loads((tmp_path / "res" / "results.json").read_text())
    assert [n["network"] for n in data["networks"]] == ["a", "b", "one"] and data["baseline"] == "a"
    assert [n["definition"]["populations"]["E"]["tau_m"]["cv"] for n in data["networks"]] == [0.55, 1, 0.55]
    assert run(*words[:-1], "res2", "--baseline", "one.toml")[0] == 0
    data = json.loads((tmp_path / "res2" / "results.json").read_text())
    assert data["baseline"] == "a"  # the first that has this path
    assert "b" in out


def test_a_path_or_a_name_of_its_own_is_the_baseline(run, tmp_path):
    (tmp_path / "one.toml").write_text('name = "mine"\nextends = "henhes"\n')
    for word in ("one.toml", "mine"):
        assert run("compare", "honhos", "one.toml", *TINY, "--baseline", word, "--out", word.replace(".", ""))[0] == 0
        data = json.loads((tmp_path / word.replace(".", "") / "results.json").read_text())
        assert data["baseline"] == "mine"


def test_a_network_of_ones_own_is_swept_under_another_name(run, tmp_path):
    (tmp_path / "my.toml").write_text('name = "mine"\nextends = "henhes"\n')
    words = ["sweep", "wide=my.toml", "eta_plus.cv=0.2,1", "--also", "static", *TINY, "--set", "wide:E.tau_m.cv=0.9"]
    code, out, err = run(*words, "--out", "res")
    assert code == 0, err
    assert "wide; 2 seeds" in out and "without eta_plus.cv" in out and "static" in out
    curves = json.loads((tmp_path / "res" / "results.json").read_text())["curves"]
    assert [(c["network"], c["reference"], len(c["points"])) for c in curves] == [
        ("wide", False, 2),
        ("static", True, 1),
    ]
    assert [c["points"][0]["definition"]["populations"]["E"]["tau_m"]["cv"] for c in curves] == [0.9, 0.55]


def test_a_file_with_an_equals_sign_is_a_path(run, tmp_path):
    (tmp_path / "a=b.toml").write_text('name = "mine"\nextends = "henhes"\n')
    assert run("compare", "a=b.toml", *TINY, "--out", "res")[0] == 0


def test_more_seeds_later_and_both_figures(run, tmp_path):
    words = ["compare", "honhos", "henhes", *TINY, "--journal", "j.jsonl", "--figure", "f.pdf"]
    assert run(*words)[0] == 0
    assert len(read_journal(tmp_path / "j.jsonl")) == 1 + 4
    code, _, err = run(*words, "--seeds", "3", "--resume", "--overwrite")
    assert code == 0 and "resumed j.jsonl: 4 of 6 measurements kept" in err
    assert len(read_journal(tmp_path / "j.jsonl")) == 1 + 6
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["E.tau_n.cv=0:1:3"], ["E.tau_n", "did you mean"]),
        (["E.tau_m.cv=-1:1:3"], ["cv must be", "-1"]),
        (["E.tau_m.cv=0.5"], ["at least 2 values", "0.5"]),
        (["E.tau_m.cv=0.5,0.5"], ["must differ", "0.5 twice"]),
        (["E.tau_m.cv"], ["NAME=VALUES", "E.tau_m.cv"]),
        (["E.tau_m.cv=0:1"], ["A:B:N", "0:1"]),
        (["E.tau_m.cv=0:1:3", "--grid", "E.tau_m.cv=1,2"], ["same parameter"]),
        (["E.tau_m.cv=0:1:3", "--figure", "a.gif"], ["--figure", ".pdf or .png or .svg", "a.gif"]),
        (["E.tau_m.cv=0:1:3", "--csv", "a.txt"], ["--csv", ".csv", "a.txt"]),
        (["E.tau_m.cv=0:1:3", "--latex", "a"], ["--latex", ".tex"]),
        (["E.tau_m.cv=0:1:3", "--dask", "nonsense"], ["must be like tcp://host:8786", "nonsense"]),
        (["E.tau_m.cv=0:1:3", "--resume"], ["--resume needs the journal"]),
        (["E.tau_m.cv=0:1:3", "--resume", "--journal", "none.jsonl"], ["none.jsonl", "leave out --resume"]),
        (["E.tau_m.cv=0:1:3", "--also", "henhes"], ["two networks are called 'henhes'", "other=henhes"]),
        (["E.tau_m.cv=0:1:3", "--set", "E.tau_m.mean=10ms,20ms"], ["one value", "sweep"]),
        (["E.tau_m.cv=0:1:3", "--set", "henhes:E.tau_m.cv=1"], ["--set E.tau_m.cv", "say the same"]),
        (["n=50,60", "--grid", "E.tau_m.cv=0,1", "--set", "E.tau_m.cv=1"], ["--set E.tau_m.cv", "say the same"]),
    ],
)
def test_mistakes(run, tmp_path, words, parts):
    exit_2(run("sweep", "henhes", *words), *parts)
    assert not list(tmp_path.rglob("*.*"))  # nothing was begun


@pytest.mark.parametrize("value", ["0:1.2:7", "0,0.5", "[0, 0.5]"])
@pytest.mark.parametrize(
    "command", [["compare"], ["simulate", "--input", "a.csv"], ["networks", "show"], ["search"], ["classify"]]
)
def test_several_values_of_set_are_a_sweep(run, command, value):
    exit_2(
        run(*command, "quick" if command == ["search"] else "henhes", "--set", f"E.tau_m.cv={value}"),
        "one value",
        "hetero-rsnn sweep",
    )


def test_lists_that_are_one_value_stay(run):
    parts = '[{distribution = "constant", value = "10 ms"}, {distribution = "constant", value = "30 ms"}]'
    mixture = f'{{distribution = "mixture", weights = [0.5, 0.5], components = {parts}}}'
    code, out, _ = run("networks", "show", "henhes", "--set", f"E.tau_m={mixture}")
    assert code == 0 and "0.5 10 ms + 0.5 30 ms" in out
    words = ["networks", "show", "henhes", "--set", f"E.tau_m={mixture}", "--set", "E.tau_m.weights=[1, 3]"]
    code, out, _ = run(*words)
    assert code == 0 and "0.25 10 ms + 0.75 30 ms" in out


def test_nothing_is_overwritten(run, tmp_path):
    for name in ("f.pdf", "t.csv", "t.tex"):
        (tmp_path / name).write_text("mine")
    exit_2(run(*SWEEP, "--figure", "f.pdf"), "f.pdf exists already", "--figure", "--overwrite")
    exit_2(run(*SWEEP, "--csv", "t.csv"), "t.csv exists already", "--csv")
    exit_2(run("compare", "honhos", *TINY, "--latex", "t.tex"), "t.tex exists already", "--latex")
    assert {p.read_text() for p in tmp_path.glob("*.*")} == {"mine"}
    assert run(*SWEEP, "--journal", "j.jsonl")[0] == 0
    before = (tmp_path / "j.jsonl").read_bytes()
    exit_2(run(*SWEEP, "--journal", "j.jsonl"), "j.jsonl exists already", "--resume")
    exit_2(run(*SWEEP, "--journal", "j.jsonl", "--resume", "--n", "61"), "its n is 60, not 61")
    exit_2(run("compare", *TINY, "--journal", "j.jsonl", "--resume"), "of a sweep, not of a comparison")
    assert (tmp_path / "j.jsonl").read_bytes() == before


def test_an_unfinished_folder_asks_for_resume(run, tmp_path):
    assert run(*SWEEP, "--out", "res")[0] == 0
    (tmp_path / "res" / "results.json").unlink()
    (tmp_path / "res" / "figure.png").unlink()
    exit_2(run(*SWEEP, "--out", "res"), "res/journal.jsonl exists already", "--resume")
    code, _, err = run(*SWEEP, "--out", "res", "--resume")
    assert code == 0 and "6 of 6 measurements kept" in err
    exit_2(run(*SWEEP, "--out", "res"), "results.json exists already")
    assert run(*SWEEP, "--out", "res", "--overwrite")[0] == 0
    assert len(list((tmp_path / "res").glob("journal*.jsonl"))) == 2  # the first one is kept


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
@pytest.mark.parametrize(
    ("command", "where"),
    [
        (["sweep", "henhes", "E.tau_m.cv=0:1:3"], []),
        (["compare", "henhes", "honhos"], []),
        pytest.param(["compare", "henhes", "honhos"], ["--backend", "numpy", "--workers", "2"], marks=pytest.mark.slow),
    ],
)
def test_an_interruption_says_what_is_kept_and_the_line_to_go_on_with(tmp_path, command, where):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [*command, *TINY, *where, "--seeds", "99"]
    call = [sys.executable, "-m", "hetero_rsnn.cli"]
    process = subprocess.Popen([*call, *words], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("measuring: "):
            below = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait(60) == 130 and "Traceback" not in rest
    assert len(below) >= len(where) / 2 and psutil.wait_procs(below, timeout=10)[1] == []
    last = rest.strip().splitlines()[-1]
    journal = tmp_path / "results" / command[0] / "journal.jsonl"
    kept, whole = len(read_journal(journal)) - 1, 297 if command[0] == "sweep" else 198
    assert f"interrupted; results/{command[0]}/journal.jsonl holds {kept} of {whole} measurements" in last
    again = shlex.split(last.split("go on with: ")[1])
    assert again == ["hetero-rsnn", *words, "--journal", f"results/{command[0]}/journal.jsonl", "--resume"]
    again = [word if word != "99" else "5" for word in again[1:]]
    done = subprocess.run([*call, *again], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and f"to results/{command[0]}" in done.stdout, done.stderr


def test_a_cluster_that_is_lost_ends_in_the_line_to_go_on_with(run, monkeypatch):
    def lose(function, jobs, *, each, dask, **options):
        each(0, run_jobs(function, jobs[:1])[0])
        raise ExecutorError("the cluster was lost", fix="start it again", lost=True)

    with monkeypatch.context() as patch:
        patch.setattr(measurement, "run_jobs", lose)
        code, _, err = run(*SWEEP, "--dask", "tcp://127.0.0.1:1")
    start = "error: the cluster was lost: start it again, then resume: "
    last = err.splitlines()[-1]
    assert code == 2 and last.startswith(f"{start}hetero-rsnn sweep henhes E.tau_m.cv=0:1:3 --quick")
    again = shlex.split(last.removeprefix(start))[1:]
    assert again[-3:] == ["--journal", "results/sweep/journal.jsonl", "--resume"]
    code, _, err = run(*(word for word in again if word not in ("--dask", "tcp://127.0.0.1:1")))
    assert code == 0 and "1 of 6 measurements kept" in err


def test_80_columns_hold_the_tables(monkeypatch, run):
    from rich.console import Console

    from hetero_rsnn.report import terminal

    monkeypatch.setattr(terminal, "console", lambda: Console(width=80))
    code, out, _ = run(*SWEEP, "--seeds", "4")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    table = out.split("ΔE to the first")[1]
    assert table.count("[") == table.count("]") and not any(
        line.count("[") != line.count("]") for line in table.splitlines()
    )
