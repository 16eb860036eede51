"""A network as readable text."""

from __future__ import annotations

from hetero_rsnn.network.equations import lines
from hetero_rsnn.network.definition import Network


def _block(text: str, indent: str = "    ") -> list[str]:
    return [indent + line for line in lines(text)]


def describe(net: Network) -> str:
    """Equations, populations, projections, plasticity, input and protocol, one line a thing."""
    code = dict(net.equations)
    out = [f"{net.name}: {net.description}" if net.description else net.name]
    out.append(f"{net.n} neurons, dt = {net.dt:g} ms, model {net.model or 'of its own'}, fingerprint {net.fingerprint}")
    out += ["", "neuron", *_block(code["equations"])]
    out.append(f"    threshold: {code['threshold']}    reset: {'; '.join(lines(code['reset']))}")
    if code["refractory"]:
        out[-1] += f"    refractory: {code['refractory']}"
    width = max((len(k) for p in net.populations for k, _ in p.parameters), default=0)
    shared = [
        k for k, v in net.populations[0].parameters if all(dict(p.parameters).get(k) == v for p in net.populations)
    ]
    for population in net.populations:
        out += ["", f"population {population.name}: {population.size} {population.kind} neurons"]
        out += [
            f"    {k:<{width}}  {v}" for k, v in population.parameters if k not in shared or len(net.populations) == 1
        ]
    if shared and len(net.populations) > 1:
        out += ["", "all neurons"]
        out += [f"    {k:<{width}}  {net.populations[0][k]}" for k in shared]
    if net.initial:
        out += ["", "initial state", *(f"    {k:<{width}}  {p}" for k, p in net.initial)]
    if net.projections:
        summed = " (summed over the expected in-degree)" if net.weight_scaling == "indegree" else ""
        out += ["", f"projections, with their weights{summed}"]
        names = max(len(p.name) for p in net.projections)
        for p in net.projections:
            plastic = ", plastic" if p.plastic else ""
            out.append(f"    {p.name:<{names}}  {p.pre} -> {p.post}  {p.topology}, weight {p.weight}{plastic}")
        out.append(f"    on_pre: {'; '.join(lines(code['on_pre']))}")
    if net.plasticity is not None:
        out += ["", "plasticity", *_block(net.plasticity.equations)]
        out += ["    on_pre:", *_block(net.plasticity.on_pre, " " * 8)]
        out += ["    on_post:", *_block(net.plasticity.on_post, " " * 8)]
        width = max(len(k) for k, _ in net.plasticity.parameters)
        out += [f"    {k:<{width}}  {v}" for k, v in net.plasticity.parameters]
    channels = f"{net.input.channels} channel{'s' if net.input.channels > 1 else ''}"
    out += [
        "",
        f"input: {channels}, connectivity {net.input.connectivity:g}, current weight {net.input.weight}, "
        f"event weight {net.input.event_weight}",
        f"protocol: hold {net.protocol.hold:g} ms, tau_read {net.protocol.tau_read:g} ms, "
        f"training {net.protocol.train / 1e3:g} s, "
        f"{net.protocol.samples} samples after {net.protocol.washout} of washout, "
        f"delays up to {net.protocol.d_max}",
    ]
    return "\n".join(out)
