"""How well can images be told apart whose rows are shown one after the other, and for how many spikes?

Question: a network that sees a row of an image a millisecond has to put 28 of them together. What is its accuracy on
Fashion-MNIST after STDP, trained on a third of the images, and on all; and with the pixels of all images permuted, so
that neighbours in time are no neighbours in the image any more?

Method: HeNHeS with 400 neurons, one row a step. Trained networks answer with the readout that was trained along, which
sees five parts of the time; after STDP a ridge readout sees the same five parts of the filtered spikes. The linear
models, of all pixels at once, are ridge regressions, whose strength is chosen by cross-validation like that of the
network after STDP. All settings were found on images held out of the training part, and are the same for all images
and for permuted ones. The first 20,000 training images are a random third: they are in random order. Test images are
all 10,000.

Finding: see docs/training_study.md.

    python analysis/image_rows.py [--quick] [--out FOLDER] [--workers N] [--data-dir DIR]

Finished cells are in FOLDER/image_rows.jsonl, and the training that is going on in a file beside it; the same line goes
on from there. It takes about 3 GB of memory. The quick run takes the small digits that come with scikit-learn, so that
it needs no download.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import Array, Row, Study, fail_politely, interval

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.estimators.readout import fit_readout
from hetero_rsnn.gradient.checkpoints import remove_checkpoint
from hetero_rsnn.inputs.samples import take

#: Method -> what it is called, whether pixels are permuted, its share of the training images, colour and marker.
METHODS: dict[str, tuple[str, bool, str, str, str]] = {
    "stdp": ("STDP and readout", False, "some", plots.style("henhes", 0)["color"], "D"),
    "trained": ("trained", False, "some", "#2F6F8F", "o"),
    "permuted": ("trained, pixels permuted", True, "some", "#7A4FB5", "^"),
    "trained_all": ("trained", False, "all", "#2F6F8F", "s"),
}
#: Paired differences: method, and what it is compared with.
DIFFERENCES = (("trained", "stdp"), ("trained_all", "trained"), ("permuted", "trained"))


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    return {
        "network": "henhes", "precision": "single",
        "data": "sklearn_digits" if quick else "fashion_mnist", "seeds": 2 if quick else 3,
        "some": 200 if quick else 20000, "all": 400 if quick else 60000, "test": 100 if quick else 10000,
        "overrides": {
            "n": 40 if quick else 400, "E.tau_m.mean": "10 ms", "I.tau_m.mean": "10 ms", "t_ref": "1 ms",
            "tau_syn": "5 ms",
        },
        "how": {"hold": "1 ms", "tau_read": "10 ms", "windows": 5}, "gain": 5.0,
        "training": {
            "readout": "trained", "training_epochs": 2 if quick else 10, "patience": 10, "learning_rate": 0.005,
            "batch_size": 32 if quick else 128, "validation": 0.1, "weight_decay": 1.0,
            "trainable": ["w", "w_in", "I_bias", "tau_m", "tau_syn", "v_th"],
        },
        "trapezoid": {"inner": 0.5, "outer": 1.5},
    }  # fmt: skip


def permute(X: Any) -> Any:
    """Move the pixels of all images, by one permutation; of Fashion-MNIST that is ``fashion_mnist_permuted``."""
    order = np.random.default_rng(0).permutation(X[0].size)
    pixels = getattr(X, "pixels", None)
    if pixels is None:
        return [x.ravel()[order].reshape(x.shape) for x in X]
    return type(X)(pixels.reshape(len(pixels), -1)[:, order].reshape(pixels.shape))


def loaded(s: Row, data_dir: Path | None) -> tuple[Any, Any, Any, Any]:
    """Training and test images, and their labels."""
    data = hr.load_dataset(s["data"], data_dir=data_dir)
    assert data.y is not None
    train, test = data.train[: s["all"]], data.test[: s["test"]]
    return take(data.X, train), take(data.X, test), data.y[train], data.y[test]


def peak() -> float:
    """Most memory in MiB that this process has had so far, in this cell or an earlier one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def flat(X: Any) -> Array:
    """All pixels of each image side by side."""
    return np.array([x.ravel() for x in X])


