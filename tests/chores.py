"""Jobs of many kinds, in a module that the process of a worker imports in no time."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def square(x):
    return x * x


def mixed(x):
    """Values of many kinds, and errors among them."""
    time.sleep(0.03 * (x % 3))
    match x % 5:
        case 0:
            return math.nan
        case 1:
            raise ValueError(f"no {x}\nfor you")
        case 2:
            return {"x": x, "array": np.arange(x) / 7}
        case 3:
            return None
    return float(np.linalg.norm(np.random.default_rng(x).normal(size=(60, 60)) @ np.ones((60, 60))))


def slow(seconds):
    time.sleep(seconds)
    return seconds


def die(_job=None):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(job):
    """Kill the process that runs the job in which a marker is named and not there; square the others."""
    if isinstance(job, str):
        if not Path(job).exists():
            Path(job).touch()
            die()
        return "alive"
    time.sleep(0.05)
    return job * job


def die_if_negative(x):
    if x < 0:
        die()
    time.sleep(0.1)
    return x * x


def whereabouts(_job):
    from threadpoolctl import threadpool_info

    return os.getpid(), sorted({library["num_threads"] for library in threadpool_info()})


def leave(x):
    raise SystemExit(x)


def unpicklable(_x):
    return lambda: None


class Sly:
    """Can be pickled, but not unpickled."""

    def __reduce__(self):
        return int, ("no number",)


def sly(_x):
    return Sly()


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


def mute(_x):
    raise Mute


def hang_on_negative(x):
    if x < 0:
        time.sleep(60)
    time.sleep(0.2)
    return x * x


def start_program(path):
    """Start a program that outlives the job, and hang."""
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(path).write_text(str(program.pid))
    time.sleep(60)


def note(path_and_number):
    path, number = path_and_number
    with open(path, "a") as file:
        file.write(f"{number}\n")
    time.sleep(0.3)
    return number


def alone_or_not(folder, number):
    mine = Path(folder) / f"running-{number}"
    if number == 0 and not (Path(folder) / "first").exists():
        (Path(folder) / "first").touch()
        die()
    mine.touch()
    time.sleep(0.2)
    if number == 0:
        (Path(folder) / "second").touch()
        assert len(list(Path(folder).glob("running-*"))) == 1
    mine.unlink()
    return number


def deaf(_x):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
