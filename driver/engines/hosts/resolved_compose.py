"""compose.yaml as the docker client resolves it, with a lab's variables."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from driver.engines.compose_command import client_environment
from driver.errors import EngineError

TIMEOUT_S = 30.0


def resolved_compose(project: str, root: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return compose.yaml with its variables filled in, optional services included. Raises EngineError.

    No engine is asked: this is done by the client alone.
    """
    words = ["docker", "compose", "-p", project, "--project-directory", str(root), "-f"]
    words += [str(root / "compose.yaml"), "--profile", "*", "config", "--format", "json"]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            env={**client_environment(), **variables},
            check=False,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(
            f"The docker client did not resolve compose.yaml: {error}.", "Set it up: python lab.py setup"
        ) from None
    if done.returncode != 0:
        raise EngineError(
            f"The docker client did not resolve compose.yaml: {done.stderr.decode(errors='replace')[-500:]}",
            "See: python lab.py doctor",
        )
    return dict(json.loads(done.stdout))
