"""Networks with equations of their own, as the content of network files: each has constructs that others have not."""

from __future__ import annotations

from typing import Any

from hetero_rsnn import Network, load_network

#: Their neurons have these alone: parameters of the base network that equations do not use are refused.
_KEPT = ("fraction", "kind")


def base_network(n: int = 40, **values: Any) -> dict[str, Any]:
    """The shipped network as a table, without its kernel."""
    data = load_network("henhes", n=n, **values).to_dict()
    data["model"] = ""
    return data


def _neurons(data: dict[str, Any], table: dict[str, Any], **parameters: Any) -> None:
    """Other equations, with other parameters for all neurons."""
    data["neuron"] = table
    for population in data["populations"].values():
        for key in [k for k in population if k not in _KEPT]:
            del population[key]
        population.update(parameters)


def _more(data: dict[str, Any], **parameters: Any) -> None:
    for population in data["populations"].values():
        population.update(parameters)


def _less(data: dict[str, Any], *names: str) -> None:
    for population in data["populations"].values():
        for name in names:
            population.pop(name, None)


def extra_variable() -> dict[str, Any]:
    """The shipped equations and a variable that does nothing."""
    data = base_network(I_bias=1.2)
    data["neuron"]["equations"] += "\ndz/dt = -z / tau_syn : 1"
    return data


def adaptive() -> dict[str, Any]:
    """A threshold that jumps with every spike."""
    data = base_network(I_bias=1.3)
    data["neuron"]["equations"] = """
        dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1 (unless refractory)
        dI_syn/dt = -I_syn / tau_syn : 1
        dtheta/dt = (v_th - theta) / tau_theta : 1"""
    data["neuron"] |= {"threshold": "v > theta", "reset": "v = v_reset\ntheta += jump"}
    data["neuron"]["initial"]["theta"] = 1.0
    _more(data, tau_theta={"distribution": "gamma", "mean": "100 ms", "cv": 0.5}, jump=0.1)
    return data


def adaptive_exactly() -> dict[str, Any]:
    """The same with the exact solution of its linear equations."""
    data = adaptive()
    data["neuron"]["method"] = "exact"
    return data


def functions() -> dict[str, Any]:
    """Functions in every place, and Heun's method."""
    data = adaptive()
    data["neuron"]["method"] = "heun"
    data["neuron"]["equations"] = data["neuron"]["equations"].replace(
        "v_rest - v", "v_rest - v + 0.1*exprel(v) + 0.05*log(1 + v**2) + 0.02*abs(v)**3 - 0.01*sqrt(1 + v*v)"
    )
    data["neuron"]["reset"] = "v = v_reset + 0.1*tanh(theta)\ntheta += jump * (1 + 0.1*cos(theta)) * int(theta < 3)"
    return data


def adex() -> dict[str, Any]:
    """Adaptive exponential integrate-and-fire neurons in volts and amps (Brette and Gerstner 2005)."""
    data = base_network()
    data |= {"dt": "0.2 ms", "weight_scaling": "none"}
    equations = """
        dv/dt = (g_L*(E_L - v) + g_L*D_T*exp((v - V_T)/D_T) - u + I_syn + I_b + I_in) / C : volt (unless refractory)
        du/dt = (a*(v - E_L) - u) / tau_u : amp
        dI_syn/dt = -I_syn / tau_syn : amp"""
    start = {"v": {"distribution": "uniform", "low": "-70 mV", "high": "-55 mV"}}
    table = {"equations": equations, "threshold": "v > 0*mV", "reset": "v = V_r; u += b", "refractory": "2*ms"}
    _neurons(
        data, {**table, "method": "euler", "initial": start},
        g_L="30 nS", E_L="-70.6 mV", D_T="2 mV", V_T={"distribution": "uniform", "low": "-52 mV", "high": "-48 mV"},
        I_b="0.9 nA", C="281 pF", a="4 nS", tau_u="144 ms", V_r="-60 mV", b="0.0805 nA", tau_syn="5 ms",
    )  # fmt: skip
    for projection in data["projections"].values():
        projection["weight"] = {"distribution": "uniform", "low": "0.01 nA", "high": "0.05 nA"}
    data["plasticity"] |= {"w_min": "0 nA", "w_max": "0.1 nA", "mu": 1.0}
    data["input"] |= {
        "weight": {"distribution": "uniform", "low": "-0.5 nA", "high": "0.5 nA"},
        "event_weight": "0.2 nA",
    }
    return data


