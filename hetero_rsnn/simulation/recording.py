"""What a simulation leaves behind: spikes, weights, state to go on from, timings and provenance."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.files import json_text, write_atomic, write_text
from hetero_rsnn.common.types import Array, Ints

#: Step of the last spike of a neuron that never fired: far enough that every trace has decayed to exactly 0.
NEVER = -(10**10)
_FORMAT = "hetero_rsnn recording"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class State:
    """Everything that a continued simulation needs.

    Attributes
    ----------
    step : int
        Number of steps simulated so far.
    variables : dict of str to ndarray, shape (n,)
        State variables of the neurons.
    last_spike : ndarray of int64, shape (n,)
        Step of each neuron's last spike; `NEVER` if there was none.
    w : ndarray, shape (plastic synapses,)
    traces : dict of str to ndarray, shape (plastic synapses,)
        Plasticity variables. Of the shipped model: ``apre`` as it was right after the last spike of the pre-synaptic
        neuron, ``apost`` right after the last of the post-synaptic one. Of other models: at `trace_step`.
    trace_step : ndarray of int64, shape (plastic synapses,), optional
    """

    step: int
    variables: dict[str, Array]
    last_spike: Ints
    w: Array
    traces: dict[str, Array]
    trace_step: Ints | None = None


@dataclass(frozen=True, eq=False)
class Recording:
    """Result of `simulate`.

    Attributes
    ----------
    spike_times : ndarray, shape (spikes,)
        In ms from the start of this recording, ascending.
    spike_neurons : ndarray of int32, shape (spikes,)
    n : int
        Number of neurons.
    samples : int
        Number of stimulus samples.
    hold, dt, t_start : float
        Duration of a sample, grid step, and when this recording began in the life of the network, all in ms.
    weights : ndarray, shape (plastic synapses,)
        Final weights, in the order of ``draw.plastic``.
    traces : dict of str to ndarray, shape (steps, recorded neurons)
        Recorded state variables, as they were at the beginning of each step.
    trace_neurons : ndarray of int
        Which neurons `traces` holds.
    state : State
        To go on from: ``simulate(draw, more, state=rec.state)``.
    timings : dict of str to float
        Seconds: ``"compile"`` (build and compilation) and ``"run"``.
    provenance : dict
        Network fingerprint, seed, backend, versions, stimulus.
    """

    spike_times: Array
    spike_neurons: NDArray[np.int32]
    n: int
    samples: int
    hold: float
    dt: float
    t_start: float
    weights: Array
    state: State
    traces: dict[str, Array] = field(default_factory=dict)
    trace_neurons: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    timings: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Duration in ms."""
        return self.samples * self.hold

    @property
    def rates_hz(self) -> Array:
        """Firing rate of every neuron in Hz, shape (n,)."""
        return np.bincount(self.spike_neurons, minlength=self.n) / (self.duration / 1e3)

    @property
    def rate_hz(self) -> float:
        """Mean firing rate in Hz."""
        return float(self.rates_hz.mean())

    @property
    def silent_share(self) -> float:
        """Share of neurons that never fired."""
        return float((self.rates_hz == 0).mean())

    def __repr__(self) -> str:
        p = self.provenance  # that of somebody's measurement names a source instead of a network
        backend = f", backend {p['backend']!r}" if "backend" in p else ""
        return (
            f"Recording({p.get('network', p.get('source', '?'))!r}, {self.n} neurons, {self.duration / 1e3:g} s, "
            f"{self.spike_times.size} spikes, {self.rate_hz:.2f} Hz{backend})"
        )

    def after(self, samples: int) -> Recording:
        """The recording without its first `samples` samples (a washout); times count from the new start."""
        if not isinstance(samples, int | np.integer) or not 0 <= samples < self.samples:
            raise HeteroError(f"samples to drop must be a whole number in 0..{self.samples - 1}, got {samples}")
        cut = samples * self.hold
        first = int(np.searchsorted(self.spike_times, cut - 1e-9))
        steps = round(cut / self.dt)
        return replace(
            self,
            spike_times=self.spike_times[first:] - cut,
            spike_neurons=self.spike_neurons[first:],
            samples=self.samples - samples,
            t_start=self.t_start + cut,
            traces={k: v[steps:] for k, v in self.traces.items()},
        )

    def save(self, path: str | Path) -> Path:
        """Write ``path.npz`` (plain arrays) and ``path.json`` (provenance).

        Returns
        -------
        pathlib.Path
            The npz file.
        """
        base = Path(path)
        base = base.with_suffix("") if base.suffix in {".npz", ".json"} else base
        arrays: dict[str, Any] = {
            "spike_times": self.spike_times,
            "spike_neurons": self.spike_neurons,
            "weights": self.weights,
            "trace_neurons": self.trace_neurons,
            "state_last_spike": self.state.last_spike,
        }
        if self.state.w is not self.weights:
            arrays["state_w"] = self.state.w
        arrays |= {f"trace_{k}": v for k, v in self.traces.items()}
        arrays |= {f"state_v_{k}": v for k, v in self.state.variables.items()}
        arrays |= {f"state_t_{k}": v for k, v in self.state.traces.items()}
        if self.state.trace_step is not None:
            arrays["state_trace_step"] = self.state.trace_step
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        data = buffer.getvalue()
        # Everything that can fail on the data comes before the first file is replaced.
        text = json_text(
            {
                "format": _FORMAT,
                "version": _VERSION,
                "sha256": hashlib.sha256(data).hexdigest(),
                "n": self.n,
                "samples": self.samples,
                "hold_ms": self.hold,
                "dt_ms": self.dt,
                "t_start_ms": self.t_start,
                "step": self.state.step,
                "rate_hz": self.rate_hz,
                "timings_s": self.timings,
                "provenance": self.provenance,
            },
        )
        npz = write_atomic(base.with_name(base.name + ".npz"), lambda file: file.write(data))
        write_text(base.with_name(base.name + ".json"), text)
        return npz


