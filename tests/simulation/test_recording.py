"""Recordings: what they say of the spikes, and that files give back all of it or say in one line why not."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS

import hetero_rsnn as hr
from hetero_rsnn import Draw, FileFormatError, HeteroError, Recording, load_network, load_recording, uniform_stimulus
from hetero_rsnn.common.errors import OutputError
from hetero_rsnn.network.draw import draw
from hetero_rsnn.simulation.recording import NEVER, State
from hetero_rsnn.simulation.simulate import simulate

U = uniform_stimulus(40, "5 ms", 3)


@cache
def network() -> Draw:
    return draw(load_network("henhes", n=30, I_bias=1.2, **{"eta_plus.mean": 0.05}), 3)


@cache
def recorded(backend: str = "fast") -> Recording:
    return simulate(network(), U[:25], backend=backend, record=("v", "I_syn"), record_neurons=[4, 1])


def by_hand(times: list[float], neurons: list[int], *, n: int = 3, samples: int = 10, hold: float = 10.0) -> Recording:
    state = State(0, {}, np.full(n, NEVER), np.empty(0), {})
    return Recording(np.array(times), np.array(neurons, np.int32), n, samples, hold, 1.0, 0.0, np.empty(0), state)


def equal_arrays(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for key, values in a.items():
        np.testing.assert_array_equal(values, b[key])
        assert values.dtype == b[key].dtype


def equal(a: Recording, b: Recording) -> None:
    """Every field, to the last bit."""
    for field in dataclasses.fields(Recording):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name == "state":
            assert x.step == y.step
            np.testing.assert_array_equal(x.last_spike, y.last_spike)
            np.testing.assert_array_equal(x.w, y.w)
            equal_arrays(x.variables, y.variables)
            equal_arrays(x.traces, y.traces)
            assert (x.trace_step is None) == (y.trace_step is None)
            if x.trace_step is not None:
                np.testing.assert_array_equal(x.trace_step, y.trace_step)
        elif field.name == "traces":
            equal_arrays(x, y)
        elif isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype
        else:
            assert x == y, field.name


# What it says ----------------------------------------------------------------------------------------------------


def test_rates_of_known_spikes() -> None:
    r = by_hand([1.0, 5.0, 50.0, 99.0], [0, 2, 0, 0])
    assert r.duration == 100.0
    np.testing.assert_allclose(r.rates_hz, [30.0, 0.0, 10.0])
    assert r.rate_hz == pytest.approx(40 / 3)
    assert r.silent_share == pytest.approx(1 / 3)
    silent = by_hand([], [])
    assert silent.rate_hz == 0.0 and silent.silent_share == 1.0
    assert silent.rates_hz.shape == (3,)


def test_repr_names_what_it_is() -> None:
    text = repr(recorded())
    for word in ("'henhes'", "30 neurons", "0.125 s", f"{recorded().spike_times.size} spikes", "Hz", "'fast'"):
        assert word in text
    assert repr(by_hand([1.0], [2])) == "Recording('?', 3 neurons, 0.1 s, 1 spikes, 3.33 Hz)"


def test_after_drops_the_washout() -> None:
    r = recorded()
    for drop in (0, 1, 7, 24):
        cut = r.after(drop)
        later = r.spike_times >= drop * 5.0
        np.testing.assert_array_equal(cut.spike_times, r.spike_times[later] - drop * 5.0)
        np.testing.assert_array_equal(cut.spike_neurons, r.spike_neurons[later])
        assert (cut.samples, cut.t_start, cut.duration) == (25 - drop, drop * 5.0, 125 - drop * 5.0)
        for key, values in r.traces.items():
            np.testing.assert_array_equal(cut.traces[key], values[drop * 5 :])
        assert cut.state is r.state and cut.weights is r.weights
    twice, once = r.after(3).after(4), r.after(7)
    np.testing.assert_array_equal(twice.spike_times, once.spike_times)
    assert twice.t_start == once.t_start == 35.0


def test_after_keeps_a_spike_on_the_edge() -> None:
    """Also where hold is no binary fraction, so that 3 * 0.1 is a hair above 0.3."""
    r = by_hand([0.1, 0.2, 0.3, 0.4], [0, 1, 2, 0], samples=5, hold=0.1)
    np.testing.assert_allclose(r.after(3).spike_times, [0.0, 0.1], atol=1e-12)
    np.testing.assert_array_equal(by_hand([29.0, 30.0], [0, 1]).after(3).spike_neurons, [1])


@pytest.mark.parametrize("drop", [-1, 25, 100])
def test_after_has_to_leave_something(drop: int) -> None:
    with pytest.raises(HeteroError, match=rf"0\.\.24, got {drop}"):
        recorded().after(drop)


# Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_round_trip(backend: str, tmp_path: Path) -> None:
    r = recorded(backend)
    assert r.spike_times.size > 20
    path = r.save(tmp_path / "deep" / "run")
    assert path == tmp_path / "deep" / "run.npz"
    assert sorted(p.name for p in path.parent.iterdir()) == ["run.json", "run.npz"]
    loaded = load_recording(path)
    equal(loaded, r)
    assert loaded.provenance["backend"].startswith(backend)
    # Going on from the file is going on.
    for on in ("fast", backend):
        a, b = (simulate(network(), U[25:], backend=on, state=s) for s in (loaded, r))
        equal(dataclasses.replace(a, timings={}), dataclasses.replace(b, timings={}))


@pytest.mark.slow
def test_round_trip_of_a_state_of_other_equations(tmp_path: Path) -> None:
    """Traces of a rule of one's own belong to a step of their own."""
    net = load_network("henhes", n=20, I_bias=1.2)
    assert net.plasticity is not None
    equations = net.plasticity.equations + "\ndslow/dt = -slow / tau_plus : 1 (event-driven)"
    own = {"plasticity.equations": equations, "plasticity.on_post": net.plasticity.on_post + "\nslow += 1"}
    drawn = draw(net.replace(**own), 0)
    r = simulate(drawn, U[:25], backend="brian2")
    assert r.state.trace_step is not None and r.state.traces["slow"].any()
    equal(load_recording(r.save(tmp_path / "own")), r)


