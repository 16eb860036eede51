"""The statements of a network's code by stage, and whose arrays they read and write.

A program says everything that a source is written from. Order inside a step, as Brian2 has it: sums over synapses,
state updates (neurons, then synapses), threshold, all pre-events (input, plastic, static), all post-events, reset.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

#: What Brian2 calls the indices of synapses, and what they are called here.
_INDICES = {"_idx": "own", "0": "scalar", "_postsynaptic_idx": "post", "_presynaptic_idx": "pre"}


@dataclass(frozen=True)
class Statement:
    """``target op expression``; `op` is ":=" for a name of the block's own."""

    target: str
    op: str
    expression: str
    dtype: str

    @property
    def local(self) -> bool:
        return self.op == ":="

    @property
    def inplace(self) -> bool:
        return self.op not in ("=", ":=")

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that the expression reads, those of functions left out."""
        return names_in(self.expression)


def names_in(expression: str) -> frozenset[str]:
    """Names of variables in an expression."""
    tree = ast.parse(expression, mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)


@dataclass(frozen=True)
class Variable:
    """A name that a block reads or writes and does not define.

    Attributes
    ----------
    owner : str
        ``"neurons"``, ``"plastic"`` (``"plastic_2"``, ... for more rules), ``"static"``, ``"clock"``; ``"shared"`` for
        one number of all synapses of a rule, ``""`` for a number that stands here.
    array : str
        What the owner calls it.
    index : str
        ``"own"``, ``"post"``, ``"pre"`` or ``"scalar"``.
    condition : str
        Name of what must be true where it is written; empty for none.
    """

    owner: str
    array: str
    index: str = "scalar"
    dtype: str = "float64"
    constant: bool = True
    condition: str = ""
    number: float = 0.0


@dataclass(frozen=True, eq=False)
class Block:
    """One piece of code: statements that are the same for all, then those of each neuron or synapse."""

    kind: str
    owner: str
    scalar: tuple[Statement, ...]
    vector: tuple[Statement, ...]
    variables: Mapping[str, Variable]
    target: str = ""

    @cached_property
    def written(self) -> frozenset[str]:
        """Variables, not names of its own, that it writes."""
        return frozenset(s.target for s in self.vector if not s.local and s.target in self.variables)

    @cached_property
    def read(self) -> frozenset[str]:
        """Variables that it reads, conditions of writing included."""
        names = {n for s in (*self.scalar, *self.vector) for n in s.names}
        names |= {s.target for s in self.vector if s.inplace}
        names |= {v.condition for k, v in self.variables.items() if k in self.written and v.condition}
        return frozenset(names & set(self.variables))

    def uses(self, index: str) -> bool:
        """Whether it has a variable of the pre- or post-synaptic neurons."""
        return any(v.index == index for v in self.variables.values())

    @property
    def of_source(self) -> bool:
        """Whether it has variables, or the number, of the pre-synaptic neuron."""
        return any(
            v.index == "pre" or (self.owner != "neurons" and v.array in ("_synaptic_pre", "i"))
            for v in self.variables.values()
        )

    @cached_property
    def guarded(self) -> frozenset[str]:
        """Names of its own that end in variables only that are written under a condition of the block's owner.

        Where that condition is false their values are thrown away, so that they may be worked out as if it were true.
        """
        found: set[str] = set()
        for s in reversed(self.vector):
            if not s.local:
                continue
            ends = [t for t in self.vector if s.target in t.names]
            if ends and all(t.target in found or self.condition_of(t) for t in ends):
                found.add(s.target)
        return frozenset(found)

    def condition_of(self, statement: Statement) -> str:
        """What must be true for a statement to write."""
        v = self.variables.get(statement.target)
        return v.condition if v is not None and not statement.local else ""

    @cached_property
    def order(self) -> str:
        """How events at synapses are worked off where several meet in one neuron.

        ``"together"``: it makes no difference. ``"loop"``: synapse after synapse, which is what Brian2 does where a
        statement writes to neurons what was read before. ``"statements"``: a statement for all synapses, then the next
        one, since a later one reads or writes what an earlier one writes to neurons.
        """
        many = {n: (v.owner, v.array) for n, v in self.variables.items() if v.index in ("post", "pre")}
        written = [many[s.target] for s in self.vector if s.target in many]
        if not written:
            return "together"
        seen: set[str] = set()
        for s in self.vector:  # Brian2 gives up here, and goes through the synapses one by one
            seen |= s.names & set(many)
            if s.target in seen or s.op not in ("=", ":=", "+=", "-=", "*=", "/="):
                return "loop"
        arrays = {many[n] for s in self.vector for n in s.names & set(many)}
        plain = {many[s.target] for s in self.vector if s.target in many and not s.inplace}
        if not arrays & set(written) and len(set(written)) == len(written) and not plain:
            return "together"
        return "statements"


@dataclass(frozen=True)
class RuleBlocks:
    """The blocks of the plastic synapses that have one rule, and their state variables with the type of the numbers."""

    owner: str
    pre: Block | None
    post: Block | None
    synapses: Block | None
    sums: tuple[Block, ...]
    traces: Mapping[str, str]


@dataclass(frozen=True)
class Program:
    """All blocks of a network.

    Attributes
    ----------
    rules : tuple of RuleBlocks
        In the order in which Brian2 goes through groups of synapses, that of their names.
    states : dict of str to str
        State variables of neurons, with the type of their numbers.
    """

    update: Block
    threshold: Block
    reset: Block
    deliver: Block
    rules: tuple[RuleBlocks, ...]
    states: Mapping[str, str]

    @property
    def traces(self) -> dict[str, str]:
        """State variables of plastic synapses, of whatever rule."""
        return dict(sorted((k, v) for rule in self.rules for k, v in rule.traces.items()))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of them, in the order of a step."""
        rules = self.rules
        rest = (*(r.synapses for r in rules), self.threshold, *(r.pre for r in rules), self.deliver)
        rest += (*(r.post for r in rules), self.reset)
        return (*(b for r in rules for b in r.sums), self.update, *(b for b in rest if b is not None))

    @property
    def refractory(self) -> bool:
        """Whether neurons have a refractory time."""
        return "not_refractory" in self.threshold.variables

    def frozen(self) -> Program:
        """The same without learning: plastic synapses do what static ones do."""
        return Program(self.update, self.threshold, self.reset, self.deliver, (), self.states)

    @property
    def learns(self) -> bool:
        """Whether plastic synapses have code of their own."""
        return any(r.pre or r.post or r.synapses or r.sums for r in self.rules)


