"""What the core takes from its environment: randomness, wall time, its journal, checkpoints on the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from wire.events import Journal
from wire.messages import Checkpoint


@dataclass(frozen=True)
class Dependencies:
    """`random` draws jitter and may be seeded; `new_nonce` returns 16 unpredictable bytes; `wall_s` is the
    wall clock in seconds; `local_checkpoint` returns the whole checkpoint of a task id, or None.
    """

    record: Journal
    random: Random
    new_nonce: Callable[[], bytes]
    wall_s: Callable[[], float]
    local_checkpoint: Callable[[str], Checkpoint | None]
