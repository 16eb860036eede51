"""Wherever jobs run, the outcomes are the same, and a bad job costs only itself."""

from __future__ import annotations

import concurrent.futures as cf
import json
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial

import psutil
import pytest
from chores import (
    Sly,
    alone_or_not,
    deaf,
    die,
    die_if_negative,
    die_once,
    hang_on_negative,
    leave,
    mixed,
    mute,
    note,
    slow,
    sly,
    square,
    start_program,
    unpicklable,
    whereabouts,
)
from helpers import within

from hetero_rsnn.common.errors import ExecutorError, HeteroError
from hetero_rsnn.jobs.clusters import DaskExecutor
from hetero_rsnn.jobs.executors import make_runner
from hetero_rsnn.jobs.remote import Outcome

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def shown(outcomes):
    """Outcomes without their times, comparable even with NaN and arrays."""
    return [
        (o.index, json.dumps(o.value, default=lambda v: v.tolist()), o.error, o.kind)
        for o in outcomes
        if isinstance(o, Outcome)
    ]


def run(runner, function, jobs):
    with runner:
        return list(runner.run(function, jobs))


def children():
    """Processes below this one, without multiprocessing's own."""
    return [
        p
        for p in psutil.Process().children(recursive=True)
        if p.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(p.cmdline())
    ]


@pytest.fixture(autouse=True)
def no_process_left(request):
    before = {p.pid for p in children()}
    yield
    if "cluster" in request.fixturenames:  # its workers come and go
        return
    assert [p for p in children() if p.pid not in before] == []


def test_all_kinds_agree():
    jobs = list(range(11))
    expected = run(make_runner(), mixed, jobs)
    assert [o.index for o in expected] == jobs
    assert [o.kind for o in expected] == ["ok", "raised", "ok", "ok", "ok"] * 2 + ["ok"]
    assert expected[1].error.startswith("ValueError: no 1 for you (chores.py, line ")
    assert math.isnan(expected[0].value) and expected[0].ok and not expected[1].ok
    assert all(o.seconds >= 0.03 * (o.index % 3) for o in expected)
    with cf.ThreadPoolExecutor(3) as threads, cf.ProcessPoolExecutor(1) as processes:
        for runner in (
            make_runner(1),
            make_runner(2),
            make_runner(1, timeout=30),
            make_runner(executor=threads),
            make_runner(2, executor=threads, timeout=30),
            make_runner(executor=processes),
        ):
            assert shown(run(runner, mixed, jobs)) == shown(expected)


@pytest.mark.usefixtures("threads")
def test_serial_stays_here_and_processes_do_not():
    (here,) = run(make_runner(), whereabouts, [0])
    assert here.value[0] == os.getpid() and here.value[1] in ([1], [])
    pids = {o.value[0] for o in run(make_runner(2), whereabouts, range(6))}
    assert os.getpid() not in pids and 1 <= len(pids) <= 2
    (other,) = run(make_runner(1, timeout=60), whereabouts, [0])
    assert other.value[0] != os.getpid() and other.value[1] in ([1], [])


def test_threads_share_one_limit():
    from threadpoolctl import threadpool_info

    before = threadpool_info()
    with cf.ThreadPoolExecutor(4) as threads:
        outcomes = run(make_runner(executor=threads), whereabouts, range(20))
    assert all(o.value[1] in ([1], []) for o in outcomes)
    assert threadpool_info() == before


def test_the_limit_is_kept_while_any_thread_has_a_job(monkeypatch):
    """And lifted after the last; counted here, since OpenBLAS does not always tell one thread what another set."""
    limits = []

    class Limit:
        def __init__(self, threads):
            assert threads == 1
            limits.append(self)

        def restore_original_limits(self):
            limits.remove(self)

        def __enter__(self):  # each job has a limit of its own too, which says nothing of the others
            limits.remove(self)

        def __exit__(self, *_):
            pass

    def limited(seconds):
        before = len(limits)
        time.sleep(seconds)
        return before, len(limits)

    monkeypatch.setattr("threadpoolctl.threadpool_limits", Limit)
    with cf.ThreadPoolExecutor(4) as threads:
        outcomes = run(make_runner(executor=threads), limited, [0.02, 0.0, 0.05, 0.01] * 5)
    assert all(count >= 1 for outcome in outcomes for count in outcome.value)
    assert limits == []


