"""Question: how should each data set be given to the networks, as far as the training data can tell?

For every data set a few settings of the encoder, the simulated time of a row, the filter and the readout are compared
by cross-validation inside the training part; no test sample is read. The classifier chooses its windows by itself. One
network (henhes, one seed) stands for all, so that each is used alike; what suits it best need not suit the others. The
winners are the recipes of `hetero_rsnn.tasks.recipes`.

Finding: see docs/tasks.md.

    python analysis/recipes.py [DATASET ...] [--data-dir DIR] [--quick] [--out FILE]

Resumable: settings that are in FILE already are not measured again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hetero_rsnn as hr
from hetero_rsnn.common.files import write_json
from hetero_rsnn.common.versions import versions
from hetero_rsnn.inputs.cochlea import cochleagram
from hetero_rsnn.measures.scores import valid_prediction_time
from hetero_rsnn.tasks.recipes import SPREAD_BIAS

FAST = {"E.tau_m.mean": "10 ms", "I.tau_m.mean": "10 ms"}
WEAK = {"EE.weight.mean": 0.05, "EI.weight.mean": 0.05, "IE.weight.mean": 0.075, "II.weight.mean": 0.075}


def grid(**lists: list[Any]) -> Iterator[dict[str, Any]]:
    """All combinations."""
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def candidates(name: str) -> list[dict[str, Any]]:
    """Settings to compare."""
    if name == "japanese_vowels":
        return list(grid(gain=[1.0, 2.0, 4.0], hold=["20 ms", "30 ms", "40 ms"]))
    if name == "free_spoken_digits":
        return list(grid(gain=[1.5, 3.0, 6.0], connectivity=[0.1, 1.0]))
    if name.startswith("wind"):
        taus = [["100 ms"], ["100 ms", "300 ms", "1000 ms"]]
        return list(grid(gain=[3.0, 10.0], hold=["100 ms"], tau_read=taus, lags=[1, 6, 24, 48], skip=[False, True]))
    if name in ("lorenz63", "rossler"):
        base = [
            {"gain": g, "hold": "100 ms", "tau_read": ["100 ms", "400 ms"], "overrides": o}
            for g, o in [(3.0, {}), (10.0, {}), (10.0, FAST), (20.0, FAST)]
        ]
        return [*base, {"gain": 10.0, "hold": "10 ms", "tau_read": ["30 ms"], "overrides": {}}]
    return list(
        grid(gain=[1.0, 3.0, 6.0], hold=["20 ms", "50 ms"], tau_read=[["20 ms", "100 ms", "400 ms"], ["30 ms"]])
    )


def classify(data: hr.Dataset, setting: dict[str, Any], quick: bool) -> dict[str, float]:
    """Mean accuracy of three-fold cross-validation over training samples, repeated with other networks if few."""
    from sklearn.model_selection import StratifiedKFold

    train = data.train[:: 5 if quick else 1]
    audio = data.kind == "audio"
    X = [cochleagram(data.X[k], 8000, bands=64, frame="10 ms", level="peak") if audio else data.X[k] for k in train]
    y, right, repeats = data.y[train], [], 1 if audio or quick else 4
    overrides = {"n": 100 if quick else 400}
    if "connectivity" in setting:
        overrides["input.connectivity"] = setting["connectivity"]
    clip = 3.0 * setting["gain"] if audio else None
    splits = [s for r in range(repeats) for s in StratifiedKFold(3, shuffle=True, random_state=r).split(X, y)]
    for k, (fit, left) in enumerate(splits):
        model = hr.HRSNNClassifier(
            "henhes", seed=k // 3, encoder=hr.CurrentEncoder(gain=setting["gain"], clip=clip), hold=setting.get("hold"),
            overrides=overrides, n_jobs=-1,
        ).fit([X[k] for k in fit], y[fit])  # fmt: skip
        right.append(np.mean(model.predict([X[k] for k in left]) == y[left]))
    return {"score": float(np.mean(right))}


def forecast(data: hr.Dataset, setting: dict[str, Any], quick: bool, horizon: int) -> dict[str, float]:
    """NRMSE of the cross-validation that chooses the readout's strength, as a negative score."""
    inputs, targets = ([data.channels.index(c) for c in data.details[k]] for k in ("inputs", "targets"))
    X = [data.X[k][: 2000 if quick else None] for k in data.train]
    chaos = data.name in ("lorenz63", "rossler")
    overrides = {"n": 100 if quick else 1000 if data.details.get("step") or data.name == "narma10" else 400}
    overrides |= {**(SPREAD_BIAS if chaos else {}), **setting.get("overrides", {})}
    encoder = hr.CurrentEncoder(gain=setting["gain"], clip=None, lags=setting.get("lags", 1))
    model = hr.HRSNNForecaster(
        "henhes", horizon=horizon, skip=setting.get("skip", False), encoder=encoder, hold=setting["hold"],
        tau_read=setting["tau_read"], overrides=overrides, learn_for="30 s", washout=50, precision="single",
        difference=False,  # one unit for the errors of all settings
    )  # fmt: skip
    model.fit([x[:, inputs] for x in X], None if inputs == targets else [x[:, targets] for x in X])
    return {"score": -float(np.sqrt(np.nanmin(model.readout_.cv_error_)))}


