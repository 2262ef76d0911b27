"""Every engine gives logs with their times, what each process uses, and journals that grow while it runs."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from chaos.abilities import Ability
from driver.engines.engine import CORE
from driver.histories.live_journals import LiveJournals
from driver.reference.labs.lab import Lab
from tests.conformance.harness import NAMES, wait_connected
from tests.waiting import eventually_in_thread
from wire.events import Connected

NAME = NAMES[0]
LEAST_BYTES = 1 << 20
CONNECTED = f"{NAME} connected"
DRAINED = f"{NAME} stops: drained"


def times(lines: list[str]) -> list[datetime]:
    """The times at the begins of lines."""
    return [datetime.fromisoformat(line.partition(" ")[0][:26].rstrip("Z")) for line in lines]


def test_a_log_has_its_lines_in_order_each_after_its_time(lab: Lab) -> None:
    lines = lab.engine.log(NAME).splitlines()
    assert any(CONNECTED in line for line in lines)
    assert times(lines) == sorted(times(lines))
    assert lab.engine.log(NAME, 1).splitlines() == lines[-1:]


def test_a_whole_log_is_the_log_in_pieces(lab: Lab) -> None:
    whole = b"".join(lab.engine.whole_log(NAME)).decode()
    assert lab.engine.log(NAME).startswith(whole) or whole.startswith(lab.engine.log(NAME))


def test_a_followed_log_has_every_line_that_comes_after_its_first(lab: Lab) -> None:
    followed = lab.engine.follow_log(NAME, 1)
    said = [next(followed)]
    # What is said before the next piece is asked for is not left out either.
    lab.engine.restart(NAME, 10.0)
    wait_connected(lab)

    def read() -> None:
        for piece in followed:
            said.append(piece)

    threading.Thread(target=read, daemon=True).start()
    # It ends with the process that it follows, or goes on with the next: the last word of the first is in it.
    eventually_in_thread(lambda: DRAINED in "".join(said[1:]), lambda: f"{DRAINED}; found {said}")


def test_every_process_uses_memory_and_processor_time(lab: Lab) -> None:
    used = {one.container: one for one in lab.engine.usage()}
    assert used.keys() >= {*CORE, *NAMES}
    assert all(one.memory_bytes > LEAST_BYTES for one in used.values())
    first = used[NAME].cpu_s
    assert first > 0

    def now() -> float:
        return next(one.cpu_s for one in lab.engine.usage() if one.container == NAME)

    eventually_in_thread(lambda: now() > first, "more processor time", within_s=60.0, poll_s=0.2)


def test_what_is_paused_uses_nothing_or_is_left_out(lab: Lab) -> None:
    if Ability.pause in lab.engine.abilities.lacks:
        return
    lab.engine.pause(NAME)
    try:
        readings = [[one.cpu_s for one in lab.engine.usage() if one.container == NAME] for _ in range(2)]
    finally:
        lab.engine.unpause(NAME)
    assert readings[0] == readings[1]


@pytest.mark.proves(Ability.follow_journals)
def test_journals_grow_while_their_processes_run(lab: Lab) -> None:
    assert lab.spec.journals is not None
    journals = LiveJournals([lab.spec.journals])
    history = journals.read()
    assert set(history.clients) >= set(NAMES)
    connected = len(history.of(Connected))
    assert connected >= len(NAMES)
    lab.engine.restart(NAME, 10.0)
    eventually_in_thread(
        lambda: len(journals.read().of(Connected)) > connected, "the next connection", 60.0, 0.2
    )
    wait_connected(lab)


def test_the_engine_names_its_own_programs(lab: Lab) -> None:
    versions = lab.engine.versions()
    assert versions
    assert all(versions.values())