def test_outcomes_come_as_soon_as_their_turn():
    with make_runner(2) as runner:
        list(runner.run(square, [1, 2]))  # both processes have started
        start = time.monotonic()
        outcomes = runner.run(slow, [0.01, 1.0, 0.02, 0.03])
        assert next(outcomes).value == 0.01 and time.monotonic() - start < 0.7
        assert [o.value for o in outcomes] == [1.0, 0.02, 0.03]
        assert time.monotonic() - start < 1.6
        assert list(runner.run(square, [])) == []


def test_workers_are_kept_between_runs():
    with make_runner(1, timeout=60) as runner:
        assert {o.value[0] for _ in range(3) for o in runner.run(whereabouts, [0])}.__len__() == 1


@unix
def test_a_job_that_kills_its_process_once(tmp_path):
    jobs = [1, 2, str(tmp_path / "marker"), 3, 4]
    outcomes = run(make_runner(2), die_once, jobs)
    assert [o.value for o in outcomes] == [1, 4, "alive", 9, 16] and all(o.kind == "ok" for o in outcomes)


@unix
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_job_that_always_kills_its_process(workers):
    outcomes = run(make_runner(workers, timeout=60), die_if_negative, [1, 2, -1, 3, -1, 4])
    assert [o.value for o in outcomes] == [1, 4, None, 9, None, 16]
    assert [o.kind for o in outcomes] == ["ok", "ok", "killed", "ok", "killed", "ok"]
    assert outcomes[2].error == "its worker died twice (SIGKILL, perhaps for want of memory)"


@unix
def test_a_suspect_is_tried_alone(tmp_path):
    """While a job whose process died runs again, no other does."""
    out = run(make_runner(2), partial(alone_or_not, str(tmp_path)), [0, 1, 2, 3])
    assert [o.value for o in out] == [0, 1, 2, 3]
    assert (tmp_path / "second").exists()


@unix
def test_a_worker_that_is_killed_while_idle():
    with make_runner(2) as runner:
        pids = {o.value[0] for o in runner.run(whereabouts, range(4))}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert [o.value for o in runner.run(square, range(4))] == [0, 1, 4, 9]


@pytest.mark.slow
def test_a_timeout_amid_innocents():
    start = time.monotonic()
    outcomes = run(make_runner(2, timeout=3.0), hang_on_negative, [1, -1, 2, 3, 4, -1, 5])
    assert [o.value for o in outcomes] == [1, None, 4, 9, 16, None, 25]
    assert [o.kind for o in outcomes] == ["ok", "timeout", "ok", "ok", "ok", "timeout", "ok"]
    assert outcomes[1].error == "it ran longer than its timeout of 3 s" and 3.0 <= outcomes[1].seconds < 6
    assert time.monotonic() - start < 30


@pytest.mark.slow
def test_waiting_for_a_place_is_not_running():
    outcomes = run(make_runner(1, timeout=2.5), slow, [0.6] * 6)
    assert [o.kind for o in outcomes] == ["ok"] * 6
    with cf.ThreadPoolExecutor(1) as threads:
        outcomes = run(make_runner(4, executor=threads, timeout=2.5), slow, [0.6] * 6)
    assert [o.kind for o in outcomes] == ["ok"] * 6


