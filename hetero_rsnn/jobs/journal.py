"""The journal of a long search: an append-only file of JSON lines, every one on the disk before work goes on.

The first line is the header, ``{"event": "search", "format": 1, ...}``; each further line is one event, a JSON object
whose ``"event"`` is a string. What the events mean is the search's business. A crash can tear only the line that was
being written, and that line was never acknowledged; so a torn last line is forgiven, and nothing else is.

Values become what strict JSON holds (see `files.plain`): numpy scalars and arrays turn into numbers and lists, tuples
into lists, keys into strings, NaN and infinities into null. What `Journal.append` returns and `Journal.events` holds
went through the same text, so that a search that runs through and one that is resumed see equal events.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from hetero_rsnn.common.errors import JournalError, OutputError
from hetero_rsnn.common.files import plain, write_atomic
from hetero_rsnn.jobs.locks import lock, owner

Event = dict[str, Any]

#: Version of the layout that this module writes; older ones it must go on reading.
FORMAT = 1
HEADER = "search"


class Journal:
    """A journal that this process alone may write; made by `Journal.create` or `Journal.resume`.

    Use it as a context manager, or call `close`. It is meant for one thread.

    Attributes
    ----------
    path : Path
    events : list of dict
        All events on the disk, the header first, as a later reader would find them.
    torn : Path or None
        Where `resume` put a torn last line.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.events: list[Event] = []
        self.torn: Path | None = None
        self._fd = fd
        self._length = 0
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
        path = Path(path)
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
    def resume(cls, path: str | Path, check: Callable[[Event], object] | Mapping[str, Any] | None = None) -> Journal:
        """Open an existing journal to go on with it.

        A torn last line is moved to a file beside it (``NAME.torn``, then ``NAME.torn-2``, ...), which `torn` names.

        Parameters
        ----------
        path : str or Path
        check : callable or mapping, optional
            Called with the header before anything is changed, to raise if it is not the right one; or entries that
            the header must hold.

        Raises
        ------
        JournalError
            If the file is missing, is no journal, is of a newer format, has a broken line that is not the last, is in
            use, does not pass `check`, or cannot be written. Nothing is changed then.
        """
        path = Path(path)

        def take_over(self: Journal) -> None:
            data = _read(self._fd, path)
            self.events, self._length = _parse(data, path)
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
            With a string as ``"event"``; the rest must be what JSON can hold, or numpy's scalars and arrays.

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
        event: Event = json.loads(line)
        self.events.append(event)
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


def read_journal(path: str | Path) -> list[Event]:
    """Read the events of a journal, even while a search is writing it; a torn last line is left out.

    Raises
    ------
    JournalError
        If the file is missing, is no journal, is of a newer format, or has a broken line that is not the last.
    """
    path = Path(path)
    if not path.is_file():
        raise JournalError(f"there is no journal {path}: give the path of one")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _cannot("read", path, error, "check its permissions") from None
    return _parse(data, path)[0]


_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _cannot(what: str, path: Path, error: OSError, fix: str, more: str = "") -> JournalError:
    return JournalError(f"cannot {what} {path}: {error.strerror or error}{more}; {fix}")


def _line(event: Mapping[str, Any]) -> bytes:
    """One line of ASCII: no byte of it can be part of another character, wherever it is torn."""
    if not isinstance(event.get("event"), str):
        raise JournalError(f'an event needs a string as "event", got {event.get("event")!r}')
    try:
        return json.dumps(plain(dict(event)), allow_nan=False).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"a journal cannot hold the event {event['event']!r}: {error}; keep to JSON types") from None


def _read(fd: int, path: Path) -> bytes:
    try:
        with open(fd, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _cannot("read", path, error, "check the disk") from None


def _parse(data: bytes, path: Path) -> tuple[list[Event], int]:
    """Read all events, and the length of the part that holds them: without the last line, if that is torn."""
    if not data:
        raise JournalError(f"{path} is empty, no journal", fix="start a new one there", problem="missing")
    lines = [part + b"\n" for part in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    if not lines[-1]:
        lines.pop()
    events: list[Event] = []
    length = 0
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("it has no end")
            event = json.loads(line, parse_constant=_not_json)
            if not isinstance(event, dict) or not isinstance(event.get("event"), str):
                raise ValueError("it is not an event")
        except (ValueError, RecursionError) as error:
            if number == 1:
                raise JournalError(f"{path} is not the journal of a search: give the path of one") from None
            if number == len(lines):
                break
            raise JournalError(
                f"{path} is broken in line {number} ({error}), and only a last line may be torn: restore a copy"
            ) from None
        if number == 1:
            _check_header(event, path)
        elif event["event"] == HEADER:
            raise JournalError(f"{path} has a second header in line {number}: one journal holds one search, split it")
        events.append(event)
        length += len(line)
    return events, length


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check_header(header: Event, path: Path) -> None:
    version = header.get("format")
    if header["event"] != HEADER or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise JournalError(f"{path} is not the journal of a search: give the path of one")
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
