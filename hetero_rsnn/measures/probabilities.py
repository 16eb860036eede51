"""Class probabilities from scores: checked scores, the softmax, and the temperature that makes it honest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints

#: Temperatures looked at, in units of the spread of the scores.
_RANGE = (1e-8, 1e8)


def listed(samples: Any, name: str = "scores") -> list[Any]:
    """One entry a sample; a list made of a masked array or of a table would have lost its mask or its order."""
    if isinstance(samples, np.ndarray):
        samples = checks.plain_array(name, samples)
    if isinstance(samples, str | bytes) or hasattr(samples, "iloc") or not isinstance(samples, Iterable):
        raise HeteroError(f"{name} must be a list with one array a sample, got {type(samples).__name__}: use list(...)")
    return list(samples)


def checked_scores(scores: Sequence[ArrayLike]) -> list[Array]:
    """Scores as arrays (steps, classes), one a sample.

    Raises
    ------
    HeteroError
        If there is no sample, or one is empty, not finite, or has other classes than the first or fewer than 2.
    """
    arrays = [checks.real_array(f"scores of sample {i}", s, empty=True) for i, s in enumerate(listed(scores))]
    if not arrays:
        raise HeteroError("scores must hold at least one sample, got none: give one array (steps, classes) a sample")
    for i, s in enumerate(arrays):
        if s.ndim != 2 or not len(s) or s.shape[1] < 2:
            raise HeteroError(
                f"scores must be (steps, classes) with a step and 2 classes or more, got {s.shape} in sample {i}: "
                "drop the sample or reshape it"
            )
        if s.shape[1] != arrays[0].shape[1]:
            raise HeteroError(
                f"all samples must have the same classes, got {s.shape[1]} in sample {i} and {arrays[0].shape[1]} "
                "in sample 0: score every class at every step"
            )
        if not np.isfinite(s).all():
            step = int(np.argwhere(~np.isfinite(s))[0, 0])
            raise HeteroError(f"scores must be finite, got {s[step].tolist()} at step {step} of sample {i}: drop it")
    return arrays


def checked_labels(labels: ArrayLike, samples: int, classes: int, *, every: bool = False) -> Ints:
    """Labels as integers, one a sample; with `every`, a class without a sample is an error."""
    raw = checks.whole_array("labels", labels)
    if raw.shape != (samples,):
        raise HeteroError(f"labels must be one whole number a sample ({samples}), got shape {raw.shape}: convert")
    if raw.min() < 0 or raw.max() >= classes:
        bad = int(raw[(raw < 0) | (raw >= classes)][0])
        raise HeteroError(f"labels must be from 0 to {classes - 1}, got {bad}: number the classes as in the scores")
    absent = np.setdiff1d(np.arange(classes), raw) if every else raw[:0]
    if absent.size:
        others = f" and {absent.size - 1} more" if absent.size > 1 else ""
        raise HeteroError(
            f"calibration samples must hold each of the {classes} classes of the scores, got none of class "
            f"{absent[0]}{others}: add samples of it, or leave its scores out"
        )
    return raw.astype(np.int64)


def check_temperature(temperature: Any) -> float:
    """A temperature; raise `HeteroError` unless it is a finite number > 0."""
    return checks.real("temperature", temperature, above=0.0, fix="leave it out, or use fit_temperature")


def softmax(scores: Array, temperature: float = 1.0) -> Array:
    """Probabilities along the last axis: exp(s / T), normalised."""
    raised = np.exp((scores - scores.max(axis=-1, keepdims=True)) / temperature)
    out: Array = raised / raised.sum(axis=-1, keepdims=True)
    return out


def fit_temperature(scores: Sequence[ArrayLike], labels: ArrayLike) -> float:
    """The temperature at which the softmax of scores is the best forecast of the label.

    It minimises the negative log likelihood, the mean over all steps of all samples of ``-log softmax(s / T)[label]``.
    Scores of a ridge readout are no logits: their softmax at T = 1 is far too flat, and its probabilities mean
    little until a temperature has been fitted. A temperature changes neither the leading class nor the order of two
    probabilities of one class at one step.

    Parameters
    ----------
    scores : sequence of array_like (steps, classes)
        Of samples that the readout was not trained on.
    labels : array_like of int (samples,)

    Returns
    -------
    float
        In units of the scores, from 1e-8 to 1e8 times their spread (the mean over steps of the standard deviation over
        classes). The least is returned where the right class leads at every step, the most where scores say no more
        than chance: no temperature between 0 and infinity would be the best.

    Raises
    ------
    HeteroError
        If scores or labels are not valid, or all classes always score alike.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", International Conference
    on Machine Learning, 2017, arXiv:1706.04599. To take all steps together is a choice of this package.

    Examples
    --------
    Two classes, and scores that are right in three cases of four: the probability is to be 3/4, so T is 1 / log 3.

    >>> import numpy as np
    >>> print(f"{fit_temperature([[[1.0, 0.0]]] * 4, [0, 0, 0, 1]) * np.log(3):.6f}")
    1.000000
    """
    arrays = checked_scores(scores)
    wanted = checked_labels(labels, len(arrays), arrays[0].shape[1])
    rows = np.concatenate(arrays)
    own = np.repeat(wanted, [len(s) for s in arrays])
    spread = float(rows.std(axis=1).mean())
    if not spread > 0:
        raise HeteroError(f"scores must differ between classes, got {rows[0].tolist()} at every step: nothing to scale")
    # Distances to the right class: only these matter, and the largest of them keeps exp from overflowing.
    away = (rows - rows[np.arange(len(rows)), own][:, None]) / spread
    top = away.max(axis=1, keepdims=True)

    def slope(log_t: float) -> float:
        """Of the loss over 1 / T, in which it is convex: its sign changes once, from plus to minus as T grows."""
        weight = np.exp((away - top) * np.exp(-log_t))
        return float(np.mean((weight * away).sum(axis=1) / weight.sum(axis=1)))

    low, high = np.log(_RANGE[0]), np.log(_RANGE[1])
    if slope(low) <= 0:
        best = low
    elif slope(high) >= 0:
        best = high
    else:
        best = brentq(slope, low, high, xtol=1e-12)
    return spread * float(np.exp(best))
