"""Models without a network, on the same input: what its recurrence has to beat."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import choose_windows, counted, fit_readout, window_counts
from hetero_rsnn.inputs.labels import (
    AUTO,
    check_groups,
    check_labels,
    check_truth,
    check_weighed,
    check_weights,
    labelled,
)

#: What the readout may be given of the input.
FEATURES = ("windows", "minirocket")


def _readout_has(name: str) -> Any:
    def check(self: LinearClassifier) -> bool:
        if not hasattr(self, "readout_") or not hasattr(self.readout_, name):
            raise AttributeError(f"the readout of this LinearClassifier has no {name}, or it is not fitted")
        return True

    return check


class LinearClassifier:
    """The readout of `HRSNNClassifier` on the encoded input itself: the baseline that a network has to beat.

    Parameters
    ----------
    like : HRSNNClassifier
        A fitted one: its encoder, kind of readout and mark of samples without a label are used.
    windows : int, "all", list of these, or "auto", optional
        As for `HRSNNClassifier`, chosen by the same cross-validation, for the input alone. None: the number that `like`
        uses.
    features : {"windows", "minirocket"}
        The input averaged over windows, so that the model is linear; or MiniRocket, thousands of random convolutions of
        it, a strong classifier of series without a network (needs aeon or sktime). Shorter samples are stretched.
    seed : int
        Of the random convolutions.

    Attributes
    ----------
    classes_ : ndarray
    readout_ : estimator
    windows_ : int
        Number of windows that is used.

    Raises
    ------
    HeteroError
        If an argument breaks its rule, or neither aeon nor sktime is installed where they are needed.

    References
    ----------
    A. Dempster, D. F. Schmidt, G. I. Webb, "MiniRocket: a very fast (almost) deterministic transform for time series
    classification", KDD 2021.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> X_train, X_test, y_train, y_test = hr.load_dataset("japanese_vowels").split()
    >>> clf = hr.HRSNNClassifier("henhes", overrides={"n": 30}).fit(X_train, y_train)
    >>> linear = hr.LinearClassifier(clf).fit(X_train, y_train)
    >>> linear.windows_, linear.score(X_test, y_test) > 0.95
    (12, True)
    """

    def __init__(
        self, like: NetworkEstimator, *, windows: Any = "auto", features: str = "windows", seed: int = 0
    ) -> None:
        self.like: Any = like
        self.windows = windows
        self.kind = checks.one_of("features", features, FEATURES)
        self.seed = checks.whole("seed", seed, least=0, most=2**31 - 1)
        if self.kind == "minirocket":
            rocket_class()  # refused before anything is computed
        if windows is not None:
            window_counts(windows)

    def features(self, X: Any) -> Array:
        """What the readout sees: mean input in each window, shape (samples, windows * channels), or convolutions."""
        if self.kind == "minirocket":
            return self._convolved(list(self.like.each_input(X)))
        count = getattr(self, "windows_", None)
        count = _windows_of(self.like) if count is None else count
        return np.array([pool(x, count) for x in self.like.each_input(X)])

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Fit the readout on the labelled samples, with the same folds as the network's."""
        inputs = list(self.like.each_input(X))
        mark = getattr(self.like, "unlabelled", AUTO)
        labels = check_labels(y, len(inputs), unlabelled=mark)
        weight = check_weights(sample_weight, len(inputs))
        known = labelled(labels, mark)
        of_all = check_groups(groups, len(inputs))
        chosen = None if of_all is None else of_all[known]
        weight = None if weight is None else weight[known]
        check_weighed(weight, labels[known])
        self.windows_errors_: dict[int, float] = {}
        if self.kind == "minirocket":
            features = self._convolved(inputs, fit=True)
        else:
            tried = window_counts(_windows_of(self.like) if self.windows is None else self.windows)
            numbers = counted(tried, max(map(len, inputs)), len(inputs), inputs[0].shape[1])
            pooled = {w: np.array([pool(x, w) for x in inputs]) for w in numbers}
            self.windows_, self.windows_errors_ = choose_windows(
                lambda w: pooled[w][known], numbers, labels[known], chosen, weight
            )
            features = pooled[self.windows_]
        kind = getattr(self.like, "readout", "ridge")
        kind = "ridge" if kind == "trained" else kind  # along with a network: there is none here
        self.readout_: Any = fit_readout(kind, features[known], labels[known], chosen, weight)
        self.classes_ = self.readout_.classes_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        self._check_fitted()
        return np.asarray(self.readout_.predict(self.features(X)))

    @available_if(_readout_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """Scores, shape (samples, classes); of two classes that of the second, (samples,)."""
        return np.asarray(self.readout_.decision_function(self.features(X)))

    @available_if(_readout_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probabilities, shape (samples, classes); for readouts that have them."""
        return np.asarray(self.readout_.predict_proba(self.features(X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; every sample needs a label."""
        self._check_fitted()
        features = self.features(X)
        labels = check_truth(y, len(features), unlabelled=getattr(self.like, "unlabelled", AUTO))
        weight = check_weights(sample_weight, len(features))
        return float(np.average(self.readout_.predict(features) == labels, weights=weight))

    def _check_fitted(self) -> None:
        if not hasattr(self, "readout_"):
            raise NotFittedError("this LinearClassifier is not fitted yet: call fit first")

    def _convolved(self, inputs: list[Array], fit: bool = False) -> Array:
        if fit:
            self._length = max(9, *(len(x) for x in inputs))
            self._rocket = minirocket(self.seed)
        stretched = np.stack([pool(x, self._length).reshape(self._length, -1).T for x in inputs]).astype(np.float32)
        # Its loops run in threads of numba's own, which two threads of ours may not enter together.
        with _ONE_AT_A_TIME:
            if fit:
                self._rocket.fit(stretched)
            return np.asarray(self._rocket.transform(stretched), dtype=np.float64)


_ONE_AT_A_TIME = Lock()
#: Where MiniRocket is found: package, module, name.
ROCKETS = (
    ("aeon", "aeon.transformations.collection.convolution_based", "MiniRocket"),
    ("sktime", "sktime.transformations.panel.rocket", "MiniRocketMultivariate"),
)


def has_minirocket() -> bool:
    """Whether aeon or sktime is installed."""
    return any(find_spec(package) is not None for package, _, _ in ROCKETS)


def rocket_class() -> Any:
    """MiniRocket of aeon, or else of sktime.

    Raises
    ------
    HeteroError
        If neither is installed.
    """
    if not has_minirocket():
        raise HeteroError(
            "MiniRocket needs aeon or sktime, got neither installed", fix='pip install "hetero-rsnn[rocket]"'
        )
    _, module, name = next(rocket for rocket in ROCKETS if find_spec(rocket[0]) is not None)
    return getattr(need(module, "rocket", "MiniRocket"), name)


def minirocket(seed: int = 0) -> Any:
    """An unfitted MiniRocket; takes arrays (samples, channels, time), and raises as `rocket_class`."""
    return rocket_class()(random_state=seed)


def _windows_of(like: Any) -> int:
    return int(getattr(like, "windows_", like.windows))
