"""Tables of tasks for the terminal, and the sentences that say what they mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rich import box
from rich.table import Table

from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.network.definition import mixed_pairs
from hetero_rsnn.network.shipped import label
from hetero_rsnn.report.table_files import estimates_of
from hetero_rsnn.report.terminal import console, shown
from hetero_rsnn.tasks.result import TaskResult


def _table(title: str, *headings: str, below: str = "") -> Table:
    """A table with a title of one line, or of two."""
    whole = f"{shown(title)}\n{shown(below)}" if below else shown(title)
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=whole)
    table.add_column("network", no_wrap=True)
    for heading in headings:
        table.add_column(shown(heading), justify="right")
    return table


def _over(result: TaskResult) -> str:
    seeds = len(result.rows) // len(result.networks)
    sizes = " or ".join(map(str, sorted({n.n for n in result.networks})))
    return f"{seeds} seed{'s' * (seeds > 1)}, {sizes} neurons"


def _taught(result: TaskResult, what: str) -> str:
    return f", trained on {what} by gradients" if result.recipe.options.get("train") == "gradient" else ""


def linear_of(result: TaskResult, name: str, quantity: str = "linear") -> Estimate:
    """The linear model's score on the input that the network had."""
    return estimate(getattr(row, quantity) for row in result.of(name))


def verdict(result: TaskResult, name: str) -> str:
    """Whether a network beats the linear model on the same input, seed by seed."""
    if result.dataset.task == "classification":
        return accuracy_verdict(label(name), [(row.report.accuracy, row.linear) for row in result.of(name)])
    gain = estimate(row.report.linear - row.report.nrmse for row in result.of(name))
    inside = "" if math.isnan(gain.low) else f" [{gain.low:+.4f}, {gain.high:+.4f}]"
    return _judged(f"linear NRMSE - {label(name)}: {gain.mean:+.4f}{inside}", gain)


def accuracy_verdict(name: str, pairs: Iterable[tuple[float, float]]) -> str:
    """The same of accuracies: of a network and of the linear model, a pair a seed."""
    gain = estimate(network - linear for network, linear in pairs)
    inside = "" if math.isnan(gain.low) else f" [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"
    return _judged(f"{name} - linear: {100 * gain.mean:+.2f} points{inside}", gain)


def _judged(text: str, gain: Estimate) -> str:
    if math.isnan(gain.low):
        where = "better than" if gain.mean > 0 else "worse than" if gain.mean < 0 else "level with"
        return f"{text}: {where} its linear baseline, but one seed has no interval"
    if gain.high < 0:
        return f"{text}: worse than its linear baseline"
    return f"{text}: {'beats' if gain.low > 0 else 'no clear difference to'} its linear baseline"


def task_tables(result: TaskResult) -> list[Table]:
    """All tables of a result."""
    return _classification(result) if result.dataset.task == "classification" else _forecasts(result)


def task_rows(result: TaskResult) -> list[dict[str, Any]]:
    """A row for each network, in plain numbers: means over seeds, with the bounds of their 95 % intervals."""
    names: tuple[str, ...] = ("accuracy", "spikes", "nu", "rate_hz", "efficiency")
    if result.dataset.task != "classification":
        names = ("nrmse", "persistence", "linear", "skill", "linear_skill", *names[1:])
    rows = []
    for name in result.names:
        found = {q: result.estimate(name, q) for q in names}
        if result.dataset.task == "classification":
            found |= {q: linear_of(result, name, q) for q in ("linear", "linear_mean")}
            if result.rows[0].minirocket is not None:
                found["minirocket"] = linear_of(result, name, "minirocket")
        rows.append({"network": name, "seeds": len(result.of(name)), **estimates_of(found)})
    return rows


def print_task(result: TaskResult) -> None:
    """All tables of a result, and what they say of the networks."""
    out = console()
    for table in task_tables(result):
        out.print(table)
    for sentence in task_sentences(result):
        out.print(shown(sentence), highlight=False)


