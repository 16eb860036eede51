"""How few bits do recurrent weights need: rounded after learning, or trained as they are?

Question: robustness.py found that C of networks that learned by STDP survives weights of one bit, if the readout is
fitted anew. Does that hold for a task, and for networks that gradients have trained? And does training with coarse
weights win back what rounding afterwards costs?

Method: HeNHeS, whose recurrence is weak beside its heterogeneous neurons, and HoNHoS, which remembers by recurrence
alone, on Japanese vowels, with the recipe of the data set and one readout for all, ridge regression on the mean state
of a sample (with more windows nearly every network is right throughout). Three ways: STDP, then rounded; gradients (the
settings of gradient.py, no price on spikes), then rounded; gradients through the rounded weights. Signs are kept
(Dale's law) in all three, so that the levels are the same: 1 bit says whether a synapse is there, k bits are 2^k
magnitudes, and three levels of a network are two of each projection. Beside them 1 bit and three levels with free
signs: plus or minus one magnitude, and 0. Only recurrent weights are rounded. The 32 bits at the end are weights as
they are, which training holds in single precision; 0 bits are none, the control that tells what recurrence is worth.
The readout is fitted to each rounded network, or kept from the full one. C, S and E are measured as everywhere, on as
many independent channels as the data have. All networks of a seed are drawn alike, so that differences are paired.

Finding: see docs/robustness.md.

    python analysis/bits_recurrent.py [--quick] [--out FOLDER] [--workers N]

Finished cells are in FOLDER/bits_recurrent.jsonl; the same line goes on from there. The full run takes about 30 minutes
of two cores.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from learned_times import judged, loaded, measured, numbers, said
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from study_kit import Row, Study, fail_politely, floats, interval, number

import hetero_rsnn as hr
from hetero_rsnn.gradient.quantisation import levels, quantised_draw
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.network.shipped import label

NETWORKS = ("henhes", "honhos")

#: Kinds of weights from few bits to all, and what they are called; first none at all.
KINDS = {"none": "0", "1bit": "1", "ternary": "ternary", "2bit": "2", "4bit": "4", "8bit": "8", "full": "32"}
#: Those that differ most where signs are free.
FREE = ("1bit", "ternary", "full")
#: Those that a network can be trained with.
SOME = tuple(kind for kind in KINDS if kind != "none")
#: Ways: name -> how the network learns, whether it is rounded afterwards, whether signs are kept, its kinds of weights.
WAYS: dict[str, tuple[str, bool, bool, tuple[str, ...]]] = {
    "STDP, then rounded": ("stdp", True, True, tuple(KINDS)),
    "gradients, then rounded": ("gradient", True, True, tuple(KINDS)),
    "gradients through rounded weights": ("gradient", False, True, SOME),
    "free signs, then rounded": ("gradient", True, False, ("none", *FREE)),
    "free signs, through rounded weights": ("gradient", False, False, FREE),
}
#: Trained through rounded weights less rounded afterwards: what training for it is worth.
DIFFERENCES = {
    "gradients through rounded weights": "gradients, then rounded",
    "free signs, through rounded weights": "free signs, then rounded",
}
LOOKS: dict[str, Row] = {
    "STDP, then rounded": {"color": "#D55E00", "marker": "D"},
    "gradients, then rounded": {"color": "#2F6F8F", "marker": "o"},
    "gradients through rounded weights": {"color": "#2F6F8F", "marker": "o", "mfc": "white"},
    "free signs, then rounded": {"color": "#6B7A85", "marker": "s", "ls": "--"},
    "free signs, through rounded weights": {"color": "#6B7A85", "marker": "s", "ls": "--", "mfc": "white"},
}
#: What is kept of every network: title, path in its row, digits.
NUMBERS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "accuracy": ("test accuracy", ("accuracy",), 4),
    "kept": ("with the readout of full weights", ("kept",), 4),
    "nu": ("spikes per inference", ("nu",), 2),
    "C": ("C (samples)", ("measured", "C"), 2),
    "S": ("S", ("measured", "S"), 3),
    "E": ("E = C / S", ("measured", "E"), 1),
    "there": ("share of synapses", ("there",), 2),
}


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    given: Row = {"data": "japanese_vowels", "train": None}
    protocol = {"protocol.samples": 6000, "protocol.d_max": 25}
    if quick:
        given |= {"train": 90, "test": 60}
        protocol = {"protocol.samples": 800, "protocol.d_max": 10}
    return {
        "networks": list(NETWORKS), "n": 40 if quick else 400, "seeds": 2 if quick else 10, "precision": "single",
        "data": given, "windows": 1, "protocol": protocol, "kinds": list(KINDS),
        "training": {"training_epochs": 2 if quick else 20, "pooling": "rate", "readout": "trained"},
        "ways": {name: list(way) for name, way in WAYS.items()},
    }  # fmt: skip


def learned(name: str, way: str, kind: str, seed: int, s: Row, how: Row, X: Any, y: Any) -> hr.Draw:
    """The network that one way of learning leaves, with the weights that it has then."""
    rule, _, signs, _ = WAYS[way]
    given = {
        **{k: v for k, v in how.items() if k != "overrides"}, "overrides": {**how["overrides"], "n": s["n"]},
        "precision": s["precision"], "seed": seed, "windows": s["windows"],
    }  # fmt: skip
    if rule == "stdp":
        clf: Any = hr.HRSNNClassifier(name, **given).fit(X, y)
    else:
        clf = hr.HRSNNGradientClassifier(name, signs=signs, weights=kind, **given, **s["training"]).fit(X, y)
    draw = clf.frozen_.draw
    return replace(draw, plastic=replace(draw.plastic, w=np.asarray(clf.frozen_.state.w, np.float64)))


def answering(draw: hr.Draw, seed: int, s: Row, how: Row, X: Any, y: Any) -> hr.HRSNNClassifier:
    """A readout of the mean state of a sample, fitted to a network as it is."""
    given = {k: v for k, v in how.items() if k != "overrides"}
    network = hr.trained_network(draw)
    clf = hr.HRSNNClassifier(network, epochs=0, seed=seed, precision="double", windows=s["windows"], **given)
    return clf.fit(X, y)


def on(clf: hr.HRSNNClassifier, draw: hr.Draw) -> hr.HRSNNClassifier:
    """The same readout on a network with other weights."""
    other = copy.copy(clf)
    state = replace(clf.frozen_.state, w=np.asarray(draw.plastic.w))
    other.frozen_ = replace(clf.frozen_, draw=draw, state=state)
    return other


def looked_at(draw: hr.Draw, seed: int, s: Row, how: Row, parts: Any, full: hr.HRSNNClassifier | None) -> Row:
    """Everything of `NUMBERS` for one network; `full` answers with the readout that is kept."""
    X_train, X_test, y_train, y_test = parts
    report = answering(draw, seed, s, how, X_train, y_train).report(X_test, y_test)
    w = np.concatenate([np.asarray(draw.plastic.w), np.asarray(draw.static.w)])
    return {
        "accuracy": report.accuracy, "nu": report.nu, "there": float((w != 0).mean()),
        "kept": None if full is None else on(full, draw).score(X_test, y_test),
        "measured": measured(draw, seed, s["protocol"]),
    }  # fmt: skip


def rounded(seed: int, name: str, way: str, s: Row, how: Row, parts: Any) -> Row:
    """Learn with full weights, then round to every kind."""
    draw = learned(name, way, "full", seed, s, how, parts[0], parts[2])
    full = answering(draw, seed, s, how, parts[0], parts[2])
    _, _, signs, kinds = WAYS[way]
    return {kind: looked_at(coarse(draw, kind, signs), seed, s, how, parts, full) for kind in kinds}


def coarse(draw: hr.Draw, kind: str, signs: bool) -> hr.Draw:
    """A network with its recurrent weights rounded, or all of them 0."""
    if kind != "none":
        return quantised_draw(draw, kind, signs=signs)
    zero = {name: replace(getattr(draw, name), w=np.zeros(len(getattr(draw, name)))) for name in ("plastic", "static")}
    return replace(draw, **zero)


def trained(seed: int, name: str, way: str, kind: str, s: Row, how: Row, parts: Any) -> Row:
    """Learn with weights of one kind."""
    draw = learned(name, way, kind, seed, s, how, parts[0], parts[2])
    return looked_at(draw, seed, s, how, parts, None)


def summary(rows: dict[str, dict[str, list[Row]]]) -> Row:
    """Means with 95 % intervals over seeds, changes against full weights, and what training for it is worth."""
    out: Row = {"ways": {}, "change": {}, "differences": {}}
    for way, kinds in rows.items():
        out["ways"][way] = {k: {q: found(mine, q) for q in NUMBERS} for k, mine in kinds.items()}
        out["change"][way] = {
            k: {
                "accuracy": less(mine, kinds["full"], "accuracy"), "kept": less(mine, kinds["full"], "kept"),
                **{q: over(mine, kinds["full"], q) for q in ("C", "E", "nu")},
            }
            for k, mine in kinds.items() if k != "full"
        }  # fmt: skip
    for way, base in DIFFERENCES.items():
        out["differences"][way] = {
            k: {"accuracy": less(mine, rows[base][k], "accuracy"), **{q: over(mine, rows[base][k], q) for q in "CE"}}
            for k, mine in rows[way].items() if k != "full"
        }  # fmt: skip
    return out


def found(rows: Sequence[Row], name: str) -> list[float]:
    """A number over the seeds."""
    return interval(numbers(rows, *NUMBERS[name][1]))


def less(rows: Sequence[Row], others: Sequence[Row], name: str) -> list[float]:
    """Differences, seed by seed."""
    return interval(numbers(rows, *NUMBERS[name][1]) - numbers(others, *NUMBERS[name][1]))


def over(rows: Sequence[Row], others: Sequence[Row], name: str) -> list[float]:
    """Ratios, seed by seed."""
    return interval(numbers(rows, *NUMBERS[name][1]) / numbers(others, *NUMBERS[name][1]))


def called(kind: str) -> str:
    """What a kind of weights is called in a sentence."""
    if kind == "none":
        return "no recurrence"
    return "three levels" if kind == "ternary" else f"{KINDS[kind]} bit{'s' if kind != '1bit' else ''}"


def findings(out: dict[str, Row]) -> list[str]:
    """Sentences on each network."""
    return [f"{label(name)}: {line}" for name, mine in out.items() for line in sentences(mine)]


def sentences(out: Row) -> list[str]:
    """Of each way: what few bits cost against full weights; then what training for them is worth."""
    lines = []
    for way, kinds in out["ways"].items():
        full = kinds["full"]
        lines.append(
            f"{way}, full weights: accuracy {said(full['accuracy'], 4)} at {full['nu'][0]:.2f} spikes, "
            f"C {said(full['C'], 2)}, E {said(full['E'], 1)}."
        )
        for kind, change in out["change"][way].items():
            kept = "" if math.isnan(number(change["kept"][0])) else f", kept readout {points(change['kept'])}"
            lines.append(
                f"{way}, {called(kind)}: {points(change['accuracy'])} points of accuracy "
                f"({judged(floats(change['accuracy']))}){kept}; share left of C {said(change['C'], 3)}, of E "
                f"{said(change['E'], 3)}; spikes {said(change['nu'], 3)} of those before."
            )
    for way, kinds in out["differences"].items():
        for kind, m in kinds.items():
            lines.append(
                f"{way} against {DIFFERENCES[way]}, {called(kind)}: {points(m['accuracy'])} points "
                f"({judged(floats(m['accuracy']))}), C {said(m['C'], 3)}, E {said(m['E'], 3)} of the other."
            )
    return lines


def points(values: Sequence[float | None]) -> str:
    """A difference of accuracies in percentage points."""
    return said([100 * v for v in floats(values)], 2, sign="+")


def told(kind: str, signs: bool) -> str:
    """Bits that one synapse has to be told."""
    count = 1 if kind == "none" else levels(kind, signs=signs)
    return "32" if count is None else f"{math.log2(count):.3g}"


def table(out: dict[str, Row]) -> list[str]:
    """Lines of the table for the page."""
    head = (
        "| network | learned by | weights | bits a synapse | "
        + " | ".join(title for title, _, _ in NUMBERS.values())
        + " |"
    )
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for name, way, kind in ((n, w, k) for n, mine in out.items() for w, kinds in mine["ways"].items() for k in kinds):
        m = out[name]["ways"][way][kind]
        cells = ["" if math.isnan(number(m[q][0])) else said(m[q], NUMBERS[q][2]) for q in NUMBERS]
        lines.append(f"| {label(name)} | {way} | {KINDS[kind]} | {told(kind, WAYS[way][2])} | {' | '.join(cells)} |")
    return lines


def figure(out: dict[str, Row]) -> Figure:
    """Accuracy, spikes, C and E against the bits of a weight: a row a network, a curve a way."""
    fig = Figure(figsize=(13.5, 3.1 * len(out) + 0.8), layout="constrained")
    places = {kind: k for k, kind in enumerate(KINDS)}
    axes = fig.subplots(len(out), 4, sharex=True, squeeze=False)
    for row, (name, mine) in zip(axes, out.items(), strict=True):
        for ax, quantity in zip(row, ("accuracy", "nu", "C", "E"), strict=True):
            panel(ax, mine, quantity, places)
            ax.set_title(label(name), fontsize="medium")
    for ax in axes[-1]:
        ax.set_xticks(range(len(KINDS)), list(KINDS.values()))
        ax.set_xlabel("bits of a recurrent weight")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return fig


def panel(ax: Axes, out: Row, name: str, places: dict[str, int]) -> None:
    """One number of every way."""
    for j, (way, kinds) in enumerate(out["ways"].items()):
        x = [places[kind] + 0.09 * (j - 2) for kind in kinds]
        mean, low, high = np.array([floats(m[name]) for m in kinds.values()]).T
        ax.errorbar(x, mean, yerr=[mean - low, high - mean], label=way, capsize=2, lw=1.2, ms=5, **LOOKS[way])
    ax.set_ylabel(NUMBERS[name][0])
    ax.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Run the study."""
    study = Study("bits_recurrent", __doc__, setting)
    s = study.setting
    how, parts = loaded(s["data"], None)
    rows = {name: every_way(study, name, s, how, parts) for name in s["networks"]}
    out = {name: summary(mine) for name, mine in rows.items()}
    study.finish({"rows": rows, "summary": out}, figure(out), findings=findings(out))
    print("\n".join(table(out)))


