"""A figure of a search in the notebook that grows while it runs."""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.searching.watching import DOING, Reporter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hetero_rsnn.searching.trial import Trial


class LiveSearch:
    """Show a search in the notebook while it runs: ``hr.search("quick", progress=hr.LiveSearch())``.

    The figure below the cell is drawn anew as trials end: the value of every trial with the best feasible one so far,
    and the trials over their memory capacity. Its title says what the search is doing, and how long it will take. In a
    terminal the title alone is printed.

    Parameters
    ----------
    quantity : {"E", "C"}
        What the best so far is taken of; ``"C"`` for a search for capacity.
    every : float
        Seconds between two drawings at least. 0 draws every step; otherwise drawing
        takes no more than a fifth of the time.

    Attributes
    ----------
    trials : list of Trial
        Those that have ended so far.

    Raises
    ------
    HeteroError
        If `quantity` or `every` is not valid; as the search begins, if IPython is missing
        (extra ``notebook``).
    """

    def __init__(self, quantity: str = "E", *, every: float = 1.0) -> None:
        if quantity not in ("E", "C"):
            raise HeteroError(f"quantity must be 'E' or 'C', got {quantity!r}")
        self.quantity, self.every = quantity, checks.real("every", every, least=0.0, fix="give seconds")
        self._begin()

    def _begin(self) -> None:
        self.trials: list[Trial] = []
        self.status = "nothing seen yet: give this as progress to search"
        self._reporter = Reporter(self.quantity)
        self._handle: Any = None
        self._next = -math.inf

    def __call__(self, what: str, done: int, total: int, trial: Trial | None) -> None:
        """Take note of a step of the search; `search` calls this."""
        if trial is not None and trial.number == 0 and self.trials:  # another search
            self._begin()
        if trial is not None:
            self.trials.append(trial)
        self.status = f"{DOING[what]}: {done} of {total}"
        if trial is not None:
            self.status += f", {self._reporter.line(done, total, trial, what == 'replayed')}"
        elif what == "again" and done == total:
            seen = self._reporter.line(done, total, None)
            self.status = f"finished: {len(self.trials)} trials, {seen} as the search saw it"
        now = time.monotonic()
        if self._handle is None:
            self._handle = _display(self)
        elif done == total or now >= self._next:
            self._handle.update(self)
        else:
            return
        end = time.monotonic()
        self._next = end + max(self.every, 4 * (end - now)) if self.every else end

    def figure(self) -> Figure:
        """The figure as it is now."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        numbers = [t.number + 1 for t in self.trials]
        for feasible, look in ((False, {"mfc": "none", "alpha": 0.5}), (True, {"mfc": "#D55E00"})):
            part = [t for t in self.trials if t.evaluation is not None and t.feasible == feasible]
            name = "feasible" if feasible else "breaks a limit"
            look = {"color": "#D55E00", "ms": 4, "label": name, **look}
            left.plot([t.number + 1 for t in part], [getattr(t, self.quantity) for t in part], "o", **look)
            right.plot([t.C for t in part], [t.E for t in part], "o", **look)
        best, value = [], math.nan
        for t in self.trials:
            if t.feasible:
                value = max(getattr(t, self.quantity), -math.inf if math.isnan(value) else value)
            best.append(value)
        left.step(numbers, best, where="post", color="black", lw=1.4, label="best so far")
        left.set(xlabel="trial", ylabel={"E": "spike efficiency E = C / S", "C": "memory capacity C"}[self.quantity])
        right.set(xlabel="memory capacity C (samples)", ylabel="spike efficiency E = C / S")
        left.xaxis.get_major_locator().set_params(integer=True)
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
        left.legend(
            frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handlelength=1.2,
            columnspacing=1.0,
        )  # fmt: skip
        figure.suptitle(self.status, x=0.01, ha="left", fontsize="medium")
        return figure

    def __repr__(self) -> str:
        return self.status

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        figure, file = self.figure(), io.BytesIO()
        figure.savefig(file, format="png", dpi=140)
        # Drawn finer than shown, for screens with small pixels.
        return file.getvalue(), {"width": 700}


def _display(thing: object) -> Any:
    """Show something below the cell; returns the handle that replaces it."""
    handle = need("IPython.display", "notebook", "LiveSearch").DisplayHandle()
    handle.display(thing)
    return handle
