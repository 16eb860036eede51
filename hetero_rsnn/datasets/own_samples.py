"""Labelled samples of a file of one's own, before they are split: what the readers of all formats hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.types import Array

#: Rows for which a sample without time is held: a network answers in time.
STILL = 10
#: Names under which labels are looked for, unless one is given: y is a coordinate in many tables.
LABELS = {"column": ("label", "class", "target"), "array": ("y", "label", "labels")}
#: More columns or arrays are not listed in a message.
_LISTED = 12


@dataclass(frozen=True, eq=False)
class OwnSamples:
    """Samples as a file holds them.

    Attributes
    ----------
    X : list of ndarray, shape (time, channels)
    names : list of str
        What the file calls each sample: an id, a file name, a line.
    channels : tuple of str
    labels, groups, split : ndarray of str, shape (samples,), or None
        `split` says ``"train"`` or ``"test"``.
    kind : {"series", "audio"}
    still : bool
        Whether samples have no time of their own, and are held for `STILL` rows.
    interval_ms : float or None
    sha256 : str
        Of all bytes that were read.
    details : dict
        How the file was read, so that others can be read in the same way.
    """

    X: list[Array]
    names: list[str]
    channels: tuple[str, ...]
    labels: NDArray[Any] | None
    groups: NDArray[Any] | None = None
    split: NDArray[Any] | None = None
    kind: str = "series"
    still: bool = False
    interval_ms: float | None = None
    sha256: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def held(rows: Array) -> list[Array]:
    """Each row as a sample of its own that stands still."""
    return [np.repeat(row[None], STILL, axis=0) for row in rows]


def listed(names: Sequence[str]) -> str:
    """Names of columns or arrays, in words."""
    more = f", ... and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(str, names[:_LISTED])) + more


def usual_label(path: Path, names: Sequence[str], what: str) -> str:
    """The one that is called as labels usually are.

    Raises
    ------
    FileFormatError
        If there is none, or more than one.
    """
    found = [name for name in names if name.lower() in LABELS[what]]
    if len(found) == 1:
        return found[0]
    rule = f"several {what}s of labels ({', '.join(found)})" if found else f"no {what} of labels by a usual name"
    rule += "" if found else f" ({', '.join(LABELS[what])})"
    raise FileFormatError(f"{path} has {rule}, its {what}s are {listed(names)}", fix="name the one with the labels")


def check_split(path: Path, split: NDArray[Any], places: Sequence[str]) -> NDArray[Any]:
    """The parts of the samples, each ``"train"`` or ``"test"``.

    Raises
    ------
    FileFormatError
        For anything else.
    """
    parts = np.char.lower(np.char.strip(split.astype(str)))
    odd = np.flatnonzero((parts != "train") & (parts != "test"))
    if odd.size:
        raise FileFormatError(
            f"{path}, {places[odd[0]]}: split must be train or test, got {str(split[odd[0]])!r:.60}", fix="write one"
        )
    return parts
