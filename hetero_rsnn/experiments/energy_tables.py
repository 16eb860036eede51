"""What networks would spend on hardware, as a table, and whether their order changes when fan-out counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.experiments.comparison import Comparison
from hetero_rsnn.experiments.measurement_result import Measurement
from hetero_rsnn.experiments.sweep_result import Sweep
from hetero_rsnn.measures.energy import Hardware, hardware_of
from hetero_rsnn.measures.estimates import Estimate, cell
from hetero_rsnn.network.shipped import label

_HEADINGS = ("synaptic operations/sample", "C / 1,000 of them", "nJ/sample", "C / nJ")
#: Parts of the energy whose shares are shown, by their headings; the last three only where some network spends there.
_PARTS = {"synapses": "synapses", "neurons": "neurons", "inputs": "input"}
_MORE = {"spikes": "spikes", "memory": "memory", "learning": "learning"}


def energy_table(
    named: Sequence[tuple[str, Measurement]], hardware: str | Hardware = "45nm", *, first: str = "network"
) -> TextTable:
    """Synaptic operations and energy of a sample, and C over both, with 95 % intervals over seeds.

    Parameters
    ----------
    named : sequence of (str, Measurement)
        What stands in the first column, and its measurement.
    hardware : str or Hardware
        See `hetero_rsnn.energy`.
    first : str
        Heading of the first column.

    Returns
    -------
    TextTable
        Its title names the source of the costs, and the order by E, by C per synaptic operation and by C per nJ.

    Raises
    ------
    HeteroError
        If the hardware is unknown.
    """
    known = hardware_of(hardware)
    energies = {name: m.energy(known) for name, m in named}
    spent = [energies[name] for name, m in named if m.counted]
    parts = _PARTS | {k: v for k, v in _MORE.items() if any(e[k].mean > 0 for e in spent)}
    headings = (*_HEADINGS, *parts.values())
    rows = []
    for name, m in named:
        if not m.counted:
            rows.append((name, "not counted", *([""] * (len(headings) - 1))))
            continue
        summary, found = m.summary(), energies[name]
        shares = (f"{found[part].mean:.1%}" for part in parts)
        numbers = (
            f"{summary['synaptic_operations'].mean:,.0f}", cell(summary["C_per_1000_operations"]), cell(found["nJ"]),
            cell(found["C_per_nJ"]),
        )  # fmt: skip
        rows.append((name, *numbers, *shares))
    title = "; ".join([f"energy on {known.name} by its costs, not measured", *_orders(named, energies), known.source])
    return TextTable(title, (first, *headings), rows)


def _orders(named: Sequence[tuple[str, Measurement]], energies: Mapping[str, Mapping[str, Estimate]]) -> list[str]:
    """The order of the networks by each ratio, from the largest mean; networks without a value are left out."""
    means = {
        "E": {name: m.summary()["E"].mean for name, m in named},
        "C per synaptic operation": {name: m.summary()["C_per_1000_operations"].mean for name, m in named if m.counted},
        "C per nJ": {name: energies[name]["C_per_nJ"].mean for name, _ in named},
    }
    by = {}
    for key, values in means.items():
        there = {name: value for name, value in values.items() if not math.isnan(value)}
        by[key] = " > ".join(sorted(there, key=lambda name: -there[name]))
    orders = [f"order by E: {by['E'] or 'none'}"]
    return orders + [f"by {key}: {'the same' if by[key] == by['E'] else by[key] or 'none'}" for key in list(means)[1:]]


def comparison_energy(comparison: Comparison, hardware: str | Hardware = "45nm") -> TextTable:
    """`energy_table` of compared networks.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> protocol = {"protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"}
    >>> small = hr.load_network("henhes", n=50, **protocol)
    >>> found = hr.compare({"narrow": small, "wide": small.replace(**{"E.tau_m.cv": 1.0})}, seeds=range(2))
    >>> comparison_energy(found).headings[1]
    'synaptic operations/sample'
    """
    return energy_table([(label(m.network.name), m) for m in comparison.measurements], hardware)


def sweep_energy(sweep: Sweep, hardware: str | Hardware = "45nm") -> list[TextTable]:
    """`energy_table` of each curve of a sweep, a row for every value."""
    head = f"{sweep.parameter} ({sweep.unit})" if sweep.unit else sweep.parameter
    tables = []
    for curve in sweep.curves:
        names = [f"{value:.6g}" for value in curve.values] or [curve.name]
        found = energy_table(list(zip(names, curve.measurements, strict=True)), hardware, first=head)
        tables.append(TextTable(f"{curve.name}; {found.title}", found.headings, found.rows))
    return tables
