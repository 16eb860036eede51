"""What a network computes while it runs: operations counted on its drawn, sparse graph."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.stimulus import TOLERANCE, Stimulus
from hetero_rsnn.measures.efficiency import check_recorded
from hetero_rsnn.network.draw import Draw, Synapses
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.simulation.recording import Recording

#: How a table calls what is counted.
_NAMES = {
    "spikes": "spikes",
    "synaptic": "synaptic operations",
    "plastic": "of these through plastic synapses",
    "input_synaptic": "synaptic operations of input spikes",
    "input_products": "multiply-accumulates of analog input",
    "membrane_updates": "updates of neurons",
    "weight_updates": "updates of weights",
    "dense": "operations of full matrices",
}


@dataclass(frozen=True)
class Operations:
    """Operations of a network, each kind apart; what `count_operations` returns.

    Attributes
    ----------
    spikes : float
        Of the neurons; input spikes are not among them.
    synaptic : float
        Synaptic operations: one addition at one target of one spike, so spikes times fan-out.
    plastic : float
        How many of `synaptic` went through plastic synapses.
    input_synaptic : float
        The same for spikes of input channels.
    input_products : float
        Multiplications with addition that an analog input takes: once a sample, as the sums are held.
    membrane_updates : float
        Neurons times time steps: what a clock-driven system computes whatever the activity.
    weight_updates : float
        Visits of plastic synapses by learning: each spike visits those that leave its neuron and those that arrive; 0
        with frozen weights.
    dense : float
        What `synaptic` and the input would be if matrices were full and all neurons fired in all steps.
    seconds, inferences : float
        Simulated time and input samples that the counts are of; NaN where there is no such thing.
    """

    spikes: float
    synaptic: float
    plastic: float
    input_synaptic: float
    input_products: float
    membrane_updates: float
    weight_updates: float
    dense: float
    seconds: float
    inferences: float

    @property
    def per_second(self) -> Operations:
        """The same for one second of simulated time."""
        return self._scaled(1.0 / self.seconds)

    @property
    def per_inference(self) -> Operations:
        """The same for one inference: one sample of the input."""
        return self._scaled(1.0 / self.inferences)

    def _scaled(self, factor: float) -> Operations:
        return replace(self, **{f.name: factor * getattr(self, f.name) for f in fields(self)})

    def weight_traffic(self, weight_bits: float = 32) -> float:
        """Bytes of weights that are read and written, if none is kept beside its target.

        Parameters
        ----------
        weight_bits : float
            Bits of a weight. Each operation reads one; each update of a weight reads and writes one.

        Returns
        -------
        float

        Examples
        --------
        >>> from hetero_rsnn import Operations
        >>> Operations(10, 400, 0, 0, 100, 4000, 0, 160000, 0.01, 1).weight_traffic(8)
        500.0
        """
        bits = checks.real("weight_bits", weight_bits, above=0.0)
        visits = self.synaptic + self.input_synaptic + self.input_products + 2.0 * self.weight_updates
        return visits * bits / 8.0

    def neurobench(self) -> dict[str, float]:
        """The counts of an inference by the names of NeuroBench's metric SynapticOperations.

        Returns
        -------
        dict of str to float
            ``"Effective_MACs"``, ``"Effective_ACs"`` and ``"Dense"``, for the layer of analog input running once a
            sample and that of recurrent synapses once a step.

        References
        ----------
        J. Yik et al., *The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems*,
        Nature Communications 16, 2025, arXiv:2304.04640.
        """
        one = self.per_inference
        return {
            "Effective_MACs": one.input_products,
            "Effective_ACs": one.synaptic + one.input_synaptic,
            "Dense": one.dense,
        }

    def __str__(self) -> str:
        counts = ", ".join(f"{getattr(self, k):.4g} {name}" for k, name in _NAMES.items() if k not in ("dense",))
        return f"{counts} in {self.seconds:.4g} s and {self.inferences:.4g} inferences"

    def _repr_html_(self) -> str:
        each, second = self.per_inference, self.per_second
        rows = [(n, f"{getattr(each, k):.4g}", f"{getattr(second, k):.4g}") for k, n in _NAMES.items()]
        return TextTable("operations", ("", "per inference", "per second"), rows).html()


def fan_out(synapses: Synapses, w: Array | None = None) -> Array:
    """Targets of each neuron, shape (n,): synapses whose weight is not 0, of weights `w`; None counts all."""
    if w is None:
        return np.diff(synapses.indptr).astype(np.float64)
    present = np.concatenate([[0], np.cumsum(w != 0)])
    return np.diff(present[synapses.indptr]).astype(np.float64)


def reach(drawn: Draw, w: Array | None = None) -> Array:
    """Targets of each neuron through all its synapses, shape (n,); `w` are the weights of the plastic ones."""
    return fan_out(drawn.plastic, w) + fan_out(drawn.static, drawn.static.w)


def count_operations(drawn: Draw, recording: Recording, stimulus: Stimulus | None = None) -> Operations:
    """Count what a recorded network computed.

    Parameters
    ----------
    drawn : Draw
        The network that was simulated.
    recording : Recording
    stimulus : Stimulus, optional
        The one that was simulated. Without it the operations of the input are not counted.

    Returns
    -------
    Operations
        Totals of the recording. A synapse whose weight is 0 adds nothing and is not counted, unless it learns.

    Raises
    ------
    HeteroError
        If recording, network and stimulus do not belong together.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> drawn = hr.draw("henhes", seed=1)
    >>> u = hr.uniform_stimulus(100, "10 ms", seed=2)
    >>> found = hr.count_operations(drawn, hr.simulate(drawn, u, plasticity=False), u)
    >>> found.membrane_updates, found.input_products, found.weight_updates
    (400000.0, 40000.0, 0.0)
    >>> 30 < found.synaptic / found.spikes < 50  # of 400 neurons each reaches a tenth
    True

    References
    ----------
    J. Yik et al., Nature Communications 16, 2025, arXiv:2304.04640, for what an effective operation is.
    """
    check_recorded(recording, stimulus)
    _check_drawn(drawn, recording)
    learns = bool(recording.provenance.get("plasticity", False)) and drawn.network.learns
    fired = np.bincount(recording.spike_neurons, minlength=drawn.n).astype(np.float64)
    plastic = float(fired @ fan_out(drawn.plastic, None if learns else recording.weights))
    static = float(fired @ fan_out(drawn.static, drawn.static.w))
    steps = float(round(recording.samples * recording.hold / recording.dt))
    by_spikes, products, dense = (0.0, 0.0, 0.0) if stimulus is None else input_operations(drawn, stimulus, steps)
    return Operations(
        spikes=float(fired.sum()),
        synaptic=plastic + static,
        plastic=plastic,
        input_synaptic=by_spikes,
        input_products=products,
        membrane_updates=drawn.n * steps,
        weight_updates=_visits(drawn, fired) if learns else 0.0,
        dense=drawn.n**2 * steps + dense,
        seconds=recording.duration / 1e3,
        inferences=float(recording.samples),
    )


def _check_drawn(drawn: Any, recording: Recording) -> None:
    if not isinstance(drawn, Draw):
        raise HeteroError(f"the network must be a draw, got {type(drawn).__name__}", fix="use draw(network, seed)")
    if recording.n != drawn.n or recording.weights.size != len(drawn.plastic):
        raise HeteroError(
            f"the recording has {recording.n} neurons and {recording.weights.size} plastic synapses, the draw "
            f"{drawn.n} and {len(drawn.plastic)}",
            fix="give the draw that was simulated",
        )


def input_operations(drawn: Draw, stimulus: Stimulus, steps: float) -> tuple[float, float, float]:
    """Additions of input spikes, products of analog input, and what a full matrix would take."""
    if stimulus.channels != drawn.network.input.channels:
        raise HeteroError(
            f"the stimulus has {stimulus.channels} channels, the network {drawn.network.input.channels}",
            fix="give the stimulus that was simulated",
        )
    size = float(drawn.n * stimulus.channels)
    if stimulus.kind == "events":
        # Events of one channel in one step are one spike to the network; times may lie a rounding error before it.
        dt = drawn.network.dt
        step = np.floor((stimulus.event_times + min(TOLERANCE, 1e-3 * dt)) / dt).astype(np.int64)
        once = np.unique(step * stimulus.channels + stimulus.event_channels)
        events = np.bincount(once % stimulus.channels, minlength=stimulus.channels)
        return float(events @ (drawn.w_event != 0).sum(axis=0)), 0.0, size * steps
    given = (stimulus.values != 0).sum(axis=0)
    return 0.0, float(given @ (drawn.w_in != 0).sum(axis=0)), size * len(stimulus)


def _visits(drawn: Draw, fired: Array) -> float:
    """How often spikes made plastic synapses learn."""
    visits = 0.0
    for part in (p for p in by_rule(drawn) if p.rule.learns):
        leaving, arriving = fan_out(part.synapses), np.bincount(part.synapses.target, minlength=drawn.n)
        visits += float(fired @ (leaving * bool(part.rule.on_pre.strip()) + arriving * bool(part.rule.on_post.strip())))
    return visits
