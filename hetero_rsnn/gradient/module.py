"""A drawn network as a torch module, to stand between layers of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.gradient.batch import run_batch
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import require_equations
from hetero_rsnn.simulation.neurons import initial_state, neuron_arrays

#: What can be trained: names as in `Gradients`, but for "w", which stands for the plastic and the static weights.
TRAINABLE = ("w", "w_in", "I_bias", "tau_m", "tau_syn", "v_th")
_LOGARITHMS = ("tau_m", "tau_syn")


def to_torch(
    draw: Draw,
    *,
    hold: Any = None,
    trainable: Sequence[str] = ("w", "w_in", "I_bias"),
    tau_read: Any = None,
    pseudo_derivative: PseudoDerivative | str = "trapezoid",
    detach_reset: bool = False,
    smooth: bool = False,
    workers: int | None = None,
) -> Any:
    """A `torch.nn.Module` whose forward and backward pass are those of `run_batch`.

    It takes a tensor of input currents, shape (batch, time, channels), each row held for `hold`, and returns the
    activity, shape (batch, time, n): spikes of every neuron in every row, or with `tau_read` filtered spike trains. On
    the CPU these are the compiled kernels, in the precision of the input; elsewhere a plain loop with equal results.

    Parameters
    ----------
    draw : Draw
        Where the parameters begin.
    hold : duration, optional
        Of a row; by default that of the network's protocol.
    trainable : sequence of str
        Which quantities are parameters, of ``"w"`` (as ``plastic`` and ``static``), ``"w_in"``, ``"I_bias"``,
        ``"tau_m"`` and ``"tau_syn"`` (as their logarithms, ``log_tau_m``), ``"v_th"``. The others are buffers.
    tau_read, pseudo_derivative, detach_reset
        See `run_batch` and `BatchRun.backward`.
    smooth : bool
        Spikes between 0 and 1, of which the pseudo-derivative is the true derivative: for `torch.autograd.gradcheck`.
    workers : int, optional
        Threads of the kernels; all cores by default.

    Returns
    -------
    torch.nn.Module
        ``module.draw()`` is the network with its parameters as they are, to be simulated, measured, or saved by
        `save_network`. `copy.deepcopy`, pickles and ``state_dict`` keep the parameters.

    Raises
    ------
    HeteroError
        If torch is not installed, an argument breaks its rule, or the input has another shape.

    Examples
    --------
    >>> import hetero_rsnn as hr, torch  # doctest: +SKIP
    >>> layer = hr.to_torch(hr.draw("henhes", seed=0), hold="10 ms")  # doctest: +SKIP
    >>> layer(torch.rand(8, 20, 1)).shape  # doctest: +SKIP
    torch.Size([8, 20, 400])
    """
    torch = need("torch", "gradient", "to_torch")
    require_equations(draw.network, "gradients are of the equations", "simulate networks with others")
    names = [trainable] if isinstance(trainable, str) else list(trainable)
    for name in names:
        checks.one_of("trainable quantity", name, TRAINABLE)
    hold_ms = draw.network.protocol.hold if hold is None else checks.duration("hold", hold)
    units.steps(hold_ms, draw.network.dt, "hold")
    tau = None if tau_read is None else checks.duration("tau_read", tau_read)
    bump = PseudoDerivative.of(pseudo_derivative)
    setting = Setting(draw, hold_ms, frozenset(names), tau, bump, bool(detach_reset), bool(smooth), workers)
    return _classes(torch)[0](setting)


@dataclass(frozen=True, eq=False)
class Setting:
    """What a module is made with; see `to_torch`."""

    draw: Draw
    hold: float
    trainable: frozenset[str]
    tau: float | None
    bump: PseudoDerivative
    detach: bool
    smooth: bool
    workers: int | None

    def __deepcopy__(self, memo: Any) -> Setting:
        return self  # nothing of it ever changes


def _blank() -> Any:
    """A module without content, for copies and pickles: its class is made when torch is there."""
    kind = _classes(need("torch", "gradient", "to_torch"))[0]
    return kind.__new__(kind)


@cache
def _classes(torch: Any) -> tuple[Any, Any]:
    """Classes that inherit from torch's, made when torch is there."""

    class HRSNN(torch.nn.Module):  # type: ignore[misc]
        """See `to_torch`."""

        def __init__(self, setting: Setting) -> None:
            super().__init__()
            self.setting = setting
            draw = setting.draw
            values = {"plastic": draw.plastic.w, "static": draw.static.w, "w_in": draw.w_in}
            values |= {k: draw.neurons[k] for k in ("I_bias", "v_th")}
            values |= {f"log_{k}": np.log(draw.neurons[k]) for k in _LOGARITHMS}
            for name, value in values.items():
                quantity = "w" if name in ("plastic", "static") else name.removeprefix("log_")
                tensor = torch.tensor(np.array(value, dtype=np.float64))
                if quantity in setting.trainable:
                    self.register_parameter(name, torch.nn.Parameter(tensor))
                else:
                    self.register_buffer(name, tensor)

        def __reduce__(self) -> Any:
            return _blank, (), self.__dict__

        def extra_repr(self) -> str:
            return f"{self.setting.draw!r}, hold={self.setting.hold:g} ms, trainable={sorted(self.setting.trainable)}"

        def draw(self) -> Draw:
            """The network with its parameters as they are now."""
            return _with(self.setting.draw, {k: v.detach().cpu().numpy().copy() for k, v in self.state_dict().items()})

        def forward(self, x: Any) -> Any:
            """Activity, shape (batch, time, n), of input currents, shape (batch, time, channels)."""
            if x.dim() != 3 or x.shape[2] != self.setting.draw.network.input.channels or not x.numel():
                raise HeteroError(
                    f"the input must have the shape (batch, time, {self.setting.draw.network.input.channels}), got "
                    f"{tuple(x.shape)}",
                    fix="reshape it, or load the network with other input.channels",
                )
            if x.dtype not in (torch.float32, torch.float64):
                raise HeteroError(f"the input must be of float32 or float64, got {x.dtype}", fix="use x.float()")
            values = {**dict(self.named_parameters()), **dict(self.named_buffers())}
            if x.device.type != "cpu" or any(v.device.type != "cpu" for v in values.values()):
                return looped(torch, self.setting, x, values)
            names = list(values)
            return Run.apply(self.setting, names, x, *values.values())

    class Run(torch.autograd.Function):  # type: ignore[misc]
        """The compiled kernels, for automatic differentiation."""

        @staticmethod
        def forward(ctx: Any, setting: Setting, names: list[str], x: Any, *values: Any) -> Any:
            draw = _with(setting.draw, {k: v.detach().numpy().copy() for k, v in zip(names, values, strict=True)})
            samples = [Stimulus("current", row, setting.hold) for row in x.detach().numpy().astype(np.float64)]
            run = run_batch(
                draw, samples, tau_read=setting.tau, keep=["currents"] if "tau_syn" in setting.trainable else [],
                precision="single" if x.dtype == torch.float32 else "double", workers=setting.workers,
                smooth=setting.bump if setting.smooth else None,
            )  # fmt: skip
            ctx.save_for_backward(x, *values)
            ctx.run, ctx.setting, ctx.names, ctx.of = run, setting, names, draw
            return torch.from_numpy(run.activity).to(x.dtype)

        @staticmethod
        @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, into: Any) -> Any:
            setting = ctx.setting
            _ = ctx.saved_tensors  # torch's check that nobody has changed them in between
            wrt = [*setting.trainable, *(["stimuli"] if ctx.needs_input_grad[2] else [])]
            found = ctx.run.backward(into.numpy(), wrt=wrt, pseudo_derivative=setting.bump, detach_reset=setting.detach)
            x = torch.from_numpy(np.stack(found.stimuli)).to(into.dtype) if ctx.needs_input_grad[2] else None
            out = []
            for name, wanted in zip(ctx.names, ctx.needs_input_grad[3:], strict=True):
                gradient = getattr(found, name.removeprefix("log_")) if wanted else None
                if gradient is not None and name.startswith("log_"):
                    gradient = gradient * ctx.of.neurons[name.removeprefix("log_")]
                out.append(None if gradient is None else torch.from_numpy(np.ascontiguousarray(gradient)))
            return None, None, x, *out

    return HRSNN, Run


