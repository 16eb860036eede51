"""Figures: they draw what they say, take an Axes, and leave pyplot alone."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from helpers import refused
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.network.shipped import CANONICAL, label

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}


@pytest.fixture(scope="module")
def comparison() -> hr.Comparison:
    return hr.compare([hr.load_network(n, **SMALL) for n in (*CANONICAL, "chrsnn")], seeds=[0, 1])


@pytest.fixture(scope="module")
def recorded():
    d = hr.draw(hr.load_network("henhes", n=60), 0)
    u = hr.uniform_stimulus(100, "10 ms", 0)
    return d, u, hr.simulate(d, u)


def test_raster_shows_the_spikes_of_the_window(recorded):
    d, _, rec = recorded
    ax = plots.plot_raster(rec, start=200, duration=300)
    inside = (rec.spike_times >= 200) & (rec.spike_times < 500)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), rec.spike_times[inside])
    ax = plots.plot_raster(rec, start=200, duration=300, draw=d)
    assert sum(len(line.get_xdata()) for line in ax.lines) == inside.sum()
    assert {t.get_text() for t in ax.texts} == {"E", "I"}


def test_memory_curve_shows_means(comparison):
    ax = plots.plot_memory_curve(comparison.measurements)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), comparison["henhos"]["curve"].mean(axis=0))
    assert "samples" in ax.get_xlabel()


def test_densities_integrate_to_one_and_homogeneous_ones_are_lines(comparison):
    ax = plots.plot_distributions(comparison.measurements)
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 2  # gamma and mixture; honhos is a vertical line
    for line in curves:
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(0.995, abs=0.01)
    assert "ms" in ax.get_xlabel()


def test_efficiency_over_capacity(comparison):
    ax = plots.plot_efficiency(comparison.measurements)
    labels = ax.get_legend_handles_labels()[1]
    sums = [m.summary() for m in comparison.measurements]
    drawn = [box for box in ax.containers if isinstance(box, ErrorbarContainer)]
    for bars, s in zip(drawn, [s for s in sums if not s["E"].missing], strict=True):
        point, _, (across, up) = bars.lines
        assert (point.get_xdata()[0], point.get_ydata()[0]) == (s["C"].mean, s["E"].mean)
        np.testing.assert_allclose(across.get_segments()[0][:, 0], [s["C"].low, s["C"].high])
        np.testing.assert_allclose(up.get_segments()[0][:, 1], [s["E"].low, s["E"].high])
    assert drawn
    found = [(label(m.network.name), m.summary()["E"].without) for m in comparison.measurements]
    assert labels == [f"{name}: {why}" if why else name for name, why in found] and "HeNHeS" in labels


def test_given_axes_are_used_and_pyplot_is_not_touched(comparison, recorded):
    _, u, rec = recorded
    for plot, data in (
        (plots.plot_raster, rec),
        (plots.plot_input, u),
        (plots.plot_memory_curve, comparison.measurements),
        (plots.plot_distributions, comparison.measurements),
        (plots.plot_efficiency, comparison.measurements),
    ):
        ax = Figure().subplots()
        assert plot(data, ax) is ax
        assert isinstance(plot(data), Axes)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.slow
def test_whole_figures_can_be_saved(comparison, recorded, tmp_path):
    d, u, rec = recorded
    plots.save_figure(plots.figure_comparison(comparison, [(d, rec), (d, rec)]), tmp_path / "a.png", dpi=60)
    plots.save_figure(plots.figure_simulation(u, d, rec, duration=500), tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()


def test_canonical_networks_always_look_the_same():
    looks = [plots.style(n, 0) for n in CANONICAL]
    assert len({(s["color"], s["marker"]) for s in looks}) == 4
    others = [plots.style(f"x{i}", i) for i in range(5)]
    assert len({s["color"] for s in looks + others}) == 9


def test_histogram_of_a_drawn_parameter(recorded):
    d, *_ = recorded
    ax = plots.plot_parameter(d, "tau_m", population="I")
    edges = [patch.get_x() for patch in ax.patches]
    assert min(edges) == pytest.approx(d.neurons["tau_m"][d.members("I")].min())
    (density,) = ax.lines
    assert np.trapezoid(density.get_ydata(), density.get_xdata()) == pytest.approx(0.995, abs=0.01)
    assert ax.get_xlabel().endswith("(ms)") and ax.get_ylabel() == "density (1/ms)"
    alike = hr.draw(hr.load_network("honhos", n=60), 0)
    assert len(plots.plot_parameter(alike, "v_th").patches) == 1
    refused(lambda: plots.plot_parameter(d, "tau_mm"), "no parameter 'tau_mm'", "did you mean 'tau_m'?")


def test_histogram_leaves_lost_neurons_out():
    d = hr.draw(hr.load_network("honhos", n=60, v_th={"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1}), 0)
    new, _ = hr.lose_neurons(d, None, 0.3, 1)
    left = new.neurons["v_th"][new.members("E")]
    lost = int(np.isinf(left).sum())
    assert 0 < lost < left.size
    ax = plots.plot_parameter(new, "v_th")
    left = left[np.isfinite(left)]
    low, high = ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()
    assert (low, high) == (pytest.approx(left.min()), pytest.approx(left.max()))
    assert sum(p.get_height() * p.get_width() for p in ax.patches) == pytest.approx(1.0)
    assert f"drawn, without {lost} lost" in [t.get_text() for t in ax.get_legend().get_texts()]
    gone, _ = hr.lose_neurons(d, None, 1.0, 1)
    ax = plots.plot_parameter(gone, "v_th")
    assert not ax.patches and len(ax.lines) == 1
    assert "drawn, without 48 lost" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_capacity_with_its_band():
    u = np.random.default_rng(1).uniform(-1, 1, 1500)
    c = hr.memory_capacity(np.stack([np.roll(u, d) for d in (1, 2)], axis=1) + 0.3 * u[:, None] ** 2, u, d_max=6)
    ax = plots.plot_capacity(c)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), c.curve)
    top = ax.collections[0].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx((c.curve + stats.t.ppf(0.975, 4) * c.curve_stderr).max())
    assert ax.get_legend().get_texts()[0].get_text() == f"C = {c.total:.2f} ± {c.stderr:.2f} s.e."
    assert plots.plot_capacity(c, ax, label="again") is ax and len(ax.collections) == 2


def test_distributions_of_given_arrays_are_what_they_hold():
    """Not the density that they were drawn from, which training may have left behind."""
    d = hr.draw(hr.load_network("henhes", n=40), 1)
    slow = dataclasses.replace(d, neurons={**d.neurons, "tau_m": d.neurons["tau_m"] + 500.0})
    measured = hr.Measurement(hr.trained_network(slow, name="mine"), (), "fast")
    ax = plots.plot_distributions([measured], Figure().subplots())
    assert ax.get_legend_handles_labels()[1] == ["mine, given"] and not ax.lines
    low, high = (f(slow.neurons["tau_m"][d.members("E")]) for f in (np.min, np.max))
    (outline,) = ax.patches
    assert outline.get_xy()[:, 0].min() == pytest.approx(low) and outline.get_xy()[:, 0].max() == pytest.approx(high)
    ax = plots.plot_parameter(hr.draw(measured.network, 0), "v_th", Figure().subplots())
    assert "given" in ax.get_legend_handles_labels()[1]


def test_legends_show_markers_and_no_error_bars(comparison):
    ax = plots.plot_efficiency(comparison.measurements)
    handles = ax.get_legend().legend_handles
    assert len(handles) == 5 and all(type(h) is Line2D and h.get_marker() != "None" for h in handles)
    assert [t.get_text() for t in ax.get_legend().get_texts()][:2] == ["HoNHoS", "HeNHoS"]


def test_channels_are_named_where_there_are_several():
    u = hr.array_stimulus(np.arange(20.0).reshape(10, 2), "10 ms")
    ax = plots.plot_input(u)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["channel 0", "channel 1"]
    named = dataclasses.replace(u, description={"columns": ["_wind", "a$b"]})
    assert [t.get_text() for t in plots.plot_input(named).get_legend().get_texts()] == ["_wind", r"a\$b"]
    assert plots.plot_input(hr.array_stimulus(np.arange(5.0), "10 ms")).get_legend() is None
