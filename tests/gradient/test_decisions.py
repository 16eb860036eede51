"""Decisions in windows of time: windows, running means, losses with the gradients that they say."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.decisions import TET_SHARE, DecisionHead, DecisionWindows, running_mean
from hetero_rsnn.measures.probabilities import softmax

#: Windows of counting of the samples of a batch, and which samples of the training these are.
LENGTHS = np.array([6, 12, 9, 3])
INDEX = np.array([3, 0, 4, 1])


def activity(n: int = 5) -> np.ndarray:
    out = np.random.default_rng(1).integers(0, 3, (len(LENGTHS), LENGTHS.max(), n)).astype(float)
    for own, count in zip(out, LENGTHS, strict=True):
        own[count:] = 0.0
    return out


def head(kind: str = "cross_entropy", every: int = 4, fade: float = 0.0, weighted: bool = False) -> DecisionHead:
    lengths = np.array([12, 3, 7, 6, 9])
    weight = np.array([0.5, 2.0, 1.0, 0.1, 3.0]) if weighted else None
    return DecisionHead(DecisionWindows(every, fade), np.array([0, 2, 1, 1, 0]), lengths, 1, weight, 3, kind)


@pytest.mark.parametrize("every", [1, 2, 4, 5, 20])
@pytest.mark.parametrize("fade", [0.0, 0.6, 1.0])
def test_features_are_those_of_a_loop(every, fade):
    x, rows = activity(), []
    for own, count in zip(x, LENGTHS, strict=True):
        left = np.zeros(x.shape[2])
        for begin in range(0, count, every):
            window = own[begin : min(begin + every, count)]
            for row in window:
                left = fade * left + row
            rows.append(left if fade else window.mean(axis=0))
    found = head(every=every, fade=fade).features(x, LENGTHS, INDEX)
    np.testing.assert_allclose(found, rows, rtol=1e-13, atol=1e-13)
    # What a sample's decision sees is the mean of these.
    ends = np.cumsum(DecisionWindows(every).count(LENGTHS))
    means = [np.mean(rows[a:b], axis=0) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    whole = DecisionWindows(every, fade).whole(x, LENGTHS)
    np.testing.assert_allclose(whole, means, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("every", [1, 4, 5])
@pytest.mark.parametrize("fade", [0.0, 0.6])
def test_back_is_the_adjoint(every, fade):
    one, x = head(every=every, fade=fade), activity()
    g = np.random.default_rng(2).normal(size=one.features(x, LENGTHS, INDEX).shape)
    y = np.random.default_rng(3).normal(size=x.shape)
    there = (one.features(y, LENGTHS, INDEX) * g).sum()
    here = (y * one.back(g, x, LENGTHS, INDEX)).sum()
    assert abs(there - here) < 1e-12 * abs(there)


def test_windows_end_where_they_say():
    layout = DecisionWindows(4)
    assert layout.count(LENGTHS).tolist() == [2, 3, 3, 1]
    assert layout.ends(LENGTHS).tolist() == [[3, 5, 5], [3, 7, 11], [3, 7, 8], [2, 2, 2]]
    x = activity() + 1.0  # what is beyond the end is not looked at
    sums = [
        [own[t : min(t + 4, count)].sum(axis=0) for t in range(0, 12, 4)] for own, count in zip(x, LENGTHS, strict=True)
    ]
    np.testing.assert_array_equal(layout.sums(x, LENGTHS), sums)
    g = np.random.default_rng(0).normal(size=(4, 3, 5))
    for forth, back in (
        (layout.sums(x, LENGTHS), layout.spread(g, LENGTHS, 12)),
        (
            x[np.arange(4)[:, None], layout.ends(LENGTHS)] * layout.there(LENGTHS)[:, :, None],
            layout.place(g, LENGTHS, 12),
        ),
    ):
        assert abs((forth * g).sum() - (x * back).sum()) < 1e-12 * np.abs(forth * g).sum()


def test_memory_grows_with_the_windows_and_not_with_their_square():
    lengths, n = np.full(4, 3000), 5
    x = np.ones((4, 3000, n))
    for fade in (0.0, 0.5):
        one = DecisionHead(DecisionWindows(1, fade), np.zeros(4, int), lengths)
        tracemalloc.start()
        seen = one.features(x, lengths, np.arange(4))
        one.back(seen, x, lengths, np.arange(4))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 20 * x.nbytes


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["cross_entropy", "squared_error", "tet"])
def test_losses_have_the_gradients_they_say(kind, weighted):
    one = head(kind, weighted=weighted)
    scores = np.random.default_rng(4).normal(size=(one.answers(INDEX), 3))
    value, gradient = one.loss(scores, INDEX)
    for place in np.ndindex(scores.shape):
        step = np.zeros_like(scores)
        step[place] = 1e-6
        slope = (one.loss(scores + step, INDEX)[0] - one.loss(scores - step, INDEX)[0]) / 2e-6
        assert abs(slope - gradient[place]) < 1e-8
    # The same in other words.
    weight = np.ones(5) if one.weight is None else one.weight
    each, row = [], 0
    for k in INDEX:
        mine = scores[row : (row := row + -(-one.lengths[k] // 4))]
        label = one.targets[k]
        if kind == "tet":
            entropy = -np.log(softmax(mine)[:, label]).mean()
            each.append((1 - TET_SHARE) * entropy + TET_SHARE * ((mine - 1) ** 2).mean())
        elif kind == "cross_entropy":
            each.append(-np.log(softmax(mine.mean(axis=0)[None])[0, label]))
        else:
            each.append(((mine.mean(axis=0) - np.eye(3)[label]) ** 2).mean())
    assert abs(value - np.mean(weight[INDEX] * each)) < 1e-13


def test_what_is_right_and_when():
    one = head()
    scores = np.zeros((9, 3))
    scores[[0, 1], 1] = [1.0, -3.0]  # sample 3, of class 1: right at first
    scores[[2, 3, 4], 0] = [-1.0, 0.5, 1.0]  # sample 0, of class 0: from the third window on, by the mean
    scores[8, 2] = 1.0  # sample 1, of class 2, has one window
    right = one.right(scores, INDEX)
    assert right.tolist() == [[True, False, False], [False, False, True], [True, True, True], [True, False, False]]
    assert one.score(scores, INDEX) == 0.75
    over = one.over_time(scores, INDEX)
    np.testing.assert_allclose(running_mean(over)[1, :, 0], [-1.0, -0.25, 1 / 6], rtol=1e-13)


def test_a_head_that_makes_no_sense():
    with pytest.raises(HeteroError, match="5 targets and 4 lengths"):
        DecisionHead(DecisionWindows(), np.arange(5), np.ones(4, int))
    with pytest.raises(HeteroError, match="loss"):
        head("tit")
    with pytest.raises(HeteroError, match="every must be"):
        DecisionWindows(0)


def test_contents_tell_heads_apart():
    def content(one: Any) -> list[Any]:
        return [x if isinstance(x, str) else np.asarray(x).tolist() for x in one.content()]

    heads = [head(), head("tet"), head(every=5), head(fade=0.5), head(weighted=True)]
    assert len({str(content(h)) for h in heads}) == len(heads)