def _with(draw: Draw, values: dict[str, Any]) -> Draw:
    """A draw with other numbers in it."""
    neurons = dict(draw.neurons)
    neurons |= {k: values[k] for k in ("I_bias", "v_th")}
    neurons |= {k: np.exp(values[f"log_{k}"]) for k in _LOGARITHMS}
    return replace(
        draw,
        plastic=replace(draw.plastic, w=values["plastic"]),
        static=replace(draw.static, w=values["static"]),
        w_in=values["w_in"],
        neurons=neurons,
    )


def looped(torch: Any, setting: Setting, x: Any, values: dict[str, Any]) -> Any:
    """The same program as a loop of torch, for devices that the kernels do not know."""
    from hetero_rsnn.gradient.feedforward.spike import spike_function  # which imports torch

    draw, dt = setting.draw, setting.draw.network.dt
    if setting.smooth:
        raise HeteroError("smooth spikes are for the CPU, where the kernels are tested: move module and input there")
    device, kind, n = x.device, x.dtype, draw.n
    v = {k: t.to(device=device, dtype=kind) for k, t in values.items()}

    def constant(array: Any) -> Any:
        return torch.as_tensor(np.array(array), device=device)

    w = torch.zeros(n, n, dtype=kind, device=device)
    for name in ("plastic", "static"):
        synapses = getattr(draw, name)
        ends = (constant(synapses.source.astype(np.int64)), constant(synapses.target.astype(np.int64)))
        w = w.index_put(ends, v[name], accumulate=True)
    keep_m, keep_syn = (torch.exp(-dt / torch.exp(v[f"log_{k}"])) for k in ("tau_m", "tau_syn"))
    spike, state, arrays = spike_function(setting.bump), initial_state(draw), neuron_arrays(draw)
    batch, hold = x.shape[0], units.steps(setting.hold, dt, "hold")
    p, current = (constant(state.variables[k]).to(kind).expand(batch, n) for k in ("v", "I_syn"))
    v_rest, v_reset = (constant(draw.neurons[k]).to(kind) for k in ("v_rest", "v_reset"))
    wait = constant(np.maximum(arrays.refractory_steps - 1, 0))
    rest = torch.zeros(batch, n, dtype=torch.int64, device=device)
    fade = None if setting.tau is None else math.exp(-dt / setting.tau)
    seen, out = torch.zeros(batch, n, dtype=kind, device=device), []
    for row in range(x.shape[1]):
        drive = v_rest + v["I_bias"] + x[:, row] @ v["w_in"].T
        for _ in range(hold):
            goal = drive + current
            free = rest <= 0
            p = torch.where(free, (p - goal) * keep_m + goal, p)
            s = spike(p - v["v_th"]) * free
            current = current * keep_syn + s @ w
            passed = s.detach() if setting.detach else s
            p = p * (1 - passed) + v_reset * passed  # exactly v_reset after a spike
            rest = torch.where(s.detach() > 0, wait, (rest - 1).clamp(min=0))
            seen = seen + s if fade is None else (seen + s) * fade
        out.append(seen)
        if fade is None:
            seen = torch.zeros_like(seen)
    return torch.stack(out, dim=1)
