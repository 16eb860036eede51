"""Where data sets are looked for, and where those come from that the package does not ship."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from hetero_rsnn.common.errors import FileFormatError, HeteroError, StimulusError, suggest

#: Folder with data sets, where no argument names one.
VARIABLE = "HETERO_RSNN_DATA"


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its checksum is ``"sha256:..."`` or ``"md5:..."`` as others publish it, `size` in bytes."""

    name: str
    url: str
    checksum: str
    size: int | None = None


@dataclass(frozen=True)
class Source:
    """Who made a data set, under which licence, its published files, or else the Debian package that holds it."""

    authors: str
    homepage: str
    licence: str
    files: tuple[RemoteFile, ...]
    package: str = ""

    @property
    def command(self) -> str:
        """How the package is installed."""
        return f"apt install {self.package}"


SOURCES = {
    # Checksum of the archive that GitHub makes of the tag: TensorFlow Datasets, audio/spoken_digit/checksums.tsv
    "free_spoken_digits": Source(
        "Z. Jackson and contributors, Free Spoken Digit Dataset",
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
        "CC BY-SA 4.0",
        (
            RemoteFile(
                "free-spoken-digit-dataset-1.0.9.tar.gz",
                "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
                "sha256:8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
                11_975_353,
            ),
        ),
    ),
    # The checksums that tonic, SpikingJelly and snnTorch agree on
    "shd": Source(
        "B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke, The Heidelberg Spiking Data Sets, IEEE TNNLS 33 (2022)",
        "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
        "CC BY 4.0",
        (
            RemoteFile(
                "shd_train.h5.zip",
                "https://zenkelab.org/datasets/shd_train.h5.zip",
                "md5:f3252aeb598ac776c1b526422d90eecb",
            ),
            RemoteFile(
                "shd_test.h5.zip",
                "https://zenkelab.org/datasets/shd_test.h5.zip",
                "md5:1503a5064faa34311c398fb0a1ed0a6f",
            ),
        ),
    ),
    # Published by http alone, which says nothing about who answers: Debian's package is signed.
    "fashion_mnist": Source(
        "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv:1708.07747 (2017)",
        "https://github.com/zalandoresearch/fashion-mnist",
        "MIT",
        (),
        "dataset-fashion-mnist",
    ),
}
SOURCES["fashion_mnist_permuted"] = SOURCES["fashion_mnist_events"] = SOURCES["fashion_mnist"]


def data_folder(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Folder or file to look in: `data_dir`, else ``$HETERO_RSNN_DATA``, else the user's cache folder.

    Raises
    ------
    HeteroError
        If there is no home folder to look for a cache in.
    """
    try:
        if data_dir is not None:
            return Path(data_dir).expanduser()
        if given := os.environ.get(VARIABLE):
            return Path(given).expanduser()
        cache = os.environ.get("XDG_CACHE_HOME")
        return (Path(cache) if cache else Path.home() / ".cache") / "hetero_rsnn"
    except RuntimeError as error:  # no home
        raise HeteroError(f"no folder for data: {error}: set {VARIABLE} or give data_dir") from None


def missing(name: str, where: Path, wanted: str, data_dir: str | os.PathLike[str] | None) -> FileFormatError:
    """Make the error for a data set that is not where it was looked for."""
    source = SOURCES[name]
    rule = f"{where}: must hold the data set {name!r} ({wanted}), found none of it"
    if source.package:
        return FileFormatError(rule, fix=f"install Debian's package ({source.command}), or get it from "
                               f"{source.homepage} and give data_dir=...")  # fmt: skip
    call = f"hetero_rsnn.fetch_dataset({name!r}"
    if data_dir is not None:  # else the download would land in another folder
        call += f", {str(where.parent if where.suffix else where)!r}"
    return FileFormatError(rule, fix=f"call {call}), or get it from {source.homepage} and give data_dir=...")


def shipped_series(name: str) -> Path:
    """Find a file that comes with the package: ``"wind_greensboro"`` or ``"wind_sand_point"`` (hourly, m/s).

    Months come from different years: no window may cross a month's edge, and ``load_dataset("wind_greensboro")`` gives
    them apart. See ``hetero_rsnn/datasets/data/README.md``.

    Raises
    ------
    StimulusError
        If there is no such series.
    """
    known = {file.stem: file for file in Path(str(resources.files("hetero_rsnn.datasets") / "data")).glob("*wind*.npz")}
    if name not in known:
        raise StimulusError(f"unknown shipped series {name!r}{suggest(str(name), known)}: give the name of one")
    return known[name]
