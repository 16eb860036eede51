"""The journal of a long search: an append-only file of JSON lines, every one on the disk before work goes on.

The first line is the header, ``{"event": "search", "format": 1, ...}``; each further line is one event, a JSON object
whose ``"event"`` is a string. What the events mean is the search's business. A crash can tear only the line that was
being written, and that line was never acknowledged; so a torn last line is forgiven, and nothing else is.

Every line ends with a checksum of its own: the last key of its object is ``"crc"``, eight hexadecimal digits, the
CRC-32 (that of zlib, PNG and gzip) of the line as it would be without that key. To check a line, take the 19 characters
``, "crc": "xxxxxxxx"`` before its last brace out, and compute the CRC-32 of the bytes that are left, from brace to
brace. Journals that were begun before there were checksums stay readable, and lines that are added to them have one;
after a line that has one, all must. A blank line says nothing and is skipped; it counts where lines are numbered.

Values become what strict JSON holds (see `files.plain`): numpy scalars and arrays turn into numbers and lists, tuples
into lists, keys into strings, NaN and infinities into null. What `Journal.append` returns and `Journal.events` holds
went through the same text, so that a search that runs through and one that is resumed see equal events.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import stat
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from hetero_rsnn.common.errors import ExecutorError, HeteroError, JournalError, OutputError
from hetero_rsnn.common.files import path_of, plain, write_atomic
from hetero_rsnn.jobs.locks import lock, owner

Event = dict[str, Any]

#: Version of the layout that this module writes; older ones it must go on reading.
FORMAT = 1
HEADER = "search"
#: Key of a line's checksum, and how it stands at the end of a line.
CHECKSUM = "crc"
_CHECKSUM = re.compile(rb', "crc": "([0-9a-f]{8})"\}$')


class Journal:
    """A journal that this process alone may write; made by `Journal.create` or `Journal.resume`.

    Use it as a context manager, or call `close`. It is meant for one thread.

    Attributes
    ----------
    path : Path
    events : list of dict
        All events on the disk, the header first, as a later reader would find them; without their checksums.
    lines : list of int
        The line of the file in which each of them stands, from 1.
    torn : Path or None
        Where `resume` put a torn last line.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.events: list[Event] = []
        self.lines: list[int] = []
        self.torn: Path | None = None
        self._fd = fd
        self._length = 0
        self._height = 0  # lines, blank ones too
        self._failed = False
        _OPEN.add(self)

    @classmethod
    def create(cls, path: str | Path, header: Mapping[str, Any]) -> Journal:
        """Start a new journal.

        Parameters
        ----------
        path : str or Path
            Missing folders are made. An empty file is taken over, any other is refused.
        header : mapping
            The full definition of the search; ``"event"`` and ``"format"`` are added.

        Raises
        ------
        JournalError
            If the file holds something already, is in use, or cannot be written.
        """
        path = path_of("path", path)
        if "format" in header or header.get("event", HEADER) != HEADER:
            raise JournalError(
                'a journal sets "event" and "format" of its header itself: name those entries differently'
            )
        line = _line({"event": HEADER, "format": FORMAT, **header})
        try:
            made = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot("make the folder of", path, error, "choose another place") from None

        def begin(self: Journal) -> None:
            if os.fstat(self._fd).st_size:
                raise JournalError(f"{path} exists already", fix="resume it, or choose another path", problem="exists")
            self._write(line)
            # A file whose folder entry is not on the disk is not on the disk.
            for folder in [path.parent, *(folder.parent for folder in made)]:
                _sync_folder(folder)

        return cls._open(path, os.O_CREAT, begin)

    @classmethod
    def resume(
        cls,
        path: str | Path,
        check: Callable[[Event], object] | Mapping[str, Any] | None = None,
        *,
        each: Callable[[Event], object] | None = None,
    ) -> Journal:
        """Open an existing journal to go on with it.

        A torn last line is moved to a file beside it (``NAME.torn``, then ``NAME.torn-2``, ...), which `torn` names.

        Parameters
        ----------
        path : str or Path
        check : callable or mapping, optional
            Called with the header before anything is changed, to raise if it is not the right one; or entries that
            the header must hold.
        each : callable, optional
            See `read_journal`; called for all events before `check`.

        Raises
        ------
        JournalError
            If the file is missing, is no journal, is of a newer format, has a broken line that is not the last or one
            that does not pass `each`, is in use, does not pass `check`, or cannot be written. Nothing is changed then.
        """
        path = path_of("path", path)

        def take_over(self: Journal) -> None:
            data = _read(self._fd, path)
            self.events, self.lines, self._length = _parse(data, path, each)
            self._height = data[: self._length].count(b"\n")
            if callable(check):
                check(self.events[0])
            elif check is not None:
                _compare(path, self.events[0], check)
            if tail := data[self._length :]:
                self._set_aside(tail)

        return cls._open(path, 0, take_over)

    @property
    def header(self) -> Event:
        """The first event."""
        return self.events[0]

    def append(self, event: Mapping[str, Any]) -> Event:
        """Write an event; when this returns, it is on the disk.

        Parameters
        ----------
        event : mapping
            With a string as ``"event"`` and without ``"crc"``; the rest must be what JSON can hold, or numpy's scalars
            and arrays.

        Returns
        -------
        dict
            The event as a later reader will find it.

        Raises
        ------
        JournalError
            If the event does not fit, the disk is full, or the file was changed or taken away by someone else. After
            a failure to write, the journal takes no more events: resume it.
        """
        if self._fd < 0:
            raise JournalError(f"the journal {self.path} is closed: resume it to go on")
        if self._failed:
            raise JournalError(f"the journal {self.path} failed to write before: resume it to go on")
        if event.get("event") == HEADER:
            raise JournalError(f'the event "{HEADER}" is the header of a journal: name this one differently')
        return self._write(_line(event))

    def close(self) -> None:
        """Close the file, which frees the lock; closing twice is allowed."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def _open(cls, path: Path, flags: int, ready: Callable[[Journal], None]) -> Journal:
        """Open, lock, and make `ready`; the descriptor is closed in programs that this process starts, as always."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0) | flags, 0o666)
        except FileNotFoundError:
            raise JournalError(
                f"there is no journal {path}", fix="start a new one, or give the path of another", problem="missing"
            ) from None
        except OSError as error:
            raise _cannot("open", path, error, "choose another path") from None
        journal = cls(path, fd)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise JournalError(f"{path} is not a file: choose another path")
            lock(fd)
        except BlockingIOError:
            who = owner(fd)
            journal.close()
            raise JournalError(f"{who} is writing {path}: wait for it, stop it, or choose another path") from None
        except OSError as error:
            journal.close()
            raise _cannot("lock", path, error, "choose a place on a file system with locks") from None
        except BaseException:
            journal.close()
            raise
        try:
            ready(journal)
        except BaseException:
            journal.close()
            raise
        return journal

    def _write(self, line: bytes) -> Event:
        self._undisturbed()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            os.fsync(self._fd)
        except OSError as error:
            self._failed = True
            left = "" if self._roll_back() else " (and left half a line, which resuming will set aside)"
            fix = "free some space, then resume" if error.errno in _FULL else "check the disk, then resume"
            raise _cannot("write to", self.path, error, fix, left) from None
        except BaseException:  # Ctrl-C: without this, the next line would be glued to half of this one
            self._failed = not self._roll_back()
            raise
        self._length += len(line)
        self._height += 1
        event: Event = json.loads(line)
        del event[CHECKSUM]
        self.events.append(event)
        self.lines.append(self._height)
        return event

    def _undisturbed(self) -> None:
        """Refuse to write into a file that is not the one that was read: its events would be lost or mixed."""
        try:
            here = os.fstat(self._fd)
            same = os.path.samestat(here, os.stat(self.path))
        except OSError:
            same = False
        if not same or here.st_size != self._length:
            self._failed = True
            what = "changed" if same else "moved, deleted or replaced"
            raise JournalError(f"the journal {self.path} was {what} while a search wrote it: put it back, then resume")

    def _roll_back(self) -> bool:
        try:
            os.ftruncate(self._fd, self._length)
            os.fsync(self._fd)
        except OSError:
            return False
        return True

    def _set_aside(self, tail: bytes) -> None:
        """Save the bytes of a torn line first, then cut them off."""
        number = 1
        target = self.path.with_name(f"{self.path.name}.torn")
        while os.path.lexists(target):
            number += 1
            target = self.path.with_name(f"{self.path.name}.torn-{number}")
        try:
            self.torn = write_atomic(target, lambda file: file.write(tail))
            os.ftruncate(self._fd, self._length)
            os.fsync(self._fd)
        except OutputError as error:
            raise JournalError(f"cannot set the torn last line of {self.path} aside: {error}") from None
        except OSError as error:
            raise _cannot("cut the torn last line off", self.path, error, "check the disk, then resume") from None


