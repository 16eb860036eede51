"""Sound: filters against their formulas, tones in their bands, units at their rate, and every refusal."""

from __future__ import annotations

from functools import partial
from typing import Any

import helpers
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import sosfreqz
from sklearn.base import clone

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, StimulusError, UnitError
from hetero_rsnn.inputs.audio import AudioEncoder, cochleagram, filterbank
from hetero_rsnn.inputs.spike_coding import lif_drive, lif_spikes
from hetero_rsnn.theory.neuron import lif_rate

Array = NDArray[np.float64]

RATE = 8000.0


def tone(hz: float, seconds: float = 1.0, amplitude: float = 0.5, rate: float = RATE) -> Array:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def sounds(seed: int = 0) -> list[Array]:
    """Noise whose loudness and colour change, of unequal length."""
    rng = np.random.default_rng(seed)
    return [tone(200 + 700 * k, 0.1 + 0.07 * k) + 10.0 ** -(k + 1) * rng.normal(size=800 + 560 * k) for k in range(4)]


#: One line that holds all the words.
refused = partial(helpers.refused, error=StimulusError)


# Filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["erb", "mel"])
def test_centre_frequencies(scale: str) -> None:
    centres, sections = filterbank(16000, 50, f_min=100, f_max=6000, scale=scale)
    assert centres.shape == (50,) and sections.shape == (50, 4, 6)
    np.testing.assert_allclose(centres[[0, -1]], [100, 6000])
    places = 2595 * np.log10(1 + centres / 700) if scale == "mel" else 21.4 * np.log10(1 + 0.00437 * centres)
    np.testing.assert_allclose(np.diff(places), (places[-1] - places[0]) / 49)
    corner = {"mel": 700.0, "erb": 1 / 0.00437}[scale]  # a single band lies in the middle of the scale
    middle = np.sqrt((corner + 100) * (corner + 6000)) - corner
    np.testing.assert_allclose(filterbank(16000, 1, f_min=100, f_max=6000, scale=scale)[0], [middle])
    np.testing.assert_allclose(filterbank(8000, 3)[0][[0, -1]], [80, 3600])  # what is taken if nothing is said


