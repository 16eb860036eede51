"""Threads that stay: starting them takes as long as a hundred steps of a network."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

What = TypeVar("What")
Result = TypeVar("Result")

#: More threads than are ever asked for: they start as they are needed.
_MOST = 1024
_lock = Lock()
_pools: list[ThreadPoolExecutor] = []


def each(job: Callable[[What], Result], what: Sequence[What], threads: int) -> list[Result]:
    """What the job gives for each, in order, some at a time: kernels run beside each other.

    This thread works too, so that it goes on even where all others are busy. A batch takes milliseconds, so that what
    `run_jobs` does beside would be felt.
    """
    helpers = min(threads, len(what)) - 1
    if helpers < 1:
        return [job(one) for one in what]
    results: dict[int, Result] = {}
    left = deque(enumerate(what))

    def work() -> None:
        while True:
            try:
                place, one = left.popleft()
            except IndexError:
                return
            try:
                results[place] = job(one)
            except BaseException:
                left.clear()
                raise

    pool = _pool()
    helping = [pool.submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        # Those that have not begun would find nothing to do.
        begun = [future for future in helping if not future.cancel()]
        errors = [future.exception() for future in begun]
    for error in errors:
        if error is not None:
            raise error
    return [results[place] for place in range(len(what))]


def _pool() -> ThreadPoolExecutor:
    with _lock:
        if not _pools:
            _pools.append(ThreadPoolExecutor(_MOST, "hetero_rsnn gradient"))
        return _pools[0]


def _after_fork() -> None:
    """A forked child has the pool, but none of its threads, and the lock as it happened to be."""
    global _lock
    _lock = Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
