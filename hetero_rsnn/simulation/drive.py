"""A stimulus on the grid of a network."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hetero_rsnn.common import memory, units
from hetero_rsnn.common.errors import StimulusError, UnitError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.stimulus import TOLERANCE, Stimulus, Stream
from hetero_rsnn.network.draw import Draw


class Drive(NamedTuple):
    """A piece of input on the grid of a network.

    Attributes
    ----------
    values : ndarray, shape (samples, n)
        Input current of every neuron in every sample.
    hold_steps : int
        Steps that a sample lasts.
    event_steps, event_channels : ndarray of int, shape (events,)
        Events of one channel in one step are merged into one.
    events : int
        Before they were merged.
    """

    values: Array
    hold_steps: int
    event_steps: Ints
    event_channels: Ints
    events: int = 0

    @property
    def steps(self) -> int:
        """Steps in all."""
        return len(self.values) * self.hold_steps


def no_input(draw: Draw) -> Drive:
    """One step without input."""
    none = np.empty(0, dtype=np.int64)
    return Drive(np.zeros((1, draw.n)), 1, none, none)


def prepare(draw: Draw, stimulus: Stimulus) -> Drive:
    """Put a whole stimulus on the grid of a network; see `drives`.

    Raises
    ------
    StimulusError
        If it is none, or is a stream, the number of channels differs from the network's, the hold is no multiple of dt,
        or the currents of all neurons would not fit in memory.
    """
    if not isinstance(stimulus, Stimulus):
        raise no_stimulus(stimulus)
    memory.fits(
        f"the input current of {draw.n} neurons in {len(stimulus)} samples",
        16.0 * draw.n * len(stimulus),
        "give a part of the stimulus, or let simulate feed it piece by piece",
        error=StimulusError,
    )
    drive = next(drives(draw, stimulus, max(1, len(stimulus))), None)
    if drive is None:
        raise empty_stimulus()
    if merged := drive.events - len(drive.event_steps):
        warn_of_merged(draw, f"{merged} of {drive.events} events are dropped", stacklevel=4)
    return drive


def warn_of_merged(draw: Draw, how_many: str, *, stacklevel: int) -> None:
    """Say that a channel had several events in one step."""
    warnings.warn(
        f"some events share a step of {draw.network.dt:g} ms with another of their channel, and count as one "
        f"({how_many}): a smaller dt keeps them apart",
        UserWarning,
        stacklevel=stacklevel,
    )


def drives(draw: Draw, stimulus: Stimulus | Stream, size: int) -> Iterator[Drive]:
    """A stimulus on the grid of a network, in pieces of `size` samples, the last one of what is left.

    Blocks of a stream are joined, so that what a network gets does not depend on how its input was cut. Events are put
    on steps before anything is cut: whole steps add up, times do not.

    Raises
    ------
    StimulusError
        If the number of channels differs from the network's, or the hold is no multiple of dt.
    """
    held: list[Drive] = []
    count = 0
    for block in stimulus.pieces(sys.maxsize) if isinstance(stimulus, Stream) else [stimulus]:
        hold_steps, given, event_steps, event_channels = _on_grid(draw, block)
        start = 0
        while start < len(block):
            stop = min(len(block), start + size - count)
            edges = [start * hold_steps, stop * hold_steps]
            low, high = np.searchsorted(event_steps, edges)
            first, last = np.searchsorted(given, edges)
            held.append(
                Drive(
                    _currents(draw, block, start, stop),
                    hold_steps,
                    event_steps[low:high] + (count - start) * hold_steps,
                    event_channels[low:high],
                    int(last - first),
                )
            )
            count += stop - start
            start = stop
            if count == size:
                yield _joined(held)
                held, count = [], 0
    if held:
        yield _joined(held)


def _on_grid(draw: Draw, stimulus: Stimulus) -> tuple[int, Ints, Ints, Ints]:
    """Steps of a sample, steps of the events as given, and steps and channels of the merged ones, all in order."""
    net = draw.network
    if not isinstance(stimulus, Stimulus):
        raise no_stimulus(stimulus)
    check_channels(draw, stimulus)
    try:
        hold_steps = units.steps(stimulus.hold, net.dt, "hold of the stimulus")
    except UnitError as error:
        raise StimulusError(str(error)) from None
    if stimulus.kind == "current" or not stimulus.event_times.size:
        none = np.empty(0, np.int64)
        return hold_steps, none, none, none
    # A time may lie a rounding error before its step, and before 0.
    slack = min(TOLERANCE, 1e-3 * net.dt)
    steps = np.maximum(np.floor((stimulus.event_times + slack) / net.dt).astype(np.int64), 0)
    pairs = np.unique(np.stack([steps, stimulus.event_channels], axis=1), axis=0)
    return hold_steps, steps, np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def check_channels(draw: Draw, stimulus: Stimulus) -> None:
    """Refuse a stimulus with another number of channels than the network's.

    Raises
    ------
    StimulusError
    """
    channels = draw.network.input.channels
    if stimulus.channels != channels:
        raise StimulusError(
            f"the stimulus has {stimulus.channels} channels, the network takes {channels}: "
            f'load it with **{{"input.channels": {stimulus.channels}}}'
        )


def currents(draw: Draw, values: Array) -> Array:
    """Input current of every neuron in samples of shape (samples, channels), shape (samples, n).

    Sample by sample: a product of matrices rounds as its shape has it, and then a sample would mean another current
    when it is fed alone.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    return np.asarray(np.matmul(draw.w_in, values[:, :, None])[:, :, 0])


def _currents(draw: Draw, stimulus: Stimulus, start: int, stop: int) -> Array:
    if stimulus.kind != "current":
        return np.zeros((stop - start, draw.n))
    return currents(draw, stimulus.values[start:stop])


def _joined(parts: list[Drive]) -> Drive:
    if len(parts) == 1:
        return parts[0]
    values, steps, channels = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
    return Drive(values, parts[0].hold_steps, steps, channels, sum(part.events for part in parts))


def empty_stimulus() -> StimulusError:
    return StimulusError("the stimulus is empty: it needs at least one sample")


def no_stimulus(value: Any) -> StimulusError:
    return StimulusError(
        f"a stimulus is made with array_stimulus(values, hold=...) and the like, got {type(value).__name__}"
    )
