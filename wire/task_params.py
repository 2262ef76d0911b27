"""The kinds of task there are, and what each may be given.

The driver checks a scenario against them before anything starts, the worker a task before it runs.

A new kind is a struct and a line in PARAMS here, and a file in worker/tasks/ that does it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.errors import DECODE_ERRORS
from wire.messages import MAX_BULK_BYTES

DIGEST_BYTES = 32
HOUR_MS = 3_600_000


class TaskParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every kind takes: a payload that only weighs, so that a task can be as large as a real one."""

    payload: str = ""


class NoopParams(TaskParams, frozen=True):
    """Nothing to do: what is left is the cost of the system itself."""


class SleepParams(TaskParams, frozen=True):
    """Wait for so long."""

    sleep_ms: Annotated[int, msgspec.Meta(ge=0, le=HOUR_MS)]


class CpuParams(TaskParams, frozen=True):
    """Use so much processor time."""

    cpu_ms: Annotated[int, msgspec.Meta(ge=0, le=HOUR_MS)]


class FailParams(TaskParams, frozen=True):
    """Fail, and say this."""

    message: str = "failed, as it was asked to"


class CommandParams(TaskParams, frozen=True):
    """The program with its arguments, its time limit, how much of each stream to keep, extra environment."""

    argv: Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=HOUR_MS)] = 60_000
    keep_bytes: Annotated[int, msgspec.Meta(ge=0, le=64 * 1024)] = 16 * 1024
    env: dict[str, str] = {}


class StepsParams(TaskParams, frozen=True):
    """How many steps, how long each takes, and how large the state is that is saved between them."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    step_ms: Annotated[float, msgspec.Meta(ge=0, le=600_000)] = 100.0
    state_bytes: Annotated[int, msgspec.Meta(ge=DIGEST_BYTES, le=MAX_BULK_BYTES)] = 1024


PARAMS: dict[str, type[TaskParams]] = {
    "noop": NoopParams,
    "sleep": SleepParams,
    "cpu": CpuParams,
    "fail": FailParams,
    "command": CommandParams,
    "steps": StepsParams,
}


def check_params(kind: str, params: bytes) -> None:
    """Raise ValueError, with a sentence that names the field, when `params` (JSON) does not fit `kind`."""
    try:
        msgspec.json.decode(params or b"{}", type=PARAMS[kind])
    except KeyError:
        raise ValueError(f"there is no task kind {kind!r}; there are {', '.join(PARAMS)}") from None
    except DECODE_ERRORS as error:
        raise ValueError(f"params of {kind}: {error}") from None
