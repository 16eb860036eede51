"""What a processing capacity asks of states: products of Legendre polynomials of past inputs.

For an independent input that is uniform in [-1, 1] these products are orthonormal, so that the shares of them that a
readout gives add up to no more than the number of states.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array

#: Numbers that one table of targets holds: more targets than fit are read in turn (64 MB).
_TABLE = 8_000_000


class Term(NamedTuple):
    """One target function.

    Attributes
    ----------
    factors : tuple of (int, int)
        Delay and degree of each polynomial, by rising delay.
    """

    factors: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """``"P1(u[k-1]) P2(u[k-4])"``."""
        return " ".join(f"P{degree}(u[k{f'-{delay}' if delay else ''}])" for delay, degree in self.factors)

    @property
    def degree(self) -> int:
        """Sum of the degrees."""
        return sum(degree for _, degree in self.factors)

    @property
    def delay(self) -> int:
        """The largest delay."""
        return self.factors[-1][0]

    @property
    def cross(self) -> bool:
        """Whether inputs of several delays meet in it."""
        return len(self.factors) > 1


def largest_delays(d_max: int | Mapping[int, int], degree: int | None, d_min: int) -> dict[int, int]:
    """The largest delay of each degree, by rising degree.

    Raises
    ------
    HeteroError
        If a degree is below 1, a delay below `d_min`, or the two arguments say different things.
    """
    if not isinstance(d_max, Mapping):
        degree = 3 if degree is None else checks.whole("degree", degree, least=1)
        return dict.fromkeys(range(1, degree + 1), checks.whole("d_max", d_max, least=d_min))
    if not d_max:
        raise HeteroError("d_max must name a degree, got none: give e.g. {1: 100, 2: 30, 3: 10}")
    found = {}
    for key in sorted(checks.whole("a degree in d_max", key, least=1) for key in d_max):
        found[key] = checks.whole(f"d_max of degree {key}", d_max[key], least=d_min)
    if degree is not None and checks.whole("degree", degree, least=1) != max(found):
        raise HeteroError(f"degree = {degree} and a d_max up to degree {max(found)} disagree: leave degree out")
    return found


def count_terms(largest: Mapping[int, int], d_min: int) -> int:
    """How many target functions there are."""
    return sum(math.comb(d - d_min + degree, degree) for degree, d in largest.items())


def all_terms(largest: Mapping[int, int], d_min: int) -> tuple[Term, ...]:
    """Every product of the degrees, none of whose delays is beyond the largest one of its degree."""
    return tuple(
        Term(tuple(sorted(Counter(delays).items())))
        for degree, d in largest.items()
        for delays in combinations_with_replacement(range(d_min, d + 1), degree)
    )


def target_tables(z: Array, terms: Sequence[Term], start: int) -> Iterator[Array]:
    """Targets of the rows from `start` on, mean 0, in tables of shape (rows, some of the targets).

    Parameters
    ----------
    z : ndarray, shape (samples,)
        Input, scaled to [-1, 1].
    terms : sequence of Term
    start : int
        At least the largest delay.
    """
    highest = max(degree for term in terms for _, degree in term.factors)
    values = legendre.legvander(z, highest).T * np.sqrt(2 * np.arange(highest + 1)[:, None] + 1)
    rows = len(z) - start
    tables = -(-len(terms) * rows // _TABLE)
    for part in np.array_split(np.arange(len(terms)), max(tables, 1)):
        table = np.empty((len(part), rows))
        for row, i in zip(table, part, strict=True):
            (delay, degree), *rest = terms[i].factors
            row[:] = values[degree, start - delay : len(z) - delay]
            for delay, degree in rest:
                row *= values[degree, start - delay : len(z) - delay]
        table -= table.mean(axis=1, keepdims=True)
        yield np.ascontiguousarray(table.T)
