"""NEST as a competitor of the benchmark, on the arrays of a draw; run by an interpreter that has NEST.

    python nest_peer.py INPUT.npz OUTPUT.json [--seconds 2] [--rounds 5]
    python nest_peer.py INPUT.npz --serve [--horizon 600]

INPUT.npz holds (times in ms, potentials and currents in units of the distance from rest to threshold):

    n, dt, hold                                 scalars
    tau_m, tau_syn, t_ref, v_th, v_reset        (n,)
    i_const                                     (n,), v_rest + I_bias with v_rest = 0
    v_init                                      (n,), optional, initial potentials; 0 without it
    w_in                                        (n,) or (n, channels)
    u                                           (samples,) or (samples, channels), each sample held for `hold`
    static_pre, static_post, static_w           (static synapses,)
    plastic_pre, plastic_post, plastic_w        (plastic synapses,)

and, if there are plastic synapses,

    tau_plus, tau_minus, eta_plus, eta_minus    (plastic synapses,)
    w_min, w_max, mu                            scalars, shared by them

Other keys are ignored. With C_m = tau_m in numbers (pF, ms) a neuron has R = tau_m / C_m = 1: a current of 1 pA moves
the potential by 1 mV, and a spike of weight w adds w to the synaptic current. So every number is taken as it stands.
Without recurrent synapses, and with an input whose first sample is 0, NEST gives the spikes of hetero_rsnn exactly.

With ``--serve`` the network is built and "ready BUILD_SECONDS" printed; then each line "run SECONDS" on the standard
input is answered by a line of JSON, until "quit": so rounds can be interleaved with those of other competitors.
A round goes on where the last one ended, with the weights learned so far; the stimulus begins again when it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["PYNEST_QUIET"] = "1"  # before NEST: its banner would go to the standard output, which --serve speaks on
os.environ.setdefault("OMP_NUM_THREADS", "1")

import nest
import numpy as np

#: Untimed beginning, s: NEST touches much of its memory for the first time there.
WARM_UP = 0.2

DIFFERENCES = (
    "delays: NEST knows none below one step; all synapses have a delay of dt, so a spike acts one step later",
    "STDP: the delay counts as dendritic, so a post-synaptic spike reaches the synapse one step late; it potentiates "
    "as if it came one step later, does nothing if it leads by one step, and if it leads by more depresses as if by "
    "one step less",
    "STDP: a spike transmits the weight after its own depression, here it transmits the weight before",
    "tau_minus: NEST keeps it in the post-synaptic neuron; it is the mean over the neuron's plastic synapses, so its "
    "spread over synapses is lost (tau_plus, eta_plus and eta_minus are kept per synapse)",
    "integration: NEST integrates the decay of the synaptic current inside a step exactly, here the current is held "
    "for a step; a spike carries the charge w * tau_syn instead of w * dt / (1 - exp(-dt / tau_syn))",
    "threshold: NEST fires at v >= v_th, here at v > v_th",
    "refractory period: given to NEST one step shorter, because it holds the potential for t_ref / dt steps, "
    "here for t_ref / dt - 1; so both hold it equally long",
    "input: misses its first two steps (in the untimed warm-up), in which NEST's current generators cannot act yet",
)


def connect(pre: Any, post: Any, model: str, **parameters: Any) -> None:
    """Connect pairs of node ids; NEST wants every parameter as an array, shared ones too."""
    values = {key: np.broadcast_to(np.float64(value), len(pre)).copy() for key, value in parameters.items()}
    nest.Connect(pre, post, "one_to_one", {"synapse_model": model, **values})


class Peer:
    """The network of one file, built in NEST and ready to run.

    Parameters
    ----------
    data : dict of str to ndarray
        Content of INPUT.npz.
    horizon : float
        Simulated seconds for which there is input.

    Attributes
    ----------
    build_s : float
        Wall time of Create, Connect and Prepare.
    differences : list of str
        What NEST could not express.
    """

    def __init__(self, data: dict[str, Any], horizon: float) -> None:
        started = time.perf_counter()
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        self.n, self.dt = int(data["n"]), float(data["dt"])
        self.steps_left = round(horizon * 1e3 / self.dt)
        self.differences = list(DIFFERENCES)
        nest.resolution = self.dt
        nest.local_num_threads = 1
        neurons = self._neurons(data)
        self._synapses(data, neurons)
        self._input(data, neurons)
        # Every competitor keeps the spikes; a recorder in memory costs NEST a few per cent at most.
        self.recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, self.recorder, syn_spec={"delay": self.dt})
        nest.Prepare()
        self.build_s = time.perf_counter() - started

    def _neurons(self, data: dict[str, Any]) -> Any:
        tau_minus = np.full(self.n, 20.0)  # of no effect where no plastic synapse ends
        if len(data["plastic_w"]):
            count = np.bincount(data["plastic_post"], minlength=self.n)
            total = np.bincount(data["plastic_post"], weights=data["tau_minus"], minlength=self.n)
            np.divide(total, count, out=tau_minus, where=count > 0)
        # Rounded as in hetero_rsnn: down to the grid, after adding a thousandth of a step.
        steps = np.floor((data["t_ref"] + 1e-3 * self.dt) / self.dt)
        return nest.Create(
            "iaf_psc_exp",
            self.n,
            {
                "E_L": 0.0,
                "C_m": data["tau_m"],
                "tau_m": data["tau_m"],
                "tau_syn_ex": data["tau_syn"],
                "tau_syn_in": data["tau_syn"],
                "t_ref": np.maximum(steps - 1.0, 0.0) * self.dt,
                "V_th": data["v_th"],
                "V_reset": data["v_reset"],
                "V_m": data.get("v_init", np.zeros(self.n)),
                "I_e": data["i_const"],
                "tau_minus": tau_minus,
            },
        )

    def _synapses(self, data: dict[str, Any], neurons: Any) -> None:
        ids = np.asarray(neurons.tolist())
        if len(data["plastic_w"]):
            mu, w_min, w_max = float(data["mu"]), float(data["w_min"]), float(data["w_max"])
            if w_min != 0.0:
                self.differences.append(f"w_min: NEST's lower bound is 0, here it is {w_min:g}")
            # NEST's rule is written for w / w_max, which multiplies the rates by w_max ** (1 - mu).
            scale = w_max ** (mu - 1.0)
            rate = np.maximum(data["eta_plus"], 1e-12)  # depression is a multiple of it, so it may not be 0
            connect(
                ids[data["plastic_pre"]],
                ids[data["plastic_post"]],
                "stdp_synapse",
                delay=self.dt,
                weight=data["plastic_w"],
                tau_plus=data["tau_plus"],
                **{"lambda": rate * scale},
                alpha=data["eta_minus"] / rate,
                mu_plus=mu,
                mu_minus=mu,
                Wmax=w_max,
            )
        if len(data["static_w"]):
            pre, post = ids[data["static_pre"]], ids[data["static_post"]]
            connect(pre, post, "static_synapse", delay=self.dt, weight=data["static_w"])

    def _input(self, data: dict[str, Any], neurons: Any) -> None:
        """One generator a channel, with the input weights on its connections: W_in u without a generator a neuron."""
        ids = np.asarray(neurons.tolist())
        w_in, u = data["w_in"].reshape(self.n, -1), data["u"].reshape(len(data["u"]), -1)
        hold = float(data["hold"])
        samples = int(np.ceil(self.steps_left * self.dt / hold)) + 1
        # A current set for time t acts in the step after it. Times must be positive, so the first sample comes late.
        times = np.arange(samples) * hold - self.dt
        times[0] = self.dt
        keep = np.append(True, times[1:] > self.dt)
        for c in range(w_in.shape[1]):
            values = np.resize(u[:, c], samples)  # from the beginning again when it ends
            steps = {"amplitude_times": times[keep], "amplitude_values": values[keep]}
            generator = nest.Create("step_current_generator", params=steps)
            to = np.flatnonzero(w_in[:, c])
            if len(to):
                source = np.full(len(to), generator.tolist()[0])
                connect(source, ids[to], "static_synapse", delay=self.dt, weight=w_in[to, c])

    def run(self, seconds: float) -> dict[str, float]:
        """Advance the network; only the simulation is timed."""
        steps = round(seconds * 1e3 / self.dt)
        if steps > self.steps_left:
            raise SystemExit(f"there is input for {self.steps_left} steps more, not for {steps}: raise --horizon")
        self.steps_left -= steps
        before = self.recorder.n_events  # not set back to 0: NEST refuses that between Prepare and Cleanup
        started = time.perf_counter()
        nest.Run(steps * self.dt)
        wall = time.perf_counter() - started
        rate = (self.recorder.n_events - before) / self.n / (steps * self.dt * 1e-3)
        return {"ms_per_step": wall / steps * 1e3, "rate_hz": rate}


def serve(peer: Peer) -> None:
    """Answer "run SECONDS" on the standard input until "quit" or the end."""
    print(f"ready {peer.build_s:.6f}", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        if len(words) != 2 or words[0] != "run":
            raise SystemExit(f'expected "run SECONDS" or "quit", got {line.strip()!r}')
        print(json.dumps(peer.run(float(words[1]))), flush=True)


def main() -> None:
    """Time NEST on one file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("input", type=Path, help="arrays of a draw and of its input (npz)")
    parser.add_argument("output", type=Path, nargs="?", help="where to write the results (JSON)")
    parser.add_argument("--seconds", type=float, default=2.0, help="simulated time of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help="run on request, line by line")
    parser.add_argument("--horizon", type=float, default=600.0, help="simulated seconds that --serve has input for")
    args = parser.parse_args()
    if not args.serve and args.output is None:
        parser.error("OUTPUT.json is missing")
    with np.load(args.input) as file:
        data = {key: file[key] for key in file.files}
    peer = Peer(data, args.horizon if args.serve else WARM_UP + args.rounds * args.seconds)
    peer.run(WARM_UP)
    if args.serve:
        serve(peer)
    else:
        rounds = [peer.run(args.seconds) for _ in range(args.rounds)]
        result = {
            "version": nest.__version__,
            "build_s": peer.build_s,
            "run_ms_per_step": [r["ms_per_step"] for r in rounds],
            "rate_hz": float(np.mean([r["rate_hz"] for r in rounds])),
            "plastic_synapses": len(data["plastic_w"]),
            "static_synapses": len(data["static_w"]),
            "differences": peer.differences,
        }
        args.output.write_text(json.dumps(result, indent=2) + "\n")
    nest.Cleanup()


if __name__ == "__main__":
    main()
