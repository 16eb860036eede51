"""A page that is served while what it shows still grows: made anew when its files do, one at a time.

The page asks for ``version`` every other second and loads itself anew where that has changed; its address keeps what is
marked, sorted and filtered. A page that takes long to make is made more seldom, so that it takes no more than a tenth
of a core from what it watches.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.text import printable

#: Names of this machine, under which a browser may ask for a page that is served to this machine alone.
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
#: A page is not made again before this many times the seconds that it took have passed.
_REST = 9.0


class Pages:
    """The newest page, and its version.

    Parameters
    ----------
    files : sequence of Path
        A change of their sizes or times makes a new page.
    render : callable
        From the version to the page.
    """

    def __init__(self, files: Sequence[Path], render: Callable[[str], str]) -> None:
        self._files, self._render = files, render
        self._lock = threading.Lock()
        self._version, self._page = "", ""
        self._next = 0.0

    def version(self) -> str:
        """That of the newest page, which is made first where it is due."""
        return self._newest()[0]

    def page(self) -> str:
        """The newest page."""
        return self._newest()[1]

    def _newest(self) -> tuple[str, str]:
        with self._lock:
            found = _state(self._files)
            if found != self._version and time.monotonic() >= self._next:
                start = time.monotonic()
                self._version, self._page = found, self._render(found)
                end = time.monotonic()
                self._next = end + _REST * (end - start)
            return self._version, self._page


def _state(files: Sequence[Path]) -> str:
    """What changes when a file grows; a file that is not there counts as empty."""
    parts = []
    for path in files:
        try:
            stat = path.stat()
            parts.append(f"{stat.st_size:x}.{stat.st_mtime_ns:x}")
        except OSError:
            parts.append("-")
    return "_".join(parts)


def page_server(pages: Pages, host: str, port: int, *, keeping: bool = False) -> ThreadingHTTPServer:
    """A server of ``/`` and ``/version``; port 0 takes a free one. `keeping` makes new pages even if nobody asks.

    Raises
    ------
    OutputError
        If the port is taken, or cannot be had.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A page elsewhere may have its name lead here: what this machine alone may see it does not get.
            asked = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
            if host in LOOPBACK and asked not in LOOPBACK:
                return self._send(403, "this page is served to 127.0.0.1 alone")
            path = self.path.partition("?")[0]
            if path not in ("/", "/version"):
                return self._send(404, "there are / and /version")
            try:
                if path == "/":
                    return self._send(200, pages.page(), "text/html")
                return self._send(200, pages.version())
            except HeteroError as error:
                return self._send(500, printable(error))

        def _send(self, code: int, text: str, kind: str = "text/plain") -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not told: there is one every other second."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def service_actions(self) -> None:
            """Called twice a second between requests."""
            if keeping:
                with suppress(HeteroError):  # a browser is told of it
                    pages.version()

    try:
        return Server((host, port), Handler)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror or error}"
        raise OutputError(f"port {port} of {host} {why}", fix="choose another, or 0 for a free one") from None
