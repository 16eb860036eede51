"""``hetero-rsnn predict``: what a saved model says of new data."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli import own
from hetero_rsnn.cli.options import say
from hetero_rsnn.cli.outputs import free_file
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable


def predict(
    model: Annotated[Path, typer.Argument(help="JSON file that classify or forecast has saved.")],
    data: Annotated[Path, typer.Argument(help="New data: a table, an npz file, or a folder of wav files.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File for the predictions.")] = Path("predictions.csv"),
    sample: own.Sample = None,
    uneven: own.Uneven = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Ask a saved model about new data: labels with a score for each class, or forecasts; a csv file."""
    from hetero_rsnn.common.files import write_text
    from hetero_rsnn.estimators.classifier import HRSNNClassifier
    from hetero_rsnn.estimators.saving import read_model

    free_file(out, "--out", overwrite)
    fitted, about = read_model(model)
    about = {"kind": "series", "channels": _channels(fitted), "targets": None, **about}
    if isinstance(fitted, HRSNNClassifier):
        rows, text = _labels(fitted, about, data, sample)
    else:
        rows, text = _forecasts(fitted, about, data, sample, uneven)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    write_text(out, buffer.getvalue())
    say(printable(text))
    say(f"wrote {printable(out)}")


def _channels(fitted: Any) -> list[str]:
    """Channels of a model that was saved in Python: as its tables called them, or by number."""
    names = getattr(fitted, "feature_names_in_", None)
    return [str(k) for k in range(fitted.n_features_in_)] if names is None else list(map(str, names))


def _labels(fitted: Any, about: dict[str, Any], data: Path, sample: str | None) -> tuple[Iterable[Any], str]:
    from hetero_rsnn.datasets.own_new import read_new_samples

    names, X = read_new_samples(data, about, sample=sample)
    scores = fitted.readout_.readout_.predict(fitted.features(X))
    classes = [str(c) for c in fitted.classes_]
    found = [classes[k] for k in scores.argmax(axis=1)]
    rows = [["sample", "label", *(f"score {c}" for c in classes)]]
    rows += [[n, c, *map(repr, s)] for n, c, s in zip(names, found, scores.tolist(), strict=True)]
    counts = Counter(found)
    most = ", ".join(f"{c} ({k})" for c, k in counts.most_common(6)) + (", ..." if len(counts) > 6 else "")
    return (
        rows,
        f"{len(X)} sample{'s' * (len(X) > 1)}, by label: {most}; {fitted.spikes_.mean():.3g} spikes of a neuron each",
    )


def _forecasts(
    fitted: Any, about: dict[str, Any], data: Path, sample: str | None, uneven: bool
) -> tuple[Iterable[Any], str]:
    from hetero_rsnn.datasets.own_new import read_new_series

    names, X = read_new_series(data, about, sample=sample, uneven=uneven)
    first = fitted.first_row()
    for name, x in zip(names, X, strict=True):
        if len(x) <= first:
            raise HeteroError(f"{name} needs more than {first} rows before a forecast, got {len(x)}", fix="give more")
    targets = about["targets"] or [f"target {k}" for k in range(fitted.n_targets_)]
    rows: list[list[Any]] = [["series", "row", "from_row", *targets]]
    for name, found in zip(names, fitted.predict(X), strict=True):
        for k in range(first, len(found)):
            rows.append([name, k + fitted.horizon, k, *map(repr, found[k].tolist())])
    beyond = f", the last {fitted.horizon} of each series beyond its end" if fitted.horizon else ""
    return rows, f"{len(rows) - 1} forecasts {fitted.horizon} rows ahead of {len(X)} series{beyond}"
