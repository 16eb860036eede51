"""Images as an event camera sees them that makes three small movements: frames of ON and OFF events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.corruption import checked_images, image_numbers
from hetero_rsnn.datasets.fashion_mnist import ImageSamples

#: What a pixel compares with its threshold.
INTENSITIES = ("log", "linear")
#: Added to an intensity, whose range is 1, before its logarithm: a black pixel is not without light.
DARK = 0.1
#: Pixels that the image moves from one look at it to the next, at most.
_STRIDE = 0.25
#: A change may fall short of the threshold by this part of it: rounding must not decide.
_SLACK = 1e-3
_CHUNK = 64


def saccade_path(steps: int, amplitude: float) -> tuple[Array, int]:
    """Where the image is, in pixels right and down of its place, while three movements trace a triangle.

    Parameters
    ----------
    steps : int
        Frames.
    amplitude : float
        Width and height of the triangle, in pixels.

    Returns
    -------
    offsets : ndarray, shape (1 + steps * looks, 2)
        Right and down; it ends where it began. The movements take the same time, each at a steady speed.
    looks : int
        In each frame.

    Examples
    --------
    >>> offsets, looks = saccade_path(3, 0.2)
    >>> offsets.tolist(), looks
    ([[-0.1, -0.1], [0.0, 0.1], [0.1, -0.1], [-0.1, -0.1]], 1)
    """
    half = amplitude / 2
    corners = np.array([[-half, -half], [0.0, half], [half, -half], [-half, -half]])
    looks = max(1, math.ceil(3 * math.hypot(half, amplitude) / (_STRIDE * steps)))
    while steps * looks % 3:  # so that there is a look at each corner
        looks += 1
    moved = np.arange(1, steps * looks // 3 + 1)[:, None] / (steps * looks // 3)
    legs = [a + moved * (b - a) for a, b in pairwise(corners)]
    return np.concatenate([corners[:1], *legs]), looks


def saccade_events(
    images: ImageSamples | ArrayLike,
    *,
    steps: int = 10,
    amplitude: float = 2.0,
    threshold: float = 0.4,
    intensity: str = "log",
    noise: float = 0.0,
    seed: int = 0,
    numbers: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """Events of pixels that see an image move along a triangle.

    Each pixel keeps the brightness of its last event, at first that of the start. When the brightness has risen by at
    least the threshold, it sends an ON event, when it has fallen by as much an OFF event, several at once if the
    change is several thresholds; the kept brightness moves by a threshold an event. The image moves by parts of a pixel
    (bilinear interpolation), and goes on beyond its border as it is there.

    Parameters
    ----------
    images : ImageSamples or array_like, shape (samples, rows, columns)
        Bytes from 0 to 255, or other numbers from 0 to 1.
    steps : int
        Frames that the three movements are cut into.
    amplitude : float
        Width and height of the triangle, in pixels; at most the smaller side of the image.
    threshold : float
        In units of the brightness.
    intensity : {"log", "linear"}
        What brightness is: the logarithm of 0.1 + intensity, as in event cameras, or the intensity, from 0 to 1. From
        black to white it grows by 2.4, or by 1.
    noise : float
        Mean number of events that nothing has caused, for each pixel, frame and sign (Poisson).
    seed : int
        Of the noise; nothing else is drawn.
    numbers : array_like of int (samples,), optional
        A number for each image, from which its noise follows with the seed. By default 0, 1, 2, ...

    Returns
    -------
    ndarray of uint8, shape (samples, steps, 2, rows, columns)
        Counts of events, ON first; 255 stands for that many and more. ``np.minimum(events, 1)`` is whether there was
        one.

    Raises
    ------
    HeteroError
        If an argument is not valid.

    References
    ----------
    G. Orchard, A. Jayawant, G. K. Cohen, N. Thakor, "Converting static image datasets to spiking neuromorphic datasets
    using saccades", Frontiers in Neuroscience 9, 2015, arXiv:1507.07629. There a camera was moved, along an isosceles
    triangle. The corners, the size in pixels, and the pixel's model are choices of this package.

    Examples
    --------
    An edge between black and white moves to the right in two steps, over a column each, and comes back in one.

    >>> import numpy as np
    >>> image = np.repeat([[0, 0, 255, 255]], 4, axis=0).astype(np.uint8)
    >>> events = saccade_events([image], steps=3, threshold=0.4, intensity="linear")
    >>> events[0, :, 0, 1].tolist()  # ON
    [[0, 0, 0, 0], [0, 0, 0, 0], [0, 2, 2, 0]]
    >>> events[0, :, 1, 1].tolist()  # OFF
    [[0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]
    """
    pixels = checked_images(images)
    settings = checked_settings(pixels.shape[1:], steps, amplitude, threshold, intensity)
    noise = checks.real("noise", noise, least=0.0, fix="use 0 for none")
    seed = checks.whole("seed", seed, least=0)
    shape = (len(pixels), settings["steps"], 2, *pixels.shape[1:])
    memory.fits("the events", math.prod(shape), "give fewer images at a time, or lower steps")
    named = image_numbers(numbers, len(pixels))
    out = np.empty(shape, np.uint8)
    for start in range(0, len(pixels), _CHUNK):
        part = slice(start, start + _CHUNK)
        made = _frames(pixels[part], **settings)
        if noise:
            for events, number in zip(made, named[part], strict=True):
                events += generator(seed, "input", "saccades", int(number)).poisson(noise, events.shape)
        out[part] = np.minimum(made, 255)
    return out


def checked_settings(
    shape: tuple[int, ...], steps: Any, amplitude: Any, threshold: Any, intensity: Any
) -> dict[str, Any]:
    """Settings of `saccade_events`; raise `HeteroError` unless they are valid for images of this shape."""
    amplitude = checks.real("amplitude", amplitude, above=0.0, fix="use 2 pixels")
    if amplitude > min(shape):
        raise HeteroError(f"amplitude must be at most {min(shape)} pixels, as the image has, got {amplitude:g}: use 2")
    return {
        "steps": checks.whole("steps", steps, least=1, most=10_000),
        "amplitude": amplitude,
        "threshold": checks.real("threshold", threshold, least=1e-3, fix="use 0.4"),
        "intensity": checks.one_of("intensity", intensity, INTENSITIES),
    }


class EventSamples(Sequence[Array]):
    """Images whose events are made when asked for: a byte a pixel until then.

    A sample is an array (steps, 2 * rows * columns) of counts, as recurrent networks take a series.

    Parameters
    ----------
    images : ImageSamples
    **settings
        ``steps``, ``amplitude``, ``threshold``, ``intensity`` of `saccade_events`.

    Examples
    --------
    >>> import numpy as np
    >>> samples = EventSamples(ImageSamples(np.tri(28, dtype=np.uint8)[None] * 255), steps=4)
    >>> samples[0].shape, samples.frames().shape
    ((4, 1568), (1, 4, 2, 28, 28))
    """

    def __init__(
        self,
        images: ImageSamples,
        *,
        steps: int = 10,
        amplitude: float = 2.0,
        threshold: float = 0.4,
        intensity: str = "log",
    ) -> None:
        self.images = images
        self.settings = checked_settings(images.pixels.shape[1:], steps, amplitude, threshold, intensity)

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> EventSamples: ...
    def __getitem__(self, index: int | slice) -> Array | EventSamples:
        if isinstance(index, slice):
            return EventSamples(self.images[index], **self.settings)
        rows: Array = self._rows(self.images.pixels[index][None])[0]
        return rows

    def __iter__(self) -> Iterator[Array]:
        for start in range(0, len(self), _CHUNK):  # many at once take a tenth of the time
            yield from self._rows(self.images.pixels[start : start + _CHUNK])

    def take(self, indices: Ints) -> EventSamples:
        """The samples of these indices, in this order."""
        return EventSamples(self.images.take(indices), **self.settings)

    def frames(self, indices: ArrayLike | None = None) -> NDArray[np.uint8]:
        """Events of many samples at once, for networks that take images.

        Parameters
        ----------
        indices : array_like of int, optional
            By default all samples.

        Returns
        -------
        ndarray of uint8, shape (samples, steps, 2, rows, columns)

        Raises
        ------
        HeteroError
            If an index is not one of a sample, or the result does not fit into memory.
        """
        if indices is None:
            return saccade_events(self.images, **self.settings)
        chosen = checks.whole_array("indices", indices, 1, axes=("sample",), least=0, most=len(self) - 1)
        return saccade_events(self.images.take(chosen), **self.settings)

    @property
    def lengths(self) -> Ints:
        """Frames of each sample."""
        return np.full(len(self), self.settings["steps"], dtype=np.int64)

    def _rows(self, pixels: NDArray[np.uint8]) -> Array:
        made = _frames(pixels, **self.settings)
        return np.minimum(made, 255).astype(np.float64).reshape(len(made), self.settings["steps"], -1)

    def __repr__(self) -> str:
        rows, columns = self.images.pixels.shape[1:]
        return f"EventSamples({len(self)} of {self.settings['steps']} x 2 x {rows} x {columns})"


def _frames(
    pixels: NDArray[Any], steps: int, amplitude: float, threshold: float, intensity: str
) -> NDArray[np.float32]:
    """Counts of events, shape (samples, steps, 2, rows, columns)."""
    offsets, looks = saccade_path(steps, amplitude)
    # Single precision holds counts exactly, and takes half of the time.
    light = pixels.astype(np.float32) / np.float32(255 if pixels.dtype == np.uint8 else 1)
    border = math.ceil(amplitude / 2) + 1
    light = np.pad(light, ((0, 0), (border, border), (border, border)), mode="edge")
    out = np.zeros((len(pixels), steps, 2, *pixels.shape[1:]), np.float32)

    def seen(offset: Array) -> NDArray[np.float32]:
        moved = _moved(light, border, offset, pixels.shape[1:])
        if intensity == "log":
            moved = np.log(moved + np.float32(DARK))
        return moved / np.float32(threshold)

    start = seen(offsets[0])
    level = np.zeros_like(start)  # thresholds between the kept brightness and that of the start: whole numbers
    for look, offset in enumerate(offsets[1:]):
        change = seen(offset) - start - level
        # Rounding towards 0 leaves what is smaller than a threshold.
        events = np.trunc(change + np.copysign(np.float32(_SLACK), change))
        level += events
        frame = out[:, look // looks]
        frame[:, 0] += np.maximum(events, 0)
        frame[:, 1] -= np.minimum(events, 0)
    return out


def _moved(
    light: NDArray[np.float32], border: int, offset: Array, shape: tuple[int, ...]
) -> NDArray[np.float32]:  # fmt: skip
    """Images moved right and down by parts of a pixel, without their border."""
    whole = np.floor(-offset).astype(int)
    right, down = (-offset - whole).astype(np.float32)
    left, top = border + whole
    rows, columns = shape
    out = light[:, top : top + rows + 1, left : left + columns + 1]
    # Weights in this form leave equal neighbours as they are, to the last bit.
    out = out[:, :-1] + down * (out[:, 1:] - out[:, :-1])
    moved: NDArray[np.float32] = out[:, :, :-1] + right * (out[:, :, 1:] - out[:, :, :-1])
    return moved
