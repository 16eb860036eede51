"""What compare and sweep share: networks with names, their changes, the files that are written, the journal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.cli.options import RUNNING, journaled, parse_overrides, results_folder, say
from hetero_rsnn.cli.outputs import OUTPUT, Tables, free_file
from hetero_rsnn.common.errors import HeteroError, OutputError, suggest
from hetero_rsnn.common.files import first_free
from hetero_rsnn.common.text import printable
from hetero_rsnn.jobs.progress import Progress, progress_bar

if TYPE_CHECKING:
    from hetero_rsnn.common.tables import TextTable
    from hetero_rsnn.experiments.comparison import Comparison
    from hetero_rsnn.network.definition import Network
    from hetero_rsnn.network.draw import Draw
    from hetero_rsnn.report.page import Page
    from hetero_rsnn.simulation.recording import Recording

# Options that both commands take.
Backend = Annotated[str, typer.Option(help="fast, numpy or brian2.", rich_help_panel=RUNNING)]
Precision = Annotated[
    str, typer.Option(help="double, or single: faster, for the fast backend only.", rich_help_panel=RUNNING)
]
Target = Annotated[
    str, typer.Option(help="Brian2's code generation: numpy, cython or cpp_standalone.", rich_help_panel=RUNNING)
]
Quick = Annotated[bool, typer.Option("--quick", help="Small networks and few seeds: a look, not a result.")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON instead of tables.", rich_help_panel=OUTPUT)]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        "-j",
        help="File that keeps every measurement [default: journal.jsonl of --out].",
        rich_help_panel=OUTPUT,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an existing journal.", rich_help_panel=OUTPUT)]
HtmlFile = Annotated[
    Path | None,
    typer.Option(
        "--html",
        help="Write a page with every seed in figures and table to this .html file too.",
        rich_help_panel=OUTPUT,
    ),
]
EnergyOn = Annotated[
    str | None,
    typer.Option(
        "--energy",
        metavar="HARDWARE",
        help="Show synaptic operations and energy too: on 45nm, 45nm-sram, loihi or a100.",
        rich_help_panel=OUTPUT,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="[NETWORK:]NAME=VALUE", help="Change a value in all networks, or in one."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace earlier results in the folder.", rich_help_panel=OUTPUT)
]

#: What is written to the folder of the results, unless told otherwise.
RESULTS, FIGURE, JOURNAL = "results.json", "figure.png", "journal.jsonl"


def load_named(words: Sequence[str], overrides: Sequence[str], quick: bool, n: int | None) -> dict[str, Network]:
    """The networks that words name (``henhes``, ``my.toml``, ``wide=my.toml``), changed as --set says.

    Returns
    -------
    dict of str to Network
        By the word that was given. ``[NETWORK:]NAME=VALUE`` may name a network by its word, its path or its name.
    """
    from hetero_rsnn.experiments.comparison import quick_settings
    from hetero_rsnn.network.loading import load_network

    nets = []
    for word in words:
        name, where = _named(word)
        nets.append(load_network(where, **({"name": name} if name else {})))
    looks = quick_settings(nets) if quick else [{} for _ in nets]
    changes: dict[str, Any] = {}
    only: dict[str, dict[str, Any]] = {}
    for pair in overrides:
        name, colon, rest = pair.partition(":")
        if colon and "=" not in name:
            only.setdefault(name, {}).update(parse_overrides([rest]))
        else:
            changes |= parse_overrides([pair])
    if n is not None:
        changes["n"] = n
    known = [{word, _named(word)[1], net.name} for word, net in zip(words, nets, strict=True)]
    for name in only:
        if not any(name in names for names in known):
            raise HeteroError(f"--set {name}:... names no compared network{suggest(name, sorted(set().union(*known)))}")
    changed = []
    for net, look, names in zip(nets, looks, known, strict=True):
        own = {key: value for name in names & only.keys() for key, value in only[name].items()}
        changed.append(load_network(net, **{**look, **changes, **own}))
    return _by_word(words, changed)


def _by_word(words: Sequence[str], nets: Sequence[Network]) -> dict[str, Network]:
    for word in words:
        if words.count(word) > 1:
            name = nets[words.index(word)].name
            raise HeteroError(f"two networks are called {name!r}: give one of them another name, as in other={word}")
    return dict(zip(words, nets, strict=True))


def _named(word: str) -> tuple[str, str]:
    """The name that a word gives a network, if it does, and the network's own name or path."""
    name, sign, where = word.partition("=")
    given = sign and where and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.+-]*", name) and not Path(word).is_file()
    return (name, where) if given else ("", word)


def name_of(word: str, nets: Mapping[str, Network]) -> str:
    """The name of the network that a word, a path or a name stands for; a word for none is given back."""
    for given, net in nets.items():
        if word in (given, _named(given)[1]) and word not in {other.name for other in nets.values()}:
            return net.name
    return word


