"""The study of weights of 1 bit: its settings, numbers and tables by hand, and its trainings on tiny networks."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import remove_checkpoint

PAGE = ROOT / "docs" / "one_bit_study.md"
#: Student's t for three seeds: the half-width of an interval is T3 sd / sqrt(3).
T3 = 4.302652729749464


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module("one_bit")


@pytest.fixture
def networks(study: Any) -> Any:
    pytest.importorskip("torch")
    return importlib.import_module("one_bit_networks")


def row(accuracy: float, seconds: float = 60.0) -> dict[str, Any]:
    return {
        "accuracy": accuracy, "seconds": seconds, "bytes": 80500, "rate": 0.125, "operations": 12345.0,
        "products": 924160, "curve": [0.5, accuracy], "best_epoch": 1,
    }  # fmt: skip


def rows_of(study: Any, part: str, quick: bool = False) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
    """Rows of all networks of a part, each a tenth of a point better and a second slower than the one before."""
    s = json.loads(json.dumps(study.setting(part, quick)))
    rows = {}
    for k, arm in enumerate(s["arms"]):
        rows[arm] = [row(0.8 + 0.001 * k + 0.01 * seed, 60.0 + k) for seed in range(s["seeds"])]
        if part == "noise":
            for one in rows[arm]:
                one |= membranes_of(one["accuracy"])
    return s, rows


def membranes_of(recorded: float) -> dict[str, Any]:
    """Three layers; independent noise costs a point, and the first step alone has two points less."""
    layers = [{"mean": 0.1, "sd": 0.2 + 0.1 * k, "around": 0.1, "zeros": 0.5, "between": None} for k in range(3)]
    replaced = {"samples, recorded": recorded - 0.01, "steps, gaussian": recorded - 0.02}
    return {"noise": layers, "alone": [recorded - 0.02, recorded], "recorded": recorded, "replaced": replaced}


def test_settings_are_those_of_the_question(study: Any) -> None:
    cells = study.setting("cells", False)
    assert list(cells["arms"])[:8] == [f"{way}, {bits}" for bits in ("32 bits", "1 bit")
                                       for way in ("plain", "shortcuts", "distillation", "both")]  # fmt: skip
    assert [(a, how["steps"]) for a, how in cells["arms"].items() if "steps" in how] == [
        ("plain, 1 bit, T = 1", 1), ("plain, 1 bit, T = 4", 4), ("both, 1 bit, T = 1", 1), ("both, 1 bit, T = 4", 4),
    ]  # fmt: skip
    assert (cells["network"]["hidden"], cells["network"]["steps"], cells["train"]) == ([256] * 12, 2, 10000)
    assert cells["seeds"] == 5 and study.setting("noise", False)["seeds"] == 3
    noise = study.setting("noise", False)["arms"]
    assert len(noise) == 2 * (4 + 5) and {how.get("leak", 0.5) for how in noise.values()} == {0.25, 0.5, 0.75, 1.0}
    assert noise["1 bit, noise 0, membranes replaced"] == {
        "weights": "1bit", "shortcuts": True, "teacher": True, "noise": 0.0, "membranes": "replaced",
    }  # fmt: skip
    assert study.setting("final", False)["train"] is None and study.setting("final", False)["seeds"] == 1
    both = study.setting("transformer", False)["arms"]
    assert both == {"32 bits": {"weights": "full", "teacher": True}, "1 bit": {"weights": "1bit", "teacher": True}}
    more = study.setting("transformer_all", False)
    assert more["network"] == study.setting("transformer", False)["network"] and more["train"] is None
    assert more["arms"] == {"1 bit": both["1 bit"]}


def test_what_is_compared_is_there_and_never_the_same(study: Any) -> None:
    for part in study.PARTS:
        for quick in (False, True):
            s = study.setting(part, quick)
            found = study.pairs(s)
            assert all(a != b and {a, b} <= s["arms"].keys() for a, b in found.values())
            assert bool(found) == (part not in study.ONE)
    cells, noise = study.pairs(study.setting("cells", False)), study.pairs(study.setting("noise", False))
    assert cells["both, 1 bit less shortcuts, 1 bit"] == ("both, 1 bit", "shortcuts, 1 bit")
    assert cells["plain, 1 bit, T = 4 less plain, 1 bit"] == ("plain, 1 bit, T = 4", "plain, 1 bit")
    assert len(noise) == 2 * (3 + 5) and {b for _, b in noise.values()} == {"32 bits, leak 0.5", "1 bit, leak 0.5"}


def test_differences_are_paired_and_ratios_are_of_seconds(study: Any) -> None:
    """By hand: seeds differ by much, and pairs by little; three seeds have Student's t of 4.30."""
    s = {"part": "transformer", "seeds": 3, "arms": study.setting("transformer", False)["arms"]}
    full = [row(0.80, 100.0), row(0.85, 110.0), row(0.90, 120.0)]
    bit = [row(0.79, 150.0), row(0.842, 165.0), row(0.888, 180.0)]
    out = json.loads(json.dumps(study.summary(s, {"32 bits": full, "1 bit": bit})))
    low, high = 0.85 - T3 * 0.05 / math.sqrt(3), 0.85 + T3 * 0.05 / math.sqrt(3)
    assert out["arms"]["32 bits"]["accuracy"] == pytest.approx([0.85, low, high])
    (name, less), = out["differences"].items()  # fmt: skip
    half = T3 * 0.002 / math.sqrt(3)
    assert name == "1 bit less 32 bits"
    assert less["accuracy"] == pytest.approx([-0.01, -0.01 - half, -0.01 + half])
    assert (less["verdict"], less["within"]) == ("smaller", "unclear")
    assert less["seconds"] == pytest.approx([1.5, 1.5, 1.5])
    near = study.summary(s, {"32 bits": full, "1 bit": [row(r["accuracy"] - 0.002) for r in full]})
    assert near["differences"][name]["within"] == "equivalent"
    assert study.differences(out)[2:] == [
        "| 1 bit less 32 bits | -1.00 [-1.50, -0.50] | smaller | unclear | 1.50 [1.50, 1.50] |"
    ]


