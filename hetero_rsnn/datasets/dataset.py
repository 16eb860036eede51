"""What a data set is: samples, what they mean, and which of them are for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Ints


@runtime_checkable
class _Lazy(Protocol):
    """Samples that are made when asked for, because all at once would not fit in memory."""

    @property
    def lengths(self) -> Ints: ...

    def take(self, indices: Ints) -> Sequence[Any]: ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples, what they mean, and which of them are for training.

    Attributes
    ----------
    task : str
        ``"classification"`` or ``"forecasting"``.
    X : sequence
        Arrays of shape (time, channels), (time, 1) for audio in [-1, 1]; `Stimulus` objects for events. Lengths differ.
    y : ndarray of int, shape (len(X),), or None
        Index into `classes`; None for forecasting.
    train, test : ndarray of int
        Indices into `X`.
    groups : ndarray of str, shape (len(X),), or None
        Speaker or station, to leave one out.
    interval_ms : float or None
        Time between rows in the data's own time (3.6e6 for hourly data); None where it has no unit.
    kind : str
        ``"series"``, ``"audio"`` or ``"events"``.
    details : dict
        Whatever else is known; for forecasting the channels that are ``inputs`` and ``targets``; for images the
        ``shape`` of one: (rows, columns), (channels, rows, columns), or of events (steps, channels, rows, columns).
    """

    name: str
    task: str
    X: Sequence[Any]
    y: Ints | None
    classes: tuple[str, ...]
    train: Ints
    test: Ints
    groups: NDArray[np.str_] | None
    interval_ms: float | None
    channels: tuple[str, ...]
    kind: str
    source: str
    licence: str
    notes: str
    details: dict[str, Any]

    def __len__(self) -> int:
        return len(self.X)

    @property
    def lengths(self) -> Ints:
        """Rows of each sample, shape (len(X),)."""
        known = self.X.lengths if isinstance(self.X, _Lazy) else [len(x) for x in self.X]
        return np.asarray(known, dtype=np.int64)

    @cached_property
    def sha256(self) -> str:
        """Checksum of samples, labels and split: two sets with the same one are the same data.

        Of samples that are made when asked for, it is that of their lengths, and of the first and the last.
        """
        lazy = isinstance(self.X, _Lazy)
        ends = np.array([0, len(self.X) - 1] if lazy and len(self.X) else [], np.int64)
        found = hashlib.sha256(repr((self.name, self.task, self.channels, self.classes)).encode())
        for array in (self.lengths, self.train, self.test, *([] if self.y is None else [self.y])):
            _add(found, array)
        for sample in self.X.take(ends) if isinstance(self.X, _Lazy) else self.X:
            _add(found, sample)
        return found.hexdigest()

    def split(self) -> tuple[Sequence[Any], Sequence[Any], Ints | None, Ints | None]:
        """Training and test part: ``X_train, X_test, y_train, y_test``; the y are None for forecasting."""
        y_train, y_test = (None, None) if self.y is None else (self.y[self.train], self.y[self.test])
        return self._take(self.train), self._take(self.test), y_train, y_test

    def _take(self, chosen: Ints) -> Sequence[Any]:
        return self.X.take(chosen) if isinstance(self.X, _Lazy) else [self.X[i] for i in chosen]

    def __repr__(self) -> str:
        shortest, longest = self.lengths.min(), self.lengths.max()
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return (
            f"Dataset({self.name}: {self.task} of {self.kind}, {self.train.size} train + {self.test.size} test"
            f"{classes}, {shortest}{f'-{longest}' if longest > shortest else ''} x {len(self.channels)})"
        )


def _add(found: Any, value: Any) -> None:
    """Add a value to a checksum: an array with its type and shape, a stimulus part by part."""
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype.str}{value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value):
        for part in fields(value):
            _add(found, getattr(value, part.name))
    elif not isinstance(value, dict):  # which says where samples come from
        found.update(repr(value).encode())
