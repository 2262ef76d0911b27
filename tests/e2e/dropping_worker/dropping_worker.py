"""The worker as it ships, except that results of every fourth task never leave it."""

from __future__ import annotations

import runpy
from typing import Any

from wire.channel import Channel
from wire.messages import AttemptResult, Message

_send = Channel.send


def _leaky_send(self: Channel, message: Message, *args: Any, **named: Any) -> None:
    if not (isinstance(message, AttemptResult) and int(message.task_id.rpartition("-")[2]) % 4 == 0):
        _send(self, message, *args, **named)


Channel.send = _leaky_send  # type: ignore[method-assign]
runpy.run_module("worker", run_name="__main__", alter_sys=True)
