"""Claims about whose a lab's containers on a Docker engine are."""

from __future__ import annotations

from driver.engines.container_texts import ENGINE, PROJECT
from driver.engines.docker_labs import are_made_by
from driver.engines.hosts import ENGINE_NAME, host_agent, service_bodies

COMPOSE = {"Labels": {PROJECT: "lab"}}
HOSTS = {"Labels": {PROJECT: "lab", ENGINE: ENGINE_NAME}}


def test_a_lab_without_a_label_is_composes() -> None:
    assert are_made_by([COMPOSE], "")
    assert not are_made_by([COMPOSE], ENGINE_NAME)


def test_a_lab_on_several_hosts_is_not_composes_whatever_was_run_by_hand_beside_it() -> None:
    assert are_made_by([HOSTS, COMPOSE], ENGINE_NAME)
    assert not are_made_by([HOSTS, COMPOSE], "")


def test_where_there_is_no_container_there_is_no_lab() -> None:
    assert not are_made_by([], "")
    assert not are_made_by([], ENGINE_NAME)


def test_each_container_of_the_engine_of_several_hosts_has_its_label() -> None:
    bodies = [
        service_bodies.body("lab", "worker", {}, "sha256:1", {}),
        host_agent.agent_body("lab", "sha256:1"),
        host_agent.look_body("lab", "sha256:1", "10.0.0.1"),
    ]
    assert [one["Labels"][ENGINE] for one in bodies] == [ENGINE_NAME] * 3
