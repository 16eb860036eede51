"""``hetero-rsnn sweep``: C, S and E along the values of a parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetero_rsnn.cli import studies
from hetero_rsnn.cli.options import Dask, Workers, command_line, parse_seeds, places, say
from hetero_rsnn.cli.outputs import OUTPUT, Csv, FigureFile, Latex, Tables
from hetero_rsnn.cli.studies import choose_files, load_named, measuring
from hetero_rsnn.common.errors import HeteroError


def sweep(
    network: Annotated[str, typer.Argument(metavar="[NAME=]NETWORK", help="Name or path of a network.")],
    parameter: Annotated[
        str, typer.Argument(metavar="PARAMETER=VALUES", help="E.tau_m.cv=0:1.2:7 (7 values), or a list: 0,0.5,1.")
    ],
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", metavar="[NAME=]NETWORK", help="A further network; one without the parameter is a reference."
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option("--grid", metavar="PARAMETER=VALUES", help="A second parameter: a curve for each value."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A count (8), a range (100-107) or a list (1,5,8) [default: 8].")
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
        typer.Option("--out", "-o", help="Folder for the results [default: results/sweep].", rich_help_panel=OUTPUT),
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
    """Measure a network along a parameter: curves of C, S and E with 95 % intervals, and E over C.

    All values meet the same seeds. Every measurement goes to a journal, for --resume and hetero-rsnn show.
    """
    from hetero_rsnn.common.files import json_text
    from hetero_rsnn.experiments.energy_tables import sweep_energy
    from hetero_rsnn.experiments.sweep import sweep as run
    from hetero_rsnn.experiments.sweep_plan import Axis, plan_sweep
    from hetero_rsnn.experiments.sweep_values import swept_values
    from hetero_rsnn.measures.energy import hardware_of
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.sweep_plots import figure_sweep
    from hetero_rsnn.report.study_page import sweep_page
    from hetero_rsnn.report.sweep_tables import print_sweep, sweep_rows
    from hetero_rsnn.report.terminal import print_tables
    from hetero_rsnn.simulation.engine import Engine

    engine = Engine(backend, precision, codegen_target)
    costs = None if energy is None else hardware_of(energy)
    pair = _pair("the parameter", parameter)
    other = None if grid is None else _pair("--grid", grid)
    words = [network, *(also or [])]
    nets = load_named(words, overrides or [], quick, n)
    said = {change.partition("=")[0].rpartition(":")[2].strip() for change in overrides or []}
    for name in said & {pair[0], *(other or ("",))[:1]}:
        raise HeteroError(f"--set {name} and the values of {name} say the same", fix="leave one of them away")
    axes = [Axis(axis[0], swept_values(*axis)) for axis in (pair, other) if axis is not None]
    plan = plan_sweep(list(nets.values()), *axes)  # whatever is wrong with it is found before a folder is made
    numbers = parse_seeds(seeds if seeds is not None else ("4" if quick else "8"))
    files = choose_files("sweep", out, overwrite, Tables(figure, csv, latex, html), journal, resume)
    first, *further = nets.values()
    with measuring("measuring", files, len(plan.networks) * len(numbers)) as progress:
        found = run(
            first,
            pair[0],
            pair[1],
            seeds=numbers,
            also=further,
            grid=other,
            **engine.options,
            **places(workers, dask),
            progress=progress,
            journal=files.journal,
            resume=resume,
        )
    data = {"command": command_line(), **found.to_dict()}
    more_tables = [] if costs is None else sweep_energy(found, costs)
    files.write(data, sweep_rows(found), [*found.tables, *more_tables], lambda: sweep_page(found, command_line()))
    save_figure(figure_sweep(found), files.figure)
    # Last, since a pipe that nobody reads ends the command here.
    if as_json:
        say(json_text(data), end="")
    else:
        print_sweep(found)
        print_tables(more_tables)
        say(files.told())


def _pair(what: str, text: str) -> tuple[str, str]:
    name, sign, values = text.partition("=")
    if not sign or not name.strip() or not values.strip():
        raise HeteroError(f"{what} must be NAME=VALUES, got {text!r:.80}: write e.g. E.tau_m.cv=0:1.2:7")
    return name.strip(), values.strip()
