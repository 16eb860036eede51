"""Accounts of feed-forward networks as operations: by definition, layer by layer, and by NeuroBench itself."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

import hetero_rsnn as hr  # noqa: E402
from hetero_rsnn.gradient.feedforward.neurons import Neurons  # noqa: E402

pytestmark = pytest.mark.torch
SAMPLES, STEPS = 7, 4


@pytest.fixture(scope="module")
def ran():
    """The operations of a network, and (weights, inputs) of every layer of connections."""
    network = hr.SpikingMLP(30, 5, hidden=(20, 15), steps=STEPS, seed=2).eval()
    images = torch.rand(SAMPLES, 30, generator=torch.Generator().manual_seed(1)) + 0.1  # no pixel is 0
    spikes: list[torch.Tensor] = []
    hooks = [
        m.register_forward_hook(lambda _m, _i, out: spikes.append(out[0] if isinstance(out, tuple) else out))
        for m in network.modules()
        if isinstance(m, Neurons)
    ]
    with torch.no_grad():
        network(images)
        for hook in hooks:
            hook.remove()
        account = network.account(images)
    weights = [p.detach() for name, p in network.named_parameters() if p.ndim == 2]
    assert [tuple(w.shape) for w in weights] == [(20, 30), (15, 20), (5, 15)]
    return account, list(zip(weights, [images, *(s.float().flatten(0, 1) for s in spikes)], strict=True))


def test_operations_by_definition(ran):
    """An effective operation: a weight that is not 0 meets an input that is not 0."""
    account, layers = ran
    found = account.operations
    first, *others = [int(((x != 0).double() @ (w != 0).double().T).sum()) for w, x in layers]
    assert first == SAMPLES * 30 * 20 and min(others) > 0
    assert (found.input_products, found.synaptic) == (first, sum(others))
    assert found.membrane_updates == SAMPLES * STEPS * (20 + 15)
    assert found.spikes == account.spikes.sum() and found.inferences == SAMPLES
    assert math.isnan(found.seconds) and math.isnan(found.dense)
    one = found.neurobench()
    assert one["Effective_ACs"] == pytest.approx(sum(others) / SAMPLES)
    by_hand = (sum(others) * 0.9 + (first + found.membrane_updates) * 4.6) / SAMPLES
    assert hr.energy(found.per_inference).total == pytest.approx(by_hand * 1e-12)


def test_operations_by_neurobench(ran):
    count = pytest.importorskip("neurobench.metrics.utils.layers").single_layer_MACs
    account, layers = ran
    additions = products = 0.0
    for w, x in layers:
        layer = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
        layer.weight.data = w.float()
        number, spiking = count(x.float(), layer)
        additions, products = additions + number * spiking, products + number * (not spiking)
    names = account.operations.neurobench()
    assert float(additions) / SAMPLES == pytest.approx(names["Effective_ACs"])
    assert float(products) / SAMPLES == pytest.approx(names["Effective_MACs"])
