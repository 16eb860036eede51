"""Spikes times 1-bit weights as bits: against float32 products of numpy and torch, for products and a whole network.

    python benchmarks/packed.py [--quick] [--rounds 15] [--toy] [--out results/packed.json]

One thread. All competitors are in one process and take turns, so that a busy machine slows all of them alike; what
counts is the median over rounds of the ratio of neighbouring times, and beside it the ratio of the fastest rounds. The
time of a packed product includes the packing of its spikes and the call from Python. Before anything is timed, results
must be equal. torch is left out where it is not installed. On x86 everything is done again in a new process whose
compiled code may use vectors of 256 bits only; numpy and torch keep theirs.

The network has 12 layers of 1,024 neurons with leaks of their own, random weights and scales, and two steps; a share of
its neurons fires that is told. Its competitors keep the same weights as float32, and compute the same steps. Networks
of convolutions are compared with torch alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np

#: Share of spikes among inputs of products.
SHARE = 0.2
LAYERS, WIDTH, STEPS, OUTPUTS = 12, 1024, 2, 10
#: Layers of the networks for images, and their channels with the width of the image.
CONVOLUTIONS, IMAGES = 4, ((64, 32), (256, 8))
#: What numba's compiler is told in the second process.
NARROW = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None


def contest(cases: dict[str, Callable[[], object]], rounds: int, seconds: float) -> dict[str, Any]:
    """Times of all, and how many times as long as the packed one the others take."""
    times = common.interleaved({name: common.timed(work, seconds) for name, work in cases.items()}, rounds)
    out: dict[str, Any] = {"seconds": {name: common.summarise(values) for name, values in times.items()}}
    for name in list(cases)[1:]:
        pairs = list(zip(times[name], times["packed"], strict=True))
        out[name] = {
            "ratio": statistics.median(a / b for a, b in pairs),
            "ratio_of_fastest": min(times[name]) / min(times["packed"]),
        }
    return out


def product(n: int, batch: int, rounds: int, seconds: float) -> dict[str, Any]:
    """One product of n times n weights."""
    from hetero_rsnn.gradient.packed.kernels import multiply
    from hetero_rsnn.gradient.packed.program import panels
    from hetero_rsnn.gradient.packed.words import pack_signs

    rng = np.random.default_rng(n)
    spikes = (rng.random((batch, n)) < SHARE).astype(np.float32)
    signs = np.where(rng.random((n, n)) < 0.5, -1, 1).astype(np.float32)
    weights = panels(pack_signs(signs))
    packed, plain = np.empty((batch, n), np.float32), np.empty((batch, n), np.float32)
    cases: dict[str, Callable[[], object]] = {
        "packed": lambda: multiply(spikes, weights, packed),
        "numpy": lambda: np.dot(spikes, signs.T, out=plain),
    }
    multiply(spikes, weights, packed)
    np.dot(spikes, signs.T, out=plain)
    if not np.array_equal(packed, plain):
        raise SystemExit(f"the products of {n} x {n} differ")
    if torch is not None:
        x, w = torch.from_numpy(spikes), torch.from_numpy(signs)
        cases["torch"] = lambda: torch.mm(x, w.t())
    found = contest(cases, rounds, seconds)
    return {"size": n, "batch": batch, "memory_ratio": signs.nbytes / weights.nbytes, **found}


def network(width: int, batch: int, rounds: int, seconds: float) -> dict[str, Any]:
    """A whole network, from the input to the output of its last step."""
    from hetero_rsnn.gradient.packed.layers import FullLinear, PackedLinear, SpikingNeurons
    from hetero_rsnn.gradient.packed.network import PackedNetwork

    rng = np.random.default_rng(0)
    layers: list[Any] = [SpikingNeurons(leak=rng.uniform(0.3, 0.9, width), threshold=0.7)]
    for _ in range(LAYERS):
        signs = np.where(rng.random((width, width)) < 0.5, -1, 1)
        layers.append(PackedLinear(signs, rng.uniform(1.0, 2.0, width) / np.sqrt(width), rng.normal(0.2, 0.2, width)))
        layers.append(SpikingNeurons(leak=rng.uniform(0.3, 0.9, width), threshold=0.7))
    layers.append(FullLinear(rng.normal(size=(OUTPUTS, width))))
    one = PackedNetwork((width,), layers, steps=STEPS)
    x = rng.random((batch, width)).astype(np.float32)
    neurons = [layer for layer in layers if isinstance(layer, SpikingNeurons)]
    packed = [layer for layer in layers if isinstance(layer, PackedLinear)]
    weights = [layer.signs().astype(np.float32) for layer in packed]
    fired: list[float] = []

    def plain(look: bool = False) -> np.ndarray:
        u: list[Any] = [np.float32(0.0)] * len(neurons)
        out = []
        for _ in range(STEPS):
            value = x
            for k, cell in enumerate(neurons):
                v = u[k] * cell.leak + value
                spikes = v > cell.threshold
                u[k] = np.where(spikes, np.float32(0.0), v)
                value = spikes.astype(np.float32)
                if look:
                    fired.append(float(value.mean()))
                if k < LAYERS:
                    value = (value @ weights[k].T) * packed[k].scale + packed[k].offset
            out.append(value @ layers[-1].weight.T)
        return np.stack(out)

    found, wanted = one.run(x), plain(look=True)
    if not np.allclose(found, wanted, rtol=1e-4, atol=1e-4):  # the last layer alone is summed in another order
        raise SystemExit("the networks differ")
    cases: dict[str, Callable[[], object]] = {"packed": lambda: one.run(x), "numpy": plain}
    if torch is not None:
        tensors = [[torch.tensor(q) for q in (p.scale, p.offset)] for p in packed]
        matrices = [torch.from_numpy(w) for w in weights]
        leaks = [torch.tensor(cell.leak) for cell in neurons]
        last, given = torch.tensor(layers[-1].weight), torch.from_numpy(x)

        @torch.no_grad()
        def of_torch() -> Any:
            u: list[Any] = [torch.zeros(batch, width) for _ in neurons]
            out = []
            for _ in range(STEPS):
                value = given
                for k, leak in enumerate(leaks):
                    v = torch.mul(u[k], leak).add_(value)
                    spikes = torch.gt(v, float(neurons[k].threshold)).float()
                    u[k] = v - v * spikes
                    value = spikes
                    if k < LAYERS:
                        value = torch.mm(spikes, matrices[k].t()).mul_(tensors[k][0]).add_(tensors[k][1])
                out.append(torch.mm(value, last.t()))
            return torch.stack(out)

        if not np.allclose(of_torch().numpy(), wanted, rtol=1e-4, atol=1e-4):
            raise SystemExit("the networks differ")
        cases["torch"] = of_torch
    result = contest(cases, rounds, seconds)
    ratio = sum(w.nbytes for w in weights) / one.weight_bytes
    about = {"layers": LAYERS, "width": width, "steps": STEPS, "batch": batch}
    return {**about, "share_that_fires": float(np.mean(fired)), "memory_ratio": ratio, **result}


def images(channels: int, side: int, batch: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Convolutions of 3 x 3 with neurons before each, against torch."""
    from hetero_rsnn.gradient.packed.layers import PackedConv, SpikingNeurons
    from hetero_rsnn.gradient.packed.network import PackedNetwork

    rng = np.random.default_rng(0)
    cell = SpikingNeurons(leak=0.5, threshold=0.7)
    convs = [
        PackedConv(np.where(rng.random((channels, channels, 3, 3)) < 0.5, -1, 1), 0.5 / np.sqrt(channels), 0.3)
        for _ in range(CONVOLUTIONS)
    ]
    layers = [layer for conv in convs for layer in (cell, conv)]
    one = PackedNetwork((channels, side, side), layers, steps=STEPS)
    x = rng.random((batch, channels, side, side)).astype(np.float32)
    matrices, given = [torch.from_numpy(conv.signs().astype(np.float32)) for conv in convs], torch.from_numpy(x)
    scale, offset = float(convs[0].scale[0]), float(convs[0].offset[0])

    @torch.no_grad()
    def of_torch() -> Any:
        u: list[Any] = [torch.zeros_like(given) for _ in convs]
        out = []
        for _ in range(STEPS):
            value = given
            for k, matrix in enumerate(matrices):
                v = torch.mul(u[k], 0.5).add_(value)
                spikes = torch.gt(v, 0.7).float()
                u[k] = v - v * spikes
                value = torch.conv2d(spikes, matrix, padding=1).mul_(scale).add_(offset)
            out.append(value)
        return torch.stack(out)

    if not np.array_equal(one.run(x), of_torch().numpy()):
        raise SystemExit("the networks for images differ")
    found = contest({"packed": lambda: one.run(x), "torch": of_torch}, rounds, seconds)
    return {"layers": CONVOLUTIONS, "channels": channels, "side": side, "steps": STEPS, "batch": batch, **found}


