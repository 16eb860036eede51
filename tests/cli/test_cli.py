"""The command line as a user meets it: output, files, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import typer.main
from helpers import ROOT, exit_2

import hetero_rsnn as hr
from hetero_rsnn.cli import app
from hetero_rsnn.cli import options as cli_common
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.network.shipped import GROUPS, grouped_networks

TINY = ["--quick", "--n", "60", "--seeds", "2", "--workers", "1"]
TINY += ["--set", "protocol.samples=500", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]


def test_networks_lists_all_with_descriptions(run):
    code, out, _ = run("networks")
    assert code == 0
    words = " ".join(out.split())  # as wrapped at the width of the terminal
    for name, description in hr.list_networks().items():
        assert f"{name} {description}" in words
    groups = [line for line in out.splitlines() if line and line[0] != " " and ":" not in line]
    assert groups == list(grouped_networks()) and set(groups) <= {*GROUPS}, "a network without a group"
    assert max(map(len, out.partition("files:")[0].splitlines())) <= 80


def test_networks_show_prints_equations_and_distributions(run):
    code, out, _ = run("networks", "show", "henhes")
    assert code == 0
    assert "dv/dt" in out and "gamma(mean 30 ms, cv 0.55)" in out and "eta_minus" in out


def test_networks_show_toml_is_a_network_file(run, tmp_path):
    _, out, _ = run("networks", "show", "henhes", "--toml", "--set", "E.tau_m.cv=0.3")
    (tmp_path / "mine.toml").write_text(out)
    assert hr.load_network(tmp_path / "mine.toml") == hr.load_network("henhes", **{"E.tau_m.cv": 0.3})


def test_version(run):
    code, out, _ = run("--version")
    assert code == 0 and out.startswith("hetero-rsnn ")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["networks", "show", "henhess"], ["henhess", "did you mean 'henhes'"]),
        (["networks", "show", "missing.toml"], ["missing.toml"]),
        (["networks", "show", "henhes", "--set", "E.tau_m.cv"], ["NAME=VALUE"]),
        (["networks", "show", "henhes", "--set", "tau_n.cv=1"], ["tau_n", "did you mean"]),
        (["networks", "show", "henhes", "--set", "tau_m.mean=-3 ms"], ["tau_m", "> 0", "-3"]),
        (["networks", "show", "henhes", "--set", "tau_m.mean=20 mV"], ["tau_m", "a time"]),
        (["compare", "--seeds", "none"], ["--seeds", "none"]),
        (["compare", "--seeds", "0"], ["--seeds"]),
        (["compare", "--seeds", "99999999999999"], ["--seeds", "100000"]),
        (["compare", "--seeds", "5-3"], ["--seeds"]),
        (["compare", "--backend", "fats"], ["fats", "did you mean 'fast'"]),
        (["compare", "--n", "0"], ["n must be a whole number >= 1, got 0"]),
        (["compare", "--n", "2"], ["population I is empty"]),
        (["compare", "--baseline", "nobody", *TINY], ["nobody"]),
        (["compare", "henhes", "henhes", *TINY], ["two networks are called 'henhes'"]),
        (["compare", "--workers", "0", "--quick"], ["workers must be"]),
        (["compare", "--quick", "--set", "protocol.samples=100"], ["100", "samples", "--set protocol.samples="]),
        (["compare", "honhos", "--quick", "--set", "henhes:tau_m.cv=0.3"], ["henhes:", "names no compared network"]),
        (["compare", "henhes", "--set", "name=../evil"], ["name must", "../evil"]),
        (["simulate", "henhes", "--input", "nothing.csv"], ["nothing.csv"]),
        (["simulate", "henhes", "--input", "wind_greensbor"], ["did you mean 'wind_greensboro'"]),
        (["simulate", "henhes", "--input", "wind_greensboro", "--scale", "minmx"], ["minmx", "did you mean 'minmax'"]),
        (["simulate", "henhes", "--input", "wind_greensboro", "--hold", "10"], ["hold", "10 ms"]),
        (["simulate", "henhes", "--input", "wind_greensboro", "--hold", "2.5 ms"], ["multiple of dt", "2.5 ms"]),
        (["simulate", "henhes", "--input", "wind_greensboro", "--samples", "0"], ["--samples", "got 0"]),
        (["simulate", "henhes", "--input", "wind_greensboro", "--seed", "-1"], ["seed", "-1"]),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(run, words, parts):
    exit_2(run(*words), *parts)


def test_misspelled_option_exits_with_2(run):
    code, _, err = run("compare", "--sedes", "3")
    assert code == 2 and "--seeds" in err and "Traceback" not in err


def test_compare_writes_table_figure_and_results(run, tmp_path):
    code, out, _ = run("compare", *TINY, "--out", "res", "--recordings")
    assert code == 0
    assert "HoNHoS" in out and "HeNHeS - HeNHoS" in out and "E = C/S" in out
    data = json.loads((tmp_path / "res" / "results.json").read_text(), parse_constant=lambda c: pytest.fail(c))
    assert [n["network"] for n in data["networks"]] == ["honhos", "henhos", "honhes", "henhes"]
    assert data["seeds"] == [0, 1]
    assert len(data["networks"][0]["seeds"]) == 2 and "fingerprint" in data["networks"][0]
    pairs = [(d["network"], d["to"]) for d in data["differences"]]
    assert pairs == [("henhos", "honhos"), ("honhes", "honhos"), ("henhes", "honhos"), ("henhes", "henhos")]
    assert {"C", "S", "rate_hz", "E"} <= set(data["differences"][0])
    assert (tmp_path / "res" / "figure.png").read_bytes().startswith(b"\x89PNG")
    rec = hr.load_recording(tmp_path / "res" / "recordings" / "henhes-1")
    row = data["networks"][3]["seeds"][1]
    assert rec.spike_times.size / (rec.n * rec.samples) == pytest.approx(row["S"])
    assert not list(tmp_path.rglob("*.part"))


def test_compare_shows_another_operating_point(run, tmp_path):
    code, out, _ = run("compare", "--point", "recurrent", *TINY, "--out", "res")
    assert code == 0 and "HoNHoS (recurrent)" in out
    data = json.loads((tmp_path / "res" / "results.json").read_text())
    assert [n["network"] for n in data["networks"]] == list(hr.canonical_networks("recurrent"))
    assert {d["to"] for d in data["differences"]} == {"recurrent_honhos", "recurrent_henhos"}
    code, _, err = run("compare", "henhes", "--point", "recurrent")
    assert code == 2 and "--point chooses among the canonical networks, and networks are named" in err
    code, _, err = run("compare", "--point", "recurent")
    assert code == 2 and "unknown point 'recurent' (did you mean 'recurrent'?)" in err


def test_one_network_can_be_changed_alone_and_results_hold_the_command_and_what_was_compared(run, tmp_path):
    assert run("compare", "honhos", "henhos", *TINY, "--set", "henhos:tau_m.cv=0.2", "--out", "res")[0] == 0
    data = json.loads((tmp_path / "res" / "results.json").read_text())
    found = {n["network"]: n["fingerprint"] for n in data["networks"]}
    small = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 50}
    assert found["honhos"] == hr.load_network("honhos", **small).fingerprint
    assert found["henhos"] == hr.load_network("henhos", **small, **{"tau_m.cv": 0.2}).fingerprint
    assert data["command"].startswith("hetero-rsnn compare honhos henhos --quick --n 60")
    assert data["command"].endswith("--set henhos:tau_m.cv=0.2 --out res")
    for entry in data["networks"]:
        assert entry["n"] == entry["definition"]["n"] == 60
        assert hr.Network.from_dict(entry["definition"], "").fingerprint == entry["fingerprint"]
    assert data["networks"][1]["definition"]["populations"]["E"]["tau_m"]["cv"] == 0.2


@pytest.mark.slow
def test_a_network_with_equations_of_its_own_can_be_compared(run, tmp_path):
    (tmp_path / "own.toml").write_text(
        'extends = "honhos"\nmodel = ""\n[neuron]\n'
        'equations = """\ndv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau : 1 (unless refractory)\n'
        'dI_syn/dt = -I_syn / tau_syn : 1\n"""\n[parameters]\ntau = "30 ms"\n'
    )
    words = ["own.toml", *TINY, "--seeds", "1", "--set", "protocol.train=0.1 s", "--set", "protocol.samples=300"]
    words += ["--set", "protocol.washout=20", "--out", "res"]
    code, out, err = run("compare", *words, "--backend", "brian2")
    assert code == 0, err
    assert "own" in out and (tmp_path / "res" / "figure.png").exists()
    code, _, err = run("compare", *words[:-1], "res2")
    assert code == 0, err


