"""Comparing networks on the same seeds: each with its interval, and the paired differences to a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hetero_rsnn.common.capacities import QUESTIONS
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.experiments.measurement import measure_many
from hetero_rsnn.experiments.measurement_journal import (
    complete_seeds,
    measurement_log,
    measurements_of,
    network_of,
    read_measurements,
    study_of,
)
from hetero_rsnn.experiments.measurement_result import Measurement
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.measures.estimates import Estimate, cell, estimate
from hetero_rsnn.network.definition import Network, mixed_pairs
from hetero_rsnn.network.loading import load_network
from hetero_rsnn.network.parts import ALIKE
from hetero_rsnn.network.shipped import CANONICAL, POINTS, canonical_networks, kind_and_point, label
from hetero_rsnn.simulation.engine import Engine

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


def quick_settings(networks: Sequence[Network]) -> list[dict[str, Any]]:
    """Overrides of each network for a quick look.

    Given arrays have their size, and have been trained. C grows with the number of neurons, so the other networks take
    that size (the first, if there are several), and all as many samples as the largest needs.
    """
    sizes = [net.n for net in networks if net.arrays is not None]
    if not sizes:
        return [dict(QUICK) for _ in networks]
    samples = max(QUICK["protocol.samples"], math.ceil(QUICK["protocol.samples"] / QUICK["n"] * max(sizes)))
    drawn = {**QUICK, "n": sizes[0], "protocol.samples": samples}
    given = {k: v for k, v in drawn.items() if k not in ("n", "protocol.train")}
    return [dict(drawn if net.arrays is None else given) for net in networks]


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

    @classmethod
    def from_journal(cls, path: str | Path, *, baseline: str | None = None) -> Comparison:
        """Read the journal of a comparison, even while it runs: the seeds on which all networks were measured.

        Raises
        ------
        JournalError
            If it cannot be read, is of something else, has no such seed yet, or is of a trained network.

        Examples
        --------
        >>> import hetero_rsnn as hr
        >>> hr.Comparison.from_journal("none.jsonl")
        Traceback (most recent call last):
        ...
        hetero_rsnn.common.errors.JournalError: there is no journal none.jsonl: give the path of one
        """
        header, rows = read_measurements(path, "comparison")
        nets = [network_of(path, entry) for entry in header["networks"]]
        seeds = complete_seeds(path, nets, rows)
        name = _baseline([net.name for net in nets], baseline)
        return cls(tuple(measurements_of(nets, seeds, rows, Engine(**header["engine"]))), name)

    def __repr__(self) -> str:
        names = ", ".join(m.network.name for m in self.measurements)
        return f"Comparison({names}; baseline {self.baseline!r}, {len(self.seeds)} seeds)"

    def __str__(self) -> str:

        return "\n\n".join(map(str, comparison_tables(self)))

    def _repr_html_(self) -> str:

        return "".join(table.html() for table in comparison_tables(self))

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw E over C, every network with its 95 % intervals; see `hetero_rsnn.plots.plot_efficiency`."""
        return figure_of("Comparison")(self.measurements, ax, **options)

    def to_pandas(self) -> Any:
        """One row a network and seed, as a pandas DataFrame; see `Measurement.table` for the columns.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        rows = [row for m in self.measurements for row in m.table()]
        return need("pandas", "pandas", "to_pandas").DataFrame(rows)

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
            Undefined if either has no value in some seed.
        """
        return estimate(self[name][quantity] - self[to or self.baseline][quantity])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs worth comparing: each network with the baseline, and henhes with henhos."""
        names = [m.network.name for m in self.measurements if m.network.name != self.baseline]
        pairs = [(name, self.baseline) for name in names]
        # What the heterogeneity of synapses does to heterogeneous neurons.
        four = (canonical_networks(point) for point in POINTS)
        return pairs + [(he, hen) for _, hen, _, he in four if {he, hen} <= set(names)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        mixed = mixed_pairs([m.network for m in self.measurements])
        return {
            "format": "hetero_rsnn comparison",
            "version": 1,
            "baseline": self.baseline,
            "seeds": self.seeds,
            **({"note": mixed} if mixed else {}),
            "networks": [m.to_dict() for m in self.measurements],
            "differences": [self._differences(name, to) for name, to in self.pairs],
        }

    def _differences(self, name: str, to: str) -> dict[str, Any]:
        out: dict[str, Any] = {q: asdict(self.difference(name, q, to)) for q in COMPARED}
        out["E"]["reason"] = "; ".join(f"{k}: {self[k].reason}" for k in (name, to) if self[k].reason)
        return {"network": name, "to": to, **out}


def compare(
    networks: Mapping[str, str | Path | Network] | Sequence[str | Path | Network] | str | Path | Network = CANONICAL,
    seeds: int | Iterable[int] = range(20),
    *,
    baseline: str | None = None,
    backend: str = "fast",
    precision: str = "double",
    codegen_target: str = "numpy",
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | bool | None = None,
    recordings: Path | None = None,
    journal: str | Path | None = None,
    resume: bool = False,
) -> Comparison:
    """Measure several networks on the same seeds.

    Parameters
    ----------
    networks : sequence of str, Path or Network, or mapping
        A mapping gives the networks the names of its keys: ``{"narrow": net, "wide": net.replace(...)}``.
    seeds : int or iterable of int
        See `measure`, also for networks whose arrays are given.
    baseline : str, optional
        Name of the network to compare with; by default the homogeneous one, ``"honhos"``, if it is among them, else the
        first.
    backend, precision, codegen_target : str
        See `simulate`.
    workers : int, optional
        Jobs at a time, by default 1: threads for the fast backend, else processes.
    executor, dask
        Where jobs run instead, see `make_runner`; the results do not depend on it. Then `workers` are the most at a
        time.
    progress : bool or callable, optional
        True shows a bar on standard error (lines where that is no terminal); a callable is called with
        (finished, total).
    recordings : Path, optional
        Folder to write the recording of every measurement to, as ``NETWORK-SEED.npz`` and ``.json``.
    journal : path, optional
        A file that keeps every measurement as soon as it is made.
    resume : bool
        Go on with the journal of an earlier call with the same networks: what it holds is not measured again. More
        seeds may be given.

    Returns
    -------
    Comparison

    Raises
    ------
    HeteroError
        If two networks have one name, the baseline is not among them, or their protocols differ in what is measured
        (the filter remembers by itself, so tau_read must be the same).
    JournalError
        If the journal exists (without `resume`), is missing (with it), or is of another comparison.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> protocol = {"protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"}
    >>> small = hr.load_network("henhes", n=50, **protocol)
    >>> found = hr.compare({"narrow": small, "wide": small.replace(**{"E.tau_m.cv": 1.0})}, seeds=range(2))
    >>> found
    Comparison(narrow, wide; baseline 'narrow', 2 seeds)
    >>> found.difference("wide", "C").n
    2
    """
    if isinstance(seeds, str):
        raise HeteroError(
            f"seeds is {seeds!r}, which is text", fix="give networks as one list, compare(['honhos', 'henhes'])"
        )
    engine = Engine(backend, precision, codegen_target)
    nets = _loaded(networks)
    names = [n.name for n in nets]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise HeteroError(f"two networks are called {twice[0]!r}: give one of them another name in its file")
    baseline = _baseline(names, baseline)
    check_alike(nets)
    study, labels = study_of(nets, nets), {net.fingerprint: {"name": net.name} for net in nets}
    with measurement_log(journal, resume, "comparison", study, engine, labels) as log:
        measured = measure_many(
            nets, seeds, engine=engine, workers=workers, executor=executor, dask=dask, progress=progress,
            recordings=recordings, log=log,
        )  # fmt: skip
    return Comparison(tuple(measured), baseline)


def _loaded(networks: Any) -> list[Network]:
    if isinstance(networks, Mapping):
        return [load_network(given, name=str(name)) for name, given in networks.items()]
    return [load_network(n) for n in ([networks] if isinstance(networks, str | Path | Network) else networks)]


def _kind(name: str) -> str:
    """Which canonical network a name stands for, at whatever point."""
    return (kind_and_point(name) or ("", ""))[0]


def _baseline(names: Sequence[str], baseline: str | None) -> str:
    if baseline is None:
        homogeneous = [name for name in ("honhos", *names) if name in names and _kind(name) == "honhos"]
        return [*homogeneous, *names, ""][0]
    if baseline not in names:
        raise HeteroError(f"the baseline {baseline!r} is not among the networks{suggest(baseline, names)}")
    return baseline


def check_alike(networks: Sequence[Network], apart: Iterable[str] = ()) -> None:
    """Refuse networks whose protocols differ in what is measured, in anything but the parameters `apart`."""
    left = {name.removeprefix("protocol.") for name in apart}
    for key in ALIKE:
        found = {n.name: n.protocol.said(key) for n in networks if key not in left}
        if len(set(found.values())) > 1:
            raise HeteroError(
                f"compared networks must be measured alike, but protocol.{key} differs: "
                f"{', '.join(f'{k} {v}' for k, v in found.items())}; set it to one value in all"
            )


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Every network, and its paired differences to the baseline."""
    seeds = len(comparison.seeds)
    p = comparison.measurements[0].network.protocol
    sizes = sorted({m.network.n for m in comparison.measurements})
    title = (
        f"{seeds} seed{'s' if seeds > 1 else ''}, {' or '.join(map(str, sizes))} neurons, {p.samples} samples of "
        f"{p.hold:g} ms, delays up to {p.d_max}, read with tau {p.tau_read:g} ms; "
        f"{QUESTIONS[p.estimator]}; mean [95 % interval]"
    )
    title = "; ".join([title, *(m.network.note for m in comparison.measurements if m.network.note)])
    mixed = mixed_pairs([m.network for m in comparison.measurements])
    rows = []
    for m in comparison.measurements:
        s = m.summary()
        numbers = (cell(s[q]) for q in ("C", "S", "rate_hz"))
        why = next((f": {r.reason}" for r in m.rows if r.reason), "")
        rows.append((label(m.network.name), *numbers, cell(s["E"]) + why, f"{s['silent_share'].mean:.1%}"))
    headings = ("network", "C (samples)", "S (spikes/sample)", "rate (Hz)", "E = C/S", "silent")
    tables = [TextTable(title, headings, rows)]
    if not comparison.pairs:
        return tables
    title = f"paired differences to {label(comparison.baseline)}; * where the 95 % interval excludes 0"
    title += f", not corrected for their number ({4 * len(comparison.pairs)})"
    title = f"{title}; {mixed}" if mixed else title
    rows = []
    for name, to in comparison.pairs:
        cells = []
        for quantity in ("C", "S", "rate_hz", "E"):
            d = comparison.difference(name, quantity, to)
            star = " *" if not math.isnan(d.low) and d.low * d.high > 0 else "  "
            cells.append(cell(d, signed=True) + star)
        rows.append((label(name) if to == comparison.baseline else f"{label(name)} - {label(to)}", *cells))
    return [*tables, TextTable(title, ("network", "ΔC", "ΔS", "Δrate (Hz)", "ΔE"), rows)]


def raster_pair(comparison: Comparison) -> list[str]:
    """The homogeneous network and the heterogeneous one to draw rasters of: the baseline, and henhes or the last."""
    names = [m.network.name for m in comparison.measurements]
    other = next((name for name in names if _kind(name) == "henhes"), names[-1])
    return list(dict.fromkeys([comparison.baseline, other]))
