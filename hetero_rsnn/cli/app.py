"""The command line: ``hetero-rsnn networks | data | simulate | compare | search | show``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.cli import data as cli_data
from hetero_rsnn.cli import search as cli_search
from hetero_rsnn.cli import show as cli_show
from hetero_rsnn.cli import tasks as cli_tasks
from hetero_rsnn.cli.options import command_line, parse_overrides, parse_seeds, results_folder
from hetero_rsnn.common.errors import HeteroError, TooShortError, suggest

if TYPE_CHECKING:
    from hetero_rsnn.datasets.series import Series

app = typer.Typer(
    name="hetero-rsnn",
    help="Memory capacity and spike efficiency of heterogeneous recurrent spiking networks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
networks_app = typer.Typer(help="List the shipped networks, or show one.", rich_markup_mode=None)
app.add_typer(networks_app, name="networks")
app.add_typer(cli_data.data_app, name="data")


def _version(show: bool) -> None:
    if show:
        import hetero_rsnn

        typer.echo(f"hetero-rsnn {hetero_rsnn.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Memory capacity and spike efficiency of heterogeneous recurrent spiking networks."""


@networks_app.callback(invoke_without_command=True)
def networks(context: typer.Context) -> None:
    """List the shipped networks."""
    if context.invoked_subcommand is not None:
        return
    from hetero_rsnn.network.loading import list_networks, networks_folder

    found = list_networks()
    width = max(map(len, found))
    for name, description in found.items():
        typer.echo(f"{name:<{width}}  {description}")
    typer.echo(f"\nfiles: {networks_folder()}")
    typer.echo("one of them in full: hetero-rsnn networks show henhes")


@networks_app.command("show")
def networks_show(
    network: Annotated[str, typer.Argument(help="Name or path of a network.")],
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the whole network as TOML, to start one of your own.")
    ] = False,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value.")] = None,
) -> None:
    """Print the equations and distributions of a network."""
    from hetero_rsnn.network.loading import load_network, to_toml_text

    net = load_network(network, **parse_overrides(overrides or []))
    # Without name and description: an edited copy must not pass for the shipped network.
    typer.echo(to_toml_text(net, named=False) if toml else str(net))


@app.command()
def simulate(
    network: Annotated[str, typer.Argument(help="Name or path of a network.")],
    input: Annotated[
        Path,
        typer.Option(
            "--input", "-i", help="Series to feed in: csv, npy, npz or wav; or a shipped one (wind_greensboro)."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results [default: results/simulate].")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column(s) of a csv, comma-separated, or array of an npz.")] = None,
    hold: Annotated[str | None, typer.Option(help="Simulated time of one sample [default: the network's].")] = None,
    scale: Annotated[str, typer.Option(help="minmax (each channel to -1..1), zscore, or none.")] = "minmax",
    samples: Annotated[int | None, typer.Option(help="Use only the first samples.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons.")] = None,
    backend: Annotated[str, typer.Option(help="fast, numpy or brian2.")] = "fast",
    precision: Annotated[str, typer.Option(help="double, or single: faster, for the fast backend only.")] = "double",
    target: Annotated[str, typer.Option(help="Brian2's code generation: numpy, cython or cpp_standalone.")] = "numpy",
    plasticity: Annotated[bool, typer.Option("--plasticity/--frozen", help="Let the synapses learn.")] = True,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")] = False,
) -> None:
    """Run a network on a series: writes the recording, and a raster with the input above it."""
    import hetero_rsnn as hr
    from hetero_rsnn.common import units
    from hetero_rsnn.plots.network_plots import figure_simulation, label, save_figure
    from hetero_rsnn.simulation.simulate import check_backend

    check_backend(backend, precision)
    changes: dict[str, Any] = parse_overrides(overrides or [])
    if n is not None:
        changes["n"] = n
    known = not input.exists() and not input.suffix and len(input.parts) == 1
    series = hr.read_series(hr.shipped_series(str(input)) if known else input, column=column)
    values = series.values if samples is None else series.values[: _positive(samples, "--samples")]
    own = hr.load_network(network, **changes)
    net = own.replace(**{"input.channels": values.shape[1]})
    stimulus = hr.array_stimulus(hr.scale_series(values, scale), hold or units.show(net.protocol.hold, units.TIME))
    stimulus = replace(
        stimulus,
        description={
            "source": series.source,
            "sha256": series.sha256,
            "columns": list(series.names),
            "scale": scale,
        },
    )
    drawn = hr.draw(net, seed, precision=precision)
    folder = results_folder(out, "simulate", ("recording.npz", "recording.json", "raster.png"), overwrite)
    recording = hr.simulate(drawn, stimulus, backend=backend, precision=precision, target=target, plasticity=plasticity)
    path = recording.save(folder / "recording")
    shown = min(stimulus.duration, 2000.0)
    title = f"{label(net.name)} on {series.source}: {', '.join(series.names[:4])}".replace("$", r"\$")
    figure = save_figure(
        figure_simulation(stimulus, drawn, recording, duration=shown, title=title), folder / "raster.png"
    )
    typer.echo(_input_line(series))
    if own.input.channels != net.input.channels:
        typer.echo(
            f"input.channels set to {net.input.channels}, as the series has them; {own.name} has {own.input.channels}"
        )
    typer.echo(
        f"{net.name}: {net.n} neurons, {len(stimulus)} samples of {stimulus.hold:g} ms "
        f"({stimulus.duration / 1e3:g} s), "
        f"{recording.spike_times.size} spikes"
    )
    for p in net.populations:
        rates = recording.rates_hz[drawn.members(p.name)]
        typer.echo(
            f"  {p.name}: {rates.mean():.2f} Hz, from {rates.min():.2f} to {rates.max():.2f}, "
            f"{(rates == 0).mean():.1%} silent"
        )
    typer.echo(f"compiled in {recording.timings['compile']:.2f} s, ran in {recording.timings['run']:.2f} s ({backend})")
    typer.echo(f"wrote {path}, {path.with_suffix('.json').name} and {figure.name}")


