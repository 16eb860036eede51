"""Recordings as neo objects and back, also through a file; spike trains of others as input and as recordings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import StimulusError

neo = pytest.importorskip("neo")
pq = pytest.importorskip("quantities")

EVENTS = hr.poisson_stimulus(np.full((30, 2), 80.0), "10 ms", 1)
CURRENT = hr.uniform_stimulus(30, "10 ms", 1, channels=2)


def network(name: str = "henhes", **more: Any) -> hr.Draw:
    spread = {"t_ref": {"distribution": "uniform", "low": "1 ms", "high": "4 ms"}, "I_bias": 1.2, "input.channels": 2}
    return hr.draw(hr.load_network(name, n=40, **{**spread, **more}), 3)


def same(a: hr.Recording, b: hr.Recording) -> None:
    """What neo holds of a recording, to the last bit."""
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    assert (a.n, a.samples, a.hold, a.dt, a.t_start) == (b.n, b.samples, b.hold, b.dt, b.t_start)
    assert a.provenance == b.provenance
    assert set(a.traces) == set(b.traces)
    for key, values in a.traces.items():
        np.testing.assert_array_equal(values, b.traces[key])
    np.testing.assert_array_equal(a.trace_neurons, b.trace_neurons)


def test_what_the_block_holds() -> None:
    d = network()
    begun = hr.simulate(d, CURRENT)
    rec = hr.simulate(d, CURRENT, state=begun, record=["v", "I_syn"], record_neurons=[17, 3])
    block = hr.to_neo(rec, d, CURRENT)
    (segment,) = block.segments
    assert len(segment.spiketrains) == 40 and block.annotations["t_start_ms"] == 300.0
    assert '"seed": 3' in block.annotations["provenance"] and d.network.fingerprint in block.annotations["provenance"]
    for i, train in enumerate(segment.spiketrains):
        np.testing.assert_array_equal(train.magnitude, rec.spike_times[rec.spike_neurons == i])
        assert str(train.dimensionality) == "ms"
        assert (train.t_start, train.t_stop, train.sampling_rate) == (0 * pq.ms, 300 * pq.ms, 1 * pq.kHz)
        notes = train.annotations
        assert (notes["neuron"], notes["population"]) == (i, "E" if i < 32 else "I")
        assert notes["tau_m"] == d.neurons["tau_m"][i] * pq.ms and notes["t_ref"] == d.neurons["t_ref"][i] * pq.ms
        assert notes["v_th"] == 1.0 * pq.dimensionless
    assert len({float(t.annotations["tau_m"]) for t in segment.spiketrains}) == 40
    v, i_syn, u = segment.analogsignals
    np.testing.assert_array_equal(v.magnitude, rec.traces["v"])
    np.testing.assert_array_equal(i_syn.magnitude, rec.traces["I_syn"])
    assert (v.name, i_syn.name, u.name) == ("v", "I_syn", "input")
    assert v.array_annotations["neuron"].tolist() == [17, 3] and v.sampling_period == 1 * pq.ms
    np.testing.assert_array_equal(u.magnitude, CURRENT.values)
    assert u.sampling_period == 10 * pq.ms and u.t_stop == 300 * pq.ms


def test_a_bare_recording_will_do() -> None:
    rec = hr.simulate(network(), CURRENT)
    block = hr.to_neo(rec)
    assert set(block.segments[0].spiketrains[0].annotations) == {"kind", "neuron"}
    assert not block.segments[0].analogsignals
    same(hr.from_neo(block), rec)


def test_input_events_stand_behind_the_neurons() -> None:
    rec = hr.simulate(network(), EVENTS)
    block = hr.to_neo(rec, stimulus=EVENTS)
    trains = block.segments[0].spiketrains
    assert [t.annotations["kind"] for t in trains] == ["neuron"] * 40 + ["input"] * 2
    for channel, train in enumerate(trains[40:]):
        np.testing.assert_array_equal(train.magnitude, EVENTS.event_times[EVENTS.event_channels == channel])
        assert train.annotations["channel"] == channel
    found = block.filter(targdict={"kind": "neuron"}, objects="SpikeTrain")
    assert sum(t.size for t in found) == rec.spike_times.size
    same(hr.from_neo(block), rec)
    # The input comes back as what it was.
    again = hr.neo_stimulus(trains[40:], "10 ms", samples=30)
    np.testing.assert_array_equal(again.event_times, EVENTS.event_times)
    np.testing.assert_array_equal(again.event_channels, EVENTS.event_channels)


def test_events_that_rounding_left_outside() -> None:
    u = hr.event_stimulus([0.0, 299.9999995], [0, 1], n_channels=2, hold="10 ms", samples=31)[:30]
    assert u.event_times.size == 1
    edge = hr.Stimulus("events", u.values, 10.0, np.array([-1e-6, 299.999998]), np.array([0, 1]))
    block = hr.to_neo(hr.simulate(network(), EVENTS), stimulus=edge)
    assert [float(t[0]) for t in block.segments[0].spiketrains[40:]] == [0.0, 299.999998]


@pytest.mark.parametrize("which", [[3], [17, 3, 5]])
@pytest.mark.parametrize("dt", ["1 ms", "0.1 ms"])
def test_through_a_file(which: list[int], dt: str, tmp_path: Path) -> None:
    d = network(dt=dt)
    rec = hr.simulate(d, EVENTS, record=["v", "I_syn"], record_neurons=which)
    assert rec.spike_times.size > 100
    neo.io.NeoMatlabIO(str(tmp_path / "rec.mat")).write_block(hr.to_neo(rec, d, EVENTS))
    block = neo.io.NeoMatlabIO(str(tmp_path / "rec.mat")).read_block()
    same(hr.from_neo(block), rec)
    train = block.segments[0].spiketrains[7]
    assert train.annotations["tau_m"] == d.neurons["tau_m"][7] * pq.ms and train.annotations["population"] == "E"


def test_a_part_of_a_continued_run_comes_back() -> None:
    d = network()
    rec = hr.simulate(d, CURRENT, state=hr.simulate(d, EVENTS), record=["v"]).after(7)
    back = hr.from_neo(hr.to_neo(rec, d))
    same(back, rec)
    assert back.t_start == 370.0
    np.testing.assert_array_equal(hr.states(back), hr.states(rec))


def test_a_channel_that_was_cut_off_stays_away() -> None:
    rec = hr.simulate(network(), CURRENT, record=["v"], record_neurons=[17, 3, 5])
    block = hr.to_neo(rec)
    signals = block.segments[0].analogsignals
    block.segments[0].analogsignals = [signals[0][:, 1:]]
    back = hr.from_neo(block)
    assert back.trace_neurons.tolist() == [3, 5]
    np.testing.assert_array_equal(back.traces["v"], rec.traces["v"][:, 1:])


def test_saved_and_measured_like_any_recording(tmp_path: Path) -> None:
    rec = hr.simulate(network(), CURRENT)
    back = hr.from_neo(hr.to_neo(rec))
    same(hr.load_recording(back.save(tmp_path / "back")), rec)
    assert hr.spike_count(back, CURRENT) == hr.spike_count(rec, CURRENT) > 0


@pytest.mark.parametrize("name", ["henhes", "static"])
@pytest.mark.parametrize("backend", ["numpy", "brian2"])
def test_no_simulation_goes_on_from_there(name: str, backend: str) -> None:
    d = network(name)
    back = hr.from_neo(hr.to_neo(hr.simulate(d, CURRENT)))
    assert back.weights.size == 0 and not back.state.variables
    refused(lambda: hr.simulate(d, CURRENT, state=back, backend=backend), "lacks", "I_syn", "load_recording")


def test_the_unit_of_a_trace_is_that_of_its_equation() -> None:
    """Brian2 runs any equations, also ones in volts."""
    equations = """
    dv/dt = (v_rest + I_bias + I_in + I_syn - v) / tau_m : 1 (unless refractory)
    dI_syn/dt = -I_syn / tau_syn : 1
    dx/dt = (20*mV*v - x) / tau_m : volt
    dvx/dt = (x / second - vx) / tau_syn : volt/second
    """
    d = hr.draw(hr.load_network("static", n=20, model="", **{"neuron.equations": equations}), 0)
    rec = hr.simulate(d, hr.silence("20 ms"), backend="brian2", record=["v", "x", "vx"])
    v, x, vx = hr.to_neo(rec, d).segments[0].analogsignals
    assert [str(s.dimensionality) for s in (v, x, vx)] == ["dimensionless", "V", "dimensionless"]
    assert vx.annotations["unit"] == "volt/second" and "unit" not in x.annotations
    np.testing.assert_array_equal(x.magnitude, rec.traces["x"])
    assert np.ptp(x.magnitude) > 0


def foreign() -> Any:
    """Somebody's recording: in seconds, not on a grid, not from 0, trains of different length, and an LFP."""
    segment = neo.Segment()
    for times in ([2.0013, 2.0301, 2.0302], [], [2.0101, 2.095]):
        segment.spiketrains.append(neo.SpikeTrain(times * pq.s, t_start=2.0 * pq.s, t_stop=2.1 * pq.s))
    segment.analogsignals.append(neo.AnalogSignal(np.ones((100, 4)), units="mV", sampling_rate=1 * pq.kHz, name="LFP"))
    block = neo.Block()
    block.segments.append(segment)
    return block


