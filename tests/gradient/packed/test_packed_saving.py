"""Packed networks as files: they come back bit by bit, a reader of a few lines gets the weights, damage is refused."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
import zipfile

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common.array_files import seal
from hetero_rsnn.common.errors import FileFormatError, OutputError
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork, load_packed_network


def network(seed=0):
    rng = np.random.default_rng(seed)

    def signs(*shape):
        return np.where(rng.random(shape) < 0.5, -1, 1)

    layers = [
        FullConv(rng.normal(size=(5, 2, 3, 3)), 0.5), SpikingNeurons(leak=rng.random((5, 1, 1)), reset="soft"),
        PackedConv(signs(70, 5, 3, 3), 0.2, rng.normal(size=70), stride=2),
        Shortcut(0, [AveragePool(2), PackedConv(signs(70, 5, 1, 1))] if seed else [
            AveragePool(2), FullConv(rng.normal(size=(70, 5, 1, 1)))
        ]),
        SpikingNeurons(leak=1.0, ties="fire", start=0.5, amplitude=0.3, bias=rng.normal(size=(70, 3, 2))),
        PackedLinear(signs(9, 140), pool=2), SpikingNeurons(leak=0.0), FullLinear(rng.normal(size=(3, 9)), [1, 2, 3]),
    ]  # fmt: skip
    return PackedNetwork((2, 6, 4), layers, steps=3)


def images(samples=4):
    return np.random.default_rng(1).random((samples, 2, 6, 4))


def test_a_network_comes_back(tmp_path):
    one = network()
    path = one.save(tmp_path / "net.json")
    again = hr.load_packed_network(str(path))
    assert repr(again) == repr(one) and again.steps == 3
    np.testing.assert_array_equal(again.run(images()), one.run(images()))
    assert again.save(path) == path  # what it holds already
    refused(lambda: PackedNetwork((4,), [FullLinear(np.ones((2, 4)))]).save(path), "exists already", error=OutputError)
    other = PackedNetwork((4,), [FullLinear(np.ones((2, 4)))]).save(path, overwrite=True)
    assert load_packed_network(other).shape == (4,)
    assert len(list(tmp_path.glob("net-*.npz"))) == 2 and not list(tmp_path.glob(".*"))


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    os.symlink(tmp_path / "there" / "net.json", tmp_path / "link.json")
    path = network().save(tmp_path / "link.json")
    assert path == tmp_path / "there" / "net.json" and (tmp_path / "link.json").is_symlink()
    np.testing.assert_array_equal(load_packed_network(path).run(images()), network().run(images()))


def weights_by_hand(npz, name, inputs):
    """What docs/packed_format.md says, without numpy's reader: rows of +1 and -1."""
    with zipfile.ZipFile(npz) as archive:
        data = archive.read(f"{name}.npy")
    assert data[:8] == b"\x93NUMPY\x01\x00"
    head = 10 + int.from_bytes(data[8:10], "little")
    said = data[10:head].decode("latin-1")
    assert "'<u8'" in said and "'fortran_order': False" in said
    size = 8 * -(-inputs // 64)
    rows = [data[k : k + size] for k in range(head, len(data), size)]
    return [[1 if row[k // 8] >> (k % 8) & 1 else -1 for k in range(inputs)] for row in rows]


def test_the_bytes_are_those_of_the_documentation(tmp_path):
    one = network()
    about = json.loads(one.save(tmp_path / "net.json").read_text())
    npz = tmp_path / about["arrays"]
    assert about["word"] == 64 and about["version"] == 1
    assert hashlib.sha256(npz.read_bytes()).hexdigest() == about["sha256"]
    np.testing.assert_array_equal(weights_by_hand(npz, "5.words", 140), one.layers[5].signs())
    kernels = np.array(weights_by_hand(npz, "2.words", 5)).reshape(70, 3, 3, 5)
    np.testing.assert_array_equal(kernels, one.layers[2].signs().transpose(0, 2, 3, 1))
    linear = about["network"]["layers"][5]
    assert linear == {"layer": "packed_linear", "inputs": 140, "pool": 2}
    assert about["network"]["layers"][2] == {"layer": "packed_conv", "inputs": 5, "stride": 2, "pool": 1}
    inside = {name.removesuffix(".npy") for name in zipfile.ZipFile(npz).namelist()}
    assert {"0.weight", "1.leak", "2.words", "2.scale", "2.offset", "3.path.1.weight", "7.bias"} <= inside


def rewritten(path, change):
    """A JSON file with a change, and checksums that agree."""
    about = json.loads(path.read_text())
    change(about)
    inside = {name: about[name] for name in about if name not in ("format", "version", "checksum")}
    about["checksum"] = seal(inside)
    path.write_text(json.dumps(about))


def layer(k, **numbers):
    return lambda about: about["network"]["layers"][k].update(numbers)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.update(format="hetero_rsnn image network"), ["no packed network"]),
        (lambda a: a.update(version=2), ["version 1, got 2", "newer package"]),
        (lambda a: a.update(version=True), ["version 1, got True"]),
        (lambda a: a.update(word=32), ["word must be 64, got 32"]),
        (lambda a: a.pop("word"), ["word must be 64, got None"]),
        (lambda a: a.update(bit_order="big"), ["bit_order", "'little'", "'big'"]),
        (lambda a: a.update(byte_order="big"), ["byte_order"]),
        (lambda a: a.update(more=1), ["must hold"]),
        (lambda a: a.update(sha256="0" * 64), ["not what was written"]),
        (lambda a: a.update(arrays="../net.npz"), ["beside it"]),
        (lambda a: a.update(arrays="gone.npz"), ["gone.npz", "cannot be read"]),
        (lambda a: a["network"].update(steps=0), ["steps must be", ">= 1, got 0"]),
        (lambda a: a["network"].pop("steps"), ["shape, steps and layers"]),
        (lambda a: a["network"].update(shape=[2, 6]), ["shape"]),
        (lambda a: a["network"].update(shape="ab"), ["shape"]),
        (lambda a: a["network"].update(layers={}), ["layers must be a list"]),
        (lambda a: a["network"]["layers"].pop(), ["no layer has the array '7."]),
        (lambda a: a["network"]["layers"].append(3), ["say what it is", "3"]),
        (layer(5, layer="packed_conv"), ["stride"]),
        (layer(5, layer="pickle"), ["unknown layer 'pickle'"]),
        (layer(5, inputs=141), ["takes 141 inputs, gets 140"]),
        (layer(5, inputs=300), ["5 words", "300"]),
        (layer(5, pool=1), ["takes 140 inputs, gets 420"]),
        (layer(5, pool=3), ["pool", "got 3"]),
        (layer(5, inputs="420"), ["inputs must be a whole number"]),
        (layer(5, extra=1), ["must have words"]),
        (layer(2, stride=0), ["stride"]),
        (layer(3, source=9), ["earlier layer"]),
        (layer(3, path=3), ["path must be a list"]),
        (layer(4, reset="none"), ["reset"]),
        (layer(4, amplitude=None), ["amplitude"]),
    ],
)
def test_one_line_refuses_a_file_that_says_something_else(tmp_path, change, words):
    path = network().save(tmp_path / "net.json")
    rewritten(path, change)
    refused(lambda: load_packed_network(path), str(tmp_path), *words, error=FileFormatError)


def damaged(tmp_path, change):
    """A network whose arrays are others, with checksums that agree."""
    path = network().save(tmp_path / "net.json")
    about = json.loads(path.read_text())
    arrays = dict(np.load(tmp_path / about["arrays"]))
    change(arrays)
    np.savez(tmp_path / "other.npz", **arrays)
    checksum = hashlib.sha256((tmp_path / "other.npz").read_bytes()).hexdigest()
    rewritten(path, lambda a: a.update(arrays="other.npz", sha256=checksum))
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.update({"5.words": a["5.words"].view(np.uint32)}), ["uint64 or float32", "uint32"]),
        (lambda a: a.update({"5.words": a["5.words"][:, :1]}), ["3 words a row"]),
        (lambda a: a.update({"5.words": a["5.words"] | np.uint64(2**63)}), ["hold 0 behind the 140"]),
        (lambda a: a.update({"5.words": a["5.words"][0]}), ["2 dimensions"]),
        (lambda a: a.update({"5.words": a["5.words"][:0]}), ["2 dimensions"]),
        (lambda a: a.update({"5.words": np.zeros((9, 7), np.float32)}), ["64 bits", "float32"]),
        (lambda a: a.update({"2.scale": a["2.scale"][:-1]}), ["scale must be one number, or 70"]),
        (lambda a: a.update({"2.scale": np.full(70, np.nan, np.float32)}), ["scale must be finite"]),
        (lambda a: a.update({"1.leak": np.float32(-1)}), ["leak must be from 0 to 1"]),
        (lambda a: a.pop("0.weight"), ["must have weight"]),
        (lambda a: a.update({"9.words": a["5.words"]}), ["no layer has the array '9.words'"]),
        (lambda a: a.update({"1.leak": np.array(["x"])}), ["uint64 or float32"]),
    ],
)
def test_one_line_refuses_other_arrays(tmp_path, change, words):
    path = damaged(tmp_path, change)
    refused(lambda: load_packed_network(path), str(path), *words, error=FileFormatError)


