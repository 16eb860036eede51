"""An anytime readout: class scores after every few rows of a sample, so that a decision need not wait for its end."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import RidgeClassification, choose_windows, class_folds, counted, window_counts
from hetero_rsnn.inputs.labels import AUTO, check_groups, check_labels, check_weights, labelled
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.simulation.recording import Recording, samples_of

#: Windows of readouts for every time, if there is a choice.
MOST_WINDOWS = 24


class AnytimeReadout:
    """Scores of a classifier's network over time.

    One ridge readout for each time on the grid: it sees what has happened until then, averaged over windows. A sample
    that has ended takes part with its whole length. The strength is chosen once, on whole samples.

    Parameters
    ----------
    classifier : HRSNNClassifier or HRSNNFeatures
        A fitted one; its network, encoder and windows are used, a readout of its own is not.
    every : int
        Rows (input samples) between decisions.
    windows : int, "all", list of these, or "auto", optional
        As for `HRSNNClassifier`, chosen on whole samples, from at most 24 if there is a choice. None: the number that
        the classifier uses, at most 24.

    Attributes
    ----------
    windows_ : int
        Number of windows that is used.
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

    def __init__(self, classifier: NetworkEstimator, *, every: int = 1, windows: Any = None) -> None:
        classifier.check_fitted()
        self.classifier: Any = classifier
        self.every = checks.whole("every", every, least=1, most=10**6, error=StimulusError)
        self.windows = windows
        if windows is not None:
            window_counts(windows)
        if getattr(classifier.encoder_, "level", None) == "peak":
            raise HeteroError(
                "an anytime readout needs a causal encoder, got level='peak', which knows the loudest frame ahead: "
                "use level='running' or none"
            )

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit one readout for every time.

        Parameters
        ----------
        X, y, groups, sample_weight
            As for `HRSNNClassifier.fit`; usually those samples of its training set that do not calibrate a cutoff.
        """
        labels, chosen = self._checked(X, y, groups)
        known = np.flatnonzero(labelled(labels, self._mark))
        weight = check_weights(sample_weight, len(labels))
        return self._fit(
            self._states(take(X, known)), labels[known], None if chosen is None else chosen[known],
            None if weight is None else weight[known],
        )  # fmt: skip

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
        labels, chosen = self._checked(X, y, groups, quiet=True)
        known = labelled(labels, self._mark)
        if not known.all():
            missing = int(np.flatnonzero(~known)[0])
            raise HeteroError(
                f"cross-fitting needs labelled samples, got {labels[missing].item()!r} for sample {missing}: "
                "leave it out"
            )
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
            other = AnytimeReadout(self.classifier, every=self.every, windows=self.windows)
            other._fit([states[k] for k in rest], labels[rest], None if chosen is None else chosen[rest])
            for k, rows in zip(held, other._scores([states[k] for k in held]), strict=True):
                out[k] = rows
        return out

    def _fit(
        self,
        states: list[Array],
        labels: NDArray[Any],
        groups: NDArray[Any] | None,
        weight: Array | None = None,
    ) -> Self:
        ends = self._steps(states)
        windows, _ = choose_windows(lambda w: _pooled(states, w, None), self._tried(states), labels, groups, weight)
        self.windows_ = windows
        whole_samples = RidgeClassification().fit(_pooled(states, windows, None), labels, groups, weight)
        strength = whole_samples.readout_.strength_
        self.classes_ = whole_samples.classes_
        # Beyond the length that nine in ten have reached, what a readout would learn is who is slow.
        last = int(np.quantile(ends, 0.9))
        self.readouts_ = [
            RidgeClassification([strength]).fit(_pooled(states, windows, t * self.every), labels, None, weight)
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
                features = _pooled([states[k] for k in alive], self.windows_, t * self.every)
                readout = self.readouts_[min(t, len(self.readouts_)) - 1]
                for k, row in zip(alive, readout.readout_.predict(features), strict=True):
                    out[k][t - 1] = row
        final = self.final_.readout_.predict(_pooled(states, self.windows_, None))
        for k, row in enumerate(final):
            out[k][-1] = row
        return out

    def spikes(self) -> list[Array]:
        """Spikes of the whole network in each step of every sample that was last scored; shape (steps,) a sample."""
        if not hasattr(self, "_spikes"):
            raise NotFittedError("this AnytimeReadout has not scored a sample yet: call scores first")
        return self._spikes

    def _tried(self, states: list[Array]) -> list[int]:
        """Numbers of windows to choose from; not one a row, since there is a readout for every time."""
        if self.windows is None:
            own = getattr(self.classifier, "windows_", None)
            return [int(self.classifier.windows) if own is None else min(int(own), MOST_WINDOWS)]
        numbers = counted(window_counts(self.windows), max(map(len, states)), len(states), states[0].shape[1])
        return numbers if len(numbers) == 1 else [w for w in numbers if w <= MOST_WINDOWS] or [MOST_WINDOWS]

    @property
    def _mark(self) -> Any:
        return getattr(self.classifier, "unlabelled", AUTO)

    def _checked(
        self, X: Any, y: ArrayLike, groups: ArrayLike | None, quiet: bool = False
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore", UserWarning)  # refused instead
            labels = check_labels(y, len(X), unlabelled=self._mark, stacklevel=4)
        return labels, check_groups(groups, len(X))

    def _steps(self, states: list[Array]) -> Ints:
        return np.array([-(-len(x) // self.every) for x in states])

    def _states(self, X: Any) -> list[Array]:
        every, samples = self.every, self.classifier.check_samples(X)

        def read(x: Array, recording: Recording) -> tuple[Array, Array]:
            step = samples_of(recording.spike_times, recording.hold * every, recording.dt)
            # Half the memory: thousands of samples are kept at once.
            return x.astype(np.float32), np.bincount(step, minlength=-(-len(x) // every)).astype(np.float64)

        both = self.classifier.frozen_pass(samples, read)
        self._spikes = [spikes for _, spikes in both]
        return [x for x, _ in both]


def _pooled(states: list[Array], windows: int, stop: int | None) -> Array:
    return np.array([pool(x, windows, stop) for x in states], dtype=np.float32)
