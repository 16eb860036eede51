"""Where random numbers come from: one tree of generators, by seed, purpose and name."""

from __future__ import annotations

import zlib

import numpy as np

from hetero_rsnn.common import checks

#: Branches of the generator tree. Append only: the position is part of every seed.
PURPOSES = (
    "topology",
    "weights",
    "neurons",
    "synapses",
    "state",
    "input",
    "noise",
    "stimulus",
    "training",
    "resampling",
    "posterior",
    "delays",
)


def generator(seed: int, purpose: str, *names: str | int) -> np.random.Generator:
    """The generator of one purpose, independent of all others with the same seed.

    Parameters
    ----------
    seed : int
        Non-negative.
    purpose : str
        One of `PURPOSES`.
    *names : str or int
        What is drawn, e.g. a projection and a parameter: adding one does not change what another gets.
    """
    seed = checks.whole("seed", seed, least=0)
    key = (PURPOSES.index(purpose), *(zlib.crc32(str(n).encode()) for n in names))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
