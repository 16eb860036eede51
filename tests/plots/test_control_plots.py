"""Figures of actors that learn: what is drawn is what was reached."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import refused
from PIL import Image

import hetero_rsnn as hr
from hetero_rsnn import plots


def made(pseudo="trapezoid", seeds=4, environment="Pendulum-v1", **actor):
    rng = np.random.default_rng(seeds)
    tests = {
        s: tuple(
            hr.ControlTest(1000 * k, tuple(rng.normal(-1500 + 300 * k, 80, 3)), 90.0 + s + k, k) for k in (1, 2, 3, 4)
        )
        for s in range(seeds)
    }
    return hr.ControlResult(
        environment, hr.ControlSettings(hr.ActorSettings(pseudo=pseudo, **actor), steps=4000), tests
    )


def episode(pictures=9):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (pictures, 60, 80, 3)).astype(np.uint8)
    return hr.EpisodeRecording(
        "Pendulum-v1", 0, rng.normal(size=(33, 3)), rng.normal(size=(33, 2)), rng.normal(size=33),
        rng.integers(50, 90, 33), frames, 4,
    )  # fmt: skip


def test_curves_and_bands():
    results = [made(), made("rectangle", 5)]
    ax = plots.plot_control(results)
    thick = [line for line in ax.lines if line.get_lw() > 1]
    for line, result in zip(thick, results, strict=True):
        np.testing.assert_allclose(line.get_ydata(), result.mean_curve().value)
        np.testing.assert_allclose(line.get_xdata(), [1000, 2000, 3000, 4000])
    assert len(ax.lines) == 2 + 4 + 5
    for band, result in zip(ax.collections, results, strict=True):
        low, high = result.mean_curve().low, result.mean_curve().high
        ys = band.get_paths()[0].vertices[:, 1]
        assert ys.min() == low.min() and ys.max() == high.max()
    assert words_of(ax) == ["trapezoid, 4 seeds", "rectangle, 5 seeds"]
    twice = plots.plot_control([made(), made()])
    assert words_of(twice) == ["trapezoid (1)", "trapezoid (2)"]


def words_of(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_results_of_one_name_are_told_apart_by_their_settings():
    varied = {"distribution": "uniform", "low": 0.3, "high": 0.7}
    results = [made(), made(hidden=(64, 32)), made(current_decay=varied), made("rectangle")]
    wanted = [
        "trapezoid, hidden 256 x 256, current decay 0.5", "trapezoid, hidden 64 x 32, current decay 0.5",
        "trapezoid, hidden 256 x 256, current decay uniform", "rectangle",
    ]  # fmt: skip
    assert words_of(plots.plot_control(results)) == wanted == words_of(plots.plot_control_spikes(results))
    wide = made("rectangle", pseudo_parameters={"width": 0.75})
    assert words_of(plots.plot_control([made("rectangle"), wide]))[1] == "rectangle, pseudo parameters width 0.75"
    assert plots.plot_control_spikes(made()).get_legend() is None


def test_the_title_counts_the_seeds_that_are_drawn():
    def title(*results, recording=None):
        return [ax.get_title() for ax in plots.figure_control(results, recording).axes if ax.get_title()]

    given_up = replace(made(seeds=5), errors={2: "nan"})
    assert title(given_up) == ["Pendulum-v1, 4 seeds"] and title(made(seeds=1)) == ["Pendulum-v1, 1 seed"]
    assert title(made(seeds=2), made("rectangle", 3)) == ["Pendulum-v1"]
    one = episode(0)
    assert title(made(), made("rectangle"), recording=one)[1] == (
        f"trapezoid: an episode without noise, return {one.total:.4g}"
    )
    assert title(made(), recording=one)[1].startswith("an episode without noise, return ")


def test_a_single_seed_has_no_band():
    ax = plots.plot_control(made(seeds=1))
    assert len(ax.lines) == 1 and not ax.collections


def test_spikes_and_an_episode():
    result = made()
    ax = plots.plot_control_spikes(result)
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), result.spikes.mean(axis=0))
    one = episode()
    top, middle, bottom = plots.plot_episode(one)
    np.testing.assert_allclose(top.lines[0].get_ydata(), one.rewards)
    assert len(middle.lines) == 2
    np.testing.assert_allclose(bottom.lines[0].get_ydata(), one.spikes)


def test_strip_and_film(tmp_path):
    one = episode()
    strip = plots.plot_film_strip(one, 3)
    assert [ax.get_title() for ax in strip.axes] == ["step 0", "step 16", "step 32"]
    np.testing.assert_array_equal(strip.axes[1].images[0].get_array(), one.frames[4])
    path = plots.save_film(one, tmp_path / "film.gif", size=40)
    with Image.open(path) as film:
        assert film.n_frames == 9 and film.size == (40, 30)
    figure = plots.figure_control([made(), made("rectangle")], one)
    assert len(figure.subfigs) == 3


def test_what_cannot_be_drawn(tmp_path):
    refused(lambda: plots.plot_control([]), "results must be one or more")
    refused(
        lambda: plots.plot_control([made(), made(environment="Hopper-v5")]), "of one environment, got Hopper-v5, Pen"
    )
    none = hr.ControlResult("Pendulum-v1", hr.ControlSettings(), {0: ()})
    refused(lambda: plots.plot_control(none), "not every seed has a test yet")
    refused(lambda: plots.plot_film_strip(episode(0)), "no pictures")
    refused(lambda: plots.save_film(episode(), tmp_path / "film.png"), "saved as NAME.gif, got 'film.png'")


@pytest.mark.parametrize("count", [0, 2.5])
def test_counts_are_whole(count):
    refused(lambda: plots.plot_film_strip(episode(), count), "count must be a whole number >= 1")
