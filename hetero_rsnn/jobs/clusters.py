"""Running jobs on executors that somebody else started: any of `concurrent.futures`, or a Dask cluster."""

from __future__ import annotations

import concurrent.futures as cf
import logging
import re
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any

from hetero_rsnn.common.errors import ExecutorError
from hetero_rsnn.common.extras import need
from hetero_rsnn.jobs.dask_log import LostConnections
from hetero_rsnn.jobs.parallel import cores, follow_parent
from hetero_rsnn.jobs.remote import Remote
from hetero_rsnn.jobs.workers import Answer, Death, call, describe

#: Longest time, in seconds, between two looks at jobs whose start nobody announces.
_LOOK = 0.1
#: Seconds to wait for a Dask scheduler's answer, and again for its first worker.
_CONNECT = 4.0
#: Seconds that a worker may take to start again, and that a cluster may be without any before it is given up.
_RESTART = 60.0
#: Seconds without a worker before that is said: those of one that restarts are not worth a word.
_PATIENCE = 5.0
#: Longest time, in seconds, between two looks whether a cluster still has workers.
_MUSTER = 1.0
#: Bytes of a function, with the data that it holds, above which it goes to a cluster once and not with every job.
_LARGE = 1_000_000

logger = logging.getLogger("hetero_rsnn")


class FuturesRunner(Remote):
    """On an executor that somebody else started, and will end."""

    def __init__(self, executor: cf.Executor, workers: int | None, timeout: float | None) -> None:
        super().__init__(timeout)
        self._executor = executor
        size = getattr(executor, "_max_workers", None)
        #: Whether its futures tell that they run; if not, time counts from the handing over.
        self._tells = isinstance(size, int)
        self._size: int = min(s for s in (workers, size) if s) if workers or size else cores()
        self._flying: dict[int, cf.Future[Answer]] = {}
        self._since: dict[int, float] = {}
        self._abandoned: list[cf.Future[Answer]] = []

    def _places(self) -> int:
        self._abandoned = [future for future in self._abandoned if not future.done()]
        return self._size - len(self._abandoned)

    def _begin(self, ticket: int, function: Callable[[Any], Any], job: Any) -> None:
        try:
            self._flying[ticket] = self._submit(ticket, function, job)
        except (RuntimeError, cf.BrokenExecutor) as error:  # it was shut down, or had died before
            raise ExecutorError(f"the executor takes no jobs: {describe(error)}; start a new one") from None
        if not self._tells:
            self._since[ticket] = time.monotonic()

    def _submit(self, ticket: int, function: Callable[[Any], Any], job: Any) -> cf.Future[Answer]:
        return self._executor.submit(_call_elsewhere, function, job)

    def _wait(self, seconds: float | None) -> list[tuple[int, Answer | Death]]:
        if not self._flying:
            if self._abandoned and not cf.wait(self._abandoned, self.timeout, cf.FIRST_COMPLETED).done:
                raise ExecutorError(
                    f"all places of the executor are held by jobs past their timeout of {self.timeout:g} s, which "
                    "cannot be stopped there: run jobs with workers=..., whose processes can be killed"
                )
            return []
        if self.timeout is not None:  # jobs that have not begun may begin at any time
            seconds = _LOOK if seconds is None else min(seconds, _LOOK)
        cf.wait(self._flying.values(), seconds, cf.FIRST_COMPLETED)
        return [(ticket, self._answer(ticket)) for ticket, future in list(self._flying.items()) if future.done()]

    def _answer(self, ticket: int) -> Answer | Death:
        seconds = self._running().get(ticket, 0.0)
        future = self._flying.pop(ticket)
        self._since.pop(ticket, None)
        try:
            return future.result()
        except cf.CancelledError:
            raise self._lost() from None
        except cf.BrokenExecutor as error:
            raise ExecutorError(
                f"the executor broke down: {describe(error)}; start a new one, "
                "or run jobs with workers=..., which finds the job that kills its process"
            ) from None
        except Exception as error:
            if type(error).__name__ == "KilledWorker":  # Dask's; its module may not be installed
                return Death("as often as the Dask scheduler's allowed-failures permit", seconds)
            return Answer(None, describe(error), seconds)  # the job or its value could not be sent

    def _lost(self) -> ExecutorError:
        return ExecutorError(
            "the executor dropped a job: it was shut down, or its connection was lost", fix="start a new one"
        )

    def _running(self) -> dict[int, float]:
        now = time.monotonic()
        for ticket, future in self._flying.items():
            if self._tells and ticket not in self._since and future.running():
                self._since[ticket] = now
        return {ticket: now - self._since[ticket] for ticket in self._flying if ticket in self._since}

    def _drop(self, tickets: Iterable[int]) -> None:
        for ticket in list(tickets):
            future = self._flying.pop(ticket, None)
            self._since.pop(ticket, None)
            if future is not None and not future.cancel():
                self._abandoned.append(future)


