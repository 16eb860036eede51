"""Locking an open file against other processes, by the kernel's lock, which ends with its owner however that ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def lock(fd: int) -> None:
        """Lock one byte far behind the end, since locked bytes cannot be read by others there."""
        try:
            os.lseek(fd, 2**31 - 2, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(errno.EAGAIN, "locked") from error
        finally:
            os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def lock(fd: int) -> None:
        """Lock a file that is open for writing, until its descriptor and all copies of it are closed.

        Raises
        ------
        BlockingIOError
            If it is locked already, by another process or through another descriptor.
        OSError
            If its file system has no locks.
        """
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def owner(fd: int) -> str:
    """Say who holds the lock on a file, as far as Linux tells: it lists locks with process and inode."""
    inode = str(os.fstat(fd).st_ino)
    try:
        rows = [row.split() for row in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        rows = []
    # By inode alone, since the device listed for a layered file system is not the one that stat gives.
    pids = {row[4] for row in rows if len(row) == 8 and row[1] == "FLOCK" and row[5].rpartition(":")[2] == inode}
    if pids == {str(os.getpid())}:
        return "this process"
    if len(pids) == 1 and (pid := pids.pop()).isdigit() and pid != "0":
        import socket

        return f"another process (pid {pid} on {socket.gethostname()})"
    return "another process"
