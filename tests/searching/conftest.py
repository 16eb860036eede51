"""For tests of searches: a table of quantiles is made once for all spaces that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hetero_rsnn.searching import quantiles


@pytest.fixture(scope="module", autouse=True)
def _tables_are_made_once() -> Iterator[None]:
    """They are a function of the family with its options, of the scale and of the range of the cv."""
    make, kept = quantiles._Group._tabulate, {}

    def tabulate(group: quantiles._Group, cv: Any) -> Any:
        key = group.entry.family, group.entry.options, group.entry.log, cv.low, cv.high
        if key not in kept:
            kept[key] = make(group, cv)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles._Group, "_tabulate", tabulate)
        yield
