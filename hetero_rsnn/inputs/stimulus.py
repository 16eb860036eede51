"""What drives a network: held analog samples, spikes of input channels, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, memory, units
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.frames import names_in, plain_columns

#: How far (ms) an event may lie before the edge of a step or sample and still belong behind it: rounding errors of
#: times that were computed. Everything that sorts events into steps or samples must use the same.
TOLERANCE = 1e-6

#: Bytes of a stimulus beyond which its span is looked at.
_LARGE = 1e8


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
        checks.one_of("kind of stimulus", self.kind, ("current", "events"), error=StimulusError)
        for name, array in (
            ("values", checks.finite_array("values", self.values, 2, empty=True, error=StimulusError)),
            ("event_times", checks.finite_array("event_times", self.event_times, 1, empty=True, error=StimulusError)),
            ("hold", checks.duration("hold", self.hold)),
            (
                "event_channels",
                checks.whole_array("event_channels", self.event_channels, 1, empty=True, error=StimulusError),
            ),
        ):
            object.__setattr__(self, name, array)
        times, channels = self.event_times, self.event_channels
        if times.shape != channels.shape:
            raise StimulusError(
                f"event_times and event_channels must be equally many, got {times.size} and {channels.size}",
                fix="give one channel an event",
            )
        if channels.size and (channels.min() < 0 or channels.max() >= self.channels):
            raise StimulusError(
                f"event channels must be in 0..{self.channels - 1}, got {channels.min()}..{channels.max()}",
                fix="give values a column a channel",
            )
        slack = 2 * TOLERANCE
        if times.size and (
            (times[1:] < times[:-1]).any() or times[0] < -slack or (times[-1] + TOLERANCE) / self.hold >= len(self)
        ):
            raise StimulusError(
                f"event times must ascend from 0 and end before {self.duration:g} ms, got {times[0]:g} ... "
                f"{times[-1]:g} ms: event_stimulus sorts them and finds the length"
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

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the series over time; see `hetero_rsnn.plots.plot_input` for the options."""
        return figure_of("Stimulus")(self, ax, **options)

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
            yield from Stimulus("current", _values(block, "block", empty=True), self.hold).pieces(size)


def _values(values: ArrayLike, what: str, *, empty: bool = False) -> Array:
    array = checks.finite_array(
        what, values, (1, 2), axes=("sample", "channel"), empty=empty, fix="fill the gap", error=StimulusError
    )
    return array[:, None] if array.ndim == 1 else array


