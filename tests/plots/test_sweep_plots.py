"""Figures of sweeps: points, intervals and labels are those of the numbers; lines of equal S go through C and E."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from helpers import refused
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hetero_rsnn as hr
from hetero_rsnn import plots

SMALL = {"n": 100, "protocol.samples": 1200, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}
CV = "E.tau_m.cv"
VALUES = (0, 0.3, 0.6, 0.8)


def small(name: str = "henhes", **more: object) -> hr.Network:
    return hr.load_network(name, **{**SMALL, **more})


@pytest.fixture(scope="module")
def found() -> hr.Sweep:
    found = hr.sweep(small(), CV, VALUES, seeds=2, also=[small("honhos")])
    assert all(np.isfinite(curve["E"]).all() for curve in found.curves)
    return found


def test_curves_are_means_with_their_intervals(found):
    for quantity, word in (("C", "capacity"), ("S", "spikes"), ("E", "efficiency")):
        ax = plots.plot_sweep(found, quantity=quantity)
        line = next(line for line in ax.lines if line.get_label() == "HeNHeS")
        np.testing.assert_array_equal(line.get_xdata(), VALUES)
        np.testing.assert_allclose(line.get_ydata(), found["henhes"][quantity].mean(axis=1))
        assert ax.get_xlabel() == CV and word in ax.get_ylabel()
        assert len(ax.collections) == 2  # a band for each network
        low = min(e.low for e in found["henhes"].estimates(quantity) if not e.missing)
        assert min(ax.collections[0].get_paths()[0].vertices[:, 1]) == pytest.approx(low)


def test_the_path_has_a_point_for_every_value_and_says_which(found):
    ax = plots.plot_sweep_path(found)
    line = next(line for line in ax.lines if len(line.get_xdata()) == len(VALUES))
    np.testing.assert_allclose(line.get_xdata(orig=False), found["henhes"]["C"].mean(axis=1))
    np.testing.assert_allclose(line.get_ydata(orig=False), found["henhes"]["E"].mean(axis=1))
    texts = [t.get_text() for t in ax.texts if not t.get_text().startswith("S = ")]
    assert texts == ["0", "0.3", "0.6", "0.8"] * 2
    assert "C (samples)" in ax.get_xlabel() and "E = C / S" in ax.get_ylabel()


def test_grey_lines_join_points_of_equal_spikes(found):
    ax = plots.plot_sweep_path(found)
    lines = [line for line in ax.lines if line.get_color() == "0.6"]
    slopes = sorted(line.get_ydata()[1] / line.get_xdata()[1] for line in lines)
    said = [float(re.match(r"S = (.+)", t.get_text())[1]) for t in ax.texts if t.get_text().startswith("S = ")]
    assert 1 <= len(said) <= len(lines) <= 6
    assert {round(1 / s, 9) for s in said} <= {round(s, 9) for s in slopes}  # E = C / S
    assert all(line.get_xdata()[0] == 0 == line.get_ydata()[0] for line in lines)


def test_the_whole_figure(found):
    figure = found.plot()
    assert isinstance(figure, Figure) and len(figure.axes) == 4
    assert [ax.get_title("left") for ax in figure.axes] == list("ABCD")
    legend = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert {"HeNHeS", "HoNHoS"} <= set(legend)
    assert "2 seeds" in figure.get_suptitle() and CV in figure.get_suptitle()
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_reference_is_a_horizontal_line():
    found = hr.sweep(small(), "eta_plus.cv", [0.5, 1.0], seeds=2, also=[small("static")])
    ax = plots.plot_sweep(found, quantity="S")
    line = next(line for line in ax.lines if line.get_label() == "static")
    assert set(line.get_ydata()) == {found["static"]["S"].mean()}
    assert len([t for t in plots.plot_sweep_path(found).texts if not t.get_text().startswith("S =")]) <= 2


def test_what_has_no_e_is_marked_and_left_out():
    found = hr.sweep(small(), "input.weight", [0.0, 1.0], seeds=1)
    ax = plots.plot_sweep(found, quantity="E")
    marks = [line for line in ax.lines if "no E" in line.get_label()]
    assert [list(line.get_xdata()) for line in marks] == [[0.0]]
    texts = [t.get_text() for t in plots.plot_sweep_path(found).texts if not t.get_text().startswith("S =")]
    assert texts == ["1"]
    silent = hr.sweep(small(**{"input.weight": 0.0}), CV, [0, 1], seeds=1)
    assert not silent.plot().axes[3].texts


def test_units_and_second_parameters_are_on_the_axes():
    found = hr.sweep(small(), "E.tau_m.mean", "20ms:40ms:2", seeds=1, grid=(CV, [0, 0.5]))
    ax = plots.plot_sweep(found)
    assert ax.get_xlabel() == "E.tau_m.mean (ms)" and list(ax.lines[0].get_xdata()) == [20, 40]
    assert ax.get_legend_handles_labels()[1] == [f"HeNHeS, {CV} = 0", f"HeNHeS, {CV} = 0.5"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_given_axes_are_used(found):
    for plot in (plots.plot_sweep, plots.plot_sweep_path):
        ax = Figure().subplots()
        assert plot(found, ax) is ax
        assert isinstance(plot(found), Axes)
    refused(lambda: plots.plot_sweep(found, quantity="CC"), "quantity", "CC")
