"""A coordinator's core with a disk in memory and a clock that a test sets, and peers without sockets."""

from __future__ import annotations

import itertools
import json
from typing import Any

from coordinator.core import AcceptedHandshake, CoordinatorCore, HandshakeRefusal
from coordinator.effects import Close
from coordinator.rows import Row
from coordinator.session import Session, TaskPhase
from tests.simulation.memory_store import MemoryStore
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.control import SubmissionReply, TaskSpec
from wire.events import Journal
from wire.handshake import Hello, Resume, Welcome, read_welcome, write_hello, write_welcome
from wire.messages import (
    Assign,
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Heartbeat,
    HeldAttempt,
    LeasesRenewed,
    Message,
    Progress,
    ReturnTask,
    Revoke,
)
from wire.priority import Priority
from wire.settings import CoordinatorSettings

KEY = bytes.fromhex("17" * 32)
MS = 1_000_000
WALL_S = 1_795_000_000.0


def session(worker: str = "worker-1", incarnation: str = "first", *, leaving: bool = False) -> Session:
    """A session that no coordinator has."""
    return Session("s1", worker, incarnation, Channel(), has_left=leaving)


def hello(incarnation: str = "first", *, resume: bool = True) -> Hello:
    """The first message of worker-1, which wants its session back."""
    wanted = Resume("s1", 1, 0) if resume else None
    return Hello(1, "worker-1", incarnation, b"n" * 16, 0.0, 1, 0, True, wanted)


