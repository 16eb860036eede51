"""Dimensions of equations, checked as a network is read: Brian2's rules, without Brian2, which takes seconds to import.

A dimension is a tuple of exponents of metre, kilogram, second, ampere, kelvin, mole and candela.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from hetero_rsnn.common.errors import NetworkError, UnitError, suggest
from hetero_rsnn.network.equations import FUNCTIONS, RANDOM

Dimension = tuple[Fraction, ...]

_BASE = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela")


def _dimension(**exponents: int) -> Dimension:
    return tuple(Fraction(exponents.get(base, 0)) for base in _BASE)


#: What a plain number has.
NONE = _dimension()
SECOND = _dimension(second=1)
#: Names of units, without a prefix.
_UNITS: dict[str, Dimension] = {
    **{base: _dimension(**{base: 1}) for base in _BASE},
    "meter": _dimension(metre=1),
    "ampere": _dimension(amp=1),
    "gram": _dimension(kilogram=1),
    "gramme": _dimension(kilogram=1),
    "hertz": _dimension(second=-1),
    "newton": _dimension(metre=1, kilogram=1, second=-2),
    "joule": _dimension(metre=2, kilogram=1, second=-2),
    "watt": _dimension(metre=2, kilogram=1, second=-3),
    "coulomb": _dimension(second=1, amp=1),
    "volt": _dimension(metre=2, kilogram=1, second=-3, amp=-1),
    "farad": _dimension(metre=-2, kilogram=-1, second=4, amp=2),
    "ohm": _dimension(metre=2, kilogram=1, second=-3, amp=-2),
    "siemens": _dimension(metre=-2, kilogram=-1, second=3, amp=2),
}
_SHORT = {"s": "second", "V": "volt", "A": "amp", "S": "siemens", "F": "farad", "m": "metre"}
_PREFIXES = ("", *"pnumckMG")
#: How dimensions are shown: the first name that fits.
_SHOWN = ("second", "hertz", "volt", "amp", "siemens", "farad", "ohm", "metre", "coulomb", "kelvin", "mole")
#: Functions that give their argument's dimension, and those that take any and give none.
_KEEPS, _ANY = frozenset({"abs", "floor", "ceil"}), frozenset({"sign"})


def dimension_of_unit(name: str) -> Dimension | None:
    """The dimension of a unit such as ``"mV"``, ``"volt"`` or ``"metre2"``; None for a name that is none."""
    match = re.fullmatch(r"([A-Za-z]+?)([23]?)", name)
    if match is None:
        return None
    found, power = _plain_unit(match[1]), int(match[2] or 1)
    return None if found is None else tuple(power * x for x in found)


@lru_cache(maxsize=256)
def _plain_unit(name: str) -> Dimension | None:
    if name in ("Hz", "kHz", "MHz", "GHz", "mHz"):
        return _UNITS["hertz"]
    for prefix in _PREFIXES:
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix):
            continue
        if rest in _UNITS:
            return _UNITS[rest]
        if prefix and rest in _SHORT:
            return _UNITS[_SHORT[rest]]
    return None


def dimension_of(text: str) -> Dimension:
    """The dimension that a unit such as ``"1"`` or ``"amp/second**2"`` says.

    Raises
    ------
    UnitError
        If one of its names is no unit.
    """
    out, sign = NONE, 1
    for part in re.split(r"(\*\*\s*-?[\d.]+|[*/])", text.replace(" ", "")):
        if part in ("", "1"):
            last = NONE
        elif part in "*/":
            sign = 1 if part == "*" else -1
            continue
        elif part.startswith("**"):
            power = Fraction(part[2:]) - 1
            out = tuple(x + sign * power * y for x, y in zip(out, last, strict=True))
            continue
        else:
            found = dimension_of_unit(part)
            if found is None:
                raise UnitError(f"unknown unit {part!r}", fix="write SI units such as volt, amp/second or 1")
            last = found
        out = tuple(x + sign * y for x, y in zip(out, last, strict=True))
    return out


def show(dimension: Dimension) -> str:
    """How messages call a dimension."""
    if dimension == NONE:
        return "no unit"
    for name in _SHOWN:
        if _UNITS[name] == dimension:
            return name
    parts = [base if x == 1 else f"{base}**{x}" for base, x in zip(_BASE, dimension, strict=True) if x]
    return " * ".join(parts)


@dataclass(frozen=True)
class Line:
    """A logical line of a block, and where each of its characters stands in the text as it was written."""

    text: str
    places: tuple[tuple[int, int], ...]


def located_lines(text: str) -> list[Line]:
    """Logical lines as `equations.lines` has them, with line and column (from 1) of every character."""
    out: list[tuple[list[str], list[tuple[int, int]]]] = []
    depth = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        for begin, part in _parts(raw):
            words = list(re.finditer(r"\S+", part.split("#")[0]))
            if not words:
                continue
            if not (out and depth > 0):
                out.append(([], []))
                depth = 0
            signs, places = out[-1]
            for word in words:
                if signs:
                    signs.append(" ")
                    places.append((number, begin + word.start() + 1))
                signs += word[0]
                places += [(number, begin + word.start() + k + 1) for k in range(len(word[0]))]
                depth += word[0].count("(") - word[0].count(")")
    return [Line("".join(signs), tuple(places)) for signs, places in out]


def _parts(raw: str) -> Iterator[tuple[int, str]]:
    begin = 0
    for part in raw.split(";"):
        yield begin, part
        begin += len(part) + 1


class Checker:
    """Checks expressions of one block.

    Parameters
    ----------
    where : str
        Name of the block, for messages.
    names : mapping of str to Dimension
        What the expressions may name.
    values : mapping of str to float, optional
        Numbers of names that are the same everywhere: they may be exponents, and no divisors if they are 0.
    """

    def __init__(self, where: str, names: Mapping[str, Dimension], values: Mapping[str, float] | None = None) -> None:
        self.where, self.names, self.values = where, names, dict(values or {})
        self.zeros = {k for k, v in self.values.items() if v == 0}
        self._line = Line("", ())
        self._offset = 0

    def fail(
        self, node: ast.expr | None, what: str, fix: str = "", *, error: type[NetworkError | UnitError]
    ) -> NoReturn:
        """Raise an error at the place of a part of the expression."""
        at = self._offset + (node.col_offset if node is not None else 0)
        line, column = self._line.places[min(at, len(self._line.places) - 1)] if self._line.places else (1, 1)
        raise error(f"{self.where}, line {line}, column {column}: {what}", fix=fix)

    def part(self, node: ast.expr) -> str:
        """The text of a part of the expression."""
        text = ast.unparse(node)
        return repr(text if len(text) <= 60 else f"{text[:57]}...")

    def shown(self, node: ast.expr, dimension: Dimension) -> str:
        """A part of the expression with its dimension."""
        return f"{self.part(node)} ({show(dimension)})"

    def check(self, line: Line, offset: int, expression: str, wanted: Dimension | None, what: str) -> Dimension:
        """The dimension of an expression that begins at `offset` of a line; refused if it is another than wanted."""
        self._line = line
        self._offset = offset + len(expression) - len(expression.lstrip())
        tree = ast.parse(expression.strip(), mode="eval").body
        found = self.dimension(tree)
        if wanted is not None and found != wanted:
            got = f"{_unit(found)} in {self.part(tree)}"
            fix = "see the units of its parts"
            self.fail(tree, f"{what} must have {_unit(wanted)}, got {got}", fix, error=UnitError)
        return found

    def dimension(self, node: ast.expr) -> Dimension:
        """The dimension of a part of an expression."""
        match node:
            case ast.Constant():
                return NONE
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.BoolOp(values=values):
                for value in values:
                    self.dimension(value)
                return NONE
            case ast.Compare(left=left, comparators=[right]):
                self._alike(node, left, right, "compares")
                return NONE
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.dimension(operand)
                return NONE
            case ast.UnaryOp(operand=operand):
                return self.dimension(operand)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(node, name, arguments)
            case ast.BinOp():
                return self._operation(node)
        self.fail(
            node, f"{self.part(node)} has no dimension", "write arithmetic and functions only", error=NetworkError
        )

    def _named(self, node: ast.expr, name: str) -> Dimension:
        if name in self.names:
            return self.names[name]
        unit = dimension_of_unit(name)
        if unit is not None:
            return unit
        if name in FUNCTIONS:
            self.fail(node, f"{name!r} is a function", f"write {name}(...)", error=NetworkError)
        own = [k for k in self.names if not k.startswith("_")]
        self.fail(node, f"unknown name {name!r}{suggest(name, own)}", "set it, or correct it", error=NetworkError)

    def _alike(self, node: ast.expr, left: ast.expr, right: ast.expr, does: str) -> Dimension:
        a, b = self.dimension(left), self.dimension(right)
        if a != b:
            self.fail(
                right,
                f"{self.part(node)} {does} {self.shown(left, a)} with {self.shown(right, b)}",
                "both need one unit",
                error=UnitError,
            )
        return a

    def _operation(self, node: ast.BinOp) -> Dimension:
        left, right = node.left, node.right
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            for factor in _factors(right):
                if isinstance(factor, ast.Name) and factor.id in self.zeros:
                    what = f"{self.part(node)} divides by {factor.id}, which is 0"
                    self.fail(factor, what, "give it another value", error=NetworkError)
        match node.op:
            case ast.Add():
                return self._alike(node, left, right, "adds")
            case ast.Sub():
                return self._alike(node, left, right, "subtracts")
            case ast.Mod():
                return self._alike(node, left, right, "divides")
            case ast.Mult():
                return tuple(x + y for x, y in zip(self.dimension(left), self.dimension(right), strict=True))
            case ast.Div():
                return tuple(x - y for x, y in zip(self.dimension(left), self.dimension(right), strict=True))
            case ast.FloorDiv():
                for side in (left, right):
                    if (found := self.dimension(side)) != NONE:
                        what = f"// is for plain numbers, got {self.shown(side, found)}"
                        self.fail(side, what, "use /", error=UnitError)
                return NONE
            case ast.Pow():
                return self._power(node)
        self.fail(node, f"{self.part(node)} is no arithmetic of equations", "use + - * / // % **", error=NetworkError)

    def _power(self, node: ast.BinOp) -> Dimension:
        base, exponent = self.dimension(node.left), self.dimension(node.right)
        if exponent != NONE:
            what = f"an exponent must be a plain number, got {self.shown(node.right, exponent)}"
            self.fail(node.right, what, "divide by its unit", error=UnitError)
        if base == NONE:
            return NONE
        power = self._number(node.right)
        if power is None:
            what = f"{self.shown(node.left, base)} needs a number as exponent, got {self.part(node.right)}"
            self.fail(node.right, what, "divide the base by its unit", error=UnitError)
        return tuple(Fraction(power).limit_denominator(1000) * x for x in base)

    def _number(self, node: ast.expr) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return self.values.get(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                found = self._number(operand)
                return None if found is None else -found
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                a, b = self._number(left), self._number(right)
                return None if a is None or not b else a / b
        return None

    def _call(self, node: ast.expr, name: str, arguments: list[ast.expr]) -> Dimension:
        count = {"clip": 3, "timestep": 2}.get(name, 1)
        if len(arguments) != count and name not in RANDOM:
            what = f"{name} takes {count} argument{'s' * (count > 1)}, got {len(arguments)} in {self.part(node)}"
            self.fail(node, what, f"write {name}({', '.join('xab'[:count])})", error=NetworkError)
        found = [self.dimension(a) for a in arguments]
        if name == "clip":
            for bound, dimension in zip(arguments[1:], found[1:], strict=True):
                if dimension != found[0]:
                    self.fail(
                        bound,
                        f"clip bounds {self.shown(arguments[0], found[0])} by {self.shown(bound, dimension)}",
                        "all three need one unit",
                        error=UnitError,
                    )
            return found[0]
        if name == "sqrt":
            return tuple(x / 2 for x in found[0])
        if name in _KEEPS:
            return found[0]
        if name in _ANY:
            return NONE
        wanted = SECOND if name == "timestep" else NONE
        for argument, dimension in zip(arguments, found, strict=True):
            if dimension != wanted:
                takes = "times" if wanted == SECOND else "plain numbers"
                what = f"{name} takes {takes}, got {self.shown(argument, dimension)}"
                self.fail(argument, what, "divide it by a quantity of that unit", error=UnitError)
        return NONE


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    """What a product is made of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _unit(dimension: Dimension) -> str:
    return "no unit" if dimension == NONE else f"the unit {show(dimension)}"


def is_condition(text: str, conditions: frozenset[str] = frozenset()) -> bool:
    """Whether an expression is true or false, and no number."""
    node = ast.parse(text.strip(), mode="eval").body
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Constant(value=bool()):
            return True
        case ast.Name(id=name):
            return name in conditions
    return False


#: What every block may name.
COMMON: Mapping[str, Dimension] = {
    "t": SECOND, "dt": SECOND, "i": NONE, "N": NONE, "pi": NONE, "e": NONE, "inf": NONE, "True": NONE, "False": NONE,
    "not_refractory": NONE, "lastspike": SECOND,
}  # fmt: skip
