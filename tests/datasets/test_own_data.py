"""Data sets from files of one's own: what is read, how it is split, and what is refused in one line."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.own_data import read_samples
from hetero_rsnn.datasets.own_samples import STILL
from hetero_rsnn.datasets.own_series import read_own_series


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def vowels(folder: Path) -> tuple[hr.Dataset, Path]:
    """Part of a shipped data set as a table, a row a frame; the utterances are of unequal lengths."""
    data = hr.load_dataset("japanese_vowels")
    rows = ["utterance,frame,speaker,part," + ",".join(data.channels)]
    for k in range(0, len(data), 16):
        part = "test" if k in data.test else "train"
        for t, frame in enumerate(data.X[k]):
            rows.append(f"u{k},{t},{data.classes[data.y[k]]},{part}," + ",".join(map(repr, frame.tolist())))
    return data, written(folder / "vowels.csv", "\n".join(rows))


def test_a_table_of_series_holds_the_numbers_that_were_written(tmp_path):
    data, path = vowels(tmp_path)
    with pytest.warns(UserWarning, match=r"left out as no channel: 'frame' \(a clock\)"):
        found = hr.labelled_dataset(path, label="speaker", sample="utterance", split="part")
    chosen = range(0, len(data), 16)
    assert found.channels == data.channels and len(found) == len(chosen) and found.kind == "series"
    assert all(np.array_equal(x, data.X[k]) for x, k in zip(found.X, chosen, strict=True))
    assert [found.classes[c] for c in found.y] == [data.classes[data.y[k]] for k in chosen]
    assert found.train.tolist() == [i for i, k in enumerate(chosen) if k in data.train]
    assert found.test.tolist() == [i for i, k in enumerate(chosen) if k in data.test]


def test_rows_of_a_sample_need_not_stand_together(tmp_path):
    text = "id,x,label\na,1,p\nb,5,q\na,2,p\nb,6,q\nc,9,p\nd,8,q\n"
    found = hr.labelled_dataset(written(tmp_path / "t.csv", text), sample="id")
    assert [x.tolist() for x in found.X] == [[[1], [2]], [[5], [6]], [[9]], [[8]]]


def test_a_row_of_a_still_table_is_held(tmp_path):
    text = "\n".join(["w,h,label", *(f"{k}.5,{-k},{'ab'[k % 2]}" for k in range(12))])
    found = hr.labelled_dataset(written(tmp_path / "t.csv", text))
    assert found.X[3].tolist() == [[3.5, -3.0]] * STILL and found.details["still"]
    assert len(found.test) == 4 and np.bincount(found.y[found.test]).tolist() == [2, 2]


def test_a_quarter_of_each_class_is_held_out_and_the_seed_chooses(tmp_path):
    rows = [f"{k},{'a' if k < 20 else 'b'}" for k in range(28)]
    path = written(tmp_path / "t.csv", "\n".join(["x,label", *rows]))
    first = hr.labelled_dataset(path)
    assert np.bincount(first.y[first.test]).tolist() == [5, 2]
    assert np.array_equal(hr.labelled_dataset(path, split_seed=0).test, first.test)
    assert not np.array_equal(hr.labelled_dataset(path, split_seed=1).test, first.test)
    assert np.bincount(
        hr.labelled_dataset(path, test_share=0.5).y[hr.labelled_dataset(path, test_share=0.5).test]
    ).tolist() == [10, 4]


def test_whole_groups_are_held_out(tmp_path):
    rows = [f"{k},{'ab'[k % 2]},g{k // 4}" for k in range(40)]
    path = written(tmp_path / "t.csv", "\n".join(["x,label,who", *rows]))
    for seed in range(5):
        found = hr.labelled_dataset(path, groups="who", split_seed=seed)
        inside, outside = set(found.groups[found.train]), set(found.groups[found.test])
        assert not inside & outside and 8 <= len(found.test) <= 12


def test_a_class_is_never_held_out_with_its_only_group(tmp_path):
    rows = [*(f"{k},a,g{k // 2}" for k in range(8)), "8,b,alone", "9,b,alone"]
    path = written(tmp_path / "t.csv", "\n".join(["x,label,who", *rows]))
    for seed in range(8):
        found = hr.labelled_dataset(path, groups="who", split_seed=seed)
        assert "alone" not in found.groups[found.test]


def test_npz_in_its_three_layouts(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 6, 2)), np.array(["a", "b"] * 4)
    lengths = np.array([6, 3, 5, 6, 2, 6, 4, 1])
    np.savez(tmp_path / "full.npz", X=X, y=y)
    np.savez(tmp_path / "padded.npz", X=X, y=y, lengths=lengths)
    rows = [x[:n] for x, n in zip(X, lengths, strict=True)]
    np.savez(tmp_path / "joined.npz", X=np.concatenate(rows), y=y, lengths=lengths)
    np.savez(tmp_path / "still.npz", X=X[:, 0], y=np.arange(8) % 2, channels=np.array(["u", "v"]))
    full, padded, joined, still = (
        hr.labelled_dataset(tmp_path / f"{n}.npz") for n in ("full", "padded", "joined", "still")
    )
    assert np.array_equal(np.array(full.X), X)
    for a, b, x, n in zip(padded.X, joined.X, X, lengths, strict=True):
        assert np.array_equal(a, x[:n]) and np.array_equal(b, x[:n])
    assert np.array_equal(still.X[2], np.repeat(X[2, :1], STILL, axis=0)) and still.channels == ("u", "v")
    assert still.classes == ("0", "1")


def test_npz_says_how_it_is_split(tmp_path):
    split = np.array(["train", "Test", "train", "test", "train", "train"])
    np.savez(tmp_path / "a.npz", X=np.ones((6, 3, 1)), y=[0, 0, 1, 1, 0, 1], split=split)
    found = hr.labelled_dataset(tmp_path / "a.npz")
    assert found.test.tolist() == [1, 3] and found.notes == "split as the file says"
    with pytest.raises(HeteroError, match="leave share and seed away"):
        hr.labelled_dataset(tmp_path / "a.npz", test_share=0.5)


def sounds(folder: Path, rate: int = 8000, count: int = 6, stereo: bool = False) -> Path:
    rng = np.random.default_rng(1)
    for k in range(count):
        for kind, wave in (("hum", np.sin(np.arange(1600) * 0.2)), ("hiss", rng.normal(0, 0.2, 1600))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            pcm = (20000 * np.clip(wave, -1, 1)).astype(np.int16)
            wavfile.write(folder / kind / f"{k}.wav", rate, np.stack([pcm, pcm], 1) if stereo else pcm)
    return folder


def test_folders_of_sounds_and_names_before_the_first_underscore(tmp_path):
    folders = hr.labelled_dataset(sounds(tmp_path / "s", rate=22050))
    assert folders.kind == "audio" and folders.classes == ("hiss", "hum") and folders.details["rate_hz"] == 22050
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (tmp_path / "s").glob("*/*.wav"):
        path.rename(flat / f"{path.parent.name}_{path.name}")
    named = hr.labelled_dataset(flat)
    assert named.classes == folders.classes and all(
        np.array_equal(a, b) for a, b in zip(named.X, folders.X, strict=True)
    )


def test_two_channels_of_sound_are_averaged_and_it_is_said(tmp_path):
    one = hr.labelled_dataset(sounds(tmp_path / "mono"))
    with pytest.warns(UserWarning, match="averaged"):
        two = hr.labelled_dataset(sounds(tmp_path / "stereo", stereo=True))
    assert np.allclose(one.X[0], two.X[0])


TABLES = [
    ("a,b\n1,2\n3,4\n", {}, ["no column of labels", "a, b", "name the one with the labels"]),
    ("a,label,Class\n1,x,y\n", {}, ["several columns of labels (label, Class)"]),
    ("a,label\n1,x\n2,x\n", {}, ["two classes", "x alone"]),
    ("a,label\n1,x\n2,x\n3,y\n", {}, ["one sample", "'y'"]),
    ("a,label\n1,x\nnan,x\n3,y\n4,y\n", {}, ["line 3, column 'a'", "finite", "nan"]),
    ("a,label\n1,x\n2,x\nlong,y\n4,y\n", {}, ["line 4, column 'a'", "'long'"]),
    ("a,label\n1,x\n2,\n3,y\n4,y\n", {}, ["line 3, column 'label'", "empty"]),
    ("a,label\n1,x\n2\n", {}, ["line 3", "2 fields"]),
    ("a,label\nu,x\nv,y\n", {}, ["no", "column of numbers", "labels"]),
    ("a,label\n", {}, ["at least one sample"]),
    ("a,kind\n1,x\n2,y\n", {"label": "kin"}, ["did you mean 'kind'"]),
    ("id,a,label\np,1,x\np,2,y\n", {"sample": "id"}, ["line 3", "sample p", "one label", "'y' after 'x' in line 2"]),
    ("id,a,label\np,1,x\n,2,y\n", {"sample": "id"}, ["line 3", "which sample"]),
    ("a,label\n1,x\n2,y\n", {"sample": "label"}, ["different columns"]),
    ("a,label,s\n1,x,train\n2,y,later\n", {"split": "s"}, ["line 3", "train or test", "later"]),
    ("a,label,s\n1,x,train\n2,x,train\n3,y,test\n4,y,test\n", {"split": "s"}, ["'y'", "never learned"]),
    ("a,label\n1,x\n2,x\n3,y\n4,y\n", {"test_share": 1.5}, ["test_share", "1.5"]),
    ("a,label\n1,x\n2,x\n3,y\n4,y\n", {"split_seed": -1}, ["split_seed", "-1"]),
    ("a,label,g\n1,x,k\n2,x,k\n3,y,k\n4,y,k\n", {"groups": "g"}, ["at least two", "'k'"]),
    ("a,label,g\n1,x,k\n2,x,k\n3,y,m\n4,y,m\n", {"groups": "g"}, ["no group can be held out"]),
]


@pytest.mark.parametrize(("text", "options", "words"), TABLES)
def test_mistakes_in_tables_end_in_one_line(tmp_path, text, options, words):
    path = written(tmp_path / "t.csv", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(HeteroError) as caught:
            hr.labelled_dataset(path, **options)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_mistakes_in_npz_end_in_one_line(tmp_path):
    path, X = tmp_path / "a.npz", np.ones((4, 3, 1))

    def refused(*words: str, **arrays: object) -> None:
        np.savez(path, **arrays)
        with pytest.raises(HeteroError) as caught:
            hr.labelled_dataset(path)
        assert "\n" not in str(caught.value) and all(word in str(caught.value) for word in words), str(caught.value)

    refused("array X", "data, y", data=X, y=[0, 1, 0, 1])
    refused("no array of labels", "X, z", X=X, z=[0, 1, 0, 1])
    refused("y must hold one entry a sample (4)", X=X, y=[0, 1])
    refused("whole numbers", X=X, y=[0.5, 1, 0, 1])
    refused("finite", X=np.where(np.arange(4)[:, None, None] == 2, np.nan, X), y=[0, 1, 0, 1])
    refused("lengths", "add up", X=X[0], y=[0, 1], lengths=[1, 1])
    refused("at most 3 rows", X=X, y=[0, 1, 0, 1], lengths=[1, 2, 3, 4])
    refused("channels", "different names", X=np.ones((4, 3, 2)), y=[0, 1, 0, 1], channels=["a", "a"])
    refused("without objects", X=np.array([X, None], dtype=object), y=[0, 1])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(HeteroError, match="sound npz file"):
        hr.labelled_dataset(path)


def test_mistakes_in_folders_end_in_one_line(tmp_path):
    with pytest.raises(HeteroError, match="no such file or folder"):
        hr.labelled_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeteroError, match="must hold wav files"):
        hr.labelled_dataset(tmp_path / "empty")
    folder = sounds(tmp_path / "s", count=2)
    with pytest.raises(HeteroError, match="label is for other data"):
        hr.labelled_dataset(folder, label="x")
    wavfile.write(folder / "hum" / "9.wav", 16000, np.ones(100, np.int16))
    with pytest.raises(HeteroError, match=r"9.wav: must have the rate of 0.wav, 8000 Hz, got 16000 Hz"):
        hr.labelled_dataset(folder)
    (folder / "hum" / "9.wav").write_bytes(b"RIFF and nothing")
    with pytest.raises(HeteroError, match=r"9.wav: must be a whole PCM or float wav file"):
        hr.labelled_dataset(folder)
    (folder / "hum" / "9.wav").unlink()
    (folder / "noname.wav").write_bytes((folder / "hum" / "0.wav").read_bytes())
    with pytest.raises(HeteroError, match="label must be a folder"):
        hr.labelled_dataset(folder)
    with pytest.raises(HeteroError, match=r"end in \.csv"):
        hr.labelled_dataset(written(tmp_path / "a.xlsx", "1"))


def hourly(count: int = 40, skip: int | None = None) -> str:
    start = np.datetime64("2021-01-30T00:00")
    rows = [f"{start + np.timedelta64(k, 'h')},{k % 7}.5,{k * k % 11}" for k in range(count) if k != skip]
    return "\n".join(["when,wind,gust", *rows])


def test_a_series_is_cut_in_time_and_the_times_give_its_step(tmp_path):
    path = written(tmp_path / "wind.csv", hourly())
    found = hr.series_dataset(path, column="gust")
    assert found.interval_ms == 3.6e6 and found.channels == ("gust",) and found.details["targets"] == ["gust"]
    assert [len(x) for x in found.X] == [30, 10]
    assert np.concatenate(found.X)[:, 0].tolist() == [k * k % 11 for k in range(40)]
    both = hr.series_dataset(path, test_share=0.5)
    assert both.channels == ("wind", "gust") and [len(x) for x in both.X] == [20, 20]


def test_a_gap_in_the_times_is_refused_with_its_line_and_can_be_allowed(tmp_path):
    path = written(tmp_path / "wind.csv", hourly(skip=9))
    with pytest.raises(HeteroError, match="line 11, column 'when': the row comes 2 h after the one before, where 1 h"):
        hr.series_dataset(path)
    assert len(hr.series_dataset(path, uneven=True).X[0]) == 29
    text = "time,x\n" + "\n".join(f"{t},{t % 3}" for t in (0, 1, 2, 3, 3, 4, 5))
    with pytest.raises(HeteroError, match="line 6, column 'time': the row does not come after"):
        hr.series_dataset(written(tmp_path / "t.csv", text))


def test_months_are_no_gaps(tmp_path):
    days = [f"20{y}-{m:02d}-01,{m}" for y in (20, 21) for m in range(1, 13)]
    assert len(hr.series_dataset(written(tmp_path / "m.csv", "\n".join(["month,x", *days])))) == 2


def test_a_gap_in_the_numbers_is_refused_with_its_line(tmp_path):
    path = written(tmp_path / "wind.csv", hourly().replace(",3.5,", ",,", 1))
    with pytest.raises(HeteroError, match="line 5, column 'wind'"):
        hr.series_dataset(path)


def test_several_series_in_one_file(tmp_path):
    rows = [f"{s},{t},{t * (1 if s == 'north' else -1)}" for s in ("north", "south") for t in range(8)]
    path = written(tmp_path / "s.csv", "\n".join(["station,time,x", *rows]))
    found = hr.series_dataset(path, sample="station")
    assert [x[:, 0].tolist() for x in found.X] == [[0, 1, 2, 3, 4, 5], [0, -1, -2, -3, -4, -5], [6, 7], [-6, -7]]
    assert found.train.tolist() == [0, 1] and found.test.tolist() == [2, 3]
    np.savez(tmp_path / "s.npz", X=np.arange(12.0), lengths=[8, 4])
    again = hr.series_dataset(tmp_path / "s.npz")
    assert [len(x) for x in again.X] == [6, 3, 2, 1]
    assert read_own_series(tmp_path / "s.npz").channels == ("0",)


def test_samples_without_labels_are_read_for_predictions(tmp_path):
    found = read_samples(written(tmp_path / "t.csv", "a,b\n1,2\n3,4\n"), labelled=False)
    assert found.labels is None and found.names == ["line 2", "line 3"] and found.channels == ("a", "b")


CELLS = st.sampled_from(
    ["1", "2.5", "-3", "nan", "", "a", "b", "1,5", "2021-01-01", "2021-01-03", '"', "train", "\x00", "1e400"]
)
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUZZ
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8), options=st.sampled_from([{}, {"sample": "0"}])
)
def test_any_table_is_read_or_refused_in_one_line(tmp_path, rows, options):
    """Never another exception, whatever the cells are."""
    path = written(tmp_path / "t.csv", "\n".join(map(",".join, rows)))
    for call in (lambda: hr.labelled_dataset(path, label="1", **options), lambda: hr.series_dataset(path, **options)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data = call()
            except HeteroError as error:
                assert "\n" not in str(error)
            else:
                assert all(np.isfinite(x).all() and len(x) for x in data.X)
                assert not set(data.train.tolist()) & set(data.test.tolist())
