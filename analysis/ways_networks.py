"""The networks of ways_to_save_spikes.py: one way of learning each, asked about test samples, and what that takes.

A way is the base with one change. What it takes is counted by the package: spikes, synaptic operations and input
products by fan-out, energy by `hetero_rsnn.energy`. The readout, which no recording knows of, is counted here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from study_kit import Array, Row

import hetero_rsnn as hr
from hetero_rsnn.common import checks
from hetero_rsnn.gradient.quantisation import FULL
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.measures.operations import fan_out, reach
from hetero_rsnn.simulation.recording import samples_of
from hetero_rsnn.tasks.recipes import recipe

#: Bits of one stored weight by its kind: a magnitude and a sign, of 1 bit the sign alone.
BITS = {FULL: 32, "8bit": 9, "4bit": 5, "2bit": 3, "1bit": 1}
WEIGHTS = ("w", "w_in", "I_bias")
#: The label of samples whose class nobody is told.
UNKNOWN = -1
#: Hardware that energy is told for; the first, which charges for reading weights, is that of figures and fronts.
HARDWARE = ("45nm-sram", "45nm", "loihi")
#: What a decision takes, in the order of the columns; each is to be small.
COSTS = ("spikes", "operations", "energy", "bits", "time")


@dataclass(frozen=True)
class Split:
    """Samples to learn from, to calibrate cutoffs with, and to test on, as the network's encoder takes them."""

    how: Row
    X: Any
    y: Array
    held: Any
    held_y: Array
    test: Any
    test_y: Array

    def few(self, per_class: int) -> Split:
        """The first samples of each class keep their labels; the others have none, which is -1."""
        known = np.concatenate([np.flatnonzero(self.y == k)[:per_class] for k in np.unique(self.y)])
        y = np.full(self.y.size, UNKNOWN)
        y[known] = self.y[known]
        return replace(self, y=y)

    def labelled(self) -> tuple[Any, Array]:
        """Training samples that have a label."""
        known = np.flatnonzero(self.y != UNKNOWN)
        return take(self.X, known), self.y[known]


