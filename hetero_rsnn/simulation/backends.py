"""The backends by name."""

from __future__ import annotations

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.network.draw import PRECISIONS

BACKENDS = ("fast", "numpy", "brian2")


def check_backend(backend: str, precision: str = "double") -> None:
    """Refuse an unknown backend or precision, and single precision where there is none.

    Raises
    ------
    HeteroError
    """
    if backend not in BACKENDS:
        raise HeteroError(f"unknown backend {backend!r}{suggest(str(backend), BACKENDS)}")
    if precision not in PRECISIONS:
        raise HeteroError(f"unknown precision {precision!r}{suggest(str(precision), PRECISIONS)}")
    if precision != "double" and backend != "fast":
        raise HeteroError(
            f"precision={precision!r} is for backend='fast' only, not {backend!r}: leave one of them away"
        )
