"""Layers that may go on where their last call ended, and what several such layers remember together."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError


class Stateful(nn.Module):
    """A layer whose calls take all steps at once, or go on from the call before.

    Attributes
    ----------
    carrying : bool
        Whether calls go on. Otherwise each begins anew.
    state : Tensor, int or None
        Where the last call ended: one entry of a tensor's first axis for each sample. None: at the beginning.
    """

    def __init__(self) -> None:
        super().__init__()
        self.carrying = False
        self.state: Any = None

    def carry(self, on: bool = True) -> Self:
        """Begin anew, and from now on let calls go on (or not)."""
        self.carrying = on
        self.reset()
        return self

    def reset(self) -> None:
        """Begin anew."""
        self.state = None


def interval(layer: Stateful, count: int, steps: int) -> slice:
    """Which steps of so many a call of `count` is about; the layer remembers where it ends.

    Raises
    ------
    HeteroError
        If there are not so many.
    """
    first = (layer.state or 0) if layer.carrying else 0
    if first + count > steps or (count != steps and not layer.carrying):
        got = first + count
        raise HeteroError(
            f"a layer for {steps} steps cannot take {got}", fix=f"give {steps} steps, or make one for {got}"
        )
    if layer.carrying:
        layer.state = first + count
    return slice(first, first + count)


class Memory:
    """What the layers of a network remember between steps, apart from the network.

    ``with memory:`` lends it to them. Outside, the network is as it was, so that several runs may take turns.

    Parameters
    ----------
    network : torch.nn.Module
    """

    def __init__(self, network: nn.Module) -> None:
        self.layers = [layer for layer in network.modules() if isinstance(layer, Stateful)]
        self.states: list[Any] = [None] * len(self.layers)
        self.before: list[tuple[bool, Any]] = []

    def __enter__(self) -> Self:
        self.before = [(layer.carrying, layer.state) for layer in self.layers]
        for layer, state in zip(self.layers, self.states, strict=True):
            layer.carrying, layer.state = True, state
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.states = [layer.state for layer in self.layers]
        for layer, (carrying, state) in zip(self.layers, self.before, strict=True):
            layer.carrying, layer.state = carrying, state

    def select(self, stay: Tensor) -> None:
        """Forget the samples that are not in `stay`, a mask or indices."""
        self.states = [state[stay] if isinstance(state, Tensor) else state for state in self.states]
