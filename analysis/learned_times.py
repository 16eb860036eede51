"""Do networks do better with heterogeneous membrane time constants, or with learned ones?

Question: Perez-Nieves et al. (Nature Communications 12, 2021) found that networks whose membrane time constants are
heterogeneous, at the start or by learning, do better on tasks with structure in time, and that learned ones end up
broadly distributed. Which part of that holds here? And does training for a task raise memory per spike?

Method: four cells. tau_m is heterogeneous at the start or at its mean, and it stays or is learned with the weights,
input weights and biases, which are learned in all cells. Everything else is HeNHeS, and of a seed the same to the last
weight, so that differences are paired. Japanese vowels, spoken digits (the split of their authors) and the first 20,000
training images of Fashion-MNIST, a row a step, with the recipe of the data set; settings of the training are those of
gradient.py, and for images those found on images held out of the training part. No price on spikes. Beside them the
same networks as STDP leaves them, with a readout of the same windows, and the linear model of the input. C, S and E of
each network are measured as everywhere, with as many independent input channels as the data have, so that C is a sum
over channels: as drawn, and after training, on the same input.

Finding: see docs/training_study.md.

    python analysis/learned_times.py [--quick] [--out FOLDER] [--workers N] [--data-dir DIR] [--only NAME ...]

Finished cells are in FOLDER/learned_times.jsonl; the same line goes on from there. FOLDER/networks holds one trained
network of each data set: seed 0, heterogeneous at the start, times learned.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gradient import heard
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from study_kit import Array, Row, Study, fail_politely, interval, judged

import hetero_rsnn as hr
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.inputs.samples import take

#: Data set, seeds, neurons, samples at most of its training part (None: all), and settings of the classifier.
SETS: dict[str, Row] = {
    "vowels": {
        "data": "japanese_vowels", "seeds": 10, "n": 200, "train": None,
        "how": {"training_epochs": 15, "windows": "auto"},
    },
    "digits": {
        "data": "free_spoken_digits", "seeds": 10, "n": 150, "train": None,
        "how": {"training_epochs": 6, "windows": 5},
    },
    "fashion": {
        "data": "fashion_mnist", "seeds": 3, "n": 200, "train": 20000,
        "how": {
            "training_epochs": 4, "windows": 5, "tau_read": "10 ms", "learning_rate": 0.01, "batch_size": 128,
            "readout": "trained",
        },
    },
}  # fmt: skip
TITLES = {"vowels": "Japanese vowels", "digits": "spoken digits", "fashion": "Fashion-MNIST by rows"}
#: Changes of the network at the start. A gamma distribution without spread is its mean.
STARTS: dict[str, Row] = {"homogeneous": {"E.tau_m.cv": 0.0, "I.tau_m.cv": 0.0}, "heterogeneous": {}}
WEIGHTS = ("w", "w_in", "I_bias")
TRAINABLE = {"fixed": WEIGHTS, "learned": (*WEIGHTS, "tau_m")}
#: The four: name -> start, what becomes of the times.
CELLS = {f"{start}, {way}": (start, way) for start in STARTS for way in TRAINABLE}
#: Name -> the cell that should be better by the paper, and the one it is compared with.
DIFFERENCES = {
    "learned less fixed, homogeneous start": ("homogeneous, learned", "homogeneous, fixed"),
    "learned less fixed, heterogeneous start": ("heterogeneous, learned", "heterogeneous, fixed"),
    "heterogeneous less homogeneous start, fixed": ("heterogeneous, fixed", "homogeneous, fixed"),
    "heterogeneous less homogeneous start, learned": ("heterogeneous, learned", "homogeneous, learned"),
}
#: Of learned time constants. Some of a gamma distribution with mean 10 ms begin below one step of the network, 1 ms.
BOUNDS = ("0.1 ms", "10 s")
MEASURED = ("C", "S", "E")
COLOURS = {"homogeneous": "#6B7A85", "heterogeneous": "#D55E00"}


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    sets = SETS
    protocol = {"protocol.samples": 6000, "protocol.d_max": 25}
    if quick:
        fewer = {"seeds": 2, "n": 40, "train": 60, "test": 60}
        short = {"training_epochs": 1, "batch_size": 16}
        sets = {k: {**v, **fewer, "how": {**v["how"], **short}} for k, v in SETS.items()}
        protocol = {"protocol.samples": 800, "protocol.d_max": 10}
    return {"network": "henhes", "precision": "single", "bounds": list(BOUNDS), "sets": sets, "protocol": protocol}


def loaded(given: Row, data_dir: Path | None) -> tuple[Row, tuple[Any, Any, Any, Any]]:
    """How samples are encoded and simulated, and training and test samples with their labels.

    Fewer than all are the first of the training images, which are in random order, else evenly from those of the part.
    """
    data = hr.load_dataset(given["data"], data_dir=data_dir)
    train, test = data.train, data.test
    if given["train"] is not None:
        train = train[: given["train"]] if given["data"] == "fashion_mnist" else spread(train, given["train"])
    if "test" in given:
        test = spread(test, given["test"])
    assert data.y is not None
    if data.kind == "audio":  # the front end only of what is used
        used = np.concatenate([train, test])
        train, test = np.arange(train.size), train.size + np.arange(test.size)
        data = hr.Dataset(**{**vars(data), "X": take(data.X, used), "y": data.y[used], "train": train, "test": test})
    X, how = heard(data)
    return how, (take(X, train), take(X, test), data.y[train], data.y[test])


def spread(index: Any, count: int) -> Any:
    """`count` of them, evenly."""
    return index[np.linspace(0, index.size - 1, min(count, index.size)).astype(int)]


def measured(what: Any, seed: int, protocol: Row) -> Row:
    """C, S and E of a draw as it is, or of a fitted estimator with what it has learned, on the input of a seed."""
    network = hr.trained_network(what).replace(**protocol)
    row = hr.measure(network, [seed]).rows[0]
    return {q: getattr(row, q) for q in (*MEASURED, "C_stderr", "rate_hz", "silent_share")}


def times(draw: hr.Draw) -> Row:
    """Mean, spread and five quantiles of the membrane time constants, in ms."""
    tau = np.asarray(draw.neurons["tau_m"], dtype=float)
    at = np.quantile(tau, [0.05, 0.25, 0.5, 0.75, 0.95])
    return {"mean": tau.mean(), "cv": tau.std() / tau.mean(), "quantiles": at, "all": np.round(tau, 2)}


def drawn(start: str, channels: int, seed: int, s: Row, given: Row, overrides: Row) -> hr.Draw:
    """The network before its training."""
    changes = {**overrides, **STARTS[start], "n": given["n"], "input.channels": channels}
    return hr.draw(hr.load_network(s["network"], **changes), seed, precision=s["precision"])


def before(start: str, channels: int, seed: int, s: Row, given: Row, overrides: Row) -> Row:
    """A network as drawn."""
    draw = drawn(start, channels, seed, s, given, overrides)
    return {"tau_m": times(draw), "measured": measured(draw, seed, s["protocol"])}


def one(
    cell: str, seed: int, s: Row, given: Row, how: Row, parts: tuple[Any, Any, Any, Any], workers: int, keep: Path
) -> Row:
    """Train one network, and look at what has become of it."""
    start, way = CELLS[cell]
    X_train, X_test, y_train, y_test = parts
    overrides = {**how["overrides"], **STARTS[start], "n": given["n"]}
    settings = {**how, **given["how"], "overrides": overrides, "precision": s["precision"], "n_jobs": workers}
    if way == "learned":
        settings["bounds"] = {"tau_m": s["bounds"]}
    begin = time.perf_counter()
    clf = hr.HRSNNGradientClassifier(s["network"], trainable=TRAINABLE[way], seed=seed, **settings)
    clf.fit(X_train, y_train)
    seconds = time.perf_counter() - begin
    report = clf.report(X_test, y_test)
    draw = clf.frozen_.draw
    if seed == 0 and (start, way) == ("heterogeneous", "learned"):
        keep.parent.mkdir(parents=True, exist_ok=True)
        said = f"gradients on {given['data']}: {len(y_train)} samples, {len(clf.training_)} epochs, {cell}, seed {seed}"
        hr.save_network(draw, keep, trained=said)
    return {
        "accuracy": report.accuracy, "nu": report.nu, "tau_m": times(draw),
        "measured": measured(draw, seed, s["protocol"]), "seconds": seconds, "epochs": len(clf.training_),
        "best_epoch": clf.best_epoch_, "validation": [epoch.validation for epoch in clf.training_],
    }  # fmt: skip


def by_stdp(start: str, seed: int, s: Row, given: Row, how: Row, parts: tuple[Any, Any, Any, Any], workers: int) -> Row:
    """The same network after STDP, with a readout; and the linear model of its input."""
    X_train, X_test, y_train, y_test = parts
    overrides = {**how["overrides"], **STARTS[start], "n": given["n"]}
    shared = {k: given["how"][k] for k in ("windows", "tau_read") if k in given["how"]}
    settings = {**how, **shared, "overrides": overrides, "precision": s["precision"], "n_jobs": workers}
    clf = hr.HRSNNClassifier(s["network"], seed=seed, **settings).fit(X_train, y_train)
    report, tau = clf.report(X_test, y_test), times(clf.frozen_.draw)
    return {
        "accuracy": report.accuracy, "nu": report.nu, "tau_m": {q: tau[q] for q in ("mean", "cv")},
        "measured": measured(clf, seed, s["protocol"]),
        "linear": hr.LinearClassifier(clf).fit(X_train, y_train).score(X_test, y_test),
    }  # fmt: skip


def numbers(rows: Sequence[Row], *path: str) -> Array:
    """One number of each seed; what had no value is NaN."""
    out = []
    for found in rows:
        value: Any = found
        for key in path:
            value = value[key]
        out.append(math.nan if value is None else value)
    return np.array(out, dtype=float)


def summary(rows: list[Row]) -> Row:
    """Means with 95 % intervals over seeds of the cells, of paired differences, and of changes by training."""
    out: Row = {"seeds": len(rows), "before": {}, "stdp": {}, "cells": {}, "differences": {}, "after over before": {}}
    for start in STARTS:
        mine = [row["before"][start] for row in rows]
        out["before"][start] = {q: interval(numbers(mine, "measured", q)) for q in MEASURED}
        out["before"][start] |= {f"tau_m {q}": interval(numbers(mine, "tau_m", q)) for q in ("mean", "cv")}
        out["stdp"][start] = described([row["stdp"][start] for row in rows], ("accuracy", "nu", "linear"))
    for cell, (start, _) in CELLS.items():
        mine, first = [row[cell] for row in rows], [row["before"][start] for row in rows]
        out["cells"][cell] = described(mine, ("accuracy", "nu", "seconds"))
        out["after over before"][cell] = {
            q: interval(numbers(mine, "measured", q) / numbers(first, "measured", q)) for q in MEASURED
        }
    for name, (a, b) in DIFFERENCES.items():
        out["differences"][name] = {
            q: interval(numbers([row[a] for row in rows], *path) - numbers([row[b] for row in rows], *path))
            for q, path in (("accuracy", ("accuracy",)), ("nu", ("nu",)), ("E", ("measured", "E")))
        }
    return out


def described(rows: Sequence[Row], quantities: Sequence[str]) -> Row:
    """Means with intervals of these, of the measures, and of the time constants."""
    found = {q: interval(numbers(rows, q)) for q in quantities}
    found |= {q: interval(numbers(rows, "measured", q)) for q in MEASURED}
    return found | {f"tau_m {q}": interval(numbers(rows, "tau_m", q)) for q in ("mean", "cv")}


def said(values: Sequence[float | None], digits: int, *, sign: str = "") -> str:
    """A mean with its interval."""
    mean, low, high = (math.nan if v is None else v for v in values)
    return f"{mean:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def findings(out: dict[str, Row]) -> list[str]:
    """Sentences on each data set, then one on each part of what was found before."""
    lines = []
    for name, found in out.items():
        cells = ", ".join(
            f"{cell} {100 * m['accuracy'][0]:.2f} % at {m['nu'][0]:.2f} spikes" for cell, m in found["cells"].items()
        )
        lines.append(f"{TITLES[name]} ({found['seeds']} seeds): {cells}.")
        usual = ", ".join(
            f"{start} {100 * m['accuracy'][0]:.2f} % at {m['nu'][0]:.2f} spikes" for start, m in found["stdp"].items()
        )
        linear = 100 * found["stdp"]["heterogeneous"]["linear"][0]
        lines.append(f"{TITLES[name]}, STDP and readout: {usual}; the linear model of the input {linear:.2f} %.")
        for what, m in found["differences"].items():
            points = said([100 * v for v in m["accuracy"]], 2, sign="+")
            lines.append(f"{TITLES[name]}, {what}: {points} points at {said(m['nu'], 2, sign='+')} spikes a neuron.")
        spread = [
            f"{cell} {found['before'][start]['tau_m cv'][0]:.2f} to {found['cells'][cell]['tau_m cv'][0]:.2f} "
            f"(mean {found['before'][start]['tau_m mean'][0]:.1f} to {found['cells'][cell]['tau_m mean'][0]:.1f} ms)"
            for cell, (start, way) in CELLS.items()
            if way == "learned"
        ]
        lines.append(f"{TITLES[name]}, coefficient of variation of tau_m by learning: {'; '.join(spread)}.")
        changes = [
            f"{cell} C {said(m['C'], 2)}, S {said(m['S'], 2)}, E {said(m['E'], 2)}"
            for cell, m in found["after over before"].items()
        ]
        lines.append(f"{TITLES[name]}, after training over before: {'; '.join(changes)}.")
    for what, (a, b) in DIFFERENCES.items():
        words = {name: judged(found["differences"][what]["accuracy"]) for name, found in out.items()}
        better, worse = ([TITLES[n] for n, w in words.items() if w == word] for word in ("larger", "smaller"))
        lines.append(
            f"{a} against {b}: clearly more accurate on {', '.join(better) or 'none'}, clearly less on "
            f"{', '.join(worse) or 'none'}, of {len(out)}."
        )
    for cell in CELLS:
        words = {name: judged(found["after over before"][cell]["E"], 1.0) for name, found in out.items()}
        more, less = ([TITLES[n] for n, w in words.items() if w == word] for word in ("larger", "smaller"))
        lines.append(
            f"Memory per spike, {cell}: clearly raised by training on {', '.join(more) or 'none'}, clearly lowered on "
            f"{', '.join(less) or 'none'}, of {len(out)}."
        )
    return lines


def table(out: dict[str, Row]) -> list[str]:
    """Lines of the table for the page."""
    head = "| data set | tau_m | test accuracy | spikes per inference | cv of tau_m | C | S | E |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    kinds = (("accuracy", 4), ("nu", 2), ("tau_m cv", 2), ("C", 2), ("S", 3), ("E", 1))
    for name, found in out.items():
        parts = {f"{start}, as drawn": found["before"][start] for start in STARTS}
        parts |= {f"{start}, STDP and readout": found["stdp"][start] for start in STARTS} | found["cells"]
        parts["linear model of the input"] = {"accuracy": found["stdp"]["heterogeneous"]["linear"]}
        for cell, m in parts.items():
            cells = [said(m[q], digits) if q in m else "" for q, digits in kinds]
            lines.append(f"| {TITLES[name]} | {cell} | {' | '.join(cells)} |")
    return lines


def bars(ax: Axes, x: Any, values: Sequence[Sequence[float]], **look: Any) -> None:
    """Means with their intervals."""
    mean, low, high = np.array(values, dtype=float).T
    ax.errorbar(x, mean, yerr=[list(mean - low), list(high - mean)], capsize=2, ls="none", **look)


def figure(rows: dict[str, list[Row]], out: dict[str, Row]) -> Figure:
    """Of each data set: accuracy of the cells, tau_m before and after, and C, S, E after over before."""
    fig = Figure(figsize=(10.5, 3.1 * len(out)), layout="constrained")
    grid = fig.subplots(len(out), 3, squeeze=False)
    for (name, found), (left, middle, right) in zip(out.items(), grid, strict=True):
        for k, (cell, (start, way)) in enumerate(CELLS.items()):
            look: Row = {"color": COLOURS[start], "marker": "o", "mfc": "none" if way == "fixed" else COLOURS[start]}
            bars(left, [k], [found["cells"][cell]["accuracy"]], **look)
            ratios = [found["after over before"][cell][q] for q in MEASURED]
            bars(right, np.arange(3) + 0.14 * (k - 1.5), ratios, label=cell, **look)
        left.set_xticks(range(4), [f"{start[:6]}.\n{way}" for start, way in CELLS.values()], fontsize="small")
        left.set(ylabel="test accuracy", title=TITLES[name], xlim=(-0.6, 3.6))
        first = rows[name][0]
        begun = {start: first["before"][start]["tau_m"] for start in STARTS}
        learned = {start: first[f"{start}, learned"]["tau_m"]["all"] for start in STARTS}
        every = np.concatenate([begun["heterogeneous"]["all"], *learned.values()])
        edges = np.geomspace(0.98 * every.min(), 1.02 * every.max(), 40)
        middle.hist(begun["heterogeneous"]["all"], edges, color="0.8", label="heterogeneous, drawn")
        middle.axvline(begun["homogeneous"]["mean"], color="0.3", ls="--", lw=1.1, label="homogeneous, drawn")
        for start in STARTS:
            look = {"color": COLOURS[start], "label": f"{start}, learned"}
            middle.hist(learned[start], edges, histtype="step", lw=1.4, **look)
        middle.set(xlabel="tau_m (ms), seed 0", ylabel="neurons", xscale="log", xlim=(edges[0], edges[-1]))
        ticks = [t for t in (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000) if edges[0] <= t <= edges[-1]]
        middle.set_xticks(ticks, [f"{t:g}" for t in ticks])
        middle.xaxis.set_minor_formatter(NullFormatter())
        right.axhline(1.0, color="0.8", lw=0.8, zorder=0)
        right.set_xticks(range(3), MEASURED)
        right.set(ylabel="after training / before")
        for ax in (left, middle, right):
            ax.spines[["top", "right"]].set_visible(False)
    grid[0][1].legend(frameon=False, fontsize="x-small")
    grid[0][2].legend(frameon=False, fontsize="x-small")
    return fig


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--only", nargs="+", choices=list(SETS), default=list(SETS), metavar="NAME")


def main() -> None:
    """Run the study."""
    study = Study("learned_times", __doc__, setting, options=options)
    s = study.setting
    rows: dict[str, list[Row]] = {}
    for name in study.args.only:
        given = s["sets"][name]
        if find_dataset(given["data"], study.args.data_dir) == []:
            print(
                f"{name}: not found, skipped (hetero-rsnn data show {given['data']} says where to get it; --data-dir)"
            )
            continue
        how, parts = loaded(given, study.args.data_dir)
        channels = np.shape(parts[0][0])[1]
        keep = study.out / "networks" / f"{given['data']}.toml"
        rows[name] = []
        for seed in range(given["seeds"]):
            row: Row = {"before": {}, "stdp": {}}
            for start in STARTS:
                job = partial(before, start, channels, seed, s, given, how["overrides"])
                row["before"][start] = study.cell(f"{name}, seed {seed}, {start}, drawn", job)
                job = partial(by_stdp, start, seed, s, given, how, parts, study.workers)
                row["stdp"][start] = study.cell(f"{name}, seed {seed}, {start}, STDP", job)
            for cell in CELLS:
                job = partial(one, cell, seed, s, given, how, parts, study.workers, keep)
                row[cell] = study.cell(f"{name}, seed {seed}, {cell}", job)
            rows[name].append(row)
    if not rows:
        raise hr.HeteroError(
            f"none of {', '.join(study.args.only)} is there: give --data-dir, or other names to --only"
        )
    out = {name: summary(found) for name, found in rows.items()}
    study.finish({"rows": rows, "summary": out}, figure(rows, out), findings=findings(out))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
