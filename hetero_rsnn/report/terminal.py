"""Standard output as a place for tables."""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.markup import escape

from hetero_rsnn.common.text import printable


def console() -> Console:
    """Standard output; wide enough for the tables where it is not a terminal."""
    on = sys.stdout is not None and sys.stdout.isatty()  # there is none where it was closed
    return Console(width=None if on else 140, soft_wrap=not on)


#: Columns below which tables leave out what can be spared.
WIDE = 110


def fold(cell: str, narrow: bool) -> str:
    """A mean above its interval where the screen is narrow, so that no number is cut; the interval holds no space."""
    return re.sub(r" \\?(\[[^\[\]]*\])(?: (?=\*))?", _below, cell) if narrow else cell


def _below(found: re.Match[str]) -> str:
    return "\n" + found[0].replace(" ", "")


def shown(text: object) -> str:
    """Text of others for `console`: neither markup nor a control sequence in it does anything."""
    return escape(printable(text))
