"""The rule of one_sided_close: it needs both halves, the end that was closed and the one that stayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos.catalogue import make
from chaos.evidence import CloseKind, ConnectOutcome, FarEndRecord, LinkEvidence, OtherFault, Silence, Symptom
from chaos.fault import LinkFault
from tests.chaos.test_rules import AFTER, CLOSED_AT_CLIENT, CLOSED_AT_SERVER, GONE, HELD, UNTOUCHED, S

RST_AT_CLIENT = replace(
    CLOSED_AT_CLIENT, during=replace(CLOSED_AT_CLIENT.during, ends=((10 * S, CloseKind.rst),))
)
RST_AT_SERVER = replace(CLOSED_AT_SERVER, far_end=FarEndRecord(10 * S, CloseKind.rst, 10 * S))


def rule(side: str, how: str = "fin") -> LinkFault:
    fault = make("one_sided_close", {"side": side, "how": how})
    assert isinstance(fault, LinkFault)
    return fault


def during(seen: LinkEvidence, **changes: Any) -> LinkEvidence:
    return replace(seen, during=replace(seen.during, **changes))


@pytest.mark.parametrize(
    ("side", "how", "trace"),
    [
        ("client", "fin", CLOSED_AT_CLIENT),
        ("client", "rst", RST_AT_CLIENT),
        ("server", "fin", CLOSED_AT_SERVER),
        ("server", "rst", RST_AT_SERVER),
    ],
)
def test_each_way_is_proved_by_its_own_trace_and_by_no_other_ways(
    side: str, how: str, trace: LinkEvidence
) -> None:
    proved = {
        (one, other)
        for one in ("client", "server")
        for other in ("fin", "rst")
        if rule(one, other).observed(trace).seen
    }
    assert proved == {(side, how)}


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        (UNTOUCHED, "recorded no end"),
        (replace(UNTOUCHED, far_end=CLOSED_AT_CLIENT.far_end), "the client's end saw no end"),
        (replace(CLOSED_AT_CLIENT, far_end=None), "recorded no end"),
        (replace(CLOSED_AT_CLIENT, far_end=None, stood=False), "no standing connection"),
        (
            replace(CLOSED_AT_CLIENT, far_end=FarEndRecord(10 * S, CloseKind.fin, 10 * S)),
            "the server's end was closed too: it ended by FIN, 0.0 s",
        ),
        (
            replace(CLOSED_AT_CLIENT, far_end=FarEndRecord(15 * S, CloseKind.rst, 10 * S)),
            "the server's end was closed too: it ended by RST, 5.0 s",
        ),
        (
            replace(CLOSED_AT_CLIENT, far_end=FarEndRecord(20 * S, CloseKind.rst, 14 * S)),
            "still received a message 4.0 s after",
        ),
        (
            replace(CLOSED_AT_CLIENT, far_end=FarEndRecord(29 * S, CloseKind.rst, 10 * S)),
            "outlived the fault",
        ),
        (
            during(CLOSED_AT_CLIENT, connects={ConnectOutcome.refused: 4}),
            "new connections should have worked",
        ),
        (during(CLOSED_AT_CLIENT, connects={}), "no new connection was tried"),
    ],
)
def test_a_close_of_the_clients_end_is_not_proved_where_a_half_is_missing(
    trace: LinkEvidence, message: str
) -> None:
    observation = rule("client").observed(trace)
    assert not observation.seen
    assert message in observation.because


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        (UNTOUCHED, "recorded no end"),
        (replace(CLOSED_AT_SERVER, far_end=None), "recorded no end"),
        (
            replace(CLOSED_AT_SERVER, far_end=FarEndRecord(20 * S, CloseKind.rst, 10 * S)),
            "should have seen FIN when the fault began; it ended by RST, 10.0 s",
        ),
        (
            replace(CLOSED_AT_SERVER, far_end=FarEndRecord(10 * S, CloseKind.given_up, 10 * S)),
            "it ended by its own doing",
        ),
        (
            replace(CLOSED_AT_SERVER, far_end=FarEndRecord(14 * S, CloseKind.fin, 10 * S)),
            "it ended by FIN, 4.0 s",
        ),
        (
            during(CLOSED_AT_SERVER, ends=((10 * S, CloseKind.fin),)),
            "the client's end was closed too: it saw FIN",
        ),
        (
            during(CLOSED_AT_SERVER, ends=((16 * S, CloseKind.rst),)),
            "the client's end was closed too: it saw RST",
        ),
        (during(CLOSED_AT_SERVER, silences=()), "the link was not silent"),
        (
            during(CLOSED_AT_SERVER, silences=(Silence(10 * S, 14 * S, healed=False),)),
            "only from 0.0 to 4.0 s of 10.0 s",
        ),
        (during(CLOSED_AT_SERVER, silences=HELD), "arrived afterwards"),
        (during(CLOSED_AT_SERVER, beats_ns=(15 * S,)), "received messages of the far end"),
        (replace(CLOSED_AT_SERVER, after=AFTER), "the client's end outlived the fault"),
        (during(CLOSED_AT_SERVER, connects={ConnectOutcome.hung: 2}), "new connections should have worked"),
    ],
)
def test_a_close_of_the_servers_end_is_not_proved_where_a_half_is_missing(
    trace: LinkEvidence, message: str
) -> None:
    observation = rule("server").observed(trace)
    assert not observation.seen
    assert message in observation.because


def test_a_server_that_gave_the_silent_connection_up_was_not_closed_by_the_link_but_only_until_then() -> None:
    trace = replace(CLOSED_AT_CLIENT, far_end=FarEndRecord(13 * S, CloseKind.given_up, 10 * S))
    assert rule("client").observed(trace).seen
    coverage = rule("client").coverage(trace)
    assert coverage is not None
    assert coverage.proved_ns == 3 * S
    assert coverage.trouble


def test_new_connections_prove_nothing_while_another_fault_keeps_them_out() -> None:
    other = OtherFault("f-2", "hang", frozenset({Symptom.turned_away}), 10 * S, 20 * S)
    for side, trace in (("client", CLOSED_AT_CLIENT), ("server", CLOSED_AT_SERVER)):
        hung = during(trace, connects={ConnectOutcome.hung: 2})
        assert not rule(side).observed(hung).seen
        assert rule(side).observed(replace(hung, others=(other,))).seen


@pytest.mark.parametrize(("name", "ends"), [("cut", CloseKind.fin), ("reset", CloseKind.rst)])
def test_a_close_at_one_end_is_no_cut_and_no_reset(name: str, ends: CloseKind) -> None:
    fault = make(name, {})
    assert isinstance(fault, LinkFault)
    one_sided = during(CLOSED_AT_CLIENT, ends=((10 * S, ends),))
    assert "stayed open" in fault.observed(one_sided).because
    assert not fault.observed(one_sided).seen
    assert fault.observed(replace(one_sided, far_end=FarEndRecord(10 * S + 1, ends, 10 * S))).seen
    assert fault.observed(replace(one_sided, far_end=None)).seen


def test_a_silence_alone_is_no_close_of_the_servers_end() -> None:
    assert not rule("server").observed(during(UNTOUCHED, silences=GONE, rtt_ms=())).seen


@pytest.mark.parametrize("outcome", [ConnectOutcome.hung, ConnectOutcome.reset, ConnectOutcome.refused])
def test_a_new_connection_that_is_not_answered_did_not_work_though_others_were(
    outcome: ConnectOutcome,
) -> None:
    for side, trace in (("client", CLOSED_AT_CLIENT), ("server", CLOSED_AT_SERVER)):
        mixed = during(trace, connects={ConnectOutcome.answered: 4, outcome: 1})
        assert "new connections should have worked" in rule(side).observed(mixed).because
        other = OtherFault("f-2", "cut", frozenset({Symptom.ended}), 12 * S, 12 * S)
        assert rule(side).observed(replace(mixed, others=(other,))).seen


def test_a_server_s_end_that_was_closed_before_the_fault_began_is_not_its_doing() -> None:
    early = replace(CLOSED_AT_SERVER, far_end=FarEndRecord(9 * S, CloseKind.fin, 9 * S))
    assert "it ended by FIN, -1.0 s" in rule("server").observed(early).because


def test_the_client_s_end_is_closed_as_it_ended_first() -> None:
    ends = ((10 * S + 1, CloseKind.rst), (15 * S, CloseKind.fin))
    assert not rule("client").observed(during(CLOSED_AT_CLIENT, ends=ends)).seen
    assert rule("client", "rst").observed(during(CLOSED_AT_CLIENT, ends=ends)).seen