def loaded(s: Row, data_dir: Path | None) -> dict[str, Split]:
    """The split of a part; of "speakers" one a speaker left out, by name.

    Which training samples are taken, and which of them calibrate, is chosen at random once for all seeds. Encoders do
    not know the future.
    """
    data = hr.load_dataset(s["data"], data_dir=data_dir)
    assert data.y is not None
    given, y = recipe(data), np.unique(data.y, return_inverse=True)[1].astype(np.int64)
    encoder = given.encoder if given.causal is None else given.causal
    X: Any = data.X
    if hasattr(encoder, "features"):  # sound as its cochleagram, once for all networks
        X, encoder = [encoder.features(x) for x in X], CurrentEncoder("zscore", encoder.gain, encoder.clip)
    how: Row = {
        "encoder": encoder, "hold": given.hold, "overrides": {**given.overrides, "n": s["n"]},
        "tau_read": given.options.get("tau_read"), "precision": "single", "n_jobs": 1,
    }  # fmt: skip
    parts = {"": (data.train, data.test)}
    if s["part"] == "speakers":
        groups = np.arange(len(y)) % 2 if data.groups is None else data.groups  # the quick data have no speakers
        parts = {f"{g} left out": (np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in np.unique(groups)}
    out = {}
    for name, (train, test) in parts.items():
        order = np.random.default_rng(0).permutation(train)[: s["train"]]
        held, fitted = np.split(order, [round(s["calibration"] * len(order))])
        index = (fitted, held, spread(test, s["test"]))  # the first of those to learn from are any
        out[name] = Split(how, *(v for k in index for v in (take(X, k), y[k])))
    return out


def spread(index: Array, count: int) -> Array:
    """`count` of them, evenly."""
    return index[np.linspace(0, index.size - 1, min(count, index.size)).astype(int)]


def trainer(way: Row, seed: int, s: Row, how: Row, **changes: Any) -> Any:
    """A classifier that follows the gradient, as a way says."""
    every = s["every"] * checks.duration("hold", how["hold"])
    training = {
        "loss": "tet", "decide_every": f"{every:g} ms", "windows": 1, "target_rate": s["target_rate"],
        "spike_weight": way["price"], "consistency": way["rcs"], "weights": way["weights"],
        "trainable": (*WEIGHTS, "tau_m") if way["times"] == "learned" else WEIGHTS,
    }  # fmt: skip
    if way["times"] == "learned":
        training["bounds"] = {"tau_m": s["bounds"]}
    return hr.HRSNNGradientClassifier(way["network"], seed=seed, **{**how, **training, **s["training"], **changes})


def learned(way: Row, seed: int, s: Row, split: Split, start: Path | None) -> Any:
    """A fitted network.

    Ways that prune, or tune alone, begin with what the same way without that has left in the file `start`, and are
    tuned for the epochs of ``s["tuning"]``. Where there is no such file, it is made; None: nothing begins with this.
    """
    how = dict(split.how)
    if hr.load_network(way["network"]).arrays is not None:  # its neurons are given
        how["overrides"] = None
    if way["learn"] == "stdp":
        clf: Any = hr.HRSNNClassifier(way["network"], seed=seed, windows=s["windows"], unlabelled=UNKNOWN, **how)
        return clf.fit(split.X, split.y)
    X, y = split.labelled()
    if way["pruned"] is None or start is None or not start.exists():
        clf = trainer(way, seed, s, how).fit(X, y)
        if start is not None:
            start.parent.mkdir(parents=True, exist_ok=True)
            hr.save_network(clf, start, overwrite=True, trained="gradients")
    if way["pruned"] is not None and start is not None:
        kind, share = way["pruned"]
        draw = pruned(hr.draw(hr.load_network(start), seed, precision="single"), kind, share, seed)
        tuned = {**way, "network": hr.trained_network(draw)}
        clf = trainer(tuned, seed, s, {**how, "overrides": None}, **s["tuning"]).fit(X, y)
    if way["weights"] != FULL:
        coarse(clf, way["weights"])
    return clf


def pruned(draw: hr.Draw, kind: str, share: float, seed: int) -> hr.Draw:
    """A network without a share of its recurrent and input synapses: the weakest, or any."""
    if kind == "weakest":
        return hr.prune(draw, None, share, inputs=True)[0]
    return hr.lose_synapses(draw, None, share, seed, inputs=True)[0]


def coarse(clf: Any, weights: str) -> None:
    """Round input weights, which are trained as they are, to the bits that recurrent ones have."""
    frozen = clf.frozen_
    draw, state = hr.quantise(frozen.draw, frozen.state, int(weights.removesuffix("bit")), inputs=True)
    clf.frozen_ = replace(frozen, draw=draw, state=state)


def asked(clf: Any, weights: str, s: Row, split: Split) -> dict[str, Row]:
    """Decisions about test samples at their ends and as early as a calibrated cutoff allows, and what they take.

    At the end one readout is asked; early ones have a readout for each time.
    """
    X, y = split.labelled()
    few = slice(None, s["readout_samples"])
    anytime = hr.AnytimeReadout(clf, every=s["every"], windows=s["windows"])
    anytime.fit(take(X, np.arange(len(y))[few]), y[few])
    number = np.searchsorted(anytime.classes_, split.held_y)
    scores, known = anytime.scores(split.test), anytime.scores(split.held)
    ends = np.array([len(x) for x in scores])
    early = hr.fit_cutoff(known, number, s["epsilon"], min_samples=10).decide(scores).times
    found = Counted(clf, split.test)
    readout = [np.size(r.readout_.coef_) + np.size(r.readout_.intercept_) for r in (anytime.final_, *anytime.readouts_)]
    stored = stored_bits(clf, weights)
    out = {}
    for kind, times in (("full", ends), ("early", early)):
        right = [
            anytime.classes_[x[t - 1].argmax()] == label
            for x, t, label in zip(scores, times, split.test_y, strict=True)
        ]
        rows = np.minimum(times * s["every"], found.rows)
        decisions = times if kind == "early" else np.ones_like(times)
        products = [readout_products(clf.network_.n, r, d, readout[0]) for r, d in zip(rows, decisions, strict=True)]
        counts = [found.until(k, int(r)) for k, r in enumerate(rows)]
        kept = readout if kind == "early" else readout[:1]
        out[kind] = outcome(right, counts, products, rows * clf.hold_, stored + 32 * sum(kept), BITS[weights])
        out[kind] |= {"network_bits": stored, "parameters": numbers_of(clf) + readout[0]}
    return out


class Counted:
    """What a fitted network does in each row of some samples."""

    def __init__(self, clf: Any, X: Any) -> None:
        samples = clf.check_samples(X)
        frozen = clf.frozen_
        targets = reach(frozen.draw, frozen.state.w)
        plastic = fan_out(frozen.draw.plastic, frozen.state.w)
        self.n, self.hold, self.dt = clf.network_.n, clf.hold_, clf.network_.dt

        def read(states: Array, recording: hr.Recording) -> Array:
            row = samples_of(recording.spike_times, recording.hold, recording.dt)
            each = (np.ones_like(targets), targets, plastic)
            return np.array([np.bincount(row, w[recording.spike_neurons], minlength=len(states)) for w in each])

        self.counts = clf.frozen_pass(samples, read)
        wide = (np.asarray(frozen.draw.w_in) != 0).sum(axis=0)
        self.products = [(x != 0) @ wide for x in clf.inputs(X)]
        self.rows = np.array([c.shape[1] for c in self.counts])

    def until(self, k: int, rows: int) -> hr.Operations:
        """Of sample `k` in its first rows; what `hetero_rsnn.count_operations` says of all of them."""
        spikes, synaptic, plastic = self.counts[k][:, :rows].sum(axis=1)
        return hr.Operations(
            spikes=float(spikes), synaptic=float(synaptic), plastic=float(plastic), input_synaptic=0.0,
            input_products=float(self.products[k][:rows].sum()),
            membrane_updates=float(self.n * rows * round(self.hold / self.dt)),
            weight_updates=0.0, dense=math.nan, seconds=rows * self.hold / 1e3, inferences=1.0,
        )  # fmt: skip


def readout_products(n: int, rows: int, decisions: int, weights: int) -> float:
    """Multiply-accumulates of a readout: a filter of each neuron in each row, and its weights at each decision."""
    return float(n * rows + decisions * weights)


def products_alone(count: float) -> hr.Operations:
    """Multiply-accumulates and nothing else: a readout, or a model without spikes."""
    return hr.Operations(0.0, 0.0, 0.0, 0.0, float(count), 0.0, 0.0, math.nan, math.nan, 1.0)


def outcome(
    right: Sequence[bool],
    counts: Sequence[hr.Operations],
    products: Sequence[float],
    ms: Any,
    bits: float,
    width: float,
) -> Row:
    """What is kept of a way: of each test sample whether it is right, and what its decision takes; energy in nJ.

    `products` are those of the readout, whose weights have 32 bits; weights of the network have `width` bits.
    """
    energy = {
        h: [
            1e9 * (hr.energy(c, h, weight_bits=width).total + hr.energy(products_alone(p), h).total)
            for c, p in zip(counts, products, strict=True)
        ]
        for h in HARDWARE
    }
    operations = [c.synaptic + c.input_synaptic + c.input_products + p for c, p in zip(counts, products, strict=True)]
    each = {
        "spikes": [c.spikes for c in counts], "operations": operations, "energy": energy[HARDWARE[0]],
        "bits": [bits] * len(counts), "time": list(np.asarray(ms, dtype=float)),
    }  # fmt: skip
    return {
        "accuracy": float(np.mean(right)), "right": "".join("01"[bool(r)] for r in right),
        "each": {q: [float(f"{v:.5g}") for v in values] for q, values in each.items() if q != "bits"},
        **{q: float(np.mean(values)) for q, values in each.items()},
        "synaptic": float(np.mean([c.synaptic for c in counts])),
        "updates": float(np.mean([c.membrane_updates for c in counts])),
        **{f"energy, {h}": float(np.mean(values)) for h, values in energy.items()},
    }  # fmt: skip


def stored_bits(clf: Any, weights: str) -> float:
    """Bits of a network: weights that are not 0, where they are, scales of coarse ones, and numbers of neurons.

    Where synapses are is told by a mask or by their targets, whichever is shorter; a full matrix need not be told. Of
    each parameter of neurons there is one number for all, or one each.
    """
    draw, w = clf.frozen_.draw, clf.frozen_.state.w
    n, width = draw.n, BITS[weights]
    recurrent = int(np.count_nonzero(w) + np.count_nonzero(draw.static.w))
    inputs = int(np.count_nonzero(draw.w_in))
    channels = draw.w_in.shape[1]
    total = (recurrent + inputs) * width + where(recurrent, n, n) + where(inputs, n, channels)
    if weights != FULL:
        total += 32 * (len(draw.network.projections) + 1)
    return float(total + sum(32 * (1 if np.unique(v).size == 1 else n) for v in draw.neurons.values()))


def numbers_of(clf: Any) -> int:
    """Weights that are not 0, and numbers of neurons that are not the same for all."""
    draw = clf.frozen_.draw
    weights = (clf.frozen_.state.w, draw.static.w, draw.w_in)
    own = [v for v in draw.neurons.values() if np.unique(v).size > 1]
    return int(sum(np.count_nonzero(w) for w in weights) + draw.n * len(own))


def where(count: int, sources: int, targets: int) -> int:
    """Bits that tell which entries of a matrix are not 0."""
    if count in (0, sources * targets):
        return 0
    return min(sources * targets, count * math.ceil(math.log2(targets)))