class DaskRunner(FuturesRunner):
    """On a Dask cluster; its workers tell when a job begins, and one whose job takes too long is restarted."""

    def __init__(self, address: str, workers: int | None, timeout: float | None) -> None:
        self._most = workers
        self._scheduler = address
        self._said = False  # that there is no worker
        self._client = _connect(need("distributed", "dask", "dask=", error=ExecutorError).Client, address)
        self._log = LostConnections()
        self._log.begin()
        super().__init__(DaskExecutor(self._client), None, timeout)
        self._tells = True
        self._manned = time.monotonic()  # when it was last seen with a worker
        self._topic = f"hetero-rsnn-{uuid.uuid4()}"
        self._address: dict[int, str] = {}
        self._sent: tuple[Any, Any] = (None, None)  # the last function, and what stands for it there
        try:
            self._client.subscribe_topic(self._topic, self._begun)
        except BaseException:
            self._log.end()
            raise

    def _begun(self, event: tuple[float, tuple[int, str]]) -> None:
        """Note where and when a job began: after the death of a worker, the last time counts."""
        ticket, address = event[1]
        self._address[ticket] = address
        self._since[ticket] = time.monotonic()

    def _lost(self) -> ExecutorError:
        return ExecutorError(
            f"the connection to the Dask scheduler at {self._scheduler!r} was lost", fix="start it again", lost=True
        )

    def _threads(self) -> dict[str, int]:
        """Threads of each worker, as the scheduler knows them."""
        if self._client.status != "running":  # it cancels all jobs, and then tries for long to connect anew
            raise self._lost()
        try:
            threads: dict[str, int] = self._client.nthreads()
        except (OSError, RuntimeError, ValueError, AttributeError):  # the last of a client that has closed
            raise self._lost() from None
        return threads

    def _places(self) -> int:
        threads = max(1, sum(self._threads().values()))  # none while workers restart
        return min(self._most or threads, threads)

    def _wait(self, seconds: float | None) -> list[tuple[int, Answer | Death]]:
        self._muster()
        # Jobs that wait for a worker do not end, so that this would not be noticed.
        return super()._wait(_MUSTER if seconds is None else min(seconds, _MUSTER))

    def _muster(self) -> None:
        """Note whether there are workers; say that there are none, and give up a cluster that remains without."""
        now = time.monotonic()
        if self._threads():
            if self._said:
                logger.warning("the Dask cluster has a worker again: going on")
            self._manned, self._said = now, False
            return
        if now - self._manned > _RESTART:
            raise ExecutorError(f"the Dask cluster has had no worker for {_RESTART:g} s", fix=self._remedy, lost=True)
        if not self._said and now - self._manned > _PATIENCE:
            logger.warning(
                "the Dask cluster has no worker: waiting up to %g s for one; %s", _RESTART - _PATIENCE, self._remedy
            )
            self._said = True

    @property
    def _remedy(self) -> str:
        return f"start one (dask worker {self._scheduler})"

    def _submit(self, ticket: int, function: Callable[[Any], Any], job: Any) -> cf.Future[Answer]:
        try:
            return self._executor.submit(_call_on_dask, self._there(function), job, self._topic, ticket)
        except Exception:
            if self._client.status != "running":  # it has an error of its own for that
                raise self._lost() from None
            raise

    def _there(self, function: Callable[[Any], Any]) -> Any:
        """The function, or, if it is large, a future of it, which each worker fetches once.

        It is the result of a task: where the worker that holds it dies, the scheduler makes it anew.
        """
        if self._sent[0] is not function:
            held: Any = function
            try:
                data = bytes(ForkingPickler.dumps(function))
            except Exception:  # Dask can send some that it cannot
                data = b""
            if len(data) > _LARGE:
                with warnings.catch_warnings():  # Dask warns of what is large, which is why it is sent once
                    warnings.simplefilter("ignore")
                    held = self._client.submit(ForkingPickler.loads, data, pure=False)
            self._sent = function, held
        return self._sent[1]

    def _overdue(self) -> dict[int, float]:
        overdue = super()._overdue()
        if overdue:
            alive = self._threads()
            for ticket in [t for t in overdue if self._address.get(t) not in alive]:
                del overdue[ticket]  # its worker died, and it waits for another
                self._since.pop(ticket, None)
        return overdue

    def _drop(self, tickets: Iterable[int]) -> None:
        tickets = list(tickets)
        super()._drop(tickets)
        self._abandoned.clear()  # a cancelled job that runs on is the scheduler's to reckon with
        for ticket in tickets:
            self._address.pop(ticket, None)

    def _stop(self, tickets: Iterable[int]) -> None:
        tickets = list(tickets)
        begun = sorted({self._address[t] for t in tickets if t in self._address})
        self._drop(tickets)
        # In a thread, since a worker that comes back late, or never, must not keep other jobs from their limit.
        threading.Thread(target=self._restart, args=(begun,), daemon=True).start()

    def _restart(self, addresses: list[str]) -> None:
        with suppress(OSError, ValueError, RuntimeError, KeyError):  # one is gone already, or restarts late
            self._client.restart_workers(addresses, timeout=_RESTART, raise_for_error=False)

    def close(self) -> None:
        try:
            super().close()
            if self._client.status != "running":
                self._log.gave_up()
            with suppress(OSError, RuntimeError):  # the scheduler may be gone
                self._client.close(timeout=5)
        finally:
            self._log.end()


