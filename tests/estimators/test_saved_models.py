"""Models as files: what is read back answers equally to the last bit, and what is none is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.array_files import seal
from hetero_rsnn.common.errors import FileFormatError, HeteroError, OutputError

SMALL = {"n": 40}


def samples(channels: int = 2) -> tuple[list[Any], list[str]]:
    """Series of unequal lengths, of three classes."""
    rng = np.random.default_rng(5)
    return [rng.normal(k % 3, 1.0, (15 + k, channels)) for k in range(18)], ["low", "mid", "high"] * 6


def waves(count: int = 2) -> list[Any]:
    t = np.arange(300)
    return [np.stack([np.sin(t / 5 + k), np.cos(t / 7)], axis=1) for k in range(count)]


def sounds() -> tuple[list[Any], list[int]]:
    t = np.arange(1600) / 8000
    return [0.4 * np.sin(2 * np.pi * (300 + 900 * (k % 2) + k) * t)[:, None] for k in range(8)], [0, 1] * 4


def kinds() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    X, y = samples()
    rise, squares = 0.01 * np.arange(300)[:, None], [w[:, :1] ** 2 for w in waves()]
    net = hr.load_network("henhes", n=40)
    trained = hr.trained_network(hr.draw(net.replace(**{"input.channels": 2}), seed=3))
    return {
        "defaults": (hr.HRSNNClassifier("henhes", overrides=SMALL), (X, y)),
        "two classes, numbers": (hr.HRSNNClassifier(net, windows=[2, 4], hold="20 ms"), (X, [0, 1] * 9)),
        "single precision": (hr.HRSNNClassifier(net, precision="single", windows=3, seed=4), (X, y)),
        "several filters": (hr.HRSNNClassifier(net, tau_read=["10 ms", "50 ms"], windows=2), (X, y)),
        "numpy backend": (hr.HRSNNClassifier(net, backend="numpy", windows=2), (X, y)),
        "given arrays": (hr.HRSNNClassifier(trained, windows=2, epochs=0), (X, y)),
        "poisson": (hr.HRSNNClassifier(net, encoder="poisson", windows=2), (X, y)),
        "delta": (hr.HRSNNClassifier(net, encoder=hr.DeltaEncoder(threshold=1.5), windows=2), (X, y)),
        "audio": (hr.HRSNNClassifier(net, encoder=hr.AudioEncoder(bands=12), windows=2, hold="5 ms"), sounds()),
        "forecaster": (hr.HRSNNForecaster(net, horizon=3, washout=20), (waves(),)),
        "changes": (hr.HRSNNForecaster(net, difference=True, skip=False), ([w + rise for w in waves()],)),
        "targets": (hr.HRSNNForecaster(net, horizon=0, encoder=hr.CurrentEncoder(lags=3)), (waves(), squares)),
    }  # fmt: skip


@pytest.mark.parametrize("name", kinds())
def test_what_is_read_back_answers_equally_to_the_last_bit(tmp_path, name):
    model, data = kinds()[name]
    model.fit(*data)
    again = hr.load_model(hr.save_model(model, tmp_path / "m.json"))
    X = data[0]
    assert type(again) is type(model) and again.train_report_.to_dict() == model.train_report_.to_dict()
    if isinstance(model, hr.HRSNNClassifier):
        assert np.array_equal(again.decision_function(X), model.decision_function(X))
        assert np.array_equal(again.predict(X), model.predict(X)) and again.classes_.dtype == model.classes_.dtype
        assert again.score(*data) == model.score(*data) and again.windows_errors_ == model.windows_errors_
    else:
        assert all(np.array_equal(a, b) for a, b in zip(again.predict(X), model.predict(X), strict=True))
        assert again.report(*data).to_dict() == model.report(*data).to_dict()
    assert np.array_equal(again.spikes_, model.spikes_)
    assert again.network_ == model.network_ and again.network_.arrays == model.network_.arrays
    twice = hr.save_model(again, tmp_path / "n.json")
    first, second = (json.loads(p.read_text()) for p in (tmp_path / "m.json", twice))
    assert first["sha256"] == second["sha256"] and first["frozen"] == second["frozen"]


def test_a_free_run_goes_on_equally(tmp_path):
    model = hr.HRSNNForecaster("henhes", overrides=SMALL, washout=20).fit(waves())
    again = hr.load_model(hr.save_model(model, tmp_path / "m.json"))
    assert np.array_equal(again.free_run(waves()[0], 20), model.free_run(waves()[0], 20))


def test_a_model_that_was_read_can_be_fitted_again_like_the_first(tmp_path):
    X, y = samples()
    model = hr.HRSNNClassifier("henhes", overrides=SMALL, windows=3, seed=2).fit(X, y)
    again = hr.load_model(hr.save_model(model, tmp_path / "m.json")).fit(X, y)
    assert np.array_equal(again.decision_function(X), model.decision_function(X))
    assert again.get_params()["windows"] == 3 and again.get_params()["seed"] == 2


def test_parameters_are_watched_as_after_a_fit(tmp_path):
    X, y = samples()
    again = hr.load_model(hr.save_model(hr.HRSNNClassifier("henhes", overrides=SMALL).fit(X, y), tmp_path / "m.json"))
    again.hold = "30 ms"
    with pytest.raises(HeteroError, match=r"hold was .* fit again"):
        again.predict(X)


def test_other_channels_are_refused_in_one_line(tmp_path):
    X, y = samples()
    again = hr.load_model(hr.save_model(hr.HRSNNClassifier("henhes", overrides=SMALL).fit(X, y), tmp_path / "m.json"))
    with pytest.raises(HeteroError, match="3 channels, the CurrentEncoder was fitted on 2"):
        again.predict(samples(3)[0])


def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path):
    X, y = samples()
    small = {"overrides": SMALL, "windows": 2}

    def refused(model: Any, words: str) -> None:
        with pytest.raises(HeteroError, match=words):
            hr.save_model(model, tmp_path / "m.json")

    class Own(hr.CurrentEncoder):
        pass

    refused(hr.HRSNNClassifier("henhes", **small), "not fitted: call fit first")
    refused(
        hr.HRSNNFeatures("henhes", **small).fit(X), "takes an HRSNNClassifier or HRSNNForecaster, got HRSNNFeatures"
    )
    refused(hr.HRSNNClassifier("henhes", readout="logistic", **small).fit(X, y), "readout='ridge'")
    refused(hr.HRSNNClassifier("henhes", encoder=Own(), **small).fit(X, y), "encoder Own cannot be kept")
    refused(None, "got NoneType")
    model = hr.HRSNNClassifier("henhes", **small).fit(X, y)
    with pytest.raises(HeteroError, match=r"end it in \.json"):
        hr.save_model(model, tmp_path / "m.pkl")
    assert not list(tmp_path.iterdir())
    hr.save_model(model, tmp_path / "m.json")
    hr.save_model(model, tmp_path / "m.json")  # the same content
    with pytest.raises(OutputError, match="exists already"):
        hr.save_model(hr.HRSNNClassifier("henhes", seed=9, **small).fit(X, y), tmp_path / "m.json")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    X, y = samples()
    model = hr.HRSNNClassifier("henhes", overrides=SMALL, windows=2).fit(X, y)
    return hr.save_model(model, tmp_path_factory.mktemp("saved") / "m.json")


def changed(path: Path, folder: Path, change: Any, *, sealed: bool = True) -> Path:
    """The JSON file with something changed, and its arrays beside it."""
    about = json.loads(path.read_text())
    change(about)
    if sealed:
        about["checksum"] = seal({k: v for k, v in about.items() if k not in ("format", "version", "checksum")})
    for npz in path.parent.glob("*.npz"):
        (folder / npz.name).write_bytes(npz.read_bytes())
    (folder / "m.json").write_text(json.dumps(about))
    return folder / "m.json"


CHANGES = {
    "version": (lambda a: a.update(version=2), "must be of version 1, got 2: read it with a newer package"),
    "kind of file": (lambda a: a.update(format="hetero_rsnn policy"), "no saved model: name the JSON file"),
    "a key": (lambda a: a.pop("report"), "must hold"),
    "kind": (lambda a: a.update(kind="regressor"), "unknown kind 'regressor'"),
    "encoder": (lambda a: a["encoder"]["fitted"].update({"class": "os.system"}), "describes no model"),
    "channels": (lambda a: a["encoder"]["fitted"].update(channels=3), "3 channels, the network takes 2"),
    "channels in": (lambda a: a["encoder"]["fitted"].update(channels_in=5), r"offset_ of the encoder .* shape \(5\)"),
    "network": (lambda a: a["frozen"]["network"].update(n=80), "m.json: "),
    "parameter": (lambda a: a["parameters"].update(surprise=1), "describes no model"),
    "windows": (lambda a: a["fitted"].update(windows=7), "coef of the readout must be"),
    "step": (lambda a: a["frozen"].update(step=-1), "step must be a whole number"),
    "hold": (lambda a: a["fitted"].update(hold="long"), "hold"),
    "arrays": (lambda a: a.update(arrays="../m.npz"), "must be a file beside it"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_refused_in_one_line(tmp_path, saved, name):
    change, words = CHANGES[name]
    with pytest.raises(FileFormatError, match=words) as caught:
        hr.load_model(changed(saved, tmp_path, change))
    assert "\n" not in str(caught.value)


def test_a_torn_or_foreign_file_is_refused_in_one_line(tmp_path, saved):
    path = changed(saved, tmp_path, lambda about: None)
    assert hr.load_model(path).windows_ == 2
    path.write_text(path.read_text()[:-30])
    with pytest.raises(FileFormatError, match="cannot be read as JSON"):
        hr.load_model(path)
    path = changed(saved, tmp_path, lambda a: a["parameters"].update(seed=1), sealed=False)
    with pytest.raises(FileFormatError, match="is not what was written"):
        hr.load_model(path)
    path = changed(saved, tmp_path, lambda about: None)
    npz = next(tmp_path.glob("*.npz"))
    npz.write_bytes(npz.read_bytes()[:-100])
    with pytest.raises(FileFormatError, match="is not what was written"):
        hr.load_model(path)
    npz.unlink()
    with pytest.raises(FileFormatError, match="cannot be read"):
        hr.load_model(path)
    with pytest.raises(FileFormatError, match="does not exist"):
        hr.load_model(tmp_path / "none.json")
