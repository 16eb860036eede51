"""What a search wants: from the seeds of a candidate to its numbers, whether it may win, and the front of them all."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.text import printable
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.measures.efficiency import SILENT
from hetero_rsnn.measures.estimates import Estimate, estimate

OBJECTIVES = ("efficiency", "capacity", "pareto")
#: What an evaluation averages over its seeds.
AVERAGED = ("C", "S", "E", "rate_hz", "silent_share")
#: What is kept of every seed, where the measurement gives it.
KEPT = ("C", "C_stderr", "S", "E", "rate_hz", "silent_share", "correlation", "weight")
#: Below these a capacity or a rate in Hz is as far from its limit as can be told.
_LEAST = 1e-3
#: Numbers beyond it are no measurement, and the means of their squares leave the range of floats.
_LARGEST = 1e100


@dataclass(frozen=True)
class Objective:
    """What counts as better, and what is out of the question.

    Attributes
    ----------
    kind : {"efficiency", "capacity", "pareto"}
        The largest E, the largest C, or all trade-offs of C (large) and S (small).
    c_min : float
        Least capacity of a feasible candidate.
    rate : pair of float
        Lowest and highest mean rate of a feasible candidate, in Hz.
    hold : float
        Duration of a sample in ms, which ties S to the rate.
    """

    kind: str
    c_min: float
    rate: tuple[float, float]
    hold: float

    def __post_init__(self) -> None:
        if self.kind not in OBJECTIVES:
            raise HeteroError(f"unknown objective {self.kind!r}{suggest(str(self.kind), OBJECTIVES)}")
        low, high = self.rate
        if not (math.isfinite(low) and math.isfinite(high) and 0 <= low < high):
            raise HeteroError(f"rate must be 0 <= lowest < highest in Hz, got {low:g} and {high:g}: exchange them")
        if not (math.isfinite(self.c_min) and self.c_min >= 0):
            raise HeteroError(f"c_min must be a capacity >= 0, got {self.c_min:g}")

    @property
    def spikes(self) -> tuple[float, float]:
        """The range of the rate as one of S, spikes of a neuron per sample."""
        return self.rate[0] * self.hold / 1e3, self.rate[1] * self.hold / 1e3

    @property
    def reference_point(self) -> tuple[float, float]:
        """C and S from which the hypervolume counts: no memory, at the highest rate that is allowed."""
        return 0.0, self.spikes[1]

    def violation(self, c: float, rate_hz: float, has_e: bool) -> tuple[float, str]:
        """How far a candidate is from what is asked, and in words: 0 and no word for a feasible one.

        Limits that are missed count by the logarithm of the factor, which makes them comparable; a missing E counts as
        much as a factor of e. The sum is finite, whatever the numbers are: the capacity of a network without memory is
        often a little below 0, and that misses a limit of 0. What is no number misses its limit by as much as can be
        told.
        """
        low, high = self.rate
        total, words = 0.0, []
        if not c >= self.c_min:
            total += _shortfall(c, self.c_min)
            words.append("C is no number" if math.isnan(c) else f"C = {c:.3g} is below {self.c_min:.3g}")
        if not rate_hz >= low:
            total += _shortfall(rate_hz, low)
            words.append("the rate is no number" if math.isnan(rate_hz) else f"{rate_hz:.3g} Hz is below {low:g} Hz")
        if rate_hz > high:
            total += _log(rate_hz / high) or _LEAST
            words.append(f"{rate_hz:.3g} Hz is above {high:g} Hz")
        if not has_e:
            total += 1.0
            words.append("E has no value in every seed")
        return total, "; ".join(words)


def _shortfall(value: float, limit: float) -> float:
    """Logarithm of the factor by which a value misses a limit from below; a limit of 0 has none."""
    if limit <= 0:
        return _LEAST
    return _log(limit / min(max(_LEAST, value), limit)) or _LEAST  # NaN is _LEAST: no comparison with it holds


def _log(factor: float) -> float:
    """Logarithm of a factor, which may be beyond all floats."""
    return math.log(min(factor, sys.float_info.max))


@dataclass(frozen=True)
class Evaluation:
    """One network over its seeds.

    Attributes
    ----------
    C, S, rate_hz, silent_share : float
        Means over the seeds.
    E : float
        Mean over the seeds of C / S of each, as `Measurement.summary` has it; NaN if any seed has none, so that luck
        in the others is not rewarded.
    C_stderr, S_stderr, E_stderr, rate_hz_stderr, silent_share_stderr : float
        Standard errors of the means; NaN for a single seed.
    feasible : bool
    violation : float
        See `Objective.violation`.
    reason : str
        Why it is not feasible.
    seeds : tuple of int
    per_seed : dict of str to tuple of float
        `KEPT` quantities, in the order of `seeds`.
    seconds : float
        Sum of the running times of the seeds.
    """

    C: float
    S: float
    E: float
    rate_hz: float
    silent_share: float
    C_stderr: float
    S_stderr: float
    E_stderr: float
    rate_hz_stderr: float
    silent_share_stderr: float
    feasible: bool
    violation: float
    reason: str
    seeds: tuple[int, ...]
    per_seed: dict[str, tuple[float, ...]] = field(repr=False)
    seconds: float = field(default=0.0, compare=False)

    def estimate(self, name: str) -> Estimate:
        """Mean of a quantity with its 95 % interval over the seeds (Student's t)."""
        if name not in self.per_seed:
            raise HeteroError(f"an evaluation has no quantity {name!r}{suggest(name, self.per_seed)}")
        return estimate(self.per_seed[name])

    def __str__(self) -> str:
        parts = [f"C = {self.estimate('C')}", f"S = {self.estimate('S')} ({self.rate_hz:.3g} Hz)"]
        parts.append(f"E = {self.estimate('E')}")
        return ", ".join(parts) + ("" if self.feasible else f"; not feasible: {printable(self.reason)}")

    def to_event(self) -> dict[str, Any]:
        """Plain data for the journal."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("seeds", "per_seed")},
            "seeds": list(self.seeds),
            "per_seed": {name: list(values) for name, values in self.per_seed.items()},
        }

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Evaluation:
        """Read `to_event` back; null is NaN."""
        numbers = {}
        for name, kind in cls.__annotations__.items():
            if kind == "float":
                numbers[name] = _number(event[name])
        return cls(
            **numbers,
            feasible=bool(event["feasible"]),
            reason=str(event["reason"]),
            seeds=tuple(int(s) for s in event["seeds"]),
            per_seed={str(k): tuple(_number(x) for x in v) for k, v in event["per_seed"].items()},
        )


def _number(x: Any) -> float:
    return math.nan if x is None else float(x)


def seed_values(result: Mapping[str, Any], hold: float) -> dict[str, float]:
    """What is kept of one seed: C and S must be there and finite; E and the rate follow from them.

    A capacity may be a little below 0, as that of a network without memory is. What else the measurement gives (E, the
    share of silent neurons, ...) has no value where it is infinite or no number.

    Raises
    ------
    HeteroError
        If C or S is missing or no finite number, or S is negative.
    """
    if not isinstance(result, Mapping):
        raise HeteroError(f"a measurement must return a mapping with C and S, got {type(result).__name__}")
    c, s = (_real(name, result.get(name)) for name in ("C", "S"))
    if s < 0:
        raise HeteroError(f"S counts spikes and must be >= 0, got {s:g}")
    kept = {name: _measured(name, result[name]) for name in KEPT if result.get(name) is not None}
    kept = {name: x if abs(x) <= _LARGEST else math.nan for name, x in kept.items()}
    kept["rate_hz"] = s * 1e3 / hold
    kept.setdefault("E", c / s if s >= SILENT and c > 0 else math.nan)
    if not 0 <= kept.setdefault("silent_share", math.nan) <= 1:
        kept["silent_share"] = math.nan  # no share
    return {name: kept[name] for name in KEPT if name in kept}


def _measured(name: str, value: Any) -> float:
    """A number, which may be NaN or infinite."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise HeteroError(f"{name} must be a number, got {value!r:.60}", fix="let the measurement give one") from None


def _real(name: str, value: Any) -> float:
    number = checks.real(name, value, error=HeteroError, fix="let the measurement give one")
    if abs(number) > _LARGEST:
        raise HeteroError(f"{name} must be at most {_LARGEST:g} in size, got {number:g}")
    return number


def evaluate(
    objective: Objective, seeds: Sequence[int], rows: Sequence[Mapping[str, float]], seconds: float = 0.0
) -> Evaluation:
    """Average the seeds of a network and judge it.

    Parameters
    ----------
    objective : Objective
    seeds : sequence of int
    rows : sequence of mapping
        From `seed_values`, in the order of the seeds.
    seconds : float
    """
    names = [name for name in KEPT if all(name in row for row in rows)]
    per_seed = {name: tuple(float(row[name]) for row in rows) for name in names}
    means: dict[str, float] = {}
    for name in AVERAGED:
        e = estimate(per_seed[name])
        means |= {name: e.mean, f"{name}_stderr": e.stderr}
    violation, reason = objective.violation(means["C"], means["rate_hz"], not math.isnan(means["E"]))
    return Evaluation(
        **means,
        feasible=not reason,
        violation=violation,
        reason=reason,
        seeds=tuple(seeds),
        per_seed=per_seed,
        seconds=seconds,
    )


def merit(evaluation: Evaluation, kind: str = "efficiency") -> tuple[bool, float]:
    """What candidates are ranked by: the feasible by E or C, below them the others by what they lack."""
    value = evaluation.C if kind == "capacity" else evaluation.E
    return evaluation.feasible, value if evaluation.feasible else -evaluation.violation


def pareto_front(c: ArrayLike, s: ArrayLike) -> Ints:
    """Indices of the points that no other beats in both C (large) and S (small), by rising S.

    Of equal points the first is taken.
    """
    large, small = np.asarray(c, dtype=float), np.asarray(s, dtype=float)
    kept: list[int] = []
    best = -math.inf
    for i in np.lexsort((np.arange(large.size), -large, small)):
        if large[i] > best:
            best = float(large[i])
            kept.append(int(i))
    return np.array(kept, dtype=np.int64)


def border(c: Sequence[float], s: Sequence[float]) -> tuple[list[float], list[float]]:
    """Corners, in C and S by rising C, of the border of what the points of a front dominate.

    What lies between two points of the front is had at the S of the one with the larger C.
    """
    order = np.argsort(c)
    x, y = np.asarray(c, dtype=float)[order], np.asarray(s, dtype=float)[order]
    return np.repeat(x, 2)[:-1].tolist(), np.repeat(y, 2)[1:].tolist()


def hypervolume(c: ArrayLike, s: ArrayLike, reference: tuple[float, float]) -> float:
    """Area of the (S, C) plane that the points beat and that beats the reference point.

    Parameters
    ----------
    c, s : array, shape (n,)
    reference : pair of float
        C and S; points that do not beat it in both add nothing.
    """
    large, small = np.asarray(c, dtype=float), np.asarray(s, dtype=float)
    inside = (large > reference[0]) & (small < reference[1])
    large, small = large[inside], small[inside]
    front = pareto_front(large, small)
    ends = np.append(small[front][1:], reference[1])
    return float(((large[front] - reference[0]) * (ends - small[front])).sum())


def convergence(objective: Objective, evaluations: Iterable[Evaluation | None]) -> Array:
    """Best so far after every trial, shape (trials,): E or C of the best feasible one (NaN before), or hypervolume."""
    out: list[float] = []
    best, seen = math.nan, list[Evaluation]()
    for e in evaluations:
        if e is not None and e.feasible:
            seen.append(e)
            if objective.kind == "pareto":
                best = hypervolume([x.C for x in seen], [x.S for x in seen], objective.reference_point)
            elif not best >= merit(e, objective.kind)[1]:
                best = merit(e, objective.kind)[1]
        out.append(best)
    return np.array(out)
