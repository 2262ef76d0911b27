"""Brings images to a host, by their ids: docker save | docker load, and only those that it lacks."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from driver.engines.compose_command import client_environment
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Say
from driver.errors import EngineError

COPY_TIMEOUT_S = 600.0


def copy_images(names: Sequence[str], ids: Sequence[str], sdk: DockerSdk, address: str, say: Say) -> None:
    """Copy images from the engine that the docker command uses to the one at `address`, unless it has them.

    Layers that images share travel once. Raises EngineError.
    """
    missing = [name for name, its in zip(names, ids, strict=True) if sdk.image_id(its) is None]
    if not missing:
        return
    say(f"copying {len(missing)} images to {address}")
    environment = client_environment()
    save = subprocess.Popen(["docker", "save", *missing], stdout=subprocess.PIPE, env=environment)
    try:
        load = subprocess.run(
            ["docker", "-H", address, "load", "--quiet"], stdin=save.stdout, capture_output=True,
            env={name: value for name, value in environment.items() if name != "DOCKER_HOST"},
            check=False, timeout=COPY_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"Images did not reach {address} within {COPY_TIMEOUT_S:.0f} s.",
            "Copy them yourself: docker save IMAGE | docker -H ADDRESS load",
        ) from None
    finally:
        save.kill()
        save.wait()
        if save.stdout is not None:
            save.stdout.close()
    lost = [name for name, its in zip(names, ids, strict=True) if sdk.image_id(its) is None]
    if load.returncode != 0 or lost:
        why = load.stderr.decode(errors="replace").strip()[-300:] or f"{', '.join(lost)} is not there"
        raise EngineError(
            f"Images did not reach {address}: {why}.", "Has its disk room? docker -H ADDRESS system df"
        )
