"""Encoders: closed forms, what decoding gives back, samples as users hand them in, and every refusal."""

from __future__ import annotations

import re
from functools import partial
from types import SimpleNamespace
from typing import Any

import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.base import clone

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, StimulusError, UnitError
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder, DeltaEncoder, Encoder, PoissonEncoder, make_encoder
from hetero_rsnn.inputs.samples import Scaling, as_series
from hetero_rsnn.inputs.stimulus import Stimulus, array_stimulus, event_stimulus

Array = NDArray[np.float64]

ENCODERS = [CurrentEncoder, PoissonEncoder, DeltaEncoder]


def data(seed: int = 0, lengths: tuple[int, ...] = (7, 40, 1, 23)) -> list[Array]:
    """Samples of unequal length whose channels have scales of their own; the last channel is constant."""
    rng = np.random.default_rng(seed)
    scale, shift = np.array([1.0, 1e4, 1e-3, 0.0]), np.array([0.0, -3e4, 5.0, 0.1])
    return [rng.normal(size=(n, 4)).cumsum(axis=0) * 0.3 * scale + shift for n in lengths]


#: One line that holds all the words.
refused = partial(helpers.refused, error=StimulusError)


# Samples ---------------------------------------------------------------------------------------------------------


def test_series_in_all_their_forms() -> None:
    out = as_series([[1, 2, 3], np.arange(4, dtype=np.int8), np.ones((2, 1), dtype=np.float32)])
    assert [x.shape for x in out] == [(3, 1), (4, 1), (2, 1)]  # type: ignore[union-attr]
    assert all(x.dtype == np.float64 for x in out)  # type: ignore[union-attr]
    cube = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(as_series(cube)[1], cube[1])
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros((3, 2)), np.zeros((5, 2))]
    assert [len(x) for x in as_series(ragged)] == [3, 5]
    stimuli = [array_stimulus([1.0, 2.0], "5 ms"), array_stimulus([1.0], "5 ms")]
    assert all(a is b for a, b in zip(as_series(stimuli), stimuli, strict=True))


EVENTS = event_stimulus([1.0], [0], n_channels=1, hold="5 ms")
CURRENT = array_stimulus([1.0], "5 ms")
TABLE = SimpleNamespace(iloc=None)  # what a data frame is known by
QUANTITY = SimpleNamespace(dim=SimpleNamespace(is_dimensionless=False))


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], ["X is empty", "at least one sample"]),
        (np.zeros((0, 3, 2)), ["X is empty", "at least one sample"]),
        (np.zeros((3, 2)), ["(3, 2)", "list of samples", "wrap it, [x]"]),
        (np.zeros(3), ["(3,)", "wrap it, [x]"]),
        (np.zeros((1, 2, 3, 4)), ["(1, 2, 3, 4)", "(samples, time, channels)"]),
        (TABLE, ["list of samples", "wrap it, [x]"]),
        (CURRENT, ["one Stimulus", "wrap it, [x]"]),
        ([0.1, 0.2], ["a list of float 0.1", "wrap it, [x]"]),
        (list(np.zeros(2)), ["list of samples", "wrap it, [x]"]),
        (["abc"], ["'abc'", "wrap it, [x]"]),
        ("abc", ["'abc'", "list of samples"]),
        ({"a": 1}, ["one dict", "wrap it, [x]"]),
        ((x for x in [1]), ["generator", "list(...)"]),
        ([np.zeros((3, 2)), np.zeros((0, 2))], ["sample 1 of X is empty", "at least one row", "leave it out"]),
        ([[]], ["sample 0 of X is empty"]),
        ([CURRENT, CURRENT[1:]], ["sample 1 of X is empty"]),
        ([np.zeros((3, 2)), np.zeros((3, 5))], ["sample 1 of X has 5 channels", "sample 0 has 2", "same number"]),
        ([CURRENT, array_stimulus(np.zeros((2, 3)), "5 ms")], ["sample 1 of X has 3", "sample 0 has 1"]),
        ([CURRENT, EVENTS], ["sample 1", "'events'", "'current'", "use one kind"]),
        ([CURRENT, np.zeros((3, 1))], ["either all arrays or all Stimulus", "ndarray at sample 1", "convert"]),
        ([np.zeros((3, 1)), EVENTS], ["either all arrays or all Stimulus", "Stimulus at sample 1"]),
        (
            [np.zeros((3, 2)), np.array([[0, 1], [np.nan, 0]])],
            ["sample 1", "finite", "nan at row 1, channel 0", "fill"],
        ),
        ([[1.0, -np.inf]], ["finite", "-inf at row 1, channel 0"]),
        ([np.ma.masked_invalid([1.0, np.nan])], ["sample 0", "masked", "fill the gap"]),
        ([np.zeros((3, 2), dtype=complex)], ["real numbers", "complex128", "astype(float)"]),
        ([np.array(["1", "2"])], ["real numbers", "<U1"]),
        ([np.array([1, None])], ["real numbers", "object"]),
        ([[[1.0], [1.0, 2.0]]], ["sample 0 of X must be one array", "rows of unequal shapes"]),
        ([np.zeros((2, 2, 2))], ["(time, channels) or (time,)", "(2, 2, 2)", "reshape"]),
        ([np.zeros((2, 0))], ["(2, 0)"]),
        ([QUANTITY], ["plain numbers", "divide by its unit"]),
    ],
)
def test_refused_series(X: Any, words: list[str]) -> None:
    refused(lambda: as_series(X), *words)
    refused(lambda: CurrentEncoder().fit(X), *words)


