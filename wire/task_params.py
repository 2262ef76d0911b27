"""The task kinds and their parameters.

The driver checks a scenario against them before anything starts, the worker a task before it runs.

A new kind is a struct here, and a file in worker/tasks/ that runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from wire.declarations import DeclarationError
from wire.errors import DECODE_ERRORS
from wire.limits import BULK_BYTES

DIGEST_BYTES = 32
HOUR_MS = 3_600_000
P = TypeVar("P", bound="TaskParams")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


class TaskParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of every kind: `payload` has no effect but its size, so that a task can be as large as a
    real one.
    """

    payload: Annotated[
        str,
        msgspec.Meta(
            description="text of any size, without an effect: it makes the task as large as a real one"
        ),
    ] = ""


PARAMS: dict[str, type[TaskParams]] = {}
"""The parameters of each task kind, by the kind's name."""


def params_of(kind: str) -> Callable[[type[P]], type[P]]:
    """Register a struct as the parameters of a task kind."""

    def register(params: type[P]) -> type[P]:
        if kind in PARAMS:
            raise DeclarationError(f"the task kind {kind!r} is declared twice. Rename one of them")
        PARAMS[kind] = params
        return params

    return register


@params_of("noop")
class NoopParams(TaskParams, frozen=True):
    """No work: what remains is the overhead of the system itself."""


@params_of("sleep")
class SleepParams(TaskParams, frozen=True):
    """Sleep for `sleep_ms`."""

    sleep_ms: Annotated[int, msgspec.Meta(ge=0, le=HOUR_MS, description="how long it sleeps")]


@params_of("cpu")
class CpuParams(TaskParams, frozen=True):
    """Use `cpu_ms` of processor time."""

    cpu_ms: Annotated[int, msgspec.Meta(ge=0, le=HOUR_MS, description="the processor time that it uses")]


@params_of("fail")
class FailParams(TaskParams, frozen=True):
    """Fail with `message`."""

    message: Annotated[str, msgspec.Meta(description="its error")] = "failed, as it was asked to"


@params_of("command")
class CommandParams(TaskParams, frozen=True):
    """Run a program: its arguments, time limit, bytes kept of each stream, additional environment."""

    argv: Annotated[
        list[str], msgspec.Meta(min_length=1, max_length=256, description="the program and its arguments")
    ]
    timeout_ms: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=HOUR_MS, description="after how long the program and its whole process tree are killed"
        ),
    ] = 60_000
    keep_bytes: Annotated[int, msgspec.Meta(ge=0, le=64 * 1024, description="output kept of each stream")] = (
        16 * 1024
    )
    env: Annotated[dict[str, str], msgspec.Meta(description="additional environment variables")] = {}


@params_of("steps")
class StepsParams(TaskParams, frozen=True):
    """Run `steps` steps of `step_ms` each, with a state of `state_bytes` that checkpoints save."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="how many steps")]
    step_ms: Annotated[float, msgspec.Meta(ge=0, le=600_000, description="how long each step takes")] = 100.0
    state_bytes: Annotated[
        int,
        msgspec.Meta(
            ge=DIGEST_BYTES, le=BULK_BYTES, description="the size of the state that checkpoints save"
        ),
    ] = 1024


def check_params(kind: str, params: bytes) -> None:
    """Raise ValueError, with a sentence that names the field, when `params` (JSON) does not fit `kind`."""
    try:
        msgspec.json.decode(params or b"{}", type=PARAMS[kind])
    except KeyError:
        raise ValueError(f"there is no task kind {kind!r}; there are {', '.join(PARAMS)}") from None
    except DECODE_ERRORS as error:
        unknown = _UNKNOWN.match(str(error))
        known = ", ".join(PARAMS[kind].__struct_fields__)
        problem = f"there is no parameter {unknown[1]!r}; there are {known}" if unknown else str(error)
        raise ValueError(f"params of {kind}: {problem}") from None
