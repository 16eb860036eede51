"""Three backends, one truth: equal spikes, equal to a naive loop written from the model's description; closed forms.

The reference below shares no code with the package: it visits every neuron and synapse at every step and lets traces
decay step by step, where the backends touch synapses only at events. Networks are built by hand where a spike time
matters.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from shutil import which
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, backends_with_networks
from numpy.typing import NDArray

from hetero_rsnn import (
    Draw,
    EquationMismatchError,
    HeteroError,
    Network,
    Recording,
    Stimulus,
    array_stimulus,
    event_stimulus,
    load_network,
    poisson_stimulus,
    silence,
    uniform_stimulus,
)
from hetero_rsnn.network.draw import Synapses, draw, read_only
from hetero_rsnn.network.mirror import check_equations
from hetero_rsnn.network.models import LIF_STDP, LIF_STDP_PLASTICITY
from hetero_rsnn.simulation.simulate import simulate

Array = NDArray[np.float64]

BITWISE = tuple(b for b in BACKENDS if b != "brian2")
#: What a constant, an event or a spread of one tells apart from the shipped operating point, which may move.
LIVELY = {"I_bias": 1.2, "eta_plus.mean": 0.05, "eta_minus.mean": 0.03}
SPREAD = {
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "v_reset": {"distribution": "uniform", "low": -0.3, "high": 0.3},
    "v_rest": {"distribution": "uniform", "low": -0.1, "high": 0.1},
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.5},
    "t_ref": {"distribution": "uniform", "low": "0 ms", "high": "6 ms"},
    "I_bias": {"distribution": "uniform", "low": 1.1, "high": 1.6},
}


# The reference ---------------------------------------------------------------------------------------------------


class Reference:
    """Section 1 of the model, read literally; plain Python numbers."""

    def __init__(self, drawn: Draw) -> None:
        dt, p = drawn.network.dt, {k: v.tolist() for k, v in drawn.neurons.items()}
        self.dt, self.n, self.draw = dt, drawn.n, drawn
        self.v = drawn.initial.get("v", np.zeros(self.n)).tolist()
        self.i_syn = drawn.initial.get("I_syn", np.zeros(self.n)).tolist()
        self.waits = [0] * self.n  # steps that a neuron still sits out
        self.p = p
        # A duration covers the steps that fit into it; one that is a thousandth of a step short still counts.
        self.pause = [max(math.floor(t / dt + 1e-3) - 1, 0) for t in p["t_ref"]]
        rows = drawn.plastic
        self.ends = list(zip(rows.source.tolist(), rows.target.tolist(), strict=True))
        self.w = rows.w.tolist()
        self.rule = {k: v.tolist() for k, v in rows.parameters.items()}
        self.apre, self.apost = [0.0] * len(self.w), [0.0] * len(self.w)
        fixed = drawn.static
        self.fixed = list(zip(fixed.source.tolist(), fixed.target.tolist(), fixed.w.tolist(), strict=True))
        self.steps: list[int] = []
        self.neurons: list[int] = []
        self.traces: dict[str, list[list[float]]] = {"v": [], "I_syn": []}
        self.now = 0

    def run(self, stimulus: Stimulus, plasticity: bool = True) -> Reference:
        dt, p = self.dt, self.p
        hold = round(stimulus.hold / dt)
        arrivals: dict[int, set[int]] = {}
        for t, c in zip(stimulus.event_times.tolist(), stimulus.event_channels.tolist(), strict=True):
            arrivals.setdefault(math.floor(t / dt + 1e-6), set()).add(c)
        w_in, w_event = self.draw.w_in.tolist(), self.draw.w_event.tolist()
        for local in range(len(stimulus) * hold):
            self.traces["v"].append(list(self.v))
            self.traces["I_syn"].append(list(self.i_syn))
            sample = stimulus.values[local // hold].tolist()
            spikes = []
            for i in range(self.n):
                i_in = sum(w * u for w, u in zip(w_in[i], sample, strict=True)) if stimulus.kind == "current" else 0.0
                if self.waits[i]:
                    self.waits[i] -= 1
                else:
                    goal = p["v_rest"][i] + self.i_syn[i] + p["I_bias"][i] + i_in
                    self.v[i] = goal + (self.v[i] - goal) * math.exp(-dt / p["tau_m"][i])
                    if self.v[i] > p["v_th"][i]:
                        spikes.append(i)
                self.i_syn[i] *= math.exp(-dt / p["tau_syn"][i])
            for k in range(len(self.w)):
                self.apre[k] *= math.exp(-dt / self.rule["tau_plus"][k])
                self.apost[k] *= math.exp(-dt / self.rule["tau_minus"][k])
            for c in sorted(arrivals.get(local, ())):
                for i in range(self.n):
                    self.i_syn[i] += w_event[i][c]
            self._synapses(set(spikes), plasticity)
            for i in spikes:
                self.v[i] = p["v_reset"][i]
                self.waits[i] = self.pause[i]
            self.steps += [self.now + local] * len(spikes)
            self.neurons += spikes
        self.now += len(stimulus) * hold
        if not plasticity:  # a frozen phase forgets the traces
            self.apre, self.apost = [0.0] * len(self.w), [0.0] * len(self.w)
        return self

    def _synapses(self, spikes: set[int], plasticity: bool) -> None:
        if not spikes:
            return
        low, high, mu = (self.draw.shared.get(k, 0.0) for k in ("w_min", "w_max", "mu"))
        for k, (pre, post) in enumerate(self.ends):
            if pre in spikes:
                self.i_syn[post] += self.w[k]
                if plasticity:
                    self.apre[k] += 1
                    change = self.rule["eta_minus"][k] * (self.w[k] - low) ** mu * self.apost[k]
                    self.w[k] = min(max(self.w[k] - change, low), high)
        for pre, post, w in self.fixed:
            if pre in spikes:
                self.i_syn[post] += w
        if plasticity:
            for k, (_, post) in enumerate(self.ends):
                if post in spikes:
                    self.apost[k] += 1
                    change = self.rule["eta_plus"][k] * (high - self.w[k]) ** mu * self.apre[k]
                    self.w[k] = min(max(self.w[k] + change, low), high)

    def agrees(self, recording: Recording) -> None:
        np.testing.assert_array_equal(np.round(recording.spike_times / self.dt).astype(int), self.steps)
        np.testing.assert_array_equal(recording.spike_neurons, self.neurons)
        np.testing.assert_allclose(recording.weights, self.w, rtol=1e-9, atol=1e-12)
        for name, values in (("v", self.v), ("I_syn", self.i_syn)):
            np.testing.assert_allclose(recording.state.variables[name], values, rtol=1e-9, atol=1e-9)


def same(a: Recording, b: Recording, *, bitwise: bool = False) -> None:
    """Equal spikes; weights and state to 1e-9, or to the last bit."""
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    assert a.state.step == b.state.step
    np.testing.assert_array_equal(a.state.last_spike, b.state.last_spike)
    tolerance = {"rtol": 0.0, "atol": 0.0} if bitwise else {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(a.weights, b.weights, **tolerance)
    for mine, other in ((a.state.variables, b.state.variables), (a.state.traces, b.state.traces), (a.traces, b.traces)):
        assert mine.keys() == other.keys()
        for key, values in mine.items():
            np.testing.assert_allclose(values, other[key], **tolerance, err_msg=key)


def joined(first: Recording, second: Recording) -> tuple[Array, NDArray[np.int32]]:
    times = np.concatenate([first.spike_times, second.spike_times + first.duration])
    return times, np.concatenate([first.spike_neurons, second.spike_neurons])


def continues(first: Recording, second: Recording, whole: Recording, *, bitwise: bool = False) -> None:
    times, neurons = joined(first, second)
    same(dataclasses.replace(second, spike_times=times, spike_neurons=neurons), whole, bitwise=bitwise)


# Networks by hand ------------------------------------------------------------------------------------------------

Edge = tuple[int, int, float, float, float, float, float]  # pre, post, w, tau_plus, tau_minus, eta_plus, eta_minus


def small(n: int, dt: str = "1 ms") -> Network:
    """One population; what is drawn from it gets replaced."""
    data = {
        "model": "lif_stdp",
        "n": n,
        "dt": dt,
        "weight_scaling": "none",
        "neuron": {
            **{k: LIF_STDP[k] for k in ("equations", "threshold", "reset", "refractory")},
            "initial": {"v": 0.0},
        },
        "synapse": {"on_pre": LIF_STDP["on_pre"]},
        "populations": {
            "E": {
                "fraction": 1.0,
                "tau_m": "20 ms",
                "tau_syn": "5 ms",
                "t_ref": "0 ms",
                **dict.fromkeys(["v_rest", "v_reset", "I_bias"], 0.0),
                "v_th": 1.0,
            }
        },
        "projections": {
            "EE": {"pre": "E", "post": "E", "plastic": True, "topology": {"kind": "random", "p": 0.0}, "weight": 0.3}
        },
        "plasticity": {
            **LIF_STDP_PLASTICITY,
            **{"w_min": 0.0, "w_max": 1.0, "mu": 1.0, "eta_plus": 0.1, "eta_minus": 0.1},
            **{"tau_plus": "20 ms", "tau_minus": "20 ms"},
        },
        "input": {"channels": n, "weight": 0.0, "event_weight": 0.0},
    }
    return Network.from_dict(data, "small")


def by_hand(
    n: int,
    edges: Iterable[Edge] = (),
    *,
    dt: str = "1 ms",
    shared: dict[str, float] | None = None,
    w_event: Array | None = None,
    initial: dict[str, Array] | None = None,
    **neurons: Any,
) -> Draw:
    """A draw of chosen synapses and neuron parameters, without input unless `w_event` says so."""
    base = draw(small(n, dt), 0)
    edges = sorted(edges)
    indptr = np.searchsorted([e[0] for e in edges], np.arange(n + 1)).astype(np.int64)
    table = np.array([e[2:] for e in edges], dtype=float).reshape(len(edges), 5)
    names = ("tau_plus", "tau_minus", "eta_plus", "eta_minus")
    plastic = Synapses(
        indptr,
        np.array([e[1] for e in edges], dtype=np.int32),
        np.ascontiguousarray(table[:, 0]),
        {name: np.ascontiguousarray(table[:, 1 + i]) for i, name in enumerate(names)},
        np.zeros(len(edges), dtype=np.uint8),
    )
    made = dataclasses.replace(
        base,
        neurons={
            k: np.broadcast_to(np.asarray(neurons.get(k, v), dtype=float), n).copy() for k, v in base.neurons.items()
        },
        initial=initial or {},
        plastic=plastic,
        shared={"w_min": 0.0, "w_max": 1.0, "mu": 1.0, **(shared or {})},
        w_event=np.zeros((n, n)) if w_event is None else w_event,
    )
    read_only(made)  # as draw() leaves them: writeable arrays would be another type to the compiled kernel
    return made


def trains(spikes: Sequence[Sequence[int]], dt: float = 1.0, *, steps: int | None = None) -> Stimulus:
    """Events that make relay neuron i spike at the steps `spikes[i]` (all >= 1)."""
    pairs = [((step - 1) * dt, i) for i, train in enumerate(spikes) for step in train]
    hold = 10 * dt
    samples = None if steps is None else -(-steps // 10)
    times, channels = ([p[0] for p in pairs], [p[1] for p in pairs]) if pairs else ([], np.empty(0, dtype=int))
    return event_stimulus(times, channels, n_channels=len(spikes), hold=f"{hold} ms", samples=samples)


def relays(edges: Iterable[Edge], n: int, dt: float = 1.0, **options: Any) -> Draw:
    """Neurons that repeat their input: an event brings exactly one spike, in the step after it."""
    strong = 10 / (1 - math.exp(-dt / 20))
    return by_hand(n, edges, dt=f"{dt} ms", w_event=strong * np.eye(n), tau_syn=dt / 50, **options)


# (a, b) Shipped networks -----------------------------------------------------------------------------------------


@cache
def shipped(name: str) -> tuple[Draw, Stimulus, Recording]:
    net = load_network(name, n=200)
    hold = net.protocol.hold
    drawn = draw(net, 11)
    u = uniform_stimulus(round(2000 / hold), f"{hold} ms", 11, channels=net.input.channels)
    return drawn, u, simulate(drawn, u)


@pytest.mark.parametrize(("backend", "name"), backends_with_networks())
def test_shipped_networks_agree(backend: str, name: str) -> None:
    drawn, u, fast = shipped(name)
    assert 2 <= fast.rate_hz <= 40
    if drawn.network.plasticity is not None:
        assert (fast.weights != drawn.plastic.w).any() == drawn.network.plasticity.learns
    same(simulate(drawn, u, backend=backend), fast)


def _events(kind: str) -> Stimulus:
    rng = np.random.default_rng(3)
    if kind == "poisson":
        return poisson_stimulus(rng.uniform(0, 400, (60, 2)), "10 ms", 5)
    times = np.sort(rng.uniform(0, 600, 400))
    return event_stimulus(times, rng.integers(0, 2, 400), n_channels=2, hold="10 ms", samples=60)


@pytest.mark.parametrize("kind", ["poisson", "events"])
def test_input_spikes_agree(kind: str) -> None:
    net = load_network("henhes", n=100, **{"input.channels": 2, "input.connectivity": 0.5, **LIVELY})
    drawn, stimulus = draw(net, 2), _events(kind)
    assert 0.3 < (drawn.w_event != 0).mean() < 0.7
    reference = Reference(drawn).run(stimulus)
    assert len(reference.steps) > 500
    quiet = simulate(drawn, silence("600 ms", channels=2))
    for backend in BACKENDS:
        recording = simulate(drawn, stimulus, backend=backend)
        reference.agrees(recording)
        assert recording.spike_times.size > quiet.spike_times.size


# (c) Every detail of the rule, in pairs of relay neurons ---------------------------------------------------------

#: Steps of the pre-synaptic and of the post-synaptic neuron, and what differs from the usual parameters.
PAIRS: dict[str, tuple[list[int], list[int], dict[str, float]]] = {
    "same step": ([10], [10], {}),
    "pre then post": ([10], [17], {}),
    "post then pre": ([17], [10], {}),
    "only pre": ([5, 9, 40], [], {}),
    "only post": ([], [5, 9, 40], {}),
    "next step": ([10], [11], {}),
    "step before": ([11], [10], {}),
    "same step again and again": ([10, 20, 30, 31], [10, 20, 30, 31], {}),
    "posts between two pres": ([10, 40], [15, 16, 17, 18, 25], {}),
    "pres between two posts": ([15, 16, 17, 18, 25], [10, 40], {}),
    "posts at both pres and between": ([10, 40], [10, 15, 16, 39, 40], {}),
    "pres at both posts and between": ([10, 15, 16, 39, 40], [10, 40], {}),
    "alternating": ([4, 8, 12, 16, 20, 24], [6, 10, 14, 18, 22, 26], {}),
    "every step": (list(range(1, 60)), list(range(1, 60)), {}),
    "first step": ([1], [1, 59], {}),
    "long silence": ([3, 58], [2, 59], {"tau_plus": 1.0, "tau_minus": 0.5}),
    "to the ceiling": ([10, 12, 14], [11, 13, 15], {"eta_plus": 50.0}),
    "to the floor": ([11, 13, 15], [10, 12, 14], {"eta_minus": 50.0, "eta_plus": 0.0}),
    "from bound to bound": ([11, 13, 15, 16, 17], [10, 12, 14, 18, 19], {"eta_minus": 50.0, "eta_plus": 50.0}),
    "at the ceiling": ([10, 20], [11, 12], {"w": 0.5}),
    "at the floor": ([11, 12], [10, 20], {"w": 0.05}),
    "no potentiation": ([10, 30], [9, 20], {"eta_plus": 0.0}),
    "no depression": ([10, 30], [9, 20], {"eta_minus": 0.0}),
}
LOW, HIGH = 0.05, 0.5
VARIANTS = [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0), (1.0, 0.1)]  # mu, dt


def _rule(index: int) -> dict[str, float]:
    """No two pairs have the same parameters."""
    name = list(PAIRS)[index]
    usual = {
        "w": 0.3,
        "tau_plus": 15 + 1.3 * index,
        "tau_minus": 30 - 0.7 * index,
        "eta_plus": 0.05 + 0.004 * index,
        "eta_minus": 0.09 - 0.002 * index,
    }
    return usual | PAIRS[name][2]


@cache
def pairs(mu: float, dt: float) -> tuple[Reference, dict[str, Recording]]:
    """All scenarios side by side in one network, on every backend."""
    edges: list[Edge] = []
    spikes: list[list[int]] = []
    for index, (pre, post, _) in enumerate(PAIRS.values()):
        r = _rule(index)
        edges.append((2 * index, 2 * index + 1, r["w"], r["tau_plus"], r["tau_minus"], r["eta_plus"], r["eta_minus"]))
        spikes += [pre, post]
    shared = {"w_min": LOW, "w_max": HIGH, "mu": mu}
    drawn = relays(edges, 2 * len(PAIRS), dt, shared=shared)
    stimulus = trains(spikes, dt)
    reference = Reference(drawn).run(stimulus)
    return reference, {b: simulate(drawn, stimulus, backend=b) for b in BACKENDS}


@pytest.mark.parametrize(("mu", "dt"), VARIANTS)
def test_pairs_spike_when_told_and_backends_agree(mu: float, dt: float) -> None:
    reference, recordings = pairs(mu, dt)
    wanted = sorted((step, 2 * k + side) for k, p in enumerate(PAIRS.values()) for side in (0, 1) for step in p[side])
    assert list(zip(reference.steps, reference.neurons, strict=True)) == wanted
    for recording in recordings.values():
        reference.agrees(recording)
        same(recording, recordings["fast"])


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_pair_weight_matches_the_reference(name: str, backend: str) -> None:
    index = list(PAIRS).index(name)
    for mu, dt in VARIANTS:
        reference, recordings = pairs(mu, dt)
        assert recordings[backend].weights[index] == pytest.approx(reference.w[index], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("mu", "dt"), VARIANTS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_single_pairs_have_closed_forms(backend: str, mu: float, dt: float) -> None:
    weights = dict(zip(PAIRS, pairs(mu, dt)[1][backend].weights.tolist(), strict=True))
    rules = {name: _rule(i) for i, name in enumerate(PAIRS)}

    def up(name: str, gap: int) -> float:
        r = rules[name]
        return r["w"] + r["eta_plus"] * (HIGH - r["w"]) ** mu * math.exp(-gap * dt / r["tau_plus"])

    def down(name: str, gap: int) -> float:
        r = rules[name]
        return r["w"] - r["eta_minus"] * (r["w"] - LOW) ** mu * math.exp(-gap * dt / r["tau_minus"])

    # In one step the pre-event comes first: it meets no post-synaptic trace, and leaves a full one.
    assert weights["same step"] == pytest.approx(up("same step", 0), rel=1e-12)
    assert weights["pre then post"] == pytest.approx(up("pre then post", 7), rel=1e-12)
    assert weights["next step"] == pytest.approx(up("next step", 1), rel=1e-12)
    assert weights["post then pre"] == pytest.approx(down("post then pre", 7), rel=1e-12)
    assert weights["step before"] == pytest.approx(down("step before", 1), rel=1e-12)
    assert weights["only pre"] == weights["only post"] == 0.3
    assert weights["to the ceiling"] == HIGH
    assert weights["to the floor"] == LOW
    if mu > 0:  # the soft bound itself: nothing to gain at the ceiling, nothing to lose at the floor
        r = rules["at the ceiling"]
        trace = math.exp(-8 * dt / r["tau_minus"]) + math.exp(-9 * dt / r["tau_minus"])
        expected = HIGH - r["eta_minus"] * (HIGH - LOW) ** mu * trace
        assert weights["at the ceiling"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0])
def test_dense_trains_on_a_dense_network(mu: float) -> None:
    """Random trains, every pair of neurons connected, autapses included, so that all orders of events occur."""
    n, rng = 8, np.random.default_rng(7)
    edges: list[Edge] = [
        (i, j, 0.2 + 0.05 * rng.random(), *rng.uniform(3, 40, 2), *rng.uniform(0.01, 0.3, 2))
        for i in range(n)
        for j in range(n)
    ]
    spikes = [np.flatnonzero(rng.random(300) < rate) + 1 for rate in np.linspace(0.02, 0.6, n)]
    drawn = relays(edges, n, shared={"w_min": 0.1, "w_max": 0.3, "mu": mu})
    stimulus = trains([s.tolist() for s in spikes], steps=310)
    reference = Reference(drawn).run(stimulus)
    # Autapses and many small inputs add a spike here and there; the trains themselves are all there.
    assert len(reference.steps) >= sum(s.size for s in spikes)
    for backend in BACKENDS:
        reference.agrees(simulate(drawn, stimulus, backend=backend))


@pytest.mark.parametrize("dt", ["1 ms", "0.5 ms"])
def test_everything_heterogeneous(dt: str) -> None:
    net = load_network("henhes", n=60, **{**LIVELY, **SPREAD}, dt=dt)
    drawn = draw(net, 4)
    for key in (*SPREAD, "tau_m"):
        assert np.unique(drawn.neurons[key]).size == 60
    for values in drawn.plastic.parameters.values():
        assert np.unique(values).size == len(drawn.plastic)
    u = uniform_stimulus(60, "5 ms", 4)
    reference = Reference(drawn).run(u)
    assert len(reference.steps) > 300
    for backend in BACKENDS:
        reference.agrees(simulate(drawn, u, backend=backend))


# (d) More pending spikes than the kernel keeps -------------------------------------------------------------------


@pytest.mark.parametrize("kept", [2, 3, 64])
def test_history_overflows(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = import_module("hetero_rsnn.simulation.fast")
    monkeypatch.setattr(fast, "_HISTORY", kept)
    often = list(range(10, 690, 2))
    spikes = [[5, 700], often, list(range(7, 690, 3)), [12], [10 + 2 * 64, 10 + 2 * 63, 10 + 2 * 65, 600]]
    rule = (40.0, 300.0, 0.01, 0.02)
    edges: list[Edge] = [(pre, post, 0.3, *rule) for pre in range(5) for post in range(5) if pre != post]
    drawn = relays(edges, 5, shared={"w_max": 0.5})
    stimulus = trains(spikes, steps=710)
    reference = Reference(drawn).run(stimulus)
    assert min(len(often), len(spikes[2])) > 3 * fast._HISTORY
    recordings = {b: simulate(drawn, stimulus, backend=b) for b in (BACKENDS if kept == 64 else BITWISE)}
    for recording in recordings.values():
        reference.agrees(recording)
    monkeypatch.setattr(fast, "_HISTORY", 10_000)
    same(simulate(drawn, stimulus), recordings["fast"], bitwise=True)


# (e) Stop and go on ----------------------------------------------------------------------------------------------


def _lively(kind: str = "current") -> tuple[Draw, Stimulus]:
    net = load_network("henhes", n=60, **{**LIVELY, **SPREAD})
    if kind == "current":
        return draw(net, 6), uniform_stimulus(50, "5 ms", 6)
    return draw(net, 6), poisson_stimulus(np.full(50, 300.0), "5 ms", 6)


@cache
def _halves(kind: str) -> tuple[Draw, Stimulus, Stimulus, dict[str, Recording], dict[str, Recording]]:
    drawn, u = _lively(kind)
    first = {b: simulate(drawn, u[:23], backend=b) for b in BACKENDS}
    whole = {b: simulate(drawn, u, backend=b) for b in BACKENDS}
    return drawn, u[:23], u[23:], first, whole


@pytest.mark.parametrize("kind", ["current", "poisson"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_two_halves_are_the_whole(backend: str, kind: str) -> None:
    drawn, _, b, first, whole = _halves(kind)
    second = simulate(drawn, b, backend=backend, state=first[backend])
    assert second.t_start == first[backend].duration
    continues(first[backend], second, whole[backend], bitwise=backend != "brian2")
    assert (second.weights != first[backend].weights).any()


@pytest.mark.parametrize(("begin", "end"), [(a, b) for a in BACKENDS for b in BACKENDS if a != b])
def test_train_here_and_continue_there(begin: str, end: str) -> None:
    drawn, _, b, first, whole = _halves("current")
    second = simulate(drawn, b, backend=end, state=first[begin].state)
    continues(first[begin], second, whole[end])


def test_frozen_phases_in_between() -> None:
    """Learn, freeze, learn: the same spikes and weights everywhere, and no pairs across the frozen phase."""
    drawn, u = _lively()
    parts = [(u[:20], True), (u[20:31], False), (u[31:], True)]
    reference = Reference(drawn)
    for part, learn in parts:
        reference.run(part, learn)
    for backend in BACKENDS:
        state, times = None, []
        for part, learn in parts:
            before = state
            state = simulate(drawn, part, backend=backend, plasticity=learn, state=state)
            times.append(state.spike_times + state.t_start)
            if not learn:
                assert before is not None
                np.testing.assert_array_equal(state.weights, before.weights)
                assert all(not trace.any() for trace in state.state.traces.values())
        assert state is not None
        np.testing.assert_array_equal(np.concatenate(times), np.array(reference.steps) * 1.0)
        np.testing.assert_allclose(state.weights, reference.w, rtol=1e-9)


@pytest.mark.parametrize(("backend", "kind"), [*((b, "poisson") for b in BACKENDS), *((b, "current") for b in BITWISE)])
def test_pieces_do_not_show(backend: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, u = _lively(kind)
    options: dict[str, Any] = {"backend": backend, "record": ("v", "I_syn"), "record_neurons": [50, 3]}
    whole = simulate(drawn, u, **options)
    monkeypatch.setattr(
        import_module("hetero_rsnn.simulation.simulate"), "_PIECE", drawn.n * (20 if backend == "brian2" else 7)
    )
    monkeypatch.setattr(import_module("hetero_rsnn.simulation.fast"), "_SPIKES", drawn.n * 5 * 3)
    assert len(list(u.pieces(20))) == 3
    same(simulate(drawn, u, **options), whole, bitwise=backend != "brian2")


# (f, g) Frozen weights, recorded variables -----------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_weights_stay_to_the_last_bit(backend: str) -> None:
    drawn, u = _lively()
    recording = simulate(drawn, u[:20], backend=backend, plasticity=False)
    assert recording.spike_times.size > 50
    np.testing.assert_array_equal(recording.weights, drawn.plastic.w)
    Reference(drawn).run(u[:20], plasticity=False).agrees(recording)


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_variables(backend: str) -> None:
    """At the beginning of every step, of the neurons asked for, in the order asked for."""
    drawn, u = _lively()
    chosen = [41, 0, 7]
    recording = simulate(drawn, u[:20], backend=backend, record=("I_syn", "v"), record_neurons=chosen)
    reference = Reference(drawn).run(u[:20])
    for name in ("v", "I_syn"):
        assert recording.traces[name].shape == (100, 3)
        np.testing.assert_allclose(recording.traces[name], np.array(reference.traces[name])[:, chosen], atol=1e-9)
    np.testing.assert_array_equal(recording.trace_neurons, chosen)
    np.testing.assert_array_equal(recording.traces["v"][0], drawn.initial["v"][chosen])


# (h) Equations of one's own --------------------------------------------------------------------------------------


def changed(net: Network, **tables: dict[str, Any]) -> Network:
    """Lay values over the tables of a network; `parameters` go to every population, None removes a key."""
    data = net.to_dict()
    for parameters in data["populations"].values():
        parameters.update(tables.get("parameters", {}))
    for name in set(tables) - {"parameters"}:
        data[name] = {k: v for k, v in {**data[name], **tables[name]}.items() if v is not None}
    for parameters in data["populations"].values():
        for key in [k for k, v in parameters.items() if v is None]:
            del parameters[key]
    return Network.from_dict(data, "changed")


def _base() -> Network:
    return load_network("henhes", n=40, **{**LIVELY, "tau_m.mean": "15 ms"})


def adapting() -> Network:
    return changed(
        _base(),
        neuron={
            "equations": "dv/dt = (v_rest - v + I_syn + I_bias + I_in - a) / tau_m : 1 (unless refractory)\n"
            "dI_syn/dt = -I_syn / tau_syn : 1\nda/dt = -a / tau_a : 1",
            "reset": "v = v_reset\na += jump",
        },
        parameters={"tau_a": {"distribution": "gamma", "mean": "80 ms", "cv": 0.4}, "jump": 0.1},
    )


def without_refractory() -> Network:
    equations = "dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1\ndI_syn/dt = -I_syn / tau_syn : 1"
    return changed(_base(), neuron={"equations": equations, "refractory": None}, parameters={"t_ref": None})


def plastic_as(**code: str) -> Network:
    base = _base()
    assert base.plasticity is not None
    own = {k: getattr(base.plasticity, k) + ("\n" + code[k] if k in code else "") for k in LIF_STDP_PLASTICITY}
    return changed(base, plasticity=own)


def triplet() -> Network:
    """A second, slower trace of the post-synaptic neuron adds to potentiation."""
    base = plastic_as(equations="dslow/dt = -slow / (3*tau_minus) : 1 (event-driven)")
    on_post = "apost += 1\nw = clip(w + eta_plus * (w_max - w)**mu * apre * (1 + slow), w_min, w_max)\nslow += 1"
    return changed(base, plasticity={"on_post": on_post})


def renamed() -> Network:
    """The shipped rule in other words: the trace is called x."""
    return changed(_base(), plasticity={k: v.replace("apre", "x") for k, v in LIF_STDP_PLASTICITY.items()})


def clock_driven() -> Network:
    equations = LIF_STDP_PLASTICITY["equations"].replace("event-driven", "clock-driven")
    return changed(_base(), plasticity={"equations": equations})


def counting() -> Network:
    """Only the first three pre-synaptic spikes depress a synapse; its counter has no equation, events change it."""
    on_pre = LIF_STDP_PLASTICITY["on_pre"].replace("eta_minus *", "eta_minus * int(count < 3) *") + "\ncount += 1"
    return changed(plastic_as(equations="count : 1"), plasticity={"on_pre": on_pre})


ALTERED = (adapting, without_refractory, triplet, renamed, clock_driven, counting)


@cache
def _altered(make: Any) -> tuple[Draw, Stimulus, Recording]:
    drawn, u = draw(make(), 1), uniform_stimulus(40, "5 ms", 1)
    return drawn, u, simulate(drawn, u, backend="brian2")


@pytest.mark.parametrize("make", ALTERED)
def test_altered_equations_agree(make: Any) -> None:
    """The kernel written by hand mirrors none of them: one is generated."""
    drawn, u, whole = _altered(make)
    with pytest.raises(EquationMismatchError):
        check_equations(drawn.network)
    for backend in BITWISE:
        same(simulate(drawn, u, backend=backend), whole)
    assert whole.spike_times.size > 20
    assert (whole.weights != drawn.plastic.w).any()


#: These two add nothing that has to be carried over.
PLAIN = [pytest.param(make, marks=pytest.mark.slow) for make in (renamed, without_refractory)]


@pytest.mark.parametrize("make", [adapting, triplet, clock_driven, counting, *PLAIN])
def test_altered_equations_can_be_continued(make: Any) -> None:
    drawn, u, whole = _altered(make)
    first = simulate(drawn, u[:17], backend="brian2")
    continues(first, simulate(drawn, u[17:], backend="brian2", state=first), whole)


def test_altered_equations_do_what_they_say() -> None:
    u = uniform_stimulus(40, "5 ms", 1)
    base = simulate(draw(_base(), 1), u)
    runs = {make: _altered(make)[2] for make in ALTERED}
    assert runs[adapting].spike_times.size < 0.8 * base.spike_times.size
    assert runs[triplet].weights.mean() > base.weights.mean()
    assert runs[counting].weights.mean() > base.weights.mean()
    for make in (renamed, clock_driven):  # other words, same rule
        np.testing.assert_array_equal(runs[make].spike_times, base.spike_times)
        np.testing.assert_allclose(runs[make].weights, base.weights, rtol=1e-9)


def test_no_refractory_is_a_refractory_time_of_zero() -> None:
    u = uniform_stimulus(40, "5 ms", 1)
    a = _altered(without_refractory)[2]
    b = simulate(draw(_base().replace(t_ref="0 ms"), 1), u)
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)


def _in_volts(scale: float, unit: str, current: str) -> dict[str, Any]:
    """The same network, in units of the rest-to-threshold distance or in volts, amps and ohms."""
    volts = unit != ""
    drive = "R * I_in" if volts else "I_in"
    kind = "volt" if volts else "1"

    def potential(x: float) -> Any:
        return f"{x * scale!r} {unit}" if volts else x

    neuron = {"E_L": potential(0.0), "V_T": potential(1.0), "V_r": potential(0.1), "V_b": potential(1.2)}
    parameters: dict[str, Any] = {**neuron, "tau_m": {"distribution": "gamma", "mean": "15 ms", "cv": 0.5}}
    parameters |= {"tau_s": "5 ms"} | ({"R": "100 Mohm"} if volts else {})
    weight = {"distribution": "uniform", "low": potential(0.05), "high": potential(0.2)}
    return {
        "n": 40,
        "weight_scaling": "none",
        "neuron": {
            "equations": f"dv/dt = (E_L - v + V_s + V_b + {drive}) / tau_m : {kind}\ndV_s/dt = -V_s / tau_s : {kind}",
            "threshold": "v > V_T",
            "reset": "v = V_r",
            "initial": {"v": {"distribution": "uniform", "low": potential(0.0), "high": potential(1.0)}},
        },
        "synapse": {"on_pre": "V_s_post += w"},
        "populations": {
            "E": {"fraction": 0.8, **parameters},
            "I": {"fraction": 0.2, "kind": "inhibitory", **parameters},
        },
        "projections": {
            pre + post: {
                "pre": pre,
                "post": post,
                "plastic": pre + post == "EE",
                "topology": {"kind": "random", "p": 0.2},
                "weight": weight,
            }
            for pre in "EI"
            for post in "EI"
        },
        "plasticity": {
            "equations": LIF_STDP_PLASTICITY["equations"],
            "on_pre": "V_s_post += w\napre += 1\nw = clip(w - eta_minus * (w - w_min) * apost, w_min, w_max)",
            "on_post": "apost += 1\nw = clip(w + eta_plus * (w_max - w) * apre, w_min, w_max)",
            **{"w_min": potential(0.0), "w_max": potential(0.3), "eta_plus": 0.1, "eta_minus": 0.05},
            **{"tau_plus": "20 ms", "tau_minus": "15 ms"},
        },
        "input": {"weight": f"{0.5 * scale / 100!r} {current}" if volts else 0.5, "event_weight": potential(0.3)},
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["current", "poisson"])
def test_a_network_in_volts_amps_and_ohms(kind: str) -> None:
    stimulus = uniform_stimulus(30, "5 ms") if kind == "current" else poisson_stimulus(np.full(30, 200.0), "5 ms")
    plain, volts = (draw(Network.from_dict(_in_volts(*p), "own"), 3) for p in ((1.0, "", ""), (16.0, "mV", "nA")))
    for backend in BITWISE:
        np.testing.assert_array_equal(
            simulate(volts, stimulus, backend=backend).spike_times, simulate(plain, stimulus).spike_times
        )
    a, b = (simulate(d, stimulus, backend="brian2", record=("v",), record_neurons=np.arange(5)) for d in (plain, volts))
    assert a.spike_times.size > 50
    np.testing.assert_array_equal(a.spike_times, b.spike_times)
    np.testing.assert_array_equal(a.spike_neurons, b.spike_neurons)
    np.testing.assert_allclose(b.traces["v"], 0.016 * a.traces["v"], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(b.weights, 0.016 * a.weights, rtol=1e-9)
    assert (b.weights != volts.plastic.w).any()
    if kind == "poisson":
        return
    first = simulate(volts, stimulus[:11], backend="brian2")
    whole = dataclasses.replace(b, traces={})
    continues(first, simulate(volts, stimulus[11:], backend="brian2", state=first), whole)


def test_equations_with_a_clock_run_in_one_piece_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    equations = LIF_STDP["equations"].replace("I_bias", "I_bias*(1 + 0.3*sin(2*pi*10*Hz*t))")
    drawn, u = draw(changed(_base(), neuron={"equations": equations}), 0), uniform_stimulus(20, "5 ms")
    first = simulate(drawn, u, backend="brian2")
    with pytest.raises(HeteroError, match="equations that use t cannot be continued"):
        simulate(drawn, u, backend="brian2", state=first)
    monkeypatch.setattr(import_module("hetero_rsnn.simulation.simulate"), "_PIECE", drawn.n * 10)
    with pytest.raises(HeteroError, match="equations that use t cannot be continued"):
        simulate(drawn, u, backend="brian2")


# (i) Brian2's compiled targets -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not (which("g++") and which("make")), reason="Brian2's compiled targets need g++ and make")
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_targets_agree(target: str) -> None:
    net = load_network("henhes", n=60, **{**LIVELY, **SPREAD})
    drawn, u = draw(net, 0), uniform_stimulus(40, "5 ms")
    options: dict[str, Any] = {"backend": "brian2", "record": ("v",), "record_neurons": [5, 2]}
    base = simulate(drawn, u, **options)
    assert base.spike_times.size > 100
    same(simulate(drawn, u, **options, codegen_target=target), base)


# (j) Closed forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("backend", BACKENDS)
def test_firing_interval_of_constant_drive(backend: str, dt: float) -> None:
    """Exponential Euler is exact for a constant drive: m = floor(tau/dt ln((I - v_reset)/(I - v_th))) + 1 updates.

    With R = t_ref in whole steps, the first update after a spike is in step max(R, 1).
    """
    n, rng = 24, np.random.default_rng(5)
    tau, current = rng.gamma(4.0, 5.0, n) + 2, rng.uniform(1.2, 2.5, n)
    v_th, v_reset = rng.uniform(0.8, 1.1, n), rng.uniform(-0.4, 0.4, n)
    # 0, one step, two, not a multiple, just short of one and of two, just above, and heterogeneous.
    given = dt * np.array([0, 1, 2, 2.5, 0.5, 0.9, 0.9995, 1.9995, 1.0005, 3, 7.25])
    t_ref = np.concatenate([given, rng.uniform(0, 6, n - given.size)])
    drawn = by_hand(
        n, dt=f"{dt} ms", tau_m=tau, v_th=v_th, v_reset=v_reset, I_bias=current, t_ref=t_ref, initial={"v": v_reset}
    )
    recording = simulate(drawn, silence("200 ms", channels=n), backend=backend)
    pause = np.floor(t_ref / dt + 1e-3)
    np.testing.assert_array_equal(pause[: given.size], [0, 1, 2, 2, 0, 0, 1, 2, 1, 3, 7])
    updates = np.floor(tau / dt * np.log((current - v_reset) / (current - v_th))) + 1
    for i in range(n):
        steps = np.round(recording.spike_times[recording.spike_neurons == i] / dt).astype(int)
        assert steps[0] == updates[i] - 1
        assert steps.size > 3
        assert (np.diff(steps) == updates[i] + max(pause[i], 1) - 1).all(), i


@pytest.mark.parametrize("backend", BACKENDS)
def test_membrane_and_synapse_decay(backend: str) -> None:
    """v decays as exp(-t/tau_m); I_syn jumps by w and decays as exp(-t/tau_syn); v answers with the difference."""
    n = 6
    tau_m, tau_syn = np.linspace(5.0, 40.0, n), np.linspace(3.0, 12.0, n)
    start = np.where(np.arange(n) < 3, np.linspace(0.9, -0.9, n), 0.0)
    weight = np.where(np.arange(n) < 3, 0.0, 0.7)
    drawn = by_hand(n, tau_m=tau_m, tau_syn=tau_syn, initial={"v": start}, w_event=np.diag(weight))
    stimulus = event_stimulus(np.full(n, 4.0), np.arange(n), n_channels=n, hold="10 ms", samples=6)
    recording = simulate(drawn, stimulus, backend=backend, record=("v", "I_syn"))
    assert recording.spike_times.size == 0
    t = np.arange(60.0)[:, None]
    np.testing.assert_allclose(recording.traces["v"][:, :3], (start * np.exp(-t / tau_m))[:, :3], rtol=1e-12)
    m = t - 5  # the event of step 4 is there when step 5 begins
    expected = np.where(m >= 0, weight * np.exp(-m / tau_syn), 0.0)
    np.testing.assert_allclose(recording.traces["I_syn"], expected, rtol=1e-12, atol=1e-300)
    # The current is held over a step, so the response is that of two geometric series.
    a, b = np.exp(-1 / tau_m), np.exp(-1 / tau_syn)
    response = np.where(m >= 0, weight * (1 - a) * (a**m - b**m) / (a - b), 0.0)
    np.testing.assert_allclose(recording.traces["v"][:, 3:], response[:, 3:], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spike_arrives_in_its_own_step(backend: str) -> None:
    """A spike in step k adds w to I_syn in step k, and moves v in step k + 1; a spike resets v in its own step."""
    drawn = relays([(0, 1, 0.4, 20.0, 20.0, 0.0, 0.0)], 2)
    recording = simulate(drawn, trains([[6], []], steps=20), backend=backend, record=("v", "I_syn"))
    np.testing.assert_array_equal(recording.spike_times, [6.0])
    assert recording.traces["I_syn"][6, 1] == 0.0
    assert recording.traces["I_syn"][7, 1] == 0.4
    assert recording.traces["v"][7, 1] == 0.0
    assert recording.traces["v"][8, 1] == pytest.approx(0.4 * (1 - math.exp(-1 / 20)), rel=1e-12)
    assert recording.traces["v"][7, 0] == 0.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_analog_sample_is_held(backend: str) -> None:
    """I_in = W_in u(t): with a slow membrane, v after sample k is the sum of the currents so far times dt/tau."""
    base = by_hand(2, tau_m=1e9, v_th=1e9)
    drawn = dataclasses.replace(base, w_in=np.array([[1.0, 0.0], [0.5, -2.0]]))
    read_only(drawn)
    values = np.array([[1.0, 2.0], [-3.0, 1.0], [0.5, 0.5]])
    recording = simulate(drawn, array_stimulus(values, "4 ms"), backend=backend, record=("v",))
    steps = np.repeat(values @ drawn.w_in.T, 4, axis=0)
    before = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)[:-1]])
    np.testing.assert_allclose(recording.traces["v"] * 1e9, before, rtol=1e-6, atol=1e-6)
