"""Threads that stay: the same results in the same order, errors that are seen, and children that can go on."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

import pytest

from hetero_rsnn.gradient.threads import each


@pytest.mark.parametrize("threads", [1, 2, 5, 50])
def test_results_come_in_order(threads):
    def job(k: int) -> int:
        time.sleep(0.001 * (k % 3))
        return k * k

    assert each(job, range(20), threads) == [k * k for k in range(20)]
    assert each(job, [], threads) == []


def test_as_many_work_as_may():
    together = threading.Barrier(3, timeout=30)
    assert len(set(each(lambda _: (together.wait(), threading.get_ident())[1], range(3), 3))) == 3


def test_threads_stay():
    def names() -> set[int]:
        together = threading.Barrier(2, timeout=30)
        return set(each(lambda _: (together.wait(), threading.get_ident())[1], range(2), 2))

    assert threading.get_ident() in names()
    before = threading.active_count()
    for _ in range(5):
        names()
    assert threading.active_count() == before


@pytest.mark.parametrize("bad", [0, 7, 19])
def test_an_error_is_seen_and_ends_the_rest(bad):
    begun = []

    def job(k: int) -> None:
        begun.append(k)
        time.sleep(0.002)
        if k == bad:
            raise ValueError(f"no {k}")

    with pytest.raises(ValueError, match=f"no {bad}"):
        each(job, range(5000), 2)
    assert bad < len(begun) < 5000
    assert each(abs, [-1, -2], 2) == [1, 2]


def _in_child(queue) -> None:
    queue.put(each(abs, [-1, -2, -3], 2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    assert each(abs, [-1, -2, -3], 2) == [1, 2, 3]
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert queue.get() == [1, 2, 3]
