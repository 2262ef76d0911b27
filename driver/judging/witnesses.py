"""What others than the injector saw of a fault, gathered for its rule: the prober, the journals, the engine.
Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

from chaos.attribution import without_other_faults
from chaos.evidence import ContainerEvidence, LinkEvidence, LinkWindow, OtherFault, Symptom
from chaos.evidence_checks import continuous_silence
from chaos.fault import ContainerFault, LinkFault
from chaos.targets import CORE, TOXIPROXY
from driver.histories.events import EngineAction, Healed
from driver.histories.history import COORDINATOR, History
from driver.judging.acts import INSTANT_NS, Act, Sight
from driver.judging.clear_time import clear_before
from driver.judging.container_sights import gaps
from driver.judging.link_sights import EARLY_NS, LinkRecord, link_records
from wire.events import (
    Connected,
    ConnectionLost,
    Event,
    FrameRefused,
    ProcessStarted,
    ProcessStopping,
    WorkerJoined,
    WorkerLost,
)

_S = 1_000_000_000
BEFORE_NS = 10 * _S
CLEAR_NS = 2 * _S
AFTER_NS = 10 * _S
# What a fault leaves behind (a reconnecting prober, held bytes) is not how a link is when nothing is wrong.
SETTLE_NS = 1 * _S
RESTART_NS = 20 * _S
# The prober's usual look at a link is a round trip a second.
GLANCE_NS = 3 * _S
NOTICE_NS = 5 * _S
# A message that a fault swallowed is missed when the next one comes, which may be a heartbeat later.
GAP_NS = 5 * _S
# A coordinator that was started again takes connections again a little later.
RECOVERY_NS = 1 * _S
# What no fault of the coordinator does to a link: Toxiproxy takes connections, and nothing is altered.
NOT_THE_COORDINATOR_S = frozenset({Symptom.refused, Symptom.damaged, Symptom.repeated})
# What only damage explains. A frame out of order, or a gap, is what a drop or a duplicate leaves.
DAMAGE = frozenset({"altered", "version", "undecodable", "framing", "bomb", "too_short", "too_large", "text"})
_at_ns = attrgetter("at_ns")


class Witnesses:
    """All that was seen in one run, and all that was done, so that each fault is asked about by itself."""

    def __init__(self, acts: Sequence[Act], history: History, sights: Iterable[Sight]) -> None:
        self._history = history
        self._reaching_all: list[Act] = []
        self._upon: dict[str, list[Act]] = {}
        for act in acts:
            if act.reaches_all:
                self._reaching_all.append(act)
            else:
                for target in act.targets:
                    self._upon.setdefault(target, []).append(act)
        self._records = link_records(history)
        self._acts = acts
        self._sights: dict[str, list[Sight]] = {}
        for sight in sights:
            self._sights.setdefault(sight.container, []).append(sight)
        self._actions: dict[str, list[EngineAction]] = {}
        for action in history.of(EngineAction):
            self._actions.setdefault(action.container, []).append(action)
        self._refused: dict[str, list[int]] = {}
        self._altered: dict[str, list[int]] = {}
        for event in history.of(FrameRefused):
            worker = event.peer if event.by == COORDINATOR else event.by
            self._refused.setdefault(worker, []).append(event.at_ns)
            if event.fault in DAMAGE:
                self._altered.setdefault(worker, []).append(event.at_ns)
        self._still_hurt = {link for healed in history.of(Healed)[:1] for link in healed.links}

    @property
    def has_prober(self) -> bool:
        """Whether the prober saw anything at all."""
        return bool(self._records)

    def wrote(self, process: str) -> bool:
        """Whether a process has a journal."""
        return bool(self._history.by(process))

    def link(self, act: Act, link: str) -> LinkEvidence:
        """One link before, during and after one fault; other faults on it bound the time that counts."""
        record = self._records.get(link, LinkRecord())
        began_ns = act.began_ns.get(link, act.first_ns)
        ended_ns = act.ended_ns.get(link, act.last_ns)
        others = self._others(act, link)
        later_ns = [other.first_ns for other in others if other.first_ns > began_ns]
        early_ns = 0
        if not act.fault.lasting:
            # Who was cut off is back before Toxiproxy has read the clock.
            early_ns = EARLY_NS
            next_ns = min(later_ns, default=began_ns + INSTANT_NS)
            ended_ns = min(began_ns + INSTANT_NS, max(next_ns, began_ns + INSTANT_NS // 4))
        before_ns = clear_before(
            [(min(one.called_ns, one.first_ns), one.last_ns + SETTLE_NS) for one in others],
            began_ns,
            enough_ns=CLEAR_NS,
            most_ns=BEFORE_NS,
        )
        # What brings the far end down meanwhile keeps a link from being seen well for as long as it lasts.
        down_ns = (
            one.last_ns + RESTART_NS
            for one in others
            if one.reaches_all and one.first_ns < ended_ns + AFTER_NS
        )
        seen_ns = max((ended_ns + AFTER_NS, *(at_ns for at_ns in down_ns if at_ns > ended_ns)))
        busy_ns = min((at_ns for at_ns in later_ns if at_ns >= ended_ns), default=seen_ns)
        gap_ns = max((one.last_ns + GAP_NS for one in others if one.last_ns <= began_ns), default=0)
        refused_ns = (max(began_ns, gap_ns), ended_ns)
        seen = LinkEvidence(
            link=link,
            before=record.window(*before_ns),
            during=record.window(began_ns - early_ns, ended_ns),
            after=record.window(ended_ns, min(busy_ns, seen_ns)),
            counters=act.counters.get(link, {}),
            connections_hit=act.connections_hit.get(link, 0),
            refused_frames=_count(self._refused.get(link, []), *refused_ns),
            altered_frames=_count(self._altered.get(link, []), *refused_ns),
            others=tuple(
                other
                for other in (_other(one, link) for one in others)
                if other.from_ns < ended_ns and began_ns - SETTLE_NS < other.until_ns
            ),
            stood=record.stood(began_ns),
        )
        return without_other_faults(seen, act.fault.symptoms())

    def next_ns(self, act: Act, link: str) -> int | None:
        """When the next fault on a link begins after this one's end; None where none does."""
        ended_ns = act.ended_ns.get(link, act.last_ns)
        return min(
            (one.first_ns for one in self._others(act, link) if one.first_ns >= ended_ns), default=None
        )

    def still_hurt(self, act: Act, link: str) -> bool:
        """Whether healing found a link hurt on which this was the last fault."""
        return link in self._still_hurt and self.next_ns(act, link) is None

    def was_watched(self, act: Act, link: str) -> bool:
        """Whether the prober heard anything of a link about the time of a fault."""
        record = self._records.get(link, LinkRecord())
        window = record.window(act.first_ns - GLANCE_NS, act.last_ns + GLANCE_NS)
        return window.lives or bool(window.ends)

    def is_under_another(self, act: Act, link: str) -> bool:
        """Whether another fault was on a link in the time of this one, or next to it, so that nothing follows
        from what it shows: a silence counts from what was heard last, which was before its fault began.
        """
        return any(
            (isinstance(other.fault, LinkFault) or other.reaches_all)
            and other.first_ns < act.last_ns + SETTLE_NS
            and act.first_ns < other.last_ns + SETTLE_NS
            for other in self._others(act, link)
        )

    def _others(self, act: Act, link: str) -> list[Act]:
        """All other acts that a link feels."""
        return [other for other in (*self._upon.get(link, ()), *self._reaching_all) if other is not act]

    def container(self, act: Act, fault: ContainerFault, name: str) -> ContainerEvidence:
        """One container during one fault."""
        from_ns = act.began_ns[name]
        until_ns = act.end_called_ns if act.end_called_ns is not None else from_ns + RESTART_NS
        sights = self._sights.get(name, [])
        # What was asked before the fault began says how the container was without it.
        during = [one for one in sights if from_ns <= one.from_ns and one.at_ns <= until_ns]
        closely = [one for one in during if one.closely]
        made = next((one for one in sights if one.at_ns <= act.called_ns), None)
        written = self._history.by(name)
        first, end = (bisect_left(written, at_ns, key=_at_ns) for at_ns in (act.called_ns, until_ns))
        links = list(self._records.values()) if name in CORE else []
        windows = [one.window(from_ns, until_ns) for one in links]
        # A restart has no end of its own to count from: what follows its first moments is after it.
        after_ns = until_ns if act.fault.lasting else from_ns
        return ContainerEvidence(
            container=name,
            called_ns=act.called_ns,
            from_ns=from_ns,
            until_ns=until_ns,
            states=frozenset(sight.status for sight in during),
            networks=frozenset(sight.plugged for sight in during),
            cpus=next((one.cpus for one in closely if one.cpus is not None), None),
            memory_bytes=next((one.memory_bytes for one in closely if one.memory_bytes is not None), None),
            made_cpus=None if made is None else made.cpus,
            made_memory_bytes=None if made is None else made.memory_bytes,
            lines_ns=tuple(event.at_ns for event in written[first:end]),
            starts_ns=self._since(act.called_ns, name, ProcessStarted),
            stopped_in_order=any(
                at_ns <= until_ns for at_ns in self._since(act.called_ns, name, ProcessStopping)
            ),
            probed_links=len(windows),
            silent_links=sum(_is_gone(window) for window in windows),
            revived_links=sum(one.window(after_ns, until_ns + AFTER_NS).lives for one in links),
            has_journal=name != TOXIPROXY,
            noticed=self._was_noticed(name, act.called_ns, until_ns + NOTICE_NS),
            gaps=gaps(act, fault, name, until_ns, sights, self._actions.get(name, ()), self._acts),
        )

    def _since(self, from_ns: int, name: str, kind: type[Event]) -> tuple[int, ...]:
        events = self._history.of(kind)
        return tuple(event.at_ns for event in events if event.by == name and event.at_ns >= from_ns)

    def _was_noticed(self, name: str, from_ns: int, until_ns: int) -> bool:
        """Whether the other side lost it in that time, or had lost it before and not got it back."""
        events: list[Event]
        if name == COORDINATOR:
            events = self._history.merged(Connected, ConnectionLost)
        else:
            both = self._history.merged(WorkerJoined, WorkerLost)
            events = [one for one in both if getattr(one, "worker", "") == name]
        if any(
            from_ns <= one.at_ns <= until_ns for one in events if isinstance(one, ConnectionLost | WorkerLost)
        ):
            return True
        # Of the coordinator each worker has an opinion, the last one said so before that time counts.
        before = {one.by: one for one in events if one.at_ns < from_ns}
        return bool(before) and all(isinstance(one, ConnectionLost | WorkerLost) for one in before.values())


def _other(act: Act, link: str) -> OtherFault:
    if not act.reaches_all:
        began_ns = act.began_ns.get(link, act.first_ns)
        return OtherFault(act.fault_id, act.fault.name, act.fault.symptoms(), began_ns, act.last_ns)
    none = frozenset() if TOXIPROXY in act.targets else NOT_THE_COORDINATOR_S
    from_ns, until_ns = min(act.called_ns, act.first_ns), act.last_ns + RECOVERY_NS
    return OtherFault(act.fault_id, act.fault.name, act.fault.symptoms() - none, from_ns, until_ns)


def _count(moments: Sequence[int], from_ns: int, until_ns: int) -> int:
    return max(0, bisect_left(moments, until_ns) - bisect_left(moments, from_ns))


def _is_gone(window: LinkWindow) -> bool:
    return bool(window.ends) or continuous_silence(window) is not None
