"""Containers of the reference lab by the Docker API: limits from their labels, their order, journals."""

from __future__ import annotations

import io
import logging
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

from driver.engines import docker_answers
from driver.engines.cgroups import has_processes
from driver.engines.compose_clients import in_parallel, make_journal_folder
from driver.engines.compose_environment import JOURNAL_TARGET
from driver.engines.docker_answers import CPU_PERIOD_US
from driver.engines.docker_containers import DockerContainers
from driver.engines.docker_sdk import CONNECTIONS
from driver.engines.engine import JOURNALED, STOP_ORDER, Container, FaultEngine, Limits
from driver.errors import EngineError, EngineGoneError
from driver.histories.journal_folder import MAX_ENTRIES, MAX_JOURNAL_BYTES, own_journal

POLL_S = 0.01
_log = logging.getLogger("stormlab.stop")


class LabelledContainers(DockerContainers):
    """Implements LimitControl, degradations and OrderedStop for containers that were made from compose.yaml.

    Contracts and errors are those of `engine`.
    """

    def limit(self, name: str, limits: Limits) -> None:
        # In the API, 0 leaves a limit unchanged.
        quota_us = 0 if limits.cpus is None else round(limits.cpus * CPU_PERIOD_US)
        self._sdk.limit(name, quota_us, limits.memory_bytes or 0)

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        made = docker_answers.created_limits(self._sdk.inspect(name)["Config"]["Labels"])
        quota_us = -1 if made.cpus is None else round(made.cpus * CPU_PERIOD_US)
        self._sdk.limit(name, quota_us if cpus else 0, made.memory_bytes or 0 if memory else 0)

    def degradations(self) -> dict[str, list[str]]:
        names = [one.name for one in self.containers()]
        found = in_parallel(
            lambda name: docker_answers.degradations(self._sdk.inspect(name), self._project), names
        )
        return {name: what for name, what in zip(names, found, strict=True) if what}

    def fetch_journal(self, one: Container, into: Path) -> list[str]:
        """Copy the journal that a container keeps; return a sentence about each other file beside it."""
        if one.service not in JOURNALED:
            return []
        packed = self._sdk.archive(one.name, JOURNAL_TARGET, MAX_JOURNAL_BYTES)
        file = own_journal(Path(), one.name).name
        journal, others = journal_in_archive(packed, file)
        if journal is not None:
            (make_journal_folder(into, one.name) / file).write_bytes(journal)
        return [f"{one.name}: {other}" for other in others]


def stop_in_order(engine: FaultEngine, grace_s: float) -> None:
    """Stop all containers of an engine, those that others depend on last."""
    alive = _unpaused(engine)
    # A call waits until the engine has put its container away: of few at once, processes that could end are
    # not asked to.
    for group in STOP_ORDER:
        _stop(engine, [one for one in alive if one.service in group], grace_s)


def end_in_order(engine: LabelledContainers, grace_s: float) -> None:
    """End the processes of all containers of this machine, those that others depend on last.

    The engine is not waited for, which takes longer to put a container away than its process takes to end:
    the control groups show when it has. A container without such files is stopped, as is one whose process
    goes on.
    """
    alive = _unpaused(engine)
    for group in STOP_ORDER:
        left = [one for one in alive if one.service in group]
        ending = [one for one in left if has_processes(one.id)]
        in_parallel(lambda one: _terminate(engine, one.name), ending, CONNECTIONS)
        deadline = time.monotonic() + grace_s
        while any(has_processes(one.id) for one in ending) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        _stop(engine, [one for one in left if one not in ending], grace_s)
        _stop(engine, [one for one in ending if has_processes(one.id)], 0.0)


def _stop(engine: FaultEngine, some: Sequence[Container], grace_s: float) -> None:
    in_parallel(lambda one: engine.stop(one.name, grace_s), some, CONNECTIONS)


def _terminate(engine: LabelledContainers, name: str) -> None:
    try:
        engine.terminate(name)
    except EngineGoneError:
        raise
    except EngineError as error:
        # It has just ended by itself; one that has not is stopped.
        _log.debug("%s: %s", name, error)


def _unpaused(engine: FaultEngine) -> list[Container]:
    """Return the containers that run, none of which is paused any more."""
    alive = [one for one in engine.containers() if one.status in ("running", "paused")]
    in_parallel(engine.unpause, [one.name for one in alive if one.status == "paused"])
    return alive


def journal_in_archive(packed: bytes, name: str) -> tuple[bytes | None, list[str]]:
    """Return a container's journal from a tar archive of its folder, and a sentence about each other file."""
    journal, others = None, []
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            source = archive.extractfile(member) if member.isreg() else None
            if source is not None and member.name == f"{JOURNAL_TARGET[1:]}/{name}":
                journal = source.read()
            elif member.name != JOURNAL_TARGET[1:]:
                others.append(f"{member.name[:80]!r} left out")
    return journal, others[:MAX_ENTRIES]
