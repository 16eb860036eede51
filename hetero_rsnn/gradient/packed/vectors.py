"""Sixteen words of 64 bits as one value in compiled code: the weights of sixteen outputs from the same 64 inputs.

Beside the sixteen numbers of `hetero_rsnn.gradient.lanes`. Numbers of bits are counted by the compiler's own operation,
which becomes one instruction of 512 or 256 bits where the processor has it, and a look-up of half bytes elsewhere.
Nothing is reordered here either, and no product is fused with a sum.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from hetero_rsnn.gradient.lanes import Lanes, mask
from hetero_rsnn.gradient.layout import LANES


class Panel(types.Type):
    """Sixteen words."""

    def __init__(self) -> None:
        super().__init__(name="panel of words")


panel = Panel()
_WORDS = ir.VectorType(ir.IntType(64), LANES)


@register_model(Panel)
class _PanelModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _WORDS)


def _spread(builder: Any, number: Any) -> Any:
    vector = ir.VectorType(number.type, LANES)
    none = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(none, number, ir.IntType(32)(0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any, to: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), to.as_pointer())


@intrinsic
def no_words(typing: Any) -> Any:
    """Sixteen times 0."""

    def codegen(_context: Any, _builder: Any, _signature: Any, _args: Any) -> Any:
        return ir.Constant(_WORDS, [0] * LANES)

    return panel(), codegen


@intrinsic
def load_words(typing: Any, array: Any, at: Any) -> Any:
    """Words at, ..., at + 15 of an array, counted through all its axes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], args[0], args[1], _WORDS), align=8)

    return panel(array, at), codegen


@intrinsic
def add_common(typing: Any, counts: Any, words: Any, word: Any) -> Any:
    """Counts, increased by the number of bits that each of sixteen words has in common with one word."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        both = builder.and_(args[1], _spread(builder, args[2]))
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_WORDS, [_WORDS]), f"llvm.ctpop.v{LANES}i64"
        )
        return builder.add(args[0], builder.call(function, [both]))

    return panel(panel, panel, types.uint64), codegen


@intrinsic
def bits_of(typing: Any, word: Any) -> Any:
    """Number of bits of a word."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@intrinsic
def sums(typing: Any, counts: Any, spikes: Any) -> Any:
    """Products with weights +1 and -1, as float32: twice the common bits, minus the spikes in all.

    The counts are those of outputs 0, 2, ..., 14, 1, 3, ..., 15; the products lie in order (on little endian machines).
    """

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        # Counts are small: those of odd outputs go into the upper halves of those of even ones.
        half, short = ir.VectorType(ir.IntType(64), LANES // 2), ir.VectorType(ir.IntType(32), LANES)
        none = ir.Constant(_WORDS, ir.Undefined)
        even, odd = (
            builder.shuffle_vector(args[0], none, ir.Constant(ir.VectorType(ir.IntType(32), LANES // 2), list(part)))
            for part in (range(LANES // 2), range(LANES // 2, LANES))
        )
        both = builder.bitcast(builder.or_(even, builder.shl(odd, ir.Constant(half, [32] * (LANES // 2)))), short)
        twice = builder.add(both, both)
        whole = builder.sub(twice, _spread(builder, builder.trunc(args[1], ir.IntType(32))))
        return builder.sitofp(whole, ir.VectorType(ir.FloatType(), LANES))

    return Lanes(types.float32)(counts, types.int64), codegen


@intrinsic
def single(typing: Any, numbers: Any) -> Any:
    """Sixteen numbers of float64, rounded to float32."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.fptrunc(args[0], ir.VectorType(ir.FloatType(), LANES))

    return Lanes(types.float32)(numbers), codegen


@intrinsic
def word_of(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four times sixteen truth values as one word, the first in the lowest bits."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        word = ir.Constant(ir.IntType(64), 0)
        for k, part in enumerate(args):
            piece = builder.zext(builder.bitcast(part, ir.IntType(16)), ir.IntType(64))
            word = builder.or_(word, builder.shl(piece, ir.Constant(ir.IntType(64), 16 * k)))
        return word

    return types.uint64(a, b, c, d), codegen


@intrinsic
def store_bits(typing: Any, words: Any, at: Any, condition: Any) -> Any:
    """Write sixteen truth values as bits 16 at, ..., 16 at + 15 of an array of words (on little endian machines)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pieces = builder.bitcast(data, ir.IntType(16).as_pointer())
        builder.store(builder.bitcast(args[2], ir.IntType(16)), builder.gep(pieces, [args[1]]), align=2)
        return context.get_dummy_value()

    return types.void(words, at, condition), codegen


@intrinsic
def load_bits(typing: Any, words: Any, at: Any) -> Any:
    """The truth values that `store_bits` has written there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pieces = builder.bitcast(data, ir.IntType(16).as_pointer())
        return builder.bitcast(
            builder.load(builder.gep(pieces, [args[1]]), align=2), ir.VectorType(ir.IntType(1), LANES)
        )

    return mask(words, at), codegen
