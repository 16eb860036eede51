"""New data of one's own, as a saved model is to be asked about: the channels that it knows, with or without labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.files import path_of
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.own_arrays import read_npz
from hetero_rsnn.datasets.own_data import read_samples
from hetero_rsnn.datasets.own_series import read_own_series
from hetero_rsnn.inputs.files import TEXT, read_bytes
from hetero_rsnn.inputs.text_tables import read_cells


def read_new_samples(
    path: Any, about: Mapping[str, Any], *, sample: str | None = None
) -> tuple[list[str], list[Array]]:
    """Names and samples of a file, for a classifier that was fitted on data like `about`.

    Of a table the column that said to which series a row belongs is looked for; without it, and unless samples stand
    still, the table is one series.

    Raises
    ------
    HeteroError
        If the data are of another kind, rate or channels.
    """
    path = path_of("path", path)
    audio = about.get("kind") == "audio"
    if path.exists() and audio != path.is_dir():
        wanted = "a folder of wav files" if audio else "a table or an npz file"
        raise FileFormatError(f"{path}: the model was fitted on {about['kind']} data", fix=f"give {wanted}")
    named: list[str] | None = list(about["channels"])
    if audio or not _has_names(path):
        named = None
    if path.suffix.lower() in TEXT and sample is None and about.get("sample") is not None:
        known = read_cells(read_bytes(path), path).names
        sample = about["sample"] if about["sample"] in known else None
    found = read_samples(path, labelled=False, sample=sample, column=named)
    if audio and found.details["rate_hz"] != about["rate_hz"]:
        raise HeteroError(
            f"{path} is sampled at {found.details['rate_hz']} Hz, the model was fitted on {about['rate_hz']} Hz",
            fix="resample it",
        )
    if about.get("still") and not found.still:
        raise HeteroError(f"{path} holds series, the model was fitted on samples without time", fix="give such")
    if found.still and not about.get("still"):
        return [path.name], [np.array([x[0] for x in found.X])]
    return found.names, found.X


def read_new_series(
    path: Any, about: Mapping[str, Any], *, sample: str | None = None, uneven: bool = False
) -> tuple[list[str], list[Array]]:
    """Names and series of a file, for a forecaster that was fitted on data like `about`."""
    path = path_of("path", path)
    known = _has_names(path)
    if path.suffix.lower() in TEXT and sample is None and about.get("sample") is not None:
        sample = about["sample"] if about["sample"] in read_cells(read_bytes(path), path).names else None
    column = list(about["channels"]) if known else None
    found = read_own_series(path, column=column, sample=sample, uneven=uneven)
    return found.names, found.X


def _has_names(path: Path) -> bool:
    """Whether a file may name its channels; of others they are told by their number."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return path.suffix.lower() in TEXT
    return "channels" in read_npz(path)[0]
