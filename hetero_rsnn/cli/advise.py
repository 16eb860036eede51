"""``hetero-rsnn advise``: which way to classify fits a budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetero_rsnn.cli import own, studies
from hetero_rsnn.cli.options import say
from hetero_rsnn.cli.outputs import OUTPUT, Csv, FigureFile, Tables, free_file
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable


def advise(
    dataset: own.Data,
    budget_spikes: Annotated[
        float | None, typer.Option("--budget-spikes", help="Spikes of a neuron per inference; networks alone compete.")
    ] = None,
    budget_kb: Annotated[float | None, typer.Option("--budget-kb", help="Weights in kB.")] = None,
    budget_ms: Annotated[float | None, typer.Option("--budget-ms", help="Simulated ms to the decision.")] = None,
    max_loss: Annotated[
        float | None, typer.Option("--max-loss", help="Accuracy that may be lost against the best ordinary model.")
    ] = None,
    min_saving: Annotated[
        float | None, typer.Option("--min-saving", help="Share of its energy to be saved, with --max-loss.")
    ] = None,
    label: own.Label = None,
    sample: own.Sample = None,
    groups: own.Groups = None,
    split: own.Split = None,
    column: own.Columns = None,
    test_share: own.Share = None,
    split_seed: own.SplitSeed = None,
    data_dir: own.Folder = None,
    network: Annotated[str, typer.Option(help="Name or path of the network.")] = "henhes",
    n: Annotated[int | None, typer.Option("--n", help="Number of neurons [default: the recipe's].")] = None,
    seed: Annotated[int, typer.Option(help="Seed of networks and trainings.")] = 0,
    seconds: Annotated[float, typer.Option(help="Time limit of the comparison.")] = 300.0,
    quick: Annotated[bool, typer.Option("--quick", help="Small networks, part of the data: a look only.")] = False,
    as_json: studies.Json = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [default: results/advise].", rich_help_panel=OUTPUT),
    ] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL.json",
            help="Keep the winner for hetero-rsnn predict, if it is a network by STDP.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: studies.Overwrite = False,
) -> None:
    """Find the best classifier within a budget: ordinary models and networks, validated, the winner tested once.

    If no way meets the budget, the results are written all the same, and the exit code is 2.
    """
    from hetero_rsnn.cli.options import command_line, task_folder
    from hetero_rsnn.cli.tasks import part_of, quick_size
    from hetero_rsnn.common.files import file_named, json_text, write_json, write_text
    from hetero_rsnn.jobs.progress import progress_bar
    from hetero_rsnn.plots.advice_plots import figure_advice
    from hetero_rsnn.plots.looks import save_figure
    from hetero_rsnn.report.table_files import csv_text
    from hetero_rsnn.report.terminal import print_tables
    from hetero_rsnn.tasks.advice import advise as run
    from hetero_rsnn.tasks.advice import check_budget

    check_budget({"spikes": budget_spikes, "kb": budget_kb, "ms": budget_ms}, max_loss, min_saving)
    if save is not None:
        free_file(file_named("a model", save, ".json"), "--save", overwrite)
    own.check_task(dataset, "classification")
    reading = own.Reading(label, sample, groups, split, column, test_share, split_seed)
    data = own.load_any(dataset, data_dir, reading, "classification")
    data = part_of(data) if quick else data
    changes = {"n": n} if n is not None else quick_size([network], 100) if quick else {}
    apart = Tables(figure, csv, None)
    with task_folder(out, "advise", overwrite, apart) as folder:
        with progress_bar(f"advise {dataset}", 7) as bar:
            result = run(
                data, budget_spikes=budget_spikes, budget_kb=budget_kb, budget_ms=budget_ms, max_loss=max_loss,
                min_saving=min_saving, network=network, overrides=changes,
                epochs=3 if quick else 20, seconds=seconds, seed=seed,
                progress=lambda done, total, name: bar(done, total, note=name),
            )  # fmt: skip
        content = {"command": command_line(), **result.to_dict()}
        write_json(folder / "results.json", content)
        save_figure(figure_advice(result), apart.figure or folder / "figure.png")
        if csv is not None:
            write_text(csv, csv_text(result.table()))
        kept = _keep(result, save, overwrite) if save is not None and result.winner is not None else None
        if as_json:
            say(json_text(content), end="")
        else:
            print_tables(result.tables())
            for line in result.sentences():
                say(printable(line))
            files = "results.json" + (" and figure.png" if figure is None else "")
            say(f"wrote {files} to {printable(folder)}{apart.told()}")
        if kept is not None:
            say(kept, err=as_json)
    if result.winner is None:
        raise HeteroError(result.none_meets, fix="give more, or a smaller network by --n")


def _keep(result: object, save: Path, overwrite: bool) -> str:
    """Write the winner, or say why no file holds it."""
    from hetero_rsnn.estimators.saving import write_model
    from hetero_rsnn.tasks.advice_result import Advice
    from hetero_rsnn.tasks.keeping import about_data

    assert isinstance(result, Advice) and result.winner is not None
    if result.winner.name != "STDP":
        return f"not saved: a file holds networks by STDP, and the winner is {result.winner.name}; Advice.model has it"
    path = write_model(result.model, save, about_data(result.dataset), overwrite=overwrite)
    return f"saved {result.winner.name}: {printable(path)}"
