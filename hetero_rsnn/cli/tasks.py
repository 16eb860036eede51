"""``hetero-rsnn classify`` and ``hetero-rsnn forecast``: networks on data, beside what needs no network."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli import images, own, studies
from hetero_rsnn.cli.options import Dask, Workers, network_names, places, say
from hetero_rsnn.cli.outputs import OUTPUT, Csv, FigureFile, Latex, Tables, free_file
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.text import printable

#: Settings of a quick look; numbers are rough then.
_QUICK_NEURONS = 150

_Networks = Annotated[
    list[str] | None,
    typer.Argument(help="Names or paths [default: the four canonical networks].", autocompletion=network_names),
]
_Seeds = Annotated[str | None, typer.Option(help="A count (3), a range (100-102) or a list (1,5,8) [default: 3].")]
_N = Annotated[int | None, typer.Option("--n", help="Number of neurons [default: the recipe's].")]
_Quick = Annotated[bool, typer.Option("--quick", help="Small networks, one seed, part of the data: a look only.")]
_Train = Annotated[
    str, typer.Option(help="stdp, or gradient: by backpropagation, on labels or targets of the training part.")
]
_Rate = Annotated[
    float | None, typer.Option("--target-rate", metavar="HZ", help="Rate above which spikes cost, for gradient.")
]
_Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a value of all networks.")]
_Save = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL.json",
        help="Keep the fitted network of the first seed, for hetero-rsnn predict.",
        rich_help_panel=OUTPUT,
    ),
]


def classify(
    dataset: own.Data,
    networks: _Networks = None,
    label: own.Label = None,
    sample: own.Sample = None,
    groups: own.Groups = None,
    split: own.Split = None,
    column: own.Columns = None,
    test_share: own.Share = None,
    split_seed: own.SplitSeed = None,
    data_dir: own.Folder = None,
    seeds: _Seeds = None,
    n: _N = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Also train on all speakers but one, and test on that.")
    ] = False,
    early: Annotated[bool, typer.Option("--early", help="Also decide before the end of a sample.")] = False,
    model: images.Model = None,
    steps: images.Steps = None,
    method: images.Method = None,
    loss: images.Loss = None,
    rcs: images.Rcs = None,
    epochs: images.Epochs = None,
    n_images: images.Count = None,
    bits: images.Bits = None,
    shortcuts: images.Shortcuts = False,
    minirocket: Annotated[
        bool | None,
        typer.Option(
            "--minirocket/--no-minirocket",
            help="Also classify by MiniRocket, without a network [default: where aeon or sktime is installed].",
        ),
    ] = None,
    train: _Train = "stdp",
    target_rate: _Rate = None,
    backend: studies.Backend = "fast",
    precision: studies.Precision = "double",
    workers: Workers = None,
    dask: Dask = None,
    quick: _Quick = False,
    as_json: studies.Json = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [default: results/classify].", rich_help_panel=OUTPUT),
    ] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    latex: Latex = None,
    html: studies.HtmlFile = None,
    save: _Save = None,
    overrides: _Set = None,
    overwrite: studies.Overwrite = False,
) -> None:
    """Classify a data set, or data of your own: accuracy, spikes, few labels, the linear model; table and figure."""
    from hetero_rsnn.tasks.classification import classify as run

    training = _training(train, target_rate)
    reading = own.Reading(label, sample, groups, split, column, test_share, split_seed)
    asked = images.Asked(steps, method, loss, rcs, epochs, n_images, bits, shortcuts or None)
    if model is not None:
        recurrent = {
            "names of networks": networks, "--n": n is not None, "--leave-out": leave_out,
            "--minirocket": minirocket is not None, "--train": train != "stdp", "--backend": backend != "fast",
            "--precision": precision != "double", "--save": save is not None, **dict.fromkeys(reading.words(), True),
        }  # fmt: skip
        images.refuse_recurrent([option for option, said in recurrent.items() if said])
        images.classify_images(
            dataset, model, asked, early, data_dir, seeds, workers, dask, quick, as_json, out,
            Tables(figure, csv, latex, html), overrides, overwrite,
        )  # fmt: skip
        return
    asked.refuse()
    _check_save(save, networks, train, overwrite)

    def task(data: Any, names: list[str], numbers: list[int], **options: Any) -> Any:
        return run(
            data, names, numbers, leave_out=leave_out, early=early, minirocket=minirocket, train=train,
            training=training, **options,
        )  # fmt: skip

    _run("classify", task, dataset, reading, networks, data_dir, seeds, n, backend, precision, places(workers, dask),
         quick, as_json, out, Tables(figure, csv, latex, html), save, overrides, overwrite)  # fmt: skip


def forecast(
    dataset: own.Data,
    networks: _Networks = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", "-H", help="Samples ahead [default: the recipe's].")
    ] = None,
    column: own.Columns = None,
    sample: own.Sample = None,
    test_share: own.Share = None,
    uneven: own.Uneven = False,
    data_dir: own.Folder = None,
    seeds: _Seeds = None,
    n: _N = None,
    closed_loop: Annotated[
        bool, typer.Option("--closed-loop", help="Also let the networks run freely on a chaotic series.")
    ] = False,
    train: _Train = "stdp",
    target_rate: _Rate = None,
    backend: studies.Backend = "fast",
    precision: studies.Precision = "double",
    workers: Workers = None,
    dask: Dask = None,
    quick: _Quick = False,
    as_json: studies.Json = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results [default: results/forecast].", rich_help_panel=OUTPUT),
    ] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    latex: Latex = None,
    html: studies.HtmlFile = None,
    save: _Save = None,
    overrides: _Set = None,
    overwrite: studies.Overwrite = False,
) -> None:
    """Forecast a data set, or data of your own: NRMSE, skill against simple models, spikes; table and figure."""
    from hetero_rsnn.tasks.forecasting import forecast as run

    training = _training(train, target_rate)
    _check_save(save, networks, train, overwrite)

    def task(data: Any, names: list[str], numbers: list[int], **options: Any) -> Any:
        return run(
            data, names, numbers, horizon=horizon, closed_loop=closed_loop, train=train, training=training, **options
        )

    reading = own.Reading(sample=sample, column=column, test_share=test_share, uneven=uneven or None)
    _run("forecast", task, dataset, reading, networks, data_dir, seeds, n, backend, precision, places(workers, dask),
         quick, as_json, out, Tables(figure, csv, latex, html), save, overrides, overwrite)  # fmt: skip


def _training(train: str, target_rate: float | None) -> dict[str, float] | None:
    """What is said of the training."""
    from hetero_rsnn.common import checks

    checks.one_of("--train", train, ("stdp", "gradient"))
    if target_rate is not None and train != "gradient":
        raise HeteroError("--target-rate is for --train gradient", fix="add that, or leave it away")
    return None if target_rate is None else {"target_rate": target_rate}


def _check_save(save: Path | None, networks: list[str] | None, train: str, overwrite: bool) -> None:
    """Refuse, before the work, a model that could not be kept."""
    from hetero_rsnn.common.files import file_named

    if save is None:
        return
    if train != "stdp":
        raise HeteroError("--save keeps networks that learn by STDP, got --train gradient", fix="leave one away")
    if len(networks or ()) != 1:
        given = f"{len(networks)} networks" if networks else "none named"
        raise HeteroError(f"--save keeps one network, got {given}", fix="name one, such as henhes")
    free_file(file_named("a model", save, ".json"), "--save", overwrite)


def _keep(save: Path, result: Any, backend: str, precision: str, overwrite: bool) -> str:
    """Fit the network of the first seed once more, and write it."""
    from hetero_rsnn.estimators.saving import write_model
    from hetero_rsnn.tasks.keeping import about_data, fitted_model

    model = fitted_model(result, backend=backend, precision=precision)
    path = write_model(model, save, about_data(result.dataset), overwrite=overwrite)
    row = result.rows[0]
    found = row.report
    score = f"NRMSE {found.nrmse:.4f}" if result.dataset.y is None else f"accuracy {found.accuracy:.4f}"
    return (
        f"saved {printable(row.network)}, seed {row.seed}, {score} on the test part: {printable(path)}\n"
        f"new data: {printable(shlex.join(['hetero-rsnn', 'predict', str(path), 'DATA']))}"
    )


def _run(
    command: str, task: Callable[..., Any], name: str, reading: own.Reading, networks: list[str] | None,
    data_dir: Path | None, seeds: str | None, n: int | None, backend: str, precision: str, where: dict[str, Any],
    quick: bool, as_json: bool, out: Path | None, apart: Tables, save: Path | None, overrides: list[str] | None,
    overwrite: bool,
) -> None:  # fmt: skip
    from hetero_rsnn.cli.options import parse_overrides, parse_seeds, task_folder, write_task
    from hetero_rsnn.jobs.progress import progress_bar
    from hetero_rsnn.network.shipped import CANONICAL
    from hetero_rsnn.plots.task_plots import figure_task
    from hetero_rsnn.report.task_page import task_page
    from hetero_rsnn.report.task_tables import print_task, task_rows, task_tables
    from hetero_rsnn.simulation.engine import Engine

    Engine(backend, precision)  # refuses what cannot be, before data are loaded
    names = list(networks or CANONICAL)
    changes = quick_size(names, _QUICK_NEURONS) if quick else {}
    changes |= parse_overrides(overrides or [])
    if n is not None:
        changes["n"] = n
    numbers = parse_seeds(seeds if seeds is not None else ("1" if quick else "3"))
    wanted = {"classify": "classification", "forecast": "forecasting"}[command]
    own.check_task(name, wanted)
    data = own.load_any(name, data_dir, reading, wanted)
    if quick:
        data = part_of(data)
    total = len(names) * len(numbers)
    with task_folder(out, command, overwrite, apart) as folder:
        with progress_bar(f"{command} {name}", total) as progress:
            last = (0, total)

            def done(number: int, total: int) -> None:
                nonlocal last
                last = number, total
                progress(number, total)

            epochs: Counter[tuple[str, int]] = Counter()

            def told(network: str, seed: int, epoch: Any) -> None:
                epochs[network, seed] += 1
                progress(*last, note=f"{network}, seed {seed}, epoch {epochs[network, seed]}: {epoch}")

            result = task(
                data, names, numbers, overrides=changes, backend=backend, precision=precision,
                progress=done, on_epoch=told, **where,
            )  # fmt: skip
        kept = None if save is None else _keep(save, result, backend, precision, overwrite)
        write_task(folder, numbers, result, figure_task(result), as_json, print_task, apart, task_rows, task_tables,
                   task_page)  # fmt: skip
        if kept is not None:
            say(kept, err=as_json)


def quick_size(names: list[str], n: int) -> dict[str, Any]:
    """The size of a quick look, as a change of networks.

    A network whose arrays are given has its own; others are then of the recipe's, so that all can be compared.
    """
    from hetero_rsnn.network.loading import load_network

    return {} if any(load_network(name).arrays for name in names) else {"n": n}


def part_of(data: Any) -> Any:
    """A small part of a data set: up to 200 training and 100 test samples, or short series."""
    from dataclasses import replace

    import numpy as np

    if data.task == "forecasting":
        X = tuple(x[:1500] if k in data.train else x[:600] for k, x in enumerate(data.X))
        return replace(data, X=X)
    rng = np.random.default_rng(0)  # which samples, not what they hold: no part of a network's tree
    train, test = (np.sort(rng.permutation(part)[:most]) for part, most in ((data.train, 200), (data.test, 100)))
    return replace(data, train=train, test=test)
