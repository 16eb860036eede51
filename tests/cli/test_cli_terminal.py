"""What commands write to a terminal or a pipe: any encoding, nothing that steers it, warnings and Ctrl-C in a line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
import warnings

import numpy as np
import pytest
import tomli_w
from helpers import exit_2
from searches import write_search

import hetero_rsnn as hr
from hetero_rsnn import cli
from hetero_rsnn.cli.networks import _escaped
from hetero_rsnn.cli.options import any_encoding, by_line, say
from hetero_rsnn.common.text import printable
from hetero_rsnn.jobs.progress import print_warning, progress_bar
from hetero_rsnn.simulation.fast import compile_kernels

TINY = ["--quick", "--n", "60", "--seeds", "2", "--workers", "1"]
TINY += ["--set", "protocol.samples=500", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
WIND = ["simulate", "henhes", "--input", "wind_greensboro", "--samples", "60", "--n", "40"]
#: What would clear the screen, write backwards, end a line or hide; in a name of a file, and in other text.
EVIL, SHOWN = "a\x1b[2J\u202eb\x9b", "a\\x1b[2J\\u202eb\\x9b"


@pytest.fixture(autouse=True, scope="module")
def compiled():
    """Compiled before, since the line that says so would stand among what these tests look at."""
    compile_kernels()


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Call the command line with streams of an encoding; return exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(encoding: str, *words: str) -> tuple[int, str, str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding, newline="\n") for _ in range(2))
        err.reconfigure(errors="backslashreplace")  # as Python opens it
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "argv", ["hetero-rsnn", *words])
            try:
                cli.main()
                code = 0
            except SystemExit as stop:
                code = int(stop.code or 0)
        assert (out.errors, err.errors) == ("strict", "backslashreplace")  # as they were
        for stream in (out, err):
            stream.flush()
        return code, *(stream.buffer.getvalue().decode(encoding) for stream in (out, err))

    return call


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-16", "cp437"])
@pytest.mark.parametrize(
    "words",
    [
        ["networks"],
        ["networks", "show", "henhes"],
        ["networks", "show", "henhes", "--toml"],
        ["data"],
        ["data", "show", "japanese_vowels"],
        ["show", "j.jsonl", "--no-figures"],
        ["--help"],
        ["compare", "--help"],
    ],
    ids=" ".join,
)
def test_every_command_writes_in_any_encoding(written, tmp_path, encoding, words):
    if words[0] == "show":
        write_search(tmp_path / "j.jsonl", trials=4, space="homogeneous")
    code, out, err = written(encoding, *words)
    assert (code, err) == (0, "")
    plain = written("utf-8", *words)[1]
    if encoding == "utf-16":
        assert out == plain
    else:  # no character but those that the encoding lacks is another
        likeness = {"±": "+/-", "Δ": "d", "µ": "u", "—": "-", "–": "-", "ν": "nu", "ö": "o"}
        boxes = str.maketrans("─", "-")
        for sign, text in likeness.items():
            plain = plain.replace(sign, sign if _has(encoding, sign) else text)
        assert _bare(out.translate(boxes)) == _bare(plain.translate(boxes))


def _has(encoding: str, sign: str) -> bool:
    try:
        return bool(sign.encode(encoding))
    except UnicodeEncodeError:
        return False


def _bare(text: str) -> list[str]:
    """The words of a text: tables are as wide as their lines, which other signs may draw."""
    return [word for word in text.replace("|", " ").split() if word.strip("+-")]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-16"])
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (WIND, ["E: ", "wrote out/recording.npz"]),
        (["compare", *TINY], ["HeNHeS - HeNHoS", "wrote results.json and figure.png to out"]),
        (["classify", "japanese_vowels", "honhos", "--quick", "--n", "30"], ["beats|above|below|level|worse|no clear"]),
        (["forecast", "wind_greensboro", "honhos", "--quick", "--n", "30"], ["wrote results.json"]),
    ],
    ids=lambda words: words[0],
)
def test_figures_do_not_depend_on_the_encoding(written, tmp_path, encoding, words, parts):
    code, out, err = written(encoding, *words, "--out", "out")
    assert code == 0 and "Traceback" not in err
    for part in parts:
        assert any(p in out for p in part.split("|")), out
    assert sum(p.read_bytes().startswith(b"\x89PNG") for p in (tmp_path / "out").glob("*.png")) == 1


def program(*words: str, folder: object, code: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    start = ["-c", code] if code else ["-m", "hetero_rsnn.cli"]
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, *start, *words], cwd=str(folder), env=env, capture_output=True, timeout=120)


def test_neither_encoding_nor_a_backend_of_matplotlib_that_is_not_there_keeps_from_a_figure(tmp_path):
    done = program(*WIND, "--out", "out", folder=tmp_path, PYTHONIOENCODING="cp1252", MPLBACKEND="bogus")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"wrote out" in done.stdout and (tmp_path / "out" / "raster.png").read_bytes().startswith(b"\x89PNG")


def test_a_sign_that_an_encoding_lacks_has_a_likeness(capfd, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    with any_encoding():
        say("5 ± 1 µs, ΔC ≥ é, 速")
    assert stream.buffer.getvalue() == b"5 +/- 1 us, dC >= e, \\u901f\n" and stream.errors == "strict"


# What others wrote.


def harmless(text: str) -> bool:
    return not any(c in text for c in "\x1b\u202e\x9b\x07\r")


def evil_network(tmp_path) -> str:
    text = json.dumps("x\x1b[2J \u202ey\x9b")[1:-1]  # both JSON and TOML
    (tmp_path / "evil.toml").write_text(
        f'extends = "henhes"\nname = "evil"\ndescription = "{text}"\nn = 40\n', encoding="utf-8"
    )
    return "evil.toml"


def test_names_and_descriptions_of_networks_are_written_out(run, tmp_path):
    evil = evil_network(tmp_path)
    code, out, err = run("networks", "show", evil)
    assert code == 0 and harmless(out + err) and "x\\x1b[2J \\u202ey\\x9b" in out.splitlines()[0]
    code, out, err = run("networks", "show", evil, "--toml")
    (tmp_path / "again.toml").write_text(out, encoding="utf-8")
    assert code == 0 and harmless(out) and hr.load_network(tmp_path / "again.toml").n == 40
    exit_2(run("networks", "show", f"{EVIL}.toml"), SHOWN)
    code, out, err = run("compare", evil, "--out", f"r{EVIL}", *TINY)
    assert code == 0 and harmless(out + err) and f"figure.png to r{SHOWN}\n" in out


def test_toml_with_characters_that_nobody_sees_says_the_same():
    data = {"k\u202e": "a\x9b\u2028\tb\nc \\ d \x1b \U000e0001", "速度": "µ"}
    text = _escaped(tomli_w.dumps(data, multiline_strings=True))
    assert tomllib.loads(text) == data and "速度" in text
    assert all(c in "\n\t" or c == printable(c) for c in text)


def test_files_and_columns_are_written_out(run, tmp_path):
    rows = [f"{a:.3f},{b:.3f},x" for a, b in np.random.default_rng(0).normal(size=(40, 2))]
    (tmp_path / f"{EVIL}.csv").write_text("\n".join([f"one{EVIL},$two,three{EVIL}", *rows]), encoding="utf-8")
    code, out, err = run("simulate", "honhos", "-i", f"{EVIL}.csv", "--n", "40", "--out", f"o{EVIL}")
    assert code == 0 and harmless(out + err), err
    assert f"input: 2 channels one{SHOWN}, $two of {SHOWN}.csv (left out: three{SHOWN}, text)\n" in out
    assert f"wrote o{SHOWN}" in out
    exit_2(run("simulate", "honhos", "-i", f"{EVIL}.csv", "--column", f"no{EVIL}"), f"no{SHOWN}")


def test_paths_of_data_sets_are_written_out(run):
    code, out, err = run("data", "--data-dir", f"none{EVIL}")
    assert code == 0 and harmless(out + err) and f"--data-dir 'none{SHOWN}'" in out


def test_a_search_writes_out_what_others_wrote(run, tmp_path):
    words = ["search", "quick", "--set", "n=60", "--set", "protocol.samples=600", "--set", "protocol.train=1 s"]
    words += ["--set", "protocol.d_max=10", "--budget", "3", "--initial", "2", "--seeds", "2", "--remeasure", "0"]
    words += ["--c-min", "0", "--rate", "0", "1000", "--workers", "1", "--journal", f"j{EVIL}"]
    code, out, err = run(*words)
    assert code == 0 and harmless(out + err), err
    assert f"hetero-rsnn show 'j{SHOWN}'\n" in out
    code, out, err = run(*words, "--resume")
    assert code == 0 and harmless(out + err) and f"resumed j{SHOWN}: 3 of 3 trials kept\n" in err


def test_lines_stay_lines():
    assert by_line("a\n\tb\x1b\nc\u2028d") == "a\n    b\\x1b\nc\\u2028d"


# Warnings and errors.


def doubtful(folder):
    """A file whose first row may be names or a sample."""
    rows = np.random.default_rng(0).normal(size=(40, 2))
    (folder / "x.csv").write_text("\n".join(["0,1", *(f"{a:.3f},{b:.3f}" for a, b in rows)]), encoding="utf-8")
    (folder / "y.csv").write_text("\n".join(["v,w", *(f"{a:.3f},{b:.0f}%" for a, b in rows)]), encoding="utf-8")


def test_a_warning_is_one_plain_line(run, tmp_path):
    doubtful(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        code, _, err = run("simulate", "honhos", "-i", "y.csv", "--n", "40", "--out", "a")
        assert warnings.showwarning is not print_warning  # put back
    assert code == 0 and err.count("\n") == 1 and err.startswith("warning: y.csv: ") and ".py" not in err, err
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exit_2(run("simulate", "honhos", "-i", "y.csv", "--n", "40", "--out", "b"), "error: y.csv: ")


def test_colours_of_a_warning_are_left_away(capsys):
    print_warning("\x1b[33mWARN: old\x1b[0m \x1b]0;title", UserWarning, "x.py", 1)  # as gymnasium writes it, and worse
    assert capsys.readouterr().err == "warning: WARN: old \\x1b]0;title\n"


def test_warnings_of_worker_processes_are_plain_too(tmp_path):
    (tmp_path / "warner.py").write_text(
        "import warnings\nfrom hetero_rsnn.cli.options import plain_warnings\n"
        "from hetero_rsnn.jobs.running import run_jobs\n"
        "from hetero_rsnn.jobs.executors import make_runner\n"
        "def job(x):\n    warnings.warn('odd \\x1b', UserWarning)\n    return x\n"
        "if __name__ == '__main__':\n"
        "    with plain_warnings():\n"
        "        run_jobs(job, [1, 2], workers=2)\n"
        "        with make_runner(2) as runner:\n            list(runner.run(job, [1]))\n"
    )
    done = subprocess.run([sys.executable, "warner.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert set(done.stderr.splitlines()) == {"warning: odd \\x1b"} and done.returncode == 0


def test_the_header_of_a_file_can_be_said(run, tmp_path):
    doubtful(tmp_path)
    words = ["simulate", "honhos", "-i", "x.csv", "--n", "40"]
    code, out, err = run(*words, "--no-header", "--out", "a")
    assert code == 0 and ": 40 neurons, 41 samples of" in out and err == ""
    code, out, err = run(*words, "--header", "--out", "b")
    assert code == 0 and "40 samples of" in out and "2 channels 0, 1 of x.csv" in out and err == ""


def test_nothing_warns_of_networks_that_are_silent_or_of_letters_that_a_font_lacks(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=40)
    (tmp_path / "x.csv").write_text("\n".join(["速度$", *(f"{a:.3f}" for a in rows)]), encoding="utf-8")
    silent = ["--set", "I_bias=0", "--set", "input.weight=0"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code, out, err = run("simulate", "honhos", "-i", "x.csv", "--n", "40", "--out", "s", *silent)
        assert (code, err) == (0, "") and "0.00 Hz, from 0.00 to 0.00, 100.0% silent" in out
        code, out, err = run("compare", "honhos", "henhes", *TINY, *silent, "--out", "c")
    assert code == 0 and err == "".join(f"measuring: {k} of 4\n" for k in range(1, 5))


def test_an_efficiency_that_is_undefined_has_its_reason(run, tmp_path):
    words = ["compare", "honhos", "henhos", *TINY, "--set", "honhos:I_bias=0", "--set", "honhos:input.weight=0"]
    code, out, _ = run(*words, "--out", "c")
    why = "S = 0 is below 0.01 spikes a sample"
    assert code == 0 and out.count(f"undefined: {why}") == 1
    data = json.loads((tmp_path / "c" / "results.json").read_text())
    silent, other = data["networks"]
    assert silent["summary"]["E"]["mean"] is None and other["summary"]["E"]["mean"] > 0
    assert silent["summary"]["E"]["reason"] == f"2 of 2 seeds have none; seed 0: {why}"
    assert other["summary"]["E"]["reason"] == "" and [r["reason"] for r in silent["seeds"]] == [why, why]
    assert data["differences"][0]["E"]["reason"] == f"honhos: 2 of 2 seeds have none; seed 0: {why}"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["compare", "--out", ""], "the word after --out is empty"),
        (["compare", "--out="], "--out is given an empty text: give it a value, or leave it out"),
        (["simulate", "henhes", "-i", "wind_greensboro", "-o", " "], "the word after -o is empty"),
        (["classify", "japanese_vowels", "--out", ""], "the word after --out is empty"),
        (["show", ""], "the word after show is empty"),
        (["search", "quick", "--journal", ""], "the word after --journal is empty"),
        ([""], "the first word is empty: name a command"),
    ],
)
def test_empty_words_are_refused(run, tmp_path, words, part):
    exit_2(run(*words), part)
    assert not list(tmp_path.iterdir())


def test_progress_where_there_is_no_terminal(capsys):
    with progress_bar("measuring \x1b", 3) as progress:
        for k in range(3):
            progress(k + 1, 3)
    assert capsys.readouterr().err.splitlines() == [f"measuring \\x1b: {k} of 3" for k in (1, 2, 3)]
    with progress_bar("many", 1000) as progress:
        for k in range(1000):
            progress(k + 1, 1000)
    assert capsys.readouterr().err.splitlines() == [f"many: {k} of 1000" for k in range(50, 1001, 50)]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["classify", "japanese_vowels"], ["forecast", "wind_greensboro"]], ids=" ".join)
def test_tasks_say_how_far_they_are(run, words):
    code, _, err = run(*words, "honhos", "henhes", "--quick", "--n", "30", "--workers", "1")
    assert code == 0 and [s for s in err.splitlines() if " of " in s][-1] == f"{' '.join(words)}: 2 of 2"


INTERRUPTED = """
import os, runpy, signal, sys
module, *words = sys.argv[1:]
sys.argv = ["hetero-rsnn", *words]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("hetero_rsnn.cli", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
@pytest.mark.parametrize("module", ["typer", "scipy.stats", *(pytest.param(m, marks=pytest.mark.slow) for m in (
    "numpy", "numba", "llvmlite.ir", "matplotlib.figure"))])  # fmt: skip
def test_ctrl_c_while_modules_are_imported(tmp_path, module):
    done = program(module, "compare", *TINY, folder=tmp_path, code=INTERRUPTED)
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr in (
        b"interrupted\n",
        b"interrupted; nothing had begun\n",
    )  # before its journal, or where that begins


JIT = """
import sys
import hetero_rsnn as hr
from hetero_rsnn import cli
from hetero_rsnn.cli.networks import _escaped
WHY = ("backend='fast' is compiled by numba, which NUMBA_DISABLE_JIT=1 forbids: unset it, or use backend='numpy', "
       "which gives the same spikes")
def door(call):
    try:
        call()
    except hr.HeteroError as error:
        assert WHY in str(error), error
    else:
        raise SystemExit("taken")
if __name__ == "__main__":
    net = hr.load_network("henhes", n=40, **{"protocol.samples": 300, "protocol.d_max": 5})
    drawn, u = hr.draw(net, 1), hr.uniform_stimulus(20, "10 ms", seed=2)
    door(lambda: hr.simulate(drawn, u))
    door(lambda: hr.simulate(drawn, u, precision="single"))
    door(lambda: hr.simulate_many(drawn, [u, u], workers=2))
    door(lambda: hr.measure(net, [1, 2], workers=2))
    door(lambda: hr.compare([net], [1]))
    door(lambda: hr.HRSNNFeatures(net).fit_transform([[[0.1]] * 30] * 3))
    assert hr.simulate(drawn, u, backend="numpy").spike_times.size > 0
    for words in sys.argv[1:]:
        sys.argv = ["hetero-rsnn", *words.split()]
        try:
            cli.main()
        except SystemExit as stop:
            assert stop.code == 2
"""


def test_without_compilation_the_numpy_backend_is_named(tmp_path):
    words = ["compare honhos --quick --seeds 1 --out c", "simulate henhes -i wind_greensboro --samples 20 --out s"]
    words += ["search quick --workers 1 --journal j"]
    done = program(*words, folder=tmp_path, code=JIT, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr.decode()
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("error: ")]
    assert len(said) == 3 and all(line.endswith("or use backend='numpy', which gives the same spikes") for line in said)
    assert not (tmp_path / "j").exists()
    assert "Traceback" not in done.stderr.decode()
