"""What became of each candidate of a search, as the journal holds it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hetero_rsnn.searching.objectives import Evaluation


@dataclass(frozen=True)
class Trial:
    """One candidate.

    Attributes
    ----------
    number, batch : int
    point : dict of str to float
        By the names of the dimensions, in milliseconds for times and SI otherwise.
    status : {"running", "finished", "failed"}
    evaluation : Evaluation or None
        Of a finished one.
    error, kind : str or None
        Of a failed one: what happened, and ``"raised"``, ``"killed"`` or ``"timeout"``.
    """

    number: int
    batch: int
    point: dict[str, float]
    status: str = "running"
    evaluation: Evaluation | None = None
    error: str | None = None
    kind: str | None = None

    @property
    def values(self) -> tuple[float, ...]:
        """The point in the order of the space's dimensions."""
        return tuple(self.point.values())

    def _of(self, name: str) -> float:
        return math.nan if self.evaluation is None else float(getattr(self.evaluation, name))

    @property
    def C(self) -> float:
        """Mean capacity; NaN if it has none."""
        return self._of("C")

    @property
    def S(self) -> float:
        """Mean spike count; NaN if it has none."""
        return self._of("S")

    @property
    def E(self) -> float:
        """Mean efficiency; NaN if it has none."""
        return self._of("E")

    @property
    def rate_hz(self) -> float:
        """Mean rate; NaN if it has none."""
        return self._of("rate_hz")

    @property
    def feasible(self) -> bool:
        """Whether it keeps the limits; False unless it is finished."""
        return self.evaluation is not None and self.evaluation.feasible

    def after(self, event: Mapping[str, Any]) -> Trial:
        """The trial once an event ``finished`` or ``failed`` is known."""
        if event["event"] == "failed":
            return replace(self, status="failed", error=str(event["error"]), kind=str(event["kind"]))
        return replace(self, status="finished", evaluation=Evaluation.from_event(event))


#: Called as the search goes on with (what it is doing, done, total, the trial that ended or None).
Watch = Callable[[str, int, int, "Trial | None"], object]
