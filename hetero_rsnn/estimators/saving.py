"""A fitted classifier or forecaster as files: JSON that says what it is, and an npz file with what it has learned.

No pickle is written or read, and no code is run: whoever reads a file from elsewhere gets numbers or a line that says
what is wrong. Both files are written to temporary names and renamed, and hold each other's checksums.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from hetero_rsnn.common import checks
from hetero_rsnn.common.array_files import Arrays, read_array_file, read_sealed, unsealed, write_sealed
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.files import file_named, json_text, path_of
from hetero_rsnn.common.versions import versions
from hetero_rsnn.estimators import saved_parts as parts
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.estimators.readout import RidgeClassification
from hetero_rsnn.measures.reports import ClassificationReport, ForecastReport

Model = HRSNNClassifier | HRSNNForecaster

_FORMAT, _VERSION = "hetero_rsnn model", 1
_KINDS: dict[str, type[Model]] = {"classifier": HRSNNClassifier, "forecaster": HRSNNForecaster}
_KEYS = {
    "format", "version", "kind", "parameters", "encoder", "frozen", "fitted", "report", "features", "data", "versions",
    "arrays", "sha256", "checksum",
}  # fmt: skip
#: Parameters that are kept elsewhere: the network, with its overrides, is that which was drawn.
_ELSEWHERE = ("network", "overrides", "encoder")


def save_model(model: Model, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a fitted classifier or forecaster to a JSON file that `load_model` reads back.

    What it has learned lies in ``NAME-CHECKSUM.npz`` beside ``NAME.json``, which names that file. The two belong
    together. What is read back gives the same answers, to the last bit; its parameter `network` is the network that was
    drawn, with its overrides.

    Parameters
    ----------
    model : HRSNNClassifier or HRSNNForecaster
        Fitted; a classifier with the readout ``"ridge"``.
    path : path
        It ends in ``.json``. A link is written through to the file that it leads to.
    overwrite : bool
        Replace a file of that name which has other content.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the place cannot be written, or holds another file.
    HeteroError
        If it is another estimator, is not fitted, or has a part that a file cannot hold.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import hetero_rsnn as hr
    >>> X = [np.random.default_rng(k).normal(k % 2, 1.0, (20, 2)) for k in range(12)]
    >>> model = hr.HRSNNClassifier("henhes", overrides={"n": 40}).fit(X, ["low", "high"] * 6)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = hr.save_model(model, pathlib.Path(folder) / "mine.json")
    ...     again = hr.load_model(path)
    >>> bool((again.decision_function(X) == model.decision_function(X)).all())
    True
    """
    return write_model(model, path, {}, overwrite=overwrite)


def load_model(path: str | Path) -> Model:
    """Read a classifier or forecaster that `save_model` has written.

    Parameters
    ----------
    path : path
        Of the JSON file; the npz file that it names lies beside it.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, of another version or none of a model.

    Examples
    --------
    See `save_model`.
    """
    return read_model(path)[0]


def write_model(model: Model, path: str | Path, data: Mapping[str, Any], *, overwrite: bool = False) -> Path:
    """`save_model`, with a word on the data: how further ones are to be read."""
    kind = next((name for name, made in _KINDS.items() if type(model) is made), None)
    if kind is None:
        raise HeteroError(
            f"save_model takes an HRSNNClassifier or HRSNNForecaster, got {type(model).__name__}",
            fix="see save_network for the networks of other estimators",
        )
    path = file_named("a model", path, ".json")
    try:
        model.check_fitted()
    except NotFittedError:
        raise HeteroError(f"this {type(model).__name__} is not fitted", fix="call fit first") from None
    given = {k: v for k, v in model.get_params(deep=False).items() if k not in _ELSEWHERE}
    frozen, arrays = parts.frozen_parts(model.frozen_)
    encoder, more = parts.encoder_parts(model.encoder_)
    arrays |= more
    fitted, more = _of_classifier(model) if isinstance(model, HRSNNClassifier) else _of_forecaster(model)
    arrays |= more
    names = getattr(model, "feature_names_in_", None)
    about = {
        "kind": kind,
        "parameters": {k: parts.plain_parameter(k, v) for k, v in given.items()},
        "encoder": {"given": parts.encoder_text(model.encoder), "fitted": encoder},
        "frozen": frozen,
        "fitted": {"hold": model.hold_, "taus": list(model.taus_), **fitted},
        "report": model.train_report_.to_dict(),
        "features": None if names is None else list(map(str, names)),
        "data": dict(data),
        "versions": versions(),
    }
    return write_sealed(path, json.loads(json_text(about)), arrays, form=_FORMAT, version=_VERSION, overwrite=overwrite)


def read_model(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """`load_model`, with the word on the data."""
    path = path_of("path", path)
    other = FileFormatError(f"{path} is no saved model", fix="name the JSON file of save_model")
    about = read_sealed(path, form=_FORMAT, version=_VERSION, refusal=other)
    if about.keys() != _KEYS:
        raise FileFormatError(f"{path} must hold {', '.join(sorted(_KEYS))}", fix="restore a copy")
    about = unsealed(path, about)
    arrays = read_array_file(path, about["arrays"], about["sha256"], FileFormatError)
    try:
        return _built(about, arrays), dict(about["data"])
    except HeteroError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError) as error:
        raise FileFormatError(f"{path} describes no model ({error!s:.200})", fix="restore a copy") from None


