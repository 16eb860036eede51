"""Linear readouts of tasks: ridge and logistic regression, strengths chosen on folds, lagged inputs.

scikit-learn's `RidgeCV` leaves out one row at a time, which neighbours in a time series give away, and a grid search
decomposes the features anew for every strength. Here one decomposition a fold serves all strengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import has_fit_parameter

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError, TooShortError, suggest
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.labels import check_weights

#: Ridge strengths that are tried, in units of `RidgeReadout`: half-decade steps.
STRENGTHS: tuple[float, ...] = tuple(float(s) for s in np.logspace(-7, 3, 21))


class RidgeReadout(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression on standardised features, its strength chosen by cross-validation over given folds.

    Minimises ``|y - x w - b|^2 + strength * max(rows, features) * |w|^2``, so that a strength means about the same for
    any number of rows and features. A row of weight 2 counts as two rows, one of weight 0 as none.

    Parameters
    ----------
    strengths : sequence of float
        To choose from; a single one is used as it is.
    light : int
        The last columns, of which there are this many, are penalised a hundredth as much: an input beside its states.

    Attributes
    ----------
    coef_ : ndarray, shape (features, targets)
        For the features as they come.
    intercept_ : ndarray, shape (targets,)
    strength_ : float
    cv_error_ : ndarray, shape (strengths,)
        Mean square error on left-out folds, mean over targets in units of each target's variance.

    References
    ----------
    A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12,
    1970.
    """

    def __init__(self, strengths: Any = STRENGTHS, light: int = 0) -> None:
        self.strengths = strengths
        self.light = light

    def fit(
        self, X: ArrayLike, Y: ArrayLike, folds: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : array, shape (rows, features)
        Y : array, shape (rows, targets)
        folds : array of int, shape (rows,), optional
            Rows with one number are left out together: contiguous blocks of a series, or samples of one speaker. None
            (or a single fold) takes the middle of the strengths.
        sample_weight : array, shape (rows,), optional
            How much each row counts, in the fit and on the folds.

        Raises
        ------
        HeteroError
            If the shapes do not fit, a number is not finite, a strength is not > 0, or a weight below 0.
        """
        strengths = np.sort(np.atleast_1d(np.asarray(self.strengths, dtype=float)))
        if strengths.ndim != 1 or not strengths.size or not (np.isfinite(strengths) & (strengths > 0)).all():
            raise HeteroError(f"strengths must be one or more finite numbers > 0, got {self.strengths!r}: e.g. 0.01")
        x, y = np.asarray(X), np.asarray(Y, dtype=np.float64)
        if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
            raise HeteroError(f"features and targets must be (rows, ...) of one length, got {x.shape} and {y.shape}")
        if not 0 <= self.light <= x.shape[1]:
            raise HeteroError(f"light must be a number of columns from 0 to {x.shape[1]}, got {self.light!r}: lower it")
        if folds is not None and np.shape(folds) != (len(x),):
            raise HeteroError(
                f"folds must be one number a row ({len(x)}), got shape {np.shape(folds)}: number all rows"
            )
        w = check_weights(sample_weight, len(x), "row")
        if w is not None and not w.all():
            counts = w > 0
            x, y, w = x[counts], y[counts], w[counts]
            folds = None if folds is None else np.asarray(folds)[counts]
        mean = x.mean(axis=0, dtype=np.float64) if w is None else np.average(x, axis=0, weights=w)
        if not (np.isfinite(mean).all() and np.isfinite(y).all()):
            raise HeteroError("features and targets must be finite, got NaN or infinity: look where they come from")
        spread = (
            x.std(axis=0, dtype=np.float64) if w is None else np.sqrt(np.average((x - mean) ** 2, axis=0, weights=w))
        )
        keep = spread > 1e-9 * max(float(spread.max(initial=0.0)), 1e-300)  # what stands still says nothing
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=keep)
        scale[len(scale) - self.light :] *= 10.0
        z = (x - mean) * scale
        total = float(len(z) if w is None else w.sum())
        unit = max(total, float(z.shape[1]))
        labels = np.zeros(len(z), np.int64) if folds is None else np.unique(np.asarray(folds), return_inverse=True)[1]
        offset = y.mean(axis=0) if w is None else np.average(y, axis=0, weights=w)
        centred = y - offset  # squares of a large offset would drown the errors
        solve = _Rows(z, centred, w) if z.shape[0] <= z.shape[1] else _Moments(z, centred, labels, w)
        self.cv_error_ = np.full(strengths.size, np.nan)
        if strengths.size == 1 or labels.max() == 0:
            self.strength_ = float(strengths[strengths.size // 2])
        else:
            # What does not vary has no error to weigh: left in, its rounding errors would outweigh all others.
            power = (centred**2).mean(axis=0) if w is None else np.average(centred**2, axis=0, weights=w)
            variance = np.where(np.ptp(y, axis=0) > 0, power, np.inf)
            errors = sum(solve.left_out(labels, fold, strengths * unit) for fold in range(labels.max() + 1))
            self.cv_error_ = np.asarray((errors / total / variance).mean(axis=1))
            self.strength_ = float(strengths[int(np.argmin(self.cv_error_))])
        self.coef_ = solve.weights(self.strength_ * unit) * scale[:, None]
        self.intercept_ = offset - mean @ self.coef_
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predict, shape (rows, targets)."""
        return np.asarray(np.asarray(X) @ self.coef_ + self.intercept_, dtype=np.float64)


class _Rows:
    """More features than rows: works with the products of rows (the dual form)."""

    def __init__(self, z: Array, y: Array, w: Array | None = None) -> None:
        self.z, self.y, self.w = z, y, w
        self.kernel = np.asarray(z @ z.T, dtype=np.float64)

    def left_out(self, labels: Ints, fold: int, strengths: Array) -> Array:
        out = labels == fold
        w = None if self.w is None else self.w[~out]
        root = 1.0 if w is None else np.sqrt(w)
        centre = self.y[~out].mean(axis=0) if w is None else np.average(self.y[~out], axis=0, weights=w)
        inside, across = self.kernel[np.ix_(~out, ~out)], self.kernel[np.ix_(out, ~out)]
        # Products of features that are centred on the rows kept, as their targets are.
        if w is None:
            mean, middle, beside = inside.mean(axis=0), inside.mean(), across.mean(axis=1, keepdims=True)
        else:
            mean, beside = np.average(inside, axis=0, weights=w), np.average(across, axis=1, weights=w)[:, None]
            middle = np.average(mean, weights=w)
        across = (across - beside - mean + middle) * root
        inside = inside - mean[:, None] - mean + middle
        inside = inside if w is None else inside * root * np.reshape(root, (-1, 1))
        values, vectors = np.linalg.eigh(inside)
        kept = self.y[~out] - centre
        along = vectors.T @ (kept if w is None else kept * np.reshape(root, (-1, 1)))
        towards = across @ vectors
        rest = self.y[out] - centre
        counts = 1.0 if self.w is None else self.w[out][:, None]
        return np.stack(
            [
                (counts * (rest - towards @ (along / (np.maximum(values, 0.0) + s)[:, None])) ** 2).sum(axis=0)
                for s in strengths
            ]
        )

    def weights(self, strength: float) -> Array:
        if self.w is None:
            system = self.kernel + strength * np.eye(len(self.kernel))
            return np.asarray(self.z.T @ np.linalg.solve(system, self.y - self.y.mean(axis=0)), dtype=np.float64)
        root = np.sqrt(self.w)[:, None]
        system = self.kernel * root * root.T + strength * np.eye(len(self.kernel))
        aims = root * (self.y - np.average(self.y, axis=0, weights=self.w))
        return np.asarray(self.z.T @ (root * np.linalg.solve(system, aims)), dtype=np.float64)


class _Moments:
    """More rows than features: works with sums of products, fold by fold."""

    def __init__(self, z: Array, y: Array, labels: Ints, w: Array | None = None) -> None:
        every = [labels == fold for fold in range(labels.max() + 1)]
        parts = [self._sums(z[rows], y[rows], None if w is None else w[rows]) for rows in every]
        self.parts = parts
        self.whole = [np.sum(same, axis=0) for same in zip(*parts, strict=True)]

    @staticmethod
    def _sums(z: Array, y: Array, w: Array | None) -> list[Array]:
        z = np.asarray(z, dtype=np.float64)
        if w is None:
            return [z.T @ z, z.T @ y, np.einsum("kt,kt->t", y, y), z.sum(axis=0), y.sum(axis=0), np.float64(len(z))]
        much = z * w[:, None]
        return [much.T @ z, much.T @ y, np.einsum("k,kt,kt->t", w, y, y), much.sum(axis=0), w @ y, w.sum()]

    def left_out(self, labels: Ints, fold: int, strengths: Array) -> Array:
        gram, cross, power, zsum, ysum, rows = self.parts[fold]
        g, c, _, zs, ys, n = (w - p for w, p in zip(self.whole, self.parts[fold], strict=True))
        zm, ym = zs / n, ys / n
        values, vectors = np.linalg.eigh(g - np.outer(zm, zs))
        along = vectors.T @ (c - np.outer(zm, ys))
        # The left-out rows, seen from the means of the others.
        gram = gram - np.outer(zm, zsum) - np.outer(zsum, zm) + rows * np.outer(zm, zm)
        cross = cross - np.outer(zm, ysum) - np.outer(zsum, ym) + rows * np.outer(zm, ym)
        power = power - 2 * ym * ysum + rows * ym**2
        turned, crossed = vectors.T @ gram @ vectors, vectors.T @ cross
        errors = []
        for s in strengths:
            w = along / (np.maximum(values, 0.0) + s)[:, None]
            errors.append(power - 2 * np.einsum("ft,ft->t", w, crossed) + np.einsum("ft,ft->t", w, turned @ w))
        return np.asarray(np.maximum(np.stack(errors), 0.0))

    def weights(self, strength: float) -> Array:
        gram, cross, _, zsum, ysum, n = self.whole
        gram = gram - np.outer(zsum, zsum) / n + strength * np.eye(len(gram))
        return np.asarray(np.linalg.solve(gram, cross - np.outer(zsum, ysum) / n))


def contiguous_folds(lengths: ArrayLike, count: int = 5) -> Ints:
    """Number the folds of rows that come from several series, end to end.

    Parameters
    ----------
    lengths : array of int, shape (series,)
        Rows of each.
    count : int
        Folds wanted. With fewer series than that, each is cut into contiguous pieces; else whole series share folds.

    Returns
    -------
    ndarray of int, shape (rows,)
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    pieces = -(-count // len(sizes))
    out = [np.arange(size) * pieces // max(int(size), 1) + i * pieces for i, size in enumerate(sizes)]
    return np.asarray(np.concatenate(out) % count if len(sizes) >= count else np.concatenate(out), dtype=np.int64)


READOUTS = ("ridge", "logistic")


class RidgeClassification(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression on class indicators (1 and -1), its strength chosen by cross-validation; see `RidgeReadout`.

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
    readout_ : RidgeReadout
    """

    def __init__(self, strengths: Any = STRENGTHS) -> None:
        self.strengths = strengths

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit; folds are whole groups, or else stratified. With one sample of a class there is nothing to leave out."""
        x, labels = np.asarray(X), np.asarray(y)
        w = check_weights(sample_weight, len(labels))
        if w is not None and not w.all():  # what counts for nothing has no say in the folds either
            counts = w > 0
            x, labels, w = x[counts], labels[counts], w[counts]
            groups = None if groups is None else np.asarray(groups)[counts]
        self.classes_, number = np.unique(labels, return_inverse=True)
        codes = np.where(number[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        self.readout_ = RidgeReadout(self.strengths).fit(x, codes, class_folds(number, groups), w)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Score of every class, shape (samples, classes); of two classes that of the second, (samples,)."""
        scores = self.readout_.predict(X)
        return scores[:, 1] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class of the largest score."""
        return np.asarray(self.classes_[self.readout_.predict(X).argmax(axis=1)])


def class_folds(number: Ints, groups: ArrayLike | None, most: int = 5) -> Ints | None:
    """Folds of classified samples: whole groups if there are several, else up to `most` with all classes in each."""
    if groups is not None:
        found, index = np.unique(np.asarray(groups), return_inverse=True)
        if len(found) > 1:
            return np.asarray(index, dtype=np.int64) % max(most, 2)
    count = min(most, int(np.bincount(number).min()))
    if count < 2:
        return None
    folds = np.empty(len(number), dtype=np.int64)
    for c in np.unique(number):  # dealt out class by class
        members = np.flatnonzero(number == c)
        folds[members] = np.arange(len(members)) % count
    return folds


def logistic_readout(n_rows: int, n_features: int, smallest_class: int) -> Any:
    """Multinomial logistic regression whose strength is chosen by cross-validation inside the training data."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # A squared penalty does not see rotations: with more features than rows a full rotation loses nothing.
    steps = [StandardScaler(), PCA(), LogisticRegression(max_iter=2000)]
    if n_features <= n_rows:
        del steps[1]
    grid = {"logisticregression__C": [float(c) / n_features for c in np.logspace(-2, 3, 6)]}
    model = make_pipeline(*steps)
    if smallest_class < 2:
        return model.set_params(logisticregression__C=10.0 / n_features)
    return GridSearchCV(model, grid, scoring="neg_log_loss", cv=min(3, smallest_class))


def make_readout(readout: Any, n_rows: int, n_features: int, smallest_class: int) -> Any:
    """An unfitted readout: by name, or a copy of an estimator."""
    if readout == "ridge":
        return RidgeClassification()
    if readout == "logistic":
        return logistic_readout(n_rows, n_features, smallest_class)
    if hasattr(readout, "fit") and hasattr(readout, "predict") and not isinstance(readout, type):
        return clone(readout)
    hint = suggest(readout, READOUTS) if isinstance(readout, str) else ""
    raise HeteroError(f"readout must be 'ridge', 'logistic' or a scikit-learn classifier, got {readout!r}{hint}")


def fit_readout(
    readout: Any, features: Array, y: NDArray[Any], groups: Any = None, sample_weight: Array | None = None
) -> Any:
    """Make a readout and fit it; `groups` decide the folds of the ridge.

    Raises
    ------
    HeteroError
        If samples are weighed and an estimator of one's own cannot weigh them.
    """
    if sample_weight is not None and not sample_weight.all():
        counts = sample_weight > 0
        features, y, sample_weight = features[counts], y[counts], sample_weight[counts]
        groups = None if groups is None else np.asarray(groups)[counts]
    counts_of = np.unique(y, return_counts=True)[1]
    made = make_readout(readout, len(features), features.shape[1], int(counts_of.min()))
    if isinstance(made, RidgeClassification):
        return made.fit(features, y, groups, sample_weight)
    if sample_weight is None:
        return made.fit(features, y)
    if isinstance(readout, str):  # logistic: scaling, regression and the score that chooses weigh the samples
        with config_context(enable_metadata_routing=True):
            return _weighing(made).fit(features, y, sample_weight=sample_weight)
    check_weighs(made)
    return made.fit(features, y, sample_weight=sample_weight)


def check_weighs(readout: Any) -> None:
    """Refuse a readout that cannot weigh samples."""
    known = isinstance(readout, str) or has_fit_parameter(readout, "sample_weight")
    if not known and not get_config()["enable_metadata_routing"]:
        raise HeteroError(
            f"readout {type(readout).__name__} takes no sample_weight",
            fix="leave it away, or use readout='ridge' or 'logistic'",
        )


def _weighing(model: Any) -> Any:
    """The same, its parts asking for the weights of the samples."""
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import GridSearchCV

    grid = isinstance(model, GridSearchCV)
    for name, step in (model.estimator if grid else model).steps:
        if name != "pca":  # which turns, and weighs nothing
            step.set_fit_request(sample_weight=True)
    return model.set_params(scoring=get_scorer(model.scoring).set_score_request(sample_weight=True)) if grid else model


#: Windows that are tried; "all" is one a row of the longest sample.
WINDOWS: tuple[int | str, ...] = (1, 5, 12, 24, "all")
#: With nothing to choose by.
USUAL = 5
#: Features of all samples, in all numbers of windows, that are held at a time: 1 GiB.
MOST_FEATURES = 2**27


def window_counts(windows: Any) -> tuple[int | str, ...]:
    """Numbers of windows to choose from: one, several, or ``"auto"`` for `WINDOWS`.

    Raises
    ------
    StimulusError
        If it is none of these, or empty.
    """
    if isinstance(windows, str) and windows == "auto":
        return WINDOWS
    many = isinstance(windows, list | tuple | range | np.ndarray) and np.ndim(windows)
    several = list(windows) if many else [windows]
    if not len(several):
        raise StimulusError("windows must hold at least one number, got none", fix="use windows='auto'")
    out: list[int | str] = []
    for count in several:
        if isinstance(count, str):
            if count != "all":
                raise StimulusError(
                    f"windows must be a number, several, 'all' or 'auto', got {count!r}", fix="use windows='auto'"
                )
            out.append(count)
        else:
            rule = "or give several, 'all' or 'auto'"
            out.append(checks.whole("windows", count, least=1, most=10_000, error=StimulusError, fix=rule))
    return tuple(dict.fromkeys(out))


def counted(windows: Sequence[int | str], longest: int, samples: int, columns: int) -> list[int]:
    """The same as different numbers, smallest first, "all" as the rows of the longest sample.

    Of the usual ones (``"auto"``) those whose features, of `columns` in each window, would not fit together are left
    out, the largest first.
    """
    numbers = sorted({longest if w == "all" else int(w) for w in windows})
    if tuple(windows) != WINDOWS:
        return numbers
    fitting = np.cumsum(numbers) * columns * samples <= MOST_FEATURES
    return numbers[: max(int(fitting.sum()), 1)]


def choose_windows(
    features: Callable[[int], Array],
    windows: Sequence[int],
    y: NDArray[Any],
    groups: Any = None,
    sample_weight: Array | None = None,
) -> tuple[int, dict[int, float]]:
    """The number of windows whose features a ridge readout separates best, inside the training data.

    Parameters
    ----------
    features : callable
        Number of windows -> features of the labelled samples, shape (samples, features).
    windows : sequence of int
    y, groups, sample_weight
        See `RidgeClassification`.

    Returns
    -------
    int
        With the smallest error on left-out folds; with one sample of a class, where nothing can be left out, the one
        nearest to 5.
    dict of int to float
        That error of each: mean over classes, in units of the variance of a class indicator.
    """
    if len(windows) == 1:
        return windows[0], {}
    errors = {}
    for count in windows:
        found = RidgeClassification().fit(features(count), y, groups, sample_weight).readout_.cv_error_
        errors[count] = float(found.min())
    if not np.isfinite(list(errors.values())).all():
        return min(windows, key=lambda w: (abs(w - USUAL), w)), {}
    return min(errors, key=lambda w: errors[w]), errors


def lagged(x: ArrayLike, lags: int) -> Array:
    """Each row with the rows before it, newest first; shape (rows - lags + 1, lags * channels).

    Raises
    ------
    TooShortError
        If there are fewer rows than lags.
    """
    array = np.asarray(x, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if len(array) < lags:
        raise TooShortError(
            f"a linear model on {lags} lags needs at least {lags} samples, got {len(array)}",
            fix="use fewer lags",
            measure="forecast",
            required=lags,
        )
    return np.concatenate([array[lags - 1 - i : len(array) - i] for i in range(lags)], axis=1)
