"""Settings of coordinator and workers: the fields of a scenario's `worker:` and `coordinator:` sections."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec

from wire.limits import HELD_MAX, SLOTS_MAX

S = TypeVar("S", bound=msgspec.Struct)
MOST = 2**31 - 1
"""24 days in milliseconds, and more than any count here can be."""
AtLeast0 = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
AtLeast1 = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
CHOICE = re.compile(r"Expected `str` matching regex '\^\(([\w|]+)\)\$'")
POLICIES = (
    *("none", "fixed", "exponential", "equal_jitter", "full_jitter", "decorrelated", "websockets", "seed"),
    "slotted",
)
"""The names of worker/policies, so that a scenario with another name is refused before anything starts."""
Policy = Annotated[
    str, msgspec.Meta(pattern=f"^({'|'.join(POLICIES)})$", extra_json_schema={"enum": list(POLICIES)})
]


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One worker's settings. `policy` names an entry of the catalogue of reconnection policies.

    `base_ms` and `cap_ms` are the policy's own; None takes the advice of the coordinator's welcome.
    """

    slots: Annotated[int, msgspec.Meta(ge=1, le=SLOTS_MAX)] = 4
    prefetch: Annotated[int, msgspec.Meta(ge=0, le=SLOTS_MAX)] = 4
    policy: Policy = "slotted"
    base_ms: AtLeast0 | None = None
    cap_ms: AtLeast0 | None = None
    connect_timeout_ms: AtLeast1 = 5_000
    compress: bool = True
    adaptive_heartbeat: bool = False
    checkpoint_every_ms: AtLeast0 = 1_000
    drain_timeout_ms: AtLeast0 = 8_000
    waiting_messages: AtLeast1 = 10_000
    seed: int = 0


class CoordinatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The coordinator's settings.

    `fleet` is the number of workers to expect (heartbeats and backoff scale with it). `members` N admits
    worker-1 … worker-N alone; 0 admits any name, so that a lab can be scaled by hand. `held` limits the
    attempts of a worker, whatever it declares.

    `admission_per_s` applies to workers that begin; those that resume a session are admitted four times as
    fast (coordinator/admission.py). A tenth of the handshakes that the machine can do leaves room for other
    work.
    """

    fleet: AtLeast1 = 1
    members: AtLeast0 = 0
    heartbeat_interval_ms: AtLeast1 = 2_000
    heartbeat_timeout_ms: AtLeast1 = 4_000
    lease_ms: AtLeast1 = 10_000
    grace_ms: AtLeast0 = 10_000
    session_ttl_ms: AtLeast1 = 300_000
    admission_per_s: Annotated[float, msgspec.Meta(ge=0.001, le=1e6)] = 50.0
    admission_burst: AtLeast1 = 20
    held: Annotated[int, msgspec.Meta(ge=1, le=HELD_MAX)] = HELD_MAX
    waiting_tasks: AtLeast1 = 200_000
    max_attempts: AtLeast1 = 5
    drain_timeout_ms: AtLeast0 = 8_000
    compress: bool = True


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
