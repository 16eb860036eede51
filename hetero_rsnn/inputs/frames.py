"""Tables as samples: data frames of pandas, polars and others, and dictionaries of columns; names become channels.

No library of tables is imported: a data frame is known by its columns, and numpy makes an array of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.types import Array


def is_frame(x: Any) -> bool:
    """Whether it is one table: a data frame, or a dictionary of columns."""
    if isinstance(x, Mapping):
        return True
    return hasattr(x, "columns") and (hasattr(x, "to_numpy") or hasattr(x, "__array__")) and not isinstance(x, type)


def names_in(x: Any) -> tuple[str, ...] | None:
    """Names of the columns of a table; None of anything else, and where they are no text."""
    if not is_frame(x):
        return None
    names = tuple(x) if isinstance(x, Mapping) else tuple(x.columns)
    return tuple(map(str, names)) if names and all(isinstance(name, str) for name in names) else None


def plain_columns(what: str, x: Any, error: type[HeteroError] = StimulusError) -> Any:
    """A dictionary of columns as an array, (rows, columns); anything else as it is.

    Raises
    ------
    error
        If it has no column, a column is not flat, or one is longer than another.
    """
    if not isinstance(x, Mapping):
        return x
    if not x:
        raise error(f"{what} must have at least one column, got an empty dictionary", fix="name the channels")
    columns: list[Array] = []
    for name, values in x.items():
        column = checks.real_array(f"{what}, column {name!r}", values, 1, error=error)
        if columns and len(column) != len(columns[0]):
            raise error(
                f"{what}: columns must be of one length, got {len(column)} of {name!r} and {len(columns[0])} of the "
                "first",
                fix="align them",
            )
        columns.append(column)
    return np.stack(columns, axis=1)


def shared_names(X: Any, what: str = "X") -> tuple[str, ...] | None:
    """Names of the columns of all samples, if they are tables that name them; else None.

    Raises
    ------
    StimulusError
        If two tables have other columns, or another order: by number they would be mixed up in silence.
    """
    if not isinstance(X, Sequence) or isinstance(X, str | bytes) or not X or not is_frame(X[0]):
        return None
    first = names_in(X[0])
    for k, x in enumerate(X):
        names = names_in(x)
        if first is not None and names is not None and names != first:
            raise StimulusError(
                f"sample {k} of {what} has the columns {', '.join(names)}, sample 0 has {', '.join(first)}",
                fix="give all the same, in one order",
            )
    return first
