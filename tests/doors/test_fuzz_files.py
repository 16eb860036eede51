"""Files of any content: a right value or one line, never another exception, within 5 s and 500 MB."""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.inputs.files import read_series
from hetero_rsnn.network.saving import to_toml_text
from hetero_rsnn.network.shipped import networks_folder
from hetero_rsnn.searching.space import Space, load_space

FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
#: What a file may take at most: against hangs, on any machine, with memory and lines counted.
SECONDS, BYTES = 60.0, 500e6


@contextmanager
def bounded() -> Iterator[None]:
    """Fail where something takes too long, or too much memory."""
    tracemalloc.start()
    begin = time.process_time()
    try:
        yield
    finally:
        seconds, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < SECONDS and peak < BYTES


def outcome(call: Callable[[], Any]) -> Any:
    """The value, or None where it is refused in one line; warnings of the package's own kind are fine."""
    with bounded(), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call()
        except HeteroError as error:
            text = str(error)
            assert text and "\n" not in text and "\r" not in text
            return None


def sound(series: hr.Series) -> None:
    assert series.values.ndim == 2 and series.values.dtype == np.float64 and series.values.size
    assert np.isfinite(series.values).all() and len(series.names) == series.values.shape[1]
    assert series.interval_ms is None or series.interval_ms > 0


# Text -------------------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e6, 1e6, allow_nan=False).map(repr),
    st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: f"{x:.2f}"),
)
ODD = [
    "",
    "nan",
    "inf",
    "NA",
    "1,5",
    "1 234",
    "5%",
    "1.5D+00",
    "1_0",
    "2020-01-01",
    "01:30",
    "2020",
    "x",
    '"',
    "\u22125",
]
ODD += ["1e999", "0x1", "\0", "\u0663", "5 m/s", "'", "#", "-", "+", ".", "e", "1e", "1.2.3", "²", "1" * 400, "a" * 400]
CELLS = st.one_of(NUMBERS, st.sampled_from(ODD), st.text(max_size=5))
BREAKS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\n# note\n"])


@FUZZ
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", " ", ", ", "  "]),
    end=BREAKS,
    ending=st.sampled_from(["csv", "txt", "tsv"]),
    header=st.sampled_from([None, None, True, False]),
    mark=st.booleans(),
)
def test_tables_of_odd_cells(tmp_path: Path, rows, delimiter, end, ending, header, mark) -> None:
    path = tmp_path / f"a.{ending}"
    text = end.join(delimiter.join(row) for row in rows)
    path.write_bytes(("\ufeff" * mark + text).encode(errors="replace"))
    series = outcome(lambda: read_series(path, header=header))
    if series is not None:
        sound(series)
        # No number comes from nowhere: each stands in the file.
        written = set()
        for word in re.split(r"[,;\s\"]+", text.replace("\ufeff", "")):
            try:
                written.add(float(word))
            except ValueError:
                continue
        assert set(series.values.ravel().tolist()) <= written


@FUZZ
@given(data=st.binary(max_size=300), ending=st.sampled_from(["csv", "txt", "tsv", "npy", "npz", "wav"]))
def test_any_bytes(tmp_path: Path, data: bytes, ending: str) -> None:
    (tmp_path / f"a.{ending}").write_bytes(data)
    series = outcome(lambda: read_series(tmp_path / f"a.{ending}"))
    if series is not None:
        sound(series)


@FUZZ
@given(
    values=st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=2, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", " "]),
)
def test_decimal_commas_never_become_other_numbers(tmp_path: Path, values, delimiter) -> None:
    """Whatever separates the fields: numbers with decimal commas are refused, and never read as two."""
    assume(delimiter != ",")
    rows = [[cell.replace(".", ",") for cell in row] for row in values]
    assume(any("," in cell for row in rows[:1] for cell in row))
    (tmp_path / "a.csv").write_text("\n".join(delimiter.join(row) for row in rows))
    assert outcome(lambda: read_series(tmp_path / "a.csv")) is None


LONG = ["1" * 10**6, "1," * 10**6, "1 " * 10**6, "1.1" * 10**5, "1_" * 10**5, "1\n" * 10**5, '"' * 10**5, "\n" * 10**6]
LONG += ["a,b\n" * 10**5, "1,5 " * 10**5, "-" * 10**6, "1'000" * 10**5, "9:" * 10**5, "\ufeff" * 10**5, "#" * 10**6]


