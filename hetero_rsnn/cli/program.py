"""The command line put together: networks, data, simulate, compare, classify, forecast, search, show."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hetero_rsnn.cli import data as cli_data
from hetero_rsnn.cli import search as cli_search
from hetero_rsnn.cli import show as cli_show
from hetero_rsnn.cli import tasks as cli_tasks
from hetero_rsnn.cli.compare import compare
from hetero_rsnn.cli.networks import networks_app
from hetero_rsnn.cli.simulate import simulate
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.versions import versions

app = typer.Typer(
    name="hetero-rsnn",
    help="Memory capacity and spike efficiency of heterogeneous recurrent spiking networks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(networks_app, name="networks")
app.add_typer(cli_data.data_app, name="data")


def _version(show: bool) -> None:
    if show:
        typer.echo(f"hetero-rsnn {versions()['hetero-rsnn']}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Memory capacity and spike efficiency of heterogeneous recurrent spiking networks."""


app.command()(simulate)
app.command()(compare)
app.command()(cli_tasks.classify)
app.command()(cli_tasks.forecast)
app.command()(cli_search.search)
app.command()(cli_show.show)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit code 2."""
    try:
        app(standalone_mode=True)
    except TooShortError as error:
        advice = f": add --set protocol.samples={error.required}, or measure fewer neurons"
        text = error.reason + advice if error.measure == "memory_capacity" else error
        print(f"error: {text}", file=sys.stderr)
        sys.exit(2)
    except HeteroError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
