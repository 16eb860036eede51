"""Learning to act: an update of TD3, the actor alone, one action, against a plain loop of torch; where the time goes.

    python benchmarks/control.py [--environment HalfCheetah-v5] [--rounds 15] [--toy] [--out results/control.json]

The plain loop (control_plain.py) is organised as the public code of Pop-SAN is. Both have the same sizes, numbers and
batches of 100; before anything is timed, their spikes, actions and gradients must be equal in double precision, and the
critics after some updates close in single precision. One thread, all in one process, in turns; seconds are those of the
processor, which a busy machine stretches less; what counts is the median over rounds of the ratio of neighbouring
times. The package goes from spike to spike, so that its time depends on how many there are: everything is measured with
weights as they are drawn, and again after a training. A target network moves, and the actor learns, in every second
update: times are of one update, as the mean of two.

An action is one observation, normalised, without gradient: by a policy with all its checks, and as a training calls it.
Several seeds are trainings in processes of their own, begun together, with environment and updates, tests left away, by
the clock on the wall.
It needs torch and gymnasium (extra rl).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import common
import numpy as np
import torch
from control_plain import PlainActor, PlainLearner
from gradient import Competitor

import hetero_rsnn as hr
from hetero_rsnn.control.acting import Acting
from hetero_rsnn.control.environments import make_environment
from hetero_rsnn.control.td3 import Learner, approach, unit_actions

#: What was hoped for: times as fast as the plain loop, and milliseconds of an action.
AIMS = {"update": 2.0, "acting": 20.0, "acting_ms": 0.03}
#: Steps before the first update, and of the training after which everything is measured again.
BEFORE, TRAINED = 1000, 3000


def settings(toy: bool) -> hr.ControlSettings:
    """Those of the public code, but for a short time of random actions; sizes of a toy if that is wanted."""
    usual: dict[str, Any] = {"steps": 10**6, "buffer_size": 10**5, "random_steps": BEFORE, "update_after": BEFORE}
    if not toy:
        return hr.ControlSettings(hr.ActorSettings(), test_every=10**6, **usual)
    small = hr.ActorSettings(hidden=(16, 16), population=4)
    usual |= {"random_steps": 100, "update_after": 100, "update_every": 10}
    return hr.ControlSettings(small, critic_hidden=(16, 16), batch_size=8, test_every=10**6, **usual)


def again(training: hr.ControlTraining) -> Learner:
    """A copy of what learns."""
    env = training.environment
    copy = Learner(training.settings, env.observations, env.low, env.high, training.seed)
    copy.take(training.learner.arrays())
    return copy


def memory_of(training: hr.ControlTraining) -> dict[str, Any]:
    """Transitions and statistics as plain arrays."""
    rows, n = training.replay.rows(0, len(training.replay)), training.environment.observations
    known = training.normaliser
    mean, sd = known.mean.astype(np.float32), known.sd.astype(np.float32)
    return {
        "before": rows[:, :n].copy(), "after": rows[:, n : 2 * n].copy(), "actions": rows[:, 2 * n : -2].copy(),
        "rewards": rows[:, -2].copy(), "ended": rows[:, -1].copy(), "mean": mean, "sd": sd, "clip": known.clip,
    }  # fmt: skip


def check(training: hr.ControlTraining) -> None:
    """Refuse to time what does not compute the same."""
    mine = again(training)
    mine.actor.double()
    plain = PlainActor(mine.actor).double()
    generator = np.random.default_rng(0)
    x = torch.from_numpy(np.clip(generator.normal(size=(50, training.environment.observations)), -3, 3))
    a, b = unit_actions(mine.actor, x), plain(x)
    into = torch.from_numpy(generator.normal(size=tuple(a.shape)))
    a.backward(into), b.backward(into)
    gradients = zip(
        (mine.actor.encoder.mean, mine.actor.layers[0].weight, mine.actor.decoder.weight),
        (plain.mean, plain.layers[0].weight.T, plain.out_weight),
        (plain.mean.grad, plain.layers[0].weight.grad.T, plain.out_weight.grad), strict=True,
    )  # fmt: skip
    same = torch.allclose(a, b, rtol=0, atol=1e-12)
    for own, _, other in gradients:
        same &= torch.allclose(own.grad, other, rtol=1e-8, atol=1e-10)
    if not (same and float(plain.layers[0].weight.grad.abs().max()) > 0):
        raise SystemExit("the actors differ")
    ours, theirs = again(training), PlainLearner(training.learner)
    memory, randoms = memory_of(training), [np.random.default_rng(1) for _ in range(2)]
    for _ in range(6):
        ours.update(training.replay, training.normaliser, randoms[0])
        theirs.update(memory, randoms[1])
    batch = theirs.draw(memory, np.random.default_rng(2))
    with torch.no_grad():
        found = ours.critics(torch.cat([batch["before"], batch["actions"]], 1))
        wanted = torch.stack([critic(batch["before"], batch["actions"]) for critic in theirs.critics])
        moved = (wanted - training.learner.critics(torch.cat([batch["before"], batch["actions"]], 1))).abs().mean()
    # A spike may fall otherwise in single precision; that moves an actor little, and the critics hardly at all.
    if not float((found - wanted).abs().mean()) < 0.01 * float(moved):
        raise SystemExit("the updates differ")


def contest(cases: dict[str, Callable[[], object]], rounds: int, seconds: float, calls: int = 1) -> dict[str, Any]:
    """Seconds of each, and how many times as long as the first one the others take."""
    times = common.interleaved(
        {name: common.timed(work, seconds, time.process_time) for name, work in cases.items()}, rounds
    )
    times = {name: [t / calls for t in values] for name, values in times.items()}
    first = next(iter(times))
    return {
        "seconds": {name: common.summarise(values) for name, values in times.items()},
        "ratio": {
            name: statistics.median(a / b for a, b in zip(values, times[first], strict=True))
            for name, values in times.items() if name != first
        },
    }  # fmt: skip


def twice(update: Callable[..., object], *arguments: Any) -> Callable[[], None]:
    """Two updates: one of the critics alone, and one of the actor too."""

    def run() -> None:
        for _ in range(2):
            update(*arguments)

    return run


def measured(training: hr.ControlTraining, rounds: int, seconds: float) -> dict[str, Any]:
    """Updates, the actor alone, actions, and the parts of an update, with the weights of a training."""
    ours, theirs, memory = again(training), PlainLearner(training.learner), memory_of(training)
    random = np.random.default_rng(3)
    batch = theirs.draw(memory, random)
    x, into = batch["before"], torch.from_numpy(random.normal(size=batch["actions"].shape).astype(np.float32))
    plain = PlainActor(training.learner.actor)

    def forth_and_back(actor: Callable[[Any], Any]) -> None:
        actor(x).backward(into)

    out: dict[str, Any] = {"update": contest({
        "package": twice(ours.update, training.replay, training.normaliser, random),
        "plain loop": twice(theirs.update, memory, random),
    }, rounds, seconds, 2)}  # fmt: skip
    own = again(training)
    out["actor"] = contest({
        "package": lambda: forth_and_back(lambda given: unit_actions(own.actor, given)),
        "plain loop": lambda: forth_and_back(plain),
    }, rounds, seconds)  # fmt: skip
    policy, known = training.policy(), training.normaliser
    direct = Acting(own.actor.arrays(), mean=known.mean, sd=known.sd, clip=known.clip)
    seen = memory["before"].astype(np.float64)[:512]
    turn = iter(range(10**12))

    def of_torch() -> object:
        given = known(seen[next(turn) % len(seen)])
        with torch.no_grad():
            return plain(torch.as_tensor(given, dtype=torch.float32)[None])[0].numpy()

    out["acting"] = contest({
        "policy": lambda: policy(seen[next(turn) % len(seen)]), "plain loop": of_torch,
        "in a training": lambda: direct(seen[next(turn) % len(seen)]),
    }, rounds, seconds)  # fmt: skip
    counts = []
    for observation in seen:
        policy(observation)
        counts.append(policy.layer_spikes)
    out["spikes"] = np.mean(counts, axis=0).tolist()
    neurons = [own.actor.encoder.mean.numel(), *(layer.weight.shape[1] for layer in own.actor.layers)]
    out["share_that_fires"] = [s / n / own.actor.encoder.steps for s, n in zip(out["spikes"], neurons, strict=True)]
    out["parts"] = parts(training, rounds, seconds)
    return out


def parts(training: hr.ControlTraining, rounds: int, seconds: float) -> dict[str, Any]:
    """Seconds that each part of an update takes in one update, as the mean of two; in package and plain loop."""
    mine, theirs, memory = again(training), PlainLearner(training.learner), memory_of(training)
    random = np.random.default_rng(4)
    batch = theirs.draw(memory, random)
    x, actions, share = batch["before"], batch["actions"], 1 - training.settings.polyak
    both, leaf = torch.cat([x, actions], 1), actions.clone().requires_grad_()
    size, known = training.settings.batch_size, training.normaliser
    adams = {
        name: (torch.optim.Adam(a.parameters(), fused=True), torch.optim.Adam(b.parameters()))
        for name, a, b in (("actor", mine.actor, theirs.actor), ("critics", mine.critics, theirs.critics))
    }

    def without_gradient(work: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            with torch.no_grad():
                return work()

        return run

    def approaching() -> None:
        approach(mine.target_critics, mine.critics, share)
        approach(mine.target_actor, mine.actor, share)

    # Name -> how often in an update, package, plain loop. Gradients of the first ones are what optimisers take.
    cases: dict[str, tuple[float, Callable[[], object], Callable[[], object]]] = {
        "actor, with gradient": (0.5, lambda: unit_actions(mine.actor, x).backward(actions),
                                 lambda: theirs.actor(x).backward(actions)),
        "target's actor": (1, without_gradient(lambda: unit_actions(mine.target_actor, x)),
                           without_gradient(lambda: theirs.target_actor(x))),
        "critics, with gradient": (1, lambda: mine.critics(both).square().mean(1).sum().backward(),
                                   lambda: sum(c(x, actions).square().mean() for c in theirs.critics).backward()),
        "critic of the actor": (0.5, lambda: mine.critics.first(torch.cat([x, leaf], 1)).mean().backward(),
                                lambda: theirs.critics[0](x, leaf).mean().backward()),
        "target's critics": (1, without_gradient(lambda: mine.target_critics(both)),
                             without_gradient(lambda: [c(x, actions) for c in theirs.target_critics])),
        "Adam of the critics": (1, adams["critics"][0].step, adams["critics"][1].step),
        "Adam of the actor": (0.5, adams["actor"][0].step, adams["actor"][1].step),
        "targets follow": (0.5, approaching, theirs.follow),
        "drawing a batch": (1, lambda: training.replay.draw(random, size, known),
                            lambda: theirs.draw(memory, random)),
    }  # fmt: skip
    out = {}
    for name, (often, own, other) in cases.items():
        found = contest({"package": own, "plain loop": other}, rounds, seconds)["seconds"]
        out[name] = {who: often * times["median"] for who, times in found.items()}
    return out


def whole_steps(name: str, training: hr.ControlTraining, rounds: int, count: int) -> dict[str, Any]:
    """Seconds of a step of a training, with one update, and of the environment and an action in it."""
    env, policy = make_environment(name), training.policy()
    seen, actions = env.reset(0), []
    for _ in range(count):
        actions.append(policy(seen))
        seen, _, ended, cut = env.step(actions[-1])
        if ended or cut:
            break
    length = len(actions)

    def of_environment() -> float:
        env.reset(0)
        begin = time.process_time()
        for action in actions:
            env.step(action)
        return (time.process_time() - begin) / length

    def of_training() -> float:
        begin = time.process_time()
        training.run(until=training.step + count)
        return (time.process_time() - begin) / count

    times = common.interleaved({"environment": of_environment, "training": of_training}, rounds)
    env.close()
    return {who: common.summarise(values) for who, values in times.items()}


def serve(name: str, seed: int, toy: bool) -> None:
    """Train on request: each line of standard input is a number of steps, the answer is what they took."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an environment prints is no answer
    training = hr.ControlTraining(name, settings(toy), seed)
    training.run(until=training.settings.update_after)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        training.run(until=training.step + int(line))
        print(time.perf_counter() - begin, file=answers, flush=True)


