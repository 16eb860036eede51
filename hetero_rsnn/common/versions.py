"""Versions of this package and of what its results depend on."""

from __future__ import annotations

from functools import cache


@cache
def versions() -> dict[str, str]:
    """Versions of this package and of what its results depend on."""
    import platform
    from importlib import metadata

    out = {"python": platform.python_version()}
    for name in ("hetero-rsnn", "numpy", "scipy", "numba", "brian2"):
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out


def search_versions() -> dict[str, str]:
    """Versions of this package and of what a search depends on."""
    from importlib import metadata

    return versions() | {name: metadata.version(name) for name in ("scikit-optimize", "scikit-learn")}