def test_one_line_refuses_what_is_no_file(tmp_path):
    one = network()
    refused(lambda: one.save(tmp_path / "net.npz"), "NAME.json", "net.npz")
    refused(lambda: load_packed_network(tmp_path / "none.json"), "does not exist", error=FileFormatError)
    refused(lambda: load_packed_network(tmp_path), "must be a file", error=FileFormatError)
    (tmp_path / "bad.json").write_text("{")
    refused(lambda: load_packed_network(tmp_path / "bad.json"), "as JSON", error=FileFormatError)
    (tmp_path / "list.json").write_text("[]")
    refused(lambda: load_packed_network(tmp_path / "list.json"), "no packed network", error=FileFormatError)


def test_every_damaged_byte_of_the_text_is_found(tmp_path):
    path = PackedNetwork((4,), [PackedLinear(np.ones((2, 4)))]).save(tmp_path / "net.json")
    data = path.read_bytes()
    for place in range(0, len(data), 3):
        if data[place : place + 1].isspace():
            continue
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        refused(lambda: load_packed_network(path), error=FileFormatError)
    about = json.loads(data)
    npz = tmp_path / about["arrays"]
    path.write_bytes(data)
    held = npz.read_bytes()
    for place in range(0, len(held), 41):
        npz.write_bytes(held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :])
        refused(lambda: load_packed_network(path), "not what was written", error=FileFormatError)
    npz.write_bytes(held[:-5])
    refused(lambda: load_packed_network(path), "not what was written", error=FileFormatError)


