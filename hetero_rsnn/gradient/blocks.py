"""Sixteen samples side by side, forward and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetero_rsnn.common.extras import compiled
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.gradient.layout import BACKWARD_PARTS, LANES, Layout
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.drive import Drive, prepare

#: Input of lanes without a sample, in units of the potential.
_FAR_BELOW = -1e6


def kernels() -> Any:
    """The compiled functions, whose import takes a second."""
    return compiled("hetero_rsnn.gradient.adjoint", "run_batch", "")


def each(job: Callable[[Any], Any], what: Sequence[Any], threads: int) -> list[Any]:
    """What the job gives for each block, in order, some at a time: kernels run beside each other.

    A batch takes milliseconds, so that what `run_jobs` does beside would be felt.
    """
    if min(threads, len(what)) < 2:
        return [job(one) for one in what]
    with ThreadPoolExecutor(min(threads, len(what))) as pool:
        return list(pool.map(job, what))


@dataclass(frozen=True, eq=False)
class Plan:
    """How a batch is run.

    Attributes
    ----------
    real : type
        Of the numbers.
    hold, window : int
        Steps of an input and of a window.
    kernel : ndarray, shape (window,)
        Weight of a spike by its step in a window.
    decay : float
        What is left of the activity in a window in the next one; 0 where spikes are counted.
    look, keep : bool
        Whether potentials at the end of windows, and currents in every step, are kept.
    every : int or None
        Steps that are on the tape at a time; None for all.
    threads : int
    smooth : PseudoDerivative or None
        Whose integral the spikes are.
    """

    real: Any
    hold: int
    window: int
    kernel: Array
    decay: float
    look: bool
    keep: bool
    every: int | None
    threads: int
    smooth: PseudoDerivative | None


@dataclass(eq=False)
class Block:
    """Up to sixteen samples that run side by side, the longest first.

    Attributes
    ----------
    members : list of int
        Which samples of the batch they are.
    values : list of ndarray, shape (inputs, channels)
        Their input currents; those of input spikes have none.
    inputs, steps : int
        Of the longest.
    drive : ndarray, shape (inputs, n, lanes)
        Empty once it has been used, unless it is needed again.
    events : tuple of ndarray
        Steps and channels of input spikes, and whether each comes, shape (events, lanes).
    starts : list of ndarray
        The state of all neurons at the beginning of each piece that is on the tape at a time.
    tape, currents : ndarray, shape (steps, n, lanes)
    activity, potentials : ndarray, shape (windows, n, lanes)
        Empty once they were handed on.
    """

    members: list[int]
    values: list[Array]
    inputs: int
    steps: int
    drive: Array
    events: tuple[Ints, Ints, Array]
    starts: list[Array]
    tape: Array
    currents: Array
    activity: Array
    potentials: Array


@dataclass(eq=False)
class Sums:
    """What one block adds to the gradients."""

    parts: Array
    drive: Array
    w: Array
    event_w: Array
    decay_m: Array
    decay_syn: Array
    v_th: Array
    touched: Ints
    bias: Array = field(default_factory=lambda: np.empty(0))
    w_in: Array = field(default_factory=lambda: np.empty(0))


def prepared(draw: Draw, stimuli: list[Stimulus], members: list[int], layout: Layout, plan: Plan) -> Block:
    """Inputs of a block side by side, and room for what it does."""
    drives: list[Drive] = [prepare(draw, x) for x in stimuli]
    inputs, n, real = len(drives[0].values), draw.n, plan.real
    steps = inputs * plan.hold
    # Where there is no sample, or no more of it, potentials are kept far from the threshold.
    apart = np.full((LANES, inputs, n), _FAR_BELOW, real)
    for lane, d in enumerate(drives):
        apart[lane, : len(d.values)] = layout.constant + d.values
    drive = _in_lanes(apart)
    values = [x.values if x.kind == "current" else x.values[:0] for x in stimuli]
    windows = steps // plan.window
    tape = steps if plan.every is None else min(steps, plan.every)
    return Block(
        members=members, values=values, inputs=inputs, steps=steps, drive=drive, starts=[],
        events=_events(drives, real),
        tape=np.empty((tape, n, LANES), real), currents=np.empty((tape if plan.keep else 0, n, LANES), real),
        activity=np.zeros((windows, n, LANES), real),
        potentials=np.zeros((windows if plan.look else 0, n, LANES), real),
    )  # fmt: skip


def _in_lanes(apart: Array) -> Array:
    """Sixteen arrays one after the other as one whose last axis is theirs."""
    return np.ascontiguousarray(np.moveaxis(apart, 0, -1))


def _events(drives: list[Drive], real: Any) -> tuple[Ints, Ints, Array]:
    """Steps and channels of input spikes, and in which lanes each comes."""
    steps = np.concatenate([d.event_steps for d in drives])
    channels = np.concatenate([d.event_channels for d in drives])
    lane = np.repeat(np.arange(len(drives)), [d.event_steps.size for d in drives])
    pairs, place = np.unique(np.stack([steps, channels], axis=1), axis=0, return_inverse=True)
    lanes = np.zeros((len(pairs), LANES), real)
    lanes[place.ravel(), lane] = 1.0
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]), lanes


def _segments(plan: Plan, steps: int) -> list[tuple[int, int]]:
    """First step and length of each piece that is on the tape at a time."""
    every = steps if plan.every is None else plan.every
    return [(first, min(every, steps - first)) for first in range(0, steps, every)]


def _go(layout: Layout, plan: Plan, block: Block, parts: Array, first: int, count: int, activity: Array) -> None:
    """Advance a block, writing the tape."""
    bump = PseudoDerivative("rectangle") if plan.smooth is None else plan.smooth
    code, p, q = bump.code
    real, look = plan.real, block.potentials if activity.size else block.potentials[:0]
    kernels().forward(
        first, count, plan.hold, plan.window, parts, block.drive.ravel(), layout.indptr, layout.target, layout.w,
        *_flat_events(block), layout.event_indptr, layout.event_target, layout.event_w, layout.decay_m,
        layout.decay_syn, layout.v_th, layout.v_reset, layout.wait, plan.kernel, plan.smooth is not None, code,
        real(p), real(q), block.tape.ravel(), block.currents.ravel(), activity.ravel(), look.ravel(),
    )  # fmt: skip


def _flat_events(block: Block) -> tuple[Ints, Ints, Array]:
    steps, channels, lanes = block.events
    return steps, channels, lanes.ravel()


def ahead(layout: Layout, plan: Plan, block: Block, parts: Array) -> None:
    for first, count in _segments(plan, block.steps):
        block.starts.append(parts.copy())
        _go(layout, plan, block, parts, first, count, block.activity)
    if len(block.starts) == 1:
        block.drive = block.drive[:0].copy()


def tapes(layout: Layout, plan: Plan, block: Block, backwards: bool = False) -> Iterator[tuple[int, Array]]:
    """Every piece of the tape with its first step, made again where there is more than one."""
    pieces = list(enumerate(_segments(plan, block.steps)))
    for index, (first, count) in reversed(pieces) if backwards else pieces:
        if len(pieces) > 1:
            _go(layout, plan, block, block.starts[index].copy(), first, count, block.activity[:0])
        yield first, block.tape[:count]


def back(
    layout: Layout, plan: Plan, block: Block, into: Array, into_potentials: Array | None, wanted: set[str],
    bump: PseudoDerivative, detach_reset: bool,
) -> Sums:  # fmt: skip
    n, real = layout.decay_m.size, plan.real

    def lanes(array: Array) -> Array:
        apart = np.zeros((LANES, block.steps // plan.window, n), real)
        apart[: len(block.members)] = array[block.members, : apart.shape[1]]
        return _in_lanes(apart)

    def room(name: str) -> Array:
        return np.zeros((n if name in wanted else 0, LANES), real)

    sums = Sums(
        parts=np.zeros(BACKWARD_PARTS * n * LANES, real), drive=np.zeros((block.inputs, n, LANES), real),
        w=np.zeros(layout.w.size if "w" in wanted else 0, real),
        event_w=np.zeros(layout.event_w.size if "w_event" in wanted else 0, real),
        decay_m=room("tau_m"), decay_syn=room("tau_syn"), v_th=room("v_th"), touched=np.zeros(n, np.int64),
    )  # fmt: skip
    activity = lanes(into)
    potentials = np.zeros((0, n, LANES), real) if into_potentials is None else lanes(into_potentials)
    code, p, q = bump.code
    starts = {first: start for (first, _), start in zip(_segments(plan, block.steps), block.starts, strict=True)}
    for first, tape in tapes(layout, plan, block, backwards=True):
        kernels().backward(
            first, len(tape), plan.hold, plan.window, starts[first], sums.parts, layout.indptr, layout.target, layout.w,
            *_flat_events(block), layout.event_indptr, layout.event_target, layout.decay_m, layout.rise_m,
            layout.decay_syn, layout.v_th, layout.v_reset, plan.kernel, plan.smooth is not None, code, real(p), real(q),
            real(0.0 if detach_reset else 1.0), tape.ravel(), block.currents.ravel(), activity.ravel(),
            potentials.ravel(), sums.drive.reshape(-1), sums.w, sums.event_w, sums.decay_m.reshape(-1),
            sums.decay_syn.reshape(-1), sums.v_th.reshape(-1), sums.touched,
        )  # fmt: skip
    if "I_bias" in wanted:
        sums.bias = sums.drive.sum(axis=(0, 2), dtype=np.float64)
    if "w_in" in wanted:
        # Lane by lane: a larger product would be cut up by as many threads as there are, and be rounded as they do.
        apart = np.ascontiguousarray(np.moveaxis(sums.drive, 2, 0), dtype=np.float64)
        sums.w_in = np.zeros((n, block.values[0].shape[1]))
        for mine, values in zip(apart, block.values, strict=False):
            if len(values):
                sums.w_in += mine[: len(values)].T @ values
    if "stimuli" not in wanted:
        sums.drive = sums.drive[:0].copy()
    return sums
