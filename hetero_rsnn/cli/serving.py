"""``--serve``: a page that grows with its journals, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hetero_rsnn.cli.options import say
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.report.page import Page


def address(text: str) -> tuple[str, int]:
    """Host and port of ``8000`` or ``0.0.0.0:8000``; alone a port is of this machine."""
    host, _, port = text.strip().rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise HeteroError(f"--serve takes a port of 0 to 65535, or HOST:PORT, got {text!r:.80}", fix="write 8000")
    return host.strip("[]") or "127.0.0.1", int(port)


def serve_page(journals: Sequence[Path], render: Callable[[], Page], where: tuple[str, int], file: Path | None) -> None:
    """Serve the page of journals until Ctrl-C; `file` gets every new page too.

    Raises
    ------
    OutputError
        If the port is taken.
    """
    from hetero_rsnn.common.files import write_text
    from hetero_rsnn.report.serving import Pages, page_server

    def made(version: str) -> str:
        page = render()
        if file is not None:
            write_text(file, page.text())
        return page.text(live=version)

    pages = Pages(journals, made)
    server = page_server(pages, *where, keeping=file is not None)
    host, port = server.server_address[:2]
    shown = f"[{host!s}]" if ":" in str(host) else str(host)
    names = ", ".join(printable(path) for path in journals)
    say(f"serving {names} at http://{shown}:{port}/ until Ctrl-C" + (f", and {printable(file)}" if file else ""))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say(f"stopped serving {names}")
    finally:
        server.server_close()
