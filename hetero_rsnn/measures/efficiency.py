"""From spikes to states, spike count and spike efficiency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.measures.memory import MemoryCapacity
from hetero_rsnn.simulation.recording import Recording, samples_of

#: Below this many spikes of a neuron per sample a network counts as silent, and E has no value.
SILENT = 0.01


def check_recorded(recording: Recording, stimulus: Stimulus | None) -> None:
    if not isinstance(recording, Recording):
        raise HeteroError(f"a recording is what simulate returns, got {type(recording).__name__}")
    if stimulus is None:
        return
    if not isinstance(stimulus, Stimulus):
        raise HeteroError(f"the stimulus must be the one that was simulated, got {type(stimulus).__name__}")
    if len(stimulus) != recording.samples or abs(stimulus.hold - recording.hold) > 1e-9:
        raise HeteroError(
            f"the recording has {recording.samples} samples of {recording.hold:g} ms, the stimulus {len(stimulus)} of "
            f"{stimulus.hold:g} ms: give the stimulus that was simulated"
        )


def states(recording: Recording, stimulus: Stimulus | None = None, tau_read: Any = "30 ms") -> Array:
    """Filtered spike trains, read at the end of every sample.

    Parameters
    ----------
    recording : Recording
    stimulus : Stimulus, optional
        The one that was simulated; checked against the recording.
    tau_read : float (ms), str or brian2.Quantity
        Time constant of the exponential filter. The filter itself remembers, so compared networks must share it.

    Returns
    -------
    ndarray, shape (samples, n)
        ``x[k, i]`` is the sum of ``exp(-(t_k - s) / tau_read)`` over the spikes s of neuron i before the end t_k of
        sample k.
    """
    check_recorded(recording, stimulus)
    tau = checks.duration("tau_read", tau_read)
    hold, n, samples = recording.hold, recording.n, recording.samples
    memory.fits(
        f"states of {n} neurons in {samples} samples", 8.0 * samples * n, "lower their number, or use a longer hold"
    )
    sample = samples_of(recording.spike_times, hold, recording.dt)
    age = (sample + 1) * hold - recording.spike_times
    fresh = np.bincount(sample * n + recording.spike_neurons, weights=np.exp(-age / tau), minlength=samples * n)
    x: Array = np.asarray(fresh, dtype=np.float64).reshape(samples, n)  # whole numbers if there was no spike
    decay, before = math.exp(-hold / tau), np.empty(n)
    for k in range(1, samples):  # row by row stays in the cache, where a filter along axis 0 does not
        np.multiply(x[k - 1], decay, out=before)
        x[k] += before
    return x


def spike_count(recording: Recording, stimulus: Stimulus | None = None) -> float:
    """Spike count S: mean number of spikes of a neuron per input sample, input neurons excluded."""
    check_recorded(recording, stimulus)
    return recording.spike_times.size / (recording.n * recording.samples)


@dataclass(frozen=True)
class Efficiency:
    """Capacity, spikes, and their ratio; always shown together.

    Attributes
    ----------
    C, C_stderr : float
        Memory capacity and its standard error.
    S : float
        Spikes of a neuron per sample.
    E : float
        C / S, or NaN where it has no value.
    E_stderr : float
        From that of C; S is a mean over so many spikes that its error does not count.
    rate_hz, silent_share : float
        Mean rate; share of neurons that never fired.
    reason : str
        Why E has no value; empty if it has.
    """

    C: float
    C_stderr: float
    S: float
    E: float
    E_stderr: float
    rate_hz: float
    silent_share: float
    reason: str = ""

    def __repr__(self) -> str:
        return f"Efficiency({self})"

    def _repr_html_(self) -> str:
        rows = [("C (samples)", f"{self.C:.3g} ± {self.C_stderr:.2g} s.e."), ("S (spikes/sample)", f"{self.S:.3g}")]
        e = f"undefined ({self.reason})" if self.reason else f"{self.E:.3g} ± {self.E_stderr:.2g} s.e."
        rows += [("rate (Hz)", f"{self.rate_hz:.3g}"), ("E = C/S", e), ("silent", f"{self.silent_share:.1%}")]
        return TextTable("spike efficiency", ("quantity", "value"), rows).html()

    def __str__(self) -> str:
        e = f"{self.E:.3g} ± {self.E_stderr:.2g} s.e." if not self.reason else f"undefined ({self.reason})"
        return f"C = {self.C:.3g} ± {self.C_stderr:.2g} s.e., S = {self.S:.3g} ({self.rate_hz:.3g} Hz), E = {e}"


def spike_efficiency(capacity: MemoryCapacity, recording: Recording, stimulus: Stimulus | None = None) -> Efficiency:
    """Spike efficiency E = C / S: remembered samples per spike that a neuron spends on a sample.

    Parameters
    ----------
    capacity : MemoryCapacity
    recording : Recording
        Of the same samples.
    stimulus : Stimulus, optional
        Checked against the recording.

    Returns
    -------
    Efficiency
        E is NaN where the network is silent (S below one spike in 100 samples) or C is not above its own 95 % error: a
        silent network is not efficient.

    References
    ----------
    B. Chakraborty and S. Mukhopadhyay, ICLR 2023, arXiv:2302.11618.
    """
    if not isinstance(capacity, MemoryCapacity):
        raise HeteroError(f"the capacity is what memory_capacity returns, got {type(capacity).__name__}")
    s = spike_count(recording, stimulus)
    low, _ = capacity.interval
    reason = ""
    if s < SILENT:
        reason = f"S = {s:.2g} is below {SILENT:g} spikes a sample"
    elif not low > 0:
        reason = f"C = {capacity.total:.2g} is not above its 95 % error"
    e = math.nan if reason else capacity.total / s
    stderr = math.nan if reason else capacity.stderr / s
    return Efficiency(capacity.total, capacity.stderr, s, e, stderr, recording.rate_hz, recording.silent_share, reason)


def state_correlation(states: ArrayLike) -> float:
    """How much neurons say the same: normalised sum of squared covariances over pairs of neurons.

    Parameters
    ----------
    states : array, shape (samples, n)

    Returns
    -------
    float
        ``sum_{i != j} cov_ij^2 / sum_{i != j} var_i var_j``, over the neurons whose state varies: 0 for uncorrelated
        states, 1 for identical ones. Chance adds about 1 / samples for independent samples.
    """
    x = checks.real_array("states", states, empty=True)
    if x.ndim != 2 or len(x) < 2:
        raise HeteroError(f"states must have the shape (samples, n) with at least 2 samples, got {x.shape}")
    low, high = x.min(axis=0), x.max(axis=0)  # NaN if there is one among the numbers
    if not (np.isfinite(low) & np.isfinite(high)).all():
        raise HeteroError("states must be finite, got NaN or infinity: check the simulation")
    x = x if (low < high).all() else x[:, low < high]
    if x.shape[1] < 2:
        return math.nan
    memory.fits(f"covariances of {x.shape[1]} neurons", 16.0 * x.shape[1] ** 2 + x.nbytes, "give fewer of them")
    x = x - x.mean(axis=0)
    covariance = x.T @ x / (len(x) - 1)
    variance = np.diag(covariance)
    pairs = (covariance**2).sum() - (variance**2).sum()
    return float(pairs / (variance.sum() ** 2 - (variance**2).sum()))
