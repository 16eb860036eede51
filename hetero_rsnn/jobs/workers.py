"""Worker processes that take one job at a time and can be killed, so that a crash or a hang costs one job only.

`concurrent.futures.ProcessPoolExecutor` shares one queue between its workers: when one dies, all are given up, and none
can be stopped alone. Here every worker has a pipe of its own, so that it is always known which job was running where.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, NamedTuple

from hetero_rsnn.common.errors import ExecutorError, HeteroError
from hetero_rsnn.jobs.parallel import in_one_thread, interrupts_held, own_process, warns_plainly


class Answer(NamedTuple):
    """What a job gave: a value, or the text of its error; and how long it ran."""

    value: Any
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Death:
    """What is known of a worker that died while running a job."""

    reason: str
    seconds: float


def describe(error: BaseException) -> str:
    """Type and message of an error in one line, and the place of one that is no refusal of ours."""
    try:
        message = str(error)
    except Exception:  # even the message of an error can fail
        message = "(its message cannot be shown)"
    frames = traceback.extract_tb(error.__traceback__)
    unforeseen = frames and not isinstance(error, HeteroError)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if unforeseen else ""
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return " ".join(f"{text}{place}".split())


def call(function: Callable[[Any], Any], job: Any, caught: type[BaseException] = Exception) -> Answer:
    """Run a job with one thread; its error becomes part of the answer.

    Away from the process that asked for it, `caught` should be BaseException: sys.exit() in a job is not the user's.
    """
    start = time.perf_counter()
    try:
        value = in_one_thread(function, job)
    except caught as error:
        return Answer(None, describe(error), time.perf_counter() - start)
    return Answer(value, None, time.perf_counter() - start)


def _serve(pipe: connection.Connection, plainly: bool) -> None:
    """Be a worker: answer jobs until the parent closes the pipe or dies."""
    own_process(plainly)
    with suppress(EOFError, OSError):  # the parent may close the pipe, or die, at any moment
        pipe.send_bytes(b"ready")
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))


def _answer(data: bytes) -> bytes:
    """The reply to a job, both as they go through the pipe."""
    start = time.perf_counter()
    try:
        function, job = ForkingPickler.loads(data)
        return bytes(ForkingPickler.dumps(call(function, job, BaseException)))
    except Exception as error:  # the job cannot be unpickled, or its value cannot be pickled
        return bytes(ForkingPickler.dumps(Answer(None, describe(error), time.perf_counter() - start)))


class _Worker:
    """One process, from the parent's side."""

    def __init__(self) -> None:
        # "spawn" and not "fork": a forked child inherits locks of threads that it does not have.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, warns_plainly()), daemon=True)
        self.ready = False
        self.ticket: int | None = None
        self.since = 0.0
        try:
            with interrupts_held():
                self.process.start()
        except OSError as error:
            raise ExecutorError(f"no worker process can be started: {error.strerror or error}; lower workers") from None
        finally:
            theirs.close()  # or the end of the process would not end the pipe

    def signal(self, name: str) -> None:
        """Signal the process and what it started; it must not have been joined, or its number may be another's."""
        if hasattr(os, "killpg") and self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, getattr(signal, name))
        (self.process.kill if name == "SIGKILL" else self.process.terminate)()

    def bury(self) -> str:
        """Tidy up after a process that has ended; return how it ended."""
        self.signal("SIGKILL")  # whatever it started
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode or 0
        self.process.close()
        if code >= 0:
            return f"exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name


def _end(workers: Iterable[_Worker]) -> None:
    """Terminate, then kill."""
    rest = list(workers)
    for name in ("SIGTERM", "SIGKILL"):
        for worker in rest:
            worker.signal(name)
        rest = _left(rest, 1.0)
    for worker in rest:
        worker.bury()


def _left(workers: list[_Worker], seconds: float) -> list[_Worker]:
    """Bury those that end within some seconds; return the others."""
    end = time.monotonic() + seconds
    while workers:
        ended = connection.wait([w.process.sentinel for w in workers], max(0.0, end - time.monotonic()))
        if not ended:
            break
        for worker in [w for w in workers if w.process.sentinel in ended]:
            workers.remove(worker)
            worker.bury()
    return workers


