"""Series of one's own to forecast: their beginnings are learned from, their ends are foretold."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import FileFormatError, HeteroError, StimulusError
from hetero_rsnn.common.files import path_of
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.datasets.own_arrays import channel_names, read_npz, samples_of
from hetero_rsnn.datasets.own_data import own_name
from hetero_rsnn.datasets.own_split import check_share
from hetero_rsnn.datasets.own_tables import series_of
from hetero_rsnn.datasets.own_times import check_even, time_column
from hetero_rsnn.inputs.files import TEXT, read_bytes, read_series
from hetero_rsnn.inputs.text_tables import Cells, Column, choose, holds_numbers, numbers_of, read_cells


@dataclass(frozen=True, eq=False)
class OwnSeries:
    """Series as a file holds them: names, arrays (time, channels), the channels, and the step if it is known."""

    names: list[str]
    X: list[Array]
    channels: tuple[str, ...]
    interval_ms: float | None
    sha256: str


def read_own_series(path: Any, *, column: Column = None, sample: str | None = None, uneven: bool = False) -> OwnSeries:
    """Series of a file of one's own, not split yet; see `series_dataset`."""
    path = path_of("path", path)
    ending = path.suffix.lower()
    if not os.path.lexists(path):
        raise FileFormatError(f"no such file: {path}", fix="check the path")
    if sample is not None and ending not in TEXT:
        raise HeteroError(f"sample names a column of a text table, got {path}", fix="leave it away")
    if ending == ".npz":
        arrays, sha256 = read_npz(path)
        if "X" in arrays:
            return _of_arrays(path, arrays, sha256, column)
    if ending in TEXT:
        data = read_bytes(path)
        cells = read_cells(data, path)
        timed = time_column(cells, path) if cells.rows else None
        if sample is not None or timed is not None:
            return _of_table(path, cells, timed, column, sample, uneven, hashlib.sha256(data).hexdigest())
    found = read_series(path, column=column)
    return OwnSeries([path.name], [found.values], found.names, found.interval_ms, found.sha256)


def _of_arrays(path: Path, arrays: dict[str, Any], sha256: str, column: Column) -> OwnSeries:
    X = checks.finite_array(f"{path}: X", arrays["X"], (1, 2, 3), fix="fill the gap", error=FileFormatError)
    if X.ndim == 1:
        X = X[:, None]
    many = X.ndim == 3 or "lengths" in arrays
    series = samples_of(path, {**arrays, "X": X})[0] if many else [X]
    names = channel_names(path, arrays, series[0].shape[1])
    if column is not None:
        chosen = choose(list(names), column, path)
        series, names = [x[:, chosen] for x in series], tuple(names[i] for i in chosen)
    return OwnSeries([f"series {k}" for k in range(len(series))], series, names, None, sha256)


def _of_table(
    path: Path, cells: Cells, timed: tuple[int, Array, bool] | None, column: Column, sample: str | None, uneven: bool,
    sha256: str,
) -> OwnSeries:  # fmt: skip
    by = None if sample is None else choose(cells.names, [sample], path)[0]
    keys = [path.name] * len(cells.rows) if by is None else cells.column(by)
    taken = {i for i in (by, None if timed is None else timed[0]) if i is not None}
    if column is not None:
        chosen = choose(cells.names, column, path)
    else:
        rest = [i for i in range(len(cells.names)) if i not in taken]
        chosen = [i for i in rest if holds_numbers(cells.column(i))]
        for doubt in cells.doubts:
            warnings.warn(f"{path.name}: {doubt}", UserWarning, stacklevel=5)
        left = [repr(cells.names[i]) for i in rest if i not in chosen]
        if left:
            warnings.warn(f"{path.name}: left out as no channel: {', '.join(left)}", UserWarning, stacklevel=5)
        if not chosen:
            raise FileFormatError(f"{path}: must have a column of numbers beside the times", fix="check the file")
    if timed is not None and timed[0] in chosen and len(chosen) > 1:
        raise StimulusError(f"{path}: column {cells.names[timed[0]]!r} tells the time", fix="forecast the others")
    values = numbers_of(cells.rows, chosen, cells.names, path)
    interval = None
    if timed is not None and timed[0] not in chosen:
        at, t, in_ms = timed
        lines = np.array(cells.lines)
        steps = []
        for key in dict.fromkeys(keys):
            mine = np.array([k == key for k in keys])
            if uneven:
                steps.append(float(np.median(np.diff(t[mine]))) if mine.sum() > 1 else math.nan)
            else:
                steps.append(check_even(t[mine], lines[mine].tolist(), cells.names[at], in_ms, path))
        usual = float(np.nanmedian(steps)) if not np.isnan(steps).all() else math.nan
        interval = usual if in_ms and usual > 0 else None
    series = series_of(values, keys)
    return OwnSeries(list(series), list(series.values()), tuple(cells.names[i] for i in chosen), interval, sha256)


def series_dataset(
    path: str | os.PathLike[str],
    *,
    column: Column = None,
    sample: str | None = None,
    test_share: float | None = None,
    uneven: bool = False,
) -> Dataset:
    """Series of your own as a data set for `forecast`: the beginning of each is learned from, the end foretold.

    Parameters
    ----------
    path : path
        A text table, npy, npz or wav file as `read_series` takes it; or an npz file whose array X is (time, channels),
        (series, time, channels), or with ``lengths`` all series end to end.
    column : str, int or list of them, optional
        The channels to forecast; by default all columns of numbers but those that tell the time.
    sample : str, optional
        Column that says to which series a row of a table belongs.
    test_share : float, optional
        Share at the end of each series that is foretold, a quarter by default.
    uneven : bool
        Take rows as evenly spaced although the times in the file are not.

    Returns
    -------
    Dataset

    Raises
    ------
    FileFormatError, StimulusError, HeteroError
        In one line: a gap in the times or in the numbers with its line, an unknown column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "weather.csv")
    ...     rows = [f"2026-01-{day:02d},{day % 7}.5" for day in range(1, 29)]
    ...     _ = path.write_text("\\n".join(["date,wind", *rows]))
    ...     data = series_dataset(path)
    >>> data, data.interval_ms == 24 * 3.6e6
    (Dataset(weather.csv: forecasting of series, 1 train + 1 test, 7-21 x 1), True)
    """
    found = read_own_series(path, column=column, sample=sample, uneven=checks.truth("uneven", uneven))
    share = check_share(test_share)
    cuts = [len(x) - max(round(share * len(x)), 1) for x in found.X]
    short = next((name for name, cut in zip(found.names, cuts, strict=True) if cut < 1), None)
    if short is not None:
        raise HeteroError(f"{short} is too short to be split: it needs two rows at least", fix="leave it out")
    count = len(found.X)
    parts = [x[:cut] for x, cut in zip(found.X, cuts, strict=True)]
    parts += [x[cut:] for x, cut in zip(found.X, cuts, strict=True)]
    return Dataset(
        name=own_name(path),
        task="forecasting",
        X=tuple(parts),
        y=None,
        classes=(),
        train=np.arange(count),
        test=np.arange(count, 2 * count),
        groups=None,
        interval_ms=found.interval_ms,
        channels=found.channels,
        kind="series",
        source=f"{path_of('path', path).name}, sha256 {found.sha256[:16]}",
        licence="not stated",
        notes=f"the last {share:.3g} of {'the series is' if count == 1 else f'each of {count} series is'} foretold",
        details={"own": True, "sha256": found.sha256, "sample": sample, "inputs": list(found.channels),
                 "targets": list(found.channels)},
    )  # fmt: skip
