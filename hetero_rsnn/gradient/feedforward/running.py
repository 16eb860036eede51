"""Networks at work: on which device, with how many threads, from which chance, on how many images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints

#: Images that are answered, or whose spikes are counted, together: with rate coding what an image gets depends on its
#: place among them, so that the spikes belong to the answers.
TOGETHER = 64


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads of torch inside, and gradients whatever holds outside; afterwards as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def own_draws(device: torch.device, seed: int) -> Iterator[None]:
    """Torch's own generators begin with a seed inside, and are as before outside."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)  # and not torch.manual_seed, which seeds all devices
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def usable_device(device: Any) -> torch.device:
    """A device that is there.

    Raises
    ------
    HeteroError
        If torch cannot use it.
    """
    if not isinstance(device, str | torch.device):
        raise HeteroError(f"device must be the name of a device, got {device!r:.80}", fix="use 'cpu' or 'cuda'")
    try:
        found = torch.device(device)
        if found.type == "meta":
            raise RuntimeError("it holds no numbers")
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise HeteroError(
            f"the device {str(device)!r} cannot be used ({_first_line(error)})", fix="use 'cpu'"
        ) from None
    return found


def is_network(value: Any) -> bool:
    """Whether it is a module of torch, and not the class of one."""
    return isinstance(value, nn.Module)


def as_input(images: NDArray[Any], device: Any = "cpu") -> Tensor:
    """A batch of images for a network: one byte a pixel becomes numbers from 0 to 1; counts of events stay counts."""
    x = torch.from_numpy(np.require(images, requirements=["C", "W"])).to(device)
    if x.dtype == torch.uint8:
        return x.to(torch.float32) / 255.0 if images.ndim < 5 else x.to(torch.float32)
    return x.to(torch.float32)


def answers(network: nn.Module, images: NDArray[Any], index: Ints, device: Any = "cpu") -> Array:
    """What a network says of some images: outputs of each step, shape (samples, steps, classes), or (samples, classes).

    It is left in evaluation.
    """
    network.eval()
    out = []
    with torch.no_grad():
        for low in range(0, len(index), TOGETHER):
            found = network(as_input(images[index[low : low + TOGETHER]], device))
            out.append((found.transpose(0, 1) if found.dim() == 3 else found).cpu().numpy())
    return np.concatenate(out)


def outputs_of(network: nn.Module, images: NDArray[Any], device: torch.device) -> tuple[bool, int]:
    """Whether a network answers in every step, and how many outputs it has: of two images, in evaluation.

    Raises
    ------
    HeteroError
        If it cannot take the images, or its answer is none for each of them.
    """
    some, was = images[:2], network.training
    network.eval()
    try:
        with own_draws(device, 0), torch.no_grad():
            out = network(as_input(some, device))
    except HeteroError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError, NotImplementedError) as error:
        raise HeteroError(
            f"{type(network).__name__} cannot take images of the shape {some.shape[1:]} ({_first_line(error)})",
            fix="give a network that fits the images",
        ) from None
    finally:
        network.train(was)
    if not isinstance(out, Tensor) or out.dim() not in (2, 3) or out.shape[-2] != len(some):
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise HeteroError(
            f"a network must answer (samples, classes) or (steps, samples, classes), got {got} of {len(some)} samples",
            fix="give one of that kind",
        )
    return out.dim() == 3, int(out.shape[-1])


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