def array_stimulus(values: ArrayLike | Mapping[str, ArrayLike], hold: Any = "10 ms") -> Stimulus:
    """Inject a series of your own.

    Parameters
    ----------
    values : array, shape (samples, channels) or (samples,); data frame; or dict of columns
        Dimensionless; the network's input weights turn it into a current in units of rest-to-threshold. Names of
        columns are kept in the description, as figures show them.
    hold : float (ms), str or brian2.Quantity
        How long each sample lasts in simulated time, 10 ms by default; a multiple of the network's dt.

    Raises
    ------
    StimulusError
        For a wrong shape, NaN, infinity, masked values, or anything but real numbers.
    """
    array = _values(plain_columns("values", values), "values")
    names = names_in(values)
    description = {"source": "array", **({} if names is None else {"columns": list(names)})}
    return Stimulus("current", array, checks.duration("hold", hold), description=description)


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
    _fits(samples, channels)
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
    if (array < 0).any():
        raise StimulusError(f"rates must be >= 0 Hz, got {array.min():g}")
    hold_ms, dt_ms = checks.duration("hold", hold), checks.duration("dt", dt)
    steps = units.steps(hold_ms, dt_ms, "hold")
    memory.fits(
        f"a sample of {hold_ms:g} ms, which is {steps} steps of {dt_ms:g} ms in {array.shape[1]} channels,",
        9.0 * steps * array.shape[1],
        "lower hold, or raise dt",
        error=StimulusError,
    )
    rng = generator(seed, "stimulus", "poisson")
    times: list[Array] = [np.empty(0)]
    channels = [np.empty(0, dtype=np.int64)]
    for k, row in enumerate(array):  # sample by sample: the full raster of a long stimulus would not fit
        fired, channel = np.nonzero(rng.random((steps, row.size)) < -np.expm1(-row * (dt_ms / 1e3)))
        times.append(
            np.asarray((k * steps + fired) * dt_ms, dtype=np.float64)
        )  # whole steps: sums of times would not be times of steps
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
        For events outside the stimulus, of channels that do not exist, or so late that the samples before the first one
        would fill the memory (times since 1970: subtract the first).

    Notes
    -----
    A time in half or single precision becomes the round time that lies within its rounding: 0.009 s is 9 ms.
    """
    hold_ms = checks.duration("hold", hold)
    n_channels = checks.whole("n_channels", n_channels, least=1, error=StimulusError)
    t = milliseconds_of(times, unit)
    c = checks.whole_array("event channels", channels, 1, empty=True, error=StimulusError)
    if t.shape != c.shape:
        raise StimulusError(
            f"times and channels must be 1-D of one length, got {t.shape}, {c.shape}: one each an event"
        )
    if (t < 0).any():
        raise StimulusError(f"event times must be >= 0, got {t.min():g} ms: count from the start of the stimulus")
    if c.size and (c.min() < 0 or c.max() >= n_channels):
        raise StimulusError(f"event channels must be in 0..{n_channels - 1}, got {c.min()}..{c.max()}")
    length = None if samples is None else checks.whole("samples", samples, least=1, error=StimulusError)
    last = math.floor(min((float(t.max()) + TOLERANCE) / hold_ms, 1e300)) if t.size else 0
    if length is not None and last >= length:
        raise StimulusError(
            f"an event at {t.max():g} ms lies beyond the {length} samples of {hold_ms:g} ms: raise samples"
        )
    length = last + 1 if length is None else length
    _refuse_span(t, length, n_channels, hold_ms)
    sample = np.floor((t + TOLERANCE) / hold_ms).astype(np.int64)
    order = np.lexsort((c, t))
    t, c = t[order], c[order]
    counts = np.zeros((length, n_channels))
    np.add.at(counts, (sample[order], c), 1.0)
    return Stimulus("events", counts, hold_ms, t, c, {"source": "events"})


def milliseconds_of(times: ArrayLike, unit: str) -> Array:
    """Times of events in ms.

    Half and single precision cannot hold most times: 9 ms in seconds is stored as 8.99999961 ms, which lies in the
    step before. Such a time becomes the round number of ms that it may have been: one within two units in its last
    place, or in half precision within half of one.

    Parameters
    ----------
    times : array (events,)
        In `unit`, or a Brian2 quantity.
    unit : str
        ``"ms"``, ``"s"`` or ``"us"``.
    """
    if isinstance(times, list | tuple) and times and all(repr(getattr(t, "dim", 1)) == "second" for t in times):
        return np.array([float(np.asarray(t)) for t in times]) * 1e3
    dimension = getattr(times, "dim", None)  # a Brian2 quantity
    if dimension is not None and repr(dimension) != "second":
        raise StimulusError(f"event times must be times, got the unit {dimension!r}: give them in ms")
    factor = (
        1e3 if dimension is not None else {"ms": 1.0, "s": 1e3, "us": 1e-3, "\u00b5s": 1e-3, "\u03bcs": 1e-3}.get(unit)
    )
    if factor is None:
        raise StimulusError(f"unit of the event times must be 'ms', 's' or 'us', got {unit!r}")
    raw = np.asarray(times) if dimension is not None else times
    t = checks.finite_array("event times", raw, 1, empty=True, axes=("event",), error=StimulusError)
    kind = np.asarray(raw).dtype
    if kind.kind != "f" or kind.itemsize >= t.dtype.itemsize or not t.size:
        return t * factor
    last_place = np.spacing(np.abs(np.asarray(raw)).astype(kind.newbyteorder("="))).astype(np.float64) * factor
    t = t * factor
    # Times in single precision were often computed in it; those in half are as they were stored.
    slack = (2.0 if kind.itemsize > 2 else 0.5) * last_place
    grid = 10.0 ** np.ceil(np.log10(np.maximum(16 * slack, 1e-9))) / 4  # has 0.1, 0.2, 0.25 ... ms among its multiples
    grid = np.where(slack < 0.5, np.minimum(grid, 1.0), grid)  # as long as one whole ms at most lies that near
    near = np.round(t / grid) * grid
    return np.asarray(np.where((np.abs(near - t) <= slack) & (grid <= 1.0), near, t))


def _refuse_span(t: Array, length: int, n_channels: int, hold_ms: float) -> None:
    """Refuse what would fill the memory with samples before the first event, or after any sensible last one."""
    size = 8.0 * length * n_channels
    if size < _LARGE:
        return
    got = f"{length:.15g} samples of {hold_ms:g} ms and {n_channels} channels"
    if t.size and (first := float(t.min())) > 0.5 * length * hold_ms:
        raise StimulusError(
            f"the first event is at {first:.15g} ms, so that the stimulus would have {got} ({memory.human(size)}): "
            "count from the start, e.g. times - times.min(), or check the unit"
        )
    memory.fits(
        f"a stimulus of {got}", size, "check the unit, use a longer hold, or feed it in parts", error=StimulusError
    )


def _fits(samples: int, channels: int) -> None:
    """Refuse samples that would not fit in memory."""
    memory.fits(
        f"a stimulus of {samples} samples and {channels} channels",
        8.0 * samples * channels,
        "lower samples or channels, or feed it in parts with stream(...)",
        error=StimulusError,
    )


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
    channels = checks.whole("channels", channels, least=1, error=StimulusError)
    _fits(count, channels)
    return Stimulus("current", np.zeros((count, channels)), hold_ms, description={"source": "silence"})


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
