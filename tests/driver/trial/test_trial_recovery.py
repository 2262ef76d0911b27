"""Claims about the comparison of a system after a fault with its baseline, on hand-made samples."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from driver.trial.baseline import FlowBaseline, SystemBaseline, baseline_of
from driver.trial.link_recovery import LinkRecovery
from driver.trial.recovery import SystemRecovery, recovery
from driver.trial.samples import ContainerLook, FlowCounters, SystemSample

LINK = "api[1]->db:5432"
API, DB = ContainerLook("api", life="a"), ContainerLook("db", health="healthy", life="d")
AT_REST = SystemBaseline(
    20.0,
    {LINK: FlowBaseline(100, 100, 0, 1, 0.5, 2.0, 50, 50)},
    {"api[1]": API, "db[1]": DB},
)
BEGAN_S, HEALED_S = 1.0, 6.0


def samples(
    to_server: list[tuple[float, float]],
    to_client: list[tuple[float, float]] | None = None,
    until_s: float = 12.0,
) -> list[SystemSample]:
    """Looks each 250 ms; each direction carries 100 B/s within its spans of time."""
    both = to_client if to_client is not None else to_server
    return [
        SystemSample(
            at_s,
            {LINK: FlowCounters(1, 1, carried(to_server, at_s), carried(both, at_s))},
            {"api[1]": API, "db[1]": DB},
        )
        for at_s in (step * 0.25 for step in range(int(until_s * 4) + 1))
    ]


def carried(spans: list[tuple[float, float]], until_s: float) -> int:
    return round(sum(100 * max(0.0, min(end, until_s) - begin) for begin, end in spans))


def found(looks: list[SystemSample], renewed: str = "") -> SystemRecovery:
    return recovery(AT_REST, looks, BEGAN_S, HEALED_S, renewed)


def link(looks: list[SystemSample]) -> LinkRecovery:
    return found(looks).links[LINK]


def test_a_link_is_back_at_its_first_byte_of_steady_traffic() -> None:
    assert link(samples([(0, 1), (8, 99)])).after_s == pytest.approx(2.25)


def test_a_link_without_a_break_is_back_at_once() -> None:
    assert link(samples([(0, 99)])).after_s == pytest.approx(0.25)


def test_what_was_held_and_arrives_after_healing_is_no_steady_traffic() -> None:
    assert link(samples([(0, 1), (10, 10.9)])).after_s is None


def test_a_link_that_falls_silent_again_is_back_when_it_carries_for_good() -> None:
    assert link(samples([(0, 1), (6, 9), (11, 99)], until_s=16)).after_s == pytest.approx(5.25)


def test_a_link_that_carries_one_way_alone_is_not_back() -> None:
    assert link(samples([(0, 99)], to_client=[(0, 1)])).after_s is None


def test_a_link_that_carries_less_than_it_must_is_not_back_and_has_a_share() -> None:
    tenth = [(step, step + 0.1) for step in range(6, 12)]
    one = link(samples([(0, 1), *tenth]))
    assert one.after_s is None
    assert one.share == pytest.approx(0.1)


def test_too_short_a_time_after_healing_proves_nothing() -> None:
    assert link(samples([(0, 99)], until_s=7.5)).after_s is None


@pytest.mark.parametrize(
    ("spans", "missed"), [([(0, 2), (5, 99)], True), ([(0, 2), (3.5, 99)], False)], ids=["3 s", "1.5 s"]
)
def test_a_silence_longer_than_a_window_is_missed_traffic(
    spans: list[tuple[float, float]], missed: bool
) -> None:
    assert link(samples(spans)).missed is missed


STANDING = replace(AT_REST.links[LINK], silence_s=8.0, window_s=16.0, judged=False, standing=1)


def quiet(connections: list[tuple[float, int]]) -> LinkRecovery:
    """A link that is used every 8 s and had a connection, with as many connections from these times on."""
    looks = []
    for look in samples([(0, 0)]):
        count = [count for at_s, count in connections if look.at_s >= at_s][-1]
        looks.append(SystemSample(look.at_s, {LINK: FlowCounters(count, 2, 40, 40)}, look.containers))
    return recovery(replace(AT_REST, links={LINK: STANDING}), looks, BEGAN_S, HEALED_S).links[LINK]


@pytest.mark.parametrize(
    ("connections", "after_s"),
    [
        ([(0, 1), (1, 0)], None),
        ([(0, 1), (1, 0), (8, 1)], 2.0),
        ([(0, 1)], 0.0),
        ([(0, 1), (1, 0), (11.5, 1)], None),
    ],
    ids=["lost for good", "connected again", "never lost", "only just connected"],
)
def test_a_link_that_is_used_too_rarely_is_judged_by_the_connection_that_it_always_had(
    connections: list[tuple[float, int]], after_s: float | None
) -> None:
    assert quiet(connections).after_s == after_s


def test_a_link_that_has_lost_the_connection_that_it_always_had_is_not_idle() -> None:
    lost = [replace(one, links={LINK: replace(one.links[LINK], connections=0)}) for one in samples([(0, 1)])]
    assert link(lost).idle
    flow = replace(AT_REST.links[LINK], standing=1)
    assert not recovery(replace(AT_REST, links={LINK: flow}), lost, BEGAN_S, HEALED_S).links[LINK].idle


def test_a_replica_that_lost_its_connection_is_not_back_while_another_does_all_the_work() -> None:
    one, other = "worker[1]->queue:5672", "worker[2]->queue:5672"
    looks = [
        SystemSample(
            at_s,
            {
                one: FlowCounters(int(at_s < 25), 1, round(100 * min(at_s, 25)), round(100 * min(at_s, 25))),
                other: FlowCounters(1, 1, *[round(100 * at_s + 100 * max(0, at_s - 25))] * 2),
            },
            {"worker[1]": ContainerLook("worker", life="a"), "worker[2]": ContainerLook("worker", life="b")},
        )
        for at_s in (step * 0.25 for step in range(60 * 4))
    ]
    at_rest = baseline_of([look for look in looks if look.at_s <= 20])
    links = recovery(at_rest, [look for look in looks if look.at_s >= 20], 25.0, 30.0).links
    assert (links[one].after_s, links[one].idle) == (None, False)
    assert links[other].after_s is not None


def changed(looks: list[SystemSample], name: str, *spans: tuple[float, ContainerLook]) -> list[SystemSample]:
    """The looks, with a container that becomes something else at each of these times."""
    later = []
    for look in looks:
        now = {at_s: one for at_s, one in spans if look.at_s >= at_s}
        containers = {**look.containers, name: now[max(now)]} if now else look.containers
        later.append(SystemSample(look.at_s, look.links, containers))
    return later


def test_a_container_that_ended_is_a_trouble() -> None:
    ended = ContainerLook("api", "exited", exit_code=3, life="a")
    assert found(changed(samples([(0, 99)]), "api[1]", (2, ended))).troubles == {"api[1]": "ended with 3"}


def test_a_container_that_is_unhealthy_is_a_trouble_and_one_that_starts_is_not() -> None:
    looks = samples([(0, 99)])
    sick = changed(looks, "db[1]", (2, ContainerLook("db", health="unhealthy", life="d")))
    starts = changed(looks, "db[1]", (2, ContainerLook("db", health="starting", life="e")))
    assert found(sick).troubles == {"db[1]": "is unhealthy"}
    assert found(starts).troubles == {}


def test_a_job_that_had_ended_before_is_no_trouble() -> None:
    job = ContainerLook("job", "exited", exit_code=0)
    at_rest = SystemBaseline(20.0, {}, {"job[1]": job})
    looks = [SystemSample(float(at_s), {}, {"job[1]": job}) for at_s in range(12)]
    assert recovery(at_rest, looks, BEGAN_S, HEALED_S).whole


def test_a_container_that_was_started_again_is_named_unless_the_fault_did_it() -> None:
    looks = changed(samples([(0, 99)]), "db[1]", (2, ContainerLook("db", health="healthy", life="e")))
    assert found(looks).restarted == ["db[1]"]
    assert found(looks, renewed="db[1]").restarted == []


def test_a_system_is_whole_only_once_its_containers_are_steady() -> None:
    looks = samples([(0, 99)])
    again = changed(looks, "db[1]", (11, ContainerLook("db", life="e")))
    assert found(looks).whole
    assert not found(again, renewed="db[1]").whole


def test_a_system_is_back_with_its_last_link() -> None:
    looks = samples([(0, 1), (8, 99)])
    assert found(looks).after_s == pytest.approx(2.25)
    assert found(samples([(0, 1)])).after_s is None


JOB_DONE = ContainerLook("api", "exited", exit_code=0, life="a")


def test_an_untouched_container_that_ends_with_0_is_finished_and_its_links_are_not_judged() -> None:
    looks = changed(samples([(0, 2)]), "api[1]", (2, JOB_DONE))
    one = found(looks)
    assert (one.whole, one.finished, dict(one.links), one.troubles) == (True, ["api[1]"], {}, {})


def test_a_container_that_ends_with_0_when_it_is_hit_is_a_trouble() -> None:
    looks = changed(samples([(0, 2)]), "api[1]", (2, JOB_DONE))
    one = recovery(AT_REST, looks, BEGAN_S, HEALED_S, touched=["api[1]"])
    assert (one.troubles, one.finished) == ({"api[1]": "ended with 0"}, [])


def test_a_container_that_was_finished_before_it_was_hit_is_no_trouble() -> None:
    looks = changed(samples([(0, 0)]), "api[1]", (0, JOB_DONE))
    assert recovery(AT_REST, looks, BEGAN_S, HEALED_S, touched=["api[1]"], finished=["api[1]"]).whole


def test_a_container_that_restarts_at_rest_is_no_finding_when_it_does_so_again() -> None:
    looks = changed(
        samples([(0, 99)]),
        "db[1]",
        (2, ContainerLook("db", "restarting", exit_code=1, life="e")),
        (3, ContainerLook("db", life="f")),
        (11.5, ContainerLook("db", life="g")),
    )
    one = recovery(replace(AT_REST, restless=["db[1]"]), looks, BEGAN_S, HEALED_S)
    assert (one.whole, one.restarted) == (True, [])


SECOND = "api[2]->db:5432"


def of_two(each: float, later: float, *, opened: int = 0, asked: int = 0) -> SystemRecovery:
    """Both replicas carry 100 B/s; from 6 s on the first carries `each` and the second `later`.

    From then on the second has no connection, or with `asked` bytes that got no answer, an open one.
    """

    def counters(at_s: float, per_s: float) -> FlowCounters:
        carried = int(100 * min(at_s, 6.0) + per_s * max(0.0, at_s - 6.0))
        return FlowCounters(1, 1, carried, carried)

    def second(at_s: float) -> FlowCounters:
        one = counters(at_s, later)
        tried = max(0, int(at_s - 6.0)) * opened
        return replace(
            one,
            connections=int(at_s < 6 or bool(asked or later)),
            accepted=1 + tried,
            to_server_bytes=one.to_server_bytes + (asked if at_s > 7 else 0),
        )

    def looks(until_s: float, per_s: float) -> list[SystemSample]:
        times = [step * 0.25 for step in range(int(until_s * 4) + 1)]
        return [SystemSample(at_s, {LINK: counters(at_s, per_s), SECOND: second(at_s)}) for at_s in times]

    at_rest = baseline_of(looks(6.0, 100))
    return recovery(at_rest, looks(16.0, each), BEGAN_S, HEALED_S)


def test_a_replica_is_back_that_is_idle_since_another_carries_its_load() -> None:
    one = of_two(200, 0)
    assert one.whole
    assert not one.links[SECOND].missed


@pytest.mark.parametrize(
    "one",
    [of_two(100, 0), of_two(200, 0, opened=1), of_two(200, 0, asked=10)],
    ids=["its load is not carried", "it dials in vain", "it waits for an answer"],
)
def test_a_replica_is_not_back_that_is_silent_for_another_reason(one: SystemRecovery) -> None:
    assert one.dead_links() == [SECOND]
