"""What measurements gave: the numbers of each seed, and their means and intervals over seeds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array
from hetero_rsnn.common.versions import versions
from hetero_rsnn.measures.energy import HARDWARE, Hardware, energy
from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.measures.operations import Operations
from hetero_rsnn.network.definition import Network

#: What `Measurement.summary` averages.
QUANTITIES = ("C", "S", "E", "rate_hz", "silent_share", "correlation", "weight")
#: What it averages too, where operations were counted.
COUNTED = ("synaptic_operations", "synaptic_operations_hz", "C_per_1000_operations")

#: How they are called in a table.
_NAMES = {
    "C": "C (samples)", "S": "S (spikes/sample)", "E": "E = C/S", "rate_hz": "rate (Hz)",
    "silent_share": "silent share", "weight": "mean weight / w_max",
    "synaptic_operations": "synaptic operations/sample", "synaptic_operations_hz": "synaptic operations/s",
    "C_per_1000_operations": "C / 1,000 synaptic operations",
}  # fmt: skip


@dataclass(frozen=True)
class SeedResult:
    """What one seed of one network gave.

    Attributes
    ----------
    seed : int
    C, C_stderr, S, E, E_stderr, rate_hz, silent_share : float
        See `Efficiency`; E is NaN where it has no value.
    correlation : float
        See `state_correlation`.
    weight : float
        Mean plastic weight after training as a share of w_max; NaN without plasticity. Of weights that gradients have
        trained it may lie outside 0..1.
    determinant, H : dict of str to float
        Heterogeneity of the drawn parameters, by group; see `Draw.heterogeneity`.
    curve : tuple of float
        Memory curve, C_d for d = 1..d_max.
    train_rate_hz : float
        Mean rate during training; NaN without training.
    seconds : dict of str to float
        Wall time of each phase.
    reason : str
        Why E has no value; empty if it has.
    operations : Operations or None
        Counted during the measurement; None in rows of journals from before they were counted.
    """

    seed: int
    C: float
    C_stderr: float
    S: float
    E: float
    E_stderr: float
    rate_hz: float
    silent_share: float
    correlation: float
    weight: float
    determinant: dict[str, float]
    H: dict[str, float]
    curve: tuple[float, ...]
    train_rate_hz: float
    seconds: dict[str, float]
    reason: str = ""
    operations: Operations | None = None

    @property
    def synaptic_operations(self) -> float:
        """Synaptic operations of the whole network in a sample, the input's not among them; NaN if not counted."""
        return math.nan if self.operations is None else self.operations.per_inference.synaptic

    @property
    def synaptic_operations_hz(self) -> float:
        """The same in a second."""
        return math.nan if self.operations is None else self.operations.per_second.synaptic

    @property
    def C_per_1000_operations(self) -> float:
        """C over thousands of synaptic operations in a sample; NaN where E has no value, or none was counted."""
        return math.nan if self.reason else _ratio(self.C, self.synaptic_operations / 1e3)

    def nanojoules(self, hardware: str | Hardware = "45nm", *, weight_bits: float = 32) -> float:
        """Energy of a sample on hardware in nJ, see `hetero_rsnn.energy`; NaN if operations were not counted."""
        if self.operations is None:
            return math.nan
        return 1e9 * energy(self.operations.per_inference, hardware, weight_bits=weight_bits).total

    def C_per_nJ(self, hardware: str | Hardware = "45nm", *, weight_bits: float = 32) -> float:
        """C over the energy of a sample in nJ; NaN where E has no value, or operations were not counted."""
        return math.nan if self.reason else _ratio(self.C, self.nanojoules(hardware, weight_bits=weight_bits))


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


