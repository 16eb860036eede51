"""How far the memory of a process grows; only the standard library, since peers have environments of their own."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path


class Resident:
    """Resident memory of this process: what it holds, and the most it held since `mark`, in bytes."""

    def __init__(self) -> None:
        self.exact = Path("/proc/self/clear_refs").exists() and Path("/proc/self/status").exists()

    def _status(self, key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))

    def _largest(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def mark(self) -> None:
        """Give freed memory back to the system and count from here on."""
        gc.collect()
        if sys.platform.startswith("linux"):
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
            if trim is not None:
                trim(0)
        if self.exact:
            try:
                Path("/proc/self/clear_refs").write_text("5")  # the peak is forgotten
            except OSError:
                self.exact = False
        self.base = self._status("VmRSS") if self.exact else self._largest()

    def growth(self) -> int:
        """How far memory grew beyond that at `mark`, at most."""
        return max(0, (self._status("VmHWM") if self.exact else self._largest()) - self.base)

    def held(self) -> int:
        """How much more is held now than at `mark`; only where the system tells."""
        gc.collect()
        return self._status("VmRSS") - self.base if self.exact else self.growth()
