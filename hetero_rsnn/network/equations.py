"""Blocks of Brian2 equations as text: logical lines, names, and what they may hold at all.

What an equation may hold is a list of what is allowed, not of what is not: numbers, names, arithmetic, comparisons and
functions. Everything is counted as it stands once sub-expressions are put in, since Brian2 puts them in and multiplies
brackets out: a few short lines can mean millions of terms.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from hetero_rsnn.common.errors import NetworkError, suggest


def lines(text: str) -> list[str]:
    """Logical lines of a block of equations or statements: comments dropped, brackets closed, spaces folded."""
    out: list[list[str]] = []
    depth = 0
    for raw in text.replace(";", "\n").splitlines():
        line = " ".join(raw.split("#")[0].split())
        if not line:
            continue
        if out and depth > 0:
            out[-1].append(line)
        else:
            out.append([line])
            depth = 0
        depth += line.count("(") - line.count(")")
    return [" ".join(parts) for parts in out]


#: Functions of one number, as far as it is clear what they do to constants.
_OF_NUMBERS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "expm1": math.expm1, "sinh": math.sinh, "cosh": math.cosh, "log": math.log, "log10": math.log10,
    "log1p": math.log1p, "sqrt": math.sqrt, "abs": abs, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "tanh": math.tanh, "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "floor": math.floor,
    "ceil": math.ceil, "int": math.trunc, "sign": lambda x: (x > 0) - (x < 0),
    "exprel": lambda x: math.expm1(x) / x if x else 1.0,
}  # fmt: skip
_OF_TWO: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
#: What equations may call.
FUNCTIONS = frozenset(_OF_NUMBERS) | {"clip", "timestep"}
#: Brian2 knows them, and networks must not use them: `network.parsing` says why.
RANDOM = frozenset({"rand", "randn", "poisson", "xi"})

_KNOWN = FUNCTIONS | frozenset(
    {"t", "dt", "i", "j", "N", "and", "or", "not", "True", "False", "unless", "refractory", "event", "driven"}
    | {"constant", "shared", "linked", "pi", "e", "inf"}
)
# Single letters (S, A, m, ...) are not units to Brian2 but names that equations like to use.
_UNIT_NAME = re.compile(
    r"^([pnumckMG]?(second|hertz|Hz|volt|amp|siemens|farad|ohm|metre|meter)|[pnumckMG][sVASFm])[23]?$"
)


def identifiers(text: str) -> set[str]:
    """Names that a block of equations leaves to be defined elsewhere (units and functions left out)."""
    words: set[str] = set()
    for line in lines(text):
        words |= set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", re.sub(r":[^:]*$", "", line)))
    return {w for w in words if w not in _KNOWN and not _UNIT_NAME.match(w)}


def defined(text: str) -> set[str]:
    """Names that a block of equations defines: differential equations, sub-expressions and declared variables."""
    names: set[str] = set()
    for line in lines(text):
        if match := re.match(r"^d(\w+)/dt\s*=", line):
            names |= {match[1], f"d{match[1]}"}
        elif match := re.match(r"^(\w+)\s*(=|:)", line):
            names.add(match[1])
    return names


def temporaries(text: str) -> set[str]:
    """Names that statements set for themselves: set with ``=`` and read by a later statement."""
    found: set[str] = set()
    assigned: set[str] = set()
    for line in lines(text):
        match = STATEMENT.fullmatch(line)
        if match is None:
            continue
        plain = re.fullmatch(rf"{match['target']}\s*", line[: match.start("value") - 1]) is not None
        read = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", match["value"])) | (set() if plain else {match["target"]})
        found |= read & assigned
        if plain and match["target"] not in read:
            assigned.add(match["target"])
    return found


#: Lines and characters of a block, characters of an expression, brackets inside each other: far beyond any model.
MOST_LINES, MOST_CHARACTERS, MOST_IN_EXPRESSION, MOST_BRACKETS = 200, 20_000, 2_000, 50
#: Operations and names of an expression, those inside each other, and terms once all brackets are multiplied out.
MOST_PARTS, MOST_DEEP, MOST_TERMS = 2_000, 100, 500
#: Exponents that are numbers.
MOST_EXPONENT = 100
#: Numbers, and what constants come to: beyond it squares leave the range of floating point numbers.
_LARGEST = 1e150

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
EQUATION = re.compile(
    rf"(?:d(?P<state>{_NAME})\s*/\s*dt\s*=(?P<rate>.+)|(?P<name>{_NAME})\s*=(?P<value>.+)|(?P<free>{_NAME})\s*)"
    r":\s*(?P<unit>[A-Za-z0-9*/.\- ]+?)\s*(?:\((?P<flags>[A-Za-z0-9_\-, ]*)\))?\s*"
)
STATEMENT = re.compile(rf"(?P<target>{_NAME})\s*(?:\*\*|[-+*/%])?=(?P<value>.+)")
_RULE = "write numbers, names, + - * / // % **, comparisons, and, or, not, and functions such as exp(x) only"
_SPLIT = "give parts of it a name and a line of their own, or use a simpler model"
#: What is met most often, in words.
_CALLED: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute",
    ast.Subscript: "an index",
    ast.IfExp: "'if' and 'else'",
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Lambda: "'lambda'",
    ast.JoinedStr: "text",
    ast.NamedExpr: "':='",
    ast.Dict: "braces",
    ast.Set: "braces",
}
_SIGNS = (ast.UAdd, ast.USub, ast.Not)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class _Size:
    """How large an expression is with its sub-expressions put in, and its value if it is a constant."""

    parts: int = 1
    deep: int = 1
    terms: float = 1
    number: float | None = None


class _Place:
    """An expression and where it stands, for the messages."""

    def __init__(self, where: str, text: str) -> None:
        self.where, self.text, self.expression = where, text, text

    def refuse(self, what: str, fix: str = _RULE) -> NoReturn:
        shown = self.text if len(self.text) <= 80 else f"{self.text[:60]}... ({len(self.text)} characters)"
        raise NetworkError(f"{self.where}: {shown!r} {what}", fix=fix)

    def part(self, node: ast.expr) -> str:
        """The text of a part of the expression."""
        found = self.expression[node.col_offset : node.end_col_offset]
        return repr(found if len(found) <= 40 else f"{found[:37]}...")


@lru_cache(maxsize=256)  # a search asks thousands of times; errors are not kept
def check_equations_text(where: str, text: str) -> None:
    """Refuse a block of equations that holds anything but equations, or is too large to be worked on.

    Raises
    ------
    NetworkError
        With the equation, the place and the rule.
    """
    found: dict[str, tuple[_Place, ast.expr]] = {}
    states: list[tuple[_Place, ast.expr]] = []
    for line in _equation_lines(_lines(where, text)):
        place = _Place(where, line)
        match = EQUATION.fullmatch(line)
        if match is None:
            forms = "'dx/dt = ... : unit', 'x = ... : unit' or 'x : unit'"
            place.refuse("is no equation", f"write {forms}, the unit without brackets")
        _check_unit(place, match["unit"])
        if match["rate"] is not None:
            states.append((place, _parse(place, match["rate"])))
        elif match["value"] is not None:
            if match["name"] in found:
                place.refuse(f"defines {match['name']!r} a second time", "keep one of the two")
            found[match["name"]] = place, _parse(place, match["value"])
    _measure_all(found, states)


@lru_cache(maxsize=256)
def check_statements(where: str, text: str) -> None:
    """Refuse statements, such as a reset, that holds anything but assignments, as `check_equations_text` does."""
    for line in _lines(where, text):
        place = _Place(where, line)
        match = STATEMENT.fullmatch(line)
        if match is None:
            place.refuse("is no assignment", "write 'x = ...', 'x += ...' or the like")
        _measure(place, _parse(place, match["value"]), {})


@lru_cache(maxsize=256)
def check_expression(where: str, text: str) -> None:
    """Refuse a threshold or the like that is anything but one expression; see `check_equations_text`."""
    if text:
        place = _Place(where, " ".join(_lines(where, text)))
        _measure(place, _parse(place, place.text), {})


def count_terms(text: str) -> float:
    """Terms of an expression once all its brackets are multiplied out; infinite for what is none, or is too large."""
    place = _Place("", text)
    try:
        return _measure(place, _parse(place, text), {}).terms
    except NetworkError:
        return math.inf


def _lines(where: str, text: str) -> list[str]:
    found = lines(text)
    total = sum(map(len, found))
    if total > MOST_CHARACTERS:
        raise NetworkError(
            f"{where} must have at most {MOST_CHARACTERS} characters (comments left out), got {total}",
            fix="use a simpler model",
        )
    if len(found) > MOST_LINES:
        raise NetworkError(f"{where} must have at most {MOST_LINES} lines, got {len(found)}", fix="use a simpler model")
    return found


def _equation_lines(found: list[str]) -> list[str]:
    """An equation ends with its unit; what has none goes on in the next line, as in Brian2."""
    out: list[str] = []
    for line in found:
        if out and ":" not in out[-1]:
            out[-1] += f" {line}"
        else:
            out.append(line)
    return out


def _parse(place: _Place, text: str) -> ast.expr:
    """The tree of an expression of bearable size; Python's parser is given nothing else."""
    place.expression = text = text.strip()
    if len(text) > MOST_IN_EXPRESSION:
        place.refuse(f"must have at most {MOST_IN_EXPRESSION} characters", _SPLIT)
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth > MOST_BRACKETS:
            place.refuse(f"must have at most {MOST_BRACKETS} brackets inside each other", _SPLIT)
    if not text.isascii():
        strange = next(sign for sign in text if not sign.isascii())
        place.refuse(f"holds the sign {strange!r}", "use the letters a-z and A-Z, digits and _ in names")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        place.refuse("is no expression")