def test_spikes_of_others_as_a_recording() -> None:
    rec = hr.from_neo(foreign(), hold="20 ms", dt="0.1 ms")
    np.testing.assert_allclose(rec.spike_times, [1.3, 10.1, 30.1, 30.2, 95.0], rtol=0, atol=1e-9)
    assert rec.spike_neurons.tolist() == [0, 2, 0, 0, 2]
    assert (rec.n, rec.samples, rec.hold, rec.dt, rec.traces) == (3, 5, 20.0, 0.1, {})
    x = hr.states(rec, tau_read="20 ms")
    assert x.shape == (5, 3) and x[1, 0] == pytest.approx(
        np.exp(-38.7 / 20) + np.exp(-9.9 / 20) + np.exp(-9.8 / 20), abs=1e-6
    )
    # What does not fill a sample is left out.
    short = hr.from_neo(foreign(), hold="30 ms", dt="0.1 ms")
    assert short.samples == 3 and short.spike_times.size == 4
    same(hr.from_neo(foreign().segments[0], hold="20 ms", dt="0.1 ms"), rec)


def test_times_keep_their_grid_through_another_unit() -> None:
    """NWB files keep seconds."""
    rec = hr.simulate(network(dt="0.1 ms"), EVENTS)
    block = hr.to_neo(rec)
    trains = [neo.SpikeTrain(t.rescale("s"), t_stop=t.t_stop.rescale("s")) for t in block.segments[0].spiketrains]
    block.segments[0].spiketrains = trains
    assert any(
        (t.rescale("ms").magnitude != rec.spike_times[rec.spike_neurons == i]).any() for i, t in enumerate(trains)
    )
    back = hr.from_neo(block, hold="10 ms", dt="0.1 ms")
    np.testing.assert_array_equal(back.spike_times, rec.spike_times)
    np.testing.assert_array_equal(back.spike_neurons, rec.spike_neurons)


