"""A Dask cluster that loses its scheduler or all of its workers: one line, a wait that says so, and an end."""

from __future__ import annotations

import concurrent.futures as cf
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import chores
import pytest
from helpers import within

from hetero_rsnn.common.errors import ExecutorError
from hetero_rsnn.jobs import clusters
from hetero_rsnn.jobs import dask_log as dask_log_module
from hetero_rsnn.jobs.executors import make_runner
from hetero_rsnn.jobs.journal import read_journal


class Client:
    """What a runner sees of a Dask client; its jobs never end, and its workers are as many as a test says."""

    def __init__(self, address, **options):
        self.address, self.status, self.threads = address, "running", {"tcp://1": 2}

    def wait_for_workers(self, count, timeout):
        pass

    def submit(self, function, *words, pure):
        return SimpleNamespace(add_done_callback=lambda call: None, cancel=lambda: None)

    def nthreads(self):
        if isinstance(self.threads, Exception):
            raise self.threads
        return self.threads

    def subscribe_topic(self, topic, handler):
        pass

    def close(self, timeout):
        self.status = "closed"


ADDRESS = "tcp://127.0.0.1:8786"


@pytest.fixture
def runner(monkeypatch):
    """A runner on such a client, whose seconds are short."""
    monkeypatch.setattr(clusters, "need", lambda *words, **options: SimpleNamespace(Client=Client))
    for name, seconds in (("_RESTART", 0.5), ("_PATIENCE", 0.1), ("_MUSTER", 0.02)):
        monkeypatch.setattr(clusters, name, seconds)
    with make_runner(dask=ADDRESS) as runner:
        yield runner


def outcome(runner):
    return within(10, lambda: list(runner.run(chores.square, [1, 2, 3])))


def test_a_cluster_whose_workers_are_all_gone_is_given_up(runner, caplog):
    runner._client.threads = {}
    begin = time.monotonic()
    with pytest.raises(ExecutorError) as caught:
        outcome(runner)
    assert 0.4 < time.monotonic() - begin < 3
    remedy = f"start one (dask worker {ADDRESS})"
    assert str(caught.value) == f"the Dask cluster has had no worker for 0.5 s: {remedy}" and caught.value.lost
    assert [r.getMessage() for r in caplog.records] == [
        f"the Dask cluster has no worker: waiting up to 0.4 s for one; {remedy}"
    ]


def test_a_cluster_whose_workers_come_back_goes_on(runner, caplog):
    caplog.set_level(logging.WARNING)
    seen = []

    def nthreads():
        seen.append(time.monotonic())
        gone = 0.15 < seen[-1] - seen[0] < 0.4
        if seen[-1] - seen[0] > 1.2:
            runner._client.status = "connecting"  # an end for the test
        return {} if gone else {"tcp://1": 1}

    runner._client.nthreads = nthreads
    with pytest.raises(ExecutorError, match="connection to the Dask scheduler"):
        outcome(runner)
    said = [r.getMessage() for r in caplog.records]
    assert len(said) == 2 and said[0].startswith("the Dask cluster has no worker: waiting up to")
    assert said[1] == "the Dask cluster has a worker again: going on"


@pytest.mark.parametrize("how", ["connecting", OSError("Timed out"), RuntimeError("gone"), ValueError("closed")])
def test_a_scheduler_that_is_gone_is_one_line(runner, how):
    if isinstance(how, str):
        runner._client.status = how
    else:
        runner._client.threads = how
    with pytest.raises(ExecutorError) as caught:
        outcome(runner)
    assert str(caught.value) == f"the connection to the Dask scheduler at {ADDRESS!r} was lost: start it again"
    assert caught.value.lost


class ClosedClientError(Exception):
    """Of Dask: no kind of OSError or RuntimeError."""


def test_a_client_that_closes_as_a_job_is_handed_over_is_one_line(runner):
    def submit(function, *words, pure):
        runner._client.status = "closed"
        raise ClosedClientError("Client is closed.")

    runner._client.submit = submit
    with pytest.raises(ExecutorError, match=r"^the connection to the Dask scheduler at .* was lost"):
        outcome(runner)


def test_a_job_that_a_closed_client_has_dropped_is_dropped_without_a_word(caplog):
    def refuse():
        raise ClosedClientError("Client is closed. Can't send cancel-keys message.")

    def lost():
        raise cf.CancelledError

    theirs = SimpleNamespace(cancel=refuse, result=lost, add_done_callback=lambda call: call(None))
    future = clusters.DaskExecutor(SimpleNamespace(submit=lambda *words, pure: theirs)).submit(abs, 1)
    assert cf.wait([future], 10).not_done == set() and future.cancelled()
    assert not caplog.records


