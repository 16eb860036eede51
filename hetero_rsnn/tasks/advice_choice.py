"""Budgets of an advice, which ways meet them, and which are on the front of accuracy and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.measures.scores import wilson
from hetero_rsnn.tasks.advice_ways import Answers

#: Axis -> what it is called in tables.
AXES = {"spikes": "spikes/neuron", "kb": "kB", "ms": "ms", "energy": "nJ"}


@dataclass(frozen=True)
class WayScore:
    """What a way achieved on samples that it did not learn from; costs are means per inference.

    Attributes
    ----------
    name : str
    spiking : bool
    accuracy, low, high : float
        With the 95 % (Wilson) interval over samples.
    n : int
        Samples.
    spikes : float
        Of a neuron.
    operations : float
        Synaptic operations of the network.
    energy : float
        In nJ.
    kb : float
        Weights, in units of 1000 bytes.
    ms : float
        Simulated time to the decision.
    """

    name: str
    spiking: bool
    accuracy: float
    low: float
    high: float
    n: int
    spikes: float
    operations: float
    energy: float
    kb: float
    ms: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def way_score(name: str, spiking: bool, truth: NDArray[Any], answers: Answers) -> WayScore:
    """Count what was right, and average what it took."""
    right = int((answers.decided == truth).sum())
    low, high = wilson(right, len(truth))
    spikes, operations, energy, ms = (
        float(np.mean(x)) for x in (answers.spikes, answers.operations, answers.energy, answers.ms)
    )
    return WayScore(
        name, spiking, right / len(truth), low, high, len(truth), spikes, operations, energy, answers.kb, ms
    )


def competing(scores: Sequence[WayScore], axis: str, max_loss: float | None) -> tuple[WayScore, ...]:
    """Ways that may win: of a budget of spikes, or where a loss is allowed for, those that spike."""
    spiking_only = axis in ("spikes", "energy") or max_loss is not None
    return tuple(s for s in scores if s.spiking or not spiking_only)


def front(scores: Sequence[WayScore], axis: str) -> list[WayScore]:
    """Ways that no other beats: none is as accurate for less, or more accurate for as much; the cheapest first."""
    kept: list[WayScore] = []
    for score in sorted(scores, key=lambda s: (getattr(s, axis), -s.accuracy)):
        if not kept or score.accuracy > kept[-1].accuracy:
            kept.append(score)
    return kept


def within(scores: Sequence[WayScore], axis: str, budget: float) -> WayScore | None:
    """The most accurate way within the budget, of equal ones the cheapest; None if there is none."""
    inside = [s for s in scores if getattr(s, axis) <= budget]
    return max(inside, key=lambda s: (s.accuracy, -getattr(s, axis)), default=None)


def cheapest(scores: Sequence[WayScore], most_loss: float, reference: WayScore) -> WayScore:
    """The way that takes least energy and loses no more; the most accurate one if all lose more."""
    inside = [s for s in scores if reference.accuracy - s.accuracy <= most_loss]
    if inside:
        return min(inside, key=lambda s: (s.energy, -s.accuracy))
    return max(scores, key=lambda s: (s.accuracy, -s.energy))


def closest(scores: Sequence[WayScore], axis: str) -> WayScore:
    """The way that came closest to a budget that none meets."""
    return min(scores, key=lambda s: (getattr(s, axis), -s.accuracy))
