"""Spikes and signs in words: there and back, bit by bit, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hetero_rsnn.gradient.packed.words import check_words, pack_signs, pack_spikes, unpack_signs, unpack_spikes

BITS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=1, max_dims=3, max_side=150))


@given(BITS, st.sampled_from([np.float32, np.float64, np.int8, np.int64]))
def test_spikes_and_signs_come_back(bits, kind):
    words = pack_spikes(bits.astype(kind))
    n = bits.shape[-1]
    assert words.dtype == np.uint64 and words.shape == (*bits.shape[:-1], -(-n // 64))
    np.testing.assert_array_equal(unpack_spikes(words, n), bits)
    signs = np.where(bits, 1, -1).astype(kind)
    np.testing.assert_array_equal(pack_signs(signs), words)
    np.testing.assert_array_equal(unpack_signs(words, n), signs)


@given(BITS)
def test_bit_b_of_word_w_is_number_64_w_plus_b(bits):
    rows = bits.reshape(-1, bits.shape[-1])
    for row, words in zip(rows, pack_spikes(rows), strict=True):
        whole = sum(int(word) << (64 * w) for w, word in enumerate(words))
        assert whole == sum(1 << int(k) for k in np.flatnonzero(row))  # and nothing behind the last number


def test_words_are_little_endian_bytes():
    bits = np.random.default_rng(0).random(130) < 0.5
    as_bytes = np.frombuffer(pack_spikes(bits).astype("<u8").tobytes(), np.uint8)
    np.testing.assert_array_equal(as_bytes[:17], np.packbits(bits, bitorder="little"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pack_signs([[1.0, -1.0], [0.0, 1.0]]), ["+1 or -1", "got 0.0 at index (1, 0)"]),
        (lambda: pack_signs([1.0, np.nan]), ["got nan"]),
        (lambda: pack_signs([1, 2]), ["got 2 at index (1,)"]),
        (lambda: pack_signs([True, False]), ["got False"]),
        (lambda: pack_signs(["+", "-"]), ["real numbers"]),
        (lambda: pack_signs([]), ["at least one"]),
        (lambda: pack_signs(1), ["shape ()"]),
        (lambda: pack_spikes([0, 1, -1]), ["0 or 1", "got -1"]),
        (lambda: pack_spikes([0, 0.5]), ["got 0.5"]),
        (lambda: unpack_spikes(np.zeros(2, np.uint32), 64), ["64 bits", "uint32"]),
        (lambda: unpack_spikes(np.zeros(2, np.int64), 128), ["64 bits", "int64"]),
        (lambda: unpack_signs(np.zeros(2, np.uint64), 64), ["1 words", "(2,)"]),
        (lambda: check_words("words", np.uint64(3), 2), ["1 words", "()"]),
        (lambda: check_words("words", np.full(2, 2**40, np.uint64), 100), ["behind the 100"]),
        (lambda: unpack_spikes(np.zeros(1, np.uint64), 0), ["count", ">= 1"]),
    ],
)
def test_one_line_refuses_what_is_no_bit(call, words):
    refused(call, *words)
