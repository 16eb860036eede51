"""Sixteen samples side by side, forward and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetero_rsnn.common.extras import compiled
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.gradient.layout import BACKWARD_PARTS, LANES, Layout
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.gradient.rooms import cleared, room
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.drive import currents, prepare

#: Input of lanes without a sample, in units of the potential.
_FAR_BELOW = -1e6


def kernels() -> Any:
    """The compiled functions, whose import takes a second."""
    return compiled("hetero_rsnn.gradient.adjoint", "run_batch", "")


def packing() -> Any:
    """Those that move samples into lanes and back."""
    return compiled("hetero_rsnn.gradient.packing", "run_batch", "")


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
    first, count : ndarray of int, shape (lanes,)
        Where the inputs of each lane stand in `values`, and how many they are.
    values : ndarray, shape (inputs of all, channels)
        Input currents of the members, one after the other; 0 for input spikes, and no channels if all are such.
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
    first: Ints
    count: Ints
    values: Array
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
    n, real, lengths = draw.n, plan.real, [len(x) for x in stimuli]
    inputs, windows = lengths[0], lengths[0] * plan.hold // plan.window
    tape = inputs * plan.hold if plan.every is None else min(inputs * plan.hold, plan.every)
    count = np.zeros(LANES, np.int64)
    count[: len(lengths)] = lengths
    first = np.cumsum(count) - count
    if any(x.kind == "current" for x in stimuli):
        values = np.concatenate([x.values if x.kind == "current" else np.zeros_like(x.values) for x in stimuli])
        given = currents(draw, values)
    else:
        values, given = np.empty((sum(lengths), 0)), np.zeros((sum(lengths), n))
    drive = room((inputs, n, LANES), real)
    # Where there is no sample, or no more of it, potentials are kept far from the threshold.
    packing().pack(given, first, count, layout.constant, _FAR_BELOW, drive)
    return Block(
        members=members, first=first, count=count, values=values, inputs=inputs, steps=inputs * plan.hold, drive=drive,
        starts=[], events=_events(draw, stimuli, real), tape=room((tape, n, LANES), real),
        currents=room((tape if plan.keep else 0, n, LANES), real), activity=cleared((windows, n, LANES), real),
        potentials=cleared((windows if plan.look else 0, n, LANES), real),
    )  # fmt: skip


def _events(draw: Draw, stimuli: list[Stimulus], real: Any) -> tuple[Ints, Ints, Array]:
    """Steps and channels of input spikes, and in which lanes each comes."""
    drives = [(lane, prepare(draw, x)) for lane, x in enumerate(stimuli) if x.kind == "events"]
    if not drives:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, LANES), real)
    steps = np.concatenate([d.event_steps for _, d in drives])
    channels = np.concatenate([d.event_channels for _, d in drives])
    lane = np.repeat([lane for lane, _ in drives], [d.event_steps.size for _, d in drives])
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


def _copy(array: Array) -> Array:
    out = room(array.shape, array.dtype)
    out[...] = array
    return out


def ahead(layout: Layout, plan: Plan, block: Block, begin: Array) -> None:
    """Run a block from what all neurons begin with, flat."""
    parts = _copy(begin)
    for first, count in _segments(plan, block.steps):
        block.starts.append(_copy(parts))
        _go(layout, plan, block, parts, first, count, block.activity)
    if len(block.starts) == 1:
        block.drive = block.drive[:0].copy()


def hand_on(plan: Plan, block: Block, activity: Array, potentials: Array | None) -> None:
    """Write what a block did into the arrays of the batch, shape (samples, windows, n)."""
    for own, name in ((activity, "activity"), (potentials, "potentials")):
        if own is not None:
            packing().unpack(getattr(block, name), *_places(plan, block, own.shape[1]), own.reshape(-1, own.shape[2]))
        setattr(block, name, getattr(block, name)[:0].copy())


def _places(plan: Plan, block: Block, windows: int) -> tuple[Ints, Ints]:
    """First window of each lane's sample in an array of the batch, and how many it has."""
    first = np.zeros(LANES, np.int64)
    first[: len(block.members)] = np.array(block.members) * windows
    return first, block.count * plan.hold // plan.window


def tapes(layout: Layout, plan: Plan, block: Block, backwards: bool = False) -> Iterator[tuple[int, Array]]:
    """Every piece of the tape with its first step, made again where there is more than one."""
    pieces = list(enumerate(_segments(plan, block.steps)))
    for index, (first, count) in reversed(pieces) if backwards else pieces:
        if len(pieces) > 1:
            _go(layout, plan, block, _copy(block.starts[index]), first, count, block.activity[:0])
        yield first, block.tape[:count]


def back(
    layout: Layout, plan: Plan, block: Block, into: Array, into_potentials: Array | None, wanted: set[str],
    bump: PseudoDerivative, detach_reset: bool,
) -> Sums:  # fmt: skip
    n, real = layout.decay_m.size, plan.real

    def lanes(array: Array) -> Array:
        out = room((block.steps // plan.window, n, LANES), real)
        places = _places(plan, block, array.shape[1])
        packing().pack(array.reshape(-1, n), *places, np.zeros(n), 0.0, out)
        return out

    def own(name: str) -> Array:
        return cleared((n if name in wanted else 0, LANES), real)

    sums = Sums(
        parts=cleared((BACKWARD_PARTS * n * LANES,), real), drive=cleared((block.inputs, n, LANES), real),
        w=np.zeros(layout.w.size if "w" in wanted else 0, real),
        event_w=np.zeros(layout.event_w.size if "w_event" in wanted else 0, real),
        decay_m=own("tau_m"), decay_syn=own("tau_syn"), v_th=own("v_th"), touched=np.zeros(n, np.int64),
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
    if wanted & {"I_bias", "w_in"}:
        values = block.values if "w_in" in wanted else block.values[:, :0]
        sums.w_in, sums.bias = _inputs(block, values, sums.drive)
    if "stimuli" not in wanted:
        sums.drive = sums.drive[:0].copy()
    return sums


def _inputs(block: Block, values: Array, drive: Array) -> tuple[Array, Array]:
    """Gradients of input weights and bias: the latter is the weight of one more channel, which is always 1."""
    channels, together = values.shape[1], packing().TOGETHER
    columns = -(-(channels + 1) // together) * together
    rows = np.zeros((len(values), columns))
    rows[:, :channels], rows[:, channels] = values, 1.0
    given = room((block.inputs, columns, LANES), np.float64)
    packing().pack(rows, block.first, block.count, np.zeros(columns), 0.0, given)
    out = np.empty((drive.shape[1], columns))
    packing().product(drive.reshape(-1), given.reshape(-1), block.inputs, columns, out)
    return out[:, :channels], out[:, channels]