def test_tables() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    refused(lambda: as_series(table), "one DataFrame", "wrap it, [x]")
    assert as_series([table])[0].shape == (3, 2)  # type: ignore[union-attr]


def test_refused_series_bear_their_name() -> None:
    refused(lambda: as_series([[np.nan]], "X_test"), "sample 0 of X_test")
    refused(lambda: as_series([CURRENT], arrays_only=True), "X must hold arrays", "Stimulus at sample 0")


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 1000))
def test_scaling_is_that_of_all_rows(lengths: list[int], seed: int) -> None:
    arrays = data(seed, tuple(lengths))
    rows, s = np.concatenate(arrays), Scaling(arrays)
    assert s.rows == len(rows)
    np.testing.assert_allclose(s.mean, rows.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(s.sd, np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 0), rtol=1e-7, atol=1e-15)
    np.testing.assert_array_equal([s.low, s.high], [rows.min(axis=0), rows.max(axis=0)])
    assert s.sd[3] == 0


def test_scales_beyond_double_precision() -> None:
    refused(lambda: CurrentEncoder().fit([[[0, -1e308], [0, 1e308]]]), "channel 1", "1e+308", "multiply it")
    refused(lambda: CurrentEncoder().fit([[0.0, 1e-200]]), "channel 0", "1e-200", "multiply it")


# All encoders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [*ENCODERS, AudioEncoder])
def test_parameters_are_kept_as_given(make: type[Encoder]) -> None:
    encoder = make()
    parameters = encoder.get_params()
    assert parameters
    for name in parameters:
        marker = object()
        assert make(**{name: marker}).get_params()[name] is marker
        assert getattr(make().set_params(**{name: marker}), name) is marker
    copy = clone(encoder)
    assert copy is not encoder and copy.get_params() == parameters


@pytest.mark.parametrize("make", ENCODERS)
def test_fit_learns_and_a_clone_forgets(make: type[Encoder]) -> None:
    encoder = make()
    assert encoder.fit(data()) is encoder
    assert encoder.n_channels_in_ == 4 and encoder.n_channels_ == (8 if make is DeltaEncoder else 4)
    refused(lambda: clone(encoder).encode(data()[0], hold=20.0), "not learnt a scaling", "fit(X)")
    refused(lambda: make().decode(CURRENT), "fit(X)")  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", ENCODERS)
