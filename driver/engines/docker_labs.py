"""Which of the engines on Docker made a lab: their containers stand side by side on one host's engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from driver.engines.container_texts import ENGINE
from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError

ANSWER_WITHIN_S = 3.0


def holds_lab(project: str, made_by: str = "", address: str | None = None) -> bool:
    """Return whether a Docker engine has containers of a project that are those of the engine `made_by`.

    "" is Compose. False where the Docker engine, at `address` or else where the client's settings say, does
    not answer.
    """
    try:
        rows = DockerSdk(project, call_timeout_s=ANSWER_WITHIN_S, address=address).summaries()
    except EngineError:
        return False
    return are_made_by(rows, made_by)


def are_made_by(rows: Sequence[Mapping[str, Any]], engine: str) -> bool:
    """Return whether these summaries of containers are of a lab that an engine made ("": Compose)."""
    makers = {str((row.get("Labels") or {}).get(ENGINE, "")) for row in rows}
    # One that was run by hand beside those of an engine has no label.
    return engine in makers if engine else makers == {""}