def linear(images: int, parts: tuple[Any, Any, Any, Any]) -> Row:
    """A ridge readout of all pixels at once; where they stand is nothing to it."""
    X_train, X_test, y_train, y_test = parts
    begin = time.perf_counter()
    readout = fit_readout("ridge", flat(X_train[:images]), y_train[:images])
    accuracy = float(np.mean(readout.predict(flat(X_test)) == y_test))
    return {"accuracy": accuracy, "seconds": time.perf_counter() - begin, "peak_mib": peak()}


def one(method: str, seed: int, s: Row, parts: tuple[Any, Any, Any, Any], workers: int, checkpoint: Path) -> Row:
    """One network: taught, and asked about the test images."""
    _, permuted, share, _, _ = METHODS[method]
    X_train, X_test, y_train, y_test = parts
    X_train, y_train = X_train[: s[share]], y_train[: s[share]]
    if permuted:
        X_train, X_test = permute(X_train), permute(X_test)
    how: Row = {
        **s["how"], "encoder": hr.CurrentEncoder(gain=s["gain"], clip=None), "overrides": s["overrides"], "seed": seed,
        "precision": s["precision"], "n_jobs": workers,
    }  # fmt: skip
    begin = time.perf_counter()
    out: Row = {"images": len(y_train)}
    if method == "stdp":
        clf = hr.HRSNNClassifier(s["network"], **how).fit(X_train, y_train)
    else:
        bump = hr.PseudoDerivative("trapezoid", **s["trapezoid"])
        clf = hr.HRSNNGradientClassifier(
            s["network"], checkpoint=checkpoint, pseudo_derivative=bump, **s["training"], **how
        )
        clf.fit(X_train, y_train)
        out |= {
            "epochs": len(clf.training_), "best_epoch": clf.best_epoch_,
            "training_seconds": sum(epoch.seconds for epoch in clf.training_),
            "validation_score": [epoch.score for epoch in clf.training_],
        }  # fmt: skip
    seconds = time.perf_counter() - begin
    report = clf.report(X_test, y_test)
    train = clf.train_report_.accuracy
    return {
        **out, "accuracy": report.accuracy, "nu": report.nu, "train_accuracy": train, "seconds": seconds,
        "peak_mib": peak(),
    }  # fmt: skip


def summary(rows: list[Row], lines: dict[str, Row]) -> Row:
    """Means with 95 % intervals over networks, and paired differences."""
    out: Row = {"seeds": len(rows), "linear": {share: found["accuracy"] for share, found in lines.items()}}
    out["methods"] = {
        method: {
            "images": rows[0][method]["images"],
            **{q: interval([row[method][q] for row in rows]) for q in ("accuracy", "nu", "train_accuracy", "seconds")},
            "peak_mib": max(row[method]["peak_mib"] for row in rows),
        }
        for method in METHODS
    }  # fmt: skip
    out["differences"] = {
        f"{a} less {b}": {q: interval([row[a][q] - row[b][q] for row in rows]) for q in ("accuracy", "nu")}
        for a, b in DIFFERENCES
    }
    return out


def called(method: str, images: int) -> str:
    """What a method is called, with the number of its training images."""
    return f"{METHODS[method][0]}, {images:,} images"


