"""What a journal acknowledged is there after any crash, and only a torn last line is forgiven."""

from __future__ import annotations

import binascii
import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.jobs.journal import FORMAT, Journal, read_journal

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of Unix")


def start(code, *arguments):
    """Start a Python process that prints what a test waits for."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def line_of(process):
    line = process.stdout.readline().strip()
    assert line, process.stderr.read()
    return line


def make(path, events=3):
    with Journal.create(path, {"seed": 1}) as journal:
        for number in range(events):
            journal.append({"event": "finished", "number": number})
    return journal


def error_of(path, **options):
    """Resuming fails, in one line, and changes nothing."""
    before = {p.name: p.read_bytes() for p in path.parent.iterdir() if p.is_file()}
    with pytest.raises(JournalError) as caught:
        Journal.resume(path, **options)
    assert {p.name: p.read_bytes() for p in path.parent.iterdir() if p.is_file()} == before
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def test_create_append_read_resume(tmp_path):
    path = tmp_path / "a" / "b" / "search.jsonl"
    with Journal.create(path, {"seed": 7, "space": {"tau_m": [5, 50]}}) as journal:
        assert journal.header == {"event": "search", "format": FORMAT, "seed": 7, "space": {"tau_m": [5, 50]}}
        found = journal.append({"event": "asked", "point": (np.float64(0.5), np.int64(3)), "E": math.nan, 5: None})
        assert found == {"event": "asked", "point": [0.5, 3], "E": None, "5": None}
        assert read_journal(path) == journal.events == [journal.header, found]
    with Journal.resume(path) as resumed:
        assert resumed.events == journal.events and resumed.torn is None
        resumed.append({"event": "finished"})
    assert [e["event"] for e in read_journal(path)] == ["search", "asked", "finished"]
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=lambda c: pytest.fail(c))
    assert [p.name for p in path.parent.iterdir()] == ["search.jsonl"]


def test_a_header_may_name_its_event(tmp_path):
    with Journal.create(tmp_path / "a", {"event": "search", "n": 1}) as journal:
        assert journal.header == {"event": "search", "format": FORMAT, "n": 1}
    for header in ({"event": "asked"}, {"format": 2}):
        with pytest.raises(JournalError, match="itself"):
            Journal.create(tmp_path / "b", header)
    assert not (tmp_path / "b").exists()


def test_create_refuses_what_is_there(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("precious")
    with pytest.raises(JournalError, match=r"exists already: resume it, or choose another path"):
        Journal.create(path, {})
    assert path.read_text() == "precious"
    path.write_text("")  # nothing to lose
    make(path)
    assert len(read_journal(path)) == 4
    with pytest.raises(JournalError, match="cannot open"):
        Journal.create(tmp_path, {})
    with pytest.raises(JournalError, match="cannot make the folder of"):
        Journal.create(path / "below" / "x", {})


def test_every_tear_of_the_last_line(tmp_path):
    make(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    start_of_last = data[:-1].rindex(b"\n") + 1
    for end in range(start_of_last, len(data)):
        path = tmp_path / f"{end}" / "journal"
        path.parent.mkdir()
        path.write_bytes(data[:end])
        assert [e.get("number") for e in read_journal(path)] == [None, 0, 1]
        assert path.read_bytes() == data[:end]  # reading changes nothing
        with Journal.resume(path) as journal:
            assert [e.get("number") for e in journal.events] == [None, 0, 1]
            journal.append({"event": "finished", "number": 2})
        assert path.read_bytes() == data
        torn = path.with_name("journal.torn")
        assert journal.torn == (torn if end > start_of_last else None)
        assert sorted(p.name for p in path.parent.iterdir()) == ["journal", "journal.torn"][: 1 + (end > start_of_last)]
        if journal.torn:
            assert torn.read_bytes() == data[start_of_last:end]


@pytest.mark.parametrize("tail", [b"\0" * 100, b'{"event": "fin\n', b"\xff\xfe\n", b"[1]\n", b'{"event": 3}\n'])
def test_other_torn_tails(tmp_path, tail):
    path = tmp_path / "journal"
    events = make(path).events
    for name in ("journal.torn", "journal.torn-2"):
        with open(path, "ab") as file:
            file.write(tail)
        assert read_journal(path) == events
        with Journal.resume(path) as journal:
            assert journal.events == events
        assert journal.torn == tmp_path / name and journal.torn.read_bytes() == tail
    assert len(read_journal(path)) == 4


def test_a_header_cannot_be_torn(tmp_path):
    path = tmp_path / "journal"
    make(path, events=0)
    data = path.read_bytes()
    for end in range(1, len(data)):
        path.write_bytes(data[:end])
        assert "is not the journal of a search" in error_of(path)
        with pytest.raises(JournalError, match="exists already"):
            Journal.create(path, {})
        with pytest.raises(JournalError, match="is not the journal of a search"):
            read_journal(path)


@pytest.mark.parametrize("broken", ["{", "3", '{"event": 1}', '{"event": "x", "v": NaN}', '{"event": "x"', "\0\0"])
def test_a_broken_line_in_the_middle(tmp_path, broken):
    path = tmp_path / "journal"
    make(path)
    lines = path.read_text().splitlines()
    lines[2] = broken
    path.write_text("\n".join(lines) + "\n")
    assert f"{path} is broken in line 3 (" in error_of(path)
    with pytest.raises(JournalError, match="is broken in line 3"):
        read_journal(path)


def test_every_line_ends_with_its_checksum(tmp_path):
    """CRC-32 over the line without it, by a reader that knows the format only from the documentation."""
    make(tmp_path / "journal")
    for line in (tmp_path / "journal").read_bytes().splitlines():
        body, end = line[:-20], line[-20:]
        assert end == b', "crc": "%08x"}' % binascii.crc32(body + b"}")
        assert list(json.loads(line))[-1] == "crc"
    assert all("crc" not in e for e in read_journal(tmp_path / "journal"))
    with Journal.resume(tmp_path / "journal") as journal:
        assert all("crc" not in e for e in journal.events) and journal.lines == [1, 2, 3, 4]
        assert journal.append({"event": "x"}) == {"event": "x"} and journal.lines[-1] == 5
        with pytest.raises(JournalError, match=r'sets "crc" of its lines itself: name that entry differently'):
            journal.append({"event": "x", "crc": 1})


def test_no_flipped_byte_is_another_value(tmp_path):
    """Every byte of a line in the middle, changed in several ways: refused with the line, or nothing else is read."""
    path = tmp_path / "journal"
    with Journal.create(path, {}) as journal:
        for number in range(3):
            journal.append({"event": "finished", "number": number, "C": 1.25, "name": "a b", "E": None})
    data, events = path.read_bytes(), journal.events
    start = data.index(b"\n", data.index(b"\n") + 1) + 1
    end = data.index(b"\n", start)
    refused = 0
    for at in range(start, end):
        for new in (data[at] ^ 1, data[at] ^ 2, data[at] ^ 32, ord("7"), ord(" ")):
            changed = data[:at] + bytes([new]) + data[at + 1 :]
            path.write_bytes(changed)
            try:
                assert read_journal(path) == events or changed == data
            except JournalError as error:
                refused += 1
                assert f"{path} is broken in line 3 (" in str(error)
                assert str(error).endswith("restore a copy, or keep the 2 lines before it and resume")
                assert "\n" not in str(error)
    assert refused > 4 * (end - start)


def test_a_digit_in_the_middle(tmp_path):
    path = tmp_path / "journal"
    make(path)
    path.write_bytes(path.read_bytes().replace(b'"number": 1', b'"number": 7'))
    line = '{"event": "finished", "number": %d}'
    was, now = (f"{binascii.crc32((line % n).encode()):08x}" for n in (1, 7))
    assert error_of(path) == (
        f"{path} is broken in line 3 (its checksum is {was}, that of what it holds {now}: it was changed), and only a "
        "last line may be torn: restore a copy, or keep the 2 lines before it and resume"
    )
    make(tmp_path / "last")  # nor is a whole last line that was changed one that was torn
    (tmp_path / "last").write_bytes((tmp_path / "last").read_bytes().replace(b'"number": 2', b'"number": 7'))
    assert "is broken in line 4 (its checksum is" in error_of(tmp_path / "last")
    whole = (tmp_path / "last").read_bytes()
    (tmp_path / "last").write_bytes(whole[:-1])  # without its end it is
    with Journal.resume(tmp_path / "last") as journal:
        assert [e.get("number") for e in journal.events] == [None, 0, 1]
    assert b'"number": 7' in (tmp_path / "last.torn").read_bytes()
    make(tmp_path / "first")
    (tmp_path / "first").write_bytes((tmp_path / "first").read_bytes().replace(b'"seed": 1', b'"seed": 2'))
    assert "is broken in line 1 (its checksum is" in error_of(tmp_path / "first")
    assert error_of(tmp_path / "first").endswith(": restore a copy")


def unsealed(path):
    """A journal as it was written before lines had checksums."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in e.items() if k != "crc"}) + "\n" for e in lines))


