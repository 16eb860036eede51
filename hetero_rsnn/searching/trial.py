"""What a search is told to do, and what became of each of its candidates; both as the journal holds them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.searching.objectives import OBJECTIVES, Evaluation
from hetero_rsnn.searching.optimiser import METHODS
from hetero_rsnn.searching.space import Space

#: Where the seeds begin that winners are measured with again.
_FRESH = 1000
#: What a user may choose of a search's settings.
CHOICES = (
    "objective",
    "method",
    "budget",
    "initial",
    "batch",
    "seeds",
    "c_min",
    "rate",
    "seed",
    "remeasure",
    "fresh_seeds",
)


class SearchError(HeteroError):
    """A search cannot be begun, gone on with, or read."""


@dataclass(frozen=True)
class Settings:
    """How a search goes about it. What is not here (workers, timeouts) does not change its result.

    Attributes
    ----------
    objective, method : str
    budget, initial, batch : int
        Candidates in all, of these the ones spread over the space, and candidates asked for at a time after them.
    seeds : tuple of int
        The same ones for all candidates.
    c_min : float or None
        Least capacity of a feasible candidate; None takes that of the homogeneous network.
    rate : pair of float
        Allowed mean rates in Hz.
    seed : int
        Of the search itself.
    remeasure : int
        Candidates that are measured again at the end.
    fresh_seeds : tuple of int
        With these.
    measure : dict of str to str
        What measures a candidate.
    """

    objective: str
    method: str
    budget: int
    initial: int
    batch: int
    seeds: tuple[int, ...]
    c_min: float | None
    rate: tuple[float, float]
    seed: int
    remeasure: int
    fresh_seeds: tuple[int, ...]
    measure: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        data = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        """Read `to_dict` back."""
        values: dict[str, Any] = {name: data[name] for name in cls.__dataclass_fields__}
        for name in ("seeds", "rate", "fresh_seeds"):
            values[name] = tuple(values[name])
        return cls(**values)


def make_settings(space: Space, given: Mapping[str, Any], measure: Mapping[str, str]) -> Settings:
    """Settings from what the user gave (None: not given) and the defaults of the space.

    Raises
    ------
    SearchError
        Naming the value, the rule and the fix.
    """
    own = space.search
    objective = _one_of("objective", given["objective"] or "efficiency", OBJECTIVES)
    method = _one_of("method", given["method"] or "wasserstein", METHODS)
    budget = _whole("budget", given["budget"], own.budget, 1)
    initial = _whole("initial", given["initial"], own.initial, 1)
    batch = _whole("batch", given["batch"], own.batch, 1)
    if budget < initial:
        raise SearchError(
            f"budget must be >= initial = {initial}, the candidates that are spread over the space, got {budget}: "
            "raise budget or lower initial"
        )
    seeds = _seeds("seeds", given["seeds"], range(own.seeds))
    first = max(_FRESH, max(seeds) + 1)
    fresh = _seeds("fresh_seeds", given["fresh_seeds"], range(first, first + 2 * len(seeds)), first)
    if both := sorted(set(seeds) & set(fresh)):
        raise SearchError(f"fresh_seeds must be others than seeds, but both have {both[0]}: choose others")
    c_min = given["c_min"]
    if c_min is not None:
        c_min = _real("c_min", c_min)
        if c_min < 0:
            raise SearchError(f"c_min must be a capacity >= 0, got {c_min:g}")
    elif objective != "efficiency":
        c_min = 0.0
    rate = given["rate"] if given["rate"] is not None else (1.0, 50.0)
    if isinstance(rate, str) or not isinstance(rate, Iterable) or len(ends := list(rate)) != 2:
        raise SearchError(f"rate must be the lowest and the highest rate in Hz, got {rate!r}: write rate=(1, 50)")
    low, high = (_real("rate", x) for x in ends)
    if not 0 <= low < high:
        fix = "exchange them" if 0 <= high < low else "give two numbers >= 0"
        raise SearchError(f"rate must be 0 <= lowest < highest in Hz, got {low:g} and {high:g}: {fix}")
    return Settings(
        objective=objective,
        method=method,
        budget=budget,
        initial=initial,
        batch=batch,
        seeds=seeds,
        c_min=c_min,
        rate=(low, high),
        seed=_whole("seed", given["seed"], 0, 0),
        remeasure=_whole("remeasure", given["remeasure"], 3, 0),
        fresh_seeds=fresh,
        measure=dict(measure),
    )


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SearchError(f"unknown {name} {value!r}{suggest(str(value), known)}")
    return str(value)


def _whole(name: str, value: Any, default: int, least: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise SearchError(f"{name} must be a whole number >= {least}, got {value!r}")
    return int(value)


def _real(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool | str) or not math.isfinite(number):
        raise SearchError(f"{name} must be a finite number, got {value!r}")
    return number


def _seeds(name: str, value: Any, default: Iterable[int], first: int = 0) -> tuple[int, ...]:
    """Seeds from a count, which begins at `first`, or a list."""
    if value is None:
        return tuple(default)
    if not isinstance(value, Iterable):
        count = _whole(name, value, 0, 1)
        return tuple(range(first, first + count))
    seeds = tuple(value)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SearchError(f"{name} must be a count or a list of different seeds, got {list(seeds)!r}")
    return tuple(_whole(name, x, 0, 0) for x in seeds)


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


def search_versions() -> dict[str, str]:
    """Versions of this package and of what a search depends on."""
    from importlib import metadata

    from hetero_rsnn.simulation.simulate import versions

    return versions() | {name: metadata.version(name) for name in ("scikit-optimize", "scikit-learn")}


#: Called as the search goes on with (what it is doing, done, total, the trial that ended or None).
Watch = Callable[[str, int, int, "Trial | None"], object]
