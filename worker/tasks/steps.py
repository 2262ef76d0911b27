"""Many steps with a state that grows along: a task that is worth checkpoints."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from typing import Annotated

import msgspec

from wire.messages import MAX_BULK_BYTES
from worker.tasks.kind import Context, OnLoop, TaskError

_DIGEST_BYTES = 32


class StepsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many steps, how long each takes, and how large its state is."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    step_ms: Annotated[float, msgspec.Meta(ge=0, le=600_000)] = 100.0
    state_bytes: Annotated[int, msgspec.Meta(ge=_DIGEST_BYTES, le=MAX_BULK_BYTES)] = 1024


class StepsOutput(msgspec.Struct, frozen=True):
    """The chain over all steps: the same whatever was interrupted, if nothing was left out or done twice."""

    chain: str
    steps: int
    resumed_from: int


async def run(params: StepsParams, context: Context) -> StepsOutput:
    """Each step hashes its number into a chain, so that the end proves that every step was done once, in
    order.
    """
    begin, chain = 0, bytes(_DIGEST_BYTES)
    if context.checkpoint is not None:
        begin, chain = context.checkpoint.step, context.checkpoint.state[:_DIGEST_BYTES]
        if begin > params.steps:
            raise TaskError(f"steps: the checkpoint is at step {begin} of {params.steps}")
    for step in range(begin + 1, params.steps + 1):
        await asyncio.sleep(params.step_ms / 1000)
        chain = link(chain, step)
        state = functools.partial(padded, chain, params.state_bytes)
        await context.step_done(step, state, last=step == params.steps)
    return StepsOutput(chain.hex(), params.steps, begin)


def link(chain: bytes, step: int) -> bytes:
    """The chain after one more step."""
    return hashlib.sha256(chain + step.to_bytes(8, "big")).digest()


def padded(chain: bytes, size_bytes: int) -> bytes:
    """A state of `size_bytes` that begins with the chain; the rest looks random, so that it does not compress
    away.
    """
    if size_bytes <= len(chain):
        return chain
    return chain + hashlib.shake_128(chain).digest(size_bytes - len(chain))


KIND = OnLoop(StepsParams, run)
