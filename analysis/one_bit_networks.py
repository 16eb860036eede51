"""What one_bit.py does with torch: its networks, their teacher, one training, and the noise of membranes.

Kept apart so that tables can be made where torch is not installed.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from study_kit import Array, Row
from torch import Tensor, nn

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import checkpoint_exists
from hetero_rsnn.gradient.feedforward.accounts import joined
from hetero_rsnn.gradient.feedforward.image_settings import ImageSettings
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.one_bit import OneBit
from hetero_rsnn.gradient.feedforward.running import answers, as_input, torch_threads
from hetero_rsnn.gradient.feedforward.training import ImageTraining
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer
from hetero_rsnn.inputs.images import image_array
from hetero_rsnn.inputs.samples import take

#: What an arm may say of a network, and of its training.
OF_NETWORK = ("weights", "shortcuts", "steps", "leak")
OF_TRAINING = ("noise", "membranes")
#: What stands in the place of recorded membranes: over what the law is taken, and which law it is.
REPLACED = {
    f"{over}, {law}": {"over": over, "law": law}
    for over in ("samples", "steps", "both")
    for law in ("recorded", "gaussian")
}
#: Images that are answered together where membranes are recorded; among these they are mixed.
MIXED = 500
#: Batches that say how long a training will take.
TIMED = 3


class Split:
    """Images to train on, images held out, which are the last of the training images, and test images.

    Attributes
    ----------
    images, labels : ndarray
        To train on, and after these those held out.
    held : ndarray of int
        Which of them are held out.
    test, y : ndarray
    classes : int
    """

    def __init__(self, s: Row, data_dir: Path | None) -> None:
        data = hr.load_dataset(s["data"], data_dir=data_dir)
        assert data.y is not None
        apart = len(data.train) - s["held_out"]
        count = apart if s["train"] is None else min(s["train"], apart)
        order = np.concatenate([data.train[:count], data.train[apart:]])
        self.images, self.labels = image_array("X", take(data.X, order)), data.y[order]
        self.held = np.arange(count, len(order))
        test = data.test[: s["test"]]
        self.test, self.y = image_array("X", take(data.X, test)), data.y[test]
        self.classes = int(data.y.max()) + 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return tuple(self.images.shape[1:])

    def few(self, batch: int) -> tuple[Array, Array, Array, float]:
        """The first batches, held-out images in proportion, and how many times longer an epoch of all images is."""
        count = len(self.images) - len(self.held)
        shown = min(TIMED * batch, count)
        held = self.held[: max(1, round(len(self.held) * shown / count))]
        index = np.concatenate([np.arange(shown), held])
        return self.images[index], self.labels[index], np.arange(shown, len(index)), count / shown


class Recalled(nn.Module):
    """A teacher that has answered once what it will be asked: images that are not moved.

    Parameters
    ----------
    network : torch.nn.Module
    images : ndarray
        All that it will be asked.
    """

    answers: Tensor

    def __init__(self, network: nn.Module, images: Array) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("answers", torch.from_numpy(answers(network, images, np.arange(len(images)))))
        self.places = {self._key(row): k for k, row in enumerate(as_input(images))}

    @staticmethod
    def _key(image: Tensor) -> bytes:
        return hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest()

    def forward(self, x: Tensor) -> Tensor:
        """Scores, shape (batch, classes)."""
        return self.answers[[self.places[self._key(row)] for row in x]]


def asked(s: Row, network: nn.Module, split: Split) -> tuple[nn.Module, float | None]:
    """A teacher, and the seconds of the processor that asking it once for each image takes; None if images move.

    With ``"both_sides"`` in the setting images that are mirrored at random are asked for from both sides.
    """
    moved = s["training"].get("shift") or (s["training"].get("flip") and not s.get("both_sides"))
    if moved:
        return network, None
    images = split.images
    if s["training"].get("flip"):
        images = np.concatenate([images, images[..., ::-1]])
    with torch_threads(1):
        begin = time.process_time()
        return Recalled(network, images), time.process_time() - begin


def new_network(s: Row, arm: Row, seed: int, split: Split) -> Any:
    """A network that has learned nothing."""
    how = {**s["network"], **{k: v for k, v in arm.items() if k in OF_NETWORK}, "seed": seed}
    kind = how.pop("kind")
    if kind == "mlp":
        return hr.SpikingMLP(math.prod(split.shape), split.classes, **how)
    makers: dict[str, Any] = {
        "conv": hr.SpikingConvNet, "transformer": SpikingTransformer, "ordinary": hr.OrdinaryConvNet,
    }  # fmt: skip
    network = makers[kind](split.shape, split.classes, **how)
    # convolutions of a processor are a sixth faster so
    return network.to(memory_format=torch.channels_last) if s.get("channels_last") else network


def new_settings(s: Row, arm: Row, seed: int) -> ImageSettings:
    """How an arm is trained: the same number of epochs with full weights and with 1 bit, all of them carried out."""
    how = {**s["training"], **{k: v for k, v in arm.items() if k in OF_TRAINING}}
    full = round(s["full_share"] * how["epochs"]) if arm.get("weights") == "1bit" else 0
    return ImageSettings(**how, full_epochs=full, patience=how["epochs"], seed=seed)


def trained(s: Row, arm: Row, seed: int, split: Split, teacher: Any, checkpoint: Path) -> tuple[Any, Row]:
    """A network after its training, which goes on from its checkpoint, and what it can do.

    Seconds are those of the processor, an epoch's mean where the training was taken up again.
    """
    with torch_threads(1):
        training = ImageTraining(
            new_network(s, arm, seed, split), split.images, split.labels, split.held, new_settings(s, arm, seed),
            teacher=teacher if arm.get("teacher") else None,
        )  # fmt: skip
        if checkpoint_exists(checkpoint):
            training.restore(checkpoint)
        done, begin = len(training.history), time.process_time()
        training.run(lambda epoch: print(f"  {epoch}", flush=True), checkpoint)
        spent, total = time.process_time() - begin, len(training.history)
        seconds = spent * total / (total - done) if total > done else sum(row.seconds for row in training.history)
        network: Any = training.network
        row = {
            "accuracy": accuracy(network, split), "validation": training.history[training.best_epoch].score,
            "seconds": seconds, "epochs": total, "best_epoch": training.best_epoch,
            "curve": [row.score for row in training.history], "bytes": packed_bytes(network),
            "parameters": sum(p.numel() for p in network.parameters()), "products": products(network, split.shape),
        }  # fmt: skip
        return network, row | spent_on(network, split)


def seconds_of(s: Row, arm: Row, split: Split, teacher: Any) -> float:
    """How long a training will take one core, by the second epoch of a few batches; after them a shorter one."""
    images, labels, held, times = split.few(s["training"]["batch_size"])
    settings = replace(new_settings(s, arm, 0), epochs=2, full_epochs=0)
    with torch_threads(1):
        training = ImageTraining(
            new_network(s, arm, 0, split), images, labels, held, settings,
            teacher=teacher if arm.get("teacher") else None,
        )  # fmt: skip
        training.epoch()  # the first one prepares
        begin = time.process_time()
        training.epoch()
        return (time.process_time() - begin) * times * s["training"]["epochs"]


def accuracy(network: nn.Module, split: Split) -> float:
    """On test images."""
    with torch_threads(1):
        out = answers(network, split.test, np.arange(len(split.test)))
    return float(np.mean((out.mean(axis=1) if out.ndim == 3 else out).argmax(axis=1) == split.y))


def spent_on(network: Any, split: Split) -> Row:
    """Spikes of a neuron in a step, and operations of an inference, on the first 1,000 test images."""
    if not isinstance(network, hr.SpikingMLP | hr.SpikingConvNet | SpikingTransformer):
        return {}
    account = joined(
        [network.account(as_input(split.test[k : k + 100])) for k in range(0, min(1000, len(split.y)), 100)]
    )
    images = account.spikes.shape[2]
    return {
        "rate": account.rate, "operations": float(account.synaptic_operations.sum() / images),
        "analog": float(account.multiply_accumulates.sum() / images),
    }  # fmt: skip


def packed_bytes(network: nn.Module) -> int:
    """Bytes of a network: a bit for each weight that has 1 bit, 4 for its scales and for all other numbers.

    Nothing is folded: means and variances of normalisations count. Counters and marks do not.
    """
    bits = [layer for layer in network.modules() if isinstance(layer, OneBit) and layer.binary]
    latent = {id(layer.weight) for layer in bits}
    rest = sum(p.numel() for p in network.parameters() if id(p) not in latent)
    rest += sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return sum(math.ceil(layer.weight.numel() / 8) + 4 * len(layer.weight) for layer in bits) + 4 * rest


def products(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of all connections in one step, as if every input were a number and none 0."""
    found: list[int] = []

    def see(layer: Any, given: tuple[Tensor, ...]) -> None:
        if isinstance(layer, Linear | Conv):
            found.append(int(layer.products(given[0].shape[2:])))
        elif isinstance(layer, nn.Linear):
            found.append(layer.weight.numel())
        else:  # a convolution of an ordinary network keeps the size of the image
            found.append(layer.weight.numel() * math.prod(given[0].shape[2:]))

    hooks = [m.register_forward_pre_hook(see) for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *shape))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return sum(found)


