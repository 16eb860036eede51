"""What a piece of work would take in memory, asked before it begins: a machine that swaps answers too late."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hetero_rsnn.common.errors import HeteroError

#: Share of the memory at hand that one piece of work may be estimated to take: the rest is for what is not estimated.
SHARE = 0.75
#: What the machine is taken to have where it does not say.
_UNKNOWN = 8 * 2**30
#: Below it nobody asks the machine: every one has as much, and asking takes longer than most small work.
_SMALL = 32 * 2**20


def available() -> int:
    """Bytes of memory that this process may still take: of the machine, its container, and its own limit."""
    found = [free for free in (_of_machine(), _of_container(), _of_process()) if free is not None]
    return max(0, min(found, default=_UNKNOWN))


def fits(name: str, size: float, fix: str, *, error: type[HeteroError] = HeteroError) -> None:
    """Refuse what would take more memory than there is.

    Parameters
    ----------
    name : str
        What would take it, as the beginning of the message.
    size : float
        Estimate in bytes.
    fix : str
        What to lower.
    error : type, optional

    Raises
    ------
    error
        ``"a network of 2000000000 neurons would take 1.3 TB of memory, and may take 11.4 GB of the 15.2 GB that are
        free: lower n"``.
    """
    if size <= _SMALL:
        return
    free = available()
    if size > SHARE * free:
        raise error(
            f"{name} would take {human(size)} of memory, and may take {human(SHARE * free)} of the {human(free)} "
            "that are free",
            fix=fix,
        )


def human(size: float) -> str:
    """A number of bytes for readers: ``"1.3 GB"``; units are powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} EB"


def _of_machine() -> int | None:
    """What can be had without swapping; where only the whole is known, half of it."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # no Linux
    try:
        page = os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None  # no Unix
    for pages, share in (("SC_AVPHYS_PAGES", 1.0), ("SC_PHYS_PAGES", 0.5)):
        try:
            return int(os.sysconf(pages) * page * share)
        except (ValueError, OSError):
            continue
    return None


def _of_container() -> int | None:
    """What the control group leaves, which is less than the machine has where jobs and containers are limited."""
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most, now = (int(Path(folder, file).read_text(encoding="ascii")) for file in (limit, used))
            # What is used counts the files that are kept in memory and can be dropped.
            kept = 0
            for line in Path(folder, "memory.stat").read_text(encoding="ascii").splitlines():
                if line.startswith(("inactive_file ", "total_inactive_file ")):
                    kept = int(line.split()[1])
            return most - now + min(kept, now)
        except (OSError, ValueError, IndexError):  # there is none, or its limit is "max"
            continue
    return None


def _of_process() -> int | None:
    """What ``ulimit -v`` leaves."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return limit // 2
