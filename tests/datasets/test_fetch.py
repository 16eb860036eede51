"""Tests of hetero_rsnn.datasets.fetch and of ``hetero-rsnn data``, with a server on this machine."""

from __future__ import annotations

import hashlib
import io
import logging
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy.io import wavfile

from hetero_rsnn.common.errors import FetchError, FileFormatError, OutputError
from hetero_rsnn.datasets import sources
from hetero_rsnn.datasets.catalogue import list_datasets, load_dataset
from hetero_rsnn.datasets.fetch import fetch_dataset
from hetero_rsnn.datasets.sources import SOURCES, RemoteFile

pytest.importorskip("pooch")

NAME, ARCHIVE = "free_spoken_digits", "free-spoken-digits.zip"


def archive() -> bytes:
    wave, packed = io.BytesIO(), io.BytesIO()
    wavfile.write(wave, 8000, np.arange(50, dtype=np.int16))
    with zipfile.ZipFile(packed, "w") as file:
        for take in (0, 7):
            file.writestr(zipfile.ZipInfo(f"recordings/3_ada_{take}.wav"), wave.getvalue())
    return packed.getvalue()


class Server(BaseHTTPRequestHandler):
    """Gives the files of `content`; remembers what was asked for."""

    content: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []
    cut = 0

    def do_GET(self) -> None:
        self.asked.append(self.path)
        data = self.content.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) - self.cut])

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a mirror that has both data sets, with checksums to match."""
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.delenv("HETERO_RSNN_MIRROR", raising=False)
    data = archive()
    digits = RemoteFile(ARCHIVE, f"https://example.org/a/{ARCHIVE}", f"sha256:{hashlib.sha256(data).hexdigest()}")
    monkeypatch.setitem(SOURCES, NAME, replace(SOURCES[NAME], files=(digits,)))
    parts = {f"shd_{part}.h5.zip": part.encode() for part in ("train", "test")}
    monkeypatch.setitem(
        SOURCES,
        "shd",
        replace(
            SOURCES["shd"],
            files=tuple(
                RemoteFile(name, f"https://example.org/{name}", f"md5:{hashlib.md5(text).hexdigest()}")
                for name, text in parts.items()
            ),
        ),
    )
    Server.content = {f"/a/{ARCHIVE}": data} | {f"/{name}": text for name, text in parts.items()}
    Server.asked, Server.cut = [], 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def refused(kind: type[Exception], *parts: str, **options: Any) -> None:
    with pytest.raises(kind) as info:
        fetch_dataset(options.pop("name", NAME), **options)
    message = str(info.value)
    assert "\n" not in message and len(message) < 500
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"


def test_checksums_are_those_that_were_published() -> None:
    found = {f.name: f.checksum for source in SOURCES.values() for f in source.files}
    assert found == {
        "free-spoken-digit-dataset-1.0.9.tar.gz": "sha256:"
        "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
        "shd_train.h5.zip": "md5:f3252aeb598ac776c1b526422d90eecb",
        "shd_test.h5.zip": "md5:1503a5064faa34311c398fb0a1ed0a6f",
    }
    assert all(f.url.startswith("https://") for source in SOURCES.values() for f in source.files)


def test_fetched_data_load(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pooch

    said: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = said.append  # type: ignore[method-assign]
    pooch.get_logger().addHandler(listener)
    folder = tmp_path / "new" / "folder"
    paths = fetch_dataset(NAME, folder, base_url=server + "/")
    assert paths == [folder / ARCHIVE] and list(folder.iterdir()) == paths
    assert paths[0].read_bytes() == archive()
    (tmp_path / "other").touch()
    assert paths[0].stat().st_mode == (tmp_path / "other").stat().st_mode
    assert repr(load_dataset(NAME, data_dir=folder)).count("1 train + 1 test") == 1
    pooch.get_logger().removeHandler(listener)
    assert capsys.readouterr() == ("", "") and not said


def test_a_file_that_is_there_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    first = fetch_dataset("shd", tmp_path, base_url=server)
    times = [path.stat().st_mtime_ns for path in first]
    assert [path.name for path in first] == ["shd_train.h5.zip", "shd_test.h5.zip"] and len(Server.asked) == 2
    assert fetch_dataset("shd", tmp_path, base_url=server) == first
    assert len(Server.asked) == 2 and [path.stat().st_mtime_ns for path in first] == times
    first[1].unlink()
    assert fetch_dataset("shd", tmp_path, base_url=server) == first
    assert Server.asked[2:] == ["/shd_test.h5.zip"]


def test_another_file_of_that_name_is_left_alone(server: str, tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(b"mine")
    refused(FileFormatError, str(tmp_path / ARCHIVE), "sha256", "move it away", data_dir=tmp_path, base_url=server)
    assert (tmp_path / ARCHIVE).read_bytes() == b"mine" and not Server.asked
    (tmp_path / "shd_test.h5.zip").write_bytes(b"mine")  # seen before the training file is fetched
    refused(FileFormatError, "shd_test.h5.zip", "md5", name="shd", data_dir=tmp_path, base_url=server)
    assert not Server.asked


@pytest.mark.parametrize("there", [False, True])
def test_failures_leave_nothing_behind(server: str, tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "data"
    if there:
        folder.mkdir()

    def clean() -> None:
        assert folder.exists() is there and not list(tmp_path.rglob("*.*")) and not list(folder.glob("*"))

    Server.content[f"/a/{ARCHIVE}"] = archive()[:-1] + b"x"
    refused(FetchError, "must have the checksum sha256:", "nothing was kept", data_dir=folder, base_url=server)
    clean()
    Server.cut = 30
    refused(FetchError, f"{server}/a/{ARCHIVE}", data_dir=folder, base_url=server)
    clean()
    Server.content.clear()
    refused(FetchError, f"{server}/a/{ARCHIVE}", "404", data_dir=folder, base_url=server)
    clean()
    closed = server.rpartition(":")[0] + ":1"
    refused(FetchError, "cannot be fetched", "ConnectionError", "check the network", data_dir=folder, base_url=closed)
    clean()


def test_an_interrupted_download_leaves_nothing_behind(server, tmp_path, monkeypatch) -> None:
    import pooch

    def interrupted(self: Any, url: str, output_file: Any, *_: Any) -> None:
        Path(output_file).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_dataset(NAME, tmp_path / "new", base_url=server)
    assert not (tmp_path / "new").exists()


def test_a_bar_is_shown_on_a_terminal(server, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fetch_dataset(NAME, tmp_path, base_url=server, progress=True)
    err = capsys.readouterr().err
    assert ARCHIVE in err and "Downloading" not in err


def test_what_arrived_whole_is_kept(server: str, tmp_path: Path) -> None:
    del Server.content["/shd_test.h5.zip"]
    refused(FetchError, "shd_test.h5.zip", "404", name="shd", data_dir=tmp_path / "new", base_url=server)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["shd_train.h5.zip"]


def test_wrong_arguments(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(FetchError, "'sdh' (did you mean 'shd'?)", name="sdh")
    refused(FetchError, "'wind'", "known: free_spoken_digits, shd", name="wind")
    for mirror in ("ftp://example.org", "file:///etc", "example.org", "http://"):
        refused(FetchError, "a mirror must be", repr(mirror), data_dir=tmp_path, base_url=mirror)
    (tmp_path / "file").write_text("x")
    refused(OutputError, "cannot write", data_dir=tmp_path / "file", base_url=server)
    monkeypatch.setitem(sys.modules, "pooch", None)
    refused(FetchError, 'pip install "hetero-rsnn[data]"', data_dir=tmp_path)


# -- the command line --------------------------------------------------------------------------------------------------


def test_data_lists_all_with_their_place(run, tmp_path, monkeypatch, server):
    monkeypatch.setenv("HETERO_RSNN_DATA", str(tmp_path / "data"))
    code, out, _ = run("data")
    assert code == 0
    for name, text in list_datasets().items():
        assert name in out and text in out
    assert "not here: hetero-rsnn data fetch free_spoken_digits" in out
    code, out, err = run("data", "fetch", NAME, "--mirror", server)
    path = tmp_path / "data" / ARCHIVE
    assert code == 0 and str(path) in out and "CC BY-SA 4.0" in out and not err
    assert f"in {path}" in run("data")[1]
    code, out, _ = run("data", "show", NAME)
    assert code == 0 and "2: 1 train, 1 test" in out and "3 1 + 1" in out and "ada 2" in out


def test_data_dir_and_mirror_from_the_environment(run, tmp_path, monkeypatch, server):
    monkeypatch.setenv("HETERO_RSNN_MIRROR", server)
    assert run("data", "fetch", NAME, "--data-dir", str(tmp_path / "a"))[0] == 0
    assert "1 train, 1 test" in run("data", "show", NAME, "--data-dir", str(tmp_path / "a"))[1]
    out = run("data", "--data-dir", str(tmp_path / "a"))[1]
    assert f"in {tmp_path / 'a' / ARCHIVE}" in out and f"data fetch shd --data-dir {tmp_path / 'a'}" in out


def test_data_show(run):
    code, out, _ = run("data", "show", "japanese_vowels")
    assert code == 0
    for part in ("270 train, 370 test", "7 to 29 rows", "12: lpc1", "speaker 3 30 + 88", "CC BY 4.0", "Kudo"):
        assert part in out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["show", "japanese_vowel"], ["japanese_vowel", "did you mean 'japanese_vowels'"]),
        (["show", "shd", "--data-dir", "nowhere"], ["nowhere", "hetero-rsnn data fetch shd --data-dir nowhere"]),
        (["fetch", "sdh"], ["did you mean 'shd'"]),
        (["fetch", "shd", "--mirror", "example.org"], ["a mirror must be"]),
        (["--data-dir", "x", "show", "wind"], ["--data-dir must follow"]),
    ],
)
def test_mistakes_end_in_one_line(run, words, parts):
    code, _, err = run("data", *words)
    assert code == 2 and len(err.strip().splitlines()) == 1 and "Traceback" not in err
    for part in parts:
        assert part in err


def test_fetch_of_what_comes_along(run):
    code, out, _ = run("data", "fetch", "wind")
    assert code == 0 and "needs no download" in out


def test_the_place_of_data(monkeypatch, tmp_path):
    monkeypatch.delenv("HETERO_RSNN_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert sources.data_folder() == tmp_path / ".cache" / "hetero_rsnn"
    monkeypatch.setenv("HETERO_RSNN_DATA", "~/data")
    assert sources.data_folder() == tmp_path / "data"
    assert sources.data_folder("there") == Path("there")
