"""The errors that users can meet. Each message holds the value, the rule and the fix, in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, Self

from hetero_rsnn.common.text import printable


def _one_line(text: str) -> str:
    """One line, whatever the value at fault holds: names of files may hold what steers a terminal."""
    return printable(text)


class HeteroError(ValueError):
    """Base of every error that a user's input can cause; the command line prints it and exits with 2.

    Attributes
    ----------
    reason : str
        The message without the fix, where they were given apart: for callers that know a fix of their own.
    """

    def __init__(self, reason: str, *, fix: str = "") -> None:
        self.reason = _one_line(reason)
        super().__init__(f"{self.reason}: {_one_line(fix)}" if fix else self.reason)

    def at(self, *, before: str = "", after: str = "") -> Self:
        """The same error, with all it carries, and the place where it was found."""
        placed = copy(self)
        placed.reason = f"{before}{self.reason}{after}"
        placed.args = (f"{before}{self}{after}",)
        return placed


class UnitError(HeteroError):
    """A quantity has the wrong unit, or none."""


class NetworkError(HeteroError):
    """A network file or an override is not valid."""


class EquationMismatchError(HeteroError):
    """The network's equations are not the ones that a compiled kernel mirrors.

    Attributes
    ----------
    places : tuple of str
        Where they differ, such as ``"dv/dt"``; empty if the network names no kernel at all.
    """

    def __init__(self, reason: str, *, fix: str = "", places: Sequence[str] = ()) -> None:
        super().__init__(reason, fix=fix)
        self.places = tuple(places)


class StimulusError(HeteroError):
    """A stimulus has the wrong shape, values or sampling interval."""


class FileFormatError(HeteroError):
    """A file is corrupt, foreign or of another version."""


class OutputError(HeteroError):
    """A file or folder cannot be written."""


class FetchError(HeteroError):
    """A data set cannot be downloaded."""


class TooShortError(HeteroError):
    """A series is too short for a trustworthy estimate.

    Attributes
    ----------
    measure : str
        What was to be estimated, such as ``"memory_capacity"``.
    estimate : object or None
        The estimate that the short series gave all the same: look at it, do not publish it.
    required : int
        Number of samples that would have been enough.
    """

    def __init__(
        self, reason: str, *, fix: str = "", measure: str = "", estimate: Any = None, required: int = 0
    ) -> None:
        super().__init__(reason, fix=fix)
        if estimate is not None:
            self.args = (f"{self} (untrustworthy estimate: {_one_line(estimate)})",)
        self.measure = measure
        self.estimate = estimate
        self.required = required


class DivergedError(HeteroError):
    """A training by gradients has left the numbers, or the region in which anything is learned.

    Attributes
    ----------
    last_good : Draw or None
        The network as it was best before; `hetero_rsnn.save_network` takes it.
    """

    def __init__(self, reason: str, *, fix: str = "", last_good: Any = None) -> None:
        super().__init__(reason, fix=fix)
        self.last_good = last_good


class StateOverflowError(HeteroError):
    """A state variable has left the range of numbers: of a neuron, the run ends there; of a synapse, it ran through.

    Attributes
    ----------
    recording : Recording or None
        What was recorded before, cut to whole samples; None if it ended in the first one. Of a synapse, the whole run.
    """

    def __init__(self, reason: str, *, fix: str = "", recording: Any = None) -> None:
        super().__init__(reason, fix=fix)
        self.recording = recording


class SpaceError(HeteroError):
    """A search space or a point of it is not valid."""


class SearchError(HeteroError):
    """A search cannot be begun, gone on with, or read."""


class JournalError(HeteroError):
    """A journal is corrupt, foreign, in use by another process, or cannot be written.

    Attributes
    ----------
    problem : str
        ``"exists"`` if a new journal would have replaced a file, ``"missing"`` if there is none to go on with (no file,
        or an empty one); empty for everything else.
    """

    def __init__(self, reason: str, *, fix: str = "", problem: str = "") -> None:
        super().__init__(reason, fix=fix)
        self.problem = problem


class ExecutorError(HeteroError):
    """Jobs cannot be run: no worker starts, an executor is broken, or a cluster is out of reach.

    Attributes
    ----------
    lost : bool
        Whether a cluster went away amid the work: whoever keeps a journal can go on when it is there again.
    """

    def __init__(self, reason: str, *, fix: str = "", lost: bool = False) -> None:
        super().__init__(reason, fix=fix)
        self.lost = lost


#: So many names a message lists.
_SHOWN = 24


def suggest(word: str, known: Iterable[str]) -> str:
    """Say what `word` may have meant: ``" (did you mean 'tau_m'?)"``, or the known names if nothing is near.

    Of many names the first ones stand for all.
    """
    known = [str(k) for k in known]
    near = [k for k in known if k.lower() == word.lower()] or difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f" (did you mean {near[0]!r}?)"
    shown = sorted(known)
    if len(shown) > _SHOWN:
        shown = [*shown[:_SHOWN], f"... and {len(shown) - _SHOWN} more"]
    return f" (known: {', '.join(shown)})" if known else ""