@pytest.mark.parametrize(
    "names",
    [["PV1", "PV2", "SST"], [None, None, None], [1, 1, 0], [0.5, 1, 2], [7, 8, 9], [True, False, 2], [2, 0, [1]]],
)
def test_neurons_that_others_named_are_numbered_as_they_stand(names: list[Any]) -> None:
    block = foreign()
    for train, name in zip(block.segments[0].spiketrains, names, strict=True):
        train.annotations["neuron"] = name
    same(hr.from_neo(block, hold="20 ms", dt="0.1 ms"), hr.from_neo(foreign(), hold="20 ms", dt="0.1 ms"))


def test_neurons_numbered_from_0_are_put_in_order() -> None:
    block = foreign()
    for train, number in zip(block.segments[0].spiketrains, [2, np.int64(0), 1.0], strict=True):
        train.annotate(neuron=number)
    assert hr.from_neo(block, hold="20 ms", dt="0.1 ms").spike_neurons.tolist() == [2, 1, 2, 2, 1]
    del block.segments[0].spiketrains[1].annotations["neuron"]
    assert hr.from_neo(block, hold="20 ms", dt="0.1 ms").spike_neurons.tolist() == [0, 2, 0, 0, 2]


@pytest.mark.parametrize(
    "notes",
    [
        {"provenance": "lab A"},
        {"provenance": "lab A", "hold_ms": 20.0, "dt_ms": 0.1},
        {"provenance": "[1, 2]", "hold_ms": 20.0, "dt_ms": 0.1},
        {"provenance": 3, "hold_ms": 20.0, "dt_ms": 0.1},
        {"provenance": '{"seed": 1}', "hold_ms": "long", "dt_ms": 0.1},
        {"provenance": '{"seed": 1}', "hold_ms": 20.0, "dt_ms": None},
        {"provenance": '{"seed": 1}', "hold_ms": -20.0, "dt_ms": 0.1},
        {"provenance": '{"seed": 1}', "hold_ms": 20.0, "dt_ms": 0.1, "t_start_ms": "noon"},
        {"samples": 10**6, "t_start_ms": "noon"},
    ],
)
def test_notes_of_others_are_not_taken_for_ours(notes: dict[str, Any]) -> None:
    block = foreign()
    block.annotations.update(notes)
    refused(lambda: hr.from_neo(block), "does not say its hold")
    rec = hr.from_neo(block, hold="20 ms", dt="0.1 ms")
    same(rec, hr.from_neo(foreign(), hold="20 ms", dt="0.1 ms"))
    assert rec.provenance == {"source": "neo"} and rec.t_start == 0.0


