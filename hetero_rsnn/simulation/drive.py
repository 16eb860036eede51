"""A stimulus on the grid of a network."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import StimulusError, UnitError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.stimulus import TOLERANCE, Stimulus
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
    """

    values: Array
    hold_steps: int
    event_steps: Ints
    event_channels: Ints

    @property
    def steps(self) -> int:
        """Steps in all."""
        return len(self.values) * self.hold_steps


def no_input(draw: Draw) -> Drive:
    """One step without input."""
    none = np.empty(0, dtype=np.int64)
    return Drive(np.zeros((1, draw.n)), 1, none, none)


def prepare(draw: Draw, stimulus: Stimulus) -> Drive:
    """Put a stimulus on the grid of a network.

    Raises
    ------
    StimulusError
        If the number of channels differs from the network's, or the hold is no multiple of dt.
    """
    net = draw.network
    if not isinstance(stimulus, Stimulus):
        raise no_stimulus(stimulus)
    if stimulus.channels != net.input.channels:
        raise StimulusError(
            f"the stimulus has {stimulus.channels} channels, the network takes {net.input.channels}: "
            f'load it with **{{"input.channels": {stimulus.channels}}}'
        )
    try:
        hold_steps = units.steps(stimulus.hold, net.dt, "hold of the stimulus")
    except UnitError as error:
        raise StimulusError(str(error)) from None
    if stimulus.kind == "current":
        none = np.empty(0, np.int64)
        return Drive(stimulus.values @ draw.w_in.T, hold_steps, none, none)
    steps = np.floor((stimulus.event_times + TOLERANCE) / net.dt).astype(np.int64)
    pairs = np.unique(np.stack([steps, stimulus.event_channels], axis=1), axis=0)
    values = np.zeros((len(stimulus), draw.n))
    return Drive(values, hold_steps, np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]))


def no_stimulus(value: Any) -> StimulusError:
    return StimulusError(
        f"a stimulus is made with array_stimulus(values, hold=...) and the like, got {type(value).__name__}"
    )
