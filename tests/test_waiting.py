"""Claims about the waits of tests: each ends at its time limit, and its error says what was expected."""

from __future__ import annotations

import asyncio

import pytest

from tests.waiting import eventually_answers, forever


async def test_a_question_that_is_never_answered_ends_at_the_limit() -> None:
    async with asyncio.timeout(2):
        with pytest.raises(AssertionError, match=r"expected within 0\.02 s: an answer"):
            await eventually_answers(forever, "an answer", within_s=0.02)


async def test_the_time_limit_of_the_question_itself_is_not_that_of_the_wait() -> None:
    async def ask() -> None:
        raise TimeoutError("the peer is silent")

    with pytest.raises(TimeoutError, match="the peer is silent"):
        await eventually_answers(ask, "an answer")
