"""Half-dead connections: closed at one end, open and silent at the other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkAction, LinkEffect
from chaos.coverage import EffectSample
from chaos.evidence import CloseKind, ConnectOutcome, FarEndRecord, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import (
    SLACK_NS,
    before_other_faults,
    close_kinds_text,
    connects_text,
    continuous_silence,
    no_connection_note,
    not_silent_text,
    silence_samples,
)
from chaos.fault import Aspect, LinkFault
from chaos.prober.probe_rate import ProbeRate

# The far end's clock is read after the packet that it records, Toxiproxy's after it has sent it.
_EARLY_NS = 50_000_000


class Side(StrEnum):
    """The end of a link's connections that is closed."""

    client = "client"
    server = "server"


class Closing(StrEnum):
    """How that end is closed."""

    fin = "fin"
    rst = "rst"


_ACTIONS = {
    (Side.client, Closing.fin): LinkAction.fin_client,
    (Side.client, Closing.rst): LinkAction.rst_client,
    (Side.server, Closing.fin): LinkAction.fin_server,
    (Side.server, Closing.rst): LinkAction.rst_server,
}
_KINDS = {Closing.fin: (CloseKind.fin, CloseKind.torn), Closing.rst: (CloseKind.rst,)}


class OneSidedClose(LinkFault):
    """Live connections are closed at one end alone, as by a NAT or a load balancer that forgot them."""

    name: ClassVar = "one_sided_close"
    rank: ClassVar = 105
    plain_effect: ClassVar = "half dead: closed at one end, silent at the other"
    summary: ClassVar = (
        "FIN or RST at one end of live connections; the other stays open and silent; new ones work"
    )
    visible_effect: ClassVar = (
        "One end reads FIN or RST. The other notices nothing: its bytes are acknowledged and vanish, a FIN "
        "too, and nothing comes. When it ends, the silent end gets RST, as its next packet would from a "
        "device that has no state of it. New connections are unaffected."
    )
    expected_client_behaviour: ClassVar = (
        "The closed end reconnects at once, and its new connection replaces the half-dead one; a silent end "
        "detects it by heartbeats alone. Nothing is lost, redone or counted twice."
    )
    probe_rate: ClassVar = ProbeRate(probes_per_s=2, connects_per_s=1, patient=True)
    example: ClassVar = "side: client"

    side: Annotated[
        Side, Field(description="the end that is closed: client (the worker) or server (the coordinator)")
    ]
    how: Annotated[Closing, Field(description="fin or rst")] = Closing.fin

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        # The silent end loses its connection at the latest when the fault ends.
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def shared_aspects(self) -> frozenset[Aspect]:
        # The silence of another fault would look the same.
        return frozenset({Aspect.to_client, Aspect.to_server})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=_ACTIONS[self.side, self.how])

    def symptoms(self) -> frozenset[Symptom]:
        closed = {Symptom.ended}
        return frozenset(closed if self.side is Side.client else closed | {Symptom.silent})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        if self.side is Side.server:
            return silence_samples(seen.during)
        far = seen.far_end
        return [] if far is None else [EffectSample(seen.during.from_ns, far.ended_ns, present=True)]

    def observed(self, seen: LinkEvidence) -> Observation:
        far = seen.far_end
        if far is None:
            return Observation(
                False, f"the server's end recorded no end of the connection{no_connection_note(seen)}"
            )
        trouble = (
            self._client_closed(seen, far) if self.side is Side.client else self._server_closed(seen, far)
        )
        blocked = seen.beside(Symptom.refused, Symptom.turned_away, Symptom.silent)
        answered = seen.during.count(ConnectOutcome.answered)
        # Another fault on the link may be why one was not answered, but not why none was.
        fails = not answered or (answered < seen.during.tried and not seen.others)
        if not trouble and fails and not blocked:
            trouble = f"new connections should have worked; {connects_text(seen.during)}"
        if trouble:
            return Observation(False, trouble)
        other = Side.server if self.side is Side.client else Side.client
        return Observation(
            True,
            f"{self.how.upper()} at the {self.side}'s end; the {other}'s stayed open and silent; new "
            f"connections worked ({connects_text(seen.during)})",
        )

    def _client_closed(self, seen: LinkEvidence, far: FarEndRecord) -> str:
        """Return why this is not a connection that was closed at the client's end alone; "" where it is."""
        during = seen.during
        if not during.ends or during.ends[0][1] not in _KINDS[self.how]:
            found = close_kinds_text(during)
            return f"the client's end saw {found or 'no end'} where it should have seen {self.how.upper()}"
        if far.how is not CloseKind.given_up and far.ended_ns < during.until_ns - _EARLY_NS:
            return f"the server's end was closed too: {_at(far, seen)}"
        if far.last_message_ns > during.from_ns + SLACK_NS:
            late_s = (far.last_message_ns - during.from_ns) / 1e9
            return f"the server's end still received a message {late_s:.1f} s after the fault began"
        if far.how is not CloseKind.given_up and far.ended_ns > during.until_ns + SLACK_NS:
            return f"the server's end outlived the fault: {_at(far, seen)}"
        return ""

    def _server_closed(self, seen: LinkEvidence, far: FarEndRecord) -> str:
        """Return why this is not a connection that was closed at the server's end alone; "" where it is."""
        during = seen.during
        from_ns, until_ns = during.from_ns - _EARLY_NS, during.from_ns + SLACK_NS
        if far.how not in _KINDS[self.how] or not from_ns <= far.ended_ns <= until_ns:
            return (
                f"the server's end should have seen {self.how.upper()} when the fault began; {_at(far, seen)}"
            )
        if ended := close_kinds_text(during):
            return f"the client's end was closed too: it saw {ended}"
        silence = continuous_silence(before_other_faults(seen, Symptom.ended))
        if silence is None:
            return not_silent_text(during)
        if silence.healed:
            return "the client's end was silent, and what was sent arrived afterwards"
        if any(during.from_ns + SLACK_NS < at_ns < during.until_ns - SLACK_NS for at_ns in during.beats_ns):
            return "the client's end received messages of the far end all the while"
        if seen.after.lives and seen.after.length_ns > SLACK_NS and not seen.after.ends:
            return "the client's end outlived the fault"
        return ""


def _at(far: FarEndRecord, seen: LinkEvidence) -> str:
    after_s = (far.ended_ns - seen.during.from_ns) / 1e9
    how = "its own doing" if far.how is CloseKind.given_up else far.how.upper()
    return f"it ended by {how}, {after_s:.1f} s after the fault began"
