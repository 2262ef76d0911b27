"""Many steps with a state: a task that is worth checkpoints."""

from __future__ import annotations

import asyncio
import functools
import hashlib

import msgspec

from wire.task_params import DIGEST_BYTES, StepsParams
from worker.task_kind import AsyncTask, TaskContext, TaskError


class StepsOutput(msgspec.Struct, frozen=True):
    """The hash chain over all steps: equal after any interruption where no step was skipped or repeated."""

    chain: str
    steps: int
    resumed_from: int


async def run(params: StepsParams, context: TaskContext) -> StepsOutput:
    """Hash each step's number into a chain, so that its end proves that each step ran once, in order."""
    begin, chain = 0, bytes(DIGEST_BYTES)
    if context.checkpoint is not None:
        begin, chain = context.checkpoint.step, context.checkpoint.state[:DIGEST_BYTES]
        if begin > params.steps:
            raise TaskError(f"steps: the checkpoint is at step {begin} of {params.steps}")
    for step in range(begin + 1, params.steps + 1):
        await asyncio.sleep(params.step_ms / 1000)
        chain = link(chain, step)
        state = functools.partial(padded, chain, params.state_bytes)
        await context.step_done(step, state, last=step == params.steps)
    return StepsOutput(chain.hex(), params.steps, begin)


def link(chain: bytes, step: int) -> bytes:
    """Return the chain after one more step."""
    return hashlib.sha256(chain + step.to_bytes(8, "big")).digest()


def padded(chain: bytes, size_bytes: int) -> bytes:
    """Return a state of `size_bytes` that begins with the chain; the rest is pseudo-random, so that it does
    not compress.
    """
    if size_bytes <= len(chain):
        return chain
    return chain + hashlib.shake_128(chain).digest(size_bytes - len(chain))


KIND = AsyncTask(StepsParams, run)
