"""What trainings of an actor with several seeds have reached, finished or not: just made, or read from a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.files import path_of
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.control.journal_events import KIND, Inspector, test_of
from hetero_rsnn.control.policies import ControlPolicy, load_policy
from hetero_rsnn.control.settings import ControlSettings, ControlTest
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.measures.resampling import ReturnInterval, bootstrap_interval

#: Resamples for each point of a curve.
_RESAMPLES = 1000


@dataclass(frozen=True)
class ReturnCurve:
    """Interquartile mean of the return over seeds, test by test.

    Attributes
    ----------
    steps : ndarray of int, shape (tests,)
        Of learning.
    value, low, high : ndarray, shape (tests,)
        `low` and `high` bound the 95 % interval over resampled seeds; NaN for a single one.
    """

    steps: Ints
    value: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class ControlResult:
    """What an actor reached in an environment, seed by seed.

    Attributes
    ----------
    environment : str
    settings : ControlSettings
    histories : dict of int to tuple of ControlTest
        For each seed its tests, in the order of their steps.
    errors : dict of int to str
        Why a training was given up, for seeds of which one was.
    policies : dict of int to ControlPolicy
        The actors of the trainings that are finished.
    """

    environment: str
    settings: ControlSettings
    histories: dict[int, tuple[ControlTest, ...]]
    errors: dict[int, str] = field(default_factory=dict)
    policies: dict[int, ControlPolicy] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_journal(cls, path: str | Path) -> ControlResult:
        """Read a journal, even while it is written. A policy whose files are not there is left out.

        Raises
        ------
        JournalError
            If it cannot be read, or is of something else.

        Examples
        --------
        >>> import hetero_rsnn as hr
        >>> hr.ControlResult.from_journal("none.jsonl")
        Traceback (most recent call last):
        ...
        hetero_rsnn.common.errors.JournalError: there is no journal none.jsonl: give the path of one
        """
        return cls.from_events(read_journal(path, each=Inspector()), path_of("path", path))

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]], path: Path | None = None) -> ControlResult:
        """Build the result from the events of a journal, the header first; policies lie beside what is at `path`."""
        header, *rest = events
        histories: dict[int, list[ControlTest]] = {int(seed): [] for seed in header["seeds"]}
        errors: dict[int, str] = {}
        policies: dict[int, ControlPolicy] = {}
        for event in rest:
            kind = event["event"]
            if kind == "seeds":
                histories.update({int(seed): [] for seed in event["seeds"]})
            elif kind == "test":
                histories[event["seed"]].append(test_of(event))
                errors.pop(event["seed"], None)  # it has gone on since
            elif kind == "failed":
                errors[event["seed"]] = str(event["error"])
            elif kind == "finished":
                errors.pop(event["seed"], None)
                if path is not None and (found := _policy(path.parent / event["policy"])) is not None:
                    policies[event["seed"]] = found
        tests = {seed: tuple(history) for seed, history in histories.items()}
        return cls(str(header[KIND]), ControlSettings.from_dict(header["settings"]), tests, errors, policies)

    @property
    def seeds(self) -> tuple[int, ...]:
        """In the order in which they were given."""
        return tuple(self.histories)

    @property
    def label(self) -> str:
        """What sets it apart, in a word or two: the pseudo-derivative, or that there are no spikes."""
        actor = self.settings.actor
        parts = [actor.pseudo if actor.is_spiking else "relu"]
        parts += ["dynamic"] if actor.kind == "dynamic" else []
        parts += ["learned"] if actor.learn_pseudo else []
        return ", ".join([*parts, *(["proxy target"] if self.settings.target == "proxy" else [])])

    @property
    def done(self) -> bool:
        """Whether all seeds took all steps."""
        return all(history and history[-1].step >= self.settings.steps for history in self.histories.values())

    @property
    def tests(self) -> int:
        """Tests that all seeds have which were not given up."""
        kept = [len(history) for seed, history in self.histories.items() if seed not in self.errors]
        return min(kept, default=0)

    @property
    def steps(self) -> Ints:
        """Steps of learning at these tests, shape (tests,)."""
        first = next((h for seed, h in self.histories.items() if seed not in self.errors), ())
        return np.array([test.step for test in first[: self.tests]], dtype=np.int64)

    @property
    def returns(self) -> Array:
        """Mean return of these tests, shape (seeds, tests), without seeds that were given up."""
        return self._table("mean")

    @property
    def spikes(self) -> Array:
        """Mean spikes of an action in these tests, shape (seeds, tests)."""
        return self._table("spikes")

    def _table(self, quantity: str) -> Array:
        kept = [history for seed, history in self.histories.items() if seed not in self.errors]
        rows = [[float(getattr(test, quantity)) for test in history[: self.tests]] for history in kept]
        return np.array(rows, dtype=np.float64).reshape(len(kept), self.tests)

    def mean_curve(self) -> ReturnCurve:
        """Interquartile mean over seeds at each test, with its 95 % interval.

        Raises
        ------
        HeteroError
            If some seed has no test yet.
        """
        table = self.returns[:, : self._tested()]
        points = [bootstrap_interval(column, samples=_RESAMPLES) for column in table.T]
        value, low, high = (np.array([getattr(p, name) for p in points]) for name in ("value", "low", "high"))
        return ReturnCurve(self.steps, value, low, high)

    def final(self, last: int = 1) -> Array:
        """Return of each seed at its end, shape (seeds,): the mean of the last tests, each a mean over its episodes.

        Raises
        ------
        HeteroError
            If there are fewer tests.
        """
        count = checks.whole("last", last, least=1)
        if self._tested() < count:
            raise HeteroError(f"last must be at most {self.tests}, the tests of all seeds, got {count}", fix="use less")
        return np.asarray(self.returns[:, -count:].mean(axis=1), dtype=np.float64)

    def final_interval(self, last: int = 1) -> ReturnInterval:
        """Interquartile mean of `final` over seeds, with its 95 % interval."""
        return bootstrap_interval(self.final(last))

    def _tested(self) -> int:
        if not self.tests:
            raise HeteroError("not every seed has a test yet", fix="let the training go on")
        return self.tests

    @property
    def best(self) -> int | None:
        """The finished seed with the highest last return; None while none is finished."""
        ended = [seed for seed in self.policies if self.histories.get(seed)]
        return max(ended, key=lambda seed: self.histories[seed][-1].mean, default=None)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the return over the steps of learning; see `hetero_rsnn.plots.plot_control`."""
        return figure_of("ControlResult")(self, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON holds it."""
        return {
            "environment": self.environment,
            "settings": self.settings.to_dict(),
            "seeds": [
                {
                    "seed": seed,
                    "error": self.errors.get(seed),
                    "steps": [test.step for test in history],
                    "returns": [list(test.returns) for test in history],
                    "spikes": [test.spikes for test in history],
                    "seconds": [test.seconds for test in history],
                }
                for seed, history in self.histories.items()
            ],
        }

    def __str__(self) -> str:
        text = f"{self.environment}, {self.label}: {len(self.seeds)} seed{'s' * (len(self.seeds) > 1)}"
        if not self.tests:
            return f"{text}, no test of all yet"
        spikes = float(self.spikes[:, -1].mean())
        more = f", {spikes:.4g} spikes an action" if spikes else ""
        return f"{text}, return {self.final_interval()} after {self.steps[-1]} steps{more}"


def _policy(path: Path) -> ControlPolicy | None:
    try:
        return load_policy(path)
    except FileFormatError:
        return None
