"""Labelled samples from an npz file: X and y, with lengths, groups, split and channels. No pickle is read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import FileFormatError, HeteroError, suggest
from hetero_rsnn.common.files import check_arrays
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.own_samples import OwnSamples, check_split, held, listed, usual_label
from hetero_rsnn.inputs.files import read_bytes
from hetero_rsnn.inputs.text_tables import Column, choose

#: Arrays that mean something; others are left alone.
KNOWN = ("X", "y", "lengths", "groups", "split", "channels")


def read_npz(path: Path) -> tuple[dict[str, NDArray[Any]], str]:
    """The arrays of a npz file, and its SHA-256.

    Raises
    ------
    FileFormatError
        If it is damaged, holds Python objects, or would not fit into memory.
    """
    data = read_bytes(path)
    check_arrays(data, str(path), FileFormatError, factor=3.0)
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise TypeError("one array without a name")
        arrays = {name: loaded[name] for name in loaded.files}
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds on damaged bytes
        raise FileFormatError(
            f"{path}: must be a sound npz file of plain arrays, without objects, got: {error!r:.200}",
            fix="save it again with numpy.savez",
        ) from error
    return arrays, hashlib.sha256(data).hexdigest()


def read_labelled_npz(
    path: Path,
    *,
    label: str | None = None,
    groups: str | None = None,
    split: str | None = None,
    column: Column = None,
    labelled: bool = True,
) -> OwnSamples:
    """Read an npz file.

    Its array X is (samples, time, channels); or (rows, channels), all series end to end, with the rows of each in
    `lengths`; or, without that, (samples, channels), samples without time. With `lengths`, samples of the first kind
    are cut to them. y holds a label each.

    Parameters
    ----------
    path : Path
    label, groups, split : str, optional
        Names of arrays; by default ``y``, and ``groups`` and ``split`` where there are such.
    column : str, int or list of them, optional
        The channels, by index or by their names in the array ``channels``.
    labelled : bool
        Whether there must be labels.
    """
    arrays, sha256 = read_npz(path)
    names = list(arrays)
    if "X" not in arrays:
        raise FileFormatError(
            f"{path} must hold an array X of samples, its arrays are {listed(names)}", fix="name it X"
        )
    X, still = samples_of(path, arrays)
    if label is None and labelled:
        label = usual_label(path, names, "array")
    channels = channel_names(path, arrays, X[0].shape[1])
    if column is not None:
        chosen = choose(list(channels), column, path)
        X, channels = [x[:, chosen] for x in X], tuple(channels[i] for i in chosen)

    def each(word: str | None, usual: str) -> NDArray[Any] | None:
        name = word or (usual if usual in arrays else None)
        if name is None:
            return None
        if name not in arrays:
            raise FileFormatError(f"{path}: unknown array {name!r}{suggest(name, names)}", fix="name another")
        return _words(path, name, arrays[name], len(X))

    parts = each(split, "split")
    places = [f"sample {k}" for k in range(len(X))]
    return OwnSamples(
        X=X,
        names=places,
        channels=channels,
        labels=None if label is None else each(label, "y"),
        groups=each(groups, "groups"),
        split=None if parts is None else check_split(path, parts, places),
        still=still,
        sha256=sha256,
        details={"sample": None},
    )


def samples_of(path: Path, arrays: dict[str, NDArray[Any]]) -> tuple[list[Array], bool]:
    """Samples, each (time, channels), and whether they stand still."""
    X = checks.finite_array(f"{path}: X", arrays["X"], (2, 3), fix="fill the gap", error=FileFormatError)
    if "lengths" not in arrays:
        return (held(X), True) if X.ndim == 2 else (list(X), False)
    fix = "count the rows of each sample"
    lengths = checks.whole_array(f"{path}: lengths", arrays["lengths"], 1, least=1, error=FileFormatError)
    if X.ndim == 3:
        if len(lengths) != len(X) or lengths.max() > X.shape[1]:
            raise FileFormatError(
                f"{path}: lengths must be one a sample ({len(X)}) of at most {X.shape[1]} rows, got {len(lengths)} of "
                f"up to {lengths.max()}",
                fix=fix,
            )
        return [x[:count] for x, count in zip(X, lengths, strict=True)], False
    if lengths.sum() != len(X):
        raise FileFormatError(f"{path}: lengths must add up to the {len(X)} rows of X, got {lengths.sum()}", fix=fix)
    return np.split(X, np.cumsum(lengths)[:-1]), False


def channel_names(path: Path, arrays: dict[str, NDArray[Any]], count: int) -> tuple[str, ...]:
    """Names of the channels, as the file says or by number."""
    if "channels" not in arrays:
        return tuple(map(str, range(count)))
    names = tuple(map(str, _words(path, "channels", arrays["channels"], count, "channel").tolist()))
    if len(set(names)) < count:
        raise FileFormatError(f"{path}: channels must have different names, got {listed(names)}", fix="rename some")
    return names


def _words(path: Path, name: str, array: NDArray[Any], count: int, of: str = "sample") -> NDArray[Any]:
    """One word for each sample, from text or whole numbers."""
    if array.shape != (count,):
        raise FileFormatError(
            f"{path}: {name} must hold one entry a {of} ({count}), got shape {array.shape}", fix="align them"
        )
    if array.dtype.kind == "f":
        try:
            array = checks.whole_array(f"{path}: {name}", array, 1)
        except HeteroError as error:
            raise FileFormatError(str(error)) from None
    if array.dtype.kind not in "biuU":
        raise FileFormatError(f"{path}: {name} must be text or whole numbers, got {array.dtype}", fix="save such")
    return array.astype(str)