def several(name: str, toy: bool, rounds: int, count: int) -> dict[str, Any]:
    """Steps a second of all trainings together, by how many there are at a time."""
    from hetero_rsnn.jobs.parallel import cores

    numbers = [1, 2] if cores() < 4 else [1, 2, cores()]
    call = [sys.executable, __file__, "--environment", name, *(["--toy"] if toy else [])]
    running = [Competitor([*call, "--serve", str(seed)]) for seed in range(numbers[-1])]

    def together(number: int) -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(number) as pool:
            list(pool.map(lambda competitor: competitor.ask(str(count)), running[:number]))
        return number * count / (time.perf_counter() - begin)

    together(numbers[-1])  # all are warm
    speeds = common.interleaved({str(k): (lambda k=k: together(k)) for k in numbers}, rounds)  # type: ignore[misc]
    for competitor in running:
        competitor.close()
    ratios = {k: statistics.median(a / b for a, b in zip(v, speeds["1"], strict=True)) for k, v in speeds.items()}
    return {"steps_a_second": {k: common.summarise(v) for k, v in speeds.items()}, "ratio": ratios}


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """What was hoped for, and what came of it, with the weights for which it is worse."""
    states = [found["as drawn"], found["trained"]]
    reached = {
        "update": min(s["update"]["ratio"]["plain loop"] for s in states),
        "acting": min(s["acting"]["ratio"]["plain loop"] for s in states),
        "acting_ms": max(1e3 * s["acting"]["seconds"]["policy"]["median"] for s in states),
    }
    met = {k: v <= AIMS[k] if k == "acting_ms" else v >= AIMS[k] for k, v in reached.items()}
    return {k: {"aim": AIMS[k], "found": v, "met": met[k]} for k, v in reached.items()}