def task_sentences(result: TaskResult) -> list[str]:
    """What the tables say: of each network beside the linear model, and of heterogeneity."""
    said = [verdict(result, name) for name in result.names]
    said += [network.note for network in result.networks if network.note]
    if {"honhos", "henhes"} <= set(result.names):
        quantity = "accuracy" if result.dataset.task == "classification" else "nrmse"
        d = result.difference("henhes", "honhos", quantity)
        nu = result.difference("henhes", "honhos", "nu")
        said.append(
            f"heterogeneity, HeNHeS - HoNHoS, paired: {quantity} {cell(d, signed=True)}, nu {cell(nu, signed=True)}"
        )
        if mixed := mixed_pairs([n for n in result.networks if n.name in ("honhos", "henhes")]):
            said.append(mixed)
    return said


def _classification(result: TaskResult) -> list[Table]:
    d = result.dataset
    rocket = result.rows[0].minirocket is not None
    taught = _taught(result, "labels")
    table = _table(
        f"{d.name}: {len(d.train)} training and {len(d.test)} test samples, {_over(result)}{taught}; "
        "mean [95 % interval over seeds]",
        "accuracy", "windows", "linear", "its windows", "linear on mean", *(["MiniRocket"] if rocket else []),
        "spikes/inference", "nu (a neuron)", "accuracy/nu",
    )  # fmt: skip
    for name in result.names:
        means = {q: linear_of(result, name, q).mean for q in ("linear", "linear_mean")}
        table.add_row(
            shown(label(name)), cell(share_bounds(result.estimate(name, "accuracy")), digits=4), _windows(result, name),
            f"{means['linear']:.4f}", _windows(result, name, "linear_windows"), f"{means['linear_mean']:.4f}",
            *([f"{linear_of(result, name, 'minirocket').mean:.4f}"] if rocket else []),
            f"{result.estimate(name, 'spikes').mean:,.0f}",
            cell(result.estimate(name, "nu")), cell(result.estimate(name, "efficiency")),
        )  # fmt: skip
    tables = [table]
    first = result.rows[0]
    if len(first.few) > 1:
        table = _table("accuracy with few labels a class (the networks learn from all samples)", *map(str, first.few))
        for name in result.names:
            rows = result.of(name)
            table.add_row(shown(label(name)), *(f"{estimate(r.few[k][0] for r in rows).mean:.3f}" for k in first.few))
        rows = result.of(result.names[0])
        table.add_row("linear", *(f"{estimate(r.few[k][1] for r in rows).mean:.3f}" for k in first.few))
        tables.append(table)
    if first.groups:
        table = _table("accuracy on the group that was left out of all training (linear)", *first.groups, "mean")
        for name in result.names:
            rows = result.of(name)
            both = [[estimate(r.groups[g][i] for r in rows).mean for g in first.groups] for i in (0, 1)]
            cells = [f"{a:.3f} ({b:.3f})" for a, b in zip(*both, strict=True)]
            table.add_row(
                shown(label(name)), *cells, f"{sum(both[0]) / len(cells):.3f} ({sum(both[1]) / len(cells):.3f})"
            )
        tables.append(table)
    return tables if first.early is None else [*tables, *_early(result)]