def test_one_row_a_sample(make: type[Encoder]) -> None:
    encoder = make().fit(data())
    for x in data():
        stimulus = encoder.encode(x, hold="20 ms", dt="0.5 ms", seed=3)
        assert (len(stimulus), stimulus.channels, stimulus.hold) == (len(x), encoder.n_channels_, 20.0)
        assert stimulus.kind == encoder.kind
        again = encoder.encode(x, hold=20, dt=0.5, seed=3)
        np.testing.assert_array_equal(stimulus.values, again.values)
        np.testing.assert_array_equal(stimulus.event_times, again.event_times)
        np.testing.assert_array_equal(stimulus.event_channels, again.event_channels)


@pytest.mark.parametrize("make", ENCODERS)
def test_networks_take_what_comes_out(make: type[Encoder]) -> None:
    encoder = make().fit(data())
    stimulus = encoder.encode(data()[1], hold="20 ms")
    net = hr.load_network("henhes", n=50, **{"input.channels": encoder.n_channels_})
    recording = hr.simulate(hr.draw(net, seed=1), stimulus)
    assert recording.samples == 40
    if stimulus.kind == "events":
        assert stimulus.event_times.size > 20
        np.testing.assert_array_equal(np.round(stimulus.event_times, 9) % 1.0, 0)


@pytest.mark.parametrize("make", [*ENCODERS, AudioEncoder])
@pytest.mark.parametrize("given_", [CURRENT, EVENTS])
def test_stimuli_pass_through(make: type[Encoder], given_: Stimulus) -> None:
    encoder = make().fit([given_, given_])
    assert encoder.n_channels_in_ == encoder.n_channels_ == 1 and encoder.kind == given_.kind
    assert encoder.encode(given_, hold=7.3) is given_
    assert make().encode(given_, hold=7.3) is given_
    three = array_stimulus(np.zeros((2, 3)), "5 ms")
    refused(lambda: encoder.encode(three, hold=5.0), "3 channels", "fitted on 1")
    refused(lambda: encoder.encode([1.0], hold=5.0), "fitted on stimuli", "fit it on arrays")
    encoder.fit([np.sin(np.arange(4000.0))])
    assert encoder.kind == make().kind


@pytest.mark.parametrize("make", ENCODERS)
def test_refused_samples(make: type[Encoder]) -> None:
    encoder = make().fit(data())
    x = data()[0]
    refused(lambda: encoder.encode(x[:, :3], hold=5.0), "3 channels", "fitted on 4")
    refused(lambda: encoder.encode(x * np.nan, hold=5.0), "x must be finite", "nan")
    refused(lambda: encoder.encode(x[:0], hold=5.0), "x is empty")
    refused(lambda: encoder.encode(x, hold=0.0), "hold must be > 0 ms, got 0 ms", error=UnitError)
    refused(lambda: encoder.encode(x, hold="5"), "hold", "write e.g. hold='10 ms'", error=UnitError)
    refused(lambda: encoder.encode(x, hold=True), "hold", error=HeteroError)
    refused(lambda: encoder.encode(x, hold=5.0, dt=-1), "dt must be > 0 ms, got -1 ms", error=UnitError)
    refused(lambda: encoder.decode(EVENTS), "decode takes a stimulus of", "'events'")  # type: ignore[attr-defined]
    refused(lambda: encoder.decode(x), "decode takes", "ndarray")  # type: ignore[attr-defined]
    if encoder.kind == "events":
        refused(lambda: encoder.encode(x, hold=5.0, dt=2.0), "multiple of dt = 2 ms", "5 ms", error=UnitError)


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (CurrentEncoder(scaling="zscor"), ["unknown scaling 'zscor'", "did you mean 'zscore'"]),
        (CurrentEncoder(scaling=None), ["unknown scaling None", "zscore, minmax, none"]),  # type: ignore[arg-type]
        (CurrentEncoder(gain=0), ["gain", "> 0", "0"]),
        (CurrentEncoder(gain="2"), ["gain", "'2'"]),  # type: ignore[arg-type]
        (CurrentEncoder(clip=-1.0), ["clip", "> 0", "-1.0"]),
        (CurrentEncoder(clip=np.nan), ["clip", "finite", "nan"]),
        (CurrentEncoder(lags=0), ["lags", "from 1 to 100000", "0"]),
        (CurrentEncoder(lags=2.0), ["lags", "2.0"]),  # type: ignore[arg-type]
        (PoissonEncoder(min_rate_hz=-1.0), ["min_rate_hz", ">= 0", "-1.0"]),
        (PoissonEncoder(min_rate_hz=100.0), ["max_rate_hz", "above min_rate_hz = 100 Hz", "raise it"]),
        (PoissonEncoder(max_rate_hz=np.inf), ["max_rate_hz", "finite", "inf"]),
        (DeltaEncoder(threshold=0.0), ["threshold", "> 0", "0.0"]),
        (DeltaEncoder(threshold=True), ["threshold", "True"]),
    ],
)
def test_refused_parameters(encoder: Encoder, words: list[str]) -> None:
    refused(lambda: encoder.fit(data()), *words)
    fitted = type(encoder)().fit(data()).set_params(**encoder.get_params())
    refused(lambda: fitted.encode(data()[0], hold=5.0), *words)


