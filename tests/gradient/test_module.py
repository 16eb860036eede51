"""The torch module: the kernels behind it, the loop beside it, and training between other layers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.module import TRAINABLE, looped
from hetero_rsnn.gradient.pseudo_derivative import SHAPES

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SPREAD = {
    "tau_m": {"distribution": "gamma", "mean": "8 ms", "cv": 0.6},
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.5},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "v_reset": {"distribution": "uniform", "low": -0.3, "high": 0.2},
    "t_ref": {"distribution": "uniform", "low": "0 ms", "high": "4 ms"},
}


def drawn(n: int = 40, **changes: Any) -> hr.Draw:
    return hr.draw(hr.load_network("henhes", n=n, **{"input.channels": 3, **SPREAD, **changes}), seed=1)


def inputs(batch: int = 5, time: int = 12, kind: Any = torch.float64) -> Any:
    return torch.tensor(np.random.default_rng(0).normal(0.5, 2.0, (batch, time, 3)), dtype=kind)


def gradients(module: Any, found: Any) -> dict[str, Any]:
    weights = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).reshape(found.shape)
    module.zero_grad()
    (found * weights).sum().backward()
    return {name: p.grad.clone() for name, p in module.named_parameters()}


@pytest.mark.parametrize("tau_read", [None, "20 ms"])
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_and_loop_agree(shape, tau_read):
    """What a GPU would run, here on the CPU: forward to the last spike, backward to 1e-10."""
    module = hr.to_torch(drawn(), hold="3 ms", trainable=TRAINABLE, tau_read=tau_read, pseudo_derivative=shape)
    x, y = inputs().requires_grad_(), inputs().requires_grad_()
    by_kernels = module(x)
    by_loop = looped(torch, module.setting, y, {**dict(module.named_parameters()), **dict(module.named_buffers())})
    torch.testing.assert_close(by_kernels, by_loop, rtol=0, atol=1e-12)
    assert by_kernels.sum() > 100
    expected = gradients(module, by_loop)
    for name, gradient in gradients(module, by_kernels).items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-10 * float(expected[name].abs().max()))
    torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-10 * float(y.grad.abs().max()))


def test_the_activity_is_that_of_the_batch():
    draw = drawn()
    x = inputs()
    found = hr.to_torch(draw, hold="3 ms")(x)
    run = hr.run_batch(draw, [hr.array_stimulus(row.numpy(), "3 ms") for row in x])
    np.testing.assert_array_equal(found.detach().numpy(), run.activity)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradcheck_of_smooth_spikes(shape):
    module = hr.to_torch(
        drawn(8, t_ref="1 ms"), hold="2 ms", trainable=TRAINABLE, pseudo_derivative=shape, smooth=True, tau_read="9 ms"
    )  # fmt: skip
    x = inputs(2, 4).requires_grad_()
    names = [name for name, _ in module.named_parameters()]

    def program(x: Any, *values: Any) -> Any:
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))

    values = [p.detach().clone().requires_grad_() for _, p in module.named_parameters()]
    assert torch.autograd.gradcheck(
        program, (x, *values), eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=shape != "triangle"
    )


def test_it_learns_between_layers_of_torch():
    """Two classes that differ in which channel is driven."""
    torch.manual_seed(0)
    y = torch.arange(32) % 2
    x = 0.3 * torch.randn(32, 10, 2)
    x[torch.arange(32), :, y] += 1.0
    layer = hr.to_torch(drawn(), hold="3 ms", tau_read="30 ms", workers=1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), layer)
    readout = torch.nn.Linear(40, 2)
    optimiser = torch.optim.Adam([*model.parameters(), *readout.parameters()], lr=0.01)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(readout(model(x).mean(dim=1)), y)
        loss.backward()
        assert model[0].weight.grad.abs().sum() > 0
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    trained = layer.draw()
    assert not np.array_equal(trained.plastic.w, drawn().plastic.w)
    np.testing.assert_array_equal(trained.neurons["tau_m"], np.exp(np.log(drawn().neurons["tau_m"])))
    rec = hr.simulate(trained, hr.array_stimulus(np.ones((10, 3)), "3 ms"), plasticity=False)
    assert rec.spike_times.size


def test_parameters_buffers_and_states():
    layer = hr.to_torch(drawn(), hold="3 ms", trainable=["tau_m", "I_bias"])
    assert {name for name, _ in layer.named_parameters()} == {"log_tau_m", "I_bias"}
    again = hr.to_torch(drawn(), hold="3 ms", trainable=["tau_m", "I_bias"])
    with torch.no_grad():
        layer.log_tau_m += 0.3
    again.load_state_dict(layer.state_dict())
    torch.testing.assert_close(again(inputs()), layer(inputs()), rtol=0, atol=0)
    np.testing.assert_allclose(again.draw().neurons["tau_m"], drawn().neurons["tau_m"] * np.exp(0.3))
    assert layer(inputs(kind=torch.float32)).dtype == torch.float32
    assert "trainable=['I_bias', 'tau_m']" in repr(layer)


def test_what_cannot_be_is_refused():
    layer = hr.to_torch(drawn(), hold="3 ms")
    for bad in (torch.zeros(4, 3), torch.zeros(2, 5, 4), torch.zeros(0, 5, 3)):
        with pytest.raises(hr.HeteroError, match=r"shape \(batch, time, 3\)"):
            layer(bad)
    with pytest.raises(hr.HeteroError, match="finite"):
        layer(torch.full((2, 5, 3), torch.nan))
    for options in ({"hold": "2.5 ms"}, {"hold": "3 ms", "trainable": "weights"}, {"hold": "3 ms", "tau_read": 0.0}):
        with pytest.raises(hr.HeteroError):
            hr.to_torch(drawn(), **options)


def test_rows_last_as_long_as_the_protocol_says_unless_told():
    draw, x = drawn(**{"protocol.hold": "4 ms"}), inputs()
    told, usual = hr.to_torch(draw, hold="4 ms")(x), hr.to_torch(draw)(x)
    torch.testing.assert_close(usual, told, rtol=0, atol=0)
    assert not torch.equal(hr.to_torch(draw, hold="3 ms")(x), told)


def test_a_network_that_was_taken_out_stays_as_it_was():
    layer = hr.to_torch(drawn(), hold="3 ms")
    kept = layer.draw()
    before = kept.plastic.w.copy()
    found = layer(inputs().requires_grad_())
    with torch.no_grad():
        layer.plastic.mul_(3.0)
    np.testing.assert_array_equal(kept.plastic.w, before)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        found.sum().backward()


def test_second_derivatives_are_refused():
    layer, x = hr.to_torch(drawn(), hold="3 ms"), inputs().requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError):
        gradient.sum().backward()


@pytest.mark.parametrize("kind", [torch.int64, torch.float16, torch.bfloat16])
def test_other_numbers_than_floats_of_32_or_64_bits_are_refused(kind):
    with pytest.raises(hr.HeteroError, match="must be of float32 or float64"):
        hr.to_torch(drawn(), hold="3 ms")(inputs().to(kind))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies_and_pickles_answer_and_learn_alike(copied):
    """Alone and inside a model, with numbers that training has changed; and each is one of its own."""
    module = hr.to_torch(drawn(), hold="3 ms", trainable=TRAINABLE, tau_read="20 ms")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.01)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3, dtype=torch.float64), module)
    twin = copied(model)
    x, y = inputs().requires_grad_(), inputs().requires_grad_()
    a, b = model(x), twin(y)
    assert a.sum() > 100
    torch.testing.assert_close(a, b, rtol=0, atol=0)
    expected = gradients(model, a)
    for name, gradient in gradients(twin, b).items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=0)
    torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=0)
    assert type(twin[1]) is type(module) and repr(twin) == repr(model)
    with torch.no_grad():
        twin[1].v_th.add_(1.0)
    assert not torch.equal(twin[1].v_th, module.v_th)


def test_a_trained_module_goes_to_a_file_and_back(tmp_path):
    module = hr.to_torch(drawn(), hold="3 ms", trainable=TRAINABLE)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.1)
    net = hr.load_network(hr.save_network(module.draw(), tmp_path / "mine.toml"))
    again = hr.to_torch(hr.draw(net, 1), hold="3 ms", trainable=TRAINABLE)
    found, x = module(inputs()), inputs()
    assert found.sum() > 100 and not torch.equal(hr.to_torch(drawn(), hold="3 ms")(x), found)
    torch.testing.assert_close(again(x), found, rtol=0, atol=0)
    # The other way: numbers alone, into a module of the same network.
    fresh = hr.to_torch(drawn(), hold="3 ms", trainable=TRAINABLE)
    fresh.load_state_dict(module.state_dict())
    torch.testing.assert_close(fresh(x), found, rtol=0, atol=0)
