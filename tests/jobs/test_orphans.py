"""Processes end with the one that started them, on every path that starts some, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")

#: Starts jobs, of which one never ends, in a way that the first word names.
SCRIPT = """
import concurrent.futures as cf, multiprocessing, sys, time
from pathlib import Path
from hetero_rsnn.jobs.executors import make_runner
from hetero_rsnn.jobs.running import run_jobs
def job(k):
    Path(f"begun-{k}").touch()
    time.sleep(120)
def inner(k):
    return run_jobs(job, [k], workers=1)
if __name__ == "__main__":
    how = sys.argv[1]
    if how == "processes":
        run_jobs(job, [1, 2], workers=2)
    elif how == "runner":
        with make_runner(2) as runner:
            list(runner.run(job, [1, 2]))
    elif how == "timeout":
        with make_runner(1, timeout=100.0) as runner:
            list(runner.run(job, [1]))
    elif how == "executor":
        with cf.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            with make_runner(executor=pool) as runner:
                list(runner.run(job, [1, 2]))
    else:
        from joblib import Parallel, delayed
        Parallel(2, backend=how)(delayed(inner)(k) for k in (1, 2))
"""

TINY = "--quick --n 100 --workers 2 --backend numpy --seeds 8 --out out"
#: Paths of users; each works for long.
COMMANDS = [
    f"compare honhos {TINY}",
    f"classify japanese_vowels honhos {TINY}",
    f"forecast wind_greensboro honhos {TINY}",
    "search quick --workers 2 --budget 200 --journal j",
]
PYTHON = {
    "measure": "hr.measure('henhes', range(8), workers=2, backend='numpy')",
    "compare": "hr.compare(['honhos', 'henhes'], range(8), workers=2, backend='numpy')",
    "many": "hr.simulate_many(hr.draw(hr.load_network('henhes'), 1), [hr.silence('300 s')] * 4, workers=2, "
    "backend='numpy')",
    "n_jobs": "hr.HRSNNClassifier('henhes', backend='numpy', n_jobs=2).fit(X, y)",
    "folds": "cross_val_score(hr.HRSNNClassifier('henhes', backend='numpy'), X, y, cv=3, n_jobs=2)",
    "standalone": "[hr.simulate(hr.draw(hr.load_network('henhes'), 1), hr.silence('3000 s'), backend='brian2', "
    "codegen_target='cpp_standalone')]",
}
HEAD = """
import numpy as np
import hetero_rsnn as hr
from sklearn.model_selection import cross_val_score
X, y = np.random.default_rng(0).random((60, 2000, 2)), np.arange(60) % 2
if __name__ == "__main__":
"""


def ends(folder, words, how, begun):
    """Start a program, end it once it has begun, and see that nothing below it lives on or holds its pipes."""
    program = subprocess.Popen(
        [sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    top, end = psutil.Process(program.pid), time.monotonic() + 300  # a busy machine compiles for minutes
    while not begun(top):
        if program.poll() is not None or time.monotonic() > end:
            os.killpg(program.pid, signal.SIGKILL)
            pytest.fail(program.communicate()[1].decode() or "it has not begun in time")
        time.sleep(0.05)
    below = top.children(recursive=True)
    program.send_signal(getattr(signal, how))
    program.communicate(timeout=20)  # until nobody holds the pipes
    assert psutil.wait_procs(below, timeout=10)[1] == []
    return below


@pytest.mark.parametrize("how", ["SIGKILL", pytest.param("SIGTERM", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "path",
    [
        "processes",
        "multiprocessing",
        *(pytest.param(path, marks=pytest.mark.slow) for path in ("runner", "executor", "timeout", "loky")),
    ],
)
def test_no_job_outlives_the_program(tmp_path, path, how):
    if path == "loky":
        pytest.importorskip("joblib")
    (tmp_path / "script.py").write_text(SCRIPT)
    count = 1 if path == "timeout" else 2
    below = ends(tmp_path, ["script.py", path], how, lambda top: len(list(tmp_path.glob("begun-*"))) == count)
    assert len(below) >= count


def working(top: psutil.Process) -> bool:
    """Whether two processes below have worked for a second, or none ever will."""
    try:
        busy = [p for p in top.children(recursive=True) if p.cpu_times().user > 1.5]
    except psutil.NoSuchProcess:
        return False
    return len(busy) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words.split()[0])
def test_no_worker_outlives_a_command(tmp_path, words, how):
    ends(tmp_path, ["-m", "hetero_rsnn.cli", *words.split()], how, working)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("path", list(PYTHON))
def test_no_worker_outlives_a_script(tmp_path, path, how):
    (tmp_path / "script.py").write_text(f"{HEAD}    {PYTHON[path]}\n")
    begun = working
    if path in ("many", "n_jobs"):  # threads perhaps, which end with their process

        def begun(top):
            return top.cpu_times().user > 4

    elif path == "standalone":
        pytest.importorskip("brian2")

        def begun(top):  # the program that Brian2 built
            with suppress(psutil.NoSuchProcess):  # a compiler that has just ended
                return any(p.name() == "main" for p in top.children(recursive=True))
            return False

    ends(tmp_path, ["script.py"], how, begun)
