"""Networks for images as files: every kind comes back bit by bit, and what is damaged is refused in one line."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import warnings

import numpy as np
import pytest
import torch
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.common import array_files
from hetero_rsnn.common.errors import FileFormatError, OutputError
from hetero_rsnn.gradient.feedforward.conversion import convert
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet, OrdinaryMLP, ordinary_from
from hetero_rsnn.gradient.feedforward.quantised import QCFS
from hetero_rsnn.gradient.feedforward.saving import load_image_network, save_image_network
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

pytestmark = pytest.mark.torch

SPREAD = {"leak": (0.2, 0.9), "threshold": (0.5, 1.5), "seed": 3}
CONV = {"channels": (3, 4), "hidden": (5,)}
MAKERS = {
    "mlp": lambda: SpikingMLP(36, 4, hidden=(7, 6), **SPREAD),
    "if": lambda: SpikingMLP(36, 4, hidden=(7,), neuron="if", reset="soft", detach_reset=True, threshold=0.7),
    "tebn": lambda: SpikingMLP(36, 4, hidden=(7,), normalisation="tebn", trainable=["leak", "threshold"], **SPREAD),
    "rate": lambda: SpikingMLP(36, 4, hidden=(7,), coding="rate", dropout=0.2, trainable=["leak"], steps=np.int64(3)),
    "conv": lambda: SpikingConvNet((1, 6, 6), 4, normalisation="batch", trainable="leak", **CONV, **SPREAD),
    "stride": lambda: SpikingConvNet((1, 6, 6), 4, normalisation="tebn", blocks=0, pool="stride", **CONV, **SPREAD),
    "bump": lambda: SpikingConvNet((1, 6, 6), 4, pseudo_derivative=PseudoDerivative("gaussian", sd=0.3), **CONV),
    "bits": lambda: SpikingMLP(36, 4, hidden=(7, 6), weights="1bit", dropout=0.1, **SPREAD),
    "bits shortcuts": lambda: SpikingConvNet(
        (1, 6, 6), 4, normalisation="tebn", weights="1bit", shortcuts=True, **CONV, **SPREAD
    ),
    "transformer": lambda: SpikingTransformer(
        (1, 6, 6), 4, patch=2, features=6, heads=3, normalisation="tebn", weights="1bit", dropout=0.1, **SPREAD
    ),
    "double": lambda: SpikingMLP(36, 4, hidden=(7,), normalisation="batch", **SPREAD).double(),
    "ordinary mlp": lambda: OrdinaryMLP(36, 4, hidden=(7, 6), levels=3, dropout=0.1, seed=2),
    "ordinary conv": lambda: OrdinaryConvNet((1, 6, 6), 4, levels=5, seed=2, **CONV),
    "ordinary relu": lambda: OrdinaryConvNet((1, 6, 6), 4, levels=None, dropout=0.1, seed=2, **CONV),
    "plain conv": lambda: OrdinaryConvNet((1, 6, 6), 4, blocks=0, normalisation=None, **CONV),
}
CONVERTED = ("ordinary mlp", "ordinary conv", "plain conv")
FOLDED = ("tebn", "conv", "stride", "mlp", "double", "bits", "bits shortcuts", "transformer")
KINDS = [*MAKERS, *(f"folded {k}" for k in FOLDED), *(f"converted {k}" for k in CONVERTED)]


def moved(network):
    """A network whose values are none that it begins with."""
    rng = np.random.default_rng(5)
    with torch.no_grad():
        for name, p in network.named_parameters():
            p *= 0.1 if "theta" in name else 2.0 if p.dim() > 1 else 1.0
            p += torch.from_numpy(np.asarray(rng.normal(0.05, 0.1, p.shape)))
        for name, b in network.named_buffers():
            if "running" in name:
                b += torch.from_numpy(rng.random(b.shape))
    network.train()(torch.from_numpy(rng.random((6, 36))).float().reshape(6, *network.shape))
    return network.eval()


def network_of(kind):
    what, _, name = kind.partition(" ")
    if what == "folded":
        return moved(MAKERS[name]()).folded()
    if what == "converted":
        return convert(moved(MAKERS[name]()), 5, start=0.4)
    return moved(MAKERS[kind]())


def images(network):
    return torch.rand(9, 36, generator=torch.Generator().manual_seed(1)).reshape(9, *network.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back(kind, tmp_path):
    network = network_of(kind)
    before = torch.get_rng_state()
    path = save_image_network(network, tmp_path / "net.json")
    again = load_image_network(path)
    assert torch.equal(torch.get_rng_state(), before)
    assert type(again) is type(network) and repr(again) == repr(network) and not again.training
    x = images(network)
    out = again(x)
    assert out.isfinite().all() and out.unique().numel() > 1 and torch.equal(out, network(x))
    assert again.state_dict().keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value) and again.state_dict()[name].dtype == value.dtype, name
    wanted = [(n, p.requires_grad) for n, p in network.named_parameters()]
    assert [(n, p.requires_grad) for n, p in again.named_parameters()] == wanted
    if "ordinary" in kind or "plain" in kind:
        assert again.spec() == network.spec() if "converted" not in kind else again.origin.start == 0.4
    else:
        a, b = again.account(x), network.account(x)
        assert again.spec() == network.spec() and np.array_equal(a.spikes, b.spikes) and a.spikes.any()
    # What was read can be written: the same files.
    assert save_image_network(again, path) == path and len(list(tmp_path.iterdir())) == 2
    for file in tmp_path.iterdir():
        assert b"pickle" not in file.read_bytes()
    with np.load(next(tmp_path.glob("*.npz")), allow_pickle=False) as npz:
        assert all(npz[name].dtype.kind in "fi" for name in npz.files)


@pytest.mark.parametrize("kind", ["tebn", "ordinary mlp"])
def test_training_goes_on_from_a_file(kind, tmp_path):
    """Dropout and rate coding draw on, and one step of either network is the same."""
    network = network_of(kind)
    again = load_image_network(save_image_network(network, tmp_path / "net.json"))
    for one in (network, again):
        torch.manual_seed(0)
        one.train()
        optimiser = torch.optim.SGD(one.parameters(), 0.1)
        one(images(one)).square().mean().backward()
        optimiser.step()
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_specs_of_ordinary_networks():
    for name in CONVERTED:
        network = MAKERS[name]()
        assert json.loads(json.dumps(network.spec())) == network.spec()
        again = ordinary_from(network.spec())
        assert again.spec() == network.spec() and repr(again) == repr(network)
        for key, value in again.to_arrays().items():
            np.testing.assert_array_equal(value, network.to_arrays()[key])
    network = MAKERS["ordinary mlp"]()
    network.spec()["hidden"].append(3)
    assert network.spec()["hidden"] == [7, 6]
    for odd, said in (
        ({"network": "MLP"}, "unknown network 'MLP'"),
        ({**network.spec(), "hiden": 3}, "unknown option 'hiden' of a network"),
        ({"network": "OrdinaryMLP", "inputs": 3}, "the spec does not fit"),
        ({**network.spec(), "seed": -1}, "seed must be a whole number >= 0"),
        (None, "the spec of a network must name the network"),
    ):
        refused(lambda odd=odd: ordinary_from(odd), said)
    arrays = network.to_arrays()
    refused(lambda: network.from_arrays({**arrays, "x": np.zeros(1)}), "the array 'x' is unknown")
    weight = "layers.1.weight"
    refused(lambda: network.from_arrays({**arrays, weight: arrays[weight].astype(float)}), "must have one precision")
    refused(lambda: network.from_arrays({**arrays, weight: arrays[weight].astype(">f4")}), "must have the shape")
    for key, value in network.to_arrays().items():
        np.testing.assert_array_equal(value, arrays[key])


def test_nothing_is_overwritten_unasked(tmp_path):
    one, other = SpikingMLP(4, 2, hidden=(3,)), SpikingMLP(4, 2, hidden=(3,), seed=1)
    path = save_image_network(one, str(tmp_path / "new folder" / "net.json"))
    kept = path.read_bytes()
    refused(lambda: save_image_network(other, path), "exists already", "overwrite=True", error=OutputError)
    assert path.read_bytes() == kept and len(list(path.parent.iterdir())) == 2
    copied = tmp_path / "new folder" / "copy.json"
    copied.write_bytes(kept)
    save_image_network(other, path, overwrite=True)
    # The arrays of before are still there: copies of the text name them.
    assert torch.equal(load_image_network(copied).layers[0].synapses.weight, one.layers[0].synapses.weight)
    assert torch.equal(load_image_network(path).layers[0].synapses.weight, other.layers[0].synapses.weight)
    link = tmp_path / "link.json"
    os.symlink(path, link)
    save_image_network(one, link, overwrite=True)
    assert link.is_symlink() and load_image_network(link.resolve()).spec() == one.spec()


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = save_image_network(SpikingMLP(4, 2, hidden=(3,)), tmp_path / "net.json")
    kept = path.read_bytes()

    def full(*_):
        raise OutputError("no space is left", fix="make some")

    for name in ("write_array_file", "write_text"):
        with monkeypatch.context() as patch:
            patch.setattr(array_files, name, full)
            other = SpikingMLP(4, 2, hidden=(3,), seed=2)
            refused(lambda: save_image_network(other, path, overwrite=True), "no space", error=OutputError)  # noqa: B023
        assert path.read_bytes() == kept and load_image_network(path).setting.seed == 0
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".part"]


class Own(SpikingMLP):
    pass


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "net.json"
    for odd, said in (
        (torch.nn.Linear(2, 3), "got Linear: give one, or keep the state_dict()"),
        (Own(4, 2, hidden=(3,)), "got Own"),
        (SpikingMLP, "got type"),
        (None, "got NoneType"),
        (SpikingMLP(4, 2, hidden=(3,)).bfloat16(), "is of torch.bfloat16: call float()"),
    ):
        refused(lambda odd=odd: save_image_network(odd, path), said)
    refused(lambda: save_image_network(SpikingMLP(4, 2), tmp_path / "net"), "is saved as NAME.json, got 'net'")
    chain = torch.nn.Sequential(torch.nn.Linear(4, 3), QCFS(), torch.nn.Linear(3, 2))
    refused(lambda: save_image_network(convert(chain, 4), path), "if it was an OrdinaryMLP or OrdinaryConvNet")
    longer, exchanged = SpikingMLP(4, 2, hidden=(3,)), SpikingMLP(4, 2, hidden=(3,))
    longer.steps = 9
    exchanged.layers[1] = hr.SpikingMLP(4, 2, hidden=(3,), threshold=2.0).layers[1]
    model = OrdinaryMLP(4, 2, hidden=(3,))
    learned = convert(model, 4)
    with torch.no_grad():
        next(learned.parameters()).add_(1.0)
    for odd in (longer, exchanged, learned, convert(model, 4).double()):
        refused(lambda odd=odd: save_image_network(odd, path), "its layers are not those that it was made with")
    assert not list(tmp_path.iterdir())
    with torch.no_grad():  # what is trained after a conversion does not change what was converted
        spiking = convert(model, 4)
        model.layers[1].weight.add_(1.0)
    again = load_image_network(save_image_network(spiking, path))
    assert torch.equal(again(torch.ones(1, 4)), spiking(torch.ones(1, 4)))


def said_of(path):
    """The network, or None where it is refused in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return load_image_network(path)
        except FileFormatError as error:
            assert "\n" not in str(error) and str(path.parent) in str(error)
            return None


