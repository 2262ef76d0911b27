"""Old images of the lab are removed, and none that another checkout has just built or asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import docker

from driver.engines.docker_sdk import KEPT_S, DockerSdk


def before(seconds: float) -> str:
    """A time as Docker writes it."""
    return f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.123456789Z"


class Image:
    def __init__(self, tag: str, made_s: float, tagged_s: float | None = None) -> None:
        self.tags = [tag]
        tagged = "0001-01-01T00:00:00Z" if tagged_s is None else before(tagged_s)
        self.attrs: dict[str, Any] = {"Created": before(made_s), "Metadata": {"LastTagTime": tagged}}


class Client:
    """An engine with these images."""

    def __init__(self, *found: Image) -> None:
        self.found = list(found)
        self.removed: list[str] = []

    @property
    def images(self) -> Client:
        return self

    def list(self, _: str) -> list[Image]:
        return list(self.found)

    def remove(self, name: str) -> None:
        self.removed.append(name)


def kept(client: Client, count: int) -> list[str]:
    sdk = DockerSdk("lab")
    sdk._connected = cast(docker.DockerClient, client)
    sdk.keep_newest("stormlab/worker", count)
    return client.removed


OLD_S = KEPT_S + 60


def test_all_but_the_newest_old_images_are_removed() -> None:
    client = Client(Image("a", OLD_S + 3), Image("c", OLD_S + 1), Image("b", OLD_S + 2))
    assert kept(client, 1) == ["b", "a"]


def test_an_image_that_was_just_built_stays_however_many_there_are() -> None:
    client = Client(*(Image(f"new-{n}", made_s=10 + n) for n in range(5)), Image("old", OLD_S))
    assert kept(client, 1) == ["old"]


def test_an_old_image_that_was_just_asked_for_stays() -> None:
    client = Client(Image("new", 10), Image("asked", OLD_S, tagged_s=10), Image("old", OLD_S, tagged_s=OLD_S))
    assert kept(client, 1) == ["old"]
