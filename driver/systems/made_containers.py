"""How the containers of a system were made: what heals compare with and restore. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from driver.engines.container_texts import NUMBER, SERVICE
from driver.engines.docker_answers import (
    CPU_PERIOD_US,
    RUNS,
    LabLayout,
    NetworkAttachment,
    attachments,
    container_state,
)
from driver.systems.compose_config import PREFIX

NO_MEMORY_LIMIT = 1 << 50
"""Set in place of no limit: the engine does not remove a limit of memory."""


class MadeContainer(msgspec.Struct, frozen=True):
    """One container once its system was up; `runs` is false for a job that had ended.

    `nano_cpus` and `quota_us` (of each 100 ms) are two ways to limit processor time; 0 is no limit, also of
    memory.
    """

    attachments: tuple[NetworkAttachment, ...] = ()
    runs: bool = True
    nano_cpus: int = 0
    quota_us: int = 0
    memory_bytes: int = 0
    memory_swap_bytes: int = 0


def replica_name(labels: Mapping[str, str]) -> str:
    """Return the name of a container by its labels: `api[2]`, or the service of a container of the lab's."""
    service = labels.get(SERVICE, "?")
    return service if service.startswith(PREFIX) else f"{service}[{labels.get(NUMBER, '?')}]"


def layout_of(made: Mapping[str, MadeContainer], project: str) -> LabLayout:
    """Return the names and networks of a system's containers. All networks of the project are under test."""

    def due_networks(labels: Mapping[str, str]) -> list[str]:
        ends = made.get(replica_name(labels), MadeContainer()).attachments
        return [end.network.removeprefix(f"{project}_") for end in ends]

    return LabLayout(replica_name, due_networks, lambda network: True)


def made_container(details: Mapping[str, Any], project: str) -> MadeContainer:
    """Return a container as it is now, from its details (`GET /containers/{id}/json`)."""
    limits = details["HostConfig"]
    period_us = limits.get("CpuPeriod") or CPU_PERIOD_US
    return MadeContainer(
        attachments=tuple(attachments(details, project, layout_of({}, project))),
        runs=details["State"]["Status"] in RUNS,
        nano_cpus=limits.get("NanoCpus") or 0,
        quota_us=max(0, limits.get("CpuQuota") or 0) * CPU_PERIOD_US // period_us,
        memory_bytes=max(0, limits.get("Memory") or 0),
        memory_swap_bytes=max(0, limits.get("MemorySwap") or 0),
    )


def degradations(details: Mapping[str, Any], project: str, made: Mapping[str, MadeContainer]) -> list[str]:
    """Return how a container differs from how it was made: its status, `unplugged`, `limited`.

    A container that its engine is restarting, and a job that has ended, are not degraded.
    """
    name = replica_name(details["Config"]["Labels"])
    was, now = made.get(name), container_state(details, project, layout_of(made, project))
    if was is None:
        return []
    found = []
    if now.status not in ("running", "restarting") and was.runs:
        found.append(now.status)
    if not now.plugged:
        found.append("unplugged")
    cpus = was.nano_cpus / 1e9 or was.quota_us / CPU_PERIOD_US or None
    memory_bytes = 0 if now.memory_bytes >= NO_MEMORY_LIMIT else now.memory_bytes
    if (now.cpus, memory_bytes) != (cpus, was.memory_bytes):
        found.append("limited")
    return found
