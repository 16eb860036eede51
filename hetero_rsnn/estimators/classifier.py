"""A classifier of time series: unsupervised network, linear readout."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import fit_readout, make_readout
from hetero_rsnn.inputs.labels import check_labels, labelled
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.measures.reports import ClassificationReport, classification_report


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
        samples = self.check_samples(X)
        labels = check_labels(y, len(samples))
        if groups is not None and len(np.asarray(groups)) != len(samples):
            raise HeteroError(f"groups must be one a sample ({len(samples)}), got {len(np.asarray(groups))}: name all")
        checks.whole("windows", self.windows, least=1, most=10_000, error=StimulusError)
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
        return np.array(self.frozen_pass(samples, lambda x, _: pool(x, self.windows)))

    def features(self, X: Any) -> Array:
        """What the readout reads, shape (samples, windows * neurons * filters): mean states in each window."""
        return self._features(self.check_samples(X))

    @available_if(_readout_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """Scores, shape (samples, classes); of two classes that of the second, (samples,)."""
        self.check_fitted()
        return np.asarray(self.readout_.decision_function(self.features(X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the samples that have a label."""
        known = labelled(np.asarray(y))
        if known.all() or not known.any():
            return float(super().score(X, y, sample_weight))
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(super().score(take(self.check_samples(X), np.flatnonzero(known)), np.asarray(y)[known], weight))

    @available_if(_readout_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probabilities, shape (samples, classes); for readouts that have them."""
        self.check_fitted()
        return np.asarray(self.readout_.predict_proba(self.features(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        self.check_fitted()
        return np.asarray(self.readout_.predict(self.features(X)))

    def report(self, X: Any, y: Any) -> ClassificationReport:
        """Accuracy with its interval, spikes per inference, and task efficiency, on labelled samples."""
        self.check_fitted()
        samples, labels = self.check_samples(X), np.asarray(y)
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
