"""Download of the data sets that do not come along: checked against published checksums, whole or not at all."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hetero_rsnn.common.errors import FetchError, FileFormatError, OutputError, suggest
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.datasets.sources import SOURCES, RemoteFile, data_folder
from hetero_rsnn.jobs.progress import transfer_bar

#: Environment variable with the address of a mirror.
MIRROR = "HETERO_RSNN_MIRROR"
#: Seconds without an answer, or without a byte, after which a download is given up.
TIMEOUT = 30.0


def fetch_dataset(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    base_url: str | None = None,
    progress: bool = False,
) -> list[Path]:
    """Download a data set to where `load_dataset` finds it; files that are there are checked and left alone.

    Parameters
    ----------
    name : str
        ``"free_spoken_digits"`` or ``"shd"``.
    data_dir : path, optional
        Folder; without it ``$HETERO_RSNN_DATA``, else ``~/.cache/hetero_rsnn``.
    base_url : str, optional
        Mirror, which has the files under the paths of the original: it replaces ``https://HOST``. Without it
        ``$HETERO_RSNN_MIRROR``, else the original. The checksums stay those of the original.
    progress : bool
        Show a bar on standard error, if that is a terminal.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    FetchError
        If the name is unknown or of data that a Debian package holds, pooch is not installed, or the download fails or
        has another checksum.
    FileFormatError
        If a file of that name is there with another checksum; it is not touched.
    OutputError
        If the folder cannot be written.
    """
    if name not in SOURCES:
        known = [other for other, source in SOURCES.items() if source.files]
        raise FetchError(f"no download for {name!r}{suggest(str(name), known)}: see 'hetero-rsnn data'")
    if not SOURCES[name].files:
        raise FetchError(
            f"{name} is not downloaded by this package", fix=f"install Debian's package: {SOURCES[name].command}"
        )
    pooch = need("pooch", "data", "a download", error=FetchError)
    files = SOURCES[name].files
    addresses = [_address(file.url, base_url if base_url is not None else os.environ.get(MIRROR)) for file in files]
    folder = data_folder(data_dir)
    for file in files:  # all before the first download
        _check_present(folder / file.name, file, pooch)
    if all(os.path.exists(folder / file.name) for file in files):
        return [folder / file.name for file in files]
    made = not os.path.exists(folder)
    output_folder(folder)
    try:
        return [_fetch(file, url, folder, pooch, progress) for file, url in zip(files, addresses, strict=True)]
    except BaseException:
        if made:
            with suppress(OSError):  # a file that did arrive is kept, and the folder with it
                folder.rmdir()
        raise


def _address(url: str, mirror: str | None) -> str:
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https") or not urlsplit(mirror).netloc:
        raise FetchError(f"a mirror must be an address such as https://example.org/data, got {mirror!r}")
    return mirror.rstrip("/") + urlsplit(url).path


def _check_present(path: Path, file: RemoteFile, pooch: Any) -> None:
    if not os.path.exists(path):  # and not Path.exists, which raises for a name that is too long
        return
    kind, _, expected = file.checksum.partition(":")
    try:
        found = pooch.file_hash(str(path), alg=kind)
    except OSError as error:
        raise FileFormatError(f"{path}: must be a readable file, got: {error}: check it") from error
    if found != expected:
        rule = f"exists and must have the {kind} {expected}, got {found}"
        raise FileFormatError(f"{path}: {rule}: move it away or delete it, then fetch again")


def _fetch(file: RemoteFile, url: str, folder: Path, pooch: Any, progress: bool) -> Path:
    path = folder / file.name
    if path.exists():
        return path
    try:
        # pooch downloads to a temporary name beside it, checks, and renames
        with transfer_bar(file.name, progress) as bar, _silent(pooch):
            downloader = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT, chunk_size=1 << 16)
            pooch.retrieve(url, file.checksum, fname=file.name, path=str(folder), downloader=downloader)
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)  # a temporary file is one that only its owner may read
    except ValueError as error:  # what pooch raises for another checksum; requests has its own for bad addresses
        if isinstance(error, OSError):
            raise FetchError(f"{url}: cannot be fetched: {_reason(error)}: check the address") from None
        rule = f"must have the checksum {file.checksum}, got another one"
        raise FetchError(f"{url}: {rule}: nothing was kept; try again, or another mirror") from None
    except OSError as error:  # requests derives its errors from it
        if error.errno is not None and error.filename is not None:
            raise OutputError(
                f"cannot write {path}: {error.strerror or error}", fix="choose another data_dir"
            ) from error
        raise FetchError(f"{url}: cannot be fetched: {_reason(error)}: check the network, or give a mirror") from None
    return path


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    text = str(error)
    return f"{type(error).__name__}: {text if len(text) <= 160 else text[:160] + '...'}"


@contextmanager
def _silent(pooch: Any) -> Iterator[None]:
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
