"""Claims about the reference system as a value of the model that every system has."""

from __future__ import annotations

from driver.reference.system import link_names, reference_system, worker_links
from driver.systems.system import SystemLink


def test_each_worker_is_one_link_to_the_coordinator() -> None:
    system = reference_system(2)
    assert list(system.links()) == [
        SystemLink("worker", 1, "coordinator", 8765),
        SystemLink("worker", 2, "coordinator", 8765),
    ]
    assert system.servers() == ("coordinator",)
    assert system.clients_of("coordinator") == ("worker",)


def test_a_link_has_its_worker_s_name_in_journals_and_at_the_prober() -> None:
    assert link_names(reference_system(3)) == ["worker-1", "worker-2", "worker-3"]
    assert [one.name for one in worker_links(3)] == ["worker-1", "worker-2", "worker-3"]
    assert len({one.port for one in worker_links(3)}) == 3


def test_a_system_without_workers_has_no_link() -> None:
    assert link_names(reference_system(0)) == []
