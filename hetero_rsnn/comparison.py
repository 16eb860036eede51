"""Comparing networks on the same seeds: each with its interval, and the paired differences to a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hetero_rsnn.errors import HeteroError, suggest
from hetero_rsnn.netfile import load_network
from hetero_rsnn.network import Network
from hetero_rsnn.parallel import Progress
from hetero_rsnn.study import Estimate, Measurement, estimate, measure_many

#: The canonical networks: homogeneous or heterogeneous Neurons x homogeneous or heterogeneous Synapses.
CANONICAL = ("honhos", "henhos", "honhes", "henhes")
#: What is compared.
COMPARED = ("C", "S", "rate_hz", "E", "correlation", "weight")
#: Settings of a quick look; numbers are rough then.
QUICK: dict[str, Any] = {
    "n": 200,
    "protocol.samples": 1500,
    "protocol.washout": 50,
    "protocol.d_max": 40,
    "protocol.train": "5 s",
}


@dataclass(frozen=True)
class Comparison:
    """Measurements of several networks on the same seeds.

    Attributes
    ----------
    measurements : tuple of Measurement
    baseline : str
        Name of the network that the others are compared with.
    """

    measurements: tuple[Measurement, ...]
    baseline: str

    def __getitem__(self, name: str) -> Measurement:
        for m in self.measurements:
            if m.network.name == name:
                return m
        names = [m.network.name for m in self.measurements]
        raise HeteroError(f"no network {name!r} in this comparison{suggest(name, names)}")

    @property
    def seeds(self) -> list[int]:
        """Seeds that all networks share."""
        return [r.seed for r in self.measurements[0].rows]

    def difference(self, name: str, quantity: str, to: str | None = None) -> Estimate:
        """Paired difference of a quantity, seed by seed, between a network and another (default: the baseline).

        Returns
        -------
        Estimate
            Over the seeds in which both have a value.
        """
        return estimate(self[name][quantity] - self[to or self.baseline][quantity])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        others = [m.network.name for m in self.measurements if m.network.name != self.baseline]
        return {
            "format": "hetero_rsnn comparison",
            "version": 1,
            "baseline": self.baseline,
            "seeds": self.seeds,
            "networks": [m.to_dict() for m in self.measurements],
            "differences": {
                name: {q: asdict(self.difference(name, q)) for q in COMPARED if q != "rate_hz"} for name in others
            },
        }


def compare(
    networks: Sequence[str | Path | Network] = CANONICAL,
    seeds: Iterable[int] = range(20),
    *,
    baseline: str | None = None,
    backend: str = "fast",
    target: str = "numpy",
    workers: int = 1,
    progress: Progress | None = None,
    recordings: Path | None = None,
) -> Comparison:
    """Measure several networks on the same seeds.

    Parameters
    ----------
    networks : sequence of str, Path or Network
    seeds : iterable of int
    baseline : str, optional
        Name of the network to compare with; by default ``"honhos"`` if it is among them, else the first.
    backend, target : str
        See `simulate`.
    workers : int
        Processes; the results do not depend on it.
    progress : callable, optional
        Called with (finished, total).
    recordings : Path, optional
        Folder to write the recording of every measurement to, as ``NETWORK-SEED.npz`` and ``.json``.

    Returns
    -------
    Comparison

    Raises
    ------
    HeteroError
        If two networks have one name, or the baseline is not among them.
    """
    nets = [load_network(n) for n in networks]
    names = [n.name for n in nets]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise HeteroError(f"two networks are called {twice[0]!r}: give one of them another name in its file")
    if baseline is None:
        baseline = "honhos" if "honhos" in names else names[0] if names else ""
    elif baseline not in names:
        raise HeteroError(f"the baseline {baseline!r} is not among the networks{suggest(baseline, names)}")
    measured = measure_many(
        nets, seeds, backend=backend, target=target, workers=workers, progress=progress, recordings=recordings
    )
    return Comparison(tuple(measured), baseline)