def everything(sizes: list[int], batches: list[int], width: int, rounds: int, seconds: float) -> dict[str, Any]:
    """All contests at one width of vectors."""
    out: dict[str, Any] = {"products": [], "networks": [], "images": []}
    for n in sizes:
        for batch in batches:
            out["products"].append(product(n, batch, rounds, seconds))
            show(f"{n} x {n}, batch {batch}", out["products"][-1])
    for batch in batches:
        out["networks"].append(network(width, batch, rounds, seconds))
        show(f"{LAYERS} layers of {width}, {STEPS} steps, batch {batch}", out["networks"][-1])
    for channels, side in IMAGES if torch is not None else ():
        side = side if width == WIDTH else 4
        out["images"].append(images(channels, side, batches[0], rounds, seconds))
        show(f"{CONVOLUTIONS} convolutions of {channels}, {side} x {side}, batch {batches[0]}", out["images"][-1])
    return out


def show(name: str, found: dict[str, Any]) -> None:
    """Print one contest."""
    others = [name for name in ("numpy", "torch") if name in found]
    said = [f"{name} {found[name]['ratio']:.1f} x ({found[name]['ratio_of_fastest']:.1f})" for name in others]
    us = 1e6 * found["seconds"]["packed"]["low"]
    said += [f"memory 1/{found['memory_ratio']:.1f}"] if "memory_ratio" in found else []
    print(f"  {name:<46} {us:9.2f} us  {', '.join(said)}", flush=True)


