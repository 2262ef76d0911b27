"""Images of a system and of its doors: built, pulled, and removed with the system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from driver.engines import images
from driver.engines.container_texts import PROJECT
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Say
from driver.errors import EngineError
from driver.files import FileReadError, read_file
from driver.paths import project_root
from driver.subprocesses import ask
from driver.systems.built_images import built_image, built_override
from driver.systems.compose_config import ResolvedConfig
from driver.systems.compose_yaml import as_yaml
from driver.systems.dockerfile_ports import MOST_BYTES, NO_BASE, named_ports
from driver.systems.prober_compose import PROBER
from driver.systems.system_compose import SystemCompose

BUILD_TIMEOUT_S = 900.0
PULL_TIMEOUT_S = 600.0
REMOVE_TIMEOUT_S = 60.0
TOXIPROXY = "toxiproxy"
LAB_IMAGES = (TOXIPROXY, PROBER)
"""The images of which the lab's own containers are made."""


def door_image() -> str:
    """Return the name of the image of which doors are made; the engine of the reference lab builds it."""
    image = next(one for one in images.CATALOGUE if one.service == TOXIPROXY)
    return images.reference(image, project_root())


class SystemImages:
    """The images of one system's services."""

    def __init__(self, project: str, sdk: DockerSdk) -> None:
        self._project = project
        self._sdk = sdk

    def get(self, config: ResolvedConfig, compose: SystemCompose, generated: Path, say: Say) -> None:
        """Build what the file builds, by way of a generated file, and pull what is missing.

        Raises EngineError.
        """
        built = [name for name, one in config.services.items() if one.build is not None]
        if built:
            own = {name: built_override(self._project, name, config.services[name]) for name in built}
            generated.parent.mkdir(parents=True, exist_ok=True)
            generated.write_text(as_yaml({"services": own}))
            say(f"Building {', '.join(built)}.")
            compose("build", *built, environment={}, timeout_s=BUILD_TIMEOUT_S)
        for name, one in config.services.items():
            if one.build is None and self._sdk.image_id(one.image) is None:
                say(f"Pulling {one.image}.")
                answer = ask(["docker", "pull", "-q", one.image], PULL_TIMEOUT_S)
                if not answer.ok:
                    raise EngineError(
                        f"services.{name}.image: {one.image!r} is not on this machine and cannot be pulled: "
                        f"{answer.text.splitlines()[-1] if answer.text else 'no reason given'}.",
                        "Build or load it first, or correct its name.",
                    )

    def exposed_ports(self, config: ResolvedConfig) -> dict[str, set[int]]:
        """Return the ports that the image of each service names."""
        return {name: set(self._sdk.exposed_ports(self._name(name, config))) for name in config.services}

    def known_ports(self, config: ResolvedConfig) -> dict[str, set[int]]:
        """Return the ports that the image of each service names, or will name once its Dockerfile is built;
        services of which only a build or a pull can say that are left out.
        """
        found: dict[str, set[int]] = {}
        for name, one in config.services.items():
            image = self._name(name, config)
            if self._sdk.image_id(image) is not None:
                found[name] = set(self._sdk.exposed_ports(image))
            elif one.build is not None and (ports := self._ports_of_build(one.build)) is not None:
                found[name] = ports
        return found

    def _ports_of_build(self, build: Mapping[str, Any]) -> set[int] | None:
        """Return the ports that an image will name; None where its Dockerfile or its base is not here."""
        text = _dockerfile(build)
        named = None if text is None else named_ports(text, str(build.get("target") or ""))
        if named is None:
            return None
        if named.base == NO_BASE:
            return set(named.ports)
        if self._sdk.image_id(named.base) is None:
            # Its base may name more; those that the file names are there in any case.
            return set(named.ports) or None
        return {*named.ports, *self._sdk.exposed_ports(named.base)}

    def image_ids(self, config: ResolvedConfig) -> dict[str, str]:
        """Return the id of the image of each service that has one here."""
        ids = {name: self._sdk.image_id(self._name(name, config)) for name in config.services}
        return {name: found for name, found in ids.items() if found is not None}

    def remove_built(self) -> None:
        """Remove what was built for the project; the build's cache stays, and so do tags of the user's."""
        label = f"label={PROJECT}={self._project}"
        found = ask(["docker", "image", "ls", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}"])
        own = built_image(self._project, "")
        if names := [name for name in found.text.split() if name.startswith(own)]:
            ask(["docker", "image", "rm", *names], REMOVE_TIMEOUT_S)

    def _name(self, name: str, config: ResolvedConfig) -> str:
        one = config.services[name]
        return one.image if one.build is None else built_image(self._project, name)


def _dockerfile(build: Mapping[str, Any]) -> str | None:
    """Return the text of the Dockerfile of a `build:`; None where it is not on this machine, or too large."""
    if inline := build.get("dockerfile_inline"):
        return str(inline)
    path = Path(str(build.get("context") or ".")) / str(build.get("dockerfile") or "Dockerfile")
    try:
        return read_file(path, MOST_BYTES).decode(errors="replace")
    except FileReadError:
        return None
