"""Images as one array: what is taken, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused

from hetero_rsnn.inputs.images import image_array

RNG = np.random.default_rng(0)


class Pixels:
    """As samples of a data set that hold their pixels."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __len__(self):
        return len(self.pixels)


class Frames:
    """As samples of a data set that make their frames when asked for."""

    def __len__(self):
        return 3

    def frames(self, indices):
        return np.arange(3 * 4 * 2 * 5 * 5, dtype=np.uint8).reshape(3, 4, 2, 5, 5)[indices]


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 5), (6, 2, 4, 5), (6, 3, 2, 4, 5)])
def test_images_of_all_shapes(shape):
    x = RNG.normal(size=shape)
    found = image_array("X", x)
    wanted = (6, 1, 4, 5) if len(shape) == 3 else shape
    assert found.shape == wanted and found.dtype == np.float32
    np.testing.assert_array_equal(found.reshape(shape), x.astype(np.float32))
    np.testing.assert_array_equal(image_array("X", list(x)), found)


def test_bytes_stay_bytes():
    pixels = RNG.integers(0, 256, (6, 4, 5)).astype(np.uint8)
    for given in (pixels, Pixels(pixels)):
        found = image_array("X", given)
        assert found.dtype == np.uint8 and found.shape == (6, 1, 4, 5)
        np.testing.assert_array_equal(found[:, 0], pixels)
    frames = image_array("X", Frames())
    assert frames.dtype == np.uint8 and frames.shape == (3, 4, 2, 5, 5) and frames[1, 0, 0, 0, 0] == 200


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.zeros(4), "with or without channels, got shape (4,)"),
        (np.zeros((2,) * 6), "got shape (2, 2, 2, 2, 2, 2)"),
        (np.zeros((0, 3, 3)), "X"),
        (np.array([[[1.0, np.nan]]]), "X must be finite"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], "must have one shape, got (2, 2) in sample 0 and (2, 3) in sample 1"),
        (np.array([["a", "b"]]), "X"),
        (np.ma.masked_array(np.zeros((2, 2)), [[True, False], [False, False]]), "mask"),
        (3.0, "X"),
    ],
)
def test_what_is_refused(value, said):
    refused(lambda: image_array("X", value), said)


def test_rows_of_unequal_shapes_and_numbers_beyond_single_precision():
    refused(lambda: image_array("X", [[[1.0, 2.0]], [[1.0], [2.0, 3.0]]]), "X must be images", "in sample 1")
    refused(lambda: image_array("X", [[0.0, -1e39], [1.0, 2.0]]), "X must be numbers up to 3.4e38, got -1e+39")
    assert image_array("X", [[0.0, 3e38], [1e-50, 2.0]]).dtype == np.float32
