"""Expressions of statements as source text; what is constant is worked out once, before the first step."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hetero_rsnn.common.errors import NetworkError
from hetero_rsnn.simulation.generated.program import Block

#: Names of the written sources; names of equations that meet them get a prefix.
RESERVED = frozenset(
    {
        "abs",
        "arrival",
        "at",
        "begin",
        "begun",
        "bool",
        "ceil",
        "channel",
        "clip",
        "count",
        "count_neurons",
        "current",
        "drive",
        "e",
        "end",
        "event",
        "exprel",
        "expressions",
        "false",
        "fired",
        "first",
        "float",
        "floor",
        "following",
        "free",
        "functions",
        "high",
        "hold_steps",
        "inf",
        "int",
        "last_spike",
        "len",
        "local",
        "low",
        "max",
        "min",
        "modulo",
        "nan",
        "neuron",
        "njit",
        "none",
        "np",
        "odd",
        "oldest",
        "own",
        "parts",
        "pending",
        "pi",
        "place",
        "place_in_list",
        "power",
        "prepare",
        "q",
        "range",
        "record",
        "recorded",
        "resting",
        "row",
        "run",
        "sample",
        "shape",
        "source",
        "sources",
        "spike",
        "spikes",
        "start",
        "state",
        "step",
        "sum",
        "synapse",
        "target",
        "targets",
        "timestep",
        "total",
        "true",
        "values",
        "vectors",
        "wanted",
        "which",
        "whole",
    }
)
_PREFIXES = (
    "neurons_",
    "plastic_",
    "static_",
    "event_",
    "shared_",
    "constant_",
    "own_",
    "spike_",
    "by_post",
    "list_",
    "count_",
    "late_",
)
#: Functions of equations that numpy has under the same name.
_NUMPY = frozenset(
    "exp expm1 log log1p log10 sqrt sin cos tan sinh cosh tanh arcsin arccos arctan sign".split()  # noqa: SIM905 - a list of words is easier to read
)
#: Those that stand in `functions`.
_OURS = {**{k: k for k in ("clip", "exprel", "timestep", "floor", "ceil")}, "int": "whole"}
_HEAVY = (ast.Div, ast.Pow, ast.Mod, ast.FloorDiv)


def safe(name: str) -> str:
    """The name of a variable in a source."""
    return f"own_{name}" if name in RESERVED or name.startswith(_PREFIXES) else name


@dataclass
class Constants:
    """Expressions that do not change during a run, by owner; worked out once and handed to the kernel as arrays."""

    found: dict[tuple[Block, str], str] = field(default_factory=dict)

    def name(self, block: Block, expression: str) -> str:
        """The name that such an expression of a block gets, the same for the same one."""
        key = (block, expression)
        if key not in self.found:
            self.found[key] = f"constant_{len(self.found) + 1}"
        return self.found[key]


class Renderer(ast.NodeTransformer):
    """Rewrites an expression of Brian2's statements as one of the source.

    Parameters
    ----------
    block : Block
    constants : Constants, optional
        Where constant parts go; None leaves them in place.
    vectors : bool
        Whether operands are arrays.
    whole : bool
        Whether constants are taken as whole arrays, not one by one.
    current : callable
        What stands for the input current at a time, given the text of the time.
    """

    def __init__(
        self,
        block: Block,
        constants: Constants | None,
        current: Callable[[str], str],
        *,
        vectors: bool = False,
        whole: bool = False,
    ) -> None:
        self.block, self.constants, self.vectors, self.current = block, constants, vectors, current
        self.index = "" if whole else f"[{'neuron' if block.owner == 'neurons' else 'synapse'}]"
        self.fixed = fixed_names(block)
        self.true: frozenset[str] = frozenset()

    def text(self, expression: str, true: Iterable[str] = ()) -> str:
        """The source of an expression, where the names in `true` are known to be true."""
        self.true = frozenset(true)
        tree = ast.parse(expression, mode="eval").body
        if self.true:
            tree = _Known(self.true).visit(tree)
        if self.constants is not None:
            tree = self._hoisted(tree)
        return ast.unparse(ast.fix_missing_locations(self.visit(tree)))

    def _hoisted(self, tree: ast.expr) -> ast.expr:
        """Parts that are constant and take more than a multiplication become names."""
        if self._is_constant(tree):
            heavy = any(
                isinstance(n, ast.Call) or (isinstance(n, ast.BinOp) and isinstance(n.op, _HEAVY))
                for n in ast.walk(tree)
            )
            own = any(isinstance(n, ast.Name) and self._is_own(n.id) for n in ast.walk(tree))
            if not (heavy and own):
                return tree
            assert self.constants is not None
            return ast.Name(f"@{self.constants.name(self.block, ast.unparse(tree))}", ast.Load())
        for name, value in ast.iter_fields(tree):
            if isinstance(value, ast.expr):
                setattr(tree, name, self._hoisted(value))
            elif isinstance(value, list) and name != "ops":
                setattr(tree, name, [self._hoisted(v) if isinstance(v, ast.expr) else v for v in value])
        return tree

    def _is_own(self, name: str) -> bool:
        v = self.block.variables.get(name)
        return v is not None and v.index == "own"

    def _is_constant(self, tree: ast.expr) -> bool:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input_drive":
                return False
            if isinstance(node, ast.Name) and node.id not in self.fixed and not _is_function(tree, node):
                return False
        return True

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id.startswith("@"):
            return ast.Name(f"{node.id[1:]}{self.index}", ast.Load())
        v = self.block.variables.get(node.id)
        if v is not None and not v.owner:
            return ast.Constant(v.number)
        return ast.Name(safe(node.id), ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name == "input_drive":
            return ast.Name(self.current(ast.unparse(self.visit(node.args[0]))), ast.Load())
        arguments = [self.visit(a) for a in node.args]
        if name in _NUMPY:
            return ast.Call(ast.Name(f"np.{name}", ast.Load()), arguments, [])
        if name == "abs":
            return ast.Call(ast.Name("np.abs", ast.Load()), arguments, [])
        if name in _OURS:
            called = f"vectors.{_OURS[name]}" if self.vectors else _OURS[name]
            return ast.Call(ast.Name(called, ast.Load()), arguments, [])
        raise NetworkError(
            f"the equations call {name!r}, which generated kernels do not know", fix="use backend='brian2', which does"
        )

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow) and not self.vectors:
            return ast.Call(ast.Name("power", ast.Load()), [left, right], [])
        return ast.BinOp(left, node.op, right)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        values = [self.visit(v) for v in node.values]
        if not self.vectors:
            return ast.BoolOp(node.op, values)
        out: ast.expr = values[0]
        for value in values[1:]:
            out = ast.BinOp(out, ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr(), value)
        return out

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not) and self.vectors:
            return ast.Call(ast.Name("np.logical_not", ast.Load()), [operand], [])
        return ast.UnaryOp(node.op, operand)


class _Known(ast.NodeTransformer):
    """Puts in that some names are true, and drops products with 1 and quotients by it, which change no bit."""

    def __init__(self, true: frozenset[str]) -> None:
        self.true = true

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="int"), args=[ast.Name(id=name)]) if name in self.true:
                return ast.Constant(1)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div) and _is_one(node.right) and not isinstance(node.left, ast.Constant):
            return node.left
        if isinstance(node.op, ast.Mult) and _is_one(node.left) and not isinstance(node.right, ast.Constant):
            return node.right
        return node


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == 1


def _is_function(tree: ast.expr, name: ast.Name) -> bool:
    return any(isinstance(n, ast.Call) and n.func is name for n in ast.walk(tree))


def fixed_names(block: Block) -> frozenset[str]:
    """Names whose values do not change during a run: parameters, dt, and what scalar statements make of those."""
    fixed = {k for k, v in block.variables.items() if v.constant and v.index in ("own", "scalar")}
    for s in block.scalar:
        if s.local and s.names <= fixed:
            fixed.add(s.target)
    return frozenset(fixed)