def _check_unit(place: _Place, text: str) -> None:
    """Units are names, powers and products; Brian2 would work out any expression that stands there."""
    factor = rf"(1|{_NAME})(\s*\*\*\s*-?\d{{1,2}}(\.\d)?)?"
    if not re.fullmatch(rf"{factor}(\s*[*/]\s*{factor})*", text.strip()):
        place.refuse(f"has the unit {text.strip()!r}", "write 1, or SI units such as volt or amp/second**2")


def _measure_all(named: Mapping[str, tuple[_Place, ast.expr]], others: list[tuple[_Place, ast.expr]]) -> None:
    """Measure every expression, each sub-expression before those that use it."""
    sizes: dict[str, _Size] = {}
    begun: set[str] = set()
    waiting = list(named)
    while waiting:  # a chain of them may be longer than Python's stack
        name = waiting[-1]
        place, tree = named[name]
        if name in sizes:
            waiting.pop()
            continue
        begun.add(name)
        needed = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in named} - set(sizes)
        if needed & begun:
            place.refuse(f"defines {name!r} by itself", "write one of them as a differential equation")
        if needed:
            waiting += sorted(needed)
            continue
        sizes[name] = _measure(place, tree, sizes)
        waiting.pop()
    for place, tree in others:
        _measure(place, tree, sizes)


