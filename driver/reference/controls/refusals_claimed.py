"""More and more refusals, or attempts that were lost, are claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from driver.controls.control import GROWTH, Altered, Control, name_of
from driver.histories.history import SERVER, History
from driver.histories.run_timeline import run_timeline
from driver.reference.task_history import task_index
from wire.events import Event, FrameRefused, HandshakeRefused, ReconnectAbandoned
from wire.task_events import AttemptAbandoned, CheckpointRefused, Dropped, LeaseExpired, ResultRefused

MOST = GROWTH**6
SAYS = "claimed by a control"
Fields = dict[str, object]


def _attempt(task: str, worker: str) -> Fields:
    return {"by": SERVER, "task": task, "token": 0, "worker": worker}


def _of_worker(task: str, worker: str) -> Fields:
    return {"by": worker, "task": task, "token": 0}


KINDS: tuple[tuple[type[Event], str, Callable[[str, str], Fields]], ...] = (
    (AttemptAbandoned, "lost attempts", lambda *of: {**_attempt(*of), "reason": SAYS}),
    (ResultRefused, "refused results", lambda *of: {**_attempt(*of), "because": SAYS}),
    (CheckpointRefused, "refused checkpoints", lambda *of: {**_attempt(*of), "because": SAYS}),
    (LeaseExpired, "expired leases", _of_worker),
    (Dropped, "dropped attempts", lambda *of: {**_of_worker(*of), "reason": SAYS}),
    (
        FrameRefused, "refused frames",
        lambda task, worker: {"by": SERVER, "peer": worker, "fault": "altered", "detail": SAYS},
    ),
    (
        HandshakeRefused, "refused handshakes",
        lambda task, worker: {"by": SERVER, "worker": worker, "reason": SAYS, "detail": ""},
    ),
    (
        ReconnectAbandoned, "workers that gave up",
        lambda task, worker: {"by": worker, "reason": SAYS, "detail": ""},
    ),
)  # fmt: skip


def alter(history: History) -> Iterator[Altered]:
    """Claim events of each kind in the middle of the run, more and more of them."""
    tasks = list(history.view(task_index).tasks)
    if not tasks or not history.clients:
        return
    run = history.view(run_timeline)
    at_ns = (run.zero_ns + run.end_ns) // 2
    task, worker = tasks[-1], history.clients[0]
    for kind, what, fields in KINDS:
        at = {"event": kind.__struct_config__.tag, "at_ns": at_ns, "wall_s": 0.0}
        count = 1
        while count <= MOST:
            event = msgspec.convert({**at, **fields(task, worker)}, kind)
            change = f"{count:,} more {what} of {name_of(task)} on {name_of(worker)}"
            yield Altered(change, history.altered([], [event] * count))
            count *= GROWTH


CONTROL = Control(
    "refusals_claimed", "Refusals and lost attempts are claimed.", alter, tuple(kind for kind, *_ in KINDS),
    rank=280,
)  # fmt: skip
