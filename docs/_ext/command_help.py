"""The directive ``command-help``: what a command prints with ``--help``, asked of the program itself."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

#: Columns of the help text; a code block of a page holds as many.
WIDTH = 92


def help_text(words: list[str]) -> str:
    """What ``hetero-rsnn WORDS --help`` prints."""
    from hetero_rsnn.cli import app

    result = CliRunner().invoke(app, [*words, "--help"], prog_name="hetero-rsnn", terminal_width=WIDTH)
    if result.exit_code:
        raise ValueError(f"hetero-rsnn {' '.join(words)} --help ended with {result.exit_code}: {result.output}")
    return str(result.output).strip("\n")


class CommandHelp(SphinxDirective):
    """The argument is the command without the program's name; without one, the program itself."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        words = self.arguments[0].split() if self.arguments else []
        text = f"$ {' '.join(['hetero-rsnn', *words, '--help'])}\n\n{help_text(words)}"
        return [nodes.literal_block(text, text, language="text", classes=["command-help"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