def read_journal(path: str | Path, *, each: Callable[[Event], object] | None = None) -> list[Event]:
    """Read the events of a journal, even while a search is writing it; a torn last line is left out.

    Parameters
    ----------
    path : str or Path
    each : callable, optional
        Called with every event in turn, the header first, to raise a `HeteroError` that says what is wrong with it;
        the message then names the file and the line.

    Returns
    -------
    list of dict
        Without the checksums of their lines.

    Raises
    ------
    JournalError
        If the file is missing, is no journal, is of a newer format, or has a broken line that is not the last, or one
        that does not pass `each`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "j.jsonl"
    ...     with Journal.create(path, {"n": 3}) as journal:
    ...         found = journal.append({"event": "done"})
    ...     read_journal(path)
    ...     print(path.read_text().splitlines()[1])
    [{'event': 'search', 'format': 1, 'n': 3}, {'event': 'done'}]
    {"event": "done", "crc": "b2193db3"}
    """
    path = path_of("path", path)
    if not path.is_file():
        raise JournalError(f"there is no journal {path}: give the path of one")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _cannot("read", path, error, "check its permissions") from None
    return _parse(data, path, each)[0]


_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _cannot(what: str, path: Path, error: OSError, fix: str, more: str = "") -> JournalError:
    return JournalError(f"cannot {what} {path}: {error.strerror or error}{more}; {fix}")


