"""A hostile worker that has the key: it claims attempts of other workers with results, checkpoints, returns,
progress and attempt reports, under the names and tokens that were assigned to those workers.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Final

import msgspec

from wire.channel import Channel
from wire.messages import (
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Envelope,
    Frame,
    Heartbeat,
    HeldAttempt,
    Message,
    Progress,
    ReturnTask,
)
from wire.priority import Priority
from wire.task_events import Assigned

LIES: Final = 0.2
NEWEST: Final = 8
STEP: Final = 1_000
PROOF_BYTES: Final = 8


def lie(channel: Channel, loot: Sequence[Assigned], name: str, chance: random.Random, now_ns: int) -> None:
    """Now and then, queue a message about an attempt of another worker."""
    stolen = _stolen(loot, name)
    if not stolen or chance.random() >= LIES:
        return
    what = chance.choice(stolen)
    state = b"forged"
    checkpoint = Checkpoint(STEP, state, hashlib.sha256(state).digest())
    messages: tuple[Message, ...] = (
        AttemptResult(what.task, what.token, b"null", "", 0, 1, 2, STEP),
        AttemptResult(what.task, what.token, b"null", "forged", 0, 1, 2),
        CheckpointSaved(what.task, what.token, checkpoint),
        ReturnTask(what.task, what.token, "forged"),
    )
    channel.send(chance.choice(messages), Priority.critical, now_ns, always=True)


def forged(frame: Frame, loot: Sequence[Assigned], name: str, chance: random.Random) -> Frame:
    """`frame`, its inventory and heartbeat with attempts of others in them, shown with any proof at hand."""
    stolen = _stolen(loot, name)
    envelopes = [_forged(envelope, stolen, chance) for envelope in frame.envelopes]
    return msgspec.structs.replace(frame, envelopes=envelopes)


def _forged(envelope: Envelope, stolen: list[Assigned], chance: random.Random) -> Envelope:
    message: Message = envelope.message
    if isinstance(message, AttemptReport):
        proofs = [b"", bytes(PROOF_BYTES), chance.randbytes(PROOF_BYTES)]
        proofs += [held.proof for held in message.held]
        claims = [HeldAttempt(what.task, what.token, chance.choice(proofs)) for what in stolen]
        message = AttemptReport([*message.held, *claims])
    elif isinstance(message, Heartbeat):
        progress = [Progress(what.token, STEP) for what in stolen]
        message = msgspec.structs.replace(message, progress=[*message.progress, *progress])
    return Envelope(envelope.sequence, message)


def _stolen(loot: Sequence[Assigned], name: str) -> list[Assigned]:
    """The newest attempts that were given to others."""
    return [what for what in loot[-2 * NEWEST :] if what.worker != name][-NEWEST:]
