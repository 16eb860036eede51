"""What stands for the derivative of a spike.

A spike is a step function of the potential, whose derivative is 0 wherever it exists. Training puts a bump of area 1 in
its place; no shape is more right than another, and which is best is a question for a search.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array

#: Shape -> its parameters, with what they are unless given.
SHAPES: dict[str, dict[str, float]] = {
    "rectangle": {"width": 0.5},
    "triangle": {"width": 1.0},
    "trapezoid": {"inner": 0.25, "outer": 0.75},
    "fast_sigmoid": {"slope": 5.0},
    "arctangent": {"slope": 5.0},
    "gaussian": {"sd": 0.4},
}
#: What the kernels call them; a triangle is a trapezoid.
RECTANGLE, TRAPEZOID, FAST_SIGMOID, ARCTANGENT, GAUSSIAN = range(5)


class PseudoDerivative:
    """A bump of area 1 around the threshold, at x = v - v_th.

    ============  ===============================  ============================================================
    shape         parameters                       value
    ============  ===============================  ============================================================
    rectangle     ``width`` > 0                    1 / (2 width) where abs(x) <= width
    triangle      ``width`` > 0                    (1 - abs(x) / width) / width where abs(x) < width
    trapezoid     0 <= ``inner`` <= ``outer`` > 0  clip((outer - abs(x)) / (outer - inner), 0, 1) / (inner + outer)
    fast_sigmoid  ``slope`` > 0                    slope / (2 (1 + slope abs(x))^2)
    arctangent    ``slope`` > 0                    slope / (pi (1 + (slope x)^2))
    gaussian      ``sd`` > 0                       exp(-x^2 / (2 sd^2)) / (sd sqrt(2 pi))
    ============  ===============================  ============================================================

    The trapezoid has the first two as its limits: ``inner = outer`` is the rectangle, ``inner = 0`` the triangle. The
    area is 1 for all (our choice), so that the shapes differ in shape and width only, not in how strongly they teach.

    Parameters
    ----------
    shape : str
    **parameters : float
        In units of the potential; see `SHAPES` for what they are unless given.

    Attributes
    ----------
    shape : str
    parameters : dict of str to float
    support : float
        Where the bump ends, in distance from the threshold; infinity for the last three.

    Raises
    ------
    HeteroError
        For an unknown shape or parameter, or one outside its range.

    References
    ----------
    E. O. Neftci, H. Mostafa, F. Zenke, "Surrogate gradient learning in spiking neural networks", IEEE Signal
    Processing Magazine 36, 2019 (the idea and its names); F. Zenke, T. P. Vogels, Neural Computation 33, 2021 (which
    properties matter). The trapezoid: D. Pan et al., arXiv:2406.13568; its breakpoints are ours.

    Examples
    --------
    >>> bump = PseudoDerivative("trapezoid", inner=0.2, outer=0.6)
    >>> bump([0.0, 0.4, 0.7]).round(6).tolist()
    [1.25, 0.625, 0.0]
    >>> bump.support
    0.6
    """

    def __init__(self, shape: str = "trapezoid", **parameters: float) -> None:
        checks.one_of("shape of the pseudo-derivative", shape, tuple(SHAPES))
        known = SHAPES[shape]
        for name in parameters:
            if name not in known:
                raise HeteroError(f"a {shape} has no {name!r}{suggest(name, known)}")
        values = {**known, **parameters}
        if shape == "trapezoid":
            checks.real("outer", values["outer"], above=0.0)
            checks.real("inner", values["inner"], least=0.0)
            if values["inner"] > values["outer"]:
                raise HeteroError(f"inner must be at most outer = {values['outer']:g}, got {values['inner']:g}")
        else:
            for name, value in values.items():
                checks.real(name, value, above=0.0)
        self.shape = shape
        self.parameters = {name: float(value) for name, value in values.items()}

    @classmethod
    def of(cls, value: Any) -> PseudoDerivative:
        """Itself, or the one of this name with its usual parameters."""
        if isinstance(value, PseudoDerivative):
            return value
        if not isinstance(value, str):
            raise HeteroError(
                f"a pseudo-derivative is a name or a PseudoDerivative, got {value!r}", fix=f"one of {', '.join(SHAPES)}"
            )
        return cls(value)

    def __repr__(self) -> str:
        return f"PseudoDerivative({self.shape!r}, {', '.join(f'{k}={v:g}' for k, v in self.parameters.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PseudoDerivative) and (self.shape, self.parameters) == (other.shape, other.parameters)

    def __hash__(self) -> int:
        return hash((self.shape, *self.parameters.values()))

    @property
    def support(self) -> float:
        """Largest distance from the threshold at which the bump is above 0."""
        last = {"rectangle": "width", "triangle": "width", "trapezoid": "outer"}
        return self.parameters[last[self.shape]] if self.shape in last else math.inf

    @property
    def code(self) -> tuple[int, float, float]:
        """What the kernel takes: a shape and two numbers."""
        values = tuple(self.parameters.values())
        if self.shape == "triangle":
            return TRAPEZOID, 0.0, values[0]
        if self.shape == "trapezoid":
            inner, outer = values
            return (RECTANGLE, inner, 0.0) if inner == outer else (TRAPEZOID, inner, outer)
        codes = {"rectangle": RECTANGLE, "fast_sigmoid": FAST_SIGMOID, "arctangent": ARCTANGENT}
        return codes.get(self.shape, GAUSSIAN), values[0], 0.0

    def __call__(self, x: ArrayLike) -> Array:
        """Value at a distance x from the threshold, of the shape of x."""
        code, p, q = self.code
        d = np.abs(checks.finite_array("x", x, empty=True))
        if code == RECTANGLE:
            return np.asarray(np.where(d <= p, 0.5 / p, 0.0))
        if code == TRAPEZOID:
            return np.asarray(np.clip((q - d) / (q - p), 0.0, 1.0) / (p + q))
        if code == FAST_SIGMOID:
            return np.asarray(0.5 * p / (1.0 + p * d) ** 2)
        if code == ARCTANGENT:
            return np.asarray(p / math.pi / (1.0 + (p * d) ** 2))
        return np.asarray(np.exp(-0.5 * (d / p) ** 2) / (p * math.sqrt(2 * math.pi)))

    def integral(self, x: ArrayLike) -> Array:
        """Integral from -infinity to x: a smooth spike, of which this is the derivative."""
        code, p, q = self.code
        x = checks.finite_array("x", x, empty=True)
        d = np.abs(x)
        if code == RECTANGLE:
            half = np.minimum(d / (2 * p), 0.5)
        elif code == TRAPEZOID:
            over = np.clip(d, p, q)
            half = (np.minimum(d, p) + (over - p) - (over - p) ** 2 / (2 * (q - p))) / (p + q)
        elif code == FAST_SIGMOID:
            half = 0.5 * p * d / (1.0 + p * d)
        elif code == ARCTANGENT:
            half = np.arctan(p * d) / math.pi
        else:
            half = 0.5 * special.erf(d / (p * math.sqrt(2.0)))
        return np.asarray(0.5 + np.copysign(half, x))