def test_journals_without_checksums(tmp_path):
    path = tmp_path / "journal"
    events = make(path).events
    unsealed(path)
    old = path.read_bytes()
    assert b"crc" not in old and read_journal(path) == events
    with Journal.resume(path) as journal:
        assert journal.events == events
        journal.append({"event": "finished", "number": 3})
    new = path.read_bytes()
    assert new.startswith(old) and new.count(b'"crc"') == 1
    assert [e.get("number") for e in read_journal(path)] == [None, 0, 1, 2, 3]
    path.write_bytes(new + b'{"event": "x"}\n' + new.splitlines()[-1] + b"\n")
    assert "is broken in line 6 (it lacks a checksum, which the lines before it have)" in error_of(path)
    path.write_bytes(new.replace(b', "crc"', b',"crc"') + new.splitlines()[-1] + b"\n")
    assert 'is broken in line 5 (its checksum "crc" is not as it was written' in error_of(path)


@pytest.mark.parametrize("blank", [b"\n", b"  \n", b"\r\n", b"\t\n\n"])
def test_blank_lines_are_skipped_and_counted(tmp_path, blank):
    path = tmp_path / "journal"
    events = make(path).events
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(blank + lines[0] + blank * 2 + b"".join(lines[1:]) + blank)
    before = path.read_bytes()
    assert read_journal(path) == events
    with Journal.resume(path) as journal:
        assert journal.events == events and journal.torn is None
        height = blank.count(b"\n")
        assert journal.lines == [height + 1, *(3 * height + n for n in (2, 3, 4))]
        journal.append({"event": "finished", "number": 3})
        assert journal.lines[-1] == 4 * height + 5
    assert path.read_bytes().startswith(before) and len(read_journal(path)) == 5
    broken = path.read_bytes().replace(b'"number": 1', b'"number": 9')
    path.write_bytes(broken)
    assert f"is broken in line {3 * height + 3} (" in error_of(path)
    path.write_bytes(blank)
    assert "is not the journal of a search" in error_of(path)


