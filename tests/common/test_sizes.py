"""Estimates of memory: what is refused, and what the machine says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers import refused

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import StimulusError


def test_what_fits_and_what_does_not(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    memory.fits("it", 0.75e9, "lower n")
    error = refused(
        lambda: memory.fits("a network of 7 neurons", 1.25e12, "lower n", error=StimulusError), error=StimulusError
    )
    assert str(error) == (
        "a network of 7 neurons would take 1.25 TB of memory, and may take 750 MB of the 1 GB that are free: lower n"
    )
    refused(lambda: memory.fits("it", 0.76e9, "lower n"), "lower n")
    refused(lambda: memory.fits("it", float("inf"), "lower n"), "lower n")


def test_small_work_asks_nobody(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: pytest.fail("asked"))
    memory.fits("it", 1e6, "lower n")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e9, "2 GB"), (999_600, "1 MB"), (4.2e22, "4.2e+04 EB")],
)
def test_bytes_for_readers(size, text):
    assert memory.human(size) == text


def test_the_machine_says_what_it_has():
    assert 2**26 < memory.available() < 2**50


def test_without_an_answer_a_usual_machine_is_assumed(monkeypatch):
    for where in ("machine", "container", "process"):
        monkeypatch.setattr(memory, f"_of_{where}", lambda: None)
    assert memory.available() == 8 * 2**30
    monkeypatch.setattr(memory, "_of_container", lambda: -5)  # more is in use than the limit that came later
    assert memory.available() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits of processes as Linux has them")
def test_a_limit_of_the_process_counts():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
        "from hetero_rsnn.common import memory; print(memory.available())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0 < int(out) < 2**31
