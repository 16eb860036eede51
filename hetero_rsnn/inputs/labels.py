"""Labels of samples, some of which may be unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Bools

#: The label of samples that only the network learns from, as in scikit-learn's semi-supervised estimators.
UNLABELLED = -1


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


def labelled(y: NDArray[Any]) -> Bools:
    """Which samples have a label."""
    return np.asarray(y != UNLABELLED) if y.dtype.kind in "if" else np.ones(len(y), dtype=bool)