class DaskExecutor(cf.Executor):
    """A Dask client as an executor.

    Dask has one of its own, which takes a result for an error if the worker that had made it dies just after it was
    fetched.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> cf.Future[Any]:
        theirs = self._client.submit(function, *arguments, pure=False, **named)
        ours: cf.Future[Any] = cf.Future()

        def fetch() -> None:
            """Wait for the result, again where it was lost on its way: it is computed anew then."""
            with suppress(cf.InvalidStateError):  # dropped meanwhile
                try:
                    value = theirs.result()
                except cf.CancelledError:
                    ours.cancel()
                    ours.set_running_or_notify_cancel()  # what waits for it wakes up
                except Exception as error:
                    ours.set_exception(error)
                else:
                    ours.set_result(value)

        def drop(future: cf.Future[Any]) -> None:
            if future.cancelled():
                with suppress(Exception):  # the scheduler may be gone, or the client closed, and then it is, too
                    theirs.cancel()

        ours.add_done_callback(drop)
        # In a thread each, since Dask has one for all callbacks, and this one may wait.
        theirs.add_done_callback(lambda _: threading.Thread(target=fetch, daemon=True).start())
        return ours


def _connect(client: Callable[..., Any], address: str) -> Any:
    """Connect, or say why not, in some ten seconds."""
    if not re.fullmatch(r"(\w+://)?(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):\d{1,5}/?", str(address)):
        raise ExecutorError(f"the address of a Dask scheduler must be like tcp://host:8786, got {address!r}")
    found: Any = None
    reason = f"no answer within {2 * _CONNECT:g} s"

    def connect() -> None:
        nonlocal found, reason
        try:
            found = client(address, timeout=_CONNECT, set_as_default=False, name="hetero-rsnn")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__

    # In a thread, since the client's own limit does not hold where something else listens, and says nothing.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(2 * _CONNECT)
    if found is None:
        raise ExecutorError(
            f"no Dask scheduler answers at {address!r}: {reason}; start one (dask scheduler), or correct the address"
        )
    try:
        found.wait_for_workers(1, timeout=_CONNECT)
    except (OSError, ValueError, RuntimeError):
        found.close(timeout=5)
        raise ExecutorError(
            f"the Dask scheduler at {address!r} has no workers: start some (dask worker {address})"
        ) from None
    return found


_GATE = threading.Lock()
_LIMITS: list[Any] = []
_USERS = 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit each library to one thread while any job of this process runs.

    The limit is the process's, so with jobs in several threads the one that ends first must not lift it for the others.
    """
    from threadpoolctl import threadpool_limits

    global _USERS
    with _GATE:
        _LIMITS.append(threadpool_limits(1))  # again for each job: libraries may have been loaded since
        _USERS += 1
    try:
        yield
    finally:
        with _GATE:
            _USERS -= 1
            while not _USERS and _LIMITS:
                _LIMITS.pop().restore_original_limits()


def _call_beside(function: Callable[[Any], Any], job: Any) -> Answer:
    """Run a job where others may run in other threads of the same process."""
    with _one_thread():
        return call(function, job, BaseException)


def _call_elsewhere(function: Callable[[Any], Any], job: Any) -> Answer:
    """Run a job on an executor; a process of its pool ends with its parent, which nobody else sees to."""
    if threading.current_thread() is threading.main_thread():  # else a thread of a process that has work of its own
        follow_parent(always=True)
    return _call_beside(function, job)


def _call_on_dask(function: Callable[[Any], Any], job: Any, topic: str, ticket: int) -> Answer:
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(topic, (ticket, worker.address))
    return _call_beside(function, job)
