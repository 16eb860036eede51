"""Results as labelled arrays (xarray), which netCDF files keep."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.files import plain
from hetero_rsnn.common.versions import versions
from hetero_rsnn.experiments.comparison import Comparison
from hetero_rsnn.experiments.measurement_result import Measurement
from hetero_rsnn.measures.memory import MemoryCapacity
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.tasks.result import ClassifyRow, TaskResult

Names = Mapping[str, tuple[str, str]]

#: Long name and unit of what results hold; what is not here has neither. UDUNITS (of the CF conventions) and pint read
#: the units. What counts samples, spikes or nats has the unit 1 and says so in its name: neither knows "samples", and
#: both take "nat" for a pressure.
_NAMES: Names = {
    "C": ("memory capacity in samples", "1"),
    "S": ("spike count, spikes of a neuron per input sample", "1"),
    "E": ("spike efficiency, C / S", "1"),
    "rate_hz": ("mean firing rate", "Hz"),
    "train_rate_hz": ("mean firing rate during training", "Hz"),
    "silent_share": ("share of neurons that never fired", "1"),
    "correlation": ("normalised sum of squared covariances of the states", "1"),
    "weight": ("mean plastic weight after training as a share of w_max", "1"),
    "curve": ("memory curve, capacity for each delay", "1"),
    "delay": ("delay of the target behind the state in samples", "1"),
    "determinant": ("determinant of the covariance of the logarithms of the parameters", "1"),
    "H": ("heterogeneity in nats, 1/2 log of the determinant", "1"),
    "wall_time": ("running time of each phase", "s"),
    "seconds": ("running time of all seeds", "s"),
    "violation": ("how far a trial misses the limits", "1"),
    "convergence": ("best so far", ""),
    "ridge": ("ridge strength per training row, geometric mean over blocks", "1"),
    "fold_totals": ("capacity found in each test block, in samples", "1"),
    "total": ("memory capacity in samples", "1"),
    "chance": ("what was subtracted for chance, mean over blocks and delays", "1"),
}
#: How the long names of variables with these endings begin.
_PREFIXES = {
    "_stderr": "standard error: ",
    "_reference_remeasured": "homogeneous reference on fresh seeds: ",
    "_reference": "homogeneous reference: ",
    "_remeasured": "on fresh seeds: ",
}
#: Names of tasks, where some words mean something else.
_TASK_NAMES: Names = {
    **_NAMES,
    "chance": ("share of the most frequent class", "1"),
    "efficiency": ("task efficiency: accuracy / nu, or 1 / (NRMSE nu)", "1"),
    "linear": ("the same of a linear model on the same input", "1"),
    "few_labels": ("accuracy with few labels a class", "1"),
    "linear_few_labels": ("accuracy of the linear model with few labels a class", "1"),
    "left_out": ("accuracy on the group that was left out of all training", "1"),
    "linear_left_out": ("accuracy of the linear model on the group that was left out of all training", "1"),
    "group_nrmse": ("NRMSE on a group of test series", "1"),
    "group_skill": ("skill against persistence on a group of test series", "1"),
    "group_linear_skill": ("skill of the linear model on a group of test series", "1"),
    "confusion": ("number of test samples by true and decided class", "1"),
    "labels": ("labels a class", "1"),
    "accuracy": ("share of test samples that were classified right", "1"),
    "low": ("lower end of the 95 % interval of the accuracy over samples", "1"),
    "high": ("upper end of the 95 % interval of the accuracy over samples", "1"),
    "linear_mean": ("accuracy of the linear model on the mean input", "1"),
    "nrmse": ("root mean square error as a share of the target's standard deviation", "1"),
    "spikes": ("spikes of the network per inference", "1"),
    "nu": ("spikes of a neuron per inference", "1"),
    "skill": ("skill against persistence", "1"),
    "linear_skill": ("skill of the linear model against persistence", "1"),
    "persistence": ("NRMSE of the forecast that nothing changes", "1"),
    "closed_loop": ("valid prediction time of free runs in Lyapunov times", "1"),
}


def to_xarray(result: Any) -> Any:
    """Turn a result into an `xarray.Dataset`; ``ds.to_netcdf(path, engine="h5netcdf")`` writes it.

    Parameters
    ----------
    result : Measurement, Comparison, MemoryCapacity, SearchResult or TaskResult

    Returns
    -------
    xarray.Dataset
        With ``long_name`` and ``units`` of the variables, and provenance (as JSON, where it is more than a word) in
        ``attrs``. Quantities that have no value are NaN.

        * Measurement, Comparison: dimensions network (1 for a Measurement), seed, delay, and for H and the wall time
          group and phase. The networks' definitions are coordinates.
        * MemoryCapacity: dimensions delay and fold.
        * SearchResult: dimension trial; every searched number under its own name, its status, and what was measured,
          with the values on fresh seeds as ``C_remeasured`` and the like.
        * TaskResult: dimensions network and seed; with them class (confusion matrix), labels (few-label curve), group
          and series (free runs), where there are any. Early decisions and traces are left out.

    Raises
    ------
    HeteroError
        If xarray is not installed, or the result is of another kind.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> c = hr.memory_capacity(np.eye(2000)[:, :3], np.random.default_rng(1).uniform(size=2000), d_max=5)
    >>> dict(hr.to_xarray(c).sizes)
    {'delay': 5, 'fold': 5}
    """
    makers: dict[type, Callable[[Any, Any], Any]] = {
        Measurement: lambda m, xr: _measurements([m], xr),
        Comparison: _comparison,
        MemoryCapacity: _capacity,
        SearchResult: _search,
        TaskResult: _task,
    }
    for kind, make in makers.items():
        if isinstance(result, kind):
            return make(result, need("xarray", "xarray", "to_xarray"))
    raise HeteroError(
        f"to_xarray takes a {', '.join(k.__name__ for k in makers)}, got {type(result).__name__}: "
        "give what measure, compare, memory_capacity, search, classify or forecast returned"
    )


def _attributes(name: str, names: Names) -> dict[str, str]:
    """Long name and unit of a variable; those of an error or of another measurement follow the quantity's."""
    for ending, prefix in _PREFIXES.items():
        if name.endswith(ending):
            inner = _attributes(name.removesuffix(ending), names)
            return {**inner, "long_name": prefix + inner.get("long_name", name.removesuffix(ending))}
    out = dict(zip(("long_name", "units"), names.get(name, ("", "")), strict=True))
    return {k: v for k, v in out.items() if v}


