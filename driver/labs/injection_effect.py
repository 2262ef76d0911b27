"""Effect and receipts of a manual injection, by the rules for a run's faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.actuator import name_list
from driver.histories.connections_hit import ConnectionsHit, connections_hit
from driver.histories.history import EMPTY, History
from driver.histories.live_journals import LiveJournals
from driver.judging.receipt_rebuild import rebuild_proofs
from driver.judging.receipts import Proof
from driver.labs.injection_site import ClientRecords, InjectionSite
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.metrics.storm import storms
from driver.nouns import counted
from driver.scenarios.plan import PlannedFault
from driver.terminal import ProgressView, Terminal

SETTLED_WITHIN_S = 12.0
READ_EVERY_S = 0.5
REPORTED_WITHIN_S = 1.5
"""A door writes what changed on a connection at most once a second; a client its end when it notices it."""
NO_JOURNALS = (
    "this lab keeps its journals inside the engine, where this command cannot read what the prober saw"
)


@dataclass(frozen=True)
class InjectionEffect:
    """Clients that lost their connection (`cut_off`), those of them not yet back (`away`), and the proofs.

    `back_s` is the time from the last fault's end until the last of them was back (None: not all are, or
    none was cut off). `unproved` is the reason where there are no `proofs`, else "". `client` is the noun for
    a client, and `recorded` whether their connections were recorded; those of the clients in `unknown` were
    not all. `hit` is what doors saw of the connections.
    """

    cut_off: Sequence[str] = ()
    away: Sequence[str] = ()
    back_s: float | None = None
    proofs: Sequence[Proof] = ()
    unproved: str = ""
    client: str = "worker"
    recorded: bool = True
    unknown: Sequence[str] = ()
    hit: ConnectionsHit | None = None

    @property
    def is_proved(self) -> bool:
        """Whether every fault has a receipt that proves it."""
        return bool(self.proofs) and all(proof.proved for proof in self.proofs)

    @property
    def text(self) -> str:
        """The effect on the clients' connections, as the end of a sentence."""
        if self.unproved or not self.recorded:
            return "not known"
        gap = f"not known of {name_list(self.unknown)}, whose door left lines out" if self.unknown else ""
        if gap:
            return f"{self._known_text}; {gap}" if self.cut_off else gap
        return self._known_text

    @property
    def _known_text(self) -> str:
        seen = "" if self.hit is None else self.hit.text
        if not self.cut_off:
            return seen or f"no {self.client} lost its connection"
        if self.hit is not None and not self.hit.open:
            # These had none: they asked for one while the fault was on.
            return f"{seen}; {self._away_text}" if self.away else seen
        return f"{self._cut_text}; {seen}" if seen else self._cut_text

    @property
    def _cut_text(self) -> str:
        cut = f"cut off {counted(len(self.cut_off), self.client)}"
        if self.away:
            return f"{cut}; {self._away_text}"
        if self.back_s == 0:
            return f"{cut}, all back before it ended"
        return f"{cut}, all back in {write(self.back_s, Unit.seconds)}"

    @property
    def _away_text(self) -> str:
        return f"{name_list(self.away)} {'is' if len(self.away) == 1 else 'are'} not back"

    @property
    def proof_text(self) -> str:
        """`proved: …` or `not proved: …`, with the observation of the first such proof."""
        if self.unproved:
            return f"not proved: {self.unproved}"
        wrong = [proof for proof in self.proofs if not proof.proved]
        shown = (wrong or list(self.proofs))[0]
        many = len(self.proofs) > 1
        if not wrong:
            return f"proved{f' {len(self.proofs)} times' if many else ''}: {shown.because}"
        return f"not proved{f' {len(wrong)} of {len(self.proofs)} times' if many else ''}: {shown.because}"


async def wait_settled(
    site: InjectionSite,
    journals: LiveJournals,
    planned: Sequence[PlannedFault],
    links: Sequence[str],
    terminal: Terminal,
    within_s: float = SETTLED_WITHIN_S,
) -> InjectionEffect:
    """Return the effect once every fault is proved and all clients are back, or after `within_s`.

    `links` are those of the lab.
    """
    if not site.journals:
        return InjectionEffect(unproved=NO_JOURNALS)
    terminal.show(ProgressView(f"waiting until all {site.client}s are back"))
    deadline = time.monotonic() + within_s
    # A proof may come before the client's or the door's line of the connection that ended.
    reported = min(deadline, time.monotonic() + REPORTED_WITHIN_S)
    while True:
        history = await asyncio.to_thread(journals.read)
        effect = await asyncio.to_thread(injection_effect, history, planned, links, site)
        settled = effect.is_proved and not effect.away
        if (settled and (effect.cut_off or time.monotonic() > reported)) or time.monotonic() > deadline:
            return effect
        await asyncio.sleep(READ_EVERY_S)


def injection_effect(
    history: History, planned: Sequence[PlannedFault], links: Sequence[str], site: ClientRecords
) -> InjectionEffect:
    """Return the effect of the planned faults, from a history that may have others too. Pure.

    `links` are all links of the lab, which the prober probes.
    """
    clients = site.clients(history)
    seen = EMPTY if clients is None else clients
    ids = {one.id for one in planned}
    proofs = [proof for proof in rebuild_proofs(history, links) if proof.fault in ids]
    caused = [storm for storm in seen.view(storms) if storm.window.fault in ids and storm.outages]
    last_back = {outage.client: outage.back_ns for storm in caused for outage in storm.outages}
    away = [client for client in seen.clients if last_back.get(client, 0) is None]
    backs = [storm.back_after_heal_s(1.0) for storm in caused]
    known = [back_s for back_s in backs if back_s is not None]
    return InjectionEffect(
        cut_off=[client for client in seen.clients if client in last_back],
        away=away,
        back_s=max(known, default=None) if not away else None,
        proofs=proofs,
        unproved="" if proofs else "it did not begin",
        client=site.client,
        recorded=clients is not None,
        unknown=site.unknown_clients(history),
        hit=connections_hit(history, ids),
    )
