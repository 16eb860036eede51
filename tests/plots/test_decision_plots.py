"""Figures of decisions over time: what is drawn is what was given, and what cannot be drawn is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused

from hetero_rsnn import plots

CURVES = {
    "plain": [np.array([[1.0, 0.7], [2.0, 0.8], [4.0, 0.9]]), np.array([[1.2, 0.6], [2.2, 0.7], [4.0, 0.8]])],
    "other": [np.array([[1.0, 0.5], [4.0, 0.9]]), np.array([[1.0, 0.6], [2.0, 0.7], [4.0, 0.8]])],
}


def test_curves_are_those_of_networks_and_their_mean():
    ax = plots.plot_decision_curves(CURVES, {"plain": [(1.5, 0.9), (2.5, 0.8)]})
    lines = [line.get_xydata() for line in ax.get_lines() if len(line.get_xydata())]
    for curve in (*CURVES["plain"], *CURVES["other"]):
        assert any(line.shape == curve.shape and np.array_equal(line, curve) for line in lines)
    middle = np.mean(CURVES["plain"], axis=0)
    assert any(line.shape == middle.shape and np.allclose(line, middle) for line in lines)
    assert any(line.shape == (1, 2) and np.allclose(line, [[2.0, 0.85]]) for line in lines)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["plain", "other", "optimal cutoff time"]


def test_decision_times_are_shares():
    ax = plots.plot_decision_times({"a": [[6, 2, 2], [2, 6, 2]], "b": [[1, 1]]})
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights, [0.4, 0.4, 0.2, 0.5, 0.5])
    places = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    np.testing.assert_allclose(places, [0.8, 1.8, 2.8, 1.2, 2.2])


def test_first_and_last_images():
    rng = np.random.default_rng(0)
    first, last = rng.random((3, 4, 5)), rng.random((2, 4, 5))
    fig = plots.plot_first_and_last(first, last, (["a", "b", "c"], ["d", "e"]))
    shown = [ax.get_images()[0].get_array() for ax in fig.axes if ax.get_images()]
    for image, given in zip(shown, [*first, *last], strict=True):
        np.testing.assert_array_equal(image, given)
    assert [ax.get_title() for ax in fig.axes if ax.get_title()] == list("abcde")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.plot_decision_curves({"a": []}), "curves of 'a' must be (points, 2)"),
        (lambda: plots.plot_decision_curves({"a": [np.zeros((3, 3))]}), "curves of 'a' must be (points, 2)"),
        (lambda: plots.plot_decision_curves({"a": [[[1.0, np.nan]]]}), "must be finite"),
        (lambda: plots.plot_decision_times({"a": []}), "of one network or more, got none"),
        (lambda: plots.plot_decision_times({"a": [[0, 0]]}), "must be counts with a sum above 0"),
        (lambda: plots.plot_decision_times({"a": [[-1, 2]]}), "must be counts with a sum above 0"),
        (lambda: plots.plot_first_and_last(np.zeros((0, 2, 2)), np.zeros((1, 2, 2))), "first"),
        (lambda: plots.plot_first_and_last(np.zeros((2, 2)), np.zeros((1, 2, 2))), "must be images"),
    ],
)
def test_what_cannot_be_drawn(call, said):
    refused(call, said)


def test_equal_shares_have_no_negative_bars():
    """Their mean is rounded past them."""
    for counts in ([1, 9], [3, 7], [451, 23, 15, 11]):
        plots.plot_decision_times({"a": [counts] * 3})
