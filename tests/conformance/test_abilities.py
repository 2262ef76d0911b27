"""Every engine does what it declares, as others see it, and undoes it; the rest is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.abilities import Ability
from chaos.catalogue import ALL
from driver.cli.main import run
from driver.engines.engine import Limits
from driver.engines.engine_kind import EngineKind
from driver.exit_codes import ExitCode
from driver.reference.labs.lab import Lab
from tests.conformance.harness import BACK_WITHIN_S, NAMES, wait_connected
from tests.conformance.observers import PROC, journal_of, pid_of
from tests.waiting import eventually_in_thread

NAME = NAMES[0]
QUOTA_CORES = 0.2
CEILING_BYTES = 100 << 20
PAGE_BYTES = 4096
SCENARIO = """\
# A fault that an engine may lack.
workers: 3
duration: 30s
timeline:
  - {{fault: {name}, targets: 1, at: 5s{params}}}
"""


def cpu_ticks(pid: int) -> int:
    """The processor time of a process in the kernel's ticks."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def journal_size(lab: Lab, name: str) -> int:
    journal = journal_of(lab, name)
    assert journal is not None
    return journal.stat().st_size


@pytest.mark.proves(Ability.pause)
def test_a_paused_process_executes_no_code_until_it_is_resumed(lab: Lab) -> None:
    pid = pid_of(lab, NAME)
    assert pid is not None
    lab.engine.pause(NAME)
    try:
        assert lab.engine.states()[NAME].status == "paused"
        assert lab.engine.frozen() == {} if not lab.engine.is_local else lab.engine.frozen()[NAME]
        assert lab.engine.degradations() == {NAME: ["paused"]}
        ticks, size = cpu_ticks(pid), journal_size(lab, NAME)
        # The others go on meanwhile: their heartbeats take longer than a look at the first.
        other = journal_size(lab, NAMES[1])
        eventually_in_thread(lambda: journal_size(lab, NAMES[1]) > other, "another worker's next line")
        assert (cpu_ticks(pid), journal_size(lab, NAME)) == (ticks, size)
    finally:
        lab.engine.unpause(NAME)
    eventually_in_thread(lambda: cpu_ticks(pid) > ticks, "it executes code again")
    assert lab.engine.states()[NAME].status == "running"
    assert not lab.engine.frozen().get(NAME)
    assert lab.engine.degradations() == {}


@pytest.mark.proves(Ability.unplug)
def test_an_unplugged_worker_is_lost_in_silence_and_comes_back_by_its_plug(lab: Lab) -> None:
    lab.engine.unplug(NAME)
    try:
        assert not lab.engine.states([NAME])[NAME].plugged
        assert lab.engine.degradations() == {NAME: ["unplugged"]}
        # What was on its way arrives while the others send once; then nothing does while they send again.
        others_send(lab)
        before = upstream(lab)[NAME]
        others_send(lab)
        assert upstream(lab)[NAME] == before
    finally:
        lab.engine.plug(NAME)
    assert lab.engine.states([NAME])[NAME].plugged
    assert lab.engine.degradations() == {}
    eventually_in_thread(lambda: upstream(lab)[NAME] > before, "bytes of the worker", BACK_WITHIN_S, 0.2)
    wait_connected(lab)


def upstream(lab: Lab) -> dict[str, int]:
    """The bytes that came from each worker, as Toxiproxy counts them."""
    return {one.name: one.bytes_upstream for one in lab.links.states()}


def others_send(lab: Lab) -> None:
    """Wait until bytes have come from each other worker."""
    before = upstream(lab)
    eventually_in_thread(
        lambda: all(count > before[name] for name, count in upstream(lab).items() if name != NAME),
        "bytes of the other workers", BACK_WITHIN_S, 0.2,
    )  # fmt: skip


@pytest.mark.proves(Ability.cpu)
def test_a_quota_holds_until_it_is_lifted(lab: Lab) -> None:
    made = lab.engine.inspect(NAME).cpus
    lab.engine.limit(NAME, Limits(cpus=QUOTA_CORES))
    try:
        assert lab.engine.inspect(NAME).cpus == pytest.approx(QUOTA_CORES)
        assert lab.engine.states([NAME])[NAME].cpus == pytest.approx(QUOTA_CORES)
        assert lab.engine.degradations() == {NAME: ["limited"]}
    finally:
        lab.engine.unlimit(NAME)
    assert lab.engine.inspect(NAME).cpus == made
    assert lab.engine.degradations() == {}


@pytest.mark.proves(Ability.memory)
def test_a_ceiling_holds_until_it_is_lifted(lab: Lab) -> None:
    made = lab.engine.inspect(NAME).memory_bytes
    lab.engine.limit(NAME, Limits(memory_bytes=CEILING_BYTES))
    try:
        assert abs(lab.engine.inspect(NAME).memory_bytes - CEILING_BYTES) < PAGE_BYTES
        assert lab.engine.degradations() == {NAME: ["limited"]}
    finally:
        lab.engine.unlimit(NAME)
    assert lab.engine.inspect(NAME).memory_bytes == made
    assert lab.engine.degradations() == {}


def test_what_an_engine_lacks_is_refused_by_name_and_the_rest_is_not(
    kind: EngineKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacks = kind.abilities().lacks
    for fault in (one for one in ALL if one.needs):
        file = tmp_path / f"{fault.name}.yaml"
        given = [fault.example, "for: 5s" if fault.lasting else ""]
        file.write_text(SCENARIO.format(name=fault.name, params="".join(f", {one}" for one in given if one)))
        refused = [ability for ability in fault.needs if ability in lacks]
        code = run(["validate", "--engine", kind.name, str(file)])
        shown = " ".join(capsys.readouterr().err.split())
        assert code == (ExitCode.WRONG_USE if refused else ExitCode.PASSED), shown
        assert all(f"the engine {kind.name} lacks here: {lacks[ability]}" in shown for ability in refused[:1])
