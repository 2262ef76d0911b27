"""Containers of several Docker engines, over the overlay network of their swarm."""

from __future__ import annotations

import os
from pathlib import Path

from driver.engines.engine import Abilities, BuildEnvironment, Engine
from driver.engines.engine_kind import EngineKind
from driver.engines.hosts import ENGINE_NAME

HOSTS = "STORMLAB_HOSTS"
"""The variable with the hosts' addresses, separated by commas; the option --hosts sets it."""


def addresses_of(text: str) -> list[str]:
    """Return the addresses in the value of HOSTS: `unix:///var/run/docker.sock,ssh://other`."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _named() -> list[str]:
    return addresses_of(os.environ.get(HOSTS, ""))


def _unavailable() -> str:
    return "" if _named() else "no hosts are named with --hosts (STORMLAB_HOSTS)."


def _abilities() -> Abilities:
    from driver.engines.hosts.host_containers import hosts_abilities

    return hosts_abilities()


def _holds(project: str) -> bool:
    from driver.engines.docker_labs import holds_lab

    # Where no hosts are named, this machine may be the first of them.
    return holds_lab(project, ENGINE_NAME, next(iter(_named()), None))


def _make(project: str, root: Path, prepare: BuildEnvironment) -> Engine:
    from driver.engines.hosts.hosts_engine import HostsEngine
    from driver.errors import UsageError

    if not _named():
        raise UsageError(
            f"The lab {project!r} is for the engine hosts, and no hosts are named.",
            "Name them: --hosts unix:///var/run/docker.sock,ssh://user@other",
        )
    return HostsEngine(project, root, prepare, _named())


ENGINE = EngineKind(
    name=ENGINE_NAME, rank=900, summary="containers of several Docker engines", unavailable=_unavailable,
    abilities=_abilities, holds=_holds, make=_make,
)  # fmt: skip
