"""Running jobs anywhere (this process, several, any executor, a Dask cluster) so that one bad job costs only itself.

Every kind of runner gives the same outcomes in the same order. A job that raises, hangs or kills its process has an
outcome that says so, and the others are not harmed.
"""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Generator, Iterable, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import ExecutorError, HeteroError
from hetero_rsnn.jobs.remote import Outcome, Remote, Runner, outcome_of
from hetero_rsnn.jobs.workers import Answer, Death, Workers, call, describe


class _Serial(Runner):
    """In this process, one after the other."""

    def _outcomes(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Generator[Outcome[Any]]:
        for index, job in enumerate(jobs):
            yield outcome_of(index, call(function, job))


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
    if workers is not None:
        workers = checks.whole("workers", workers, least=1)
    if timeout is not None:
        timeout = checks.real("timeout", timeout, above=0.0, fix="give seconds, or leave it out for no limit")
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