@pytest.fixture(params=["folded tebn", "converted ordinary conv", "bits"])
def saved(request, tmp_path):
    network = network_of(request.param)
    return network, save_image_network(network, tmp_path / "net.json")


def test_cut_flipped_and_lost(saved):
    network, path = saved
    x, rng = images(network), np.random.default_rng(0)
    for file in (path, next(path.parent.glob("*.npz"))):
        data = file.read_bytes()
        for end in [0, 1, len(data) // 2, *(len(data) - k for k in range(1, 4))]:
            file.write_bytes(data[:end])
            found = said_of(path)
            assert found is None or (end >= len(data) - 1 and file == path)  # the line's end alone
        for place in rng.integers(0, len(data), 60):
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(flipped)
            found = said_of(path)
            assert found is None or (file == path and torch.equal(found(x), network(x)))  # white space
        file.write_bytes(data + b"}")
        assert said_of(path) is None
        file.unlink()
        assert said_of(path) is None
        file.mkdir()
        assert said_of(path) is None
        file.rmdir()
        file.write_bytes(data)
    assert torch.equal(load_image_network(path)(x), network(x))


ODD = [None, True, -1, 0, 2.5, 10**30, 10**400, "x", "", [], [1], ["a"], [10**12], [[1]], {}, {"a": 1}, float("inf")]


def resealed(about):
    """The checksum of a forger."""
    kept = {name: about.get(name) for name in ("network", "converted", "arrays", "sha256")}
    about["checksum"] = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    return json.dumps(about)


def test_other_types_in_the_text(saved):
    _, path = saved
    about = json.loads(path.read_text())
    places = [(key,) for key in about] + [("network", key) for key in about["network"]]
    places += [("converted", key) for key in about["converted"] or {}]
    places += [("network", "pseudo_derivative", key) for key in about["network"].get("pseudo_derivative", {})]
    for place in [*places, ("network", "new"), ("new",)]:
        for value in ODD:
            changed = copy.deepcopy(about)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            if value == "x":
                path.write_text(json.dumps(changed))
                assert said_of(path) is None
            path.write_text(resealed(changed))
            said_of(path)
    for key in about:
        path.write_text(resealed({k: v for k, v in about.items() if k != key}))
        assert said_of(path) is None or key == "checksum"
    for text in ("", "[]", "null", "{", "[" * 10**5, '{"format": 1}', "\ufeff{}"):
        path.write_text(text, encoding="utf-8")
        assert said_of(path) is None


def test_other_arrays_with_a_right_checksum(saved):
    network, path = saved
    about = json.loads(path.read_text())
    with np.load(path.with_name(about["arrays"])) as npz:
        arrays = {name: npz[name] for name in npz.files}
    name = max(arrays, key=lambda k: arrays[k].size)
    for other in (
        {k: v for k, v in arrays.items() if k != name},
        {**arrays, "new": np.zeros(3)},
        {**arrays, name: arrays[name][..., :-1]},
        {**arrays, name: arrays[name].astype(np.longdouble)},
        {**arrays, name: arrays[name].astype(">f4")},
        {**arrays, name: arrays[name].astype(complex)},
        {**arrays, name: arrays[name].astype(str)},
        {**arrays, name: arrays[name].astype("f2" if arrays[name].dtype == float else float)},
        {},
    ):
        data = array_files.packed(other)
        path.with_name("other.npz").write_bytes(data)
        path.write_text(resealed({**about, "arrays": "other.npz", "sha256": hashlib.sha256(data).hexdigest()}))
        assert said_of(path) is None or ("folded" in repr(network) and other[name].dtype.kind == "f")
    path.write_text(resealed({**about, "arrays": "../other.npz"}))
    assert said_of(path) is None


def test_one_line_for_each_fault(tmp_path):
    path = save_image_network(SpikingMLP(4, 2, hidden=(3,)), tmp_path / "net.json")
    about = json.loads(path.read_text())

    def said(changed, *words):
        path.write_text(resealed(changed))
        refused(lambda: load_image_network(path), *words, error=FileFormatError)

    said({**about, "version": 2}, "must be of version 1, got 2")
    said({**about, "format": "hetero_rsnn checkpoint"}, "is no network for images")
    said({**about, "network": {**about["network"], "hidden": [10**9]}}, "at least 6e+09 weights, its arrays hold 23")
    said({**about, "network": {**about["network"], "leak": 3.0}}, "leak must be from 0 to 1, got 3")
    said({**about, "converted": {"steps": 3, "start": 0.5}}, "must be an ordinary network")
    changed = {**about, "network": {**about["network"], "leak": 0.75}}
    path.write_text(json.dumps(changed))
    refused(lambda: load_image_network(path), "is not what was written: restore a copy", error=FileFormatError)
    refused(lambda: load_image_network(tmp_path / "none.json"), "does not exist", error=FileFormatError)