def _measure(place: _Place, tree: ast.expr, sizes: Mapping[str, _Size]) -> _Size:
    """Refuse what the tree may not hold, and what is too large. From the leaves up: a tree may be deep."""
    done: dict[int, _Size] = {}
    waiting: list[tuple[ast.expr, bool]] = [(tree, False)]
    while waiting:
        node, ready = waiting.pop()
        children = _children(place, node)
        if not ready:
            waiting.append((node, True))
            waiting += [(child, False) for child in children]
            continue
        if isinstance(node, ast.Name):
            done[id(node)] = sizes.get(node.id, _Size(number={"pi": math.pi, "e": math.e}.get(node.id)))
            continue
        inner = [done[id(child)] for child in children]
        size = _Size(
            parts=1 + sum(s.parts for s in inner),
            deep=1 + max((s.deep for s in inner), default=0),
            terms=_terms(node, inner),
            number=_number(place, node, inner),
        )
        for what, count, most in (
            ("parts", size.parts, MOST_PARTS),
            ("operations inside each other", size.deep, MOST_DEEP),
            ("terms once its brackets are multiplied out", size.terms, MOST_TERMS),
        ):
            if count > most:
                place.refuse(f"must have at most {most} {what}, got {count:.4g}", _SPLIT)
        done[id(node)] = size
    return done[id(tree)]


def _children(place: _Place, node: ast.expr) -> list[ast.expr]:
    """What an allowed expression is made of; anything else is refused."""
    match node:
        case ast.Constant(value=bool()) | ast.Name():
            return []
        case ast.Constant(value=int() | float() as value):
            if value > _LARGEST:
                place.refuse(
                    f"holds the number {place.part(node)}, and numbers must be at most {_LARGEST:g}", "lower it"
                )
            return []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OF_TWO:
            return [left, right]
        case ast.UnaryOp(op=op, operand=operand) if isinstance(op, _SIGNS):
            return [operand]
        case ast.BoolOp(values=values):
            return values
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
            return [left, right]
        case ast.Compare(ops=[_, _, *_]):
            place.refuse(f"compares more than two values in {place.part(node)}", "join two comparisons with 'and'")
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS | RANDOM:
            return arguments
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            known = suggest(name, FUNCTIONS)
            place.refuse(f"calls {name!r}, which is no function of equations{known}", "use one of them, or '*'")
    name = _CALLED.get(type(node), "")
    place.refuse(f"holds {name}{', ' if name else ''}{place.part(node)}, which no equation may")


