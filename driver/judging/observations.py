"""Observations of a fault by prober, journals and engine, collected for the fault's rule. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

from chaos.attribution import without_other_faults
from chaos.evidence import ContainerEvidence, LinkEvidence, LinkWindow, OtherFault, Symptom
from chaos.evidence_checks import continuous_silence
from chaos.fault import ContainerFault, LinkFault
from chaos.targets import CORE, TOXIPROXY, has_own_journal
from driver.histories.events import EngineAction, Healed
from driver.histories.history import SERVER, History
from driver.histories.server_events import ClientJoined, ClientLost
from driver.judging.baseline_window import baseline_before
from driver.judging.container_samples import gaps
from driver.judging.injected_faults import INSTANT_NS, ContainerSample, InjectedFault
from driver.judging.link_records import EARLY_NS, LinkRecord, link_records
from wire.events import Connected, ConnectionLost, Event, FrameRefused, ProcessStarted, ProcessStopping

_S = 1_000_000_000
# A baseline is 2 to 10 s long.
BEFORE_NS = 10 * _S
BASELINE_NS = 2 * _S
# A link must be observed to be well at most this long after a fault.
AFTER_NS = 10 * _S
# After a fault its remains (a reconnecting prober, held bytes) are no baseline of the link.
SETTLE_NS = 1 * _S
RESTART_NS = 20 * _S
# The prober makes one round trip a second on a link by default.
PROBE_GAP_NS = 3 * _S
NOTICE_NS = 5 * _S
# A message that a fault dropped is detected at the next one, which may be a heartbeat later.
GAP_NS = 5 * _S
# A restarted coordinator accepts connections a little later.
RECOVERY_NS = 1 * _S
# Traces that no fault of the coordinator leaves on a link: Toxiproxy accepts connections, and alters nothing.
NOT_OF_SERVER = frozenset({Symptom.refused, Symptom.damaged, Symptom.repeated})
# Refusals that only altered bytes explain. A sequence error can come from a drop or a duplicate.
DAMAGE = frozenset({"altered", "version", "undecodable", "framing", "bomb", "too_short", "too_large", "text"})
_at_ns = attrgetter("at_ns")


class FaultObservations:
    """All observations and injected faults of one run, from which each fault's evidence is selected."""

    def __init__(
        self, faults: Sequence[InjectedFault], history: History, samples: Iterable[ContainerSample]
    ) -> None:
        self._history = history
        self._on_all_links: list[InjectedFault] = []
        # A fault of a worker's container is on no link: the prober's own connections pass the worker's link,
        # and go on while the worker is stopped.
        self._by_link: dict[str, list[InjectedFault]] = {}
        for injected in faults:
            if injected.reaches_all:
                self._on_all_links.append(injected)
            elif isinstance(injected.fault, LinkFault):
                for link in injected.targets:
                    self._by_link.setdefault(link, []).append(injected)
        self._records = link_records(history)
        self._faults = faults
        self._samples: dict[str, list[ContainerSample]] = {}
        for sample in samples:
            self._samples.setdefault(sample.container, []).append(sample)
        self._actions: dict[str, list[EngineAction]] = {}
        for action in history.of(EngineAction):
            self._actions.setdefault(action.container, []).append(action)
        self._refused: dict[str, list[int]] = {}
        self._altered: dict[str, list[int]] = {}
        for event in history.of(FrameRefused):
            client = event.peer if event.by == SERVER else event.by
            self._refused.setdefault(client, []).append(event.at_ns)
            if event.fault in DAMAGE:
                self._altered.setdefault(client, []).append(event.at_ns)
        self._still_faulty = {link for healed in history.of(Healed)[:1] for link in healed.links}

    @property
    def has_prober(self) -> bool:
        """Whether the prober recorded anything."""
        return bool(self._records)

    def has_journal(self, process: str) -> bool:
        """Whether a process has a journal."""
        return bool(self._history.by(process))

    def link(self, injected: InjectedFault, link: str) -> LinkEvidence:
        """Return one link before, during and after one fault; other faults on it bound these windows."""
        record = self._records.get(link, LinkRecord())
        began_ns = injected.began_ns.get(link, injected.first_ns)
        ended_ns = injected.ended_ns.get(link, injected.last_ns)
        others = self._others(injected, link)
        later_ns = [other.first_ns for other in others if other.first_ns > began_ns]
        early_ns = 0
        if not injected.fault.lasting:
            # A disconnected worker can be back before Toxiproxy has read the clock.
            early_ns = EARLY_NS
            next_ns = min(later_ns, default=began_ns + INSTANT_NS)
            ended_ns = min(began_ns + INSTANT_NS, max(next_ns, began_ns + INSTANT_NS // 4))
        before_ns = baseline_before(
            [(min(one.called_ns, one.first_ns), one.last_ns + SETTLE_NS) for one in others],
            began_ns,
            enough_ns=BASELINE_NS,
            most_ns=BEFORE_NS,
        )
        # While another fault has the far end down, the link cannot be observed to be well.
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
            counters=injected.counters.get(link, {}),
            connections_hit=injected.connections_hit.get(link, 0),
            refused_frames=_count(self._refused.get(link, []), *refused_ns),
            altered_frames=_count(self._altered.get(link, []), *refused_ns),
            others=tuple(
                other
                for other in (_other(one, link) for one in others)
                if other.from_ns < ended_ns and began_ns - SETTLE_NS < other.until_ns
            ),
            stood=record.was_connected(began_ns),
            far_end=record.far_end(began_ns),
        )
        return without_other_faults(seen, injected.fault.symptoms())

    def next_ns(self, injected: InjectedFault, link: str) -> int | None:
        """Return when the next fault on a link begins after this one's end; None without one."""
        ended_ns = injected.ended_ns.get(link, injected.last_ns)
        return min(
            (one.first_ns for one in self._others(injected, link) if one.first_ns >= ended_ns), default=None
        )

    def still_faulty(self, injected: InjectedFault, link: str) -> bool:
        """Whether the heal found a fault on a link on which this was the last one."""
        return link in self._still_faulty and self.next_ns(injected, link) is None

    def was_probed(self, injected: InjectedFault, link: str) -> bool:
        """Whether the prober observed a link about the time of a fault."""
        record = self._records.get(link, LinkRecord())
        window = record.window(injected.first_ns - PROBE_GAP_NS, injected.last_ns + PROBE_GAP_NS)
        return window.lives or bool(window.ends)

    def was_restarted(self, injected: InjectedFault) -> bool:
        """Return whether the server started again in the time of a fault or shortly before."""
        starts_ns = [one.at_ns for one in self._history.of(ProcessStarted) if one.by == SERVER]
        return any(injected.first_ns - RESTART_NS <= at_ns <= injected.last_ns for at_ns in starts_ns[1:])

    def has_overlapping_fault(self, injected: InjectedFault, link: str) -> bool:
        """Whether another fault was on a link during this one or next to it, so that it proves nothing: a
        silence counts from the last received bytes, which can be before its fault began.
        """
        return any(
            other.first_ns < injected.last_ns + SETTLE_NS and injected.first_ns < other.last_ns + SETTLE_NS
            for other in self._others(injected, link)
        )

    def _others(self, injected: InjectedFault, link: str) -> list[InjectedFault]:
        """Return all other faults that affect a link."""
        on_link = (*self._by_link.get(link, ()), *self._on_all_links)
        return [other for other in on_link if other is not injected]

    def container(self, injected: InjectedFault, fault: ContainerFault, name: str) -> ContainerEvidence:
        """Return one container during one fault."""
        from_ns = injected.began_ns[name]
        until_ns = injected.end_called_ns if injected.end_called_ns is not None else from_ns + RESTART_NS
        samples = self._samples.get(name, [])
        # A sample requested before the fault began shows the container without it.
        during = [one for one in samples if from_ns <= one.from_ns and one.at_ns <= until_ns]
        closely = [one for one in during if one.closely]
        made = next((one for one in samples if one.at_ns <= injected.called_ns), None)
        written = self._history.by(name)
        first, end = (bisect_left(written, at_ns, key=_at_ns) for at_ns in (injected.called_ns, until_ns))
        links = list(self._records.values()) if name in CORE else []
        windows = [one.window(from_ns, until_ns) for one in links]
        # A restart has no end of its own: the time from its begin counts as after it.
        after_ns = until_ns if injected.fault.lasting else from_ns
        return ContainerEvidence(
            container=name,
            called_ns=injected.called_ns,
            from_ns=from_ns,
            until_ns=until_ns,
            states=frozenset(sample.status for sample in during),
            networks=frozenset(sample.plugged for sample in during),
            cpus=next((one.cpus for one in closely if one.cpus is not None), None),
            memory_bytes=next((one.memory_bytes for one in closely if one.memory_bytes is not None), None),
            made_cpus=None if made is None else made.cpus,
            made_memory_bytes=(made.memory_bytes or None) if made is not None else None,
            lines_ns=tuple(event.at_ns for event in written[first:end]),
            starts_ns=self._starts_ns(injected, name, samples),
            stopped_in_order=any(
                at_ns <= until_ns for at_ns in self._since(injected.called_ns, name, ProcessStopping)
            ),
            probed_links=len(windows),
            silent_links=sum(_is_gone(window) for window in windows),
            revived_links=sum(one.window(after_ns, until_ns + AFTER_NS).lives for one in links),
            has_journal=has_own_journal(name),
            noticed=self._was_detected(name, injected.called_ns, until_ns + NOTICE_NS),
            gaps=gaps(injected, fault, name, until_ns, samples, self._actions.get(name, ()), self._faults),
        )

    def _starts_ns(
        self, injected: InjectedFault, name: str, samples: Sequence[ContainerSample]
    ) -> tuple[int, ...]:
        """Return the starts of a container since a fault's call: by its journal, else by the engine alone."""
        if name in CORE or has_own_journal(name):
            return self._since(injected.called_ns, name, ProcessStarted)
        starts = [one for one in self._actions.get(name, ()) if one.action == "start"]
        if found := [one.at_ns for one in starts if one.at_ns >= injected.called_ns]:
            return tuple(found)
        ended_ns = [one.at_ns for one in samples if one.state.ended and one.at_ns >= injected.called_ns]
        if not ended_ns:
            return ()
        runs_ns = (one.at_ns for one in samples if one.status == "running" and one.from_ns > ended_ns[-1])
        return tuple(runs_ns)[:1]

    def _since(self, from_ns: int, name: str, kind: type[Event]) -> tuple[int, ...]:
        events = self._history.of(kind)
        return tuple(event.at_ns for event in events if event.by == name and event.at_ns >= from_ns)

    def _was_detected(self, name: str, from_ns: int, until_ns: int) -> bool:
        """Whether the other side recorded its loss in that time, or before without a reconnection."""
        events: list[Event]
        if name == SERVER:
            events = self._history.merged(Connected, ConnectionLost)
        else:
            both = self._history.merged(ClientJoined, ClientLost)
            events = [one for one in both if getattr(one, "worker", "") == name]
        if any(
            from_ns <= one.at_ns <= until_ns for one in events if isinstance(one, ConnectionLost | ClientLost)
        ):
            return True
        # Each worker has its own record of the coordinator; its last event before that time counts.
        before = {one.by: one for one in events if one.at_ns < from_ns}
        return bool(before) and all(isinstance(one, ConnectionLost | ClientLost) for one in before.values())


def _other(injected: InjectedFault, link: str) -> OtherFault:
    if not injected.reaches_all:
        began_ns = injected.began_ns.get(link, injected.first_ns)
        return OtherFault(
            injected.fault_id, injected.fault.name, injected.fault.symptoms(), began_ns, injected.last_ns
        )
    none = frozenset() if TOXIPROXY in injected.targets else NOT_OF_SERVER
    from_ns, until_ns = min(injected.called_ns, injected.first_ns), injected.last_ns + RECOVERY_NS
    return OtherFault(
        injected.fault_id, injected.fault.name, injected.fault.symptoms() - none, from_ns, until_ns
    )


def _count(moments: Sequence[int], from_ns: int, until_ns: int) -> int:
    return max(0, bisect_left(moments, until_ns) - bisect_left(moments, from_ns))


def _is_gone(window: LinkWindow) -> bool:
    return bool(window.ends) or continuous_silence(window) is not None