@pytest.mark.slow
@unix
def test_what_a_job_started_ends_with_it(tmp_path):
    path = tmp_path / "pid"
    (outcome,) = run(make_runner(1, timeout=2.0), start_program, [str(path)])
    assert outcome.kind == "timeout"
    end = time.monotonic() + 30  # a busy machine takes its time to bury what was killed
    while not _dead(int(path.read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)


def _dead(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.slow
@unix
def test_a_worker_that_ignores_being_asked_to_end():
    (outcome,) = run(make_runner(1, timeout=0.5), deaf, [0])
    assert outcome.kind == "timeout"


@pytest.mark.parametrize(
    ("function", "job", "error"),
    [
        (leave, 3, "SystemExit: 3"),
        (unpicklable, 0, "pickle"),
        (sly, 0, "the value cannot be unpickled: ValueError"),
        (square, Sly(), "ValueError: invalid literal"),
        (square, lambda: None, "the job cannot be pickled"),
        (mute, 0, "Mute: (its message cannot be shown)"),
    ],
)
def test_odd_jobs_in_a_process(function, job, error):
    outcomes = run(make_runner(1, timeout=60), function, [job, job])
    assert [o.kind for o in outcomes] == ["raised"] * 2
    assert error in outcomes[0].error and "\n" not in outcomes[0].error


def test_a_function_that_cannot_be_sent():
    with make_runner(2) as runner, pytest.raises(ExecutorError, match="define it at the top level of a module"):
        runner.run(lambda x: x, [1])


def test_a_run_that_is_left_early(tmp_path):
    path = tmp_path / "notes"
    with make_runner(2) as runner:
        outcomes = runner.run(note, [(str(path), n) for n in range(20)])
        assert next(outcomes).value == 0
        with pytest.raises(ExecutorError, match="finish or close its last run"):
            runner.run(square, [1])
        outcomes.close()
        assert [o.value for o in runner.run(square, [3])] == [9]
        begun = len(path.read_text().splitlines())
        time.sleep(0.5)
        assert len(path.read_text().splitlines()) == begun < 8
    with pytest.raises(ExecutorError, match="is closed"):
        runner.run(square, [1])


def test_an_error_of_the_caller_ends_everything():
    with pytest.raises(KeyError), make_runner(2) as runner:
        for _ in runner.run(slow, [0.01, 60, 60]):
            raise KeyError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be a whole number >= 1, got 0"),
        ({"workers": True}, "workers must be"),
        ({"workers": 1.5}, "workers must be"),
        ({"timeout": 0}, "timeout must be a finite number > 0, got 0"),
        ({"timeout": math.nan}, "timeout must be"),
        ({"timeout": math.inf}, "leave it out"),
        ({"timeout": "1 s"}, "timeout must be"),
        ({"executor": 3}, "executor must be a concurrent.futures.Executor, got int"),
        ({"dask": 8786}, "must be the address of a scheduler"),
    ],
)
def test_arguments(options, message):
    with pytest.raises(HeteroError, match=message):
        make_runner(**options)
    with cf.ThreadPoolExecutor(1) as threads, pytest.raises(HeteroError, match="not on both"):
        make_runner(executor=threads, dask="tcp://127.0.0.1:1")


class Strange(cf.Executor):
    """Does not tell its size; its futures never say that they run; keeps the order it likes."""

    def __init__(self, pool):
        self.pool = pool
        self.most = self.now = 0

    def submit(self, function, /, *arguments, **named):
        outer = cf.Future()
        self.now += 1
        self.most = max(self.most, self.now)

        def done(inner):
            self.now -= 1
            if outer.set_running_or_notify_cancel():
                outer.set_result(inner.result())

        self.pool.submit(function, *arguments, **named).add_done_callback(done)
        return outer


def test_any_executor():
    with cf.ThreadPoolExecutor(8) as pool:
        strange = Strange(pool)
        assert [o.value for o in run(make_runner(3, executor=strange), square, range(9))] == [n * n for n in range(9)]
        assert 1 <= strange.most <= 3
        outcomes = run(make_runner(3, executor=strange, timeout=0.3), slow, [0.01, 1.0, 0.02])
        assert [o.kind for o in outcomes] == ["ok", "timeout", "ok"]


@pytest.mark.slow
def test_threads_cannot_be_stopped_but_are_left_alone():
    with cf.ThreadPoolExecutor(2) as threads:
        outcomes = run(make_runner(executor=threads, timeout=0.4), slow, [0.1, 1.5, 0.2, 0.3, 0.1])
        assert [o.kind for o in outcomes] == ["ok", "timeout", "ok", "ok", "ok"]
    with (
        cf.ThreadPoolExecutor(1) as threads,
        make_runner(executor=threads, timeout=0.3) as runner,
        pytest.raises(ExecutorError, match=r"past their timeout of 0.3 s, .*workers="),
    ):
        list(runner.run(slow, [3.0, 0.1]))


