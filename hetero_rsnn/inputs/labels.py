"""Labels of samples, some of which may be unknown."""

from __future__ import annotations

import warnings
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Bools, Ints

#: The label of samples that only the network learns from, as in scikit-learn's semi-supervised estimators.
UNLABELLED = -1
#: The mark of samples without a label unless another is named: -1 among numbers, with a warning.
AUTO = "auto"


def check_labels(y: Any, samples: int, *, unlabelled: Any = AUTO, stacklevel: int = 3) -> NDArray[Any]:
    """Labels as a flat array, one a sample, of at least two classes among the labelled.

    Parameters
    ----------
    y : array_like (samples,)
        Whole numbers, truth values or names.
    samples : int
    unlabelled : {"auto"}, label or None
        What marks a sample without a label: a number or name of its own, or None if every label is a class. ``"auto"``
        takes -1 among numbers for it, and warns if there is one.
    stacklevel : int
        Whom the warning points at.

    Raises
    ------
    HeteroError
        If y is no flat list of numbers or names, of another length, masked or not finite, or holds one class only.
    """
    labels = _flat(y, samples)
    known = labelled(labels, unlabelled)
    if len(np.unique(labels[known])) < 2:
        found = f"only {np.unique(labels[known]).tolist()[0]!r}" if known.any() else "no label at all"
        mark = UNLABELLED if unlabelled == AUTO else unlabelled
        means = "" if unlabelled is None else f" ({mark!r} means unlabelled)"
        raise HeteroError(f"y must hold at least two classes, got {found}{means}: give more")
    lost = int((~known).sum())
    if unlabelled == AUTO and lost:
        warnings.warn(
            f"{lost} of {samples} labels {'is' if lost == 1 else 'are'} -1 and count{'s' * (lost == 1)} as unlabelled: "
            "say unlabelled=-1 if they are, or unlabelled=None if -1 is a class",
            UserWarning,
            stacklevel=stacklevel,
        )
    return labels


def check_truth(y: Any, samples: int, *, unlabelled: Any = AUTO) -> NDArray[Any]:
    """Labels to score decisions against: every sample must have one.

    Raises
    ------
    HeteroError
        As for `check_labels`, and if a sample is without a label: left out in silence, it would hide a class.
    """
    labels = _flat(y, samples)
    lost = np.flatnonzero(~labelled(labels, unlabelled))
    if lost.size:
        mark = labels[lost[0]].item()
        other = ", or fit with unlabelled=None if -1 is a class" if unlabelled == AUTO else ""
        raise HeteroError(
            f"y must have a label for every sample, got {mark!r} (unlabelled) for {lost.size} of {samples}, the first "
            f"at sample {lost[0]}",
            fix=f"leave such samples out of X and y{other}",
        )
    return labels


def labelled(y: NDArray[Any], unlabelled: Any = AUTO) -> Bools:
    """Which samples have a label; see `check_labels`."""
    everybody = np.ones(len(y), dtype=bool)
    if unlabelled is None:
        return everybody
    if isinstance(unlabelled, str):
        if y.dtype.kind == "U":
            # Among names the word that stands for -1 among numbers is a name like any other.
            return everybody if unlabelled == AUTO else np.asarray(y != unlabelled)
        return np.asarray(y != UNLABELLED) if unlabelled == AUTO and y.dtype.kind in "if" else everybody
    return np.asarray(y != unlabelled) if y.dtype.kind in "iufb" else everybody


def check_mark(unlabelled: Any) -> None:
    """Refuse what can be no mark of samples without a label."""
    whole = isinstance(unlabelled, int | np.integer) and not isinstance(unlabelled, bool)
    if not (unlabelled is None or isinstance(unlabelled, str) or whole):
        raise HeteroError(
            f"unlabelled must be a whole number, a name, None or 'auto', got {unlabelled!r}",
            fix="name the label that means none, such as -1",
        )


@overload
def check_weights(weight: None, samples: int, what: str = "sample") -> None: ...
@overload
def check_weights(weight: ArrayLike, samples: int, what: str = "sample") -> Array: ...
@overload
def check_weights(weight: Any, samples: int, what: str = "sample") -> Array | None: ...
def check_weights(weight: Any, samples: int, what: str = "sample") -> Array | None:
    """Weights of samples, finite and not negative, of which one at least is above 0.

    Raises
    ------
    HeteroError
        For anything else.
    """
    if weight is None:
        return None
    raw = checks.plain_array("sample_weight", weight)
    if raw.dtype.kind not in "biuf" or raw.shape not in ((samples,), ()):
        raise HeteroError(
            f"sample_weight must be one number a {what} ({samples}), got shape {raw.shape} of {raw.dtype}",
            fix="give a flat list",
        )
    out = np.broadcast_to(raw.astype(np.float64), (samples,)).copy()
    bad = np.flatnonzero(~(np.isfinite(out) & (out >= 0)))
    if bad.size:
        raise HeteroError(
            f"sample_weight must be finite and >= 0, got {out[bad[0]]:g} at {what} {bad[0]}", fix="leave out by 0"
        )
    if not out.any():
        raise HeteroError("sample_weight must be above 0 somewhere, got 0 throughout", fix="weigh something")
    return out


def check_groups(groups: Any, samples: int) -> NDArray[Any] | None:
    """Who each sample comes from: numbers or names.

    Raises
    ------
    HeteroError
        For anything else, of another length, masked or not finite.
    """
    if groups is None:
        return None
    found = _entries("groups", groups)
    if found.shape != (samples,) or found.dtype.kind not in "biufU":
        raise HeteroError(
            f"groups must be one a sample ({samples}), got shape {found.shape} of {found.dtype}",
            fix="name all, by numbers or names",
        )
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise HeteroError("groups must be finite, got NaN or infinity", fix="name the group of every sample")
    return found


def _entries(name: str, value: Any) -> NDArray[Any]:
    """An array of numbers or names, as tables hold them too."""
    found = checks.plain_array(name, value)
    if found.dtype.kind == "O" and found.size and all(isinstance(entry, str) for entry in found.flat):
        return found.astype(str)
    return found.astype(str) if found.dtype.kind == "T" else found


def check_weighed(weight: Array | None, labels: NDArray[Any]) -> None:
    """Refuse weights that leave fewer than two classes."""
    if weight is not None and len(np.unique(labels[weight > 0])) < 2:
        raise HeteroError("samples of at least two classes must weigh more than 0: weigh others too")


def _flat(y: Any, samples: int) -> NDArray[Any]:
    """Labels as a flat array of numbers or names, whatever they mean."""
    labels = _entries("y", y)
    if labels.ndim != 1 or len(labels) != samples or labels.dtype.kind not in "biufU":
        raise HeteroError(
            f"y must be one label a sample ({samples}), got shape {labels.shape} of {labels.dtype}: "
            "give a flat list of numbers or names"
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise HeteroError("y must be finite, got NaN or infinity: label the sample, or mark it as unlabelled with -1")
    if labels.dtype.kind == "f" and (odd := labels[labels != np.round(labels)]).size:
        raise HeteroError(f"y must be classes, got {odd[0]:g}: for numbers to predict there is HRSNNForecaster")
    return labels


def held_out(number: Ints, classes: int, share: float, seed: int) -> Ints:
    """Samples for validation: of each class its share, but never the last one of it."""
    rng = generator(seed, "training", "held out")
    out: list[int] = []
    for one in range(classes):
        mine = rng.permutation(np.flatnonzero(number == one))
        count = max(round(share * mine.size), 1) if share else 0
        out += mine[: min(count, mine.size - 1)].tolist()
    return np.array(sorted(out), dtype=np.int64)
