"""Tests of the data sets: what is promised of every one, and the facts of those that come along."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT, refused, within
from numpy.testing import assert_array_equal

from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError
from hetero_rsnn.datasets import dynamics
from hetero_rsnn.datasets.catalogue import Dataset, find_dataset, list_datasets, load_dataset
from hetero_rsnn.datasets.fetch import fetch_dataset
from hetero_rsnn.datasets.lyapunov import lyapunov_exponents
from hetero_rsnn.datasets.sources import shipped_series
from hetero_rsnn.inputs.files import read_series

SHIPPED = ("japanese_vowels", "wind_greensboro", "wind_sand_point", "wind")
GENERATED = {"lorenz63": 3, "rossler": 3, "mackey_glass": 1, "narma10": 2}


def check(found: Dataset, name: str) -> None:
    """What every data set promises."""
    assert found.name == name and list_datasets()[name].startswith(found.task + ": ")
    assert found.kind in ("series", "audio", "events")
    both = np.concatenate([found.train, found.test])
    assert_array_equal(np.sort(both), np.arange(len(found)))  # each sample is in one part
    assert found.train.size and found.test.size and both.dtype == np.int64
    for x, length in zip(found.X, found.lengths, strict=True):
        assert x.dtype == np.float64 and x.shape == (length, len(found.channels)) and np.isfinite(x).all()
    X_train, X_test, y_train, y_test = found.split()
    assert_array_equal(X_train[-1], found.X[found.train[-1]])
    assert_array_equal(X_test[0], found.X[found.test[0]])
    assert len(X_train) == found.train.size and len(X_test) == found.test.size
    if found.task == "classification":
        assert found.y.dtype == np.int64 and found.y.shape == (len(found),)
        assert_array_equal(np.unique(found.y), np.arange(len(found.classes)))
        assert_array_equal(np.concatenate([y_train, y_test]), found.y[both])
    else:
        assert found.task == "forecasting" and found.y is y_train is y_test is None and found.classes == ()
        for side in ("inputs", "targets"):
            assert found.details[side] and set(found.details[side]) <= set(found.channels)
    assert found.groups is None or found.groups.shape == (len(found),)
    assert found.source and found.licence and found.notes
    text = repr(found)
    assert "\n" not in text and f"{found.train.size} train + {found.test.size} test" in text and name in text


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped(name: str) -> None:
    check(load_dataset(name), name)
    assert find_dataset(name) is None


def test_japanese_vowels_are_those_that_were_published() -> None:
    found = load_dataset("japanese_vowels")
    assert_array_equal(found.train, np.arange(270))
    assert len(found) == 640 and found.lengths.min() == 7 and found.lengths.max() == 29
    assert np.bincount(found.y[found.train]).tolist() == [30] * 9
    assert np.bincount(found.y[found.test]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert found.interval_ms == 6.4 and found.channels[11] == "lpc12"
    # the first numbers of the published file, digit for digit
    assert found.X[0][:3, 0].tolist() == [1.860936, 1.891651, 1.939205]
    assert found.X[0][:3, 1].tolist() == [-0.207383, -0.193249, -0.239664]
    assert found.lengths[0] == 20
    frames = np.concatenate(found.X)
    assert_array_equal(frames, np.array([float(f"{x:.6f}") for x in frames.ravel()]).reshape(frames.shape))


def test_a_linear_baseline_knows_the_speakers() -> None:
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X_train, X_test, y_train, y_test = load_dataset("japanese_vowels").split()

    def features(X: Any) -> np.ndarray:  # mean and slope of the frames, and some frames on the way
        rows = []
        for x in X:
            at = np.linspace(0, len(x) - 1, 7)
            frames = [np.interp(at, np.arange(len(x)), c) for c in x.T]
            rows.append(np.concatenate([x.mean(0), x.std(0), *frames]))
        return np.array(rows)

    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0)).fit(features(X_train), y_train)
    assert model.score(features(X_test), y_test) >= 0.97
    shuffled = np.random.default_rng(0).permutation(y_train)
    assert model.fit(features(X_train), shuffled).score(features(X_test), y_test) < 0.4


def test_digits_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    found = load_dataset("sklearn_digits")
    check(found, "sklearn_digits")
    assert find_dataset("sklearn_digits") is None
    assert_array_equal(np.array(found.X) * 16, load_digits().images)
    assert len(found) == 1797 and found.lengths.tolist() == [8] * 1797 and len(found.channels) == 8
    of_train, of_test = (np.bincount(found.y[part]) for part in (found.train, found.test))
    assert_array_equal(of_train, np.round(0.75 * (of_train + of_test)))
    for digit in range(10):  # the last of each are tested
        mine = np.flatnonzero(found.y == digit)
        assert_array_equal(mine[-of_test[digit] :], found.test[found.y[found.test] == digit])


@pytest.mark.parametrize("name", ["wind_greensboro", "wind_sand_point"])
def test_wind_is_cut_at_the_months(name: str) -> None:
    found = load_dataset(name)
    assert (found.lengths // 24).tolist() == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert found.test.tolist() == [2, 5, 8, 11] and found.groups is None and found.interval_ms == 3.6e6
    assert_array_equal(np.concatenate(found.X), read_series(shipped_series(name)).values)
    assert "choice of ours" in found.notes


def test_both_winds_keep_the_station_as_group() -> None:
    both = load_dataset("wind")
    assert both.groups.tolist() == ["greensboro"] * 12 + ["sand_point"] * 12
    for station in ("greensboro", "sand_point"):
        one = load_dataset(f"wind_{station}")
        members = np.flatnonzero(both.groups == station)
        for i, x in zip(members, one.X, strict=True):
            assert_array_equal(both.X[i], x)
        assert_array_equal(np.intersect1d(members, both.test), members[one.test])


@pytest.mark.parametrize("name", GENERATED)
def test_generated(name: str) -> None:
    dynamics = import_module("hetero_rsnn.datasets.dynamics")
    found = load_dataset(name, samples=300, segments=2, test_samples=50, seed=4)
    check(found, name)
    assert found.lengths.tolist() == [300, 50, 50] and found.train.tolist() == [0]
    assert len(found.channels) == GENERATED[name] and found.interval_ms is None
    assert found.details["step"] == dynamics.STEP.get(name)
    assert found.details["lyapunov"] == dynamics.LYAPUNOV.get(name)
    made = getattr(dynamics, name)(50, seed=4 * 3 + 1)  # seeds do not share a segment
    assert_array_equal(found.X[1], np.column_stack(made) if name == "narma10" else made)
    assert not np.array_equal(found.X[1], found.X[2])
    inputs, targets = found.details["inputs"], found.details["targets"]
    assert (inputs, targets) == ((["u"], ["y"]) if name == "narma10" else (list(found.channels),) * 2)


@pytest.mark.parametrize("name", ["delayed_parity", "delayed_recall"])
def test_delayed_cues(name: str) -> None:
    check(load_dataset(name, samples=12, test_samples=8), name)
    assert find_dataset(name) is None


def test_sizes_of_generated_series_by_default() -> None:
    import_module("hetero_rsnn.datasets.dynamics")
    assert load_dataset("narma10").lengths.tolist() == [6000] + [1000] * 10
    assert load_dataset("mackey_glass").lengths.tolist() == [20_000] + [1000] * 10


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("japanese_vowel", {}, "unknown data set 'japanese_vowel' (did you mean 'japanese_vowels'?)"),
        ("../etc", {}, "unknown data set '../etc'"),
        ("wind", {"limit": 3}, "wind: unknown option 'limit': wind takes no options"),
        ("shd", {"hodl": "5 ms"}, "unknown option 'hodl' (did you mean 'hold'?): shd takes hold, limit"),
        ("lorenz63", {"sample": 3}, "did you mean 'samples'?"),
        ("lorenz63", {"samples": 0}, "lorenz63: samples must be a whole number >= 1, got 0"),
        ("narma10", {"segments": 1.5}, "narma10: segments must be a whole number >= 1, got 1.5"),
        ("rossler", {"seed": -1}, "rossler: seed must be a whole number >= 0, got -1"),
        ("rossler", {"test_samples": True}, "test_samples must be a whole number >= 1, got True"),
    ],
)
def test_mistakes(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HeteroError, match=re.escape(message)):
        load_dataset(name, **options)


def test_a_file_is_told_where_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("x\n1\n")
    with pytest.raises(
        HeteroError, match=r"unknown data set 'mine.csv': .*labelled_dataset or series_dataset.*own_data\.md"
    ):
        load_dataset("mine.csv")


def test_heavy_modules_are_not_imported() -> None:
    heavy = {"h5py", "pooch", "scipy.io", "requests", "matplotlib", "brian2", "sklearn"}
    code = (
        "import sys, hetero_rsnn.datasets.catalogue as d, hetero_rsnn.datasets.fetch, "
        "hetero_rsnn.cli.data; d.load_dataset('wind'); "
        f"d.load_dataset('japanese_vowels'); print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


ODD = ["long", "deep", "zero byte", "no text", "half"]


@pytest.mark.parametrize(
    "name", ["free_spoken_digits", "shd", "fashion_mnist", "fashion_mnist_permuted", "fashion_mnist_events"]
)
@pytest.mark.parametrize("odd", [300 * "a", 3000 * "a/", "a\0b", "a\udcff", "a\ud800"], ids=ODD)
def test_odd_places_are_refused_in_one_line(tmp_path, name, odd):
    for where in (odd, str(tmp_path / odd)):
        refused(lambda where=where: load_dataset(name, data_dir=where), "found none of it", error=FileFormatError)
        assert find_dataset(name, where) == []


@pytest.mark.parametrize("name", ["free_spoken_digits", "shd"])
@pytest.mark.parametrize("odd", [300 * "a", "a\0b", "a\ud800"], ids=["long", "zero byte", "half"])
def test_nothing_is_fetched_to_odd_places(tmp_path, name, odd):
    pytest.importorskip("pooch")
    refused(
        lambda: fetch_dataset(name, tmp_path / odd, base_url="http://127.0.0.1:9"), "cannot write", error=OutputError
    )


def test_commands_with_a_folder_of_a_long_name(run):
    for words in (["data"], ["data", "show", "fashion_mnist"], ["data", "show", "free_spoken_digits"],
                  ["classify", "shd"], ["data", "fetch", "shd"]):  # fmt: skip
        code, _, err = run(*words, "--data-dir", 300 * "a")
        assert (code == 0) == (words == ["data"]) and "Traceback" not in err


#: Series that would fill any machine.
HUGE: dict[str, dict[str, Any]] = {
    "lorenz63": {"samples": 10**13},
    "rossler": {"segments": 10**9, "test_samples": 10**6},
    "mackey_glass": {"samples": 10**14},
    "narma10": {"samples": 10**13, "segments": 1},
    "delayed_parity": {"samples": 10**6, "delay": "100 s"},
    "delayed_recall": {"test_samples": 10**6, "rest": "100 s"},
}


@pytest.mark.parametrize("name", HUGE)
def test_series_that_would_not_fit_in_memory(name):
    refused(lambda: within(20, lambda: load_dataset(name, **HUGE[name])), "of memory", "lower")
    refused(lambda: load_dataset(name, samples=10**400), "samples must be a whole number")


def test_systems_that_would_not_fit_in_memory():
    for call in (
        lambda: dynamics.mackey_glass(10, tau=1e300),
        lambda: dynamics.mackey_glass(10, fine=1e-12),
        lambda: dynamics.lorenz63(10**13),
        lambda: dynamics.narma10(10**13),
        lambda: lyapunov_exponents("mackey_glass", fine=1e-12),
        lambda: lyapunov_exponents("lorenz63", runs=10**9),
    ):
        refused(lambda call=call: within(20, call), "of memory")
