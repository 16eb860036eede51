"""Policies: acting by the statistics of the training, files, bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from helpers import ROOT
from toy_actors import actor

import hetero_rsnn as hr
from hetero_rsnn.control.acting import Acting
from hetero_rsnn.control.actor_arrays import ActorArrays

SETTINGS = hr.ActorSettings(hidden=(13, 6), population=3, current_decay=0.4)
MEAN, SD = np.array([0.3, -1.0, 2.0, 0.0]), np.array([0.5, 2.0, 1.0, 3.0])
X = np.random.default_rng(3).normal(size=(20, 4))


def policy(settings: hr.ActorSettings = SETTINGS, **more):
    return hr.ControlPolicy(actor(settings), **{"mean": MEAN, "sd": SD, "environment": "Pendulum-v1", **more})


def test_it_acts_on_standard_scores():
    own, acting = policy(clip=0.8), Acting(actor(SETTINGS))
    for x in X:
        np.testing.assert_allclose(own(x), acting(np.clip((x - MEAN) / SD, -0.8, 0.8)), rtol=1e-12)
        assert own.spikes == acting.spikes > 0 and own.layer_spikes.tolist() == acting.layer_spikes.tolist()
    assert own.observations == 4 and own.actions == 2
    actions = np.array([own(x) for x in X])
    assert (actions >= own.low).all() and (actions <= own.high).all()
    assert "Pendulum-v1" in repr(own)


def test_reset_begins_with_the_first_random_numbers():
    own = policy(hr.ActorSettings(hidden=(13, 6), population=3, encoder="bernoulli"), seed=4)
    first = [own(X[0]) for _ in range(6)]
    assert len({tuple(a) for a in first}) > 1
    own.reset()
    assert np.array_equal([own(X[0]) for _ in range(6)], first)


@pytest.mark.parametrize(
    ("settings", "clip"),
    [
        (SETTINGS, 3.0),
        (hr.ActorSettings("dynamic", (5,), population=2, encoder="bernoulli", dynamics_sign="restore"), 1.0),
        (hr.ActorSettings("relu", (8, 8)), np.inf),
    ],
)
def test_files(settings, clip, tmp_path):
    own = policy(settings, clip=clip, seed=7)
    again = hr.load_policy(hr.save_policy(own, tmp_path / "mine.json"))
    assert again.actor.settings == settings and again.clip == clip and again.seed == 7
    assert again.environment == "Pendulum-v1"
    assert np.array_equal([again(x) for x in X], [own(x) for x in X])


def test_another_file_is_not_overwritten(tmp_path):
    path = hr.save_policy(policy(), tmp_path / "mine.json")
    hr.save_policy(policy(), path)  # the same: nothing is lost
    with pytest.raises(hr.OutputError, match="exists already"):
        hr.save_policy(policy(seed=1), path)
    assert hr.load_policy(path).seed == 0
    hr.save_policy(policy(seed=1), path, overwrite=True)
    assert hr.load_policy(path).seed == 1


def changed(path, **values):
    """The file with other content, sealed again."""
    from hetero_rsnn.common.array_files import seal

    about = json.loads(path.read_text())
    about |= values
    inside = {k: v for k, v in about.items() if k not in ("format", "version", "checksum")}
    path.write_text(json.dumps({**about, "checksum": seal(inside)}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: p.unlink(), "does not exist"),
        (lambda p: p.write_text("{"), "cannot be read as JSON"),
        (lambda p: p.write_text('{"format": "hetero_rsnn image network"}'), "is no policy"),
        (lambda p: p.write_text(p.read_text().replace("Pendulum", "Pendulun")), "is not what was written"),
        (lambda p: changed(p, version=2), "must be of version 1, got 2"),
        (lambda p: changed(p, more=1), "must hold"),
        (lambda p: changed(p, actor={"kind": "relu"}), "arrays of this actor|needs the array"),
        (
            lambda p: changed(p, actor=hr.ActorSettings(hidden=(13, 7), population=3).to_dict()),
            "must be float64 of shape",
        ),
        (lambda p: changed(p, actor=[1]), "must be a mapping"),
        (lambda p: changed(p, clip=-1.0), "clip must be"),
        (lambda p: changed(p, seed=-1), "seed must be"),
        (lambda p: changed(p, environment=3), "environment must be text"),
        (lambda p: next(p.parent.glob("*.npz")).unlink(), "cannot be read"),
        (lambda p: next(p.parent.glob("*.npz")).write_bytes(b"x"), "is not what was written"),
    ],
)
def test_damaged_files_are_refused(spoil, words, tmp_path):
    path = hr.save_policy(policy(), tmp_path / "mine.json")
    spoil(path)
    with pytest.raises(hr.FileFormatError, match=words) as caught:
        hr.load_policy(path)
    assert "\n" not in str(caught.value)


def other(**arrays):
    given = actor(SETTINGS)
    return ActorArrays(SETTINGS, {k: v for k, v in (given.arrays | arrays).items() if v is not None})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hr.ControlPolicy(SETTINGS), "actor must be ActorArrays, got ActorSettings"),
        (lambda: hr.ControlPolicy(other(centre=None)), "needs the array 'centre'"),
        (lambda: hr.ControlPolicy(other(**{"1.bias": None})), "differ in 1.bias"),
        (lambda: hr.ControlPolicy(other(**{"1.bias": np.full(6, np.nan)})), "1.bias must be finite, got nan"),
        (lambda: hr.ControlPolicy(other(**{"1.bias": np.zeros(6, np.float32)})), "must be float64"),
        (lambda: hr.ControlPolicy(other(**{"0.current_decay": np.ones(13)})), "above 0 and below 1, got 1"),
        (lambda: hr.ControlPolicy(other(**{"encoder.sd": np.zeros((4, 3))})), "above 0 and finite, got 0"),
        (lambda: policy(mean=np.zeros(3)), "mean must have 4 numbers, got 3"),
        (lambda: policy(sd=np.zeros(4)), "sd must be > 0, got 0"),
        (lambda: policy(clip=0.0), "clip must be"),
        (lambda: policy(environment=None), "environment must be text, got None"),
        (lambda: policy(seed=1.5), "seed must be"),
        (lambda: policy()(X[0, :3]), "trained in Pendulum-v1, has 4 numbers, got 3"),
        (lambda: policy()(np.array([0.0, np.nan, 0.0, 0.0])), "observation must be finite, got nan at number 1"),
        (lambda: policy()(X[:1]), r"got \(1, 4\)"),
        (lambda: hr.save_policy(policy().actor, "mine.json"), "takes a ControlPolicy, got ActorArrays"),
        (lambda: hr.save_policy(policy(), "mine.npz"), "saved as NAME.json, got 'mine.npz'"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(hr.HeteroError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_policy_needs_no_torch(tmp_path):
    path = hr.save_policy(policy(), tmp_path / "mine.json")
    code = f"import sys, hetero_rsnn as hr; hr.load_policy({str(path)!r})([1.0, 2.0, 3.0, 4.0]); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True, cwd=ROOT)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is here")
def test_an_actor_names_what_it_needs():
    with pytest.raises(hr.HeteroError, match=r'an actor needs torch .*: pip install "hetero-rsnn\[rl\]"'):
        hr.build_actor(hr.ActorSettings(), 3, 1, (-1.0, 1.0))
