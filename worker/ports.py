"""What the core needs from its surroundings and cannot decide: chance, wall time, its journal, what the disk
holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from wire.events import Event
from wire.messages import Checkpoint


class Record(Protocol):
    """Appends one event to the journal."""

    def __call__(self, event: type[Event], /, **fields: object) -> None: ...


@dataclass(frozen=True)
class Ports:
    """`random` is for jitter and may be seeded; `new_nonce` gives 16 bytes that nobody can guess."""

    record: Record
    random: Random
    new_nonce: Callable[[], bytes]
    wall_s: Callable[[], float]
    local_checkpoint: Callable[[str], Checkpoint | None]
