"""What a draw would take is estimated well, and what would not fit is refused before anything is made."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, NetworkError
from hetero_rsnn.network.sizes import draw_size, synapses

PAIRS = ("EE", "EI", "IE", "II")


def everywhere(topology: dict[str, Any]) -> dict[str, Any]:
    return {f"{pair}.topology": topology for pair in PAIRS}


@pytest.mark.parametrize(
    "topology",
    [
        {"kind": "random", "p": 0.1},
        {"kind": "fixed_indegree", "indegree": 40},
        {"kind": "small_world", "neighbours": 30, "rewire": 0.2},
        {"kind": "distance", "p_max": 0.6, "length": 3.0},
        {"kind": "distance", "p_max": 0.3, "length": 40.0},
        {"kind": "distance", "p_max": 1.0, "length": 0.01},
    ],
    ids=str,
)
def test_synapses_are_estimated_well(topology: dict[str, Any]) -> None:
    net = hr.load_network("henhes", n=700, **everywhere(topology))
    drawn = hr.draw(net, 1)
    found = len(drawn.plastic) + len(drawn.static)
    # The last layer of the grid is not full; and neurons are no targets of their own, where nothing else is near.
    assert sum(synapses(net).values()) == pytest.approx(found, rel=0.12, abs=750)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    ("name", "n", "p", "channels"),
    [("henhes", 2500, 0.1, 1), ("static", 2500, 0.1, 1), ("henhes", 40_000, 1e-4, 1), ("henhes", 20_000, 1e-4, 200)],
)
def test_memory_is_estimated_within_a_factor_of_two(name: str, n: int, p: float, channels: int, precision: str) -> None:
    net = hr.load_network(name, n=n, **{"input.channels": channels, **{f"{pair}.topology.p": p for pair in PAIRS}})
    hr.draw("henhes", 0)
    tracemalloc.start()
    try:
        drawn = hr.draw(net, 1, precision=precision)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert drawn.n == n
    assert 0.5 < draw_size(net, single=precision == "single") / peak < 2


HUGE: dict[str, dict[str, Any]] = {
    "neurons": {"n": 2_000_000_000},
    "synapses": {"n": 3_000_000},
    "channels": {"n": 50, "input.channels": 2_000_000_000},
    "in-degrees": {"n": 2_000_000_000, **everywhere({"kind": "fixed_indegree", "indegree": 1000})},
    "distances": {"n": 30_000_000, **everywhere({"kind": "distance", "p_max": 0.5, "length": 100.0})},
    "a ring": {"n": 100_000_000, **everywhere({"kind": "small_world", "neighbours": 1000})},
}


@pytest.mark.parametrize("overrides", HUGE.values(), ids=HUGE)
def test_what_does_not_fit_is_refused_before_anything_is_made(overrides: dict[str, Any]) -> None:
    net = hr.load_network("henhes", **overrides)
    with pytest.raises(HeteroError):  # what is imported when it is first used, is
        hr.compare([net], [0])
    tracemalloc.start()
    begun = time.process_time()
    try:
        for use in (hr.draw, lambda net, seed: hr.measure(net, [seed]), lambda net, seed: hr.compare([net], [seed])):
            refused(lambda use=use: use(net, 0), f"{net.n} neurons", "would take", "that are free", "lower n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < 30 and peak < 5e6


def test_the_message_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 12 * 10**9)
    net = hr.load_network("henhes", n=2_000_000_000)
    assert str(refused(lambda: hr.draw(net, 0), error=NetworkError)) == (
        "a draw of 'henhes' with 2000000000 neurons and about 4e+17 synapses would take 23 EB of memory, and may take "
        "9 GB of the 12 GB that are free: lower n, its connectivity or its input channels"
    )


def test_a_network_that_fits_is_drawn_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    net = hr.load_network("henhes", n=3000)
    needed = draw_size(net)
    monkeypatch.setattr(memory, "available", lambda: int(needed / memory.SHARE) + 10)
    assert hr.draw(net, 0).n == 3000
    monkeypatch.setattr(memory, "available", lambda: int(needed / memory.SHARE) - 10)
    refused(lambda: hr.draw(net, 0), "lower n", error=NetworkError)
