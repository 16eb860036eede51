"""Classifying images with feed-forward spiking networks of several seeds, beside a linear model on the pixels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.image_classifier import SpikingImageClassifier
from hetero_rsnn.estimators.image_networks import METHODS, MODELS
from hetero_rsnn.estimators.readout import fit_readout
from hetero_rsnn.gradient.packed.network import PackedNetwork
from hetero_rsnn.gradient.settings import Epoch
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.conformal import CHECKPOINTS
from hetero_rsnn.measures.cutoff import MIN_CALIBRATION
from hetero_rsnn.measures.cutoff_table import CutoffTable, compare_cutoffs
from hetero_rsnn.measures.probabilities import fit_temperature
from hetero_rsnn.measures.reports import classification_report
from hetero_rsnn.tasks.image_result import ImageRow, ImageTaskResult

#: Steps of images that have none of their own.
STEPS = 4
#: Share of the training images that calibrates early decisions unless another is given, and how many at most.
CALIBRATION, MOST_CALIBRATION = 0.2, 5000
#: Part of these that fits the temperature alone: one number needs fewer than thresholds do.
TEMPERATURE = 0.25
#: How often sets of labels may lack the right one.
ALPHA = 0.1
#: Parameters of the classifier that are none of networks and training, or that no result could be written with.
_OWN = {"model", "steps", "method", "seed", "n_jobs", "verbose", "checkpoint", "teacher"}


@dataclass(frozen=True)
class _Task:
    """All that a job needs."""

    images: NDArray[Any]
    y: Ints
    train: Ints
    test: Ints
    early: bool
    calibration: float | None
    parameters: dict[str, Any]
    checkpoints: Path | None
    linear: float | None
    on_epoch: Callable[[int, Epoch], object] | None


def classify_images(
    dataset: Dataset,
    *,
    model: str = "conv",
    steps: int | None = None,
    method: str = "direct",
    seeds: int | Iterable[int] = range(3),
    early: bool = False,
    images: int | None = None,
    test_images: int | None = None,
    calibration: float | None = None,
    training: Mapping[str, Any] | None = None,
    checkpoints: str | Path | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[int, Epoch], object] | None = None,
) -> ImageTaskResult:
    """Classify images with spiking networks of several seeds, and with a linear model on the pixels; it needs torch.

    Parameters
    ----------
    dataset : Dataset
        Of images, such as ``fashion_mnist``, ``fashion_mnist_events`` and ``sklearn_digits``: ``details["shape"]`` is
        that of one.
    model : {"conv", "mlp"}
    steps : int, optional
        Of an inference; by default 4, or as many as events have.
    method : {"direct", "conversion"}
        Whether the spiking network is trained, or an ordinary one that becomes it; see `SpikingImageClassifier`.
    seeds : int or iterable of int
        How many, from 0 on, or which. Each begins with other weights; the split stays.
    early : bool
        Also decide before the last step, by all rules of `compare_cutoffs`.
    images, test_images : int, optional
        The first so many of the training and of the test part; by default all.
    calibration : float, optional
        Share of the training images of each class that is held out for early decisions: neither network nor linear
        model sees them. A quarter of them fits the temperature, the others the rules. By default 0.2, or as much as
        gives 5,000 images.
    training : mapping, optional
        Parameters of `SpikingImageClassifier` about networks and training, such as ``{"loss": "tet"}``.
    checkpoints : path, optional
        Folder that holds the training of each seed after every epoch, as ``seed_0.json``; calling again goes on.
    workers : int, optional
        Seeds at a time, by default 1; more are processes, one a seed.
    executor, dask
        Where seeds are trained instead, see `make_runner`. Then `workers` are the most at a time.
    n_jobs : int, optional
        Threads of torch for each; by default one, so that all numbers can be repeated.
    progress : callable, optional
        Called after every seed with (finished, total).
    on_epoch : callable, optional
        Called after every epoch with the seed and an `Epoch`, where seeds are trained in this process.

    Returns
    -------
    ImageTaskResult

    Raises
    ------
    HeteroError
        If torch is not there, the data set has no images, too few of them are left to train on or to calibrate with,
        or a setting breaks its rule.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> digits = hr.load_dataset("sklearn_digits")
    >>> few = {"hidden": (64,), "training_epochs": 3}
    >>> result = classify_images(digits, model="mlp", seeds=[0], training=few)  # doctest: +SKIP
    >>> result.estimate("accuracy").mean > 0.8  # doctest: +SKIP
    True
    """
    given = check_image_task(model, steps, method, training)
    shape = _shape(dataset)
    if steps is None:
        steps = shape[0] if len(shape) == 4 else STEPS
    if len(shape) == 4 and (steps != shape[0] or method == "conversion"):
        got = f"steps={steps}, method={method!r}"
        raise HeteroError(
            f"events of {shape[0]} steps need as many of the network, and direct training, got {got}",
            fix="leave steps and method away, or bin the events anew",
        )
    if early and steps < 2:
        raise HeteroError(f"early decisions need 2 steps or more, got {steps}", fix="raise steps, or leave them out")
    numbers = checks.different_seeds("seeds", seeds)
    train, test = (
        part if count is None else part[: checks.whole(name, count, least=1, most=len(part))]
        for name, part, count in (("images", dataset.train, images), ("test_images", dataset.test, test_images))
    )
    if calibration is not None:
        checks.real("calibration", calibration, above=0.0)
        if calibration >= 1:
            raise HeteroError(f"calibration must be a share below 1, got {calibration:g}", fix="leave it away for 0.2")
    assert dataset.y is not None
    missing = np.setdiff1d(dataset.y[test], dataset.y[train])
    if missing.size:
        raise HeteroError(f"class {missing[0]} is tested but has no training image", fix="train on more images")
    used = np.concatenate([train, test])
    y, places, tested = dataset.y[used], np.arange(len(train)), np.arange(len(train), len(used))
    parts = [places, places[:0], places[:0]]
    if early:
        parts = list(_held_out(y, places, calibration, numbers[0]))
        _enough(y, parts, steps, "train on more images" + ("" if calibration is None else ", or raise calibration"))
    folder = None if checkpoints is None else output_folder(checkpoints).resolve()  # a worker may be somewhere else
    pixels = _pixels(dataset, used, shape)
    if workers is not None:
        workers = checks.whole("workers", workers, least=1)
    alone = executor is None and dask is None and min(workers or 1, len(numbers)) == 1
    task = _Task(
        images=pixels, y=y, train=places, test=tested, early=early, calibration=calibration,
        parameters={"model": model, "steps": steps, "method": method, "n_jobs": n_jobs, **given},
        checkpoints=folder,
        # Without images that are held out, the linear model is the same for all seeds.
        linear=None if early else _linear(pixels, y, places, tested),
        on_epoch=on_epoch if alone else None,
    )  # fmt: skip
    rows = run_jobs(partial(_job, task), numbers, workers=workers, executor=executor, dask=dask, progress=progress)
    return ImageTaskResult(
        dataset=dataset, model=model, method=method, steps=steps, training=given, rows=tuple(rows),
        n_train=len(parts[0]), n_temperature=len(parts[1]), n_calibration=len(parts[2]), n_test=len(test),
    )  # fmt: skip


def check_image_task(model: Any, steps: Any, method: Any, training: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was said of the training, once all that needs no data is known to be right.

    Raises
    ------
    HeteroError
        If torch is not there, or a setting breaks its rule.
    """
    checks.one_of("model", model, MODELS)
    checks.one_of("method", method, METHODS)
    if steps is not None:
        checks.whole("steps", steps, least=1)
    known = [name for name in SpikingImageClassifier().get_params() if name not in _OWN]
    for name in training or {}:
        checks.one_of("parameter of training", name, known)
    import hetero_rsnn.gradient.feedforward  # noqa: F401 - says so where torch is missing

    return dict(training or {})


