"""Running jobs anywhere (this process, several, any executor, a Dask cluster) so that one bad job costs only itself.

Every kind of runner gives the same outcomes in the same order. A job that raises, hangs or kills its process has an
outcome that says so, and the others are not harmed.
"""

from __future__ import annotations

import concurrent.futures as cf
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.jobs.workers import Answer, Death, ExecutorError, Workers, call, describe

__all__ = ["ExecutorError", "Outcome", "Runner", "make_runner"]

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

    def run(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Outcome[Result]]:
        """Apply `function` to every job.

        Parameters
        ----------
        function : callable
            Defined at module level, so that another process can find it.
        jobs : iterable
            Picklable. All are taken at once.

        Yields
        ------
        Outcome
            In the order of the jobs, each as soon as it and those before it are known. Leaving the loop early drops
            the jobs that are not finished.

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
        return self._guarded(function, list(jobs))

    def _guarded(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        if self._state != "free":
            raise ExecutorError("this runner has other jobs, or is closed: finish its last run first")
        self._state = "busy"
        try:
            yield from self._outcomes(function, jobs)
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
    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Outcome[Any]]: ...


class _Serial(Runner):
    """In this process, one after the other."""

    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Outcome[Any]]:
        for index, job in enumerate(jobs):
            yield _outcome(index, call(function, job))


class Remote(Runner):
    """Elsewhere: keeps as many jobs in flight as there are places, and judges those that die or take too long.

    A job whose worker died is suspect, and so may be others that shared its machine's memory. So it is run once more,
    with no other job in flight, before it is called guilty.
    """

    def __init__(self, timeout: float | None) -> None:
        super().__init__(timeout)
        self._tickets = 0  # one for every try, so that what is late to arrive cannot be taken for another job's

    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Outcome[Any]]:
        waiting = deque(range(len(jobs)))
        suspects: deque[int] = deque()
        tried: set[int] = set()
        flying: dict[int, int] = {}  # ticket -> index
        known: dict[int, Outcome[Any]] = {}
        alone = False
        try:
            for index in range(len(jobs)):
                while index not in known:
                    alone = alone and bool(flying)
                    while not alone and (suspects or waiting):
                        if (suspects and flying) or len(flying) >= self._places():
                            break
                        alone = bool(suspects)
                        number = suspects.popleft() if suspects else waiting.popleft()
                        self._tickets += 1
                        flying[self._tickets] = number
                        self._begin(self._tickets, function, jobs[number])
                    for ticket, answer in sorted(self._wait(self._patience()), key=lambda item: item[0]):
                        number = flying.pop(ticket)
                        if isinstance(answer, Answer):
                            known[number] = _outcome(number, answer)
                        elif number in tried:
                            error = f"its worker died twice ({answer.reason})"
                            known[number] = Outcome(number, None, error, "killed", answer.seconds)
                        else:
                            tried.add(number)
                            suspects.append(number)
                    overdue = self._overdue()
                    for ticket, seconds in overdue.items():
                        number = flying.pop(ticket)
                        error = f"it ran longer than its timeout of {self.timeout:g} s"
                        known[number] = Outcome(number, None, error, "timeout", seconds)
                    if overdue:
                        self._stop(overdue)
                yield known.pop(index)
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


class _Processes(Remote):
    """In processes of our own."""

    def __init__(self, workers: int, timeout: float | None) -> None:
        super().__init__(timeout)
        self._workers = Workers(workers)
        self._unsent: list[tuple[int, Answer | Death]] = []

    def _accept(self, function: Callable[[Any], Any]) -> None:
        try:
            ForkingPickler.dumps(function)
        except Exception as error:
            raise ExecutorError(
                f"another process cannot be given the function {function!r}: {describe(error)}; "
                "define it at the top level of a module"
            ) from None

    def _places(self) -> int:
        return self._workers.count

    def _begin(self, ticket: int, function: Callable[[Any], Any], job: Any) -> None:
        try:
            data = bytes(ForkingPickler.dumps((function, job)))
        except Exception as error:
            self._unsent.append((ticket, Answer(None, f"the job cannot be pickled: {describe(error)}", 0.0)))
        else:
            self._workers.begin(ticket, data)

    def _wait(self, seconds: float | None) -> list[tuple[int, Answer | Death]]:
        unsent, self._unsent = self._unsent, []
        return unsent + self._workers.wait(0.0 if unsent else seconds)

    def _running(self) -> dict[int, float]:
        return self._workers.running()

    def _drop(self, tickets: Iterable[int]) -> None:
        self._unsent.clear()
        self._workers.stop(tickets)

    def close(self) -> None:
        super().close()
        self._workers.close()


def _outcome(index: int, answer: Answer) -> Outcome[Any]:
    kind: Kind = "ok" if answer.error is None else "raised"
    return Outcome(index, answer.value, answer.error, kind, answer.seconds)


def make_runner(
    workers: int | None = None,
    *,
    executor: cf.Executor | None = None,
    dask: str | None = None,
    timeout: float | None = None,
) -> Runner:
    """Choose where jobs run; the outcomes do not depend on it.

    Parameters
    ----------
    workers : int, optional
        Without `executor` and `dask`: 1 (the default) stays in this process, more start that many new ones, which
        survive a job that kills its process. With them: the most jobs in flight at a time.
    executor : concurrent.futures.Executor, optional
        An executor of your own; ending it is up to you.
    dask : str, optional
        Address of a Dask scheduler, such as ``"tcp://127.0.0.1:8786"``. Its workers need this package.
    timeout : float, optional
        Seconds that a job may run. The process of one that runs longer is killed, on a Dask cluster the worker
        restarted (its other jobs begin again); on an `executor` it can only be left to itself, in its place. With
        ``workers=1`` it starts one process.

    Returns
    -------
    Runner

    Raises
    ------
    HeteroError
        If an argument is not valid, the Dask scheduler does not answer, or the package distributed is missing.

    Examples
    --------
    >>> with make_runner(workers=1) as runner:
    ...     [outcome.value for outcome in runner.run(abs, [-1, 2])]
    [1, 2]
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise HeteroError(f"workers must be a whole number >= 1, got {workers!r}")
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf
    ):
        raise HeteroError(f"timeout must be a number of seconds > 0, got {timeout!r}; leave it out for no limit")
    if executor is not None and dask is not None:
        raise HeteroError("jobs run on an executor or on a Dask cluster, not on both: leave out executor or dask")
    if executor is not None and not isinstance(executor, cf.Executor):
        raise HeteroError(f"executor must be a concurrent.futures.Executor, got {type(executor).__name__}")
    if dask is not None and not isinstance(dask, str):
        raise HeteroError(f"dask must be the address of a scheduler (tcp://host:port), got {type(dask).__name__}")
    if dask is not None:
        from hetero_rsnn.jobs.clusters import DaskRunner

        return DaskRunner(dask, workers, timeout)
    if executor is not None:
        from hetero_rsnn.jobs.clusters import FuturesRunner

        return FuturesRunner(executor, workers, timeout)
    if workers in (None, 1) and timeout is None:
        return _Serial(None)
    return _Processes(workers or 1, timeout)
