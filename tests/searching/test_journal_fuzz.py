"""Journals of any content: read right, or refused in one line that names the line; never a traceback."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landscapes import odd
from searches import line_of

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.report.search_page import html
from hetero_rsnn.report.search_tables import print_search
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space import Space, load_space

SMALL = """
base = "honhos"
[parameters.tau_m]
distribution = "gamma"
mean = ["10 ms", "60 ms"]
cv = [0.0, 1.2]
[scalars."input gain"]
targets = ["input.weight"]
as = "factor"
range = [0.5, 2.0]
"""
#: What stands where something else belongs.
HOSTILE = [
    None, True, False, 0, -1, 7, 1.5, -0.003, 1e300, -1e308, 10**400, "", "12", "much", "nan", "\x1b[31m", "\ud800",
    [], {}, [1], [None, None], ["1", "2"], [[0.1]], {"C": 1}, {"": {}}, [1, 2, 3],
]  # fmt: skip


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "small.toml"
    path.write_text(SMALL)
    return load_space(path)


def search(space: Space, path: Path, **options: Any) -> SearchResult:
    return hr.search_function(odd, space, journal=path, **options)


@pytest.fixture(scope="module")
def events(space: Space, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A journal with every kind of event in it."""
    path = tmp_path_factory.mktemp("journal") / "j"
    options = {"method": "random", "initial": 4, "batch": 2, "seeds": 2, "remeasure": 2}
    search(space, path, budget=10, **options)
    search(space, path, budget=14, resume=True)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = {
        "search",
        "reference",
        "asked",
        "finished",
        "failed",
        "extended",
        "remeasured",
        "reference_remeasured",
        "done",
    }
    assert {e["event"] for e in found} == kinds
    return found


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*at, key)
        yield from places(child, (*at, key))


def put(event: dict[str, Any], at: tuple[Any, ...], value: Any, lose: bool) -> None:
    inner: Any = event
    for key in at[:-1]:
        inner = inner[key]
    if lose:
        del inner[at[-1]]
    else:
        inner[at[-1]] = value


def use(path: Path, written: list[dict[str, Any]] | None = None) -> str:
    """Read a journal as everybody does; the message, or nothing if it is right."""
    try:
        found = SearchResult.from_journal(path)
    except JournalError as error:
        assert str(path) in str(error) and len(str(error).splitlines()) == 1
        return str(error)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_search(found, [], 3)
    text = str(found) + out.getvalue() + html(found, figures=False)
    assert "\x1b" not in text and repr(found) and len(found.table()) == len(found.convergence)
    assert found.hypervolume >= 0 and (found.best is None or found.best_network)
    for event in written or ():
        if event["event"] == "finished":
            trial = found.trials[event["trial"]]
            assert (trial.C, trial.S, trial.feasible) == (event["C"], event["S"], event["feasible"])
    return ""


def resume(space: Space, path: Path) -> str:
    """Go on with a journal; the message, or nothing if it is right."""
    before = path.read_bytes()
    try:
        found = search(space, path, resume=True)
    except HeteroError as error:
        assert len(str(error).splitlines()) == 1 and path.read_bytes() == before
        return str(error)
    assert found.done and path.read_bytes().startswith(before[:100])
    return ""