def test_a_torn_line_before_blank_ones(tmp_path):
    path = tmp_path / "journal"
    make(path)
    data = path.read_bytes()
    path.write_bytes(data + b'{"event": "fin\n\n  \n')
    with Journal.resume(path) as journal:
        assert len(journal.events) == 4 and journal.torn is not None
    assert path.read_bytes() == data and journal.torn.read_bytes() == b'{"event": "fin\n\n  \n'


def test_an_editor_of_windows_changes_nothing(tmp_path):
    path = tmp_path / "journal"
    events = make(path).events
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_journal(path) == events
    with Journal.resume(path) as journal:
        journal.append({"event": "finished", "number": 3})
    assert len(read_journal(path)) == 5


def test_each_event_is_inspected_with_its_line(tmp_path):
    path = tmp_path / "journal"
    make(path)
    seen = []

    def refuse(event):
        seen.append(event)
        if event.get("number") == 1:
            raise HeteroError("number must not be 1", fix="count on")

    path.write_bytes(path.read_bytes().replace(b"\n", b"\n\n", 1))
    message = error_of(path, each=refuse, check=lambda header: pytest.fail("too early"))
    assert message == (
        f"{path} is not a journal that this version can read: line 4, 'finished': number must not be 1: "
        "restore a copy, or keep the 3 lines before it"
    )
    assert [e.get("number") for e in seen] == [None, 0, 1]
    with pytest.raises(JournalError, match="line 4, 'finished'"):
        read_journal(path, each=refuse)
    assert len(read_journal(path, each=seen.append)) == 4


def test_two_searches_in_one_file(tmp_path):
    path = tmp_path / "journal"
    make(path)
    path.write_bytes(path.read_bytes() * 2)
    assert "second header in line 5" in error_of(path)
    make(tmp_path / "other")
    with Journal.resume(tmp_path / "other") as journal, pytest.raises(JournalError, match="header"):
        journal.append({"event": "search"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("hello\n", "is not the journal"),
        ("[1, 2]\n", "is not the journal"),
        ('{"event": "asked"}\n', "is not the journal"),
        ('{"event": "search"}\n', "is not the journal"),
        ('{"event": "search", "format": true}\n', "is not the journal"),
        ('{"event": "search", "format": 0}\n', "is not the journal"),
        ('{"event": "search", "format": "1"}\n', "is not the journal"),
        ('{"event": "search", "format": 2}\n', "has format 2, newer than 1, the newest known: update hetero_rsnn"),
        ("[" * 100_000, "is not the journal"),
    ],
)
def test_foreign_files(tmp_path, text, message):
    path = tmp_path / "file"
    path.write_text(text)
    assert message in error_of(path)
    with pytest.raises(JournalError, match=message):
        read_journal(path)