def test_lines_of_a_table_and_of_one_network(study: Any) -> None:
    s, rows = rows_of(study, "final")
    out = json.loads(json.dumps(study.summary(s, {"both, 1 bit": [{**row(0.926), "file": 97_900}]}), allow_nan=True))
    line = "| both, 1 bit | 0.9260 | 60 | 80.5 | 97.9 | 0.125 | 12 | 924 |"
    assert study.table(out)[2:] == [line]
    assert study.table(out)[0].count("|") == study.table(out)[1].count("|") == line.count("|")
    assert study.findings(s, out) == [
        "both, 1 bit: accuracy 0.9260, 80.5 kB, trained in 1.0 minutes (hoped for: 0.925 in less than 100 kB; reached)."
    ]
    heavy = {**rows["both, 1 bit"][0], "accuracy": 0.93, "file": 100_000}
    assert "missed" in study.findings(s, study.summary(s, {"both, 1 bit": [heavy]}))[0]
    # A network without spikes has no spikes to count.
    bare = {k: v for k, v in row(0.93).items() if k not in ("rate", "operations")}
    teacher = study.summary(study.setting("teacher", False), {"teacher": [bare]})
    assert study.table(teacher)[2:] == ["| teacher | 0.9300 | 60 | 80.5 | 924 |"]
    told = {**out, "teacher": {"accuracy": 0.9312, "asked_once": 8.0}}
    assert study.findings(s, told)[0].endswith("0.9312, and is asked once for each image in 8.0 s, apart.")


def test_membranes_are_summarised_by_layers_and_costs_are_paired(study: Any) -> None:
    s, rows = rows_of(study, "noise")
    out = json.loads(json.dumps(study.summary(s, rows)))
    first = out["noise"]["1 bit, leak 1"]
    assert [v[0] for v in first["sd"]] == pytest.approx([0.2, 0.3, 0.4]) and math.isnan(first["between"][0][0])
    assert first["replaced"]["samples, recorded"] == pytest.approx([-0.01] * 3)
    assert first["ensemble"] == pytest.approx([0.02] * 3)
    lines = study.noises(out)
    assert len(lines) == 2 + 18 and len({line.count("|") for line in lines}) == 1
    same = "{0} [{0}, {0}]"
    assert lines[2] == (
        f"| 32 bits, leak 0.25 | 0.20 | 0.30 | 0.40 | nan | {same.format('+2.00')} | {same.format('-1.00')} | "
        f"{same.format('-2.00')} |"
    )
    said = study.findings(s, out)[-18]
    assert said.startswith("32 bits, leak 0.25: noise of membranes from 0.20 to 0.40 of the threshold over layers; ")
    assert "at worst (steps, gaussian) -2.00 [-2.00, -2.00] points" in said