@pytest.mark.parametrize("bands", [1, 4, 60, pytest.param(700, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rate", [8000.0, 44100.0])
def test_gain_is_one_at_the_centre_and_nowhere_more(bands: int, rate: float) -> None:
    centres, sections = filterbank(rate, bands)
    frequencies = np.linspace(1, rate / 2 - 1, 4001)
    for centre, sos in list(zip(centres, sections, strict=True))[:: max(1, bands // 20)]:
        assert abs(sosfreqz(sos, [centre], fs=rate)[1][0]) == pytest.approx(1, abs=1e-9)
        assert np.abs(sosfreqz(sos, frequencies, fs=rate)[1]).max() <= 1 + 1e-9
        poles = np.concatenate([np.roots(section[3:]) for section in sos])
        assert (np.abs(poles) < 1).all()


def test_filters_are_like_gammatones() -> None:
    """Near the centre, and far below half the rate: (1 + ((x - f) / b)^2)^-2, b = 1.019 ERB."""
    centres, sections = filterbank(96000.0, 64, f_min=200, f_max=4000)
    for centre, sos in zip(centres, sections, strict=True):
        b = 1.019 * 24.7 * (4.37e-3 * centre + 1)
        x = centre + b * np.linspace(-0.6, 0.6, 7)
        expected = (1 + ((x - centre) / b) ** 2) ** -2
        np.testing.assert_allclose(np.abs(sosfreqz(sos, x, fs=96000.0)[1]), expected, atol=0.06)


@pytest.mark.parametrize("rate", [8000.0, 44100.0])
def test_half_power_widths_are_exact(rate: float) -> None:
    """The half-power width of a section is 2 b, also near half the rate: four have 1/4 of the amplitude at its edges.

    The edges x, y of a digital two-pole resonator obey ``cos(w0) cos((y - x) / 2) = cos((x + y) / 2)``.
    """
    centres, sections = filterbank(rate, 40)
    for centre, sos in zip(centres, sections, strict=True):
        half = np.pi * 2 * 1.019 * 24.7 * (4.37e-3 * centre + 1) / rate
        if 24.7 * (4.37e-3 * centre + 1) < np.gradient(centres)[centres == centre][0]:
            continue  # widened, since the bands lie further apart
        middle = np.arccos(np.cos(2 * np.pi * centre / rate) * np.cos(half))
        edges = (middle + np.array([-half, half])) * rate / (2 * np.pi)
        edges = edges[(edges > 0) & (edges < rate / 2)]
        np.testing.assert_allclose(np.abs(sosfreqz(sos, edges, fs=rate)[1]), 0.25, rtol=1e-6)


def test_few_bands_leave_no_gap() -> None:
    centres, sections = filterbank(RATE, 6)
    x = np.linspace(centres[0], centres[-1], 500)
    loudest = np.max([np.abs(sosfreqz(sos, x, fs=RATE)[1]) for sos in sections], axis=0)
    assert loudest.min() > 0.5


# Cochleagrams ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["erb", "mel"])
@pytest.mark.parametrize("bands", [60, pytest.param(700, marks=pytest.mark.slow)])
def test_a_tone_peaks_in_the_nearest_band(bands: int, scale: str) -> None:
    """Over many frequencies. Odd ones, so that their samples meet every phase; between two bands either may win."""
    centres, _ = filterbank(RATE, bands, scale=scale)
    wrong = []
    tested = 0
    for hz in np.random.default_rng(bands).choice(np.arange(91, 3571, 2), 30 if bands == 60 else 14, replace=False):
        distance = np.sort(np.abs(centres - hz))
        if distance[1] - distance[0] < 0.1 * (distance[1] + distance[0]):
            continue
        tested += 1
        e = cochleagram(tone(hz, 0.75), RATE, bands=bands, frame="250 ms", scale=scale, compression="none")
        if e[1:].mean(axis=0).argmax() != np.abs(centres - hz).argmin():
            wrong.append(hz)
    assert tested >= 10 and not wrong


def test_tones_at_the_centres_of_bands() -> None:
    """Their band is the loudest, with A / pi, the mean of a half-wave of amplitude A."""
    centres, _ = filterbank(RATE, 60)
    for band in range(0, 60, 7):
        e = cochleagram(tone(centres[band], 2.0, 0.8), RATE, frame="1 s", bands=60, compression="none")[1]
        assert e.argmax() == band
        assert e[band] == pytest.approx(0.8 / np.pi, rel=0.01)


def test_frames_and_compression() -> None:
    x = sounds()[2]
    e = cochleagram(x, RATE, bands=20, frame="7 ms", compression="none")
    assert e.shape == (x.size // 56, 20) and (e >= 0).all()
    np.testing.assert_allclose(cochleagram(x, RATE, bands=20, frame=7.0), np.log10(1e-5 + e))
    np.testing.assert_allclose(cochleagram(x, RATE, bands=20, frame=7, compression="power"), e**0.3)
    # Twice as long frames hold the means of two.
    long = cochleagram(x, RATE, bands=20, frame="14 ms", compression="none")
    np.testing.assert_allclose(long, e[: 2 * len(long)].reshape(-1, 2, 20).mean(axis=1), rtol=1e-9)
    # Without compression it is linear in the loudness, and causal.
    np.testing.assert_allclose(cochleagram(3 * x, RATE, bands=20, frame=7, compression="none"), 3 * e, rtol=1e-9)
    np.testing.assert_array_equal(cochleagram(x[: 56 * 5], RATE, bands=20, frame=7, compression="none"), e[:5])
    np.testing.assert_array_equal(cochleagram(x[:, None], RATE, bands=20, frame=7, compression="none"), e)


def test_frames_are_means_of_the_rectified_filter_output() -> None:
    """Against the plain recursion, sample by sample."""
    x = sounds()[0][:320]
    _, sections = filterbank(RATE, 3)
    out = cochleagram(x, RATE, bands=3, frame="10 ms", compression="none")
    for band in range(3):
        y = x.copy()
        for b0, b1, b2, _, a1, a2 in sections[band]:
            z = np.zeros(y.size + 2)
            padded = np.concatenate([[0.0, 0.0], y])
            for n in range(2, z.size):
                z[n] = b0 * padded[n] + b1 * padded[n - 1] + b2 * padded[n - 2] - a1 * z[n - 1] - a2 * z[n - 2]
            y = z[2:]
        np.testing.assert_allclose(out[:, band], np.maximum(y, 0).reshape(4, 80).mean(axis=1), rtol=1e-9)


def test_silence_after_a_sound_is_not_slow() -> None:
    """Filters must not ring down to denormal numbers, which processors are slow with; nor may what prevents it show."""
    sound = np.zeros(24_000)
    sound[:2000] = np.random.default_rng(0).normal(size=2000) * 0.1
    e = cochleagram(sound, RATE, compression="none")
    assert e[-20:].min() > 1e-100 and e[-20:].max() < 1e-20


@pytest.mark.parametrize("compression", ["log", "power", "none"])
def test_level_of_the_peak_takes_loudness_out(compression: str) -> None:
    x = sounds()[1]
    options: dict[str, Any] = {"bands": 20, "compression": compression}
    e = cochleagram(x, RATE, bands=20, compression="none")
    found = cochleagram(x, RATE, level="peak", **options)
    expected = {"log": np.log10(1e-5 + e / e.max()), "power": (e / e.max()) ** 0.3, "none": e / e.max()}[compression]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    for factor in (1e-3, 0.2, 7.0):
        np.testing.assert_allclose(cochleagram(factor * x, RATE, level="peak", **options), found, rtol=1e-6)
        assert not np.allclose(cochleagram(factor * x, RATE, **options), cochleagram(x, RATE, **options), rtol=1e-3)


def test_running_level_by_hand() -> None:
    """The loudest band of all frames so far, but no less than 0.01."""
    x = np.concatenate([0.001 * tone(400, 0.05), tone(500, 0.05, 0.2), tone(2000, 0.1, 0.7), tone(300, 0.1, 0.05)])
    e = cochleagram(x, RATE, bands=15, frame="5 ms", compression="none")
    found = cochleagram(x, RATE, bands=15, frame="5 ms", compression="none", level="running")
    loudest = 0.01
    for k, row in enumerate(e):
        loudest = max(loudest, row.max())
        np.testing.assert_allclose(found[k], row / loudest, rtol=1e-12)
    np.testing.assert_allclose(found[:10], e[:10] / 0.01, rtol=1e-12)  # noise before the sound stays low
    assert found[:10].max() < 0.1 and found.max() == 1.0


def test_running_level_is_causal_and_becomes_that_of_the_peak() -> None:
    for x in sounds():
        options: dict[str, Any] = {"bands": 12, "frame": "10 ms", "level": "running"}
        whole = cochleagram(x, RATE, **options)
        for frames in (1, 4, 9):
            np.testing.assert_array_equal(cochleagram(x[: 80 * frames], RATE, **options), whole[:frames])
        peak = cochleagram(x, RATE, **{**options, "level": "peak"})
        plain = cochleagram(x, RATE, **{**options, "level": None})
        first = int(plain.max(axis=1).argmax())
        np.testing.assert_allclose(whole[first:], peak[first:], rtol=1e-9, atol=1e-12)
        if first:
            assert (whole[:first] > peak[:first]).any()
        # The peak is not causal: a louder sound at the end changes the first frame.
        louder = np.concatenate([x, tone(700, 0.05, 40.0)])
        assert not np.allclose(cochleagram(louder, RATE, **{**options, "level": "peak"})[0], peak[0], rtol=1e-3)


def test_levels_of_the_encoder() -> None:
    X = sounds()
    for level in ("peak", "running", None):
        encoder = AudioEncoder(bands=10, level=level).fit(X)
        np.testing.assert_array_equal(
            encoder.features(X[2]), cochleagram(X[2], RATE, bands=10, frame="5 ms", level=level)
        )
    peak = AudioEncoder(bands=10, level="peak").fit(X)
    np.testing.assert_allclose(
        peak.encode(0.05 * X[2], hold=5.0).values, peak.encode(X[2], hold=5.0).values, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("peek", ["unknown level 'peek'", "did you mean 'peak'", "peak, running"]),
        (True, ["unknown level True", "peak, running"]),
        ("", ["unknown level ''"]),
    ],
)
def test_refused_levels(level: Any, words: list[str]) -> None:
    refused(lambda: cochleagram(tone(300), RATE, level=level), *words)
    refused(lambda: AudioEncoder(level=level).fit(sounds()), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": 0}, ["bands", "1 to 2000", "0"]),
        ({"bands": 2001}, ["bands", "1 to 2000", "2001"]),
        ({"bands": 3.0}, ["bands", "3.0"]),
        ({"bands": True}, ["bands", "True"]),
        ({"rate_hz": 0}, ["rate_hz", "> 0", "0"]),
        ({"rate_hz": np.nan}, ["rate_hz", "finite", "nan"]),
        ({"f_min": 0.0}, ["f_min", "> 0", "0.0"]),
        ({"f_min": 3700.0}, ["f_min must be below f_max = 3600 Hz", "3700 Hz", "lower"]),
        ({"f_max": 4000.0}, ["f_max must be below half the rate, 4000 Hz", "got 4000 Hz", "lower it"]),
        ({"f_max": "high"}, ["f_max", "'high'"]),
        ({"scale": "merl"}, ["unknown scale 'merl'", "did you mean 'mel'"]),
    ],
)
def test_refused_filters(options: dict[str, Any], words: list[str]) -> None:
    refused(lambda: filterbank(**{"rate_hz": RATE, "bands": 8, **options}), *words)
    refused(lambda: cochleagram(tone(300), **{"rate_hz": RATE, "bands": 8, **options}), *words)
    refused(lambda: AudioEncoder(**options).fit(sounds()), *words)


def test_refused_times_of_units() -> None:
    refused(lambda: AudioEncoder(tau=0.0).fit(sounds()), "tau must be > 0 ms, got 0 ms", error=UnitError)
    refused(lambda: AudioEncoder(t_ref=-1.0).fit(sounds()), "t_ref must be >= 0 ms, got -1 ms", error=UnitError)


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (np.zeros(800), ["silent", "all 800 samples are 0", "leave it out"]),
        (np.zeros(0), ["empty"]),
        (np.array([0.1, np.nan]), ["finite", "nan at row 1", "fill the gap"]),
        (tone(300, 0.009), ["72 samples (9 ms)", "less than a frame of 80", "longer"]),
        (np.ones((800, 2)), ["one channel, got 2", "mean"]),
        (tone(300) * 20_000, ["full scale (-1 to 1)", "10000", "divide 16-bit samples by 32768"]),
        (np.array(["a"]), ["real numbers"]),
    ],
)
def test_refused_waveforms(waveform: Any, words: list[str]) -> None:
    refused(lambda: cochleagram(waveform, RATE), *words)
    encoder = AudioEncoder(frame="10 ms", bands=8)
    refused(lambda: encoder.features(waveform), *words)
    at_encode = ["2 channels", "fitted on 1"] if np.ndim(waveform) == 2 else words
    refused(lambda: encoder.fit(sounds()).encode(waveform, hold=5.0), *at_encode)


@pytest.mark.parametrize(
    ("frame", "words", "error"),
    [
        ("10.05 ms", ["whole number of waveform samples at 8000 Hz", "10.05 ms = 80.4 samples", "use 10 ms"], None),
        ("0.01 ms", ["0.08 samples", "use 0.125 ms"], None),
        (0, ["frame must be > 0 ms, got 0 ms"], UnitError),
        ("10", ["frame", "write e.g. frame='10 ms'"], UnitError),
        ("10 Hz", ["frame", "10 Hz"], UnitError),
    ],
)
def test_refused_frames(frame: Any, words: list[str], error: type[HeteroError] | None) -> None:
    refused(lambda: cochleagram(tone(300), RATE, frame=frame), *words, error=error or StimulusError)
    assert cochleagram(tone(300), 44100, frame="10 ms", bands=2).shape == (18, 2)


# Integrate and fire ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [1.0, 0.25, 0.1])
def test_units_fire_at_their_rate(dt: float) -> None:
    """Intervals of t_ref + tau ln(I / (I - 1)), rounded up to the grid."""
    tau, t_ref = 12.0, 3.0
    drive = np.array([0.0, 0.99, 1.0, 1.01, 1.3, 2.0, 7.0, 1e4])
    steps, channels = lif_spikes(np.tile(drive, (40, 1)), round(25 / dt), dt, tau, round(t_ref / dt))
    assert (np.diff(steps) >= 0).all()
    for c, i in enumerate(drive):
        times = steps[channels == c] * dt
        if i <= 1:
            assert times.size == 0 and lif_rate(i, tau, t_ref=t_ref) == 0
            continue
        expected = 1e3 / lif_rate(i, tau, t_ref=t_ref)
        assert expected == pytest.approx(t_ref + tau * np.log(i / (i - 1)))
        gaps = np.diff(times)
        assert gaps.size >= 9 and np.ptp(gaps) < 1e-9
        assert expected - 1e-9 <= gaps[0] < expected + dt + 1e-9
        assert times[0] == pytest.approx(gaps[0] - t_ref - dt)  # it starts at rest
        assert lif_drive(lif_rate(i, tau, t_ref=t_ref), tau, t_ref) == pytest.approx(i, rel=1e-9)


def test_units_are_exact_for_a_changing_drive() -> None:
    """Grids twice as fine see the same membrane: spikes differ by the rounding to the grid alone."""
    drive = np.random.default_rng(0).uniform(0.5, 2.5, (40, 2))
    coarse, fine = (lif_spikes(drive, s, 10 / s, 15.0, 0) for s in (100, 2000))
    for c in range(2):
        a, b = coarse[0][coarse[1] == c] * 0.1, fine[0][fine[1] == c] * 0.005
        assert abs(a.size - b.size) <= 1 and a.size > 20
        assert abs(a[0] - b[0]) <= 0.1


# The encoder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["current", "poisson", "lif"])
def test_recordings_drive_a_network(output: str) -> None:
    encoder = AudioEncoder(bands=12, output=output, frame="5 ms", max_rate_hz=200.0).fit(sounds())
    assert (encoder.n_channels_in_, encoder.n_channels_) == (1, 12)
    x = sounds()[3]
    stimulus = encoder.encode(x, hold="10 ms", dt=0.5, seed=1)
    assert (len(stimulus), stimulus.channels, stimulus.hold) == (x.size // 40, 12, 10.0)
    assert stimulus.kind == encoder.kind == ("current" if output == "current" else "events")
    again = clone(encoder).fit(sounds()).encode(x[:, None], hold=10.0, dt="0.5 ms", seed=1)
    np.testing.assert_array_equal(again.values, stimulus.values)
    np.testing.assert_array_equal(again.event_times, stimulus.event_times)
    other = encoder.encode(x, hold="10 ms", dt=0.5, seed=2)
    assert np.array_equal(other.event_times, stimulus.event_times) == (output != "poisson")
    net = hr.load_network("henhes", n=50, dt="0.5 ms", **{"input.channels": 12})
    assert hr.simulate(hr.draw(net, seed=1), stimulus).samples == len(stimulus)


def test_currents_of_bands_have_mean_0_and_spread_1() -> None:
    encoder = AudioEncoder(bands=16, gain=0.5, clip=None).fit(sounds())
    values = np.concatenate([encoder.encode(x, hold=5.0).values for x in sounds()])
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(values.std(axis=0), 0.5)
    features = np.concatenate([encoder.features(x) for x in sounds()])
    np.testing.assert_allclose(values, 0.5 * (features - features.mean(axis=0)) / features.std(axis=0), atol=1e-9)
    np.testing.assert_array_equal(encoder.features(sounds()[1]), cochleagram(sounds()[1], RATE, bands=16, frame=5))
    clipped = AudioEncoder(bands=16, gain=0.5, clip=0.4).fit(sounds()).encode(sounds()[0], hold=5.0).values
    np.testing.assert_allclose(clipped, np.clip(values[: len(clipped)], -0.4, 0.4), atol=1e-9)


def test_spikes_of_bands_follow_their_range() -> None:
    encoder = AudioEncoder(bands=8, output="poisson", max_rate_hz=150.0).fit(sounds())
    rates = [encoder.encode(x, hold=5.0).values for x in sounds()]
    rows = np.concatenate(rates)
    np.testing.assert_allclose([rows.min(axis=0), rows.max(axis=0)], [[0] * 8, [150] * 8], atol=1e-9)
    louder = encoder.encode(sounds()[0] * 50, hold=5.0).values
    assert louder.max() == pytest.approx(150.0)
    # A unit fires at most as fast as at the loudest, whose drive is that of max_rate_hz.
    units = AudioEncoder(bands=8, output="lif", max_rate_hz=150.0, tau=8.0, t_ref=1.0).fit(sounds())
    stimulus = units.encode(np.tile(sounds()[0] * 50, 5), hold=40.0, dt=0.1)
    for c in range(8):
        gaps = np.diff(stimulus.event_times[stimulus.event_channels == c])
        assert gaps.size > 5 and gaps.min() >= 1e3 / 150 - 1e-6
    share = (units.features(np.tile(sounds()[0], 5)) - units.low_) / units.span_
    quiet = share.max(axis=0) * lif_drive(150.0, 8.0, 1.0) < 1
    counts = units.encode(np.tile(sounds()[0], 5), hold=40.0, dt=0.1).values.sum(axis=0)
    assert (counts[quiet] == 0).all() and counts.sum() > 0


def test_the_units_of_a_steady_tone() -> None:
    """From waveform to spikes: the rate in the steady state is that of the drive, within a step."""
    x = tone(1000.0, 0.6)
    encoder = AudioEncoder(bands=10, output="lif", max_rate_hz=100.0, gain=1.5).fit([x, 0.01 * x])
    stimulus = encoder.encode(x, hold=20.0, dt=0.5)
    share = np.clip((encoder.features(x) - encoder.low_) / encoder.span_, 0, 1)[60:]
    drive = 1.5 * share * lif_drive(100.0, 10.0, 2.0)
    steady = np.flatnonzero((drive.min(axis=0) > 1.2) & (np.ptp(drive, axis=0) < 1e-3))
    assert steady.size >= 3
    for c in steady:
        times = stimulus.event_times[(stimulus.event_channels == c) & (stimulus.event_times > 1400)]
        expected = 1e3 / lif_rate(float(drive[:, c].mean()), 10.0, t_ref=2.0)
        assert np.abs(np.diff(times) - expected).max() <= 0.5 + 0.05


def test_recordings_as_scipy_reads_them() -> None:
    x = np.round(sounds()[2] * 10_000).astype(np.int16)
    encoder = AudioEncoder(bands=6).fit([(8000, x), x, x / 32768])
    expected = cochleagram(x / 32768, RATE, bands=6, frame=5)
    for form in ((8000, x), x, x[:, None], x.astype(np.int32) * 65536):
        np.testing.assert_allclose(encoder.features(form), expected, rtol=1e-12)
    np.testing.assert_array_equal(encoder.encode((8000, x), hold=5).values, encoder.encode(x, hold=5).values)
    for call in (encoder.features, lambda p: encoder.encode(p, hold=5.0), lambda p: encoder.fit([p])):
        refused(lambda call=call: call((16000, x)), "16000 Hz", "rate_hz = 8000 Hz", "resample")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"output": "spikes"}, ["unknown output 'spikes'", "current, poisson, lif"]),
        ({"compression": "lag"}, ["unknown compression 'lag'", "did you mean 'log'"]),
        ({"gain": -1.0}, ["gain", "> 0", "-1.0"]),
        ({"clip": 0}, ["clip", "> 0", "0"]),
        ({"max_rate_hz": 0.0}, ["max_rate_hz", "> 0", "0.0"]),
        (
            {"output": "lif", "t_ref": "5 ms", "max_rate_hz": 200.0},
            ["max_rate_hz", "200 Hz", "below 1 / t_ref", "lower"],
        ),
    ],
)
def test_refused_encoders(options: dict[str, Any], words: list[str]) -> None:
    refused(lambda: AudioEncoder(**options).fit(sounds()), *words)


def test_refused_times() -> None:
    refused(lambda: AudioEncoder(tau=0.0).fit(sounds()), "tau must be > 0 ms, got 0 ms", error=UnitError)
    refused(lambda: AudioEncoder(t_ref=-1.0).fit(sounds()), "t_ref must be >= 0 ms, got -1 ms", error=UnitError)


def test_refused_fits() -> None:
    refused(lambda: AudioEncoder().fit([tone(300), np.zeros(900)]), "sample 1", "silent")
    refused(lambda: AudioEncoder().fit([tone(300), tone(300, 0.004)]), "sample 1", "32 samples", "frame of 40")
    refused(lambda: AudioEncoder().encode(tone(300), hold=5.0), "not learnt", "fit(X)")
    encoder = AudioEncoder(bands=6).fit(sounds()).set_params(bands=7)
    refused(lambda: encoder.encode(tone(300), hold=5.0), "bands = 7", "6 bands", "fit again")
    units = AudioEncoder(bands=6, output="lif", t_ref=2.5).fit(sounds())
    refused(lambda: units.encode(tone(300), hold=5.0), "t_ref must be a multiple of dt = 1 ms", error=UnitError)
