"""Results as labelled arrays: every number at its label, and the same after a netCDF file."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused
from searches import make_search
from toys import CHOSEN, toy

import hetero_rsnn as hr
from hetero_rsnn.datasets.catalogue import load_dataset
from hetero_rsnn.exchange.xarray import _NAMES, _TASK_NAMES
from hetero_rsnn.experiments.comparison import Comparison
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.tasks.classification import classify
from hetero_rsnn.tasks.forecasting import forecast
from hetero_rsnn.tasks.recipes import Recipe

xr = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

SMALL = {"n": 40, "protocol.samples": 400, "protocol.train": "500 ms", "protocol.d_max": 6, "protocol.washout": 20}
NAMES = ("henhos", "static", "henhes")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return hr.compare([hr.load_network(n, **SMALL) for n in NAMES], seeds=[7, 3], baseline="static")


def through_file(ds: Any, folder: Path) -> Any:
    """Written as netCDF and read back; equal to the last attribute."""
    path = folder / "result.nc"
    ds.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as file:
        back = file.load()
    xr.testing.assert_identical(ds, back)
    for name, variable in ds.variables.items():
        assert back[name].dtype.kind == variable.dtype.kind, name
    return back


#: What pint 0.25 and UDUNITS 2 (cf-units 3.3) read as the unit that is meant, tried by hand. Both take "nat" for a
#: pressure, and refuse "samples".
READ_BY_OTHERS = {"1", "Hz", "s", "ms", "volt", "amp", "siemens", "farad", "ohm", "metre", "hertz"}


def described(ds: Any) -> None:
    """Every quantity says what it is, and in what unit."""
    assert {v.attrs["units"] for v in ds.variables.values() if "units" in v.attrs} <= READ_BY_OTHERS
    texts = {"status", "error", "feasible", "batch", "on_front", "convergence"}
    for name in ds.data_vars:
        if name not in texts:
            assert ds[name].attrs["long_name"] and ds[name].attrs["units"], name
    assert ds.attrs["program"].startswith("hetero_rsnn ")


def test_comparison(comparison: Comparison, tmp_path: Path) -> None:
    ds = through_file(hr.to_xarray(comparison), tmp_path)
    assert dict(ds.sizes) == {"network": 3, "seed": 2, "delay": 6, "group": 3, "phase": 5}
    assert ds.network.values.tolist() == list(NAMES) and ds.seed.values.tolist() == [7, 3]
    described(ds)
    for m in comparison.measurements:
        for row in m.rows:
            here = ds.sel(network=m.network.name, seed=row.seed)
            for name in ("C", "C_stderr", "S", "E", "rate_hz", "silent_share", "correlation", "weight"):
                np.testing.assert_array_equal(here[name], getattr(row, name), err_msg=name)
            np.testing.assert_array_equal(here.curve.sel(delay=range(1, 7)), row.curve)
            for group, h in row.H.items():
                assert here.H.sel(group=group) == h or np.isinf(h)
                assert here.determinant.sel(group=group) == row.determinant[group]
            assert here.wall_time.sel(phase="measure") == row.seconds["measure"]
        assert ds.fingerprint.sel(network=m.network.name) == m.network.fingerprint
        assert json.loads(str(ds.definition.sel(network=m.network.name).values)) == m.network.to_dict()
    assert np.isnan(ds.weight.sel(network="static")).all() and (ds.weight.sel(network="henhes") > 0).all()
    assert np.isnan(ds.H.sel(network="static", group="synapses")).all()
    assert np.isneginf(ds.H.sel(network="henhos", group="synapses")).all()
    assert ds.attrs["baseline"] == "static" and json.loads(ds.attrs["versions"])["numpy"] == np.__version__
    assert ds.curve.attrs["long_name"].startswith("memory curve") and ds.rate_hz.attrs["units"] == "Hz"
    assert ds.C_stderr.attrs == {"long_name": "standard error: memory capacity in samples", "units": "1"}


def test_what_has_no_value_stays_so(comparison: Comparison, tmp_path: Path) -> None:
    first = comparison.measurements[0]
    silent = replace(first, rows=(replace(first.rows[0], E=np.nan, E_stderr=np.nan), first.rows[1]))
    ds = through_file(hr.to_xarray(replace(comparison, measurements=(silent, *comparison.measurements[1:]))), tmp_path)
    assert np.isnan(ds.E).sum() == 1 and np.isnan(ds.E.sel(network="henhos", seed=7))


def test_a_measurement_is_a_comparison_of_one(comparison: Comparison, tmp_path: Path) -> None:
    parts = [hr.to_xarray(m) for m in comparison.measurements]
    through_file(parts[1], tmp_path)
    assert dict(parts[1].sizes)["network"] == 1 and "baseline" not in parts[1].attrs
    whole = hr.to_xarray(comparison)
    joined = xr.concat(parts, "network", join="outer")
    for name in ("C", "curve", "H"):
        np.testing.assert_array_equal(joined[name], whole[name])


def test_memory_capacity(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    u = rng.uniform(-1, 1, 900)
    x = np.stack([np.roll(u, d) for d in (1, 2)], axis=1) + rng.normal(0, 0.2, (900, 2))
    c = hr.memory_capacity(x, u, d_max=5, n_blocks=4)
    ds = through_file(hr.to_xarray(c), tmp_path)
    described(ds)
    np.testing.assert_array_equal(ds.curve, c.curve)
    np.testing.assert_array_equal(ds.curve_stderr, c.curve_stderr)
    np.testing.assert_array_equal(ds.fold_totals, c.fold_totals)
    assert (ds.total, ds.total_stderr, ds.chance) == (c.total, c.stderr, c.chance)
    assert ds.delay.values.tolist() == [1, 2, 3, 4, 5] and ds.sizes["fold"] == 4
    assert (ds.attrs["interval_low"], ds.attrs["interval_high"], ds.attrs["n_samples"]) == (*c.interval, 895)


def test_search(tmp_path: Path) -> None:
    result = make_search(tmp_path)
    ds = through_file(hr.to_xarray(result), tmp_path)
    described(ds)
    assert ds.sizes == {"trial": 40}
    for t in result.trials:
        here = ds.sel(trial=t.number)
        for name, value in t.point.items():
            assert here[name] == value
        assert here.status == t.status and here.error == (t.error or "") and bool(here.feasible) == t.feasible
        if t.evaluation is None:
            assert np.isnan(here.C) and np.isnan(here.E_stderr)
        else:
            assert (here.C, here.S, here.rate_hz) == (t.C, t.S, t.evaluation.rate_hz)
    assert {"failed", "finished"} == set(ds.status.values) and ds.feasible.dtype == bool
    again = ds.C_remeasured.dropna("trial")
    assert {int(k): float(c) for k, c in zip(again.trial, again, strict=True)} == {
        k: e.C for k, e in result.remeasured.items()
    }
    assert set(ds.trial.values[ds.on_front]) == {t.number for t in result.front}
    np.testing.assert_array_equal(ds.convergence, result.convergence)
    assert ds["E.tau_m.mean"].attrs == {"long_name": "E.tau_m.mean", "units": "ms"}
    assert ds["E.tau_m.cv"].attrs["units"] == "1"
    assert ds.C_reference == result.reference.C and ds.E_reference_remeasured == result.reference_remeasured.E
    assert ds.C_reference.attrs["long_name"] == "homogeneous reference: memory capacity in samples"
    assert ds.attrs["best_trial"] == result.best.number
    assert json.loads(ds.attrs["settings"])["budget"] == 40
    assert hr.Space.from_dict(json.loads(ds.attrs["space"])).fingerprint == result.space.fingerprint


def test_units_are_those_that_others_read() -> None:
    """Also of results that are not made here."""
    assert {unit for names in (_NAMES, _TASK_NAMES) for _, unit in names.values() if unit} == {"1", "Hz", "s"}
    for name in ("C", "total", "fold_totals", "delay"):
        assert "samples" in _NAMES[name][0]
    assert "nats" in _NAMES["H"][0] and "Lyapunov times" in _TASK_NAMES["closed_loop"][0]


def test_pint_reads_every_unit() -> None:
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    for unit in READ_BY_OTHERS - {"1"}:
        assert not registry.Unit(unit).dimensionless, unit
    assert registry.Unit("1").dimensionless and registry.Unit("ms") == registry.millisecond


def test_a_search_that_has_hardly_begun(tmp_path: Path) -> None:
    ds = through_file(hr.to_xarray(make_search(tmp_path, "one", trials=0, running=1, ended=False)), tmp_path)
    assert ds.status.values.tolist() == ["running"] and np.isnan(ds.C).all() and "best_trial" not in ds.attrs
    ds = through_file(hr.to_xarray(make_search(tmp_path, "none", trials=0, ended=False)), tmp_path)
    assert ds.sizes == {"trial": 0}


@pytest.mark.slow
def test_classification(tmp_path: Path) -> None:
    result = classify(
        toy(groups=True), ["honhos", "henhes"], [4, 5], few_labels=(1, 5), leave_out=True, chosen=CHOSEN,
        overrides={"n": 40},
    )  # fmt: skip
    ds = through_file(hr.to_xarray(result), tmp_path)
    described(ds)
    for row in result.rows:
        here = ds.sel(network=row.network, seed=row.seed)
        for name in ("accuracy", "nu", "rate_hz", "efficiency", "chance"):
            assert here[name] == getattr(row.report, name)
        assert (here.linear, here.linear_mean) == (row.linear, row.linear_mean)
        np.testing.assert_array_equal(here.confusion, row.report.confusion)
        assert (here.few_labels.sel(labels=5), here.linear_few_labels.sel(labels=5)) == row.few[5]
        assert (here.left_out.sel(group="b"), here.linear_left_out.sel(group="b")) == row.groups["b"]
    assert ds.chance.attrs["long_name"] == "share of the most frequent class"
    assert ds.attrs["dataset"] == "toy" and ds.attrs["n_test"] == 30
    assert ds.confusion.dims == ("network", "seed", "true_class", "decided_class")


@pytest.mark.slow
def test_forecasts(tmp_path: Path) -> None:
    data = load_dataset("lorenz63", samples=600, segments=2, test_samples=300)
    chosen = Recipe(
        CurrentEncoder(gain=5.0, clip=None), "10 ms", {"washout": 20, "learn_for": "1 s"},
        closed_loop={"encoder": CurrentEncoder(gain=5.0, clip=None), "horizon": 1}, horizon=3,
    )  # fmt: skip
    result = forecast(data, ["henhos"], [2], closed_loop=True, chosen=chosen, overrides={"n": 40})
    ds = through_file(hr.to_xarray(result), tmp_path)
    described(ds)
    (row,) = result.rows
    assert (ds.nrmse, ds.skill, ds.linear) == (row.report.nrmse, row.report.skill, row.report.linear)
    np.testing.assert_array_equal(ds.closed_loop.sel(network="henhos", seed=2), row.closed_loop)
    assert ds.attrs["horizon"] == 3
    grouped = replace(row, groups={"x": row.report, "y": replace(row.report, nrmse=0.5)})
    more = through_file(hr.to_xarray(replace(result, rows=(grouped,))), tmp_path)
    described(more)
    assert more.group_nrmse.sel(group="y") == 0.5 and more.group_skill.sel(group="x") == row.report.skill


def test_refusals(comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(lambda: hr.to_xarray([1, 2]), "takes a Measurement, Comparison,", "got list")
    monkeypatch.setitem(sys.modules, "xarray", None)
    refused(lambda: hr.to_xarray(comparison), "to_xarray needs xarray", 'pip install "hetero-rsnn[xarray]"')
