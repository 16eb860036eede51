"""What all feed-forward spiking networks do: all steps at once, one after the other, folded, counted, saved."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.accounts import Account, counted
from hetero_rsnn.gradient.feedforward.coding import RateCoding
from hetero_rsnn.gradient.feedforward.folding import FoldedConnections, StepWeights
from hetero_rsnn.gradient.feedforward.neurons import Kept, Neurons, Noise, with_noise
from hetero_rsnn.gradient.feedforward.normalisation import Projection, fold_in_place
from hetero_rsnn.gradient.feedforward.setting import Setting
from hetero_rsnn.gradient.feedforward.specs import arrays_of, take_over
from hetero_rsnn.gradient.feedforward.states import Memory


class SpikingNetwork(nn.Module):
    """Layers from an input to one output a class, in each of a fixed number of steps.

    The last layer is linear and has no neurons: the decision at step t is the mean of the outputs up to t.

    Attributes
    ----------
    steps : int
    classes : int
    shape : tuple of int
        Of one input: (features,) or (channels, height, width).
    setting : Setting
    layers : torch.nn.ModuleList
        From shape (steps, batch, ...) to shape (steps, batch, ...). The first and the last are connections.
    is_folded : bool
    """

    def __init__(self, shape: tuple[int, ...], classes: int, setting: Setting) -> None:
        super().__init__()
        self.shape, self.classes, self.setting, self.steps = shape, classes, setting, setting.steps
        self.is_folded = False
        self.coding = RateCoding(setting.steps, setting.seed) if setting.coding == "rate" else None
        self.layers = nn.ModuleList()

    def spec(self) -> dict[str, Any]:
        """Plain data from which `network_from` builds an equal network, without what it has learned."""
        raise NotImplementedError

    def _accept(self, x: Any) -> tuple[Tensor, str]:
        """The input as (steps, batch, ...), or (1, batch, ...) if all steps get the same; what it is."""
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
            raise HeteroError(f"the input must be a tensor of floating point numbers, got {got}", fix="use x.float()")
        timed = x.dim() > len(self.shape) + 1
        if x.shape[1:] != ((self.steps, *self.shape) if timed else self.shape) or not len(x):
            sample = ", ".join(map(str, self.shape))
            rule = f"(batch, {sample}) or (batch, {self.steps}, {sample})"
            raise HeteroError(f"the input must have the shape {rule}, got {tuple(x.shape)}", fix="reshape it")
        last: Any = self.layers[-1]
        x = x.to(device=last.weight.device, dtype=last.weight.dtype)
        if timed:
            return x.transpose(0, 1), "events"
        return (x[None], "image") if self.coding is None else (self.coding(x), "spikes")

    def _first(self) -> tuple[nn.Module, nn.Module]:
        """Connections from the input, and their normalisation."""
        first = self.layers[0]
        if isinstance(first, Projection):
            return first.synapses, first.norm or nn.Identity()
        return first, nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (steps, batch, classes).

        Parameters
        ----------
        x : Tensor
            Images (batch, ...), coded as `coding` says, or events (batch, steps, ...), taken as they are.

        Raises
        ------
        HeteroError
            If the input has another shape or type; with rate coding also if a pixel is not from 0 to 1.
        """
        return self._run(self._accept(x)[0])

    def _run(self, x: Tensor) -> Tensor:
        synapses, norm = self._first()
        if isinstance(synapses, StepWeights):
            x = x.expand(self.steps, *x.shape[1:])
        h = synapses(x)  # of an input that stays the same this is computed once
        h = norm(h.expand(self.steps, *h.shape[1:]))
        for layer in list(self.layers)[1:]:
            h = layer(h)
        outputs: Tensor = h
        return outputs

    def traced(self, x: Tensor) -> tuple[Tensor, list[Kept]]:
        """Outputs as of `forward`, and what each layer of neurons did, with gradients, from the first to the last."""
        return self._traced(self._accept(x)[0])

    def _traced(self, x: Tensor) -> tuple[Tensor, list[Kept]]:
        layers = [layer for layer in self.modules() if isinstance(layer, Neurons)]
        before = [layer.keep for layer in layers]
        try:
            for layer in layers:
                layer.keep = True
            outputs = self._run(x)
            return outputs, [layer.kept for layer in layers if layer.kept is not None]
        finally:
            for layer, keep in zip(layers, before, strict=True):
                layer.keep, layer.kept = keep, None

    def steps_of(self, x: Tensor) -> Generator[Tensor, Any, None]:
        """The outputs (batch, classes) of each step, one after the other; what is not asked for is not computed.

        ``send(stay)`` in place of ``next`` goes on with some of the samples only: a mask or indices of the rows of the
        last output. The rows are those of `forward`, to rounding: a product of other size may sum in another order, and
        a potential so close to the threshold may decide otherwise. Several such runs may take turns.

        Raises
        ------
        HeteroError
            As `forward`; if the network is in training; and if `stay` does not fit.

        Examples
        --------
        >>> import hetero_rsnn as hr, torch
        >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
        >>> run = SpikingMLP(4, 3, hidden=(5,)).eval().steps_of(torch.rand(8, 4))
        >>> next(run).shape, run.send(torch.arange(8) < 2).shape
        (torch.Size([8, 3]), torch.Size([2, 3]))
        """
        if self.training:
            raise HeteroError("a network in training cannot go step by step", fix="call eval() of the network first")
        return self._each(self._accept(x)[0])

    def _step(self, x: Tensor, step: int, sums: Tensor | None = None) -> Tensor:
        """Outputs (batch, classes) in one step of an accepted input, from what layers remember.

        `sums` are those of the first connections, where they are known.
        """
        synapses, norm = self._first()
        h = norm(synapses(x if len(x) == 1 else x[step : step + 1]) if sums is None else sums)
        for layer in list(self.layers)[1:]:
            h = layer(h)
        outputs: Tensor = h[0]
        return outputs

    def alone(self, x: Tensor, step: int, noise: Sequence[Noise | None]) -> Tensor:
        """Outputs (batch, classes) in one step of a network of binary activations.

        Nothing is carried into the step but the noise, of each layer of neurons in the order of ``layers.modules()``,
        which is added to its potentials; see `replay_membranes`.

        Raises
        ------
        HeteroError
            As `steps_of`.
        """
        if self.training:
            raise HeteroError("a network in training cannot go step by step", fix="call eval() of the network first")
        accepted, memory = self._accept(x)[0], Memory(self)
        # Some layers have weights of their own in each step.
        memory.states = [None if isinstance(layer, Neurons) else step for layer in memory.layers]
        neurons = [layer for layer in self.layers.modules() if isinstance(layer, Neurons)]
        with memory, with_noise(neurons, noise, forgets=True):
            return self._step(accepted, step)

    def _each(self, x: Tensor) -> Generator[Tensor, Any, None]:
        synapses, _ = self._first()
        memory = Memory(self)
        same = len(x) == 1 and self.steps > 1
        sums = synapses(x) if same and not isinstance(synapses, StepWeights) else None
        for step in range(self.steps):
            with memory:
                outputs = self._step(x, step, sums)
            stay = yield outputs
            if stay is not None:
                chosen = _chosen(stay, x.shape[1]).to(x.device)
                if not len(chosen):
                    return
                memory.select(chosen)
                x, sums = x[:, chosen], None if sums is None else sums[:, chosen]

    def folded(self) -> Self:
        """A copy for inference in which normalisations have become weights: of each step where p[t] is learned.

        Weights of 1 bit stay signs: what is folded into them is a scale and an offset of each channel (`ScaledSigns`).

        Raises
        ------
        HeteroError
            If the network is in training, where statistics change in each call.
        """
        if self.training:
            raise HeteroError("a network in training cannot be folded", fix="call eval() of the network first")
        out = copy.deepcopy(self)
        fold_in_place(out.layers)
        out.is_folded = True
        out.requires_grad_(False)
        return out

    def account(self, x: Tensor) -> Account:
        """Spikes and operations that an input causes, in evaluation.

        Events count as spikes if all are whole numbers from 0, else as an analog input.

        Raises
        ------
        HeteroError
            As `forward`.
        """
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                accepted, kind = self._accept(x)
                whole = kind != "image" and bool(((accepted >= 0) & (accepted == accepted.round())).all())
                return counted(self, self._first()[0], whole, lambda: self._traced(accepted)[1])
        finally:
            self.train(training)

    def to_arrays(self) -> dict[str, Array]:
        """All parameters, statistics and counters, by name."""
        return arrays_of(self)

    def from_arrays(self, arrays: Mapping[str, Any]) -> Self:
        """Take over what `to_arrays` of an equal network gave, in its precision; return the network.

        Raises
        ------
        HeteroError
            If one is missing, unknown, or of another shape or kind.
        """
        take_over(self, arrays)
        return self

    def describe(self) -> str:
        """Several lines: the network, its layers, the number of its parameters."""
        lines = [repr(self)]
        for name, module in self.layers.named_modules():
            if not list(module.children()) and not isinstance(module, nn.Identity):
                lines.append(f"  {name:<16} {module!r}")
            elif isinstance(module, FoldedConnections):
                lines.append(f"  {name:<16} {type(module).__name__}({module.extra_repr()})")
        return "\n".join([*lines, f"  {sum(p.numel() for p in self.parameters()):,} parameters"])

    def __repr__(self) -> str:
        s = self.setting
        parts = [f"{self.steps} steps", s.neuron, f"{s.reset} reset", f"{s.coding} coding"]
        parts += [s.normalisation] if s.normalisation and not self.is_folded else []
        parts += ["1-bit weights"] if s.weights == "1bit" else []
        parts += ["shortcuts"] if s.shortcuts else []
        parts += ["folded"] if self.is_folded else []
        return f"{type(self).__name__}({self._sizes()}, {', '.join(parts)})"

    def _sizes(self) -> str:
        raise NotImplementedError


def _chosen(stay: Any, rows: int) -> Tensor:
    """Indices of the samples that stay."""
    chosen = torch.as_tensor(stay)
    if chosen.dtype == torch.bool and chosen.shape == (rows,):
        return chosen.nonzero()[:, 0]
    whole = not (chosen.is_floating_point() or chosen.is_complex() or chosen.dtype == torch.bool)
    if whole and chosen.dim() == 1 and bool(((chosen >= 0) & (chosen < rows)).all()):
        return chosen.long()
    raise HeteroError(
        f"who stays must be a mask of {rows} samples, or indices of them, got {chosen.dtype} {tuple(chosen.shape)}",
        fix="send one that belongs to the last output",
    )
