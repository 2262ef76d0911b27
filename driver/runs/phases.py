"""Marks where a run is: each phase begins and ends in the journal, whatever happens inside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from driver.errors import LabError
from driver.histories.events import PhaseBegun, PhaseEnded
from wire.events import Journal


@dataclass
class Phase:
    """How a phase ended: done, failed (what it is for was not reached) or stopped; the block may say so."""

    outcome: str = "done"
    detail: str = ""


@asynccontextmanager
async def phase(journal: Journal, name: str, zero_ns: int = 0) -> AsyncIterator[Phase]:
    """One phase of the run; `zero_ns` is the instant from which the scenario's times count (0: not known)."""
    journal(PhaseBegun, phase=name, zero_ns=zero_ns)
    ending = Phase()
    try:
        yield ending
    except asyncio.CancelledError:
        ending.outcome, ending.detail = "stopped", "stopped before its end"
        raise
    except LabError as error:
        ending.outcome, ending.detail = "failed", error.sentence
        raise
    except Exception as error:
        ending.outcome, ending.detail = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        journal(PhaseEnded, phase=name, outcome=ending.outcome, detail=ending.detail)
