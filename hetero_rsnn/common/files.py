"""Files: written to a temporary name first, then renamed, so that nothing is lost; free names; TOML and arrays."""

from __future__ import annotations

import io
import json
import math
import os
import re
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, OutputError

#: Bytes of a TOML file, and how deep its tables may lie in each other. Files that people write have a few kB and five
#: floors; far beyond, reading takes minutes, and Python gives up going down.
_LARGEST_TOML, _DEEPEST_TOML = 2**18, 40


def why_unreadable(path: Path, error: Exception) -> str:
    """What keeps a file from being read, as the reason of an error."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file"
    return f"{path}: must be a readable file, got: {getattr(error, 'strerror', None) or error}"


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to disk, and rename it.

    A reader sees the old file or the new one, never half of one, and a failure leaves the old one alone.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    path = path_of("path", path)
    temporary: str | None = None
    _check_path(path)
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


def _check_path(path: Path) -> None:
    """Refuse a path that the system could not be asked about, for which Python has errors of its own."""
    try:
        good = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        good = False
    if not good:
        raise OutputError(f"cannot write {path}: it is no name of a file", fix="choose another place")


def path_of(name: str, path: Any) -> Path:
    """A path from text or a path, ``~`` filled in.

    Raises
    ------
    HeteroError
        ``"path must be a path, got None: such as 'runs/first.json'"``.
    """
    if not isinstance(path, str | os.PathLike) or isinstance(name_of := os.fspath(path), bytes):
        raise HeteroError(f"{name} must be a path, got {path!r:.80}", fix="such as 'runs/first.json'")
    return Path(os.path.expanduser(name_of))


def file_named(what: str, path: str | Path, ending: str) -> Path:
    """Where something is to be saved, ``~`` filled in.

    Raises
    ------
    HeteroError
        ``"a policy is saved as NAME.json, got 'mine': end it in .json"``.
    """
    path = path_of("path", path)
    if path.suffix != ending:
        raise HeteroError(f"{what} is saved as NAME{ending}, got {path.name!r}", fix=f"end it in {ending}")
    return path


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8, atomically."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        odd = text[max(error.start - 20, 0) : error.end]
        raise OutputError(f"cannot write {path}: UTF-8 cannot hold {odd!r}", fix="write other text") from None
    return write_atomic(path, lambda file: file.write(data))


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
    folder = path_of("folder", path)
    _check_path(folder)
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
        with path.open("rb") as file:
            data = file.read(_LARGEST_TOML + 1)
    except (ValueError, OSError) as error:  # ValueError: a zero byte in the path
        raise refusal(f"{path} cannot be read as a {what} file: {error}") from None
    return parse_toml(data, path, what, refusal)


def parse_toml(data: bytes, path: Path, what: str, refusal: type[HeteroError]) -> dict[str, Any]:
    """The tables of a TOML file that has these bytes, read or yet to be written; see `read_toml`."""
    try:
        if len(data) > _LARGEST_TOML:
            raise refusal(
                f"{path} must be a {what} file of at most {memory.human(_LARGEST_TOML)}, got more: shorten it"
            )
        text = data.decode("utf-8-sig").replace("\r\n", "\n")  # some editors of Windows begin with a byte order mark
        _refuse_dots(text, path, refusal)
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        place = f"byte {error.start} is none of it"
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            place = "it begins as UTF-16 does"
        raise refusal(
            f"{path} cannot be read as a {what} file: must be UTF-8, {place}", fix="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise refusal(f"{path} is not valid TOML: {error!s:.300}") from None
    except HeteroError:
        raise
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, brackets as deep
        raise refusal(f"{path} cannot be read as a {what} file: {error}") from None
    if _deeper_than(tables, _DEEPEST_TOML):
        raise refusal(f"{path} must have at most {_DEEPEST_TOML} tables within each other, got more: flatten it")
    return tables


def _refuse_dots(text: str, path: Path, refusal: type[HeteroError]) -> None:
    """Refuse names of very many parts, which take Python's reader minutes: each part looks at all before it."""
    for i, line in enumerate(text.split("\n"), 1):
        if line.count(".") <= 5 * _DEEPEST_TOML:
            continue
        bare = re.sub(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*", "", line)  # names in quotes have one part
        if any(part.count(".") > 5 * _DEEPEST_TOML for part in re.split(r"[][{}=,]", bare)):
            raise refusal(f"{path}, line {i}: a name must have at most {_DEEPEST_TOML} parts, got more: flatten it")


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
    return bool(level)


def check_arrays(
    data: bytes, where: str, refusal: type[HeteroError], *, names: Iterable[str] | None = None, factor: float = 1.0
) -> None:
    """Refuse arrays that would not fit into memory: headers state the sizes, and are read before anything is unpacked.

    Parameters
    ----------
    data : bytes
        Of a npy or npz file. Of others, and of damaged ones, nothing is said here: numpy will.
    where : str
        The file, as the beginning of messages.
    refusal : type
    names : iterable of str, optional
        Which arrays of a npz file are wanted; all of them by default.
    factor : float
        Memory in all, in units of the arrays' own: more than 1 where they are converted.

    Raises
    ------
    refusal
        ``"a.npz: unpacking it would take 4.3 GB of memory, and may take 2.1 GB of the 2.8 GB that are free: ..."``;
        also where a header promises more numbers than follow.
    """
    total = 0
    if data[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                wanted = None if names is None else {f"{name}.npy" for name in names} | set(names)
                for info in archive.infolist():
                    if wanted is None or info.filename in wanted:
                        total += info.file_size
                        memory.fits(f"{where}: unpacking it", factor * total, "take a part of it", error=refusal)
                        with archive.open(info) as file:
                            _check_promise(file, info.file_size, f"{where}, array {info.filename!r}", refusal)
        except HeteroError:
            raise
        except Exception:
            return
    else:
        size = _check_promise(io.BytesIO(data), len(data), where, refusal)
        memory.fits(f"{where}: reading it", factor * size, "take a part of it", error=refusal)


def _check_promise(file: IO[bytes], size: int, where: str, refusal: type[HeteroError]) -> int:
    """Bytes of the array that a npy file has, which must not be fewer than its header says."""
    format: Any = np.lib.format
    try:
        headers = {(1, 0): format.read_array_header_1_0, (2, 0): format.read_array_header_2_0}
        version = format.read_magic(file)
        if version == (3, 0):  # names of fields beyond latin-1, which no array of ours has
            raise refusal(f"{where}: must be of numpy's format 1 or 2, got 3", fix="save plain numbers")
        shape, _, dtype = headers[version](file)
    except HeteroError:
        raise
    except Exception:  # no such file, or an odd one: numpy says what
        return 0
    promised = int(math.prod(shape) * dtype.itemsize)
    if not dtype.hasobject and (promised > size or min(shape, default=1) < 0):
        raise refusal(
            f"{where}: must hold as much as its header says, got {memory.human(size)} for shape {shape!s:.80} of "
            f"{dtype!s:.40}",
            fix="save it again",
        )
    return promised


def first_free(path: Path, files: Sequence[str] = ()) -> Path:
    """The path, or the first of PATH-2, PATH-3, ... that is not there (a folder: that holds none of the files)."""
    number, free = 1, path
    while any((free / name).exists() for name in files) if files else free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
