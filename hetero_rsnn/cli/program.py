"""The command line put together: every command with its summary and examples, and what ends it: a mistake, Ctrl-C."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from hetero_rsnn.cli import control as cli_control
from hetero_rsnn.cli import data as cli_data
from hetero_rsnn.cli import search as cli_search
from hetero_rsnn.cli import show as cli_show
from hetero_rsnn.cli import tasks as cli_tasks
from hetero_rsnn.cli.advise import advise
from hetero_rsnn.cli.compare import compare
from hetero_rsnn.cli.layout import GroupedCommands, SectionedCommand
from hetero_rsnn.cli.networks import networks_app
from hetero_rsnn.cli.options import any_encoding, examples, plain_warnings, say
from hetero_rsnn.cli.predict import predict
from hetero_rsnn.cli.rerun import rerun
from hetero_rsnn.cli.simulate import simulate
from hetero_rsnn.cli.spaces import spaces_app
from hetero_rsnn.cli.sweep import sweep
from hetero_rsnn.cli.warmup import warmup
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.text import printable
from hetero_rsnn.common.versions import versions

app = typer.Typer(
    name="hetero-rsnn",
    help="Memory capacity C, spikes S and efficiency E = C/S of heterogeneous recurrent spiking networks.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "hetero-rsnn compare --quick",
        "hetero-rsnn simulate henhes --input wind_greensboro --samples 500",
        "hetero-rsnn search quick",
        "hetero-rsnn COMMAND --help      (each ends with examples)",
    ),
    cls=GroupedCommands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(show: bool) -> None:
    if show:
        say(f"hetero-rsnn {versions()['hetero-rsnn']}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Memory capacity C, spikes S and efficiency E = C/S of heterogeneous recurrent spiking networks."""


