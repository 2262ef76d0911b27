"""Removes a system's containers, networks and volumes until none is left, and its folder."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from driver.engines.compose_clients import in_parallel
from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError, EngineGoneError, LabError

REMOVE_TRIES = 20
REMOVE_AGAIN_S = 0.25


def remove_containers(sdk: DockerSdk) -> int:
    """Remove containers, networks and volumes; return how many containers there were.

    What the engine still made meanwhile, for a Compose that was ended, is removed again: such a
    container has volumes and networks in use before it can be listed.
    """
    count = 0
    left: list[str] = []
    for number in range(REMOVE_TRIES):
        if number:
            time.sleep(REMOVE_AGAIN_S)
        try:
            containers = sdk.containers()
            in_parallel(sdk.remove, containers)
            count += len(containers)
            left = sdk.remove_networks_and_volumes()
            left += [f"container {one.name}" for one in sdk.containers()]
        except EngineGoneError:
            raise
        except EngineError as error:
            left = [error.sentence.rstrip(".")]
        if not left:
            return count
    raise LabError(
        f"Still there after taking the system down: {', '.join(left[:8])}.",
        "Try again: python lab.py down --system FILE",
    )


def remove_folder(folder: Path) -> None:
    """Remove a system's folder with its journals. Raises LabError."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(
            f"{folder} could not be removed: {error.strerror}.", f"Remove it by hand: sudo rm -r {folder}"
        ) from None
