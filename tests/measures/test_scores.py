"""Scores against closed forms."""

import math

import numpy as np
import pytest

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.dynamics import LYAPUNOV, STEP, lorenz63
from hetero_rsnn.measures.scores import (
    forecast_efficiency,
    nrmse,
    persistence,
    skill,
    task_efficiency,
    valid_prediction_time,
)


def test_nrmse_of_known_predictions():
    y = np.array([1.0, -1.0, 3.0, -3.0])  # variance 5
    assert nrmse(y, y) == 0
    assert nrmse(y, np.zeros(4)) == 1
    assert nrmse(y, y + 2) == pytest.approx(2 / math.sqrt(5))
    assert nrmse(7 + y, 7 + y + 2) == pytest.approx(2 / math.sqrt(5))


def test_nrmse_with_weights():
    """A sample of weight 2 counts as two, in the error and in the variance; one of weight 0 as none."""
    rng = np.random.default_rng(3)
    y, p = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    weight = rng.integers(0, 4, 40)
    assert nrmse(y, p, sample_weight=weight) == pytest.approx(nrmse(*(np.repeat(a, weight, axis=0) for a in (y, p))))
    assert nrmse(y, p, sample_weight=np.full(40, 0.3)) == pytest.approx(nrmse(y, p))
    assert nrmse([0.0, 2.0, 9.0], [1.0, 2.0, 0.0], sample_weight=[3, 1, 0]) == pytest.approx(1.0)
    for bad, words in ((np.ones(39), "one number a sample"), (-np.ones(40), ">= 0"), (np.zeros(40), "above 0")):
        with pytest.raises(HeteroError, match=words):
            nrmse(y, p, sample_weight=bad)
    with pytest.raises(HeteroError, match="must vary"):
        nrmse([1.0, 1.0, 2.0], [1.0, 1.0, 2.0], sample_weight=[1, 1, 0])


def test_nrmse_weighs_channels_alike():
    y = np.array([[1.0, 1000.0], [-1.0, -1000.0]])
    p = np.array([[1.0, 0.0], [-1.0, 0.0]])  # first perfect, second its mean
    assert nrmse(y, p) == pytest.approx(math.sqrt(0.5))
    assert nrmse(y[:, ::-1], p[:, ::-1]) == pytest.approx(math.sqrt(0.5))


def test_persistence_of_a_sine():
    # The mean square of sin(x + h) - sin(x) is 1 - cos h, the variance 1/2.
    n, ahead = 1000, 25
    x = np.sin(2 * np.pi * np.arange(n + ahead) / 200)
    target, prediction = persistence(x, ahead)
    assert len(target) == n
    assert target[0] == x[ahead]
    assert prediction[0] == x[0]
    assert nrmse(target, prediction) == pytest.approx(math.sqrt(2 * (1 - math.cos(2 * np.pi * ahead / 200))))
    assert persistence(np.zeros((5, 2)), 2)[0].shape == (3, 2)


def test_skill_is_the_share_of_the_mean_square_error_removed():
    assert skill(0.0, 0.5) == 1
    assert skill(0.5, 0.5) == 0
    assert skill(1.0, 0.5) == -3
    assert skill(0.3, 0.5) == pytest.approx(1 - 0.36)
    assert math.isnan(skill(0.1, 0.0))


def test_prediction_time_of_a_growing_error():
    n, step, lyapunov = 400, 0.1, 0.9
    y = np.stack([np.cos(np.arange(n) * 2 * np.pi / 100), 5 + np.sin(np.arange(n) * 2 * np.pi / 100)], axis=1)
    growth = 1e-3 * np.exp(lyapunov * step * np.arange(1, n + 1))  # the error's norm; the scale of y is 1
    p = y + growth[:, None] * np.array([0.6, 0.8])
    found = valid_prediction_time(y, p, step=step, lyapunov=lyapunov)
    assert math.log(0.4 / 1e-3) - lyapunov * step < found <= math.log(0.4 / 1e-3)
    assert valid_prediction_time(y, p, step=step, lyapunov=lyapunov, threshold=0.1) == pytest.approx(
        math.log(100), abs=0.09
    )


def test_prediction_time_at_the_ends():
    y = np.array([1.0, -1.0, 1.0, -1.0])
    kwargs = {"step": 0.5, "lyapunov": 0.2}
    assert valid_prediction_time(y, y, **kwargs) == pytest.approx(4 * 0.1)
    assert valid_prediction_time(y, y + 1, **kwargs) == 0
    assert valid_prediction_time(y, y + 0.4, **kwargs) == pytest.approx(0.4)  # at the threshold is within
    assert valid_prediction_time(y, [1.0, -1.0, np.nan, np.inf], **kwargs) == pytest.approx(0.2)
    # One bad sample ends it, though the forecast returns.
    assert valid_prediction_time(y, [1.0, 1.0, 1.0, -1.0], **kwargs) == pytest.approx(0.1)


@pytest.mark.slow
def test_prediction_time_of_lorenz_twins_grows_with_precision():
    # Two exact solutions from states 1e-6 apart cannot agree much longer than ln(1e6) Lyapunov times.
    step, lyapunov = STEP["lorenz63"], LYAPUNOV["lorenz63"]
    y = lorenz63(2000, transient=20.0)
    twin = lorenz63(2000, transient=20.0, rho=28.0 + 1e-7)  # parted since the start: uncorrelated to nearly equal
    assert 0 <= valid_prediction_time(y, twin, step=step, lyapunov=lyapunov) < math.log(1e9)


def test_efficiencies():
    assert task_efficiency(0.8, 4.0) == 0.2
    assert forecast_efficiency(0.5, 4.0) == 0.5
    assert forecast_efficiency(0.0, 4.0) == math.inf
    assert math.isnan(task_efficiency(0.8, 0.0))
    assert math.isnan(forecast_efficiency(0.5, 0.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nrmse([1.0, 2.0], [1.0]), "target and prediction must have one shape"),
        (lambda: nrmse([1.0, np.nan], [1.0, 2.0]), "target must be finite, got nan at sample 1"),
        (lambda: nrmse([2.0, 2.0], [1.0, 2.0]), "target must vary .* got 2 throughout in channel 0"),
        (lambda: nrmse([], []), "must not be empty"),
        (lambda: skill(-1.0, 1.0), "error must be"),
        (lambda: persistence([1.0, 2.0], 2), "horizon must be a whole number from 1 to 1"),
        (lambda: persistence([1.0, 2.0], 1.0), "horizon must be"),
        (lambda: valid_prediction_time([1.0, 2.0], [1.0, 2.0], step=0.0, lyapunov=1.0), "step must be"),
        (lambda: task_efficiency(80.0, 1.0), "accuracy must be from 0 to 1, got 80.0"),
        (lambda: task_efficiency(0.8, -1.0), "nu must be"),
        (lambda: forecast_efficiency(math.nan, 1.0), "error must be"),
    ],
)
def test_errors_say_value_and_rule(call, message):
    with pytest.raises(HeteroError, match=message):
        call()