def test_static_and_silent_recordings(tmp_path: Path) -> None:
    drawn = draw(load_network("static", n=20, I_bias=0.0), 0)
    r = simulate(drawn, U)
    assert r.weights.size == 0 and r.spike_times.size == 0
    equal(load_recording(r.save(tmp_path / "quiet")), r)


@pytest.mark.parametrize("name", ["run", "run.npz", "run.json", "seed.1", "run.npz.npz"])
def test_names(name: str, tmp_path: Path) -> None:
    r = by_hand([1.0], [0])
    path = r.save(tmp_path / name)
    assert path.suffix == ".npz" and path.is_file()
    equal(load_recording(tmp_path / name), r)
    equal(load_recording(str(path)), r)


def test_the_json_is_strict_and_readable(tmp_path: Path) -> None:
    r = dataclasses.replace(by_hand([1.0], [0]), timings={"run": float("nan")}, provenance={"a": np.float64(1.5)})
    path = r.save(tmp_path / "run").with_suffix(".json")

    def never(token: str) -> None:
        raise AssertionError(token)

    meta = json.loads(path.read_text(), parse_constant=never)
    assert meta["timings_s"] == {"run": None} and meta["provenance"] == {"a": 1.5}
    assert meta["n"] == 3 and meta["hold_ms"] == 10.0 and meta["rate_hz"] == pytest.approx(10 / 3)


def test_overwriting_leaves_nothing_else(tmp_path: Path) -> None:
    recorded().save(tmp_path / "run")
    shorter = recorded().after(10)
    shorter.save(tmp_path / "run")
    assert sorted(os.listdir(tmp_path)) == ["run.json", "run.npz"]
    equal(load_recording(tmp_path / "run"), shorter)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        recorded().save(tmp_path / "file" / "run")
    assert os.listdir(tmp_path) == ["file"]


def _reseal(path: Path, data: bytes, **changes: Any) -> None:
    """Write other arrays with a fitting checksum, as a program that means well might."""
    path.with_suffix(".npz").write_bytes(data)
    meta = json.loads(path.with_suffix(".json").read_text())
    meta |= {"sha256": hashlib.sha256(data).hexdigest(), **changes}
    path.with_suffix(".json").write_text(json.dumps(meta))


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as npz:
        return {k: npz[k] for k in npz.files}


def _edit(path: Path, **changes: Any) -> None:
    meta = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**meta, **changes}))


def _drop(path: Path, key: str) -> None:
    meta = json.loads(path.with_suffix(".json").read_text())
    del meta[key]
    path.with_suffix(".json").write_text(json.dumps(meta))


