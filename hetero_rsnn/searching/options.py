"""What a user may choose of a search, listed once: the command line, both functions and the journal share it."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hetero_rsnn.common.errors import SearchError, suggest
from hetero_rsnn.jobs.executors import make_runner
from hetero_rsnn.jobs.remote import Runner
from hetero_rsnn.searching.trial import Watch


def _settling() -> Any:
    """A field that decides the result, and so stands in the journal (as one of `Settings`)."""
    return field(default=None, metadata={"settles": True})


@dataclass(frozen=True)
class SearchOptions:
    """The keywords of `search`, which says what they mean; None where one was not given."""

    objective: str | None = _settling()
    method: str | None = _settling()
    budget: int | None = _settling()
    initial: int | None = _settling()
    batch: int | None = _settling()
    seeds: int | Iterable[int] | None = _settling()
    c_min: float | None = _settling()
    rate: tuple[float, float] | None = _settling()
    seed: int | None = _settling()
    remeasure: int | None = _settling()
    fresh_seeds: int | Iterable[int] | None = _settling()

    backend: str | None = None
    precision: str | None = None

    workers: int | None = None
    executor: cf.Executor | None = None
    dask: str | None = None
    trial_timeout: float | None = None

    journal: str | Path | None = None
    resume: bool = False
    progress: Watch | bool | None = None

    @classmethod
    def of_function(cls, given: Mapping[str, Any]) -> SearchOptions:
        """Those of a search with a measurement of one's own, which knows no backend and no precision.

        Raises
        ------
        SearchError
            If an option is unknown.
        """
        known = [f.name for f in fields(cls) if f.name not in ("backend", "precision")]
        for name in given:
            if name not in known:
                raise SearchError(f"unknown option {name!r}{suggest(name, known)}")
        return cls(**given)

    def settling(self) -> dict[str, Any]:
        """By name, what decides the result."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("settles")}

    @property
    def in_processes(self) -> bool:
        """Whether candidates are measured in processes of our own."""
        return self.executor is None and self.dask is None and (self.workers or 1, self.trial_timeout) != (1, None)

    def runner(self) -> Runner:
        """Where candidates are measured."""
        return make_runner(self.workers, executor=self.executor, dask=self.dask, timeout=self.trial_timeout)
