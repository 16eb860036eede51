"""Whether an input is independent from sample to sample, as a memory capacity asks."""

from __future__ import annotations

import math
import warnings

import numpy as np
from scipy import special

from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.ridge_blocks import standardise


def warn_of_correlated(u: Array, d_max: int, *, stacklevel: int) -> None:
    """Warn if samples of the input up to `d_max` apart depend on each other.

    A state that shows nothing but the present input then "remembers" C = sum of r_d^2. Two tests, each of which an
    independent input fails about once in a hundred thousand times: of the largest |r_d|, with a threshold corrected for
    their number (Bonferroni), and of their sum of squares (Box and Pierce), for many small ones. Both must hold for the
    ranks, too, since a few huge samples correlate by chance. Where most samples are one and the same number, such as
    the 0 between rare pulses, neither test is near its level: there the input must also correlate more than it does in
    any of 200 random orders. What adds less to C than 0.01 at one delay, or 0.05 over all, is not worth a word.
    """
    r = _autocorrelation(u, d_max)
    if not r.size:
        return
    ranks = _autocorrelation(np.unique(u, return_inverse=True)[1].astype(np.float64), d_max)
    each = -float(special.ndtri(1e-5 / (2 * r.size))) / math.sqrt(len(u))
    together = float(special.gammainccinv(r.size / 2, 1e-5)) * 2 / len(u)
    k, seen = int(np.argmax(np.abs(r))), float(r @ r)
    one = abs(r[k]) > max(each, 0.1) and np.abs(ranks).max() > each
    if (one or (seen > max(together, r.size / len(u) + 0.05) and ranks @ ranks > together)) and not _by_chance(u, r):
        warnings.warn(
            f"C is defined for independent samples; input samples {k + 1} apart correlate at {r[k]:.2f}, so that a "
            f"network without memory seems to remember (up to C = {seen:.2g} over {r.size} delays): "
            "use uniform_stimulus, or a task",
            UserWarning,
            stacklevel=stacklevel,
        )


def _by_chance(u: Array, r: Array) -> bool:
    """Whether rare samples correlate as much in some other order of them."""
    counts = np.unique(u, return_counts=True)[1]
    rare = len(u) - int(counts.max())
    if rare > len(u) / 2 or rare > 1000:
        return False
    rng = generator(0, "stimulus", "other orders")
    orders = (_autocorrelation(rng.permutation(u), r.size) for _ in range(200))
    return any(np.abs(other).max() >= np.abs(r).max() or other @ other >= r @ r for other in orders)


def _autocorrelation(u: Array, d_max: int) -> Array:
    """Autocorrelation at lags 1 .. d_max of an input that varies; nothing where it hardly does."""
    z = standardise(u[:, None]).ravel()
    return np.array([z[d:] @ z[:-d] / len(z) for d in range(1, min(d_max, len(z) - 1) + 1)])
