"""Recordings as neo objects, for elephant, NWB, NIX and whatever else reads them; and spikes of others as input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.inputs.stimulus import TOLERANCE, Stimulus, event_stimulus, milliseconds_of
from hetero_rsnn.measures.efficiency import check_recorded
from hetero_rsnn.network import equations
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.continuing import check_same_draw
from hetero_rsnn.simulation.recording import NEVER, Recording, State

#: How the package quantities writes the units of this package; times are kept in milliseconds.
_SYMBOLS = {
    units.DIMENSIONLESS: "dimensionless",
    units.TIME: "ms",
    "hertz": "Hz",
    "volt": "V",
    "amp": "A",
    "siemens": "S",
    "farad": "F",
    "ohm": "ohm",
    "metre": "m",
}
#: Annotation that tells our spike trains and signals apart.
_KIND = "kind"


def to_neo(recording: Recording, draw: Draw | None = None, stimulus: Stimulus | None = None) -> Any:
    """Turn a recording into a `neo.Block`.

    Parameters
    ----------
    recording : Recording
    draw : Draw, optional
        The one that was simulated; each spike train is then annotated with the parameters of its neuron.
    stimulus : Stimulus, optional
        The one that was simulated, to be written beside the spikes.

    Returns
    -------
    neo.Block
        With one Segment. Its `spiketrains` are those of the neurons 0 .. n - 1 (annotated with ``kind="neuron"`` and
        ``neuron``, with a draw also ``population`` and every parameter as a quantity), then those of the input
        channels (``kind="input"``, ``channel``) if the stimulus is one of events. Its `analogsignals` are recorded
        traces (``kind="trace"``; the array annotation ``neuron`` says whose) and an analog input
        (``kind="input"``, one sample each `hold`). Traces have the unit of their equation, which only a draw knows; a
        product of units stands in the annotation ``unit``. Times are in ms and count from the start of the recording.
        The Block is annotated with n, samples, hold_ms, dt_ms, t_start_ms and, as JSON, the provenance. Final weights
        and state are not part of it.

    Raises
    ------
    HeteroError
        If neo is not installed, or draw (with its damage) or stimulus are not those of the recording.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> u = hr.uniform_stimulus(20, "10 ms", seed=2)
    >>> block = hr.to_neo(hr.simulate(d, u), d, u)
    >>> len(block.segments[0].spiketrains)
    50
    """
    check_recorded(recording, stimulus)
    if draw is not None:
        _check_draw(draw, recording)
    neo, pq = need("neo", "neo", "to_neo"), need("quantities", "neo", "to_neo")
    name = str(recording.provenance.get("network", "recording"))
    block = neo.Block(
        name=name,
        description="recording of hetero_rsnn",
        n=recording.n,
        samples=recording.samples,
        hold_ms=float(recording.hold),
        dt_ms=float(recording.dt),
        t_start_ms=float(recording.t_start),
        provenance=json.dumps(plain(recording.provenance)),
    )
    segment = neo.Segment(name=name, index=0)
    block.segments.append(segment)

    def train(times: Array, title: str, annotations: dict[str, Any]) -> None:
        segment.spiketrains.append(
            neo.SpikeTrain(
                times,
                units="ms",
                t_start=0.0 * pq.ms,
                t_stop=recording.duration * pq.ms,
                sampling_rate=(1.0 / recording.dt) * pq.kHz,
                name=title,
                **annotations,
            )
        )

    for i, times in enumerate(_by_index(recording.spike_times, recording.spike_neurons, recording.n)):
        train(times, f"neuron {i}", {_KIND: "neuron", "neuron": i, **(_parameters(draw, i, pq) if draw else {})})
    for variable, values in recording.traces.items():
        unit = _trace_unit(draw.network, variable) if draw is not None else units.DIMENSIONLESS
        symbol = {**_SYMBOLS, units.TIME: "s"}.get(unit)
        segment.analogsignals.append(
            neo.AnalogSignal(
                values,
                units=symbol or "dimensionless",
                t_start=0.0 * pq.ms,
                sampling_period=recording.dt * pq.ms,
                name=variable,
                array_annotations={"neuron": recording.trace_neurons},
                # Once more, since some files keep no array annotations.
                **{_KIND: "trace", "neurons": json.dumps(recording.trace_neurons.tolist())},
                **({} if symbol else {"unit": unit}),
            )
        )
    if stimulus is not None and stimulus.kind == "current":
        segment.analogsignals.append(
            neo.AnalogSignal(
                stimulus.values,
                units="dimensionless",
                t_start=0.0 * pq.ms,
                sampling_period=stimulus.hold * pq.ms,
                name="input",
                **{_KIND: "input"},
            )
        )
    elif stimulus is not None:
        events = np.clip(stimulus.event_times, 0.0, stimulus.duration)  # rounding may have left one a hair outside
        for c, times in enumerate(_by_index(events, stimulus.event_channels, stimulus.channels)):
            train(times, f"input channel {c}", {_KIND: "input", "channel": c})
    return block


def from_neo(block: Any, *, hold: Any = None, dt: Any = None) -> Recording:
    """Read a recording from neo objects: one that `to_neo` wrote, or spikes measured by somebody else.

    Parameters
    ----------
    block : neo.Block or neo.Segment
        With one segment. Every spike train is a neuron, but those annotated with ``kind="input"``; they are numbered by
        the annotation ``neuron`` if these are the whole numbers 0 .. n - 1, else as they stand.
    hold, dt : float (ms), str or brian2.Quantity, optional
        Duration of a sample, at whose end `states` are read, and grid step; the first is a multiple of the second. By
        default what `to_neo` noted; needed for blocks of others, whose spikes need not lie on a grid. What does not
        fill a sample at the end is left out.

    Returns
    -------
    Recording
        With the spikes, the traces that `to_neo` wrote, and the provenance: enough for `states`, `spike_count`,
        `memory_capacity` and the plots. Final weights, state and timings do not come back: `weights` is empty, and
        `simulate` refuses to go on from here. `Recording.save` keeps all of it.

    Raises
    ------
    HeteroError
        If neo is not installed, the block holds no spike trains or several segments, `hold` or `dt` is not known, or
        `hold` is no multiple of `dt`.

    Notes
    -----
    Times in single precision become the round times that they stand for: 0.009 s is 9 ms, not 8.99999961 ms.
    """
    need("neo", "neo", "from_neo")
    segment, notes = _segment(block, "from_neo")
    trains = _trains(segment)
    hold_ms, dt_ms = _length("hold", hold, notes), _length("dt", dt, notes)
    start, stop = _extent(trains)
    units.steps(hold_ms, dt_ms, "hold")
    samples = math.floor((stop - start) / hold_ms + 1e-6)
    if samples < 1:
        raise HeteroError(f"the spike trains last {stop - start:g} ms, less than one sample of {hold_ms:g} ms")
    times = [_milliseconds(t, start) for t in trains]
    if start or any(str(t.dimensionality) != "ms" for t in trains):
        times = [_on_grid(t, dt_ms) for t in times]  # on the way through another unit, times lose their last bits
    t = np.concatenate([*times, np.empty(0)])
    neurons = np.repeat(np.array(_order(trains), dtype=np.int32), [x.size for x in times])
    keep = t < samples * hold_ms - TOLERANCE
    t, neurons = t[keep], neurons[keep]
    by_time = np.lexsort((neurons, t))
    t, neurons = t[by_time], neurons[by_time]
    t_start = notes["t_start"] + start if notes else 0.0  # our blocks begin at 0, unless somebody cut a part out
    last = np.full(len(trains), NEVER, dtype=np.int64)
    last[neurons] = np.round((t + t_start) / dt_ms).astype(np.int64)
    traces, whose = _traces(segment, round(samples * hold_ms / dt_ms))
    empty = np.empty(0)
    return Recording(
        spike_times=t,
        spike_neurons=neurons,
        n=len(trains),
        samples=samples,
        hold=hold_ms,
        dt=dt_ms,
        t_start=t_start,
        weights=empty,
        state=State(round((t_start + samples * hold_ms) / dt_ms), {}, last, empty, {}),
        traces=traces,
        trace_neurons=whose,
        provenance=notes.get("provenance", {"source": "neo"}),
    )


def neo_stimulus(trains: Any, hold: Any, *, samples: int | None = None) -> Stimulus:
    """Spike trains of somebody's recording as input events, one channel each.

    Parameters
    ----------
    trains : neo.Block, neo.Segment, neo.SpikeTrain or sequence of neo.SpikeTrain
        Of a Block (with one segment) or a Segment all spike trains are taken but those annotated with
        ``kind="input"``, which `to_neo` gives to the input of a network. Times count from their earliest t_start.
    hold : float (ms), str or brian2.Quantity
        Duration of a sample, the interval at which states are read.
    samples : int, optional
        Length; by default the trains' own, up to their latest t_stop.

    Returns
    -------
    Stimulus
        Of events; the network must have as many input channels: ``load_network(..., **{"input.channels": 96})``.

    Raises
    ------
    HeteroError
        If neo is not installed or there are no spike trains.
    StimulusError
        See `event_stimulus`.

    Notes
    -----
    Times in single precision become the round times that they stand for: 0.009 s is 9 ms, not 8.99999961 ms, which
    would lie in the step before. neo drops the mask of a masked array when a SpikeTrain is made: nothing here can tell.
    """
    neo = need("neo", "neo", "neo_stimulus")
    if isinstance(trains, neo.Block | neo.Segment):
        segment, _ = _segment(trains, "neo_stimulus")
        chosen = _trains(segment)
    else:
        chosen = _listed(trains, neo.SpikeTrain)
    hold_ms = checks.duration("hold", hold)
    start, stop = _extent(chosen)
    times = [_milliseconds(t, start) for t in chosen]
    channels = np.repeat(np.arange(len(chosen)), [t.size for t in times])
    t = np.concatenate(times)
    if samples is None:  # an event at t_stop itself lies in one more sample
        last = math.floor((t.max() + TOLERANCE) / hold_ms) + 1 if t.size else 1
        samples = max(1, last, math.ceil((stop - start) / hold_ms - 1e-9))
    out = event_stimulus(t, channels, n_channels=len(chosen), hold=hold, samples=samples)
    out.description["source"] = "neo"
    return out


def _check_draw(draw: Draw, recording: Recording) -> None:
    if not isinstance(draw, Draw):
        raise HeteroError(f"to_neo takes a draw, got {type(draw).__name__}: give the one that was simulated")
    check_same_draw(draw, recording)
    theirs = recording.provenance.get("fingerprint", draw.network.fingerprint)
    if draw.n != recording.n or theirs != draw.network.fingerprint:
        raise HeteroError(
            f"the recording is of network {theirs} with {recording.n} neurons, the draw of {draw.network.fingerprint} "
            f"with {draw.n}: give the draw that was simulated"
        )


def _listed(trains: Any, kind: type) -> list[Any]:
    """One spike train or several, as a list."""
    if isinstance(trains, kind):  # before all else, since a train is iterable too: it gives its times
        return [trains]
    chosen = list(trains) if isinstance(trains, Iterable) else [trains]
    if not chosen:
        raise HeteroError(f"the {type(trains).__name__} holds no spike trains: give at least one")
    if others := [type(t).__name__ for t in chosen if not isinstance(t, kind)]:
        got = f"a {type(trains).__name__} with a {others[0]}" if isinstance(trains, Iterable) else others[0]
        raise HeteroError(
            f"neo_stimulus takes a Block, a Segment or SpikeTrains, got {got}: give e.g. block.segments[0].spiketrains"
        )
    return chosen


def _by_index(times: Array, index: NDArray[Any], n: int) -> list[Array]:
    """Times of each index, ascending as they were."""
    order = np.argsort(index, kind="stable")
    return np.split(times[order], np.cumsum(np.bincount(index, minlength=n))[:-1])


def _parameters(draw: Draw, i: int, pq: Any) -> dict[str, Any]:
    population = draw.network.populations[int(draw.population[i])]
    out: dict[str, Any] = {"population": population.name}
    for key, parameter in population.parameters:
        out[key] = pq.Quantity(float(draw.neurons[key][i]), _SYMBOLS[parameter.unit])
    return out


def _trace_unit(network: Network, variable: str) -> str:
    """Unit (SI) of a state variable, as the equations state it."""
    for line in equations.lines(dict(network.equations)["equations"]):
        if match := re.match(rf"(?:d{variable}/dt\b|{variable}\b)[^:]*:\s*([^()]+)", line):
            return match[1].strip()
    return units.DIMENSIONLESS


def _segment(block: Any, caller: str) -> tuple[Any, dict[str, Any]]:
    """The one segment of a block, and what `to_neo` noted."""
    import neo

    if isinstance(block, neo.Segment):
        return block, _notes(block.annotations)
    if not isinstance(block, neo.Block):
        raise HeteroError(f"{caller} takes a neo.Block or neo.Segment, got {type(block).__name__}")
    if len(block.segments) != 1:
        raise HeteroError(
            f"{caller} reads one segment, the block has {len(block.segments)}: give block.segments[0] or another"
        )
    return block.segments[0], _notes(block.annotations)


def _notes(annotations: dict[str, Any]) -> dict[str, Any]:
    """Times and provenance that `to_neo` noted; nothing where annotations are somebody else's."""
    hold, dt, begin = (_number(annotations.get(f"{key}_ms", 0.0)) for key in ("hold", "dt", "t_start"))
    try:
        provenance = json.loads(annotations.get("provenance", '{"source": "neo"}'))
    except (TypeError, ValueError):
        return {}
    if not hold or not dt or min(hold, dt) < 0 or begin is None or not isinstance(provenance, dict):
        return {}
    return {"hold": hold, "dt": dt, "t_start": begin, "provenance": provenance}


