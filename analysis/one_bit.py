"""What do weights of 1 bit cost spiking networks, and do shortcuts and a teacher pay for it?

Question: Meng et al. (arXiv:2508.12609) see a feed-forward spiking network over T steps as an ensemble of one network
of binary activations with itself, to which membranes add noise, and conclude that what helps binary networks helps
here: a shortcut around every layer, and a teacher of full precision. What is each worth, with weights of 32 bits and of
1 bit; and are membranes a noise?

Method, in parts, on Fashion-MNIST. "teacher": an ordinary network with ReLU (a ResNet of 3 stages), trained once.
"cells": 12 layers of 256 neurons, T = 2; shortcuts, teacher, both or neither, with weights of 32 bits and of 1 bit; two
of them with T = 1 and 4. "resnet": a spiking network of 9 convolutions. "noise": how large the noise of membranes is,
layer by layer and over leaks; what it costs to replace it by independent noise of the same law; and training with noise
beside the membranes or in their place. "final": one network of 1 bit, on all training images. "transformer": a spiking
Transformer whose feed-forward layers have weights of 1 bit, or all of 32 bits, both with the teacher.
"transformer_all": the one of 1 bit once more, on all training images; it was added when 20,000 had left it short of
what was hoped for.

The last 3,000 training images teach nobody, the teacher included; the best epoch of every training is chosen by the
loss on them. The teacher has seen all others, and answers on those that its pupil is shown: 10,000, or 20,000, or all.
So a part of what it is worth may be its labels. Test images choose nothing. Learning rates, epochs and sizes are those
of `setting`, the same for all networks of a part and chosen before any of them was trained, by what other studies here
use. Networks of 1 bit have full weights in the first half of their epochs, and in all no more epochs than others.
Without shortcuts and teacher a network is plain; one of convolutions then has a shortcut around every two of them, as a
ResNet has. Seconds are those of the processor. Where images are not moved the teacher is asked once for each, and what
that takes is told apart. Intervals are of 95 % over seeds, and differences are paired. With T = 2 the first step has no
noise, and in the second the law of a neuron "over steps" is that of two values, one of them 0.

Finding: see docs/one_bit_study.md.

    python analysis/one_bit.py PART [--quick] [--out FOLDER] [--data-dir DIR] [--teacher FILE]

Finished cells are in FOLDER/one_bit_PART.jsonl, trainings that are not finished in FOLDER/checkpoints; the same line
goes on from there. "teacher" comes first and leaves FOLDER/teacher.json; others look for it in their own folder, then
where that part puts it if no folder is given. A part takes one core, whatever --workers says; two may run side by side.
All together take about 12 hours of one core, and each says before it begins how long it will. It needs torch. The quick
run takes the small digits that come with scikit-learn.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from study_kit import Row, Study, fail_politely, interval, number, verdict

import hetero_rsnn as hr
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.gradient.checkpoints import remove_checkpoint
from hetero_rsnn.measures.estimates import estimate

PARTS = ("teacher", "cells", "resnet", "noise", "final", "transformer", "transformer_all")
#: Files of networks that a part leaves.
LEAVES = {"teacher": "teacher.json", "final": "final.json"}
#: The last of these as bits, beside it; its arrays are in a second file.
PACKED = "final_packed.json"
BITS = {"32 bits": "full", "1 bit": "1bit"}
WAYS: dict[str, Row] = {
    "plain": {}, "shortcuts": {"shortcuts": True}, "distillation": {"teacher": True},
    "both": {"shortcuts": True, "teacher": True},
}  # fmt: skip
LEAKS = (0.25, 0.5, 0.75, 1.0)
#: Noise while training, and what becomes of the membranes; the first is the usual training.
NOISES = [(noise, kept) for kept in ("carried", "replaced") for noise in (0.0, 0.2, "recorded")]
#: A network is as good as another within so much accuracy.
POINT = 0.01
#: Multiply-accumulates of one step, and convolutions, of the part "resnet".
MOST, LEAST = 10_000_000, 8
#: Parts with one network, of which its training is drawn.
ONE = ("teacher", "final", "transformer_all")
#: What was hoped for: accuracy, and bytes.
TARGETS = {"teacher": 0.93, "final": 0.925, "transformer": 0.88, "transformer_all": 0.88}
SMALL = 100_000
#: What is kept of every network: title, factor, digits.
NUMBERS = {
    "accuracy": ("test accuracy", 1.0, 4), "seconds": ("training (s)", 1.0, 0), "bytes": ("kB", 1e-3, 1),
    "file": ("kB as a file", 1e-3, 1),
    "rate": ("spikes of a neuron in a step", 1.0, 3), "operations": ("synaptic operations (1,000)", 1e-3, 0),
    "products": ("products of a step (1,000)", 1e-3, 0),
}  # fmt: skip
COLOURS = {"32 bits": "#6B7A85", "1 bit": "#D55E00"}
#: Published: network, what has 1 bit, T, accuracy on ImageNet, what it lacks to full precision, where it is said.
PUBLISHED = (
    ("XNOR-Net", "weights and activations", "", 0.512, "", "table of github.com/liuzechun/ReActNet"),
    ("Bi-Real Net, 18 layers", "weights and activations", "", 0.564, "", "abstract, arXiv:1808.00278"),
    ("ReActNet", "weights and activations", "", 0.694, "at most 3.0",
     "github.com/liuzechun/ReActNet; abstract, arXiv:2003.03488"),
    ("Meng et al., Transformer", "weights of feed-forward layers, spikes", "2", 0.8252, "",
     "abstract, arXiv:2508.12609"),
)  # fmt: skip
#: Our networks beside these: part, network, what has 1 bit, T, the same with 32 bits.
BESIDE = (
    ("cells", "plain, 1 bit", "weights of inner layers, spikes", 2, "plain, 32 bits"),
    ("cells", "both, 1 bit", "weights of inner layers, spikes", 2, "both, 32 bits"),
    ("resnet", "both, 1 bit", "weights of inner layers, spikes", 2, "both, 32 bits"),
    ("transformer", "1 bit", "weights of feed-forward layers, spikes", 2, "32 bits"),
    ("transformer_all", "1 bit", "weights of feed-forward layers, spikes", 2, None),
    ("final", "both, 1 bit", "weights of inner layers, spikes", 2, None),
)
#: What the two halves of that table do not say of each other.
APART = (
    "Accuracies of the two halves cannot be compared: ImageNet has 1,000 classes of photographs, Fashion-MNIST ten of "
    "28 x 28 pixels. What could be is the distance to the same network with 32 bits, which the places named here give "
    "for ReActNet alone, with activations of full precision too. The first three have activations of -1 and 1 and one "
    "step; spikes are 0 and 1, over T steps. In the fourth only feed-forward layers have weights of 1 bit. Sizes "
    "differ throughout."
)


def setting(part: str, quick: bool) -> Row:
    """What every cell of a part depends on."""
    mlp: Row = {"kind": "mlp", "hidden": [16] * 3 if quick else [256] * 12, "steps": 2, "normalisation": "batch"}
    training: Row = {"epochs": 20, "batch_size": 64, "learning_rate": 2e-3, "optimiser": "adam"}
    bit = {"weights": "1bit"}
    out: Row = {"part": part, "data": "sklearn_digits" if quick else "fashion_mnist", "full_share": 0.5}
    if part == "teacher":
        channels = [4, 8] if quick else [24, 48, 96]
        out |= {"network": {"kind": "ordinary", "channels": channels, "blocks": 1, "levels": None}, "train": None}
        training = {"epochs": 20, "batch_size": 128, "learning_rate": 0.1, "optimiser": "sgd", "weight_decay": 5e-4}
        training |= {"flip": not quick, "shift": 1 if quick else 2}
        out |= {"arms": {"teacher": {}}, "seeds": 1}
    elif part == "cells":
        arms = {f"{way}, {bits}": {"weights": w, **how} for bits, w in BITS.items() for way, how in WAYS.items()}
        arms |= {
            f"{way}, 1 bit, T = {t}": {**bit, **WAYS[way], "steps": t} for way in ("plain", "both") for t in (1, 4)
        }
        out |= {"network": mlp, "train": 10000, "arms": arms, "seeds": 5}
    elif part == "noise":
        arms = {}
        for bits, w in BITS.items():
            usual = {"weights": w, **WAYS["both"]}
            arms |= {f"{bits}, leak {leak:g}": {**usual, "leak": leak} for leak in (LEAKS[1:3] if quick else LEAKS)}
            noisy = [NOISES[2], NOISES[3]] if quick else NOISES[1:]
            arms |= {noisy_name(bits, *how): {**usual, "noise": how[0], "membranes": how[1]} for how in noisy}
        out |= {"network": {**mlp, "leak": 0.5}, "train": 10000, "arms": arms, "seeds": 3}
    elif part.startswith("transformer"):
        sizes = {"features": 8, "depth": 1, "heads": 2} if quick else {"features": 64, "depth": 2, "heads": 4}
        out |= {"network": {"kind": "transformer", "patch": 4, "steps": 2, **sizes}, "train": 20000, "seeds": 3}
        out |= {"arms": {bits: {"weights": w, "teacher": True} for bits, w in BITS.items()}}
        training |= {"epochs": 12, "flip": not quick, "shift": int(quick)}
        if part == "transformer_all":
            out |= {"train": None, "seeds": 1, "arms": {"1 bit": out["arms"]["1 bit"]}, "both_sides": True}
            training |= {"epochs": 16}
    else:
        large = part == "final"
        channels, blocks = ([24, 48, 64] if large else [16, 32, 48, 64]), 1
        if quick:
            channels, blocks = [4, 4], 2
        out |= {
            "network": {"kind": "conv", "channels": channels, "blocks": blocks, "steps": 2, "normalisation": "batch"}
        }
        arms = {"both, 1 bit": {**bit, **WAYS["both"]}}
        if not large:
            arms = {"both, 32 bits": {"weights": "full", **WAYS["both"]}, "plain, 1 bit": bit, **arms}
        out |= {"train": None if large else 20000, "arms": arms, "seeds": 1 if large else 3}
        training |= {"epochs": 16 if large else 10, "flip": not quick, "shift": int(quick)}
        out |= {"channels_last": True} if large else {}
    if quick:
        training |= {"epochs": 4, "batch_size": 32} | ({} if part == "teacher" else {"learning_rate": 0.01})
        out |= {"train": 600, "seeds": min(out["seeds"], 2)}
    return {**out, "training": training, "held_out": 100 if quick else 3000, "test": 200 if quick else 10000}


def noisy_name(bits: str, noise: float | str, kept: str) -> str:
    """What a training with noise is called."""
    return f"{bits}, noise {noise if isinstance(noise, str) else f'{noise:g}'}, membranes {kept}"


def pairs(s: Row) -> dict[str, tuple[str, str]]:
    """What is compared with what: name -> a network, and the one that it is compared with."""
    found = []
    if s["part"] in ("cells", "resnet"):
        for bits in BITS:
            found += [(f"{way}, {bits}", f"plain, {bits}") for way in ("shortcuts", "distillation", "both")]
            found += [(f"both, {bits}", f"{way}, {bits}") for way in ("shortcuts", "distillation")]
        found += [(f"{way}, 1 bit", f"{way}, 32 bits") for way in WAYS]
        found += [("both, 1 bit", "plain, 32 bits")]
        found += [(f"{way}, 1 bit, T = {t}", f"{way}, 1 bit") for way in ("plain", "both") for t in (1, 4)]
    elif s["part"] == "transformer":
        found = [("1 bit", "32 bits")]
    elif s["part"] == "noise":
        found = [(arm, f"{bits}, leak 0.5") for bits in BITS for arm in s["arms"] if arm.startswith(f"{bits}, ")]
    return {f"{a} less {b}": (a, b) for a, b in found if a != b and a in s["arms"] and b in s["arms"]}


def summary(s: Row, rows: Mapping[str, Sequence[Row]]) -> Row:
    """Means with 95 % intervals over seeds, and paired differences."""
    out: Row = {"part": s["part"], "seeds": s["seeds"], "arms": {}, "differences": {}}
    for arm, mine in rows.items():
        out["arms"][arm] = {q: interval([row[q] for row in mine]) for q in NUMBERS if q in mine[0]}
    for name, (a, b) in pairs(s).items():
        both = list(zip(rows[a], rows[b], strict=True))
        gain = estimate([x["accuracy"] - y["accuracy"] for x, y in both])
        out["differences"][name] = {
            "accuracy": [gain.mean, gain.low, gain.high], "verdict": verdict(gain),
            "within": verdict(gain, bound=POINT), "seconds": interval([x["seconds"] / y["seconds"] for x, y in both]),
        }  # fmt: skip
    if s["part"] == "noise":
        out["noise"] = {arm: of_membranes(mine) for arm, mine in rows.items()}
    return out


def of_membranes(rows: Sequence[Row]) -> Row:
    """Means over seeds of what membranes carry, layer by layer; and what replacing it costs."""
    layers = range(len(rows[0]["noise"]))
    return {
        **{
            q: [interval([number(row["noise"][k][q]) for row in rows]) for k in layers]
            for q in ("mean", "sd", "around", "zeros", "between")
        },
        "replaced": {
            name: interval([row["replaced"][name] - row["recorded"] for row in rows]) for name in rows[0]["replaced"]
        },
        "ensemble": interval([row["recorded"] - row["alone"][0] for row in rows]),
    }


def points(values: Sequence[float | None], digits: int = 2, sign: str = "") -> str:
    """A mean and its interval, if there is one."""
    mean, low, high = map(number, values)
    ends = "" if math.isnan(low) else f" [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
    return f"{mean:{sign}.{digits}f}{ends}"


def percent(values: Sequence[float | None]) -> str:
    """A difference of accuracies in percentage points."""
    return points([100 * number(v) for v in values], 2, "+")


def table(out: Row) -> list[str]:
    """Lines of the table of a part."""
    shown = [q for q in NUMBERS if all(q in m for m in out["arms"].values())]
    lines = ["| network | " + " | ".join(NUMBERS[q][0] for q in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for arm, m in out["arms"].items():
        cells = [in_table(q, m[q]) for q in shown]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def in_table(name: str, values: Sequence[float | None]) -> str:
    """A number of `NUMBERS`; the interval of the accuracy alone."""
    _, factor, digits = NUMBERS[name]
    scaled = [number(v) * factor for v in values]
    return points(scaled, digits) if name == "accuracy" else f"{scaled[0]:,.{digits}f}"


def differences(out: Row) -> list[str]:
    """Lines of the table of paired differences."""
    lines = ["| difference | accuracy (points) | verdict | within a point | seconds, ratio |", "|---|---|---|---|---|"]
    for name, m in out["differences"].items():
        lines.append(f"| {name} | {percent(m['accuracy'])} | {m['verdict']} | {m['within']} | {points(m['seconds'])} |")
    return lines


def noises(out: Row) -> list[str]:
    """Lines of the table of membranes: how large their noise is, and what it costs to replace it."""
    first = next(iter(out["noise"].values()))
    lines = [
        "| network | sd / threshold, first layer | middle | last | shared by two neurons, last | both steps less the "
        "first alone (points) | " + " | ".join(f"replaced: {name} (points)" for name in first["replaced"]) + " |",
        "|---" * (6 + len(first["replaced"])) + "|",
    ]
    for arm, m in out["noise"].items():
        last = len(m["sd"]) - 1
        sds = [f"{number(m['sd'][k][0]):.2f}" for k in (0, last // 2, last)]
        cells = [*sds, f"{number(m['between'][last][0]):.3f}", percent(m["ensemble"])]
        lines.append(f"| {arm} | {' | '.join([*cells, *map(percent, m['replaced'].values())])} |")
    return lines


def ladder(outs: Mapping[str, Row]) -> list[str]:
    """Lines of the table of published binary networks, and ours beside them; then what cannot be compared."""
    lines = [
        "| network | of 1 bit | T | data | accuracy | less the same with 32 bits (points) | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, what, steps, accuracy, less, source in PUBLISHED:
        lines.append(f"| {name} | {what} | {steps} | ImageNet | {accuracy:.4f} | {less} | {source} |")
    for part, arm, what, t, full in BESIDE:
        if part in outs:
            less = "" if full is None else percent(outs[part]["differences"][f"{arm} less {full}"]["accuracy"])
            accuracy = points(outs[part]["arms"][arm]["accuracy"], 4)
            lines.append(f"| {part}: {arm} | {what} | {t} | Fashion-MNIST | {accuracy} | {less} | this study |")
    return [*lines, "", APART]


def findings(s: Row, out: Row) -> list[str]:
    """One sentence for each network, and for each difference."""
    lines = []
    if "teacher" in out:
        once, right = out["teacher"]["asked_once"], out["teacher"]["accuracy"]
        how = "asked anew for each moved image" if once is None else f"asked once for each image in {once:.1f} s, apart"
        lines.append(f"The teacher has an accuracy of {right:.4f}, and is {how}.")
    for arm, m in out["arms"].items():
        lines.append(
            f"{arm}: accuracy {points(m['accuracy'], 4)}, {number(m['bytes'][0]) / 1000:.1f} kB, trained in "
            f"{number(m['seconds'][0]) / 60:.1f} minutes{against_target(s['part'], m)}."
        )
    for name, m in out["differences"].items():
        lines.append(
            f"{name}: {percent(m['accuracy'])} points ({m['verdict']}; within a point: {m['within']}), "
            f"{points(m['seconds'])} times the seconds."
        )
    for arm, m in out.get("noise", {}).items():
        worst = min(m["replaced"], key=lambda name: number(m["replaced"][name][0]))
        sds = [number(v[0]) for v in m["sd"]]
        lines.append(
            f"{arm}: noise of membranes from {min(sds):.2f} to {max(sds):.2f} of the threshold over layers; the steps "
            f"together less the first alone {percent(m['ensemble'])} points; replaced, at worst ({worst}) "
            f"{percent(m['replaced'][worst])} points."
        )
    return lines


def against_target(part: str, m: Row) -> str:
    """Whether a network reaches what was hoped for."""
    if part not in TARGETS:
        return ""
    good = number(m["accuracy"][0]) >= TARGETS[part]
    small = part != "final" or number(m["file"][0]) < SMALL
    size = f" in less than {SMALL // 1000} kB" if part == "final" else ""
    return f" (hoped for: {TARGETS[part]:g}{size}; {'reached' if good and small else 'missed'})"


def figure(s: Row, rows: Mapping[str, Sequence[Row]], out: Row) -> Figure:
    """Of a part with one network its training; of noise its size and cost; else accuracy, and time."""
    if s["part"] in ONE:
        fig = Figure(figsize=(5.6, 3.6), layout="constrained")
        trainings(fig.subplots(), s, rows)
    elif s["part"] == "noise":
        fig = Figure(figsize=(13.5, 8.2), layout="constrained")
        axes = fig.subplots(2, 2)
        sizes(axes[0, 0], s, out)
        replaced(axes[0, 1], s, out)
        gains(axes[1, 0], out, "leak", "less leak 0.5 (points)")
        gains(axes[1, 1], out, "membranes", "less the usual training (points)")
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    else:
        fig = Figure(figsize=(11.5, 1.6 + 0.36 * len(out["arms"])), layout="constrained")
        left, right = fig.subplots(1, 2, sharey=True)
        dots(left, out, "accuracy", "test accuracy")
        dots(right, out, "seconds", "seconds of training")
    return fig


def cleaned(ax: Axes, letter: str = "") -> None:
    """The looks of all panels."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(letter, loc="left", fontweight="bold")


