"""``hetero-rsnn show`` as a user meets it: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from helpers import exit_2
from searches import line_of, write_search

import hetero_rsnn as hr
from hetero_rsnn.measures.estimates import cell
from hetero_rsnn.searching.result import SearchResult, in_order

#: A space of one number, of which figures are drawn in half the time.
SMALL = 'base = "henhes"\n[parameters.eta_minus]\nmean = [0.001, 0.05]\n'


@pytest.fixture(scope="module")
def journals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    options = {"space": "quick", "rate": (1, 16.5), "seeds": 4}
    (folder / "small.toml").write_text(SMALL)
    small = {**options, "space": folder / "small.toml"}
    write_search(folder / "small.jsonl", trials=12, **small)
    write_search(folder / "begun.jsonl", trials=5, running=1, ended=False, **small)
    write_search(folder / "main.jsonl", trials=20, **options)
    write_search(folder / "going.jsonl", trials=8, running=2, ended=False, method="random", **options)
    write_search(folder / "empty.jsonl", trials=0, running=2, ended=False, **small)
    write_search(folder / "failed.jsonl", trials=3, ended=False, fails=lambda number: True, **small)
    write_search(folder / "hard.jsonl", trials=4, ended=False, c_min=50.0, **options)
    write_search(folder / "control.jsonl", space="homogeneous", trials=6)
    (folder / "foreign.jsonl").write_text('{"event": "something"}\n')
    (folder / "text.txt").write_text("not json\n")
    return folder


@pytest.fixture
def run(run):
    """Call `hetero-rsnn show` in an empty folder; return exit code, standard output and standard error."""
    return lambda *words: run("show", *map(str, words))


def files(folder) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_prints_the_best_trials_with_units_and_intervals(run, journals, tmp_path):
    code, out, _ = run(journals / "main.jsonl", "--no-figures", "--top", 3)
    assert code == 0
    result = SearchResult.from_journal(journals / "main.jsonl")
    from hetero_rsnn.searching import wording

    table = out[out.index("top 3 trials as the search saw them") : out.index("their parameters")]
    shown = [line.split() for line in table.splitlines() if re.match(r" *\d+ ", line)]
    best = in_order(result)[:3]
    assert [int(row[0]) for row in shown] == [t.number for t in best]
    for t in best:
        assert cell(wording.measure(t.evaluation, "E")) in table
    assert "C (samples)" in out and "S (spikes/sample)" in out and "tau_m.mean (ms)" in out and "10 to 60" in out
    assert "2 failed, the last one trial 18" in out and "fresh seeds (1000-1007)" in out
    assert cell(wording.measure(result.best_evaluation, "C")) in out
    shares = out[out.index("how much each parameter matters: share of the variance of log E") : out.index("winners;")]
    numbers = [float(x) for x in re.findall(r" (-?\d\.\d\d) \[", shares)]
    assert len(numbers) == len(result.space.dimensions) and numbers == sorted(numbers, reverse=True)
    assert all(d.name in shares for d in result.space.dimensions)
    assert max(map(len, table.splitlines())) <= 140
    assert files(tmp_path) == []


def test_top_may_exceed_what_there_is(run, journals):
    code, out, _ = run(journals / "going.jsonl", "--no-figures", "--top", 99)
    assert code == 0 and "top 7 trials as the search saw them" in out
    assert "5 searched numbers matter needs 15 measured trials, got 7: let the search go on" in " ".join(out.split())
    assert "2 running or interrupted. The search has not ended." in out and "not measured again yet" in out


@pytest.mark.slow
def test_writes_figure_and_page_to_a_new_folder_each_time(run, journals, tmp_path):
    for folder in ("show", "show-2"):
        code, out, _ = run(journals / "small.jsonl")
        assert code == 0 and f"results/{folder}/search.png" in out
        assert (tmp_path / "results" / folder / "search.png").read_bytes().startswith(b"\x89PNG")
        page = (tmp_path / "results" / folder / "search.html").read_text()
        assert page.count("<img") == 5
    assert len(files(tmp_path)) == 4


@pytest.mark.slow
def test_several_journals_are_drawn_together(run, journals, tmp_path):
    code, out, _ = run(journals / "main.jsonl", journals / "going.jsonl", "--out", "both")
    assert code == 0
    compared = out[out.index("winners; best minus this") :]
    assert (
        "quick, random" in compared
        and "homogeneous reference" in compared
        and "best minus this" in compared
        and "lead" not in compared
    )
    assert files(tmp_path) == ["both/search.html", "both/search.png"]
    assert "quick, random" in (tmp_path / "both" / "search.html").read_text()


def test_page_alone_with_and_without_figures(run, journals, tmp_path):
    assert run(journals / "main.jsonl", "--html", "a.html", "--no-figures")[0] == 0
    assert "<img" not in (tmp_path / "a.html").read_text()
    assert run(journals / "begun.jsonl", "--html", "b.html")[0] == 0
    assert "<img" in (tmp_path / "b.html").read_text()
    assert files(tmp_path) == ["a.html", "b.html"]


def test_exported_network_is_the_best_one(run, journals, tmp_path):
    code, out, _ = run(journals / "main.jsonl", "--no-figures", "--export", "best.toml")
    assert code == 0 and "wrote best.toml" in out
    result = SearchResult.from_journal(journals / "main.jsonl")
    net = hr.load_network(tmp_path / "best.toml")
    assert net == result.best_network and net.fingerprint == result.best_network.fingerprint
    assert net.name == f"quick-{result.best.number}"
    assert result.space.point(net) == pytest.approx(result.best.values)
    assert net.description == f"trial {result.best.number} of search 'quick', from {result.space.base.name}"
    head = (tmp_path / "best.toml").read_text().splitlines()[:4]
    assert all(line.startswith("# ") for line in head) and str(result.best_evaluation) in head[1]
    assert head[2] == "# n = 100, samples = 2000, d_max = 30, fresh seeds 1000-1007; the same again:"
    assert head[3] == "# hetero-rsnn compare best.toml --seeds 1000-1007 --backend 'made up'"


def test_header_of_an_export_without_fresh_seeds(run, journals, tmp_path):
    assert run(journals / "going.jsonl", "--no-figures", "--export", "best.toml")[0] == 0
    head = (tmp_path / "best.toml").read_text().splitlines()[:4]
    assert head[1].endswith("not re-measured") and "seeds of the search 0-3; the same again" in head[2]
    assert head[3].startswith("# hetero-rsnn compare best.toml --seeds 0-3")


@pytest.mark.parametrize(
    ("option", "file"),
    [
        ("--export", "x.toml"),
        ("--html", "x.html"),
        pytest.param("--out", "search.png", marks=pytest.mark.slow),
        pytest.param("--out", "search.html", marks=pytest.mark.slow),
    ],
)
def test_files_that_exist_are_kept_unless_forced(run, journals, tmp_path, option, file):
    (tmp_path / file).write_text("precious")
    value = "." if option == "--out" else file
    words = [journals / "small.jsonl", option, value]
    words += ["--no-figures"] * (option != "--out")
    exit_2(run(*words), "exists already", "--overwrite", file)
    assert (tmp_path / file).read_bytes() == b"precious"
    assert files(tmp_path) == [file]
    assert run(*words, "--overwrite")[0] == 0
    assert (tmp_path / file).read_bytes() != b"precious"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", ["empty", "failed"])
def test_nothing_finished_is_said_and_nothing_is_written(run, journals, tmp_path, name):
    code, out, _ = run(journals / f"{name}.jsonl")
    assert code == 0 and "No trial has finished yet" in out
    assert files(tmp_path) == []
    assert run(journals / f"{name}.jsonl", "--out", "all")[0] == 0  # what is named is written
    assert files(tmp_path) == ["all/search.html", "all/search.png"]


def test_closest_network_is_exported_with_a_word(run, journals, tmp_path):
    code, out, err = run(journals / "hard.jsonl", "--no-figures", "--export", "best.toml")
    assert code == 0 and "comes closest" in out and "no trial keeps all limits" in err
    assert "C = " in out and "is below 50" in out
    hr.load_network(tmp_path / "best.toml")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["missing.jsonl"], ["no journal", "missing.jsonl"]),
        (["{}/text.txt"], ["text.txt", "not the journal"]),
        (["{}/foreign.jsonl"], ["foreign.jsonl", "not the journal"]),
        (["{}/main.jsonl", "{}/text.txt"], ["text.txt", "not the journal"]),
        (["{}"], ["no journal"]),
        (["{}/empty.jsonl", "--export", "a.toml"], ["no finished trial", "--export", "empty.jsonl"]),
        (["{}/failed.jsonl", "--export", "a.toml"], ["no finished trial", "--export"]),
        (["{}/main.jsonl", "--export", "a.txt"], ["--export", ".toml", "a.txt"]),
        (["{}/main.jsonl", "--top", "0"], ["--top", ">= 1", "got 0"]),
        (["{}/main.jsonl", "--html", "."], ["is a folder", "--html"]),
        (["{}/main.jsonl", "--out", "{}/text.txt"], ["cannot write", "text.txt"]),
        (["{}/main.jsonl", "{}/control.jsonl"], ["measure alike", "protocol.", "one by one"]),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(run, journals, tmp_path, words, parts):
    exit_2(run(*(word.format(journals) for word in words)), *parts)
    assert files(tmp_path) == []


def test_a_torn_last_line_is_no_mistake(run, journals, tmp_path):
    data = (journals / "going.jsonl").read_bytes()
    (tmp_path / "torn.jsonl").write_bytes(data[:-20])
    code, out, _ = run("torn.jsonl", "--no-figures")
    assert code == 0 and "The search has not ended" in out


def test_journal_without_its_parts_is_refused(run, tmp_path):
    (tmp_path / "j.jsonl").write_text('{"event": "search", "format": 1, "settings": {}}\n')
    exit_2(run("j.jsonl"), "j.jsonl", "not a journal that this version can read")


def test_a_name_with_markup_is_printed_as_it_is(run, tmp_path):
    from hetero_rsnn.searching.space import Space, load_space

    space = Space.from_dict({**load_space("quick").to_dict(), "name": "[red]x[/red]"})
    write_search(tmp_path / "j.jsonl", space=space, trials=3, ended=False)
    code, out, _ = run("j.jsonl", "--no-figures", "--export", "best.toml")
    assert code == 0 and "[red]x[/red]" in out
    best = SearchResult.from_journal(tmp_path / "j.jsonl").best
    assert hr.load_network(tmp_path / "best.toml").name == f"search_red_x__red_-{best.number}"


#: What would clear the screen, set a title, write backwards, end a line or hide.
EVIL = "a\x1b[2J\x1b]0;owned\x07\u202eb\nc\r\x9b\u200bd [red]"
SHOWN = "a\\x1b[2J\\x1b]0;owned\\x07\\u202eb\\nc\\r\\x9b\\u200bd [red]"


def evil_search(path, **options):
    """A journal from elsewhere, with control sequences in every text that it holds."""
    from hetero_rsnn.searching.space import Space, load_space

    data = load_space("quick").to_dict()
    data |= {"name": EVIL, "description": EVIL, "scalars": {EVIL: data["scalars"]["input gain"]}}
    data["base"]["description"] = EVIL
    space = Space.from_dict(data)
    write_search(path, space=space, trials=6, **options)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        if event["event"] == "search":
            event["settings"] |= {"method": EVIL, "measure": {EVIL: EVIL, "backend": f"x\nn = 7 {EVIL}"}}
            event["versions"] = {EVIL: EVIL}
        elif event["event"] == "failed":
            event |= {"error": EVIL, "kind": EVIL}
        elif event["event"] in ("finished", "remeasured"):
            event |= {"feasible": False, "violation": 1.0, "reason": f"why\nn = 8 {EVIL}"} if options else {}
    path.write_text("".join(map(line_of, events)))
    return path


def harmless(text: str) -> bool:
    """Whether all that it holds is seen, but for ends of lines."""
    return not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"]


@pytest.mark.parametrize("options", [{}, {"ended": False}])
def test_control_sequences_of_others_are_written_out(run, tmp_path, options):
    path = evil_search(tmp_path / "j.jsonl", fails=lambda number: number == 1, **options)
    code, out, err = run("j.jsonl", "--no-figures", "--export", "best.toml", "--html", "a.html", "--top", 9)
    assert code == 0 and harmless(out) and harmless(err)
    assert SHOWN in out and "1 failed, the last one trial 1: " + SHOWN in out
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert harmless(page) and SHOWN.replace("[red]", "[red]") in page
    result = SearchResult.from_journal(path)
    text = (tmp_path / "best.toml").read_text(encoding="utf-8")
    assert (
        harmless(text) and hr.load_network(tmp_path / "best.toml") == result.best_network
    )  # no key came in by a comment
    assert hr.load_network(tmp_path / "best.toml").n == 100
    assert harmless(str(result)) and harmless(repr(result)) and harmless(result._repr_html_())
    assert result.space.name == EVIL and result.trials[1].error == EVIL  # what is known stays what it was
    exit_2(run("j.jsonl", "none\x1b[2J.jsonl", "--no-figures"), "there is no journal")


def test_a_damaged_journal_is_refused_with_its_line(run, tmp_path):
    path = write_search(tmp_path / "j.jsonl", space="quick", trials=3)
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("\n" + "".join(whole).replace('"trial": 1, "batch"', '"trial": 7, "batch"'))
    exit_2(run("j.jsonl", "--no-figures"), "j.jsonl is broken in line 6 (its checksum is", "keep the 5 lines before it")
    events = [json.loads(line) for line in whole]
    events[2]["point"] = {}
    for sealed in (True, False):
        path.write_text("".join(line_of(e, sealed=sealed) for e in events))
        exit_2(run("j.jsonl", "--no-figures"), "line 3, 'asked': point must hold", "restore a copy")
    assert files(tmp_path) == ["j.jsonl"]


def test_no_number_is_cut_on_a_narrow_screen(run, journals, tmp_path, monkeypatch):
    monkeypatch.setattr("hetero_rsnn.report.terminal.sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(journals / "main.jsonl", journals / "going.jsonl", "--no-figures")
    out = re.sub(r"\x1b\[\d*m", "", out)
    assert code == 0 and "\N{HORIZONTAL ELLIPSIS}" not in out and max(map(len, out.splitlines())) <= 80
    result = SearchResult.from_journal(journals / "main.jsonl")
    for trial in in_order(result)[:3]:
        for quantity in ("E", "C", "S"):
            mean, bounds = cell(trial.evaluation.estimate(quantity)).split(" ", 1)
            assert mean in out and bounds.replace(" ", "") in out


def test_the_end_of_a_range_is_said_in_the_terminal_and_on_the_page(run, tmp_path):
    (tmp_path / "one.toml").write_text(SMALL)

    def rising(point, seed):
        return {"C": 1.0 + 10 * point["eta_minus.mean"] + 0.001 * seed, "S": 0.1}

    write_search(tmp_path / "edge.jsonl", space=tmp_path / "one.toml", trials=40, seeds=4, measured=rising)
    result = SearchResult.from_journal(tmp_path / "edge.jsonl")
    assert result.at_edge == {"eta_minus.mean": "upper"}
    said = "is at the upper end of its range (0.001 to 0.05): the best may lie beyond. Widen it in the space file."
    code, out, _ = run("edge.jsonl", "--html", "page.html", "--no-figures")
    assert code == 0 and said in out and said in (tmp_path / "page.html").read_text()
