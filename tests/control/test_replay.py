"""Transitions and the statistics of observations, against lists and numpy."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused

from hetero_rsnn.control.normaliser import Normaliser
from hetero_rsnn.control.replay import Replay

SCALES = np.array([1.0, 300.0, 0.02])


def experienced(count: int, seed: int = 1):
    """Transitions of three observations and two actions, on different scales."""
    random = np.random.default_rng(seed)
    for k in range(count):
        before, after = random.standard_normal((2, 3)) * SCALES + [5.0, -40.0, 0.0]
        yield before, random.uniform(-1, 1, 2), float(random.normal()), after, k % 5 == 0


def test_the_latest_transitions_are_kept_and_drawn():
    replay, normaliser, told = Replay(7, 3, 2), Normaliser(3), []
    for one in experienced(24):
        replay.add(*one)
        normaliser.add(one[0])
        told.append(one)
    assert (len(replay), replay.oldest, replay.total) == (7, 17, 24)
    batch = replay.draw(np.random.default_rng(3), 500, normaliser)
    seen = np.array([one[0] for one in told])
    mean, sd = seen.mean(0), seen.std(0)
    found = set()
    for k in range(500):
        which = [i for i, one in enumerate(told) if np.float32(one[2]) == batch.rewards[k]]
        assert len(which) == 1
        before, action, _, after, ended = told[which[0]]
        np.testing.assert_allclose(batch.before[k], np.clip((before - mean) / sd, -3, 3), atol=1e-4)
        np.testing.assert_allclose(batch.after[k], np.clip((after - mean) / sd, -3, 3), atol=1e-4)
        assert (batch.actions[k] == action.astype(np.float32)).all() and batch.ended[k] == ended
        found.add(which[0])
    assert found == set(range(17, 24))
    assert all(part.dtype == np.float32 for part in batch)


def test_observations_as_they_are():
    replay = Replay(9, 3, 2)
    for one in experienced(4):
        replay.add(*one)
    batch = replay.draw(np.random.default_rng(0), 50, Normaliser(3, on=False))
    given = {one[0].astype(np.float32).tobytes() for one in experienced(4)}
    assert {row.tobytes() for row in np.ascontiguousarray(batch.before)} == given
    assert abs(batch.before).max() > 3


@pytest.mark.parametrize("count", [3, 7, 20])
def test_rows_put_back_are_the_same(count):
    replay, other = Replay(7, 3, 2), Replay(7, 3, 2)
    for one in experienced(count):
        replay.add(*one)
    other.total = count
    other.put(replay.oldest, replay.rows(replay.oldest, count))
    a, b = (r.draw(np.random.default_rng(3), 99, Normaliser(3)) for r in (replay, other))
    assert all((x == y).all() for x, y in zip(a, b, strict=True))


def test_too_many_transitions_are_refused():
    refused(lambda: Replay(10**9, 10_000, 20), "transitions", "buffer_size")


def test_statistics_are_those_of_numpy():
    normaliser = Normaliser(3)
    seen = np.array([one[0] for one in experienced(300)])
    seen[:, 2] = 0.1  # which never changes
    np.testing.assert_array_equal(normaliser(np.array([9.0, -9.0, 0.5])), [3.0, -3.0, 0.5])  # before all
    for k, observation in enumerate(seen, 1):
        normaliser.add(observation)
        np.testing.assert_allclose(normaliser.mean, seen[:k].mean(0), rtol=1e-12)
        if k > 1:
            np.testing.assert_allclose(normaliser.sd[:2], seen[:k, :2].std(0), rtol=1e-10)
            assert normaliser.sd[2] == 1.0
    score = normaliser(seen)
    assert abs(score).max() == 3.0  # of 600 normal numbers some lie beyond
    inside = abs(score) < 3
    np.testing.assert_allclose(score[inside], ((seen - seen.mean(0)) / normaliser.sd)[inside], atol=1e-10)


def test_statistics_go_on_to_the_last_bit():
    one, other = Normaliser(3), Normaliser(3)
    seen = [x[0] for x in experienced(60)]
    for observation in seen[:40]:
        one.add(observation)
    other.take(one.arrays())
    for observation in seen[40:]:
        one.add(observation)
        other.add(observation)
    assert one.mean.tobytes() == other.mean.tobytes() and one.sd.tobytes() == other.sd.tobytes()