def test_a_fit_that_fails_leaves_no_half_fitted_encoder() -> None:
    encoder = CurrentEncoder().fit(data())
    refused(lambda: encoder.fit([[0.0, 1e-200]]), "cannot be scaled")
    refused(lambda: encoder.encode([1.0], hold=5.0), "fit(X)")


def test_make_encoder() -> None:
    given_ = DeltaEncoder(threshold=0.7).fit(data())
    made = make_encoder(given_)
    assert isinstance(made, DeltaEncoder) and made.threshold == 0.7 and made is not given_
    assert not hasattr(made, "n_channels_in_")
    names = {"current": CurrentEncoder, "poisson": PoissonEncoder, "delta": DeltaEncoder, "audio": AudioEncoder}
    for name, kind in names.items():
        assert type(make_encoder(name)) is kind
    refused(lambda: make_encoder("poison"), "'poison'", "did you mean 'poisson'", "'delta'")
    refused(lambda: make_encoder("xyz"), "'xyz'", "known: audio, current, delta, poisson")
    refused(lambda: make_encoder(DeltaEncoder), "the class DeltaEncoder", "DeltaEncoder()")
    refused(lambda: make_encoder(3), "got 3", "'current'")


# Currents --------------------------------------------------------------------------------------------------------


def test_scaled_currents() -> None:
    """Over all rows of all samples, channel by channel, against the formulas."""
    rows = np.concatenate(data())[:, :3]
    expected = {
        "zscore": (rows - rows.mean(axis=0)) / rows.std(axis=0),
        "minmax": 2 * (rows - rows.min(axis=0)) / np.ptp(rows, axis=0) - 1,
        "none": rows,
    }
    for scaling, scaled in expected.items():
        encoder = CurrentEncoder(scaling, gain=0.7, clip=None).fit(data())
        out = np.concatenate([encoder.encode(x, hold=5.0).values for x in data()])
        np.testing.assert_allclose(out[:, :3], 0.7 * scaled, rtol=1e-8, atol=1e-9)
        np.testing.assert_array_equal(out[:, 3], 0.7 * 0.1 if scaling == "none" else 0.0)  # the constant channel


