"""Blocks of Brian2 equations as text: logical lines, the names they use, and those they define."""

from __future__ import annotations

import re


def lines(text: str) -> list[str]:
    """Logical lines of a block of equations or statements: comments dropped, brackets closed, spaces folded."""
    out: list[str] = []
    for raw in text.replace(";", "\n").splitlines():
        line = " ".join(raw.split("#")[0].split())
        if not line:
            continue
        if out and out[-1].count("(") > out[-1].count(")"):
            out[-1] += " " + line
        else:
            out.append(line)
    return out


_FUNCTIONS = frozenset(
    {"exp", "log", "log10", "sqrt", "abs", "sign", "clip", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin"}
    | {"arccos", "arctan", "ceil", "floor", "int", "exprel", "log1p", "expm1", "timestep", "t", "dt", "i", "j", "N"}
    | {"and", "or", "not", "True", "False", "unless", "refractory", "event", "driven", "constant", "shared", "linked"}
    | {"pi", "e", "inf"}
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
    return {w for w in words if w not in _FUNCTIONS and not _UNIT_NAME.match(w)}


def defined(text: str) -> set[str]:
    """Names that a block of equations defines: differential equations, sub-expressions and declared variables."""
    names: set[str] = set()
    for line in lines(text):
        if match := re.match(r"^d(\w+)/dt\s*=", line):
            names |= {match[1], f"d{match[1]}"}
        elif match := re.match(r"^(\w+)\s*(=|:)", line):
            names.add(match[1])
    return names
