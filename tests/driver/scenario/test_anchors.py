"""Anchors of a timeline: what is counted, on which links, and who begins the fault; the rest is refused."""

from __future__ import annotations

import pytest

from chaos.anchor import AnchorKind
from chaos.directions import Direction
from driver.scenarios.plan import Plan, PlannedFault, PlannedSystem
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.scenarios.yaml_file import FileError

HEAD = "# All is well.\nworkers: 5\nduration: 100s\nwarmup: 0s\n"
SYSTEM = PlannedSystem(
    name="shop", files=("compose.yaml",), services={"api": 2, "db": 1, "cache": 1},
    links=("api[1]->db:5432", "api[2]->db:5432", "api[1]->cache:6379", "api[2]->cache:6379"),
)  # fmt: skip


def plan(entry: str) -> Plan:
    return resolve(parse_scenario(f"{HEAD}timeline:\n  - {{{entry}}}\n", "x"), seed=1)


def fault(entry: str) -> PlannedFault:
    (found,) = plan(entry).faults
    return found


def on_system(entry: str) -> PlannedFault:
    text = f"# All is well.\nsystem: compose.yaml\nduration: 100s\nwarmup: 0s\ntimeline:\n  - {{{entry}}}\n"
    (found,) = resolve(parse_scenario(text, "x"), seed=1, system=SYSTEM).faults
    return found


def test_an_anchor_counts_on_the_targets_unless_it_names_a_link() -> None:
    own = fault("fault: reset, targets: 2-3, at: 5s, when: {frame: 3}").when
    named = fault("fault: reset, targets: 2-3, at: 5s, when: {link: 4, frame: 3}").when
    assert own is not None
    assert own.links == ("worker-2", "worker-3")
    assert named is not None
    assert named.links == ("worker-4",)


@pytest.mark.parametrize(
    ("when", "kind", "number", "stream", "text"),
    [
        (
            "bytes: 1200, direction: to_server",
            AnchorKind.bytes, 1200, Direction.to_server, "after byte 1200 to_coordinator",
        ),
        (
            "frame: 3, direction: to_worker, before: true",
            AnchorKind.frame, 3, Direction.to_client, "before frame 3 to_worker",
        ),
        (
            "pattern: COMMIT, occurrence: 2, connection: 4",
            AnchorKind.pattern, 2, Direction.to_server,
            "after 'COMMIT' number 2 to_coordinator of connection 4",
        ),
        ("response: 1, before: true", AnchorKind.response, 1, Direction.to_client, "before answer 1"),
        ("connection: 2", AnchorKind.connection, 2, Direction.to_server, "at connection 2"),
    ],
)  # fmt: skip
def test_each_kind_of_anchor_has_its_number_and_direction(
    when: str, kind: AnchorKind, number: int, stream: Direction, text: str
) -> None:
    anchor = fault(f"fault: reset, targets: 2, at: 5s, when: {{{when}}}").when
    assert anchor is not None
    point = anchor.point
    assert (point.kind, point.number, point.stream) == (kind, number, stream)
    assert anchor.words == f"{text} on worker-2, within 10s"


def test_a_fault_with_an_anchor_ends_as_late_as_its_anchor_allows() -> None:
    assert fault("fault: stall, targets: 2, at: 5s, for: 7s, when: {frame: 1, within: 20s}").end_s == 32.0
    with pytest.raises(
        FileError, match="would end at 105s, where its anchor comes as late as `within` allows"
    ):
        plan("fault: stall, targets: 2, at: 90s, for: 5s, when: {frame: 1}")


def test_an_anchor_survives_the_stored_plan() -> None:
    stored = plan('fault: stall, targets: 2, at: 5s, for: 7s, when: {pattern: "a b", before: true}')
    assert Plan.model_validate_json(stored.to_json()) == stored


def test_the_same_seed_draws_the_same_link() -> None:
    entry = "fault: reset, targets: random 2, at: 5s, when: {link: random 1, frame: 3}"
    assert fault(entry) == fault(entry)


@pytest.mark.parametrize(
    ("entry", "by_door"),
    [
        ("fault: reset, targets: 'api->db', when: {frame: 1}", True),
        ("fault: reset, targets: 'api[1]->db', when: {link: 'api[2]->db', bytes: 9}", True),
        ("fault: reset, targets: 'api->cache', when: {link: 'api->db', pattern: COMMIT}", False),
        ("fault: kill, targets: db, for: 1s, when: {link: 'api->db', pattern: COMMIT}", False),
    ],
)
def test_a_door_begins_what_is_on_its_own_links(entry: str, by_door: bool) -> None:
    assert on_system(f"{entry}, at: 5s").is_struck_by_door is by_door


def test_the_links_of_an_anchor_are_at_one_door() -> None:
    with pytest.raises(FileError, match="these lead to cache, db"):
        on_system("fault: reset, targets: 'api->db', at: 5s, when: {link: 'api->*', bytes: 9}")


@pytest.mark.parametrize(
    ("entry", "key", "told"),
    [
        ("fault: reset, targets: 1, when: {}", "when", "found none"),
        ("fault: reset, targets: 1, when: {frame: 1, bytes: 3}", "when", "found bytes and frame"),
        ("fault: reset, targets: 1, when: {frame: 0}", "when.frame", "at least 1"),
        ("fault: reset, targets: 1, when: {frame: x}", "when.frame", "a whole number"),
        ("fault: reset, targets: 1, when: {frame: true}", "when.frame", "a number"),
        ("fault: reset, targets: 1, when: {frames: 1}", "when.frames", "Did you mean frame"),
        ("fault: reset, targets: 1, when: {frame: 1, direction: both}", "when", "one direction"),
        ("fault: reset, targets: 1, when: {response: 1, direction: to_worker}", "when", "`direction` needs"),
        ("fault: reset, targets: 1, when: {connection: 1, before: true}", "when", "`before` needs"),
        ("fault: reset, targets: 1, when: {frame: 1, occurrence: 2}", "when", "`occurrence` needs"),
        ("fault: reset, targets: 1, when: {frame: 1, within: 5}", "when.within", "which has no unit"),
        (f"fault: reset, targets: 1, when: {{pattern: {'x' * 257}}}", "when.pattern", "at most 256 bytes"),
        ("fault: reset, targets: 1, when: {link: 9, frame: 1}", "when.link", "there are 5 workers"),
        ("fault: reset, targets: 1, when: {link: coordinator, frame: 1}", "when.link", "link of a worker"),
        ("fault: kill, targets: 1, for: 1s, when: {frame: 1}", "when.link", "expected `link`"),
        ("fault: restart, targets: 1-2, rolling: 5s, when: {link: 1, frame: 1}", "when", "`rolling`"),
        (
            "fault: flap, of: refuse, down: 1s, up: 1s, targets: 1, for: 9s, when: {frame: 1}",
            "when", "several parts",
        ),
    ],
)  # fmt: skip
def test_an_anchor_that_cannot_be_is_refused_with_its_key(entry: str, key: str, told: str) -> None:
    with pytest.raises(FileError) as caught:
        plan(f"{entry}, at: 5s")
    assert f"`timeline[0].{key}`" in str(caught.value)
    assert told in str(caught.value)