def _built(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    frozen = parts.frozen_of(about["frozen"], arrays)
    network = frozen.draw.network
    made = _KINDS[checks.one_of("kind", about["kind"], tuple(_KINDS))]
    model = made(network, encoder=parts.encoder_from(about["encoder"]["given"]), **about["parameters"])
    model.network_ = network
    model.encoder_ = parts.encoder_of(about["encoder"]["fitted"], arrays)
    if model.encoder_.n_channels_ != network.input.channels:
        raise HeteroError(
            f"the encoder gives {model.encoder_.n_channels_} channels, the network takes {network.input.channels}",
            fix="restore a copy",
        )
    fitted = about["fitted"]
    model.n_features_in_ = model.encoder_.n_channels_in_
    model.hold_ = checks.duration("hold", fitted["hold"])
    model.taus_ = tuple(checks.duration("tau_read", tau) for tau in fitted["taus"])
    model.take_names(None if about["features"] is None else [str(name) for name in about["features"]])
    if isinstance(model, HRSNNClassifier):
        _classifier(model, fitted, about["report"], arrays)
    else:
        _forecaster(model, fitted, about["report"], arrays)
    model.settle(frozen)
    return model


def _of_classifier(model: HRSNNClassifier) -> tuple[dict[str, Any], Arrays]:
    if not isinstance(model.readout_, RidgeClassification):
        raise HeteroError(
            f"a readout {type(model.readout_).__name__} cannot be kept in a file", fix="fit with readout='ridge'"
        )
    about, arrays = parts.ridge_parts(model.readout_.readout_, "readout")
    errors = {str(k): float(v) for k, v in model.windows_errors_.items()}
    return {"windows": model.windows_, "windows_errors": errors, "readout": about}, {
        **arrays, "classes": model.classes_, "confusion": model.train_report_.confusion,
    }  # fmt: skip


def _classifier(model: HRSNNClassifier, fitted: Any, report: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    classes = arrays["classes"]
    if classes.ndim != 1 or classes.dtype.kind not in "biufU" or len(np.unique(classes)) < max(len(classes), 2):
        raise HeteroError("classes must be two or more different numbers or names", fix="restore a copy")
    model.windows_ = checks.whole("windows", fitted["windows"], least=1)
    model.windows_errors_ = {int(k): parts.number(v) for k, v in fitted["windows_errors"].items()}
    columns = model.windows_ * model.network_.n * len(model.taus_)
    readout = RidgeClassification()
    readout.classes_ = classes
    readout.readout_ = parts.ridge_of(fitted["readout"], arrays, "readout", columns, len(classes))
    model.readout_, model.classes_ = readout, classes
    told = {k: parts.number(v) for k, v in report.items() if k not in ("n", "confusion", "classes")}
    model.train_report_ = ClassificationReport(
        **told, n=int(report["n"]), confusion=arrays["confusion"], classes=tuple(report["classes"])
    )


def _of_forecaster(model: HRSNNForecaster) -> tuple[dict[str, Any], Arrays]:
    readout, arrays = parts.ridge_parts(model.readout_, "readout")
    linear, more = parts.ridge_parts(model.linear_, "linear")
    arrays |= more | {"range.low": model.range_[0], "range.high": model.range_[1]}
    if model.seen_range_ is not None:
        arrays |= {"seen.low": model.seen_range_[0], "seen.high": model.seen_range_[1]}
    about = {
        "readout": readout,
        "linear": linear,
        "feeds_back": bool(model.feeds_back_),
        "difference": bool(model.difference_),
        "linear_changes": bool(model.linear_changes_),
        "targets": int(model.n_targets_),
    }
    return about, arrays


def _forecaster(model: HRSNNForecaster, fitted: Any, report: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    model.n_targets_ = checks.whole("targets", fitted["targets"], least=1)
    inputs = model.encoder_.n_channels_ if model.skip else 0
    columns = model.network_.n * len(model.taus_) + inputs
    model.readout_ = parts.ridge_of(fitted["readout"], arrays, "readout", columns, model.n_targets_)
    model.linear_ = parts.ridge_of(fitted["linear"], arrays, "linear", None, model.n_targets_)
    model.feeds_back_, model.difference_, model.linear_changes_ = (
        checks.truth(name, fitted[name]) for name in ("feeds_back", "difference", "linear_changes")
    )
    model.range_ = arrays["range.low"], arrays["range.high"]
    model.seen_range_ = (arrays["seen.low"], arrays["seen.high"]) if "seen.low" in arrays else None
    whole = ("horizon", "n", "lags")
    told: dict[str, Any] = {k: int(v) if k in whole else parts.number(v) for k, v in report.items()}
    model.train_report_ = ForecastReport(**told)
