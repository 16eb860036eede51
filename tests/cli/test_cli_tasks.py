"""The commands classify and forecast: what they write, say and refuse."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec

import pytest
from helpers import exit_2


@pytest.mark.slow
def test_classify_writes_table_figure_and_results(run, tmp_path):
    words = ["classify", "japanese_vowels", "honhos", "henhes", "--quick", "--n", "40", "--early", "--out", "jv"]
    words += ["--workers", "1"]
    code, out, err = run(*words)
    assert code == 0, err
    assert "japanese_vowels: 200 training and 100 test samples" in out and "deciding early" in out
    data = json.loads((tmp_path / "jv" / "results.json").read_text())
    assert [r["network"] for r in data["rows"]] == ["honhos", "henhes"] and data["networks"]["henhes"]["n"] == 40
    assert 0.5 < data["rows"][0]["test"]["accuracy"] <= 1 and data["dataset"]["licence"] == "CC BY 4.0"
    assert (tmp_path / "jv" / "figure.png").stat().st_size > 10_000
    code, _, err = run(*words)
    assert code == 2 and "exists already" in err


@pytest.mark.slow
def test_forecast_prints_json(run, tmp_path):
    code, out, err = run("forecast", "wind_greensboro", "henhes", "--horizon", "3", "--quick", "--n", "40", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert data["rows"][0]["test"]["horizon"] == 3 and data["rows"][0]["test"]["lags"] == 48
    assert (tmp_path / "results" / "forecast" / "figure.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("command", "name"), [("classify", "japanese_vowels"), ("forecast", "wind_greensboro")])
def test_networks_that_are_trained_by_gradients(run, tmp_path, command, name):
    """The table and the results say so; epochs are told where networks are told to be done."""
    words = [command, name, "henhes", "--quick", "--n", "40", "--train", "gradient", "--target-rate", "5"]
    code, out, err = run(*words, "--workers", "1", "--out", "out")
    assert code == 0, err
    what = {"classify": "labels", "forecast": "targets"}[command]
    assert f"trained on {what} by gradients" in " ".join(out.split())
    recipe = json.loads((tmp_path / "out" / "results.json").read_text())["recipe"]
    assert (recipe["train"], recipe["target_rate"]) == ("gradient", 5.0)
    lines = err.splitlines()
    assert lines[-1] == f"{command} {name}: 1 of 1"
    told = [line for line in lines if "henhes, seed 0, epoch " in line]
    assert len(told) >= 10 and told[0].startswith(f"{command} {name}: 0 of 1, henhes, seed 0, epoch 1: loss")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["forecast", "wind_greensboro", "--train", "adam"], ["--train", "adam", "gradient"]),
        (["forecast", "wind_greensboro", "--target-rate", "5"], ["--target-rate is for --train gradient"]),
        (["classify", "japanese_vowels", "--target-rate", "5"], ["--target-rate is for --train gradient"]),
        (
            ["forecast", "wind_greensboro", "--train", "gradient", "--target-rate", "-5"],
            ["target_rate must be", "-5"],
        ),
        (["classify", "japanese_vowel"], ["japanese_vowels"]),
        (["classify", "lorenz63"], ["hetero-rsnn forecast lorenz63"]),
        (["forecast", "japanese_vowels"], ["hetero-rsnn classify japanese_vowels"]),
        (["forecast", "wind_greensboro", "--horizon", "0"], ["horizon", "0"]),
        (["forecast", "wind_greensboro", "--horizon", "2000"], ["2000", "got"]),
        (["forecast", "wind_greensboro", "--closed-loop"], ["wind_greensboro", "lorenz63"]),
        (["classify", "japanese_vowels", "--leave-out"], ["no groups"]),
        (["classify", "japanese_vowels", "henhe"], ["henhes"]),
        (["classify", "japanese_vowels", "--seeds", "0"], ["--seeds"]),
        (["classify", "free_spoken_digits", "--data-dir", "nowhere"], ["hetero-rsnn data fetch free_spoken_digits"]),
        (["classify", "japanese_vowels", "--backend", "slow"], ["unknown backend"]),
    ],
)
def test_mistakes_end_in_one_line(run, words, expected):
    code, _, err = run(*words)
    assert code == 2 and err.count("\n") == 1 and "Traceback" not in err
    for text in expected:
        assert text in err


def test_minirocket_is_refused_in_one_line_where_it_is_not_installed(run):
    if find_spec("aeon") or find_spec("sktime"):
        pytest.skip("it is installed")
    code, _, err = run("classify", "japanese_vowels", "henhes", "--quick", "--minirocket", "--out", "x")
    said = 'error: MiniRocket needs aeon or sktime, got neither installed: pip install "hetero-rsnn[rocket]"\n'
    assert (code, err) == (2, said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "columns", "heading"),
    [
        (["classify", "japanese_vowels", "honhos", "henhes"], {"accuracy", "accuracy_low", "linear", "nu"}, "accuracy"),
        (["forecast", "wind_greensboro", "honhos", "henhes"], {"nrmse", "nrmse_high", "skill", "linear"}, "NRMSE"),
    ],
)
def test_tables_and_the_figure_go_to_files_that_are_named(run, tmp_path, words, columns, heading):
    files = ["--figure", "f.svg", "--csv", "t.csv", "--latex", "t.tex", "--html", "p.html"]
    code, out, err = run(*words, "--quick", "--n", "40", "--seeds", "2", "--workers", "1", "--out", "out", *files)
    assert code == 0, err
    assert out.endswith("wrote results.json to out\nwrote f.svg, t.csv, t.tex, p.html\n")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert page.count("<tr data-row=") == 4 and "--latex t.tex --html p.html" in page and "HeNHeS, seed 1" in page
    assert not (tmp_path / "out" / "figure.png").exists() and (tmp_path / "f.svg").read_bytes().startswith(b"<?xml")
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == ["honhos", "henhes"] and columns <= set(rows[0])
    data = json.loads((tmp_path / "out" / "results.json").read_text())
    name = "accuracy" if heading == "accuracy" else "nrmse"
    own = [row["test"][name] for row in data["rows"] if row["network"] == "henhes"]
    assert float(rows[1][name]) == pytest.approx(sum(own) / 2, rel=1e-12) and rows[1]["seeds"] == "2"
    text = (tmp_path / "t.tex").read_text()
    assert f"network & {heading} &" in text and "HeNHeS & " in text and "\\end{tabular}" in text
    assert len(data["dataset"]["sha256"]) == 64


@pytest.mark.parametrize("command", [["classify", "japanese_vowels"], ["forecast", "wind_greensboro"]])
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--figure", "f.gif"], ["--figure must name a file that ends in .pdf or .png or .svg", "f.gif"]),
        (["--csv", "there.csv"], ["there.csv exists already", "--csv"]),
        (["--latex", "t.txt"], ["--latex", ".tex"]),
        (["--html", "p.htm"], ["--html must name a file that ends in .html, got 'p.htm': rename it"]),
        (["--html", "there.html"], ["there.html exists already: choose another --html, or add --overwrite"]),
        (["--dask", "nonsense"], ["the address of a Dask scheduler must be like tcp://host:8786, got 'nonsense'"]),
    ],
)
def test_files_and_clusters_that_cannot_be_are_refused(run, tmp_path, command, words, parts):
    for name in ("there.csv", "there.html"):
        (tmp_path / name).write_text("mine")
    exit_2(run(*command, "henhes", "--quick", "--out", "out", *words), *parts)
    assert (tmp_path / "there.csv").read_text() == "mine" and not (tmp_path / "out").exists()