def _command(
    heading: str, name: str, summary: str, *lines: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a command below a heading; its summary fits into a line of 80 columns beside its name."""
    return app.command(name, cls=SectionedCommand, short_help=summary, epilog=examples(*lines), rich_help_panel=heading)


_command(
    "Simulate",
    "simulate",
    "Run a network on a series: recording and raster.",
    "hetero-rsnn simulate henhes --input wind_greensboro --samples 500",
    "hetero-rsnn simulate henhes --input weather.csv --column temperature,wind",
)(simulate)
_command(
    "Measure",
    "compare",
    "Measure C, S, E of networks on the same seeds.",
    "hetero-rsnn compare --quick",
    "hetero-rsnn compare honhos henhes --seeds 20 --out results/two",
    "hetero-rsnn compare honhos mine.toml --set E.tau_m.mean='25 ms'",
    "hetero-rsnn compare --seeds 100 --dask tcp://10.0.0.5:8786 --journal c.jsonl",
)(compare)
_command(
    "Measure",
    "sweep",
    "Measure C, S, E of networks along a parameter.",
    "hetero-rsnn sweep henhes E.tau_m.cv=0:1.2:7 --quick",
    "hetero-rsnn sweep henhes E.tau_m.cv=0:1.2:7 --also honhos --figure sweep.pdf",
)(sweep)
_command(
    "Search",
    "search",
    "Search distributions for most memory per spike.",
    "hetero-rsnn search quick",
    "hetero-rsnn search paper --budget 40 --journal paper.jsonl",
    "hetero-rsnn search paper --journal paper.jsonl --resume",
    "hetero-rsnn search quick --task japanese_vowels --objective accuracy",
    "hetero-rsnn search quick --task weather.csv --column wind --horizon 6",
)(cli_search.search)
app.add_typer(spaces_app, name="spaces", rich_help_panel="Search")
_command(
    "Tasks",
    "classify",
    "Classify a data set: accuracy and spikes.",
    "hetero-rsnn classify japanese_vowels --quick",
    "hetero-rsnn classify japanese_vowels honhos henhes --early",
    "hetero-rsnn classify sklearn_digits --model mlp --quick",
    "hetero-rsnn classify flowers.csv --label species --quick",
    "hetero-rsnn classify steps.csv henhes --sample walk --save model.json",
)(cli_tasks.classify)
_command(
    "Tasks",
    "advise",
    "Find the best classifier within a budget.",
    "hetero-rsnn advise japanese_vowels --budget-kb 50 --quick",
    "hetero-rsnn advise steps.csv --sample walk --max-loss 0.01 --min-saving 0.3",
)(advise)
_command(
    "Tasks",
    "forecast",
    "Forecast a data set: error, skill and spikes.",
    "hetero-rsnn forecast wind_greensboro --quick",
    "hetero-rsnn forecast lorenz63 honhos henhes --closed-loop",
    "hetero-rsnn forecast wind_greensboro henhes --csv wind.csv --figure wind.pdf",
    "hetero-rsnn forecast weather.csv --column wind --horizon 6 --quick",
)(cli_tasks.forecast)
_command(
    "Tasks",
    "predict",
    "Ask a saved model about new data.",
    "hetero-rsnn classify steps.csv henhes --sample walk --save model.json",
    "hetero-rsnn predict model.json new_steps.csv --out predictions.csv",
)(predict)
_command(
    "Tasks",
    "control",
    "Train spiking actors that learn to act (TD3).",
    "hetero-rsnn control Pendulum-v1 --quick",
    "hetero-rsnn control Pendulum-v1 --actor dynamic --steps 20000 --seeds 3",
)(cli_control.control)
app.add_typer(networks_app, name="networks", rich_help_panel="Files")
app.add_typer(cli_data.data_app, name="data", rich_help_panel="Files")
_command(
    "Files",
    "show",
    "Show what the journal of a study holds.",
    "hetero-rsnn show paper.jsonl",
    "hetero-rsnn show paper.jsonl --export best.toml --no-figures",
    "hetero-rsnn show paper.jsonl homogeneous.jsonl --html both.html",
)(cli_show.show)
_command(
    "Files",
    "rerun",
    "Repeat a result from its file: is it the same?",
    "hetero-rsnn rerun results/compare/results.json",
    "hetero-rsnn rerun results/simulate/recording.json --out again",
)(rerun)
_command(
    "Files",
    "warmup",
    "Compile the kernels ahead of the first run.",
    "hetero-rsnn warmup",
    "hetero-rsnn warmup --no-gradient",
)(warmup)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit code 2, an interruption in exit code 130."""
    hook = sys.excepthook
    backend = os.environ.pop("MPLBACKEND", None)  # figures go to files; a backend that is not there ends the import
    with any_encoding(), plain_warnings():
        try:
            _check_words(sys.argv[1:])
            app(standalone_mode=True)
        except TooShortError as error:
            _end(_advice(error))
        except HeteroError as error:
            _end(str(error))
        except UserWarning as warning:  # the user made errors of them (python -W error)
            _end(str(warning))
        except (Exception, SystemExit) as error:
            stop = _interruption(error)
            if stop is not None:
                raise stop from None
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF):
                _end(f"what was to be written cannot be ({error.strerror}): free some space, or write elsewhere")
            raise
        finally:
            sys.excepthook = hook  # typer has set its own
            if backend is not None:
                os.environ["MPLBACKEND"] = backend


def _end(text: str) -> NoReturn:
    print(f"error: {printable(text)}", file=sys.stderr)
    sys.exit(2)


def _check_words(words: list[str]) -> None:
    """Refuse empty words, which no argument takes: as a path one would be the folder at hand."""
    for before, word in zip(["", *words], words, strict=False):
        name, sign, value = word.partition("=")
        if word.startswith("--") and sign and not value.strip():
            raise HeteroError(f"{name} is given an empty text", fix="give it a value, or leave it out")
        if not word.strip():
            where = f"the word after {before}" if before else "the first word"
            raise HeteroError(
                f"{where} is empty", fix="give a value, or leave both out" if before else "name a command"
            )


def _advice(error: TooShortError) -> str:
    """What the command at hand can do about a series that is too short."""
    if error.measure != "memory_capacity" or not {"compare", "sweep", "search"} & set(sys.argv[1:2]):
        return str(error)
    return f"{error.reason}: add --set protocol.samples={error.required}, or measure fewer neurons"


def _interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """Ctrl-C at the bottom of an error: typer makes an exit of it, modules of C that are being imported their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error
