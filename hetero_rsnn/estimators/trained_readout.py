"""The readout that was trained with a network, to answer when the network is frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.probabilities import softmax


class TrainedReadout:
    """The readout that was trained with a network: a linear model of classes.

    Attributes
    ----------
    coef_ : ndarray, shape (features, classes)
    intercept_ : ndarray, shape (classes,)
    classes_ : ndarray
    """

    def __init__(self, coef: Array, intercept: Array, classes: NDArray[Any]) -> None:
        self.coef_, self.intercept_, self.classes_ = coef, intercept, classes

    def _scores(self, X: Array) -> Array:
        return np.asarray(X @ self.coef_ + self.intercept_)

    def decision_function(self, X: Array) -> Array:
        """Scores, shape (samples, classes); of two classes that of the second less that of the first, (samples,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Array) -> NDArray[Any]:
        """Classes, shape (samples,)."""
        return np.asarray(self.classes_[self._scores(X).argmax(axis=1)])

    def predict_proba(self, X: Array) -> Array:
        """Softmax of the scores, shape (samples, classes)."""
        return softmax(self._scores(X))

    def predict_log_proba(self, X: Array) -> Array:
        """Logarithms of the same."""
        return np.asarray(np.log(np.maximum(self.predict_proba(X), 1e-300)))
