"""How a worker leaves in order: finish, hand back what does not finish in time, say goodbye, and be gone by
the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HARD_STOP_SHARE: Final = 0.75
_MS: Final = 1_000_000


@dataclass(slots=True)
class Leaving:
    """The times of one leave-taking that began at `began_ns` and may take `timeout_ms`.

    The last quarter is for handing back what still runs, and for hearing that it was understood.
    """

    began_ns: int
    timeout_ms: int
    stopped_work: bool = False
    said_goodbye: bool = False

    @property
    def hard_stop_ns(self) -> int:
        """When what still runs is stopped."""
        return self.began_ns + int(self.timeout_ms * _MS * HARD_STOP_SHARE)

    @property
    def end_ns(self) -> int:
        """When the worker goes, whatever was heard."""
        return self.began_ns + self.timeout_ms * _MS

    def deadline_ns(self) -> int:
        """When to look again."""
        return self.end_ns if self.stopped_work else self.hard_stop_ns
