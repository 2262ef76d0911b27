"""Claims about a system as a place for faults by hand: what is planned, what a heal starts again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from driver.errors import LabError, UsageError
from driver.histories.history import EMPTY
from driver.histories.link_events import LinesOmitted
from driver.scenarios.plan import PlannedFault
from driver.systems.made_containers import MadeContainer
from driver.systems.running_system import RunningSystem
from driver.systems.system import System, SystemService
from driver.systems.system_engine import SystemEngine
from driver.systems.system_file import SystemFile
from driver.systems.system_prober import SystemProber
from driver.systems.system_site import SystemSite, plan_system_injection
from driver.terminal import Terminal
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast
from tests.driver.systems.fake_doors import fake_links

SERVICES = (SystemService("api", 2), SystemService("cache"), SystemService("db"), SystemService("web"))


def running(folder: Path = Path("/state/doors-shop")) -> RunningSystem:
    """The system of the fake doors."""
    links, _ = fake_links()
    made = dict.fromkeys(("db[1]", "sl-door-1"), MadeContainer())
    file = SystemFile("doors-shop", ["/my shop/compose.yaml"], System("shop", SERVICES, ()), [], made)
    return RunningSystem(file, folder, cast(SystemEngine, None), links)


def plan(fault: str, selection: str = "", for_s: float | None = None, **params: Any) -> list[PlannedFault]:
    return plan_system_injection(running(), fault, params, selection, for_s, seed=1)


def test_a_link_fault_hits_the_links_of_its_selection() -> None:
    (one,) = plan("stall", "api->db", 5.0, direction="to_server")
    assert one.targets == ("api[1]->db:5432", "api[2]->db:5432")
    assert (one.fault, one.for_s, one.params) == ("stall", 5.0, {"direction": "to_coordinator"})


def test_a_link_fault_without_a_selection_hits_every_link_between_services() -> None:
    (one,) = plan("cut")
    assert len(one.targets) == 5
    assert "outside->web:80" not in one.targets


def test_a_container_fault_hits_containers() -> None:
    assert plan("pause", "api[2], db")[0].targets == ("api[2]", "db[1]")


@pytest.mark.parametrize(
    ("fault", "selection", "says"),
    [
        ("pause", "", "expected containers, like api; found none"),
        ("pause", "api->db", "takes no link"),
        ("stall", "db", "are the links to db"),
        ("stall", "api->dbb", "Did you mean db?"),
        ("staal", "api->db", "Did you mean stall"),
    ],
)
def test_what_cannot_be_is_refused(fault: str, selection: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        plan(fault, selection)
    assert says in error.value.sentence
    assert not error.value.sentence.endswith("?.")


def test_its_journals_are_in_its_folder_and_its_option_names_its_file() -> None:
    site = SystemSite(running())
    assert site.driver_folder == Path("/state/doors-shop/journals/driver")
    assert site.option == " --system '/my shop/compose.yaml'"


def test_a_heal_starts_the_targets_of_faults_and_the_labs_own_containers(tmp_path: Path) -> None:
    site = SystemSite(running(tmp_path))
    assert site.ended_by_faults() == {"sl-door-1"}
    site.note_ended(["db[1]"])
    SystemSite(running(tmp_path)).note_ended(["api[2]", "db[1]"])
    assert site.ended_by_faults() == {"api[2]", "db[1]", "sl-door-1"}


def test_a_damaged_file_of_targets_is_named(tmp_path: Path) -> None:
    (tmp_path / "ended.json").write_text("{")
    with pytest.raises(LabError, match=r"ended\.json cannot be read"):
        SystemSite(running(tmp_path)).ended_by_faults()


def test_a_fault_waits_for_the_prober_and_its_image_is_made_where_it_is_first_needed() -> None:
    made: list[Sequence[str]] = []
    prober = Mock(spec=SystemProber)
    prober.observe.side_effect = lambda get_image: get_image()
    site = SystemSite(replace(running(), prober=prober), lambda services, say: made.append(services))
    with Terminal() as terminal:
        assert asyncio.run(site.ensure_prober(terminal))
    assert made == [("prober",)]


def test_clients_are_not_known_where_no_door_writes_a_journal() -> None:
    assert SystemSite(running()).clients(EMPTY) is None


def test_a_client_whose_door_left_lines_out_is_not_known() -> None:
    past = DoorPast()
    past.named()
    past.carried(1.0, 2.0)
    past.emit(PROCESS, LinesOmitted, 3.0, link=RAW, counts={"connection_ended": 1})
    site, history = SystemSite(running()), past.history([])
    clients = site.clients(history)
    assert clients is not None
    assert (clients.clients, site.unknown_clients(history)) == ([], [LINK])
