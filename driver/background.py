"""Coroutines that run in the background of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from driver.errors import LabError


@asynccontextmanager
async def background(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines while the block runs, and cancel them at its end.

    An error in one of them cancels the block and is raised. Of several errors a LabError is raised first.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first LabError of a group, however deep it is nested; else the group's first error."""
    leaves: list[BaseException] = []
    stack: list[BaseException] = [errors]
    while stack:
        error = stack.pop(0)
        if isinstance(error, BaseExceptionGroup):
            stack += error.exceptions
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, LabError)), leaves[0])
