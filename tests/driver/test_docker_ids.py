"""A call finds its container by the id that was listed last, and by a new list once that one is gone."""

from __future__ import annotations

from typing import Any

from docker.errors import NotFound

from tests.driver.test_docker_removal import IN_PROGRESS, Api, sdk


class Recreated(Api):
    """An engine whose container is `now`, and which counts how often its containers are listed."""

    now = "a1"
    lists = 0

    def containers(self, **_: object) -> list[dict[str, Any]]:
        self.lists += 1
        return [{**one, "Id": self.now} for one in super().containers()]

    def inspect_container(self, container_id: str) -> dict[str, Any]:
        if container_id != self.now:
            raise NotFound("gone", explanation=f"No such container: {container_id}")
        return {"Id": container_id}


def test_the_containers_are_listed_once_for_many_calls() -> None:
    api = Recreated(IN_PROGRESS)
    made = sdk(api)
    assert [made.inspect("worker-1")["Id"] for _ in range(3)] == ["a1", "a1", "a1"]
    assert api.lists == 1


def test_a_container_that_was_created_anew_is_found_by_its_name() -> None:
    api = Recreated(IN_PROGRESS)
    made = sdk(api)
    made.containers()
    api.now = "b2"
    assert made.inspect("worker-1")["Id"] == "b2"
    assert made.inspect("worker-1")["Id"] == "b2"
    assert api.lists == 2
