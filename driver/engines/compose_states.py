"""States and events of one project's containers, as the Docker engine reports them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from driver.engines import cgroups, compose_reading
from driver.engines.cgroups import Held
from driver.engines.docker_sdk import DockerEvents, DockerSdk
from driver.engines.engine import EngineEvent, Standing

_THREADS = 8


class ComposeStates:
    """Reads states with one list call, and inspects a container only where the list does not say enough."""

    def __init__(self, sdk: DockerSdk, project: str) -> None:
        self._sdk = sdk
        self._project = project
        self._read: dict[str, Standing] = {}
        self._names: dict[str, str] = {}

    def read(self, closely: Collection[str]) -> dict[str, Standing]:
        """State of every container. Raises EngineError."""
        rows = {compose_reading.own_name(row["Labels"]): row for row in self._sdk.rows()}
        self._names = {row["Id"]: name for name, row in rows.items()}
        stale = [
            row["Id"]
            for name, row in rows.items()
            if name in closely or (read := self._read.get(row["Id"])) is None or read.status != row["State"]
        ]
        fresh = dict(zip(stale, self._inspect(stale), strict=True))
        self._read = {one: self._read[one] for one in self._names if one in self._read}
        self._read.update({one: state for one, state in fresh.items() if state is not None})
        local = self._sdk.is_local
        states = {}
        for name, row in rows.items():
            if (read := self._read.get(row["Id"])) is None:
                continue
            now = read if row["Id"] in fresh else compose_reading.state_in_row(row, read, self._project)
            states[name] = as_held(now, cgroups.held(row["Id"])) if local else now
        return states

    def frozen(self) -> dict[str, bool]:
        """Whether each container of the last read runs no code now, by this machine's files."""
        if not self._sdk.is_local:
            return {}
        held = {name: cgroups.held(one) for one, name in self._names.items()}
        return {name: now.frozen for name, now in held.items() if now is not None}

    def events(self, since_ns: int | None) -> ComposeEvents:
        """Changes of the project's containers, from `since_ns` (CLOCK_MONOTONIC) on. Raises EngineError."""
        # The engine counts in seconds: some events may come a second time.
        since_wall_s = None if since_ns is None else (since_ns + _wall_ahead_ns()) // 10**9
        return ComposeEvents(self._sdk.events(since_wall_s), self._event)

    def _inspect(self, ids: Collection[str]) -> list[Standing | None]:
        if not ids:
            return []
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(self._sdk.inspect_id, ids))
        return [None if one is None else compose_reading.standing(one, self._project) for one in found]

    def _event(self, raw: Mapping[str, Any]) -> EngineEvent | None:
        now_ns = time.monotonic_ns()
        # The clock of another machine says nothing about this one's.
        reported_ns = int(raw.get("timeNano", 0)) - _wall_ahead_ns() if self._sdk.is_local else now_ns
        return compose_reading.engine_event(raw, self._project, self._names, min(reported_ns, now_ns))


def as_held(state: Standing, held: Held | None) -> Standing:
    """A state with what the kernel says of it: who writes to a control group asks no engine."""
    if held is None or state.status not in ("running", "paused"):
        return state
    return replace(state, status="paused" if held.frozen else state.status, cpus=held.cpus)


class ComposeEvents:
    """The events of one project, made of the engine's raw ones."""

    def __init__(self, raw: DockerEvents, read: Callable[[Mapping[str, Any]], EngineEvent | None]) -> None:
        self._raw = raw
        self._read = read

    def __iter__(self) -> Iterator[EngineEvent]:
        for raw in self._raw:
            if (event := self._read(raw)) is not None:
                yield event

    def close(self) -> None:
        """End the iteration, also from another thread."""
        self._raw.close()


def _wall_ahead_ns() -> int:
    """How far the wall clock is ahead of CLOCK_MONOTONIC."""
    return time.time_ns() - time.monotonic_ns()
