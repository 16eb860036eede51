"""What does training on labels buy beside STDP and a linear model, and for how many spikes?

Question: the same drawn network classifies with a linear readout after STDP, and after its weights have followed the
exact gradient with a price on spikes. Is training worth accuracy at the same spikes, or spikes at the same accuracy?

Method: `HRSNNClassifier` and `HRSNNGradientClassifier` with the recipe of the data set, HeNHeS, equal seeds, so that
differences are paired; the linear model on the same input beside them. The price begins at a share (1/2, 1/4, 1/8) of
the rate that the untrained network has on the training samples. All shares are reported: none is chosen, and no choice
rests on test samples.

Finding: see docs/gradient.md.

    python analysis/gradient.py [--quick] [--out FOLDER] [--workers N] [--data-dir DIR] [--only NAME ...]

Finished cells are in FOLDER/gradient.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import Row, Study, fail_politely

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.tasks.recipes import recipe

#: Data sets with their seeds.
SEEDS = {"japanese_vowels": 10, "free_spoken_digits": 5}
TITLES = {"japanese_vowels": "Japanese vowels", "free_spoken_digits": "spoken digits"}
#: Above which share of the untrained network's rate spikes cost.
SHARES = (0.5, 0.25, 0.125)


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    return {
        "network": "henhes", "n": 60 if quick else 400, "epochs": 2 if quick else 20, "precision": "single",
        "shares": SHARES[:1] if quick else SHARES, "seeds": dict.fromkeys(SEEDS, 2) if quick else SEEDS,
    }  # fmt: skip


def one(data: hr.Dataset, seed: int, s: Row, quick: bool, workers: int) -> Row:
    """All methods on one network: STDP, and trained with each price."""
    X_train, X_test, y_train, y_test = data.split()
    if quick:
        X_train, y_train = X_train[::3], y_train[::3]
    given = recipe(data)
    how: Row = {
        "encoder": given.encoder, "hold": given.hold, "overrides": {**given.overrides, "n": s["n"]}, "seed": seed,
        "precision": s["precision"], "n_jobs": workers,
    }  # fmt: skip
    out: Row = {}
    begin = time.perf_counter()
    usual = hr.HRSNNClassifier(s["network"], **how).fit(X_train, y_train)
    seconds = time.perf_counter() - begin
    report = usual.report(X_test, y_test)
    out["stdp"] = {"accuracy": report.accuracy, "nu": report.nu, "seconds": seconds}
    out["linear"] = hr.LinearClassifier(usual).fit(X_train, y_train).score(X_test, y_test)
    untrained = hr.HRSNNClassifier(s["network"], epochs=0, **how).fit(X_train, y_train)
    report = untrained.report(X_test, y_test)
    out["untrained"] = {"accuracy": report.accuracy, "nu": report.nu}
    rate = untrained.train_report_.rate_hz
    for share in s["shares"]:
        begin = time.perf_counter()
        trained = hr.HRSNNGradientClassifier(
            s["network"], training_epochs=s["epochs"], target_rate=share * rate, **how
        ).fit(X_train, y_train)  # fmt: skip
        seconds = time.perf_counter() - begin
        report = trained.report(X_test, y_test)
        out[f"trained {share:g}"] = {
            "accuracy": report.accuracy, "nu": report.nu, "seconds": seconds, "epochs": len(trained.training_),
            "training_seconds": sum(e.seconds for e in trained.training_),
        }  # fmt: skip
    return out


def summary(rows: list[Row]) -> Row:
    """Means, and differences from STDP on the same network, with 95 % intervals."""
    out: Row = {"linear": rows[0]["linear"], "seeds": len(rows)}
    for method in rows[0]:
        if method == "linear":
            continue
        accuracy, nu = (np.array([row[method][q] for row in rows]) for q in ("accuracy", "nu"))
        base = {q: np.array([row["stdp"][q] for row in rows]) for q in ("accuracy", "nu")}
        out[method] = {
            "accuracy": interval(accuracy), "nu": interval(nu), "gain": interval(accuracy - base["accuracy"]),
            "spikes": interval(nu / base["nu"]),
            "seconds": float(np.mean([row[method].get("seconds", np.nan) for row in rows])),
        }  # fmt: skip
    return out


def interval(values: Any) -> list[float]:
    """Mean, and the ends of its 95 % interval."""
    found = estimate(values)
    return [found.mean, found.low, found.high]


def findings(out: dict[str, Row]) -> list[str]:
    """One sentence for each data set and price."""
    lines = []
    for name, found in out.items():
        accuracy, nu = (found["stdp"][q][0] for q in ("accuracy", "nu"))
        lines.append(
            f"{TITLES[name]} ({found['seeds']} seeds): linear {found['linear']:.4f}; STDP {accuracy:.4f} at {nu:.2f} "
            "spikes a neuron."
        )
        for method in found:
            if method.startswith("trained"):
                m = found[method]
                gain, low, high = (100 * x for x in m["gain"])
                lines.append(
                    f"{TITLES[name]}, price above {method.split()[1]} of the untrained rate: {m['accuracy'][0]:.4f}, "
                    f"{gain:+.2f} [{low:+.2f}, {high:+.2f}] points from STDP, at {m['spikes'][0]:.2f} "
                    f"[{m['spikes'][1]:.2f}, {m['spikes'][2]:.2f}] of its spikes; {m['seconds']:.1f} s a fit."
                )
    return lines


def figure(out: dict[str, Row]) -> Figure:
    """Accuracy over spikes."""
    fig = Figure(figsize=(4.2 * len(out), 3.4), layout="constrained")
    for ax, (name, found) in zip(fig.subplots(1, len(out), squeeze=False)[0], out.items(), strict=True):
        trained = [m for m in found if m.startswith("trained")]
        x, y = ([found[m][q][0] for m in trained] for q in ("nu", "accuracy"))
        low, high = ([abs(found[m]["accuracy"][k] - found[m]["accuracy"][0]) for m in trained] for k in (1, 2))
        ax.errorbar(
            x, y, yerr=[low, high], fmt="o-", color="#2F6F8F", label="trained, with a price on spikes", capsize=2
        )
        others = {"stdp": ("STDP and readout", plots.style("henhes", 0)["color"]), "untrained": ("as drawn", "0.5")}
        for method, (text, colour) in others.items():
            m = found[method]
            bars = [[m["accuracy"][0] - m["accuracy"][1]], [m["accuracy"][2] - m["accuracy"][0]]]
            ax.errorbar(
                m["nu"][0], m["accuracy"][0], yerr=bars, fmt="D" if method == "stdp" else "s", color=colour, capsize=2,
                mfc="none", label=text,
            )  # fmt: skip
        ax.axhline(found["linear"], color="0.4", ls="--", lw=1.1, label="linear, same input")
        ax.set(xlabel="spikes per neuron and inference, ν", ylabel="test accuracy", title=TITLES[name], xlim=(0, None))
        ax.spines[["top", "right"]].set_visible(False)
        if name == next(iter(out)):
            ax.legend(frameon=False, fontsize="small")
    return fig


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--only", nargs="+", choices=list(SEEDS), default=list(SEEDS), metavar="NAME")


def main() -> None:
    """Run the study."""
    study = Study("gradient", __doc__, setting, options=options)
    rows: dict[str, list[Row]] = {}
    for name in study.args.only:
        if find_dataset(name, study.args.data_dir) == []:
            print(f"{name}: not found, skipped (hetero-rsnn data show {name} says where to get it; --data-dir)")
            continue
        data = hr.load_dataset(name, data_dir=study.args.data_dir)
        rows[name] = [
            study.cell(f"{name}, seed {seed}", partial(one, data, seed, study.setting, study.quick, study.workers))
            for seed in range(study.setting["seeds"][name])
        ]
    out = {name: summary(found) for name, found in rows.items()}
    if not rows:
        raise hr.HeteroError(
            f"none of {', '.join(study.args.only)} is there: give --data-dir, or other names to --only"
        )
    study.finish({"rows": rows, "summary": out}, figure(out), findings=findings(out))


if __name__ == "__main__":
    fail_politely(main)