def test_the_length_is_that_of_the_trains() -> None:
    rec = hr.simulate(network(), CURRENT)
    block = hr.to_neo(rec)
    block.annotate(samples=10**6)
    same(hr.from_neo(block), rec)
    # A part that was cut out knows when it began.
    block.segments[0] = block.segments[0].time_slice(100 * pq.ms, 250 * pq.ms)
    part = hr.from_neo(block)
    assert (part.samples, part.t_start) == (15, 100.0)
    inside = (rec.spike_times >= 100) & (rec.spike_times < 250)
    assert 0 < inside.sum() < rec.spike_times.size
    np.testing.assert_array_equal(part.spike_times, rec.spike_times[inside] - 100)
    np.testing.assert_array_equal(part.spike_neurons, rec.spike_neurons[inside])


@pytest.mark.parametrize("neurons", ["E", "[3]", "[[3, 17]]", '["a", "b"]', 3])
def test_signals_of_others_are_no_traces(neurons: Any) -> None:
    block = foreign()
    signal = neo.AnalogSignal(np.ones((1000, 2)), units="mV", sampling_rate=10 * pq.kHz, name="v", kind="trace")
    signal.annotations["neurons"] = neurons
    block.segments[0].analogsignals.append(signal)
    rec = hr.from_neo(block, hold="20 ms", dt="0.1 ms")
    assert rec.traces == {} and rec.trace_neurons.size == 0


def test_a_sample_is_a_whole_number_of_steps() -> None:
    for hold, dt in (("10 ms", "7 ms"), ("10.5 ms", "1 ms"), ("1 ms", "2 ms")):
        refused(lambda hold=hold, dt=dt: hr.from_neo(foreign(), hold=hold, dt=dt), "hold must be a multiple of dt", dt)
    block = hr.to_neo(hr.simulate(network(), CURRENT))
    refused(lambda: hr.from_neo(block, dt="3 ms"), "hold must be a multiple of dt", "3 ms")
    assert hr.from_neo(foreign(), hold="0.3 ms", dt="0.1 ms").samples == 333


def test_a_recording_of_others_says_where_it_is_from() -> None:
    text = repr(hr.from_neo(foreign(), hold="20 ms", dt="0.1 ms"))
    assert text.startswith("Recording('neo', 3 neurons, 0.1 s, 5 spikes") and "?" not in text and "backend" not in text
    rec = hr.simulate(network(), CURRENT)
    assert repr(hr.from_neo(hr.to_neo(rec))) == repr(rec)


