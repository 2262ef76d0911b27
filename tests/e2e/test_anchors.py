"""Claims about faults with an anchor on real containers: they strike at the same message each time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chaos.actuator import Injection, LinkAction, LinkEffect
from chaos.anchor import Anchor, AnchorPoint
from driver.cli.options import engine_of
from driver.labs.lab_actuator import fault_body
from driver.labs.toxiproxy_api import StruckState
from driver.reference.labs.injection_site import ReferenceSite
from driver.reference.labs.lab import existing_lab
from driver.reference.labs.links import Links
from tests.e2e.conftest import CommandLine

REPEATS = 20
WITHIN_S = 30.0
LINK = "worker-1"
FIRST_OF_NEXT = AnchorPoint(frame=3, connection=1)


@pytest.fixture
def links(standing: CommandLine) -> Iterator[Links]:
    """The links of the lab, healed afterwards."""
    found = ReferenceSite(existing_lab(engine_of(standing.project))).links
    yield found
    found.heal()


def struck(links: Links, fault_id: str, point: AnchorPoint) -> StruckState:
    """Arm a reset on the link of a connected worker, make the worker connect again, and return where it
    struck.
    """
    # An anchor alone: one more frame of the worker shows that it is connected.
    reached(links, f"{fault_id}-live", AnchorPoint(frame=1), LinkAction.none)
    arm(links, fault_id, point, LinkAction.reset)
    cut = Injection(f"{fault_id}-cut", (LINK,))
    links.begin_fault(fault_body(cut, LinkEffect(action=LinkAction.cut)))
    links.end_fault(cut.fault_id)
    return where(links, fault_id)


def reached(links: Links, fault_id: str, point: AnchorPoint, action: LinkAction) -> StruckState:
    """Return where an anchored fault struck."""
    arm(links, fault_id, point, action)
    return where(links, fault_id)


def arm(links: Links, fault_id: str, point: AnchorPoint, action: LinkAction) -> None:
    armed = Injection(fault_id, (LINK,), lease_ms=60_000, anchor=Anchor((LINK,), point))
    links.begin_fault(fault_body(armed, LinkEffect(action=action)))


def where(links: Links, fault_id: str) -> StruckState:
    """Return where an armed fault has struck, and end it."""
    deadline = time.monotonic() + WITHIN_S
    while (state := links.wait_fault(fault_id, 5.0)).state == "armed" and time.monotonic() < deadline:
        pass
    links.end_fault(fault_id)
    assert state.anchor is not None
    assert state.anchor.struck is not None, state
    return state.anchor.struck


def test_a_reset_strikes_at_the_third_frame_of_a_workers_next_connection_each_time(links: Links) -> None:
    found = [struck(links, f"a{number}", FIRST_OF_NEXT) for number in range(REPEATS)]
    assert {(one.link, one.stream, one.frame, one.opened, one.exact) for one in found} == {
        (LINK, "upstream", 3, 1, True)
    }


def test_a_fault_by_hand_says_at_which_frame_it_struck(standing: CommandLine) -> None:
    done = standing("inject", "reset", "--workers", "1", "--when", "frame: 2, within: 20s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the door struck after " in done.stdout
    assert f"to_coordinator of a connection that was open on {LINK}" in done.stdout


def test_a_container_fault_is_begun_by_the_driver_that_long_after_its_anchor(standing: CommandLine) -> None:
    words = ("pause", "--workers", "2", "--for", "6s", "--when", "link: worker-1, frame: 1, within: 20s")
    done = standing("inject", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ms after the door reported the anchor" in done.stdout


def test_an_anchor_that_never_comes_is_inconclusive_by_name(standing: CommandLine) -> None:
    done = standing("inject", "reset", "--workers", "1", "--when", "pattern: never sent, within: 2s")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "reset did not begin: its anchor (after 'never sent' to_coordinator on worker-1)" in done.stderr
    assert "did not come within 2s" in done.stderr