def _input_line(series: Series) -> str:
    """Which columns drive the network, and which do not."""
    count, names = len(series.names), ", ".join(series.names[:8])
    left_out = "; ".join(f"{name}, {why}" for name, why in series.left_out)
    return (
        f"input: {count} channel{'s' if count > 1 else ''} {names}{', ...' if count > 8 else ''} of {series.source}"
        + (f" (left out: {left_out})" if left_out else "")
    )


def _positive(value: int, name: str) -> int:
    if value < 1:
        raise HeteroError(f"{name} must be a whole number >= 1, got {value}")
    return value


@app.command()
def compare(
    networks: Annotated[
        list[str] | None, typer.Argument(help="Names or paths [default: the four canonical networks].")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A count (20), a range (100-119) or a list (1,5,8) [default: 20].")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons.")] = None,
    backend: Annotated[str, typer.Option(help="fast, numpy or brian2.")] = "fast",
    precision: Annotated[str, typer.Option(help="double, or single: faster, for the fast backend only.")] = "double",
    target: Annotated[str, typer.Option(help="Brian2's code generation: numpy, cython or cpp_standalone.")] = "numpy",
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
    from hetero_rsnn.experiments import comparison as comparing
    from hetero_rsnn.report import terminal as report
    from hetero_rsnn.network.draw import draw
    from hetero_rsnn.common.files import json_text, write_json
    from hetero_rsnn.network.loading import load_network
    from hetero_rsnn.jobs.parallel import cores
    from hetero_rsnn.plots.network_plots import figure_comparison, save_figure
    from hetero_rsnn.simulation.simulate import check_backend
    from hetero_rsnn.experiments.measurement import measure_seed

    check_backend(backend, precision)
    changes: dict[str, Any] = dict(comparing.QUICK) if quick else {}
    only: dict[str, dict[str, Any]] = {}
    for pair in overrides or []:
        name, colon, rest = pair.partition(":")
        if colon and "=" not in name:
            only.setdefault(name, {}).update(parse_overrides([rest]))
        else:
            changes |= parse_overrides([pair])
    if n is not None:
        changes["n"] = n
    names = networks or list(comparing.CANONICAL)
    nets = [load_network(name, **{**changes, **only.pop(name, {})}) for name in names]
    for name in only:
        raise HeteroError(f"--set {name}:... names no compared network{suggest(name, names)}")
    numbers = parse_seeds(seeds if seeds is not None else ("4" if quick else "20"))
    folder = results_folder(out, "compare", ("results.json", "figure.png", "recordings"), overwrite)
    with report.progress_bar("measuring", len(nets) * len(numbers)) as progress:
        comparison = comparing.compare(
            nets,
            numbers,
            baseline=baseline,
            backend=backend,
            precision=precision,
            target=target,
            workers=cores() if workers is None else workers,
            progress=progress,
            recordings=folder / "recordings" if recordings else None,
        )
    data = {"command": command_line(), **comparison.to_dict()}
    write_json(folder / "results.json", data)
    if as_json:
        typer.echo(json_text(data), nl=False)
    else:
        report.print_comparison(comparison)
    rasters = []
    for name in report.raster_pair(comparison):
        net = comparison[name].network
        _, recording = measure_seed(net, numbers[0], backend=backend, precision=precision, target=target)
        rasters.append((draw(net, numbers[0]), recording))
    save_figure(figure_comparison(comparison, rasters), folder / "figure.png")
    if not as_json:
        typer.echo(f"wrote results.json{', recordings' if recordings else ''} and figure.png to {folder}")


app.command()(cli_tasks.classify)
app.command()(cli_tasks.forecast)
app.command()(cli_search.search)
app.command()(cli_show.show)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit code 2."""
    try:
        app(standalone_mode=True)
    except TooShortError as error:
        reason, of_capacity, _ = str(error).partition("; untrustworthy")
        advice = f": add --set protocol.samples={error.required}, or measure fewer neurons" if of_capacity else ""
        print(f"error: {reason}{advice}", file=sys.stderr)
        sys.exit(2)
    except HeteroError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
