"""Room that is used again must never belong to two arrays."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator

import numpy as np
import pytest

from hetero_rsnn.gradient import rooms
from hetero_rsnn.gradient.rooms import cleared, room


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    rooms._free.clear()
    yield
    rooms._free.clear()


def place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("shape", [(3, 5, 16), (100, 200, 16), (0, 5, 16)])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_arrays_are_what_was_asked_for(shape, real):
    for _ in range(3):
        array = cleared(shape, real)
        assert array.shape == shape and array.dtype == real and array.flags.c_contiguous and array.flags.writeable
        assert place(array) % 64 == 0 or not array.size
        assert not array.any()
        array += 1


def test_room_is_used_again_once_nobody_sees_it():
    first = room((100, 200, 16), np.float32)
    begin, view = place(first), first[50:, :3].T
    view[:] = 7.0
    del first
    second = cleared((100, 200, 16), np.float32)
    assert place(second) != begin and (view == 7.0).all()
    del view
    assert place(room((100, 200, 16), np.float32)) == begin
    del second


def test_a_little_less_fits_too():
    begin = place(room((100, 200, 16), np.float32))
    assert place(room((98, 200, 16), np.float32)) == begin
    assert place(room((50, 200, 16), np.float32)) != begin


def test_what_is_kept_has_a_bound():
    many = [room((k, 2**16), np.float64) for k in range(1, 12)] + [room((2**14, 2**10), np.float64)]
    assert sum(array.nbytes for array in many) > 2 * rooms._MOST
    del many
    kept = sum(size * len(each) for size, each in rooms._free.items())
    assert 0 < kept <= rooms._MOST


def _kept_in_child(queue) -> None:
    queue.put(len(rooms._free))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_begins_with_none():
    room((100, 200, 16), np.float32)
    assert rooms._free
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_kept_in_child, args=(queue,))
    child.start()
    assert queue.get() == 0
    child.join()
