"""``hetero-rsnn compare``: networks measured on the same seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetero_rsnn.cli import studies
from hetero_rsnn.cli.options import Dask, Workers, command_line, network_names, parse_seeds, places, say
from hetero_rsnn.cli.outputs import OUTPUT, Csv, FigureFile, Latex, Tables
from hetero_rsnn.cli.studies import choose_files, load_named, measuring, name_of, rasters
from hetero_rsnn.common.errors import HeteroError


def compare(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]NETWORK",
            help="Names or paths [default: the four canonical networks].",
            autocompletion=network_names,
        ),
    ] = None,
    point: Annotated[
        str | None,
        typer.Option(help="Which four canonical networks: intrinsic or recurrent [default: intrinsic]."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A count (20), a range (100-119) or a list (1,5,8) [default: 20].")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons.")] = None,
    backend: studies.Backend = "fast",
    precision: studies.Precision = "double",
    codegen_target: studies.Target = "numpy",
    workers: Workers = None,
    dask: Dask = None,
    quick: studies.Quick = False,
    as_json: studies.Json = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [default: results/compare].", rich_help_panel=OUTPUT),
    ] = None,
    recordings: Annotated[
        bool, typer.Option("--recordings", help="Write every recording too (npz and json).", rich_help_panel=OUTPUT)
    ] = False,
    baseline: Annotated[
        str | None, typer.Option(help="Network to compare with [default: honhos, else the first].")
    ] = None,
    journal: studies.JournalFile = None,
    resume: studies.Resume = False,
    figure: FigureFile = None,
    csv: Csv = None,
    latex: Latex = None,
    html: studies.HtmlFile = None,
    energy: studies.EnergyOn = None,
    overrides: studies.Overrides = None,
    overwrite: studies.Overwrite = False,
) -> None:
    """Measure networks on the same seeds: C, S, rate and E with 95 % intervals, a figure, and results.json.

    C is the memory capacity in samples, S the spikes of a neuron per sample, and E = C/S the memory that a spike buys.
    """
    from hetero_rsnn.common.files import json_text
    from hetero_rsnn.experiments import comparison as comparing
    from hetero_rsnn.experiments.energy_tables import comparison_energy
    from hetero_rsnn.measures.energy import hardware_of
    from hetero_rsnn.network.shipped import canonical_networks
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.network_plots import figure_comparison
    from hetero_rsnn.report.comparison_tables import comparison_rows, print_comparison
    from hetero_rsnn.report.study_page import comparison_page
    from hetero_rsnn.report.terminal import print_tables
    from hetero_rsnn.simulation.engine import Engine

    engine = Engine(backend, precision, codegen_target)
    costs = None if energy is None else hardware_of(energy)
    if networks and point is not None:
        raise HeteroError("--point chooses among the canonical networks, and networks are named: leave out one of both")
    words = networks or list(canonical_networks(point or "intrinsic"))
    nets = load_named(words, overrides or [], quick, n)
    numbers = parse_seeds(seeds if seeds is not None else ("4" if quick else "20"))
    more = ("recordings",) if recordings else ()
    files = choose_files("compare", out, overwrite, Tables(figure, csv, latex, html), journal, resume, more)
    with measuring("measuring", files, len(nets) * len(numbers), recordings) as progress:
        comparison = comparing.compare(
            list(nets.values()),
            numbers,
            baseline=None if baseline is None else name_of(baseline, nets),
            **engine.options,
            **places(workers, dask),
            progress=progress,
            recordings=files.folder / "recordings" if recordings else None,
            journal=files.journal,
            resume=resume,
        )
        drawn = figure_comparison(comparison, rasters(comparison))
    data = {"command": command_line(), **comparison.to_dict()}
    more_tables = [] if costs is None else [comparison_energy(comparison, costs)]
    tables = [*comparing.comparison_tables(comparison), *more_tables]
    files.write(data, comparison_rows(comparison), tables, lambda: comparison_page(comparison, command_line()))
    save_figure(drawn, files.figure)
    # Last, since a pipe that nobody reads ends the command here.
    if as_json:
        say(json_text(data), end="")
    else:
        print_comparison(comparison)
        print_tables(more_tables)
        say(files.told(*more))