def bits_of(arm: str) -> str:
    """Of which weights a network is."""
    return "1 bit" if "1 bit" in arm else "32 bits"


def ends(values: Sequence[Sequence[float | None]]) -> tuple[Any, Any]:
    """Means, and how far their intervals reach; one seed has none."""
    mean, low, high = np.array([[number(v) for v in row] for row in values]).T
    return mean, np.nan_to_num(np.abs([mean - low, high - mean]))


def dots(ax: Axes, out: Row, name: str, title: str) -> None:
    """A number of every network, a row each."""
    arms = list(out["arms"])
    for k, arm in enumerate(arms):
        mean, reach = ends([out["arms"][arm][name]])
        colour = COLOURS[bits_of(arm)]
        ax.errorbar(mean, [len(arms) - k], xerr=reach, fmt="o", color=colour, capsize=3, ms=6)
    ax.set_yticks(range(len(arms), 0, -1), arms)
    ax.set_ylim(0.4, len(arms) + 0.6)
    ax.set_xlabel(title)
    ax.grid(axis="y", color="0.9", lw=0.8)
    cleaned(ax)


def trainings(ax: Axes, s: Row, rows: Mapping[str, Sequence[Row]]) -> None:
    """Accuracy on images held out, epoch by epoch; dashes where weights of 1 bit begin."""
    for arm, mine in rows.items():
        for row in mine:
            epochs = np.arange(1, len(row["curve"]) + 1)
            ax.plot(epochs, row["curve"], ".-", color=COLOURS[bits_of(arm)], lw=1.4, label=f"{arm}, held out")
            test = row["accuracy"]
            ax.plot([row["best_epoch"] + 1], [test], "D", color="#0072B2", ms=6, label="test, best epoch")
    if s["part"] != "teacher":
        at = round(s["full_share"] * s["training"]["epochs"]) + 0.5
        ax.axvline(at, color="0.5", ls="--", lw=1)
        ax.text(at, 0.02, " 1 bit", color="0.35", transform=ax.get_xaxis_transform())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="accuracy")
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    cleaned(ax)


