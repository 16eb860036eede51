"""Events of moving images: closed forms, a loop pixel by pixel, and the data set made of them."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from helpers import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.ndimage import shift
from test_datasets import check
from test_fashion_mnist import LABELS, images, write

import hetero_rsnn as hr
from hetero_rsnn.datasets.catalogue import load_dataset
from hetero_rsnn.datasets.fashion_mnist import ImageSamples
from hetero_rsnn.datasets.saccades import EventSamples, saccade_events, saccade_path
from hetero_rsnn.tasks.recipes import recipe

RNG = np.random.default_rng(1)
NOISE = RNG.integers(0, 256, (150, 7, 9), dtype=np.uint8)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10, 30])
@pytest.mark.parametrize("amplitude", [0.2, 1.0, 2.0, 5.5])
def test_the_path_is_a_closed_triangle(steps, amplitude):
    offsets, looks = saccade_path(steps, amplitude)
    assert len(offsets) == 1 + steps * looks
    third, a = steps * looks // 3, amplitude / 2
    corners = [[-a, -a], [0, a], [a, -a], [-a, -a]]
    assert_array_equal(offsets[::third], corners)
    moves = np.hypot(*np.diff(offsets, axis=0).T)
    assert moves.max() <= 0.25 + 1e-12
    for leg in np.split(moves, 3):  # at a steady speed
        assert np.allclose(leg, leg[0])
    assert math.isclose(moves.sum(), amplitude * (1 + math.sqrt(5)))


@pytest.mark.parametrize("intensity", ["log", "linear"])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_uniform_image_gives_no_events(intensity, value):
    assert not saccade_events(np.full((2, 8, 8), value), intensity=intensity, threshold=0.01).any()


@pytest.mark.parametrize(("amplitude", "columns"), [(2.0, [3, 4]), (4.0, [2, 3, 4, 5])])
@pytest.mark.parametrize(("threshold", "each"), [(0.24, 4), (0.5, 2), (0.9, 1), (1.1, 0)])
def test_an_upright_edge_passes_and_comes_back(amplitude, columns, threshold, each):
    """Dark on the left: as it moves right, pixels fall by 1 (OFF); on its way back they rise by 1 (ON)."""
    image = np.zeros((1, 8, 8))
    image[:, :, 4:] = 1.0
    events = saccade_events(image, steps=3, amplitude=amplitude, threshold=threshold, intensity="linear")[0]
    expected = np.zeros((3, 2, 8, 8))
    half = len(columns) // 2
    expected[0, 1, :, columns[:half]] = expected[1, 1, :, columns[half:]] = expected[2, 0, :, columns] = each
    assert_array_equal(events, expected)


def test_a_level_edge_goes_down_and_up():
    """Dark above: down in the first movement (OFF), up in the second (ON); the third is along it."""
    image = np.zeros((1, 8, 8), np.uint8)
    image[:, 4:] = 255
    events = saccade_events(image, steps=3, amplitude=2.0, threshold=0.3, intensity="linear")[0]
    expected = np.zeros((3, 2, 8, 8))
    expected[0, 1, 3:5] = expected[1, 0, 3:5] = 3
    assert_array_equal(events, expected)


def test_brightness_is_a_logarithm():
    image = np.zeros((1, 6, 6))
    image[:, :, 3:] = 1.0
    events = saccade_events(image, steps=3, threshold=0.5)[0]
    assert events[2, 0, 0, 2] == events[0, 1, 0, 2] == math.floor(math.log(1.1 / 0.1) / 0.5) == 4
    dim = saccade_events(image * 0.1, steps=3, threshold=0.5)[0]
    assert dim[2, 0, 0, 2] == math.floor(math.log(0.2 / 0.1) / 0.5) == 1


def by_loop(image, steps, amplitude, threshold, intensity):
    """One pixel after the other, in double precision, the image moved by scipy."""
    offsets, looks = saccade_path(steps, amplitude)

    def seen(offset):
        moved = shift(image, (offset[1], offset[0]), order=1, mode="nearest")
        return np.log(moved + 0.1) if intensity == "log" else moved

    kept = seen(offsets[0])
    out = np.zeros((steps, 2, *image.shape))
    for k, offset in enumerate(offsets[1:]):
        now = seen(offset)
        for place in np.ndindex(image.shape):
            for channel, sign in ((0, 1), (1, -1)):
                while sign * (now[place] - kept[place]) >= threshold * (1 - 1e-3):
                    kept[place] += sign * threshold
                    out[k // looks, channel][place] += 1
    return out


@pytest.mark.parametrize("intensity", ["log", "linear"])
@pytest.mark.parametrize(("steps", "amplitude", "threshold"), [(10, 2.0, 0.377), (4, 3.3, 0.123), (3, 0.7, 0.051)])
def test_against_a_loop(intensity, steps, amplitude, threshold):
    kept = {"steps": steps, "amplitude": amplitude, "threshold": threshold, "intensity": intensity}
    made = saccade_events(NOISE[:3], **kept)
    for events, image in zip(made, NOISE[:3], strict=True):
        expected = by_loop(image / 255, **kept)
        assert expected.sum() > 20
        # Where a change is a threshold to the last digit, single precision may tell it a look earlier or later.
        assert (events != expected).mean() < 1e-3
        assert_array_equal(events.astype(int).sum(axis=0), expected.sum(axis=0))


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 1.5), st.floats(0.1, 6.0), st.integers(1, 9))
@settings(max_examples=30)
def test_what_rises_falls(seed, threshold, amplitude, steps):
    """The path is closed: every pixel ends less than a threshold from where it began, so ON and OFF are as many."""
    image = np.random.default_rng(seed).random((2, 6, 7))
    events = saccade_events(image, steps=steps, amplitude=amplitude, threshold=threshold).astype(int)
    if events.max() < 255:
        assert_array_equal(events[:, :, 0].sum(axis=1), events[:, :, 1].sum(axis=1))


def test_chunks_kinds_and_order_of_images_do_not_matter():
    events = saccade_events(NOISE)
    assert events.dtype == np.uint8 and events.shape == (150, 10, 2, 7, 9)
    for k in (0, 63, 64, 149):
        assert_array_equal(saccade_events(NOISE[[k]])[0], events[k])
    assert_array_equal(saccade_events(NOISE[::-1])[::-1], events)
    assert_array_equal(saccade_events(ImageSamples(NOISE)), events)
    assert (saccade_events(NOISE / 255) != events).mean() < 1e-4  # but for the last digit
    assert_array_equal(saccade_events(NOISE, seed=3), events)  # nothing is drawn


def test_noise_is_added_at_its_rate_and_follows_from_seed_and_number():
    still = np.zeros((100, 7, 9))
    noise = saccade_events(still, noise=0.2, seed=5)
    assert abs(noise.mean() - 0.2) < 4 * math.sqrt(0.2 / noise.size)
    assert abs(noise.var() - 0.2) < 0.02 and len(np.unique(noise, axis=0)) == 100
    chosen = np.array([99, 4])
    assert_array_equal(saccade_events(still[:2], noise=0.2, seed=5, numbers=chosen), noise[chosen])
    assert (saccade_events(still, noise=0.2, seed=6) != noise).any()
    both = saccade_events(NOISE[:100], noise=0.2, seed=5).astype(int)
    assert_array_equal(both - saccade_events(NOISE[:100]), noise)
    assert saccade_events(still[:1], noise=1000.0).min() == 255  # what a byte can hold


def test_samples_are_images_until_they_are_asked_for():
    samples = EventSamples(ImageSamples(NOISE), steps=6, threshold=0.3, intensity="linear", amplitude=1.5)
    block = saccade_events(NOISE, steps=6, threshold=0.3, intensity="linear", amplitude=1.5)
    assert len(samples) == 150 and samples.lengths.tolist() == [6] * 150
    assert repr(samples) == "EventSamples(150 of 6 x 2 x 7 x 9)"
    assert samples[70].dtype == np.float64 and samples[70].shape == (6, 126)
    assert_array_equal(samples[70].reshape(6, 2, 7, 9), block[70])
    assert_array_equal(samples[-1], samples[149])
    assert_array_equal(np.array(list(samples)).reshape(block.shape), block)
    assert_array_equal(samples.frames(), block)
    assert_array_equal(samples.frames([3, 140, 3]), block[[3, 140, 3]])
    assert_array_equal(samples[10:20].frames(), block[10:20])
    assert_array_equal(samples.take(np.array([5, 2])).frames(), block[[5, 2]])
    with pytest.raises(IndexError):
        samples[150]
    refused(lambda: samples.frames([150]), "indices must be from 0 to 149, got 150")
    refused(lambda: samples.frames([0.5]), "indices must be whole numbers")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("HETERO_RSNN_DATA", raising=False)
    return write(tmp_path)


def test_the_data_set(folder):
    found = load_dataset("fashion_mnist_events", data_dir=folder)
    check(found, "fashion_mnist_events")
    still = load_dataset("fashion_mnist", data_dir=folder)
    assert_array_equal(found.y, still.y)
    assert found.details["shape"] == [10, 2, 28, 28] and found.details["paths"] == still.details["paths"]
    assert found.channels[0] == "on 0,0" and found.channels[784 + 28 * 3 + 5] == "off 3,5"
    block = saccade_events(np.concatenate([images("train"), images("t10k")]))
    assert_array_equal(found.X.frames(), block)
    assert_array_equal(found.X[31].reshape(found.details["shape"]), block[31])
    X_train, X_test, _, _ = found.split()
    assert_array_equal(X_test.frames([2]), block[[32]])
    assert len(X_train) == 30 and X_train.images.pixels.nbytes == 30 * 784
    other = load_dataset("fashion_mnist_events", data_dir=folder, steps=3, amplitude=1, threshold=1, intensity="linear")
    assert other.lengths.tolist() == [3] * 42
    assert_array_equal(
        other.X.frames([7]), saccade_events(images("train")[[7]], steps=3, amplitude=1, threshold=1, intensity="linear")
    )


def test_estimators_take_them(folder):
    """Each class has a bright row of its own."""
    found = load_dataset("fashion_mnist_events", data_dir=folder, steps=4)
    X_train, X_test, y_train, y_test = found.split()
    how = recipe(found)
    given_ = {"encoder": how.encoder, "hold": how.hold, **how.options}
    clf = hr.HRSNNClassifier("henhes", overrides={**how.overrides, "n": 60}, epochs=0, **given_)
    assert clf.fit(X_train, y_train).score(X_test, y_test) > 0.8
    assert_array_equal(np.sort(np.unique(LABELS["train"])), clf.classes_)


def test_the_command(folder, run):
    code, out, _ = run("data", "show", "fashion_mnist_events", "--data-dir", str(folder))
    assert code == 0 and "42: 30 train, 12 test" in out and "MIT" in out


def test_two_thousand_images_take_a_moment():
    start = time.perf_counter()
    saccade_events(np.zeros((2000, 28, 28), np.uint8))
    assert time.perf_counter() - start < 15


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: saccade_events(NOISE, steps=0), ["steps must be a whole number", "got 0"]),
        (lambda: saccade_events(NOISE, steps=2.0), ["steps must be a whole number", "got 2.0"]),
        (lambda: saccade_events(NOISE, amplitude=0), ["amplitude must be a finite number > 0, got 0"]),
        (lambda: saccade_events(NOISE, amplitude=7.5), ["amplitude must be at most 7 pixels", "got 7.5"]),
        (lambda: saccade_events(NOISE, threshold=0), ["threshold must be a finite number >= 0.001, got 0"]),
        (lambda: saccade_events(NOISE, intensity="lin"), ["unknown intensity 'lin'", "use one of log, linear"]),
        (lambda: saccade_events(NOISE, noise=-1), ["noise must be a finite number >= 0, got -1"]),
        (lambda: saccade_events(NOISE, seed=1.5), ["seed must be a whole number >= 0, got 1.5"]),
        (lambda: saccade_events(NOISE, numbers=[0]), ["numbers must be one for each of the 150 images, got 1"]),
        (lambda: saccade_events(NOISE[0]), ["(samples, rows, columns)", "got (7, 9)"]),
        (lambda: saccade_events(NOISE.astype(float)), ["images must be from 0 to 1, or bytes, got 255"]),
        (lambda: saccade_events(np.broadcast_to(NOISE[:1], (10**8, 7, 9))), ["the events would take", "of memory"]),
        (lambda: EventSamples(ImageSamples(NOISE), steps=-1), ["steps must be a whole number", "got -1"]),
        (lambda: load_dataset("fashion_mnist_events", steps=0), ["fashion_mnist_events: steps must be", "got 0"]),
        (lambda: load_dataset("fashion_mnist_events", step=3), ["unknown option 'step' (did you mean 'steps'?)"]),
        (lambda: load_dataset("fashion_mnist_events", amplitude=29), ["at most 28 pixels", "got 29"]),
    ],
)
def test_refuses(call, words):
    refused(call, *words)
