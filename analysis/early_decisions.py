"""How early can spiking networks decide, and does training for it (RCS) help?

Question: a network that may answer before its input ends saves steps, spikes and operations. How many, at what loss of
accuracy, by which rule; and does the RCS regulariser of Wu et al. (arXiv:2301.09522) make decisions earlier?

Method, in five parts. "converted": an ordinary convolutional network with quantised activations (QCFS, L = 4) is
trained on Fashion-MNIST and converted; its accuracy over the number of steps T, and early decisions at T = 4 and 8.
"trained": spiking networks of T = 4 steps, trained by TET on 12,000 images. "events": images as ON and OFF
events of a moving camera, T = 10, networks with TEBN. "sounds": spoken digits as pictures of band energies (32 bands,
32 times, however long they last), trained as the images were; each speaker left out in one network. "speech":
recurrent networks (HeNHeS) on spoken digits, decision windows of 50 ms, each speaker left out once a seed: as drawn,
trained, and trained with RCS.

Every rule is calibrated on samples that neither trained the network nor test it; the temperature of softmax and sets is
fitted on others again. The weight of RCS is chosen in trainings of another seed, by the optimal cutoff time of samples
that were held out of the training part: of images from the end of the training images, of recordings from the three
speakers that are not left out. Differences are paired over seeds; the four speakers of a seed are one value: their
mean.

Three numbers say how early a network is: its optimal cutoff time, the steps of each calibrated rule, and the mean steps
at which its curve over epsilon reaches its own accuracy less half a point. "At equal accuracy" compares two networks at
the accuracy of the worse one, less half a point: the better one need not go to its end for it. Curves and levels are
those of test samples, so these last two describe and choose nothing. New speakers are no sample of those that
calibrate: what conformal sets promise does not hold for them.

Finding: see docs/early_decisions_study.md.

    python analysis/early_decisions.py PART [--quick] [--out FOLDER] [--workers N] [--data-dir DIR]

Finished cells are in FOLDER/early_decisions_PART.jsonl; the same line goes on from there. It needs torch for all parts
but "speech". The quick run takes the small digits that come with scikit-learn, or Japanese vowels.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import Array, Row, Study, fail_politely, interval

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.inputs.images import image_array
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.measures.cutoff_curve import EPSILONS, choose_epsilon
from hetero_rsnn.tasks.recipes import recipe

PARTS = ("converted", "trained", "events", "sounds", "speech")
#: Loss of accuracy that rules may cost on calibration samples.
LOSS = 0.005
#: Rules of the tables, by `compare_cutoffs`.
RULES = ("full", "fixed", "gap", "probability", "conformal", "bound")
#: What the paper reports: data set, method, accuracy, mean steps, most steps.
PUBLISHED = (
    ("CIFAR-10", "QCFS", 0.9404, 1.27, 4), ("CIFAR-10", "TET", 0.9489, 1.20, 4), ("CIFAR-10", "TEBN", 0.9530, 1.22, 4),
    ("CIFAR10-DVS", "TEBN", 0.8170, 4.46, 10),
)  # fmt: skip
#: Distortions of test images, and how strong.
DISTORTIONS = (("gaussian", 0.1), ("gaussian", 0.3), ("occlusion", 0.1), ("occlusion", 0.25))


def images_setting(part: str, quick: bool) -> Row:
    """What every cell of a part with images depends on."""
    events = part == "events"
    data = "fashion_mnist_events" if events else "sklearn_digits" if quick else "fashion_mnist"
    network: Row = {"model": "conv", "blocks": 0}
    if part == "converted":
        network |= {"method": "conversion", "levels": 4, "channels": [32, 64], "hidden": [256]}
        training = {"training_epochs": 5, "batch_size": 128, "flip": not quick, "validation": 0.05}
        weights, arms, steps, count = [0.002, 0.01, 0.05], {"plain": {}, "rcs": {}}, [1, 2, 4, 8, 16], 57000
    elif part == "trained":
        network |= {"channels": [16, 32], "hidden": [128], "normalisation": "batch"}
        training = {
            "training_epochs": 4, "batch_size": 64, "learning_rate": 2e-3, "flip": not quick, "validation": 0.05,
        }  # fmt: skip
        weights, arms, steps, count = [0.002, 0.02, 0.2], {"plain": {}, "rcs": {}}, [4], 12000
        training["loss"] = "tet"
    elif part == "sounds":
        data = "japanese_vowels" if quick else "free_spoken_digits"
        network |= {"channels": [16, 32], "hidden": [128], "normalisation": "batch"}
        training = {"training_epochs": 20, "batch_size": 32, "learning_rate": 2e-3, "validation": 0.05, "loss": "tet"}
        weights, arms, steps, count = [0.002, 0.02, 0.2], {"plain": {}, "rcs": {}}, [4], 1050
    else:
        network |= {"channels": [8, 16], "hidden": [128], "normalisation": "tebn"}
        training = {"training_epochs": 3, "batch_size": 64, "learning_rate": 2e-3, "validation": 0.05}
        weights, arms, steps, count = [0.002, 0.02, 0.2], {"plain": {}, "rcs": {}}, [10], 20000
    if quick:
        network |= {"channels": [4], "hidden": [16]}
        training |= {"training_epochs": 2, "batch_size": 32}
        weights, steps = weights[:2], [2, 4] if part == "converted" else [4] if part in ("trained", "sounds") else [10]
    sounds = part == "sounds"
    return {
        "part": part, "data": data, "seeds": 2 if quick else 4 if sounds else 3,
        "network": network, "training": training,
        "weights": weights, "arms": arms, "steps": steps, "train": 600 if quick else count,
        "calibration": 60 if quick and sounds else 200 if quick else 300 if sounds else 2000,
        "temperature": 30 if quick and sounds else 100 if quick else 150 if sounds else 1000,
        "test": 300 if quick else 10000,
        "search": {
            "seed": 100, "train": 120 if quick and sounds else 300 if quick else 750 if sounds else 6000,
            "validation": 60 if quick and sounds else 150 if quick else 300 if sounds else 3000,
            "epochs": 1 if quick else 10 if sounds else 4, "steps": steps[-1] if part != "converted" else 4,
        },
        "loss": LOSS, "epsilons": list(EPSILONS), "distortions": [list(d) for d in DISTORTIONS],
    }  # fmt: skip


def speech_setting(quick: bool) -> Row:
    """What every cell of the part with recurrent networks depends on."""
    return {
        "part": "speech", "data": "japanese_vowels" if quick else "free_spoken_digits", "seeds": 1 if quick else 6,
        "network": "henhes", "n": 40 if quick else 400, "every": 2 if quick else 5, "precision": "single",
        "arms": {"drawn": None, "plain": {"loss": "tet"}, "rcs": {"loss": "tet"}}, "epochs": 2 if quick else 12,
        "weights": [0.002, 0.01, 0.1], "calibration": 0.5 if quick else 0.25, "windows": 5, "loss": LOSS,
        "epsilons": list(EPSILONS),
    }  # fmt: skip


class Split:
    """Samples to train on, to calibrate by, to fit the temperature on, and to test on.

    Sounds with known speakers are split by these: the `k`-th is left out.
    """

    def __init__(self, s: Row, data_dir: Path | None, k: int = 0) -> None:
        data = hr.load_dataset(s["data"], data_dir=data_dir)
        assert data.y is not None
        held = s["calibration"] + s["temperature"]
        order, self.test = data.train, data.test[: s["test"]]
        self.left_out = None
        if s["part"] == "sounds":
            if data.groups is not None:
                self.left_out = str(np.unique(data.groups)[k])
                order, self.test = speech_parts(data, self.left_out)
            order = np.random.default_rng(0).permutation(order)
        order = order[: min(s["train"] + held, len(order))]
        self.train, self.calibration, self.temperature = np.split(
            order, [len(order) - held, len(order) - s["temperature"]]
        )
        self.data = data
        self.images, self.labels = pictures(data) if s["part"] == "sounds" else data.X, data.y

    def X(self, index: Array) -> Array:
        """Images of some samples."""
        return image_array("X", take(self.images, index))

    def y(self, index: Array) -> Array:
        """Labels of some samples."""
        return self.labels[index]


def pictures(data: Any, side: int = 32) -> Array:
    """Band energies of sounds between 0 and 1, stretched to one length: (samples, times, bands).

    A pixel is the mean over its share of time, and of sounds over neighbouring bands.
    """
    encoder = recipe(data).encoder
    sounds = hasattr(encoder, "features")
    out = []
    for x in data.X:
        energy = np.asarray(encoder.features(x) if sounds else x, dtype=float)
        if sounds:
            energy = energy.reshape(len(energy), side, -1).mean(axis=2)
        total = np.vstack([np.zeros(energy.shape[1]), np.cumsum(energy, axis=0)])
        edges = np.linspace(0, len(energy), side + 1)
        sums = np.array([np.interp(edges, np.arange(len(total)), column) for column in total.T]).T
        out.append(np.diff(sums, axis=0) * side / len(energy))
    images = np.array(out)
    return np.asarray((images - images.min()) / (images.max() - images.min()), dtype=np.float32)


def classifier(s: Row, seed: int, **changes: Any) -> Any:
    """A classifier that has learned nothing."""
    return hr.SpikingImageClassifier(**{**s["network"], **s["training"], "seed": seed, "n_jobs": 1, **changes})


def at_steps(clf: Any, steps: int) -> Any:
    """A classifier with another number of steps, if it was converted."""
    if clf.method == "conversion":
        clf.network_, clf.steps = hr.convert(clf.ordinary_, steps), steps
    return clf


def searched(s: Row, split: Split) -> Row:
    """The weight of RCS whose optimal cutoff time on validation images is least, at no more than a point of accuracy.

    These are the last of the training images, and none of those that calibrate.
    """
    search, found = s["search"], []
    train, held = split.train[: search["train"]], split.train[-search["validation"] :]
    for weight in (0.0, *s["weights"]):
        clf = classifier(
            s, search["seed"], steps=search["steps"], consistency=weight, training_epochs=search["epochs"]
        ).fit(split.X(train), split.y(train))  # fmt: skip
        found.append({"weight": weight, **earliness(clf.scores_over_time(split.X(held)), split.y(held))})
    return {"rows": found, "weight": chosen(found)}


def earliness(scores: Any, y: Array) -> Row:
    """Accuracy at the end, and mean optimal cutoff time."""
    right = np.mean([x[-1].argmax() == label for x, label in zip(scores, y, strict=True)])
    return {"accuracy": float(right), "bound": float(hr.optimal_cutoff_time(scores, y).mean())}


def chosen(found: list[Row]) -> float:
    """Of the weights above 0 that lose no more than a point, the one with the least optimal cutoff time."""
    best = max(row["accuracy"] for row in found)
    good = [row for row in found[1:] if row["accuracy"] >= best - 2 * LOSS] or found[1:2]
    return float(min(good, key=lambda row: row["bound"])["weight"])


def decided(scores: Any, y: Array, cal_scores: Any, cal_y: Array, temperature: float, per_step: Row) -> Row:
    """What all rules do with scores, and what of each quantity they save."""
    table = hr.compare_cutoffs(
        cal_scores, cal_y, scores, y, spikes=per_step["spikes"], loss=LOSS, temperature=temperature
    )
    out: Row = {"rules": {row.rule: {k: getattr(row, k) for k in ("accuracy", "time", "factor", "behind", "coverage")}
                          for row in table.rows}}  # fmt: skip
    for name, counts in per_step.items():
        saved = table if name == "spikes" else hr.compare_cutoffs(
            cal_scores, cal_y, scores, y, spikes=counts, loss=LOSS, temperature=temperature
        )  # fmt: skip
        for row in saved.rows:
            out["rules"][row.rule][f"{name}_saved"] = row.spikes_saved
    curve = hr.evaluate_cutoff(cal_scores, cal_y, scores, y, loss=LOSS)
    out["curve"] = sorted([p.time, p.accuracy] for p in (*curve.points, curve.full))
    out["fixed"] = [[p.time, p.accuracy] for p in curve.fixed]
    epsilon = choose_epsilon(cal_scores, cal_y, loss=LOSS)
    longest = max(len(x) for x in scores)
    times = np.array([len(x) for x in scores])
    if epsilon is not None:
        times = hr.fit_cutoff(cal_scores, cal_y, epsilon).decide(scores).times
    out["epsilon"] = epsilon
    out["times"] = np.bincount(times, minlength=longest + 1)[1:].tolist()
    out["right_by_time"] = [
        None
        if not (times == t).any()
        else float(np.mean([scores[k][t - 1].argmax() == y[k] for k in np.flatnonzero(times == t)]))
        for t in range(1, longest + 1)
    ]
    return out


def image_cell(s: Row, split: Split, seed: int, arm: str, weight: float, first: int) -> Row:
    """One network, trained; asked with all numbers of steps that it can have."""
    begin = time.perf_counter()
    clf = classifier(s, seed, steps=first, **s["arms"][arm], **({"consistency": weight} if arm == "rcs" else {}))
    clf.fit(split.X(split.train), split.y(split.train))
    out: Row = {"seconds": time.perf_counter() - begin, "epochs": len(clf.training_), "weight": weight, "steps": {}}
    test, y = split.X(split.test), split.y(split.test)
    if clf.method == "conversion":
        import torch

        from hetero_rsnn.gradient.feedforward.training import answers

        with torch.no_grad():
            out["ordinary"] = float(np.mean(answers(clf.ordinary_, test, np.arange(len(test))).argmax(axis=1) == y))
    for steps in s["steps"] if clf.method == "conversion" else [first]:
        at_steps(clf, steps)
        scores = clf.scores_over_time(test)
        row: Row = {"accuracy": float(np.mean([x[-1].argmax() for x in scores] == y))}
        deciding = steps in (4, 8) or s["part"] != "converted"
        account = clf.account(test if deciding else test[:1000])
        row |= {
            "rate": account.rate, "spikes": account.rate * steps,
            "operations": float(account.synaptic_operations.sum() / account.spikes.shape[2]),
            "products": float(account.multiply_accumulates.sum() / account.spikes.shape[2]),
        }  # fmt: skip
        if deciding:
            cal_scores, cal_y = clf.scores_over_time(split.X(split.calibration)), split.y(split.calibration)
            other = clf.scores_over_time(split.X(split.temperature))
            temperature = hr.fit_temperature(other, split.y(split.temperature))
            per_step = {
                "spikes": list(account.spikes.sum(axis=0).T.astype(float)),
                "operations": list(account.synaptic_operations.sum(axis=0).T.astype(float)),
            }
            row |= decided(scores, y, cal_scores, cal_y, temperature, per_step)
            row["temperature"] = temperature
            if row["epsilon"] is not None:
                rule = hr.fit_cutoff(cal_scores, cal_y, row["epsilon"])
                if s["part"] in ("converted", "trained"):
                    row["distorted"] = distorted(clf, rule, split, seed)
                if seed == 0 and arm == "plain":
                    row["examples"] = examples(rule, scores)
        out["steps"][str(steps)] = row
    return out


def distorted(clf: Any, rule: Any, split: Split, seed: int) -> list[Row]:
    """Noisy and covered test images under the thresholds of clean ones."""
    index = split.test[:2000]
    pixels, y = split.X(index)[:, 0], split.y(index)
    if pixels.dtype != np.uint8:
        pixels = pixels / max(1.0, float(pixels.max()))
    out = []
    for kind, strength in (("clean", 0.0), *DISTORTIONS):
        images = pixels if kind == "clean" else hr.corrupted(pixels, kind, strength, seed)
        scores = clf.scores_over_time(images)
        decisions = rule.decide(scores)
        early = decisions.times <= np.median(decisions.times)
        right = decisions.labels == y
        out.append({
            "kind": kind, "strength": strength, "accuracy": float(right.mean()), "time": float(decisions.times.mean()),
            "full": float(np.mean([x[-1].argmax() for x in scores] == y)), "early_share": float(early.mean()),
            "early_right": float(right[early].mean()),
            "late_right": float(right[~early].mean()) if (~early).any() else None,
        })  # fmt: skip
    return out


def examples(rule: Any, scores: Any) -> Row:
    """Test images that leave first, by the largest gap at their first step, and last, by the smallest at the end."""
    times = rule.decide(scores).times
    gap = np.array([np.diff(np.sort(x, axis=1)[:, -2:], axis=1)[:, 0] for x in scores])
    first = np.flatnonzero(times == times.min())
    last = np.flatnonzero(times == times.max())
    return {
        "first": first[np.argsort(-gap[first, 0], kind="stable")][:8].tolist(),
        "last": last[np.argsort(gap[last, -1], kind="stable")][:8].tolist(),
    }


def heard(s: Row, data: Any) -> tuple[Any, Row]:
    """Samples that a causal encoder has seen to, and how they are simulated."""
    given = recipe(data)
    X, encoder = data.X, given.encoder if given.causal is None else given.causal
    if hasattr(encoder, "features"):
        X, encoder = [encoder.features(x) for x in X], CurrentEncoder("zscore", encoder.gain, encoder.clip)
    how: Row = {"encoder": encoder, "hold": given.hold, "overrides": {**given.overrides, "n": s["n"]}}
    return X, {**how, "precision": s["precision"], "n_jobs": 1}


def speech_arm(s: Row, how: Row, seed: int, arm: str, weight: float, X: Any, y: Array) -> Any:
    """A network that has learned from some recordings, with readouts for every decision window."""
    drawn = hr.HRSNNFeatures(s["network"], epochs=0, seed=seed, **how)
    clf: Any = drawn.fit(X)
    if s["arms"][arm] is not None:
        clf = hr.HRSNNGradientClassifier(
            s["network"], training_epochs=s["epochs"], decide_every=f"{s['every'] * drawn.hold_} ms", windows=1,
            consistency=weight if arm == "rcs" else 0.0, seed=seed, **s["arms"][arm], **how,
        ).fit(X, y)  # fmt: skip
    return hr.AnytimeReadout(clf, every=s["every"], windows=s["windows"]).fit(X, y)


def speech_parts(data: Any, left_out: str | None) -> tuple[Array, Array]:
    """Training and test recordings: of all speakers but one, and of that one."""
    if left_out is None:
        return data.train, data.test
    return np.flatnonzero(data.groups != left_out), np.flatnonzero(data.groups == left_out)


def speech_weight(s: Row, data: Any, X: Any, how: Row, left_out: str | None) -> Row:
    """The weight of RCS, by recordings of the other speakers, a quarter of which is held out; another seed."""
    order = np.random.default_rng(100).permutation(speech_parts(data, left_out)[0])
    held, fitted = np.sort(order[: len(order) // 4]), np.sort(order[len(order) // 4 :])
    found = []
    for weight in (0.0, *s["weights"]):
        anytime = speech_arm(s, how, 100, "rcs", weight, take(X, fitted), data.y[fitted])
        number = np.searchsorted(anytime.classes_, data.y[held])
        found.append({"weight": weight, **earliness(anytime.scores(take(X, held)), number)})
    return {"rows": found, "weight": chosen(found)}


def speech_cell(s: Row, data: Any, X: Any, how: Row, seed: int, left_out: str | None, weight: float) -> Row:
    """All arms on the same network: a quarter of the training recordings calibrates, a third of these temperatures."""
    y = data.y
    train, test = speech_parts(data, left_out)
    order = np.random.default_rng(seed).permutation(train)
    number = int(s["calibration"] * len(order))
    fitted = np.sort(order[number:])
    other, calibration = np.sort(order[: number // 3]), np.sort(order[number // 3 : number])
    out: Row = {}
    for arm in s["arms"]:
        begin = time.perf_counter()
        anytime = speech_arm(s, how, seed, arm, weight, take(X, fitted), y[fitted])
        labels = np.searchsorted(anytime.classes_, y)
        temperature = hr.fit_temperature(anytime.scores(take(X, other)), labels[other])
        known = anytime.scores(take(X, calibration))
        scores = anytime.scores(take(X, test))
        row = decided(scores, labels[test], known, labels[calibration], temperature, {"spikes": anytime.spikes()})
        row["accuracy"] = row["rules"]["full"]["accuracy"]
        row["nu"] = float(np.mean([x.sum() for x in anytime.spikes()]) / s["n"])
        row["seconds"] = time.perf_counter() - begin
        out[arm] = row
    return out


def time_at(curve: list[list[float]], accuracy: float) -> float:
    """Fewest mean steps of a curve at which it has an accuracy, on the straight lines between its points."""
    points = sorted(curve)
    best = [p for p in points if p[1] >= accuracy]
    if not best:
        return points[-1][0]
    here = best[0]
    before = [p for p in points if p[0] < here[0]]
    if not before:
        return here[0]
    last = before[-1]
    share = (accuracy - last[1]) / max(here[1] - last[1], 1e-12)
    return float(last[0] + share * (here[0] - last[0]))


def compared(groups: list[list[Row]], arm: str, than: str) -> Row:
    """How early one arm is beside another, paired; the rows of a group (speakers) are one value, their mean.

    ``bound``: the difference of their optimal cutoff times in steps. ``gap``: of the steps of the calibrated gap rule.
    ``own``: steps at their own accuracy less `LOSS`, as a share. ``equal``: steps at the accuracy of the worse one less
    `LOSS`, as a share. ``pooled``: the same of the mean curve of a group, whose points are of equal epsilons.
    """
    found: Row = {"accuracy": [], "bound": [], "gap": [], "own": [], "equal": [], "pooled": []}
    for rows in groups:
        values: Row = {q: [] for q in found}
        level = min(float(np.mean([row[name]["accuracy"] for row in rows])) for name in (arm, than)) - LOSS
        mean_curves = [np.mean([row[name]["curve"] for row in rows], axis=0).tolist() for name in (arm, than)]
        values["pooled"].append(time_at(mean_curves[0], level) / time_at(mean_curves[1], level))
        for row in rows:
            a, b = row[arm], row[than]
            level = min(a["accuracy"], b["accuracy"]) - LOSS
            values["accuracy"].append(a["accuracy"] - b["accuracy"])
            for q in ("bound", "gap"):
                values[q].append(a["rules"][q]["time"] - b["rules"][q]["time"])
            values["own"].append(time_at(a["curve"], a["accuracy"] - LOSS) / time_at(b["curve"], b["accuracy"] - LOSS))
            values["equal"].append(time_at(a["curve"], level) / time_at(b["curve"], level))
        for q in found:
            found[q].append(float(np.mean(values[q])))
    return {"pairs": len(groups), **{q: interval(v) for q, v in found.items()}}


def means(rows: list[Row]) -> Row:
    """Means over rows of the rules of one arm, with intervals."""
    out: Row = {"accuracy": interval([row["accuracy"] for row in rows])}
    for name in ("spikes", "operations", "products", "nu", "rate", "temperature"):
        if name in rows[0]:
            out[name] = interval([row[name] for row in rows])
    if "rules" not in rows[0]:
        return out
    out["rules"] = {
        rule: {
            q: interval([row["rules"][rule][q] for row in rows])
            for q in rows[0]["rules"][rule]
            if all(row["rules"][rule].get(q) is not None for row in rows)
        }
        for rule in RULES
    }
    out["lost"] = {rule: interval([r["accuracy"] - r["rules"][rule]["accuracy"] for r in rows]) for rule in RULES}
    out["times"] = np.mean([np.array(r["times"]) / sum(r["times"]) for r in rows], axis=0).tolist() if (
        len({len(r["times"]) for r in rows}) == 1) else None  # fmt: skip
    if all("distorted" in row for row in rows):
        out["distorted"] = [of_kind([row["distorted"][j] for row in rows]) for j in range(len(rows[0]["distorted"]))]
    return out


def of_kind(rows: list[Row]) -> Row:
    """Means over networks of what one distortion does."""
    found = {q: [row[q] for row in rows if row[q] is not None] for q in
             ("accuracy", "full", "time", "early_right", "late_right")}  # fmt: skip
    return {"kind": rows[0]["kind"], "strength": rows[0]["strength"], **{q: interval(v) for q, v in found.items() if v}}


def merged(rows: list[Row]) -> Row:
    """One row of several test parts of a seed: means of everything."""
    first = rows[0]
    out: Row = {q: float(np.mean([row[q] for row in rows])) for q in ("accuracy", "nu", "seconds")}
    out["rules"] = {
        rule: {
            q: float(np.mean([row["rules"][rule][q] for row in rows]))
            for q in first["rules"][rule]
            if first["rules"][rule][q] is not None
        }
        for rule in RULES
    }
    out["curve"] = np.mean([row["curve"] for row in rows], axis=0).tolist()  # of equal epsilons: as many points
    longest = max(len(row["times"]) for row in rows)
    out["times"] = np.sum([np.pad(row["times"], (0, longest - len(row["times"]))) for row in rows], axis=0).tolist()
    return out


def summary(s: Row, cells: list[Any]) -> Row:
    """What a part found."""
    out: Row = {"seeds": s["seeds"], "arms": {}, "rcs": {}}
    if s["part"] == "speech":
        for arm in s["arms"]:
            out["arms"][arm] = means([merged([cell[arm] for cell in group]) for group in cells])
        for arm, than in (("plain", "drawn"), ("rcs", "drawn"), ("rcs", "plain")):
            out["rcs"][f"{arm} against {than}"] = compared(cells, arm, than)
        return out
    if s["part"] == "converted":
        out["ordinary"] = {arm: interval([cell[arm]["ordinary"] for cell in cells]) for arm in s["arms"]}
        out["converted_less_ordinary"] = {
            arm: interval([cell[arm]["steps"]["4"]["accuracy"] - cell[arm]["ordinary"] for cell in cells])
            for arm in s["arms"]
        }
    for steps in s["steps"]:
        rows = [{arm: cell[arm if s["part"] == "converted" else f"{arm}, {steps} steps"]["steps"][str(steps)]
                 for arm in s["arms"]} for cell in cells]  # fmt: skip
        for arm in s["arms"]:
            out["arms"][f"{arm}, {steps} steps"] = means([row[arm] for row in rows])
        if "curve" in rows[0]["plain"]:
            out["rcs"][f"{steps} steps"] = compared([[row] for row in rows], "rcs", "plain")
    return out


def points(values: Any, digits: int = 2) -> str:
    """A mean and its interval."""
    return "{:.{d}f} [{:.{d}f}, {:.{d}f}]".format(*values, d=digits)


def table(out: Row) -> list[str]:
    """Lines of the table of a part."""
    lines = [
        "| network | rule | accuracy | mean steps | fewer steps | spikes saved | operations saved | behind OCT |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = {"full": "full length", "fixed": "fixed time", "gap": "Top-K gap", "probability": "softmax",
             "conformal": "conformal", "bound": "optimal (OCT)"}  # fmt: skip
    for name, m in out["arms"].items():
        for rule, row in m.get("rules", {}).items():
            saved = ["" if row.get(q) is None or rule == "full" else f"{100 * row[q][0]:.0f} %"
                     for q in ("spikes_saved", "operations_saved")]  # fmt: skip
            lines.append(
                f"| {name if rule == 'full' else ''} | {names[rule]} | {points(row['accuracy'], 4)} | "
                f"{points(row['time'])} | {row['factor'][0]:.2f} | {saved[0]} | {saved[1]} | {row['behind'][0]:+.2f} |"
            )
    return lines


def beside_published(outs: dict[str, Row]) -> list[str]:
    """Lines of the table of factors: the paper's, and those of the parts of this study."""
    lines = ["| data | network | accuracy | mean steps | of | factor |", "|---|---|---|---|---|---|"]
    for data, name, accuracy, steps, most in PUBLISHED:
        lines.append(f"| {data} (published) | {name} | {accuracy:.4f} | {steps:.2f} | {most} | {most / steps:.2f} |")
    for part, out in outs.items():
        for name, m in out["arms"].items():
            if "rules" in m:
                gap, full = m["rules"]["gap"], m["rules"]["full"]
                lines.append(
                    f"| {part} | {name} | {gap['accuracy'][0]:.4f} | {gap['time'][0]:.2f} | {full['time'][0]:.2f} | "
                    f"{gap['factor'][0]:.2f} |"
                )
    return lines


