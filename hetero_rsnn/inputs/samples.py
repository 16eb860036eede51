"""Sets of samples of unequal length, as users hand them in: checks, and the scaling of their channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, overload

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.frames import is_frame, plain_columns
from hetero_rsnn.inputs.stimulus import Stimulus


@overload
def as_series(X: Any, what: str = "X", *, arrays_only: Literal[True]) -> list[Array]: ...
@overload
def as_series(X: Any, what: str = "X", *, arrays_only: bool = False) -> list[Array | Stimulus]: ...
def as_series(X: Any, what: str = "X", *, arrays_only: bool = False) -> Any:
    """Check a set of samples of unequal length.

    Parameters
    ----------
    X : list or tuple of array, shape (time, channels) or (time,)
        Data frames and dictionaries of columns are such arrays, too.
        Or one array of shape (samples, time, channels), or a list of `Stimulus`: samples that are encoded already; or
        the samples of a data set that makes them when asked for.
    what : str
        Name used in error messages.
    arrays_only : bool
        Refuse stimuli.

    Returns
    -------
    list of ndarray of float64, each of shape (time, channels), or list of Stimulus
        The arrays may share their memory with X: do not write into them.

    Raises
    ------
    StimulusError
        If X is empty or no such collection (a single array or table: wrap it, ``[x]``), a sample is empty, not of real
        finite numbers, or has another number of channels than the first, or arrays and stimuli are mixed.
    """
    samples = _collection(X, what)
    if not samples:
        raise StimulusError(f"{what} is empty: give at least one sample of shape (time, channels)")
    given = [isinstance(x, Stimulus) for x in samples]
    if any(given) and (arrays_only or not all(given)):
        k = given.index(True) if arrays_only else given.index(not given[0])
        rule = "arrays" if arrays_only else "either all arrays or all Stimulus objects"
        raise StimulusError(f"{what} must hold {rule}, got {_kind(samples[k])} at sample {k}: convert or remove it")
    out: list[Any] = samples if all(given) else [_sample(x, what, k) for k, x in enumerate(samples)]
    for k, x in enumerate(out):
        if len(x) == 0:
            raise StimulusError(f"sample {k} of {what} is empty: a sample needs at least one row, leave it out")
        if channels_of(x) != channels_of(out[0]):
            raise StimulusError(
                f"sample {k} of {what} has {channels_of(x)} channels, sample 0 has {channels_of(out[0])}: "
                "all need the same number of channels, shape (time, channels)"
            )
        if isinstance(x, Stimulus) and x.kind != out[0].kind:
            raise StimulusError(
                f"sample {k} of {what} is of kind {x.kind!r}, sample 0 of {out[0].kind!r}: use one kind"
            )
    return out


def _collection(X: Any, what: str) -> list[Any]:
    if isinstance(X, Stimulus) or hasattr(X, "iloc") or is_frame(X):
        raise StimulusError(f"{what} must be a list of samples, got one {_kind(X)}: wrap it, [x]")
    if isinstance(X, np.ndarray):
        if X.ndim == 3 or (X.ndim == 1 and X.dtype == object):
            return list(X)
        raise StimulusError(
            f"{what} must be a list of samples or an array (samples, time, channels), got an array of shape {X.shape}: "
            "if it is one sample, wrap it, [x]"
        )
    if not isinstance(X, list | tuple) and not (isinstance(X, Sequence) and hasattr(X, "take")):
        raise StimulusError(
            f"{what} must be a list of samples of shape (time, channels), got {_kind(X)}: make a list, list(...)"
        )
    if X and (isinstance(X[0], str) or np.isscalar(X[0])):
        raise StimulusError(
            f"{what} must be a list of samples, got a list of {_kind(X[0])}: if it is one sample, wrap it, [x]"
        )
    return list(X)


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r}" if isinstance(value, str | int | float) else type(value).__name__


def channels_of(x: Array | Stimulus) -> int:
    return x.channels if isinstance(x, Stimulus) else int(x.shape[1])


def _sample(x: Any, what: str, k: int) -> Array:
    """One sample as an array of float64, shape (time, channels)."""
    where = f"sample {k} of {what}"
    array = checks.plain_array(where, plain_columns(where, x), error=StimulusError)
    if array.size and array.dtype.kind not in "biuf":
        raise StimulusError(f"{where} must be real numbers, got {array.dtype} ({_kind(x)}): use astype(float)")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise StimulusError(f"{where} must have the shape (time, channels) or (time,), got {np.shape(x)}: reshape it")
    # Tables hold their columns together; in the order of an array sums of them are the same to the last bit.
    array = array.astype(np.float64, order="C" if is_frame(x) else "K", copy=False)
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        row, column = bad[0]
        raise StimulusError(
            f"{where} must be finite, got {array[row, column]} at row {row}, channel {column}: fill the gap"
        )
    return array


def take(X: Sequence[Any], index: Ints) -> Any:
    """Some of the samples; of those that are made when asked for, without making them."""
    own = getattr(X, "take", None)
    return own(index) if own is not None and not isinstance(X, np.ndarray) else [X[int(k)] for k in index]


# Scaling ----------------------------------------------------------------------------------------------------------


class Scaling:
    """Mean, spread and range of each channel over all rows of all samples, read one sample at a time.

    Attributes
    ----------
    mean, sd, low, high : ndarray, shape (channels,)
        The standard deviation is that of the rows themselves (divided by their number), and exactly 0 where a channel
        is constant.
    rows : int

    References
    ----------
    T. F. Chan, G. H. Golub and R. J. LeVeque (1983), American Statistician 37:242 (joining the sums of parts).
    """

    def __init__(self, arrays: Iterable[Array]) -> None:
        self.rows = 0
        for x in arrays:
            n, mean = len(x), x.mean(axis=0)
            with np.errstate(over="ignore", invalid="ignore"):
                squares = ((x - mean) ** 2).sum(axis=0)
            low, high = x.min(axis=0), x.max(axis=0)
            if self.rows == 0:
                self.rows, self.mean, self._squares, self.low, self.high = n, mean, squares, low, high
                continue
            total, shift = self.rows + n, mean - self.mean
            self._squares = self._squares + squares + shift**2 * (self.rows * n / total)
            self.mean = self.mean + shift * (n / total)
            self.low, self.high, self.rows = np.minimum(self.low, low), np.maximum(self.high, high), total
        with np.errstate(over="ignore"):
            self.span = self.high - self.low
        # A constant may differ from its own mean by rounding, which a scaling would blow up.
        self.sd = np.where(self.span > 0, np.sqrt(self._squares / self.rows), 0.0)
        bad = np.flatnonzero(~(np.isfinite(self.sd) & np.isfinite(self.span)) | ((self.span > 0) & (self.sd < 1e-150)))
        if bad.size:
            c = bad[0]
            raise StimulusError(
                f"channel {c} spans {self.low[c]:g} to {self.high[c]:g}, which cannot be scaled in double precision: "
                "multiply it by a constant first"
            )


def inverse(values: Array) -> Array:
    """1 / values, and 0 where a value is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
