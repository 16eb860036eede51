"""A classifier of time series: unsupervised network, linear readout."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import STRENGTHS, RidgeReadout
from hetero_rsnn.inputs.samples import take, whole
from hetero_rsnn.measures.reports import ClassificationReport, classification_report

Array = NDArray[np.float64]

READOUTS = ("ridge", "logistic")
#: The label of samples that only the network learns from, as in scikit-learn's semi-supervised estimators.
UNLABELLED = -1


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


def class_folds(number: NDArray[np.int64], groups: ArrayLike | None, most: int = 5) -> NDArray[np.int64] | None:
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


def check_labels(y: Any, samples: int) -> NDArray[Any]:
    """Labels as a flat array, one a sample, of at least two classes among the labelled."""
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise HeteroError(f"y must be one label a sample ({samples}): {error}: give a flat list") from None
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(str)  # as tables hold names
    if labels.ndim != 1 or len(labels) != samples or labels.dtype.kind == "O":
        raise HeteroError(
            f"y must be one label a sample ({samples}), got shape {labels.shape} of {labels.dtype}: "
            "give a flat list of numbers or names"
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise HeteroError("y must be finite, got NaN or infinity: label the sample, or mark it as unlabelled with -1")
    if labels.dtype.kind == "f" and (odd := labels[labels != np.round(labels)]).size:
        raise HeteroError(f"y must be classes, got {odd[0]:g}: for numbers to predict there is HRSNNForecaster")
    known = labels[labelled(labels)]
    if len(np.unique(known)) < 2:
        found = f"only {np.unique(known).tolist()[0]!r}" if known.size else "no label at all"
        raise HeteroError(f"y must hold at least two classes, got {found} (-1 means unlabelled): give more")
    return labels


def labelled(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Which samples have a label."""
    return np.asarray(y != UNLABELLED) if y.dtype.kind in "if" else np.ones(len(y), dtype=bool)


def _readout_has(name: str) -> Any:
    def check(self: HRSNNClassifier) -> bool:
        made = self.readout_ if hasattr(self, "readout_") else make_readout(self.readout, 2, 2, 2)
        if not hasattr(made, name):
            raise AttributeError(f"readout {self.readout!r} has no {name}: use readout='logistic'")
        return True

    return check


class HRSNNClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """Classify time series: a network that learns without labels, and a linear readout of its states.

    Parameters
    ----------
    network, overrides, encoder, hold, tau_read, windows
        See `HRSNNFeatures`.
    epochs, learn_for, rest, seed, backend, precision, n_jobs, verbose
        See `HRSNNFeatures`.
    readout : {"ridge", "logistic"} or estimator
        Ridge regression on class indicators, multinomial logistic regression (slower, has `predict_proba`), or any
        scikit-learn classifier. The strength of the first two is chosen by cross-validation inside the training data.

    Attributes
    ----------
    classes_ : ndarray
    readout_ : estimator
        Fitted on the states.
    train_report_ : ClassificationReport
        On the labelled training samples: what was learnt, not how well it carries over. `report` takes other data.
    network_, encoder_, frozen_, spikes_
        See `HRSNNFeatures`.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> data = hr.load_dataset("japanese_vowels")
    >>> X_train, X_test, y_train, y_test = data.split()
    >>> clf = hr.HRSNNClassifier("henhes", overrides={"n": 100}).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    def __init__(
        self,
        network: Any = "henhes",
        *,
        readout: Any = "ridge",
        overrides: Any = None,
        encoder: Any = "current",
        hold: Any = None,
        tau_read: Any = None,
        windows: int = 5,
        epochs: int = 1,
        learn_for: Any = None,
        rest: Any = "100 ms",
        seed: int = 0,
        backend: str = "fast",
        precision: str = "double",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.network = network
        self.readout = readout
        self.overrides = overrides
        self.encoder = encoder
        self.hold = hold
        self.tau_read = tau_read
        self.windows = windows
        self.epochs = epochs
        self.learn_for = learn_for
        self.rest = rest
        self.seed = seed
        self.backend = backend
        self.precision = precision
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Encode, learn without labels, freeze, and fit the readout.

        Parameters
        ----------
        X : list of array, shape (time, channels); array, shape (samples, time, channels); or list of Stimulus
        y : array, shape (samples,)
            Labels. A whole number -1 marks a sample without one: the network learns from it, the readout does not.
        groups : array, shape (samples,), optional
            Who a sample comes from: the ridge strength is then chosen so that it carries over to groups left out.

        Raises
        ------
        HeteroError
            If X is empty, not finite or of changing channels, if y does not fit X or holds one class only, or a
            parameter breaks its rule.
        """
        samples = self._samples(X)
        labels = check_labels(y, len(samples))
        if groups is not None and len(np.asarray(groups)) != len(samples):
            raise HeteroError(f"groups must be one a sample ({len(samples)}), got {len(np.asarray(groups))}: name all")
        whole(self.windows, "windows", 1, 10_000)
        make_readout(self.readout, 2, 2, 2)
        self._learn(samples)
        features = self._features(samples)
        known = labelled(labels)
        chosen = None if groups is None else np.asarray(groups)[known]
        self.readout_ = fit_readout(self.readout, features[known], labels[known], chosen)
        self.classes_ = np.unique(labels[known])
        self.train_report_ = self._report(labels, self.readout_.predict(features))
        return self

    def _features(self, samples: Any) -> Array:
        return np.array(self._pass(samples, lambda x, _: pool(x, self.windows)))

    def features(self, X: Any) -> Array:
        """What the readout reads, shape (samples, windows * neurons * filters): mean states in each window."""
        return self._features(self._samples(X))

    @available_if(_readout_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """Scores, shape (samples, classes); of two classes that of the second, (samples,)."""
        self._fitted()
        return np.asarray(self.readout_.decision_function(self.features(X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the samples that have a label."""
        known = labelled(np.asarray(y))
        if known.all() or not known.any():
            return float(super().score(X, y, sample_weight))
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(super().score(take(self._samples(X), np.flatnonzero(known)), np.asarray(y)[known], weight))

    @available_if(_readout_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probabilities, shape (samples, classes); for readouts that have them."""
        self._fitted()
        return np.asarray(self.readout_.predict_proba(self.features(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        self._fitted()
        return np.asarray(self.readout_.predict(self.features(X)))

    def report(self, X: Any, y: Any) -> ClassificationReport:
        """Accuracy with its interval, spikes per inference, and task efficiency, on labelled samples."""
        self._fitted()
        samples, labels = self._samples(X), np.asarray(y)
        if labels.shape != (len(samples),):
            raise HeteroError(f"y must be one label a sample ({len(samples)}), got shape {labels.shape}")
        if not labelled(labels).any():
            raise HeteroError("y must hold labels to report on, got -1 (unlabelled) only: give labelled samples")
        return self._report(labels, self.readout_.predict(self._features(samples)))

    def _report(self, labels: NDArray[Any], decided: NDArray[Any]) -> ClassificationReport:
        known = labelled(labels)
        seconds = float(self.rows_[known].sum()) * self.hold_ / 1e3
        classes = np.union1d(self.classes_, labels[known])
        return classification_report(
            labels[known], decided[known], classes, self.spikes_[known], self.network_.n, seconds
        )
