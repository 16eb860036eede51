"""A classification as what its page is made of: accuracies over spikes and seeds, few labels, early decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hetero_rsnn.measures.estimates import Estimate, estimate
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.confusion import confusions
from hetero_rsnn.report.page import mark, plot
from hetero_rsnn.report.seeds_page import Column
from hetero_rsnn.report.task_data import MEANS, SPAN, at, best_of, level, mean_marks, seed_rows
from hetero_rsnn.report.task_tables import share_bounds, task_sentences, task_tables
from hetero_rsnn.report.terminal import text_of
from hetero_rsnn.tasks.result import TaskResult

_SHARE = "The interval of a seed, shown with it, is over the test samples. "


def classification(result: TaskResult) -> dict[str, Any]:
    """Parts of the page, by the names of `Seeds`."""
    d, names, first = result.dataset, [label(name) for name in result.names], result.rows[0]
    rocket = first.minirocket is not None
    share: dict[str, Any] = {"digits": 4, "span": SPAN, "most": 1.0, "down": True}
    columns = [
        Column("accuracy", "accuracy", **share),
        Column("linear", "linear model", "linear", **share),
        Column("linear_mean", "linear on mean", "linear.mean", **share),
        *([Column("minirocket", "MiniRocket", "Mini-Rocket", **share)] if rocket else []),
        Column("windows", "windows"),
        Column("linear_windows", "its windows", "linear.windows"),
        Column("spikes", "spikes / inference"),
        Column("nu", "nu (a neuron)", "nu"),
        Column("rate_hz", "rate (Hz)", "rate"),
        Column("efficiency", "accuracy / nu", "accuracy.per nu", down=True),
    ]
    own = ("linear", "linear_mean", "minirocket", "windows", "linear_windows")

    def values(row: Any) -> dict[str, float]:
        return {c.key: getattr(row if c.key in own else row.report, c.key) for c in columns}

    linear = estimate(row.linear for row in result.rows).mean
    beside = f"the linear model on the same input {linear:.4f}, the most frequent class {first.report.chance:.4f}"
    lead = f"{best_of(result, 'accuracy', digits=4)}; {beside}"
    guides = level("linear model", (row.linear for row in result.rows))
    guides += level("MiniRocket", (row.minirocket for row in result.rows)) if rocket else []
    plots = [
        plot("nu", "accuracy", f"Accuracy over spikes of {len(names)} network{'s' * (len(names) > 1)}: {lead}",
             MEANS + _SHARE + "Left costs less.", title="Accuracy over spikes",
             marks=mean_marks(result, "accuracy", True), guides=guides),
        plot("seed", "accuracy", f"Accuracy of every seed: {lead}", _SHARE + "A seed is another draw of the networks.",
             title="Accuracy over the seeds", guides=guides),
    ]  # fmt: skip
    if len(first.few) > 1:
        plots.append(_few(result))
    if first.early is not None:
        plots.append(_early(result))
    found = {label(name): np.sum([r.report.confusion for r in result.of(name)], axis=0) for name in result.names}
    return {
        "title": f"Classification of {d.name}: {', '.join(names)}", "lead": lead, "names": names, "columns": columns,
        "rows": seed_rows(result, values, lambda row: {"accuracy": [row.report.low, row.report.high]}), "plots": plots,
        "tables": [text_of(table) for table in task_tables(result)], "sentences": task_sentences(result),
        "colour": "accuracy", "example": f"{names[0].lower()} accuracy>0.9",
        "sections": [confusions(found, [d.classes[k] for k in first.report.classes], len(result.of(result.names[0])))],
    }  # fmt: skip


def _curves(
    result: TaskResult, x: str, points: Callable[[str], Sequence[tuple[str, Estimate, Estimate]]],
    linear: Sequence[Any], told: str, caption: str, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Accuracies along something that no seed has for itself; `linear` are the points of the linear model."""
    marks = [
        mark(f"{label(name)}, {where}", at, share_bounds(y), (x, "accuracy"), g)
        for g, name in enumerate(result.names)
        for where, at, y in points(name)
    ]
    marks += [mark(f"linear model, {where}", at, share_bounds(y), ("", "accuracy"), None) for where, at, y in linear]
    groups = dict.fromkeys(m["g"] for m in marks)
    lines = [{"g": g, "points": [[m["x"], m["y"]] for m in marks if m["g"] == g]} for g in groups]
    return plot(x, "accuracy", told, caption, marks=marks, lines=lines, **more)


def _few(result: TaskResult) -> dict[str, Any]:
    counts = list(result.rows[0].few)

    def points(name: str, which: int = 0) -> list[tuple[str, Estimate, Estimate]]:
        rows = result.of(name)
        return [
            (f"{k} label{'s' * (k > 1)} of a class", at(k), estimate(r.few[k][which] for r in rows)) for k in counts
        ]

    best = max(result.names, key=lambda name: points(name)[-1][2].mean)
    (_, low, a), *_, (_, high, b) = points(best)
    told = (
        f"Accuracy over the number of labels of a class: {label(best)} from {a.mean:.3f} with {low.mean:.0f} to "
        f"{b.mean:.3f} with {high.mean:.0f}; the linear model from {points(best, 1)[0][2].mean:.3f} to "
        f"{points(best, 1)[-1][2].mean:.3f}"
    )
    caption = "Means over the seeds. The networks learn from all training samples, the readouts from the labelled ones."
    linear = points(result.names[0], 1)
    return _curves(result, "labels of a class", points, linear, told, f"{caption} Stars are the linear model.",
                   title="With few labels", log=True)  # fmt: skip


def _early(result: TaskResult) -> dict[str, Any]:
    def points(name: str) -> list[tuple[str, Estimate, Estimate]]:
        curves = [row.early for row in result.of(name)]
        full = [("no early stop", estimate(1.0 for _ in curves), estimate(c.full.accuracy for c in curves))]
        cut = [
            (f"epsilon {p.epsilon:g}", share_bounds(estimate(1.0 - c.points[k].time_saved for c in curves)),
             estimate(c.points[k].accuracy for c in curves))
            for k, p in enumerate(curves[0].points)
        ]  # fmt: skip
        return sorted([*cut, *full], key=lambda point: point[1].mean)

    name = result.names[-1]
    chosen = [row.early.chosen for row in result.of(name)]
    saved = estimate(c.time_saved for c in chosen).mean
    told = (
        f"Accuracy over the time of a decision: {label(name)} saves {saved:.1%} of the time with "
        f"accuracy {estimate(c.accuracy for c in chosen).mean:.4f}; without an early stop it has "
        f"{estimate(row.early.full.accuracy for row in result.of(name)).mean:.4f}"
    )
    caption = "Means over the seeds. Every mark is a tolerated share of wrong decisions (epsilon); the last one waits."
    return _curves(result, "time of a decision (share)", points, (), told, caption, title="Deciding early")
