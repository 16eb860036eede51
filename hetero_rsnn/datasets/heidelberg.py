"""Spiking Heidelberg Digits from their HDF5 files: spikes of 700 channels, made into stimuli when used."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.types import Ints
from hetero_rsnn.inputs.stimulus import TOLERANCE, Stimulus, event_stimulus

#: Input channels.
UNITS = 700
#: What `find_heidelberg` looks for.
WANTED = "shd_train.h5 and shd_test.h5, or both as .h5.gz or .h5.zip"
#: Seconds; the longest utterance has 1.4. Times in another unit would make stimuli of hours.
_LONGEST = 60.0
#: Bytes that a packed file may unpack to: the published ones have less than 0.5 GB.
_LARGEST = 20 * 10**9
#: What is off, rather than damaged: another download would be the same.
#: Names of classes beyond which a list of them is none.
_MOST_CLASSES = 10_000
_EXPORT = "write the file in the layout of the Heidelberg data sets"


class EventSamples(Sequence[Stimulus]):
    """Event stimuli that are made when asked for: as arrays of counts all of them would take gigabytes.

    Parameters
    ----------
    times : ndarray of float, shape (events,)
        In seconds, as stored, sample after sample.
    channels : ndarray of int, shape (events,)
    edges : ndarray of int, shape (samples + 1,)
        Sample k has the events ``edges[k]`` to ``edges[k + 1]``.
    hold_ms : float
    """

    def __init__(self, times: NDArray[Any], channels: NDArray[Any], edges: Ints, hold_ms: float) -> None:
        self._times, self._channels, self.hold_ms = times, channels, float(hold_ms)
        self._starts, self._stops = edges[:-1], edges[1:]

    def __len__(self) -> int:
        return self._starts.size

    @overload
    def __getitem__(self, index: int) -> Stimulus: ...
    @overload
    def __getitem__(self, index: slice) -> EventSamples: ...
    def __getitem__(self, index: int | slice) -> Stimulus | EventSamples:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        part = slice(self._starts[index], self._stops[index])
        # float16 seconds: a factor of 1000 is exact only after the cast, and one of 1e6 overflows without it
        times = self._times[part].astype(np.float64)
        hold = f"{self.hold_ms!r} ms"
        return event_stimulus(times, self._channels[part].astype(np.int64), n_channels=UNITS, hold=hold, unit="s")

    def take(self, indices: Ints) -> EventSamples:
        """The samples of these indices, in this order; the events are shared."""
        part = EventSamples(self._times, self._channels, np.zeros(1, dtype=np.int64), self.hold_ms)
        part._starts, part._stops = self._starts[indices], self._stops[indices]
        return part

    @property
    def lengths(self) -> Ints:
        """Rows of each stimulus, without making it."""
        last = [float(self._times[a:b].max()) if b > a else 0.0 for a, b in zip(self._starts, self._stops, strict=True)]
        return np.floor((np.array(last) * 1e3 + TOLERANCE) / self.hold_ms).astype(np.int64) + 1

    def __repr__(self) -> str:
        return f"EventSamples({len(self)} of {UNITS} channels, {int((self._stops - self._starts).sum())} events)"


@dataclass(frozen=True, eq=False)
class Utterances:
    """Both parts, training first: labels index `classes`, `speakers` are the numbers in the files as text."""

    X: EventSamples
    labels: Ints
    speakers: NDArray[np.str_]
    classes: tuple[str, ...]
    n_train: int


def find_heidelberg(where: Path) -> tuple[Path, Path] | None:
    """Training and test file in `where`, a folder or one of the two files; None unless both are there."""
    folder = where.parent if os.path.isfile(where) else where  # and not Path.is_file, which raises for long names
    found = []
    for part in ("train", "test"):
        names = [f"shd_{part}.h5{ending}" for ending in ("", ".gz", ".zip")]
        found.append(next((folder / name for name in names if os.path.isfile(folder / name)), None))
    train, test = found
    return None if train is None or test is None else (train, test)


def read_heidelberg(train: Path, test: Path, *, hold: Any = "10 ms", limit: int | None = None) -> Utterances:
    """Read both files, plain or packed (``.gz``, ``.zip``).

    Parameters
    ----------
    train, test : path
    hold : float (ms), str or brian2.Quantity
        Duration of a sample of the stimuli, the interval at which states are read.
    limit : int, optional
        Read only the first utterances of each file.

    Raises
    ------
    FileFormatError
        If a file is damaged, lacks a data set, or holds labels, units or times that cannot be.
    HeteroError
        If h5py is not installed.
    """
    hold_ms = checks.duration("hold", hold)
    parts = [_read(path, limit) for path in (train, test)]
    if parts[0][4] != parts[1][4]:
        raise FileFormatError(f"{test}: extra/keys must be those of {train.name}, got others: fetch both again")
    times, channels, labels, speakers = (np.concatenate([part[i] for part in parts]) for i in range(4))
    counts = np.concatenate([part[5] for part in parts])
    X = EventSamples(times, channels, np.concatenate([[0], np.cumsum(counts)]), hold_ms)
    return Utterances(X, labels, speakers, parts[0][4], parts[0][2].size)


_Part = tuple[NDArray[Any], NDArray[Any], Ints, NDArray[np.str_], tuple[str, ...], Ints]


def _read(path: Path, limit: int | None) -> _Part:
    """Times (s), channels, labels, speakers, classes, and the number of events of each utterance."""
    h5py = need("h5py", "data", f"reading {path}")
    try:
        with _unpacked(path) as plain, h5py.File(plain, "r") as file:
            for key in ("spikes/times", "spikes/units", "labels", "extra/speaker", "extra/keys"):
                if not isinstance(file.get(key), h5py.Dataset):
                    raise FileFormatError(f"{path}: must hold the data set {key!r}, got {_keys(file)}: fetch it again")
            n = len(file["labels"])
            for key in ("spikes/times", "spikes/units", "labels", "extra/speaker"):
                if file[key].shape != (n,):
                    rule = f"{key} must have the shape ({n},) that labels have"
                    raise FileFormatError(f"{path}: {rule}, got {file[key].shape}: fetch it again")
            if n == 0:
                raise FileFormatError(f"{path}: must hold at least one utterance, got none: fetch it again")
            for key, kinds, wanted in (("times", "f", "floats"), ("units", "iu", "whole numbers")):
                inner = h5py.check_vlen_dtype(file[f"spikes/{key}"].dtype)
                if inner is None or np.dtype(inner).kind not in kinds:
                    got, fix = f"got {inner or file[f'spikes/{key}'].dtype}", _EXPORT
                    if inner is not None and key == "times" and np.dtype(inner).kind in "iu":
                        fix = "whole numbers are ms or us, perhaps: divide them, times are in seconds"
                    elif inner is not None and key == "units":
                        fix = "write the numbers of the channels as integers"
                    raise FileFormatError(f"{path}: spikes/{key} must be of variable length and {wanted}, {got}: {fix}")
            some = slice(None, limit)
            size = min(n, n if limit is None else limit) * sum(
                16 if h5py.check_vlen_dtype(file[key].dtype) else file[key].dtype.itemsize
                for key in ("spikes/times", "spikes/units", "labels", "extra/speaker")
            )
            if file["extra/keys"].size > max(n, _MOST_CLASSES) or file["extra/keys"].ndim != 1:
                rule = f"extra/keys must be a list of at most {max(n, _MOST_CLASSES)} classes"
                raise FileFormatError(f"{path}: {rule}, got shape {file['extra/keys'].shape}: {_EXPORT}")
            # Headers alone can promise any number of utterances; their events cannot exceed the file.
            size += 4 * plain.stat().st_size
            memory.fits(f"{path}: reading it", size, "read fewer with limit=...", error=FileFormatError)
            times, channels = list(file["spikes/times"][some]), list(file["spikes/units"][some])
            labels, speakers = file["labels"][some], file["extra/speaker"][some]
            classes = tuple(k.decode() if isinstance(k, bytes) else str(k) for k in file["extra/keys"][()])
    except HeteroError:
        raise
    except Exception as error:  # h5py, gzip and zipfile raise a dozen kinds on damaged bytes
        raise FileFormatError(f"{path}: must be a whole HDF5 file, got: {error!r:.200}: fetch it again") from error
    counts = np.array([t.size for t in times])
    for i, (t, c) in enumerate(zip(times, channels, strict=True)):
        if t.shape != c.shape:
            raise FileFormatError(f"{path}, utterance {i}: must have as many units as times, got {c.size} and {t.size}")
    for what, values in (("labels", labels), ("extra/speaker", speakers)):
        if values.dtype.kind not in "iu":
            raise FileFormatError(f"{path}: {what} must be whole numbers, got {values.dtype}: {_EXPORT}")
    _within(path, "labels", labels, np.arange(labels.size) + 1, 0, len(classes) - 1, fix=_counted(labels, len(classes)))
    t, c = np.concatenate(times), np.concatenate(channels)
    stops = np.cumsum(counts)
    _within(path, "spikes/units", c, stops, 0, UNITS - 1, fix=_counted(c, UNITS))
    _within(path, "spikes/times", t, stops, 0.0, _LONGEST, " s", fix=_unit_of(t))
    return t, c.astype(np.int16), labels.astype(np.int64), speakers.astype(np.str_), classes, counts


def _within(
    path: Path, what: str, x: NDArray[Any], stops: Ints, low: float, high: float, unit: str = "", *, fix: str
) -> None:
    for i in np.flatnonzero(~((x >= low) & (x <= high)))[:1]:  # so that NaN is outside
        rule = f"{what} must be in {low:g}..{high:g}{unit}, got {x[i]}"
        raise FileFormatError(f"{path}, utterance {np.searchsorted(stops, i, side='right')}: {rule}: {fix}")


def _counted(x: NDArray[Any], count: int) -> str:
    """What may be off with numbers that do not lie in 0 .. count - 1."""
    low, high = int(x.min()), int(x.max())
    if low == 1 and high == count:
        return "they are counted from 1, it seems: subtract 1"
    if low >= 0:
        return f"the largest is {high}, of data with more of them than the Heidelberg digits: {_EXPORT}"
    return "negative ones mark what is missing, perhaps: leave those out"


def _unit_of(t: NDArray[Any]) -> str:
    """What may be off with times that do not lie in the first seconds."""
    if not np.isfinite(t).all():
        return "leave those out, or fetch it again"
    if t.min() < 0 or t.min() > 0.5 * t.max():  # of the day, or since 1970
        return "count the times from the beginning of each utterance"
    for factor, unit in ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")):
        if 0.2 <= float(t.max()) / factor <= 5.0:  # the longest utterance has 1.4 s
            return f"they are {unit}, it seems: divide them by {factor:g}"
    return f"the largest is {float(t.max()):g}: write seconds, from the beginning of each utterance"


def _keys(file: Any) -> list[str]:
    names: list[str] = []
    file.visit(names.append)
    return names[:20]


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The HDF5 file itself; a packed one is unpacked to a temporary file, since HDF5 reads here and there."""
    if path.suffix not in (".gz", ".zip"):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="hetero_rsnn") as folder:
        plain = Path(folder) / "file.h5"
        # gzip does not state the size, and zip may state a wrong one: what is written is counted.
        room = min(_LARGEST, int(0.9 * shutil.disk_usage(folder).free))
        written = 0
        with _packed(path, room) as packed, plain.open("wb") as file:
            while part := packed.read(1 << 20):
                written += len(part)
                _refuse_large(path, written, room)
                file.write(part)
        yield plain


def _refuse_large(path: Path, size: int, room: int) -> None:
    if size > room:
        rule = f"must unpack to at most {memory.human(room)}, the room for temporary files or {memory.human(_LARGEST)}"
        raise FileFormatError(f"{path}: {rule}, got {memory.human(size)} or more: unpack it where there is room")


@contextlib.contextmanager
def _packed(path: Path, room: int) -> Iterator[Any]:
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            yield packed
        return
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".h5") and not Path(name).name.startswith(".")]
        if len(names) != 1:
            raise FileFormatError(f"{path}: must hold one .h5 file, got {archive.namelist()[:5]}: fetch it again")
        _refuse_large(path, archive.getinfo(names[0]).file_size, room)
        with archive.open(names[0]) as packed:
            yield packed
