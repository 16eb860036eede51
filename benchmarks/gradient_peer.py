"""A peer of the gradient benchmark, in an environment of its own: one round a line of standard input.

    python gradient_peer.py NAME FILE THREADS

FILE (npz) holds the network and the batch. Each line "go" is answered by the seconds of one forward and backward pass;
"memory" by the growth of the peak memory since the batch was loaded, in bytes.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from resident import Resident


class Spike(torch.autograd.Function):
    """A step with the trapezoid (0.25, 0.75) for its derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, into):
        (x,) = ctx.saved_tensors
        return into * ((0.75 - x.abs()) / 0.5).clamp(0, 1)


def main() -> None:
    """Answer the lines of standard input."""
    name, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    data = {k: torch.tensor(v) for k, v in np.load(path).items()}
    x, dense = data["x"], data["dense"]  # (batch, inputs, channels), (n, n): to, from
    hold, n = int(data["hold"]), dense.shape[0]
    batch, inputs = x.shape[:2]
    w_in = torch.nn.Parameter(data["w_in"])
    bias = torch.nn.Parameter(data["bias"])
    into = torch.randn(batch, n)

    if name == "torch loop":
        w = torch.nn.Parameter(dense)
        keep_m, keep_syn, spike = data["keep_m"], data["keep_syn"], Spike.apply

        def forward() -> torch.Tensor:
            v, current, count = torch.zeros(batch, n), torch.zeros(batch, n), torch.zeros(batch, n)
            rest = torch.zeros(batch, n)
            for k in range(inputs):
                drive = x[:, k] @ w_in.T + bias
                for _ in range(hold):
                    goal = drive + current
                    free = rest <= 0
                    v = torch.where(free, (v - goal) * keep_m + goal, v)
                    s = spike(v - 1.0) * free
                    current = current * keep_syn + s @ w.T
                    v = v * (1 - s)
                    rest = torch.where(s.detach() > 0, torch.ones_like(rest), (rest - 1).clamp(min=0))
                    count = count + s
            return count

        parameters = [w, w_in, bias]
    elif name.startswith("snntorch"):
        import snntorch

        kind = name.split()[1]
        common = {"all_to_all": True, "linear_features": n, "reset_mechanism": "zero", "init_hidden": False}
        if kind == "RSynaptic":
            cell = snntorch.RSynaptic(alpha=0.8, beta=data["keep_m"], **common)
        else:
            cell = snntorch.RLeaky(beta=data["keep_m"], **common)
        with torch.no_grad():
            cell.recurrent.weight.copy_(dense)

        def forward() -> torch.Tensor:
            state = cell.init_rsynaptic() if kind == "RSynaptic" else cell.init_rleaky()
            count = torch.zeros(batch, n)
            for k in range(inputs):
                drive = (x[:, k] @ w_in.T + bias) * (1 - data["keep_m"])
                for _ in range(hold):
                    s, *state = cell(drive, *state)
                    count = count + s
            return count

        parameters = [*cell.parameters(), w_in, bias]
    else:
        from spikingjelly.activation_based import functional, layer, neuron, surrogate

        node = neuron.LIFNode(tau=20.0, v_reset=0.0, surrogate_function=surrogate.ATan(), step_mode="s")
        cell = layer.LinearRecurrentContainer(node, in_features=n, out_features=n, bias=False, step_mode="m")
        with torch.no_grad():
            cell.rc.weight.copy_(torch.cat([torch.eye(n), dense], dim=1))  # its own input, and the spikes of all

        def forward() -> torch.Tensor:
            functional.reset_net(cell)
            drive = (x @ w_in.T + bias).transpose(0, 1).repeat_interleave(hold, dim=0)
            return cell(drive).sum(dim=0)

        parameters = [*cell.parameters(), w_in, bias]

    def once() -> float:
        begin = time.perf_counter()
        for p in parameters:
            p.grad = None
        (forward() * into).sum().backward()
        return time.perf_counter() - begin

    memory = Resident()
    memory.mark()
    print("ready", flush=True)
    for line in sys.stdin:
        print(once() if line.strip() == "go" else memory.growth(), flush=True)


if __name__ == "__main__":
    main()
