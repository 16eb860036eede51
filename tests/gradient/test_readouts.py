"""What readouts see, losses, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.readouts import Pooling, cross_entropy, squared_error, too_many_spikes
from hetero_rsnn.measures.probabilities import softmax


def test_matrices_by_hand():
    x = np.arange(1.0, 7.0)  # six windows

    def seen(kind, **more):
        return (Pooling(kind, **more).matrix(6, 8) @ np.concatenate([x, [100.0, 100.0]])).tolist()

    assert seen("rate") == pytest.approx([3.5])
    assert seen("windows", parts=3) == pytest.approx([1.5, 3.5, 5.5])
    assert seen("windows", parts=4) == pytest.approx([(1 + 1.0) / 1.5, (1 + 3) / 1.5, (4 + 2.5) / 1.5, (2.5 + 6) / 1.5])
    assert seen("last") == [6.0]
    assert seen("last", fade=0.5) == pytest.approx([6 + 2.5 + 1 + 3 / 8 + 2 / 16 + 1 / 32])
    level, levels = 0.0, []
    for value in x:
        level = 0.5 * level + value
        levels.append(level)
    assert seen("leaky", fade=0.5) == pytest.approx([np.mean(levels)])
    assert Pooling("windows", parts=3).matrices(np.array([6, 3, 6])).shape == (3, 3, 6)


def test_parts_of_a_sample_weigh_its_windows_alike():
    for count in (1, 2, 5, 7, 29):
        matrix = Pooling("windows", parts=5).matrix(count, 30)
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
        np.testing.assert_allclose(matrix.sum(axis=0)[:count], 5 / count)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_losses(weighted):
    rng = np.random.default_rng(0)
    scores, labels, target = rng.normal(size=(6, 3)), rng.integers(0, 3, 6), rng.normal(size=(6, 3))
    weight = rng.uniform(0, 2, 6) if weighted else None
    for loss in (lambda s: cross_entropy(s, labels, weight), lambda s: squared_error(s, target, weight)):
        direction = rng.normal(size=scores.shape)
        there, back = (loss(scores + s * 1e-6 * direction)[0] for s in (1, -1))
        assert (there - back) / 2e-6 == pytest.approx((loss(scores)[1] * direction).sum(), rel=1e-6)
    np.testing.assert_allclose(softmax(scores + 1000.0), softmax(scores))
    assert cross_entropy(np.zeros((2, 4)), np.array([0, 3]))[0] == pytest.approx(np.log(4))


def test_spikes_above_a_rate():
    activity = np.zeros((2, 3, 2))
    activity[:, :, 0] = 1.0  # 6 spikes in 0.5 s: 12 Hz
    seconds = np.array([0.3, 0.2])
    loss, gradient = too_many_spikes(activity, seconds, 8.0)
    assert loss == pytest.approx(0.5**2 / 2) and not gradient[..., 1].any()
    direction = np.random.default_rng(1).normal(size=activity.shape)
    there, back = (too_many_spikes(activity + s * 1e-6 * direction, seconds, 8.0)[0] for s in (1, -1))
    assert (there - back) / 2e-6 == pytest.approx((gradient * direction).sum(), rel=1e-6)
    assert too_many_spikes(activity, seconds, 12.0)[0] == 0.0


def test_what_cannot_be_is_refused():
    for arguments in ({"kind": "mean"}, {"parts": 0}, {"fade": -0.1}):
        with pytest.raises(hr.HeteroError):
            Pooling(**arguments)
