"""Noise and occlusion: their sizes, that they follow from seed and number alone, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest
from helpers import refused
from numpy.testing import assert_array_equal

from hetero_rsnn.datasets.corruption import CORRUPTIONS, corrupted
from hetero_rsnn.datasets.fashion_mnist import ImageSamples

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (300, 9, 11), dtype=np.uint8)
GREY = np.full((400, 20, 20), 0.5)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_kinds_of_images_and_of_numbers(kind):
    before = BYTES.copy()
    changed = corrupted(BYTES, kind, 0.3, 4)
    assert changed.dtype == np.uint8 and changed.shape == BYTES.shape and (changed != BYTES).any()
    lazy = corrupted(ImageSamples(BYTES), kind, 0.3, 4)
    assert isinstance(lazy, ImageSamples)
    assert_array_equal(lazy.pixels, changed)
    real = corrupted(BYTES / 255, kind, 0.3, 4)
    assert real.dtype == np.float64 and real.min() >= 0 and real.max() <= 1
    assert np.abs(real - changed / 255).max() <= 0.5 / 255 + 1e-12  # bytes are rounded, and that is all
    assert_array_equal(BYTES, before)
    assert_array_equal(corrupted(BYTES, kind, 0.0), BYTES)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_it_follows_from_seed_and_number_alone(kind):
    changed = corrupted(BYTES, kind, 0.3, 4)
    assert_array_equal(corrupted(BYTES, kind, 0.3, 4), changed)
    assert (corrupted(BYTES, kind, 0.3, 5) != changed).any()
    same = corrupted(np.repeat(BYTES[:1], 50, axis=0), kind, 0.3)
    assert len(np.unique(same, axis=0)) > 10  # each image has noise of its own
    chosen = np.array([299, 3, 128, 256])  # of several chunks
    assert_array_equal(corrupted(BYTES[chosen], kind, 0.3, 4, numbers=chosen), changed[chosen])
    assert_array_equal(corrupted(BYTES[:5], kind, 0.3, 4), changed[:5])


def test_gaussian_noise_has_its_spread_and_is_cut_off():
    noise = corrupted(GREY, "gaussian", 0.1) - 0.5
    n = noise.size
    assert abs(noise.mean()) < 4 * 0.1 / np.sqrt(n) and abs(noise.std() - 0.1) < 4 * 0.1 / np.sqrt(2 * n)
    twice = corrupted(GREY, "gaussian", 0.2) - 0.5  # the same draws
    inside = np.abs(twice) < 0.5
    assert np.allclose(twice[inside], 2 * noise[inside], atol=1e-12) and 0.97 < inside.mean() < 1
    black = corrupted(np.zeros((50, 20, 20)), "gaussian", 0.3)
    assert black.min() == 0 and abs((black == 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(black.size)


def test_salt_and_pepper_hit_their_share():
    few, many = (corrupted(GREY, "salt_and_pepper", share) for share in (0.1, 0.4))
    n = GREY.size
    for changed, share in ((few, 0.1), (many, 0.4)):
        assert set(np.unique(changed)) == {0.0, 0.5, 1.0}
        assert abs((changed != 0.5).mean() - share) < 4 * np.sqrt(share * (1 - share) / n)
        assert abs((changed == 1).mean() - share / 2) < 4 * np.sqrt(share / 2 / n)
    assert_array_equal(many[few != 0.5], few[few != 0.5])  # and keep what they hit
    assert set(np.unique(corrupted(GREY, "salt_and_pepper", 1))) == {0.0, 1.0}


def test_the_square_has_its_area_and_every_place():
    covered = corrupted(np.ones((2000, 6, 7)), "occlusion", 0.2) == 0  # 8.4 pixels: 3 x 3
    assert (covered.sum(axis=(1, 2)) == 9).all()
    assert set(covered.any(axis=2).sum(axis=1)) == set(covered.any(axis=1).sum(axis=1)) == {3}
    top, left = covered.any(axis=2).argmax(axis=1), covered.any(axis=1).argmax(axis=1)
    places = np.bincount(top * 5 + left, minlength=20)
    assert len(places) == 20 and ((places - 100) ** 2 / 100).sum() < 43.8  # chi-squared of 19: 1 in 1000
    assert_array_equal(corrupted(np.ones((3, 5, 5)), "occlusion", 1.0), np.zeros((3, 5, 5)))


def test_ten_thousand_images_take_a_moment():
    images = np.zeros((10_000, 28, 28), np.uint8)
    start = time.perf_counter()
    corrupted(images, "gaussian", 0.1)
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: corrupted(BYTES, "gausian", 0.1), ["unknown kind 'gausian' (did you mean 'gaussian'?)", "occlusion"]),
        (lambda: corrupted(BYTES, "gaussian", -0.1), ["strength must be a finite number >= 0, got -0.1"]),
        (lambda: corrupted(BYTES, "gaussian", np.inf), ["strength must be a finite number"]),
        (lambda: corrupted(BYTES, "occlusion", 1.1), ["strength must be from 0 to 1 for 'occlusion', got 1.1"]),
        (lambda: corrupted(BYTES, "salt_and_pepper", 2), ["strength must be from 0 to 1", "got 2"]),
        (lambda: corrupted(np.ones((1, 2, 10)), "occlusion", 0.9), ["must fit into 2 x 10", "side of 4", "<= 0.2"]),
        (lambda: corrupted(BYTES, "gaussian", 0.1, seed=-1), ["seed must be a whole number >= 0, got -1"]),
        (lambda: corrupted(BYTES / 100, "gaussian", 0.1), ["images must be from 0 to 1, or bytes, got 2.55"]),
        (lambda: corrupted(-GREY, "gaussian", 0.1), ["got -0.5"]),
        (lambda: corrupted(GREY * np.nan, "gaussian", 0.1), ["images must be finite"]),
        (lambda: corrupted(BYTES[0], "gaussian", 0.1), ["(samples, rows, columns)", "got (9, 11)"]),
        (lambda: corrupted(np.uint8(3), "gaussian", 0.1), ["(samples, rows, columns)"]),
        (lambda: corrupted(BYTES[:0], "gaussian", 0.1), ["images must not be empty"]),
        (lambda: corrupted(BYTES, "gaussian", 0.1, numbers=[1, 2]), ["each of the 300 images, got 2"]),
        (lambda: corrupted(BYTES[:1], "gaussian", 0.1, numbers=[-1]), ["numbers must be >= 0, got -1"]),
        (lambda: corrupted(BYTES[:1], "gaussian", 0.1, numbers=[0.5]), ["numbers must be whole numbers, got 0.5"]),
    ],
)
def test_refuses(call, words):
    refused(call, *words)
