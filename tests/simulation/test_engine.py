"""Backends behind one table: every one keeps the protocol, and what cannot be is refused as it is chosen."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from helpers import BACKENDS, refused

import hetero_rsnn as hr
from hetero_rsnn.simulation import engine as engines
from hetero_rsnn.simulation.backends import FACTORIES, prepare_backend
from hetero_rsnn.simulation.drive import no_input, prepare
from hetero_rsnn.simulation.engine import DEFAULT, Backend, Engine


def test_one_list_of_backends():
    assert tuple(FACTORIES) == engines.BACKENDS == BACKENDS
    assert Engine("fast", "double", "numpy") == DEFAULT


@pytest.mark.parametrize("function", [hr.simulate, hr.measure, hr.compare, hr.train])
def test_functions_take_what_an_engine_has(function):
    defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
    assert DEFAULT.options.items() <= defaults.items()


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_keeps_the_protocol(backend):
    drawn = hr.draw(hr.load_network("henhes", n=30), 1)
    runner = prepare_backend(drawn, None, True, Engine(backend))
    wanted = {name for name in (*Backend.__annotations__, *vars(Backend)) if not name.startswith("_")}
    assert all(hasattr(runner, name) for name in wanted)
    assert runner.begin.step == 0 and {"v", "I_syn"} <= set(runner.variables)
    drive = prepare(drawn, hr.uniform_stimulus(4, 5.0, seed=2))
    steps, fired, traces = runner.run(drive, np.array([0, 3]), ("v",))
    assert drive.steps == 20 and steps.shape == fired.shape and traces["v"].shape == (20, 2)
    assert runner.state().step == 20 and runner.timings["run"] > 0
    runner.run(no_input(drawn), np.empty(0, dtype=np.int64))
    assert runner.state().step == 21


def test_what_cannot_be_is_refused():
    refused(lambda: Engine("cuda"), "unknown backend 'cuda'")
    refused(lambda: Engine(precision="half"), "unknown precision 'half'")
    refused(lambda: Engine(codegen_target="c"), "unknown codegen_target 'c'")
    refused(lambda: Engine("numpy", "single"), "precision='single' is for backend='fast' only")
    refused(lambda: Engine(codegen_target="cython"), "codegen_target='cython' is for backend='brian2' only, not 'fast'")
    assert Engine("brian2", codegen_target="cython").label == "brian2 (cython)" and Engine().threads
