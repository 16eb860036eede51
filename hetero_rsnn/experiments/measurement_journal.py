"""The journal of a sweep or a comparison: a line for every measurement of a network on a seed.

The file is that of `jobs.journal`. Its header says which networks are measured and how; every further line holds what
`measure_seed` gave for one of them. Seeds are not part of the header, so that more of them may follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.common.files import path_of, plain
from hetero_rsnn.common.versions import versions
from hetero_rsnn.experiments.measurement_result import Measurement, SeedResult
from hetero_rsnn.jobs.journal import Event, Journal, read_journal, resumable
from hetero_rsnn.measures.operations import Operations
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.overrides import by_name
from hetero_rsnn.simulation.engine import DEFAULT, Engine

#: The key of a journal's header that says what it is the journal of: one of `KINDS`.
KIND = "measurements"
KINDS = ("comparison", "sweep")
#: What a header holds for resuming, and how messages call it.
_STUDY = {
    "networks": "networks are",
    "parameter": "parameter is",
    "values": "values are",
    "grid": "second parameter is",
    "points": "fingerprints are",
    "engine": "engine is",
}
_NUMBERS = tuple(f.name for f in fields(SeedResult) if f.type == "float")
#: Numbers that a measurement always has; the others may be null.
_ALWAYS = ("C", "S", "rate_hz", "silent_share")


def network_entry(network: Network) -> dict[str, Any]:
    """A network as a header holds it: enough to build it again, unless its arrays are given."""
    given = {} if network.arrays is None else {"note": network.note}
    definition = network.definition()
    return {"name": network.name, "fingerprint": network.fingerprint, "definition": definition, **given}


def network_of(path: str | Path, entry: Mapping[str, Any]) -> Network:
    """The network that an entry of a header tells of.

    Raises
    ------
    JournalError
        If its arrays were given: they lie in a file of their own; or if the entry was changed.
    """
    if "note" in entry:
        raise JournalError(
            f"{path} is of the trained network {entry['name']!r}, whose arrays lie in another file",
            fix="repeat the call that began it and resume, which measures nothing again",
        )
    try:
        network = Network.from_dict(entry["definition"], entry["name"])
    except HeteroError as error:
        raise JournalError(f"{path}: the definition of {entry['name']!r}: {error}") from None
    if network.fingerprint != entry["fingerprint"]:
        raise JournalError(
            f"{path} was changed: the definition of {entry['name']!r} has fingerprint {network.fingerprint}, and it "
            f"names {entry['fingerprint']}",
            fix="restore a copy",
        )
    return network


def event_of(network: Network, row: SeedResult, labels: Mapping[str, Any]) -> dict[str, Any]:
    """A measurement as an event; `labels` are for readers of the file."""
    return {"event": "measured", "network": network.fingerprint, **labels, **asdict(row)}


def row_of(event: Mapping[str, Any]) -> SeedResult:
    """The measurement that an event tells of, to the last bit.

    Strict JSON holds neither NaN nor infinity. A number that is null was NaN; H follows from its determinant, as in
    `heterogeneity`.
    """
    numbers = {name: math.nan if event[name] is None else float(event[name]) for name in _NUMBERS}
    determinant = {k: _number(v) for k, v in event["determinant"].items()}
    entropy = {k: 0.5 * math.log(d) if (d := determinant[k]) > 0 else -math.inf for k in event["H"]}
    return SeedResult(
        seed=event["seed"],
        **numbers,
        determinant=determinant,
        H=entropy,
        curve=tuple(map(_number, event["curve"])),
        seconds={k: _number(v) for k, v in event["seconds"].items()},
        reason=event["reason"],
        operations=None if event.get("operations") is None else Operations(**event["operations"]),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


class Inspector:
    """Looks at the events in turn, the header first, and refuses the first that cannot be one of measurements.

    Give it as `each` to `read_journal` or `Journal.resume`, which add file and line.
    """

    def __init__(self) -> None:
        self._points: set[str] = set()
        self._seen: set[tuple[str, int]] = set()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Look at the next event.

        Raises
        ------
        HeteroError
            If it is none of a sweep or a comparison, or repeats another.
        """
        if not self._points:
            self._header(event)
            return
        if event["event"] != "measured":
            raise HeteroError(f"measurements have no event {event['event']!r:.80}")
        network = _text("network", event)
        if network not in self._points:
            raise HeteroError(f"the header has no network {network!r:.80}")
        key = (network, checks.whole("seed", event.get("seed"), least=0))
        if key in self._seen:
            raise HeteroError(f"seed {key[1]} of this network was measured before")
        self._seen.add(key)
        for name in _NUMBERS:
            if name not in event:
                raise HeteroError(f"{name!r} is missing")
            if event[name] is not None or name in _ALWAYS:
                checks.real(name, event[name])
        _text("reason", event)
        determinant, entropy = _table("determinant", event), _table("H", event)
        if set(determinant) != set(entropy):
            raise HeteroError("determinant and H are not of the same parameters")
        for name, value in (*determinant.items(), *entropy.items(), *_table("seconds", event).items()):
            if value is not None:
                checks.real(name, value)
        for value in _list("curve", event):
            if value is not None:
                checks.real("a value of curve", value)
        if event.get("operations") is not None:  # older journals have none
            _operations(_table("operations", event))

    def _header(self, event: Mapping[str, Any]) -> None:
        if event.get(KIND) not in KINDS:
            raise JournalError("a journal of another kind, not one of measurements")
        for entry in _list("networks", event):
            if not isinstance(entry, Mapping):
                raise HeteroError(f"networks must be tables, got {entry!r:.80}")
            _text("name", entry)
            _text("fingerprint", entry)
            _table("definition", entry)
        self._points = {str(point) for point in _list("points", event)}
        engine = _table("engine", event)
        if set(engine) != set(DEFAULT.options):
            raise HeteroError(f"engine must have {', '.join(DEFAULT.options)}, got {', '.join(engine):.80}")
        Engine(**engine)
        if not self._points or not event["networks"]:
            raise HeteroError("networks and points must name at least one network, got none")
        if event[KIND] == "sweep":
            _text("parameter", event)
            _list("values", event)
            if event.get("grid") is not None:
                grid = _table("grid", event)
                _text("parameter", grid)
                _list("values", grid)


