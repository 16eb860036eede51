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