def sizes(ax: Axes, s: Row, out: Row) -> None:
    """How large the noise is, layer by layer, for each leak."""
    arms = [arm for arm in out["noise"] if ", leak " in arm]
    for j, arm in enumerate(arms):
        mean, reach = ends(out["noise"][arm]["sd"])
        x = np.arange(1, len(mean) + 1) + 0.3 * ((j + 0.5) / len(arms) - 0.5)
        ax.errorbar(x, mean, yerr=reach, ls="--" if bits_of(arm) == "32 bits" else "-", label=arm, **looks(s, arm))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="layer of neurons", ylabel="sd of the noise / threshold")
    cleaned(ax, "A")


def looks(s: Row, arm: str) -> Row:
    """Of a network with a leak: the darker, the larger it is."""
    shade = 0.35 + 0.65 * LEAKS.index(s["arms"][arm]["leak"]) / (len(LEAKS) - 1)
    bits = bits_of(arm)
    marker = "s" if bits == "32 bits" else "o"
    return {"color": COLOURS[bits], "alpha": shade, "marker": marker, "ms": 4, "lw": 1.4, "capsize": 2}


def replaced(ax: Axes, s: Row, out: Row) -> None:
    """What independent noise in the place of membranes costs, for each leak."""
    arms = [arm for arm in out["noise"] if ", leak " in arm]
    names = list(out["noise"][arms[0]]["replaced"])
    for j, arm in enumerate(arms):
        mean, reach = ends([[100 * number(v) for v in out["noise"][arm]["replaced"][name]] for name in names])
        x = np.arange(len(names)) + 0.7 * ((j + 0.5) / len(arms) - 0.5)
        ax.errorbar(x, mean, yerr=reach, ls="", **looks(s, arm))
    ax.axhline(0, color="0.7", lw=0.8, zorder=0)
    ax.set_xticks(range(len(names)), [name.replace(", ", "\n") for name in names], fontsize="small")
    ax.set(xlabel="law of each neuron, over", ylabel="accuracy, replaced less recorded (points)")
    cleaned(ax, "B")


