"""The one way from a result to its figure: every target exists, and nothing is drawn before it is asked for."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from helpers import ROOT

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.figures import TARGETS, figure_of


@pytest.mark.parametrize("kind", TARGETS)
def test_every_target_exists_and_every_result_has_a_plot(kind: str) -> None:
    drawing, method = figure_of(kind), getattr(hr, kind).plot
    assert drawing is getattr(plots, TARGETS[kind]) and TARGETS[kind] in plots.__all__
    source = inspect.getsource(method)
    assert f'figure_of("{kind}")' in source and TARGETS[kind] in method.__doc__


def test_every_plot_goes_through_the_one_list() -> None:
    found = set()
    for name in hr.__all__:
        try:
            thing = getattr(hr, name)
        except hr.HeteroError:  # needs torch
            continue
        found |= {name} if inspect.isclass(thing) and hasattr(thing, "plot") else set()
    assert found == set(TARGETS)


def test_results_are_drawn_into_the_axes_given() -> None:
    from matplotlib.figure import Figure

    net = hr.load_network("henhes", n=40)
    drawn, u = hr.draw(net), hr.uniform_stimulus(400)
    recording = hr.simulate(drawn, u)
    capacity = hr.memory_capacity(hr.states(recording, u), u.values[:, 0], d_max=5)
    for thing in (recording, u, capacity):
        ax = Figure().subplots()
        assert thing.plot(ax) is ax and thing.plot().figure is not ax.figure
        assert ax.lines or ax.patches
    assert drawn.plot("tau_m", population="I").get_xlabel().endswith("(ms)")


def test_a_result_does_not_import_matplotlib(tmp_path) -> None:
    code = (
        "import sys, hetero_rsnn as hr; net = hr.load_network('honhos', n=20); d = hr.draw(net)\n"
        "r = hr.simulate(d, hr.uniform_stimulus(20))\n"
        "for thing in (net, d, r): assert '<svg' in thing._repr_html_()\n"
        "print('matplotlib' in sys.modules, 'pandas' in sys.modules)"
    )
    env = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
