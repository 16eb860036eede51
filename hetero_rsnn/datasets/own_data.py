"""Data sets from files of one's own: labelled samples, and series to forecast, each split into two parts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import FileFormatError, HeteroError, suggest
from hetero_rsnn.common.files import path_of
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.datasets.own_arrays import read_labelled_npz
from hetero_rsnn.datasets.own_samples import OwnSamples
from hetero_rsnn.datasets.own_sounds import read_sounds
from hetero_rsnn.datasets.own_split import check_counts, split_samples
from hetero_rsnn.datasets.own_tables import read_labelled_table
from hetero_rsnn.inputs.files import TEXT
from hetero_rsnn.inputs.text_tables import Column

#: What `labelled_dataset` reads, beside a folder of wav files.
ENDINGS = (*TEXT, ".npz")


def read_samples(path: Any, *, labelled: bool = True, **how: Any) -> OwnSamples:
    """Samples of a file or folder of one's own, not split yet; see `labelled_dataset`."""
    path = path_of("path", path)
    given = {name: word for name, word in how.items() if word is not None}
    takes: tuple[str, ...]
    read: Callable[..., OwnSamples]
    if path.is_dir():
        takes, read = (), read_sounds
    elif path.suffix.lower() in TEXT:
        takes, read = ("label", "sample", "groups", "split", "column"), read_labelled_table
    elif path.suffix.lower() == ".npz":
        takes, read = ("label", "groups", "split", "column"), read_labelled_npz
    else:
        _refuse_ending(path)
    for name in given:
        if name not in takes:
            what = "a folder of sounds" if path.is_dir() else f"a {path.suffix.lower()} file"
            raise HeteroError(f"{name} is for other data, got {what}: {path}", fix="leave it away")
    return read(path, labelled=labelled, **given)


def _refuse_ending(path: Path) -> Any:
    if not os.path.lexists(path):
        raise FileFormatError(f"no such file or folder: {path}", fix="check the path")
    ending = path.suffix.lower()
    raise FileFormatError(
        f"{path}: labelled samples must be a folder of wav files or end in {', '.join(ENDINGS)}, got {ending!r}"
        f"{suggest(ending, ENDINGS)}"
    )


def labelled_dataset(
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    sample: str | None = None,
    groups: str | None = None,
    split: str | None = None,
    column: Column = None,
    test_share: float | None = None,
    split_seed: int | None = None,
) -> Dataset:
    """Labelled samples of your own as a data set for `classify`.

    Parameters
    ----------
    path : path
        A text table (``.csv``, ``.tsv``, ``.txt``) with a column of labels: each row is a sample, held for ten rows of
        time, or, with `sample`, one step of a series. An ``.npz`` file with X, (samples, time, channels) or, with
        ``lengths``, (rows of all, channels), and y. A folder of ``.wav`` files: the label is the sub-folder, or the
        name before the first underscore.
    label : str, optional
        Column of the labels, by default the one called label, class or target; or array, by default y.
    sample : str, optional
        Column that says to which series a row of a table belongs. Series may have unequal lengths.
    groups : str, optional
        Column or array that says who a sample comes from. Whole groups are held out.
    split : str, optional
        Column or array that says ``train`` or ``test`` of each sample; of an npz file the array ``split``.
    column : str, int or list of them, optional
        The channels; by default all other columns of numbers.
    test_share : float, optional
        Share of the samples that is held out: of each class, or in whole groups. A quarter by default.
    split_seed : int, optional
        Of that choice, 0 by default.

    Returns
    -------
    Dataset

    Raises
    ------
    FileFormatError, StimulusError, HeteroError
        In one line: what the file lacks, with line and column where there are any.

    Warns
    -----
    UserWarning
        Of columns that are left out.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "flowers.csv")
    ...     rows = [f"{k % 2 + k / 100},{k / 10},{'rose' if k % 2 else 'lily'}" for k in range(8)]
    ...     _ = path.write_text("\\n".join(["length,width,label", *rows]))
    ...     labelled_dataset(path)
    Dataset(flowers.csv: classification of series, 6 train + 2 test, 2 classes, 10 x 2)
    """
    found = read_samples(path, label=label, sample=sample, groups=groups, split=split, column=column)
    assert found.labels is not None
    names, y = np.unique(found.labels, return_inverse=True)
    classes = tuple(map(str, names.tolist()))
    y = np.asarray(y, dtype=np.int64)
    check_counts(y, classes)
    train, test, how = split_samples(
        y, classes, groups=found.groups, split=found.split, share=test_share, seed=split_seed
    )
    still = f"; samples without time, held for {len(found.X[0])} rows" if found.still else ""
    return Dataset(
        name=own_name(path),
        task="classification",
        X=tuple(found.X),
        y=y,
        classes=classes,
        train=train,
        test=test,
        groups=found.groups,
        interval_ms=found.interval_ms,
        channels=found.channels,
        kind=found.kind,
        source=f"{path_of('path', path).name}, sha256 {found.sha256[:16]}",
        licence="not stated",
        notes=f"{how}{still}",
        details={"own": True, "sha256": found.sha256, "still": found.still, **found.details},
    )


def own_name(path: str | os.PathLike[str]) -> str:
    """What a file of one's own is called: with its ending, so that it is never taken for a data set of that name."""
    path = path_of("path", path).absolute()
    return f"{path.name}/" if path.is_dir() else path.name