def convolutions(network: nn.Module) -> int:
    """How many convolutions of more than 1 x 1 a network has."""
    return sum(isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1 for m in network.modules())


def membranes(network: Any, split: Split, seed: int) -> Row:
    """How large the noise of membranes is, and the accuracy on test images if other noise of its law replaces it.

    Test images are recorded 500 at a time, and noise is mixed among these. Accuracy of each step alone says what the
    ensemble of steps is worth; the first has no noise.
    """
    right = dict.fromkeys(["recorded", *REPLACED], 0)
    alone = np.zeros(network.steps)
    with torch_threads(1):
        x = as_input(split.test[:1000])
        rows = [asdict(row) for row in hr.membrane_noise(network, x)]
        for low in range(0, len(split.y), MIXED):
            x, y = as_input(split.test[low : low + MIXED]), torch.from_numpy(split.y[low : low + MIXED])
            found = hr.record_membranes(network, x)
            alone += (found.outputs.argmax(dim=2) == y).sum(dim=1).numpy()
            right["recorded"] += hits(found.outputs, y)
            for name, how in REPLACED.items():
                right[name] += hits(hr.replay_membranes(network, x, found.independent(seed, **how)), y)
    count = len(split.y)
    return {
        "noise": rows, "alone": (alone / count).tolist(), "recorded": right.pop("recorded") / count,
        "replaced": {name: value / count for name, value in right.items()},
    }  # fmt: skip


def hits(outputs: Tensor, y: Tensor) -> int:
    """How many decisions of mean outputs are right."""
    return int((outputs.mean(dim=0).argmax(dim=1) == y).sum())