def _operations(table: Mapping[str, Any]) -> None:
    known = [f.name for f in fields(Operations)]
    if set(table) != set(known):
        raise HeteroError(f"operations must have {', '.join(known)}, got {', '.join(table):.200}")
    for name, value in table.items():
        checks.real(name, value, least=0.0)


def _text(name: str, table: Mapping[str, Any]) -> str:
    if not isinstance(table.get(name), str):
        raise HeteroError(f"{name} must be text, got {table.get(name)!r:.80}")
    return str(table[name])


def _list(name: str, table: Mapping[str, Any]) -> list[Any]:
    value = table.get(name)
    if not isinstance(value, list):
        raise HeteroError(f"{name} must be a list, got {value!r:.80}")
    return value


def _table(name: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    value = table.get(name)
    if not isinstance(value, Mapping):
        raise HeteroError(f"{name} must be a table, got {value!r:.80}")
    return value


class MeasurementLog:
    """Measurements that a journal holds, and takes: what `measure_many` asks as its `log`."""

    def __init__(self, journal: Journal, labels: Mapping[str, Mapping[str, Any]]) -> None:
        self._journal, self._labels = journal, labels
        self._rows = rows_of(journal.events)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, network: Network, seed: int) -> SeedResult | None:
        """The measurement of a network on a seed, if there is one."""
        return self._rows.get((network.fingerprint, seed))

    def keep(self, network: Network, row: SeedResult) -> None:
        """Write a measurement; when this returns, it is on the disk."""
        self._journal.append(event_of(network, row, self._labels.get(network.fingerprint, {})))
        self._rows[network.fingerprint, row.seed] = row


def rows_of(events: list[Event]) -> dict[tuple[str, int], SeedResult]:
    """The measurements among events, by fingerprint and seed."""
    return {(e["network"], e["seed"]): row_of(e) for e in events[1:]}


@contextmanager
def measurement_log(
    path: str | Path | None,
    resume: bool,
    kind: str,
    study: Mapping[str, Any],
    engine: Engine,
    labels: Mapping[str, Mapping[str, Any]],
) -> Iterator[MeasurementLog | None]:
    """The journal of a study, begun or gone on with; None without a path.

    Parameters
    ----------
    path : str, Path or None
    resume : bool
    kind : {"comparison", "sweep"}
    study : mapping
        What is measured, for the header; see `study_of`.
    engine : Engine
    labels : mapping of str to mapping
        What readers of the file are told of each network, by fingerprint.

    Raises
    ------
    JournalError
        If the journal exists (without `resume`), is missing (with it), or is of another study.
    """
    resume = checks.truth("resume", resume)
    if path is None:
        if resume:
            raise HeteroError("resume needs the journal to go on with", fix="give its path as journal")
        yield None
        return
    path = path_of("journal", path)
    header = {KIND: kind, **study, "engine": engine.options, "versions": versions()}
    log: MeasurementLog | None = None
    if resume:
        with Journal.resume(path, lambda found: _same(path, found, header), each=Inspector()) as journal:
            log = MeasurementLog(journal, labels)
            with resumable(lambda: True):
                yield log
        return
    try:
        with Journal.create(path, header) as journal, resumable(lambda: log):
            log = MeasurementLog(journal, labels)
            yield log
    except BaseException:
        if log is not None and not len(log):  # nothing was measured: the next try is not to stumble over it
            with suppress(OSError):
                path.unlink()
        raise


