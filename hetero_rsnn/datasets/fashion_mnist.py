"""Fashion-MNIST from its four IDX files: images whose rows are shown one after the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.idx import read_idx

#: Rows and columns of an image.
SIDE = 28
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
#: Images, labels of the training part; images, labels of the test part.
_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
#: What `find_fashion_mnist` looks for.
WANTED = f"{_FILES[0]}, {_FILES[1]}, {_FILES[2]} and {_FILES[3]}, plain or as .gz"
#: Where the files lie: in the folder itself, or in one inside it (Debian's and torchvision's names).
_INSIDE = (".", "fashion-mnist", "FashionMNIST/raw")
#: Where Debian's package `dataset-fashion-mnist` puts them.
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
#: SHA-256 of the labels of each part of the published data set, by their number. Data sets that were made to take its
#: place, such as KMNIST, have the same names, sizes and numbers of each class, but other labels in another order.
_LABELS = {
    60_000: "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    10_000: "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
}
#: Of the permutation of the pixels: ``np.random.default_rng(PERMUTATION_SEED).permutation(784)``.
PERMUTATION_SEED = 0


class ImageSamples(Sequence[Array]):
    """Images that become numbers in [0, 1] when asked for: one byte a pixel until then, not eight.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (samples, rows, columns)
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> ImageSamples: ...
    def __getitem__(self, index: int | slice) -> Array | ImageSamples:
        if isinstance(index, slice):
            return ImageSamples(self.pixels[index])
        return np.asarray(self.pixels[index] / 255.0)

    def take(self, indices: Ints) -> ImageSamples:
        """The samples of these indices, in this order."""
        return ImageSamples(self.pixels[indices])

    @property
    def lengths(self) -> Ints:
        """Rows of each image."""
        return np.full(len(self), self.pixels.shape[1], dtype=np.int64)

    def __repr__(self) -> str:
        return f"ImageSamples({len(self)} of {self.pixels.shape[1]} x {self.pixels.shape[2]})"


@dataclass(frozen=True, eq=False)
class Images:
    """Both parts, training first: labels index `CLASSES`."""

    X: ImageSamples
    labels: Ints
    n_train: int


def find_fashion_mnist(where: Path, *, installed: bool = True) -> tuple[Path, ...] | None:
    """The four files in `where`, a folder or one of them; None unless all are there.

    Parameters
    ----------
    where : Path
    installed : bool
        Look where Debian puts them, too: not for a user who has named a folder, and would get other files unasked.
    """
    folder = where.parent if os.path.isfile(where) else where  # and not Path.is_file, which raises for long names
    for place in (*(folder / inside for inside in _INSIDE), *([DEBIAN] if installed else [])):
        found = [
            next((path for path in (place / name, place / f"{name}.gz") if os.path.isfile(path)), None)
            for name in _FILES
        ]
        there = tuple(path for path in found if path is not None)
        if len(there) == len(_FILES):
            return there
    return None


def read_fashion_mnist(paths: Sequence[Path], *, permuted: bool = False) -> Images:
    """Read the four files.

    Parameters
    ----------
    paths : sequence of path
        As `find_fashion_mnist` gives them.
    permuted : bool
        Move all pixels of every image, by the same permutation: row by row, pixel k of the new image is pixel
        ``np.random.default_rng(0).permutation(784)[k]`` of the old one.

    Raises
    ------
    FileFormatError
        If a file is damaged, or images and labels do not fit each other or the data set.
    """
    parts = [_part(*paths[:2]), _part(*paths[2:])]
    for path, (_, y) in zip(paths[1::2], parts, strict=True):
        _check_labels(path, y)
    counts = np.bincount(parts[0][1], minlength=len(CLASSES))
    if np.ptp(counts):  # MNIST, whose files have the same names and shapes, has from 5421 to 6742
        rule = "the training part must have as many images of each class, as Fashion-MNIST does"
        got = f"got {counts.min()} to {counts.max()}"
        raise FileFormatError(
            f"{paths[1]}: {rule}, {got}", fix="check that it is not MNIST, whose files are named alike"
        )
    (train, labels), (test, _) = parts
    count = (len(train) + len(test)) * SIDE**2
    memory.fits(f"{paths[0].parent}: reading it", 2 * count, "free some memory", error=FileFormatError)
    pixels = np.concatenate([train, test])
    if permuted:
        order = np.random.default_rng(PERMUTATION_SEED).permutation(SIDE**2)
        pixels = pixels.reshape(-1, SIDE**2)[:, order].reshape(pixels.shape)
    return Images(ImageSamples(pixels), np.concatenate([y for _, y in parts]), len(labels))


def _check_labels(path: Path, y: NDArray[Any]) -> None:
    """Refuse another data set of the same size; a part of the data set has no checksum."""
    expected = _LABELS.get(len(y))
    found = hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest()
    if expected not in (None, found):
        raise FileFormatError(
            f"{path}: its {len(y)} labels must have the SHA-256 of Fashion-MNIST's, {expected}, got {found}",
            fix="check that it is not MNIST or KMNIST, whose files are named alike",
        )


def _part(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    pixels = read_idx(images, 3)
    if pixels.shape[1:] != (SIDE, SIDE):
        rule, got = f"images must have {SIDE} x {SIDE} pixels", " x ".join(map(str, pixels.shape[1:]))
        raise FileFormatError(f"{images}: {rule}, got {got}", fix="get it again")
    y = read_idx(labels, 1).astype(np.int64)
    if len(y) != len(pixels):
        rule = f"must hold one label for each of the {len(pixels)} images of {images.name}"
        raise FileFormatError(f"{labels}: {rule}, got {len(y)}", fix="get both again")
    if y.max() >= len(CLASSES):
        raise FileFormatError(f"{labels}: labels must be in 0..{len(CLASSES) - 1}, got {y.max()}", fix="get it again")
    return pixels, y
