"""Each fault's rule: it sees its own trace, and neither nothing nor the trace of another fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
import yaml

from chaos.catalogue import ALL, make
from chaos.delays import unexplained_slowness
from chaos.evidence import (
    CloseKind,
    ConnectOutcome,
    ContainerEvidence,
    FarEndRecord,
    LinkEvidence,
    LinkWindow,
    OtherFault,
    RoundTrip,
    Silence,
    Symptom,
)
from chaos.evidence_checks import before_other_faults, mean_shift_ms, median_shift_ms
from chaos.fault import ContainerFault, LinkFault

S = 1_000_000_000
QUIET = LinkWindow(
    0,
    10 * S,
    rtt_ms=(1.0, 1.2, 0.9, 1.1),
    connects={ConnectOutcome.answered: 3},
    rates_bytes_per_s=(5e6, 4e6),
    lives=True,
)
DURING = replace(QUIET, from_ns=10 * S, until_ns=20 * S)
AFTER = replace(QUIET, from_ns=20 * S, until_ns=30 * S)
UNTOUCHED = LinkEvidence("worker-1", QUIET, DURING, AFTER)


def seen(counters: Mapping[str, int] = {}, **during: Any) -> LinkEvidence:
    return replace(UNTOUCHED, during=replace(DURING, **during), counters=counters)


def ended(how: CloseKind) -> tuple[tuple[int, CloseKind], ...]:
    return ((10 * S + 1, how),)


HELD = (Silence(10 * S, 20 * S, healed=True),)
GONE = (Silence(10 * S, 20 * S, healed=False),)
LATE = (201.0, 200.5, 202.0, 201.5)
REFUSED, HUNG, ANSWERED = {ConnectOutcome.refused: 4}, {ConnectOutcome.hung: 2}, {ConnectOutcome.answered: 4}

RST_AT_HEAL, FIN_AT_ONCE = (
    FarEndRecord(20 * S + 1, CloseKind.rst, 10 * S),
    FarEndRecord(10 * S, CloseKind.fin, 10 * S),
)
RESET_AFTER = replace(AFTER, ends=((20 * S, CloseKind.rst),))
CLOSED_AT_CLIENT = replace(seen(ends=ended(CloseKind.fin), connects=ANSWERED), far_end=RST_AT_HEAL)
CLOSED_AT_SERVER = replace(
    seen(rtt_ms=(), silences=GONE, connects=ANSWERED), far_end=FIN_AT_ONCE, after=RESET_AFTER
)
# A name, its parameters, its trace, and whether another fault's rule may see itself in that trace as well.
TRACES: list[tuple[str, dict[str, Any], LinkEvidence]] = [
    ("latency", {"mean": "100ms"}, seen(rtt_ms=LATE)),
    ("bandwidth", {"rate": "64KB/s"}, seen(rates_bytes_per_s=(63_500.0, 64_100.0))),
    ("fragment", {"size": "64B", "gap": "10ms"}, seen(rates_bytes_per_s=(6_000.0,))),
    ("stall", {}, seen(rtt_ms=(), silences=HELD, connects=HUNG)),
    ("blackhole", {}, seen(rtt_ms=(), silences=GONE, connects=HUNG)),
    ("cut", {}, seen(ends=ended(CloseKind.fin), connects=ANSWERED)),
    ("refuse", {}, seen(ends=ended(CloseKind.fin), connects=REFUSED)),
    ("block_new_only", {}, seen(connects=REFUSED)),
    ("reset", {}, seen(ends=ended(CloseKind.rst), connects=ANSWERED)),
    ("truncate", {}, seen({"truncated_connections": 2}, ends=ended(CloseKind.torn), connects=ANSWERED)),
    ("corrupt", {"rate": "1e-3", "direction": "to_worker"}, seen(compared_bytes=40_000, damaged_bytes=41)),
    ("drop", {"probability": "5%"}, seen({"dropped_chunks": 3}, missing_messages=3)),
    ("drop", {"probability": "5%"}, seen({"dropped_chunks": 9}, silences=GONE)),
    ("duplicate", {"probability": "5%"}, seen({"duplicated_chunks": 3}, repeated_messages=3)),
    (
        "fail_first",
        {"connections": 2},
        seen({"failed_connections": 2}, connects={ConnectOutcome.closed: 2, ConnectOutcome.answered: 3}),
    ),
    ("reject", {}, seen(connects={ConnectOutcome.rejected: 3}, statuses=frozenset({(503, -1)}))),
    ("hang", {}, seen(connects=HUNG)),
    ("one_sided_close", {"side": "client"}, CLOSED_AT_CLIENT),
    ("one_sided_close", {"side": "server"}, CLOSED_AT_SERVER),
]
IDS = [name for name, _, _ in TRACES]
EVERY: list[tuple[str, dict[str, Any]]] = [
    *((kind.name, yaml.safe_load(f"{{{kind.example}}}")) for kind in ALL if issubclass(kind, LinkFault)),
    *((name, params) for name, params, _ in TRACES),
]
"""Every link fault of the catalogue with the parameters of its example, and those of the traces."""


def rule(name: str, params: dict[str, Any]) -> LinkFault:
    fault = make(name, params)
    assert isinstance(fault, LinkFault)
    return fault


@pytest.mark.parametrize(("name", "params", "trace"), TRACES, ids=IDS)
def test_a_rule_sees_its_own_trace(name: str, params: dict[str, Any], trace: LinkEvidence) -> None:
    assert rule(name, params).observed(trace).seen


@pytest.mark.parametrize(("name", "params"), EVERY, ids=[name for name, _ in EVERY])
def test_a_rule_does_not_see_itself_on_an_untouched_link(name: str, params: dict[str, Any]) -> None:
    observation = rule(name, params).observed(UNTOUCHED)
    assert not observation.seen
    assert observation.because


@pytest.mark.parametrize(("name", "params"), EVERY, ids=[name for name, _ in EVERY])
def test_a_rule_does_not_see_itself_where_the_prober_saw_nothing(name: str, params: dict[str, Any]) -> None:
    nothing = LinkWindow(0, 0)
    assert not rule(name, params).observed(LinkEvidence("worker-1", nothing, nothing, nothing)).seen


@pytest.mark.parametrize(("name", "params"), [(name, params) for name, params, _ in TRACES], ids=IDS)
def test_a_rule_does_not_take_another_faults_trace_for_its_own(name: str, params: dict[str, Any]) -> None:
    mistaken = [
        other for other, _, trace in TRACES if other != name and rule(name, params).observed(trace).seen
    ]
    # A cut that happened to fall inside a frame is a cut all the same.
    assert set(mistaken) <= ({"truncate"} if name == "cut" else set())


CHUNKS = {"probability": "5%"}
BYTES = {"rate": "1e-3"}
# Traces that prove a fault by one sign alone, and symptoms of other faults that make the same sign.
SIGNS: list[tuple[str, dict[str, Any], LinkEvidence, set[Symptom]]] = [
    ("drop", CHUNKS, seen(missing_messages=3), {Symptom.missing, Symptom.damaged}),
    *(
        (
            "drop",
            CHUNKS,
            seen({"dropped_chunks": 9}, **sign),
            {Symptom.missing, Symptom.damaged, Symptom.silent, Symptom.repeated},
        )
        for sign in (
            {"silences": GONE},
            {"ends": ended(CloseKind.protocol)},
            {"ends": ended(CloseKind.given_up)},
        )
    ),
    *(
        (
            "duplicate",
            CHUNKS,
            seen({"duplicated_chunks": 9}, ends=ended(how)),
            {Symptom.missing, Symptom.damaged},
        )
        for how in (CloseKind.protocol, CloseKind.given_up)
    ),
    *(
        ("corrupt", BYTES, trace, {Symptom.damaged, Symptom.missing, Symptom.repeated, Symptom.ended})
        for trace in (
            replace(UNTOUCHED, altered_frames=2),
            seen(ends=ended(CloseKind.protocol)),
            seen(ends=ended(CloseKind.given_up)),
        )
    ),
]


@pytest.mark.parametrize(("name", "params", "trace", "symptoms"), SIGNS)
def test_one_sign_proves_a_fault_unless_another_fault_on_the_link_makes_it(
    name: str, params: dict[str, Any], trace: LinkEvidence, symptoms: set[Symptom]
) -> None:
    assert rule(name, params).observed(trace).seen
    for symptom in Symptom:
        other = OtherFault("f-2", "another", frozenset({symptom}), 12 * S, 13 * S)
        observation = rule(name, params).observed(replace(trace, others=(other,)))
        assert observation.seen == (symptom not in symptoms), symptom
        assert observation.seen or "another was on this link too" in observation.because


@pytest.mark.parametrize(("name", "params", "trace", "symptoms"), SIGNS)
def test_a_fault_that_was_over_before_makes_no_sign(
    name: str, params: dict[str, Any], trace: LinkEvidence, symptoms: set[Symptom]
) -> None:
    earlier = OtherFault("f-2", "another", frozenset(symptoms), 8 * S, DURING.from_ns)
    later = OtherFault("f-3", "another", frozenset(symptoms), DURING.until_ns, 30 * S)
    assert rule(name, params).observed(replace(trace, others=(earlier, later))).seen


SIZES = ("latency", "bandwidth", "fragment")


@pytest.mark.parametrize(("name", "params", "trace"), TRACES, ids=IDS)
def test_without_the_links_own_measure_a_size_proves_nothing_and_all_else_what_it_proved(
    name: str, params: dict[str, Any], trace: LinkEvidence
) -> None:
    blank = replace(trace, before=LinkWindow(0, 10 * S), after=LinkWindow(20 * S, 30 * S))
    assert rule(name, params).observed(blank).seen == (name not in SIZES)


@pytest.mark.parametrize(
    ("name", "params", "trace", "message"),
    [
        ("latency", {"mean": "100ms"}, seen(rtt_ms=(60.0, 61.0, 60.0)), "took 59"),
        ("latency", {"mean": "100ms"}, seen(rtt_ms=(900.0, 910.0, 905.0)), "took 90"),
        ("latency", {"mean": "100ms"}, seen(rtt_ms=(201.0,)), "too few round trips"),
        ("bandwidth", {"rate": "64KB/s"}, seen(rates_bytes_per_s=(90_000.0,)), "90000 B/s"),
        ("stall", {}, seen(silences=GONE), "did not arrive afterwards"),
        ("stall", {}, seen(silences=(Silence(15 * S, 20 * S, healed=True),)), "not silent"),
        ("stall", {}, seen(silences=(Silence(10 * S, 14 * S, healed=True),)), "not silent"),
        ("stall", {}, seen(silences=HELD, ends=ended(CloseKind.fin)), "only have been silent"),
        ("blackhole", {}, seen(silences=HELD, connects=HUNG), "nothing vanished"),
        ("blackhole", {}, seen(silences=GONE, connects=ANSWERED), "should have hung"),
        (
            "blackhole",
            {"direction": "to_worker"},
            seen(silences=GONE, connects=HUNG, beats_ns=(15 * S,)),
            "not the way that was asked: messages of the far end came all the while",
        ),
        (
            "blackhole",
            {"direction": "to_worker"},
            seen(silences=(Silence(10 * S, 20 * S, healed=False, up_ms=401.0, down_ms=0.0),), connects=HUNG),
            "not the way that was asked: it was the way to the coordinator",
        ),
        (
            "refuse",
            {},
            seen(ends=ended(CloseKind.fin), connects={**REFUSED, ConnectOutcome.answered: 1}),
            "should have been refused",
        ),
        ("cut", {}, seen(ends=ended(CloseKind.fin), connects=REFUSED), "should have worked"),
        (
            "truncate",
            {"direction": "to_worker"},
            seen({"truncated_connections": 1}, ends=ended(CloseKind.fin)),
            "between two frames",
        ),
        ("corrupt", {"rate": "1e-3"}, seen(compared_bytes=40_000, damaged_bytes=4_000), "80 expected"),
        ("corrupt", {"rate": "1e-3"}, seen(compared_bytes=40_000), "0 of 40000"),
        (
            "reject",
            {"retry_after": "2s"},
            seen(connects={ConnectOutcome.rejected: 3}, statuses=frozenset({(503, -1)})),
            "status 503",
        ),
    ],
)
def test_a_trace_that_differs_slightly_is_reported(
    name: str, params: dict[str, Any], trace: LinkEvidence, message: str
) -> None:
    observation = rule(name, params).observed(trace)
    assert not observation.seen
    assert message in observation.because


@pytest.mark.parametrize(
    ("link", "asked", "says"),
    [
        ("worker-1", "to_worker", ("to_worker", "to the coordinator")),
        ("api[1]->db:5432", "to_client", ("to_client", "to the server")),
    ],
)
def test_a_receipt_calls_a_direction_as_the_system_of_its_link_does(
    link: str, asked: str, says: tuple[str, str]
) -> None:
    wrong = Silence(10 * S, 20 * S, healed=False, up_ms=401.0, down_ms=0.0)
    hole = replace(seen(silences=(wrong,), connects=HUNG), link=link)
    fast = replace(seen(rates_bytes_per_s=(90_000.0,)), link=link)
    limit = rule("bandwidth", {"rate": "64KB/s", "direction": asked}).observed(fast)
    silence = rule("blackhole", {"direction": asked}).observed(hole)
    assert limit.because.endswith(f"B/s {says[0]}")
    assert silence.because.endswith(f"the way {says[1]}")


def test_a_black_hole_is_proved_without_new_connections_where_another_fault_refuses_them_all() -> None:
    other = OtherFault("f-2", "block_new_only", frozenset({Symptom.refused}), 10 * S, 20 * S)
    trace = replace(seen(silences=GONE, connects={}), others=(other,))
    observation = rule("blackhole", {}).observed(trace)
    assert observation.seen
    assert observation.because == "silent all the while, and what was sent never came"


def test_another_fault_that_begins_within_two_seconds_leaves_the_whole_window_to_look_at() -> None:
    def until_s(begins_s: int) -> float:
        other = OtherFault("f-2", "cut", frozenset({Symptom.ended}), begins_s * S, 20 * S)
        return before_other_faults(replace(UNTOUCHED, others=(other,)), Symptom.ended).until_ns / S

    assert [until_s(begins_s) for begins_s in (11, 12, 15)] == [20, 12, 15]


@pytest.mark.parametrize("shift_ms", [median_shift_ms, mean_shift_ms])
def test_a_shift_takes_three_round_trips_on_each_side(
    shift_ms: Callable[[LinkEvidence], float | None],
) -> None:
    def of(before: int, during: int) -> float | None:
        trips = replace(UNTOUCHED, before=replace(QUIET, rtt_ms=(1.0,) * before))
        return shift_ms(replace(trips, during=replace(DURING, rtt_ms=(3.0,) * during)))

    assert [of(3, 3), of(3, 4), of(4, 3)] == [2.0, 2.0, 2.0]
    assert [of(2, 3), of(3, 2)] == [None, None]


def test_what_is_slow_for_less_than_two_seconds_is_a_hiccup() -> None:
    def slow(last_ns: int) -> bool:
        usual = tuple(RoundTrip(at * S, at * S + 1_000_000) for at in range(1, 6))
        late = tuple(RoundTrip(end - S, end) for end in (12 * S, 12 * S + 1, 12 * S + 2, last_ns))
        trips = replace(UNTOUCHED, before=replace(QUIET, trips=usual))
        return unexplained_slowness(replace(trips, during=replace(DURING, trips=late))) is not None

    assert not slow(13 * S - 1)
    assert slow(13 * S)


def test_a_delay_may_be_looked_at_twice_its_length_more_rarely() -> None:
    def gap_s(**params: str) -> float:
        return rule("latency", params).max_gap_ns(UNTOUCHED) / S

    usual_s = gap_s(mean="1ms")
    assert gap_s(mean="1s") - usual_s == pytest.approx(2 * 0.999)
    assert gap_s(mean="1s", jitter="500ms") - usual_s == pytest.approx(2 * 1.499)


def test_a_fragment_of_every_size_and_gap_asks_for_its_own_rate() -> None:
    asked = rule("fragment", {"size": "1B", "gap": "3s"}).observed(UNTOUCHED).asked
    assert asked == pytest.approx(1 / 3)


STOOD = ContainerEvidence(
    "worker-1",
    called_ns=10 * S,
    from_ns=10 * S,
    until_ns=20 * S,
    states=frozenset({"running"}),
    networks=frozenset({True}),
    lines_ns=(12 * S, 15 * S),
)
CONTAINERS: list[tuple[str, dict[str, Any], ContainerEvidence]] = [
    ("pause", {}, replace(STOOD, states=frozenset({"paused"}), lines_ns=(21 * S,))),
    ("kill", {}, replace(STOOD, states=frozenset({"exited"}), starts_ns=(21 * S,))),
    ("stop", {}, replace(STOOD, states=frozenset({"exited"}), starts_ns=(21 * S,), stopped_in_order=True)),
    ("restart", {}, replace(STOOD, starts_ns=(11 * S,), stopped_in_order=True)),
    ("unplug", {}, replace(STOOD, networks=frozenset({False}), noticed=True)),
    ("cpu", {"cores": 0.1}, replace(STOOD, cpus=0.1)),
    ("memory", {"limit": "64MiB"}, replace(STOOD, memory_bytes=64 << 20)),
]


def container_rule(name: str, params: dict[str, Any]) -> ContainerFault:
    fault = make(name, params)
    assert isinstance(fault, ContainerFault)
    return fault


@pytest.mark.parametrize(("name", "params", "trace"), CONTAINERS, ids=[name for name, _, _ in CONTAINERS])
def test_a_container_fault_sees_its_own_trace_and_not_none(
    name: str, params: dict[str, Any], trace: ContainerEvidence
) -> None:
    fault = container_rule(name, params)
    assert fault.observed(trace).seen
    assert not fault.observed(STOOD).seen


# The end may be a SIGKILL, when the time to stop is over; a short time off the network may pass unnoticed.
NOT_NEEDED = {("stop", "stopped_in_order"), ("restart", "stopped_in_order"), ("unplug", "noticed")}


@pytest.mark.parametrize(
    ("name", "params", "trace", "sign"),
    [
        pytest.param(name, params, trace, sign, id=f"{name}-{sign}")
        for name, params, trace in CONTAINERS
        for sign in (field.name for field in fields(ContainerEvidence))
        if getattr(trace, sign) != getattr(STOOD, sign)
    ],
)
def test_a_container_fault_is_proved_by_all_its_signs_together(
    name: str, params: dict[str, Any], trace: ContainerEvidence, sign: str
) -> None:
    without = replace(trace, **{sign: getattr(STOOD, sign)})
    assert container_rule(name, params).observed(without).seen == ((name, sign) in NOT_NEEDED)


@pytest.mark.parametrize(
    ("name", "params", "trace", "expected"),
    [
        ("pause", {}, replace(STOOD, states=frozenset({"paused"})), "wrote 2 journal lines"),
        ("pause", {}, replace(CONTAINERS[0][2], probed_links=5, silent_links=4), "only 4 of 5 links"),
        ("kill", {}, replace(CONTAINERS[1][2], stopped_in_order=True), "no SIGKILL"),
        ("kill", {}, replace(CONTAINERS[1][2], starts_ns=()), "no new life"),
        ("unplug", {}, replace(CONTAINERS[4][2], noticed=False, until_ns=30 * S), "noticed nothing"),
        ("cpu", {"cores": 0.1}, replace(STOOD, cpus=0.2), "no such quota"),
        ("cpu", {"cores": 0.1}, replace(STOOD, cpus=1.0, made_cpus=1.0), "no such quota"),
        ("cpu", {"cores": 1}, replace(STOOD, cpus=1.0, made_cpus=1.0), "was 1 cores before"),
        ("cpu", {"cores": 2}, replace(STOOD, cpus=2.0, made_cpus=1.0), "took nothing away"),
        (
            "memory",
            {"limit": "64MiB"},
            replace(STOOD, memory_bytes=64 << 20, made_memory_bytes=64 << 20),
            "took nothing away",
        ),
    ],
)
def test_a_container_that_was_hit_in_part_is_reported(
    name: str, params: dict[str, Any], trace: ContainerEvidence, expected: str
) -> None:
    observation = container_rule(name, params).observed(trace)
    assert not observation.seen
    assert expected in observation.because
