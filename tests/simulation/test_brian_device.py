"""Programs that use Brian2 themselves keep their device, what they have prepared, their preferences and their hooks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.simulation import brian

b2 = pytest.importorskip("brian2")

TARGETS = ["numpy", pytest.param("cpp_standalone", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def case():
    """A draw, a stimulus, and the spikes that every backend gives."""
    drawn = hr.draw(hr.load_network("henhes", n=40), seed=1)
    stimulus = hr.uniform_stimulus(20, "10 ms", seed=2)
    expected = hr.simulate(drawn, stimulus, backend="numpy")
    assert expected.spike_times.size > 50
    return drawn, stimulus, expected


def same(a, b):
    return np.array_equal(a.spike_times, b.spike_times) and np.array_equal(a.spike_neurons, b.spike_neurons)


@pytest.fixture
def standalone(tmp_path):
    """The device of a program that has chosen C++, with a network prepared for it."""
    before = b2.prefs.codegen.target
    b2.set_device("cpp_standalone", directory=str(tmp_path / "theirs"), build_on_run=False)
    group = b2.NeuronGroup(2, "dv/dt = -v / (10*ms) : 1", method="exact", name="theirs")
    group.v = 1
    network = b2.Network(group)
    network.run(10 * b2.ms)
    yield b2.get_device(), group
    b2.device.reinit()
    b2.set_device("runtime")
    b2.prefs.codegen.target = before


def state(device):
    """What a device holds of a program that is not built yet."""
    return (
        [(kind, id(args)) for kind, args in device.main_queue],
        sorted(str(v.name) for v in device.arrays),
        sorted(device.static_arrays),
        list(map(id, device.networks)),
        sorted(device.code_objects),
        device.project_dir,
        device.build_on_run,
        device.has_been_run,
        dict(device.build_options),
    )


@pytest.mark.parametrize("target", TARGETS)
def test_a_device_of_the_program_and_what_it_prepared_stay(case, standalone, target):
    drawn, stimulus, expected = case
    device, _ = standalone
    before, preferences = state(device), b2.prefs.as_file
    for _ in range(2):
        assert same(hr.simulate(drawn, stimulus, backend="brian2", codegen_target=target), expected)
        assert b2.get_device() is device and state(device) == before
        assert b2.prefs.as_file == preferences
    with pytest.raises(hr.HeteroError, match="3 channels"):
        hr.simulate(
            drawn, hr.uniform_stimulus(20, "10 ms", seed=2, channels=3), backend="brian2", codegen_target=target
        )
    assert b2.get_device() is device and state(device) == before


@pytest.mark.slow
@pytest.mark.parametrize("target", ["numpy", "cpp_standalone"])
def test_the_program_of_the_user_runs_afterwards(case, standalone, tmp_path, target):
    drawn, stimulus, expected = case
    device, group = standalone
    assert same(hr.simulate(drawn, stimulus, backend="brian2", codegen_target=target), expected)
    device.build(directory=str(tmp_path / "theirs"), compile=True, run=True, with_output=False)
    np.testing.assert_allclose(group.v[:], np.exp(-1.0), rtol=1e-12)
    assert same(hr.simulate(drawn, stimulus, backend="brian2", codegen_target=target), expected)
    assert b2.get_device() is device and group.v[0] == pytest.approx(np.exp(-1.0))


@pytest.mark.slow
def test_objects_handed_out_run_on_the_device_of_the_program(case, standalone, tmp_path):
    drawn, stimulus, expected = case
    device, group = standalone
    objects = hr.to_brian2(drawn, stimulus)
    objects.network.run(stimulus.duration * b2.ms, namespace={})
    device.build(directory=str(tmp_path / "theirs"), compile=True, run=True, with_output=False)
    steps = np.round(np.asarray(objects.spikes.t / b2.ms) / drawn.network.dt).astype(int)
    np.testing.assert_array_equal(steps, np.round(expected.spike_times / drawn.network.dt).astype(int))
    assert group.v[0] == pytest.approx(np.exp(-1.0))


@pytest.mark.parametrize("target", ["numpy", "cpp_standalone"])
def test_an_error_in_a_run_puts_the_device_back(case, standalone, monkeypatch, target):
    drawn, stimulus, _ = case
    device, _ = standalone
    before, preferences, seen = state(device), b2.prefs.as_file, []

    def fails(*words):
        seen.append(b2.get_device())
        raise RuntimeError("odd")

    monkeypatch.setattr(brian, "BrianObjects", fails)
    with pytest.raises(RuntimeError, match="odd"):
        hr.simulate(drawn, stimulus, backend="brian2", codegen_target=target)
    assert len(seen) == 1 and seen[0] is not device
    assert b2.get_device() is device and state(device) == before and b2.prefs.as_file == preferences


HOOKS = """
import logging, signal, sys, warnings
def hook(kind, error, trace):
    print("mine:", error)
def interrupted(number, frame):
    pass
first = sys.argv[1] == "brian2"
if first:
    import brian2
sys.excepthook = hook
signal.signal(signal.SIGINT, interrupted)
show = warnings.showwarning
handlers = list(logging.getLogger("py.warnings").handlers)
import hetero_rsnn as hr
drawn = hr.draw(hr.load_network("honhos", n=20), seed=1)
hr.simulate(drawn, hr.uniform_stimulus(5, "10 ms", seed=2), backend="brian2")
assert sys.excepthook is hook and signal.getsignal(signal.SIGINT) is interrupted and warnings.showwarning is show
assert logging.getLogger("py.warnings").handlers == handlers
assert "brian2" in sys.modules
raise RuntimeError("end")
"""


@pytest.mark.parametrize("first", [pytest.param("brian2", marks=pytest.mark.slow), "hetero_rsnn"])
def test_hooks_of_the_program_stay(tmp_path, first):
    done = subprocess.run([sys.executable, "-c", HOOKS, first], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "mine: end", done.stderr
    assert done.stderr == ""
