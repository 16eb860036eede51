"""Many samples through one network at once, and the gradients of whatever is made of its spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, memory, units
from hetero_rsnn.common.errors import HeteroError, StimulusError, suggest
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.gradient.blocks import Block, Plan, Sums, ahead, back, hand_on, kernels, prepared, tapes
from hetero_rsnn.gradient.layout import FORWARD_PARTS, LANES, Layout, lay_out
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.gradient.rooms import cleared
from hetero_rsnn.gradient.threads import each
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.network.draw import PRECISIONS, Draw
from hetero_rsnn.network.mirror import require_equations
from hetero_rsnn.simulation.continuing import check_same_draw, check_state
from hetero_rsnn.simulation.drive import check_channels, empty_stimulus
from hetero_rsnn.simulation.neurons import initial_state, neuron_arrays
from hetero_rsnn.simulation.recording import Recording, State

#: What can be differentiated with respect to.
QUANTITIES = ("w", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th", "stimuli")


@dataclass(frozen=True, eq=False)
class Gradients:
    """Derivatives of one number with respect to what a network consists of; None for what was not asked for.

    Attributes
    ----------
    plastic, static : ndarray, shape (synapses,)
        Of the recurrent weights, in the order of ``draw.plastic`` and ``draw.static``.
    w_in, w_event : ndarray, shape (n, channels)
        Of the input weights; 0 where an input spike finds no synapse.
    I_bias, tau_m, tau_syn, v_th : ndarray, shape (n,)
        Per neuron; of times per ms.
    stimuli : list of ndarray, shape (inputs, channels)
        Of the input currents of each sample.
    reached : float
        Share of steps and neurons with a potential where the pseudo-derivative is above 0 in at least one sample of a
        block of sixteen: at 0, nothing can be learned.
    """

    reached: float
    plastic: Array | None = None
    static: Array | None = None
    w_in: Array | None = None
    w_event: Array | None = None
    I_bias: Array | None = None
    tau_m: Array | None = None
    tau_syn: Array | None = None
    v_th: Array | None = None
    stimuli: list[Array] | None = None


class BatchRun:
    """What a network did with a batch of samples; made by `run_batch`.

    Attributes
    ----------
    activity : ndarray, shape (samples, windows, n)
        Spikes of every neuron in every window or, with `tau_read`, its filtered spike train at the end of it; 0 beyond
        the end of a sample.
    windows : ndarray of int, shape (samples,)
        Windows of each sample.
    potentials : ndarray, shape (samples, windows, n), or None
        Potential at the end of each window, after the reset.
    """

    def __init__(
        self, draw: Draw, stimuli: Sequence[Stimulus], state: State, layout: Layout, plan: Plan, blocks: list[Block],
        windows: Ints, activity: Array, potentials: Array | None,
    ) -> None:  # fmt: skip
        self._draw, self._stimuli, self._state = draw, stimuli, state
        self._layout, self._plan, self._blocks = layout, plan, blocks
        self._lock = Lock()  # pieces of a checkpointed tape are made in one place
        self.windows, self.activity, self.potentials = windows, activity, potentials
        if plan.decay:
            for t in range(1, activity.shape[1]):
                activity[:, t] += plan.decay * activity[:, t - 1]
            for k, count in enumerate(windows):
                activity[k, count:] = 0.0

    def __repr__(self) -> str:
        return f"BatchRun({self._draw.network.name!r}, {len(self._stimuli)} samples, {self.windows.max()} windows)"

    @property
    def tape_bytes(self) -> int:
        """Memory of the tape."""
        return sum(b.tape.nbytes + b.currents.nbytes + sum(s.nbytes for s in b.starts) for b in self._blocks)

    def recordings(self) -> list[Recording]:
        """The spikes of every sample, as `simulate` would return them, without traces.

        Returns
        -------
        list of Recording
            In the order of the samples. They hold the weights and the state that the samples began with.
        """
        out: list[Recording | None] = [None] * len(self._stimuli)
        dt = self._draw.network.dt
        for block in self._blocks:
            found = []
            with self._lock:
                for first, tape in tapes(self._layout, self._plan, block):
                    fired = np.argwhere(np.moveaxis(tape > self._layout.v_th[:, None], 2, 0))  # lane, step, neuron
                    fired[:, 1] += first
                    found.append(fired)
            spikes = np.concatenate(found)
            for lane, k in enumerate(block.members):
                stimulus = self._stimuli[k]
                mine = spikes[(spikes[:, 0] == lane) & (spikes[:, 1] < len(stimulus) * self._plan.hold)]
                out[k] = Recording(
                    spike_times=mine[:, 1] * dt, spike_neurons=mine[:, 2].astype(np.int32), n=self._draw.n,
                    samples=len(stimulus), hold=stimulus.hold, dt=dt, t_start=self._state.step * dt,
                    weights=self._state.w, state=self._state, provenance=self._provenance(stimulus),
                )  # fmt: skip
        return [rec for rec in out if rec is not None]

    def _provenance(self, stimulus: Stimulus) -> dict[str, Any]:
        net = self._draw.network
        return {
            "network": net.name, "fingerprint": net.fingerprint, "seed": self._draw.seed, "backend": "gradient",
            "precision": next(k for k, v in PRECISIONS.items() if v == self._plan.real), "plasticity": False,
            "stimulus": dict(stimulus.description),
            **({"damage": list(self._draw.damage)} if self._draw.damage else {}), "versions": versions(),
        }  # fmt: skip

    def backward(
        self,
        into_activity: ArrayLike,
        into_potentials: ArrayLike | None = None,
        *,
        wrt: Sequence[str] = ("w", "w_in", "I_bias"),
        pseudo_derivative: PseudoDerivative | str = "trapezoid",
        detach_reset: bool = False,
    ) -> Gradients:
        """Gradients of a number, from its gradients with respect to `activity` and `potentials`.

        The exact adjoint of the program that `run_batch` is, with the pseudo-derivative in place of the derivative of
        the step function: backpropagation through time, not an approximation of it.

        Parameters
        ----------
        into_activity : array_like, shape (samples, windows, n)
            What is beyond the end of a sample is not looked at.
        into_potentials : array_like, shape (samples, windows, n), optional
        wrt : sequence of str
            Of ``"w"`` (recurrent weights), ``"w_in"``, ``"w_event"``, ``"I_bias"``, ``"tau_m"``, ``"tau_syn"`` (if
            `run_batch` was told so), ``"v_th"``, ``"stimuli"``.
        pseudo_derivative : PseudoDerivative or str
        detach_reset : bool
            Hand no gradient through the reset, as if its moment did not depend on anything.

        Returns
        -------
        Gradients

        Raises
        ------
        HeteroError
            For other shapes, numbers that are not finite, or an unknown quantity.
        """
        plan, layout = self._plan, self._layout
        wanted = [str(x) for x in ([wrt] if isinstance(wrt, str) else wrt)]
        for name in wanted:
            if name not in QUANTITIES:
                raise HeteroError(f"there is no gradient with respect to {name!r}{suggest(name, QUANTITIES)}")
        if "tau_syn" in wanted and not plan.keep:
            raise HeteroError(
                "gradients with respect to tau_syn need the synaptic currents, which were not kept",
                fix='run_batch(..., keep=["currents"]) keeps them',
            )
        shape = self.activity.shape
        given = self._given("into_activity", into_activity, shape)
        if plan.decay:
            given = given.copy()
            for k, count in enumerate(self.windows):
                given[k, count:] = 0.0
            for t in range(shape[1] - 2, -1, -1):
                given[:, t] += plan.decay * given[:, t + 1]
        if into_potentials is not None and self.potentials is None:
            raise HeteroError("potentials were not kept", fix='run_batch(..., keep=["potentials"]) keeps them')
        potentials = None if into_potentials is None else self._given("into_potentials", into_potentials, shape)
        bump = PseudoDerivative.of(pseudo_derivative)
        if plan.smooth is not None and bump != plan.smooth:
            raise HeteroError(f"the spikes were smoothed by {plan.smooth!r}, got {bump!r}: give the same")

        def job(block: Block) -> Sums:
            return back(layout, plan, block, given, potentials, set(wanted), bump, detach_reset)

        with self._lock:
            parts = each(job, self._blocks, plan.threads)
        return self._gradients(parts, set(wanted))

    def _given(self, name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
        array = checks.finite_array(name, value, 3, empty=True)
        if array.shape != shape:
            raise HeteroError(
                f"{name} must have the shape {shape} of what it is for, got {array.shape}",
                fix="give one number for each",
            )
        # The kernel is compiled for plain arrays: not for read-only ones, or views.
        return array if array.flags.c_contiguous and array.flags.writeable else array.copy()

    def _gradients(self, parts: list[Sums], wanted: set[str]) -> Gradients:
        draw, layout = self._draw, self._layout
        n, dt = draw.n, draw.network.dt
        out: dict[str, Any] = {}
        steps = sum(b.steps for b in self._blocks)
        if "w" in wanted:
            w = _added([p.w for p in parts])
            out["plastic"], out["static"] = layout.split(w, len(draw.plastic))
        if "w_event" in wanted:
            dense = np.zeros_like(draw.w_event)
            channel = np.repeat(np.arange(dense.shape[1]), np.diff(layout.event_indptr))
            dense[layout.event_target, channel] = _added([p.event_w for p in parts])
            out["w_event"] = dense
        if "I_bias" in wanted:
            out["I_bias"] = _added([p.bias for p in parts])
        if "w_in" in wanted:
            out["w_in"] = _added([np.zeros(draw.w_in.shape), *(p.w_in for p in parts if p.w_in.size)])
        if "stimuli" in wanted:
            out["stimuli"] = [np.zeros_like(x.values) for x in self._stimuli]
            for block, part in zip(self._blocks, parts, strict=True):
                for lane, k in enumerate(block.members):
                    if self._stimuli[k].kind == "current":
                        mine = part.drive[: len(self._stimuli[k]), :, lane].astype(np.float64)
                        out["stimuli"][k] = mine @ draw.w_in
        for name, decay in (("tau_m", "decay_m"), ("tau_syn", "decay_syn")):
            if name in wanted:
                tau = draw.neurons[name]
                into = _added([getattr(p, decay).sum(axis=1, dtype=np.float64) for p in parts])
                out[name] = into * np.exp(-dt / tau) * dt / tau**2
        if "v_th" in wanted:
            out["v_th"] = _added([p.v_th.sum(axis=1, dtype=np.float64) for p in parts])
        reached = float(sum(int(p.touched.sum()) for p in parts) / (steps * n))
        return Gradients(reached=reached, **out)


def run_batch(
    draw: Draw,
    stimuli: Sequence[Stimulus],
    *,
    state: State | Recording | None = None,
    window: Any = None,
    tau_read: Any = None,
    keep: Sequence[str] = (),
    precision: str = "double",
    checkpoint: int | None = None,
    smooth: PseudoDerivative | None = None,
    workers: int | None = None,
) -> BatchRun:
    """Run a batch of samples through a network whose weights are frozen, so that gradients can be had.

    Parameters
    ----------
    draw : Draw
    stimuli : sequence of Stimulus
        Currents or events, of any lengths, with one hold. Each sample begins anew.
    state : State or Recording, optional
        Where every sample begins, with the weights it holds; otherwise where the draw begins.
    window : duration, optional
        What `activity` is counted over: the hold, or a part of which it is a multiple. By default the hold.
    tau_read : duration, optional
        Time constant of an exponential filter of the spikes, as in `states`; otherwise they are counted.
    keep : sequence of str
        ``"potentials"`` at the end of windows, ``"currents"`` for gradients with respect to ``tau_syn``.
    precision : {"double", "single"}
        In double precision the spikes are those of the three backends.
    checkpoint : int, optional
        Keep the state every so many steps instead of the potential of every one, and go over the steps in between
        twice: the tape of T steps takes the memory of `checkpoint` + 4 T / `checkpoint` ones.
    smooth : PseudoDerivative, optional
        Spikes between 0 and 1, of which this is the true derivative, for tests by finite differences.
    workers : int, optional
        Threads, each of which runs sixteen samples; all cores by default. Nothing depends on it.

    Returns
    -------
    BatchRun

    Raises
    ------
    HeteroError
        If the network's equations are not those of the shipped model, the batch is empty, its holds differ, a window
        does not divide them, or the tape would take more memory than there is.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> run = run_batch(d, [hr.uniform_stimulus(20, "10 ms", seed=k) for k in range(3)])
    >>> run.activity.shape
    (3, 20, 50)
    >>> run.backward(run.activity - 0.2).plastic.shape == d.plastic.w.shape
    True
    """
    require_equations(draw.network, "gradients are of the equations", "simulate networks with others")
    kernels()
    _check_finite(draw)
    stimuli = list(stimuli)
    if not stimuli:
        raise HeteroError("a batch needs at least one stimulus, got none")
    if isinstance(state, Recording):
        check_same_draw(draw, state)
        state = state.state
    begin = initial_state(draw) if state is None else state
    check_state(draw, begin, ("v", "I_syn"))
    plan = _plan(draw, stimuli, window, tau_read, keep, precision, checkpoint, smooth, workers)
    longest = max(len(x) for x in stimuli) * plan.hold
    layout = lay_out(draw, begin.w, plan.real, longest)
    if plan.smooth is not None and (layout.wait > 0).any():
        raise HeteroError("a smooth spike has no refractory time after it: set t_ref to one step at most")
    lengths = np.array([len(x) for x in stimuli])
    windows = lengths * plan.hold // plan.window
    order = np.argsort(-lengths, kind="stable")
    groups = [order[k : k + LANES].tolist() for k in range(0, len(stimuli), LANES)]
    _check_memory(draw.n, len(stimuli), [int(lengths[g[0]]) * plan.hold for g in groups], plan)
    left = np.clip(begin.last_spike + neuron_arrays(draw).refractory_steps - begin.step, 0, 2**24 - 1)
    parts = cleared((FORWARD_PARTS, draw.n, LANES), plan.real)
    for part, values in ((0, begin.variables["v"]), (1, begin.variables["I_syn"]), (3, left)):
        parts[part] = values[:, None]

    shape = (len(stimuli), int(windows.max()), draw.n)
    activity = cleared(shape, plan.real)
    potentials = cleared(shape, plan.real) if plan.look else None

    def job(group: list[int]) -> Block:
        block = prepared(draw, [stimuli[k] for k in group], group, layout, plan)
        ahead(layout, plan, block, parts.reshape(-1))
        hand_on(plan, block, activity, potentials)
        return block

    blocks = each(job, groups, plan.threads)
    return BatchRun(draw, stimuli, begin, layout, plan, blocks, windows, activity, potentials)


def _plan(
    draw: Draw, stimuli: list[Stimulus], window: Any, tau_read: Any, keep: Any, precision: str, checkpoint: Any,
    smooth: PseudoDerivative | None, workers: int | None,
) -> Plan:  # fmt: skip
    checks.one_of("precision", precision, tuple(PRECISIONS))
    kept = [keep] if isinstance(keep, str) else list(keep)
    for name in kept:
        checks.one_of("keep", name, ("potentials", "currents"))
    for k, stimulus in enumerate(stimuli):
        if not isinstance(stimulus, Stimulus):
            raise StimulusError(f"a batch is a list of stimuli, got {type(stimulus).__name__} at {k}")
        if stimulus.hold != stimuli[0].hold:
            raise StimulusError(
                f"all samples of a batch need one hold, got {stimuli[0].hold:g} and {stimulus.hold:g} ms (sample {k})",
                fix="make two batches of them",
            )
        check_channels(draw, stimulus)
        if len(stimulus) == 0:
            raise empty_stimulus()
    dt, real = draw.network.dt, PRECISIONS[precision]
    hold = units.steps(stimuli[0].hold, dt, "hold of the stimuli")
    size = hold if window is None else units.steps(checks.duration("window", window), dt, "window")
    if hold % size:
        raise HeteroError(
            f"window must divide the hold of {hold} steps evenly, got {size} steps", fix="leave it away for the hold"
        )
    kernel, decay = np.ones(size), 0.0
    if tau_read is not None:
        tau = checks.duration("tau_read", tau_read)
        kernel, decay = np.exp((np.arange(size) - size) * dt / tau), math.exp(-size * dt / tau)
    return Plan(
        real=real, hold=hold, window=size, kernel=kernel.astype(real), decay=decay, look="potentials" in kept,
        keep="currents" in kept,
        every=None if checkpoint is None else checks.whole("checkpoint", checkpoint, least=1),
        threads=cores() if workers is None else checks.whole("workers", workers, least=1), smooth=smooth,
    )  # fmt: skip


def _check_finite(draw: Draw) -> None:
    """Refuse a network with numbers that are none: a spike would hide them. A threshold may be out of reach."""
    for name, array in (
        ("plastic weights", draw.plastic.w), ("static weights", draw.static.w), ("w_in", draw.w_in),
        ("w_event", draw.w_event), *draw.neurons.items(),
    ):  # fmt: skip
        good = np.isfinite(array) | (np.isposinf(array) if name == "v_th" else False)
        if not good.all():
            raise HeteroError(
                f"{name} of the network must be finite, got {np.asarray(array)[~good].flat[0]}",
                fix="train with a lower learning rate, or draw the network again",
            )


def _check_memory(n: int, samples: int, steps: list[int], plan: Plan) -> None:
    """Refuse a batch whose tape, inputs and gradients would not fit."""
    itemsize = np.dtype(plan.real).itemsize
    rows = 0
    for count in steps:
        every = count if plan.every is None else min(count, plan.every)
        rows += every * (2 if plan.keep else 1) + FORWARD_PARTS * (count // every + 1)
        # The drive and its gradient; activity, potentials and their gradients, in lanes and by samples.
        rows += 2 * (count // plan.hold) + 3 * (1 + plan.look) * (count // plan.window)
    size = rows * n * LANES * itemsize + 8 * samples * (max(steps) // plan.window) * n
    best = max(1, round(2 * math.sqrt(max(steps))))
    memory.fits(
        f"a batch of {samples} samples, {max(steps)} steps and {n} neurons", size,
        f"use smaller batches, or checkpoint={best}",
    )  # fmt: skip


def _added(parts: list[Array]) -> Array:
    """The sum, always in the same order, in double precision."""
    total = np.zeros(parts[0].shape)
    for part in parts:
        total += part
    return total
