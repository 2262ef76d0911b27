"""The shipped coordinator in a simulated process: its core, a disk with a delay, numbered connections."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, cast

import msgspec

from coordinator.core import AcceptedHandshake, CoordinatorCore
from coordinator.handshake import HandshakeRefusal
from coordinator.rows import (
    AttemptRow,
    PresenceRow,
    ReleaseRow,
    ResultRow,
    Row,
    SessionEndRow,
    SessionRow,
    TaskRow,
)
from coordinator.session_registry import RESUMED
from coordinator.timing import fleet_timing
from tests.simulation.books import StepBook, unkept
from tests.simulation.breach import BrokenError
from tests.simulation.clock import Clock
from tests.simulation.memory_store import MemoryStore
from tests.simulation.network import Connection
from tests.simulation.process import Process
from wire import events
from wire.control import SubmissionReply, TaskSpec
from wire.events import Journal
from wire.handshake import Hello
from wire.settings import CoordinatorSettings

COORDINATOR_END: Final = 1
ANY_COMMIT: Final = 0.1
SOME_MS: Final = 50
OVERDUE_MAX_MS: Final = 100
_MS: Final = 1_000_000
_KINDS: Final[dict[type, str]] = {
    PresenceRow: "P", ReleaseRow: "L", ResultRow: "R", SessionEndRow: "P", SessionRow: "P",
    TaskRow: "T",
}  # fmt: skip
"""Kinds of rows that matter when a crash forgets them."""


class CoordinatorProcess(Process):
    """After every call of the core it does what a shell does: rows to the disk, bytes to connections."""

    def __init__(
        self, clock: Clock, chance: random.Random, settings: CoordinatorSettings, key: bytes, journal: Journal
    ) -> None:
        super().__init__(clock)
        self.store = MemoryStore()
        self.core: CoordinatorCore | None = None
        self.crash_at_commit: str | None = None
        self.forgot = ""
        self.steps = StepBook()
        self.tempo = fleet_timing(settings, settings.fleet)
        self.silent_max_ms = self.tempo.interval_ms + self.tempo.timeout_ms + SOME_MS
        self._chance = chance
        self._settings = settings
        self._key = key
        self._journal = journal
        self._connections: dict[int, Connection] = {}
        self._heard_ns: dict[int, int] = {}
        self._rows: list[Row] = []
        self._batch: list[Row] = []
        self._is_writing = False
        self._answers: list[tuple[int, Callable[[], None]]] = []
        self._asked = 0
        self._stored = 0
        self._tick_at_ns = 0

    def start(self) -> None:
        """Start a process with the rows of the disk."""
        self.begin_life()
        self._connections, self._rows, self._batch, self._answers = {}, [], [], []
        self._is_writing, self._asked, self._stored, self._tick_at_ns = False, 0, 0, 0
        recovered = self.store.load()
        self._journal(
            events.ProcessStarted, role="coordinator", incarnation=f"life-{self.life}",
            settings=msgspec.Raw(b"{}"), epoch=recovered.epoch,
        )  # fmt: skip
        self.core = CoordinatorCore(
            self._settings,
            self._key,
            recovered,
            self._journal,
            self._chance.randbytes,
            self.clock.now_ns,
        )
        # A recorded world (tests/outside_judge) continues, so that its checkers see the consequences.
        if self.clock.is_watched and (breach := unkept(self.core, self.store, fresh=True)):
            raise BrokenError(f"restarted: {breach}")
        self._settle()

    def kill(self) -> None:
        """SIGKILL. Connections break as the kernel closes them."""
        self.forgot = self.unstored()
        self.end_life()
        self.core = None
        for connection in list(self._connections.values()):
            connection.close(COORDINATOR_END, "reset")
        self._connections = {}

    # -- what comes in -------------------------------------

    def hello(
        self, value: str, hello: Hello | None, connection: Connection
    ) -> AcceptedHandshake | HandshakeRefusal:
        """An upgrade request; an AcceptedHandshake means that the connection is open. `hello` is what
        `value` says, None when it was damaged on its way.
        """
        assert self.core is not None
        may_resume = hello is not None and self._is_resumable(self.core, hello)
        is_late = hello is not None and self._has_newer(self.core, hello)
        answer = self.core.on_hello(self.clock.now_ns, self.clock.wall_s(), value)
        if isinstance(answer, AcceptedHandshake):
            if may_resume and answer.welcome.outcome != RESUMED:
                raise BrokenError(f"an open session was not resumed: {answer.welcome.because}")
            if is_late:
                raise BrokenError(f"an older process took {answer.hello.worker} from a newer one that lives")
            self._connections[answer.connection] = connection
            self._heard_ns[answer.connection] = self.clock.now_ns
        return answer

    def listen(self, connection: Connection, number: int) -> None:
        """Receive the frames of an accepted connection."""
        connection.attach(
            self.inside_with(lambda data: self.receive(number, data)),
            self.inside_with(lambda why: self.closed(number, why)),
        )

    def settle_after_hello(self) -> None:
        """What the core wants done once the answer to a hello is on its way."""
        self._settle()

    def receive(self, number: int, data: bytes) -> None:
        """Bytes of a connection."""
        assert self.core is not None
        connection, frames = self._connections.get(number), self.core.traffic.totals["frames_received"]
        self.core.on_bytes(self.clock.now_ns, number, data)
        if connection is not None and self.core.traffic.totals["frames_received"] > frames:
            self._heard_ns[number] = self.clock.now_ns
            connection.accepted(COORDINATOR_END, data)
        self._settle()

    def closed(self, number: int, why: str) -> None:
        """A connection ended."""
        assert self.core is not None
        self._connections.pop(number, None)
        self.core.on_closed(self.clock.now_ns, number, why, "simulated")
        self._settle()

    def submit(
        self, tasks: list[TaskSpec], answer: Callable[[SubmissionReply], None], *, at_once: bool
    ) -> None:
        """The driver submits; `answer` is called once the tasks are durable, and never if the process
        dies.
        """
        assert self.core is not None
        submitted = self.core.on_submit(self.clock.now_ns, tasks, at_once=at_once)
        self._collect()
        self._answers.append((self._asked, lambda: answer(submitted)))
        self._settle()

    def drain(self) -> None:
        """SIGTERM."""
        assert self.core is not None
        self.core.on_drain(self.clock.now_ns)
        self._settle()

    # -- what must hold ------------------------------------

    def overlooked(self) -> str:
        """A connection that is silent for too long."""
        if self.core is None:
            return ""
        since_ns = self.clock.now_ns - self.silent_max_ms * _MS
        if since_ns <= self.frozen_until_ns:
            return ""
        for number, speaker in self.core.fleet.connections.items():
            if self._heard_ns[number] < since_ns:
                return f"the coordinator has not noticed that {speaker.session.worker} is silent"
        return ""

    def link_breach(self) -> str:
        """Return the breach of a worker that has two open connections; "" when none has."""
        if self.core is None:
            return ""
        for number, speaker in self.core.fleet.connections.items():
            if speaker.session.connection != number:
                return f"{speaker.session.worker} has two connections"
        return ""

    def incumbent(self, worker: str) -> str:
        """Return the incarnation of the open session of a worker's name; "" when there is none."""
        if self.core is None:
            return self.store.incarnation_of(worker)
        known = self.core.fleet.sessions.of(worker)
        return known.incarnation if known is not None else ""

    def unkept_breach(self) -> str:
        """Where memory and disk disagree; "" where nowhere, or while rows are on their way to the disk."""
        if self.core is None or self._asked != self._stored:
            return ""
        return unkept(self.core, self.store, fresh=False)

    def idle_breach(self) -> str:
        """Return a worker with room while a task waits; "" when there is none, or assigning is held."""
        core = self.core
        if core is None or not core.ledger.assigning:
            return ""
        for session in core.fleet.sessions.by_id.values():
            has_room = len(session.attempts) < session.capacity and session.is_ready
            if has_room and core.ledger.waiting():
                return f"a task waits, though {session.worker} holds {len(session.attempts)} attempts"
        return ""

    def overdue_breach(self) -> str:
        """Return an attempt that is still open long after its lease expired; "" when there is none."""
        if self.core is None:
            return ""
        seen_ns = self.clock.now_ns - OVERDUE_MAX_MS * _MS
        if seen_ns < self.frozen_until_ns:
            return ""
        for session in self.core.fleet.sessions.by_id.values():
            for attempt in session.attempts.values():
                if attempt.deadline_ns < seen_ns:
                    return f"{attempt.task.row.task_id} is still {session.worker}'s, whose lease is over"
        return ""

    def theft_breach(self, given_to: dict[int, str]) -> str:
        """Return an attempt that is not in the session of its own worker; "" when there is none."""
        sessions = self.core.fleet.sessions.by_id.values() if self.core is not None else ()
        for session in sessions:
            for token, attempt in session.attempts.items():
                if given_to.get(token) != session.worker:
                    return f"{attempt.task.row.task_id} is {session.worker}'s, and was given to another one"
        return ""

    def unstored(self) -> str:
        """Return the kinds of rows that are not on the disk yet, a letter each, in order."""
        core = self.core
        if core is None or self._asked == self._stored:
            rows = [] if core is None else core.effects.rows
        else:
            rows = [*self._batch, *self._rows, *core.effects.rows]
        kinds = set()
        for row in rows:
            kind = type(row)
            if kind is AttemptRow:
                kinds.add("A" if cast("AttemptRow", row).open else "E")
            else:
                kinds.add(_KINDS.get(kind, ""))
        return "".join(sorted(kinds))

    def _is_resumable(self, core: CoordinatorCore, hello: Hello) -> bool:
        """Whether a hello asks for an open session of its worker and incarnation."""
        asked = core.fleet.sessions.by_id.get(hello.resume.session) if hello.resume else None
        is_its = asked is not None and asked is core.fleet.sessions.of(hello.worker)
        return is_its and asked is not None and asked.incarnation == hello.incarnation and not asked.has_left

    def _has_newer(self, core: CoordinatorCore, hello: Hello) -> bool:
        """Whether a hello comes from an older process while a newer one of its name is connected."""
        known = core.fleet.sessions.of(hello.worker)
        if hello.resume is None or known is None or known.connection is None:
            return False
        return known.incarnation > hello.incarnation

    # -- what goes out -------------------------------------

    def _collect(self) -> None:
        assert self.core is not None
        rows = self.core.effects.take_rows()
        self._asked += len(rows)
        self._rows += rows

    def _settle(self) -> None:
        core = self.core
        assert core is not None
        self._collect()
        for number in core.effects.take_wakes():
            connection = self._connections.get(number)
            while connection is not None and (data := core.next_bytes(self.clock.now_ns, number)) is not None:
                connection.send(COORDINATOR_END, data)
        for close in core.effects.take_closes():
            connection = self._connections.pop(close.connection, None)
            if connection is not None:
                connection.close(COORDINATOR_END, f"code {int(close.code)}")
        self._write()
        self._answer()
        self._plan_tick(core)

    def _write(self) -> None:
        if self._is_writing or not self._rows:
            return
        self._is_writing = True
        batch, self._rows = self._rows, []
        self._batch = batch
        self.soon(int(self._chance.uniform(0.1, 8.0) * _MS), lambda: self._commit(batch))

    def _commit(self, batch: list[Row]) -> None:
        crash = self._crash_now(batch)
        if crash == "before":
            self.kill()
            return
        for row in batch:
            if isinstance(row, ResultRow) and (breach := self.steps.breach(row)) and self.clock.is_watched:
                raise BrokenError(breach)
        self.store.commit(batch)
        if crash == "after":
            self.kill()
            return
        assert self.core is not None
        self._is_writing = False
        self._batch = []
        self._stored += len(batch)
        self.core.on_stored(self.clock.now_ns, batch)
        self._settle()

    def _crash_now(self, batch: list[Row]) -> str | None:
        """Whether the pending crash happens at this commit: mostly at one that has a result, or an attempt
        that has just begun.
        """
        worth = AttemptRow if self._chance.random() < 0.3 else ResultRow
        crash = self.crash_at_commit
        if crash is None:
            return None
        at_stake = any(isinstance(row, worth) for row in batch)
        if not at_stake and self._chance.random() >= ANY_COMMIT:
            return None
        self.crash_at_commit = None
        return crash

    def _answer(self) -> None:
        while self._answers and self._answers[0][0] <= self._stored:
            self._answers.pop(0)[1]()

    def _plan_tick(self, core: CoordinatorCore) -> None:
        due_ns = max(core.next_due_ns(), self.clock.now_ns + _MS)
        if self._tick_at_ns > self.clock.now_ns and self._tick_at_ns <= due_ns:
            return
        self._tick_at_ns = due_ns

        def tick() -> None:
            if self._tick_at_ns == due_ns and self.core is not None:
                self._tick_at_ns = 0
                self.core.on_tick(self.clock.now_ns)
                self._settle()

        self.clock.at(due_ns, self.inside(tick))