@pytest.mark.parametrize("scaling", ["zscore", "minmax", "none"])
def test_currents_decode(scaling: str) -> None:
    encoder = CurrentEncoder(scaling, gain=1.7, clip=None).fit(data())
    for x in data():
        np.testing.assert_allclose(encoder.decode(encoder.encode(x, hold=5.0)), x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lags", [2, 5, 60])
def test_delay_embedding(lags: int) -> None:
    """Channels c, c + channels, ... are the channel c, shifted; before the first row lie copies of it."""
    plain = CurrentEncoder(gain=1.3, clip=1.5).fit(data())
    encoder = CurrentEncoder(gain=1.3, clip=1.5, lags=lags).fit(data())
    assert (encoder.n_channels_in_, encoder.n_channels_) == (4, 4 * lags)
    for x in data():
        now, u = plain.encode(x, hold=5.0).values, encoder.encode(x, hold=5.0)
        assert u.values.shape == (len(x), 4 * lags) and u.hold == 5.0
        for row in range(len(x)):
            for lag in range(lags):
                np.testing.assert_array_equal(u.values[row, 4 * lag : 4 * lag + 4], now[max(row - lag, 0)])
    net = hr.load_network("henhes", n=50, **{"input.channels": 4 * lags})
    assert hr.simulate(hr.draw(net, seed=1), u).samples == len(x)


@pytest.mark.parametrize("scaling", ["zscore", "minmax", "none"])
def test_delay_embeddings_decode(scaling: str) -> None:
    encoder = CurrentEncoder(scaling, gain=1.7, clip=None, lags=4).fit(data())
    for x in data():
        u = encoder.encode(x, hold=5.0)
        np.testing.assert_allclose(encoder.decode(u), x, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(encoder.decode(u[len(x) // 2 :]), x[len(x) // 2 :], rtol=1e-12, atol=1e-12)
    one = CurrentEncoder(scaling, gain=1.7, clip=None).fit(data())
    refused(lambda: encoder.decode(one.encode(data()[0], hold=5.0)), "4 channels", "fitted on 16")


def test_clipped_currents() -> None:
    x = np.concatenate([np.zeros(99), [100.0]])
    encoder = CurrentEncoder(gain=2.0, clip=3.0).fit([x])
    values = encoder.encode(x, hold=5.0).values[:, 0]
    assert values[-1] == 3.0 and encoder.encode(-x, hold=5.0).values[-1, 0] == -3.0
    decoded = encoder.decode(encoder.encode(x, hold=5.0))[:, 0]
    np.testing.assert_allclose(decoded[:-1], 0.0, atol=1e-12)
    assert decoded[-1] == pytest.approx(x.mean() + 1.5 * x.std())  # where the clip lies


def test_scaling_is_that_of_the_training_data() -> None:
    """Not of the sample that is encoded."""
    encoder = CurrentEncoder().fit([[0.0, 2.0]])
    np.testing.assert_allclose(encoder.encode([2.0, 3.0], hold=5.0).values[:, 0], [1.0, 2.0])


# Poisson ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dt", "low", "high"), [(1.0, 0.0, 100.0), (0.5, 20.0, 400.0)])
def test_poisson_counts_are_binomial(dt: float, low: float, high: float) -> None:
    """Counts a sample are Binomial(steps, p): mean, variance and the whole distribution."""
    samples, hold = 30_000, 20.0
    steps = round(hold / dt)
    levels = np.array([0.0, 0.3, 1.0])  # of the range, one a channel
    x = np.tile(levels * [1.0, 50.0, 1e-3] + [3.0, -7.0, 0.0], (samples, 1))
    span = [np.array([[3.0, -7.0, 0.0], [4.0, 43.0, 1e-3]])]
    encoder = PoissonEncoder(low, high).fit(span)
    stimulus = encoder.encode(x, hold=hold, dt=dt, seed=5)
    rates = low + (high - low) * levels
    np.testing.assert_allclose(stimulus.values, np.tile(rates, (samples, 1)), rtol=1e-9)
    index = (stimulus.event_times / hold + 1e-9).astype(int) * 3 + stimulus.event_channels
    counts = np.bincount(index, minlength=samples * 3).reshape(samples, 3)
    for c, p in enumerate(-np.expm1(-rates * dt / 1e3)):
        mean, var, kurtosis = (float(m) for m in binom.stats(steps, p, moments="mvk")) if p else (0.0, 0.0, 0.0)
        assert abs(counts[:, c].mean() - mean) <= 5 * np.sqrt(var / samples)
        # The variance of a sample variance is var^2 (excess kurtosis + 2) / samples.
        assert abs(counts[:, c].var() - var) <= 5 * var * np.sqrt((kurtosis + 2) / samples)
        share = np.bincount(counts[:, c], minlength=steps + 1) / samples
        expected = binom.pmf(np.arange(steps + 1), steps, p)
        assert (np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / samples) + 2 / samples).all()
    # The bound on the mean can tell p from rate * dt.
    p = -np.expm1(-high * dt / 1e3)
    assert abs(p - high * dt / 1e3) * steps > 10 * np.sqrt(steps * p * (1 - p) / samples)


def test_poisson_decodes_the_likeliest_rate() -> None:
    encoder = PoissonEncoder(10.0, 300.0).fit([[[0.0, -5.0], [2.0, 5.0]]])
    rng = np.random.default_rng(0)
    x = rng.uniform([0, -5], [2, 5], (50, 2))
    stimulus = encoder.encode(x, hold=100.0, dt=0.5, seed=1)
    rates, decoded = encoder.rates(stimulus), encoder.decode(stimulus)
    index = (stimulus.event_times / 100 + 1e-9).astype(int)
    k = np.zeros((50, 2))
    np.add.at(k, (index, stimulus.event_channels), 1)
    grid = np.linspace(0.01, 600, 20_000)
    p = -np.expm1(-grid * 0.5e-3)
    for row, column in [(0, 0), (3, 1), (20, 0), (49, 1)]:
        likelihood = k[row, column] * np.log(p) + (200 - k[row, column]) * np.log1p(-p)
        assert rates[row, column] == pytest.approx(grid[likelihood.argmax()], abs=0.05)
        inside = np.where((grid >= 10) & (grid <= 300), likelihood, -np.inf)
        expected = (grid[inside.argmax()] - 10) / 290 * [2, 10][column] + [0, -5][column]
        assert decoded[row, column] == pytest.approx(expected, abs=0.01)
    # Long samples: the values come back, with the error of the estimate (delta method), and no bias.
    long = encoder.encode(x, hold=20_000.0, dt=0.5, seed=2)
    p = -np.expm1(-long.values * 0.5e-3)
    error = np.sqrt(p / (1 - p) / 40_000) / 0.5e-3 / 290 * [2, 10]
    z = (encoder.decode(long) - x) / error
    assert np.abs(z).max() < 5 and abs(z.mean()) < 0.5 and 0.75 < z.std() < 1.25
    np.testing.assert_array_equal(encoder.decode(stimulus[10:20]), decoded[10:20])


def test_poisson_of_every_step_and_none() -> None:
    encoder = PoissonEncoder(0.0, 1e5).fit([[0.0, 1.0]])
    stimulus = encoder.encode([0.0, 1.0], hold=0.3, dt=0.1)
    assert stimulus.event_times.size >= 2
    full = encoder.encode([0.0, 1.0, 9.0], hold=10.0)
    np.testing.assert_array_equal(encoder.rates(full)[:, 0], [0.0, np.inf, np.inf])
    np.testing.assert_array_equal(encoder.decode(full)[:, 0], [0.0, 1.0, 1.0])


def test_poisson_cuts_off_and_holds_constants() -> None:
    encoder = PoissonEncoder(5.0, 80.0).fit([[[1.0, 7.0], [3.0, 7.0]]])
    rates = encoder.encode([[0.0, 7.0], [2.0, 9.0], [1e9, 7.0]], hold=10.0).values
    np.testing.assert_allclose(rates, [[5.0, 5.0], [42.5, 5.0], [80.0, 5.0]])


def test_poisson_seeds() -> None:
    encoder = PoissonEncoder().fit(data())
    a, b = (encoder.encode(data()[1], hold=50.0, seed=s).event_times for s in (0, 1))
    assert a.size != b.size or (a != b).any()
    refused(lambda: encoder.encode(data()[1], hold=50.0, seed=-1), "seed", "-1", error=HeteroError)


# Level crossings -------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 3.0),
    st.integers(1, 60),
    st.integers(1, 4),
    st.sampled_from(["walk", "jumps", "grid"]),
)
def test_delta_follows_within_its_threshold(seed: int, threshold: float, rows: int, channels: int, kind: str) -> None:
    """At every row: |x - decode| <= threshold * sd; and events obey the grid."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, channels)) if kind == "jumps" else rng.normal(size=(rows, channels)).cumsum(axis=0)
    scale = 10.0 ** rng.integers(-6, 6, channels)
    x = x * scale + rng.normal(size=channels) * scale
    train = [x, rng.normal(size=(5, channels)) * scale]
    encoder = DeltaEncoder(threshold).fit(train)
    sd = np.concatenate(train).std(axis=0)
    if kind == "grid":  # on the levels themselves, where rounding decides
        x = x[0] + np.round((x - x[0]) / (threshold * sd)) * threshold * sd
    hold, dt = 1000.0, 0.1
    stimulus = encoder.encode(x, hold=hold, dt=dt)
    assert (np.abs(encoder.decode(stimulus) - x) <= threshold * sd * (1 + 1e-6)).all()
    steps = np.round(stimulus.event_times / dt).astype(np.int64)
    np.testing.assert_allclose(stimulus.event_times, steps * dt, rtol=1e-12)
    pairs = set(zip(steps.tolist(), stimulus.event_channels.tolist(), strict=True))
    assert len(pairs) == steps.size
    np.testing.assert_array_equal(stimulus.values[0], 0.0)
    assert not (stimulus.values[:, 0::2] * stimulus.values[:, 1::2]).any()  # straight lines move one way


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 1.0), st.integers(1, 12))
def test_delta_that_just_fits(seed: int, threshold: float, steps: int) -> None:
    """Few steps a sample: either it fits, or the message names a threshold and a hold that do."""
    x = np.random.default_rng(seed).normal(size=(20, 2)) * [1.0, 100.0]
    encoder = DeltaEncoder(threshold).fit([x])
    hold = float(steps)
    try:
        stimulus = encoder.encode(x, hold=hold)
    except StimulusError as error:
        advice = re.search(r"threshold from \S+ to (\S+), or hold to (\S+) ms", str(error))
        assert advice
        wide, longer = float(advice[1]), float(advice[2])
        assert longer > hold
        longer_one = encoder.encode(x, hold=longer)
        assert (np.abs(encoder.decode(longer_one) - x) <= threshold * x.std(axis=0) * (1 + 1e-6)).all()
        refused(lambda: encoder.encode(x, hold=longer - 1.0), "levels")
        encoder, threshold = DeltaEncoder(wide).fit([x]), wide
        stimulus = encoder.encode(x, hold=hold)
    assert (np.abs(encoder.decode(stimulus) - x) <= threshold * x.std(axis=0) * (1 + 1e-6)).all()
    for c in range(4):
        times = stimulus.event_times[stimulus.event_channels == c]
        assert (np.diff(times) >= 1 - 1e-9).all()
        samples = (times / hold + 1e-9).astype(int)
        np.testing.assert_array_equal(np.bincount(samples, minlength=20), stimulus.values[:, c])


@pytest.mark.parametrize("slope", [3.0, -3.0, 0.7, 12.5])
def test_delta_of_a_ramp(slope: float) -> None:
    """A slope (sd a second) gives slope / threshold events a second, evenly spaced, at the crossing times."""
    threshold, hold, dt = 0.25, 20.0, 0.5
    seconds = np.arange(501) * hold / 1e3
    encoder = DeltaEncoder(threshold).fit([[-4.0, 4.0]])  # sd 4
    stimulus = encoder.encode(slope * 4.0 * seconds + 9.0, hold=hold, dt=dt)
    assert set(stimulus.event_channels) == {0 if slope > 0 else 1}
    count = round(10.0 * abs(slope) / threshold)
    assert stimulus.event_times.size == count
    # The ramp begins with sample 1, since row 0 is reached at the end of sample 0.
    crossings = hold + np.arange(1, count + 1) * 1e3 * threshold / abs(slope)
    late = crossings - stimulus.event_times
    assert (late > -1e-6).all() and (late <= dt + 1e-6).all()  # rounded down to the grid
    gaps = np.diff(stimulus.event_times)
    assert np.abs(gaps - 1e3 * threshold / abs(slope)).max() <= dt + 1e-6


def test_delta_channels() -> None:
    """Up and down of each channel, in units of its own spread; a constant channel is silent."""
    train = [np.array([[-1.0, -100.0, 5.0], [1.0, 100.0, 5.0]])]
    encoder = DeltaEncoder(0.5).fit(train)
    x = np.array([[0.0, 0.0, 5.0], [1.2, -160.0, 9.0], [0.6, -160.0, 5.0], [-0.1, 0.0, 5.0]])
    stimulus = encoder.encode(x, hold=10.0)
    expected = [[0] * 6, [2, 0, 0, 3, 0, 0], [0] * 6, [0, 2, 3, 0, 0, 0]]
    np.testing.assert_array_equal(stimulus.values, expected)
    np.testing.assert_allclose(encoder.decode(stimulus)[:, :2], [[0, 0], [1, -150], [1, -150], [0, 0]], atol=1e-12)
    assert stimulus.description["start"] == [0.0, 0.0, 5.0]
    assert all(type(v) is float for v in stimulus.description["start"])


def test_levels_that_are_met_exactly_count() -> None:
    """Whatever rounding makes of them: a staircase of one threshold a row has an event a row."""
    for threshold in (0.07, 0.1, 0.3):
        encoder = DeltaEncoder(threshold).fit([[-3.0, 3.0]])
        x = 0.7 + 3.0 * threshold * np.arange(400)
        stimulus = encoder.encode(x, hold=3.0)
        np.testing.assert_array_equal(stimulus.values, [[0, 0]] + [[1, 0]] * 399)
        np.testing.assert_allclose(encoder.decode(stimulus)[:, 0], x)
        np.testing.assert_allclose(stimulus.event_times, 3.0 * np.arange(1, 400) + 2.0)  # the last step of the row


def test_delta_knows_its_start() -> None:
    x = np.linspace(3.0, 8.0, 30)
    encoder = DeltaEncoder(0.1).fit([x])
    stimulus = encoder.encode(x, hold=20.0)
    refused(lambda: encoder.decode(stimulus[5:]), "whole stimulus of 30 samples", "25", "decode first")
    refused(lambda: DeltaEncoder().fit(data()).decode(stimulus), "2 channels", "fitted on 8")


def test_delta_that_does_not_fit() -> None:
    encoder = DeltaEncoder(0.01).fit([[[0.0, -1.0], [0.0, 1.0]]])
    x = np.array([[0.0, 0.0], [0.0, 0.05], [0.0, 0.3]])
    refused(
        lambda: encoder.encode(x, hold=10.0),
        "jump to row 2 in channel 1 crosses 25 levels",
        "10 ms has room for 10 events",
        "threshold from 0.01 to 0.025",
        "hold to 25 ms",
    )
    assert encoder.encode(x, hold=25.0).values.sum() == 30