@given(data=st.data())
def test_a_value_in_a_wrong_place(
    data: st.DataObject, space: Space, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Anything anywhere, with a checksum that fits or without any: right, or one line with its number."""
    sealed = data.draw(st.booleans())
    number = data.draw(st.integers(0, len(events) - 1))
    event = copy.deepcopy(events[number])
    at = data.draw(st.sampled_from(list(places(event))))
    value = data.draw(st.sampled_from(HOSTILE))
    put(event, at, value, data.draw(st.booleans()))
    changed = [*events[:number], event, *events[number + 1 :]]
    path = tmp_path_factory.mktemp("fuzz") / "j"
    try:
        path.write_text("\n" + "".join(line_of(e, sealed=sealed) for e in changed))
    except ValueError:  # a number that Python itself does not write
        return
    read = use(path, None if at[0] in ("C", "S", "event") else events)
    assert not read or f"line {number + 2}" in read or number == 0 or "line" in read, read
    if at[-1] == "budget" and isinstance(value, int) and value > 100:
        return  # it would go on, and on
    back = resume(space, path)
    assert not read or back, "what cannot be read is not resumed"


@given(data=st.data())
def test_lines_that_are_lost_doubled_swapped_or_foreign(
    data: st.DataObject, space: Space, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [line_of(e, sealed=data.draw(st.booleans()) and False) for e in events]
    i, j = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    foreign = data.draw(
        st.sampled_from(["{}\n", "[]\n", "3\n", '{"event": null}\n', '{"event": "x"}\n', '{"event": "asked"}\n', " \n"])
    )
    how = data.draw(st.sampled_from(["lose", "double", "swap", "foreign", "cut"]))
    if how == "swap":
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines[i : i + 1] = {
            "lose": [],
            "double": [lines[i]] * 2,
            "foreign": [foreign, lines[i]],
            "cut": [lines[i][:9]],
        }[how]
    path = tmp_path_factory.mktemp("fuzz") / "j"
    path.write_text("".join(lines))
    read = use(path)
    resume(space, path)
    if how == "foreign" and i:
        assert (f"line {i + 1}" in read) == (foreign != " \n"), read


@given(data=st.data())
def test_bytes_that_changed(
    data: st.DataObject, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A flipped byte before the last line is refused, wherever it is; the rest of a journal is read as it was."""
    whole = "".join(map(line_of, events)).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    new = bytes([data.draw(st.integers(0, 255))])
    path = tmp_path_factory.mktemp("fuzz") / "j"
    path.write_bytes(whole[:at] + new + whole[at + 1 :])
    read = use(path, events)
    blank = new in b" \t\r\n\x0b\x0c" and whole[at : at + 1] in b" \t\r\n"
    assert read or new == whole[at : at + 1] or blank or at > whole[:-1].rindex(b"\n")


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "j"
    for data in (content, b'{"event": "search", "format": 1}\n' + content):
        path.write_bytes(data)
        assert use(path)


@pytest.mark.parametrize(
    ("kind", "at", "value", "words"),
    [
        ("finished", ("C",), None, "C must be a finite number, got None"),
        ("finished", ("C",), 1e300, r"C must be a finite number and at most 1e\+150 in size, got 1e\+300"),
        ("finished", ("S",), "0.1", "S must be a finite number >= 0, got '0.1'"),
        ("finished", ("violation",), -1, "violation must be a finite number >= 0, got -1"),
        ("finished", ("per_seed",), {}, "per_seed: 'C' is missing"),
        ("finished", ("per_seed", "C"), [0.5], "per_seed: C must have 2 numbers, one a seed, got 1"),
        ("finished", ("per_seed", "S", 1), None, "per_seed: S must be a finite number >= 0, got None"),
        ("finished", ("seeds",), [0, 9], r"seeds are \[0, 9\], where the header has \[0, 1\]"),
        ("finished", ("feasible",), "false", "feasible must be true or false, got 'false'"),
        ("finished", ("trial",), 99, "trial is 99, and the last that was asked for is"),
        ("failed", ("error",), {}, "error must be text, got {}"),
        ("asked", ("point",), {}, "point must hold tau_m.mean, tau_m.cv, input gain, got {}"),
        ("asked", ("point", "tau_m.mean"), 1e9, r"tau_m.mean must be in \[10 ms, 60 ms\], got 1000000000 ms"),
        ("asked", ("point", "tau_m.mean"), "30", "tau_m.mean must be a finite number, got '30'"),
        ("extended", ("budget",), 1.5, "budget must be a whole number >= 10, got 1.5"),
        ("remeasured", ("trial",), None, "trial must be a whole number >= 0, got None"),
        ("asked", ("event",), "askd", r"a search has no event 'askd' \(did you mean 'asked'\?\)"),
        ("search", ("settings", "seeds"), [], "seeds must be different whole numbers, got"),
        ("search", ("settings", "rate"), [5, 1], "rate must be 0 <= lowest < highest"),
        ("search", ("definition",), 3, "definition must be a space, got 3"),
        ("search", ("definition", "base"), {}, "definition: "),
        ("search", ("versions",), None, "versions must hold names and texts, got None"),
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_what_the_line_says(
    space: Space, events: list[dict[str, Any]], tmp_path: Path, kind: str, at: Any, value: Any, words: str, sealed: bool
) -> None:
    number = next(i for i, e in enumerate(events) if e["event"] == kind)
    event = copy.deepcopy(events[number])
    put(event, at, value, False)
    (tmp_path / "j").write_text(
        "".join(line_of(e, sealed=sealed) for e in [*events[:number], event, *events[number + 1 :]])
    )
    before = (tmp_path / "j").read_bytes()
    with pytest.raises(JournalError, match=f"line {number + 1}, '.*': {words}"):
        SearchResult.from_journal(tmp_path / "j")
    with pytest.raises(JournalError, match=f"line {number + 1}, '.*': {words}"):
        search(space, tmp_path / "j", resume=True)
    assert (tmp_path / "j").read_bytes() == before
