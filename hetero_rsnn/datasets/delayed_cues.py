"""Two cues with a delay between them: a label that only who remembers the first can know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints

#: Time of a row, in ms.
ROW = 10.0
#: Fewest rows before the first cue, rows of a cue, and of the go signal that ends a sample.
BEFORE, CUE, GO = 2, 2, 5
#: Bytes of a sample beside its numbers.
_SAMPLE = 200
#: What a row holds.
CHANNELS = ("cue", "go")
#: Cues have a size of their own within this distance from 1.
JITTER = 0.2


@dataclass(frozen=True)
class DelayedCues:
    """Samples of two cues.

    Attributes
    ----------
    X : list of ndarray, shape (rows, 2)
        Channels are `CHANNELS`, rows of `ROW` ms: rest, first cue, delay, second cue, go.
    bits : ndarray of int, shape (samples, 2)
        First and second cue: 1 for a positive pulse, 0 for a negative one.
    """

    X: list[Array]
    bits: Ints

    @property
    def parity(self) -> Ints:
        """Whether the cues differ, shape (samples,): wants memory, and a product of the two."""
        return np.asarray(self.bits[:, 0] ^ self.bits[:, 1])

    @property
    def first(self) -> Ints:
        """The first cue, shape (samples,): wants memory alone."""
        return np.asarray(self.bits[:, 0])


def whole_rows(name: str, time: float | str) -> int:
    """Rows of a time.

    Raises
    ------
    StimulusError
        If it is no whole number of rows above 0.
    """
    ms = checks.duration(name, time)
    rows = round(ms / ROW)
    if not (1 <= rows <= 10_000 and abs(ms - rows * ROW) < 1e-9 * ms):
        raise StimulusError(
            f"{name} must be a whole number of rows of {ROW:g} ms, at most 100 s, got {ms:g} ms", fix="such as '200 ms'"
        )
    return rows


def delayed_cues(
    samples: int,
    *,
    delay: float | str = "200 ms",
    rest: float | str = "120 ms",
    noise: float = 0.05,
    seed: int = 0,
    part: str = "train",
) -> DelayedCues:
    """Pairs of cues, a delay apart, and a go signal; each of the four pairs equally often, in random order.

    A cue is a pulse of 20 ms, positive or negative, of a size between 0.8 and 1.2; the go signal lasts the last 50 ms
    and has size 1. Before the first cue there is silence of random length, so that no clock tells when it comes: a
    network that fires regularly keeps the time of its last push in its phases, for seconds if nothing disturbs them.
    Neither sizes nor times say anything about the signs.

    Parameters
    ----------
    samples : int
        At least 4. If it is no multiple of 4, some pairs are there once more than others.
    delay : float (ms) or str
        Silence from the end of the first cue to the start of the second: a multiple of 10 ms.
    rest : float (ms) or str
        Longest silence before the first cue, a multiple of 10 ms. The shortest is 20 ms: with ``"20 ms"`` the first cue
        always comes at the same time.
    noise : float
        Standard deviation of what is added to every number, at least 0.
    seed : int
    part : str
        Parts of other names are independent of each other.

    Returns
    -------
    DelayedCues

    Raises
    ------
    HeteroError
        If a number breaks its rule.

    Examples
    --------
    >>> from hetero_rsnn.datasets.delayed_cues import delayed_cues
    >>> made = delayed_cues(8, delay="50 ms", rest="20 ms")
    >>> made.X[0].shape
    (16, 2)
    >>> sorted(map(tuple, made.bits.tolist()))
    [(0, 0), (0, 0), (0, 1), (0, 1), (1, 0), (1, 0), (1, 1), (1, 1)]
    """
    count, wait = checks.whole("samples", samples, least=4, most=10**6), whole_rows("delay", delay)
    longest = whole_rows("rest", rest)
    if longest < BEFORE:
        raise StimulusError(f"rest must be >= {BEFORE * ROW:g} ms, got {longest * ROW:g} ms", fix="such as '120 ms'")
    spread = checks.real("noise", noise, least=0.0)
    size = count * (_SAMPLE + 8 * len(CHANNELS) * (longest + CUE + wait + CUE + GO))
    memory.fits(f"{count} samples with a delay of {wait * ROW:g} ms", size, "lower samples, delay or rest")
    rng = generator(seed, "stimulus", "delayed cues", part)
    pairs = rng.permutation(np.arange(count) % 4)
    bits = np.stack([pairs // 2, pairs % 2], axis=1).astype(np.int64)
    sizes = rng.uniform(1 - JITTER, 1 + JITTER, bits.shape) * (2 * bits - 1)
    rests = rng.integers(BEFORE, longest, count, endpoint=True)
    X = []
    for before, (first, second) in zip(rests.tolist(), sizes.tolist(), strict=True):
        later = before + CUE + wait
        x = rng.normal(0.0, spread, (later + CUE + GO, len(CHANNELS)))
        x[before : before + CUE, 0] += first
        x[later : later + CUE, 0] += second
        x[-GO:, 1] += 1.0
        X.append(x)
    return DelayedCues(X, bits)
