"""Tables of feed-forward networks on images, within 80 columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from hetero_rsnn.measures.cutoff_table import RULES
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.report.table_files import estimates_of
from hetero_rsnn.report.task_tables import accuracy_verdict, share_bounds
from hetero_rsnn.report.terminal import console, shown
from hetero_rsnn.tasks.image_result import ImageTaskResult


def _table(title: str, *headings: str) -> Table:
    """Headings are broken by hand: a narrow terminal would cut them."""
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title=shown(title))
    for k, heading in enumerate(headings):
        lines = "\n".join(map(shown, heading.split("\n")))
        table.add_column(lines, justify="right" if k else "left", no_wrap=True)
    return table


def image_tables(result: ImageTaskResult) -> list[Table]:
    """All tables of a result."""
    return [_seeds(result), *([] if result.rows[0].early is None else [_early(result)])]


def image_rows(result: ImageTaskResult) -> list[dict[str, Any]]:
    """One row in plain numbers: means over seeds, with the bounds of their 95 % intervals."""
    names = ("accuracy", "linear", "nu", "operations", "multiply_accumulates", "seconds")
    found = estimates_of({q: result.estimate(q) for q in names})
    return [{"network": result.model, "method": result.method, "seeds": len(result.rows), **found}]


def _seeds(result: ImageTaskResult) -> Table:
    d = result.dataset
    shortcuts = bool(result.training.get("shortcuts"))
    kind = "trained" if result.method == "direct" else "converted"
    kind += ", 1-bit weights" if result.training.get("weights") == "1bit" else ""
    kind += ", shortcuts" if shortcuts else ""
    table = _table(
        f"{d.name}, {result.model}, {kind}, {result.steps} steps: {result.n_train} training and {result.n_test} test "
        f"images; accuracy [95 % interval over images{', of the mean over seeds' if len(result.rows) > 1 else ''}]",
        "seed", "accuracy", "linear", "spikes\na neuron\nan image", "synaptic\noperations\nan image", "training\n(s)",
    )  # fmt: skip
    for row in result.rows:
        r = row.report
        table.add_row(
            str(row.seed), f"{r.accuracy:.4f} [{r.low:.4f}, {r.high:.4f}]", f"{row.linear:.4f}", f"{r.nu:.3f}",
            f"{row.operations:,.0f}", f"{row.seconds:.1f}",
        )  # fmt: skip
    if len(result.rows) > 1:
        means = {q: result.estimate(q) for q in ("accuracy", "linear", "nu", "operations", "seconds")}
        table.add_row(
            "mean", cell(share_bounds(means["accuracy"]), digits=4), f"{means['linear'].mean:.4f}",
            f"{means['nu'].mean:.3f}", f"{means['operations'].mean:,.0f}", f"{means['seconds'].mean:.1f}",
        )  # fmt: skip
    return table


def print_images(result: ImageTaskResult) -> None:
    """All tables of a result, and what they say."""
    out, (first, *further) = console(), image_tables(result)
    out.print(first)
    for sentence in image_sentences(result):
        out.print(shown(sentence), highlight=False)
    for table in further:
        out.print(table)
    early = result.rows[0].early
    if early is not None and early.alpha is not None:
        held = result.early("conformal", "coverage").mean
        said = f"conformal sets hold the label of {held:.1%} of the test images; promised: {1 - early.alpha:.0%}"
        out.print(said, highlight=False)


def image_sentences(result: ImageTaskResult) -> list[str]:
    """What an analog input costs, and whether the network beats the linear model."""
    said = []
    shortcuts = bool(result.training.get("shortcuts"))
    products = result.estimate("multiply_accumulates").mean
    if products:
        analog = (
            "the input and shortcuts with weights, which are analog, cost"
            if shortcuts
            else ("the input, which is analog, costs")
        )
        said.append(f"{analog} {products:,.0f} multiply-accumulates an image beside")
    pairs = [(row.report.accuracy, row.linear) for row in result.rows]
    return [*said, accuracy_verdict(result.model, pairs)]


def print_packed(packed: Sequence[Mapping[str, Any]]) -> None:
    """How large networks with weights of 1 bit are as files."""
    out = console()
    if not packed:
        out.print("not written as bits: packed networks hold neither TEBN nor rate coding", highlight=False)
    for one in packed:
        said = f"as bits: {one['file']} and its arrays, {one['bytes']:,} bytes with {one['bits']:,} weights of 1 bit"
        out.print(shown(said), highlight=False)


def _early(result: ImageTaskResult) -> Table:
    first = result.rows[0].early
    assert first is not None
    over = "seeds" if len(result.rows) > 1 else "images"
    table = _table(
        f"deciding early, for a loss of at most {100 * first.loss:g} points on {result.n_calibration} calibration "
        f"images (temperature: {result.n_temperature} others); accuracy [95 % interval over {over}]",
        "rule", "accuracy", "mean\nsteps", "spikes\nsaved", "operations\nsaved",
    )  # fmt: skip
    for one in first.rows:
        if len(result.rows) > 1:
            accuracy = cell(share_bounds(result.early(one.rule, "accuracy")), digits=4)
        else:
            accuracy = f"{one.accuracy:.4f} [{one.low:.4f}, {one.high:.4f}]"
        saved = (result.early(one.rule, quantity).mean for quantity in ("spikes_saved", "operations_saved"))
        table.add_row(
            "no early stop" if one.rule == "full" else RULES[one.rule], accuracy,
            f"{result.early(one.rule, 'time').mean:.2f}", *("" if math.isnan(s) else f"{s:.1%}" for s in saved),
        )  # fmt: skip
    return table