def test_a_single_train_is_one_channel() -> None:
    train = foreign().segments[0].spiketrains[2]
    for given in (train, [train], (train,)):
        u = hr.neo_stimulus(given, "20 ms")
        assert (u.channels, len(u)) == (1, 5)
        np.testing.assert_allclose(u.event_times, [10.1, 95.0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("damage", ["weight_noise", "lose_neurons"])
def test_damage_is_not_written_as_that_of_another_draw(damage: str) -> None:
    d = network()
    begin = hr.simulate(d, EVENTS)
    new, state = getattr(hr, damage)(d, begin, 0.3, 1)
    rec = hr.simulate(new, EVENTS, state=state)
    for draw, recording in ((d, rec), (new, begin)):
        refused(lambda draw=draw, recording=recording: hr.to_neo(recording, draw), new.damage[0])
    block = hr.to_neo(rec, new)
    same(hr.from_neo(block), rec)
    v_th = [float(t.annotations["v_th"]) for t in block.segments[0].spiketrains]
    np.testing.assert_array_equal(v_th, new.neurons["v_th"])
    refused(lambda: hr.to_neo(hr.from_neo(block), d), new.damage[0])


def test_spikes_of_others_as_input() -> None:
    u = hr.neo_stimulus(foreign(), "20 ms")
    assert (u.kind, len(u), u.channels, u.hold) == ("events", 5, 3, 20.0)
    np.testing.assert_allclose(u.event_times, [1.3, 10.1, 30.1, 30.2, 95.0], rtol=0, atol=1e-9)
    assert u.event_channels.tolist() == [0, 2, 0, 0, 2]
    np.testing.assert_array_equal(u.values, [[1, 0, 1], [2, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert u.description["source"] == "neo"
    d = network(**{"input.channels": 3, "I_bias": 0.5, "input.event_weight": 40.0})
    rec = hr.simulate(d, u)
    assert rec.spike_times.size > 0 and rec.spike_times.min() >= 1.0 and rec.provenance["stimulus"]["source"] == "neo"
    np.testing.assert_array_equal(rec.spike_times, hr.simulate(d, u, backend="numpy").spike_times)


def test_one_network_drives_another() -> None:
    rec = hr.simulate(network(), EVENTS)
    u = hr.neo_stimulus(hr.to_neo(rec, stimulus=EVENTS), "10 ms")
    assert u.channels == 40 and len(u) == 30
    np.testing.assert_array_equal(u.event_times, rec.spike_times)
    np.testing.assert_array_equal(u.event_channels, rec.spike_neurons)


def test_a_spike_at_the_very_end() -> None:
    train = neo.SpikeTrain([0.0, 40.0], units="ms", t_stop=40.0)
    assert len(hr.neo_stimulus([train], "20 ms")) == 3
    refused(lambda: hr.neo_stimulus([train], "20 ms", samples=2), "raise samples", error=StimulusError)
    assert hr.from_neo(segment_of(train), hold="20 ms", dt="1 ms").spike_times.tolist() == [0.0]


def single(times: Any, unit: str, **more: Any) -> Any:
    """Times as many loaders hold them; quantities makes doubles of them, which keep the rounding."""
    return neo.SpikeTrain(np.asarray(times, "f4"), units=unit, **more)


def test_single_precision_lies_in_its_own_step() -> None:
    """Of 2,000 events each a step of its own, none is lost, and none in the step before."""
    ms = np.arange(1, 2001)
    for train in (
        single(ms / 1e3, "s", t_stop=2.1),
        neo.SpikeTrain((ms / 1e3).astype("f4") * pq.s, t_stop=2.1 * pq.s),
        single(ms * 1e3, "us", t_stop=2.1e6),
        neo.SpikeTrain(ms / 1e3, units="s", t_stop=2.1),
        neo.SpikeTrain(ms, units="ms", t_stop=2100),
    ):
        u = hr.neo_stimulus(train, "1 ms")
        np.testing.assert_allclose(u.event_times, ms, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(u.values[:, 0], [0] + [1] * 2000 + [0] * (len(u) - 2001))
        rec = hr.from_neo(segment_of(train), hold="1 ms", dt="1 ms")
        np.testing.assert_allclose(rec.spike_times, ms, rtol=0, atol=1e-9)
    tenths = np.arange(1, 20_001) / 10
    u = hr.neo_stimulus(single(tenths / 1e3, "s", t_stop=2.1), "1 ms")
    np.testing.assert_allclose(u.event_times, tenths, rtol=0, atol=1e-9)
    late = hr.neo_stimulus(single([2.008, 2.009], "s", t_start=2.0, t_stop=2.1), "1 ms")
    np.testing.assert_allclose(late.event_times, [8.0, 9.0], rtol=0, atol=1e-9)
    # Times that lie on no grid are left alone.
    odd = np.sort(np.random.default_rng(1).uniform(0, 1, 500))
    for kind in ("f4", "f8"):
        given = odd.astype(kind)
        u = hr.neo_stimulus(neo.SpikeTrain(given, units="s", t_stop=1.1), "1 ms")
        exact = given.astype(float) * 1e3
        np.testing.assert_allclose(u.event_times, exact, rtol=3e-7 if kind == "f4" else 1e-14)


def test_times_that_are_none_are_refused() -> None:
    for bad in (np.nan, np.inf):
        train = neo.SpikeTrain([1.0, 2.0], units="ms", t_stop=10.0)
        train[1] = 3.0 * pq.ms
        train.view(np.ndarray)[1] = bad
        for call in (
            lambda train=train: hr.neo_stimulus(train, "1 ms"),
            lambda train=train: hr.from_neo(segment_of(train), hold="1 ms", dt="1 ms"),
        ):
            refused(call, "event times must be finite", str(bad))


def segment_of(*trains: Any) -> Any:
    segment = neo.Segment()
    for train in trains:
        segment.spiketrains.append(train)
    return segment


def test_refusals() -> None:
    d, rec = network(), hr.simulate(network(), CURRENT)
    refused(lambda: hr.to_neo(d), "got Draw")
    refused(lambda: hr.to_neo(rec, rec), "takes a draw, got Recording")
    refused(lambda: hr.to_neo(rec, hr.draw(d.network, 4)), "seed 3", "seed 4")
    refused(lambda: hr.to_neo(rec, network("henhos")), "give the draw that was simulated")
    refused(lambda: hr.to_neo(rec, d, CURRENT[:9]), "give the stimulus that was simulated")
    refused(lambda: hr.from_neo(rec), "got Recording")
    refused(lambda: hr.from_neo(foreign()), "does not say its hold", "hold='10 ms'")
    refused(lambda: hr.from_neo(foreign(), hold="10 ms"), "does not say its dt")
    refused(lambda: hr.from_neo(foreign(), hold="1 s", dt="1 ms"), "last 100 ms", "1000 ms")
    refused(lambda: hr.from_neo(neo.Segment(), hold="10 ms", dt="1 ms"), "no spike trains")
    two = foreign()
    two.segments.append(neo.Segment())
    refused(lambda: hr.from_neo(two), "has 2")
    refused(lambda: hr.neo_stimulus(two, "10 ms"), "has 2")
    refused(lambda: hr.neo_stimulus([[1.0, 2.0]], "10 ms"), "SpikeTrains", "got a list with a list")
    refused(lambda: hr.neo_stimulus(3, "10 ms"), "SpikeTrains", "got int")
    for empty in ([], (), neo.Segment().spiketrains):
        refused(lambda empty=empty: hr.neo_stimulus(empty, "10 ms"), "no spike trains", "at least one")


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rec, block = hr.simulate(network(), CURRENT), foreign()
    monkeypatch.setitem(sys.modules, "neo", None)
    for call in (lambda: hr.to_neo(rec), lambda: hr.from_neo(block), lambda: hr.neo_stimulus(block, "10 ms")):
        refused(call, "needs neo", 'pip install "hetero-rsnn[neo]"')
