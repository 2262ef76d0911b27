"""Phases of a run, recorded in the driver's journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from driver.errors import LabError
from driver.histories.events import PhaseBegun, PhaseEnded
from wire.events import Journal


@dataclass
class PhaseEnd:
    """How a phase ended: done, failed (its condition was not reached) or stopped. The block may set it."""

    outcome: str = "done"
    detail: str = ""


@asynccontextmanager
async def phase(journal: Journal, name: str, zero_ns: int = 0) -> AsyncIterator[PhaseEnd]:
    """Record the begin and the end of a phase around a block, however the block ends.

    `zero_ns` is the instant from which the scenario's times count, 0 where it is not fixed yet.
    """
    journal(PhaseBegun, phase=name, zero_ns=zero_ns)
    end = PhaseEnd()
    try:
        yield end
    except asyncio.CancelledError:
        end.outcome, end.detail = "stopped", "stopped before its end"
        raise
    except LabError as error:
        end.outcome, end.detail = "failed", error.sentence
        raise
    except Exception as error:
        end.outcome, end.detail = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        journal(PhaseEnded, phase=name, outcome=end.outcome, detail=end.detail)
