"""Networks that keep the arrays of a draw: as values, as files, as draws, and what of them can still be changed."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import NETWORKS, refused, within

import hetero_rsnn as hr
from hetero_rsnn.network import saving
from hetero_rsnn.network.homogeneous import homogeneous
from hetero_rsnn.network.sizes import draw_size, synapses

SPREAD = {
    "n": 40, "input.channels": 2, "input.connectivity": 0.5,
    "t_ref": {"distribution": "uniform", "low": "0 ms", "high": "4 ms"},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> hr.Draw:
    """A draw that nobody would draw: everything that can be learned differs from its distribution."""
    d = hr.draw(hr.load_network("henhes", **SPREAD), seed=3)
    rng = np.random.default_rng(0)
    return replace(
        d,
        neurons={k: v * rng.uniform(0.5, 1.5, v.shape) for k, v in d.neurons.items()},
        plastic=replace(d.plastic, w=rng.normal(0, 0.1, len(d.plastic))),
        static=replace(d.static, w=-d.static.w),
        w_in=d.w_in + rng.normal(size=d.w_in.shape) * (d.w_in != 0),
    )


def numbers(d: hr.Draw) -> dict[str, Any]:
    """All of a draw that is not its initial state, by name."""
    out: dict[str, Any] = {**d.neurons, "population": d.population, "positions": d.positions}
    out |= {"w_in": d.w_in, "w_event": d.w_event, **{k: np.array(v) for k, v in d.shared.items()}}
    for kind, s in (("plastic", d.plastic), ("static", d.static)):
        out |= {f"{kind} {k}": getattr(s, k) for k in ("indptr", "target", "w", "projection")}
        out |= {f"{kind} {k}": v for k, v in s.parameters.items()}
    return out


def same(a: hr.Draw, b: hr.Draw) -> None:
    x, y = numbers(a), numbers(b)
    assert x.keys() == y.keys()
    for name in x:
        np.testing.assert_array_equal(x[name], y[name], err_msg=name)
        assert x[name].dtype == y[name].dtype, name


def test_a_file_gives_the_same_arrays_for_every_seed(drawn, tmp_path):
    path = hr.save_network(drawn, tmp_path / "mine.toml", trained="by hand", description="a toy")
    net = hr.load_network(path)
    assert net.name == "mine" and net.description == "a toy"
    for seed in (0, 3, 8):
        again = hr.draw(net, seed)
        same(again, drawn)
        assert again.seed == seed
        # The initial state is that of the seed, as it would be without arrays.
        expected = hr.draw(drawn.network, seed).initial
        assert again.initial.keys() == expected.keys() == {"v"}
        np.testing.assert_array_equal(again.initial["v"], expected["v"])
    assert not again.w_in.flags.writeable and not again.plastic.w.flags.writeable
    refused(lambda: hr.draw(net, -1), "seed must be a whole number >= 0")
    assert {p.suffix for p in tmp_path.iterdir()} == {".toml", ".npz"}
    about = tomllib.loads(path.read_text())
    assert about["arrays"]["seed"] == 3 and about["arrays"]["trained"] == "by hand"
    data = (tmp_path / about["arrays"]["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == about["arrays"]["sha256"]
    text = str(net)
    assert "its arrays are given, the same for every seed" in text and "by hand (drawn with seed 3)" in text


@pytest.mark.parametrize("name", NETWORKS)
def test_every_shipped_network_there_and_back(name, tmp_path):
    """With the synapses, plastic or not, and the distributions of each."""
    d = hr.draw(hr.load_network(name, n=60), 2)
    net = hr.load_network(hr.save_network(d, tmp_path / "mine.toml"))
    again = hr.draw(net, 2)
    same(again, d)
    assert again.initial.keys() == d.initial.keys() and net.population("E") == d.network.population("E")
    second = hr.load_network(hr.save_network(again, tmp_path / "second.toml"))
    assert second == net and second.name == "second" and hr.trained_network(again).name == "mine"


#: Equations of one's own, in volts, with parameters of other names.
VOLTS: dict[str, Any] = {
    "n": 30,
    "neuron": {
        "equations": "dv/dt = (E_L - v + R * I_in) / tau : volt (unless refractory)",
        "threshold": "v > V_T", "reset": "v = E_L", "refractory": "t_ref", "initial": {"v": "-60 mV"},
    },
    "synapse": {"on_pre": "v_post += w"},
    "populations": {
        "E": {
            "fraction": 1.0, "E_L": {"distribution": "uniform", "low": "-70 mV", "high": "-65 mV"}, "V_T": "-50 mV",
            "R": "100 Mohm", "tau": {"distribution": "gamma", "mean": "20 ms", "cv": 0.3}, "t_ref": "2 ms",
        }
    },
    "projections": {"EE": {"pre": "E", "post": "E", "topology": {"kind": "random", "p": 0.2}, "weight": "2 mV"}},
    "input": {"weight": "0.3 nA", "event_weight": "1 mV"},
}  # fmt: skip


def test_equations_of_ones_own_there_and_back(tmp_path):
    d = hr.draw(hr.Network.from_dict(VOLTS, "volts"), 1)
    trained = replace(d, neurons={**d.neurons, "E_L": d.neurons["E_L"] - 0.001}, w_in=1.5 * d.w_in)
    again = hr.draw(hr.load_network(hr.save_network(trained, tmp_path / "mine.toml")), 1)
    same(again, trained)
    stimulus = hr.array_stimulus(np.ones((10, 1)), "5 ms")
    found, expected = (hr.simulate(x, stimulus, backend="brian2") for x in (again, trained))
    assert expected.spike_times.size > 20
    np.testing.assert_array_equal(found.spike_times, expected.spike_times)
    np.testing.assert_array_equal(found.spike_neurons, expected.spike_neurons)


def test_single_precision_rounds_what_belongs_to_synapses(drawn):
    net = hr.trained_network(drawn)
    one = hr.draw(net, 0, precision="single")
    assert one.plastic.w.dtype == one.static.w.dtype == one.plastic.parameters["tau_plus"].dtype == np.float32
    np.testing.assert_array_equal(one.plastic.w, drawn.plastic.w.astype(np.float32))
    assert one.w_in.dtype == one.neurons["tau_m"].dtype == np.float64
    # Saved in single precision, it comes back as it was.
    back = hr.draw(hr.trained_network(one), 1, precision="single")
    same(back, one)


def test_the_value(drawn, tmp_path):
    net = hr.trained_network(drawn, name="mine")
    path = hr.save_network(net, tmp_path / "other.toml")
    read = hr.load_network(path)
    for twin in (copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net)), read, net.replace(),
                 hr.Network.from_dict(net.tree()), hr.load_network(net, n=40)):  # fmt: skip
        assert twin == net and hash(twin) == hash(net) and twin.fingerprint == net.fingerprint
        assert twin.name == "mine" and repr(twin) == repr(net)
        same(hr.draw(twin, 5), drawn)
        assert not twin.arrays.values["w_in"].flags.writeable
    assert copy.deepcopy(net).arrays is net.arrays
    # Other arrays are another network, and so are none.
    other = hr.trained_network(replace(drawn, w_in=drawn.w_in * (1 + 1e-15)), name="mine")
    assert other != net and other.fingerprint != net.fingerprint
    plain = drawn.network.replace(**{"protocol.train": "0 ms"})
    assert plain != net and plain.fingerprint != net.fingerprint
    assert plain.definition() == {**net.definition(), "name": plain.name}
    # A second file of the same arrays is the first, byte for byte.
    again = hr.save_network(read, tmp_path / "copy" / "other.toml")
    assert again.read_bytes() == path.read_bytes()
    (first,), (second,) = (f.parent.glob("*.npz") for f in (path, again))
    assert first.name == second.name and first.read_bytes() == second.read_bytes()
    hr.save_network(other, path, overwrite=True)
    assert hr.load_network(path) == other


def test_nothing_is_removed(drawn, tmp_path):
    """A file called as a run of that minute, a copy of the text, and one of two that save at once: all stay whole."""
    mine = tmp_path / "run-202401011200.npz"
    mine.write_bytes(b"a recording")
    path = hr.save_network(drawn, tmp_path / "run.toml")
    assert mine.read_bytes() == b"a recording"
    first = hr.load_network(path)
    backup = tmp_path / "run-v1.toml"
    backup.write_bytes(path.read_bytes())
    other = replace(drawn, w_in=2 * drawn.w_in)
    hr.save_network(other, path, overwrite=True)
    assert hr.load_network(backup) == first != hr.load_network(path)


def test_two_that_save_at_once_leave_a_whole_pair(drawn, tmp_path, monkeypatch):
    path = tmp_path / "run.toml"
    usual = saving.write_text

    def late(place: Path, text: str) -> Path:
        """Before one has written its text, another has written all of its own."""
        monkeypatch.setattr(saving, "write_text", usual)
        hr.save_network(replace(drawn, w_in=2 * drawn.w_in), path)
        return usual(place, text)

    monkeypatch.setattr(saving, "write_text", late)
    hr.save_network(drawn, path)
    same(hr.draw(hr.load_network(path), 0), drawn)


@pytest.mark.parametrize("arrays", [True, False])
def test_another_file_is_replaced_on_request_only(drawn, tmp_path, arrays):
    given = drawn if arrays else drawn.network
    path = hr.save_network(given, tmp_path / "mine.toml")
    before = path.read_bytes()
    assert hr.save_network(given, path).read_bytes() == before  # the same is no other
    path.write_text("of somebody else")
    refused(lambda: hr.save_network(given, path), str(path), "exists already", "overwrite=True", error=hr.OutputError)
    assert path.read_text() == "of somebody else"
    assert hr.save_network(given, path, overwrite=True).read_bytes() == before
    (tmp_path / "folder.toml").mkdir()
    for overwrite in (False, True):
        with pytest.raises(hr.OutputError, match=r"folder\.toml"):
            hr.save_network(given, tmp_path / "folder.toml", overwrite=overwrite)


@pytest.mark.parametrize("arrays", [True, False])
def test_a_link_leads_to_the_file(drawn, tmp_path, arrays):
    (tmp_path / "store").mkdir()
    link = tmp_path / "latest.toml"
    link.symlink_to(Path("store") / "mine.toml")
    given = drawn if arrays else drawn.network
    hr.save_network(given, link)
    assert link.is_symlink() and (tmp_path / "store" / "mine.toml").is_file()
    assert {p.name for p in tmp_path.iterdir()} == {"store", "latest.toml"}
    net = hr.load_network(link)
    assert (net.arrays is not None) == arrays and net == hr.load_network(tmp_path / "store" / "mine.toml")
    refused(lambda: hr.save_network(hr.load_network("henhes"), link), "exists already")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(hr.OutputError, match=r"loop\.toml"):
        hr.save_network(given, tmp_path / "loop.toml")


def test_the_home_folder_is_found_as_load_network_finds_it(drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert hr.save_network(drawn, "~/mine.toml") == tmp_path / "mine.toml"
    assert hr.load_network("~/mine.toml") == hr.trained_network(drawn) and not (tmp_path / "~").exists()


#: What could be written, but not read again.
UNREADABLE = {
    "colon": ("a:b.toml", {}, "must be UTF-8 without : and"),
    "backslash": ("a\\b.toml", {}, "must be UTF-8 without : and"),
    "half a character": ("a\udcff.toml", {}, "must be UTF-8 without : and"),
    "zero byte": ("a\0b.toml", {}, "must be UTF-8 without : and"),
    "too long a name": (300 * "a" + ".toml", {}, "File name too long"),
    "long text": ("a.toml", {"trained": "word " * 60_000}, "at most 262 kB"),
    "long description": ("a.toml", {"description": "word " * 60_000}, "at most 262 kB"),
    "half a character in a word": ("a.toml", {"trained": "a\udcff"}, "trained must be text"),
    "half a character in the description": ("a.toml", {"description": "a\udcff"}, "UTF-8 cannot hold"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_could_not_be_read_again_is_not_written(drawn, tmp_path, case):
    name, more, words = UNREADABLE[case]
    refused(lambda: hr.save_network(drawn, tmp_path / name, **more), words)
    assert not list(tmp_path.iterdir())


def test_a_plain_network_that_could_not_be_read_again(drawn, tmp_path):
    long, odd = (replace(drawn.network, description=d) for d in ("word " * 60_000, "a\udcff"))
    refused(lambda: hr.save_network(long, tmp_path / "a.toml"), "at most 262 kB", error=hr.OutputError)
    refused(lambda: hr.save_network(odd, tmp_path / "a.toml"), "UTF-8 cannot hold", error=hr.OutputError)
    refused(
        lambda: hr.save_network(drawn.network, tmp_path / "a\ud800.toml"), "no name of a file", error=hr.OutputError
    )
    assert not list(tmp_path.iterdir())


def test_names_without_a_latin_letter_stay_apart(drawn, tmp_path):
    for given in (drawn, drawn.network):
        names = []
        for stem in ("脳", "心"):
            path = hr.save_network(given, tmp_path / f"{stem}.toml", overwrite=True)
            if given is not drawn:  # a file that says no name
                path.write_text(path.read_text().replace('name = "henhes"', ""))
            names.append(hr.load_network(path).name)
        assert len(set(names)) == 2 and all(name.startswith("network-") for name in names)


def test_types_are_those_that_a_draw_makes(drawn):
    # Other types never come to a kernel, which would read other neurons in them.
    for name, kind in (("target", np.int64), ("target", np.int16), ("indptr", np.int32), ("projection", np.int64)):
        for which in ("plastic", "static"):
            synapses = getattr(drawn, which)
            odd = getattr(synapses, name).astype(kind)
            words = (f"{name} of synapses must be", str(getattr(synapses, name).dtype), f"got {np.dtype(kind)}")
            refused(lambda s=synapses, n=name, o=odd: replace(s, **{n: o}), *words)
    # Real numbers of other types are taken for what they are.
    rounded = {k: v.astype(np.float32) for k, v in drawn.neurons.items()}
    whole = replace(drawn, w_in=np.ones_like(drawn.w_in, dtype=np.int8), neurons=rounded)
    again = hr.draw(hr.trained_network(whole), 0)
    assert again.w_in.dtype == again.neurons["tau_m"].dtype == np.float64 and (again.w_in == 1).all()
    np.testing.assert_array_equal(again.neurons["tau_m"], rounded["tau_m"])
    turned = replace(drawn, positions=drawn.positions.astype(">f8"))
    np.testing.assert_array_equal(hr.draw(hr.trained_network(turned), 0).positions, drawn.positions)
    refused(lambda: hr.trained_network(replace(drawn, w_in=drawn.w_in + 0j)), "w_in must be float64")


def test_what_made_the_arrays_is_handed_on(drawn):
    first = hr.trained_network(drawn, trained="by hand")
    second = hr.trained_network(hr.draw(first, 7))
    assert second.arrays.seed == 3 and second.arrays.trained == "by hand"
    third = hr.trained_network(hr.draw(second, 8), trained="10 s\n of STDP")
    assert third.arrays.seed == 3 and third.arrays.trained == "by hand; then 10 s of STDP"
    assert "by hand; then 10 s of STDP (drawn with seed 3)" in str(third)


@pytest.mark.parametrize("name", ["arrays", "arrays.seed", "parameters.arrays"])
@pytest.mark.parametrize("value", [None, 3, {}])
def test_the_arrays_themselves_cannot_be_overridden(drawn, tmp_path, name, value):
    net = hr.trained_network(drawn)
    path = hr.save_network(net, tmp_path / "mine.toml")
    for call in (lambda: net.replace(**{name: value}), lambda: hr.load_network(path, **{name: value})):
        with pytest.raises(hr.NetworkError, match=r"cannot be overridden|unknown name"):
            call()
    refused(lambda: net.replace(arrays=net.arrays), "'arrays' cannot be overridden", error=hr.NetworkError)


def test_a_text_alone_names_no_file(drawn, tmp_path):
    net = hr.trained_network(drawn, trained="by hand")
    assert net.to_dict()["arrays"] == {"sha256": net.arrays.checksum, "seed": 3, "trained": "by hand"}
    text = saving.to_toml_text(net)
    assert text.startswith("# The arrays of this network are not in this text") and "save_network" in text
    path = tmp_path / "printed.toml"
    path.write_text(text)
    refused(lambda: hr.load_network(path), "[arrays] names no file", "save_network", error=hr.NetworkError)
    assert not saving.to_toml_text(drawn.network).startswith("#")


def test_files_that_would_never_end(drawn, tmp_path):
    """A sparse file of many terabytes, and a pipe that nobody writes to."""
    path = hr.save_network(drawn, tmp_path / "mine.toml")
    (file,) = tmp_path.glob("*.npz")
    with file.open("r+b") as out:
        out.truncate(2**42)
    refused(lambda: hr.load_network(path), file.name, "4.4 TB of memory", error=hr.NetworkError)
    file.unlink()
    os.mkfifo(file)
    refused(lambda: within(20, lambda: hr.load_network(path)), file.name, "must be a file", error=hr.NetworkError)


def test_arrays_in_a_table_alone_are_refused(drawn):
    net = hr.trained_network(drawn)
    refused(lambda: hr.Network.from_dict(net.to_dict()), "lie in a file beside its own", error=hr.NetworkError)


#: What the arrays settle, one of each kind, and what the message names.
SETTLED = [
    ("n", 50, "n of 'mine' must stay 40, got 50"),
    ("input.channels", 3, "input.channels of 'mine' must stay 2, got 3"),
    ("input.connectivity", 0.1, "input.connectivity"),
    ("input.weight", 1.0, "input.weight"),
    ("input.event_weight.high", 1.0, "input.event_weight"),
    ("E.tau_m.cv", 0.1, "populations.E.tau_m"),
    ("tau_syn", "3 ms", "populations.E.tau_syn"),
    ("v_th.cv", 0.0, "populations.E.v_th"),
    ("I_bias", 0.9, "populations.E.I_bias"),
    ("I.kind", "excitatory", "populations.I.kind"),
    ("EE.topology.p", 0.2, "projections.EE.topology.p"),
    ("EE.topology", {"kind": "fixed_indegree", "indegree": 3}, "projections.EE.topology"),
    ("EE.weight.mean", 0.1, "projections.EE.weight"),
    ("EE.plastic", False, "projections.EE.plastic"),
    ("eta_plus.mean", 0.1, "plasticity.eta_plus"),
    ("w_max", 1.0, "plasticity.w_max"),
    ("mu", 0.5, "plasticity.mu"),
    ("weight_scaling", "none", "weight_scaling"),
    ("neuron.refractory", "2 * t_ref", "neuron.refractory"),
    ("synapse.on_pre", "I_syn_post += 2 * w", "synapse.on_pre"),
    ("plasticity.on_post", "w = clip(w + 2 * eta_plus * (w_max - w)**mu * apre, 0, w_max)\napost += 1", "on_post"),
    ("model", "", "model"),
]


@pytest.mark.parametrize(("name", "value", "words"), SETTLED, ids=[s[0] for s in SETTLED])
def test_what_the_arrays_settle_cannot_be_changed(drawn, name, value, words):
    net = hr.trained_network(drawn, name="mine")
    drawn.network.replace(**{name: value})  # which without them can be
    refused(lambda: net.replace(**{name: value}), words, "its arrays are given", error=hr.NetworkError)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("protocol.hold", "5 ms"), ("protocol.train", "1 s"), ("protocol.samples", 700), ("dt", "0.5 ms"),
        ("neuron.initial.v", 0.25),
    ],
)  # fmt: skip
def test_what_they_do_not_settle_can(drawn, name, value):
    net = hr.trained_network(drawn)
    changed = net.replace(**{name: value})
    assert changed != net and changed.arrays == net.arrays
    same(hr.draw(changed, 0), drawn)
    assert (hr.draw(changed, 0).initial["v"] == 0.25).all() == (name == "neuron.initial.v")
    # What is set to what it is has not been changed.
    assert net.replace(**{"n": 40, "input.channels": 2, "E.tau_m.cv": 0.55}) == net


def test_the_order_of_populations_and_projections_counts(drawn):
    tree = hr.trained_network(drawn).tree()
    for table in ("populations", "projections"):
        turned = {**tree, table: dict(reversed(tree[table].items()))}
        refused(lambda turned=turned: hr.Network.from_dict(turned), "must stay", error=hr.NetworkError)


def test_files_that_extend_it(drawn, tmp_path):
    hr.save_network(drawn, tmp_path / "mine.toml")
    (tmp_path / "below").mkdir()
    child = tmp_path / "below" / "child.toml"
    child.write_text('extends = "../mine.toml"\n[protocol]\nsamples = 700\n')
    net = hr.load_network(child)
    assert net.protocol.samples == 700
    same(hr.draw(net, 1), drawn)
    child.write_text('extends = "../mine.toml"\nn = 30\n')
    refused(lambda: hr.load_network(child), "n of 'child' must stay 40, got 30", "[child.toml]", error=hr.NetworkError)
    edited = tmp_path / "mine.toml"
    edited.write_text(edited.read_text().replace('"30 ms"', '"20 ms"', 1))
    refused(lambda: hr.load_network(edited), "populations.E.tau_m", "30 ms", "20 ms", error=hr.NetworkError)


def test_with_the_weights_of_a_state(drawn):
    d = hr.draw(hr.load_network("henhes", n=40), seed=1)
    learned = hr.train(d)
    assert not np.array_equal(learned.weights, d.plastic.w)
    for state in (learned, learned.state):
        again = hr.draw(hr.trained_network(d, state=state), 9)
        np.testing.assert_array_equal(again.plastic.w, learned.weights)
        np.testing.assert_array_equal(again.static.w, d.static.w)
    refused(lambda: hr.trained_network(d, state=3), "state must be a Recording or its state, got int")
    refused(lambda: hr.trained_network(drawn, state=learned.state), "plastic synapses")
    refused(lambda: hr.trained_network(hr.draw(d.network, 2), state=learned), "and seed 1", "seed 2")
    refused(lambda: hr.trained_network("henhes"), "trained_network takes a draw or a fitted estimator, got str")
    # As many synapses and the same seed, but another network.
    other = hr.draw(d.network.replace(**{"eta_plus.mean": 0.3}), 1)
    words = (d.network.fingerprint, other.network.fingerprint, "give the draw that the state came from")
    assert len(other.plastic) == len(d.plastic)
    refused(lambda: hr.trained_network(other, state=learned), *words)
    refused(lambda: hr.trained_network(d, trained=3), "trained must be text")
    refused(lambda: hr.save_network("henhes", "x.toml"), "takes a network, a draw or a fitted estimator, got str")
    refused(lambda: hr.save_network(d.network, "x.toml", state=learned), "state is for a draw")
    refused(lambda: hr.save_network(d, "mine.txt"), "NAME.toml", "mine.txt")


def test_damage_is_kept_and_said(drawn, tmp_path):
    less, _ = hr.lose_synapses(drawn, None, 0.5, seed=0)
    less, _ = hr.lose_neurons(less, None, 0.1, seed=0)
    net = hr.load_network(hr.save_network(less, tmp_path / "less.toml"))
    again = hr.draw(net, 3)
    same(again, less)
    assert again.damage == less.damage and len(again.damage) == 2
    assert "4 of 40 neurons lost" in str(net)


def test_numbers_that_are_none_are_refused(drawn):
    spoilt = replace(drawn, w_in=np.where(np.arange(2) == 1, np.nan, drawn.w_in))
    refused(lambda: hr.trained_network(spoilt), "w_in must be finite")
    spoilt = replace(drawn, neurons={**drawn.neurons, "tau_m": -drawn.neurons["tau_m"]})
    refused(lambda: hr.trained_network(spoilt), "neurons.tau_m must be > 0 ms")


def rewritten(path: Path, **changes: Any) -> None:
    """Other arrays in the file of a network, with the checksum made to fit."""
    table = tomllib.loads(path.read_text())["arrays"]
    file = path.with_name(table["file"])
    with np.load(file) as npz:
        arrays = {k: npz[k] for k in npz.files}
    arrays |= changes
    np.savez(file, **{k: v for k, v in arrays.items() if v is not None})
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    path.write_text(path.read_text().replace(table["sha256"], checksum))


#: Arrays that a kernel must not be given, whatever checksum goes with them.
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"positions": None}, "the arrays lack 'positions'"),
    "unknown": ({"more": np.zeros(2)}, "unknown arrays more"),
    "shape": ({"w_in": np.zeros((40, 3))}, "w_in must be float64 of shape (40, 2)"),
    "kind": ({"w_in": np.zeros((40, 2), int)}, "w_in must be float64"),
    "half": ({"neurons.tau_m": np.ones(40, np.float32)}, "neurons.tau_m must be float64"),
    "other end": ({"w_in": np.zeros((40, 2), ">f8")}, "w_in must be float64"),
    "small target": ({"static.target": "as int8"}, "static.target must be int32"),
    "large target": ({"plastic.target": "as int64"}, "plastic.target must be int32"),
    "small rows": ({"static.indptr": "as int32"}, "static.indptr must be int64"),
    "large projection": ({"static.projection": "as uint16"}, "static.projection must be uint8"),
    "short projection": ({"static.projection": np.zeros(3, np.uint8)}, "static.projection must have"),
    "trace": ({"plastic.parameters.tau_plus": "zeros"}, "plastic.parameters.tau_plus must be > 0 ms, got 0 ms"),
    "long trace": ({"plastic.parameters.tau_minus": "large"}, "plastic.parameters.tau_minus must be from 1e-30 to"),
    "rate": ({"plastic.parameters.eta_plus": "minus one"}, "plastic.parameters.eta_plus must be >= 0, got -1"),
    "bound": ({"shared.w_max": np.array(-1.0)}, "shared.w_max must be >= 0, got -1"),
    "bounds": ({"shared.w_max": np.array(0.0)}, "shared.w_max must be > w_min = 0, got 0"),
    "refractory": ({"neurons.t_ref": np.full(40, 1e12)}, "neurons.t_ref must be at most 1e+09 steps of dt = 1 ms"),
    "target": ({"static.target": "too far"}, "static.target must be from 0 to 39"),
    "rows": ({"static.indptr": "falling"}, "static.indptr must rise"),
    "projection": ({"static.projection": "plastic"}, "static.projection must be of"),
    "definition": ({"definition": np.array("[]")}, "holds no arrays of a network"),
    "no definition": ({"definition": np.zeros(3)}, "holds no arrays of a network"),
    "odd definition": ({"definition": np.array("{}")}, ".npz: the network file lacks the table"),
    "no name": ({"definition": np.array('{"n": null, "neuron": null, "populations": null}')}, ".npz: n must be"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_arrays_with_a_right_checksum(drawn, tmp_path, case):
    path = hr.save_network(drawn, tmp_path / "mine.toml")
    changes, words = HOSTILE[case]
    made = {
        "too far": np.full_like(drawn.static.target, 40),
        "falling": np.r_[0, len(drawn.static), drawn.static.indptr[2:]],
        "plastic": np.zeros_like(drawn.static.projection),
        "zeros": np.zeros(len(drawn.plastic)),
        "large": np.full(len(drawn.plastic), 1e31),
        "minus one": np.full(len(drawn.plastic), -1.0),
        "as int8": drawn.static.target.astype(np.int8),
        "as int64": drawn.plastic.target.astype(np.int64),
        "as int32": drawn.static.indptr.astype(np.int32),
        "as uint16": drawn.static.projection.astype(np.uint16),
    }
    rewritten(path, **{k: made.get(v, v) if isinstance(v, str) else v for k, v in changes.items()})
    refused(lambda: hr.load_network(path), words, error=hr.NetworkError)


def test_files_that_are_damaged_missing_or_lead_elsewhere(drawn, tmp_path):
    path = hr.save_network(drawn, tmp_path / "mine.toml")
    text, (file,) = path.read_text(), tmp_path.glob("*.npz")
    data = file.read_bytes()
    for spoilt in (data[:-100], data[:500] + bytes([data[500] ^ 1]) + data[501:], b""):
        file.write_bytes(spoilt)
        refused(lambda: hr.load_network(path), file.name, "is not what was written", error=hr.NetworkError)
    file.unlink()
    refused(lambda: hr.load_network(path), file.name, "mine.toml", "cannot be read", error=hr.NetworkError)
    file.write_bytes(b"no npz")
    checksum = tomllib.loads(text)["arrays"]["sha256"]
    path.write_text(text.replace(checksum, hashlib.sha256(b"no npz").hexdigest()))
    refused(lambda: hr.load_network(path), "cannot be read as npz", error=hr.NetworkError)
    for name in ("../mine.npz", "/etc/passwd", "..", "", "a\\\\b.npz", "C:x.npz"):
        path.write_text(text.replace(file.name, name))
        refused(lambda: hr.load_network(path), "must be a file beside it", error=hr.NetworkError)
    for old, new, words in (
        ("seed = 3", "seed = -1", "seed must be a whole number"),
        ("seed = 3", "seeds = 3", "unknown key 'seeds' in [arrays] (did you mean 'seed'?)"),
        ('trained = ""', "trained = 1", "trained text"),
    ):
        path.write_text(text.replace(old, new))
        refused(lambda: hr.load_network(path), words, error=hr.NetworkError)
    path.write_text("arrays = 3\n" + text[: text.index("[arrays]")])
    refused(lambda: hr.load_network(path), "arrays must be a table", error=hr.NetworkError)


def test_objects_in_an_archive_are_never_unpickled(drawn, tmp_path):
    path = hr.save_network(drawn, tmp_path / "mine.toml")
    table = tomllib.loads(path.read_text())["arrays"]
    file = path.with_name(table["file"])
    np.savez(file, positions=np.array([{"any": "object"}], dtype=object))
    path.write_text(path.read_text().replace(table["sha256"], hashlib.sha256(file.read_bytes()).hexdigest()))
    refused(lambda: hr.load_network(path), "cannot be read as npz", error=hr.NetworkError)


def test_a_write_that_fails_leaves_the_old_pair(drawn, tmp_path, monkeypatch):
    path = hr.save_network(drawn, tmp_path / "mine.toml")
    before = hr.load_network(path)
    other = replace(drawn, w_in=2 * drawn.w_in)

    def broken(*_: Any) -> None:
        raise hr.OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("hetero_rsnn.network.saving.write_text", broken)
        with pytest.raises(hr.OutputError):
            hr.save_network(other, path, overwrite=True)
    assert hr.load_network(path) == before


def test_sizes_are_those_of_the_arrays(drawn):
    less, _ = hr.lose_synapses(drawn, None, 0.5, seed=0)
    net = hr.trained_network(less)
    counts = synapses(net)
    assert sum(counts.values()) == len(less.plastic) + len(less.static)
    assert counts["EE"] == len(less.plastic)
    # Nothing but the initial state is made; in single precision weights and parameters of synapses, too.
    more = draw_size(net, single=True) - draw_size(net)
    assert more == 4 * (len(less.plastic) * 5 + len(less.static)) and draw_size(net) < draw_size(drawn.network)


def test_heterogeneity_of_learned_arrays_is_not_searched_or_levelled(drawn, tmp_path):
    hr.save_network(drawn, tmp_path / "mine.toml")
    space = tmp_path / "space.toml"
    space.write_text('base = "mine.toml"\n[parameters."E.tau_m"]\nmean = ["5 ms", "20 ms"]\ncv = [0.1, 1.0]\n')
    refused(lambda: hr.load_space(space), "cannot be the base of a search", error=hr.NetworkError)
    refused(lambda: homogeneous(hr.trained_network(drawn)), "no homogeneous counterpart", error=hr.NetworkError)


def test_plain_networks_are_as_before(tmp_path):
    net = hr.load_network("henhes")
    assert net.arrays is None and "arrays" not in net.to_dict() and net.note == ""
    assert json.loads(json.dumps(net.to_dict())) == net.definition()
    path = hr.save_network(net, tmp_path / "plain")
    assert [p.name for p in tmp_path.iterdir()] == ["plain"] and "arrays" not in path.read_text()
