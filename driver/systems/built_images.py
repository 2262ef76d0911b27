"""Tags of images that are built from a user's file: in a project of the lab's, none of the user's. Pure."""

from __future__ import annotations

from driver.systems.compose_config import ComposeService
from driver.systems.compose_yaml import Removed


def built_image(project: str, service: str) -> str:
    """The tag of an image that is built for the lab: the user's own stays as it is."""
    return f"{project}-{service}".lower()


def built_override(project: str, name: str, service: ComposeService) -> dict[str, object]:
    """What differs from the user's file where an image is built: no tag of the user's moves."""
    if service.build is None:
        return {}
    own: dict[str, object] = {"image": built_image(project, name)}
    return {**own, "build": {"tags": Removed()}} if service.build.get("tags") else own
