"""Images and frames of events as one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError


def image_array(name: str, value: Any) -> NDArray[Any]:
    """Images as one array: bytes stay bytes, anything else becomes numbers in single precision.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    value : array, list of arrays of one shape, or samples of a data set
        Shape (samples, features), (samples, height, width), (samples, channels, height, width), or of events
        (samples, steps, channels, height, width).

    Returns
    -------
    ndarray
        Of the same shape, with one channel for (samples, height, width); bytes or float32.

    Raises
    ------
    HeteroError
        If it is empty, of another number of axes, its samples differ in shape, or a number is not finite or beyond
        single precision.

    Examples
    --------
    >>> image_array("X", np.zeros((10, 8, 8))).shape
    (10, 1, 8, 8)
    """
    frames, pixels = getattr(value, "frames", None), getattr(value, "pixels", None)
    if callable(frames):  # samples of a data set that hold a byte a number
        value = frames(np.arange(len(value)))
    elif pixels is not None:
        value = pixels
    elif not isinstance(value, np.ndarray) and not hasattr(value, "__array__") and hasattr(value, "__len__"):
        shapes = {_shape(name, x, k): k for k, x in reversed(list(enumerate(value)))}
        if len(shapes) > 1:
            (a, first), (b, other) = sorted(shapes.items(), key=lambda item: item[1])[:2]
            raise HeteroError(
                f"all images of {name} must have one shape, got {a} in sample {first} and {b} in sample {other}",
                fix="crop or pad them",
            )
    images = checks.plain_array(name, value)
    if images.dtype != np.uint8:
        exact = checks.finite_array(name, images)
        with np.errstate(over="ignore"):
            images = exact.astype(np.float32)
        if exact.size and not np.isfinite(images).all():
            largest = exact.flat[np.abs(exact).argmax()]
            raise HeteroError(f"{name} must be numbers up to 3.4e38, got {largest:g}", fix="scale them")
    if not 2 <= images.ndim <= 5 or not images.size:
        raise HeteroError(
            f"{name} must be images (samples, height, width), with or without channels, got shape {images.shape}",
            fix="reshape it",
        )
    return images[:, None] if images.ndim == 3 else images


def _shape(name: str, image: Any, number: int) -> tuple[int, ...]:
    try:
        return np.shape(image)
    except (TypeError, ValueError, RecursionError):
        raise HeteroError(
            f"{name} must be images, got rows of unequal shapes in sample {number}", fix="crop or pad them"
        ) from None
