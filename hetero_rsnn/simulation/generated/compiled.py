"""A source as a module on disk, which numba compiles once.

The file's name is the fingerprint of its text, so that parameters, sizes and seeds never compile anything. A file whose
text is another than its name says is written anew and never run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import ModuleType

from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.extras import compiled
from hetero_rsnn.common.files import write_text

_lock = Lock()


def cache_folder() -> Path:
    """Where generated sources and worked-out equations are kept.

    ``$HETERO_RSNN_CACHE``, else ``hetero_rsnn/kernels`` in the user's cache folder.
    """
    given = os.environ.get("HETERO_RSNN_CACHE")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "hetero_rsnn" / "kernels"


def fingerprint(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(1)
def functions_fingerprint() -> str:
    """Of what compiled sources call: numba does not see that it has changed."""
    return fingerprint(Path(__file__).with_name("functions.py").read_text())


@lru_cache(maxsize=64)
def load_plain(text: str) -> ModuleType:
    """The module of a source in numpy alone, which needs no file."""
    module = ModuleType(f"hetero_rsnn_numpy_{fingerprint(text)}")
    exec(compile(text, module.__name__, "exec"), module.__dict__)
    return module


def load_kernel(text: str) -> ModuleType:
    """The module of a source, imported from its file in the cache; the file is written where it is missing.

    Raises
    ------
    HeteroError
        If numba cannot be used, or the folder cannot be written.
    """
    instead = ", or use backend='numpy', which gives the same spikes"
    compiled("hetero_rsnn.simulation.generated.functions", "backend='fast'", instead)
    name = f"hetero_rsnn_kernel_{fingerprint(text)}"
    with _lock:
        if name in sys.modules:
            return sys.modules[name]
        path = cache_folder() / f"{name}.py"
        try:
            if not path.is_file() or path.read_text() != text:
                write_text(path, text)
        except (OSError, OutputError) as error:
            raise HeteroError(
                f"the compiled kernel cannot be kept in {path.parent} ({error})",
                fix="set HETERO_RSNN_CACHE to a folder that may be written, or use backend='numpy'",
            ) from error
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # a path that ends in .py has both
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module
