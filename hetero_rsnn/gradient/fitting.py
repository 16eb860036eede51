"""Training a drawn network and its readout by gradients, one batch after the other."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import DivergedError, HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.gradient.batch import run_batch
from hetero_rsnn.gradient.checkpoints import parted, read_own, write_checkpoint
from hetero_rsnn.gradient.consistency import inconsistency
from hetero_rsnn.gradient.decisions import DecisionHead
from hetero_rsnn.gradient.heads import Head, SampleHead
from hetero_rsnn.gradient.optimisers import Adam
from hetero_rsnn.gradient.parameters import Parameters
from hetero_rsnn.gradient.readouts import Pooling, too_many_spikes
from hetero_rsnn.gradient.settings import Epoch, Settings, told_before
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.recording import State

#: Answers, about evenly from all, that tell how features are scaled.
_LOOKED_AT = 5000
#: Names of the readout's arrays among those that are trained.
READOUT, OFFSET = "readout", "offset"
#: Strengths of a ridge readout to begin with, in units of the spread of all features.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
#: What samples of a call before count for beside those of the next: the network has moved since.
KEPT = 0.9
#: Bytes of a tape, about, above which it is kept in pieces.
TAPE = 2**29
#: Samples that are looked at together while nothing is learned, and bytes of what they may leave.
_TOGETHER, _LEFT = 256, 2**28


def _ridge(gram: Array, cross: Array, total: float, strength: float) -> dict[str, Array]:
    """The ridge readout for the sums that `Training` makes."""
    gram, cross = gram / total, cross / total
    centre, offset = gram[-1, :-1], cross[-1]
    within = gram[:-1, :-1] - np.outer(centre, centre)
    within.flat[:: len(within) + 1] += strength
    readout: Any = np.linalg.solve(within, cross[:-1] - np.outer(centre, offset))
    return {READOUT: readout, OFFSET: offset - centre @ readout}


def at_a_time(windows: int, n: int) -> int:
    """Samples to look at together: as many as leave no more behind than there is room for, and at least a block."""
    return min(_TOGETHER, max(16, _LEFT // (16 * windows * n) // 16 * 16))


def _unwarned() -> np.errstate:
    """What grows beyond all numbers is looked for, and said in one line."""
    return np.errstate(over="ignore", invalid="ignore")


class NotANumberError(ArithmeticError):
    """A loss or a gradient that is NaN or infinite."""


class Training:
    """A training that can be stopped after any epoch, kept, and taken up again.

    Parameters
    ----------
    chosen : Parameters
    head : SampleHead, RowHead or DecisionHead
        Of the same samples.
    samples : list of Stimulus
    held_out : ndarray of int
        Samples that are not trained on, for validation.
    settings : Settings
    state : State, optional
        Where every sample begins, e.g. after learning by STDP. Its weights are not used: those of `chosen` are.

    Attributes
    ----------
    values, best : dict of str to ndarray
        What is trained as it is now, and as it was when the loss on the held-out samples was smallest.
    history : list of Epoch
    best_epoch : int
    strength : float or None
        Of the ridge regression that solves for the readout; None where it is trained.
    before : tuple or None
        `sums` of samples that were shown before these, in calls of `partial_fit`.
    """

    def __init__(
        self, chosen: Parameters, head: Head, samples: Sequence[Stimulus], held_out: Ints, settings: Settings,
        *, state: State | None = None,
    ) -> None:  # fmt: skip
        self.chosen, self.head, self.samples, self.settings = chosen, head, list(samples), settings
        if settings.consistency and not isinstance(head, DecisionHead):
            raise HeteroError(
                "consistency needs decisions over time, got one answer a sample", fix="say when to decide"
            )
        if len(head) != len(self.samples):
            raise HeteroError(f"there are {len(self.samples)} samples and targets for {len(head)}", fix="align them")
        self.held_out = np.asarray(held_out, dtype=np.int64)
        self.shown = np.setdiff1d(np.arange(len(self.samples)), self.held_out)
        self._state, self._least = state, math.inf
        self.strength: float | None = None
        self.before: tuple[Array, Array, float] | None = None
        self._of_best: tuple[Array, Array, float] | None = None
        self.values: dict[str, Array] = dict(chosen.values)
        if not self.shown.size:
            raise HeteroError("no sample is left to train on", fix="hold out fewer of them")
        answers = head.answers(self.shown)
        features = self.features(self.draw(), self.shown[:: math.ceil(answers / _LOOKED_AT)])[0]
        # Fixed for good: a scale that follows the spikes would undo what the rate costs.
        self.centre, self.scale = features.mean(axis=0), head.scale(features)
        self.values[READOUT] = np.zeros((features.shape[1], head.outputs))
        self.values[OFFSET] = head.start(self.shown)
        steps = settings.epochs * math.ceil(len(self.shown) / settings.batch_size)
        self.adam = Adam(
            {name: settings.learning_rate * self._unit(name) for name in self.values}, steps, settings.schedule,
            settings.weight_decay, (READOUT,), settings.clip,
        )  # fmt: skip
        self.history: list[Epoch] = []
        self.best = dict(self.values)
        self.best_epoch = -1

    def begin(self, strengths: Sequence[float] = STRENGTHS) -> None:
        """Solve for the readout, by ridge regression, now and after every epoch, in place of training it.

        A network that has moved a little needs another readout than before: by small steps it would come too late. Of
        these strengths the one is used that is best on what is held out, now, and only what is better than now is
        taken; where nothing is held out the largest, and what comes last.
        """
        self.adam.rates = {**self.adam.rates, READOUT: 0.0, OFFSET: 0.0}
        sums = self.sums()
        losses: list[float] = []
        if self.held_out.size:
            seen = self.features(self.draw(), self.held_out)
            for strength in strengths:
                self.values |= _ridge(*sums, strength)
                losses.append(self._validate(seen)[0])
            self._least = min(losses)
        self.strength = strengths[int(np.argmin(losses)) if losses else -1]
        self.values |= _ridge(*sums, self.strength)
        self.best, self._of_best = dict(self.values), sums

    def sums(self) -> tuple[Array, Array, float]:
        """Weighted sums of the products of scaled features with themselves, and with what they should say; all weights.

        A last feature is 1 throughout. In pieces: there may be no room for the features of all.
        """
        size = len(self.centre) + 1
        gram, cross = np.zeros((size, size)), np.zeros((size, self.head.outputs))
        total, draw = 0.0, self.draw()
        for begin in range(0, len(self.shown), _TOGETHER):
            part = self.shown[begin : begin + _TOGETHER]
            scaled = self.scaled(self.features(draw, part)[0])
            scaled = np.concatenate([scaled, np.ones((len(scaled), 1))], axis=1)
            wanted, weight = self.head.wanted(part)
            weighed = scaled.T * weight
            gram += weighed @ scaled
            cross += weighed @ wanted
            total += float(weight.sum())
        if self.before is not None:
            gram, cross = gram + KEPT * self.before[0], cross + KEPT * self.before[1]
            total += KEPT * self.before[2]
        return gram, cross, total

    def onto(self, head: Head, samples: Sequence[Stimulus]) -> Training:
        """This training on other samples, all of which are shown: what was learned and the optimiser are its own."""
        other = copy(self)
        other.__dict__.pop("fingerprint", None)
        other.head, other.samples, other.history = head, list(samples), list(self.history)
        other.best, other.values = dict(self.best), dict(self.values)
        other.held_out, other.shown = np.zeros(0, np.int64), np.arange(len(other.samples))
        other.adam = replace(self.adam, means=dict(self.adam.means), squares=dict(self.adam.squares))
        return other

    def bare(self) -> Training:
        """What goes on, `onto` other samples: this without its own."""
        best: Training = copy(self)
        best.values = dict(self.best)
        other = best.onto(SampleHead(Pooling(), np.zeros(0, np.int64), classes=1), [])
        other.adam = replace(other.adam, schedule="constant")
        if self.best_epoch != len(self.history) - 1:
            # What the optimiser remembers belongs to the last values, not to the best.
            other.adam = replace(other.adam, taken=0, means={}, squares={})
        if self.strength is not None:  # to solve for other samples alone would be to forget these
            other.before = best.sums() if self._of_best is None else self._of_best
        return other

    def _unit(self, name: str) -> float:
        """How large a step of a learning rate of 1 is."""
        if name == READOUT:
            return self.head.unit
        if name in ("plastic", "static", "w_in", "w_event"):
            there = np.abs(self.chosen.values[name][self.chosen.values[name] != 0])
            return float(there.mean()) if there.size else 0.0
        return 1.0

    def draw(self, values: dict[str, Array] | None = None) -> Draw:
        """The network as it is now, or as it was best."""
        return self.chosen.draw({k: v for k, v in (values or self.values).items() if k in self.chosen.values})

    def features(self, draw: Draw, index: Ints) -> tuple[Array, Array]:
        """What the readout sees of some samples, shape (answers, features), and their spikes, (samples, n)."""
        out, spikes = [], []
        longest = max((len(self.samples[k]) for k in index), default=1) * self.head.windows
        size = at_a_time(longest, draw.n)
        for begin in range(0, len(index), size):
            part = index[begin : begin + size]
            run = self._run(draw, [self.samples[k] for k in part], taught=False)
            out.append(self.head.features(run.activity, run.windows, part))
            spikes.append(run.activity.sum(axis=1, dtype=np.float64))
        return np.concatenate(out), np.concatenate(spikes)

    def _run(self, draw: Draw, part: list[Stimulus], *, taught: bool = True) -> Any:
        # The weights that are trained, not those that the state was left with.
        state = None if self._state is None else replace(self._state, w=draw.plastic.w)
        keep = ["currents"] if taught and "tau_syn" in self.chosen.names else []
        if taught and self.settings.consistency:
            keep.append("potentials")
        return run_batch(
            draw, part, state=state, precision=self.settings.precision, workers=self.settings.workers,
            window=None if self.head.windows == 1 else part[0].hold / self.head.windows,
            keep=keep, checkpoint=self._every(draw, part) if taught else 256,
        )  # fmt: skip

    def _every(self, draw: Draw, part: list[Stimulus]) -> int | None:
        """Steps that are on the tape at a time: all, unless that would be a large tape. The gradient is the same."""
        steps = max(round(s.duration / draw.network.dt) for s in part)
        return None if steps * draw.n * len(part) * 4 <= TAPE else max(1, round(2 * math.sqrt(steps)))

    def scaled(self, features: Array) -> Array:
        """Features in the units of the readout."""
        return np.asarray((features - self.centre) / self.scale)

    def scores(self, features: Array, values: dict[str, Array]) -> Array:
        """What the readout makes of features."""
        return np.asarray(self.scaled(features) @ values[READOUT] + values[OFFSET])

    def _price(self, activity: Array, index: Ints) -> tuple[float, Array | None]:
        """What the spikes of some samples cost, (samples, windows, n), and the gradient of that."""
        weight, target = self.settings.spike_weight, self.settings.target_rate_hz
        if not (weight and math.isfinite(target)):
            return 0.0, None
        seconds = np.array([self.samples[k].duration for k in index]) / 1e3
        cost, gradient = too_many_spikes(activity, seconds, target)
        return weight * cost, weight * gradient

    def step(self, index: Ints) -> tuple[float, float, float, float]:
        """One step on a batch: its loss, score, spikes of a neuron in a sample, and the share that was reached."""
        draw = self.draw()
        run = self._run(draw, [self.samples[k] for k in index])
        scaled = self.scaled(self.head.features(run.activity, run.windows, index))
        scores = scaled @ self.values[READOUT] + self.values[OFFSET]
        loss, into_scores = self.head.loss(scores, index)
        if not math.isfinite(loss):
            raise NotANumberError
        into_features = into_scores @ self.values[READOUT].T / self.scale
        into = self.head.back(into_features, run.activity, run.windows, index)
        cost, into_spikes = self._price(run.activity, index)
        if into_spikes is not None:
            loss += cost
            into += into_spikes
        into_potentials, into_thresholds = None, None
        if self.settings.consistency and isinstance(self.head, DecisionHead):
            found_rcs = inconsistency(run, draw, self.head, scores, index)
            loss += self.settings.consistency * found_rcs.value
            into += self.settings.consistency * found_rcs.into_activity
            into_potentials = self.settings.consistency * found_rcs.into_potentials
            into_thresholds = self.settings.consistency * found_rcs.into_thresholds
        found = run.backward(
            into, into_potentials, wrt=self.chosen.names, pseudo_derivative=self.settings.pseudo_derivative,
            detach_reset=self.settings.detach_reset,
        )  # fmt: skip
        if into_thresholds is not None and found.v_th is not None:
            found = replace(found, v_th=found.v_th + into_thresholds)
        gradients = self.chosen.pull(found, {k: self.values[k] for k in self.chosen.values})
        gradients[READOUT] = scaled.T @ into_scores
        gradients[OFFSET] = into_scores.sum(axis=0)
        if not all(np.isfinite(g).all() for g in gradients.values()):
            raise NotANumberError
        after = self.chosen.inside(self.adam.step(self.values, gradients))
        if not all(np.isfinite(v).all() for v in after.values()):
            raise NotANumberError
        self.values = after
        spikes = float(run.activity.sum(dtype=np.float64)) / (len(index) * draw.n)
        return loss, self.head.score(scores, index), spikes, found.reached

    def epoch(self) -> Epoch:
        """Show every training sample once, in an order of this epoch's own, and look at those held out.

        Raises
        ------
        DivergedError
            If the loss is no number any more (`best` still holds the last good values), or no potential comes near its
            threshold any more.
        HeteroError
            If nothing can be learned, since no potential ever came near its threshold.
        """
        begin, number, size = time.perf_counter(), len(self.history), self.settings.batch_size
        order = generator(self.settings.seed, "training", "order", number).permutation(self.shown)
        rows: list[tuple[float, float, float, float]] = []
        for low in range(0, len(order), size):
            try:
                with _unwarned():
                    rows.append(self.step(order[low : low + size]))
            except NotANumberError:
                raise DivergedError(
                    f"the loss or its gradient is no number in epoch {number}, batch {low // size}",
                    fix="lower learning_rate; the best network until then is the error's last_good",
                    last_good=self.draw(self.best),
                ) from None
        loss, score, spikes, reached = np.average(
            rows, axis=0, weights=[min(size, len(order) - low) for low in range(0, len(order), size)]
        ).tolist()
        if reached == 0 and self.history:
            raise DivergedError(
                f"no potential came near its threshold any more in epoch {number}, so that nothing can be learned",
                fix="lower learning_rate; the best network until then is the error's last_good",
                last_good=self.draw(self.best),
            )
        if reached == 0:
            raise HeteroError(
                "no potential came near its threshold, so that nothing can be learned",
                fix="widen the pseudo-derivative, or raise the input or I_bias",
            )
        validation = math.nan
        with _unwarned():
            sums = None if self.strength is None else self.sums()
            if sums is not None and self.strength is not None:
                self.values |= _ridge(*sums, self.strength)
            if self.held_out.size:
                validation, score = self._validate()
        self.history.append(Epoch(loss, validation, score, spikes, reached, time.perf_counter() - begin))
        least = self._least if self.best_epoch < 0 else self.history[self.best_epoch].validation
        if not self.held_out.size or validation < least:
            self.best, self.best_epoch, self._of_best = dict(self.values), number, sums
        return self.history[-1]

    def _validate(self, seen: tuple[Array, Array] | None = None) -> tuple[float, float]:
        """Loss with the price of the spikes, and score, on the samples that are held out."""
        features, fired = self.features(self.draw(), self.held_out) if seen is None else seen
        scores = self.scores(features, self.values)
        loss, score = self.head.loss(scores, self.held_out)[0], self.head.score(scores, self.held_out)
        return loss + self._price(fired[:, None], self.held_out)[0], score

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do: all epochs are done, or none was better for too long."""
        done = len(self.history)
        stale = self.held_out.size > 0 and done - 1 - self.best_epoch >= self.settings.patience
        return done >= self.settings.epochs or stale

    def run(self, tell: Callable[[Epoch], object] | None = None, checkpoint: str | Path | None = None) -> None:
        """Train until it is over, telling and keeping every epoch."""
        while not self.over:
            now = self.epoch()
            if checkpoint is not None:
                self.save(checkpoint)
            if tell is not None:
                tell(now)

    @cached_property
    def fingerprint(self) -> str:
        """Of everything that decides how the training goes: network, samples, targets, settings."""
        content = hashlib.sha256()
        start, settings = self.chosen.start, {**asdict(self.settings), "workers": None}
        settings["pseudo_derivative"] = repr(self.settings.pseudo_derivative)
        about: tuple[Any, ...] = (
            start.network.fingerprint, start.seed, start.damage, self.chosen.names, self.chosen.signs,
            sorted(self.chosen.bounds.items()), sorted(settings.items()), self.strength is not None,
        )  # fmt: skip
        if self.chosen.quantisation is not None:  # checkpoints of others keep the fingerprint that they have
            about += (self.chosen.quantisation.weights,)
        content.update(repr(about).encode())
        arrays: list[Any] = [*self.chosen.values.values(), self.held_out, *start.neurons.values()]
        arrays += [start.plastic.w, start.static.w, start.w_in, start.w_event]
        arrays += [x for s in self.samples for x in (s.values, s.event_times, s.event_channels, s.hold)]
        if self._state is not None:
            arrays += [self._state.last_spike - self._state.step, *self._state.variables.values()]
        for array in arrays:
            content.update(np.ascontiguousarray(array).tobytes())
        for part in self.head.content():
            content.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
        return content.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Keep the training as it is after an epoch; see `write_checkpoint`."""
        arrays = {f"value_{k}": v for k, v in self.values.items()} | {f"best_{k}": v for k, v in self.best.items()}
        arrays |= {f"adam_{k}": v for k, v in self.adam.state().items()}
        about = {
            "fingerprint": self.fingerprint, "best_epoch": self.best_epoch,
            "strength": self.strength, "least": self._least if math.isfinite(self._least) else None,
            "history": [asdict(row) for row in self.history], "versions": versions(),
        }  # fmt: skip
        return write_checkpoint(path, arrays, about)

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of the same training: what follows is what would have followed.

        Raises
        ------
        FileFormatError
            If it is damaged, or belongs to another network, data or settings.
        """
        arrays, about = read_own(path, self.fingerprint, "network, samples, targets and settings")
        parts = parted(arrays, "value", "best", "adam")
        self.values, self.best, self._of_best = parts["value"], parts["best"], None
        self.adam.restore(parts["adam"])
        self.history = told_before(about["history"])
        self.best_epoch = int(about["best_epoch"])
        self.strength = about.get("strength")
        self._least = math.inf if about.get("least") is None else float(about["least"])
