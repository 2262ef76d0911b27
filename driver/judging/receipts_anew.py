"""The receipts of a stored run, made anew from what the driver did and what others saw: a receipt that stands
in the driver's journal says only what was found when the run was over. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from chaos.fault import Layer
from driver.histories.events import FaultBegun, Receipt
from driver.histories.history import DRIVER, History
from driver.judging.acts import acts_of
from driver.judging.container_sights import sights_of
from driver.judging.receipts import Proof, prove


def proofs_of(history: History, links: Sequence[str]) -> list[Proof]:
    """A proof for every fault that began, from the lines of a history alone. `links` are all that are probed.

    Raises chaos.catalogue.FaultError for a fault that the catalogue does not have.
    """
    acts = acts_of(history)
    hurt = {name for act in acts if act.fault.layer is Layer.container for name in act.targets}
    return prove(acts, history, links, sights_of(history, hurt))


def make_receipts_anew(history: History, links: Sequence[str]) -> list[str]:
    """Put receipts into the history that its own lines prove; a sentence for each that was written otherwise.

    The driver of an older lab did not write down all that it did: then the receipts stay as they are.
    Raises chaos.catalogue.FaultError.
    """
    begun = history.of(FaultBegun)
    if not any(event.called_ns for event in begun):
        return []
    written = {receipt.fault: receipt for receipt in history.of(Receipt)}
    receipts, differ = [], []
    for proof in proofs_of(history, links):
        old = written.get(proof.fault)
        at_ns, wall_s = (old.at_ns, old.wall_s) if old else (history.end_ns, 0.0)
        new = Receipt(at_ns=at_ns, wall_s=wall_s, by=DRIVER, **asdict(proof))
        # The line that was written is the better evidence where both say the same.
        receipts.append(old if old == new and old is not None else new)
        if old is not None and old.proved != new.proved:
            differ.append(
                f"the receipt of {new.fault} was written as {_word(old)}; made anew from the journals it is "
                f"{_word(new)}: {new.because}"
            )
    history.put(Receipt, receipts)
    return differ


def _word(receipt: Receipt) -> str:
    return "proved" if receipt.proved else "not proved"
