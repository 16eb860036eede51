"""Sound as input: the encoder of recordings (and the cochleagram it rests on, from `hetero_rsnn.inputs.cochlea`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.cochlea import cochleagram, filterbank
from hetero_rsnn.inputs.encoder_base import Encoder
from hetero_rsnn.inputs.samples import Scaling, inverse
from hetero_rsnn.inputs.spike_coding import lif_drive, lif_spikes
from hetero_rsnn.inputs.stimulus import Stimulus, event_stimulus, poisson_stimulus

__all__ = ["AudioEncoder", "cochleagram", "filterbank"]
#: What `AudioEncoder` makes of the bands.
OUTPUTS = ("current", "poisson", "lif")


class AudioEncoder(Encoder):
    """From a recording to currents or spikes, one channel a band of its cochleagram.

    Each frame of the cochleagram becomes one sample of the stimulus and lasts `hold` of simulated time: the network's
    time runs slower than the sound's if `hold` is longer than `frame`, and faster if it is shorter. A waveform is an
    array of shape (time,) or (time, 1) in units of full scale, -1 to 1. Arrays of 16- or 32-bit whole numbers are
    divided by their full scale, also in pairs (rate, waveform) as ``scipy.io.wavfile.read`` returns, whose rate is
    checked.

    Parameters
    ----------
    rate_hz : float
        Sampling rate of all recordings in Hz.
    bands, frame, f_min, f_max, scale, compression, level
        See `cochleagram`.
    output : {"current", "poisson", "lif"}
        ``"current"``: every band scaled to mean 0 and standard deviation 1 of the training data. The other two scale it
        to its range m = 0 to 1 in the training data, values beyond cut off. ``"poisson"``: spikes with the rate
        m * `max_rate_hz`. ``"lif"``: spikes of one leaky integrate-and-fire unit a band, driven by m times the current
        at which it fires with `max_rate_hz`; it is silent where this is below its threshold.
    gain : float
        Factor on the scaled values, > 0 (so on the rates, or the units' drive).
    clip : float or None
        Currents are cut off at plus and minus this.
    max_rate_hz : float
        Rate (Hz) at the loudest of the training data.
    tau, t_ref : str or float
        Membrane time constant and refractory time of the units; `t_ref` is a multiple of dt.

    Attributes
    ----------
    mean_, sd_, low_, span_ : ndarray, shape (bands,)
        Of the compressed cochleagrams of the training data.
    """

    def __init__(
        self,
        rate_hz: float = 8000.0,
        bands: int = 64,
        frame: Any = "5 ms",
        f_min: float = 80.0,
        f_max: float | None = None,
        scale: str = "erb",
        compression: str = "log",
        level: str | None = None,
        output: str = "current",
        gain: float = 1.0,
        clip: float | None = 3.0,
        max_rate_hz: float = 100.0,
        tau: Any = "10 ms",
        t_ref: Any = "2 ms",
    ) -> None:
        self.rate_hz = rate_hz
        self.bands = bands
        self.frame = frame
        self.f_min = f_min
        self.f_max = f_max
        self.scale = scale
        self.compression = compression
        self.level = level
        self.output = output
        self.gain = gain
        self.clip = clip
        self.max_rate_hz = max_rate_hz
        self.tau = tau
        self.t_ref = t_ref

    def _makes(self) -> str:
        return "current" if self.output == "current" else "events"

    def _check(self) -> None:
        checks.one_of("output", self.output, OUTPUTS, error=StimulusError)
        checks.real("gain", self.gain, above=0.0, error=StimulusError)
        if self.clip is not None:
            checks.real("clip", self.clip, above=0.0, error=StimulusError)
        rate, rest = (
            checks.real("max_rate_hz", self.max_rate_hz, above=0.0, error=StimulusError),
            checks.duration("t_ref", self.t_ref, positive=False),
        )
        checks.duration("tau", self.tau)
        if self.output == "lif" and rate * rest >= 1e3:
            raise StimulusError(
                f"max_rate_hz must be below 1 / t_ref = {1e3 / rest:g} Hz, got {rate:g} Hz: lower one of them"
            )

    def _read(self, x: Any) -> Any:
        if isinstance(x, tuple) and len(x) == 2 and np.ndim(x[0]) == 0 and np.ndim(x[1]) > 0:
            if x[0] != self.rate_hz:
                raise StimulusError(
                    f"the recording has a rate of {x[0]:g} Hz, the encoder rate_hz = {self.rate_hz:g} Hz: set rate_hz, "
                    "or resample it (scipy.signal.resample_poly)"
                )
            x = x[1]
        if isinstance(x, np.ndarray) and x.dtype in (np.int16, np.int32):
            return x / -float(np.iinfo(x.dtype).min)
        return x

    def features(self, x: Any) -> Array:
        """The compressed cochleagram, not scaled: what a baseline without a network gets. Shape (frames, bands)."""
        return cochleagram(
            self._read(x),
            self.rate_hz,
            bands=self.bands,
            frame=self.frame,
            f_min=self.f_min,
            f_max=self.f_max,
            scale=self.scale,
            compression=self.compression,
            level=self.level,
        )

    def _learn(self, arrays: list[Array]) -> None:
        def all_features() -> Iterator[Array]:
            for k, x in enumerate(arrays):
                try:
                    yield self.features(x)
                except StimulusError as error:
                    raise StimulusError(f"sample {k}: {error}") from None

        s = Scaling(all_features())
        self.mean_, self.sd_, self.low_, self.span_ = s.mean, s.sd, s.low, s.span
        self.n_channels_ = self.mean_.size

    def _encode(self, x: Array, hold: float, dt: float, seed: int) -> Stimulus:
        features = self.features(x)
        if features.shape[1] != self.n_channels_:
            raise StimulusError(f"bands = {self.bands} since the fit with {self.n_channels_} bands: fit again")
        about = {"source": "audio", "output": self.output, "frame": checks.duration("frame", self.frame)}
        if self.output == "current":
            values = self.gain * (features - self.mean_) * inverse(self.sd_)
            if self.clip is not None:
                values = np.clip(values, -self.clip, self.clip)
            return Stimulus("current", values, hold, description=about)
        share = self.gain * np.clip((features - self.low_) * inverse(self.span_), 0.0, 1.0)
        if self.output == "poisson":
            out = poisson_stimulus(self.max_rate_hz * share, hold, seed, dt=dt)
            return replace(out, description={**about, "seed": int(seed)})
        tau, t_ref = checks.duration("tau", self.tau), checks.duration("t_ref", self.t_ref, positive=False)
        rest = units.steps(t_ref, dt, "t_ref") if t_ref > 0 else 0
        drive = share * lif_drive(self.max_rate_hz, tau, t_ref)
        step, band = lif_spikes(drive, units.steps(hold, dt, "hold"), dt, tau, rest)
        out = event_stimulus(step * dt, band, n_channels=self.n_channels_, hold=hold, samples=len(features))
        return replace(out, description=about)
