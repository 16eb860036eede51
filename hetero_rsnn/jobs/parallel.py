"""Running independent jobs in this process or in several, with the same results in the same order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from multiprocessing import connection, resource_tracker
from typing import Any, TypeVar

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.jobs.progress import Progress, print_warning

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_one_thread(function: Callable[[Job], Result], job: Job) -> Result:
    """Run a job with one thread: the same sums in the same order everywhere, and workers that leave each other cores.

    The limit is set for every job, since it holds only for libraries that are loaded by then.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return function(job)


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent: a worker's traceback helps nobody."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back: a child that is starting inherits this, where it could not ignore the signal yet."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # would start with the first child, and unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def warns_plainly() -> bool:
    """Whether warnings are printed as commands print them; workers are told, to do likewise."""
    return warnings.showwarning is print_warning


def own_process(plainly: bool = False) -> None:
    """Begin a worker process of ours: Ctrl-C is the parent's, and whatever the worker starts ends with the parent."""
    ignore_interrupts()
    if plainly:
        warnings.showwarning = print_warning
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that the programs that a job starts, such as compilers, can be ended with it
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


#: Seconds between two looks whether a parent without a sentinel still lives.
_LOOK = 0.5
_following: set[int] = set()


def follow_parent(*, always: bool = False) -> None:
    """End with the parent, in a worker process that somebody else started for jobs, such as joblib.

    Such workers wait for a next job, some for ever, and hold the pipes of whoever called their parent. So `run_jobs`
    begins with this, and so does each simulation, since estimators also train without `run_jobs`. In any other process
    it does nothing; with `always`, in a process that is nobody's child.
    """
    process, parent = multiprocessing.current_process(), multiprocessing.parent_process()
    pool = always or process.daemon or type(process).__module__.split(".")[0] in ("joblib", "loky")
    if parent is None or not pool or os.getpid() in _following:
        return
    _following.add(os.getpid())  # by number: a forked child inherits this set, but not the thread
    threading.Thread(target=_outlive_no_parent, args=(parent,), daemon=True).start()


def _outlive_no_parent(parent: Any) -> None:
    if parent.sentinel is not None:
        connection.wait([parent.sentinel])
    else:  # joblib's workers have none: an orphan gets another parent
        while os.getppid() == parent.pid:
            time.sleep(_LOOK)
    os._exit(1)


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    progress: Progress | None = None,
    threads: bool = False,
    each: Callable[[int, Result], object] | None = None,
) -> list[Result]:
    """Apply `function` to every job.

    Parameters
    ----------
    function : callable
        For processes defined at module level, so that a new one can find it.
    jobs : sequence
    workers : int
        1 works on one job after the other; more start that many processes, or threads.
    progress : callable, optional
        Called with (finished, total).
    threads : bool
        Threads of this process, which start at once and share what they read: for jobs that spend their time in
        compiled code. Other jobs would wait for each other.
    each : callable, optional
        Called here with the place of every job and its result, as soon as it is finished: to keep it.

    Returns
    -------
    list
        Results in the order of the jobs, whatever the order they finished in.

    Raises
    ------
    HeteroError
        If `workers` is not a whole number >= 1. An error of a job is raised as it is; jobs not begun are dropped.
    """
    workers = checks.whole("workers", workers, least=1)
    follow_parent()
    results: dict[int, Any] = {}
    for index, result in _finished(function, jobs, min(workers, len(jobs)), threads):
        results[index] = result
        if each is not None:
            each(index, result)
        if progress is not None:
            progress(len(results), len(jobs))
    return [results[i] for i in range(len(jobs))]


def _finished(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int, threads: bool
) -> Iterator[tuple[int, Result]]:
    from threadpoolctl import threadpool_limits

    if workers <= 1:
        # Short jobs are not to look for libraries each time: one limit around all of them.
        with threadpool_limits(1) if threads else nullcontext():
            for index, job in enumerate(jobs):
                yield index, function(job) if threads else in_one_thread(function, job)
        return
    pool: Executor
    if threads:
        # One limit here too: each thread's own would lift that of the others when it ends.
        limit: Any = threadpool_limits(1)
        pool, call = ThreadPoolExecutor(workers), function
    else:
        # "spawn" and not "fork": a forked child inherits locks of threads that it does not have.
        context = multiprocessing.get_context("spawn")
        limit = nullcontext()
        pool, call = (
            ProcessPoolExecutor(workers, mp_context=context, initializer=own_process, initargs=(warns_plainly(),)),
            partial(in_one_thread, function),
        )
    others = set(multiprocessing.active_children())
    with limit, pool:
        with nullcontext() if threads else interrupts_held():  # the first job starts all processes
            pending: dict[Future[Result], int] = {pool.submit(call, job): i for i, job in enumerate(jobs)}
        try:
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield pending.pop(future), future.result()
        except BrokenProcessPool:
            raise HeteroError(
                "a worker process died, perhaps for want of memory: "
                f"lower workers (now {workers}) or the size of the jobs"
            ) from None
        except BaseException as error:
            if not threads and not isinstance(error, Exception):  # Ctrl-C does not wait for jobs that run on
                for process in set(multiprocessing.active_children()) - others:
                    with suppress(ValueError):  # closed meanwhile
                        process.kill()
            # With wait=False the end of the with block would take the cancelling back before it took effect.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