def gains(ax: Axes, out: Row, word: str, title: str) -> None:
    """Differences of the networks with this word in their names."""
    mine = {name.split(" less ")[0]: m for name, m in out["differences"].items() if word in name.split(" less ")[0]}
    for k, (arm, m) in enumerate(mine.items()):
        mean, reach = ends([[100 * number(v) for v in m["accuracy"]]])
        ax.errorbar(mean, [len(mine) - k], xerr=reach, fmt="o", color=COLOURS[bits_of(arm)], capsize=3)
    ax.axvline(0, color="0.7", lw=0.8, zorder=0)
    ax.set_yticks(range(len(mine), 0, -1), list(mine), fontsize="small")
    ax.set_ylim(0.4, len(mine) + 0.6)
    ax.set_xlabel(f"accuracy {title}")
    cleaned(ax, "C" if word == "leak" else "D")


def teacher_file(study: Study) -> Path:
    """The network that teaches: as said, or of this folder, or where its part puts it."""
    near = [study.out / LEAVES["teacher"], Path("results") / "one_bit_teacher" / LEAVES["teacher"]]
    given = study.args.teacher
    path = next((p for p in near if p.exists()), near[0]) if given is None else Path(given)
    if not path.exists():
        raise hr.HeteroError(
            f"there is no teacher at {path}", fix="run the part 'teacher' first, or name its file by --teacher"
        )
    return path


