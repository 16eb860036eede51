"""Long jobs in legs: after each leg there is news, and what follows is told to whichever process is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import ExecutorError
from hetero_rsnn.jobs.remote import Outcome, outcome_of
from hetero_rsnn.jobs.workers import Answer, Workers, call, describe

Leg = TypeVar("Leg")
Result = TypeVar("Result")


def run_legs(
    function: Callable[[Leg], Result],
    first: Sequence[Leg],
    further: Callable[[int, Result], Leg | None],
    *,
    workers: int = 1,
) -> Iterator[Outcome[Result]]:
    """Run several long jobs, leg by leg.

    A job that has begun goes on before another one begins, as a rule in the process that it was in: what that process
    remembers need not be read again. It must be able to go on in any other, which it does when its process has died.

    Parameters
    ----------
    function : callable
        Runs a leg; defined at module level, so that another process can find it.
    first : sequence
        The first leg of every job. Picklable, as all legs.
    further : callable
        Called in this process with the index of a job and what its last leg returned: the next leg, or None at its end.
    workers : int
        1 stays in this process and runs one job after the other; more start up to that many.

    Yields
    ------
    Outcome
        Of every leg, as it ends; `further` is called when the caller asks for the next. A leg whose process dies is run
        once more. One that raises, or whose process dies again, is the last of its job; the others go on.

    Raises
    ------
    HeteroError
        If `workers` is not a whole number >= 1, or no process can be started.

    Examples
    --------
    >>> def double(x):
    ...     return 2 * x
    >>> [outcome.value for outcome in run_legs(double, [1, 5], lambda index, value: value if value < 8 else None)]
    [2, 4, 8, 10]
    """
    workers = checks.whole("workers", workers, least=1)
    if workers == 1 or not first:
        for index, begun in enumerate(first):
            leg: Leg | None = begun
            while leg is not None:
                outcome = outcome_of(index, call(function, leg))
                yield outcome
                leg = None if outcome.value is None else further(index, outcome.value)
        return
    pool = Workers(min(workers, len(first)))
    try:
        yield from _in_processes(pool, function, first, further)
    finally:
        pool.close()


def _in_processes(
    pool: Workers, function: Callable[[Any], Any], first: Sequence[Any], further: Callable[[int, Any], Any]
) -> Iterator[Outcome[Any]]:
    waiting = deque(enumerate(first))
    flying: dict[int, tuple[int, bytes, bool]] = {}  # ticket -> job, its leg, whether it was tried before
    tickets = 0

    def begin(index: int, data: bytes, again: bool) -> None:
        nonlocal tickets
        tickets += 1
        flying[tickets] = index, data, again
        pool.begin(tickets, data)

    while waiting or flying:
        while waiting and len(flying) < pool.count:
            index, leg = waiting.popleft()
            begin(index, _packed(function, leg), False)
        for ticket, answer in pool.wait(None):
            index, data, again = flying.pop(ticket)
            if not isinstance(answer, Answer) and not again:
                begin(index, data, True)
                continue
            if isinstance(answer, Answer):
                outcome: Outcome[Any] = outcome_of(index, answer)
            else:
                why = f"its process died twice ({answer.reason})"
                outcome = Outcome(index, None, why, "killed", answer.seconds)
            yield outcome
            leg = None if outcome.value is None else further(index, outcome.value)
            if leg is not None:
                begin(index, _packed(function, leg), False)


def _packed(function: Callable[[Any], Any], leg: Any) -> bytes:
    try:
        return bytes(ForkingPickler.dumps((function, leg)))
    except Exception as error:
        raise ExecutorError(
            f"another process cannot be given {function!r:.80} with {leg!r:.80}: {describe(error)}",
            fix="define the function at the top level of a module",
        ) from None
