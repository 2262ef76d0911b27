"""What one container does, as a trial compares it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driver.systems.replicas import Replica
from driver.trial.samples import ContainerLook

USUAL_RETRIES = 3
"""Checks in a row that must fail, where a file says nothing."""


def container_look(one: Replica, details: Mapping[str, Any]) -> ContainerLook:
    """Return what a container does, from one answer of the engine about it."""
    return ContainerLook(
        service=one.service,
        state=one.state,
        health=_health(details),
        exit_code=one.exit_code,
        life=str(details["State"].get("StartedAt", "")),
        restart_policy=str((details["HostConfig"].get("RestartPolicy") or {}).get("Name", "")),
    )


def _health(details: Mapping[str, Any]) -> str:
    """Return the status of a container's health check; "" without one.

    The engine calls a container unhealthy since it was paused until the next check: too few have failed.
    """
    found = details["State"].get("Health") or {}
    retries = (details.get("Config", {}).get("Healthcheck") or {}).get("Retries") or USUAL_RETRIES
    status = str(found.get("Status", "")).replace("none", "")
    return "" if status == "unhealthy" and found.get("FailingStreak", 0) < retries else status
