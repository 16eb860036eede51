"""Data sets for classification and forecasting, each with the split that results on it are compared on."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import FileFormatError, HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.datasets import delayed_cues, fashion_mnist, heidelberg, saccades, spoken_digits
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.datasets.sources import SOURCES, data_folder, missing, shipped_series
from hetero_rsnn.inputs.files import read_series

__all__ = ["Dataset", "find_dataset", "list_datasets", "load_dataset"]

_Where = str | os.PathLike[str] | None


def _japanese_vowels(data_dir: _Where) -> Dataset:
    path = Path(str(resources.files("hetero_rsnn.datasets") / "data" / "japanese_vowels.npz"))
    try:
        with np.load(path, allow_pickle=False) as file:
            # Published with 6 decimals, which float32 keeps at this size: rounding gives back the published numbers.
            frames = np.round(file["values"].astype(np.float64), 6)
            X = tuple(np.split(frames, np.cumsum(file["lengths"], dtype=np.int64)[:-1]))
            y, n_train = file["labels"].astype(np.int64), int(file["n_train"])
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds on damaged bytes
        raise FileFormatError(f"{path}: must be the shipped file, got: {error!r:.200}: install again") from error
    return Dataset(
        name="japanese_vowels",
        task="classification",
        X=X,
        y=y,
        classes=tuple(f"speaker {i}" for i in range(1, 10)),
        train=np.arange(n_train),
        test=np.arange(n_train, len(X)),
        groups=None,
        interval_ms=6.4,
        channels=tuple(f"lpc{i}" for i in range(1, 13)),
        kind="series",
        source="M. Kudo, J. Toyama, M. Shimbo, Japanese Vowels, UCI Machine Learning Repository, doi:10.24432/C5NS47",
        licence="CC BY 4.0",
        notes="which of 9 male speakers said /ae/; official split; the training set is balanced, the test set is not",
        details={"frame_ms": 25.6, "values": "LPC cepstrum coefficients"},
    )


_STATIONS = {"wind_greensboro": "greensboro", "wind_sand_point": "sand_point"}
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TEST_MONTHS = (3, 6, 9, 12)


def _wind(*names: str) -> Callable[[_Where], Dataset]:
    def load(data_dir: _Where) -> Dataset:
        months = []
        for name in names:
            values = read_series(path := shipped_series(name)).values
            if values.shape != (24 * sum(_DAYS), 1):
                raise FileFormatError(
                    f"{path}: must hold {24 * sum(_DAYS)} hours, got shape {values.shape}: install again"
                )
            months += np.split(values, 24 * np.cumsum(_DAYS)[:-1])
        number = np.tile(np.arange(1, 13), len(names))
        tested = np.isin(number, _TEST_MONTHS)
        return Dataset(
            name=names[0] if len(names) == 1 else "wind",
            task="forecasting",
            X=tuple(months),
            y=None,
            classes=(),
            train=np.flatnonzero(~tested),
            test=np.flatnonzero(tested),
            groups=np.repeat([_STATIONS[name] for name in names], 12) if len(names) > 1 else None,
            interval_ms=3.6e6,
            channels=("wind_speed_m_per_s",),
            kind="series",
            source="S. Wilcox, W. Marion, TMY3 Data Sets, NREL/TP-581-43156 (2008)",
            licence="public domain (US); no warranty",
            notes="months come from different years and are kept apart; test = months 3, 6, 9, 12, a choice of ours",
            details={
                "inputs": ["wind_speed_m_per_s"],
                "targets": ["wind_speed_m_per_s"],
                "months": number.tolist(),
                "stations": [_STATIONS[name] for name in names],
            },
        )

    return load


_CHANNELS = {"lorenz63": ("x", "y", "z"), "rossler": ("x", "y", "z"), "mackey_glass": ("x",), "narma10": ("u", "y")}


def _generated(name: str) -> Callable[..., Dataset]:
    def load(
        data_dir: _Where, samples: int | None = None, seed: int = 0, segments: int = 10, test_samples: int = 1000
    ) -> Dataset:
        if samples is None:
            samples = 6000 if name == "narma10" else 20_000
        for option, value in (("samples", samples), ("segments", segments), ("test_samples", test_samples)):
            checks.whole(f"{name}: {option}", value, least=1)
        checks.whole(f"{name}: seed", seed, least=0)
        from hetero_rsnn.datasets import dynamics  # it needs scipy

        dynamics.check_size(name, samples + segments * test_samples, "lower samples, segments or test_samples")

        def segment(length: int, own_seed: int) -> Array:
            made = getattr(dynamics, name)(length, seed=own_seed)
            return np.column_stack(made) if isinstance(made, tuple) else np.asarray(made)

        lengths = [samples] + [test_samples] * segments
        inputs, targets = (("u",), ("y",)) if name == "narma10" else (_CHANNELS[name], _CHANNELS[name])
        return Dataset(
            name=name,
            task="forecasting",
            X=tuple(segment(length, seed * (segments + 1) + i) for i, length in enumerate(lengths)),
            y=None,
            classes=(),
            train=np.arange(1),
            test=np.arange(1, 1 + segments),
            groups=None,
            interval_ms=None,
            channels=_CHANNELS[name],
            kind="series",
            source="generated by hetero_rsnn.datasets.dynamics",
            licence="none needed",
            notes="one training segment; each test segment has a seed and start of its own of its own"
            + ("; a row holds u[k] and y[k], and y[k + 1] rests on u[k] and before" if name == "narma10" else ""),
            details={
                "inputs": list(inputs),
                "targets": list(targets),
                "seed": seed,
                "step": dynamics.STEP.get(name),
                "lyapunov": dynamics.LYAPUNOV.get(name),
            },
        )

    return load


def _delayed(name: str) -> Callable[..., Dataset]:
    parity = name == "delayed_parity"

    def load(
        data_dir: _Where, delay: Any = "200 ms", samples: int = 1000, seed: int = 0, test_samples: int = 1000,
        rest: Any = "120 ms", noise: float = 0.05,
    ) -> Dataset:  # fmt: skip
        for option, value in (("samples", samples), ("test_samples", test_samples)):
            checks.whole(f"{name}: {option}", value, least=4, most=10**6)
        checks.whole(f"{name}: seed", seed, least=0)
        how: dict[str, Any] = {"delay": delay, "rest": rest, "noise": noise, "seed": seed}
        shown = delayed_cues.delayed_cues(samples, **how)
        asked = delayed_cues.delayed_cues(test_samples, part="test", **how)
        return Dataset(
            name=name,
            task="classification",
            X=(*shown.X, *asked.X),
            y=np.concatenate([made.parity if parity else made.first for made in (shown, asked)]),
            classes=("equal", "different") if parity else ("negative", "positive"),
            train=np.arange(samples),
            test=np.arange(samples, samples + test_samples),
            groups=None,
            interval_ms=delayed_cues.ROW,
            channels=delayed_cues.CHANNELS,
            kind="series",
            source="generated by hetero_rsnn.datasets.delayed_cues",
            licence="none needed",
            notes=("whether two cues differ" if parity else "the sign of the first of two cues")
            + "; both parts hold the four pairs equally often; delayed_parity and delayed_recall have the same input",
            details={
                "delay_ms": delayed_cues.whole_rows("delay", delay) * delayed_cues.ROW,
                "go_ms": delayed_cues.GO * delayed_cues.ROW,
                "cues": np.concatenate([shown.bits, asked.bits]).tolist(),
                "seed": seed,
            },
        )

    return load


def _free_spoken_digits(data_dir: _Where) -> Dataset:
    where = data_folder(data_dir)
    path = spoken_digits.find_spoken_digits(where)
    if path is None:
        raise missing("free_spoken_digits", where, spoken_digits.WANTED, data_dir)
    found = spoken_digits.read_spoken_digits(path)
    tested = found.takes < spoken_digits.TEST_TAKES
    if tested.all() or not tested.any():
        only = "only" if tested.all() else "no"
        raise FileFormatError(
            f"{path} has {only} takes 0-{spoken_digits.TEST_TAKES - 1}, which the split tests: give the whole data set"
        )
    return Dataset(
        name="free_spoken_digits",
        task="classification",
        X=tuple(found.waveforms),
        y=found.digits,
        classes=tuple("0123456789"),
        train=np.flatnonzero(~tested),
        test=np.flatnonzero(tested),
        groups=found.speakers,
        interval_ms=1000.0 / spoken_digits.RATE,
        channels=("waveform",),
        kind="audio",
        source=f"{SOURCES['free_spoken_digits'].authors}, {SOURCES['free_spoken_digits'].homepage}",
        licence=SOURCES["free_spoken_digits"].licence,
        notes="official split (takes 0-4 test): all speakers are in both, so report leave-one-speaker-out too",
        details={"path": str(path), "speakers": sorted(set(found.speakers.tolist())), "rate_hz": spoken_digits.RATE},
    )


def _shd(data_dir: _Where, hold: Any = "10 ms", limit: int | None = None) -> Dataset:
    if limit is not None:
        checks.whole("shd: limit", limit, least=1)
    where = data_folder(data_dir)
    paths = heidelberg.find_heidelberg(where)
    if paths is None:
        raise missing("shd", where, heidelberg.WANTED, data_dir)
    found = heidelberg.read_heidelberg(*paths, hold=hold, limit=limit)
    return Dataset(
        name="shd",
        task="classification",
        X=found.X,
        y=found.labels,
        classes=found.classes,
        train=np.arange(found.n_train),
        test=np.arange(found.n_train, len(found.X)),
        groups=found.speakers,
        interval_ms=found.X.hold_ms,
        channels=tuple(f"unit {i}" for i in range(heidelberg.UNITS)),
        kind="events",
        source=f"{SOURCES['shd'].authors}, {SOURCES['shd'].homepage}",
        licence=SOURCES["shd"].licence,
        notes="official split: two speakers are in the test set only; times resolve 0.5 ms below 1 s and 1 ms above",
        details={"paths": [str(p) for p in paths], "hold_ms": found.X.hold_ms, "limit": limit},
    )


def _fashion_mnist(name: str) -> Callable[[_Where], Dataset]:
    permuted = name == "fashion_mnist_permuted"
    moved = (
        f"; all pixels moved by numpy.random.default_rng({fashion_mnist.PERMUTATION_SEED}).permutation(784)"
        if permuted
        else ""
    )

    def load(data_dir: _Where) -> Dataset:
        where = data_folder(data_dir)
        paths = fashion_mnist.find_fashion_mnist(where, installed=data_dir is None)
        if paths is None:
            raise missing(name, where, fashion_mnist.WANTED, data_dir)
        found = fashion_mnist.read_fashion_mnist(paths, permuted=permuted)
        return Dataset(
            name=name,
            task="classification",
            X=found.X,
            y=found.labels,
            classes=fashion_mnist.CLASSES,
            train=np.arange(found.n_train),
            test=np.arange(found.n_train, len(found.X)),
            groups=None,
            interval_ms=None,
            channels=tuple(f"column {i}" for i in range(fashion_mnist.SIDE)),
            kind="series",
            source=f"{SOURCES[name].authors}, {SOURCES[name].homepage}",
            licence=SOURCES[name].licence,
            notes=f"images row by row, from top to bottom, values in [0, 1]; official split{moved}",
            details={"paths": [str(p) for p in paths], "shape": [fashion_mnist.SIDE, fashion_mnist.SIDE]},
        )

    return load


def _fashion_mnist_events(
    data_dir: _Where, steps: int = 10, amplitude: float = 2.0, threshold: float = 0.4, intensity: str = "log"
) -> Dataset:
    side = fashion_mnist.SIDE
    try:
        how = saccades.checked_settings((side, side), steps, amplitude, threshold, intensity)
    except HeteroError as error:
        raise error.at(before="fashion_mnist_events: ") from None
    still = _fashion_mnist("fashion_mnist_events")(data_dir)
    return replace(
        still,
        X=saccades.EventSamples(cast("fashion_mnist.ImageSamples", still.X), **how),
        channels=tuple(f"{sign} {r},{c}" for sign in ("on", "off") for r in range(side) for c in range(side)),
        notes="counts of ON and OFF events of a camera that makes three saccades over each image, made when asked for; "
        "official split; X.frames(indices) gives blocks of bytes (samples, steps, 2, 28, 28)",
        details={**still.details, **how, "shape": [how["steps"], 2, side, side]},
    )


#: Share of each class of scikit-learn's digits that is for training, in the order of the file.
_DIGITS_TRAIN = 0.75


def _sklearn_digits(data_dir: _Where) -> Dataset:
    from sklearn.datasets import load_digits

    found = load_digits()
    y = found.target.astype(np.int64)
    # Neighbours in the file resemble each other: its end is new, samples from between the others are not.
    tested = np.zeros(len(y), dtype=np.bool_)
    for digit in range(10):
        mine = np.flatnonzero(y == digit)
        tested[mine[round(_DIGITS_TRAIN * mine.size) :]] = True
    return Dataset(
        name="sklearn_digits",
        task="classification",
        X=tuple(found.images / 16.0),
        y=y,
        classes=tuple("0123456789"),
        train=np.flatnonzero(~tested),
        test=np.flatnonzero(tested),
        groups=None,
        interval_ms=None,
        channels=tuple(f"column {i}" for i in range(8)),
        kind="series",
        source="E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, "
        "doi:10.24432/C50P49, as in sklearn.datasets.load_digits",
        licence="CC BY 4.0",
        notes="images row by row, from top to bottom, values in [0, 1]; test = the last quarter of each digit in the "
        "order of the file, a choice of ours",
        details={"shape": [8, 8]},
    )


#: name: (task, what it is, loader); the options are the further parameters of the loader.
_KNOWN: dict[str, tuple[str, str, Callable[..., Dataset]]] = {
    "japanese_vowels": ("classification", "9 speakers from two vowels, 12 channels (shipped)", _japanese_vowels),
    "free_spoken_digits": ("classification", "digits 0-9 as 8 kHz audio (hetero-rsnn data fetch)", _free_spoken_digits),
    "shd": ("classification", "Spiking Heidelberg Digits: 20 words, 700 channels (hetero-rsnn data fetch)", _shd),
    "fashion_mnist": (
        "classification",
        "10 kinds of clothes, images of 28 x 28 row by row (Debian's package dataset-fashion-mnist)",
        _fashion_mnist("fashion_mnist"),
    ),
    "fashion_mnist_permuted": (
        "classification",
        "the same with all pixels moved by one permutation (from the same files)",
        _fashion_mnist("fashion_mnist_permuted"),
    ),
    "fashion_mnist_events": (
        "classification",
        "the same as an event camera sees them that moves: ON and OFF events (from the same files)",
        _fashion_mnist_events,
    ),
    "sklearn_digits": ("classification", "digits 0-9, images of 8 x 8 row by row (with scikit-learn)", _sklearn_digits),
    "wind_greensboro": ("forecasting", "a year of hourly wind speed in 12 months (shipped)", _wind("wind_greensboro")),
    "wind_sand_point": ("forecasting", "the same at a windier coast (shipped)", _wind("wind_sand_point")),
    "wind": ("forecasting", "both stations, 24 months (shipped)", _wind(*_STATIONS)),
    "lorenz63": ("forecasting", "Lorenz's chaotic system, 3 channels (generated)", _generated("lorenz63")),
    "rossler": ("forecasting", "Rössler's chaotic system, 3 channels (generated)", _generated("rossler")),
    "mackey_glass": ("forecasting", "Mackey and Glass's delay equation (generated)", _generated("mackey_glass")),
    "narma10": (
        "forecasting",
        "10th-order nonlinear moving average of a random input (generated)",
        _generated("narma10"),
    ),
    "delayed_parity": ("classification", "are two cues, a delay apart, equal? (generated)", _delayed("delayed_parity")),
    "delayed_recall": ("classification", "the first of the same two cues (generated)", _delayed("delayed_recall")),
}


def list_datasets() -> dict[str, str]:
    """Name of every data set, with its task and what it is."""
    return {name: f"{task}: {text}" for name, (task, text, _) in _KNOWN.items()}


def task_of(name: str) -> str | None:
    """``"classification"`` or ``"forecasting"``; None if there is no such data set."""
    return _KNOWN[name][0] if name in _KNOWN else None


def find_dataset(name: str, data_dir: _Where = None) -> list[Path] | None:
    """Files of a data set that does not come along, empty if they are not there; None for those that need none.

    Raises
    ------
    FileFormatError
        If it cannot be told which of several files to take.
    """
    where = data_folder(data_dir)
    if name == "free_spoken_digits":
        path = spoken_digits.find_spoken_digits(where)
        return [] if path is None else [path]
    if name.startswith("fashion_mnist"):
        return list(fashion_mnist.find_fashion_mnist(where, installed=data_dir is None) or ())
    return list(heidelberg.find_heidelberg(where) or ()) if name == "shd" else None


def load_dataset(name: str, *, data_dir: _Where = None, **options: Any) -> Dataset:
    """Load a data set by name; `list_datasets` lists them.

    Parameters
    ----------
    name : str
    data_dir : path, optional
        For data that do not come along (``free_spoken_digits``, ``shd``, ``fashion_mnist``): the folder that holds the
        archive, folder, HDF5 or IDX files, or the archive itself. Without it ``$HETERO_RSNN_DATA``, else
        ``~/.cache/hetero_rsnn``; Fashion-MNIST is then also looked for where Debian's package puts it.
    **options
        For generated series: ``samples`` (of the training segment), ``segments`` and ``test_samples`` (number and
        length of test segments), ``seed``. For ``delayed_parity`` and ``delayed_recall``: ``delay`` (``"200 ms"``),
        ``samples``, ``test_samples``, ``seed``, ``rest`` (``"120 ms"``) and ``noise`` (0.05), see
        `hetero_rsnn.datasets.delayed_cues`. For ``shd``: ``hold`` (``"10 ms"``), ``limit`` (first samples of each
        part). For ``fashion_mnist_events``: ``steps`` (10), ``amplitude`` (2 pixels), ``threshold`` (0.4) and
        ``intensity`` (``"log"``), see `hetero_rsnn.datasets.saccades`.

    Raises
    ------
    HeteroError
        If the name or an option is unknown, or an option has a wrong value.
    FileFormatError
        If the files are not there, or damaged.

    Examples
    --------
    >>> load_dataset("sklearn_digits")
    Dataset(sklearn_digits: classification of series, 1347 train + 450 test, 10 classes, 8 x 8)
    """
    if name not in _KNOWN:
        if os.path.isfile(name):  # and not Path.is_file, which raises for a name that is too long
            raise HeteroError(
                f"unknown data set {name!r}: a file of your own is read by labelled_dataset or series_dataset, see "
                "docs/howto/own_data.md"
            )
        raise HeteroError(f"unknown data set {name!r}{suggest(str(name), _KNOWN)}: see 'hetero-rsnn data'")
    load = _KNOWN[name][2]
    known = [p for p in inspect.signature(load).parameters if p != "data_dir"]
    for option in options:
        if option not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no options"
            raise HeteroError(f"{name}: unknown option {option!r}{suggest(option, known)}: {name} {takes}")
    return load(data_dir, **options)