def _shape(dataset: Dataset) -> tuple[int, ...]:
    """Of one image."""
    shape = tuple(dataset.details.get("shape", ()))
    if dataset.task != "classification" or dataset.y is None or not 2 <= len(shape) <= 4:
        raise HeteroError(
            f"{dataset.name} has no images (its details name no shape of one)",
            fix="use fashion_mnist, fashion_mnist_events or sklearn_digits, or classify it with recurrent networks",
        )
    return shape


def _pixels(dataset: Dataset, used: Ints, shape: Sequence[int]) -> NDArray[Any]:
    """Images of a data set as one array: bytes where it has bytes, else numbers."""
    if hasattr(dataset.X, "frames"):
        return np.asarray(dataset.X.frames(used))
    pixels = getattr(dataset.X, "pixels", None)
    if pixels is not None:
        return np.asarray(pixels[used])
    return np.stack([np.reshape(dataset.X[k], shape) for k in used])


def _held_out(y: Ints, train: Ints, calibration: float | None, seed: int) -> tuple[Ints, Ints, Ints]:
    """Images that train, that fit the temperature, and that fit the rules; of each class its share."""
    share = min(CALIBRATION, MOST_CALIBRATION / len(train)) if calibration is None else calibration
    order = generator(seed, "training", "calibration").permutation(train)
    held: tuple[list[Ints], list[Ints]] = ([], [])
    for label in np.unique(y[train]):
        mine = order[y[order] == label]
        mine = mine[: min(round(share * mine.size), mine.size - 1)]
        first = round(TEMPERATURE * mine.size) if mine.size > 1 else 0
        held[0].append(mine[:first])
        held[1].append(mine[first:])
    temperature, rules = (np.sort(np.concatenate(part)) for part in held)
    return np.setdiff1d(train, np.concatenate([temperature, rules])), temperature, rules


