"""Feed-forward networks on images as one page: every point a seed, accuracy over steps, what was mistaken for what."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hetero_rsnn.common.text import printable
from hetero_rsnn.common.versions import versions
from hetero_rsnn.measures.estimates import cell, estimate
from hetero_rsnn.report.confusion import confusions
from hetero_rsnn.report.image_tables import image_sentences, image_tables
from hetero_rsnn.report.page import Page, mark, plot
from hetero_rsnn.report.seeds_page import Column, SeedRow, Seeds
from hetero_rsnn.report.task_data import SPAN, at, level
from hetero_rsnn.report.task_tables import share_bounds
from hetero_rsnn.report.terminal import text_of
from hetero_rsnn.searching.wording import number
from hetero_rsnn.tasks.image_result import ImageTaskResult


def image_page(result: ImageTaskResult, command: str = "") -> Page:
    """The page of a classification of images.

    Parameters
    ----------
    result : ImageTaskResult
    command : str
        How it was made, if that is known.
    """
    name, d = result.model, result.dataset
    share: dict[str, Any] = {"digits": 4, "span": SPAN, "most": 1.0, "down": True}
    columns = [
        Column("accuracy", "accuracy", **share), Column("linear", "linear model", "linear", **share),
        Column("nu", "nu (a neuron)", "nu"),
        Column("operations", "synaptic operations", "synaptic.operations"),
        Column("multiply_accumulates", "multiply-accumulates", "multiply-.accumulates"), Column("epochs", "epochs"),
        Column("seconds", "training (s)", "training"),
    ]  # fmt: skip
    rows = []
    for row in result.rows:
        values = {c.key: getattr(row.report if c.key in ("accuracy", "nu") else row, c.key) for c in columns}
        inside = {"accuracy": [row.report.low, row.report.high]}
        rows.append(SeedRow(f"0.{row.seed}", 0, row.seed, f"{name}, seed {row.seed}", values, inside))
    accuracy = share_bounds(result.estimate("accuracy"))
    guides = level("linear model", (row.linear for row in result.rows))
    lead = (
        f"{printable(name)} has the accuracy {cell(accuracy, digits=4)}; "
        f"the linear model on the pixels has {result.estimate('linear').mean:.4f}"
    )
    known = [
        *([("command", command)] if command else []),
        ("data", f"{d.name}; {d.source}; {d.licence}" + (f"; {d.notes}" if d.notes else "")),
        ("images", f"{result.n_train:,} training, {result.n_test:,} test"),
        ("training", ", ".join([result.method, f"{result.steps} steps", *(f"{k} {v}" for k, v in _given(result))])),
        ("versions", ", ".join(f"{k} {v}" for k, v in versions().items())),
    ]
    caption = "Points are seeds; the interval of a seed, shown with it, is over the test images."
    plots = [
        plot("nu", "accuracy", f"Accuracy over spikes: {lead}", caption, title="Accuracy over spikes", guides=guides,
             marks=[mark(f"{printable(name)}: mean", result.estimate("nu"), accuracy, ("nu", "accuracy"), 0)]),
        plot("seed", "accuracy", f"Accuracy of every seed: {lead}", caption, title="Accuracy over the seeds",
             guides=guides),
        *([_steps(result)] if result.steps > 1 else []),
    ]  # fmt: skip
    matrix = np.sum([row.report.confusion for row in result.rows], axis=0)
    classes = [d.classes[k] for k in result.rows[0].report.classes]
    return Seeds(
        title=f"Classification of {d.name}: {name}", lead=lead, names=[name], columns=columns, rows=rows, plots=plots,
        tables=[text_of(table) for table in image_tables(result)], colour="accuracy", example="accuracy>0.9",
        known=known, sentences=image_sentences(result),
        sections=[confusions({name: matrix}, classes, len(rows))],
    ).page()  # fmt: skip


def _given(result: ImageTaskResult) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in result.to_dict()["network"]["training"].items() if v is not None]


def _steps(result: ImageTaskResult) -> dict[str, Any]:
    """Accuracy of decisions at each step."""
    marks = []
    for k in range(result.by_step.shape[1]):
        e = share_bounds(estimate(result.by_step[:, k]))
        if math.isfinite(e.mean):
            marks.append(mark(f"step {k + 1}", at(k + 1.0), e, ("", "accuracy"), 0))
    first, last = (number(marks[k]["y"]) for k in (0, -1))
    told = f"Accuracy of decisions at every step: {first} after step 1, {last} after step {len(marks)}"
    lines = [{"g": 0, "points": [[m["x"], m["y"]] for m in marks]}]
    return plot("step", "accuracy", told, "Means over the seeds.", title="Deciding early", marks=marks, lines=lines)
