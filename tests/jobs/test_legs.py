"""Long jobs in legs: the same in one process and in several, and a dead process costs one leg only."""

import os
import signal
from pathlib import Path

import pytest
from helpers import refused

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.jobs.legs import run_legs


def count(leg):
    """A leg: (name, how far, end)."""
    name, number, end = leg
    return name, number + 1, end


def further(index, value):
    return value if value[1] < value[2] else None


def fail(leg):
    if leg[1] == 1 and leg[0] == "b":
        raise HeteroError("b has had enough", fix="let it go")
    return count(leg)


def die(leg):
    """Once, or always, by the name of a file that says that it has died."""
    name, number, _ = leg
    path = Path(name)
    if number == 1 and (path.suffix == ".always" or not path.exists()):
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return count(leg)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_takes_all_its_legs_in_order(workers):
    jobs = [("a", 0, 3), ("b", 0, 1), ("c", 0, 4)]
    found = list(run_legs(count, jobs, further, workers=workers))
    for index, (name, _, end) in enumerate(jobs):
        assert [o.value for o in found if o.index == index] == [(name, k, end) for k in range(1, end + 1)]
    assert all(o.ok for o in found) and len(found) == 8
    assert list(run_legs(count, [], further, workers=workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_ends_its_own_job_only(workers):
    found = list(run_legs(fail, [("a", 0, 3), ("b", 0, 3)], further, workers=workers))
    assert [o.value and o.value[1] for o in found if o.index == 0] == [1, 2, 3]
    first, last = [o for o in found if o.index == 1]
    assert first.ok and last.kind == "raised" and last.error == "HeteroError: b has had enough: let it go"


def test_a_leg_whose_process_died_runs_once_more(tmp_path):
    jobs = [(str(tmp_path / "x.once"), 0, 3), (str(tmp_path / "y.always"), 0, 3)]
    found = list(run_legs(die, jobs, further, workers=2))
    assert [o.value[1] for o in found if o.index == 0] == [1, 2, 3]
    assert [o.kind for o in found if o.index == 1] == ["ok", "killed"]
    (lost,) = [o for o in found if o.kind == "killed"]
    assert "its process died twice" in (lost.error or "")


def test_what_cannot_be_done():
    refused(lambda: list(run_legs(count, [("a", 0, 1)], further, workers=0)), "workers must be a whole number >= 1")
    refused(lambda: list(run_legs(lambda leg: leg, [1, 2], further, workers=2)), "another process cannot be given")
