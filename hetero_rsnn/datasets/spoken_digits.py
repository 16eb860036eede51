"""Spoken digits from wav files, in a folder or in an archive that stays packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.files import read_wav

#: What `find_spoken_digits` looks for.
WANTED = "a folder recordings/ of wav files, or an archive free-spoken-digit*.tar.gz, .tar.xz or .zip"
#: Samples a second.
RATE = 8000.0
#: Takes below this number are the official test set.
TEST_TAKES = 5
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip")
#: Bytes that an archive may unpack to: the published set has 30 MB of recordings. All of it is read, to see whether it
#: is whole, which takes minutes where a small file unpacks to a large one.
_LARGEST = 2 * 10**9
#: Memory for a byte of a recording: samples of 1 or 2 bytes become numbers of 8, beside what they are made of.
_OF_BYTES = 10
_NAME = re.compile(r"(\d)_([^\W_]+)_(\d+)\.wav", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Waveforms of shape (samples, 1) in [-1, 1], sorted by digit, speaker and take, and what was said by whom."""

    waveforms: list[Array]
    digits: Ints
    speakers: NDArray[np.str_]
    takes: Ints


def find_spoken_digits(where: Path) -> Path | None:
    """Find the archive, or the folder with wav files, that is or lies in `where`; None if there is none.

    Raises
    ------
    FileFormatError
        If several lie there, or the folder cannot be read.
    """
    if os.path.isfile(where):  # and not Path.is_file, which raises for a name that is too long
        return where
    if not os.path.isdir(where):
        return None
    try:
        if _wavs(where):
            return where
        folders = [d for d in (where / "recordings", *sorted(where.glob("*/recordings"))) if d.is_dir() and _wavs(d)]
        archives = [f for f in sorted(where.glob("free*spoken*digit*")) if f.is_file() and _is_archive(f)]
    except OSError as error:
        raise FileFormatError(f"{where}: must be a readable folder, got: {error}", fix="check data_dir") from None
    found = folders or archives
    if len(found) > 1:
        raise FileFormatError(f"{where}: must hold one set of recordings, got {', '.join(f.name for f in found)}: "
                              f"give data_dir={str(found[0])!r}")  # fmt: skip
    return found[0] if found else None


def read_spoken_digits(path: Path) -> Recordings:
    """Read all recordings ``{digit}_{speaker}_{take}.wav`` of a folder or archive; nothing is unpacked to disk.

    In an archive they lie in a folder ``recordings`` at any depth.

    Raises
    ------
    FileFormatError
        If the archive or a wav file is damaged, has another name, rate or more than one channel, there is none, or the
        archive unpacks to more than 2 GB or than there is memory for.
    """
    found: dict[tuple[int, str, int], Array] = {}
    for name, data in _folder(path) if path.is_dir() else _archive(path):
        match = _NAME.fullmatch(name)
        if match is None:
            raise FileFormatError(f"{path}: recordings must be named DIGIT_SPEAKER_TAKE.wav, got {name!r}: rename it")
        key = (int(match[1]), match[2], int(match[3]))
        if key in found:
            raise FileFormatError(f"{path}: must hold each recording once, got {name!r} twice: leave one out")
        found[key] = _waveform(data, path / name)
    if not found:
        raise FileFormatError(f"{path}: must hold recordings/DIGIT_SPEAKER_TAKE.wav, got no wav file: check data_dir")
    keys = sorted(found)
    digits, speakers, takes = zip(*keys, strict=True)
    return Recordings([found[k] for k in keys], np.array(digits), np.array(speakers), np.array(takes))


def _waveform(data: bytes, path: Path) -> Array:
    array, _, interval = read_wav(data, path)
    if abs(interval * RATE - 1000.0) > 1e-6:
        raise FileFormatError(f"{path}: must be sampled at {RATE:g} Hz, got {1000 / interval:g} Hz: resample it")
    if array.ndim != 1 or array.size == 0:
        raise FileFormatError(f"{path}: must be one channel of samples, got shape {array.shape}: export it as mono")
    values = np.asarray(array, dtype=np.float64)[:, None]
    if not (np.isfinite(values).all() and np.abs(values).max() <= 1.0):
        raise FileFormatError(f"{path}: samples must lie in [-1, 1], got {np.abs(values).max():g}: export it as PCM")
    return values


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_ARCHIVES)


def _wavs(folder: Path) -> list[Path]:
    """Wav files of the folder, without the hidden ones that some systems add."""
    return sorted(f for f in folder.iterdir() if f.suffix.lower() == ".wav" and not f.name.startswith("."))


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    files, wanted = _wavs(path), 0
    for file in files:
        try:
            wanted += file.stat().st_size
            memory.fits(f"{path}: reading it", _OF_BYTES * wanted, "leave some out", error=FileFormatError)
            data = file.read_bytes()
        except OSError as error:
            raise FileFormatError(f"{file}: must be a readable file, got: {error}: check it") from error
        yield file.name, data


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    if not _is_archive(path):
        raise FileFormatError(f"{path}: must be a folder or end in {', '.join(_ARCHIVES)}: check data_dir")
    members = _zip(path) if path.suffix.lower() == ".zip" else _tar(path)
    while True:
        try:
            name, data = next(members)
        except StopIteration:
            return
        except HeteroError:
            raise
        except Exception as error:  # tarfile, zipfile, lzma and zlib raise a dozen kinds on damaged bytes
            rule = "must be a whole tar or zip archive"
            raise FileFormatError(f"{path}: {rule}, got: {error!r:.200}: fetch it again") from error
        yield name, data


def _recording(member: str) -> str | None:
    """Name of the wav file, if the member of the archive is one of the recordings."""
    path = PurePosixPath(member)
    wav = path.suffix.lower() == ".wav" and not path.name.startswith(".")
    return path.name if wav and path.parent.name == "recordings" else None


def _tar(path: Path) -> Iterator[tuple[str, bytes]]:
    packers: dict[str, Any] = {".gz": gzip, ".tgz": gzip, ".xz": lzma, ".bz2": bz2}
    packer = packers.get(path.suffix.lower())
    wanted = 0
    with packer.open(path) if packer else path.open("rb") as stream:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # a stream: seeking back in packed data is slow
            for member in archive:
                # The header stands before the data: nothing of a member that is too large is unpacked.
                _refuse_large(path, archive.offset + member.size)
                name = _recording(member.name)
                wanted += member.size if name else 0
                memory.fits(f"{path}: reading it", _OF_BYTES * wanted, "leave some out", error=FileFormatError)
                file = archive.extractfile(member) if name and member.isfile() else None
                if name and file:
                    yield name, file.read()
        read = archive.offset
        while part := stream.read(1 << 20):  # to the end, where a cut or a wrong checksum shows
            read += len(part)
            _refuse_large(path, read)


def _zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _refuse_large(path, sum(member.file_size for member in members))
        wanted = sum(member.file_size for member in members if _recording(member.filename))
        memory.fits(f"{path}: reading it", _OF_BYTES * wanted, "leave some out", error=FileFormatError)
        archive.testzip()  # all members, so that a damaged name does not pass for another file
        for member in members:
            if name := _recording(member.filename):
                yield name, archive.read(member)


def _refuse_large(path: Path, size: int) -> None:
    if size > _LARGEST:
        rule = f"must unpack to at most {memory.human(_LARGEST)}"
        raise FileFormatError(f"{path}: {rule}, got {memory.human(size)} or more: keep the recordings alone")