def free_runs(data: hr.Dataset, setting: dict[str, Any], quick: bool, strengths: list[float]) -> dict[str, float]:
    """Mean valid prediction time from 24 starts in the last fifth of the training series, fitted on the rest."""
    series = data.X[data.train[0]]
    cut = len(series) * 4 // 5
    out = {}
    for strength in strengths:
        model = hr.HRSNNForecaster(
            "henhes", horizon=1, skip=True, strengths=strength,
            encoder=hr.CurrentEncoder(gain=setting["gain"], clip=None), hold=setting["hold"],
            tau_read=setting["tau_read"], learn_for="30 s", precision="single",
            overrides={"n": 100 if quick else 1000, **SPREAD_BIAS, **setting["overrides"]},
        ).fit([series[:cut]])  # fmt: skip
        times = []
        for start in np.linspace(cut, len(series) - 700, 2 if quick else 24).astype(int):
            run = model.free_run(series[start : start + 200], 400)
            truth = series[start + 200 : start + 600]
            step, exponent = data.details["step"], data.details["lyapunov"]
            times.append(valid_prediction_time(truth, run, step=step, lyapunov=exponent))
        out[f"{strength:g}"] = float(np.mean(times))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", default=["japanese_vowels", "wind_sand_point", "wind_greensboro"])
    parser.add_argument("--data-dir")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("results/recipes.json"))
    arguments = parser.parse_args()
    done = json.loads(arguments.out.read_text())["settings"] if arguments.out.exists() else []
    horizons = {"lorenz63": 25, "rossler": 25, "mackey_glass": 84, "narma10": 1}
    for name in arguments.datasets:
        small = {"samples": 3000, "segments": 1} if arguments.quick and name in horizons else {}
        data = hr.load_dataset(name, data_dir=arguments.data_dir, **small)
        settings = candidates(name)[: 2 if arguments.quick else None]
        for setting in settings:
            if any(row["dataset"] == name and row["setting"] == setting for row in done):
                continue
            start = time.perf_counter()
            if data.task == "classification":
                found = classify(data, setting, arguments.quick)
            else:
                found = forecast(data, setting, arguments.quick, horizons.get(name, 6))
            done.append({"dataset": name, "setting": setting, **found, "seconds": time.perf_counter() - start})
            write_json(arguments.out, {"versions": versions(), "settings": done})
            print(f"{name}: {found['score']:.4f}  {setting}", flush=True)
        best = max((row for row in done if row["dataset"] == name), key=lambda row: row["score"])
        for row in done:
            if name != "lorenz63" or row["dataset"] != name or not row["setting"]["overrides"]:
                continue
            for taus in (row["setting"]["tau_read"], ["50 ms", "100 ms", "200 ms", "400 ms"]):
                found = row.setdefault("free_runs", {})
                if ", ".join(taus) not in found:
                    setting = {**row["setting"], "tau_read": taus}
                    found[", ".join(taus)] = free_runs(data, setting, arguments.quick, [1e-5, 1e-4, 1e-3])
                    write_json(arguments.out, {"versions": versions(), "settings": done})
                    print(f"{name}: free runs {found[', '.join(taus)]}  {setting}", flush=True)
        print(f"{name}: best {best}", flush=True)


if __name__ == "__main__":
    main()
