"""What the journal of trainings of an actor holds, and that it holds nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.control.settings import ControlSettings, ControlTest

#: The key of a journal's header that says what it is the journal of: its value is the environment.
KIND = "control"


class Inspector:
    """Looks at the events in turn, the header first, and refuses the first that cannot be one, or not the next.

    Give it as `each` to `read_journal` or `Journal.resume`, which add file and line.
    """

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}  # of each seed its last test
        self._begun = False

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Look at the next event.

        Raises
        ------
        HeteroError
            If it is none of a training, or not the next one.
        """
        if not self._begun:
            self._begun = True
            if not isinstance(event.get(KIND), str):
                raise JournalError("a journal of another kind, not one of trainings of an actor")
            ControlSettings.from_dict(event.get("settings") or {})
            self._add(event)
            return
        kind = event["event"]
        if kind == "seeds":
            self._add(event)
            return
        if kind not in ("test", "failed", "finished"):
            raise HeteroError(f"a training has no event {kind!r:.80}")
        seed = event.get("seed")
        if seed not in self._steps or isinstance(seed, bool):
            raise HeteroError(f"the seed {seed!r:.80} was not announced")
        if kind == "test":
            returns = event.get("returns")
            if not isinstance(returns, list) or not returns:
                raise HeteroError(f"returns of a test must be a list of numbers, got {returns!r:.80}")
            for value in returns:
                checks.real("a return", value)
            checks.real("spikes", event.get("spikes"), least=0.0)
            checks.real("seconds", event.get("seconds"), least=0.0)
            self._steps[seed] = checks.whole("step", event.get("step"), least=self._steps[seed] + 1)
        else:
            word = "error" if kind == "failed" else "policy"
            if not isinstance(event.get(word), str):
                raise HeteroError(f"{word} must be text, got {event.get(word)!r:.80}")

    def _add(self, event: Mapping[str, Any]) -> None:
        seeds = event.get("seeds")
        if isinstance(seeds, int):  # a call may count them, a journal names them
            raise HeteroError(f"seeds must be a list, got {seeds!r:.80}")
        for seed in checks.different_seeds("seeds", seeds):
            if seed in self._steps:
                raise HeteroError(f"the seed {seed} was announced before")
            self._steps[seed] = -1


def event_of(seed: int, test: ControlTest) -> dict[str, Any]:
    """A test as an event."""
    return {
        "event": "test", "seed": seed, "step": test.step, "returns": list(test.returns), "spikes": test.spikes,
        "seconds": round(test.seconds, 3),
    }  # fmt: skip


def test_of(event: Mapping[str, Any]) -> ControlTest:
    """The test that an event tells of."""
    returns = tuple(math.nan if x is None else float(x) for x in event["returns"])
    return ControlTest(int(event["step"]), returns, float(event["spikes"]), float(event["seconds"]))