@pytest.mark.slow
def test_compare_json_is_the_results_file(run, tmp_path):
    code, out, _ = run("compare", "honhos", "static", *TINY, "--json", "--out", "res")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "res" / "results.json").read_text())


@pytest.mark.slow
def test_earlier_results_stay_untouched(run, tmp_path):
    assert run("compare", "honhos", *TINY, "--out", "res")[0] == 0
    before = (tmp_path / "res" / "results.json").read_bytes()
    exit_2(run("compare", "henhos", *TINY, "--out", "res"), "exists already", "--overwrite")
    assert (tmp_path / "res" / "results.json").read_bytes() == before
    assert run("compare", "henhos", *TINY, "--out", "res", "--overwrite")[0] == 0
    assert (tmp_path / "res" / "results.json").read_bytes() != before


@pytest.mark.slow
def test_default_folder_is_a_new_one_each_time(run, tmp_path):
    for _ in range(2):
        assert run("compare", "honhos", *TINY)[0] == 0
    assert (tmp_path / "results" / "compare" / "results.json").exists()
    assert (tmp_path / "results" / "compare-2" / "results.json").exists()


def test_unwritable_folder_is_found_before_the_work(run, tmp_path):
    (tmp_path / "file").write_text("")
    exit_2(run("compare", *TINY, "--out", "file/res"), "cannot write", "file")
    exit_2(run("simulate", "henhes", "--input", "wind_greensboro", "--out", "file"), "cannot write", "file")


