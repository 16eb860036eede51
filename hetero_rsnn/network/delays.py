"""Synaptic delays: what a file may say, and the whole steps that are drawn.

A delay is 0, which is none, or from one step to `LONGEST_DELAY`. It is rounded to the nearest whole step, halves up.
Of a distribution the mean must be such a delay, and what is drawn below one step becomes one step: most distributions
reach down to 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import NetworkError, UnitError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.network.distributions import Constant
from hetero_rsnn.network.models import LONGEST_DELAY
from hetero_rsnn.network.parameter import Parameter, parse_parameter
from hetero_rsnn.network.parts import Projection

#: Share of the draws beyond the range that a file is refused for; a rarer one is refused where it is drawn.
_SHARE = 1e-3


def parse_delay(value: Any, where: str, dt: float) -> Parameter:
    """Read the delay of a projection: a time with its unit, or a distribution of them.

    Raises
    ------
    NetworkError, UnitError
        Naming the place, the value, the rule and the fix.
    """
    found = parse_parameter(value, where)
    if found.unit != units.TIME:
        raise UnitError(f"{where} must be a time such as '1.5 ms', got {found}", fix="write it with its unit")
    d = found.distribution
    low, high = (float(q) for q in d.quantile([0.0, 1 - _SHARE]))
    for delay, wrong in ((d.mean, _outside(d.mean, dt)), (low, low < 0), (high, high > dt and _outside(high, dt))):
        if wrong:
            raise _refused(where, found, delay, dt)
    return found


def draw_delays(projection: Projection, count: int, seed: int, dt: float) -> NDArray[np.uint16]:
    """Delays of the synapses of a projection in steps, shape (count,).

    Raises
    ------
    NetworkError
        If one of them is out of range.
    """
    if projection.delay is None or not projection.delayed:
        return np.zeros(count, np.uint16)
    drawn = projection.delay.distribution.sample(count, generator(seed, "delays", projection.name))
    if not isinstance(projection.delay.distribution, Constant):
        drawn = np.maximum(drawn, dt)
    odd = np.flatnonzero(_outside(drawn, dt))
    if odd.size:
        where = f"projections.{projection.name}.delay"
        raise _refused(where, projection.delay, float(drawn[odd[0]]), dt, f" in {odd.size} of {count} synapses")
    return np.floor(drawn / dt + 0.5).astype(np.uint16)


def _outside(delay: Any, dt: float) -> Any:
    """Which delays are neither 0 nor from one step to the longest, but for rounding errors."""
    inside = (delay >= dt * (1 - 1e-9)) & (np.floor(delay / dt + 0.5) <= LONGEST_DELAY)
    return ~(inside | (np.abs(delay) < 1e-9 * dt))


def _refused(where: str, given: Parameter, delay: float, dt: float, how_many: str = "") -> NetworkError:
    got = units.show(delay, units.TIME)
    if not isinstance(given.distribution, Constant) and delay != given.distribution.mean:
        got = f"{float(f'{delay:.4g}'):g} ms{how_many} from {given}"
    fix = "write a positive time, or leave it away for none"
    if 0 < delay < dt:
        fix = "write 0 for none, or lower dt"
    elif delay > 0:
        fix = "lower it, raise dt, or give a distribution with an upper end such as uniform"
    longest = units.show(LONGEST_DELAY * dt, units.TIME)
    return NetworkError(
        f"{where} must be 0 or from one step to {LONGEST_DELAY:,} steps ({dt:g} ms to {longest}), got {got}", fix=fix
    )
