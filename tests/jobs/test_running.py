"""A list of jobs gives the same results wherever it runs, and its errors come back as they were."""

from __future__ import annotations

import concurrent.futures as cf
import sys
import time
from functools import partial

import pytest
from chores import die_if_negative, die_once, slow, square

from hetero_rsnn.common.errors import ExecutorError, HeteroError, TooShortError
from hetero_rsnn.jobs.running import run_jobs

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def floats(x):
    """Numbers whose last bits depend on the order of sums."""
    import numpy as np

    numbers = np.random.default_rng(x).normal(size=(40, 40))
    return (numbers @ numbers.T).sum(axis=0)


def weigh(data, x):
    return x * data[-1]


def refuse(x):
    raise TooShortError(f"{x} is too short", fix="give more", measure="memory", required=7)


def divide(x):
    return 1 / x


class Odd(Exception):
    """Cannot be unpickled: it wants two words."""

    def __init__(self, one, two):
        super().__init__(one)


def odd(x):
    raise Odd("one", "two")


def bits(results):
    return [result.tobytes() for result in results]


def test_the_results_are_the_same_on_all_kinds_of_places():
    expected = bits(run_jobs(floats, range(7)))
    with cf.ThreadPoolExecutor(3) as threads:
        for where in ({"workers": 2, "threads": True}, {"executor": threads}, {"executor": threads, "workers": 2}):
            assert bits(run_jobs(floats, range(7), **where)) == expected
    kept = {}
    found = run_jobs(floats, range(7), workers=2, each=lambda index, result: kept.update({index: result}))
    assert bits(found) == expected == bits([kept[index] for index in range(7)])


@pytest.mark.slow
def test_the_results_are_the_same_on_a_dask_cluster():
    distributed = pytest.importorskip("distributed")
    quiet = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        address = cluster.scheduler_address
        assert bits(run_jobs(floats, range(7), dask=address)) == bits(run_jobs(floats, range(7)))
        large = partial(weigh, list(range(400_000)))
        assert run_jobs(large, [1, 2, 3], dask=address) == [399_999, 799_998, 1_199_997]
        with pytest.raises(TooShortError, match="0 is too short: give more") as caught:
            run_jobs(refuse, range(2), dask=address, workers=1)
    assert caught.value.required == 7


def test_errors_come_back_from_another_process_as_they_were():
    with pytest.raises(TooShortError, match="is too short: give more") as caught:
        run_jobs(refuse, [1, 2], workers=2)
    assert (caught.value.measure, caught.value.required) == ("memory", 7) and not hasattr(caught.value, "__notes__")
    with pytest.raises(ZeroDivisionError) as foreign:
        run_jobs(divide, [0, 0], workers=2)
    assert "return 1 / x" in foreign.value.__notes__[0]
    with pytest.raises(ExecutorError, match=r"job \d of 2 gave nothing: Odd: one \(test_running.py, line"):
        run_jobs(odd, [1, 2], workers=2)


@unix
def test_a_job_whose_process_dies_is_run_once_more_alone(tmp_path):
    jobs = [1, str(tmp_path / "marker"), 3, 4]
    assert run_jobs(die_once, jobs, workers=2) == [1, "alive", 9, 16]


@unix
def test_a_job_that_always_kills_its_process_is_named():
    with pytest.raises(ExecutorError) as caught:
        run_jobs(die_if_negative, [1, -1, 2], workers=2)
    assert str(caught.value) == (
        "job 2 of 3 gave nothing: its worker died twice (SIGKILL, perhaps for want of memory): "
        "lower workers (now 2) or the size of the jobs"
    )


def test_what_is_finished_is_kept_before_what_began_earlier():
    order, start = [], time.monotonic()
    run_jobs(slow, [1.0, 0.01, 0.02], workers=2, each=lambda index, _: order.append((index, time.monotonic() - start)))
    assert [index for index, _ in order][-1] == 0


def test_without_jobs_nobody_is_asked():
    assert run_jobs(square, [], dask="tcp://127.0.0.1:1") == run_jobs(square, [], workers=3) == []


def test_mistakes_are_refused_before_any_job_runs():
    with pytest.raises(HeteroError, match="workers must be a whole number >= 1, got 0"):
        run_jobs(square, [1], workers=0)
    with cf.ThreadPoolExecutor(1) as threads, pytest.raises(HeteroError, match="not on both"):
        run_jobs(square, [1], executor=threads, dask="tcp://127.0.0.1:1")
    with pytest.raises(ExecutorError, match="must be like tcp://host:8786"):
        run_jobs(square, [1], dask="nonsense")
    with pytest.raises(ExecutorError, match="define it at the top level"):
        run_jobs(lambda x: x, [1, 2], workers=2)
