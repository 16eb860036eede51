"""Several events of one channel in one step count as one; how many were dropped is counted, and said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS

import hetero_rsnn as hr

SAID = r"some events share a step of 0\.5 ms with another of their channel, and count as one"
RNG = np.random.default_rng(4)
#: Steps and channels of 300 events in 100 steps of 3 channels: most of those places are taken more than once.
STEPS, CHANNELS = RNG.integers(0, 100, 300), RNG.integers(0, 3, 300)
#: By hand: places, and events beyond the first of each.
PLACES = np.unique(np.stack([STEPS, CHANNELS]), axis=1)
DROPPED = 300 - PLACES.shape[1]


def drawn() -> hr.Draw:
    net = hr.load_network("henhes", n=30, dt="0.5 ms", **{"input.channels": 3, "event_weight.high": 1.5})
    return hr.draw(net, seed=1)


def events(steps: Any = STEPS, channels: Any = CHANNELS, shift: float = 0.2) -> hr.Stimulus:
    """Events that lie somewhere in their steps, those of one step at different times."""
    times = (np.asarray(steps) + shift + 0.5 * np.arange(np.size(steps)) / (np.size(steps) + 1)) * 0.5
    return hr.event_stimulus(times, channels, n_channels=3, hold="5 ms", samples=11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_merged_events_are_counted_and_change_nothing(backend: str) -> None:
    assert DROPPED > 50
    with pytest.warns(UserWarning, match=SAID) as said:
        found = hr.simulate(drawn(), events(), backend=backend)
    assert [w.filename for w in said if "share a step" in str(w.message)] == [__file__]
    assert found.provenance["merged_events"] == DROPPED
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=SAID)
        once = hr.simulate(drawn(), events(*PLACES), backend=backend)
    assert once.provenance["merged_events"] == 0
    np.testing.assert_array_equal(found.spike_times, once.spike_times)
    np.testing.assert_array_equal(found.spike_neurons, once.spike_neurons)
    assert found.spike_times.size > 10


@pytest.mark.parametrize("size", [1, 4, 7])
def test_the_count_does_not_depend_on_how_the_input_is_cut(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    d, u = drawn(), events()
    blocks = [u[k : k + size] for k in range(0, len(u), size)]
    with pytest.warns(UserWarning, match=SAID) as said:
        streamed = hr.simulate(d, hr.stream(blocks, u.hold))
    assert len(said) == 1
    monkeypatch.setattr("hetero_rsnn.simulation.simulate._PIECE", d.n * size)
    with pytest.warns(UserWarning, match=SAID) as said:
        cut = hr.simulate(d, u)
    assert len(said) == 1
    assert streamed.provenance["merged_events"] == cut.provenance["merged_events"] == DROPPED


def test_currents_have_no_events_to_merge() -> None:
    assert "merged_events" not in hr.simulate(drawn(), hr.silence("20 ms", channels=3)).provenance


def test_a_count_is_kept_in_a_file(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=SAID):
        recording = hr.simulate(drawn(), events())
    assert hr.load_recording(recording.save(tmp_path / "run")).provenance["merged_events"] == DROPPED


def test_spike_trains_of_neo() -> None:
    neo = pytest.importorskip("neo")
    u = events()
    trains = [neo.SpikeTrain(u.event_times[u.event_channels == c] / 1e3, units="s", t_stop=0.055) for c in range(3)]
    with pytest.warns(UserWarning, match=SAID):
        recording = hr.simulate(drawn(), hr.neo_stimulus(trains, "5 ms"))
    assert recording.provenance["merged_events"] == DROPPED


def test_live_objects_say_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import brian2 as b2

    monkeypatch.setitem(b2.prefs, "codegen.target", "numpy")  # compiles nothing
    with pytest.warns(UserWarning, match=f"{DROPPED} of 300 events are dropped") as said:
        objects = hr.to_brian2(drawn(), events())
    assert [w.filename for w in said if "share a step" in str(w.message)] == [__file__]
    assert objects.events is not None


def test_a_program_that_simulates_many_samples_shows_the_warning_once() -> None:
    d = drawn()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for shift in (0.1, 0.2, 0.3):
            hr.simulate(d, events(STEPS[:50], np.zeros(50, int), shift), plasticity=False)
    assert len(said) == 1
