"""What a simulation leaves behind: spikes, weights, state to go on from, timings and provenance."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks, memory, units
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.files import check_arrays, json_text, path_of, write_atomic, write_text
from hetero_rsnn.common.svg import raster
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array, Ints

#: Step of the last spike of a neuron that never fired: far enough that every trace has decayed to exactly 0.
NEVER = -(10**10)
_FORMAT = "hetero_rsnn recording"
_VERSION = 1
#: Neurons and samples are counted in 32 bits, steps exactly by floats.
_MOST, _MOST_STEPS = 2**31 - 1, 2**53


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
    under_way : ndarray of int64, shape (2, spikes), optional
        Steps and neurons of spikes that have not arrived at all their synapses yet, in their order; None if nothing is
        delayed.
    """

    step: int
    variables: dict[str, Array]
    last_spike: Ints
    w: Array
    traces: dict[str, Array]
    trace_step: Ints | None = None
    under_way: Ints | None = None


def check_under_way(found: Any, n: int, step: int) -> None:
    """Refuse spikes under way that a simulation cannot have left: compiled code takes their neurons as they are."""
    if found is None:
        return
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iu" or found.ndim != 2 or len(found) != 2:
        got = f"{found.dtype} of {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
        raise HeteroError(f"under_way must be whole numbers of shape (2, spikes), got {got}", fix="restore a copy")
    steps, neurons = found.astype(np.int64)
    if steps.size and not (0 <= neurons.min() <= neurons.max() < n):
        raise HeteroError(f"neurons under_way must be from 0 to {n - 1}, got {neurons.min()} to {neurons.max()}")
    if steps.size and not ((np.diff(steps) >= 0).all() and steps[-1] < step):
        raise HeteroError(f"steps under_way must ascend to below step = {step}, got {steps[0]} to {steps[-1]}")


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

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the spikes over time; see `hetero_rsnn.plots.plot_raster` for the options."""
        return figure_of("Recording")(self, ax, **options)

    def _repr_html_(self) -> str:
        rates, shown = self.rates_hz, min(self.duration, 1000.0)
        last = int(np.searchsorted(self.spike_times, shown - 1e-9))
        numbers = (rates.mean(), np.median(rates), rates.min(), rates.max())
        row = ("all neurons", *(f"{rate:.2f}" for rate in numbers), f"{self.silent_share:.1%}")
        headings = ("rate (Hz)", "mean", "median", "lowest", "highest", "silent")
        picture = raster(
            self.spike_times[:last], self.spike_neurons[:last], self.n, shown, f"spikes of the first {shown:g} ms"
        )
        return TextTable(repr(self), headings, [row]).html() + f"<p>first {shown:g} ms</p>{picture}"

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
        steps = round(cut / self.dt)
        # Rounding of times grows with them.
        first = int(np.searchsorted(self.spike_times, cut - max(1e-9, 1e-12 * cut)))
        left = self.spike_times[first:]
        whole = np.rint(left / self.dt)
        on_grid = bool((np.abs(whole * self.dt - left) <= np.maximum(1e-9, 1e-12 * left)).all())
        start = round(self.t_start / self.dt)
        begins_on_grid = abs(start * self.dt - self.t_start) <= max(1e-9, 1e-12 * abs(self.t_start))
        return replace(
            self,
            # Steps are whole, differences of times need not be; a measured train has times between steps.
            spike_times=(whole - steps) * self.dt if on_grid else np.maximum(left - cut, 0.0),
            spike_neurons=self.spike_neurons[first:],
            samples=self.samples - samples,
            t_start=(start + steps) * self.dt if begins_on_grid else self.t_start + cut,
            traces={k: v[steps:] for k, v in self.traces.items()},
        )

    def save(self, path: str | Path) -> Path:
        """Write ``path.npz`` (plain arrays) and ``path.json`` (provenance).

        Returns
        -------
        pathlib.Path
            The npz file.
        """
        base = path_of("path", path)
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
        if self.state.under_way is not None:
            arrays["state_under_way"] = self.state.under_way
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


def samples_of(times: Array, hold: float, dt: float) -> Ints:
    """Sample in which each spike lies: by whole steps where the times are steps, so that long recordings lose none."""
    per_sample = round(hold / dt)
    steps = np.rint(times / dt)
    if per_sample >= 1 and abs(per_sample * dt - hold) <= 1e-6 * dt and (np.abs(steps * dt - times) <= 1e-3 * dt).all():
        return np.asarray(steps.astype(np.int64) // per_sample)
    return np.floor(times / hold + 1e-9).astype(np.int64)


def load_recording(path: str | Path) -> Recording:
    """Read what `Recording.save` wrote.

    Raises
    ------
    FileFormatError
        If a file is missing, corrupt, of another program or version, the two do not belong together, or a number in
        them cannot be: a `hold` of 0, times that are not finite, text for weights, more than there is memory for.

    Examples
    --------
    >>> import hetero_rsnn as hr, pathlib, tempfile
    >>> rec = hr.simulate(hr.draw(hr.load_network("henhes", n=20), seed=0), hr.uniform_stimulus(10, "10 ms", seed=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_recording(rec.save(pathlib.Path(folder, "run")))
    >>> bool((again.spike_times == rec.spike_times).all()), again.samples
    (True, 10)
    """
    base = path_of("path", path)
    base = base.with_suffix("") if base.suffix in {".npz", ".json"} else base
    json_path, npz_path = base.with_name(base.name + ".json"), base.with_name(base.name + ".npz")
    for file in (json_path, npz_path):
        if not file.is_file():
            raise FileFormatError(f"{file} does not exist: a recording is a .npz and a .json file of one name")
    try:
        for file, factor in ((json_path, 10), (npz_path, 1)):
            memory.fits(f"{file}: reading it", factor * file.stat().st_size, "free some", error=FileFormatError)
        meta = json.loads(json_path.read_text(encoding="utf-8"))
    except FileFormatError:
        raise
    except (ValueError, OSError, RecursionError) as error:
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
    check_arrays(data, str(npz_path), FileFormatError, factor=1.5)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            arrays = {k: npz[k] for k in npz.files}
        return _checked(meta, arrays)
    except HeteroError as error:
        raise FileFormatError(f"{base}: {error.reason}", fix="restore it or simulate again") from None
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds on what is no recording
        raise FileFormatError(f"{base} lacks part of a recording ({error!r:.200}): simulate again") from None


def _checked(meta: dict[str, Any], arrays: dict[str, Any]) -> Recording:
    """The recording of these numbers and arrays, each refused by its name if it cannot be."""
    n = checks.whole("n", meta["n"], least=1, most=_MOST)
    samples = checks.whole("samples", meta["samples"], least=1, most=_MOST)
    hold, dt = (checks.real(key, meta[key], above=0.0) for key in ("hold_ms", "dt_ms"))
    units.steps(hold, dt, "hold_ms")
    t_start = checks.real("t_start_ms", meta["t_start_ms"], least=0.0)
    steps = samples * hold / dt
    if not steps < _MOST_STEPS:
        raise HeteroError(f"samples * hold_ms / dt_ms must be below 2^53 steps, got {steps:g}")
    duration = samples * hold
    times = _array(arrays, "spike_times", "f", None)
    fired = _array(arrays, "spike_neurons", "iu", times.shape)
    if times.size and not (times.min() >= 0 and samples_of(times, hold, dt).max() < samples):
        odd = times.min() if times.min() < 0 else times.max()
        raise HeteroError(f"spike_times must be from 0 to below {duration:g} ms, got {odd:g} ms")
    if np.any(np.diff(times) < 0):
        raise HeteroError("spike_times must ascend, got one after a later one")
    if fired.size and not 0 <= fired.min() <= fired.max() < n:
        odd = fired.min() if fired.min() < 0 else fired.max()
        raise HeteroError(f"spike_neurons must be from 0 to {n - 1}, got {odd}")
    weights = _array(arrays, "weights", "f", None)
    w = _array(arrays, "state_w", "f", weights.shape) if "state_w" in arrays else weights
    neurons = _array(arrays, "trace_neurons", "iu", None)
    if neurons.size and not 0 <= neurons.min() <= neurons.max() < n:
        raise HeteroError(f"trace_neurons must be from 0 to {n - 1}, got {neurons.min()} to {neurons.max()}")
    state = State(
        step=checks.whole("step", meta["step"], least=0, most=_MOST_STEPS),
        variables={k: _array(arrays, f"state_v_{k}", "biuf", (n,)) for k in _prefixed(arrays, "state_v_")},
        last_spike=_array(arrays, "state_last_spike", "iu", (n,)),
        w=w,
        traces={k: _array(arrays, f"state_t_{k}", "biuf", weights.shape) for k in _prefixed(arrays, "state_t_")},
        trace_step=_array(arrays, "state_trace_step", "iu", weights.shape) if "state_trace_step" in arrays else None,
        under_way=arrays.get("state_under_way"),
    )
    check_under_way(state.under_way, n, state.step)
    for name, when in (("state_last_spike", state.last_spike), ("state_trace_step", state.trace_step)):
        if when is not None and when.size and when.max() > state.step:
            raise HeteroError(f"{name} must be at most step = {state.step}, got {when.max()}")
    shape = (round(steps), neurons.size)
    traces = {k: _array(arrays, f"trace_{k}", "biuf", shape) for k in _prefixed(arrays, "trace_") if k != "neurons"}
    for key in ("timings_s", "provenance"):
        if not isinstance(meta[key], dict):
            raise TypeError(f"{key} is {meta[key]!r:.60}")
    return Recording(
        spike_times=times,
        spike_neurons=fired,
        n=n,
        samples=samples,
        hold=hold,
        dt=dt,
        t_start=t_start,
        weights=weights,
        state=state,
        traces=traces,
        trace_neurons=neurons,
        timings=dict(meta["timings_s"]),
        provenance=dict(meta["provenance"]),
    )


def _array(arrays: dict[str, Any], name: str, kinds: str, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """One array as it stands in the file, of finite numbers of these kinds and of this shape (None: a flat one)."""
    found = arrays[name]
    if found.dtype.kind not in kinds:
        rule = "real numbers" if "f" in kinds else "whole numbers"
        raise HeteroError(f"{name} must be {rule}, got an array of {found.dtype}")
    if found.shape != shape if shape is not None else found.ndim != 1:
        raise HeteroError(f"{name} must have the shape {'(count,)' if shape is None else shape}, got {found.shape}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise HeteroError(f"{name} must be finite, got {found[~np.isfinite(found)][0]}")
    return np.asarray(found)


def _prefixed(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