def findings(out: Row) -> list[str]:
    """One sentence for each method, and one for each difference."""
    lines = []
    some, all_ = (out["methods"][m]["images"] for m in ("trained", "trained_all"))
    lines.append(
        f"A linear model of all pixels: {out['linear']['some']:.4f} with {some:,} images, "
        f"{out['linear']['all']:.4f} with {all_:,}."
    )
    for method, m in out["methods"].items():
        mean, low, high = m["accuracy"]
        lines.append(
            f"{called(method, m['images'])} ({out['seeds']} seeds): {mean:.4f} [{low:.4f}, {high:.4f}] at "
            f"{m['nu'][0]:.2f} spikes a neuron; {m['train_accuracy'][0]:.4f} on what it was trained on."
        )
    for a, b in DIFFERENCES:
        found = out["differences"][f"{a} less {b}"]
        points = [100 * v for v in found["accuracy"]]
        names = [called(m, out["methods"][m]["images"]) for m in (a, b)]
        lines.append(
            f"{names[0]} against {names[1]}: {points[0]:+.2f} [{points[1]:+.2f}, {points[2]:+.2f}] points at "
            f"{found['nu'][0]:+.2f} spikes a neuron."
        )
    return lines


def table(out: Row) -> list[str]:
    """Lines of the table for the page."""
    lines = ["| model | training images | test accuracy | spikes of a neuron per image |", "|---|---|---|---|"]
    for share, method in (("some", "trained"), ("all", "trained_all")):
        images = out["methods"][method]["images"]
        lines.append(f"| linear, all pixels | {images:,} | {out['linear'][share]:.4f} | |")
    for method, m in out["methods"].items():
        cells = [f"{v[0]:.{d}f} [{v[1]:.{d}f}, {v[2]:.{d}f}]" for v, d in ((m["accuracy"], 4), (m["nu"], 2))]
        lines.append(f"| {METHODS[method][0]} | {m['images']:,} | {' | '.join(cells)} |")
    return lines


def error(values: Sequence[float]) -> list[list[float]]:
    """Bars of an interval."""
    mean, low, high = values
    return [[mean - low], [high - mean]]


def figure(out: Row) -> Figure:
    """Accuracy over spikes."""
    fig = Figure(figsize=(5.6, 3.8), layout="constrained")
    ax = fig.subplots()
    for method, m in out["methods"].items():
        _, _, _, colour, marker = METHODS[method]
        ax.errorbar(
            m["nu"][0], m["accuracy"][0], xerr=error(m["nu"]), yerr=error(m["accuracy"]), fmt=marker, color=colour,
            capsize=2, mfc="none" if m["images"] == out["methods"]["trained"]["images"] else colour,
            label=called(method, m["images"]),
        )  # fmt: skip
    for share, look in (("some", ":"), ("all", "--")):
        images = out["methods"]["trained" if share == "some" else "trained_all"]["images"]
        ax.axhline(out["linear"][share], color="0.4", ls=look, lw=1.1, label=f"linear, all pixels, {images:,} images")
    most = 1.4 * max(m["nu"][0] for m in out["methods"].values())
    ax.set(xlabel="spikes per neuron and image, ν", ylabel="test accuracy", xlim=(0, most))
    ax.spines[["top", "right"]].set_visible(False)
    fig.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    return fig


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")


def main() -> None:
    """Run the study."""
    study = Study("image_rows", __doc__, setting, options=options)
    s = study.setting
    if find_dataset(s["data"], study.args.data_dir) == []:
        raise hr.HeteroError(f"{s['data']} is not there: hetero-rsnn data show {s['data']} says where to get it")
    parts = loaded(s, study.args.data_dir)
    lines: dict[str, Row] = {}
    rows: list[Row] = [{} for _ in range(s["seeds"])]
    for share in ("some", "all"):
        lines[share] = study.cell(f"linear, {s[share]} images", partial(linear, s[share], parts))
    for seed, row in enumerate(rows):
        for method in reversed(METHODS):  # the longest first: it is soon known how long all will take
            checkpoint = study.out / f"{method}-{seed}.json"
            job = partial(one, method, seed, s, parts, study.workers, checkpoint)
            row[method] = study.cell(f"{method}, seed {seed}", job)
            remove_checkpoint(checkpoint)
    out = summary(rows, lines)
    study.finish({"rows": rows, "linear": lines, "summary": out}, figure(out), findings=findings(out))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