def _enough(y: Ints, parts: Sequence[Ints], steps: int, fix: str) -> None:
    """Refuse early decisions that could not be calibrated, before a network is trained for them."""
    train, temperature, rules = parts
    least = max(MIN_CALIBRATION, math.ceil(min(CHECKPOINTS, steps) / ALPHA - 1 - 1e-9))
    if len(rules) < least or not len(temperature):
        raise HeteroError(
            f"early decisions need {least} images to calibrate rules and one for the temperature, got {len(rules)} and "
            f"{len(temperature)} of {sum(map(len, parts))} training images",
            fix=fix,
        )
    missing = np.setdiff1d(y[train], y[rules])
    if missing.size:
        raise HeteroError(f"class {missing[0]} has no image to calibrate early decisions with", fix=fix)


def _linear(images: NDArray[Any], y: Ints, train: Ints, test: Ints) -> float:
    """Test accuracy of a ridge readout on pixels, or on counts of events over all steps."""
    flat = images.sum(axis=1) if images.ndim == 5 else images
    flat = flat.reshape(len(flat), -1).astype(np.float32)
    model = fit_readout("ridge", flat[train], y[train])
    return float(np.mean(model.predict(flat[test]) == y[test]))


def _job(task: _Task, seed: int) -> ImageRow:
    train, temperature, rules = task.train, task.train[:0], task.train[:0]
    if task.early:
        train, temperature, rules = _held_out(task.y, task.train, task.calibration, seed)
    path = None if task.checkpoints is None else task.checkpoints / f"seed_{seed}.json"
    model = SpikingImageClassifier(seed=seed, checkpoint=path, **task.parameters)
    if task.on_epoch is not None:
        model.on_epoch = partial(task.on_epoch, seed)
    begin = time.perf_counter()
    model.fit(task.images[train], task.y[train])
    seconds = time.perf_counter() - begin
    images, y = task.images[task.test], task.y[task.test]
    account = model.account(images)
    spikes = account.spikes.sum(axis=0).T  # (samples, steps)
    operations = account.synaptic_operations.sum(axis=0).T
    scores = np.array(model.scores_over_time(images))
    by_step = (model.classes_[scores.argmax(axis=2)] == y[:, None]).mean(axis=0)
    neurons = int(account.neurons.sum())
    report = classification_report(
        y, model.classes_[scores[:, -1].argmax(axis=1)], model.classes_, spikes.sum(axis=1) / neurons, neurons, np.nan,
        operations.sum(axis=1),
    )  # fmt: skip
    packed: PackedNetwork | None = None
    if task.parameters.get("weights") == "1bit":
        with suppress(HeteroError):  # it may have what packed networks do not hold
            packed = model.pack()
    early: CutoffTable | None = None
    saved: dict[str, float] = {}
    if task.early:
        early, saved = _decide_early(task, model, temperature, rules, scores, spikes, operations)
    return ImageRow(
        seed=seed, report=report,
        linear=_linear(task.images, task.y, train, task.test) if task.linear is None else task.linear,
        by_step=tuple(by_step.tolist()),
        operations=float(operations.sum(axis=1).mean()),
        multiply_accumulates=float(account.multiply_accumulates.sum(axis=(0, 1)).mean()),
        epochs=len(model.training_), seconds=seconds, early=early, operations_saved=saved,
        packed=packed,
    )  # fmt: skip


def _decide_early(
    task: _Task, model: SpikingImageClassifier, temperature: Ints, rules: Ints, scores: Array, spikes: Array,
    operations: Array,
) -> tuple[CutoffTable, dict[str, float]]:  # fmt: skip
    """The table of all rules, and the share of synaptic operations that each saves."""
    number = np.searchsorted(model.classes_, task.y)
    fitted = fit_temperature(model.scores_over_time(task.images[temperature]), number[temperature])
    known = model.scores_over_time(task.images[rules])
    by_spikes, by_operations = (
        compare_cutoffs(
            known, number[rules], list(scores), number[task.test], spikes=list(counts), alpha=ALPHA, temperature=fitted
        )
        for counts in (spikes, operations)
    )
    saved = {row.rule: np.nan if row.spikes_saved is None else row.spikes_saved for row in by_operations.rows}
    return by_spikes, saved
