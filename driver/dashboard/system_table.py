"""The tables of `lab.py top --system`: a row a link, those in trouble first, and a row a container. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from driver.dashboard.system_model import ContainerRow, LinkRow, LiveState, short_s
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.nouns import counted

LINK_COLUMNS = ("link", "state", "to server", "to client", "tries", "last loss", "faults")
CONTAINER_COLUMNS = ("container", "state", "health", "restarts", "cpu", "memory", "faults")
_ORDER = (
    *(LiveState.one_side, LiveState.lost, LiveState.trying, LiveState.unknown, LiveState.connected),
    *(LiveState.idle, LiveState.unused),
)
_MARKS: Mapping[LiveState, str] = {
    LiveState.one_side: "bad",
    LiveState.lost: "bad",
    LiveState.trying: "warn",
    LiveState.connected: "good",
}
_WELL = (LiveState.connected, LiveState.idle, LiveState.unused)

Rows = tuple[list[list[str]], list[str]]
"""Rows of a table, and the mark of each."""


def link_rows(links: Sequence[LinkRow], max_rows: int) -> Rows:
    """Return the rows of links and their marks, at most `max_rows`; those that were never dialled have none.

    Where there are more links, those that are well and under no fault are one row for each pair.
    """
    used = [one for one in links if one.state is not LiveState.unused or one.faults]
    ordered = sorted(used, key=lambda one: (_ORDER.index(one.state), not one.faults, one.name))
    if len(ordered) <= max_rows:
        return [_link(one) for one in ordered], [_mark(one) for one in ordered]
    wanted = [one for one in ordered if one.state not in _WELL or one.faults]
    pairs: dict[str, list[LinkRow]] = {}
    for one in ordered:
        if one not in wanted:
            pairs.setdefault(one.pair, []).append(one)
    room = max(1, max_rows - len(pairs))
    shown = wanted[: room if len(wanted) <= room else max(1, room - 1)]
    rows = [_link(one) for one in shown]
    marks = [_mark(one) for one in shown]
    if left := len(wanted) - len(shown):
        rows.append([f"… and {left} more in trouble", *[""] * (len(LINK_COLUMNS) - 1)])
        marks.append("bad")
    for pair, same in sorted(pairs.items()):
        rows.append(_pair(pair, same))
        marks.append("good" if any(one.state is LiveState.connected for one in same) else "")
    return rows[:max_rows], marks[:max_rows]


def container_rows(containers: Sequence[ContainerRow]) -> Rows:
    """Return the rows of the services' containers, and of the lab's that are not well, and their marks."""
    shown = [one for one in containers if not one.is_own or not one.is_well]
    rows = [
        [
            one.name,
            one.state,
            one.health,
            str(one.restarts),
            "" if one.cpu_cores is None else f"{one.cpu_cores:.0%}",
            write(one.memory_bytes, Unit.bytes) if one.memory_bytes else "",
            ", ".join(one.faults),
        ]
        for one in shown
    ]
    return rows, ["bad" if not one.is_well else "warn" if one.faults else "good" for one in shown]


def summary_of(links: Sequence[LinkRow], containers: Sequence[ContainerRow], hint: str) -> str:
    """Return one line: links by state, containers that are not well, links under faults."""
    services = [one for one in containers if not one.is_own]
    unwell = sum(not one.is_well for one in services)
    under = sum(bool(one.faults) for one in links)
    states = [(state, sum(one.state is state for one in links)) for state in reversed(_ORDER)]
    parts = [
        hint,
        counted(len(links), "link"),
        *(f"{count} {state}" for state, count in states if count),
        f"{under} under faults" if under else "",
        counted(len(services), "container"),
        f"{unwell} not well" if unwell else "",
    ]
    return ", ".join(part for part in parts if part)


def as_json(links: Sequence[LinkRow], containers: Sequence[ContainerRow]) -> dict[str, object]:
    """Return the same for machines: rates in bytes a second, times in seconds."""
    return {"links": [asdict(one) for one in links], "containers": [asdict(one) for one in containers]}


def rate_text(bytes_per_s: float | None) -> str:
    """Return a rate in a few characters: `420 B`, `1.2 KB`; "" where it is not known."""
    if bytes_per_s is None:
        return ""
    for name, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if bytes_per_s >= size:
            return f"{bytes_per_s / size:.1f} {name}"
    return f"{bytes_per_s:.0f} B" if bytes_per_s >= 0.5 else "0"


def _mark(one: LinkRow) -> str:
    return "warn" if one.faults and one.state in _WELL else _MARKS.get(one.state, "")


def _link(one: LinkRow) -> list[str]:
    state = f"{one.state} ×{one.open}" if one.open > 1 else str(one.state)
    return [
        one.name,
        state,
        rate_text(one.to_server_per_s),
        rate_text(one.to_client_per_s),
        str(one.attempts),
        "" if one.loss is None else str(one.loss),
        ", ".join(one.faults),
    ]


def _pair(pair: str, links: Sequence[LinkRow]) -> list[str]:
    up = sum(one.state is LiveState.connected for one in links)
    last = min((one.loss for one in links if one.loss), key=lambda loss: loss.ago_s, default=None)
    return [
        f"{pair}, {len(links)} clients",
        f"{up} connected",
        rate_text(_total([one.to_server_per_s for one in links])),
        rate_text(_total([one.to_client_per_s for one in links])),
        str(sum(one.attempts for one in links)),
        "" if last is None else f"{last.kind} {short_s(last.ago_s)} ago",
        "",
    ]


def _total(rates: Sequence[float | None]) -> float | None:
    known = [one for one in rates if one is not None]
    return sum(known) if known else None
