"""A classification or a forecast as one page: every point a seed, means with their intervals."""

from __future__ import annotations

from hetero_rsnn.report.classification_page import classification
from hetero_rsnn.report.forecast_page import forecast
from hetero_rsnn.report.page import Page
from hetero_rsnn.report.seeds_page import Seeds, provenance
from hetero_rsnn.tasks.result import TaskResult


def task_page(result: TaskResult, command: str = "") -> Page:
    """The page of a classification or of a forecast.

    Parameters
    ----------
    result : TaskResult
    command : str
        How it was made, if that is known.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> from hetero_rsnn.report.task_page import task_page
    >>> data = hr.load_dataset("japanese_vowels")
    >>> result = hr.classify(data, ["henhes"], seeds=1, few_labels=(), minirocket=False, overrides={"n": 20})
    >>> page = task_page(result)
    >>> page.title, len(page.data["rows"])
    ('Classification of japanese_vowels: HeNHeS', 1)
    """
    seeds = classification(result) if result.dataset.task == "classification" else forecast(result)
    d, about = result.dataset, result.recipe.describe()
    given = ", ".join(f"{k} {v}" for k, v in about.items() if v not in (None, {}, ""))
    what = f"{d.name}; {d.source}; {d.licence}" + (f"; {d.notes}" if d.notes else "")
    known = provenance(command, result.networks, ("data", what), ("recipe", given))
    return Seeds(**{**seeds, "known": known}).page()
