"""``hetero-rsnn spaces``: the shipped search spaces."""

from __future__ import annotations

from typing import Annotated

import typer

from hetero_rsnn.cli.options import NamedGroup, by_line, examples, parse_overrides, say, space_names
from hetero_rsnn.common.text import printable

spaces_app = typer.Typer(
    cls=NamedGroup,
    help="List the shipped search spaces, or show one.",
    epilog=examples("hetero-rsnn spaces", "hetero-rsnn spaces paper"),
    rich_markup_mode=None,
)


@spaces_app.callback(invoke_without_command=True)
def spaces(context: typer.Context) -> None:
    """List the shipped search spaces."""
    if context.invoked_subcommand is not None:
        return
    from hetero_rsnn.searching.space import list_spaces, spaces_folder

    found = list_spaces()
    width = max(map(len, found))
    for name, description in found.items():
        say(f"{name:<{width}}  {printable(description)}")
    say(f"\nfiles: {printable(spaces_folder())}")
    say("details: hetero-rsnn spaces show paper")


@spaces_app.command(
    "show",
    short_help="Print what a space varies, and its ranges.",
    epilog=examples("hetero-rsnn spaces show paper", "hetero-rsnn spaces show my_space.toml --set n=200"),
)
def spaces_show(
    space: Annotated[str, typer.Argument(help="Name or path of a search space.", autocompletion=space_names)],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value of the base network.")
    ] = None,
) -> None:
    """Print what a space varies, within which ranges, and what a search of it takes."""
    from hetero_rsnn.searching.space import load_space

    say(by_line(load_space(space, **parse_overrides(overrides or []))))
