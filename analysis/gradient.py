"""What does training on labels buy beside STDP and a linear model, and for how many spikes?

Question: the same drawn network classifies with a linear readout after STDP, and after its weights have followed the
exact gradient with a price on spikes. Is training worth accuracy at the same spikes, or spikes at the same accuracy?

Method: `HRSNNClassifier` and `HRSNNGradientClassifier` with the recipe of the data set, HeNHeS, equal seeds, so that
differences are paired; the linear model on the same input beside them. The price begins at a share (1/2, 1/4, 1/8) of
the rate that the untrained network has on the training samples. All shares are reported: none is chosen, and no choice
rests on test samples. Spoken digits twice: on their own split, whose speakers are all in the training part, and with
each of four speakers left out of training and tested alone, all 2,000 of them once. There a second arm has no price, to
tell what spikes cost from what labels do.

Finding: see docs/training_study.md.

    python analysis/gradient.py [--quick] [--out FOLDER] [--workers N] [--data-dir DIR] [--only NAME ...]

Finished cells are in FOLDER/gradient.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import Row, Study, fail_politely, interval

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.tasks.recipes import recipe

#: What is trained on: data set, seeds, epochs of training, shares of the untrained rate above which spikes cost,
#: numbers of windows that readouts choose from, and whether each speaker is left out.
SETS: dict[str, Row] = {
    "japanese_vowels": {
        "data": "japanese_vowels", "seeds": 10, "epochs": 20, "shares": (0.5, 0.25, 0.125), "windows": "auto",
        "leave_out": False,
    },
    "free_spoken_digits": {
        "data": "free_spoken_digits", "seeds": 10, "epochs": 10, "shares": (0.25,), "windows": (5,),
        "leave_out": False,
    },
    "speakers": {
        "data": "free_spoken_digits", "seeds": 3, "epochs": 10, "shares": (0.25, None), "windows": (5,),
        "leave_out": True,
    },
}  # fmt: skip
TITLES = {
    "japanese_vowels": "Japanese vowels", "free_spoken_digits": "spoken digits", "speakers": "digits, speaker left out",
}  # fmt: skip


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    sets = {k: {**v, "seeds": 2, "epochs": 2, "shares": v["shares"][:1]} if quick else v for k, v in SETS.items()}
    return {"network": "henhes", "n": 60 if quick else 400, "precision": "single", "sets": sets}


def heard(data: hr.Dataset) -> tuple[Sequence[Any], Row]:
    """The samples, sound as its cochleagram once for all networks, and how they are encoded and simulated."""
    given = recipe(data)
    X: Sequence[Any] = data.X
    encoder = given.encoder
    if isinstance(encoder, AudioEncoder):  # what its scaling sees is the training part of each network
        X, encoder = [encoder.features(x) for x in X], CurrentEncoder("zscore", encoder.gain, encoder.clip)
    return X, {"encoder": encoder, "hold": given.hold, "overrides": given.overrides}


def parts(data: hr.Dataset, leave_out: bool) -> dict[str, tuple[Any, Any]]:
    """Training and test samples: those of the data set, or every speaker once as the test samples."""
    if not leave_out:
        return {"": (data.train, data.test)}
    assert data.groups is not None
    return {
        f"{g} left out": (np.flatnonzero(data.groups != g), np.flatnonzero(data.groups == g))
        for g in np.unique(data.groups)
    }


def one(X: Sequence[Any], how: Row, y: Any, part: tuple[Any, Any], seed: int, s: Row, given: Row, workers: int) -> Row:
    """All methods on one network: STDP, and trained with each price."""
    X_train, X_test = (take(X, index) for index in part)
    y_train, y_test = (y[index] for index in part)
    how = {
        **how, "overrides": {**how["overrides"], "n": s["n"]}, "seed": seed, "precision": s["precision"],
        "n_jobs": workers, "windows": given["windows"],
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
    for share in given["shares"]:
        begin = time.perf_counter()
        price = None if share is None else share * rate
        trained = hr.HRSNNGradientClassifier(
            s["network"], training_epochs=given["epochs"], target_rate=price, **how
        ).fit(X_train, y_train)  # fmt: skip
        seconds = time.perf_counter() - begin
        report = trained.report(X_test, y_test)
        out["trained free" if share is None else f"trained {share:g}"] = {
            "accuracy": report.accuracy, "nu": report.nu, "seconds": seconds, "epochs": len(trained.training_),
            "training_seconds": sum(e.seconds for e in trained.training_),
        }  # fmt: skip
    return out


def called(method: str) -> str:
    """What a trained network is called."""
    share = method.split()[1]
    return "trained, no price" if share == "free" else f"trained, price above {share} of the untrained rate"


def merged(folds: list[Row]) -> Row:
    """One row of several test parts of the same size: means of everything."""
    out: Row = {"linear": float(np.mean([f["linear"] for f in folds]))}
    for method in folds[0]:
        if method != "linear":
            out[method] = {q: float(np.mean([f[method][q] for f in folds])) for q in folds[0][method]}
    return out


def summary(rows: list[Row]) -> Row:
    """Means, and differences from STDP on the same network, with 95 % intervals over networks (seeds)."""
    out: Row = {"linear": float(np.mean([row["linear"] for row in rows])), "seeds": len(rows)}
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
                    f"{TITLES[name]}, {called(method)}: {m['accuracy'][0]:.4f}, "
                    f"{gain:+.2f} [{low:+.2f}, {high:+.2f}] points from STDP, at {m['spikes'][0]:.2f} "
                    f"[{m['spikes'][1]:.2f}, {m['spikes'][2]:.2f}] of its spikes; {m['seconds']:.1f} s a fit."
                )
    return lines


def table(out: dict[str, Row]) -> list[str]:
    """Lines of the table for the page."""
    lines = [
        "| trained by | accuracy | points from STDP | spikes a neuron and inference | of those after STDP | "
        "seconds a fit |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in out.items():
        lines.append(f"| **{TITLES[name]}**, {found['seeds']} networks | | | | | |")
        lines.append(f"| linear, same input | {found['linear']:.4f} | | | | |")
        for method in ("stdp", "untrained", *(m for m in found if m.startswith("trained"))):
            m = found[method]
            gain = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * x for x in m["gain"])) if method != "stdp" else ""
            share = "{:.2f} [{:.2f}, {:.2f}]".format(*m["spikes"]) if method != "stdp" else "1"
            seconds = "" if method == "untrained" else f"{m['seconds']:.0f}"
            text = {"stdp": "STDP and readout", "untrained": "as drawn"}.get(method)
            text = text or called(method)
            lines.append(f"| {text} | {m['accuracy'][0]:.4f} | {gain} | {m['nu'][0]:.2f} | {share} | {seconds} |")
    return lines


def figure(out: dict[str, Row]) -> Figure:
    """Accuracy over spikes."""
    fig = Figure(figsize=(4.2 * len(out), 3.4), layout="constrained")
    for ax, (name, found) in zip(fig.subplots(1, len(out), squeeze=False)[0], out.items(), strict=True):
        trained = [m for m in found if m.startswith("trained") and m != "trained free"]
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
        if "trained free" in found:
            m = found["trained free"]
            bars = [[m["accuracy"][0] - m["accuracy"][1]], [m["accuracy"][2] - m["accuracy"][0]]]
            ax.errorbar(m["nu"][0], m["accuracy"][0], yerr=bars, fmt="o", color="#2F6F8F", mfc="none", capsize=2)
            place = (m["nu"][0], m["accuracy"][0])
            ax.annotate("no price", place, (-8, 8), textcoords="offset points", ha="right", fontsize=8)
        ax.axhline(found["linear"], color="0.4", ls="--", lw=1.1, label="linear, same input")
        ax.set(xlabel="spikes per neuron and inference, ν", ylabel="test accuracy", title=TITLES[name], xlim=(0, None))
        ax.spines[["top", "right"]].set_visible(False)
        if name == next(iter(out)):
            ax.legend(frameon=False, fontsize="small")
    return fig


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--only", nargs="+", choices=list(SETS), default=list(SETS), metavar="NAME")


def main() -> None:
    """Run the study."""
    study = Study("gradient", __doc__, setting, options=options)
    rows: dict[str, list[Row]] = {}
    for name in study.args.only:
        given = study.setting["sets"][name]
        if find_dataset(given["data"], study.args.data_dir) == []:
            print(
                f"{name}: not found, skipped (hetero-rsnn data show {given['data']} says where to get it; --data-dir)"
            )
            continue
        data = hr.load_dataset(given["data"], data_dir=study.args.data_dir)
        X, how = heard(data)
        rows[name] = []
        for seed in range(given["seeds"]):
            folds = []
            for what, (train, test) in parts(data, given["leave_out"]).items():
                part = (train[::3] if study.quick else train, test)
                job = partial(one, X, how, data.y, part, seed, study.setting, given, study.workers)
                folds.append(study.cell(", ".join(filter(None, (name, f"seed {seed}", what))), job))
            rows[name].append(merged(folds) if len(folds) > 1 else folds[0])
    out = {name: summary(found) for name, found in rows.items()}
    if not rows:
        raise hr.HeteroError(
            f"none of {', '.join(study.args.only)} is there: give --data-dir, or other names to --only"
        )
    study.finish({"rows": rows, "summary": out}, figure(out), findings=findings(out))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
