"""Energy that a network would take on hardware: counted operations times published costs.

These are estimates from constants, not measurements. They leave out leakage, clocks, routing between chips, and
whatever else a source does not state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.measures.operations import Operations

_PICO = 1e-12


@dataclass(frozen=True)
class Hardware:
    """What operations cost, in picojoules each.

    Attributes
    ----------
    name : str
    synaptic_operation : float
        An addition of a weight at the target of a spike.
    multiply_accumulate : float
        A product of analog input and weight, added.
    membrane_update : float
        A time step of a neuron.
    spike : float
        Sending a spike, once, whatever its targets.
    weight_update : float or None
        A visit of a plastic synapse by learning; None where no source states it.
    weight_bit : float
        Reading or writing a bit of a weight; 0 where the other costs contain it, or memory is left out.
    source : str
        Where the numbers come from, and what of them is our choice.

    Raises
    ------
    HeteroError
        If a cost is no finite number >= 0, or name or source is empty.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> mine = hr.Hardware("mine", 1.0, 4.0, 10.0, source="our own measurement")
    >>> hr.energy(hr.Operations(10, 400, 0, 0, 100, 4000, 0, 160000, 0.01, 1), mine).total  # joules
    4.08e-08
    """

    name: str
    synaptic_operation: float
    multiply_accumulate: float
    membrane_update: float
    spike: float = 0.0
    weight_update: float | None = None
    weight_bit: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        for key in ("synaptic_operation", "multiply_accumulate", "membrane_update", "spike", "weight_bit"):
            checks.real(key, getattr(self, key), least=0.0)
        if self.weight_update is not None:
            checks.real("weight_update", self.weight_update, least=0.0)
        for key in ("name", "source"):
            if not isinstance(getattr(self, key), str) or not getattr(self, key).strip():
                raise HeteroError(
                    f"{key} of a hardware must be text, got {getattr(self, key)!r:.80}",
                    fix="say where its numbers come from" if key == "source" else "give it one",
                )


_HOROWITZ = (
    "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "doi:10.1109/ISSCC.2014.6757323: 32-bit floating point at 45 nm and 0.9 V, addition 0.9 pJ, multiplication 3.7 pJ"
)
_CHOICE = "an update of a neuron and of a weight counted as one multiply-accumulate is our choice"

#: Costs with their sources, by the name that `energy` takes.
HARDWARE: Mapping[str, Hardware] = MappingProxyType(
    {
        "45nm": Hardware(
            "45nm", 0.9, 4.6, 4.6, weight_update=4.6, source=f"{_HOROWITZ}; arithmetic alone; {_CHOICE}"
        ),
        "45nm-sram": Hardware(
            "45nm-sram", 0.9, 4.6, 4.6, weight_update=4.6, weight_bit=10.0 / 64.0,
            source=f"{_HOROWITZ}, 64 bits of a cache of 8 KB 10 pJ; weights are read from such; {_CHOICE}",
        ),
        "loihi": Hardware(
            "loihi", 23.6, 23.6, 81.0, spike=1.7,
            source="M. Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro 38, "
            "2018, doi:10.1109/MM.2018.112130359: synaptic operation 23.6 pJ (at least), update of an active neuron "
            "81 pJ (of an inactive one 52 pJ), spike within a tile 1.7 pJ; all neurons counted as active, and an "
            "analog input as a synaptic operation, are our choices",
        ),
        "a100": Hardware(
            "a100", 41.0, 41.0, 41.0, weight_update=41.0,
            source="NVIDIA A100 Tensor Core GPU, data sheet: 19.5 Tflop/s of 32 bits at 400 W (SXM), so 20.5 pJ a "
            "floating-point operation at full load, which sparse networks do not reach; a multiply-accumulate is two, "
            "and an addition takes its place in the pipeline; an update of a neuron and of a weight counted as one "
            "multiply-accumulate is our choice",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Energy:
    """Energy of counted operations in joules, by what takes it; what `energy` returns.

    Attributes
    ----------
    synapses : float
        Spikes between neurons: additions at their targets.
    inputs : float
        Analog input and input spikes.
    neurons : float
        Updates of neurons in every time step.
    spikes : float
        Sending spikes.
    learning : float
        Updates of weights.
    memory : float
        Reading and writing weights.
    hardware, source : str
    """

    synapses: float
    inputs: float
    neurons: float
    spikes: float
    learning: float
    memory: float
    hardware: str
    source: str

    @property
    def parts(self) -> dict[str, float]:
        """Every part in joules."""
        return {k: getattr(self, k) for k in ("synapses", "inputs", "neurons", "spikes", "learning", "memory")}

    @property
    def total(self) -> float:
        """All parts together, in joules."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {_joules(x)}" for name, x in self.parts.items() if x)
        return f"{_joules(self.total)} on {self.hardware}" + (f" ({parts})" if parts else "")

    def _repr_html_(self) -> str:
        rows = [(name, _joules(x)) for name, x in (*self.parts.items(), ("total", self.total))]
        return TextTable(f"energy on {self.hardware}; {self.source}", ("part", "energy"), rows).html()


