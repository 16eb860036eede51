"""Which way to classify fits a budget: a few are trained within a time limit, the best of them is tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.readout import class_folds
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.tasks.advice_choice import WayScore, cheapest, competing, way_score, within
from hetero_rsnn.tasks.advice_result import Advice
from hetero_rsnn.tasks.advice_verdict import judge
from hetero_rsnn.tasks.advice_ways import Answers, OutOfTime, Way, ways
from hetero_rsnn.tasks.recipes import learning, recipe, task_networks

#: The validation samples are one of so many parts of the training part.
_PARTS = 4


def advise(
    dataset: Dataset,
    *,
    budget_spikes: float | None = None,
    budget_kb: float | None = None,
    budget_ms: float | None = None,
    max_loss: float | None = None,
    min_saving: float | None = None,
    network: Any = "henhes",
    overrides: dict[str, Any] | None = None,
    epochs: int = 20,
    seconds: float = 300.0,
    seed: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
) -> Advice:
    """Advise how to classify within a budget: ways are compared on validation samples, the winner is tested once.

    Two ordinary models (linear on windows of the input, and a small perceptron), a network by STDP, and networks by
    gradients (two strengths of the cost of spikes, weights of 4 bits and of 1) learn from three quarters of the
    training part and are compared on the last quarter. The most accurate one within the budget is fitted on the whole
    training part, and asked about the held-out part beside the best ordinary model.

    Parameters
    ----------
    dataset : Dataset
        For classification.
    budget_spikes : float, optional
        Spikes of a neuron per inference. Ordinary models, which do not spike, do not compete then.
    budget_kb : float, optional
        Weights in units of 1000 bytes.
    budget_ms : float, optional
        Simulated time to the decision.
    max_loss, min_saving : float, optional
        Accuracy that may be lost against the best ordinary model, and share of its energy to be saved; both, or none.
        Then networks alone compete. Without a budget, the one that takes least energy within the loss is tested.
    network : str, path or Network
    overrides : dict, optional
        Changes of the network.
    epochs : int
        Of the training by gradients.
    seconds : float
        Time limit of the comparison. A way that has not ended by then is left out; the last fits come on top.
    seed : int
    progress : callable, optional
        Called with the number of ways done, of all, and the name of the next.

    Returns
    -------
    Advice

    Raises
    ------
    HeteroError
        If the data set is none for classification, two budgets or none are given, a class is too small to be validated,
        or an argument breaks its rule.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> data = hr.load_dataset("japanese_vowels")
    >>> found = hr.advise(data, budget_spikes=20, overrides={"n": 30}, epochs=1)
    >>> found.winner.spikes <= 20, found.reference.spiking
    (True, False)
    """
    axis, budget = check_budget({"spikes": budget_spikes, "kb": budget_kb, "ms": budget_ms}, max_loss, min_saving)
    checks.whole("epochs", epochs, least=1, most=10_000)
    checks.real("seconds", seconds, above=0.0)
    if dataset.task != "classification" or dataset.y is None:
        raise HeteroError(f"{dataset.name} is for {dataset.task}: use forecast")
    chosen = recipe(dataset)
    (net,) = task_networks([network], chosen, overrides or {})
    options = {"encoder": chosen.encoder, **({} if chosen.hold is None else {"hold": chosen.hold}), **chosen.options}
    number, groups = dataset.y[dataset.train], None if dataset.groups is None else dataset.groups[dataset.train]
    folds = class_folds(number, groups, _PARTS)
    if folds is None:
        raise HeteroError(f"{dataset.name} has a class with one training sample", fix="give two or more of each class")
    kept, left = folds != folds.max(), folds == folds.max()
    tried = list(ways(net, learning(net, options), seed, epochs))
    names = np.array(dataset.classes)[dataset.y]

    def fitted(way: Way, index: Any, deadline: float) -> Any:
        of = None if dataset.groups is None else dataset.groups[index]
        return way.fit(take(dataset.X, index), names[index], of, deadline)

    start, longest = time.monotonic(), 0.0
    scores: list[WayScore] = []
    skipped: dict[str, str] = {}
    for done, way in enumerate(tried):
        if progress is not None:
            progress(done, len(tried), way.name)
        began = time.monotonic()
        if scores and began + longest > start + seconds:
            skipped[way.name] = "skipped: it would not end within the time limit"
            continue
        try:
            model = fitted(way, dataset.train[kept], start + seconds)
        except OutOfTime:
            skipped[way.name] = "stopped at the time limit"
            continue
        answers = way.answer(model, take(dataset.X, dataset.train[left]))
        scores.append(way_score(way.name, way.spiking, names[dataset.train[left]], answers))
        longest = time.monotonic() - began
    if progress is not None:
        progress(len(tried), len(tried), "held-out part")

    may = competing(scores, axis, max_loss)
    best = max((s for s in scores if not s.spiking), key=lambda s: (s.accuracy, -s.energy))
    first = None
    if budget is not None:
        first = within(may, axis, budget)
    elif may:
        first = cheapest(may, max_loss or 0.0, best)
    if first is None:
        return Advice(dataset, axis, budget, tuple(scores), skipped, None, None, None, None, seed, max_loss)
    by_name = {way.name: way for way in tried}
    truth = names[dataset.test]

    def tested(name: str) -> tuple[WayScore, Answers, Any]:
        way = by_name[name]
        model = fitted(way, dataset.train, np.inf)
        answers = way.answer(model, take(dataset.X, dataset.test))
        return way_score(name, way.spiking, truth, answers), answers, model

    winner, of_winner, model = tested(first.name)
    reference, of_reference, _ = (winner, of_winner, model) if first.name == best.name else tested(best.name)
    verdict = None
    if max_loss is not None and min_saving is not None:
        verdict = judge(
            of_winner.decided == truth, of_reference.decided == truth, of_winner.energy, of_reference.energy,
            max_loss, min_saving, seed,
        )  # fmt: skip
    return Advice(dataset, axis, budget, tuple(scores), skipped, winner, reference, verdict, model, seed, max_loss)


def check_budget(
    budgets: dict[str, float | None], max_loss: float | None, min_saving: float | None
) -> tuple[str, float | None]:
    """Axis and value of the one budget; energy where the loss alone is bounded."""
    given = {k: v for k, v in budgets.items() if v is not None}
    for axis, value in given.items():
        checks.real(f"budget_{axis}", value, above=0.0)
    if (max_loss is None) != (min_saving is None):
        raise HeteroError("max_loss and min_saving belong together, got one of them", fix="give both, or none")
    if max_loss is not None:
        checks.real("max_loss", max_loss, least=0.0)
        checks.real("min_saving", min_saving)
    if len(given) > 1:
        raise HeteroError(f"one budget at a time, got {' and '.join(given)}", fix="leave all but one away")
    if not given and max_loss is None:
        raise HeteroError("no budget is given", fix="give spikes, kB or ms, or max_loss with min_saving")
    return next(iter(given.items()), ("energy", None))
