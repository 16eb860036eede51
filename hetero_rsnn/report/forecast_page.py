"""A forecast as what its page is made of: errors over spikes and seeds, skill, a stretch of truth and forecasts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.page import figure, plot
from hetero_rsnn.report.seeds_page import Column
from hetero_rsnn.report.task_data import MEANS, SPAN, best_of, level, mean_marks, seed_rows
from hetero_rsnn.report.task_tables import task_sentences, task_tables
from hetero_rsnn.report.terminal import text_of
from hetero_rsnn.searching.wording import number
from hetero_rsnn.tasks.result import TaskResult


def forecast(result: TaskResult) -> dict[str, Any]:
    """Parts of the page, by the names of `Seeds`."""
    d, names, first = result.dataset, [label(name) for name in result.names], result.rows[0]
    one = first.report
    free = bool(first.closed_loop)
    persists = math.isfinite(estimate(row.report.persistence for row in result.rows).mean)
    error: dict[str, Any] = {"digits": 4, "span": SPAN * one.nrmse}
    worth: dict[str, Any] = {"digits": 4, "span": SPAN, "most": 1.0, "down": True}
    columns = [
        Column("nrmse", "error (NRMSE)", "NRMSE", **error),
        *([Column("persistence", "persistence", **error)] if persists else []),
        Column("linear", "linear model", "linear", **error),
        *([Column("skill", "skill", **worth), Column("linear_skill", "skill of linear", "linear.skill", **worth)]
          if persists else []),
        *([Column("free", "valid time (Lyapunov times)", "valid.time", down=True)] if free else []),
        Column("spikes", "spikes / forecast"),
        Column("nu", "nu (a neuron)", "nu"),
        Column("rate_hz", "rate (Hz)", "rate"),
        Column("efficiency", "1 / (NRMSE nu)", "1 / NRMSE.nu", down=True),
    ]  # fmt: skip

    def values(row: Any) -> dict[str, float]:
        found = {c.key: getattr(row.report, c.key) for c in columns if c.key != "free"}
        return {**found, **({"free": sum(row.closed_loop) / len(row.closed_loop)} if free else {})}

    means = {q: estimate(getattr(row.report, q) for row in result.rows).mean for q in ("persistence", "linear")}
    beside = ", ".join(
        f"{name} {means[q]:.4f}"
        for q, name in (("persistence", "persistence has"), ("linear", f"the linear model of {one.lags} lags"))
        if math.isfinite(means[q])
    )
    ahead = f"{one.horizon} sample{'s' * (one.horizon > 1)} ahead"
    lead = f"{best_of(result, 'nrmse', least=True)}, {ahead}; {beside}"
    guides = level("persistence", (row.report.persistence for row in result.rows))
    guides += level("linear model", (row.report.linear for row in result.rows))
    plots = [
        plot("nu", "nrmse", f"Error {ahead} over spikes of {len(names)} network{'s' * (len(names) > 1)}: {lead}",
             MEANS + "Left costs less, lower is better.", title="Error over spikes",
             marks=mean_marks(result, "nrmse", False), guides=guides),
        plot("seed", "nrmse", f"Error of every seed: {lead}", "A seed is another draw of the networks.",
             title="Error over the seeds", guides=guides),
    ]  # fmt: skip
    if persists:
        plots.append(
            plot("seed", "skill", f"Skill of every seed: {best_of(result, 'skill')}",
                 "1 is a forecast without error, 0 is no better than that nothing changes.",
                 title="Skill over the seeds",
                 guides=level("linear model", (row.report.linear_skill for row in result.rows)))
        )  # fmt: skip
    if free:
        spoken = ", ".join(
            f"{label(name)} {number(estimate(sum(r.closed_loop) / len(r.closed_loop) for r in result.of(name)).mean)}"
            for name in result.names
        )
        plots.append(
            plot("seed", "free", f"Free runs, mean valid prediction time in Lyapunov times: {spoken}",
                 "Mean over the test series of how long a network that runs by itself stays near.", title="Free runs")
        )  # fmt: skip
    return {
        "title": f"Forecast of {d.name}, {ahead}: {', '.join(names)}", "lead": lead, "names": names, "columns": columns,
        "rows": seed_rows(result, values, lambda row: {}), "plots": plots,
        "tables": [text_of(table) for table in task_tables(result)], "sentences": task_sentences(result),
        "colour": "nrmse", "example": f"{names[0].lower()} nrmse<{number(one.nrmse)}", **_trace(result),
    }  # fmt: skip


def _trace(result: TaskResult) -> dict[str, Any]:
    """A stretch of the first test series with the forecasts of the first seed; nothing where there is none."""
    first = result.rows[0]
    at = first.trace.get("row", np.zeros(0))
    if len(at) < 2:
        return {}
    truth = first.trace["target"]
    lines: list[dict[str, Any]] = [{"name": "truth", "values": truth.tolist(), "g": None, "row": ""}]
    off = []
    for g, name in enumerate(result.names):
        row = result.of(name)[0]
        found = row.trace["forecast"]
        off.append(f"{label(name)} {number(float(np.sqrt(np.mean((found - truth) ** 2))))}")
        lines.append(
            {"name": printable(label(name)), "values": found.tolist(), "g": g, "row": f"{g}.{row.seed}"}
        )  # fmt: skip
    ahead = first.report.horizon
    target = printable(result.dataset.details["targets"][0])
    told = (
        f"Rows {at[0]:.0f} to {at[-1]:.0f} of the first test series, from {number(float(truth.min()))} to "
        f"{number(float(truth.max()))}; root mean square error there of seed {first.seed}: {', '.join(off)}"
    )
    caption = (
        f"The broad line is the truth, the others are what seed {first.seed} of each network said {ahead} "
        f"sample{'s' * (ahead > 1)} before. A click marks the seed whose line is nearest."
    )
    series = {"x": "row of the first test series", "y": target, "at": at.tolist(), "told": told, "lines": lines}
    place = figure("series", caption, f"Truth and forecasts of {target}", wide=True)
    return {"places": [place], "data": {"series": series}}