def read_program(data: Mapping[str, Any]) -> Program:
    """A program from what `abstract_code.derive` found."""
    blocks = [_block(b) for b in data["blocks"]]

    def one(kind: str, owner: str) -> Block | None:
        return next((b for b in blocks if b.kind == kind and b.owner == owner), None)

    empty = Block("", "neurons", (), (), {})
    threshold, deliver = one("threshold", "neurons"), one("pre", "static")
    assert threshold is not None and deliver is not None  # every network has them
    return Program(
        update=one("update", "neurons") or empty,
        threshold=threshold,
        reset=one("reset", "neurons") or empty,
        deliver=deliver,
        rules=tuple(
            RuleBlocks(
                owner=owner,
                pre=one("pre", owner),
                post=one("post", owner),
                synapses=one("update", owner),
                sums=tuple(b for b in blocks if b.kind == "sum" and b.owner == owner),
                traces=dict(traces),
            )
            for owner, traces in sorted(data["traces"].items(), key=lambda item: f"{item[0]}_pre")
        ),
        states=dict(data["states"]),
    )


def _block(data: Mapping[str, Any]) -> Block:
    variables = {name: _variable(v) for name, v in data["variables"].items()}
    scalar, vector = (tuple(_statements(data[k])) for k in ("scalar", "vector"))
    return Block(data["kind"], data["owner"], scalar, vector, variables, data.get("target", ""))


def _statements(rows: Iterable[Any]) -> Iterable[Statement]:
    return (Statement(*row) for row in rows)


def _variable(data: Mapping[str, Any]) -> Variable:
    if data["kind"] == "shared":
        return Variable("shared", "")
    if data["kind"] == "number":
        return Variable("", "", number=data["value"])
    owner = "clock" if data["owner"] == "hetero_clock" else data["owner"]
    return Variable(
        owner, data["array"], _INDICES[data["index"]], data["dtype"], bool(data["constant"]), data["condition"]
    )
