"""A worker process, from its own side."""

from __future__ import annotations

import multiprocessing
from multiprocessing.reduction import ForkingPickler

from hetero_rsnn.jobs import workers


def test_a_worker_whose_parent_has_gone_ends_without_a_word(monkeypatch):
    monkeypatch.setattr(workers, "own_process", lambda plainly: None)
    ours, theirs = multiprocessing.Pipe()
    ours.close()
    workers._serve(theirs, False)  # it cannot even say that it is ready
    ours, theirs = multiprocessing.Pipe()
    ours.send_bytes(bytes(ForkingPickler.dumps((len, "abc"))))
    asked = []

    def answer(data: bytes) -> bytes:
        asked.append(ForkingPickler.loads(data))
        ours.close()
        return b"nobody reads this"

    monkeypatch.setattr(workers, "_answer", answer)
    workers._serve(theirs, False)
    assert asked == [(len, "abc")]