def test_no_file(tmp_path):
    assert "there is no journal" in error_of(tmp_path / "none") and "start a new one" in error_of(tmp_path / "none")
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(JournalError, match="there is no journal"):
            read_journal(path)
    assert list(tmp_path.iterdir()) == []


def test_check(tmp_path):
    path = tmp_path / "journal"
    make(path)
    with open(path, "ab") as file:
        file.write(b"torn")
    assert "its seed is 1, not 2; resume with the same" in error_of(path, check={"seed": 2})
    assert "its network is nothing, not 'henhes'" in error_of(path, check={"network": "henhes"})

    def check(header):
        raise JournalError(f"{path}: I do not like {header['seed']}")

    assert error_of(path, check=check).endswith("I do not like 1")
    with Journal.resume(path, check={"seed": np.int64(1)}) as journal:  # the failed ones hold no lock
        assert journal.torn is not None


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, b"bytes", "huge"])
def test_what_json_cannot_hold_costs_nothing(tmp_path, value):
    value = 10**5000 if value == "huge" else value  # too long for pytest to name it
    with Journal.create(tmp_path / "journal", {}) as journal:
        with pytest.raises(JournalError, match="cannot hold the event 'asked'"):
            journal.append({"event": "asked", "value": value})
        with pytest.raises(JournalError, match="needs a string"):
            journal.append({"event": 3})
        journal.append({"event": "asked"})
    assert len(read_journal(tmp_path / "journal")) == 2


def test_a_closed_journal_takes_nothing(tmp_path):
    journal = make(tmp_path / "journal")
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.append({"event": "asked"})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_full_disk(tmp_path, monkeypatch, code, call):
    path = tmp_path / "journal"
    make(path)
    before = path.read_bytes()
    journal = Journal.resume(path)
    write = os.write
    calls = []

    def full(fd, data=b""):
        calls.append(data)
        if call == "write" and len(calls) == 1:
            return write(fd, data[:5])
        if call == "write" or len(calls) == 1:
            raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(JournalError) as caught:
            journal.append({"event": "finished", "number": 3})
    assert str(caught.value).startswith(f"cannot write to {path}: {os.strerror(code)}; ")
    assert str(caught.value).endswith("then resume") and ("free some space" in str(caught.value)) == (code != errno.EIO)
    assert path.read_bytes() == before
    with pytest.raises(JournalError, match="failed to write before"):
        journal.append({"event": "finished", "number": 3})
    journal.close()
    with Journal.resume(path) as journal:
        journal.append({"event": "finished", "number": 3})
    assert [e["number"] for e in read_journal(path)[1:]] == [0, 1, 2, 3]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    make(tmp_path / "journal")
    assert len(read_journal(tmp_path / "journal")) == 4


def test_an_interrupt_leaves_no_half_line(tmp_path, monkeypatch):
    journal = Journal.create(tmp_path / "journal", {})
    write = os.write

    def interrupted(fd, data):
        write(fd, data[:5])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append({"event": "finished"})
    journal.append({"event": "stopped"})
    journal.close()
    assert [e["event"] for e in read_journal(tmp_path / "journal")] == ["search", "stopped"]


@unix
def test_real_limit_of_the_file_size(tmp_path):
    code = """if True:
        import resource, signal, sys
        from hetero_rsnn.jobs.journal import Journal
        from hetero_rsnn.common.errors import JournalError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with Journal.create(sys.argv[1], {}) as journal:
            for number in range(1000):
                try:
                    journal.append({"event": "finished", "number": number})
                except JournalError as error:
                    print(number, error)
                    break
    """
    path = tmp_path / "journal"
    out, err = start(code, path).communicate(timeout=60)
    number, message = out.split(" ", 1)
    assert message.startswith(f"cannot write to {path}: File too large; free some space, then resume"), err
    assert path.read_bytes().endswith(b"}\n")
    with Journal.resume(path) as journal:
        assert [e["number"] for e in journal.events[1:]] == list(range(int(number)))


@unix
def test_kill_in_the_middle_of_appends(tmp_path):
    """What a killed process said was written is there, in every one of several lives."""
    code = """if True:
        import sys
        from hetero_rsnn.jobs.journal import Journal
        path, life = sys.argv[1:]
        journal = Journal.create(path, {}) if life == "0" else Journal.resume(path)
        number = len(journal.events) - 1
        while True:
            journal.append({"event": "finished", "number": number, "padding": "x" * 20_000})
            print(number, flush=True)
            number += 1
    """
    path = tmp_path / "journal"
    acknowledged = -1
    for life in range(3):
        process = start(code, path, life)
        line_of(process)
        time.sleep(0.05 + 0.013 * life)
        process.kill()
        said = [int(n) for n in process.communicate()[0].split("\n") if n]
        acknowledged = max([acknowledged, *said])
        with Journal.resume(path) as journal:  # the lock went with the process
            numbers = [e["number"] for e in journal.events[1:]]
        assert numbers == list(range(len(numbers))) and acknowledged < len(numbers) <= acknowledged + 2
        acknowledged = len(numbers) - 1


