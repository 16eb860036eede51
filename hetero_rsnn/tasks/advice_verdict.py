"""Whether a network saves enough energy for what it loses: yes, no or undecided, from paired intervals."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array

#: Held-out samples below which it is said what they cannot resolve.
FEW = 200
_RESAMPLES = 2000
_Z = 1.959964


@dataclass(frozen=True)
class Verdict:
    """Loss of accuracy and saving of energy of a network, against the best ordinary model on the same samples.

    Attributes
    ----------
    answer : {"yes", "no", "undecided"}
    loss, loss_low, loss_high : float
        Accuracy of the reference less that of the network, with a 95 % interval for pairs.
    saving, saving_low, saving_high : float
        Share of the energy that is saved, with a 95 % interval over resampled samples; negative where more is taken.
    max_loss, min_saving : float
    n : int
        Held-out samples.
    """

    answer: str
    loss: float
    loss_low: float
    loss_high: float
    saving: float
    saving_low: float
    saving_high: float
    max_loss: float
    min_saving: float
    n: int

    @property
    def resolution(self) -> str:
        """Which difference so few samples cannot resolve; empty where they are enough."""
        if self.n >= FEW:
            return ""
        half = (self.loss_high - self.loss_low) / 2
        return f"{self.n} held-out samples cannot resolve a difference in accuracy below {half:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "resolution": self.resolution}

    def __str__(self) -> str:
        return (
            f"{self.answer}: loss {self.loss:.3f} [{self.loss_low:.3f}, {self.loss_high:.3f}] "
            f"(at most {self.max_loss:g}), saving of energy {self.saving:.3g} "
            f"[{self.saving_low:.3g}, {self.saving_high:.3g}] (at least {self.min_saving:g})"
        )


def paired_difference(right: NDArray[Any], other: NDArray[Any]) -> tuple[float, float, float]:
    """Share right of the second less that of the first, on the same samples, with a 95 % interval.

    References
    ----------
    A. Agresti, Y. Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
    Medicine 24, 2005: half a sample is added to each of the four cells.

    Examples
    --------
    >>> import numpy as np
    >>> same = np.array([True] * 50)
    >>> [round(x, 3) for x in paired_difference(same, same)]
    [0.0, -0.038, 0.038]
    """
    n = len(right)
    gained, lost = int((other & ~right).sum()), int((right & ~other).sum())
    shift = (gained - lost) / (n + 2)
    spread = math.sqrt((gained + lost + 1) - (gained - lost) ** 2 / (n + 2)) / (n + 2)
    return (gained - lost) / n, shift - _Z * spread, shift + _Z * spread


def saved_share(energy: Array, reference: Array, seed: int) -> tuple[float, float, float]:
    """Share of the reference's energy that is saved, with a 95 % interval by resampling samples in pairs."""
    n = len(energy)
    draws = generator(seed, "training", "advice", "saving").integers(0, n, size=(_RESAMPLES, n))
    shares = 1.0 - energy[draws].mean(axis=1) / reference[draws].mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(1.0 - energy.mean() / reference.mean()), float(low), float(high)


def judge(
    right: NDArray[Any], reference: NDArray[Any], energy: Array, of_reference: Array,
    max_loss: float, min_saving: float, seed: int,
) -> Verdict:  # fmt: skip
    """Judge a network: which samples it and the reference decided rightly, and what each took."""
    loss, saving = paired_difference(right, reference), saved_share(energy, of_reference, seed)
    if loss[2] <= max_loss and saving[1] >= min_saving:
        answer = "yes"
    elif loss[1] > max_loss or saving[2] < min_saving:
        answer = "no"
    else:
        answer = "undecided"
    return Verdict(answer, *loss, *saving, max_loss, min_saving, len(right))