def conductance() -> dict[str, Any]:
    """Conductances with reversal potentials, sub-expressions, and Runge-Kutta."""
    data = base_network()
    data |= {"dt": "0.2 ms", "weight_scaling": "none"}
    equations = """
        dv/dt = (g_L*(E_L - v) + I_e + I_i + I_b + I_in) / C : volt (unless refractory)
        I_e = g_e*(E_e - v) : amp
        I_i = g_i*(E_i - v) : amp
        dg_e/dt = -g_e / tau_e : siemens
        dg_i/dt = -g_i / tau_i : siemens"""
    start = {"v": {"distribution": "uniform", "low": "-70 mV", "high": "-50 mV"}}
    table = {"equations": equations, "threshold": "v > V_T", "reset": "v = V_r", "refractory": "t_ref"}
    _neurons(
        data, {**table, "method": "rk4", "initial": start},
        g_L="10 nS", E_L="-60 mV", V_T={"distribution": "uniform", "low": "-52 mV", "high": "-48 mV"},
        I_b="0.15 nA", C={"distribution": "gamma", "mean": "200 pF", "cv": 0.3}, E_e="0 mV", E_i="-80 mV",
        tau_e="5 ms", tau_i="10 ms", V_r="-60 mV", t_ref="3 ms",
    )  # fmt: skip
    for projection in data["projections"].values():
        projection["weight"] = {"distribution": "uniform", "low": "0.2 nS", "high": "1 nS"}
    data["synapse"]["on_pre"] = "g_e_post += clip(w, 0*nS, 100*nS)\ng_i_post -= clip(w, -100*nS, 0*nS)"
    rule = data["plasticity"]
    del rule["mu"]
    rule |= {
        "w_min": "0 nS",
        "w_max": "2 nS",
        "on_pre": "g_e_post += w\napre += 1\nw = clip(w - eta_minus*(w - w_min)*apost, w_min, w_max)",
        "on_post": "apost += 1\nw = clip(w + eta_plus*(w_max - w)*apre, w_min, w_max)",
    }
    data["input"] |= {"weight": {"distribution": "uniform", "low": "-0.1 nA", "high": "0.1 nA"}, "event_weight": "1 nS"}
    return data


def triplet() -> dict[str, Any]:
    """STDP of triplets of spikes, the full rule (Pfister and Gerstner 2006)."""
    data = base_network(I_bias=1.2)
    rule = data["plasticity"]
    del rule["mu"]
    rule |= {
        "equations": """
            dr1/dt = -r1 / tau_plus : 1 (event-driven)
            dr2/dt = -r2 / tau_x : 1 (event-driven)
            do1/dt = -o1 / tau_minus : 1 (event-driven)
            do2/dt = -o2 / tau_y : 1 (event-driven)""",
        "on_pre": "I_syn_post += w\nw = clip(w - o1*(eta_minus + A3_minus*r2)*w_max, w_min, w_max)\nr1 += 1\nr2 += 1",
        "on_post": "w = clip(w + r1*(eta_plus + A3_plus*o2)*w_max, w_min, w_max)\no1 += 1\no2 += 1",
        "tau_x": "101 ms", "tau_y": "125 ms", "A3_minus": 0.001,
        "A3_plus": {"distribution": "gamma", "mean": 0.006, "cv": 0.3},
    }  # fmt: skip
    return data


def both_ends() -> dict[str, Any]:
    """Events that read and write both neurons and the synapse, where the order of statements and synapses counts."""
    data = base_network(I_bias=1.2)
    data["neuron"]["equations"] = """
        dv/dt = (v_rest - v + I_syn + I_bias + I_in) / tau_m : 1 (unless refractory)
        dI_syn/dt = -I_syn / tau_syn : 1
        dx/dt = (1 - x) / tau_x : 1
        dact/dt = -act / tau_x : 1
        count : 1"""
    data["neuron"]["reset"] = "v = v_reset\nact += 1\ncount += int(act > 2)"
    data["neuron"]["initial"]["x"] = 1.0
    _more(data, tau_x={"distribution": "gamma", "mean": "100 ms", "cv": 0.5})
    data["synapse"]["on_pre"] = "v_post += 0.01*w"
    rule = data["plasticity"]
    del rule["mu"], rule["tau_minus"]
    rule |= {
        "equations": "dapre/dt = -apre / tau_plus : 1 (event-driven)\nseen : 1\nlast : 1",
        "on_pre": """
            I_syn_post += w*x_pre
            v_post += 0.01*w
            last = act_post
            I_syn_post += 0.001*act_pre
            apre += 1
            seen += 1
            w = clip(w*(1 - eta_minus*act_post), w_min, w_max)""",
        "on_post": "w = clip(w + eta_plus*apre*(1 + 0.1*act_pre), w_min, w_max)\nx_pre -= 0.01*x_pre",
    }
    return data


