"""Sixteen numbers as one value in compiled code: a sample in each lane.

What belongs to a neuron stands in memory lane beside lane, so that one instruction advances sixteen samples, and a row
of synapses is walked once for all of them. Plain loops over the lanes are not turned into such instructions: they are
so short that the compiler unrolls them before it looks, and then cannot prove that what is written is not read again.
So the vector is a type of its own here: `load`, arithmetic and comparisons as with numbers, `where`, `store`.

Nothing is reordered: ``a * b + c`` is rounded twice, as it is for numbers. `multiply_add` may round once.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from hetero_rsnn.gradient.layout import LANES


class Lanes(types.Type):
    """Sixteen floating point numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"lanes of {dtype}")


class Mask(types.Type):
    """Sixteen truth values."""

    def __init__(self) -> None:
        super().__init__(name="mask of lanes")


mask = Mask()


def _element(dtype: Any) -> Any:
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(_element(kind.dtype), LANES))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), LANES))


def _spread(builder: Any, number: Any) -> Any:
    """A vector of sixteen times the same number."""
    vector = ir.VectorType(number.type, LANES)
    none = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(none, number, ir.IntType(32)(0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> tuple[Any, int]:
    """Pointer to sixteen elements of a flat array, and how they are aligned, in bytes."""
    vector = ir.VectorType(_element(kind.dtype), LANES)
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer()), kind.dtype.bitwidth // 8


@intrinsic
def load(typing: Any, array: Any, at: Any) -> Any:
    """Elements at, ..., at + 15 of a flat array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, align = _place(context, builder, signature.args[0], *args)
        return builder.load(pointer, align=align)

    return Lanes(array.dtype)(array, at), codegen


@intrinsic
def element(typing: Any, array: Any, at: Any) -> Any:
    """One element of a flat array, without a look whether it is counted from the end, which takes longer than reading.

    A wrong place is read all the same.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, at), codegen


@intrinsic
def store(typing: Any, array: Any, at: Any, value: Any) -> Any:
    """Write the lanes to elements at, ..., at + 15 of a flat array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, align = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], pointer, align=align)
        return context.get_dummy_value()

    return types.void(array, at, value), codegen


@intrinsic
def increase(typing: Any, array: Any, at: Any, by: Any) -> Any:
    """Add to one element of a flat array, which is found as by `element`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        builder.store(builder.fadd(builder.load(place), args[2]), place)
        return context.get_dummy_value()

    return types.void(array, at, by), codegen


@intrinsic
def spread(typing: Any, number: Any) -> Any:
    """Sixteen times the same number."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _spread(builder, args[0])

    return Lanes(number)(number), codegen


@intrinsic
def where(typing: Any, condition: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, one or the other."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return yes(condition, yes, no), codegen


@intrinsic
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once where the processor can: the same wherever a is 0 or 1."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = args[0].type
        name = f"llvm.fmuladd.v{LANES}{'f32' if kind.element == ir.FloatType() else 'f64'}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return builder.call(function, args)

    return a(a, b, c), codegen


@intrinsic
def absolute(typing: Any, a: Any) -> Any:
    """Absolute values."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        name = f"llvm.fabs.v{LANES}{'f32' if args[0].type.element == ir.FloatType() else 'f64'}"
        kind = args[0].type
        return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name), args)

    return a(a), codegen


@intrinsic
def total(typing: Any, a: Any) -> Any:
    """Sum of the lanes, always in the same order."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        value, size = args[0], LANES
        while size > 1:
            half = size // 2
            none, kind = ir.Constant(value.type, ir.Undefined), ir.VectorType(ir.IntType(32), half)
            low, high = (
                builder.shuffle_vector(value, none, ir.Constant(kind, list(part)))
                for part in (range(half), range(half, size))
            )
            value, size = builder.fadd(low, high), half
        return builder.extract_element(value, ir.IntType(32)(0))

    return a.dtype(a), codegen


@intrinsic
def some(typing: Any, condition: Any) -> Any:
    """Whether it holds in any lane."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(condition), codegen


@intrinsic
def double(typing: Any, a: Any) -> Any:
    """The same numbers in double precision."""

    def codegen(_context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(ir.DoubleType(), LANES)
        return args[0] if args[0].type == kind else builder.fpext(args[0], kind)

    return Lanes(types.float64)(a), codegen


def _arithmetic(symbol: Any, instruction: str) -> None:
    """An operator for lanes with lanes, or with a number of their precision."""

    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            kind = next((a for a in args if isinstance(a, Lanes)), None)
            if kind is None or len(args) != 2 or any(a != kind and a != kind.dtype for a in args):
                return None
            return signature(kind, *args)

    infer_global(symbol)(Typed)

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        whole = [a if isinstance(a.type, ir.VectorType) else _spread(builder, a) for a in args]
        return getattr(builder, instruction)(*whole)

    for kinds in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(symbol, *kinds)(lower)


def _comparison(symbol: Any, sign: str) -> None:
    """A comparison of lanes with lanes, or with a number of their precision; false where one is NaN."""

    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            kind = next((a for a in args if isinstance(a, Lanes)), None)
            if kind is None or len(args) != 2 or any(a != kind and a != kind.dtype for a in args):
                return None
            return signature(mask, *args)

    infer_global(symbol)(Typed)

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        whole = [a if isinstance(a.type, ir.VectorType) else _spread(builder, a) for a in args]
        return builder.fcmp_ordered(sign, *whole)

    for kinds in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(symbol, *kinds)(lower)


for _symbol, _instruction in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv"),
):  # fmt: skip
    _arithmetic(_symbol, _instruction)
for _symbol, _sign in ((operator.gt, ">"), (operator.ge, ">="), (operator.lt, "<"), (operator.le, "<=")):
    _comparison(_symbol, _sign)


def _logic(symbol: Any, instruction: str) -> None:
    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(mask, *args) if tuple(args) == (mask, mask) else None

    infer_global(symbol)(Typed)

    @lower_builtin(symbol, Mask, Mask)
    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


_logic(operator.and_, "and_")
_logic(operator.or_, "or_")
