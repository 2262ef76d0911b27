"""The load of a run: each task and its intended start. Open-loop and seeded: a slow answer delays no other
task. Pure.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from pydantic import Field, model_validator

from chaos.model import Strict
from chaos.unit_types import PerSecond, Seconds, Share, SizeBytes
from driver.arrivals import ArrivalSchedule
from wire.control import TaskSpec
from wire.limits import PARAMS_BYTES
from wire.priority import Priority
from wire.task_params import PARAMS, check_params

MAX_TASKS = 5_000_000
DRAWN_BYTES = 256
"""Params of another draw may be longer by this."""
_BETWEEN = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


class Kind(Strict):
    """One kind of task in the mix. In `params` a text like `50..200` is drawn for each task."""

    kind: Annotated[
        str,
        Field(
            min_length=1,
            description="a kind that the workers execute, like sleep",
            json_schema_extra={"enum": [*PARAMS]},
        ),
    ]
    share: Annotated[Share, Field(gt=0, description="share of all tasks")] = 1.0
    params: Annotated[dict[str, Any], Field(description="the kind's own parameters")] = {}
    payload_bytes: Annotated[SizeBytes, Field(le=PARAMS_BYTES, description="random bytes in each task")] = 0

    @model_validator(mode="after")
    def _is_what_workers_take(self) -> Kind:
        params = bytes(_params(self, random.Random(0)))
        check_params(self.kind, params)
        # The coordinator's own limit, checked here for the scenario and not there for each task.
        if len(params) > PARAMS_BYTES - DRAWN_BYTES:
            raise ValueError(
                f"expected params, payload included, of at most {PARAMS_BYTES - DRAWN_BYTES} bytes as JSON; "
                f"found {len(params)}: make payload_bytes smaller"
            )
        return self


class Workload(ArrivalSchedule):
    """The tasks that are submitted while the run lasts."""

    rate_per_s: Annotated[PerSecond, Field(gt=0, le=20_000, description="tasks a second")]
    burst: Annotated[int, Field(ge=1, le=10_000, description="burst: tasks that arrive together")] = 1
    kinds: Annotated[
        tuple[Kind, ...], Field(min_length=1, description="the mix of kinds; shares add up to 1")
    ]
    priorities: Annotated[dict[str, Share], Field(description="share of each priority; they add up to 1")] = {
        "normal": 1.0
    }
    failures: Annotated[Share, Field(description="share of tasks that fail by design (kind `fail`)")] = 0.0
    timeout_s: Annotated[Seconds, Field(gt=0, le=3600, description="how long one attempt may run")] = 60.0
    max_attempts: Annotated[
        int, Field(ge=0, le=100, description="attempts for each task; 0: the coordinator's setting")
    ] = 0

    @model_validator(mode="after")
    def _whole(self) -> Workload:
        _adds_up("kinds", [kind.share for kind in self.kinds])
        _adds_up("priorities", list(self.priorities.values()))
        for name in self.priorities:
            if name not in Priority.__members__:
                raise ValueError(
                    f"expected priorities among {', '.join(Priority.__members__)}; found {name!r}"
                )
        return self


def generate(
    workload: Workload, seed: int, duration_s: float, start_ns: int = 0
) -> Iterator[tuple[float, TaskSpec]]:
    """Yield every task of a run with its due time in seconds after the start; its `intended_ns` is `start_ns`
    plus that. The same seed yields the same tasks.
    """
    draw = random.Random(f"{seed}/workload")
    weights = [kind.share for kind in workload.kinds]
    names, shares = list(workload.priorities), list(workload.priorities.values())
    for number, at_s in enumerate(workload.due_times(draw, duration_s), 1):
        kind = draw.choices(workload.kinds, weights)[0]
        priority = draw.choices(names, shares)[0]
        fails = draw.random() < workload.failures
        yield (
            at_s,
            TaskSpec(
                task_id=f"task-{number:06d}",
                kind="fail" if fails else kind.kind,
                params=msgspec.Raw(b"{}") if fails else _params(kind, draw),
                priority=priority,
                intended_ns=start_ns + round(at_s * 1e9),
                timeout_ms=round(workload.timeout_s * 1000),
                max_attempts=workload.max_attempts,
            ),
        )


def _params(kind: Kind, draw: random.Random) -> msgspec.Raw:
    params = {key: _drawn(value, draw) for key, value in kind.params.items()}
    if kind.payload_bytes:
        # Random text of that length, which compresses by at most base64's own quarter.
        raw = draw.randbytes(kind.payload_bytes * 3 // 4 + 3)
        params["payload"] = base64.b64encode(raw).decode()[: kind.payload_bytes]
    return msgspec.Raw(msgspec.json.encode(params))


def _drawn(value: Any, draw: random.Random) -> Any:
    match = _BETWEEN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    if "." in match[1] or "." in match[2]:
        return draw.uniform(float(match[1]), float(match[2]))
    return draw.randint(int(match[1]), int(match[2]))


def _adds_up(what: str, shares: list[float]) -> None:
    if abs(sum(shares) - 1.0) > 1e-6:
        raise ValueError(f"expected shares of {what} that add up to 1; they add up to {sum(shares):g}")