def later_reads() -> dict[str, Any]:
    """A statement reads of neurons what an earlier one has written, over all synapses."""
    data = both_ends()
    data["plasticity"]["on_pre"] = """
        I_syn_post += w*x_pre
        gain = 1 + 0.1*I_syn_post
        apre += gain
        act_post += 0.01*apre
        w = clip(w*(1 - eta_minus*act_post), w_min, w_max)"""
    data["plasticity"]["on_post"] = "w = clip(w + eta_plus*apre, w_min, w_max)"
    data["plasticity"]["equations"] = "dapre/dt = -apre / tau_plus : 1 (event-driven)"
    return data


def clock_driven() -> dict[str, Any]:
    """Synaptic variables that change in every step, and a sum over synapses."""
    data = base_network(I_bias=1.2)
    data["neuron"]["equations"] = data["neuron"]["equations"].replace("I_in)", "I_in + 0.001*g)") + "\ng : 1"
    data["plasticity"] |= {
        "equations": """
            dapre/dt = -apre / tau_plus : 1 (clock-driven)
            dapost/dt = -apost / tau_minus : 1 (clock-driven)
            dc/dt = (apre*apost - c) / tau_plus : 1 (clock-driven)
            g_post = c*w : 1 (summed)""",
        "method": "rk2",
    }
    return data


def istdp_rule(**more: Any) -> dict[str, Any]:
    """Inhibitory plasticity (Vogels et al. 2011), on weights without a unit."""
    return {
        "equations": "dx/dt = -x / tau_plus : 1 (event-driven)\ndapost/dt = -apost / tau_plus : 1 (event-driven)",
        "on_pre": "I_syn_post -= w\nx += 1\nw = clip(w + eta*(apost - 2*rho*tau_plus), w_min, w_max)",
        "on_post": "apost += 1\nw = clip(w + eta*x, w_min, w_max)",
        "w_min": 0.0, "w_max": 2.0, "tau_plus": {"distribution": "gamma", "mean": "15 ms", "cv": 0.3},
        "rho": {"distribution": "lognormal", "mean": "8 Hz", "cv": 0.4},
        "eta": {"distribution": "gamma", "mean": 0.004, "cv": 0.5},
    } | more  # fmt: skip


def two_rules() -> dict[str, Any]:
    """STDP of pairs between excitatory neurons, and inhibitory plasticity with names of its own and names in common."""
    data = base_network(I_bias=1.2)
    data["projections"]["IE"]["plastic"] = "istdp"
    data["plasticity"]["istdp"] = istdp_rule()
    return data


def three_named_rules() -> dict[str, Any]:
    """Triplets, inhibitory plasticity in conductances, and a clock-driven rule that sums: each has a name."""
    data = conductance()
    data["neuron"]["method"] = "exponential_euler"  # it asks for no input ahead of its time, so that runs go on
    pairs = data["plasticity"]
    inhibition = istdp_rule(
        on_pre="g_i_post += w\nx += 1\nw = clip(w + eta*(apost - 2*rho*tau_plus), w_min, w_max)",
        w_max="6 nS", w_min="0 nS", eta={"distribution": "gamma", "mean": "0.05 nS", "cv": 0.5},
    )  # fmt: skip
    data["neuron"]["equations"] = data["neuron"]["equations"].replace("I_b + I_in", "I_b + I_in + z*pA") + "\nz : 1"
    slow = {
        "equations": """
            dc/dt = -c / tau_plus : 1 (clock-driven)
            seen : 1
            z_post = c*w/nS : 1 (summed)""",
        "on_pre": "g_e_post += w\nc += 1",
        "on_post": "w = clip(w + eta*c, w_min, w_max)\nseen += 1",
        "w_min": "0 nS", "w_max": "2 nS", "eta": "0.02 nS", "tau_plus": "30 ms", "method": "rk2",
    }  # fmt: skip
    data["plasticity"] = {"pairs": pairs, "inhibition": inhibition, "slow": slow}
    for name, rule in {"EE": "pairs", "IE": "inhibition", "II": "inhibition", "EI": "slow"}.items():
        data["projections"][name]["plastic"] = rule
    return data


def two_triplets() -> dict[str, Any]:
    """Triplets at excitatory synapses, inhibitory plasticity whose events read and write both neurons."""
    data = triplet()
    data["projections"]["IE"]["plastic"] = "istdp"
    data["neuron"]["equations"] += "\ndact/dt = -act / tau_syn : 1"
    data["neuron"]["reset"] += "\nact += 1"
    # What one rule writes to neurons in a step, the other reads: which of them comes first counts.
    data["plasticity"]["on_pre"] = data["plasticity"]["on_pre"].replace("+= w", "+= w*(1 + 0.5*act_post)")
    data["plasticity"]["istdp"] = istdp_rule(
        on_pre="I_syn_post -= w\nact_post += 0.5*w\nx += 1\nw = clip(w + eta*(act_post - rho*tau_plus), w_min, w_max)",
        on_post="apost += 1\nw = clip(w + eta*x*(1 + 0.1*act_pre), w_min, w_max)",
    )
    return data


