"""`docker compose` for a user's files and the generated one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driver.engines.compose_command import ComposeCommand, client_environment
from driver.systems.resolve_compose import compose_flags

UP_TIMEOUT_S = 300.0
LOOK_EVERY_S = 0.5
"""While Compose starts containers: those that run already need not run longer when it has ended."""


class SystemCompose(ComposeCommand):
    """`docker compose` for a user's files and the generated one, in a project of the lab's own."""

    def __init__(self, project: str, files: Sequence[Path], profiles: Sequence[str], generated: Path) -> None:
        super().__init__(project, files[0].parent, client_environment(), LOOK_EVERY_S)
        self._start = ["docker", "compose", "-p", project, *compose_flags([*files, generated], profiles)]