@unix
def test_broken_executors():
    with cf.ProcessPoolExecutor(1) as processes:
        with make_runner(executor=processes) as runner:
            with pytest.raises(ExecutorError, match=r"broke down: BrokenProcessPool: .*workers="):
                list(runner.run(die, [0]))
            with pytest.raises(ExecutorError, match="takes no jobs: BrokenProcessPool"):
                list(runner.run(square, [0]))
        threads = cf.ThreadPoolExecutor(1)
        threads.shutdown()
        with make_runner(executor=threads) as runner, pytest.raises(ExecutorError, match="takes no jobs: RuntimeErr"):
            list(runner.run(square, [0]))


def test_exit_in_a_thread_is_not_the_users():
    with cf.ThreadPoolExecutor(1) as threads:
        (outcome,) = run(make_runner(executor=threads), leave, [3])
    assert outcome.kind == "raised" and outcome.error.startswith("SystemExit: 3")


def test_interrupts_propagate_in_this_process():
    def interrupt(_x):
        raise KeyboardInterrupt

    with make_runner() as runner, pytest.raises(KeyboardInterrupt):
        list(runner.run(interrupt, [0]))


def test_outcomes_can_be_pickled():
    (outcome,) = run(make_runner(), square, [3])
    assert pickle.loads(pickle.dumps(outcome)) == outcome == Outcome(0, 9, None, "ok", outcome.seconds)


PARENT = """
import sys, time
from hetero_rsnn.jobs.clusters import DaskExecutor
from hetero_rsnn.jobs.executors import make_runner
def job(x):
    time.sleep(60 if x else 0)
if __name__ == "__main__":
    with make_runner(2) as runner:
        if len(sys.argv) > 1:
            print("starting", flush=True)
        for outcome in runner.run(job, [0, 1, 1]):
            print("running", flush=True)
"""


def gone(processes, seconds=5.0):
    return psutil.wait_procs(processes, timeout=seconds)[1] == []


