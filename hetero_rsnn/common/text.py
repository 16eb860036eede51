"""Foreign text as it may be printed: names and messages of others steer no terminal and no page."""

from __future__ import annotations

import unicodedata

#: Controls, invisible characters (those that turn the direction of writing among them), halves of characters, ends of
#: lines and paragraphs.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: object) -> str:
    """The text in one line, where every character that a reader would not see is written as an escape of Python's.

    Use it wherever text of others is printed, drawn or put on a page: names of networks, files and columns, messages of
    errors, whatever a journal holds. What is printable already stays as it is.

    Examples
    --------
    >>> print(printable("red \\x1b[31m, end\\nof \\u202eline"))
    red \\x1b[31m, end\\nof \\u202eline
    >>> printable("Wärme µ = 3 °C, 速度")
    'Wärme µ = 3 °C, 速度'
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in _HIDDEN else c for c in text)
