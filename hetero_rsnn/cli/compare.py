"""``hetero-rsnn compare``: networks measured on the same seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli.options import command_line, network_names, parse_overrides, parse_seeds, results_folder, say
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.text import printable


def compare(
    networks: Annotated[
        list[str] | None,
        typer.Argument(help="Names or paths [default: the four canonical networks].", autocompletion=network_names),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A count (20), a range (100-119) or a list (1,5,8) [default: 20].")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons.")] = None,
    backend: Annotated[str, typer.Option(help="fast, numpy or brian2.")] = "fast",
    precision: Annotated[str, typer.Option(help="double, or single: faster, for the fast backend only.")] = "double",
    codegen_target: Annotated[
        str, typer.Option(help="Brian2's code generation: numpy, cython or cpp_standalone.")
    ] = "numpy",
    workers: Annotated[int | None, typer.Option(help="Seeds measured at a time [default: one a core].")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small networks and few seeds: a look, not a result.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON instead of tables.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results [default: results/compare].")
    ] = None,
    recordings: Annotated[bool, typer.Option("--recordings", help="Write every recording too (npz and json).")] = False,
    baseline: Annotated[
        str | None, typer.Option(help="Network to compare with [default: honhos, else the first].")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="[NETWORK:]NAME=VALUE", help="Change a value in all networks, or in one."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")] = False,
) -> None:
    """Measure networks on the same seeds: C, S, rate and E with 95 % intervals, a figure, and results.json."""
    from hetero_rsnn.common.files import json_text, write_json
    from hetero_rsnn.experiments import comparison as comparing
    from hetero_rsnn.experiments.measurement import measure_seed
    from hetero_rsnn.jobs.parallel import cores
    from hetero_rsnn.jobs.progress import progress_bar
    from hetero_rsnn.network.draw import draw
    from hetero_rsnn.network.loading import load_network
    from hetero_rsnn.network.shipped import CANONICAL
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.network_plots import figure_comparison
    from hetero_rsnn.report.comparison_tables import print_comparison
    from hetero_rsnn.simulation.engine import Engine

    engine = Engine(backend, precision, codegen_target)
    names = networks or list(CANONICAL)
    looks = comparing.quick_settings([load_network(name) for name in names]) if quick else [{}] * len(names)
    changes: dict[str, Any] = {}
    only: dict[str, dict[str, Any]] = {}
    for pair in overrides or []:
        name, colon, rest = pair.partition(":")
        if colon and "=" not in name:
            only.setdefault(name, {}).update(parse_overrides([rest]))
        else:
            changes |= parse_overrides([pair])
    if n is not None:
        changes["n"] = n
    nets = [
        load_network(name, **{**look, **changes, **only.pop(name, {})}) for name, look in zip(names, looks, strict=True)
    ]
    for name in only:
        raise HeteroError(f"--set {name}:... names no compared network{suggest(name, names)}")
    numbers = parse_seeds(seeds if seeds is not None else ("4" if quick else "20"))
    folder = results_folder(out, "compare", ("results.json", "figure.png", "recordings"), overwrite)
    with progress_bar("measuring", len(nets) * len(numbers)) as progress:
        comparison = comparing.compare(
            nets,
            numbers,
            baseline=baseline,
            **engine.options,
            workers=cores() if workers is None else workers,
            progress=progress,
            recordings=folder / "recordings" if recordings else None,
        )
    data = {"command": command_line(), **comparison.to_dict()}
    write_json(folder / "results.json", data)
    rasters = []
    for name in comparing.raster_pair(comparison):
        net = comparison[name].network
        _, recording = measure_seed(net, numbers[0], engine)
        rasters.append((draw(net, numbers[0]), recording))
    save_figure(figure_comparison(comparison, rasters), folder / "figure.png")
    # Last, since a pipe that nobody reads ends the command here.
    if as_json:
        say(json_text(data), end="")
    else:
        print_comparison(comparison)
        say(f"wrote results.json{', recordings' if recordings else ''} and figure.png to {printable(folder)}")
