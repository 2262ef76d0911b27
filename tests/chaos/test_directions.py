"""The names of a link's directions, which depend on where the link is."""

from __future__ import annotations

import pytest

from chaos.directions import in_words_of
from driver.search.schedule import ScheduledFault, describe_fault

GIVEN = {"direction": "to_worker", "rate": "8KiB/s"}


@pytest.mark.parametrize(
    ("link", "named"), [("worker-3", "to_worker"), ("web[1]->db:5432", "to_client"), ("web->db", "to_client")]
)
def test_parameters_name_the_direction_as_the_links_system_does(link: str, named: str) -> None:
    assert in_words_of(link, GIVEN) == {"direction": named, "rate": "8KiB/s"}


def test_parameters_without_a_direction_stay_as_they_are() -> None:
    assert in_words_of("web->db", {"mean": "200ms"}) == {"mean": "200ms"}


def test_a_schedule_on_a_system_names_clients_and_servers_alone() -> None:
    when = {"link": ["web->db"], "bytes": 12, "direction": "to_coordinator"}
    fault = ScheduledFault("blackhole", ("web->db",), 2.0, 1.0, {"direction": "to_worker"}, when)
    assert fault.entry()["direction"] == "to_client"
    assert fault.entry()["when"]["direction"] == "to_server"
    assert "to_worker" not in describe_fault(fault)
    assert "to_coordinator" not in describe_fault(fault)
