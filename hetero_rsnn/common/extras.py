"""Packages that not everybody needs, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hetero_rsnn.common.errors import HeteroError


def need(module: str, extra: str, what: str, *, error: type[HeteroError] = HeteroError) -> Any:
    """Import an optional package.

    Parameters
    ----------
    module, extra : str
        Its name, and the extra of this package that installs it.
    what : str
        What it is needed for, as the message begins.

    Raises
    ------
    error
        If it cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as missing:
        raise error(f"{what} needs {module} ({missing})", fix=f'pip install "hetero-rsnn[{extra}]"') from None


def compiled(module: str, what: str, instead: str) -> Any:
    """Import a module whose functions numba compiles.

    Parameters
    ----------
    module : str
    what : str
        What it is needed for, as the message begins.
    instead : str
        What else can be done, at the end of the advice.

    Raises
    ------
    HeteroError
        If numba is told not to compile, cannot be imported, or finds no place for its cache.
    """
    try:
        shared = import_module("hetero_rsnn.common.compiled")
        found = import_module(module)
    except ImportError as error:
        raise HeteroError(
            f"{what} needs numba, which cannot be imported ({error})", fix=f"install one that fits{instead}"
        ) from error
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        raise HeteroError(
            "numba finds no folder that it may write compiled code to", fix=f"set NUMBA_CACHE_DIR to one{instead}"
        ) from error
    if not shared.COMPILED:
        raise HeteroError(f"{what} is compiled by numba, which NUMBA_DISABLE_JIT=1 forbids", fix=f"unset it{instead}")
    return found
