"""Tests of hetero_rsnn.inputs.files: every format there and back, every error, and files of random bytes."""

from __future__ import annotations

import io
import struct
import tempfile
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import wavfile

from hetero_rsnn.common.errors import FileFormatError, HeteroError, StimulusError
from hetero_rsnn.common.text import printable
from hetero_rsnn.datasets.sources import shipped_series
from hetero_rsnn.inputs.files import Series, read_series, scale_series
from hetero_rsnn.inputs.text_tables import is_clock

TABLE = np.array([[1.5, -2.0], [0.25, 1e-300], [3.0, 4e18]])


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file of the given name and content."""

    def writer(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


Write = Callable[[str, str | bytes], Path]


def check(series: Series) -> None:
    """What every series promises."""
    assert series.values.dtype == np.float64 and series.values.ndim == 2 and series.values.size
    assert np.isfinite(series.values).all()
    assert len(series.names) == series.values.shape[1] and all(isinstance(n, str) and n for n in series.names)
    assert series.interval_ms is None or series.interval_ms > 0


def refused(error: type[HeteroError], path: Path, *parts: str, column: str | int | None = None) -> None:
    """The file is refused by this class, with one line that holds the path and every part."""
    with pytest.raises(error) as info:
        read_series(path, column=column)
    assert type(info.value) is error
    message = str(info.value)
    assert "\n" not in message
    for part in (printable(path.name), *parts):
        assert part in message, f"{part!r} not in {message!r}"


# -- text --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "a,b\n1.5,-2\n.25,1e-300\n3,4e18\n"),
        ("a.csv", "a;b\r\n1.5;-2\r\n.25;1e-300\r\n3;4e18"),
        ("a.CSV", '"a", "b"\n"1.5", -2\n .25 ,1e-300\n3,4E+18\n\n'),
        ("a.tsv", "a\tb\n1.5\t-2\n.25\t1e-300\n3\t4e18\n"),
        ("a.tsv", "when\ta\tb\nMay 1, 2020\t1.5\t-2\nMay 2; 2020\t.25\t1e-300\n\t3\t4e18\n"),
        ("a.csv", 'note,a,b\n"x; y",1.5,-2\n"z\t",.25,1e-300\n"",3,4e18\n'),
        ("a.txt", "a b\n  1.5   -2\n.25  1e-300 \n3 4e18\n"),
        ("a.txt", "# made by hand\na,b\n1.5,-2\n  # a remark, in between\n.25,1e-300\n3,4e18\n#end"),
        ("a.csv", "\ufeffa,b\r1.5,-2\r.25,1e-300\r3,4e18\r"),
        (
            "a.csv",
            "date,time,a,note,b\n2020-01-01,01:00,1.5,x,-2\n2020-01-01,02:00,.25,,1e-300\n2021-01-01,03:00,3,y,4e18",
        ),
        ("a.csv", "day;a;b;\n01.02.2020;1.5;-2;\n02.02.2020;.25;1e-300;\n03.02.2020;3;4e18;\n"),
    ],
)
def test_text_with_header(write: Write, name: str, text: str) -> None:
    series = read_series(write(name, text))
    check(series)
    assert_array_equal(series.values, TABLE)
    assert series.names == ("a", "b")
    assert series.interval_ms is None
    assert series.source == name


@pytest.mark.parametrize(
    "text", ["1.5,-2\n.25,1e-300\n3,4e18", "1.5 -2\n.25 1e-300\n3 4e18", "1.5;-2\n.25;1e-300\n3;4e18"]
)
def test_text_without_header(write: Write, text: str) -> None:
    series = read_series(write("a.txt", text))
    assert_array_equal(series.values, TABLE)
    assert series.names == ("0", "1")


def test_header_with_quotes_keeps_commas_and_blanks(write: Write) -> None:
    path = write("a.csv", '"wind, m/s","temp ""in"" C","two\nlines"\n1,2,3\n4,5,6\n')
    assert read_series(path).names == ("wind, m/s", 'temp "in" C', "two lines")
    assert_array_equal(read_series(path, column="wind, m/s").values, [[1], [4]])
    refused(StimulusError, write("b.csv", '"two\nlines",b\n1,2\n3,x\n'), "line 4, column 'b'")


def test_one_column(write: Write) -> None:
    assert_array_equal(read_series(write("a.txt", "1\n2\n3\n")).values, [[1], [2], [3]])
    assert_array_equal(read_series(write("a.csv", "7")).values, [[7]])
    series = read_series(write("a.csv", "wind speed [m/s]\n1\n2\n"))
    assert series.names == ("wind speed [m/s]",)
    assert_array_equal(series.values, [[1], [2]])


def test_numbers_in_the_first_line_are_no_header(write: Write) -> None:
    assert read_series(write("a.csv", "2020-01-01,5\n2020-01-02,6\n")).values.tolist() == [[5], [6]]


@pytest.mark.parametrize(
    ("column", "names", "values"),
    [
        ("b", ("b",), [[2], [4]]),
        ("b,a", ("b", "a"), [[2, 1], [4, 3]]),
        (" b , a", ("b", "a"), [[2, 1], [4, 3]]),
        (2, ("b",), [[2], [4]]),
        ("1,2", ("a", "b"), [[1, 2], [3, 4]]),
        ("a,2", ("a", "b"), [[1, 2], [3, 4]]),
    ],
)
def test_column(write: Write, column: str | int, names: tuple[str, ...], values: list[list[float]]) -> None:
    series = read_series(write("a.csv", "day,a,b\nMon,1,2\nTue,3,4\n"), column=column)
    assert series.names == names
    assert_array_equal(series.values, values)


def test_a_gap_in_a_column_that_is_not_chosen_does_no_harm(write: Write) -> None:
    path = write("a.csv", "a,b\n1,NA\n3,4\n")
    assert_array_equal(read_series(path, column="a").values, [[1], [3]])
    refused(StimulusError, path, "line 2, column 'b'", "'NA'")


def test_empty_header_cells_get_their_index(write: Write) -> None:
    assert read_series(write("a.csv", ",a\n0.5,5\n0.1,6\n")).names == ("0", "a")


# -- numpy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", ">f8", "f4", "f2", "i1", "u2", ">i4", "i8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.array([[0, 1, 1], [1, 0, 3]]).astype(dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", array)
    series = read_series(tmp_path / "a.npy")
    check(series)
    assert_array_equal(series.values, array.astype(float))
    assert series.names == ("0", "1", "2") and series.interval_ms is None
    assert_array_equal(read_series(str(tmp_path / "a.npy"), column="2,0").values, array[:, [2, 0]].astype(float))


def test_npy_1d_is_one_channel(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(4.0))
    series = read_series(tmp_path / "a.npy")
    assert series.values.shape == (4, 1) and series.names == ("0",)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, save: Callable[..., None]) -> None:
    save(tmp_path / "one.npz", wind=np.arange(4.0))
    series = read_series(tmp_path / "one.npz")
    assert series.names == ("wind",)
    assert_array_equal(series.values, np.arange(4.0)[:, None])
    save(tmp_path / "two.npz", wind=np.arange(4.0), table=TABLE)
    series = read_series(tmp_path / "two.npz", column="table")
    assert_array_equal(series.values, TABLE)
    assert series.names == ("0", "1")


def test_npz_with_objects_gives_its_other_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", good=TABLE, bad=np.array([None], dtype=object))
    assert_array_equal(read_series(tmp_path / "a.npz", column="good").values, TABLE)
    refused(FileFormatError, tmp_path / "a.npz", "without objects", column="bad")


# -- wav ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "samples", "expected"),
    [
        ("u1", [0, 128, 192, 255], [-1, 0, 0.5, 127 / 128]),
        ("i2", [-(2**15), 0, 2**14, 2**15 - 1], [-1, 0, 0.5, 1 - 2.0**-15]),
        ("i4", [-(2**31), 0, 2**30, 2**31 - 1], [-1, 0, 0.5, 1 - 2.0**-31]),
        ("f4", [-1, 0, 0.5, 1], [-1, 0, 0.5, 1]),
        ("f8", [-1, 0, 0.1, 1], [-1, 0, 0.1, 1]),
    ],
)
def test_wav(tmp_path: Path, dtype: str, samples: list[float], expected: list[float]) -> None:
    wavfile.write(tmp_path / "a.wav", 8000, np.array(samples, dtype=dtype))
    series = read_series(tmp_path / "a.wav")
    check(series)
    assert_array_equal(series.values[:, 0], expected)
    assert series.interval_ms == 0.125 and series.names == ("0",) and series.source == "a.wav"


def test_wav_24_bit_stereo(tmp_path: Path) -> None:
    samples = np.array([[-(2**23), 2**22], [0, 1], [2**23 - 1, -1]])
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(44100)
        file.writeframes(b"".join(int(x).to_bytes(3, "little", signed=True) for x in samples.ravel()))
    series = read_series(tmp_path / "a.wav")
    check(series)
    assert_array_equal(series.values, samples / 2**23)
    assert series.interval_ms == 1000 / 44100 and series.names == ("0", "1")
    assert_array_equal(read_series(tmp_path / "a.wav", column=1).values[:, 0], samples[:, 1] / 2**23)


def test_wav_with_a_foreign_chunk_is_read_without_warning(
    tmp_path: Path, write: Write, recwarn: pytest.WarningsRecorder
) -> None:
    buffer = io.BytesIO()
    wavfile.write(buffer, 1000, np.array([1, 2, 3], dtype="i2"))
    data = bytearray(buffer.getvalue() + b"bext" + struct.pack("<I", 4) + b"abcd")
    data[4:8] = struct.pack("<I", len(data) - 8)
    assert len(read_series(write("a.wav", bytes(data))).values) == 3
    assert not recwarn.list


# -- errors ------------------------------------------------------------------------------------------------------------


def test_missing_file_and_folder(tmp_path: Path) -> None:
    refused(FileFormatError, tmp_path / "gone.csv", "no such file", "check the path")
    (tmp_path / "folder.csv").mkdir()
    refused(FileFormatError, tmp_path / "folder.csv", "readable file")
    refused(FileFormatError, tmp_path / "zero\0byte.csv", "zero\\x00byte.csv", "null byte", "check the path")


def test_unknown_ending(write: Write) -> None:
    refused(FileFormatError, write("a.cvs", "1\n"), "'.cvs'", "did you mean '.csv'?")
    refused(FileFormatError, write("a.mat", "1\n"), "'.mat'", ".npz")
    refused(FileFormatError, write("series", "1\n"), "got ''")


@pytest.mark.parametrize("ending", ["csv", "txt", "tsv", "npy", "npz", "wav"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_file(write: Write, ending: str, content: str) -> None:
    refused(FileFormatError, write(f"a.{ending}", content), "empty file")


@pytest.mark.parametrize(
    "text", ["# nothing\n", "a,b\n", "day\nMon\nTue\n", "a,b\nx,01:30\ny,02:30\n", "day;01.02.2020\n"]
)
def test_no_numeric_column(write: Write, text: str) -> None:
    refused(FileFormatError, write("a.csv", text), "column of numbers")
    refused(FileFormatError, write("a.csv", text), "column of numbers", column=0)


def test_unknown_column(write: Write, tmp_path: Path) -> None:
    path = write("a.csv", "day,speed,temp\nMon,1,2\n")
    refused(StimulusError, path, "'sped'", "did you mean 'speed'?", column="sped")
    refused(StimulusError, path, "'x'", "known: day, speed, temp", column="speed,x")
    for column in (3, -1, "3", "", "9" * 5000, "²"):
        refused(StimulusError, path, "unknown column", column=column)
    refused(StimulusError, write("b.csv", "a,a\n1,2\n"), "'a'", "got 2", "index", column="a")
    assert read_series(write("b.csv", "a,a\n1,2\n"), column=1).values == 2
    np.save(tmp_path / "a.npy", TABLE)
    refused(StimulusError, tmp_path / "a.npy", "'speed'", "known: 0, 1", column="speed")


def test_column_of_text(write: Write) -> None:
    refused(StimulusError, write("a.csv", "day,speed\nMon,1\n"), "line 2, column 'day'", "'Mon'", column="day")


def test_ragged_rows(write: Write) -> None:
    refused(FileFormatError, write("a.csv", "a,b\n1,2\n# x\n\n3\n"), "line 5", "2 fields as line 1", "got 1")
    refused(FileFormatError, write("a.txt", "1 2\n3 4 5\n"), "line 2", "2 fields", "got 3")


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "1e999", "", "NA", "?", "1_0", "7,5"])
def test_gap_in_text(write: Write, cell: str) -> None:
    path = write("a.csv", f"day;a;b\nMon;1;2\nTue;3;{cell}\n")
    refused(StimulusError, path, "line 3, column 'b'", repr(cell), "finite number")


def test_decimal_commas_are_reported_and_not_left_out(write: Write) -> None:
    refused(StimulusError, write("a.csv", "n;a\n1;1,5\n2;2,5\n"), "line 2, column 'a'", "'1,5'", "decimal points")
    refused(StimulusError, write("b.csv", 'n,a\n1,"1,234.5"\n2,"2,345.5"\n'), "'1,234.5'")


def test_a_first_row_of_gaps_is_no_header(write: Write) -> None:
    refused(StimulusError, write("a.csv", "nan,nan\n1,2\n"), "line 1, column '0'")
    refused(StimulusError, write("a.csv", ",\n1,2\n"), "line 1, column '0'")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gap_in_arrays(tmp_path: Path, bad: float) -> None:
    table = np.zeros((4, 3), dtype="f4")
    table[2, 1] = bad
    np.save(tmp_path / "a.npy", table)
    np.savez(tmp_path / "a.npz", table)
    wavfile.write(tmp_path / "a.wav", 8000, table)
    for name in ("a.npy", "a.npz", "a.wav"):
        refused(StimulusError, tmp_path / name, "row 2, column 1", f"got {bad}")
    assert read_series(tmp_path / "a.npy", column="0,2").values.shape == (4, 2)
    refused(StimulusError, tmp_path / "a.npy", "row 2, column 1", column="2,1")


@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.zeros(3, complex), "complex128"),
        (np.array(["a", "b"]), "<U1"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
        (np.zeros(2, dtype=[("a", "f8"), ("b", "f8")]), "'a'"),
        (np.zeros(2, dtype=np.longdouble), "float64"),
        (np.zeros((2, 2, 2)), "(2, 2, 2)"),
        (np.float64(3), "()"),
        (np.zeros((0, 3)), "(0, 3)"),
        (np.zeros((3, 0)), "(3, 0)"),
    ],
)
def test_arrays_that_are_no_series(tmp_path: Path, array: np.ndarray, part: str) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    refused(StimulusError, tmp_path / "a.npy", part)
    refused(StimulusError, tmp_path / "a.npz", part)


def test_objects_are_never_unpickled(tmp_path: Path, write: Write) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
            return _spring, (str(tmp_path / "sprung"),)

    array = np.array([Trap()], dtype=object)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    array.dump(tmp_path / "pickled")
    pickled = (tmp_path / "pickled").read_bytes()
    for path in (tmp_path / "a.npy", tmp_path / "a.npz", write("p.npy", pickled), write("p.npz", pickled)):
        refused(FileFormatError, path, "without objects", "save it again")
    assert not (tmp_path / "sprung").exists()


def _spring(path: str) -> None:
    Path(path).touch()


def test_npz_arrays_must_be_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", wind=np.ones(3), temp=np.ones(3))
    refused(StimulusError, tmp_path / "two.npz", "one array", "'wind', 'temp'", "column=")
    refused(StimulusError, tmp_path / "two.npz", "'wnd'", "did you mean 'wind'?", column="wnd")
    np.savez(tmp_path / "none.npz")
    refused(StimulusError, tmp_path / "none.npz", "one array", "[]")


def test_corrupt_files(tmp_path: Path, write: Write) -> None:
    for name, data in SOUND.items():
        assert read_series(write(name, data)).values.size
        refused(FileFormatError, write(name, data[: len(data) // 2]), "got:")
        with pytest.raises(FileFormatError) as info:
            read_series(write(name, data[: len(data) // 2]))
        assert info.value.__cause__ is not None
        refused(FileFormatError, write(name, b"no such thing"), "got:")
    refused(FileFormatError, write("npz.npy", SOUND["a.npz"]), "no array")
    refused(FileFormatError, write("torn.wav", SOUND["a.wav"][:-4]), "EOF")
    refused(FileFormatError, write("latin.csv", "grün\n1\n".encode("latin-1")), "UTF-8")
    refused(FileFormatError, write("utf16.csv", "a\n1\n".encode("utf-16")), "UTF-8")
    refused(FileFormatError, write("long.csv", "a\n" + "1" * 200_000), "field larger")


def test_wav_without_a_rate(write: Write) -> None:
    data = bytearray(SOUND["a.wav"])
    data[24:32] = bytes(8)
    refused(FileFormatError, write("a.wav", bytes(data)), "ZeroDivisionError")


# -- scaling -----------------------------------------------------------------------------------------------------------


def test_scale_closed_form() -> None:
    values = np.array([[0.0, 5.0, -1.0], [1.0, 5.0, 3.0], [4.0, 5.0, 1.0]])
    assert_allclose(scale_series(values, "minmax"), [[-1, 0, -1], [-0.5, 0, 1], [1, 0, 0]])
    spread = np.array([np.sqrt(26 / 9), 1, np.sqrt(8 / 3)])
    assert_allclose(scale_series(values, "zscore"), (values - values.mean(axis=0)) / spread)
    same = scale_series(values, "none")
    assert_array_equal(same, values)
    assert same is not values and not np.shares_memory(same, values)


def test_scale_constant_channel_is_exactly_zero() -> None:
    for how in ("minmax", "zscore"):
        assert_array_equal(scale_series(np.full((3, 2), 0.1), how), np.zeros((3, 2)))
        assert_array_equal(scale_series(np.zeros(4), how), np.zeros(4))


finite = st.floats(allow_nan=False, allow_infinity=False)
tables = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite)


@given(tables)
@example(np.array([[-1.7e308], [1.7e308]]))
@example(np.array([[0.0], [5e-324]]))
def test_scale_properties(values: np.ndarray) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        minmax, zscore = scale_series(values, "minmax"), scale_series(values, "zscore")
    assert minmax.shape == zscore.shape == values.shape and np.isfinite(zscore).all()
    assert np.abs(minmax).max() <= 1
    for before, low_high, z in zip(values.T, minmax.T, zscore.T, strict=True):
        assert_array_equal(scale_series(before, "minmax"), low_high)
        size = np.abs(before).max()
        if np.ptp(before / max(size, 1e-300)) > 1e-6:
            assert low_high.min() == -1 and low_high.max() == 1
            assert_array_equal(np.sign(np.diff(low_high)) * np.sign(np.diff(before / 2)) >= 0, True)
            assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-6)


def test_scale_errors() -> None:
    with pytest.raises(StimulusError, match=r"'min-max' \(did you mean 'minmax'\?\)"):
        scale_series(TABLE, "min-max")
    for values, rule in (
        ([[np.nan]], "finite"),
        ([np.inf, 1], "finite"),
        ([], "not be empty"),
        (3.0, "1 or 2 dimension"),
        (np.zeros((2, 2, 2)), "1 or 2 dimension"),
        (np.ma.masked_array([0.1, 1e20, 0.3], mask=[0, 1, 0]), "hold no masked values, got 1 of 3 masked"),
        (np.array(["2020-01-01", "NaT"], "M8[D]"), "real numbers, got an array of datetime64"),
        (np.zeros(2, complex), "real numbers, got an array of complex128"),
    ):
        for how in ("minmax", "zscore", "none"):
            with pytest.raises(StimulusError, match=f"values must (be |have )?{rule}"):
                scale_series(values, how)


# -- shipped data ------------------------------------------------------------------------------------------------------

#: name: sum of the tenths of m/s in each month, computed from the source files of pvlib 0.16.1
WIND = {
    "wind_sand_point": (23.7, [36877, 32011, 40720, 36486, 31493, 37686, 23363, 29903, 39158, 42996, 45489, 48125]),
    "wind_greensboro": (15.4, [23606, 24693, 28273, 22448, 20956, 21995, 19462, 17530, 15416, 22931, 25892, 24367]),
}


@pytest.mark.parametrize("name", WIND)
def test_shipped_wind(name: str) -> None:
    largest, sums = WIND[name]
    series = read_series(shipped_series(name))
    check(series)
    wind = series.values[:, 0]
    assert series.names == ("wind_speed_m_per_s",) and series.source == f"{name}.npz"
    assert wind.shape == (8760,) and wind.min() == 0 and wind.max() == largest
    edges = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 24
    tenths = np.rint(wind * 10)
    assert_array_equal(tenths / 10, wind)  # as published, with one decimal
    assert [int(tenths[a:b].sum()) for a, b in pairwise(edges)] == sums


def test_shipped_names() -> None:
    assert {path.stem for path in shipped_series("wind_greensboro").parent.glob("*wind*")} == set(WIND)
    with pytest.raises(StimulusError, match="unknown shipped series 'japanese_vowels'"):
        shipped_series("japanese_vowels")
    with pytest.raises(StimulusError, match=r"'wind_greenboro' \(did you mean 'wind_greensboro'\?\)"):
        shipped_series("wind_greenboro")
    with pytest.raises(StimulusError, match="unknown shipped series"):
        shipped_series("../errors")


# -- properties --------------------------------------------------------------------------------------------------------


@given(tables, st.sampled_from([",", ";", "\t", " "]), st.booleans())
def test_any_table_reads_back_equal(values: np.ndarray, delimiter: str, header: bool) -> None:
    assume(values.shape[1] == 1 or not is_clock(values[:, 0]))  # a first column that is one is left out
    with tempfile.TemporaryDirectory() as folder:
        text, binary, packed = (Path(folder) / f"a.{ending}" for ending in ("csv", "npy", "npz"))
        names = delimiter.join(f"c{i}" for i in range(values.shape[1])) if header else ""
        np.savetxt(text, values, delimiter=delimiter, header=names, comments="")
        np.save(binary, values)
        np.savez(packed, values)
        for path in (text, binary, packed):
            series = read_series(path)
            check(series)
            assert_array_equal(series.values, values)


@given(hnp.arrays(np.float64, st.integers(1, 20), elements=finite))
def test_any_1d_array_reads_back_equal(values: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "a.npy", values)
        np.savetxt(Path(folder) / "a.txt", values)
        for name in ("a.npy", "a.txt"):
            assert_array_equal(read_series(Path(folder) / name).values[:, 0], values)


def _sound() -> dict[str, bytes]:
    npy, npz, packed, sound = (io.BytesIO() for _ in range(4))
    np.save(npy, TABLE)
    np.savez(npz, a=TABLE)
    np.savez_compressed(packed, a=TABLE)
    wavfile.write(sound, 8000, np.arange(20, dtype="i2").reshape(10, 2))
    return {"a.npy": npy.getvalue(), "a.npz": npz.getvalue(), "b.npz": packed.getvalue(), "a.wav": sound.getvalue()}


SOUND = _sound()
ENDINGS = st.sampled_from([".csv", ".txt", ".tsv", ".npy", ".npz", ".wav"])
COLUMNS = st.sampled_from([None, None, "a", "0", "1,0", 1])
MANY = settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])


def _series_or_own_error(ending: str, data: bytes, column: str | int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        path.write_bytes(data)
        try:
            series = read_series(path, column=column)
        except HeteroError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            check(series)


@pytest.mark.parametrize(
    ("times", "clock"),
    [
        ([0, 1, 2, 3], True),
        ([-0.5, 0, 0.5, 1], True),
        ([1.7e9, 1.7e9 + 0.1, 1.7e9 + 0.2, 1.7e9 + 0.3], True),
        ([0.033, 0.067, 0.1, 0.133], True),  # 30 a second, rounded
        ([0, 1, 2, 4], False),
        ([3, 2, 1, 0], False),
        ([1, 1, 1, 1], False),
        ([0, 2, 1, 3], False),
        ([-1.7e308, 0, 1e307, 1.7e308], False),
        ([0, 1], False),
    ],
)
def test_a_clock_is_no_channel(write: Write, times: list[float], clock: bool) -> None:
    path = write("a.csv", "t,x,y\n" + "".join(f"{t!r},{k**2},{-k}\n" for k, t in enumerate(times)))
    series = read_series(path)
    assert series.names == (("x", "y") if clock else ("t", "x", "y"))
    assert series.left_out == ((("t", "evenly spaced"),) if clock else ())
    assert_array_equal(series.values[:, -2:], [(k**2, -k) for k in range(len(times))])
    asked = read_series(path, column="t,x")
    assert asked.names == ("t", "x") and asked.left_out == ()
    assert read_series(write("b.csv", "t\n" + "\n".join(map(repr, times)))).names == ("t",)  # there is no other


def test_columns_as_a_list(write: Write) -> None:
    path = write("a.csv", 't,sine,"a,b"\n0,5,7\n1,4,6\n')
    for column in (["a,b", "sine"], ("a,b", 1), [2, 1]):
        series = read_series(path, column=column)
        assert series.names == ("a,b", "sine")
        assert_array_equal(series.values, [[7, 5], [6, 4]])
    for column, words in ((["sin"], "unknown column 'sin'.*'sine'"), ([], "must name a channel")):
        with pytest.raises(StimulusError, match=words):
            read_series(path, column=column)


@MANY
@given(st.binary(max_size=300), ENDINGS, COLUMNS)
@example(b"\x93NUMPY", ".npy", None)
@example(b"PK\x05\x06" + bytes(18), ".npz", None)
@example(b"RIFF\xff\xff\xff\xffWAVEfmt ", ".wav", None)
@example(b"\xff\xfe1\x00", ".csv", None)
@example(b"1\x002\n", ".csv", None)
@example(b'"1\n2', ".csv", None)
@pytest.mark.filterwarnings("ignore")
def test_random_bytes(data: bytes, ending: str, column: str | int | None) -> None:
    _series_or_own_error(ending, data, column)


@MANY
@given(st.text(alphabet='0123456789.,;-+e\t \n\r"#ab_:\x0b\x1c\u2028é', max_size=80), COLUMNS)
def test_random_text(text: str, column: str | int | None) -> None:
    _series_or_own_error(".csv", text.encode(), column)


@MANY
@given(st.sampled_from(sorted(SOUND)), st.data())
@pytest.mark.filterwarnings("ignore")
def test_damaged_files(name: str, data: st.DataObject) -> None:
    damaged = bytearray(SOUND[name])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(damaged), len(damaged), data.draw(st.integers(1, len(damaged)))]))
    _series_or_own_error(Path(name).suffix, bytes(damaged[:cut]), data.draw(COLUMNS))


@MANY
@given(
    st.text(alphabet="{}()[]'<>|fiOVUSMm,: descrfortan_oshpTrueFals0123456789-", max_size=60), st.binary(max_size=64)
)
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }", b"")
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", bytes(8))
@example("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8))
@example("((((((((((", b"")
@pytest.mark.filterwarnings("ignore")
def test_random_npy_headers(header: str, data: bytes) -> None:
    raw = header.encode() + b"\n"
    _series_or_own_error(".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(raw)) + raw + data, None)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFormatError, match=r"nofile\.csv: no such file: check the path$"):
        read_series(tmp_path / "nofile.csv")
