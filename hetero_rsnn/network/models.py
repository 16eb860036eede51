"""The models that a compiled kernel mirrors, as Brian2 strings."""

from __future__ import annotations

#: What the kernel 'lif_stdp' mirrors. The shipped base file says the same; one that says otherwise runs with brian2.
LIF_STDP: dict[str, str] = {
    "equations": (
        "dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1 (unless refractory)\ndI_syn/dt = -I_syn / tau_syn : 1"
    ),
    "threshold": "v > v_th",
    "reset": "v = v_reset",
    "refractory": "t_ref",
    "on_pre": "I_syn_post += w",
}
LIF_STDP_PLASTICITY: dict[str, str] = {
    "equations": "dapre/dt = -apre / tau_plus : 1 (event-driven)\ndapost/dt = -apost / tau_minus : 1 (event-driven)",
    "on_pre": ("I_syn_post += w\napre += 1\nw = clip(w - eta_minus * (w - w_min)**mu * apost, w_min, w_max)"),
    "on_post": "apost += 1\nw = clip(w + eta_plus * (w_max - w)**mu * apre, w_min, w_max)",
}
#: Kernels of the numpy and fast backends.
MODELS = ("lif_stdp",)
#: How equations are integrated, as Brian2 names it; the first is what counts where a file says nothing.
METHODS = ("exponential_euler", "exact", "linear", "euler", "rk2", "rk4", "heun")
#: One number for all synapses, since the kernels (and Brian2's code) treat them as constants.
SHARED = ("w_min", "w_max", "mu")
#: Parameters that must be > 0 (times that are divided by), and those that must be >= 0.
POSITIVE = ("tau_m", "tau_syn", "tau_plus", "tau_minus")
NOT_NEGATIVE = ("t_ref", "eta_plus", "eta_minus", "w_min", "w_max", "mu")
#: Time constants in ms: beyond it, a step over a time constant leaves the range of floating point numbers.
TIME_CONSTANTS = (1e-30, 1e30)
#: Steps of the longest refractory time. It must be shorter than what lies behind a neuron that never fired.
REFRACTORY = 10**9
#: Steps of the longest synaptic delay.
LONGEST_DELAY = 1000
