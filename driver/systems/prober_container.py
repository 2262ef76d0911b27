"""The container of a system's prober: started at its first use, since a system needs none to be up."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.engines import images
from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.docker_sdk import DockerSdk
from driver.errors import LabError
from driver.paths import project_root
from driver.systems.compose_yaml import as_yaml
from driver.systems.made_containers import replica_name
from driver.systems.prober_compose import PROBER, prober_document
from driver.systems.replicas import system_containers

START_TIMEOUT_S = 60.0
LOCK_WITHIN_S = 2 * START_TIMEOUT_S
"""How long a command waits for another one that starts the prober."""
POLL_S = 0.05
_LOCK = "prober.lock"


def prober_file(folder: Path) -> Path:
    """Return the prober's own Compose file in a system's folder: its start reads no file of the user's."""
    return folder / PROBER / "compose.yaml"


class ProberContainer:
    """The prober's container in one project. `host` is its address, `journals` the folder of all journals."""

    def __init__(self, project: str, folder: Path, host: str, journals: Path) -> None:
        self._project = project
        self._folder = folder
        self._host = host
        self._journals = journals
        self._sdk = DockerSdk(project, name=replica_name)
        self._compose = ComposeCommand(project, prober_file(folder).parent, client_environment())

    def ensure(self, get_image: Callable[[], object], lock_within_s: float = LOCK_WITHIN_S) -> None:
        """Start the prober unless it runs; commands that call this at once start it once.

        `get_image` makes its image where it is missing. Raises EngineError, and LabError where another
        command does not end its start within `lock_within_s`.
        """
        if self._runs():
            return
        get_image()
        with _locked(self._folder / _LOCK, lock_within_s):
            if not self._runs():
                self._start()

    def interrupt(self) -> None:
        """End a start that another thread is in."""
        self._compose.interrupt()

    def _runs(self) -> bool:
        found = system_containers(self._sdk.summaries(), self._project).prober
        return found is not None and found.is_ready

    def _start(self) -> None:
        image = images.reference(
            next(one for one in images.CATALOGUE if one.service == PROBER), project_root()
        )
        journals = str(self._journals.resolve())
        file = prober_file(self._folder)
        file.parent.mkdir(exist_ok=True)
        file.write_text(as_yaml(prober_document(image, self._project, self._host, journals)))
        self._compose("up", "-d", "--no-build", environment={}, timeout_s=START_TIMEOUT_S)


@contextmanager
def _locked(path: Path, within_s: float) -> Iterator[None]:
    """Hold a lock during the block; the kernel releases it with its process. Raises LabError."""
    deadline = time.monotonic() + within_s
    try:
        file = path.open("w")
    except OSError as error:
        raise LabError(
            f"{path} cannot be written: {error.strerror}.", "Take the system down, then up."
        ) from None
    with file:
        while not _try(file.fileno()):
            if time.monotonic() > deadline:
                raise LabError(
                    f"After {within_s:.0f} s another command still starts the prober.",
                    "Try again in a moment.",
                )
            time.sleep(POLL_S)
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
