"""Spikes and 1-bit weights as words of 64 bits.

Bit b of word w is number 64 w + b: 1 for a spike, or for a weight of +1. Bits behind the last number are 0. Since words
are little endian, the bytes of a row are the bits in their order too, whatever the width of the words that read them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError

#: Bits of a word.
WORD = 64

#: Words of 64 bits.
Words = NDArray[np.uint64]


def words_for(count: int) -> int:
    """How many words hold so many bits."""
    return -(-count // WORD)


def pack_spikes(spikes: ArrayLike) -> Words:
    """Pack spikes along the last axis.

    Parameters
    ----------
    spikes : array_like, shape (..., n)
        0 or 1, of any type.

    Returns
    -------
    ndarray of uint64, shape (..., ceil(n / 64))

    Raises
    ------
    HeteroError
        If a number is neither 0 nor 1.

    Examples
    --------
    >>> pack_spikes([1, 0, 1, 1]).tolist()
    [13]
    """
    array = _numbers("spikes", spikes)
    on = array == 1
    _refuse_others("spikes must be 0 or 1", array, on | (array == 0), "give spikes, without their amplitude")
    return _packed(on)


def pack_signs(weights: ArrayLike) -> Words:
    """Pack weights of +1 and -1 along the last axis.

    Parameters
    ----------
    weights : array_like, shape (..., n)
        +1 or -1, of any type.

    Returns
    -------
    ndarray of uint64, shape (..., ceil(n / 64))

    Raises
    ------
    HeteroError
        If a number is neither +1 nor -1, 0 for instance.

    Examples
    --------
    >>> pack_signs([[1, -1, 1], [-1, -1, 1]]).ravel().tolist()
    [5, 4]
    >>> pack_signs([1.0, 0.5])
    Traceback (most recent call last):
        ...
    hetero_rsnn.common.errors.HeteroError: weights must be +1 or -1, got 0.5 at index (1,): take their signs, that of 0 as +1
    """  # noqa: E501 - the message is one line
    array = _numbers("weights", weights)
    up = array == 1
    _refuse_others("weights must be +1 or -1", array, up | (array == -1), "take their signs, that of 0 as +1")
    return _packed(up)


def unpack_spikes(words: Any, count: int) -> NDArray[np.uint8]:
    """The 0s and 1s that `pack_spikes` has packed.

    Parameters
    ----------
    words : ndarray of uint64, shape (..., ceil(count / 64))
    count : int
        Numbers in a row.

    Returns
    -------
    ndarray of uint8, shape (..., count)

    Raises
    ------
    HeteroError
        If the words are not of 64 bits, are more or fewer than such rows have, or hold bits behind the last number.

    Examples
    --------
    >>> unpack_spikes(pack_spikes([1, 0, 1, 1]), 4).tolist()
    [1, 0, 1, 1]
    """
    array = check_words("words", words, count)
    data = np.ascontiguousarray(array.astype("<u8", copy=False)).view(np.uint8)
    return np.unpackbits(data, axis=-1, bitorder="little")[..., :count]


def unpack_signs(words: Any, count: int) -> NDArray[np.int8]:
    """The weights that `pack_signs` has packed; see `unpack_spikes`.

    Examples
    --------
    >>> unpack_signs(pack_signs([[1, -1, 1], [-1, -1, 1]]), 3).tolist()
    [[1, -1, 1], [-1, -1, 1]]
    """
    return (2 * unpack_spikes(words, count).view(np.int8) - 1).astype(np.int8)


def check_words(name: str, words: Any, count: int, *, error: type[HeteroError] = HeteroError) -> Words:
    """Words in whose rows so many numbers are packed.

    Raises
    ------
    error
        See `unpack_spikes`.
    """
    count = checks.whole("count", count, least=1, error=error)
    array = np.asarray(words)
    if array.dtype.kind != "u" or array.dtype.itemsize != WORD // 8:
        raise error(f"{name} must be words of {WORD} bits (uint64), got {array.dtype}", fix="pack them again")
    if not array.ndim or array.shape[-1] != words_for(count):
        raise error(
            f"{name} must have {words_for(count)} words a row for {count} numbers, got the shape {array.shape}",
            fix="pack them again",
        )
    over = count % WORD
    if over and array.size and (array[..., -1] >> np.uint64(over)).any():
        raise error(f"{name} must hold 0 behind the {count} numbers of a row, got other bits", fix="pack them again")
    return array


def _numbers(name: str, value: ArrayLike) -> NDArray[Any]:
    array = checks.plain_array(name, value)
    if array.dtype.kind not in "biuf":
        raise HeteroError(f"{name} must be real numbers, got an array of {array.dtype}", fix="give plain numbers")
    if not array.ndim or not array.size:
        raise HeteroError(f"{name} must be rows of at least one number, got shape {array.shape}", fix="reshape them")
    return array


def _refuse_others(rule: str, array: NDArray[Any], good: NDArray[np.bool_], fix: str) -> None:
    if not good.all():
        place = tuple(np.argwhere(~good)[0].tolist())
        raise HeteroError(f"{rule}, got {array[place]} at index {place}", fix=fix)


def _packed(bits: NDArray[np.bool_]) -> Words:
    n = bits.shape[-1]
    data = np.zeros((*bits.shape[:-1], words_for(n) * 8), np.uint8)
    data[..., : -(-n // 8)] = np.packbits(bits, axis=-1, bitorder="little")
    return data.view("<u8").astype(np.uint64, copy=False)