def _dataset(
    xr: Any,
    title: str,
    variables: Mapping[str, tuple[Any, Any]],
    coordinates: Mapping[str, Any],
    names: Names = _NAMES,
    **attributes: Any,
) -> Any:
    """Build a dataset; a coordinate without dimensions of its own is an index."""
    coordinates = {k: v if isinstance(v, tuple) else (k, _labels(v)) for k, v in coordinates.items()}
    return xr.Dataset(
        {k: (dims, np.asarray(values), _attributes(k, names)) for k, (dims, values) in variables.items()},
        coords={k: (dims, np.asarray(values), _attributes(k, names)) for k, (dims, values) in coordinates.items()},
        attrs={"title": title, "program": f"hetero_rsnn {versions()['hetero-rsnn']}", **attributes},
    )


def _labels(values: Iterable[Any]) -> NDArray[Any]:
    """Labels of a dimension."""
    values = list(values)
    return np.asarray(values) if values else np.asarray(values, dtype=str)  # no number, but a kind that files know


def _json(data: Any) -> str:
    return json.dumps(plain(data))


_SCALARS = (
    "C", "C_stderr", "S", "E", "E_stderr", "rate_hz", "silent_share", "correlation", "weight", "train_rate_hz",
)  # fmt: skip


def _measurements(measurements: Sequence[Measurement], xr: Any, **attributes: Any) -> Any:
    first = measurements[0]
    variables: dict[str, tuple[Any, Any]] = {
        k: (("network", "seed"), [[getattr(r, k) for r in m.rows] for m in measurements]) for k in _SCALARS
    }
    variables["curve"] = (("network", "seed", "delay"), [[r.curve for r in m.rows] for m in measurements])
    groups = list(dict.fromkeys(g for m in measurements for r in m.rows for g in r.H))
    phases = list(dict.fromkeys(p for m in measurements for r in m.rows for p in r.seconds))
    for name, dimension, keys, field in (
        ("determinant", "group", groups, "determinant"),
        ("H", "group", groups, "H"),
        ("wall_time", "phase", phases, "seconds"),
    ):
        values = [[[getattr(r, field).get(k, math.nan) for k in keys] for r in m.rows] for m in measurements]
        variables[name] = (("network", "seed", dimension), np.reshape(values, (len(values), len(first), len(keys))))
    return _dataset(
        xr,
        "memory capacity and spike efficiency",
        variables,
        {
            "network": [m.network.name for m in measurements],
            "seed": [r.seed for r in first.rows],
            "delay": np.arange(1, len(first.rows[0].curve) + 1),
            "group": groups,
            "phase": phases,
            "fingerprint": ("network", [m.network.fingerprint for m in measurements]),
            "definition": ("network", [_json(m.network.to_dict()) for m in measurements]),
        },
        backend=first.backend,
        precision=first.precision,
        versions=_json(versions()),
        # What all share; the rest of the protocol stands in the definitions.
        hold_ms=float(first.network.protocol.hold),
        tau_read_ms=float(first.network.protocol.tau_read),
        estimator=first.network.protocol.estimator,
        **attributes,
    )


def _comparison(comparison: Comparison, xr: Any) -> Any:
    return _measurements(comparison.measurements, xr, baseline=comparison.baseline)


