"""Rebuilds the receipts of a stored run from its journals: the receipts in the driver's journal are only the
driver's own result at the run's end. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from chaos.fault import Layer
from driver.histories.events import FaultBegun, Receipt
from driver.histories.history import DRIVER, History
from driver.judging.container_samples import container_samples
from driver.judging.injected_faults import injected_faults
from driver.judging.receipts import Proof, prove


def rebuild_proofs(history: History, links: Sequence[str]) -> list[Proof]:
    """Return a proof for every fault that began, from the history alone. `links` are all probed links.

    Raises chaos.catalogue.FaultError for a fault that the catalogue does not have.
    """
    faults = injected_faults(history)
    containers = {name for one in faults if one.fault.layer is Layer.container for name in one.targets}
    return prove(faults, history, links, container_samples(history, containers))


def rebuild_receipts(history: History, links: Sequence[str]) -> list[str]:
    """Replace the history's receipts with rebuilt ones; return a sentence for each whose result changed.

    Receipts of an older lab, whose driver did not record all of its calls, are kept.
    Raises chaos.catalogue.FaultError.
    """
    begun = history.of(FaultBegun)
    if not any(event.called_ns for event in begun):
        return []
    written = {receipt.fault: receipt for receipt in history.of(Receipt)}
    receipts, differ = [], []
    for proof in rebuild_proofs(history, links):
        old = written.get(proof.fault)
        at_ns, wall_s = (old.at_ns, old.wall_s) if old else (history.end_ns, 0.0)
        new = Receipt(at_ns=at_ns, wall_s=wall_s, by=DRIVER, **asdict(proof))
        # The recorded event is kept where both are equal, since evidence quotes its line.
        receipts.append(old if old == new and old is not None else new)
        if old is not None and old.proved != new.proved:
            differ.append(
                f"the receipt of {new.fault} was recorded as {_word(old)}; rebuilt from the journals it is "
                f"{_word(new)}: {new.because}"
            )
    history.put(Receipt, receipts)
    return differ


def _word(receipt: Receipt) -> str:
    return "proved" if receipt.proved else "not proved"