class Workers:
    """Up to `count` worker processes, started when a job needs them and kept for the next ones."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._workers: list[_Worker] = []
        self._queue: deque[tuple[int, bytes]] = deque()
        self._failed_starts = 0
        self._closed = False

    def begin(self, ticket: int, data: bytes) -> None:
        """Give a pickled (function, job) to the next free worker.

        Raises
        ------
        ExecutorError
            If no process can be started, or these have been closed.
        """
        if self._closed:
            raise ExecutorError("the worker processes are closed: make a new runner")
        self._queue.append((ticket, data))
        self._hand_out()

    def _hand_out(self) -> None:
        for worker in [w for w in self._workers if w.ready and w.ticket is None]:
            if not self._queue:
                return
            ticket, data = self._queue[0]
            try:
                worker.pipe.send_bytes(data)
            except OSError:  # it died while it had nothing to do
                self._workers.remove(worker)
                worker.bury()
                continue
            self._queue.popleft()
            worker.ticket, worker.since = ticket, time.monotonic()
        starting = sum(not w.ready for w in self._workers)
        for _ in range(min(len(self._queue) - starting, self.count - len(self._workers))):
            self._workers.append(_Worker())

    def wait(self, seconds: float | None) -> list[tuple[int, Answer | Death]]:
        """Wait until something happens, at most some seconds; return what came of jobs, if anything did.

        Raises
        ------
        ExecutorError
            If processes cannot start.
        """
        watched = {w.pipe: w for w in self._workers} | {w.process.sentinel: w for w in self._workers}
        ready = {id(watched[item]) for item in connection.wait(list(watched), seconds)}  # type: ignore[index]
        out: list[tuple[int, Answer | Death]] = []
        for worker in [w for w in self._workers if id(w) in ready]:
            try:
                # A process may have answered before it died, so first of all the answer.
                data = worker.pipe.recv_bytes() if worker.pipe.poll() else None
            except (EOFError, OSError):
                data = None
            if data is None:
                self._workers.remove(worker)
                if (death := self._died(worker)) is not None:
                    out.append(death)
            elif not worker.ready:
                worker.ready = True
                self._failed_starts = 0
            elif worker.ticket is not None:
                out.append((worker.ticket, _opened(data, worker)))
                worker.ticket = None
        self._hand_out()
        return out

    def _died(self, worker: _Worker) -> tuple[int, Death] | None:
        reason = worker.bury()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts > 1:  # once may be bad luck
                raise ExecutorError(
                    f"worker processes die while they start ({reason}): in a script, put the call below "
                    'if __name__ == "__main__":'
                )
        if worker.ticket is None:
            return None
        return worker.ticket, Death(reason, time.monotonic() - worker.since)

    def running(self) -> dict[int, float]:
        """Seconds that each begun job has been running."""
        now = time.monotonic()
        return {w.ticket: now - w.since for w in self._workers if w.ticket is not None}

    def stop(self, tickets: Iterable[int]) -> None:
        """End jobs, by ending the processes that run them."""
        doomed = set(tickets)
        self._queue = deque(item for item in self._queue if item[0] not in doomed)
        ending = [w for w in self._workers if w.ticket in doomed]
        self._workers = [w for w in self._workers if w.ticket not in doomed]
        _end(ending)

    def close(self) -> None:
        """End all processes: idle ones go by themselves, with a chance to tidy up."""
        self._closed = True
        workers, self._workers = self._workers, []
        self._queue.clear()
        for worker in workers:
            if worker.ready and worker.ticket is None:
                worker.pipe.close()
        busy = [w for w in workers if not w.pipe.closed]
        _end(busy)
        _end(_left([w for w in workers if w not in busy], 5.0))


def _opened(data: bytes, worker: _Worker) -> Answer:
    try:
        answer: Answer = ForkingPickler.loads(data)
    except Exception as error:
        return Answer(None, f"the value cannot be unpickled: {describe(error)}", time.monotonic() - worker.since)
    return answer
