"""The model: a coordinator's shell on one processor core, where every deed takes its time.

As libuv does it under the real shell, it works in turns: a turn takes in whatever waits in the listening
socket's backlog, then reads and answers every connection that had something to say when the turn began, in
order of arrival. The backlog is as long as the shell's; a SYN that finds it full is dropped by the kernel. A
connection whose hello was not read within the shell's OPEN_TIMEOUT_S of its acceptance is dropped unread. A
hello whose client has left meanwhile is still read and answered, for the kernel reports the end after the
data.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from coordinator.core import AcceptedHandshake, CoordinatorCore
from coordinator.handshake import HandshakeRefusal
from coordinator.rows import Row
from coordinator.server import OPEN_TIMEOUT_S, TICK_S
from tests.simulation.clock import Clock

Job = Callable[[], int]
"""Does something and returns how long it took, in ns."""
COMMIT_NS = 5_000_000
_S = 1_000_000_000
TICK_NS = int(TICK_S * _S)


class Caller(Protocol):
    """One connection as the coordinator's kernel sees it: a client's attempt, perhaps given up."""

    is_closed: bool

    def hello(self) -> str:
        """The header's value."""
        ...

    def answered(self, answer: AcceptedHandshake | HandshakeRefusal) -> None:
        """The door's answer leaves for it."""
        ...

    def receive(self, data: bytes) -> None:
        """A frame leaves for it."""
        ...

    def ended(self, code: int) -> None:
        """The coordinator closed it."""
        ...


@dataclass(frozen=True)
class Prices:
    """Nanoseconds of the core for each deed, all else being free. `refused` and the like are without
    `accepted`.
    """

    accepted: int
    abandoned: int
    refused: int
    resumed: int
    frame: int


class BusyCore:
    """One coordinator's core on one processor core."""

    def __init__(self, clock: Clock, core: CoordinatorCore, prices: Prices, backlog: int) -> None:
        self.core = core
        self.dropped = self.stale = self.served = 0
        self._clock = clock
        self._prices = prices
        self._backlog_max = backlog
        self._backlog: deque[Caller] = deque()
        self._jobs: deque[Job] = deque()
        self._callers: dict[int, Caller] = {}
        self._rows: list[Row] = []
        self._is_writing = False
        self._is_busy = False
        self._clock.after(TICK_NS, self._tick_due)

    def syn(self, caller: Caller) -> bool:
        """A connection asks to be taken into the backlog; False when that is full."""
        if len(self._backlog) >= self._backlog_max:
            self.dropped += 1
            return False
        self._backlog.append(caller)
        self._wake()
        return True

    def receive(self, connection: int, data: bytes) -> None:
        """A frame came in."""
        self._jobs.append(lambda: self._hear(connection, data))
        self._wake()

    def closed(self, connection: int) -> None:
        """A connection ended."""
        self._jobs.append(lambda: self._close(connection))
        self._wake()

    # -- turns ---------------------------------------------

    def _wake(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            self._clock.after(0, self._turn)

    def _turn(self) -> None:
        """What waits when the turn begins is done in it; what comes meanwhile waits for the next."""
        todo, self._jobs = self._jobs, deque()
        while self._backlog:
            todo.appendleft(self._accepting(self._backlog.pop()))
        self._next(todo)

    def _next(self, todo: deque[Job]) -> None:
        if todo:
            took_ns = todo.popleft()()
            self._settle()
            self._clock.after(took_ns, lambda: self._next(todo))
        elif self._jobs or self._backlog:
            self._turn()
        else:
            self._is_busy = False

    def _accepting(self, caller: Caller) -> Job:
        def accept() -> int:
            accepted_ns = self._clock.now_ns
            self._jobs.append(lambda: self._answer(caller, accepted_ns))
            return self._prices.accepted

        return accept

    # -- deeds ---------------------------------------------

    def _answer(self, caller: Caller, accepted_ns: int) -> int:
        """Read a hello and answer it; the answer leaves when the work on it is done."""
        if self._clock.now_ns - accepted_ns > OPEN_TIMEOUT_S * _S:
            self.stale += 1
            return 0
        answer = self.core.on_hello(self._clock.now_ns, self._clock.wall_s(), caller.hello())
        if isinstance(answer, AcceptedHandshake):
            took_ns = self._prices.abandoned if caller.is_closed else self._prices.resumed
            self._callers[answer.connection] = caller
        else:
            took_ns = self._prices.refused
        self._clock.after(took_ns, lambda: self._answered(caller, answer))
        return took_ns

    def _answered(self, caller: Caller, answer: AcceptedHandshake | HandshakeRefusal) -> None:
        if not caller.is_closed:
            self.served += isinstance(answer, AcceptedHandshake)
            caller.answered(answer)
            return
        self.stale += 1
        if isinstance(answer, AcceptedHandshake):
            self._close(answer.connection)
            self._settle()

    def _hear(self, connection: int, data: bytes) -> int:
        self.core.on_bytes(self._clock.now_ns, connection, data)
        return self._prices.frame

    def _close(self, connection: int) -> int:
        self._callers.pop(connection, None)
        self.core.on_closed(self._clock.now_ns, connection, "reset", "in the model")
        return 0

    # -- what the core wants -------------------------------

    def _settle(self) -> None:
        effects = self.core.effects
        self._rows += effects.take_rows()
        for number in effects.take_wakes():
            caller = self._callers.get(number)
            while (
                caller is not None and (data := self.core.next_bytes(self._clock.now_ns, number)) is not None
            ):
                caller.receive(data)
        for close in effects.take_closes():
            caller = self._callers.pop(close.connection, None)
            if caller is not None:
                caller.ended(close.code)
        if self._rows and not self._is_writing:
            self._is_writing = True
            rows, self._rows = self._rows, []
            self._clock.after(COMMIT_NS, lambda: self._stored(rows))

    def _stored(self, rows: list[Row]) -> None:
        self._is_writing = False
        self._jobs.append(lambda: self._keep(rows))
        self._wake()

    def _keep(self, rows: list[Row]) -> int:
        self.core.on_stored(self._clock.now_ns, rows)
        return 0

    def _tick_due(self) -> None:
        self._jobs.append(self._tick)
        self._wake()

    def _tick(self) -> int:
        self.core.on_tick(self._clock.now_ns)
        self._clock.after(TICK_NS, self._tick_due)
        return 0
