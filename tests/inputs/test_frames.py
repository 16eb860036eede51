"""Tables as samples: the numbers of the plain arrays, and the names of their columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.inputs.frames import names_in, shared_names
from hetero_rsnn.inputs.samples import as_series

RNG = np.random.default_rng(4)
ARRAYS = [RNG.normal(k % 2, 1.0, (20 + k, 2)) for k in range(8)]


def pandas_frame(x: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame(x, columns=["t", "w"])


def dictionary(x: Any) -> Any:
    return {"t": x[:, 0].tolist(), "w": x[:, 1]}


class Frame:
    """What numpy and this package see of a data frame of any library."""

    def __init__(self, x: Any) -> None:
        self.columns, self._x = ["t", "w"], x

    def to_numpy(self) -> Any:
        return self._x

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._x, dtype=dtype)

    def __len__(self) -> int:
        return len(self._x)


MAKE = [pandas_frame, dictionary, Frame]


@pytest.mark.parametrize("make", MAKE)
def test_a_classifier_sees_the_numbers_and_keeps_the_names(make):
    y = [0, 1] * 4
    plain = hr.HRSNNClassifier("henhes", overrides={"n": 30}, windows=2).fit(ARRAYS, y)
    X = [make(x) for x in ARRAYS]
    model = hr.HRSNNClassifier("henhes", overrides={"n": 30}, windows=2).fit(X, y)
    assert model.feature_names_in_.tolist() == ["t", "w"] and not hasattr(plain, "feature_names_in_")
    assert np.array_equal(model.decision_function(X), plain.decision_function(ARRAYS))
    assert np.array_equal(model.decision_function(ARRAYS), plain.decision_function(ARRAYS))
    swapped = [{"w": x[:, 1], "t": x[:, 0]} for x in ARRAYS]
    with pytest.raises(HeteroError, match="X has the columns w, t, the fit had t, w"):
        model.predict(swapped)
    assert model.fit(swapped, y).feature_names_in_.tolist() == ["w", "t"]
    assert not hasattr(model.fit(ARRAYS, y), "feature_names_in_")


@pytest.mark.parametrize("make", MAKE)
def test_a_forecaster_sees_the_numbers_and_keeps_the_names(make, tmp_path):
    waves = [np.stack([np.sin(np.arange(200) / 5), np.cos(np.arange(200) / 7)], axis=1)]
    small = {"overrides": {"n": 30}, "washout": 20, "lags": 5}
    plain = hr.HRSNNForecaster("henhes", **small).fit(waves)
    model = hr.HRSNNForecaster("henhes", **small).fit([make(w) for w in waves])
    assert np.array_equal(model.predict(waves)[0], plain.predict(waves)[0])
    again = hr.load_model(hr.save_model(model, tmp_path / "m.json"))
    assert again.feature_names_in_.tolist() == ["t", "w"]
    with pytest.raises(HeteroError, match="the fit had t, w"):
        again.predict([{"w": waves[0][:, 1], "t": waves[0][:, 0]}])
    model.fit([{"a": waves[0][:, 0]}])  # another fit has other channels
    assert model.feature_names_in_.tolist() == ["a"]


@pytest.mark.parametrize("make", MAKE)
def test_a_stimulus_has_the_names_in_its_description(make):
    u = hr.array_stimulus(make(ARRAYS[0]))
    assert np.array_equal(u.values, ARRAYS[0]) and u.description["columns"] == ["t", "w"]
    assert "columns" not in hr.array_stimulus(ARRAYS[0]).description


def test_columns_without_names_have_none():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ARRAYS[0])
    assert names_in(frame) is None and shared_names([frame]) is None and names_in(ARRAYS[0]) is None
    assert names_in(SimpleNamespace(columns=["a"])) is None


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ({"t": [1.0, 2.0]}, "wrap it"),
        ([{}], "at least one column"),
        ([{"t": [1.0, 2.0], "w": [1.0]}], "of one length, got 1 of 'w' and 2 of the first"),
        ([{"t": ["a", "b"]}], "column 't' must be real numbers"),
        ([{"t": [1.0, np.nan]}], "finite"),
    ],
)
def test_tables_that_are_none_are_refused(X, words):
    with pytest.raises(HeteroError, match=words):
        as_series(X)


def test_tables_of_other_columns_are_not_mixed():
    with pytest.raises(HeteroError, match="sample 1 of X has the columns w, t, sample 0 has t, w"):
        shared_names([{"t": [1], "w": [2]}, {"w": [1], "t": [2]}])
