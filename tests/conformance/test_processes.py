"""On every engine each process can be killed from outside of it, and by it, and comes back under its name."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from chaos.abilities import Ability
from chaos.targets import SERVER, TOXIPROXY
from driver.engines.engine import EngineEvent
from driver.reference.labs.lab import Lab, links_for
from tests.conformance.harness import BACK_WITHIN_S, NAMES, WORKERS, connected, wait_connected, wait_status
from tests.conformance.observers import pid_of
from tests.waiting import eventually_in_thread

PARTS = (NAMES[1], SERVER, TOXIPROXY)


def back(lab: Lab, name: str) -> None:
    """Start a part again, and wait until the lab is whole: a Toxiproxy that starts has no links."""
    lab.engine.start(name)
    eventually_in_thread(lab.links.is_up, "Toxiproxy answers", BACK_WITHIN_S, 0.1)
    if name == TOXIPROXY:
        lab.links.create(links_for(lab, WORKERS))
    wait_connected(lab)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.proves(Ability.restart)
def test_kill_9_from_outside_is_seen_and_the_part_starts_again(lab: Lab, name: str) -> None:
    pid = pid_of(lab, name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_status(lab, name, "exited")
    assert lab.engine.inspect(name).exit_code == 128 + signal.SIGKILL
    assert lab.engine.states()[name].status == "exited"
    assert lab.engine.degradations()[name] == ["exited"]
    back(lab, name)
    assert pid_of(lab, name) not in (None, pid)
    assert lab.engine.degradations() == {}


@pytest.mark.proves(Ability.kill, Ability.restart)
def test_a_kill_and_a_start_are_events_with_their_times(lab: Lab) -> None:
    name = NAMES[0]
    stream = lab.engine.events()
    seen: list[EngineEvent] = []

    def follow() -> None:
        # Not extend: what has come is seen while others are waited for.
        for one in stream:
            seen.append(one)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        lab.engine.kill(name)
        wait_status(lab, name, "exited")
        back(lab, name)
        wanted = ["die", "start"]
        eventually_in_thread(
            lambda: [one.action for one in seen if one.container == name and one.action in wanted] == wanted,
            lambda: f"{wanted}; found {seen}",
        )
    finally:
        stream.close()
        follower.join(30)
    times = [one.at_ns for one in seen if one.container == name and one.action in wanted]
    assert times == sorted(times)


@pytest.mark.proves(Ability.stop, Ability.restart)
def test_a_stop_lets_a_worker_say_goodbye(lab: Lab) -> None:
    name = NAMES[2]
    lab.engine.stop(name, 10.0)
    state = lab.engine.inspect(name)
    assert (state.status, state.exit_code) == ("exited", 0)
    assert pid_of(lab, name) is None
    eventually_in_thread(lambda: name not in connected(lab), f"{name} has left", BACK_WITHIN_S, 0.2)
    back(lab, name)


@pytest.mark.proves(Ability.stop, Ability.restart)
def test_a_restart_is_a_new_process_with_the_same_link(lab: Lab) -> None:
    name = NAMES[0]
    before = pid_of(lab, name)
    lab.engine.restart(name, 10.0)
    eventually_in_thread(lambda: pid_of(lab, name) not in (None, before), "a new process", BACK_WITHIN_S, 0.2)
    wait_connected(lab)
    assert [one.name for one in lab.links.states()] == NAMES
