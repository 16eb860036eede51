"""Whether a simulation may go on from a state or a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.recording import Recording, State, check_under_way


def check_same_draw(draw: Draw, recording: Recording) -> None:
    """Refuse a recording of another draw, or of the same one with other damage.

    A bare `State`, such as damage after training returns, does not say where it comes from and is not asked.
    """
    ours = list(draw.damage)
    # Recordings that are not ours say neither seed nor damage.
    seed = recording.provenance.get("seed", draw.seed)
    if recording.dt != draw.network.dt or seed != draw.seed:
        raise HeteroError(
            f"the recording comes from seed {seed} with dt = {recording.dt:g} ms, the draw has seed {draw.seed} and "
            f"dt = {draw.network.dt:g} ms: go on with the draw that was recorded"
        )
    theirs = recording.provenance.get("damage", [] if "seed" in recording.provenance else ours)
    if theirs != ours:
        raise HeteroError(
            f"the recording is of a network with {_damage(theirs)}, the draw has {_damage(ours)}: go on with the draw "
            "that was recorded, or for damage after it with the state that the damage returned"
        )


def _damage(notes: Any) -> str:
    return "; ".join(map(str, notes)) if isinstance(notes, list) and notes else "no damage"


def check_state(draw: Draw, state: State, known: Sequence[str]) -> None:
    """Refuse a state of another network, or one that lacks some of the `known` state variables."""
    lacking = [name for name in known if name not in state.variables]
    if lacking:
        raise HeteroError(
            f"the state lacks {', '.join(lacking)}, as that of a recording read from neo does: "
            "go on from what simulate returned or load_recording read"
        )
    if state.last_spike.size != draw.n or state.w.size != len(draw.plastic):
        raise HeteroError(
            f"the state is of a network with {state.last_spike.size} neurons and {state.w.size} plastic synapses, "
            f"the draw has {draw.n} and {len(draw.plastic)}: go on with the draw that the state came from"
        )
    check_under_way(state.under_way, draw.n, state.step)