def teaching(study: Study, s: Row, split: Any) -> Any:
    """The teacher of a part; the same one whenever the part goes on."""
    from one_bit_networks import accuracy, asked

    path = teacher_file(study)
    network: Any = hr.load_image_network(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()  # it names that of the arrays
    teacher, seconds = asked(s, network, split)
    known = study.cell(
        "teacher", lambda: {"sha256": digest, "accuracy": accuracy(network, split), "asked_once": seconds}
    )
    if known["sha256"] != digest:
        raise hr.HeteroError(f"{path} is another teacher than before", fix="name that one, or choose another --out")
    print(f"teacher {path}: test accuracy {known['accuracy']:.4f}", flush=True)
    return teacher


def within_size(split: Any, s: Row) -> None:
    """Refuse a network that is larger, or less deep, than is said here."""
    from one_bit_networks import convolutions, new_network, products

    for arm, how in s["arms"].items():
        network = new_network(s, how, 0, split)
        found, layers = products(network, split.shape), convolutions(network)
        print(f"{arm}: {found:,} multiply-accumulates a step, {layers} convolutions of 3 x 3", flush=True)
        if found > MOST or layers < LEAST:
            raise hr.HeteroError(
                f"{arm} must have {MOST:,} multiply-accumulates a step at most and {LEAST} convolutions at least, got "
                f"{found:,} and {layers}",
                fix="change channels or blocks",
            )


def forecast(s: Row, todo: Mapping[str, int], split: Any, teacher: Any) -> float:
    """Minutes of one core that trainings will take: arm -> how many of them."""
    from one_bit_networks import seconds_of

    return sum(count * seconds_of(s, s["arms"][arm], split, teacher) for arm, count in todo.items()) / 60


def one(study: Study, s: Row, arm: str, seed: int, split: Any, teacher: Any, path: Path) -> Row:
    """One network: trained, measured, and kept if it is to be."""
    from one_bit_networks import membranes, trained

    network, row = trained(s, s["arms"][arm], seed, split, teacher, path)
    if s["part"] == "noise":
        row |= membranes(network, split, seed)
    if s["part"] in LEAVES:
        hr.save_image_network(network, study.out / LEAVES[s["part"]], overwrite=True)
    if s["part"] == "final":
        hr.pack(network).save(study.out / PACKED, overwrite=True)
        row["file"] = sum(path.stat().st_size for path in study.out.glob(f"{Path(PACKED).stem}*"))
    return row


def run(study: Study, s: Row) -> dict[str, list[Row]]:
    """All cells of a part: arm -> a row a seed."""
    from one_bit_networks import Split

    split = Split(s, study.args.data_dir)
    if s["part"] == "resnet":
        within_size(split, s)
    names = {(arm, seed): f"{arm}, seed {seed}" for seed in range(s["seeds"]) for arm in s["arms"]}
    left = [arm for (arm, _), name in names.items() if not study.done(name)]
    teacher = teaching(study, s, split) if any(s["arms"][arm].get("teacher") for arm in left) else None
    if left:
        minutes = forecast(s, {arm: left.count(arm) for arm in s["arms"] if arm in left}, split, teacher)
        print(f"{len(left)} trainings, about {minutes:.1f} minutes of one core", flush=True)
    folder = output_folder(study.out / "checkpoints")
    rows: dict[str, list[Row]] = {arm: [] for arm in s["arms"]}
    for (arm, seed), name in names.items():
        path = folder / (re.sub(r"[^0-9a-z]+", "_", f"{s['part']} {name}") + ".json")
        rows[arm].append(study.cell(name, partial(one, study, s, arm, seed, split, teacher, path)))
        remove_checkpoint(path)
    return rows


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="teacher.json of the part 'teacher'")


def main() -> None:
    """Run one part of the study."""
    part = next((word for word in sys.argv[1:] if word in PARTS), PARTS[0])
    study = Study(f"one_bit_{part}", __doc__, partial(setting, part), options=options)
    need("torch", "gradient", "this study")
    s = study.setting
    if find_dataset(s["data"], study.args.data_dir) == []:
        raise hr.HeteroError(f"{s['data']} is not there: hetero-rsnn data show {s['data']} says where to get it")
    rows = run(study, s)
    out = summary(s, rows)
    if any(arm.get("teacher") for arm in s["arms"].values()):
        out["teacher"] = study.cell("teacher", dict)  # which is there
    study.finish({"rows": rows, "summary": out}, figure(s, rows, out), findings=findings(s, out))
    lines = table(out) + (differences(out) if out["differences"] else []) + (noises(out) if part == "noise" else [])
    print("\n".join(lines))


if __name__ == "__main__":
    fail_politely(main)
