"""A page that is served: made anew as its files grow, to this machine alone, and no more often than it can be paid."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection

import pytest
from helpers import ROOT, exit_2, refused
from searches import write_search

from hetero_rsnn.common.errors import OutputError
from hetero_rsnn.report import serving
from hetero_rsnn.report.serving import Pages, page_server
from hetero_rsnn.searching.result import SearchResult


@pytest.fixture
def served(tmp_path):
    """A file, how often its page was made, and the address where it is served."""
    file, made = tmp_path / "file", []
    file.write_text("one")

    def render(version: str) -> str:
        made.append(version)
        return f"<p>{file.read_text()}</p>"

    server = page_server(Pages([file], render), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield file, made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def get(address: str) -> str:
    return urllib.request.urlopen(address, timeout=20).read().decode()


def test_a_page_is_made_anew_when_its_file_grows_and_only_then(served, monkeypatch):
    monkeypatch.setattr(serving, "_REST", 0.0)
    file, made, address = served
    assert get(address) == "<p>one</p>" and get(address) == "<p>one</p>"
    version = get(f"{address}/version")
    assert made == [version]
    file.write_text("one two")
    assert get(f"{address}/version") != version
    assert get(address) == "<p>one two</p>" and len(made) == 2


def test_a_page_that_takes_long_is_made_seldom(tmp_path, monkeypatch):
    clock = iter([0.0, 0.0, 2.0, 5.0, 19.9, 20.1, 20.1, 20.2])  # due, begun, made; too early twice; due, begun, made
    monkeypatch.setattr(serving.time, "monotonic", lambda: next(clock))
    file = tmp_path / "file"
    file.write_text("1")
    pages = Pages([file], lambda version: file.read_text())
    assert pages.page() == "1"
    file.write_text("12")
    assert [pages.page() for _ in range(3)] == ["1", "1", "12"]


def test_other_paths_and_other_hosts_get_nothing(served):
    _, made, address = served
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{address}/etc/passwd")
    connection = HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request("GET", "/", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403 and made == []
    connection.close()


def test_what_cannot_be_read_is_told_and_tried_again(tmp_path):
    journal = tmp_path / "j.jsonl"
    server = page_server(Pages([journal], lambda v: str(SearchResult.from_journal(journal))), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(f"http://127.0.0.1:{server.server_port}/")
        assert caught.value.code == 500 and "there is no journal" in caught.value.read().decode()
        write_search(journal, space="quick", trials=3, ended=False)
        assert "search of 'quick'" in get(f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_port_in_use_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pages = Pages([tmp_path], lambda version: "")
        refused(lambda: page_server(pages, "127.0.0.1", port), str(port), "in use", "choose another", error=OutputError)


@pytest.mark.parametrize("word", ["nothing", "65536", "-1", "localhost:", "1.5"])
def test_no_port(run, tmp_path, word):
    write_search(tmp_path / "j.jsonl", space="quick", trials=1, ended=False)
    exit_2(run("show", "j.jsonl", f"--serve={word}"), "--serve takes a port", word)


def test_out_is_for_what_ends(run, tmp_path):
    write_search(tmp_path / "j.jsonl", space="quick", trials=1, ended=False)
    exit_2(run("show", "j.jsonl", "--serve", "0", "--out", "res"), "--out", "--html")


@pytest.fixture
def command(tmp_path):
    """`show --serve` of a search that goes on; the process, its journal, the address."""
    write_search(tmp_path / "whole.jsonl", space="quick", trials=12, seeds=4)
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    journal = tmp_path / "j.jsonl"
    journal.write_text("".join(lines[:12]))
    words = [
        sys.executable,
        "-m",
        "hetero_rsnn.cli",
        "show",
        "j.jsonl",
        "--serve",
        "0",
        "--no-figures",
        "--html",
        "p.html",
    ]
    process = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    first = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", first)
    assert found and first.startswith("serving j.jsonl at") and "p.html" in first, first + process.stderr.read()
    yield process, journal, lines[12:], found[0]
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.slow
def test_the_command_serves_writes_and_ends_with_one_line(command, tmp_path):
    process, journal, rest, address = command
    assert "Search of the space" in get(address)
    file = (tmp_path / "p.html").read_text()
    assert "connect-src" in get(address) and "connect-src" not in file and '"live":""' in file
    with journal.open("a") as out:
        out.write("".join(rest))
    for _ in range(300):
        if "The search has ended" in (tmp_path / "p.html").read_text():
            break
        threading.Event().wait(0.2)  # nobody asks, and yet the file is written anew
    else:
        pytest.fail("the file was not written anew")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "stopped serving j.jsonl\n" and err == ""


@pytest.mark.slow
def test_a_browser_follows_a_running_search_and_keeps_what_is_marked(command, chromium):
    _, journal, rest, address = command
    chromium.open(address)
    before = chromium.js("document.querySelectorAll('.trials tbody tr').length")
    chromium.click("tr[data-row='0.1'] .mark")
    chromium.js("Page.set({sort: '-C', find: 'trial'})")
    for line in rest[:6]:
        with journal.open("a") as out:
            out.write(line)
    chromium.until(f"document.querySelectorAll('.trials tbody tr').length > {before}")
    assert chromium.js("document.querySelector('tr.marked').dataset.row") == "0.1"
    assert chromium.js("document.querySelector('#find').value") == "trial"
    order = chromium.js("[...document.querySelectorAll('.trials td:nth-child(3)')].map((c) => c.dataset.v)")
    numbers = [float(v) for v in order if v]
    assert len(numbers) > 3 and numbers == sorted(numbers, reverse=True)
    assert chromium.js("document.querySelector('#live').textContent") == "live"