def load_recording(path: str | Path) -> Recording:
    """Read what `Recording.save` wrote.

    Raises
    ------
    FileFormatError
        If a file is missing, corrupt, of another program or version, or the two do not belong together.
    """
    base = Path(path)
    base = base.with_suffix("") if base.suffix in {".npz", ".json"} else base
    json_path, npz_path = base.with_name(base.name + ".json"), base.with_name(base.name + ".npz")
    for file in (json_path, npz_path):
        if not file.is_file():
            raise FileFormatError(f"{file} does not exist: a recording is a .npz and a .json file of one name")
    try:
        meta = json.loads(json_path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{json_path} is not valid JSON ({error}): restore it or simulate again") from None
    if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
        raise FileFormatError(f"{json_path} does not describe a recording of hetero_rsnn: give another file")
    if meta.get("version") != _VERSION:
        raise FileFormatError(
            f"{json_path} has version {meta.get('version')}, this program reads {_VERSION}: "
            "use the release that wrote it"
        )
    try:
        data = npz_path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{npz_path} cannot be read: {error}") from None
    if hashlib.sha256(data).hexdigest() != meta.get("sha256"):
        raise FileFormatError(f"{npz_path} is corrupt or belongs to another {json_path.name}: simulate again")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            arrays = {k: npz[k] for k in npz.files}
        state = State(
            step=int(meta["step"]),
            variables=_prefixed(arrays, "state_v_"),
            last_spike=arrays["state_last_spike"],
            w=arrays.get("state_w", arrays["weights"]),
            traces=_prefixed(arrays, "state_t_"),
            trace_step=arrays.get("state_trace_step"),
        )
        recording = Recording(
            spike_times=arrays["spike_times"],
            spike_neurons=arrays["spike_neurons"],
            n=int(meta["n"]),
            samples=int(meta["samples"]),
            hold=float(meta["hold_ms"]),
            dt=float(meta["dt_ms"]),
            t_start=float(meta["t_start_ms"]),
            weights=arrays["weights"],
            state=state,
            traces={k: v for k, v in _prefixed(arrays, "trace_").items() if k != "neurons"},
            trace_neurons=arrays["trace_neurons"],
            timings=dict(meta["timings_s"]),
            provenance=dict(meta["provenance"]),
        )
        fired = recording.spike_neurons
        if recording.samples < 1 or recording.n != state.last_spike.size or fired.size != recording.spike_times.size:
            raise ValueError("sizes do not match")
        if fired.size and not 0 <= fired.min() <= fired.max() < recording.n:
            raise ValueError("spikes of neurons that do not exist")
        return recording
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds on what is no recording
        raise FileFormatError(f"{base} lacks part of a recording ({error!r}): simulate again") from None


def _prefixed(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def concatenate(parts: Sequence[Recording]) -> Recording:
    """Join recordings that continue each other."""
    if not parts:
        raise HeteroError("there is no recording to join")
    offset, times = 0.0, []
    for part in parts:
        times.append(part.spike_times + offset)
        offset += part.duration
    timings: dict[str, float] = {}
    for part in parts:
        for key, seconds in part.timings.items():
            timings[key] = timings.get(key, 0.0) + seconds
    return replace(
        parts[-1],
        spike_times=np.concatenate(times),
        spike_neurons=np.concatenate([p.spike_neurons for p in parts]),
        samples=sum(p.samples for p in parts),
        t_start=parts[0].t_start,
        traces={k: np.concatenate([p.traces[k] for p in parts]) for k in parts[0].traces},
        timings=timings,
        provenance=parts[0].provenance,
    )