@pytest.mark.slow
@pytest.mark.parametrize("text", LONG, ids=lambda text: f"{text[:6]!r}")
def test_long_texts(tmp_path: Path, text: str) -> None:
    for tail in ("", "x", "\n1\n", " 2,5\n"):
        (tmp_path / "a.csv").write_text(text + tail, encoding="utf-8")
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                sound(read_series(tmp_path / "a.csv"))
            except HeteroError as error:
                assert "\n" not in str(error) and len(str(error)) < 1000 + len(str(tmp_path))
        assert time.process_time() - begin < SECONDS


# Sound ------------------------------------------------------------------------------------------------------------

SIZES = st.one_of(
    st.sampled_from([0, 1, 2, 8, 16, 36, 40, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]),
    st.integers(0, 2**32 - 1),
)


@FUZZ
@given(
    riff=st.sampled_from([b"RIFF", b"RIFF", b"RIFX", b"RF64", b"riff"]),
    whole=SIZES,
    size=SIZES,
    kind=st.sampled_from([1, 1, 3, 6, 0xFFFE]),
    channels=st.sampled_from([0, 1, 1, 2, 3, 65535]),
    rate=st.sampled_from([0, 1, 8000, 44100, 2**32 - 1]),
    align=st.sampled_from([0, 1, 2, 3, 4, 6, 8, 65535]),
    bits=st.sampled_from([0, 1, 8, 12, 16, 24, 32, 64, 65535]),
    samples=st.binary(max_size=64),
)
def test_headers_of_sound(tmp_path: Path, riff, whole, size, kind, channels, rate, align, bits, samples) -> None:
    order = ">" if riff == b"RIFX" else "<"
    fmt = struct.pack(f"{order}HHIIHH", kind, channels, rate, 0, align, bits)
    body = b"WAVEfmt " + struct.pack(f"{order}I", 16) + fmt + b"data" + struct.pack(f"{order}I", size) + samples
    (tmp_path / "a.wav").write_bytes(riff + struct.pack(f"{order}I", whole) + body)
    series = outcome(lambda: read_series(tmp_path / "a.wav"))
    if series is not None:
        sound(series)
        assert series.interval_ms == 1000 / rate and series.values.shape[1] == channels
        assert series.values.size <= len(samples)
        if kind == 1 and align == 2 * channels and bits == 16:  # every whole sample, in its place
            given = np.frombuffer(samples[: series.values.size * 2], f"{order}i2") / 2**15
            assert_array_equal(series.values.ravel(), given)
            assert size in (series.values.size * 2, series.values.size * 2 + 1) or size == 0 or size >= 0x7FFFF000


@cache
def recorded() -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
    samples = np.arange(40, dtype="<i2").tobytes()
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


@FUZZ
@given(at=st.integers(0, 60), byte=st.integers(0, 255), cut=st.integers(0, 130))
def test_headers_with_a_wrong_byte(tmp_path: Path, at: int, byte: int, cut: int) -> None:
    data = recorded()
    data = (data[:at] + bytes([byte]) + data[at + 1 :])[: max(cut, at + 1)]
    (tmp_path / "a.wav").write_bytes(data)
    series = outcome(lambda: read_series(tmp_path / "a.wav"))
    if series is not None:
        sound(series)


# Networks and spaces ----------------------------------------------------------------------------------------------


def sources(folder: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((networks_folder() / folder).glob("*.toml"))]


NETS, SPACES = sources(""), sources("spaces")
TOKENS = [
    "",
    "0",
    "-1",
    "1e308",
    "1e-308",
    "nan",
    "inf",
    "true",
    '""',
    '"x"',
    "[]",
    "{}",
    "[1, 2]",
    "{ a = 1 }",
    '"20 ms"',
]
TOKENS += [
    '"-5 ms"',
    '"5 \u03bcs"',
    '"1e400 ms"',
    '"3 apples"',
    "2020-01-01",
    "01:30:00",
    "9" * 30,
    "1" * 400,
    '"\\u0000"',
]
TOKENS += [
    '"""a\nb"""',
    '"gamma"',
    "{ family = 'gamma' }",
    "{ mean = '20 ms', cv = 'x' }",
    "{ mean = '20 ms', cv = 1e9 }",
]
TOKENS += ["[" * 30 + "]" * 30, "{ a.b.c = 1 }", "0x1f", "1_000", "'\u202e'", "2147483648", "9223372036854775808"]


