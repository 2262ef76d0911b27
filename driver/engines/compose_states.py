"""States and events of one project's containers, from the Docker API and from control groups."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from driver.engines import cgroups, docker_answers
from driver.engines.cgroups import CgroupState
from driver.engines.docker_answers import REFERENCE, LabLayout
from driver.engines.docker_sdk import DockerEvents, DockerSdk
from driver.engines.engine import ContainerState, EngineEvent

_THREADS = 8


class ComposeStates:
    """Reads states with one list call, and inspects a container only where the list lacks something."""

    def __init__(self, sdk: DockerSdk, project: str, layout: LabLayout = REFERENCE) -> None:
        self._sdk = sdk
        self._layout = layout
        self._project = project
        self._read: dict[str, ContainerState] = {}
        self._names: dict[str, str] = {}

    def read(self, closely: Collection[str]) -> dict[str, ContainerState]:
        """Return the state of every container, as `ContainerReader.states` does. Raises EngineError."""
        summaries = {self._layout.name(one["Labels"]): one for one in self._sdk.summaries()}
        self._names = {one["Id"]: name for name, one in summaries.items()}
        stale = [
            one["Id"]
            for name, one in summaries.items()
            if name in closely or (read := self._read.get(one["Id"])) is None or read.status != one["State"]
        ]
        fresh = dict(zip(stale, self._inspect(stale), strict=True))
        self._read = {one: self._read[one] for one in self._names if one in self._read}
        self._read.update({one: state for one, state in fresh.items() if state is not None})
        local = self._sdk.is_local
        states = {}
        for name, one in summaries.items():
            if (read := self._read.get(one["Id"])) is None:
                continue
            now = (
                read
                if one["Id"] in fresh
                else docker_answers.updated_state(one, read, self._project, self._layout)
            )
            states[name] = with_cgroup(now, cgroups.read_state(one["Id"])) if local else now
        return states

    def frozen(self) -> dict[str, bool]:
        """Return whether each container of the last `read` is frozen now, by its control group."""
        if not self._sdk.is_local:
            return {}
        states = {name: cgroups.read_state(one) for one, name in self._names.items()}
        return {name: state.frozen for name, state in states.items() if state is not None}

    def events(self, since_ns: int | None) -> ComposeEvents:
        """Open a stream of events, from `since_ns` (CLOCK_MONOTONIC) on. Raises EngineError."""
        # The API counts in seconds, so some events may be repeated.
        since_wall_s = None if since_ns is None else (since_ns + _wall_ahead_ns()) // 10**9
        return ComposeEvents(self._sdk.events(since_wall_s), self._event)

    def _inspect(self, ids: Collection[str]) -> list[ContainerState | None]:
        if not ids:
            return []
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(self._sdk.inspect_id, ids))
        return [None if one is None else self._state(one) for one in found]

    def _updated(self, summary: Mapping[str, Any], read: ContainerState) -> ContainerState:
        return docker_answers.updated_state(summary, read, self._project, self._layout)

    def _state(self, details: Mapping[str, Any]) -> ContainerState:
        return docker_answers.container_state(details, self._project, self._layout)

    def _event(self, raw: Mapping[str, Any]) -> EngineEvent | None:
        now_ns = time.monotonic_ns()
        # The wall clock of another machine is unrelated to this machine's.
        reported_ns = int(raw.get("timeNano", 0)) - _wall_ahead_ns() if self._sdk.is_local else now_ns
        return docker_answers.engine_event(
            raw, self._project, self._names, min(reported_ns, now_ns), self._layout
        )


def with_cgroup(state: ContainerState, cgroup: CgroupState | None) -> ContainerState:
    """Return a state with pause and limit of the control group, which can change without the engine."""
    if cgroup is None or state.status not in ("running", "paused"):
        return state
    return replace(state, status="paused" if cgroup.frozen else state.status, cpus=cgroup.cpus)


class ComposeEvents:
    """Events of one project, translated from the Docker API's."""

    def __init__(self, raw: DockerEvents, read: Callable[[Mapping[str, Any]], EngineEvent | None]) -> None:
        self._raw = raw
        self._read = read

    def __iter__(self) -> Iterator[EngineEvent]:
        """Yield each event of the project. Raises EngineGoneError when the engine ends the stream."""
        for raw in self._raw:
            if (event := self._read(raw)) is not None:
                yield event

    def close(self) -> None:
        """End the iteration, also from another thread."""
        self._raw.close()


def _wall_ahead_ns() -> int:
    """Return the wall clock minus CLOCK_MONOTONIC."""
    return time.time_ns() - time.monotonic_ns()
