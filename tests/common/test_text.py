"""Foreign text steers nothing: what would not be seen is written out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetero_rsnn.common.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("henhes (copy) 'x'\\n", "henhes (copy) 'x'\\n"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\r\nb\tc\x00\x7f", "a\\r\\nb\\tc\\x00\\x7f"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),
        ("abc\u202egnp.exe\u2066\u200b\ufeff", "abc\\u202egnp.exe\\u2066\\u200b\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("half \ud800", "half \\ud800"),
        ("Wärme µ 速度 🙂 3\u00a0°C", "Wärme µ 速度 🙂 3\u00a0°C"),
        (KeyError("x\n"), "'x\\n'"),
        (3, "3"),
    ],
)
def test_what_is_not_seen_is_written_out(text: object, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "P"])))
def test_any_text(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown and len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()
    if not {unicodedata.category(c) for c in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        assert shown == text
