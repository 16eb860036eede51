"""Which samples of one's own are for training: as the file says, by whole groups, or a share of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Ints
from hetero_rsnn.inputs.labels import held_out

#: Share of the samples that are kept for testing.
SHARE = 0.25


def check_share(share: float | None) -> float:
    """A share between 0 and 1, a quarter unless it is given.

    Raises
    ------
    HeteroError
        For anything else.
    """
    if share is None:
        return SHARE
    number = checks.real("test_share", share, above=0.0, fix="such as 0.25")
    if number >= 1:
        raise HeteroError(f"test_share must be below 1, got {number:g}", fix="such as 0.25")
    return number


def check_counts(y: Ints, classes: tuple[str, ...]) -> None:
    """Refuse one class alone, and classes that cannot be both learned and tested."""
    if len(classes) < 2:
        raise HeteroError(f"labels must be of at least two classes, got {', '.join(classes)} alone", fix="give others")
    counts = np.bincount(y, minlength=len(classes))
    single = [classes[k] for k in np.flatnonzero(counts < 2)]
    if single:
        names = ", ".join(map(repr, single[:3])) + (f" and {len(single) - 3} more" if len(single) > 3 else "")
        has = "class has" if len(single) == 1 else "classes have"
        raise HeteroError(
            f"{len(single)} {has} one sample, and two are needed, to learn and to test: {names}",
            fix="give more samples, leave the class out, or choose another column of labels",
        )


def split_samples(
    y: Ints,
    classes: tuple[str, ...],
    *,
    groups: NDArray[np.str_] | None,
    split: NDArray[np.str_] | None,
    share: float | None,
    seed: int | None,
) -> tuple[Ints, Ints, str]:
    """Training and test samples, and in words how they were chosen.

    Parameters
    ----------
    y : ndarray of int, shape (samples,)
    classes : tuple of str
    groups : ndarray of str, optional
        Whole groups are held out: the share of the samples is met as nearly as they allow.
    split : ndarray of str, optional
        ``"train"`` or ``"test"`` of each sample: nothing is left to choose.
    share, seed : optional
        Of the samples to hold out, a quarter by default, and of the choice.

    Raises
    ------
    HeteroError
        If a part is empty, a class has nothing to learn from, or `share` and `seed` contradict `split`.
    """
    if split is not None:
        if share is not None or seed is not None:
            raise HeteroError("the data say themselves what is tested (split)", fix="leave share and seed away")
        train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
        how = "split as the file says"
    else:
        part, number = check_share(share), checks.whole("split_seed", 0 if seed is None else seed, least=0)
        if groups is not None:
            test = _whole_groups(y, groups, part, number)
            how = f"{part:.3g} held out in whole groups (seed {number})"
        else:
            test = held_out(y, len(classes), part, number)
            how = f"{part:.3g} of each class held out (seed {number})"
        train = np.setdiff1d(np.arange(len(y)), test)
    for name, found in (("training", train), ("test", test)):
        if not found.size:
            raise HeteroError(f"the split leaves no sample for the {name} part", fix="choose another split")
    missing = np.setdiff1d(np.unique(y), y[train])
    if missing.size:
        raise HeteroError(f"class {classes[missing[0]]!r} is tested but never learned", fix="choose another split")
    if len(np.unique(y[train])) < 2:
        raise HeteroError("the training part holds one class alone", fix="choose another split")
    return train, test, how


def _whole_groups(y: Ints, groups: NDArray[np.str_], share: float, seed: int) -> Ints:
    """Groups in random order are tested until the share is met, but none that a class would die out with."""
    names = np.unique(groups)
    if len(names) < 2:
        raise HeteroError(f"groups must be at least two, got {names[0]!r} alone", fix="split without groups")
    wanted, tested = share * len(y), np.zeros(len(y), dtype=bool)
    for name in generator(seed, "training", "held out groups").permutation(names):
        mine = groups == name
        left = ~(tested | mine)
        nearer = abs(tested.sum() + mine.sum() - wanted) < abs(tested.sum() - wanted)
        if (nearer or not tested.any()) and np.isin(np.unique(y), y[left]).all():
            tested |= mine
    if not tested.any():
        raise HeteroError(
            "no group can be held out: each has all samples of a class", fix="split without groups, or name others"
        )
    return np.flatnonzero(tested)
