"""Searching a space of networks for the distributions that buy most memory per spike: the two entry functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.start import Measure, measured_network, search_space
from hetero_rsnn.searching.trial import Watch


def search(
    space: Space | str | Path,
    *,
    objective: str | None = None,
    method: str | None = None,
    budget: int | None = None,
    initial: int | None = None,
    batch: int | None = None,
    seeds: int | Iterable[int] | None = None,
    c_min: float | None = None,
    rate: tuple[float, float] | None = None,
    seed: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    trial_timeout: float | None = None,
    journal: str | Path | None = None,
    resume: bool = False,
    backend: str | None = None,
    precision: str | None = None,
    remeasure: int | None = None,
    fresh_seeds: int | Iterable[int] | None = None,
    progress: Watch | bool | None = None,
) -> SearchResult:
    """Search a space of networks for the distributions that buy most memory per spike.

    Parameters
    ----------
    space : Space, str or Path
        See `load_space`. Settings, which are no part of a network, take `search_function`.
    objective : {"efficiency", "capacity", "pareto"}, optional
        The largest E (the default), the largest C, or all trade-offs between C and S.
    method : {"wasserstein", "matern", "random"}, optional
        A Gaussian process over distributions (the default), over the coordinates, or chance.
    budget, initial, batch : int, optional
        Candidates in all, of these the ones spread over the space, and those asked for at a time after them; by default
        as the space says. With a small budget and no `initial`, all candidates are spread over the space. Many workers
        are kept busy by a batch of at least workers / seeds.
    seeds : int or iterable of int, optional
        A count or a list; every candidate meets the same ones.
    c_min : float, optional
        Least capacity of a feasible candidate. By default that of the homogeneous network with the same means, measured
        alike (0 for the other objectives).
    rate : pair of float, optional
        Allowed mean rates in Hz, by default (1, 50).
    seed : int, optional
        Of the search itself, by default 0.
    workers, executor, dask
        Where candidates are measured, see `make_runner`; the result does not depend on it.
    trial_timeout : float, optional
        Seconds that any one seed of a trial may run. One that runs longer is stopped, and its trial has failed.
    journal : str or Path, optional
        File to write every step to. Without one, nothing is left of a search that is stopped.
    resume : bool
        Go on with an existing journal. What is left out is then taken from it, what is given must agree, but for a
        larger budget, which continues a finished search.
    backend, precision : str, optional
        See `simulate`; by default ``"fast"`` and ``"double"``.
    remeasure : int, optional
        How many of the best candidates are measured again at the end, on seeds that the search never saw; 3 by default.
        The numbers of the best are the re-measured ones.
    fresh_seeds : int or iterable of int, optional
        A count or a list of these seeds; by default twice as many as `seeds`.
    progress : bool or callable, optional
        True says on standard error how far the search is. A callable such as `LiveSearch` is called with (what, done,
        total, trial): what is ``"reference"``, ``"trial"``, ``"replayed"`` (a trial that the journal had already) or
        ``"again"``.

    Returns
    -------
    SearchResult

    Raises
    ------
    SearchError, SpaceError, JournalError, ExecutorError
        If an argument is not valid, the journal is of another search, or jobs cannot be run at all. A candidate that
        cannot be measured is recorded as failed, and the search goes on.
    """
    return search_with(
        space,
        SearchOptions(
            objective=objective,
            method=method,
            budget=budget,
            initial=initial,
            batch=batch,
            seeds=seeds,
            c_min=c_min,
            rate=rate,
            seed=seed,
            remeasure=remeasure,
            fresh_seeds=fresh_seeds,
            backend=backend,
            precision=precision,
            workers=workers,
            executor=executor,
            dask=dask,
            trial_timeout=trial_timeout,
            journal=journal,
            resume=resume,
            progress=progress,
        ),
    )


def search_with(space: Space | str | Path, options: SearchOptions) -> SearchResult:
    """`search`, with its keywords in one object."""
    space = load_space(space)
    if space.has_settings:
        names = ", ".join(space.settings(space.default))
        raise SearchError(
            f"the space {space.name!r} has settings, {names}, and a search that measures networks alone has no use for "
            "them: use search_function, which hands them to your function, or remove them from [scalars]"
        )
    return search_space(space, options, measured_network(options))


def search_function(
    function: Callable[..., Mapping[str, float]], space: Space | str | Path, **options: Any
) -> SearchResult:
    """Search with a measurement of your own: a task, or a formula to try a search with.

    Parameters
    ----------
    function : callable
        Called with (network, seed), and by name with the settings of the space where it has some; returns a mapping
        with C and S, and as it likes with C_stderr, E, silent_share, correlation and weight. Define it at the top level
        of a module where it is to run in other processes. The rate follows from S, and E, if it is not given, is C / S.
        If it has a mapping `label`, as `TaskScore` has, the journal keeps it, and a resume wants the same.
    space : Space, str or Path
        Its settings are scalars with ``as = "setting"``: numbers that are no part of the network, such as a learning
        rate, in milliseconds for times and SI otherwise. The homogeneous reference is measured with the settings of
        `Space.default`, the middle of their ranges.
    **options
        Those of `search`, but for backend and precision.

    Returns
    -------
    SearchResult

    Raises
    ------
    SearchError
        If an option is unknown, or the function does not take the settings; else as `search`.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> def formula(network, seed, width):
    ...     return {"C": 2.0 - (width - 0.7) ** 2, "S": 0.1}
    >>> base = hr.load_network("henhes", n=20).to_dict()
    >>> scalars = {"width": {"as": "setting", "range": [0.2, 2.0], "scale": "log"}}
    >>> space = hr.Space.from_dict({"name": "own", "base": base, "scalars": scalars})
    >>> found = hr.search_function(formula, space, budget=8, initial=4, seeds=1, fresh_seeds=1)
    >>> abs(found.best.point["width"] - 0.7) < 0.05
    True
    """
    space = load_space(space)
    if space.has_settings:
        _takes(function, space.settings(space.default))
    chosen = SearchOptions.of_function(options)
    return search_space(space, chosen, Measure(function, {"function": _name(function), **_label(function)}))


def _label(function: Any) -> dict[str, str]:
    """What a function says of itself for the journal, such as the checksum of its data: a resume compares that."""
    label = getattr(function, "label", None)
    if not isinstance(label, Mapping):
        return {}
    return {str(key): str(value) for key, value in label.items()}


def _name(function: Any) -> str:
    """How a journal calls a function; of a partial one, what it calls, too, or all of them would be the same."""
    if isinstance(function, functools.partial):
        return f"functools.partial({_name(function.func)})"
    return ".".join(getattr(function, key, getattr(type(function), key)) for key in ("__module__", "__qualname__"))


def _takes(function: Callable[..., Any], settings: Mapping[str, float]) -> None:
    """Refuse a function that cannot be called with the settings, before a journal is begun."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some compiled functions do not tell
        return
    try:
        signature.bind(None, 0, **settings)
    except TypeError as error:
        raise SearchError(
            f"the function is called with network, seed and the settings {', '.join(settings)} of the space, and takes "
            f"{signature}: {error}",
            fix="let it take them by name",
        ) from None
