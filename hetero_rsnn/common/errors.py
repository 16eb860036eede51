"""The errors that users can meet. Each message holds the value, the rule and the fix, in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class HeteroError(ValueError):
    """Base of every error that a user's input can cause; the command line prints it and exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(str(message).replace("\n", "\\n"))  # one line, whatever the value at fault holds


class UnitError(HeteroError):
    """A quantity has the wrong unit, or none."""


class NetworkError(HeteroError):
    """A network file or an override is not valid."""


class EquationMismatchError(HeteroError):
    """The network's equations are not the ones that a compiled kernel mirrors."""


class StimulusError(HeteroError):
    """A stimulus has the wrong shape, values or sampling interval."""


class FileFormatError(HeteroError):
    """A file is corrupt, foreign or of another version."""


class TooShortError(HeteroError):
    """A series is too short for a trustworthy estimate.

    Attributes
    ----------
    estimate : object or None
        The estimate that the short series gave all the same: look at it, do not publish it.
    required : int
        Number of samples that would have been enough.
    """

    def __init__(self, message: str, *, estimate: Any = None, required: int = 0) -> None:
        super().__init__(message)
        self.estimate = estimate
        self.required = required


def suggest(word: str, known: Iterable[str]) -> str:
    """Say what `word` may have meant: ``" (did you mean 'tau_m'?)"``, or the known names if nothing is near."""
    known = [str(k) for k in known]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(sorted(known))})" if known else ""


class OutputError(HeteroError):
    """A file or folder cannot be written."""


class FetchError(HeteroError):
    """A data set cannot be downloaded."""


class SpaceError(HeteroError):
    """A search space or a point of it is not valid."""


class SearchError(HeteroError):
    """A search cannot be begun, gone on with, or read."""


class JournalError(HeteroError):
    """A journal is corrupt, foreign, in use by another process, or cannot be written."""


class ExecutorError(HeteroError):
    """Jobs cannot be run: no worker starts, an executor is broken, or a cluster is out of reach."""