def over_steps(out: Row) -> list[str]:
    """Lines of the table of a converted network over its steps."""
    lines = ["| steps | accuracy | spikes of a neuron | synaptic operations |", "|---|---|---|---|"]
    lines.append(f"| ordinary network | {points(out['ordinary']['plain'], 4)} | | |")
    for name, m in out["arms"].items():
        if name.startswith("plain, "):
            steps = name.split()[1]
            lines.append(f"| {steps} | {points(m['accuracy'], 4)} | {m['spikes'][0]:.2f} | {m['operations'][0]:,.0f} |")
    return lines


def regularised(outs: dict[str, Row]) -> list[str]:
    """Lines of the table of what RCS does, over the parts."""
    lines = [
        "| data | compared | pairs | accuracy (points) | optimal cutoff (steps) | gap rule (steps) | steps at its own "
        "accuracy | steps at equal accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for part, out in outs.items():
        for name, row in out["rcs"].items():
            what = name if " against " in name else f"rcs against plain, {name}"
            lines.append(
                f"| {part} | {what} | {row['pairs']} | {points([100 * v for v in row['accuracy']])} | "
                f"{points(row['bound'])} | {points(row['gap'])} | {points(row['own'])} | {points(row['equal'])} |"
            )
    return lines


def under_distortion(out: Row) -> list[str]:
    """Lines of the table of noisy and covered images, of the networks without RCS."""
    lines = [
        "| network | images | accuracy, full length | of the decisions | mean steps | right among early ones | "
        "right among late ones |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, m in out["arms"].items():
        for k, row in enumerate(m.get("distorted", []) if name.startswith("plain") else []):
            kind = "clean" if row["kind"] == "clean" else f"{row['kind']}, {row['strength']:g}"
            late = f"{row['late_right'][0]:.3f}" if "late_right" in row else ""
            lines.append(
                f"| {name if k == 0 else ''} | {kind} | {row['full'][0]:.3f} | {row['accuracy'][0]:.3f} | "
                f"{row['time'][0]:.2f} | {row['early_right'][0]:.3f} | {late} |"
            )
    return lines


def findings(s: Row, out: Row) -> list[str]:
    """One sentence for each question."""
    lines = []
    if s["part"] == "converted":
        less = points([100 * v for v in out["converted_less_ordinary"]["plain"]])
        lines.append(
            f"Ordinary network: {points(out['ordinary']['plain'], 4)}; converted at 4 steps {less} points from it."
        )
    for name, m in out["arms"].items():
        if "rules" in m:
            gap, lost = m["rules"]["gap"], m["lost"]["gap"]
            lines.append(
                f"{name}: {points(m['accuracy'], 4)}; the gap rule takes {points(gap['time'])} steps, "
                f"{gap['factor'][0]:.2f} times fewer, for {points([100 * v for v in lost])} points; "
                f"{100 * gap['spikes_saved'][0]:.0f} % of the spikes saved."
            )
    for name, row in out["rcs"].items():
        what = name if " against " in name else f"with RCS, {name}"
        pooled = f" ({points(row['pooled'])} on the mean curves of the speakers)" if " against " in name else ""
        lines.append(
            f"{what} ({row['pairs']} pairs): optimal cutoff time {points(row['bound'])} steps, gap rule "
            f"{points(row['gap'])} steps, {points(row['own'])} of the steps at its own accuracy less half a point, "
            f"{points(row['equal'])} at equal accuracy{pooled}; accuracy "
            f"{points([100 * v for v in row['accuracy']])} points."
        )
    return lines


def figure(s: Row, cells: list[Any], out: Row) -> Figure:
    """Accuracy over mean steps of the first network of each arm, and when decisions fall."""
    shown = [name for name, m in out["arms"].items() if "rules" in m]
    steps = sorted({name.split(", ")[1] for name in shown if ", " in name}) or [""]
    fig = Figure(figsize=(9.0, 3.4 * len(steps)), layout="constrained")
    axes = fig.subplots(len(steps), 2, squeeze=False)
    for (left, right), group in zip(axes, steps, strict=True):
        names = [name for name in shown if not group or name.endswith(group)]
        curves, bounds, times = {}, {}, {}
        for name in names:
            arm = name.split(", ")[0]
            rows = [picked(s, cell, name) for cell in cells]
            curves[arm] = [np.array(row["curve"]) for row in rows]
            bounds[arm] = [(row["rules"]["bound"]["time"], row["rules"]["bound"]["accuracy"]) for row in rows]
            times[arm] = [np.array(row["times"]) for row in rows]
        plots.plot_decision_curves(curves, bounds, ax=left)
        plots.plot_decision_times(times, ax=right)
        left.set_title(group or s["part"])
    return fig


def gallery(s: Row, cell: Row, data_dir: Path | None) -> Figure:
    """Test images that the first network decides on first and last, with their classes and its answers."""
    rows = cell["plain"]["steps"]
    chosen = rows[max((steps for steps in rows if "examples" in rows[steps]), key=int)]["examples"]
    split = Split(s, data_dir)
    names = split.data.classes
    index = [split.test[np.array(chosen[side], dtype=int)] for side in ("first", "last")]
    first, last = ([names[k] for k in split.y(part)] for part in index)
    return plots.plot_first_and_last(split.X(index[0])[:, 0], split.X(index[1])[:, 0], (first, last))


def picked(s: Row, cell: Any, name: str) -> Row:
    """The row of a network that a name of the summary is about; that of several speakers is their mean."""
    if s["part"] == "speech":
        return merged([row[name] for row in cell])
    arm, steps = name.split(", ")
    key = arm if s["part"] == "converted" else name
    return cell[key]["steps"][steps.split()[0]]


def run_images(study: Study, s: Row) -> list[Row]:
    """All cells of a part with images."""
    cells: list[Row] = [{} for _ in range(s["seeds"])]
    for seed, cell in enumerate(cells):
        if seed == 0 or s["part"] == "sounds":
            split = Split(s, study.args.data_dir, seed)
            name = "weight of RCS" + (f", {split.left_out} left out" if split.left_out else "")
            weight = study.cell(name, partial(searched, s, split))["weight"]
            print(f"{name}: {weight:g}", flush=True)
        for arm in s["arms"]:
            firsts = [4] if s["part"] == "converted" else s["steps"]
            for first in firsts:
                name = arm if s["part"] == "converted" else f"{arm}, {first} steps"
                job = partial(image_cell, s, split, seed, arm, weight, first)
                cell[name] = study.cell(f"{name}, seed {seed}", job)
    return cells


def run_speech(study: Study, s: Row) -> list[list[Row]]:
    """All cells of the part with recurrent networks, by seeds: one for each speaker left out."""
    data = hr.load_dataset(s["data"], data_dir=study.args.data_dir)
    X, how = heard(s, data)
    speakers: list[Any] = [None] if data.groups is None else np.unique(data.groups).tolist()
    weights = {}
    for speaker in speakers:
        name = f"weight, {speaker or 'own split'}"
        weights[speaker] = study.cell(name, partial(speech_weight, s, data, X, how, speaker))["weight"]
    cells: list[list[Row]] = [[] for _ in range(s["seeds"])]
    for seed, group in enumerate(cells):
        for speaker in speakers:
            job = partial(speech_cell, s, data, X, how, seed, speaker, weights[speaker])
            group.append(study.cell(f"seed {seed}, {speaker or 'own split'}", job))
    return cells


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")


def main() -> None:
    """Run one part of the study."""
    part = next((word for word in sys.argv[1:] if word in PARTS), PARTS[0])
    setting = speech_setting if part == "speech" else partial(images_setting, part)
    study = Study(f"early_decisions_{part}", __doc__, setting, options=options)
    s = study.setting
    if find_dataset(s["data"], study.args.data_dir) == []:
        raise hr.HeteroError(f"{s['data']} is not there: hetero-rsnn data show {s['data']} says where to get it")
    cells = (run_speech if part == "speech" else run_images)(study, s)
    out = summary(s, cells)
    study.finish({"cells": cells, "summary": out}, figure(s, cells, out), findings=findings(s, out))
    if s["part"] == "converted":
        plots.save_figure(gallery(s, cells[0], study.args.data_dir), study.out / f"{study.name}_examples.png")
    print("\n".join([*table(out), *under_distortion(out)] if s["part"] in ("converted", "trained") else table(out)))


if __name__ == "__main__":
    fail_politely(main)
