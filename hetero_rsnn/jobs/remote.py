"""What all runners share: outcomes, and how jobs in flight are judged that die or take too long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

from hetero_rsnn.common.errors import ExecutorError
from hetero_rsnn.jobs.workers import Answer, Death

Job = TypeVar("Job")
Result = TypeVar("Result")
Kind = Literal["ok", "raised", "killed", "timeout"]
#: Seconds that the system's calls can wait without an overflow.
_LONGEST = 86_400.0


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What became of a job.

    Attributes
    ----------
    index : int
        Place of the job among those that were given.
    value : object or None
        What the function returned, if `kind` is ``"ok"``.
    error : str or None
        Otherwise what happened, in one line.
    kind : {"ok", "raised", "killed", "timeout"}
        ``"killed"``: its process died, and died again when it ran the job alone.
    seconds : float
        How long it ran, the last time if more than once.
    """

    index: int
    value: Result | None
    error: str | None
    kind: Kind
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the job returned a value."""
        return self.kind == "ok"


class Runner(ABC):
    """Runs jobs; made by `make_runner`, used as a context manager."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._state: Literal["free", "busy", "closed"] = "free"

    def run(
        self, function: Callable[[Job], Result], jobs: Iterable[Job], *, ordered: bool = True
    ) -> Generator[Outcome[Result]]:
        """Apply `function` to every job.

        Parameters
        ----------
        function : callable
            Defined at module level, so that another process can find it.
        jobs : iterable
            Picklable. All are taken at once.
        ordered : bool
            Whether outcomes wait for those of the jobs before them; if not, each comes as soon as it is known.

        Yields
        ------
        Outcome
            In the order of the jobs, unless told otherwise. Leaving the loop early drops the jobs that are not
            finished.

        Raises
        ------
        ExecutorError
            If the function cannot be sent to another process, or no job can be run any more. Errors of jobs become
            outcomes.
        """
        if self._state != "free":
            why = "is closed: make a new one" if self._state == "closed" else "has jobs: finish or close its last run"
            raise ExecutorError(f"this runner {why}")
        self._accept(function)
        return self._guarded(function, list(jobs), ordered)

    def _guarded(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], ordered: bool
    ) -> Generator[Outcome[Result]]:
        if self._state != "free":
            raise ExecutorError("this runner has other jobs, or is closed: finish its last run first")
        self._state = "busy"
        try:
            outcomes = self._outcomes(function, jobs)
            yield from _in_order(outcomes) if ordered else outcomes
        finally:
            if self._state == "busy":
                self._state = "free"

    def close(self) -> None:
        """End what this runner started."""
        self._state = "closed"

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self, function: Callable[[Any], Any]) -> None:  # noqa: B027 - not all kinds have conditions
        """Raise if a function cannot be run here."""

    @abstractmethod
    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Generator[Outcome[Any]]:
        """Yield outcomes as they come."""


def _in_order(outcomes: Generator[Outcome[Any]]) -> Iterator[Outcome[Any]]:
    """Hold back the outcomes of jobs until those of the jobs before them have come."""
    known: dict[int, Outcome[Any]] = {}
    following = 0
    with closing(outcomes):
        for outcome in outcomes:
            known[outcome.index] = outcome
            while following in known:
                yield known.pop(following)
                following += 1


class Remote(Runner):
    """Elsewhere: keeps as many jobs in flight as there are places, and judges those that die or take too long.

    A job whose worker died is suspect, and so may be others that shared its machine's memory. So it is run once more,
    with no other job in flight, before it is called guilty.
    """

    def __init__(self, timeout: float | None) -> None:
        super().__init__(timeout)
        self._tickets = 0  # one for every try, so that what is late to arrive cannot be taken for another job's

    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Generator[Outcome[Any]]:
        waiting = deque(range(len(jobs)))
        suspects: deque[int] = deque()
        tried: set[int] = set()
        flying: dict[int, int] = {}  # ticket -> index
        alone = False
        try:
            while waiting or suspects or flying:
                alone = alone and bool(flying)
                while not alone and (suspects or waiting):
                    if (suspects and flying) or len(flying) >= self._places():
                        break
                    alone = bool(suspects)
                    number = suspects.popleft() if suspects else waiting.popleft()
                    self._tickets += 1
                    flying[self._tickets] = number
                    self._begin(self._tickets, function, jobs[number])
                ended: list[Outcome[Any]] = []
                for ticket, answer in sorted(self._wait(self._patience()), key=lambda item: item[0]):
                    number = flying.pop(ticket)
                    if isinstance(answer, Answer):
                        ended.append(outcome_of(number, answer))
                    elif number in tried:
                        error = f"its worker died twice ({answer.reason})"
                        ended.append(Outcome(number, None, error, "killed", answer.seconds))
                    else:
                        tried.add(number)
                        suspects.append(number)
                overdue = self._overdue()
                for ticket, seconds in overdue.items():
                    number = flying.pop(ticket)
                    error = f"it ran longer than its timeout of {self.timeout:g} s"
                    ended.append(Outcome(number, None, error, "timeout", seconds))
                if overdue:
                    self._stop(overdue)
                yield from ended
        finally:
            self._drop(flying)

    def _patience(self) -> float | None:
        """Seconds until some job that has begun may be overdue."""
        running = self._running()
        if self.timeout is None or not running:
            return None
        return min(max(self.timeout - max(running.values()), 0.0) + 1e-3, _LONGEST)

    def _overdue(self) -> dict[int, float]:
        """Seconds of the jobs that have run too long."""
        if self.timeout is None:
            return {}
        return {ticket: seconds for ticket, seconds in self._running().items() if seconds > self.timeout}

    @abstractmethod
    def _places(self) -> int:
        """Return how many jobs may be in flight."""

    @abstractmethod
    def _begin(self, ticket: int, function: Callable[[Any], Any], job: Any) -> None: ...

    @abstractmethod
    def _wait(self, seconds: float | None) -> list[tuple[int, Answer | Death]]:
        """Wait until something happens, at most some seconds; return the tickets that ended."""

    @abstractmethod
    def _running(self) -> dict[int, float]:
        """Return the seconds that each begun job has been running."""

    @abstractmethod
    def _drop(self, tickets: Iterable[int]) -> None:
        """Forget jobs that nobody waits for any more."""

    def _stop(self, tickets: Iterable[int]) -> None:
        """Stop jobs that are overdue, as far as they can be stopped."""
        self._drop(tickets)


def outcome_of(index: int, answer: Answer) -> Outcome[Any]:
    kind: Kind = "ok" if answer.error is None else "raised"
    return Outcome(index, answer.value, answer.error, kind, answer.seconds)