def test_simulate_on_real_wind(run, tmp_path):
    words = ["simulate", "henhes", "--input", "wind_greensboro", "--samples", "300", "--n", "100", "--out", "wind"]
    code, out, _ = run(*words)
    assert code == 0 and "E: " in out and "Hz" in out and "raster.png" in out
    rec = hr.load_recording(tmp_path / "wind" / "recording")
    assert rec.samples == 300 and rec.n == 100 and rec.spike_times.size > 0
    assert (tmp_path / "wind" / "raster.png").read_bytes().startswith(b"\x89PNG")
    exit_2(run(*words), "exists already")


def test_simulate_takes_as_many_channels_as_the_file_has(run, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "two.npy", rng.random((50, 2)))
    code, _, _ = run("simulate", "honhos", "--input", "two.npy", "--n", "50", "--out", "two", "--backend", "numpy")
    assert code == 0


def test_simulate_says_what_drives_the_network(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{0.1 * k:.2f},day {k},{a:.3f},{b:.3f}" for k, (a, b) in enumerate(rng.normal(size=(50, 2)))]
    (tmp_path / "mine.csv").write_text("\n".join(["time,date,sine,ar1", *rows]))
    code, out, _ = run("simulate", "honhos", "-i", "mine.csv", "--n", "50", "--out", "a", "--scale", "zscore")
    assert code == 0
    assert "input: 2 channels sine, ar1 of mine.csv (left out: time, evenly spaced; date, text)\n" in out
    assert "input.channels set to 2, as the series has them; honhos has 1\n" in out
    assert hr.load_recording(tmp_path / "a" / "recording").provenance["stimulus"] == {
        "source": "mine.csv",
        "sha256": hashlib.sha256((tmp_path / "mine.csv").read_bytes()).hexdigest(),
        "columns": ["sine", "ar1"],
        "scale": "zscore",
    }
    code, out, _ = run("simulate", "honhos", "-i", "mine.csv", "--n", "50", "--out", "b", "--column", "time")
    assert code == 0 and "input: 1 channel time of mine.csv\n" in out and "input.channels" not in out


def test_simulate_refuses_nan(run, tmp_path):
    np.save(tmp_path / "bad.npy", np.array([0.1, np.nan, 0.3]))
    exit_2(run("simulate", "honhos", "--input", "bad.npy"), "nan")


@pytest.mark.slow
def test_interrupt_ends_quietly(tmp_path):
    words = [sys.executable, "-m", "hetero_rsnn.cli", "compare", "--seeds", "500", "--out", str(tmp_path / "res")]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
    time.sleep(8)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [0, 1, 2]), ("100-102", [100, 101, 102]), ("1,5,8", [1, 5, 8]), ("7,", [7])]
)
def test_seeds(text, seeds):
    assert cli_common.parse_seeds(text) == seeds
    assert cli_common.parse_seeds(cli_common.seeds_text(seeds)) == seeds