def main() -> None:
    """Run what is asked for."""
    parser = common.parser(__doc__, "results/packed.json", rounds=15)
    parser.add_argument("--quick", action="store_true", help="a few sizes and rounds: within a minute")
    parser.add_argument("--narrow", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes, batches, width, seconds = [256, 512, 1024, 2048], [1, 64], WIDTH, 0.02
    if args.quick:
        sizes, args.rounds, seconds = [256, 1024], min(args.rounds, 5), 0.005
    if args.toy:
        sizes, batches, width, args.rounds, seconds = [64], [1, 3], 64, 1, 1e-4
    if args.narrow:
        common.write(args.out, everything(sizes, batches, width, args.rounds, seconds))
        return
    print("vectors as wide as the processor has them")
    results = common.provenance(toy=args.toy, quick=args.quick, share_of_spikes=SHARE, rounds=args.rounds)
    results["torch"] = None if torch is None else torch.__version__
    results["widest"] = everything(sizes, batches, width, args.rounds, seconds)
    if platform.machine().lower() in ("x86_64", "amd64") and not args.toy:
        print("vectors of 256 bits")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "narrow.json"
            call = [sys.executable, __file__, "--narrow", "--out", str(out), "--rounds", str(args.rounds)]
            call += ["--quick"] if args.quick else []
            subprocess.run(call, env={**os.environ, **NARROW, "NUMBA_CACHE_DIR": folder}, check=True)
            results["256 bits"] = json.loads(out.read_text())
    common.write(args.out, results)


if __name__ == "__main__":
    main()
