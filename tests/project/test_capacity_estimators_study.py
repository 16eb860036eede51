"""The study of capacity estimates: its truths, its estimates, and the page on it."""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

RESULT = ROOT / "docs" / "results" / "capacity_estimators.json"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("capacity_estimators")


def test_closed_forms(study: Any) -> None:
    """A leaky integrator has C_d = (1 - a^2) a^(2d); its noise, of variance s^2 to 1/3 of the input, divides it."""
    a = 0.8
    without = study.closed_form((np.array([[a]]), np.ones(1), 0.0), 30)
    assert without == pytest.approx(a**2 * (1 - a**60), rel=1e-9)
    assert study.closed_form((np.array([[a]]), np.ones(1), 1.0), 30) == pytest.approx(without / 4, rel=1e-9)
    line = study.systems(20)["delay line, noisy"]
    x, u = line[0](np.random.default_rng(0))
    assert study.hr.memory_capacity(x, u, d_max=40, estimator="population").total == pytest.approx(line[2], rel=0.06)


def test_estimates_agree_where_samples_are_many(study: Any) -> None:
    system = study.reservoir(8, 1, 0.8, 0.5, orthogonal=True)
    x, u = study.drive(system, 12000, np.random.default_rng(1))
    found, c = study.estimates(x, u, 10), study.closed_form(system, 10)
    for name, value in found.items():
        assert (value[0] if isinstance(value, list) else value) == pytest.approx(c, rel=0.03), name
    assert set(found) == {*study.LOOKS, "Olkin-Pratt", "trace"}
    assert set(study.estimates(x[:900], u[:900], 10, compared=False)) == {"population"}


def test_the_cross_fitted_one_knows_a_delay_line(study: Any) -> None:
    u = np.random.default_rng(2).uniform(-1, 1, 900)
    y = np.lib.stride_tricks.sliding_window_view(u[:-1], 6)[:, ::-1]
    assert study.cross_fitted(y[:, :3], y[:, :3], 6) == pytest.approx(3, abs=1e-6)


def test_aims_are_reached_and_the_page_says_so(study: Any) -> None:
    """Of each shipped network: 3 % at the length of the protocol, 8 % at half of it, and honest intervals."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))["result"]
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    for line in study.table(result["summary"]):
        assert line in page
    assert len(result["truth"]) == 4
    for t in result["truth"].values():
        assert t["halves"] == pytest.approx(t["cross-fitted"], rel=0.005)
    held: dict[str, list[float]] = {", 6000": [], ", 3000": []}
    for name, s in result["summary"].items():
        found, length = s["population"], name[-6:]
        if length in held:
            assert abs(found["bias_percent"]) < (3 if length == ", 6000" else 8), name
            held[length].append(found["coverage"])
        else:
            assert abs(found["mean"] - s["C"]) < 3 * found["stderr_of_mean"], name
            assert 0.91 <= found["coverage"] <= 1, name
        if s["C"]:
            rivals = [s[key]["rmse"] for key in study.LOOKS if key != "population"]
            assert found["rmse"] < 1.25 * min(rivals), name
    assert all(len(shares) == 4 and 0.92 <= np.mean(shares) <= 0.99 for shares in held.values())  # 40 or 80 series each
