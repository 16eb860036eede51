"""Operations counted on the drawn graph: against every synapse and spike one by one, and against NeuroBench."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr


def recorded(name="henhes", n=20, plasticity=False, events=False, **changes):
    drawn = hr.draw(hr.load_network(name, n=n, **changes), seed=3)
    u = hr.uniform_stimulus(60, "10 ms", seed=4, channels=drawn.network.input.channels)
    if events:
        u = hr.poisson_stimulus(np.full((60, drawn.network.input.channels), 200.0), "10 ms", seed=4)
    return drawn, hr.simulate(drawn, u, plasticity=plasticity), u


def matrix(synapses, w, n):
    """Weights of a graph as (targets, sources), and how many synapses each pair has."""
    full, count = np.zeros((n, n)), np.zeros((n, n))
    for k, (i, j) in enumerate(zip(synapses.source, synapses.target, strict=True)):
        full[j, i] += w[k]
        count[j, i] += 1
    return full, count


@pytest.mark.parametrize("name", ["henhes", "static", "recurrent_henhes"])
def test_every_spike_meets_every_synapse_of_its_neuron(name):
    drawn, recording, u = recorded(name)
    found = hr.count_operations(drawn, recording, u)
    plastic = static = 0
    for neuron in recording.spike_neurons:
        plastic += sum(1 for k, i in enumerate(drawn.plastic.source) if i == neuron and recording.weights[k] != 0)
        static += sum(1 for k, i in enumerate(drawn.static.source) if i == neuron and drawn.static.w[k] != 0)
    assert recording.spike_neurons.size > 20 and static > 0
    assert (found.plastic, found.synaptic) == (plastic, plastic + static)
    assert found.spikes == recording.spike_neurons.size
    assert found.membrane_updates == 20 * 600  # 60 samples of 10 ms in steps of 1 ms
    assert found.input_products == 60 * (drawn.w_in != 0).sum()
    assert (found.input_synaptic, found.weight_updates) == (0, 0)
    assert (found.seconds, found.inferences) == (0.6, 60)


def test_a_synapse_of_weight_0_is_counted_only_while_it_learns():
    drawn, recording, _ = recorded(n=30, **{"EE.weight": 0.0})
    assert (recording.weights == 0).sum() > 0
    frozen = hr.count_operations(drawn, recording)
    learning = hr.simulate(drawn, hr.uniform_stimulus(60, "10 ms", seed=4), plasticity=True)
    found = hr.count_operations(drawn, learning)
    fired = np.bincount(learning.spike_neurons, minlength=30)
    leaving = np.bincount(drawn.plastic.source, minlength=30)
    arriving = np.bincount(drawn.plastic.target, minlength=30)
    present = np.bincount(drawn.plastic.source[recording.weights != 0], minlength=30)
    assert found.plastic == fired @ leaving
    assert found.weight_updates == fired @ (leaving + arriving) > 0
    assert frozen.plastic == np.bincount(recording.spike_neurons, minlength=30) @ present


def test_input_spikes_meet_the_input_synapses():
    drawn, recording, u = recorded(events=True, **{"input.channels": 3, "input.connectivity": 0.5})
    steps = {(int(t + 1e-6), c) for t, c in zip(u.event_times, u.event_channels.tolist(), strict=True)}
    assert len(steps) > 100
    found = hr.count_operations(drawn, recording, u)
    assert found.input_synaptic == sum((drawn.w_event[:, c] != 0).sum() for _, c in steps)
    assert found.input_products == 0


def test_scales():
    drawn, recording, u = recorded()
    found = hr.count_operations(drawn, recording, u)
    assert found.per_second.synaptic == pytest.approx(found.synaptic / 0.6)
    assert found.per_second.seconds == pytest.approx(1) and found.per_second.inferences == pytest.approx(100)
    one = found.per_inference
    assert one.inferences == pytest.approx(1) and one.membrane_updates == pytest.approx(200)
    later = hr.count_operations(drawn, recording.after(20), u[20:])
    assert later.membrane_updates == 20 * 400 and later.spikes < found.spikes
    assert found.weight_traffic(1) == pytest.approx((found.synaptic + found.input_products) / 8)
    assert found.weight_traffic(32) == pytest.approx(32 * found.weight_traffic(1))


def effective(layers, inputs):
    """Definition of an effective operation: a non-zero weight meets a non-zero input."""
    return sum(int(((x != 0) @ (w != 0).T.astype(int)).sum()) for w, x in zip(layers, inputs, strict=True))


def spike_table(recording, n):
    table = np.zeros((round(recording.duration / recording.dt), n))
    table[np.rint(recording.spike_times / recording.dt).astype(int), recording.spike_neurons] = 1
    return table


def test_neurobench_by_its_definition():
    drawn, recording, u = recorded("henhes", 25, **{"EE.weight": 0.0})
    names = hr.count_operations(drawn, recording, u).neurobench()
    plastic, _ = matrix(drawn.plastic, recording.weights, 25)
    static, many = matrix(drawn.static, drawn.static.w, 25)
    assert many.max() == 1  # so that a matrix holds the graph
    recurrent = plastic + static
    spikes = spike_table(recording, 25)
    assert names["Effective_ACs"] * 60 == pytest.approx(effective([recurrent], [spikes]))
    assert names["Effective_MACs"] * 60 == pytest.approx(effective([drawn.w_in], [u.values]))
    assert names["Dense"] * 60 == pytest.approx(25 * 25 * 600 + 25 * 60)


def test_neurobench_itself():
    """A recurrent network as two layers of torch, run as the recording says."""
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("neurobench.metrics.workload")
    models = pytest.importorskip("neurobench.models")
    drawn, recording, u = recorded("henhes", 25)
    recurrent = sum(
        matrix(s, w, 25)[0] for s, w in ((drawn.plastic, recording.weights), (drawn.static, drawn.static.w))
    )
    spikes = torch.tensor(spike_table(recording, 25)).float()

    class Layers(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.between = torch.nn.Linear(1, 25, bias=False), torch.nn.Linear(25, 25, bias=False)
            self.into.weight.data = torch.tensor(drawn.w_in).float()
            self.between.weight.data = torch.tensor(recurrent).float()

        def forward(self, values):
            for k, value in enumerate(values):
                self.into(value[None])
                for step in range(10):
                    self.between(spikes[10 * k + step][None])
            return values

    model = models.TorchModel(Layers())
    model.register_hooks()
    values = torch.tensor(u.values).float()
    metric = metrics.SynapticOperations()
    found = metric(model, model(values), (values, values))
    names = hr.count_operations(drawn, recording, u).neurobench()
    assert {k: float(v) for k, v in found.items()} == pytest.approx(names)


def test_refusals():
    drawn, recording, u = recorded()
    refused(lambda: hr.count_operations("henhes", recording), "the network must be a draw", "use draw")
    refused(lambda: hr.count_operations(hr.draw("henhes"), recording), "20 neurons", "give the draw that was simulated")
    refused(lambda: hr.count_operations(drawn, recording, u[10:]), "60 samples")
    two = hr.uniform_stimulus(60, "10 ms", seed=1, channels=2)
    refused(lambda: hr.count_operations(drawn, recording, two), "2 channels, the network 1")
    refused(lambda: hr.count_operations(drawn, recording).weight_traffic(0), "weight_bits must be", "got 0")