def _joules(x: float) -> str:
    for unit, size in (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9)):
        if abs(x) >= size:
            return f"{x / size:.3g} {unit}"
    return f"{x / _PICO:.3g} pJ"


def hardware_of(hardware: str | Hardware) -> Hardware:
    """Costs by their name in `HARDWARE`, or as they are.

    Raises
    ------
    HeteroError
        If there is no hardware of that name.
    """
    if isinstance(hardware, Hardware):
        return hardware
    if not isinstance(hardware, str) or hardware not in HARDWARE:
        hint = suggest(str(hardware), HARDWARE)
        raise HeteroError(f"unknown hardware {hardware!r:.80}{hint}", fix="or give a Hardware of your own")
    return HARDWARE[hardware]


def energy(operations: Operations, hardware: str | Hardware = "45nm", *, weight_bits: float = 32) -> Energy:
    """Energy of operations on hardware, in joules.

    Parameters
    ----------
    operations : Operations
        Of a whole recording, ``per_second`` or ``per_inference``: the energy is that of what is given.
    hardware : str or Hardware
        One of `HARDWARE`, or costs of your own.
    weight_bits : float
        Bits of a weight, for hardware that states what reading one takes. See `Operations.weight_traffic`.

    Returns
    -------
    Energy

    Raises
    ------
    HeteroError
        If the hardware is unknown, or states no cost for weights that were updated.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> one = hr.Operations(10, 400, 0, 0, 100, 4000, 0, 160000, 0.01, 1)
    >>> print(hr.energy(one))
    19.2 nJ on 45nm (synapses 360 pJ, inputs 460 pJ, neurons 18.4 nJ)
    >>> print(hr.energy(one, "loihi"))
    336 nJ on loihi (synapses 9.44 nJ, inputs 2.36 nJ, neurons 324 nJ, spikes 17 pJ)

    References
    ----------
    The `source` of each hardware.
    """
    if not isinstance(operations, Operations):
        raise HeteroError(f"operations are what count_operations returns, got {type(operations).__name__}")
    h = hardware_of(hardware)
    if operations.weight_updates and h.weight_update is None:
        raise HeteroError(
            f"{h.name} has no cost of a weight update, and {operations.weight_updates:.6g} were counted",
            fix="simulate with plasticity=False, or give a Hardware of your own",
        )
    bits = 8.0 * operations.weight_traffic(weight_bits)
    return Energy(
        synapses=_PICO * h.synaptic_operation * operations.synaptic,
        inputs=_PICO
        * (h.multiply_accumulate * operations.input_products + h.synaptic_operation * operations.input_synaptic),
        neurons=_PICO * h.membrane_update * operations.membrane_updates,
        spikes=_PICO * h.spike * operations.spikes,
        learning=_PICO * (h.weight_update or 0.0) * operations.weight_updates,
        memory=_PICO * h.weight_bit * bits,
        hardware=h.name,
        source=h.source,
    )