@dataclass(frozen=True)
class Files:
    """Where results go; `journal` keeps every measurement as soon as it is made, `apart` is what was named."""

    folder: Path
    figure: Path
    apart: Tables
    journal: Path
    resume: bool

    def write(
        self, data: Any, rows: list[dict[str, Any]], tables: list[TextTable], page: Callable[[], Page] | None = None
    ) -> None:
        """Write results, and the tables and the page that were asked for; the figure is for who draws it."""
        from hetero_rsnn.common.files import write_json

        write_json(self.folder / RESULTS, data)
        self.apart.write(rows, tables, page)

    def told(self, *more: str) -> str:
        """What was written, for the last line."""
        inside = ", ".join([RESULTS, *more])
        inside += f" and {FIGURE}" if self.apart.figure is None else ""
        return f"wrote {inside} to {printable(self.folder)}{self.apart.told()}"


def choose_files(
    command: str, out: Path | None, overwrite: bool, apart: Tables, journal: Path | None, resume: bool,
    more: Sequence[str] = (),
) -> Files:  # fmt: skip
    """Find where results can be written, and refuse what cannot be, before the work; `more` are folders of them.

    Raises
    ------
    HeteroError
        If a file has an ending that is not known, exists already, or there is no journal to resume.
    """
    if resume and journal is None and out is None:
        raise HeteroError("--resume needs the journal to go on with: add --journal PATH")
    apart.refuse(overwrite)
    names = (RESULTS, *([FIGURE] if apart.figure is None else []), *([] if resume else more))
    if journal is None and out is None:
        names = (*names, JOURNAL)
    elif journal is None and not resume and not overwrite:
        path = Path(out or "") / JOURNAL
        if path.exists() and not any((path.parent / name).exists() for name in names):
            raise OutputError(f"{path} exists already: add --resume to go on with it, or choose another --out")
    folder = results_folder(out, command, names, overwrite)
    if journal is None:
        journal = folder / JOURNAL if resume else first_free(folder / JOURNAL)
    return Files(folder, apart.figure or folder / FIGURE, apart, journal, resume)


@contextmanager
def measuring(text: str, files: Files, total: int, keep_folder: bool = False) -> Iterator[Progress]:
    """Measure with a bar; who stops it is told what the journal holds, and by which command it goes on."""
    again = ["hetero-rsnn", *sys.argv[1:]]
    given = {word.partition("=")[0] for word in again}
    again += [] if given & {"--journal", "-j"} else ["--journal", str(files.journal)]
    again += ["--out", str(files.folder)] if keep_folder and not given & {"--out", "-o"} else []
    again += [] if files.resume else ["--resume"]
    kept, whole = 0, total

    def count() -> str:
        return f"{files.journal} holds {kept} of {whole} measurements" if kept else "no measurement was finished"

    with journaled(files.journal, "measurement", again, count), progress_bar(text, total) as tell:

        def progress(done: int, total: int) -> None:
            nonlocal kept, whole
            if files.resume and not kept and done:
                say(f"resumed {printable(files.journal)}: {done} of {total} measurements kept", err=True)
            kept, whole = done, total
            tell(done, total)

        yield progress


def study_page_of(path: Path, kind: str) -> Page:
    """The page of the journal of a sweep or a comparison."""
    from hetero_rsnn.experiments.comparison import Comparison
    from hetero_rsnn.experiments.sweep_result import Sweep
    from hetero_rsnn.report.study_page import comparison_page, sweep_page

    return sweep_page(Sweep.from_journal(path)) if kind == "sweep" else comparison_page(Comparison.from_journal(path))


def show_study(path: Path, kind: str, out: Path | None, html: Path | None, figures: bool, overwrite: bool) -> None:
    """What `hetero-rsnn show` does with the journal of a sweep or a comparison: the tables, the figure, the page."""
    from hetero_rsnn.common.files import write_text
    from hetero_rsnn.experiments.comparison import Comparison
    from hetero_rsnn.experiments.sweep_result import Sweep
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.network_plots import figure_comparison
    from hetero_rsnn.plots.sweep_plots import figure_sweep
    from hetero_rsnn.report.comparison_tables import print_comparison
    from hetero_rsnn.report.sweep_tables import print_sweep

    name = f"{kind}.png"
    found = Sweep.from_journal(path) if kind == "sweep" else Comparison.from_journal(path)
    if html is not None:
        free_file(html, "--html", overwrite)
    alone = html is not None and out is None
    folder = results_folder(out, "show", (name,), overwrite) if figures and not alone else None
    if isinstance(found, Sweep):
        print_sweep(found)
    else:
        print_comparison(found)
    if folder is not None:
        drawn = figure_sweep(found) if isinstance(found, Sweep) else figure_comparison(found, rasters(found))
        say(f"wrote {printable(save_figure(drawn, folder / name, dpi=130))}")
    if html is not None:
        say(f"wrote {printable(write_text(html, study_page_of(path, kind).text()))}")


def rasters(comparison: Comparison) -> list[tuple[Draw, Recording]]:
    """What the rasters of a comparison are drawn from: its first seed, measured again for its spikes."""
    from hetero_rsnn.experiments.comparison import raster_pair
    from hetero_rsnn.experiments.measurement import measure_seed
    from hetero_rsnn.network.draw import draw
    from hetero_rsnn.simulation.engine import Engine

    seed, found = comparison.seeds[0], []
    for name in raster_pair(comparison):
        m = comparison[name]
        _, recording = measure_seed(m.network, seed, Engine(m.backend, m.precision))
        found.append((draw(m.network, seed), recording))
    return found
