"""Prepares this machine for the lab, and stores the result in .stormlab/machine.env."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from driver.machine.base_images import ensure_bases
from driver.machine.buildenv import BuildSecrets, write_secrets
from driver.machine.engine_install import EngineFound, ensure_engine
from driver.machine.shell import Say
from driver.paths import state_dir


@dataclass(frozen=True)
class Machine:
    """A prepared machine: its engine, base images by build argument, and build secrets."""

    engine: EngineFound
    bases: dict[str, str]
    secrets: BuildSecrets

    def environment(self) -> dict[str, str]:
        """Return variables for compose.yaml, for every `docker compose` that can build."""
        return {
            **self.bases,
            "STORMLAB_CA": str(self.secrets.ca),
            "STORMLAB_BUILD_ENV": str(self.secrets.build_env),
        }


def prepare(say: Say) -> Machine:
    """Prepare the machine: seconds where nothing is missing. Raises MachineError."""
    state = state_dir()
    engine = ensure_engine(say)
    machine = Machine(engine, ensure_bases(say), write_secrets(state))
    lines = [f"{name}={shlex.quote(value)}" for name, value in machine.environment().items()]
    (state / "machine.env").write_text("\n".join(lines) + "\n")
    return machine
