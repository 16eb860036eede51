"""The ridge readout against scikit-learn and against loops over folds, in both of its forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hetero_rsnn.estimators.readout import STRENGTHS, RidgeReadout, contiguous_folds

Array = NDArray[np.float64]

#: More rows than features (sums of products), as many, and fewer (products of rows).
SHAPES = [(60, 9), (25, 25), (18, 40)]


def data(rows: int, features: int, seed: int = 0) -> tuple[Array, Array]:
    """Features whose scales and offsets differ by orders of magnitude, and three targets that depend on them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, features)) @ (np.eye(features) + 0.3 * rng.normal(size=(features, features)))
    y = z[:, :4] @ rng.normal(size=(4, 3)) + rng.normal(size=(rows, 3))
    x = z * np.logspace(-4, 3, features) + np.linspace(-50, 900, features)
    return x, y * [1.0, 30.0, 1e-3] + [0.0, 500.0, -2.0]


def reference(x: Array, y: Array, strength: float) -> Any:
    """The objective says ``strength * max(rows, features)``."""
    return make_pipeline(StandardScaler(), Ridge(strength * max(x.shape))).fit(x, y)


def loop(x: Array, y: Array, folds: Array, strength: float) -> float:
    """Mean square error on left-out folds, one after the other; features are standardised over all rows."""
    z, total = StandardScaler().fit_transform(x), np.zeros(y.shape[1])
    for fold in np.unique(folds):
        out = folds == fold
        model = Ridge(strength * max(x.shape)).fit(z[~out], y[~out])
        total += ((y[out] - model.predict(z[out])) ** 2).sum(axis=0)
    return float((total / len(y) / y.var(axis=0)).mean())


# One strength ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [1e-6, 0.01, 3.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_strength_is_the_ridge_of_scikit_learn(shape: tuple[int, int], strength: float) -> None:
    x, y = data(*shape)
    readout = RidgeReadout(strength).fit(x, y)
    fresh = data(*shape, seed=1)[0]
    np.testing.assert_allclose(readout.predict(fresh), reference(x, y, strength).predict(fresh), rtol=1e-6, atol=1e-6)
    assert readout.strength_ == strength and np.isnan(readout.cv_error_).all()
    assert readout.coef_.shape == (shape[1], 3) and readout.intercept_.shape == (3,)
    np.testing.assert_allclose(readout.predict(fresh), fresh @ readout.coef_ + readout.intercept_)


