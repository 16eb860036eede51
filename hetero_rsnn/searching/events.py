"""What the events of a search must hold, so that a journal from elsewhere is read right or refused with its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.searching.objectives import AVERAGED, OBJECTIVES, Evaluation
from hetero_rsnn.searching.settings import Settings
from hetero_rsnn.searching.space import Space

#: Numbers of an evaluation that a measurement always has; the others may be null.
_ALWAYS = ("C", "S", "rate_hz", "violation", "seconds")
#: No measured number is beyond it, and sums of squares stay floats.
_MOST = 1e150


class Inspector:
    """Looks at the events of a search in turn, the header first, and refuses the first that is none.

    It knows which trials were asked and ended before: what each event says is checked by itself, and against those
    before it. Give it as `each` to `read_journal` or `Journal.resume`, which add file and line.
    """

    def __init__(self) -> None:
        self._space: Space | None = None
        self._settings: Settings | None = None
        self._states: list[str] = []
        self._again: set[int | None] = set()
        self._reference = False

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Look at the next event.

        Raises
        ------
        HeteroError
            If it cannot be one of a search, or not the next one.
        """
        if self._settings is None:
            self._header(event)
            return
        kinds: dict[str, Callable[[Mapping[str, Any], Settings], None]] = {
            "reference": self._alone,
            "asked": self._asked,
            "finished": self._ended,
            "failed": self._ended,
            "extended": self._extended,
            "remeasured": self._measured_again,
            "reference_remeasured": self._measured_again,
            "done": lambda event, settings: None,
        }
        kind = event["event"]
        if kind not in kinds:
            raise HeteroError(f"a search has no event {kind!r}{suggest(kind, kinds)}")
        kinds[kind](event, self._settings)

    def _header(self, event: Mapping[str, Any]) -> None:
        self._settings = _settings(_get(event, "settings"))
        _texts("versions", _get(event, "versions"))
        if "fingerprint" in event:
            _text("fingerprint", event["fingerprint"])
        definition = _get(event, "definition")
        if not isinstance(definition, Mapping):
            raise HeteroError(f"definition must be a space, got {_short(definition)}")
        try:
            self._space = Space.from_dict(definition)
        except HeteroError as error:
            raise HeteroError(f"definition: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise HeteroError(f"definition is no space: {type(error).__name__}: {error}") from None

    def _alone(self, event: Mapping[str, Any], settings: Settings) -> None:
        if self._reference:
            raise HeteroError("the homogeneous network was measured before")
        if self._states:
            raise HeteroError("the homogeneous network is measured before the trials")
        self._reference = True
        _evaluation(event, settings.seeds)

    def _asked(self, event: Mapping[str, Any], settings: Settings) -> None:
        number = _whole("trial", _get(event, "trial"))
        if number != len(self._states):
            raise HeteroError(f"trial is {number}, where {len(self._states)} is the next to be asked for")
        _whole("batch", _get(event, "batch"))
        if event.get("seconds") is not None:
            _real("seconds", event["seconds"], least=0.0)
        point = _get(event, "point")
        assert self._space is not None  # the header came before
        names = [d.name for d in self._space.dimensions]
        if not isinstance(point, Mapping) or list(point) != names:
            raise HeteroError(f"point must hold {', '.join(names)}, got {_short(point)}")
        self._space.check([_real(name, x) for name, x in point.items()])
        self._states.append("running")

    def _trial(self, event: Mapping[str, Any], state: str) -> int:
        number = _whole("trial", _get(event, "trial"))
        if number >= len(self._states):
            raise HeteroError(f"trial is {number}, and the last that was asked for is {len(self._states) - 1}")
        if self._states[number] != state:
            raise HeteroError(f"trial {number} is {self._states[number]} already, and was to be {state}")
        return number

    def _ended(self, event: Mapping[str, Any], settings: Settings) -> None:
        number = self._trial(event, "running")
        if event["event"] == "failed":
            _failure(event)
        else:
            _evaluation(event, settings.seeds)
        self._states[number] = event["event"]

    def _measured_again(self, event: Mapping[str, Any], settings: Settings) -> None:
        number = self._trial(event, "finished") if event["event"] == "remeasured" else None
        if number in self._again:
            raise HeteroError("it was measured again before")
        self._again.add(number)
        if "error" in event:
            _failure(event)
        else:
            _evaluation(event, settings.fresh_seeds)

    def _extended(self, event: Mapping[str, Any], settings: Settings) -> None:
        _whole("budget", _get(event, "budget"), least=settings.budget)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _get(event: Mapping[str, Any], name: str) -> Any:
    if name not in event:
        raise HeteroError(f"{name!r} is missing")
    return event[name]


def _whole(name: str, value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise HeteroError(f"{name} must be a whole number >= {least}, got {_short(value)}")
    return value


def _real(name: str, value: Any, least: float | None = None, most: float = math.inf) -> float:
    """A finite number as JSON has it: text is none, and neither are true and null."""
    number = units.finite(value)
    if number is None or (least is not None and number < least) or abs(number) > most:
        bound = "" if least is None else f" >= {least:g}"
        bound += "" if number is None or abs(number) <= most else f" and at most {most:g} in size"
        raise HeteroError(f"{name} must be a finite number{bound}, got {_short(value)}")
    return number


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise HeteroError(f"{name} must be text, got {_short(value)}")
    return value


def _texts(name: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(x, str) for x in value.values()):
        raise HeteroError(f"{name} must hold names and texts, got {_short(value)}")


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise HeteroError(f"{name} must be a list, got {_short(value)}")
    return value


def _failure(event: Mapping[str, Any]) -> None:
    _text("error", _get(event, "error"))
    _text("kind", _get(event, "kind"))
    if event.get("seconds") is not None:
        _real("seconds", event["seconds"], least=0.0)


def _evaluation(event: Mapping[str, Any], seeds: Sequence[int]) -> None:
    """What `Evaluation.from_event` reads, of these seeds."""
    for name, kind in Evaluation.__annotations__.items():
        if kind != "float":
            continue
        value = _get(event, name)
        if value is not None or name in _ALWAYS:
            _real(name, value, None if name in ("C", "E") else 0.0, _MOST)
    feasible = _get(event, "feasible")
    if not isinstance(feasible, bool):
        raise HeteroError(f"feasible must be true or false, got {_short(feasible)}")
    if feasible and event["E"] is None:
        raise HeteroError("feasible is true, and E is null: a network without E is not feasible")
    _text("reason", _get(event, "reason"))
    own = [_whole("seeds", seed) for seed in _list("seeds", _get(event, "seeds"))]
    if own != list(seeds):
        raise HeteroError(f"seeds are {_short(own)}, where the header has {_short(list(seeds))}")
    per_seed = _get(event, "per_seed")
    if not isinstance(per_seed, Mapping):
        raise HeteroError(f"per_seed must hold lists of numbers, got {_short(per_seed)}")
    for name in AVERAGED:
        if name not in per_seed:
            raise HeteroError(f"per_seed: {name!r} is missing")
    for name, values in per_seed.items():
        if len(_list(f"per_seed: {name}", values)) != len(own):
            raise HeteroError(f"per_seed: {name} must have {len(own)} numbers, one a seed, got {len(values)}")
        for value in values:
            if value is not None or name in _ALWAYS:
                _real(f"per_seed: {name}", value, 0.0 if name in ("S", "rate_hz") else None, _MOST)


def _settings(data: Any) -> Settings:
    """Settings as `Settings.to_dict` writes them."""
    if not isinstance(data, Mapping):
        raise HeteroError(f"settings must be a table, got {_short(data)}")
    for name in Settings.__dataclass_fields__:
        _get(data, name)
    checks.one_of("objective", data["objective"], OBJECTIVES)
    _text("method", data["method"])
    for name, least in (("budget", 1), ("initial", 1), ("batch", 1), ("seed", 0), ("remeasure", 0)):
        _whole(name, data[name], least)
    for name in ("seeds", "fresh_seeds"):
        seeds = [_whole(name, seed) for seed in _list(name, data[name])]
        if not seeds or len(set(seeds)) < len(seeds):
            raise HeteroError(f"{name} must be different whole numbers, got {_short(seeds)}")
    if data["c_min"] is not None:
        _real("c_min", data["c_min"], least=0.0)
    rate = [_real("rate", x, least=0.0) for x in _list("rate", data["rate"])]
    if len(rate) != 2 or not rate[0] < rate[1]:
        raise HeteroError(f"rate must be 0 <= lowest < highest in Hz, got {_short(data['rate'])}")
    _texts("measure", data["measure"])
    return Settings.from_dict(data)
