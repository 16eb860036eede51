"""Standard output as a place for tables."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from hetero_rsnn.common.text import printable


def console() -> Console:
    """Standard output; wide enough for the tables where it is not a terminal."""
    on = sys.stdout is not None and sys.stdout.isatty()  # there is none where it was closed
    return Console(width=None if on else 140, soft_wrap=not on)


def shown(text: object) -> str:
    """Text of others for `console`: neither markup nor a control sequence in it does anything."""
    return escape(printable(text))
