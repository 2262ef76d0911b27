"""Containers of one Docker engine, which Docker Compose creates."""

from __future__ import annotations

import os
from pathlib import Path

from driver.engines.docker_abilities import ENGINE_NAME, docker_abilities
from driver.engines.engine import Abilities, BuildEnvironment, Engine
from driver.engines.engine_kind import EngineKind
from driver.errors import EngineError


def _unavailable() -> str:
    # Imported here, as below: the Docker SDK takes 0.2 s to load.
    from driver.engines.docker_labs import ANSWER_WITHIN_S
    from driver.engines.docker_sdk import DockerSdk

    try:
        DockerSdk("", call_timeout_s=ANSWER_WITHIN_S).version()
    except EngineError as error:
        return error.sentence
    return ""


def _abilities() -> Abilities:
    from driver.engines.docker_sdk import DockerSdk

    return docker_abilities(DockerSdk("").is_local)


def _holds(project: str) -> bool:
    from driver.engines.docker_labs import holds_lab

    return holds_lab(project)


def _is_silent() -> bool:
    is_set_up = bool(os.environ.get("DOCKER_HOST")) or Path("/var/run/docker.sock").exists()
    return is_set_up and bool(_unavailable())


def _make(project: str, root: Path, prepare: BuildEnvironment) -> Engine:
    from driver.engines.compose_engine import ComposeEngine

    return ComposeEngine(project, root, prepare)


ENGINE = EngineKind(
    name=ENGINE_NAME, rank=100, summary="containers of a Docker engine", unavailable=_unavailable,
    abilities=_abilities, holds=_holds, make=_make, is_silent=_is_silent,
)  # fmt: skip