@pytest.mark.parametrize("shape", SHAPES)
def test_folds_do_not_change_the_final_fit(shape: tuple[int, int]) -> None:
    x, y = data(*shape)
    plain = RidgeReadout(0.02).fit(x, y)
    folded = RidgeReadout([0.02]).fit(x, y, np.arange(len(x)) % 4)
    np.testing.assert_allclose(folded.coef_, plain.coef_, rtol=1e-9)
    chosen = RidgeReadout().fit(x, y, np.arange(len(x)) % 4)
    again = RidgeReadout(chosen.strength_).fit(x, y)
    np.testing.assert_allclose(chosen.coef_, again.coef_, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_constant_features_say_nothing(shape: tuple[int, int]) -> None:
    x, y = data(*shape)
    still = np.concatenate([np.full((len(x), 1), 0.1), x, np.zeros((len(x), 1))], axis=1)
    # A feature more or less moves the unit of the strengths where there are fewer rows than features.
    strength = 0.05 * max(x.shape) / max(still.shape)
    readout = RidgeReadout(strength).fit(still, y)
    np.testing.assert_array_equal(readout.coef_[[0, -1]], 0)
    np.testing.assert_allclose(readout.coef_[1:-1], RidgeReadout(0.05).fit(x, y).coef_, rtol=1e-8)
    other = still.copy()
    other[:, 0] = 7.0
    np.testing.assert_allclose(readout.predict(other), reference(x, y, 0.05).predict(x), rtol=1e-6, atol=1e-6)


def test_only_constant_features_give_the_mean() -> None:
    y = data(12, 4)[1]
    readout = RidgeReadout().fit(np.full((12, 3), 5.0), y, np.arange(12) // 4)
    np.testing.assert_allclose(readout.predict(np.ones((2, 3))), np.tile(y.mean(axis=0), (2, 1)))


@pytest.mark.parametrize("shape", SHAPES)
def test_light_columns_are_penalised_a_hundredth(shape: tuple[int, int]) -> None:
    """Solved as least squares with a row of penalty for each feature."""
    x, y = data(*shape)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    penalty = np.full(shape[1], 0.3 * max(shape))
    penalty[-2:] /= 100
    rows = np.concatenate([z, np.diag(np.sqrt(penalty))])
    w = np.linalg.lstsq(rows, np.concatenate([y - y.mean(axis=0), np.zeros((shape[1], 3))]), rcond=None)[0]
    readout = RidgeReadout(0.3, light=2).fit(x, y)
    np.testing.assert_allclose(readout.predict(x), z @ w + y.mean(axis=0), rtol=1e-6, atol=1e-6)
    assert not np.allclose(readout.coef_, RidgeReadout(0.3).fit(x, y).coef_, rtol=1e-2)


def test_whole_numbers_and_single_precision_are_taken() -> None:
    x, y = data(40, 6)
    ints = np.round(x).astype(np.int64)
    np.testing.assert_allclose(RidgeReadout(0.1).fit(ints, y).coef_, RidgeReadout(0.1).fit(ints * 1.0, y).coef_)
    single = x.astype(np.float32)
    wide = RidgeReadout(0.1).fit(single.astype(np.float64), y)
    np.testing.assert_allclose(RidgeReadout(0.1).fit(single, y).coef_, wide.coef_, rtol=1e-12)


# Cross-validation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_validation_is_a_loop_over_folds(shape: tuple[int, int]) -> None:
    """Unequal folds with numbers of any kind, so that the means of the rest differ from those of all rows."""
    x, y = data(*shape)
    folds = np.sort(np.array([7, -2, 7, 30, 7])[np.arange(len(x)) % 5])
    strengths = [1e-3, 0.03, 1.0, 20.0]
    readout = RidgeReadout(strengths[::-1]).fit(x, y, folds)  # in any order: they are sorted
    expected = [loop(x, y, folds, s) for s in strengths]
    np.testing.assert_allclose(readout.cv_error_, expected, rtol=1e-6)
    assert readout.strength_ == strengths[int(np.argmin(expected))]


def test_the_choice_depends_on_the_folds() -> None:
    """Rows that come in identical pairs: a fold a row sees its twin, a fold a pair does not."""
    rng = np.random.default_rng(3)
    x, y = np.repeat(rng.normal(size=(15, 30)), 2, axis=0), np.repeat(rng.normal(size=(15, 1)), 2, axis=0)
    twins, pairs = (RidgeReadout().fit(x, y, f) for f in (np.arange(30), np.arange(30) // 2))
    assert twins.strength_ == min(STRENGTHS) and twins.cv_error_.min() < 1e-3
    assert pairs.strength_ > 0.1 and pairs.cv_error_.min() > 0.5


@pytest.mark.parametrize("offset", [0.0, 1e7])
@pytest.mark.parametrize("shape", SHAPES)
def test_offset_targets(shape: tuple[int, int], offset: float) -> None:
    x, y = data(*shape)
    folds = np.arange(len(x)) // 6
    plain, shifted = RidgeReadout().fit(x, y, folds), RidgeReadout().fit(x, y + offset * y.std(axis=0), folds)
    np.testing.assert_allclose(shifted.cv_error_, plain.cv_error_, rtol=1e-5)
    assert shifted.strength_ == plain.strength_
    np.testing.assert_allclose(shifted.coef_, plain.coef_, rtol=1e-4, atol=1e-9 * np.abs(plain.coef_).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_constant_target_leaves_the_choice_to_the_others(shape: tuple[int, int]) -> None:
    x, y = data(*shape)
    folds = np.arange(len(x)) // 6
    alone = RidgeReadout().fit(x, y, folds)
    beside = RidgeReadout().fit(x, np.concatenate([y, np.full((len(y), 1), 0.1)], axis=1), folds)
    assert beside.strength_ == alone.strength_
    np.testing.assert_allclose(beside.cv_error_, alone.cv_error_ * 3 / 4, rtol=1e-9)
    np.testing.assert_allclose(beside.predict(x)[:, 3], 0.1)


def test_without_folds_the_middle_of_the_strengths() -> None:
    x, y = data(20, 5)
    for folds in (None, np.zeros(20), ["a"] * 20):
        assert RidgeReadout([5.0, 0.1, 1.0]).fit(x, y, folds).strength_ == 1.0
        assert RidgeReadout().fit(x, y, folds).strength_ == STRENGTHS[len(STRENGTHS) // 2]


def test_parameters() -> None:
    readout = RidgeReadout([1.0, 2.0], light=3)
    assert clone(readout).get_params() == {"strengths": [1.0, 2.0], "light": 3}


@pytest.mark.parametrize(
    ("strengths", "shown"), [(0.0, "0.0"), ([1.0, -2.0], "-2.0"), ([np.nan], "nan"), ([np.inf], "inf"), ([], "[]")]
)
def test_refused_strengths(strengths: Any, shown: str) -> None:
    refused(lambda: RidgeReadout(strengths).fit(*data(20, 5)), "strengths", "finite numbers > 0", shown)


def test_refused_shapes() -> None:
    x, y = data(20, 5)
    for a, b in ((x[:-1], y), (x, y[:, 0]), (x[0], y), (x[:0], y[:0])):
        refused(lambda a=a, b=b: RidgeReadout().fit(a, b), "one length", str(a.shape), str(b.shape))
    refused(lambda: RidgeReadout().fit(x, y, np.arange(19)), "folds", "one number a row (20)", "(19,)")
    refused(lambda: RidgeReadout().fit(x, y, np.zeros((20, 1))), "folds", "(20, 1)")
    for light in (-1, 6):
        refused(lambda light=light: RidgeReadout(light=light).fit(x, y), "light", "0 to 5", str(light))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refused_numbers(bad: float) -> None:
    x, y = data(20, 5)
    hole = np.where(np.arange(20) == 7, bad, 1.0)[:, None]
    refused(lambda: RidgeReadout().fit(x * hole, y), "finite", "NaN or infinity")
    refused(lambda: RidgeReadout().fit(x, y * hole), "finite", "NaN or infinity")


# Folds -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(2, 7))
def test_contiguous_folds(lengths: list[int], count: int) -> None:
    folds = contiguous_folds(lengths, count)
    assert folds.shape == (sum(lengths),) and folds.min() == 0
    series = np.repeat(np.arange(len(lengths)), lengths)
    if len(lengths) >= count:  # whole series, dealt out
        np.testing.assert_array_equal(folds, series % count)
        return
    # Each series in pieces of its own, in order, of about one length.
    assert (np.diff(folds) >= 0).all()
    pieces = -(-count // len(lengths))
    assert folds.max() < pieces * len(lengths)
    for k, length in enumerate(lengths):
        mine = folds[series == k]
        assert not np.isin(mine, folds[series != k]).any()
        sizes = np.unique(mine, return_counts=True)[1]
        assert sizes.size == min(pieces, length) and np.ptp(sizes) <= 1
    if min(lengths) >= pieces:
        assert len(np.unique(folds)) >= count


def test_contiguous_folds_of_one_and_of_few_series() -> None:
    np.testing.assert_array_equal(contiguous_folds([10]), np.repeat(np.arange(5), 2))
    np.testing.assert_array_equal(contiguous_folds([4, 5], 3), [0, 0, 1, 1, 2, 2, 2, 3, 3])
    np.testing.assert_array_equal(contiguous_folds([2, 1, 3, 1], 3), [0, 0, 1, 2, 2, 2, 0])