def with_time() -> dict[str, Any]:
    """Equations with t, and no refractory time."""
    data = base_network(I_bias=1.2)
    data["neuron"]["equations"] = """
        dv/dt = (v_rest - v + I_syn + I_bias + I_in + 0.05*sin(2*pi*5*Hz*t)) / tau_m : 1
        dI_syn/dt = -I_syn / tau_syn : 1"""
    data["neuron"]["refractory"] = ""
    _less(data, "t_ref")
    return data


def refractory_condition() -> dict[str, Any]:
    """Refractory as long as a condition holds, and membranes that go on all the same."""
    data = base_network(I_bias=1.2)
    data["neuron"]["refractory"] = "v < 0.05"
    data["neuron"]["equations"] = data["neuron"]["equations"].replace(" (unless refractory)", "")
    _less(data, "t_ref")
    return data


def reserved_names() -> dict[str, Any]:
    """Names that a source uses for itself."""
    data = base_network(I_bias=1.2)
    data["neuron"]["equations"] = """
        dv/dt = (v_rest - v + I_syn + I_bias + I_in - step*count) / tau_m : 1 (unless refractory)
        dI_syn/dt = -I_syn / tau_syn : 1
        dcount/dt = -count / row : 1
        own_count = count*neuron : 1
        neurons_v : 1"""
    data["neuron"]["reset"] = "v = v_reset\ncount += own_count*0.1 + 1\nneurons_v += 1"
    _more(data, step=0.05, row="50 ms", neuron=0.5)
    return data


def delayed_constantly() -> dict[str, Any]:
    """One delay for all excitatory synapses, another one, rounded up, for some inhibitory ones, none for the others."""
    data = base_network(I_bias=1.2)
    data["projections"]["EE"]["delay"] = data["projections"]["EI"]["delay"] = "4 ms"
    data["projections"]["IE"]["delay"] = "2.5 ms"
    data["projections"]["II"]["delay"] = "0 ms"
    return data


def delayed_stdp() -> dict[str, Any]:
    """A delay of its own for every synapse, and STDP that sees the delayed spikes; variables of the source, too."""
    data = both_ends()
    data["dt"] = "0.5 ms"
    for name, high in (("EE", "25 ms"), ("IE", "5 ms")):
        data["projections"][name]["delay"] = {"distribution": "uniform", "low": "0.5 ms", "high": high}
    return data


def delayed_conductance() -> dict[str, Any]:
    """Conductances at the end of delays that are skewed, up to hundreds of steps."""
    data = conductance()
    for name, mean in (("EE", "30 ms"), ("EI", "10 ms"), ("II", "8 ms")):
        data["projections"][name]["delay"] = {"distribution": "lognormal", "mean": mean, "cv": 0.4}
    return data


def delayed_later_reads() -> dict[str, Any]:
    """Events of delayed spikes where the order of statements over all synapses counts."""
    data = later_reads()
    data["projections"]["EE"]["delay"] = {"distribution": "truncated_normal", "mean": "8 ms", "cv": 0.4, "floor": 0.125}
    return data


def delayed_two_rules() -> dict[str, Any]:
    """Two rules of plasticity, each at the end of its own delays, and one projection without any."""
    data = two_rules()
    ends = [{"distribution": "constant", "value": "1 ms"}, {"distribution": "uniform", "low": "10 ms", "high": "20 ms"}]
    data["projections"]["EE"]["delay"] = {"distribution": "mixture", "weights": [1, 2], "components": ends}
    data["projections"]["IE"]["delay"] = {"distribution": "uniform", "low": "1 ms", "high": "6 ms"}
    return data


#: All of them by name.
OWN = {
    make.__name__: make
    for make in (
        extra_variable, adaptive, adaptive_exactly, functions, adex, conductance, triplet, both_ends, later_reads,
        clock_driven, two_rules, three_named_rules, two_triplets, with_time, refractory_condition, reserved_names,
        delayed_constantly, delayed_stdp, delayed_conductance, delayed_later_reads, delayed_two_rules,
    )
}  # fmt: skip


def own_network(name: str) -> Network:
    """One of them, loaded."""
    return Network.from_dict(OWN[name](), name)
