"""A list of jobs, run here, on threads, in processes, on an executor or a cluster: the same results everywhere."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import ExecutorError, HeteroError
from hetero_rsnn.jobs.executors import make_runner
from hetero_rsnn.jobs.parallel import follow_parent, in_one_thread
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.remote import Outcome, Runner

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    threads: bool = False,
    each: Callable[[int, Result], object] | None = None,
) -> list[Result]:
    """Apply `function` to every job.

    Parameters
    ----------
    function : callable
        Where jobs run elsewhere defined at module level, so that another process can find it.
    jobs : sequence
    workers, executor, dask
        See `make_runner`: the results do not depend on them. A job whose process dies is run once more, alone.
    progress : callable, optional
        Called with (finished, total).
    threads : bool
        Several `workers` are threads of this process, which start at once and share what they read: for jobs that spend
        their time in compiled code. Other jobs would wait for each other.
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
    ExecutorError
        If a job lost its process twice, or jobs cannot be run at all.
    """
    if workers is not None:
        workers = checks.whole("workers", workers, least=1)
    follow_parent()
    if not jobs:
        return []
    results: dict[int, Any] = {}
    most = min(workers or 1, len(jobs))
    if executor is not None or dask is not None:
        finished = _elsewhere(function, jobs, make_runner(workers, executor=executor, dask=dask), workers)
    elif threads or most <= 1:
        finished = _here(function, jobs, most, threads)
    else:
        finished = _elsewhere(function, jobs, make_runner(most), workers)
    with closing(finished):  # whatever stops this stops the work
        for index, result in finished:
            results[index] = result
            if each is not None:
                each(index, result)
            if progress is not None:
                progress(len(results), len(jobs))
    return [results[i] for i in range(len(jobs))]


def _here(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int, threads: bool
) -> Generator[tuple[int, Result]]:
    from threadpoolctl import threadpool_limits

    if workers <= 1:
        # Short jobs are not to look for libraries each time: one limit around all of them.
        with threadpool_limits(1) if threads else nullcontext():
            for index, job in enumerate(jobs):
                yield index, function(job) if threads else in_one_thread(function, job)
        return
    # One limit here too: each thread's own would lift that of the others when it ends.
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        pending: dict[Future[Result], int] = {pool.submit(function, job): i for i, job in enumerate(jobs)}
        try:
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield pending.pop(future), future.result()
        except BaseException:
            # With wait=False the end of the with block would take the cancelling back before it took effect.
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Failure:
    """The error of a job, on its way back."""

    error: Exception


def _tried(function: Callable[[Job], Result], job: Job) -> Result | _Failure:
    """What a job returns, or its error, which the answer of a runner would hold as a text alone."""
    try:
        return function(job)
    except Exception as error:
        if not isinstance(error, HeteroError):  # where it happened is lost on the way
            error.add_note("".join(traceback.format_exception(error)).rstrip())
        try:
            ForkingPickler.loads(ForkingPickler.dumps(error))
        except Exception:
            raise error from None
        return _Failure(error)


def _elsewhere(
    function: Callable[[Job], Result], jobs: Sequence[Job], runner: Runner, workers: int | None
) -> Generator[tuple[int, Result]]:
    with runner, closing(runner.run(partial(_tried, function), jobs, ordered=False)) as outcomes:
        for outcome in outcomes:
            yield outcome.index, _result(outcome, len(jobs), workers)


def _result(outcome: Outcome[Any], total: int, workers: int | None) -> Any:
    """The value of a job.

    Raises
    ------
    Exception
        The error of the job, or an ExecutorError if there is none because its process has died.
    """
    if isinstance(outcome.value, _Failure):
        raise outcome.value.error
    if outcome.ok:
        return outcome.value
    reason = f"job {outcome.index + 1} of {total} gave nothing: {outcome.error}"
    if outcome.kind != "killed":
        raise ExecutorError(reason)
    raise ExecutorError(reason, fix=f"lower workers{f' (now {workers})' if workers else ''} or the size of the jobs")
