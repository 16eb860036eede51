"""The events of a search: those that its journal holds already are met again, then new ones are written."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.versions import search_versions
from hetero_rsnn.jobs.journal import HEADER, Event


class Log(Protocol):
    """What a search writes to: a `Journal`, or a `MemoryLog`."""

    events: list[Event]

    def append(self, event: Mapping[str, Any]) -> Event:
        """Keep an event, and return it as a later reader finds it."""


class MemoryLog:
    """A journal that ends with the process; events go through the same text as those of a file."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.events: list[Event] = []
        self.append({"event": HEADER, **header})

    def append(self, event: Mapping[str, Any]) -> Event:
        """Keep an event."""
        self.events.append(json.loads(json.dumps(plain(dict(event)), allow_nan=False)))
        return self.events[-1]


class Script:
    """Reads the events of a log one by one; when they are used up, it writes.

    Parameters
    ----------
    log : Log
    where : str
        What messages call the log.
    lines : sequence of int
        Where its events stand in a file, for messages.
    """

    def __init__(self, log: Log, where: str, lines: Sequence[int] = ()) -> None:
        self.log, self.where = log, where
        self._ahead = deque(log.events[1:])
        self._lines = deque(lines[1:])
        self._line = 0

    @property
    def new(self) -> bool:
        """Whether all that was written before has been met."""
        return not self._ahead

    def peek(self, *kinds: str) -> bool:
        """Whether the next event was written before and is one of these kinds."""
        return bool(self._ahead) and self._ahead[0]["event"] in kinds

    def take(self, *kinds: str, **fields: Any) -> Event | None:
        """The next event, if it was written before.

        Raises
        ------
        SearchError
            If it is none of these kinds, or a field differs.
        """
        if not self._ahead:
            return None
        event = self._ahead.popleft()
        self._line = self._lines.popleft() if self._lines else 0
        if event["event"] not in kinds:
            raise self.differs(f"an event {event['event']!r} stands where {' or '.join(map(repr, kinds))} belongs")
        for name, value in fields.items():
            if event.get(name) != value:
                raise self.differs(f"{event['event']}: {name} is {event.get(name)!r}, not {value!r}")
        return event

    def write(self, kind: str, /, **fields: Any) -> Event:
        """Write a new event."""
        return self.log.append({"event": kind, **fields})

    def differs(self, what: str) -> SearchError:
        """The error that the replay went another way."""
        then, now = self.log.events[0].get("versions", {}), search_versions()
        changed = [f"{k} {then.get(k, '?')} (now {v})" for k, v in now.items() if then.get(k) != v]
        why = f"it was written by {', '.join(changed)}" if changed else "was it changed by hand?"
        place = f"line {self._line}: " if self._line else ""
        return SearchError(
            f"{self.where} cannot be resumed, since this version asks for other candidates ({place}{what}); {why}: "
            "install those versions, or start a new journal"
        )
