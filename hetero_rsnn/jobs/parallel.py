"""What processes that run jobs have in common: one thread each, Ctrl-C left to the parent, an end with the parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from typing import Any, TypeVar

from hetero_rsnn.jobs.progress import print_warning

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
