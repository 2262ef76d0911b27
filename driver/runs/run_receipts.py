"""Writes the receipts of a run's faults, once every journal is whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from driver.histories.events import LabTrouble, Receipt
from driver.histories.journals import read_history
from driver.judging.receipt_rebuild import rebuild_proofs
from driver.results.run_folder import read_record
from wire.events import Journal


def write_receipts(folder: Path, journal: Journal) -> None:
    """A receipt for every fault that began. One that cannot be made is trouble: the run is inconclusive."""
    record, _ = read_record(folder)
    try:
        history = read_history(folder, record.processes, record.workers)
        proofs = rebuild_proofs(history, record.workers)
    except Exception as error:
        journal(LabTrouble, what="no_receipts", detail=f"{type(error).__name__}: {error}")
        return
    for proof in proofs:
        journal(Receipt, **asdict(proof))
