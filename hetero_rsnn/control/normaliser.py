"""Mean and standard deviation of what was observed until now."""

from __future__ import annotations

from typing import Any

import numpy as np

from hetero_rsnn.common.types import Array

#: Normalised observations are clipped here, where the receptive fields of an encoder end.
CLIP = 3.0
#: A spread below this is none.
_NO_SPREAD = 1e-8


class Normaliser:
    """Running mean and standard deviation, one observation after the other.

    Parameters
    ----------
    size : int
    on : bool
        Otherwise observations are left as they are.

    Attributes
    ----------
    count : int
    mean : ndarray, shape (size,)
    clip : float
        What normalised observations are clipped at.

    References
    ----------
    B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 1962.

    Examples
    --------
    >>> normaliser = Normaliser(2)
    >>> for observation in ([1.0, 5.0], [3.0, 5.0]):
    ...     normaliser.add(np.array(observation))
    >>> normaliser.mean, normaliser.sd  # of what never changes nothing is divided
    (array([2., 5.]), array([1., 1.]))
    >>> normaliser(np.array([4.0, 9.0]))
    array([2., 3.])
    """

    def __init__(self, size: int, *, on: bool = True) -> None:
        self.on, self.count, self.clip = on, 0, CLIP if on else np.inf
        self.mean, self._squares = np.zeros(size), np.zeros(size)

    def add(self, observation: Array) -> None:
        """One more."""
        if not self.on:
            return
        self.count += 1
        off = observation - self.mean
        self.mean += off / self.count
        self._squares += off * (observation - self.mean)

    @property
    def sd(self) -> Array:
        """Standard deviation (of all that was observed, not an estimate), 1 where there is no spread."""
        if not self.count:
            return np.ones_like(self.mean)
        sd = np.sqrt(self._squares / self.count)
        sd[sd < _NO_SPREAD] = 1.0
        return sd

    def __call__(self, observation: Array) -> Array:
        """Normalised and clipped, shape (..., size)."""
        out: Array = np.clip((observation - self.mean) / self.sd, -self.clip, self.clip)
        return out

    def arrays(self) -> dict[str, Array]:
        """All it knows, as arrays."""
        return {"count": np.array(float(self.count)), "mean": self.mean.copy(), "squares": self._squares.copy()}

    def take(self, arrays: dict[str, Any]) -> None:
        """Know what `arrays` gave."""
        self.count = int(arrays["count"])
        self.mean, self._squares = np.array(arrays["mean"], float), np.array(arrays["squares"], float)
