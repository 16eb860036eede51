"""``hetero-rsnn simulate``: a network on a series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.cli import studies
from hetero_rsnn.cli.options import command_line, network_names, parse_overrides, results_folder, say
from hetero_rsnn.cli.outputs import OUTPUT
from hetero_rsnn.common import checks
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.inputs.files import Series


def simulate(
    network: Annotated[str, typer.Argument(help="Name or path of a network.", autocompletion=network_names)],
    input: Annotated[
        Path,
        typer.Option(
            "--input", "-i", help="Series to feed in: csv, npy, npz or wav; or a shipped one (wind_greensboro)."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [default: results/simulate].", rich_help_panel=OUTPUT),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column(s) of a csv, comma-separated, or array of an npz.")] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether a csv begins with names [default: by its look]."),
    ] = None,
    hold: Annotated[str | None, typer.Option(help="Simulated time of one sample [default: the network's].")] = None,
    scale: Annotated[str, typer.Option(help="minmax (each channel to -1..1), zscore, or none.")] = "minmax",
    samples: Annotated[int | None, typer.Option(help="Use only the first samples.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons.")] = None,
    backend: studies.Backend = "fast",
    precision: studies.Precision = "double",
    codegen_target: studies.Target = "numpy",
    plasticity: Annotated[
        bool | None,
        typer.Option(
            "--plasticity/--frozen", help="Let the synapses learn [default: unless the network's arrays are given]."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value, e.g. E.tau_m.cv=0.3.")
    ] = None,
    overwrite: studies.Overwrite = False,
) -> None:
    """Run a network on a series: writes the recording, and a raster with the input above it."""
    from hetero_rsnn.datasets.sources import shipped_series
    from hetero_rsnn.inputs.files import read_series, scale_series
    from hetero_rsnn.inputs.stimulus import array_stimulus
    from hetero_rsnn.network.draw import draw
    from hetero_rsnn.network.loading import load_network
    from hetero_rsnn.network.shipped import label
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.plots.network_plots import figure_simulation
    from hetero_rsnn.simulation.engine import Engine
    from hetero_rsnn.simulation.simulate import simulate as run

    engine = Engine(backend, precision, codegen_target)
    changes: dict[str, Any] = parse_overrides(overrides or [])
    if n is not None:
        changes["n"] = n
    known = not input.exists() and not input.suffix and len(input.parts) == 1
    series = read_series(shipped_series(str(input)) if known else input, column=column, header=header)
    values = series.values if samples is None else series.values[: checks.whole("--samples", samples, least=1)]
    own = load_network(network, **changes)
    net = own.replace(**{"input.channels": values.shape[1]})
    stimulus = array_stimulus(scale_series(values, scale), hold or net.protocol.hold)
    stimulus = replace(
        stimulus,
        description={
            "source": series.source,
            "sha256": series.sha256,
            "columns": list(series.names),
            "scale": scale,
        },
    )
    learns = net.arrays is None if plasticity is None else plasticity
    drawn = draw(net, seed, precision=precision)
    folder = results_folder(out, "simulate", ("recording.npz", "recording.json", "raster.png"), overwrite)
    recording = run(drawn, stimulus, plasticity=learns, **engine.options)
    recording = replace(recording, provenance={**recording.provenance, "command": command_line()})
    path = recording.save(folder / "recording")
    shown = min(stimulus.duration, 2000.0)
    title = printable(f"{label(net.name)} on {series.source}: {', '.join(series.names[:4])}").replace("$", r"\$")
    figure = save_figure(
        figure_simulation(stimulus, drawn, recording, duration=shown, title=title), folder / "raster.png"
    )
    say(printable(_input_line(series)))
    if own.input.channels != net.input.channels:
        channels = f"{printable(own.name)} has {own.input.channels}"
        say(f"input.channels set to {net.input.channels}, as the series has them; {channels}")
    say(
        f"{printable(net.name)}: {net.n} neurons, {len(stimulus)} samples of {stimulus.hold:g} ms "
        f"({stimulus.duration / 1e3:g} s), "
        f"{recording.spike_times.size} spikes"
    )
    if net.arrays is not None:
        kept = "learn on from the given weights" if learns else "keep their weights"
        say(f"its arrays are given: seed {seed} decides the initial state only, and plastic synapses {kept}")
    for p in net.populations:
        rates = recording.rates_hz[drawn.members(p.name)]
        say(
            f"  {printable(p.name)}: {rates.mean():.2f} Hz, from {rates.min():.2f} to {rates.max():.2f}, "
            f"{(rates == 0).mean():.1%} silent"
        )
    say(f"compiled in {recording.timings['compile']:.2f} s, ran in {recording.timings['run']:.2f} s ({backend})")
    say(f"wrote {printable(path)}, {path.with_suffix('.json').name} and {figure.name}")


def _input_line(series: Series) -> str:
    """Which columns drive the network, and which do not."""
    count, names = len(series.names), ", ".join(series.names[:8])
    left_out = "; ".join(f"{name}, {why}" for name, why in series.left_out)
    return (
        f"input: {count} channel{'s' if count > 1 else ''} {names}{', ...' if count > 8 else ''} of {series.source}"
        + (f" (left out: {left_out})" if left_out else "")
    )
