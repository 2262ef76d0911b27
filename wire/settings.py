"""Settings of coordinator and workers: the fields of a scenario's `worker:` and `coordinator:` sections."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec

from wire.limits import HELD_MAX, SLOTS_MAX
from wire.policies import POLICIES

S = TypeVar("S", bound=msgspec.Struct)
MOST = 2**31 - 1
"""24 days in milliseconds, and more than any count here can be."""
AtLeast0 = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
AtLeast1 = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
CHOICE = re.compile(r"Expected `str` matching regex '\^\(([\w|]+)\)\$'")
Policy = Annotated[
    str, msgspec.Meta(pattern=f"^({'|'.join(POLICIES)})$", extra_json_schema={"enum": list(POLICIES)})
]


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One worker's settings: `worker:` in a scenario. docs/settings.md and the schema are made from them."""

    slots: Annotated[
        int, msgspec.Meta(ge=1, le=SLOTS_MAX, description="attempts that a worker runs at once")
    ] = 4
    prefetch: Annotated[
        int, msgspec.Meta(ge=0, le=SLOTS_MAX, description="attempts that a worker holds beyond its slots")
    ] = 4
    policy: Annotated[
        Policy, msgspec.Meta(description="the reconnection policy (docs/settings.md says what each draws)")
    ] = "slotted"
    base_ms: Annotated[
        AtLeast0 | None,
        msgspec.Meta(description="the policy's first delay; without it the coordinator advises one"),
    ] = None
    cap_ms: Annotated[
        AtLeast0 | None,
        msgspec.Meta(
            description="the policy's longest delay; without it fleet ÷ admission_per_s, at least 400 ms"
        ),
    ] = None
    connect_timeout_ms: Annotated[
        AtLeast1, msgspec.Meta(description="how long a worker waits for the answer to one attempt to connect")
    ] = 5_000
    compress: Annotated[
        bool,
        msgspec.Meta(
            description="whether frames are compressed where that makes them smaller; both sides must agree"
        ),
    ] = True
    adaptive_heartbeat: Annotated[
        bool,
        msgspec.Meta(description="whether the timeout is also learned from past answers (φ accrual)"),
    ] = False
    checkpoint_every_ms: Annotated[
        AtLeast0, msgspec.Meta(description="how often a running attempt saves its state")
    ] = 1_000
    drain_timeout_ms: Annotated[
        AtLeast0,
        msgspec.Meta(
            description="how long a worker may take to finish or return its attempts when it is stopped"
        ),
    ] = 8_000
    waiting_messages: Annotated[
        AtLeast1, msgspec.Meta(description="messages that wait for the coordinator at most; more are refused")
    ] = 10_000
    seed: Annotated[
        int, msgspec.Meta(description="fixes the jitter of every worker; 0: drawn in each run")
    ] = 0


class CoordinatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The coordinator's settings: `coordinator:` in a scenario.

    A tenth of the handshakes that the machine can do (`admission_per_s`) leaves room for other work
    (coordinator/admission.py).
    """

    fleet: Annotated[
        AtLeast1,
        msgspec.Meta(
            description="workers to expect, which `lab.py` sets; heartbeats and backoff scale with it"
        ),
    ] = 1
    members: Annotated[
        AtLeast0,
        msgspec.Meta(description="admits worker-1 to worker-N alone; 0 admits any name. `lab.py` sets it"),
    ] = 0
    heartbeat_interval_ms: Annotated[
        AtLeast1, msgspec.Meta(description="how often a worker sends a heartbeat; longer for large fleets")
    ] = 2_000
    heartbeat_timeout_ms: Annotated[
        AtLeast1,
        msgspec.Meta(description="after how long without an answer to a heartbeat a link is dead"),
    ] = 4_000
    lease_ms: Annotated[
        AtLeast1,
        msgspec.Meta(description="how long an attempt may run without a renewal; heartbeats renew it"),
    ] = 10_000
    grace_ms: Annotated[
        AtLeast0,
        msgspec.Meta(
            description="how long after its loss a worker keeps its attempts before others get them"
        ),
    ] = 10_000
    session_ttl_ms: Annotated[
        AtLeast1, msgspec.Meta(description="how long a lost session can be resumed")
    ] = 300_000
    admission_per_s: Annotated[
        float,
        msgspec.Meta(
            ge=0.001,
            le=1e6,
            description="new sessions admitted a second; resumed ones are admitted four times as fast",
        ),
    ] = 50.0
    admission_burst: Annotated[
        AtLeast1, msgspec.Meta(description="new sessions admitted at once after a quiet time")
    ] = 20
    held: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=HELD_MAX, description="attempts that one worker holds at most, whatever it declares"
        ),
    ] = HELD_MAX
    waiting_tasks: Annotated[
        AtLeast1, msgspec.Meta(description="tasks that wait for a worker at most; more are refused")
    ] = 200_000
    max_attempts: Annotated[AtLeast1, msgspec.Meta(description="attempts after which a task has failed")] = 5
    drain_timeout_ms: Annotated[
        AtLeast0,
        msgspec.Meta(description="how long the coordinator waits for its workers when it is stopped"),
    ] = 8_000
    compress: Annotated[
        bool, msgspec.Meta(description="whether frames are compressed where that makes them smaller")
    ] = True


def read_settings(text: str, kind: type[S]) -> S:
    """Return settings from JSON text; "" gives the defaults.

    Raises ValueError naming the key, what was expected and what was found.
    """
    try:
        return msgspec.json.decode(text or "{}", type=kind)
    except msgspec.MsgspecError as error:
        # A pattern that lists words is shown as a choice.
        detail = CHOICE.sub(lambda found: f"expected one of {found[1].replace('|', ', ')}", str(error))
        raise ValueError(f"{kind.__name__}: {detail}") from None
