"""What networks of spikes in time are compared with in ways_to_save_spikes.py, by the same accounts.

A ridge regression of the input's means over parts of a sample; an MLP and a feed-forward spiking network of the same
numbers; a small GRU of the rows. All but the first need torch. Without spikes an operation is a multiply-accumulate.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from study_kit import Array, Row
from ways_networks import Split, outcome, products_alone

import hetero_rsnn as hr
from hetero_rsnn.common.extras import need

#: Bits of a number of these models.
WIDTH = 32
KINDS = ("ridge", "MLP", "GRU", "feed-forward")


class Seen:
    """The encoded input of a split, in rows and as means over equal parts of a sample."""

    def __init__(self, split: Split, s: Row) -> None:
        how = {**split.how, "overrides": {"n": 10}}
        X, self.y = split.labelled()
        like = hr.HRSNNFeatures("honhos", epochs=0, **how).fit(split.X)  # only its encoder is asked
        self.linear = hr.LinearClassifier(like, windows=s["reference_windows"]).fit(X, self.y)
        self.classes, self.number = np.unique(self.y, return_inverse=True)
        self.means, self.test_means = self.linear.features(X), self.linear.features(split.test)
        self.rows, self.test_rows = like.inputs(X), like.inputs(split.test)
        self.test, self.test_y = split.test, split.test_y
        self.lengths = np.array([len(x) for x in self.test_rows])
        self.hold = like.hold_

    @property
    def channels(self) -> int:
        """Numbers of a row."""
        return int(self.rows[0].shape[1])

    def outcome(self, decided: Array, products: Any, parameters: int) -> Row:
        """What is kept of a model without spikes, which decides at the end of a sample."""
        counts = [products_alone(p) for p in np.broadcast_to(products, self.lengths.shape)]
        none = [0.0] * len(counts)
        return outcome(decided == self.test_y, counts, none, self.lengths * self.hold, WIDTH * parameters, WIDTH)


def reference(kind: str, seed: int, s: Row, split: Split, parameters: float) -> Row:
    """One of `KINDS`, taught and asked; a feed-forward network has about as many parameters as are given."""
    seen = Seen(split, s)
    averaging = seen.lengths * seen.channels
    features, classes = seen.means.shape[1], len(seen.classes)
    if kind == "ridge":
        weights = (features + 1) * classes
        return seen.outcome(seen.linear.predict(seen.test), averaging + weights, weights)
    torch = need("torch", "gradient", "the reference networks")
    if kind == "feed-forward":
        return feed_forward(seen, seed, s, parameters)
    running = need("hetero_rsnn.gradient.feedforward.running", "gradient", "the reference networks")
    with torch.random.fork_rng(), running.torch_threads(1):
        torch.manual_seed(seed)
        if kind == "MLP":
            hidden = s["hidden"]["MLP"]
            model: Any = torch.nn.Sequential(
                torch.nn.Linear(features, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, classes)
            )
            decided = taught(model, [standard(seen.means, x) for x in (seen.means, seen.test_means)], seen, seed, s)
            products = averaging + features * hidden + hidden * classes
        else:
            hidden = s["hidden"]["GRU"]
            model = last_state(torch)(seen.channels, hidden, classes)
            decided = taught(model, [padded(x) for x in (seen.rows, seen.test_rows)], seen, seed, s)
            products = seen.lengths * 3 * hidden * (seen.channels + hidden) + hidden * classes
    return seen.outcome(seen.classes[decided], products, sum(p.numel() for p in model.parameters()))


def standard(known: Array, x: Array) -> Array:
    """Numbers in units of the spread of the training samples."""
    spread = known.std(axis=0)
    return np.asarray((x - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0), dtype=np.float32)


def padded(rows: list[Array]) -> tuple[Array, Array]:
    """Samples as one array (samples, rows, channels), and their lengths."""
    lengths = np.array([len(x) for x in rows])
    out = np.zeros((len(rows), lengths.max(), rows[0].shape[1]), dtype=np.float32)
    for mine, x in zip(out, rows, strict=True):
        mine[: len(x)] = x
    return out, lengths


def last_state(torch: Any) -> Any:
    """A class: a GRU whose state at the end of a sample is read."""

    class Gated(torch.nn.Module):
        def __init__(self, channels: int, hidden: int, classes: int) -> None:
            super().__init__()
            self.cell = torch.nn.GRU(channels, hidden, batch_first=True)
            self.out = torch.nn.Linear(hidden, classes)

        def forward(self, x: Any, lengths: Any) -> Any:
            states, _ = self.cell(x)
            return self.out(states[torch.arange(len(x)), lengths - 1])

    return Gated


def taught(model: Any, data: list[Any], seen: Seen, seed: int, s: Row) -> Array:
    """Decisions, as numbers of classes, about test samples after a training by Adam."""
    torch = need("torch", "gradient", "the reference networks")
    train, test = ([torch.from_numpy(x) for x in (part if isinstance(part, tuple) else (part,))] for part in data)
    labels, how = torch.from_numpy(seen.number), s["references"]
    batches = math.ceil(len(labels) / how["batch_size"])
    optimiser = torch.optim.Adam(model.parameters(), how["learning_rate"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, how["epochs"] * batches)
    order = np.random.default_rng(seed)
    for _ in range(how["epochs"]):
        for index in np.array_split(order.permutation(len(labels)), batches):
            some = torch.from_numpy(index)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(*(x[some] for x in train)), labels[some]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        return np.concatenate([model(*part).argmax(dim=1).numpy() for part in pieces(test)])


def pieces(parts: list[Any], size: int = 500) -> list[list[Any]]:
    """Test samples some at a time."""
    return [[x[low : low + size] for x in parts] for low in range(0, len(parts[0]), size)]


def feed_forward(seen: Seen, seed: int, s: Row, parameters: float) -> Row:
    """A spiking network of one hidden layer, shown the means as a constant current for a few steps."""
    features, classes = seen.means.shape[1], len(seen.classes)
    hidden = max(4, round((parameters - classes) / (features + classes + 2)))
    clf = hr.SpikingImageClassifier("mlp", hidden=(hidden,), seed=seed, **s["feed_forward"])
    X, test = standard(seen.means, seen.means), standard(seen.means, seen.test_means)
    clf.fit(X, seen.y)
    account = clf.account(test)
    counts = [account.sample(k).operations for k in range(len(test))]
    stored = WIDTH * sum(p.numel() for p in clf.network_.parameters())
    averaging = [float(v) for v in seen.lengths * seen.channels]
    return outcome(clf.predict(test) == seen.test_y, counts, averaging, seen.lengths * seen.hold, stored, WIDTH)
