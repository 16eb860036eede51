"""``hetero-rsnn warmup``: compiling the kernels ahead of the first run, in an image or on the nodes of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from hetero_rsnn.cli.options import say
from hetero_rsnn.common.text import printable


def warmup(
    gradient: Annotated[
        bool, typer.Option("--gradient/--no-gradient", help="Also the kernels of training by gradients.")
    ] = True,
) -> None:
    """Compile the kernels once, and say how long that took and where the cache lies.

    What the cache has is not compiled again. It holds for this machine, its kind of processor and this Python. An image
    of a container that is built with this command, or a node on which it has run, simulates at once. NUMBA_CACHE_DIR
    names another folder for the cache.
    """
    from hetero_rsnn.simulation.fast import cache_place, refuse_uncompiled

    refuse_uncompiled()
    begin = time.perf_counter()
    for precision in ("double", "single"):
        _told(f"simulations, {precision} precision", partial(_simulation, precision))
    if gradient:
        for precision in ("double", "single"):
            _told(f"gradients, {precision} precision", partial(_gradient, precision))
    from hetero_rsnn.common.compiled import COMPILATIONS

    seconds, count = time.perf_counter() - begin, len(COMPILATIONS.functions)
    what = f"compiled {count} functions" if count else "nothing was left to compile"
    folder, processor = cache_place()
    say(f"{what} for {printable(processor)}, {seconds:.1f} s in all")
    say(f"cache: {printable(folder)}")


def _told(what: str, work: Callable[[], object]) -> None:
    from hetero_rsnn.common.compiled import COMPILATIONS

    begin, before = time.perf_counter(), len(COMPILATIONS.functions)
    work()
    fresh = len(COMPILATIONS.functions) > before
    say(f"{what}: {'compiled' if fresh else 'there already, read'} in {time.perf_counter() - begin:.1f} s")


def _simulation(precision: str) -> None:
    """For both kinds of exponents of STDP."""
    from hetero_rsnn.simulation.fast import compile_kernels

    for mu in (0.0, 0.5):
        compile_kernels(precision, mu)


def _gradient(precision: str) -> None:
    """Forward and back once, with a network as small as can be."""
    from hetero_rsnn.gradient.batch import run_batch
    from hetero_rsnn.inputs.stimulus import uniform_stimulus
    from hetero_rsnn.network.draw import draw
    from hetero_rsnn.network.loading import load_network

    drawn = draw(load_network("henhes", n=20), seed=0, precision=precision)
    run = run_batch(drawn, [uniform_stimulus(5, "10 ms", seed=1)], precision=precision, workers=1)
    run.backward(run.activity)