def table(found: dict[str, Any]) -> list[str]:
    """Where the time of a step of a training goes, after the training: lines of a table, in ms."""
    state, steps = found["trained"], found["steps"]
    lines = ["| part of a step | package (ms) | plain loop (ms) |", "|---|---|---|"]
    for name, seconds in state["parts"].items():
        lines.append(f"| {name} | {1e3 * seconds['package']:.3f} | {1e3 * seconds['plain loop']:.3f} |")
    sums = {who: sum(part[who] for part in state["parts"].values()) for who in ("package", "plain loop")}
    whole = {who: times["median"] for who, times in state["update"]["seconds"].items()}
    lines.append(f"| sum of these | {1e3 * sums['package']:.3f} | {1e3 * sums['plain loop']:.3f} |")
    lines.append(f"| one update | {1e3 * whole['package']:.3f} | {1e3 * whole['plain loop']:.3f} |")
    acting = state["acting"]["seconds"]
    lines.append(
        f"| an action | {1e3 * acting['in a training']['median']:.4f} | {1e3 * acting['plain loop']['median']:.4f} |"
    )
    lines.append(f"| environment | {1e3 * steps['environment']['median']:.3f} | |")
    lines.append(f"| whole step of a training | {1e3 * steps['training']['median']:.3f} | |")
    return lines


