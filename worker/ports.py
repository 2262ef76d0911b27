"""What the core needs from its surroundings and cannot decide: chance, wall time, its journal, what the disk
holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from wire.events import Journal
from wire.messages import Checkpoint


@dataclass(frozen=True)
class Ports:
    """`random` is for jitter and may be seeded; `new_nonce` gives 16 bytes that nobody can guess."""

    record: Journal
    random: Random
    new_nonce: Callable[[], bytes]
    wall_s: Callable[[], float]
    local_checkpoint: Callable[[str], Checkpoint | None]