@dataclass(frozen=True)
class Measurement:
    """All seeds of one network, in the order asked for."""

    network: Network
    rows: tuple[SeedResult, ...]
    backend: str
    precision: str = "double"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Array:
        """One quantity over the seeds, e.g. ``m["C"]``, shape (seeds,); ``m["curve"]`` has shape (seeds, d_max)."""
        single = name in SeedResult.__dataclass_fields__ or name in COUNTED
        if not single or name in {"determinant", "H", "seconds", "operations"}:
            known = ", ".join((*QUANTITIES, *COUNTED))
            raise HeteroError(f"a measurement has no column {name!r} (known: seed, curve, {known})")
        return np.array([getattr(r, name) for r in self.rows], dtype=float)

    def summary(self) -> dict[str, Estimate]:
        """Mean, standard error and 95 % interval of each quantity over the seeds; H by group (``"H neurons E"``)."""
        out = {q: estimate(self[q]) for q in (*QUANTITIES, *(COUNTED if self.counted else ()))}
        for group in self.rows[0].H:
            out[f"H {group}"] = estimate(r.H[group] for r in self.rows)
            out[f"determinant {group}"] = estimate(r.determinant[group] for r in self.rows)
        return out

    @property
    def counted(self) -> bool:
        """Whether operations were counted in all seeds."""
        return all(r.operations is not None for r in self.rows)

    def energy(self, hardware: str | Hardware = "45nm", *, weight_bits: float = 32) -> dict[str, Estimate]:
        """Mean and 95 % interval over the seeds of the energy that a sample would take on hardware, and of C over it.

        Parameters
        ----------
        hardware, weight_bits
            See `hetero_rsnn.energy`.

        Returns
        -------
        dict of str to Estimate
            ``"nJ"`` a sample, ``"C_per_nJ"``, and the share of each part of `Energy`: ``"synapses"``, ...
            Undefined if operations were not counted.

        Examples
        --------
        >>> import hetero_rsnn as hr
        >>> protocol = {"protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"}
        >>> found = hr.measure(hr.load_network("henhes", n=50, **protocol), seeds=2).energy("loihi")
        >>> found["C_per_nJ"].n, found["neurons"].mean > 0.9
        (2, True)
        """
        out = {
            "nJ": estimate(r.nanojoules(hardware, weight_bits=weight_bits) for r in self.rows),
            "C_per_nJ": estimate(r.C_per_nJ(hardware, weight_bits=weight_bits) for r in self.rows),
        }
        if not self.counted:
            return out
        found = [energy(r.operations, hardware, weight_bits=weight_bits) for r in self.rows if r.operations is not None]
        return {**out, **{part: estimate(e.parts[part] / e.total for e in found) for part in found[0].parts}}

    @property
    def reason(self) -> str:
        """Why E has no mean: of how many seeds, and the reason of the first of them; empty if it has one."""
        without = [r for r in self.rows if math.isnan(r.E)]
        if not without:
            return ""
        return f"{len(without)} of {len(self)} seeds have none; seed {without[0].seed}: {without[0].reason}"

    def __str__(self) -> str:
        s = self.summary()
        text = f"{self.network.name} ({len(self)} seeds): " + ", ".join(
            f"{q} = {s[q]}" for q in ("C", "S", "rate_hz", "E")
        )
        return f"{text} ({self.network.note})" if self.network.note else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        summary = self.summary()
        rows = [(_NAMES.get(q, q), cell(e)) for q, e in summary.items() if not q.startswith("determinant")]
        seeds = f"{len(self)} seed{'s' * (len(self) != 1)}"
        title = f"{self.network.name}, {seeds}, {self.network.n} neurons; mean [95 % interval]"
        return TextTable("; ".join(filter(None, [title, self.network.note])), ("quantity", "value"), rows).html()

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the memory curve, mean over the seeds; see `hetero_rsnn.plots.plot_memory_curve` for the options."""
        return figure_of("Measurement")([self], ax, **options)

    def table(self) -> list[dict[str, Any]]:
        """One row a seed: network, seed, every quantity, H by group, why E has no value."""
        return [
            {
                "network": self.network.name,
                "seed": r.seed,
                **{q: getattr(r, q) for q in ("C", "C_stderr", "S", "E", "E_stderr", *QUANTITIES[3:], *COUNTED)},
                **{f"H {group}": h for group, h in r.H.items()},
                "reason": r.reason,
            }
            for r in self.rows
        ]

    def to_pandas(self) -> Any:
        """`table` as a pandas DataFrame.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        return need("pandas", "pandas", "to_pandas").DataFrame(self.table())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: provenance with the network's whole definition, every seed, and the summary."""
        summary: dict[str, Any] = {k: asdict(v) for k, v in self.summary().items()}
        summary["E"]["reason"] = self.reason
        return {
            "network": self.network.name,
            "fingerprint": self.network.fingerprint,
            "n": self.network.n,
            "definition": self.network.to_dict(),
            **({"note": self.network.note} if self.network.note else {}),
            "backend": self.backend,
            "precision": self.precision,
            "versions": versions(),
            "protocol": asdict(self.network.protocol),
            "summary": summary,
            **({"energy": self._energies()} if self.counted else {}),
            "seeds": [asdict(r) for r in self.rows],
        }

    def _energies(self) -> dict[str, Any]:
        """Energy of a sample on all known hardware, for JSON."""
        found = {name: self.energy(name) for name in HARDWARE}
        return {name: {k: asdict(e[k]) for k in ("nJ", "C_per_nJ")} for name, e in found.items()}
