"""Before the first compiling of a slow kernel one line says so, in the process that the user sees."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import subprocess
import sys

import pytest
from helpers import ROOT
from numba import njit

from hetero_rsnn.common.compiled import COMPILATIONS, Compilations
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.simulation import fast


def compile_one(monkeypatch, module="hetero_rsnn.simulation.kernels"):
    """Let numba compile a small function, which calls another, as one of a module."""

    @njit
    def inner(x):
        return x + 1

    def outer(x):
        return inner(x) * 2

    outer.__module__ = module
    assert njit(outer)(1) == 4


@pytest.fixture
def fresh(monkeypatch, caplog):
    """As in a process that has compiled nothing yet."""
    caplog.set_level(logging.INFO)
    for name, value in vars(Compilations()).items():
        monkeypatch.setattr(COMPILATIONS, name, value)
    return caplog


def test_one_line_before_the_first_of_a_module(monkeypatch, fresh):
    for _ in range(2):
        compile_one(monkeypatch)
    assert [record.getMessage() for record in fresh.records] == ["compiling the kernel of simulations once, about 10 s"]
    assert len(COMPILATIONS.functions) == 2  # not those that they call
    assert COMPILATIONS.functions[0].startswith("hetero_rsnn.simulation.kernels.")


def test_nothing_is_said_of_small_or_foreign_functions(monkeypatch, fresh):
    compile_one(monkeypatch, "hetero_rsnn.gradient.packing")
    compile_one(monkeypatch, "somebody.else")
    assert not fresh.records and len(COMPILATIONS.functions) == 1


def test_worker_processes_say_nothing(monkeypatch, fresh):
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    compile_one(monkeypatch)
    assert not fresh.records and len(COMPILATIONS.functions) == 1


def test_an_error_amid_compiling_leaves_the_count_right(monkeypatch, fresh):
    def bad(x):
        return x.nothing_of_this_name

    bad.__module__ = "hetero_rsnn.simulation.kernels"
    with pytest.raises(Exception, match="nothing_of_this_name"):
        njit(bad)(1)
    compile_one(monkeypatch)
    assert len(COMPILATIONS.functions) == 2


@pytest.mark.slow
def test_warmup_compiles_once_and_leaves_nothing_to_compile(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    call = [sys.executable, "-m", "hetero_rsnn.cli"]

    def run(*words):
        done = subprocess.run([*call, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        return done.stdout.splitlines(), done.stderr.splitlines()

    out, err = run("warmup", "--no-gradient")
    assert err == ["compiling the kernel of simulations once, about 10 s"]
    assert [line.partition(" in ")[0] for line in out[:2]] == [
        f"simulations, {precision} precision: compiled" for precision in ("double", "single")
    ]
    assert re.match(r"compiled [1-9]\d* functions for ", out[2]) and out[3].startswith(f"cache: {tmp_path / 'cache'}")
    out, err = run("warmup", "--no-gradient")
    assert err == [] and out[2].startswith("nothing was left to compile for ")
    small = ["--n", "50", "--samples", "20", "--out", "s"]
    out, err = run("simulate", "henhes", "-i", "wind_greensboro", *small)
    assert err == []


def test_processes_that_begin_together_do_not_each_compile(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    asked = []
    monkeypatch.setattr(fast, "compile_kernels", asked.append)
    fast.compile_ahead("single")
    assert asked == ["single"]
    (tmp_path / "simulation_0").mkdir()
    (tmp_path / "simulation_0" / "kernels.run_lif_stdp-264.py311.nbi").touch()
    fast.compile_ahead("single")
    assert asked == ["single"]
    folder, processor = fast.cache_place()
    assert folder.is_dir() and processor
    where = [{"workers": 2}, {"trial_timeout": 5.0}, {}, {"workers": 1}, {"workers": 2, "dask": "x"}]
    assert [SearchOptions(**words).in_processes for words in where] == [True, True, False, False, False]
