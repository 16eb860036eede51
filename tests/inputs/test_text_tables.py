"""Text files as people and programs write them: the right numbers, a refusal, or a warning that names the doubt."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hetero_rsnn as hr
from hetero_rsnn.common.errors import FileFormatError, HeteroError, StimulusError
from hetero_rsnn.inputs.files import Series, read_series

VALUES = np.array([[0.126, -0.132, 0.64], [0.105, -0.536, 0.362], [1.304, 0.947, -0.704], [-1.265, -0.623, 0.041]])


def read(folder: Path, text: str, **options: Any) -> tuple[Series, list[str]]:
    """The series, and the warnings on the way."""
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        series = read_series(path, **options)
    assert all(w.category is UserWarning and w.filename == __file__ for w in said)
    messages = [str(w.message) for w in said]
    assert all(m.startswith("x.csv: ") and "\n" not in m for m in messages)
    return series, messages


def refused(folder: Path, text: str, *words: str, error: type[HeteroError] = FileFormatError, **options: Any) -> None:
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        read_series(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in ("x.csv", *words):
        assert word in message, message


# Headers of numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_what_pandas_writes_without_names(tmp_path: Path, m: int, index: bool) -> None:
    pandas = pytest.importorskip("pandas")
    text = pandas.DataFrame(VALUES[:, :m]).to_csv(index=index)
    series, said = read(tmp_path, text)
    assert_array_equal(series.values, VALUES[:, :m])
    assert series.names == tuple("012"[:m])
    assert series.left_out == ((("column 0", "an index"),) if index else ())
    assert len(said) == (m < 3 and not index)  # one or two columns may also begin at 0 and 1
    assert all("'0'" in s and "header=True" in s and "header=False" in s for s in said)
    assert_array_equal(read(tmp_path, text, column="0")[0].values, VALUES[:, :1])


def test_a_header_of_whole_numbers_above_whole_numbers_is_said(tmp_path: Path) -> None:
    series, said = read(tmp_path, "0,1,2\n12,-13,64\n10,-53,36\n")
    assert_array_equal(series.values, [[12, -13, 64], [10, -53, 36]])
    assert len(said) == 1 and "read as the names of the columns, and may be a sample" in said[0]
    for text, rows in (("0,1\n1,0\n0,0\n", 3), ("0\n5\n7\n", 3)):
        series, said = read(tmp_path, text)
        assert len(series.values) == rows and "read as a sample, and may be the names" in said[0]


def test_header_decides(tmp_path: Path) -> None:
    text = "0,1,2\n3,4,5\n"
    series, said = read(tmp_path, text, header=False)
    assert_array_equal(series.values, [[0, 1, 2], [3, 4, 5]])
    assert series.names == ("0", "1", "2") and not said
    series, said = read(tmp_path, text, header=True)
    assert_array_equal(series.values, [[3, 4, 5]])
    assert not said
    assert read(tmp_path, "7,9\n3,4\n", header=True)[0].names == ("7", "9")
    assert read(tmp_path, "10,2\n1.5,2.5\n", header=True)[0].names == ("10", "2")
    refused(tmp_path, "a,b\n1,2\n", "line 1, column '0'", "'a'", "header=True", header=False, error=StimulusError)
    refused(tmp_path, "1,2\n", "got none in 0 rows", header=True)
    for odd in (1, "yes", np.True_):
        with pytest.raises(StimulusError, match="header must be True, False or None"):
            read_series(tmp_path / "x.csv", header=odd)  # type: ignore[arg-type]


def test_years_name_columns(tmp_path: Path) -> None:
    rows = "".join(f"{','.join(map(str, row))}\n" for row in VALUES.tolist())
    series, said = read(tmp_path, "2019,2020,2021\n" + rows)
    assert series.names == ("2019", "2020", "2021") and not said
    assert_array_equal(series.values, VALUES)
    named = "".join(f"{c},{row}\n" for c, row in zip("abcd", rows.split(), strict=True))
    for first in ("country,", ","):
        series, said = read(tmp_path, f"{first}1990,2000,2010\n{named}")
        assert series.names == ("1990", "2000", "2010") and not said
        assert_array_equal(series.values, VALUES)
    series, said = read(tmp_path, "1990,1991\n2003,1987\n1999,2010\n")  # counts near 2000
    assert len(series.values) == 3 and "header=True" in said[0]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2020-01-01,0,1\n2020-01-02,0.5,1.5\n", [0, 1]),  # a date and its values
        ("0,1\n0.1,2.5\n0.2,3.5\n0.3,2\n", [1]),  # a clock from 0, and a value
        ("1.5,2.5\n3,4\n", [1.5, 2.5]),
        ("7,7\n1.5,2.5\n", [7, 7]),
    ],
)
def test_samples_that_are_no_header(tmp_path: Path, text: str, first: list[float]) -> None:
    series, said = read(tmp_path, text)
    assert series.values[0].tolist() == first and not said


def test_a_first_row_written_otherwise_is_said(tmp_path: Path) -> None:
    series, said = read(tmp_path, "100,200,400\n0.5,0.6,0.7\n0.1,0.2,0.3\n")
    assert series.values[0].tolist() == [100, 200, 400]
    assert "('100', '200', '400')" in said[0] and "header=True" in said[0]


def test_an_index_is_left_out(tmp_path: Path) -> None:
    series, said = read(tmp_path, ",time,a\n0,0.0,5\n1,0.1,6\n2,0.2,7\n")
    assert series.left_out == (("0", "an index"), ("time", "evenly spaced")) and series.names == ("a",) and not said
    series, _ = read(tmp_path, ",a,b\n7,1,2\n2,3,4\n5,9,6\n")  # rows that were shuffled
    assert series.names == ("a", "b") and series.left_out == (("0", "an index"),)
    assert_array_equal(series.values, [[1, 2], [3, 4], [9, 6]])
    assert read(tmp_path, ",a\n0.5,1\n0.7,2\n")[0].names == ("0", "a")


# Notations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1,5 2,5\n2,5 3,5\n",
        "1,5 2,5",
        "1 2,5\n3,5 4\n",
        "a b\n1,5 2,5\n",
        "-1,5e3  2,5\n",
        "2020-01-01 1,5\n2020-01-02 2,5\n",
        "01.02.2020 12:00 1,5\n",
        "1,234,567 2\n3 4\n",
    ],
)
def test_decimal_commas_between_blanks_are_refused(tmp_path: Path, text: str) -> None:
    for header in (None, False):
        refused(tmp_path, text, "line ", "decimal points", header=header)


def test_decimal_commas_elsewhere(tmp_path: Path) -> None:
    refused(tmp_path, "1,5;2,5\n2,5;3,5\n", "'1,5' (a comma in the number)", "decimal points", error=StimulusError)
    refused(tmp_path, "1,5\t2\n2\t3\n", "'1,5' (a comma in the number)", error=StimulusError)
    refused(tmp_path, "0,05\n1,25\n", "line 1", "'0,05'", "header=False")
    series, said = read(tmp_path, "1,5\n2,25\n")
    assert series.values.tolist() == [[1, 5], [2, 25]] and len(said) == 1 and "decimal commas" in said[0]
    for options in ({"header": False}, {"column": "0,1"}):
        assert not read(tmp_path, "1,5\n2,25\n", **options)[1]
    assert not read(tmp_path, "1,5,2\n2,25,3\n")[1]


@pytest.mark.parametrize(
    "text", ["2020-01-01 01:00,5\n2020-01-02 02:00,6\n", "Station 1,5\nStation 2,6\n", "1, 5\n2 ,6\n"]
)
def test_blanks_within_fields_are_no_decimal_commas(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text)[0].values[:, -1].tolist() == [5, 6]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["1 234", "2 345"], "thousands"),
        (["1\u202f234", "2\u00a0345"], "thousands"),
        (["1'234", "12'345.5"], "thousands"),
        (["5%", "6.5 %"], "percent"),
        (["1.5D+00", "-2d1"], "exponent"),
        (["1_000", "2_000"], "line"),
        (["\u22125", "\u22126"], "minus"),
        (["$5", "$6"], "currency"),
        (["5 €", "6 €"], "currency"),
        (["0x10", "0xff"], "base 16"),
        (["<0.5", "<0.2"], "bound"),
        (["5 m/s", "6.1 m/s"], "unit"),
        (["20°C", "21°C"], "unit"),
    ],
)
def test_other_notations_are_said_to_be_left_out(tmp_path: Path, cells: list[str], why: str) -> None:
    series, said = read(tmp_path, f"a;p\n1;{cells[0]}\n5;{cells[1]}\n")
    assert series.names == ("a",) and series.values.tolist() == [[1], [5]]
    assert len(said) == 1 and "column 'p' is left out" in said[0] and why in said[0]
    assert series.left_out[0][0] == "p" and why in series.left_out[0][1]
    first = " ".join(cells[0].split())
    assert repr(first) in said[0]
    refused(tmp_path, f'p\n"{cells[0]}"\n"{cells[1]}"\n', "column of numbers", repr(first), why)
    refused(tmp_path, f"a;p\n1;2\n5;{cells[1]}\n", "line 3, column 'p'", error=StimulusError)


def test_words_are_left_out_without_a_word(tmp_path: Path) -> None:
    series, said = read(tmp_path, "a,day,place,when\n1,Mon,1st,01:30\n5,Tue,2nd,02:30\n")
    assert series.left_out == (("day", "text"), ("place", "text"), ("when", "text")) and not said


def test_names_with_percents_are_names(tmp_path: Path) -> None:
    assert read(tmp_path, "5%,50%\n1,3\n2,7\n")[0].names == ("5%", "50%")


# Times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told", "rest"),
    [
        ("year,month,wind\n2020,1,5.1\n2020,2,5.2\n2020,3,5.5\n", ["year", "month"], ["wind"]),
        ("Year,DOY,Hour (UTC),a,b\n2020,1,0,5,1\n2020,1,1,6,2\n", ["Year", "DOY", "Hour (UTC)"], ["a", "b"]),
        ("wind,time\n5,0\n6,1\n7,2\n", ["time"], ["wind"]),
        ("2020,11,5.1\n2020,12,5.2\n2021,1,5.5\n", ["0", "1"], ["2"]),
        ("2020,1,30,0,5.1\n2020,1,31,12,5.2\n2020,2,1,23,5.5\n", ["0", "1", "2", "3"], ["4"]),
        ("2020,365,5.1\n2020,366,5.2\n2021,1,5.5\n", ["0", "1"], ["2"]),
    ],
)
def test_a_calendar_becomes_channels_and_is_said(tmp_path: Path, text: str, told: list[str], rest: list[str]) -> None:
    series, said = read(tmp_path, text)
    assert list(series.names) == (told + rest if told != ["time"] else rest + told)
    assert len(said) == 1 and "tell" in said[0] and f"column={rest!r}" in said[0]
    assert all(repr(name) in said[0] for name in told)
    chosen, said = read(tmp_path, text, column=rest)
    assert list(chosen.names) == rest and not said


@pytest.mark.parametrize("names", ["second sensor,b", "minimum,b", "months_mean,b", "daylight,b"])
def test_names_that_are_no_times(tmp_path: Path, names: str) -> None:
    assert not read(tmp_path, f"{names}\n2.5,1\n1.5,2\n7.5,3\n")[1]


@pytest.mark.parametrize(
    ("times", "what"),
    [
        ([0, 1, 2, 4, 5, 6], "one uneven step (the first before line 5)"),
        ([0, 0.1, 0.2, 0.5, 0.6, 0.9, 1.0, 1.1], "2 uneven steps (the first before line 5)"),
        ([0, 1, 2, 4], "one uneven step"),
        ([*range(20), *range(21, 40)], "one uneven step (the first before line 22)"),
        ([*range(24), *range(24), *range(24)], "2 uneven steps"),
        ([5, 4, 3, 2, 1], "runs backwards"),
        ([1.0, 2.5, 3.1, 7, 7.2, 9, 12, 12.5, 14, 21], "rises in every row"),
    ],
)
def test_a_clock_with_gaps_becomes_a_channel_and_is_said(tmp_path: Path, times: list[float], what: str) -> None:
    rng = np.random.default_rng(1)
    text = "t,a,b\n" + "".join(f"{t},{rng.normal():.3f},{rng.normal():.3f}\n" for t in times)
    series, said = read(tmp_path, text)
    assert series.names == ("t", "a", "b") and series.values[:, 0].tolist() == times
    assert len(said) == 1 and what in said[0] and "column=['a', 'b']" in said[0]
    assert not read(tmp_path, text, column="a,b")[1]


def test_noise_is_no_clock(tmp_path: Path) -> None:
    for seed in range(50):
        rows = np.random.default_rng(seed).normal(size=(40, 2))
        assert not read(tmp_path, "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows))[1]


def test_ties_to_the_rest(tmp_path: Path) -> None:
    """Long cells and lines take no time, whatever they hold."""
    for cell in ("1.1" * 30_000, "1_" * 30_000, "1 " * 50_000, "1'000" * 20_000, "1:" * 50_000):
        with pytest.raises(HeteroError):
            read(tmp_path, f"{cell} 1,5x\n{cell} 2,5x\n")


def test_points_between_thousands_are_said_to_be_left_out(tmp_path):
    path = tmp_path / "german.csv"
    path.write_text("a;b\n1.234,5;1\n2.000,0;2\n3.111,1;3\n")
    with pytest.warns(UserWarning, match="points between thousands"):
        assert hr.read_series(path).names == ("b",)


def test_a_split_number_below_0_is_seen(tmp_path):
    path = tmp_path / "split.csv"
    path.write_text("1,5\n-0,5\n2,1\n")
    with pytest.raises(hr.FileFormatError, match="line 2: numbers must have decimal points, got '-0,5'"):
        hr.read_series(path)
