"""Files: written to a temporary name first, then renamed, so that nothing is lost; free names; reading TOML."""

from __future__ import annotations

import json
import math
import os
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from hetero_rsnn.common.errors import HeteroError, OutputError


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to disk, and rename it.

    A reader sees the old file or the new one, never half of one, and a failure leaves the old one alone.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    path = Path(path)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files that only the owner may read
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8, atomically."""
    return write_atomic(path, lambda file: file.write(text.encode()))


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays into what JSON holds; NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_text(data: Any) -> str:
    """Strict JSON (no NaN), indented."""
    return json.dumps(plain(data), indent=1, allow_nan=False) + "\n"


def write_json(path: Path, data: Any) -> Path:
    """Write strict JSON, atomically."""
    return write_text(path, json_text(data))


def output_folder(path: str | Path) -> Path:
    """Make a folder and check that it can be written, before hours of work end at a closed door.

    Raises
    ------
    OutputError
        If it cannot be made, is a file, or cannot be written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(dir=folder, prefix=".probe")
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        raise OutputError(
            f"cannot write to the folder {folder}: {error.strerror or error}", fix="choose another"
        ) from None
    return folder


def read_toml(path: Path, what: str, refusal: type[HeteroError]) -> dict[str, Any]:
    """Read a TOML file, a `what` file to its user; raise `refusal` where that cannot be done."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise refusal(f"{path} is not valid TOML: {error}") from None
    except (ValueError, OSError, RecursionError) as error:  # not UTF-8, a number of 5,000 digits, brackets as deep
        raise refusal(f"{path} cannot be read as a {what} file: {error}") from None


def first_free(path: Path, files: Sequence[str] = ()) -> Path:
    """The path, or the first of PATH-2, PATH-3, ... that is not there (a folder: that holds none of the files)."""
    number, free = 1, path
    while any((free / name).exists() for name in files) if files else free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
