"""A classifier of time series: unsupervised network, linear readout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import (
    check_weighs,
    choose_windows,
    counted,
    fit_readout,
    make_readout,
    window_counts,
)
from hetero_rsnn.inputs.labels import (
    check_groups,
    check_labels,
    check_mark,
    check_truth,
    check_weighed,
    check_weights,
    labelled,
)
from hetero_rsnn.measures.reports import ClassificationReport, classification_report


def _readout_has(name: str) -> Any:
    def check(self: HRSNNClassifier) -> bool:
        try:
            made = self.readout_ if hasattr(self, "readout_") else self._make_readout()
        except HeteroError as error:  # said by fit; whether there is a method is only asked here
            raise AttributeError(str(error)) from None
        if not hasattr(made, name):
            raise AttributeError(f"readout {self.readout!r} has no {name}: use readout='logistic'")
        return True

    return check


class HRSNNClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """Classify time series: a network that learns without labels, and a linear readout of its states.

    Parameters
    ----------
    network, overrides, encoder, layout, hold, tau_read
        See `HRSNNFeatures`.
    windows : int, "all", list of these, or "auto"
        Each sample is cut into this many parts of equal length; the readout sees the mean state in each. ``"all"`` is
        one a row of the longest training sample. Of several the one with the smallest error is taken, by
        cross-validation of a ridge readout inside the training data; ``"auto"`` chooses from 1, 5, 12, 24 and all,
        without those that would take more than a gigabyte.
    epochs, learn_for, rest, seed, backend, precision, n_jobs, verbose
        See `HRSNNFeatures`.
    readout : {"ridge", "logistic"} or estimator
        Ridge regression on class indicators, multinomial logistic regression (slower, has `predict_proba`), or any
        scikit-learn classifier. The strength of the first two is chosen by cross-validation inside the training data.
    unlabelled : {"auto"}, int, str or None
        The label of samples that have none: the network learns from them, the readout does not. None: every label is a
        class. ``"auto"`` takes -1 among numbers for it, as scikit-learn's semi-supervised estimators do, and warns.

    Attributes
    ----------
    classes_ : ndarray
    windows_ : int
        Number of windows that is used.
    windows_errors_ : dict of int to float
        Error of each number of windows that was tried; empty if there was no choice.
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
        unlabelled: Any = "auto",
        overrides: Any = None,
        encoder: Any = "current",
        layout: Any = None,
        hold: Any = None,
        tau_read: Any = None,
        windows: Any = "auto",
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
        self.unlabelled = unlabelled
        self.overrides = overrides
        self.encoder = encoder
        self.layout = layout
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

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Encode, learn without labels, freeze, and fit the readout.

        Parameters
        ----------
        X : list of array, shape (time, channels); array, shape (samples, time, channels); or list of Stimulus
        y : array, shape (samples,)
            Labels: whole numbers, truth values or names; see `unlabelled`.
        groups : array, shape (samples,), optional
            Who a sample comes from: the ridge strength is then chosen so that it carries over to groups left out.
        sample_weight : array, shape (samples,), optional
            How much each sample counts for the readout: 2 as two samples, 0 as none. The network, which learns without
            labels, is shown all alike.

        Raises
        ------
        HeteroError
            If X is empty, not finite or of changing channels, if y does not fit X or holds one class only, or a
            parameter breaks its rule.

        Warns
        -----
        UserWarning
            If labels are -1 and nobody has said what that means, or samples look like (channels, time).
        """
        check_mark(self.unlabelled)
        window_counts(self.windows)
        samples = self.check_samples(X, fitting=True)
        labels = check_labels(y, len(samples), unlabelled=self.unlabelled)
        of_all = check_groups(groups, len(samples))
        weight = check_weights(sample_weight, len(samples))
        self._make_readout()
        if weight is not None:
            self._check_weighs()
        known = labelled(labels, self.unlabelled)
        check_weighed(None if weight is None else weight[known], labels[known])
        with self._whole_or_not():
            self._learn(samples)
            self._train(samples, labels, known, weight)
            states = self._fit_readout(samples, labels, known, of_all, weight)
            self.classes_ = np.unique(labels[known] if weight is None else labels[known][weight[known] > 0])
            self.train_report_ = self._report(labels, self.readout_.predict(states))
        return self

    def _make_readout(self) -> Any:
        """A readout as `readout` says, not fitted."""
        return make_readout(self.readout, 2, 2, 2)

    def _check_weighs(self) -> None:
        """Refuse a readout that has no use for weights of samples."""
        check_weighs(self.readout)

    def _fit_readout(
        self, samples: Any, labels: NDArray[Any], known: Bools, groups: Any, weight: Array | None
    ) -> Array:
        """Choose the number of windows and fit the readout; return what it sees of all samples."""
        tried = window_counts(self.windows)
        groups = None if groups is None else groups[known]
        weight = None if weight is None else weight[known]
        longest = self.longest(samples) if "all" in tried else 1
        numbers = counted(tried, longest, len(samples), self.network_.n * len(self.taus_))
        features = dict(zip(numbers, self._pooled(samples, numbers), strict=True))
        self.windows_, self.windows_errors_ = choose_windows(
            lambda w: features[w][known], numbers, labels[known], groups, weight
        )
        states = features[self.windows_]
        self.readout_ = fit_readout(self.readout, states[known], labels[known], groups, weight)
        return states

    def _train(self, samples: Sequence[Any], labels: NDArray[Any], known: Bools, weight: Array | None) -> None:
        """What labels teach the network itself: nothing here."""

    def _pooled(self, samples: Any, windows: list[int]) -> list[Array]:
        """Features for several numbers of windows, from one pass."""
        each = self.frozen_pass(samples, lambda x, _: [pool(x, w) for w in windows])
        return [np.array(same) for same in zip(*each, strict=True)]

    def _features(self, samples: Any) -> Array:
        return self._pooled(samples, [self.windows_])[0]

    def features(self, X: Any) -> Array:
        """What the readout reads, shape (samples, windows * neurons * filters): mean states in each window."""
        self.check_fitted()
        return self._features(self.check_samples(X))

    @available_if(_readout_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """Scores, shape (samples, classes); of two classes that of the second, (samples,)."""
        self.check_fitted()
        return np.asarray(self.readout_.decision_function(self.features(X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy.

        Parameters
        ----------
        X, y
            As for `fit`; every sample needs a label.
        sample_weight : array, shape (samples,), optional
            How much each sample counts.

        Raises
        ------
        HeteroError
            If a sample has no label: left out in silence, it could hide a class.
        """
        self.check_fitted()
        samples = self.check_samples(X)
        labels = check_truth(y, len(samples), unlabelled=self.unlabelled)
        weight = check_weights(sample_weight, len(samples))
        return float(np.average(self.readout_.predict(self._features(samples)) == labels, weights=weight))

    @available_if(_readout_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probabilities, shape (samples, classes); for readouts that have them."""
        self.check_fitted()
        return np.asarray(self.readout_.predict_proba(self.features(X)))

    @available_if(_readout_has("predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of the probabilities, shape (samples, classes); for readouts that have them."""
        self.check_fitted()
        return np.asarray(self.readout_.predict_log_proba(self.features(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        self.check_fitted()
        return np.asarray(self.readout_.predict(self.features(X)))

    def report(self, X: Any, y: Any) -> ClassificationReport:
        """Accuracy with its interval, spikes per inference, and task efficiency; every sample needs a label."""
        self.check_fitted()
        samples = self.check_samples(X)
        labels = check_truth(y, len(samples), unlabelled=self.unlabelled)
        return self._report(labels, self.readout_.predict(self._features(samples)))

    def _report(self, labels: NDArray[Any], decided: NDArray[Any]) -> ClassificationReport:
        known = labelled(labels, self.unlabelled)
        seconds = float(self.rows_[known].sum()) * self.hold_ / 1e3
        classes = np.union1d(self.classes_, labels[known])
        return classification_report(
            labels[known], decided[known], classes, self.spikes_[known], self.network_.n, seconds,
            self.operations_[known],
        )  # fmt: skip
