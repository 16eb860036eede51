"""Measuring networks along the values of a parameter, on the same seeds, with a journal that loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.experiments.comparison import check_alike
from hetero_rsnn.experiments.measurement import measure_many
from hetero_rsnn.experiments.measurement_journal import measurement_log, study_of
from hetero_rsnn.experiments.sweep_plan import Axis, SweepPlan, plan_sweep
from hetero_rsnn.experiments.sweep_result import Sweep
from hetero_rsnn.experiments.sweep_values import swept_values
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.loading import load_network
from hetero_rsnn.simulation.engine import Engine


def sweep(
    network: Network | str | Path,
    parameter: str,
    values: str | Iterable[Any],
    *,
    seeds: int | Iterable[int] = 8,
    also: Network | str | Path | Sequence[Network | str | Path] = (),
    grid: tuple[str, str | Iterable[Any]] | None = None,
    journal: str | Path | None = None,
    resume: bool = False,
    backend: str = "fast",
    precision: str = "double",
    codegen_target: str = "numpy",
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | bool | None = None,
) -> Sweep:
    """Measure a network at several values of a parameter: the curves of C, S and E.

    Parameters
    ----------
    network : Network, str or Path
    parameter : str
        By its dotted name, as in `load_network`: ``"E.tau_m.cv"``, ``"tau_m.mean"``, ``"protocol.hold"``.
    values : str or iterable
        ``"0:1.2:7"`` (7 values from 0 to 1.2), ``"10ms:60ms:6"``, or single values with their units.
    seeds : int or iterable of int
        How many, from 0 on, or which. All values meet the same seeds, so that differences between them are paired.
    also : network or sequence of networks
        Further networks. One that does not have the parameter, such as the coefficient of variation of a homogeneous
        network, is measured once and drawn as a reference.
    grid : tuple of str and values, optional
        A second parameter with its values: each of them gives a curve.
    journal : path, optional
        A file that keeps every measurement as soon as it is made.
    resume : bool
        Go on with the journal of an earlier call of the same sweep: what it holds is not measured again. More seeds may
        be given.
    backend, precision, codegen_target : str
        See `simulate`.
    workers : int, optional
        Jobs at a time, by default 1: threads for the fast backend, else processes.
    executor, dask
        Where jobs run instead, see `make_runner`; the results do not depend on it. Then `workers` are the most at a
        time.
    progress : bool or callable, optional
        As for `measure`; a callable is called with (finished, total) measurements.

    Returns
    -------
    Sweep
        With `Sweep.plot`, `Sweep.to_pandas` and a table in notebooks.

    Raises
    ------
    HeteroError
        If there are fewer than 2 values, two are equal, two networks have one name, or the networks are not measured
        alike.
    NetworkError, UnitError
        If the first network has no such parameter, or a value is outside its rule.
    JournalError
        If the journal exists (without `resume`), is missing (with it), or is of another sweep.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> protocol = {"protocol.samples": 400, "protocol.d_max": 8, "protocol.train": "1 s"}
    >>> small = hr.load_network("henhes", n=50, **protocol)
    >>> found = hr.sweep(small, "E.tau_m.cv", [0, 0.6, 1.2], seeds=2)
    >>> found
    Sweep(henhes; E.tau_m.cv = 0 ... 1.2 (3 values), 2 seeds)
    >>> found["henhes"]["E"].shape
    (3, 2)
    >>> [row["E.tau_m.cv"] for row in found.table()]
    [0.0, 0.0, 0.6, 0.6, 1.2, 1.2]
    >>> len(found.plot().axes)
    4
    """
    engine = Engine(backend, precision, codegen_target)
    others = [also] if isinstance(also, Network | str | Path) else list(also)
    bases = [load_network(name) for name in (network, *others)]
    axes = [Axis(parameter, swept_values(parameter, values))]
    if grid is not None:
        axes.append(Axis(grid[0], swept_values(*grid)))
    plan = plan_sweep(bases, *axes)
    check_alike(bases, apart=[axis.name for axis in axes])
    numbers = checks.different_seeds("seeds", seeds)
    with measurement_log(journal, resume, "sweep", _study(plan), engine, _labels(plan)) as log:
        measured = measure_many(
            plan.networks, numbers, engine=engine, workers=workers, executor=executor, dask=dask, progress=progress,
            log=log,
        )  # fmt: skip
    return Sweep.from_plan(plan, measured)


def _study(plan: SweepPlan) -> dict[str, Any]:
    """What the header of a journal says of a sweep."""
    axes = [{"parameter": a.name, "values": list(a.values.texts)} for a in (plan.axis, plan.grid) if a is not None]
    return study_of(list(plan.bases), plan.networks, **axes[0], grid=axes[1] if len(axes) > 1 else None)


def _labels(plan: SweepPlan) -> dict[str, dict[str, Any]]:
    """What the lines of a journal say of each network."""
    labels: dict[str, dict[str, Any]] = {}
    for curve in plan.curves:
        values = (None,) if curve.reference else plan.axis.values.numbers
        for value, network in zip(values, curve.networks, strict=True):
            labels.setdefault(network.fingerprint, {"name": curve.name, "value": value})
    return labels
