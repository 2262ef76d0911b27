"""Builds the lab's images that are missing or out of date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from driver.engines import images
from driver.engines.compose_command import ComposeCommand
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import PROBER, BuildEnvironment, Say
from driver.errors import EngineError

BUILD_TIMEOUT_S = 900.0
KEPT_IMAGES = 3


class ComposeImages:
    """The images of the compose.yaml in `root`."""

    def __init__(
        self, root: Path, command: ComposeCommand, sdk: DockerSdk, prepare: BuildEnvironment
    ) -> None:
        self._root = root
        self._command = command
        self._sdk = sdk
        self._prepare = prepare

    @cached_property
    def _names(self) -> dict[images.Image, str]:
        """Names with digests, read once: a file may change between the build and the start."""
        return {image: images.reference(image, self._root) for image in images.CATALOGUE}

    def variables(self) -> dict[str, str]:
        """Return the image variables of compose.yaml."""
        return {image.variable: name for image, name in self._names.items()}

    def ensure(self, services: Sequence[str], say: Say) -> dict[str, str]:
        """Build missing images; return the id of each service's image.

        Raises EngineError, also for a variable that names a missing image, LabError when the machine cannot
        be prepared for a build, and InterruptedCommandError after an interrupt.
        """
        names = {image: name for image, name in self._names.items() if image.service in services}
        missing = [image for image, name in names.items() if self._sdk.image_id(name) is None]
        for image in missing:
            if images.is_given(image):
                raise EngineError(
                    f"{image.variable} names {names[image]!r}, but the engine has no such image.",
                    "Build or pull it first, or unset the variable to have the lab build its own.",
                )
        if missing:
            self._build(missing, names, say)
        for image, name in names.items():
            if not images.is_given(image):
                # `docker compose up` finds it under this name, the default in compose.yaml, and no build of
                # another checkout removes it before containers are created from it.
                self._sdk.tag(name, f"stormlab/{image.service}", "dev")
        for image in missing:
            self._sdk.keep_newest(f"stormlab/{image.service}", KEPT_IMAGES)
        return {image.service: self._sdk.image_id(name) or "" for image, name in names.items()}

    def _build(self, missing: Sequence[images.Image], names: Mapping[images.Image, str], say: Say) -> None:
        services = [image.service for image in missing]
        environment = {**self.variables(), **self._prepare(say)}
        say(f"building {', '.join(services)}")
        self._command(
            *("--profile", PROBER, "build", *services),
            environment=environment,
            timeout_s=BUILD_TIMEOUT_S,
            heartbeat=lambda elapsed_s, line: say(f"  still building ({elapsed_s:.0f} s): {line[:60]}"),
        )
