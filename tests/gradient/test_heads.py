"""What a training asks of its readout: features and the way back are adjoint, losses have the gradients they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.heads import RowHead, SampleHead, faded_sum
from hetero_rsnn.gradient.readouts import Pooling

#: Windows of each sample of a batch; of some samples more than of others.
LENGTHS = np.array([6, 12, 9, 3])
#: Which samples of the training these are, in an order of their own.
INDEX = np.array([3, 0, 4, 1])
RNG = np.random.default_rng(0)


def activity(lengths: Any = LENGTHS, n: int = 5) -> np.ndarray:
    """Spikes, and 0 beyond the end of a sample."""
    out = np.random.default_rng(1).integers(0, 3, (len(lengths), max(lengths), n)).astype(float)
    for own, count in zip(out, lengths, strict=True):
        own[count:] = 0.0
    return out


def rows(windows: int = 1, channels: int = 2, weighted: bool = False, fade: float = 0.7) -> RowHead:
    """Five samples, of which 1 row only counts in the shortest, and 4 in the longest of the batch."""
    rng = np.random.default_rng(2)
    answers = [4, 1, 2, 1, 3]
    return RowHead(
        [rng.normal(size=(k, 2)) for k in answers],
        [rng.normal(size=(k, channels)) for k in answers],
        fade,
        windows,
        [rng.uniform(0, 2, k) for k in answers] if weighted else None,
    )


def is_adjoint(head: Any, lengths: Any = LENGTHS) -> None:
    """(features(x), g) = (x, back(g)), up to what the readout sees beside the spikes."""
    x = activity(lengths)
    seen, nothing = head.features(x, lengths, INDEX), head.features(np.zeros_like(x), lengths, INDEX)
    g = RNG.normal(size=seen.shape)
    back = head.back(g, x, lengths, INDEX)
    assert back.shape == x.shape
    there, here = ((seen - nothing) * g).sum(), (x * back).sum()
    assert abs(there - here) < 1e-12 * max(1.0, abs(there)), (there, here)


@pytest.mark.parametrize("kind", ["rate", "windows", "last", "leaky"])
def test_back_is_the_adjoint_for_samples(kind):
    is_adjoint(SampleHead(Pooling(kind, 4, 0.6), np.arange(5) % 3))


@pytest.mark.parametrize("channels", [0, 2])
@pytest.mark.parametrize("windows", [1, 3])
def test_back_is_the_adjoint_for_rows(windows, channels):
    """Also where samples are of unequal lengths, and inputs stand beside the spikes."""
    lengths = np.array([2, 5, 3, 1]) * windows
    is_adjoint(rows(windows, channels), lengths)


def test_rows_by_hand():
    """The last rows of each sample, at the end of each row, faded window by window, then the input."""
    head, lengths = rows(windows=2), np.array([2, 5, 3, 1]) * 2
    x = activity(lengths)
    seen = head.features(x, lengths, INDEX)
    expected = []
    for own, k, count in zip(x, INDEX, lengths, strict=True):
        answers = len(head.targets[k])
        for j in range(answers):
            row = count // 2 - answers + j
            end = 2 * row + 1
            state = sum(own[w] * 0.7 ** (end - w) for w in range(end + 1))
            expected.append(np.concatenate([state, head.inputs[k][j]]))
    np.testing.assert_allclose(seen, expected, rtol=1e-13)
    wanted, weight = head.wanted(INDEX)
    np.testing.assert_array_equal(wanted, np.concatenate([head.targets[k] for k in INDEX]))
    np.testing.assert_array_equal(weight, 1.0)


def test_features_of_samples_by_hand():
    x = activity()
    seen = SampleHead(Pooling("windows", 3), np.arange(5)).features(x, LENGTHS, INDEX)
    expected = [
        np.concatenate([own[: c // 3].mean(0), own[c // 3 : 2 * c // 3].mean(0), own[2 * c // 3 : c].mean(0)])
        for own, c in zip(x, LENGTHS, strict=True)
    ]
    np.testing.assert_allclose(seen, expected, rtol=1e-13)


def test_a_fading_sum_is_that_of_all_before():
    x = RNG.normal(size=(2, 7, 3))
    expected = np.array([[sum(s[j] * 0.4 ** (k - j) for j in range(k + 1)) for k in range(7)] for s in x])
    before = x.copy()
    np.testing.assert_allclose(faded_sum(x, 0.4), expected, rtol=1e-12)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(faded_sum(x.astype(np.float32), 0.0), x.astype(np.float32))


NUMBERS = np.random.default_rng(3).normal(size=(5, 2))
W = np.array([0.5, 0.0, 2.0, 1.0, 1.5])
HEADS: dict[str, tuple[Any, int]] = {
    "classes": (SampleHead(Pooling(), np.array([0, 2, 1, 1, 0])), 4),
    "classes, weighed": (SampleHead(Pooling(), np.array([0, 2, 1, 1, 0]), W), 4),
    "classes, squared": (SampleHead(Pooling(), np.array([0, 2, 1, 1, 0]), W, squared=True), 4),
    "numbers": (SampleHead(Pooling(), NUMBERS), 4),
    "numbers, weighed": (SampleHead(Pooling(), NUMBERS, W), 4),
    "rows": (rows(), 9),
    "rows, weighed": (rows(weighted=True), 9),
}


@pytest.mark.parametrize("name", HEADS)
def test_losses_have_the_gradients_they_say(name):
    head, answers = HEADS[name]
    rng = np.random.default_rng(4)
    scores, direction = rng.normal(size=(2, answers, head.outputs))
    there, here = (head.loss(scores + s * 1e-5 * direction, INDEX)[0] for s in (1, -1))
    assert (there - here) / 2e-5 == pytest.approx((head.loss(scores, INDEX)[1] * direction).sum(), rel=1e-8)


@pytest.mark.parametrize("name", ["classes, squared", "numbers, weighed", "rows, weighed"])
def test_squared_errors_by_hand(name):
    """A mean over answers and the numbers of an answer; weights have the mean 1 over the whole training."""
    head, answers = HEADS[name]
    scores = np.random.default_rng(5).normal(size=(answers, head.outputs))
    wanted, weight = head.wanted(INDEX)
    assert head.loss(scores, INDEX)[0] == pytest.approx((weight * ((scores - wanted) ** 2).mean(1)).mean())
    assert head.loss(wanted, INDEX)[0] == 0.0


def test_a_weight_of_two_is_two_answers_and_none_is_none():
    targets = np.array([0, 1, 2])
    scores = np.random.default_rng(6).normal(size=(3, 3))
    weighed = SampleHead(Pooling(), targets, np.array([2.0, 1.0, 0.0])).loss(scores, np.arange(3))
    twice = SampleHead(Pooling(), targets).loss(scores[[0, 0, 1]], np.array([0, 0, 1]))
    assert weighed[0] == pytest.approx(twice[0])
    np.testing.assert_allclose(weighed[1][0], twice[1][:2].sum(axis=0))
    assert not weighed[1][2].any()


@pytest.mark.parametrize("head", ["classes, weighed", "classes, squared", "numbers, weighed", "rows"])
def test_a_batch_that_does_not_count_teaches_nothing(head):
    """Weights of 0 throughout it: a loss of 0 and no gradient, not a division by 0."""
    made = HEADS[head][0]
    if head == "rows":
        made = RowHead(made.targets, made.inputs, 0.7, 1, [np.full(len(t), k != 1) for k, t in enumerate(made.targets)])
    loss, gradient = made.loss(np.ones((1, made.outputs)), np.array([1]))
    assert loss == 0.0 and not gradient.any() and gradient.shape == (1, made.outputs)


def test_what_is_answered_to_begin_with():
    assert SampleHead(Pooling(), np.array([0, 2])).start(np.arange(2)).tolist() == [0.0, 0.0, 0.0]
    squared = SampleHead(Pooling(), np.array([0, 2, 2]), squared=True)
    np.testing.assert_allclose(squared.start(np.arange(3)), [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(SampleHead(Pooling(), NUMBERS).start(np.array([0, 2])), NUMBERS[[0, 2]].mean(0))
    np.testing.assert_allclose(
        rows().start(np.array([0, 2])), np.concatenate([rows().targets[k] for k in (0, 2)]).mean(0)
    )


def test_scores_are_the_larger_the_better():
    classes = SampleHead(Pooling(), np.array([0, 1, 1]), classes=2)
    assert classes.score(np.array([[1.0, 0], [0, 1], [1, 0]]), np.arange(3)) == pytest.approx(2 / 3)
    assert SampleHead(Pooling(), NUMBERS).score(NUMBERS + 0.5, np.arange(5)) == pytest.approx(-0.25)
    head = rows()
    assert head.score(head.wanted(INDEX)[0] - 0.5, INDEX) == pytest.approx(-0.25)


def test_units_of_features():
    """One for all neurons and one for all inputs; of what never changes it is 1."""
    seen = np.concatenate([RNG.normal(0, 3, (200, 5)), RNG.normal(0, 0.1, (200, 2))], axis=1)
    scale = rows().scale(seen)
    np.testing.assert_allclose(scale, [seen[:, :5].std()] * 5 + [seen[:, 5:].std()] * 2)
    np.testing.assert_array_equal(rows(channels=0).scale(np.ones((9, 5))), np.ones(5))
    assert SampleHead(Pooling(), np.arange(3)).scale(np.ones((3, 5))) == 1.0


def test_all_that_decides_stands_in_the_content():
    """Two trainings with one fingerprint must be one training."""

    def text(head: Any) -> str:
        return repr([part if isinstance(part, str) else np.asarray(part).tolist() for part in head.content()])

    labels = np.array([0, 1, 1])
    heads = [
        SampleHead(Pooling(), labels),
        SampleHead(Pooling("rate"), labels),
        SampleHead(Pooling(), labels, squared=True),
        SampleHead(Pooling(), labels, classes=3),
        SampleHead(Pooling(), labels, np.arange(3.0)),
        SampleHead(Pooling(), labels[::-1]),
        *(rows(w, c, k, f) for w, c, k, f in [(1, 2, False, 0.7), (2, 2, False, 0.7), (1, 0, False, 0.7),
                                              (1, 2, True, 0.7), (1, 2, False, 0.8)]),
    ]  # fmt: skip
    assert len({text(head) for head in heads}) == len(heads)


def test_targets_and_inputs_must_agree():
    with pytest.raises(hr.HeteroError, match="sample 1 has 2 targets and 3 inputs: align them"):
        RowHead([np.zeros((2, 1)), np.zeros((2, 1))], [np.zeros((2, 1)), np.zeros((3, 1))], 0.5)
