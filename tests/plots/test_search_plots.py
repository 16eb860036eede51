"""Figures of a search: what is drawn is what the journal holds; looked at as artists, not pixels."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from searches import made_up, make_search

from hetero_rsnn import plots
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.network.distributions import Constant, Gamma
from hetero_rsnn.plots.search_panels import density
from hetero_rsnn.plots.search_plots import border
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.objectives import pareto_front
from hetero_rsnn.searching.partial_dependence import FEWEST, Models
from hetero_rsnn.searching.space import load_space


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("searches")


@pytest.fixture(scope="module")
def small(folder):
    """A space of one distribution, for figures of few panels."""
    path = folder / "quick.toml"
    path.write_text('base = "henhes"\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]\ncv = [0, 1.2]\n')
    return path


@pytest.fixture(scope="module")
def ended(folder):
    return make_search(folder, "ended", space="quick", trials=24, rate=(1, 16.5), seeds=4, c_min=2.0)


@pytest.fixture(scope="module")
def control(folder):
    return make_search(folder, "control", space="homogeneous", trials=14, seeds=4)


@pytest.fixture(scope="module")
def going(folder):
    return make_search(folder, "going", space="quick", trials=8, running=2, ended=False, method="random")


@pytest.fixture(scope="module")
def empty(folder):
    return make_search(folder, "empty", space="quick", trials=0, running=2, ended=False)


@pytest.fixture(scope="module")
def failed(folder):
    return make_search(folder, "failed", space="quick", trials=3, ended=False, fails=lambda number: True)


def lines(ax: Axes, label: str) -> list:
    return [line for line in ax.lines if line.get_label() == label]


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts]


def legend(ax: Axes) -> list[str]:
    return ax.get_legend_handles_labels()[1]


@pytest.mark.parametrize("y", ["E", "S"])
def test_front_shows_every_measured_trial_apart_by_feasibility(ended, control, y):
    ax = plots.plot_front(ended, [control], y=y)
    for i, result in enumerate((ended, control)):
        for label, feasible in (("_feasible", True), ("_infeasible", False)):
            part = [t for t in result.trials if t.evaluation is not None and t.feasible == feasible]
            line = lines(ax, label)[i]
            assert_array_equal(line.get_xdata(), [t.C for t in part])
            assert_array_equal(line.get_ydata(), [getattr(t, y) for t in part])
    assert any(not t.feasible for t in ended.trials if t.evaluation) and any(t.feasible for t in ended.trials)
    # Hollow, and yet seen: graphics want a contrast of 3 : 1.
    assert lines(ax, "_infeasible")[0].get_markerfacecolor() == "none"
    assert all(line.get_alpha() > 0.8 for label in ("_feasible", "_infeasible") for line in lines(ax, label))
    assert len({to_hex(line.get_color()) for line in lines(ax, "_front")}) == (2 if y == "S" else 0)
    assert "samples" in ax.get_xlabel() and "spike" in ax.get_ylabel()


def test_front_line_passes_its_trials_and_no_trial_lies_beyond(ended):
    line = lines(plots.plot_front(ended, y="S"), "_front")[0]
    x, y = (np.asarray(a) for a in line.get_data())
    corners = set(zip(x.tolist(), y.tolist(), strict=True))
    assert {(t.C, t.S) for t in ended.front} <= corners
    for t in ended.trials:
        # No trial has more C and less S than a point of the front.
        assert not t.feasible or not ((x < t.C) & (y > t.S)).all()
        assert not t.feasible or any(f.C >= t.C and f.S <= t.S for f in ended.front)
    assert not lines(plots.plot_front(ended), "_front")  # over E it would be a zigzag


def test_wide_intervals_do_not_squeeze_the_picture(folder):
    result = make_search(folder, "two", space="quick", trials=10, seeds=2, remeasure=0)
    ax = plots.plot_front(result)
    assert ax.get_ylim()[1] <= 1.4 * max(t.E for t in result.trials if t.evaluation is not None) + 1e-9


def test_border_of_three_points():
    c, s = border([3.0, 1.0, 2.0], [0.3, 0.1, 0.2])
    assert list(zip(c, s, strict=True)) == [(1, 0.1), (1, 0.2), (2, 0.2), (2, 0.3), (3, 0.3)]
    rng = np.random.default_rng(0)
    c, s = rng.random((2, 50))
    front = pareto_front(c, s)
    x, y = border(c[front].tolist(), s[front].tolist())
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()


def test_best_stands_at_its_fresh_values_with_their_intervals(ended):
    ax = plots.plot_front(ended)
    assert any(text.startswith("quick: best, fresh seeds (2 failed)") for text in legend(ax)), legend(ax)
    best = ended.remeasured[ended.best.number]
    container = ax.containers[0]
    assert_allclose([container.lines[0].get_xdata()[0], container.lines[0].get_ydata()[0]], [best.C, best.E])
    segments = [bar.get_segments()[0] for bar in container.lines[2]]
    c, e = best.estimate("C"), best.estimate("E")
    assert_allclose(segments[0][:, 0], [c.low, c.high])
    assert_allclose(segments[1][:, 1], [e.low, e.high])
    shift = lines(ax, "_shift")[0]
    assert_allclose(shift.get_xdata(), [ended.best.C, best.C])


def test_best_that_was_not_measured_again_says_so(going):
    assert any("as the search saw it" in text for text in legend(plots.plot_front(going)))


def test_convergence_is_that_of_the_result(ended, going):
    ax = plots.plot_convergence(ended, [going])
    for name, result in zip(view.labels([ended, going]), (ended, going), strict=True):
        line = lines(ax, name)[0]
        assert_array_equal(line.get_xdata(), np.arange(1, len(result.trials) + 1))
        seen = np.fmax.accumulate([t.E if t.feasible else math.nan for t in result.trials])
        assert_array_equal(line.get_ydata(), seen)
    fresh = [c for c in ax.containers if c.get_label() == "_fresh"]
    assert len(fresh) == 1  # only one search has measured its best again
    assert fresh[0].lines[0].get_ydata()[0] == ended.best_evaluation.E
    assert fresh[0].lines[0].get_xdata()[0] > len(ended.trials)


def test_convergence_of_a_pareto_search_is_the_hypervolume(folder):
    result = make_search(folder, "pareto", space="quick", trials=16, objective="pareto")
    ax = plots.plot_convergence(result)
    assert "hypervolume" in ax.get_ylabel()
    assert_array_equal(lines(ax, "quick")[0].get_ydata(), result.convergence)
    assert lines(ax, "quick")[0].get_ydata()[-1] == pytest.approx(result.hypervolume)


def test_partial_dependence_has_real_units_and_the_trials(ended):
    models = plots.fit_models(ended)
    ax = plots.plot_partial_dependence(ended, "tau_m.mean", models=models)
    assert ax.get_xlabel() == "tau_m.mean (ms)" and ax.get_xscale() == "log"
    curve = lines(ax, "mean")[0]
    assert_allclose(curve.get_xdata()[[0, -1]], [10, 60])
    dots = lines(ax, "trials")[0]
    assert_allclose(dots.get_xdata(), [t.point["tau_m.mean"] for t in ended.trials if t.evaluation is not None])
    assert lines(ax, "best")[0].get_xdata()[0] == ended.best.point["tau_m.mean"]
    assert lines(ax, "base")[0].get_xdata()[0] == 30
    ax = plots.plot_partial_dependence(ended, "tau_m.cv", models=models, quantity="C")
    assert ax.get_xlabel() == "tau_m.cv" and ax.get_xscale() == "linear" and ax.get_ylabel() == "C"
    low, high = ax.get_xlim()
    assert low < 0 and high > 1.2


def test_partial_dependence_finds_what_matters():
    space = load_space("quick")
    rng = np.random.default_rng(1)
    points = [space.from_unit(z) for z in rng.random((40, len(space.dimensions)))]
    names = [d.name for d in space.dimensions]
    values = []
    for p in points:
        cv = dict(zip(names, p, strict=True))["tau_m.cv"]
        values.append(np.exp([[math.log(1 + 2 * cv)] * 3, [math.log(0.1)] * 3] + rng.normal(0, 0.01, (2, 3))))
    models = Models(space, points, values)
    curve = models.partial("tau_m.cv", "C")
    assert_allclose(curve.mean, 1 + 2 * curve.x, rtol=0.06)
    assert (curve.low < curve.mean).all() and (curve.mean < curve.high).all()
    for name in ("eta_minus.mean", "input gain"):
        assert np.ptp(models.partial(name, "C").mean) < 0.1 * np.ptp(curve.mean)
    assert_allclose(models.partial("tau_m.cv", "S").mean, 0.1, rtol=0.02)
    ratio = curve.mean / models.partial("tau_m.cv", "S").mean
    assert_allclose(models.partial("tau_m.cv", "E").mean, ratio)
    surface = models.surface("tau_m.cv", "eta_minus.mean", "C")
    assert_allclose(surface.mean, np.tile(1 + 2 * surface.x, (len(surface.y), 1)), rtol=0.08)
    turned = models.surface("eta_minus.mean", "tau_m.cv", "C")
    assert_allclose(turned.mean, surface.mean.T)
    # Averaged over the other axis, in logarithms, it is the curve.
    between = np.exp(np.log(surface.mean).mean(axis=0))
    assert_allclose(between, np.interp(surface.x, curve.x, curve.mean), rtol=0.03)


def test_variance_of_an_average_of_one_point_is_that_of_the_point(ended):
    models = plots.fit_models(ended)
    z = np.full((1, len(ended.space.dimensions)), 0.3)
    mean, sd = models.average(z, "C")
    expected = models.models[0].predict(z)
    assert_allclose([mean, sd], [expected[0][0], expected[1][0]], rtol=1e-6)
    many = np.random.default_rng(0).random((20, z.shape[1]))
    assert models.average(many, "C")[1] <= models.models[0].predict(many)[1].max()


def test_distributions_are_densities_of_what_won(ended):
    ax = plots.plot_searched_distribution(ended, "tau_m")
    best = ended.space.distributions(ended.best.values)["tau_m"]
    x, y = lines(ax, "best")[0].get_data()
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "tau_m (ms)"
    share = float(best.cdf(x[-1]) - best.cdf(x[0]))
    assert np.trapezoid(y, np.log(x)) == pytest.approx(share, abs=0.01) and share > 0.9
    ax = plots.plot_searched_distribution(ended, "input gain")
    assert lines(ax, "best")[0].get_xdata()[0] == ended.best.point["input gain"]
    assert lines(ax, "base")[0].get_xdata()[0] == 1 and "factor" in ax.get_xlabel()


def test_density_of_the_logarithm():
    d, x = Gamma(20.0, 0.5), np.geomspace(1, 100, 2000)
    assert_allclose(density(d, x, log=True)[1:-1], (density(d, x, log=False) * x)[1:-1], rtol=1e-3)
    assert Constant(3.0).cv == 0  # which is drawn as a line, not as a density


def test_grids_have_a_panel_for_every_searched_number(ended, control):
    panels = plots.plot_partial_dependences(ended)
    assert [ax.get_xlabel().split(" (")[0] for ax in panels] == [d.name for d in ended.space.dimensions]
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert [ax.get_xlabel().split(" (")[0] for ax in plots.plot_searched_distributions(control)] == [
        e.name for e in control.space.entries
    ]
    seen = [ax for ax in panels[0].figure.axes if ax.get_visible()]
    assert len(seen) == len(panels)


def test_the_page_holds_all_parts(ended, control):
    figure = plots.search_figure(ended, [control])
    assert isinstance(figure, Figure)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert len(panels) == 2 + len(ended.space.entries) + len(ended.space.dimensions)
    assert [ax.get_title("left") for ax in figure.axes[:2]] == ["A", "B"]
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", ["empty", "failed"])
def test_without_a_measured_trial_figures_say_so(name, request):
    result = request.getfixturevalue(name)
    assert "no trial has finished yet" in texts(plots.plot_front(result))
    assert "no feasible trial yet" in texts(plots.plot_convergence(result))
    assert any(str(FEWEST) in text for text in texts(plots.plot_partial_dependence(result, "tau_m.cv")))
    assert legend(plots.plot_searched_distribution(result, "tau_m")) == ["base"]
    plots.search_figure(result).draw_without_rendering()


def by_spread(point: dict[str, float], seed: int) -> dict[str, float]:
    return made_up({**point, "eta_minus.mean": 0.006}, seed)


def test_infeasible_trials_are_no_best(folder, small):
    result = make_search(folder, "hard", space=small, measured=by_spread, trials=10, c_min=50.0, ended=False)
    assert result.best is not None and view.best(result) is None
    assert any("nothing feasible yet" in text for text in legend(plots.plot_front(result)))
    assert not lines(plots.plot_partial_dependence(result, "tau_m.cv"), "best")
    assert "comes closest" in view.nothing(result)
    plots.search_figure(result).draw_without_rendering()


def test_trials_without_an_efficiency_are_left_out(folder):
    def silent(point: dict[str, float], seed: int) -> dict[str, float]:
        return {"C": 0.0, "S": 0.001} if point["tau_m.cv"] > 0.6 else made_up(point, seed)

    result = make_search(folder, "silent", space="quick", trials=16, measured=silent, ended=False)
    part = [t for t in result.trials if t.evaluation is not None]
    assert any(math.isnan(t.E) for t in part)
    ax = plots.plot_front(result)
    assert sum(len(line.get_xdata()) for key in ("_feasible", "_infeasible") for line in lines(ax, key)) == sum(
        not math.isnan(t.E) for t in part
    )
    assert np.isfinite(lines(plots.plot_partial_dependence(result, "tau_m.cv"), "mean")[0].get_ydata()).all()
    assert str(wording.measure(next(t for t in part if math.isnan(t.E)).evaluation, "E").n) == "0"


def test_one_seed_has_no_error_bar(folder, small):
    result = make_search(folder, "single", space=small, measured=by_spread, trials=8, seeds=1, fresh_seeds=1)
    plots.search_figure(result).draw_without_rendering()
    assert "no interval" in view.meaning(result, view.best(result))


def test_given_axes_are_used_and_pyplot_is_not_touched(ended):
    models = plots.fit_models(ended)
    for plot in (
        plots.plot_front,
        plots.plot_convergence,
        lambda r, ax=None: plots.plot_partial_dependence(r, "tau_m.cv", ax, models=models),
        lambda r, ax=None: plots.plot_searched_distribution(r, "tau_m", ax),
    ):
        ax = Figure().subplots()
        assert plot(ended, ax=ax) is ax
        assert isinstance(plot(ended), Axes)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda r: plots.plot_front(r, y="F"), "'F'"),
        (lambda r: plots.plot_partial_dependence(r, "tau_m.c"), "did you mean 'tau_m.cv'"),
        (lambda r: plots.plot_searched_distribution(r, "tau_n"), "did you mean 'tau_m'"),
        (lambda r: plots.fit_models(r).partial("tau_m.cv", "F"), "no quantity 'F'"),
        (lambda r: plots.fit_models(r).surface("tau_m.cv", "tau_m.c"), "did you mean 'tau_m.cv'"),
        (lambda r: plots.fit_models(r).surface("tau_m.cv", "tau_m.cv"), "two dimensions"),
    ],
)
def test_mistakes_are_named(ended, call, match):
    with pytest.raises(HeteroError, match=match):
        call(ended)


def test_labels_tell_searches_apart(ended, control, going, folder):
    assert view.labels([ended]) == ["quick"]
    assert view.labels([ended, control, going]) == ["quick", "homogeneous", "quick, random"]
    again = make_search(folder, "again", space="quick", trials=2, seed=7)
    assert view.labels([ended, again]) == ["quick, wasserstein, seed 0", "quick, wasserstein, seed 7"]
    assert len(set(view.labels([ended, ended]))) == 2


def test_lead_is_paired_over_equal_seeds(ended, control, going):
    ours, theirs = ended.best_evaluation, ended.reference_remeasured
    e = wording.lead(ours, theirs, "E")
    assert_allclose(e.mean, np.mean(np.subtract(ours.per_seed["E"], theirs.per_seed["E"])))
    assert e.n == len(ours.seeds)
    assert wording.lead(ours, going.best_evaluation, "E").n == 0  # other seeds
    rows = view.comparison(ended, [control, going])
    assert [r.name for r in rows] == ["quick", "homogeneous", "quick, random", view.REFERENCE]
    assert rows[0].lead == "" and rows[1].lead.startswith("+") and rows[2].lead == ""
    assert "fresh" in rows[3].source


def test_only_what_was_measured_alike_is_compared(ended, control):
    with pytest.raises(HeteroError, match=r"protocol\.samples differs: quick 2000, homogeneous 6000"):
        view.check_comparable([ended, control])