def _terms(node: ast.expr, inner: list[_Size]) -> float:
    """Terms once all brackets are multiplied out; the arguments of functions stay what they are."""
    if not inner:
        return 1
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return inner[0].terms + inner[1].terms
        case ast.BinOp(op=ast.Mult()):
            return inner[0].terms * inner[1].terms
        case ast.BinOp(op=ast.Pow()) if (power := inner[1].number) is not None:
            return _power_terms(inner[0].terms, abs(power))
    return max(s.terms for s in inner)


def _power_terms(terms: float, power: float) -> float:
    """Terms of a sum to a power, as multinomials have them."""
    if terms <= 1 or power != int(power):
        return terms
    if terms > MOST_TERMS or power > MOST_EXPONENT:
        return math.inf
    return math.comb(int(terms + power) - 1, int(power))


def _number(place: _Place, node: ast.expr, inner: list[_Size]) -> float | None:
    """The value of an expression of numbers alone; one that has none, or a huge one, is refused."""
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        assert isinstance(node.value, int | float)
        return float(node.value)
    power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    if power and (exponent := inner[1].number) is not None and abs(exponent) > MOST_EXPONENT:
        rule = f"and exponents that are numbers must be at most {MOST_EXPONENT} in size"
        place.refuse(f"holds the power {place.part(node)}, {rule}", "lower it")
    divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
    if divided and inner[1].number == 0:
        place.refuse(f"divides by 0 in {place.part(node)}", "divide by something else")
    numbers = [s.number for s in inner if s.number is not None]
    if not inner or len(numbers) < len(inner):
        return None
    try:
        value = _value(node, numbers)
    except (OverflowError, ValueError, ZeroDivisionError):
        value = math.inf
    if isinstance(value, complex) or (value is not None and not abs(value) <= _LARGEST):
        place.refuse(f"holds {place.part(node)}, whose value is no number up to {_LARGEST:g}", "write the value itself")
    if power and value is not None and abs(value) < 1 / _LARGEST and numbers[0] != 0:
        place.refuse(f"holds {place.part(node)}, which is below {1 / _LARGEST:g}", "write the value itself")
    return value


def _value(node: ast.expr, numbers: list[float]) -> float | None:
    match node:
        case ast.UnaryOp(op=ast.USub()):
            return -numbers[0]
        case ast.UnaryOp(op=ast.UAdd()):
            return numbers[0]
        case ast.BinOp(op=op):
            return _OF_TWO[type(op)](*numbers)
        case ast.Call(func=ast.Name(id=name)) if name in _OF_NUMBERS and len(numbers) == 1:
            return float(_OF_NUMBERS[name](numbers[0]))
        case ast.Call(func=ast.Name(id="clip")) if len(numbers) == 3:
            return min(max(numbers[0], numbers[1]), numbers[2])
    return None


def value_at(text: str, values: Mapping[str, float]) -> float:
    """The value of an expression of arithmetic and functions where its names have these values.

    Raises
    ------
    ValueError, SyntaxError, ArithmeticError, RecursionError, MemoryError
        If it has none, or is anything else.
    """
    done: dict[int, float] = {}
    waiting: list[tuple[ast.expr, bool]] = [(ast.parse(text.strip(), mode="eval").body, False)]
    root = waiting[0][0]
    while waiting:
        node, ready = waiting.pop()
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                done[id(node)] = float(number)
            case ast.Name(id=name) if name in values:
                done[id(node)] = values[name]
            case ast.UnaryOp(operand=operand, op=ast.UAdd() | ast.USub()):
                inner = [operand]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OF_TWO:
                inner = [left, right]
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS and arguments:
                inner = arguments
            case _:
                raise ValueError(f"{type(node).__name__} has no value")
        if isinstance(node, ast.Constant | ast.Name):
            continue
        if not ready:
            waiting += [(node, True), *((child, False) for child in inner)]
            continue
        found = _value(node, [done[id(child)] for child in inner])
        if not isinstance(found, int | float) or not math.isfinite(found):
            raise ValueError(f"{text!r} has no value there")
        done[id(node)] = float(found)
    return done[id(root)]
