"""``hetero-rsnn classify --model``: feed-forward networks on images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hetero_rsnn.cli import own
from hetero_rsnn.cli.outputs import Tables
from hetero_rsnn.common.errors import HeteroError

#: Settings of a quick look; numbers are rough then.
_QUICK_IMAGES, _QUICK_TEST = 600, 200
_QUICK_TRAINING: dict[str, Any] = {"training_epochs": 4, "batch_size": 16}
#: What a parameter of the classifier is called on the command line.
_OPTIONS = {
    "loss": "--loss", "consistency": "--rcs", "training_epochs": "--epochs", "weights": "--bits",
    "shortcuts": "--shortcuts",
}  # fmt: skip

_HEADING = "Images by feed-forward networks"

Model = Annotated[
    str | None,
    typer.Option(
        help="conv or mlp: such a network, trained, instead of recurrent ones; needs torch.", rich_help_panel=_HEADING
    ),
]
Steps = Annotated[
    int | None, typer.Option(help="Steps for an image [default: 4; of events 10].", rich_help_panel=_HEADING)
]
Method = Annotated[
    str | None,
    typer.Option(help="direct (the default), or conversion of an ordinary network.", rich_help_panel=_HEADING),
]
Loss = Annotated[str | None, typer.Option(help="cross_entropy (the default) or tet.", rich_help_panel=_HEADING)]
Rcs = Annotated[
    float | None,
    typer.Option("--rcs", metavar="ALPHA", help="Weight of the RCS regulariser, e.g. 0.002.", rich_help_panel=_HEADING),
]
Epochs = Annotated[
    int | None, typer.Option(help="Times that it sees all images [default: 10].", rich_help_panel=_HEADING)
]
Count = Annotated[
    int | None,
    typer.Option("--images", help="Train on the first so many [default: all].", rich_help_panel=_HEADING),
]
Bits = Annotated[
    int | None,
    typer.Option(
        help="1 for weights of 1 bit between the first and the last layer; also writes the network as bits, "
        "packed.json [default: 32].",
        rich_help_panel=_HEADING,
    ),
]
Shortcuts = Annotated[
    bool,
    typer.Option(
        "--shortcuts", help="A shortcut around every layer between the first and the last.", rich_help_panel=_HEADING
    ),
]


@dataclass(frozen=True)
class Asked:
    """What was said of the model, None where nothing was."""

    steps: int | None
    method: str | None
    loss: str | None
    rcs: float | None
    epochs: int | None
    images: int | None
    bits: int | None
    shortcuts: bool | None

    def refuse(self) -> None:
        """Without a model there is nothing that this is said of."""
        said = [f"--{name}" for name, value in vars(self).items() if value is not None]
        if said:
            raise HeteroError(f"{said[0]} is for --model", fix="add --model conv or mlp, or leave it away")


def refuse_recurrent(said: list[str]) -> None:
    """What is said of recurrent networks says nothing of a model."""
    if said:
        verb = "is" if said[0].startswith("--") else "are"
        raise HeteroError(f"{said[0]} {verb} for recurrent networks, got --model too", fix="leave one of them away")


def classify_images(
    name: str, model: str, asked: Asked, early: bool, data_dir: Path | None, seeds: str | None, workers: int | None,
    dask: str | None, quick: bool, as_json: bool, out: Path | None, apart: Tables, overrides: list[str] | None,
    overwrite: bool,
) -> None:  # fmt: skip
    """The command with a model."""
    from hetero_rsnn.cli.options import load_data, parse_overrides, parse_seeds, places, task_folder, write_task
    from hetero_rsnn.common import checks
    from hetero_rsnn.jobs.progress import progress_bar
    from hetero_rsnn.plots.image_plots import figure_images
    from hetero_rsnn.report.image_page import image_page
    from hetero_rsnn.report.image_tables import image_rows, image_tables, print_images, print_packed
    from hetero_rsnn.tasks.image_classification import check_image_task
    from hetero_rsnn.tasks.image_classification import classify_images as run

    method = "direct" if asked.method is None else asked.method
    said: dict[str, Any] = {"loss": asked.loss, "consistency": asked.rcs, "training_epochs": asked.epochs}
    if asked.bits not in (None, 1, 32):
        raise HeteroError(f"--bits must be 1 or 32, got {asked.bits}", fix="use --bits 1")
    weights = None if asked.bits is None else {1: "1bit", 32: "full"}[asked.bits]
    said |= {"weights": weights, "shortcuts": asked.shortcuts}
    said = {k: v for k, v in said.items() if v is not None}
    given = parse_overrides(overrides or [], lists=True)
    for twice in sorted(given.keys() & said.keys()):
        raise HeteroError(f"--set {twice} and {_OPTIONS[twice]} say the same", fix="leave one of them away")
    training = {**(_QUICK_TRAINING if quick else {}), **given, **said}
    for option, number in (("--images", asked.images), ("--epochs", asked.epochs), ("--workers", workers)):
        if number is not None:
            checks.whole(option, number, least=1)
    if asked.loss is not None:
        checks.one_of("--loss", asked.loss, ("cross_entropy", "tet"))
    if asked.rcs is not None:
        checks.real("--rcs", asked.rcs, least=0.0)
    # What can be refused before data are read.
    check_image_task(model, asked.steps, method, training)
    numbers = parse_seeds(seeds if seeds is not None else ("1" if quick else "3"))
    own.check_task(name, "classification")
    binned = {"steps": asked.steps} if name == "fashion_mnist_events" and asked.steps is not None else {}
    data = load_data(name, data_dir, **binned)
    count = asked.images if asked.images is not None or not quick else min(_QUICK_IMAGES, len(data.train))
    tested = min(_QUICK_TEST, len(data.test)) if quick else None
    where = places(workers, dask)
    bits = training.get("weights") == "1bit"
    names = [f"packed{f'_seed_{seed}' if len(numbers) > 1 else ''}.json" for seed in numbers] if bits else []
    with task_folder(out, "classify", overwrite, apart, names) as folder:
        with progress_bar(f"classify {name}", len(numbers)) as progress:
            last = (0, len(numbers))
            epochs: Counter[int] = Counter()

            def done(number: int, total: int) -> None:
                nonlocal last
                last = number, total
                progress(number, total)

            def told(seed: int, epoch: Any) -> None:
                epochs[seed] += 1
                progress(*last, note=f"seed {seed}, epoch {epochs[seed]}: {epoch}")

            # Threads only where they are asked for: sums, and so the last digits, depend on their number.
            result = run(
                data, model=model, steps=asked.steps, method=method, seeds=numbers, early=early, images=count,
                test_images=tested, training=training, **where,
                n_jobs=1 if workers is None or dask else max(1, workers // len(numbers)), progress=done,
                on_epoch=told,
            )  # fmt: skip
        packed = [
            _write_packed(folder / name, row) for name, row in zip(names, result.rows, strict=False) if row.packed
        ]

        def tables(result: Any) -> None:
            print_images(result)
            if bits:
                print_packed(packed)

        more = {"packed": packed} if bits else {}
        files = [one["file"] for one in packed]
        write_task(
            folder,
            numbers,
            result,
            figure_images(result),
            as_json,
            tables,
            apart,
            image_rows,
            image_tables,
            image_page,
            more,
            files,
        )


def _write_packed(path: Path, row: Any) -> dict[str, Any]:
    """Write the network of a row as bits; how many bytes its two files have."""
    import json

    packed = row.packed.save(path, overwrite=True)  # what was there has been asked about
    arrays = path.with_name(json.loads(packed.read_text())["arrays"])
    size = packed.stat().st_size + arrays.stat().st_size
    return {"seed": row.seed, "file": path.name, "arrays": arrays.name, "bytes": size, "bits": row.packed.bits}
