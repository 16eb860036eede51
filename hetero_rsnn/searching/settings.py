"""What a search is told to do, as its journal holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.searching.objectives import OBJECTIVES
from hetero_rsnn.searching.optimiser import METHODS
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.searching.space import Space

#: Where the seeds begin that winners are measured with again.
_FRESH = 1000
#: More of them fill the memory before the first is measured.
_MOST = 2_000_000


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


def make_settings(space: Space, given: SearchOptions, measure: Mapping[str, str]) -> Settings:
    """Settings from what the user gave and the defaults of the space.

    Raises
    ------
    SearchError
        Naming the value, the rule and the fix.
    """
    own = space.search
    objective = checks.one_of(
        "objective", "efficiency" if given.objective is None else given.objective, OBJECTIVES, error=SearchError
    )
    method = checks.one_of(
        "method", "wasserstein" if given.method is None else given.method, METHODS, error=SearchError
    )
    budget = _whole("budget", given.budget, own.budget, 1)
    initial = _whole("initial", given.initial, min(own.initial, budget), 1, _MOST)
    batch = _whole("batch", given.batch, own.batch, 1)
    if budget < initial:
        raise SearchError(
            f"budget must be >= initial = {initial}, the candidates that are spread over the space, got {budget}: "
            "raise budget or lower initial"
        )
    seeds = _seeds("seeds", given.seeds, range(own.seeds))
    first = max(_FRESH, max(seeds) + 1)
    fresh = _seeds("fresh_seeds", given.fresh_seeds, range(first, first + 2 * len(seeds)), first)
    if both := sorted(set(seeds) & set(fresh)):
        raise SearchError(f"fresh_seeds must be others than seeds, but both have {both[0]}: choose others")
    c_min = given.c_min
    if c_min is not None:
        c_min = checks.real("c_min", c_min, least=0.0, error=SearchError)
    elif objective != "efficiency":
        c_min = 0.0
    rate = given.rate if given.rate is not None else (1.0, 50.0)
    if isinstance(rate, str) or not isinstance(rate, Iterable) or len(ends := list(rate)) != 2:
        raise SearchError(f"rate must be the lowest and the highest rate in Hz, got {rate!r}: write rate=(1, 50)")
    low, high = (checks.real("rate", x, error=SearchError) for x in ends)
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
        seed=_whole("seed", given.seed, 0, 0),
        remeasure=_whole("remeasure", given.remeasure, 3, 0),
        fresh_seeds=fresh,
        measure=dict(measure),
    )


def _whole(name: str, value: Any, default: int, least: int, most: int | None = None) -> int:
    if value is None:
        return default
    return checks.whole(name, value, least=least, most=most, error=SearchError)


def _seeds(name: str, value: Any, default: Iterable[int], first: int = 0) -> tuple[int, ...]:
    """Seeds from a count, which begins at `first`, or a list."""
    if value is None:
        return tuple(default)
    if not isinstance(value, Iterable):
        count = _whole(name, value, 0, 1, _MOST)
        return tuple(range(first, first + count))
    seeds = tuple(islice(value, _MOST + 1))
    if len(seeds) > _MOST:
        raise SearchError(f"{name} must be at most {_MOST} seeds, got more", fix="give fewer")
    if not seeds or len(set(seeds)) < len(seeds):
        raise SearchError(f"{name} must be a count or a list of different seeds, got {list(seeds)!r}")
    return tuple(_whole(name, x, 0, 0) for x in seeds)
