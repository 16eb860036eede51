"""An anytime readout: class scores after every few rows of a sample, so that a decision need not wait for its end."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import RidgeClassification, class_folds
from hetero_rsnn.inputs.labels import check_labels, labelled
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.simulation.recording import Recording


class AnytimeReadout:
    """Scores of a classifier's network over time.

    One ridge readout for each time on the grid: it sees what has happened until then, averaged over as many windows as
    the classifier's. A sample that has ended takes part with its whole length. The strength is chosen once, on whole
    samples.

    Parameters
    ----------
    classifier : HRSNNClassifier or HRSNNFeatures
        A fitted one; its network, encoder and windows are used, a readout of its own is not.
    every : int
        Rows (input samples) between decisions.

    Attributes
    ----------
    readouts_ : list of RidgeClassification
        For 1, 2, ... steps of `every` rows.
    classes_ : ndarray

    Notes
    -----
    The encoder must be causal for the times to mean anything: ``AudioEncoder(level="peak")`` knows the loudest frame in
    advance, ``level="running"`` does not.

    References
    ----------
    D. Wu, G. Jin, H. Yu, X. Yi, X. Huang, "Optimising event-driven spiking neural network with regularisation and
    cutoff", arXiv:2301.09522 (the cutoff that these scores are for: `hetero_rsnn.measures.cutoff`).
    """

    def __init__(self, classifier: NetworkEstimator, *, every: int = 1) -> None:
        classifier.check_fitted()
        self.classifier: Any = classifier
        self.every = checks.whole("every", every, least=1, most=10**6, error=StimulusError)
        if getattr(classifier.encoder_, "level", None) == "peak":
            raise HeteroError(
                "an anytime readout needs a causal encoder, got level='peak', which knows the loudest frame ahead: "
                "use level='running' or none"
            )

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit one readout for every time.

        Parameters
        ----------
        X, y, groups
            As for `HRSNNClassifier.fit`; usually those samples of its training set that do not calibrate a cutoff.
        """
        labels, chosen = _checked(X, y, groups)
        known = np.flatnonzero(labelled(labels))
        return self._fit(self._states(take(X, known)), labels[known], None if chosen is None else chosen[known])

    def scores(self, X: Any) -> list[Array]:
        """Class scores, one array (steps, classes) a sample; its last row is that of the whole sample."""
        if not hasattr(self, "readouts_"):
            raise NotFittedError("this AnytimeReadout is not fitted yet: call fit first")
        return self._scores(self._states(X))

    def cross_scores(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None, *, folds: int = 5) -> list[Array]:
        """Scores of training samples, each by readouts that were fitted without it.

        They calibrate a cutoff where samples are too few to hold some back: all calibrate, and all fit the readout that
        decides. The folds are those of the ridge readout's cross-validation, and nothing is drawn. `fit` is not
        needed before, and nothing that it found is changed.

        Parameters
        ----------
        X, y, groups
            As for `fit`. Samples without a label, which calibrate nothing, are refused.
        folds : int
            At least 2; a class with fewer samples lowers it.

        Returns
        -------
        list of ndarray, shape (steps, classes)

        Raises
        ------
        HeteroError
            If a class has one sample only, or an argument is not valid.

        Notes
        -----
        The readout alone is fitted anew for each fold. The network has seen the held-out samples, without their
        labels, if it learned from them. And the readout that decides saw all samples: it errs a little less, and its
        scores are a little further apart, than those that set the thresholds.
        """
        checks.whole("folds", folds, least=2, most=10_000, error=StimulusError)
        labels, chosen = _checked(X, y, groups)
        if not labelled(labels).all():
            missing = int(np.flatnonzero(~labelled(labels))[0])
            raise HeteroError(f"cross-fitting needs labelled samples, got -1 for sample {missing}: leave it out")
        classes, number = np.unique(labels, return_inverse=True)
        fold = class_folds(number, chosen, folds)
        if fold is None:
            rare = classes[np.bincount(number).argmin()].item()
            raise HeteroError(f"cross-fitting needs two samples of every class, got one of class {rare!r}: add to it")
        states = self._states(X)
        out: list[Any] = [None] * len(states)
        for f in np.unique(fold):
            held, rest = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
            lost = np.setdiff1d(number, number[rest])
            if lost.size:
                lost_class = classes[lost[0]].item()
                raise HeteroError(f"class {lost_class!r} is in one group alone: cross-fit without groups")
            other = AnytimeReadout(self.classifier, every=self.every)
            other._fit([states[k] for k in rest], labels[rest], None if chosen is None else chosen[rest])
            for k, rows in zip(held, other._scores([states[k] for k in held]), strict=True):
                out[k] = rows
        return out

    def _fit(self, states: list[Array], labels: NDArray[Any], groups: NDArray[Any] | None) -> Self:
        windows, ends = self.classifier.windows, self._steps(states)
        whole_samples = RidgeClassification().fit(_pooled(states, windows, None), labels, groups)
        strength = whole_samples.readout_.strength_
        self.classes_ = whole_samples.classes_
        # Beyond the length that nine in ten have reached, what a readout would learn is who is slow.
        last = int(np.quantile(ends, 0.9))
        self.readouts_ = [
            RidgeClassification([strength]).fit(_pooled(states, windows, t * self.every), labels)
            for t in range(1, last + 1)
        ]
        self.final_ = whole_samples
        return self

    def _scores(self, states: list[Array]) -> list[Array]:
        steps = self._steps(states)
        out = [np.empty((n, len(self.classes_))) for n in steps]
        for t in range(1, int(steps.max()) + 1):
            alive = [k for k in range(len(states)) if steps[k] > t]
            if alive:
                features = _pooled([states[k] for k in alive], self.classifier.windows, t * self.every)
                readout = self.readouts_[min(t, len(self.readouts_)) - 1]
                for k, row in zip(alive, readout.readout_.predict(features), strict=True):
                    out[k][t - 1] = row
        final = self.final_.readout_.predict(_pooled(states, self.classifier.windows, None))
        for k, row in enumerate(final):
            out[k][-1] = row
        return out

    def spikes(self) -> list[Array]:
        """Spikes of the whole network in each step of every sample that was last scored; shape (steps,) a sample."""
        if not hasattr(self, "_spikes"):
            raise NotFittedError("this AnytimeReadout has not scored a sample yet: call scores first")
        return self._spikes

    def _steps(self, states: list[Array]) -> Ints:
        return np.array([-(-len(x) // self.every) for x in states])

    def _states(self, X: Any) -> list[Array]:
        every, samples = self.every, self.classifier.check_samples(X)

        def read(x: Array, recording: Recording) -> tuple[Array, Array]:
            step = np.floor(recording.spike_times / (recording.hold * every) + 1e-9).astype(np.int64)
            # Half the memory: thousands of samples are kept at once.
            return x.astype(np.float32), np.bincount(step, minlength=-(-len(x) // every)).astype(np.float64)

        both = self.classifier.frozen_pass(samples, read)
        self._spikes = [spikes for _, spikes in both]
        return [x for x, _ in both]


def _checked(X: Any, y: ArrayLike, groups: ArrayLike | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    labels = check_labels(y, len(X))
    if groups is not None and len(np.asarray(groups)) != len(X):
        raise HeteroError(f"groups must be one a sample ({len(X)}), got {len(np.asarray(groups))}: name all")
    return labels, None if groups is None else np.asarray(groups)


def _pooled(states: list[Array], windows: int, stop: int | None) -> Array:
    return np.array([pool(x, windows, stop) for x in states], dtype=np.float32)