def _early(result: TaskResult) -> list[Table]:
    one = result.rows[0].early
    table = _table(
        f"deciding early: epsilon chosen on {one.n_calibration} training samples for a loss of at most "
        f"{100 * one.loss:g} point, {one.n_test} test samples",
        "epsilon", "full length", "cutoff", "time saved", "spikes saved", "bound (OCT) saves",
    )  # fmt: skip
    for name in result.names:
        curves = [r.early for r in result.of(name)]
        epsilons = ["none" if c.chosen.epsilon is None else f"{c.chosen.epsilon:g}" for c in curves]
        table.add_row(
            shown(label(name)), ", ".join(dict.fromkeys(epsilons)), *(
                f"{estimate(values).mean:{form}}" for values, form in (
                    ([c.full.accuracy for c in curves], ".4f"), ([c.chosen.accuracy for c in curves], ".4f"),
                    ([c.chosen.time_saved for c in curves], ".1%"), ([c.chosen.spikes_saved for c in curves], ".1%"),
                    ([c.bound.time_saved for c in curves], ".1%"),
                )
            ),
        )  # fmt: skip
    tables = [table]
    name = result.names[-1]
    curves = [r.early for r in result.of(name)]
    table = _table(
        f"{label(name)} over epsilon, beside a readout that stops all samples at one time",
        "accuracy", "time saved", "spikes saved", "fixed time: accuracy", "time saved",
    )  # fmt: skip
    table.columns[0].header = "epsilon"
    for k, point in enumerate(one.points):
        points = [c.points[k] for c in curves]
        # The latest fixed time that is no later than the cutoff on average.
        fixed = [
            max((f for f in c.fixed if f.time <= p.time), key=lambda f: f.time, default=c.fixed[0])
            for c, p in zip(curves, points, strict=True)
        ]
        table.add_row(
            f"{point.epsilon:g}", f"{estimate(p.accuracy for p in points).mean:.4f}",
            f"{estimate(p.time_saved for p in points).mean:.1%}",
            f"{estimate(p.spikes_saved for p in points).mean:.1%}",
            f"{estimate(f.accuracy for f in fixed).mean:.4f}", f"{estimate(f.time_saved for f in fixed).mean:.1%}",
        )  # fmt: skip
    tables.append(table)
    return tables


def _forecasts(result: TaskResult) -> list[Table]:
    d = result.dataset
    one = result.rows[0].report
    kept, linear, worth = (
        estimate(getattr(r.report, q) for r in result.rows).mean for q in ("persistence", "linear", "linear_skill")
    )
    changes = " (by their changes)" if result.rows[0].difference else ""
    over = "" if math.isnan(kept) else f"persistence: NRMSE {kept:.4f}; "
    table = _table(
        f"{d.name}, {one.horizon} samples ahead{changes}: {one.n} forecasts of {len(d.test)} test series, "
        f"{_over(result)}{_taught(result, 'targets')}; mean [95 % interval over seeds]",
        "NRMSE", "skill", "spikes/forecast", "nu (a neuron)", "efficiency",
        below=f"{over}linear on {one.lags} lags: NRMSE {linear:.4f}"
        + ("" if math.isnan(worth) else f", skill {worth:.4f}"),
    )  # fmt: skip
    for name in result.names:
        table.add_row(
            shown(label(name)), cell(result.estimate(name, "nrmse")), cell(result.estimate(name, "skill")),
            f"{result.estimate(name, 'spikes').mean:,.0f}", cell(result.estimate(name, "nu")),
            cell(result.estimate(name, "efficiency")),
        )  # fmt: skip
    tables = [table]
    if result.rows[0].groups:
        table = _table("skill by group (linear)", *result.rows[0].groups)
        for name in result.names:
            rows = result.of(name)
            table.add_row(
                shown(label(name)),
                *(
                    f"{estimate(r.groups[g].skill for r in rows).mean:.4f} "
                    f"({estimate(r.groups[g].linear_skill for r in rows).mean:.4f})"
                    for g in result.rows[0].groups
                ),
            )
        tables.append(table)
    if result.rows[0].closed_loop:
        table = _table("free runs: valid prediction time in Lyapunov times", "mean", "median", "shortest", "longest")
        for name in result.names:
            times = sorted(t for r in result.of(name) for t in r.closed_loop)
            middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2
            over_seeds = estimate(sum(r.closed_loop) / len(r.closed_loop) for r in result.of(name))
            table.add_row(shown(label(name)), cell(over_seeds), f"{middle:.2f}", f"{times[0]:.2f}", f"{times[-1]:.2f}")
        tables.append(table)
    return tables


def _windows(result: TaskResult, name: str, quantity: str = "windows") -> str:
    """The numbers of windows that were chosen, over the seeds."""
    return ", ".join(str(k) for k in sorted({getattr(row, quantity) for row in result.of(name)}))


def share_bounds(e: Estimate) -> Estimate:
    """An interval that stays between 0 and 1: few seeds near 1 would claim more than all."""
    return replace(e, low=max(e.low, 0.0), high=min(e.high, 1.0)) if e.n > 1 else e
