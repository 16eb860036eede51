"""Encoders of series: currents, Poisson spikes and level crossings, and the choice of one by name."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from hetero_rsnn.common import checks, memory, units
from hetero_rsnn.common.errors import StimulusError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.encoder_base import Encoder
from hetero_rsnn.inputs.samples import Scaling, as_series, inverse
from hetero_rsnn.inputs.spike_coding import crossed_levels, crossing_events
from hetero_rsnn.inputs.stimulus import Stimulus, event_stimulus, poisson_stimulus

__all__ = ["CurrentEncoder", "DeltaEncoder", "Encoder", "PoissonEncoder", "as_series", "make_encoder"]
#: How `CurrentEncoder` scales a channel.
SCALINGS = ("zscore", "minmax", "none")


class CurrentEncoder(Encoder):
    """Inject each row as a current, scaled channel by channel.

    Parameters
    ----------
    scaling : {"zscore", "minmax", "none"}
        Learnt on the training data: to mean 0 and standard deviation 1, to the range -1 to 1, or none. A constant
        channel becomes 0 (but not with ``"none"``).
    gain : float
        Factor after scaling, > 0.
    clip : float or None
        Values (after the gain) are cut off at plus and minus this. Outliers drive a network out of its range; but what
        is cut off here a linear model of the same input does not see either.
    lags : int
        Each row comes with the `lags` - 1 rows before it, in channels of their own, newest first (delay embedding).
        Before the first row lie copies of it.
    """

    def __init__(self, scaling: str = "zscore", gain: float = 1.0, clip: float | None = None, lags: int = 1) -> None:
        self.scaling = scaling
        self.gain = gain
        self.clip = clip
        self.lags = lags

    def _makes(self) -> str:
        return "current"

    def _check(self) -> None:
        checks.one_of("scaling", self.scaling, SCALINGS, error=StimulusError)
        checks.real("gain", self.gain, above=0.0, error=StimulusError)
        if self.clip is not None:
            checks.real("clip", self.clip, above=0.0, error=StimulusError)
        checks.whole("lags", self.lags, least=1, most=100_000, error=StimulusError)

    def _learn(self, arrays: list[Array]) -> None:
        s = Scaling(arrays)
        self.n_channels_ = s.mean.size * self.lags
        if self.scaling == "zscore":
            self.offset_, self.spread_ = s.mean, s.sd
        elif self.scaling == "minmax":
            self.offset_, self.spread_ = s.low + s.span / 2, s.span / 2
        else:
            self.offset_, self.spread_ = np.zeros_like(s.mean), np.ones_like(s.mean)

    def _encode(self, x: Array, hold: float, dt: float, seed: int) -> Stimulus:
        values = self.gain * (x - self.offset_) * inverse(self.spread_)
        if self.clip is not None:
            values = np.clip(values, -self.clip, self.clip)
        if self.lags > 1:
            memory.fits(
                f"{len(x)} samples of {values.shape[1]} channels at {self.lags} lags",
                16.0 * values.size * self.lags,
                "lower lags",
                error=StimulusError,
            )
            early = np.concatenate([np.repeat(values[:1], self.lags - 1, axis=0), values])
            values = np.concatenate([early[i : i + len(x)] for i in reversed(range(self.lags))], axis=1)
        return Stimulus("current", values, hold, description={"source": "current", "scaling": self.scaling})

    def decode(self, stimulus: Stimulus) -> Array:
        """The sample again, shape (time, channels): exact up to rounding, except where it was clipped."""
        self._own(stimulus, "current")
        newest = stimulus.values[:, : self.n_channels_in_]
        return np.asarray(newest / self.gain * self.spread_ + self.offset_)


class PoissonEncoder(Encoder):
    """Turn each channel into the rate of a Poisson process.

    Parameters
    ----------
    min_rate_hz, max_rate_hz : float
        Rates (Hz) of the lowest and the highest value of the channel in the training data, linear in between; values
        beyond are cut off. A constant channel fires at `min_rate_hz`.
    """

    def __init__(self, min_rate_hz: float = 0.0, max_rate_hz: float = 100.0) -> None:
        self.min_rate_hz = min_rate_hz
        self.max_rate_hz = max_rate_hz

    def _check(self) -> None:
        low = checks.real("min_rate_hz", self.min_rate_hz, least=0.0, error=StimulusError)
        if checks.real("max_rate_hz", self.max_rate_hz, above=0.0, error=StimulusError) <= low:
            raise StimulusError(
                f"max_rate_hz must be above min_rate_hz = {low:g} Hz, got {self.max_rate_hz:g} Hz: raise it"
            )

    def _learn(self, arrays: list[Array]) -> None:
        s = Scaling(arrays)
        self.low_, self.span_ = s.low, s.span

    def _encode(self, x: Array, hold: float, dt: float, seed: int) -> Stimulus:
        share = np.clip((x - self.low_) * inverse(self.span_), 0.0, 1.0)
        rates = self.min_rate_hz + (self.max_rate_hz - self.min_rate_hz) * share
        out = poisson_stimulus(rates, hold, seed, dt=dt)
        return replace(out, description={"source": "poisson encoder", "seed": int(seed), "dt": dt})

    def rates(self, stimulus: Stimulus) -> Array:
        """Maximum-likelihood rates in Hz, shape (samples, channels).

        Of n steps in a sample, k hold an event with probability ``C(n, k) p^k (1 - p)^(n - k)``, p = 1 - exp(-rate dt).
        This is greatest at p = k / n, so ``rate = -ln(1 - k / n) / dt``: infinite if every step holds an event.
        """
        self._own(stimulus, "poisson encoder")
        dt = stimulus.description["dt"]
        steps = units.steps(stimulus.hold, dt, "hold")
        counts = event_stimulus(
            stimulus.event_times,
            stimulus.event_channels,
            n_channels=stimulus.channels,
            hold=stimulus.hold,
            samples=len(stimulus),
        ).values
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log1p(-counts / steps) / (dt / 1e3))

    def decode(self, stimulus: Stimulus) -> Array:
        """Maximum-likelihood values, shape (time, channels), within the range of the training data.

        The rates of `rates`, cut off at `min_rate_hz` and `max_rate_hz` (where the likelihood is greatest if its peak
        lies beyond), turned back into values.
        """
        rates = np.clip(self.rates(stimulus), self.min_rate_hz, self.max_rate_hz)
        share = (rates - self.min_rate_hz) / (self.max_rate_hz - self.min_rate_hz)
        return np.asarray(self.low_ + share * self.span_)


class DeltaEncoder(Encoder):
    """An event whenever a channel has moved by a threshold (level crossing, send-on-delta).

    Channel c becomes the channels 2c (up) and 2c + 1 (down). The first row is the starting level, kept in the
    description of the stimulus. From row k - 1 to row k the signal moves in a straight line during sample k and reaches
    row k at the end of it; events lie at the crossing times, rounded down to the grid, at most one a channel and step.

    Parameters
    ----------
    threshold : float
        In units of the channel's standard deviation in the training data. Channels that are constant there stay silent.

    References
    ----------
    M. Miskowicz (2006), Sensors 6:49 (send-on-delta).
    """

    def __init__(self, threshold: float = 0.25) -> None:
        self.threshold = threshold

    def _check(self) -> None:
        checks.real("threshold", self.threshold, above=0.0, error=StimulusError)

    def _learn(self, arrays: list[Array]) -> None:
        self.sd_ = Scaling(arrays).sd
        self.n_channels_ = 2 * self.sd_.size

    def _encode(self, x: Array, hold: float, dt: float, seed: int) -> Stimulus:
        steps = units.steps(hold, dt, "hold")
        scaled = (x - x[0]) * inverse(self.threshold * self.sd_)
        levels = crossed_levels(scaled)
        self._fit_into(scaled, levels, hold, dt, steps)
        step, channel, up = crossing_events(scaled, levels, steps)
        out = event_stimulus(
            step * dt,
            2 * channel + ~up,
            n_channels=self.n_channels_,
            hold=hold,
            samples=len(x),
        )
        return replace(out, description={"source": "delta encoder", "start": x[0].tolist(), "samples": len(x)})

    def _fit_into(self, scaled: Array, levels: Array, hold: float, dt: float, steps: int) -> None:
        """Refuse a jump of more thresholds than a sample has steps."""
        needed = np.abs(np.diff(levels, axis=0, prepend=0.0))
        if needed.max() <= steps:
            return
        row, channel = (int(i) for i in np.unravel_index(needed.argmax(), needed.shape))
        # A jump of s thresholds crosses at most ceil(s) levels, wherever it starts.
        enough = self.threshold * float(np.abs(np.diff(scaled, axis=0)).max()) / steps
        digit = 10.0 ** (math.floor(math.log10(enough)) - 2)
        raise StimulusError(
            f"the jump to row {row} in channel {channel} crosses {needed.max():.0f} levels, but a hold of {hold:g} ms "
            f"has room for {steps} events a channel (one a step of {dt:g} ms): raise threshold from "
            f"{self.threshold:g} to {math.ceil(enough / digit + 1e-9) * digit:.6g}, or hold to {needed.max() * dt:g} ms"
        )

    def decode(self, stimulus: Stimulus) -> Array:
        """The level at the end of each sample, shape (time, channels): within `threshold` standard deviations of x."""
        self._own(stimulus, "delta encoder")
        start, samples = stimulus.description["start"], stimulus.description["samples"]
        if len(stimulus) != samples:
            raise StimulusError(
                f"decode takes the whole stimulus of {samples} samples, whose start it knows, got {len(stimulus)}: "
                "decode first, then cut"
            )
        moves = np.cumsum(stimulus.values[:, 0::2] - stimulus.values[:, 1::2], axis=0)
        return np.asarray(start + moves * (self.threshold * self.sd_))


def make_encoder(encoder: Any) -> Encoder:
    """An unfitted encoder: a copy of the given one, or one of "current", "poisson", "delta" and "audio" as it comes.

    Raises
    ------
    StimulusError
        For anything else.
    """
    if isinstance(encoder, Encoder):
        copy: Encoder = clone(encoder)
        return copy
    from hetero_rsnn.inputs.audio import AudioEncoder  # builds on this module

    known = {"current": CurrentEncoder, "poisson": PoissonEncoder, "delta": DeltaEncoder, "audio": AudioEncoder}
    if isinstance(encoder, str) and encoder in known:
        made: Encoder = known[encoder]()
        return made
    if isinstance(encoder, type) and issubclass(encoder, Encoder):
        raise StimulusError(f"encoder must be an instance, got the class {encoder.__name__}: {encoder.__name__}()")
    hint = suggest(encoder, known) if isinstance(encoder, str) else ""
    raise StimulusError(
        f"encoder must be an Encoder or one of {', '.join(map(repr, known))}, got {encoder!r}{hint}: use one of these"
    )
