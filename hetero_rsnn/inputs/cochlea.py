"""A filterbank like the ear's, and its output frame by frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import sosfilt

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.samples import as_series

__all__ = ["cochleagram", "filterbank"]
#: Scales on which the centre frequencies are evenly spaced.
SCALES = ("erb", "mel")
#: How the loudness of a frame is compressed.
COMPRESSIONS = ("log", "power", "none")
#: What is added before the logarithm: about what rounding to 16 bits adds to a recording.
FLOOR = 1e-5
#: Exponent of the power compression (Stevens: loudness grows with about the power 0.3 of the sound's energy).
POWER = 0.3

#: How recordings can be made equally loud.
LEVELS = ("peak", "running")
#: Least energy that counts as the loudest so far.
HUSH = 1e-2

#: Sections of a filter: the order of the gammatone filters that fit human hearing.
_ORDER = 4
#: Bandwidth of a gammatone filter of order 4 in units of its equivalent rectangular bandwidth (Patterson 1992).
_WIDTH = 1.019
#: Energy that only the tone against slow numbers has.
_NOTHING = 1e-20
#: A waveform is in units of full scale; more than this is a recording in whole numbers that nobody divided.
_LOUDEST = 100.0


def _to_scale(hz: float, scale: str) -> float:
    if scale == "mel":
        return 2595.0 * math.log10(1.0 + hz / 700.0)
    return 21.4 * math.log10(1.0 + 4.37e-3 * hz)


def _to_hz(value: Array, scale: str) -> Array:
    if scale == "mel":
        return np.asarray(700.0 * (10.0 ** (value / 2595.0) - 1.0))
    return np.asarray((10.0 ** (value / 21.4) - 1.0) / 4.37e-3)


def filterbank(
    rate_hz: float, bands: int, *, f_min: float = 80.0, f_max: float | None = None, scale: str = "erb"
) -> tuple[Array, Array]:
    """Bandpass filters like those of the inner ear.

    Each is four equal two-pole resonators in a row, with zeros at 0 Hz and at half the rate. Around its centre
    frequency f this has the magnitude of the gammatone filter, ``(1 + ((x - f) / b)^2)^-2`` with ``b = 1.019 ERB(f)``
    and ``ERB(f) = 24.7 (0.00437 f + 1)`` Hz; unlike the gammatone, its gain is greatest, and exactly 1, at f itself.
    Filters that lie further apart than their ERB get that distance for it, so that no frequency falls between them.

    Parameters
    ----------
    rate_hz : float
        Sampling rate in Hz.
    bands : int
        Number of filters, 1 to 2000.
    f_min, f_max : float
        Lowest and highest centre frequency in Hz. `f_max` defaults to 0.45 of the rate.
    scale : {"erb", "mel"}
        On which the centre frequencies are evenly spaced.

    Returns
    -------
    centres : ndarray, shape (bands,)
        In Hz, ascending.
    sections : ndarray, shape (bands, 4, 6)
        Second-order sections, one filter a row, as ``scipy.signal.sosfilt`` takes them.

    Raises
    ------
    StimulusError
        For a number of bands outside 1 to 2000, or frequencies that are not ``0 < f_min < f_max <`` half the rate.

    References
    ----------
    B. R. Glasberg and B. C. J. Moore (1990), Hearing Research 47:103 (ERB, its scale). R. D. Patterson et al. (1992),
    in Auditory Physiology and Perception, 429 (gammatone). A. G. Katsiamis, E. M. Drakakis and R. F. Lyon (2007),
    EURASIP J. Audio, Speech, and Music Processing 2007:63685 (resonators in a row). D. O'Shaughnessy (1987), Speech
    Communication, 150 (mel).
    """
    rate = checks.real("rate_hz", rate_hz, above=0.0, error=StimulusError)
    count = checks.whole("bands", bands, least=1, most=2000, error=StimulusError)
    checks.one_of("scale", scale, SCALES, error=StimulusError)
    low = checks.real("f_min", f_min, above=0.0, error=StimulusError)
    high = 0.45 * rate if f_max is None else checks.real("f_max", f_max, above=0.0, error=StimulusError)
    if high >= rate / 2:
        raise StimulusError(
            f"f_max must be below half the rate, {rate / 2:g} Hz, got {high:g} Hz: lower it, or leave it away"
        )
    if low >= high:
        raise StimulusError(f"f_min must be below f_max = {high:g} Hz, got {low:g} Hz: lower f_min")
    first, last = _to_scale(low, scale), _to_scale(high, scale)
    places = np.linspace(first, last, count) if count > 1 else np.array([(first + last) / 2])
    centres = _to_hz(places, scale)
    spacing = np.gradient(centres) if count > 1 else np.array([high - low])
    erb = np.maximum(24.7 * (4.37e-3 * centres + 1.0), spacing)
    width = np.minimum(2 * _WIDTH * erb, 0.45 * rate)  # half-power width of a section; a digital one ends at rate / 2
    gain = 1.0 / (1.0 + np.tan(np.pi * width / rate))
    section = np.zeros((count, 6))
    section[:, 0], section[:, 2], section[:, 3] = 1.0 - gain, gain - 1.0, 1.0
    section[:, 4], section[:, 5] = -2.0 * gain * np.cos(2 * np.pi * centres / rate), 2.0 * gain - 1.0
    return centres, np.repeat(section[:, None], _ORDER, axis=1)


def cochleagram(
    waveform: ArrayLike,
    rate_hz: float,
    *,
    bands: int = 64,
    frame: Any = "10 ms",
    f_min: float = 80.0,
    f_max: float | None = None,
    scale: str = "erb",
    compression: str = "log",
    level: str | None = None,
) -> Array:
    """What the bands of a filterbank put out, frame by frame.

    Each band is filtered in the time domain (causally: a sound shows after a delay of about 14 ms at 80 Hz and 4 ms at
    1 kHz), half-wave rectified, averaged over each frame and compressed. A tone of amplitude A gives A / pi in the
    band of its frequency, before compression. What is left after the last full frame is dropped.

    Parameters
    ----------
    waveform : array, shape (time,) or (time, 1)
        In units of full scale, -1 to 1.
    rate_hz : float
        Its sampling rate in Hz.
    bands, f_min, f_max, scale
        See `filterbank`.
    frame : str or float
        Length of a frame, e.g. ``"10 ms"`` (a plain number is in ms); a whole number of waveform samples.
    compression : {"log", "power", "none"}
        ``log10(1e-5 + e)``, ``e ** 0.3``, or e itself.
    level : {"peak", "running"}, optional
        Divide by the loudest band and frame of the recording; or, causally, by the loudest so far, but not by less than
        0.01, so that noise before the first sound stays low. Speakers and microphones differ in loudness.

    Returns
    -------
    ndarray, shape (frames, bands)

    Raises
    ------
    StimulusError
        For a waveform that is empty, silent, not finite, not in units of full scale or shorter than one frame, and what
        `filterbank` refuses.
    """
    rate = checks.real("rate_hz", rate_hz, above=0.0, error=StimulusError)
    _, sections = filterbank(rate, bands, f_min=f_min, f_max=f_max, scale=scale)
    checks.one_of("compression", compression, COMPRESSIONS, error=StimulusError)
    if level is not None:
        checks.one_of("level", level, LEVELS, error=StimulusError)
    size = _frame_size(frame, rate)
    wave = _checked(waveform)
    frames = wave.size // size
    if frames == 0:
        raise StimulusError(
            f"the waveform has {wave.size} samples ({wave.size / rate * 1e3:g} ms), less than a frame of {size}: "
            "give a longer one, or shorten frame"
        )
    # After a sound the filters ring down, to numbers so small that the processor is slow with them: a tone far below
    # the resolution of any recording keeps them larger.
    wave = wave[: frames * size] + np.resize([1e-25, 1e-25, -1e-25, -1e-25], frames * size)
    out = np.empty((frames, len(sections)))
    for band, sos in enumerate(sections):  # one after the other: all outputs at once would not fit the cache
        y = sosfilt(sos, wave)
        out[:, band] = np.maximum(y, 0.0, out=y).reshape(frames, size).mean(axis=1)
    return compress(level_out(out, level), compression)


def level_out(energies: Array, level: str | None) -> Array:
    """Make recordings equally loud: by their loudest band and frame, or by the loudest so far (see `cochleagram`)."""
    if level is None:
        return energies
    checks.one_of("level", level, LEVELS, error=StimulusError)
    loudest = energies.max(axis=1)
    if level == "peak":
        if loudest.max() < _NOTHING:
            raise StimulusError("the waveform is silent but for what lies beyond its last full frame: leave it out")
        return np.asarray(energies / loudest.max())
    return np.asarray(energies / np.maximum(np.maximum.accumulate(loudest), HUSH)[:, None])


def compress(energies: Array, compression: str) -> Array:
    """Loudness of energies, see `cochleagram`."""
    if compression == "log":
        return np.asarray(np.log10(FLOOR + energies))
    return np.asarray(energies**POWER) if compression == "power" else energies


def _frame_size(frame: Any, rate: float) -> int:
    """Waveform samples in a frame."""
    length = checks.duration("frame", frame)
    exact = length * rate / 1e3
    size = round(exact)
    if size < 1 or abs(exact - size) > 1e-6:
        raise StimulusError(
            f"frame must be a whole number of waveform samples at {rate:g} Hz, got {length:g} ms = {exact:g} samples: "
            f"use {max(size, 1) / rate * 1e3:.9g} ms"
        )
    return size


def _checked(waveform: ArrayLike) -> Array:
    """A waveform of shape (time,) that can be heard."""
    wave = as_series([waveform], "waveform", arrays_only=True)[0]
    if wave.shape[1] != 1:
        raise StimulusError(
            f"a waveform has one channel, got {wave.shape[1]}: take one, or their mean (shape (time,) or (time, 1))"
        )
    wave = wave[:, 0]
    loudest = float(np.abs(wave).max())
    if loudest == 0.0:
        raise StimulusError(
            f"the waveform is silent (all {wave.size} samples are 0): a recording needs some sound, leave it out"
        )
    if loudest > _LOUDEST:
        raise StimulusError(
            f"the waveform must be in units of full scale (-1 to 1), got {loudest:g}: divide 16-bit samples by 32768"
        )
    return wave
