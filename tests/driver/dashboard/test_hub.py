"""Viewers: all get the same, and one that does not read slows no other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from driver.dashboard.hub import QUEUE_LENGTH, Hub, Subscriber


def parsed(message: bytes) -> tuple[str, Any]:
    head, _, data = message.decode().strip().partition("\n")
    return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def received(hub: Hub, subscriber: Subscriber) -> tuple[str, Any]:
    message = await asyncio.wait_for(subscriber.next(), 1)
    return parsed(hub.whole_state(subscriber) if message is None else message)


async def test_a_viewer_gets_the_whole_and_then_what_is_new() -> None:
    hub = Hub(lambda: {"seq": 7})
    subscriber = hub.subscribe()
    assert await received(hub, subscriber) == ("state", {"seq": 7})
    hub.publish({"seq": 8})
    assert await received(hub, subscriber) == ("delta", {"seq": 8})


async def test_a_viewer_that_does_not_read_is_given_the_whole_later_and_costs_no_memory() -> None:
    now = {"seq": 0}
    hub = Hub(lambda: dict(now))
    asleep, awake = hub.subscribe(), hub.subscribe()
    await received(hub, asleep)
    await received(hub, awake)
    for number in range(1, 100):
        now["seq"] = number
        hub.publish({"seq": number})
        assert await received(hub, awake) == ("delta", {"seq": number})
    assert await received(hub, asleep) == ("state", {"seq": 99})
    hub.publish({"seq": 100})
    assert await received(hub, asleep) == ("delta", {"seq": 100})
    assert QUEUE_LENGTH < 100


async def test_when_all_is_new_all_workers_start_again() -> None:
    hub = Hub(lambda: {"seq": 1})
    subscriber = hub.subscribe()
    await received(hub, subscriber)
    hub.publish({"seq": 2})
    hub.publish(None)
    assert await received(hub, subscriber) == ("state", {"seq": 1})
