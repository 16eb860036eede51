"""What drives a network: held analog samples, spikes of input channels, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints

#: How far (ms) an event may lie before the edge of a step or sample and still belong behind it: rounding errors of
#: times that were computed. Everything that sorts events into steps or samples must use the same.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Samples that each last `hold` milliseconds.

    Attributes
    ----------
    kind : str
        ``"current"``: `values` are injected through ``w_in``. ``"events"``: spikes arrive through ``w_event``; `values`
        then say what they encode (rates, or counts a sample).
    values : ndarray, shape (samples, channels)
    hold : float
        Duration of a sample in ms.
    event_times : ndarray, shape (events,)
        In ms from the start, ascending; empty for currents.
    event_channels : ndarray of int, shape (events,)
    description : dict
        Where it comes from, for provenance.
    """

    kind: str
    values: Array
    hold: float
    event_times: Array = field(default_factory=lambda: np.empty(0))
    event_channels: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    description: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        times = self.event_times
        slack = 2 * TOLERANCE
        if times.size and ((times[1:] < times[:-1]).any() or times[0] < -slack or times[-1] > self.duration + slack):
            raise StimulusError(
                f"event times must ascend from 0 to {self.duration:g} ms, got {times[0]:g} ... {times[-1]:g} ms: "
                "event_stimulus sorts them and finds the length"
            )

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self)

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return int(self.values.shape[1])

    @property
    def duration(self) -> float:
        """Duration in ms."""
        return len(self) * self.hold

    def __repr__(self) -> str:
        events = f", {self.event_times.size} events" if self.kind == "events" else ""
        return f"Stimulus({self.kind}, {len(self)} samples of {self.hold:g} ms, {self.channels} channels{events})"

    def __getitem__(self, part: slice) -> Stimulus:
        """A contiguous part, e.g. ``u[100:]``; event times count from its start."""
        if not isinstance(part, slice):
            raise StimulusError(f"a stimulus is cut with a slice such as u[100:200], got {part!r}")
        start, stop, step = part.indices(len(self))
        if step != 1:
            raise StimulusError(f"a stimulus is cut into contiguous parts, got a step of {step}")
        stop = max(start, stop)
        times, channels = self.event_times, self.event_channels
        if self.kind == "events":
            edges = np.searchsorted(times, [start * self.hold - TOLERANCE, stop * self.hold - TOLERANCE])
            times = times[edges[0] : edges[1]] - start * self.hold
            channels = channels[edges[0] : edges[1]]
        return Stimulus(self.kind, self.values[start:stop], self.hold, times, channels, self.description)

    def pieces(self, size: int) -> Iterator[Stimulus]:
        """Consecutive parts of at most `size` samples."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


@dataclass(frozen=True, eq=False)
class Stream:
    """A stimulus that need not fit in memory: an iterable of arrays, fed to the network one after the other.

    Attributes
    ----------
    blocks : iterable of array or Stimulus
        Currents of shape (samples, channels) or (samples,), or stimuli (which may hold events). Read once.
    hold : float
        Duration of a sample in ms.
    """

    blocks: Iterable[ArrayLike | Stimulus]
    hold: float
    description: dict[str, Any] = field(default_factory=dict)

    def pieces(self, size: int) -> Iterator[Stimulus]:
        """Consecutive parts of at most `size` samples."""
        for block in self.blocks:
            if isinstance(block, Stimulus):
                if block.hold != self.hold:
                    raise StimulusError(
                        f"a block holds its samples {block.hold:g} ms, the stream {self.hold:g} ms: use one"
                    )
                yield from block.pieces(size)
                continue
            yield from Stimulus("current", _values(block, "block"), self.hold).pieces(size)


def _values(values: ArrayLike, what: str) -> Array:
    dimension = getattr(values, "dim", None)
    if dimension is not None and not dimension.is_dimensionless:
        raise StimulusError(f"{what} must be plain numbers, got a quantity in {dimension!r}: divide by its unit")
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise StimulusError(f"{what} must be numbers of shape (samples, channels): {error}") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise StimulusError(f"{what} must have the shape (samples, channels) or (samples,), got {np.shape(values)}")
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        row, column = bad[0]
        raise StimulusError(
            f"{what} must be finite, got {array[row, column]} at sample {row}, channel {column}: fill the gap"
        )
    return array


def array_stimulus(values: ArrayLike, hold: Any) -> Stimulus:
    """Inject a series of your own.

    Parameters
    ----------
    values : array, shape (samples, channels) or (samples,)
        Dimensionless; the network's input weights turn it into a current in units of rest-to-threshold.
    hold : float (ms), str or brian2.Quantity
        How long each sample lasts in simulated time, e.g. ``"10 ms"``; a multiple of the network's dt.

    Raises
    ------
    StimulusError
        For a wrong shape, NaN or infinity.
    """
    array = _values(values, "values")
    if len(array) == 0:
        raise StimulusError("values are empty: a stimulus needs at least one sample")
    return Stimulus("current", array, checks.duration("hold", hold), description={"source": "array"})


def uniform_stimulus(
    samples: int, hold: Any = "10 ms", seed: int = 0, *, low: float = -1.0, high: float = 1.0, channels: int = 1
) -> Stimulus:
    """Independent uniform samples, the input of the memory capacity.

    Parameters
    ----------
    samples : int
    hold : float (ms), str or brian2.Quantity
        Duration of a sample.
    seed : int
    low, high : float
    channels : int

    Returns
    -------
    Stimulus
        ``values`` has shape (samples, channels).
    """
    samples, channels = (
        checks.whole("samples", samples, least=1, error=StimulusError),
        checks.whole("channels", channels, least=1, error=StimulusError),
    )
    if not (isinstance(low, int | float) and isinstance(high, int | float)):
        raise StimulusError(f"low and high must be numbers, got {low!r} and {high!r}")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise StimulusError(f"low must be below high, both finite, got {low:g} and {high:g}")
    values = generator(seed, "stimulus", "uniform").uniform(low, high, size=(samples, channels))
    description = {"source": "uniform", "seed": int(seed), "low": low, "high": high}
    return Stimulus("current", values, checks.duration("hold", hold), description=description)


def poisson_stimulus(rates: ArrayLike, hold: Any, seed: int = 0, *, dt: Any = "1 ms") -> Stimulus:
    """Spikes of an input population whose rates follow a series.

    Parameters
    ----------
    rates : array, shape (samples, channels) or (samples,)
        In Hz, not negative.
    hold : float (ms), str or brian2.Quantity
        Duration of a sample.
    seed : int
    dt : float (ms), str or brian2.Quantity
        Grid of the spikes; in each step a channel fires at most once, with probability 1 - exp(-rate * dt).
    """
    array = _values(rates, "rates")
    if len(array) == 0:
        raise StimulusError("rates are empty: a stimulus needs at least one sample")
    if (array < 0).any():
        raise StimulusError(f"rates must be >= 0 Hz, got {array.min():g}")
    hold_ms, dt_ms = checks.duration("hold", hold), checks.duration("dt", dt)
    steps = units.steps(hold_ms, dt_ms, "hold")
    rng = generator(seed, "stimulus", "poisson")
    times: list[Array] = [np.empty(0)]
    channels = [np.empty(0, dtype=np.int64)]
    for k, row in enumerate(array):  # sample by sample: the full raster of a long stimulus would not fit
        fired, channel = np.nonzero(rng.random((steps, row.size)) < -np.expm1(-row * (dt_ms / 1e3)))
        times.append(k * hold_ms + fired.astype(np.float64) * dt_ms)
        channels.append(channel)
    description = {"source": "poisson", "seed": int(seed)}
    return Stimulus("events", array, hold_ms, np.concatenate(times), np.concatenate(channels), description)


def event_stimulus(
    times: ArrayLike, channels: ArrayLike, *, n_channels: int, hold: Any, samples: int | None = None, unit: str = "ms"
) -> Stimulus:
    """Given spike times, as in event-based data sets.

    Parameters
    ----------
    times : array, shape (events,)
        In `unit`, from the start of the stimulus, in any order.
    channels : array of int, shape (events,)
        Input channel of each event, from 0.
    n_channels : int
    hold : float (ms), str or brian2.Quantity
        Duration of a sample, the interval at which states are read.
    samples : int, optional
        Length; by default just long enough for the last event.
    unit : str
        ``"ms"``, ``"s"`` or ``"us"``. Brian2 quantities carry their own.

    Raises
    ------
    StimulusError
        For events outside the stimulus, or of channels that do not exist.
    """
    hold_ms, n_channels = (
        checks.duration("hold", hold),
        checks.whole("n_channels", n_channels, least=1, error=StimulusError),
    )
    dimension = getattr(times, "dim", None)  # a Brian2 quantity
    factor = 1e3 if dimension is not None else {"ms": 1.0, "s": 1e3, "us": 1e-3}.get(unit)
    if factor is None:
        raise StimulusError(f"unit of the event times must be 'ms', 's' or 'us', got {unit!r}")
    if dimension is not None and repr(dimension) != "second":
        raise StimulusError(f"event times must be times, got the unit {dimension!r}: give them in ms")
    try:
        t = np.asarray(times, dtype=np.float64) * factor
    except (TypeError, ValueError) as error:
        raise StimulusError(f"event times must be numbers: {error}") from None
    c = np.asarray(channels)
    if t.ndim != 1 or c.shape != t.shape or (c.size and not np.issubdtype(c.dtype, np.integer)):
        raise StimulusError(
            f"times and channels must be 1-D of one length (channels whole numbers), got {t.shape}, {c.shape}"
        )
    if not np.isfinite(t).all() or (t < 0).any():
        raise StimulusError("event times must be finite and >= 0")
    if c.size and (c.min() < 0 or c.max() >= n_channels):
        raise StimulusError(f"event channels must be in 0..{n_channels - 1}, got {c.min()}..{c.max()}")
    sample = np.floor((t + TOLERANCE) / hold_ms).astype(np.int64)
    needed = int(sample.max()) + 1 if t.size else 1
    length = needed if samples is None else checks.whole("samples", samples, least=1, error=StimulusError)
    if needed > length:
        raise StimulusError(
            f"an event at {t.max():g} ms lies beyond the {length} samples of {hold_ms:g} ms: raise samples"
        )
    order = np.lexsort((c, t))
    t, c = t[order], c[order].astype(np.int64)
    counts = np.zeros((length, n_channels))
    np.add.at(counts, (sample[order], c), 1.0)
    return Stimulus("events", counts, hold_ms, t, c, {"source": "events"})


def silence(duration: Any, hold: Any = "10 ms", *, channels: int = 1) -> Stimulus:
    """No input for `duration`: what the network does by itself.

    Parameters
    ----------
    duration, hold : float (ms), str or brian2.Quantity
        In all, and of one sample; `duration` is a multiple of `hold`.
    channels : int

    Examples
    --------
    >>> silence("1 s"), silence(1000, hold=5)
    (Stimulus(current, 100 samples of 10 ms, 1 channels), Stimulus(current, 200 samples of 5 ms, 1 channels))
    """
    hold_ms, total = checks.duration("hold", hold), checks.duration("duration", duration)
    count = round(total / hold_ms)
    if count < 1 or abs(count * hold_ms - total) > TOLERANCE:
        raise StimulusError(f"duration must be a multiple of hold = {hold_ms:g} ms, got {total:g} ms")
    return Stimulus(
        "current",
        np.zeros((count, checks.whole("channels", channels, least=1, error=StimulusError))),
        hold_ms,
        description={"source": "silence"},
    )


def stream(blocks: Iterable[ArrayLike | Stimulus], hold: Any) -> Stream:
    """Feed an iterable of arrays or stimuli, block after block, without holding the whole of it.

    Raises
    ------
    StimulusError
        For a single array, whose rows would be taken for blocks; `array_stimulus` takes it whole.
    """
    if not isinstance(blocks, Iterable):
        raise StimulusError(f"a stream is made of blocks, got {blocks!r}: give a list or generator of arrays")
    if isinstance(blocks, np.ndarray):
        raise StimulusError(f"a stream is made of blocks, got one array of shape {blocks.shape}: use array_stimulus")
    return Stream(blocks, checks.duration("hold", hold), {"source": "stream"})
