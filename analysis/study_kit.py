"""What the studies share: options, a journal of finished cells to resume from, paired differences, and the results.

A study is cut into cells, each a few seconds to minutes of work with a name. A finished cell is on the disk before the
next one starts, so a study that is stopped goes on where it was; its results are those of one that ran through.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.files import output_folder, plain, write_json
from hetero_rsnn.common.versions import versions
from hetero_rsnn.jobs.journal import Journal
from hetero_rsnn.jobs.legs import run_legs
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.measures.estimates import estimate

Array = NDArray[np.float64]
Row = dict[str, Any]

#: What is kept of every measured network, seed by seed.
COLUMNS = ("seed", "C", "C_stderr", "S", "E", "rate_hz", "silent_share", "correlation", "weight")


class Study:
    """One run of a study.

    Parameters
    ----------
    name : str
        Names the folder, the JSON file and the figure.
    doc : str
        The docstring of the script: its first line is the question.
    setting : callable
        Given `quick`, everything that a cell's result depends on beside its name; a journal of other settings is
        refused.
    argv : sequence of str, optional
        Instead of the command line.
    options : callable, optional
        Adds options of the study to the parser.

    Attributes
    ----------
    quick : bool
        ``--quick``: a few small cells, to see that it works.
    out : Path
    workers : int
    args : argparse.Namespace
    """

    def __init__(
        self,
        name: str,
        doc: str | None,
        setting: Callable[[bool], Mapping[str, Any]],
        *,
        argv: Sequence[str] | None = None,
        options: Callable[[argparse.ArgumentParser], object] | None = None,
    ) -> None:
        self.question = (doc or "").strip().splitlines()[0]
        parser = argparse.ArgumentParser(description=self.question)
        parser.add_argument("--quick", action="store_true", help="tiny networks and few seeds: to see that it works")
        parser.add_argument("--out", type=Path, default=Path("results") / name, metavar="FOLDER")
        parser.add_argument("--workers", type=int, default=cores(), help="jobs at a time (default: all cores)")
        if options is not None:
            options(parser)
        self.args = parser.parse_args(argv)
        self.name, self.quick, self.out, self.workers = name, self.args.quick, self.args.out, self.args.workers
        self.setting = plain(dict(setting(self.quick)))
        self.started = time.perf_counter()
        path = output_folder(self.out) / f"{name}.jsonl"
        header = {"study": name, "quick": self.quick, "setting": self.setting, "package": versions()["hetero-rsnn"]}
        if begun(path):
            self.journal = Journal.resume(path, partial(_same_study, path, header))
        else:
            self.journal = Journal.create(path, {**header, "versions": versions()})
        self._cells = {e["cell"]: e["result"] for e in self.journal.events if e["event"] == "cell"}
        if self._cells:
            print(f"{path}: {len(self._cells)} cells are done already", flush=True)

    def done(self, name: str) -> bool:
        """Whether the journal has the result of a cell."""
        return name in self._cells

    def cell(self, name: str, compute: Callable[[], Any], *, label: str = "") -> Any:
        """Result of a cell: from the journal, or computed now and written to it; `label` says more on the terminal.

        Both ways it went through JSON, NaN and infinities came back as None.
        """
        if name not in self._cells:
            started = time.perf_counter()
            result = compute()
            self._keep(name, result, time.perf_counter() - started, label)
        return self._cells[name]

    def cells(
        self, jobs: Mapping[str, Any], compute: Callable[[Any], Any], kept: Callable[[str], object] | None = None
    ) -> dict[str, str]:
        """Cells that processes compute, `workers` at a time, in the order given, each kept as soon as it is known.

        Parameters
        ----------
        jobs : mapping of str to object
            What `compute` is given, by the name of the cell; those that are done already are left out.
        compute : callable
            Defined at the top level of a module. With one worker it is called in this process.
        kept : callable, optional
            Called with the name of each cell whose result is on the disk.

        Returns
        -------
        dict of str to str
            Why a cell has no result, for those that failed; the others went on.
        """
        left = [name for name in jobs if name not in self._cells]
        for name in jobs:
            if kept is not None and name in self._cells:
                kept(name)
        errors = {}
        for outcome in run_legs(compute, [jobs[name] for name in left], _no_more, workers=self.workers):
            name = left[outcome.index]
            if outcome.ok:
                self._keep(name, outcome.value, outcome.seconds)
                if kept is not None:
                    kept(name)
            else:
                errors[name] = str(outcome.error)
                print(f"{name} failed: {outcome.error}", file=sys.stderr, flush=True)
        return errors

    def result(self, name: str) -> Any:
        """What the journal has of a cell."""
        return self._cells[name]

    def _keep(self, name: str, result: Any, seconds: float, label: str = "") -> None:
        seconds = round(seconds, 2)
        event = self.journal.append({"event": "cell", "cell": name, "seconds": seconds, "result": result})
        self._cells[name] = event["result"]
        print(f"{label or name}: {seconds:.1f} s", flush=True)

    def measured(self, network: hr.Network, seeds: Iterable[int], *, label: str = "", **how: Any) -> Row:
        """`hetero_rsnn.measure` as a cell: the columns of `COLUMNS` as lists over the seeds, and determinants.

        The cell is named by the fingerprint of the network, so equal networks of a study are measured once.
        """
        chosen = list(seeds)
        key = f"{network.fingerprint}, seeds {chosen[0]}-{chosen[-1]} ({len(chosen)})"
        key += "".join(f", {k} {v}" for k, v in how.items())

        def compute() -> Row:
            m = hr.measure(network, chosen, workers=self.workers, **how)
            groups = list(m.rows[0].determinant)
            return {
                **{c: m[c] for c in COLUMNS},
                "curve": m["curve"].mean(axis=0),
                "H": {g: [r.H[g] for r in m.rows] for g in groups},
                "determinant": {g: [r.determinant[g] for r in m.rows] for g in groups},
            }

        return dict(self.cell(key, compute, label=label))

    def finish(self, result: Mapping[str, Any], figure: Figure, *, findings: Sequence[str] = ()) -> None:
        """Write ``NAME.json`` with provenance and ``NAME.png``, and print the findings."""
        seconds = sum(e["seconds"] for e in self.journal.events if e["event"] == "cell")
        script = Path(sys.modules["__main__"].__file__ or "") if hasattr(sys.modules["__main__"], "__file__") else None
        data = {
            "study": self.name,
            "question": self.question,
            "findings": list(findings),
            "quick": self.quick,
            "versions": versions(),
            "versions_at_start": self.journal.header.get("versions"),
            "script_sha256": hashlib.sha256(script.read_bytes()).hexdigest() if script and script.is_file() else None,
            "setting": self.setting,
            "seconds_of_cells": round(seconds, 1),
            "result": result,
        }
        write_json(self.out / f"{self.name}.json", data)
        plots.save_figure(figure, self.out / f"{self.name}.png")
        self.journal.close()
        if self.quick:
            print("QUICK: this shows that the script runs; conclude nothing from its numbers.")
        for line in findings:
            print(line)
        print(f"wrote {self.name}.json and {self.name}.png to {self.out}")


def _no_more(index: int, result: Any) -> None:
    """A cell has one part."""


def symmetric(width: float) -> dict[str, Any]:
    """Uniform input weights between -width and +width, as a setting of a network."""
    return {"distribution": "uniform", "low": -width, "high": width}


def recurrence(ee: float, others: float, inhibition: float = 1.5) -> dict[str, Any]:
    """Summed weights: E->E, other excitatory ones, and the inhibitory ones as a multiple of those; w_max twice E->E."""
    weights = {"EE": ee, "EI": others, "IE": others * inhibition, "II": others * inhibition}
    return {**{f"{k}.weight.mean": w for k, w in weights.items()}, "w_max": 2 * ee}


def begun(path: Path) -> bool:
    """Whether a journal holds anything; what was left of a start that was killed before its first line is removed."""
    if not path.exists():
        return False
    if b"\n" in path.read_bytes():
        return True
    path.unlink()
    return False


def _same_study(path: Path, expected: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    for key, value in expected.items():
        if header.get(key) != value:
            raise hr.HeteroError(
                f"{path} is of another run: its {key} is {header.get(key)!r}, not {value!r}; choose another --out"
            )


def fail_politely(main: Callable[[], None]) -> None:
    """Run a study; a refusal is one line and exit code 2, Ctrl-C says that the study can go on."""
    try:
        main()
    except hr.HeteroError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped; the same line goes on from here", file=sys.stderr)
        sys.exit(130)


def column(row: Mapping[str, Any], name: str) -> Array:
    """A column of a measured cell, shape (seeds,); what had no value is NaN."""
    return np.array([math.nan if v is None else v for v in row[name]], dtype=float)


def mean(row: Mapping[str, Any], name: str) -> hr.Estimate:
    """Mean of a column with its 95 % interval over the seeds."""
    return estimate(column(row, name))


def interval(values: Any) -> list[float]:
    """Mean of numbers, one a seed, and the ends of its 95 % interval."""
    found = estimate(np.asarray(values, dtype=float))
    return [found.mean, found.low, found.high]


def number(value: float | None) -> float:
    """What had no value is NaN."""
    return math.nan if value is None else float(value)


def floats(values: Iterable[float | None]) -> list[float]:
    """The same of several."""
    return [number(v) for v in values]


def paired(row: Mapping[str, Any], other: Mapping[str, Any], name: str, *, relative: bool = False) -> hr.Estimate:
    """Paired difference of a column, seed by seed; `relative` to the mean of the second."""
    if row["seed"] != other["seed"]:
        raise hr.HeteroError("paired differences need the same seeds in both cells")
    b = column(other, name)
    scale = float(np.mean(b)) if relative else 1.0
    return estimate((column(row, name) - b) / scale)


def verdict(e: hr.Estimate, *, bound: float | None = None) -> str:
    """What a 95 % interval of a difference says.

    Returns
    -------
    str
        ``"larger"`` or ``"smaller"`` if the interval excludes 0, else ``"unclear"``. With `bound`:
        ``"equivalent"`` if it lies within plus or minus the bound (two one-sided tests, at 2.5 % each),
        ``"different"`` if it lies outside, else ``"unclear"``.
    """
    if math.isnan(e.low) or math.isnan(e.high):
        return "unclear"
    if bound is not None:
        if -bound < e.low and e.high < bound:
            return "equivalent"
        return "different" if e.low > bound or e.high < -bound else "unclear"
    return "larger" if e.low > 0 else "smaller" if e.high < 0 else "unclear"


def judged(values: Sequence[float], than: float = 0.0) -> str:
    """What an interval (mean, low, high) says of a difference from a number: larger, smaller or unclear."""
    mean, low, high = (v - than for v in values)
    return verdict(hr.Estimate(mean, math.nan, low, high, 2))


def as_json(e: hr.Estimate) -> Row:
    """An estimate for the JSON file."""
    return asdict(e)
