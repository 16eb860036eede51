"""Names of a package that are looked up in their modules when first used, so that importing the package stays light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to iterable of str
        Names by the module that defines them, as it is called below the package ``hetero_rsnn``.
    """
    module_of = {name: f"hetero_rsnn.{module}" for module, names in homes.items() for name in names}
    found: dict[str, Any] = {}

    def look_up(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if name not in found:
            found[name] = getattr(import_module(module_of[name]), name)
        return found[name]

    def names() -> list[str]:
        return sorted(module_of)

    return look_up, names
