"""What a fault by hand did, and its receipts: by the rules by which a run's faults are proved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.actuator import name_list
from driver.histories.history import History
from driver.histories.live_journals import LiveJournals
from driver.judging.receipt_rebuild import rebuild_proofs
from driver.judging.receipts import Proof
from driver.labs.lab import Lab
from driver.metrics.metric import Unit
from driver.metrics.storm import storms
from driver.scenarios.plan import PlannedFault
from driver.scenarios.quantities import write
from driver.terminal import ProgressView, Terminal

SETTLED_WITHIN_S = 12.0
LOOK_EVERY_S = 0.5
NO_JOURNALS = (
    "this lab keeps its journals inside the engine, where this command cannot read what the prober saw"
)


@dataclass(frozen=True)
class Effect:
    """`cut_off` are workers that lost their connection, `away` those of them that are not back.

    `back_s` is how long after the last fault's end the last of them was back (None: not all are, or none was
    cut off). `unproved` says why no receipt could be made; "" where there are `proofs`.
    """

    cut_off: Sequence[str] = ()
    away: Sequence[str] = ()
    back_s: float | None = None
    proofs: Sequence[Proof] = ()
    unproved: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether every fault has a receipt that proves it."""
        return bool(self.proofs) and all(proof.proved for proof in self.proofs)

    @property
    def in_words(self) -> str:
        """Its effect on the workers' connections, as the end of a sentence."""
        if self.unproved:
            return "not known"
        if not self.cut_off:
            return "no worker lost its connection"
        cut = f"cut off {len(self.cut_off)} worker{'' if len(self.cut_off) == 1 else 's'}"
        if self.away:
            return f"{cut}; {name_list(self.away)} {'is' if len(self.away) == 1 else 'are'} not back"
        if self.back_s == 0:
            return f"{cut}, all back before it ended"
        return f"{cut}, all back in {write(self.back_s, Unit.seconds)}"

    @property
    def proof_in_words(self) -> str:
        """`proved: …` or `not proved: …`, with the observation."""
        if self.unproved:
            return f"not proved: {self.unproved}"
        wrong = [proof for proof in self.proofs if not proof.proved]
        shown = (wrong or list(self.proofs))[0]
        many = len(self.proofs) > 1
        if not wrong:
            return f"proved{f' {len(self.proofs)} times' if many else ''}: {shown.because}"
        return f"not proved{f' {len(wrong)} of {len(self.proofs)} times' if many else ''}: {shown.because}"


async def settled(
    lab: Lab, recent: LiveJournals, planned: Sequence[PlannedFault], terminal: Terminal
) -> Effect:
    """Wait until the faults are proved and all workers back, for a bounded time; what they did."""
    if lab.spec.journals is None:
        return Effect(unproved=NO_JOURNALS)
    terminal.show(ProgressView("waiting until all workers are back"))
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        effect = await asyncio.to_thread(lambda: effect_of(recent.read(), planned))
        if (effect.is_proved and not effect.away) or time.monotonic() > deadline:
            return effect
        await asyncio.sleep(LOOK_EVERY_S)


def effect_of(history: History, planned: Sequence[PlannedFault]) -> Effect:
    """What some faults did, by a history that also tells of others. Pure."""
    mine = {one.id for one in planned}
    proofs = [proof for proof in rebuild_proofs(history, history.workers) if proof.fault in mine]
    told = [storm for storm in history.view(storms) if storm.window.fault in mine and storm.outages]
    last_back = {outage.worker: outage.back_ns for storm in told for outage in storm.outages}
    away = [worker for worker in history.workers if last_back.get(worker, 0) is None]
    backs = [storm.back_after_heal_s(1.0) for storm in told]
    known = [back_s for back_s in backs if back_s is not None]
    return Effect(
        cut_off=[worker for worker in history.workers if worker in last_back],
        away=away,
        back_s=max(known, default=None) if not away else None,
        proofs=proofs,
        unproved="" if proofs else "it did not begin",
    )
