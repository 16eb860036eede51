"""``hetero-rsnn networks``: the shipped networks."""

from __future__ import annotations

from shutil import get_terminal_size
from textwrap import TextWrapper
from typing import Annotated

import typer

from hetero_rsnn.cli.options import NamedGroup, by_line, examples, network_names, parse_overrides, say
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

networks_app = typer.Typer(
    cls=NamedGroup,
    help="List the shipped networks, or show one.",
    epilog=examples("hetero-rsnn networks", "hetero-rsnn networks henhes"),
    rich_markup_mode=None,
)


@networks_app.callback(invoke_without_command=True)
def networks(context: typer.Context) -> None:
    """List the shipped networks."""
    if context.invoked_subcommand is not None:
        return
    from hetero_rsnn.network.shipped import grouped_networks, networks_folder

    found = grouped_networks()
    margin = 4 + max(len(name) for group in found.values() for name in group)
    columns = max(get_terminal_size().columns, 2 * margin)

    def wrapper(start: str) -> TextWrapper:
        return TextWrapper(columns, start, " " * margin, break_long_words=False, break_on_hyphens=False)

    for k, (group, described) in enumerate(found.items()):
        say("\n" * (k > 0) + group)
        for name, description in described.items():
            say(wrapper(f"  {name}".ljust(margin)).fill(printable(description)))
    say(f"\nfiles: {printable(networks_folder())}")
    say("details: hetero-rsnn networks show henhes")


@networks_app.command(
    "show",
    epilog=examples(
        "hetero-rsnn networks show henhes",
        "hetero-rsnn networks show henhes --set E.tau_m.cv=0.3",
        "hetero-rsnn networks show henhes --toml > mine.toml",
        "hetero-rsnn networks show mine.toml --kernel",
    ),
)
def networks_show(
    network: Annotated[str, typer.Argument(help="Name or path of a network.", autocompletion=network_names)],
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the whole network as TOML, to start one of your own.")
    ] = False,
    kernel: Annotated[
        bool, typer.Option("--kernel", help="Print the code that the fast backend makes of the equations.")
    ] = False,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value.")] = None,
) -> None:
    """Print the equations and distributions of a network."""
    from hetero_rsnn.network.loading import load_network
    from hetero_rsnn.network.saving import to_toml_text

    net = load_network(network, **parse_overrides(overrides or []))
    if kernel:
        if toml:
            raise HeteroError("--kernel and --toml print different things", fix="give one of them")
        from hetero_rsnn.simulation.generated.run import kernel_source

        say(kernel_source(net).text)
        return
    # Without name and description: an edited copy must not pass for the shipped network.
    say(_escaped(to_toml_text(net, named=False)) if toml else by_line(net))


def _escaped(toml: str) -> str:
    """The same content, where a character that nobody would see is written as an escape of TOML's."""
    return "".join(c if c in "\n\t" or printable(c) == c else f"\\U{ord(c):08x}" for c in toml)
