"""Images as spikes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.layers import torch_generator


class RateCoding(nn.Module):
    """Spikes whose probability in each step is the value of a pixel.

    While training each call draws a new pattern: `calls` counts them and is saved with the weights. In evaluation every
    call draws the same one, and what a sample gets depends on its place in the batch only.

    Parameters
    ----------
    steps : int
    seed : int

    Raises
    ------
    HeteroError
        If a pixel is not from 0 to 1.

    Examples
    --------
    >>> import torch
    >>> layer = RateCoding(1000, seed=0)
    >>> layer(torch.tensor([[0.0, 0.25, 1.0]])).mean((0, 1))
    tensor([0.0000, 0.2440, 1.0000])
    """

    calls: Tensor

    def __init__(self, steps: int, seed: int) -> None:
        super().__init__()
        self.steps = checks.whole("steps", steps, least=1)
        self.seed = checks.whole("seed", seed, least=0)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes, shape (steps, batch, ...), of images (batch, ...)."""
        odd = ~((x >= 0) & (x <= 1))
        if odd.any():
            raise HeteroError(f"rate coding needs pixels from 0 to 1, got {x[odd][0].item():g}", fix="scale the images")
        if self.training:
            self.calls += 1
        draw = torch_generator(self.seed, "input", "rate coding", int(self.calls) if self.training else 0)
        chance = torch.rand((len(x), self.steps, *x.shape[1:]), generator=draw).transpose(0, 1)
        return (chance.to(x.device) < x).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.steps}"