def test_the_ladder_has_published_numbers_and_what_is_there_of_ours(study: Any) -> None:
    outs = {}
    for part in ("cells", "final"):
        s, rows = rows_of(study, part)
        outs[part] = study.summary(s, rows)
    lines = study.ladder(outs)
    assert lines[-1] == study.APART and len(lines) == 2 + len(study.PUBLISHED) + 3 + 2
    table = lines[:-2]
    assert len({line.count("|") for line in table}) == 1
    assert "| Meng et al., Transformer | weights of feed-forward layers, spikes | 2 | ImageNet | 0.8252 |" in table[5]
    # The fifth network of the part is 4 tenths of a point better than the first, in every seed.
    assert "cells: plain, 1 bit" in table[6] and "| +0.40 [+0.40, +0.40] | this study |" in table[6]
    assert "| final: both, 1 bit |" in table[8] and "| Fashion-MNIST | 0.8000 |  |" in table[8]
    assert len(study.ladder({})) == 2 + len(study.PUBLISHED) + 2


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("part", ["teacher", "cells", "resnet", "noise", "final", "transformer", "transformer_all"])
def test_every_part_has_a_figure(study: Any, part: str, quick: bool) -> None:
    s, rows = rows_of(study, part, quick)
    figure = study.figure(s, rows, json.loads(json.dumps(study.summary(s, rows))))
    assert len(figure.axes) == {**dict.fromkeys(study.ONE, 1), "noise": 4}.get(part, 2)
    if len(figure.axes) == 2:
        assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == list(s["arms"])
        middle = [float(c.lines[0].get_xdata()[0]) for c in figure.axes[0].containers]
        assert middle == pytest.approx([np.mean([r["accuracy"] for r in mine]) for mine in rows.values()])


