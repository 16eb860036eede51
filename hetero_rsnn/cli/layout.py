"""How help is laid out: commands, and options of commands that have many, under headings.

What rich would draw is not for every terminal, so headings are plain text.
"""

from __future__ import annotations

from typing import Any

import typer.core


class GroupedCommands(typer.core.TyperGroup):
    """Commands under headings, which are their ``rich_help_panel``."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section a heading, in the order in which they come first."""
        known = [(name, command) for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))]
        width = max(len(name) for name, _ in known)
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in known:
            text = command.get_short_help_str(formatter.width - width - 6)
            sections.setdefault(str(getattr(command, "rich_help_panel", "")), []).append((name.ljust(width), text))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


class SectionedCommand(typer.core.TyperCommand):
    """A command whose options stand under headings, their ``rich_help_panel``, after those that have none."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section a heading."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            own = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or own, []).append(record)
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
