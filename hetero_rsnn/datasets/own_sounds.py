"""Labelled samples from a folder of wav files: the sub-folder is the label, or the name before the first underscore."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets.own_samples import OwnSamples
from hetero_rsnn.inputs.files import read_bytes, read_wav

#: Bytes that a byte of a wav file of 16 bits takes as numbers.
_OF_BYTES = 4


def wav_files(folder: Path) -> list[Path]:
    """Wav files in a folder, or in the folders below it, without hidden ones.

    Raises
    ------
    FileFormatError
        If there are none.
    """
    try:
        found = sorted(f for f in [*folder.iterdir(), *folder.glob("*/*")] if f.suffix.lower() == ".wav")
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read ({error.strerror or error})", fix="check the path") from None
    found = [f for f in found if not any(p.startswith(".") for p in f.relative_to(folder).parts)]
    if not found:
        raise FileFormatError(f"{folder} must hold wav files, or folders of them, got none", fix="check the path")
    return found


def read_sounds(folder: Path, *, labelled: bool = True) -> OwnSamples:
    """Read a folder of recordings of one sampling rate; several channels of a file are averaged, with a warning.

    Raises
    ------
    FileFormatError
        If a file cannot be read, is silent or not in [-1, 1], has another rate, or its label cannot be told.
    """
    files = wav_files(folder)
    wanted = sum(f.stat().st_size for f in files)
    memory.fits(f"{folder}: reading it", _OF_BYTES * wanted, "leave some out", error=FileFormatError)
    digest, X, rates, mixed = hashlib.sha256(), [], [], []
    for file in files:
        data = read_bytes(file)
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(data)}\0".encode(errors="surrogateescape") + data)
        array, _, interval = read_wav(data, file)
        rates.append(round(1000.0 / interval))
        if rates[-1] != rates[0]:
            raise FileFormatError(
                f"{file}: must have the rate of {files[0].name}, {rates[0]} Hz, got {rates[-1]} Hz", fix="resample it"
            )
        if array.ndim == 2:
            mixed.append(file)
        X.append(_waveform(np.asarray(array, dtype=np.float64), file))
    if mixed:
        warnings.warn(
            f"{folder.name}: the channels of {len(mixed)} of {len(files)} files are averaged, the first is "
            f"{mixed[0].name}",
            UserWarning,
            stacklevel=4,
        )
    return OwnSamples(
        X=X,
        names=[f.relative_to(folder).as_posix() for f in files],
        channels=("waveform",),
        labels=np.array([_label(f, folder) for f in files]) if labelled else None,
        kind="audio",
        interval_ms=1000.0 / rates[0],
        sha256=digest.hexdigest(),
        details={"rate_hz": rates[0]},
    )


def _label(file: Path, folder: Path) -> str:
    if file.parent != folder:
        return file.parent.name
    label, underscore, _ = file.stem.partition("_")
    if not underscore or not label:
        raise FileFormatError(
            f"{file}: its label must be a folder of its own, or its name before the first _, got {file.name!r}",
            fix="rename it such as seven_01.wav, or sort it into folders",
        )
    return label


def _waveform(array: Array, file: Path) -> Array:
    wave = array if array.ndim == 1 else array.mean(axis=1)
    if not wave.size or not np.isfinite(wave).all() or np.abs(wave).max() > 1.0:
        got = "no samples" if not wave.size else f"up to {np.abs(wave).max():g}"
        raise FileFormatError(f"{file}: must hold samples in [-1, 1], got {got}", fix="export it as PCM")
    if not wave.any():
        raise FileFormatError(f"{file}: must hold a sound, got silence", fix="leave it out")
    return wave[:, None]
