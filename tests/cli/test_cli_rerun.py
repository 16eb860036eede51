"""``hetero-rsnn rerun``: the same numbers from the same file, and a plain word where they are not."""

from __future__ import annotations

import json
import shlex

import pytest
from helpers import exit_2

TINY = ["--quick", "--n", "60", "--seeds", "2", "--workers", "1"]
TINY += ["--set", "protocol.samples=500", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
COMPARE = ["compare", "one.toml", "henhes", *TINY, "--baseline", "one"]


@pytest.fixture
def compared(run, tmp_path):
    """The path of a comparison, with everything that may be asked for beside it."""
    (tmp_path / "one.toml").write_text('extends = "henhes"\n')
    more = ["--out", "c", "--csv", "c.csv", "--latex", "c.tex", "--figure", "c.pdf", "--html", "c.html"]
    more += ["--journal", "c.jsonl"]
    assert run(*COMPARE, *more)[0] == 0
    return tmp_path / "c" / "results.json"


def change(path, **changes):
    """Rewrite values of a results file."""
    data = json.loads(path.read_text())
    for where, value in changes.items():
        place = data
        *parts, last = [int(part) if part.isdigit() else part for part in where.split("__")]
        for part in parts:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(json.dumps(data))


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_comparison_is_repeated_to_the_last_bit_and_nothing_is_written(run, tmp_path, compared):
    before = files(tmp_path)
    code, out, err = run("rerun", "c/results.json")
    assert code == 0, err
    first, second = out.splitlines()
    assert first == "versions: the same" and second.startswith("equal: all ") and second.endswith(" to the last bit")
    assert err.splitlines()[0].startswith("repeating: hetero-rsnn compare one.toml henhes --quick")
    assert files(tmp_path) == before


def test_differences_are_named(run, tmp_path, compared):
    data = json.loads(compared.read_text())
    value = data["networks"][0]["seeds"][1]["C"]
    change(compared, networks__0__seeds__1__C=value * 1.5, networks__0__seeds__1__S=None)
    change(compared, networks__0__versions__numpy="1.0", networks__0__seeds__0__seconds={"draw": 9})
    code, out, _ = run("rerun", "c/results.json")
    assert code == 1
    first, second = out.splitlines()
    assert first.startswith("versions differ: numpy 1.0 then, ")
    assert second.startswith("different: 1 of ") and "by 0.33 of its value networks[0].seeds[1].C" in second


def test_another_network_of_the_same_name_is_said(run, tmp_path, compared):
    (tmp_path / "one.toml").write_text('extends = "henhes"\n[populations.E.tau_m]\ncv = 0.9\n')
    code, out, _ = run("rerun", "c/results.json")
    assert code == 1 and "made from something else: networks[0].fingerprint was " in out and "different: " in out


def test_the_new_results_are_kept_where_told_and_can_be_repeated_again(run, tmp_path, compared):
    assert run("rerun", "c/results.json", "--out", "again", "--workers", "2")[0] == 0
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert shlex.split(again["command"])[1:3] == ["compare", "one.toml"]
    assert run("rerun", "again/results.json")[0] == 0
    exit_2(run("rerun", "c/results.json", "--out", "again"), "again exists already", "choose another --out")


def test_a_recording_is_repeated_spike_by_spike(run, tmp_path):
    words = ["simulate", "henhes", "-i", "wind_greensboro", "--samples", "30", "--n", "50", "--out", "s"]
    assert run(*words)[0] == 0
    before = files(tmp_path)
    code, out, _ = run("rerun", "s/recording.json")
    assert code == 0 and "equal: all" in out and files(tmp_path) == before
    exit_2(run("rerun", "s/recording.json", "--workers", "2"), "simulate runs one job", "--workers")
    change(tmp_path / "s" / "recording.json", provenance__stimulus__sha256="0" * 64)
    code, out, _ = run("rerun", "s/recording.json")
    assert code == 1 and "made from something else: provenance.stimulus.sha256" in out
    change(tmp_path / "s" / "recording.json", provenance__command=None)
    exit_2(run("rerun", "s/recording.json"), "holds no command", "hetero-rsnn simulate")


def test_a_task_of_an_older_file_is_repeated_and_its_data_taken_on_trust(run, tmp_path):
    words = ["forecast", "wind_greensboro", "henhes", "--quick", "--n", "40", "--workers", "1", "--out", "f"]
    assert run(*words)[0] == 0
    code, out, _ = run("rerun", "f/results.json")
    assert code == 0 and "note:" not in out
    change(tmp_path / "f" / "results.json", dataset__sha256=None)
    code, out, _ = run("rerun", "f/results.json")
    assert code == 0 and "holds no checksum of its data" in out


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("{", ["not valid JSON", "give a results.json"]),
        ("[]", ["no result of this program"]),
        ('{"format": 3}', ["and not of compare"]),
        ('{"format": "hetero_rsnn search"}', ["of format 'hetero_rsnn search'"]),
        ('{"format": "hetero_rsnn sweep"}', ["holds no command", "hetero-rsnn sweep"]),
        ('{"format": "hetero_rsnn sweep", "command": "rm -r x"}', ["none of sweep"]),
        ('{"format": "hetero_rsnn sweep", "command": "hetero-rsnn sweep \'"}', ["none of sweep"]),
        ('{"format": "hetero_rsnn task", "command": "hetero-rsnn rerun x"}', ["none of classify or forecast"]),
        ('{"format": "hetero_rsnn comparison", "command": "hetero-rsnn compare none.toml"}', ["none.toml"]),
    ],
)
def test_files_that_cannot_be_repeated(run, tmp_path, content, parts):
    (tmp_path / "r.json").write_text(content)
    code, out, err = run("rerun", "r.json")
    assert code == 2 and out == "" and "Traceback" not in err
    for part in parts:
        assert part in err.splitlines()[-1]
    exit_2(run("rerun", "none.json"), "none.json cannot be read")
