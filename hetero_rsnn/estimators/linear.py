"""Linear models on the same input as the network: what its recurrence has to beat."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.estimators.classifier import RidgeClassification, check_labels, fit_readout, labelled
from hetero_rsnn.common.errors import TooShortError
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool

Array = NDArray[np.float64]


class LinearClassifier:
    """The readout of `HRSNNClassifier` on the encoded input itself, averaged over the same windows.

    Parameters
    ----------
    like : HRSNNClassifier
        A fitted one: its encoder, windows and kind of readout are used.
    """

    def __init__(self, like: NetworkEstimator) -> None:
        self.like: Any = like

    def features(self, X: Any) -> Array:
        """Mean input in each window, shape (samples, windows * channels)."""
        return np.array([pool(x, self.like.windows) for x in self.like._each_input(X)])

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the readout on the labelled samples, with the same folds as the network's."""
        features = self.features(X)
        labels = check_labels(y, len(features))
        known = labelled(labels)
        chosen = None if groups is None else np.asarray(groups)[known]
        self.readout_: RidgeClassification = fit_readout(self.like.readout, features[known], labels[known], chosen)
        return self

    def score(self, X: Any, y: Any) -> float:
        """Accuracy on the labelled samples."""
        labels = np.asarray(y)
        known = labelled(labels)
        return float(np.mean(self.readout_.predict(self.features(X))[known] == labels[known]))


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
            f"a linear model on {lags} lags needs at least {lags} samples, got {len(array)}: use fewer lags",
            required=lags,
        )
    return np.concatenate([array[lags - 1 - i : len(array) - i] for i in range(lags)], axis=1)