def _flip(path: Path) -> None:
    data = bytearray(path.with_suffix(".npz").read_bytes())
    data[len(data) // 2] ^= 1
    path.with_suffix(".npz").write_bytes(bytes(data))


def _swap(path: Path) -> None:
    other = recorded().after(5).save(path.with_name("other"))
    path.with_suffix(".json").write_bytes(other.with_suffix(".json").read_bytes())


def _truncate(path: Path, suffix: str) -> None:
    data = path.with_suffix(suffix).read_bytes()
    path.with_suffix(suffix).write_bytes(data[: len(data) // 2])


def _as_folder(path: Path) -> None:
    path.with_suffix(".npz").unlink()
    path.with_suffix(".npz").mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no json": (lambda p: p.with_suffix(".json").unlink(), "run.json does not exist"),
    "no npz": (lambda p: p.with_suffix(".npz").unlink(), "run.npz does not exist"),
    "a folder": (_as_folder, "run.npz does not exist"),
    "flipped bit": (_flip, "run.npz is corrupt or belongs to another run.json"),
    "truncated npz": (lambda p: _truncate(p, ".npz"), "run.npz is corrupt"),
    "empty npz": (lambda p: p.with_suffix(".npz").write_bytes(b""), "run.npz is corrupt"),
    "foreign npz": (lambda p: p.with_suffix(".npz").write_bytes(_npz(x=np.zeros(3))), "run.npz is corrupt"),
    "swapped json": (_swap, "belongs to another run.json"),
    "truncated json": (lambda p: _truncate(p, ".json"), "run.json is not valid JSON"),
    "empty json": (lambda p: p.with_suffix(".json").write_text(""), "run.json is not valid JSON"),
    "binary json": (lambda p: p.with_suffix(".json").write_bytes(b"\xff\x00\xfe"), "run.json is not valid JSON"),
    "foreign json": (lambda p: p.with_suffix(".json").write_text('{"a": 1}'), "does not describe a recording"),
    "a list": (lambda p: p.with_suffix(".json").write_text("[1, 2]"), "does not describe a recording"),
    "newer version": (lambda p: _edit(p, version=2), "has version 2, this program reads 1"),
    "no version": (lambda p: _drop(p, "version"), "has version None"),
    "no checksum": (lambda p: _drop(p, "sha256"), "run.npz is corrupt"),
    "no step": (lambda p: _drop(p, "step"), "lacks part of a recording (KeyError('step'))"),
    "no provenance": (lambda p: _drop(p, "provenance"), "lacks part of a recording"),
    "text for a number": (lambda p: _edit(p, n="many"), "run: n must be a whole number >= 1, got 'many'"),
    "fewer neurons": (lambda p: _edit(p, n=3), "spike_neurons must be from 0 to 2, got "),
    "no neurons": (lambda p: _edit(p, n=0), "n must be a whole number >= 1, got 0"),
    "hold of 0": (lambda p: _edit(p, hold_ms=0), "hold_ms must be a finite number > 0, got 0"),
    "hold of NaN": (lambda p: _edit(p, hold_ms=float("nan")), "hold_ms must be a finite number > 0, got nan"),
    "endless hold": (lambda p: _edit(p, hold_ms=float("inf")), "hold_ms must be a finite number > 0, got inf"),
    "hold between steps": (lambda p: _edit(p, hold_ms=5.5), "hold_ms must be a multiple of dt = 1 ms, got 5.5 ms"),
    "dt of 0": (lambda p: _edit(p, dt_ms=0.0), "dt_ms must be a finite number > 0, got 0"),
    "true for a number": (lambda p: _edit(p, dt_ms=True), "dt_ms must be a finite number > 0, got True"),
    "null for a start": (lambda p: _edit(p, t_start_ms=None), "t_start_ms must be a finite number >= 0, got None"),
    "very many samples": (lambda p: _edit(p, samples=10**15), "samples must be a whole number <= 2147483647, got 10"),
    "half a sample": (lambda p: _edit(p, samples=2.5), "samples must be a whole number >= 1, got 2.5"),
    "very many steps": (
        lambda p: _edit(p, samples=2**31 - 1, hold_ms=1e7),
        "samples * hold_ms / dt_ms must be below 2^53 steps",
    ),
    "a step before all": (lambda p: _edit(p, step=-1), "step must be a whole number >= 0, got -1"),
    "fewer samples": (lambda p: _edit(p, samples=2), "spike_times must be from 0 to below 10 ms, got "),
    "more samples": (lambda p: _edit(p, samples=30), "must have the shape (150, 2), got (125, 2)"),
    "deep json": (lambda p: p.with_suffix(".json").write_text("[" * 100_000), "run.json is not valid JSON"),
    "null for a table": (lambda p: _edit(p, timings_s=None), "lacks part of a recording"),
    "sealed: foreign npz": (lambda p: _reseal(p, _npz(x=np.zeros(3))), "lacks part of a recording"),
    "sealed: no zip": (lambda p: _reseal(p, b"PK\x03\x04 and then nothing"), "lacks part of a recording"),
    "sealed: text": (lambda p: _reseal(p, b"spike,neuron"), "lacks part of a recording"),
    "sealed: empty": (lambda p: _reseal(p, b""), "lacks part of a recording"),
    "sealed: objects": (
        lambda p: _reseal(p, _npz(**{**_arrays(p), "spike_times": np.array([{"a": 1}], dtype=object)})),
        "lacks part of a recording",
    ),
}


#: The array that is replaced, what it is replaced by, and what is said.
HOSTILE: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "times of NaN": ("spike_times", lambda x: np.where(x > 60, np.nan, x), "spike_times must be finite, got nan"),
    "times of infinity": ("spike_times", lambda x: x + np.inf, "spike_times must be finite, got inf"),
    "times before": ("spike_times", lambda x: x - 1e4, "spike_times must be from 0 to below 125 ms, got -"),
    "times after": ("spike_times", lambda x: x + 1e4, "spike_times must be from 0 to below 125 ms, got 1"),
    "times backwards": ("spike_times", lambda x: x[::-1], "spike_times must ascend"),
    "times of text": ("spike_times", lambda x: x.astype(str), "spike_times must be real numbers, got an array of <U"),
    "times with imaginary parts": ("spike_times", lambda x: x + 1j, "got an array of complex128"),
    "dates": ("spike_times", lambda x: x.astype("M8[s]"), "got an array of datetime64[s]"),
    "times in a table": ("spike_times", lambda x: x[:, None], "spike_times must have the shape (count,), got "),
    "fewer times": ("spike_times", lambda x: x[1:], "spike_neurons must have the shape "),
    "neurons of floats": ("spike_neurons", lambda x: x.astype(float), "spike_neurons must be whole numbers"),
    "neurons below 0": ("spike_neurons", lambda x: x - 40, "spike_neurons must be from 0 to 29, got -"),
    "weights of text": ("weights", lambda x: x.astype(str), "weights must be real numbers, got an array of <U"),
    "weights of NaN": ("weights", lambda x: x * np.nan, "weights must be finite, got nan"),
    "fewer weights": ("weights", lambda x: x[1:], "state_t_"),
    "last spikes of others": ("state_last_spike", lambda x: x[1:], "state_last_spike must have the shape (30,)"),
    "state of NaN": ("state_v_v", lambda x: x * np.nan, "state_v_v must be finite, got nan"),
    "traces of text": ("trace_v", lambda x: x.astype(str), "trace_v must be real numbers"),
    "traces of nobody": ("trace_neurons", lambda x: x + 100, "trace_neurons must be from 0 to 29, got 101 to 104"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_arrays_that_cannot_be(name: str, tmp_path: Path) -> None:
    path = recorded().save(tmp_path / "run")
    key, change, message = HOSTILE[name]
    arrays = _arrays(path)
    _reseal(path, _npz(**{**arrays, key: change(arrays[key])}))
    with pytest.raises(FileFormatError) as caught:
        load_recording(path)
    assert message in str(caught.value) and str(caught.value).startswith(str(tmp_path / "run"))
    assert "\n" not in str(caught.value)


def test_what_unpacks_to_more_than_there_is_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded().save(tmp_path / "run")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{**_arrays(path), "weights": np.zeros(10**7)})
    assert len(buffer.getvalue()) < 10**6
    _reseal(path, buffer.getvalue())
    monkeypatch.setattr("hetero_rsnn.common.memory.available", lambda: 10**8)
    monkeypatch.setattr(np, "load", lambda *_a, **_k: pytest.fail("unpacked"))
    with pytest.raises(FileFormatError, match=r"unpacking it would take 120 MB of memory, and may take 75 MB"):
        load_recording(path)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files(damage: str, tmp_path: Path) -> None:
    path = recorded().save(tmp_path / "run")
    spoil, message = DAMAGE[damage]
    spoil(path)
    with pytest.raises(FileFormatError) as caught:
        load_recording(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_pickle_is_ever_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded().save(tmp_path / "run")
    real, asked = np.load, []
    monkeypatch.setattr(np, "load", lambda *a, **k: (asked.append(k["allow_pickle"]), real(*a, **k))[1])
    load_recording(path)
    assert asked == [False]
    assert all(values.dtype != object for values in _arrays(path).values())


def test_spikes_outside_the_recording_are_refused(tmp_path):
    """Also one at its very end, which lies in no sample, and last spikes later than now."""
    rec = hr.simulate(hr.draw(hr.load_network("henhes", n=20), seed=1), hr.uniform_stimulus(20, "10 ms", seed=1))
    at_end = rec.spike_times.copy()
    at_end[-1] = rec.duration
    late = dataclasses.replace(rec.state, last_spike=rec.state.last_spike + 10**7)
    for k, (odd, said) in enumerate(
        (
            (dataclasses.replace(rec, spike_times=at_end), "spike_times must be from 0 to below 200 ms, got 200 ms"),
            (dataclasses.replace(rec, state=late), "state_last_spike must be at most step = 200"),
            (dataclasses.replace(rec, t_start=-5.0), "t_start_ms must be"),
        )
    ):
        path = odd.save(tmp_path / str(k))
        with pytest.raises(hr.FileFormatError, match=said):
            hr.load_recording(path)