OWNER = """if True:
    import sys, time
    from hetero_rsnn.jobs.journal import Journal
    journal = Journal.resume(sys.argv[1])
    print("locked", flush=True)
    time.sleep(60)
"""


@unix
@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_one_writer_and_its_end(tmp_path, end):
    path = tmp_path / "journal"
    make(path)
    owner = start(OWNER, path)
    line_of(owner)
    try:
        message = error_of(path)
        assert "another process" in message and f"is writing {path}: wait for it, stop it" in message
        if sys.platform == "linux" and "FLOCK" in Path("/proc/locks").read_text():
            assert f"(pid {owner.pid} on " in message
        with pytest.raises(JournalError, match="another process"):
            Journal.create(path, {})
        assert len(read_journal(path)) == 4  # reading needs no lock
    finally:
        getattr(owner, end)()
        owner.communicate()
    Journal.resume(path).close()
    assert [p.name for p in tmp_path.iterdir()] == ["journal"]


def test_one_writer_in_one_process(tmp_path):
    path = tmp_path / "journal"
    with Journal.create(path, {}):
        with pytest.raises(JournalError, match="process is writing" if sys.platform == "linux" else "is writing"):
            Journal.resume(path)
        with pytest.raises(JournalError, match="is writing"):
            Journal.create(path, {})
    Journal.resume(path).close()


@unix
def test_children_do_not_hold_the_lock(tmp_path):
    path = tmp_path / "journal"
    make(path)
    journal = Journal.resume(path)
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    forked = os.fork()
    if not forked:
        code = 1
        try:
            journal.append({"event": "finished"})
        except JournalError:
            code = 0
            time.sleep(60)
        finally:
            os._exit(code)
    try:
        time.sleep(0.2)
        assert os.waitpid(forked, os.WNOHANG) == (0, 0)  # it sleeps: the append was refused
        journal.append({"event": "finished", "number": 3})  # and the parent still holds the lock
        with pytest.raises(JournalError, match="is writing"):
            Journal.resume(path)
        journal.close()
        Journal.resume(path).close()
    finally:
        started.kill()
        started.wait()
        os.kill(forked, signal.SIGKILL)
        os.waitpid(forked, 0)
    assert len(read_journal(path)) == 5


@unix
@pytest.mark.parametrize("deed", ["delete", "replace", "extend", "cut"])
def test_a_file_changed_behind_its_back(tmp_path, deed):
    path = tmp_path / "journal"
    make(path)
    journal = Journal.resume(path)
    data = path.read_bytes()
    if deed in {"delete", "replace"}:
        path.rename(tmp_path / "elsewhere")
    if deed != "delete":
        path.write_bytes({"replace": data, "extend": data + b"x", "cut": data[:50]}[deed])
    found = path.read_bytes() if path.exists() else None
    with pytest.raises(JournalError, match=r"was (changed|moved, deleted or replaced) while"):
        journal.append({"event": "finished"})
    assert (path.read_bytes() if path.exists() else None) == found
    journal.close()


def test_reading_while_it_is_written(tmp_path):
    """A reader between two halves of a write sees the events before it."""
    path = tmp_path / "journal"
    make(path)
    write = os.write
    seen = []

    def halves(fd, data):
        written = write(fd, data[:7])
        seen.append(len(read_journal(path)))
        return written

    with Journal.resume(path) as journal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", halves)
        journal.append({"event": "finished", "number": 3})
    assert set(seen[:-1]) == {4} and seen[-1] == 5


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.floats().map(np.float64),
        st.just("\u2028\r\n"),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@given(events=st.lists(st.fixed_dictionaries({"event": st.text().filter(lambda t: t != "search"), "value": values})))
def test_events_there_and_back(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("journal") / "journal"
    with Journal.create(path, {}) as journal:
        returned = [journal.append(event) for event in events]
    found = read_journal(path)[1:]
    assert found == returned == journal.events[1:]
    for event, meant in zip(found, events, strict=True):
        assert event["event"] == meant["event"]
        text = json.dumps(meant["value"], default=float)
        assert event["value"] == json.loads(text, parse_constant=lambda c: None)
