"""Linear models on the same input as the network: what its recurrence has to beat."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import RidgeClassification, fit_readout
from hetero_rsnn.inputs.labels import check_labels, labelled


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
        return np.array([pool(x, self.like.windows) for x in self.like.each_input(X)])

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
