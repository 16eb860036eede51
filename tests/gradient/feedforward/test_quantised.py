"""The quantised activation against its formula, and its gradients against those of the clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.quantised import QCFS

pytestmark = pytest.mark.torch


def inputs(theta: float) -> np.ndarray:
    """On both sides of the clip, within it, and beyond."""
    return np.random.default_rng(0).uniform(-0.7 * theta, 1.7 * theta, (6, 35))


@pytest.mark.parametrize("theta", [0.3, 1.0, 8.0])
@pytest.mark.parametrize("levels", [1, 3, 4, 16])
def test_values(levels, theta):
    """Closed form: the nearest of the levels 0, theta / L, ... theta."""
    x = inputs(theta)
    found = QCFS(levels, theta).double()(torch.from_numpy(x)).detach().numpy()
    steps = theta * np.arange(levels + 1) / levels
    nearest = steps[np.abs(x[..., None] - steps).argmin(axis=-1)]
    np.testing.assert_allclose(found, nearest, rtol=1e-6)  # theta begins as a number of single precision
    assert set(np.unique(nearest)) == set(steps)


def test_a_tie_goes_up():
    """In the middle between two levels it is the upper one; the numbers have exact binary fractions."""
    x = torch.tensor([0.5, 1.5, 2.5, 3.5])
    assert QCFS(4, 4.0)(x).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert QCFS(4, 4.0)(x - 2**-20).tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("theta", [0.3, 8.0])
@pytest.mark.parametrize("levels", [1, 4])
def test_gradients(levels, theta):
    """The floor counts as the identity: to x 1 within the clip, to theta (a - x) / theta within it and 1 above."""
    x = torch.from_numpy(inputs(theta)).requires_grad_()
    into = np.random.default_rng(1).normal(size=x.shape)
    layer = QCFS(levels, theta).double()
    out = layer(x)
    out.backward(torch.from_numpy(into))
    value, a, own = x.detach().numpy(), out.detach().numpy(), layer.theta.item()
    inside = (value > 0) & (value < own)
    np.testing.assert_allclose(x.grad, into * inside, rtol=1e-12)
    of_theta = np.where(inside, (a - value) / own, value >= own)
    assert layer.theta.grad.item() == pytest.approx((into * of_theta).sum(), rel=1e-12)


def test_many_levels_are_the_clip():
    """With L large the gradients are those that autograd finds for min(relu(x), theta)."""
    x = torch.from_numpy(inputs(2.0)).requires_grad_()
    layer = QCFS(10**7, 2.0).double()
    (layer(x) ** 2).sum().backward()
    y, theta = x.detach().clone().requires_grad_(), layer.theta.detach().clone().requires_grad_()
    (torch.minimum(y.relu(), theta) ** 2).sum().backward()
    np.testing.assert_allclose(x.grad, y.grad, atol=1e-5)
    assert layer.theta.grad.item() == pytest.approx(theta.grad.item(), rel=1e-5)


def test_theta_is_one_parameter_of_the_layer():
    layer = QCFS()
    assert dict(layer.named_parameters()).keys() == {"theta"}
    assert (layer.theta.item(), layer.theta.shape, layer.levels) == (8.0, (), 4)
    assert repr(layer) == "QCFS(levels=4, theta=8)"
    other = QCFS(theta=3.0)
    other.load_state_dict(layer.state_dict())
    assert other.theta.item() == 8.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 0}, "levels must be a whole number >= 1, got 0"),
        ({"levels": 2.5}, "levels must be a whole number >= 1, got 2.5"),
        ({"theta": 0}, "theta must be a finite number > 0, got 0"),
        ({"theta": float("nan")}, "theta must be a finite number > 0, got nan"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(HeteroError, match=message):
        QCFS(**arguments)
