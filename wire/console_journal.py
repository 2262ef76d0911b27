"""A journal that also writes a console log: the few events that a person wants to follow."""

from __future__ import annotations

from collections.abc import Callable

from wire.events import Event, Journal


class ConsoleJournal(Journal):
    """A journal that passes each event that it is called with to `console(kind, **fields)` as well.

    Events that are made with `now` and appended, as every task causes them, reach the journal alone.
    """

    def __init__(
        self,
        by: str,
        write: Callable[[bytes], object],
        monotonic_ns: Callable[[], int],
        wall_s: Callable[[], float],
        console: Callable[..., None],
    ) -> None:
        super().__init__(by, write, monotonic_ns, wall_s)
        self._console = console

    def __call__(self, kind: type[Event], /, **fields: object) -> None:
        """Append one event to the journal, and pass it to the console log."""
        super().__call__(kind, **fields)
        self._console(kind, **fields)