def test_a_function_that_holds_much_is_sent_once(runner):
    sent = []

    def submit(function, *words, pure):
        sent.append((function, *words))
        return SimpleNamespace(add_done_callback=lambda call: None, cancel=lambda: None)

    runner._client.submit = submit
    large = partial(max, bytes(2_000_000))
    for k, function in enumerate([len, large, large, large, len]):
        runner._begin(k, function, k)
    assert [words[0] is pickle.loads for words in sent] == [False, True, False, False, False, False]
    assert pickle.loads(sent[1][1]).args == large.args and sent[2][1] is sent[3][1] is not large
    runner._drop(range(5))


@pytest.fixture
def dask_log(caplog):
    """Writes a record to one of Dask's loggers, with an error or none, and says whether it was written."""
    caplog.set_level(logging.INFO)

    def write(name, error):
        caplog.clear()
        logging.getLogger(name).error("a record", exc_info=error)
        return len(caplog.records) == 1

    loggers = [logging.getLogger(name) for name in dask_log_module._LOGGERS]
    before = [(log.propagate, list(log.filters)) for log in loggers]
    for log in loggers:
        log.propagate, log.filters = True, []  # those of clients that other tests have lost
    yield write
    for log, (propagate, filters) in zip(loggers, before, strict=True):
        log.propagate, log.filters = propagate, filters


@pytest.mark.parametrize("name", dask_log_module._LOGGERS)
def test_dask_writes_of_no_lost_connection_while_a_runner_is_there(dask_log, monkeypatch, name):
    monkeypatch.setattr(clusters, "need", lambda *words, **options: SimpleNamespace(Client=Client))
    assert dask_log(name, ConnectionResetError("gone"))
    with make_runner(dask=ADDRESS) as runner:
        assert not dask_log(name, ConnectionResetError("gone"))
        assert dask_log(name, ValueError("another")) and dask_log(name, None)
        assert dask_log(name, FileNotFoundError("no certificate")) and not dask_log(name, TimeoutError("late"))
        runner._client.status = "running"
    assert dask_log(name, ConnectionResetError("gone"))


def test_of_a_scheduler_that_is_gone_dask_writes_nothing_more(dask_log, monkeypatch):
    monkeypatch.setattr(clusters, "need", lambda *words, **options: SimpleNamespace(Client=Client))
    with make_runner(dask=ADDRESS) as runner:
        runner._client.status = "connecting"
    assert not dask_log("distributed.batched", ConnectionResetError("gone"))
    assert not dask_log("distributed.client", None) and dask_log("distributed.core", None)


# The same with a real one.

TINY = ["--set", "n=60", "--set", "protocol.samples=600", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
SEARCH = ["search", "quick", *TINY, "--initial", "6", "--seeds", "2", "--remeasure", "0", "--method", "random"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_search_whose_scheduler_is_killed_ends_in_one_line_and_resumes(run, tmp_path):
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address, quiet = f"tcp://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port]
    scheduler = subprocess.Popen([*dask, "--no-dashboard"], cwd=tmp_path, **quiet)
    words = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    worker = subprocess.Popen(words, cwd=tmp_path, start_new_session=True, **quiet)
    journal = tmp_path / "j"
    try:
        for _ in range(100):
            with socket.socket() as there:
                if not there.connect_ex(("127.0.0.1", int(port))):
                    break
            time.sleep(0.1)
        command = [sys.executable, "-m", "hetero_rsnn.cli", *SEARCH, "--budget", "60", "--dask", address]
        search = subprocess.Popen(
            [*command, "--journal", "j"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        end = time.monotonic() + 60
        while not journal.exists() or journal.read_bytes().count(b"finished") < 4:
            assert search.poll() is None and time.monotonic() < end, search.communicate()
            time.sleep(0.05)
        scheduler.kill()
        out, err = search.communicate(timeout=60)
    finally:
        scheduler.kill()
        scheduler.wait()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert search.returncode == 2 and out == "" and "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.startswith(f"error: the connection to the Dask scheduler at {address!r} was lost: start it again, ")
    assert f"then resume: hetero-rsnn search quick {' '.join(TINY[:2])} " in last and "--journal j --resume" in last
    assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
    kept = read_journal(journal)
    code, _, err = run(*SEARCH, "--resume", "--journal", "j", "--workers", "1", "--budget", "60")
    assert code == 0 and read_journal(journal)[: len(kept)] == kept, err
    assert sum(e["event"] == "finished" for e in read_journal(journal)) == 60
