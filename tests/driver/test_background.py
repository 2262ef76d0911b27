"""Background work lives as long as its block, and its errors end the block."""

from __future__ import annotations

import asyncio

import pytest

from driver.background import background, first_error
from driver.errors import LabError
from tests.waiting import forever


async def test_background_work_ends_with_its_block() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async with background(work()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_an_error_of_background_work_ends_the_block_and_is_raised() -> None:
    async def work() -> None:
        raise LabError("The engine is gone.")

    with pytest.raises(LabError, match="The engine is gone"):
        async with background(work()):
            await forever()


def test_of_several_errors_ours_is_raised() -> None:
    inner = ExceptionGroup("inner", [LabError("ours")])
    assert str(first_error(ExceptionGroup("outer", [ValueError("theirs"), inner]))) == "ours"