def _line(event: Mapping[str, Any]) -> bytes:
    """One line of ASCII with its checksum: no byte of it can be part of another character, wherever it is torn."""
    if not isinstance(event.get("event"), str):
        raise JournalError(f'an event needs a string as "event", got {event.get("event")!r}')
    if CHECKSUM in event:
        raise JournalError(f'a journal sets "{CHECKSUM}" of its lines itself: name that entry differently')
    try:
        text = json.dumps(plain(dict(event)), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"a journal cannot hold the event {event['event']!r}: {error}; keep to JSON types") from None
    return text[:-1] + b', "%s": "%08x"}\n' % (CHECKSUM.encode(), zlib.crc32(text))


def _read(fd: int, path: Path) -> bytes:
    try:
        with open(fd, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _cannot("read", path, error, "check the disk") from None


def _parse(data: bytes, path: Path, each: Callable[[Event], object] | None) -> tuple[list[Event], list[int], int]:
    """Read all events, their lines, and the length of the part that holds them: without a last line that is torn."""
    if not data:
        raise JournalError(f"{path} is empty, no journal", fix="start a new one there", problem="missing")
    lines = [part + b"\n" for part in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    last = max((number for number, line in enumerate(lines, start=1) if line.strip()), default=0)
    events: list[Event] = []
    numbers: list[int] = []
    length = 0
    sealed = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            length += len(line)
            continue
        text = line.strip() if events else line.removeprefix(codecs.BOM_UTF8).strip()
        try:
            if not line.endswith(b"\n"):
                raise ValueError("it has no end")
            event, sealed = _event(text, sealed)
        except (ValueError, RecursionError) as error:
            if not events and not isinstance(error, _Damage):
                raise _no_journal(path) from None
            if events and number == last and not (isinstance(error, _Damage) and line.endswith(b"\n")):
                break
            raise JournalError(
                f"{path} is broken in line {number} ({error}), and only a last line may be torn",
                fix="restore a copy" + (f", or keep the {number - 1} lines before it and resume" if events else ""),
            ) from None
        if not events:
            _check_header(event, path)
        elif event["event"] == HEADER:
            raise JournalError(f"{path} has a second header in line {number}: one journal holds one search, split it")
        if each is not None:
            _inspect(each, event, path, number)
        events.append(event)
        numbers.append(number)
        length += len(line)
    if not events:
        raise _no_journal(path)
    return events, numbers, length


class _Damage(ValueError):
    """A line is one of a journal, and not what was written."""


def _event(text: bytes, sealed: bool) -> tuple[Event, bool]:
    """The event of a line, and whether its checksum was checked; `sealed`: whether it must have one."""
    event = json.loads(text, parse_constant=_not_json)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise ValueError("it is not an event")
    if CHECKSUM not in event:
        if sealed:
            raise _Damage("it lacks a checksum, which the lines before it have")
        return event, False
    found = _CHECKSUM.search(text)
    if found is None:
        raise _Damage(f'its checksum "{CHECKSUM}" is not as it was written, eight hexadecimal digits at the end')
    made = zlib.crc32(text[: found.start()] + b"}")
    if made != int(found[1], 16):
        raise _Damage(f"its checksum is {found[1].decode()}, that of what it holds {made:08x}: it was changed")
    del event[CHECKSUM]
    return event, True


def _inspect(each: Callable[[Event], object], event: Event, path: Path, number: int) -> None:
    try:
        each(event)
    except HeteroError as error:
        first = event["event"] == HEADER
        fix = "give the path of another" if first else f"restore a copy, or keep the {number - 1} lines before it"
        raise JournalError(
            f"{path} is not a journal that this version can read: line {number}, {event['event']!r}: {error.reason}",
            fix=fix,
        ) from None


def _no_journal(path: Path) -> JournalError:
    return JournalError(f"{path} is not the journal of a search: give the path of one")


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check_header(header: Event, path: Path) -> None:
    version = header.get("format")
    if header["event"] != HEADER or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _no_journal(path)
    if version > FORMAT:
        raise JournalError(f"{path} has format {version}, newer than {FORMAT}, the newest known: update hetero_rsnn")


def _compare(path: Path, header: Event, expected: Mapping[str, Any]) -> None:
    for name, value in plain(dict(expected)).items():
        if name not in header or header[name] != value:
            found = repr(header[name]) if name in header else "nothing"
            raise JournalError(
                f"{path} is of another search: its {name} is {found}, not {value!r}; "
                "resume with the same definition, or choose another path"
            )


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # has no way to open a folder
        return
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder may be writable and not readable
        return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):  # some file systems cannot
            raise _cannot("write to", folder, error, "check the disk") from None
    finally:
        os.close(fd)


#: Journals open in this process, for `_after_fork`.
_OPEN: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    """Close a forked child's copies: the lock would last as long as they do, and a child must not write."""
    for journal in list(_OPEN):
        journal.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def resumable(holds: Callable[[], object]) -> Iterator[None]:
    """The error of a cluster that went away says that work can be gone on with, if a journal holds some of it."""
    try:
        yield
    except ExecutorError as error:
        raise (error.at(after=", then resume") if error.lost and holds() else error) from None
