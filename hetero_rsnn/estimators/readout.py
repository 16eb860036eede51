"""Linear readouts of tasks: ridge and logistic regression, strengths chosen on folds, lagged inputs.

scikit-learn's `RidgeCV` leaves out one row at a time, which neighbours in a time series give away, and a grid search
decomposes the features anew for every strength. Here one decomposition a fold serves all strengths.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from hetero_rsnn.common.errors import HeteroError, TooShortError, suggest
from hetero_rsnn.common.types import Array, Ints

#: Ridge strengths that are tried, in units of `RidgeReadout`: half-decade steps.
STRENGTHS: tuple[float, ...] = tuple(float(s) for s in np.logspace(-7, 3, 21))


class RidgeReadout(BaseEstimator):  # type: ignore[misc]
    """Ridge regression on standardised features, its strength chosen by cross-validation over given folds.

    Minimises ``|y - x w - b|^2 + strength * max(rows, features) * |w|^2``, so that a strength means about the same for
    any number of rows and features.

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

    def fit(self, X: ArrayLike, Y: ArrayLike, folds: ArrayLike | None = None) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : array, shape (rows, features)
        Y : array, shape (rows, targets)
        folds : array of int, shape (rows,), optional
            Rows with one number are left out together: contiguous blocks of a series, or samples of one speaker. None
            (or a single fold) takes the middle of the strengths.

        Raises
        ------
        HeteroError
            If the shapes do not fit, a number is not finite, or a strength is not > 0.
        """
        strengths = np.sort(np.atleast_1d(np.asarray(self.strengths, dtype=float)))
        if strengths.ndim != 1 or not strengths.size or not (np.isfinite(strengths) & (strengths > 0)).all():
            raise HeteroError(f"strengths must be one or more finite numbers > 0, got {self.strengths!r}: e.g. 0.01")
        x, y = np.asarray(X), np.asarray(Y, dtype=np.float64)
        if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
            raise HeteroError(f"features and targets must be (rows, ...) of one length, got {x.shape} and {y.shape}")
        if not 0 <= self.light <= x.shape[1]:
            raise HeteroError(f"light must be a number of columns from 0 to {x.shape[1]}, got {self.light!r}: lower it")
        mean = x.mean(axis=0, dtype=np.float64)
        if not (np.isfinite(mean).all() and np.isfinite(y).all()):
            raise HeteroError("features and targets must be finite, got NaN or infinity: look where they come from")
        spread = x.std(axis=0, dtype=np.float64)
        keep = spread > 1e-9 * max(float(spread.max(initial=0.0)), 1e-300)  # what stands still says nothing
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=keep)
        scale[len(scale) - self.light :] *= 10.0
        z = (x - mean) * scale
        unit = float(max(z.shape))
        if folds is not None and np.shape(folds) != (len(z),):
            raise HeteroError(
                f"folds must be one number a row ({len(z)}), got shape {np.shape(folds)}: number all rows"
            )
        labels = np.zeros(len(z), np.int64) if folds is None else np.unique(np.asarray(folds), return_inverse=True)[1]
        offset = y.mean(axis=0)
        centred = y - offset  # squares of a large offset would drown the errors
        solve = _Rows(z, centred) if z.shape[0] <= z.shape[1] else _Moments(z, centred, labels)
        self.cv_error_ = np.full(strengths.size, np.nan)
        if strengths.size == 1 or labels.max() == 0:
            self.strength_ = float(strengths[strengths.size // 2])
        else:
            # What does not vary has no error to weigh: left in, its rounding errors would outweigh all others.
            variance = np.where(np.ptp(y, axis=0) > 0, (centred**2).mean(axis=0), np.inf)
            errors = sum(solve.left_out(labels, fold, strengths * unit) for fold in range(labels.max() + 1))
            self.cv_error_ = np.asarray((errors / len(z) / variance).mean(axis=1))
            self.strength_ = float(strengths[int(np.argmin(self.cv_error_))])
        self.coef_ = solve.weights(self.strength_ * unit) * scale[:, None]
        self.intercept_ = offset - mean @ self.coef_
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predict, shape (rows, targets)."""
        return np.asarray(np.asarray(X) @ self.coef_ + self.intercept_, dtype=np.float64)


class _Rows:
    """More features than rows: works with the products of rows (the dual form)."""

    def __init__(self, z: Array, y: Array) -> None:
        self.z, self.y = z, y
        self.kernel = np.asarray(z @ z.T, dtype=np.float64)

    def left_out(self, labels: Ints, fold: int, strengths: Array) -> Array:
        out = labels == fold
        centre = self.y[~out].mean(axis=0)
        inside, across = self.kernel[np.ix_(~out, ~out)], self.kernel[np.ix_(out, ~out)]
        # Products of features that are centred on the rows kept, as their targets are.
        mean, middle = inside.mean(axis=0), inside.mean()
        across = across - across.mean(axis=1, keepdims=True) - mean + middle
        values, vectors = np.linalg.eigh(inside - mean[:, None] - mean + middle)
        along = vectors.T @ (self.y[~out] - centre)
        towards = across @ vectors
        rest = self.y[out] - centre
        return np.stack(
            [((rest - towards @ (along / (np.maximum(values, 0.0) + s)[:, None])) ** 2).sum(axis=0) for s in strengths]
        )

    def weights(self, strength: float) -> Array:
        system = self.kernel + strength * np.eye(len(self.kernel))
        return np.asarray(self.z.T @ np.linalg.solve(system, self.y - self.y.mean(axis=0)), dtype=np.float64)


class _Moments:
    """More rows than features: works with sums of products, fold by fold."""

    def __init__(self, z: Array, y: Array, labels: Ints) -> None:
        parts = [self._sums(z[labels == fold], y[labels == fold]) for fold in range(labels.max() + 1)]
        self.parts = parts
        self.whole = [np.sum(same, axis=0) for same in zip(*parts, strict=True)]

    @staticmethod
    def _sums(z: Array, y: Array) -> list[Array]:
        z = np.asarray(z, dtype=np.float64)
        return [z.T @ z, z.T @ y, np.einsum("kt,kt->t", y, y), z.sum(axis=0), y.sum(axis=0), np.float64(len(z))]

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

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit; folds are whole groups, or else stratified. With one sample of a class there is nothing to leave out."""
        self.classes_, number = np.unique(np.asarray(y), return_inverse=True)
        codes = np.where(number[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        self.readout_ = RidgeReadout(self.strengths).fit(X, codes, class_folds(number, groups))
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


def fit_readout(readout: Any, features: Array, y: NDArray[Any], groups: Any = None) -> Any:
    """Make a readout and fit it; `groups` decide the folds of the ridge."""
    counts = np.unique(y, return_counts=True)[1]
    made = make_readout(readout, len(features), features.shape[1], int(counts.min()))
    return made.fit(features, y, groups) if isinstance(made, RidgeClassification) else made.fit(features, y)


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