def npy(kind, shape, data):
    """The bytes of an array, as docs/packed_format.md tells them."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


def test_a_file_that_another_program_has_written(tmp_path):
    """Two outputs of 70 inputs: +1 for inputs 0 and 69, and +1 for every other input."""
    rows = [1 | 1 << 69, sum(1 << k for k in range(0, 70, 2))]
    words = b"".join(row.to_bytes(16, "little") for row in rows)
    floats = {"scale": (0.5, 2.0), "offset": (0.25, -1.0)}
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("0.words.npy", npy("<u8", (2, 2), words))
        for name, values in floats.items():
            archive.writestr(f"0.{name}.npy", npy("<f4", (2,), struct.pack("<2f", *values)))
    network = {"shape": [70], "steps": 1, "layers": [{"layer": "packed_linear", "inputs": 70, "pool": 1}]}
    about = {
        "word": 64, "bit_order": "little", "byte_order": "little", "network": network, "arrays": "other.npz",
        "sha256": hashlib.sha256((tmp_path / "other.npz").read_bytes()).hexdigest(),
    }  # fmt: skip
    checksum = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    whole = {"format": "hetero_rsnn packed network", "version": 1, **about, "checksum": checksum}
    (tmp_path / "net.json").write_text(json.dumps(whole))
    spikes = np.zeros((3, 70))
    spikes[0, [0, 69]] = spikes[1, [1, 2]] = spikes[2, :] = 1
    found = load_packed_network(tmp_path / "net.json").run(spikes)[0]
    sums = np.array([[2, 0], [-2, 0], [-66, 0]])
    np.testing.assert_array_equal(found, sums * [0.5, 2.0] + [0.25, -1.0])


def test_what_is_no_array_is_refused(tmp_path):
    path = network().save(tmp_path / "net.json")
    npz = tmp_path / json.loads(path.read_text())["arrays"]
    with zipfile.ZipFile(npz, "a") as archive:
        archive.writestr("readme", b"no array")
    rewritten(path, lambda a: a.update(sha256=hashlib.sha256(npz.read_bytes()).hexdigest()))
    refused(lambda: load_packed_network(path), str(npz), "arrays only", "'readme'", error=FileFormatError)


def test_layers_within_layers_are_refused_at_every_depth(tmp_path):
    """Reading and writing JSON do not give up at the same depth; the file is never run, nor is a traceback shown."""
    path = network().save(tmp_path / "net.json")
    about = json.loads(path.read_text())
    text = json.dumps({**about, "network": 0})
    for depth in range(sys.getrecursionlimit() // 3, sys.getrecursionlimit() // 2 + 60):
        path.write_text(text.replace('"network": 0', '"network": ' + '{"a": [' * depth + "]}" * depth))
        refused(lambda: load_packed_network(path), str(path), error=FileFormatError)


ODD = [None, True, -1, 0, 1.5, 10**9, 10**30, "x", [], {}, [1], [[]], {"layer": "neurons"}, float("inf")]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_values_are_refused_in_one_line_or_run(tmp_path, odd):
    path = network().save(tmp_path / "net.json")
    original = path.read_text()
    spec = json.loads(original)["network"]
    places = [("shape",), ("steps",), ("layers",), *(("shape", k) for k in range(3))]
    for k, described in enumerate(spec["layers"]):
        places += [("layers", k), *(("layers", k, name) for name in described)]
    refusals = 0
    for *way, last in places:
        path.write_text(original)

        def change(about, way=way, last=last):
            place = about["network"]
            for part in way:
                place = place[part]
            place[last] = odd

        rewritten(path, change)
        try:
            again = load_packed_network(path)
        except FileFormatError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
            refusals += 1
        else:
            again.run(images()[:, : again.shape[0]], 1)
    assert refusals > len(places) // 2
