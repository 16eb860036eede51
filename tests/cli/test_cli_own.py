"""Data of one's own on the command line: classify, forecast, models that are kept, predict."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import exit_2

import hetero_rsnn as hr
from hetero_rsnn.cli.scoring import Scored
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.jobs.parallel import cores

#: A run of some seconds.
SMALL = ["henhes", "--n", "40", "--seeds", "1", "--workers", "1"]


def table(folder: Path) -> hr.Dataset:
    """Every tenth utterance of a shipped data set as a table, a row a frame."""
    data = hr.load_dataset("japanese_vowels")
    lines = ["utterance,speaker,part," + ",".join(data.channels)]
    for k in range(0, len(data), 10):
        part = "test" if k in data.test else "train"
        for frame in data.X[k]:
            lines.append(f"u{k},s{data.y[k]},{part}," + ",".join(map(repr, frame.tolist())))
    (folder / "vowels.csv").write_text("\n".join(lines))
    return data


def weather(folder: Path, rows: int = 400) -> None:
    start, rng = np.datetime64("2021-01-01T00:00"), np.random.default_rng(0)
    noise = rng.normal(0, 0.2, rows)
    lines = [f"{start + np.timedelta64(k, 'h')},{float(np.sin(k / 4) + noise[k])!r},{k % 5}.0" for k in range(rows)]
    (folder / "weather.csv").write_text("\n".join(["when,wind,rain", *lines]))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_is_classified_kept_and_asked_again(run, tmp_path):
    """The kept model decides about the test part as well as the table says."""
    table(tmp_path)
    words = ["--label", "speaker", "--sample", "utterance", "--split", "part", "--save", "model.json", "--out", "o"]
    code, out, err = run("classify", "vowels.csv", *SMALL, *words)
    assert code == 0, err
    assert "vowels.csv: 27 training and 37 test samples, 1 seed, 40 neurons" in out and "linear on mean" in out
    found = json.loads((tmp_path / "o" / "results.json").read_text())
    accuracy = found["rows"][0]["test"]["accuracy"]
    assert f"saved henhes, seed 0, accuracy {accuracy:.4f} on the test part: model.json\n" in out
    assert out.endswith("new data: hetero-rsnn predict model.json DATA\n")
    assert found["dataset"]["notes"] == "split as the file says" and found["dataset"]["test"] == 37

    code, out, err = run("predict", "model.json", "vowels.csv", "--out", "p.csv")
    assert code == 0 and re.match(r"64 samples, by label: \w+ \(\d+\), ", out) and "wrote p.csv" in out, err
    rows, truth = (
        read(tmp_path / "p.csv"),
        hr.labelled_dataset(tmp_path / "vowels.csv", label="speaker", sample="utterance", split="part"),
    )
    right = [rows[k]["label"] == truth.classes[truth.y[k]] for k in truth.test]
    assert np.mean(right) == accuracy
    scores = [{k: float(v) for k, v in row.items() if k.startswith("score ")} for row in rows]
    assert all("score " + row["label"] == max(s, key=s.__getitem__) for row, s in zip(rows, scores, strict=True))
    model = hr.load_model(tmp_path / "model.json")
    assert model.predict(truth.X).tolist() == [row["label"] for row in rows]
    code, _, err = run("predict", "model.json", "vowels.csv", "--out", "p.csv")
    assert code == 2 and "p.csv exists already: choose another --out, or add --overwrite" in err


def test_a_table_without_the_column_of_samples_is_one_series(run, tmp_path):
    table(tmp_path)
    run("classify", "vowels.csv", *SMALL, "--label", "speaker", "--sample", "utterance", "--save", "m.json")
    lines = (tmp_path / "vowels.csv").read_text().splitlines()
    one = [line.split(",", 3)[3] for line in lines if line.startswith(("utterance", "u0,"))]
    (tmp_path / "new.csv").write_text("\n".join(one))
    assert run("predict", "m.json", "vowels.csv", "--out", "all.csv")[0] == 0
    assert run("predict", "m.json", "new.csv", "--out", "one.csv")[0] == 0
    first, alone = read(tmp_path / "all.csv")[0], read(tmp_path / "one.csv")
    assert len(alone) == 1 and alone[0]["sample"] == "new.csv" and alone[0]["label"] == first["label"]
    pairs = [(float(alone[0][name]), float(first[name])) for name in first if name.startswith("score ")]
    assert len(pairs) == 9 and all(a == pytest.approx(b, abs=1e-12) for a, b in pairs)


def test_a_series_is_forecast_kept_and_asked_again(run, tmp_path):
    weather(tmp_path)
    words = ["--column", "wind", "--horizon", "3", "--save", "model.json", "--out", "o"]
    code, out, err = run("forecast", "weather.csv", *SMALL, *words)
    assert code == 0, err
    assert "weather.csv, 3 samples ahead: 47 forecasts of 1 test series" in out and "persistence: NRMSE" in out
    error = json.loads((tmp_path / "o" / "results.json").read_text())["rows"][0]["test"]["nrmse"]
    assert f"saved henhes, seed 0, NRMSE {error:.4f} on the test part: model.json" in out
    code, out, err = run("predict", "model.json", "weather.csv")
    assert code == 0 and "350 forecasts 3 rows ahead of 1 series, the last 3 of each series beyond its end" in out, err
    rows = read(tmp_path / "predictions.csv")
    assert rows[0]["row"] == "53" and rows[0]["from_row"] == "50" and rows[-1]["row"] == "402"
    data = hr.series_dataset(tmp_path / "weather.csv", column="wind")
    model = hr.load_model(tmp_path / "model.json")
    assert model.report([data.X[1]]).nrmse == error
    whole = model.predict([np.concatenate(data.X)])[0]
    assert [float(row["wind"]) for row in rows] == whole[50:, 0].tolist()


MISTAKES = [
    (["classify", "vowels.csv", *SMALL], ["no column of labels", "utterance, speaker", "name it with --label"]),
    (["classify", "vowels.csv", "--label", "speaker", "--column", "x"], ["line 2, column 'speaker'", "empty"]),
    (["classify", "nowhere.csv"], ["nowhere.csv: no such file"]),
    (["classify", "japanese_vowels", "--label", "speaker"], ["--label", "for data of your own"]),
    (["classify", "vowels.csv", "--data-dir", "x"], ["--data-dir is for downloads"]),
    (["classify", "vowels.csv", "--save", "m.json"], ["--save keeps one network", "none named"]),
    (["classify", "vowels.csv", "honhos", "henhes", "--save", "m.json"], ["--save keeps one network", "2 networks"]),
    (["classify", "vowels.csv", "henhes", "--save", "m.pkl"], ["NAME.json", "m.pkl"]),
    (["classify", "vowels.csv", "henhes", "--save", "vowels.json"], ["vowels.json exists already", "--save"]),
    (["classify", "vowels.csv", "henhes", "--save", "m.json", "--train", "gradient"], ["--save keeps networks that"]),
    (["forecast", "gap.csv"], ["line 4, column 'when'", "2 h", "fill the gap, or add --uneven"]),
    (["forecast", "gap.csv", "--column", "wnd"], ["did you mean 'wind'"]),
    (["forecast", "gap.csv", "--uneven", "--test-share", "2"], ["test_share", "2"]),
    (["predict", "vowels.json", "vowels.csv"], ["vowels.json is no saved model"]),
    (["predict", "nowhere.json", "vowels.csv"], ["nowhere.json does not exist"]),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES)
def test_mistakes_end_in_one_line(run, tmp_path, words, expected):
    (tmp_path / "vowels.csv").write_text("utterance,speaker,x\na,,1\nb,two,2\n")
    (tmp_path / "vowels.json").write_text("{}")
    (tmp_path / "gap.csv").write_text(
        "when,wind\n2021-01-01T00:00,1\n2021-01-01T01:00,2\n2021-01-01T03:00,1\n2021-01-01T04:00,1\n"
    )
    code, _, err = run(*words)
    assert code == 2 and err.count("\n") == 1 and "Traceback" not in err, err
    for text in expected:
        assert text in err


def flowers(folder: Path, changed: bool = False) -> None:
    rng = np.random.default_rng(1)
    rows = [f"{k % 2 + rng.normal(0, 0.5):.3f},{rng.normal():.3f},{'ab'[k % 2]}" for k in range(32)]
    if changed:
        rows[-1] = "9.000,9.000,b"
    (folder / "flowers.csv").write_text("\n".join(["length,width,label", *rows]))


@pytest.mark.slow
def test_a_search_of_a_task_says_what_the_winner_does_on_the_rest_and_knows_its_data(run, tmp_path):
    flowers(tmp_path)
    words = ["search", "quick", "--task", "flowers.csv", "--set", "n=20", "--journal", "j.jsonl", "--workers", "1"]
    short = ["--budget", "3", "--initial", "3", "--seeds", "1", "--remeasure", "1", "--folds", "2"]
    short += ["--c-min", "0.5"]
    code, out, err = run(*words, *short, "--objective", "accuracy_per_spike")
    assert code == 0, err
    assert "C is the accuracy on flowers.csv, cross-validated in 2 folds of its training part" in out
    assert "held-out part of flowers.csv, which no trial has seen (8 samples), 2 fresh seeds" in out
    for text in ("best, trial ", "homogeneous ", "difference, paired", "linear model"):
        assert any(line.startswith(f"  {text}") and " accuracy " in line for line in out.splitlines()), text
    found = hr.SearchResult.from_journal(tmp_path / "j.jsonl")
    assert found.settings.objective == "efficiency" and found.settings.measure["data"] == "flowers.csv"
    code, again, err = run(*words, "--folds", "2", "--resume")
    assert code == 0 and again == out and "resumed j.jsonl: 3 of 3 trials" in err
    code, out, _ = run("show", "j.jsonl", "--no-figures")
    assert code == 0 and "C is the accuracy on flowers.csv" in " ".join(out.split()), out
    flowers(tmp_path, changed=True)
    code, _, err = run(*words, "--folds", "2", "--resume")
    assert code == 2 and "its sha256 of the data is" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--workers", "1"], {"workers": 1, "dask": None}),
        (["--dask", "tcp://far:8786"], {"workers": None, "dask": "tcp://far:8786"}),
        ([], {"workers": cores(), "dask": None}),
    ],
)
def test_the_winner_is_measured_where_the_search_ran(run, tmp_path, monkeypatch, words, where):
    net = hr.load_network("henhes", n=20)
    found = SimpleNamespace(best=SimpleNamespace(number=1), best_network=net, space=SimpleNamespace(base=net),
                            settings=SimpleNamespace(fresh_seeds=[7]))  # fmt: skip

    def held_out(score, networks, seeds, *, progress, **options):
        raise HeteroError(f"measured {[n.name for n in networks]} of {seeds} with {options}")

    monkeypatch.setattr(Scored, "search", lambda *_: found)
    monkeypatch.setattr("hetero_rsnn.cli.search._print", lambda *_: None)
    monkeypatch.setattr(hr.TaskScore, "held_out", held_out)
    flowers(tmp_path)
    exit_2(run("search", "quick", "--task", "flowers.csv", *words), f"['trial 1', 'homogeneous'] of [7] with {where}")


SEARCH_MISTAKES = [
    (["--objective", "accuracy"], ["--objective accuracy: for a search with --task", "add --task DATA"]),
    (["--label", "x"], ["--label: for a search with --task"]),
    (["--task", "flowers.csv", "--objective", "capacity"], ["objective of a task", "accuracy_per_spike"]),
    (["--task", "wind_greensboro", "--objective", "accuracy"], ["for classification", "use skill"]),
    (["--task", "japanese_vowels", "--horizon", "2"], ["horizon is for series"]),
    (["--task", "nowhere"], ["unknown data set 'nowhere'"]),
    (["--task", "flowers.csv", "--folds", "1"], ["folds must be"]),
]


@pytest.mark.parametrize(("words", "expected"), SEARCH_MISTAKES)
def test_mistakes_of_a_search_end_in_one_line(run, tmp_path, words, expected):
    flowers(tmp_path)
    code, _, err = run("search", "quick", *words)
    last = err.splitlines()[-1]
    assert code == 2 and last.startswith("error: ") and "Traceback" not in err, err
    for text in expected:
        assert text in last
