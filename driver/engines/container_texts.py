"""Texts of a container's summary: the labels that Compose gives it, and its health. Pure."""

from __future__ import annotations

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ENGINE = "stormlab.engine"
"""Label with the name of the engine that made a container; those of Compose have none."""


def health(status: str) -> str:
    """Return the health in the text `Up 2 seconds (health: starting)`; "" without a health check."""
    shown = status.partition("(")[2].removeprefix("health: ").partition(")")[0]
    return shown if shown in ("unhealthy", "healthy", "starting") else ""