@pytest.mark.parametrize("text", ["", "a", "-3", "1,1", "3-1", "1-2-3", "0", "1.5"])
def test_seeds_exit_2(text):
    with pytest.raises(HeteroError, match="--seeds"):
        cli_common.parse_seeds(text)


def test_overrides_read_toml_or_text():
    assert cli_common.parse_overrides(["a.b=0.5", "c=20 ms", "d = {x = 1}", "e=true"]) == {
        "a.b": 0.5,
        "c": "20 ms",
        "d": {"x": 1},
        "e": True,
    }


def walked(command, path=()):
    """Every command with the words that lead there."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walked(below, (*path, name))


def test_every_command_has_examples_that_parse_and_a_short_help():
    top = typer.main.get_command(app)
    for path, command in walked(top):
        lines = [line.strip() for line in command.epilog.splitlines()[2:]]
        assert lines and all(line.startswith("hetero-rsnn ") and len(line) <= 76 for line in lines), path
        assert any(line.split()[1 : 1 + len(path)] == list(path) for line in lines), path
        for line in lines:
            if "COMMAND" in line:
                continue
            words = shlex.split(line.split(" > ")[0])[1:]
            below = top
            while words and hasattr(below, "commands"):
                if words[0] not in below.commands:
                    words = ["show", *words]
                below = below.commands[words.pop(0)]
            below.make_context(" ".join(path), words, resilient_parsing=hasattr(below, "commands"))


def test_summaries_fit_into_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for path in ([], ["networks"], ["data"], ["spaces"]):
        code, out, _ = run(*path, "-h")
        listed = out[out.index("Commands:" if path else "Simulate:") :]
        assert code == 0 and "..." not in listed and max(map(len, out.splitlines())) <= 80


def test_python_m_hetero_rsnn(tmp_path):
    call = [sys.executable, "-m", "hetero_rsnn", "--version"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"hetero-rsnn {hr.__version__}\n"


def test_a_name_alone_is_shown(run):
    for group, name in (("networks", "henhes"), ("spaces", "quick"), ("data", "japanese_vowels")):
        assert run(group, name) == run(group, "show", name)
        assert run(group, name)[0] == 0
    code, out, _ = run("spaces")
    assert code == 0 and set(hr.list_spaces()) <= {line.split(" ")[0] for line in out.splitlines()}
    code, _, err = run("spaces", "papr")
    assert code == 2 and "did you mean 'paper'" in err


@pytest.mark.parametrize(("words", "found"), [("compare hen", {"henhes", "henhos"}), ("search q", {"quick"})])
def test_a_shell_completes_names(tmp_path, words, found):
    env = {
        **os.environ,
        "_HETERO_RSNN_COMPLETE": "complete_bash",
        "COMP_WORDS": f"hetero-rsnn {words}",
        "COMP_CWORD": "2",
    }
    code = "import sys; sys.argv[0] = 'hetero-rsnn'; from hetero_rsnn.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert found <= set(done.stdout.split()) and "Traceback" not in done.stderr