def show(name: str, found: dict[str, Any]) -> None:
    """Print what was measured with one state of the weights."""
    print(f"{name}: {sum(found['spikes']):.0f} spikes an action; of neurons fire in a step", end=" ")
    print(", ".join(f"{100 * share:.1f} %" for share in found["share_that_fires"]))
    for what in ("update", "actor", "acting"):
        first = next(iter(found[what]["seconds"]))
        ms = 1e3 * found[what]["seconds"][first]["median"]
        print(f"  {what:<8} {ms:9.4f} ms, plain loop {found[what]['ratio']['plain loop']:.1f} x", flush=True)


def main() -> None:
    """Run what is asked for."""
    parser = common.parser(__doc__, "results/control.json", rounds=15)
    parser.add_argument("--environment", default=None, help="default: HalfCheetah-v5; a toy takes Pendulum-v1")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    name = args.environment or ("Pendulum-v1" if args.toy else "HalfCheetah-v5")
    if args.serve is not None:
        serve(name, args.serve, args.toy)
        return
    rounds, seconds, count = (1, 1e-4, 20) if args.toy else (args.rounds, 0.05, 200)
    training = hr.ControlTraining(name, settings(args.toy), seed=0)
    training.run(until=training.settings.update_after - 1)  # before the first update
    check(training)
    results = common.provenance(toy=args.toy, environment=name, rounds=rounds, torch=torch.__version__)
    results |= {"settings": training.settings.to_dict(), "as drawn": measured(training, rounds, seconds)}
    show("as drawn", results["as drawn"])
    training.run(until=training.settings.update_after + (100 if args.toy else TRAINED))
    results |= {"trained_steps": training.step, "trained": measured(training, rounds, seconds)}
    show(f"after {training.step} steps", results["trained"])
    results["steps"] = whole_steps(name, training, rounds, count)
    results["several"] = several(name, args.toy, max(1, rounds // 3), count)
    for k, ratio in results["several"]["ratio"].items():
        speed = results["several"]["steps_a_second"][k]["median"]
        print(f"  {k} seeds at a time: {speed:.0f} steps a second, {ratio:.2f} x")
    results["targets"] = judged(results)
    print("\n".join(table(results)))
    for what, target in results["targets"].items():
        print(f"{what}: {target['found']:.3g} (hoped for: {target['aim']:g}; {'met' if target['met'] else 'missed'})")
    common.write(args.out, results)


if __name__ == "__main__":
    main()
