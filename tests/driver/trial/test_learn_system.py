"""Claims about the start of a system of which not every port is known: both labs are fakes."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from driver.engines.engine import Say
from driver.errors import EngineError, EngineGoneError, LabError, NotReadyError
from driver.exit_codes import ExitCode
from driver.systems.door_compose import DoorPlan
from driver.systems.lab_of_system import StartedSystem
from driver.systems.portless_services import PortlessServiceError
from driver.systems.replicas import Replica, SystemContainers
from driver.systems.system import System, SystemService
from driver.systems.system_request import SystemRequest
from driver.trial.learn_system import LearnedSystem, SystemNotReadyError, SystemStarter

REQUEST = SystemRequest((Path("compose.yaml"),))
NO_PORT = PortlessServiceError({"db": "services.api.depends_on"})
SICK = NotReadyError("db[1] is unhealthy.")
SICK_TOO = NotReadyError("db[1] ended with 3.")


@dataclass
class TwoLabs:
    """Both labs of one system; `ports` are what it listens on, `named` what its file names."""

    ports: Mapping[str, set[int]]
    named: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fails: list[LabError] = field(default_factory=list)
    plain_fails: LabError | None = None
    needs: int | None = None
    calls: list[str] = field(default_factory=list)

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        self.calls.append("up")
        if self.fails:
            raise self.fails.pop(0)
        return StartedSystem(self.model(request), DoorPlan({}, ()))

    def start(self, request: SystemRequest, say: Say) -> System:
        self.calls.append("plain up")
        if self.plain_fails is not None:
            raise self.plain_fails
        return self.model(SystemRequest(request.files))

    def model(self, request: SystemRequest) -> System:
        names = sorted({*self.ports, *self.named})
        return System(
            "shop",
            tuple(
                SystemService(name, 1, (*self.named.get(name, ()), *request.ports.get(name, ())))
                for name in names
            ),
            (),
        )

    def containers(self) -> SystemContainers:
        return SystemContainers((), (), ())

    def down(self) -> int:
        self.calls.append("down")
        return 0

    def listening(self, replicas: Sequence[Replica]) -> Mapping[str, set[int]]:
        return self.ports


def learned(labs: TwoLabs, request: SystemRequest = REQUEST) -> LearnedSystem:
    return SystemStarter(labs, labs, labs.listening, lambda line: None).up(request)


def test_a_system_whose_ports_are_all_named_starts_once() -> None:
    labs = TwoLabs({"db": {5432}}, {"db": (5432,)})
    assert learned(labs).found == {}
    assert labs.calls == ["up"]


def test_a_port_that_is_found_on_a_system_that_is_up_gets_a_door_in_a_second_start() -> None:
    labs = TwoLabs({"db": {5432, 9187}}, {"db": (5432,)})
    found = learned(labs)
    assert found.found == {"db": {9187}}
    assert found.request.ports == {"db": {9187}}
    assert labs.calls == ["up", "down", "up"]


def test_a_port_on_which_a_service_listens_late_gets_a_door_in_another_start() -> None:
    labs = TwoLabs({"db": {5432}}, {"db": (5432,)})
    starter = SystemStarter(labs, labs, labs.listening, lambda line: None)
    first = starter.up(REQUEST)
    assert starter.up_with_late_ports(first) is None
    labs.ports = {"db": {5432, 9187, 40_123}}
    assert starter.late_ports(first) == ["db:9187"]
    again = starter.up_with_late_ports(first)
    assert again is not None
    assert again.found == again.request.ports == {"db": {9187}}
    assert starter.late_ports(again) == []
    assert labs.calls == ["up", "down", "up"]


def test_a_port_that_the_kernel_chose_gets_no_door() -> None:
    labs = TwoLabs({"db": {5432, 40_123}}, {"db": (5432,)})
    assert learned(labs).found == {}


def test_a_service_that_may_go_around_doors_gets_none() -> None:
    labs = TwoLabs({"statsd": {8125}})
    assert learned(labs, SystemRequest(REQUEST.files, bypass=frozenset({"statsd"}))).found == {}
    assert labs.calls == ["up"]


def test_a_service_without_a_known_port_is_looked_at_without_doors_first() -> None:
    labs = TwoLabs({"db": {5432}}, fails=[NO_PORT])
    assert learned(labs).found == {"db": {5432}}
    assert labs.calls == ["up", "plain up", "down", "up"]


def test_a_service_that_listens_on_no_port_at_all_stays_refused() -> None:
    labs = TwoLabs({}, fails=[NO_PORT])
    with pytest.raises(PortlessServiceError):
        learned(labs)
    assert labs.calls == ["up", "plain up", "down"]


def test_a_system_that_becomes_ready_without_doors_alone_is_the_lab_s_trouble() -> None:
    labs = TwoLabs({"db": {5432}}, {"db": (5432,)}, fails=[SICK])
    with pytest.raises(
        NotReadyError, match=r"db\[1\] is unhealthy. Without doors it is ready after"
    ) as raised:
        learned(labs)
    assert raised.value.exit_code is ExitCode.LAB_BROKE


def test_a_system_that_is_not_ready_since_a_port_has_no_door_gets_that_door() -> None:
    labs = TwoLabs({"db": {5432}}, fails=[SICK])
    assert learned(labs).found == {"db": {5432}}


def test_the_last_lines_of_a_container_are_shown_before_the_start_without_doors() -> None:
    sick = NotReadyError("job[1] ended with 3. The last lines of job[1]:\n  no such table\n")
    said: list[str] = []
    labs = TwoLabs({}, fails=[sick], plain_fails=SICK_TOO)
    with pytest.raises(SystemNotReadyError):
        SystemStarter(labs, labs, lambda _: {}, said.append).up(REQUEST)
    assert said[0].splitlines() == [
        "job[1] ended with 3. The last lines of job[1]:",
        "  no such table",
        "Starting the system without doors, to compare.",
    ]


def test_a_system_that_never_becomes_ready_is_its_own_trouble() -> None:
    labs = TwoLabs({}, fails=[SICK], plain_fails=SICK_TOO)
    with pytest.raises(
        SystemNotReadyError, match=r"neither does it without doors\. db\[1\] ended with 3"
    ) as raised:
        learned(labs)
    assert raised.value.exit_code is ExitCode.FAILED


@pytest.mark.parametrize("error", [EngineGoneError("No engine."), EngineError("No such image.")])
@pytest.mark.parametrize("plain", [False, True])
def test_an_error_of_the_engine_is_no_trouble_of_the_system(plain: bool, error: LabError) -> None:
    labs = TwoLabs({}, fails=[SICK] if plain else [error], plain_fails=error)
    with pytest.raises(LabError) as raised:
        learned(labs)
    assert raised.value is error
    assert labs.calls == (["up", "plain up"] if plain else ["up"])


def test_ctrl_c_does_not_interrupt_the_end_of_a_start_without_doors() -> None:
    labs = TwoLabs({"db": {5432}}, fails=[NO_PORT])
    ended: list[str] = []

    def down() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        ended.append("whole")
        return 0

    labs.down = down  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        learned(labs)
    assert ended == ["whole"]


def test_a_second_start_that_fails_leaves_nothing() -> None:
    labs = TwoLabs({"db": {5432, 9187}}, {"db": (5432,)})
    started = labs.up

    def up(request: SystemRequest, say: Say) -> StartedSystem:
        if request.ports:
            raise SICK
        return started(request, say)

    labs.up = up  # type: ignore[method-assign]
    with pytest.raises(NotReadyError):
        learned(labs)
    assert labs.calls == ["up", "down", "down"]
