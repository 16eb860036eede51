"""How long can a network hold a bit that it needs later: as drawn, after STDP, and trained by gradients?

Question: two cues come a delay apart, and the answer, given after the second, is whether they differ
(`delayed_parity`). What share of answers is right over the delay, and for how many spikes?

Method: HeNHeS, one drawn network a seed and delay, so that differences between methods are paired. The readout is a
ridge regression on the spikes of each neuron in the go period, the last 50 ms: it sees neither cue and not the delay,
so that all memory is the network's. Training sees the same end, through a filter of 20 ms. Networks are excitable but
silent by themselves (I_bias 0.9), and begin with slow synapses (100 ms); biases are not trained, so that they stay so,
and the rate without input stands beside each result. The shipped bias of 1.06, with which neurons fire regularly
without input, is there as drawn. Linear models see the input of the go period, or of all rows. The same input with the
first cue as the label (`delayed_recall`) wants memory but no product.

The settings were looked for on other samples and other networks (data seeds 100 and 101, networks 0 and 1).

Finding: see docs/training_study.md.

    python analysis/memory_tasks.py [--quick] [--out FOLDER] [--workers N] [--seeds N]

Finished cells are in FOLDER/memory_tasks.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from study_kit import Array, Row, Study, fail_politely, interval

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.estimators.readout import fit_readout

#: Method -> what it is called, its colour and marker.
METHODS = {
    "drawn": ("as drawn", "0.5", "s"),
    "stdp": ("after STDP", plots.style("henhes", 0)["color"], "D"),
    "trained": ("trained: weights", "#2F6F8F", "o"),
    "times": ("trained: time constants too", "#7A4FB5", "^"),
    "tonic": ("as drawn, firing without input", "0.7", "v"),
}
WEIGHTS = ("w", "w_in")
TRAINABLE = {"trained": WEIGHTS, "times": (*WEIGHTS, "tau_m", "tau_syn")}
#: The first seed: others were looked at while settings were chosen.
FIRST = 200
#: How long networks are left alone, in ms.
ALONE = 2000.0


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    return {
        "network": "henhes", "overrides": {"n": 30 if quick else 100, "I_bias": 0.9, "tau_syn": "100 ms"},
        "tonic_bias": 1.06, "gain": 10.0, "hold": "10 ms", "tau_read": "20 ms", "precision": "single",
        "delays": [50, 100] if quick else [50, 100, 200, 350, 500], "samples": 80 if quick else 800,
        "test_samples": 40 if quick else 400, "epochs": 2 if quick else 10, "first_seed": FIRST,
    }  # fmt: skip


def at_the_end(classifier: hr.HRSNNClassifier, X: Any, ms: float) -> tuple[Array, float]:
    """Spikes of each neuron in the last `ms` of each sample, (samples, n), and of a neuron in a whole sample."""

    def count(_: Array, recording: hr.Recording) -> NDArray[np.int64]:
        late = recording.spike_times >= recording.duration - ms - 1e-9
        return np.bincount(recording.spike_neurons[late], minlength=recording.n)

    found = classifier.frozen_pass(classifier.check_samples(X), count)
    return np.array(found, dtype=float), float(classifier.spikes_.mean())


def alone(classifier: hr.HRSNNClassifier, X: Any) -> float:
    """Rate of a neuron in Hz from the state that samples begin with, without any input."""
    nothing = hr.array_stimulus(np.zeros((round(ALONE / classifier.hold_), np.shape(X[0])[1])), classifier.hold_)
    return float(classifier.frozen_.run(nothing).rate_hz)


def one(delay: int, seed: int, s: Row, workers: int) -> Row:
    """All methods on one network and one delay."""
    made: Row = {"delay": f"{delay} ms", "samples": s["samples"], "test_samples": s["test_samples"], "seed": seed}
    parity, recall = (hr.load_dataset(name, **made) for name in ("delayed_parity", "delayed_recall"))
    X_train, X_test, y_train, y_test = parity.split()
    _, _, first_train, first_test = recall.split()
    go = parity.details["go_ms"]
    how: Row = {
        "encoder": hr.CurrentEncoder(scaling="none", gain=s["gain"], clip=None), "hold": s["hold"], "windows": 1,
        "tau_read": s["tau_read"], "seed": seed, "precision": s["precision"], "n_jobs": workers,
    }  # fmt: skip
    training: Row = {"pooling": "last", "training_epochs": s["epochs"], "patience": s["epochs"], "validation": 0.1}
    tonic = {**s["overrides"], "I_bias": s["tonic_bias"]}
    estimators = {
        "drawn": hr.HRSNNClassifier(s["network"], overrides=s["overrides"], epochs=0, **how),
        "stdp": hr.HRSNNClassifier(s["network"], overrides=s["overrides"], **how),
        **{
            name: hr.HRSNNGradientClassifier(
                s["network"], overrides=s["overrides"], trainable=chosen, **training, **how
            )
            for name, chosen in TRAINABLE.items()
        },
        "tonic": hr.HRSNNClassifier(s["network"], overrides=tonic, epochs=0, **how),
    }
    out: Row = {}
    for name, estimator in estimators.items():
        begin = time.perf_counter()
        estimator.fit(X_train, y_train)
        seconds = time.perf_counter() - begin
        (train, _), (test, nu) = (at_the_end(estimator, X, go) for X in (X_train, X_test))
        out[name] = {"accuracy": right(train, y_train, test, y_test), "nu": nu, "seconds": seconds}
        out[name]["alone"] = alone(estimator, X_test)
        if name in TRAINABLE:
            out[name]["validation"] = [epoch.validation for epoch in estimator.training_]
        else:  # the network has seen no label, so that it is one for both tasks
            out[name]["recall"] = right(train, first_train, test, first_test)
    rows = round(go / parity.interval_ms)
    # Counted from the end, cues are always in the same rows.
    seen = {"linear_end": rows, "linear": min(map(len, (*X_train, *X_test)))}
    for name, count in seen.items():
        train, test = (np.array([x[-count:].ravel() for x in X]) for X in (X_train, X_test))
        out[name] = {
            "accuracy": right(train, y_train, test, y_test), "recall": right(train, first_train, test, first_test),
        }  # fmt: skip
    return out


def right(train: Array, y_train: Any, test: Array, y_test: Any) -> float:
    """Share of test samples that a ridge readout of the training samples gets right."""
    return float(np.mean(fit_readout("ridge", train, y_train).predict(test) == y_test))


def summary(rows: dict[int, list[Row]]) -> Row:
    """Means with 95 % intervals over seeds: delay -> method -> quantity, and the gain over the network as drawn."""
    out: Row = {}
    for delay, found in rows.items():
        out[str(delay)] = methods = {}
        for name in found[0]:
            known = [q for q in ("accuracy", "recall", "nu", "alone") if q in found[0][name]]
            methods[name] = {q: interval([row[name][q] for row in found]) for q in known}
            methods[name]["gain"] = interval([row[name]["accuracy"] - row["drawn"]["accuracy"] for row in found])
    return out


def findings(out: Row, seeds: int) -> list[str]:
    """A sentence for each delay, and two for all."""
    lines = []
    for delay, found in out.items():
        said = [
            f"{METHODS[name][0]} {found[name]['accuracy'][0]:.3f} at {found[name]['nu'][0]:.1f} spikes"
            for name in METHODS
        ]
        lines.append(f"Parity after {delay} ms ({seeds} seeds): {', '.join(said)}.")
    linear = [found["linear"]["accuracy"][0] for found in out.values()]
    known = [found["linear"]["recall"][0] for found in out.values()]
    lines.append(
        f"A linear model of all rows is right on parity in {min(linear):.3f} to {max(linear):.3f}, on recall in "
        f"{min(known):.3f} to {max(known):.3f}."
    )
    rates = {name: [found[name]["alone"][0] for found in out.values()] for name in METHODS}
    said = ", ".join(f"{METHODS[name][0]} {min(r):.2g} to {max(r):.2g}" for name, r in rates.items())
    lines.append(f"Rates without input in Hz, means over networks, smallest to largest over delays: {said}.")
    for name in TRAINABLE:
        better = [delay for delay, found in out.items() if found[name]["gain"][1] > 0]
        lines.append(
            f"{METHODS[name][0]}: clearly better than as drawn at {', '.join(better) or 'none of the delays'}"
            f"{' ms' if better else ''}."
        )
    return lines


def table(out: Row) -> list[str]:
    """Lines of the table for the page: accuracy with its interval, and spikes of a neuron in a sample."""
    lines = [f"| model | {' | '.join(f'{delay} ms' for delay in out)} |", "|" + "---|" * (1 + len(out))]
    linear = {"linear_end": "linear, the go period of the input", "linear": "linear, all rows of the input"}
    for name, text in {**linear, **{name: look[0] for name, look in METHODS.items()}}.items():
        cells = []
        for found in out.values():
            mean, low, high = found[name]["accuracy"]
            spikes = f", {found[name]['nu'][0]:.1f}" if name in METHODS else ""
            cells.append(f"{mean:.3f} [{low:.3f}, {high:.3f}]{spikes}")
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return lines


def figure(out: Row) -> Figure:
    """Accuracy, and spikes, over the delay."""
    fig = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right_ = fig.subplots(1, 2, width_ratios=[1.5, 1])
    delays = np.array([float(d) for d in out])
    for k, (name, (text, colour, marker)) in enumerate(METHODS.items()):
        x = delays + 3.0 * (k - 2)  # side by side, so that bars can be told apart
        look: Row = {"color": colour, "marker": marker, "capsize": 2, "lw": 1.4, "ms": 5, "label": text}
        if name == "tonic":
            look |= {"ls": ":", "mfc": "none"}
        for ax, q in ((left, "accuracy"), (right_, "nu")):
            mean, low, high = np.array([found[name][q] for found in out.values()]).T
            ax.errorbar(x, mean, yerr=[mean - low, high - mean], **look)
    mean = [found["linear"]["accuracy"][0] for found in out.values()]
    left.plot(delays, mean, color="0.3", ls="--", lw=1.1, label="linear, all rows of the input")
    left.axhline(0.5, color="0.8", lw=0.8, zorder=0)
    left.set(xlabel="delay between the cues (ms)", ylabel="test accuracy, parity", ylim=(0.42, 1.03))
    most = 1.5 * max(found[name]["nu"][0] for found in out.values() for name in METHODS)
    # An interval of few seeds may be far wider than what was measured, and reach below 0.
    right_.set(xlabel="delay between the cues (ms)", ylabel="spikes per neuron and sample, ν", ylim=(0, most))
    for ax in (left, right_):
        ax.spines[["top", "right"]].set_visible(False)
    fig.legend(*left.get_legend_handles_labels(), frameon=False, fontsize="small", loc="outside lower center", ncols=3)
    return fig


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--seeds", type=int, help="networks for every delay (default: 10, quick: 2)")


def main() -> None:
    """Run the study."""
    study = Study("memory_tasks", __doc__, setting, options=options)
    seeds = study.args.seeds if study.args.seeds is not None else 2 if study.quick else 10
    if seeds < 2:
        raise hr.HeteroError(f"--seeds must be >= 2, got {seeds}: an interval needs two networks")
    rows: dict[int, list[Row]] = {delay: [] for delay in study.setting["delays"]}
    for seed in range(FIRST, FIRST + seeds):  # a seed after the other: what is done can be looked at
        for delay in rows:
            cell = partial(one, delay, seed, study.setting, study.workers)
            rows[delay].append(study.cell(f"{delay} ms, seed {seed}", cell))
    out = summary(rows)
    result = {"seeds": seeds, "rows": {str(delay): found for delay, found in rows.items()}, "summary": out}
    study.finish(result, figure(out), findings=findings(out, seeds))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