@st.composite
def mutated(draw: Any, texts: list[str]) -> str:
    """A shipped file of which some lines have another value, are gone, doubled or in another place."""
    lines = draw(st.sampled_from(texts)).split("\n")
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["value", "value", "value", "name", "gone", "twice", "moved", "cut", "char"]))
        line = lines[i]
        if kind == "value" and "=" in line:
            lines[i] = line.split("=")[0] + "= " + draw(st.sampled_from(TOKENS))
        elif kind == "name":
            lines[i] = (
                draw(st.sampled_from(["x", "a.b", '"a b"', '""', "E", "n", "[x]", "[[x]]", "\u00e9"])) + " " + line[1:]
            )
        elif kind == "gone":
            lines[i] = ""
        elif kind == "twice":
            lines.insert(i, line)
        elif kind == "moved":
            lines.insert(draw(st.integers(0, len(lines))), lines.pop(i))
        elif kind == "cut":
            lines[i] = line[: draw(st.integers(0, max(0, len(line))))]
        elif kind == "char" and line:
            at = draw(st.integers(0, len(line) - 1))
            lines[i] = line[:at] + draw(st.characters(codec="utf-8")) + line[at + 1 :]
    return "\n".join(lines)


@FUZZ
@given(text=mutated(NETS), mark=st.booleans())
def test_networks_of_changed_lines(tmp_path: Path, text: str, mark: bool) -> None:
    """A network that is read is one: it is written and read again as an equal one."""
    path = tmp_path / "a.toml"
    path.write_bytes(("\ufeff" * mark + text).encode(errors="replace"))
    net = outcome(lambda: hr.load_network(path))
    if net is not None:
        assert isinstance(net, hr.Network) and net.n >= 1 and net.dt > 0 and np.isfinite(net.dt)
        (tmp_path / "b.toml").write_text(to_toml_text(net), encoding="utf-8")
        assert hr.load_network(tmp_path / "b.toml") == net


@FUZZ
@given(text=mutated(SPACES), mark=st.booleans())
def test_spaces_of_changed_lines(tmp_path: Path, text: str, mark: bool) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(("\ufeff" * mark + text).encode(errors="replace"))
    space = outcome(lambda: load_space(path))
    if space is not None:
        assert isinstance(space, Space) and all(np.isfinite([d.low, d.high]).all() for d in space.dimensions)
        assert all(d.low < d.high for d in space.dimensions)


KEYS = st.sampled_from(
    ["name", "n", "dt", "extends", "model", "neuron", "parameters", "populations", "E", "I", "tau_m", "mean", "cv"]
    + ["family", "synapse", "x"]
)
VALUES = st.recursive(
    st.one_of(st.sampled_from([t for t in TOKENS if t]), st.integers().map(str), st.floats().map(lambda x: repr(x))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda d: "{" + ", ".join(f"{k} = {v}" for k, v in d.items() if "\n" not in v) + "}"
        ),
    ),
    max_leaves=5,
)


@FUZZ
@given(
    tables=st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=4),
    top=st.dictionaries(KEYS, VALUES, max_size=3),
    extends=st.booleans(),
)
def test_networks_and_spaces_of_any_tables(tmp_path: Path, tables, top, extends) -> None:
    lines = ['extends = "henhes"', 'base = "henhes"'] * extends + [f"{k} = {v}" for k, v in top.items()]
    for name, rows in tables.items():
        lines += [f"[{name}]", *(f"{k} = {v}" for k, v in rows.items())]
    (tmp_path / "a.toml").write_text("\n".join(lines), encoding="utf-8")
    outcome(lambda: hr.load_network(tmp_path / "a.toml"))
    outcome(lambda: load_space(tmp_path / "a.toml"))


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes_for_networks_and_spaces(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(data)
    outcome(lambda: hr.load_network(tmp_path / "a.toml"))
    outcome(lambda: load_space(tmp_path / "a.toml"))
