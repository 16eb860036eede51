"""Training a feed-forward network on images, one batch after the other; it can be stopped and taken up again."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.gradient.checkpoints import parted, read_own, write_checkpoint
from hetero_rsnn.gradient.feedforward import distillation, losses
from hetero_rsnn.gradient.feedforward.distillation import Teacher
from hetero_rsnn.gradient.feedforward.image_settings import ImageSettings
from hetero_rsnn.gradient.feedforward.injection import check_network, injected
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.normalisation import BatchNorm
from hetero_rsnn.gradient.feedforward.one_bit import one_bit_layers, use_one_bit
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryNetwork
from hetero_rsnn.gradient.feedforward.running import answers, as_input, outputs_of, own_draws, usable_device
from hetero_rsnn.gradient.feedforward.specs import arrays_of, described
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork
from hetero_rsnn.gradient.settings import Epoch, told_before


class ImageTraining:
    """A training that can be stopped after any epoch, kept, and taken up again.

    Parameters
    ----------
    network : torch.nn.Module
        A `SpikingNetwork`, `OrdinaryNetwork` or another one, from (samples, ...) to (steps, samples, classes) or
        (samples, classes). It is trained in place.
    images : ndarray, shape (samples, channels, height, width), (samples, features) or (samples, steps, channels,
        height, width)
        Pixels from 0 to 1, or as whole numbers of one byte; events as counts.
    labels : ndarray of int, shape (samples,)
    held_out : ndarray of int
        Images that are not trained on, for validation.
    settings : ImageSettings
    device : str
        Of torch.
    teacher : torch.nn.Module, optional
        Whose answers are learned, see `Teacher`. It is given the same moved images.

    Attributes
    ----------
    history : list of Epoch
    best_epoch : int
    best : dict of str to ndarray
        What the network consisted of when the loss on the held-out images was smallest.
    spiking : bool
        Whether the network answers in every step.
    outputs : int

    Raises
    ------
    HeteroError
        If the device is not there, or the network cannot be trained so on these images.
    """

    def __init__(
        self, network: nn.Module, images: NDArray[Any], labels: Ints, held_out: Ints, settings: ImageSettings,
        *, device: str = "cpu", teacher: nn.Module | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.device = settings, usable_device(device)
        self.network: Any = network.to(self.device)
        self.images, self.labels = images, np.asarray(labels, np.int64)
        self.held_out = np.asarray(held_out, np.int64)
        self.shown = np.setdiff1d(np.arange(len(images)), self.held_out)
        if not self.shown.size:
            raise HeteroError("no image is left to train on", fix="hold out fewer of them")
        self.spiking, self.outputs = outputs_of(self.network, images, self.device)
        self.teacher = None if teacher is None else Teacher(teacher, images, self.device, self.outputs)
        norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, BatchNorm)
        #: Of one image no variance can be known.
        self._least = 2 if any(isinstance(layer, norms) for layer in self.network.modules()) else 1
        self._check()
        whole, rest = divmod(len(self.shown), settings.batch_size)
        self.history: list[Epoch] = []
        self.optimiser = self._optimiser()
        self.steps = settings.epochs * (whole + (rest >= self._least))
        self.taken = 0
        self.best_epoch = -1
        self.best = self._first = self._arrays()
        self._described = _identity(network)
        # Now, so that one that cannot be told is refused before it has taught for hours.
        self._teacher_arrays = {} if self.teacher is None else arrays_of(self.teacher.network)

    def _check(self) -> None:
        """Refuse what would fail, or teach nothing, later."""
        name, s = type(self.network).__name__, self.settings
        if self.labels.max() >= self.outputs:
            raise HeteroError(
                f"{name} has {self.outputs} outputs, and there are {self.labels.max() + 1} classes",
                fix="give a network with one output for each class",
            )
        if not any(p.requires_grad for p in self.network.parameters()):
            raise HeteroError(f"{name} has no parameters that can be trained", fix="give one that is not folded")
        if s.loss == "tet" and not self.spiking:
            raise HeteroError("loss='tet' is for spiking networks, got an ordinary one", fix="use 'cross_entropy'")
        if s.consistency and not callable(getattr(self.network, "traced", None)):
            raise HeteroError(f"consistency needs a network with traced(), got {name}", fix="leave consistency at 0")
        if s.noisy:
            check_network(self.network, s.noise)
        if self.teacher is None and s.distillation != "mixed":
            raise HeteroError(f"distillation={s.distillation!r} needs a teacher, got none", fix="give teacher=network")
        bits = bool(one_bit_layers(self.network))
        if s.full_epochs and not bits:
            raise HeteroError(f"full_epochs is for 1-bit weights, and {name} has none", fix="leave it at 0")
        if s.weight_decay and bits and not s.full_epochs:
            raise HeteroError(
                f"weight_decay={s.weight_decay:g} is for full weights, and 1-bit weights are trained from the start",
                fix="leave it at 0, or give full_epochs",
            )
        if min(s.batch_size, len(self.shown)) < self._least:
            raise HeteroError(
                "a network with normalisation needs batches of 2 images or more, got "
                f"batch_size={s.batch_size} and {len(self.shown)} images",
                fix="raise batch_size, give more images, or use normalisation=None",
            )

    def _optimiser(self) -> Any:
        """One that has seen nothing, of the stage of the next epoch."""
        s, parameters = self.settings, list(self.network.parameters())
        decay = s.weight_decay if not s.full_epochs or len(self.history) < s.full_epochs else 0.0
        if s.optimiser == "sgd":
            return torch.optim.SGD(parameters, s.learning_rate, momentum=0.9, nesterov=True, weight_decay=decay)
        return torch.optim.AdamW(parameters, s.learning_rate, weight_decay=decay, fused=True)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {k: v.detach().cpu().numpy().copy() for k, v in self.network.state_dict().items()}

    def take(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Give the network these values."""
        self.network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})

    def _moved(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Images shifted and mirrored at random, each by its own draw; what leaves at one side is lost."""
        s = self.settings
        if x.dim() < 4 or not (s.shift or s.flip):
            return x
        height, width = x.shape[-2:]
        down, right = (rng.integers(-s.shift, s.shift + 1, len(x)) for _ in range(2))
        mirrored = rng.random(len(x)) < 0.5 if s.flip else np.zeros(len(x), bool)
        rows = np.arange(height)[None] - down[:, None]
        columns = np.arange(width)[None] - right[:, None]
        there = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
        columns = np.where(mirrored[:, None], width - 1 - columns, columns).clip(0, width - 1)
        flat = torch.from_numpy(rows.clip(0, height - 1)[:, :, None] * width + columns[:, None]).to(x.device)
        between = [1] * (x.dim() - 3)
        index = flat.reshape(len(x), *between, height * width).expand(*x.shape[:-2], -1)
        out = torch.gather(x.flatten(-2), -1, index).reshape(x.shape)
        mask = torch.from_numpy(there).to(x.device).reshape(len(x), *between, height, width)
        return out * mask

    def _noise(self, x: Tensor) -> AbstractContextManager[None]:
        """What is done to potentials while the network sees a batch."""
        s = self.settings
        if not s.noisy:
            return nullcontext()
        return injected(self.network, x, s.noise, forgets=s.membranes == "replaced", seed=s.seed, batch=self.taken)

    def _loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What a batch costs, and scores of its decisions."""
        s, network = self.settings, self.network
        if not self.spiking:
            scores, drives = network.traced(x) if s.consistency else (network(x), [])
            loss = self._taught(nn.functional.cross_entropy(scores, y), scores, x)
            return (loss + s.consistency * losses.spread(drives) if s.consistency else loss), scores
        outputs, kept = network.traced(x) if s.consistency else (network(x), [])
        loss = (losses.temporal_efficient if s.loss == "tet" else losses.cross_entropy_of_mean)(outputs, y)
        scores = outputs.mean(dim=0)
        loss = self._taught(loss, scores, x)
        if s.consistency:
            loss = losses.with_consistency(loss, kept, outputs, y, alpha=s.consistency)
        return loss, scores

    def _taught(self, loss: Tensor, scores: Tensor, x: Tensor) -> Tensor:
        """A loss of labels, with what the teacher says."""
        if self.teacher is None:
            return loss
        taught = self.teacher(x).to(scores.dtype)
        if self.settings.distillation == "pure":
            return distillation.pure(scores, taught)
        return distillation.mixed(loss, scores, taught)

    def _rate(self) -> float:
        s = self.settings
        if s.schedule == "constant":
            return s.learning_rate
        first = self.steps // s.epochs * s.full_epochs
        begin, end = (0, first) if self.taken < first else (first, self.steps)
        return s.learning_rate * 0.5 * (1 + math.cos(math.pi * (self.taken - begin) / (end - begin)))

    def _begin(self, number: int) -> None:
        """The stage of an epoch: full weights, or those of 1 bit, with an optimiser of its own and no decay."""
        full = self.settings.full_epochs
        use_one_bit(self.network, on=number >= full)
        if full and number == full:
            self.optimiser = self._optimiser()

    def _stage(self, number: int) -> int:
        """The epoch that the stage of this one begins with."""
        return self.settings.full_epochs if number >= self.settings.full_epochs else 0

    def epoch(self) -> Epoch:
        """Show every training image once, in an order of this epoch's own, and look at those held out.

        Raises
        ------
        HeteroError
            If a loss is no number any more; `best` still holds the last good values.
        """
        begin, number = time.perf_counter(), len(self.history)
        rng = generator(self.settings.seed, "training", "order", number)
        order = rng.permutation(self.shown)
        self._begin(number)
        self.network.train()
        # A network of one's own may draw from torch's generators: in each epoch the same, and none is changed outside.
        with own_draws(self.device, int(rng.integers(2**63))):
            loss, score = self._learn(order, rng, number)
        validation = spikes = math.nan
        if self.held_out.size:
            validation, score, spikes = self._validate()
            if not math.isfinite(validation):
                raise HeteroError(
                    f"the loss of the images held out is no number in epoch {number}",
                    fix="lower learning_rate, or scale the images",
                )
        now = Epoch(loss, validation, score, spikes, math.nan, time.perf_counter() - begin)
        self.history.append(now)
        old = self.best_epoch < self._stage(number)
        least = math.inf if old else self.history[self.best_epoch].validation
        if not self.held_out.size or validation < least:
            self.best, self.best_epoch = self._arrays(), number
        return now

    def _learn(self, order: Ints, rng: np.random.Generator, number: int) -> tuple[float, float]:
        """Show images in an order; mean loss and accuracy on the batches as they came."""
        s, total, right, shown = self.settings, 0.0, 0, 0
        for low in range(0, len(order), s.batch_size):
            part = order[low : low + s.batch_size]
            if len(part) < self._least:
                continue
            x = self._moved(as_input(self.images[part], self.device), rng)
            y = torch.from_numpy(self.labels[part]).to(self.device)
            for group in self.optimiser.param_groups:
                group["lr"] = self._rate()
            self.optimiser.zero_grad(set_to_none=True)
            with self._noise(x):
                loss, scores = self._loss(x, y)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise HeteroError(
                    f"the loss is no number in epoch {number}, batch {low // s.batch_size}",
                    fix="lower learning_rate; the last good values are in the checkpoint, if there is one",
                )
            torch.autograd.backward(loss)
            self.optimiser.step()
            self.taken += 1
            shown += len(part)
            total += value * len(part)
            right += int((scores.detach().argmax(dim=1) == y).sum())
        return total / shown, right / shown

    def _validate(self) -> tuple[float, float, float]:
        """Cross-entropy of the decisions at the end, accuracy, and spikes of a neuron, of images that are held out."""
        counts: list[float] = []
        neurons: dict[nn.Module, int] = {}

        def count(layer: nn.Module, _: Any, out: Tensor) -> None:
            counts.append(float((out != 0).sum()))
            neurons[layer] = out[0, 0].numel()

        hooks = [layer.register_forward_hook(count) for layer in self.network.modules() if isinstance(layer, Neurons)]
        try:
            final = answers(self.network, self.images, self.held_out, self.device)
        finally:
            for hook in hooks:
                hook.remove()
        final = final.mean(axis=1) if self.spiking else final
        y = self.labels[self.held_out]
        loss = nn.functional.cross_entropy(torch.from_numpy(final), torch.from_numpy(y))
        spikes = sum(counts) / (sum(neurons.values()) * len(y)) if neurons else math.nan
        return float(loss), float((final.argmax(axis=1) == y).mean()), spikes

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do: all epochs are done, or none was better for too long."""
        done = len(self.history)
        stale = self.held_out.size > 0 and done - 1 - self.best_epoch >= self.settings.patience
        stale = stale and done > self.settings.full_epochs
        return done >= self.settings.epochs or stale

    def run(self, tell: Callable[[Epoch], object] | None = None, checkpoint: str | Path | None = None) -> None:
        """Train until it is over, telling and keeping every epoch; the network is then as it was best."""
        while not self.over:
            now = self.epoch()
            if checkpoint is not None:
                self.save(checkpoint)
            if tell is not None:
                tell(now)
        self.take(self.best)
        self.network.eval()

    @cached_property
    def fingerprint(self) -> str:
        """Of everything that decides how the training goes: network, images, labels, settings, teacher."""
        content = hashlib.sha256()
        about = (self._described, self.settings.said())
        content.update(repr(about).encode())
        if self.teacher is not None:
            content.update(repr(_identity(self.teacher.network)).encode())
        teacher = self._teacher_arrays.values()
        for array in (*self._first.values(), self.images, self.labels, self.held_out, *teacher):
            content.update(repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes())
        return content.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Keep the training as it is after an epoch; see `write_checkpoint`."""
        arrays = {f"value_{k}": v for k, v in self._arrays().items()} | {f"best_{k}": v for k, v in self.best.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            arrays |= {
                f"optimiser_{number}_{k}": v.detach().cpu().numpy().copy() for k, v in state.items() if v is not None
            }
        about = {
            "fingerprint": self.fingerprint, "best_epoch": self.best_epoch, "taken": self.taken,
            "history": [asdict(row) for row in self.history], "versions": versions(),
        }  # fmt: skip
        return write_checkpoint(path, arrays, about)

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of the same training: what follows is what would have followed.

        Raises
        ------
        FileFormatError
            If it is damaged, or belongs to another network, images or settings.
        """
        arrays, about = read_own(path, self.fingerprint, "network, images, labels, settings and teacher")
        try:
            self._restore(arrays, about)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
            raise FileFormatError(f"{path} is damaged ({error!r:.200})", fix="restore a copy, or begin anew") from None

    def _restore(self, arrays: dict[str, Any], about: dict[str, Any]) -> None:
        parts = parted(arrays, "value", "best", "optimiser")
        self.take(parts["value"])
        self.best = parts["best"]
        state: dict[int, dict[str, Any]] = {}
        for name, array in parts["optimiser"].items():
            number, _, what = name.partition("_")
            state.setdefault(int(number), {})[what] = torch.from_numpy(np.array(array))
        self.history = told_before(about["history"])
        self.optimiser = self._optimiser()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
        self.best_epoch, self.taken = int(about["best_epoch"]), int(about["taken"])


def _identity(network: nn.Module) -> tuple[Any, ...]:
    """What says which network it is, beside its arrays: to the last digit, if it can say so."""
    spec = None
    if isinstance(network, SpikingNetwork | OrdinaryNetwork):
        with suppress(NotImplementedError, HeteroError):  # a converted network has none
            spec = network.spec()
    return (repr(network), described(network), spec)