def _capacity(c: MemoryCapacity, xr: Any) -> Any:
    low, high = c.interval
    return _dataset(
        xr,
        "memory capacity",
        {
            "curve": ("delay", c.curve),
            "curve_stderr": ("delay", c.curve_stderr),
            "ridge": ("delay", c.ridge),
            "fold_totals": ("fold", c.fold_totals),
            "total": ((), c.total),
            "total_stderr": ((), c.stderr),
            "chance": ((), c.chance),
        },
        {"delay": np.arange(1, c.d_max + 1), "fold": np.arange(c.n_blocks)},
        n_samples=c.n_samples,
        n_features=c.n_features,
        interval_low=low,
        interval_high=high,
    )


def _search(result: SearchResult, xr: Any) -> Any:
    rows = result.table()
    own = {d.name: (d.name, "ms" if d.unit == units.TIME else d.unit) for d in result.space.dimensions}
    names = [k for k in rows[0] if k != "trial"] if rows else []
    variables: dict[str, tuple[Any, Any]] = {k: ("trial", _labels(row[k] for row in rows)) for k in names}
    front = {t.number for t in result.front}
    variables["on_front"] = ("trial", np.array([row["trial"] in front for row in rows], dtype=bool))
    variables["convergence"] = ("trial", result.convergence)
    for name, evaluation in (("reference", result.reference), ("reference_remeasured", result.reference_remeasured)):
        if evaluation is not None:
            variables |= {f"{k}_{name}": ((), getattr(evaluation, k)) for k in ("C", "S", "E", "rate_hz")}
    trials = np.array([row["trial"] for row in rows], dtype=np.int64)
    best = {} if result.best is None else {"best_trial": result.best.number}
    return _dataset(
        xr,
        f"search of {result.space.name!r}",
        variables,
        {"trial": ("trial", trials)},
        {**_NAMES, **own},
        settings=_json(result.settings.to_dict()),
        space=_json(result.space.to_dict()),
        versions=_json(result.versions),
        done=int(result.done),
        **best,
    )


#: Numbers of the reports of each task, beside the linear model's.
_REPORTED = {
    "classification": ("accuracy", "low", "high", "chance", "spikes", "nu", "rate_hz", "efficiency"),
    "forecasting": ("nrmse", "persistence", "linear", "skill", "linear_skill", "spikes", "nu", "rate_hz", "efficiency"),
}


def _task(result: TaskResult, xr: Any) -> Any:
    d, names = result.dataset, result.names
    table = [result.of(name) for name in names]
    first = table[0][0]
    seeds = [row.seed for row in table[0]]
    pair = ("network", "seed")

    def each(field: str) -> list[list[Any]]:
        return [[attrgetter(field)(row) for row in rows] for rows in table]

    def under(field: str, keys: list[Any], inner: Callable[[Any], Any]) -> list[list[list[float]]]:
        """Entries of a dictionary of each row."""
        return [[[inner(entries[k]) for k in keys] for entries in rows] for rows in each(field)]

    variables: dict[str, tuple[Any, Any]] = {k: (pair, each(f"report.{k}")) for k in _REPORTED[d.task]}
    coordinates: dict[str, Any] = {"network": names, "seed": seeds}
    attributes: dict[str, Any] = {"n_test": first.report.n}
    groups = list(first.groups)
    if groups:
        coordinates["group"] = groups
    if isinstance(first, ClassifyRow):
        classes, few = [str(c) for c in first.report.classes], list(first.few)
        coordinates |= {"true_class": classes, "decided_class": classes}
        variables["confusion"] = ((*pair, "true_class", "decided_class"), each("report.confusion"))
        variables |= {k: (pair, each(k)) for k in ("linear", "linear_mean")}
        if few:
            coordinates["labels"] = few
        for index, prefix in enumerate(("", "linear_")):
            if few:
                variables[f"{prefix}few_labels"] = ((*pair, "labels"), under("few", few, itemgetter(index)))
            if groups:
                variables[f"{prefix}left_out"] = ((*pair, "group"), under("groups", groups, itemgetter(index)))
    else:
        attributes |= {"horizon": first.report.horizon, "lags": first.report.lags}
        for k in ("nrmse", "skill", "linear_skill") if groups else ():
            variables[f"group_{k}"] = ((*pair, "group"), under("groups", groups, attrgetter(k)))
        if first.closed_loop:
            variables["closed_loop"] = ((*pair, "series"), each("closed_loop"))
            coordinates["series"] = np.arange(len(first.closed_loop))
    coordinates["fingerprint"] = ("network", [n.fingerprint for n in result.networks])
    coordinates["definition"] = ("network", [_json(n.to_dict()) for n in result.networks])
    return _dataset(
        xr,
        f"{d.task} of {d.name}",
        variables,
        coordinates,
        _TASK_NAMES,
        dataset=d.name,
        task=d.task,
        source=d.source,
        licence=d.licence,
        recipe=_json(result.recipe.describe()),
        versions=_json(versions()),
        **attributes,
    )