def _number(value: Any) -> float | None:
    """A finite number, also one of numpy, as some file formats give; None for anything else."""
    array = np.asarray(value if isinstance(value, int | float | np.number | np.ndarray) else ())
    return float(array) if array.shape == () and array.dtype.kind in "iuf" and np.isfinite(array) else None


def _order(trains: list[Any]) -> list[int]:
    """Number of the neuron of each train: as annotated if these are 0 .. n - 1, else as they stand."""
    stand = list(range(len(trains)))
    named = [_number(t.annotations.get("neuron")) for t in trains]
    numbers = [int(x) for x in named if x is not None and x.is_integer()]
    return numbers if sorted(numbers) == stand else stand


def _trains(segment: Any) -> list[Any]:
    trains = [t for t in segment.spiketrains if t.annotations.get(_KIND) != "input"]
    if not trains:
        raise HeteroError("the segment holds no spike trains: give one that does")
    return trains


def _length(what: str, given: Any, notes: dict[str, Any]) -> float:
    if given is not None:
        return checks.duration(what, given)
    if what not in notes:
        raise HeteroError(f"the block does not say its {what}, as those of to_neo do: give {what}='10 ms' or another")
    return float(notes[what])


def _extent(trains: list[Any]) -> tuple[float, float]:
    """Earliest beginning and latest end in ms."""
    return min(_scalar(t.t_start) for t in trains), max(_scalar(t.t_stop) for t in trains)