@unix
@pytest.mark.parametrize("moment", ["running", pytest.param("starting", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "how", ["SIGINT to all", *(pytest.param(how, marks=pytest.mark.slow) for how in ("SIGINT", "SIGTERM")), "SIGKILL"]
)
def test_nothing_outlives_the_parent(tmp_path, how, moment):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), *(["early"] if moment == "starting" else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout.readline().strip() == moment
    time.sleep(0.15)
    below = psutil.Process(parent.pid).children(recursive=True)
    assert len(below) >= 1
    if how == "SIGINT to all":  # as a terminal does, even to workers that are starting
        parent.send_signal(signal.SIGINT)
        for process in below:
            with suppress(psutil.NoSuchProcess):  # its parent may have ended it already
                process.send_signal(signal.SIGINT)
    else:
        parent.send_signal(getattr(signal, how))
    _, errors = parent.communicate(timeout=30)
    assert gone(below)
    if "SIGINT" in how:
        assert parent.returncode == -signal.SIGINT and errors.count("Traceback") == 1, errors
        assert errors.rstrip().endswith("KeyboardInterrupt")


@unix
def test_a_script_without_its_guard(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "from hetero_rsnn.jobs.executors import make_runner\n"
        "with make_runner(2) as r:\n    print(list(r.run(abs, [1])))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'put the call below if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def refused(address):
    """Not reaching a scheduler is one line, soon."""
    start = time.monotonic()
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at|must be like tcp:") as caught:
        make_runner(dask=address)
    assert time.monotonic() - start < 12 and "\n" not in str(caught.value) and address in str(caught.value)


def test_dask_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutorError, match=r'pip install "hetero-rsnn\[dask\]"'):
        make_runner(dask="tcp://127.0.0.1:8786")


@pytest.mark.slow
def test_dask_that_does_not_answer():
    pytest.importorskip("distributed")
    refused("nonsense")
    refused("tcp://127.0.0.1:1")
    with socket.socket() as silent:  # something listens, but it is no scheduler
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        refused(f"tcp://127.0.0.1:{silent.getsockname()[1]}")


@pytest.fixture(scope="module")
def two_workers():
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    # Some seconds after a worker died, a LocalCluster looks for it, and gives up one that just then is starting again.
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def cluster(two_workers):
    """The cluster, with both of its workers: the test before may have ended one."""
    two_workers.wait_for_workers(2, timeout=60)
    return two_workers


#: Seconds after which a run on Dask has hung; a worker starts again within a few, on a busy machine within twenty.
LONG = 180.0


@pytest.mark.slow
@unix
def test_dask_agrees(cluster):
    jobs = list(range(11))

    def on_dask():
        with make_runner(dask=cluster.scheduler_address, timeout=60) as runner:
            return [list(runner.run(function, jobs)) for function in (mixed, square, whereabouts)], list(
                runner.run(leave, [3])
            )

    (mixtures, squares, places), (outcome,) = within(LONG, on_dask)
    assert shown(mixtures) == shown(run(make_runner(), mixed, jobs))
    assert [o.value for o in squares] == [x * x for x in jobs]
    assert len({o.value[0] for o in places}) == 2 and all(o.value[1] in ([1], []) for o in places)
    assert outcome.kind == "raised" and outcome.error.startswith("SystemExit: 3")


def run_on(cluster, function, jobs, timeout=None):
    return within(LONG, lambda: run(make_runner(dask=cluster.scheduler_address, timeout=timeout), function, jobs))


@pytest.mark.slow
@unix
def test_a_dask_worker_killed_in_the_middle(cluster, tmp_path):
    jobs = [1, 2, str(tmp_path / "marker"), 3, 4, 5]
    outcomes = run_on(cluster, die_once, jobs)
    assert [o.value for o in outcomes] == [1, 4, "alive", 9, 16, 25]
    assert shown(outcomes) == shown(run(make_runner(), die_once, jobs))  # the marker is there now


@pytest.mark.slow
@unix
def test_a_job_that_always_kills_its_dask_worker(cluster):
    outcomes = run_on(cluster, die_if_negative, [1, 2, -1, 3, 4])
    assert [o.value for o in outcomes] == [1, 4, None, 9, 16]
    assert outcomes[2].kind == "killed" and "allowed-failures" in outcomes[2].error


class Fetched:
    """A future of Dask whose worker died just after its result was fetched; the result counts, not the status."""

    status = "lost"

    def __init__(self, result):
        self.result, self.cancelled = result, False

    def add_done_callback(self, function):
        function(self)

    def cancel(self):
        self.cancelled = True


class Fetching:
    def __init__(self):
        self.go = threading.Event()

    def submit(self, function, *arguments, pure):
        def result():
            assert self.go.wait(60)
            return function(*arguments)

        self.last = Fetched(result)
        return self.last


def cancelled_there():
    raise cf.CancelledError("scheduler gone")


def test_results_of_dask_are_what_it_fetches():
    client = Fetching()
    calls = ((square, 3), (math.sqrt, -1), (cancelled_there,))
    futures = [DaskExecutor(client).submit(function, *x) for function, *x in calls]
    client.go.set()
    assert cf.wait(futures, 60).not_done == set()
    assert futures[0].result() == 9 and isinstance(futures[1].exception(), ValueError) and futures[2].cancelled()
    client.go.clear()
    dropped = DaskExecutor(client).submit(square, 3)
    assert dropped.cancel() and client.last.cancelled
    client.go.set()


@pytest.mark.slow
@unix
def test_a_timeout_on_dask(cluster):
    outcomes = run_on(cluster, hang_on_negative, [1, -1, 2, -1, 3, -1, 4], timeout=3.0)
    assert [o.kind for o in outcomes] == ["ok", "timeout", "ok", "timeout", "ok", "timeout", "ok"]
    assert [o.value for o in outcomes if o.ok] == [1, 4, 9, 16]
