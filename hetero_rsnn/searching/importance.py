"""How much each searched number matters: Sobol's first-order indices of what the search learned.

The index of a number is the share of the variance of log E, over the searched ranges, that follows from this number
alone: the variance of its partial dependence, in units of all variance. What is missing from a sum of 1 comes from
numbers acting together.

The search's Gaussian processes say more than a best curve: they say which functions the trials allow. Functions are
drawn from them at the points of a Sobol sequence, and each draw has its indices. The spread of these is the
uncertainty. A bootstrap over trials is no substitute: a trial that is taken twice counts as two with independent noise,
and the model becomes too sure of it.

What neither the numbers nor the noise of the seeds explains counts as variance too. It may be noise, and it may be
structure that the trials are too few to resolve. Without it a model that takes structure for noise would give all of
the rest to what it does see.

Within a draw, the partial dependence on every number is fitted by Legendre polynomials, all numbers at once. The points
are so even that numbers acting together add less than `RESOLUTION` to an index.

References
----------
Sobol', Mathematics and Computers in Simulation 55, 2001 (indices). Oakley and O'Hagan, Journal of the Royal Statistical
Society B 66, 2004 (from a Gaussian process). Le Gratiet, Cannamela and Iooss, SIAM/ASA Journal on Uncertainty
Quantification 2, 2014 (from draws of it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre
from scipy.stats import qmc

from hetero_rsnn.common.errors import SearchError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.searching.partial_dependence import fit_models

if TYPE_CHECKING:
    from hetero_rsnn.searching.result import SearchResult

#: Measured trials for every searched number, and at least: with fewer the model is what was assumed before.
PER_NUMBER, FEWEST = 3, 10
#: Points at which functions are drawn: a power of 2, as Sobol's sequence wants it.
POINTS = 1024
#: Functions drawn.
DRAWS = 256
#: Highest degree of the polynomials of a partial dependence.
DEGREE = 10
#: What the points themselves may add to an index: no interval is narrower on either side.
RESOLUTION = 0.01


@dataclass(frozen=True)
class Importance:
    """How much one searched number matters.

    Attributes
    ----------
    index : float
        Share of the variance that follows from this number alone: the mean over the functions that the trials allow.
    low, high : float
        The 95 % interval: 95 % of these functions lie no farther from the mean, and it reaches at least 0.01 to either
        side, the resolution of the method. Where `low` is not above 0, the trials
        do not show that the number matters.
    """

    index: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.index:.2f} [{self.low:.2f}, {self.high:.2f}]"


def importance(result: SearchResult, quantity: str | None = None) -> dict[str, Importance]:
    """Sobol's first-order index of every searched number, from the model that the trials of a search give.

    The ranges are those of the space, and each number is uniform in its range, or its logarithm is where the search
    treats it so. Noise that the seeds of a trial show is left out; with one seed it shows nothing, and noise counts as
    variance that no number explains. The interval takes the length scales of the model for known. A curve with several
    humps needs more trials than a slope before the model sees it.

    Parameters
    ----------
    result : SearchResult
    quantity : {"E", "C", "S"}, optional
        Of which the logarithm is explained; by default C where the search is for capacity, else E.

    Returns
    -------
    dict of str to Importance
        By the names of the dimensions, in their order.

    Raises
    ------
    SearchError
        If there are too few measured trials.
    HeteroError
        If the quantity is unknown.

    References
    ----------
    Sobol', "Global sensitivity indices for nonlinear mathematical models and their Monte Carlo estimates", Mathematics
    and Computers in Simulation 55, 2001, 271-280. Oakley and O'Hagan, "Probabilistic sensitivity analysis of complex
    models: a Bayesian approach", Journal of the Royal Statistical Society B 66, 2004, 751-769.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> def formula(network, seed, width, depth):
    ...     return {"C": 1.0 + width, "S": 0.1}
    >>> base = hr.load_network("henhes", n=20).to_dict()
    >>> scalars = {name: {"as": "setting", "range": [0.2, 2.0]} for name in ("width", "depth")}
    >>> space = hr.Space.from_dict({"name": "own", "base": base, "scalars": scalars})
    >>> found = hr.importance(hr.search_function(formula, space, budget=16, initial=16, seeds=1, fresh_seeds=1))
    >>> found["width"].low > 0.9, found["depth"].low <= 0
    (True, True)
    """
    names = [d.name for d in result.space.dimensions]
    least, count = max(FEWEST, PER_NUMBER * len(names)), sum(t.evaluation is not None for t in result.trials)
    models = fit_models(result) if count >= least else None
    if models is None:
        raise SearchError(
            f"how much {len(names)} searched numbers matter needs {least} measured trials, got {count}",
            fix="let the search go on",
        )
    if quantity is None:
        quantity = "C" if result.settings.objective == "capacity" else "E"
    z = qmc.Sobol(len(names), scramble=False).random(POINTS) + 0.5 / POINTS  # its first point is a corner
    normal = generator(0, "posterior").standard_normal((2, POINTS, DRAWS))
    shares = first_order(z, models.draws(z, normal, quantity), models.unexplained(quantity))
    index = shares.mean(axis=1)
    margin = np.maximum(np.quantile(abs(shares - index[:, None]), 0.95, axis=1), RESOLUTION)
    return {n: Importance(float(i), float(i - m), float(i + m)) for n, i, m in zip(names, index, margin, strict=True)}


def first_order(z: Array, values: Array, unexplained: float = 0.0) -> Array:
    """First-order indices of functions that are known at points spread evenly over the unit cube.

    Parameters
    ----------
    z : ndarray, shape (points, dimensions)
    values : ndarray, shape (points, functions)
    unexplained : float
        Variance that counts beside that of the values.

    Returns
    -------
    ndarray, shape (dimensions, functions)
    """
    points, dimensions = z.shape
    degree = max(min(DEGREE, points // 2 // dimensions), 1)  # at most half as many terms as points
    norm = np.sqrt(2 * np.arange(1, degree + 1) + 1)  # variance 1 over [0, 1]
    basis = (legendre.legvander(2 * z - 1, degree)[..., 1:] * norm).reshape(points, -1)
    coefficients = np.linalg.lstsq(np.column_stack([np.ones(points), basis]), values)[0][1:]
    explained = (coefficients**2).reshape(dimensions, degree, -1).sum(axis=1)
    return np.asarray(explained / np.maximum(values.var(axis=0) + unexplained, np.finfo(float).tiny))
