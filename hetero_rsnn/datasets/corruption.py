"""Images made worse: noise and occlusion, the same for an image whatever stands beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.fashion_mnist import ImageSamples

#: What can be done to an image.
CORRUPTIONS = ("gaussian", "salt_and_pepper", "occlusion")
_CHUNK = 256


def corrupted(
    images: ImageSamples | ArrayLike, kind: str, strength: float, seed: int = 0, *, numbers: ArrayLike | None = None
) -> Any:
    """Images with noise, or with a part that is covered.

    Parameters
    ----------
    images : ImageSamples or array_like, shape (samples, rows, columns)
        Bytes from 0 to 255, or other numbers from 0 to 1.
    kind : {"gaussian", "salt_and_pepper", "occlusion"}
        ``"gaussian"`` adds noise to each pixel and cuts off what leaves [0, 1]. ``"salt_and_pepper"`` makes pixels
        black or white, as likely as each other. ``"occlusion"`` makes a square black, at a place that is drawn evenly
        among those where it fits.
    strength : float
        Standard deviation of the noise (the range of a pixel is 1); share of the pixels, on average; share of the area,
        whose square has a side of a whole number of pixels, the nearest. 0 changes nothing.
    seed : int
    numbers : array_like of int (samples,), optional
        A number for each image, from which its noise follows with the seed: an image with the same number gets the
        same noise in any selection. By default 0, 1, 2, ...

    Returns
    -------
    ImageSamples or ndarray, shape (samples, rows, columns)
        Bytes if bytes were given, which noise is rounded to; else float64.

    Raises
    ------
    HeteroError
        If an argument is not valid, or a square of that area does not fit.

    Notes
    -----
    For one seed and kind the draws do not depend on the strength: noise grows in proportion, a pixel that was replaced
    is so at every larger strength, and the square moves little. So strengths are compared on the same draws.

    Examples
    --------
    >>> import numpy as np
    >>> corrupted(np.ones((1, 4, 4)), "occlusion", 0.25).sum()
    np.float64(12.0)
    """
    checks.one_of("kind", kind, CORRUPTIONS)
    strength = checks.real("strength", strength, least=0.0, fix="use 0 for none")
    if kind != "gaussian" and strength > 1:
        raise HeteroError(f"strength must be from 0 to 1 for {kind!r}, got {strength:g}: it is a share")
    seed = checks.whole("seed", seed, least=0)
    samples = isinstance(images, ImageSamples)
    pixels = checked_images(images)
    memory.fits("the changed images", pixels.nbytes, "give fewer images at a time")
    named = image_numbers(numbers, len(pixels))
    rows, columns = pixels.shape[1:]
    side = round(math.sqrt(strength * rows * columns)) if kind == "occlusion" else 0
    if side > min(rows, columns):
        raise HeteroError(
            f"a square of {strength:g} of the area must fit into {rows} x {columns} pixels, got a side of {side}: "
            f"use a strength <= {min(rows, columns) / max(rows, columns):g}"
        )
    whole = 255 if pixels.dtype == np.uint8 else 1
    out = pixels.copy()
    for start in range(0, len(out), _CHUNK):
        part = out[start : start + _CHUNK]
        rngs = [generator(seed, "input", "corruption", kind, int(k)) for k in named[start : start + _CHUNK]]
        if kind == "gaussian":
            noise = np.stack([rng.standard_normal((rows, columns)) for rng in rngs])
            worse = np.clip(part + strength * whole * noise, 0, whole)
            part[...] = np.rint(worse) if whole == 255 else worse
        elif kind == "salt_and_pepper":
            drawn = np.stack([rng.random((2, rows, columns)) for rng in rngs])
            hit = drawn[:, 0] < strength
            part[hit] = np.where(drawn[:, 1] < 0.5, 0, whole)[hit]
        else:
            for image, rng in zip(part, rngs, strict=True):
                top, left = (rng.random(2) * (np.array([rows, columns]) - side + 1)).astype(np.int64)
                image[top : top + side, left : left + side] = 0
    return ImageSamples(out) if samples else out


def checked_images(images: ImageSamples | ArrayLike, name: str = "images") -> NDArray[Any]:
    """Images as an array (samples, rows, columns): of bytes as it is, else of float64 in [0, 1]."""
    if isinstance(images, ImageSamples):
        return images.pixels
    axes = ("sample", "row", "column")
    raw = checks.plain_array(name, images)
    if raw.dtype == np.uint8 and raw.ndim == len(axes) and raw.size:  # nothing else can be wrong with bytes
        return raw
    out: Array = checks.finite_array(name, raw, 3, axes=axes)
    if out.min() < 0 or out.max() > 1:
        bad = out.min() if out.min() < 0 else out.max()
        raise HeteroError(f"{name} must be from 0 to 1, or bytes, got {bad:g}: divide by the largest value")
    return out


def image_numbers(numbers: ArrayLike | None, count: int) -> Ints:
    """The number of each image, 0, 1, ... unless given."""
    if numbers is None:
        return np.arange(count)
    out = checks.whole_array("numbers", numbers, 1, axes=("sample",), least=0)
    if len(out) != count:
        raise HeteroError(f"numbers must be one for each of the {count} images, got {len(out)}: align them")
    return out