def every_way(study: Study, name: str, s: Row, how: Row, parts: Any) -> dict[str, dict[str, list[Row]]]:
    """Way -> kind of weights -> a row a seed, of one network; a cell is all seeds."""
    rows: dict[str, dict[str, list[Row]]] = {}
    for way, (_, after, _, kinds) in WAYS.items():
        more: Row = {"name": name, "way": way, "s": s, "how": how, "parts": parts}
        if after:
            seeds = study.cell(
                f"{name}, {way}", partial(over_seeds, partial(rounded, **more), s["seeds"], study.workers)
            )
            rows[way] = {kind: [row[kind] for row in seeds] for kind in kinds}
            continue
        rows[way] = {}
        for kind in kinds:
            if kind == "full":  # nothing is rounded: the same networks
                rows[way][kind] = [{**row, "kept": None} for row in rows[DIFFERENCES[way]][kind]]
                continue
            job = partial(trained, kind=kind, **more)
            rows[way][kind] = study.cell(f"{name}, {way}, {kind}", partial(over_seeds, job, s["seeds"], study.workers))
    return rows


def over_seeds(job: Any, seeds: int, workers: int) -> list[Row]:
    """One row a seed, several at a time."""
    return list(run_jobs(job, range(seeds), workers=workers, threads=True))


if __name__ == "__main__":
    fail_politely(main)