def test_the_teacher_is_found_or_asked_for(study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    at = SimpleNamespace(out=out, args=SimpleNamespace(teacher=None))
    with pytest.raises(hr.HeteroError, match="run the part 'teacher' first"):
        study.teacher_file(at)
    usual = Path("results", "one_bit_teacher", "teacher.json")
    usual.parent.mkdir(parents=True)
    usual.write_text("{}")
    assert study.teacher_file(at) == usual
    (out / "teacher.json").write_text("{}")
    assert study.teacher_file(at) == out / "teacher.json"
    at.args.teacher = tmp_path / "mine.json"
    with pytest.raises(hr.HeteroError, match=r"no teacher at .*mine\.json"):
        study.teacher_file(at)


@pytest.fixture
def split(study: Any, networks: Any) -> Any:
    return networks.Split({**study.setting("cells", True), "train": 96, "held_out": 40, "test": 60}, None)


def sized(shape: tuple[int, ...], classes: int = 10) -> Any:
    return SimpleNamespace(shape=shape, classes=classes)


@pytest.mark.torch
def test_images_held_out_are_the_last_of_the_training_images(networks: Any, split: Any) -> None:
    data = hr.load_dataset("sklearn_digits")
    assert split.shape == (1, 8, 8) and split.held.tolist() == list(range(96, 136))
    expected = np.concatenate([data.train[:96], data.train[-40:]])
    np.testing.assert_array_equal(split.labels, data.y[expected])
    np.testing.assert_array_equal(split.images[100, 0], data.X[expected[100]])
    np.testing.assert_array_equal(split.y, data.y[data.test[:60]])
    assert not set(expected) & set(data.test)
    images, labels, held, times = split.few(8)
    assert len(images) == len(labels) == 24 + 10 and held.tolist() == list(range(24, 34)) and times == 4
    np.testing.assert_array_equal(images[24:], split.images[96:106])
    everything = networks.Split({"data": "sklearn_digits", "train": None, "held_out": 40, "test": 5}, None)
    assert len(everything.images) == len(data.train)


@pytest.mark.torch
def test_bytes_and_products_by_hand(networks: Any, study: Any) -> None:
    """An MLP 20-9-7-3 of which the inner layer has 63 weights of 1 bit, in 8 bytes, and 7 scales."""
    from hetero_rsnn.gradient.feedforward.one_bit import use_one_bit

    how = {"kind": "mlp", "hidden": [9, 7], "normalisation": "batch"}
    network = networks.new_network({"network": how}, {"weights": "1bit", "steps": 1}, 0, sized((20,), 3))
    floats = 20 * 9 + 7 * 3 + 3 + 4 * (9 + 7)  # first and last layer, bias of the last, normalisations
    assert networks.packed_bytes(network) == 8 + 4 * 7 + 4 * floats
    assert networks.products(network, (20,)) == 20 * 9 + 9 * 7 + 7 * 3
    assert network.training  # as it was, and with the statistics that it had
    use_one_bit(network, on=False)
    assert networks.packed_bytes(network) == 4 * 63 + 4 * floats
    # 5 x 5 pixels with 3 x 3 kernels: 13 = 5 + 4 + 4 of them meet in a row; the ordinary one counts its padding.
    conv = hr.SpikingConvNet((2, 5, 5), 3, channels=(4,), blocks=0, steps=1)
    assert networks.products(conv, (2, 5, 5)) == 13 * 13 * 2 * 4 + 4 * 9 * 3 and networks.convolutions(conv) == 1
    ordinary = hr.OrdinaryConvNet((2, 5, 5), 3, channels=(4,), blocks=0, levels=None)
    assert networks.products(ordinary, (2, 5, 5)) == 25 * 9 * 2 * 4 + 4 * 9 * 3


@pytest.mark.torch
def test_networks_of_the_full_study_are_of_the_sizes_that_were_promised(networks: Any, study: Any) -> None:
    fashion = sized((1, 28, 28))
    study.within_size(fashion, study.setting("resnet", False))
    s = study.setting("final", False)
    final = networks.new_network(s, s["arms"]["both, 1 bit"], 0, fashion)
    assert networks.packed_bytes(final) < study.SMALL
    deep = study.setting("resnet", False)
    deep["network"]["channels"] = [32, 64]
    with pytest.raises(hr.HeteroError, match="10,000,000 multiply-accumulates a step at most"):
        study.within_size(fashion, deep)
    for part in study.PARTS:
        s = study.setting(part, False)
        for arm in s["arms"].values():
            settings = networks.new_settings(s, arm, 0)
            assert settings.full_epochs == (settings.epochs // 2 if arm.get("weights") == "1bit" else 0)
            assert settings.patience == settings.epochs


@pytest.mark.torch
def test_a_teacher_that_is_asked_once_answers_as_it_would(networks: Any, study: Any, split: Any) -> None:
    import torch

    network = hr.OrdinaryConvNet((1, 8, 8), 10, channels=(4,), levels=None).eval()
    s = study.setting("cells", True)
    teacher, seconds = networks.asked(s, network, split)
    order = np.random.default_rng(0).permutation(len(split.images))[:50]
    x = torch.from_numpy(split.images[order])
    assert seconds is not None
    torch.testing.assert_close(teacher(x), network(x).detach())
    assert networks.asked(study.setting("resnet", True), network, split) == (network, None)
    mirrored = {"training": {"flip": True, "shift": 0}}
    assert networks.asked(mirrored, network, split) == (network, None)
    teacher, _ = networks.asked({**mirrored, "both_sides": True}, network, split)
    x = torch.cat([x, x.flip(-1)])
    torch.testing.assert_close(teacher(x), network(x).detach())


@pytest.mark.torch
def test_a_training_that_was_killed_ends_as_one_that_was_not(
    networks: Any, study: Any, split: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = study.setting("cells", True)
    arm = s["arms"]["both, 1 bit"]
    teacher, _ = networks.asked(s, hr.OrdinaryConvNet((1, 8, 8), 10, channels=(4,), levels=None).eval(), split)
    network, through = networks.trained(s, arm, 1, split, teacher, tmp_path / "through.json")

    class Killed(Exception):
        pass

    def kill(*_: Any, **__: Any) -> None:
        calls.append(1)
        if len(calls) == 3:  # of four epochs: in the middle of the second stage
            raise Killed

    calls: list[int] = []
    monkeypatch.setattr(networks, "print", kill, raising=False)
    path = tmp_path / "killed.json"
    with pytest.raises(Killed):
        networks.trained(s, arm, 1, split, teacher, path)
    monkeypatch.undo()
    other, again = networks.trained(s, arm, 1, split, teacher, path)
    again.pop("seconds"), through.pop("seconds")
    assert again == through and len(again["curve"]) == 4 and again["best_epoch"] >= 2
    mine, theirs = network.to_arrays(), other.to_arrays()
    assert all(np.array_equal(mine[k], theirs[k]) for k in mine)
    _, third = networks.trained(s, arm, 1, split, teacher, path)  # nothing is left to do
    assert third["accuracy"] == through["accuracy"] and third["seconds"] > 0
    remove_checkpoint(path)
    assert {p.name.split("-")[0].split(".")[0] for p in tmp_path.iterdir()} == {"through"}


@pytest.mark.torch
def test_without_leak_there_is_no_noise_and_nothing_to_replace(networks: Any, split: Any) -> None:
    how = {"kind": "mlp", "hidden": [12, 12], "steps": 3, "normalisation": "batch"}
    found = {}
    for leak in (0.0, 1.0):
        network = networks.new_network({"network": how}, {"leak": leak}, 0, split).eval()
        found[leak] = networks.membranes(network, split, seed=0)
        assert found[leak]["recorded"] == networks.accuracy(network, split)
    none, much = found[0.0], found[1.0]
    assert [layer["sd"] for layer in none["noise"]] == [0.0, 0.0]
    assert none["alone"] == [none["recorded"]] * 3
    assert set(none["replaced"].values()) == {none["recorded"]} and len(none["replaced"]) == 6
    assert all(layer["sd"] > 0.1 for layer in much["noise"]) and len(set(much["replaced"].values())) > 1


@pytest.mark.torch
def test_an_estimate_is_of_all_batches_and_epochs(
    networks: Any, study: Any, split: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If an epoch of 3 of 12 batches takes 2 s, one training of 4 epochs takes 32 s, and three of them 1.6 minutes."""
    s = study.setting("cells", True)
    s["training"]["batch_size"] = 8
    ticks = iter(range(0, 100, 2))
    monkeypatch.setattr(networks.time, "process_time", lambda: float(next(ticks)))
    assert study.forecast(s, {"plain, 32 bits": 3}, split, None) == pytest.approx(1.6)


def test_numbers_on_the_page_are_those_of_the_files(study: Any) -> None:
    page, found = PAGE.read_text(encoding="utf-8"), (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    outs = {}
    for path in (ROOT / "docs" / "results").glob("one_bit_*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        part = path.stem.removeprefix("one_bit_")
        assert not data["quick"] and data["setting"] == json.loads(json.dumps(study.setting(part, False)))
        outs[part] = data["result"]["summary"]
        assert f"results/{path.name}" in page and f"({path.stem}.png)" in page
        assert (ROOT / "docs" / f"{path.stem}.png").is_file()
    assert {"teacher", "cells"} <= outs.keys()
    lines = [line for out in outs.values() for line in [*study.table(out), *study.differences(out)[2:]]]
    lines += study.noises(outs["noise"]) if "noise" in outs else []
    lines += [line for line in study.ladder(outs) if line not in ("", study.APART)]
    assert [line for line in lines if line not in page] == []
    prose = page.split("## The teacher")[0]
    ways = [f"{way}, 1 bit less plain, 1 bit" for way in ("both", "shortcuts", "distillation")]
    for name in ("both, 1 bit less both, 32 bits", *ways):
        values = study.percent(outs["cells"]["differences"][name]["accuracy"])
        assert values in prose and values in found


def test_the_small_network_is_the_one_of_the_study(study: Any) -> None:
    path = ROOT / "docs" / "results" / "networks" / "fashion_one_bit.json"
    packed = hr.load_packed_network(path)
    size = sum(p.stat().st_size for p in path.parent.glob(f"{path.stem}*"))
    data = json.loads((ROOT / "docs" / "results" / "one_bit_final.json").read_text(encoding="utf-8"))
    row = data["result"]["summary"]["arms"]["both, 1 bit"]
    assert size == pytest.approx(row["file"][0], rel=1e-3) and size < study.SMALL
    outputs = packed.run(np.zeros((2, 1, 28, 28), np.float32))
    assert outputs.shape == (2, 2, 10) and np.array_equal(outputs[:, 0], outputs[:, 1])
    try:
        fashion = hr.load_dataset("fashion_mnist")
    except hr.HeteroError:  # its files are not here
        return
    some = fashion.test[:1000]
    images = np.stack([np.asarray(fashion.X[k], np.float32).reshape(1, 28, 28) for k in some])
    assert (packed.run(images).mean(0).argmax(1) == fashion.y[some]).mean() == pytest.approx(
        row["accuracy"][0], abs=0.02
    )


def speeds() -> list[str]:
    """Lines of the table of packed products and networks, from the file that the benchmark wrote."""
    data = json.loads((ROOT / "docs" / "results" / "packed_benchmark.json").read_text(encoding="utf-8"))
    assert not (data["toy"] or data["quick"]) and data["threads"] == 1
    lines = []
    for kind in ("products", "networks", "images"):
        for wide, narrow in zip(data["widest"][kind], data["256 bits"][kind], strict=True):
            if kind == "products":
                name = f"{wide['size']:,} x {wide['size']:,}, batch {wide['batch']}"
            elif kind == "networks":
                name = f"{wide['layers']} layers of {wide['width']:,}, batch {wide['batch']}"
            else:
                name = f"{wide['layers']} convolutions of {wide['channels']}, {wide['side']} x {wide['side']}, batch 1"
            cells = [f"{row[who]['ratio']:.1f}" if who in row else ""
                     for row in (wide, narrow) for who in ("numpy", "torch")]  # fmt: skip
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def test_speeds_on_the_page_are_those_of_the_benchmark() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [line for line in speeds() if line not in page] == [] and len(speeds()) == 12