def study_of(bases: list[Network], points: list[Network], **more: Any) -> dict[str, Any]:
    """What the header says of the networks: those that were given, and all that are measured by fingerprint."""
    fingerprints = list(dict.fromkeys(network.fingerprint for network in points))
    return {"networks": [network_entry(network) for network in bases], **more, "points": fingerprints}


def read_measurements(path: str | Path, kind: str) -> tuple[Event, dict[tuple[str, int], SeedResult]]:
    """The header of a journal and its measurements, even while they are being made.

    Raises
    ------
    JournalError
        If it cannot be read, or is of another kind.
    """
    events = read_journal(path, each=Inspector())
    if events[0][KIND] != kind:
        raise JournalError(f"{path} is the journal of a {events[0][KIND]}, not of a {kind}", fix="read it as such")
    return events[0], rows_of(events)


def complete_seeds(path: str | Path, points: list[Network], rows: Mapping[tuple[str, int], SeedResult]) -> list[int]:
    """The seeds on which all networks were measured, since only those are paired.

    Raises
    ------
    JournalError
        If there is none yet.
    """
    seeds = sorted({seed for _, seed in rows})
    whole = [seed for seed in seeds if all((network.fingerprint, seed) in rows for network in points)]
    if not whole:
        raise JournalError(
            f"{path} has no seed yet on which all networks were measured, but {len(rows)} measurements",
            fix="resume it, or wait",
        )
    return whole


def measurements_of(
    networks: list[Network], seeds: list[int], rows: dict[tuple[str, int], SeedResult], engine: Engine
) -> list[Measurement]:
    """Rows that a journal holds, put together as `measure_many` returns them."""
    return [
        Measurement(network, tuple(rows[network.fingerprint, seed] for seed in seeds), engine.backend, engine.precision)
        for network in networks
    ]


def _same(path: str | Path, header: Event, wanted: Mapping[str, Any]) -> None:
    """Refuse the journal of another study, and name what differs."""
    kind = wanted[KIND]
    if header[KIND] != kind:
        raise JournalError(f"{path} is the journal of a {header[KIND]}, not of a {kind}", fix="choose another path")
    wrote, now = header.get("versions", {}).get("hetero-rsnn"), wanted["versions"]["hetero-rsnn"]
    if wrote != now:
        raise JournalError(
            f"{path} was written by version {wrote} of hetero-rsnn, this is {now}, and one {kind} is not to mix them",
            fix="install that version, or start a new journal",
        )
    _same_networks(path, header["networks"], wanted["networks"])
    for key, words in _STUDY.items():
        there, own = (_shown(key, table.get(key)) for table in (header, wanted))
        if there != own:
            raise JournalError(
                f"{path} is of another {kind}: its {words} {there}, not {own}",
                fix="give the same, or choose another path",
            )


def _same_networks(path: str | Path, there: list[Any], own: list[Any]) -> None:
    """Name the value in which a network of the journal differs from ours of the same name."""
    for entry in own:
        other = next((e for e in there if e["name"] == entry["name"]), entry)
        if other["fingerprint"] == entry["fingerprint"]:
            continue
        then, now = by_name(other["definition"]), by_name(plain(entry["definition"]))
        for key in then | now:
            if key != "description" and not isinstance(now.get(key), Mapping) and then.get(key) != now.get(key):
                raise JournalError(
                    f"{path} is of another network {entry['name']!r}: its {key} is {then.get(key)!r:.80}, not "
                    f"{now.get(key)!r:.80}",
                    fix="give the same, or choose another path",
                )


def _shown(key: str, value: Any) -> str:
    """A part of a header as messages show it; equal texts mean equal parts."""
    if key == "networks":
        return ", ".join(sorted(f"{entry['name']} ({entry['fingerprint']})" for entry in value))
    if key == "grid":
        return "none" if value is None else f"{value['parameter']} = {', '.join(value['values'])}"
    if key == "points":
        return ", ".join(sorted(value))
    if key == "engine":
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