class CoordinatorHarness:
    """One coordinator over one disk, through as many lives as a test gives it. While it `checks`, the core
    checks itself at each settling, in O(messages).
    """

    def __init__(self, **settings: Any) -> None:
        self.checks = True
        self.settings = CoordinatorSettings(**{"admission_burst": 1_000, **settings})
        self.store = MemoryStore()
        self.lines: list[dict[str, Any]] = []
        self.closed: list[Close] = []
        self.now_ns = 1_000_000 * MS
        self._random = itertools.count(1)
        self._pending: list[Row] = []
        self.core = self._begin()

    def _begin(self) -> CoordinatorCore:
        def write(line: bytes) -> None:
            self.lines.append(json.loads(line))

        journal = Journal("coordinator", write, lambda: self.now_ns, lambda: WALL_S)
        return CoordinatorCore(self.settings, KEY, self.store.load(), journal, self.random_bytes, self.now_ns)

    def random_bytes(self, count: int) -> bytes:
        return next(self._random).to_bytes(count, "big")

    def crash(self) -> None:
        """kill -9 and a restart: everything that is not on the disk is lost."""
        self._pending = []
        self.core = self._begin()

    def settle(self) -> None:
        """Commit all waiting rows, and those that follow from them; then the core checks itself."""
        while rows := self.take_rows():
            self.store.commit(rows)
            self._pending = []
            self.core.on_stored(self.now_ns, rows)
        self.closed += self.core.effects.take_closes()
        if self.checks:
            self.core.check()
            self._check_store()

    def _check_store(self) -> None:
        """After a crash, each session gets exactly the attempts that it holds now."""
        for session in self.core.fleet.sessions.by_id.values():
            for token, attempt in session.attempts.items():
                name = attempt.task.row.task_id
                row = self.store.attempts[name]
                assert (row.token, row.session, row.open) == (token, session.id, True), f"{name}: {row}"

    def store_now(self) -> None:
        """Commit one transaction; rows that it causes wait for the next."""
        rows = self.take_rows()
        self.store.commit(rows)
        self._pending = []
        self.core.on_stored(self.now_ns, rows)

    def take_rows(self) -> list[Row]:
        self._pending += self.core.effects.take_rows()
        return list(self._pending)

    def advance(self, ms: float) -> None:
        """Let time pass, with a tick whenever one is due."""
        end_ns = self.now_ns + int(ms * MS)
        while self.now_ns < end_ns:
            self.now_ns = min(max(self.core.next_due_ns(), self.now_ns + MS), end_ns)
            self.core.on_tick(self.now_ns)
            self.settle()

    def submit(
        self, *names: str, settle: bool = True, at_once: bool = False, **fields: Any
    ) -> SubmissionReply:
        tasks = [TaskSpec(task_id=name, kind="noop", **fields) for name in names]
        answer = self.core.on_submit(self.now_ns, tasks, at_once=at_once)
        if settle:
            self.settle()
        return answer

    def events_of(self, event: str) -> list[dict[str, Any]]:
        """Return the journal's lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    def outcomes(self) -> dict[str, str]:
        return {line["task"]: line["outcome"] for line in self.events_of("task_done")}

    def peer(self, name: str = "worker-1", *, slots: int = 1, prefetch: int = 0) -> FakePeer:
        """Return a connected worker that holds no attempts."""
        peer = FakePeer(self, name, slots=slots, prefetch=prefetch)
        peer.connect()
        peer.inventory()
        return peer

    def peer_unconnected(self, name: str) -> FakePeer:
        """Return a worker that has not sent a hello yet."""
        return FakePeer(self, name, slots=1, prefetch=0)

    def balanced(self) -> bool:
        """Return whether the task counts balance, and match the state of each task."""
        counts = self.core.ledger.counts()
        phases = [task.phase for task in self.core.ledger._tasks.values()]
        away = [phase for phase in phases if phase not in (TaskPhase.storing, TaskPhase.waiting)]
        return (
            counts.submitted == counts.completed + counts.failed + counts.waiting + counts.assigned
            and counts.waiting == phases.count(TaskPhase.waiting)
            and counts.waiting == sum(self.core.ledger.waiting_by_priority().values())
            and counts.assigned == len(away)
        )


class FakePeer:
    """A worker's end of the protocol; it does nothing by itself."""

    def __init__(self, world: CoordinatorHarness, name: str, *, slots: int, prefetch: int) -> None:
        self.world = world
        self.name = name
        self.slots = slots
        self.prefetch = prefetch
        self.incarnation = f"{name} {next(world._random)}"
        self.channel = Channel()
        self.session: tuple[str, int] | None = None
        self.connection = 0
        self.received_messages: list[Message] = []
        self.acknowledged: list[Message] = []
        self.decoder: FrameDecoder
        self.encoder: FrameEncoder

    # -- connecting ----------------------------------------

    def hello(self) -> Hello:
        resume = None if self.session is None else Resume(*self.session, received=self.channel.received)
        nonce = self.world.random_bytes(16)
        return Hello(
            1, self.name, self.incarnation, nonce, WALL_S, self.slots, self.prefetch, True, resume
        )  # fmt: skip

    def send_hello(self, hello: Hello | None = None) -> AcceptedHandshake | HandshakeRefusal:
        """Return the coordinator's answer to a hello."""
        value = write_hello(hello or self.hello(), KEY)
        return self.world.core.on_hello(self.world.now_ns, WALL_S, value)

    def connect(self) -> Welcome:
        opening = self.send_hello()
        assert isinstance(opening, AcceptedHandshake), opening
        self.world.settle()
        welcome = self.accept(opening)
        # A worker's first frame, without its attempt report: a connection without a frame stays pending.
        self.world.core.on_bytes(self.world.now_ns, self.connection, self.frame())
        self.world.settle()
        return welcome

    def accept(self, opening: AcceptedHandshake) -> Welcome:
        """Adopt a welcome."""
        welcome = read_welcome(write_welcome(opening.welcome, KEY, opening.hello), KEY, opening.hello)
        nonces = opening.hello.nonce + welcome.nonce
        keys = session_keys(KEY, welcome.session, welcome.epoch, nonces)
        self.decoder, self.encoder = (
            FrameDecoder(keys.to_worker, FrameLimits()),
            FrameEncoder(keys.to_coordinator),
        )
        self.connection = opening.connection
        if welcome.outcome == "resumed":
            self.acknowledged += self.channel.resume(welcome.received, welcome.credit)
            if welcome.new_stream:
                self.channel.restart_incoming()
        else:
            self.channel.restart(welcome.credit)
        self.session = (welcome.session, welcome.epoch)
        return welcome

    def cut(self) -> None:
        """Break the connection; the coordinator notices."""
        self.world.core.on_closed(self.world.now_ns, self.connection, "closed", "in a test")
        self.world.settle()

    # -- frames --------------------------------------------

    def frame(self, *unnumbered: Message) -> bytes:
        return self.encoder.encode(self.channel.take(self.world.now_ns, unnumbered))

    def send_frame(self, *unnumbered: Message, settle: bool = True) -> None:
        """Send the waiting messages, and receive the answer."""
        self.send(self.frame(*unnumbered), settle=settle)

    def send(self, data: bytes | str, *, settle: bool = True) -> None:
        self.world.core.on_bytes(self.world.now_ns, self.connection, data)
        if settle:
            self.world.settle()
            self.receive()

    def receive(self) -> list[Message]:
        """Receive everything that the coordinator has to send now."""
        fresh: list[Message] = []
        while (data := self.world.core.next_bytes(self.world.now_ns, self.connection)) is not None:
            arrived, acknowledged = self.channel.receive(self.decoder.decode(data))
            self.channel.commit(self.channel.received)
            self.acknowledged += acknowledged
            fresh += arrived
        self.received_messages += fresh
        return fresh

    def inventory(self, *held: Assign) -> None:
        self.send_frame(
            AttemptReport([HeldAttempt(assign.task_id, assign.token, assign.proof) for assign in held])
        )

    def beat(self, *held: Assign, step: int = 0) -> LeasesRenewed:
        """Send a heartbeat that names `held`, and return its answer."""
        progress = [Progress(assign.token, step) for assign in held]
        self.send_frame(Heartbeat(self.world.now_ns, 2_000, progress))
        answers = [message for message in self.received_messages if isinstance(message, LeasesRenewed)]
        return answers[-1]

    def finish(self, assign: Assign, *, error: str = "", settle: bool = True) -> None:
        result = AttemptResult(assign.task_id, assign.token, b'"done"', error, 0, 1, 2)
        self.queue(result)
        self.send_frame(settle=settle)

    def save(self, assign: Assign, checkpoint: Checkpoint) -> None:
        self.queue(CheckpointSaved(assign.task_id, assign.token, checkpoint))
        self.send_frame()

    def hand_back(self, assign: Assign, *, settle: bool = True) -> None:
        self.queue(ReturnTask(assign.task_id, assign.token, "draining"))
        self.send_frame(settle=settle)

    def queue(self, message: Message) -> None:
        self.channel.send(message, Priority.high, self.world.now_ns, always=True)

    # -- received messages ---------------------------------

    @property
    def assigned(self) -> list[Assign]:
        self.receive()
        return [message for message in self.received_messages if isinstance(message, Assign)]

    @property
    def revoked(self) -> list[int]:
        self.receive()
        return [message.token for message in self.received_messages if isinstance(message, Revoke)]

    def results_acknowledged(self) -> list[str]:
        self.receive()
        return [message.task_id for message in self.acknowledged if isinstance(message, AttemptResult)]
