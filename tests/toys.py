"""A small data set for tests of what is made of results."""

from __future__ import annotations

import numpy as np

import hetero_rsnn as hr


def toy(groups: bool = False) -> hr.Dataset:
    """Three classes of two-channel waves that differ in frequency, of unequal lengths."""
    rng = np.random.default_rng(3)
    y = np.arange(90) % 3
    X = tuple(
        np.stack([np.sin(0.3 * (c + 1) * np.arange(n) + p), rng.normal(size=n)], axis=1)
        for c, n, p in zip(y, rng.integers(12, 25, 90), rng.uniform(0, 6, 90), strict=True)
    )
    return hr.Dataset(
        name="toy", task="classification", X=X, y=y, classes=("slow", "middle", "fast"), train=np.arange(60),
        test=np.arange(60, 90), groups=np.array(["a", "b"])[np.arange(90) // 3 % 2] if groups else None,
        interval_ms=None, channels=("wave", "noise"), kind="series", source="made here", licence="none", notes="",
        details={},
    )  # fmt: skip


CHOSEN = hr.Recipe(hr.CurrentEncoder(gain=3.0, clip=3.0), "10 ms", {"windows": 3})
