"""Containers that go while they are asked about, or that another command removes already: no defect."""

from __future__ import annotations

from typing import Any, cast

import docker
import pytest
from docker.errors import APIError, NotFound

from driver.engines.docker_sdk import CALL_TIMEOUT_S, DockerSdk
from driver.engines.engine import Container
from driver.errors import ContainerGoneError, EngineError, NoFileError

ONE = Container("worker-1", "worker", "a1", "image", "running", "")
IN_PROGRESS = APIError("conflict", explanation="removal of container a1 is already in progress")


class Api:
    """An engine of one container, which is inspected so often before it is gone."""

    def __init__(self, removal: Exception, inspections: int = 0) -> None:
        self._removal = removal
        self._inspections = inspections

    def remove_container(self, *_: object, **__: object) -> None:
        raise self._removal

    def inspect_container(self, _: str) -> dict[str, Any]:
        if not self._inspections:
            raise NotFound("gone", explanation="No such container: a1")
        self._inspections -= 1
        return {}

    def containers(self, **_: object) -> list[dict[str, Any]]:
        labels = {"com.docker.compose.service": "worker", "com.docker.compose.container-number": "1"}
        return [{"Labels": labels, "Id": "a1", "Image": "image", "State": "running", "Status": "Up"}]


class Client:
    def __init__(self, api: Api) -> None:
        self.api = api


def sdk(api: Api, call_timeout_s: float = CALL_TIMEOUT_S) -> DockerSdk:
    made = DockerSdk("lab", call_timeout_s, poll_s=0.001)
    made._connected = cast(docker.DockerClient, Client(api))
    return made


def test_a_removal_that_is_in_progress_already_is_waited_for() -> None:
    api = Api(IN_PROGRESS, inspections=3)
    sdk(api).remove(ONE)
    with pytest.raises(NotFound):
        api.inspect_container("a1")


def test_a_removal_in_progress_that_never_ends_is_an_error() -> None:
    with pytest.raises(EngineError, match="already in progress"):
        sdk(Api(IN_PROGRESS, inspections=10**6), call_timeout_s=0.01).remove(ONE)


def test_any_other_refusal_to_remove_is_an_error() -> None:
    with pytest.raises(EngineError, match="device is busy"):
        sdk(Api(APIError("x", explanation="device is busy"))).remove(ONE)


def test_a_container_that_went_away_is_called_so() -> None:
    with pytest.raises(ContainerGoneError, match="about worker-1: No such container: a1"):
        sdk(Api(IN_PROGRESS)).inspect("worker-1")


def test_a_container_that_never_was_is_called_so() -> None:
    with pytest.raises(ContainerGoneError, match="There is no container worker-2 in the lab 'lab'"):
        sdk(Api(IN_PROGRESS)).inspect("worker-2")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Could not find the file /data/a.db-wal in container a1", NoFileError),
        ("No such container: a1", ContainerGoneError),
    ],
)
def test_a_file_that_is_not_there_is_no_container_that_is_gone(said: str, kind: type[EngineError]) -> None:
    class Files(Api):
        def get_archive(self, *_: object) -> None:
            raise NotFound("404", explanation=said)

    with pytest.raises(EngineError) as error:
        sdk(Files(IN_PROGRESS)).archive("worker-1", "/data/a.db-wal", 1000)
    assert type(error.value) is kind