def _scalar(quantity: Any) -> float:
    return float(_ms(quantity)[0])


def _milliseconds(train: Any, start: float) -> Array:
    """Times from `start` on."""
    times = _ms(train)
    return times - start if start else times


def _ms(times: Any) -> Array:
    """Times in ms, those that were in single precision at the round number that they stand for.

    quantities turns single into double precision, with the rounding of the single: 0.009 s is 8.99999961 ms. Where all
    numbers could be single, they were, or are so round that it makes no difference.
    """
    unit = str(times.dimensionality)
    if unit not in ("ms", "s", "us"):
        times, unit = times.rescale("ms"), "ms"
    raw = np.atleast_1d(np.asarray(times.magnitude))
    exact = milliseconds_of(raw.astype(np.float64), unit)
    single = raw.astype(np.float32)
    if not np.array_equal(single, raw):
        return exact
    round_ = milliseconds_of(single, unit)
    return np.where(np.abs(round_ - exact) > 1e-9, round_, exact)  # those that were round keep their last bits


def _on_grid(times: Array, dt: float) -> Array:
    """Times that lie on the grid but for rounding, on it."""
    near = np.round(times / dt) * dt
    return np.where(np.abs(near - times) < TOLERANCE, near, times)


def _traces(segment: Any, steps: int) -> tuple[dict[str, Array], Ints]:
    """Traces that `to_neo` wrote, if they still have a value for each step; and whose they are."""
    traces: dict[str, Array] = {}
    whose = np.empty(0, dtype=np.int64)
    for signal in segment.analogsignals:
        notes = signal.annotations
        if notes.get(_KIND) != "trace" or "neurons" not in notes or len(signal) < steps:
            continue
        # Those of the channels that are left, should somebody have cut some off.
        kept = signal.array_annotations.get("neuron")
        try:
            neurons = np.asarray(json.loads(notes["neurons"]) if kept is None else kept, dtype=np.int64)
        except (TypeError, ValueError):  # somebody else's
            continue
        if neurons.shape == (signal.shape[1],) and (not traces or np.array_equal(neurons, whose)):
            traces[str(signal.name)] = np.array(signal.magnitude[:steps], dtype=np.float64)
            whose = neurons
    return traces, whose
